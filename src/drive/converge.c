/*-------------------------------------------------------------------------
 *
 * converge.c
 *	  Telling that a job does not catch up: its writers change keys faster than
 *	  the replay brings them.
 *
 * Such a job never gets to its swap, which takes no more than swap_max_backlog
 * keys under the lock.  It goes on, for the writers may calm down; but whoever
 * looks is told how fast both are.  While the job catches up, or is in its
 * swap phase, the backlog is looked at every few seconds: a look that finds it
 * above swap_max_backlog and hardly smaller than the last one did is a bad
 * one.  After a few bad looks in a row waiting_for says so, and an event and a
 * line in the server's log, once a minute; the first good look ends it.
 *
 * What was seen lives in this process: another worker begins anew.  Locks: none
 * beyond the job's row.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/run.h"
#include "base/settings.h"
#include "drive/converge.h"
#include "store/events.h"

/* how often to look, ms */
#define LOOK_EVERY_MS 3000

/* so many bad looks make a job that falls behind */
#define BAD_LOOKS 3

/* a backlog that shrinks to less than this share between two looks is fine */
#define GOOD_SHARE 0.9

/* how often to say it again, ms */
#define TELL_EVERY_MS 60000

static int64 watched_job = 0;
static TimestampTz looked_at = 0;
static int64 last_backlog;
static int64 last_replayed;
static int	bad_looks = 0;
static TimestampTz told_at = 0;

static bool
catches_up(const OscJob *job)
{
	return job->state == OSC_RUNNING && job->members != NIL &&
		(job->phase == OSC_CATCHING_UP || job->phase == OSC_SWAPPING);
}

/*
 * Has the job been found to fall behind its writers?
 */
bool
osc_falls_behind(const OscJob *job)
{
	return watched_job == job->job_id && bad_looks >= BAD_LOOKS && catches_up(job);
}

static void
tell(OscJob *job, int64 backlog, double written, double replayed)
{
	osc_job_set_waiting(job,
						psprintf("its writers, which change %.0f keys a second while %.0f are replayed",
								 written, replayed));
	/* nobody can say when it will end, also before the next estimate */
	osc_job_set_eta(job, 0);
	if (told_at != 0 && osc_elapsed_ms(told_at) < TELL_EVERY_MS)
		return;
	told_at = GetCurrentTimestamp();
	osc_event(job, "falls_behind", -1,
			  psprintf("{\"backlog\": " INT64_FORMAT ", \"keys_written_per_s\": %.0f,"
					   " \"keys_replayed_per_s\": %.0f}", backlog, written, replayed));
	ereport(LOG,
			(errmsg("online schema change: job " INT64_FORMAT " does not catch up: " INT64_FORMAT " keys are logged, %.0f more a second, %.0f are replayed",
					job->job_id, backlog, written, replayed),
			 errhint("Lower throttle_ratio with osc_set(), raise batch_target_time, or let the job run at a calmer time.")));
}

/*
 * Look, after a step, whether the job catches up.  The job's settings are in
 * force.  Stores what waits, and events, in the present transaction.
 */
void
osc_watch_catch_up(OscJob *job)
{
	OscStore	store;
	OscArgs		args = {0};
	int64		backlog,
				replayed;
	double		seconds;
	bool		first = watched_job != job->job_id;

	if (!catches_up(job))
	{
		if (watched_job == job->job_id)
			watched_job = 0;
		return;
	}
	if (!first && osc_elapsed_ms(looked_at) < LOOK_EVERY_MS)
		return;
	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	osc_sql("SELECT sum(backlog)::bigint AS backlog, sum(keys_replayed)::bigint AS replayed"
			" FROM online_schema.job_member WHERE job_id = $1", &args);
	backlog = osc_col_int8(0, "backlog");
	replayed = osc_col_int8(0, "replayed");
	osc_store_close(&store);
	if (first)
	{
		watched_job = job->job_id;
		bad_looks = 0;
		told_at = 0;
	}
	else
	{
		seconds = osc_elapsed_ms(looked_at) / 1000;
		if (backlog > osc_swap_max_backlog && backlog > last_backlog * GOOD_SHARE)
			bad_looks++;
		else
			bad_looks = 0;
		if (bad_looks >= BAD_LOOKS)
			tell(job, backlog, (backlog - last_backlog + replayed - last_replayed) / seconds,
				 (replayed - last_replayed) / seconds);
	}
	looked_at = GetCurrentTimestamp();
	last_backlog = backlog;
	last_replayed = replayed;
}
