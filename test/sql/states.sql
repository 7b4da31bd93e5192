-- states.sql: what each function does in each state and phase of a job
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 4001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA states;
SET search_path = states, public;
SET online_schema.swap_timeout = '30s';
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 300) g;

-- Call a function, tell its result and the state and phase after it, and take
-- it back.
CREATE FUNCTION tried(job bigint, call text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	result text;
	now_at text;
BEGIN
	EXECUTE format('SELECT %s::text', format(call, job)) INTO result;
	SELECT state || ', ' || phase INTO now_at FROM osc_progress WHERE job_id = job;
	RAISE EXCEPTION USING ERRCODE = 'P0999',
		MESSAGE = format('%s; %s', coalesce(nullif(result, ''), CASE WHEN result IS NULL THEN 'NULL' ELSE 'nothing' END), now_at);
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'P0999' THEN SQLERRM ELSE SQLSTATE || ' ' || SQLERRM END;
END $$;
-- the hint of a refused call
CREATE FUNCTION hint(job bigint, call text) RETURNS text LANGUAGE sql AS $$
SELECT r.hint FROM osc_test.refusal('SELECT ' || format(call, job)) r
$$;
CREATE FUNCTION everything(job bigint) RETURNS TABLE (call text, result text)
	LANGUAGE sql AS $$
SELECT c, tried(job, c) FROM unnest(ARRAY['osc_step(%s)', 'osc_backfill_batch(%s)', 'osc_replay(%s)',
	'osc_validate(%s)', 'osc_swap(%s)', 'osc_pause(%s)', 'osc_resume(%s)',
	'osc_cleanup(%s)', 'osc_set(%s, ''workers'', ''2'')']) WITH ORDINALITY AS u(c, n) ORDER BY n
$$;

SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
SELECT * FROM everything(:job);
SELECT hint(:job, 'osc_swap(%s)'), hint(:job, 'osc_replay(%s)'), hint(:job, 'osc_cleanup(%s)');
SELECT osc_pause(:job);
SELECT * FROM everything(:job);
SELECT osc_resume(:job);

CALL osc_test.step_to(:job, 'preparing');
SELECT * FROM everything(:job);
SELECT osc_pause(:job);
SELECT * FROM everything(:job);
SELECT osc_resume(:job);

CALL osc_test.step_to(:job, 'backfilling');
SELECT * FROM everything(:job);
SELECT osc_pause(:job);
SELECT * FROM everything(:job);
SELECT hint(:job, 'osc_step(%s)');
-- a paused job copies for who asks it to, and stays paused
SELECT osc_backfill_batch(:job, 10) > 0 AS copied;
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT osc_resume(:job);

CALL osc_test.step_to(:job, 'indexing');
SELECT * FROM everything(:job);

CALL osc_test.step_to(:job, 'catching_up');
SELECT * FROM everything(:job);
SELECT osc_pause(:job);
SELECT * FROM everything(:job);
SELECT osc_resume(:job);

CALL osc_test.step_to(:job, 'validating');
SELECT * FROM everything(:job);

CALL osc_test.step_to(:job, 'ready');
SELECT * FROM everything(:job);
SELECT hint(:job, 'osc_cleanup(%s)');
-- osc_wait() and osc_run() come back from a job that is ready
SET client_min_messages = warning;
CALL osc_wait(:job);
CALL osc_run(:job);
RESET client_min_messages;
-- osc_step() keeps it caught up
UPDATE t SET v = 'new' WHERE id <= 3;
SELECT osc_step(:job);
SELECT osc_replay(:job);
SELECT osc_pause(:job);
SELECT * FROM everything(:job);
SELECT osc_resume(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;

CALL osc_test.swap(:job);
SELECT * FROM everything(:job) UNION ALL SELECT 'osc_cancel(%s)', tried(:job, 'osc_cancel(%s)');
SELECT hint(:job, 'osc_cancel(%s)'), hint(:job, 'osc_cleanup(%s)');
CALL osc_test.step_to(:job, 'done');
SELECT * FROM everything(:job) UNION ALL SELECT 'osc_cancel(%s)', tried(:job, 'osc_cancel(%s)');
SELECT hint(:job, 'osc_cancel(%s)');
CALL osc_run(:job);
SET client_min_messages = warning;
CALL osc_wait(:job);
RESET client_min_messages;
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;

-- a job that swaps by itself passes ready and swapping
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
SELECT * FROM everything(:job);
CALL osc_test.step_to(:job, 'swapping');
SELECT * FROM everything(:job);
SELECT osc_pause(:job);
SELECT * FROM everything(:job);
-- a job that is paused just before its swap can be cancelled
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT * FROM everything(:job) UNION ALL SELECT 'osc_cancel(%s)', tried(:job, 'osc_cancel(%s)');
\set VERBOSITY terse
CALL osc_run(:job);
SET client_min_messages = error;
CALL osc_wait(:job);
RESET client_min_messages;
\set VERBOSITY default
-- to cancel what is cancelled, or clean up what is clean, does nothing
SELECT osc_cancel(:job);
SELECT osc_cleanup(:job);
SELECT state FROM osc_progress WHERE job_id = :job;

-- failed: osc_run() raises the error, osc_wait() raises it again
INSERT INTO t VALUES (5000000000, 'large');
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT * FROM everything(:job) UNION ALL SELECT 'osc_cancel(%s)', tried(:job, 'osc_cancel(%s)');
SET client_min_messages = error;
CALL osc_wait(:job);
RESET client_min_messages;
DELETE FROM t WHERE id = 5000000000;

-- osc_run() for a given time, and for none; osc_wait() for a given time
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', run => 'manual') AS job \gset
CALL osc_run(:job, '0');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SET client_min_messages = error;
\set VERBOSITY terse
CALL osc_wait(:job, '0.01 s');
\set VERBOSITY default
RESET client_min_messages;
SELECT osc_pause(:job);
CALL osc_run(:job);
SELECT osc_resume(:job);
CALL osc_run(:job);
SELECT state, phase, progress_pct, waiting_for, last_error FROM osc_progress WHERE job_id = :job;

-- neither can run where it cannot commit
BEGIN;
CALL osc_run(:job);
ROLLBACK;
BEGIN;
CALL osc_wait(:job);
ROLLBACK;
SELECT message FROM osc_test.refusal('CALL osc_run(1)')
UNION ALL SELECT message FROM osc_test.refusal('CALL osc_wait(1)');
-- in a procedure they can
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
SELECT set_config('states.job', :'job', false) = :'job' AS told;
DO $$
BEGIN
	CALL osc_run(current_setting('states.job')::bigint);
END $$;
SELECT state, phase FROM osc_progress WHERE job_id = :job;

-- osc_cancel() in every phase and state up to the swap
CREATE PROCEDURE cancel_everywhere(INOUT result text DEFAULT '') LANGUAGE plpgsql AS $$
DECLARE
	job bigint := osc_start('ALTER TABLE t ALTER id TYPE int', run => 'manual');
	target text;
BEGIN
	COMMIT;
	FOREACH target IN ARRAY ARRAY['planned', 'preparing', 'backfilling', 'indexing', 'catching_up', 'validating', 'ready', 'swapping'] LOOP
		CALL osc_test.step_to(job, target);
		result := result || tried(job, 'osc_cancel(%s)');
		PERFORM osc_pause(job);
		result := result || ' | paused: ' || tried(job, 'osc_cancel(%s)') || E'\n';
		PERFORM osc_resume(job);
		COMMIT;
	END LOOP;
	CALL osc_run(job);
END $$;
CALL cancel_everywhere();
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;

-- no such job, no job at all
SELECT call, tried(999999999, call) FROM everything(999999999)
UNION ALL SELECT 'osc_cancel(%s)', tried(999999999, 'osc_cancel(%s)');
CALL osc_run(999999999);
CALL osc_wait(999999999);
SELECT osc_step(NULL) IS NULL AS step, osc_backfill_batch(NULL) IS NULL AS batch, osc_replay(NULL) IS NULL AS replay,
	osc_validate(NULL) IS NULL AS validate, osc_swap(NULL) IS NULL AS swap, osc_pause(NULL) IS NULL AS pause,
	osc_set(NULL, 'workers', '2') IS NULL AS set;
CALL osc_run(NULL);
CALL osc_wait(NULL);
SELECT osc_backfill_batch(:job, 0);
SELECT osc_backfill_batch(:job, -1);

-- the events tell every state and phase
SELECT event, detail FROM osc_events
WHERE job_id = :first_job AND event IN ('state', 'phase');

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA states CASCADE;
