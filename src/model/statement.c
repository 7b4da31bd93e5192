/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  A statement of the user's, aimed at a relation and run: natively on the
 *	  user's table, or what concerns rows and indexes on its shadow.
 *
 * ALTER TABLE scribbles on its parse tree, so every use gets a copy.
 *
 * Locks: AlterTable() runs under a lock that the caller holds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/cluster.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "model/statement.h"

static void
refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported in an online schema change that copies the table", what),
			 errhint("%s", hint)));
}

/*
 * Does the definition give the column a default?
 */
bool
osc_column_has_default(const ColumnDef *def)
{
	ListCell   *lc;

	foreach(lc, def->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_DEFAULT)
			return true;
	return def->raw_default != NULL;
}

/*
 * Is the column's type serial, or one of its kin?
 */
bool
osc_column_is_serial(const ColumnDef *def)
{
	static const char *const names[] = {"serial", "bigserial", "smallserial",
	"serial2", "serial4", "serial8"};

	if (def->typeName && list_length(def->typeName->names) == 1)
		for (int i = 0; i < (int) lengthof(names); i++)
			if (strcmp(strVal(linitial(def->typeName->names)), names[i]) == 0)
				return true;
	return false;
}

/* is a column of this name added by one of the sub-commands? */
static bool
adds_column(List *cmds, const char *name)
{
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn &&
			strcmp(castNode(ColumnDef, cmd->def)->colname, name) == 0)
			return true;
	}
	return false;
}

/* what part of a sub-command concerns the rows and indexes of the table? */
typedef enum OnShadow
{
	ON_SHADOW_RUN,				/* all of it */
	ON_SHADOW_SKIP,				/* none: catalog entries of the table alone */
	ON_SHADOW_REFUSE,
} OnShadow;

static OnShadow
on_shadow(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
		case AT_DropColumn:
		case AT_AlterColumnType:
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetNotNull:
		case AT_DropExpression:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			return ON_SHADOW_RUN;
		case AT_AddConstraint:
			return castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN ?
				ON_SHADOW_SKIP : ON_SHADOW_RUN;
		case AT_DropConstraint:
		case AT_ValidateConstraint:
			return ON_SHADOW_RUN;
		case AT_AlterConstraint:
		case AT_ChangeOwner:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_ReplicaIdentity:
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
		case AT_EnableTrigAll:
		case AT_DisableTrigAll:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
		case AT_AddInherit:
		case AT_DropInherit:
		case AT_AddOf:
		case AT_DropOf:
			return ON_SHADOW_SKIP;
		default:
			return ON_SHADOW_REFUSE;
	}
}

/* what a user calls a sub-command that a copy does not take */
static const char *
subcommand_name(AlterTableType type)
{
	switch (type)
	{
		case AT_AttachPartition:
			return "ATTACH PARTITION";
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			return "DETACH PARTITION";
		default:
			return "this sub-command";
	}
}

/*
 * Can a copy carry out the sub-command?
 */
bool
osc_copy_takes(const AlterTableCmd *cmd)
{
	return on_shadow(cmd) != ON_SHADOW_REFUSE;
}

/*
 * Refuse sub-commands that cannot be carried out by a copy.
 */
void
osc_check_subcommands(List *cmds)
{
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (!osc_copy_takes(cmd))
			refuse(psprintf("ALTER TABLE ... %s", subcommand_name(cmd->subtype)),
				   "Put it into a statement of its own, in a job of its own.");
	}
}

static void
aim(RangeVar *name, const char *nspname, const char *relname)
{
	name->catalogname = NULL;
	name->schemaname = pstrdup(nspname);
	name->relname = pstrdup(relname);
}

/* a copy of the statement whose table is nspname.relname */
static Node *
aimed_at(const Node *node, const char *nspname, const char *relname)
{
	Node	   *copy = copyObject(unconstify(Node *, node));

	switch (nodeTag(copy))
	{
		case T_AlterTableStmt:
			/* ALTER INDEX ... ATTACH PARTITION names indexes */
			if (castNode(AlterTableStmt, copy)->objtype == OBJECT_TABLE)
				aim(castNode(AlterTableStmt, copy)->relation, nspname, relname);
			break;
		case T_RenameStmt:
			aim(castNode(RenameStmt, copy)->relation, nspname, relname);
			break;
		case T_AlterObjectSchemaStmt:
			aim(castNode(AlterObjectSchemaStmt, copy)->relation, nspname, relname);
			break;
		case T_IndexStmt:
			aim(castNode(IndexStmt, copy)->relation, nspname, relname);
			castNode(IndexStmt, copy)->concurrent = false;
			break;
		case T_DropStmt:
			castNode(DropStmt, copy)->concurrent = false;
			break;
		default:
			break;
	}
	return copy;
}

/*
 * Parse a command of ours that is about the relation, or a constraint of it,
 * and let it name the relation as it is called now.
 */
Node *
osc_command_on(const char *command, Oid relid)
{
	Node	   *node = osc_parse_command(command);
	char	   *relname = get_rel_name(relid);
	char	   *nspname = get_namespace_name(get_rel_namespace(relid));

	if (relname == NULL)
		return node;
	if (IsA(node, AlterTableStmt) ||
		(IsA(node, RenameStmt) && castNode(RenameStmt, node)->renameType == OBJECT_TABCONSTRAINT))
		return aimed_at(node, nspname, relname);
	if (IsA(node, CommentStmt) && castNode(CommentStmt, node)->objtype == OBJECT_TABCONSTRAINT)
	{
		List	   *name = castNode(List, castNode(CommentStmt, node)->object);

		castNode(CommentStmt, node)->object = (Node *) list_make3(makeString(nspname), makeString(relname), llast(name));
	}
	return node;
}

/*
 * Is this constraint of the relation a foreign key?  A shadow has none to drop
 * or to validate.
 */
bool
osc_is_foreign_key(Oid relid, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(get_relation_constraint_oid(relid, name, true)));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* a column definition without its foreign keys, and what belongs to them */
static void
strip_foreign_keys(ColumnDef *def)
{
	List	   *kept = NIL;
	bool		of_foreign_key = false;
	ListCell   *lc;

	foreach(lc, def->constraints)
	{
		Constraint *con = lfirst_node(Constraint, lc);

		if (con->contype == CONSTR_FOREIGN)
			of_foreign_key = true;
		else if (con->contype != CONSTR_ATTR_DEFERRABLE && con->contype != CONSTR_ATTR_NOT_DEFERRABLE &&
				 con->contype != CONSTR_ATTR_DEFERRED && con->contype != CONSTR_ATTR_IMMEDIATE)
			of_foreign_key = false;
		if (!of_foreign_key)
			kept = lappend(kept, con);
	}
	def->constraints = kept;
}

/* the sequence of an identity column is the shadow's: made beside it */
static void
unqualify_sequence(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *opt = lfirst_node(DefElem, lc);

		if (strcmp(opt->defname, "sequence_name") == 0)
			opt->arg = (Node *) list_make1(llast(castNode(List, opt->arg)));
	}
}

static void
unqualify_sequences(AlterTableCmd *cmd)
{
	ListCell   *lc;

	if (cmd->subtype == AT_AddIdentity)
		unqualify_sequence(castNode(Constraint, cmd->def)->options);
	if (cmd->subtype == AT_AddColumn)
		foreach(lc, castNode(ColumnDef, cmd->def)->constraints)
			if (lfirst_node(Constraint, lc)->contype == CONSTR_IDENTITY)
				unqualify_sequence(lfirst_node(Constraint, lc)->options);
}

/*
 * Does the sub-command say how later rows get the values of a column that the
 * same statement adds?  Its existing rows have those of ADD COLUMN.
 */
static bool
is_for_later_rows(const AlterTableCmd *cmd, List *cmds)
{
	return ((cmd->subtype == AT_ColumnDefault && cmd->def != NULL) ||
			cmd->subtype == AT_AddIdentity || cmd->subtype == AT_SetIdentity) &&
		adds_column(cmds, cmd->name);
}

/*
 * The sub-commands that concern rows and indexes, as the shadow takes them:
 * those that are for later rows, or the others.
 */
static List *
commands_for_shadow(Oid source, List *cmds, bool later_rows)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (on_shadow(cmd) != ON_SHADOW_RUN || is_for_later_rows(cmd, cmds) != later_rows)
			continue;
		unqualify_sequences(cmd);
		if ((cmd->subtype == AT_DropConstraint || cmd->subtype == AT_ValidateConstraint) &&
			osc_is_foreign_key(source, cmd->name))
			continue;
		if (cmd->subtype == AT_AddColumn)
			strip_foreign_keys(castNode(ColumnDef, cmd->def));

		/*
		 * The shadow is empty when this runs: USING may name the table with
		 * its schema, and the mapping takes it from the original.
		 */
		if (cmd->subtype == AT_AlterColumnType && castNode(ColumnDef, cmd->def)->raw_default)
		{
			A_Const    *null_const = makeNode(A_Const);

			null_const->isnull = true;
			null_const->location = -1;
			castNode(ColumnDef, cmd->def)->raw_default = (Node *) null_const;
		}
		result = lappend(result, cmd);
	}
	return result;
}

static Node *
statement_for_shadow(const OscStatement *s, const char *nspname, const char *relname,
					 bool later_rows)
{
	Node	   *copy = aimed_at(s->node, nspname, relname);

	if (IsA(copy, AlterTableStmt))
	{
		AlterTableStmt *alter = castNode(AlterTableStmt, copy);

		alter->cmds = commands_for_shadow(s->relid, alter->cmds, later_rows);
		return alter->cmds == NIL ? NULL : copy;
	}
	return !later_rows && (IsA(copy, RenameStmt) || IsA(copy, IndexStmt) || IsA(copy, DropStmt)) ?
		copy : NULL;
}

/*
 * A copy of the statement for the shadow nspname.relname of its table, without
 * what does not concern rows and indexes; NULL if nothing is left.
 */
Node *
osc_statement_for_shadow(const OscStatement *s, const char *nspname, const char *relname)
{
	return statement_for_shadow(s, nspname, relname, false);
}

/*
 * The part of the statement that the copy above leaves out because it is for
 * rows to come: defaults of columns that it adds.  NULL if there is none.
 */
Node *
osc_statement_for_later_rows(const OscStatement *s, const char *nspname, const char *relname)
{
	return statement_for_shadow(s, nspname, relname, true);
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
 * The same with an ALTER TABLE that we wrote ourselves.
 */
void
osc_alter_by_text(Oid relid, const char *sql)
{
	osc_alter_quietly(castNode(AlterTableStmt, osc_parse_command(sql)), relid);
}

/*
 * Run a parse tree as a user would: with rights, hooks and event triggers.
 * It is consumed.
 */
void
osc_run_as_user(Node *node, const char *text)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(utility_wrapper(node), text, false,
				   PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver, NULL);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

/*
 * New foreign keys are not checked now, nor are old ones: see
 * finish/foreign_keys.c.  Of a partitioned table they cannot be NOT VALID
 * before 18: they are checked, against no rows.
 */
static void
leave_unvalidated(AlterTableStmt *stmt, Oid relid)
{
	bool		partitioned = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	List	   *kept = NIL;
	ListCell   *lc,
			   *c;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		List	   *constraints = NIL;

		if (cmd->subtype == AT_ValidateConstraint && osc_is_foreign_key(relid, cmd->name))
			continue;
		kept = lappend(kept, cmd);
		if (cmd->subtype == AT_AddConstraint)
			constraints = list_make1(cmd->def);
		else if (cmd->subtype == AT_AddColumn)
			constraints = castNode(ColumnDef, cmd->def)->constraints;
		foreach(c, constraints)
		{
			Constraint *con = lfirst_node(Constraint, c);

			if (con->contype == CONSTR_FOREIGN && !partitioned)
			{
				con->skip_validation = true;
				con->initially_valid = false;
			}
		}
	}
	stmt->cmds = kept;
}

/*
 * Run a statement natively on its table, under the name that this has now.
 * in_swap: the table's rows are elsewhere at the moment, so that foreign keys
 * are left NOT VALID, and what only rewrites has nothing to do.
 */
void
osc_run_statement(const OscStatement *s, bool in_swap)
{
	Node	   *node;

	if (!OidIsValid(s->relid))
		return;
	node = aimed_at(s->node, get_namespace_name(get_rel_namespace(s->relid)),
					get_rel_name(s->relid));
	if (IsA(node, VacuumStmt) || (in_swap && IsA(node, ReindexStmt)))
		return;
	if (in_swap && IsA(node, AlterTableStmt))
	{
		leave_unvalidated(castNode(AlterTableStmt, node), s->relid);
		if (castNode(AlterTableStmt, node)->cmds == NIL)
			return;
	}
	osc_run_as_user(node, s->text);
}
