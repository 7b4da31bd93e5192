-- columns.sql: adding, dropping, renaming and changing columns, except for their types.

---- case add_column_plain
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b varchar(10)
---- after
INSERT INTO t VALUES (51, 'x', 'new');
INSERT INTO t VALUES (52, 'x', 'too long a text');
SELECT * FROM t WHERE id > 48 ORDER BY id;

---- case add_column_constant_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN purchased boolean DEFAULT false, ADD COLUMN tags text[] NOT NULL DEFAULT '{a,"b c"}'
---- after
INSERT INTO t (id) VALUES (51) RETURNING *;
INSERT INTO t (id, tags) VALUES (52, NULL);
UPDATE t SET purchased = true WHERE id = 3;
SELECT * FROM t WHERE purchased OR id = 4 ORDER BY id;

---- case add_column_stable_default
---- strategy instant
-- now() is evaluated once: all existing rows get one value
---- new t.at
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN at timestamptz NOT NULL DEFAULT now(), ADD COLUMN who name DEFAULT current_user
---- ignore missing
---- after
SELECT count(DISTINCT at), min(at) > '2020-01-01', min(who), max(who) FROM t;
INSERT INTO t (id) VALUES (51) RETURNING at IS NULL, who;
SELECT count(DISTINCT at) FROM t;

---- case add_column_clock_default
---- strategy copy
---- new t.at
-- nobody promises that clock_timestamp() differs from row to row
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN at timestamptz DEFAULT clock_timestamp()
---- after
INSERT INTO t (id) VALUES (51) RETURNING at IS NULL;

---- case add_column_timeofday_default
---- strategy copy
---- new t.told
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD COLUMN told text DEFAULT timeofday() NOT NULL
---- after
INSERT INTO t (id) VALUES (51) RETURNING told IS NULL;

---- case add_column_uuid_default
---- strategy copy
---- new t.u unique
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN u uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()
---- after
INSERT INTO t (id) VALUES (51) RETURNING u IS NULL;
INSERT INTO t (id, u) VALUES (52, '00000000-0000-0000-0000-000000000000');
INSERT INTO t (id, u) VALUES (53, '00000000-0000-0000-0000-000000000000');

---- case add_column_random_default
---- strategy copy
---- new t.r
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN r double precision DEFAULT random() CHECK (r >= 0)
---- after
INSERT INTO t (id, r) VALUES (51, -1);
INSERT INTO t (id) VALUES (52) RETURNING r >= 0;

---- case add_column_nextval_default
---- strategy copy
---- new t.number unique
CREATE SEQUENCE numbers START 100;
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN number bigint DEFAULT nextval('numbers')
---- after
SELECT min(number), count(DISTINCT number) FROM t;
INSERT INTO t (id) VALUES (51);
SELECT number > (SELECT max(number) FROM t WHERE id < 51) FROM t WHERE id = 51;

---- case add_column_serial
---- strategy copy
---- new t.n serial
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN n serial
---- after
SELECT min(n), max(n), count(DISTINCT n) FROM t;
INSERT INTO t (id) VALUES (51) RETURNING n;
SELECT pg_get_serial_sequence('t', 'n');
DROP SEQUENCE t_n_seq;
ALTER TABLE t DROP COLUMN n;
SELECT count(*) FROM pg_class WHERE relname = 't_n_seq' AND relnamespace = current_schema()::regnamespace;

---- case add_column_bigserial_unique
---- strategy copy
---- new t.n serial
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
CREATE SEQUENCE t_n_seq;
---- change
ALTER TABLE t ADD COLUMN n bigserial UNIQUE, ADD COLUMN s smallserial
---- new t.s serial
---- after
INSERT INTO t (id) VALUES (51) RETURNING n, s;
INSERT INTO t (id, n) VALUES (52, 51);
SELECT pg_get_serial_sequence('t', 'n'), pg_get_serial_sequence('t', 's');

---- case add_column_identity_always
---- strategy copy
---- new t.n serial
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY (START WITH 1000 INCREMENT BY 5 MAXVALUE 100000)
---- after
SELECT min(n), max(n), count(DISTINCT n) FROM t;
INSERT INTO t (id) VALUES (51) RETURNING n;
INSERT INTO t (id, n) VALUES (52, 5);
INSERT INTO t (id, n) OVERRIDING SYSTEM VALUE VALUES (52, 5);
TRUNCATE t RESTART IDENTITY;
INSERT INTO t (id) VALUES (1) RETURNING n;

---- case add_column_identity_by_default
---- strategy copy
---- new t.n serial
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN n bigint GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME my_own_sequence), ADD UNIQUE (n)
---- after
INSERT INTO t (id) VALUES (51) RETURNING n;
INSERT INTO t (id, n) VALUES (52, 51);
INSERT INTO t (id, n) VALUES (52, 1);

---- case add_column_identity_empty
---- new t.n serial
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY
---- after
INSERT INTO t VALUES (1, 'x') RETURNING *;

---- case add_column_stored
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN twice int GENERATED ALWAYS AS (b * 2) STORED, ADD COLUMN upper_a text GENERATED ALWAYS AS (upper(a)) STORED NOT NULL
---- after
INSERT INTO t VALUES (51, 'x', 5) RETURNING *;
UPDATE t SET b = 100 WHERE id = 7 RETURNING *;
INSERT INTO t VALUES (52, NULL, 5);
INSERT INTO t VALUES (52, 'y', 5, 10);

---- case add_column_domain
---- strategy copy
CREATE DOMAIN positive AS int DEFAULT 3 CHECK (VALUE > 0);
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN p positive
---- after
SELECT count(*), min(p), max(p) FROM t;
INSERT INTO t (id, p) VALUES (51, 0);
INSERT INTO t (id) VALUES (52) RETURNING p;

---- case add_column_plain_domain
CREATE DOMAIN any_text AS text;
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN p any_text DEFAULT 'x'
---- after
SELECT count(*), min(p), max(p) FROM t;

---- case add_column_not_null_rows
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, 'x');
---- change
ALTER TABLE t ADD COLUMN b int NOT NULL
---- after
SELECT * FROM t;

---- case add_column_not_null_empty
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD COLUMN b int NOT NULL
---- after
INSERT INTO t VALUES (1, 'x');
INSERT INTO t VALUES (1, 'x', 2);

---- case add_column_check
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 5 CHECK (b < 10) CONSTRAINT other CHECK (b > id - 100)
---- after
INSERT INTO t VALUES (51, 'x', 10);
INSERT INTO t VALUES (200, 'x', 5);
INSERT INTO t VALUES (51, 'x', 9);

---- case add_column_check_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 50 CHECK (b < 10)
---- after
SELECT count(*) FROM t;

---- case add_column_unique
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int UNIQUE
---- after
INSERT INTO t VALUES (51, 'x', 1), (52, 'x', 2);
INSERT INTO t VALUES (53, 'x', 1);
UPDATE t SET b = id + 100;

---- case add_column_unique_default_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int UNIQUE DEFAULT 4
---- after
SELECT count(*) FROM t;

---- case add_column_references
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p VALUES (1), (2);
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 2 REFERENCES p ON DELETE CASCADE
---- after
INSERT INTO t VALUES (51, 'x', 3);
INSERT INTO t VALUES (51, 'x', 1);
DELETE FROM p WHERE id = 2;
SELECT * FROM t;

---- case add_column_references_null
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int REFERENCES p
---- after
INSERT INTO t VALUES (51, 'x', 3);

---- case add_column_references_violated
---- expect error
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 2 REFERENCES p
---- after
SELECT count(*) FROM t;

---- case add_column_primary_key_serial
---- strategy copy
---- new t.id serial
CREATE TABLE t (a text NOT NULL UNIQUE);
INSERT INTO t SELECT 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN id serial PRIMARY KEY
---- after
INSERT INTO t VALUES ('x') RETURNING *;
INSERT INTO t VALUES ('y', 4);

---- case add_column_if_not_exists
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 5) n;
---- change
ALTER TABLE t ADD COLUMN IF NOT EXISTS a int, ADD COLUMN IF NOT EXISTS b int
---- after
INSERT INTO t VALUES (10, 'x', 3) RETURNING *;

---- case add_column_if_not_exists_with_default
-- the skipped column brings a default that would rewrite: nothing of it may happen
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 5) n;
---- change
ALTER TABLE t ADD COLUMN IF NOT EXISTS a uuid DEFAULT gen_random_uuid() UNIQUE
---- after
INSERT INTO t VALUES (10) RETURNING *;

---- case add_column_collation_compression
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t SELECT n FROM generate_series(1, 5) n;
---- change
ALTER TABLE t ADD COLUMN a text COMPRESSION lz4 COLLATE "C" DEFAULT 'x', ADD b varchar(3)[3] COLLATE "POSIX"
---- after
UPDATE t SET a = repeat('abc', 5000) WHERE id = 2;
SELECT pg_column_compression(a), length(a) FROM t WHERE id = 2;
SELECT * FROM t WHERE id = 3;

---- case drop_column
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int, c text DEFAULT 'c');
CREATE INDEX t_b ON t (b, a);
COMMENT ON COLUMN t.b IS 'goes away';
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP COLUMN b
---- after
INSERT INTO t VALUES (51, 'x') RETURNING *;
SELECT * FROM t WHERE id = 4;

---- case drop_column_cascade
CREATE TABLE t (id int PRIMARY KEY, a text, b int UNIQUE);
CREATE VIEW v AS SELECT id, b FROM t;
CREATE TABLE r (id int PRIMARY KEY, b int REFERENCES t (b));
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
INSERT INTO r VALUES (1, 1);
---- change
ALTER TABLE t DROP COLUMN b CASCADE
---- after
INSERT INTO r VALUES (2, 1000);
SELECT * FROM t WHERE id = 4;
SELECT count(*) FROM pg_class WHERE relname = 'v' AND relnamespace = current_schema()::regnamespace;

---- case drop_column_restrict_view
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE VIEW v AS SELECT id, b FROM t;
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP COLUMN b
---- after
SELECT * FROM v WHERE id = 4;

---- case drop_column_if_exists
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP COLUMN IF EXISTS nothing, DROP COLUMN IF EXISTS b RESTRICT
---- after
SELECT * FROM t WHERE id = 4;

---- case drop_key_column
-- the primary key goes with its column
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL UNIQUE);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP COLUMN id
---- after
INSERT INTO t VALUES ('a 4');
INSERT INTO t VALUES ('new');

---- case drop_serial_column
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, n serial, a text);
INSERT INTO t (id, a) SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP COLUMN n
---- after
SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace;
INSERT INTO t VALUES (51, 'x');

---- case drop_and_add_same_name
-- a new column of the old name, at the end
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP COLUMN a, ADD COLUMN a int DEFAULT 7
---- after
SELECT * FROM t WHERE id = 4;

---- case rename_column
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text CHECK (a <> ''), b int);
CREATE INDEX t_a ON t (lower(a));
CREATE VIEW v AS SELECT a FROM t;
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t RENAME COLUMN a TO "A new; name"
---- after
SELECT * FROM v ORDER BY 1 LIMIT 1;
INSERT INTO t (id, "A new; name") VALUES (100, '');
INSERT INTO t (id, a) VALUES (100, '');

---- case rename_column_exists
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
---- change
ALTER TABLE t RENAME a TO b
---- after
SELECT * FROM t;

---- case set_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'old', b int);
INSERT INTO t SELECT n FROM generate_series(1, 5) n;
---- change
ALTER TABLE t ALTER COLUMN a SET DEFAULT 'new ' || 1 + 1, ALTER b SET DEFAULT -3
---- after
INSERT INTO t (id) VALUES (6) RETURNING *;
SELECT * FROM t WHERE id = 3;

---- case drop_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'old', n serial);
INSERT INTO t SELECT n FROM generate_series(1, 5) n;
---- change
ALTER TABLE t ALTER COLUMN a DROP DEFAULT, ALTER n DROP DEFAULT
---- after
INSERT INTO t (id, n) VALUES (6, 9) RETURNING *;
INSERT INTO t (id) VALUES (7);

---- case set_default_bad_type
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
ALTER TABLE t ALTER COLUMN a SET DEFAULT 'no number'
---- after
INSERT INTO t VALUES (1) RETURNING *;

---- case set_not_null
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET NOT NULL
---- after
INSERT INTO t VALUES (51);
INSERT INTO t VALUES (51, 'x');

---- case set_not_null_two
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET NOT NULL, ALTER b SET NOT NULL
---- after
INSERT INTO t VALUES (51);
INSERT INTO t VALUES (51, 'x');
INSERT INTO t VALUES (51, NULL, 3);

---- case set_not_null_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, nullif(n, 17)::text FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET NOT NULL
---- after
INSERT INTO t VALUES (51);

---- case set_not_null_already
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET NOT NULL
---- after
INSERT INTO t VALUES (51);

---- case set_not_null_with_check
-- a valid CHECK proves it: nothing to scan
CREATE TABLE t (id int PRIMARY KEY, a text, CONSTRAINT a_there CHECK (a IS NOT NULL));
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET NOT NULL
---- after
INSERT INTO t VALUES (51);
ALTER TABLE t DROP CONSTRAINT a_there;

---- case set_not_null_missing_column
---- expect error start
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t ALTER COLUMN a SET NOT NULL

---- case drop_not_null
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a DROP NOT NULL
---- after
INSERT INTO t VALUES (51);

---- case drop_not_null_of_key
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN id DROP NOT NULL

---- case drop_expression
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, b int, twice int GENERATED ALWAYS AS (b * 2) STORED);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN twice DROP EXPRESSION
---- after
INSERT INTO t VALUES (51, 1, 100) RETURNING *;
UPDATE t SET b = 0 WHERE id = 5 RETURNING *;

---- case drop_expression_if_exists
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN b DROP EXPRESSION IF EXISTS
---- after
INSERT INTO t VALUES (51, 1) RETURNING *;

---- case drop_expression_of_plain
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, b int);
---- change
ALTER TABLE t ALTER COLUMN b DROP EXPRESSION

---- case add_identity
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (START 51 CACHE 10)
---- after
INSERT INTO t (a) VALUES ('x') RETURNING id;
SELECT pg_get_serial_sequence('t', 'id');

---- case add_identity_with_default
---- expect error start
CREATE TABLE t (id int PRIMARY KEY DEFAULT 4, a text);
---- change
ALTER TABLE t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY

---- case set_identity
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, a text);
INSERT INTO t (a) SELECT n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN id SET GENERATED ALWAYS SET INCREMENT BY 10 SET MAXVALUE 5000 RESTART WITH 1000
---- after
INSERT INTO t (a) VALUES ('x'), ('y') RETURNING id;
INSERT INTO t VALUES (1, 'x');

---- case drop_identity
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, a text);
INSERT INTO t (a) SELECT n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN id DROP IDENTITY, ALTER a DROP IDENTITY IF EXISTS
---- after
INSERT INTO t (a) VALUES ('x');
INSERT INTO t VALUES (100, 'x');

---- case set_statistics
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE INDEX t_e ON t ((a || 'x'));
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET STATISTICS 500, ALTER COLUMN b SET STATISTICS 0, ALTER id SET STATISTICS -1
---- after
ANALYZE t;
SELECT attname, n_distinct FROM pg_stats WHERE schemaname = current_schema() AND tablename = 't' ORDER BY 1;

---- case set_column_options
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a SET (n_distinct = -0.5, n_distinct_inherited = 10), ALTER b SET (n_distinct = 5)
---- after
ANALYZE t;
SELECT attname, n_distinct FROM pg_stats WHERE schemaname = current_schema() AND tablename = 't' ORDER BY 1;

---- case reset_column_options
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
ALTER TABLE t ALTER COLUMN a SET (n_distinct = -0.5, n_distinct_inherited = 10);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER COLUMN a RESET (n_distinct)
---- after
ANALYZE t;

---- case set_column_options_bad
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ALTER COLUMN a SET (nonsense = 1)

---- case set_storage
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b text, c bytea, d text);
INSERT INTO t SELECT n, repeat('a', 3000), repeat('b', 3000), 'c', 'd' FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE MAIN, ALTER c SET STORAGE PLAIN, ALTER d SET STORAGE EXTENDED
---- after
INSERT INTO t VALUES (21, repeat('a', 3000), repeat('b', 3000), 'c', 'd');
SELECT pg_column_size(a), pg_column_size(b) FROM t WHERE id IN (1, 21) ORDER BY id;

---- case set_storage_not_possible
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ALTER id SET STORAGE EXTERNAL

---- case set_compression
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, repeat('a', 30000) FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a SET COMPRESSION lz4
---- after
INSERT INTO t VALUES (21, repeat('a', 30000));
SELECT pg_column_compression(a) FROM t WHERE id IN (1, 21) ORDER BY id;

---- case set_compression_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text COMPRESSION lz4);
---- change
ALTER TABLE t ALTER a SET COMPRESSION default
---- after
INSERT INTO t VALUES (21, repeat('a', 30000)) RETURNING pg_column_compression(a);
