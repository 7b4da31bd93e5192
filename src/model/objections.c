/*-------------------------------------------------------------------------
 *
 * objections.c
 *	  What native objects to, beside what depends on columns: found in the
 *	  catalogs, since an empty clone of the table would not show it.
 *
 * Locks: ACCESS SHARE on the relation, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_publication.h"
#include "commands/cluster.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/run.h"
#include "model/objections.h"
#include "model/relinfo.h"

/* a table that a foreign key ties to this one and that is (not) permanent */
static char *
tied_table(Relation rel, bool refers, bool permanent)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *name = NULL;

	osc_store_open(&store);
	osc_arg_oid(&args, RelationGetRelid(rel));
	osc_arg_bool(&args, permanent);
	if (osc_sql(psprintf("SELECT c.relname::text AS name FROM pg_constraint k JOIN pg_class c ON c.oid = k.%s"
						 " WHERE k.contype = 'f' AND k.%s = $1 AND c.oid <> $1"
						 " AND (c.relpersistence = 'p') = $2 ORDER BY k.oid LIMIT 1",
						 refers ? "confrelid" : "conrelid", refers ? "conrelid" : "confrelid"), &args) > 0)
		name = osc_col_text(&store, 0, "name");
	osc_store_close(&store);
	return name;
}

/* tablecmds.c, ATPrepChangePersistence() */
static void
check_persistence(Relation rel, bool to_logged, bool alone)
{
	char	   *other;

	if (rel->rd_rel->relpersistence == (to_logged ? RELPERSISTENCE_PERMANENT : RELPERSISTENCE_UNLOGGED))
		return;
	if (!to_logged && GetRelationPublications(RelationGetRelid(rel)) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot change table \"%s\" to unlogged because it is part of a publication",
						RelationGetRelationName(rel)),
				 errdetail("Unlogged relations cannot be replicated."),
				 errhint("Take the table out of the publication first.")));
	/* another statement of the script may change the other table, too */
	other = alone ? tied_table(rel, to_logged, !to_logged) : NULL;
	if (other == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
			 to_logged ?
			 errmsg("could not change table \"%s\" to logged because it references unlogged table \"%s\"",
					RelationGetRelationName(rel), other) :
			 errmsg("could not change table \"%s\" to unlogged because it references logged table \"%s\"",
					RelationGetRelationName(rel), other),
			 errhint("Change the other table first.")));
}

static void
check_typed(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot %s typed table", what),
			 errhint("Alter the type, or say NOT OF first.")));
}

/*
 * The index whose order a CLUSTER among the statements asks for; InvalidOid
 * if there is none.  Raises native's errors (cluster.c).
 */
Oid
osc_cluster_index(Relation rel, List *statements)
{
	Oid			result = InvalidOid;
	ListCell   *lc,
			   *i;

	foreach(lc, statements)
	{
		ClusterStmt *stmt = (ClusterStmt *) ((OscStatement *) lfirst(lc))->node;

		if (!IsA(stmt, ClusterStmt))
			continue;
		if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("CLUSTER of a partitioned table is not supported in an online schema change"),
					 errhint("Start a job for each partition, or one with a CLUSTER statement for each.")));
		result = InvalidOid;
		if (stmt->indexname)
			result = get_relname_relid(stmt->indexname, RelationGetNamespace(rel));
		else
			foreach(i, RelationGetIndexList(rel))
				if (get_index_isclustered(lfirst_oid(i)))
					result = lfirst_oid(i);
		if (!OidIsValid(result))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 stmt->indexname ?
					 errmsg("index \"%s\" for table \"%s\" does not exist",
							stmt->indexname, RelationGetRelationName(rel)) :
					 errmsg("there is no previously clustered index for table \"%s\"",
							RelationGetRelationName(rel)),
					 errhint("The indexes of the table are listed by \\d %s.", RelationGetRelationName(rel))));
		check_index_is_clusterable(rel, result, AccessShareLock);
	}
	return result;
}

/*
 * The index of the table's copy that stands for one of the table's own.
 */
Oid
osc_index_of_copy(Relation rel, Oid index, Oid copy)
{
	Oid			result = get_relname_relid(get_rel_name(index), get_rel_namespace(copy));

	if (!OidIsValid(result))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("CLUSTER is not supported together with a statement that drops or renames its index"),
				 errhint("Make it two jobs, one after the other.")));
	return result;
}

/*
 * Raise native's error where the statements cannot be carried out.  alone: the
 * script is one statement.
 */
void
osc_check_objections(Relation rel, List *statements, bool alone)
{
	bool		typed = OidIsValid(rel->rd_rel->reloftype);
	ListCell   *lc;

	(void) osc_cluster_index(rel, statements);
	foreach(lc, osc_commands_of(statements))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_SetLogged:
			case AT_SetUnLogged:
				check_persistence(rel, cmd->subtype == AT_SetLogged, alone);
				break;
			case AT_DropOf:
				typed = false;
				break;
			case AT_AddColumn:
				if (typed)
					check_typed("add column to");
				break;
			case AT_DropColumn:
				if (typed)
					check_typed("drop column from");
				break;
			case AT_AlterColumnType:
				if (typed)
					check_typed("alter column type of");
				break;
			default:
				break;
		}
	}
}
