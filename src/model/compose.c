/*-------------------------------------------------------------------------
 *
 * compose.c
 *	  The values that a script leaves in the columns of a table, statement by
 *	  statement.
 *
 * The statements are run on the empty shadow one after the other.  Before
 * each, its USING expressions are read against the shape that the shadow then
 * has, as ATPrepAlterColumnType() in tablecmds.c would; after it, the values
 * of the columns are known as expressions over the shape of before, and what
 * they refer to is put in from the statements before.  So a column may change
 * its type twice, under two names, and every expression sees what it would
 * see natively.  In the end all are expressions over a row of the source.
 *
 * A column with a backfill expression has the value of that, over a row of the
 * source, when its statement has run (model/backfill_value.c); its default is
 * for new rows only.  Other new columns have the default that ADD COLUMN gives
 * them; one that a later statement sets is for new rows only.  What is stable but not immutable, such
 * as now(), is evaluated once, as native does.
 *
 * What one row more than once would have to be computed from, and would come
 * out differently each time (a volatile value that several expressions use),
 * is refused.
 *
 * Locks: ACCESS SHARE on the source and ACCESS EXCLUSIVE on the shadow, held
 * by the caller.  Nothing is stored: a crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/table.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "model/backfill_value.h"
#include "model/compose.h"

/* a type change of the statement at hand */
typedef struct OscNewType
{
	AttrNumber	attnum;
	Node	   *expr;			/* over the shape before the statement */
} OscNewType;

static void
refuse(const char *colname, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the statements on column \"%s\" cannot be put together into one copy", colname),
			 errdetail("%s", detail),
			 errhint("Make it two jobs, one after the other.")));
}

static Expr *
column_var(Form_pg_attribute att)
{
	return (Expr *) makeVar(1, att->attnum, att->atttypid, att->atttypmod,
							att->attcollation, 0);
}

/*
 * Read a USING expression against the present shape.  A schema in it is that
 * of the user's table.
 */
static Node *
transform_using(Relation named, Oid relid, Node *raw, const OscStatement *s)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;
	Node	   *expr;

	pstate->p_sourcetext = s->source;
	nsitem = addRangeTableEntryForRelation(pstate, named, AccessShareLock,
										   NULL, false, true);
	osc_name_relation(nsitem, relid);
	addNSItemToQuery(pstate, nsitem, false, true, true);
	expr = transformExpr(pstate, copyObject(raw), EXPR_KIND_ALTER_COL_TRANSFORM);
	free_parsestate(pstate);
	return expr;
}

/*
 * A USING expression: of the table that the statement names, and taken over to
 * its children by the names of columns (tablecmds.c, ATPrepAlterColumnType).
 */
static Node *
using_expression(Oid named, Relation shadow, Node *raw, const OscStatement *s)
{
	Relation	rel = table_open(named, NoLock);
	Node	   *expr = transform_using(rel, s->relid, raw, s);
	AttrMap    *map;
	bool		found_whole_row = false;

	if (named != RelationGetRelid(shadow))
	{
		/* native reads it against the child as well, and objects to the parent's name */
		(void) transform_using(shadow, RelationGetRelid(shadow), raw, s);
		map = osc_attrmap_by_name(RelationGetDescr(shadow), RelationGetDescr(rel));
		expr = map_variable_attnos(expr, 1, 0, map, InvalidOid, &found_whole_row);
		free_attrmap(map);
	}
	if (found_whole_row)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert whole-row table reference"),
				 errdetail("USING expression contains a whole-row table reference."),
				 errhint("Name the columns.")));
	table_close(rel, NoLock);
	return expr;
}

/*
 * Native evaluates what is stable but not immutable, such as now(), in one
 * transaction, and so to one value.  Ours are many: what does not depend on
 * the row becomes a constant here.  The planner does just that when it
 * estimates (clauses.c).
 */
static Expr *
evaluate_once(Expr *expr)
{
	PlannerInfo *root;

	if (!contain_mutable_functions((Node *) expr))
		return expr;
	/* of the planner's state only the bound parameters are looked at */
	root = makeNode(PlannerInfo);
	root->glob = makeNode(PlannerGlobal);
	return (Expr *) estimate_expression_value(root, (Node *) expr);
}

/* the value of a new column: its default, or NULL through its domain */
static Expr *
new_column_value(Relation shadow, Form_pg_attribute att)
{
	Node	   *expr = build_column_default(shadow, att->attnum);

	if (expr == NULL)
	{
		int32		typmod = att->atttypmod;
		Oid			base = getBaseTypeAndTypmod(att->atttypid, &typmod);

		expr = (Node *) makeNullConst(base, typmod, att->attcollation);
		if (base != att->atttypid)
			expr = coerce_to_domain(expr, base, typmod, att->atttypid,
									COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, false);
	}
	return evaluate_once((Expr *) expr);
}

/* ---------------------------------------- putting values in */

typedef struct PutIn
{
	const OscComposition *c;
	AttrNumber	attnum;			/* whose value is being made */
	const char *colname;
	int			uses_itself;
} PutIn;

static Node *
put_in_mutator(Node *node, PutIn *p)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		Expr	   *value;

		if (var->varattno <= 0)
		{
			if (p->c->changed)
				refuse(p->colname, "An expression uses the whole row, or a system column, after another statement has changed the table.");
			return copyObject(node);
		}
		value = list_nth(p->c->values, var->varattno - 1);
		if (value == NULL)
			refuse(p->colname, "An expression uses a generated column that the script adds.");
		if (contain_volatile_functions((Node *) value) &&
			(var->varattno != p->attnum || p->uses_itself++ > 0))
			refuse(p->colname, "An expression uses a column whose values are volatile: they would be computed twice, and differ.");
		return copyObject((Node *) value);
	}
	return expression_tree_mutator(node, put_in_mutator, p);
}

static Expr *
changed_value(const OscComposition *c, OscNewType *change, Form_pg_attribute att)
{
	PutIn		p = {.c = c,.attnum = change->attnum,.colname = NameStr(att->attname)};
	Node	   *expr = change->expr;

	expr = coerce_to_target_type(NULL, expr, exprType(expr), att->atttypid,
								 att->atttypmod, COERCION_ASSIGNMENT,
								 COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" cannot be cast automatically to type %s",
						NameStr(att->attname), format_type_be(att->atttypid)),
				 errhint("Specify a USING expression.")));
	assign_expr_collations(NULL, expr);
	return evaluate_once((Expr *) put_in_mutator(expr, &p));
}

/* the value of a column that an expression of the user's fills */
static Expr *
filled_value(const OscComposition *c, const OscFill *fill, Form_pg_attribute att)
{
	Relation	source = table_open(c->source, AccessShareLock);
	Node	   *expr = osc_backfill_coerce(osc_backfill_read_expression(fill->backfill, source), att);

	table_close(source, NoLock);
	return evaluate_once((Expr *) expr);
}

static const OscFill *
fill_of(const OscComposition *c, const char *colname)
{
	ListCell   *lc;

	foreach(lc, c->fills)
		if (strcmp(((OscFill *) lfirst(lc))->column, colname) == 0)
			return lfirst(lc);
	return NULL;
}

static OscNewType *
pending_change(const OscComposition *c, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, c->pending)
		if (((OscNewType *) lfirst(lc))->attnum == attnum)
			return lfirst(lc);
	return NULL;
}

/* ---------------------------------------- statement by statement */

/*
 * Begin with the source as it is.  The relation stays open.
 */
OscComposition *
osc_compose_begin(Relation source)
{
	OscComposition *c = palloc0(sizeof(OscComposition));
	TupleDesc	desc = RelationGetDescr(source);

	c->source = RelationGetRelid(source);
	for (int i = 0; i < desc->natts; i++)
		c->values = lappend(c->values, TupleDescAttr(desc, i)->attisdropped ?
							(Expr *) makeNullConst(INT4OID, -1, InvalidOid) :
							column_var(TupleDescAttr(desc, i)));
	return c;
}

/*
 * To be called before a statement is run on the shadow, or on the parent's,
 * named, from which it reaches this one: reads its USING expressions.  Raises native's errors.
 */
void
osc_compose_before(OscComposition *c, const OscStatement *s, Oid named, Oid shadow)
{
	Relation	rel;
	ListCell   *lc;

	c->pending = NIL;
	c->fills = s->fills;
	if (!IsA(s->node, AlterTableStmt))
		return;
	rel = table_open(shadow, NoLock);
	foreach(lc, castNode(AlterTableStmt, s->node)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		OscNewType *change;
		Node	   *using;

		if (cmd->subtype != AT_AlterColumnType || get_attnum(shadow, cmd->name) <= 0)
			continue;			/* native has an error for it */
		change = palloc(sizeof(OscNewType));
		change->attnum = get_attnum(shadow, cmd->name);
		using = castNode(ColumnDef, cmd->def)->raw_default;
		change->expr = using ? using_expression(named, rel, using, s) :
			(Node *) column_var(TupleDescAttr(RelationGetDescr(rel), change->attnum - 1));
		c->pending = lappend(c->pending, change);
	}
	table_close(rel, NoLock);
}

/*
 * To be called after it: the columns' values in the shape that the shadow now
 * has.  Raises native's errors, and feature_not_supported.
 */
void
osc_compose_after(OscComposition *c, Oid shadow)
{
	Relation	rel = table_open(shadow, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *values = NIL;
	bool		changed = c->pending != NIL || desc->natts != list_length(c->values);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		bool		is_new = i >= list_length(c->values);
		OscNewType *change = pending_change(c, att->attnum);
		Expr	   *value = is_new ? NULL : list_nth(c->values, i);
		const OscFill *fill = is_new || change ? fill_of(c, NameStr(att->attname)) : NULL;

		if (att->attisdropped)
			value = (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
		else if (fill)
			value = filled_value(c, fill, att);
		else if (is_new && att->attgenerated == '\0')
			value = new_column_value(rel, att);
		else if (value == NULL && att->attgenerated == '\0')
			refuse(NameStr(att->attname), "It is added as a generated column, and DROP EXPRESSION makes it a plain one.");
		else if (value != NULL && change != NULL)
			value = changed_value(c, change, att);
		values = lappend(values, value);
	}
	c->values = values;
	c->pending = NIL;
	c->fills = NIL;
	c->changed = c->changed || changed;
	table_close(rel, NoLock);
}

/* a sequence that the shadow no longer has */
static bool
uses_lost_sequence(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NextValueExpr))
		return !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(((NextValueExpr *) node)->seqid));
	if (IsA(node, Const) && ((Const *) node)->consttype == REGCLASSOID && !((Const *) node)->constisnull)
		return !SearchSysCacheExists1(RELOID, ((Const *) node)->constvalue);
	return expression_tree_walker(node, uses_lost_sequence, context);
}

/*
 * The values (Expr *, over the source; NULL for a column that is generated
 * anew), one for each column of the shadow.
 */
List *
osc_compose_end(OscComposition *c, Oid shadow)
{
	ListCell   *lc;

	foreach(lc, c->values)
		if (uses_lost_sequence(lfirst(lc), NULL))
			refuse(get_attname(shadow, foreach_current_index(lc) + 1, false),
				   "The sequence that its values come from is dropped by a later part of the script.");
	return c->values;
}
