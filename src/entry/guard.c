/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Refusing commands that would harm jobs.
 *
 * An event trigger at ddl_command_start looks at the parse tree: DROP
 * EXTENSION online_schema is refused while jobs are unfinished, since it
 * would take away the tables that the capture triggers of user tables need.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/event_trigger.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"

#include "base/ident.h"
#include "store/job.h"

PG_FUNCTION_INFO_V1(osc_guard_drop_extension);

/*
 * Event trigger function for DROP EXTENSION.
 */
Datum
osc_guard_drop_extension(PG_FUNCTION_ARGS)
{
	EventTriggerData *data;
	DropStmt   *stmt;
	ListCell   *lc;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by an event trigger")));
	data = (EventTriggerData *) fcinfo->context;
	if (!IsA(data->parsetree, DropStmt))
		PG_RETURN_NULL();
	stmt = (DropStmt *) data->parsetree;
	if (stmt->removeType != OBJECT_EXTENSION)
		PG_RETURN_NULL();
	foreach(lc, stmt->objects)
		if (strcmp(strVal(lfirst(lc)), OSC_EXTENSION_NAME) == 0 &&
			osc_any_unfinished_job())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("cannot drop extension \"%s\" while jobs are unfinished",
							OSC_EXTENSION_NAME),
					 errhint("Cancel them with osc_cancel(), or wait for their end; osc_progress lists them.")));
	PG_RETURN_NULL();
}
