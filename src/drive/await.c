/*-------------------------------------------------------------------------
 *
 * await.c
 *	  Waiting for a job: osc_wait().
 *
 * Looks at osc_progress, with the caller's rights, in a transaction for each
 * look, and tells what has changed as NOTICEs, until the job ends or is ready;
 * a job that failed or was cancelled ends in an error.  Holds no snapshot and
 * no lock between two looks.  A crash leaves nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/ident.h"
#include "base/run.h"
#include "drive/await.h"
#include "drive/control.h"

/* how often osc_wait() looks, ms */
#define WAIT_POLL_MS 250

/* what osc_wait() saw at its last look */
typedef struct Seen
{
	char		state[32];
	char		bar[64];
	char		waiting[1024];
	char		error[1024];
	int			notices;		/* told so far */
} Seen;

static void
look(int64 job_id, Seen *seen)
{
	OscArgs		args = {0};
	OscStore	store = {.caller = CurrentMemoryContext};
	const char *value;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	osc_arg_int8(&args, job_id);
	if (osc_sql(psprintf("SELECT p.state, p.phase || ' ' || p.progress_bar AS bar,"
						 " p.waiting_for, p.last_error FROM %s.osc_progress p WHERE p.job_id = $1",
						 quote_identifier(osc_function_schema())), &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("job " INT64_FORMAT " does not exist", job_id),
				 errhint("See the jobs that there are in osc_progress.")));
	strlcpy(seen->state, osc_col_text(&store, 0, "state"), sizeof(seen->state));
	strlcpy(seen->bar, osc_col_text(&store, 0, "bar"), sizeof(seen->bar));
	value = osc_col_text(&store, 0, "waiting_for");
	strlcpy(seen->waiting, value ? value : "", sizeof(seen->waiting));
	value = osc_col_text(&store, 0, "last_error");
	strlcpy(seen->error, value ? value : "", sizeof(seen->error));
	SPI_finish();
}

/* what the server said to the statements, as native would have told us */
static void
tell_notices(int64 job_id, Seen *seen)
{
	OscArgs		args = {0};
	OscStore	store = {.caller = CurrentMemoryContext};
	uint64		n;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	osc_arg_int8(&args, job_id);
	osc_arg_int8(&args, seen->notices);
	n = osc_sql(psprintf("SELECT detail->>'message' AS message, detail->>'sqlstate' AS code, detail->>'detail' AS detail FROM %s.osc_events"
						 " WHERE job_id = $1 AND event = 'notice' OFFSET $2",
						 quote_identifier(osc_function_schema())), &args);
	for (uint64 i = 0; i < n; i++)
	{
		const char *code = osc_col_text(&store, i, "code");
		const char *detail = osc_col_text(&store, i, "detail");

		ereport(NOTICE,
				(errcode(MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4])),
				 errmsg("%s", osc_col_text(&store, i, "message")),
				 detail ? errdetail("%s", detail) : 0));
	}
	seen->notices += (int) n;
	SPI_finish();
}

static void
raise_end(int64 job_id, const Seen *seen)
{
	if (strcmp(seen->state, "failed") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job " INT64_FORMAT " failed: %s", job_id, seen->error),
				 errhint("The table is as it was; see osc_events for what happened.")));
	if (strcmp(seen->state, "cancelled") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("job " INT64_FORMAT " was cancelled", job_id),
				 errhint("The table is as it was.")));
	if (seen->error[0] != '\0')
		ereport(WARNING,
				(errmsg("job " INT64_FORMAT ": %s", job_id, seen->error)));
}

/*
 * osc_wait(): tell the progress until the job ends or is ready.  Called from a
 * procedure in a non-atomic context with SPI connected so.
 */
void
osc_control_wait(int64 job_id, double timeout_ms)
{
	TimestampTz start = GetCurrentTimestamp();
	Seen		seen = {0};
	Seen		told = {0};

	for (;;)
	{
		look(job_id, &seen);
		tell_notices(job_id, &seen);
		if (strcmp(seen.bar, told.bar) != 0 || strcmp(seen.waiting, told.waiting) != 0 ||
			strcmp(seen.state, told.state) != 0)
			ereport(NOTICE,
					(errmsg("job " INT64_FORMAT " %s: %s%s%s", job_id, seen.state, seen.bar,
							seen.waiting[0] ? ", waiting for " : "", seen.waiting)));
		told = seen;
		if (strcmp(seen.state, "done") == 0 || strcmp(seen.state, "ready") == 0 ||
			strcmp(seen.state, "kept") == 0 || strcmp(seen.state, "failed") == 0 ||
			strcmp(seen.state, "cancelled") == 0 || strcmp(seen.state, "reverted") == 0)
			break;
		if (timeout_ms >= 0 && osc_elapsed_ms(start) > timeout_ms)
			ereport(ERROR,
					(errcode(ERRCODE_QUERY_CANCELED),
					 errmsg("job " INT64_FORMAT " is still %s after the time given to osc_wait()",
							job_id, seen.state),
					 errhint("The job goes on; call osc_wait() again.")));
		osc_kick();
		SPI_commit();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 WAIT_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	raise_end(job_id, &seen);
}
