/*-------------------------------------------------------------------------
 *
 * direct.h
 *	  Running the commands of a job on the user's tables themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_DIRECT_H
#define OSC_DIRECT_H

#include "base/locks.h"
#include "nodes/parsenodes.h"
#include "store/job_step.h"

/* names of CHECK constraints that prove NOT NULL for a job end so */
#define OSC_NOT_NULL_PROOF "osc_not_null"

/* the same, of a CHECK that proves the bound of a partition */
#define OSC_BOUND_PROOF "osc_bound"

extern void osc_command_locks(OscLockSet *set, Oid relid, const char *command);
extern void osc_node_locks(OscLockSet *set, Oid relid, Node *node);
extern const char *osc_command_lock_mode(const char *command);
extern const char *osc_lock_blocks(const char *lock_mode);
extern void osc_direct_run(OscJob *job, OscJobStep *step);
extern void osc_direct_swap(OscJob *job, TimestampTz *locked_at);
extern void osc_direct_undo(OscJob *job, OscJobStep *step);
extern char *osc_direct_leftover(const OscJobStep *step);
extern char *osc_direct_top_undo(const OscJobStep *step);
extern bool osc_direct_top_is_done(const OscJobStep *step);

#endif							/* OSC_DIRECT_H */
