-- column_keys.sql: foreign keys that a statement adds together with the type change of their
-- columns, by strategy column
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 43801
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA column_keys;
SET search_path = column_keys, public;
SET online_schema.swap_timeout = '30s';
CREATE TABLE p (id bigint PRIMARY KEY, a int, b text, UNIQUE (a, id));
CREATE UNIQUE INDEX p_part ON p (b) WHERE a > 0;
INSERT INTO p SELECT n, n, n FROM generate_series(1, 50) n;
CREATE TABLE "odd ""t" (id int PRIMARY KEY, "the p" int, a int, c text);
INSERT INTO "odd ""t" SELECT n, n, n, n FROM generate_series(1, 50) n;
CREATE VIEW keys AS SELECT conname, convalidated, pg_get_constraintdef(oid) AS definition FROM pg_constraint
	WHERE conrelid = '"odd ""t"'::regclass AND contype = 'f' ORDER BY 1;

-- what cannot work is told at the start, as natively
SELECT c AS change, r.* FROM unnest(ARRAY[
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES nowhere',
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p", nope) REFERENCES p',
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p", a) REFERENCES p',
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES p (a)',
	'ALTER c TYPE varchar, ADD FOREIGN KEY (c) REFERENCES p (b)',
	'ALTER "the p" TYPE text, ADD FOREIGN KEY ("the p") REFERENCES p',
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES keys (conname)',
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY (a) REFERENCES p',
	'ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES "odd ""t"']) c,
	osc_test.refusal(format('SELECT osc_start(%L, %L, run => %L)', 'ALTER TABLE "odd ""t" ' || c, 'column', 'manual')) r;
\set VERBOSITY terse
ALTER TABLE "odd ""t" ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p", a) REFERENCES p;
ALTER TABLE "odd ""t" ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES p (a);
ALTER TABLE "odd ""t" ALTER c TYPE varchar, ADD FOREIGN KEY (c) REFERENCES p (b);
\set VERBOSITY default

-- proved, with actions; one that is not; taken back, and once more
SELECT phase, command, lock_mode FROM osc_plan('ALTER TABLE "odd ""t" ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES p', 'column') WHERE command ~ 'FOREIGN|VALIDATE';
SET online_schema.keep_old = cleanup;
SELECT osc_start('ALTER TABLE "odd ""t" ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES p ON DELETE CASCADE,
	ADD CONSTRAINT two FOREIGN KEY (a, "the p") REFERENCES p (a, id) MATCH FULL ON UPDATE SET NULL ON DELETE SET NULL ("the p") DEFERRABLE INITIALLY DEFERRED,
	ADD CONSTRAINT unproved FOREIGN KEY ("the p") REFERENCES p NOT VALID', strategy => 'column', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT * FROM keys;
DELETE FROM p WHERE id = 50;
SELECT count(*) FROM "odd ""t";
SELECT osc_revert(:job);
SET client_min_messages = warning;
CALL osc_wait(:job, '300 s');
RESET client_min_messages;
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM keys;
SELECT osc_start('ALTER TABLE "odd ""t" ALTER "the p" TYPE bigint, ADD FOREIGN KEY ("the p") REFERENCES p', strategy => 'column', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT osc_cleanup(:job);
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM keys;
-- dropped, and added again under its name
SELECT osc_start('ALTER TABLE "odd ""t" ALTER "the p" TYPE int, DROP CONSTRAINT "odd ""t_the p_fkey", ADD CONSTRAINT "odd ""t_the p_fkey" FOREIGN KEY ("the p") REFERENCES p ON UPDATE CASCADE', strategy => 'column', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_cleanup(:job);
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM keys;
-- orphans fail the job, and leave nothing
INSERT INTO "odd ""t" (id, "the p", a) VALUES (100, 7, 700);
SELECT osc_start('ALTER TABLE "odd ""t" ALTER a TYPE bigint, ADD FOREIGN KEY (a) REFERENCES p', strategy => 'column', run => 'manual') AS job \gset
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM keys;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA column_keys CASCADE;
