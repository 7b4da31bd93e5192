/*-------------------------------------------------------------------------
 *
 * swap_storage.c
 *	  The swap of strategy copy: handing the shadow's storage to the source,
 *	  in one transaction, and its rehearsal on the real table.
 *
 * Under the locks, for each member: take a fresh snapshot, check that nothing
 * was changed under us, replay what is left of the log, drop capture.  Then
 * the source exchanges storage with the twin and so is empty, the user's
 * statement runs natively on it, which takes milliseconds, and the source,
 * now of the new shape, exchanges storage with the shadow.  The table keeps
 * its OID, and whatever the statement does to the catalogs is native.
 *
 * "Lock, then check, then snapshot": a snapshot from before the locks would
 * not show the log rows that others committed while we waited, and the final
 * replay would lose them.
 *
 * The rehearsal (dry run) does the same with storage that is empty on both
 * sides, notes the resulting layout, and is rolled back by the caller.  What
 * native refuses it refuses, before a row is copied.
 *
 * Locks: ACCESS EXCLUSIVE on source, shadow, twin, the TOAST tables of all
 * three, and the tables on the other side of affected foreign keys; ACCESS
 * SHARE on tables that expressions read.  A crash
 * leaves the state of before, or that of after.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/heap.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/deadline.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/notices.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "finish/foreign_keys.h"
#include "finish/keep.h"
#include "finish/orphans.h"
#include "finish/sequences.h"
#include "finish/stand_aside.h"
#include "finish/storage.h"
#include "finish/swap_message.h"
#include "finish/swap_storage.h"
#include "finish/tree_changes.h"
#include "mirror/capture.h"
#include "mirror/log.h"
#include "mirror/lookups.h"
#include "mirror/place.h"
#include "mirror/replay.h"
#include "mirror/shadow.h"
#include "model/relinfo.h"
#include "model/statement.h"
#include "model/tree.h"
#include "store/events.h"

static void
add_table(OscLockSet *set, Oid relid)
{
	Oid			toast;

	osc_lock_add(set, relid, AccessExclusiveLock);
	toast = osc_toast_of(relid);
	if (OidIsValid(toast))
		osc_lock_add(set, toast, AccessExclusiveLock);
}

static int
compare_members(const ListCell *a, const ListCell *b)
{
	return ((OscMember *) lfirst(a))->member - ((OscMember *) lfirst(b))->member;
}

/* all tables of the job in the order of the plan: parents before children */
static List *
all_members(OscJob *job)
{
	List	   *all = list_concat_copy(job->members, job->others);

	list_sort(all, compare_members);
	return all;
}

/* sources first, parents before children; then other user tables, then what is ours */
static void
lock_members(OscJob *job, List *script, List *foreign_keys, const char *purpose)
{
	OscLockSet	set = {0};
	ListCell   *lc;

	foreach(lc, all_members(job))
		osc_lock_add(&set, ((OscMember *) lfirst(lc))->relid, AccessExclusiveLock);
	osc_foreign_keys_lock(foreign_keys, &set);
	osc_new_foreign_keys_lock(osc_commands_of(script), &set);
	osc_stand_aside_lock(job, foreign_keys, &set);
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		osc_lookups_add(&set, m);
		add_table(&set, m->relid);
		add_table(&set, m->shadow);
		add_table(&set, m->twin);
	}
	osc_lock_all(&set, purpose, job->owner);
}

static void
changed_under_us(const OscMember *m, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s of table \"%s\" was changed while the job ran", what, m->relname),
			 errhint("Start the job again.")));
}

/*
 * Have those that are not copied, partitioned tables above all, stayed as they
 * were?
 *
 * Race: a partition comes or goes between the last step and our locks.  The
 * next step takes it up, or lets it go.
 */
static void
check_others(OscJob *job, List *script)
{
	List	   *newcomers;
	List	   *leavers;
	ListCell   *lc;

	if (osc_tree_has_changed(job, script, &newcomers, &leavers))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("a partition came or went just now")));
	foreach(lc, job->others)
	{
		OscMember  *m = lfirst(lc);

		if (strcmp(osc_fingerprint(m->relid), m->fingerprint) != 0)
			changed_under_us(m, "the definition");
	}
}

/* with the locks held: is everything as the copy supposes it to be? */
static void
check_members(OscJob *job, List *script)
{
	ListCell   *lc;

	check_others(job, script);

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (get_rel_name(m->relid) == NULL || strcmp(get_rel_name(m->relid), m->relname) != 0)
			changed_under_us(m, "the name");
		/* the next step sees it too, and validates or begins again */
		if (osc_storage_of(m->relid) != m->source_storage || osc_rows_have_moved(m))
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("the storage of table \"%s\" was replaced just now", m->relname)));
		if (!osc_capture_is_intact(m))
			changed_under_us(m, "the capture trigger");
		if (strcmp(osc_fingerprint(m->relid), m->fingerprint) != 0)
			changed_under_us(m, "the definition");
		if (!osc_has_relrewrite(m->shadow, m->relid))
			changed_under_us(m, "the helper table");
	}
}

static void
ignore_row(Relation segment, HeapTuple row, void *arg)
{
}

/* count what is left in the log, up to one more than the limit */
static int64
count_backlog(OscJob *job)
{
	int64		total = 0;
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscLogBatch batch = {0};

		osc_log_scan(lfirst(lc), GetActiveSnapshot(), osc_swap_max_backlog + 1,
					 &batch, ignore_row, NULL);
		total += batch.rows;
	}
	return total;
}

static void
replay_all(OscJob *job)
{
	int			nest = NewGUCNestLevel();
	ListCell   *lc;

	/* functions may read tables that we do not know of */
	osc_set_local("lock_timeout", psprintf("%d", osc_lock_timeout));
	foreach(lc, job->members)
	{
		OscLogPosition position = {0};
		OscReplayResult result = {0};

		osc_replay_batch(lfirst(lc), &position, PG_INT64_MAX, &result);
	}
	AtEOXact_GUC(true, nest);
}

/*
 * The statements, natively: copied tables have the twin's empty storage now.
 * Foreign keys that they add are added to keys.
 */
static List *
run_script(OscJob *job, List *script, List *keys)
{
	int			nest = NewGUCNestLevel();
	ListCell   *lc;

	/* locks beyond ours, on what CASCADE drops: wait no longer than for these */
	osc_set_local("lock_timeout", psprintf("%d", osc_lock_timeout));
	osc_notices_begin();
	foreach(lc, script)
	{
		OscStatement *s = lfirst(lc);
		List	   *before;

		if (!OidIsValid(s->relid))
			continue;
		before = osc_foreign_keys_of(s->relid);
		osc_run_statement(s, true);
		keys = osc_note_new_foreign_keys(keys, s->relid, before,
										 osc_commands_of(list_make1(s)));
	}
	osc_event_notices(job, osc_notices_end());
	AtEOXact_GUC(true, nest);
	return keys;
}

static void
clear_missing_values(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);

	RelationClearMissing(rel);
	table_close(rel, NoLock);
	CommandCounterIncrement();
}

/*
 * The statement has just been resolved once more: names must mean what they
 * meant when the rows were proved.
 */
static void
check_definition(OscMember *m)
{
	Relation	source = table_open(m->relid, NoLock);
	Relation	shadow = table_open(m->shadow, NoLock);
	const char *difference = osc_definition_difference(source, shadow);

	table_close(source, NoLock);
	table_close(shadow, NoLock);
	if (difference)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the statement on table \"%s\" no longer means what it meant when the job began: %s",
						m->relname, difference),
				 errhint("Start the job again.")));
}

/* hand the storage over, and run the statements in between */
static void
swap_members(OscJob *job, List *script, List *foreign_keys)
{
	ListCell   *lc;
	OscArgs		args = {0};
	List	   *aside;

	osc_foreign_keys_unvalidate(foreign_keys);
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		osc_capture_remove(m);
		if (osc_keeps_old())
			osc_keep_twin(m);
		osc_exchange_storage(m->relid, m->twin, false);
	}
	aside = osc_stand_aside(job, foreign_keys);
	OSC_STOP_POINT("swap-before-final-alter");
	foreign_keys = run_script(job, script, foreign_keys);
	osc_stand_back(aside);
	osc_foreign_keys_unvalidate_remade(foreign_keys);
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		check_definition(m);
		osc_carry_sequences(m->relid, m->shadow);
		osc_exchange_storage(m->relid, m->shadow, true);
		/* every row has all its columns now */
		clear_missing_values(m->relid);
		osc_member_update(m, "backlog = 0", NULL);
		osc_log_swap_message(job, m);
	}
	osc_arg_jsonb(&args, osc_foreign_keys_to_json(foreign_keys));
	osc_member_update(linitial(job->members), "foreign_keys = $3", &args);
}

/* the affected keys of all tables */
static List *
affected_keys(OscJob *job, List *script)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, all_members(job))
	{
		Oid			relid = ((OscMember *) lfirst(lc))->relid;

		result = osc_affected_foreign_keys(result, relid, osc_statements_reaching(script, relid));
	}
	return result;
}

static bool
same_foreign_keys(List *a, List *b)
{
	ListCell   *x,
			   *y;

	if (list_length(a) != list_length(b))
		return false;
	forboth(x, a, y, b)
		if (((OscForeignKey *) lfirst(x))->constraint != ((OscForeignKey *) lfirst(y))->constraint)
			return false;
	return true;
}

/*
 * One attempt.  Raises lock_not_available if the locks are not to be had.  On
 * OSC_SWAP_DONE the swap is complete but for the commit, and the job is in
 * phase cleaning; on OSC_SWAP_BACKLOG the caller rolls back.  The caller has
 * entered the job owner's name, in a transaction of level READ COMMITTED.
 */
OscSwapOutcome
osc_swap_storage(OscJob *job, TimestampTz *locked_at, int64 *backlog)
{
	List	   *script = osc_script_of_job(job);
	List	   *foreign_keys = affected_keys(job, script);

	lock_members(job, script, foreign_keys, "swap");
	*locked_at = GetCurrentTimestamp();
	osc_deadline_arm(osc_swap_timeout);
	OSC_STOP_POINT("swap-locked");
	/* the keys may have changed until now */
	if (!same_foreign_keys(foreign_keys, affected_keys(job, script)))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("foreign keys of the table were changed while locks were being obtained")));
	check_members(job, script);
	PushActiveSnapshot(GetLatestSnapshot());
	*backlog = count_backlog(job);
	if (*backlog > osc_swap_max_backlog)
	{
		PopActiveSnapshot();
		osc_deadline_disarm();
		return OSC_SWAP_BACKLOG;
	}
	replay_all(job);
	PopActiveSnapshot();
	swap_members(job, script, foreign_keys);
	OSC_STOP_POINT("swap-before-commit");
	osc_event(job, "swap", osc_elapsed_ms(*locked_at),
			  psprintf("{\"locked_ms\": %.3f, \"backlog\": " INT64_FORMAT "}",
					   osc_elapsed_ms(*locked_at), *backlog));
	CHECK_FOR_INTERRUPTS();
	osc_deadline_disarm();
	return OSC_SWAP_DONE;
}

/*
 * Rehearse the swap on the real table, with empty storage; the caller rolls
 * the subtransaction back, which gives all back.  Returns the foreign keys
 * that are to be tried on the copies (orphans.c).  Raises what native raises,
 * or lock_not_available.
 */
char *
osc_dry_run(OscJob *job)
{
	List	   *script = osc_script_of_job(job);
	List	   *foreign_keys = affected_keys(job, script);
	char	   *orphan_checks;
	ListCell   *lc;

	lock_members(job, script, foreign_keys, "dry run");
	osc_deadline_arm(osc_swap_timeout);
	PushActiveSnapshot(GetLatestSnapshot());
	osc_foreign_keys_unvalidate(foreign_keys);
	check_others(job, script);
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (strcmp(osc_fingerprint(m->relid), m->fingerprint) != 0)
			changed_under_us(m, "the definition");
		osc_exchange_storage(m->relid, m->twin, false);
	}
	(void) osc_stand_aside(job, foreign_keys);
	orphan_checks = osc_orphan_checks(job, script, run_script(job, script, foreign_keys));
	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		Relation	source = table_open(m->relid, NoLock);
		Relation	shadow = table_open(m->shadow, NoLock);
		const char *difference = osc_layout_difference(source, shadow);

		if (difference)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the copy of table \"%s\" would get another layout than the table: %s",
							m->relname, difference)));
		table_close(source, NoLock);
		table_close(shadow, NoLock);
	}
	PopActiveSnapshot();
	osc_deadline_disarm();
	return orphan_checks;
}
