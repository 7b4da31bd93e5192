/*-------------------------------------------------------------------------
 *
 * follower.c
 *	  Walking through one table in step with another.
 *
 * The backfill leaves the rows of the shadow in the order of the source, so
 * the partner of a row is mostly the one behind the partner of the row
 * before, and a sequential scan finds it for a third of what an index look-up
 * costs.  The follower offers the next row of such a scan; the caller says
 * whether it was the one (a hit), or where the index found it (a miss).
 * After a few misses in a row the walk goes on behind the row that the index
 * found; if that happens too often, it ends.
 *
 * It is only ever a guess that the caller checks.  Locks: the caller's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "mirror/follower.h"

/* misses in a row after which the walk moves */
#define PATIENCE 3

/* the walk ends if it moves more often than once in so many hits */
#define WORTHWHILE 8

/*
 * Prepare to walk; the walk begins with the first miss.
 */
void
osc_follower_begin(OscFollower *f, Relation rel, Snapshot snapshot)
{
	memset(f, 0, sizeof(*f));
	f->rel = rel;
	f->scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, false);
	f->slot = table_slot_create(rel, NULL);
	f->misses = PATIENCE;
}

static void
next_row(OscFollower *f)
{
	f->has_row = table_scan_getnextslot(f->scan, ForwardScanDirection, f->slot);
}

/* the row was the one: go on to the next */
void
osc_follower_hit(OscFollower *f)
{
	f->hits++;
	f->misses = 0;
	next_row(f);
}

/*
 * The row was not the one; the index found it at found.
 */
void
osc_follower_miss(OscFollower *f, ItemPointer found)
{
	BlockNumber block = ItemPointerGetBlockNumber(found);
	BlockNumber nblocks;

	if (++f->misses <= PATIENCE || f->moves > 100 + f->hits / WORTHWHILE)
		return;
	nblocks = RelationGetNumberOfBlocks(f->rel);
	f->misses = 0;
	f->moves++;
	table_rescan(f->scan, NULL);
	heap_setscanlimits(f->scan, block, nblocks - block);
	do
		next_row(f);
	while (f->has_row && ItemPointerGetBlockNumber(&f->slot->tts_tid) == block &&
		   ItemPointerGetOffsetNumber(&f->slot->tts_tid) <= ItemPointerGetOffsetNumber(found));
}

void
osc_follower_end(OscFollower *f)
{
	table_endscan(f->scan);
	ExecDropSingleTupleTableSlot(f->slot);
}
