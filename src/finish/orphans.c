/*-------------------------------------------------------------------------
 *
 * orphans.c
 *	  Rows that violate a foreign key, looked for before the swap.
 *
 * In the swap a foreign key is added NOT VALID, and is validated afterwards;
 * to learn only then that rows violate it would be too late.  So before the
 * swap each key that shall be valid is tried on the copies: the dry run, which
 * makes the keys natively, tells what they look like; then all of the log that
 * one snapshot shows is replayed, and under the same snapshot the referencing
 * rows without a referenced one are asked for, as RI_Initial_Check() in
 * ri_triggers.c does, shadows standing for their tables.  The error is
 * native's.  Rows that come later are the business of the validation.
 *
 * A key that was valid, and of which a column only went from one integer type
 * to another, is not tried: equal values stay equal.
 *
 * The whole set is looked at, whatever row security says.  If operators and
 * types are the server's own, nothing of a user's runs in the query, and it
 * runs in the name of the extension's owner; else in that of the table's
 * owner, who must be able to read both tables.
 *
 * Locks: those of a replay batch; ACCESS SHARE on the tables on either side.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "finish/foreign_keys.h"
#include "finish/orphans.h"
#include "mirror/log.h"
#include "mirror/lookups.h"
#include "mirror/replay.h"
#include "model/script.h"
#include "store/events.h"

/* a key that is to be tried */
typedef struct OrphanCheck
{
	char	   *name;
	Oid			fk_relid;		/* the user's tables */
	Oid			pk_relid;
	Oid			fk;				/* and where their rows are looked for */
	Oid			pk;
	bool		match_full;
	int			nkeys;
	AttrNumber	fk_attnums[INDEX_MAX_KEYS];
	AttrNumber	pk_attnums[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
} OrphanCheck;

static OscMember *
member_of(OscJob *job, Oid relid)
{
	ListCell   *lc;

	foreach(lc, job->members)
		if (((OscMember *) lfirst(lc))->relid == relid)
			return lfirst(lc);
	return NULL;
}

/* ---------------------------------------- which keys are to be tried */

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* do columns keep what they are equal to?  the twin still has the old types */
static bool
keeps_equality(OscJob *job, Oid relid, const int64 *attnums, int n)
{
	OscMember  *m = member_of(job, relid);

	for (int i = 0; m && i < n; i++)
	{
		Oid			old_type = get_atttype(m->twin, (AttrNumber) attnums[i]);
		Oid			new_type = get_atttype(m->shadow, (AttrNumber) attnums[i]);

		if (old_type != new_type && !(is_integer(old_type) && is_integer(new_type)))
			return false;
	}
	return true;
}

static bool
has_using(List *script)
{
	ListCell   *lc;

	foreach(lc, osc_commands_of(script))
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AlterColumnType && castNode(ColumnDef, cmd->def)->raw_default)
			return true;
	}
	return false;
}

/* numbers of a JSON array that a query gave as text "1,2" */
static int
split_numbers(char *text, int64 *numbers)
{
	int			n = 0;

	for (char *p = strtok(text, ","); p && n < INDEX_MAX_KEYS; p = strtok(NULL, ","))
		numbers[n++] = strtoll(p, NULL, 10);
	return n;
}

/* the key as the script has made it, as JSON; NULL if it need not be tried */
static char *
describe_key(OscJob *job, const OscForeignKey *key, bool is_new, bool with_using)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *json = NULL;
	char	   *fk_attnums = NULL;
	char	   *pk_attnums = NULL;
	Oid			pk = InvalidOid;
	int64		numbers[INDEX_MAX_KEYS];

	osc_store_open(&store);
	osc_arg_oid(&args, key->referencing);
	osc_arg_text(&args, key->name);
	if (osc_sql("SELECT confrelid, array_to_string(conkey, ',') AS fk, array_to_string(confkey, ',') AS pk,"
				" jsonb_build_object('name', conname, 'fk', conrelid::bigint, 'pk', confrelid::bigint,"
				"  'full', confmatchtype = 'f', 'fk_attnums', array_to_string(conkey, ','),"
				"  'pk_attnums', array_to_string(confkey, ','),"
				"  'operators', array_to_string(conpfeqop, ',')) AS json"
				" FROM pg_constraint WHERE conrelid = $1 AND conname::text = $2 AND contype = 'f'", &args) > 0)
	{
		json = osc_col_text(&store, 0, "json");
		fk_attnums = osc_col_text(&store, 0, "fk");
		pk_attnums = osc_col_text(&store, 0, "pk");
		pk = osc_col_oid(0, "confrelid");
	}
	osc_store_close(&store);
	if (json == NULL || is_new || with_using)
		return json;
	if (keeps_equality(job, key->referencing, numbers, split_numbers(fk_attnums, numbers)) &&
		keeps_equality(job, pk, numbers, split_numbers(pk_attnums, numbers)))
		return NULL;
	return json;
}

/*
 * The keys (OscForeignKey *) that are to be tried, as a JSON array for the
 * member's row.  To be called in the dry run, when the script has run.
 */
char *
osc_orphan_checks(OscJob *job, List *script, List *keys)
{
	bool		with_using = has_using(script);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '[');
	foreach(lc, keys)
	{
		OscForeignKey *key = lfirst(lc);
		char	   *json = key->validated ? describe_key(job, key, key->is_new, with_using) : NULL;

		if (json)
			appendStringInfo(&buf, "%s%s", buf.len > 1 ? ", " : "", json);
	}
	appendStringInfoChar(&buf, ']');
	return buf.data;
}

/* ---------------------------------------- trying one */

/* take the first check off the list; false if there is none */
static bool
first_check(OscJob *job, OrphanCheck *check)
{
	OscMember  *m = linitial(job->members);
	OscStore	store;
	OscArgs		args = {0};
	char	   *texts[3];
	int64		numbers[3][INDEX_MAX_KEYS];
	bool		found;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	found = osc_sql("SELECT c->>'name' AS name, (c->>'fk')::oid AS fk, (c->>'pk')::oid AS pk,"
					" (c->>'full')::bool AS match_full, c->>'fk_attnums' AS fk_attnums,"
					" c->>'pk_attnums' AS pk_attnums, c->>'operators' AS operators"
					" FROM (SELECT orphan_checks->0 FROM online_schema.job_member"
					"  WHERE job_id = $1 AND member = $2 AND jsonb_array_length(orphan_checks) > 0) AS m(c)",
					&args) > 0;
	if (found)
	{
		check->name = osc_col_text(&store, 0, "name");
		check->fk_relid = osc_col_oid(0, "fk");
		check->pk_relid = osc_col_oid(0, "pk");
		check->match_full = osc_col_bool(0, "match_full");
		texts[0] = osc_col_text(&store, 0, "fk_attnums");
		texts[1] = osc_col_text(&store, 0, "pk_attnums");
		texts[2] = osc_col_text(&store, 0, "operators");
		osc_sql("UPDATE online_schema.job_member SET orphan_checks = orphan_checks - 0"
				" WHERE job_id = $1 AND member = $2", &args);
	}
	osc_store_close(&store);
	if (!found)
		return false;
	for (int i = 0; i < 3; i++)
		check->nkeys = split_numbers(texts[i], numbers[i]);
	for (int i = 0; i < check->nkeys; i++)
	{
		check->fk_attnums[i] = (AttrNumber) numbers[0][i];
		check->pk_attnums[i] = (AttrNumber) numbers[1][i];
		check->operators[i] = (Oid) numbers[2][i];
	}
	check->fk = member_of(job, check->fk_relid) ? member_of(job, check->fk_relid)->shadow : check->fk_relid;
	check->pk = member_of(job, check->pk_relid) ? member_of(job, check->pk_relid)->shadow : check->pk_relid;
	return true;
}

static char *
column_of(const char *alias, Oid relid, AttrNumber attnum)
{
	return psprintf("%s.%s", alias, quote_identifier(get_attname(relid, attnum, false)));
}

/* where collations differ, that of the referenced column counts */
static char *
with_collation(char *column, Oid pk_collation, Oid fk_collation)
{
	OscStore	store;
	OscArgs		args = {0};
	char	   *name;

	if (!OidIsValid(pk_collation) || pk_collation == fk_collation)
		return column;
	osc_store_open(&store);
	osc_arg_oid(&args, pk_collation);
	osc_sql("SELECT format('%I.%I', n.nspname, c.collname) AS name FROM pg_collation c"
			" JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = $1", &args);
	name = osc_col_text(&store, 0, "name");
	osc_store_close(&store);
	return psprintf("%s COLLATE %s", column, name);
}

static char *
orphan_query(const OrphanCheck *check)
{
	StringInfoData buf,
				join,
				filter;

	initStringInfo(&buf);
	initStringInfo(&join);
	initStringInfo(&filter);
	appendStringInfoString(&buf, "SELECT ");
	for (int i = 0; i < check->nkeys; i++)
	{
		char	   *fk = column_of("fk", check->fk, check->fk_attnums[i]);
		char	   *pk = column_of("pk", check->pk, check->pk_attnums[i]);
		Oid			fk_type,
					pk_type,
					fk_collation,
					pk_collation;
		int32		typmod;

		get_atttypetypmodcoll(check->fk, check->fk_attnums[i], &fk_type, &typmod, &fk_collation);
		get_atttypetypmodcoll(check->pk, check->pk_attnums[i], &pk_type, &typmod, &pk_collation);
		appendStringInfo(&buf, "%s%s", i ? ", " : "", fk);
		appendStringInfoString(&join, i ? " AND " : "");
		generate_operator_clause(&join, with_collation(pk, pk_collation, fk_collation), pk_type,
								 check->operators[i], fk, fk_type);
		appendStringInfo(&filter, "%s%s IS NOT NULL", !i ? "" : check->match_full ? " OR " : " AND ", fk);
	}
	appendStringInfo(&buf, " FROM %s%s fk LEFT JOIN %s%s pk ON (%s) WHERE %s IS NULL AND (%s) LIMIT 1",
					 get_rel_relkind(check->fk) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 osc_relation_name(check->fk),
					 get_rel_relkind(check->pk) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 osc_relation_name(check->pk), join.data,
					 column_of("pk", check->pk, check->pk_attnums[0]), filter.data);
	return buf.data;
}

/* does the query run nothing that a user has made? */
static bool
is_all_builtin(const OrphanCheck *check)
{
	for (int i = 0; i < check->nkeys; i++)
		if (check->operators[i] >= FirstNormalObjectId ||
			getBaseType(get_atttype(check->fk, check->fk_attnums[i])) >= FirstNormalObjectId ||
			getBaseType(get_atttype(check->pk, check->pk_attnums[i])) >= FirstNormalObjectId)
			return false;
	return true;
}

/* ri_triggers.c, ri_ReportViolation(); values: those of the orphan */
static void
report_orphan(const OrphanCheck *check, char **values, bool may_tell)
{
	StringInfoData names,
				keys;
	bool		mixed = false;

	initStringInfo(&names);
	initStringInfo(&keys);
	for (int i = 0; i < check->nkeys; i++)
	{
		mixed = mixed || values[i] == NULL;
		appendStringInfo(&names, "%s%s", i ? ", " : "", get_attname(check->fk, check->fk_attnums[i], false));
		appendStringInfo(&keys, "%s%s", i ? ", " : "", values[i] ? values[i] : "null");
	}
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
					get_rel_name(check->fk), check->name),
			 mixed ? errdetail("MATCH FULL does not allow mixing of null and nonnull key values.") :
			 may_tell ? errdetail("Key (%s)=(%s) is not present in table \"%s\".",
								  names.data, keys.data, get_rel_name(check->pk)) :
			 errdetail("Key is not present in table \"%s\".", get_rel_name(check->pk)),
			 errhint("Correct the rows and start the job again, or add the constraint NOT VALID.")));
}

/* ask for an orphan under the active snapshot */
static void
try_key(const OrphanCheck *check)
{
	bool		may_tell = check_enable_rls(check->fk_relid, GetUserId(), true) != RLS_ENABLED;
	char	   *sql = orphan_query(check);
	MemoryContext caller = CurrentMemoryContext;
	char	   *values[INDEX_MAX_KEYS];
	OscIdentity saved;
	int			nest = NewGUCNestLevel();
	bool		found;

	osc_set_local("work_mem", psprintf("%d", maintenance_work_mem));
	osc_set_local("row_security", "off");
	osc_become(&saved, is_all_builtin(check) ? osc_extension_owner() : osc_relation_owner(check->fk_relid),
			   SECURITY_NOFORCE_RLS | SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", sql);
	found = SPI_processed > 0;
	for (int i = 0; found && i < check->nkeys; i++)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);

		values[i] = value ? MemoryContextStrdup(caller, value) : NULL;
	}
	SPI_finish();
	osc_unbecome(&saved);
	AtEOXact_GUC(true, nest);
	if (found)
		report_orphan(check, values, may_tell);
}

/* lock, then snapshot, then bring all copies to what the snapshot shows */
static void
bring_up_to_date(OscJob *job, const OrphanCheck *check)
{
	OscLockSet	set = {0};
	ListCell   *lc;

	foreach(lc, job->members)
	{
		osc_lock_add(&set, ((OscMember *) lfirst(lc))->relid, AccessShareLock);
		osc_lock_add(&set, ((OscMember *) lfirst(lc))->shadow, RowExclusiveLock);
		osc_lookups_add(&set, lfirst(lc));
	}
	osc_lock_add(&set, check->fk, AccessShareLock);
	osc_lock_add(&set, check->pk, AccessShareLock);
	osc_lock_all(&set, OSC_LOCK_TO_READ, job->owner);
	PushCopiedSnapshot(GetLatestSnapshot());
	foreach(lc, job->members)
	{
		OscLogPosition position = {0};
		OscReplayResult replayed = {0};

		osc_replay_batch(lfirst(lc), &position, PG_INT64_MAX, &replayed);
	}
	UpdateActiveSnapshotCommandId();
}

/*
 * Try the next key of the job; false when none is left.  Raises native's error
 * if a row violates it, or lock_not_available.  The caller has entered the job
 * owner's name.
 */
bool
osc_next_orphan_check(OscJob *job)
{
	OrphanCheck check = {0};
	TimestampTz start = GetCurrentTimestamp();
	OscStore	store;
	OscArgs		args = {0};
	char	   *detail;

	if (job->members == NIL || !first_check(job, &check))
		return false;
	if (get_rel_name(check.fk) == NULL || get_rel_name(check.pk) == NULL)
		return true;			/* dropped meanwhile: the swap has its own error */
	bring_up_to_date(job, &check);
	try_key(&check);
	PopActiveSnapshot();
	osc_store_open(&store);
	osc_arg_text(&args, check.name);
	osc_sql("SELECT jsonb_build_object('constraint', $1)::text AS detail", &args);
	detail = osc_col_text(&store, 0, "detail");
	osc_store_close(&store);
	osc_event(job, "orphans", osc_elapsed_ms(start), detail);
	return true;
}
