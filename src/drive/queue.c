/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  Which job a worker takes, and what jobs say that none has taken.
 *
 * The oldest job of the database that wants a worker comes first.  No more than
 * online_schema.max_workers jobs are driven at once in all databases: a worker
 * has one of so many places (base/locks.c), or takes only what is to be cleaned
 * up.  A job whose clean-up met what people must take away, such as a view on a
 * column that is to be dropped, gives its place up, and is looked at again after
 * a while, or when osc_cleanup() is called.
 *
 * Locks: those that make a process the worker and the driver of a job, for the
 * session.  A crash gives them back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "drive/queue.h"
#include "store/job.h"

/*
 * Ids (int64 *) of the jobs that want a worker, oldest first.  One that is to
 * be cleaned up does even if its user drives it by hand, and so does one that
 * is no longer to be kept; only_cancelling gives the former alone.
 */
List *
osc_jobs_to_drive(bool only_cancelling)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_bool(&args, !only_cancelling);
	n = osc_sql("SELECT job_id FROM online_schema.job WHERE (state = 'cancelling'"
				" OR ($1 AND run = 'background' AND state IN ('queued', 'running', 'ready'))"
				" OR ($1 AND state IN ('kept', 'running') AND kept_until <= clock_timestamp()))"
				" AND NOT (obstructed AND next_try_at > clock_timestamp())"
				" ORDER BY job_id", &args);
	for (uint64 i = 0; i < n; i++)
	{
		int64	   *id = MemoryContextAlloc(store.caller, sizeof(int64));

		*id = osc_col_int8(i, "job_id");
		result = osc_keep(&store, result, id);
	}
	osc_store_close(&store);
	return result;
}

/* jobs that nobody drives wait for one of the places to become free */
static void
say_queued(void)
{
	ListCell   *lc;

	foreach(lc, osc_jobs_to_drive(false))
	{
		int64		id = *(int64 *) lfirst(lc);

		if (!osc_worker_try_lock(id))
			continue;
		osc_job_set_waiting(osc_job_load(id, true),
							psprintf("one of the %d jobs that may run at once (online_schema.max_workers) to end",
									 osc_max_workers));
		osc_worker_unlock(id);
	}
}

/*
 * The oldest job that wants a worker and has none; 0: none.  On exit this
 * process is its worker and its driver, for the session.  Without a place among
 * those that run at once (slot 0), only one that is to be cleaned up: that must
 * not wait; the others get to know what they wait for.  In a transaction of the
 * worker's own.
 */
int64
osc_queue_take(int slot)
{
	ListCell   *lc;

	foreach(lc, osc_jobs_to_drive(slot == 0))
	{
		int64		id = *(int64 *) lfirst(lc);

		/* one that is ready has a worker although nobody drives it just now */
		if (!osc_worker_try_lock(id))
			continue;
		if (osc_driver_try_lock(id, true))
			return id;
		osc_worker_unlock(id);
	}
	if (slot == 0)
		say_queued();
	return 0;
}
