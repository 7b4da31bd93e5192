/*-------------------------------------------------------------------------
 *
 * throttle.c
 *	  Going slower, or not at all for a while, for the sake of others.
 *
 * Two things slow a job down, both between batches and never inside a
 * transaction:
 *
 *  - online_schema.throttle_ratio: after each batch a pause in proportion to
 *    the time that the batch took;
 *  - limits (max_replica_lag, max_active_backends, max_lock_waiters,
 *    min_free_disk): while one is exceeded, no batch is begun.
 *
 * The driver asks before a step (osc_throttle_holds) and after it
 * (osc_throttle_after); a step that is held does nothing but say why.  A
 * further backfill worker asks for itself and leaves the saying to the driver.
 * Limits hold up what makes load: backfill, index builds, catching up and
 * validation.  Not the preparations, which are short, and not a job at ready or
 * in its swap, which would fall behind.
 *
 * Lag: the lag columns of pg_stat_replication stand still when a standby
 * does.  So each look notes the position of the WAL, and a replica that has
 * not come to the position of t seconds ago lags by at least t.  That works
 * for slots as well.  The notes live in the process that looks; the first
 * look of a process knows nothing but the server's own columns.
 *
 * Locks: none beyond those of the statistics views.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xlog.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/disk.h"
#include "base/run.h"
#include "base/settings.h"
#include "drive/throttle.h"
#include "model/column.h"
#include "store/events.h"

/* a look that found nothing is good for that long, ms */
#define LOOK_AGAIN_MS 500

/* how long a step that is held waits, ms */
#define HELD_MS 500

/* the longest sleep without a look at the settings, ms */
#define LONGEST_NAP_MS 1000

/* notes of WAL positions; when there is no room, every other one goes */
#define MAX_NOTES 256

typedef struct WalNote
{
	TimestampTz at;
	XLogRecPtr	position;
} WalNote;

static WalNote notes[MAX_NOTES];
static int	nnotes = 0;
static int64 note_gap_ms = LOOK_AGAIN_MS;

/* the last look of this process */
static int64 looked_for = 0;
static TimestampTz looked_at = 0;

/* what this process has worked and slept since begin_account(), ms */
static double worked_ms = 0;
static double slept_ms = 0;
static TimestampTz pause_began = 0;
static double pause_due_ms = 0;	/* counted from pause_began */
static int64 account_of = 0;

/* write down where the WAL ends now */
static void
note_position(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (nnotes > 0 && now - notes[nnotes - 1].at < note_gap_ms * 1000)
		return;
	if (nnotes == MAX_NOTES)
	{
		for (int i = 0; i < MAX_NOTES / 2; i++)
			notes[i] = notes[i * 2];
		nnotes = MAX_NOTES / 2;
		note_gap_ms *= 2;
	}
	notes[nnotes].at = now;
	notes[nnotes++].position = GetFlushRecPtr(NULL);
}

/* a lower bound of the lag, in ms, of one who is at this position */
static double
lag_of(XLogRecPtr position)
{
	for (int i = 0; i < nnotes; i++)
		if (notes[i].position > position)
			return osc_elapsed_ms(notes[i].at);
	return 0;
}

/*
 * Who lags most?  A slot counts with what it has confirmed, its walsender with
 * what was replayed.
 */
static char *
replica_reason(void)
{
	OscStore	store;
	char	   *who = NULL;
	double		worst = 0;
	uint64		n;

	note_position();
	osc_store_open(&store);
	n = osc_sql("SELECT 'replica lag'::text AS what,"
				"  coalesce(nullif(application_name, ''), 'pid ' || pid) AS who, replay_lsn AS lsn,"
				"  extract(epoch FROM replay_lag)::float8 * 1000 AS ms"
				" FROM pg_stat_replication WHERE replay_lsn IS NOT NULL"
				" UNION ALL SELECT 'slot lag', 'slot ' || slot_name,"
				"  coalesce(confirmed_flush_lsn, restart_lsn), NULL"
				" FROM pg_replication_slots"
				" WHERE coalesce(confirmed_flush_lsn, restart_lsn) IS NOT NULL"
				"  AND wal_status IS DISTINCT FROM 'lost'", NULL);
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		d = osc_col_datum(&store, i, "lsn", &isnull);
		double		lag = lag_of(DatumGetLSN(d));

		d = osc_col_datum(&store, i, "ms", &isnull);
		/* what the server measured is good only while there is something left */
		if (!isnull && lag > 0 && DatumGetFloat8(d) > lag)
			lag = DatumGetFloat8(d);
		if (lag <= worst || lag <= osc_max_replica_lag)
			continue;
		worst = lag;
		who = psprintf("%s %.0f s of %.3g s allowed (%s)", SPI_getvalue(SPI_tuptable->vals[i],
																	   SPI_tuptable->tupdesc, 1),
					   lag / 1000, osc_max_replica_lag / 1000.0,
					   SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
		who = MemoryContextStrdup(store.caller, who);
	}
	osc_store_close(&store);
	return who;
}

/* too many sessions at work, or waiting for each other? */
static char *
sessions_reason(void)
{
	OscStore	store;
	int64		active;
	int64		waiting;

	osc_store_open(&store);
	osc_sql("SELECT count(*) FILTER (WHERE state = 'active') AS active,"
			" count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting"
			" FROM pg_stat_activity"
			" WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()", NULL);
	active = osc_col_int8(0, "active");
	waiting = osc_col_int8(0, "waiting");
	osc_store_close(&store);
	if (osc_max_active_backends > 0 && active > osc_max_active_backends)
		return psprintf(INT64_FORMAT " active sessions of %d allowed", active, osc_max_active_backends);
	if (osc_max_lock_waiters > 0 && waiting > osc_max_lock_waiters)
		return psprintf(INT64_FORMAT " sessions that wait for locks of %d allowed",
						waiting, osc_max_lock_waiters);
	return NULL;
}

static const char *
tablespace_name(Oid tablespace)
{
	return get_tablespace_name(OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace);
}

static Oid
tablespace_of(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	Oid			result;

	if (rel == NULL)
		return InvalidOid;
	result = rel->rd_rel->reltablespace;
	relation_close(rel, AccessShareLock);
	return result;
}

static char *
disk_reason(const OscJob *job)
{
	ListCell   *lc;

	foreach(lc, osc_column_member(job) ? list_make1(osc_column_member(job)) : job->members)
	{
		OscMember  *m = lfirst(lc);
		Oid			tablespace = tablespace_of(OidIsValid(m->shadow) ? m->shadow : m->relid);
		int64		available,
					total;

		osc_disk_space(tablespace, &available, &total);
		if (available < total / 100.0 * osc_min_free_disk)
			return psprintf("disk space: %.1f %% of the volume of tablespace \"%s\" is free, %d %% is to stay so",
							100.0 * available / total, tablespace_name(tablespace),
							osc_min_free_disk);
	}
	return NULL;
}

/*
 * What should keep the job from its next batch just now; NULL if nothing.
 * The job's settings are in force.  Looks at the statistics at most every
 * LOOK_AGAIN_MS, and not at all where no limit is set.
 */
char *
osc_throttle_reason(const OscJob *job)
{
	char	   *reason = NULL;

	if (looked_for == job->job_id && osc_elapsed_ms(looked_at) < LOOK_AGAIN_MS)
		return NULL;
	if (osc_max_replica_lag > 0)
		reason = replica_reason();
	if (reason == NULL && (osc_max_active_backends > 0 || osc_max_lock_waiters > 0))
		reason = sessions_reason();
	if (reason == NULL && osc_min_free_disk > 0)
		reason = disk_reason(job);
	looked_for = reason ? 0 : job->job_id;
	looked_at = GetCurrentTimestamp();
	return reason;
}

/* phases that make load */
static bool
is_heavy(OscPhase phase)
{
	return phase >= OSC_BACKFILLING && phase <= OSC_VALIDATING;
}

/* the beginning of waiting_for while a limit holds the job */
#define HELD_PREFIX "throttle: "

static bool
was_held(const OscJob *job)
{
	return job->waiting_for && strncmp(job->waiting_for, HELD_PREFIX, strlen(HELD_PREFIX)) == 0;
}

/*
 * Is the pause after the last batch not over?  A long one is slept in parts,
 * so that a new throttle_ratio is in force soon.
 */
static bool
is_pausing(const OscJob *job, OscStep *step)
{
	double		ms;

	if (account_of != job->job_id || pause_began == 0)
		return false;
	ms = osc_elapsed_ms(pause_began);
	slept_ms += ms;
	pause_due_ms -= ms;
	pause_began = 0;
	/* who drives by hand comes when he likes */
	if (osc_throttle_ratio == 0 || pause_due_ms < 1 || !step->own_transaction)
		return false;
	pause_began = GetCurrentTimestamp();
	step->wait_ms = (int) Min(pause_due_ms, LONGEST_NAP_MS) + 1;
	return true;
}

/*
 * Before a step: is it to be put off?  Where a limit is the reason,
 * waiting_for says so, and an event is written when that begins and when it is
 * over.
 */
bool
osc_throttle_holds(OscJob *job, OscStep *step)
{
	char	   *reason;

	if (!is_heavy(job->phase) || job->state == OSC_CANCELLING || step->swap_now)
		return false;
	if (is_pausing(job, step))
		return true;
	reason = osc_throttle_reason(job);
	if (reason == NULL)
	{
		if (was_held(job))
		{
			osc_event_text(job, "throttle_end", -1, "reason", job->waiting_for + strlen(HELD_PREFIX));
			osc_job_set_waiting(job, NULL);
		}
		return false;
	}
	if (!was_held(job))
	{
		osc_event_text(job, "throttle", -1, "reason", reason);
		ereport(LOG,
				(errmsg("online schema change: job " INT64_FORMAT " waits: %s",
						job->job_id, reason)));
	}
	osc_job_set_waiting(job, psprintf(HELD_PREFIX "%s", reason));
	step->wait_ms = HELD_MS;
	return true;
}

/* pause that throttle_ratio asks for after so much work, ms */
int
osc_throttle_pause_ms(double worked)
{
	return (int) (worked * osc_throttle_ratio / (1 - osc_throttle_ratio));
}

/* begin a new account of work and pauses */
static void
begin_account(void)
{
	worked_ms = slept_ms = 0;
	pause_began = 0;
}

/*
 * After a step that began at "since" in "phase": the pause that is due.  When
 * the phase is over, an event tells what was worked and slept in it, as far as
 * this process knows.
 */
void
osc_throttle_after(OscJob *job, OscStep *step, OscPhase phase, TimestampTz since)
{
	if (account_of != job->job_id)
		begin_account();
	account_of = job->job_id;
	if (phase != OSC_BACKFILLING && phase != OSC_CATCHING_UP && phase != OSC_VALIDATING)
		return;
	if (osc_throttle_ratio > 0)
	{
		double		ms = osc_elapsed_ms(since);

		worked_ms += ms;
		pause_due_ms = osc_throttle_pause_ms(ms);
		pause_began = GetCurrentTimestamp();
		step->wait_ms = (int) Max(step->wait_ms, Min(pause_due_ms, LONGEST_NAP_MS));
	}
	if (job->phase == phase)
		return;
	if (slept_ms > 0)
		osc_event(job, "throttled", slept_ms,
				  psprintf("{\"phase\": \"%s\", \"worked_ms\": %.0f, \"slept_ms\": %.0f}",
						   osc_phase_name(phase), worked_ms, slept_ms));
	begin_account();
}

/*
 * Before a job: is there room for another copy of the table, and for what is
 * to stay free?  Raises disk_full if not.  Locks: ACCESS SHARE on the table.
 */
void
osc_require_disk(Oid relid)
{
	Oid			tablespace = tablespace_of(relid);
	int64		needed;
	int64		available,
				total;
	double		reserve;

	if (osc_min_free_disk == 0)
		return;
	needed = DatumGetInt64(DirectFunctionCall1(pg_total_relation_size, ObjectIdGetDatum(relid)));
	osc_disk_space(tablespace, &available, &total);
	reserve = total / 100.0 * osc_min_free_disk;
	if ((double) available - (double) needed >= reserve)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DISK_FULL),
			 errmsg("not enough room for a copy of table \"%s\"", get_rel_name(relid)),
			 errdetail("The copy takes up to %lld MB; %lld MB of the volume of tablespace \"%s\" are available, and %d %% of it (%.0f MB) are to stay free.",
					   (long long) (needed >> 20), (long long) (available >> 20),
					   tablespace_name(tablespace), osc_min_free_disk, reserve / 1048576),
			 errhint("Make room, or lower online_schema.min_free_disk.")));
}
