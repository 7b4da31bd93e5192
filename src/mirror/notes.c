/*-------------------------------------------------------------------------
 *
 * notes.c
 *	  Keys of rows whose mirrored column could not be worked out.
 *
 * The mirror trigger leaves NULL in such a row, or in one whose value is NULL
 * though the new column is to be NOT NULL, and appends its key to a table
 * of the job's, with heap_insert(): no rights, row security or rules are in
 * play.  There are two tables: one for the time before the swap, when a value
 * may not fit the new type, and one for the time after it, when it may not fit
 * the old one; the key's columns may have different types in them.
 *
 * A note says that the row is to be looked at, not that it is still so: it may
 * have been changed again, or be gone.  So the reader looks every noted row
 * up and works its value out again.
 *
 * A note without a key, in the first of the tables, says that its transaction
 * has written rows with another trigger behind the mirror's, which may have
 * changed them, or while the columns had other types.  It is true until a comparison of all rows begins whose snapshot
 * shows it, and with it those rows: this takes it away.  A writer that is on its
 * way then keeps his.
 *
 * Locks: ROW EXCLUSIVE on the table of notes for a writer, ACCESS SHARE for a
 * reader.  A note is made in the transaction of the write that it is about.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/run.h"
#include "mirror/keyscan.h"
#include "mirror/notes.h"
#include "model/mapping.h"

/* does the table of notes take the key of a row of the relation?  else that was changed meanwhile */
static bool
takes_key(Relation notes, Relation rel, const OscKey *key)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < key->natts; i++)
		if (TupleDescAttr(desc, key->attnums[i] - 1)->attisdropped ||
			TupleDescAttr(desc, key->attnums[i] - 1)->atttypid != TupleDescAttr(RelationGetDescr(notes), i)->atttypid)
			return false;
	return true;
}

/*
 * Note the key of a row that is about to be written.
 */
void
osc_note_key(const OscMirror *mirror, Relation rel, TupleTableSlot *row)
{
	bool		back = mirror->direction == OSC_MIRROR_BACK;
	const OscKey *key = back ? &mirror->key_back : &mirror->key;
	Relation	notes = try_table_open(back ? mirror->notes_back : mirror->notes, RowExclusiveLock);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	HeapTuple	tuple;

	if (notes == NULL)
		return;					/* the job is being cleaned up */
	if (!takes_key(notes, rel, key))
	{
		table_close(notes, NoLock);
		osc_note_overtaken(mirror);
		return;
	}
	for (int i = 0; i < key->natts; i++)
		values[i] = slot_getattr(row, key->attnums[i], &nulls[i]);
	tuple = heap_form_tuple(RelationGetDescr(notes), values, nulls);
	heap_insert(notes, tuple, GetCurrentCommandId(true), 0, NULL);
	heap_freetuple(tuple);
	table_close(notes, NoLock);
}

static bool
is_overtaken_note(TupleTableSlot *note)
{
	return slot_attisnull(note, 1);
}

/*
 * Note that rows are written with another trigger behind the mirror's.
 */
void
osc_note_overtaken(const OscMirror *mirror)
{
	Relation	notes = try_table_open(mirror->notes, RowExclusiveLock);
	Datum		values[INDEX_MAX_KEYS] = {0};
	bool		nulls[INDEX_MAX_KEYS];

	if (notes == NULL)
		return;					/* the job is being cleaned up */
	memset(nulls, true, sizeof(nulls));
	heap_insert(notes, heap_form_tuple(RelationGetDescr(notes), values, nulls),
				GetCurrentCommandId(true), 0, NULL);
	table_close(notes, NoLock);
}

/* go through the notes of the kind above that the snapshot shows; returns their number */
static int64
overtaken_notes(const OscMirror *mirror, Snapshot snapshot, bool take_away)
{
	Relation	notes = try_table_open(mirror->notes, take_away ? RowExclusiveLock : AccessShareLock);
	TableScanDesc scan;
	TupleTableSlot *note;
	int64		n = 0;

	if (notes == NULL)
		return 0;
	scan = table_beginscan(notes, snapshot, 0, NULL);
	note = table_slot_create(notes, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, note))
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_overtaken_note(note))
			continue;
		n++;
		if (take_away)
			simple_heap_delete(notes, &note->tts_tid);
	}
	ExecDropSingleTupleTableSlot(note);
	table_endscan(scan);
	table_close(notes, NoLock);
	return n;
}

/*
 * Were rows written with another trigger behind the mirror's, and not compared
 * since?  For an answer that stays true the caller holds a lock on the table
 * that keeps writers out, taken before the active snapshot.
 */
bool
osc_notes_overtaken(const OscMember *m)
{
	OscMirror	mirror;

	return osc_mirror_read(m->relid, &mirror) && overtaken_notes(&mirror, GetActiveSnapshot(), false) > 0;
}

/*
 * A comparison of all rows begins with the active snapshot, or a later one for
 * later rows; what it finds is told otherwise.  The caller drives the job.
 */
void
osc_notes_begin_comparison(const OscMirror *mirror)
{
	if (overtaken_notes(mirror, GetActiveSnapshot(), true) == 0)
		return;
	/* this transaction may have made one, and shall make another if it goes on writing */
	CacheInvalidateRelcacheByRelid(mirror->relid);
	CommandCounterIncrement();
}

/* can a value of the row still not be worked out?  *empty: one is there, but is NULL */
static bool
is_unsettled(OscColumnExec *ce, TupleTableSlot *row, bool back, char **empty)
{
	volatile bool result = false;
	OscSubxact	subxact;

	osc_subxact_begin(&subxact);
	PG_TRY();
	{
		for (int i = 0; i < ce->n; i++)
		{
			Datum		value;
			bool		isnull;

			*empty = NULL;
			if (back)
				result = result || !osc_column_back(ce, i, row, &value, &isnull);
			else
				(void) osc_column_forward(ce, i, row, &isnull);
			/* other tables may have made it possible since, without a write to the row */
			if (!back && ce->column[i]->as_computed && !isnull)
				result = result || slot_attisnull(row, ce->column[i]->new_att);
			else if (!back && ce->column[i]->not_null && slot_attisnull(row, ce->column[i]->new_att))
			{
				result = true;
				*empty = ce->column[i]->final_name;
				break;
			}
		}
		osc_subxact_commit(&subxact);
	}
	PG_CATCH();
	{
		ErrorData  *edata = osc_subxact_caught(&subxact);

		if (!osc_error_lasts(edata->sqlerrcode))
			ReThrowError(edata);
		FreeErrorData(edata);
		result = true;
	}
	PG_END_TRY();
	ResetPerTupleExprContext(ce->estate);
	return result;
}

/* look the rows of all notes up */
static int64
look_at_rows(Relation rel, Relation notes, const OscMirror *mirror, const OscKey *key, bool back, OscUnsettled *first)
{
	Snapshot	snapshot = GetActiveSnapshot();
	TableScanDesc scan = table_beginscan(notes, snapshot, 0, NULL);
	TupleTableSlot *note = table_slot_create(notes, NULL);
	OscColumnExec *ce = osc_columns_init(rel, mirror->columns);
	OscKey	   *found = osc_find_key(rel, key);
	OscKeyScan	ks;
	int64		n = 0;

	if (found == NULL)
		elog(ERROR, "the key of table \"%s\" is gone", RelationGetRelationName(rel));
	osc_keyscan_begin(&ks, rel, found->index, snapshot);
	while (table_scan_getnextslot(scan, ForwardScanDirection, note))
	{
		Datum		values[INDEX_MAX_KEYS];
		bool		isnull = false;
		char	   *empty;

		CHECK_FOR_INTERRUPTS();
		if (is_overtaken_note(note))
			continue;
		/* the notes have the key's columns in its order, the index may have another */
		for (int i = 0; i < found->natts; i++)
			for (int j = 0; j < key->natts; j++)
				if (found->attnums[i] == key->attnums[j])
					values[i] = slot_getattr(note, j + 1, &isnull);
		if (!osc_keyscan_find(&ks, values) || !is_unsettled(ce, ks.slot, back, &empty) || n++ > 0)
			continue;
		first->key = osc_row_key_to_string(key, ks.slot);
		first->empty = empty;
	}
	osc_keyscan_end(&ks);
	osc_columns_end(ce);
	ExecDropSingleTupleTableSlot(note);
	table_endscan(scan);
	return n;
}

/*
 * The number of noted rows whose value still cannot be worked out, or is NULL and
 * must not be; one of them in *first; back: for the old column.  A row with several notes counts
 * as often.  The caller has entered the job owner's name.  For an answer that
 * stays true it holds a lock on the table that keeps writers out, taken before
 * the active snapshot.
 */
int64
osc_notes_unsettled(const OscMember *m, bool back, OscUnsettled *first)
{
	OscMirror	mirror;
	Relation	rel;
	Relation	notes;
	int64		n = 0;

	memset(first, 0, sizeof(*first));
	if (!osc_mirror_read(m->relid, &mirror))
		return 0;
	notes = try_table_open(back ? mirror.notes_back : mirror.notes, AccessShareLock);
	if (notes == NULL)
		return 0;
	/* mostly there is none, and nothing to wait for */
	if (RelationGetNumberOfBlocks(notes) > 0)
	{
		OscRowsIdentity identity;

		rel = table_open(m->relid, AccessShareLock);
		osc_rows_enter(&identity, rel->rd_rel->relowner);
		n = look_at_rows(rel, notes, &mirror, back ? &mirror.key_back : &mirror.key, back, first);
		osc_rows_leave(&identity);
		table_close(rel, NoLock);
	}
	table_close(notes, AccessShareLock);
	return n;
}
