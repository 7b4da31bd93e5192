/*-------------------------------------------------------------------------
 *
 * way_back.c
 *	  What stands in the way of taking a swap of columns back.
 *
 * Looked at by osc_revert() under its locks: rows whose old column is not what
 * it should be; a sequence that has left the range of its old type; and what
 * was made on the new columns since the swap.  That would not go back to the
 * old ones: a view would go on reading a column that nobody needs, and that
 * cannot be dropped; a foreign key or a statistics object would vanish with it.
 *
 * Foreign keys are made again for tables that may have other names by now:
 * those that stand in for them tell which tables are meant.
 *
 * Locks on entry: ACCESS EXCLUSIVE on the table, and on those that its foreign
 * keys tie it to.  Nothing is changed here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "parser/parse_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/ident.h"
#include "base/run.h"
#include "finish/way_back.h"
#include "mirror/mirror.h"
#include "mirror/notes.h"
#include "model/column.h"
#include "model/script.h"
#include "store/job_step.h"

/* a foreign key of or to the table */
typedef struct KeyInService
{
	Oid			referencing;
	Oid			referenced;
	char	   *name;
} KeyInService;

/* the numbers of the new columns, as an array of the type */
static Datum
new_attnums(const List *columns, Oid type)
{
	Datum	   *attnums = palloc(sizeof(Datum) * list_length(columns));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, columns)
	{
		AttrNumber	attnum = ((OscColumn *) lfirst(lc))->new_att;

		attnums[n++] = type == INT2OID ? Int16GetDatum(attnum) : Int32GetDatum(attnum);
	}
	return PointerGetDatum(type == INT2OID ?
						   construct_array(attnums, n, INT2OID, 2, true, TYPALIGN_SHORT) :
						   construct_array(attnums, n, INT4OID, 4, true, TYPALIGN_INT));
}

/* ---------------------------------------- rows and sequences */

static void
check_rows(const OscMember *m)
{
	OscUnsettled row;
	int64		n;
	bool		overtaken;

	PushActiveSnapshot(GetLatestSnapshot());
	n = osc_notes_unsettled(m, true, &row);
	overtaken = osc_notes_overtaken(m);
	PopActiveSnapshot();
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the old column of table \"%s\" cannot hold values that were written since the swap",
						m->relname),
				 errdetail_plural(INT64_FORMAT " write left such a value, in the row with key %s.",
								  INT64_FORMAT " writes left such values, one of them in the row with key %s.",
								  (unsigned long) n, n, row.key),
				 errhint("Change these rows, or end the job with osc_cleanup().")));
	if (m->rows_differing > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("validation found " INT64_FORMAT " rows of table \"%s\" whose old column is not what the new one gives",
						m->rows_differing, m->relname),
				 errdetail("Their keys: %s", m->sample ? m->sample : "[]"),
				 errhint("Write other values to the new column of these rows, then theirs again, and call osc_validate(); or end the job with osc_cleanup().")));
	if (overtaken)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a trigger of table \"%s\" fired after the mirror trigger of the job", m->relname),
				 errdetail("It may have changed rows whose old column was set already."),
				 errhint("SELECT osc_validate(" INT64_FORMAT ") tells whether the columns are equal still.", m->job_id)));
}

static void
check_columns(const OscMember *m, const List *columns)
{
	Relation	rel = table_open(m->relid, NoLock);
	bool		fits = osc_columns_fit(rel, columns);

	table_close(rel, NoLock);
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("columns of table \"%s\" were changed since the swap", m->relname),
				 errhint("End the job with osc_cleanup().")));
}

/* is the last value of the sequence one of the type that the command gives it? */
static void
check_sequence(AlterSeqStmt *stmt)
{
	Oid			relid = RangeVarGetRelid(stmt->sequence, NoLock, true);
	Oid			type = InvalidOid;
	OscStore	store;
	int64		last;
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "as") == 0)
			type = typenameTypeId(NULL, defGetTypeName(option));
	}
	if (!OidIsValid(relid) || (type != INT2OID && type != INT4OID))
		return;
	osc_store_open(&store);
	(void) osc_sql(psprintf("SELECT last_value FROM %s", osc_relation_name(relid)), NULL);
	last = osc_col_int8(0, "last_value");
	osc_store_close(&store);
	if (type == INT2OID ? last >= PG_INT16_MIN && last <= PG_INT16_MAX : last >= PG_INT32_MIN && last <= PG_INT32_MAX)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("sequence \"%s\" has left the range of type %s, which it had before the swap",
					get_rel_name(relid), format_type_be(type)),
			 errdetail("Its last value is " INT64_FORMAT ".", last),
			 errhint("Set it back with setval(), or end the job with osc_cleanup().")));
}

static void
check_sequences(const OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		Node	   *node;

		if (step->kind != OSC_STEP_FINAL || step->undo == NULL)
			continue;
		node = osc_parse_command(step->undo);
		if (IsA(node, AlterSeqStmt))
			check_sequence(castNode(AlterSeqStmt, node));
	}
}

/* ---------------------------------------- what was made since the swap */

static void
refuse_dependents(const OscMember *m, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot take back the swap of the columns of table \"%s\" because other objects depend on them",
					m->relname),
			 errdetail("Made since the swap: %s.", what),
			 errhint("Drop them, and call osc_revert() again; or end the job with osc_cleanup().")));
}

/* does the way back drop this constraint by itself? */
static bool
is_dropped_anyway(const OscJob *job, Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		Node	   *node;
		AlterTableCmd *cmd;

		if (step->kind != OSC_STEP_FINAL || step->undo == NULL || step->relid != relid)
			continue;
		node = osc_parse_command(step->undo);
		if (!IsA(node, AlterTableStmt))
			continue;
		cmd = linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds);
		if (cmd->subtype == AT_DropConstraint && strcmp(cmd->name, name) == 0)
			return true;
	}
	return false;
}

/* people know a view, not its rule */
#define DESCRIBED \
	"coalesce((SELECT pg_describe_object('pg_class'::regclass, r.ev_class, 0) FROM pg_rewrite r" \
	"  WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN')," \
	" pg_describe_object(d.classid, d.objid, d.objsubid))"

/* foreign keys to the keys of the new columns, views that group by one */
static void
check_dependents_of_keys(const OscJob *job, const OscMember *m, const List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	StringInfoData found;
	uint64		n;

	initStringInfo(&found);
	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_arg_datum(&args, INT2ARRAYOID, new_attnums(columns, INT2OID), false);
	n = osc_sql("SELECT DISTINCT " DESCRIBED " AS what, f.conrelid, f.conname::text AS conname"
				" FROM pg_constraint k, LATERAL (VALUES ('pg_constraint'::regclass, k.oid), ('pg_class'::regclass, k.conindid)) AS o(class, id)"
				" JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.id"
				" LEFT JOIN pg_constraint f ON d.classid = 'pg_constraint'::regclass AND f.oid = d.objid"
				" WHERE k.conrelid = $1 AND k.contype IN ('p', 'u') AND k.conkey && $2 AND d.deptype = 'n' ORDER BY 1", &args);
	for (uint64 i = 0; i < n; i++)
	{
		char	   *name = osc_col_text(&store, i, "conname");

		if (name == NULL || !is_dropped_anyway(job, osc_col_oid(i, "conrelid"), name))
			appendStringInfo(&found, "%s%s", found.len > 0 ? ", " : "", osc_col_text(&store, i, "what"));
	}
	osc_store_close(&store);
	if (found.len > 0)
		refuse_dependents(m, found.data);
}

/*
 * Before anything is taken back: raise an error if it would leave the old
 * columns wrong, or cannot be done.
 */
void
osc_way_back_check(const OscJob *job, const OscMember *m, const List *columns)
{
	osc_mirror_require_intact(m);
	check_columns(m, columns);
	check_rows(m);
	check_sequences(job);
	check_dependents_of_keys(job, m, columns);
}

/*
 * When all that the swap gave the new columns has been taken back: raise an
 * error if anything else still depends on them.
 */
void
osc_way_back_check_left(const OscMember *m, const List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *what;

	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_arg_datum(&args, INT4ARRAYOID, new_attnums(columns, INT4OID), false);
	/* the indexes that were built for the new columns have the names of before the swap */
	(void) osc_sql("SELECT string_agg(DISTINCT " DESCRIBED ", ', ') AS what FROM pg_depend d"
				   " WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = ANY ($2)"
				   " AND NOT (d.classid = 'pg_class'::regclass AND d.objid IN"
				   "  (SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
				   "   WHERE i.indrelid = $1 AND c.relname ~ '^osc_new_'))", &args);
	what = osc_col_text(&store, 0, "what");
	osc_store_close(&store);
	if (what)
		refuse_dependents(m, what);
}

/* ---------------------------------------- foreign keys */

/*
 * The foreign keys of and to the table as they are in service, for the function
 * below.
 */
List *
osc_way_back_keys(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	n = osc_sql("SELECT conrelid, confrelid, conname::text AS name FROM pg_constraint"
				" WHERE contype = 'f' AND $1 IN (conrelid, confrelid)", &args);
	for (uint64 i = 0; i < n; i++)
	{
		KeyInService *k = MemoryContextAllocZero(store.caller, sizeof(KeyInService));

		k->referencing = osc_col_oid(i, "conrelid");
		k->referenced = osc_col_oid(i, "confrelid");
		k->name = osc_col_text(&store, i, "name");
		result = osc_keep(&store, result, k);
	}
	osc_store_close(&store);
	return result;
}

/*
 * Let a command on the relation that makes one of these foreign keys again name
 * the table that this refers to as it is called now.
 */
void
osc_way_back_aim(Node *node, Oid relid, const List *keys)
{
	AlterTableCmd *cmd;
	Constraint *con;
	ListCell   *lc;

	if (!IsA(node, AlterTableStmt))
		return;
	cmd = linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds);
	if (cmd->subtype != AT_AddConstraint || castNode(Constraint, cmd->def)->contype != CONSTR_FOREIGN)
		return;
	con = castNode(Constraint, cmd->def);
	foreach(lc, keys)
	{
		KeyInService *k = lfirst(lc);

		if (k->referencing != relid || con->conname == NULL || strcmp(con->conname, k->name) != 0)
			continue;
		con->pktable->schemaname = get_namespace_name(get_rel_namespace(k->referenced));
		con->pktable->relname = get_rel_name(k->referenced);
	}
}
