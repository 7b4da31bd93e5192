/*-------------------------------------------------------------------------
 *
 * column.c
 *	  Strategy column: pairs of columns of one table that follow each other.
 *
 * The new column's value is an expression over the row, as ALTER TYPE would
 * compute it (model/compose.c).  The way back is a cast of the new value to the
 * old type; a value is held by the old type only if the way there and back
 * gives the same image, so two new values never become one old value.  A
 * column that is added has no old one: its value is a backfill expression.
 *
 * Used alike by the mirror trigger, the fill and the validation.  Expressions
 * are kept as trees that refer to columns by number, with the member.
 *
 * Locks: those of the caller on the table.  Nothing is stored here but text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/stop_point.h"
#include "model/column.h"

/*
 * The member of a job of strategy column, NULL for jobs of other strategies.
 */
OscMember *
osc_column_member(const OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->others)
		if (((OscMember *) lfirst(lc))->columns != NULL)
			return lfirst(lc);
	return NULL;
}

/*
 * Is the pair one of two names, which both stay in use until clean-up?
 */
bool
osc_column_is_rename(const OscColumn *c)
{
	return strcmp(c->name, c->old_name) == 0;
}

/*
 * Is it a column that is added, with no old one beside it?
 */
bool
osc_column_is_added(const OscColumn *c)
{
	return c->old_att == InvalidAttrNumber;
}

/*
 * Can each old value be worked out from the new one?
 */
bool
osc_columns_have_way_back(const List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
		if (((OscColumn *) lfirst(lc))->inverse == NULL)
			return false;
	return true;
}

/*
 * The pairs as text, for the member's row.
 */
char *
osc_columns_store(const List *columns)
{
	List	   *all = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		OscColumn  *c = lfirst(lc);
		List	   *one = list_make4(makeInteger(c->old_att), makeInteger(c->new_att),
									 makeString(c->name), makeString(c->new_name));

		one = lappend(one, makeString(c->old_name));
		one = lappend(one, makeString(c->definition));
		one = lappend(one, c->forward);
		one = lappend(one, c->inverse);
		one = lappend(one, c->reads);
		one = lappend(one, makeBoolean(c->as_computed));
		one = lappend(one, makeString(c->final_name));
		one = lappend(one, makeBoolean(c->not_null));
		all = lappend(all, one);
	}
	return nodeToString(all);
}

List *
osc_columns_load(const char *stored)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, castNode(List, stringToNode(stored)))
	{
		List	   *one = lfirst_node(List, lc);
		OscColumn  *c = palloc0(sizeof(OscColumn));

		c->old_att = (AttrNumber) intVal(linitial(one));
		c->new_att = (AttrNumber) intVal(lsecond(one));
		c->name = strVal(lthird(one));
		c->new_name = strVal(lfourth(one));
		c->old_name = strVal(list_nth(one, 4));
		c->definition = strVal(list_nth(one, 5));
		c->forward = list_nth(one, 6);
		c->inverse = list_nth(one, 7);
		c->reads = list_nth(one, 8);
		c->as_computed = boolVal(list_nth(one, 9));
		c->final_name = strVal(list_nth(one, 10));
		c->not_null = boolVal(list_nth(one, 11));
		result = lappend(result, c);
	}
	return result;
}

/*
 * The key with the new columns in the places of the old ones; its index is not
 * known here.
 */
OscKey
osc_key_of_new_columns(const List *columns, const OscKey *key)
{
	OscKey		result = *key;
	ListCell   *lc;

	result.index = InvalidOid;
	foreach(lc, columns)
	{
		OscColumn  *c = lfirst(lc);

		for (int i = 0; i < key->natts; i++)
			if (!osc_column_is_added(c) && key->attnums[i] == c->old_att)
				result.attnums[i] = c->new_att;
	}
	return result;
}

/* conversions that have a result for every value */
static bool
function_cannot_fail(const FuncExpr *f)
{
	switch (f->funcid)
	{
		case F_INT4_INT2:
		case F_INT8_INT2:
		case F_INT8_INT4:
		case F_NUMERIC_INT2:
		case F_NUMERIC_INT4:
		case F_NUMERIC_INT8:
		case F_FLOAT4_INT2:
		case F_FLOAT8_INT2:
		case F_FLOAT8_INT4:
		case F_FLOAT8_FLOAT4:
		case F_TEXT_BPCHAR:
			return true;
		case F_VARCHAR_VARCHAR_INT4_BOOL:
		case F_BPCHAR_BPCHAR_INT4_BOOL:
			/* an explicit cast cuts off what is too long */
			return IsA(lthird(f->args), Const) && DatumGetBool(((Const *) lthird(f->args))->constvalue);
		default:
			return false;
	}
}

static bool
may_fail(Node *node, void *unused)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_RelabelType:
		case T_List:
			break;
		case T_FuncExpr:
			if (!function_cannot_fail((FuncExpr *) node))
				return true;
			break;
		case T_CoerceViaIO:
			if ((((CoerceViaIO *) node)->resulttype != TEXTOID && ((CoerceViaIO *) node)->resulttype != VARCHAROID) ||
				exprType((Node *) ((CoerceViaIO *) node)->arg) >= FirstNormalObjectId)
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, may_fail, unused);
}

/*
 * May an expression of the pairs raise an error for some value?
 */
bool
osc_columns_may_fail(const List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
		if (may_fail(((OscColumn *) lfirst(lc))->forward, NULL) ||
			may_fail(((OscColumn *) lfirst(lc))->inverse, NULL))
			return true;
	return false;
}

static bool
is_users_function(Oid funcid, void *unused)
{
	return funcid >= FirstNormalObjectId;
}

/* does it use functions or types that did not come with the server? */
static bool
uses_users_code(Node *node, void *unused)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_users_function, NULL))
		return true;
	if (!IsA(node, List) && !IsA(node, Var) && exprType(node) >= FirstNormalObjectId)
		return true;
	return expression_tree_walker(node, uses_users_code, unused);
}

/*
 * Must the expressions be run in the job owner's name and under the job's
 * settings?  Not if all functions in them came with the server and are
 * immutable.
 */
bool
osc_columns_need_owner(const List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		OscColumn  *c = lfirst(lc);

		/* subqueries ask for rights */
		if (checkExprHasSubLink(c->forward) || contain_mutable_functions(c->forward) || uses_users_code(c->forward, NULL) ||
			(c->inverse && (contain_mutable_functions(c->inverse) || uses_users_code(c->inverse, NULL))))
			return true;
	}
	return false;
}

/* has each column of the row that the expression uses the type that it is taken for? */
static bool
vars_fit(TupleDesc desc, Node *expr)
{
	ListCell   *lc;

	foreach(lc, pull_vars_of_level(expr, 0))
	{
		Var		   *var = lfirst_node(Var, lc);
		Form_pg_attribute att;

		if (var->varattno < 1 || var->varattno > desc->natts)
			return false;
		att = TupleDescAttr(desc, var->varattno - 1);
		if (att->attisdropped || att->atttypid != var->vartype)
			return false;
	}
	return true;
}

/*
 * Are the columns still those that the pairs were planned for?  Somebody may
 * change the table while clean-up waits for its locks.
 */
bool
osc_columns_fit(Relation rel, const List *columns)
{
	TupleDesc	desc = RelationGetDescr(rel);
	ListCell   *lc;

	foreach(lc, columns)
	{
		OscColumn  *c = lfirst(lc);

		if (c->new_att > desc->natts || TupleDescAttr(desc, c->new_att - 1)->attisdropped ||
			!vars_fit(desc, c->forward) || (c->inverse && !vars_fit(desc, c->inverse)))
			return false;
	}
	return true;
}

/*
 * Prepare the expressions of the pairs, in the current memory context.  The
 * relation must outlive the result.
 */
OscColumnExec *
osc_columns_init(Relation rel, List *columns)
{
	OscColumnExec *ce = palloc0(sizeof(OscColumnExec));
	MemoryContext old;
	ListCell   *lc;
	int			i = 0;

	ce->rel = rel;
	ce->columns = columns;
	ce->n = list_length(columns);
	ce->column = palloc0(sizeof(OscColumn *) * ce->n);
	ce->forward = palloc0(sizeof(ExprState *) * ce->n);
	ce->query = palloc0(sizeof(OscRowQuery *) * ce->n);
	ce->plan = palloc0(sizeof(PlannedStmt *) * ce->n);
	ce->inverse = palloc0(sizeof(ExprState *) * ce->n);
	ce->estate = CreateExecutorState();
	old = MemoryContextSwitchTo(ce->estate->es_query_cxt);
	ce->econtext = GetPerTupleExprContext(ce->estate);
	/* a copy of the descriptor: the relcache's goes with the next change of the table */
	ce->probe = MakeSingleTupleTableSlot(CreateTupleDescCopy(RelationGetDescr(rel)), &TTSOpsVirtual);
	foreach(lc, columns)
	{
		ce->column[i] = lfirst(lc);
		if (!checkExprHasSubLink(ce->column[i]->forward))
			ce->forward[i] = ExecPrepareExpr((Expr *) ce->column[i]->forward, ce->estate);
		if (ce->column[i]->inverse)
			ce->inverse[i] = ExecPrepareExpr((Expr *) ce->column[i]->inverse, ce->estate);
		i++;
	}
	MemoryContextSwitchTo(old);
	return ce;
}

static List *
target(const OscColumnExec *ce, int i)
{
	return list_make1(makeTargetEntry((Expr *) ce->column[i]->forward, 1, NULL, false));
}

/*
 * Start the expressions with subqueries for many rows, under the active
 * snapshot.  What has not been started so is started for each row.
 */
void
osc_columns_plan_queries(OscColumnExec *ce)
{
	for (int i = 0; i < ce->n; i++)
		if (ce->forward[i] == NULL)
			ce->query[i] = osc_row_query_begin(target(ce, i), ce->rel);
}

void
osc_columns_end(OscColumnExec *ce)
{
	for (int i = 0; i < ce->n; i++)
		if (ce->query[i])
			osc_row_query_end(ce->query[i]);
	FreeExecutorState(ce->estate);
	pfree(ce);
}

/*
 * Are two values of a column the same, bit by bit?  -0 is not 0, 1.0 is not
 * 1.00.
 */
bool
osc_same_image(Relation rel, AttrNumber attnum, Datum a, bool a_isnull, Datum b, bool b_isnull)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);

	if (a_isnull || b_isnull)
		return a_isnull && b_isnull;
	if (!att->attbyval && DatumGetPointer(a) == DatumGetPointer(b))
		return true;
	/* as it was read: the same TOAST pointer needs no look at the value */
	if (att->attlen == -1 && VARSIZE_ANY(DatumGetPointer(a)) == VARSIZE_ANY(DatumGetPointer(b)) &&
		memcmp(DatumGetPointer(a), DatumGetPointer(b), VARSIZE_ANY(DatumGetPointer(a))) == 0)
		return true;
	return datum_image_eq(a, b, att->attbyval, att->attlen);
}

static Datum
evaluate(OscColumnExec *ce, ExprState *state, TupleTableSlot *row, bool *isnull)
{
	ce->econtext->ecxt_scantuple = row;
	return ExecEvalExprSwitchContext(state, ce->econtext, isnull);
}

static void
lock_reads(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
}

/* the plan of pair i, with locks on what it reads; made anew if that may have changed */
static PlannedStmt *
plan_of(OscColumnExec *ce, int i)
{
	MemoryContext old;

	if (ce->plan[i])
		lock_reads(ce->plan[i]->relationOids);
	if (ce->epoch != osc_row_query_epoch())
	{
		if (ce->plan_context)
			MemoryContextDelete(ce->plan_context);
		memset(ce->plan, 0, sizeof(PlannedStmt *) * ce->n);
		ce->plan_context = AllocSetContextCreate(ce->estate->es_query_cxt, "online_schema plan",
												 ALLOCSET_SMALL_SIZES);
		ce->epoch = osc_row_query_epoch();
	}
	if (ce->plan[i])
		return ce->plan[i];
	lock_reads(ce->column[i]->reads);
	PushActiveSnapshot(GetTransactionSnapshot());
	old = MemoryContextSwitchTo(ce->plan_context);
	ce->plan[i] = osc_row_query_plan(target(ce, i), ce->rel);
	MemoryContextSwitchTo(old);
	PopActiveSnapshot();
	return ce->plan[i];
}

/*
 * The value of an expression with subqueries for one row, in the memory of the
 * per-tuple context.
 *
 * Race: a session rewrites a table that is read and commits between the
 * snapshot of a client's statement and our lock (mirror/lookups.c): the lock
 * comes first, and a snapshot of its own after it.
 */
static Datum
evaluate_once(OscColumnExec *ce, int i, TupleTableSlot *row, bool *isnull)
{
	MemoryContext old = MemoryContextSwitchTo(ce->econtext->ecxt_per_tuple_memory);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(ce->rel), ce->column[i]->new_att - 1);
	PlannedStmt *plan = plan_of(ce, i);
	OscRowQuery *q;
	TupleTableSlot *slot;
	Datum		result = (Datum) 0;

	PushActiveSnapshot(!OSC_PROTECTED("mirror-snapshot") ? GetActiveSnapshot() :
					   IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : GetLatestSnapshot());
	q = osc_row_query_start(plan, ce->rel);
	slot = osc_row_query_eval(q, row);
	*isnull = slot->tts_isnull[0];
	if (!*isnull)
		result = datumCopy(slot->tts_values[0], att->attbyval, att->attlen);
	osc_row_query_end(q);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	return result;
}

/*
 * The new value of pair i for a row.  Lives until the caller resets the
 * per-tuple context of ce->estate.  Raises the expression's errors.
 */
Datum
osc_column_forward(OscColumnExec *ce, int i, TupleTableSlot *row, bool *isnull)
{
	TupleTableSlot *slot;

	if (ce->forward[i])
		return evaluate(ce, ce->forward[i], row, isnull);
	if (ce->query[i] == NULL)
		return evaluate_once(ce, i, row, isnull);
	slot = osc_row_query_eval(ce->query[i], row);
	*isnull = slot->tts_isnull[0];
	return slot->tts_values[0];
}

/*
 * The old value of pair i that stands for the new value in the row; false,
 * and a NULL, if the old type cannot hold it: the way there and back would
 * give another value.  Memory and errors as above; an error means that it
 * cannot be held, too.
 */
bool
osc_column_back(OscColumnExec *ce, int i, TupleTableSlot *row, Datum *value, bool *isnull)
{
	OscColumn  *c = ce->column[i];
	bool		new_isnull;
	Datum		new_value = slot_getattr(row, c->new_att, &new_isnull);
	Datum		again;
	bool		again_isnull;
	bool		same;

	*value = (Datum) 0;
	*isnull = true;
	if (new_isnull)
		return true;
	*value = evaluate(ce, ce->inverse[i], row, isnull);
	ExecClearTuple(ce->probe);
	slot_getallattrs(row);
	memcpy(ce->probe->tts_values, row->tts_values, sizeof(Datum) * ce->probe->tts_tupleDescriptor->natts);
	memcpy(ce->probe->tts_isnull, row->tts_isnull, sizeof(bool) * ce->probe->tts_tupleDescriptor->natts);
	ce->probe->tts_values[c->old_att - 1] = *value;
	ce->probe->tts_isnull[c->old_att - 1] = *isnull;
	ExecStoreVirtualTuple(ce->probe);
	again = evaluate(ce, ce->forward[i], ce->probe, &again_isnull);
	same = osc_same_image(ce->rel, c->new_att, again, again_isnull, new_value, new_isnull);
	ExecClearTuple(ce->probe);
	if (!same)
	{
		*value = (Datum) 0;
		*isnull = true;
	}
	return same;
}
