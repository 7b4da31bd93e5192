/*-------------------------------------------------------------------------
 *
 * queue.c
 *	  Which job a worker takes, and what jobs say that none has taken.
 *
 * The oldest job of the database that wants a worker comes first.  No more than
 * online_schema.max_workers jobs are driven at once in all databases: a worker
 * has one of so many places (base/locks.c), or takes only what is to be cleaned
 * up.
 *
 * Locks: those that make a process the worker and the driver of a job, for the
 * session.  A crash gives them back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/pg_list.h"

#include "base/locks.h"
#include "base/settings.h"
#include "drive/queue.h"
#include "store/job.h"

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
