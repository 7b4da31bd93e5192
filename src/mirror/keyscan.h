/*-------------------------------------------------------------------------
 *
 * keyscan.h
 *	  Finding single rows by key, over and over.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_KEYSCAN_H
#define OSC_KEYSCAN_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"

typedef struct OscKeyScan
{
	Relation	index;
	IndexScanDesc scan;
	int			natts;
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *slot;
} OscKeyScan;

extern void osc_keyscan_begin(OscKeyScan *ks, Relation rel, Oid index, Snapshot snapshot);
extern bool osc_keyscan_find(OscKeyScan *ks, const Datum *values);
extern void osc_keyscan_end(OscKeyScan *ks);

#endif							/* OSC_KEYSCAN_H */
