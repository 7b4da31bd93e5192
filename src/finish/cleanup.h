/*-------------------------------------------------------------------------
 *
 * cleanup.h
 *	  Removing what a job has made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CLEANUP_H
#define OSC_CLEANUP_H

#include "store/job.h"

extern bool osc_cleanup_step(OscJob *job);
extern bool osc_cleanup_member_step(OscJob *job, const OscMember *m);

#endif							/* OSC_CLEANUP_H */
