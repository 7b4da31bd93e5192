/*-------------------------------------------------------------------------
 *
 * background.c
 *	  Driving jobs from a background worker, and starting workers.
 *
 * A worker belongs to a database.  It takes the oldest job that wants a
 * worker and that nobody drives, drives it to its end, asks for another worker
 * if there are more, and exits.  A worker that a crash took away is started again
 * by the postmaster; what a job needs to go on is in its rows.
 *
 * A step is a transaction.  While a job is ready for a manual swap, the
 * driver lock is given back between steps, so that osc_swap() can have it.
 *
 * No more than online_schema.max_workers jobs are driven at once; a worker that
 * finds no place says so in its jobs' rows and exits.  One that ends asks for
 * another if there are jobs left in its database; jobs of other databases are
 * found by their next osc_* call, osc_wait() included, and by the launcher.
 *
 * A worker is asked for when the transaction that needs it commits: the
 * request is prepared before, and the commit callback only hands it over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/compat.h"
#include "base/ident.h"
#include "base/locks.h"
#include "base/run.h"
#include "base/settings.h"
#include "drive/announce.h"
#include "drive/commands.h"
#include "drive/driver.h"
#include "drive/queue.h"
#include "drive/spare.h"
#include "drive/throttle.h"
#include "drive/vacuum.h"
#include "mirror/backfill.h"
#include "model/column.h"
#include "store/events.h"

/* seconds after which the postmaster starts a worker again that has crashed */
#define RESTART_SECONDS 5

/* how long a further backfill worker waits while a limit holds the job, ms */
#define HELPER_HELD_MS 500

/* how often a worker looks again for a place, and how long it waits before, ms */
#define SLOT_LOOKS 3
#define SLOT_LOOK_MS 100

static bool worker_wanted = false;
static int	worker_to_wake = 0;
static BackgroundWorker prepared_request;

static void
prepare_request(BackgroundWorker *w, const char *function, const char *type)
{
	memset(w, 0, sizeof(*w));
	w->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	w->bgw_start_time = BgWorkerStart_RecoveryFinished;
	w->bgw_restart_time = RESTART_SECONDS;
	strlcpy(w->bgw_library_name, "online_schema", sizeof(w->bgw_library_name));
	strlcpy(w->bgw_function_name, function, sizeof(w->bgw_function_name));
	snprintf(w->bgw_name, BGW_MAXLEN, "%s for database %u", type, MyDatabaseId);
	strlcpy(w->bgw_type, type, sizeof(w->bgw_type));
	w->bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
}

/* an error in here would be a PANIC: nothing but the hand-over happens */
static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (worker_wanted)
				(void) RegisterDynamicBackgroundWorker(&prepared_request, NULL);
			if (worker_to_wake != 0)
				(void) kill(worker_to_wake, SIGINT);
			worker_wanted = false;
			worker_to_wake = 0;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			worker_wanted = false;
			worker_to_wake = 0;
			break;
		default:
			break;
	}
}

/* called once, by _PG_init */
void
osc_init_worker_requests(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
}

/*
 * Start a worker for this database when the present transaction commits.  If
 * there is no free slot then, the jobs wait for the next request or for the
 * launcher.  A worker that finds nothing to do exits.
 */
void
osc_request_worker(void)
{
	prepare_request(&prepared_request, "osc_worker_main", "online_schema worker");
	worker_wanted = true;
}

/*
 * Interrupt the worker that drives the job when the present transaction
 * commits, so that it looks at the job's new state.
 */
void
osc_wake_worker(int64 job_id)
{
	OscStore	store;
	OscArgs		args = {0};
	int			pid = osc_driver_pid(job_id);

	if (pid == 0)
		return;
	osc_store_open(&store);
	osc_arg_int4(&args, pid);
	if (osc_sql("SELECT 1 FROM pg_stat_activity WHERE pid = $1"
				" AND backend_type = 'online_schema worker'", &args) > 0)
		worker_to_wake = pid;
	osc_store_close(&store);
}

/*
 * Start a worker for each further range of the backfill.  Without a free slot
 * the driver does the range itself.
 */
void
osc_start_backfill_workers(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);
		int			n = osc_backfill_nranges(m);

		for (int i = 2; i <= n; i++)
		{
			BackgroundWorker w;

			prepare_request(&w, "osc_backfill_main", "online_schema backfill");
			w.bgw_restart_time = BGW_NEVER_RESTART;
			memcpy(w.bgw_extra, &m->job_id, sizeof(int64));
			memcpy(w.bgw_extra + sizeof(int64), &m->member, sizeof(int32));
			(void) RegisterDynamicBackgroundWorker(&w, NULL);
		}
	}
}

static void
begin_step(void)
{
	/* a cancel that came between steps has been served: we look at the state */
	QueryCancelPending = false;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	osc_set_read_committed();
}

static void
doze(int ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/*
 * Run a command that manages transactions itself, as a client's session does:
 * in a portal (postgres.c, exec_simple_query), which the functions of event
 * triggers need to run SQL of their own.  The worker is a superuser, and the
 * server switches to the table's owner.
 */
static void
run_toplevel(const char *sql)
{
	Portal		portal;
	PlannedStmt *wrapper;
	MemoryContext old;

	begin_step();
	portal = CreateNewPortal();
	portal->visible = false;
	/* commits in the middle leave the portal's memory alone */
	old = MemoryContextSwitchTo(portal->portalContext);
	wrapper = makeNode(PlannedStmt);
	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = linitial_node(RawStmt, pg_parse_query(sql))->stmt;
	PortalDefineQuery(portal, NULL, pstrdup(sql), CreateCommandTag(wrapper->utilityStmt),
					  list_make1(wrapper), NULL);
	MemoryContextSwitchTo(old);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	(void) osc_portal_run(portal);
	PortalDrop(portal, false);
	CommitTransactionCommand();
}

/* VACUUM a table of the job between two steps, and note it */
static void
vacuum_table(int64 job_id)
{
	OscJob	   *job;
	char	   *sql;
	TimestampTz start;

	begin_step();
	job = osc_job_load(job_id, false);
	sql = osc_vacuum_command(job);
	if (sql)
		sql = MemoryContextStrdup(TopMemoryContext, sql);
	CommitTransactionCommand();
	if (sql == NULL)
		return;
	start = GetCurrentTimestamp();

	/*
	 * Batches commit asynchronously; until their commit is on disk, VACUUM
	 * may set no hint that they did, and the pages would not become
	 * all-visible.
	 */
	XLogFlush(XactLastCommitEnd);
	run_toplevel(sql);
	pfree(sql);
	begin_step();
	job = osc_job_load(job_id, false);
	osc_note_vacuumed(job);
	osc_event(job, job->members ? "freeze" : "vacuum", osc_elapsed_ms(start), NULL);
	CommitTransactionCommand();
}

/* run the text of a command in the job's settings; NULL, or its error */
static ErrorData *
try_toplevel(const char *sql, MemoryContext context)
{
	ErrorData  *volatile edata = NULL;

	PG_TRY();
	{
		run_toplevel(sql);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	return edata;
}

/*
 * Race: an error at top level ends the transaction, and with it our session's
 * locks on the job (lmgr: an abort releases them, too), so that another worker
 * may take the job.  True: we have them back and nobody was there; false: we
 * have them back after somebody else.
 */
static bool
take_back(int64 job_id)
{
	bool		at_once = true;

	while (!osc_worker_try_lock(job_id))
	{
		at_once = false;
		doze(200);
	}
	while (!osc_driver_try_lock(job_id, true))
	{
		at_once = false;
		doze(200);
	}
	return at_once;
}

/* run the job's next top-level command between two steps */
static void
run_command(int64 job_id, MemoryContext context)
{
	OscJob	   *job;
	char	   *sql;
	bool		is_leftover;
	TimestampTz start;
	ErrorData  *edata;

	begin_step();
	MemoryContextSwitchTo(context);
	job = osc_job_load(job_id, false);
	sql = osc_begin_top_command(job, &is_leftover);
	if (sql)
	{
		osc_session_enter(job->owner, job->session_settings);
		osc_leave_processors(job);
		/* an index made anew is where the old one was: its command says so, or means the database's */
		if (osc_column_member(job))
			SetConfigOption("default_tablespace", "", PGC_USERSET, PGC_S_SESSION);
	}
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	if (sql == NULL)
		return;
	start = GetCurrentTimestamp();
	edata = try_toplevel(sql, context);
	osc_session_leave();
	if (edata && !take_back(job_id))
		return;					/* whoever was there has tried again */
	begin_step();
	MemoryContextSwitchTo(context);
	if (edata)
		osc_top_command_failed(job_id, edata);
	else
		osc_end_top_command(osc_job_load(job_id, false), is_leftover, start);
	CommitTransactionCommand();
}

/* the swap is committed: note how long its locks were held in all */
static void
note_swap(OscJob *job, const OscStep *step)
{
	double		ms = osc_elapsed_ms(step->locked_at);

	begin_step();
	osc_event(job, "swap", ms,
			  psprintf("{\"locked_ms\": %.3f, \"backlog\": " INT64_FORMAT ", \"committed\": true}",
					   ms, step->backlog));
	CommitTransactionCommand();
	ereport(LOG,
			(errmsg("online schema change: job " INT64_FORMAT " swapped, locks were held for %.1f ms",
					job->job_id, ms)));
}

/* what pg_stat_activity shows */
static void
report_activity(const OscJob *job)
{
	OscMember  *first = osc_job_first_table(job);

	pgstat_report_appname(psprintf("online_schema job " INT64_FORMAT, job->job_id));
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("job " INT64_FORMAT ", %s, table %s: %s", job->job_id,
									osc_phase_name(job->phase),
									first ? quote_qualified_identifier(first->nspname, first->relname) : "unknown",
									job->ddl));
}

/*
 * One step and its commit; returns the ms to wait before the next, -1 at the
 * end, or if the job is to be left to itself.
 */
static int
drive_once(int64 job_id, MemoryContext context)
{
	OscStep		step = {.can_vacuum = true};
	OscPhase	before;
	OscJob	   *job;
	int			wait;

	begin_step();
	MemoryContextSwitchTo(context);
	job = osc_job_load(job_id, false);
	before = job->phase;
	wait = osc_ms_until_next_try(job);
	if (wait > 0 && job->obstructed)
	{
		CommitTransactionCommand();
		return -1;
	}
	if (wait > 0 && job->state != OSC_CANCELLING && osc_job_has_steps(job))
	{
		CommitTransactionCommand();
		return Min(wait, 1000);
	}
	report_activity(job);
	if (before == OSC_BACKFILLING || before == OSC_CATCHING_UP ||
		before == OSC_VALIDATING || before == OSC_CLEANING)
	{
		/* rows and cursor go together: losing the last commits loses nothing */
		(void) set_config_option("synchronous_commit", "off", PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, ERROR, false);
	}
	job = osc_drive_step(job_id, OSC_DRIVE_WORKER, &step);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	pgstat_report_activity(STATE_IDLE, NULL);
	if (step.swapped)
		note_swap(job, &step);
	if (step.need_vacuum)
		vacuum_table(job_id);
	if (step.need_top)
		run_command(job_id, context);
	if (before == OSC_PREPARING && job->phase == OSC_BACKFILLING)
	{
		begin_step();
		osc_start_backfill_workers(job);
		CommitTransactionCommand();
	}
	if (osc_is_news(job))
	{
		begin_step();
		osc_announce(job_id);
		CommitTransactionCommand();
	}
	MemoryContextSwitchTo(context);
	if (!osc_job_has_steps(job) || (job->obstructed && step.wait_ms > 0))
		return -1;
	return Max(step.wait_ms, job->state == OSC_READY && step.keys == 0 ? 100 : 0);
}

/* is the job ready for a manual swap?  then the lock is given back between steps */
static bool
is_ready(int64 job_id, MemoryContext context)
{
	OscJob	   *job;
	bool		result;

	begin_step();
	MemoryContextSwitchTo(context);
	job = osc_job_load(job_id, false);
	result = job->state == OSC_READY;
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return result;
}

/* a job that is taken up in the middle of its backfill has lost its helpers */
static void
start_helpers(int64 job_id, MemoryContext context)
{
	OscJob	   *job;

	begin_step();
	MemoryContextSwitchTo(context);
	job = osc_job_load(job_id, false);
	if (job->phase == OSC_BACKFILLING && job->state == OSC_RUNNING)
		osc_start_backfill_workers(job);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

static void
drive_job(int64 job_id)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "online_schema job",
												  ALLOCSET_DEFAULT_SIZES);

	start_helpers(job_id, context);
	for (;;)
	{
		int			wait = drive_once(job_id, context);

		MemoryContextReset(context);
		if (wait < 0)
			break;
		if (is_ready(job_id, context))
		{
			osc_driver_unlock(job_id);
			doze(Max(wait, 10));
			while (!osc_driver_try_lock(job_id, true))
				doze(200);
		}
		else if (wait > 0)
			doze(wait);
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(context);
}

/*
 * A place among the jobs that run at once, 0 if all are taken.  A worker that
 * finds nothing to do holds one for a moment: look again before giving up, for
 * such a worker does not ask for another when it ends.
 */
static int
take_slot(void)
{
	int			slot = osc_slot_try_lock(osc_max_workers);

	for (int i = 0; i < SLOT_LOOKS && slot == 0; i++)
	{
		doze(SLOT_LOOK_MS);
		slot = osc_slot_try_lock(osc_max_workers);
	}
	return slot;
}

/* the oldest job that wants a worker and has none, locked for us; 0: none */
static int64
take_job(int slot)
{
	int64		result = 0;

	begin_step();
	if (OidIsValid(osc_extension_oid(true)))
		result = osc_queue_take(slot);
	/* the launcher starts one of us, however many jobs a restart has left */
	if (result != 0 && list_length(osc_jobs_to_drive(false)) > 1)
		osc_request_worker();
	CommitTransactionCommand();
	return result;
}

/*
 * Let a while go by after an error.  The latch of a new process is set, so that
 * a single wait would end at once, and workers would fail, end, and ask for
 * the next one as fast as processes can be started.
 */
static void
wait_before_retry(void)
{
	TimestampTz start = GetCurrentTimestamp();
	int			ms;

	while ((ms = (int) (RESTART_SECONDS * 1000 - osc_elapsed_ms(start))) > 0)
		doze(ms);
}

/*
 * Take a job and drive it; false if there is none.  An error here is one that
 * no step has dealt with (a full lock table may leave nothing to deal with it):
 * it is logged, and another worker tries again after a while.
 */
static bool
take_and_drive(void)
{
	volatile int64 job_id = 0;
	volatile bool failed = false;
	volatile bool aborted = false;
	int			slot = take_slot();

	PG_TRY();
	{
		job_id = take_job(slot);
		/* all the DDL of this process is that of the job */
		osc_driving_job = job_id;
		if (job_id != 0)
			drive_job(job_id);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		/* osc_pause() and osc_cancel() end a VACUUM that way: look what they want */
		failed = geterrcode() != ERRCODE_QUERY_CANCELED;
		if (failed)
			EmitErrorReport();
		AbortCurrentTransaction();
		aborted = true;
		MemoryContextSwitchTo(TopMemoryContext);
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	osc_driving_job = 0;
	if (failed)
		wait_before_retry();
	/* the abort has given back the session's locks on job and place, too */
	if (aborted)
		return true;
	if (job_id != 0)
	{
		osc_driver_unlock(job_id);
		osc_worker_unlock(job_id);
	}

	/*
	 * Race: a job that finds no place waits for us to end.  It was committed
	 * before its worker looked for a place, so we see it when we look for
	 * jobs after this.
	 */
	if (slot != 0)
		osc_slot_unlock(slot);
	return job_id != 0;
}

/*
 * What a worker does: drive one job, and leave the next one to another
 * process, so that nothing that a user's function left in the session meets
 * another user's job.  The process is connected to its database as the
 * bootstrap superuser.
 */
void
osc_drive_in_background(void)
{
	if (!take_and_drive())
		return;
	begin_step();
	if (osc_jobs_to_drive(false) != NIL)
		osc_request_worker();
	CommitTransactionCommand();
}

/*
 * One batch of any open range; returns the ms to wait before the next, -1 when
 * there is none, or the job stopped.
 */
static int
backfill_once(int64 job_id, int32 member, MemoryContext context)
{
	OscJob	   *job;
	OscMember  *m = NULL;
	OscEnv		env;
	ListCell   *lc;
	int			range_no;
	int			wait = HELPER_HELD_MS;
	bool		complete;

	begin_step();
	MemoryContextSwitchTo(context);
	(void) set_config_option("synchronous_commit", "off", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, ERROR, false);
	job = osc_job_load(job_id, false);
	foreach(lc, job->members)
		if (((OscMember *) lfirst(lc))->member == member)
			m = lfirst(lc);
	if (m == NULL || job->state != OSC_RUNNING || job->phase != OSC_BACKFILLING ||
		(range_no = osc_backfill_open_range(m)) <= 0)
	{
		CommitTransactionCommand();
		return -1;
	}
	osc_env_enter(&env, job->owner, job->settings, job->session_settings);
	if (osc_throttle_reason(job) == NULL)
	{
		TimestampTz start = GetCurrentTimestamp();

		(void) osc_copy_batch(m, range_no, 0, &complete);
		wait = osc_throttle_pause_ms(osc_elapsed_ms(start));
	}
	osc_env_leave(&env);
	CommitTransactionCommand();
	return wait;
}

/*
 * What a backfill worker does: batches of ranges that nobody else is at, to
 * the end of the backfill.  An error ends it; the driver comes to the same
 * row, and it decides what becomes of the job.
 */
void
osc_backfill_in_background(int64 job_id, int32 member)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "online_schema backfill",
												  ALLOCSET_DEFAULT_SIZES);

	int			wait;

	while ((wait = backfill_once(job_id, member, context)) >= 0)
	{
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(context);
		if (wait > 0)
			doze(wait);
		CHECK_FOR_INTERRUPTS();
	}
}
