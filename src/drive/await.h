/*-------------------------------------------------------------------------
 *
 * await.h
 *	  Waiting for a job.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_AWAIT_H
#define OSC_AWAIT_H

extern void osc_control_wait(int64 job_id, double timeout_ms);

#endif							/* OSC_AWAIT_H */
