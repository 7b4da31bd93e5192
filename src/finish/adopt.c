/*-------------------------------------------------------------------------
 *
 * adopt.c
 *	  Constraints that were made part by part, as if native had made them.
 *
 * A partition's constraint that is taken over by one of its parent keeps
 * marks of its time alone: connoinherit, and dependencies of a foreign key's
 * triggers, which depend on the constraint anyhow.  And VALIDATE CONSTRAINT
 * marks only the row that it is told, not those of the partitions of a table
 * that is referred to.  All this is put right here, but only in constraints
 * that the job itself has made.
 *
 * Locks: those of the command that went before.  A crash leaves what the
 * transaction of that command leaves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "finish/adopt.h"
#include "finish/foreign_keys.h"
#include "model/statement.h"

static AlterTableStmt *
parse_alter(const char *command)
{
	Node	   *node = osc_parse_command(command);

	return IsA(node, AlterTableStmt) ? (AlterTableStmt *) node : NULL;
}

/* the constraint that a command adds alone, or NULL */
static Constraint *
added_by(const char *command)
{
	AlterTableStmt *alter = parse_alter(command);
	AlterTableCmd *cmd;

	if (alter == NULL || list_length(alter->cmds) != 1)
		return NULL;
	cmd = linitial_node(AlterTableCmd, alter->cmds);
	return cmd->subtype == AT_AddConstraint ? castNode(Constraint, cmd->def) : NULL;
}

/* does a command of the job add this constraint? */
static bool
is_made_by(const OscJob *job, Oid relid, const char *name)
{
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		Constraint *con = step->relid == relid ? added_by(step->command) : NULL;

		if (con && con->conname && strcmp(con->conname, name) == 0)
			return true;
	}
	return false;
}

/* the triggers of a foreign key that was made with its parent's depend on the constraint alone */
static void
forget_parent_triggers(Oid constraint)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgconstraint, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(constraint));
	scan = systable_beginscan(rel, TriggerConstraintIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			trigger = ((Form_pg_trigger) GETSTRUCT(tuple))->oid;

		deleteDependencyRecordsForClass(TriggerRelationId, trigger, TriggerRelationId,
										DEPENDENCY_PARTITION_PRI);
		deleteDependencyRecordsForClass(TriggerRelationId, trigger, RelationRelationId,
										DEPENDENCY_PARTITION_SEC);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* if the job has made the constraint, and it is a part of another one now */
static void
make_part(const OscJob *job, Oid constraint)
{
	Relation	rel;
	HeapTuple	tuple = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (form->connoinherit && OidIsValid(form->conparentid) &&
		is_made_by(job, form->conrelid, NameStr(form->conname)))
	{
		if (form->contype == CONSTRAINT_FOREIGN)
			forget_parent_triggers(constraint);
		rel = table_open(ConstraintRelationId, RowExclusiveLock);
		form->connoinherit = false;
		CatalogTupleUpdate(rel, &tuple->t_self, tuple);
		table_close(rel, RowExclusiveLock);
		CommandCounterIncrement();
	}
	heap_freetuple(tuple);
}

/*
 * A command of the job has just been run: set the marks that it leaves to us.
 */
void
osc_adopt_parts(const OscJob *job, const OscJobStep *step)
{
	AlterTableStmt *alter = parse_alter(step->command);
	AlterTableCmd *cmd;
	Oid			key;
	ListCell   *lc;

	if (alter == NULL || list_length(alter->cmds) != 1)
		return;
	cmd = linitial_node(AlterTableCmd, alter->cmds);
	if (alter->objtype == OBJECT_INDEX && cmd->subtype == AT_AttachPartition)
		make_part(job, get_index_constraint(RangeVarGetRelid(castNode(PartitionCmd, cmd->def)->name,
																   NoLock, false)));
	else if (cmd->subtype == AT_AttachPartition)
		foreach(lc, job->steps)
		{
			OscJobStep *other = lfirst(lc);
			Constraint *con = added_by(other->command);

			if (con && con->conname && get_rel_name(other->relid))
				make_part(job, get_relation_constraint_oid(other->relid, con->conname, true));
		}
	else if (cmd->subtype == AT_AddConstraint && castNode(Constraint, cmd->def)->conname &&
			 castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN)
	{
		key = get_relation_constraint_oid(step->relid, castNode(Constraint, cmd->def)->conname, true);
		if (OidIsValid(key))
			foreach(lc, osc_foreign_key_parts(key, false))
				make_part(job, lfirst_oid(lc));
	}
	else if (cmd->subtype == AT_ValidateConstraint && is_made_by(job, step->relid, cmd->name))
	{
		key = get_relation_constraint_oid(step->relid, cmd->name, true);
		if (OidIsValid(key) && osc_is_foreign_key(step->relid, cmd->name))
			osc_foreign_key_set_validated(key, true);
	}
}
