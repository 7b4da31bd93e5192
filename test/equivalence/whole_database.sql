-- whole_database.sql: cases with objects that concern every table of their database.

---- case event_triggers
-- they see the user's statement once, and nothing of what the job makes
---- database events
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int, gone int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
CREATE TABLE seen (what text);
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF tg_event = 'ddl_command_end' THEN
		INSERT INTO eq_event_triggers.seen SELECT concat_ws(' ', tg_event, tg_tag, object_type, object_identity) FROM pg_event_trigger_ddl_commands();
	ELSIF tg_event = 'sql_drop' THEN
		INSERT INTO eq_event_triggers.seen SELECT concat_ws(' ', tg_event, tg_tag, object_type, object_identity) FROM pg_event_trigger_dropped_objects() WHERE original;
	ELSE
		INSERT INTO eq_event_triggers.seen VALUES (concat_ws(' ', tg_event, tg_tag));
	END IF;
END $$;
CREATE EVENT TRIGGER a ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION note();
CREATE EVENT TRIGGER b ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION note();
CREATE EVENT TRIGGER c ON sql_drop EXECUTE FUNCTION note();
CREATE EVENT TRIGGER d ON table_rewrite EXECUTE FUNCTION note();
---- change
ALTER TABLE t ALTER a TYPE bigint, DROP COLUMN gone
---- after
SELECT * FROM seen ORDER BY 1;
INSERT INTO t VALUES (60, 3000000000) RETURNING *;
SELECT evtname, evtenabled FROM pg_event_trigger WHERE evtname IN ('a', 'b') ORDER BY 1;

---- case event_trigger_refuses
-- an event trigger that forbids it natively forbids it here
---- database forbids
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
CREATE FUNCTION public.forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no rewrites, please'; END $$;
CREATE EVENT TRIGGER a ON table_rewrite EXECUTE FUNCTION public.forbid();
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case publication_for_all_tables
---- database apart
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE r (id int PRIMARY KEY, t int REFERENCES t);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO r SELECT n, n FROM generate_series(1, 50) n;
CREATE PUBLICATION everything FOR ALL TABLES;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
UPDATE t SET a = 5 WHERE id = 1;
SELECT schemaname, tablename FROM pg_publication_tables WHERE schemaname ~ '^eq_' ORDER BY 1, 2;

---- case publication_without_identity
-- a table that a publication of deletes covers, and that has no replica identity
---- database apart
CREATE TABLE t (a int, b text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY
---- new t.id serial
---- after
DELETE FROM t WHERE id = 1;

---- case default_storage_of_database
-- new storage goes where native would put it
---- database apart
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
SELECT format('ALTER DATABASE %I SET default_tablespace = eq_space', current_database()) \gexec
SELECT format('ALTER DATABASE %I SET default_table_access_method = heap2', current_database()) \gexec
---- change
ALTER TABLE t ALTER id TYPE bigint, ADD UNIQUE (a)
---- after
SELECT relname, spcname, amname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = reltablespace LEFT JOIN pg_am a ON a.oid = relam WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case default_privileges
-- helper objects and sequences get default privileges as natively
---- database apart
---- strategy copy
---- new t.n serial
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO eq_reader;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO eq_other;
---- change
ALTER TABLE t ALTER id TYPE bigint, ADD COLUMN n serial
---- after
SELECT relname, relacl FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S') ORDER BY 1;
