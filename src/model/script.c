/*-------------------------------------------------------------------------
 *
 * script.c
 *	  The statements of a job: parsed by the server's own parser, and tied to
 *	  the tables that they change.
 *
 * At osc_start() names are looked up as native would look them up, one
 * statement after the other, so that a table that an earlier statement
 * renames is found under its new name.  From then on the table's OID stands
 * with each statement, and names in the text are looked at no more.
 *
 * Locks: ACCESS SHARE on the tables, when names are looked up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/cmdtag.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "model/backfill_spec.h"
#include "model/relinfo.h"
#include "model/script.h"
#include "store/job_step.h"

/* what the statements before have renamed */
typedef struct Renamed
{
	Oid			nsp;
	const char *relname;
	Oid			relid;
} Renamed;

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported in an online schema change", what),
			 errhint("%s", hint)));
}

static bool
is_vacuum_full(const VacuumStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *opt = lfirst_node(DefElem, lc);

		if (strcmp(opt->defname, "full") == 0)
			return defGetBoolean(opt);
	}
	return false;
}

/* refuse what is no schema change of a table */
static void
check_kind(Node *node)
{
	const char *hint = "Supported are ALTER TABLE, CREATE INDEX, DROP INDEX, REINDEX of a table or index, VACUUM FULL and CLUSTER; run other statements directly.";

	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			if (castNode(AlterTableStmt, node)->objtype == OBJECT_TABLE)
				return;
			break;
		case T_RenameStmt:
			{
				RenameStmt *stmt = castNode(RenameStmt, node);

				if (stmt->renameType == OBJECT_TABLE || stmt->renameType == OBJECT_TABCONSTRAINT ||
					(stmt->renameType == OBJECT_COLUMN && stmt->relationType == OBJECT_TABLE))
					return;
				break;
			}
		case T_AlterObjectSchemaStmt:
			if (castNode(AlterObjectSchemaStmt, node)->objectType == OBJECT_TABLE)
				return;
			break;
		case T_AlterTableMoveAllStmt:
			refuse("ALTER TABLE ALL IN TABLESPACE", "Start a job for each table.");
			break;
		case T_IndexStmt:
			return;
		case T_DropStmt:
			if (castNode(DropStmt, node)->removeType == OBJECT_INDEX)
				return;
			break;
		case T_ReindexStmt:
			if (castNode(ReindexStmt, node)->kind == REINDEX_OBJECT_INDEX ||
				castNode(ReindexStmt, node)->kind == REINDEX_OBJECT_TABLE)
				return;
			refuse("REINDEX of a whole schema or database", "Start a job for each table.");
			break;
		case T_VacuumStmt:
			if (is_vacuum_full(castNode(VacuumStmt, node)) &&
				list_length(castNode(VacuumStmt, node)->rels) == 1)
				return;
			refuse(is_vacuum_full(castNode(VacuumStmt, node)) ?
				   "VACUUM FULL of other than one table" : "VACUUM without FULL",
				   "Name one table; a plain VACUUM blocks nobody, run it directly.");
			break;
		case T_ClusterStmt:
			if (castNode(ClusterStmt, node)->relation != NULL)
				return;
			refuse("CLUSTER of all tables", "Start a job for each table.");
			break;
		default:
			break;
	}
	refuse(CreateCommandName(node), hint);
}

/* cut the statement's text out of the whole, without space around it */
static void
set_text(OscStatement *s, int start, int length)
{
	while (length > 0 && isspace((unsigned char) s->source[start]))
		start++, length--;
	while (length > 0 && isspace((unsigned char) s->source[start + length - 1]))
		length--;
	s->start = start;
	s->text = pnstrdup(s->source + start, length);
}

/* DROP INDEX of several is one statement each: CONCURRENTLY takes only one */
static List *
split_drop_index(List *script, OscStatement *whole)
{
	DropStmt   *stmt = castNode(DropStmt, whole->node);
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		OscStatement *s = palloc0(sizeof(OscStatement));
		DropStmt   *one = copyObject(stmt);

		*s = *whole;
		one->objects = list_make1(copyObject(lfirst(lc)));
		s->node = (Node *) one;
		s->text = psprintf("DROP INDEX %s%s%s", stmt->missing_ok ? "IF EXISTS " : "",
						   NameListToQuotedString(lfirst_node(List, lc)),
						   stmt->behavior == DROP_CASCADE ? " CASCADE" : "");
		script = lappend(script, s);
	}
	return script;
}

/*
 * Parse the text of a job into OscStatements without their tables.  Syntax
 * errors are the server's own; statements of other kinds are refused with
 * feature_not_supported.
 */
List *
osc_parse_script(const char *ddl)
{
	List	   *raw = pg_parse_query(ddl);
	List	   *script = NIL;
	ListCell   *lc;

	if (raw == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the text holds no statement"),
				 errhint("Give one or more statements, such as ALTER TABLE.")));
	foreach(lc, raw)
	{
		RawStmt    *r = lfirst_node(RawStmt, lc);
		OscStatement *s = palloc0(sizeof(OscStatement));
		int			start = Max(r->stmt_location, 0);

		s->node = r->stmt;
		s->source = ddl;
		set_text(s, start, r->stmt_len > 0 ? r->stmt_len : (int) strlen(ddl + start));
		check_kind(s->node);
		if (list_length(raw) > 1 && IsA(s->node, VacuumStmt))
			refuse("VACUUM FULL together with other statements", "Start a job for it alone.");
		if (IsA(s->node, DropStmt))
			script = split_drop_index(script, s);
		else
			script = lappend(script, s);
	}
	return script;
}

/* the table that a statement names, NULL if it names an index */
static RangeVar *
named_table(Node *node, bool *missing_ok)
{
	*missing_ok = false;
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			*missing_ok = castNode(AlterTableStmt, node)->missing_ok;
			return castNode(AlterTableStmt, node)->relation;
		case T_RenameStmt:
			*missing_ok = castNode(RenameStmt, node)->missing_ok;
			return castNode(RenameStmt, node)->relation;
		case T_AlterObjectSchemaStmt:
			*missing_ok = castNode(AlterObjectSchemaStmt, node)->missing_ok;
			return castNode(AlterObjectSchemaStmt, node)->relation;
		case T_IndexStmt:
			return castNode(IndexStmt, node)->relation;
		case T_ReindexStmt:
			return castNode(ReindexStmt, node)->kind == REINDEX_OBJECT_TABLE ?
				castNode(ReindexStmt, node)->relation : NULL;
		case T_VacuumStmt:
			return linitial_node(VacuumRelation, castNode(VacuumStmt, node)->rels)->relation;
		case T_ClusterStmt:
			return castNode(ClusterStmt, node)->relation;
		default:
			return NULL;
	}
}

/* the table of the index that a statement names */
static Oid
table_of_index(Node *node)
{
	RangeVar   *name;
	bool		missing_ok = false;
	Oid			index;
	Oid			table;

	if (IsA(node, DropStmt))
	{
		DropStmt   *drop = castNode(DropStmt, node);

		name = makeRangeVarFromNameList(linitial_node(List, drop->objects));
		missing_ok = drop->missing_ok;
	}
	else
		name = castNode(ReindexStmt, node)->relation;
	index = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(index) && missing_ok)
	{
		ereport(NOTICE,
				(errmsg("index \"%s\" does not exist, skipping", name->relname)));
		return InvalidOid;
	}
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(IsA(node, DropStmt) ? ERRCODE_UNDEFINED_OBJECT : ERRCODE_UNDEFINED_TABLE),
				 IsA(node, DropStmt) ?
				 errmsg("index \"%s\" does not exist", name->relname) :
				 errmsg("relation \"%s\" does not exist", name->relname),
				 errhint("Check the name, and the search_path of this session.")));
	if (get_rel_relkind(index) != RELKIND_INDEX && get_rel_relkind(index) != RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index", name->relname),
				 errhint("Name an index.")));
	table = IndexGetRelation(index, false);
	LockRelationOid(table, AccessShareLock);
	if (!osc_owns_relation(index, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of index %s", name->relname),
				 errhint("Ask the table's owner, or a member of the owning role, to start the job.")));
	return table;
}

static Oid
find_renamed(List *renamed, const RangeVar *name)
{
	Oid			nsp = name->schemaname ? get_namespace_oid(name->schemaname, true) : InvalidOid;
	ListCell   *lc;

	foreach(lc, renamed)
	{
		Renamed    *r = lfirst(lc);

		if (strcmp(r->relname, name->relname) == 0 &&
			(nsp == r->nsp || (name->schemaname == NULL && !OidIsValid(RangeVarGetRelid(name, NoLock, true)))))
			return r->relid;
	}
	return InvalidOid;
}

/* remember where a table is found after this statement */
static List *
note_renamed(List *renamed, const OscStatement *s)
{
	Renamed    *r = palloc(sizeof(Renamed));

	r->relid = s->relid;
	r->nsp = get_rel_namespace(s->relid);
	r->relname = get_rel_name(s->relid);
	if (IsA(s->node, RenameStmt) && castNode(RenameStmt, s->node)->renameType == OBJECT_TABLE)
		r->relname = castNode(RenameStmt, s->node)->newname;
	else if (IsA(s->node, AlterObjectSchemaStmt))
		r->nsp = get_namespace_oid(castNode(AlterObjectSchemaStmt, s->node)->newschema, false);
	else
		return renamed;
	return lcons(r, renamed);
}

/*
 * Find the tables of the statements, and check that the caller may alter
 * them: ACCESS SHARE, kept to the end of the transaction.  Raises native's
 * errors, with a hint.
 */
void
osc_resolve_script(List *script)
{
	List	   *renamed = NIL;
	ListCell   *lc;

	foreach(lc, script)
	{
		OscStatement *s = lfirst(lc);
		bool		missing_ok;
		RangeVar   *name = named_table(s->node, &missing_ok);

		if (name == NULL)
			s->relid = table_of_index(s->node);
		else
		{
			s->relid = find_renamed(renamed, name);
			if (!OidIsValid(s->relid))
				s->relid = osc_lookup_table(name, missing_ok);
		}
		if (OidIsValid(s->relid))
			renamed = note_renamed(renamed, s);
	}
}

/*
 * The parse tree of one command, which a plan or we ourselves have written.
 */
Node *
osc_parse_command(const char *command)
{
	return linitial_node(RawStmt, pg_parse_query(command))->stmt;
}

/*
 * The statements that the swap of a job runs, with the tables that they were
 * tied to when the job began.
 */
List *
osc_script_of_job(const OscJob *job)
{
	List	   *script = NIL;
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		OscStatement *s;

		if (step->kind != OSC_STEP_FINAL)
			continue;
		s = palloc0(sizeof(OscStatement));
		s->node = osc_parse_command(step->command);
		s->source = s->text = step->command;
		s->relid = step->relid;
		script = lappend(script, s);
	}
	if (job->backfill)
		osc_backfill_attach(osc_backfill_from_jsonb(job->backfill), script);
	return script;
}

/*
 * The statements that change this table.
 */
List *
osc_statements_of(List *script, Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, script)
		if (((OscStatement *) lfirst(lc))->relid == relid)
			result = lappend(result, lfirst(lc));
	return result;
}

/*
 * The sub-commands (AlterTableCmd *) of all ALTER TABLEs among the
 * statements.
 */
List *
osc_commands_of(List *statements)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, statements)
	{
		Node	   *node = ((OscStatement *) lfirst(lc))->node;

		if (IsA(node, AlterTableStmt))
			result = list_concat(result, castNode(AlterTableStmt, node)->cmds);
	}
	return result;
}

/* what was this column called before the statement?  *is_new: it was not there */
static const char *
name_before(const OscStatement *s, const char *name, bool *is_new)
{
	ListCell   *lc;

	if (IsA(s->node, RenameStmt))
	{
		RenameStmt *rename = castNode(RenameStmt, s->node);

		if (rename->renameType == OBJECT_COLUMN && strcmp(rename->newname, name) == 0)
			return rename->subname;
	}
	else if (IsA(s->node, AlterTableStmt))
		foreach(lc, castNode(AlterTableStmt, s->node)->cmds)
		{
			AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

			if (cmd->subtype == AT_AddColumn && !cmd->missing_ok &&
				strcmp(castNode(ColumnDef, cmd->def)->colname, name) == 0)
				*is_new = true;
		}
	return name;
}

/*
 * The source's column that a sub-command of one of its statements names, where
 * earlier ones may have renamed it; InvalidAttrNumber if there is none.
 * *is_new: an earlier statement adds it.
 */
AttrNumber
osc_source_attnum(List *statements, const AlterTableCmd *cmd, Oid relid, bool *is_new)
{
	const char *name = cmd->name;
	bool		reached = false;

	*is_new = false;
	for (int i = list_length(statements) - 1; i >= 0 && !*is_new; i--)
	{
		OscStatement *s = list_nth(statements, i);

		if (reached)
			name = name_before(s, name, is_new);
		else
			reached = IsA(s->node, AlterTableStmt) &&
				list_member_ptr(castNode(AlterTableStmt, s->node)->cmds, cmd);
	}
	return *is_new ? InvalidAttrNumber : get_attnum(relid, name);
}
