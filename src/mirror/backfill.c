/*-------------------------------------------------------------------------
 *
 * backfill.c
 *	  Copying what was there before the fence, by block ranges.
 *
 * A batch is one transaction.  The order in it matters: share lock on the
 * member's row and check of its generation; lock on the source; check of its
 * storage; locks on what the expressions read; only then the snapshot.  It scans from the range's cursor, keeps
 * the tuple versions from before the fence, maps and proves them, appends
 * them to the shadow without touching its indexes, and stores the cursor with
 * them.  So a crash loses at most a batch, rows and cursor together, and
 * nothing is copied twice.
 *
 * Before the fence means made by a transaction id below X0, read off the raw
 * xmin:
 *  - 1 or 2 (bootstrap, frozen by an old release): before.
 *  - not frozen: TransactionIdPrecedes, sound while next - X0 < 2^31.
 *  - frozen: the raw xmin may be of an earlier epoch.  Only if it falls in
 *    [X0, next), next read after the snapshot, can it be one of ours; whether
 *    it is cannot be told.  Such a row is left out and its key is logged:
 *    replay puts it right in both cases.
 *
 * If the source's storage is another one than the backfill began with
 * (TRUNCATE, VACUUM FULL, CLUSTER), the member goes to its next generation:
 * the shadow is emptied and the backfill starts again.  The exclusive lock on
 * the member's row waits for batches in flight, and the generation tells the
 * others.
 *
 * Where rows are found by place, the same batch notes the place that each row
 * came from; if the rows have moved, it is the driver that starts again, with
 * a new fence (place.c, drive/restart.c).
 *
 * Locks: ACCESS SHARE on the source, ROW EXCLUSIVE on the shadow, to the end
 * of the batch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "mirror/backfill.h"
#include "mirror/capture.h"
#include "mirror/log.h"
#include "mirror/lookups.h"
#include "mirror/place.h"
#include "mirror/row_error.h"
#include "mirror/shadow.h"
#include "model/mapping.h"
#include "store/events.h"

/* rows are handed to the table access method in lots of at most this */
#define LOT_ROWS 1000
#define LOT_BYTES (1024 * 1024)

/* ids between fence and now: comparing them fails at 2^31 */
#define MAX_FENCE_AGE 2000000000

/* the smallest range worth a worker of its own */
#define MIN_RANGE_BLOCKS 128

/* the state of one batch */
typedef struct Batch
{
	OscMember  *member;
	int64		next_block;
	int64		end_block;
	Relation	source;
	Relation	shadow;
	OscRowsIdentity identity;
	OscMapExec *map;
	TransactionId fence;		/* X0, 32 bits */
	TransactionId next_xid;		/* read after the snapshot, 32 bits */
	OscPlaces	places;			/* if rows have no key */
	ItemPointer lot_places;		/* where the rows of the lot came from */
	TupleTableSlot **lot;
	int			nlot;
	Size		lot_bytes;
	MemoryContext lot_context;
	BulkInsertState bulk;
	CommandId	cid;
	int64		rows;			/* copied */
	int64		logged;			/* ambiguous ones, left to replay */
	TimestampTz start;
} Batch;

/*
 * Cut the source's blocks into ranges, one for each worker.  Called when the
 * fence has been passed: no version from before it can be added behind the
 * end that is read now.  Raises lock_not_available if rows whose places are
 * noted have moved.
 */
void
osc_backfill_begin(OscMember *m, int nranges)
{
	Relation	source = table_open(m->relid, AccessShareLock);
	int64		nblocks = RelationGetNumberOfBlocks(source);
	int64		rows = source->rd_rel->reltuples > 0 ? (int64) source->rd_rel->reltuples : 0;
	int64		storage = source->rd_rel->relfilenode;
	OscStore	store;
	OscArgs		args = {0};

	osc_require_places(m);
	table_close(source, NoLock);
	nranges = (int) Max(1, Min(nranges, nblocks / MIN_RANGE_BLOCKS));
	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_sql("DELETE FROM online_schema.job_range WHERE job_id = $1 AND member = $2", &args);
	osc_arg_int4(&args, nranges);
	osc_arg_int8(&args, nblocks);
	osc_arg_int4(&args, m->generation);
	osc_sql("INSERT INTO online_schema.job_range"
			" (job_id, member, range_no, generation, next_block, end_block)"
			" SELECT $1, $2, n, $5, $4 * (n - 1) / $3, $4 * n / $3"
			" FROM generate_series(1, $3) AS n", &args);
	osc_store_close(&store);

	memset(&args, 0, sizeof(args));
	osc_arg_int8(&args, storage);
	osc_arg_int8(&args, nblocks);
	osc_arg_int8(&args, rows);
	osc_arg_int8(&args, nblocks * BLCKSZ);
	osc_member_update(m, "fence_passed = true, source_storage = $3, blocks_total = $4,"
					  " rows_total = $5, bytes_total = $6, vacuumed_blocks = 0", &args);
	m->fence_passed = true;
	m->source_storage = storage;
	m->blocks_total = nblocks;
	m->vacuumed_blocks = 0;
}

/* number of ranges of the member */
int
osc_backfill_nranges(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	int			n;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_sql("SELECT count(*) AS n FROM online_schema.job_range"
			" WHERE job_id = $1 AND member = $2", &args);
	n = (int) osc_col_int8(0, "n");
	osc_store_close(&store);
	return n;
}

/*
 * A range that is not complete and that no other worker is at, the first one;
 * 0 when all are complete, -1 when the rest is in others' hands.
 */
int
osc_backfill_open_range(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	int			range_no = 0;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	if (osc_sql("SELECT range_no FROM online_schema.job_range"
				" WHERE job_id = $1 AND member = $2 AND next_block < end_block"
				" ORDER BY range_no LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED", &args) > 0)
		range_no = (int) osc_col_int8(0, "range_no");
	else if (osc_sql("SELECT 1 FROM online_schema.job_range"
					 " WHERE job_id = $1 AND member = $2 AND next_block < end_block"
					 " LIMIT 1", &args) > 0)
		range_no = -1;
	osc_store_close(&store);
	return range_no;
}

/*
 * Read the cursor of a range, and lock it; false if the range is not there.
 */
bool
osc_range_read(const OscMember *m, int range_no, int64 *next_block, int64 *end_block)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		found;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_arg_int4(&args, range_no);
	found = osc_sql("SELECT next_block, end_block FROM online_schema.job_range"
					" WHERE job_id = $1 AND member = $2 AND range_no = $3"
					" FOR NO KEY UPDATE", &args) == 1;
	if (found)
	{
		*next_block = osc_col_int8(0, "next_block");
		*end_block = osc_col_int8(0, "end_block");
	}
	osc_store_close(&store);
	return found;
}

/*
 * Store the cursor of a range, and add what the batch has done.
 */
void
osc_range_store(const OscMember *m, int range_no, int64 next_block, int64 rows, int64 blocks)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_arg_int4(&args, range_no);
	osc_arg_int8(&args, next_block);
	osc_arg_int8(&args, rows);
	osc_arg_int8(&args, blocks * BLCKSZ);
	osc_sql("UPDATE online_schema.job_range SET next_block = $4,"
			" rows_done = rows_done + $5, bytes_done = bytes_done + $6"
			" WHERE job_id = $1 AND member = $2 AND range_no = $3", &args);
	osc_store_close(&store);
}

/*
 * The source has other storage than the backfill began with: start again, in
 * the next generation.
 */
static void
restart(OscMember *m)
{
	OscArgs		args = {0};
	OscJob		job = {.job_id = m->job_id, .phase = OSC_BACKFILLING};

	m->generation = osc_member_lock_generation(m, true) + 1;
	osc_empty_shadow(m->shadow);
	osc_arg_int4(&args, m->generation);
	osc_member_update(m, "generation = $3", &args);
	osc_backfill_begin(m, osc_backfill_nranges(m));
	osc_event(&job, "restart", -1,
			  "{\"reason\": \"the table has other storage; the backfill starts again\"}");
}

typedef enum FenceSide
{
	BEFORE_FENCE,
	AFTER_FENCE,
	AMBIGUOUS
} FenceSide;

/* on which side of the fence was this tuple version made? */
static FenceSide
side_of_fence(const Batch *b, HeapTupleHeader header)
{
	TransactionId raw = HeapTupleHeaderGetRawXmin(header);

	if (!TransactionIdIsNormal(raw) || !OSC_PROTECTED("fence"))
		return BEFORE_FENCE;
	if (HeapTupleHeaderXminFrozen(header))
		return (uint32) (raw - b->fence) < (uint32) (b->next_xid - b->fence) ?
			AMBIGUOUS : BEFORE_FENCE;
	if (!TransactionIdPrecedes(raw, b->fence))
		return AFTER_FENCE;
	/*
	 * All steps in one transaction that writes as well: what it wrote before
	 * the capture is in no log, what it wrote since is.
	 */
	return TransactionIdIsCurrentTransactionId(raw) ? AMBIGUOUS : BEFORE_FENCE;
}

static void
flush_lot(Batch *b)
{
	MemoryContext old;

	if (b->nlot == 0)
		return;
	old = MemoryContextSwitchTo(b->lot_context);
	table_multi_insert(b->shadow, b->lot, b->nlot, b->cid, 0, b->bulk);
	if (b->lot_places)
		osc_places_add_lot(&b->places, b->lot_places, b->lot, b->nlot, b->cid);
	MemoryContextSwitchTo(old);
	MemoryContextReset(b->lot_context);
	for (int i = 0; i < b->nlot; i++)
		ExecClearTuple(b->lot[i]);
	b->nlot = 0;
	b->lot_bytes = 0;
}

static void
add_to_lot(Batch *b, TupleTableSlot *row, HeapTuple from)
{
	if (b->lot_places)
		b->lot_places[b->nlot] = from->t_self;
	if (b->lot[b->nlot] == NULL)
		b->lot[b->nlot] = table_slot_create(b->shadow, NULL);
	ExecCopySlot(b->lot[b->nlot++], row);
	b->lot_bytes += from->t_len;
	b->rows++;
	if (b->nlot == LOT_ROWS || b->lot_bytes > LOT_BYTES)
		flush_lot(b);
}

/* has the batch done enough?  asked when a block ends */
static bool
batch_is_full(const Batch *b, int64 max_rows)
{
	if (max_rows > 0)
		return b->rows >= max_rows;
	return osc_elapsed_ms(b->start) >= osc_batch_target_time;
}

/*
 * Copy from the cursor on until the batch is full; returns the block to go on
 * from.
 */
static int64
copy_blocks(Batch *b, int64 max_rows)
{
	TupleTableSlot *in = table_slot_create(b->source, NULL);
	TableScanDesc scan;
	int64		block = -1;		/* that of the last row */
	int64		result = b->end_block;

	scan = table_beginscan_strat(b->source, GetActiveSnapshot(), 0, NULL, true, false);
	/* VACUUM may have cut off blocks at the end: a scan beyond it wraps round */
	heap_setscanlimits(scan, (BlockNumber) b->next_block,
					   (BlockNumber) (b->end_block - b->next_block));
	while (table_scan_getnextslot(scan, ForwardScanDirection, in))
	{
		HeapTuple	tuple = ((BufferHeapTupleTableSlot *) in)->base.tuple;
		int64		at = ItemPointerGetBlockNumber(&tuple->t_self);

		CHECK_FOR_INTERRUPTS();
		if (block >= 0 && at != block && batch_is_full(b, max_rows))
		{
			result = at;
			break;
		}
		block = at;
		switch (side_of_fence(b, tuple->t_data))
		{
			case BEFORE_FENCE:
				add_to_lot(b, osc_map_row(b->map, in), tuple);
				break;
			case AMBIGUOUS:
				osc_log_own_key(b->member, b->map, in);
				b->logged++;
				break;
			case AFTER_FENCE:
				break;
		}
	}
	flush_lot(b);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(in);
	return result;
}

/* open what the batch needs, in the order that the top of the file gives */
static bool
open_batch(Batch *b)
{
	OscMember  *m = b->member;
	FullTransactionId next;

	b->source = table_open(m->relid, AccessShareLock);
	if (!OidIsValid(m->places) &&
		b->source->rd_rel->relfilenode != (Oid) m->source_storage)
	{
		table_close(b->source, NoLock);
		return false;
	}
	b->shadow = table_open(m->shadow, RowExclusiveLock);
	osc_require_places(m);
	osc_lookups_lock(m);
	PushActiveSnapshot(GetLatestSnapshot());
	next = ReadNextFullTransactionId();
	if (U64FromFullTransactionId(next) - U64FromFullTransactionId(m->fence) > MAX_FENCE_AGE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the backfill of \"%s\" has taken too many transaction ids", m->relname),
				 errhint("Start the job again; more workers, or a larger batch_target_time, make it faster.")));
	b->fence = XidFromFullTransactionId(m->fence);
	b->next_xid = XidFromFullTransactionId(next);
	osc_rows_enter(&b->identity, b->source->rd_rel->relowner);
	b->map = osc_mapping_init(osc_mapping_load(m->mapping, b->source, b->shadow),
							  b->source, b->shadow);
	b->lot = palloc0(sizeof(TupleTableSlot *) * LOT_ROWS);
	b->lot_context = AllocSetContextCreate(CurrentMemoryContext, "online_schema lot",
										   ALLOCSET_DEFAULT_SIZES);
	if (OidIsValid(m->places))
	{
		osc_places_open(&b->places, m->places, false);
		b->lot_places = palloc(sizeof(ItemPointerData) * LOT_ROWS);
	}
	b->bulk = GetBulkInsertState();
	b->cid = GetCurrentCommandId(true);
	return true;
}

static void
close_batch(Batch *b)
{
	FreeBulkInsertState(b->bulk);
	if (b->lot_places)
		osc_places_close(&b->places);
	for (int i = 0; i < LOT_ROWS && b->lot[i]; i++)
		ExecDropSingleTupleTableSlot(b->lot[i]);
	osc_mapping_end(b->map);
	osc_rows_leave(&b->identity);
	PopActiveSnapshot();
	table_close(b->shadow, NoLock);
	table_close(b->source, NoLock);
}

/*
 * Copy one batch of a range.  max_rows 0: as the settings say.  Returns the
 * rows copied; *complete tells that the range has no more.  The caller has
 * entered the job owner's name.  Memory: bounded by a lot of rows.
 */
int64
osc_copy_batch(OscMember *m, int range_no, int64 max_rows, bool *complete)
{
	Batch		b = {.member = m, .start = GetCurrentTimestamp()};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "online_schema batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	OscRowErrorContext errors;
	int64		next_block;
	int64		range_end;

	*complete = false;
	if (osc_member_lock_generation(m, false) != m->generation)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the backfill of \"%s\" has started again", m->relname)));
	if (!open_batch(&b))
	{
		MemoryContextSwitchTo(old);
		restart(m);
		return 0;
	}
	if (!osc_range_read(m, range_no, &b.next_block, &b.end_block))
		elog(ERROR, "range %d of member %d is gone", range_no, m->member);
	range_end = b.end_block;
	b.end_block = Min(b.end_block, (int64) RelationGetNumberOfBlocks(b.source));
	OSC_STOP_POINT("backfill-after-snapshot");
	osc_row_errors_begin(&errors, b.map);
	next_block = b.next_block < b.end_block ?
		copy_blocks(&b, max_rows > 0 ? max_rows : osc_batch_size) : b.end_block;
	if (next_block >= b.end_block)
		next_block = range_end;
	osc_row_errors_end(&errors);
	osc_range_store(m, range_no, next_block, b.rows, next_block - b.next_block);
	*complete = next_block >= range_end;
	close_batch(&b);
	OSC_STOP_POINT("backfill-before-commit");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return b.rows;
}
