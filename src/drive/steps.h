/*-------------------------------------------------------------------------
 *
 * steps.h
 *	  The work of each phase.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_STEPS_H
#define OSC_STEPS_H

#include "store/job.h"

/* how often a step that has to wait looks again, ms */
#define OSC_POLL_MS 100

/* who drives, and what came of a step */
typedef struct OscStep
{
	bool		can_vacuum;		/* the driver can run top-level commands */
	bool		own_transaction;	/* it commits right after the step */
	int64		max_rows;		/* of a backfill batch, 0: as the settings say */
	bool		while_paused;	/* the user wants it although the job is paused */
	bool		swap_now;		/* osc_swap(): attempt the swap of a job at ready */

	bool		need_vacuum;	/* run osc_vacuum_command() before the next step */
	bool		need_top;		/* run osc_begin_top_command() before the next step */
	bool		rolled_back;	/* undo what the step has done */
	bool		swapped;
	int			wait_ms;		/* nothing to do before that */
	int64		rows;			/* copied by a backfill batch */
	int64		keys;			/* replayed */
	TimestampTz locked_at;		/* of a swap */
	int64		backlog;
} OscStep;

extern void osc_arrive_at_ready(OscJob *job);
extern void osc_leave_phase(OscJob *job);
extern void osc_do_step(OscJob *job, OscStep *step);
extern void osc_fail_job(OscJob *job, const char *message, const char *sqlstate);
extern void osc_cancel_job(OscJob *job);
extern int64 osc_replay_once(OscJob *job);
extern bool osc_validate_once(OscJob *job);

#endif							/* OSC_STEPS_H */
