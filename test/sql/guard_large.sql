-- guard_large.sql: online_schema.guard = off, warn and error: plain DDL that
-- would scan, rewrite or index a large table while others are blocked
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 43001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA guard_large;
SET search_path = guard_large, public;
CREATE TABLE ref (id int PRIMARY KEY);
INSERT INTO ref VALUES (1);
CREATE TABLE big (id int PRIMARY KEY, v text, n int, m int NOT NULL, r int, CONSTRAINT has_n CHECK (n IS NOT NULL),
	CONSTRAINT other_ok CHECK (v <> ''));
INSERT INTO big SELECT i, repeat('x', 100), i, i, 1 FROM generate_series(1, 1000) i;
CREATE UNIQUE INDEX big_m ON big (m);
CREATE TABLE small (id int PRIMARY KEY, v text);
INSERT INTO small VALUES (1, 'v');

-- what a statement says, without its effect
CREATE FUNCTION says(sql text, OUT said text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		EXECUTE sql;
		RAISE EXCEPTION 'nothing';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
	END;
END $$;

-- off, the default
SHOW online_schema.guard;
SHOW online_schema.guard_min_size;
SET online_schema.guard_min_size = '64 kB';
CREATE INDEX big_v ON big (v);
DROP INDEX big_v;

SET online_schema.guard = error;
-- what the parse tree tells, and what the server tells of rewrites
SELECT c AS caught, r.said FROM unnest(ARRAY[
	'CREATE INDEX ON big (v)', 'CREATE UNIQUE INDEX i ON ONLY guard_large.big (id)', 'CREATE INDEX IF NOT EXISTS i ON big (v)',
	'ALTER TABLE big ADD CHECK (n > 0)', 'ALTER TABLE big ADD UNIQUE (v)', 'ALTER TABLE big DROP CONSTRAINT big_pkey, ADD PRIMARY KEY (n)',
	'ALTER TABLE big ADD EXCLUDE USING hash (v WITH =)', 'ALTER TABLE big ADD FOREIGN KEY (r) REFERENCES ref',
	'ALTER TABLE big ALTER v SET NOT NULL', 'ALTER TABLE big ADD x int CHECK (x > 0)', 'ALTER TABLE big ADD x int UNIQUE', 'ALTER TABLE big ADD x int DEFAULT 1 REFERENCES ref',
	'ALTER TABLE big ALTER id TYPE bigint', 'ALTER TABLE big ADD x float DEFAULT random()', 'ALTER TABLE big ADD x serial', 'ALTER TABLE big ADD x int GENERATED ALWAYS AS (n * 2) STORED',
	'ALTER TABLE big SET UNLOGGED', 'ALTER TABLE IF EXISTS big ALTER m TYPE text USING 1', 'ALTER TABLE big SET (fillfactor = 50), ADD UNIQUE (v)',
	'DO $d$ BEGIN ALTER TABLE big ALTER n TYPE bigint; END $d$']) WITH ORDINALITY u(c, o), says(c) r ORDER BY o;
-- what passes: short, or without blocking
SELECT c AS passes, r.said FROM unnest(ARRAY[
	'ALTER TABLE big ADD x int', 'ALTER TABLE big ADD x int DEFAULT 1 NOT NULL', 'ALTER TABLE big ADD x int REFERENCES ref', 'ALTER TABLE big DROP v',
	'ALTER TABLE big ADD CHECK (n > 0) NOT VALID', 'ALTER TABLE big ADD FOREIGN KEY (r) REFERENCES ref NOT VALID',
	'ALTER TABLE big ADD CONSTRAINT u UNIQUE USING INDEX big_m', 'ALTER TABLE big ALTER n SET NOT NULL', 'ALTER TABLE big ALTER m SET NOT NULL', 'ALTER TABLE big ALTER m DROP NOT NULL',
	'ALTER TABLE big ALTER v TYPE varchar', 'ALTER TABLE big VALIDATE CONSTRAINT has_n', 'ALTER TABLE big SET TABLESPACE pg_default', 'ALTER TABLE big RENAME TO huge', 'DROP INDEX big_m', 'DROP TABLE big',
	'CREATE INDEX IF NOT EXISTS big_m ON big (v)', 'ALTER TABLE small ALTER id TYPE bigint, ADD UNIQUE (v), ADD CHECK (v <> ''w''), ALTER v SET NOT NULL', 'CREATE INDEX ON small (v)',
	'CREATE TEMP TABLE mine AS SELECT * FROM big; CREATE INDEX ON mine (v); ALTER TABLE mine ALTER id TYPE bigint',
	'CREATE TABLE mine AS SELECT * FROM big; CREATE INDEX ON mine (v); ALTER TABLE mine ADD UNIQUE (id), ALTER id TYPE bigint',
	'TRUNCATE big; INSERT INTO big SELECT i, ''v'', i, i, 1 FROM generate_series(1, 3000) i; CREATE INDEX ON big (v)',
	'CREATE VIEW look AS SELECT * FROM big; ALTER VIEW look RENAME TO looked', 'CREATE MATERIALIZED VIEW look AS SELECT * FROM big']) WITH ORDINALITY u(c, o), says(c) r ORDER BY o;
CREATE INDEX CONCURRENTLY big_v ON big (v);
DROP INDEX CONCURRENTLY big_v;
-- TOAST counts, and partitions together; indexes do not
CREATE TABLE toasted (id int PRIMARY KEY, v text);
ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT i, repeat('x', 10000) FROM generate_series(1, 10) i;
CREATE INDEX ON toasted (id);
CREATE TABLE parts (id int, v text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts SELECT 1 + i % 2, repeat('x', 100) FROM generate_series(1, 500) i;
ALTER TABLE parts ALTER v SET NOT NULL;
ALTER TABLE parts_1 ALTER v SET NOT NULL;
-- osc_start() does not take materialized views
CREATE MATERIALIZED VIEW mat AS SELECT * FROM big;
CREATE INDEX ON mat (v);
DROP MATERIALIZED VIEW mat;

-- message, detail, hint: the statement as it was sent, ready to paste
CREATE INDEX ON big (v);
  /* a comment */ ALTER TABLE big
	ADD CHECK (v <> '$osc$; --') ;
ALTER TABLE big ADD CHECK (v <> '$osc' || $osc1$x$osc1$);
SELECT 1 AS one\; ALTER TABLE big ALTER id TYPE bigint\; SELECT 2 AS two;
CREATE INDEX "I; ""$osc" ON big (v) WHERE v <> 'ü$';
-- from within a function the text is not at hand
DO $d$ BEGIN ALTER TABLE big ALTER n TYPE bigint; END $d$;
CREATE PROCEDURE p() LANGUAGE sql AS 'ALTER TABLE guard_large.big ADD CHECK (n > 1)';
CALL p();
-- what the hint says does it
\set VERBOSITY terse
SELECT public.osc_start($osc$ALTER TABLE big
	ADD CHECK (v <> 'v')$osc$) AS job \gset
CALL osc_test.await_end(:job);
SELECT state FROM osc_progress WHERE job_id = :job;
\set VERBOSITY default

-- warn
SET online_schema.guard = warn;
ALTER TABLE big ALTER id TYPE int, ADD CHECK (n > -2);
SELECT pg_typeof(id) FROM big LIMIT 1;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'big'::regclass AND pg_get_constraintdef(oid) ~ '2';
-- larger than the table: passes
SET online_schema.guard_min_size = '1 GB';
CREATE INDEX ON big (v);

-- jobs pass
SET online_schema.guard = error;
SET online_schema.guard_min_size = 0;
SELECT osc_start('ALTER TABLE big ALTER n TYPE bigint, ADD UNIQUE (n), ADD x int DEFAULT 1', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(n) FROM big LIMIT 1;

-- for superusers, and bad values
CREATE ROLE regress_osc_plain;
SET ROLE regress_osc_plain;
SET online_schema.guard = off;
SET online_schema.guard_min_size = 1;
RESET ROLE;
DROP ROLE regress_osc_plain;
SET online_schema.guard = maybe;
\set VERBOSITY sqlstate
SET online_schema.guard_min_size = -1;
\set VERBOSITY default
SELECT osc_set(:job, 'guard', 'off');
-- a value that does not fit, from before the library was loaded, harms nobody's DDL
\c
SET search_path = guard_large, public;
SET online_schema.guard = 'maybe';
SET online_schema.workers = 'many';
CREATE INDEX ON small (v);
SHOW online_schema.guard;
SELECT state, message FROM osc_test.refusal('SELECT osc_plan(''ALTER TABLE small ADD x int'')');
SELECT state, message FROM osc_test.refusal('SELECT osc_plan(''ALTER TABLE small ADD x int'')');
-- a user cannot switch it off that way either
CREATE ROLE regress_osc_plain;
GRANT ALL ON SCHEMA guard_large TO regress_osc_plain;
ALTER TABLE big OWNER TO regress_osc_plain;
SELECT current_database() AS db \gset
ALTER DATABASE :"db" SET online_schema.guard = 'error';
ALTER DATABASE :"db" SET online_schema.guard_min_size = '64 kB';
\c
SET SESSION AUTHORIZATION regress_osc_plain;
SET online_schema.guard = off;
SET search_path = guard_large, public;
\set VERBOSITY terse
CREATE INDEX ON big (r);
\set VERBOSITY default
RESET SESSION AUTHORIZATION;
ALTER DATABASE :"db" RESET ALL;
\c

SET client_min_messages = warning;
SELECT * FROM osc_test.left_behind();
DROP SCHEMA guard_large CASCADE;
DROP ROLE regress_osc_plain;
