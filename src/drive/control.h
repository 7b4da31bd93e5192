/*-------------------------------------------------------------------------
 *
 * control.h
 *	  What users tell a job.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CONTROL_H
#define OSC_CONTROL_H

#include "store/job.h"

typedef struct OscStartArgs
{
	char	   *ddl;
	char	   *strategy;
	char	   *swap;
	char	   *run;
	Jsonb	   *backfill;		/* or NULL */
} OscStartArgs;

extern int64 osc_control_start(const OscStartArgs *args);
extern void osc_control_pause(int64 job_id);
extern void osc_control_resume(int64 job_id);
extern void osc_control_cancel(int64 job_id);
extern void osc_control_cleanup(int64 job_id);
extern void osc_control_set(int64 job_id, const char *setting, const char *value);
extern const char *osc_control_step(int64 job_id);
extern int64 osc_control_backfill(int64 job_id, int64 batch_size, bool *complete);
extern int64 osc_control_replay(int64 job_id);
extern bool osc_control_validate(int64 job_id);
extern bool osc_control_swap(int64 job_id);
extern bool osc_control_revert(int64 job_id);
extern void osc_control_run(int64 job_id, double max_ms);
extern void osc_kick(void);

#endif							/* OSC_CONTROL_H */
