/*-------------------------------------------------------------------------
 *
 * mapping_exec.c
 *	  Running a mapping: source rows to target rows, and keys both ways.
 *
 * A row is projected, columns with subqueries are computed by a plan
 * (row_query.c), new generated columns from the result, and what a native rewrite would check of it is checked, with native's
 * errors.  Expressions are the user's: the caller has entered the job owner's
 * name.
 *
 * Locks: none beyond those that the caller holds on both relations.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "model/mapping.h"

static ExprState **
init_list(List *exprs, EState *estate, int *n)
{
	ExprState **states = palloc0(sizeof(ExprState *) * Max(list_length(exprs), 1));
	ListCell   *lc;

	*n = 0;
	foreach(lc, exprs)
		states[(*n)++] = ExecPrepareExpr((Expr *) lfirst(lc), estate);
	return states;
}

/* CHECK expressions are implicit-AND lists of quals for the executor */
static ExprState **
init_checks(List *exprs, EState *estate, int *n)
{
	ExprState **states = palloc0(sizeof(ExprState *) * Max(list_length(exprs), 1));
	ListCell   *lc;

	*n = 0;
	foreach(lc, exprs)
		states[(*n)++] = ExecPrepareCheck(make_ands_implicit((Expr *) lfirst(lc)), estate);
	return states;
}

static void
init_keys(OscMapExec *me)
{
	const OscMapping *mapping = me->mapping;
	TupleDesc	from = RelationGetDescr(me->source);
	TupleDesc	to = RelationGetDescr(me->shadow);
	List	   *forward = NIL;
	List	   *back = NIL;
	int			n;

	/* a place is not computed */
	for (int i = 0; !osc_key_is_place(&mapping->key) && i < mapping->key.natts; i++)
	{
		AttrNumber	attnum = mapping->key.attnums[i];
		Form_pg_attribute s = TupleDescAttr(from, attnum - 1);
		Form_pg_attribute d = TupleDescAttr(to, attnum - 1);
		TargetEntry *te = list_nth_node(TargetEntry, mapping->values, attnum - 1);
		Node	   *inverse;

		forward = lappend(forward, copyObject(te->expr));
		inverse = coerce_to_target_type(NULL, (Node *) makeVar(1, d->attnum, d->atttypid, d->atttypmod,
															 d->attcollation, 0), d->atttypid,
										s->atttypid, s->atttypmod, COERCION_EXPLICIT,
										COERCE_EXPLICIT_CAST, -1);
		if (inverse == NULL)
			elog(ERROR, "no cast back from type %s", format_type_be(d->atttypid));
		assign_expr_collations(NULL, inverse);
		back = lappend(back, inverse);
	}
	me->key_values = init_list(forward, me->estate, &n);
	me->inverse = init_list(back, me->estate, &n);
	me->key_in = MakeSingleTupleTableSlot(from, &TTSOpsVirtual);
}

/* the columns that need a plan, but for those that are not to be computed */
static void
init_query(OscMapExec *me)
{
	List	   *targets = NIL;
	ListCell   *lc;

	me->query_attnums = palloc0(sizeof(AttrNumber) * Max(list_length(me->mapping->values), 1));
	foreach(lc, osc_values_with_queries(me->mapping))
	{
		TargetEntry *te = lfirst_node(TargetEntry, lc);

		if (me->to_compare && bms_is_member(te->resno, me->mapping->uncomparable))
			continue;
		me->query_attnums[me->nquery++] = te->resno;
		targets = lappend(targets, te);
	}
	if (targets != NIL)
		me->query = osc_row_query_begin(targets, me->source);
}

static OscMapExec *
init_mapping(const OscMapping *mapping, Relation source, Relation shadow, bool to_compare)
{
	OscMapExec *me = palloc0(sizeof(OscMapExec));
	List	   *tlist = NIL;
	List	   *generated = NIL;
	ListCell   *lc;
	int			i = 0;

	me->mapping = mapping;
	me->source = source;
	me->shadow = shadow;
	me->to_compare = to_compare;
	me->estate = CreateExecutorState();
	me->econtext = GetPerTupleExprContext(me->estate);
	me->out = MakeSingleTupleTableSlot(RelationGetDescr(shadow), &TTSOpsVirtual);
	foreach(lc, mapping->values)
	{
		TargetEntry *te = copyObject(lfirst_node(TargetEntry, lc));

		if ((to_compare && bms_is_member(te->resno, mapping->uncomparable)) ||
			checkExprHasSubLink((Node *) te->expr))
			te->expr = (Expr *) makeNullConst(exprType((Node *) te->expr), -1, InvalidOid);
		te->expr = expression_planner(te->expr);
		tlist = lappend(tlist, te);
	}
	me->projection = ExecBuildProjectionInfo(tlist, me->econtext, me->out, NULL,
											 RelationGetDescr(source));
	me->generated_attnums = palloc0(sizeof(AttrNumber) * (list_length(mapping->generated) + 1));
	foreach(lc, mapping->generated)
	{
		TargetEntry *te = lfirst_node(TargetEntry, lc);

		if (to_compare && bms_is_member(te->resno, mapping->uncomparable))
			continue;
		me->generated_attnums[i++] = te->resno;
		generated = lappend(generated, copyObject(te->expr));
	}
	me->generated = init_list(generated, me->estate, &me->ngenerated);
	me->checks = init_checks(copyObject(mapping->check_exprs), me->estate, &me->nchecks);
	me->check_names = palloc0(sizeof(char *) * (me->nchecks + 1));
	i = 0;
	foreach(lc, mapping->check_names)
		me->check_names[i++] = strVal(lfirst(lc));
	init_keys(me);
	init_query(me);
	return me;
}

/*
 * Make a mapping ready to run, in the current memory context and, if it has
 * subqueries, under the active snapshot.  The relations stay open until
 * osc_mapping_end().
 */
OscMapExec *
osc_mapping_init(const OscMapping *mapping, Relation source, Relation shadow)
{
	return init_mapping(mapping, source, shadow, false);
}

/*
 * The same for a comparison with rows that have been mapped and proved before:
 * columns that cannot be compared are not computed, and are NULL.  So a
 * sequence that feeds a new column is left alone.
 */
OscMapExec *
osc_mapping_init_to_compare(const OscMapping *mapping, Relation source, Relation shadow)
{
	return init_mapping(mapping, source, shadow, true);
}

void
osc_mapping_end(OscMapExec *me)
{
	ExecDropSingleTupleTableSlot(me->out);
	ExecDropSingleTupleTableSlot(me->key_in);
	if (me->query)
		osc_row_query_end(me->query);
	FreeExecutorState(me->estate);
}

/* raise what a native rewrite raises for a row that does not fit (ATRewriteTable) */
static void
prove_row(OscMapExec *me, TupleTableSlot *row)
{
	TupleDesc	desc = RelationGetDescr(me->shadow);
	const char *relname = RelationGetRelationName(me->source);

	for (int i = 0; i < desc->natts; i++)
		if (osc_att_must_be_not_null(desc, i) && row->tts_isnull[i] &&
			!TupleDescAttr(desc, i)->attisdropped)
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("column \"%s\" of relation \"%s\" contains null values",
							NameStr(TupleDescAttr(desc, i)->attname), relname)));
	me->econtext->ecxt_scantuple = row;
	for (int i = 0; i < me->nchecks; i++)
		if (!ExecCheck(me->checks[i], me->econtext))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("check constraint \"%s\" of relation \"%s\" is violated by some row",
							me->check_names[i], relname)));
}

/*
 * Map one source row and prove it.  The result is valid until the next call.
 * Runs user expressions: the caller has entered the job owner's name.
 */
TupleTableSlot *
osc_map_row(OscMapExec *me, TupleTableSlot *in)
{
	TupleTableSlot *out;

	me->current = in;
	ResetExprContext(me->econtext);
	me->econtext->ecxt_scantuple = in;
	out = ExecProject(me->projection);
	if (me->query)
	{
		TupleTableSlot *computed = osc_row_query_eval(me->query, in);

		for (int i = 0; i < me->nquery; i++)
		{
			out->tts_values[me->query_attnums[i] - 1] = computed->tts_values[i];
			out->tts_isnull[me->query_attnums[i] - 1] = computed->tts_isnull[i];
		}
	}
	if (me->ngenerated > 0)
	{
		MemoryContext old;

		me->econtext->ecxt_scantuple = out;
		old = MemoryContextSwitchTo(me->econtext->ecxt_per_tuple_memory);
		for (int i = 0; i < me->ngenerated; i++)
		{
			AttrNumber	attnum = me->generated_attnums[i];

			out->tts_values[attnum - 1] = ExecEvalExpr(me->generated[i], me->econtext,
													   &out->tts_isnull[attnum - 1]);
		}
		MemoryContextSwitchTo(old);
	}
	if (!me->to_compare)
		prove_row(me, out);
	me->current = NULL;
	return out;
}

/*
 * The values of a key in the shadow, in the order of the shadow's index.
 * key is in the order of mapping->key; none of its values is NULL.  Results
 * are valid until the next call of a mapping function.
 */
void
osc_map_key(OscMapExec *me, const Datum *key, Datum *shadow_key)
{
	const OscMapping *mapping = me->mapping;
	TupleTableSlot *slot = me->key_in;
	Datum		mapped[INDEX_MAX_KEYS];
	MemoryContext old;

	ResetExprContext(me->econtext);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < mapping->key.natts; i++)
	{
		slot->tts_values[mapping->key.attnums[i] - 1] = key[i];
		slot->tts_isnull[mapping->key.attnums[i] - 1] = false;
	}
	ExecStoreVirtualTuple(slot);
	me->econtext->ecxt_scantuple = slot;
	old = MemoryContextSwitchTo(me->econtext->ecxt_per_tuple_memory);
	for (int i = 0; i < mapping->key.natts; i++)
	{
		bool		isnull;

		mapped[i] = ExecEvalExpr(me->key_values[i], me->econtext, &isnull);
	}
	MemoryContextSwitchTo(old);
	for (int i = 0; i < mapping->key.natts; i++)
		shadow_key[i] = mapped[mapping->shadow_pos[i]];
}

/*
 * The way back: the source's key of a shadow row, in the order of
 * mapping->key.  False if a value is NULL.
 */
bool
osc_unmap_key(OscMapExec *me, TupleTableSlot *shadow_row, Datum *key)
{
	MemoryContext old;
	bool		ok = true;

	ResetExprContext(me->econtext);
	me->econtext->ecxt_scantuple = shadow_row;
	old = MemoryContextSwitchTo(me->econtext->ecxt_per_tuple_memory);
	for (int i = 0; i < me->mapping->key.natts; i++)
	{
		bool		isnull;

		key[i] = ExecEvalExpr(me->inverse[i], me->econtext, &isnull);
		ok = ok && !isnull;
	}
	MemoryContextSwitchTo(old);
	return ok;
}

/*
 * The key of a row for people: (id)=(42).
 */
char *
osc_row_key_to_string(const OscKey *key, TupleTableSlot *row)
{
	StringInfoData names,
				values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < key->natts; i++)
	{
		const FormData_pg_attribute *att = osc_key_column(row->tts_tupleDescriptor, key->attnums[i]);
		bool		isnull;
		Datum		value = osc_key_value(row, key->attnums[i], &isnull);
		Oid			output;
		bool		varlena;

		getTypeOutputInfo(att->atttypid, &output, &varlena);
		appendStringInfo(&names, "%s%s", i ? ", " : "", NameStr(att->attname));
		appendStringInfo(&values, "%s%s", i ? ", " : "",
						 isnull ? "null" : OidOutputFunctionCall(output, value));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}

/*
 * The key of a row of either table as text, "(a, b)=(1, 2)"; palloc'd here.
 * A place is that in the row's own table, "(ctid)=((0,1))".
 */
char *
osc_key_to_string(OscMapExec *me, TupleTableSlot *row)
{
	return osc_row_key_to_string(&me->mapping->key, row);
}
