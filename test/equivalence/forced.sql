-- forced.sql: a strategy that the caller asks for is obeyed or refused, never ignored. A case for
-- each pair of strategy and class of change.

---- case force_instant_on_instant
---- force instant
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 5

---- case force_copy_on_instant
-- allowed: it reclaims the space of the dropped column
---- force copy
---- strategy copy
---- ignore missing
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, repeat('x', 200), n FROM generate_series(1, 1000) n;
---- change
ALTER TABLE t DROP COLUMN a, ADD COLUMN c int DEFAULT 3
---- after
SELECT count(*), sum(c) FROM t;

---- case force_constraint_on_constraint
---- force constraint
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT c CHECK (a <> '')

---- case force_copy_on_constraint
---- force copy
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT c CHECK (a <> ''), ALTER a SET NOT NULL
---- after
INSERT INTO t VALUES (60, '');

---- case force_index_on_index
---- force index
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)

---- case force_copy_on_index
---- force copy
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)
---- after
INSERT INTO t VALUES (60, '7');

---- case force_copy_on_create_index
---- force copy
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
CREATE INDEX t_a ON t (a)

---- case force_copy_on_copy
---- force copy
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint

---- case force_instant_on_copy
---- force instant
---- expect refused (0A000|22023) copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint

---- case force_constraint_on_copy
---- force constraint
---- expect refused (0A000|22023) copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint

---- case force_index_on_copy
---- force index
---- expect refused (0A000|22023) copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t SET UNLOGGED

---- case force_instant_on_constraint
-- it would scan under the lock
---- force instant
---- expect refused (0A000|22023) constraint
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT c CHECK (a <> '')

---- case force_instant_on_index
---- force instant
---- expect refused (0A000|22023) index
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
CREATE INDEX t_a ON t (a)

---- case force_constraint_on_instant
---- force constraint
---- expect refused (0A000|22023) instant
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD COLUMN b int

---- case force_index_on_instant
---- force index
---- expect refused (0A000|22023) instant
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD COLUMN b int

---- case force_constraint_on_index
---- force constraint
---- expect refused (0A000|22023) index
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD UNIQUE (a)

---- case force_index_on_constraint
---- force index
---- expect refused (0A000|22023) constraint
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD CHECK (a <> '')

---- case force_nonsense
---- force nonsense
---- expect refused 22023 strategy
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ADD CHECK (a <> '')
