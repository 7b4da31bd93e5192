/*-------------------------------------------------------------------------
 *
 * backfill_spec.c
 *	  Which columns are filled by expressions of the user's, and by which.
 *
 * osc_start() takes a JSON object of columns and expressions.  A key is the
 * name that a column has when all statements have run, as the catalogs have
 * it; or, where more than one table of the job has such a column, a qualified
 * name as in SQL, "table.column" or "schema.table.column".  The column must be
 * one that the statements add, or change the type of, and do so once.
 *
 * The expression belongs to the statement that makes the column, so that
 * later statements see its values.  That statement is given a form in which
 * it does the same to an empty table: a type change says USING NULL, for the
 * value comes from the expression; a foreign key behind ADD COLUMN becomes a
 * constraint of the table, since the server takes the former for a key of
 * NULLs that needs no check (parse_utilcmd.c, transformFKConstraints).
 *
 * Locks: none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "model/backfill_spec.h"
#include "model/script.h"

/* a column that a script adds, or changes the type of */
typedef struct Change
{
	Oid			relid;
	const char *name;			/* when all statements have run */
	const OscStatement *statement;
	const AlterTableCmd *cmd;
} Change;

/* the name of the column that a sub-command adds or changes; NULL: none */
static const char *
made_column(Oid relid, const AlterTableCmd *cmd)
{
	const char *name;

	if (cmd->subtype == AT_AlterColumnType)
		return cmd->name;
	if (cmd->subtype != AT_AddColumn)
		return NULL;
	name = castNode(ColumnDef, cmd->def)->colname;
	/* ADD COLUMN IF NOT EXISTS of one that exists does nothing */
	return cmd->missing_ok && get_attnum(relid, name) != InvalidAttrNumber ? NULL : name;
}

/* what later statements make of a column's name; NULL: they drop it */
static const char *
name_in_the_end(List *script, int from, Oid relid, const char *name)
{
	ListCell   *lc,
			   *c;

	for_each_from(lc, script, from)
	{
		OscStatement *s = lfirst(lc);

		if (s->relid != relid)
			continue;
		if (IsA(s->node, RenameStmt) && castNode(RenameStmt, s->node)->renameType == OBJECT_COLUMN &&
			strcmp(castNode(RenameStmt, s->node)->subname, name) == 0)
			name = castNode(RenameStmt, s->node)->newname;
		if (IsA(s->node, AlterTableStmt))
			foreach(c, castNode(AlterTableStmt, s->node)->cmds)
				if (lfirst_node(AlterTableCmd, c)->subtype == AT_DropColumn &&
					strcmp(lfirst_node(AlterTableCmd, c)->name, name) == 0)
					return NULL;
	}
	return name;
}

static List *
find_changes(List *script)
{
	List	   *result = NIL;
	ListCell   *lc,
			   *c;

	foreach(lc, script)
	{
		OscStatement *s = lfirst(lc);

		if (!OidIsValid(s->relid) || !IsA(s->node, AlterTableStmt))
			continue;
		foreach(c, castNode(AlterTableStmt, s->node)->cmds)
		{
			const char *made = made_column(s->relid, lfirst_node(AlterTableCmd, c));
			Change	   *change;

			if (made == NULL)
				continue;
			change = palloc(sizeof(Change));
			change->relid = s->relid;
			change->name = name_in_the_end(script, foreach_current_index(lc) + 1, s->relid, made);
			change->statement = s;
			change->cmd = lfirst_node(AlterTableCmd, c);
			if (change->name)
				result = lappend(result, change);
		}
	}
	return result;
}

/* ---------------------------------------- reading the argument */

static void
refuse_argument(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be a JSON object of columns and expressions", "backfill"),
			 errdetail("%s", detail),
			 errhint("Write it as '{\"column\": \"SQL expression\"}'.")));
}

/* the keys and values of the object, as OscBackfill * without a table */
static List *
read_object(Jsonb *json)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	OscBackfill *b = NULL;
	List	   *result = NIL;

	if (!JB_ROOT_IS_OBJECT(json))
		refuse_argument("It is no object.");
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			b = palloc0(sizeof(OscBackfill));
			b->column = pnstrdup(v.val.string.val, v.val.string.len);
		}
		else if (token == WJB_VALUE && b)
		{
			if (v.type != jbvString)
				refuse_argument(psprintf("The value of \"%s\" is no string.", b->column));
			b->expression = pnstrdup(v.val.string.val, v.val.string.len);
			result = lappend(result, b);
		}
	}
	return result;
}

/* does a qualified name, "table.column", mean this change? */
static bool
qualified_name_means(const char *key, const Change *change)
{
	List	   *names;
	int			n;

	if (!SplitIdentifierString(pstrdup(key), '.', &names))
		return false;
	n = list_length(names);
	return (n == 2 || n == 3) &&
		strcmp(llast(names), change->name) == 0 &&
		strcmp(list_nth(names, n - 2), get_rel_name(change->relid)) == 0 &&
		(n == 2 || strcmp(linitial(names), get_namespace_name(get_rel_namespace(change->relid))) == 0);
}

static void
unknown_column(const char *key, List *changes)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, changes)
		appendStringInfo(&names, "%s%s.%s", names.len > 0 ? ", " : "",
						 quote_identifier(get_rel_name(((Change *) lfirst(lc))->relid)),
						 quote_identifier(((Change *) lfirst(lc))->name));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" is not one that the statement adds or changes the type of", key),
			 changes == NIL ?
			 errhint("The statement adds no column and changes no type: leave \"backfill\" out.") :
			 errhint("A backfill expression can be given for: %s.", names.data)));
}

/* the change that a key means, by either way to name it */
static const Change *
find_change(const char *key, List *changes)
{
	const Change *found = NULL;
	ListCell   *lc;

	for (int qualified = 0; qualified < 2 && found == NULL; qualified++)
		foreach(lc, changes)
		{
			const Change *change = lfirst(lc);

			if (qualified ? !qualified_name_means(key, change) : strcmp(change->name, key) != 0)
				continue;
			if (found && found->relid != change->relid)
				ereport(ERROR,
						(errcode(ERRCODE_AMBIGUOUS_COLUMN),
						 errmsg("column \"%s\" of argument \"%s\" is ambiguous", key, "backfill"),
						 errdetail("Tables \"%s\" and \"%s\" have such a column.",
								   get_rel_name(found->relid), get_rel_name(change->relid)),
						 errhint("Write it as \"table.column\" or \"schema.table.column\".")));
			if (found)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("column \"%s\" with a backfill expression is added or changed more than once", key),
						 errhint("Make it two jobs, one after the other.")));
			found = change;
		}
	if (found == NULL)
		unknown_column(key, changes);
	return found;
}

static bool
is_generated(Oid relid, const AlterTableCmd *cmd)
{
	ListCell   *lc;

	if (cmd->subtype == AT_AlterColumnType)
	{
		AttrNumber	attnum = get_attnum(relid, cmd->name);

		return attnum > 0 && get_attgenerated(relid, attnum) != '\0';
	}
	foreach(lc, castNode(ColumnDef, cmd->def)->constraints)
	{
		Constraint *con = lfirst_node(Constraint, lc);

		if (con->contype == CONSTR_GENERATED ||
			(con->contype == CONSTR_IDENTITY && con->generated_when == ATTRIBUTE_IDENTITY_ALWAYS))
			return true;
	}
	return false;
}

/* as UPDATE treats such a column (rewriteHandler.c), and one with two values */
static void
check_change(const Change *change)
{
	if (is_generated(change->relid, change->cmd))
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" cannot have a backfill expression", change->name),
				 errdetail("Its values are always generated."),
				 errhint("Leave the expression out, or make it GENERATED BY DEFAULT AS IDENTITY.")));
	if (change->cmd->subtype == AT_AlterColumnType &&
		castNode(ColumnDef, change->cmd->def)->raw_default)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("column \"%s\" has both a USING clause and a backfill expression", change->name),
				 errhint("Leave one of them out: the backfill expression stands for USING.")));
}

/*
 * Read the argument "backfill" of osc_start(), find the columns that it means
 * in the script, and attach the expressions to their statements.  Returns
 * OscBackfill *, in the current memory context.  Raises 22023, 42703, 42702,
 * 42701, 428C9, 42601, and 0A000 for a column that is changed twice.
 */
List *
osc_backfill_resolve(Jsonb *json, List *script)
{
	List	   *result = read_object(json);
	List	   *changes = find_changes(script);
	ListCell   *lc,
			   *o;

	foreach(lc, result)
	{
		OscBackfill *b = lfirst(lc);
		const Change *change = find_change(b->column, changes);

		check_change(change);
		foreach(o, result)
			if (lfirst(o) != b && ((OscBackfill *) lfirst(o))->relid == change->relid &&
				strcmp(((OscBackfill *) lfirst(o))->column, change->name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" has more than one backfill expression", change->name),
						 errhint("Leave all but one out.")));
		b->relid = change->relid;
		b->column = pstrdup(change->name);
	}
	osc_backfill_attach(result, script);
	return result;
}

/* ---------------------------------------- statements */

/* take the foreign keys out of a new column, as constraints of the table */
static List *
take_foreign_keys(ColumnDef *def)
{
	List	   *kept = NIL;
	List	   *result = NIL;
	Constraint *key = NULL;
	ListCell   *lc;

	foreach(lc, def->constraints)
	{
		Constraint *con = lfirst_node(Constraint, lc);
		AlterTableCmd *cmd;

		/* what follows a constraint says when it is checked */
		if (key && con->contype == CONSTR_ATTR_DEFERRABLE)
			key->deferrable = true;
		else if (key && con->contype == CONSTR_ATTR_DEFERRED)
			key->deferrable = key->initdeferred = true;
		else if (!key || (con->contype != CONSTR_ATTR_NOT_DEFERRABLE && con->contype != CONSTR_ATTR_IMMEDIATE))
		{
			key = con->contype == CONSTR_FOREIGN ? con : NULL;
			if (key == NULL)
			{
				kept = lappend(kept, con);
				continue;
			}
			key->fk_attrs = list_make1(makeString(pstrdup(def->colname)));
			cmd = makeNode(AlterTableCmd);
			cmd->subtype = AT_AddConstraint;
			cmd->def = (Node *) key;
			result = lappend(result, cmd);
		}
	}
	def->constraints = kept;
	return result;
}

/* give a sub-command the form that fits an empty table, and further ones */
static List *
adjust(AlterTableCmd *cmd)
{
	A_Const    *null_const;

	if (cmd->subtype == AT_AddColumn)
		return take_foreign_keys(castNode(ColumnDef, cmd->def));
	null_const = makeNode(A_Const);
	null_const->isnull = true;
	null_const->location = -1;
	castNode(ColumnDef, cmd->def)->raw_default = (Node *) null_const;
	return NIL;
}

/*
 * Attach the expressions (OscBackfill *) to the statements of the script that
 * make their columns, and give these the form that the top of the file tells.
 */
void
osc_backfill_attach(List *backfill, List *script)
{
	List	   *changes = find_changes(script);
	ListCell   *lc,
			   *b,
			   *c;

	foreach(lc, script)
	{
		OscStatement *s = lfirst(lc);
		Node	   *copy = copyObject(s->node);
		List	   *more = NIL;

		foreach(c, changes)
		{
			Change	   *change = lfirst(c);

			foreach(b, backfill)
			{
				const OscBackfill *backfill_of = lfirst(b);
				OscFill    *fill;
				ListCell   *cmd;

				if (change->statement != s || backfill_of->relid != change->relid ||
					strcmp(backfill_of->column, change->name) != 0)
					continue;
				fill = palloc(sizeof(OscFill));
				fill->backfill = backfill_of;
				fill->column = made_column(change->relid, change->cmd);
				s->fills = lappend(s->fills, fill);
				foreach(cmd, castNode(AlterTableStmt, copy)->cmds)
					if (equal(lfirst(cmd), change->cmd))
						more = list_concat(more, adjust(lfirst_node(AlterTableCmd, cmd)));
			}
		}
		if (s->fills == NIL)
			continue;
		castNode(AlterTableStmt, copy)->cmds = list_concat(castNode(AlterTableStmt, copy)->cmds, more);
		s->node = copy;
	}
}

/*
 * The expression for the column that a sub-command adds or changes, among
 * those of its statement; NULL: none.
 */
const OscFill *
osc_find_fill(List *fills, const AlterTableCmd *cmd)
{
	const char *name = cmd->subtype == AT_AddColumn ? castNode(ColumnDef, cmd->def)->colname :
		cmd->subtype == AT_AlterColumnType ? cmd->name : NULL;
	ListCell   *lc;

	foreach(lc, fills)
		if (name && strcmp(((OscFill *) lfirst(lc))->column, name) == 0)
			return lfirst(lc);
	return NULL;
}

/* ---------------------------------------- with the job */

/*
 * The expressions as a JSON object, for the job's row: a member for each,
 * named by the table's OID and the column, "16384.tenant_id"; NULL if there
 * are none.
 */
Jsonb *
osc_backfill_to_jsonb(List *backfill)
{
	StringInfoData buf;
	ListCell   *lc;

	if (backfill == NIL)
		return NULL;
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	foreach(lc, backfill)
	{
		OscBackfill *b = lfirst(lc);

		appendStringInfoString(&buf, buf.len > 1 ? ", " : "");
		escape_json(&buf, psprintf("%u.%s", b->relid, b->column));
		appendStringInfoString(&buf, ": ");
		escape_json(&buf, b->expression);
	}
	appendStringInfoChar(&buf, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data)));
}

/*
 * The expressions (OscBackfill *) back from the job's row.
 */
List *
osc_backfill_from_jsonb(Jsonb *json)
{
	List	   *result = read_object(json);
	ListCell   *lc;

	foreach(lc, result)
	{
		OscBackfill *b = lfirst(lc);

		b->relid = atooid(b->column);
		b->column = strchr(b->column, '.') + 1;
	}
	return result;
}
