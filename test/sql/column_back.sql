-- column_back: what osc_revert() of strategy column brings back, and what it refuses to
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 46501
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all
SET client_min_messages = warning;
SET online_schema.swap_timeout = '30s';
CREATE FUNCTION back(job bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
	told text;
	advice text;
BEGIN
	RETURN osc_revert(job);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, told = PG_EXCEPTION_DETAIL, advice = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ' ' || said, told, regexp_replace(advice, '\(\d+\)', '(N)'));
END $$;
CREATE FUNCTION wait_until(job bigint, condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	met boolean;
BEGIN
	FOR i IN 1..6000 LOOP
		EXECUTE format('SELECT %s FROM osc_progress WHERE job_id = %s', condition, job) INTO met;
		EXIT WHEN met;
		PERFORM pg_sleep(0.05);
	END LOOP;
	RETURN met;
END $$;
CREATE VIEW uses AS
SELECT t.relname, regexp_replace(pg_get_indexdef(i.indexrelid), 'osc_(old|new)_\d+_\d+', 'osc_\1', 'g') AS definition
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
UNION ALL
SELECT t.relname, k.conname || ' ' || pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
WHERE k.contype <> 'n'
UNION ALL
SELECT t.relname, attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid WHERE attnum > 0 AND NOT attisdropped
ORDER BY 1, 2;

-- what was enforced on the new column is not enforced after the way back: nulls are equal here
CREATE TABLE w (id int PRIMARY KEY, a int);
CREATE UNIQUE INDEX w_a ON w (a) NULLS NOT DISTINCT;
INSERT INTO w SELECT n, n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE w ALTER a TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
BEGIN;
SELECT back(:job);
INSERT INTO w VALUES (100, 100);
INSERT INTO w VALUES (101, 101);
INSERT INTO w VALUES (102, 101);
ROLLBACK;
BEGIN;
SELECT back(:job);
INSERT INTO w VALUES (100, 100), (101, 101);
SELECT id, a, osc_new_2 FROM w WHERE id > 99 ORDER BY id;
COMMIT;
CALL osc_wait(:job, '300 s');
SELECT * FROM w WHERE id > 9 ORDER BY id;
-- nor what only the new type makes equal
CREATE TABLE x (id int PRIMARY KEY, a text UNIQUE);
INSERT INTO x SELECT n, n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE x ALTER a TYPE int USING a::int', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
BEGIN;
SELECT back(:job);
INSERT INTO x VALUES (11, '05');
COMMIT;
CALL osc_wait(:job, '300 s');
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT * FROM x WHERE id IN (5, 11) ORDER BY id;

-- NOT NULL that the statement drops: comes back if it is true
CREATE TABLE n (id int PRIMARY KEY, a int NOT NULL);
INSERT INTO n SELECT n, n FROM generate_series(1, 10) AS n;
SELECT command, lock_mode, note FROM osc_plan('ALTER TABLE n ALTER a TYPE bigint, ALTER a DROP NOT NULL', 'column') WHERE phase = 'cleaning';
SELECT osc_start('ALTER TABLE n ALTER a TYPE bigint, ALTER a DROP NOT NULL', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO n (id, a) VALUES (11, 11);
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM uses WHERE relname = 'n';
SELECT osc_start('ALTER TABLE n ALTER a TYPE bigint, ALTER a DROP NOT NULL', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO n (id, a) VALUES (12, NULL);
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM uses WHERE relname = 'n';
SELECT * FROM n WHERE a IS NULL;

-- a unique constraint that the statement drops: no way back, unless there is another like it
CREATE TABLE u (id int PRIMARY KEY, a int CONSTRAINT u_a UNIQUE, b int);
INSERT INTO u SELECT n, n, n FROM generate_series(1, 10) AS n;
SELECT note FROM osc_plan('ALTER TABLE u ALTER a TYPE bigint, DROP CONSTRAINT u_a', 'column') WHERE phase = 'kept';
SELECT osc_start('ALTER TABLE u ALTER a TYPE bigint, DROP CONSTRAINT u_a', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO u (id, a) VALUES (11, 5);
SELECT back(:job);
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
DELETE FROM u WHERE id = 11;
SELECT note FROM osc_plan('ALTER TABLE u ALTER id TYPE bigint, DROP CONSTRAINT u_pkey, ADD UNIQUE (id)', 'column') WHERE phase = 'kept';
SELECT note FROM osc_plan('ALTER TABLE u ALTER id TYPE bigint, DROP CONSTRAINT u_pkey, ADD UNIQUE (id, b)', 'column') WHERE phase = 'kept';
SELECT osc_start('ALTER TABLE u ALTER id TYPE bigint, DROP CONSTRAINT u_pkey, ADD CONSTRAINT u_id PRIMARY KEY (id)', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM uses WHERE relname = 'u';

-- indexes that were rebuilt while the old column was kept
CREATE TABLE r (id int PRIMARY KEY, a int, b int CONSTRAINT r_b UNIQUE);
CREATE UNIQUE INDEX r_a ON r (a);
INSERT INTO r SELECT n, n, n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE r ALTER id TYPE bigint, ALTER a TYPE bigint, ALTER b TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
REINDEX TABLE CONCURRENTLY r;
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM uses WHERE relname = 'r';
INSERT INTO r VALUES (11, 5, 11);
INSERT INTO r VALUES (11, 11, 5);
INSERT INTO r VALUES (5, 11, 11);

-- what was made on the new column would be lost, or go on reading it: nothing is done
CREATE TABLE other (id bigint PRIMARY KEY);
CREATE TABLE d (id int PRIMARY KEY, a varchar(20), b int);
INSERT INTO d SELECT n, n, n FROM generate_series(1, 10) AS n;
INSERT INTO other SELECT n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE d ALTER id TYPE bigint, ALTER a TYPE text, ALTER b TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE VIEW d_view AS SELECT id, a FROM d;
CREATE STATISTICS d_stats ON a, b FROM d;
CREATE POLICY d_policy ON d USING (a <> 'x');
CREATE RULE d_rule AS ON DELETE TO d WHERE old.a = 'x' DO INSTEAD NOTHING;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER d_trigger AFTER UPDATE OF a ON d FOR EACH ROW EXECUTE FUNCTION nothing();
-- the guard would refuse it
ALTER EVENT TRIGGER online_schema_guard_start DISABLE;
ALTER TABLE d ADD CONSTRAINT d_out FOREIGN KEY (b) REFERENCES other;
ALTER EVENT TRIGGER online_schema_guard_start ENABLE ALWAYS;
SELECT back(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
DROP RULE d_rule ON d;
DROP TRIGGER d_trigger ON d;
DROP STATISTICS d_stats;
DROP POLICY d_policy ON d;
SELECT back(:job);
ALTER TABLE other ADD d bigint CONSTRAINT d_in REFERENCES d;
SELECT back(:job);
DROP TABLE other CASCADE;
DROP VIEW d_view;
CREATE VIEW d_view AS SELECT id, a FROM d GROUP BY id;
SELECT back(:job);
DROP VIEW d_view;
UPDATE d SET a = 'after' WHERE id = 1;
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM uses WHERE relname = 'd';
SELECT * FROM d WHERE id = 1;

-- what hinders the clean-up is told; the job goes on when it is gone
SELECT osc_start('ALTER TABLE d ALTER a TYPE text', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE VIEW d_view AS SELECT * FROM d;
SELECT osc_cleanup(:job);
SELECT wait_until(:job, 'waiting_for LIKE ''%HINT%''');
SELECT state, phase, regexp_replace(waiting_for, '\(\d+\)', '(N)') AS waiting_for FROM osc_progress WHERE job_id = :job;
UPDATE d SET a = 'meanwhile' WHERE id = 2;
DROP VIEW d_view;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT * FROM d WHERE id = 2;
-- the same when the job is cancelled; even a change of the column does no harm to writers
SELECT osc_start('ALTER TABLE d ALTER b TYPE bigint, ALTER b SET NOT NULL', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE VIEW d_view AS SELECT * FROM d;
SELECT osc_cancel(:job);
SELECT wait_until(:job, 'waiting_for LIKE ''%HINT%''');
INSERT INTO d (id, b) VALUES (12, 12);
SELECT count(*) FROM d_view WHERE id = 12 AND osc_new_3 = b;
DROP VIEW d_view;
ALTER TABLE d ALTER b TYPE smallint;
INSERT INTO d (id, b) VALUES (13, 13);
SELECT osc_cleanup(:job);
SELECT wait_until(:job, 'state = ''cancelled''');
SELECT * FROM d WHERE id > 10 ORDER BY id;
SELECT * FROM uses WHERE relname = 'd';

-- nor where two names have two types, since the guard has let go
CREATE TABLE z (id int PRIMARY KEY, nm text);
SELECT osc_start('ALTER TABLE z RENAME nm TO name', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE VIEW z_view AS SELECT nm FROM z;
SELECT osc_cleanup(:job);
SELECT wait_until(:job, 'waiting_for LIKE ''%HINT%''');
INSERT INTO z (id, nm) VALUES (1, 'one');
ALTER TABLE z ALTER name TYPE int USING length(name);
INSERT INTO z (id, name) VALUES (2, 7);
INSERT INTO z (id, nm) VALUES (3, 'three');
UPDATE z SET name = 8 WHERE id = 1;
SELECT * FROM z ORDER BY id;
DROP VIEW z_view;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM z ORDER BY id;
-- and nothing is taken back to columns of other types
SELECT osc_start('ALTER TABLE z ALTER name TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
ALTER EVENT TRIGGER online_schema_guard_start DISABLE;
ALTER EVENT TRIGGER online_schema_guard_rewrite DISABLE;
ALTER EVENT TRIGGER online_schema_guard_drop DISABLE;
ALTER TABLE z ALTER osc_old_3 TYPE text;
ALTER EVENT TRIGGER online_schema_guard_start ENABLE ALWAYS;
ALTER EVENT TRIGGER online_schema_guard_rewrite ENABLE ALWAYS;
ALTER EVENT TRIGGER online_schema_guard_drop ENABLE ALWAYS;
INSERT INTO z (id, name) VALUES (4, 9);
SELECT back(:job);
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM z ORDER BY id;

-- a trigger that has changed rows behind the mirror
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE FUNCTION plus() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := NEW.a + 1000; RETURN NEW; END';
CREATE TRIGGER "~plus" BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION plus();
UPDATE t SET a = 5 WHERE id = 1;
SELECT * FROM t WHERE id = 1;
SELECT back(:job);
ALTER TRIGGER "~plus" ON t RENAME TO plus;
SELECT back(:job);
SELECT osc_test.validate(:job) AS osc_validate;
SELECT back(:job);
UPDATE t SET a = 7 WHERE id = 1;
SELECT * FROM t WHERE id = 1;
BEGIN;
SELECT osc_test.validate(:job) AS osc_validate;
SELECT back(:job);
ROLLBACK;
-- writes behind a comparison in the same transaction count, too
CREATE TRIGGER "~plus" BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.id = 9) EXECUTE FUNCTION plus();
DROP TRIGGER plus ON t;
BEGIN;
UPDATE t SET a = 1 WHERE id = 10;
SELECT osc_test.validate(:job) AS osc_validate;
UPDATE t SET a = 2 WHERE id = 9;
COMMIT;
DROP TRIGGER "~plus" ON t;
SELECT back(:job);
UPDATE t SET a = 3 WHERE id = 9;
SELECT back(:job);
SELECT osc_test.validate(:job) AS osc_validate;
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM t WHERE id IN (1, 9, 10) ORDER BY id;
-- and before the swap
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE TRIGGER "~plus" BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION plus();
UPDATE t SET a = 4 WHERE id = 1;
DROP TRIGGER "~plus" ON t;
SELECT osc_swap(:job);
SELECT osc_test.validate(:job) AS osc_validate;
SELECT osc_swap(:job);
UPDATE t SET a = 4 WHERE id = 1;
SELECT osc_test.validate(:job) AS osc_validate;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM t WHERE id = 1;

-- tables at the other end of foreign keys that have got other names
CREATE TABLE upper_table (id int PRIMARY KEY);
CREATE TABLE middle (id int PRIMARY KEY, up int CONSTRAINT to_upper REFERENCES upper_table);
CREATE TABLE lower_table (id int PRIMARY KEY, mid int CONSTRAINT to_middle REFERENCES middle);
COMMENT ON CONSTRAINT to_middle ON lower_table IS 'up';
CREATE SCHEMA elsewhere;
SELECT osc_start('ALTER TABLE middle ALTER id TYPE bigint, ALTER up TYPE bigint', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
-- the guard would refuse it
ALTER EVENT TRIGGER online_schema_guard_start DISABLE;
ALTER TABLE lower_table RENAME TO low;
ALTER EVENT TRIGGER online_schema_guard_start ENABLE ALWAYS;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
ALTER EVENT TRIGGER online_schema_guard_start DISABLE;
ALTER TABLE low RENAME TO lowest;
ALTER TABLE lowest SET SCHEMA elsewhere;
ALTER EVENT TRIGGER online_schema_guard_start ENABLE ALWAYS;
ALTER TABLE upper_table RENAME TO highest;
SELECT back(:job);
CALL osc_wait(:job, '300 s');
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint') FROM pg_constraint
WHERE contype = 'f' AND 'middle'::regclass IN (conrelid, confrelid) ORDER BY conname;

-- a sequence beyond the old type
CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int);
INSERT INTO i (v) VALUES (1);
SELECT osc_start('ALTER TABLE i ALTER id TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT setval('i_id_seq', 3000000000);
INSERT INTO i (v) VALUES (2);
DELETE FROM i WHERE id > 2000000000;
SELECT back(:job);
SELECT setval('i_id_seq', 100);
SELECT back(:job);
CALL osc_wait(:job, '300 s');
INSERT INTO i (v) VALUES (3) RETURNING id;

-- VACUUM makes room anew when the fill begins anew
CREATE TABLE v (id int PRIMARY KEY, a int) WITH (autovacuum_enabled = off);
INSERT INTO v SELECT n, n FROM generate_series(1, 10) AS n;
CALL osc_test.await_workers();
SELECT osc_start('ALTER TABLE v ALTER a TYPE bigint', 'column', run => 'manual') AS job \gset
SELECT osc_step(:job);
SELECT osc_step(:job);
UPDATE online_schema.job_member SET vacuumed_blocks = 1000 WHERE job_id = :job;
VACUUM FULL v;
SELECT osc_step(:job);
SELECT vacuumed_blocks FROM online_schema.job_member WHERE job_id = :job;
SELECT osc_cancel(:job);
SELECT wait_until(:job, 'state = ''cancelled''');

DROP TABLE d, elsewhere.lowest, i, middle, n, highest, r, t, u, v, w, x, z;
DROP SCHEMA elsewhere;
DROP FUNCTION back, nothing, plus, wait_until;
DROP VIEW uses;
