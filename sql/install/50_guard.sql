-- 50_guard.sql: event triggers that refuse DDL which would harm jobs, or block the users of a large table

CREATE FUNCTION online_schema.guard() RETURNS event_trigger
	LANGUAGE C AS 'MODULE_PATHNAME', 'osc_guard_event';
COMMENT ON FUNCTION online_schema.guard() IS
	'refuses DDL that would harm a job, with 55006; under online_schema.guard = warn or error it also tells or refuses, with 55000, what would scan, rewrite or index a large table while others are blocked';

-- Event triggers call it whoever runs the DDL; nobody needs to make one by hand.
REVOKE ALL ON FUNCTION online_schema.guard() FROM PUBLIC;

-- ENABLE ALWAYS: session_replication_role must not let DDL slip through.
CREATE EVENT TRIGGER online_schema_guard_start ON ddl_command_start
	WHEN TAG IN ('ALTER FOREIGN TABLE', 'ALTER INDEX', 'ALTER MATERIALIZED VIEW', 'ALTER SCHEMA',
		'ALTER SEQUENCE', 'ALTER TABLE', 'ALTER TRIGGER', 'ALTER VIEW', 'CREATE FOREIGN TABLE',
		'COMMENT', 'CREATE INDEX', 'CREATE RULE', 'CREATE TABLE', 'DROP EXTENSION', 'DROP INDEX',
		'DROP OWNED', 'DROP SCHEMA', 'DROP TABLE', 'DROP TRIGGER')
	EXECUTE FUNCTION online_schema.guard();
ALTER EVENT TRIGGER online_schema_guard_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER online_schema_guard_start IS
	'refuses, before they take a lock, commands that would harm a job, and DROP EXTENSION online_schema while jobs are unfinished';

CREATE EVENT TRIGGER online_schema_guard_rewrite ON table_rewrite
	EXECUTE FUNCTION online_schema.guard();
ALTER EVENT TRIGGER online_schema_guard_rewrite ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER online_schema_guard_rewrite IS
	'refuses rewrites of tables that jobs have, and those that online_schema.guard watches for';

CREATE EVENT TRIGGER online_schema_guard_drop ON sql_drop
	EXECUTE FUNCTION online_schema.guard();
ALTER EVENT TRIGGER online_schema_guard_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER online_schema_guard_drop IS
	'refuses drops, cascading ones too, that take a table that a job has, or a part of its definition';
