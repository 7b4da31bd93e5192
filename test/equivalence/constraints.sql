-- constraints.sql: CHECK, UNIQUE, PRIMARY KEY and EXCLUDE constraints; foreign keys have a file
-- of their own.

---- case add_check
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_small CHECK (b < 1000)
---- after
INSERT INTO t VALUES (51, 'x', 1000);
INSERT INTO t VALUES (51, 'x', NULL);

---- case add_check_unnamed
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text, b int CHECK (b > 0));
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CHECK (b < 1000), ADD CHECK (b < 2000 AND id < 2000), ADD CHECK (a <> '' AND b <> 77)
---- after
INSERT INTO t VALUES (51, 'x', 1000);
INSERT INTO t VALUES (2000, 'x', 100);
INSERT INTO t VALUES (53, '', 100);

---- case add_check_not_valid
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_small CHECK (b < 10) NOT VALID
---- after
INSERT INTO t VALUES (51, 10);
ALTER TABLE t VALIDATE CONSTRAINT b_small;
UPDATE t SET b = b WHERE id = 30;

---- case add_check_no_inherit
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, b int);
CREATE TABLE c () INHERITS (t);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO c SELECT n, n + 1000 FROM generate_series(51, 60) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_small CHECK (b < 1000) NO INHERIT
---- after
INSERT INTO t VALUES (101, 1000);
INSERT INTO c VALUES (101, 1000);

---- case add_check_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_small CHECK (b < 17)
---- after
INSERT INTO t VALUES (51, 10);

---- case add_check_name_taken
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, b int, CONSTRAINT b_small CHECK (b < 100));
---- change
ALTER TABLE t ADD CONSTRAINT b_small CHECK (b < 17)

---- case add_check_function
-- a user's function, with a search path of its own
CREATE TABLE allowed (b int);
INSERT INTO allowed SELECT generate_series(1, 50);
CREATE FUNCTION is_allowed(int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN EXISTS (SELECT FROM eq_add_check_function.allowed WHERE b = $1); END $$;
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_allowed CHECK (is_allowed(b))
---- after
INSERT INTO t VALUES (51, 51);

---- case add_check_missing_column
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, b int);
---- change
ALTER TABLE t ADD CHECK (c < 17)

---- case add_check_with_copy
-- a CHECK beside a change that rewrites: proved in the copy, an old NOT VALID one is not
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, b int, CONSTRAINT old CHECK (b < 10) NOT VALID);
INSERT INTO t SELECT n, 9 FROM generate_series(1, 50) n;
ALTER TABLE t DROP CONSTRAINT old;
UPDATE t SET b = n FROM generate_series(1, 50) n WHERE n = id;
ALTER TABLE t ADD CONSTRAINT old CHECK (b < 10) NOT VALID;
---- change
ALTER TABLE t ALTER id TYPE bigint, ADD CONSTRAINT b_small CHECK (b < 1000)
---- after
INSERT INTO t VALUES (51, 11);
INSERT INTO t VALUES (51, 9);
UPDATE t SET b = b WHERE id = 30;

---- case add_check_with_copy_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER b TYPE bigint, ADD CONSTRAINT b_small CHECK (b < 17)

---- case add_unique
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_key UNIQUE (b)
---- after
INSERT INTO t VALUES (51, 'x', 7);
INSERT INTO t VALUES (51, 'x', NULL), (52, 'x', NULL);
INSERT INTO t VALUES (51, 'x', 7) ON CONFLICT ON CONSTRAINT b_key DO NOTHING;

---- case add_unique_unnamed
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int, UNIQUE (a));
CREATE TABLE t_b_a_key ();
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD UNIQUE (b, a), ADD UNIQUE (a, b)
---- after
INSERT INTO t VALUES (51, 'a 7', 7);

---- case add_unique_options
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT u1 UNIQUE (b) INCLUDE (a) WITH (fillfactor = 70) USING INDEX TABLESPACE eq_space, ADD CONSTRAINT u2 UNIQUE NULLS NOT DISTINCT (a)
---- after
INSERT INTO t VALUES (51, NULL, 107);
INSERT INTO t VALUES (52, NULL, 108);

---- case add_unique_deferrable
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, b int, c int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT d UNIQUE (b) DEFERRABLE INITIALLY DEFERRED, ADD CONSTRAINT i UNIQUE (c) DEFERRABLE
---- after
UPDATE t SET b = b + 1;
UPDATE t SET c = c + 1;
BEGIN;
INSERT INTO t VALUES (60, 5, 100);
COMMIT;
INSERT INTO t VALUES (60, 100, 5);

---- case add_unique_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n % 40 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT b_key UNIQUE (b)
---- after
INSERT INTO t VALUES (51, 0);

---- case add_unique_missing_column
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, b int);
---- change
ALTER TABLE t ADD CONSTRAINT b_key UNIQUE (c)

---- case add_unique_name_taken
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, b int);
CREATE TABLE b_key ();
---- change
ALTER TABLE t ADD CONSTRAINT b_key UNIQUE (b)

---- case add_primary_key
CREATE TABLE t (a text, b int NOT NULL);
INSERT INTO t SELECT 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD PRIMARY KEY (b)
---- strategy index
---- after
INSERT INTO t VALUES ('x', 5);
INSERT INTO t VALUES ('x', NULL);

---- case add_primary_key_nullable
-- native sets the columns NOT NULL, too
CREATE TABLE t (a text, b int, c int UNIQUE);
INSERT INTO t SELECT 'a ' || n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT "The key" PRIMARY KEY (b, c) INCLUDE (a)
---- after
INSERT INTO t VALUES ('x', 5, 5);
INSERT INTO t VALUES ('x', 5, NULL);
INSERT INTO t VALUES ('x', NULL, 100);

---- case add_primary_key_null_value
---- expect error
CREATE TABLE t (a text, b int);
INSERT INTO t SELECT 'a ' || n, nullif(n, 17) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD PRIMARY KEY (b)
---- after
INSERT INTO t VALUES ('x', NULL);

---- case add_primary_key_duplicate
---- expect error
CREATE TABLE t (a text, b int);
INSERT INTO t SELECT 'a ' || n, n % 49 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD PRIMARY KEY (b)
---- after
INSERT INTO t VALUES ('x', NULL);

---- case add_second_primary_key
---- expect error start
CREATE TABLE t (a int PRIMARY KEY, b int);
---- change
ALTER TABLE t ADD PRIMARY KEY (b)

---- case add_primary_key_deferrable
CREATE TABLE t (a text, b int NOT NULL);
INSERT INTO t SELECT 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD PRIMARY KEY (b) DEFERRABLE INITIALLY DEFERRED
---- after
UPDATE t SET b = b + 1;

---- case add_constraint_using_index
---- strategy instant
CREATE TABLE t (a text, b int NOT NULL, c int);
CREATE UNIQUE INDEX t_b ON t (b);
CREATE UNIQUE INDEX t_c ON t (c);
COMMENT ON INDEX t_c IS 'stays';
INSERT INTO t SELECT 'a ' || n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY USING INDEX t_b, ADD CONSTRAINT t_c UNIQUE USING INDEX t_c DEFERRABLE
---- after
INSERT INTO t VALUES ('x', 5, 100);
UPDATE t SET c = c + 1;

---- case add_key_using_index_nullable
-- the index is there, but not the NOT NULL: that is a scan
CREATE TABLE t (a text, b int);
CREATE UNIQUE INDEX t_b ON t (b);
INSERT INTO t SELECT 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD PRIMARY KEY USING INDEX t_b
---- after
INSERT INTO t VALUES ('x', NULL);

---- case add_constraint_using_missing_index
---- expect error start
CREATE TABLE t (a text, b int NOT NULL);
---- change
ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY USING INDEX t_b

---- case add_constraint_using_bad_index
---- expect error start
CREATE TABLE t (a text, b int NOT NULL);
CREATE INDEX t_b ON t (b);
---- change
ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY USING INDEX t_b

---- case add_exclude
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, room int, during int4range);
INSERT INTO t SELECT n, n % 5, int4range(n * 10, n * 10 + 5) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room <> 3)
---- after
INSERT INTO t VALUES (51, 1, '[10,500)');
INSERT INTO t VALUES (51, 3, '[10,500)');

---- case add_exclude_deferrable
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, during int4range);
INSERT INTO t SELECT n, int4range(n * 10, n * 10 + 10) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD EXCLUDE USING gist (during WITH &&) DEFERRABLE INITIALLY DEFERRED
---- after
UPDATE t SET during = int4range(lower(during) + 10, upper(during) + 10);
INSERT INTO t VALUES (51, '[100,105)');

---- case add_exclude_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, room int, during int4range);
INSERT INTO t SELECT n, n % 5, int4range(n * 10, n * 10 + 55) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&)

---- case drop_constraint
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE, b int CHECK (b > 0), CONSTRAINT other CHECK (b < 100));
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP CONSTRAINT t_b_check, DROP CONSTRAINT t_a_key, DROP CONSTRAINT IF EXISTS nothing
---- after
INSERT INTO t VALUES (51, 'a 5', -1);
INSERT INTO t VALUES (52, 'a 5', 101);

---- case drop_primary_key
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP CONSTRAINT t_pkey
---- after
INSERT INTO t VALUES (5, 'x');
INSERT INTO t VALUES (NULL, 'y');

---- case drop_referenced_key
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);
CREATE TABLE r (id int REFERENCES t);
---- change
ALTER TABLE t DROP CONSTRAINT t_pkey

---- case drop_constraint_cascade
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);
CREATE TABLE r (id int REFERENCES t);
---- change
ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE
---- after
INSERT INTO r VALUES (1);

---- case drop_missing_constraint
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);
---- change
ALTER TABLE t DROP CONSTRAINT nothing

---- case replace_primary_key
-- in one statement; strategy copy or index, as the planner likes
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (a, id)
---- after
INSERT INTO t VALUES (5, 'x');
INSERT INTO t VALUES (5, 'x');

---- case replace_key_and_type
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL, n int NOT NULL);
INSERT INTO t SELECT n, 'a ' || n, 100 - n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP CONSTRAINT t_pkey, DROP COLUMN id, ALTER n TYPE bigint, ADD PRIMARY KEY (n)
---- after
INSERT INTO t VALUES ('x', 99);
INSERT INTO t VALUES ('x', 101);

---- case rename_constraint
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE, b int CHECK (b > 0));
COMMENT ON CONSTRAINT t_a_key ON t IS 'stays';
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t RENAME CONSTRAINT t_a_key TO "A key"
---- after
INSERT INTO t VALUES (51, 'a 5', 1);

---- case rename_missing_constraint
---- expect error
CREATE TABLE t (id int PRIMARY KEY);
---- change
ALTER TABLE t RENAME CONSTRAINT nothing TO something

---- case validate_check
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, b int, CONSTRAINT c CHECK (b < 100) NOT VALID);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t VALIDATE CONSTRAINT c
---- after
INSERT INTO t VALUES (51, 101);

---- case validate_violated
-- the constraint was there before: it stays, NOT VALID
---- expect error
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
ALTER TABLE t ADD CONSTRAINT c CHECK (b < 17) NOT VALID;
---- change
ALTER TABLE t VALIDATE CONSTRAINT c
---- after
INSERT INTO t VALUES (51, 101);

---- case validate_missing
---- expect error
CREATE TABLE t (id int PRIMARY KEY, b int);
---- change
ALTER TABLE t VALIDATE CONSTRAINT c

---- case alter_constraint_check
-- only foreign keys can be altered
---- expect error
CREATE TABLE t (id int PRIMARY KEY, b int, CONSTRAINT c CHECK (b < 100));
---- change
ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE
