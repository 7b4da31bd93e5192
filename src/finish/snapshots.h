/*-------------------------------------------------------------------------
 *
 * snapshots.h
 *	  Waiting for snapshots that are older than the copied rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SNAPSHOTS_H
#define OSC_SNAPSHOTS_H

#include "access/transam.h"

extern bool osc_old_snapshots_gone(int64 job_id, FullTransactionId horizon, char **waiting_for);

#endif							/* OSC_SNAPSHOTS_H */
