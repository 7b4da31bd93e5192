/*-------------------------------------------------------------------------
 *
 * commands.c
 *	  The steps that run a command on the user's tables: which one is next, and
 *	  which one is to be taken back.
 *
 * A command is one step of the job, in the phase that the plan gives it.
 * Top-level commands, which manage transactions themselves, are left to the
 * worker: it asks for the text, runs it, and says that it is done.  A job
 * that fails or is cancelled takes its commands back, the last one first.
 *
 * What a crash leaves: a top-level command is marked as begun before it runs.
 * The next attempt finds it carried out, or removes what is left of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "drive/commands.h"
#include "drive/driver.h"
#include "finish/direct.h"
#include "model/column.h"
#include "store/job_step.h"

static void
need_worker(OscJob *job, OscStep *step)
{
	if (step->can_vacuum)
	{
		step->need_top = true;
		return;
	}
	osc_job_set_waiting(job, "a background worker, which can run what takes no transaction");
	step->wait_ms = OSC_POLL_MS;
}

/* our own command may have changed the definition that the swap of columns relies on */
static void
note_definition(OscJob *job)
{
	OscMember  *m = osc_column_member(job);
	OscArgs		args = {0};

	if (m == NULL)
		return;
	osc_arg_text(&args, osc_fingerprint(m->relid));
	osc_member_update(m, "fingerprint = $3", &args);
}

/*
 * Run the next command of the present phase; false if there is none left.
 */
bool
osc_step_command(OscJob *job, OscStep *step)
{
	OscJobStep *next = osc_job_next_step(job, job->phase);

	if (next == NULL)
		return false;
	if (next->kind == OSC_STEP_TOP)
		need_worker(job, step);
	else
	{
		osc_direct_run(job, next);
		note_definition(job);
	}
	return true;
}

/* the last command that has left something */
static OscJobStep *
last_begun(OscJob *job)
{
	OscJobStep *result = NULL;
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *s = lfirst(lc);

		if (s->begun && s->kind != OSC_STEP_FINAL)
			result = s;
	}
	return result;
}

/*
 * Take the last command back; false if there is none left.
 */
bool
osc_step_undo(OscJob *job, OscStep *step)
{
	OscJobStep *last = last_begun(job);

	if (last == NULL)
		return false;
	if (last->kind != OSC_STEP_TOP)
		osc_direct_undo(job, last);
	else if (osc_direct_top_undo(last) != NULL)
		need_worker(job, step);
	else
		osc_job_step_set(job, last, false, false);
	return true;
}

/*
 * The top-level command that the worker shall run now; NULL: none after all.
 * is_leftover: it removes what an attempt has left.  To be committed before
 * the command is run.
 */
char *
osc_begin_top_command(OscJob *job, bool *is_leftover)
{
	OscJobStep *s;
	char	   *command;

	*is_leftover = true;
	if (job->state == OSC_CANCELLING)
	{
		s = last_begun(job);
		return s && s->kind == OSC_STEP_TOP ? osc_direct_top_undo(s) : NULL;
	}
	s = osc_job_has_steps(job) ? osc_job_next_step(job, job->phase) : NULL;
	if (s == NULL || s->kind != OSC_STEP_TOP)
		return NULL;
	if (s->begun && osc_direct_top_is_done(s))
	{
		osc_job_step_set(job, s, true, true);
		return NULL;
	}
	command = s->begun ? osc_direct_leftover(s) : NULL;
	if (command)
		return command;
	*is_leftover = false;
	osc_job_step_set(job, s, true, false);
	return s->command;
}

/*
 * The command above has been carried out.
 */
void
osc_end_top_command(OscJob *job, bool is_leftover, TimestampTz start)
{
	OscJobStep *s = osc_job_next_step(job, job->phase);

	if (is_leftover || s == NULL || s->kind != OSC_STEP_TOP)
		return;
	osc_job_step_set(job, s, true, true);
	note_definition(job);
	osc_event_command(job, s, s->command, start);
}
