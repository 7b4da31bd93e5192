-- replay.sql: what is written while a job runs arrives in the copy: between any
-- two steps, of every kind, and rolled back or not
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 10001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA replay;
SET search_path = replay, public;
SET online_schema.swap_timeout = '30s';

-- The table and a plain twin of it that gets the same writes: after the job it
-- must hold the same rows.
CREATE FUNCTION fresh() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS t, twin;
	CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'none', u int, big text, UNIQUE (u)) WITH (fillfactor = 10);
	INSERT INTO t SELECT n, 'a' || n, n, CASE WHEN n % 10 = 0 THEN (SELECT string_agg(md5((n * 1000 + m)::text), '') FROM generate_series(1, 200) m) END
	FROM generate_series(1, 100) n;
	CREATE TABLE twin (LIKE t INCLUDING ALL);
	INSERT INTO twin TABLE t;
END $$;
SET client_min_messages = warning;

-- the same statement on both
CREATE PROCEDURE write(VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE replace(statement, '@', 't');
		EXECUTE replace(statement, '@', 'twin');
	END LOOP;
END $$;
CREATE FUNCTION wrong_rows() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM ((TABLE t EXCEPT ALL TABLE twin) UNION ALL (TABLE twin EXCEPT ALL TABLE t)) x);
END $$;

-- writes at every phase, of every kind
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL write('INSERT INTO @ VALUES (101, ''before the first step'', 101)');
SELECT osc_step(:job);
CALL write('INSERT INTO @ VALUES (102, ''after the shadow was made'', 102)', 'UPDATE @ SET a = ''x'' WHERE id = 1');
SELECT osc_step(:job);
CALL write('INSERT INTO @ VALUES (103, ''after the dry run'', 103)', 'DELETE FROM @ WHERE id = 2');
SELECT osc_step(:job);
CALL write('INSERT INTO @ VALUES (104, ''after capture'', 104)', 'UPDATE @ SET a = ''captured'' WHERE id IN (1, 3, 102)', 'DELETE FROM @ WHERE id IN (4, 103)');
SELECT osc_step(:job);
CALL write('INSERT INTO @ VALUES (105, ''before the copy'', 105)', 'UPDATE @ SET a = ''copied'' WHERE id IN (5, 104)', 'DELETE FROM @ WHERE id = 6');
SELECT osc_backfill_batch(:job, 10) > 0 AS copied;
CALL write('INSERT INTO @ VALUES (106, ''during the copy'', 106)',
	'UPDATE @ SET a = ''during'' WHERE id IN (7, 60, 105)', 'DELETE FROM @ WHERE id IN (8, 61)',
	'UPDATE @ SET big = big || ''!'' WHERE id IN (10, 90)', 'UPDATE @ SET big = NULL WHERE id = 20',
	'UPDATE @ SET id = id + 1000 WHERE id IN (9, 62)');
CALL osc_test.step_to(:job, 'indexing');
CALL write('INSERT INTO @ VALUES (107, ''during the index builds'', 107)', 'UPDATE @ SET a = NULL WHERE id IN (11, 107)', 'DELETE FROM @ WHERE id = 12');
SELECT osc_step(:job);
CALL write('UPDATE @ SET a = DEFAULT, u = NULL WHERE id = 13', 'UPDATE @ SET id = 2000 WHERE id = 14', 'UPDATE @ SET id = 14 WHERE id = 2000');
CALL osc_test.step_to(:job, 'catching_up');
SELECT osc_replay(:job) > 0 AS replayed, osc_replay(:job) AS then_none;
SELECT osc_validate(:job);
CALL write('INSERT INTO @ VALUES (108, NULL, NULL, NULL), (109, DEFAULT, NULL, DEFAULT)', 'DELETE FROM @ WHERE id = 15', 'INSERT INTO @ VALUES (15, ''again'', 15)');
CALL osc_test.step_to(:job, 'validating');
CALL write('UPDATE @ SET a = a || ''!''  WHERE id % 7 = 0');
CALL osc_test.step_to(:job, 'ready');
CALL write('UPDATE @ SET u = u + 10000', 'DELETE FROM @ WHERE id = 108');
CALL osc_test.step_to(:job, 'swapping');
CALL write('INSERT INTO @ VALUES (110, ''before the swap'', 110)');
CALL osc_test.step_to(:job, 'cleaning');
INSERT INTO t VALUES (5000000000, 'after the swap', 5);
DELETE FROM t WHERE id = 5000000000;
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;
SELECT pg_typeof(id), id, a, u, length(big) FROM t WHERE id IN (1, 5, 10, 13, 15, 90, 106, 107, 109, 110) ORDER BY id;

-- the USING expression and a default apply to rows that come later, too
SELECT fresh();
SELECT osc_start($$ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE int USING length(a) * 10, ADD b text DEFAULT 'b', ADD g int GENERATED ALWAYS AS (u * 2) STORED$$, run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
INSERT INTO t VALUES (101, 'four', 4000), (102, NULL, NULL);
UPDATE t SET a = 'eleven more', u = 3000 WHERE id = 1;
CALL osc_run(:job);
SELECT * FROM t WHERE id IN (1, 2, 101, 102) ORDER BY id;

-- values handed from row to row under a unique index, in one transaction and
-- in several, replayed in parts
SELECT fresh();
SET online_schema.replay_batch_size = 3;
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint, ALTER u TYPE bigint', run => 'manual') AS job \gset
RESET online_schema.replay_batch_size;
CALL osc_test.step_to(:job, 'catching_up');
CALL write('UPDATE @ SET u = -1 WHERE id = 1', 'UPDATE @ SET u = 1 WHERE id = 2', 'UPDATE @ SET u = 2 WHERE id = 1');
CALL write('UPDATE @ SET u = NULL WHERE id BETWEEN 10 AND 90', 'UPDATE @ SET u = 100 - id WHERE id BETWEEN 10 AND 90');
CALL write('UPDATE @ SET id = -id WHERE id IN (95, 96)', 'UPDATE @ SET id = 96 WHERE id = -95', 'UPDATE @ SET id = 95 WHERE id = -96');
CALL write('DELETE FROM @ WHERE id = 97', 'INSERT INTO @ VALUES (197, ''has 97'', 97)', 'INSERT INTO @ VALUES (97, ''again'', 1097)');
CALL write('UPDATE @ SET id = id + 1000, u = u + 1000 WHERE u > 2 AND u < 10', 'UPDATE @ SET u = u - 1000 WHERE u BETWEEN 1003 AND 1009');
SELECT osc_replay(:job) > 0 AS replayed;
SELECT osc_validate(:job);
CALL write('UPDATE @ SET u = 5000 WHERE u = 50', 'UPDATE @ SET u = 50 WHERE u = 51', 'UPDATE @ SET u = 51 WHERE u = 5000');
CALL osc_run(:job);
SELECT count(*), wrong_rows() FROM t;

-- a row that changes a thousand times is replayed once
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
DO $$
BEGIN
	FOR i IN 1..1000 LOOP
		UPDATE t SET a = i WHERE id = 50;
	END LOOP;
END $$;
SELECT osc_replay(:job), osc_replay(:job);
SELECT osc_validate(:job);
UPDATE twin SET a = 1000 WHERE id = 50;
CALL osc_run(:job);
SELECT count(*), wrong_rows() FROM t;

-- what is rolled back does not arrive; savepoints
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
BEGIN;
UPDATE t SET a = 'rolled back';
DELETE FROM t WHERE id < 50;
ROLLBACK;
BEGIN;
CALL write('UPDATE @ SET a = ''kept'' WHERE id = 1');
SAVEPOINT s1;
CALL write('UPDATE @ SET a = ''lost'' WHERE id = 2', 'DELETE FROM @ WHERE id = 3', 'INSERT INTO @ VALUES (200)');
ROLLBACK TO s1;
CALL write('UPDATE @ SET a = ''kept'' WHERE id = 4');
SAVEPOINT s2;
CALL write('DELETE FROM @ WHERE id = 5');
RELEASE s2;
COMMIT;
SELECT osc_replay(:job);
SELECT osc_validate(:job);
CALL osc_run(:job);
SELECT count(*), wrong_rows() FROM t;

-- the writer's own transaction may drive the job
SELECT fresh();
BEGIN;
INSERT INTO t VALUES (101, 'in the same transaction', 101);
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
UPDATE t SET a = 'there too' WHERE id = 1;
SELECT osc_step(:job);
COMMIT;
CALL osc_test.step_to(:job, 'ready');
BEGIN;
UPDATE t SET a = 'with the swap' WHERE id = 2;
SELECT osc_swap(:job);
UPDATE t SET a = 'after the swap' WHERE id = 3;
COMMIT;
CALL osc_run(:job);
SELECT id, a FROM t WHERE id IN (1, 2, 3, 101) ORDER BY id;

-- TRUNCATE in every phase, rolled back or not, with rows after it
CREATE PROCEDURE truncated_at(phase text, INOUT result text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	job bigint;
BEGIN
	PERFORM fresh();
	job := osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual');
	COMMIT;
	CALL osc_test.step_to(job, phase);
	UPDATE t SET a = 'gone' WHERE id < 20;
	COMMIT;
	TRUNCATE t;
	INSERT INTO t VALUES (1, 'rolled back');
	ROLLBACK;
	CALL write('UPDATE @ SET a = ''gone'' WHERE id < 20');
	COMMIT;
	CALL write('TRUNCATE @');
	COMMIT;
	CALL write('INSERT INTO @ VALUES (1, ''one''), (2, ''two'')');
	COMMIT;
	CALL write('DELETE FROM @ WHERE id = 1', 'TRUNCATE @', 'INSERT INTO @ VALUES (2, ''two''), (3, ''three'')', 'UPDATE @ SET a = ''new'' WHERE id = 3');
	COMMIT;
	CALL osc_run(job);
	result := format('%s rows, %s wrong', (SELECT count(*) FROM t), wrong_rows());
END $$;
CALL truncated_at('planned');
CALL truncated_at('preparing');
CALL truncated_at('backfilling');
CALL truncated_at('indexing');
CALL truncated_at('catching_up');
CALL truncated_at('validating');
CALL truncated_at('ready');
CALL truncated_at('swapping');

-- other ways to write: COPY, ON CONFLICT, MERGE, INSERT ... SELECT, FOR UPDATE,
-- WITH, triggers that change or swallow the row, cascades, replica mode
SELECT fresh();
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 20);
DELETE FROM t WHERE id > 40;
DELETE FROM twin WHERE id > 40;
ALTER TABLE t ADD p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE twin ADD p int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE;
CALL write('UPDATE @ SET p = id % 20 + 1');
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.a = 'swallow' THEN
		RETURN NULL;
	END IF;
	IF new.a = 'keep' THEN
		RETURN old;
	END IF;
	new.a := upper(new.a);
	RETURN new;
END $$;
CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION meddle();
CREATE TRIGGER meddle BEFORE INSERT OR UPDATE ON twin FOR EACH ROW EXECUTE FUNCTION meddle();
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint, ALTER u TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
COPY t (id, a, u) FROM stdin;
201	copied	201
202	swallow	202
203	\N	\N
\.
COPY twin (id, a, u) FROM stdin;
201	copied	201
202	swallow	202
203	\N	\N
\.
CALL write('INSERT INTO @ (id, a) VALUES (1, ''conflict''), (204, ''new'') ON CONFLICT (id) DO UPDATE SET a = excluded.a',
	'INSERT INTO @ (id, a) VALUES (2, ''conflict''), (205, ''new'') ON CONFLICT DO NOTHING',
	'MERGE INTO @ m USING (VALUES (3, ''merged''), (4, NULL), (206, ''merged'')) AS v(k, w) ON m.id = v.k
		WHEN MATCHED AND w IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET a = w WHEN NOT MATCHED THEN INSERT (id, a) VALUES (k, w)',
	'WITH gone AS (DELETE FROM @ WHERE id IN (5, 6) RETURNING *) INSERT INTO @ (id, a, u) SELECT id + 400, a, u FROM gone',
	'UPDATE @ SET a = ''swallow'', u = -7 WHERE id = 7', 'UPDATE @ SET a = ''keep'', u = -8 WHERE id = 8',
	'UPDATE @ SET a = ''other'' WHERE id = 9');
DELETE FROM parent WHERE id IN (11, 12);
UPDATE parent SET id = 100 WHERE id = 13;
SET session_replication_role = replica;
CALL write('UPDATE @ SET a = ''replica'' WHERE id = 10', 'DELETE FROM @ WHERE id = 16', 'INSERT INTO @ VALUES (300, ''replica'')');
RESET session_replication_role;
ALTER TABLE t DISABLE TRIGGER USER;
CALL write('UPDATE @ SET a = ''untouched'' WHERE id = 17');
UPDATE twin SET a = 'untouched' WHERE id = 17;
ALTER TABLE t ENABLE TRIGGER USER;
UPDATE t SET a = 'last' WHERE id = 17;
UPDATE twin SET a = 'last' WHERE id = 17;
SELECT osc_replay(:job) > 0 AS replayed;
SELECT osc_validate(:job);
CALL osc_run(:job);
SELECT count(*), wrong_rows() FROM t;

-- values that exist in the catalog only, brought back by a BEFORE trigger that
-- returns the old row
CREATE TABLE missing (id int PRIMARY KEY, a int);
INSERT INTO missing VALUES (1, 1), (2, 2);
ALTER TABLE missing ADD b text DEFAULT 'missing';
CREATE FUNCTION keep_old() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END';
CREATE TRIGGER keep_old BEFORE UPDATE ON missing FOR EACH ROW EXECUTE FUNCTION keep_old();
SELECT osc_start('ALTER TABLE missing ALTER a TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE missing SET b = 'changed' WHERE id = 1;
CALL osc_run(:job);
SELECT * FROM missing ORDER BY id;

-- VACUUM FULL, CLUSTER and a rewrite by someone else give the table other
-- storage: the copy begins anew
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'backfilling');
SELECT osc_backfill_batch(:job, 10) > 0 AS copied;
CALL write('UPDATE @ SET a = ''x'' WHERE id % 3 = 0', 'DELETE FROM @ WHERE id % 11 = 0');
VACUUM FULL t;
CALL write('UPDATE @ SET a = ''y'' WHERE id % 4 = 0');
SELECT osc_backfill_batch(:job, 10) >= 0 AS goes_on;
SELECT osc_backfill_batch(:job, 10) > 0 AS copied;
CLUSTER t USING t_u_key;
CALL write('UPDATE @ SET a = ''z'' WHERE id % 5 = 0');
CALL osc_test.step_to(:job, 'catching_up');
SELECT osc_validate(:job);
VACUUM FULL t;
CALL write('UPDATE @ SET a = ''zz'' WHERE id % 6 = 0');
CALL osc_run(:job);
SELECT count(*), wrong_rows() FROM t;
SELECT count(*) FROM osc_events WHERE job_id = :job AND event = 'restart' AND phase = 'backfilling';

SELECT state, count(*) FROM osc_progress WHERE job_id BETWEEN :first_job AND :first_job + 999 GROUP BY 1;
SELECT * FROM osc_test.left_behind();
DROP SCHEMA replay CASCADE;
