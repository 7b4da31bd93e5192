/*-------------------------------------------------------------------------
 *
 * stop_point.c
 *	  Named moments at which a test can hold, break or kill a process.
 *
 * Compiled only by STOP_POINTS=1.  A process that comes to a point named in
 * online_schema.stop_point takes the advisory lock (2147483000,
 * hashtext(name)) in share mode and lets it go at once; a test that holds the
 * lock exclusively holds the process.  "name:error", "name:kill" and
 * "name:exit" raise an error, kill the process as a crash would, and leave
 * it.  online_schema.test_disable names protections to switch off.
 *
 * Locks held on exit: none of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/stop_point.h"

#define OSC_STOP_POINT_LOCK 2147483000

static char *stop_point_setting;
static char *test_disable_setting;

/*
 * The action that the setting asks for at this point: NULL where the point is
 * not named, "" to wait, else the word behind the colon.
 */
static const char *
stop_point_action(const char *name, char *action, size_t size)
{
	const char *p = stop_point_setting;
	size_t		len = strlen(name);

	while (p && *p)
	{
		const char *end = strchr(p, ',');
		size_t		n = end ? (size_t) (end - p) : strlen(p);

		if (n >= len && strncmp(p, name, len) == 0 &&
			(n == len || p[len] == ':'))
		{
			strlcpy(action, n == len ? "" : p + len + 1,
					Min(size, n == len ? 1 : n - len));
			return action;
		}
		p = end ? end + 1 : NULL;
	}
	return NULL;
}

/*
 * Stop here if a test asks for it.  May be called in any transaction state
 * that allows a heavyweight lock.
 */
void
osc_stop_point(const char *name)
{
	char		action[32];
	LOCKTAG		tag;
	int			patience = LockTimeout;

	if (stop_point_action(name, action, sizeof(action)) == NULL)
		return;
	if (strcmp(action, "kill") == 0)
		kill(MyProcPid, SIGKILL);
	if (strcmp(action, "exit") == 0)
		proc_exit(1);
	if (strcmp(action, "error") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("stop point \"%s\" raised an error", name)));

	/* the same tag as pg_advisory_lock(int, int) takes */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, OSC_STOP_POINT_LOCK,
						 DatumGetUInt32(hash_any((const unsigned char *) name,
												 strlen(name))), 2);
	/* the test decides for how long, not the step's lock_timeout */
	LockTimeout = 0;
	(void) LockAcquire(&tag, ShareLock, true, false);
	(void) LockRelease(&tag, ShareLock, true);
	LockTimeout = patience;
}

/*
 * Is the named protection in force?  A test build can switch one off.
 */
bool
osc_protection_is_on(const char *name)
{
	return test_disable_setting == NULL ||
		strcmp(test_disable_setting, name) != 0;
}

/*
 * Define the settings of a test build.  Called once, from _PG_init.
 */
void
osc_define_stop_point_settings(void)
{
	DefineCustomStringVariable("online_schema.stop_point",
							   "Points at which a process stops (test builds only).",
							   NULL, &stop_point_setting, "",
							   PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("online_schema.test_disable",
							   "Protection that is switched off (test builds only).",
							   NULL, &test_disable_setting, "",
							   PGC_SUSET, 0, NULL, NULL, NULL);
}
