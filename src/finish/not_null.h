/*-------------------------------------------------------------------------
 *
 * not_null.h
 *	  NOT NULL constraints of partitions whose keys become parts of a key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_NOT_NULL_H
#define OSC_NOT_NULL_H

#include "store/job.h"

extern List *osc_own_not_nulls(OscJob *job);
extern void osc_not_nulls_inherit(OscJob *job, List *own);

#endif							/* OSC_NOT_NULL_H */
