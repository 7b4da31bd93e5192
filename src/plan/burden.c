/*-------------------------------------------------------------------------
 *
 * burden.c
 *	  What a plain statement would do to a large table.
 *
 * The guard of large tables (online_schema.guard) asks here before a command
 * begins.  The parse tree tells of scans, index builds and moves; whether a
 * table is rewritten the server tells by itself, by the event table_rewrite,
 * before it does it.  This is no plan: the planner (classify.c) rehearses a
 * statement on an empty clone, which is too much for every DDL.  What only the
 * rehearsal shows (a change of type that rebuilds an index or checks a
 * constraint anew) goes unnoticed here.
 *
 * Locks: ACCESS SHARE on the table, given back at once: the command itself is
 * about to ask for a stronger one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "model/statement.h"
#include "plan/burden.h"
#include "plan/classify.h"

/* does SET NOT NULL of the column need no scan? */
static bool
is_proved_not_null(Oid relid, const char *column)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		proved;

	if (rel == NULL)
		return true;
	/* one that is not there is for the command to tell */
	proved = get_attnum(relid, column) <= 0 || osc_not_null_is_proved(rel, column);
	relation_close(rel, AccessShareLock);
	return proved;
}

/* adding it in ALTER TABLE; with_column: as part of ADD COLUMN */
static bool
constraint_burden(const Constraint *con, bool with_column, OscBurden *burden)
{
	switch (con->contype)
	{
		case CONSTR_CHECK:
			if (con->skip_validation)
				return false;
			*burden = (OscBurden) {"scan", "reads and writes"};
			return true;
		case CONSTR_FOREIGN:
			/* a new column without a default has only NULLs: no scan */
			if (con->skip_validation || with_column)
				return false;
			*burden = (OscBurden) {"scan", "writes"};
			return true;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
		case CONSTR_EXCLUSION:
			if (con->indexname != NULL)
				return false;
			*burden = (OscBurden) {"build an index on", "reads and writes"};
			return true;
		default:
			return false;
	}
}

static bool
added_column_burden(const ColumnDef *def, OscBurden *burden)
{
	bool		has_default = osc_column_has_default(def);
	ListCell   *lc;

	foreach(lc, def->constraints)
		if (constraint_burden(lfirst_node(Constraint, lc), !has_default, burden))
			return true;
	return false;
}

static bool
subcommand_burden(const AlterTableCmd *cmd, Oid relid, OscBurden *burden)
{
	Oid			space;

	switch (cmd->subtype)
	{
		case AT_AddConstraint:
			return constraint_burden(castNode(Constraint, cmd->def), false, burden);
		case AT_AddColumn:
			return added_column_burden(castNode(ColumnDef, cmd->def), burden);
		case AT_SetNotNull:
			if (is_proved_not_null(relid, cmd->name))
				return false;
			*burden = (OscBurden) {"scan", "reads and writes"};
			return true;
		case AT_SetTableSpace:
			/* blocks are copied, which is no rewrite to the server */
			space = get_rel_tablespace(relid);
			if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ||
				get_tablespace_oid(cmd->name, true) == (OidIsValid(space) ? space : MyDatabaseTableSpace))
				return false;
			*burden = (OscBurden) {"copy", "reads and writes"};
			return true;
		default:
			return false;
	}
}

/*
 * The table that a statement may burden, NULL for a statement that burdens
 * none.
 */
const RangeVar *
osc_burdened_table(const Node *stmt)
{
	if (IsA(stmt, IndexStmt))
		return ((const IndexStmt *) stmt)->relation;
	if (IsA(stmt, AlterTableStmt) &&
		((const AlterTableStmt *) stmt)->objtype == OBJECT_TABLE)
		return ((const AlterTableStmt *) stmt)->relation;
	return NULL;
}

/*
 * Would the statement work long on the table, if that is large, under a lock
 * that blocks others?  True with *burden set to the first such work.
 */
bool
osc_statement_burden(const Node *stmt, Oid relid, OscBurden *burden)
{
	ListCell   *lc;

	if (IsA(stmt, IndexStmt))
	{
		const IndexStmt *index = (const IndexStmt *) stmt;

		if (index->concurrent ||
			(index->if_not_exists && index->idxname != NULL &&
			 OidIsValid(get_relname_relid(index->idxname, get_rel_namespace(relid)))))
			return false;
		*burden = (OscBurden) {"build an index on", "writes"};
		return true;
	}
	if (!IsA(stmt, AlterTableStmt))
		return false;
	foreach(lc, ((const AlterTableStmt *) stmt)->cmds)
		if (subcommand_burden(lfirst_node(AlterTableCmd, lc), relid, burden))
			return true;
	return false;
}

/* bytes of one relation with storage */
static int64
relation_bytes(Relation rel)
{
	return RELKIND_HAS_STORAGE(rel->rd_rel->relkind) ?
		(int64) RelationGetNumberOfBlocks(rel) * BLCKSZ : 0;
}

/*
 * Bytes of a table that is in everybody's way while it is locked: with TOAST,
 * indexes apart, and with what inherits from it.  0 for one that nobody else
 * sees (temporary, or made or emptied by this transaction), for catalogs, and
 * for one that is gone.
 */
int64
osc_table_size(Oid relid)
{
	List	   *relids = list_make1_oid(relid);
	int64		bytes = 0;
	ListCell   *lc;

	if (has_subclass(relid))
		relids = find_all_inheritors(relid, NoLock, NULL);
	foreach(lc, relids)
	{
		Relation	rel = try_relation_open(lfirst_oid(lc), AccessShareLock);
		Relation	toast;

		if (rel == NULL)
			continue;
		if (!RelationUsesLocalBuffers(rel) && !IsCatalogRelation(rel) &&
			rel->rd_createSubid == InvalidSubTransactionId &&
			rel->rd_firstRelfilelocatorSubid == InvalidSubTransactionId)
		{
			bytes += relation_bytes(rel);
			toast = OidIsValid(rel->rd_rel->reltoastrelid) ?
				try_relation_open(rel->rd_rel->reltoastrelid, AccessShareLock) : NULL;
			if (toast != NULL)
			{
				bytes += relation_bytes(toast);
				relation_close(toast, AccessShareLock);
			}
		}
		relation_close(rel, AccessShareLock);
	}
	return bytes;
}
