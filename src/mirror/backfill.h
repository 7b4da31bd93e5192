/*-------------------------------------------------------------------------
 *
 * backfill.h
 *	  Copying what was there before the fence.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_BACKFILL_H
#define OSC_BACKFILL_H

#include "store/job.h"

extern void osc_backfill_begin(OscMember *m, int nranges);
extern bool osc_range_read(const OscMember *m, int range_no, int64 *next_block, int64 *end_block);
extern void osc_range_store(const OscMember *m, int range_no, int64 next_block, int64 rows, int64 blocks);
extern int64 osc_copy_batch(OscMember *m, int range_no, int64 max_rows, bool *complete);
extern int	osc_backfill_open_range(const OscMember *m);
extern int	osc_backfill_nranges(const OscMember *m);

#endif							/* OSC_BACKFILL_H */
