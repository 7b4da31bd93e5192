-- progress.sql: what osc_progress and osc_events show in the course of a job
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 18001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA progress;
SET search_path = progress, public;
SET online_schema.swap_timeout = '30s';
CREATE TABLE "a table" (id int PRIMARY KEY, v text) WITH (fillfactor = 10);
INSERT INTO "a table" SELECT n, 'v' || n FROM generate_series(1, 500) n;
CREATE INDEX ON "a table" (v);
ANALYZE "a table";
SET online_schema.batch_size = 50;
SELECT osc_start('ALTER TABLE "a table" ALTER id TYPE bigint', run => 'manual', swap => 'manual', strategy => 'copy') AS job \gset

CREATE VIEW now_at AS
	SELECT p.state, p.phase, p.progress_pct AS pct, p.progress_bar, p.rows_done AS rows, p.rows_total AS of,
		p.bytes_done > 0 AS bytes, p.bytes_total > 0 AS of_bytes, p.backlog IS NOT NULL AS backlog
	FROM osc_progress p WHERE p.relation ~ '^progress';
CREATE VIEW times AS
	SELECT started_at IS NOT NULL AS started, finished_at IS NOT NULL AS finished, updated_at >= coalesce(started_at, updated_at) AS updated,
		eta IS NULL OR (eta >= '0' AND state = 'running' AND phase IN ('backfilling', 'indexing', 'catching_up', 'validating')) AS eta, waiting_for, last_error
	FROM osc_progress p WHERE p.relation ~ '^progress';

SELECT job_id, relation, members, ddl, strategy, owner = current_user AS mine FROM osc_progress WHERE job_id = :job;
TABLE now_at;
TABLE times;
SELECT osc_step(:job);
TABLE now_at;
TABLE times;
CALL osc_test.step_to(:job, 'backfilling');
TABLE now_at;
SELECT n BETWEEN 50 AND 90 AS one_batch FROM osc_backfill_batch(:job) n;
SELECT state, phase, pct > 2 AND pct < 55 AS pct_grows, progress_bar ~ '^\[#+\.+\] +\d+\.\d %$' AS bar, rows BETWEEN 50 AND 90 AS rows, bytes FROM now_at;
TABLE times;
SELECT n BETWEEN 200 AND 260 AS larger_batch FROM osc_backfill_batch(:job, 200) n;
CALL osc_test.step_to(:job, 'indexing');
TABLE now_at;
-- one index after the other
SELECT osc_step(:job), osc_step(:job);
SELECT phase, pct FROM now_at;
SELECT osc_step(:job);
SELECT phase, pct FROM now_at;
CALL osc_test.step_to(:job, 'catching_up');
UPDATE "a table" SET v = 'x' WHERE id <= 100;
SELECT osc_validate(:job);
TABLE now_at;
CALL osc_test.step_to(:job, 'validating');
TABLE now_at;
CALL osc_test.step_to(:job, 'ready');
TABLE now_at;
CALL osc_test.swap(:job);
TABLE now_at;
CALL osc_test.step_to(:job, 'done');
TABLE now_at;
TABLE times;

-- the trail of it
SELECT event, phase, duration IS NOT NULL AS duration,
	CASE WHEN event IN ('state', 'phase', 'index', 'foreign_key') THEN detail
		ELSE detail - '{waited_ms,locked_ms,total_ms,committed,lock_timeout_ms,swap_timeout_ms}'::text[] END AS detail
FROM osc_events WHERE job_id = :job AND event NOT IN ('freeze', 'cleanup');
SELECT count(*) > 3 AS cleaned_up FROM osc_events WHERE job_id = :job AND event = 'cleanup';
SELECT bool_and(at BETWEEN (SELECT min(at) FROM osc_events WHERE job_id = :job) AND clock_timestamp()) AS in_time FROM osc_events WHERE job_id = :job;
SELECT detail ? 'waited_ms' AS waited, detail ? 'lock_timeout_ms' AS lock_timeout, detail ? 'swap_timeout_ms' AS swap_timeout
FROM osc_events WHERE job_id = :job AND event = 'lock' LIMIT 1;
SELECT (detail ->> 'locked_ms')::numeric BETWEEN 0 AND 10000 AS locked FROM osc_events WHERE job_id = :job AND event = 'swap' LIMIT 1;

-- the views cannot be written through
\set VERBOSITY sqlstate
DELETE FROM osc_progress WHERE job_id = :job;
UPDATE osc_events SET event = 'x' WHERE job_id = :job;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA progress CASCADE;
