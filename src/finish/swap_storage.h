/*-------------------------------------------------------------------------
 *
 * swap_storage.h
 *	  The swap of strategy copy, and its rehearsal on the real table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SWAP_STORAGE_H
#define OSC_SWAP_STORAGE_H

#include "datatype/timestamp.h"
#include "store/job.h"

typedef enum OscSwapOutcome
{
	OSC_SWAP_DONE,
	OSC_SWAP_BACKLOG,			/* too many keys left: roll back and catch up */
} OscSwapOutcome;

extern OscSwapOutcome osc_swap_storage(OscJob *job, TimestampTz *locked_at, int64 *backlog);
extern char *osc_dry_run(OscJob *job);

#endif							/* OSC_SWAP_STORAGE_H */
