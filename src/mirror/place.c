/*-------------------------------------------------------------------------
 *
 * place.c
 *	  Rows without a key: found by their place (ctid).
 *
 * A table may have no unique index on NOT NULL columns, or none that survives
 * the statement.  What then stands for the key of a source row is its place.
 * Capture logs the place of the old version, and that of the new one: every
 * UPDATE makes a version at another place, a HOT update too.  The table of
 * places says for each row of the shadow which place of the source it came
 * from: two columns, each with a unique index, so it pairs the places of both
 * tables one to one.  The backfill fills it in the transaction that copies
 * the rows, its indexes are built with the shadow's, and replay keeps it.
 *
 * To replay place x is to make x right: the shadow row that came from x goes,
 * and if the source has at x, at just that line pointer and not further along
 * a HOT chain, a version that the replay's snapshot shows, it is copied and
 * noted.  This is idempotent and does not care for order.  After a replay
 * under snapshot S the following holds for each place x that is in no log row
 * which S shows: S shows a source version at x if and only if the table of
 * places has x, and the shadow row noted there is the mapping of that
 * version.  For only a transaction that writes at x can change what is shown
 * there, and it logs x in the same (sub)transaction: what is rolled back, to
 * a savepoint too, takes its log rows with it.  Hence:
 *
 *	- A place is used again after VACUUM.  The log has x for the old tenant's
 *	  end and again for the new one's beginning, whichever is replayed first,
 *	  in one batch or in several: each looks who lives at x now.  VACUUM
 *	  cannot remove a version that the snapshot of a batch shows.
 *	- The backfill copied the row at x, which then goes, and another comes
 *	  there.  The same.  The backfill itself meets a place once: it reads each
 *	  block once in a generation, and only versions from before the fence, and
 *	  replay begins when it is over.
 *	- The backfill leaves out versions from behind the fence: their makers
 *	  have logged them.  Those of which it cannot tell it logs itself.
 *	- Old and new place of one UPDATE in different batches: the row is missing
 *	  from the shadow for a while, or there twice.  A unique index may object
 *	  to the latter; then the batch is widened (replay.c).
 *
 * All this holds as long as rows stay where they are.  TRUNCATE, VACUUM FULL,
 * CLUSTER and an ALTER TABLE that rewrites give the source other storage, and
 * so all rows other places; the log then speaks of places of before.  Even in
 * the backfill more is lost than with a key: versions from behind the fence
 * are logged under a place that is not theirs any more.  VACUUM FULL of the
 * shadow, as part of one of the whole database, is as bad.  So both tables'
 * storage is noted when capture is installed, and looked at with the source
 * locked before anything relies on places.  If one has changed, the shadow
 * and the table of places are emptied and the backfill begins again behind a
 * new fence (drive/restart.c): whoever gets an id from then on writes to the
 * new storage, and logs places of it; the older ones are waited for.  Log
 * rows of before may stay: to make right a place that is right does no harm,
 * and the marker that a TRUNCATE leaves tells nothing that the storage did
 * not tell.
 *
 * An index would be a simpler way to find the shadow row if the shadow had the
 * source's place as a column; but its layout must be the table's own.
 *
 * Locks: ROW EXCLUSIVE on the table of places to change it.  It is WAL-logged
 * as the shadow is: a crash takes rows, places and cursor back together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/run.h"
#include "base/stop_point.h"
#include "mirror/helper_table.h"
#include "mirror/place.h"
#include "model/relinfo.h"

static void
create_index(Oid places, const char *name, const char *column)
{
	IndexStmt  *stmt = makeNode(IndexStmt);
	IndexElem  *elem = makeNode(IndexElem);
	Oid			nsp = get_rel_namespace(places);

	elem->name = pstrdup(column);
	stmt->idxname = osc_free_helper_name(nsp, name, 1);
	stmt->relation = makeRangeVar(get_namespace_name(nsp), get_rel_name(places), -1);
	stmt->accessMethod = "btree";
	stmt->indexParams = list_make1(elem);
	stmt->unique = true;
	osc_define_index(places, stmt);
	CommandCounterIncrement();
}

/*
 * Make the table of places of a member, and register it.  Returns its OID.
 * On exit: ACCESS EXCLUSIVE on it.
 */
Oid
osc_places_create(const OscMember *m, Oid nsp)
{
	TupleDesc	desc = CreateTemplateTupleDesc(2);
	int			nest = NewGUCNestLevel();
	Oid			places;

	TupleDescInitEntry(desc, OSC_PLACE_SOURCE, "source_place", TIDOID, -1, 0);
	TupleDescInitEntry(desc, OSC_PLACE_SHADOW, "shadow_place", TIDOID, -1, 0);
	places = osc_create_helper_table(m, nsp, OSC_OBJECT_PLACES,
									 osc_free_helper_name(nsp, "osc_place", 1), desc);
	/* where the user's new tables go is not for ours */
	osc_set_local("default_tablespace", "");
	create_index(places, "osc_place_source", "source_place");
	create_index(places, "osc_place_shadow", "shadow_place");
	AtEOXact_GUC(true, nest);
	return places;
}

/*
 * The index of the table of places on one of its columns.
 */
Oid
osc_places_index(Relation places, AttrNumber column)
{
	ListCell   *lc;

	foreach(lc, osc_index_oids(places))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		found = index->rd_index->indkey.values[0] == column;

		index_close(index, NoLock);
		if (found)
			return lfirst_oid(lc);
	}
	elog(ERROR, "table of places \"%s\" has lost an index", RelationGetRelationName(places));
}

/*
 * Note the storage in which rows have the places that are logged and noted
 * from now on.  The caller holds a lock on the source that forbids it to
 * change, to the end of the transaction.
 */
void
osc_note_storage(OscMember *m)
{
	OscArgs		args = {0};

	m->source_storage = osc_storage_of(m->relid);
	m->shadow_storage = osc_storage_of(m->shadow);
	osc_arg_int8(&args, m->source_storage);
	osc_arg_int8(&args, m->shadow_storage);
	osc_member_update(m, "source_storage = $3, shadow_storage = $4", &args);
}

/*
 * Has the source or the shadow got other storage, so that no place is what it
 * was?  Always false for a member with a key.  The answer lasts as long as
 * the caller's locks on both.
 */
bool
osc_rows_have_moved(const OscMember *m)
{
	return OidIsValid(m->places) && FullTransactionIdIsValid(m->fence) &&
		OSC_PROTECTED("moved-rows") &&
		(osc_storage_of(m->relid) != m->source_storage ||
		 osc_storage_of(m->shadow) != m->shadow_storage);
}

/*
 * Raise an error if rows have moved.  The caller has locked both tables.
 *
 * Race: the driver looks whether rows have moved when a step begins, in some
 * phases without a lock; a VACUUM FULL may commit before the work itself
 * takes its locks.  The error is one after which the step is taken again.
 */
void
osc_require_places(const OscMember *m)
{
	if (osc_rows_have_moved(m))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("the storage of table \"%s\" was replaced just now", m->relname),
				 errhint("The next step of the job copies the table again.")));
}

/*
 * Open the table of places to add rows; with_indexes: keep its indexes, which
 * the backfill does not.  Allocates in the current memory context.
 */
void
osc_places_open(OscPlaces *p, Oid places, bool with_indexes)
{
	memset(p, 0, sizeof(*p));
	p->context = CurrentMemoryContext;
	p->rel = table_open(places, RowExclusiveLock);
	if (!with_indexes)
	{
		p->bulk = GetBulkInsertState();
		return;
	}
	p->estate = CreateExecutorState();
	p->target = makeNode(ResultRelInfo);
	InitResultRelInfo(p->target, p->rel, 1, NULL, 0);
	ExecOpenIndices(p->target, false);
}

static TupleTableSlot *
place_row(OscPlaces *p, int i, ItemPointer source, ItemPointer shadow)
{
	TupleTableSlot *slot = p->slots[i];

	ExecClearTuple(slot);
	slot->tts_values[OSC_PLACE_SOURCE - 1] = PointerGetDatum(source);
	slot->tts_values[OSC_PLACE_SHADOW - 1] = PointerGetDatum(shadow);
	slot->tts_isnull[OSC_PLACE_SOURCE - 1] = false;
	slot->tts_isnull[OSC_PLACE_SHADOW - 1] = false;
	return ExecStoreVirtualTuple(slot);
}

static void
need_slots(OscPlaces *p, int n)
{
	MemoryContext old = MemoryContextSwitchTo(p->context);

	if (p->slots == NULL)
		p->slots = palloc(sizeof(TupleTableSlot *) * n);
	else if (n > p->nslots)
		p->slots = repalloc(p->slots, sizeof(TupleTableSlot *) * n);
	while (p->nslots < n)
		p->slots[p->nslots++] = MakeSingleTupleTableSlot(RelationGetDescr(p->rel),
														 &TTSOpsVirtual);
	MemoryContextSwitchTo(old);
}

/*
 * Note one row: it came from source and lies at shadow.
 */
void
osc_places_add(OscPlaces *p, ItemPointer source, ItemPointer shadow, CommandId cid)
{
	TupleTableSlot *row;

	need_slots(p, 1);
	row = place_row(p, 0, source, shadow);
	table_tuple_insert(p->rel, row, cid, 0, NULL);
	(void) osc_insert_index_tuples(p->target, row, p->estate);
	ResetPerTupleExprContext(p->estate);
}

/*
 * Note n rows that have just been added to the shadow, without the indexes.
 * Row copies are left in the current memory context, for the caller to reset.
 */
void
osc_places_add_lot(OscPlaces *p, ItemPointer sources, TupleTableSlot **rows, int n,
				   CommandId cid)
{
	need_slots(p, n);
	for (int i = 0; i < n; i++)
		(void) place_row(p, i, &sources[i], &rows[i]->tts_tid);
	table_multi_insert(p->rel, p->slots, n, cid, 0, p->bulk);
	for (int i = 0; i < n; i++)
		ExecClearTuple(p->slots[i]);
}

void
osc_places_close(OscPlaces *p)
{
	for (int i = 0; i < p->nslots; i++)
		ExecDropSingleTupleTableSlot(p->slots[i]);
	if (p->bulk)
		FreeBulkInsertState(p->bulk);
	if (p->target)
	{
		ExecCloseIndices(p->target);
		FreeExecutorState(p->estate);
	}
	table_close(p->rel, NoLock);
}

/*
 * Prepare to fetch rows by place.  The caller holds a lock on the table, so
 * VACUUM cannot cut off blocks meanwhile.
 */
void
osc_placescan_begin(OscPlaceScan *ps, Relation rel, Snapshot snapshot)
{
	ps->rel = rel;
	ps->snapshot = snapshot;
	ps->nblocks = RelationGetNumberOfBlocks(rel);
	ps->slot = table_slot_create(rel, NULL);
}

/*
 * Fetch the row version at just this place into ps->slot, where it is until
 * the next call.  False if the snapshot shows none: the line pointer may be
 * free, redirect to another, or the block be gone (heapam.c, heap_fetch).
 */
bool
osc_placescan_find(OscPlaceScan *ps, ItemPointer place)
{
	ExecClearTuple(ps->slot);
	if (ItemPointerGetBlockNumber(place) >= ps->nblocks)
		return false;
	return table_tuple_fetch_row_version(ps->rel, place, ps->snapshot, ps->slot);
}

void
osc_placescan_end(OscPlaceScan *ps)
{
	ExecDropSingleTupleTableSlot(ps->slot);
}
