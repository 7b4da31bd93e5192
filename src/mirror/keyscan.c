/*-------------------------------------------------------------------------
 *
 * keyscan.c
 *	  Finding single rows by key, over and over, through a unique btree.
 *
 * One index scan is opened and repositioned for each key: the executor's
 * replication code does the same for single keys (execReplication.c).
 *
 * Locks: those that the caller holds on the table; ACCESS SHARE on the index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "mirror/keyscan.h"

/*
 * Prepare to look up rows by the columns of a unique index.
 */
void
osc_keyscan_begin(OscKeyScan *ks, Relation rel, Oid index, Snapshot snapshot)
{
	ks->index = index_open(index, AccessShareLock);
	ks->natts = IndexRelationGetNumberOfKeyAttributes(ks->index);
	for (int i = 0; i < ks->natts; i++)
	{
		Oid			type = ks->index->rd_opcintype[i];
		Oid			op = get_opfamily_member(ks->index->rd_opfamily[i], type, type,
											 BTEqualStrategyNumber);

		if (!OidIsValid(op))
			elog(ERROR, "missing equality operator of index \"%s\"",
				 RelationGetRelationName(ks->index));
		ScanKeyEntryInitialize(&ks->keys[i], 0, i + 1, BTEqualStrategyNumber,
							   type, ks->index->rd_indcollation[i],
							   get_opcode(op), (Datum) 0);
	}
	ks->scan = osc_index_beginscan(rel, ks->index, snapshot, ks->natts);
	ks->slot = table_slot_create(rel, NULL);
}

/*
 * Find the row with this key; it is in ks->slot until the next call.  False
 * if the snapshot shows none.
 */
bool
osc_keyscan_find(OscKeyScan *ks, const Datum *values)
{
	for (int i = 0; i < ks->natts; i++)
		ks->keys[i].sk_argument = values[i];
	index_rescan(ks->scan, ks->keys, ks->natts, NULL, 0);
	return index_getnext_slot(ks->scan, ForwardScanDirection, ks->slot);
}

void
osc_keyscan_end(OscKeyScan *ks)
{
	index_endscan(ks->scan);
	ExecDropSingleTupleTableSlot(ks->slot);
	index_close(ks->index, NoLock);
}
