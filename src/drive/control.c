/*-------------------------------------------------------------------------
 *
 * control.c
 *	  What users tell a job: the functions of the SQL interface, behind
 *	  argument handling.
 *
 * Each checks that the caller may (a member of the job owner's role, or a
 * superuser) and that the job's state allows it, under a lock on the job's
 * row where it changes the state.  Manual functions take the driver lock for
 * the rest of the caller's transaction, so that a worker stays away until
 * that commits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "drive/announce.h"
#include "drive/control.h"
#include "drive/driver.h"
#include "drive/prove.h"
#include "drive/queue.h"
#include "drive/revert.h"
#include "drive/throttle.h"
#include "finish/keep.h"
#include "model/column.h"
#include "plan/plan.h"
#include "store/events.h"
#include "store/objects.h"

/* how long osc_swap() waits for the worker to end its present step, ms */
#define DRIVER_PATIENCE 5000

/* what a job waits for before its first step */
#define WAITING_FOR_WORKER "a background worker"

/* is a worker on its way, or between two jobs? */
static bool
worker_exists(void)
{
	OscStore	store;
	bool		result;

	osc_store_open(&store);
	result = osc_sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
					 " AND backend_type = 'online_schema worker' LIMIT 1", NULL) > 0;
	osc_store_close(&store);
	return result;
}

/*
 * Let every call see to it that jobs without a driver get one: ask for a
 * worker, unless there is one.  Takes no locks.
 */
void
osc_kick(void)
{
	ListCell   *lc;

	if (RecoveryInProgress() || worker_exists())
		return;
	/* with all places taken, a worker could only clean up */
	foreach(lc, osc_jobs_to_drive(!osc_slot_is_free(osc_max_workers)))
		if (osc_driver_pid(*(int64 *) lfirst(lc)) == 0)
		{
			osc_request_worker();
			return;
		}
}

/* load a job that the caller may handle */
static OscJob *
get_job(int64 job_id, bool for_update)
{
	OscJob	   *job;
	bool		owner_exists;

	osc_require_settings();
	job = osc_job_load(job_id, for_update);
	owner_exists = GetUserNameFromId(job->owner, true) != NULL;

	if (!superuser() &&
		(!owner_exists || !has_privs_of_role(GetUserId(), job->owner)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for job " INT64_FORMAT, job_id),
				 errhint("Only members of the role that owns the job, and superusers, may handle it.")));
	return job;
}

static void
wrong_state(const OscJob *job, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("job " INT64_FORMAT " is in state %s, phase %s", job->job_id,
					osc_state_name(job->state), osc_phase_name(job->phase)),
			 errhint("%s", hint)));
}

static const char *
hint_for(const OscJob *job)
{
	switch (job->state)
	{
		case OSC_PAUSED:
			return "Let the job go on with osc_resume().";
		case OSC_CANCELLING:
			return "The job is being cleaned up; follow it with osc_wait().";
		case OSC_KEPT:
			if (osc_column_member(job))
				return "The swap is over; end the job with osc_cleanup(), or take the swap back with osc_revert().";
			return "The swap is over, and what it replaced is kept; end that with osc_cleanup().";
		case OSC_READY:
			return "The job is ready: swap it with osc_swap(), or end it with osc_cancel().";
		case OSC_QUEUED:
		case OSC_RUNNING:
			if (job->manual_run)
				return job->phase >= OSC_CLEANING ?
					"The swap is over; let the job end with osc_run() or osc_step()." :
					"The job has not come that far; drive it with osc_run() or osc_step().";
			return job->phase >= OSC_CLEANING ?
				"The swap is over; the job ends by itself." :
				"The job has not come that far; follow it with osc_progress.";
		default:
			return "The job has ended; start another one with osc_start().";
	}
}

/* load a job to work on it in this transaction */
static OscJob *
begin_work(int64 job_id)
{
	OscJob	   *job;

	PreventCommandIfReadOnly("work on a job");
	osc_require_read_committed();
	job = get_job(job_id, false);
	if (!osc_state_is_final(job->state) && !osc_driver_try_lock(job_id, false))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("job " INT64_FORMAT " is being driven by another session", job_id),
				 errhint("Follow it with osc_wait() or osc_progress, or pause it with osc_pause().")));
	/* it may have changed until we had the lock */
	return get_job(job_id, false);
}

static void
check_choice(const char *name, const char *value, const char *a, const char *b)
{
	if (value == NULL || (strcmp(value, a) != 0 && strcmp(value, b) != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be \"%s\" or \"%s\"", name, a, b),
				 errhint("The default is \"%s\".", a)));
}

static void
refuse_second_job(const OscPlanTable *t)
{
	int64		other = osc_member_of_relation(t->relid);

	if (other)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("table \"%s\" is being changed by another job", t->relname),
				 errdetail("Job " INT64_FORMAT " has the table.", other),
				 errhint("Wait for that job with osc_wait(), or cancel it with osc_cancel().")));
}

/* what a job of strategy column does, and the definition that it is planned for */
static void
store_columns(OscMember *m, const char *columns)
{
	OscArgs		args = {0};

	osc_arg_text(&args, columns);
	osc_arg_text(&args, osc_fingerprint(m->relid));
	osc_member_update(m, "columns = $3, fingerprint = $4", &args);
}

/* the job's relations and commands, as rows */
static void
store_plan(OscJob *job, OscPlan *plan)
{
	ListCell   *lc;
	int32		n = 0;
	bool		copies = false;

	foreach(lc, plan->tables)
		copies = copies || ((OscPlanTable *) lfirst(lc))->copied;

	foreach(lc, plan->tables)
	{
		OscPlanTable *t = lfirst(lc);
		OscMember	member = {0};

		member.job_id = job->job_id;
		member.member = ++n;
		member.relid = t->relid;
		member.nspname = t->nspname;
		member.relname = t->relname;
		member.helper_schema = osc_helper_schema_name(job->job_id, n);
		member.copied = t->copied;
		member.reached = copies && t->statements == NIL && get_rel_relispartition(t->relid);
		osc_member_create(&member);
		if (t->columns)
			store_columns(&member, t->columns);
	}
	foreach(lc, plan->steps)
	{
		OscPlanStep *step = lfirst(lc);

		if (step->run)
			osc_job_step_create(job->job_id, step->run);
	}
}

/*
 * osc_start(): plan, store the job, ask for a worker.
 */
int64
osc_control_start(const OscStartArgs *args)
{
	OscPlan    *plan;
	OscJob		job = {0};
	ListCell   *lc;

	PreventCommandIfReadOnly("osc_start()");
	check_choice("swap", args->swap, "auto", "manual");
	check_choice("run", args->run, "background", "manual");
	plan = osc_make_plan(args->ddl, args->strategy, args->backfill);
	job.owner = GetUserId();
	job.ddl = args->ddl;
	job.strategy = args->strategy;
	job.backfill = osc_backfill_to_jsonb(plan->backfill);
	job.manual_swap = strcmp(args->swap, "manual") == 0;
	job.manual_run = strcmp(args->run, "manual") == 0;
	if (plan->needs_worker && job.manual_run)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the change needs a background worker"),
				 errdetail("It has a command that cannot run inside a transaction; osc_plan() shows it."),
				 errhint("Leave out run => 'manual', or use strategy => 'copy'.")));
	foreach(lc, plan->tables)
		refuse_second_job(lfirst(lc));
	foreach(lc, plan->tables)
		if (((OscPlanTable *) lfirst(lc))->copied)
			osc_require_disk(((OscPlanTable *) lfirst(lc))->relid);
	osc_job_create(&job, osc_settings_to_json(), osc_session_settings_to_json());
	store_plan(&job, plan);
	if (!job.manual_run)
	{
		/* until it has one: there may be no free slot */
		osc_job_set_waiting(&job, WAITING_FOR_WORKER);
		osc_request_worker();
	}
	return job.job_id;
}

/*
 * osc_pause(): no more steps after the present one.
 */
void
osc_control_pause(int64 job_id)
{
	OscJob	   *job = get_job(job_id, true);

	if (job->state == OSC_PAUSED)
		return;
	if ((job->state != OSC_QUEUED && job->state != OSC_RUNNING && job->state != OSC_READY) ||
		job->phase >= OSC_CLEANING)
		wrong_state(job, hint_for(job));
	osc_job_set_state(job, OSC_PAUSED);
	osc_announce(job_id);
	osc_wake_worker(job_id);
}

/*
 * osc_resume(): go on.
 */
void
osc_control_resume(int64 job_id)
{
	OscJob	   *job = get_job(job_id, true);

	if (job->state == OSC_QUEUED || job->state == OSC_RUNNING || job->state == OSC_READY)
	{
		if (job->phase >= OSC_CLEANING)
			wrong_state(job, hint_for(job));
		osc_kick();
		return;
	}
	if (job->state != OSC_PAUSED)
		wrong_state(job, hint_for(job));
	osc_job_restart_swap_clock(job, false);
	osc_job_record_error(job, NULL, NULL, OSC_CANCELLED);
	osc_job_note_attempt(job, true, 0);
	osc_job_set_waiting(job, job->manual_run ? NULL : WAITING_FOR_WORKER);
	osc_job_set_state(job, OSC_RUNNING);
	if (job->phase == OSC_AT_READY && job->manual_swap)
		osc_job_set_state(job, OSC_READY);
	osc_announce(job_id);
	if (!job->manual_run)
		osc_request_worker();
}

/*
 * osc_cancel(): end the job and remove what it made.
 */
void
osc_control_cancel(int64 job_id)
{
	OscJob	   *job = get_job(job_id, true);

	if (job->state == OSC_CANCELLED || job->state == OSC_CANCELLING)
	{
		osc_kick();
		return;
	}
	if (osc_state_is_final(job->state) || job->state == OSC_KEPT ||
		job->phase >= OSC_CLEANING)
		wrong_state(job, hint_for(job));
	osc_cancel_job(job);
	osc_announce(job_id);
	osc_wake_worker(job_id);
	/* a worker cleans up, also for a job that is driven by hand */
	osc_request_worker();
}

/*
 * osc_cleanup(): remove what an ended job has left.
 */
void
osc_control_cleanup(int64 job_id)
{
	OscJob	   *job = get_job(job_id, true);

	if (job->state == OSC_KEPT)
	{
		osc_keep_end(job);
		osc_announce(job_id);
		osc_request_worker();
		return;
	}
	if (job->obstructed && !osc_state_is_final(job->state))
	{
		/* perhaps what was in the way is gone */
		osc_job_note_attempt(job, true, 0);
		osc_request_worker();
		return;
	}
	if (!osc_state_is_final(job->state))
		wrong_state(job, job->state == OSC_CANCELLING || job->phase >= OSC_CLEANING ?
					hint_for(job) :
					"End the job with osc_cancel() first.");
}

/* another keep_old for a job that keeps already: from now on */
static void
keep_otherwise(int64 job_id)
{
	OscJob	   *job = osc_job_load(job_id, true);
	OscEnv		env;

	osc_env_enter(&env, job->owner, job->settings, NULL);
	osc_keep_set(job);
	osc_env_leave(&env);
	if (osc_keep_is_over(job))
		osc_request_worker();
}

/*
 * osc_set(): change a setting of a job that has not ended.
 */
void
osc_control_set(int64 job_id, const char *setting, const char *value)
{
	OscJob	   *job = get_job(job_id, true);
	const char *full = osc_setting_full_name(setting);
	StringInfoData detail;

	if (full == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no setting \"%s\" of a job", setting),
				 errhint("The settings are those named online_schema.* in pg_settings.")));
	if (osc_state_is_final(job->state))
		wrong_state(job, hint_for(job));
	osc_check_setting(full, value);
	osc_job_set_setting(job, full, value);
	if (job->state == OSC_KEPT && strcmp(full, "online_schema.keep_old") == 0)
		keep_otherwise(job_id);
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"setting\": ");
	escape_json(&detail, full);
	appendStringInfoString(&detail, ", \"value\": ");
	escape_json(&detail, value);
	appendStringInfoChar(&detail, '}');
	osc_event(job, "setting", -1, detail.data);
}

/* one step for a manual function */
static OscJob *
manual_step(OscJob *job, OscStep *step)
{
	if (!osc_job_has_steps(job) && !(step->while_paused && job->state == OSC_PAUSED))
		wrong_state(job, hint_for(job));
	job = osc_drive_step(job->job_id, OSC_DRIVE_MANUAL, step);
	/* not with the swap's locks held */
	if (!step->swapped)
		osc_announce(job->job_id);
	return job;
}

/*
 * osc_step(): one step; returns the phase after it.
 */
const char *
osc_control_step(int64 job_id)
{
	OscJob	   *job = begin_work(job_id);
	OscStep		step = {0};

	return osc_phase_name(manual_step(job, &step)->phase);
}

/*
 * osc_backfill_batch(): what comes before the backfill, then one batch.
 */
int64
osc_control_backfill(int64 job_id, int64 batch_size, bool *complete)
{
	OscJob	   *job = begin_work(job_id);
	OscStep		step = {.max_rows = batch_size, .while_paused = true};

	*complete = false;
	if (job->state == OSC_CANCELLING || job->state == OSC_FAILED ||
		job->state == OSC_CANCELLED || job->state == OSC_REVERTED)
		wrong_state(job, hint_for(job));
	if (job->phase > OSC_BACKFILLING)
	{
		*complete = true;
		return 0;
	}
	/* helper objects, dry run, capture, fence, and the batch */
	for (int i = 0; i < 5 && job->phase <= OSC_BACKFILLING; i++)
	{
		bool		was_backfilling = job->phase == OSC_BACKFILLING;

		job = manual_step(job, &step);
		job = osc_job_load(job_id, false);
		if (was_backfilling || step.wait_ms > 0)
			break;
	}
	*complete = job->phase > OSC_BACKFILLING;
	return step.rows;
}

/*
 * For osc_replay() and osc_validate(): from catching_up on, before the swap;
 * kept: also of columns that are kept.
 */
static OscJob *
begin_copy_work(int64 job_id, bool kept, OscEnv *env)
{
	OscJob	   *job = begin_work(job_id);

	if (kept && job->state == OSC_KEPT && osc_column_member(job))
		;
	else if ((job->state != OSC_QUEUED && job->state != OSC_RUNNING &&
		 job->state != OSC_PAUSED && job->state != OSC_READY) ||
		job->phase < OSC_CATCHING_UP || job->phase >= OSC_CLEANING)
		wrong_state(job, hint_for(job));
	osc_env_enter(env, job->owner, job->settings, job->session_settings);
	return job;
}

/*
 * osc_replay(): one batch.
 */
int64
osc_control_replay(int64 job_id)
{
	OscEnv		env;
	OscJob	   *job = begin_copy_work(job_id, false, &env);
	int64		keys = osc_replay_once(job);

	osc_env_leave(&env);
	return keys;
}

/*
 * osc_validate(): everything, now.
 */
bool
osc_control_validate(int64 job_id)
{
	OscEnv		env;
	OscJob	   *job = begin_copy_work(job_id, true, &env);
	bool		equal = osc_validate_once(job);

	osc_env_leave(&env);
	return equal;
}

/*
 * osc_swap(): one attempt, in the caller's transaction.
 */
bool
osc_control_swap(int64 job_id)
{
	OscJob	   *job;
	OscStep		step = {.swap_now = true};

	PreventCommandIfReadOnly("osc_swap()");
	osc_require_read_committed();
	job = get_job(job_id, false);
	if (job->state == OSC_READY && !osc_driver_lock_wait(job_id, DRIVER_PATIENCE))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("job " INT64_FORMAT " is being driven by another session", job_id),
				 errhint("Try again.")));
	job = get_job(job_id, false);
	if (job->state != OSC_READY)
		wrong_state(job, job->manual_swap ? hint_for(job) :
					"The job swaps by itself; swap => 'manual' at osc_start() lets you do it.");
	job = osc_drive_step(job_id, OSC_DRIVE_MANUAL, &step);
	if (step.rolled_back)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job " INT64_FORMAT " has more changed keys to replay than online_schema.swap_max_backlog allows",
						job_id),
				 errhint("Replay them with osc_replay(), or wait a moment, and try again.")));
	if (step.swapped && !job->manual_run)
		osc_request_worker();
	return step.swapped;
}

/*
 * osc_revert(): one attempt to take the swap of columns back.
 */
bool
osc_control_revert(int64 job_id)
{
	OscJob	   *job;

	PreventCommandIfReadOnly("osc_revert()");
	osc_require_read_committed();
	job = get_job(job_id, true);
	if (job->state != OSC_KEPT)
		wrong_state(job, hint_for(job));
	if (!osc_revert_once(job))
		return false;
	if (!job->manual_run)
		osc_request_worker();
	return true;
}

/*
 * osc_run(): drive the job in this session.
 */
void
osc_control_run(int64 job_id, double max_ms)
{
	OscJob	   *job;

	PreventCommandIfReadOnly("osc_run()");
	job = get_job(job_id, false);
	if (!osc_job_has_steps(job))
		wrong_state(job, hint_for(job));
	osc_run_in_foreground(job_id, max_ms);
}
