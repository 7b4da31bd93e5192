/*-------------------------------------------------------------------------
 *
 * classify.c
 *	  Which strategy each part of a script needs.
 *
 * Whether rows or indexes are rewritten is asked of the server: the
 * statements are applied to an empty clone, and its storage is compared.
 * What the clone cannot show, scans and their locks, comes from the kind of
 * the sub-command (AlterTableGetLockLevel() in tablecmds.c has the locks).
 * If one part needs a copy, all parts on that table go into it.
 *
 * Locks: ACCESS SHARE on the relation, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/run.h"
#include "model/backfill_spec.h"
#include "model/relinfo.h"
#include "model/statement.h"
#include "model/tree.h"
#include "plan/classify.h"
#include "plan/rehearse.h"

const char *
osc_strategy_name(OscStrategy strategy)
{
	static const char *const names[] = {"instant", "constraint", "index", "copy", "column"};

	return names[strategy];
}

/*
 * The columns (String) of a table's index, found by its name; NIL if there is
 * no such index.
 */
List *
osc_index_columns(Relation rel, const char *name)
{
	Oid			oid = get_relname_relid(name, RelationGetNamespace(rel));
	List	   *result = NIL;
	Relation	index;

	if (!OidIsValid(oid) || get_rel_relkind(oid) != RELKIND_INDEX)
		return NIL;
	index = index_open(oid, AccessShareLock);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
		if (index->rd_index->indkey.values[i] > 0)
			result = lappend(result, makeString(get_attname(index->rd_index->indrelid,
															index->rd_index->indkey.values[i], false)));
	index_close(index, NoLock);
	return result;
}

static bool
is_not_null_test(Node *expr, AttrNumber attnum)
{
	NullTest   *test = (NullTest *) expr;

	return IsA(expr, NullTest) && test->nulltesttype == IS_NOT_NULL &&
		!test->argisrow && IsA(test->arg, Var) && ((Var *) test->arg)->varattno == attnum;
}

/* the same, of one table */
static bool
is_not_null_here(Relation rel, const char *colname)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), colname);
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	if (attnum <= 0)
		return false;
	if (osc_att_must_be_not_null(RelationGetDescr(rel), attnum - 1))
		return true;
	for (int i = 0; constr && i < constr->num_check; i++)
	{
		ListCell   *lc;

		if (!constr->check[i].ccvalid)
			continue;
		foreach(lc, make_ands_implicit((Expr *) stringToNode(constr->check[i].ccbin)))
			if (is_not_null_test(lfirst(lc), attnum))
				return true;
	}
	return false;
}

/*
 * Is it known that the column holds no NULL, in the table and in all its
 * children, so that SET NOT NULL scans nothing (tablecmds.c,
 * NotNullImpliedByRelConstraints)?
 */
bool
osc_not_null_is_proved(Relation rel, const char *colname)
{
	ListCell   *lc;

	foreach(lc, osc_descendants(RelationGetRelid(rel)))
	{
		Relation	one = table_open(lfirst_oid(lc), NoLock);
		bool		proved = is_not_null_here(one, colname);

		table_close(one, NoLock);
		if (!proved)
			return false;
	}
	return true;
}

/* may the columns of a new primary key hold NULLs, as far as is known? */
static bool
key_is_nullable(Relation rel, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
		if (get_attnum(RelationGetRelid(rel), strVal(lfirst(lc))) != InvalidAttrNumber &&
			!osc_not_null_is_proved(rel, strVal(lfirst(lc))))
			return true;
	return false;
}

static void
set(OscPart *part, OscStrategy strategy, const char *rule)
{
	part->strategy = strategy;
	part->rule = rule;
}

static void
classify_constraint(Relation rel, OscPart *part, const Constraint *con)
{
	switch (con->contype)
	{
		case CONSTR_CHECK:
			if (con->skip_validation)
				set(part, OSC_INSTANT, "add-check-not-valid");
			else
				set(part, OSC_CONSTRAINT, "add-check");
			break;
		case CONSTR_FOREIGN:
			if (con->skip_validation)
				set(part, OSC_INSTANT, "add-foreign-key-not-valid");
			else
				set(part, OSC_CONSTRAINT, "add-foreign-key");
			break;
		case CONSTR_UNIQUE:
			if (con->indexname)
				set(part, OSC_INSTANT, "add-constraint-using-index");
			else
				set(part, OSC_INDEX, "add-unique");
			break;
		case CONSTR_PRIMARY:
			if (con->indexname == NULL)
				set(part, OSC_INDEX, "add-primary-key");
			else if (key_is_nullable(rel, osc_index_columns(rel, con->indexname)))
				set(part, OSC_CONSTRAINT, "add-primary-key-nullable");
			else
				set(part, OSC_INSTANT, "add-constraint-using-index");
			break;
		case CONSTR_EXCLUSION:
			set(part, OSC_COPY, "add-exclude");
			break;
		default:
			set(part, OSC_INSTANT, "alter-constraint");
			break;
	}
}

static void
classify_new_column(OscPart *part, const ColumnDef *def)
{
	bool		has_default = osc_column_has_default(def);
	bool		not_null = false;
	ListCell   *lc;

	foreach(lc, def->constraints)
		if (lfirst_node(Constraint, lc)->contype == CONSTR_NOTNULL)
			not_null = true;
	set(part, OSC_INSTANT, has_default ? "add-column-default" :
		not_null ? "add-column-not-null" : "add-column");
	foreach(lc, def->constraints)
		switch (lfirst_node(Constraint, lc)->contype)
		{
			case CONSTR_CHECK:
				set(part, OSC_CONSTRAINT, "add-column-check");
				break;
			case CONSTR_FOREIGN:
				/* a new column of NULLs needs no check (parse_utilcmd.c) */
				if (has_default)
					set(part, OSC_CONSTRAINT, "add-column-references-default");
				break;
			case CONSTR_UNIQUE:
				set(part, OSC_INDEX, "add-column-unique");
				return;
			case CONSTR_PRIMARY:
				set(part, OSC_INDEX, "add-column-primary-key");
				return;
			default:
				break;
		}
}

/*
 * A type change that rewrites nothing: does native still scan, since CHECK
 * constraints or foreign keys on the column are made again?
 */
static void
classify_type_change(Relation rel, OscPart *part, const AlterTableCmd *cmd)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), cmd->name);
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	OscArgs		args = {0};
	OscStore	store;
	bool		in_foreign_key;

	set(part, OSC_INSTANT, "alter-type-compatible");
	if (attnum <= 0)
		return;
	for (int i = 0; constr && i < constr->num_check; i++)
	{
		Bitmapset  *attnums = NULL;

		pull_varattnos(stringToNode(constr->check[i].ccbin), 1, &attnums);
		if (bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, attnums))
			set(part, OSC_COPY, "alter-type-recheck");
	}
	osc_store_open(&store);
	osc_arg_oid(&args, RelationGetRelid(rel));
	osc_arg_int4(&args, attnum);
	in_foreign_key = osc_sql("SELECT 1 FROM pg_constraint WHERE contype = 'f' AND"
							 " ((conrelid = $1 AND $2 = ANY (conkey)) OR (confrelid = $1 AND $2 = ANY (confkey)))"
							 " LIMIT 1", &args) > 0;
	osc_store_close(&store);
	if (in_foreign_key)
		set(part, OSC_COPY, "alter-type-recheck");
}

/* the rule of a sub-command that never does more than change the catalog */
static const char *
catalog_rule(AlterTableType type)
{
	switch (type)
	{
		case AT_ColumnDefault:
			return "set-default";
		case AT_DropNotNull:
			return "drop-not-null";
		case AT_DropExpression:
			return "drop-expression";
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
			return "change-identity";
		case AT_SetStorage:
			return "set-storage";
		case AT_SetCompression:
			return "set-compression";
		case AT_SetStatistics:
			return "set-statistics";
		case AT_SetOptions:
		case AT_ResetOptions:
			return "set-attribute-options";
		case AT_SetRelOptions:
		case AT_ResetRelOptions:
		case AT_ReplaceRelOptions:
			return "set-storage-parameter";
		case AT_ClusterOn:
		case AT_DropCluster:
			return "cluster-on";
		case AT_ChangeOwner:
			return "change-owner";
		case AT_ReplicaIdentity:
			return "replica-identity";
		case AT_AddInherit:
		case AT_DropInherit:
			return "inherit";
		case AT_AddOf:
		case AT_DropOf:
			return "of-type";
		case AT_EnableRowSecurity:
		case AT_DisableRowSecurity:
		case AT_ForceRowSecurity:
		case AT_NoForceRowSecurity:
			return "row-security";
		default:
			return "enable-trigger";
	}
}

/* why a new column makes the server rewrite the table */
static const char *
rewriting_column_rule(const ColumnDef *def)
{
	ListCell   *lc;

	if (osc_column_is_serial(def))
		return "add-column-serial";
	foreach(lc, def->constraints)
	{
		ConstrType	type = lfirst_node(Constraint, lc)->contype;

		if (type == CONSTR_IDENTITY)
			return "add-column-identity";
		if (type == CONSTR_GENERATED)
			return "add-column-generated";
		if (type == CONSTR_DEFAULT)
			return "add-column-volatile-default";
	}
	return "add-column-domain";
}

/* is there anything to prove, or to build, before the partition can be attached? */
static void
classify_attach(OscPart *part)
{
	List	   *proofs;
	List	   *indexes = osc_rehearsal_indexes(part->statement, &proofs);
	ListCell   *lc;

	set(part, OSC_INSTANT, "attach-partition");
	foreach(lc, proofs)
		if (((OscTreeProof *) lfirst(lc))->condition)
			part->strategy = OSC_CONSTRAINT;
	foreach(lc, indexes)
		if (!((OscTreeIndex *) lfirst(lc))->exists)
			part->strategy = OSC_CONSTRAINT;
}

static void
classify_command(Relation rel, OscPart *part)
{
	AlterTableCmd *cmd = part->cmd;
	char		persistence = rel->rd_rel->relpersistence;

	/* of a table without storage these only say what new partitions get */
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		(cmd->subtype == AT_SetLogged || cmd->subtype == AT_SetUnLogged ||
		 cmd->subtype == AT_SetAccessMethod || cmd->subtype == AT_SetTableSpace))
	{
		set(part, OSC_INSTANT, cmd->subtype == AT_SetAccessMethod ? "set-access-method" :
			cmd->subtype == AT_SetTableSpace ? "set-tablespace" : "set-logged");
		return;
	}
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			/* native skips all of it, its constraints included */
			if (cmd->missing_ok && get_attnum(RelationGetRelid(rel),
											  castNode(ColumnDef, cmd->def)->colname) != InvalidAttrNumber)
				set(part, OSC_INSTANT, "add-column");
			else
				classify_new_column(part, castNode(ColumnDef, cmd->def));
			break;
		case AT_AlterColumnType:
			classify_type_change(rel, part, cmd);
			break;
		case AT_AddConstraint:
			classify_constraint(rel, part, castNode(Constraint, cmd->def));
			break;
		case AT_SetNotNull:
			if (osc_not_null_is_proved(rel, cmd->name))
				set(part, OSC_INSTANT, "set-not-null-proved");
			else
				set(part, OSC_CONSTRAINT, "set-not-null");
			break;
		case AT_ValidateConstraint:
			set(part, OSC_CONSTRAINT, "validate-constraint");
			break;
		case AT_DropColumn:
			set(part, OSC_INSTANT, "drop-column");
			break;
		case AT_DropConstraint:
			set(part, OSC_INSTANT, "drop-constraint");
			break;
		case AT_SetLogged:
			set(part, persistence == RELPERSISTENCE_PERMANENT ? OSC_INSTANT : OSC_COPY, "set-logged");
			break;
		case AT_SetUnLogged:
			set(part, persistence == RELPERSISTENCE_UNLOGGED ? OSC_INSTANT : OSC_COPY, "set-logged");
			break;
		case AT_SetAccessMethod:
			set(part, get_table_am_oid(cmd->name ? cmd->name : default_table_access_method, true) ==
				rel->rd_rel->relam ? OSC_INSTANT : OSC_COPY, "set-access-method");
			break;
		case AT_SetTableSpace:
			{
				Oid			new_space = get_tablespace_oid(cmd->name, true);

				if (new_space == MyDatabaseTableSpace)
					new_space = InvalidOid;
				set(part, new_space == rel->rd_rel->reltablespace ? OSC_INSTANT : OSC_COPY,
					"set-tablespace");
				break;
			}
		case AT_AttachPartition:
			classify_attach(part);
			break;
		case AT_DetachPartition:
			set(part, OSC_INSTANT, "detach-partition");
			break;
		case AT_AlterConstraint:
			set(part, OSC_INSTANT, "alter-constraint");
			break;
		default:
			set(part, OSC_INSTANT, catalog_rule(cmd->subtype));
			break;
	}
}

/* CONCURRENTLY passes over the index of an exclusion constraint (indexcmds.c) */
static bool
rebuilds_exclusion(Relation rel, const ReindexStmt *stmt)
{
	bool		result = false;
	ListCell   *lc;

	foreach(lc, osc_index_oids(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisexclusion &&
			(stmt->kind == REINDEX_OBJECT_TABLE ||
			 strcmp(RelationGetRelationName(index), stmt->relation->relname) == 0))
			result = true;
		index_close(index, NoLock);
	}
	return result;
}

static void
classify_statement(Relation rel, OscPart *part)
{
	switch (nodeTag(part->statement->node))
	{
		case T_RenameStmt:
			{
				ObjectType	type = castNode(RenameStmt, part->statement->node)->renameType;

				set(part, OSC_INSTANT, type == OBJECT_COLUMN ? "rename-column" :
					type == OBJECT_TABLE ? "rename-table" : "rename-constraint");
				break;
			}
		case T_AlterObjectSchemaStmt:
			set(part, OSC_INSTANT, "set-schema");
			break;
		case T_IndexStmt:
			set(part, OSC_INDEX, "create-index");
			break;
		case T_DropStmt:
			set(part, OSC_INDEX, "drop-index");
			break;
		case T_ReindexStmt:
			if (rebuilds_exclusion(rel, castNode(ReindexStmt, part->statement->node)))
				set(part, OSC_COPY, "add-exclude");
			else
				set(part, OSC_INDEX, "reindex");
			break;
		case T_VacuumStmt:
			set(part, OSC_COPY, "vacuum-full");
			break;
		case T_ClusterStmt:
			set(part, OSC_COPY, "cluster");
			break;
		default:
			elog(ERROR, "unexpected statement");
	}
}

/* the server rewrites: say so of those parts of which only it can tell */
static void
mark_rewriting(List *parts, OscRewrite rewrite)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		OscPart    *part = lfirst(lc);

		if (part->cmd == NULL)
			continue;
		if (part->cmd->subtype == AT_AlterColumnType)
			set(part, OSC_COPY, rewrite == OSC_REWRITES_ROWS ? "alter-type" : "alter-type-recheck");
		if (part->cmd->subtype == AT_AddColumn && rewrite == OSC_REWRITES_ROWS)
			set(part, OSC_COPY, rewriting_column_rule(castNode(ColumnDef, part->cmd->def)));
	}
}

/*
 * The parts (OscPart *) of the statements on one table, in their order, each
 * with its strategy.  Raises the errors that the statements meet on an empty
 * clone of the table.
 */
List *
osc_classify(Relation rel, List *statements)
{
	List	   *parts = NIL;
	ListCell   *lc,
			   *c,
			   *p;

	foreach(lc, statements)
	{
		OscStatement *s = lfirst(lc);
		OscPart    *part;

		if (!IsA(s->node, AlterTableStmt))
		{
			part = palloc0(sizeof(OscPart));
			part->statement = s;
			classify_statement(rel, part);
			parts = lappend(parts, part);
			continue;
		}
		forboth(c, castNode(AlterTableStmt, s->node)->cmds, p, osc_subcommand_slices(s))
		{
			part = palloc0(sizeof(OscPart));
			part->statement = s;
			part->cmd = lfirst_node(AlterTableCmd, c);
			part->slice = *(OscSlice *) lfirst(p);
			classify_command(rel, part);
			parts = lappend(parts, part);
		}
	}
	/* a table that cannot be cloned is refused if anything may need a copy */
	if (osc_whole_row_user(rel))
		mark_rewriting(parts, OSC_REWRITES_ROWS);
	else
	{
		OscRewrite	rewrite = osc_rehearsal_rewrites(statements);

		if (rewrite != OSC_REWRITES_NOTHING)
			mark_rewriting(parts, rewrite);
	}
	foreach(lc, parts)
	{
		OscPart    *part = lfirst(lc);

		if (part->cmd && osc_find_fill(part->statement->fills, part->cmd))
			set(part, OSC_COPY, "backfill");
	}
	return parts;
}
