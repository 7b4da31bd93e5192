/*-------------------------------------------------------------------------
 *
 * columns.c
 *	  The steps of a job of strategy column, where they are others than those
 *	  of a copy.
 *
 *	preparing	the new columns, the mirror trigger and the tables for its
 *				notes, in one transaction
 *	backfilling	the new columns are filled in place (mirror/fill.c)
 *	indexing	the commands of the plan; ANALYZE of the new columns
 *	validating	the commands of the plan; the comparison (mirror/compare.c)
 *	swapping	finish/swap_column.c
 *	cleaning	the job is kept, until osc_cleanup() or osc_revert(); then
 *				what is no longer in service is dropped
 *
 * Each step is one transaction: a crash leaves what the last commit left.
 * Between steps it is looked whether a value was written that the new columns
 * cannot hold: the job fails then, as native would have.
 *
 * Locks: ACCESS EXCLUSIVE on the table, politely, to add the columns and to
 * drop them; weak ones in between, but for the commands of the plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/deadline.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "drive/columns.h"
#include "drive/commands.h"
#include "drive/prove.h"
#include "drive/revert.h"
#include "drive/vacuum.h"
#include "finish/cleanup.h"
#include "finish/direct.h"
#include "finish/keep.h"
#include "finish/swap_column.h"
#include "mirror/backfill.h"
#include "mirror/fill.h"
#include "mirror/log.h"
#include "mirror/mirror.h"
#include "mirror/notes.h"
#include "mirror/shadow.h"
#include "model/column.h"
#include "model/script.h"
#include "model/statement.h"
#include "store/events.h"
#include "store/job_step.h"
#include "store/objects.h"

static void
check_definition(const OscMember *m)
{
	if (m->fingerprint == NULL || strcmp(osc_fingerprint(m->relid), m->fingerprint) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the definition of table \"%s\" was changed while the job ran", m->relname),
				 errhint("Start the job again.")));
}

/* add the new columns, side by side with the old ones */
static void
add_columns(const OscMember *m, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		OscColumn  *c = lfirst(lc);
		char	   *sql = psprintf("ALTER TABLE %s ADD COLUMN %s %s", osc_relation_name(m->relid),
								   quote_identifier(c->new_name), c->definition);

		osc_run_as_user(osc_parse_command(sql), sql);
		if (get_attnum(m->relid, c->new_name) != c->new_att)
			elog(ERROR, "column \"%s\" has another number than was planned", c->new_name);
	}
}

/* the schema for the tables of notes, and these */
static void
make_notes(OscMember *m, OscMirror *mirror)
{
	int64		id = osc_object_register(m, OSC_OBJECT_SCHEMA, m->helper_schema, m->helper_schema);
	Oid			nsp = osc_create_helper_schema(m->helper_schema, osc_extension_owner());
	Relation	rel = table_open(m->relid, NoLock);
	OscKey	   *key = linitial(osc_candidate_keys(rel));

	osc_object_make_member(NamespaceRelationId, nsp);
	osc_object_created(id, nsp);
	mirror->key = *key;
	mirror->key_back = osc_key_of_new_columns(mirror->columns, key);
	mirror->notes = osc_log_create(m, nsp, rel, &mirror->key);
	mirror->notes_back = osc_log_create(m, nsp, rel, &mirror->key_back);
	table_close(rel, NoLock);
}

/*
 * Make the new columns and the mirror in one transaction: there is no moment
 * in which a column is there and nobody keeps it equal.
 */
static void
prepare(OscJob *job, OscMember *m)
{
	OscLockSet	set = {0};
	OscMirror	mirror = {.columns = osc_columns_load(m->columns)};
	TimestampTz start = GetCurrentTimestamp();
	OscArgs		args = {0};
	int64		id;

	/* the job's row first: nobody shall wait for it with the table locked */
	osc_job_reload_state(job);
	osc_lock_add(&set, m->relid, AccessExclusiveLock);
	osc_lock_all(&set, "add column", job->owner);
	osc_deadline_arm(osc_step_timeout);
	check_definition(m);
	id = osc_object_register(m, OSC_OBJECT_MIRROR, m->nspname, m->relname);
	add_columns(m, mirror.columns);
	make_notes(m, &mirror);
	osc_mirror_install(job, m, &mirror);
	osc_object_created(id, m->relid);
	m->fingerprint = osc_fingerprint(m->relid);
	m->capture_state = osc_mirror_state(m);
	osc_arg_text(&args, m->fingerprint);
	osc_arg_text(&args, m->capture_state);
	osc_member_update(m, "fingerprint = $3, capture_state = $4", &args);
	osc_backfill_begin(m, 1);
	osc_deadline_disarm();
	osc_event(job, "capture", osc_elapsed_ms(start),
			  psprintf("{\"waited_ms\": %.3f}", osc_last_lock_report()->waited_ms));
	osc_job_set_phase(job, OSC_BACKFILLING);
	OSC_STOP_POINT("capture-before-commit");
}

/* lock the table for a batch, politely: not behind somebody's exclusive lock */
static void
lock_table(OscJob *job, const OscMember *m, LOCKMODE mode)
{
	OscLockSet	set = {0};

	osc_lock_add(&set, m->relid, mode);
	osc_lock_all(&set, OSC_LOCK_TO_READ, job->owner);
}

/*
 * A snapshot older than the last batch shows rows as they were before they were
 * filled.  Race: a REPEATABLE READ transaction that began before the fill reads
 * the column after the swap: it would find NULLs.  The swap waits for it.
 */
static void
note_horizon(OscMember *m)
{
	OscArgs		args = {0};

	m->horizon = ReadNextFullTransactionId();
	osc_arg_datum(&args, XID8OID, FullTransactionIdGetDatum(m->horizon), false);
	osc_member_update(m, "horizon = $3", &args);
}

static void
fill(OscJob *job, OscMember *m, OscStep *step)
{
	int			range_no = osc_backfill_open_range(m);
	OscFillResult result;
	OscMirror	mirror;

	if (range_no == 0)
	{
		note_horizon(m);
		osc_job_set_phase(job, OSC_INDEXING);
		return;
	}
	if (step->can_vacuum && osc_fill_vacuum_command(m) != NULL)
	{
		step->need_vacuum = true;
		return;
	}
	lock_table(job, m, RowExclusiveLock);
	if (!osc_mirror_read(m->relid, &mirror))
		elog(ERROR, "the mirror of table \"%s\" is gone", m->relname);
	osc_fill_batch(m, mirror.columns, &mirror.key, range_no, step->max_rows, &result);
	step->rows = result.rows;
	if (result.held)
	{
		osc_job_set_waiting(job, psprintf("rows of %s that other transactions have locked",
										  osc_relation_name(m->relid)));
		step->wait_ms = OSC_POLL_MS;
	}
}

static void
analyze(OscJob *job, OscMember *m)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, osc_columns_load(m->columns))
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 quote_identifier(((OscColumn *) lfirst(lc))->new_name));
	osc_analyze(job, m, psprintf("ANALYZE %s (%s)", osc_relation_name(m->relid), names.data));
}

static void
validate(OscJob *job, OscMember *m, OscStep *step)
{
	char	   *failure = NULL;
	bool		complete;

	if (osc_step_command(job, step))
		return;
	if (osc_verify)
	{
		lock_table(job, m, AccessShareLock);
		complete = osc_validate_some(job, &failure);
		if (failure)
			osc_fail_job(job, failure, unpack_sql_state(ERRCODE_DATA_CORRUPTED));
		if (failure || !complete)
			return;
	}
	osc_arrive_at_ready(job);
}

static void
clean(OscJob *job, OscMember *m)
{
	bool		reverted = job->final_state == OSC_REVERTED;

	if (!reverted && job->kept_until == 0 && osc_keeps_old_columns() &&
		!osc_column_is_added(linitial(osc_columns_load(m->columns))))
	{
		osc_keep_start(job);
		osc_event(job, "kept", -1, NULL);
		return;
	}
	if (reverted && osc_prove_after_revert(job))
		return;
	if (!osc_cleanup_step(job))
		return;
	osc_job_set_phase(job, OSC_AT_DONE);
	osc_job_set_state(job, reverted ? OSC_REVERTED : OSC_DONE);
}

/*
 * Do one step of a job of strategy column; false if the job is of another one,
 * or the step is that of any job.
 */
bool
osc_step_columns(OscJob *job, OscStep *step)
{
	OscMember  *m = osc_column_member(job);

	if (m == NULL || step->swap_now)
		return false;
	if (job->phase >= OSC_BACKFILLING && job->phase < OSC_SWAPPING)
		osc_column_refuse_unsettled(m);
	switch (job->phase)
	{
		case OSC_PREPARING:
			prepare(job, m);
			return true;
		case OSC_BACKFILLING:
			fill(job, m, step);
			return true;
		case OSC_INDEXING:
			if (osc_step_command(job, step))
				return true;
			if (!m->analyzed)
				analyze(job, m);
			else
				osc_job_set_phase(job, OSC_VALIDATING);
			return true;
		case OSC_VALIDATING:
			validate(job, m, step);
			return true;
		case OSC_CLEANING:
			clean(job, m);
			return true;
		default:
			return false;
	}
}
