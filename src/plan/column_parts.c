/*-------------------------------------------------------------------------
 *
 * column_parts.c
 *	  Strategy column: what happens to the indexes, constraints, sequences and
 *	  statistics of a column.
 *
 * What needs a scan or a build is done before the swap, each command in a
 * transaction of its own: the indexes that use the column are built anew on the
 * new one, concurrently; its CHECK constraints and foreign keys are added NOT
 * VALID and validated.  The commands of the swap change names and the catalog
 * only.  They stand in three groups, so that each knows the command that takes
 * it back, run in the opposite order:
 *
 *	1. what the old column loses, under the names of before;
 *	2. the two columns change their names;
 *	3. what the new column gets, under the names of before.
 *
 * So the definitions of group 1 are true again when group 2 has been taken
 * back.  Constraints come back NOT VALID, and are validated afterwards.
 *
 * The way back needs for each unique constraint an index on the old column that
 * outlives it: it is built before the swap, too.  Whether there is a way back at
 * all is in column_back.c.
 *
 * Locks: ACCESS SHARE on the table, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"
#include "finish/direct.h"
#include "mirror/two_names.h"
#include "model/mapping.h"
#include "plan/column_plan.h"
#include "plan/recipes.h"

/* ---------------------------------------- small things */

static char *
helper_name(OscColumnPlan *p, const char *prefix)
{
	char	   *name;

	do
		name = psprintf("%s_%u_%d", prefix, RelationGetRelid(p->rel), ++p->n);
	while (OidIsValid(get_relname_relid(name, RelationGetNamespace(p->rel))));
	return name;
}

static char *
in_schema(const OscColumnPlan *p, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(p->rel)), name);
}

/*
 * Add a command of the swap, of group 1 or 2, and the one that takes it back.
 */
void
osc_column_at_swap(OscColumnPlan *p, Oid relid, char *command, char *undo)
{
	(void) osc_plan_run(p->plan, OSC_SWAPPING, OSC_STEP_FINAL, relid, &p->part, command,
						p->way_back ? undo : NULL);
}

/*
 * Add a command of group 3.
 */
void
osc_column_at_swap_late(OscColumnPlan *p, Oid relid, char *command, char *undo)
{
	OscLateCommand *late = palloc(sizeof(OscLateCommand));

	late->relid = relid;
	late->command = command;
	late->undo = undo;
	p->late = lappend(p->late, late);
}

static char *
alter(const OscColumnPlan *p, const char *what)
{
	return psprintf("ALTER TABLE %s %s", p->name, what);
}

static char *
alter_column(const OscColumnPlan *p, const char *column, const char *what)
{
	return psprintf("ALTER TABLE %s ALTER COLUMN %s %s", p->name, quote_identifier(column), what);
}

static char *
rename_column(const OscColumnPlan *p, const char *from, const char *to)
{
	return alter(p, psprintf("RENAME COLUMN %s TO %s", quote_identifier(from), quote_identifier(to)));
}

static char *
not_valid(const char *definition)
{
	return strstr(definition, " NOT VALID") ? pstrdup(definition) : psprintf("%s NOT VALID", definition);
}

static void
comment_on(OscColumnPlan *p, const char *object, const char *comment)
{
	if (comment)
		osc_column_at_swap_late(p, RelationGetRelid(p->rel),
					 psprintf("COMMENT ON %s IS %s", object, quote_literal_cstr(comment)),
					 psprintf("COMMENT ON %s IS NULL", object));
}

/* in group 1: undone when the constraint is there again */
static void
uncomment(OscColumnPlan *p, Oid relid, const char *name, const char *comment)
{
	char	   *object = psprintf("CONSTRAINT %s ON %s", quote_identifier(name), osc_relation_name(relid));

	if (comment)
		osc_column_at_swap(p, relid, psprintf("COMMENT ON %s IS NULL", object),
				psprintf("COMMENT ON %s IS %s", object, quote_literal_cstr(comment)));
}

/*
 * Do the sub-commands drop a constraint of this name?
 */
bool
osc_is_dropped(const OscColumnPlan *p, const char *name)
{
	ListCell   *lc;

	foreach(lc, osc_commands_of(list_make1(p->part.statement)))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DropConstraint && strcmp(cmd->name, name) == 0)
			return true;
	}
	return false;
}

/* ---------------------------------------- constraints */

/*
 * The constraint of that name, or NULL.
 */
OscColumnCheck *
osc_find_check(List *checks, const char *name)
{
	ListCell   *lc;

	foreach(lc, checks)
		if (strcmp(((OscColumnCheck *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	return NULL;
}

/* the CHECK constraints of the new columns */
static void
plan_checks(OscColumnPlan *p)
{
	Oid			relid = RelationGetRelid(p->rel);
	ListCell   *lc;

	foreach(lc, p->after.checks)
	{
		OscColumnCheck *check = lfirst(lc);
		OscColumnCheck *old = osc_find_check(p->before.checks, check->name);
		/* behind those of the user's in the order in which they are looked at */
		char	   *helper = old || !check->valid ? helper_name(p, "~osc_new") : check->name;
		char	   *drop = alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(check->name)));

		(void) osc_plan_run(p->plan, OSC_VALIDATING, OSC_STEP_SHORT, relid, &p->part,
							alter(p, psprintf("ADD CONSTRAINT %s %s", quote_identifier(helper), not_valid(check->definition))),
							alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(helper))));
		if (check->valid)
			(void) osc_plan_run(p->plan, OSC_VALIDATING, OSC_STEP_SCAN, relid, &p->part,
								alter(p, psprintf("VALIDATE CONSTRAINT %s", quote_identifier(helper))), NULL);
		if (helper != check->name)
			osc_column_at_swap_late(p, relid,
						 alter(p, psprintf("RENAME CONSTRAINT %s TO %s", quote_identifier(helper),
										   quote_identifier(check->name))), drop);
		else
			/* it has its name, and is valid: only the way back has something to do */
			osc_column_at_swap_late(p, relid, alter(p, psprintf("VALIDATE CONSTRAINT %s", quote_identifier(check->name))), drop);
		if (old)
			comment_on(p, psprintf("CONSTRAINT %s ON %s", quote_identifier(check->name), p->name), old->comment);
	}
	foreach(lc, p->before.checks)
	{
		OscColumnCheck *check = lfirst(lc);

		uncomment(p, relid, check->name, check->comment);
		osc_column_at_swap(p, relid, alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(check->name))),
				alter(p, psprintf("ADD CONSTRAINT %s %s", quote_identifier(check->name), not_valid(check->definition))));
		if (check->valid)
			osc_validate_after_revert(p, relid, check->name);
	}
}

static void
check_foreign_key(const OscColumnPlan *p, const OscColumnKey *key)
{
	if (get_rel_relkind(key->relid) != RELKIND_RELATION)
		osc_refuse_column(psprintf("foreign key \"%s\" is one of a partitioned table", key->name), OSC_USE_COPY);
	if (!osc_owns_relation(key->relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", get_rel_name(key->relid)),
				 errdetail("Its foreign key \"%s\" refers to a column that changes.", key->name),
				 errhint("Let a role that owns both tables start the job, or use strategy \"copy\".")));
}

/* the foreign keys of and to the old columns go: before the keys that they need */
static void
plan_old_foreign_keys(OscColumnPlan *p)
{
	ListCell   *lc;

	foreach(lc, p->keys)
	{
		OscColumnKey *key = lfirst(lc);
		char	   *table = osc_relation_name(key->relid);

		check_foreign_key(p, key);
		uncomment(p, key->relid, key->name, key->comment);
		osc_column_at_swap(p, key->relid, psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table, quote_identifier(key->name)),
				psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", table, quote_identifier(key->name), not_valid(key->definition)));
		if (key->valid)
			osc_validate_after_revert(p, key->relid, key->name);
	}
}

/* the same on the new columns: behind the keys that they need */
static void
plan_new_foreign_keys(OscColumnPlan *p)
{
	ListCell   *lc;

	foreach(lc, p->keys)
	{
		OscColumnKey *key = lfirst(lc);
		char	   *helper = helper_name(p, "osc_new");
		char	   *table = osc_relation_name(key->relid);

		if (key->relid == RelationGetRelid(p->rel) && osc_is_dropped(p, key->name))
			continue;
		(void) osc_plan_run(p->plan, OSC_VALIDATING, OSC_STEP_SHORT, key->relid, &p->part,
							psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", table,
									 quote_identifier(helper), key->new_definition),
							psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table, quote_identifier(helper)));
		if (key->valid)
			(void) osc_plan_run(p->plan, OSC_VALIDATING, OSC_STEP_SCAN, key->relid, &p->part,
								psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", table, quote_identifier(helper)), NULL);
		osc_column_at_swap_late(p, key->relid,
					 psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", table, quote_identifier(helper),
							  quote_identifier(key->name)),
					 psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table, quote_identifier(key->name)));
		if (key->comment)
			osc_column_at_swap_late(p, key->relid,
						 psprintf("COMMENT ON CONSTRAINT %s ON %s IS %s", quote_identifier(key->name), table,
								  quote_literal_cstr(key->comment)),
						 psprintf("COMMENT ON CONSTRAINT %s ON %s IS NULL", quote_identifier(key->name), table));
	}
}

/*
 * Those that the statement adds.  One that is proved has its name at once, as a
 * CHECK (see plan_checks()).
 */
static void
plan_added_foreign_keys(OscColumnPlan *p)
{
	Oid			relid = RelationGetRelid(p->rel);
	ListCell   *lc;

	foreach(lc, p->added_keys)
	{
		OscColumnKey *key = lfirst(lc);
		bool		later = !key->valid || ConstraintNameIsUsed(CONSTRAINT_RELATION, relid, key->name);
		char	   *helper = later ? helper_name(p, "osc_new") : key->name;
		char	   *drop = alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(helper)));

		(void) osc_plan_run(p->plan, OSC_VALIDATING, OSC_STEP_SHORT, relid, &p->part,
							alter(p, psprintf("ADD CONSTRAINT %s %s NOT VALID", quote_identifier(helper), key->new_definition)), drop);
		if (key->valid)
			(void) osc_plan_run(p->plan, OSC_VALIDATING, OSC_STEP_SCAN, relid, &p->part,
								alter(p, psprintf("VALIDATE CONSTRAINT %s", quote_identifier(helper))), NULL);
		osc_column_at_swap_late(p, relid, later ?
								alter(p, psprintf("RENAME CONSTRAINT %s TO %s", quote_identifier(helper), quote_identifier(key->name))) :
								alter(p, psprintf("VALIDATE CONSTRAINT %s", quote_identifier(helper))),
								alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(key->name))));
	}
}

/* ---------------------------------------- indexes */

/*
 * The index of that name, or NULL.
 */
OscColumnIndex *
osc_find_index(List *indexes, const char *name)
{
	ListCell   *lc;

	foreach(lc, indexes)
		if (strcmp(((OscColumnIndex *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	return NULL;
}

static OscPlanStep *
build_index(OscColumnPlan *p, const OscColumnIndex *x, const char *name)
{
	return osc_plan_run(p->plan, OSC_INDEXING, OSC_STEP_TOP, RelationGetRelid(p->rel), &p->part,
						psprintf("CREATE %sINDEX CONCURRENTLY %s ON %s %s", x->unique ? "UNIQUE " : "",
								 quote_identifier(name), p->name, x->tail),
						psprintf("DROP INDEX CONCURRENTLY %s", in_schema(p, name)));
}

static char *
add_constraint_by_index(const OscColumnPlan *p, const OscColumnIndex *x, const char *index)
{
	return alter(p, psprintf("ADD CONSTRAINT %s %s USING INDEX %s%s%s", quote_identifier(x->name),
							 x->contype == 'p' ? "PRIMARY KEY" : "UNIQUE", quote_identifier(index),
							 x->deferrable ? " DEFERRABLE" : "", x->deferred ? " INITIALLY DEFERRED" : ""));
}

static char *
rename_index(const OscColumnPlan *p, const char *from, const char *to)
{
	return psprintf("ALTER INDEX %s RENAME TO %s", in_schema(p, from), quote_identifier(to));
}

/*
 * What an old index loses, in group 1.  Returns the name of another index like
 * it that the way back needs, and that is to be built; NULL if none is.
 */
static char *
plan_old_index(OscColumnPlan *p, const OscColumnIndex *x)
{
	Oid			relid = RelationGetRelid(p->rel);
	char	   *helper = helper_name(p, "osc_old");

	if (x->contype)
	{
		uncomment(p, relid, x->name, x->constraint_comment);
		osc_column_at_swap(p, relid, alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(x->name))),
				add_constraint_by_index(p, x, helper));
		return p->way_back ? helper : NULL;
	}

	/*
	 * Where both names stay in use, so do both unique indexes; a violation is
	 * told of the one that was made first, which must be the one with the
	 * user's name.
	 */
	if (x->unique && osc_column_is_rename(linitial(p->columns)))
	{
		osc_column_at_swap(p, relid, psprintf("DROP INDEX %s", in_schema(p, x->name)), rename_index(p, helper, x->name));
		return helper;
	}
	if (p->way_back)
		osc_column_at_swap(p, relid, rename_index(p, x->name, helper), rename_index(p, helper, x->name));
	else
		osc_column_at_swap(p, relid, psprintf("DROP INDEX %s", in_schema(p, x->name)), NULL);
	return NULL;
}

/* have different old values different new ones? */
static bool
keeps_values_apart(const OscColumnPlan *p)
{
	ListCell   *lc;

	foreach(lc, p->columns)
	{
		OscColumn  *c = lfirst(lc);
		FormData_pg_attribute to = {0};

		to.atttypid = exprType(c->forward);
		to.atttypmod = exprTypmod(c->forward);
		to.attcollation = exprCollation(c->forward);
		if (osc_column_is_added(c) ||
			!osc_is_injective((Expr *) c->forward, TupleDescAttr(RelationGetDescr(p->rel), c->old_att - 1), &to))
			return false;
	}
	return true;
}

/* an index on the new columns, and what it gets in group 3 */
static void
plan_new_index(OscColumnPlan *p, const OscColumnIndex *x, const OscColumnIndex *old)
{
	Oid			relid = RelationGetRelid(p->rel);
	char	   *helper = old || OidIsValid(get_relname_relid(x->name, RelationGetNamespace(p->rel))) ?
	helper_name(p, "osc_new") : x->name;
	OscPlanStep *step;

	step = build_index(p, x, helper);
	if (x->unique && !(old && old->unique && keeps_values_apart(p)))
		step->note = pstrdup("from here to the swap, a write whose new value the index has already fails with SQLSTATE 23505, also where its old value is unique");
	if (x->contype)
		osc_column_at_swap_late(p, relid, add_constraint_by_index(p, x, helper),
					 alter(p, psprintf("DROP CONSTRAINT %s", quote_identifier(x->name))));
	else
		osc_column_at_swap_late(p, relid, rename_index(p, helper, x->name), rename_index(p, x->name, helper));
	if (old == NULL)
		return;
	/* native rebuilds the index of a column whose type changes, and leaves its targets behind */
	if (osc_column_is_rename(linitial(p->columns)))
		osc_plan_index_targets(p, x->name);
	comment_on(p, psprintf("INDEX %s", in_schema(p, x->name)), old->comment);
	if (x->contype)
		comment_on(p, psprintf("CONSTRAINT %s ON %s", quote_identifier(x->name), p->name), old->constraint_comment);
	if (old->replica_identity)
		osc_column_at_swap_late(p, relid, alter(p, psprintf("REPLICA IDENTITY USING INDEX %s", quote_identifier(x->name))),
					 alter(p, "REPLICA IDENTITY DEFAULT"));
	if (old->clustered)
		osc_column_at_swap_late(p, relid, alter(p, psprintf("CLUSTER ON %s", quote_identifier(x->name))),
					 alter(p, "SET WITHOUT CLUSTER"));
}

/* marks on the table that would keep an old index from being changed */
static void
plan_index_marks(OscColumnPlan *p)
{
	ListCell   *lc;

	foreach(lc, p->before.indexes)
	{
		OscColumnIndex *x = lfirst(lc);

		if (x->replica_identity)
			osc_column_at_swap(p, RelationGetRelid(p->rel), alter(p, "REPLICA IDENTITY DEFAULT"),
					alter(p, psprintf("REPLICA IDENTITY USING INDEX %s", quote_identifier(x->name))));
		if (x->clustered)
			osc_column_at_swap(p, RelationGetRelid(p->rel), alter(p, "SET WITHOUT CLUSTER"),
					alter(p, psprintf("CLUSTER ON %s", quote_identifier(x->name))));
	}
}

static void
plan_indexes(OscColumnPlan *p)
{
	List	   *helpers = NIL;
	ListCell   *lc,
			   *h;

	foreach(lc, p->before.indexes)
		helpers = lappend(helpers, plan_old_index(p, lfirst(lc)));
	foreach(lc, p->after.indexes)
		plan_new_index(p, lfirst(lc), osc_find_index(p->before.indexes, ((OscColumnIndex *) lfirst(lc))->name));
	forboth(lc, p->before.indexes, h, helpers)
		if (lfirst(h))
			(void) build_index(p, lfirst(lc), lfirst(h));
}

/* ---------------------------------------- what else a column has */

/*
 * The default of a value that has two names must count once, and only where
 * neither name is given: what tells the mirror trigger that a default was taken
 * is a function around it (mirror/mirror.c, osc_default).
 */
static char *
marked_default(const OscColumnPlan *p, const OscColumn *c, const char *expr, AttrNumber attnum)
{
	return psprintf("SET DEFAULT %s.osc_default((%s)::%s, %u::oid, %d)", quote_identifier(osc_function_schema()),
					expr, c->definition, RelationGetRelid(p->rel), attnum);
}

/* the default of a column with two names: on both until clean-up */
static void
plan_shared_default(OscColumnPlan *p, const OscColumn *c, const char *expr)
{
	Oid			relid = RelationGetRelid(p->rel);
	OscPlanStep *step;

	osc_require_default_callable();
	osc_column_at_swap(p, relid, alter_column(p, c->name, marked_default(p, c, "NULL", c->old_att)),
			alter_column(p, c->name, psprintf("SET DEFAULT %s", expr)));
	osc_column_at_swap_late(p, relid, alter_column(p, c->final_name, marked_default(p, c, expr, c->new_att)),
				 alter_column(p, c->final_name, "DROP DEFAULT"));
	step = osc_plan_run(p->plan, OSC_CLEANING, OSC_STEP_SHORT, relid, &p->part,
						alter_column(p, c->final_name, psprintf("SET DEFAULT %s", expr)), NULL);
	step->note = pstrdup("together with the drop of the old column");
}

/* default and NOT NULL of one column */
static void
plan_column_state(OscColumnPlan *p, const OscColumn *c, const OscColumnState *before, const OscColumnState *after)
{
	Oid			relid = RelationGetRelid(p->rel);

	if (osc_column_is_rename(c) && before->default_expr)
		plan_shared_default(p, c, before->default_expr);
	else if (before->default_expr)
		osc_column_at_swap(p, relid, alter_column(p, c->name, "DROP DEFAULT"),
				alter_column(p, c->name, psprintf("SET DEFAULT %s", before->default_expr)));
	if (before->not_null)
	{
		/* what the new column may be is no proof for the old one: then it is proved afterwards */
		osc_column_at_swap(p, relid, alter_column(p, c->name, "DROP NOT NULL"),
						   after->not_null ? alter_column(p, c->name, "SET NOT NULL") : NULL);
		if (!after->not_null)
			osc_not_null_after_revert(p, c);
	}
	if (after->default_expr && !osc_column_is_rename(c))
		osc_column_at_swap_late(p, relid, alter_column(p, c->final_name, psprintf("SET DEFAULT %s", after->default_expr)),
					 alter_column(p, c->final_name, "DROP DEFAULT"));
	osc_plan_column_sequences(p, c);
}

/*
 * NOT NULL of the new columns.  It is set at the swap without a scan: the fill,
 * the mirror and the comparison note each row that they leave without a value
 * (mirror/notes.c), and the swap is refused while there is one.  A constraint
 * that says so before the swap would fail writes that are right as yet.
 */
static void
plan_not_null(OscColumnPlan *p)
{
	ListCell   *lc,
			   *a;

	forboth(lc, p->columns, a, p->after.states)
	{
		OscColumn  *c = lfirst(lc);

		/* before the keys of group 3, which want it */
		c->not_null = ((OscColumnState *) lfirst(a))->not_null;
		if (c->not_null)
			osc_column_at_swap_late(p, RelationGetRelid(p->rel), alter_column(p, c->final_name, "SET NOT NULL"),
						 alter_column(p, c->final_name, "DROP NOT NULL"));
	}
}

/*
 * Plan what happens to all that the columns have: the commands before the swap
 * and those of its three groups.
 */
void
osc_plan_column_parts(OscColumnPlan *p)
{
	Oid			relid = RelationGetRelid(p->rel);
	ListCell   *lc,
			   *b,
			   *a;

	osc_check_way_back(p);
	plan_index_marks(p);
	osc_plan_column_statistics(p);
	plan_old_foreign_keys(p);
	plan_not_null(p);
	plan_indexes(p);
	plan_new_foreign_keys(p);
	plan_added_foreign_keys(p);
	plan_checks(p);
	forthree(lc, p->columns, b, p->before.states, a, p->after.states)
		plan_column_state(p, lfirst(lc), lfirst(b), lfirst(a));
	foreach(lc, p->columns)
	{
		OscColumn  *c = lfirst(lc);

		if (!osc_column_is_rename(c) && !osc_column_is_added(c))
			osc_column_at_swap(p, relid, rename_column(p, c->name, c->old_name), rename_column(p, c->old_name, c->name));
		osc_column_at_swap(p, relid, rename_column(p, c->new_name, c->final_name), rename_column(p, c->final_name, c->new_name));
	}
	foreach(lc, p->late)
	{
		OscLateCommand *late = lfirst(lc);

		osc_column_at_swap(p, late->relid, late->command, late->undo);
	}
}
