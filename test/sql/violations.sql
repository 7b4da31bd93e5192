-- violations.sql: rows that do not fit: the job fails with native's error and
-- the key of the row, and the table is exactly as it was
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 9001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA violations;
SET search_path = violations, public;
SET online_schema.swap_timeout = '30s';
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TABLE t (id int, part text, a text, b int, c numeric, d text, r int4range, PRIMARY KEY (id, part));
CREATE INDEX t_a ON t (a);
CREATE VIEW t_view AS SELECT id, part FROM t;
INSERT INTO t SELECT n, 'p' || n % 2, n, n % 9, n, n, int4range(2 * n, 2 * n + 2) FROM generate_series(1, 20) n;
UPDATE t SET d = NULL WHERE id = 13;
UPDATE t SET d = '5', r = '[10,12)' WHERE id = 6;
UPDATE t SET a = 'twelve', b = -12, c = 1e20 WHERE id = 12;
CREATE TABLE before AS TABLE t;
CREATE TABLE definition_before AS SELECT osc_test.definition('t') AS line;
SELECT pg_relation_filenode('t') AS file_before \gset

-- is it as it was?
CREATE FUNCTION changes() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT 'definition' FROM (
		(SELECT osc_test.definition('t') EXCEPT ALL TABLE definition_before) UNION ALL
		(TABLE definition_before EXCEPT ALL SELECT osc_test.definition('t'))) x;
	RETURN QUERY SELECT 'rows' FROM (
		(TABLE t EXCEPT ALL TABLE before) UNION ALL (TABLE before EXCEPT ALL TABLE t)) x;
END $$;

-- a value that the new type does not take
SELECT osc_start('ALTER TABLE t ALTER a TYPE int USING a::int', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT phase, detail FROM osc_events WHERE job_id = :job AND event = 'error';
SELECT * FROM changes();
SELECT * FROM osc_test.left_behind();
SELECT pg_relation_filenode('t') = :file_before AS same_file;
ALTER TABLE t ALTER a TYPE int USING a::int;

\set VERBOSITY terse
-- too large, too long, against a domain
SELECT osc_start('ALTER TABLE t ALTER c TYPE int', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ALTER c TYPE numeric(8,2)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ALTER a TYPE varchar(5)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ALTER b TYPE positive', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ADD e positive DEFAULT 0', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ALTER c TYPE float4 USING c / b', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);

-- a NULL where none may be
SELECT osc_start('ALTER TABLE t ALTER d SET NOT NULL', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ALTER b TYPE bigint, ALTER d TYPE int USING d::int, ALTER d SET NOT NULL', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ADD e int NOT NULL', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ADD e int GENERATED ALWAYS AS (length(d)) STORED NOT NULL', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ADD PRIMARY KEY (d), DROP CONSTRAINT t_pkey', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);

-- a new CHECK
SELECT osc_start('ALTER TABLE t ADD CONSTRAINT b_positive CHECK (b >= 0)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ADD e int DEFAULT 5 CHECK (e < b)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);

-- UNIQUE, EXCLUDE
SELECT osc_start('ALTER TABLE t ADD UNIQUE (d)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE t ADD e int GENERATED ALWAYS AS (CASE id WHEN 8 THEN 7 ELSE id END) STORED UNIQUE', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
CREATE UNIQUE INDEX t_c ON t (c);
SELECT osc_start('ALTER TABLE t ALTER c TYPE numeric USING CASE id WHEN 8 THEN 7 ELSE c END', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
DROP INDEX t_c;
-- a generated column that is not computable
SELECT osc_start('ALTER TABLE t ADD e numeric GENERATED ALWAYS AS (1 / b) STORED', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);

SELECT * FROM changes();
SELECT * FROM osc_test.left_behind();
SELECT state, count(*) FROM osc_progress WHERE job_id BETWEEN :first_job AND :first_job + 999 GROUP BY 1;
SELECT pg_relation_filenode('t') = :file_before AS same_file;
\set VERBOSITY default

-- by hand the function raises the error, and the job is where it was: the row
-- can be put right
UPDATE t SET a = 12 WHERE id = 12;
UPDATE t SET a = 'fifteen' WHERE id = 15;
SELECT osc_start('ALTER TABLE t ALTER a TYPE int USING a::int', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'backfilling');
SELECT osc_step(:job);
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_backfill_batch(:job);
UPDATE t SET a = 15 WHERE id = 15;
SELECT osc_backfill_batch(:job) >= 18 AS copied;
CALL osc_test.step_to(:job, 'catching_up');

-- a value that comes later and does not fit
UPDATE t SET a = 'three' WHERE id = 3;
INSERT INTO t VALUES (21, 'p1', 'x', 1);
SELECT osc_replay(:job);
SELECT osc_validate(:job);
SELECT osc_step(:job);
UPDATE t SET a = 3 WHERE id = 3;
DELETE FROM t WHERE id = 21;
SELECT osc_replay(:job);
SELECT osc_validate(:job);
-- osc_run() lets the job fail
UPDATE t SET a = 'four' WHERE id = 4;
CALL osc_run(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
UPDATE t SET a = 4 WHERE id = 4;
SELECT * FROM osc_test.left_behind();

-- a duplicate that comes while UNIQUE is being added: the write stands, the job
-- fails, no row is lost
UPDATE t SET b = id;
SELECT osc_start('ALTER TABLE t ADD CONSTRAINT b_unique UNIQUE (b)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE t SET b = 5 WHERE id = 6;
SELECT osc_replay(:job);
CALL osc_run(:job);
SELECT count(*), count(DISTINCT b) FROM t;
UPDATE t SET b = 6 WHERE id = 6;
-- the same at the moment of the swap
SELECT osc_start('ALTER TABLE t ADD CONSTRAINT b_unique UNIQUE (b)', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
UPDATE t SET b = 5 WHERE id = 6;
SELECT osc_swap(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
UPDATE t SET b = 6 WHERE id = 6;
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'u';
INSERT INTO t VALUES (22, 'p0', '22', 5);

-- a new CHECK or NOT NULL violated by a late row
SELECT osc_start('ALTER TABLE t ADD CONSTRAINT c_low CHECK (c < 1000) NO INHERIT, ALTER r SET NOT NULL', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
UPDATE t SET c = 12 WHERE id = 12;
CALL osc_test.step_to(:job, 'ready');
INSERT INTO t VALUES (23, 'p0', '23', 23, 2000, '', '[1,2]');
SELECT osc_step(:job);
UPDATE t SET c = 1, r = NULL WHERE id = 23;
SELECT osc_swap(:job);
DELETE FROM t WHERE id = 23;
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c';
SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'r';

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA violations CASCADE;
