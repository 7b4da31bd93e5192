/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Refusing DDL that would harm jobs, and catching DDL that would block the
 *	  users of a large table.
 *
 * One function for three event triggers, which fire always:
 *
 *	ddl_command_start	before the command has any lock: what would spoil a
 *						job's work is refused (plan/harm.c); with
 *						online_schema.guard = warn | error what would scan or
 *						build on a large table is told or refused
 *						(plan/burden.c); what drops the extension is refused
 *						while jobs are unfinished
 *	table_rewrite		with the command's lock, before the rewrite: the same
 *						for rewrites
 *	sql_drop			with the command's locks, after a drop of any kind (DROP
 *						SCHEMA CASCADE, DROP OWNED, ...): refused if it took a
 *						job's table, or a part of its definition
 *
 * The commands of a job's own steps pass: the process knows whose step it
 * runs (base/run.c, osc_driving_job).
 *
 * The guard spares users a job that fails hours later; correctness does not
 * rest on it.  A superuser can disable event triggers, a command may have
 * been checked just before a job began, and VACUUM FULL, CLUSTER, TRUNCATE and
 * REASSIGN OWNED fire no event: a job sees by itself, under its locks, whether its table is
 * as it was.
 *
 * It runs in everybody's session, with the caller's rights and search_path:
 * the job tables are read without SQL (store/claims.c).
 *
 * Locks: none kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"

#include "base/ident.h"
#include "base/run.h"
#include "base/settings.h"
#include "plan/burden.h"
#include "plan/harm.h"
#include "store/claims.h"
#include "store/job.h"

PG_FUNCTION_INFO_V1(osc_guard_event);

static void
refuse(const OscClaim *claim, CommandTag tag, OscHarm harm)
{
	char	   *hint;

	if (claim->kept)
		hint = psprintf("Let the job end with SELECT osc_cleanup(" INT64_FORMAT ") first.",
						claim->job_id);
	else
		hint = psprintf("%s with CALL osc_wait(" INT64_FORMAT "), or end the job with SELECT osc_cancel("
						INT64_FORMAT ").",
						harm == OSC_HARM_PARTITION ?
						"Add, attach and detach partitions and children before the job or after it: wait" :
						"Wait",
						claim->job_id, claim->job_id);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("cannot run %s while table \"%s\" is being changed by a job",
					GetCommandTagName(tag), claim->relname),
			 errdetail("Job " INT64_FORMAT " has the table.", claim->job_id),
			 errhint("%s", hint)));
}

/* the tables of jobs other than the one whose step runs here */
static List *
foreign_claims(void)
{
	List	   *claims = osc_claims();
	ListCell   *lc;

	foreach(lc, claims)
		if (((OscClaim *) lfirst(lc))->job_id == osc_driving_job)
			claims = foreach_delete_current(claims, lc);
	return claims;
}

/*
 * The text of the statement that the client sent, without the blanks and the
 * semicolon around it; NULL if the command comes from within a function, whose
 * text the server does not keep where we could find it.
 */
static char *
statement_text(const Node *parsetree)
{
	ListCell   *lc;

	if (ActivePortal == NULL || ActivePortal->sourceText == NULL)
		return NULL;
	foreach(lc, ActivePortal->stmts)
	{
		PlannedStmt *planned = lfirst_node(PlannedStmt, lc);
		const char *text = ActivePortal->sourceText;
		int			len = (int) strlen(text);

		/* a statement kept in a plan cache is run as a copy (pquery.c) */
		if (planned->utilityStmt == NULL ||
			(planned->utilityStmt != parsetree && !equal(planned->utilityStmt, parsetree)))
			continue;
		if (planned->stmt_location > 0)
		{
			text += planned->stmt_location;
			len -= planned->stmt_location;
		}
		if (planned->stmt_len > 0)
			len = planned->stmt_len;
		while (len > 0 && (isspace((unsigned char) *text) || *text == ';'))
			text++, len--;
		while (len > 0 && (isspace((unsigned char) text[len - 1]) || text[len - 1] == ';'))
			len--;
		return pnstrdup(text, len);
	}
	return NULL;
}

/* the text as a dollar-quoted literal, with a tag that does not occur in it */
static char *
dollar_quote(const char *text)
{
	char	   *tag = "$osc";

	for (int i = 1; strstr(text, tag) != NULL; i++)
		tag = psprintf("$osc%d", i);
	return psprintf("%s$%s%s$", tag, text, tag);
}

static char *
hint_to_start(const Node *parsetree)
{
	char	   *text = statement_text(parsetree);

	if (text == NULL)
		return psprintf("Give the statement to %s.osc_start() instead, which runs it online.",
						quote_identifier(osc_function_schema()));
	return psprintf("Run it online: SELECT %s.osc_start(%s);",
					quote_identifier(osc_function_schema()), dollar_quote(text));
}

/* tell or refuse work on a table that is large */
static void
guard_table(const EventTriggerData *data, Oid relid, const OscBurden *burden)
{
	char		relkind = get_rel_relkind(relid);
	int64		bytes;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		return;
	bytes = osc_table_size(relid);
	if (bytes == 0 || bytes / 1024 < osc_guard_min_size)
		return;
	ereport(osc_guard == OSC_GUARD_ERROR ? ERROR : WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s would %s table \"%s\" while %s are blocked",
					GetCommandTagName(data->tag), burden->work, get_rel_name(relid),
					burden->blocked),
			 errdetail("The table has %s; online_schema.guard watches over tables from %s.",
					   text_to_cstring(DatumGetTextPP(DirectFunctionCall1(pg_size_pretty,
																		  Int64GetDatum(bytes)))),
					   GetConfigOptionByName("online_schema.guard_min_size", NULL, false)),
			 errhint("%s", hint_to_start(data->parsetree))));
}

static void
at_command_start(const EventTriggerData *data)
{
	const RangeVar *table;
	ListCell   *lc;

	foreach(lc, foreign_claims())
	{
		OscClaim   *claim = lfirst(lc);
		OscHarm		harm = osc_statement_harm(data->parsetree, claim);

		if (harm != OSC_NO_HARM)
			refuse(claim, data->tag, harm);
	}
	if (osc_drops_extension(data->parsetree) && osc_any_unfinished_job())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop extension \"%s\" while jobs are unfinished",
						OSC_EXTENSION_NAME),
				 errhint("Cancel them with osc_cancel(), or wait for their end; osc_progress lists them.")));
	if (osc_guard == OSC_GUARD_OFF || osc_driving_job != 0)
		return;
	table = osc_burdened_table(data->parsetree);
	if (table != NULL)
	{
		Oid			relid = RangeVarGetRelidExtended(table, NoLock, RVR_MISSING_OK, NULL, NULL);
		OscBurden	burden;

		if (OidIsValid(relid) && osc_statement_burden(data->parsetree, relid, &burden))
			guard_table(data, relid, &burden);
	}
}

static void
at_rewrite(const EventTriggerData *data)
{
	/* an SQL function, since the state behind it is private to the server */
	Oid			relid = DatumGetObjectId(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID));
	ListCell   *lc;

	foreach(lc, foreign_claims())
		if (((OscClaim *) lfirst(lc))->relid == relid)
			refuse(lfirst(lc), data->tag, OSC_HARM_TABLE);
	if (osc_guard != OSC_GUARD_OFF && osc_driving_job == 0)
	{
		static const OscBurden rewrite = {"rewrite", "reads and writes"};

		guard_table(data, relid, &rewrite);
	}
}

static void
at_drop(const EventTriggerData *data)
{
	ListCell   *lc;

	foreach(lc, foreign_claims())
		if (osc_drop_harm(lfirst(lc)))
			refuse(lfirst(lc), data->tag, OSC_HARM_TABLE);
}

/*
 * The event triggers' function.  Raises object_in_use for what would harm a
 * job, and object_not_in_prerequisite_state under online_schema.guard = error.
 */
Datum
osc_guard_event(PG_FUNCTION_ARGS)
{
	const EventTriggerData *data;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by an event trigger")));
	data = (const EventTriggerData *) fcinfo->context;
	if (strcmp(data->event, "ddl_command_start") == 0)
		at_command_start(data);
	else if (strcmp(data->event, "table_rewrite") == 0)
		at_rewrite(data);
	else if (strcmp(data->event, "sql_drop") == 0)
		at_drop(data);
	PG_RETURN_NULL();
}
