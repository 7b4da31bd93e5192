-- backfill.sql: columns that an expression of the user's fills: the same
-- values as an UPDATE gives natively, whatever way a row takes into the copy
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 31001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA backfill;
SET search_path = backfill, public;
CREATE TABLE tenants (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE rentals (id int PRIMARY KEY, tenant_id bigint REFERENCES tenants, note text);
CREATE TABLE books (id int PRIMARY KEY, gone text, rental_id int, title text, tags text[], made timestamptz);
INSERT INTO tenants SELECT n, 'tenant ' || n FROM generate_series(1, 9) n;
INSERT INTO rentals SELECT n, n % 9 + 1, repeat('n', n % 50) FROM generate_series(1, 200) n;
INSERT INTO books SELECT n, 'gone', n % 250, 'title ' || n, ARRAY['t' || n % 3, 'u' || n % 5], '2026-01-01'::timestamptz + n * interval '1 hour'
FROM generate_series(1, 1000) n;
INSERT INTO books VALUES (1001, NULL, NULL, repeat('long ', 1000), NULL, NULL);
ALTER TABLE books DROP gone;
ALTER TABLE books ADD later text DEFAULT 'from before';
ANALYZE;

-- the rows as an UPDATE makes them
CREATE PROCEDURE natively(ddl text, assignments text) LANGUAGE plpgsql AS $$
BEGIN
	IF to_regclass('native_books') IS NOT NULL THEN
		DROP TABLE native_books;
	END IF;
	CREATE TABLE native_books AS TABLE books;
	EXECUTE replace(ddl, 'books', 'native_books');
	EXECUTE 'UPDATE native_books AS books SET ' || assignments;
END $$;
CREATE FUNCTION differences() RETURNS TABLE (what text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT 'native', count(*) FROM (SELECT t::text FROM native_books t EXCEPT ALL SELECT t::text FROM books t) x HAVING count(*) > 0
		UNION ALL
		SELECT 'online', count(*) FROM (SELECT t::text FROM books t EXCEPT ALL SELECT t::text FROM native_books t) x HAVING count(*) > 0;
END $$;

-- the plan
\x
SELECT phase, strategy, command, lock_mode, blocks, cost, note
FROM osc_plan('ALTER TABLE books ADD COLUMN tenant_id bigint', backfill => '{"tenant_id": "(SELECT r.tenant_id FROM rentals r WHERE r.id = books.rental_id)"}')
WHERE phase IN ('preparing', 'backfilling');
SELECT command, note FROM osc_plan('ALTER TABLE books ADD a text, ADD b float8, ADD c text',
	backfill => '{"a": "upper(title)", "b": "random()", "c": "(SELECT max(t) FROM unnest(tags) t)"}')
WHERE command ~ '^compute';
\x

-- a new column, filled from another table; the row is named by its table, or not at all
CALL natively('ALTER TABLE books ADD COLUMN tenant_id bigint', 'tenant_id = (SELECT r.tenant_id FROM rentals r WHERE r.id = books.rental_id)');
SELECT osc_start('ALTER TABLE books ADD COLUMN tenant_id bigint', run => 'manual', swap => 'manual',
	backfill => '{"tenant_id": "(SELECT r.tenant_id FROM rentals r WHERE r.id = books.rental_id)"}') AS job \gset
SELECT backfill = jsonb_build_object('books'::regclass::oid || '.tenant_id', '(SELECT r.tenant_id FROM rentals r WHERE r.id = books.rental_id)')
FROM online_schema.job WHERE job_id = :job;
CALL osc_test.step_to(:job, 'ready');
SELECT osc_validate(:job);
SELECT detail->'rows_compared' AS compared, detail->'rows_not_compared' AS not_compared, detail->'rows_differing' AS differing
FROM osc_events WHERE job_id = :job AND event = 'validate';
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM differences();
SELECT count(tenant_id) AS filled, count(*) FROM books;

-- the values of replayed rows come from the same expression
CALL natively('ALTER TABLE books ADD COLUMN a bigint', 'a = (SELECT sum(r.id) FROM rentals r WHERE r.tenant_id = books.tenant_id)');
SELECT osc_start('ALTER TABLE books ADD COLUMN a bigint', run => 'manual', swap => 'manual',
	backfill => '{"a": "(SELECT sum(r.id) FROM rentals r WHERE r.tenant_id = books.tenant_id)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE books SET rental_id = 7, tenant_id = 7 WHERE id <= 100;
DELETE FROM books WHERE id BETWEEN 101 AND 150;
INSERT INTO books (id, rental_id, title, tenant_id) SELECT n, 1, 'new', 2 FROM generate_series(2001, 2100) n;
UPDATE books SET id = id + 10000 WHERE id BETWEEN 151 AND 160;
CALL natively('ALTER TABLE books ADD COLUMN a bigint', 'a = (SELECT sum(r.id) FROM rentals r WHERE r.tenant_id = books.tenant_id)');
CALL osc_test.step_to(:job, 'ready');
SELECT osc_validate(:job);
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT * FROM differences();

-- "as last computed": a change of the other table reaches those rows that are
-- replayed or validated after it, and is never a difference
SELECT osc_start('ALTER TABLE books ADD COLUMN b text', run => 'manual', swap => 'manual',
	backfill => '{"b": "(SELECT name FROM tenants WHERE tenants.id = books.tenant_id)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE tenants SET name = 'renamed' WHERE id = 3;
SELECT osc_validate(:job);
SELECT detail->'rows_compared' AS compared, detail->'rows_not_compared' AS not_compared, detail->'rows_differing' AS differing
FROM osc_events WHERE job_id = :job AND event = 'validate';
SELECT count(*) FROM books WHERE tenant_id = 3;
SELECT osc_replay(:job);
CALL osc_test.step_to(:job, 'ready');
UPDATE tenants SET name = 'too late' WHERE id = 4;
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT b, t.name, count(*) FROM books JOIN tenants t ON t.id = tenant_id WHERE tenant_id IN (3, 4) GROUP BY 1, 2 ORDER BY 1;
-- but a value that the row itself does not give is one
SELECT osc_start('ALTER TABLE books ADD COLUMN c text, ADD d text', run => 'manual', swap => 'manual',
	backfill => '{"c": "(SELECT name FROM tenants WHERE tenants.id = books.tenant_id)", "d": "(SELECT max(t) FROM unnest(tags) t)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
SELECT format('osc_%s_1.books', :job) AS shadow \gset
UPDATE :shadow SET c = 'wrong' WHERE id = 500;
SELECT osc_validate(:job);
UPDATE :shadow SET d = 'wrong' WHERE id = 501;
SELECT osc_validate(:job);
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);

-- all kinds of expressions, and several columns at once; the whole row is the one
-- without the new columns
CALL natively('ALTER TABLE books ADD c text, ADD d boolean, ADD e int[], ADD f text, ADD g numeric(8, 2), ADD h text, ADD i text',
	$$c = (SELECT r.note FROM rentals r WHERE r.id = rental_id),
	d = EXISTS (SELECT FROM rentals r JOIN tenants t ON t.id = r.tenant_id WHERE r.id = books.rental_id AND t.name LIKE '%1'),
	e = ARRAY(SELECT r.id FROM rentals r WHERE r.tenant_id = books.tenant_id AND r.id < books.rental_id ORDER BY 1),
	f = CASE WHEN rental_id IN (SELECT id FROM rentals WHERE note <> '') THEN upper(title) ELSE later END,
	g = (WITH s AS (SELECT avg(x.id) AS m FROM rentals x WHERE x.tenant_id = books.tenant_id) SELECT m FROM s),
	h = (SELECT string_agg(t, '+' ORDER BY t) FROM unnest(tags) t WHERE t > (SELECT min(u) FROM unnest(books.tags) u)),
	i = length(books::text) - 7$$);
SELECT osc_start('ALTER TABLE books ADD c text, ADD d boolean, ADD e int[], ADD f text, ADD g numeric(8, 2), ADD h text, ADD i text', run => 'manual',
	backfill => jsonb_build_object(
	'c', '(SELECT r.note FROM rentals r WHERE r.id = rental_id)',
	'd', $$EXISTS (SELECT FROM rentals r JOIN tenants t ON t.id = r.tenant_id WHERE r.id = books.rental_id AND t.name LIKE '%1')$$,
	'e', 'ARRAY(SELECT r.id FROM rentals r WHERE r.tenant_id = backfill.books.tenant_id AND r.id < books.rental_id ORDER BY 1) -- a comment',
	'f', $$CASE WHEN rental_id IN (SELECT id FROM rentals WHERE note <> '') THEN upper(title) ELSE later END$$,
	'g', '(WITH s AS (SELECT avg(x.id) AS m FROM rentals x WHERE x.tenant_id = books.tenant_id) SELECT m FROM s)',
	'h', $$(SELECT string_agg(t, '+' ORDER BY t) FROM unnest(tags) t WHERE t > (SELECT min(u) FROM unnest(books.tags) u))$$,
	'i', 'length(books::text)')) AS job \gset
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT * FROM differences();

-- a type that changes: the expression stands for USING, where no cast is needed either
CALL natively('ALTER TABLE books ALTER c TYPE int USING NULL', 'c = (SELECT length(r.note) FROM rentals r WHERE r.id = books.rental_id)');
SELECT osc_start('ALTER TABLE books ALTER c TYPE int', run => 'manual',
	backfill => '{"c": "(SELECT length(r.note) FROM rentals r WHERE r.id = books.rental_id)"}') AS job \gset
CALL osc_run(:job);
SELECT * FROM differences();
SELECT pg_typeof(c), count(c) FROM books GROUP BY 1;

-- a default is for later rows; an expression without a subquery
SELECT osc_start('ALTER TABLE books ADD j text NOT NULL DEFAULT ''for later rows''', run => 'manual', backfill => '{"j": "coalesce(title, ''none'')"}') AS job \gset
CALL osc_run(:job);
SELECT count(*) FROM books WHERE j = title;
INSERT INTO books (id) VALUES (3001) RETURNING j;
DELETE FROM books WHERE id = 3001;

-- NOT NULL without a default, with a CHECK, a foreign key and a unique index
SELECT osc_start('ALTER TABLE books ADD k int NOT NULL UNIQUE CHECK (k > 0), ADD l bigint NOT NULL REFERENCES tenants DEFERRABLE INITIALLY DEFERRED',
	run => 'manual', backfill => '{"k": "id * 2", "l": "(SELECT coalesce(max(t.id), 1) FROM tenants t WHERE t.id = tenant_id)"}') AS job \gset
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT count(*), count(k), count(l) FROM books;
SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = 'books'::regclass AND contype IN ('f', 'c', 'u') ORDER BY 1;

-- rows that do not fit: their key is told, and the table is as it was
SELECT pg_relation_filenode('books') AS file_before \gset
\set VERBOSITY terse
SELECT osc_start('ALTER TABLE books ADD m bigint NOT NULL', run => 'manual',
	backfill => '{"m": "(SELECT coalesce(max(r.tenant_id), 1) FROM rentals r WHERE r.id = books.rental_id HAVING books.id <> 600)"}') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE books ADD m int', run => 'manual', backfill => '{"m": "(SELECT r.id FROM rentals r WHERE r.id >= 200 - (books.id = 333)::int)"}') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE books ADD m int', run => 'manual', backfill => '{"m": "1 / (id - 444)"}') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE books ADD m varchar(5)', run => 'manual', backfill => '{"m": "(SELECT ''tenant'' || rental_id WHERE id = 555)"}') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE books ADD m int CHECK (m <> 777)', run => 'manual', backfill => '{"m": "(SELECT id FROM tenants t WHERE t.id = 1) + id - 1"}') AS job \gset
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE books ADD m bigint REFERENCES tenants', run => 'manual', backfill => '{"m": "(SELECT id FROM tenants t WHERE t.id = 1) * 77"}') AS job \gset
CALL osc_run(:job);
CREATE FUNCTION fails(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN IF n = 666 THEN RAISE 'no %', n; END IF; RETURN n; END $$;
SELECT osc_start('ALTER TABLE books ADD m int', run => 'manual', backfill => '{"m": "(SELECT fails(books.id))"}') AS job \gset
CALL osc_run(:job);
SELECT last_error FROM osc_progress WHERE job_id = :job;
\set VERBOSITY default
SELECT pg_relation_filenode('books') = :file_before AS same_file;

-- refused before anything is made
CREATE TEMP TABLE of_this_session (id int);
CREATE FUNCTION refusals(VARIADIC expressions text[]) RETURNS TABLE (expression text, state text, message text, hint text) LANGUAGE sql AS $$
SELECT e, r.state, r.message, r.hint
FROM unnest(expressions) WITH ORDINALITY u(e, n),
	osc_test.refusal(format('SELECT osc_start(%L, run => %L, backfill => %L)', 'ALTER TABLE books ADD m int', 'manual', jsonb_build_object('m', e))) r
ORDER BY n
$$;
\x
SELECT * FROM refusals('max(id)', 'sum(id) OVER ()', 'generate_series(1, 2)', '(SELECT max(books.id) FROM tenants)', 'id FROM books', '(SELECT 1, 2)', '1, 2', '1) x, (2',
	'1); DROP TABLE books; SELECT (1', '', '$1', 'DEFAULT', 'books.*', '(id, 1)', 'nothing', 'm', 'tenants.id', '(SELECT id FROM nowhere)', 'no_function(1)', 'true', 'title', 'ctid', 'books.xmin::text::int',
	'(SELECT id FROM of_this_session)', '(SELECT id FROM tenants FOR UPDATE)', '(WITH w AS (DELETE FROM tenants RETURNING id) SELECT id FROM w)', 'id +');
SELECT r.* FROM (VALUES
	('ALTER TABLE books ADD m int', '[]'), ('ALTER TABLE books ADD m int', '"m"'), ('ALTER TABLE books ADD m int', '{"m": 1}'), ('ALTER TABLE books ADD m int', '{"m": null}'),
	('ALTER TABLE books ADD m int', '{"id": "1"}'), ('ALTER TABLE books ADD m int', '{"n": "1"}'), ('ALTER TABLE books ADD m int', '{"M": "1"}'), ('ALTER TABLE books SET (fillfactor = 90)', '{"id": "1"}'),
	('ALTER TABLE books ADD IF NOT EXISTS title text', '{"title": "''x''"}'), ('ALTER TABLE books ADD m int; ALTER TABLE books DROP m', '{"m": "1"}'),
	('ALTER TABLE books ADD m int GENERATED ALWAYS AS (id + 1) STORED', '{"m": "1"}'), ('ALTER TABLE books ADD m int GENERATED ALWAYS AS IDENTITY', '{"m": "1"}'),
	('ALTER TABLE books ALTER c TYPE text USING ''x''', '{"c": "''y''"}'), ('ALTER TABLE books ADD m int; ALTER TABLE books ALTER m TYPE text', '{"m": "1"}'),
	('ALTER TABLE books ADD m int', '{"m": "1", "books.m": "2"}'), ('ALTER TABLE books ADD m int; ALTER TABLE rentals ADD m int', '{"m": "1"}'),
	('ALTER TABLE books ADD m int; ALTER TABLE rentals ADD m int', '{"tenants.m": "1"}')) v(ddl, backfill),
	osc_test.refusal(format('SELECT osc_start(%L, run => %L, backfill => %L)', v.ddl, 'manual', v.backfill)) r;
-- a strategy that cannot fill
SELECT s, r.* FROM unnest('{instant,constraint,index}'::text[]) s,
	osc_test.refusal(format('SELECT osc_start(%L, %L, run => %L, backfill => %L)', 'ALTER TABLE books ADD m int', s, 'manual', '{"m": "1"}')) r;
\x
-- the place in the expression
SELECT osc_start('ALTER TABLE books ADD m int', backfill => '{"m": "id + nothing"}');
SELECT osc_start('ALTER TABLE books ADD m int', backfill => '{"m": "id +"}');
SELECT * FROM osc_test.left_behind();

-- which column of which table; under another name; and what a later statement makes of it
SELECT osc_start('ALTER TABLE books ADD m int; ALTER TABLE rentals ADD "M m" int; ALTER TABLE rentals ADD m text; ALTER TABLE rentals RENAME m TO n;'
	'ALTER TABLE rentals ALTER note TYPE varchar(80) USING n || note', run => 'manual',
	backfill => '{"books.m": "id + 1", "M m": "id + 2", "backfill.rentals.n": "(SELECT ''<'' || name || ''>'' FROM tenants t WHERE t.id = tenant_id)"}') AS job \gset
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT count(*) FROM books WHERE m = id + 1;
SELECT count(*), count(*) FILTER (WHERE r."M m" = r.id + 2 AND r.n = '<' || t.name || '>' AND r.note LIKE r.n || '%') FROM rentals r JOIN tenants t ON t.id = tenant_id;

-- no key: rows are found by their place
CREATE TABLE places (a int, b text);
INSERT INTO places SELECT n % 10, 'b' || n FROM generate_series(1, 100) n;
SELECT osc_start('ALTER TABLE places ADD c text NOT NULL', run => 'manual', swap => 'manual', backfill => '{"c": "(SELECT name FROM tenants WHERE id = greatest(a, 1))"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE places SET a = 5 WHERE b LIKE '%7';
UPDATE tenants SET name = 'for places' WHERE id = 2;
SELECT osc_validate(:job);
CALL osc_test.step_to(:job, 'ready');
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT count(*) FROM places p JOIN tenants t ON t.id = greatest(a, 1) WHERE c = t.name;
-- and the row is told by it
\set VERBOSITY terse
SELECT osc_start('ALTER TABLE places ADD d int NOT NULL', run => 'manual', backfill => '{"d": "(SELECT 1 WHERE b <> ''b50'')"}') AS job \gset
CALL osc_run(:job);
\set VERBOSITY default

-- a tree: the expression is over the table that the statement names
CREATE TABLE parted (id int, part int, ref int) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (ref int, gone int, part int, id int);
ALTER TABLE parted_2 DROP gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted SELECT n, n % 2 + 1, n % 9 + 1 FROM generate_series(1, 100) n;
SELECT osc_start('ALTER TABLE parted ADD name text NOT NULL', run => 'manual', backfill => '{"name": "(SELECT name || parted.part FROM tenants WHERE tenants.id = ref)"}') AS job \gset
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT count(*) FROM parted p JOIN tenants t ON t.id = ref WHERE p.name = t.name || part;
SELECT osc_test.refusal(format('SELECT osc_start(%L, backfill => %L)', 'ALTER TABLE parted ADD whole text', '{"whole": "parted::text"}'));

-- what an expression reads is watched
CREATE VIEW tenant_names AS SELECT id, name FROM tenants;
SELECT osc_start('ALTER TABLE places ADD e text', run => 'manual', backfill => '{"e": "(SELECT name FROM tenant_names n WHERE n.id = a)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE places SET b = b;
CREATE OR REPLACE VIEW tenant_names AS SELECT id, name || '!' AS name FROM tenants;
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT count(*) FROM places p JOIN tenant_names n ON n.id = a WHERE e = n.name;
\set VERBOSITY terse
SELECT osc_start('ALTER TABLE places ADD f text', run => 'manual', backfill => '{"f": "(SELECT name FROM tenant_names n WHERE n.id = a)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE places SET b = b;
DROP VIEW tenant_names;
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE places ADD f text', run => 'manual', backfill => '{"f": "(SELECT name FROM tenants n WHERE n.id = a)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE places SET b = b;
ALTER TABLE tenants ALTER name TYPE varchar(90);
CALL osc_run(:job);
SELECT osc_start('ALTER TABLE places ADD f text', run => 'manual', backfill => '{"f": "(SELECT name FROM tenants n WHERE n.id = a)"}') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE places SET b = b;
ALTER TABLE tenants RENAME name TO full_name;
ALTER TABLE tenants RENAME TO lodgers;
CALL osc_run(:job);
SELECT count(*) FROM places p JOIN lodgers n ON n.id = a WHERE f = n.full_name;
\set VERBOSITY default

-- rights: those of the caller, when the job is started and when it works
CREATE ROLE backfill_owner;
GRANT USAGE ON SCHEMA backfill TO backfill_owner;
GRANT CREATE ON SCHEMA backfill TO backfill_owner;
CREATE TABLE owned (id int PRIMARY KEY);
INSERT INTO owned SELECT generate_series(1, 20);
ALTER TABLE owned OWNER TO backfill_owner;
CREATE FUNCTION not_for_all(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION not_for_all FROM PUBLIC;
SET ROLE backfill_owner;
SELECT osc_test.refusal($$SELECT osc_start('ALTER TABLE owned ADD n text', backfill => '{"n": "(SELECT full_name FROM lodgers l WHERE l.id = owned.id)"}')$$);
SELECT osc_test.refusal($$SELECT osc_start('ALTER TABLE owned ADD n text', backfill => '{"n": "not_for_all(id)"}')$$);
RESET ROLE;
GRANT SELECT (id, full_name) ON lodgers TO backfill_owner;
-- row security of what is read is that of the job's owner
ALTER TABLE lodgers ENABLE ROW LEVEL SECURITY;
CREATE POLICY some_of_them ON lodgers TO backfill_owner USING (id <> 5);
SET ROLE backfill_owner;
SELECT osc_start('ALTER TABLE owned ADD n text', run => 'manual', swap => 'manual', backfill => '{"n": "(SELECT full_name FROM lodgers l WHERE l.id = owned.id)"}') AS job \gset
RESET ROLE;
CALL osc_test.step_to(:job, 'catching_up');
REVOKE SELECT (full_name) ON lodgers FROM backfill_owner;
UPDATE owned SET id = id WHERE id < 10;
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
GRANT SELECT (full_name) ON lodgers TO backfill_owner;
SELECT osc_resume(:job);
CALL osc_test.step_to(:job, 'ready');
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT * FROM owned WHERE id IN (4, 5, 15) ORDER BY id;
-- a superuser drives the job, but functions run as its owner
SET ROLE backfill_owner;
CREATE FUNCTION who(int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN current_user || has_table_privilege('pg_authid', 'SELECT'); END $$;
SELECT osc_start('ALTER TABLE owned ADD o text, ADD p text', run => 'manual', swap => 'manual', backfill => '{"o": "who(id)", "p": "(SELECT who(l.id::int) FROM lodgers l WHERE l.id = owned.id)"}') AS job \gset
RESET ROLE;
CALL osc_test.step_to(:job, 'catching_up');
UPDATE owned SET id = id WHERE id < 10;
CALL osc_test.step_to(:job, 'ready');
UPDATE owned SET id = id WHERE id < 5;
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT o, p, count(*) FROM owned GROUP BY 1, 2 ORDER BY 2;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA backfill CASCADE;
DROP ROLE backfill_owner;
