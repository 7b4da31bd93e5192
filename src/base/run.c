/*-------------------------------------------------------------------------
 *
 * run.c
 *	  In whose name, with which settings and through which SQL calls a step
 *	  runs.
 *
 * Three identities occur.  The worker connects as the bootstrap superuser; a
 * step switches to the job's owner (osc_env_enter), under whom every user
 * expression runs; the job tables are written in the name of the extension's
 * owner with a search_path of pg_catalog alone (osc_store_open), and no user
 * expression is evaluated meanwhile.  All switches forbid SET ROLE and SET
 * SESSION AUTHORIZATION (SECURITY_LOCAL_USERID_CHANGE).  An error restores
 * the identity and the settings with the (sub)transaction that it ends.
 *
 * Locks: those of the SQL that is called.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"

/*
 * Settings of the caller that do not travel with a job: those of the
 * transaction and the connection, time limits, logging, and what would change
 * which triggers fire.
 */
static const char *const denied_settings[] = {
	"transaction_isolation", "transaction_read_only",
	"transaction_deferrable", "default_transaction_isolation",
	"default_transaction_read_only", "default_transaction_deferrable",
	"statement_timeout", "lock_timeout", "transaction_timeout",
	"idle_in_transaction_session_timeout", "idle_session_timeout",
	"deadlock_timeout", "session_replication_role", "role",
	"session_authorization", "is_superuser", "application_name",
	"client_encoding", "client_min_messages", "client_connection_check_interval",
	"seed", "debug_print_parse", "debug_print_plan",
	"debug_print_rewritten", "synchronous_commit", "row_security",
	"event_triggers", "allow_system_table_mods", "zero_damaged_pages",
	"ignore_system_indexes", "local_preload_libraries",
	"session_preload_libraries", "tcp_keepalives_idle",
	"tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout",
	"jit_provider", "exit_on_error", "restrict_nonsystem_relation_kind",
};

/* always kept, wherever the value comes from: they change what SQL means */
static const char *const kept_settings[] = {
	"search_path", "TimeZone", "DateStyle", "IntervalStyle", "bytea_output",
	"extra_float_digits", "lc_monetary", "lc_numeric", "lc_time",
	"standard_conforming_strings", "backslash_quote", "array_nulls",
	"transform_null_equals", "default_text_search_config", "xmlbinary",
	"xmloption", "default_tablespace", "default_toast_compression",
	"default_table_access_method",
};

/*
 * Set by the drivers around a step (drive/driver.c, drive/background.c), so
 * that the guard lets the job's own DDL pass; nothing in SQL can set it.
 */
int64		osc_driving_job = 0;

static bool
name_in(const char *name, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (pg_strcasecmp(name, list[i]) == 0)
			return true;
	return false;
}

/*
 * Act as another role; SET ROLE and its kin are refused until osc_unbecome().
 * sec_flags adds to SECURITY_LOCAL_USERID_CHANGE.
 */
void
osc_become(OscIdentity *saved, Oid role, int sec_flags)
{
	GetUserIdAndSecContext(&saved->userid, &saved->sec_context);
	SetUserIdAndSecContext(role, saved->sec_context |
						   SECURITY_LOCAL_USERID_CHANGE | sec_flags);
}

void
osc_unbecome(const OscIdentity *saved)
{
	SetUserIdAndSecContext(saved->userid, saved->sec_context);
}

/*
 * Put settings of a job into force, with the rights of the job's owner: until
 * the current GUC nest level ends, or for the session.  What the owner may no longer set is
 * logged and left as it is.
 */
static void
apply_settings(Jsonb *settings, Oid owner, GucAction action)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *name = NULL;
	GucContext	context = superuser_arg(owner) ? PGC_SUSET : PGC_USERSET;

	if (settings == NULL)
		return;
	it = JsonbIteratorInit(&settings->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && v.type == jbvString && name)
			(void) set_config_option(name,
									 pnstrdup(v.val.string.val, v.val.string.len),
									 context, PGC_S_SESSION,
									 action, true, LOG, false);
	}
}

/*
 * Have temporary objects looked up last.  Unnamed in search_path they come
 * first: a temporary table of the session that drives the job by hand would
 * hide the table that the statement refers to, and its row type a domain or
 * type, though the session that started the job meant others.
 */
static void
hide_temporary_objects(void)
{
	StringInfoData path;
	List	   *names;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(namespace_search_path), ',', &names))
		return;
	initStringInfo(&path);
	foreach(lc, names)
		if (strcmp(lfirst(lc), "pg_temp") != 0)
			appendStringInfo(&path, "%s, ", quote_identifier(lfirst(lc)));
	appendStringInfoString(&path, "pg_temp");
	osc_set_local("search_path", path.data);
}

/*
 * Enter the name and the settings of a job's owner.  Raises an error if the
 * role is gone.
 */
void
osc_env_enter(OscEnv *env, Oid owner, Jsonb *settings, Jsonb *session_settings)
{
	if (GetUserNameFromId(owner, true) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role with OID %u, the owner of the job, does not exist",
						owner),
				 errhint("Cancel the job with osc_cancel().")));
	env->guc_nest = NewGUCNestLevel();

	/*
	 * Restricted: what a user function queues to the end of the transaction
	 * (deferred triggers, holdable cursors) would run in another name, and
	 * what it leaves in the session (temporary tables) would meet the next
	 * job's.
	 */
	osc_become(&env->identity, owner, SECURITY_RESTRICTED_OPERATION);
	apply_settings(session_settings, owner, GUC_ACTION_SAVE);
	apply_settings(settings, owner, GUC_ACTION_SAVE);
	hide_temporary_objects();
	/* policies hold, whatever a session says that happens to run a trigger or a step */
	osc_set_local("row_security", "on");
}

void
osc_env_leave(OscEnv *env)
{
	osc_unbecome(&env->identity);
	/* false: what a user function has SET goes, too */
	AtEOXact_GUC(false, env->guc_nest);
}

/*
 * In whose name expressions are worked out for the rows of a table: the job
 * owner's, but never a superuser's.  The owner of the table, and of functions
 * that it uses, could have them do anything, and change them at any time while
 * the job runs.
 */
Oid
osc_rows_role(Oid job_owner, Oid table_owner)
{
	return superuser_arg(job_owner) ? table_owner : job_owner;
}

/*
 * Enter that name, from the job owner's, for work on rows.  What only the
 * superuser may call or read raises insufficient_privilege; rows of other tables that
 * policies would hide from the table's owner raise an error, too.
 */
void
osc_rows_enter(OscRowsIdentity *saved, Oid table_owner)
{
	Oid			role = osc_rows_role(GetUserId(), table_owner);

	saved->guc_nest = 0;
	if (role == GetUserId())
		return;
	saved->guc_nest = NewGUCNestLevel();
	osc_become(&saved->identity, role, SECURITY_RESTRICTED_OPERATION);
	osc_set_local("row_security", "off");
}

void
osc_rows_leave(const OscRowsIdentity *saved)
{
	if (saved->guc_nest == 0)
		return;
	osc_unbecome(&saved->identity);
	AtEOXact_GUC(false, saved->guc_nest);
}

/*
 * The same settings for a command that manages transactions itself, in a
 * worker's session: they outlive commits, until osc_session_leave().  The
 * role stays what it is.
 */
void
osc_session_enter(Oid owner, Jsonb *session_settings)
{
	apply_settings(session_settings, owner, GUC_ACTION_SET);
}

void
osc_session_leave(void)
{
	ResetAllOptions();
}

/*
 * The settings of this session that may change what SQL means, as a JSON
 * object of names and values: those of kept_settings, and whatever was set
 * above the level of the configuration file, less denied_settings and our own
 * prefix (guc.c keeps the source of each value).
 */
char *
osc_session_settings_to_json(void)
{
	StringInfoData buf;
	struct config_generic **vars;
	int			nvars;
	bool		first = true;

	vars = osc_guc_variables(&nvars);
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	for (int i = 0; i < nvars; i++)
	{
		struct config_generic *g = vars[i];
		const char *value;

		if (g->context != PGC_USERSET && g->context != PGC_SUSET)
			continue;
		if (strncmp(g->name, "online_schema.", strlen("online_schema.")) == 0 ||
			strncmp(g->name, "log_", 4) == 0 ||
			name_in(g->name, denied_settings, lengthof(denied_settings)))
			continue;
		if (!name_in(g->name, kept_settings, lengthof(kept_settings)) &&
			(g->source < PGC_S_GLOBAL || g->source == PGC_S_OVERRIDE))
			continue;
		value = GetConfigOption(g->name, true, false);
		if (value == NULL)
			continue;
		if (!first)
			appendStringInfoString(&buf, ", ");
		first = false;
		escape_json(&buf, g->name);
		appendStringInfoString(&buf, ": ");
		escape_json(&buf, value);
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

/*
 * Open a session with the job tables: extension owner's name, search_path of
 * pg_catalog only, SPI connected.  Close it with osc_store_close(); an error
 * in between ends it with the (sub)transaction.
 */
void
osc_store_open(OscStore *store)
{
	store->caller = CurrentMemoryContext;
	store->own_snapshot = !ActiveSnapshotSet();
	if (store->own_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	store->guc_nest = NewGUCNestLevel();
	osc_become(&store->identity, osc_extension_owner(), 0);
	osc_set_local("search_path", "pg_catalog, pg_temp");
	osc_set_local("quote_all_identifiers", "off");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

void
osc_store_close(OscStore *store)
{
	SPI_finish();
	osc_unbecome(&store->identity);
	AtEOXact_GUC(true, store->guc_nest);
	if (store->own_snapshot)
		PopActiveSnapshot();
	MemoryContextSwitchTo(store->caller);
}

/*
 * Run one statement inside an open store (or another SPI session); the result
 * is in SPI_tuptable.  Returns the number of rows.
 */
uint64
osc_sql(const char *sql, OscArgs *args)
{
	int			rc;

	rc = SPI_execute_with_args(sql, args ? args->n : 0,
							   args ? args->types : NULL,
							   args ? args->values : NULL,
							   args ? args->nulls : NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI failed with \"%s\" for: %s",
			 SPI_result_code_string(rc), sql);
	return SPI_processed;
}

void
osc_arg_datum(OscArgs *args, Oid type, Datum value, bool isnull)
{
	if (args->n >= OSC_MAX_ARGS)
		elog(ERROR, "too many arguments of an SQL call");
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

void
osc_arg_int8(OscArgs *args, int64 value)
{
	osc_arg_datum(args, INT8OID, Int64GetDatum(value), false);
}

void
osc_arg_int4(OscArgs *args, int32 value)
{
	osc_arg_datum(args, INT4OID, Int32GetDatum(value), false);
}

void
osc_arg_oid(OscArgs *args, Oid value)
{
	osc_arg_datum(args, OIDOID, ObjectIdGetDatum(value), !OidIsValid(value));
}

void
osc_arg_bool(OscArgs *args, bool value)
{
	osc_arg_datum(args, BOOLOID, BoolGetDatum(value), false);
}

/* NULL means SQL NULL */
void
osc_arg_text(OscArgs *args, const char *value)
{
	osc_arg_datum(args, TEXTOID,
				  value ? CStringGetTextDatum(value) : (Datum) 0,
				  value == NULL);
}

void
osc_arg_jsonb(OscArgs *args, const char *json)
{
	osc_arg_datum(args, JSONBOID,
				  json ? DirectFunctionCall1(jsonb_in, CStringGetDatum(json)) : (Datum) 0,
				  json == NULL);
}

static int
column_number(const char *name)
{
	int			col = SPI_fnumber(SPI_tuptable->tupdesc, name);

	if (col <= 0)
		elog(ERROR, "no column \"%s\" in the result", name);
	return col;
}

static Datum
column_value(uint64 row, const char *name, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column_number(name), isnull);
}

/* a bigint or integer column; NULL gives 0 */
int64
osc_col_int8(uint64 row, const char *name)
{
	bool		isnull;
	Datum		d = column_value(row, name, &isnull);
	Oid			type = SPI_gettypeid(SPI_tuptable->tupdesc, column_number(name));

	if (isnull)
		return 0;
	return type == INT4OID ? (int64) DatumGetInt32(d) : DatumGetInt64(d);
}

/* NULL gives InvalidOid */
Oid
osc_col_oid(uint64 row, const char *name)
{
	bool		isnull;
	Datum		d = column_value(row, name, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(d);
}

/* NULL gives false */
bool
osc_col_bool(uint64 row, const char *name)
{
	bool		isnull;
	Datum		d = column_value(row, name, &isnull);

	return !isnull && DatumGetBool(d);
}

/* output text of a column, in the context that opened the store; NULL for NULL */
char *
osc_col_text(OscStore *store, uint64 row, const char *name)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[row],
									 SPI_tuptable->tupdesc,
									 column_number(name));

	return value ? MemoryContextStrdup(store->caller, value) : NULL;
}

/* append to a list that lives in the context that opened the store */
List *
osc_keep(OscStore *store, List *list, void *entry)
{
	MemoryContext old = MemoryContextSwitchTo(store->caller);

	list = lappend(list, entry);
	MemoryContextSwitchTo(old);
	return list;
}

/* the same for a list of Oid */
List *
osc_keep_oid(OscStore *store, List *list, Oid oid)
{
	MemoryContext old = MemoryContextSwitchTo(store->caller);

	list = lappend_oid(list, oid);
	MemoryContextSwitchTo(old);
	return list;
}

/* a datum, detoasted and copied into the context that opened the store */
Datum
osc_col_datum(OscStore *store, uint64 row, const char *name, bool *isnull)
{
	Datum		d = column_value(row, name, isnull);
	int16		len;
	bool		byval;
	MemoryContext old;

	if (*isnull)
		return (Datum) 0;
	get_typlenbyval(SPI_gettypeid(SPI_tuptable->tupdesc, column_number(name)),
					&len, &byval);
	old = MemoryContextSwitchTo(store->caller);
	if (len == -1)
		d = PointerGetDatum(PG_DETOAST_DATUM_COPY(d));
	else
		d = datumCopy(d, byval, len);
	MemoryContextSwitchTo(old);
	return d;
}

/*
 * Begin a subtransaction; memory goes on being taken from the context of now.
 */
void
osc_subxact_begin(OscSubxact *subxact)
{
	subxact->context = CurrentMemoryContext;
	subxact->owner = CurrentResourceOwner;
	subxact->nest = GetCurrentTransactionNestLevel();
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(subxact->context);
}

void
osc_subxact_commit(const OscSubxact *subxact)
{
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(subxact->context);
	CurrentResourceOwner = subxact->owner;
}

/*
 * Roll the subtransaction back, with those that an error has left open inside
 * it.  Locks, identity and settings are as they were at its beginning.
 */
void
osc_subxact_rollback(const OscSubxact *subxact)
{
	while (GetCurrentTransactionNestLevel() > subxact->nest)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(subxact->context);
	CurrentResourceOwner = subxact->owner;
}

/*
 * In PG_CATCH: take the error and roll back.  To go on raising it, call
 * ReThrowError(): an error must not leave with its subtransaction open, for
 * who catches it, or the client's transaction, would be one level too deep.
 */
ErrorData *
osc_subxact_caught(const OscSubxact *subxact)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(subxact->context);
	edata = CopyErrorData();
	FlushErrorState();
	osc_subxact_rollback(subxact);
	return edata;
}

/*
 * Does an error of this code say that an expression has no value for a row, or
 * that a command cannot succeed?  Not if it tells of the moment only, and the
 * same would work at another one: a lock that others hold, a statement that is
 * cancelled, a server that is short of something or shut down.  Such an error
 * is to be raised again, as it would be from any function.  What will not go
 * away by itself lasts, also that a function is gone or a right is missing.
 */
bool
osc_error_lasts(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK): /* deadlock, serialization failure */
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):	/* cancelled, shut down */
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
			return false;
		default:
			return sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
				sqlerrcode != ERRCODE_OBJECT_IN_USE &&
				sqlerrcode != ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE &&
				sqlerrcode != ERRCODE_STATEMENT_TOO_COMPLEX;	/* the stack is full */
	}
}

/*
 * Refuse a transaction whose snapshot is older than the locks that we are
 * about to take: a replay in it would not see the rows that others committed
 * before we got the lock.
 */
void
osc_require_read_committed(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("cannot work on a job in a transaction of isolation level %s",
						XactIsoLevel == XACT_SERIALIZABLE ? "SERIALIZABLE" : "REPEATABLE READ"),
				 errhint("Use a transaction of isolation level READ COMMITTED, CALL osc_run(), or a job that runs in the background.")));
}

/*
 * Make the transaction that has just begun READ COMMITTED and read-write,
 * whatever the defaults of the session say.  To be called before the
 * transaction's first snapshot.
 */
void
osc_set_read_committed(void)
{
	XactIsoLevel = XACT_READ_COMMITTED;
	XactReadOnly = false;
	XactDeferrable = false;
}

/*
 * Set a parameter until the current GUC nest level (or else the transaction)
 * ends, with the rights of a superuser: for our own steps only.
 */
void
osc_set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, ERROR, false);
}

double
osc_elapsed_ms(TimestampTz since)
{
	return (GetCurrentTimestamp() - since) / 1000.0;
}
