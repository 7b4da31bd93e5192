/*-------------------------------------------------------------------------
 *
 * api.c
 *	  SQL entry points: arguments in, results out.  The work is in drive/.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "drive/await.h"
#include "drive/control.h"
#include "plan/plan.h"

PG_FUNCTION_INFO_V1(osc_plan);
PG_FUNCTION_INFO_V1(osc_start);
PG_FUNCTION_INFO_V1(osc_step);
PG_FUNCTION_INFO_V1(osc_backfill_batch);
PG_FUNCTION_INFO_V1(osc_replay);
PG_FUNCTION_INFO_V1(osc_validate);
PG_FUNCTION_INFO_V1(osc_swap);
PG_FUNCTION_INFO_V1(osc_revert);
PG_FUNCTION_INFO_V1(osc_pause);
PG_FUNCTION_INFO_V1(osc_resume);
PG_FUNCTION_INFO_V1(osc_cancel);
PG_FUNCTION_INFO_V1(osc_cleanup);
PG_FUNCTION_INFO_V1(osc_set);
PG_FUNCTION_INFO_V1(osc_wait);
PG_FUNCTION_INFO_V1(osc_run);

static char *
text_arg(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static void
put_plan_step(ReturnSetInfo *rsinfo, int n, const OscPlanStep *step)
{
	const char *texts[] = {osc_phase_name(step->phase), step->strategy, step->command, step->lock_mode,
	step->blocks, step->cost, step->note};
	Datum		values[8];
	bool		nulls[8] = {0};

	values[0] = Int32GetDatum(n);
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[i + 1] = texts[i] == NULL;
		values[i + 1] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
osc_plan(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	OscPlan    *plan = osc_make_plan(text_arg(fcinfo, 0, "ddl"),
									 text_arg(fcinfo, 1, "strategy"),
									 PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	ListCell   *lc;
	int			n = 0;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, plan->steps)
		put_plan_step(rsinfo, ++n, lfirst(lc));
	return (Datum) 0;
}

Datum
osc_start(PG_FUNCTION_ARGS)
{
	OscStartArgs args = {
		.ddl = text_arg(fcinfo, 0, "ddl"),
		.strategy = text_arg(fcinfo, 1, "strategy"),
		.swap = text_arg(fcinfo, 2, "swap"),
		.backfill = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3),
		.run = text_arg(fcinfo, 4, "run"),
	};

	PG_RETURN_INT64(osc_control_start(&args));
}

Datum
osc_step(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(osc_control_step(PG_GETARG_INT64(0))));
}

Datum
osc_backfill_batch(PG_FUNCTION_ARGS)
{
	int64		rows;
	bool		complete;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1) && PG_GETARG_INT32(1) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be at least 1", "batch_size")));
	rows = osc_control_backfill(PG_GETARG_INT64(0),
								PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1), &complete);
	if (complete)
		PG_RETURN_NULL();
	PG_RETURN_INT64(rows);
}

Datum
osc_replay(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(osc_control_replay(PG_GETARG_INT64(0)));
}

Datum
osc_validate(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(osc_control_validate(PG_GETARG_INT64(0)));
}

Datum
osc_swap(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(osc_control_swap(PG_GETARG_INT64(0)));
}

Datum
osc_revert(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(osc_control_revert(PG_GETARG_INT64(0)));
}

Datum
osc_pause(PG_FUNCTION_ARGS)
{
	osc_control_pause(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

Datum
osc_resume(PG_FUNCTION_ARGS)
{
	osc_control_resume(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

Datum
osc_cancel(PG_FUNCTION_ARGS)
{
	osc_control_cancel(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

Datum
osc_cleanup(PG_FUNCTION_ARGS)
{
	osc_control_cleanup(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

Datum
osc_set(PG_FUNCTION_ARGS)
{
	osc_control_set(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
					text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_VOID();
}

/* a procedure that commits needs a context in which that is possible */
static void
connect_nonatomic(FunctionCallInfo fcinfo, const char *name)
{
	CallContext *context = (CallContext *) fcinfo->context;

	if (context == NULL || !IsA(context, CallContext) || context->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot run inside a transaction block", name),
				 errhint("Call it on its own, after the transaction that called osc_start() has committed.")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", "job_id")));
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

/* an interval in ms; -1 for NULL */
static double
interval_ms(FunctionCallInfo fcinfo, int n)
{
	Interval   *i;

	if (PG_ARGISNULL(n))
		return -1;
	i = PG_GETARG_INTERVAL_P(n);
	return i->time / 1000.0 +
		((double) i->day + (double) i->month * DAYS_PER_MONTH) * SECS_PER_DAY * 1000.0;
}

Datum
osc_wait(PG_FUNCTION_ARGS)
{
	int64		job_id = PG_GETARG_INT64(0);
	double		ms = interval_ms(fcinfo, 1);

	connect_nonatomic(fcinfo, "osc_wait()");
	osc_control_wait(job_id, ms);
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
osc_run(PG_FUNCTION_ARGS)
{
	int64		job_id = PG_GETARG_INT64(0);
	double		ms = interval_ms(fcinfo, 1);

	connect_nonatomic(fcinfo, "osc_run()");
	osc_control_run(job_id, ms);
	SPI_finish();
	PG_RETURN_VOID();
}
