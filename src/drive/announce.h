/*-------------------------------------------------------------------------
 *
 * announce.h
 *	  Telling listeners that a job has moved on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_ANNOUNCE_H
#define OSC_ANNOUNCE_H

#include "store/job.h"

extern void osc_announce(int64 job_id);
extern bool osc_is_news(const OscJob *job);

#endif							/* OSC_ANNOUNCE_H */
