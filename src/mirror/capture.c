/*-------------------------------------------------------------------------
 *
 * capture.c
 *	  Noting which keys of the source change, and the fence.
 *
 * Two internal triggers that fire always, also under session_replication_role
 * = replica and for a logical replication worker: AFTER ROW for INSERT,
 * UPDATE and DELETE, and AFTER STATEMENT for TRUNCATE.  They append the old
 * key, and the new one if it differs, to the current segment of the change
 * log with heap_insert(): no rights, row security, rules or replica identity
 * are in play.  The trigger function takes no arguments and believes none:
 * where it writes, it learns from online_schema.capture, by the trigger's own
 * OID and relation.  Anyone may make a trigger with this function on a table
 * of his own; it will refuse to work.
 *
 * Each backend keeps what it learned until the source's relcache entry is
 * invalidated, which happens with every change of its row (osc_capture_switch_
 * log, osc_capture_stop).  A backend may still hold an outdated entry: the
 * race is named in current_log().
 *
 * The fence.  Capture is installed under SHARE ROW EXCLUSIVE, so no writer is
 * in flight then; X0 is the next transaction id at that moment.  Whoever has
 * an id >= X0 and writes to the source has locked it after us, and so fires
 * the trigger.  When all ids < X0 have ended, the versions that they made are
 * those of one consistent state: the backfill copies these alone.
 *
 * Locks: SHARE ROW EXCLUSIVE on the source to install, ACCESS EXCLUSIVE to
 * remove, both held by the caller.  A crash leaves the trigger noting keys,
 * or nothing: install and remove are transactional.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

#include "base/ident.h"
#include "base/relation_cache.h"
#include "base/run.h"
#include "mirror/capture.h"
#include "store/objects.h"

/* columns of online_schema.capture, see sql/install/10_tables.sql */
#define CAPTURE_RELATION 1
#define CAPTURE_ROW_TRIGGER 2
#define CAPTURE_TRUNCATE_TRIGGER 3
#define CAPTURE_LOG 4
#define CAPTURE_ENABLED 5
#define CAPTURE_KEY 6

/* what a backend knows of a captured relation */
typedef struct CaptureEntry
{
	OscCachedRelation relation;
	bool		found;			/* the relation has a row */
	bool		enabled;
	Oid			row_trigger;
	Oid			truncate_trigger;
	Oid			log;
	int			nkeys;
	AttrNumber	keys[INDEX_MAX_KEYS];
} CaptureEntry;

static OscRelationCache capture_cache;

PG_FUNCTION_INFO_V1(osc_capture);

/* read the relation's row of online_schema.capture, as of now */
static void
read_capture_row(CaptureEntry *entry)
{
	Oid			table = osc_catalog_relid("capture");
	Oid			index = osc_catalog_relid("capture_pkey");
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		isnull;

	entry->found = false;
	if (!OidIsValid(table) || !OidIsValid(index))
		return;
	rel = table_open(table, AccessShareLock);
	ScanKeyInit(&key, CAPTURE_RELATION, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(entry->relation.relid));
	/* a catalog snapshot: the newest committed row, whatever the caller's isolation */
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		ArrayType  *keys;

		entry->found = true;
		entry->row_trigger = DatumGetObjectId(heap_getattr(tuple, CAPTURE_ROW_TRIGGER, desc, &isnull));
		entry->truncate_trigger = DatumGetObjectId(heap_getattr(tuple, CAPTURE_TRUNCATE_TRIGGER, desc, &isnull));
		entry->log = DatumGetObjectId(heap_getattr(tuple, CAPTURE_LOG, desc, &isnull));
		entry->enabled = DatumGetBool(heap_getattr(tuple, CAPTURE_ENABLED, desc, &isnull));
		keys = DatumGetArrayTypeP(heap_getattr(tuple, CAPTURE_KEY, desc, &isnull));
		entry->nkeys = ARR_DIMS(keys)[0];
		memcpy(entry->keys, ARR_DATA_PTR(keys), sizeof(AttrNumber) * entry->nkeys);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/*
 * Have the key columns still the types of the log's?  After an ALTER of a key
 * column by somebody else they have not; nothing is noted then, and the job
 * fails at the next look at the table's definition.  A log that is gone is
 * not our matter here.
 */
static bool
log_fits(const CaptureEntry *entry)
{
	Relation	log = try_table_open(entry->log, AccessShareLock);
	Relation	source;
	bool		fits = true;

	if (log == NULL)
		return true;
	source = table_open(entry->relation.relid, NoLock);
	for (int i = 0; fits && i < entry->nkeys; i++)
	{
		const FormData_pg_attribute *s = osc_key_column(RelationGetDescr(source), entry->keys[i]);
		Form_pg_attribute l = TupleDescAttr(RelationGetDescr(log), i);

		fits = !s->attisdropped && s->atttypid == l->atttypid &&
			s->attlen == l->attlen && s->attbyval == l->attbyval;
	}
	table_close(source, NoLock);
	table_close(log, AccessShareLock);
	return fits;
}

static CaptureEntry *
lookup(Oid relid)
{
	CaptureEntry *entry;

	entry = osc_relation_cache_find(&capture_cache, "online_schema capture", sizeof(CaptureEntry), relid);
	while (!entry->relation.valid)
	{
		uint64		before = capture_cache.invalidations;

		read_capture_row(entry);
		if (entry->found && entry->enabled && !log_fits(entry))
			entry->enabled = false;
		entry->relation.valid = before == capture_cache.invalidations;
	}
	return entry;
}

/*
 * Open the segment to write to; NULL if capture is off.
 *
 * Race: the driver switches to a new segment and drops the old one, while we
 * still believe the old one to be current.  The drop needs ACCESS EXCLUSIVE
 * on it, so either our ROW EXCLUSIVE comes first, and the driver sees our row
 * before it drops; or the drop comes first, the open fails, and we look at
 * the row again, which by then names the new segment.
 */
static Relation
current_log(CaptureEntry **entry)
{
	Oid			relid = (*entry)->relation.relid;

	for (int tries = 0; tries < 10; tries++)
	{
		Relation	log;

		if (!(*entry)->found || !(*entry)->enabled)
			return NULL;
		log = try_table_open((*entry)->log, RowExclusiveLock);
		if (log != NULL)
			return log;
		(*entry)->relation.valid = false;
		*entry = lookup(relid);
	}
	return NULL;
}

static void
append(Relation log, const Datum *values, const bool *nulls)
{
	HeapTuple	row = heap_form_tuple(RelationGetDescr(log), unconstify(Datum *, values),
									  unconstify(bool *, nulls));

	heap_insert(log, row, GetCurrentCommandId(true), 0, NULL);
	heap_freetuple(row);
}

static void
key_of(const CaptureEntry *entry, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	for (int i = 0; i < entry->nkeys; i++)
		values[i] = heap_getattr(tuple, entry->keys[i], desc, &nulls[i]);
}

/* note the key of a changed row, and its new key if that differs */
static void
note_row(const CaptureEntry *entry, Relation log, const TriggerData *data)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	key_of(entry, data->tg_trigtuple, desc, values, nulls);
	append(log, values, nulls);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		Datum		new_values[INDEX_MAX_KEYS];
		bool		new_nulls[INDEX_MAX_KEYS];
		bool		same = true;

		key_of(entry, data->tg_newtuple, desc, new_values, new_nulls);
		for (int i = 0; same && i < entry->nkeys; i++)
		{
			const FormData_pg_attribute *att = osc_key_column(desc, entry->keys[i]);

			same = datumIsEqual(values[i], new_values[i], att->attbyval, att->attlen);
		}
		if (!same)
			append(log, new_values, new_nulls);
	}
}

/*
 * The capture trigger.
 */
Datum
osc_capture(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	CaptureEntry *entry;
	Relation	log;
	Oid			trigger;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by a trigger", "osc_capture")));
	entry = lookup(RelationGetRelid(data->tg_relation));
	trigger = data->tg_trigger->tgoid;
	if (!entry->found ||
		(trigger != entry->row_trigger && trigger != entry->truncate_trigger))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" was not made by an online schema change",
						data->tg_trigger->tgname),
				 errhint("Drop the trigger.")));
	log = current_log(&entry);
	if (log == NULL)
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
	{
		Datum		values[INDEX_MAX_KEYS] = {0};
		bool		nulls[INDEX_MAX_KEYS];

		memset(nulls, true, sizeof(nulls));
		append(log, values, nulls);
	}
	else
		note_row(entry, log, data);
	table_close(log, NoLock);
	return PointerGetDatum(NULL);
}

static Oid
create_trigger(const OscMember *m, const char *name, int16 events, bool row)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	Oid			func;
	ObjectAddress trigger;
	int64		object_id = osc_object_register(m, OSC_OBJECT_TRIGGER, m->nspname, name);

	func = LookupFuncName(list_make2(makeString(osc_function_schema()),
									 makeString("osc_capture")), 0, NULL, false);
	stmt->trigname = pstrdup(name);
	stmt->relation = NULL;
	stmt->funcname = NIL;
	stmt->args = NIL;
	stmt->row = row;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = events;
	stmt->columns = NIL;
	stmt->isconstraint = false;
	trigger = CreateTriggerFiringOn(stmt, NULL, m->relid, InvalidOid, InvalidOid,
									InvalidOid, func, InvalidOid, NULL, true, false,
									TRIGGER_FIRES_ALWAYS);
	osc_object_created(object_id, trigger.objectId);
	CommandCounterIncrement();
	return trigger.objectId;
}

static ArrayType *
attnum_array(const OscKey *key)
{
	Datum		values[INDEX_MAX_KEYS];

	for (int i = 0; i < key->natts; i++)
		values[i] = Int16GetDatum(key->attnums[i]);
	return construct_array(values, key->natts, INT2OID, sizeof(int16), true, TYPALIGN_SHORT);
}

/*
 * Install the capture triggers, and return X0.  The caller holds SHARE ROW
 * EXCLUSIVE on the source.
 */
FullTransactionId
osc_capture_install(const OscMember *m, const OscKey *key, Oid log)
{
	Oid			row_trigger = create_trigger(m, "osc_capture",
											 TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
											 TRIGGER_TYPE_DELETE, true);
	Oid			truncate_trigger = create_trigger(m, "osc_capture_truncate",
												  TRIGGER_TYPE_TRUNCATE, false);
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_arg_oid(&args, row_trigger);
	osc_arg_oid(&args, truncate_trigger);
	osc_arg_oid(&args, log);
	osc_arg_datum(&args, INT2ARRAYOID, PointerGetDatum(attnum_array(key)), false);
	osc_sql("INSERT INTO online_schema.capture VALUES ($1, $2, $3, $4, true, $5)", &args);
	osc_store_close(&store);
	CacheInvalidateRelcacheByRelid(m->relid);
	return ReadNextFullTransactionId();
}

/* change the member's capture row, and let every backend read it again */
static void
update_capture(const OscMember *m, const char *sql, Oid log)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	if (OidIsValid(log))
		osc_arg_oid(&args, log);
	osc_sql(sql, &args);
	osc_store_close(&store);
	CommandCounterIncrement();
	/* the table may have been dropped */
	if (get_rel_name(m->relid) != NULL)
		CacheInvalidateRelcacheByRelid(m->relid);
}

/* from now on writers append to this segment */
void
osc_capture_switch_log(const OscMember *m, Oid log)
{
	update_capture(m, "UPDATE online_schema.capture SET log = $2 WHERE relation = $1", log);
}

/*
 * Let the triggers do nothing any more: the job is over, and the lock that
 * removing them needs may be long in coming.
 */
void
osc_capture_stop(const OscMember *m)
{
	update_capture(m, "UPDATE online_schema.capture SET enabled = false WHERE relation = $1",
				   InvalidOid);
}

/*
 * Look at a trigger: is it ours, and enabled, and which transaction wrote its
 * row last?  Somebody may have disabled it for a while; and after pg_upgrade,
 * which does not bring our triggers along, the OID may be that of another
 * trigger of the table.
 */
static bool
look_at_trigger(Oid trigger, Oid relid, bool *intact, TransactionId *xmin)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		exists = false;

	*intact = false;
	*xmin = InvalidTransactionId;
	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		char	   *func = get_func_name(form->tgfoid);

		exists = form->tgrelid == relid && func != NULL &&
			strcmp(func, "osc_capture") == 0;
		*xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
		*intact = exists && form->tgenabled == TRIGGER_FIRES_ALWAYS;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return exists;
}

static bool
trigger_exists(Oid trigger, Oid relid)
{
	bool		intact;
	TransactionId xmin;

	return look_at_trigger(trigger, relid, &intact, &xmin);
}

/*
 * What tells whether the triggers are as they were made: the transactions
 * that wrote their rows.  NULL if one is not there or not enabled.
 */
char *
osc_capture_state(const OscMember *m)
{
	CaptureEntry entry = {.relation.relid = m->relid};
	bool		intact;
	TransactionId row_xmin;
	TransactionId truncate_xmin;

	read_capture_row(&entry);
	if (!entry.found || !entry.enabled || get_rel_name(entry.log) == NULL)
		return NULL;
	(void) look_at_trigger(entry.row_trigger, m->relid, &intact, &row_xmin);
	if (!intact)
		return NULL;
	(void) look_at_trigger(entry.truncate_trigger, m->relid, &intact, &truncate_xmin);
	if (!intact)
		return NULL;
	return psprintf("%u,%u", row_xmin, truncate_xmin);
}

/*
 * Are both triggers there, as they were made, with a log that exists?
 */
bool
osc_capture_is_intact(const OscMember *m)
{
	char	   *state = osc_capture_state(m);

	return state != NULL && m->capture_state != NULL &&
		strcmp(state, m->capture_state) == 0;
}

/*
 * Remove the triggers and their row.  The caller holds ACCESS EXCLUSIVE on
 * the source, if it still exists.
 */
void
osc_capture_remove(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	ListCell   *lc;

	foreach(lc, osc_objects_of(m->job_id, m->member))
	{
		OscObject  *o = lfirst(lc);
		ObjectAddress address;

		if (o->kind != OSC_OBJECT_TRIGGER)
			continue;
		if (OidIsValid(o->oid) && trigger_exists(o->oid, m->relid))
		{
			ObjectAddressSet(address, TriggerRelationId, o->oid);
			performDeletion(&address, DROP_RESTRICT,
							PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
		}
		osc_object_forget(o->object_id);
	}
	osc_store_open(&store);
	osc_arg_oid(&args, m->relid);
	osc_sql("DELETE FROM online_schema.capture WHERE relation = $1", &args);
	osc_store_close(&store);
	CommandCounterIncrement();
}

/*
 * Is this the id of a prepared transaction, and of one of this database?
 */
static bool
is_prepared(TransactionId xid, bool *here)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		result;

	osc_store_open(&store);
	osc_arg_datum(&args, XIDOID, TransactionIdGetDatum(xid), false);
	result = osc_sql("SELECT database = current_database() AS here"
					 " FROM pg_prepared_xacts WHERE transaction = $1", &args) > 0;
	*here = result && osc_col_bool(0, "here");
	osc_store_close(&store);
	return result;
}

/*
 * Does this transaction keep the fence closed?  Says why in *waiting_for.
 */
static bool
is_in_the_way(TransactionId xid, char **waiting_for)
{
	int			pid;
	bool		here;

	if (TransactionIdIsCurrentTransactionId(xid))
		return false;
	pid = BackendXidGetPid(xid);
	if (pid != 0)
	{
		PGPROC	   *proc = BackendPidGetProc(pid);

		if (proc == NULL || proc->databaseId != MyDatabaseId)
			return false;
		*waiting_for = psprintf("a transaction that began before the capture of changes (pid %d)", pid);
		return true;
	}
	if (is_prepared(xid, &here))
	{
		*waiting_for = psprintf("prepared transaction %u, which began before the capture of changes", xid);
		return here;
	}
	/* it ends, or is being prepared, at this moment: look again */
	*waiting_for = psprintf("transaction %u", xid);
	return TransactionIdIsInProgress(xid);
}

/*
 * Have all transactions of this database with an id before the fence ended,
 * prepared ones included?  Looks once, waits for nothing, and keeps no
 * snapshot.  *waiting_for tells who has not.
 *
 * Ids are taken from a snapshot: iterating over the process array by hand
 * would meet stale ids of prepared transactions that have ended.
 *
 * Race: a snapshot lists running ids below its xmax only, and xmax is one
 * above the newest id that has *ended*.  An id between our own and X0, handed
 * out while capture was being installed, may run and yet not be listed.  So
 * the ids from xmax up to the fence are looked at one by one; there are no
 * more of them than sessions.
 */
bool
osc_fence_passed(FullTransactionId fence, char **waiting_for)
{
	TransactionId limit = XidFromFullTransactionId(fence);
	Snapshot	snapshot = GetLatestSnapshot();
	TransactionId xmax = snapshot->xmax;
	int			n = (int) snapshot->xcnt;
	TransactionId *xids = palloc(sizeof(TransactionId) * Max(n, 1));

	/* look-ups below take snapshots of their own */
	memcpy(xids, snapshot->xip, sizeof(TransactionId) * n);
	for (int i = 0; i < n; i++)
		if (TransactionIdPrecedes(xids[i], limit) && is_in_the_way(xids[i], waiting_for))
			return false;
	while (TransactionIdPrecedes(xmax, limit))
	{
		if (is_in_the_way(xmax, waiting_for))
			return false;
		TransactionIdAdvance(xmax);
	}
	*waiting_for = NULL;
	return true;
}
