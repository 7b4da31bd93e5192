/*-------------------------------------------------------------------------
 *
 * log.h
 *	  The change log: tables of keys, in segments.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_LOG_H
#define OSC_LOG_H

#include "access/htup_details.h"
#include "model/mapping.h"
#include "store/job.h"
#include "storage/block.h"
#include "utils/snapshot.h"

/*
 * A segment is closed when it has grown to this many blocks: 32 MB while rows
 * only come in, 4 MB once they are being replayed.  What a swap has to look
 * through under its locks is bounded by the latter.
 */
#define OSC_LOG_SEGMENT_BLOCKS 4096
#define OSC_LOG_REPLAYED_BLOCKS 512

/* where the next replay batch begins to read */
typedef struct OscLogPosition
{
	Oid			segment;		/* InvalidOid: at the first one */
	BlockNumber block;
} OscLogPosition;

/* one batch of the log, as a reader sees it under one snapshot */
typedef struct OscLogBatch
{
	OscLogPosition from;
	OscLogPosition next;		/* where the batch after this one begins */
	int64		rows;			/* log rows of the batch */
	bool		whole;			/* it reaches the end of the log */
	bool		truncated;		/* a TRUNCATE of the source is among them */
} OscLogBatch;

typedef void (*OscLogRowFunc) (Relation segment, HeapTuple row, void *arg);

extern Oid	osc_log_create(const OscMember *m, Oid nsp, Relation source, const OscKey *key);
extern List *osc_log_segments(const OscMember *m);
extern void osc_log_scan(const OscMember *m, Snapshot snapshot, int64 limit,
						 OscLogBatch *batch, OscLogRowFunc func, void *arg);
extern void osc_log_rescan(const OscMember *m, Snapshot snapshot,
						   const OscLogBatch *batch, OscLogRowFunc func, void *arg);
extern void osc_log_own_key(const OscMember *m, OscMapExec *map, TupleTableSlot *row);
extern int64 osc_log_estimate(const OscMember *m, const OscLogPosition *from);
extern bool osc_log_needs_segment(const OscMember *m, BlockNumber max_blocks);
extern bool osc_log_drop_empty(const OscMember *m);

#endif							/* OSC_LOG_H */
