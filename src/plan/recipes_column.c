/*-------------------------------------------------------------------------
 *
 * recipes_column.c
 *	  Strategy column: a new column beside the old one.
 *
 * Which changes are accepted, how the new column is worked out from the old one
 * and back, and what people are told.  What happens to all that a column has is
 * in column_parts.c.
 *
 * Locks: ACCESS SHARE on the table, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "rewrite/rewriteManip.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"
#include "base/settings.h"
#include "finish/direct.h"
#include "model/backfill_spec.h"
#include "model/column.h"
#include "model/mapping.h"
#include "model/relinfo.h"
#include "model/statement.h"
#include "plan/column_plan.h"
#include "plan/reach.h"
#include "plan/recipes.h"
#include "plan/recipes_column.h"

/* ---------------------------------------- what is accepted */

/*
 * Refuse a change that strategy column cannot carry out.
 */
void
osc_refuse_column(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("strategy \"%s\" does not fit the change", "column"),
			 errdetail("%c%s.", pg_toupper((unsigned char) what[0]), what + 1),
			 errhint("%s", hint)));
}

/* is the column one of those whose type changes? */
static bool
is_changed(List *cmds, const char *name)
{
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType && name && strcmp(cmd->name, name) == 0)
			return true;
	}
	return false;
}

/* ADD COLUMN: with an expression that fills it, and what can be made apart */
static void
check_added_column(const OscStatement *s, const AlterTableCmd *cmd)
{
	const ColumnDef *def = castNode(ColumnDef, cmd->def);
	ListCell   *lc;

	if (osc_find_fill(s->fills, cmd) == NULL || cmd->missing_ok)
		osc_refuse_column(psprintf("it adds column \"%s\" without a backfill expression, or IF NOT EXISTS", def->colname),
						  "Give an expression for the column, or use strategy \"auto\".");
	if (osc_column_is_serial(def))
		osc_refuse_column(psprintf("it adds column \"%s\" of type serial", def->colname), OSC_USE_COPY);
	foreach(lc, def->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_IDENTITY)
			osc_refuse_column(psprintf("it adds identity column \"%s\"", def->colname), OSC_USE_COPY);
	foreach(lc, castNode(AlterTableStmt, s->node)->cmds)
		if (lfirst_node(AlterTableCmd, lc)->subtype != AT_AddColumn)
			osc_refuse_column("it has other parts than ADD COLUMN",
							  "Put them, foreign keys too, into a job of their own.");
}

static void
check_commands(const OscStatement *s)
{
	List	   *cmds = castNode(AlterTableStmt, s->node)->cmds;
	ListCell   *lc,
			   *d;
	bool		any = false;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_AddColumn:
				any = true;
				check_added_column(s, cmd);
				break;
			case AT_AlterColumnType:
				any = true;
				foreach(d, cmds)
					if (lfirst(d) != lfirst(lc) && lfirst_node(AlterTableCmd, d)->subtype == AT_AlterColumnType &&
						strcmp(lfirst_node(AlterTableCmd, d)->name, cmd->name) == 0)
						osc_refuse_column("it changes the type of a column twice", "Give the type once.");
				break;
			case AT_ColumnDefault:
			case AT_SetNotNull:
			case AT_DropNotNull:
				if (!is_changed(cmds, cmd->name))
					osc_refuse_column(psprintf("it changes column \"%s\", which keeps its type", cmd->name),
						   "Put what concerns other columns into a job of its own.");
				break;
			case AT_AddConstraint:
			case AT_DropConstraint:
				/* whether it is on a changed column is seen later */
				if (cmd->subtype == AT_AddConstraint &&
					(castNode(Constraint, cmd->def)->contype == CONSTR_EXCLUSION ||
					 castNode(Constraint, cmd->def)->indexname != NULL))
					osc_refuse_column("it adds an exclusion constraint, or one by an index that is there",
						   "Put it into a job of its own.");
				if (cmd->subtype == AT_DropConstraint && cmd->behavior == DROP_CASCADE)
					osc_refuse_column("DROP CONSTRAINT ... CASCADE", "Drop the dependent objects first.");
				break;
			default:
				osc_refuse_column("it has other parts than ALTER COLUMN ... TYPE and what goes with it",
					   "Allowed are ADD COLUMN with a backfill expression; and with ALTER COLUMN ... TYPE also ADD and DROP CONSTRAINT, SET and DROP DEFAULT, SET and DROP NOT NULL of the columns whose type changes; put the rest into a job of its own.");
		}
	}
	if (!any)
		osc_refuse_column("it changes the type of no column", "Use strategy \"auto\".");
}

/*
 * Refuse scripts that strategy column cannot carry out, before anything is
 * looked at.
 */
void
osc_check_column_script(const OscPlan *plan)
{
	OscStatement *s;

	if (list_length(plan->script) != 1)
		osc_refuse_column("it is more than one statement", "Start a job for each statement.");
	s = linitial(plan->script);
	if (!OidIsValid(s->relid))
		osc_refuse_column("the table does not exist", "Check the name.");
	if (IsA(s->node, RenameStmt) && castNode(RenameStmt, s->node)->renameType == OBJECT_COLUMN)
		return;
	if (!IsA(s->node, AlterTableStmt))
		osc_refuse_column("it is neither ALTER TABLE ... ALTER COLUMN ... TYPE nor ALTER TABLE ... RENAME COLUMN",
						  "Use strategy \"auto\".");
	check_commands(s);
}

static void
check_table(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relispartition)
		osc_refuse_column(psprintf("\"%s\" is partitioned, or a partition", RelationGetRelationName(rel)), OSC_USE_COPY);
	if (has_subclass(RelationGetRelid(rel)) || has_superclass(RelationGetRelid(rel)))
		osc_refuse_column(psprintf("\"%s\" inherits, or is inherited from", RelationGetRelationName(rel)), OSC_USE_COPY);
	osc_check_table(rel);
	if (osc_candidate_keys(rel) == NIL)
		osc_refuse_column(psprintf("\"%s\" has no key", RelationGetRelationName(rel)),
			   "Create a unique index CONCURRENTLY on NOT NULL columns first, or use strategy \"copy\".");
	/* rows are updated: native's error if subscribers could not follow */
	CheckCmdReplicaIdentity(rel, CMD_UPDATE);
}

/* ---------------------------------------- the columns */

/* a name for a column that the table does not have */
static char *
free_column_name(Relation rel, const char *prefix, AttrNumber attnum)
{
	char	   *name = psprintf("%s_%d", prefix, attnum);

	while (get_attnum(RelationGetRelid(rel), name) != InvalidAttrNumber)
		name = psprintf("%s_", name);
	return name;
}

static void
collect_columns(OscColumnPlan *p, List *cmds)
{
	ListCell   *lc;
	int			n = RelationGetNumberOfAttributes(p->rel);

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		OscColumn  *c;

		if (cmd->subtype != AT_AlterColumnType && cmd->subtype != AT_AddColumn)
			continue;
		c = palloc0(sizeof(OscColumn));
		c->new_att = ++n;
		p->columns = lappend(p->columns, c);
		if (cmd->subtype == AT_AddColumn)
		{
			c->name = pstrdup(castNode(ColumnDef, cmd->def)->colname);
			c->new_name = free_column_name(p->rel, "osc_new", c->new_att);
			c->old_name = pstrdup("");
			c->final_name = c->name;
			continue;
		}
		c->old_att = get_attnum(RelationGetRelid(p->rel), cmd->name);
		c->name = pstrdup(cmd->name);
		c->new_name = free_column_name(p->rel, "osc_new", c->old_att);
		c->old_name = free_column_name(p->rel, "osc_old", c->old_att);
		c->final_name = c->name;
	}
}

/* something that would keep the old column from being dropped, for people; NULL: there is nothing */
static char *
dependent_of(Oid relid, AttrNumber attnum)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *result = NULL;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_int4(&args, attnum);
	if (osc_sql("SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what FROM pg_depend d"
				" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = $2"
				" AND d.classid NOT IN ('pg_constraint'::regclass, 'pg_statistic_ext'::regclass)"
				" AND NOT (d.classid = 'pg_attrdef'::regclass AND d.deptype = 'a')"
				" AND NOT (d.classid = 'pg_class'::regclass AND d.objid IN"
				"  (SELECT oid FROM pg_class WHERE relkind IN ('i', 'S'))) ORDER BY 1 LIMIT 1", &args) > 0)
		result = osc_col_text(&store, 0, "what");
	osc_store_close(&store);
	return result;
}

/* the column that gets a second name, as a pair whose columns are equal */
static void
collect_renamed(OscColumnPlan *p, const RenameStmt *stmt)
{
	OscColumn  *c = palloc0(sizeof(OscColumn));
	Form_pg_attribute att;
	char	   *dependent;

	c->old_att = get_attnum(RelationGetRelid(p->rel), stmt->subname);
	c->new_att = RelationGetNumberOfAttributes(p->rel) + 1;
	c->name = c->old_name = pstrdup(stmt->subname);
	c->new_name = free_column_name(p->rel, "osc_new", c->old_att);
	c->final_name = pstrdup(stmt->newname);
	att = TupleDescAttr(RelationGetDescr(p->rel), c->old_att - 1);
	c->forward = (Node *) makeVar(1, c->old_att, att->atttypid, att->atttypmod, att->attcollation, 0);
	c->inverse = (Node *) makeVar(1, c->new_att, att->atttypid, att->atttypmod, att->attcollation, 0);
	p->columns = list_make1(c);
	if (att->attidentity != '\0')
		osc_refuse_column(psprintf("\"%s\" is an identity column", c->name), "Use strategy \"auto\".");
	if (att->attgenerated != '\0')
		osc_refuse_column(psprintf("\"%s\" is a generated column", c->name), "Use strategy \"auto\".");
	dependent = dependent_of(RelationGetRelid(p->rel), c->old_att);
	if (dependent)
		osc_refuse_column(psprintf("%s depends on the column, which will be dropped in the end", dependent),
						  "Drop the dependent object first, and make it again with the new name after the job.");
	/* unlike the table's own rows, those that others store are not filled */
	dependent = osc_row_type_is_stored(p->rel);
	if (dependent)
		osc_refuse_column(dependent, "Use strategy \"auto\".");
}

/*
 * Is the expression nothing but a conversion of this column?
 */
bool
osc_is_plain_conversion(Node *expr, AttrNumber attnum)
{
	for (;;)
	{
		switch (nodeTag(expr))
		{
			case T_Var:
				return ((Var *) expr)->varattno == attnum;
			case T_RelabelType:
				expr = (Node *) ((RelabelType *) expr)->arg;
				break;
			case T_CoerceViaIO:
				expr = (Node *) ((CoerceViaIO *) expr)->arg;
				break;
			case T_ArrayCoerceExpr:
				expr = (Node *) ((ArrayCoerceExpr *) expr)->arg;
				break;
			case T_CoerceToDomain:
				expr = (Node *) ((CoerceToDomain *) expr)->arg;
				break;
			case T_FuncExpr:
				if (((FuncExpr *) expr)->funcformat == COERCE_EXPLICIT_CALL || ((FuncExpr *) expr)->args == NIL)
					return false;
				expr = linitial(((FuncExpr *) expr)->args);
				break;
			default:
				return false;
		}
	}
}

/* the cast of the new column's value to the type of the old one; NULL: there is none */
static Node *
way_back(Relation rel, const OscColumn *c)
{
	Form_pg_attribute att;
	Var		   *var;
	Node	   *cast;

	if (osc_column_is_added(c) || !osc_is_plain_conversion(c->forward, c->old_att))
		return NULL;
	att = TupleDescAttr(RelationGetDescr(rel), c->old_att - 1);
	var = makeVar(1, c->new_att, exprType(c->forward), exprTypmod(c->forward), exprCollation(c->forward), 0);
	cast = coerce_to_target_type(NULL, (Node *) var, var->vartype, att->atttypid, att->atttypmod,
								 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (cast)
		assign_expr_collations(NULL, cast);
	return cast && !contain_volatile_functions(cast) ? cast : NULL;
}

/* does the expression use a generated column?  the trigger does not see its value */
static bool
uses_generated(Relation rel, Node *expr)
{
	Bitmapset  *attnums = osc_row_query_columns(expr);
	int			i = -1;

	while ((i = bms_next_member(attnums, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum <= 0 || TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attgenerated != '\0')
			return true;
	}
	return false;
}

/*
 * A type's own default is that of each column that has no other: the helper
 * column would have it wherever the mirror has to tell what was given; and one
 * that is volatile would rewrite the table when the column is added.
 */
static void
check_default_of_type(Oid type, const OscColumn *c)
{
	Node	   *value = OidIsValid(type) ? get_typdefault(type) : NULL;

	if (value == NULL || (osc_column_is_added(c) && !contain_volatile_functions(value)))
		return;
	osc_refuse_column(psprintf("type %s of column \"%s\" has a default of its own", format_type_be(type), c->name),
					  osc_column_is_rename(c) ? "Use strategy \"auto\"." : OSC_USE_COPY);
}

static void
complete_columns(OscColumnPlan *p)
{
	ListCell   *lc,
			   *s;

	forboth(lc, p->columns, s, p->after.states)
	{
		OscColumn  *c = lfirst(lc);

		c->definition = ((OscColumnState *) lfirst(s))->type;
		check_default_of_type(exprType(c->forward), c);
		if (!osc_column_is_added(c))
			check_default_of_type(TupleDescAttr(RelationGetDescr(p->rel), c->old_att - 1)->atttypid, c);
		if (osc_column_is_rename(c) && !DomainHasConstraints(exprType(c->forward)))
			continue;
		if (contain_volatile_functions(c->forward))
			osc_refuse_column(psprintf("the new value of column \"%s\" is volatile", c->name), OSC_USE_COPY);
		if (uses_generated(p->rel, c->forward))
			osc_refuse_column(psprintf("the new value of column \"%s\" uses the whole row, or a generated or system column", c->name), OSC_USE_COPY);
		if (DomainHasConstraints(exprType(c->forward)))
			osc_refuse_column(psprintf("the new type of column \"%s\" is a domain with constraints", c->name), OSC_USE_COPY);
		c->inverse = way_back(p->rel, c);
		c->as_computed = osc_looks_elsewhere(c->forward);
		if (checkExprHasSubLink(c->forward))
			c->reads = osc_row_query_reads(list_make1(makeTargetEntry((Expr *) c->forward, 1, NULL, false)), p->rel);
	}
	p->way_back = osc_columns_have_way_back(p->columns);
}

/* ---------------------------------------- what people see */

static OscPlanStep *
describe(OscColumnPlan *p, OscPhase phase, char *command, const char *lock_mode, const char *blocks, char *cost, char *note)
{
	OscPlanStep *step = osc_plan_add(p->plan, phase, "column", command);

	step->lock_mode = lock_mode;
	step->blocks = blocks;
	step->cost = cost;
	step->note = note;
	return step;
}

static char *
column_names(const OscColumnPlan *p, bool of_new)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, p->columns)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(of_new ? ((OscColumn *) lfirst(lc))->new_name : ((OscColumn *) lfirst(lc))->name));
	return buf.data;
}

/* are all columns new ones? */
static bool
only_adds(const OscColumnPlan *p)
{
	return osc_column_is_added(linitial(p->columns));
}

/* the expressions of the user's that fill columns */
static void
describe_expressions(OscColumnPlan *p)
{
	ListCell   *lc,
			   *c;

	foreach(lc, p->part.statement->fills)
	{
		OscFill    *fill = lfirst(lc);
		bool		as_computed = false;

		foreach(c, p->columns)
			if (strcmp(((OscColumn *) lfirst(c))->name, fill->column) == 0)
				as_computed = ((OscColumn *) lfirst(c))->as_computed;
		describe(p, OSC_BACKFILLING, psprintf("compute column %s of %s: %s", quote_identifier(fill->column), p->name,
											  fill->backfill->expression),
				 "ACCESS SHARE on what it reads", "nothing", pstrdup("once for each row, and in each write to one"),
				 as_computed ?
				 pstrdup("in the job owner's name, anew with every write until the swap: what it reads elsewhere is as last computed; a row that comes out otherwise when it is compared stays as it is") :
				 pstrdup("in the job owner's name, anew with every write until the swap"));
	}
}

/* what the old columns are called after the swap */
static char *
old_names(const OscColumnPlan *p)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, p->columns)
	{
		OscColumn  *c = lfirst(lc);

		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier(osc_column_is_rename(c) ? c->final_name : c->old_name));
	}
	return buf.data;
}

/*
 * What subscribers of the table will see, to be put behind a note; "" if it is not
 * published.  A publication with a list of columns does not take up new ones.
 */
static char *
seen_by_subscribers(const OscColumnPlan *p)
{
	OscStore	store;
	OscArgs		args = {0};
	StringInfoData note;
	bool		updates;
	bool		all_columns;

	osc_store_open(&store);
	osc_arg_oid(&args, RelationGetRelid(p->rel));
	(void) osc_sql("SELECT coalesce(bool_or(p.pubupdate), false) AS updates,"
				   " coalesce(bool_or(r.prattrs IS NULL AND (p.pubupdate OR p.pubinsert)), false) AS all_columns"
				   " FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = $1 WHERE EXISTS"
				   " (SELECT 1 FROM pg_get_publication_tables(p.pubname::text) g WHERE g.relid = $1)", &args);
	updates = osc_col_bool(0, "updates");
	all_columns = osc_col_bool(0, "all_columns");
	osc_store_close(&store);
	initStringInfo(&note);
	if (updates || all_columns)
		appendStringInfoString(&note, "; the table is published: a subscriber");
	if (updates)
		appendStringInfoString(&note, " gets each filled row once more, as an update");
	if (all_columns)
		appendStringInfo(&note, "%s stops while its table has no column %s or, after the swap, %s: add both there first",
						 updates ? ", and" : "", column_names(p, true), old_names(p));
	return note.data;
}

static void
describe_beginning(OscColumnPlan *p)
{
	char	   *waits = "waits for its locks as long as online_schema.lock_timeout says, else tries again later";
	StringInfoData note;

	initStringInfo(&note);
	appendStringInfo(&note, "%s; until clean-up SELECT *, COPY without a column list and functions on the row type see one column more,"
					 " at the end, and COPY FROM needs a column list; INSERT without one leaves it out; views do not see it", waits);
	appendStringInfoString(&note, seen_by_subscribers(p));
	describe(p, OSC_PREPARING, psprintf("add column %s to %s, and a trigger that keeps it equal to %s",
										column_names(p, true), p->name,
										only_adds(p) ? "its expression" : column_names(p, false)),
			 "ACCESS EXCLUSIVE", "reads, writes", "milliseconds", note.data);
	describe(p, OSC_BACKFILLING, psprintf("fill column %s of %s in batches, in place", column_names(p, true), p->name),
			 "ROW EXCLUSIVE", "rows of a batch, for writers",
			 psprintf("about %.0f rows", Max(p->rel->rd_rel->reltuples, 0)),
			 psprintf("batches of %d ms; no trigger fires; the table is not rewritten, so event triggers for that do not fire; VACUUM after each tenth of the table; a REPEATABLE READ transaction that updates a row filled since it began fails with SQLSTATE 40001",
					  osc_batch_target_time));
}

static void
describe_end(OscColumnPlan *p)
{
	describe(p, OSC_INDEXING, psprintf("analyze column %s of %s", column_names(p, true), p->name),
			 "SHARE UPDATE EXCLUSIVE", "nothing", "a sample of the table", NULL);
	if (osc_verify)
		describe(p, OSC_VALIDATING, psprintf("compare column %s with %s in all rows of %s", column_names(p, true),
											 only_adds(p) ? "its expression" : column_names(p, false), p->name),
				 "ACCESS SHARE", "nothing", "one scan of the table", NULL);
}

static void
describe_after_swap(OscColumnPlan *p)
{
	if (only_adds(p))
	{
		describe(p, OSC_CLEANING, pstrdup("drop the trigger"), "ACCESS EXCLUSIVE", "reads, writes", "milliseconds", NULL);
		return;
	}
	describe(p, OSC_SWAPPING, psprintf(osc_column_is_rename(linitial(p->columns)) ?
									   "let the trigger keep both names equal, and give the new one grants, comment and options of %s" :
									   "turn the trigger round, and hand over grants, comment, options and identity of %s",
									   column_names(p, false)),
			 "ACCESS EXCLUSIVE", "reads, writes", "milliseconds",
			 "the columns end up last in the table: INSERT and COPY without a column list, and SELECT *, meet another order than before");
	describe(p, OSC_AT_KEPT, pstrdup(osc_column_is_rename(linitial(p->columns)) ? "keep both names until osc_cleanup()" :
											  "keep the old columns until osc_cleanup()"),
			 "none on the table", "nothing", "an assignment per written row",
			 osc_column_is_rename(linitial(p->columns)) ?
			 "both names can be read and written and stay equal; a write that gives them different values fails with SQLSTATE 23514; osc_revert() takes the new name away" :
			 p->way_back ?
			 "the old columns follow the new ones; osc_revert() takes the swap back, unless rows have values that the old type cannot hold" :
			 psprintf("the old columns do not follow the new ones, since %s: osc_revert() is not possible", p->no_way_back));
	describe(p, OSC_CLEANING, pstrdup("drop the old columns and the trigger"),
			 "ACCESS EXCLUSIVE", "reads, writes", "milliseconds", NULL);
}

/* ---------------------------------------- all of it */

/* native's part of the statement that is on none of the columns would be lost: refuse it */
static void
check_constraints_are_ours(const OscColumnPlan *p)
{
	ListCell   *lc;

	foreach(lc, osc_commands_of(list_make1(p->part.statement)))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		bool		ours = true;

		if (cmd->subtype == AT_DropConstraint)
		{
			ListCell   *k;

			ours = osc_find_check(p->before.checks, cmd->name) || osc_find_index(p->before.indexes, cmd->name);
			foreach(k, p->keys)
				ours = ours || strcmp(((OscColumnKey *) lfirst(k))->name, cmd->name) == 0;
		}
		if (!ours)
			osc_refuse_column(psprintf("constraint \"%s\" is on none of the columns whose type changes", cmd->name),
				   "Put what concerns other columns into a job of its own.");
	}
}

/* how many constraints does the statement add, foreign keys apart? */
static int
count_added(const OscColumnPlan *p)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, osc_commands_of(list_make1(p->part.statement)))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		ListCell   *c;

		if (cmd->subtype == AT_AddConstraint &&
			castNode(Constraint, cmd->def)->contype != CONSTR_FOREIGN)
			n++;
		if (cmd->subtype == AT_AddColumn)
			foreach(c, castNode(ColumnDef, cmd->def)->constraints)
				if (lfirst_node(Constraint, c)->contype == CONSTR_CHECK ||
					lfirst_node(Constraint, c)->contype == CONSTR_UNIQUE ||
					lfirst_node(Constraint, c)->contype == CONSTR_PRIMARY)
					n++;
	}
	return n;
}

/* are the constraints that the statement adds all on the columns? */
static void
check_added(const OscColumnPlan *p)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, p->after.checks)
		if (!osc_find_check(p->before.checks, ((OscColumnCheck *) lfirst(lc))->name) ||
			osc_is_dropped(p, ((OscColumnCheck *) lfirst(lc))->name))
			n++;
	foreach(lc, p->after.indexes)
		if (!osc_find_index(p->before.indexes, ((OscColumnIndex *) lfirst(lc))->name) ||
			osc_is_dropped(p, ((OscColumnIndex *) lfirst(lc))->name))
			n++;
	if (n != count_added(p))
		osc_refuse_column("it adds a constraint that is on none of the columns whose type changes",
			   "Put what concerns other columns into a job of its own.");
}

/*
 * Plan the change of a table by strategy column.  The script has been checked
 * by osc_check_column_script(), the statement by osc_classify().
 */
void
osc_plan_columns(OscPlan *plan, OscPlanTable *t)
{
	OscColumnPlan p = {.plan = plan,.table = t};
	OscStatement *s = linitial(t->statements);
	ListCell   *lc;

	p.rel = table_open(t->relid, NoLock);
	p.name = osc_relation_name(t->relid);
	p.part.statement = s;
	p.part.strategy = OSC_COLUMN;
	p.part.rule = "";
	check_table(p.rel);
	if (IsA(s->node, RenameStmt))
		collect_renamed(&p, castNode(RenameStmt, s->node));
	else
		collect_columns(&p, castNode(AlterTableStmt, s->node)->cmds);
	osc_column_set_read(t->relid, p.columns, &p.before);
	osc_rehearse_columns(s, p.columns, &p.after);
	p.keys = osc_column_keys(t->relid, p.columns);
	/* the keys of other tables are made anew: no other job may do that meanwhile */
	foreach(lc, p.keys)
		(void) osc_plan_add_table(plan, ((OscColumnKey *) lfirst(lc))->relid);
	check_constraints_are_ours(&p);
	check_added(&p);
	complete_columns(&p);
	p.added_keys = osc_column_added_keys(&p);
	describe_expressions(&p);
	describe_beginning(&p);
	osc_plan_column_parts(&p);
	describe_end(&p);
	describe_after_swap(&p);
	t->columns = osc_columns_store(p.columns);
	table_close(p.rel, NoLock);
}
