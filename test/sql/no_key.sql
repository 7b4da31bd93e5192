-- no_key.sql: tables without a key that finds each row, and statements that no
-- key survives: rows are found by their place
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 21001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

-- duplicates of whole rows, rows of NULLs, wide values, a dropped column and
-- one with a fast default
CALL osc_test.twice($$
	CREATE TABLE bag (gone int, a int, b text, c numeric);
	ALTER TABLE bag DROP gone;
	INSERT INTO bag SELECT n % 10, 'b' || n % 3, n % 2 FROM generate_series(1, 300) n;
	INSERT INTO bag SELECT NULL FROM generate_series(1, 5);
	INSERT INTO bag SELECT 1, (SELECT string_agg(md5(m::text), '') FROM generate_series(1, 500) m), 2 FROM generate_series(1, 3);
	ALTER TABLE bag ADD d text DEFAULT 'later';
	INSERT INTO bag VALUES (7, 'seven', 7, NULL);
	CREATE INDEX bag_a ON bag (a);
$$);
CALL osc_test.both('ALTER TABLE bag ALTER a TYPE bigint, ALTER c TYPE text');
SELECT * FROM osc_test.differences('bag');
CALL osc_test.both('ALTER TABLE bag DROP c, ADD e int NOT NULL DEFAULT 5, ADD f text GENERATED ALWAYS AS (upper(b)) STORED, ALTER a TYPE text');
SELECT * FROM osc_test.differences('bag');
SELECT count(*), count(DISTINCT bag) AS different FROM online.bag;

-- the plan says so
SET search_path = online, public;
SELECT command, note FROM osc_plan('ALTER TABLE bag ALTER e TYPE bigint') WHERE command ~ 'capture';
RESET search_path;

-- indexes that do not serve: nullable, deferrable, partial, on an expression,
-- with an exclusion constraint, on a column that may be NULL
CALL osc_test.twice($$
	CREATE TABLE nullable (a int UNIQUE, b int);
	INSERT INTO nullable VALUES (1, 1), (2, 2), (NULL, 3), (NULL, 3);
	CREATE TABLE late (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, b int);
	INSERT INTO late SELECT n, n FROM generate_series(1, 20) n;
	CREATE TABLE partial (a int NOT NULL, b int);
	CREATE UNIQUE INDEX partial_a ON partial (a) WHERE a > 0;
	INSERT INTO partial VALUES (1, 1), (2, 2), (-1, 3), (-1, 3);
	CREATE TABLE expression (a int NOT NULL, b int);
	CREATE UNIQUE INDEX expression_a ON expression ((a % 100));
	INSERT INTO expression SELECT n, n FROM generate_series(1, 20) n;
	CREATE TABLE excluded (a int NOT NULL, b int, EXCLUDE USING btree (a WITH =));
	INSERT INTO excluded SELECT n, n FROM generate_series(1, 20) n;
	CREATE TABLE halfway (a int NOT NULL, b int, UNIQUE (a, b));
	INSERT INTO halfway VALUES (1, NULL), (1, NULL), (1, 1);
$$);
CALL osc_test.both('ALTER TABLE nullable ALTER b TYPE text');
CALL osc_test.both('ALTER TABLE nullable ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('nullable');
CALL osc_test.both('ALTER TABLE late ALTER b TYPE text');
CALL osc_test.both('ALTER TABLE late ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('late');
CALL osc_test.both('ALTER TABLE partial ALTER b TYPE text');
CALL osc_test.both('ALTER TABLE partial ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('partial');
CALL osc_test.both('ALTER TABLE expression ALTER b TYPE text');
CALL osc_test.both('ALTER TABLE expression ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('expression');
CALL osc_test.both('ALTER TABLE excluded ALTER b TYPE text');
CALL osc_test.both('ALTER TABLE excluded ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('excluded');
CALL osc_test.both('ALTER TABLE halfway ALTER b TYPE text');
SELECT * FROM osc_test.differences('halfway');

-- a key that the statement drops, replaces, or changes beyond recognition
CALL osc_test.twice($$
	CREATE TABLE keyed (id int PRIMARY KEY, other int NOT NULL, code varchar(10), note text);
	INSERT INTO keyed SELECT n * 10, n, chr(64 + n) || n, 'note ' || n FROM generate_series(1, 20) n;
$$);
CALL osc_test.both('ALTER TABLE keyed ALTER id TYPE int USING id / 10');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed ALTER id TYPE bigint USING -id');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed ALTER id TYPE float4');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed ALTER id TYPE int USING other + 1, ALTER other TYPE int USING id::int');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed DROP CONSTRAINT keyed_pkey, ADD PRIMARY KEY (other)');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed DROP other, ADD PRIMARY KEY (id)');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed DROP id, ADD id bigint DEFAULT 7');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed ADD PRIMARY KEY (code), ALTER note TYPE varchar(100)');
SELECT * FROM osc_test.differences('keyed');
CALL osc_test.both('ALTER TABLE keyed DROP CONSTRAINT keyed_pkey');
SELECT * FROM osc_test.differences('keyed');

-- two rows come to have one key: native's error, and the table is as before
CALL osc_test.twice($$
	CREATE TABLE short (code varchar(10) CONSTRAINT short_key PRIMARY KEY, n int);
	INSERT INTO short VALUES ('aa1', 1), ('bb', 2), ('cc', 3);
$$);
CALL osc_test.both('ALTER TABLE short ALTER code TYPE varchar(2) USING left(code, 2)');
SELECT * FROM osc_test.differences('short');
CALL osc_test.twice($$ALTER TABLE short ALTER code TYPE varchar(10); INSERT INTO short VALUES ('bb2', 4)$$);
SET search_path = native, public;
SELECT * FROM osc_test.refusal('ALTER TABLE short ALTER code TYPE varchar(2) USING left(code, 2)');
SET search_path = online, public;
SELECT osc_start('ALTER TABLE short ALTER code TYPE varchar(2) USING left(code, 2)', run => 'manual') AS job \gset
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
RESET search_path;
SELECT * FROM osc_test.differences('short');

-- no columns, no rows, the last column goes
CALL osc_test.twice($$
	CREATE TABLE bare ();
	INSERT INTO bare DEFAULT VALUES;
	INSERT INTO bare SELECT FROM generate_series(1, 4);
	CREATE TABLE hollow ();
	CREATE TABLE nobody (a int, b text);
	CREATE TABLE last (a int);
	INSERT INTO last VALUES (1), (1), (NULL);
$$);
CALL osc_test.both('ALTER TABLE bare SET (fillfactor = 50)');
SELECT * FROM osc_test.differences('bare');
SELECT count(*) FROM online.bare;
CALL osc_test.both('ALTER TABLE bare ADD a int DEFAULT 3, ADD b text');
SELECT * FROM osc_test.differences('bare');
CALL osc_test.both('ALTER TABLE hollow ADD a int PRIMARY KEY');
SELECT * FROM osc_test.differences('hollow');
CALL osc_test.both('ALTER TABLE nobody ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('nobody');
CALL osc_test.both('ALTER TABLE last DROP a');
SELECT * FROM osc_test.differences('last');
SELECT count(*) FROM online.last;
SET client_min_messages = warning;
DROP SCHEMA native, online CASCADE;
RESET client_min_messages;

-- writes in every phase: a plain twin of the table gets the same
CREATE SCHEMA no_key;
SET search_path = no_key, public;
SET online_schema.swap_timeout = '30s';
CREATE FUNCTION fresh() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS t, twin;
	CREATE TABLE t (a int, b text, u int UNIQUE) WITH (fillfactor = 50, autovacuum_enabled = off);
	CREATE INDEX t_a ON t (a);
	INSERT INTO t SELECT n % 50, 'b' || n % 3, nullif(n % 10, 0) * 1000 + n FROM generate_series(1, 150) n;
	INSERT INTO t SELECT NULL, NULL FROM generate_series(1, 3);
	CREATE TABLE twin (LIKE t INCLUDING ALL);
	INSERT INTO twin TABLE t;
END $$;
CREATE PROCEDURE write(VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	FOREACH statement IN ARRAY statements LOOP
		EXECUTE replace(statement, '@', 't');
		EXECUTE replace(statement, '@', 'twin');
	END LOOP;
END $$;
-- what moves the rows of "t" leaves the same rows there, but for a TRUNCATE
CREATE PROCEDURE follow(moving text) LANGUAGE plpgsql AS $$
BEGIN
	IF moving ~ '^TRUNCATE' THEN
		TRUNCATE twin;
	END IF;
END $$;
CREATE PROCEDURE advance(job bigint, target text) LANGUAGE plpgsql AS $$
BEGIN
	IF target <> 'captured' THEN
		CALL osc_test.step_to(job, target);
		RETURN;
	END IF;
	WHILE NOT EXISTS (SELECT FROM online_schema.capture WHERE relation = 't'::regclass) LOOP
		PERFORM osc_step(job);
		COMMIT;
	END LOOP;
END $$;
CREATE FUNCTION wrong_rows() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM ((TABLE t EXCEPT ALL TABLE twin) UNION ALL (TABLE twin EXCEPT ALL TABLE t)) x);
END $$;
SET client_min_messages = warning;

SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL write('INSERT INTO @ VALUES (101, ''before the first step'', 101)');
SELECT osc_step(:job);
CALL write('INSERT INTO @ VALUES (102, ''after the shadow was made'', 102)', 'UPDATE @ SET b = ''x'' WHERE a = 1');
SELECT osc_step(:job);
SELECT osc_step(:job);
CALL write('INSERT INTO @ VALUES (104, ''after capture'', 104)', 'UPDATE @ SET b = ''captured'' WHERE a IN (1, 3, 102)', 'DELETE FROM @ WHERE a = 4');
SELECT osc_step(:job);
CALL write('UPDATE @ SET b = ''copied'' WHERE a IN (5, 104)', 'DELETE FROM @ WHERE a IS NULL', 'INSERT INTO @ VALUES (NULL), (NULL)');
SELECT osc_backfill_batch(:job, 10) > 0 AS copied;
CALL write('INSERT INTO @ VALUES (106, ''during the copy'', 106), (106, ''during the copy'', NULL)', 'UPDATE @ SET b = ''during'' WHERE a IN (7, 40)', 'DELETE FROM @ WHERE a IN (8, 41)');
SELECT kind, object_name FROM online_schema.job_object WHERE job_id = :job ORDER BY object_id;
CALL osc_test.step_to(:job, 'indexing');
CALL write('UPDATE @ SET a = a + 1000 WHERE a IN (11, 12)');
CALL osc_test.step_to(:job, 'catching_up');
-- chains of versions, in one transaction and in several, and savepoints
CALL write('UPDATE @ SET b = ''one'' WHERE a = 13', 'UPDATE @ SET b = ''two'' WHERE a = 13', 'UPDATE @ SET a = 14 WHERE a = 13', 'DELETE FROM @ WHERE b = ''one''');
BEGIN;
UPDATE t SET b = 'lost' WHERE a = 15;
SAVEPOINT s;
INSERT INTO t SELECT 99, 'lost' FROM generate_series(1, 50);
DELETE FROM t WHERE a = 16;
ROLLBACK TO s;
UPDATE t SET b = 'kept' WHERE a = 17;
COMMIT;
UPDATE twin SET b = 'lost' WHERE a = 15;
UPDATE twin SET b = 'kept' WHERE a = 17;
SELECT osc_replay(:job) > 0 AS replayed, osc_replay(:job) AS then_none;
SELECT osc_validate(:job);
-- a unique value goes from row to row
CALL write('UPDATE @ SET u = -1 WHERE a = 101', 'UPDATE @ SET u = 101 WHERE a = 102', 'UPDATE @ SET u = 102 WHERE a = 101');
CALL osc_test.step_to(:job, 'ready');
CALL write('UPDATE @ SET b = b || ''!''', 'DELETE FROM @ WHERE a % 4 = 0', 'INSERT INTO @ VALUES (NULL), (NULL)');
SELECT osc_validate(:job);
SELECT event, detail - 'sample' AS detail FROM osc_events WHERE job_id = :job AND event = 'validate' ORDER BY at DESC LIMIT 1;
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;
SELECT * FROM osc_test.left_behind();

-- a place is used again: the row that the copy has gone, another one there
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
CREATE TEMP TABLE places AS SELECT ctid AS place FROM t WHERE a < 40;
CALL write('DELETE FROM @ WHERE a < 40');
VACUUM t;
CALL write('INSERT INTO @ SELECT 40 + n % 10, ''tenant '' || n FROM generate_series(1, 100) n');
SELECT count(*) > 50 AS reused FROM t WHERE b LIKE 'tenant%' AND ctid IN (SELECT place FROM places);
SELECT osc_replay(:job) > 0 AS replayed, osc_replay(:job) AS then_none;
SELECT osc_validate(:job);
-- and once more, with the replay in between
CALL write('DELETE FROM @ WHERE a >= 40 AND b LIKE ''tenant%''');
SELECT osc_replay(:job) > 0 AS replayed;
VACUUM t;
CALL write('INSERT INTO @ SELECT n, ''second '' || n FROM generate_series(1, 100) n');
CALL osc_test.step_to(:job, 'ready');
-- the end of the table is cut off
CALL write('DELETE FROM @ WHERE b LIKE ''second%'' OR a > 20');
VACUUM t;
SELECT osc_validate(:job);
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;
DROP TABLE places;

-- the row that an error is about
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER b TYPE int USING length(b), ADD CHECK (a < 100)', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
INSERT INTO t VALUES (1000);
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
SELECT last_error FROM osc_progress WHERE job_id = :job;
SELECT a FROM t WHERE ctid = (SELECT substring(last_error FROM 'row with ctid (\(\d+,\d+\))') FROM osc_progress WHERE job_id = :job)::tid;

-- what is wrong is found: a value, a row too few, a row too many, rows that
-- stand in for each other
SELECT fresh();
UPDATE t SET b = a::text || u;
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
SELECT 'osc_' || :job || '_1' AS helper \gset
SELECT osc_validate(:job);
BEGIN;
UPDATE :helper.t SET b = NULL WHERE a = 7;
SELECT osc_validate(:job);
ROLLBACK;
BEGIN;
DELETE FROM :helper.t WHERE a = 7;
SELECT osc_validate(:job);
ROLLBACK;
BEGIN;
INSERT INTO :helper.t VALUES (7, 'too many');
SELECT osc_validate(:job);
ROLLBACK;
BEGIN;
DELETE FROM :helper.osc_place_1 WHERE source_place = (SELECT min(ctid) FROM t);
SELECT osc_validate(:job);
ROLLBACK;
BEGIN;
CREATE TEMP TABLE pairs ON COMMIT DROP AS
	SELECT p.source_place, o.shadow_place
	FROM (SELECT *, row_number() OVER (ORDER BY source_place) % 153 AS n FROM :helper.osc_place_1) p
	JOIN (SELECT *, (row_number() OVER (ORDER BY source_place) + 1) % 153 AS n FROM :helper.osc_place_1) o USING (n);
DELETE FROM :helper.osc_place_1;
INSERT INTO :helper.osc_place_1 TABLE pairs;
SELECT osc_validate(:job);
ROLLBACK;
-- no two rows have one partner
INSERT INTO :helper.osc_place_1 SELECT '(100,1)', shadow_place FROM :helper.osc_place_1 LIMIT 1;
SELECT osc_validate(:job);
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT * FROM osc_test.left_behind();

-- steps that are rolled back
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'backfilling');
BEGIN;
SELECT osc_backfill_batch(:job) > 0 AS copied;
ROLLBACK;
CALL osc_test.step_to(:job, 'catching_up');
CALL write('UPDATE @ SET b = ''again'' WHERE a % 2 = 0');
BEGIN;
SELECT osc_replay(:job) > 0 AS replayed;
ROLLBACK;
CALL osc_test.step_to(:job, 'ready');
BEGIN;
SELECT osc_swap(:job);
ROLLBACK;
SELECT osc_validate(:job);
CALL write('UPDATE @ SET b = ''and again'' WHERE a % 2 = 0');
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;

-- all steps in one transaction that writes as well
SELECT fresh();
BEGIN;
CALL write('DELETE FROM @ WHERE a = 1', 'INSERT INTO @ VALUES (1, ''in one transaction'')');
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
SELECT osc_step(:job), osc_step(:job), osc_step(:job), osc_step(:job);
CALL write('UPDATE @ SET b = ''in one transaction, too'' WHERE a = 2');
SELECT osc_step(:job), osc_step(:job), osc_step(:job), osc_step(:job), osc_step(:job);
COMMIT;
CALL osc_test.step_to(:job, 'ready');
SELECT osc_validate(:job);
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;

-- rows that move, in each phase, and before it matters
\set moving 'VACUUM FULL t'
\set phase preparing
\i :abs_srcdir/sql/include/moved.sql
\set ECHO none
\set phase captured
\i :abs_srcdir/sql/include/moved.sql
\set phase backfilling
\i :abs_srcdir/sql/include/moved.sql
\set phase indexing
\i :abs_srcdir/sql/include/moved.sql
\set phase catching_up
\i :abs_srcdir/sql/include/moved.sql
\set phase validating
\i :abs_srcdir/sql/include/moved.sql
\set phase ready
\i :abs_srcdir/sql/include/moved.sql
\set ECHO all
\set moving 'CLUSTER t USING t_a'
\set ECHO none
\set phase backfilling
\i :abs_srcdir/sql/include/moved.sql
\set phase ready
\i :abs_srcdir/sql/include/moved.sql
\set ECHO all
\set moving 'TRUNCATE t'
\set ECHO none
\set phase captured
\i :abs_srcdir/sql/include/moved.sql
\set phase backfilling
\i :abs_srcdir/sql/include/moved.sql
\set phase indexing
\i :abs_srcdir/sql/include/moved.sql
\set phase catching_up
\i :abs_srcdir/sql/include/moved.sql
\set phase validating
\i :abs_srcdir/sql/include/moved.sql
\set phase ready
\i :abs_srcdir/sql/include/moved.sql
\set ECHO all
SELECT * FROM osc_test.left_behind();

-- between the steps of a manual swap, and by osc_replay() and osc_validate()
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
VACUUM FULL t;
SELECT osc_validate(:job);
SELECT osc_swap(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
CALL osc_test.step_to(:job, 'ready');
VACUUM FULL t;
SELECT osc_replay(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT event, detail FROM osc_events WHERE job_id = :job AND event = 'restart';
CALL osc_test.step_to(:job, 'ready');
-- the copy moves: a VACUUM FULL of the whole database
SELECT 'osc_' || :job || '_1' AS helper \gset
VACUUM FULL :helper.t;
VACUUM FULL :helper.osc_place_1;
CALL write('DELETE FROM @ WHERE a % 3 = 0', 'UPDATE @ SET b = ''moved'' WHERE a % 5 = 0');
SELECT osc_step(:job);
CALL osc_test.step_to(:job, 'ready');
SELECT osc_validate(:job);
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;

-- a TRUNCATE that is rolled back, and one by hand in the transaction of the step
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
BEGIN;
SAVEPOINT s;
TRUNCATE t;
INSERT INTO t VALUES (1, 'lost');
ROLLBACK TO s;
CALL write('UPDATE @ SET b = ''kept'' WHERE a < 5');
COMMIT;
SELECT osc_step(:job);
BEGIN;
CALL write('TRUNCATE @', 'INSERT INTO @ VALUES (1, ''after''), (1, ''after'')');
SELECT osc_step(:job);
COMMIT;
CALL osc_test.step_to(:job, 'ready');
SELECT osc_validate(:job);
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*), wrong_rows() FROM t;

DROP SCHEMA no_key CASCADE;
