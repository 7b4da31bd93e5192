/*-------------------------------------------------------------------------
 *
 * foreground.c
 *	  Driving a job in the caller's session: osc_run().
 *
 * A step is a transaction of its own; the level of each is set to READ
 * COMMITTED before its first snapshot, whatever the session's default is.
 * While driving, the session holds the job's driver lock, so nobody else can.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/locks.h"
#include "base/run.h"
#include "drive/announce.h"
#include "drive/driver.h"

static void
commit_and_go_on(void)
{
	SPI_commit();
	osc_set_read_committed();
}

/* sleep without a transaction's snapshot, interruptibly */
static void
doze(int ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static void
drive(int64 job_id, double max_ms)
{
	TimestampTz start = GetCurrentTimestamp();
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "online_schema run",
												  ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		OscStep		step = {0};
		OscJob	   *job;
		MemoryContext old = MemoryContextSwitchTo(context);
		int			wait;
		bool		stop;
		bool		news;

		job = osc_drive_step(job_id, OSC_DRIVE_RUN, &step);
		wait = Max(step.wait_ms, osc_ms_until_next_try(job));
		stop = !osc_job_has_steps(job) || job->state == OSC_READY || (job->obstructed && wait > 0);
		news = osc_is_news(job);
		MemoryContextSwitchTo(old);
		commit_and_go_on();
		if (news)
		{
			osc_announce(job_id);
			commit_and_go_on();
		}
		MemoryContextReset(context);
		if (stop || (max_ms >= 0 && osc_elapsed_ms(start) > max_ms))
			break;
		if (wait > 0)
			doze(max_ms >= 0 ? (int) Min(wait, Max(max_ms - osc_elapsed_ms(start), 1)) : wait);
	}
	MemoryContextDelete(context);
}

/*
 * Become the driver of a job for the session; false if there is nothing to drive:
 * the worker that cleans up after a cancelled or failed job is nobody's choice,
 * so it is awaited, as long as a caller would clean up himself.
 */
static bool
become_driver(int64 job_id, double max_ms)
{
	TimestampTz start = GetCurrentTimestamp();

	while (!osc_driver_try_lock(job_id, true))
	{
		OscJob	   *job = osc_job_load(job_id, false);

		if (osc_state_is_final(job->state) ||
			(job->state == OSC_CANCELLING &&
			 (job->obstructed || (max_ms >= 0 && osc_elapsed_ms(start) > max_ms))))
			return false;
		if (job->state != OSC_CANCELLING)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("job " INT64_FORMAT " is being driven by another session", job_id),
					 errhint("Follow it with osc_wait() or osc_progress.")));
		commit_and_go_on();
		doze(20);
	}
	return true;
}

/*
 * Drive a job until it ends, pauses, is ready for a manual swap, cannot be
 * cleaned up, or max_ms (below 0: no limit) are over.  Called from a procedure in a non-atomic
 * context with SPI connected so.  Raises the job's error if it failed.
 */
void
osc_run_in_foreground(int64 job_id, double max_ms)
{
	OscJob	   *job;

	commit_and_go_on();
	if (become_driver(job_id, max_ms))
	{
		PG_TRY();
		{
			drive(job_id, max_ms);
		}
		PG_CATCH();
		{
			osc_driver_unlock(job_id);
			PG_RE_THROW();
		}
		PG_END_TRY();
		osc_driver_unlock(job_id);
	}
	job = osc_job_load(job_id, false);
	if (job->state == OSC_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job " INT64_FORMAT " failed: %s", job_id, job->last_error),
				 errhint("The table is as it was; see osc_events for what happened.")));
	if (job->obstructed && !osc_state_is_final(job->state))
		ereport(WARNING,
				(errmsg("job " INT64_FORMAT " is not cleaned up%s%s", job_id,
						job->waiting_for ? ": " : "", job->waiting_for ? job->waiting_for : ""),
				 errhint("Take away what is in the way, and call osc_cleanup().")));
	if (job->state == OSC_PAUSED)
		ereport(WARNING,
				(errmsg("job " INT64_FORMAT " is paused%s%s", job_id,
						job->last_error ? ": " : "", job->last_error ? job->last_error : ""),
				 errhint("Let it go on with osc_resume().")));
}
