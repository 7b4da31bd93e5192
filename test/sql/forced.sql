-- forced.sql: a strategy that is asked for is obeyed or refused, never ignored: each strategy with
-- each class of change
--
-- Every class has a setup, which makes its tables, and a script. For each strategy the script is
-- planned in a schema of its own. Where that is refused, the SQLSTATE, message, detail and hint are
-- shown. Where it is obeyed, the strategies in the plan are shown, and then the job is run: whether
-- it ends as done, whether the tables' storage is the old or a new one, how many scans under a weak
-- lock and concurrent commands it has made, and what differs from what the script does natively.
-- Where "auto" plans what another strategy plans, that one's job stands for both.
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 22001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

SET client_min_messages = warning;
CREATE SCHEMA forced;
CREATE TABLE forced.class (class_no serial PRIMARY KEY, class text, setup text, script text, native text);
CREATE TABLE forced.pair (class_no int, strategy text, plan text, sqlstate text, message text, detail text,
	hint text, steps text, job bigint, storage text, scans bigint, concurrent bigint, differs text);

-- What most classes change. {s} in a script is the schema of the pair.
\set t 'CREATE TABLE t (id int PRIMARY KEY, a text, b int, c int CONSTRAINT c_positive CHECK (c > 0), d timestamp); INSERT INTO t (id, a, b, c) SELECT n, \'a\' || n, n, n FROM generate_series(1, 50) n; CREATE INDEX t_b ON t (b); '
\set keyless 'CREATE TABLE t (a text, b int); INSERT INTO t SELECT \'a\' || n, n FROM generate_series(1, 50) n; INSERT INTO t SELECT * FROM t WHERE b < 10; '
\set tree 'CREATE TABLE t (id int, a text, b int) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (30); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (30) TO (100); INSERT INTO t SELECT n, \'a\' || n, n FROM generate_series(1, 50) n; CREATE INDEX t_b ON t (b); '
\set bare 'CREATE TABLE t (id int, a text, b int) PARTITION BY RANGE (id); '

INSERT INTO forced.class (class, setup, script, native) VALUES
-- instant
('add column', :'t', 'ALTER TABLE t ADD e int DEFAULT 7', NULL),
('drop column', :'t', 'ALTER TABLE t DROP d', NULL),
('compatible type', :'t', 'ALTER TABLE t ALTER a TYPE varchar', NULL),
('catalog only', :'t', 'ALTER TABLE t ALTER b SET DEFAULT 5, ALTER a SET STATISTICS 50, SET (fillfactor = 80)', NULL),
('rename column', :'t', 'ALTER TABLE t RENAME b TO bb', NULL),
('rename table', :'t', 'ALTER TABLE t RENAME TO tt', NULL),
('rename constraint', :'t', 'ALTER TABLE t RENAME CONSTRAINT c_positive TO c_check', NULL),
('set schema', :'t', 'ALTER TABLE t SET SCHEMA {s}_2', NULL),
('drop constraint', :'t', 'ALTER TABLE t DROP CONSTRAINT c_positive', NULL),
('add check not valid', :'t', 'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0) NOT VALID', NULL),
-- constraint
('add check', :'t', 'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0)', NULL),
('add foreign key', :'t', 'ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES t (id)', NULL),
('set not null', :'t', 'ALTER TABLE t ALTER a SET NOT NULL', NULL),
('validate', :'t' || 'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0) NOT VALID;', 'ALTER TABLE t VALIDATE CONSTRAINT k', NULL),
('add column check', :'t', 'ALTER TABLE t ADD e int DEFAULT 7 CHECK (e > 0)', NULL),
-- index
('add unique', :'t', 'ALTER TABLE t ADD CONSTRAINT k UNIQUE (a)', NULL),
('add primary key', :'t' || 'ALTER TABLE t DROP CONSTRAINT t_pkey;', 'ALTER TABLE t ADD PRIMARY KEY (id)', NULL),
('create index', :'t', 'CREATE INDEX k ON t (a)', NULL),
('create index concurrently', :'t', 'CREATE UNIQUE INDEX CONCURRENTLY k ON t (a)', 'CREATE UNIQUE INDEX k ON t (a)'),
('drop index', :'t', 'DROP INDEX t_b', NULL),
('reindex index', :'t', 'REINDEX INDEX t_b', NULL),
('reindex table', :'t', 'REINDEX TABLE t', NULL),
-- copy
('alter type', :'t', 'ALTER TABLE t ALTER id TYPE bigint', NULL),
('type of checked column', :'t' || 'ALTER TABLE t ADD CHECK (a <> '''');', 'ALTER TABLE t ALTER a TYPE varchar', NULL),
('volatile default', :'t', 'ALTER TABLE t ADD e int DEFAULT (random() * 0)', NULL),
('set unlogged', :'t', 'ALTER TABLE t SET UNLOGGED', NULL),
('add exclude', :'t', 'ALTER TABLE t ADD CONSTRAINT k EXCLUDE USING btree (a WITH =)', NULL),
('vacuum full', :'t', 'VACUUM FULL t', 'SELECT'),
('cluster', :'t', 'CLUSTER t USING t_b', NULL),
-- several together
('instant, constraint', :'t', 'ALTER TABLE t ADD e int, ADD CONSTRAINT k CHECK (b > 0)', NULL),
('instant, index', :'t', 'ALTER TABLE t ADD e int; CREATE INDEX k ON t (a)', NULL),
('constraint, index', :'t', 'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0), ADD CONSTRAINT u UNIQUE (a)', NULL),
('instant, copy', :'t', 'ALTER TABLE t ALTER b SET DEFAULT 5, ALTER id TYPE bigint', NULL),
('drop and add', :'t', 'ALTER TABLE t DROP CONSTRAINT c_positive, ADD CONSTRAINT c_positive CHECK (c >= 0)', NULL),
('rename and index', :'t', 'ALTER TABLE t RENAME b TO bb; CREATE INDEX k ON t (bb)', NULL),
('two tables, constraint', :'t' || 'CREATE TABLE u AS SELECT * FROM t;',
	'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0); ALTER TABLE u ADD e int', NULL),
('two tables, copy', :'t' || 'CREATE TABLE u AS SELECT * FROM t; ALTER TABLE u ADD PRIMARY KEY (id);',
	'ALTER TABLE t ALTER id TYPE bigint; ALTER TABLE u ADD e int', NULL),
('two tables, copy and scan', :'t' || 'CREATE TABLE u AS SELECT * FROM t;',
	'ALTER TABLE t ALTER id TYPE bigint; ALTER TABLE u ADD CONSTRAINT k CHECK (b > 0)', NULL),
-- partitioned
('tree: add column', :'tree', 'ALTER TABLE t ADD e int DEFAULT 7', NULL),
('tree: add check', :'tree', 'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0)', NULL),
('tree: add unique', :'tree', 'ALTER TABLE t ADD CONSTRAINT k UNIQUE (id)', NULL),
('tree: create index', :'tree', 'CREATE INDEX k ON t (a)', NULL),
('tree: drop index', :'tree', 'DROP INDEX t_b', NULL),
('tree: reindex', :'tree', 'REINDEX TABLE t', 'SELECT'),
('tree: alter type', :'tree', 'ALTER TABLE t ALTER b TYPE bigint', NULL),
('tree: only the parent', :'tree', 'CREATE INDEX k ON ONLY t (a)', NULL),
('tree: attach', :'tree' || 'CREATE TABLE t3 (LIKE t); INSERT INTO t3 VALUES (100);',
	'ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (100) TO (200)', NULL),
('tree: detach', :'tree', 'ALTER TABLE t DETACH PARTITION t2', NULL),
('tree: detach concurrently', :'tree', 'ALTER TABLE t DETACH PARTITION t2 CONCURRENTLY',
	-- as native, it leaves the bound as a constraint
	'ALTER TABLE t DETACH PARTITION t2; ALTER TABLE t2 ADD CONSTRAINT t2_id_check CHECK (id IS NOT NULL AND id >= 30 AND id < 100)'),
('no partition: add column', :'bare', 'ALTER TABLE t ADD e int DEFAULT 7', NULL),
('no partition: alter type', :'bare', 'ALTER TABLE t ALTER b TYPE bigint', NULL),
('one of two without', :'t' || 'CREATE TABLE u (a int, b int) PARTITION BY LIST (a);',
	'ALTER TABLE t ALTER id TYPE bigint; ALTER TABLE u ALTER b TYPE bigint', NULL),
-- without a key
('no key: add column', :'keyless', 'ALTER TABLE t ADD e int DEFAULT 7', NULL),
('no key: add check', :'keyless', 'ALTER TABLE t ADD CONSTRAINT k CHECK (b > 0)', NULL),
('no key: create index', :'keyless', 'CREATE INDEX k ON t (a)', NULL),
('no key: alter type', :'keyless', 'ALTER TABLE t ALTER b TYPE bigint', NULL),
-- nothing to do
('no table', :'t', 'ALTER TABLE IF EXISTS no_such_table ADD e int', NULL),
('column is there', :'t', 'ALTER TABLE t ADD COLUMN IF NOT EXISTS a text', NULL),
('index is there', :'t', 'CREATE INDEX IF NOT EXISTS t_b ON t (b)', NULL);

\i :abs_srcdir/sql/include/forced.sql
CALL forced.run_all();

-- refused: five strategies, less those below
\pset format unaligned
\pset fieldsep '; '
SELECT class, strategy, sqlstate, message, detail, hint
FROM forced.pair JOIN forced.class USING (class_no)
WHERE plan IS NULL ORDER BY class_no, array_position('{auto,instant,constraint,index,copy}', strategy);

-- obeyed: each done, with the strategy that was asked for
\pset format aligned
SELECT class, pair.strategy, plan, state, storage, scans, concurrent
FROM forced.pair JOIN forced.class USING (class_no) LEFT JOIN osc_progress p ON p.job_id = job
WHERE plan IS NOT NULL ORDER BY class_no, array_position('{auto,instant,constraint,index,copy}', pair.strategy);

-- and what it has made is what native makes
SELECT class, pair.strategy, differs, last_error
FROM forced.pair JOIN forced.class USING (class_no) LEFT JOIN osc_progress p ON p.job_id = job
WHERE differs <> '' OR last_error IS NOT NULL ORDER BY 1, 2;

-- no pair was left out; what is obeyed is "auto", or has the strategy in its plan
SELECT count(*) = 5 * (SELECT count(*) FROM forced.class) AS complete,
	count(*) FILTER (WHERE (plan IS NULL) = (sqlstate IS NULL)) AS neither_nor,
	count(*) FILTER (WHERE pair.strategy = 'auto' AND plan IS NULL) AS auto_refused,
	count(*) FILTER (WHERE pair.strategy NOT IN ('auto', 'instant') AND pair.strategy <> ALL (string_to_array(plan, ' '))) AS ignored,
	count(*) FILTER (WHERE plan IS NOT NULL AND state IS DISTINCT FROM 'done') AS not_done,
	count(*) FILTER (WHERE pair.strategy = 'copy' AND plan IS NOT NULL AND storage IS DISTINCT FROM 'new') AS not_copied,
	count(*) FILTER (WHERE pair.strategy IN ('instant', 'constraint', 'index') AND plan IS NOT NULL AND storage IS DISTINCT FROM 'old' AND storage <> 'none') AS copied
FROM forced.pair LEFT JOIN osc_progress p ON p.job_id = job;

-- each hint names strategies that fit
SELECT class, p.strategy, p.hint, f.strategy AS does_not_fit
FROM forced.pair p JOIN forced.class USING (class_no) JOIN forced.pair f USING (class_no)
WHERE p.hint ~ format('"%s"', f.strategy) IS DISTINCT FROM (f.plan IS NOT NULL) AND p.plan IS NULL
ORDER BY class_no;

SELECT * FROM osc_test.left_behind();
\pset format aligned
CALL forced.clean_up();
DROP SCHEMA forced CASCADE;
