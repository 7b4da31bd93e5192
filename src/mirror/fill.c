/*-------------------------------------------------------------------------
 *
 * fill.c
 *	  Filling columns of a table in place, in batches.
 *
 * For each row of a range of blocks the new columns' values are worked out as
 * expressions over the row; where they differ from what is there, the row is
 * updated through the table access method: no trigger fires, no foreign key
 * and no constraint is looked at, since nothing but our columns changes.  Index
 * entries are made where the new version does not fit into its page.  The
 * cursor is stored with the rows, so a crash loses at most a batch; a row that
 * is equal already is passed over, so nothing is written twice.
 *
 * A mirror trigger is at work before the first batch: what is written from
 * then on is right by itself.  New versions may be put into blocks to come,
 * where they are found equal.
 *
 * Race: somebody writes to a row between our reading it and our update.  The
 * update names the version that we read; if that is no longer the newest, the
 * access method refuses, and the row is left to its writer, whose trigger has
 * worked the values out from the newer row (heapam.c, heap_update).
 *
 * A row that is locked is not waited for: its block becomes a range of its
 * own at the end of the queue, and is looked at again until the row is free.
 *
 * Room: an update in place leaves as many dead rows as it writes.  After each
 * tenth of the blocks the worker runs VACUUM, so that later batches put their
 * versions where the earlier ones were; the table grows by about a tenth
 * and what the values take.  Batches driven by hand do without.
 *
 * Locks: ROW EXCLUSIVE on the table and the locks of the updated rows, to the
 * end of the batch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "mirror/backfill.h"
#include "mirror/fill.h"
#include "mirror/lookups.h"
#include "mirror/notes.h"
#include "model/mapping.h"

/* VACUUM when this share of the blocks has been filled, but at least so many */
#define VACUUM_SHARE 10
#define VACUUM_MIN_BLOCKS 128

/* the state of one batch */
typedef struct Fill
{
	OscMember  *member;
	Relation	rel;
	const OscKey *key;			/* for messages */
	OscRowsIdentity identity;
	OscColumnExec *ce;
	ResultRelInfo *rri;
	TupleTableSlot *in;
	TupleTableSlot *out;
	CommandId	cid;
	int64		rows;
	OscMirror	mirror;			/* for notes */
	bool		empty;			/* the row at work has a NULL where there must be none */
	int64		held_block;		/* last block in which a row is locked; -1: none */
	bool		again;			/* the range is one block that is looked at again */
	bool		busy;			/* an error is being described */
	TimestampTz start;
} Fill;

static void
row_error_callback(void *arg)
{
	Fill	   *f = arg;

	if (f->busy || TTS_EMPTY(f->in))
		return;
	f->busy = true;
	errcontext("row with key %s of table \"%s\"", osc_row_key_to_string(f->key, f->in),
			   RelationGetRelationName(f->rel));
	f->busy = false;
}

/* put the row with its new values into f->out; false if it has them */
static bool
work_out(Fill *f)
{
	TupleDesc	desc = RelationGetDescr(f->rel);
	bool		differs = false;

	f->empty = false;
	slot_getallattrs(f->in);
	ExecClearTuple(f->out);
	memcpy(f->out->tts_values, f->in->tts_values, sizeof(Datum) * desc->natts);
	memcpy(f->out->tts_isnull, f->in->tts_isnull, sizeof(bool) * desc->natts);
	for (int i = 0; i < f->ce->n; i++)
	{
		AttrNumber	attnum = f->ce->column[i]->new_att;
		bool		isnull;
		Datum		value = osc_column_forward(f->ce, i, f->in, &isnull);

		f->empty = f->empty || (isnull && f->ce->column[i]->not_null);
		if (osc_same_image(f->rel, attnum, f->in->tts_values[attnum - 1], f->in->tts_isnull[attnum - 1],
						   value, isnull))
			continue;
		f->out->tts_values[attnum - 1] = value;
		f->out->tts_isnull[attnum - 1] = isnull;
		differs = true;
	}
	if (differs)
		ExecStoreVirtualTuple(f->out);
	return differs;
}

/* is the row free, or locked only in ways that do not conflict?  then it is ours */
static TM_Result
lock_row(Fill *f, ItemPointer tid)
{
	TupleTableSlot *locked = table_slot_create(f->rel, NULL);
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(f->rel, tid, GetActiveSnapshot(), locked, f->cid,
										  LockTupleNoKeyExclusive, LockWaitSkip, 0, &failure);

	ExecDropSingleTupleTableSlot(locked);
	return result;
}

static TM_Result
try_update(Fill *f, ItemPointer tid, bool wait, OscUpdateIndexes *indexes)
{
	TM_FailureData failure;
	LockTupleMode mode;

	return table_tuple_update(f->rel, tid, f->out, f->cid, GetActiveSnapshot(), InvalidSnapshot,
							  wait, &failure, &mode, indexes);
}

static void
update_row(Fill *f)
{
	ItemPointerData tid = f->in->tts_tid;
	OscUpdateIndexes indexes;
	TM_Result	result;

	OSC_STOP_POINT("fill-before-update");
	result = try_update(f, &tid, false, &indexes);
	if (result == TM_BeingModified)
	{
		result = lock_row(f, &tid);
		if (result == TM_WouldBlock)
		{
			f->held_block = ItemPointerGetBlockNumber(&tid);
			return;
		}
		if (result == TM_Ok)
			result = try_update(f, &tid, true, &indexes);
	}
	/* somebody else has written or deleted it: his trigger has done our work */
	if (result != TM_Ok)
		return;
	if (f->rri->ri_NumIndices > 0 && osc_needs_index_tuples(indexes))
	{
		OscIdentity saved;

		/* as index builds: functions in the user's indexes are the table owner's */
		osc_become(&saved, f->rel->rd_rel->relowner, SECURITY_RESTRICTED_OPERATION);
		list_free(osc_update_index_tuples(f->rri, f->out, f->ce->estate, indexes));
		osc_unbecome(&saved);
	}
	f->rows++;
}

/* rows in this block are locked: it becomes a range of its own */
static void
add_range(const OscMember *m, int64 block)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_arg_int8(&args, block);
	osc_sql("INSERT INTO online_schema.job_range (job_id, member, range_no, generation, next_block, end_block)"
			" SELECT $1, $2, max(range_no) + 1, max(generation), $3, $3 + 1"
			" FROM online_schema.job_range WHERE job_id = $1 AND member = $2", &args);
	osc_store_close(&store);
}

static bool
batch_is_full(const Fill *f, int64 max_rows)
{
	if (max_rows > 0)
		return f->rows >= max_rows;
	return osc_elapsed_ms(f->start) >= osc_batch_target_time;
}

/* a block is done */
static void
end_block(Fill *f, int64 block)
{
	if (!f->again && f->held_block >= 0 && f->held_block == block)
		add_range(f->member, block);
}

/* fill from the cursor on until the batch is full; returns the block to go on from */
static int64
fill_blocks(Fill *f, int64 next_block, int64 limit, int64 max_rows)
{
	TableScanDesc scan = table_beginscan_strat(f->rel, GetActiveSnapshot(), 0, NULL, true, false);
	int64		block = -1;		/* that of the last row */
	int64		result = limit;

	heap_setscanlimits(scan, (BlockNumber) next_block, (BlockNumber) (limit - next_block));
	while (table_scan_getnextslot(scan, ForwardScanDirection, f->in))
	{
		int64		at = ItemPointerGetBlockNumber(&f->in->tts_tid);

		CHECK_FOR_INTERRUPTS();
		if (block >= 0 && at != block)
		{
			end_block(f, block);
			if (batch_is_full(f, max_rows))
			{
				block = -1;
				result = at;
				break;
			}
		}
		block = at;
		if (work_out(f))
			update_row(f);
		/* not yet an error: somebody may have changed the row since */
		if (f->empty)
			osc_note_key(&f->mirror, f->rel, f->in);
		ResetPerTupleExprContext(f->ce->estate);
	}
	if (block >= 0)
		end_block(f, block);
	table_endscan(scan);
	return result;
}

static void
open_fill(Fill *f, List *columns)
{
	if (!osc_mirror_read(f->member->relid, &f->mirror))
		elog(ERROR, "the mirror of table \"%s\" is gone", f->member->relname);
	osc_lookups_lock(f->member);
	PushActiveSnapshot(GetLatestSnapshot());
	osc_rows_enter(&f->identity, f->rel->rd_rel->relowner);
	f->ce = osc_columns_init(f->rel, columns);
	osc_columns_plan_queries(f->ce);
	f->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(f->rri, f->rel, 0, NULL, 0);
	ExecOpenIndices(f->rri, false);
	f->in = table_slot_create(f->rel, NULL);
	f->out = MakeSingleTupleTableSlot(RelationGetDescr(f->rel), &TTSOpsVirtual);
	f->cid = GetCurrentCommandId(true);
}

static void
close_fill(Fill *f)
{
	ExecDropSingleTupleTableSlot(f->out);
	ExecDropSingleTupleTableSlot(f->in);
	ExecCloseIndices(f->rri);
	osc_columns_end(f->ce);
	osc_rows_leave(&f->identity);
	PopActiveSnapshot();
	table_close(f->rel, NoLock);
}

/*
 * Fill one batch of a range: the new columns of the pairs (OscColumn *) from
 * their expressions.  max_rows 0: as the settings say.  The caller has entered
 * the job owner's name, and holds a lock that its writers' triggers are behind.
 * Raises the expressions' errors, with the row's key as context.
 */
void
osc_fill_batch(OscMember *m, List *columns, const OscKey *key, int range_no,
			   int64 max_rows, OscFillResult *result)
{
	Fill		f = {.member = m,.key = key,.held_block = -1,.start = GetCurrentTimestamp()};
	ErrorContextCallback errors = {.callback = row_error_callback,.arg = &f};
	int64		next_block;
	int64		range_end;
	int64		limit;
	int64		to;

	memset(result, 0, sizeof(*result));
	/* lock, then look at the storage, then the snapshot */
	f.rel = table_open(m->relid, RowExclusiveLock);
	if (f.rel->rd_rel->relfilenode != (Oid) m->source_storage)
	{
		/* VACUUM FULL or CLUSTER has put rows elsewhere, perhaps behind the cursor */
		table_close(f.rel, NoLock);
		osc_backfill_begin(m, 1);
		return;
	}
	open_fill(&f, columns);
	if (!osc_range_read(m, range_no, &next_block, &range_end))
		elog(ERROR, "range %d of member %d is gone", range_no, m->member);
	f.again = range_no > 1;
	/* blocks may have been cut off or emptied since: what is there now is right by itself */
	limit = Min(range_end, (int64) RelationGetNumberOfBlocks(f.rel));
	OSC_STOP_POINT("fill-after-snapshot");
	errors.previous = error_context_stack;
	error_context_stack = &errors;
	to = next_block < limit ?
		fill_blocks(&f, next_block, limit, max_rows > 0 ? max_rows : osc_batch_size) : limit;
	error_context_stack = errors.previous;
	if (to >= limit)
		to = range_end;
	result->held = f.again && f.held_block >= 0;
	result->rows = f.rows;
	if (result->held)
		to = next_block;
	osc_range_store(m, range_no, to, f.rows, f.again ? 0 : to - next_block);
	close_fill(&f);
	OSC_STOP_POINT("fill-before-commit");
}

/* how far the first range has come */
static int64
blocks_filled(const OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	int64		result = 0;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	if (osc_sql("SELECT next_block FROM online_schema.job_range"
				" WHERE job_id = $1 AND member = $2 AND range_no = 1", &args) > 0)
		result = osc_col_int8(0, "next_block");
	osc_store_close(&store);
	return result;
}

/*
 * The VACUUM that is due for the sake of the batches to come; NULL if none is.
 */
char *
osc_fill_vacuum_command(const OscMember *m)
{
	int64		filled = blocks_filled(m);

	if (filled >= m->blocks_total ||
		filled - m->vacuumed_blocks < Max(m->blocks_total / VACUUM_SHARE, VACUUM_MIN_BLOCKS))
		return NULL;
	/* old values in TOAST go on being used by the new versions */
	return psprintf("VACUUM (INDEX_CLEANUP ON, TRUNCATE FALSE, PROCESS_TOAST FALSE) %s",
					osc_relation_name(m->relid));
}

/*
 * The command above has been run.
 */
void
osc_fill_note_vacuumed(OscMember *m)
{
	OscArgs		args = {0};

	m->vacuumed_blocks = blocks_filled(m);
	osc_arg_int8(&args, m->vacuumed_blocks);
	osc_member_update(m, "vacuumed_blocks = $3", &args);
}
