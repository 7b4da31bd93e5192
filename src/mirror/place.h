/*-------------------------------------------------------------------------
 *
 * place.h
 *	  Rows without a key: found by their place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_PLACE_H
#define OSC_PLACE_H

#include "access/heapam.h"
#include "executor/executor.h"
#include "storage/itemptr.h"
#include "store/job.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* columns of the table of places */
#define OSC_PLACE_SOURCE 1
#define OSC_PLACE_SHADOW 2

/* rows of a table by their place, under one snapshot */
typedef struct OscPlaceScan
{
	Relation	rel;
	Snapshot	snapshot;
	BlockNumber nblocks;		/* nothing that the snapshot shows is behind */
	TupleTableSlot *slot;
} OscPlaceScan;

/* the table of places, open for rows to come in */
typedef struct OscPlaces
{
	Relation	rel;
	ResultRelInfo *target;
	EState	   *estate;
	BulkInsertState bulk;		/* of a backfill */
	MemoryContext context;		/* of the slots */
	TupleTableSlot **slots;
	int			nslots;
} OscPlaces;

extern Oid	osc_places_create(const OscMember *m, Oid nsp);
extern Oid	osc_places_index(Relation places, AttrNumber column);

extern void osc_note_storage(OscMember *m);
extern bool osc_rows_have_moved(const OscMember *m);
extern void osc_require_places(const OscMember *m);

extern void osc_places_open(OscPlaces *p, Oid places, bool with_indexes);
extern void osc_places_add(OscPlaces *p, ItemPointer source, ItemPointer shadow, CommandId cid);
extern void osc_places_add_lot(OscPlaces *p, ItemPointer sources, TupleTableSlot **rows,
							   int n, CommandId cid);
extern void osc_places_close(OscPlaces *p);

extern void osc_placescan_begin(OscPlaceScan *ps, Relation rel, Snapshot snapshot);
extern bool osc_placescan_find(OscPlaceScan *ps, ItemPointer place);
extern void osc_placescan_end(OscPlaceScan *ps);

#endif							/* OSC_PLACE_H */
