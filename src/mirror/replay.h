/*-------------------------------------------------------------------------
 *
 * replay.h
 *	  Bringing logged keys up to date in the shadow.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_REPLAY_H
#define OSC_REPLAY_H

#include "mirror/log.h"
#include "store/job.h"

typedef struct OscReplayResult
{
	int64		rows;			/* log rows consumed */
	int64		keys;			/* distinct keys replayed */
	bool		whole;			/* that was the whole log */
	int64		left;			/* rows that it left behind, estimated */
	bool		past_first;		/* nothing of its first segment is left behind */
} OscReplayResult;

extern void osc_replay_batch(OscMember *m, OscLogPosition *position, int64 limit,
							 OscReplayResult *result);
extern void osc_replay_adaptive(OscMember *m, OscReplayResult *result);

#endif							/* OSC_REPLAY_H */
