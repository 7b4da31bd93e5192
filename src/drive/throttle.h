/*-------------------------------------------------------------------------
 *
 * throttle.h
 *	  Going slower, or not at all for a while, for the sake of others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_THROTTLE_H
#define OSC_THROTTLE_H

#include "drive/steps.h"

extern char *osc_throttle_reason(const OscJob *job);
extern bool osc_throttle_holds(OscJob *job, OscStep *step);
extern void osc_throttle_after(OscJob *job, OscStep *step, OscPhase phase,
							   TimestampTz since);
extern int	osc_throttle_pause_ms(double worked_ms);
extern void osc_require_disk(Oid relid);

#endif							/* OSC_THROTTLE_H */
