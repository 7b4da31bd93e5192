/*-------------------------------------------------------------------------
 *
 * locks.h
 *	  The driver lock of a job, and polite strong locks on relations.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_LOCKS_H
#define OSC_LOCKS_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* a set of locks that one step needs together */
typedef struct OscLockSet
{
	List	   *relids;			/* Oid, in the order of asking */
	List	   *modes;			/* LOCKMODE (int), one for each */
} OscLockSet;

/* a purpose that is noted only when the lock is not to be had */
#define OSC_LOCK_TO_READ "read"

/* what came of the last attempt, for the audit trail */
typedef struct OscLockReport
{
	char		purpose[64];
	bool		granted;
	double		waited_ms;
	char	   *blockers;		/* JSON array, TopMemoryContext, or NULL */
	char	   *summary;		/* one line for waiting_for, or NULL */
	OscLockSet	set;			/* what was asked for, TopMemoryContext */
} OscLockReport;

extern void osc_lock_add(OscLockSet *set, Oid relid, LOCKMODE mode);
extern void osc_lock_all(const OscLockSet *set, const char *purpose, Oid job_owner);
extern const OscLockReport *osc_last_lock_report(void);
extern void osc_clear_lock_report(void);
extern Datum osc_conflicting_modes(LOCKMODE mode);

extern bool osc_worker_try_lock(int64 job_id);
extern void osc_worker_unlock(int64 job_id);
extern int	osc_slot_try_lock(int n);
extern void osc_slot_unlock(int slot);
extern bool osc_slot_is_free(int n);
extern bool osc_driver_try_lock(int64 job_id, bool session);
extern bool osc_driver_lock_wait(int64 job_id, int timeout_ms);
extern void osc_driver_unlock(int64 job_id);
extern int	osc_driver_pid(int64 job_id);

#endif							/* OSC_LOCKS_H */
