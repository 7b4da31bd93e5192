-- scripts.sql: several sub-commands, several statements, several tables: one job, one swap.

---- case key_and_references_to_bigint
-- the key of a parent and the columns of its children
---- strategy copy
CREATE TABLE p (id int PRIMARY KEY, a text);
CREATE TABLE c1 (id int PRIMARY KEY, p int NOT NULL REFERENCES p ON DELETE CASCADE);
CREATE TABLE c2 (p int REFERENCES p, x text, PRIMARY KEY (p, x));
INSERT INTO p SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO c1 SELECT n, n FROM generate_series(1, 40) n;
INSERT INTO c2 SELECT n, 'x' FROM generate_series(41, 50) n;
---- change
ALTER TABLE p ALTER id TYPE bigint;
ALTER TABLE c1 ALTER p TYPE bigint;
ALTER TABLE c2 ALTER COLUMN p TYPE bigint;
---- after
INSERT INTO p VALUES (3000000000, 'big');
INSERT INTO c1 VALUES (100, 3000000000);
INSERT INTO c2 VALUES (3000000001, 'x');
DELETE FROM p WHERE id = 5;
DELETE FROM p WHERE id = 45;
SELECT count(*) FROM c1;

---- case tree_to_bigint
-- three floors, and a reference to itself
---- strategy copy
CREATE TABLE a (id serial PRIMARY KEY);
CREATE TABLE b (id serial PRIMARY KEY, a int REFERENCES a, b int REFERENCES b);
CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b int REFERENCES b ON UPDATE CASCADE);
INSERT INTO a SELECT FROM generate_series(1, 20);
INSERT INTO b (a, b) SELECT n, n FROM generate_series(1, 20) n;
INSERT INTO c (b) SELECT n FROM generate_series(1, 20) n;
---- change
ALTER TABLE a ALTER id TYPE bigint;
ALTER TABLE b ALTER id TYPE bigint, ALTER a TYPE bigint, ALTER b TYPE bigint;
ALTER TABLE c ALTER id TYPE bigint, ALTER b TYPE bigint
---- after
INSERT INTO c (b) VALUES (1000);
INSERT INTO c (b) VALUES (10) RETURNING *;
UPDATE b SET b = NULL;
UPDATE b SET id = 3000000000 WHERE id = 10;
SELECT count(*) FROM c WHERE b = 3000000000;

---- case instants_in_one
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN c int DEFAULT 5, DROP COLUMN b, ALTER a SET DEFAULT 'x', SET (fillfactor = 80), DISABLE TRIGGER USER
---- after
INSERT INTO t (id) VALUES (60) RETURNING *;

---- case everything_in_one
-- one sub-command of each strategy: all go into one copy
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, b int, gone int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN c int DEFAULT 5, DROP COLUMN gone, ALTER a SET NOT NULL, ADD CHECK (b < 1000), ADD UNIQUE (a), ALTER id TYPE bigint, ALTER b SET STATISTICS 10
---- after
INSERT INTO t VALUES (60, '7', 7);
INSERT INTO t VALUES (60, NULL, 7);
INSERT INTO t VALUES (60, 'x', 7777);
INSERT INTO t VALUES (60, 'x', 7) RETURNING *;

---- case split_and_ordered
-- nothing rewrites: split, in the order of the script
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN c int DEFAULT 5, ADD CONSTRAINT c_check CHECK (c > 0), ALTER c SET NOT NULL, ADD CONSTRAINT c_a UNIQUE (c, a)
---- after
INSERT INTO t VALUES (60, 'x', 1, NULL);
INSERT INTO t VALUES (60, 'x', 1, 0);
INSERT INTO t VALUES (60, '7', 1, 5);

---- case split_fails_late
-- a later step fails: the earlier ones must be taken back
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, n, n % 40 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN c int DEFAULT 5, ALTER a SET NOT NULL, ADD CONSTRAINT b_key UNIQUE (b)
---- after
SELECT * FROM t WHERE id = 5;

---- case statements_fail_late
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE TABLE u (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
INSERT INTO u SELECT n, 'x' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint;
CREATE INDEX t_a ON t (a);
ALTER TABLE u ALTER a TYPE int USING a::int
---- after
SELECT * FROM t WHERE id = 5;

---- case instants_on_two_tables
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE u (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 3; ALTER TABLE u RENAME COLUMN a TO b; ALTER TABLE u RENAME TO v; ALTER TABLE v ADD a int
---- after
SELECT * FROM v;
SELECT * FROM t WHERE id = 4;

---- case add_column_index_constraint
-- what migration tools write
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO p VALUES (1);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN p int;
CREATE INDEX t_p ON t (p);
ALTER TABLE t ADD CONSTRAINT t_p_fkey FOREIGN KEY (p) REFERENCES p (id);
ALTER TABLE t ALTER COLUMN p SET DEFAULT 1;
---- after
INSERT INTO t VALUES (60) RETURNING *;
INSERT INTO t VALUES (61, 'x', 7);

---- case column_then_type
-- a statement that builds on the one before
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 5;
ALTER TABLE t ALTER b TYPE text USING 'b' || id;
ALTER TABLE t RENAME b TO c
---- after
SELECT * FROM t WHERE id = 7;

---- case rename_then_type
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t RENAME TO u;
ALTER TABLE u ALTER id TYPE bigint;
ALTER TABLE u RENAME COLUMN a TO b;
ALTER TABLE u ADD CONSTRAINT b_there CHECK (b <> '')
---- after
INSERT INTO u VALUES (60, '');

---- case swap_two_names
-- names go round
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
INSERT INTO t SELECT n, n, -n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t RENAME a TO c; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME c TO b; ALTER TABLE t ALTER a TYPE bigint
---- after
SELECT * FROM t WHERE id = 7;

---- case index_and_drop_index
-- an index is replaced by another of the same name
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
DROP INDEX t_a; CREATE INDEX t_a ON t (a, b)

---- case index_on_copied_table
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER b TYPE text;
CREATE INDEX t_b ON t (b text_pattern_ops);
DROP INDEX IF EXISTS t_b2
---- after
SET enable_seqscan = off;
SELECT * FROM t WHERE b ~~ '17%' ORDER BY id;

---- case same_table_twice
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER b TYPE bigint; ALTER TABLE t ALTER a TYPE int USING a::int; ALTER TABLE t ALTER b TYPE text

---- case same_names_in_two_schemas
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE SCHEMA eq_same_names_in_two_schemas_other;
CREATE TABLE eq_same_names_in_two_schemas_other.t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO eq_same_names_in_two_schemas_other.t SELECT n, -n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint; ALTER TABLE eq_same_names_in_two_schemas_other.t ALTER id TYPE bigint
---- after
SELECT * FROM t JOIN eq_same_names_in_two_schemas_other.t u USING (id) WHERE id < 3 ORDER BY id;

---- case comments_and_odd_spaces
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
-- a comment; with a semicolon
/* another; /* nested; */ ' */ ;;
ALTER /* here */ TABLE t -- ;
	ADD COLUMN b text DEFAULT 'a;b''c' ; ; ALTER TABLE t ADD c text DEFAULT $x$;$$;$x$, ADD d text DEFAULT E'\';'; ;
---- after
INSERT INTO t VALUES (1) RETURNING *;

---- case other_statements
-- what is no change of a schema
---- expect refused 0A000 INSERT
---- limit Other statements
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD COLUMN b int; INSERT INTO t VALUES (1)

---- case create_table
---- expect refused 0A000 CREATE TABLE
---- limit Other statements
---- change
CREATE TABLE t (id int PRIMARY KEY, a text)

---- case vacuum_full_in_script
-- natively not possible in one transaction either
---- expect refused 0A000 VACUUM
---- limit must stand on its own
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD COLUMN b int; VACUUM FULL t
---- native
VACUUM FULL t;
