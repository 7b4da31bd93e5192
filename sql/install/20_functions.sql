-- 20_functions.sql: what users call

CREATE FUNCTION @extschema@.osc_plan(ddl text, strategy text DEFAULT 'auto',
		backfill jsonb DEFAULT NULL)
	RETURNS TABLE (step int, phase text, strategy text, command text,
		lock_mode text, blocks text, cost text, note text)
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_plan';
COMMENT ON FUNCTION @extschema@.osc_plan(text, text, jsonb) IS
	'shows the steps that osc_start() would take for a statement and its backfill expressions, with the lock of each and whom it blocks; changes nothing; raises the errors of osc_start()';

CREATE FUNCTION @extschema@.osc_start(ddl text, strategy text DEFAULT 'auto',
		swap text DEFAULT 'auto', backfill jsonb DEFAULT NULL,
		run text DEFAULT 'background')
	RETURNS bigint
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_start';
COMMENT ON FUNCTION @extschema@.osc_start(text, text, text, jsonb, text) IS
	'starts a job for one ALTER TABLE and returns its id; work begins when the transaction commits; swap is auto or manual, run is background or manual; backfill is a JSON object of new or changed columns ("column", or "table.column" where several tables have it) and SQL expressions that give the values of existing rows, subqueries allowed; errors: 42P01, 42703, 42501, 0A000, 2BP01, 55006 for a table that another job has, 53100 without room for its copy; of backfill: 22023, 42601, 42702, 42703, 42804, 42803, 42P20, 428C9';

CREATE FUNCTION @extschema@.osc_step(job_id bigint) RETURNS text
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_step';
COMMENT ON FUNCTION @extschema@.osc_step(bigint) IS
	'does one step of a job in this transaction and returns the phase after it; never waits: the same phase again means that a lock or old transactions are in the way; errors: 55000 in a state without steps, 55006 while another session drives the job, 25001 above READ COMMITTED';

CREATE FUNCTION @extschema@.osc_backfill_batch(job_id bigint, batch_size int DEFAULT NULL)
	RETURNS bigint
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_backfill_batch';
COMMENT ON FUNCTION @extschema@.osc_backfill_batch(bigint, int) IS
	'copies one batch of about batch_size rows (NULL: as the job''s settings say) and returns the rows copied, 0 possible; NULL when the backfill is complete; does the steps before the backfill first; errors: as osc_step()';

CREATE FUNCTION @extschema@.osc_replay(job_id bigint) RETURNS bigint
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_replay';
COMMENT ON FUNCTION @extschema@.osc_replay(bigint) IS
	'replays one batch of changed keys and returns their number, 0 when none were left; from phase catching_up on; errors: as osc_step()';

CREATE FUNCTION @extschema@.osc_validate(job_id bigint) RETURNS boolean
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_validate';
COMMENT ON FUNCTION @extschema@.osc_validate(bigint) IS
	'compares the whole shadow with the source in this transaction, in both directions, and returns whether they are equal; counts and a sample of differing keys are in osc_events; from phase catching_up on; errors: as osc_step()';

CREATE FUNCTION @extschema@.osc_swap(job_id bigint) RETURNS boolean
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_swap';
COMMENT ON FUNCTION @extschema@.osc_swap(bigint) IS
	'makes one attempt to hand the new storage to the table, in this transaction; false: a lock was not to be had within online_schema.lock_timeout, or an old snapshot still needs the rows; only for a job at ready; errors: 55000 in another state or with a backlog above online_schema.swap_max_backlog, 25001 above READ COMMITTED';

CREATE FUNCTION @extschema@.osc_revert(job_id bigint) RETURNS boolean
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_revert';
COMMENT ON FUNCTION @extschema@.osc_revert(bigint) IS
	'makes one attempt to take back the swap of a job of strategy column that is kept, in this transaction: the old column is in service again, with all that was written since; false: a lock was not to be had within online_schema.lock_timeout; the job then removes the new column and ends as reverted; errors: 55000 in another state, or while rows have values that the old type cannot hold, a trigger may have made the columns differ, or a sequence is beyond the old type, XX001 where osc_validate() has found rows that differ, 2BP01 while something that was made since the swap depends on the new column, 0A000 where the change has no way back, 25001 above READ COMMITTED';

CREATE FUNCTION @extschema@.osc_pause(job_id bigint) RETURNS void
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_pause';
COMMENT ON FUNCTION @extschema@.osc_pause(bigint) IS
	'pauses a job after its present batch; writes go on being captured; error 55000 after the swap';

CREATE FUNCTION @extschema@.osc_resume(job_id bigint) RETURNS void
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_resume';
COMMENT ON FUNCTION @extschema@.osc_resume(bigint) IS
	'lets a paused job go on; does nothing to one that runs; error 55000 after the swap';

CREATE FUNCTION @extschema@.osc_cancel(job_id bigint) RETURNS void
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_cancel';
COMMENT ON FUNCTION @extschema@.osc_cancel(bigint) IS
	'ends a job and removes all that it made; the table stays as it was; capture stops at once; error 55000 after the swap';

CREATE FUNCTION @extschema@.osc_cleanup(job_id bigint) RETURNS void
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_cleanup';
COMMENT ON FUNCTION @extschema@.osc_cleanup(bigint) IS
	'ends the keeping of what a job''s swap replaced (state kept): a worker removes it; lets a job whose clean-up something of the users'' hinders (waiting_for) try again; does nothing to a job that has ended; error 55000 for a job that has not been swapped';

CREATE FUNCTION @extschema@.osc_set(job_id bigint, setting text, value text) RETURNS void
	STRICT LANGUAGE C AS 'MODULE_PATHNAME', 'osc_set';
COMMENT ON FUNCTION @extschema@.osc_set(bigint, text, text) IS
	'changes a setting of a job, named with or without online_schema.; in force from its next step (workers: when the backfill begins; keep_old: also while the job is kept); errors: 42704 for an unknown setting, 22023 for a value out of range, 55000 for a job that has ended';

CREATE PROCEDURE @extschema@.osc_wait(job_id bigint, timeout interval DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_wait';
COMMENT ON PROCEDURE @extschema@.osc_wait(bigint, interval) IS
	'waits until a job is done (or ready, if its swap is manual) and tells its progress in notices; each look is a transaction of its own; errors: 25001 inside a transaction block, the job''s error if it failed, 57014 if it was cancelled or the timeout is over';

CREATE PROCEDURE @extschema@.osc_run(job_id bigint, max_time interval DEFAULT NULL)
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_run';
COMMENT ON PROCEDURE @extschema@.osc_run(bigint, interval) IS
	'drives a job in this session, a transaction per step, until it ends, is ready for a manual swap, or max_time is over; errors: 25001 inside a transaction block, 55006 while another session drives the job (one that cleans up after a cancelled job is awaited), the job''s error if it fails';

CREATE FUNCTION @extschema@.osc_capture() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_capture';
COMMENT ON FUNCTION @extschema@.osc_capture() IS
	'trigger that notes changed keys; made by jobs alone, and refuses to work for any other trigger';

-- A trigger function is called by triggers only; nobody needs to make one by
-- hand.
REVOKE ALL ON FUNCTION @extschema@.osc_capture() FROM PUBLIC;

CREATE FUNCTION @extschema@.osc_mirror() RETURNS trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_mirror';
COMMENT ON FUNCTION @extschema@.osc_mirror() IS
	'trigger that keeps the old and the new column of a job of strategy column equal; made by jobs alone, and refuses to work for any other trigger';
REVOKE ALL ON FUNCTION @extschema@.osc_mirror() FROM PUBLIC;

-- In defaults while a column has two names: whoever may insert must be able to call it.
CREATE FUNCTION @extschema@.osc_default(value anyelement, relation oid, attnum int)
	RETURNS anyelement
	VOLATILE PARALLEL RESTRICTED LANGUAGE C AS 'MODULE_PATHNAME', 'osc_default';
COMMENT ON FUNCTION @extschema@.osc_default(anyelement, oid, int) IS
	'returns its first argument, and notes for the mirror trigger that a default was taken; part of the defaults of a column while it has two names';
GRANT EXECUTE ON FUNCTION @extschema@.osc_default(anyelement, oid, int) TO PUBLIC;
