-- settings.sql: osc_set(), settings kept with a job, and values that are bad
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 16001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA settings;
SET search_path = settings, public;
CREATE TABLE t (id int PRIMARY KEY, v text) WITH (fillfactor = 10);
INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 500) n;

-- a job keeps the settings of the session that started it
SET online_schema.batch_size = 20;
SET online_schema.verify = off;
SET online_schema.lock_timeout = '70ms';
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
RESET online_schema.batch_size;
RESET online_schema.verify;
RESET online_schema.lock_timeout;
SELECT key, value FROM online_schema.job, jsonb_each_text(settings) WHERE job_id = :job ORDER BY key COLLATE "C";

-- osc_set(): with and without the prefix, in any case, with units; every
-- change is an event
SELECT osc_set(:job, 'swap_timeout', '2s');
SELECT osc_set(:job, 'online_schema.workers', '3');
SELECT osc_set(:job, 'Online_Schema.LOCK_TIMEOUT', '80');
SELECT osc_set(:job, 'verify', 'on');
SELECT key, value FROM online_schema.job, jsonb_each_text(settings) WHERE job_id = :job
	AND key ~ 'swap_timeout|workers|lock_timeout|verify' ORDER BY key COLLATE "C";
SELECT event, detail FROM osc_events WHERE job_id = :job AND event = 'setting';
-- not in this session
SELECT current_setting('online_schema.workers') AS workers, current_setting('online_schema.verify') AS verify;
SELECT osc_set(:job, 'workers', '1');

-- what it refuses
SELECT c, r.state, r.message, r.hint FROM unnest(ARRAY[
	'osc_set(%s, ''no_such_setting'', ''1'')', 'osc_set(%s, ''work_mem'', ''1'')', 'osc_set(%s, '''', ''1'')',
	'osc_set(%s, ''online_schema.'', ''1'')', 'osc_set(%s, ''online_schema.online_schema.workers'', ''1'')']) c,
	osc_test.refusal('SELECT ' || format(c, :job)) r;
SELECT c, r.state FROM unnest(ARRAY[
	'osc_set(%s, ''workers'', ''0'')', 'osc_set(%s, ''workers'', ''65'')', 'osc_set(%s, ''workers'', ''two'')', 'osc_set(%s, ''workers'', '''')',
	'osc_set(%s, ''batch_size'', ''-1'')', 'osc_set(%s, ''batch_target_time'', ''0'')', 'osc_set(%s, ''batch_target_time'', ''2 min'')',
	'osc_set(%s, ''replay_batch_size'', ''-1'')', 'osc_set(%s, ''lock_timeout'', ''0'')', 'osc_set(%s, ''lock_timeout'', ''5 lightyears'')',
	'osc_set(%s, ''lock_retry_max_delay'', ''9'')', 'osc_set(%s, ''swap_timeout'', ''9'')', 'osc_set(%s, ''swap_give_up'', ''-1'')',
	'osc_set(%s, ''swap_max_backlog'', ''1000001'')', 'osc_set(%s, ''step_timeout'', ''-1'')', 'osc_set(%s, ''verify'', ''perhaps'')',
	'osc_set(%s, ''throttle_ratio'', ''0.96'')', 'osc_set(%s, ''throttle_ratio'', ''-0.1'')', 'osc_set(%s, ''max_replica_lag'', ''-1'')',
	'osc_set(%s, ''max_active_backends'', ''-1'')', 'osc_set(%s, ''max_lock_waiters'', ''many'')', 'osc_set(%s, ''min_free_disk'', ''101'')']) c,
	osc_test.refusal('SELECT ' || format(c, :job)) r;
SELECT osc_set(:job, NULL, '1') IS NULL AS nothing, osc_set(:job, 'workers', NULL) IS NULL AS nothing;

-- batch_size is obeyed, to the block; a batch's own size goes before
SELECT n BETWEEN 20 AND 60 AS one_batch FROM osc_backfill_batch(:job) n;
SELECT n BETWEEN 100 AND 140 AS one_batch FROM osc_backfill_batch(:job, 100) n;
SELECT osc_set(:job, 'batch_size', '1');
SELECT n BETWEEN 1 AND 40 AS one_batch FROM osc_backfill_batch(:job) n;
SELECT osc_set(:job, 'batch_size', '1000000');
SELECT n BETWEEN 200 AND 450 AS the_rest FROM osc_backfill_batch(:job) n;
SELECT rows_done, rows_total >= 0 AS has_total, bytes_done = bytes_total AS all_bytes FROM osc_progress WHERE job_id = :job;

-- replay_batch_size
CALL osc_test.step_to(:job, 'catching_up');
SELECT osc_set(:job, 'replay_batch_size', '10');
UPDATE t SET v = 'x';
SELECT n BETWEEN 10 AND 400 AS one_batch FROM osc_replay(:job) n;
SELECT osc_set(:job, 'replay_batch_size', '100000');
SELECT n BETWEEN 100 AND 490 AS the_rest FROM osc_replay(:job) n;
SELECT osc_replay(:job);

-- without verify there is no validation, unless asked for
SELECT osc_set(:job, 'verify', 'off');
SELECT osc_step(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT osc_validate(:job);
SELECT phase, event, detail FROM osc_events WHERE job_id = :job AND event = 'validate';
SELECT osc_set(:job, 'swap_max_backlog', '0');
UPDATE t SET v = 'y' WHERE id = 1;
SELECT state, message FROM osc_test.refusal(format('SELECT osc_swap(%s)', :job));
SELECT osc_set(:job, 'swap_max_backlog', '1');
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT osc_set(:job, 'workers', '1');

-- a job's settings do not stay in the session
SELECT name, setting FROM pg_settings WHERE name ~ '^online_schema' AND source <> 'default';

-- a bad value that was set before the library was loaded makes the first call
-- fail, instead of being replaced by a default that nobody chose
\c
SET online_schema.workers = 'many';
SELECT osc_plan('ALTER TABLE settings.t ADD x int');
\c
SET online_schema.lock_timeout = '55';
SELECT count(*) FROM osc_plan('ALTER TABLE settings.t ADD x int') WHERE note ~ '55 ms';
\c
SET online_schema.nonsense = '1';
SELECT count(*) > 0 FROM osc_plan('ALTER TABLE settings.t ADD x int');
SHOW online_schema.nonsense;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA settings CASCADE;
