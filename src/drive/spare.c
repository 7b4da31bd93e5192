/*-------------------------------------------------------------------------
 *
 * spare.c
 *	  How many parallel workers an index build may use without taking the
 *	  processors that others need.
 *
 * A parallel build takes as many processors as max_parallel_maintenance_workers
 * gives it, and on a small machine that is all of them: the clients' latencies
 * then are those of the scheduler's queue.  So look, for a few milliseconds,
 * how many other sessions are on a processor (active, and waiting for nothing),
 * and leave one to each of them and one to the build itself.  What is left are
 * the workers; on an idle machine they are those that the server would use.
 *
 * Limits of the machine that the kernel does not count as processors (a quota
 * of a container) are not seen; max_parallel_maintenance_workers is the setting
 * for them.
 *
 * Locks: ACCESS SHARE on the table, if nobody stands in the way, given back at
 * once.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <unistd.h>

#include "access/relation.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/run.h"
#include "drive/spare.h"

#define LOOKS 8
#define LOOK_EVERY_US 5000L

/* what was found is good for that long, ms: the other indexes of a table */
#define LOOK_AGAIN_MS 2000

/* how many sessions are on a processor, on average */
static double
busy_sessions(void)
{
	int64		sum = 0;

	for (int i = 0; i < LOOKS; i++)
	{
		OscStore	store;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			pg_usleep(LOOK_EVERY_US);
		/* else a transaction sees the same sessions again and again */
		pgstat_clear_backend_activity_snapshot();
		osc_store_open(&store);
		osc_sql("SELECT count(*) AS busy FROM pg_stat_activity"
				" WHERE state = 'active' AND wait_event IS NULL AND pid <> pg_backend_pid()", NULL);
		sum += osc_col_int8(0, "busy");
		osc_store_close(&store);
	}
	return (double) sum / LOOKS;
}

/* may the server build its indexes in parallel (plan_create_index_workers in planner.c)? */
static bool
is_large(Oid relid)
{
	Relation	rel;
	bool		result = true;

	/* whoever locks it against reading is not waited for here */
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return true;
	rel = try_relation_open(relid, NoLock);
	if (rel && RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		result = RelationGetNumberOfBlocks(rel) >= (BlockNumber) min_parallel_table_scan_size;
	if (rel)
		relation_close(rel, NoLock);
	UnlockRelationOid(relid, AccessShareLock);
	return result;
}

/*
 * The value that max_parallel_maintenance_workers should have for builds of
 * indexes on the table: at most the one in force.  The caller sets it.
 */
char *
osc_spare_workers(Oid relid)
{
	static TimestampTz looked_at = 0;
	static double busy = 0;
	long		processors = sysconf(_SC_NPROCESSORS_ONLN);
	double		spare;

	if (max_parallel_maintenance_workers > 0 && processors > 0 && is_large(relid))
	{
		if (looked_at == 0 || osc_elapsed_ms(looked_at) > LOOK_AGAIN_MS)
		{
			busy = busy_sessions();
			looked_at = GetCurrentTimestamp();
		}
		spare = rint(Max(processors - 1 - busy, 0));
		if (spare < max_parallel_maintenance_workers)
			return psprintf("%d", (int) spare);
	}
	return psprintf("%d", max_parallel_maintenance_workers);
}

/*
 * Set it for the next top-level command of a job, until osc_session_leave().
 */
void
osc_leave_processors(const OscJob *job)
{
	OscMember  *m = osc_job_first_table(job);

	if (m)
		SetConfigOption("max_parallel_maintenance_workers", osc_spare_workers(m->relid),
						PGC_USERSET, PGC_S_SESSION);
}
