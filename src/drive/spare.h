/*-------------------------------------------------------------------------
 *
 * spare.h
 *	  How many parallel workers an index build may use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SPARE_H
#define OSC_SPARE_H

#include "store/job.h"

extern char *osc_spare_workers(Oid relid);
extern void osc_leave_processors(const OscJob *job);

#endif							/* OSC_SPARE_H */
