/*-------------------------------------------------------------------------
 *
 * follower.h
 *	  Walking through one table in step with another.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_FOLLOWER_H
#define OSC_FOLLOWER_H

#include "access/tableam.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

typedef struct OscFollower
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		has_row;		/* slot holds the next row of the walk */
	int			misses;			/* since the last hit */
	int64		hits;
	int64		moves;
} OscFollower;

extern void osc_follower_begin(OscFollower *f, Relation rel, Snapshot snapshot);
extern void osc_follower_hit(OscFollower *f);
extern void osc_follower_miss(OscFollower *f, ItemPointer found);
extern void osc_follower_end(OscFollower *f);

#endif							/* OSC_FOLLOWER_H */
