/*-------------------------------------------------------------------------
 *
 * replay.c
 *	  Bringing logged keys up to date in the shadow.
 *
 * A batch is one snapshot and one transaction.  Its log rows are read in
 * block order and their keys sorted, so that a key that changed a thousand
 * times is replayed once and both tables are visited in key order.  Then all
 * those keys are deleted from the shadow, all their present source rows are
 * inserted through the mapping, and exactly those log rows are deleted.  It
 * is idempotent and does not care for order: a later log row of the same key
 * replays it again.
 *
 * A part of the keys is not a consistent cut of the source, so a unique or
 * exclusion index of the shadow may object to a value that was handed from
 * one row to another.  The batch is then rolled back and made wider, at last
 * as wide as the whole visible log, which is consistent; only what it objects
 * to then is a violation.
 *
 * A row of NULLs marks a TRUNCATE of the source: the shadow gets empty
 * storage and the whole log is taken.  What the source holds now was written
 * after the TRUNCATE, and so is in the log.
 *
 * Where rows have no key, their place stands for it, and the table of places
 * says which row of the shadow came from where (place.c).  Truncate markers
 * mean nothing there: the source's storage has told.
 *
 * Everything works below the executor: no rights, row security, triggers,
 * rules or publications are in play.  User expressions of the mapping run in
 * the job owner's name, those of indexes in the table owner's.
 *
 * Locks: ACCESS SHARE on the source, ROW EXCLUSIVE on shadow and log; ACCESS
 * EXCLUSIVE on the shadow to empty it.  Memory: maintenance_work_mem, beyond
 * which the sort spills.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/sortsupport.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"

#include "base/compat.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "mirror/keyscan.h"
#include "mirror/lookups.h"
#include "mirror/place.h"
#include "mirror/replay.h"
#include "mirror/row_error.h"
#include "mirror/shadow.h"
#include "model/mapping.h"

/* where adapting starts, and its bounds */
#define FIRST_LIMIT 2000
#define MIN_LIMIT 100
#define MAX_LIMIT 1000000

/* the share of batch_target_time that a batch is made for: some take longer */
#define AIM_AT 0.6

/* how much wider a batch gets when a unique index objects */
#define WIDEN_BY 8

/* the state of one batch */
typedef struct Replay
{
	OscMember  *member;
	Relation	source;
	Relation	shadow;
	OscMapExec *map;
	TupleDesc	key_desc;		/* of the log */
	TupleTableSlot *key_slot;	/* for rows on their way into the sort */
	Tuplesortstate *sort;
	SortSupport compare;		/* per key column */
	OscPlaces	places;			/* if rows have no key */
	ResultRelInfo *target;
	EState	   *estate;
	CommandId	cid;
} Replay;

/* what this process remembers of a member between batches */
typedef struct ReplayMemory
{
	OscLogPosition position;
	int64		limit;
} ReplayMemory;

typedef struct MemoryKey
{
	int64		job_id;
	int64		member;
} MemoryKey;

typedef struct MemoryEntry
{
	MemoryKey	key;
	ReplayMemory memory;
} MemoryEntry;

static HTAB *memories;

static ReplayMemory *
remember(const OscMember *m)
{
	MemoryKey	key = {m->job_id, m->member};
	MemoryEntry *entry;
	bool		found;

	if (memories == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(MemoryKey);
		ctl.entrysize = sizeof(MemoryEntry);
		ctl.hcxt = TopMemoryContext;
		memories = hash_create("online_schema replay", 16, &ctl,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(memories, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset(&entry->memory, 0, sizeof(entry->memory));
		entry->memory.limit = FIRST_LIMIT;
	}
	return &entry->memory;
}

static bool
by_place(const Replay *r)
{
	return osc_key_is_place(&r->map->mapping->key);
}

/* the operators that sort keys as the source's key index does, and places */
static void
key_order(const OscKey *key, Oid *operators, Oid *collations)
{
	Relation	index;

	if (osc_key_is_place(key))
	{
		operators[0] = TIDLessOperator;
		collations[0] = InvalidOid;
		return;
	}
	index = index_open(key->index, AccessShareLock);
	for (int i = 0; i < key->natts; i++)
	{
		operators[i] = get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i],
										   index->rd_opcintype[i], BTLessStrategyNumber);
		collations[i] = index->rd_indcollation[i];
	}
	index_close(index, NoLock);
}

/* sort and compare keys */
static void
begin_sort(Replay *r)
{
	const OscKey *key = &r->map->mapping->key;
	AttrNumber	attnums[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
	Oid			collations[INDEX_MAX_KEYS];
	bool		nulls_first[INDEX_MAX_KEYS] = {0};

	key_order(key, operators, collations);
	r->compare = palloc0(sizeof(SortSupportData) * key->natts);
	for (int i = 0; i < key->natts; i++)
	{
		attnums[i] = i + 1;
		r->compare[i].ssup_cxt = CurrentMemoryContext;
		r->compare[i].ssup_collation = collations[i];
		r->compare[i].ssup_attno = i + 1;
		PrepareSortSupportFromOrderingOp(operators[i], &r->compare[i]);
	}
	r->sort = tuplesort_begin_heap(r->key_desc, key->natts, attnums, operators,
								   collations, nulls_first, maintenance_work_mem,
								   NULL, TUPLESORT_RANDOMACCESS);
}

static void
sort_row(Relation segment, HeapTuple row, void *arg)
{
	Replay	   *r = arg;

	if (heap_attisnull(row, 1, RelationGetDescr(segment)))
		return;					/* a TRUNCATE marker */
	ExecStoreHeapTuple(row, r->key_slot, false);
	tuplesort_puttupleslot(r->sort, r->key_slot);
	ExecClearTuple(r->key_slot);
}

static void
delete_row(Relation segment, HeapTuple row, void *arg)
{
	simple_heap_delete(segment, &row->t_self);
}

/*
 * The next distinct key of the sort, in slots used in turn; false at the end.
 * slots[0] is the key, slots[1] the one before it.
 */
static bool
next_key(Replay *r, TupleTableSlot **slots, Datum *values)
{
	for (;;)
	{
		TupleTableSlot *previous = slots[0];
		bool		same = !TupIsNull(previous);

		slots[0] = slots[1];
		slots[1] = previous;
		if (!tuplesort_gettupleslot(r->sort, true, true, slots[0], NULL))
			return false;
		slot_getallattrs(slots[0]);
		for (int i = 0; same && i < r->map->mapping->key.natts; i++)
			same = ApplySortComparator(previous->tts_values[i], false,
									   slots[0]->tts_values[i], false,
									   &r->compare[i]) == 0;
		if (same)
			continue;
		memcpy(values, slots[0]->tts_values,
			   sizeof(Datum) * r->map->mapping->key.natts);
		return true;
	}
}

static void
begin_keys(Replay *r, TupleTableSlot **slots)
{
	tuplesort_rescan(r->sort);
	slots[0] = MakeSingleTupleTableSlot(r->key_desc, &TTSOpsMinimalTuple);
	slots[1] = MakeSingleTupleTableSlot(r->key_desc, &TTSOpsMinimalTuple);
}

static void
end_keys(TupleTableSlot **slots)
{
	ExecDropSingleTupleTableSlot(slots[0]);
	ExecDropSingleTupleTableSlot(slots[1]);
}

/* first pass: the keys' old rows leave the shadow */
static void
delete_keys(Replay *r)
{
	TupleTableSlot *slots[2];
	Datum		key[INDEX_MAX_KEYS];
	Datum		shadow_key[INDEX_MAX_KEYS];
	OscKeyScan	scan;

	begin_keys(r, slots);
	osc_keyscan_begin(&scan, r->shadow, r->map->mapping->shadow_key.index,
					  GetActiveSnapshot());
	while (next_key(r, slots, key))
	{
		CHECK_FOR_INTERRUPTS();
		osc_map_key(r->map, key, shadow_key);
		if (osc_keyscan_find(&scan, shadow_key))
			simple_table_tuple_delete(r->shadow, &scan.slot->tts_tid,
									  GetActiveSnapshot());
	}
	osc_keyscan_end(&scan);
	end_keys(slots);
}

/* the same where rows have no key: the rows that came from those places */
static void
delete_places(Replay *r)
{
	TupleTableSlot *slots[2];
	Datum		key[INDEX_MAX_KEYS];
	OscKeyScan	places;
	OscPlaceScan rows;

	begin_keys(r, slots);
	osc_keyscan_begin(&places, r->places.rel,
					  osc_places_index(r->places.rel, OSC_PLACE_SOURCE), GetActiveSnapshot());
	osc_placescan_begin(&rows, r->shadow, GetActiveSnapshot());
	while (next_key(r, slots, key))
	{
		ItemPointer place;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (!osc_keyscan_find(&places, key))
			continue;
		place = DatumGetItemPointer(slot_getattr(places.slot, OSC_PLACE_SHADOW, &isnull));
		/* nobody but us deletes there; make sure, before the wrong row goes */
		if (!osc_placescan_find(&rows, place))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the copy of table \"%s\" was changed by somebody else",
							r->member->relname),
					 errhint("Start the job again.")));
		simple_table_tuple_delete(r->shadow, &rows.slot->tts_tid, GetActiveSnapshot());
		simple_table_tuple_delete(r->places.rel, &places.slot->tts_tid, GetActiveSnapshot());
	}
	osc_placescan_end(&rows);
	osc_keyscan_end(&places);
	end_keys(slots);
}

/* append a mapped row and its index entries */
static void
insert_row(Replay *r, TupleTableSlot *row)
{
	OscIdentity saved;
	List	   *recheck = NIL;

	table_tuple_insert(r->shadow, row, r->cid, 0, NULL);
	if (r->target->ri_NumIndices > 0)
	{
		osc_become(&saved, r->source->rd_rel->relowner, SECURITY_RESTRICTED_OPERATION);
		recheck = osc_insert_index_tuples(r->target, row, r->estate);
		osc_unbecome(&saved);
	}
	/* a deferrable constraint only tells that it may be violated */
	if (recheck != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("duplicate key value violates unique constraint \"%s\"",
						get_rel_name(linitial_oid(recheck)))));
	ResetPerTupleExprContext(r->estate);
}

/* the source's rows by key, or by place */
typedef union SourceRows
{
	OscKeyScan	by_key;
	OscPlaceScan by_place;
} SourceRows;

static void
begin_source_rows(Replay *r, SourceRows *rows)
{
	if (by_place(r))
		osc_placescan_begin(&rows->by_place, r->source, GetActiveSnapshot());
	else
		osc_keyscan_begin(&rows->by_key, r->source, r->map->mapping->key.index,
						  GetActiveSnapshot());
}

static TupleTableSlot *
find_source_row(Replay *r, SourceRows *rows, const Datum *key)
{
	if (by_place(r))
		return osc_placescan_find(&rows->by_place, DatumGetItemPointer(key[0])) ?
			rows->by_place.slot : NULL;
	return osc_keyscan_find(&rows->by_key, key) ? rows->by_key.slot : NULL;
}

static void
end_source_rows(Replay *r, SourceRows *rows)
{
	if (by_place(r))
		osc_placescan_end(&rows->by_place);
	else
		osc_keyscan_end(&rows->by_key);
}

/* second pass: the keys' present rows enter it; returns the number of keys */
static int64
insert_keys(Replay *r)
{
	TupleTableSlot *slots[2];
	Datum		key[INDEX_MAX_KEYS];
	SourceRows	rows;
	OscRowErrorContext errors;
	int64		n = 0;

	begin_keys(r, slots);
	begin_source_rows(r, &rows);
	osc_row_errors_begin(&errors, r->map);
	while (next_key(r, slots, key))
	{
		TupleTableSlot *found = find_source_row(r, &rows, key);

		CHECK_FOR_INTERRUPTS();
		n++;
		if (found)
		{
			TupleTableSlot *row = osc_map_row(r->map, found);

			r->map->current = found;
			insert_row(r, row);
			if (by_place(r))
				osc_places_add(&r->places, &found->tts_tid, &row->tts_tid, r->cid);
			r->map->current = NULL;
		}
	}
	osc_row_errors_end(&errors);
	end_source_rows(r, &rows);
	end_keys(slots);
	return n;
}

static void
open_target(Replay *r)
{
	r->target = makeNode(ResultRelInfo);
	r->estate = CreateExecutorState();
	InitResultRelInfo(r->target, r->shadow, 1, NULL, 0);
	ExecOpenIndices(r->target, false);
	r->cid = GetCurrentCommandId(true);
}

static void
close_target(Replay *r)
{
	ExecCloseIndices(r->target);
	FreeExecutorState(r->estate);
}

/* the columns of the log, to sort rows by */
static TupleDesc
log_columns(const OscMember *m)
{
	Relation	segment = table_open(llast_oid(osc_log_segments(m)), AccessShareLock);
	TupleDesc	desc = CreateTupleDescCopy(RelationGetDescr(segment));

	table_close(segment, NoLock);
	return desc;
}

/* read a batch into the sort; the whole log where a TRUNCATE is in it */
static void
read_batch(Replay *r, OscLogBatch *batch, int64 limit)
{
	begin_sort(r);
	osc_log_scan(r->member, GetActiveSnapshot(), limit, batch, sort_row, r);
	if (by_place(r))
		batch->truncated = false;
	if (batch->truncated && (OidIsValid(batch->from.segment) || !batch->whole))
	{
		tuplesort_end(r->sort);
		begin_sort(r);
		memset(&batch->from, 0, sizeof(batch->from));
		osc_log_scan(r->member, GetActiveSnapshot(), PG_INT64_MAX, batch, sort_row, r);
	}
	tuplesort_performsort(r->sort);
}

/*
 * Replay one batch from *position on, under the active snapshot, which the
 * caller took after the locks of his step; moves the position.  limit: log
 * rows, PG_INT64_MAX for all.  The caller has entered the job owner's name.
 * Raises lock_not_available if rows without a key have moved.
 */
void
osc_replay_batch(OscMember *m, OscLogPosition *position, int64 limit,
				 OscReplayResult *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "online_schema replay batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Replay		r = {.member = m};
	OscLogBatch batch = {.from = *position};
	OscRowsIdentity identity;

	OSC_STOP_POINT("replay-after-snapshot");
	r.source = table_open(m->relid, AccessShareLock);
	r.shadow = table_open(m->shadow, RowExclusiveLock);
	osc_require_places(m);
	osc_rows_enter(&identity, r.source->rd_rel->relowner);
	r.map = osc_mapping_init(osc_mapping_load(m->mapping, r.source, r.shadow),
							 r.source, r.shadow);
	if (by_place(&r))
		osc_places_open(&r.places, m->places, true);
	r.key_desc = log_columns(m);
	r.key_slot = MakeSingleTupleTableSlot(r.key_desc, &TTSOpsHeapTuple);
	read_batch(&r, &batch, limit);
	result->rows = batch.rows;
	result->whole = batch.whole && !OidIsValid(batch.from.segment);
	result->past_first = batch.whole ||
		batch.next.segment != linitial_oid(osc_log_segments(m));
	if (batch.truncated)
	{
		osc_mapping_end(r.map);
		table_close(r.shadow, NoLock);
		osc_empty_shadow(m->shadow);
		r.shadow = table_open(m->shadow, RowExclusiveLock);
		r.map = osc_mapping_init(osc_mapping_load(m->mapping, r.source, r.shadow),
								 r.source, r.shadow);
	}
	else if (batch.rows > 0)
	{
		if (by_place(&r))
			delete_places(&r);
		else
			delete_keys(&r);
	}
	if (batch.rows > 0)
	{
		CommandCounterIncrement();
		open_target(&r);
		result->keys = insert_keys(&r);
		close_target(&r);
		osc_log_rescan(m, GetActiveSnapshot(), &batch, delete_row, NULL);
	}
	else
		result->keys = 0;
	*position = batch.next;
	if (by_place(&r))
		osc_places_close(&r.places);
	ExecDropSingleTupleTableSlot(r.key_slot);
	tuplesort_end(r.sort);
	osc_mapping_end(r.map);
	osc_rows_leave(&identity);
	table_close(r.shadow, NoLock);
	table_close(r.source, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	CommandCounterIncrement();
	OSC_STOP_POINT("replay-before-commit");
}

/* one try, in a subtransaction; false if a unique index objected to a part */
static bool
try_batch(OscMember *m, OscLogPosition *position, int64 limit, OscReplayResult *result)
{
	OscSubxact	subxact;
	volatile bool ok = true;
	bool		is_whole = limit == PG_INT64_MAX;

	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		/* lock, then snapshot: a TRUNCATE must not come in between */
		LockRelationOid(m->relid, AccessShareLock);
		LockRelationOid(m->shadow, RowExclusiveLock);
		osc_lookups_lock(m);
		PushActiveSnapshot(GetLatestSnapshot());
		osc_replay_batch(m, position, limit, result);
		PopActiveSnapshot();
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		if (is_whole || (edata->sqlerrcode != ERRCODE_UNIQUE_VIOLATION &&
						 edata->sqlerrcode != ERRCODE_EXCLUSION_VIOLATION))
			ReThrowError(edata);
		ok = false;
	}
	PG_END_TRY();
	return ok;
}

/* fit the size of batches to the time that the last one took */
static void
adapt(ReplayMemory *memory, double ms)
{
	double		factor = osc_batch_target_time * AIM_AT / Max(ms, 0.1);

	factor = Min(Max(factor, 0.25), 2.0);
	memory->limit = (int64) (memory->limit * factor);
	memory->limit = Min(Max(memory->limit, MIN_LIMIT), MAX_LIMIT);
}

/*
 * Replay the next batch, of a size that keeps to the target time, and widen
 * it where a unique index objects.
 */
void
osc_replay_adaptive(OscMember *m, OscReplayResult *result)
{
	ReplayMemory *memory = remember(m);
	int64		limit = osc_replay_batch_size > 0 ? osc_replay_batch_size : memory->limit;
	TimestampTz start = GetCurrentTimestamp();
	OscLogPosition position = memory->position;

	while (!try_batch(m, &position, limit, result))
	{
		/* a wide batch starts at the front, so that at last it is the whole log */
		memset(&position, 0, sizeof(position));
		limit = limit > osc_log_estimate(m, NULL) ? PG_INT64_MAX : limit * WIDEN_BY;
		start = GetCurrentTimestamp();
	}
	memory->position = position;
	result->left = result->whole ? 0 : osc_log_estimate(m, &position);
	if (limit == memory->limit && result->rows >= limit / 2)
		adapt(memory, osc_elapsed_ms(start));
}
