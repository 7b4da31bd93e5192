/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  Entry points of the background workers.
 *
 * A worker connects as the bootstrap superuser, since job owners may be roles
 * that cannot log in; each step then switches to the job's owner (base/run.c).
 * Time limits that a database or role has set for its sessions are lifted,
 * and the isolation level is made READ COMMITTED.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "drive/driver.h"

PGDLLEXPORT void osc_worker_main(Datum arg);
PGDLLEXPORT void osc_backfill_main(Datum arg);

static void
override(const char *name, const char *value)
{
	if (GetConfigOption(name, true, false) != NULL)
		SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/*
 * Race: a worker that is terminated while it sleeps between two steps has no
 * transaction whose abort would give back its session's locks on the job and
 * on its place, and the server gives back advisory ones only (ShutdownPostgres
 * in postinit.c).  They would stay with a process that is gone, and nobody
 * could drive the job until the server is restarted.
 */
static void
give_back_locks(int code, Datum arg)
{
	AbortOutOfAnyTransaction();
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

static void
start(Oid database)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	before_shmem_exit(give_back_locks, 0);
	override("statement_timeout", "0");
	override("lock_timeout", "0");
	override("idle_in_transaction_session_timeout", "0");
	override("transaction_timeout", "0");
	override("default_transaction_isolation", "read committed");
	override("default_transaction_read_only", "off");
	override("default_transaction_deferrable", "off");
	override("session_replication_role", "origin");
	override("row_security", "on");
}

/*
 * Main function of a worker; arg is the database's OID.
 */
void
osc_worker_main(Datum arg)
{
	start(DatumGetObjectId(arg));
	osc_drive_in_background();
	proc_exit(0);
}

/*
 * Main function of a further backfill worker; job and member are in bgw_extra.
 */
void
osc_backfill_main(Datum arg)
{
	int64		job_id;
	int32		member;

	memcpy(&job_id, MyBgworkerEntry->bgw_extra, sizeof(int64));
	memcpy(&member, MyBgworkerEntry->bgw_extra + sizeof(int64), sizeof(int32));
	start(DatumGetObjectId(arg));
	osc_backfill_in_background(job_id, member);
	proc_exit(0);
}
