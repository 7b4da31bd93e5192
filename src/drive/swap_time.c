/*-------------------------------------------------------------------------
 *
 * swap_time.c
 *	  Whether a swap may be tried now: the time of day
 *	  (online_schema.swap_window), and snapshots that are too old.
 *
 * Asked before any lock of the swap; holds none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/run.h"
#include "base/settings.h"
#include "base/window.h"
#include "drive/blockers.h"
#include "drive/swap_time.h"
#include "finish/snapshots.h"
#include "model/column.h"

/*
 * Is it the time of day for swaps?  If not, waiting_for says so; osc_swap(),
 * which does not wait, gets an error.
 */
bool
osc_is_time_to_swap(OscJob *job, const OscStep *step)
{
	if (osc_window_is_open(osc_swap_window))
		return true;
	if (step->swap_now)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("it is not the time of day for swaps, %s", osc_swap_window),
				 errhint("Wait for it, or set online_schema.swap_window of the job to '' with osc_set().")));
	osc_job_set_waiting(job, psprintf("the time of day for swaps, %s (%s)", osc_swap_window,
									  GetConfigOption("TimeZone", false, false)));
	return false;
}

/*
 * Are the snapshots gone that are older than the copied rows?  If not, whose
 * transaction is too old is dealt with as the settings say, and waiting_for
 * names it.  Raises lock_not_available when the job has tried for as long as
 * swap_give_up.
 */
bool
osc_snapshots_allow_swap(OscJob *job, OscStep *step)
{
	ListCell   *lc;
	char	   *waiting_for;

	foreach(lc, osc_column_member(job) ? list_make1(osc_column_member(job)) : job->members)
	{
		OscMember  *m = lfirst(lc);

		if (osc_old_snapshots_gone(job->job_id, m->horizon, &waiting_for))
			continue;
		if (!step->swap_now && osc_swap_give_up > 0 &&
			osc_elapsed_ms(job->swap_since) > osc_swap_give_up * 1000.0)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("%s", waiting_for)));
		osc_job_set_waiting(job, waiting_for);
		(void) osc_blockers_of_sources(job);
		step->wait_ms = OSC_POLL_MS;
		return false;
	}
	return true;
}
