/*-------------------------------------------------------------------------
 *
 * blockers.h
 *	  What becomes of sessions that keep a job from its locks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_BLOCKERS_H
#define OSC_BLOCKERS_H

#include "base/locks.h"
#include "store/job.h"

extern bool osc_blockers_met(OscJob *job, const OscLockSet *set, const char *purpose);
extern bool osc_blockers_of_sources(OscJob *job);
extern int	osc_blockers_limit_delay(const OscJob *job, int delay_ms);

#endif							/* OSC_BLOCKERS_H */
