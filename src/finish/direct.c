/*-------------------------------------------------------------------------
 *
 * direct.c
 *	  Running the commands of a job on the user's tables themselves: what
 *	  needs no copy.
 *
 * A short command and a scan are a transaction each, run natively in the job
 * owner's name after a polite lock.  Those of the swap are run together, in
 * one transaction, under all their locks.  Top-level commands are run by the
 * worker.  Locks that a command takes beyond those that we know of, on
 * children or on objects that it drops, are waited for no longer than
 * lock_timeout.
 *
 * What a crash leaves: a command is done or not, with the mark that says so;
 * of a top-level command an invalid index may be left, which is dropped
 * before the next attempt and by clean-up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/deadline.h"
#include "base/ident.h"
#include "base/notices.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "finish/adopt.h"
#include "finish/direct.h"
#include "finish/swap_message.h"
#include "finish/foreign_keys.h"
#include "finish/not_null.h"
#include "model/script.h"
#include "model/statement.h"
#include "model/tree.h"
#include "store/events.h"

/* the lock that the server takes on the table, ShareUpdateExclusive for CONCURRENTLY */
static LOCKMODE
lock_mode_of(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterTableStmt:
			/* ALTER INDEX ... ATTACH PARTITION: on the indexes */
			if (castNode(AlterTableStmt, node)->objtype == OBJECT_INDEX)
				return AccessExclusiveLock;
			return AlterTableGetLockLevel(castNode(AlterTableStmt, node)->cmds);
		case T_IndexStmt:
			return castNode(IndexStmt, node)->concurrent ? ShareUpdateExclusiveLock : ShareLock;
		case T_DropStmt:
			return castNode(DropStmt, node)->concurrent ? ShareUpdateExclusiveLock : AccessExclusiveLock;
		case T_ReindexStmt:
			return ShareUpdateExclusiveLock;
		default:
			return AccessExclusiveLock;
	}
}

/* does a command lock another table more strongly than its own, with ACCESS EXCLUSIVE? */
static bool
locks_another_harder(Node *node)
{
	AlterTableStmt *stmt = (AlterTableStmt *) node;
	AlterTableCmd *cmd;

	if (!IsA(node, AlterTableStmt) || stmt->objtype != OBJECT_TABLE)
		return false;
	cmd = linitial_node(AlterTableCmd, stmt->cmds);
	/* the partition */
	if (cmd->subtype == AT_AttachPartition)
		return true;
	/* the table referred to, when the partitions' keys become parts of the new one */
	return cmd->subtype == AT_AddConstraint && castNode(Constraint, cmd->def)->contype == CONSTR_FOREIGN &&
		get_rel_relkind(RangeVarGetRelid(stmt->relation, NoLock, true)) == RELKIND_PARTITIONED_TABLE;
}

/*
 * The strongest lock of a command, as people write it.
 */
const char *
osc_command_lock_mode(const char *command)
{
	Node	   *node = osc_parse_command(command);

	if (locks_another_harder(node))
		return "ACCESS EXCLUSIVE";
	switch (lock_mode_of(node))
	{
		case ShareUpdateExclusiveLock:
			return "SHARE UPDATE EXCLUSIVE";
		case ShareLock:
			return "SHARE";
		case ShareRowExclusiveLock:
			return "SHARE ROW EXCLUSIVE";
		default:
			return "ACCESS EXCLUSIVE";
	}
}

/*
 * What others cannot do under a lock of this mode.
 */
const char *
osc_lock_blocks(const char *lock_mode)
{
	if (strcmp(lock_mode, "ACCESS EXCLUSIVE") == 0)
		return "reads, writes";
	return strcmp(lock_mode, "SHARE UPDATE EXCLUSIVE") == 0 ? "nothing" : "writes";
}

/* an index, and what it is a part of or its parts: ACCESS EXCLUSIVE, if it is there */
static void
add_index_lock(OscLockSet *set, const RangeVar *name)
{
	Oid			index = RangeVarGetRelid(name, NoLock, true);

	if (OidIsValid(index))
		osc_lock_add(set, index, AccessExclusiveLock);
}

/* the locks on tables that a sub-command attaches, detaches or inherits from */
static void
add_link_locks(OscLockSet *set, Oid relid, const AlterTableCmd *cmd)
{
	RangeVar   *name = osc_linked_table(cmd);
	Oid			other = name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	Oid			fallback;

	if (!OidIsValid(other))
		return;
	/* a parent is locked as ATExecAddInherit() and ATExecDropInherit() do */
	osc_lock_add(set, other, cmd->subtype == AT_AddInherit ? ShareUpdateExclusiveLock :
				 cmd->subtype == AT_DropInherit ? AccessShareLock : AccessExclusiveLock);
	if (cmd->subtype != AT_AttachPartition && cmd->subtype != AT_DetachPartition)
		return;
	fallback = get_default_partition_oid(relid);
	if (OidIsValid(fallback))
		osc_lock_add(set, fallback, AccessExclusiveLock);
}

/*
 * The locks that a command takes: on its table and the children that it
 * reaches, and on the tables on the other side of foreign keys that it adds or
 * drops.
 */
void
osc_command_locks(OscLockSet *set, Oid relid, const char *command)
{
	osc_node_locks(set, relid, osc_parse_command(command));
}

/*
 * The same of a command that is parsed.
 */
void
osc_node_locks(OscLockSet *set, Oid relid, Node *node)
{
	OscStatement s = {.node = node,.relid = relid};
	ListCell   *lc;

	if (IsA(node, AlterTableStmt) && castNode(AlterTableStmt, node)->objtype == OBJECT_INDEX)
	{
		osc_lock_add(set, relid, AccessShareLock);
		add_index_lock(set, castNode(AlterTableStmt, node)->relation);
		if (linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds)->subtype == AT_AttachPartition)
			add_index_lock(set, castNode(PartitionCmd,
									 linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds)->def)->name);
		return;
	}
	osc_lock_add(set, relid, lock_mode_of(node));
	if (osc_statement_recurses(&s))
		foreach(lc, osc_descendants(relid))
			osc_lock_add(set, lfirst_oid(lc), lock_mode_of(node));
	if (!IsA(node, AlterTableStmt))
		return;
	osc_foreign_keys_lock(osc_affected_foreign_keys(NIL, relid, list_make1(&s)),
						  set);
	foreach(lc, castNode(AlterTableStmt, node)->cmds)
		add_link_locks(set, relid, lfirst_node(AlterTableCmd, lc));
	osc_new_foreign_keys_lock(castNode(AlterTableStmt, node)->cmds, set);
	osc_merged_foreign_keys_lock(relid, castNode(AlterTableStmt, node)->cmds, set);
}

/* run commands' text in the present transaction, under locks that are held */
static void
run_natively(OscJob *job, Oid relid, const char *command)
{
	OscStatement s = {.node = osc_parse_command(command),.source = command,.text = unconstify(char *, command),.relid = relid};

	osc_notices_begin();
	osc_run_statement(&s, false);
	osc_event_notices(job, osc_notices_end());
}

/* a row of which a condition is false, as the job's owner may see it, and its table */
static char *
find_violator(Oid relid, const char *condition, Oid *table)
{
	char	   *sql = psprintf("SELECT t::text, t.tableoid::text FROM %s t WHERE NOT (%s) LIMIT 1",
							   osc_relation_name(relid), condition);
	MemoryContext caller = CurrentMemoryContext;
	char	   *result = NULL;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(sql, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		if (value)
			result = MemoryContextStrdup(caller, value);
		*table = atooid(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
	}
	SPI_finish();
	PopActiveSnapshot();
	return result;
}

/*
 * A violated CHECK is told with a row; one that was to prove NOT NULL, as
 * native tells it.
 */
static void
explain_violation(const OscJobStep *step, ErrorData *edata)
{
	Node	   *node = osc_parse_command(step->command);
	OscStore	store;
	OscArgs		args = {0};
	char	   *condition = NULL;
	char	   *column = NULL;
	char	   *row;
	Oid			table = step->relid;
	const char *name;

	if (edata->sqlerrcode != ERRCODE_CHECK_VIOLATION || !IsA(node, AlterTableStmt))
		return;
	name = linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds)->name;
	osc_store_open(&store);
	osc_arg_oid(&args, step->relid);
	osc_arg_text(&args, name);
	if (osc_sql("SELECT pg_get_expr(conbin, conrelid) AS condition,"
				"  CASE WHEN conname ~ '" OSC_NOT_NULL_PROOF "[0-9]*$' THEN"
				"   (SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) END AS col"
				" FROM pg_constraint WHERE conrelid = $1 AND conname::text = $2 AND contype = 'c'", &args) > 0)
	{
		condition = osc_col_text(&store, 0, "condition");
		column = osc_col_text(&store, 0, "col");
	}
	osc_store_close(&store);
	if (condition == NULL)
		return;
	row = find_violator(step->relid, condition, &table);
	if (row && edata->detail == NULL)
		edata->detail = psprintf("Failing row contains %s.", row);
	if (strncmp(name, OSC_BOUND_PROOF, strlen(OSC_BOUND_PROOF)) == 0 || strstr(name, "_" OSC_BOUND_PROOF))
		edata->message = get_rel_relispartition(step->relid) ?
			psprintf("updated partition constraint for default partition \"%s\" would be violated by some row",
					 get_rel_name(step->relid)) :
			psprintf("partition constraint of relation \"%s\" is violated by some row", get_rel_name(table));
	if (column == NULL)
		return;
	edata->sqlerrcode = ERRCODE_NOT_NULL_VIOLATION;
	edata->message = psprintf("column \"%s\" of relation \"%s\" contains null values",
							  column, get_rel_name(table));
}

/* run a scan, in the name in which rows are looked at; a violation is explained */
static void
run_scan(OscJob *job, const OscJobStep *step)
{
	OscSubxact	subxact;
	OscRowsIdentity identity;

	osc_rows_enter(&identity, osc_relation_owner(step->relid));
	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		run_natively(job, step->relid, step->command);
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		explain_violation(step, edata);
		ReThrowError(edata);
	}
	PG_END_TRY();
	osc_rows_leave(&identity);
}

/*
 * Run a short command or a scan, and note that it is done.  Raises
 * lock_not_available, or the command's own error.
 */
void
osc_direct_run(OscJob *job, OscJobStep *step)
{
	OscLockSet	set = {0};
	TimestampTz start = GetCurrentTimestamp();
	int			nest = NewGUCNestLevel();

	/* the job's row first: nobody shall wait for it with the table locked */
	osc_job_reload_state(job);
	osc_command_locks(&set, step->relid, step->command);
	osc_lock_all(&set, step->kind == OSC_STEP_SCAN ? "scan" : "command", job->owner);
	osc_set_local("lock_timeout", psprintf("%d", osc_lock_timeout));
	if (step->kind == OSC_STEP_SHORT)
		osc_deadline_arm(osc_step_timeout);
	OSC_STOP_POINT("direct-locked");
	if (step->kind == OSC_STEP_SCAN)
		run_scan(job, step);
	else
		run_natively(job, step->relid, step->command);
	osc_adopt_parts(job, step);
	osc_deadline_disarm();
	AtEOXact_GUC(true, nest);
	osc_job_step_set(job, step, true, true);
	osc_event_command(job, step, step->command, start);
	OSC_STOP_POINT("direct-before-commit");
}

/*
 * Run the commands of the swap, all of them in this transaction.  On exit
 * their locks are held.  Raises lock_not_available, or a command's own error.
 */
void
osc_direct_swap(OscJob *job, TimestampTz *locked_at)
{
	OscLockSet	set = {0};
	int			nest = NewGUCNestLevel();
	List	   *own_not_nulls;
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);

		if (step->kind == OSC_STEP_FINAL && OidIsValid(step->relid))
			osc_command_locks(&set, step->relid, step->command);
	}
	osc_lock_all(&set, "swap", job->owner);
	*locked_at = GetCurrentTimestamp();
	osc_set_local("lock_timeout", psprintf("%d", osc_lock_timeout));
	osc_deadline_arm(osc_swap_timeout);
	OSC_STOP_POINT("swap-locked");
	own_not_nulls = osc_own_not_nulls(job);
	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		TimestampTz start = GetCurrentTimestamp();

		if (step->kind != OSC_STEP_FINAL)
			continue;
		run_natively(job, step->relid, step->command);
		osc_adopt_parts(job, step);
		osc_job_step_set(job, step, true, true);
		osc_event_command(job, step, step->command, start);
	}
	osc_not_nulls_inherit(job, own_not_nulls);
	foreach(lc, job->others)
		osc_log_swap_message(job, lfirst(lc));
	OSC_STOP_POINT("swap-before-commit");
	osc_event(job, "swap", osc_elapsed_ms(*locked_at),
			  psprintf("{\"locked_ms\": %.3f, \"backlog\": 0}", osc_elapsed_ms(*locked_at)));
	CHECK_FOR_INTERRUPTS();
	osc_deadline_disarm();
	AtEOXact_GUC(true, nest);
}

/* the index that a top-level command makes, if it is on the command's table */
static Oid
index_made_by(const OscJobStep *step)
{
	Node	   *undo = step->undo ? osc_parse_command(step->undo) : NULL;
	Oid			index;

	if (undo == NULL || !IsA(undo, DropStmt))
		return InvalidOid;
	index = RangeVarGetRelid(makeRangeVarFromNameList(linitial_node(List, castNode(DropStmt, undo)->objects)),
							 NoLock, true);
	if (!OidIsValid(index) || get_rel_relkind(index) != RELKIND_INDEX ||
		IndexGetRelation(index, true) != step->relid)
		return InvalidOid;
	return index;
}

/*
 * An index that an interrupted REINDEX CONCURRENTLY has left on the table, or
 * on its TOAST table, whose index REINDEX TABLE rebuilds as well.
 */
static Oid
reindex_leftover(Oid relid)
{
	OscStore	store;
	OscArgs		args = {0};
	Oid			result = InvalidOid;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	if (osc_sql("SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
				" WHERE i.indrelid IN ($1, (SELECT reltoastrelid FROM pg_class WHERE oid = $1))"
				" AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'"
				" LIMIT 1", &args) > 0)
		result = osc_col_oid(0, "indexrelid");
	osc_store_close(&store);
	return result;
}

/* the partition that a DETACH CONCURRENTLY detaches, or NULL */
static RangeVar *
detached_by(const OscJobStep *step)
{
	Node	   *node = osc_parse_command(step->command);

	return IsA(node, AlterTableStmt) ?
		osc_linked_table(linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds)) : NULL;
}

/* is it a partition still?  pending: it has begun to be none */
static bool
is_child(Oid relid, Oid parent, bool *pending)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		result;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_oid(&args, parent);
	result = osc_sql("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = $1 AND inhparent = $2", &args) > 0;
	*pending = result && osc_col_bool(0, "inhdetachpending");
	osc_store_close(&store);
	return result;
}

/*
 * The top-level command that removes what an interrupted attempt at this one
 * has left, an index that is not valid, or that ends a detaching half done;
 * NULL if there is none.
 */
char *
osc_direct_leftover(const OscJobStep *step)
{
	bool		pending = false;
	RangeVar   *partition = detached_by(step);
	Oid			relid = partition ? RangeVarGetRelid(partition, NoLock, true) : InvalidOid;
	Oid			index = step->undo ? index_made_by(step) : InvalidOid;

	if (step->undo == NULL && IsA(osc_parse_command(step->command), ReindexStmt))
		index = reindex_leftover(step->relid);
	if (OidIsValid(relid) && is_child(relid, step->relid, &pending) && pending)
		return psprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE", osc_relation_name(step->relid),
						osc_relation_name(relid));
	if (!OidIsValid(index) || get_index_isvalid(index))
		return NULL;
	return psprintf("DROP INDEX CONCURRENTLY %s", osc_relation_name(index));
}

/*
 * Does a top-level command have to be taken back by another one?  Returns it,
 * or NULL.
 */
char *
osc_direct_top_undo(const OscJobStep *step)
{
	char	   *leftover;

	if (!step->begun || get_rel_name(step->relid) == NULL)
		return NULL;
	leftover = osc_direct_leftover(step);
	if (leftover)
		return leftover;
	return step->done && OidIsValid(index_made_by(step)) ? step->undo : NULL;
}

/*
 * Was the command of an attempt that was cut off carried out all the same?
 */
bool
osc_direct_top_is_done(const OscJobStep *step)
{
	bool		pending;
	RangeVar   *partition = detached_by(step);
	Oid			relid = partition ? RangeVarGetRelid(partition, NoLock, true) : InvalidOid;
	Oid			index = step->begun ? index_made_by(step) : InvalidOid;

	if (OidIsValid(relid))
		return !is_child(relid, step->relid, &pending);
	return OidIsValid(index) && get_index_isvalid(index);
}

/*
 * Take a short command back.  Raises lock_not_available.
 */
void
osc_direct_undo(OscJob *job, OscJobStep *step)
{
	OscLockSet	set = {0};
	TimestampTz start = GetCurrentTimestamp();

	osc_job_reload_state(job);
	if (get_rel_name(step->relid) != NULL && step->undo)
	{
		osc_command_locks(&set, step->relid, step->undo);
		osc_lock_all(&set, "undo", job->owner);
		run_natively(job, step->relid, step->undo);
		osc_event_command(job, step, step->undo, start);
	}
	osc_job_step_set(job, step, false, false);
}
