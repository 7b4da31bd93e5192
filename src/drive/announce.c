/*-------------------------------------------------------------------------
 *
 * announce.c
 *	  Telling listeners that a job has moved on: NOTIFY on channel
 *	  online_schema, with job, state, phase and relation as JSON; and a line
 *	  in the server's log.
 *
 * A transaction that notifies takes a lock of the whole cluster when it
 * commits (PreCommit_Notify, async.c).  So the driver announces in a
 * transaction of its own, after that of the step, and never in the one that
 * holds the swap's locks.  A function that a user calls announces in the
 * caller's transaction, osc_swap() and osc_start() excepted: the first holds
 * those locks, the second may be in a transaction that is going to be
 * prepared, which NOTIFY forbids.  What they did is announced by the next who
 * handles the job.
 *
 * The job's row knows what was announced last, in the same transaction, so
 * nothing is told twice, and what a crash left untold is told by the next
 * driver.
 *
 * Locks: the job's row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"

#include "base/run.h"
#include "drive/announce.h"

#define CHANNEL "online_schema"

/* what this process has seen announced */
static int64 known_job = 0;
static OscState known_state;
static OscPhase known_phase;

/*
 * Has the job moved since this process announced it last?  Spares a driver a
 * transaction after every step.
 */
bool
osc_is_news(const OscJob *job)
{
	if (known_job == job->job_id && known_state == job->state && known_phase == job->phase)
		return false;
	known_job = job->job_id;
	known_state = job->state;
	known_phase = job->phase;
	return true;
}

/*
 * Announce state and phase of the job, as the present transaction sees them, if
 * they are not those of the last announcement.  No lock that others may wait
 * for is held.
 */
void
osc_announce(int64 job_id)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *payload = NULL;
	char	   *line = NULL;

	osc_store_open(&store);
	osc_arg_int8(&args, job_id);
	if (osc_sql("UPDATE online_schema.job SET announced = state || '/' || phase"
				" WHERE job_id = $1 AND announced IS DISTINCT FROM state || '/' || phase"
				" RETURNING json_build_object('job', job_id, 'state', state, 'phase', phase,"
				"  'relation', (SELECT quote_ident(nspname) || '.' || quote_ident(relname)"
				"   FROM online_schema.job_member m WHERE m.job_id = job.job_id"
				"   ORDER BY member LIMIT 1))::text AS payload,"
				"  CASE WHEN state IN ('done', 'failed', 'cancelled', 'reverted') THEN state"
				"   ELSE state || ', phase ' || phase END AS line", &args) > 0)
	{
		payload = osc_col_text(&store, 0, "payload");
		line = osc_col_text(&store, 0, "line");
	}
	osc_store_close(&store);
	if (payload == NULL)
		return;
	Async_Notify(CHANNEL, payload);
	ereport(LOG,
			(errmsg("online schema change: job " INT64_FORMAT " is %s", job_id, line)));
}
