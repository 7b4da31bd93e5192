/*-------------------------------------------------------------------------
 *
 * launcher.c
 *	  Resuming jobs after a restart: one background worker per cluster, with
 *	  shared_preload_libraries only.
 *
 * At its start and once every LAUNCHER_NAP_MS it goes through the databases
 * and starts a worker in each, one after the other; a worker that finds no
 * job to drive, or no extension, exits at once.  That picks up what a restart
 * interrupted, what found no free worker slot, and what a prepared
 * transaction has queued.
 *
 * Connected to no database; reads pg_database.  Holds no lock between rounds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "entry/launcher.h"

#define LAUNCHER_NAP_MS 60000

PGDLLEXPORT void osc_launcher_main(Datum arg);

/*
 * Register the launcher.  Called from _PG_init in the postmaster.
 */
void
osc_register_launcher(void)
{
	BackgroundWorker w = {0};

	w.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	w.bgw_start_time = BgWorkerStart_RecoveryFinished;
	w.bgw_restart_time = 5;
	strlcpy(w.bgw_library_name, "online_schema", sizeof(w.bgw_library_name));
	strlcpy(w.bgw_function_name, "osc_launcher_main", sizeof(w.bgw_function_name));
	strlcpy(w.bgw_name, "online_schema launcher", BGW_MAXLEN);
	strlcpy(w.bgw_type, "online_schema launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&w);
}

/* the databases that one can connect to, in the given context */
static List *
databases(MemoryContext context)
{
	List	   *result = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database db = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!db->datallowconn || db->datistemplate)
			continue;
		old = MemoryContextSwitchTo(context);
		result = lappend_oid(result, db->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return result;
}

/* start a worker in a database; a job worker does not end soon, so do not wait */
static void
start_worker(Oid database)
{
	BackgroundWorker w = {0};
	BackgroundWorkerHandle *handle;
	pid_t		pid;

	w.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	w.bgw_start_time = BgWorkerStart_RecoveryFinished;
	w.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(w.bgw_library_name, "online_schema", sizeof(w.bgw_library_name));
	strlcpy(w.bgw_function_name, "osc_worker_main", sizeof(w.bgw_function_name));
	snprintf(w.bgw_name, BGW_MAXLEN, "online_schema worker for database %u", database);
	strlcpy(w.bgw_type, "online_schema worker", BGW_MAXLEN);
	w.bgw_main_arg = ObjectIdGetDatum(database);
	w.bgw_notify_pid = MyProcPid;
	if (RegisterDynamicBackgroundWorker(&w, &handle))
		(void) WaitForBackgroundWorkerStartup(handle, &pid);
}

/*
 * Race: a worker that we started, and that finds no job, ends at once, and its
 * end sets our latch as its start did (bgw_notify_pid).  A single wait would end
 * with it, and the launcher would start workers as fast as the server can.
 */
static void
nap(void)
{
	TimestampTz start = GetCurrentTimestamp();
	long		left;

	while ((left = LAUNCHER_NAP_MS - TimestampDifferenceMilliseconds(start, GetCurrentTimestamp())) > 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * The launcher's main loop.
 */
void
osc_launcher_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	context = AllocSetContextCreate(TopMemoryContext, "online_schema launcher",
									ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		ListCell   *lc;

		foreach(lc, databases(context))
			start_worker(lfirst_oid(lc));
		MemoryContextReset(context);
		nap();
	}
}
