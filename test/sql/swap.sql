-- swap.sql: the swap in the caller's transaction, rolled back or not; what is
-- in its way; what others may do to the table meanwhile, and what not
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 11001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA swap;
SET search_path = swap, public;
SET online_schema.swap_timeout = '30s';
CREATE TABLE t (id int PRIMARY KEY, v text, u int CONSTRAINT u_later UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO t SELECT n, 'v' || n, n FROM generate_series(1, 300) n;
CREATE TABLE rows_before AS TABLE t;
CREATE TABLE definition_before AS SELECT osc_test.definition('t') AS line;
SELECT 't'::regclass::oid AS oid_before \gset
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');

-- rolled back: the job is ready, the table is as it was, writes are captured
BEGIN;
SELECT osc_swap(:job);
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;
INSERT INTO t VALUES (5000000000, 'wide');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
ROLLBACK;
SELECT state, phase FROM osc_progress WHERE job_id = :job;
-- but for the capture triggers, which are internal
SELECT osc_test.definition('t') EXCEPT TABLE definition_before;
TABLE definition_before EXCEPT SELECT osc_test.definition('t');
TABLE t EXCEPT TABLE rows_before;
UPDATE t SET v = 'captured' WHERE id = 1;
SELECT osc_replay(:job);

-- a savepoint; an exception block; then for good, with writes around it
BEGIN;
UPDATE t SET v = 'before the savepoint' WHERE id = 2;
SAVEPOINT s;
SELECT osc_swap(:job);
INSERT INTO t VALUES (5000000000, 'lost');
ROLLBACK TO s;
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;
UPDATE t SET v = 'after the savepoint' WHERE id = 3;
SELECT set_config('swap.job', :'job', false) = :'job' AS told;
DO $$
BEGIN
	PERFORM osc_swap(current_setting('swap.job')::bigint);
	INSERT INTO t VALUES (5000000001, 'lost'), (1, 'duplicate');
EXCEPTION WHEN unique_violation THEN
	RAISE NOTICE 'rolled back';
END $$;
SELECT state, phase FROM osc_progress WHERE job_id = :job;
UPDATE t SET v = 'before the swap' WHERE id = 4;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT osc_swap(:job);
UPDATE t SET v = 'after the swap' WHERE id = 5;
INSERT INTO t VALUES (5000000002, 'kept');
COMMIT;
SELECT id, v FROM t WHERE v !~ '^v\d' ORDER BY id;
SELECT oid = :oid_before AS same_oid FROM pg_class WHERE oid = 't'::regclass;
-- statistics came along, and the lock is gone
SELECT count(*) FROM pg_stats WHERE schemaname = 'swap' AND tablename = 't';
SELECT reltuples FROM pg_class WHERE oid = 't'::regclass;
SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass;
CALL osc_run(:job);
SELECT event, detail - '{locked_ms,total_ms,committed}'::text[] AS detail FROM osc_events WHERE job_id = :job AND event IN ('swap', 'validate');
SELECT count(*) FROM t;
DELETE FROM t WHERE id > 300;

-- in the way in the same session: a cursor, the calling query, pending triggers
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t;
FETCH 1 FROM c;
SELECT osc_swap(:job);
ROLLBACK;
SELECT osc_swap(:job) FROM t LIMIT 1;
BEGIN;
UPDATE t SET u = u + 1;
SELECT osc_swap(:job);
ROLLBACK;
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;

-- more to replay than the limit allows
SELECT osc_set(:job, 'swap_max_backlog', '2');
UPDATE t SET v = 'x' WHERE id <= 3;
SELECT osc_swap(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT osc_replay(:job);
UPDATE t SET v = 'y' WHERE id <= 2;
SELECT osc_swap(:job);
CALL osc_run(:job);
SELECT detail -> 'backlog' AS backlog FROM osc_events WHERE job_id = :job AND event = 'swap';

-- nothing is seen by a snapshot taken before the lock: only READ COMMITTED will
-- do, whatever the default of the session is
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
CREATE FUNCTION in_my_level(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	SELECT * INTO r FROM osc_test.refusal('SELECT ' || call);
	RETURN concat_ws(' ', r.state, r.message, '(' || r.hint || ')');
END $$;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT c, in_my_level(format(c, :job)) FROM unnest(ARRAY['osc_step(%s)', 'osc_backfill_batch(%s)', 'osc_replay(%s)',
	'osc_validate(%s)', 'osc_swap(%s)']) c;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT osc_swap(:job);
ROLLBACK;
SET default_transaction_isolation = 'repeatable read';
SELECT osc_step(:job);
SET default_transaction_isolation = 'serializable';
SELECT osc_step(:job);
SELECT osc_backfill_batch(:job);
-- other functions work in any level
SELECT osc_pause(:job);
SELECT osc_resume(:job);
SELECT osc_set(:job, 'workers', '1');
SELECT count(*) FROM osc_plan('ALTER TABLE t ADD x int');
SELECT count(*) > 0 FROM osc_progress;
-- osc_run() sets its own level
CALL osc_run(:job);
SHOW transaction_isolation;
SELECT state, phase FROM osc_progress WHERE job_id = :job;
UPDATE t SET v = 'serializable' WHERE id = 1;
SELECT osc_swap(:job);
SET default_transaction_isolation = 'read committed';
SELECT osc_swap(:job);
SET default_transaction_isolation = 'repeatable read';
SET default_transaction_read_only = on;
CALL osc_run(:job);
RESET default_transaction_read_only;
CALL osc_run(:job);
RESET default_transaction_isolation;
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT v FROM t WHERE id = 1;

-- a read-only transaction works on nothing
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
BEGIN READ ONLY;
SELECT c, (osc_test.refusal('SELECT ' || format(c, :job))).* FROM unnest(ARRAY['osc_step(%s)', 'osc_backfill_batch(%s)',
	'osc_swap(%s)']) c;
SELECT count(*) > 0 FROM osc_progress;
ROLLBACK;

-- a prepared transaction that holds the table: no step waits for it, none
-- makes others wait, and waiting_for tells
BEGIN;
INSERT INTO t VALUES (1000, 'prepared');
PREPARE TRANSACTION 'regress_osc_1';
SELECT osc_step(:job), osc_step(:job), osc_step(:job);
SELECT state, phase, waiting_for FROM osc_progress WHERE job_id = :job;
SELECT count(*) > 0 AS noted, bool_and(NOT (detail ->> 'granted')::boolean) AS refused, min(detail ->> 'purpose') AS purpose,
	min(detail #>> '{blockers,0,mode}') AS mode
FROM osc_events WHERE job_id = :job AND event = 'lock';
COMMIT PREPARED 'regress_osc_1';
-- one that has an id from before the capture: the backfill does not begin
SELECT osc_step(:job);
BEGIN;
CREATE TABLE other (a int);
PREPARE TRANSACTION 'regress_osc_2';
SELECT osc_step(:job);
SELECT osc_step(:job), osc_step(:job), osc_backfill_batch(:job);
SELECT state, phase, regexp_replace(waiting_for, '\d+', 'N') AS waiting_for FROM osc_progress WHERE job_id = :job;
ROLLBACK PREPARED 'regress_osc_2';
SELECT osc_step(:job);
-- a row in a prepared transaction is no row yet, and is not lost
BEGIN;
INSERT INTO t VALUES (1001, 'prepared during the job');
UPDATE t SET v = 'prepared' WHERE id = 2;
PREPARE TRANSACTION 'regress_osc_3';
CALL osc_test.step_to(:job, 'ready');
SELECT osc_swap(:job);
SELECT state, phase, waiting_for FROM osc_progress WHERE job_id = :job;
COMMIT PREPARED 'regress_osc_3';
SELECT osc_replay(:job);
-- reading is in the way of the swap, too
BEGIN;
SELECT count(*) FROM t;
PREPARE TRANSACTION 'regress_osc_4';
SELECT osc_swap(:job);
SELECT detail -> 'purpose' AS purpose, detail #> '{blockers,0,mode}' AS mode FROM osc_events
WHERE job_id = :job AND event = 'lock' AND detail ->> 'granted' = 'false' AND phase = 'ready' ORDER BY at DESC LIMIT 1;
ROLLBACK PREPARED 'regress_osc_4';
-- the swap itself can be prepared
BEGIN;
SELECT osc_swap(:job);
PREPARE TRANSACTION 'regress_osc_5';
ROLLBACK PREPARED 'regress_osc_5';
SELECT state, phase FROM osc_progress WHERE job_id = :job;
BEGIN;
SELECT osc_swap(:job);
PREPARE TRANSACTION 'regress_osc_6';
COMMIT PREPARED 'regress_osc_6';
SELECT state, phase FROM osc_progress WHERE job_id = :job;
CALL osc_run(:job);
SELECT pg_typeof(id), id, v FROM t WHERE id > 999 OR id = 2 ORDER BY id;
-- and so can a start
BEGIN;
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual') AS job \gset
PREPARE TRANSACTION 'regress_osc_7';
SELECT count(*) FROM osc_progress WHERE job_id = :job;
COMMIT PREPARED 'regress_osc_7';
CALL osc_run(:job);
SELECT state FROM osc_progress WHERE job_id = :job;

-- what others may do to the table while a job has it
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
CREATE ROLE regress_osc_other;
GRANT SELECT ON t TO regress_osc_other;
COMMENT ON TABLE t IS 'commented meanwhile';
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON t USING (true);
ALTER TABLE t REPLICA IDENTITY FULL;
ALTER TABLE t SET (fillfactor = 77);
ALTER TABLE t ALTER v SET STATISTICS 55;
CREATE TRIGGER silent BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE referring (t_id int REFERENCES t);
INSERT INTO referring VALUES (7);
CREATE VIEW t_view AS SELECT v FROM t;
CREATE STATISTICS t_stat ON v, u FROM t;
ANALYZE t;
VACUUM t;
REINDEX TABLE t;
VACUUM FULL t;
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT relacl IS NOT NULL AS granted, reloptions, relrowsecurity, relreplident, obj_description(oid, 'pg_class') AS comment
FROM pg_class WHERE oid = 't'::regclass;
SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal;
SELECT conname, convalidated FROM pg_constraint WHERE confrelid = 't'::regclass;
INSERT INTO referring VALUES (777);
SELECT count(*) FROM t_view;
DROP TABLE referring;
DROP VIEW t_view;
DROP POLICY all_rows ON t;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;

-- what the job does not survive: it fails, and the foreign change stays
CREATE PROCEDURE meddled(phase text, ddl text, INOUT message text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	job bigint;
	i int := 0;
BEGIN
	job := osc_start('ALTER TABLE t ALTER id TYPE ' ||
		CASE WHEN (SELECT atttypid FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'id') = 'int'::regtype
			THEN 'bigint' ELSE 'int' END, run => 'manual');
	COMMIT;
	CALL osc_test.step_to(job, phase);
	EXECUTE ddl;
	COMMIT;
	WHILE message IS NULL LOOP
		BEGIN
			PERFORM osc_step(job);
			i := i + 1;
			IF i > 100 THEN
				message := 'NOT REFUSED';
			END IF;
			SELECT last_error INTO message FROM osc_progress WHERE job_id = job AND state IN ('cancelling', 'failed');
		EXCEPTION WHEN OTHERS THEN
			message := SQLSTATE || ' ' || SQLERRM;
		END;
		COMMIT;
	END LOOP;
	IF (SELECT state FROM osc_progress WHERE job_id = job) = 'running' THEN
		PERFORM osc_cancel(job);
		COMMIT;
		CALL osc_test.await_end(job);
	END IF;
	WHILE (SELECT state FROM osc_progress WHERE job_id = job) = 'cancelling' LOOP
		PERFORM osc_step(job);
		COMMIT;
	END LOOP;
END $$;
-- without the guard, which would refuse most of it
CALL osc_test.guard(false);
CALL meddled('preparing', 'ALTER TABLE t ADD w int');
CALL meddled('preparing', 'ALTER TABLE t DROP w');
CALL meddled('catching_up', 'CREATE INDEX t_v ON t (v)');
CALL meddled('ready', 'DROP INDEX t_v');
CALL meddled('ready', 'ALTER TABLE t ALTER v SET DEFAULT ''v''');
CALL meddled('ready', 'ALTER TABLE t ALTER v SET NOT NULL');
CALL meddled('swapping', 'ALTER TABLE t ADD CONSTRAINT v_long CHECK (length(v) > 0)');
CALL meddled('swapping', 'ALTER TABLE t DISABLE TRIGGER ALL');
ALTER TABLE t ENABLE TRIGGER ALL;
CALL meddled('swapping', 'ALTER TABLE t RENAME TO t2; CREATE VIEW t AS TABLE t2');
DROP VIEW t;
ALTER TABLE t2 RENAME TO t;
CALL meddled('swapping', 'CREATE VIEW t_id AS SELECT id FROM t');
DROP VIEW t_id;
-- a rewrite is not seen by the capture: the copy is compared again
CALL meddled('swapping', 'ALTER TABLE t ALTER v TYPE text USING v || ''!''');
SELECT count(*) FROM t WHERE v ~ '!$';
CALL osc_test.guard(true);
-- helper tables are not to be touched
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual') AS job \gset
SELECT osc_step(:job);
SELECT format('DROP TABLE osc_%s_1.t', :job) AS drop_shadow, format('DROP SCHEMA osc_%s_1 CASCADE', :job) AS drop_schema \gset
:drop_shadow;
:drop_schema;
SELECT message FROM osc_test.start_refusal(format('ALTER TABLE osc_%s_1.t ADD x int', :job));
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);

SELECT * FROM osc_test.left_behind();
SELECT count(*), pg_typeof(id) FROM t GROUP BY 2;
SET client_min_messages = warning;
DROP SCHEMA swap CASCADE;
DROP ROLE regress_osc_other;
