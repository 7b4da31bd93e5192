-- background.sql: jobs that a worker drives, as far as their course does not
-- depend on time
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 17001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA background;
SET search_path = background, public;
SET online_schema.swap_timeout = '30s';
SET client_min_messages = warning;
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 500) n;

-- one statement, and the rest goes by itself
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state, phase, progress_pct, waiting_for, last_error FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;
SELECT event, detail FROM osc_events WHERE job_id = :job AND event IN ('state', 'phase');
-- it froze the copy before the rows came into service
SELECT count(*) FROM osc_events WHERE job_id = :job AND event = 'freeze' AND detail IS NULL;

-- nothing begins before the commit, nothing at all without one
BEGIN;
SELECT osc_start('ALTER TABLE t ALTER id TYPE int') AS job \gset
SELECT pg_sleep(0.1);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
ROLLBACK;
SELECT count(*) FROM osc_progress WHERE job_id = :job;
BEGIN;
CREATE TABLE new (id int PRIMARY KEY, v text);
INSERT INTO new VALUES (1, 'one');
SELECT osc_start('ALTER TABLE new ALTER id TYPE bigint') AS job \gset
INSERT INTO new VALUES (2, 'two');
COMMIT;
CALL osc_wait(:job, '300 s');
SELECT pg_typeof(id), count(*) FROM new GROUP BY 1;

-- while the worker has the job, the functions that work on it are refused;
-- what tells it what to do is not
BEGIN;
INSERT INTO t VALUES (1000, 'holds the table');
PREPARE TRANSACTION 'regress_osc_background';
SELECT osc_start('ALTER TABLE t ALTER id TYPE int') AS job \gset
CREATE PROCEDURE await(job bigint, what text) LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	WHILE NOT EXISTS (SELECT FROM osc_progress p WHERE p.job_id = job AND what IN (p.state, p.phase, p.waiting_for)) LOOP
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION 'the job does not come to %', what;
		END IF;
		PERFORM pg_sleep(0.01);
		COMMIT;
	END LOOP;
END $$;
CALL await(:job, 'lock on background.t, held by a prepared transaction');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT c, r.state, r.hint FROM unnest(ARRAY['osc_step(%s)', 'osc_backfill_batch(%s)', 'osc_replay(%s)', 'osc_validate(%s)', 'osc_swap(%s)',
	'osc_cleanup(%s)']) c, osc_test.refusal('SELECT ' || format(c, :job)) r;
\set VERBOSITY sqlstate
CALL osc_run(:job);
\set VERBOSITY default
SELECT osc_set(:job, 'lock_retry_max_delay', '20 ms');
SELECT osc_resume(:job);

-- paused, it gives the job away
SELECT osc_pause(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
ROLLBACK PREPARED 'regress_osc_background';
CREATE PROCEDURE batch(job bigint, INOUT rows_copied bigint DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	WHILE rows_copied IS NULL AND clock_timestamp() < until LOOP
		BEGIN
			rows_copied := nullif(osc_backfill_batch(job), 0);
		EXCEPTION WHEN object_in_use THEN
			PERFORM pg_sleep(0.01);
		END;
		COMMIT;
	END LOOP;
END $$;
CALL batch(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
UPDATE t SET v = 'while paused' WHERE id = 1;
SELECT osc_resume(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT v FROM t WHERE id = 1;

-- a manual swap of a job that a worker keeps caught up
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
UPDATE t SET v = 'while ready' WHERE id = 2;
BEGIN;
SELECT osc_swap(:job);
SELECT pg_typeof(id) FROM t LIMIT 1;
ROLLBACK;
SELECT pg_typeof(id) FROM t LIMIT 1;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), v FROM t WHERE id = 2;

-- cancelled, failed
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_cancel(:job);
\set VERBOSITY terse
SET client_min_messages = error;
CALL osc_wait(:job, '300 s');
INSERT INTO t VALUES (5000000000, 'large');
SELECT osc_start('ALTER TABLE t ALTER id TYPE int') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_start('ALTER TABLE t ADD n int NOT NULL', strategy => 'copy') AS job \gset
CALL osc_wait(:job, '300 s');
DELETE FROM t WHERE id = 5000000000;
\set VERBOSITY default

-- several at once, and several workers for one
CREATE TABLE many (id int PRIMARY KEY, v text) WITH (fillfactor = 10);
INSERT INTO many SELECT n, repeat('v', 50) FROM generate_series(1, 3000) n;
SET online_schema.workers = 3;
SELECT osc_start('ALTER TABLE many ALTER id TYPE bigint') AS job \gset
RESET online_schema.workers;
SELECT osc_start('ALTER TABLE t ALTER v TYPE varchar', strategy => 'copy') AS job2 \gset
SELECT osc_start('ALTER TABLE new ALTER v TYPE varchar', strategy => 'copy') AS job3 \gset
CALL osc_wait(:job, '300 s');
CALL osc_wait(:job2, '300 s');
CALL osc_wait(:job3, '300 s');
SELECT job_id, relation, state FROM osc_progress WHERE job_id IN (:job, :job2, :job3) ORDER BY 1;
SELECT count(*), sum(id), min(length(v)) FROM many;

SELECT * FROM osc_test.left_behind();
DROP SCHEMA background CASCADE;
