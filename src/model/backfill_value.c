/*-------------------------------------------------------------------------
 *
 * backfill_value.c
 *	  The value of a column by an expression of the user's.
 *
 * The expression is read as the right-hand side of UPDATE table SET column =
 * expression would be, over a row of the table as it is before the job: with
 * subqueries, without aggregates, window functions and sets, and with the
 * errors of UPDATE (parse_target.c, transformUpdateTargetList).  Its columns
 * may carry the table's name.  For a child of the table it is taken over by
 * the names of columns, as ALTER TABLE takes over USING.
 *
 * What is beyond reading is refused: it runs later, in another session, and
 * many times.  So no row locks, no temporary tables; and no system columns,
 * which rows do not keep on their way.
 *
 * Locks: ACCESS SHARE on the table, held by the caller, and on the tables of
 * subqueries, taken here, to the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "model/backfill_value.h"

/* what stands before the expression when it is parsed */
#define PREFIX "SELECT ("

/* a position in the expression is one in our argument */
static void
expression_error_callback(void *arg)
{
	const OscBackfill *b = arg;
	int			position = geterrposition() - (int) strlen(PREFIX);

	if (geterrposition() > 0)
	{
		errposition(0);
		internalerrposition(Min(Max(position, 1), (int) strlen(b->expression) + 1));
		internalerrquery(b->expression);
	}
	errcontext("backfill expression for column \"%s\"", b->column);
}

/* the expression as a raw parse tree; anything more than one is refused */
static Node *
parse(const OscBackfill *b, const char *text)
{
	List	   *list = raw_parser(text, RAW_PARSE_DEFAULT);
	Node	   *stmt = list_length(list) == 1 ? linitial_node(RawStmt, list)->stmt : NULL;
	SelectStmt *select = stmt && IsA(stmt, SelectStmt) ? (SelectStmt *) stmt : NULL;
	SelectStmt	bare = {.type = T_SelectStmt};

	/* it must be SELECT with one column, and nothing else that can stand there */
	if (select && list_length(select->targetList) == 1)
	{
		bare.targetList = select->targetList;
		bare.limitOption = select->limitOption;
		bare.groupDistinct = select->groupDistinct;
		if (equal(&bare, select) && linitial_node(ResTarget, select->targetList)->name == NULL)
			return linitial_node(ResTarget, select->targetList)->val;
	}
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("syntax error: \"%s\" is not one expression", b->expression),
			 errhint("Put a query into brackets, and let it give one column.")));
	return NULL;				/* keep the compiler quiet */
}

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a backfill expression cannot use %s", what),
			 errhint("%s", hint)));
}

/* depth: of the subquery that is being walked through */
static bool
refuse_beyond_reading(Node *node, int *depth)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if ((int) var->varlevelsup == *depth && var->varattno < 0)
			refuse("system columns of the table", "Use a column of the table.");
		return false;
	}
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		if (query->rowMarks != NIL)
			refuse("row locks", "Leave FOR UPDATE and its kin out.");
		foreach(lc, query->rtable)
			if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_RELATION &&
				get_rel_persistence(lfirst_node(RangeTblEntry, lc)->relid) == RELPERSISTENCE_TEMP)
				refuse(psprintf("temporary table \"%s\"", get_rel_name(lfirst_node(RangeTblEntry, lc)->relid)),
					   "The job runs in another session: use an ordinary table.");
		(*depth)++;
		(void) query_tree_walker(query, refuse_beyond_reading, depth, 0);
		(*depth)--;
		return false;
	}
	return expression_tree_walker(node, refuse_beyond_reading, depth);
}

/* parse analysis, over the table that the statement names */
static Node *
transform(const OscBackfill *b, Relation named, const char *text)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;
	int			depth = 0;
	Node	   *expr;

	pstate->p_sourcetext = text;
	nsitem = addRangeTableEntryForRelation(pstate, named, AccessShareLock, NULL, false, true);
	addNSItemToQuery(pstate, nsitem, false, true, true);
	expr = transformExpr(pstate, parse(b, text), EXPR_KIND_UPDATE_SOURCE);
	(void) refuse_beyond_reading(expr, &depth);
	free_parsestate(pstate);
	return expr;
}

/*
 * The expression over a row of the source, which is the table that the
 * statement names or a child of it: its own columns are Vars of relation 1,
 * in subqueries of an outer level.  Not yet of the column's type.  Raises the
 * errors of parse analysis: 42601, 42703, 42P01, 42803, 42P20, 0A000.
 */
Node *
osc_backfill_read_expression(const OscBackfill *b, Relation source)
{
	Relation	named = table_open(b->relid, AccessShareLock);
	ErrorContextCallback callback = {
		.callback = expression_error_callback,
		.arg = unconstify(OscBackfill *, b),
		.previous = error_context_stack,
	};
	Node	   *expr;
	AttrMap    *map;
	bool		found_whole_row = false;

	error_context_stack = &callback;
	/* a line of its own for the bracket: the expression may end in a comment */
	expr = transform(b, named, psprintf(PREFIX "%s\n)", b->expression));
	if (b->relid != RelationGetRelid(source))
	{
		map = osc_attrmap_by_name(RelationGetDescr(source), RelationGetDescr(named));
		expr = map_variable_attnos(expr, 1, 0, map, InvalidOid, &found_whole_row);
		free_attrmap(map);
	}
	if (found_whole_row)
		refuse("whole rows of a table with children", "Name the columns.");
	error_context_stack = callback.previous;
	table_close(named, NoLock);
	return expr;
}

/*
 * The expression as a value of the column, by an assignment cast.  Raises the
 * error of UPDATE (parse_target.c, transformAssignedExpr).
 */
Node *
osc_backfill_coerce(Node *expr, Form_pg_attribute att)
{
	Oid			type = exprType(expr);
	Node	   *result = coerce_to_target_type(NULL, expr, type, att->atttypid, att->atttypmod,
											   COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);

	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s but its backfill expression is of type %s",
						NameStr(att->attname), format_type_be(att->atttypid), format_type_be(type)),
				 errhint("You will need to rewrite or cast the expression.")));
	assign_expr_collations(NULL, result);
	return result;
}
