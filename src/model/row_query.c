/*-------------------------------------------------------------------------
 *
 * row_query.c
 *	  Expressions with subqueries, computed for one row of a table at a time.
 *
 * The executor's bare expressions know no subqueries: these need a plan.  So
 * the expressions become the columns of a query over a tuplestore that stands
 * for the table, as a transition table does in a trigger (queryenvironment.c).
 * It is rewritten and planned once for a batch, as any query of the user's
 * would be: views, row security and rights are those of the present role.
 * Then each row is put into the tuplestore alone, and the plan asked for its
 * next row: the scan goes on behind the end of what it has read.  What does
 * not depend on the row is computed once.
 *
 * The stored trees name tables and columns by number, with nothing to keep
 * these as they were.  So before each use tables, columns and their types are
 * looked up again: a tree that no longer fits is an error, not a crash.
 *
 * Locks: ACCESS SHARE on the table, held by the caller, who also holds it on
 * what osc_row_query_reads() names, and has taken his snapshot after that; on
 * tables that have come into a view since, taken here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "executor/executor.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/run.h"
#include "model/row_query.h"

/* the name of the tuplestore; no user's query can name it */
#define ROW_NAME "osc_row"

/* for how many rows the planner is to plan */
#define ROWS_TO_PLAN_FOR 1000

/* ---------------------------------------- do the trees still fit? */

static void
changed(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s that a backfill expression reads was changed or dropped while the job ran", what),
			 errhint("Start the job again.")));
}

static void
check_column(const RangeTblEntry *rte, const Var *var)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(rte->relid),
										Int16GetDatum(var->varattno));
	Form_pg_attribute att = HeapTupleIsValid(tuple) ? (Form_pg_attribute) GETSTRUCT(tuple) : NULL;

	if (att == NULL || att->attisdropped || att->atttypid != var->vartype ||
		att->atttypmod != var->vartypmod || att->attcollation != var->varcollid)
		changed(psprintf("a column of table \"%s\"", get_rel_name(rte->relid)));
	ReleaseSysCache(tuple);
}

/* rtables: those of the queries around, the innermost first */
static bool
check_fits(Node *node, List **rtables)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		RangeTblEntry *rte;

		/* of the row itself: its table has a fingerprint */
		if ((int) var->varlevelsup >= list_length(*rtables))
			return false;
		rte = list_nth_node(RangeTblEntry, list_nth(*rtables, var->varlevelsup), var->varno - 1);
		if (rte->rtekind == RTE_RELATION && var->varattno > 0)
			check_column(rte, var);
		return false;
	}
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind != RTE_RELATION)
				continue;
			LockRelationOid(rte->relid, rte->rellockmode);
			if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(rte->relid)))
				changed("a table");
		}
		*rtables = lcons(query->rtable, *rtables);
		(void) query_tree_walker(query, check_fits, rtables, 0);
		*rtables = list_delete_first(*rtables);
		return false;
	}
	return expression_tree_walker(node, check_fits, rtables);
}

/* what a walk for the row's columns knows */
typedef struct RowColumns
{
	Bitmapset  *attnums;
	int			depth;			/* of subqueries */
} RowColumns;

static bool
collect_columns(Node *node, RowColumns *found)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) && (int) ((Var *) node)->varlevelsup == found->depth)
		found->attnums = bms_add_member(found->attnums,
										((Var *) node)->varattno - FirstLowInvalidHeapAttributeNumber);
	if (IsA(node, Query))
	{
		found->depth++;
		(void) query_tree_walker((Query *) node, collect_columns, found, 0);
		found->depth--;
		return false;
	}
	return expression_tree_walker(node, collect_columns, found);
}

/*
 * The columns of the row that an expression uses, in subqueries too: numbers
 * less FirstLowInvalidHeapAttributeNumber, as pull_varattnos() gives them.
 */
Bitmapset *
osc_row_query_columns(Node *expr)
{
	RowColumns	found = {0};

	(void) collect_columns(expr, &found);
	return found.attnums;
}

/* ---------------------------------------- making the plan */

/* the tuplestore as an entry of the range table */
static RangeTblEntry *
row_as_table(Relation source)
{
	TupleDesc	desc = RelationGetDescr(source);
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_NAMEDTUPLESTORE;
	rte->enrname = pstrdup(ROW_NAME);
	rte->enrtuples = ROWS_TO_PLAN_FOR;
	rte->inFromCl = true;
	rte->eref = makeAlias(RelationGetRelationName(source), NIL);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		rte->eref->colnames = lappend(rte->eref->colnames,
									  makeString(pstrdup(att->attisdropped ? "" : NameStr(att->attname))));
		rte->coltypes = lappend_oid(rte->coltypes, att->attisdropped ? InvalidOid : att->atttypid);
		rte->coltypmods = lappend_int(rte->coltypmods, att->attisdropped ? 0 : att->atttypmod);
		rte->colcollations = lappend_oid(rte->colcollations,
										 att->attisdropped ? InvalidOid : att->attcollation);
	}
	return rte;
}

/*
 * The plan that computes the expressions (TargetEntry, over a row of the
 * source), in the current memory context.  Needs an active snapshot.  It
 * serves as long as osc_row_query_epoch() gives the same number after the locks
 * on its tables (relationOids) have been taken.
 */
PlannedStmt *
osc_row_query_plan(List *targets, Relation source)
{
	Query	   *query = makeNode(Query);
	RangeTblRef *ref = makeNode(RangeTblRef);
	List	   *rtables = NIL;
	PlannedStmt *plan;
	ListCell   *lc;

	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->hasSubLinks = true;
	query->rtable = list_make1(row_as_table(source));
	ref->rtindex = 1;
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	foreach(lc, targets)
	{
		TargetEntry *te = copyObject(lfirst_node(TargetEntry, lc));

		(void) check_fits((Node *) te->expr, &rtables);
		te->resno = foreach_current_index(lc) + 1;
		query->targetList = lappend(query->targetList, te);
	}
	AcquireRewriteLocks(query, true, false);
	query = linitial_node(Query, QueryRewrite(query));
	plan = pg_plan_query(query, "", 0, NULL);
	/* it would be compiled for every batch */
	plan->jitFlags = PGJIT_NONE;
	return plan;
}

/*
 * The tables (Oid) that the expressions (TargetEntry, over a row of the
 * source) read, those behind views included.  Needs an active snapshot.
 */
List *
osc_row_query_reads(List *targets, Relation source)
{
	PlannedStmt *plan = osc_row_query_plan(targets, source);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, plan->relationOids)
		result = list_append_unique_oid(result, lfirst_oid(lc));
	return result;
}

/* counts what may have made a plan outdated */
static uint64 epoch = 1;

static void
next_epoch_of_relation(Datum arg, Oid relid)
{
	epoch++;
}

static void
next_epoch_of_function(Datum arg, int cacheid, uint32 hashvalue)
{
	epoch++;
}

/*
 * A number that is another one as soon as this process learns of a change to a
 * relation or function; coarser than plancache.c, which keeps no plans of trees.
 */
uint64
osc_row_query_epoch(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(next_epoch_of_relation, (Datum) 0);
		CacheRegisterSyscacheCallback(PROCOID, next_epoch_of_function, (Datum) 0);
		registered = true;
	}
	return epoch;
}

/* ---------------------------------------- running it */

/*
 * Make a plan ready to run, under the active snapshot, in the current memory
 * context.  Checks the present role's rights (execMain.c, InitPlan): 42501.
 * The source stays open until osc_row_query_end().
 */
OscRowQuery *
osc_row_query_start(PlannedStmt *plan, Relation source)
{
	OscRowQuery *q = palloc(sizeof(OscRowQuery));
	EphemeralNamedRelation row = palloc0(sizeof(EphemeralNamedRelationData));
	QueryEnvironment *env = create_queryEnv();

	q->row = tuplestore_begin_heap(false, false, work_mem);
	row->md.name = pstrdup(ROW_NAME);
	row->md.tupdesc = RelationGetDescr(source);
	row->md.enrtype = ENR_NAMED_TUPLESTORE;
	row->md.enrtuples = ROWS_TO_PLAN_FOR;
	row->reldata = q->row;
	register_ENR(env, row);
	q->desc = CreateQueryDesc(plan, "", GetActiveSnapshot(),
							  InvalidSnapshot, None_Receiver, NULL, env, 0);
	ExecutorStart(q->desc, EXEC_FLAG_SKIP_TRIGGERS);
	return q;
}

/*
 * The same for expressions (TargetEntry, over a row of the source).
 */
OscRowQuery *
osc_row_query_begin(List *targets, Relation source)
{
	return osc_row_query_start(osc_row_query_plan(targets, source), source);
}

/*
 * The expressions' values for a row, in their order; valid until the next
 * call.  Runs user expressions: the caller has entered the job owner's name.
 */
TupleTableSlot *
osc_row_query_eval(OscRowQuery *q, TupleTableSlot *row)
{
	EState	   *estate = q->desc->estate;
	MemoryContext old;
	TupleTableSlot *result;

	tuplestore_clear(q->row);
	tuplestore_puttupleslot(q->row, row);
	ResetPerTupleExprContext(estate);
	old = MemoryContextSwitchTo(estate->es_query_cxt);
	result = ExecProcNode(q->desc->planstate);
	MemoryContextSwitchTo(old);
	if (TupIsNull(result))
		elog(ERROR, "a backfill expression has no value");
	slot_getallattrs(result);
	return result;
}

void
osc_row_query_end(OscRowQuery *q)
{
	ExecutorFinish(q->desc);
	ExecutorEnd(q->desc);
	FreeQueryDesc(q->desc);
	tuplestore_end(q->row);
}
