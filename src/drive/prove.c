/*-------------------------------------------------------------------------
 *
 * prove.c
 *	  The steps of the validation, and its results.
 *
 * The driver proves chunk by chunk and keeps its cursors with the member, so
 * that it goes on after a crash; osc_validate() proves everything at once and
 * leaves the driver's cursors alone.  Both add to the counts that osc_events
 * reports.
 *
 * Locks: those of a replay batch (mirror/validate.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/run.h"
#include "drive/prove.h"
#include "mirror/compare.h"
#include "mirror/validate.h"
#include "model/column.h"
#include "store/events.h"

/* the tables whose rows are compared */
static List *
members_to_prove(const OscJob *job)
{
	OscMember  *m = osc_column_member(job);

	return m ? list_make1(m) : job->members;
}

/* compare the next chunk: with a copy, or two columns of each row */
static void
prove_chunk(OscMember *m, bool everything, OscValidateResult *result)
{
	if (m->columns)
		osc_compare_chunk(m, everything, result);
	else
		osc_validate_chunk(m, everything, result);
}

/* add a chunk's result to the member, and store cursors and counts */
static void
store_validation(OscMember *m, const OscValidateResult *result)
{
	OscArgs		args = {0};

	m->rows_compared += result->compared;
	m->rows_not_compared += result->not_compared;
	m->rows_differing += result->differing;
	if (result->differing > 0)
		m->sample = result->sample;
	osc_arg_int8(&args, m->validate_source);
	osc_arg_int8(&args, m->validate_shadow);
	osc_arg_int8(&args, m->rows_compared);
	osc_arg_int8(&args, m->rows_not_compared);
	osc_arg_int8(&args, m->rows_differing);
	osc_arg_jsonb(&args, m->sample);
	osc_arg_int8(&args, result->not_compared);
	osc_member_update(m, "validate_source = $3, validate_shadow = $4,"
					  " rows_compared = $5, rows_not_compared = $6,"
					  " rows_differing = $7, sample = $8,"
					  " keys_replayed = keys_replayed + $9", &args);
}

static void
validation_event(OscJob *job, const OscMember *m, double ms)
{
	osc_event(job, "validate", ms,
			  psprintf("{\"rows_compared\": " INT64_FORMAT ", \"rows_not_compared\": " INT64_FORMAT
					   ", \"rows_differing\": " INT64_FORMAT ", \"sample\": %s}",
					   m->rows_compared, m->rows_not_compared, m->rows_differing,
					   m->sample ? m->sample : "[]"));
}

/*
 * Validate the next chunk of the job; true when all members are through.
 * *failure is set where rows differ.
 */
bool
osc_validate_some(OscJob *job, char **failure)
{
	ListCell   *lc;

	foreach(lc, members_to_prove(job))
	{
		OscMember  *m = lfirst(lc);
		OscValidateResult result;

		if (m->validate_source < 0 && m->validate_shadow < 0)
			continue;
		if (m->validate_source == 0 && m->validate_shadow == 0)
		{
			/* from the beginning: what osc_validate() found before is found again */
			m->rows_compared = m->rows_not_compared = m->rows_differing = 0;
			m->sample = NULL;
		}
		prove_chunk(m, false, &result);
		store_validation(m, &result);
		if (!result.complete)
			return false;
		validation_event(job, m, -1);
		if (m->rows_differing > 0)
		{
			*failure = psprintf("validation found " INT64_FORMAT
								" rows of table \"%s\" that differ from their %s",
								m->rows_differing, m->relname, m->columns ? "new column" : "copy");
			return false;
		}
	}
	return true;
}

/*
 * osc_validate(): everything, in this transaction.
 */
bool
osc_validate_all(OscJob *job)
{
	ListCell   *lc;
	bool		equal = true;

	foreach(lc, members_to_prove(job))
	{
		OscMember  *m = lfirst(lc);
		OscMember	whole = *m; /* the driver's cursors and counts stay as they are */
		OscValidateResult result;
		TimestampTz start = GetCurrentTimestamp();
		OscArgs		args = {0};

		whole.validate_source = whole.validate_shadow = 0;
		prove_chunk(&whole, true, &result);
		whole.rows_compared = result.compared;
		whole.rows_not_compared = result.not_compared;
		whole.rows_differing = result.differing;
		whole.sample = result.sample;
		validation_event(job, &whole, osc_elapsed_ms(start));
		osc_arg_int8(&args, result.differing);
		osc_arg_jsonb(&args, result.sample);
		osc_member_update(m, "rows_differing = $3, sample = $4", &args);
		equal = equal && result.differing == 0;
	}
	return equal;
}
