/*-------------------------------------------------------------------------
 *
 * reach.c
 *	  The tables that a script reaches: those that it names, and children.
 *
 * A table has storage of its own or is partitioned; where a change needs a
 * copy, it is those with storage that are copied: the leaves of a partitioned
 * table, an inheritance parent and its children.  All others only change in
 * the catalogs, when the statement runs on them in the swap.
 *
 * Locks: ACCESS SHARE on the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "model/script.h"
#include "model/tree.h"
#include "plan/reach.h"

/*
 * The table's entry in the plan; NULL if it has none.
 */
OscPlanTable *
osc_plan_find_table(const OscPlan *plan, Oid relid)
{
	ListCell   *lc;

	foreach(lc, plan->tables)
		if (((OscPlanTable *) lfirst(lc))->relid == relid)
			return lfirst(lc);
	return NULL;
}

/*
 * The table's entry in the plan, made if it has none: no other job takes the
 * table then, and the guard watches over it.
 */
OscPlanTable *
osc_plan_add_table(OscPlan *plan, Oid relid)
{
	OscPlanTable *t = osc_plan_find_table(plan, relid);

	if (t)
		return t;
	t = palloc0(sizeof(OscPlanTable));
	t->relid = relid;
	t->nspname = get_namespace_name(get_rel_namespace(relid));
	t->relname = get_rel_name(relid);
	t->relkind = get_rel_relkind(relid);
	t->statements = osc_statements_of(plan->script, relid);
	plan->tables = lappend(plan->tables, t);
	return t;
}

/* note the children that a statement on the table reaches */
static void
add_reached(OscPlan *plan, OscPlanTable *t)
{
	bool		recurses = false;
	ListCell   *lc;

	foreach(lc, t->statements)
		recurses = recurses || osc_statement_recurses(lfirst(lc));
	if (!recurses)
		return;
	foreach(lc, osc_descendants(t->relid))
		if (lfirst_oid(lc) != t->relid)
			t->reached = lappend(t->reached, osc_plan_add_table(plan, lfirst_oid(lc)));
}

/*
 * Fill plan->tables.  Locks of the job are taken in their order, so parents
 * stand before children, as native locks them.
 */
void
osc_plan_collect_tables(OscPlan *plan)
{
	List	   *named = NIL;
	List	   *relids = NIL;
	List	   *sorted = NIL;
	ListCell   *lc;

	foreach(lc, plan->script)
		if (OidIsValid(((OscStatement *) lfirst(lc))->relid))
			named = list_append_unique_ptr(named, osc_plan_add_table(plan, ((OscStatement *) lfirst(lc))->relid));
	foreach(lc, named)
		add_reached(plan, lfirst(lc));
	foreach(lc, plan->tables)
		relids = lappend_oid(relids, ((OscPlanTable *) lfirst(lc))->relid);
	foreach(lc, osc_parents_first(relids))
		sorted = lappend(sorted, osc_plan_find_table(plan, lfirst_oid(lc)));
	plan->tables = sorted;
}

/*
 * Has the table storage, or a child that its statements reach?
 */
bool
osc_plan_has_storage(const OscPlanTable *t)
{
	ListCell   *lc;

	if (t->relkind != RELKIND_PARTITIONED_TABLE)
		return true;
	foreach(lc, t->reached)
		if (((OscPlanTable *) lfirst(lc))->relkind != RELKIND_PARTITIONED_TABLE)
			return true;
	return false;
}

/*
 * The statements on a named table need a copy: mark what has storage.  False
 * if nothing has, a partitioned table without partitions.
 */
bool
osc_plan_mark_copied(OscPlanTable *t)
{
	bool		any = false;
	ListCell   *lc;

	foreach(lc, lcons(t, list_copy(t->reached)))
	{
		OscPlanTable *m = lfirst(lc);

		m->copied = m->copied || m->relkind != RELKIND_PARTITIONED_TABLE;
		any = any || m->copied;
	}
	return any;
}

/*
 * The tables (OscPlanTable *) that are copied for the sake of a named one.
 */
List *
osc_plan_copied_with(const OscPlanTable *t)
{
	List	   *result = t->copied ? list_make1(unconstify(OscPlanTable *, t)) : NIL;
	ListCell   *lc;

	foreach(lc, t->reached)
		if (((OscPlanTable *) lfirst(lc))->copied)
			result = lappend(result, lfirst(lc));
	return result;
}

/*
 * The statements on this table and on its relatives, in the order of the
 * script: all that have a say in what becomes of it.
 */
List *
osc_plan_statements_around(const OscPlan *plan, const OscPlanTable *t)
{
	List	   *family = osc_family(list_make1_oid(t->relid));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, plan->script)
		if (list_member_oid(family, ((OscStatement *) lfirst(lc))->relid))
			result = lappend(result, lfirst(lc));
	return result;
}
