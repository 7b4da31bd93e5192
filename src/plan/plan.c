/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  What a job will do, worked out before anything is made.
 *
 * The script is parsed by the server's parser, its tables and the caller's
 * rights are looked up, the catalogs are asked what native would object to,
 * and each part gets the cheapest safe strategy.  Tables that need a copy are
 * copied, and all statements of the script run in one swap; where no table
 * needs one, the commands of recipes.c do the work.  osc_plan() shows the
 * steps; osc_start() makes the same plan and stores a job.
 *
 * Locks: ACCESS SHARE on the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/settings.h"
#include "model/backfill_spec.h"
#include "model/objections.h"
#include "model/relinfo.h"
#include "model/statement.h"
#include "plan/classify.h"
#include "plan/column_plan.h"
#include "plan/forced.h"
#include "plan/plan.h"
#include "plan/reach.h"
#include "plan/recipes.h"
#include "plan/recipes_column.h"
#include "plan/rehearse.h"
#include "plan/rules.h"
#include "plan/separable.h"

/* ---------------------------------------- arguments */

static const char *const strategies[] = {"auto", "instant", "constraint", "index", "copy", "column"};

static void
check_arguments(const char *strategy)
{
	bool		known = false;

	for (int i = 0; i < (int) lengthof(strategies); i++)
		known = known || strcmp(strategy, strategies[i]) == 0;
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown strategy \"%s\"", strategy),
				 errhint("Use \"auto\", \"instant\", \"constraint\", \"index\", \"copy\" or \"column\".")));
}

/* ---------------------------------------- a copy */

static char *
pretty(int64 bytes)
{
	return text_to_cstring(DatumGetTextPP(DirectFunctionCall1(pg_size_pretty,
															  Int64GetDatum(bytes))));
}

static OscPlanStep *
add_row(OscPlan *plan, OscPhase phase, char *command, const char *lock_mode,
		const char *blocks, char *cost, char *note)
{
	OscPlanStep *step = osc_plan_add(plan, phase, "copy", command);

	step->lock_mode = lock_mode;
	step->blocks = blocks;
	step->cost = cost;
	step->note = note;
	return step;
}

static char *
waits(void)
{
	return psprintf("waits for its locks for at most %d ms, else tries again later", osc_lock_timeout);
}

/* why this table is copied, for people */
static char *
why_copied(const OscPlanTable *t, const char *forced)
{
	ListCell   *lc;

	foreach(lc, t->parts)
	{
		OscPart    *part = lfirst(lc);
		const OscRule *rule = osc_rule_find(part->rule);

		if (part->strategy == OSC_COPY && rule)
			return psprintf("%s: %s", rule->change, rule->note ? rule->note : rule->native);
	}
	return pstrdup(forced);
}

/* does the script add a foreign key to the table, or validate one? */
static bool
adds_foreign_key(const OscPlanTable *t)
{
	ListCell   *lc,
			   *c;

	foreach(lc, t->parts)
	{
		OscPart    *part = lfirst(lc);

		if (part->cmd == NULL)
			continue;
		if (part->cmd->subtype == AT_ValidateConstraint)
			return true;
		if (part->cmd->subtype == AT_AddConstraint &&
			castNode(Constraint, part->cmd->def)->contype == CONSTR_FOREIGN &&
			!castNode(Constraint, part->cmd->def)->skip_validation)
			return true;
		if (part->cmd->subtype == AT_AddColumn)
			foreach(c, castNode(ColumnDef, part->cmd->def)->constraints)
				if (lfirst_node(Constraint, c)->contype == CONSTR_FOREIGN)
					return true;
	}
	return false;
}

static char *
describe_capture(const char *name, const OscRehearsal *r)
{
	if (r->key == NULL)
		return psprintf("capture the places (ctid) of changed rows of %s", name);
	return psprintf("capture the keys of changed rows of %s (index %s)", name,
					quote_identifier(r->key));
}

static bool
has_name(List *names, const char *name)
{
	return list_member(names, makeString(unconstify(char *, name)));
}

/* the columns of the statements on a table that expressions of the user's fill */
static void
describe_fills(OscPlan *plan, const OscPlanTable *t, const OscRehearsal *r)
{
	ListCell   *lc;

	foreach(lc, plan->backfill)
	{
		OscBackfill *b = lfirst(lc);

		if (b->relid != t->relid)
			continue;
		add_row(plan, OSC_BACKFILLING,
				psprintf("compute column %s of %s: %s", quote_identifier(b->column),
						 osc_relation_name(t->relid), b->expression),
				"ACCESS SHARE on what it reads", "nothing", pstrdup("once for each row"),
				has_name(r->is_volatile, b->column) ?
				pstrdup("in the job owner's name, anew when a row is replayed; it is volatile, so it is not compared") :
				has_name(r->as_computed, b->column) ?
				pstrdup("in the job owner's name, anew when a row is replayed: what it reads elsewhere is as last computed; a row that comes out otherwise when it is compared is replayed once more") :
				pstrdup("in the job owner's name, anew when a row is replayed"));
	}
}

static void
describe_copy(OscPlan *plan, const OscPlanTable *t, Relation source, const OscRehearsal *r,
			  const char *forced)
{
	int64		heap = (int64) RelationGetNumberOfBlocks(source) * BLCKSZ;
	int64		total = DatumGetInt64(DirectFunctionCall1(pg_total_relation_size,
														  ObjectIdGetDatum(RelationGetRelid(source))));
	double		rows = Max(source->rd_rel->reltuples, 0);
	char	   *name = osc_relation_name(RelationGetRelid(source));

	add_row(plan, OSC_PREPARING, psprintf("make an empty copy of %s in its new shape", name),
			"ACCESS SHARE", "nothing", "catalog only", why_copied(t, forced));
	add_row(plan, OSC_PREPARING, describe_capture(name, r),
			"SHARE ROW EXCLUSIVE", "writes", "milliseconds",
			psprintf("%s%s", waits(), r->key ? "" :
					 "; no key finds each row and survives the statement, so a table of places is kept for them"));
	add_row(plan, OSC_BACKFILLING, psprintf("copy the rows of %s in batches", name),
			"ACCESS SHARE", "nothing",
			psprintf("about %.0f rows, %s to read", rows, pretty(heap)),
			psprintf("begins when transactions older than the capture have ended; batches of %d ms%s", osc_batch_target_time,
					 r->nproved > 0 ? "; proves the new CHECK constraints" : ""));
	if (r->order)
		add_row(plan, OSC_INDEXING, psprintf("sort the copy of %s in the order of index %s", name, quote_identifier(r->order)),
				"none on the table", "nothing",
				psprintf("%s of further disk until it is done", pretty(heap)), NULL);
	add_row(plan, OSC_INDEXING,
			psprintf("freeze the copy of %s, build its %d indexes, analyze it", name, r->nindexes),
			"none on the table", "nothing",
			psprintf("in all up to %s of extra disk until the job is done", pretty(total)), NULL);
	add_row(plan, OSC_CATCHING_UP, psprintf("replay changed rows of %s until few are left", name),
			"ACCESS SHARE", "nothing", "depends on the writes", NULL);
	if (adds_foreign_key(t))
		add_row(plan, OSC_CATCHING_UP,
				psprintf("look in the copy of %s for rows that violate its foreign keys", name),
				"ACCESS SHARE", "nothing", "one join per foreign key",
				pstrdup("what is found fails the job, as it would natively"));
	if (osc_verify)
		add_row(plan, OSC_VALIDATING, psprintf("compare the copy with %s, both ways", name),
				"ACCESS SHARE", "nothing", psprintf("about %.0f rows, twice", rows), NULL);
}

/* the swap of a script in which tables are copied: all its statements, natively */
static void
plan_swap_of_copies(OscPlan *plan)
{
	ListCell   *lc;

	add_row(plan, OSC_PREPARING, pstrdup("rehearse the swap with empty storage, and roll back"),
			"ACCESS EXCLUSIVE", "reads, writes", "milliseconds", waits());
	add_row(plan, OSC_SWAPPING, pstrdup("replay the rest, and give the table empty storage"),
			"ACCESS EXCLUSIVE", "reads, writes", "milliseconds",
			psprintf("%s; also locks tables whose foreign keys use a changed column", waits()));
	foreach(lc, plan->script)
	{
		OscStatement *s = lfirst(lc);
		OscPart		part = {.statement = s,.strategy = OSC_INSTANT,.rule = ""};
		OscPlanTable *t = osc_plan_find_table(plan, s->relid);
		OscPlanStep *step;

		if (t == NULL)
			continue;
		part.strategy = osc_plan_copied_with(t) != NIL ? OSC_COPY : OSC_INSTANT;
		step = osc_plan_run(plan, OSC_SWAPPING, OSC_STEP_FINAL, s->relid, &part, s->text, NULL);
		step->lock_mode = "ACCESS EXCLUSIVE";
		step->blocks = "reads, writes";
		step->cost = "milliseconds";
		step->note = pstrdup("runs natively, on empty storage where the table is copied; foreign keys are checked afterwards");
	}
	add_row(plan, OSC_SWAPPING, pstrdup("give the table the storage of its copy"),
			"ACCESS EXCLUSIVE", "reads, writes", "milliseconds", NULL);
	add_row(plan, OSC_CLEANING,
			pstrdup("validate foreign keys that the statement made anew; drop the old storage"),
			"SHARE UPDATE EXCLUSIVE", "nothing", "one scan per foreign key", NULL);
}

/* the copies that the statements on a table need: of itself, of its children */
static void
plan_copies(OscPlan *plan, OscPlanTable *t, const char *forced)
{
	List	   *members = NIL;
	List	   *relids = NIL;
	OscRehearsal *results;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, osc_plan_copied_with(t))
		if (!((OscPlanTable *) lfirst(lc))->described)
			members = lappend(members, lfirst(lc));
	if (members == NIL)
		return;
	osc_check_subcommands(osc_commands_of(t->statements));
	foreach(lc, members)
	{
		Relation	rel = table_open(((OscPlanTable *) lfirst(lc))->relid, AccessShareLock);

		osc_check_table(rel);
		relids = lappend_oid(relids, RelationGetRelid(rel));
		table_close(rel, NoLock);
	}
	results = palloc0(sizeof(OscRehearsal) * list_length(members));
	osc_rehearse(relids, osc_plan_statements_around(plan, t), results);
	foreach(lc, members)
	{
		OscPlanTable *m = lfirst(lc);
		Relation	rel = table_open(m->relid, NoLock);

		if (n == 0)
			describe_fills(plan, t, results);
		describe_copy(plan, t, rel, &results[n++], forced);
		m->described = true;
		table_close(rel, NoLock);
	}
}

/* ---------------------------------------- tables and parts */

/* no job of any strategy touches these */
static void
check_any_table(Relation rel)
{
	const char *what = NULL;

	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		what = "a temporary table";
	else if (OidIsValid(rel->rd_rel->relrewrite))
		what = "a helper table of another job";
	else if (IsCatalogRelation(rel) ||
			 RelationGetNamespace(rel) == get_namespace_oid(OSC_CATALOG_SCHEMA, true))
		what = "a table of the system or of this extension";
	if (what)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot change \"%s\" online: it is %s", RelationGetRelationName(rel), what),
				 errhint("Use a plain ALTER TABLE.")));
}

/* may the script itself make a name free? */
static bool
frees_names(List *parts)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		OscPart    *part = lfirst(lc);

		if (part->cmd == NULL ? !IsA(part->statement->node, IndexStmt) :
			part->cmd->subtype == AT_DropConstraint || part->cmd->subtype == AT_DropColumn)
			return true;
	}
	return false;
}

/* the clone has a schema of its own: names that are taken are looked up here */
static void
check_new_names(Relation rel, List *parts)
{
	ListCell   *lc;

	if (frees_names(parts))
		return;
	foreach(lc, parts)
	{
		OscPart    *part = lfirst(lc);
		const char *name = NULL;

		if (part->cmd == NULL && !castNode(IndexStmt, part->statement->node)->if_not_exists)
			name = castNode(IndexStmt, part->statement->node)->idxname;
		else if (part->cmd && part->cmd->subtype == AT_AddConstraint)
		{
			Constraint *con = castNode(Constraint, part->cmd->def);

			if ((con->contype == CONSTR_UNIQUE || con->contype == CONSTR_PRIMARY ||
				 con->contype == CONSTR_EXCLUSION) && con->indexname == NULL)
				name = con->conname;
		}
		if (name && OidIsValid(get_relname_relid(name, RelationGetNamespace(rel))))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("relation \"%s\" already exists", name),
					 errhint("Choose another name for the constraint or index.")));
	}
}

static void
classify_table(OscPlanTable *t, bool alone)
{
	Relation	rel = table_open(t->relid, NoLock);

	check_any_table(rel);
	osc_check_dependents(rel, t->statements);
	osc_check_objections(rel, t->statements, alone);
	t->parts = osc_classify(rel, t->statements);
	check_new_names(rel, t->parts);
	table_close(rel, NoLock);
}

/* does a part of the statements need the copy? */
static bool
needs_copy(const OscPlanTable *t)
{
	ListCell   *lc;

	foreach(lc, t->parts)
		if (((OscPart *) lfirst(lc))->strategy == OSC_COPY)
			return true;
	return false;
}

/*
 * Which tables must be copied, and why (for those of which no part needs it);
 * NULL: none.
 */
static const char *
choose_copies(OscPlan *plan)
{
	const char *why = NULL;
	const char *reason;
	bool		any = false;
	ListCell   *lc,
			   *p;

	foreach(lc, plan->tables)
	{
		OscPlanTable *t = lfirst(lc);

		if (needs_copy(t))
			reason = "";
		else if ((reason = osc_why_not_separable(t->parts)) != NULL)
			reason = psprintf("the parts cannot be run apart: %s", reason);
		if (reason == NULL || t->statements == NIL)
			continue;
		why = reason;
		if (osc_plan_mark_copied(t))
			any = true;
		else
			/* no partition, no row: natively it takes an instant */
			foreach(p, t->parts)
				((OscPart *) lfirst(p))->strategy = OSC_INSTANT;
	}
	if (!any)
		return NULL;
	/* no scan and no build may happen under the locks of the swap */
	foreach(lc, plan->tables)
	{
		OscPlanTable *t = lfirst(lc);

		foreach(p, t->parts)
			if (osc_plan_copied_with(t) == NIL && ((OscPart *) lfirst(p))->strategy != OSC_INSTANT)
			{
				(void) osc_plan_mark_copied(t);
				why = "it changes together with a table that needs a copy";
			}
	}
	return why;
}

/* all tables that the script names are copied, for the caller wishes it */
static const char *
copy_all(OscPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->tables)
		if (((OscPlanTable *) lfirst(lc))->statements != NIL)
			(void) osc_plan_mark_copied(lfirst(lc));
	return "strategy \"copy\" was asked for";
}

/* parts of one statement */
static List *
parts_of(List *parts, const OscStatement *s)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, parts)
		if (((OscPart *) lfirst(lc))->statement == s)
			result = lappend(result, lfirst(lc));
	return result;
}

/* in the order of the phases; in a phase, in that of the script */
static List *
sorted_by_phase(List *steps)
{
	List	   *result = NIL;
	ListCell   *lc;

	for (int phase = OSC_PLANNED; phase <= OSC_AT_DONE; phase++)
		foreach(lc, steps)
			if ((int) ((OscPlanStep *) lfirst(lc))->phase == phase)
				result = lappend(result, lfirst(lc));
	return result;
}

/* number the commands, in the order in which they run */
static void
number_steps(OscPlan *plan)
{
	int			n = 0;
	ListCell   *lc;

	plan->steps = sorted_by_phase(plan->steps);
	foreach(lc, plan->steps)
		if (((OscPlanStep *) lfirst(lc))->run)
			((OscPlanStep *) lfirst(lc))->run->step_no = ++n;
}

static void
fill_plan(OscPlan *plan, const char *strategy)
{
	const char *why;
	ListCell   *lc;

	osc_plan_collect_tables(plan);
	if (strcmp(strategy, "column") == 0)
	{
		osc_check_column_script(plan);
		classify_table(linitial(plan->tables), true);
		osc_plan_columns(plan, linitial(plan->tables));
		number_steps(plan);
		return;
	}
	foreach(lc, plan->tables)
		if (((OscPlanTable *) lfirst(lc))->statements != NIL)
			classify_table(lfirst(lc), list_length(plan->script) == 1);
	why = choose_copies(plan);
	osc_check_forced_strategy(plan, strategy);
	if (strcmp(strategy, "copy") == 0)
		why = copy_all(plan);
	if (why)
	{
		foreach(lc, plan->tables)
			plan_copies(plan, lfirst(lc), why);
		plan_swap_of_copies(plan);
	}
	else
		foreach(lc, plan->script)
		{
			OscStatement *s = lfirst(lc);
			OscPlanTable *t = osc_plan_find_table(plan, s->relid);
			Relation	rel;

			if (t == NULL)
				continue;
			rel = table_open(t->relid, NoLock);
			osc_plan_statement(plan, rel, parts_of(t->parts, s), t->parts,
							   list_length(plan->script) == 1);
			table_close(rel, NoLock);
		}
	number_steps(plan);
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
 * Plan a job; backfill as osc_start() takes it, or NULL.  Raises all errors
 * that can be known before anything is made; takes ACCESS SHARE on the tables and keeps it to the end of the transaction.
 */
OscPlan *
osc_make_plan(const char *ddl, const char *strategy, Jsonb *backfill)
{
	OscPlan    *plan = palloc0(sizeof(OscPlan));
	ErrorContextCallback callback = {
		.callback = statement_error_callback,
		.arg = unconstify(char *, ddl),
		.previous = error_context_stack,
	};

	osc_require_settings();
	check_arguments(strategy);
	PG_TRY();
	{
		error_context_stack = &callback;
		plan->script = osc_parse_script(ddl);
		osc_resolve_script(plan->script);
		if (backfill)
			plan->backfill = osc_backfill_resolve(backfill, plan->script);
		fill_plan(plan, strategy);
		error_context_stack = callback.previous;
	}
	PG_CATCH();
	{
		add_hint();
	}
	PG_END_TRY();
	return plan;
}
