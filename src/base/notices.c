/*-------------------------------------------------------------------------
 *
 * notices.c
 *	  What the server says to the user's statements while a worker runs them:
 *	  native tells its client that a column "already exists, skipping".
 *
 * A worker has no client.  Between osc_notices_begin() and osc_notices_end()
 * the level of the log is lowered to NOTICE in this process, so that messages
 * are made, and the hook takes them before they reach the log (elog.c,
 * EmitErrorReport).  In a session of a client nothing is done: it hears them
 * itself.
 *
 * Locks: none.  Memory: the messages are kept in TopMemoryContext until the
 * next osc_notices_begin().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "base/notices.h"
#include "base/run.h"

static emit_log_hook_type previous_hook = NULL;
static bool collecting = false;
static int	guc_nest;
static List *collected = NIL;

/* in the current memory context */
static char *
as_json(const ErrorData *edata)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"sqlstate\": \"%s\", \"message\": ",
					 unpack_sql_state(edata->sqlerrcode));
	escape_json(&buf, edata->message);
	if (edata->detail)
	{
		appendStringInfoString(&buf, ", \"detail\": ");
		escape_json(&buf, edata->detail);
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

static void
collect(ErrorData *edata)
{
	if (collecting && edata->elevel == NOTICE)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		collected = lappend(collected, as_json(edata));
		MemoryContextSwitchTo(old);
		edata->output_to_server = false;
	}
	if (previous_hook)
		previous_hook(edata);
}

/*
 * Begin to collect notices, in a transaction of a worker.  An error ends it
 * with the (sub)transaction.
 */
void
osc_notices_begin(void)
{
	static bool hooked = false;

	list_free_deep(collected);
	collected = NIL;
	collecting = MyBackendType == B_BG_WORKER;
	if (!collecting)
		return;
	if (!hooked)
	{
		previous_hook = emit_log_hook;
		emit_log_hook = collect;
		hooked = true;
	}
	guc_nest = NewGUCNestLevel();
	if (log_min_messages > NOTICE)
		osc_set_local("log_min_messages", "notice");
}

/*
 * End it; returns the messages (char *, JSON objects), which stay until the
 * next time.
 */
List *
osc_notices_end(void)
{
	if (collecting)
		AtEOXact_GUC(true, guc_nest);
	collecting = false;
	return collected;
}
