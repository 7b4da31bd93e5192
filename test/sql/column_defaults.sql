-- column_defaults: a column with two names: what was given, what is a default, and what triggers make of it
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 47001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all
SET client_min_messages = warning;
SET online_schema.swap_timeout = '30s';
CREATE SEQUENCE counter;
CREATE TABLE node (id int PRIMARY KEY, nm text DEFAULT 'dflt', parent int, seen text);
CREATE TABLE counted (id int PRIMARY KEY, n bigint NOT NULL DEFAULT nextval('counter'));
INSERT INTO node (id) VALUES (1);
INSERT INTO counted (id) VALUES (1);
-- what a trigger makes of a row depends on its id
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.seen := coalesce(NEW.nm, 'null');
	IF NEW.id < 0 THEN
		RETURN NULL;
	ELSIF NEW.id BETWEEN 1000 AND 1999 THEN
		EXECUTE format('INSERT INTO node (id, nm) VALUES (%s, ''inner'')', NEW.id + 1000);
	ELSIF NEW.id BETWEEN 3000 AND 3999 THEN
		EXECUTE format('INSERT INTO node (id) VALUES (%s)', NEW.id + 1000);
	ELSIF NEW.id >= 9000 THEN
		NEW.nm := lower(NEW.nm);
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER look BEFORE INSERT OR UPDATE ON node FOR EACH ROW EXECUTE FUNCTION look();
CREATE FUNCTION insert_node(id int) RETURNS int LANGUAGE plpgsql AS
	$$ BEGIN EXECUTE 'INSERT INTO node (id, nm) VALUES ($1, ''by a function'')' USING id; RETURN id; END $$;
SELECT osc_start('ALTER TABLE node RENAME nm TO name', 'column') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_start('ALTER TABLE counted RENAME n TO number', 'column') AS counted \gset
CALL osc_wait(:counted, '300 s');
CREATE PROCEDURE show(what text) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT * FROM node WHERE id > 1 ORDER BY id LOOP
		RAISE WARNING '%: % % % parent % seen %', what, r.id, r.nm, r.name, r.parent, r.seen;
	END LOOP;
	DELETE FROM node WHERE id > 1;
END $$;

-- rows that a trigger suppresses take nothing from the next
INSERT INTO node (id, nm) VALUES (-1, DEFAULT), (10, 'given'), (-2, 'x'), (11, DEFAULT), (-3, DEFAULT), (12, NULL);
INSERT INTO node (id, name) VALUES (-1, DEFAULT), (20, 'given'), (-2, 'x'), (21, DEFAULT), (-3, DEFAULT), (22, NULL);
INSERT INTO node (id, nm, name) VALUES (-1, DEFAULT, DEFAULT), (30, 'one', 'other');
DO $$ BEGIN
	INSERT INTO node (id) VALUES (-1);
	INSERT INTO node (id, nm) VALUES (31, 'given');
	INSERT INTO node (id) VALUES (-1);
	INSERT INTO node (id, name) VALUES (32, 'given');
	INSERT INTO node (id, nm) VALUES (-1, DEFAULT);
	INSERT INTO node (id, nm) VALUES (33, NULL);
END $$;
CALL show('suppressed');
-- inserts from triggers, functions and WITH
INSERT INTO node (id) VALUES (1000);
INSERT INTO node (id, nm) VALUES (1001, 'outer'), (1002, DEFAULT);
INSERT INTO node (id, name) VALUES (1003, 'outer'), (1004, DEFAULT);
INSERT INTO node (id, nm) VALUES (3001, 'outer'), (3002, DEFAULT), (3003, NULL);
INSERT INTO node (id, name) VALUES (3004, 'outer'), (3005, DEFAULT), (3006, NULL);
CALL show('trigger');
INSERT INTO node (id, nm, parent) VALUES (40, DEFAULT, insert_node(50)), (41, 'given', insert_node(51));
INSERT INTO node (id, name, parent) VALUES (42, DEFAULT, insert_node(52)), (43, 'given', insert_node(53));
INSERT INTO node (id, parent) VALUES (44, insert_node(54));
CALL show('function');
WITH p AS (INSERT INTO node (id, nm) VALUES (60, 'by the old name') RETURNING id)
INSERT INTO node (id, parent) VALUES (61, (SELECT id FROM p));
WITH p AS (INSERT INTO node (id, name) VALUES (62, 'by the new name') RETURNING id)
INSERT INTO node (id, parent) VALUES (63, (SELECT id FROM p));
WITH p AS (INSERT INTO node (id) VALUES (64) RETURNING id)
INSERT INTO node (id, parent) VALUES (65, (SELECT id FROM p));
WITH p AS (INSERT INTO node (id) VALUES (66), (67), (68) RETURNING id)
INSERT INTO node (id, parent, nm) SELECT id + 10, id, nullif('old', 'old' || (id - 66)) FROM p;
WITH p AS (INSERT INTO node (id, nm) VALUES (69, 'first'), (70, DEFAULT) RETURNING id)
INSERT INTO node (id, parent, name) SELECT id + 10, id, nullif('new', 'new' || (id - 66)) FROM p;
CALL show('with');
-- a failed row leaves nothing behind
DO $$ BEGIN
	FOR i IN 1..20 LOOP
		BEGIN
			INSERT INTO node (id, parent) VALUES (1, 1 / (i - i));
		EXCEPTION WHEN division_by_zero THEN
			INSERT INTO node (id, nm) VALUES (100 + i, nullif('given', 'given' || (i - 1)));
		END;
	END LOOP;
	BEGIN
		INSERT INTO node (id) VALUES (1);
	EXCEPTION WHEN unique_violation THEN
		INSERT INTO node (id, name) VALUES (200, 'given');
	END;
	DELETE FROM node WHERE id BETWEEN 102 AND 119;
END $$;
CALL show('failed');
COPY node (id) FROM stdin WHERE id > 100;
99
101
102
\.
COPY node (id, nm) FROM stdin WHERE id > 100;
99	x
103	given
104	\N
\.
COPY node (id, name) FROM stdin WHERE id > 100;
99	x
105	given
106	\N
\.
CALL show('copy');
PREPARE by_old AS INSERT INTO node (id, nm) VALUES ($1, $2), ($1 + 1, DEFAULT);
PREPARE by_new AS INSERT INTO node (id, name) VALUES ($1, $2), ($1 + 1, DEFAULT);
EXECUTE by_old(80, 'given');
EXECUTE by_old(82, NULL);
EXECUTE by_new(84, 'given');
EXECUTE by_new(86, NULL);
CALL show('prepared');

-- SET ... = DEFAULT is the default, under either name, and counts once
INSERT INTO node (id, nm) SELECT n, 'other' FROM generate_series(2, 9) AS n;
UPDATE node SET nm = DEFAULT WHERE id = 2;
UPDATE node SET name = DEFAULT WHERE id = 3;
UPDATE node SET nm = DEFAULT, name = DEFAULT WHERE id = 4;
UPDATE node SET nm = DEFAULT, name = DEFAULT WHERE id = 4;
UPDATE node SET nm = DEFAULT, name = 'other one' WHERE id = 5;
UPDATE node SET nm = 'other one', name = DEFAULT WHERE id = 5;
INSERT INTO node (id, nm) VALUES (5, 'new') ON CONFLICT (id) DO UPDATE SET nm = DEFAULT;
INSERT INTO node (id) VALUES (6) ON CONFLICT (id) DO UPDATE SET nm = NULL;
MERGE INTO node USING (VALUES (7, 'given'), (90, 'given'), (8, NULL), (91, NULL)) AS v (id, nm) ON node.id = v.id
WHEN MATCHED AND v.nm IS NOT NULL THEN UPDATE SET nm = DEFAULT
WHEN MATCHED THEN UPDATE SET nm = NULL
WHEN NOT MATCHED AND v.nm IS NOT NULL THEN INSERT (id, nm) VALUES (v.id, v.nm)
WHEN NOT MATCHED THEN INSERT (id, parent) VALUES (v.id, 0);
UPDATE node SET nm = DEFAULT, parent = v.n FROM (VALUES (9, 9)) AS v (n, m) WHERE v.n = id;
CALL show('set');
INSERT INTO counted (id) VALUES (2);
INSERT INTO counted (id, n) VALUES (3, DEFAULT);
UPDATE counted SET n = DEFAULT WHERE id = 1;
UPDATE counted SET number = DEFAULT WHERE id = 2;
UPDATE counted SET n = DEFAULT, number = DEFAULT WHERE id = 3;
SELECT * FROM counted ORDER BY id;
SELECT last_value FROM counter;

-- triggers meet the value under both names, and may change either
INSERT INTO node (id, nm) VALUES (9001, 'OLD');
INSERT INTO node (id, name) VALUES (9002, 'NEW');
INSERT INTO node (id, name) VALUES (9003, 'New'), (9004, DEFAULT), (9005, NULL);
UPDATE node SET name = 'AGAIN' WHERE id = 9001;
UPDATE node SET nm = 'AGAIN' WHERE id = 9002;
-- a suppressed row's value is not that of the next one, which leaves the names alone
UPDATE node SET nm = 'suppressed', id = -id WHERE id = 9001;
UPDATE node SET nm = CASE id WHEN 9001 THEN 'suppressed' ELSE nm END, id = CASE id WHEN 9001 THEN -1 ELSE id END, parent = 0 WHERE id >= 9001;
CALL show('changed');
-- long values
ALTER TABLE node ALTER nm SET STORAGE EXTERNAL, ALTER name SET STORAGE EXTERNAL;
INSERT INTO node (id, nm) VALUES (2, repeat('old ', 5000)), (3, repeat('old ', 5000));
INSERT INTO node (id, name) VALUES (4, repeat('NEW ', 5000)), (9004, repeat('NEW ', 5000));
UPDATE node SET parent = 1 WHERE id > 1;
UPDATE node SET name = replace(name, 'old', 'OLD') WHERE id = 3;
SELECT id, nm = name AS equal, left(nm, 4), length(name) FROM node WHERE id > 1 ORDER BY id;
SELECT osc_test.validate(:job) AS osc_validate;

-- roles that may not call the function of the defaults could not insert
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
CREATE TABLE more (id int PRIMARY KEY, v int DEFAULT 1, w int);
SELECT osc_start('ALTER TABLE more RENAME v TO x', 'column');
SELECT count(*) > 0 AS without_default FROM osc_plan('ALTER TABLE more RENAME w TO x', 'column');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;
SELECT osc_start('ALTER TABLE more RENAME v TO x', 'column', swap => 'manual') AS revoked \gset
CALL osc_wait(:revoked, '300 s');
REVOKE EXECUTE ON FUNCTION osc_default FROM PUBLIC;
SELECT osc_swap(:revoked);
SELECT state FROM osc_progress WHERE job_id = :revoked;
SELECT osc_cancel(:revoked);
CALL osc_wait(:revoked, '300 s');
GRANT EXECUTE ON FUNCTION osc_default TO PUBLIC;
REVOKE EXECUTE ON FUNCTION osc_mirror, osc_capture FROM PUBLIC;
-- a type with a default of its own would give it to the name that is left out
CREATE DOMAIN word AS text DEFAULT 'word';
ALTER TABLE more ADD d word;
SELECT osc_start('ALTER TABLE more RENAME d TO x', 'column');
SELECT osc_start('ALTER TABLE more ALTER d TYPE varchar(10)', 'column');
SELECT osc_start('ALTER TABLE more ALTER w TYPE word', 'column');
SELECT osc_cleanup(:job);
CALL osc_wait(:job, '300 s');
SELECT osc_revert(:counted);
CALL osc_wait(:counted, '300 s');
SELECT tgname FROM pg_trigger WHERE tgrelid IN ('node'::regclass, 'counted'::regclass);
DROP TABLE node, counted, more;
DROP DOMAIN word;
DROP SEQUENCE counter;
DROP FUNCTION look, insert_node;
DROP PROCEDURE show;
