-- alter_constraints.sql: jobs that add and drop constraints, against native
-- ALTER TABLE, and what they do with rows that violate one
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 7001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA alter_constraints;
SET search_path = alter_constraints, public;
CALL osc_test.twice($$
	CREATE TABLE t (id int PRIMARY KEY, a int, b text, c int, r int4range, s int4range);
	INSERT INTO t SELECT n, n, 'b' || n, n % 5, int4range(n, n + 1), int4range(1, n + 1) FROM generate_series(1, 40) n;
$$);

-- CHECK
CALL osc_test.both('ALTER TABLE t ADD CHECK (a > 0), ADD CONSTRAINT b_long CHECK (length(b) > 1 AND a <> c * 100)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD CHECK (c < 5) NO INHERIT, ADD CONSTRAINT later CHECK (a < 10) NOT VALID');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD d int CONSTRAINT d_low CHECK (d < 100) DEFAULT 5, ADD CHECK (d <> a + 1000)');
SELECT * FROM osc_test.differences('t');
-- the constraints follow a change of type
CALL osc_test.both('ALTER TABLE t ALTER a TYPE bigint, ALTER d TYPE numeric');
SELECT * FROM osc_test.differences('t');

-- UNIQUE
CALL osc_test.both('ALTER TABLE t ADD UNIQUE (a), ADD CONSTRAINT b_c UNIQUE (b, c)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ADD UNIQUE (d, a) DEFERRABLE, ADD CONSTRAINT b_incl UNIQUE (b) INCLUDE (c) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED');
SELECT * FROM osc_test.differences('t');
-- names that native invents
CALL osc_test.both('ALTER TABLE t ADD UNIQUE (a), ADD UNIQUE (a), ADD CHECK (a > 0)');
SELECT * FROM osc_test.differences('t');

-- EXCLUDE
CALL osc_test.both('ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&), ADD CONSTRAINT a_ex EXCLUDE USING btree (a WITH =) WHERE (c = 1)');
SELECT * FROM osc_test.differences('t');

-- DROP, and the same name again
CALL osc_test.both('ALTER TABLE t DROP CONSTRAINT later, DROP CONSTRAINT b_long, DROP CONSTRAINT b_c, DROP CONSTRAINT a_ex');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t DROP CONSTRAINT t_a_check, ADD CONSTRAINT t_a_check CHECK (a > -1), DROP CONSTRAINT t_a_key, ADD CONSTRAINT t_a_key UNIQUE (a, c)');
SELECT * FROM osc_test.differences('t');
SET client_min_messages = warning;
CALL osc_test.both('ALTER TABLE t DROP CONSTRAINT IF EXISTS nothing');
RESET client_min_messages;
SELECT * FROM osc_test.differences('t');

-- PRIMARY KEY: a new one beside a unique index that finds the rows
CALL osc_test.twice($$
	CREATE TABLE p (a int NOT NULL UNIQUE, b int, c text);
	INSERT INTO p SELECT n, n * 2, n FROM generate_series(1, 10) n;
$$);
CALL osc_test.both('ALTER TABLE p ADD PRIMARY KEY (b), ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('p');
CALL osc_test.both('ALTER TABLE p DROP CONSTRAINT p_pkey, ADD CONSTRAINT p_key PRIMARY KEY (c, b)');
SELECT * FROM osc_test.differences('p');
CALL osc_test.both('ALTER TABLE p DROP CONSTRAINT p_a_key, ADD UNIQUE (a)');
CALL osc_test.both('ALTER TABLE p DROP CONSTRAINT p_a_key, ALTER b TYPE bigint');
SELECT * FROM osc_test.differences('p');

-- rows that violate an old NOT VALID constraint are copied, as native rewrites
-- them; those of a new one are not looked at
CALL osc_test.twice($$
	CREATE TABLE q (id int PRIMARY KEY, a int);
	INSERT INTO q VALUES (1, 1), (2, 20), (3, NULL);
	ALTER TABLE q ADD CONSTRAINT big CHECK (a > 10) NOT VALID;
$$);
CALL osc_test.both('ALTER TABLE q ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('q');
CALL osc_test.both('ALTER TABLE q ALTER a TYPE bigint, ADD CONSTRAINT odd CHECK (a % 2 = 1) NOT VALID');
SELECT * FROM osc_test.differences('q');
CALL osc_test.both('ALTER TABLE q DROP CONSTRAINT big, ADD CONSTRAINT big CHECK (a > 10) NOT VALID, ADD b int DEFAULT 0');
SELECT * FROM osc_test.differences('q');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'online.q'::regclass AND contype = 'c' ORDER BY 1;
SELECT * FROM online.q ORDER BY id;
-- writes that violate it are refused, also while a job runs
SELECT osc_start('ALTER TABLE online.q ALTER a TYPE int', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
INSERT INTO online.q VALUES (4, 4);
UPDATE online.q SET b = 1 WHERE id = 1;
INSERT INTO online.q VALUES (4, 41);
UPDATE online.q SET a = 21 WHERE id = 1;
CALL osc_run(:job);
SELECT * FROM online.q ORDER BY id;

-- what came out, to be sure that something did
SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE conrelid IN ('online.t'::regclass, 'online.p'::regclass) AND contype <> 'n' ORDER BY 1;
INSERT INTO online.t VALUES (101, -5, 'b', 1, NULL, NULL, 5);
INSERT INTO online.t VALUES (1, 500, 'b', 1, NULL, NULL, 5);
INSERT INTO online.t VALUES (101, 500, 'b', 1, '[5,6]', NULL, 5);

SELECT state, count(*) FROM osc_progress WHERE relation ~ '^online' AND job_id BETWEEN :first_job AND :first_job + 999 GROUP BY 1;
SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA alter_constraints, native, online CASCADE;
