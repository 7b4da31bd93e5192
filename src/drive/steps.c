/*-------------------------------------------------------------------------
 *
 * steps.c
 *	  The work of each phase: one step of any job.
 *
 * A step is small enough to be one transaction that holds no snapshot for
 * longer than a batch; index builds and ANALYZE excepted.  It never waits:
 * where it cannot go on it says for how long not to ask again.  It moves the
 * phase in the transaction of the work that ends the phase.
 *
 * Called by the driver inside a subtransaction, in the job owner's name and
 * with the job's settings in force.  Locks: see each part under mirror/ and
 * finish/.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "drive/arrange.h"
#include "drive/columns.h"
#include "drive/commands.h"
#include "drive/follow_tree.h"
#include "drive/prepare.h"
#include "drive/prove.h"
#include "drive/restart.h"
#include "drive/spare.h"
#include "drive/steps.h"
#include "drive/swap_time.h"
#include "drive/vacuum.h"
#include "finish/cleanup.h"
#include "finish/direct.h"
#include "finish/foreign_keys.h"
#include "finish/keep.h"
#include "finish/orphans.h"
#include "finish/snapshots.h"
#include "finish/swap_column.h"
#include "finish/swap_storage.h"
#include "mirror/backfill.h"
#include "mirror/capture.h"
#include "mirror/log.h"
#include "mirror/place.h"
#include "mirror/replay.h"
#include "model/column.h"
#include "model/mapping.h"
#include "model/relinfo.h"
#include "store/events.h"
#include "store/job_step.h"

/* how often a job at ready looks at its log, ms */
#define READY_POLL_MS 500

/* a pass over the log that finds no more than this ends the catching up */
#define CAUGHT_UP_KEYS 500

/*
 * Add a segment to the log where the newest is full; else drop one that is
 * used up.  Never both in one transaction, and no drop in one that goes on
 * for long: until the commit, writers that still believe in the old segment
 * wait for our lock on it.  True if something was done.
 */
static bool
tend_log(OscMember *m, BlockNumber max_blocks, bool may_drop)
{
	if (osc_log_needs_segment(m, max_blocks))
	{
		Relation	source = table_open(m->relid, AccessShareLock);
		Relation	shadow = table_open(m->shadow, AccessShareLock);
		OscMapping *mapping = osc_mapping_load(m->mapping, source, shadow);
		Oid			log = osc_log_create(m, get_namespace_oid(m->helper_schema, false),
										 source, &mapping->key);

		osc_capture_switch_log(m, log);
		table_close(shadow, NoLock);
		table_close(source, NoLock);
		return true;
	}
	return may_drop && osc_log_drop_empty(m);
}

static void
store_backlog(OscMember *m, int64 left, int64 keys_replayed)
{
	OscArgs		args = {0};

	/* a job that is ready looks often, and mostly finds nothing */
	if (left == m->backlog && keys_replayed == 0)
		return;
	osc_arg_int8(&args, left);
	osc_arg_int8(&args, keys_replayed);
	osc_member_update(m, "backlog = $3, keys_replayed = keys_replayed + $4", &args);
}

static void
step_backfilling(OscJob *job, OscStep *step)
{
	ListCell   *lc;
	bool		open = false;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		int			range_no = osc_backfill_open_range(m);
		bool		complete;

		if (range_no == 0)
			continue;
		open = true;
		if (range_no < 0)
			continue;			/* all that is left is in others' hands */
		step->rows = osc_copy_batch(m, range_no, step->max_rows, &complete);
		(void) tend_log(m, OSC_LOG_SEGMENT_BLOCKS, false);
		return;
	}
	if (open)
		step->wait_ms = OSC_POLL_MS / 2;
	else
		osc_job_set_phase(job, OSC_INDEXING);
}

static List *
places_indexes(const OscMember *m)
{
	Relation	places = table_open(m->places, AccessShareLock);
	List	   *oids = osc_index_oids(places);

	table_close(places, NoLock);
	return oids;
}

/*
 * An index of the shadow, or of the places, that is not built, the key's
 * first; InvalidOid: none.
 */
static Oid
next_index(OscMember *m)
{
	Relation	source = table_open(m->relid, AccessShareLock);
	Relation	shadow = table_open(m->shadow, AccessShareLock);
	OscMapping *mapping = osc_mapping_load(m->mapping, source, shadow);
	List	   *oids = osc_index_oids(shadow);
	Oid			result = InvalidOid;
	ListCell   *lc,
			   *d;

	if (osc_key_is_place(&mapping->key))
		oids = list_concat(oids, places_indexes(m));
	else
		oids = lcons_oid(mapping->shadow_key.index, oids);
	foreach(lc, oids)
	{
		bool		done = false;

		foreach(d, m->indexes_done)
			done = done || strcmp(lfirst(d), get_rel_name(lfirst_oid(lc))) == 0;
		if (!done)
		{
			result = lfirst_oid(lc);
			break;
		}
	}
	table_close(shadow, NoLock);
	table_close(source, NoLock);
	return result;
}

static void
build_index(OscJob *job, OscMember *m, Oid index)
{
	TimestampTz start = GetCurrentTimestamp();
	char	   *name = get_rel_name(index);
	ReindexParams params = {0};
	OscArgs		args = {0};

	osc_set_local("max_parallel_maintenance_workers", osc_spare_workers(m->shadow));
	PushActiveSnapshot(GetTransactionSnapshot());
	/* builds as the table's owner, see index.c */
	osc_reindex_index(index, get_rel_persistence(index), &params);
	PopActiveSnapshot();
	osc_arg_text(&args, name);
	osc_member_update(m, "indexes_done = indexes_done || $3", &args);
	osc_event_text(job, "index", osc_elapsed_ms(start), "index", name);
	OSC_STOP_POINT("index-before-commit");
}

/*
 * The job is ready for its swap.
 */
void
osc_arrive_at_ready(OscJob *job)
{
	osc_job_set_phase(job, OSC_AT_READY);
	/* if it was paused meanwhile, osc_resume() makes it ready */
	if (job->manual_swap)
		(void) osc_job_move_state(job, OSC_READY);
}

/*
 * A job without copies goes only through the phases in which it has commands.
 */
void
osc_leave_phase(OscJob *job)
{
	static const OscPhase phases[] = {OSC_INDEXING, OSC_VALIDATING};

	for (int i = 0; i < (int) lengthof(phases); i++)
		if (phases[i] > job->phase && osc_job_next_step(job, phases[i]))
		{
			osc_job_set_phase(job, phases[i]);
			return;
		}
	osc_arrive_at_ready(job);
}

static void
step_indexing(OscJob *job, OscStep *step)
{
	ListCell   *lc;

	if (osc_step_command(job, step))
		return;
	if (job->members == NIL)
	{
		osc_leave_phase(job);
		return;
	}
	if (osc_step_arrange(job))
		return;
	if (osc_vacuum_command(job) != NULL)
	{
		if (step->can_vacuum)
			step->need_vacuum = true;
		else
		{
			osc_event(job, "freeze", -1,
					  "{\"skipped\": \"VACUUM cannot run here; autovacuum will freeze the rows later\"}");
			osc_note_vacuumed(job);
		}
		return;
	}
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		Oid			index = next_index(m);

		/* a step of its own: the build takes long */
		if (tend_log(m, OSC_LOG_SEGMENT_BLOCKS, false))
			return;
		if (OidIsValid(index))
			build_index(job, m, index);
		else if (!m->analyzed)
			osc_analyze(job, m, psprintf("ANALYZE %s", osc_relation_name(m->shadow)));
		else
			continue;
		store_backlog(m, osc_log_estimate(m, NULL), 0);
		return;
	}
	osc_job_set_phase(job, OSC_CATCHING_UP);
}

/* replay a batch of each member; true if a whole pass found next to nothing */
static bool
catch_up(OscJob *job, OscStep *step)
{
	ListCell   *lc;
	bool		caught_up = true;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		OscReplayResult result = {0};

		osc_replay_adaptive(m, &result);
		if (job->phase != OSC_SWAPPING && !step->swap_now)
			(void) tend_log(m, OSC_LOG_REPLAYED_BLOCKS,
							step->own_transaction && result.past_first);
		store_backlog(m, result.left, result.keys);
		step->keys += result.keys;
		if (!result.whole || result.rows > CAUGHT_UP_KEYS)
			caught_up = false;
	}
	return caught_up;
}

static void
note_horizon(OscJob *job)
{
	ListCell   *lc;
	FullTransactionId next = ReadNextFullTransactionId();

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		OscArgs		args = {0};

		osc_arg_datum(&args, XID8OID, FullTransactionIdGetDatum(next), false);
		osc_member_update(m, "horizon = $3", &args);
		m->horizon = next;
	}
}

/*
 * A transaction whose snapshot is older than this replay would see the rows
 * that it brought as they were before: at ready the swap waits for it.  But
 * once a swap has been tried, the horizon stays where it is.
 *
 * Race: with writes going on and transactions that overlap, a horizon that
 * moves with each replay would always have somebody left to wait for.
 */
static void
move_horizon(OscJob *job)
{
	if (job->phase == OSC_AT_READY && job->swap_since == 0)
		note_horizon(job);
}

/* osc_replay(): one batch, whatever the phase from catching_up on */
int64
osc_replay_once(OscJob *job)
{
	OscStep		step = {0};

	if (osc_restart_where_moved(job))
		return 0;
	(void) catch_up(job, &step);
	if (step.keys > 0)
		move_horizon(job);
	return step.keys;
}

/* osc_validate(): it replays as well */
bool
osc_validate_once(OscJob *job)
{
	bool		equal = osc_validate_all(job);

	move_horizon(job);
	return equal;
}

/* a backfill that was started anew is proved whatever the settings say */
static bool
must_validate(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
		if (((OscMember *) lfirst(lc))->generation > 1)
			return true;
	return false;
}

/* a validation that found differences must not be followed by a swap */
static void
refuse_differences(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (m->rows_differing > 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("validation found " INT64_FORMAT " rows of table \"%s\" that differ from their copy",
							m->rows_differing, m->relname),
					 errhint("Cancel the job with osc_cancel().")));
	}
}

static void
step_catching_up(OscJob *job, OscStep *step)
{
	if (!catch_up(job, step))
		return;
	if (osc_next_orphan_check(job))
		return;
	note_horizon(job);
	if (osc_validate_where_replaced(job))
		return;
	if (osc_verify || must_validate(job) || osc_job_next_step(job, OSC_VALIDATING))
		osc_job_set_phase(job, OSC_VALIDATING);
	else
		osc_arrive_at_ready(job);
}

static void
step_validating(OscJob *job, OscStep *step)
{
	ListCell   *lc;
	char	   *failure = NULL;
	bool		complete;

	if (osc_step_command(job, step))
		return;
	complete = osc_validate_some(job, &failure);
	foreach(lc, job->members)
		(void) tend_log(lfirst(lc), OSC_LOG_REPLAYED_BLOCKS, step->own_transaction);
	if (failure)
		osc_fail_job(job, failure, unpack_sql_state(ERRCODE_DATA_CORRUPTED));
	else if (complete && !osc_validate_where_replaced(job))
		osc_arrive_at_ready(job);
}

/* at ready, for a manual swap or its time of day: stay caught up at little cost */
static void
step_ready(OscJob *job, OscStep *step)
{
	if (!job->manual_swap && job->state == OSC_RUNNING &&
		osc_is_time_to_swap(job, step))
	{
		note_horizon(job);
		osc_job_set_phase(job, OSC_SWAPPING);
		return;
	}
	if (osc_validate_where_replaced(job))
		return;
	if (catch_up(job, step))
		step->wait_ms = READY_POLL_MS;
	if (step->keys > 0)
		move_horizon(job);
}

static void
step_swapping(OscJob *job, OscStep *step)
{
	/*
	 * Race: osc_cancel() or osc_pause() commits while the swap is under way.
	 * The row lock taken here lets it wait for the swap, and see its phase.
	 */
	osc_job_reload_state(job);
	if (job->state != OSC_RUNNING && job->state != OSC_READY)
		return;
	if (!osc_is_time_to_swap(job, step))
	{
		osc_job_set_phase(job, OSC_AT_READY);
		return;
	}
	if (osc_validate_where_replaced(job))
		return;
	refuse_differences(job);
	if (!osc_snapshots_allow_swap(job, step))
	{
		if (!step->swap_now)
			(void) catch_up(job, step);
		return;
	}
	/* as little as possible is left to the locks */
	if (!step->swap_now && !catch_up(job, step))
		return;
	if (osc_column_member(job))
		osc_column_swap(job, &step->locked_at);
	else if (job->members == NIL)
		osc_direct_swap(job, &step->locked_at);
	else if (osc_swap_storage(job, &step->locked_at, &step->backlog) == OSC_SWAP_BACKLOG)
	{
		step->rolled_back = true;
		return;
	}
	if (job->state == OSC_READY)
		osc_job_set_state(job, OSC_RUNNING);
	osc_job_set_phase(job, OSC_CLEANING);
	step->swapped = true;
}

static void
step_cleaning(OscJob *job, OscStep *step)
{
	ListCell   *lc;

	if (osc_step_command(job, step))
		return;
	foreach(lc, job->members)
		if (osc_validate_next_foreign_key(job, lfirst(lc)))
			return;
	if (!osc_cleanup_step(job))
		return;
	if (osc_keep_begin(job))
	{
		step->wait_ms = OSC_POLL_MS;	/* what it waits for stays told */
		return;
	}
	osc_job_set_phase(job, OSC_AT_DONE);
	osc_job_set_state(job, OSC_DONE);
}

static void
step_cancelling(OscJob *job, OscStep *step)
{
	if (!osc_step_undo(job, step) && osc_cleanup_step(job))
		osc_job_set_state(job, job->final_state);
}

/*
 * Let the capture triggers do nothing, and let clean-up begin.
 *
 * Race: what was proved of a new column beside the old one (NOT NULL, CHECK,
 * unique indexes, foreign keys to it) is enforced until clean-up has the locks
 * to drop it, which a reader can keep it from for long.  So the mirror goes on
 * giving the column its values, and ends with the column (osc_column_drop).
 */
static void
stop_capture(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
		osc_capture_stop(lfirst(lc));
}

/*
 * The job has failed: say so, and let clean-up begin.  It becomes failed when
 * all that it made is gone.
 */
void
osc_fail_job(OscJob *job, const char *message, const char *sqlstate)
{
	osc_job_record_error(job, message, sqlstate, OSC_FAILED);
	stop_capture(job);
	osc_job_set_state(job, OSC_CANCELLING);
}

/*
 * A user wants the job to end.
 */
void
osc_cancel_job(OscJob *job)
{
	stop_capture(job);
	osc_job_set_state(job, OSC_CANCELLING);
}

/*
 * Lock the sources for reading, politely: while somebody holds or awaits an
 * exclusive lock on one, a step that would wait for it, with its snapshot,
 * had better come again later.
 */
static void
lock_sources(OscJob *job)
{
	OscLockSet	set = {0};
	ListCell   *lc;

	foreach(lc, job->members)
		osc_lock_add(&set, ((OscMember *) lfirst(lc))->relid, AccessShareLock);
	osc_lock_all(&set, OSC_LOCK_TO_READ, job->owner);
}

static void
check_sources_exist(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, list_concat_copy(job->members, job->others))
	{
		OscMember  *m = lfirst(lc);

		if (get_rel_name(m->relid) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("table \"%s\" was dropped while the job ran", m->relname),
					 errhint("End the job with osc_cancel().")));
	}
}

/*
 * Do one step of the job, whatever phase it is in.
 */
void
osc_do_step(OscJob *job, OscStep *step)
{
	if (job->state == OSC_CANCELLING)
	{
		step_cancelling(job, step);
		return;
	}
	if (job->phase < OSC_CLEANING)
	{
		if (osc_follow_tree(job))
			return;
		check_sources_exist(job);
	}
	if (job->phase >= OSC_BACKFILLING && job->phase < OSC_SWAPPING && !step->swap_now)
		lock_sources(job);
	if (job->phase >= OSC_PREPARING && job->phase < OSC_CLEANING &&
		osc_restart_where_moved(job))
		return;
	if (step->swap_now)
	{
		step_swapping(job, step);
		return;
	}
	if (osc_step_columns(job, step))
		return;
	switch (job->phase)
	{
		case OSC_PLANNED:
			osc_prepare_members(job);
			break;
		case OSC_PREPARING:
			osc_step_preparing(job, step);
			break;
		case OSC_BACKFILLING:
			step_backfilling(job, step);
			break;
		case OSC_INDEXING:
			step_indexing(job, step);
			break;
		case OSC_CATCHING_UP:
			step_catching_up(job, step);
			break;
		case OSC_VALIDATING:
			step_validating(job, step);
			break;
		case OSC_AT_READY:
			step_ready(job, step);
			break;
		case OSC_SWAPPING:
			step_swapping(job, step);
			break;
		case OSC_CLEANING:
			step_cleaning(job, step);
			break;
		case OSC_AT_KEPT:
		case OSC_AT_DONE:
			break;
	}
}
