/*-------------------------------------------------------------------------
 *
 * locks.c
 *	  The driver lock of a job, and polite strong locks on relations.
 *
 * A strong lock that waits makes every later reader of the table wait behind
 * it.  So a lock set is asked for under one budget
 * (online_schema.lock_timeout): each lock first without waiting; where that
 * fails we look who holds it, and do not ask at all if the holder is not
 * going to be gone soon (a transaction older than OSC_LONG_TRANSACTION_MS, a
 * prepared transaction, a vacuum to prevent wraparound); otherwise we queue
 * for what is left of the budget.  deadlock_timeout is lowered meanwhile,
 * since an ordinary autovacuum in the way is cancelled when it runs out.
 *
 * Failure is the error lock_not_available, which the driver turns into a
 * pause and another attempt; locks obtained go with the subtransaction.
 *
 * The order of asking is that of the set: the source first, then other
 * tables.  A native ALTER takes them in the same order; where another session
 * takes them the other way round, the budget ends the deadlock.
 *
 * Driver lock: that of an object of a class that no catalog has.  (An advisory
 * lock could be dropped by a user's function with pg_advisory_unlock_all().)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"

/* a holder whose transaction is older than this is not waited for */
#define OSC_LONG_TRANSACTION_MS 1000

/* "class" of the lock tags of jobs: catalogs have OIDs below 16384 */
#define OSC_JOB_LOCK_CLASS 0x6f7363

static OscLockReport last_report;

/*
 * Add a lock to a set, or raise the mode of one that is there.
 */
void
osc_lock_add(OscLockSet *set, Oid relid, LOCKMODE mode)
{
	ListCell   *r,
			   *m;

	forboth(r, set->relids, m, set->modes)
	{
		if (lfirst_oid(r) == relid)
		{
			if (mode > lfirst_int(m))
				lfirst_int(m) = mode;
			return;
		}
	}
	set->relids = lappend_oid(set->relids, relid);
	set->modes = lappend_int(set->modes, mode);
}

/* forget the report of an earlier attempt */
void
osc_clear_lock_report(void)
{
	if (last_report.blockers)
		pfree(last_report.blockers);
	if (last_report.summary)
		pfree(last_report.summary);
	list_free(last_report.set.relids);
	list_free(last_report.set.modes);
	memset(&last_report, 0, sizeof(last_report));
}

/*
 * What came of the last osc_lock_all() of this process; purpose is empty if
 * there was none since osc_clear_lock_report().
 */
const OscLockReport *
osc_last_lock_report(void)
{
	return &last_report;
}

/* the names of the lock modes that conflict with the mode, as a text array */
Datum
osc_conflicting_modes(LOCKMODE mode)
{
	Datum		names[MAX_LOCKMODES];
	int			n = 0;

	for (LOCKMODE m = AccessShareLock; m <= AccessExclusiveLock; m++)
		if (DoLockModesConflict(mode, m))
			names[n++] = CStringGetTextDatum(GetLockmodeName(DEFAULT_LOCKMETHOD, m));
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Look who holds a lock that conflicts, and keep it for the report.  Returns
 * true if one of them is not going to be gone soon.  The text of a query is
 * shown only as far as the job's owner may see it.
 */
static bool
look_at_holders(Oid relid, LOCKMODE mode, Oid job_owner)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		is_long = false;
	char	   *json;
	char	   *summary;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, TEXTARRAYOID, osc_conflicting_modes(mode), false);
	osc_arg_oid(&args, job_owner);
	osc_arg_int4(&args, OSC_LONG_TRANSACTION_MS);
	osc_sql("WITH holder AS ("
			" SELECT l.pid, l.mode, a.xact_start, a.usesysid, a.query, a.backend_type, a.state"
			" FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
			" WHERE l.locktype = 'relation' AND l.relation = $1 AND l.granted"
			" AND l.mode = ANY ($2) AND l.pid IS DISTINCT FROM pg_backend_pid()"
			" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
			"), judged AS ("
			" SELECT pid, mode, round(extract(epoch FROM clock_timestamp() - xact_start)::numeric, 3) AS age_s,"
			"  CASE WHEN pg_has_role($3, usesysid, 'USAGE') OR pg_has_role($3, 'pg_read_all_stats', 'USAGE')"
			"   THEN left(query, 200) ELSE '<insufficient privilege>' END AS query,"
			"  CASE WHEN pid IS NULL THEN 'a prepared transaction'"
			"   WHEN backend_type = 'autovacuum worker' AND query LIKE '%(to prevent wraparound)'"
			"    THEN 'a vacuum to prevent wraparound (pid ' || pid || ')'"
			"   WHEN backend_type <> 'autovacuum worker' AND xact_start < clock_timestamp() - $4 * interval '1 ms'"
			"    THEN 'a transaction of ' || round(extract(epoch FROM clock_timestamp() - xact_start)) || ' s (pid ' || pid || ')'"
			"   END AS long_one"
			" FROM holder)"
			" SELECT coalesce(jsonb_agg(jsonb_build_object('pid', pid, 'mode', mode, 'age_s', age_s, 'query', query)), '[]')::text AS blockers,"
			"  coalesce(bool_or(long_one IS NOT NULL), false) AS is_long,"
			"  coalesce(min(long_one), 'other sessions (pid ' || coalesce(min(pid)::text, 'gone') || ')') AS summary"
			" FROM judged", &args);
	json = osc_col_text(&store, 0, "blockers");
	summary = osc_col_text(&store, 0, "summary");
	is_long = osc_col_bool(0, "is_long");
	osc_store_close(&store);

	if (last_report.blockers)
		pfree(last_report.blockers);
	if (last_report.summary)
		pfree(last_report.summary);
	last_report.blockers = MemoryContextStrdup(TopMemoryContext, json);
	last_report.summary =
		MemoryContextStrdup(TopMemoryContext,
							psprintf("lock on %s, held by %s",
									 osc_relation_name(relid), summary));
	return is_long;
}

/* queue for a lock for at most ms; lock_not_available when it is over */
static void
lock_within(Oid relid, LOCKMODE mode, int ms)
{
	int			nest = NewGUCNestLevel();

	osc_set_local("lock_timeout", psprintf("%d", Max(ms, 1)));
	osc_set_local("deadlock_timeout", psprintf("%d", Max(ms / 4, 1)));
	LockRelationOid(relid, mode);
	AtEOXact_GUC(true, nest);
}

/*
 * Get all locks of the set within the budget, or raise lock_not_available.
 * On exit they are held to the end of the (sub)transaction.
 */
void
osc_lock_all(const OscLockSet *set, const char *purpose, Oid job_owner)
{
	TimestampTz start = GetCurrentTimestamp();
	MemoryContext old;
	ListCell   *r,
			   *m;

	osc_clear_lock_report();
	strlcpy(last_report.purpose, purpose, sizeof(last_report.purpose));
	old = MemoryContextSwitchTo(TopMemoryContext);
	last_report.set.relids = list_copy(set->relids);
	last_report.set.modes = list_copy(set->modes);
	MemoryContextSwitchTo(old);
	forboth(r, set->relids, m, set->modes)
	{
		Oid			relid = lfirst_oid(r);
		LOCKMODE	mode = lfirst_int(m);
		int			left;

		if (ConditionalLockRelationOid(relid, mode))
			continue;
		if (!look_at_holders(relid, mode, job_owner) &&
			(left = osc_lock_timeout - (int) osc_elapsed_ms(start)) > 0)
		{
			/* counted as waited if this raises the error */
			last_report.waited_ms = osc_lock_timeout;
			lock_within(relid, mode, left);
			continue;
		}
		last_report.waited_ms = osc_elapsed_ms(start);
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not obtain lock on relation \"%s\"",
						get_rel_name(relid) ? get_rel_name(relid) : "?"),
				 errdetail("Waiting for %s.", last_report.summary)));
	}
	last_report.waited_ms = osc_elapsed_ms(start);
	last_report.granted = true;
}

static void
driver_tag(LOCKTAG *tag, int64 job_id)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, OSC_JOB_LOCK_CLASS, (uint32) job_id,
					   (uint16) (job_id >> 32));
}

/* the worker's own tag: it keeps the job while others drive it for a step */
static void
worker_tag(LOCKTAG *tag, int64 job_id)
{
	driver_tag(tag, job_id);
	tag->locktag_field4 |= 0x8000;
}

/*
 * Become the worker of a job, for the session; false if another one is.
 */
bool
osc_worker_try_lock(int64 job_id)
{
	LOCKTAG		tag;

	worker_tag(&tag, job_id);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
osc_worker_unlock(int64 job_id)
{
	LOCKTAG		tag;

	worker_tag(&tag, job_id);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* a place among the jobs that workers drive at once, in all databases */
static void
slot_tag(LOCKTAG *tag, int slot)
{
	SET_LOCKTAG_OBJECT(*tag, InvalidOid, OSC_JOB_LOCK_CLASS, slot, 0);
}

/*
 * Take one of n places for the session; its number from 1 on, 0 if all are
 * taken.  A place is a lock, so a process that dies gives it back.
 */
int
osc_slot_try_lock(int n)
{
	LOCKTAG		tag;

	for (int slot = 1; slot <= n; slot++)
	{
		slot_tag(&tag, slot);
		if (LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL)
			return slot;
	}
	return 0;
}

void
osc_slot_unlock(int slot)
{
	LOCKTAG		tag;

	slot_tag(&tag, slot);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* is one of n places free?  takes none, so that it is in nobody's way */
bool
osc_slot_is_free(int n)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		result;

	osc_store_open(&store);
	osc_arg_oid(&args, OSC_JOB_LOCK_CLASS);
	osc_arg_int4(&args, n);
	osc_sql("SELECT count(*) < $2 AS free FROM pg_locks WHERE locktype = 'object' AND granted"
			" AND database = 0 AND classid = $1", &args);
	result = osc_col_bool(0, "free");
	osc_store_close(&store);
	return result;
}

/*
 * Become the driver of a job, for the session or for the transaction; false
 * if another session is.
 */
bool
osc_driver_try_lock(int64 job_id, bool session)
{
	LOCKTAG		tag;

	driver_tag(&tag, job_id);
	return LockAcquire(&tag, ExclusiveLock, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Become the driver for the rest of the transaction, waiting up to timeout_ms
 * for a driver that is about to end its step; false if it does not.
 */
bool
osc_driver_lock_wait(int64 job_id, int timeout_ms)
{
	TimestampTz start = GetCurrentTimestamp();

	while (!osc_driver_try_lock(job_id, false))
	{
		CHECK_FOR_INTERRUPTS();
		if (osc_elapsed_ms(start) > timeout_ms)
			return false;
		pg_usleep(2000L);
	}
	return true;
}

/* stop being the driver for the session */
void
osc_driver_unlock(int64 job_id)
{
	LOCKTAG		tag;

	driver_tag(&tag, job_id);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/*
 * Process id of the job's driver, 0 if it has none.
 */
int
osc_driver_pid(int64 job_id)
{
	OscStore	store;
	OscArgs		args = {0};
	int			pid = 0;

	osc_store_open(&store);
	osc_arg_oid(&args, OSC_JOB_LOCK_CLASS);
	osc_arg_int8(&args, job_id & 0xffffffff);
	osc_arg_int4(&args, (int32) ((job_id >> 32) & 0xffff));
	if (osc_sql("SELECT pid FROM pg_locks WHERE locktype = 'object' AND granted"
				" AND mode = 'ExclusiveLock' AND classid = $1 AND objid::bigint = $2 AND objsubid = $3"
				" AND database = (SELECT oid FROM pg_database"
				"  WHERE datname = current_database())"
				" AND pid <> pg_backend_pid()", &args) > 0)
		pid = (int) osc_col_int8(0, "pid");
	osc_store_close(&store);
	return pid;
}
