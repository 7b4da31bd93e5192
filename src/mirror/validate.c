/*-------------------------------------------------------------------------
 *
 * validate.c
 *	  Proving the shadow equal to the source, chunk by chunk.
 *
 * A chunk is one transaction and one snapshot S.  First the whole log that S
 * shows is replayed under S: from then on the shadow, with the transaction's
 * own changes, must be exactly the mapping of the source as S shows it, with
 * no key left out.  Then a range of blocks is compared: on the source's side
 * each row is mapped and looked up in the shadow by its key, and the images
 * of the values are compared, NULLs included; on the shadow's side each row
 * must have a source row with its key.  Images, not equality: -0 is not 0,
 * 1.0 is not 1.00.
 *
 * Rows without a key are paired by the table of places (place.c).  Its two
 * unique indexes make that one to one: if each source row has a partner that
 * is its image, and each shadow row has one, neither side has a row more.
 *
 * Rows that move between blocks while validation goes on were changed, so
 * they were replayed, by the same mapping, and may be met twice or not at
 * all; their number is reported as never compared.  Columns filled by
 * volatile expressions are left out of the comparison, and not computed: that
 * would draw values from sequences.
 *
 * A column whose value comes from other tables is as it was computed last.  If
 * it comes out otherwise now, those have changed since: that is no fault of
 * the copy.  The row's key is logged, so that the next replay brings the new
 * value, and the row counts as never compared.
 *
 * Locks: those of a replay batch.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/run.h"
#include "base/settings.h"
#include "base/stop_point.h"
#include "mirror/follower.h"
#include "mirror/keyscan.h"
#include "mirror/log.h"
#include "mirror/lookups.h"
#include "mirror/place.h"
#include "mirror/replay.h"
#include "mirror/row_error.h"
#include "mirror/validate.h"
#include "model/mapping.h"

/* keys of differing rows that are kept */
#define MAX_SAMPLE 10

/* with more in the log than this, replay goes first */
#define MAX_KEYS_OF_CHUNK 20000

/* the state of one chunk */
typedef struct Chunk
{
	OscMember  *member;
	Relation	source;
	Relation	shadow;
	OscMapExec *map;
	OscKeyScan	in_shadow;
	OscKeyScan	in_source;
	OscFollower along_shadow;	/* guesses where the next partner is */
	OscFollower along_source;
	Relation	places;			/* or these four look there, and that way: */
	OscPlaceScan at_shadow;
	OscPlaceScan at_source;
	OscValidateResult *result;
	StringInfoData sample;
	int			nsample;
	bool		everything;
	TimestampTz start;
} Chunk;

static void
note_difference(Chunk *c, const char *what, char *key)
{
	c->result->differing++;
	if (c->nsample++ >= MAX_SAMPLE)
		return;
	appendStringInfo(&c->sample, "%s{\"what\": ", c->sample.len > 1 ? ", " : "");
	escape_json(&c->sample, what);
	appendStringInfoString(&c->sample, ", \"key\": ");
	escape_json(&c->sample, key);
	appendStringInfoChar(&c->sample, '}');
}

typedef enum Likeness
{
	SAME,
	OUTDATED,					/* in what comes from other tables */
	DIFFERENT
} Likeness;

/* are the mapped row and the shadow's row the same, bit by bit? */
static Likeness
compare_images(const Chunk *c, TupleTableSlot *mapped, TupleTableSlot *found)
{
	const OscMapping *mapping = c->map->mapping;
	TupleDesc	desc = RelationGetDescr(c->shadow);
	Likeness	result = SAME;

	slot_getallattrs(found);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || bms_is_member(i + 1, mapping->uncomparable))
			continue;
		if (mapped->tts_isnull[i] == found->tts_isnull[i] &&
			(mapped->tts_isnull[i] ||
			 datum_image_eq(mapped->tts_values[i], found->tts_values[i],
							att->attbyval, att->attlen)))
			continue;
		if (!bms_is_member(i + 1, mapping->as_computed))
			return DIFFERENT;
		result = OUTDATED;
	}
	return result;
}

/* has this row the given key?  key[i] belongs to the column key_of->attnums[i] */
static bool
row_has_key(TupleTableSlot *row, const OscKey *key_of, const Datum *key)
{
	for (int i = 0; i < key_of->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(row->tts_tupleDescriptor,
											  key_of->attnums[i] - 1);
		bool		isnull;
		Datum		value = slot_getattr(row, key_of->attnums[i], &isnull);

		if (isnull || !datum_image_eq(value, key[i], att->attbyval, att->attlen))
			return false;
	}
	return true;
}

/* the partner of a row: the next one along the walk, or what the index finds */
static TupleTableSlot *
find_partner(OscFollower *along, OscKeyScan *index, const OscKey *key_of, const Datum *key)
{
	if (along->has_row && row_has_key(along->slot, key_of, key))
		return along->slot;
	if (!osc_keyscan_find(index, key))
		return NULL;
	osc_follower_miss(along, &index->slot->tts_tid);
	return index->slot;
}

/*
 * The partner of a row by the table of places: from is the column that has the
 * row's own place, at fetches from the other table.
 */
static TupleTableSlot *
find_by_place(OscFollower *along, OscKeyScan *index, AttrNumber from,
			  OscPlaceScan *at, TupleTableSlot *row)
{
	OscKey		key_of = {.natts = 1, .attnums = {from}};
	Datum		key = PointerGetDatum(&row->tts_tid);
	AttrNumber	to = from == OSC_PLACE_SOURCE ? OSC_PLACE_SHADOW : OSC_PLACE_SOURCE;
	TupleTableSlot *pair = find_partner(along, index, &key_of, &key);
	bool		isnull;
	bool		found;

	if (pair == NULL)
		return NULL;
	found = osc_placescan_find(at, DatumGetItemPointer(slot_getattr(pair, to, &isnull)));
	if (pair == along->slot)
		osc_follower_hit(along);
	return found ? at->slot : NULL;
}

/* does each source row have its equal in the shadow? */
static void
compare_source_row(Chunk *c, TupleTableSlot *row)
{
	const OscMapping *mapping = c->map->mapping;
	TupleTableSlot *mapped = osc_map_row(c->map, row);
	TupleTableSlot *partner;
	Datum		key[INDEX_MAX_KEYS];
	Likeness	likeness = DIFFERENT;

	for (int i = 0; i < mapping->shadow_key.natts; i++)
		key[i] = mapped->tts_values[mapping->shadow_key.attnums[i] - 1];
	partner = c->places ?
		find_by_place(&c->along_shadow, &c->in_shadow, OSC_PLACE_SOURCE, &c->at_shadow, row) :
		find_partner(&c->along_shadow, &c->in_shadow, &mapping->shadow_key, key);
	if (partner != NULL)
		likeness = compare_images(c, mapped, partner);
	if (partner == NULL)
		note_difference(c, "missing in the copy", osc_key_to_string(c->map, row));
	else if (likeness == OUTDATED)
	{
		osc_log_own_key(c->member, c->map, row);
		c->result->not_compared++;
		c->result->compared--;
	}
	else if (likeness == DIFFERENT)
		note_difference(c, "different in the copy", osc_key_to_string(c->map, row));
	if (partner == c->along_shadow.slot)
		osc_follower_hit(&c->along_shadow);
}

/* does each shadow row have a source row? */
static void
compare_shadow_row(Chunk *c, TupleTableSlot *row)
{
	TupleTableSlot *partner = NULL;
	Datum		key[INDEX_MAX_KEYS];

	if (c->places)
		partner = find_by_place(&c->along_source, &c->in_source, OSC_PLACE_SHADOW,
								&c->at_source, row);
	else if (osc_unmap_key(c->map, row, key))
		partner = find_partner(&c->along_source, &c->in_source, &c->map->mapping->key, key);
	if (partner == NULL)
		note_difference(c, c->places ? "at this place of the copy, missing in the table" :
						"missing in the table", osc_key_to_string(c->map, row));
	else if (partner == c->along_source.slot)
		osc_follower_hit(&c->along_source);
}

/*
 * Compare rows of one side from a block on, until the chunk has taken its
 * time; returns the block to go on from, -1 when this side is through.
 */
static int64
compare_blocks(Chunk *c, Relation rel, int64 from,
			   void (*compare) (Chunk *, TupleTableSlot *))
{
	int64		nblocks = RelationGetNumberOfBlocks(rel);
	TupleTableSlot *row;
	TableScanDesc scan;
	int64		last = -1;
	int64		result = -1;

	if (from >= nblocks)
		return -1;
	row = table_slot_create(rel, NULL);
	scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, false);
	heap_setscanlimits(scan, (BlockNumber) from, (BlockNumber) (nblocks - from));
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		int64		at = ItemPointerGetBlockNumber(&row->tts_tid);

		CHECK_FOR_INTERRUPTS();
		if (last >= 0 && at != last && !c->everything &&
			osc_elapsed_ms(c->start) >= osc_batch_target_time)
		{
			result = at;
			break;
		}
		last = at;
		compare(c, row);
		c->result->compared++;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	return result;
}

/* replay all that the snapshot shows; false if that is too much for a chunk */
static bool
replay_first(OscMember *m, bool everything, OscValidateResult *result)
{
	OscLogPosition position = {0};
	OscReplayResult replayed = {0};

	if (!everything && osc_log_estimate(m, NULL) > MAX_KEYS_OF_CHUNK)
	{
		OscReplayResult more = {0};

		osc_replay_adaptive(m, &more);
		result->not_compared += more.keys;
		if (more.rows >= MAX_KEYS_OF_CHUNK / 2)
			return false;
	}
	/* a fresh snapshot for the rest, and for the comparison */
	PopActiveSnapshot();
	PushCopiedSnapshot(GetLatestSnapshot());
	osc_replay_batch(m, &position, PG_INT64_MAX, &replayed);
	result->not_compared += replayed.keys;
	UpdateActiveSnapshotCommandId();
	return true;
}

static void
compare_sides(Chunk *c)
{
	OscMember  *m = c->member;

	if (m->validate_source >= 0)
		m->validate_source = compare_blocks(c, c->source, m->validate_source,
											compare_source_row);
	if (m->validate_source < 0 && m->validate_shadow >= 0 &&
		(c->everything || osc_elapsed_ms(c->start) < osc_batch_target_time))
		m->validate_shadow = compare_blocks(c, c->shadow, m->validate_shadow,
											compare_shadow_row);
	c->result->complete = m->validate_source < 0 && m->validate_shadow < 0;
}

/* prepare to find partners by key, or by the table of places */
static void
begin_partners(Chunk *c)
{
	const OscMapping *mapping = c->map->mapping;
	Snapshot	snapshot = GetActiveSnapshot();
	bool		by_place = osc_key_is_place(&mapping->key);

	if (by_place)
	{
		c->places = table_open(c->member->places, AccessShareLock);
		osc_placescan_begin(&c->at_shadow, c->shadow, snapshot);
		osc_placescan_begin(&c->at_source, c->source, snapshot);
	}
	osc_keyscan_begin(&c->in_shadow, by_place ? c->places : c->shadow,
					  by_place ? osc_places_index(c->places, OSC_PLACE_SOURCE) :
					  mapping->shadow_key.index, snapshot);
	osc_keyscan_begin(&c->in_source, by_place ? c->places : c->source,
					  by_place ? osc_places_index(c->places, OSC_PLACE_SHADOW) :
					  mapping->key.index, snapshot);
	osc_follower_begin(&c->along_shadow, by_place ? c->places : c->shadow, snapshot);
	osc_follower_begin(&c->along_source, by_place ? c->places : c->source, snapshot);
}

static void
end_partners(Chunk *c)
{
	osc_follower_end(&c->along_source);
	osc_follower_end(&c->along_shadow);
	osc_keyscan_end(&c->in_source);
	osc_keyscan_end(&c->in_shadow);
	if (c->places == NULL)
		return;
	osc_placescan_end(&c->at_source);
	osc_placescan_end(&c->at_shadow);
	table_close(c->places, NoLock);
}

/*
 * Validate the next chunk; everything: all that is left, in one snapshot.
 * Moves the cursors in *m, which the caller stores.  The caller has entered
 * the job owner's name.
 */
void
osc_validate_chunk(OscMember *m, bool everything, OscValidateResult *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "online_schema chunk",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Chunk		c = {.member = m, .result = result, .everything = everything};
	OscRowErrorContext errors;
	OscRowsIdentity identity;

	memset(result, 0, sizeof(*result));
	/* lock, then snapshot: a TRUNCATE must not come in between */
	LockRelationOid(m->relid, AccessShareLock);
	LockRelationOid(m->shadow, RowExclusiveLock);
	osc_lookups_lock(m);
	PushActiveSnapshot(GetLatestSnapshot());
	if (!replay_first(m, everything, result))
	{
		result->busy = true;
		PopActiveSnapshot();
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		return;
	}
	c.start = GetCurrentTimestamp();
	initStringInfo(&c.sample);
	appendStringInfoChar(&c.sample, '[');
	c.source = table_open(m->relid, AccessShareLock);
	c.shadow = table_open(m->shadow, RowExclusiveLock);
	osc_rows_enter(&identity, c.source->rd_rel->relowner);
	c.map = osc_mapping_init_to_compare(osc_mapping_load(m->mapping, c.source, c.shadow),
										c.source, c.shadow);
	begin_partners(&c);
	osc_row_errors_begin(&errors, c.map);
	compare_sides(&c);
	osc_row_errors_end(&errors);
	end_partners(&c);
	osc_mapping_end(c.map);
	osc_rows_leave(&identity);
	table_close(c.shadow, NoLock);
	table_close(c.source, NoLock);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
	result->sample = psprintf("%s]", c.sample.data);
	MemoryContextDelete(context);
	OSC_STOP_POINT("validate-before-commit");
}
