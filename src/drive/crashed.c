/*-------------------------------------------------------------------------
 *
 * crashed.c
 *	  Beginning again where a crash has emptied an unlogged table.
 *
 * When a member's canary is gone (mirror/canary.c), the shadow is emptied, and
 * the job goes back to where it waits for its fence, with a new one; the
 * canary lives again.  All in one transaction: a second crash leaves the state
 * of before, or is seen by the canary.
 *
 * A new fence, since log rows that were replayed before the crash are deleted:
 * the versions that they stood for must be copied now.  No lock is needed for
 * it: the capture triggers have been there all along, so whoever gets an id
 * from now on is in the log.  What is left in the log is replayed as ever,
 * and does no harm.
 *
 * Locks: the member's row, exclusively, which waits for batches in flight and
 * ends those that come; ACCESS EXCLUSIVE on the shadow.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/xid8.h"

#include "base/run.h"
#include "base/stop_point.h"
#include "drive/crashed.h"
#include "mirror/canary.h"
#include "mirror/shadow.h"
#include "store/events.h"

static void
start_again(OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};

	m->generation = osc_member_lock_generation(m, true) + 1;
	osc_empty_shadow(m->shadow);
	m->fence = ReadNextFullTransactionId();
	m->fence_passed = false;
	osc_arg_int4(&args, m->generation);
	osc_arg_datum(&args, XID8OID, FullTransactionIdGetDatum(m->fence), false);
	osc_member_update(m, "generation = $3, fence = $4, fence_passed = false,"
					  " frozen = false, indexes_done = '{}', analyzed = false,"
					  " horizon = NULL, validate_source = 0, validate_shadow = 0", &args);

	memset(&args, 0, sizeof(args));
	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_sql("DELETE FROM online_schema.job_range WHERE job_id = $1 AND member = $2", &args);
	osc_store_close(&store);
	osc_canary_revive(m);
}

/*
 * Look at the canaries of a job whose capture is on, and begin again where one
 * is gone.  True if that was done; the job is then in phase preparing.
 */
bool
osc_restart_after_crash(OscJob *job)
{
	ListCell   *lc;
	bool		crashed = false;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (!FullTransactionIdIsValid(m->fence) || !OSC_PROTECTED("canary") ||
			osc_canary_is_alive(m))
			continue;
		start_again(m);
		crashed = true;
	}
	if (!crashed)
		return false;
	osc_event(job, "restart", -1,
			  "{\"reason\": \"the server has crashed, and an unlogged table is empty; the backfill starts again\"}");
	if (job->state == OSC_READY)
		(void) osc_job_move_state(job, OSC_RUNNING);
	osc_job_set_phase(job, OSC_PREPARING);
	OSC_STOP_POINT("restart-before-commit");
	return true;
}
