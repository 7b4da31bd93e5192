/*-------------------------------------------------------------------------
 *
 * blockers.c
 *	  What becomes of sessions that keep a job from its locks
 *	  (online_schema.blocker_action, blocker_patience).
 *
 * A job that finds its locks taken notes when that began.  When the patience
 * is over, sessions that hold a conflicting lock on a table of the lock set
 * have their query cancelled, or are terminated.  The clock then starts anew,
 * so each session gets its time, and what a signal does not end is not
 * signalled without a pause.
 *
 * Signalled are client sessions of this database, and of those only whom the
 * job's owner may signal by the server's own rule (signalfuncs.c): a member of
 * the session's role or of pg_signal_backend, and for a superuser's session a
 * superuser.  Never those that wait for a lock, for they hold nobody up;
 * never a vacuum, a prepared transaction or a background process.
 *
 * Race: between our look and the signal a session may end its transaction and
 * begin another one.  It is that of pg_cancel_backend() called by hand; we
 * keep the time short, look at the session again just before the signal, and
 * do not signal one whose transaction is another by then.
 *
 * Locks: none.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "drive/blockers.h"
#include "store/events.h"

/* after a signal the locks are asked for again that soon, ms */
#define AFTER_SIGNAL_MS 100

/* a session that holds a conflicting lock */
typedef struct Blocker
{
	int			pid;
	bool		may_signal;
	bool		active;
	char	   *xact_start;		/* as text, to know the transaction again */
	char	   *json;			/* pid, role, age_s, query: members of an object */
} Blocker;

/* client sessions that hold what conflicts with the mode */
static List *
holders_of(Oid relid, LOCKMODE mode, Oid job_owner)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, TEXTARRAYOID, osc_conflicting_modes(mode), false);
	osc_arg_oid(&args, job_owner);
	n = osc_sql("SELECT DISTINCT a.pid, a.state = 'active' AS active, a.xact_start::text AS xact_start,"
				"  (pg_has_role($3, a.usesysid, 'USAGE') OR pg_has_role($3, 'pg_signal_backend', 'USAGE'))"
				"   AND (NOT r.rolsuper OR o.rolsuper) AS may_signal,"
				"  format('\"pid\": %s, \"role\": %s, \"age_s\": %s, \"query\": %s', a.pid, to_json(r.rolname),"
				"   round(extract(epoch FROM clock_timestamp() - a.xact_start)::numeric, 3),"
				"   to_json(CASE WHEN pg_has_role($3, a.usesysid, 'USAGE')"
				"     OR pg_has_role($3, 'pg_read_all_stats', 'USAGE')"
				"    THEN left(a.query, 200) ELSE '<insufficient privilege>' END)) AS json"
				" FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
				" JOIN pg_roles r ON r.oid = a.usesysid JOIN pg_roles o ON o.oid = $3"
				" WHERE l.locktype = 'relation' AND l.relation = $1 AND l.granted"
				"  AND l.mode = ANY ($2) AND a.pid <> pg_backend_pid()"
				"  AND a.backend_type = 'client backend' AND a.xact_start IS NOT NULL"
				"  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
				&args);
	for (uint64 i = 0; i < n; i++)
	{
		Blocker    *b = MemoryContextAlloc(store.caller, sizeof(Blocker));

		b->pid = (int) osc_col_int8(i, "pid");
		b->active = osc_col_bool(i, "active");
		b->may_signal = osc_col_bool(i, "may_signal");
		b->xact_start = osc_col_text(&store, i, "xact_start");
		b->json = osc_col_text(&store, i, "json");
		result = osc_keep(&store, result, b);
	}
	osc_store_close(&store);
	return result;
}

/* is it still the session, and the transaction, that we saw? */
static bool
is_still_there(const Blocker *b)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		result;

	/* statistics are the same for a whole transaction unless told otherwise */
	(void) DirectFunctionCall1(pg_stat_clear_snapshot, (Datum) 0);
	osc_store_open(&store);
	osc_arg_int4(&args, b->pid);
	osc_arg_text(&args, b->xact_start);
	result = osc_sql("SELECT 1 FROM pg_stat_activity"
					 " WHERE pid = $1 AND xact_start::text = $2", &args) > 0;
	osc_store_close(&store);
	return result;
}

/*
 * Send the signal with the rights of the job's owner, in whose name we are.
 * Returns why not, or NULL.
 */
static const char *
send_signal(const Blocker *b)
{
	OscSubxact	subxact;
	volatile bool sent = false;

	if (!b->may_signal)
		return "the job's owner may not signal this session";
	if (osc_blocker_action == OSC_BLOCKER_CANCEL && !b->active)
		return "the session runs no query; only terminate would end its transaction";
	if (!is_still_there(b))
		return "the transaction has ended";
	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		/* they check the right once more */
		if (osc_blocker_action == OSC_BLOCKER_CANCEL)
			sent = DatumGetBool(DirectFunctionCall1(pg_cancel_backend, Int32GetDatum(b->pid)));
		else
			sent = DatumGetBool(DirectFunctionCall2(pg_terminate_backend, Int32GetDatum(b->pid),
													Int64GetDatum(0)));
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		return edata->message;
	}
	PG_END_TRY();
	return sent ? NULL : "the session is gone";
}

static void
signal_blocker(OscJob *job, const Blocker *b, const char *purpose)
{
	const char *action = osc_blocker_action == OSC_BLOCKER_CANCEL ? "cancel" : "terminate";
	const char *refused = send_signal(b);
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"action\": \"%s\", \"sent\": %s, \"purpose\": ", action,
					 refused ? "false" : "true");
	escape_json(&detail, purpose);
	if (refused)
	{
		appendStringInfoString(&detail, ", \"reason\": ");
		escape_json(&detail, refused);
	}
	appendStringInfo(&detail, ", %s}", b->json);
	osc_event(job, "blocker", osc_elapsed_ms(job->blocked_since), detail.data);
	if (refused == NULL)
		ereport(LOG,
				(errmsg("online schema change: job " INT64_FORMAT " sent %s to process %d, which kept it from its locks for %.0f s",
						job->job_id, action, b->pid, osc_elapsed_ms(job->blocked_since) / 1000)));
}

/*
 * The locks of the set were not to be had.  Start the clock, or, when the
 * patience is over, do as the settings say; true if somebody was signalled.
 * The job's owner and settings are in force, and no lock of the set is held.
 */
bool
osc_blockers_met(OscJob *job, const OscLockSet *set, const char *purpose)
{
	List	   *done = NIL;
	ListCell   *r,
			   *m,
			   *lc;

	if (job->blocked_since == 0)
		osc_job_note_blocked(job);
	if (osc_blocker_action == OSC_BLOCKER_WAIT ||
		osc_elapsed_ms(job->blocked_since) < osc_blocker_patience)
		return false;
	forboth(r, set->relids, m, set->modes)
	{
		foreach(lc, holders_of(lfirst_oid(r), lfirst_int(m), job->owner))
		{
			Blocker    *b = lfirst(lc);

			if (list_member_int(done, b->pid))
				continue;
			done = lappend_int(done, b->pid);
			signal_blocker(job, b, purpose);
		}
	}
	if (done != NIL)
		osc_job_note_blocked(job);
	return done != NIL;
}

/*
 * The same for a swap that waits for an old snapshot before it asks for its
 * locks: a session that reads the table has both, often.
 */
bool
osc_blockers_of_sources(OscJob *job)
{
	OscLockSet	set = {0};
	ListCell   *lc;

	foreach(lc, job->members)
		osc_lock_add(&set, ((OscMember *) lfirst(lc))->relid, AccessExclusiveLock);
	return osc_blockers_met(job, &set, "swap");
}

/* the next attempt comes no later than the end of the patience */
int
osc_blockers_limit_delay(const OscJob *job, int delay_ms)
{
	double		left;

	if (osc_blocker_action == OSC_BLOCKER_WAIT || job->blocked_since == 0)
		return delay_ms;
	left = osc_blocker_patience - osc_elapsed_ms(job->blocked_since);
	return (int) Max(Min(left, delay_ms), AFTER_SIGNAL_MS);
}
