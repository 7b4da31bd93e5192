/*-------------------------------------------------------------------------
 *
 * arrange.c
 *	  Putting the rows of a copy into the order of an index, for CLUSTER.
 *
 * The backfill reads the table by blocks, also for CLUSTER: a cursor in
 * ranges of an index would have to be a key, and an index scan of a table
 * whose order is not that of the index reads each block many times.  Instead
 * the shadow is sorted when the backfill is complete, by the server's own
 * CLUSTER, before its indexes are built, which that does as well.  It costs
 * the space of a second copy of the rows until it is done.  Rows that are
 * replayed later stand at the end, as rows do that are written after a native
 * CLUSTER.
 *
 * A btree's order is sorted for, which looks at the definition of the index
 * and not into it; an index of another kind has to be built first, and is
 * scanned.
 *
 * Locks: ACCESS EXCLUSIVE on the shadow; ACCESS SHARE on the source.  One
 * transaction: a crash leaves the shadow as it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "commands/cluster.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/run.h"
#include "drive/arrange.h"
#include "drive/spare.h"
#include "mirror/shadow.h"
#include "model/objections.h"
#include "model/relinfo.h"
#include "model/script.h"
#include "store/events.h"

/* the shadow's index for CLUSTER, InvalidOid if it is not clustered */
static Oid
order_of(OscJob *job, OscMember *m)
{
	Relation	source = table_open(m->relid, AccessShareLock);
	Oid			index = osc_cluster_index(source, osc_statements_of(osc_script_of_job(job), m->relid));
	Oid			result = InvalidOid;

	if (OidIsValid(index))
		result = osc_index_of_copy(source, index, m->shadow);
	table_close(source, AccessShareLock);
	return result;
}

static void
arrange(OscMember *m, Oid index)
{
	ClusterParams params = {0};
	ReindexParams reindex = {0};
	int			nest = NewGUCNestLevel();
	bool		is_btree;
	Relation	rel;
	ListCell   *lc;

	osc_set_local("max_parallel_maintenance_workers", osc_spare_workers(m->shadow));
	LockRelationOid(m->shadow, AccessExclusiveLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	rel = index_open(index, AccessExclusiveLock);
	is_btree = rel->rd_rel->relam == BTREE_AM_OID;
	index_close(rel, NoLock);
	if (is_btree)
		osc_set_local("enable_indexscan", "off");	/* so says cluster.c: sort */
	else
		osc_reindex_index(index, get_rel_persistence(index), &reindex);
	osc_cluster_rel(m->shadow, index, &params);
	PopActiveSnapshot();
	AtEOXact_GUC(true, nest);
	osc_set_relrewrite(m->shadow, m->relid);
	rel = table_open(m->shadow, NoLock);
	foreach(lc, osc_index_oids(rel))
	{
		OscArgs		args = {0};

		osc_arg_text(&args, get_rel_name(lfirst_oid(lc)));
		osc_member_update(m, "indexes_done = indexes_done || $3", &args);
	}
	table_close(rel, NoLock);
}

/*
 * Sort the next shadow that is to be in an order; false if there is none.
 */
bool
osc_step_arrange(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		TimestampTz start = GetCurrentTimestamp();
		Oid			index;

		if (m->indexes_done != NIL || m->frozen)
			continue;
		index = order_of(job, m);
		if (!OidIsValid(index))
			continue;
		arrange(m, index);
		osc_event(job, "cluster", osc_elapsed_ms(start), NULL);
		return true;
	}
	return false;
}
