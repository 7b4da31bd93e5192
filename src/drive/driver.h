/*-------------------------------------------------------------------------
 *
 * driver.h
 *	  One step of any job, with what surrounds it; and those who drive.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_DRIVER_H
#define OSC_DRIVER_H

#include "drive/steps.h"
#include "store/job.h"

typedef enum OscDriveMode
{
	OSC_DRIVE_WORKER,			/* errors end or pause the job */
	OSC_DRIVE_RUN,				/* the same, and osc_run() raises them at its end */
	OSC_DRIVE_MANUAL,			/* errors are the caller's; the job stays as it was */
} OscDriveMode;

extern void osc_top_command_failed(int64 job_id, ErrorData *edata);
extern OscJob *osc_drive_step(int64 job_id, OscDriveMode mode, OscStep *step);
extern bool osc_job_has_steps(const OscJob *job);
extern int	osc_ms_until_next_try(const OscJob *job);

extern void osc_drive_in_background(void);
extern void osc_backfill_in_background(int64 job_id, int32 member);
extern void osc_run_in_foreground(int64 job_id, double max_ms);

extern void osc_request_worker(void);
extern void osc_wake_worker(int64 job_id);
extern void osc_init_worker_requests(void);
extern void osc_start_backfill_workers(OscJob *job);

#endif							/* OSC_DRIVER_H */
