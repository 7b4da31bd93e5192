/*-------------------------------------------------------------------------
 *
 * estimate.c
 *	  When a job will be done (osc_progress.eta).
 *
 * Each phase goes at a rate of its own.  The rate of the present phase is
 * measured: what this process saw done since it took the phase up, over the
 * time since then, so neither a pause nor a crash counts.  The phases to come
 * are estimated from the backfill, which has met the same table, disk and
 * load, by what a row of that width costs in each; without the pauses of
 * throttle_ratio where they make none.  The weights are relative costs as
 * measured by test/bench/eta.sh on narrow and wide rows with one to four
 * indexes; the speed of the machine is in the measured rate.
 *
 * Strategy column: filling a row in place costs many times what copying it
 * does, so what comes after the fill weighs little; its index builds and the
 * scans of its constraints are the commands of the plan.
 *
 * Catching up: what is known to be in the log, at what replay takes for a key.
 * What writers will add until then is not foreseen; if they outrun the replay
 * (converge.c), there is no estimate.
 *
 * Computed by the driver, after a while at most every second, and stored as the time at
 * which the job will be done.  Locks: the job's row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/run.h"
#include "base/settings.h"
#include "drive/converge.h"
#include "drive/estimate.h"
#include "model/column.h"
#include "store/job_step.h"

/* how often, ms: at first sooner, after so much of the time that the phase has taken */
#define ESTIMATE_EVERY_MS 1000
#define ESTIMATE_FIRST_MS 100
#define ESTIMATE_SHARE 0.2

/* costs in one unit, per row and per byte of it */
#define COPY_COST(width) (0.33 + 0.0041 * (width))
#define FREEZE_COST(width) (0.11 + 0.0002 * (width))
#define VALIDATE_COST(width) (0.42 + 0.0009 * (width))

/* in place: a row, its entry in each index, its comparison; the row for a command of the plan */
#define FILL_COST(width) (5 + 0.01 * (width))
#define FILL_INDEX_COST 2.5
#define COMPARE_COST(width) (0.3 + 0.0005 * (width))
#define COMMAND_COST 0.75

/* the same for a row in an index */
#define INDEX_ROW_COST 0.60		/* keys of fixed length */
#define INDEX_TEXT_COST 0.9		/* keys of variable length, and per byte of these */
#define INDEX_TEXT_BYTE_COST 0.035

#define INDEX_READ_COST(width) (0.0002 * (width))	/* to read the row for it */

/* sorting an index beyond maintenance_work_mem, which takes so much per row */
#define SORT_BYTES 32
#define SPILL_FACTOR 1.35

/* what does not depend on the size: analyze, swap, clean-up, s */
#define FIXED_S 0.4
#define FIXED_IN_PLACE_S 0.15

/* replay of a key, s, until there is a measurement */
#define KEY_S 0.00003

/* what the tables of a job and the progress on them come to */
typedef struct JobSize
{
	bool		in_place;		/* strategy column */
	double		blocks;			/* of the tables when the backfill began */
	double		blocks_left;
	double		rows_done;
	double		fixed_indexes;	/* indexes on columns of fixed length */
	double		text_indexes;
	double		text_width;		/* bytes of the keys of these, for one row */
	double		built_share;	/* of the indexes, by number */
	double		commands;		/* of the plan that read the table, while indexing */
	double		commands_done;
	double		validated;		/* share, 0 to 1 */
	double		backlog;
	double		keys_replayed;
} JobSize;

/* where this process began with the present phase */
static int64 base_job = 0;
static OscPhase base_phase;
static TimestampTz base_time;
static double base_done;
static TimestampTz estimated_at = 0;

/* seconds that the whole backfill takes, with its pauses, as last measured */
static double backfill_s = 0;

static double
col_double(uint64 row, const char *name)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
								  SPI_fnumber(SPI_tuptable->tupdesc, name), &isnull);

	return isnull ? 0 : DatumGetFloat8(d);
}

static void
look_at_size(const OscJob *job, JobSize *size)
{
	OscStore	store;
	OscArgs		args = {0};
	ListCell   *lc;

	size->in_place = osc_column_member(job) != NULL;
	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);

		if (step->phase != OSC_INDEXING ||
			(step->kind != OSC_STEP_TOP && step->kind != OSC_STEP_SCAN))
			continue;
		size->commands++;
		size->commands_done += step->done ? 1 : 0;
	}
	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	osc_sql("SELECT sum(m.blocks_total)::float8 AS blocks,"
			" (SELECT sum(end_block - next_block) FROM online_schema.job_range WHERE job_id = $1)::float8 AS blocks_left,"
			" (SELECT sum(rows_done) FROM online_schema.job_range WHERE job_id = $1)::float8 AS rows_done,"
			" sum(x.fixed)::float8 AS fixed, sum(x.text)::float8 AS text, sum(x.text_width)::float8 AS text_width,"
			" sum(cardinality(m.indexes_done))::float8 / greatest(sum(m.indexes_total), 1)::float8 AS built_share,"
			" avg((CASE WHEN m.validate_source < 0 THEN 1 ELSE m.validate_source / greatest(m.blocks_total, 1)::float8 END"
			"  + CASE WHEN m.validate_shadow < 0 THEN 1 ELSE m.validate_shadow / greatest(m.blocks_total, 1)::float8 END) / 2) AS validated,"
			" sum(m.backlog)::float8 AS backlog, sum(m.keys_replayed)::float8 AS keys_replayed"
			" FROM online_schema.job_member m, LATERAL ("
			"  SELECT count(*) FILTER (WHERE width IS NULL) AS fixed, count(width) AS text, sum(width) AS text_width"
			"  FROM (SELECT sum(coalesce(s.stawidth, 32)) FILTER (WHERE a.attlen < 0) AS width FROM pg_index i"
			"   JOIN pg_attribute a ON a.attrelid = i.indexrelid"
			"   LEFT JOIN pg_statistic s ON s.starelid = i.indrelid AND s.staattnum = i.indkey[a.attnum - 1] AND NOT s.stainherit"
			"   WHERE i.indrelid = m.relation GROUP BY i.indexrelid) k) x"
			" WHERE m.job_id = $1 AND (m.copied OR m.columns IS NOT NULL)", &args);
	size->blocks = col_double(0, "blocks");
	size->blocks_left = col_double(0, "blocks_left");
	size->rows_done = col_double(0, "rows_done");
	size->fixed_indexes = col_double(0, "fixed");
	size->text_indexes = col_double(0, "text");
	size->text_width = col_double(0, "text_width");
	size->built_share = col_double(0, "built_share");
	size->validated = Min(col_double(0, "validated"), 1);
	size->backlog = col_double(0, "backlog");
	size->keys_replayed = col_double(0, "keys_replayed");
	osc_store_close(&store);
}

/* how much of the present phase is done, 0 to 1 */
static double
share_done(const OscJob *job, const JobSize *size)
{
	switch (job->phase)
	{
		case OSC_BACKFILLING:
			return size->blocks > 0 ? 1 - size->blocks_left / size->blocks : 1;
		case OSC_INDEXING:
			if (size->in_place)
				return size->commands_done / Max(size->commands, 1);
			return size->built_share;
		case OSC_VALIDATING:
			return size->validated;
		default:
			return 0;
	}
}

/* seconds that the present phase will go on, by its rate; below 0: unknown */
static double
rest_of_phase(const OscJob *job, const JobSize *size)
{
	double		done = share_done(job, size);
	double		s;

	if (base_job != job->job_id || base_phase != job->phase)
	{
		base_job = job->job_id;
		base_phase = job->phase;
		base_time = GetCurrentTimestamp();
		base_done = done;
		return -1;
	}
	s = osc_elapsed_ms(base_time) / 1000;
	if (done - base_done < 0.01)
		return -1;
	if (job->phase == OSC_BACKFILLING)
		backfill_s = s / (done - base_done);
	return s * (1 - done) / (done - base_done);
}

/* bytes of the table per row */
static double
row_width(const JobSize *size)
{
	return (size->blocks - size->blocks_left) * BLCKSZ / Max(size->rows_done, 1);
}

/* cost of a row that is filled in place */
static double
fill_cost(const JobSize *size)
{
	return FILL_COST(row_width(size)) +
		(size->fixed_indexes + size->text_indexes) * FILL_INDEX_COST;
}

/* cost of a row in all indexes */
static double
index_cost(const JobSize *size)
{
	double		copied = size->blocks > 0 ? 1 - size->blocks_left / size->blocks : 1;
	double		rows = size->rows_done / Max(copied, 0.01);

	return (size->fixed_indexes * INDEX_ROW_COST + size->text_indexes * INDEX_TEXT_COST +
			size->text_width * INDEX_TEXT_BYTE_COST) *
		(rows * SORT_BYTES > maintenance_work_mem * 1024.0 ? SPILL_FACTOR : 1) +
		(size->fixed_indexes + size->text_indexes) * INDEX_READ_COST(row_width(size));
}

/* time of freezing and indexing as a multiple of the backfill's */
static double
indexing_weight(const JobSize *size)
{
	double		width = row_width(size);

	if (size->in_place)
		return size->commands * COMMAND_COST / fill_cost(size);
	return (FREEZE_COST(width) + index_cost(size)) / COPY_COST(width);
}

/* time of the validation as a multiple of the backfill's */
static double
validating_weight(const JobSize *size)
{
	double		width = row_width(size);

	if (size->in_place)
		return COMPARE_COST(width) / fill_cost(size);
	return VALIDATE_COST(width) / COPY_COST(width);
}

static double
after_backfill(OscPhase phase, const JobSize *size)
{
	double		work = backfill_s * (1 - osc_throttle_ratio);	/* without pauses */
	double		rest = (size->in_place ? FIXED_IN_PLACE_S : FIXED_S) + size->backlog * KEY_S / (1 - osc_throttle_ratio);

	if (phase < OSC_INDEXING)
		rest += work * indexing_weight(size);
	if (phase < OSC_VALIDATING && osc_verify)
		rest += backfill_s * validating_weight(size);
	return rest;
}

/* how long an estimate serves */
static double
pause_ms(void)
{
	return Min(Max(osc_elapsed_ms(base_time) * ESTIMATE_SHARE, ESTIMATE_FIRST_MS), ESTIMATE_EVERY_MS);
}

/*
 * Look where the job is, and store when it will be done.  The job's settings
 * are in force.
 */
void
osc_estimate(OscJob *job)
{
	JobSize		size = {0};
	double		rest;

	if (job->state != OSC_RUNNING ||
		(job->members == NIL && osc_column_member(job) == NULL) ||
		job->phase < OSC_BACKFILLING || job->phase > OSC_VALIDATING ||
		(base_job == job->job_id && base_phase == job->phase &&
		 osc_elapsed_ms(estimated_at) < pause_ms()))
		return;
	estimated_at = GetCurrentTimestamp();
	if (osc_falls_behind(job))
	{
		osc_job_set_eta(job, 0);
		return;
	}
	look_at_size(job, &size);
	rest = rest_of_phase(job, &size);
	if (rest < 0 && job->phase == OSC_INDEXING && backfill_s > 0)
	{
		/* nothing is built yet */
		rest = backfill_s * (1 - osc_throttle_ratio) * indexing_weight(&size) -
			osc_elapsed_ms(base_time) / 1000;
		rest = Max(rest, 0);
	}
	if (rest < 0 && job->phase == OSC_VALIDATING && backfill_s > 0)
		rest = backfill_s * validating_weight(&size);
	if (job->phase == OSC_CATCHING_UP)
		rest = 0;
	if (rest < 0)
		return;
	rest += after_backfill(job->phase, &size);
	osc_job_set_eta(job, GetCurrentTimestamp() + (TimestampTz) (rest * USECS_PER_SEC));
}
