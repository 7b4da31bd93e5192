/*-------------------------------------------------------------------------
 *
 * stand_aside.c
 *	  Rows of partitioned tables that stand aside while a foreign key is made
 *	  anew.
 *
 * Before 18 a foreign key of a partitioned table cannot be NOT VALID, so that
 * ALTER TYPE of a column that it refers to checks the partitions' rows, under
 * the locks of the swap and against the emptied table: it would call all of
 * them orphans.  So the partitions get empty storage while the statement
 * runs, and their own back afterwards.  The key is validated after the swap,
 * like all others.
 *
 * The empty tables live and die in the transaction of the swap.
 *
 * Locks on entry: ACCESS EXCLUSIVE on the partitions and their TOAST tables.
 * A crash leaves what was before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "finish/foreign_keys.h"
#include "finish/stand_aside.h"
#include "finish/storage.h"
#include "mirror/clone_tree.h"
#include "mirror/shadow.h"
#include "model/tree.h"

/* a partition and the empty table that has its storage */
typedef struct Aside
{
	Oid			relid;
	Oid			twin;
} Aside;

/* partitions with storage, not copied themselves, of tables whose keys are made anew */
static List *
partitions_to_empty(const OscJob *job, List *foreign_keys)
{
	List	   *result = NIL;
	ListCell   *lc,
			   *d,
			   *m;

	foreach(lc, foreign_keys)
	{
		OscForeignKey *key = lfirst(lc);

		if (get_rel_relkind(key->referencing) != RELKIND_PARTITIONED_TABLE)
			continue;
		foreach(d, osc_descendants(key->referencing))
			if (get_rel_relkind(lfirst_oid(d)) == RELKIND_RELATION)
				result = list_append_unique_oid(result, lfirst_oid(d));
	}
	foreach(m, job->members)
		result = list_delete_oid(result, ((OscMember *) lfirst(m))->relid);
	return result;
}

/*
 * Add the locks to the set of the swap.
 */
void
osc_stand_aside_lock(const OscJob *job, List *foreign_keys, OscLockSet *set)
{
	ListCell   *lc;

	foreach(lc, partitions_to_empty(job, foreign_keys))
	{
		osc_lock_add(set, lfirst_oid(lc), AccessExclusiveLock);
		if (OidIsValid(osc_toast_of(lfirst_oid(lc))))
			osc_lock_add(set, osc_toast_of(lfirst_oid(lc)), AccessExclusiveLock);
	}
}

/*
 * Empty the partitions.  Returns what osc_stand_back() needs.
 */
List *
osc_stand_aside(const OscJob *job, List *foreign_keys)
{
	List	   *result = NIL;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, partitions_to_empty(job, foreign_keys))
	{
		Aside	   *aside = palloc(sizeof(Aside));
		Relation	source = table_open(lfirst_oid(lc), NoLock);
		Oid			nsp = osc_create_helper_schema(psprintf("osc_" INT64_FORMAT "_aside_%d", job->job_id, ++n),
												   source->rd_rel->relowner);

		aside->relid = lfirst_oid(lc);
		aside->twin = osc_create_twin(source, nsp);
		table_close(source, NoLock);
		osc_exchange_storage(aside->relid, aside->twin, false);
		result = lappend(result, aside);
	}
	return result;
}

/*
 * Give the partitions their rows back.
 */
void
osc_stand_back(List *aside)
{
	ListCell   *lc;

	foreach(lc, aside)
	{
		Aside	   *a = lfirst(lc);

		osc_exchange_storage(a->relid, a->twin, false);
		osc_drop_clone_schema(get_rel_namespace(a->twin));
	}
}
