-- rights.sql: who may start, see and handle a job, and in whose name it acts
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 15001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE ROLE regress_osc_owner NOLOGIN;
CREATE ROLE regress_osc_member IN ROLE regress_osc_owner;
CREATE ROLE regress_osc_stranger;
CREATE ROLE regress_osc_monitor IN ROLE pg_monitor;
CREATE SCHEMA rights AUTHORIZATION regress_osc_owner;
CREATE SCHEMA rights_2 AUTHORIZATION regress_osc_owner;
GRANT USAGE ON SCHEMA rights TO PUBLIC;
SET search_path = rights, public;
SET ROLE regress_osc_owner;
CREATE TABLE t (id int PRIMARY KEY, v text, d timestamptz);
INSERT INTO t SELECT n, 'v' || n, '2020-01-01 01:00+00'::timestamptz + n * interval '1 day' FROM generate_series(1, 50) n;
GRANT ALL ON t TO regress_osc_stranger;
RESET ROLE;

-- start: the owner, a member, a superuser; nobody else, whatever was granted
CREATE FUNCTION as_role(role name, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	result text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE format('SELECT %s::text', call) INTO result;
	RESET ROLE;
	RAISE EXCEPTION USING ERRCODE = 'P0999', MESSAGE = CASE WHEN result IS NULL THEN 'NULL' ELSE 'works' END;
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'P0999' THEN SQLERRM ELSE SQLSTATE || ' ' || SQLERRM END;
END $$;
GRANT EXECUTE ON FUNCTION as_role TO PUBLIC;
SELECT r, as_role(r, $$osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual')$$) AS start,
	as_role(r, $$(SELECT count(*) FROM osc_plan('ALTER TABLE t ALTER id TYPE bigint'))$$) AS plan
FROM unnest(ARRAY['regress_osc_owner', 'regress_osc_member', 'regress_osc_stranger', 'regress_osc_monitor', current_user]) r;

-- see and handle it
SET ROLE regress_osc_owner;
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual', swap => 'manual') AS job \gset
RESET ROLE;
CALL osc_test.step_to(:job, 'ready');
SELECT r, as_role(r, format('(SELECT nullif(count(*), 0) FROM osc_progress WHERE job_id = %s)', :job)) AS progress,
	as_role(r, format('(SELECT nullif(count(*), 0) FROM osc_events WHERE job_id = %s)', :job)) AS events,
	as_role(r, '(SELECT nullif(count(*), 0) FROM online_schema.job)') AS job_table
FROM unnest(ARRAY['regress_osc_owner', 'regress_osc_member', 'regress_osc_stranger', 'regress_osc_monitor']) r;
SELECT c, as_role('regress_osc_owner', format(c, :job)) AS owner, as_role('regress_osc_member', format(c, :job)) AS member,
	as_role('regress_osc_stranger', format(c, :job)) AS stranger, as_role('regress_osc_monitor', format(c, :job)) AS monitor
FROM unnest(ARRAY['osc_step(%s)', 'osc_backfill_batch(%s)', 'osc_replay(%s)', 'osc_validate(%s)', 'osc_swap(%s)', 'osc_pause(%s)',
	'osc_resume(%s)', 'osc_cancel(%s)', 'osc_cleanup(%s)', 'osc_set(%s, ''workers'', ''2'')']) c;
SET ROLE regress_osc_stranger;
CALL osc_run(:job);
SELECT hint FROM osc_test.refusal(format('SELECT osc_step(%s)', :job));
-- the copy is as closed as its schema
SELECT message FROM osc_test.refusal(format('SELECT * FROM osc_%s_1.t', :job));
SELECT message FROM osc_test.refusal(format('DELETE FROM osc_%s_1.osc_log_1', :job));
RESET ROLE;
-- in the views stands whose it is
SELECT relation, owner, state FROM osc_progress WHERE job_id = :job;

-- a member swaps it and ends it
SET ROLE regress_osc_member;
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT state, owner FROM osc_progress WHERE job_id = :job;
RESET ROLE;
SELECT tableowner FROM pg_tables WHERE schemaname = 'rights' AND tablename = 't';

-- expressions run in the name of the job's owner, whoever drives it, and
-- cannot become anybody else
CREATE FUNCTION who(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN current_user;
END $$;
CREATE FUNCTION escape(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'RESET ROLE';
	RETURN current_user;
END $$;
CREATE FUNCTION become(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SET SESSION AUTHORIZATION DEFAULT';
	RETURN current_user;
END $$;
SET ROLE regress_osc_owner;
SELECT osc_start('ALTER TABLE t ALTER v TYPE text USING who(v)', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
CALL osc_run(:job);
SELECT DISTINCT v FROM t;
\set VERBOSITY terse
SET ROLE regress_osc_owner;
SELECT osc_start('ALTER TABLE t ALTER v TYPE text USING escape(v)', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
CALL osc_run(:job);
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SET ROLE regress_osc_owner;
SELECT osc_start('ALTER TABLE t ALTER v TYPE text USING become(v)', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
CALL osc_run(:job);
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
\set VERBOSITY default
SELECT current_user = session_user AS still_me;

-- with the settings of the session that started it
SET ROLE regress_osc_owner;
CREATE FUNCTION rights_2.only_there(text) RETURNS text LANGUAGE sql AS $$SELECT 'found'::text$$;
CREATE FUNCTION named() RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN only_there(''); END$$;
SET search_path = rights, rights_2, public;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'ISO, DMY';
SELECT osc_start('ALTER TABLE t ALTER d TYPE timestamp, ALTER v TYPE text USING named() || '' '' || ''02/03/2020''::text::date', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
SET search_path = rights, public;
SET DateStyle = 'ISO, MDY';
SET TimeZone = 'UTC';
CALL osc_run(:job);
SELECT id, v, d FROM t WHERE id = 1;
SELECT current_setting('search_path') AS search_path, current_setting('TimeZone') AS zone;
RESET TimeZone;
RESET DateStyle;

-- what only the table's schema forbids is found in the dry run
ALTER SCHEMA rights OWNER TO CURRENT_USER;
GRANT USAGE ON SCHEMA rights TO regress_osc_owner;
SET ROLE regress_osc_owner;
ALTER TABLE t ADD UNIQUE (id, v);
SELECT osc_start('ALTER TABLE t ADD UNIQUE (id, v)', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
SELECT state, phase FROM osc_progress WHERE job_id = :job;
GRANT CREATE ON SCHEMA rights TO regress_osc_owner;

-- the owner loses the table meanwhile: the job pauses, and goes on when he has
-- it again
SET ROLE regress_osc_owner;
SELECT osc_start('ALTER TABLE t ALTER id TYPE int', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
CALL osc_test.step_to(:job, 'catching_up');
-- as REASSIGN OWNED would, which the guard does not see
CALL osc_test.guard(false);
ALTER TABLE t OWNER TO CURRENT_USER;
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;
ALTER TABLE t OWNER TO regress_osc_owner;
CALL osc_test.guard(true);
SELECT osc_resume(:job);
CALL osc_run(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;

-- a superuser's job: functions of the table's owner are never called as superuser
CREATE FUNCTION rights.mine(i bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
		RAISE EXCEPTION 'called as %', current_user;
	END IF;
	RETURN i;
END $$;
ALTER FUNCTION rights.mine OWNER TO regress_osc_owner;
SET ROLE regress_osc_owner;
CREATE TABLE mines (id int PRIMARY KEY, a int CHECK (mine(a) > 0), b int, g bigint GENERATED ALWAYS AS (mine(id)) STORED, lookup int);
CREATE INDEX ON mines (mine(b)) WHERE mine(id) > 0;
INSERT INTO mines SELECT n, n, n FROM generate_series(1, 500) n;
-- native calls them so
RESET ROLE;
\set VERBOSITY terse
ALTER TABLE mines ALTER a TYPE bigint;
\set VERBOSITY default
SELECT osc_start('ALTER TABLE mines ALTER b TYPE bigint USING mine(b)', strategy => 'column', swap => 'manual', run => 'background') AS job \gset
SET client_min_messages = warning;
CALL osc_wait(:job, '300 s');
SET ROLE regress_osc_owner;
INSERT INTO mines SELECT n, n, n FROM generate_series(501, 600) n;
UPDATE mines SET b = b + 1 WHERE id < 10;
RESET ROLE;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT osc_test.validate(:job) AS osc_validate;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
RESET client_min_messages;
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SET online_schema.keep_old = off;
SELECT osc_start('ALTER TABLE mines ALTER a TYPE bigint', strategy => 'column') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE mines ALTER a TYPE int USING mine(a)', strategy => 'copy') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE mines ADD CONSTRAINT positive CHECK (mine(lookup) IS NULL)', strategy => 'auto') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE mines ADD COLUMN h bigint GENERATED ALWAYS AS (mine(lookup)) STORED', strategy => 'auto') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('ALTER TABLE mines ADD CONSTRAINT e EXCLUDE USING btree (mine(id) WITH =)', strategy => 'auto') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('CREATE INDEX ON mines (mine(id), g)', strategy => 'auto') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_start('VACUUM FULL mines', strategy => 'auto') AS job \gset
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
RESET online_schema.keep_old;
-- what only the superuser may call or read is refused, not worked out in his name
CREATE FUNCTION rights.forbidden(bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT $1';
REVOKE EXECUTE ON FUNCTION rights.forbidden FROM PUBLIC;
CREATE TABLE closed AS SELECT generate_series(1, 600) AS id;
GRANT SELECT ON closed TO regress_osc_owner;
ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
SELECT osc_start('ALTER TABLE mines ALTER b TYPE int USING forbidden(b)', strategy => 'copy') AS job \gset
CREATE PROCEDURE osc_test.await_pause(job bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM osc_progress p WHERE p.job_id = job AND p.state IN ('queued', 'running')) LOOP
		PERFORM pg_sleep(0.02);
		COMMIT;
	END LOOP;
END $$;
CALL osc_test.await_pause(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT osc_start('ALTER TABLE mines ADD COLUMN k int', backfill => '{"k": "(SELECT c.id FROM rights.closed c WHERE c.id = mines.id)"}') AS job \gset
CALL osc_test.await_pause(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
DROP PROCEDURE osc_test.await_pause;
SELECT count(*), sum(a), sum(b), sum(g) FROM mines;
DROP TABLE mines, closed;
DROP FUNCTION rights.mine, rights.forbidden;

-- the owner is gone: a superuser may cancel
CREATE ROLE regress_osc_passing IN ROLE regress_osc_owner;
SET ROLE regress_osc_passing;
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', strategy => 'copy', run => 'manual') AS job \gset
RESET ROLE;
CALL osc_test.step_to(:job, 'catching_up');
DROP ROLE regress_osc_passing;
\set VERBOSITY terse
CALL osc_run(:job);
\set VERBOSITY default
SELECT state, phase, waiting_for FROM osc_progress WHERE job_id = :job;
SELECT as_role('regress_osc_owner', format('osc_cancel(%s)', :job));
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT state, phase, owner ~ '^unknown' AS unknown FROM osc_progress WHERE job_id = :job;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA rights, rights_2 CASCADE;
DROP ROLE regress_osc_owner, regress_osc_member, regress_osc_stranger, regress_osc_monitor;
