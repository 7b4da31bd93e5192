/*-------------------------------------------------------------------------
 *
 * rehearse_column.c
 *	  What a statement makes of columns, their indexes and constraints: for
 *	  strategy column.
 *
 * The statement is run on an empty clone, as in rehearse.c; then the columns
 * are given the names of those that will be made beside the user's, and the
 * server prints the definitions of what uses them.  So they are native's in
 * every detail, and name the right columns.
 *
 * Locks: ACCESS SHARE on the table, held by the caller.  A crash leaves
 * nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "base/ident.h"
#include "base/run.h"
#include "mirror/clone_tree.h"
#include "model/relinfo.h"
#include "plan/rehearse.h"
#include "plan/rehearse_column.h"

/* what the trial is given, and finds */
typedef struct ColumnTrial
{
	List	   *columns;
	OscColumnSet *after;
} ColumnTrial;

/* the column's number in the table, and in a clone that the statement has altered */
static AttrNumber
native_attnum(const OscColumn *c)
{
	return osc_column_is_added(c) ? c->new_att : c->old_att;
}

static Datum
native_attnums(List *columns)
{
	Datum	   *attnums = palloc(sizeof(Datum) * list_length(columns));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, columns)
		attnums[n++] = Int16GetDatum(native_attnum(lfirst(lc)));
	return PointerGetDatum(construct_array(attnums, n, INT2OID, 2, true, TYPALIGN_SHORT));
}

/* the names of the new ones */
static Datum
new_names(List *columns)
{
	Datum	   *names = palloc(sizeof(Datum) * list_length(columns));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, columns)
		names[n++] = CStringGetTextDatum(((OscColumn *) lfirst(lc))->new_name);
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static List *
read_states(Oid relid, List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, INT2ARRAYOID, native_attnums(columns), false);
	n = osc_sql("SELECT a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS expr,"
				" format_type(a.atttypid, a.atttypmod) ||"
				"  CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0 THEN"
				"   (SELECT format(' COLLATE %I.%I', s.nspname, c.collname) FROM pg_collation c"
				"    JOIN pg_namespace s ON s.oid = c.collnamespace WHERE c.oid = a.attcollation) ELSE '' END AS type"
				" FROM unnest($2) WITH ORDINALITY u(attnum, n)"
				/* a column that is to be added is not there yet */
				" LEFT JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = u.attnum"
				" LEFT JOIN pg_type t ON t.oid = a.atttypid"
				" LEFT JOIN pg_attrdef d ON d.adrelid = $1 AND d.adnum = u.attnum ORDER BY u.n", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscColumnState *s = MemoryContextAllocZero(store.caller, sizeof(OscColumnState));

		s->not_null = osc_col_bool(i, "attnotnull");
		s->default_expr = osc_col_text(&store, i, "expr");
		s->type = osc_col_text(&store, i, "type");
		result = osc_keep(&store, result, s);
	}
	osc_store_close(&store);
	return result;
}

static List *
read_checks(Oid relid, List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, INT2ARRAYOID, native_attnums(columns), false);
	n = osc_sql("SELECT conname::text AS name, pg_get_constraintdef(oid) AS def, convalidated,"
				" obj_description(oid, 'pg_constraint') AS comment"
				" FROM pg_constraint WHERE conrelid = $1 AND contype = 'c' AND conkey && $2 ORDER BY conname", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscColumnCheck *c = MemoryContextAllocZero(store.caller, sizeof(OscColumnCheck));

		c->name = osc_col_text(&store, i, "name");
		c->definition = osc_col_text(&store, i, "def");
		c->valid = osc_col_bool(i, "convalidated");
		c->comment = osc_col_text(&store, i, "comment");
		result = osc_keep(&store, result, c);
	}
	osc_store_close(&store);
	return result;
}

/* the definition of an index, behind the name of its table */
static char *
index_tail(Oid index)
{
	Oid			relid = IndexGetRelation(index, false);
	char	   *definition = pg_get_indexdef_string(index);
	char	   *name = psprintf(" ON %s ",
								quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
														   get_rel_name(relid)));
	char	   *found = strstr(definition, name);

	if (found == NULL)
		elog(ERROR, "unexpected definition of an index: %s", definition);
	return pstrdup(found + strlen(name));
}

static List *
read_indexes(Oid relid, List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	List	   *oids = NIL;
	ListCell   *lc,
			   *o;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, INT2ARRAYOID, native_attnums(columns), false);
	n = osc_sql("SELECT i.indexrelid, c.relname::text AS name, i.indisunique, i.indisvalid, i.indisreplident,"
				" i.indisclustered, i.indnullsnotdistinct, CASE WHEN i.indpred IS NULL AND i.indexprs IS NULL"
				"  THEN array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ') END AS key, k.contype::text AS contype, k.condeferrable, k.condeferred,"
				" obj_description(i.indexrelid, 'pg_class') AS comment, obj_description(k.oid, 'pg_constraint') AS con_comment"
				" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
				" LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = $1 AND k.contype IN ('p', 'u', 'x')"
				" WHERE i.indrelid = $1 AND (i.indkey::int2[] && $2 OR EXISTS (SELECT 1 FROM pg_depend d"
				"  WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid"
				"  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = ANY ($2)))"
				" ORDER BY i.indexrelid", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscColumnIndex *x = MemoryContextAllocZero(store.caller, sizeof(OscColumnIndex));
		char	   *contype = osc_col_text(&store, i, "contype");

		oids = osc_keep_oid(&store, oids, osc_col_oid(i, "indexrelid"));
		x->name = osc_col_text(&store, i, "name");
		x->key = osc_col_text(&store, i, "key");
		x->unique = osc_col_bool(i, "indisunique");
		x->nulls_not_distinct = osc_col_bool(i, "indnullsnotdistinct");
		x->valid = osc_col_bool(i, "indisvalid");
		x->contype = contype ? contype[0] : '\0';
		x->deferrable = osc_col_bool(i, "condeferrable");
		x->deferred = osc_col_bool(i, "condeferred");
		x->replica_identity = osc_col_bool(i, "indisreplident");
		x->clustered = osc_col_bool(i, "indisclustered");
		x->comment = osc_col_text(&store, i, "comment");
		x->constraint_comment = osc_col_text(&store, i, "con_comment");
		result = osc_keep(&store, result, x);
	}
	osc_store_close(&store);
	forboth(lc, result, o, oids)
		((OscColumnIndex *) lfirst(lc))->tail = index_tail(lfirst_oid(o));
	return result;
}

/*
 * Read what uses these columns of a relation, in the current memory context.
 */
void
osc_column_set_read(Oid relid, List *columns, OscColumnSet *set)
{
	set->states = read_states(relid, columns);
	set->checks = read_checks(relid, columns);
	set->indexes = read_indexes(relid, columns);
}

/*
 * The foreign keys (OscColumnKey *) that use these columns of a table, on
 * either side.
 */
List *
osc_column_keys(Oid relid, List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, INT2ARRAYOID, native_attnums(columns), false);
	osc_arg_datum(&args, TEXTARRAYOID, new_names(columns), false);
	n = osc_sql("WITH renamed(attnum, name) AS (SELECT * FROM unnest($2, $3)),"
				" side(oid, referring, columns) AS ("
				"  SELECT k.oid, s.referring, (SELECT string_agg(quote_ident(coalesce(r.name, a.attname)), ', ' ORDER BY u.n)"
				"   FROM unnest(s.attnums) WITH ORDINALITY u(attnum, n)"
				"   JOIN pg_attribute a ON a.attrelid = s.relid AND a.attnum = u.attnum"
				"   LEFT JOIN renamed r ON s.relid = $1 AND r.attnum = u.attnum)"
				"  FROM pg_constraint k, LATERAL (VALUES (true, k.conrelid, k.conkey), (false, k.confrelid, k.confkey)) s(referring, relid, attnums)"
				"  WHERE k.contype = 'f' AND $1 IN (k.conrelid, k.confrelid)),"
				" set_columns(oid, columns) AS (SELECT k.oid, (SELECT ' (' || string_agg(quote_ident(coalesce(r.name, a.attname)), ', ' ORDER BY u.n) || ')'"
				"   FROM unnest(k.confdelsetcols) WITH ORDINALITY u(attnum, n)"
				"   JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum"
				"   LEFT JOIN renamed r ON k.conrelid = $1 AND r.attnum = u.attnum)"
				"  FROM pg_constraint k WHERE k.contype = 'f' AND $1 IN (k.conrelid, k.confrelid)),"
				" action(code, words) AS (VALUES ('a'::\"char\", ''), ('r', 'RESTRICT'), ('c', 'CASCADE'), ('n', 'SET NULL'), ('d', 'SET DEFAULT'))"
				" SELECT k.conname::text AS name, k.conrelid, pg_get_constraintdef(k.oid) AS def, k.convalidated,"
				" obj_description(k.oid, 'pg_constraint') AS comment,"
				" format('FOREIGN KEY (%s) REFERENCES %s(%s)%s%s%s%s%s', here.columns, k.confrelid::regclass, there.columns,"
				"  CASE k.confmatchtype WHEN 'f' THEN ' MATCH FULL' ELSE '' END,"
				"  CASE k.confupdtype WHEN 'a' THEN '' ELSE ' ON UPDATE ' || up.words END,"
				"  CASE k.confdeltype WHEN 'a' THEN '' ELSE ' ON DELETE ' || down.words || coalesce(sc.columns, '') END,"
				"  CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END,"
				"  CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END) AS new_def"
				" FROM pg_constraint k JOIN side here ON here.oid = k.oid AND here.referring"
				" JOIN side there ON there.oid = k.oid AND NOT there.referring"
				" JOIN action up ON up.code = k.confupdtype JOIN action down ON down.code = k.confdeltype"
				" LEFT JOIN set_columns sc ON sc.oid = k.oid"
				" WHERE k.contype = 'f' AND k.conparentid = 0"
				" AND ((k.conrelid = $1 AND k.conkey && $2) OR (k.confrelid = $1 AND k.confkey && $2))"
				" ORDER BY k.oid", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscColumnKey *k = MemoryContextAllocZero(store.caller, sizeof(OscColumnKey));

		k->name = osc_col_text(&store, i, "name");
		k->relid = osc_col_oid(i, "conrelid");
		k->definition = osc_col_text(&store, i, "def");
		k->new_definition = osc_col_text(&store, i, "new_def");
		k->valid = osc_col_bool(i, "convalidated");
		k->comment = osc_col_text(&store, i, "comment");
		result = osc_keep(&store, result, k);
	}
	osc_store_close(&store);
	return result;
}

static void
rename_column(Oid relid, const char *from, const char *to)
{
	RenameStmt *stmt = makeNode(RenameStmt);

	stmt->renameType = OBJECT_COLUMN;
	stmt->relationType = OBJECT_TABLE;
	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	stmt->subname = pstrdup(from);
	stmt->newname = pstrdup(to);
	renameatt(stmt);
	CommandCounterIncrement();
}

static void
try_columns(OscCloneTree *tree, List *script, MemoryContext context, void *result)
{
	ColumnTrial *trial = result;
	Oid			relid = ((OscStatement *) linitial(script))->relid;
	Oid			clone = osc_clone_tree_find(tree, relid);
	List	   *values;
	MemoryContext old;
	ListCell   *lc;

	osc_clone_tree_apply(tree, script);
	values = osc_clone_tree_values(tree, relid);
	foreach(lc, trial->columns)
	{
		OscColumn  *c = lfirst(lc);
		Node	   *value = list_nth(values, native_attnum(c) - 1);

		rename_column(clone, c->final_name, c->new_name);
		if (osc_column_is_rename(c))
			continue;
		old = MemoryContextSwitchTo(context);
		c->forward = copyObject(value);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(context);
	osc_column_set_read(clone, trial->columns, trial->after);
	MemoryContextSwitchTo(old);
}

/*
 * Rehearse the statement: what uses the columns (OscColumn *) afterwards, with
 * the new columns' names in all definitions; and their expressions.  In the
 * current memory context.  Raises the statement's own errors.
 */
void
osc_rehearse_columns(OscStatement *statement, List *columns, OscColumnSet *after)
{
	ColumnTrial trial = {.columns = columns,.after = after};

	osc_run_trial(try_columns, list_make1(statement), &trial);
}
