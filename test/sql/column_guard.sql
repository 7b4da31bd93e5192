-- column_guard.sql: what a job of strategy column makes anew is not changed meanwhile, on neither
-- side of a foreign key; nor do two jobs have the two sides
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 43701
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA column_guard;
SET search_path = column_guard, public;
SET online_schema.swap_timeout = '30s';
CREATE TABLE parent (id int CONSTRAINT parent_pkey PRIMARY KEY, a int NOT NULL, b int);
CREATE UNIQUE INDEX parent_a ON parent (a);
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, p int, o int, CONSTRAINT child_p FOREIGN KEY (p) REFERENCES parent NOT VALID,
	CONSTRAINT child_o FOREIGN KEY (o) REFERENCES other);
INSERT INTO parent SELECT n, n, n FROM generate_series(1, 50) n;
INSERT INTO child SELECT n, n FROM generate_series(1, 50) n;

-- the child is kept: its parent cannot have its key made anew
SELECT osc_start('ALTER TABLE child ALTER p TYPE bigint', strategy => 'column', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'kept');
SELECT state, message, detail, hint FROM osc_test.refusal($$SELECT osc_start('ALTER TABLE parent ALTER id TYPE bigint', 'column')$$);
SELECT osc_cleanup(:job);
CALL osc_test.await_end(:job);
SELECT osc_start('ALTER TABLE parent ALTER id TYPE bigint', strategy => 'column', swap => 'manual') AS job \gset
SELECT state, message FROM osc_test.refusal($$SELECT osc_start('ALTER TABLE child ALTER p TYPE int', 'column')$$);
SELECT state, message FROM osc_test.refusal($$SELECT osc_start('ALTER TABLE child ALTER o TYPE bigint', 'copy')$$);
-- the job of another column, with keys to a third table, is not in the way of that one's
SELECT state, message FROM osc_test.refusal($$SELECT osc_start('ALTER TABLE other ALTER id TYPE bigint', 'copy')$$);

SET client_min_messages = warning;
CALL osc_wait(:job, '300 s');
CREATE VIEW refused AS
SELECT c AS refused, r.state || CASE WHEN r.state = '55006' THEN '' ELSE ' ' || r.message END AS state
FROM unnest(ARRAY['ALTER TABLE parent REPLICA IDENTITY USING INDEX parent_pkey', 'ALTER TABLE parent REPLICA IDENTITY FULL',
	'ALTER TABLE parent CLUSTER ON parent_a', 'ALTER TABLE parent SET WITHOUT CLUSTER', 'ALTER TABLE parent ADD FOREIGN KEY (b) REFERENCES other',
	'ALTER TABLE child VALIDATE CONSTRAINT child_p', 'ALTER TABLE child ALTER CONSTRAINT child_p DEFERRABLE', 'ALTER TABLE child RENAME TO kid',
	'ALTER TABLE child RENAME CONSTRAINT child_p TO p', 'ALTER TABLE child ADD x int', 'DROP TABLE child',
	'COMMENT ON INDEX parent_a IS ''x''', 'COMMENT ON CONSTRAINT parent_pkey ON parent IS ''x''', 'COMMENT ON CONSTRAINT child_p ON child IS ''x''',
	'COMMENT ON TABLE parent IS ''x''', 'COMMENT ON COLUMN parent.id IS ''x''', 'COMMENT ON CONSTRAINT other_pkey ON other IS ''x''', 'COMMENT ON SCHEMA column_guard IS ''x''',
	'ALTER TABLE parent ALTER b SET STATISTICS 5', 'ALTER TABLE parent SET (fillfactor = 90)', 'ALTER TABLE parent ENABLE ROW LEVEL SECURITY']) c, osc_test.refusal(c) r;
SELECT * FROM refused;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
-- as long as the swap can be taken back
SELECT * FROM refused;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT state FROM osc_progress WHERE job_id = :job;
SELECT relname, attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
	WHERE relnamespace = 'column_guard'::regnamespace AND attname IN ('id', 'p') AND relkind = 'r' ORDER BY 1, 2;
SELECT conname, convalidated FROM pg_constraint WHERE connamespace = 'column_guard'::regnamespace AND contype = 'f' ORDER BY 1;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA column_guard CASCADE;
