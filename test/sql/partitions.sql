-- partitions.sql: jobs on partitioned tables and inheritance trees, beyond what
-- the equivalence corpus compares: odd trees, changes under way, commands taken back
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 23001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA partitions;
CREATE SCHEMA partitions_b;
SET search_path = partitions, public;
-- locks of a moment ago, of autovacuum or a worker, are waited for
SET online_schema.lock_timeout = '2s';

-- leaves of one name in two schemas, one with other column numbers; the
-- script names a leaf, too
CREATE TABLE t (id int, a int, b text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE leaf PARTITION OF t FOR VALUES FROM (0) TO (50);
CREATE TABLE partitions_b.leaf (b text, gone int, a int, id int NOT NULL);
ALTER TABLE partitions_b.leaf DROP COLUMN gone;
ALTER TABLE t ATTACH PARTITION partitions_b.leaf FOR VALUES FROM (50) TO (1000);
INSERT INTO t SELECT n, n, 'b' || n FROM generate_series(1, 99) n;
CREATE TABLE expected AS SELECT tableoid AS leaf, id, (a * 2)::bigint AS a, b FROM t;
SELECT message FROM osc_test.start_refusal('ALTER TABLE t ALTER a TYPE bigint USING t.a * 2');
SELECT phase, strategy, command, lock_mode, note FROM osc_plan(
	'ALTER TABLE t ALTER a TYPE bigint USING a * 2; ALTER TABLE leaf ADD CONSTRAINT own CHECK (b <> '''')');
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint USING a * 2; ALTER TABLE leaf ADD CONSTRAINT own CHECK (b <> '''')',
	run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state, members, relation, last_error FROM osc_progress WHERE job_id = :job;
SELECT count(*) FROM (SELECT tableoid, * FROM t EXCEPT ALL TABLE expected) x;
SELECT count(*) FROM (TABLE expected EXCEPT ALL SELECT tableoid, * FROM t) x;
SELECT attrelid::regclass, attname, atttypid::regtype, attislocal, attinhcount FROM pg_attribute
WHERE attname = 'a' AND attrelid IN ('t'::regclass, 'leaf'::regclass, 'partitions_b.leaf'::regclass) ORDER BY 1;
SELECT conrelid::regclass, conname FROM pg_constraint WHERE conname = 'own';

-- who has one of the tables keeps others off the rest
SELECT osc_start('ALTER TABLE t ALTER a TYPE numeric', run => 'manual') AS job \gset
SELECT state, message FROM osc_test.start_refusal('ALTER TABLE leaf ALTER b SET DEFAULT ''x''');
CALL osc_test.step_to(:job, 'backfilling');

-- partitions come and go meanwhile: the job takes them up, and lets them go, also where no
-- event trigger is there to see it
SELECT state, message FROM osc_test.refusal('CREATE TABLE late PARTITION OF t FOR VALUES FROM (1000) TO (2000)');
CALL osc_test.guard(false);
CREATE TABLE late PARTITION OF t FOR VALUES FROM (1000) TO (2000);
INSERT INTO t VALUES (1001, 1001, 'late');
\set VERBOSITY terse
SET client_min_messages = warning;
CALL osc_run(:job);
RESET client_min_messages;
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT tableoid::regclass, pg_typeof(a), count(*) FROM t GROUP BY 1, 2 ORDER BY 1;

-- one is detached; one is there that the plan did not know
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
ALTER TABLE t DETACH PARTITION late;
SET client_min_messages = warning;
CALL osc_run(:job);
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE t ALTER a TYPE numeric', run => 'manual') AS job \gset
ALTER TABLE late ALTER a TYPE bigint;
ALTER TABLE t ATTACH PARTITION late FOR VALUES FROM (1000) TO (2000);
CALL osc_run(:job);
CALL osc_test.await_end(:job);
RESET client_min_messages;
\set VERBOSITY default
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(a), count(*) FROM t GROUP BY 1;
SELECT * FROM osc_test.left_behind();

CALL osc_test.guard(true);

-- foreign tables have no storage that we could copy
SET client_min_messages = warning;
CREATE FOREIGN DATA WRAPPER regress_osc_nowhere;
CREATE SERVER regress_osc_nowhere FOREIGN DATA WRAPPER regress_osc_nowhere;
CREATE TABLE mixed (id int NOT NULL, a int) PARTITION BY LIST (id);
CREATE TABLE mixed_1 PARTITION OF mixed (PRIMARY KEY (id)) FOR VALUES IN (1);
CREATE FOREIGN TABLE mixed_2 PARTITION OF mixed FOR VALUES IN (2) SERVER regress_osc_nowhere;
RESET client_min_messages;
SELECT state, message, hint FROM osc_test.start_refusal('ALTER TABLE mixed ALTER a TYPE bigint');
SELECT state, message, detail FROM osc_test.refusal('SELECT * FROM osc_plan(''CREATE UNIQUE INDEX ON mixed (id)'')');
SELECT command FROM osc_plan('CREATE INDEX ON mixed (a)');

-- what the leaves got is taken back where one of them objects
CREATE TABLE u (id int, a int) PARTITION BY LIST (id);
CREATE TABLE u_1 PARTITION OF u FOR VALUES IN (1);
CREATE TABLE u_2 PARTITION OF u FOR VALUES IN (2) PARTITION BY LIST (a);
CREATE TABLE u_2a PARTITION OF u_2 FOR VALUES IN (1, 2, 3);
CREATE TABLE u_2b PARTITION OF u_2 DEFAULT;
INSERT INTO u VALUES (1, 1), (1, 2), (2, 1), (2, 5), (2, 5);
CREATE TABLE r (a int PRIMARY KEY);
INSERT INTO r VALUES (1), (2);
CREATE TABLE catalog_before AS SELECT c.oid, c.relname FROM pg_class c WHERE relnamespace = 'partitions'::regnamespace AND relname ~ '^u'
UNION ALL SELECT k.oid, k.conname FROM pg_constraint k WHERE connamespace = 'partitions'::regnamespace;
SELECT phase, strategy, command, lock_mode FROM osc_plan('ALTER TABLE u ADD CONSTRAINT u_key UNIQUE (id, a)');
SELECT phase, strategy, command, lock_mode FROM osc_plan('CREATE UNIQUE INDEX u_index ON u (a, id)');
SELECT phase, strategy, command, lock_mode FROM osc_plan('ALTER TABLE u ADD CONSTRAINT u_r FOREIGN KEY (a) REFERENCES r');
SET client_min_messages = warning;
SELECT osc_start('ALTER TABLE u ADD CONSTRAINT u_key UNIQUE (id, a)') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('CREATE UNIQUE INDEX u_index ON u (a, id)') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE u ADD CONSTRAINT u_r FOREIGN KEY (a) REFERENCES r') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
RESET client_min_messages;
SELECT * FROM (SELECT c.oid, c.relname FROM pg_class c WHERE relnamespace = 'partitions'::regnamespace AND relname ~ '^u'
UNION ALL SELECT k.oid, k.conname FROM pg_constraint k WHERE connamespace = 'partitions'::regnamespace) x
EXCEPT TABLE catalog_before;

-- a partition that breaks its bound, or rows of the default partition in the way
CREATE TABLE u_3 (id int, a int);
INSERT INTO u_3 VALUES (3, 3), (4, 4);
CREATE TABLE u_rest PARTITION OF u DEFAULT;
INSERT INTO u VALUES (9, 9);
SELECT phase, strategy, command, lock_mode FROM osc_plan('ALTER TABLE u ATTACH PARTITION u_3 FOR VALUES IN (3)');
SELECT osc_start('ALTER TABLE u ATTACH PARTITION u_3 FOR VALUES IN (3)') AS job \gset
SET client_min_messages = warning;
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE u ATTACH PARTITION u_3 FOR VALUES IN (3, 4, 9)') AS job \gset
CALL osc_test.await_end(:job);
RESET client_min_messages;
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT conname FROM pg_constraint WHERE conrelid IN ('u_3'::regclass, 'u_rest'::regclass);
SELECT * FROM osc_test.left_behind();

-- what is attached must fit the table as it is
SELECT state, message FROM osc_test.start_refusal('ALTER TABLE u ADD b int; ALTER TABLE u ATTACH PARTITION u_3 FOR VALUES IN (3)');

-- who owns a partition need not own its parent
CREATE ROLE regress_osc_leaf;
GRANT USAGE, CREATE ON SCHEMA partitions TO regress_osc_leaf;
CREATE TABLE w (id int PRIMARY KEY, a text) PARTITION BY LIST (id);
CREATE TABLE w_1 PARTITION OF w FOR VALUES IN (1);
INSERT INTO w VALUES (1, 'x');
ALTER TABLE w_1 OWNER TO regress_osc_leaf;
SET ROLE regress_osc_leaf;
SELECT state, message FROM osc_test.start_refusal('ALTER TABLE w ALTER a TYPE varchar(5)');
SELECT state, message FROM osc_test.start_refusal('ALTER TABLE w_1 ALTER a TYPE varchar(5)');
SELECT osc_start('ALTER TABLE w_1 ADD CONSTRAINT w_own CHECK (a <> '''')', strategy => 'copy', run => 'manual') AS job \gset
CALL osc_run(:job);
RESET ROLE;
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'w_1'::regclass AND contype <> 'n';
SELECT relname, pg_get_userbyid(relowner) = current_user AS ours FROM pg_class WHERE relname IN ('w', 'w_1') ORDER BY 1;

-- a foreign key that the new values break is left NOT VALID, in its partitions, and said so
CREATE TABLE f (id int, a int REFERENCES r, PRIMARY KEY (id)) PARTITION BY LIST (id);
CREATE TABLE f_1 PARTITION OF f FOR VALUES IN (1);
CREATE TABLE f_2 PARTITION OF f FOR VALUES IN (2);
INSERT INTO f VALUES (1, 1), (2, 2);
SELECT osc_start('ALTER TABLE f ALTER a TYPE bigint USING a + id - 1', run => 'manual') AS job \gset
SET client_min_messages = warning;
CALL osc_run(:job);
RESET client_min_messages;
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint
WHERE contype = 'f' AND conrelid::regclass::text ~ '^f' ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA partitions, partitions_b CASCADE;
DROP FOREIGN DATA WRAPPER regress_osc_nowhere CASCADE;
DROP ROLE regress_osc_leaf;
