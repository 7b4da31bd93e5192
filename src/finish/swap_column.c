/*-------------------------------------------------------------------------
 *
 * swap_column.c
 *	  Putting a column in the place of another one, and back: the swap of
 *	  strategy column.
 *
 * One short transaction under ACCESS EXCLUSIVE that changes the catalog only.
 * What the columns are called, their constraints, indexes and defaults are
 * changed by the commands of the plan (plan/recipes_column.c), each of which
 * knows the one that takes it back; grants, comment, statistics target,
 * options, security labels and identity are exchanged here.  Then the mirror
 * is turned round.  osc_revert() runs the same the other way, last command
 * first.
 *
 * What was proved before is not proved again: NOT NULL is set without a scan,
 * since the mirror trigger and the comparison stand for it; that the trigger
 * was at work all the time, and that no row is noted whose value could not be
 * worked out, is looked at under the lock.
 *
 * Locks: ACCESS EXCLUSIVE on the table and on those that its foreign keys tie
 * it to, politely.  A crash leaves the state of before or of after.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/deadline.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "finish/direct.h"
#include "finish/foreign_keys.h"
#include "finish/swap_column.h"
#include "finish/swap_message.h"
#include "finish/way_back.h"
#include "mirror/mirror.h"
#include "mirror/notes.h"
#include "mirror/two_names.h"
#include "model/column.h"
#include "model/relinfo.h"
#include "model/script.h"
#include "model/statement.h"
#include "store/events.h"
#include "store/job_step.h"

/* the constraint that makes SET NOT NULL believe what was proved already */
#define PROOF_NAME "osc_proof"

/*
 * SET NOT NULL without a scan: a CHECK that is said to be valid lets
 * tablecmds.c (NotNullImpliedByRelConstraints) believe it.
 */
static void
set_not_null(const OscMember *m, const char *column)
{
	char	   *table = osc_relation_name(m->relid);

	osc_alter_by_text(m->relid, psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID",
										 table, PROOF_NAME, quote_identifier(column)));
	osc_foreign_key_set_validated(get_relation_constraint_oid(m->relid, PROOF_NAME, false), true);
	CacheInvalidateRelcacheByRelid(m->relid);
	CommandCounterIncrement();
	osc_alter_by_text(m->relid, psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
										 table, quote_identifier(column)));
	osc_alter_by_text(m->relid, psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table, PROOF_NAME));
}

/* run a command of the swap, or one that takes it back, under locks that are held */
static void
run_final(const OscMember *m, Oid relid, const char *command, const List *keys)
{
	Node	   *node = osc_command_on(command, relid);

	osc_way_back_aim(node, relid, keys);
	if (relid == m->relid && IsA(node, AlterTableStmt) &&
		linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds)->subtype == AT_SetNotNull)
		set_not_null(m, linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds)->name);
	else
		osc_run_as_user(node, command);
}

/*
 * Options of column y, with the version that the server notes among those of
 * column x (15.20 and its sisters, attoptions_get_version): it belongs to the
 * column's place in the row.
 */
#define OPTIONS_OF_Y \
	"nullif(ARRAY(SELECT o FROM unnest(x.attoptions) o WHERE o LIKE 'pg\\_attver=%')" \
	" || ARRAY(SELECT o FROM unnest(y.attoptions) o WHERE o NOT LIKE 'pg\\_attver=%'), '{}')"

/* run statements on the catalog, with $1 the table, $2 the old and $3 the new column's number */
static void
change_catalog(Oid relid, const OscColumn *c, const char *const *statements, int n)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_int4(&args, c->old_att);
	osc_arg_int4(&args, c->new_att);
	for (int i = 0; i < n; i++)
		(void) osc_sql(statements[i], &args);
	osc_store_close(&store);
	CommandCounterIncrement();
	CacheInvalidateRelcacheByRelid(relid);
}

/* exchange what two columns of a table have besides their type and constraints */
static void
exchange_properties(Oid relid, const OscColumn *c)
{
	static const char *const statements[] = {
		"UPDATE pg_attribute x SET attstattarget = y.attstattarget, attacl = y.attacl,"
		" attoptions = " OPTIONS_OF_Y ", attidentity = y.attidentity FROM pg_attribute y"
		" WHERE x.attrelid = $1 AND y.attrelid = $1"
		" AND ((x.attnum = $2 AND y.attnum = $3) OR (x.attnum = $3 AND y.attnum = $2))",
		"UPDATE pg_description SET objsubid = CASE objsubid WHEN $2 THEN $3 ELSE $2 END"
		" WHERE classoid = 'pg_class'::regclass AND objoid = $1 AND objsubid IN ($2, $3)",
		"UPDATE pg_seclabel SET objsubid = CASE objsubid WHEN $2 THEN $3 ELSE $2 END"
		" WHERE classoid = 'pg_class'::regclass AND objoid = $1 AND objsubid IN ($2, $3)",
		/* the roles in their grants */
		"UPDATE pg_shdepend SET objsubid = CASE objsubid WHEN $2 THEN $3 ELSE $2 END"
		" WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" AND classid = 'pg_class'::regclass AND objid = $1 AND objsubid IN ($2, $3)",
		/* the sequence of an identity column */
		"UPDATE pg_depend SET refobjsubid = CASE refobjsubid WHEN $2 THEN $3 ELSE $2 END"
		" WHERE refclassid = 'pg_class'::regclass AND refobjid = $1 AND refobjsubid IN ($2, $3)"
		" AND classid = 'pg_class'::regclass AND deptype = 'i'"
		" AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S')",
	};

	change_catalog(relid, c, statements, lengthof(statements));
}

/* the columns of the new indexes are called what the table's are */
static void
name_index_columns(Oid relid, const OscColumn *c)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_text(&args, c->new_name);
	osc_arg_text(&args, get_attname(relid, c->new_att, false));
	(void) osc_sql("UPDATE pg_attribute SET attname = $3::name FROM pg_index i"
				   " WHERE i.indrelid = $1 AND attrelid = i.indexrelid AND attname = $2::name", &args);
	osc_store_close(&store);
	CommandCounterIncrement();
}

/* columns that stay in use under two names keep what they have: a copy for the new one */
static void
copy_properties(Oid relid, const OscColumn *c)
{
	static const char *const statements[] = {
		"UPDATE pg_attribute x SET attstattarget = y.attstattarget, attacl = y.attacl,"
		" attstorage = y.attstorage, attcompression = y.attcompression,"
		" attoptions = " OPTIONS_OF_Y " FROM pg_attribute y"
		" WHERE x.attrelid = $1 AND y.attrelid = $1 AND x.attnum = $3 AND y.attnum = $2",
		"INSERT INTO pg_description (objoid, classoid, objsubid, description)"
		" SELECT objoid, classoid, $3, description FROM pg_description"
		" WHERE classoid = 'pg_class'::regclass AND objoid = $1 AND objsubid = $2",
		"INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)"
		" SELECT objoid, classoid, $3, provider, label FROM pg_seclabel"
		" WHERE classoid = 'pg_class'::regclass AND objoid = $1 AND objsubid = $2",
		"INSERT INTO pg_shdepend (dbid, classid, objid, objsubid, refclassid, refobjid, deptype)"
		" SELECT dbid, classid, objid, $3, refclassid, refobjid, deptype FROM pg_shdepend"
		" WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" AND classid = 'pg_class'::regclass AND objid = $1 AND objsubid = $2",
	};

	change_catalog(relid, c, statements, lengthof(statements));
}

/* has the column a default of its own? */
static bool
rel_has_default(Oid relid, AttrNumber attnum)
{
	Relation	rel = table_open(relid, NoLock);
	bool		result = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atthasdef;

	table_close(rel, NoLock);
	return result;
}

/* the numbers of the old or the new columns, as an array of int4 */
static Datum
attnums_of(const List *columns, bool of_new)
{
	Datum	   *attnums = palloc(sizeof(Datum) * list_length(columns));
	ListCell   *lc;
	int			n = 0;

	foreach(lc, columns)
	{
		OscColumn  *c = lfirst(lc);

		if (of_new || !osc_column_is_added(c))
			attnums[n++] = Int32GetDatum(of_new ? c->new_att : c->old_att);
	}
	return PointerGetDatum(construct_array(attnums, n, INT4OID, 4, true, TYPALIGN_INT));
}

/*
 * The unique indexes of columns that are no longer in service stay in use, but
 * are not enforced any more: their values are unique because those of the others
 * are (plan/column_back.c), or of no interest.  So a violation is told of the
 * user's own index, and ON CONFLICT, which arbitrates by that one, meets no
 * other.  Returns their names, as an array of text: REINDEX CONCURRENTLY makes
 * another index of the same name.
 */
static Datum
stop_enforcing(Oid relid, const List *columns, bool of_new)
{
	OscStore	store;
	OscArgs		args = {0};
	Datum		names;
	bool		isnull;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	osc_arg_datum(&args, INT4ARRAYOID, attnums_of(columns, of_new), false);
	(void) osc_sql("WITH given_up AS (UPDATE pg_index i SET indisunique = false FROM pg_class c"
				   " WHERE i.indrelid = $1 AND i.indisunique AND c.oid = i.indexrelid"
				   " AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid"
				   "  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = ANY ($2))"
				   " RETURNING c.relname::text)"
				   " SELECT ARRAY(SELECT relname FROM given_up) AS names", &args);
	names = osc_col_datum(&store, 0, "names", &isnull);
	osc_store_close(&store);
	CommandCounterIncrement();
	CacheInvalidateRelcacheByRelid(relid);
	return names;
}

static void
stop_enforcing_old(OscMember *m, const List *columns)
{
	OscArgs		args = {0};

	osc_arg_datum(&args, TEXTARRAYOID, stop_enforcing(m->relid, columns, false), false);
	osc_member_update(m, "old_unique = $3", &args);
}

/*
 * What was said above no longer holds: the old columns are to be unique by
 * themselves.  Raises an error if one of their indexes is gone.
 */
static void
enforce_again(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *missing;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_arg_oid(&args, m->relid);
	osc_sql("UPDATE pg_index i SET indisunique = true FROM online_schema.job_member m, pg_class c"
			" WHERE m.job_id = $1 AND m.member = $2 AND c.oid = i.indexrelid AND i.indrelid = $3"
			" AND i.indisvalid AND c.relname = ANY (m.old_unique)", &args);
	(void) osc_sql("SELECT string_agg(n, ', ') AS missing FROM online_schema.job_member m, unnest(m.old_unique) AS n"
				   " WHERE m.job_id = $1 AND m.member = $2 AND NOT EXISTS (SELECT 1 FROM pg_index i"
				   "  JOIN pg_class c ON c.oid = i.indexrelid"
				   "  WHERE i.indrelid = $3 AND i.indisvalid AND i.indisunique AND c.relname = n)", &args);
	missing = osc_col_text(&store, 0, "missing");
	osc_store_close(&store);
	if (missing)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a unique index that the old columns of table \"%s\" need is gone, or not valid", m->relname),
				 errdetail("Its name was %s.", missing),
				 errhint("If it is there, rebuild it with REINDEX INDEX CONCURRENTLY; else end the job with osc_cleanup().")));
	CommandCounterIncrement();
	CacheInvalidateRelcacheByRelid(m->relid);
}

/* something but an index that needs one of the old columns, for people; NULL: there is none */
static char *
left_on_old_columns(const OscMember *m, List *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *result = NULL;

	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_arg_datum(&args, INT4ARRAYOID, attnums_of(columns, false), false);
	if (osc_sql("SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS what FROM pg_depend d"
				" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = ANY ($2)"
				" AND NOT (d.classid = 'pg_class'::regclass AND d.objid IN"
				"  (SELECT indexrelid FROM pg_index WHERE indrelid = $1))"
				" AND NOT (d.classid = 'pg_attrdef'::regclass AND d.deptype = 'a')"
				" ORDER BY 1 LIMIT 1", &args) > 0)
		result = osc_col_text(&store, 0, "what");
	osc_store_close(&store);
	return result;
}

/*
 * Raise an error if a row's value cannot be worked out for the new column, or is
 * NULL and must not be.
 */
void
osc_column_refuse_unsettled(const OscMember *m)
{
	OscUnsettled row;
	int64		n = osc_notes_unsettled(m, false, &row);

	if (n > 0 && row.empty)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("column \"%s\" of relation \"%s\" contains null values", row.empty, m->relname),
				 errdetail("The row has the key %s.", row.key),
				 errhint("Correct the row, and start the job again.")));
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a value written to table \"%s\" while the job ran cannot be converted", m->relname),
				 errdetail("The row has the key %s.", row.key),
				 errhint("Correct the row, and start the job again.")));
}

/*
 * Rows of the table that others have begun to store while the job ran may be from
 * before they were filled, and would lose their value with the old column.
 */
static void
refuse_stored_rows(const OscMember *m)
{
	Relation	rel;
	char	   *stored;

	if (osc_column_is_added(linitial(osc_columns_load(m->columns))))
		return;
	rel = table_open(m->relid, NoLock);
	stored = osc_row_type_is_stored(rel);
	table_close(rel, NoLock);
	if (stored)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("%s", stored),
				 errhint("Drop that column, and start the job again.")));
}

/* with the locks held: is everything as it was when the columns were compared? */
static void
check_before_swap(OscMember *m)
{
	bool		overtaken;

	if (m->fingerprint == NULL || strcmp(osc_fingerprint(m->relid), m->fingerprint) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the definition of table \"%s\" was changed while the job ran", m->relname),
				 errhint("Start the job again.")));
	if (m->rows_differing > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("validation found " INT64_FORMAT " rows of table \"%s\" that differ from their new column",
						m->rows_differing, m->relname),
				 errhint("Cancel the job with osc_cancel().")));
	osc_mirror_require_intact(m);
	refuse_stored_rows(m);
	PushActiveSnapshot(GetLatestSnapshot());
	osc_column_refuse_unsettled(m);
	overtaken = osc_notes_overtaken(m);
	PopActiveSnapshot();
	if (overtaken)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a trigger of table \"%s\" fired after the mirror trigger of the job", m->relname),
				 errdetail("It may have changed rows whose new column was set already."),
				 errhint("If the job is ready, SELECT osc_validate(" INT64_FORMAT ") tells whether the columns are equal still; else start it again.",
						 m->job_id)));
}

/* the definition is another one by now: the guard and the way back compare with this */
static void
note_fingerprint(OscMember *m)
{
	OscArgs		args = {0};

	m->fingerprint = osc_fingerprint(m->relid);
	osc_arg_text(&args, m->fingerprint);
	osc_member_update(m, "fingerprint = $3, rows_differing = 0, sample = NULL", &args);
}

/* the locks of the commands, those that take them back if undo is set */
static void
lock_all(OscJob *job, const OscMember *m, bool undo, const List *keys, const char *purpose)
{
	OscLockSet	set = {0};
	ListCell   *lc;

	osc_lock_add(&set, m->relid, AccessExclusiveLock);
	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		Node	   *node;

		if (step->kind != OSC_STEP_FINAL || (undo && step->undo == NULL))
			continue;
		node = osc_command_on(undo ? step->undo : step->command, step->relid);
		osc_way_back_aim(node, step->relid, keys);
		osc_node_locks(&set, step->relid, node);
	}
	osc_lock_all(&set, purpose, job->owner);
	osc_set_local("lock_timeout", psprintf("%d", osc_lock_timeout));
	/* what the server says to our commands is nothing to whoever called us */
	osc_set_local("client_min_messages", "warning");
}

/*
 * Put the new columns in the place of the old ones, in this transaction.  On
 * exit the locks are held.  Raises lock_not_available, or what is in the way.
 */
void
osc_column_swap(OscJob *job, TimestampTz *locked_at)
{
	OscMember  *m = osc_column_member(job);
	List	   *columns = osc_columns_load(m->columns);
	int			nest = NewGUCNestLevel();
	bool		both = false;
	bool		added = false;
	char	   *left;
	ListCell   *lc;

	lock_all(job, m, false, NIL, "swap");
	*locked_at = GetCurrentTimestamp();
	osc_deadline_arm(osc_swap_timeout);
	OSC_STOP_POINT("swap-locked");
	check_before_swap(m);
	foreach(lc, columns)
	{
		both = both || osc_column_is_rename(lfirst(lc));
		added = added || osc_column_is_added(lfirst(lc));
		if (osc_column_is_added(lfirst(lc)))
			continue;
		if (osc_column_is_rename(lfirst(lc)))
		{
			if (rel_has_default(m->relid, ((OscColumn *) lfirst(lc))->old_att))
				osc_require_default_callable();
			copy_properties(m->relid, lfirst(lc));
		}
		else
			exchange_properties(m->relid, lfirst(lc));
	}
	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);
		TimestampTz start = GetCurrentTimestamp();

		if (step->kind != OSC_STEP_FINAL)
			continue;
		run_final(m, step->relid, step->command, NIL);
		osc_job_step_set(job, step, true, true);
		osc_event_command(job, step, step->command, start);
	}
	foreach(lc, columns)
		name_index_columns(m->relid, lfirst(lc));
	left = left_on_old_columns(m, columns);
	if (left)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot swap the columns of table \"%s\" because other objects depend on them", m->relname),
				 errdetail("%s was made while the job ran.", left),
				 errhint("Drop it, and start the job again.")));
	if (!both && !added)
		stop_enforcing_old(m, columns);
	osc_mirror_set_direction(m->relid, added ? OSC_MIRROR_OFF : both ? OSC_MIRROR_BOTH : OSC_MIRROR_BACK);
	note_fingerprint(m);
	osc_log_swap_message(job, m);
	OSC_STOP_POINT("swap-before-commit");
	osc_event(job, "swap", osc_elapsed_ms(*locked_at),
			  psprintf("{\"locked_ms\": %.3f, \"backlog\": 0}", osc_elapsed_ms(*locked_at)));
	CHECK_FOR_INTERRUPTS();
	osc_deadline_disarm();
	AtEOXact_GUC(true, nest);
}

/*
 * Take the swap back, in this transaction.  On exit the locks are held, and the
 * new columns, which are to be dropped, follow the old ones; nothing is enforced
 * on them any more.  Raises lock_not_available, or what is in the way
 * (finish/way_back.c).
 */
void
osc_column_revert(OscJob *job)
{
	OscMember  *m = osc_column_member(job);
	List	   *columns = osc_columns_load(m->columns);
	int			nest = NewGUCNestLevel();
	List	   *keys = osc_way_back_keys(m);
	TimestampTz locked_at;
	ListCell   *lc;

	lock_all(job, m, true, keys, "revert");
	locked_at = GetCurrentTimestamp();
	osc_deadline_arm(osc_swap_timeout);
	OSC_STOP_POINT("revert-locked");
	osc_way_back_check(job, m, columns);
	enforce_again(m);
	foreach(lc, columns)
		if (!osc_column_is_rename(lfirst(lc)))
			exchange_properties(m->relid, lfirst(lc));
	for (int i = list_length(job->steps) - 1; i >= 0; i--)
	{
		OscJobStep *step = list_nth(job->steps, i);
		TimestampTz start = GetCurrentTimestamp();

		if (step->kind != OSC_STEP_FINAL || step->undo == NULL)
			continue;
		run_final(m, step->relid, step->undo, keys);
		osc_job_step_set(job, step, false, false);
		osc_event_command(job, step, step->undo, start);
	}
	osc_way_back_check_left(m, columns);
	(void) stop_enforcing(m->relid, columns, true);
	osc_mirror_set_direction(m->relid, OSC_MIRROR_FORWARD);
	note_fingerprint(m);
	osc_log_swap_message(job, m);
	OSC_STOP_POINT("revert-before-commit");
	osc_event(job, "revert", osc_elapsed_ms(locked_at),
			  psprintf("{\"locked_ms\": %.3f}", osc_elapsed_ms(locked_at)));
	CHECK_FOR_INTERRUPTS();
	osc_deadline_disarm();
	AtEOXact_GUC(true, nest);
}

/*
 * Drop what is not in service: the old columns after the swap, the new ones
 * without it or when it was taken back; and the mirror with them.  Raises
 * lock_not_available.
 */
void
osc_column_drop(OscJob *job, OscMember *m)
{
	OscLockSet	set = {0};
	OscMirror	mirror;
	bool		drop_old;
	ListCell   *lc;

	/* the table may have been dropped: then all of it is gone */
	if (get_rel_name(m->relid) == NULL)
	{
		osc_mirror_remove(m);
		return;
	}
	osc_lock_add(&set, m->relid, AccessExclusiveLock);
	osc_lock_all(&set, "drop column", job->owner);
	if (!osc_mirror_read(m->relid, &mirror))
		return;
	drop_old = mirror.direction == OSC_MIRROR_BACK || mirror.direction == OSC_MIRROR_BOTH;
	osc_mirror_remove(m);
	foreach(lc, osc_columns_load(m->columns))
	{
		OscColumn  *c = lfirst(lc);
		char	   *name = get_attname(m->relid, drop_old ? c->old_att : c->new_att, true);

		/* an added column that has its name has been swapped: it is in service */
		if (name && !(osc_column_is_added(c) && strcmp(name, c->new_name) != 0))
			osc_alter_by_text(m->relid, psprintf("ALTER TABLE %s DROP COLUMN %s",
												 osc_relation_name(m->relid), quote_identifier(name)));
	}
	/* with the old name its part in the default goes, too */
	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);

		if (!drop_old || step->phase != OSC_CLEANING || step->kind != OSC_STEP_SHORT)
			continue;
		osc_alter_by_text(step->relid, step->command);
		osc_job_step_set(job, step, true, true);
	}
	OSC_STOP_POINT("column-drop-before-commit");
}
