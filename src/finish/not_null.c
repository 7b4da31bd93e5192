/*-------------------------------------------------------------------------
 *
 * not_null.c
 *	  NOT NULL constraints of partitions whose keys become parts of a key.
 *
 * From 18 on a NOT NULL is a constraint, with a name and a mark that says
 * whether the table has it of its own or inherits it.  A primary key of a
 * partitioned table gives its partitions NOT NULLs that they inherit.  We
 * give each partition its key by an index that is there already, and that
 * makes the column's NOT NULL the partition's own (parse_utilcmd.c,
 * transformIndexConstraint): it would outlive the parent's.  So what was not
 * its own before the swap is not so afterwards either.
 *
 * Before 18 there are no such constraints, and nothing is done.
 *
 * Locks on entry: those of the swap, ACCESS EXCLUSIVE on the partitions.
 * Transactional: a rollback or crash leaves what was before.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/run.h"
#include "finish/not_null.h"
#include "model/statement.h"
#include "store/job_step.h"

/* the partitions (Oid) whose indexes are attached to an index of their parent */
static List *
parts_of_indexes(OscJob *job)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		Node	   *node;

		if (step->kind != OSC_STEP_FINAL || !OidIsValid(step->relid))
			continue;
		node = osc_parse_command(step->command);
		if (IsA(node, AlterTableStmt) && castNode(AlterTableStmt, node)->objtype == OBJECT_INDEX)
			result = list_append_unique_oid(result, step->relid);
	}
	return result;
}

/* the NOT NULLs (Oid) that a table has of its own; inherited: that it inherits as well */
static List *
own_not_nulls(Oid relid, bool inherited)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		rows;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_bool(&args, inherited);
	rows = osc_sql("SELECT oid FROM pg_constraint WHERE conrelid = $1 AND contype = 'n' AND conislocal"
				   " AND (coninhcount > 0 OR NOT $2)", &args);
	for (uint64 i = 0; i < rows; i++)
		result = osc_keep_oid(&store, result, osc_col_oid(i, "oid"));
	osc_store_close(&store);
	return result;
}

static void
set_inherited(Oid constraint)
{
	Relation	rel = table_open(ConstraintRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(constraint));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	((Form_pg_constraint) GETSTRUCT(tuple))->conislocal = false;
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * Before the commands of the swap: the NOT NULLs (Oid) that partitions have
 * of their own, of those whose keys become parts of a key.  In the caller's
 * memory context.
 */
List *
osc_own_not_nulls(OscJob *job)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, parts_of_indexes(job))
		result = list_concat(result, own_not_nulls(lfirst_oid(lc), false));
	return result;
}

/*
 * After the commands: of what partitions inherit, only these are their own.
 */
void
osc_not_nulls_inherit(OscJob *job, List *own)
{
	ListCell   *lc,
			   *c;

	foreach(lc, parts_of_indexes(job))
		foreach(c, own_not_nulls(lfirst_oid(lc), true))
			if (!list_member_oid(own, lfirst_oid(c)))
				set_inherited(lfirst_oid(c));
}
