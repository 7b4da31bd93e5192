/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The user's statement: parsed by the server's own parser, checked, and
 *	  aimed at a relation.
 *
 * The text is kept with the job and parsed anew by each step that needs it;
 * ALTER TABLE scribbles on its parse tree, so every use gets a copy.
 *
 * Locks: AlterTable() runs under a lock that the caller holds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/cmdtag.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "model/statement.h"

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported in an online schema change", what),
			 errhint("%s", hint)));
}

/*
 * Parse the text of a job: exactly one ALTER TABLE.  Syntax errors are the
 * server's own; anything else is refused with feature_not_supported.
 */
AlterTableStmt *
osc_parse_statement(const char *ddl)
{
	List	   *raw = pg_parse_query(ddl);
	Node	   *node;
	AlterTableStmt *stmt;

	if (raw == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the text holds no statement"),
				 errhint("Give one ALTER TABLE statement.")));
	if (list_length(raw) > 1)
		refuse("more than one statement",
			   "Start a job for each ALTER TABLE, one after the other; several sub-commands may stand in one.");
	node = linitial_node(RawStmt, raw)->stmt;
	if (IsA(node, RenameStmt) || IsA(node, AlterObjectSchemaStmt))
		refuse(IsA(node, RenameStmt) ? "RENAME" : "SET SCHEMA",
			   "It changes the catalog only: run it directly.");
	if (!IsA(node, AlterTableStmt))
		refuse(CreateCommandName(node),
			   "Only ALTER TABLE is supported; run other statements directly.");
	stmt = castNode(AlterTableStmt, node);
	if (stmt->objtype != OBJECT_TABLE)
		refuse(CreateCommandName(node),
			   "Only ALTER TABLE is supported; run other statements directly.");
	return stmt;
}

/* is a column definition one whose values are drawn from a new sequence? */
static bool
column_has_new_sequence(const ColumnDef *def)
{
	ListCell   *lc;

	if (def->typeName && list_length(def->typeName->names) == 1)
	{
		const char *t = strVal(linitial(def->typeName->names));

		if (strcmp(t, "serial") == 0 || strcmp(t, "bigserial") == 0 ||
			strcmp(t, "smallserial") == 0 || strcmp(t, "serial2") == 0 ||
			strcmp(t, "serial4") == 0 || strcmp(t, "serial8") == 0)
			return true;
	}
	foreach(lc, def->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_IDENTITY)
			return true;
	return false;
}

static void
check_constraint(const Constraint *con)
{
	if (con->contype == CONSTR_FOREIGN)
		refuse("ADD FOREIGN KEY",
			   "Add the foreign key NOT VALID with a plain ALTER TABLE, then VALIDATE it: neither blocks writers for long.");
	if (con->indexname != NULL)
		refuse("ADD CONSTRAINT USING INDEX",
			   "Run it directly: with a valid index it is a change of the catalog only.");
}

static void
check_added_column(const ColumnDef *def)
{
	ListCell   *lc;

	if (column_has_new_sequence(def))
		refuse("adding a serial or identity column",
			   "Add the column without a default and fill it in batches.");
	foreach(lc, def->constraints)
		check_constraint(lfirst_node(Constraint, lc));
}

/* is a column of this name added by the statement? */
static bool
adds_column(const AlterTableStmt *stmt, const char *name)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn &&
			strcmp(castNode(ColumnDef, cmd->def)->colname, name) == 0)
			return true;
	}
	return false;
}

/* what a user calls a sub-command that we do not take; NULL: no short name */
static const char *
subcommand_name(AlterTableType type)
{
	switch (type)
	{
		case AT_AddIdentity:
			return "ADD GENERATED AS IDENTITY";
		case AT_SetIdentity:
			return "ALTER COLUMN ... SET GENERATED";
		case AT_DropIdentity:
			return "DROP IDENTITY";
		case AT_DropExpression:
			return "DROP EXPRESSION";
		case AT_AlterConstraint:
			return "ALTER CONSTRAINT";
		case AT_ValidateConstraint:
			return "VALIDATE CONSTRAINT";
		case AT_ChangeOwner:
			return "OWNER TO";
		case AT_ClusterOn:
			return "CLUSTER ON";
		case AT_DropCluster:
			return "SET WITHOUT CLUSTER";
		case AT_SetLogged:
			return "SET LOGGED";
		case AT_SetUnLogged:
			return "SET UNLOGGED";
		case AT_SetAccessMethod:
			return "SET ACCESS METHOD";
		case AT_SetTableSpace:
			return "SET TABLESPACE";
		case AT_AddInherit:
			return "INHERIT";
		case AT_DropInherit:
			return "NO INHERIT";
		case AT_AddOf:
			return "OF";
		case AT_DropOf:
			return "NOT OF";
		case AT_ReplicaIdentity:
			return "REPLICA IDENTITY";
		case AT_AttachPartition:
			return "ATTACH PARTITION";
		case AT_DetachPartition:
			return "DETACH PARTITION";
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			return "ROW LEVEL SECURITY";
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
			return "ENABLE or DISABLE TRIGGER";
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
			return "ENABLE or DISABLE RULE";
		default:
			return NULL;
	}
}

static void
refuse_subcommand(AlterTableType type)
{
	const char *name = subcommand_name(type);

	refuse(name ? psprintf("ALTER TABLE ... %s", name) : "this sub-command of ALTER TABLE",
		   "Supported are ADD, DROP and ALTER COLUMN, ADD and DROP CONSTRAINT, SET and RESET; run others directly.");
}

/*
 * Refuse sub-commands that this version does not carry out by copy.
 */
void
osc_check_subcommands(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_AddColumn:
				check_added_column(castNode(ColumnDef, cmd->def));
				break;
			case AT_AddConstraint:
				check_constraint(castNode(Constraint, cmd->def));
				break;
			case AT_DropColumn:
			case AT_AlterColumnType:
			case AT_ColumnDefault:
			case AT_DropNotNull:
			case AT_SetNotNull:
			case AT_DropConstraint:
			case AT_SetStatistics:
			case AT_SetOptions:
			case AT_ResetOptions:
			case AT_SetStorage:
			case AT_SetCompression:
			case AT_SetRelOptions:
			case AT_ResetRelOptions:
				break;
			default:
				refuse_subcommand(cmd->subtype);
		}

		/*
		 * Existing rows get the default that ADD COLUMN gives, later ones
		 * that of SET DEFAULT: the copy could not tell the two.
		 */
		if (cmd->subtype == AT_ColumnDefault && adds_column(stmt, cmd->name))
			refuse("changing the default of a column that the same statement adds",
				   "Change the default with a plain ALTER TABLE afterwards.");
		if (cmd->behavior == DROP_CASCADE)
			refuse("CASCADE",
				   "Drop the dependent objects first.");
	}
}

/*
 * The sub-command that changes the type of a column, NULL if there is none.
 */
AlterTableCmd *
osc_find_type_change(const AlterTableStmt *stmt, const char *colname)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType && strcmp(cmd->name, colname) == 0)
			return cmd;
	}
	return NULL;
}

/*
 * A copy of the statement, aimed at nspname.relname.  For the shadow, which
 * is empty, USING expressions are replaced by NULL: they may name the table
 * with its schema, and the mapping takes them from the original.
 */
AlterTableStmt *
osc_statement_for(const AlterTableStmt *stmt, const char *nspname,
				  const char *relname, bool for_shadow)
{
	AlterTableStmt *copy = copyObject(unconstify(AlterTableStmt *, stmt));
	ListCell   *lc;

	copy->relation->catalogname = NULL;
	copy->relation->schemaname = pstrdup(nspname);
	copy->relation->relname = pstrdup(relname);
	if (!for_shadow)
		return copy;
	foreach(lc, copy->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType)
		{
			ColumnDef  *def = castNode(ColumnDef, cmd->def);

			if (def->raw_default)
			{
				A_Const    *null_const = makeNode(A_Const);

				null_const->isnull = true;
				null_const->location = -1;
				def->raw_default = (Node *) null_const;
			}
		}
	}
	return copy;
}

static PlannedStmt *
utility_wrapper(Node *stmt)
{
	PlannedStmt *wrapper = makeNode(PlannedStmt);

	wrapper->commandType = CMD_UTILITY;
	wrapper->canSetTag = false;
	wrapper->utilityStmt = stmt;
	wrapper->stmt_location = -1;
	wrapper->stmt_len = 0;
	return wrapper;
}

/*
 * Run the statement on a helper table: no event triggers, no hooks, and
 * without looking up its name (tablecmds.c, AlterTable).  The caller holds
 * ACCESS EXCLUSIVE on it.
 */
void
osc_alter_quietly(AlterTableStmt *stmt, Oid relid)
{
	AlterTableUtilityContext context = {0};

	context.pstmt = utility_wrapper((Node *) stmt);
	context.queryString = "";
	context.relid = relid;
	PushActiveSnapshot(GetTransactionSnapshot());
	/* we may be inside a command whose sub-commands are being collected */
	EventTriggerInhibitCommandCollection();
	PG_TRY();
	{
		AlterTable(stmt, AccessExclusiveLock, &context);
	}
	PG_FINALLY();
	{
		EventTriggerUndoInhibitCommandCollection();
	}
	PG_END_TRY();
	PopActiveSnapshot();
	CommandCounterIncrement();
}

/*
 * Run the statement as a user would: with rights, hooks and event triggers.
 */
void
osc_alter_as_user(AlterTableStmt *stmt, const char *ddl)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(utility_wrapper((Node *) stmt), ddl, false,
				   PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver, NULL);
	PopActiveSnapshot();
	CommandCounterIncrement();
}
