/*-------------------------------------------------------------------------
 *
 * revert.c
 *	  Taking a swap of columns back, and what is proved afterwards.
 *
 * osc_revert() is one attempt in the caller's transaction.  Nobody shall wait
 * for a scan of the table, so what the old columns had, and the new ones do not
 * prove, comes back unproved, and is proved when the job cleans up, under weak
 * locks: constraints that are NOT VALID, and then a NOT NULL that the statement
 * had dropped.  What rows violate is left NOT VALID, or off, and told in the
 * job's last_error; the way back is not in question any more.
 *
 * Locks: those of finish/swap_column.c to take the swap back; those of the
 * commands (finish/direct.c) afterwards.  A crash leaves what the last commit
 * left: each command is done or not, with the mark that says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/deadline.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "drive/revert.h"
#include "finish/direct.h"
#include "finish/swap_column.h"
#include "model/column.h"
#include "model/script.h"
#include "store/job_step.h"

/* can the swap of the job be taken back at all? */
static void
require_way_back(const OscJob *job)
{
	OscMember  *m = osc_column_member(job);

	if (m == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job " INT64_FORMAT " cannot be taken back", job->job_id),
				 errdetail("It replaced the whole table; only jobs of strategy \"column\" can be taken back."),
				 errhint("End it with osc_cleanup().")));
	if (!osc_columns_have_way_back(osc_columns_load(m->columns)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("job " INT64_FORMAT " cannot be taken back", job->job_id),
				 errdetail("The change has no way back, so the old column does not have what was written since the swap."),
				 errhint("End it with osc_cleanup().")));
}

/*
 * osc_revert(): one attempt, in the caller's transaction; false if a lock was
 * not to be had.  Raises the errors of osc_column_revert(), and another if the
 * job has no way back.
 */
bool
osc_revert_once(OscJob *job)
{
	OscSubxact	subxact;
	OscEnv		env;
	int64		before = osc_driving_job;
	volatile bool granted = true;

	require_way_back(job);
	osc_clear_lock_report();
	osc_env_enter(&env, job->owner, job->settings, job->session_settings);
	osc_subxact_begin(&subxact);
	osc_driving_job = job->job_id;
	PG_TRY();
	{
		osc_column_revert(job);
		osc_subxact_commit(&subxact);
		osc_driving_job = before;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		osc_driving_job = before;
		osc_deadline_disarm();
		edata = osc_subxact_caught(&subxact);
		if (edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
			edata->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED)
			ReThrowError(edata);
		granted = false;
	}
	PG_END_TRY();
	osc_env_leave(&env);
	if (!granted)
		return false;
	osc_job_record_error(job, NULL, NULL, OSC_REVERTED);
	osc_job_keep_until(job, GetCurrentTimestamp());
	osc_job_set_phase(job, OSC_CLEANING);
	osc_job_set_state(job, OSC_RUNNING);
	return true;
}

/* ---------------------------------------- what is proved afterwards */

/* the nth command that proves something behind this one, NULL: behind the first that is not done */
static OscJobStep *
proof_behind(const OscJob *job, const OscJobStep *step, int n)
{
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *s = lfirst(lc);

		if (s->phase != OSC_CLEANING || s->kind != OSC_STEP_SCAN)
			continue;
		if (step == NULL ? !s->done : s->step_no > step->step_no && --n == 0)
			return s;
	}
	return NULL;
}

static AlterTableCmd *
command_of(const OscJobStep *step)
{
	return linitial_node(AlterTableCmd, castNode(AlterTableStmt, osc_parse_command(step->command))->cmds);
}

/* is there a row with a NULL in the column?  as the extension's owner, whom no policy keeps from a row */
static bool
has_null(OscJob *job, Oid relid, const char *column)
{
	OscLockSet	set = {0};
	OscStore	store;
	bool		result;

	osc_lock_add(&set, relid, AccessShareLock);
	osc_lock_all(&set, OSC_LOCK_TO_READ, job->owner);
	osc_store_open(&store);
	result = osc_sql(psprintf("SELECT 1 FROM %s WHERE num_nulls(%s) > 0 LIMIT 1", osc_relation_name(relid),
							  quote_identifier(column)), NULL) > 0;
	osc_store_close(&store);
	return result;
}

static void
give_up(OscJob *job, OscJobStep *step, const char *what, const char *why, int code)
{
	osc_job_record_error(job, psprintf("left %s: %s", what, why), unpack_sql_state(code), OSC_REVERTED);
	osc_job_step_set(job, step, true, true);
}

/*
 * A NOT NULL comes back by four commands (plan/column_back.c): a CHECK is added
 * and validated, NOT NULL set, and the CHECK dropped.  With a NULL there, clients
 * could not write to its row any more: then the CHECK is not added at all.
 */
static bool
give_up_not_null(OscJob *job, OscJobStep *add_check)
{
	OscJobStep *set_not_null = proof_behind(job, add_check, 2);
	const char *column = command_of(set_not_null)->name;

	if (!has_null(job, add_check->relid, column))
		return false;
	for (int i = 3; i > 0; i--)
		osc_job_step_set(job, proof_behind(job, add_check, i), true, true);
	give_up(job, add_check, "without NOT NULL",
			psprintf("column \"%s\" of relation \"%s\" contains null values", column, get_rel_name(add_check->relid)),
			ERRCODE_NOT_NULL_VIOLATION);
	return true;
}

/* rows violate what the command was to prove: tell it, and pass over what would follow from it */
static void
tell_failure(OscJob *job, OscJobStep *step, const ErrorData *edata)
{
	OscJobStep *next = proof_behind(job, step, 1);
	bool		not_null = next && command_of(next)->subtype == AT_SetNotNull;

	give_up(job, step, not_null ? "without NOT NULL" : "NOT VALID", edata->message, edata->sqlerrcode);
	if (not_null)
		osc_job_step_set(job, next, true, true);
}

/*
 * Prove the next of the things that osc_revert() left unproved; false if there
 * is none left.  Raises lock_not_available.
 */
bool
osc_prove_after_revert(OscJob *job)
{
	OscJobStep *step = proof_behind(job, NULL, 0);
	OscSubxact	subxact;

	if (step == NULL)
		return false;
	if (command_of(step)->subtype == AT_AddConstraint && give_up_not_null(job, step))
		return true;
	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		osc_direct_run(job, step);
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		/* not the command's fault: it is tried again */
		if (!osc_error_lasts(edata->sqlerrcode))
			ReThrowError(edata);
		tell_failure(job, step, edata);
	}
	PG_END_TRY();
	return true;
}
