-- storage.sql: where and how a table is stored: persistence, access method, tablespace, storage
-- parameters.

---- case set_unlogged
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, n serial);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET UNLOGGED
---- after
SELECT c.relname, c.relpersistence FROM pg_class c WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;
INSERT INTO t VALUES (51, 'x') RETURNING n;

---- case set_logged
---- strategy copy
CREATE UNLOGGED TABLE t (id int PRIMARY KEY, a text, n int GENERATED ALWAYS AS IDENTITY);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET LOGGED
---- after
SELECT c.relname, c.relpersistence FROM pg_class c WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;
INSERT INTO t VALUES (51, 'x') RETURNING n;

---- case set_logged_already
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t SET LOGGED

---- case set_logged_references_unlogged
---- expect error start
CREATE UNLOGGED TABLE p (id int PRIMARY KEY);
CREATE UNLOGGED TABLE t (id int PRIMARY KEY, p int REFERENCES p);
---- change
ALTER TABLE t SET LOGGED

---- case set_unlogged_referenced
---- expect error start
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p);
---- change
ALTER TABLE p SET UNLOGGED

---- case unlogged_table_changes
-- an unlogged table stays one
---- strategy copy
CREATE UNLOGGED TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
SELECT relname, relpersistence FROM pg_class c WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case unlogged_and_type
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET UNLOGGED, ALTER a TYPE int USING a::int

---- case set_access_method
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET ACCESS METHOD heap2
---- after
INSERT INTO t VALUES (51, 'x');
SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE c.oid = 't'::regclass;

---- case set_access_method_same
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET ACCESS METHOD heap

---- case set_access_method_missing
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t SET ACCESS METHOD nothing

---- case access_method_stays
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) USING heap2;
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE c.oid = 't'::regclass;

---- case set_tablespace
-- the indexes stay where they are
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET TABLESPACE eq_space
---- after
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = reltablespace WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;
INSERT INTO t VALUES (51, 'x');

---- case set_tablespace_default
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY USING INDEX TABLESPACE eq_space, a text) TABLESPACE eq_space;
INSERT INTO t SELECT n, repeat('x', 3000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET TABLESPACE pg_default
---- after
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = reltablespace WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case set_tablespace_same
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) TABLESPACE eq_space;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET TABLESPACE eq_space

---- case set_tablespace_missing
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t SET TABLESPACE nothing

---- case set_tablespace_no_right
---- expect error start
---- role eq_reader
CREATE TABLE t (id int PRIMARY KEY, a text);
ALTER TABLE t OWNER TO eq_reader;
---- change
ALTER TABLE t SET TABLESPACE eq_space

---- case tablespaces_stay
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) TABLESPACE eq_space;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_a2 ON t (lower(a)) TABLESPACE eq_space;
INSERT INTO t SELECT n, repeat('x', 2000) || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = reltablespace WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case set_reloptions
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) WITH (fillfactor = 90);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET (fillfactor = 50, autovacuum_enabled = off, toast.autovacuum_enabled = off, parallel_workers = 2, toast_tuple_target = 512)

---- case reset_reloptions
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) WITH (fillfactor = 90, autovacuum_enabled = off, toast.vacuum_truncate = off);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t RESET (fillfactor, toast.vacuum_truncate), SET (autovacuum_vacuum_scale_factor = 0.3)

---- case set_reloptions_bad
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t SET (fillfactor = 5)

---- case reloptions_stay
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) WITH (fillfactor = 50, autovacuum_enabled = on, toast.autovacuum_enabled = off);
CREATE INDEX t_a ON t (a) WITH (fillfactor = 40);
INSERT INTO t SELECT n, repeat('x', 2000) || n FROM generate_series(1, 500) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
SELECT pg_relation_size('t') > 60000;

---- case set_fillfactor_with_copy
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, repeat('x', 50) || n FROM generate_series(1, 1000) n;
---- change
ALTER TABLE t SET (fillfactor = 20), ALTER id TYPE bigint
---- after
SELECT pg_relation_size('t') > 400000;

---- case alter_index_options
-- ALTER TABLE takes indexes, too
---- expect refused (0A000|42809) not a table
---- limit other things than tables
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE INDEX t_a ON t (a);
---- change
ALTER TABLE t_a SET (fillfactor = 50)

---- case toast_all_kinds
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, extended text, external text, main text, plain varchar(100), lz4 text COMPRESSION lz4, doc jsonb, bytes bytea, gone text);
ALTER TABLE t ALTER external SET STORAGE EXTERNAL, ALTER main SET STORAGE MAIN, ALTER plain SET STORAGE PLAIN;
INSERT INTO t SELECT n, x || repeat('x', 5000), x || x, x || repeat('m', 2000), 'plain', x || repeat('l', 5000), jsonb_build_object('a', x, 'n', n), convert_to(x, 'UTF8'), x
	FROM generate_series(1, 30) n, LATERAL (SELECT string_agg(md5(n || ' ' || m), '') AS x FROM generate_series(1, 100 + n) m) y;
ALTER TABLE t DROP COLUMN gone;
UPDATE t SET extended = NULL WHERE id = 7;
UPDATE t SET external = '' WHERE id = 8;
---- change
ALTER TABLE t ALTER id TYPE bigint, ALTER plain TYPE varchar(50)
---- after
SELECT id, pg_column_size(extended), pg_column_size(external), pg_column_size(main), pg_column_compression(lz4), md5(external), md5(bytes) FROM t WHERE id IN (1, 7, 8) ORDER BY id;
UPDATE t SET extended = external;
SELECT count(DISTINCT md5(extended)) FROM t;

---- case compression_stays_as_it_is
-- values keep their method in a rewrite, natively; new ones take the column's
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text COMPRESSION pglz);
INSERT INTO t SELECT n, repeat('abc ', 5000) FROM generate_series(1, 10) n;
ALTER TABLE t ALTER a SET COMPRESSION lz4;
INSERT INTO t SELECT n, repeat('abc ', 5000) FROM generate_series(11, 20) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
INSERT INTO t VALUES (21, repeat('abc ', 5000));
SELECT pg_column_compression(a), count(*) FROM t GROUP BY 1 ORDER BY 1;

---- case catalog_table_rewrite
-- a table that is marked as a catalog for logical decoding is not rewritten
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text) WITH (user_catalog_table = true);
INSERT INTO t VALUES (1);
---- change
ALTER TABLE t ALTER id TYPE bigint
