/*-------------------------------------------------------------------------
 *
 * log.c
 *	  The change log: tables of keys, in segments.
 *
 * A segment has the source's key columns, or for want of a key the row's
 * ctid, and nothing else: no index, no primary key.  A row of NULLs stands for
 * a TRUNCATE (no key column is ever NULL).  Capture appends to the newest segment; the driver adds a segment
 * when that has grown to its size, and drops one that nobody
 * writes to and that holds no row, so the log takes no more room than what is
 * not replayed yet.  Autovacuum is off: dead rows are only passed over until
 * the segment goes.
 *
 * Rows are consumed one by one, those that a snapshot showed, in the
 * transaction that applies them; a position is only where to look first,
 * since rows may be added anywhere behind it.
 *
 * Locks: dropping a segment takes ACCESS EXCLUSIVE on it without waiting.
 * Writers hold ROW EXCLUSIVE to the end of their transaction, so once we have
 * it, no transaction in flight has a row in there.  One that still believes
 * the segment to be current finds it gone, and looks again (capture.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/ident.h"
#include "base/stop_point.h"
#include "mirror/helper_table.h"
#include "mirror/log.h"
#include "store/objects.h"

static TupleDesc
log_columns(Relation source, const OscKey *key)
{
	TupleDesc	from = RelationGetDescr(source);
	TupleDesc	desc = CreateTemplateTupleDesc(key->natts);

	for (int i = 0; i < key->natts; i++)
	{
		const FormData_pg_attribute *att = osc_key_column(from, key->attnums[i]);

		TupleDescInitEntry(desc, i + 1, psprintf("k%d", i + 1), att->atttypid,
						   att->atttypmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, att->attcollation);
	}
	return desc;
}

/*
 * Make a new segment in the helper schema, owned by the extension's owner,
 * and register it.  Returns its OID.
 */
Oid
osc_log_create(const OscMember *m, Oid nsp, Relation source, const OscKey *key)
{
	int			n = list_length(osc_log_segments(m)) + 1;

	return osc_create_helper_table(m, nsp, OSC_OBJECT_LOG,
								   osc_free_helper_name(nsp, "osc_log", n),
								   log_columns(source, key));
}

/*
 * The segments of a member's log (Oid), oldest first.
 */
List *
osc_log_segments(const OscMember *m)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, osc_objects_of(m->job_id, m->member))
	{
		OscObject  *o = lfirst(lc);

		if (o->kind == OSC_OBJECT_LOG && OidIsValid(o->oid))
			result = lcons_oid(o->oid, result);
	}
	return result;
}

static bool
is_truncate_marker(Relation segment, HeapTuple row)
{
	return heap_attisnull(row, 1, RelationGetDescr(segment));
}

/*
 * Scan one segment from a block on, until limit rows are seen; a block is
 * always finished.  Returns the block to go on from, InvalidBlockNumber at
 * the end.  end, if valid, is the first block not to read.
 */
static BlockNumber
scan_segment(Relation segment, Snapshot snapshot, BlockNumber start, BlockNumber end,
			 int64 limit, OscLogBatch *batch, OscLogRowFunc func, void *arg)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(segment);
	BlockNumber next = InvalidBlockNumber;
	TableScanDesc scan;
	HeapTuple	row;

	if (end != InvalidBlockNumber && end < nblocks)
		nblocks = end;
	if (start >= nblocks)
		return InvalidBlockNumber;
	scan = table_beginscan_strat(segment, snapshot, 0, NULL, true, false);
	heap_setscanlimits(scan, start, nblocks - start);
	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		BlockNumber block = ItemPointerGetBlockNumber(&row->t_self);

		CHECK_FOR_INTERRUPTS();
		if (batch->rows >= limit && next == InvalidBlockNumber)
			next = block + 1;
		if (next != InvalidBlockNumber && block >= next)
			break;
		if (is_truncate_marker(segment, row))
			batch->truncated = true;
		batch->rows++;
		func(segment, row, arg);
	}
	table_endscan(scan);
	return row == NULL ? InvalidBlockNumber : next;
}

/*
 * Hand the visible rows of the log to func, from batch->from on, until about
 * limit rows; fills in the rest of the batch.  The snapshot is the caller's,
 * taken after whatever locks the step needs.
 */
void
osc_log_scan(const OscMember *m, Snapshot snapshot, int64 limit, OscLogBatch *batch,
			 OscLogRowFunc func, void *arg)
{
	List	   *segments = osc_log_segments(m);
	ListCell   *lc;
	bool		reached = !list_member_oid(segments, batch->from.segment);

	if (reached)
		batch->from.block = 0;
	batch->rows = 0;
	batch->whole = true;
	batch->truncated = false;
	batch->next.segment = InvalidOid;
	batch->next.block = 0;
	foreach(lc, segments)
	{
		Oid			oid = lfirst_oid(lc);
		BlockNumber start = 0;
		BlockNumber next;
		Relation	segment;

		if (!reached && oid != batch->from.segment)
			continue;
		if (!reached)
			start = batch->from.block;
		reached = true;
		segment = table_open(oid, RowExclusiveLock);
		next = scan_segment(segment, snapshot, start, InvalidBlockNumber, limit,
							batch, func, arg);
		table_close(segment, NoLock);
		if (next != InvalidBlockNumber || (batch->rows >= limit && lnext(segments, lc)))
		{
			batch->next.segment = next != InvalidBlockNumber ? oid :
				lfirst_oid(lnext(segments, lc));
			batch->next.block = next != InvalidBlockNumber ? next : 0;
			batch->whole = false;
			return;
		}
	}
}

/*
 * Hand the rows of a batch to func once more, under the same snapshot.
 */
void
osc_log_rescan(const OscMember *m, Snapshot snapshot, const OscLogBatch *batch,
			   OscLogRowFunc func, void *arg)
{
	List	   *segments = osc_log_segments(m);
	bool		reached = !list_member_oid(segments, batch->from.segment);
	OscLogBatch again = {0};
	ListCell   *lc;

	foreach(lc, segments)
	{
		Oid			oid = lfirst_oid(lc);
		bool		last = !batch->whole && oid == batch->next.segment;
		BlockNumber start = 0;
		Relation	segment;

		if (!reached && oid != batch->from.segment)
			continue;
		if (!reached)
			start = batch->from.block;
		reached = true;
		if (last && batch->next.block == 0)
			break;
		segment = table_open(oid, RowExclusiveLock);
		(void) scan_segment(segment, snapshot, start,
							last ? batch->next.block : InvalidBlockNumber,
							PG_INT64_MAX, &again, func, arg);
		table_close(segment, NoLock);
		if (last)
			break;
	}
	if (again.rows != batch->rows)
		elog(ERROR, "change log gave " INT64_FORMAT " rows instead of " INT64_FORMAT,
			 again.rows, batch->rows);
}

/*
 * Note the key of a source row ourselves, as if it had just changed.
 */
void
osc_log_own_key(const OscMember *m, OscMapExec *map, TupleTableSlot *row)
{
	Relation	segment = table_open(llast_oid(osc_log_segments(m)), RowExclusiveLock);
	const OscKey *key = &map->mapping->key;
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	HeapTuple	tuple;

	for (int i = 0; i < key->natts; i++)
		values[i] = osc_key_value(row, key->attnums[i], &nulls[i]);
	tuple = heap_form_tuple(RelationGetDescr(segment), values, nulls);
	heap_insert(segment, tuple, GetCurrentCommandId(true), 0, NULL);
	heap_freetuple(tuple);
	table_close(segment, NoLock);
}

/*
 * About how many rows wait behind a position.
 */
int64
osc_log_estimate(const OscMember *m, const OscLogPosition *from)
{
	List	   *segments = osc_log_segments(m);
	bool		reached = from == NULL || !list_member_oid(segments, from->segment);
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, segments)
	{
		Oid			oid = lfirst_oid(lc);
		BlockNumber nblocks;
		Relation	segment;
		int			natts;

		if (!reached && oid != from->segment)
			continue;
		segment = table_open(oid, AccessShareLock);
		nblocks = RelationGetNumberOfBlocks(segment);
		natts = RelationGetNumberOfAttributes(segment);
		table_close(segment, AccessShareLock);
		if (!reached)
			nblocks -= Min(nblocks, from->block);
		reached = true;
		/* the usual row: header and line pointer, and a short key column */
		rows += (double) nblocks * (BLCKSZ - 24) / (28 + 8 * natts);
	}
	return (int64) rows;
}

/*
 * Has the newest segment grown to this size?
 */
bool
osc_log_needs_segment(const OscMember *m, BlockNumber max_blocks)
{
	List	   *segments = osc_log_segments(m);
	Relation	segment;
	bool		result;

	if (segments == NIL)
		return false;
	segment = table_open(llast_oid(segments), AccessShareLock);
	result = RelationGetNumberOfBlocks(segment) >= max_blocks;
	table_close(segment, AccessShareLock);
	return result;
}

static void
count_row(Relation segment, HeapTuple row, void *arg)
{
	(*(int64 *) arg)++;
}

/* drop one segment if it is surely empty and nobody can still write to it */
static bool
drop_if_empty(const OscMember *m, Oid oid)
{
	Relation	segment;
	OscLogBatch batch = {0};
	int64		rows = 0;
	ListCell   *lc;

	if (!ConditionalLockRelationOid(oid, AccessExclusiveLock))
		return false;
	segment = table_open(oid, NoLock);
	PushActiveSnapshot(GetLatestSnapshot());
	(void) scan_segment(segment, GetActiveSnapshot(), 0, InvalidBlockNumber, 1,
						&batch, count_row, &rows);
	PopActiveSnapshot();
	table_close(segment, NoLock);
	if (rows > 0)
	{
		UnlockRelationOid(oid, AccessExclusiveLock);
		return false;
	}
	osc_object_drop(RelationRelationId, oid);
	foreach(lc, osc_objects_of(m->job_id, m->member))
	{
		OscObject  *o = lfirst(lc);

		if (o->oid == oid && o->kind == OSC_OBJECT_LOG)
			osc_object_forget(o->object_id);
	}
	return true;
}

/*
 * Drop the oldest segment if it is not the newest, is empty, and has no
 * writer.  True if one was dropped.
 */
bool
osc_log_drop_empty(const OscMember *m)
{
	List	   *segments = osc_log_segments(m);

	if (list_length(segments) < 2)
		return false;
	return drop_if_empty(m, linitial_oid(segments));
}
