/*-------------------------------------------------------------------------
 *
 * job_step.h
 *	  The commands of a job, as rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_JOB_STEP_H
#define OSC_JOB_STEP_H

#include "store/job.h"

/* how a command is run */
typedef enum OscStepKind
{
	OSC_STEP_SHORT,				/* alone in a transaction, milliseconds */
	OSC_STEP_SCAN,				/* alone in a transaction, under a weak lock, long */
	OSC_STEP_TOP,				/* outside of a transaction, by a worker */
	OSC_STEP_FINAL,				/* with all others of its kind, in the swap */
} OscStepKind;

/* one command; a row of job_step */
typedef struct OscJobStep
{
	int32		step_no;		/* 1.. */
	OscStepKind kind;
	OscPhase	phase;			/* in which it runs */
	Oid			relid;			/* the table that it changes */
	char	   *command;
	char	   *undo;			/* takes it back; NULL: it has left nothing */
	bool		begun;			/* top-level: an attempt was made, and may have
								 * left something */
	bool		done;
} OscJobStep;

extern void osc_job_step_create(int64 job_id, OscJobStep *step);
extern List *osc_job_steps_load(OscStore *store, int64 job_id);
extern void osc_job_step_set(OscJob *job, OscJobStep *step, bool begun, bool done);
extern void osc_event_command(OscJob *job, const OscJobStep *step, const char *command,
							  TimestampTz start);
extern OscJobStep *osc_job_next_step(const OscJob *job, OscPhase phase);

#endif							/* OSC_JOB_STEP_H */
