-- event_triggers.sql: the user's event triggers see the statement as they see
-- a native one, once, and nothing of the helper objects; one that forbids it
-- fails the job before any copying
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 20001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA event_triggers;
SET search_path = event_triggers, public;
CALL osc_test.twice($$
	CREATE TABLE t (id int PRIMARY KEY, a text, b int);
	INSERT INTO t SELECT n, n, n FROM generate_series(1, 20) n;
	CREATE INDEX ON t (b);
$$);
CREATE TABLE seen (n serial, event text, tag text, what text);
CREATE FUNCTION saw() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF tg_event = 'ddl_command_end' THEN
		INSERT INTO event_triggers.seen (event, tag, what) SELECT tg_event, tg_tag, object_type || ' ' || object_identity
		FROM pg_event_trigger_ddl_commands();
	ELSIF tg_event = 'sql_drop' THEN
		INSERT INTO event_triggers.seen (event, tag, what) SELECT tg_event, tg_tag, object_type || ' ' || object_identity
		FROM pg_event_trigger_dropped_objects() WHERE original;
	ELSIF tg_event = 'table_rewrite' THEN
		INSERT INTO event_triggers.seen (event, tag, what) VALUES (tg_event, tg_tag, pg_event_trigger_table_rewrite_oid()::regclass);
	ELSE
		INSERT INTO event_triggers.seen (event, tag) VALUES (tg_event, tg_tag);
	END IF;
END $$;
CREATE EVENT TRIGGER regress_osc_start ON ddl_command_start EXECUTE FUNCTION saw();
CREATE EVENT TRIGGER regress_osc_end ON ddl_command_end EXECUTE FUNCTION saw();
CREATE EVENT TRIGGER regress_osc_drop ON sql_drop EXECUTE FUNCTION saw();
CREATE EVENT TRIGGER regress_osc_rewrite ON table_rewrite EXECUTE FUNCTION saw();

ALTER TABLE native.t ALTER id TYPE bigint, DROP a, ADD UNIQUE (b);
CREATE TEMP TABLE native_seen AS SELECT event, tag, replace(what, 'native.', '') AS what FROM seen WHERE tag = 'ALTER TABLE' ORDER BY n;
TRUNCATE seen;
SELECT osc_start('ALTER TABLE online.t ALTER id TYPE bigint, DROP a, ADD UNIQUE (b)', run => 'manual') AS job \gset
TABLE seen;
CALL osc_run(:job);
SELECT event, tag, what FROM seen ORDER BY n;
SELECT event, tag, replace(what, 'online.', '') AS what FROM seen EXCEPT ALL TABLE native_seen;
TABLE native_seen EXCEPT ALL SELECT event, tag, replace(what, 'online.', '') FROM seen;
DROP EVENT TRIGGER regress_osc_start;
DROP EVENT TRIGGER regress_osc_end;
DROP EVENT TRIGGER regress_osc_drop;
DROP EVENT TRIGGER regress_osc_rewrite;
SELECT * FROM osc_test.differences('t');

-- commands that the worker runs on their own, with functions that run SQL
CREATE EVENT TRIGGER regress_osc_end ON ddl_command_end EXECUTE FUNCTION saw();
CREATE EVENT TRIGGER regress_osc_drop ON sql_drop EXECUTE FUNCTION saw();
TRUNCATE seen;
SET client_min_messages = warning;
SELECT osc_start('CREATE INDEX t_wide ON online.t (b, id)') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_start('DROP INDEX online.t_wide') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_start('ALTER TABLE online.t ALTER id TYPE int') AS job \gset
CALL osc_wait(:job, '300 s');
RESET client_min_messages;
SELECT event, tag, what FROM seen WHERE what LIKE '%t_wide' ORDER BY n;
DROP EVENT TRIGGER regress_osc_end;
DROP EVENT TRIGGER regress_osc_drop;
SELECT osc_start('ALTER TABLE online.t ALTER id TYPE bigint', run => 'manual') AS job \gset
SET client_min_messages = warning;
CALL osc_run(:job);
RESET client_min_messages;

-- one that forbids it
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no rewriting here';
END $$;
CREATE EVENT TRIGGER regress_osc_forbid ON table_rewrite EXECUTE FUNCTION forbid();
SELECT osc_start('ALTER TABLE online.t ALTER id TYPE int', run => 'manual') AS job \gset
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), count(*) FROM online.t GROUP BY 1;
DROP EVENT TRIGGER regress_osc_forbid;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA event_triggers, native, online CASCADE;
