/*-------------------------------------------------------------------------
 *
 * deadline.c
 *	  A time limit on part of a step.
 *
 * Between arm and disarm, the step is cancelled when its time is over, with
 * the error query_canceled; osc_deadline_fired() tells that from a cancel by
 * a person.  One deadline at a time; statement_timeout is left alone, since
 * a manual function runs inside its caller's statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"

#include "base/deadline.h"

static bool registered = false;
static TimeoutId deadline_id;
static volatile sig_atomic_t fired = false;

/* runs in a signal handler */
static void
deadline_handler(void)
{
	fired = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/*
 * Cancel what comes next unless osc_deadline_disarm() is called within ms.
 */
void
osc_deadline_arm(int ms)
{
	if (!registered)
	{
		deadline_id = RegisterTimeout(USER_TIMEOUT, deadline_handler);
		registered = true;
	}
	fired = false;
	if (ms > 0)
		enable_timeout_after(deadline_id, ms);
}

/*
 * End the limit.  A cancel that it has sent and that was not served is taken
 * back.
 */
void
osc_deadline_disarm(void)
{
	if (!registered)
		return;
	disable_timeout(deadline_id, false);
	if (fired && QueryCancelPending)
		QueryCancelPending = false;
}

/* did the last deadline cancel its step? */
bool
osc_deadline_fired(void)
{
	return fired;
}
