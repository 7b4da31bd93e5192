/*-------------------------------------------------------------------------
 *
 * restart.c
 *	  What follows when a table gets other storage while a job runs: rows that
 *	  are found by key are validated again, rows that are found by their place
 *	  are copied again.
 *
 * To the latter: whatever was copied and logged is about places that are not those of today
 * (mirror/place.c).  So, in one transaction: shadow and table of places are
 * emptied, the indexes count as not built, and the job goes back to where it
 * waits for its fence, with a new one.  The fence needs no stronger lock than
 * what keeps the storage as it is: the capture triggers have been there all
 * along, so whoever gets an id from now on writes to this storage and logs
 * places of it.  The rest is waited for as at the first time: else a row that
 * an older transaction moves within the table could be copied twice.
 *
 * If the rows move again before that fence is passed, it is done once more.
 *
 * The same is done when a crash has emptied an unlogged source or shadow
 * (mirror/canary.c): log rows that were replayed before it are deleted, so the
 * versions that they stood for must be copied, and need a fence of their own.
 * What is left in the log is replayed as ever, and does no harm.
 *
 * Locks: ACCESS SHARE on the source; the member's row, exclusively, which
 * waits for batches in flight and ends those that come; ACCESS EXCLUSIVE on
 * the shadow and the table of places.  A crash leaves the state of before, or
 * that of after.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/xid8.h"

#include "base/ident.h"
#include "base/run.h"
#include "base/stop_point.h"
#include "drive/restart.h"
#include "mirror/canary.h"
#include "mirror/place.h"
#include "mirror/shadow.h"
#include "store/events.h"

static void
start_again(OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};

	m->generation = osc_member_lock_generation(m, true) + 1;
	osc_empty_shadow(m->shadow);
	if (OidIsValid(m->places))
	{
		osc_empty_shadow(m->places);
		osc_note_storage(m);
	}
	if (!osc_canary_is_alive(m))
		osc_canary_revive(m);
	m->fence = ReadNextFullTransactionId();
	m->fence_passed = false;
	osc_arg_int4(&args, m->generation);
	osc_arg_datum(&args, XID8OID, FullTransactionIdGetDatum(m->fence), false);
	osc_member_update(m, "generation = $3, fence = $4, fence_passed = false,"
					  " frozen = false, indexes_done = '{}', analyzed = false,"
					  " horizon = NULL, validate_source = 0, validate_shadow = 0", &args);

	memset(&args, 0, sizeof(args));
	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_sql("DELETE FROM online_schema.job_range WHERE job_id = $1 AND member = $2", &args);
	osc_store_close(&store);
}

/* has a crash emptied what is unlogged of the member? */
static bool
has_crashed(const OscMember *m)
{
	return FullTransactionIdIsValid(m->fence) && OSC_PROTECTED("canary") &&
		!osc_canary_is_alive(m);
}

/*
 * Look at the storage of the job's tables, and begin again where rows have
 * moved or are gone.  True if that was done; the job is then in phase
 * preparing.
 */
bool
osc_restart_where_moved(OscJob *job)
{
	ListCell   *lc;
	bool		moved = false;
	bool		crashed = false;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (has_crashed(m))
			crashed = true;
		else if (!osc_rows_have_moved(m))
			continue;
		/* the storage that is noted must stay until the new fence is in force */
		LockRelationOid(m->relid, AccessShareLock);
		start_again(m);
		moved = true;
	}
	if (!moved)
		return false;
	osc_event(job, "restart", -1, crashed ?
			  "{\"reason\": \"the server has crashed, and an unlogged table is empty; the backfill starts again\"}" :
			  "{\"reason\": \"the rows have other places, by which they are found; the backfill starts again\"}");
	if (job->state == OSC_READY)
		(void) osc_job_move_state(job, OSC_RUNNING);
	osc_job_set_phase(job, OSC_PREPARING);
	return true;
}

/*
 * Has a source whose rows have a key got other storage since it was copied?
 * TRUNCATE, VACUUM FULL and CLUSTER do no harm, but an ALTER TABLE that
 * rewrites changes rows without a trigger.  Which it was cannot be told:
 * validate again.  True if that is to be done; the job is then in phase
 * validating.
 */
bool
osc_validate_where_replaced(OscJob *job)
{
	ListCell   *lc;
	bool		changed = false;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		int64		storage = osc_storage_of(m->relid);
		OscArgs		args = {0};

		if (storage == m->source_storage || OidIsValid(m->places))
			continue;
		osc_arg_int8(&args, storage);
		osc_member_update(m, "source_storage = $3, validate_source = 0, validate_shadow = 0", &args);
		changed = true;
	}
	if (!changed)
		return false;
	osc_event(job, "restart", -1, "{\"reason\": \"the table has other storage; it is validated again\"}");
	if (job->state == OSC_READY)
		(void) osc_job_move_state(job, OSC_RUNNING);
	osc_job_set_phase(job, OSC_VALIDATING);
	return true;
}
