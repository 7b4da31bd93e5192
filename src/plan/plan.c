/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  What a job will do, worked out before anything is made.
 *
 * The statement is parsed by the server's parser, its table and the caller's
 * right are looked up, the catalogs are asked what native would object to,
 * and the statement is rehearsed on an empty copy.  osc_plan() shows the
 * steps; osc_start() makes the same plan and stores a job.
 *
 * Locks: ACCESS SHARE on the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/settings.h"
#include "model/relinfo.h"
#include "model/statement.h"
#include "plan/plan.h"
#include "plan/rehearse.h"
#include "store/job.h"

static void
add_step(OscPlan *plan, OscPlanStep step)
{
	OscPlanStep *copy = palloc(sizeof(OscPlanStep));

	*copy = step;
	if (copy->strategy == NULL)
		copy->strategy = "copy";
	plan->steps = lappend(plan->steps, copy);
}

static void
check_arguments(const char *strategy, bool has_backfill)
{
	static const char *const later[] = {"instant", "constraint", "index", "column"};

	if (has_backfill)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("backfill expressions are not supported"),
				 errhint("Use a USING expression, or a default.")));
	if (strcmp(strategy, "auto") == 0 || strcmp(strategy, "copy") == 0)
		return;
	for (int i = 0; i < (int) lengthof(later); i++)
		if (strcmp(strategy, later[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("strategy \"%s\" is not supported", strategy),
					 errhint("Use \"auto\" or \"copy\".")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown strategy \"%s\"", strategy),
			 errhint("Use \"auto\" or \"copy\".")));
}

static char *
pretty(int64 bytes)
{
	return text_to_cstring(DatumGetTextPP(DirectFunctionCall1(pg_size_pretty,
															  Int64GetDatum(bytes))));
}

static char *
describe_capture(const char *name, const OscRehearsal *r)
{
	if (r->key == NULL)
		return psprintf("capture the places (ctid) of changed rows of %s", name);
	return psprintf("capture the keys of changed rows of %s (index %s)", name,
					quote_identifier(r->key));
}

static void
describe_copy(OscPlan *plan, Relation source, const OscRehearsal *r, const char *ddl)
{
	int64		heap = (int64) RelationGetNumberOfBlocks(source) * BLCKSZ;
	int64		total = DatumGetInt64(DirectFunctionCall1(pg_total_relation_size,
														  ObjectIdGetDatum(RelationGetRelid(source))));
	double		rows = Max(source->rd_rel->reltuples, 0);
	char	   *name = osc_relation_name(RelationGetRelid(source));

	add_step(plan, (OscPlanStep)
			 {"preparing", NULL, psprintf("make an empty copy of %s and apply the statement to it", name),
			 "ACCESS SHARE", "nothing", "catalog only",
			 pstrdup("the copy has the table's columns, defaults, constraints and indexes; foreign keys stay with the table")});
	add_step(plan, (OscPlanStep)
			 {"preparing", NULL, psprintf("rehearse on %s with empty storage, and roll back: %s", name, ddl),
			 "ACCESS EXCLUSIVE", "reads, writes", "milliseconds",
			 psprintf("waits for its locks for at most %d ms, else tries again later", osc_lock_timeout)});
	add_step(plan, (OscPlanStep)
			 {"preparing", NULL, describe_capture(name, r),
			 "SHARE ROW EXCLUSIVE", "writes", "milliseconds",
			 psprintf("waits for its locks for at most %d ms, else tries again later%s", osc_lock_timeout,
					  r->key ? "" : "; no key finds each row and survives the statement, so a table of places is kept for them")});
	add_step(plan, (OscPlanStep)
			 {"backfilling", NULL, psprintf("copy the rows of %s in batches", name),
			 "ACCESS SHARE", "nothing",
			 psprintf("about %.0f rows, %s to read", rows, pretty(heap)),
			 psprintf("begins when transactions older than the capture have ended; batches of %d ms%s", osc_batch_target_time,
					  r->nproved > 0 ? "; proves the new CHECK constraints" : "")});
	add_step(plan, (OscPlanStep)
			 {"indexing", NULL, psprintf("freeze the copy, build its %d indexes, analyze it", r->nindexes),
			 "none on the table", "nothing",
			 psprintf("in all up to %s of extra disk until the job is done", pretty(total)), NULL});
	add_step(plan, (OscPlanStep)
			 {"catching_up", NULL, pstrdup("replay changed rows until few are left"),
			 "ACCESS SHARE", "nothing", "depends on the writes", NULL});
	if (osc_verify)
		add_step(plan, (OscPlanStep)
				 {"validating", NULL, pstrdup("compare the copy with the table, both ways"),
				 "ACCESS SHARE", "nothing", psprintf("about %.0f rows, twice", rows), NULL});
	add_step(plan, (OscPlanStep)
			 {"swapping", NULL, psprintf("replay the rest, run on %s with empty storage, and give it the copy's storage: %s", name, ddl),
			 "ACCESS EXCLUSIVE", "reads, writes", "milliseconds",
			 psprintf("waits for its locks for at most %d ms, else tries again later; also locks tables whose foreign keys use a changed column", osc_lock_timeout)});
	add_step(plan, (OscPlanStep)
			 {"cleaning", NULL, pstrdup("validate foreign keys that the statement made anew; drop the old storage"),
			 "SHARE UPDATE EXCLUSIVE", "nothing", "one scan per foreign key", NULL});
}

/*
 * A position in the statement is one in our argument, not in the query that
 * calls us (spi.c does the same for queries in functions).
 */
static void
statement_error_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

/*
 * The caller's errors get a hint where they have none.
 */
static void
add_hint(void)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(TopTransactionContext);
	edata = CopyErrorData();
	FlushErrorState();
	if (edata->hint == NULL)
		edata->hint = pstrdup("Nothing was changed; correct the statement and call again.");
	ReThrowError(edata);
}

/*
 * Plan a job.  Raises all errors that can be known before anything is made;
 * takes ACCESS SHARE on the table and keeps it to the end of the transaction.
 */
OscPlan *
osc_make_plan(const char *ddl, const char *strategy, bool has_backfill)
{
	OscPlan    *plan = palloc0(sizeof(OscPlan));
	AlterTableStmt *stmt;
	OscRehearsal rehearsal = {0};
	Relation	source;
	ErrorContextCallback callback = {
		.callback = statement_error_callback,
		.arg = unconstify(char *, ddl),
		.previous = error_context_stack,
	};

	check_arguments(strategy, has_backfill);
	PG_TRY();
	{
		error_context_stack = &callback;
		stmt = osc_parse_statement(ddl);
		plan->relid = osc_lookup_table(stmt);
		osc_check_subcommands(stmt);
		source = table_open(plan->relid, NoLock);
		plan->nspname = get_namespace_name(RelationGetNamespace(source));
		plan->relname = pstrdup(RelationGetRelationName(source));
		osc_check_table(source);
		osc_check_dependents(source, stmt);
		osc_rehearse(source, stmt, ddl, &rehearsal);
		error_context_stack = callback.previous;
		describe_copy(plan, source, &rehearsal, ddl);
		table_close(source, NoLock);
	}
	PG_CATCH();
	{
		add_hint();
	}
	PG_END_TRY();
	return plan;
}
