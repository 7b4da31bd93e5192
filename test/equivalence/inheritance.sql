-- inheritance.sql: tables that inherit.

---- case inherited_type
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE c1 (b text, PRIMARY KEY (id)) INHERITS (t);
CREATE TABLE c2 (x int, PRIMARY KEY (id)) INHERITS (c1);
ALTER TABLE c2 DROP COLUMN x;
INSERT INTO t SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO c1 SELECT n, n, 'b' FROM generate_series(11, 20) n;
INSERT INTO c2 SELECT n, n, 'b' FROM generate_series(21, 30) n;
---- change
ALTER TABLE t ALTER a TYPE bigint
---- after
SELECT tableoid::regclass, count(*) FROM t GROUP BY 1 ORDER BY 1;
INSERT INTO c2 VALUES (31, 3000000000);
UPDATE t SET a = a + 1 WHERE id IN (5, 15, 25);
SELECT * FROM t WHERE id IN (5, 15, 25) ORDER BY id;

---- case inherited_key_type
---- until 17
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE c1 (PRIMARY KEY (id)) INHERITS (t);
INSERT INTO t SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO c1 SELECT n, n FROM generate_series(5, 20) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
SELECT count(*) FROM t;

---- case inherited_key_type_refused
---- since 18
---- expect error start
-- the NOT NULL that the child's key asks for has the name of the parent's
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE c1 (PRIMARY KEY (id)) INHERITS (t);
INSERT INTO t SELECT n, n FROM generate_series(1, 10) n;
---- change
ALTER TABLE t ALTER id TYPE bigint

---- case inherited_multiple
-- a child of two parents, a column that both bring
---- strategy copy
CREATE TABLE t (id int, a int DEFAULT 1);
CREATE TABLE u (a int DEFAULT 2, z text);
CREATE TABLE c (a int DEFAULT 3, PRIMARY KEY (id)) INHERITS (t, u);
INSERT INTO t SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO c (id, a) SELECT n, n FROM generate_series(11, 20) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
INSERT INTO c (id) VALUES (3000000000) RETURNING *;

---- case inherited_multiple_conflict
-- the column of one parent cannot change alone
---- expect error start
CREATE TABLE t (id int, a int);
CREATE TABLE u (a int, z text);
CREATE TABLE c () INHERITS (t, u);
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case inherited_add_column
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE c (b int) INHERITS (t);
INSERT INTO c VALUES (1, 2);
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 5
---- after
SELECT * FROM c;
SELECT attname, attislocal, attinhcount FROM pg_attribute WHERE attrelid = 'c'::regclass AND attnum > 0 ORDER BY attnum;

---- case inherited_add_column_volatile
---- strategy copy
---- new t.u unique
---- new c.u unique
CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE c (PRIMARY KEY (id)) INHERITS (t);
INSERT INTO t SELECT generate_series(1, 10);
INSERT INTO c SELECT generate_series(1, 10);
---- change
ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid() NOT NULL
---- after
SELECT count(DISTINCT u) FROM t;

---- case only_parent_type
---- expect error start
CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE c () INHERITS (t);
---- change
ALTER TABLE ONLY t ALTER id TYPE bigint

---- case only_parent_logged
-- ONLY, of a change that does not go to children anyhow
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE c () INHERITS (t);
INSERT INTO t VALUES (1);
INSERT INTO c VALUES (2);
---- change
ALTER TABLE ONLY t SET UNLOGGED
---- after
SELECT relname, relpersistence FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case parent_vacuum_full_only
-- VACUUM FULL of a parent leaves its children alone, until 17
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE c () INHERITS (t);
INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n;
INSERT INTO c SELECT n, n FROM generate_series(1, 1000) n;
DELETE FROM t WHERE id > 100;
---- change
VACUUM FULL t
---- after
SELECT pg_relation_size('t') < 20000, pg_relation_size('c') > 20000;

---- case child_of_column_type
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE c () INHERITS (t);
---- change
ALTER TABLE c ALTER a TYPE bigint

---- case child_own_column
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE c (b int, PRIMARY KEY (id)) INHERITS (t);
INSERT INTO c SELECT n, n, n FROM generate_series(1, 20) n;
---- change
ALTER TABLE c ALTER b TYPE bigint, ALTER a SET DEFAULT 5
---- after
INSERT INTO c (id) VALUES (50) RETURNING *;
SELECT count(*) FROM t;

---- case inherit
---- strategy instant
CREATE TABLE t (id int NOT NULL, a int CHECK (a > 0));
CREATE TABLE c (z int, id int NOT NULL, a int, CONSTRAINT t_a_check CHECK (a > 0));
INSERT INTO c VALUES (1, 2, 3);
---- change
ALTER TABLE c INHERIT t
---- after
SELECT * FROM t;
ALTER TABLE t ADD COLUMN more int DEFAULT 4;
SELECT * FROM c;

---- case inherit_without_check
---- expect error
CREATE TABLE t (id int NOT NULL, a int CHECK (a > 0));
CREATE TABLE c (z int, id int NOT NULL, a int);
---- change
ALTER TABLE c INHERIT t

---- case inherit_circle
---- expect error
CREATE TABLE t (id int);
CREATE TABLE c () INHERITS (t);
---- change
ALTER TABLE t INHERIT c

---- case no_inherit
---- strategy instant
CREATE TABLE t (id int NOT NULL, a int CHECK (a > 0));
CREATE TABLE c (z int) INHERITS (t);
INSERT INTO c VALUES (1, 2, 3);
---- change
ALTER TABLE c NO INHERIT t
---- after
SELECT count(*) FROM t;
ALTER TABLE c DROP COLUMN a;

---- case inherited_check
---- strategy constraint
CREATE TABLE t (id int NOT NULL, a int);
CREATE TABLE c (z int) INHERITS (t);
INSERT INTO c VALUES (1, 2, 3);
---- change
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)
---- after
INSERT INTO c VALUES (2, -1);

---- case inherited_check_merged
-- the child has it already
CREATE TABLE t (id int NOT NULL, a int);
CREATE TABLE c (z int, CONSTRAINT positive CHECK (a > 0)) INHERITS (t);
INSERT INTO c VALUES (1, 2, 3);
---- change
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)
---- after
SELECT conrelid::regclass, conislocal, coninhcount FROM pg_constraint WHERE conname = 'positive' AND connamespace = current_schema()::regnamespace ORDER BY 1;

---- case inherited_check_violated_in_child
---- expect error
CREATE TABLE t (id int NOT NULL, a int);
CREATE TABLE c (z int) INHERITS (t);
INSERT INTO c VALUES (1, -2, 3);
---- change
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)
---- after
INSERT INTO c VALUES (2, -1);

---- case drop_inherited_column
---- expect error
CREATE TABLE t (id int NOT NULL, a int);
CREATE TABLE c () INHERITS (t);
---- change
ALTER TABLE c DROP COLUMN a

---- case drop_parent_column
---- strategy instant
CREATE TABLE t (id int NOT NULL, a int, b int);
CREATE TABLE c (b int) INHERITS (t);
INSERT INTO c VALUES (1, 2, 3);
---- change
ALTER TABLE t DROP COLUMN a, DROP COLUMN b
---- after
SELECT * FROM c;

---- case drop_parent_column_only
---- strategy instant
CREATE TABLE t (id int NOT NULL, a int);
CREATE TABLE c () INHERITS (t);
INSERT INTO c VALUES (1, 2);
---- change
ALTER TABLE ONLY t DROP COLUMN a
---- after
SELECT * FROM c;

---- case rename_inherited_column
---- strategy instant
CREATE TABLE t (id int NOT NULL, a int);
CREATE TABLE c () INHERITS (t);
CREATE TABLE d () INHERITS (c);
INSERT INTO d VALUES (1, 2);
---- change
ALTER TABLE t RENAME a TO b
---- after
SELECT b FROM d;

---- case child_with_no_inherit_check
-- a copy of parent and child keeps what does not inherit
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT mine CHECK (a < 100) NO INHERIT);
CREATE TABLE c (PRIMARY KEY (id)) INHERITS (t);
INSERT INTO t VALUES (1, 1);
INSERT INTO c VALUES (2, 1000);
---- change
ALTER TABLE t ALTER a TYPE bigint
---- after
INSERT INTO t VALUES (3, 1000);
INSERT INTO c VALUES (3, 1000);
