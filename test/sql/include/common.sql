-- common.sql: what the regression tests share; read by each with \i, unseen
--
--	refusal(sql)			what a refused statement raises
--	step_to(job, phase)		osc_step() until the job is at a phase
--	swap(job)				osc_swap() until nothing is in its way
--	await_end(job)			until a worker has cleaned up, and is gone
--	await_workers()			until no worker is left of jobs that have ended
--	validate(job)			osc_validate(), where a worker may be about a step of the job
--	twice(ddl)				the same objects in schemas "native" and "online"
--	both(ddl)				a statement natively in "native", as a job in "online"
--	differences(table)		what differs between the two afterwards
--	left_behind()			what jobs have left anywhere
--	guard(on)				switches the event triggers off and on, for tests of
--							what a job does about DDL that they would refuse
--
-- Job ids are made to begin at :first_job, so that messages do not depend on
-- the tests that ran before.

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS online_schema;
LOAD 'online_schema';
CREATE SCHEMA IF NOT EXISTS osc_test;
GRANT USAGE ON SCHEMA osc_test TO PUBLIC;
ALTER TABLE online_schema.job ALTER COLUMN job_id RESTART WITH :first_job;

-- SQLSTATE, message, detail and hint of a statement that must fail
CREATE OR REPLACE FUNCTION osc_test.refusal(sql text,
		OUT state text, OUT message text, OUT detail text, OUT hint text)
	LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	-- and take back what it did
	RAISE 'NOT REFUSED' USING ERRCODE = 'OSC00';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

-- the same for osc_start() by hand: one row per refused statement
CREATE OR REPLACE FUNCTION osc_test.start_refusal(ddl text,
		OUT state text, OUT message text, OUT detail text, OUT hint text)
	LANGUAGE sql AS $$
SELECT * FROM osc_test.refusal(format('SELECT osc_start(%L, run => %L)', ddl, 'manual'))
$$;

CREATE OR REPLACE PROCEDURE osc_test.step_to(job bigint, target text)
	LANGUAGE plpgsql AS $$
DECLARE
	phase text;
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	LOOP
		SELECT p.phase INTO phase FROM osc_progress p WHERE p.job_id = job;
		EXIT WHEN phase = target;
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION 'job is at % instead of %', phase, target;
		END IF;
		PERFORM osc_step(job);
		COMMIT;
	END LOOP;
END $$;

-- a swap that is tried until nothing is in its way
CREATE OR REPLACE PROCEDURE osc_test.swap(job bigint)
	LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	WHILE NOT osc_swap(job) LOOP
		COMMIT;
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION 'job is not swapped';
		END IF;
		PERFORM pg_sleep(0.02);
	END LOOP;
	COMMIT;
END $$;

-- the end of a job that a worker cleans up
CREATE OR REPLACE PROCEDURE osc_test.await_end(job bigint)
	LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	WHILE EXISTS (SELECT FROM osc_progress p WHERE p.job_id = job
			AND p.state NOT IN ('done', 'failed', 'cancelled')) LOOP
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION 'job does not end';
		END IF;
		PERFORM pg_sleep(0.02);
		COMMIT;
	END LOOP;
	CALL osc_test.await_workers();
END $$;

-- A job has ended before its worker has: that one's last transaction may be an old
-- one to the next job, which then waits for it where the test counts its steps.
CREATE OR REPLACE PROCEDURE osc_test.await_workers()
	LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type ~ '^online_schema (worker|backfill)') LOOP
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION 'workers do not end';
		END IF;
		PERFORM pg_sleep(0.02);
		COMMIT;
	END LOOP;
END $$;

-- A worker looks at a job that is ready now and then, and ends after its job: for
-- that moment the job is not to be had.
CREATE OR REPLACE FUNCTION osc_test.validate(job bigint, OUT equal boolean)
	LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + interval '300 s';
BEGIN
	WHILE equal IS NULL AND clock_timestamp() < until LOOP
		BEGIN
			equal := osc_validate(job);
		EXCEPTION WHEN object_in_use THEN
			PERFORM pg_sleep(0.02);
		END;
	END LOOP;
END $$;

-- The same objects in both schemas.
CREATE OR REPLACE PROCEDURE osc_test.twice(ddl text)
	LANGUAGE plpgsql AS $$
DECLARE
	path text := current_setting('search_path');
	nsp text;
BEGIN
	FOREACH nsp IN ARRAY ARRAY['native', 'online'] LOOP
		IF to_regnamespace(nsp) IS NULL THEN
			EXECUTE format('CREATE SCHEMA %I', nsp);
		END IF;
		PERFORM set_config('search_path', nsp || ', public', false);
		EXECUTE ddl;
	END LOOP;
	PERFORM set_config('search_path', path, false);
END $$;

-- A statement that names its table without a schema, natively in schema
-- "native" and as a job in schema "online".
CREATE OR REPLACE PROCEDURE osc_test.both(ddl text)
	LANGUAGE plpgsql AS $$
DECLARE
	job bigint;
	path text := current_setting('search_path');
BEGIN
	PERFORM set_config('search_path', 'native, public', false);
	EXECUTE ddl;
	PERFORM set_config('search_path', 'online, public', false);
	job := osc_start(ddl, strategy => 'copy', run => 'manual');
	PERFORM set_config('search_path', path, false);
	COMMIT;
	CALL osc_run(job);
END $$;

-- The definition of a table, without its schema, line by line.
CREATE OR REPLACE FUNCTION osc_test.definition(rel regclass) RETURNS SETOF text
	LANGUAGE plpgsql AS $$
DECLARE
	nsp text := (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = rel);
	line text;
BEGIN
	FOR line IN
		SELECT format('column %s %s type %s not null %s default %s generated %s identity %s'
				' collation %s storage %s compression %s statistics %s options %s dropped %s'
				' local %s inherited %s acl %s comment %s len %s align %s',
				a.attnum, CASE WHEN a.attisdropped THEN '' ELSE a.attname END,
				CASE WHEN a.attisdropped THEN '' ELSE format_type(a.atttypid, a.atttypmod) END,
				a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity,
				a.attcollation::regcollation, a.attstorage, a.attcompression,
				coalesce(a.attstattarget, -1),
				-- minor releases from 2026 on keep a version of their own there
				ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o !~ '^pg_attver='), a.attisdropped,
				a.attislocal, a.attinhcount, a.attacl,
				col_description(a.attrelid, a.attnum), a.attlen, a.attalign)
		FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = rel AND a.attnum > 0
		UNION ALL
		SELECT format('index %s valid %s ready %s unique %s primary %s exclusion %s immediate %s'
				' clustered %s replica identity %s options %s tablespace %s comment %s',
				pg_get_indexdef(x.indexrelid), x.indisvalid, x.indisready, x.indisunique,
				x.indisprimary, x.indisexclusion, x.indimmediate, x.indisclustered,
				x.indisreplident, c.reloptions, c.reltablespace,
				obj_description(x.indexrelid, 'pg_class'))
		FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = rel
		UNION ALL
		SELECT format('index column %s %s statistics %s', c.relname, a.attname,
				coalesce(a.attstattarget, -1))
		FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
			JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE x.indrelid = rel
		UNION ALL
		SELECT format('constraint %s on %s: %s validated %s local %s comment %s', k.conname,
				k.conrelid::regclass, pg_get_constraintdef(k.oid), k.convalidated, k.conislocal,
				obj_description(k.oid, 'pg_constraint'))
		FROM pg_constraint k WHERE rel IN (k.conrelid, k.confrelid)
		UNION ALL
		SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
		FROM pg_trigger t WHERE t.tgrelid = rel AND NOT t.tgisinternal
		UNION ALL
		SELECT format('internal triggers %s', count(*))
		FROM pg_trigger t WHERE t.tgrelid = rel AND t.tgisinternal
		UNION ALL
		SELECT format('rule %s', pg_get_ruledef(r.oid)) FROM pg_rewrite r WHERE r.ev_class = rel
		UNION ALL
		SELECT format('policy %s %s %s %s %s', p.polname, p.polcmd, p.polpermissive,
				pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
		FROM pg_policy p WHERE p.polrelid = rel
		UNION ALL
		SELECT format('statistics %s kinds %s', pg_get_statisticsobjdef(s.oid), s.stxkind)
		FROM pg_statistic_ext s WHERE s.stxrelid = rel
		UNION ALL
		SELECT format('table kind %s persistence %s access method %s options %s TOAST options %s'
				' tablespace %s row security %s forced %s replica identity %s owner %s acl %s'
				' comment %s rewrite %s toast %s',
				c.relkind, c.relpersistence, c.relam, c.reloptions, t.reloptions, c.reltablespace,
				c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
				pg_get_userbyid(c.relowner), c.relacl, obj_description(c.oid, 'pg_class'),
				c.relrewrite,
				CASE WHEN t.relname IS NULL THEN 'none'
					WHEN t.relname = 'pg_toast_' || c.oid THEN 'well named' ELSE t.relname END)
		FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = rel
		UNION ALL
		SELECT format('sequence %s of %s: %s %s %s %s %s', d.objid::regclass, a.attname,
				format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, d.deptype)
		FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
			JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
		WHERE d.refobjid = rel AND d.classid = 'pg_class'::regclass
			AND d.refclassid = 'pg_class'::regclass
	LOOP
		RETURN NEXT replace(replace(line, quote_ident(nsp) || '.', ''), nsp || '.', '');
	END LOOP;
END $$;

-- What differs between native.rel and online.rel: definition and rows.
CREATE OR REPLACE FUNCTION osc_test.differences(rel name)
	RETURNS TABLE (only_in text, what text)
	LANGUAGE plpgsql AS $$
DECLARE
	n text := format('native.%I', rel);
	o text := format('online.%I', rel);
	path text := current_setting('search_path');
BEGIN
	PERFORM set_config('search_path', 'pg_catalog', true);
	RETURN QUERY SELECT 'native', d FROM (
		SELECT osc_test.definition(n::regclass) EXCEPT ALL SELECT osc_test.definition(o::regclass)) AS x(d);
	RETURN QUERY SELECT 'online', d FROM (
		SELECT osc_test.definition(o::regclass) EXCEPT ALL SELECT osc_test.definition(n::regclass)) AS x(d);
	RETURN QUERY EXECUTE format(
		'SELECT %L, r FROM (SELECT t::text FROM %s t EXCEPT ALL SELECT t::text FROM %s t) AS x(r)',
		'native', n, o);
	RETURN QUERY EXECUTE format(
		'SELECT %L, r FROM (SELECT t::text FROM %s t EXCEPT ALL SELECT t::text FROM %s t) AS x(r)',
		'online', o, n);
	PERFORM set_config('search_path', path, true);
END $$;

-- What a job has left behind, anywhere: nothing, once it has ended.
CREATE OR REPLACE FUNCTION osc_test.left_behind() RETURNS SETOF text
	LANGUAGE sql AS $$
SELECT 'registered ' || kind || ' ' || object_name FROM online_schema.job_object
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^osc_' AND nspname <> 'osc_test'
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgfoid = 'osc_capture'::regproc
UNION ALL SELECT 'captured ' || relation::regclass FROM online_schema.capture
UNION ALL SELECT 'active ' || relation::regclass FROM online_schema.job_member WHERE active
-- the job tables themselves hide from logical decoding that way
UNION ALL SELECT 'rewrite ' || oid::regclass FROM pg_class
WHERE relrewrite <> 0 AND relnamespace NOT IN ('online_schema'::regnamespace, 'pg_toast'::regnamespace)
$$;
CREATE OR REPLACE PROCEDURE osc_test.guard(switched_on boolean)
	LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['online_schema_guard_start', 'online_schema_guard_rewrite', 'online_schema_guard_drop'] LOOP
		EXECUTE format('ALTER EVENT TRIGGER %I %s', name, CASE WHEN switched_on THEN 'ENABLE ALWAYS' ELSE 'DISABLE' END);
	END LOOP;
END $$;
-- those of the test before
CALL osc_test.await_workers();
RESET client_min_messages;
