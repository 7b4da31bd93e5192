-- plan.sql: what osc_plan() shows, and that neither it nor osc_start() takes a
-- strong lock or leaves anything behind before the work begins
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 2001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA plan;
SET search_path = plan, public;
CREATE TABLE city (id int PRIMARY KEY, name varchar(50), founded date);
CREATE INDEX city_name ON city (name);

-- the steps of a copy
\x on
SELECT * FROM osc_plan('ALTER TABLE city ALTER id TYPE bigint');
\x off

-- of a table with rows; with a new CHECK constraint, which the copy proves
INSERT INTO city SELECT g, 'city ' || g, '0001-01-01'::date + g FROM generate_series(1, 10000) g;
ANALYZE city;
SELECT cost, note FROM osc_plan('ALTER TABLE city ADD CHECK (id > 0)', 'copy') WHERE phase = 'backfilling';

-- the settings show in it
SET online_schema.verify = off;
SET online_schema.lock_timeout = 77;
SET online_schema.batch_target_time = 33;
SELECT step, phase, lock_mode, note FROM osc_plan('ALTER TABLE city ADD UNIQUE (founded)', 'copy');
RESET online_schema.verify;
RESET online_schema.lock_timeout;
RESET online_schema.batch_target_time;

-- strategy copy is what auto means where rows are rewritten
SELECT count(*), count(DISTINCT strategy), min(strategy)
FROM osc_plan('ALTER TABLE city ALTER id TYPE bigint', strategy => 'copy');
SELECT count(*) FROM osc_plan('ALTER TABLE city ALTER id TYPE bigint', 'auto', NULL);

-- another key than the primary key, when that is the one that survives
CREATE UNIQUE INDEX city_founded ON city (founded);
ALTER TABLE city ALTER founded SET NOT NULL;
SELECT command FROM osc_plan('ALTER TABLE city ALTER id TYPE int USING -id') WHERE command ~ 'capture';

-- odd names are quoted
CREATE TABLE "odd; ""table""" ("the ""Key""" int PRIMARY KEY);
SELECT command FROM osc_plan('ALTER TABLE "odd; ""table""" ALTER "the ""Key""" TYPE bigint')
WHERE phase IN ('preparing', 'swapping') ORDER BY step;

-- planning takes ACCESS SHARE on the table and its indexes; so does
-- osc_start()
BEGIN;
SELECT count(*) FROM osc_plan('ALTER TABLE city DROP name');
SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'plan'::regnamespace ORDER BY 1, 2;
SELECT osc_start('ALTER TABLE city DROP name', run => 'manual');
SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'plan'::regnamespace ORDER BY 1, 2;
ROLLBACK;

-- neither leaves anything: no job, no schema, no table
SELECT count(*) FROM osc_progress WHERE relation ~ '^plan';
SELECT count(*) FROM osc_events WHERE job_id BETWEEN :first_job AND :first_job + 999;
SELECT * FROM osc_test.left_behind();

-- a rolled back savepoint is as good
BEGIN;
SAVEPOINT s;
SELECT osc_start('ALTER TABLE city DROP name', run => 'manual') \gset
ROLLBACK TO s;
SELECT count(*) FROM osc_progress WHERE relation ~ '^plan';
COMMIT;
SELECT count(*) FROM osc_progress WHERE relation ~ '^plan';
SELECT * FROM osc_test.left_behind();

-- a plan raises the errors of osc_start()
SELECT s.ddl, r.state, r.message
FROM (VALUES ('ALTER TABLE nowhere ADD x int'), ('ALTER TABLE city DROP nothing'), ('DROP TABLE city'),
	('ALTER TABLE city ALTER name TYPE int'), ('')) AS s(ddl),
	osc_test.refusal(format('SELECT osc_plan(%L)', s.ddl)) r;

-- planning needs no more than reading, starting does
BEGIN READ ONLY;
SELECT osc_start('ALTER TABLE city DROP name');
ROLLBACK;

DROP SCHEMA plan CASCADE;
