/*-------------------------------------------------------------------------
 *
 * vacuum.c
 *	  VACUUM and ANALYZE of tables that jobs fill.
 *
 * VACUUM is a top-level command: a step says that one is due, and the worker
 * runs it between two steps.  After a crash it is due again.
 *
 * Locks: SHARE UPDATE EXCLUSIVE on the table, as the commands take it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/ident.h"
#include "base/run.h"
#include "drive/vacuum.h"
#include "mirror/fill.h"
#include "model/column.h"
#include "store/events.h"

/*
 * Run an ANALYZE, and note that it is done.
 */
void
osc_analyze(OscJob *job, OscMember *m, const char *sql)
{
	TimestampTz start = GetCurrentTimestamp();
	List	   *raw = pg_parse_query(sql);
	PlannedStmt *wrapper = makeNode(PlannedStmt);
	OscIdentity saved;

	wrapper->commandType = CMD_UTILITY;
	wrapper->utilityStmt = linitial_node(RawStmt, raw)->stmt;
	/* the server itself switches to the table's owner, see analyze.c */
	osc_become(&saved, osc_extension_owner(), 0);
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(wrapper, sql, false, PROCESS_UTILITY_QUERY, NULL, NULL,
				   None_Receiver, NULL);
	PopActiveSnapshot();
	osc_unbecome(&saved);
	osc_member_update(m, "analyzed = true", NULL);
	osc_event(job, "analyze", osc_elapsed_ms(start), NULL);
}

/*
 * The VACUUM that is due: the one that brings a shadow into service frozen and
 * all-visible, its indexes still being empty; or one that makes room in a
 * table that is filled in place.  NULL if there is none.
 */
char *
osc_vacuum_command(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (!m->frozen)
			return psprintf("VACUUM (FREEZE, TRUNCATE FALSE, INDEX_CLEANUP FALSE) %s",
							osc_relation_name(m->shadow));
	}
	return osc_column_member(job) ? osc_fill_vacuum_command(osc_column_member(job)) : NULL;
}

/* the command above has been run */
void
osc_note_vacuumed(OscJob *job)
{
	ListCell   *lc;

	foreach(lc, job->members)
	{
		OscMember  *m = lfirst(lc);

		if (!m->frozen)
		{
			osc_member_update(m, "frozen = true", NULL);
			m->frozen = true;
			return;
		}
	}
	if (osc_column_member(job))
		osc_fill_note_vacuumed(osc_column_member(job));
}
