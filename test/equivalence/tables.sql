-- tables.sql: sub-commands on the table as a whole: owner, names, triggers, rules, row security,
-- replica identity, types.

---- case owner_to
---- strategy instant
CREATE TABLE t (id serial PRIMARY KEY, a text);
CREATE INDEX t_a ON t (a);
GRANT SELECT ON t TO eq_reader;
INSERT INTO t (a) VALUES ('x');
---- change
ALTER TABLE t OWNER TO eq_owner
---- after
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case owner_to_missing
---- expect error
CREATE TABLE t (id serial PRIMARY KEY, a text);
---- change
ALTER TABLE t OWNER TO nobody_of_that_name

---- case owner_to_not_member
---- expect error
---- role eq_owner
CREATE TABLE t (id serial PRIMARY KEY, a text);
ALTER TABLE t OWNER TO eq_owner;
---- change
ALTER TABLE t OWNER TO eq_other

---- case wrong_owner
---- expect error start
---- role eq_other
CREATE TABLE t (id serial PRIMARY KEY, a text);
GRANT ALL ON t TO eq_other;
---- change
ALTER TABLE t ADD COLUMN b int

---- case wrong_owner_of_index
-- who lacks MAINTAIN is told so from 17 on
---- expect error start code
---- role eq_other
CREATE TABLE t (id serial PRIMARY KEY, a text);
CREATE INDEX t_a ON t (a);
GRANT SELECT, INSERT, UPDATE, DELETE ON t TO eq_other;
---- change
REINDEX INDEX t_a

---- case wrong_owner_create_index
---- expect error start
---- role eq_other
CREATE TABLE t (id serial PRIMARY KEY, a text);
GRANT ALL ON t TO eq_other;
---- change
CREATE INDEX ON t (a)

---- case wrong_owner_vacuum_full
-- natively a warning, and nothing done
---- role eq_other
CREATE TABLE t (id serial PRIMARY KEY, a text);
---- expect refused 42501 must be owner
---- limit VACUUM FULL and CLUSTER of a table that the caller does not own
---- change
VACUUM FULL t

---- case member_of_owner
---- role eq_owner
CREATE TABLE t (id serial PRIMARY KEY, a text);
INSERT INTO t (a) VALUES ('x');
ALTER TABLE t OWNER TO eq_owner;
---- change
ALTER TABLE t ALTER id TYPE bigint, ALTER a SET DEFAULT current_user
---- after
INSERT INTO t DEFAULT VALUES RETURNING *;

---- case rename_table
---- strategy instant
CREATE TABLE t (id serial PRIMARY KEY, a text);
CREATE VIEW v AS SELECT * FROM t;
CREATE TABLE r (t int REFERENCES t);
INSERT INTO t (a) VALUES ('x');
---- change
ALTER TABLE t RENAME TO "a new; ""name"""
---- after
SELECT * FROM v;
INSERT INTO r VALUES (2);
INSERT INTO "a new; ""name""" (a) VALUES ('y') RETURNING *;

---- case rename_table_exists
---- expect error
CREATE TABLE t (id serial PRIMARY KEY, a text);
CREATE TABLE u ();
---- change
ALTER TABLE t RENAME TO u

---- case rename_table_63_bytes
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
---- change
ALTER TABLE t RENAME TO a_name_that_is_longer_than_sixty_three_bytes_and_so_gets_cut_off_at_the_end

---- case set_schema
---- strategy instant
CREATE TABLE t (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, a text CHECK (a <> ''));
CREATE INDEX t_a ON t (a);
CREATE STATISTICS t_s ON id, n FROM t;
INSERT INTO t (a) VALUES ('x');
CREATE SCHEMA eq_set_schema_other;
---- change
ALTER TABLE t SET SCHEMA eq_set_schema_other
---- after
INSERT INTO eq_set_schema_other.t (a) VALUES ('y') RETURNING *;
SELECT relname, relnamespace::regnamespace FROM pg_class WHERE relnamespace::regnamespace::text ~ '^eq_set_schema(_other)?$' AND relname !~ '^pg_' ORDER BY 1, 2;

---- case set_schema_missing
---- expect error
CREATE TABLE t (id serial PRIMARY KEY);
---- change
ALTER TABLE t SET SCHEMA nothing

---- case if_exists_missing_table
-- nothing to do, and a notice
---- change
ALTER TABLE IF EXISTS nothing ADD COLUMN a int

---- case missing_table
---- expect error start
---- change
ALTER TABLE nothing ADD COLUMN a int

---- case not_a_table
---- expect error own
---- limit other things than tables
CREATE SEQUENCE s;
---- change
ALTER TABLE s ADD COLUMN a int

---- case alter_table_on_view
-- natively ALTER TABLE takes a view
---- expect refused (0A000|42809) not a table
---- limit other things than tables
CREATE VIEW v AS SELECT 1 AS a;
---- change
ALTER TABLE v ALTER a SET DEFAULT 5

---- case system_table
---- expect error start
---- change
ALTER TABLE pg_class ADD COLUMN a int

---- case system_table_set_options
---- expect error start
---- role eq_owner
---- change
ALTER TABLE pg_catalog.pg_class SET (fillfactor = 50)

---- case trigger_states
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE seen (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO eq_trigger_states.seen VALUES (TG_NAME); RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER b BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER c BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER d BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE t DISABLE TRIGGER d;
---- change
ALTER TABLE t DISABLE TRIGGER a, ENABLE REPLICA TRIGGER b, ENABLE ALWAYS TRIGGER c, ENABLE TRIGGER d
---- after
INSERT INTO t VALUES (1);
SELECT * FROM seen ORDER BY 1;
SET session_replication_role = replica;
INSERT INTO t VALUES (2);
SELECT * FROM seen ORDER BY 1;

---- case disable_trigger_all
---- strategy instant
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''fired''; RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
---- change
ALTER TABLE t DISABLE TRIGGER ALL
---- after
INSERT INTO t VALUES (1, 5);

---- case enable_trigger_all
---- strategy instant
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''fired''; RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE t DISABLE TRIGGER ALL;
---- change
ALTER TABLE t ENABLE TRIGGER ALL
---- after
INSERT INTO t VALUES (1, 5);

---- case disable_trigger_user
---- strategy instant
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''fired''; RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
---- change
ALTER TABLE t DISABLE TRIGGER USER
---- after
INSERT INTO t VALUES (1, 5);

---- case enable_trigger_user
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''fired''; RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE t DISABLE TRIGGER a;
---- change
ALTER TABLE t ENABLE TRIGGER USER
---- after
INSERT INTO t VALUES (1);

---- case missing_trigger
---- expect error
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t DISABLE TRIGGER nothing

---- case rule_states
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE seen (what text);
CREATE RULE a AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES ('a');
CREATE RULE b AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES ('b');
CREATE RULE c AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES ('c');
CREATE RULE d AS ON INSERT TO t DO ALSO INSERT INTO seen VALUES ('d');
ALTER TABLE t DISABLE RULE d;
---- change
ALTER TABLE t DISABLE RULE a, ENABLE REPLICA RULE b, ENABLE ALWAYS RULE c, ENABLE RULE d
---- after
INSERT INTO t VALUES (1);
SELECT * FROM seen ORDER BY 1;

---- case row_security
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE POLICY p ON t TO eq_reader USING (id < 10);
GRANT SELECT ON t TO eq_reader;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY
---- after
SET ROLE eq_reader;
SELECT count(*) FROM t;

---- case no_row_security
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE POLICY p ON t TO eq_reader USING (id < 10);
GRANT SELECT ON t TO eq_reader;
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY
---- after
SET ROLE eq_reader;
SELECT count(*) FROM t;

---- case forced_row_security_copy
-- policies filter the owner, not the copy
---- strategy copy
---- role eq_owner
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
ALTER TABLE t OWNER TO eq_owner;
CREATE POLICY p ON t USING (id < 10) WITH CHECK (id < 5);
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
---- change
ALTER TABLE t ALTER a TYPE int USING a::int
---- after
SELECT count(*) FROM t;
INSERT INTO t VALUES (100, 1);
RESET ROLE;
SELECT count(*) FROM t;

---- case replica_identity
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);
CREATE UNIQUE INDEX t_a ON t (a);
---- change
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a
---- after
SELECT relreplident, indexrelid::regclass FROM pg_class c JOIN pg_index i ON indrelid = c.oid AND indisreplident WHERE c.oid = 't'::regclass;

---- case replica_identity_full
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);
CREATE UNIQUE INDEX t_a ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a;
---- change
ALTER TABLE t REPLICA IDENTITY FULL

---- case replica_identity_nothing
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t REPLICA IDENTITY NOTHING

---- case replica_identity_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
ALTER TABLE t REPLICA IDENTITY FULL;
---- change
ALTER TABLE t REPLICA IDENTITY DEFAULT

---- case replica_identity_nullable
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE UNIQUE INDEX t_a ON t (a);
---- change
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a

---- case of_type
---- strategy instant
CREATE TYPE person AS (name text, age int);
CREATE TABLE t (name text, age int);
INSERT INTO t VALUES ('x', 5);
---- change
ALTER TABLE t OF person
---- after
ALTER TYPE person ADD ATTRIBUTE city text CASCADE;
SELECT * FROM t;

---- case of_type_other_columns
---- expect error
CREATE TYPE person AS (name text, age int);
CREATE TABLE t (name text, age bigint);
---- change
ALTER TABLE t OF person

---- case not_of
---- strategy instant
CREATE TYPE person AS (name text, age int);
CREATE TABLE t OF person;
INSERT INTO t VALUES ('x', 5);
---- change
ALTER TABLE t NOT OF
---- after
ALTER TABLE t ADD city text;

---- case typed_table_type
-- columns of a typed table cannot be changed
---- expect error start
CREATE TYPE person AS (name text, age int);
CREATE TABLE t OF person (name PRIMARY KEY);
---- change
ALTER TABLE t ALTER age TYPE bigint

---- case typed_table_rewrite
---- strategy copy
CREATE TYPE person AS (name text, age int);
CREATE TABLE t OF person (name PRIMARY KEY);
INSERT INTO t VALUES ('x', 5);
---- change
ALTER TABLE t SET UNLOGGED
---- after
ALTER TYPE person ADD ATTRIBUTE city text CASCADE;
SELECT * FROM t;

---- case set_without_oids
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t SET WITHOUT OIDS

---- case generic_options
-- OPTIONS are for foreign tables
---- expect error
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t OPTIONS (a '1')

---- case column_generic_options
---- expect error
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t ALTER id OPTIONS (a '1')

---- case syntax_error
---- expect error start
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t ADD COLUMN

---- case temporary_table
-- a worker cannot see it; what another session's temporary table would be cannot be written here
---- expect refused 0A000 temporary
---- limit temporary
---- set client_min_messages = warning; CREATE TEMPORARY TABLE tt (id int PRIMARY KEY)
---- change
ALTER TABLE tt ADD COLUMN a int

---- case all_in_tablespace
---- expect refused 0A000 ALTER TABLE ALL|IN TABLESPACE|not supported
---- limit ALL IN TABLESPACE
---- change
ALTER TABLE ALL IN TABLESPACE eq_space OWNED BY eq_other SET TABLESPACE pg_default
