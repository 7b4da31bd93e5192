/*-------------------------------------------------------------------------
 *
 * snapshots.c
 *	  Waiting for snapshots that are older than the copied rows.
 *
 * The rows of the shadow were made by the job's own transactions.  A REPEATABLE
 * READ transaction whose snapshot is older than those would find the table
 * empty after the swap (a native rewrite has that fault).  So the swap waits,
 * without a lock, until the snapshots that may be too old are gone.
 *
 * Which they are is asked once, as CREATE INDEX CONCURRENTLY does
 * (WaitForOlderSnapshots): transactions whose xmin is not above the horizon.
 * Later looks only take transactions off that list; new ones, whose xmin some
 * old writer may hold back without their seeing an old state, do not add to
 * it.  The list lives in the process that drives the job; another driver
 * asks anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/memutils.h"

#include "base/run.h"
#include "finish/snapshots.h"

static int64 listed_job = 0;
static FullTransactionId listed_horizon;
static VirtualTransactionId *listed = NULL;
static int	nlisted = 0;

static bool
is_among(VirtualTransactionId vxid, const VirtualTransactionId *list, int n)
{
	for (int i = 0; i < n; i++)
		if (VirtualTransactionIdEquals(vxid, list[i]))
			return true;
	return false;
}

/* the session with the oldest snapshot, for people */
static char *
oldest_snapshot(void)
{
	OscStore	store;
	char	   *result = NULL;

	osc_store_open(&store);
	if (osc_sql("SELECT 'a snapshot older than the copied rows (pid ' || pid || ')' AS who"
				" FROM pg_stat_activity WHERE backend_xmin IS NOT NULL"
				" AND datname = current_database() AND pid <> pg_backend_pid()"
				" ORDER BY age(backend_xmin) DESC LIMIT 1", NULL) > 0)
		result = osc_col_text(&store, 0, "who");
	osc_store_close(&store);
	return result ? result : pstrdup("a snapshot older than the copied rows");
}

/*
 * Look whether the old snapshots are gone; waits for nothing and holds no
 * lock.
 */
bool
osc_old_snapshots_gone(int64 job_id, FullTransactionId horizon, char **waiting_for)
{
	VirtualTransactionId *now;
	int			n;
	int			left = 0;

	*waiting_for = NULL;
	if (!FullTransactionIdIsValid(horizon))
		return true;
	now = GetCurrentVirtualXIDs(XidFromFullTransactionId(horizon), true, false,
								PROC_IS_AUTOVACUUM | PROC_IN_VACUUM, &n);
	if (listed_job != job_id || !FullTransactionIdEquals(listed_horizon, horizon))
	{
		if (listed)
			pfree(listed);
		listed = MemoryContextAlloc(TopMemoryContext,
									sizeof(VirtualTransactionId) * Max(n, 1));
		memcpy(listed, now, sizeof(VirtualTransactionId) * n);
		nlisted = n;
		listed_job = job_id;
		listed_horizon = horizon;
	}
	for (int i = 0; i < nlisted; i++)
		if (is_among(listed[i], now, n))
			listed[left++] = listed[i];
	nlisted = left;
	if (nlisted == 0)
		return true;
	*waiting_for = oldest_snapshot();
	return false;
}
