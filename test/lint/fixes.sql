-- fixes.sql: what --fix makes of migrations. A line that begins with four hyphens is a header:
--
--   ---- case NAME          begins a case; its setup follows, which is there when the migration runs
--   ---- options ...        arguments of osc-lint
--   ---- left RULE...       what is found afterwards; nothing if it is not there
--   ---- migration          the file before
--                           (run with ${schema} replaced by public, as Flyway does)
--   ---- fixed              the file afterwards, byte for byte; not there: the file stays as it is

---- case concurrently
CREATE TABLE t (a int, b int);
CREATE INDEX old ON t (b);
CREATE INDEX kept ON t (a, b);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
-- indexes
CREATE INDEX t_a ON t (a);   -- the first
create unique   index
	t_b on public.t (b desc) where b > 5;
DROP INDEX old;
REINDEX INDEX kept;
REINDEX (VERBOSE) TABLE t;
REINDEX (CONCURRENTLY off) TABLE t;
---- fixed
-- indexes
CREATE INDEX CONCURRENTLY t_a ON t (a);   -- the first
create unique   index CONCURRENTLY
	t_b on public.t (b desc) where b > 5;
DROP INDEX CONCURRENTLY old;
REINDEX INDEX CONCURRENTLY kept;
REINDEX (VERBOSE) TABLE CONCURRENTLY t;
REINDEX (CONCURRENTLY off) TABLE CONCURRENTLY t;

---- case not_valid
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (a bigint, b int);
CREATE INDEX ON t (a);
INSERT INTO p SELECT n FROM generate_series(1, 100) n;
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
SET lock_timeout = '3s';

ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0); /* why */ -- not
  ALTER TABLE ONLY public . t
    ADD CONSTRAINT "t;p" FOREIGN KEY (a) REFERENCES p ON DELETE CASCADE -- of p
    DEFERRABLE INITIALLY DEFERRED ;
ALTER TABLE t ADD COLUMN c int, ADD CONSTRAINT cc CHECK (c IS NULL OR b > 0), ALTER b SET DEFAULT 5
---- fixed
SET lock_timeout = '3s';

ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0) NOT VALID; /* why */ -- not
ALTER TABLE t VALIDATE CONSTRAINT positive;
  ALTER TABLE ONLY public . t
    ADD CONSTRAINT "t;p" FOREIGN KEY (a) REFERENCES p ON DELETE CASCADE -- of p
    DEFERRABLE INITIALLY DEFERRED NOT VALID ;
  ALTER TABLE ONLY public . t VALIDATE CONSTRAINT "t;p";
ALTER TABLE t ADD COLUMN c int, ADD CONSTRAINT cc CHECK (c IS NULL OR b > 0) NOT VALID, ALTER b SET DEFAULT 5;
ALTER TABLE t VALIDATE CONSTRAINT cc

---- case not_valid_in_transaction
CREATE TABLE t (a int, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0), ADD CONSTRAINT other CHECK (a > 0);
ALTER TABLE t ADD COLUMN c int;
COMMIT; -- done
SELECT 1;
---- fixed
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0) NOT VALID, ADD CONSTRAINT other CHECK (a > 0) NOT VALID;
ALTER TABLE t ADD COLUMN c int;
COMMIT; -- done
ALTER TABLE t VALIDATE CONSTRAINT other;
ALTER TABLE t VALIDATE CONSTRAINT positive;
SELECT 1;

---- case set_not_null
CREATE TABLE t (a int, "B b" int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
SET lock_timeout = '2s';
ALTER TABLE t ALTER COLUMN a SET NOT NULL;
ALTER TABLE t ALTER "B b" SET NOT NULL;
---- fixed
SET lock_timeout = '2s';
ALTER TABLE t ADD CONSTRAINT osc_lint_a_not_null CHECK (a IS NOT NULL) NOT VALID;
ALTER TABLE t VALIDATE CONSTRAINT osc_lint_a_not_null;
ALTER TABLE t ALTER COLUMN a SET NOT NULL;
ALTER TABLE t DROP CONSTRAINT osc_lint_a_not_null;
ALTER TABLE t ADD CONSTRAINT osc_lint_b_not_null CHECK ("B b" IS NOT NULL) NOT VALID;
ALTER TABLE t VALIDATE CONSTRAINT osc_lint_b_not_null;
ALTER TABLE t ALTER "B b" SET NOT NULL;
ALTER TABLE t DROP CONSTRAINT osc_lint_b_not_null;

---- case unique
CREATE TABLE t (a int, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
SET lock_timeout = '2s';
ALTER TABLE t ADD CONSTRAINT t_ab UNIQUE (a, b);
ALTER TABLE t ADD CONSTRAINT "T" UNIQUE (b);
---- fixed
SET lock_timeout = '2s';
CREATE UNIQUE INDEX CONCURRENTLY t_ab ON t (a, b);
ALTER TABLE t ADD CONSTRAINT t_ab UNIQUE USING INDEX t_ab;
CREATE UNIQUE INDEX CONCURRENTLY "T" ON t (b);
ALTER TABLE t ADD CONSTRAINT "T" UNIQUE USING INDEX "T";

---- case lock_timeout
CREATE TABLE t (a int, b int);
---- migration
-- Deploy x:y to pg

-- a column
ALTER TABLE t ADD COLUMN c int;
ALTER TABLE t ADD COLUMN d int;
---- fixed
-- Deploy x:y to pg

-- a column
SET lock_timeout = '2s';
ALTER TABLE t ADD COLUMN c int;
ALTER TABLE t ADD COLUMN d int;

---- case lock_timeout_in_transactions
CREATE TABLE t (a int, b int);
---- left drop-column
---- migration
BEGIN;
	ALTER TABLE t ADD COLUMN c int;
COMMIT;
BEGIN;
	SELECT 1;
	-- osc-lint: ignore rename-column nobody uses it
	ALTER TABLE t RENAME c TO d;
	ALTER TABLE t DROP COLUMN b;
COMMIT;
---- fixed
BEGIN;
	SET LOCAL lock_timeout = '2s';
	ALTER TABLE t ADD COLUMN c int;
COMMIT;
BEGIN;
	SELECT 1;
	SET LOCAL lock_timeout = '2s';
	-- osc-lint: ignore rename-column nobody uses it
	ALTER TABLE t RENAME c TO d;
	ALTER TABLE t DROP COLUMN b;
COMMIT;

---- case lock_timeout_in_tool_transaction
CREATE TABLE t (a int, b int);
---- options --transactional
---- migration
ALTER TABLE t ADD COLUMN c int;
---- fixed
SET LOCAL lock_timeout = '2s';
ALTER TABLE t ADD COLUMN c int;

---- case online
CREATE TABLE t (id int PRIMARY KEY, a varchar(10), b text);
INSERT INTO t SELECT n, 'it''s', n FROM generate_series(1, 100) n;
---- migration
-- the key
ALTER TABLE t
	ALTER id TYPE bigint, -- grows
	ALTER b TYPE int USING b::int;
ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid();
ALTER TABLE t ADD CHECK (a <> 'it''s not');
ALTER TABLE t ADD UNIQUE (u);
ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (b * 2) STORED
---- fixed
-- the key
CALL osc_wait(osc_start('ALTER TABLE t
	ALTER id TYPE bigint, -- grows
	ALTER b TYPE int USING b::int'));
CALL osc_wait(osc_start('ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid()'));
CALL osc_wait(osc_start('ALTER TABLE t ADD CHECK (a <> ''it''''s not'')'));
CALL osc_wait(osc_start('ALTER TABLE t ADD UNIQUE (u)'));
CALL osc_wait(osc_start('ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (b * 2) STORED'))

---- case online_in_transaction
CREATE TABLE t (id int PRIMARY KEY, a varchar(10));
CREATE TABLE s (id int PRIMARY KEY);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- left create-index
---- migration
BEGIN;
SET LOCAL lock_timeout = '2s';
CREATE INDEX s_id ON s (id);
ALTER TABLE t ALTER id TYPE bigint;
ALTER TABLE s ADD COLUMN note text;
COMMIT;
---- fixed
BEGIN;
SET LOCAL lock_timeout = '2s';
CREATE INDEX s_id ON s (id);
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint');
ALTER TABLE s ADD COLUMN note text;
COMMIT;

---- case online_in_tool_transaction
CREATE TABLE t (id int PRIMARY KEY, a varchar(10));
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- options --transactional
---- migration
ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0), ALTER a SET NOT NULL;
---- fixed
SELECT osc_start('ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0), ALTER a SET NOT NULL');

---- case primary_key
CREATE TABLE t (id bigint NOT NULL, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
ALTER TABLE t ADD CONSTRAINT t_key PRIMARY KEY (id);
---- fixed
CALL osc_wait(osc_start('ALTER TABLE t ADD CONSTRAINT t_key PRIMARY KEY (id)'));

---- case whole_table
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
VACUUM FULL t;
VACUUM (FULL, ANALYZE) t;
---- fixed
CALL osc_wait(osc_start('VACUUM FULL t'));
CALL osc_wait(osc_start('VACUUM (FULL, ANALYZE) t'));

---- case whole_table_again
CREATE TABLE t (id int PRIMARY KEY, a int, r int4range);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, -n, int4range(n, n + 1) FROM generate_series(1, 100) n;
---- migration
CLUSTER t USING t_a;
ALTER TABLE t SET UNLOGGED;
ALTER TABLE t ADD COLUMN n bigserial;
ALTER TABLE t ADD COLUMN i bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&);
---- fixed
CALL osc_wait(osc_start('CLUSTER t USING t_a'));
CALL osc_wait(osc_start('ALTER TABLE t SET UNLOGGED'));
CALL osc_wait(osc_start('ALTER TABLE t ADD COLUMN n bigserial'));
CALL osc_wait(osc_start('ALTER TABLE t ADD COLUMN i bigint GENERATED ALWAYS AS IDENTITY'));
CALL osc_wait(osc_start('ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)'));

---- case partitions
CREATE TABLE m (id bigint, o bigint) PARTITION BY RANGE (id);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (50);
CREATE TABLE m2 (id bigint, o bigint);
CREATE TABLE p (id bigint PRIMARY KEY);
INSERT INTO m SELECT n, n FROM generate_series(1, 49) n;
INSERT INTO m2 SELECT n, n FROM generate_series(50, 99) n;
INSERT INTO p SELECT n FROM generate_series(1, 100) n;
---- migration
SET lock_timeout = '2s';
CREATE INDEX m_id ON m (id);
ALTER TABLE m ATTACH PARTITION m2 FOR VALUES FROM (50) TO (100);
ALTER TABLE m ADD CONSTRAINT m_o FOREIGN KEY (o) REFERENCES p;
---- fixed
SET lock_timeout = '2s';
CALL osc_wait(osc_start('CREATE INDEX m_id ON m (id)'));
CALL osc_wait(osc_start('ALTER TABLE m ATTACH PARTITION m2 FOR VALUES FROM (50) TO (100)'));
CALL osc_wait(osc_start('ALTER TABLE m ADD CONSTRAINT m_o FOREIGN KEY (o) REFERENCES p'));

---- case windows_line_ends
CREATE TABLE t (a int, b int);
---- migration
-- CRLF^M
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);^M
---- fixed
-- CRLF^M
SET lock_timeout = '2s';^M
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;^M
ALTER TABLE t VALIDATE CONSTRAINT c;^M

---- case nothing_to_do
CREATE TABLE t (a int, b int);
---- migration
	SET lock_timeout = '2s'  ;
 ALTER TABLE t /* c */ ADD COLUMN c int -- ;
;
CREATE INDEX CONCURRENTLY ON t (c)

---- case dropped_again
CREATE TABLE t (a int, b int);
---- left add-check
---- migration
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);
ALTER TABLE t DROP CONSTRAINT c;
COMMIT;

---- case ignored
CREATE TABLE t (a int, b int);
---- migration
SET lock_timeout = '2s';
-- osc-lint: ignore create-index tiny
CREATE INDEX i ON t (a);
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0); -- osc-lint: ignore add-check tiny

---- case two_kinds_in_one
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0), ALTER a TYPE bigint;
---- fixed
CALL osc_wait(osc_start('ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0) NOT VALID, ALTER a TYPE bigint'));
ALTER TABLE t VALIDATE CONSTRAINT c;

---- case placeholders
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- migration
ALTER TABLE ${schema}.t ADD CONSTRAINT t_${schema}_c CHECK (b > 0);
CREATE INDEX t_b ON ${schema}.t (b);
---- fixed
CALL osc_wait(osc_start('ALTER TABLE ${schema}.t ADD CONSTRAINT t_${schema}_c CHECK (b > 0)'));
CREATE INDEX CONCURRENTLY t_b ON ${schema}.t (b);

---- case psql_variables
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- left add-check
---- migration
SET lock_timeout = '2s';
\set minimum 0
ALTER TABLE t ADD CONSTRAINT c CHECK (b > :minimum);
CREATE INDEX t_b ON t (b) WHERE b > :minimum;
---- fixed
SET lock_timeout = '2s';
\set minimum 0
ALTER TABLE t ADD CONSTRAINT c CHECK (b > :minimum);
CREATE INDEX CONCURRENTLY t_b ON t (b) WHERE b > :minimum;

---- case rolled_back
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- left add-check
---- migration
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0);
ROLLBACK;
BEGIN;
SELECT 1 FROM t;
COMMIT;

---- case one_job_for_a_table
-- a table takes one job at a time, and it begins after the COMMIT
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE s (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
INSERT INTO s SELECT n, n FROM generate_series(1, 100) n;
---- left alter-type
---- migration
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
ALTER TABLE t ALTER a TYPE bigint;
ALTER TABLE s ALTER id TYPE bigint;
COMMIT;
---- fixed
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint');
SELECT osc_start('ALTER TABLE s ALTER id TYPE bigint');
COMMIT;

---- case named_after_the_commit
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- left alter-type
---- migration
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
INSERT INTO t VALUES (3000000000, 1);
---- fixed
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
INSERT INTO t VALUES (3000000000, 1);

---- case validate_and_no_job
-- the VALIDATE would meet the job
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 100) n;
---- left alter-type
---- migration
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
---- fixed
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
ALTER TABLE t VALIDATE CONSTRAINT c;

---- case indexes_of_who_knows_which_table
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (b);
---- left drop-index drop-index
---- migration
SET lock_timeout = '2s';
BEGIN;
DROP INDEX t_a;
DROP INDEX t_b;
COMMIT;
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
---- fixed
SET lock_timeout = '2s';
BEGIN;
DROP INDEX t_a;
DROP INDEX t_b;
COMMIT;
BEGIN;
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint');
COMMIT;

---- case index_of_the_table_afterwards
-- t_a may be of the table, as it is: the guard would refuse the DROP INDEX
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (a, id);
---- left alter-type drop-index
---- migration
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
ALTER INDEX t_b RENAME TO t_c;
BEGIN;
DROP INDEX t_a;
INSERT INTO t VALUES (1, 2);
ALTER TABLE t ADD COLUMN c int;
COMMIT;
---- fixed
SET lock_timeout = '2s';
BEGIN;
ALTER TABLE t ALTER id TYPE bigint;
COMMIT;
ALTER INDEX t_b RENAME TO t_c;
BEGIN;
DROP INDEX t_a;
INSERT INTO t VALUES (1, 2);
ALTER TABLE t ADD COLUMN c int;
COMMIT;
