-- column_seen: what users see of a helper column, and in whose name expressions run
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 46001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all
SET client_min_messages = warning;
SET online_schema.swap_timeout = '30s';

-- statements that name no columns, before, during and after
CREATE TABLE town (id int PRIMARY KEY, v int, w text);
CREATE VIEW others AS SELECT id, w FROM town;
CREATE FUNCTION whole_row(t town) RETURNS text LANGUAGE sql AS $$ SELECT t::text $$;
CREATE FUNCTION returns_rows() RETURNS SETOF town LANGUAGE sql AS $$ SELECT * FROM town WHERE id = 1 $$;
INSERT INTO town VALUES (1, 10, 'w');
CREATE PROCEDURE look(n int) LANGUAGE plpgsql AS $$
DECLARE
	told text;
	what text;
BEGIN
	FOREACH what IN ARRAY ARRAY[
		'SELECT (SELECT t::text FROM town t WHERE id = 1)',
		'SELECT whole_row(t) FROM town t WHERE id = 1',
		'SELECT (SELECT r::text FROM returns_rows() r)',
		'SELECT (SELECT o::text FROM others o WHERE id = 1)',
		format('INSERT INTO town VALUES (%s, %s, ''positional'') RETURNING town::text', n, n),
		format('INSERT INTO town SELECT %s, %s, ''selected'' RETURNING town::text', n + 1, n + 1),
		format('INSERT INTO town SELECT (%L::town).* RETURNING town::text', format('(%s,%s,row)', n + 2, n + 2)),
		format('INSERT INTO town (id, v) VALUES (%s, %s) RETURNING town::text', n + 3, n + 3)]
	LOOP
		BEGIN
			EXECUTE what INTO told;
		EXCEPTION WHEN OTHERS THEN
			told := SQLSTATE || ': ' || SQLERRM;
		END;
		RAISE WARNING '%: %', split_part(what, ' ', 1) || ' ' || CASE WHEN what ~ 'INSERT' THEN substr(what, 13, 12) ELSE substr(what, 8, 28) END, told;
	END LOOP;
END $$;
CALL look(100);
SELECT osc_start('ALTER TABLE town ALTER v TYPE bigint', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
CALL look(200);
COPY town FROM stdin;
300	300	copied
\.
COPY town (id, v, w) FROM stdin;
301	301	copied
\.
COPY (SELECT * FROM town WHERE id = 301) TO stdout;
-- what is made meanwhile and depends on the column keeps the swap away
CREATE VIEW late_view AS SELECT v FROM town;
SELECT osc_swap(:job);
DROP VIEW late_view;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
CALL look(400);
COPY town FROM stdin;
410	410	copied	410
411	411	copied	4110
\.
COPY town FROM stdin;
410	410	copied	410
\.
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
CALL look(500);
SELECT * FROM town WHERE id > 1 ORDER BY id;

-- a USING expression is run in the job owner's name, with the settings of osc_start()
CREATE ROLE regress_column_owner;
CREATE ROLE regress_column_writer;
CREATE SCHEMA owned AUTHORIZATION regress_column_owner;
GRANT USAGE ON SCHEMA owned TO regress_column_writer;
SET ROLE regress_column_owner;
SET search_path = owned, public;
SET TimeZone = 'Asia/Tokyo';
CREATE FUNCTION helper(t text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT t || ' by ' || current_user || ' with ' || current_setting('search_path') $$;
CREATE FUNCTION mapped(t text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN helper(t); END $$;
REVOKE ALL ON FUNCTION mapped(text), helper(text) FROM PUBLIC;
CREATE TABLE told (id int PRIMARY KEY, v varchar(10), t timestamp);
INSERT INTO told VALUES (1, 'one', '2020-01-01 12:00');
GRANT INSERT, SELECT, UPDATE ON told TO regress_column_writer;
ALTER TABLE told ENABLE ROW LEVEL SECURITY;
ALTER TABLE told FORCE ROW LEVEL SECURITY;
CREATE POLICY nobody ON told FOR SELECT TO regress_column_owner USING (false);
CREATE POLICY everything ON told TO regress_column_writer USING (true);
SELECT osc_start('ALTER TABLE told ALTER v TYPE text USING mapped(v), ALTER t TYPE timestamptz', 'column', swap => 'manual') AS job \gset
CALL osc_wait(:job, '300 s');
RESET ROLE;
SET ROLE regress_column_writer;
SET search_path = public;
SET TimeZone = 'UTC';
INSERT INTO owned.told VALUES (2, 'two', '2020-01-01 12:00');
UPDATE owned.told SET v = 'uno' WHERE id = 1;
SELECT current_user, current_setting('TimeZone') AS zone;
SELECT * FROM owned.told ORDER BY id;
RESET ROLE;
SELECT osc_test.validate(:job) AS osc_validate;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SET ROLE regress_column_writer;
INSERT INTO owned.told (id, v, t) VALUES (3, 'three', '2020-01-01 12:00+00');
SELECT id, v, t FROM owned.told ORDER BY id;
SELECT osc_revert(:job);
RESET ROLE;
SET ROLE regress_column_owner;
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'owned.told'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
RESET ROLE;
-- an expression that writes, raises an error or switches roles reaches no further than its row
SET ROLE regress_column_owner;
SET search_path = owned, public;
CREATE TABLE seen (what text);
CREATE FUNCTION hostile(v text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF v = 'role' THEN
		EXECUTE 'RESET ROLE';
	ELSIF v = 'error' THEN
		RAISE 'no';
	END IF;
	RETURN v || '!';
END $$;
CREATE TABLE odd (id int PRIMARY KEY, v varchar(10));
GRANT ALL ON odd TO regress_column_writer;
INSERT INTO odd VALUES (1, 'one');
SELECT osc_start('ALTER TABLE odd ALTER v TYPE text USING hostile(v)', 'column', swap => 'manual', run => 'manual') AS job \gset
CALL osc_run(:job);
RESET ROLE;
SET ROLE regress_column_writer;
INSERT INTO owned.odd VALUES (2, 'role'), (3, 'error'), (4, 'fine') RETURNING *;
SELECT current_user;
RESET ROLE;
SELECT osc_swap(:job);
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
RESET search_path;
RESET TimeZone;
DROP TABLE town CASCADE;
DROP PROCEDURE look;
DROP SCHEMA owned CASCADE;
DROP ROLE regress_column_owner, regress_column_writer;
