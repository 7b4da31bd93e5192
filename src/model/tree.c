/*-------------------------------------------------------------------------
 *
 * tree.c
 *	  Partition and inheritance trees: which relations a statement reaches.
 *
 * A statement on a parent goes on to its children unless it says ONLY, or is
 * of a kind that natively stays with the table that it names.  What may
 * happen to a relation depends on its parents, too, so whoever rehearses a
 * statement needs the whole family: all descendants, and the parents of each.
 *
 * Locks: ACCESS SHARE on the descendants, kept to the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "model/tree.h"

/*
 * The relation and all that inherit from it, each once, parents first as far
 * as pg_inherits is a tree (pg_inherits.c, find_all_inheritors).
 */
List *
osc_descendants(Oid relid)
{
	return find_all_inheritors(relid, AccessShareLock, NULL);
}

/* the parents of a relation, in the order of their numbers */
static List *
parents_of(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* add a relation behind its parents */
static List *
add_behind_parents(List *list, Oid relid, List *among)
{
	ListCell   *lc;

	if (list_member_oid(list, relid))
		return list;
	foreach(lc, parents_of(relid))
		if (among == NIL || list_member_oid(among, lfirst_oid(lc)))
			list = add_behind_parents(list, lfirst_oid(lc), among);
	return lappend_oid(list, relid);
}

/*
 * The relations in such an order that each stands behind its parents; else
 * the order stays.
 */
List *
osc_parents_first(List *relids)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		result = add_behind_parents(result, lfirst_oid(lc), relids);
	return result;
}

/*
 * The relations, their descendants, and all parents of these up to the roots;
 * each behind its parents.
 */
List *
osc_family(List *relids)
{
	List	   *result = NIL;
	ListCell   *lc,
			   *d;

	foreach(lc, relids)
		foreach(d, osc_descendants(lfirst_oid(lc)))
			result = add_behind_parents(result, lfirst_oid(d), NIL);
	foreach(lc, result)
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
	return result;
}

static char *
bound_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		isnull;
	Datum		bound;
	char	   *result = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	bound = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &isnull);
	if (!isnull)
		result = TextDatumGetCString(DirectFunctionCall2(pg_get_expr, bound,
														 ObjectIdGetDatum(relid)));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The links (OscLink *) between these relations, in their order, those of a
 * child in the order in which it got its parents.
 */
List *
osc_links_among(List *relids)
{
	List	   *result = NIL;
	ListCell   *lc,
			   *p;

	foreach(lc, relids)
		foreach(p, parents_of(lfirst_oid(lc)))
		{
			OscLink    *link;

			if (!list_member_oid(relids, lfirst_oid(p)))
				continue;
			link = palloc(sizeof(OscLink));
			link->child = lfirst_oid(lc);
			link->parent = lfirst_oid(p);
			link->bound = get_rel_relispartition(link->child) ? bound_of(link->child) : NULL;
			result = lappend(result, link);
		}
	return result;
}

/*
 * The table that a sub-command attaches, detaches, inherits from or no longer
 * inherits from; NULL if it does none of these.
 */
RangeVar *
osc_linked_table(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AttachPartition:
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			return castNode(PartitionCmd, cmd->def)->name;
		case AT_AddInherit:
		case AT_DropInherit:
			return castNode(RangeVar, cmd->def);
		default:
			return NULL;
	}
}

/*
 * The relations without which a statement cannot be rehearsed: its own table,
 * and the ones that it attaches, detaches or inherits from.
 */
List *
osc_rehearsed_with(const OscStatement *s)
{
	List	   *result = list_make1_oid(s->relid);
	ListCell   *lc;

	if (!IsA(s->node, AlterTableStmt))
		return result;
	foreach(lc, castNode(AlterTableStmt, s->node)->cmds)
	{
		RangeVar   *name = osc_linked_table(lfirst_node(AlterTableCmd, lc));
		Oid			relid = name ? RangeVarGetRelid(name, AccessShareLock, true) : InvalidOid;
		char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

		if ((relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
			get_rel_persistence(relid) != RELPERSISTENCE_TEMP)
			result = list_append_unique_oid(result, relid);
	}
	return result;
}

/* does native carry this sub-command to children (tablecmds.c, ATPrepCmd)? */
static bool
command_recurses(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
		case AT_DropColumn:
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_DropExpression:
		case AT_SetStatistics:
		case AT_SetStorage:
		case AT_AddConstraint:
		case AT_DropConstraint:
		case AT_ValidateConstraint:
		case AT_AlterConstraint:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
			return true;
		default:
			return false;
	}
}

/*
 * Does the statement, if its table has children, change these too?
 */
bool
osc_statement_recurses(const OscStatement *s)
{
	ListCell   *lc;
	RenameStmt *rename;

	switch (nodeTag(s->node))
	{
		case T_AlterTableStmt:
			if (!castNode(AlterTableStmt, s->node)->relation->inh)
				return false;
			foreach(lc, castNode(AlterTableStmt, s->node)->cmds)
				if (command_recurses(lfirst_node(AlterTableCmd, lc)))
					return true;
			return false;
		case T_RenameStmt:
			rename = castNode(RenameStmt, s->node);
			return rename->relation->inh && rename->renameType != OBJECT_TABLE;
		case T_IndexStmt:
			return castNode(IndexStmt, s->node)->relation->inh &&
				get_rel_relkind(s->relid) == RELKIND_PARTITIONED_TABLE;
		case T_DropStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
			return get_rel_relkind(s->relid) == RELKIND_PARTITIONED_TABLE;
		case T_VacuumStmt:
			return osc_vacuum_recurses(linitial_node(VacuumRelation, castNode(VacuumStmt, s->node)->rels)->relation,
									   get_rel_relkind(s->relid));
		default:
			return false;
	}
}

/* does a relation inherit from another one, at whatever distance? */
static bool
inherits_from(Oid relid, Oid ancestor)
{
	ListCell   *lc;

	foreach(lc, parents_of(relid))
		if (lfirst_oid(lc) == ancestor || inherits_from(lfirst_oid(lc), ancestor))
			return true;
	return false;
}

/*
 * Does the statement change this relation: its own table, or a descendant?
 */
bool
osc_statement_reaches(const OscStatement *s, Oid relid)
{
	if (!OidIsValid(s->relid))
		return false;
	return s->relid == relid || (osc_statement_recurses(s) && inherits_from(relid, s->relid));
}

/*
 * The statements of the script that change this relation.
 */
List *
osc_statements_reaching(List *script, Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, script)
		if (osc_statement_reaches(lfirst(lc), relid))
			result = lappend(result, lfirst(lc));
	return result;
}
