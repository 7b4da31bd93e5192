-- alter_columns.sql: jobs that add and drop columns and change their options,
-- and the options of the table, against native ALTER TABLE
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 6001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA alter_columns;
SET search_path = alter_columns, public;
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN present AS int NOT NULL DEFAULT 8;
CREATE SEQUENCE numbers;
CALL osc_test.twice($$
	CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'none', b int, c text, gone int, d int);
	CREATE INDEX t_b ON t (b);
	CREATE INDEX t_c_d ON t (c, d);
	ALTER TABLE t DROP gone;
	INSERT INTO t SELECT n, 'a' || n, n, nullif('c' || n, 'c4'), n % 3 FROM generate_series(1, 30) n;
	ALTER TABLE t ADD fast text DEFAULT 'fast';
	INSERT INTO t SELECT n, 'a' || n, n, 'c' || n, n % 3, NULL FROM generate_series(31, 40) n;
$$);
SELECT * FROM osc_test.differences('t');

-- new columns: none, constant, stable and volatile defaults
CALL osc_test.both('ALTER TABLE t ADD e int');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD COLUMN f int DEFAULT 7, ADD g text NOT NULL DEFAULT ''g''');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD h text DEFAULT current_user, ADD i text DEFAULT (current_setting(''DateStyle''))');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD j alter_columns.positive, ADD k alter_columns.positive DEFAULT 3, ADD l alter_columns.present');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD m int DEFAULT 5 CHECK (m > 4), ADD n int CONSTRAINT n_unique UNIQUE, ADD o numeric(5,2) DEFAULT 1.239');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD IF NOT EXISTS p int[] DEFAULT ''{1,2}'', ADD q char(3) DEFAULT ''q'', ADD r jsonb DEFAULT ''{"a": 1}''');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD s text COLLATE "C" DEFAULT ''s'', ADD u varchar(4) COMPRESSION pglz');
SELECT * FROM osc_test.differences('t');

-- a stable default is evaluated once, a volatile one for every row
SELECT osc_start('ALTER TABLE online.t ADD v timestamptz DEFAULT now(), ADD w float8 DEFAULT random(), ADD x int NOT NULL DEFAULT nextval(''alter_columns.numbers''), ADD y timestamptz DEFAULT clock_timestamp() CHECK (y IS NOT NULL)', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT count(DISTINCT v) AS v, count(DISTINCT w) > 30 AS w, count(DISTINCT x) AS x, count(DISTINCT y) > 1 AS y, count(*) FROM online.t;
ALTER TABLE native.t ADD v timestamptz DEFAULT now(), ADD w float8 DEFAULT random(), ADD x int NOT NULL DEFAULT nextval('alter_columns.numbers'), ADD y timestamptz DEFAULT clock_timestamp() CHECK (y IS NOT NULL);
UPDATE native.t SET (v, w, x, y) = (SELECT o.v, o.w, o.x, o.y FROM online.t o WHERE o.id = t.id);
SELECT * FROM osc_test.differences('t');
-- and rows that come later get it
INSERT INTO online.t (id, l, v) VALUES (41, 1, '2020-01-01'), (42, 1, DEFAULT);
SELECT n.v > o.v AS later FROM online.t n, online.t o WHERE n.id = 42 AND o.id = 1;
INSERT INTO native.t TABLE online.t EXCEPT TABLE native.t;
SELECT * FROM osc_test.differences('t');

-- generated columns
CALL osc_test.both('ALTER TABLE t ADD g1 int GENERATED ALWAYS AS (b * 2) STORED, ADD g2 text GENERATED ALWAYS AS (upper(c)) STORED UNIQUE');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD base date DEFAULT ''2020-02-02'', ADD year int GENERATED ALWAYS AS (extract(year FROM base)) STORED NOT NULL');
SELECT * FROM osc_test.differences('t');
INSERT INTO online.t (id, b, c, base) VALUES (50, 25, 'x', '1999-01-01');
SELECT id, g1, g2, year FROM online.t WHERE id IN (1, 4, 50) ORDER BY id;
DELETE FROM online.t WHERE id = 50;

-- columns that go, with what hangs on them
CALL osc_test.both('ALTER TABLE t DROP e, DROP COLUMN IF EXISTS f, DROP g2');
SELECT * FROM osc_test.differences('t');
SET client_min_messages = warning;
CALL osc_test.both('ALTER TABLE t DROP IF EXISTS nothing, DROP g1, DROP m');
RESET client_min_messages;
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t DROP b, DROP c, DROP fast');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t DROP d, ADD d text DEFAULT ''again''');
SELECT * FROM osc_test.differences('t');

-- defaults, NOT NULL, statistics, storage, compression, options
CALL osc_test.both('ALTER TABLE t ALTER a SET DEFAULT ''other'', ALTER h DROP DEFAULT, ALTER k DROP DEFAULT');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER a DROP NOT NULL, ALTER d SET NOT NULL, ALTER q SET NOT NULL');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER a SET STATISTICS 77, ALTER r SET STORAGE external, ALTER a SET COMPRESSION pglz, ALTER o SET (n_distinct = -0.5)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER a SET STATISTICS -1, ALTER a SET COMPRESSION default, ALTER o RESET (n_distinct), ALTER r SET STORAGE main');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t SET (fillfactor = 60, autovacuum_enabled = false, toast.autovacuum_enabled = false, toast_tuple_target = 1000)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t RESET (fillfactor, toast_tuple_target), SET (autovacuum_vacuum_threshold = 500)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t RESET (autovacuum_enabled, toast.autovacuum_enabled)');
SELECT * FROM osc_test.differences('t');

-- an index of a table with parallel workers, from the start
CALL osc_test.both('ALTER TABLE t SET (parallel_workers = 2)');
CALL osc_test.both('ALTER TABLE t ADD par int DEFAULT 1, RESET (parallel_workers)');
SELECT * FROM osc_test.differences('t');

-- all at once
CALL osc_test.both($$ALTER TABLE t ALTER id TYPE bigint, DROP a, ADD z int DEFAULT 9,
	ALTER k SET DEFAULT 4, ADD CHECK (o IS NULL OR o < 1000), ADD CONSTRAINT kz UNIQUE (id, k), ALTER o TYPE int USING o * 100, SET (fillfactor = 90)$$);
SELECT * FROM osc_test.differences('t');

-- what came out, to be sure that something did
SELECT attnum, attname, format_type(atttypid, atttypmod) AS type, attnotnull FROM pg_attribute
WHERE attrelid = 'online.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1;
SELECT id, h = current_user AS h, i, j, k, l, n, o, p, q, r, s, d, z FROM online.t WHERE id IN (1, 4, 40, 42) ORDER BY id;
SELECT indexname FROM pg_indexes WHERE schemaname = 'online' AND tablename = 't' ORDER BY 1;

SELECT state, count(*) FROM osc_progress WHERE relation ~ '^online' AND job_id BETWEEN :first_job AND :first_job + 999 GROUP BY 1;
SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA alter_columns, native, online CASCADE;
