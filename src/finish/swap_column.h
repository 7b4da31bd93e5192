/*-------------------------------------------------------------------------
 *
 * swap_column.h
 *	  Putting a column in the place of another one, and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SWAP_COLUMN_H
#define OSC_SWAP_COLUMN_H

#include "store/job.h"

extern void osc_column_swap(OscJob *job, TimestampTz *locked_at);
extern void osc_column_revert(OscJob *job);
extern void osc_column_refuse_unsettled(const OscMember *m);
extern void osc_column_drop(OscJob *job, OscMember *m);

#endif							/* OSC_SWAP_COLUMN_H */
