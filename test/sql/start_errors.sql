-- start_errors.sql: what osc_start() refuses before anything is made: native's
-- SQLSTATE where native has one, and a hint
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 3001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA start_errors;
SET search_path = start_errors, public;
CREATE TABLE shop (id int PRIMARY KEY, name text, size int);
INSERT INTO shop VALUES (1, 'one', 1), (2, 'two', 2);

-- one list of refusals, one row each
CREATE FUNCTION refused(VARIADIC ddl text[])
	RETURNS TABLE (statement text, state text, message text, detail text, hint text)
	LANGUAGE sql AS $$
SELECT d, r.* FROM unnest(ddl) WITH ORDINALITY AS u(d, n), osc_test.start_refusal(d) r ORDER BY n
$$;
\pset format unaligned
\pset fieldsep ' | '

-- no such table, no such column, no such constraint or type
SELECT * FROM refused(
	'ALTER TABLE nowhere ALTER id TYPE bigint',
	'ALTER TABLE IF EXISTS nowhere ALTER id TYPE bigint',
	'ALTER TABLE start_errors.nowhere ADD c int',
	'ALTER TABLE no_schema.shop ADD c int',
	'ALTER TABLE shop ALTER nothing TYPE bigint',
	'ALTER TABLE shop DROP nothing',
	'ALTER TABLE shop ALTER nothing SET NOT NULL',
	'ALTER TABLE shop ALTER nothing SET DEFAULT 1',
	'ALTER TABLE shop ALTER nothing SET STATISTICS 1',
	'ALTER TABLE shop ADD CHECK (nothing > 0)',
	'ALTER TABLE shop ADD UNIQUE (nothing)',
	'ALTER TABLE shop ALTER name TYPE int USING nothing',
	'ALTER TABLE shop DROP CONSTRAINT nothing',
	'ALTER TABLE shop ADD c nothing',
	'ALTER TABLE shop ALTER name TYPE int USING nothing(name)');

-- what native refuses in the statement itself
SELECT * FROM refused(
	'ALTER TABLE shop ALTER name TYPE int',
	'ALTER TABLE shop ADD name text',
	'ALTER TABLE shop ADD c int, ADD c int',
	'ALTER TABLE shop ALTER size TYPE bigint, ALTER size TYPE numeric',
	'ALTER TABLE shop ADD c int DEFAULT ''x''',
	'ALTER TABLE shop ADD CONSTRAINT shop_pkey CHECK (id > 0)',
	'ALTER TABLE shop ADD CONSTRAINT shop_pkey UNIQUE (size)',
	'ALTER TABLE shop ADD PRIMARY KEY (size)',
	'ALTER TABLE shop ALTER size SET STORAGE EXTERNAL',
	'ALTER TABLE shop SET (fillfactor = 1)',
	'ALTER TABLE shop SET (nothing = 1)',
	'ALTER TABLE shop ALTER xmin TYPE int',
	'ALTER TABLE shop DROP ctid',
	'ALTER TABLE shop ALTER name TYPE int USING count(*)',
	'ALTER TABLE shop ALTER name TYPE int USING (SELECT 1)');

-- a text that is no statement, or not one ALTER TABLE
SELECT * FROM refused('', ' ', ';', '-- nothing',
	'ALTER TABEL shop ADD c int',
	'ALTER TABLE shop ADD');
-- an error's position is one in the statement
SELECT osc_start('ALTER TABEL shop ADD c int');
SELECT osc_start('ALTER TABLE shop ALTER name TYPE int USING length(name) + nothing');
SELECT * FROM refused(
	'ALTER TABLE shop ADD c int; ALTER TABLE shop ADD d int',
	'SELECT 1', 'BEGIN', 'INSERT INTO shop VALUES (3)', 'DROP TABLE shop', 'TRUNCATE shop',
	'CREATE INDEX ON shop (name)', 'DROP INDEX shop_pkey', 'REINDEX TABLE shop', 'VACUUM FULL shop',
	'CLUSTER shop', 'ALTER INDEX shop_pkey SET (fillfactor = 50)', 'ALTER VIEW v ALTER c SET DEFAULT 1',
	'ALTER MATERIALIZED VIEW v SET (fillfactor = 50)', 'ALTER SEQUENCE s AS bigint',
	'ALTER FOREIGN TABLE f ADD c int', 'ALTER TYPE t ADD ATTRIBUTE c int', 'DO $d$ BEGIN END $d$');

-- sub-commands that are not carried out by copy
SELECT statement, state, message FROM refused(
	'ALTER TABLE shop OWNER TO CURRENT_USER',
	'ALTER TABLE shop SET TABLESPACE pg_default',
	'ALTER TABLE shop SET UNLOGGED',
	'ALTER TABLE shop SET LOGGED',
	'ALTER TABLE shop SET ACCESS METHOD heap',
	'ALTER TABLE shop CLUSTER ON shop_pkey',
	'ALTER TABLE shop SET WITHOUT CLUSTER',
	'ALTER TABLE shop SET WITHOUT OIDS',
	'ALTER TABLE shop REPLICA IDENTITY FULL',
	'ALTER TABLE shop ENABLE ROW LEVEL SECURITY',
	'ALTER TABLE shop DISABLE ROW LEVEL SECURITY',
	'ALTER TABLE shop FORCE ROW LEVEL SECURITY',
	'ALTER TABLE shop NO FORCE ROW LEVEL SECURITY',
	'ALTER TABLE shop ENABLE TRIGGER ALL',
	'ALTER TABLE shop DISABLE TRIGGER USER',
	'ALTER TABLE shop ENABLE REPLICA TRIGGER t',
	'ALTER TABLE shop ENABLE ALWAYS TRIGGER t',
	'ALTER TABLE shop ENABLE RULE r',
	'ALTER TABLE shop DISABLE RULE r',
	'ALTER TABLE shop INHERIT other',
	'ALTER TABLE shop NO INHERIT other',
	'ALTER TABLE shop OF some_type',
	'ALTER TABLE shop NOT OF',
	'ALTER TABLE shop ATTACH PARTITION other DEFAULT',
	'ALTER TABLE shop DETACH PARTITION other',
	'ALTER TABLE shop VALIDATE CONSTRAINT c',
	'ALTER TABLE shop ALTER CONSTRAINT c DEFERRABLE',
	'ALTER TABLE shop ALTER id ADD GENERATED ALWAYS AS IDENTITY',
	'ALTER TABLE shop ALTER id SET GENERATED ALWAYS',
	'ALTER TABLE shop ALTER id RESTART',
	'ALTER TABLE shop ALTER id DROP IDENTITY',
	'ALTER TABLE shop ALTER id DROP EXPRESSION',
	-- one of several is enough
	'ALTER TABLE shop ALTER id TYPE bigint, OWNER TO CURRENT_USER');
SELECT hint FROM refused('ALTER TABLE shop OWNER TO CURRENT_USER');
SELECT statement, state, message, hint FROM refused(
	'ALTER TABLE shop RENAME TO store',
	'ALTER TABLE shop RENAME name TO title',
	'ALTER TABLE shop RENAME CONSTRAINT shop_pkey TO shop_key',
	'ALTER TABLE shop SET SCHEMA public');
SELECT state FROM refused('ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE pg_default');
SELECT * FROM refused(
	'ALTER TABLE shop ADD FOREIGN KEY (size) REFERENCES shop',
	'ALTER TABLE shop ADD c int REFERENCES shop',
	'ALTER TABLE shop ADD CONSTRAINT shop_key PRIMARY KEY USING INDEX shop_index',
	'ALTER TABLE shop ADD c serial',
	'ALTER TABLE shop ADD c bigserial',
	'ALTER TABLE shop ADD c int GENERATED BY DEFAULT AS IDENTITY',
	'ALTER TABLE shop DROP name CASCADE',
	'ALTER TABLE shop DROP CONSTRAINT shop_pkey CASCADE');

-- relations that are not copied
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (c int, PRIMARY KEY (id)) INHERITS (parent);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
CREATE TEMP TABLE temporary (id int PRIMARY KEY);
CREATE TYPE pair AS (id int, c int);
CREATE TABLE typed OF pair (PRIMARY KEY (id));
CREATE VIEW a_view AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS id;
CREATE SEQUENCE a_sequence;
CREATE INDEX an_index ON shop (name);
CREATE FOREIGN DATA WRAPPER regress_osc_wrapper;
CREATE SERVER regress_osc_server FOREIGN DATA WRAPPER regress_osc_wrapper;
CREATE FOREIGN TABLE a_foreign_table (id int) SERVER regress_osc_server;
SELECT * FROM refused(
	'ALTER TABLE parted ALTER id TYPE bigint',
	'ALTER TABLE parted_1 ADD c int',
	'ALTER TABLE parent ALTER id TYPE bigint',
	'ALTER TABLE ONLY parent ADD c int',
	'ALTER TABLE child ADD d int',
	'ALTER TABLE unlogged ALTER id TYPE bigint',
	'ALTER TABLE temporary ALTER id TYPE bigint',
	'ALTER TABLE typed ALTER id SET DEFAULT 1',
	'ALTER TABLE a_view ALTER id SET DEFAULT 1',
	'ALTER TABLE a_matview ALTER id SET STATISTICS 1',
	'ALTER TABLE a_sequence SET (fillfactor = 50)',
	'ALTER TABLE an_index SET (fillfactor = 50)',
	'ALTER TABLE a_foreign_table ADD c int',
	'ALTER TABLE pg_class ADD c int',
	'ALTER TABLE online_schema.job ADD c int');
DROP SERVER regress_osc_server CASCADE;
DROP FOREIGN DATA WRAPPER regress_osc_wrapper;

-- what depends on a column
CREATE VIEW shop_names AS SELECT name FROM shop;
CREATE TABLE ruled (id int PRIMARY KEY, a int, b int);
CREATE RULE ruled_update AS ON UPDATE TO ruled WHERE new.a > old.a DO ALSO DELETE FROM shop;
CREATE TABLE triggered (id int PRIMARY KEY, a int, b int);
CREATE FUNCTION no_op() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER triggered_a AFTER UPDATE OF a ON triggered FOR EACH ROW EXECUTE FUNCTION no_op();
CREATE TRIGGER triggered_b AFTER UPDATE ON triggered FOR EACH ROW WHEN (old.b <> new.b) EXECUTE FUNCTION no_op();
CREATE TABLE guarded (id int PRIMARY KEY, a int);
CREATE POLICY guarded_a ON guarded USING (a > 0);
CREATE TABLE computed (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE called (id int PRIMARY KEY, a int);
CREATE FUNCTION uses_called() RETURNS SETOF int BEGIN ATOMIC SELECT a FROM called; END;
CREATE TABLE filtered (id int PRIMARY KEY, a int);
CREATE PUBLICATION regress_osc_filter FOR TABLE filtered WHERE (id > 0);
CREATE TABLE row_type (id int PRIMARY KEY, a int);
CREATE TABLE holder (r row_type);
SELECT * FROM refused(
	'ALTER TABLE shop ALTER name TYPE varchar',
	'ALTER TABLE ruled ALTER a TYPE bigint',
	'ALTER TABLE triggered ALTER a TYPE bigint',
	'ALTER TABLE triggered ALTER b TYPE bigint',
	'ALTER TABLE guarded ALTER a TYPE bigint',
	'ALTER TABLE computed ALTER a TYPE bigint',
	'ALTER TABLE called ALTER a TYPE bigint',
	'ALTER TABLE filtered ALTER id TYPE bigint',
	'ALTER TABLE row_type ALTER a TYPE bigint');
SELECT statement, state, message, detail FROM refused('ALTER TABLE computed DROP a', 'ALTER TABLE computed DROP a, DROP b');
SELECT * FROM refused(
	'ALTER TABLE shop DROP name',
	'ALTER TABLE triggered DROP a',
	'ALTER TABLE triggered DROP b',
	'ALTER TABLE guarded DROP a',
	'ALTER TABLE called DROP a',
	'ALTER TABLE filtered DROP id');
SELECT statement, state, message, hint FROM refused('ALTER TABLE ruled DROP a');
-- expressions over whole rows, which mean another row type in the copy
CREATE TABLE whole_check (id int PRIMARY KEY, a int, CONSTRAINT whole CHECK (whole_check IS NOT NULL));
CREATE TABLE whole_index (id int PRIMARY KEY, a int);
CREATE INDEX whole_index_i ON whole_index ((whole_index IS NULL));
SELECT * FROM refused('ALTER TABLE whole_check ADD b int', 'ALTER TABLE whole_index ADD b int');
-- a new column's value comes from ADD COLUMN, not from a later SET DEFAULT
SELECT * FROM refused('ALTER TABLE shop ADD c int, ALTER c SET DEFAULT 4', 'ALTER TABLE shop ADD c int DEFAULT 3, ALTER c SET DEFAULT 4');
-- other columns of these tables are free
SELECT s.ddl, osc_start(s.ddl, run => 'manual') IS NOT NULL AS started
FROM (VALUES ('ALTER TABLE ruled ALTER b TYPE bigint'), ('ALTER TABLE guarded ALTER id TYPE bigint'),
	('ALTER TABLE called ALTER id TYPE bigint'), ('ALTER TABLE filtered ALTER a TYPE bigint')) AS s(ddl);
DO $$
DECLARE job bigint;
BEGIN
	FOR job IN SELECT job_id FROM osc_progress WHERE relation ~ '^start_errors' AND state = 'queued' LOOP
		PERFORM osc_cancel(job);
	END LOOP;
END $$;
DROP PUBLICATION regress_osc_filter;

-- a table that another job has
SELECT osc_start('ALTER TABLE shop ALTER id TYPE bigint', run => 'manual') AS job \gset
SELECT * FROM refused('ALTER TABLE shop ADD c int', 'ALTER TABLE start_errors.shop ADD c int');
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT osc_start('ALTER TABLE shop ADD c int', run => 'manual') = :job + 1 AS free_again;
SELECT osc_cancel(:job + 1);
CALL osc_test.await_end(:job + 1);

-- no right to alter the table; a member of the owning role has it
CREATE ROLE regress_osc_owner;
CREATE ROLE regress_osc_member IN ROLE regress_osc_owner;
CREATE ROLE regress_osc_reader;
ALTER TABLE shop OWNER TO regress_osc_owner;
GRANT ALL ON shop TO regress_osc_reader;
GRANT USAGE ON SCHEMA start_errors TO PUBLIC;
GRANT CREATE ON SCHEMA start_errors TO regress_osc_owner;
SET ROLE regress_osc_reader;
SELECT * FROM refused('ALTER TABLE shop ADD c int', 'ALTER TABLE pg_class ADD c int');
SET ROLE regress_osc_member;
SELECT state, message FROM refused('ALTER TABLE shop ADD c int, DROP nothing');
RESET ROLE;

-- bad arguments
\pset format aligned
SELECT call, r.state, r.message, r.hint
FROM (VALUES
	('osc_start(NULL)'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => NULL)'),
	('osc_start(''ALTER TABLE shop ADD c int'', swap => NULL)'),
	('osc_start(''ALTER TABLE shop ADD c int'', run => NULL)'),
	('osc_start(''ALTER TABLE shop ADD c int'', swap => ''never'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', swap => ''AUTO'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', run => ''foreground'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => ''magic'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => '''')'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => ''instant'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => ''constraint'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => ''index'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', strategy => ''column'')'),
	('osc_start(''ALTER TABLE shop ADD c int'', backfill => ''{"d": "id"}'')'),
	('osc_plan(NULL)'),
	('osc_plan(''ALTER TABLE shop ADD c int'', NULL)'),
	('osc_plan(''ALTER TABLE shop ADD c int'', ''column'')'),
	('osc_plan(''ALTER TABLE shop ADD c int'', ''copy'', ''[]'')')) AS c(call),
	osc_test.refusal('SELECT ' || c.call) r;

-- nothing is left of all this, and the table is as it was
SELECT count(*) AS unfinished FROM osc_progress
WHERE relation ~ '^start_errors' AND state NOT IN ('cancelling', 'cancelled');
DO $$
DECLARE job bigint;
BEGIN
	FOR job IN SELECT job_id FROM osc_progress WHERE relation ~ '^start_errors' LOOP
		CALL osc_test.await_end(job);
	END LOOP;
END $$;
SELECT * FROM osc_test.left_behind();
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'shop'::regclass AND attnum > 0 ORDER BY attnum;
SELECT * FROM shop ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA start_errors CASCADE;
DROP TABLE temporary;
DROP ROLE regress_osc_owner, regress_osc_member, regress_osc_reader;
