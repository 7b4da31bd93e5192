/*-------------------------------------------------------------------------
 *
 * job_step.c
 *	  The commands of a job, as rows of job_step: what osc_plan() shows, in the
 *	  order in which they run.
 *
 * A command and the row that says that it is done are one transaction, but
 * for top-level commands, which are marked before, so that a crash is
 * followed by their undo, and by another attempt.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/json.h"

#include "base/run.h"
#include "store/events.h"
#include "store/job_step.h"

static const char *const kind_names[] = {
	[OSC_STEP_SHORT] = "short",
	[OSC_STEP_SCAN] = "scan",
	[OSC_STEP_TOP] = "top",
	[OSC_STEP_FINAL] = "final",
};

static OscStepKind
kind_from_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(kind_names); i++)
		if (strcmp(kind_names[i], name) == 0)
			return (OscStepKind) i;
	elog(ERROR, "unknown kind of step \"%s\"", name);
}

/*
 * Store a command of a new job.
 */
void
osc_job_step_create(int64 job_id, OscJobStep *step)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, job_id);
	osc_arg_int4(&args, step->step_no);
	osc_arg_text(&args, kind_names[step->kind]);
	osc_arg_text(&args, osc_phase_name(step->phase));
	osc_arg_oid(&args, step->relid);
	osc_arg_text(&args, step->command);
	osc_arg_text(&args, step->undo);
	osc_sql("INSERT INTO online_schema.job_step"
			" (job_id, step_no, kind, phase, relation, command, undo)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7)", &args);
	osc_store_close(&store);
}

/*
 * The commands (OscJobStep *) of a job, in their order, in the memory context
 * of the store's caller.
 */
List *
osc_job_steps_load(OscStore *store, int64 job_id)
{
	OscArgs		args = {0};
	List	   *result = NIL;
	uint64		n;

	osc_arg_int8(&args, job_id);
	n = osc_sql("SELECT * FROM online_schema.job_step WHERE job_id = $1"
				" ORDER BY step_no", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscJobStep *step = MemoryContextAllocZero(store->caller, sizeof(OscJobStep));

		step->step_no = (int32) osc_col_int8(i, "step_no");
		step->kind = kind_from_name(osc_col_text(store, i, "kind"));
		step->phase = osc_phase_from_name(osc_col_text(store, i, "phase"));
		step->relid = osc_col_oid(i, "relation");
		step->command = osc_col_text(store, i, "command");
		step->undo = osc_col_text(store, i, "undo");
		step->begun = osc_col_bool(i, "begun");
		step->done = osc_col_bool(i, "done");
		result = osc_keep(store, result, step);
	}
	return result;
}

/*
 * Note how far a command has come: begun, done, or taken back.
 */
void
osc_job_step_set(OscJob *job, OscJobStep *step, bool begun, bool done)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	osc_arg_int4(&args, step->step_no);
	osc_arg_bool(&args, begun);
	osc_arg_bool(&args, done);
	if (osc_sql("UPDATE online_schema.job_step SET begun = $3, done = $4"
				" WHERE job_id = $1 AND step_no = $2", &args) != 1)
		elog(ERROR, "step %d of job " INT64_FORMAT " is gone", step->step_no, job->job_id);
	osc_store_close(&store);
	step->begun = begun;
	step->done = done;
}

/*
 * Write the event of a command of the step, or of its undo, that has been run.
 */
void
osc_event_command(OscJob *job, const OscJobStep *step, const char *command, TimestampTz start)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "{\"step\": %d, \"command\": ", step->step_no);
	escape_json(&detail, command);
	appendStringInfoChar(&detail, '}');
	osc_event(job, "command", osc_elapsed_ms(start), detail.data);
}

/*
 * The next command of this phase that is to be run on its own, NULL if there
 * is none.
 */
OscJobStep *
osc_job_next_step(const OscJob *job, OscPhase phase)
{
	ListCell   *lc;

	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);

		if (step->phase == phase && !step->done && step->kind != OSC_STEP_FINAL)
			return step;
	}
	return NULL;
}
