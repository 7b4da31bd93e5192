-- column_rename: both names of a renamed column at once
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 45001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all
SET client_min_messages = warning;
SET online_schema.swap_timeout = '30s';
CREATE TABLE person (id int PRIMARY KEY, nm text NOT NULL DEFAULT 'nobody' CHECK (nm <> ''), code serial UNIQUE, note text);
CREATE TABLE part (id int PRIMARY KEY, person int REFERENCES person (code) ON UPDATE CASCADE);
CREATE INDEX ON person (lower(nm));
CREATE UNIQUE INDEX person_plain ON person (code, note);
COMMENT ON COLUMN person.nm IS 'who';
ALTER TABLE person ALTER nm SET STORAGE EXTERNAL, ALTER nm SET COMPRESSION pglz, ALTER nm SET STATISTICS 30, ALTER nm SET (n_distinct = 7);
CREATE ROLE regress_rename_reader;
GRANT SELECT (nm) ON person TO regress_rename_reader;
INSERT INTO person (id) SELECT n FROM generate_series(1, 100) AS n;

SELECT phase, regexp_replace(command, '_(\d+)_(\d+)', '_N_\2', 'g') AS command
FROM osc_plan('ALTER TABLE person RENAME COLUMN nm TO name', 'column') WHERE command !~ 'SET DEFAULT';
SELECT note FROM osc_plan('ALTER TABLE person RENAME COLUMN nm TO name', 'column') WHERE phase = 'kept';
SELECT osc_start('ALTER TABLE person RENAME COLUMN nm TO name', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT attname, attnotnull, attacl, attstorage, attcompression, attstattarget,
	ARRAY(SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_attver=%') AS options, col_description(attrelid, attnum) FROM pg_attribute
WHERE attrelid = 'person'::regclass AND attname IN ('nm', 'name') ORDER BY attnum;

-- a new row: whichever name is given; the default once, and only if none is
INSERT INTO person (id, nm) VALUES (101, 'old');
INSERT INTO person (id, name) VALUES (102, 'new');
INSERT INTO person (id) VALUES (103);
INSERT INTO person (id, nm, name) VALUES (104, 'same', 'same');
INSERT INTO person (id, nm, name) VALUES (105, 'one', 'other');
INSERT INTO person (id, nm) VALUES (106, NULL);
INSERT INTO person (id, name) VALUES (107, NULL);
INSERT INTO person (id, nm) VALUES (108, DEFAULT), (109, 'values');
INSERT INTO person (id, nm, name) VALUES (110, DEFAULT, 'given'), (111, 'given', DEFAULT), (112, DEFAULT, DEFAULT);
INSERT INTO person (id, nm) SELECT id + 100, nm || ' too' FROM person WHERE id IN (101, 102) ORDER BY id DESC;
COPY person (id, nm) FROM stdin;
120	copied
\.
COPY person (id) FROM stdin;
121
\.
INSERT INTO person (id, nm) VALUES (101, 'upsert') ON CONFLICT (id) DO UPDATE SET nm = EXCLUDED.nm || '!';
-- a row that is changed: the name that is changed wins
UPDATE person SET nm = 'by the old name' WHERE id = 102;
UPDATE person SET name = 'by the new name' WHERE id = 103;
UPDATE person SET nm = 'both', name = 'both' WHERE id = 104;
UPDATE person SET nm = 'one', name = 'other' WHERE id = 108;
UPDATE person SET nm = 'swapped', name = nm WHERE id = 109;
UPDATE person SET name = '' WHERE id = 109;
UPDATE person SET nm = NULL WHERE id = 109;
UPDATE person SET note = 'another column' WHERE id = 110;
SELECT * FROM person WHERE id > 100 ORDER BY id;
SELECT osc_test.validate(:job) AS osc_validate;
-- taken back
SELECT osc_revert(:job);
CALL osc_wait(:job, '300 s');
SELECT id, nm, note FROM person WHERE id > 100 ORDER BY id;
SELECT attname, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'person'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;

-- a key that others refer to, with a sequence
SELECT osc_start('ALTER TABLE person RENAME code TO number', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE 'person'::regclass IN (conrelid, confrelid) AND contype <> 'n' ORDER BY conname;
INSERT INTO person (id, code) VALUES (300, 5000) RETURNING code, number;
INSERT INTO person (id, number) VALUES (301, 5001) RETURNING code, number;
INSERT INTO person (id, number) VALUES (302, 5001);
INSERT INTO person (id, code) VALUES (302, 5001);
INSERT INTO person (id, code) VALUES (302, 5001) ON CONFLICT (code) DO NOTHING;
INSERT INTO person (id, number) VALUES (302, 5001) ON CONFLICT (number) DO UPDATE SET note = 'conflict';
INSERT INTO person (id, number) VALUES (302, 5001) ON CONFLICT ON CONSTRAINT person_code_key DO NOTHING;
INSERT INTO part VALUES (1, 5001);
UPDATE person SET code = 5002 WHERE id = 301;
SELECT * FROM part;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE 'person'::regclass IN (conrelid, confrelid) AND contype <> 'n' ORDER BY conname;
SELECT attname, pg_get_expr(adbin, adrelid), pg_get_serial_sequence('person', attname) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'person'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
INSERT INTO person (id) VALUES (303) RETURNING number > 100 AS numbered;
SELECT state, last_error FROM osc_progress WHERE job_id = :job;

-- statistics, extended ones and targets, stay as they are, but for the name in them
CREATE TABLE watched (id int PRIMARY KEY, "The Name" text, x int);
INSERT INTO watched SELECT n, n, n FROM generate_series(1, 100) AS n;
CREATE INDEX watched_expr ON watched (("The Name" || 'q'), x, lower("The Name"));
ALTER INDEX watched_expr ALTER COLUMN 1 SET STATISTICS 99;
ALTER INDEX watched_expr ALTER COLUMN 3 SET STATISTICS 0;
CREATE STATISTICS " ON x" (mcv, ndistinct) ON x, "The Name", lower("The Name" || 'The Name' || x), ("The Name" || x) FROM watched;
CREATE STATISTICS watched_one ON ("The Name" COLLATE "C" || coalesce("The Name", CASE WHEN x > 0 THEN "The Name" END)) FROM watched;
CREATE STATISTICS watched_other ON id, x FROM watched;
ALTER STATISTICS " ON x" SET STATISTICS 50;
COMMENT ON STATISTICS watched_one IS 'one';
CREATE FUNCTION statistics() RETURNS TABLE (name text, definition text, target int, comment text) LANGUAGE sql AS $$
SELECT stxname AS name, pg_get_statisticsobjdef(oid) AS definition, nullif(stxstattarget, -1) AS target, obj_description(oid, 'pg_statistic_ext') AS comment
FROM pg_statistic_ext WHERE stxrelid = 'watched'::regclass
UNION ALL
SELECT attrelid::regclass::text, attname, nullif(attstattarget, -1), NULL FROM pg_attribute WHERE attrelid = 'watched_expr'::regclass
ORDER BY 1, 2 $$;
SELECT * FROM statistics();
SELECT osc_start('ALTER TABLE watched RENAME "The Name" TO "Another, or ""the"" name"', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT * FROM statistics();
SELECT osc_revert(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM statistics();
SELECT osc_start('ALTER TABLE watched RENAME "The Name" TO name', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM statistics();
DROP FUNCTION statistics;
DROP TABLE watched;

-- refused
CREATE TABLE more (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, g int GENERATED ALWAYS AS (id + 1) STORED, v int);
CREATE VIEW seen AS SELECT v FROM more;
SELECT osc_start('ALTER TABLE person RENAME note TO id', 'column');
SELECT osc_start('ALTER TABLE person RENAME nothing TO something', 'column');
SELECT osc_start('ALTER TABLE more RENAME n TO m', 'column');
SELECT osc_start('ALTER TABLE more RENAME g TO m', 'column');
SELECT osc_start('ALTER TABLE more RENAME v TO m', 'column');
SELECT osc_start('ALTER TABLE more RENAME TO most', 'column');
SELECT osc_start('ALTER TABLE person RENAME nm TO name; ALTER TABLE person RENAME note TO remark', 'column');
-- rows that others store would lose the value
CREATE TABLE stored (id int PRIMARY KEY, nm text);
CREATE TABLE storing (rows stored[]);
INSERT INTO stored VALUES (1, 'one');
INSERT INTO storing SELECT array_agg(s) FROM stored s;
SELECT osc_start('ALTER TABLE stored RENAME nm TO name', 'column');
SELECT osc_start('ALTER TABLE stored ALTER nm TYPE varchar(10)', 'column');
DROP TABLE storing;
SELECT osc_start('ALTER TABLE stored RENAME nm TO name', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
CREATE TABLE storing (r stored);
SELECT osc_swap(:job);
DROP TABLE storing;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT * FROM stored;
DROP TABLE stored;
DROP VIEW seen;
DROP TABLE person, part, more;
DROP ROLE regress_rename_reader;
