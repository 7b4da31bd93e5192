/*-------------------------------------------------------------------------
 *
 * events.h
 *	  The audit trail of a job.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_EVENTS_H
#define OSC_EVENTS_H

#include "store/job.h"

extern void osc_event(const OscJob *job, const char *event, double duration_ms,
					  const char *detail_json);
extern void osc_event_text(const OscJob *job, const char *event, double duration_ms,
						   const char *key, const char *text);
extern void osc_event_notices(OscJob *job, List *notices);

#endif							/* OSC_EVENTS_H */
