/*-------------------------------------------------------------------------
 *
 * driver.c
 *	  One step of any job, with what surrounds it: identity, settings, a
 *	  subtransaction, and what becomes of errors.
 *
 * The worker, osc_run() and the manual functions all come through
 * osc_drive_step().  The step runs in a subtransaction; if it fails, that is
 * rolled back, which releases its locks, and what is to be noted is noted in
 * the transaction around it:
 *
 *  - a lock was not to be had, a deadlock, or the swap took too long: an
 *    event with the blockers, and another attempt after a pause that grows
 *    exponentially, with jitter;
 *  - what a person can lift (disk full, no memory, a right that was taken
 *    away): the job pauses with the reason;
 *  - anything else ends the job: it fails, and clean-up begins; in clean-up,
 *    the job is left to itself for a while (drive/queue.c).
 *
 * A manual function raises errors of the last two kinds to its caller.
 *
 * Locks on entry: the driver lock of the job.  On exit: what the step leaves
 * to the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/deadline.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/window.h"
#include "drive/blockers.h"
#include "drive/converge.h"
#include "drive/driver.h"
#include "drive/estimate.h"
#include "drive/throttle.h"
#include "finish/keep.h"
#include "model/column.h"
#include "model/relinfo.h"
#include "model/users_names.h"
#include "store/events.h"

/* the first pause after a failed attempt, as a multiple of lock_timeout */
#define FIRST_DELAY_FACTOR 2

/* is there something to do for the job, now or after a while? */
bool
osc_job_has_steps(const OscJob *job)
{
	return !osc_state_is_final(job->state) && job->state != OSC_PAUSED &&
		(job->state != OSC_KEPT || osc_keep_is_over(job));
}

/* ms until the job's next attempt is due; 0: now */
int
osc_ms_until_next_try(const OscJob *job)
{
	TimestampTz now = GetCurrentTimestamp();

	if (job->next_try_at == 0 || job->next_try_at <= now)
		return 0;
	return (int) ((job->next_try_at - now) / 1000) + 1;
}

static void
lock_event(OscJob *job, const char *why)
{
	const OscLockReport *report = osc_last_lock_report();
	StringInfoData detail;

	if (report->purpose[0] == '\0')
		return;
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"purpose\": ");
	escape_json(&detail, report->purpose);
	appendStringInfo(&detail, ", \"granted\": %s, \"waited_ms\": %.3f, \"lock_timeout_ms\": %d, \"swap_timeout_ms\": %d",
					 report->granted ? "true" : "false", report->waited_ms,
					 osc_lock_timeout, osc_swap_timeout);
	if (why)
	{
		appendStringInfoString(&detail, ", \"reason\": ");
		escape_json(&detail, why);
	}
	appendStringInfo(&detail, ", \"blockers\": %s}", report->blockers ? report->blockers : "[]");
	osc_event(job, "lock", report->waited_ms, detail.data);
}

/* after a failed attempt: how long to leave the table alone */
static double
next_delay(const OscJob *job)
{
	double		delay = (double) osc_lock_timeout * FIRST_DELAY_FACTOR;

	for (int i = 0; i < job->attempts && delay < osc_lock_retry_max_delay; i++)
		delay *= 2;
	delay = Min(delay, (double) osc_lock_retry_max_delay);
	return delay * (0.5 + 0.5 * pg_prng_double(&pg_global_prng_state));
}

static void
pause_job(OscJob *job, const char *message, const char *sqlstate)
{
	osc_job_record_error(job, message, sqlstate, OSC_CANCELLED);
	osc_job_set_waiting(job, message);
	osc_job_set_state(job, OSC_PAUSED);
}

/* note a failed attempt; give up if the setting says so */
static void
try_again_later(OscJob *job, OscStep *step, const char *why)
{
	double		delay = next_delay(job);
	const OscLockReport *report = osc_last_lock_report();
	const char *summary = report->summary;

	lock_event(job, why);
	if (!report->granted && report->purpose[0] != '\0' &&
		strcmp(report->purpose, OSC_LOCK_TO_READ) != 0)
	{
		(void) osc_blockers_met(job, &report->set, report->purpose);
		delay = osc_blockers_limit_delay(job, (int) delay);
	}
	osc_job_set_waiting(job, summary ? summary : why);
	osc_job_note_attempt(job, false, delay);
	step->wait_ms = (int) delay;
	if (job->phase == OSC_SWAPPING && osc_swap_give_up > 0 && job->swap_since != 0 &&
		osc_elapsed_ms(job->swap_since) > osc_swap_give_up * 1000.0)
		pause_job(job, psprintf("the swap was given up after %d s; the last attempt waited for %s",
								osc_swap_give_up, summary ? summary : why),
				  unpack_sql_state(ERRCODE_LOCK_NOT_AVAILABLE));
}

/* is this error gone when one tries again? */
static bool
is_passing(int code)
{
	return code == ERRCODE_LOCK_NOT_AVAILABLE ||
		code == ERRCODE_T_R_DEADLOCK_DETECTED ||
		code == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		(code == ERRCODE_QUERY_CANCELED && osc_deadline_fired());
}

/* is it for a person to lift what caused it? */
static bool
is_liftable(const OscJob *job, int code)
{
	int			category = ERRCODE_TO_CATEGORY(code);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR) ||
		code == ERRCODE_QUERY_CANCELED ||
		(code == ERRCODE_INSUFFICIENT_PRIVILEGE && job->phase > OSC_PREPARING && job->members != NIL);
}

/* is it nothing that people must take away before clean-up can go on? */
static bool
goes_by_itself(int code)
{
	int			category = ERRCODE_TO_CATEGORY(code);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR);
}

static char *
full_message(const ErrorData *edata)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, edata->message);
	if (edata->detail)
		appendStringInfo(&buf, " DETAIL: %s", edata->detail);
	/* the line of mirror/row_error.c; those of a function may stand before it */
	for (const char *line = edata->context; line; line = strchr(line, '\n'))
	{
		line += strspn(line, "\n");
		if (strncmp(line, "row with ", 9) == 0)
			appendStringInfo(&buf, " CONTEXT: %.*s", (int) strcspn(line, "\n"), line);
	}
	return buf.data;
}

static void
error_event(OscJob *job, const char *message, const char *sqlstate)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"sqlstate\": \"%s\", \"message\": ", sqlstate);
	escape_json(&detail, message);
	appendStringInfoChar(&detail, '}');
	osc_event(job, "error", -1, detail.data);
}

/*
 * Foreign DDL makes steps fail in many ways; say what lies behind it.
 */
static void
explain_error(OscJob *job, ErrorData *edata)
{
	ListCell   *lc;

	if (job->phase < OSC_PREPARING || job->phase >= OSC_CLEANING)
		return;
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (m->fingerprint == NULL || !OidIsValid(osc_relation_owner(m->relid)) ||
			strcmp(osc_fingerprint(m->relid), m->fingerprint) == 0)
			continue;
		edata->detail = edata->message;
		edata->message = psprintf("the definition of table \"%s\" was changed while the job ran",
								  m->relname);
		edata->hint = "Start the job again.";
		edata->sqlerrcode = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
		return;
	}
}

/* clean-up goes on, whatever is in its way; if that is for people to remove, nobody drives it meanwhile */
static void
clean_up_later(OscJob *job, int code, const char *message)
{
	if (code == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		message = psprintf("%s HINT: Drop what depends on it, and call osc_cleanup(" INT64_FORMAT ").",
						   message, job->job_id);
	osc_job_set_waiting(job, message);
	if (goes_by_itself(code))
		osc_job_note_attempt(job, false, osc_lock_retry_max_delay);
	else
		osc_job_note_obstructed(job, osc_lock_retry_max_delay);
}

/* the step is rolled back: what becomes of its error? */
static void
handle_error(OscJob *job, OscStep *step, OscDriveMode mode, ErrorData *edata)
{
	char	   *message;
	char	   *sqlstate;

	if (!is_passing(edata->sqlerrcode) && edata->sqlerrcode != ERRCODE_QUERY_CANCELED)
		explain_error(job, edata);
	edata->message = osc_with_users_names(job, edata->message);
	edata->detail = osc_with_users_names(job, edata->detail);
	message = full_message(edata);
	sqlstate = pstrdup(unpack_sql_state(edata->sqlerrcode));
	if (is_passing(edata->sqlerrcode))
	{
		try_again_later(job, step, edata->message);
		return;
	}
	if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED && mode == OSC_DRIVE_WORKER)
	{
		/* osc_cancel() and osc_pause() wake us that way */
		osc_job_reload_state(job);
		if (job->state == OSC_CANCELLING || job->state == OSC_PAUSED)
			return;
	}
	if (mode == OSC_DRIVE_MANUAL ||
		(mode == OSC_DRIVE_RUN && edata->sqlerrcode == ERRCODE_QUERY_CANCELED))
		ReThrowError(edata);
	error_event(job, message, sqlstate);
	osc_job_reload_state(job);
	if (job->state == OSC_CANCELLING || job->phase >= OSC_CLEANING)
	{
		step->wait_ms = osc_lock_retry_max_delay;
		clean_up_later(job, edata->sqlerrcode, message);
		return;
	}
	ereport(LOG,
			(errmsg("online schema change: job " INT64_FORMAT " %s: %s", job->job_id,
					is_liftable(job, edata->sqlerrcode) ? "pauses" : "fails", message)));
	if (is_liftable(job, edata->sqlerrcode))
		pause_job(job, message, sqlstate);
	else
		osc_fail_job(job, message, sqlstate);
}

/* run the step in a subtransaction */
static void
try_step(OscJob *job, OscStep *step, OscDriveMode mode)
{
	OscSubxact	subxact;

	osc_clear_lock_report();
	osc_deadline_arm(0);
	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		osc_do_step(job, step);
		if (step->rolled_back)
			osc_subxact_rollback(&subxact);
		else
			osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		osc_deadline_disarm();
		handle_error(job, step, mode, osc_subxact_caught(&subxact));
		return;
	}
	PG_END_TRY();
	if (osc_last_lock_report()->granted && !step->rolled_back)
	{
		if (strcmp(osc_last_lock_report()->purpose, OSC_LOCK_TO_READ) != 0)
			lock_event(job, NULL);
		osc_job_note_attempt(job, true, 0);
	}
	if (step->wait_ms == 0 && !step->rolled_back && job->waiting_for != NULL &&
		!osc_falls_behind(job))
		osc_job_set_waiting(job, NULL);
	if (step->rolled_back)
	{
		/* too much was left in the log: catch up, and try again soon */
		lock_event(job, psprintf(INT64_FORMAT " or more keys were left", step->backlog));
		osc_job_set_waiting(job, "the backlog to fall below swap_max_backlog");
	}
}

/* the step, with its DDL known to be the job's own */
static void
run_step(OscJob *job, OscStep *step, OscDriveMode mode)
{
	int64		before = osc_driving_job;

	osc_driving_job = job->job_id;
	PG_TRY();
	{
		try_step(job, step, mode);
	}
	PG_FINALLY();
	{
		osc_driving_job = before;
	}
	PG_END_TRY();
}

/*
 * A job that was carried into another cluster or database must not run there:
 * its capture may be missing.  What it has to clean up it cleans up anywhere,
 * or nobody could, once it has swapped.
 */
static bool
is_at_home(OscJob *job)
{
	if (job->phase >= OSC_CLEANING ||
		(job->system_identifier == (int64) GetSystemIdentifier() &&
		 job->database_id == MyDatabaseId))
		return true;
	if (job->state != OSC_CANCELLING)
		pause_job(job, "the job belongs to another database, of which this one is a copy; cancel it here",
				  unpack_sql_state(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE));
	return job->state == OSC_CANCELLING;
}

/* the table may have been given to another owner since the job began */
static bool
owner_may_go_on(OscJob *job)
{
	ListCell   *lc;

	if (job->phase >= OSC_CLEANING)
		return true;
	foreach(lc, list_concat_copy(job->members, job->others))
	{
		OscMember  *m = lfirst(lc);

		if (OidIsValid(osc_relation_owner(m->relid)) &&
			!osc_owns_relation(m->relid, job->owner))
		{
			pause_job(job, psprintf("the role that owns the job no longer owns table \"%s\"", m->relname),
					  unpack_sql_state(ERRCODE_INSUFFICIENT_PRIVILEGE));
			return false;
		}
	}
	return true;
}

/*
 * Load the job and do one step of it in the present transaction, which is of
 * level READ COMMITTED.  Returns the job as it is afterwards, in the current
 * memory context.
 */
OscJob *
osc_drive_step(int64 job_id, OscDriveMode mode, OscStep *step)
{
	OscJob	   *job = osc_job_load(job_id, false);
	OscEnv		env;
	bool		own_snapshot = !ActiveSnapshotSet();

	step->own_transaction = mode != OSC_DRIVE_MANUAL;

	if (!(osc_job_has_steps(job) || (step->while_paused && job->state == OSC_PAUSED)) ||
		!is_at_home(job))
		return job;
	if (osc_keep_is_over(job))
		osc_keep_end(job);
	if (job->state != OSC_CANCELLING && GetUserNameFromId(job->owner, true) == NULL)
	{
		pause_job(job, "the role that owns the job was dropped; a superuser can cancel the job",
				  unpack_sql_state(ERRCODE_INSUFFICIENT_PRIVILEGE));
		return job;
	}
	if (job->state == OSC_QUEUED && !osc_job_move_state(job, OSC_RUNNING))
		return job;
	if (job->state != OSC_CANCELLING && !owner_may_go_on(job))
		return job;
	if (own_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	/* clean-up evaluates nothing of the user's, and the owner may be gone */
	if (job->state == OSC_CANCELLING)
		osc_env_enter(&env, GetUserId(), job->settings, NULL);
	else
		osc_env_enter(&env, job->owner, job->settings, job->session_settings);
	/* before the subtransaction: a failed attempt must not stop the clock */
	if (job->phase == OSC_SWAPPING || step->swap_now)
		osc_job_restart_swap_clock(job, osc_window_is_open(osc_swap_window));
	if (!osc_throttle_holds(job, step))
	{
		OscPhase	phase = job->phase;
		TimestampTz since = GetCurrentTimestamp();

		run_step(job, step, mode);
		osc_throttle_after(job, step, phase, since);
		osc_watch_catch_up(job);
		osc_estimate(job);
	}
	osc_env_leave(&env);
	if (own_snapshot)
		PopActiveSnapshot();
	return job;
}

/*
 * A top-level command of the job has failed: try again later, pause the job
 * or fail it, as for a step.
 */
void
osc_top_command_failed(int64 job_id, ErrorData *edata)
{
	OscJob	   *job = osc_job_load(job_id, false);
	OscStep		step = {0};

	handle_error(job, &step, OSC_DRIVE_WORKER, edata);
}
