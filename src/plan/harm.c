/*-------------------------------------------------------------------------
 *
 * harm.c
 *	  Whether somebody else's DDL would spoil the work of a job.
 *
 * A job's copy fits one definition of its table (model/relinfo.c,
 * osc_fingerprint): what changes that, or the table's name, owner, storage or
 * place in a partition tree, makes the job fail.  So does what takes the
 * capture trigger away.  Everything else passes: grants, comments, policies,
 * user triggers, storage parameters, statistics, foreign keys (the swap looks
 * them up anew).  Strategy column makes constraints and indexes anew as they were
 * when it was planned: what would change these, or marks and comments on them,
 * does not pass.  ALTER TABLE passes only with sub-commands that are listed
 * here; one that a later release brings is refused.
 *
 * The answer is given from the parse tree before the command has any lock, so
 * that nobody queues behind a command that will be refused.  Names are looked
 * up then and may mean something else when the command looks them up again,
 * and a job may begin in between; the job's own checks under its locks
 * (finish/swap_storage.c) are what its correctness rests on.
 *
 * Locks: none; for ALTER INDEX ALL IN TABLESPACE for a moment ACCESS SHARE on
 * the tables of jobs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/ident.h"
#include "model/relinfo.h"
#include "plan/harm.h"

/* how the names of our triggers begin, see mirror/capture.c, and what is in them, mirror/mirror.c */
#define CAPTURE_TRIGGER_PREFIX "osc_capture_"
#define MIRROR_TRIGGER_PART "~osc_mirror_"

/* the table of that name, or that the index of that name is on; else InvalidOid */
static Oid
table_named(const RangeVar *name)
{
	Oid			relid = RangeVarGetRelidExtended(name, NoLock, RVR_MISSING_OK, NULL, NULL);
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		return IndexGetRelation(relid, true);
	return relid;
}

static bool
is_index(const RangeVar *name)
{
	char		relkind = get_rel_relkind(RangeVarGetRelidExtended(name, NoLock, RVR_MISSING_OK,
																   NULL, NULL));

	return relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX;
}

/*
 * Does a command on this table reach the claimed one?  It does on a parent,
 * from which it goes down, and on a partition of a claimed table.
 */
static bool
reaches(Oid relid, const OscClaim *claim)
{
	if (!OidIsValid(relid))
		return false;
	if (relid == claim->relid)
		return true;
	if (has_subclass(relid) &&
		list_member_oid(find_all_inheritors(relid, NoLock, NULL), claim->relid))
		return true;
	return get_rel_relispartition(relid) &&
		list_member_oid(get_partition_ancestors(relid), claim->relid);
}

static bool
reaches_named(const RangeVar *name, const OscClaim *claim)
{
	return name != NULL && reaches(table_named(name), claim);
}

static bool
is_capture_trigger(const char *name)
{
	return name != NULL &&
		(strncmp(name, CAPTURE_TRIGGER_PREFIX, strlen(CAPTURE_TRIGGER_PREFIX)) == 0 ||
		 strstr(name, MIRROR_TRIGGER_PART) != NULL);
}

static bool
is_foreign_key(Oid relid, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(relid, name, true);
	HeapTuple	tuple;
	bool		result;

	if (!OidIsValid(constraint))
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_FOREIGN;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Does the sub-command change what strategy column has planned to make anew
 * from what it was: keys and their flags, marks on indexes?
 */
static bool
is_made_anew(const AlterTableCmd *cmd, bool index)
{
	switch (cmd->subtype)
	{
		case AT_AddConstraint:
		case AT_AlterConstraint:
		case AT_ValidateConstraint:
		case AT_ReplicaIdentity:
		case AT_ClusterOn:
		case AT_DropCluster:
			return true;
		case AT_SetStatistics:
			return index;
		default:
			return false;
	}
}

/* does the sub-command leave alone what a job relies on? */
static bool
subcommand_passes(const AlterTableCmd *cmd, const OscClaim *claim, bool index)
{
	if (claim->in_place && is_made_anew(cmd, index))
		return false;
	switch (cmd->subtype)
	{
		case AT_SetStatistics:
		case AT_SetOptions:
		case AT_ResetOptions:
		case AT_SetStorage:
		case AT_SetCompression:
		case AT_AlterConstraint:
		case AT_ClusterOn:
		case AT_DropCluster:
		case AT_EnableTrigUser:
		case AT_DisableTrigUser:
		case AT_EnableRule:
		case AT_EnableAlwaysRule:
		case AT_EnableReplicaRule:
		case AT_DisableRule:
		case AT_ReplicaIdentity:
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			return true;
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
			/* those of an index belong to its definition */
			return !index;
		case AT_EnableTrig:
		case AT_EnableAlwaysTrig:
		case AT_EnableReplicaTrig:
		case AT_DisableTrig:
			return !is_capture_trigger(cmd->name);
		case AT_AddConstraint:
			return castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN;
		case AT_ValidateConstraint:
			return is_foreign_key(claim->relid, cmd->name);
		default:
			return false;
	}
}

/*
 * May the job go on if this partition comes to its tree, or goes?  It takes it
 * up then, or lets it go (drive/follow_tree.c).  Not if the job has the table
 * itself, or it is none that can be copied.
 */
static bool
tree_may_change(const AlterTableCmd *cmd, const RangeVar *other, const OscClaim *claim)
{
	Oid			relid = table_named(other);

	if (!claim->follows_tree)
		return false;
	switch (cmd->subtype)
	{
		case AT_AttachPartition:
			return !reaches(relid, claim) && get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE;
		case AT_DetachPartition:
		case AT_DetachPartitionFinalize:
			return relid != claim->relid || claim->reached;
		default:
			return false;
	}
}

static OscHarm
alter_table_harm(const AlterTableStmt *stmt, const OscClaim *claim)
{
	bool		reached = reaches_named(stmt->relation, claim);
	bool		index = reached && is_index(stmt->relation);
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
		const RangeVar *other = NULL;

		if (cmd->subtype == AT_AttachPartition || cmd->subtype == AT_DetachPartition ||
			cmd->subtype == AT_DetachPartitionFinalize)
			other = castNode(PartitionCmd, cmd->def)->name;
		else if (cmd->subtype == AT_AddInherit || cmd->subtype == AT_DropInherit)
			other = castNode(RangeVar, cmd->def);
		if (other != NULL && stmt->objtype == OBJECT_TABLE && tree_may_change(cmd, other, claim))
			continue;
		if (other != NULL && (reached || reaches_named(other, claim)))
			return OSC_HARM_PARTITION;
		if (reached && !subcommand_passes(cmd, claim, index))
			return OSC_HARM_TABLE;
	}
	return OSC_NO_HARM;
}

static OscHarm
create_table_harm(const CreateStmt *stmt, bool foreign, const OscClaim *claim)
{
	ListCell   *lc;

	if (stmt->if_not_exists && OidIsValid(table_named(stmt->relation)))
		return OSC_NO_HARM;		/* nothing will be made */
	if (stmt->partbound != NULL && claim->follows_tree && !foreign)
		return OSC_NO_HARM;		/* the job takes it up */
	foreach(lc, stmt->inhRelations)
		if (reaches_named(lfirst_node(RangeVar, lc), claim))
			return OSC_HARM_PARTITION;
	return OSC_NO_HARM;
}

static OscHarm
create_index_harm(const IndexStmt *stmt, const OscClaim *claim)
{
	Oid			relid = stmt->relation ? table_named(stmt->relation) : InvalidOid;

	if (!reaches(relid, claim))
		return OSC_NO_HARM;
	if (stmt->if_not_exists && stmt->idxname != NULL &&
		OidIsValid(get_relname_relid(stmt->idxname, get_rel_namespace(relid))))
		return OSC_NO_HARM;		/* nothing will be made */
	return OSC_HARM_TABLE;
}

static OscHarm
rename_harm(const RenameStmt *stmt, const OscClaim *claim)
{
	switch (stmt->renameType)
	{
		case OBJECT_SCHEMA:
			/* names in the statement, and the job's search_path, would fail */
			return get_rel_namespace(claim->relid) == get_namespace_oid(stmt->subname, true) ?
				OSC_HARM_TABLE : OSC_NO_HARM;
		case OBJECT_TRIGGER:
			if (!is_capture_trigger(stmt->subname))
				return OSC_NO_HARM;
			break;
		case OBJECT_POLICY:
		case OBJECT_RULE:
			return OSC_NO_HARM;
		default:
			break;
	}
	return reaches_named(stmt->relation, claim) ? OSC_HARM_TABLE : OSC_NO_HARM;
}

/* is this a partition that the job lets go: below the claimed table, or the table or one above it? */
static bool
may_be_dropped(Oid relid, const OscClaim *claim)
{
	if (!claim->follows_tree || !OidIsValid(relid) || !get_rel_relispartition(relid))
		return false;
	return claim->reached || list_member_oid(get_partition_ancestors(relid), claim->relid);
}

static OscHarm
drop_harm(const DropStmt *stmt, const OscClaim *claim)
{
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		if (stmt->removeType == OBJECT_TABLE &&
			may_be_dropped(table_named(makeRangeVarFromNameList(lfirst_node(List, lc))), claim))
			continue;
		if (stmt->removeType == OBJECT_TABLE || stmt->removeType == OBJECT_INDEX)
		{
			if (reaches_named(makeRangeVarFromNameList(lfirst_node(List, lc)), claim))
				return OSC_HARM_TABLE;
		}
		else if (stmt->removeType == OBJECT_TRIGGER)
		{
			List	   *names = list_copy(lfirst_node(List, lc));

			if (!is_capture_trigger(strVal(llast(names))))
				continue;
			names = list_truncate(names, list_length(names) - 1);
			if (reaches_named(makeRangeVarFromNameList(names), claim))
				return OSC_HARM_TABLE;
		}
	}
	return OSC_NO_HARM;
}

/* a comment on an index or a constraint that strategy column makes anew */
static OscHarm
comment_harm(const CommentStmt *stmt, const OscClaim *claim)
{
	List	   *names;

	if (!claim->in_place || (stmt->objtype != OBJECT_INDEX && stmt->objtype != OBJECT_TABCONSTRAINT))
		return OSC_NO_HARM;
	names = list_copy(castNode(List, stmt->object));
	if (stmt->objtype == OBJECT_TABCONSTRAINT)
		names = list_truncate(names, list_length(names) - 1);
	return reaches_named(makeRangeVarFromNameList(names), claim) ? OSC_HARM_TABLE : OSC_NO_HARM;
}

static bool
names_role(List *roles, Oid role)
{
	ListCell   *lc;

	foreach(lc, roles)
		if (get_rolespec_oid(lfirst_node(RoleSpec, lc), true) == role)
			return true;
	return false;
}

/* ALTER TABLE | INDEX ALL IN TABLESPACE */
static OscHarm
move_all_harm(const AlterTableMoveAllStmt *stmt, const OscClaim *claim)
{
	Oid			from = get_tablespace_oid(stmt->orig_tablespacename, true);
	List	   *relids = NIL;
	Relation	rel;
	ListCell   *lc;

	if (stmt->roles != NIL && !names_role(stmt->roles, osc_relation_owner(claim->relid)))
		return OSC_NO_HARM;
	rel = try_relation_open(claim->relid, AccessShareLock);
	if (rel == NULL)
		return OSC_NO_HARM;
	relids = stmt->objtype == OBJECT_TABLE ? list_make1_oid(claim->relid) :
		stmt->objtype == OBJECT_INDEX ? osc_index_oids(rel) : NIL;
	relation_close(rel, AccessShareLock);
	foreach(lc, relids)
	{
		Oid			space = get_rel_tablespace(lfirst_oid(lc));

		if (from == (OidIsValid(space) ? space : MyDatabaseTableSpace))
			return OSC_HARM_TABLE;
	}
	return OSC_NO_HARM;
}

/*
 * Would the statement, which is about to be run, spoil the work of the job
 * that has this table?  Raises what the look-up of its names raises.
 */
OscHarm
osc_statement_harm(const Node *stmt, const OscClaim *claim)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return alter_table_harm((const AlterTableStmt *) stmt, claim);
		case T_CreateStmt:
			return create_table_harm((const CreateStmt *) stmt, false, claim);
		case T_CreateForeignTableStmt:
			return create_table_harm(&((const CreateForeignTableStmt *) stmt)->base, true, claim);
		case T_IndexStmt:
			return create_index_harm((const IndexStmt *) stmt, claim);
		case T_RenameStmt:
			return rename_harm((const RenameStmt *) stmt, claim);
		case T_DropStmt:
			return drop_harm((const DropStmt *) stmt, claim);
		case T_AlterObjectSchemaStmt:
			return reaches_named(((const AlterObjectSchemaStmt *) stmt)->relation, claim) ?
				OSC_HARM_TABLE : OSC_NO_HARM;
		case T_CommentStmt:
			return comment_harm((const CommentStmt *) stmt, claim);
		case T_RuleStmt:
			/* the only rule that would make the table a view */
			return ((const RuleStmt *) stmt)->event == CMD_SELECT &&
				reaches_named(((const RuleStmt *) stmt)->relation, claim) ?
				OSC_HARM_TABLE : OSC_NO_HARM;
		case T_DropOwnedStmt:
			return names_role(((const DropOwnedStmt *) stmt)->roles, osc_relation_owner(claim->relid)) ?
				OSC_HARM_TABLE : OSC_NO_HARM;
		case T_AlterTableMoveAllStmt:
			return move_all_harm((const AlterTableMoveAllStmt *) stmt, claim);
		default:
			return OSC_NO_HARM;
	}
}

/*
 * Would the statement, which is about to be run, drop the extension: by its
 * name, with its schema, or with all that its owner has?
 */
bool
osc_drops_extension(const Node *stmt)
{
	const DropStmt *drop = (const DropStmt *) stmt;
	const char *name;
	ListCell   *lc;

	if (!OidIsValid(osc_extension_oid(true)))
		return false;
	if (IsA(stmt, DropOwnedStmt))
		return names_role(((const DropOwnedStmt *) stmt)->roles, osc_extension_owner());
	if (!IsA(stmt, DropStmt))
		return false;
	if (drop->removeType == OBJECT_EXTENSION)
		name = OSC_EXTENSION_NAME;
	else if (drop->removeType == OBJECT_SCHEMA && drop->behavior == DROP_CASCADE)
		name = osc_function_schema();
	else
		return false;
	foreach(lc, drop->objects)
		if (strcmp(strVal(lfirst(lc)), name) == 0)
			return true;
	return false;
}

/*
 * A command has dropped something, with its locks still held: did it drop the
 * table, or change its definition (a column or an index that went with a
 * type or a function)?  Dropping either takes ACCESS EXCLUSIVE on the table
 * (heap.c, index.c, pg_constraint.c): without that lock it was not us.
 */
bool
osc_drop_harm(const OscClaim *claim)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, claim->relid);
	if (!osc_lock_held_by_me(&tag, AccessExclusiveLock))
		return false;
	if (get_rel_relkind(claim->relid) == '\0')
		return !(claim->follows_tree && claim->reached);
	/* a partition that is detached, and the table that it leaves */
	if (claim->follows_tree &&
		(get_rel_relkind(claim->relid) == RELKIND_PARTITIONED_TABLE ||
		 (claim->reached && !get_rel_relispartition(claim->relid))))
		return false;
	return claim->fingerprint != NULL &&
		strcmp(osc_fingerprint(claim->relid), claim->fingerprint) != 0;
}
