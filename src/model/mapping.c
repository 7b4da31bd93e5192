/*-------------------------------------------------------------------------
 *
 * mapping.c
 *	  The target's columns as expressions over a source row: made once, and
 *	  used alike by backfill, replay and validation.
 *
 * The mapping of a job is worked out when the shadow has got its new shape:
 * a column that stays is itself; what the statements make of the others is
 * found by compose.c.  New generated columns are computed from the mapped
 * row.  The list is stored as a node tree, so what a name meant when the job
 * began it means to its end.
 *
 * The copy proves what a native rewrite would prove: NOT NULL columns, and
 * CHECK constraints that are new or whose expression changed.  Old
 * constraints are not looked at again: rows that violate an old NOT VALID
 * one are copied as native rewrites them.
 *
 * Rows are found in the shadow by the source's key.  That is sound only if
 * the mapping of each key column is injective; osc_is_injective() knows the casts
 * of which that is certain.  Where no key survives in that sense, or there is
 * none, rows are found by their place (mirror/place.c).
 *
 * A column whose value may come from other tables, by a subquery or by a
 * function of the user's that is not immutable, has it "as last computed": at
 * the time when its row was copied, or last replayed.
 *
 * Locks: ACCESS SHARE on both relations, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "model/mapping.h"

/* casts between different types that never map two values to one */
static const struct
{
	Oid			from,
				to;
}			injective_casts[] =
{
	{INT2OID, INT4OID}, {INT2OID, INT8OID}, {INT4OID, INT8OID},
	{INT4OID, INT2OID}, {INT8OID, INT2OID}, {INT8OID, INT4OID},
	{INT2OID, NUMERICOID}, {INT4OID, NUMERICOID}, {INT8OID, NUMERICOID},
	{INT2OID, TEXTOID}, {INT4OID, TEXTOID}, {INT8OID, TEXTOID},
	{INT2OID, VARCHAROID}, {INT4OID, VARCHAROID}, {INT8OID, VARCHAROID},
	{VARCHAROID, TEXTOID}, {TEXTOID, VARCHAROID},
	{UUIDOID, TEXTOID}, {UUIDOID, VARCHAROID},
	{FLOAT4OID, FLOAT8OID},
	{DATEOID, TIMESTAMPOID},
};

static bool
is_users_function(Oid funcid, void *context)
{
	return funcid >= FirstNormalObjectId && func_volatile(funcid) != PROVOLATILE_IMMUTABLE;
}

/*
 * May the expression look at other tables: by a function of a user that is
 * not immutable, or by a subquery?  One that reads no table, as of the
 * elements of an array, does not.
 */
static bool
looks_elsewhere(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_users_function, NULL))
		return true;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->rtable)
			if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_RELATION)
				return true;
		return contain_mutable_functions(node) ||
			query_tree_walker(query, looks_elsewhere, context, 0);
	}
	return expression_tree_walker(node, looks_elsewhere, context);
}

/*
 * May the expression give another value for the same row, because it looks at
 * other tables?
 */
bool
osc_looks_elsewhere(Node *expr)
{
	return looks_elsewhere(expr, NULL);
}

/* system columns of the copy are not those of the table */
static void
refuse_system_columns(Node *expr)
{
	Bitmapset  *attnums = NULL;

	pull_varattnos(expr, 1, &attnums);
	for (int i = FirstLowInvalidHeapAttributeNumber + 1; i < 0; i++)
		if (bms_is_member(i - FirstLowInvalidHeapAttributeNumber, attnums))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("expressions on system columns are not supported in an online schema change"),
					 errhint("Leave the constraint or generated column out, and add it with a plain ALTER TABLE.")));
}

static Node *
strip_relabels(Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

static bool
is_deterministic(Oid collation)
{
	return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

/*
 * Is the expression the column itself, or a cast of it that is certain to map
 * different values to different values?
 */
bool
osc_is_injective(Expr *expr, Form_pg_attribute from, Form_pg_attribute to)
{
	Node	   *node = strip_relabels((Node *) expression_planner(copyObject(expr)));
	bool		same_bytes = IsA(node, Var);

	/* the column itself, or one cast of it that the server provides: no chain */
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid < FirstNormalObjectId &&
		((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL &&
		list_length(((FuncExpr *) node)->args) == 1)
		node = strip_relabels(linitial(((FuncExpr *) node)->args));
	else if (IsA(node, CoerceViaIO))
		node = strip_relabels((Node *) ((CoerceViaIO *) node)->arg);
	if (!IsA(node, Var) || ((Var *) node)->varattno != from->attnum)
		return false;
	/* what is equal must be so before and after: replay finds rows by it */
	if (from->attcollation != to->attcollation &&
		(!is_deterministic(from->attcollation) || !is_deterministic(to->attcollation)))
		return false;
	if (!is_deterministic(to->attcollation) && from->atttypid != to->atttypid)
		return false;
	if (from->atttypid == to->atttypid && from->atttypmod == to->atttypmod)
		return same_bytes;
	if (from->atttypid == to->atttypid)
		return same_bytes;
	if (to->atttypmod != -1)
		return false;
	for (int i = 0; i < (int) lengthof(injective_casts); i++)
		if (injective_casts[i].from == from->atttypid &&
			injective_casts[i].to == to->atttypid)
			return true;
	return false;
}

/* do all columns of this key reach the shadow unharmed, with an index there? */
static bool
key_survives(OscMapping *mapping, Relation source, Relation shadow, const OscKey *key)
{
	OscKey	   *found;

	for (int i = 0; i < key->natts; i++)
	{
		AttrNumber	attnum = key->attnums[i];
		TargetEntry *te = list_nth_node(TargetEntry, mapping->values, attnum - 1);

		if (TupleDescAttr(RelationGetDescr(shadow), attnum - 1)->attisdropped ||
			!osc_is_injective(te->expr, TupleDescAttr(RelationGetDescr(source), attnum - 1),
						  TupleDescAttr(RelationGetDescr(shadow), attnum - 1)))
			return false;
	}
	found = osc_find_key(shadow, key);
	if (found == NULL)
		return false;
	mapping->key = *key;
	mapping->shadow_key = *found;
	for (int i = 0; i < found->natts; i++)
		for (int j = 0; j < key->natts; j++)
			if (key->attnums[j] == found->attnums[i])
				mapping->shadow_pos[i] = j;
	return true;
}

static void
use_place(OscMapping *mapping)
{
	mapping->key.index = InvalidOid;
	mapping->key.natts = 1;
	mapping->key.attnums[0] = OSC_PLACE_ATTNUM;
}

/* a key that survives is preferred: a place costs a table that keeps it */
static void
choose_key(OscMapping *mapping, Relation source, Relation shadow)
{
	ListCell   *lc;

	foreach(lc, osc_candidate_keys(source))
		if (key_survives(mapping, source, shadow, lfirst(lc)))
			return;
	use_place(mapping);
}

/* what the copy must prove beyond NOT NULL */
static void
collect_checks(OscMapping *mapping, Relation source, Relation shadow)
{
	TupleConstr *new_constr = RelationGetDescr(shadow)->constr;
	TupleConstr *old_constr = RelationGetDescr(source)->constr;

	for (int i = 0; new_constr && i < new_constr->num_check; i++)
	{
		ConstrCheck *check = &new_constr->check[i];
		bool		old = false;

		for (int j = 0; old_constr && j < old_constr->num_check; j++)
			if (strcmp(old_constr->check[j].ccname, check->ccname) == 0 &&
				equal(stringToNode(old_constr->check[j].ccbin),
					  stringToNode(check->ccbin)) &&
				(old_constr->check[j].ccvalid || !check->ccvalid))
				old = true;	/* the same, places in some text apart */
		if (old || !check->ccvalid || !osc_check_is_enforced(check))
			continue;
		mapping->check_names = lappend(mapping->check_names,
									   makeString(pstrdup(check->ccname)));
		mapping->check_exprs = lappend(mapping->check_exprs,
									   stringToNode(check->ccbin));
	}
}

/* what follows from the expressions and the two relations */
static void
complete_mapping(OscMapping *mapping, Relation source, Relation shadow)
{
	ListCell   *lc;

	collect_checks(mapping, source, shadow);
	foreach(lc, mapping->check_exprs)
		refuse_system_columns(lfirst(lc));
	foreach(lc, mapping->generated)
		refuse_system_columns((Node *) lfirst_node(TargetEntry, lc)->expr);
	foreach(lc, mapping->values)
	{
		TargetEntry *te = lfirst_node(TargetEntry, lc);

		if (contain_volatile_functions((Node *) te->expr))
			mapping->uncomparable = bms_add_member(mapping->uncomparable, te->resno);
		else if (looks_elsewhere((Node *) te->expr, NULL))
			mapping->as_computed = bms_add_member(mapping->as_computed, te->resno);
	}
	foreach(lc, mapping->generated)
	{
		TargetEntry *te = lfirst_node(TargetEntry, lc);
		Bitmapset  *used = NULL;
		int			i = -1;

		/* computed from a column that is volatile, or such: as little comparable */
		pull_varattnos((Node *) te->expr, 1, &used);
		while ((i = bms_next_member(used, i)) >= 0)
		{
			int			attnum = i + FirstLowInvalidHeapAttributeNumber;

			if (attnum > 0 && bms_is_member(attnum, mapping->uncomparable))
				mapping->uncomparable = bms_add_member(mapping->uncomparable, te->resno);
			if (attnum > 0 && bms_is_member(attnum, mapping->as_computed))
				mapping->as_computed = bms_add_member(mapping->as_computed, te->resno);
		}
	}
}

/*
 * Work out the mapping from the source to the shadow.  values: what
 * model/compose.c found for each column of the shadow.  Needs an active
 * snapshot if there are subqueries among them.
 */
OscMapping *
osc_mapping_build(Relation source, Relation shadow, List *values)
{
	OscMapping *mapping = palloc0(sizeof(OscMapping));
	TupleDesc	to = RelationGetDescr(shadow);
	List	   *with_queries;

	for (int i = 0; i < to->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(to, i);
		Expr	   *expr = list_nth(values, i);

		if (expr == NULL)
		{
			if (att->attgenerated != ATTRIBUTE_GENERATED_STORED)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("a virtual generated column is not supported in an online schema change"),
						 errhint("Add it with a plain ALTER TABLE: that changes the catalog only.")));
			mapping->generated =
				lappend(mapping->generated,
						makeTargetEntry((Expr *) build_column_default(shadow, att->attnum),
										att->attnum, NULL, false));
			expr = (Expr *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
		}
		mapping->values = lappend(mapping->values,
								  makeTargetEntry(expr, att->attnum, NULL, false));
	}
	choose_key(mapping, source, shadow);
	complete_mapping(mapping, source, shadow);
	with_queries = osc_values_with_queries(mapping);
	if (with_queries != NIL)
		mapping->reads = osc_row_query_reads(with_queries, source);
	return mapping;
}

/*
 * The mapping as text, for the member's row.
 */
char *
osc_mapping_store(const OscMapping *mapping)
{
	List	   *key = NIL;

	for (int i = 0; i < mapping->key.natts; i++)
		key = lappend_int(key, mapping->key.attnums[i]);
	return nodeToString(list_make4(mapping->values,
								   mapping->generated ? (void *) mapping->generated : (void *) makeBoolean(false),
								   key,
								   mapping->reads ? (void *) mapping->reads : (void *) makeBoolean(false)));
}

static List *
reads_of(List *parts)
{
	return IsA(lfourth(parts), OidList) ? lfourth(parts) : NIL;
}

/*
 * The tables (Oid) that subqueries of a stored mapping read.
 */
List *
osc_mapping_reads(const char *stored)
{
	/* most mappings have no subqueries: spare reading the tree */
	return strstr(stored, "{SUBLINK ") ? reads_of(castNode(List, stringToNode(stored))) : NIL;
}

/*
 * The columns (TargetEntry) of the mapping that need a plan.
 */
List *
osc_values_with_queries(const OscMapping *mapping)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, mapping->values)
		if (checkExprHasSubLink((Node *) lfirst_node(TargetEntry, lc)->expr))
			result = lappend(result, lfirst(lc));
	return result;
}

/*
 * The table's owner also owns the shadow and could alter it: what the mapping
 * computes must still be what the shadow's columns take.
 */
static void
check_types(const OscMapping *mapping, Relation shadow)
{
	TupleDesc	desc = RelationGetDescr(shadow);
	bool		fits = list_length(mapping->values) == desc->natts;
	ListCell   *lc;

	foreach(lc, mapping->values)
	{
		TargetEntry *te = lfirst_node(TargetEntry, lc);

		if (fits && !TupleDescAttr(desc, te->resno - 1)->attisdropped)
			fits = exprType((Node *) te->expr) == TupleDescAttr(desc, te->resno - 1)->atttypid;
	}
	foreach(lc, mapping->generated)
	{
		TargetEntry *te = lfirst_node(TargetEntry, lc);

		if (fits)
			fits = exprType((Node *) te->expr) == TupleDescAttr(desc, te->resno - 1)->atttypid;
	}
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the copy of table \"%s\" was altered while the job ran",
						RelationGetRelationName(shadow)),
				 errhint("Start the job again.")));
}

/*
 * The mapping back from its text, in the current memory context.
 */
OscMapping *
osc_mapping_load(const char *stored, Relation source, Relation shadow)
{
	OscMapping *mapping = palloc0(sizeof(OscMapping));
	List	   *parts = castNode(List, stringToNode(stored));
	List	   *key_attnums = lthird(parts);
	OscKey		wanted = {0};
	OscKey	   *key;
	ListCell   *lc;

	mapping->values = linitial(parts);
	mapping->generated = IsA(lsecond(parts), List) ? lsecond(parts) : NIL;
	mapping->reads = reads_of(parts);
	check_types(mapping, shadow);
	foreach(lc, key_attnums)
		wanted.attnums[wanted.natts++] = lfirst_int(lc);
	/* the log's columns are in the stored order: the index must agree */
	if (osc_key_is_place(&wanted))
		use_place(mapping);
	else if ((key = osc_find_key(source, &wanted)) == NULL ||
		memcmp(key->attnums, wanted.attnums, sizeof(AttrNumber) * key->natts) != 0 ||
		!key_survives(mapping, source, shadow, key))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key of table \"%s\" has changed since the job began",
						RelationGetRelationName(source)),
				 errhint("Start the job again.")));
	complete_mapping(mapping, source, shadow);
	return mapping;
}
