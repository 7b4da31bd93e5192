/*-------------------------------------------------------------------------
 *
 * job.c
 *	  The rows of jobs and members, and the one table of state transitions.
 *
 * A job moves phase in the transaction of the work that the phase stands for.
 * State and phase are separate columns, so that a pause or a cancel, which
 * comes from another session, never collides with the driver's own update of
 * the phase: each updates its own column of the newest row version.
 *
 * Locks: row locks on job and job_member, held to the end of the transaction.
 * The driver holds none across batches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "base/run.h"
#include "store/events.h"
#include "store/job.h"
#include "store/job_step.h"

static const char *const state_names[] = {
	[OSC_QUEUED] = "queued",
	[OSC_RUNNING] = "running",
	[OSC_PAUSED] = "paused",
	[OSC_READY] = "ready",
	[OSC_KEPT] = "kept",
	[OSC_CANCELLING] = "cancelling",
	[OSC_DONE] = "done",
	[OSC_FAILED] = "failed",
	[OSC_CANCELLED] = "cancelled",
	[OSC_REVERTED] = "reverted",
};

static const char *const phase_names[] = {
	[OSC_PLANNED] = "planned",
	[OSC_PREPARING] = "preparing",
	[OSC_BACKFILLING] = "backfilling",
	[OSC_INDEXING] = "indexing",
	[OSC_CATCHING_UP] = "catching_up",
	[OSC_VALIDATING] = "validating",
	[OSC_AT_READY] = "ready",
	[OSC_SWAPPING] = "swapping",
	[OSC_AT_KEPT] = "kept",
	[OSC_CLEANING] = "cleaning",
	[OSC_AT_DONE] = "done",
};

#define BIT(state) (1 << (state))

/* the table of transitions: the states that each state may go to */
static const int next_states[] = {
	[OSC_QUEUED] = BIT(OSC_RUNNING) | BIT(OSC_PAUSED) | BIT(OSC_CANCELLING),
	[OSC_RUNNING] = BIT(OSC_QUEUED) | BIT(OSC_PAUSED) | BIT(OSC_READY) |
	BIT(OSC_KEPT) | BIT(OSC_CANCELLING) | BIT(OSC_DONE) | BIT(OSC_REVERTED),
	[OSC_PAUSED] = BIT(OSC_RUNNING) | BIT(OSC_CANCELLING),
	[OSC_READY] = BIT(OSC_RUNNING) | BIT(OSC_PAUSED) | BIT(OSC_CANCELLING) |
	BIT(OSC_DONE),
	[OSC_KEPT] = BIT(OSC_RUNNING) | BIT(OSC_DONE),
	[OSC_CANCELLING] = BIT(OSC_CANCELLED) | BIT(OSC_FAILED),
	[OSC_DONE] = 0,
	[OSC_FAILED] = 0,
	[OSC_CANCELLED] = 0,
	[OSC_REVERTED] = 0,
};

const char *
osc_state_name(OscState state)
{
	return state_names[state];
}

const char *
osc_phase_name(OscPhase phase)
{
	return phase_names[phase];
}

bool
osc_state_is_final(OscState state)
{
	return next_states[state] == 0;
}

static int
name_index(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	elog(ERROR, "unknown state or phase \"%s\"", name);
}

#define state_from_name(s) \
	((OscState) name_index(s, state_names, lengthof(state_names)))

OscPhase
osc_phase_from_name(const char *name)
{
	return (OscPhase) name_index(name, phase_names, lengthof(phase_names));
}

/*
 * Store a new job in state queued and return its id.  Fills in job_id.
 */
int64
osc_job_create(OscJob *job, const char *settings, const char *session_settings)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_text(&args, job->ddl);
	osc_arg_text(&args, job->strategy);
	osc_arg_text(&args, job->manual_swap ? "manual" : "auto");
	osc_arg_text(&args, job->manual_run ? "manual" : "background");
	osc_arg_oid(&args, job->owner);
	osc_arg_jsonb(&args, settings);
	osc_arg_jsonb(&args, session_settings);
	osc_arg_int8(&args, (int64) GetSystemIdentifier());
	osc_arg_oid(&args, MyDatabaseId);
	osc_arg_datum(&args, JSONBOID, JsonbPGetDatum(job->backfill), job->backfill == NULL);
	osc_sql("INSERT INTO online_schema.job (ddl, strategy, swap, run, owner, settings,"
			" session_settings, system_identifier, database_id, backfill, state, phase)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', 'planned')"
			" RETURNING job_id", &args);
	job->job_id = osc_col_int8(0, "job_id");
	job->state = OSC_QUEUED;
	job->phase = OSC_PLANNED;
	osc_store_close(&store);
	osc_event(job, "state", -1, "{\"to\": \"queued\"}");
	return job->job_id;
}

static FullTransactionId
col_xid8(uint64 row, const char *name)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
								  SPI_fnumber(SPI_tuptable->tupdesc, name), &isnull);

	return isnull ? InvalidFullTransactionId : DatumGetFullTransactionId(d);
}

static TimestampTz
col_time(uint64 row, const char *name)
{
	bool		isnull;
	Datum		d = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
								  SPI_fnumber(SPI_tuptable->tupdesc, name), &isnull);

	return isnull ? 0 : DatumGetTimestampTz(d);
}

static List *
text_array_to_list(Datum array)
{
	Datum	   *elems;
	int			n;
	List	   *result = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elems, NULL, &n);
	for (int i = 0; i < n; i++)
		result = lappend(result, TextDatumGetCString(elems[i]));
	return result;
}

/* read row i of the result of a SELECT on job_member */
static OscMember *
member_from_row(OscStore *store, uint64 i)
{
	OscMember  *m = MemoryContextAllocZero(store->caller, sizeof(OscMember));
	bool		isnull;
	Datum		d;
	MemoryContext old;

	m->job_id = osc_col_int8(i, "job_id");
	m->member = (int32) osc_col_int8(i, "member");
	m->relid = osc_col_oid(i, "relation");
	m->nspname = osc_col_text(store, i, "nspname");
	m->relname = osc_col_text(store, i, "relname");
	m->helper_schema = osc_col_text(store, i, "helper_schema");
	m->copied = osc_col_bool(i, "copied");
	m->reached = osc_col_bool(i, "reached");
	m->generation = (int32) osc_col_int8(i, "generation");
	m->shadow = osc_col_oid(i, "shadow");
	m->twin = osc_col_oid(i, "twin");
	m->canary = osc_col_oid(i, "canary");
	m->dry_run_done = osc_col_bool(i, "dry_run_done");
	m->fence = col_xid8(i, "fence");
	m->fence_passed = osc_col_bool(i, "fence_passed");
	m->capture_state = osc_col_text(store, i, "capture_state");
	m->source_storage = osc_col_int8(i, "source_storage");
	m->places = osc_col_oid(i, "places");
	m->shadow_storage = osc_col_int8(i, "shadow_storage");
	m->fingerprint = osc_col_text(store, i, "fingerprint");
	m->mapping = osc_col_text(store, i, "mapping");
	m->frozen = osc_col_bool(i, "frozen");
	m->analyzed = osc_col_bool(i, "analyzed");
	m->horizon = col_xid8(i, "horizon");
	m->blocks_total = osc_col_int8(i, "blocks_total");
	m->rows_total = osc_col_int8(i, "rows_total");
	m->bytes_total = osc_col_int8(i, "bytes_total");
	m->backlog = osc_col_int8(i, "backlog");
	m->keys_replayed = osc_col_int8(i, "keys_replayed");
	m->validate_source = osc_col_int8(i, "validate_source");
	m->validate_shadow = osc_col_int8(i, "validate_shadow");
	m->rows_compared = osc_col_int8(i, "rows_compared");
	m->rows_not_compared = osc_col_int8(i, "rows_not_compared");
	m->rows_differing = osc_col_int8(i, "rows_differing");
	m->sample = osc_col_text(store, i, "sample");
	m->foreign_keys = osc_col_text(store, i, "foreign_keys");
	m->columns = osc_col_text(store, i, "columns");
	m->vacuumed_blocks = osc_col_int8(i, "vacuumed_blocks");
	d = osc_col_datum(store, i, "indexes_done", &isnull);
	old = MemoryContextSwitchTo(store->caller);
	m->indexes_done = isnull ? NIL : text_array_to_list(d);
	MemoryContextSwitchTo(old);
	return m;
}

/*
 * Load a job with its members into the current memory context.  for_update
 * locks the job's row to the end of the transaction.  Raises an error if
 * there is no such job.
 */
OscJob *
osc_job_load(int64 job_id, bool for_update)
{
	OscStore	store;
	OscArgs		args = {0};
	OscJob	   *job = palloc0(sizeof(OscJob));
	bool		isnull;
	Datum		d;
	uint64		n;

	osc_store_open(&store);
	osc_arg_int8(&args, job_id);
	if (osc_sql(for_update ?
				"SELECT * FROM online_schema.job WHERE job_id = $1 FOR NO KEY UPDATE" :
				"SELECT * FROM online_schema.job WHERE job_id = $1", &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("job " INT64_FORMAT " does not exist", job_id),
				 errhint("See the jobs that there are in osc_progress.")));
	job->job_id = job_id;
	job->owner = osc_col_oid(0, "owner");
	job->ddl = osc_col_text(&store, 0, "ddl");
	job->strategy = osc_col_text(&store, 0, "strategy");
	job->manual_swap = strcmp(osc_col_text(&store, 0, "swap"), "manual") == 0;
	job->manual_run = strcmp(osc_col_text(&store, 0, "run"), "manual") == 0;
	job->state = state_from_name(osc_col_text(&store, 0, "state"));
	job->phase = osc_phase_from_name(osc_col_text(&store, 0, "phase"));
	job->final_state = state_from_name(osc_col_text(&store, 0, "final_state"));
	d = osc_col_datum(&store, 0, "settings", &isnull);
	job->settings = isnull ? NULL : DatumGetJsonbP(d);
	d = osc_col_datum(&store, 0, "session_settings", &isnull);
	job->session_settings = isnull ? NULL : DatumGetJsonbP(d);
	d = osc_col_datum(&store, 0, "backfill", &isnull);
	job->backfill = isnull ? NULL : DatumGetJsonbP(d);
	job->system_identifier = osc_col_int8(0, "system_identifier");
	job->database_id = osc_col_oid(0, "database_id");
	job->attempts = (int32) osc_col_int8(0, "attempts");
	job->next_try_at = col_time(0, "next_try_at");
	job->blocked_since = col_time(0, "blocked_since");
	job->obstructed = osc_col_bool(0, "obstructed");
	job->kept_until = col_time(0, "kept_until");
	job->swap_since = col_time(0, "swap_since");
	job->waiting_for = osc_col_text(&store, 0, "waiting_for");
	job->last_error = osc_col_text(&store, 0, "last_error");

	n = osc_sql("SELECT * FROM online_schema.job_member WHERE job_id = $1 ORDER BY member", &args);
	for (uint64 i = 0; i < n; i++)
	{
		OscMember  *m = member_from_row(&store, i);

		if (m->copied)
			job->members = osc_keep(&store, job->members, m);
		else
			job->others = osc_keep(&store, job->others, m);
	}
	job->steps = osc_job_steps_load(&store, job_id);
	osc_store_close(&store);
	return job;
}

/* run one UPDATE of the job's row; $1 is its id */
static void
update_job(OscJob *job, const char *assignments, OscArgs *args)
{
	OscStore	store;
	OscArgs		all = {0};
	char	   *sql;

	osc_store_open(&store);
	osc_arg_int8(&all, job->job_id);
	for (int i = 0; args && i < args->n; i++)
		osc_arg_datum(&all, args->types[i], args->values[i], args->nulls[i] == 'n');
	sql = psprintf("UPDATE online_schema.job SET %s, updated_at = clock_timestamp()"
				   " WHERE job_id = $1", assignments);
	if (osc_sql(sql, &all) != 1)
		elog(ERROR, "job " INT64_FORMAT " is gone", job->job_id);
	osc_store_close(&store);
}

/*
 * Read the job's state again: another session may have paused or cancelled
 * it.
 */
void
osc_job_reload_state(OscJob *job)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	if (osc_sql("SELECT state FROM online_schema.job WHERE job_id = $1"
				" FOR NO KEY UPDATE", &args) == 1)
		job->state = state_from_name(osc_col_text(&store, 0, "state"));
	osc_store_close(&store);
}

/*
 * The only function that changes a state.  Checks the transition against the
 * table above, with the row locked, so that of two sessions that decide at
 * once the second sees what the first did.
 */
void
osc_job_set_state(OscJob *job, OscState to)
{
	OscArgs		args = {0};

	osc_job_reload_state(job);
	if (job->state == to)
		return;
	if ((next_states[job->state] & BIT(to)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job " INT64_FORMAT " is %s and cannot become %s",
						job->job_id, osc_state_name(job->state),
						osc_state_name(to))));
	osc_arg_text(&args, osc_state_name(to));
	update_job(job,
			   osc_state_is_final(to) ?
			   "state = $2, finished_at = clock_timestamp(), waiting_for = NULL" :
			   to == OSC_RUNNING ?
			   "state = $2, started_at = coalesce(started_at, clock_timestamp())" :
			   "state = $2", &args);
	osc_event(job, "state", -1,
			  psprintf("{\"from\": \"%s\", \"to\": \"%s\"}",
					   osc_state_name(job->state), osc_state_name(to)));
	job->state = to;
	if (osc_state_is_final(to))
		osc_members_deactivate(job->job_id);
}

/*
 * The driver's way to change the state: only if nobody else has changed it
 * since the job was loaded.  False, with the new state in *job, if somebody
 * has: a pause or a cancel goes before what the driver had in mind.
 */
bool
osc_job_move_state(OscJob *job, OscState to)
{
	OscState	known = job->state;

	osc_job_reload_state(job);
	if (job->state != known)
		return false;
	osc_job_set_state(job, to);
	return true;
}

/*
 * Move the job on to another phase, in the transaction of the work that the
 * former one stood for.
 */
void
osc_job_set_phase(OscJob *job, OscPhase to)
{
	OscArgs		args = {0};

	if (job->phase == to)
		return;
	osc_arg_text(&args, osc_phase_name(to));
	update_job(job, "phase = $2, phase_since = clock_timestamp(),"
			   " attempts = 0, next_try_at = NULL, blocked_since = NULL, waiting_for = NULL", &args);
	osc_event(job, "phase", -1,
			  psprintf("{\"from\": \"%s\", \"to\": \"%s\"}",
					   osc_phase_name(job->phase), osc_phase_name(to)));
	job->phase = to;
	job->waiting_for = NULL;
	job->blocked_since = 0;
}

/*
 * Say what holds the job up; NULL when nothing does.
 */
void
osc_job_set_waiting(OscJob *job, const char *waiting_for)
{
	OscArgs		args = {0};

	if ((waiting_for == NULL && job->waiting_for == NULL) ||
		(waiting_for && job->waiting_for &&
		 strcmp(waiting_for, job->waiting_for) == 0))
		return;
	osc_arg_text(&args, waiting_for);
	update_job(job, "waiting_for = $2", &args);
	job->waiting_for = waiting_for ? pstrdup(waiting_for) : NULL;
}

/*
 * Note the outcome of an attempt to get the locks of a step: after a failed
 * one the next comes delay_ms later.
 */
void
osc_job_note_attempt(OscJob *job, bool granted, double delay_ms)
{
	OscArgs		args = {0};

	if (granted && job->attempts == 0 && job->blocked_since == 0)
		return;
	if (granted)
		job->blocked_since = 0;
	job->attempts = granted ? 0 : job->attempts + 1;
	job->obstructed = false;
	job->next_try_at = granted ? 0 :
		GetCurrentTimestamp() + (TimestampTz) (delay_ms * 1000);
	osc_arg_int4(&args, job->attempts);
	osc_arg_datum(&args, TIMESTAMPTZOID,
				  TimestampTzGetDatum(job->next_try_at), granted);
	update_job(job, granted ? "attempts = $2, next_try_at = $3, obstructed = false, blocked_since = NULL" :
			   "attempts = $2, next_try_at = $3, obstructed = false", &args);
}

/*
 * Clean-up has met something that only people can take away: nobody drives the
 * job for delay_ms.
 */
void
osc_job_note_obstructed(OscJob *job, double delay_ms)
{
	osc_job_note_attempt(job, false, delay_ms);
	update_job(job, "obstructed = true", NULL);
	job->obstructed = true;
}

/*
 * Somebody keeps the job from the locks of its step: start the clock of
 * online_schema.blocker_patience, or start it anew.
 */
void
osc_job_note_blocked(OscJob *job)
{
	job->blocked_since = GetCurrentTimestamp();
	update_job(job, "blocked_since = clock_timestamp()", NULL);
}

/*
 * Store when the job will be done, as far as one can tell; 0: nobody can.
 */
void
osc_job_set_eta(OscJob *job, TimestampTz eta)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, job->job_id);
	osc_arg_datum(&args, TIMESTAMPTZOID, TimestampTzGetDatum(eta), eta == 0);
	/* not a change of the job: updated_at stays */
	osc_sql("UPDATE online_schema.job SET eta_at = $2 WHERE job_id = $1", &args);
	osc_store_close(&store);
}

/*
 * Keep what the swap replaced until then; 0: until osc_cleanup().
 */
void
osc_job_keep_until(OscJob *job, TimestampTz until)
{
	OscArgs		args = {0};

	osc_arg_datum(&args, TIMESTAMPTZOID, TimestampTzGetDatum(until), until == 0);
	update_job(job, "kept_until = $2", &args);
	job->kept_until = until;
}

/*
 * Start the clock of online_schema.swap_give_up at the first attempt to swap,
 * or stop it.
 */
void
osc_job_restart_swap_clock(OscJob *job, bool running)
{
	if (running == (job->swap_since != 0))
		return;
	job->swap_since = running ? GetCurrentTimestamp() : 0;
	update_job(job, running ? "swap_since = clock_timestamp()" :
			   "swap_since = NULL", NULL);
}

/*
 * Remember the error that ended the job, and the state it goes to once its
 * helper objects are gone.
 */
void
osc_job_record_error(OscJob *job, const char *message, const char *sqlstate,
					 OscState final_state)
{
	OscArgs		args = {0};

	osc_arg_text(&args, message);
	osc_arg_text(&args, sqlstate);
	osc_arg_text(&args, osc_state_name(final_state));
	update_job(job, "last_error = $2, last_error_code = $3, final_state = $4",
			   &args);
	job->final_state = final_state;
	job->last_error = message ? pstrdup(message) : NULL;
}

/*
 * Change one of the job's settings; the next step works under it.
 */
void
osc_job_set_setting(OscJob *job, const char *name, const char *value)
{
	OscArgs		args = {0};

	osc_arg_text(&args, name);
	osc_arg_text(&args, value);
	update_job(job, "settings = settings || jsonb_build_object($2, $3)", &args);
}

/*
 * Is there a job that has not come to an end?
 */
bool
osc_any_unfinished_job(void)
{
	OscStore	store;
	bool		result;

	osc_store_open(&store);
	result = osc_sql("SELECT 1 FROM online_schema.job WHERE state NOT IN"
					 " ('done', 'failed', 'cancelled', 'reverted') LIMIT 1", NULL) > 0;
	osc_store_close(&store);
	return result;
}

/*
 * Store a new member.  Raises object_in_use if another job has the relation:
 * the unique index on active members decides between two sessions that start
 * at once.
 */
void
osc_member_create(OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};
	int64		other;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_arg_oid(&args, m->relid);
	osc_arg_text(&args, m->nspname);
	osc_arg_text(&args, m->relname);
	osc_arg_text(&args, m->helper_schema);
	osc_arg_bool(&args, m->copied);
	osc_arg_bool(&args, m->reached);
	if (osc_sql("INSERT INTO online_schema.job_member"
				" (job_id, member, relation, nspname, relname, helper_schema, copied, reached)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
				" ON CONFLICT (relation) WHERE active DO NOTHING", &args) == 1)
	{
		osc_store_close(&store);
		return;
	}
	osc_store_close(&store);
	other = osc_member_of_relation(m->relid);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("table \"%s\" is being changed by another job", m->relname),
			 other ? errdetail("Job " INT64_FORMAT " has the table.", other) : 0,
			 errhint("Wait for that job with osc_wait(), or cancel it with osc_cancel().")));
}

/*
 * Forget a member of which nothing is left.
 */
void
osc_member_drop(OscMember *m)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	osc_sql("DELETE FROM online_schema.job_member WHERE job_id = $1 AND member = $2", &args);
	osc_store_close(&store);
}

/*
 * Update columns of a member's row.  assignments uses $3 and up for args.
 */
void
osc_member_update(OscMember *m, const char *assignments, OscArgs *args)
{
	OscStore	store;
	OscArgs		all = {0};

	osc_store_open(&store);
	osc_arg_int8(&all, m->job_id);
	osc_arg_int4(&all, m->member);
	for (int i = 0; args && i < args->n; i++)
		osc_arg_datum(&all, args->types[i], args->values[i], args->nulls[i] == 'n');
	if (osc_sql(psprintf("UPDATE online_schema.job_member SET %s"
						 " WHERE job_id = $1 AND member = $2", assignments),
				&all) != 1)
		elog(ERROR, "member %d of job " INT64_FORMAT " is gone", m->member, m->job_id);
	osc_store_close(&store);
}

/*
 * Lock the member's row, shared for a batch, exclusively for what ends all
 * batches, and return its generation as it is then.
 */
int32
osc_member_lock_generation(OscMember *m, bool exclusive)
{
	OscStore	store;
	OscArgs		args = {0};
	int32		generation;

	osc_store_open(&store);
	osc_arg_int8(&args, m->job_id);
	osc_arg_int4(&args, m->member);
	if (osc_sql(exclusive ?
				"SELECT generation FROM online_schema.job_member"
				" WHERE job_id = $1 AND member = $2 FOR UPDATE" :
				"SELECT generation FROM online_schema.job_member"
				" WHERE job_id = $1 AND member = $2 FOR SHARE", &args) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("table \"%s\" has left job " INT64_FORMAT, m->relname, m->job_id)));
	generation = (int32) osc_col_int8(0, "generation");
	osc_store_close(&store);
	return generation;
}

/*
 * Id of the unfinished job that has this relation, 0 if there is none.
 */
int64
osc_member_of_relation(Oid relid)
{
	OscStore	store;
	OscArgs		args = {0};
	int64		job_id = 0;

	osc_store_open(&store);
	osc_arg_oid(&args, relid);
	if (osc_sql("SELECT job_id FROM online_schema.job_member"
				" WHERE relation = $1 AND active", &args) > 0)
		job_id = osc_col_int8(0, "job_id");
	osc_store_close(&store);
	return job_id;
}

/*
 * Give the job's relations free for another job.
 */
void
osc_members_deactivate(int64 job_id)
{
	OscStore	store;
	OscArgs		args = {0};

	osc_store_open(&store);
	osc_arg_int8(&args, job_id);
	osc_sql("UPDATE online_schema.job_member SET active = false"
			" WHERE job_id = $1 AND active", &args);
	osc_store_close(&store);
}
