/*-------------------------------------------------------------------------
 *
 * revert.h
 *	  Taking a swap of columns back, and what is proved afterwards.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REVERT_H
#define OSC_REVERT_H

#include "store/job.h"

extern bool osc_revert_once(OscJob *job);
extern bool osc_prove_after_revert(OscJob *job);

#endif							/* OSC_REVERT_H */
