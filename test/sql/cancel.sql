-- cancel.sql: a cancelled job leaves nothing, in whatever phase it was
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 12001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA cancel;
SET search_path = cancel, public;
CREATE TABLE t (id int PRIMARY KEY, v text, u int UNIQUE);
INSERT INTO t SELECT n, 'v' || n, n FROM generate_series(1, 300) n;
CREATE TABLE definition_before AS SELECT osc_test.definition('t') AS line;
SELECT pg_relation_filenode('t') AS file_before \gset

-- what there is while a job runs
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint, ADD x text', run => 'manual') AS job \gset
SELECT * FROM osc_test.left_behind();
SELECT osc_step(:job);
SELECT kind, object_name FROM online_schema.job_object WHERE job_id = :job ORDER BY 1, 2;
SELECT c.relname, c.relkind, c.relrewrite = 't'::regclass AS hidden, pg_get_userbyid(c.relowner) = current_user AS ours
FROM pg_class c WHERE c.relnamespace = format('osc_%s_1', :job)::regnamespace AND c.relkind = 'r' ORDER BY c.relname COLLATE "C";
-- helper objects belong to the extension, so that pg_dump passes over them
SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_class'::regclass
	AND objid IN (SELECT oid FROM pg_class WHERE relnamespace = format('osc_%s_1', :job)::regnamespace AND relkind = 'r');
SELECT osc_step(:job), osc_step(:job);
SELECT kind, regexp_replace(object_name, '\d+$', 'N') AS object_name FROM online_schema.job_object
WHERE job_id = :job AND kind = 'trigger' ORDER BY 2;
SELECT count(*), bool_and(tgisinternal) AS internal, bool_and(tgenabled = 'A') AS always
FROM pg_trigger WHERE tgrelid = 't'::regclass;

-- cancelled: capture does nothing any more, at once; a worker removes the rest
BEGIN;
SELECT osc_cancel(:job);
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT enabled FROM online_schema.capture WHERE relation = 't'::regclass;
INSERT INTO t VALUES (301, 'not captured');
DELETE FROM t WHERE id = 301;
-- again: nothing; the others: no
SELECT osc_cancel(:job);
SELECT c, r.state, r.message FROM unnest(ARRAY['osc_backfill_batch(%s)', 'osc_replay(%s)', 'osc_validate(%s)', 'osc_swap(%s)',
	'osc_pause(%s)', 'osc_resume(%s)', 'osc_cleanup(%s)']) c, osc_test.refusal('SELECT ' || format(c, :job)) r;
COMMIT;
CALL osc_test.await_end(:job);
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM osc_test.left_behind();
SELECT osc_test.definition('t') EXCEPT TABLE definition_before;

-- rolled back, a cancel is none
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
BEGIN;
SELECT osc_cancel(:job);
UPDATE t SET v = 'not captured' WHERE id = 1;
ROLLBACK;
UPDATE t SET v = 'captured' WHERE id = 2;
SELECT osc_replay(:job);

-- the user may clean up by hand, step by step, where no worker does
BEGIN;
SELECT osc_cancel(:job);
CREATE FUNCTION steps_to_the_end(job bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	n int := 0;
BEGIN
	WHILE (SELECT state FROM osc_progress WHERE job_id = job) = 'cancelling' LOOP
		PERFORM osc_step(job);
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;
SELECT steps_to_the_end(:job) > 3 AS stepwise;
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT * FROM osc_test.left_behind();
ROLLBACK;

-- in every phase
CREATE PROCEDURE cancelled_at(phase text, INOUT result text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	job bigint := (SELECT job_id FROM osc_progress WHERE relation = 'cancel.t' AND state NOT IN ('cancelled', 'done', 'failed'));
BEGIN
	IF job IS NULL THEN
		job := osc_start('ALTER TABLE t ALTER id TYPE bigint, ADD x text', run => 'manual');
		COMMIT;
	END IF;
	CALL osc_test.step_to(job, phase);
	UPDATE t SET v = v || '+' WHERE id = 5;
	COMMIT;
	PERFORM osc_cancel(job);
	COMMIT;
	CALL osc_test.await_end(job);
	result := format('%s at %s, %s left', (SELECT p.state FROM osc_progress p WHERE p.job_id = job),
		(SELECT p.phase FROM osc_progress p WHERE p.job_id = job), (SELECT count(*) FROM osc_test.left_behind()));
END $$;
CALL cancelled_at('catching_up');
CALL cancelled_at('planned');
CALL cancelled_at('preparing');
CALL cancelled_at('backfilling');
CALL cancelled_at('indexing');
CALL cancelled_at('validating');
CALL cancelled_at('ready');
CALL cancelled_at('swapping');
SELECT osc_test.definition('t') EXCEPT TABLE definition_before;
TABLE definition_before EXCEPT SELECT osc_test.definition('t');
SELECT pg_relation_filenode('t') = :file_before AS same_file;
SELECT count(*), max(v) FILTER (WHERE id = 5) FROM t;

-- a paused job; a job that is ready; one that has not begun
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
SELECT osc_pause(:job);
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT * FROM osc_test.left_behind();

-- the table is free for another job, which can be done
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT * FROM osc_test.left_behind();

-- a job of a table that is dropped in spite of the guard: it fails or is
-- cancelled, and leaves nothing, either
CALL osc_test.guard(false);
CREATE PROCEDURE dropped_at(phase text, how text, INOUT result text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	job bigint;
BEGIN
	CREATE TABLE gone (id int PRIMARY KEY, v text);
	INSERT INTO gone SELECT n, n FROM generate_series(1, 100) n;
	job := osc_start('ALTER TABLE gone ALTER id TYPE bigint', run => 'manual');
	COMMIT;
	CALL osc_test.step_to(job, phase);
	DROP TABLE gone;
	COMMIT;
	IF how = 'cancel' THEN
		PERFORM osc_cancel(job);
		COMMIT;
		CALL osc_test.await_end(job);
	ELSE
		BEGIN
			PERFORM osc_step(job);
		EXCEPTION WHEN OTHERS THEN
			result := SQLSTATE || ' ' || SQLERRM || '; ';
		END;
		COMMIT;
		PERFORM osc_cancel(job);
		COMMIT;
		CALL osc_test.await_end(job);
	END IF;
	result := format('%s%s, %s left', result, (SELECT p.state FROM osc_progress p WHERE p.job_id = job),
		(SELECT count(*) FROM osc_test.left_behind()));
END $$;
CALL dropped_at('planned', 'cancel');
CALL dropped_at('preparing', 'cancel');
CALL dropped_at('backfilling', 'cancel');
CALL dropped_at('indexing', 'cancel');
CALL dropped_at('catching_up', 'cancel');
CALL dropped_at('swapping', 'cancel');
CALL dropped_at('planned', 'step');
CALL dropped_at('preparing', 'step');
CALL dropped_at('backfilling', 'step');
CALL dropped_at('catching_up', 'step');
CALL dropped_at('swapping', 'step');
CALL osc_test.guard(true);

SET client_min_messages = warning;
DROP SCHEMA cancel CASCADE;
