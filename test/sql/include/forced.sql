-- forced.sql: plans, and runs, each class of forced.class with each strategy; for sql/forced.sql

-- the storage of each table of a schema
CREATE FUNCTION forced.storage(nsp text) RETURNS jsonb LANGUAGE sql AS $$
SELECT jsonb_object_agg(c.oid, c.relfilenode)
FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text ~ format('^%s(_2)?$', nsp)
$$;

-- all of it old, or new, some of each; none where no table has any
CREATE FUNCTION forced.compared(before jsonb, after jsonb) RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(DISTINCT CASE b.value WHEN a.value THEN 'old' ELSE 'new' END, ', '), 'none')
FROM jsonb_each(before) b FULL JOIN jsonb_each(after) a USING (key)
$$;

-- an empty schema, and a second one to move tables to; tables are looked for in the first
CREATE PROCEDURE forced.set_up(nsp text, setup text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE SCHEMA %I', nsp);
	EXECUTE format('CREATE SCHEMA %I', nsp || '_2');
	PERFORM set_config('search_path', nsp || ', public', false);
	EXECUTE setup;
END $$;

-- what differs, in definition or rows, from the tables of the schema in which native was run
CREATE FUNCTION forced.differences(nsp text, native text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text := '';
	rel record;
	one text;
BEGIN
	PERFORM set_config('search_path', 'pg_catalog', true);
	FOR rel IN SELECT n.nspname::text AS nsp, c.relname, replace(n.nspname, nsp, native) AS other
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN (nsp, nsp || '_2') AND c.relkind IN ('r', 'p') ORDER BY 1, 2
	LOOP
		EXECUTE format('SELECT string_agg(x, E''\n'') FROM (SELECT osc_test.definition(%1$L) EXCEPT ALL SELECT osc_test.definition(%2$L)'
				' UNION ALL (SELECT osc_test.definition(%2$L) EXCEPT ALL SELECT osc_test.definition(%1$L))'
				' UNION ALL (SELECT t::text FROM %1$s t EXCEPT ALL SELECT t::text FROM %2$s t)'
				' UNION ALL (SELECT t::text FROM %2$s t EXCEPT ALL SELECT t::text FROM %1$s t)) AS d(x)',
				format('%I.%I', rel.nsp, rel.relname), format('%I.%I', rel.other, rel.relname)) INTO one;
		result := result || coalesce(one, '');
	END LOOP;
	RETURN result;
END $$;

-- The job of another strategy of the class that has the same plan, if there is one.
CREATE FUNCTION forced.same_plan(pair forced.pair) RETURNS forced.pair LANGUAGE sql AS $$
SELECT p FROM forced.pair p WHERE p.class_no = pair.class_no AND p.steps = pair.steps AND p.plan IS NOT NULL
$$;

CREATE PROCEDURE forced.run_pair(class forced.class, asked text) LANGUAGE plpgsql AS $$
DECLARE
	nsp text := format('forced_%s_%s', class.class_no, asked);
	script text := replace(class.script, '{s}', nsp);
	pair forced.pair;
	same forced.pair;
	before jsonb;
	said text;
BEGIN
	pair.class_no := class.class_no;
	pair.strategy := asked;
	CALL forced.set_up(nsp, class.setup);
	BEGIN
		SELECT coalesce(string_agg(DISTINCT p.strategy, ' '), ''),
				coalesce(string_agg(replace(concat_ws(' ', p.phase, p.strategy, p.command), nsp, ''), E'\n' ORDER BY p.step), '')
			INTO pair.plan, pair.steps FROM osc_plan(script, asked) p;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS pair.sqlstate = RETURNED_SQLSTATE, pair.message = MESSAGE_TEXT,
			pair.detail = PG_EXCEPTION_DETAIL, pair.hint = PG_EXCEPTION_HINT;
	END;
	same := forced.same_plan(pair);
	before := forced.storage(nsp);
	IF pair.plan IS NULL THEN
		-- osc_start() says the same as osc_plan()
		SELECT concat_ws(' ', r.state, r.message, r.detail, r.hint) INTO said
			FROM osc_test.refusal(format('SELECT osc_start(%L, %L)', script, asked)) r;
		ASSERT said = concat_ws(' ', pair.sqlstate, pair.message, pair.detail, pair.hint), 'osc_start() says ' || said;
	ELSIF asked = 'auto' AND same.job IS NOT NULL THEN
		same.strategy := asked;
		pair := same;
	ELSE
		pair.job := osc_start(script, asked);
		COMMIT;
		CALL osc_test.await_end(pair.job);
		SELECT count(*) FILTER (WHERE kind = 'scan' AND done), count(*) FILTER (WHERE kind = 'top' AND done)
			INTO pair.scans, pair.concurrent FROM online_schema.job_step WHERE job_id = pair.job;
		pair.storage := forced.compared(before, forced.storage(nsp));
		pair.differs := forced.differences(nsp, format('forced_%s', class.class_no));
	END IF;
	INSERT INTO forced.pair SELECT pair.*;
	COMMIT;
END $$;

CREATE PROCEDURE forced.run_all() LANGUAGE plpgsql AS $$
DECLARE
	path text := current_setting('search_path');
	class forced.class;
	asked text;
BEGIN
	FOR class IN SELECT * FROM forced.class ORDER BY class_no LOOP
		CALL forced.set_up(format('forced_%s', class.class_no), class.setup);
		EXECUTE replace(coalesce(class.native, class.script), '{s}', format('forced_%s', class.class_no));
		COMMIT;
		FOREACH asked IN ARRAY '{instant,constraint,index,copy,auto}'::text[] LOOP
			CALL forced.run_pair(class, asked);
		END LOOP;
	END LOOP;
	PERFORM set_config('search_path', path, false);
END $$;

CREATE PROCEDURE forced.clean_up() LANGUAGE plpgsql AS $$
DECLARE
	nsp text;
BEGIN
	FOR nsp IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^forced_' LOOP
		EXECUTE format('DROP SCHEMA %I CASCADE', nsp);
		COMMIT;
	END LOOP;
END $$;
