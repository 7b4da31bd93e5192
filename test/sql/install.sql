-- install.sql: what CREATE EXTENSION makes, who may use it, another schema
-- than public, and when DROP EXTENSION is refused
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 1001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

SELECT extname, extnamespace::regnamespace, extrelocatable, extversion ~ '^\d+\.\d+\.\d+$' AS has_version
FROM pg_extension WHERE extname = 'online_schema';

-- the functions: arguments, result, strictness; none runs with more rights
-- than its caller's
SELECT p.oid::regprocedure::text AS function,
	pg_get_function_result(p.oid) AS result, p.prokind, p.proisstrict AS strict,
	p.prosecdef AS definer, p.provolatile AS volatility, p.proparallel AS parallel,
	p.proconfig AS settings
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'online_schema')
ORDER BY 1;
SELECT p.proname, pg_get_function_arguments(p.oid) AS arguments
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'online_schema')
WHERE p.pronargs > 0
ORDER BY 1;

-- the views
SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.oid IN ('osc_progress'::regclass, 'osc_events'::regclass)
ORDER BY 1, 2;
SELECT relname, reloptions FROM pg_class
WHERE oid IN ('osc_progress'::regclass, 'osc_events'::regclass) ORDER BY 1;

-- the tables
SELECT relname FROM pg_class
WHERE relnamespace = 'online_schema'::regnamespace AND relkind = 'r' ORDER BY 1;

-- everything has a comment
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'online_schema')
	AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_namespace'::regclass,
		'pg_event_trigger'::regclass)
	AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND d.classid = 'pg_class'::regclass
		AND c.relkind NOT IN ('r', 'v'))
	AND obj_description(d.objid, d.classid::regclass::name) IS NULL
ORDER BY 1;
SELECT c.relname, a.attname AS without_comment
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.oid IN ('osc_progress'::regclass, 'osc_events'::regclass)
	AND col_description(c.oid, a.attnum) IS NULL
ORDER BY 1, 2;
SELECT obj_description(oid, 'pg_extension') IS NOT NULL AS extension_has_comment
FROM pg_extension WHERE extname = 'online_schema';

-- the settings: all have a description; those of the server are a superuser's
SELECT name, setting, unit, vartype, context, min_val, max_val, short_desc IS NOT NULL AS described
FROM pg_settings WHERE name LIKE 'online\_schema.%' ORDER BY name COLLATE "C";
-- the prefix is reserved, and bad values are refused
SET online_schema.no_such_setting = 1;
\set VERBOSITY sqlstate
SET online_schema.workers = 0;
SET online_schema.lock_timeout = '1 h';
SET online_schema.verify = 'perhaps';
\set VERBOSITY default
SET online_schema.swap_timeout = '2 s';
SHOW online_schema.swap_timeout;
RESET online_schema.swap_timeout;

-- who may what: users call the functions and read the views, nothing else
CREATE ROLE regress_osc_nobody;
SELECT p.proname AS closed_function
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'online_schema')
WHERE NOT has_function_privilege('regress_osc_nobody', p.oid, 'EXECUTE')
ORDER BY 1;
SELECT c.oid::regclass AS relation, has_table_privilege('regress_osc_nobody', c.oid, 'SELECT') AS reads,
	has_table_privilege('regress_osc_nobody', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AS writes
FROM pg_class c
WHERE c.oid IN ('osc_progress'::regclass, 'osc_events'::regclass)
	OR c.relnamespace = 'online_schema'::regnamespace AND c.relkind = 'r'
ORDER BY c.oid::regclass::text COLLATE "C";
SELECT has_schema_privilege('regress_osc_nobody', 'online_schema', 'USAGE') AS uses,
	has_schema_privilege('regress_osc_nobody', 'online_schema', 'CREATE') AS creates;
SET ROLE regress_osc_nobody;
SELECT count(*) FROM osc_progress;
SELECT count(*) FROM osc_events;
SELECT * FROM online_schema.job;
RESET ROLE;
DROP ROLE regress_osc_nobody;

-- functions that are for triggers alone
SELECT osc_capture();
SELECT online_schema.guard();
CREATE TABLE stranger (a int);
CREATE TRIGGER mine AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION osc_capture();
INSERT INTO stranger VALUES (1);
CREATE TRIGGER emptied AFTER TRUNCATE ON stranger FOR EACH STATEMENT EXECUTE FUNCTION osc_capture();
TRUNCATE stranger;
DROP TABLE stranger;

-- another database, another schema
\set this_database :DBNAME
CREATE DATABASE regress_osc_install;
\c regress_osc_install
CREATE SCHEMA tools;
CREATE EXTENSION online_schema SCHEMA tools;
SELECT n.nspname, count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'tools', 'online_schema') GROUP BY 1 ORDER BY 1;
SELECT 'tools.osc_progress'::regclass, 'tools.osc_events'::regclass;
ALTER EXTENSION online_schema SET SCHEMA public;

CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 10) g;
SELECT tools.osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual') AS job \gset
DROP EXTENSION online_schema;
\set VERBOSITY sqlstate
DROP EXTENSION online_schema CASCADE;
DROP EXTENSION IF EXISTS no_such_extension, online_schema;
\set VERBOSITY default
-- other extensions are none of its business
DROP EXTENSION IF EXISTS no_such_extension;
CALL tools.osc_run(:job);
SELECT relation, state, phase FROM tools.osc_progress;
SELECT pg_typeof(id) FROM t LIMIT 1;

-- a database made as a copy of one with a job: the job does not run there
SELECT tools.osc_start('ALTER TABLE t ALTER v TYPE varchar', strategy => 'copy', run => 'manual') AS job \gset
SELECT tools.osc_step(:job);
SELECT tools.osc_step(:job);
SELECT tools.osc_step(:job);
SELECT tools.osc_backfill_batch(:job);
\c :this_database
-- a template must have no session left
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'regress_osc_install') LOOP
		COMMIT;
		PERFORM pg_sleep(0.02);
	END LOOP;
END $$;
CREATE DATABASE regress_osc_copy TEMPLATE regress_osc_install;
\c regress_osc_copy
INSERT INTO t VALUES (11, 'in the copy');
SELECT tools.osc_step(:job);
SELECT state, phase, waiting_for FROM tools.osc_progress WHERE job_id = :job;
SELECT tools.osc_cancel(:job);
SET client_min_messages = error;
\set VERBOSITY terse
CALL tools.osc_wait(:job, '300 s');
RESET client_min_messages;
\set VERBOSITY default
SELECT count(*) FROM t;
DROP EXTENSION online_schema;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^osc_|^online_schema';
SELECT tgname FROM pg_trigger;
\c regress_osc_install
CALL tools.osc_run(:job);
SELECT state, phase FROM tools.osc_progress WHERE job_id = :job;
SELECT pg_typeof(v), count(*) FROM t GROUP BY 1;

-- without unfinished jobs the extension goes, and can come again
DROP EXTENSION online_schema;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^osc_|^online_schema';
SELECT evtname FROM pg_event_trigger;
CREATE EXTENSION online_schema;
SELECT 'osc_start'::regproc;
\c :this_database
DROP DATABASE regress_osc_install WITH (FORCE);
DROP DATABASE regress_osc_copy WITH (FORCE);
