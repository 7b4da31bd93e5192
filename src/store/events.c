/*-------------------------------------------------------------------------
 *
 * events.c
 *	  The audit trail of a job: one row per step, attempt and change of state.
 *
 * An event is written in the transaction of what it tells of, so the trail
 * never tells of what was rolled back; failed attempts are written after
 * their rollback, in a (sub)transaction of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/run.h"
#include "store/events.h"
#include "utils/json.h"

/*
 * Write an event.  duration_ms below 0 means none; detail_json may be NULL.
 */
void
osc_event(const OscJob *job, const char *event, double duration_ms,
		  const char *detail_json)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	osc_arg_text(&args, osc_phase_name(job->phase));
	osc_arg_text(&args, event);
	osc_arg_text(&args, duration_ms < 0 ? NULL :
				 psprintf("%.3f milliseconds", duration_ms));
	osc_arg_jsonb(&args, detail_json);
	osc_sql("INSERT INTO online_schema.job_event (job_id, phase, event, duration, detail)"
			" VALUES ($1, $2, $3, $4::interval, $5)", &args);
	osc_store_close(&store);
}

/*
 * Write an event whose detail is one text under a key.
 */
void
osc_event_text(const OscJob *job, const char *event, double duration_ms,
			   const char *key, const char *text)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"%s\": ", key);
	escape_json(&detail, text);
	appendStringInfoChar(&detail, '}');
	osc_event(job, event, duration_ms, detail.data);
}

/*
 * Add what the server has said to the user's statements, for osc_wait().
 */
void
osc_event_notices(OscJob *job, List *notices)
{
	ListCell   *lc;

	foreach(lc, notices)
		osc_event(job, "notice", -1, lfirst(lc));
}
