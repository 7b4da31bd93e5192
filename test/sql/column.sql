-- column: strategy column, from the plan to the clean-up, and back
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 44001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all
SET client_min_messages = warning;
SET online_schema.swap_timeout = '30s';

-- what a table looks like to its users
CREATE VIEW looks AS
SELECT c.relname, a.attnum > 4 AS added, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
	a.attidentity AS identity, pg_get_expr(d.adbin, d.adrelid) AS default, a.attacl::text AS acl,
	ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%') AS options, nullif(a.attstattarget, -1) AS stats,
	col_description(c.oid, a.attnum) AS comment
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
ORDER BY c.relname, a.attnum;
CREATE VIEW uses AS
SELECT t.relname, 'index' AS kind, regexp_replace(pg_get_indexdef(i.indexrelid), 'osc_(old|new)_\d+_\d+', 'osc_\1', 'g') AS definition,
	obj_description(i.indexrelid, 'pg_class') AS comment
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
UNION ALL
SELECT t.relname, 'constraint', k.conname || ' ' || pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
WHERE k.contype <> 'n'
ORDER BY 1, 2, 3;
CREATE FUNCTION traces() RETURNS TABLE (what text, n bigint) LANGUAGE sql AS $$
	SELECT 'schemas', count(*) FROM pg_namespace WHERE nspname ~ '^osc_\d'
	UNION ALL SELECT 'triggers', count(*) FROM pg_trigger WHERE tgname ~ 'osc_mirror'
	UNION ALL SELECT 'columns', count(*) FROM pg_attribute WHERE attname ~ '^osc_(new|old)' AND attrelid >= 16384
	UNION ALL SELECT 'relations', count(*) FROM pg_class WHERE relname ~ '^osc_(new|old)'
	UNION ALL SELECT 'constraints', count(*) FROM pg_constraint WHERE conname ~ 'osc_'
		AND connamespace <> 'online_schema'::regnamespace
$$;

CREATE TABLE address (
	id bigint PRIMARY KEY,
	street varchar(50) NOT NULL DEFAULT 'none' CONSTRAINT street_check CHECK (length(street) > 0),
	city text,
	changed int DEFAULT 0
);
CREATE INDEX address_street ON address (street varchar_pattern_ops);
CREATE INDEX address_lower ON address (lower(street), city) WHERE street <> 'none';
CREATE UNIQUE INDEX address_unique ON address (street, id);
COMMENT ON COLUMN address.street IS 'where';
COMMENT ON CONSTRAINT street_check ON address IS 'not empty';
COMMENT ON INDEX address_street IS 'by pattern';
ALTER TABLE address ALTER street SET (n_distinct = 100), ALTER street SET STATISTICS 50;
ALTER TABLE address CLUSTER ON address_street;
CREATE ROLE regress_column_reader;
GRANT SELECT (street), UPDATE (street) ON address TO regress_column_reader;
CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NEW.changed := NEW.changed + 1; RETURN NEW; END $$;
CREATE TRIGGER zz_bump BEFORE UPDATE ON address FOR EACH ROW EXECUTE FUNCTION bump();
INSERT INTO address SELECT n, 'street ' || n, 'city', 0 FROM generate_series(1, 1000) AS n;

-- the plan
SELECT step, phase, regexp_replace(command, '_(\d+)_(\d+)', '_N_\2', 'g') AS command, lock_mode, blocks
FROM osc_plan('ALTER TABLE address ALTER street TYPE text, ADD CONSTRAINT street_length CHECK (length(street) <= 60)', 'column');
SELECT note FROM osc_plan('ALTER TABLE address ALTER street TYPE text', 'column') WHERE note IS NOT NULL;

-- swapped, with a look at each moment
SELECT osc_start('ALTER TABLE address ALTER street TYPE text, ADD CONSTRAINT street_length CHECK (length(street) <= 60)',
	'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state, phase, rows_done FROM osc_progress WHERE job_id = :job;
SELECT * FROM looks WHERE relname = 'address';
-- a direct write to the helper column never makes the two differ
UPDATE address SET osc_new_2 = 'differs' WHERE id = 1;
INSERT INTO address (id, osc_new_2) VALUES (1001, 'differs');
SELECT id, street, osc_new_2, changed FROM address WHERE id IN (1, 2, 1001) ORDER BY id;
SELECT osc_test.validate(:job) AS osc_validate;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase, waiting_for FROM osc_progress WHERE job_id = :job;
SELECT * FROM looks WHERE relname = 'address';
SELECT * FROM uses WHERE relname = 'address';
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'address'::regclass AND indisclustered;
SELECT osc_test.validate(:job) AS osc_validate;

-- what the old type holds, and what it does not
INSERT INTO address (id, street) VALUES (1002, 'short'), (1003, repeat('long ', 11));
INSERT INTO address (id) VALUES (1004);
INSERT INTO address (id, street) VALUES (1005, repeat('x', 61));
UPDATE address SET street = NULL WHERE id = 1;
UPDATE address SET osc_old_2 = 'differs' WHERE id = 3;
SELECT id, osc_old_2, street, changed FROM address WHERE id IN (3, 1002, 1003, 1004) ORDER BY id;
SELECT osc_test.validate(:job) AS osc_validate;
SELECT osc_revert(:job);
UPDATE address SET id = 2003 WHERE id = 1003;
SELECT osc_revert(:job);
UPDATE address SET street = 'short now' WHERE id = 2003;
-- others keep their hands off
ALTER TABLE address DROP COLUMN osc_old_2;
SELECT osc_cancel(:job);
SELECT osc_start('ALTER TABLE address ADD x int');
BEGIN;
SELECT osc_revert(:job);
ROLLBACK;
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT osc_revert(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM looks WHERE relname = 'address';
SELECT * FROM uses WHERE relname = 'address';
SELECT id, street, changed FROM address WHERE id IN (3, 1002, 2003, 1004) ORDER BY id;
SELECT * FROM traces();
SELECT osc_revert(:job);

-- once more, and cleaned
SELECT osc_start('ALTER TABLE address ALTER street TYPE text, ADD CONSTRAINT street_length CHECK (length(street) <= 60)',
	'column') AS job \gset
CALL osc_wait(:job, '300 s');
UPDATE address SET street = 'last' WHERE id = 4;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM looks WHERE relname = 'address';
SELECT * FROM uses WHERE relname = 'address';
SELECT id, street, changed FROM address WHERE id IN (1, 4, 2003) ORDER BY id;
SELECT * FROM traces();

-- keys, foreign keys out and in, identity and serial
CREATE TABLE author (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n serial, name text);
CREATE TABLE book (id int PRIMARY KEY, author int REFERENCES author ON UPDATE CASCADE ON DELETE SET NULL, part_of int REFERENCES book);
CREATE STATISTICS author_stats ON n, name FROM author;
COMMENT ON CONSTRAINT author_pkey ON author IS 'the key';
COMMENT ON CONSTRAINT book_author_fkey ON book IS 'who wrote it';
INSERT INTO author (name) SELECT 'author ' || n FROM generate_series(1, 100) AS n;
INSERT INTO book SELECT n, n, nullif(n - 1, 0) FROM generate_series(1, 100) AS n;
SELECT osc_start('ALTER TABLE author ALTER id TYPE bigint, ALTER n TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT * FROM looks WHERE relname = 'author';
SELECT * FROM uses WHERE relname IN ('author', 'book');
SELECT pg_get_serial_sequence('author', 'id') AS id, pg_get_serial_sequence('author', 'n') AS n;
INSERT INTO author (name) VALUES ('one more') RETURNING id, n, osc_old_1, osc_old_2;
DELETE FROM author WHERE id = 5;
SELECT author FROM book WHERE id = 5;
SELECT osc_test.validate(:job) AS osc_validate;
SELECT osc_revert(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM looks WHERE relname = 'author';
SELECT * FROM uses WHERE relname IN ('author', 'book');
SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxname = 'author_stats';
INSERT INTO author (name) VALUES ('another') RETURNING id, n;
INSERT INTO book VALUES (200, 999);
-- a value that the old key cannot hold
SELECT osc_start('ALTER TABLE author ALTER id TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO author (id, name) OVERRIDING SYSTEM VALUE VALUES (5000000000, 'far') RETURNING id, osc_old_1;
SELECT osc_revert(:job);
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT osc_start('ALTER TABLE book ALTER id TYPE bigint, ALTER part_of TYPE bigint, ALTER author TYPE bigint', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM uses WHERE relname IN ('author', 'book');
SELECT * FROM looks WHERE relname IN ('author', 'book');
SELECT * FROM traces();

-- USING, without a way back
CREATE TABLE item (id int PRIMARY KEY, price text NOT NULL UNIQUE, other int);
INSERT INTO item SELECT n, n || ' EUR', n FROM generate_series(1, 10) AS n;
SELECT note FROM osc_plan('ALTER TABLE item ALTER price TYPE int USING split_part(price, '' '', 1)::int', 'column') WHERE phase = 'kept';
SELECT osc_start('ALTER TABLE item ALTER price TYPE int USING split_part(price, '' '', 1)::int, ALTER price SET DEFAULT 0', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO item (id) VALUES (11) RETURNING *;
-- the old column is in the place where the changed one was: its value would be lost
INSERT INTO item VALUES (12, '12 EUR');
INSERT INTO item VALUES (12, '12 EUR', 12, 12);
INSERT INTO item VALUES (12, NULL, 12, 12) RETURNING *;
DELETE FROM item WHERE id = 12;
UPDATE item SET price = 5000 WHERE id = 5 RETURNING *;
SELECT osc_test.validate(:job) AS osc_validate;
SELECT osc_revert(:job);
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM uses WHERE relname = 'item';

-- a value that the new type cannot hold, before and while the job runs: native's errors
CREATE TABLE bad (id int PRIMARY KEY, v text);
INSERT INTO bad VALUES (1, '1'), (2, 'two');
SELECT osc_start('ALTER TABLE bad ALTER v TYPE int USING v::int', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE TABLE late (id int PRIMARY KEY, v text);
INSERT INTO late SELECT n, n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE late ALTER v TYPE int USING v::int', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO late VALUES (11, 'eleven') RETURNING *;
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM late WHERE id = 11;
SELECT * FROM traces();

-- neither it nor a NULL makes a client's write fail where the new column will be NOT NULL: the job fails
CREATE TABLE strict (id int PRIMARY KEY, v text NOT NULL, w int);
INSERT INTO strict SELECT n, n, n FROM generate_series(1, 10) AS n;
SELECT osc_start('ALTER TABLE strict ALTER v TYPE int USING v::int', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO strict VALUES (11, 'eleven', 11) RETURNING *;
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE strict ALTER w TYPE bigint, ALTER w SET NOT NULL', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
BEGIN;
INSERT INTO strict VALUES (12, '12', NULL) RETURNING *;
UPDATE strict SET w = 12 WHERE id = 12;
UPDATE strict SET w = NULL WHERE id = 1;
SAVEPOINT s;
SELECT osc_swap(:job);
ROLLBACK TO s;
UPDATE strict SET w = 1 WHERE id = 1;
SELECT osc_swap(:job);
COMMIT;
CALL osc_wait(:job, '300 s');
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'strict'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
-- a unique index on the new column is in force as soon as it is built, as the plan says
CREATE TABLE rounded (id int PRIMARY KEY, v numeric UNIQUE, w int UNIQUE);
INSERT INTO rounded SELECT n, n, n FROM generate_series(1, 10) AS n;
SELECT regexp_replace(command, '_\d+_', '_N_', 'g') AS command, note
FROM osc_plan('ALTER TABLE rounded ALTER v TYPE int', 'column') WHERE phase = 'indexing' AND command ~ 'INDEX';
SELECT note FROM osc_plan('ALTER TABLE rounded ALTER w TYPE bigint', 'column') WHERE phase = 'indexing' AND command ~ 'INDEX';
SELECT osc_start('ALTER TABLE rounded ALTER v TYPE int', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
DO $$ BEGIN
	INSERT INTO rounded VALUES (11, 1.2, 11);
EXCEPTION WHEN unique_violation THEN
	RAISE WARNING '%', regexp_replace(SQLERRM, '_\d+_\d+', '_N');
END $$;
INSERT INTO rounded VALUES (12, 12.2, 12) RETURNING *;
SELECT osc_cancel(:job);
CALL osc_wait(:job, '300 s');
DROP TABLE strict, rounded;

-- constraints that rows violate
SELECT osc_start('ALTER TABLE late ALTER v TYPE varchar(20), ADD CONSTRAINT short CHECK (length(v) < 3)', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO late VALUES (12, '1'), (13, NULL);
SELECT osc_start('ALTER TABLE late ALTER v TYPE varchar(20), ADD UNIQUE (v)', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_start('ALTER TABLE late ALTER v TYPE varchar(20), ALTER v SET NOT NULL', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
-- without the comparison, too
SET online_schema.verify = off;
SELECT osc_start('ALTER TABLE late ALTER v TYPE varchar(20), ALTER v SET NOT NULL', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
RESET online_schema.verify;
SELECT * FROM traces();

-- pause, cancel
SELECT osc_start('ALTER TABLE late ALTER v TYPE varchar(20)', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_pause(:job);
INSERT INTO late VALUES (14, 'paused') RETURNING *;
SELECT osc_resume(:job);
SELECT osc_cancel(:job);
CALL osc_wait(:job, '300 s');
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT * FROM traces();

-- keep_old = off ends the job at the swap
SET online_schema.keep_old = 'off';
SELECT osc_start('ALTER TABLE late ALTER v TYPE varchar(20)', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state FROM osc_progress WHERE job_id = :job;
RESET online_schema.keep_old;

-- what is refused, before anything is made
CREATE TABLE no_key (v int);
CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE seen (id int PRIMARY KEY, v int, w int GENERATED ALWAYS AS (id * 2) STORED, x int UNIQUE DEFERRABLE,
	y int, EXCLUDE (y WITH =));
CREATE VIEW seeing AS SELECT v FROM seen;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
SELECT osc_start('ALTER TABLE seen ADD z int', 'column');
SELECT osc_start('ALTER TABLE seen ALTER id TYPE bigint, ADD z int', 'column');
SELECT osc_start('ALTER TABLE seen ALTER id TYPE bigint, ALTER y SET DEFAULT 1', 'column');
SELECT osc_start('ALTER TABLE late ALTER v TYPE text, ADD CHECK (id > 1)', 'column');
SELECT osc_start('ALTER TABLE late ALTER v TYPE text, DROP CONSTRAINT late_pkey', 'column');
SELECT osc_start('ALTER TABLE seen ALTER id TYPE bigint', 'column');
SELECT osc_start('ALTER TABLE seen ALTER id TYPE bigint; ALTER TABLE seen ALTER y TYPE bigint', 'column');
SELECT osc_start('CREATE INDEX ON seen (y)', 'column');
SELECT osc_start('ALTER TABLE seen ALTER v TYPE bigint', 'column');
SELECT osc_start('ALTER TABLE seen ALTER x TYPE bigint', 'column');
SELECT osc_start('ALTER TABLE seen ALTER y TYPE bigint', 'column');
SELECT osc_start('ALTER TABLE late ALTER v TYPE positive USING 1', 'column');
SELECT osc_start('ALTER TABLE late ALTER v TYPE text USING random()::text', 'column');
SELECT osc_start('ALTER TABLE no_key ALTER v TYPE bigint', 'column');
SELECT osc_start('ALTER TABLE parted ALTER v TYPE bigint', 'column');
SELECT osc_start('ALTER TABLE late ALTER nothing TYPE bigint', 'column');
SELECT osc_revert(0);
CREATE TRIGGER mine BEFORE INSERT ON late FOR EACH ROW EXECUTE FUNCTION osc_mirror();
INSERT INTO late VALUES (100, 'x');
SELECT * FROM traces();

DROP VIEW seeing;
DROP TABLE address, author, bad, book, item, late, no_key, parted, seen;
DROP FUNCTION bump, traces;
DROP VIEW looks, uses;
DROP DOMAIN positive;
DROP ROLE regress_column_reader;
