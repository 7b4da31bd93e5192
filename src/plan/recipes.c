/*-------------------------------------------------------------------------
 *
 * recipes.c
 *	  The commands that change a table without a copy.
 *
 * What may take long or fail goes first, each command in a transaction of its
 * own and with one that takes it back: a constraint is added NOT VALID and
 * then validated, an index is built concurrently.  All that changes only the
 * catalog goes into the one short transaction of the swap.  So a job that
 * fails leaves nothing, and nobody waits for a scan.
 *
 * That is sound only if the parts of the script do not depend on their order:
 * see separable.c.
 *
 * Locks: ACCESS SHARE on the relation, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "finish/direct.h"
#include "model/statement.h"
#include "plan/recipes.h"
#include "plan/recipes_tree.h"
#include "plan/rehearse.h"
#include "plan/rules.h"
#include "plan/separable.h"

#define ALTER_TABLE(rel) psprintf("ALTER TABLE %s", osc_relation_name(RelationGetRelid(rel)))

/*
 * Add a row to the plan.
 */
OscPlanStep *
osc_plan_add(OscPlan *plan, OscPhase phase, const char *strategy, char *command)
{
	OscPlanStep *step = palloc0(sizeof(OscPlanStep));

	step->phase = phase;
	step->strategy = strategy;
	step->command = command;
	plan->steps = lappend(plan->steps, step);
	return step;
}

/*
 * Add a row whose command the job runs as it is shown.
 */
OscPlanStep *
osc_plan_run(OscPlan *plan, OscPhase phase, OscStepKind kind, Oid relid,
			 const OscPart *part, char *command, char *undo)
{
	OscPlanStep *step = osc_plan_add(plan, phase, osc_strategy_name(part->strategy), command);
	const OscRule *rule = osc_rule_find(part->rule);
	OscJobStep *run = palloc0(sizeof(OscJobStep));

	run->kind = kind;
	run->phase = phase;
	run->relid = relid;
	run->command = command;
	run->undo = undo;
	step->run = run;
	step->lock_mode = osc_command_lock_mode(command);
	step->blocks = osc_lock_blocks(step->lock_mode);
	step->cost = kind == OSC_STEP_SCAN ? "one scan of the table" :
		kind == OSC_STEP_TOP ? "scans of the table" : "catalog only";
	step->note = rule && rule->note ? pstrdup(rule->note) : NULL;
	if (kind == OSC_STEP_TOP)
		plan->needs_worker = true;
	return step;
}

/* ---------------------------------------- names as native chooses them */

/* column names joined by "_" (indexcmds.c, ChooseIndexNameAddition) */
static char *
joined(List *columns)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "_" : "", strVal(lfirst(lc)));
	if (buf.len >= NAMEDATALEN)
		buf.data[pg_mbcliplen(buf.data, buf.len, NAMEDATALEN - 1)] = '\0';
	return buf.data;
}

static bool
ends_with_name(const char *command, const char *name)
{
	int			start = (int) strlen(command) - (int) strlen(name);

	return start > 0 && strcmp(command + start, name) == 0 &&
		(command[start - 1] == ' ' || command[start - 1] == '.');
}

/*
 * Is the name given already to something that this plan makes?
 */
bool
osc_is_planned(const OscPlan *plan, const char *name)
{
	ListCell   *lc;

	foreach(lc, plan->steps)
	{
		OscPlanStep *step = lfirst(lc);

		if (step->run && step->run->undo &&
			ends_with_name(step->run->undo, quote_identifier(name)))
			return true;
	}
	return false;
}

/*
 * The name of a new constraint on these columns (String): its own, or the one
 * that native would choose.
 */
char *
osc_constraint_name(OscPlan *plan, Relation rel, const Constraint *con, List *columns)
{
	const char *label = con->contype == CONSTR_CHECK ? "check" :
		con->contype == CONSTR_FOREIGN ? "fkey" : con->contype == CONSTR_PRIMARY ? "pkey" : "key";
	Oid			nsp = RelationGetNamespace(rel);
	char	   *addition = con->contype == CONSTR_PRIMARY ? NULL : joined(columns);
	char	   *name;
	char		modlabel[NAMEDATALEN];

	if (con->conname)
		return con->conname;
	if (con->contype == CONSTR_CHECK && list_length(columns) != 1)
		addition = NULL;
	if (con->contype == CONSTR_CHECK || con->contype == CONSTR_FOREIGN)
		name = ChooseConstraintName(RelationGetRelationName(rel), addition, label, nsp, NIL);
	else
		name = ChooseRelationName(RelationGetRelationName(rel), addition, label, nsp, true);
	for (int n = 1; osc_is_planned(plan, name); n++)
	{
		snprintf(modlabel, NAMEDATALEN, "%s%d", label, n);
		name = makeObjectName(RelationGetRelationName(rel), addition, modlabel);
	}
	return name;
}

/* columns (String) that a CHECK names (heap.c, AddRelationNewConstraints) */
static bool
collect_columns(Node *node, List **columns)
{
	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String) &&
		!list_member(*columns, llast(((ColumnRef *) node)->fields)))
		*columns = lappend(*columns, llast(((ColumnRef *) node)->fields));
	return raw_expression_tree_walker(node, collect_columns, columns);
}

/* ---------------------------------------- recipes */

/* NOT VALID, then VALIDATE; definition: the constraint without name and NOT VALID */
static void
plan_constraint(OscPlan *plan, Relation rel, const OscPart *part, const char *name,
				const char *definition)
{
	const char *quoted = quote_identifier(name);
	Oid			relid = RelationGetRelid(rel);

	osc_plan_run(plan, OSC_PREPARING, OSC_STEP_SHORT, relid, part,
				 psprintf("%s ADD CONSTRAINT %s %s NOT VALID", ALTER_TABLE(rel), quoted, definition),
				 psprintf("%s DROP CONSTRAINT %s", ALTER_TABLE(rel), quoted));
	osc_plan_run(plan, OSC_VALIDATING, OSC_STEP_SCAN, relid, part,
				 psprintf("%s VALIDATE CONSTRAINT %s", ALTER_TABLE(rel), quoted), NULL);
}

/* a CHECK that proves a column, for the time of the job; returns its name */
static const char *
plan_not_null_proof(OscPlan *plan, Relation rel, const OscPart *part, const char *column)
{
	char	   *name = ChooseConstraintName(RelationGetRelationName(rel), column, OSC_NOT_NULL_PROOF,
											RelationGetNamespace(rel), NIL);
	bool		children = castNode(AlterTableStmt, part->statement->node)->relation->inh ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	/* NO INHERIT: children of a table that ONLY names may hold NULLs */
	plan_constraint(plan, rel, part, name,
					psprintf("CHECK (%s IS NOT NULL)%s", quote_identifier(column),
							 children ? "" : " NO INHERIT"));
	return name;
}

static void
plan_final(OscPlan *plan, Relation rel, const OscPart *part, char *command)
{
	osc_plan_run(plan, OSC_SWAPPING, OSC_STEP_FINAL, RelationGetRelid(rel), part, command, NULL);
}

/* the same, where it is not done as the rule says */
static void
plan_final_because(OscPlan *plan, Relation rel, const OscPart *part, const char *note)
{
	OscPlanStep *step = osc_plan_run(plan, OSC_SWAPPING, OSC_STEP_FINAL, RelationGetRelid(rel), part,
									 part->statement->text, NULL);

	step->note = pstrdup(note);
}

static void
plan_drop_proof(OscPlan *plan, Relation rel, const OscPart *part, const char *name)
{
	plan_final(plan, rel, part,
			   psprintf("%s DROP CONSTRAINT %s", ALTER_TABLE(rel), quote_identifier(name)));
}

static char *
alter_with(Relation rel, const OscStatement *s, const char *subcommands)
{
	return psprintf("ALTER TABLE %s%s %s",
					castNode(AlterTableStmt, s->node)->relation->inh ? "" : "ONLY ",
					osc_relation_name(RelationGetRelid(rel)), subcommands);
}

static void
plan_set_not_null(OscPlan *plan, Relation rel, const OscPart *part)
{
	const char *column = part->cmd->name;
	const char *proof = plan_not_null_proof(plan, rel, part, column);

	plan_final(plan, rel, part,
			   alter_with(rel, part->statement,
						  psprintf("ALTER COLUMN %s SET NOT NULL", quote_identifier(column))));
	plan_drop_proof(plan, rel, part, proof);
}

/* the part of a constraint's definition behind its column list */
static char *
index_options(const Constraint *con)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	if (con->including)
	{
		appendStringInfoString(&buf, " INCLUDE (");
		foreach(lc, con->including)
			appendStringInfo(&buf, "%s%s", lc == list_head(con->including) ? "" : ", ",
							 quote_identifier(strVal(lfirst(lc))));
		appendStringInfoChar(&buf, ')');
	}
	if (con->nulls_not_distinct)
		appendStringInfoString(&buf, " NULLS NOT DISTINCT");
	if (con->options)
	{
		appendStringInfoString(&buf, " WITH (");
		foreach(lc, con->options)
		{
			DefElem    *opt = lfirst_node(DefElem, lc);

			appendStringInfo(&buf, "%s%s = %s", lc == list_head(con->options) ? "" : ", ",
							 quote_identifier(opt->defname),
							 opt->arg ? quote_literal_cstr(defGetString(opt)) : "true");
		}
		appendStringInfoChar(&buf, ')');
	}
	if (con->indexspace)
		appendStringInfo(&buf, " TABLESPACE %s", quote_identifier(con->indexspace));
	return buf.data;
}

/*
 * A partitioned table's columns become NOT NULL from the parent down, before
 * the leaves get their keys: so the leaves inherit it, as natively, and from
 * 18 on under the parent's name (tablecmds.c, ATExecSetNotNull).  Nothing is
 * scanned, for it is proved.
 */
static void
plan_key_not_null(OscPlan *plan, Relation rel, const OscPart *part, const char *column)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), column);

	if (attnum > 0 && !TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull)
		plan_final(plan, rel, part,
				   alter_with(rel, part->statement,
							  psprintf("ALTER COLUMN %s SET NOT NULL", quote_identifier(column))));
}

/* UNIQUE or PRIMARY KEY by an index that is built concurrently */
static void
plan_key(OscPlan *plan, Relation rel, const OscPart *part, const Constraint *con, List *columns)
{
	bool		partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	const char *name = quote_identifier(osc_constraint_name(plan, rel, con, columns));
	StringInfoData list;
	List	   *proofs = NIL;
	Oid			relid = RelationGetRelid(rel);
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, columns)
	{
		const char *column = strVal(lfirst(lc));

		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", quote_identifier(column));
		if (con->contype == CONSTR_PRIMARY && !osc_not_null_is_proved(rel, column))
			proofs = lappend(proofs, unconstify(char *, plan_not_null_proof(plan, rel, part, column)));
	}
	if (partitioned && con->contype == CONSTR_PRIMARY)
		foreach(lc, columns)
			plan_key_not_null(plan, rel, part, strVal(lfirst(lc)));
	if (partitioned)
		osc_plan_tree_key(plan, rel, part);
	else
	{
		osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP, relid, part,
					 psprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)%s", name,
							  osc_relation_name(relid), list.data, index_options(con)),
					 psprintf("DROP INDEX CONCURRENTLY %s.%s",
							  quote_identifier(get_namespace_name(RelationGetNamespace(rel))), name));
		plan_final(plan, rel, part,
				   psprintf("%s ADD CONSTRAINT %s %s USING INDEX %s%s%s", ALTER_TABLE(rel), name,
							con->contype == CONSTR_PRIMARY ? "PRIMARY KEY" : "UNIQUE", name,
							con->deferrable ? " DEFERRABLE" : "",
							con->initdeferred ? " INITIALLY DEFERRED" : ""));
	}
	foreach(lc, proofs)
		plan_drop_proof(plan, rel, part, lfirst(lc));
}

/* the text of a constraint, from its first keyword on, without its name */
static char *
definition_text(const OscPart *part, const char *keyword)
{
	OscStatement s = *part->statement;

	s.text = osc_slice_text(part->statement, part->slice);
	return osc_text_from_keyword(&s, keyword);
}

static void
plan_added_constraint(OscPlan *plan, Relation rel, const OscPart *part)
{
	Constraint *con = castNode(Constraint, part->cmd->def);
	List	   *columns = NIL;

	switch (con->contype)
	{
		case CONSTR_CHECK:
			(void) collect_columns(con->raw_expr, &columns);
			plan_constraint(plan, rel, part, osc_constraint_name(plan, rel, con, columns),
							definition_text(part, "check"));
			break;
		case CONSTR_FOREIGN:
			if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
			{
				osc_plan_tree_foreign_key(plan, rel, part, definition_text(part, "foreign"));
				break;
			}
			plan_constraint(plan, rel, part, osc_constraint_name(plan, rel, con, con->fk_attrs),
							definition_text(part, "foreign"));
			break;
		case CONSTR_UNIQUE:
			plan_key(plan, rel, part, con, con->keys);
			break;
		default:
			/* a primary key by an index that is there, on columns without NOT NULL */
			if (con->indexname)
			{
				List	   *proofs = NIL;
				ListCell   *lc;

				foreach(lc, osc_index_columns(rel, con->indexname))
					if (!osc_not_null_is_proved(rel, strVal(lfirst(lc))))
						proofs = lappend(proofs, unconstify(char *, plan_not_null_proof(plan, rel, part, strVal(lfirst(lc)))));
				plan_final(plan, rel, part, psprintf("%s %s", ALTER_TABLE(rel),
													 osc_slice_text(part->statement, part->slice)));
				foreach(lc, proofs)
					plan_drop_proof(plan, rel, part, lfirst(lc));
			}
			else
				plan_key(plan, rel, part, con, con->keys);
			break;
	}
}

/* is this kind of column constraint one that a recipe makes apart? */
static bool
is_made_apart(const Constraint *con, bool has_default)
{
	return con->contype == CONSTR_CHECK || con->contype == CONSTR_UNIQUE ||
		con->contype == CONSTR_PRIMARY || (con->contype == CONSTR_FOREIGN && has_default);
}

/* what says more of the constraint before it */
static bool
is_attribute(const Constraint *con)
{
	return con->contype == CONSTR_ATTR_DEFERRABLE || con->contype == CONSTR_ATTR_NOT_DEFERRABLE ||
		con->contype == CONSTR_ATTR_DEFERRED || con->contype == CONSTR_ATTR_IMMEDIATE;
}

/* are the CHECKs of a new column on nothing but the column? */
static bool
uses_only_itself(const ColumnDef *def)
{
	List	   *columns = list_make1(makeString(def->colname));
	ListCell   *lc;

	foreach(lc, def->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_CHECK)
			(void) collect_columns(lfirst_node(Constraint, lc)->raw_expr, &columns);
	return list_length(columns) == 1;
}

/*
 * A new column with constraints that need a scan or an index: the column
 * first, without them.
 */
static void
plan_new_column(OscPlan *plan, Relation rel, const OscPart *part)
{
	ColumnDef  *def = castNode(ColumnDef, part->cmd->def);
	StringInfoData base;
	int			end = part->slice.end;
	bool		has_default = osc_column_has_default(def);
	List	   *columns = list_make1(makeString(def->colname));
	OscPart		column = *part;

	if (uses_only_itself(def))
		osc_rehearse_new_column(rel, part->statement, part->cmd);
	initStringInfo(&base);
	for (int i = list_length(def->constraints) - 1; i >= 0; i--)
	{
		Constraint *con = list_nth_node(Constraint, def->constraints, i);
		int			first = i;

		while (first > 0 && is_attribute(list_nth_node(Constraint, def->constraints, first)))
			first--;
		con = list_nth_node(Constraint, def->constraints, first);
		if (!is_made_apart(con, has_default))
		{
			OscSlice	kept = {con->location, end};
			char	   *before = base.data;

			initStringInfo(&base);
			appendStringInfo(&base, " %s%s", osc_slice_text(part->statement, kept), before);
		}
		end = con->location;
		i = first;
	}
	column.strategy = OSC_INSTANT;
	column.rule = has_default ? "add-column-default" : "add-column";
	osc_plan_run(plan, OSC_PREPARING, OSC_STEP_SHORT, RelationGetRelid(rel), &column,
				 psprintf("%s %s%s", ALTER_TABLE(rel),
						  osc_slice_text(part->statement, (OscSlice) {part->slice.start, end}), base.data),
				 psprintf("%s DROP COLUMN %s", ALTER_TABLE(rel), quote_identifier(def->colname)));
	for (int i = 0; i < list_length(def->constraints); i++)
	{
		Constraint *con = copyObject(list_nth_node(Constraint, def->constraints, i));
		OscPart		one = *part;
		int			next = i + 1;

		if (!is_made_apart(con, has_default))
			continue;
		while (next < list_length(def->constraints) &&
			   is_attribute(list_nth_node(Constraint, def->constraints, next)))
		{
			ConstrType	type = list_nth_node(Constraint, def->constraints, next++)->contype;

			con->deferrable = con->deferrable || type == CONSTR_ATTR_DEFERRABLE || type == CONSTR_ATTR_DEFERRED;
			con->initdeferred = con->initdeferred || type == CONSTR_ATTR_DEFERRED;
		}
		one.slice.start = con->location;
		one.slice.end = next < list_length(def->constraints) ?
			list_nth_node(Constraint, def->constraints, next)->location : part->slice.end;
		one.strategy = con->contype == CONSTR_UNIQUE || con->contype == CONSTR_PRIMARY ?
			OSC_INDEX : OSC_CONSTRAINT;
		if (one.strategy == OSC_INDEX)
			plan_key(plan, rel, &one, con, columns);
		else if (con->contype == CONSTR_CHECK)
			plan_constraint(plan, rel, &one, osc_constraint_name(plan, rel, con, columns),
							definition_text(&one, "check"));
		else
			plan_constraint(plan, rel, &one, osc_constraint_name(plan, rel, con, columns),
							psprintf("FOREIGN KEY (%s) %s", quote_identifier(def->colname),
									 definition_text(&one, "references")));
	}
}

/* DETACH PARTITION ... CONCURRENTLY, which takes two transactions of its own */
static bool
is_detached_concurrently(const OscStatement *s)
{
	AlterTableCmd *cmd = linitial_node(AlterTableCmd, castNode(AlterTableStmt, s->node)->cmds);

	return cmd->subtype == AT_DetachPartition && castNode(PartitionCmd, cmd->def)->concurrent;
}

/* parts: of this statement; all: of the table, in the whole script */
static void
plan_alter_table(OscPlan *plan, Relation rel, List *parts, List *all)
{
	OscStatement *s = ((OscPart *) linitial(parts))->statement;
	StringInfoData together;
	OscPart    *first = NULL;
	bool		whole = true;
	ListCell   *lc;

	foreach(lc, parts)
		whole = whole && ((OscPart *) lfirst(lc))->strategy == OSC_INSTANT &&
			!osc_is_needed_first(lfirst(lc), all);
	if (whole && is_detached_concurrently(s))
	{
		osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP, RelationGetRelid(rel), linitial(parts), s->text, NULL);
		return;
	}
	if (whole)
	{
		plan_final(plan, rel, linitial(parts), s->text);
		return;
	}
	initStringInfo(&together);
	foreach(lc, parts)
	{
		OscPart    *part = lfirst(lc);

		if (part->strategy == OSC_INSTANT && !osc_is_needed_first(part, all))
		{
			first = first ? first : part;
			appendStringInfo(&together, "%s%s", together.len > 0 ? ", " : "",
							 osc_slice_text(s, part->slice));
			continue;
		}
		if (part->strategy == OSC_INSTANT)
			osc_plan_run(plan, OSC_PREPARING, OSC_STEP_SHORT, RelationGetRelid(rel), part,
						 alter_with(rel, s, osc_slice_text(s, part->slice)),
						 psprintf("%s DROP COLUMN %s", ALTER_TABLE(rel),
								  quote_identifier(castNode(ColumnDef, part->cmd->def)->colname)));
		else if (part->cmd->subtype == AT_AddColumn)
			plan_new_column(plan, rel, part);
		else if (part->cmd->subtype == AT_SetNotNull)
			plan_set_not_null(plan, rel, part);
		else if (part->cmd->subtype == AT_AttachPartition)
			osc_plan_attach(plan, rel, part);
		else if (part->cmd->subtype == AT_ValidateConstraint)
			osc_plan_run(plan, OSC_VALIDATING, OSC_STEP_SCAN, RelationGetRelid(rel), part,
						 alter_with(rel, s, osc_slice_text(s, part->slice)), NULL);
		else
			plan_added_constraint(plan, rel, part);
	}
	if (first)
		plan_final(plan, rel, first, alter_with(rel, s, together.data));
}

static void
plan_create_index(OscPlan *plan, Relation rel, const OscPart *part)
{
	IndexStmt  *index = castNode(IndexStmt, part->statement->node);
	char	   *nspname = get_namespace_name(RelationGetNamespace(rel));
	char	   *name = index->idxname;

	bool		partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	if (partitioned && !index->relation->inh)
	{
		plan_final_because(plan, rel, part, "catalog only: the partitioned table has no rows of its own");
		return;
	}
	if (index->if_not_exists && OidIsValid(get_relname_relid(name, RelationGetNamespace(rel))))
	{
		plan_final_because(plan, rel, part, "nothing is built: there is a relation of that name");
		return;
	}
	if (partitioned)
	{
		osc_plan_tree_index(plan, part);
		return;
	}
	if (name == NULL)
		name = osc_rehearsal_index_name(rel, part->statement);
	osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP, RelationGetRelid(rel), part,
				 psprintf("CREATE %sINDEX CONCURRENTLY %s %s", index->unique ? "UNIQUE " : "",
						  quote_identifier(name), osc_text_from_keyword(part->statement, "on")),
				 psprintf("DROP INDEX CONCURRENTLY %s.%s", quote_identifier(nspname),
						  quote_identifier(name)));
}

/* with CONCURRENTLY put in, where it does not stand yet */
static void
plan_reindex(OscPlan *plan, Relation rel, const OscPart *part)
{
	ReindexStmt *stmt = castNode(ReindexStmt, part->statement->node);
	StringInfoData options;
	ListCell   *lc;

	initStringInfo(&options);
	foreach(lc, stmt->params)
	{
		DefElem    *opt = lfirst_node(DefElem, lc);

		if (strcmp(opt->defname, "concurrently") != 0)
			appendStringInfo(&options, "%s%s%s%s", options.len > 0 ? ", " : "(", opt->defname,
							 opt->arg ? " " : "", opt->arg ? quote_identifier(defGetString(opt)) : "");
	}
	if (options.len > 0)
		appendStringInfoString(&options, ") ");
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		osc_plan_tree_reindex(plan, rel, part, options.data);
		return;
	}
	osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP, RelationGetRelid(rel), part,
				 psprintf("REINDEX %s%s CONCURRENTLY %s", options.data,
						  stmt->kind == REINDEX_OBJECT_TABLE ? "TABLE" : "INDEX",
						  stmt->relation->schemaname ?
						  quote_qualified_identifier(stmt->relation->schemaname, stmt->relation->relname) :
						  quote_identifier(stmt->relation->relname)),
				 NULL);
}

/*
 * Add the commands of one statement to the plan.  parts (OscPart *) are those
 * of the statement, all those of its table in the whole script; alone: the
 * script has no other statement.
 */
void
osc_plan_statement(OscPlan *plan, Relation rel, List *parts, List *all, bool alone)
{
	OscPart    *part = linitial(parts);
	DropStmt   *drop;

	switch (nodeTag(part->statement->node))
	{
		case T_AlterTableStmt:
			plan_alter_table(plan, rel, parts, all);
			break;
		case T_IndexStmt:
			plan_create_index(plan, rel, part);
			break;
		case T_ReindexStmt:
			plan_reindex(plan, rel, part);
			break;
		case T_DropStmt:
			drop = castNode(DropStmt, part->statement->node);
			if (alone && drop->behavior == DROP_RESTRICT && rel->rd_rel->relkind == RELKIND_RELATION)
				osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP, RelationGetRelid(rel), part,
							 psprintf("DROP INDEX CONCURRENTLY %s%s", drop->missing_ok ? "IF EXISTS " : "",
									  NameListToQuotedString(linitial_node(List, drop->objects))),
							 NULL);
			else
				plan_final_because(plan, rel, part, "dropped in the swap: among other statements, with CASCADE"
								   " or on a partitioned table it cannot be dropped concurrently");
			break;
		default:
			plan_final(plan, rel, part, part->statement->text);
			break;
	}
}
