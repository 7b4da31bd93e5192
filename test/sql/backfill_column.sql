-- backfill_column: strategy column with expressions that fill columns: a column
-- that is added in place, and one whose type changes
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 32001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA backfill_column;
SET search_path = backfill_column, public;
SET online_schema.swap_timeout = '30s';
CREATE TABLE tenants (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE rentals (id int PRIMARY KEY, tenant_id bigint REFERENCES tenants);
CREATE TABLE books (id int PRIMARY KEY, rental_id int, title text, changed int DEFAULT 0, code text DEFAULT '0');
INSERT INTO tenants SELECT n, 'tenant ' || n FROM generate_series(1, 9) n;
INSERT INTO rentals SELECT n, n % 9 + 1 FROM generate_series(1, 200) n;
INSERT INTO books SELECT n, n % 200 + 1, 'title ' || n, 0, n % 9 + 1 FROM generate_series(1, 1000) n;
CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := NEW.changed + 1; RETURN NEW; END $$;
CREATE TRIGGER zz_bump BEFORE UPDATE ON books FOR EACH ROW EXECUTE FUNCTION bump();
SET client_min_messages = warning;

-- the plan
\x
SELECT step, phase, command, lock_mode, blocks, note
FROM osc_plan('ALTER TABLE books ADD COLUMN tenant text NOT NULL DEFAULT ''later'' CHECK (tenant <> '''')', 'column',
	'{"tenant": "(SELECT t.name FROM rentals r JOIN tenants t ON t.id = r.tenant_id WHERE r.id = books.rental_id)"}');
\x

-- filled, with writes to all tables on the way
SELECT osc_start('ALTER TABLE books ADD COLUMN tenant text NOT NULL DEFAULT ''later'' CHECK (tenant <> '''')', 'column', swap => 'manual',
	backfill => '{"tenant": "(SELECT t.name FROM rentals r JOIN tenants t ON t.id = r.tenant_id WHERE r.id = books.rental_id)"}') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state, phase, rows_done FROM osc_progress WHERE job_id = :job;
SELECT attname FROM pg_attribute WHERE attrelid = 'books'::regclass AND attnum > 0 ORDER BY attnum;
SELECT count(*), sum(changed) FROM books;
-- whoever writes a row makes it follow; nobody can make it differ
UPDATE books SET rental_id = 7 WHERE id <= 10;
UPDATE books SET osc_new_6 = 'direct' WHERE id BETWEEN 11 AND 20;
INSERT INTO books (id, rental_id, osc_new_6) VALUES (2001, 3, 'direct'), (2002, 4, NULL);
BEGIN;
INSERT INTO tenants VALUES (10, 'of this transaction');
INSERT INTO rentals VALUES (1000, 10);
INSERT INTO books (id, rental_id) VALUES (2003, 1000);
COMMIT;
SELECT id, rental_id, osc_new_6 FROM books WHERE id IN (1, 11, 2001, 2002, 2003) ORDER BY id;
-- NOT NULL is in nobody's way before the swap, but a row without a value is in the way of that
BEGIN;
INSERT INTO books (id, rental_id) VALUES (2004, 5000) RETURNING osc_new_6;
SELECT osc_swap(:job);
ROLLBACK;
-- as last computed
UPDATE tenants SET name = 'renamed' WHERE id = 2;
SELECT osc_test.validate(:job) AS osc_validate;
SELECT detail->'rows_compared' AS compared, detail->'rows_not_compared' AS not_compared, detail->'rows_differing' AS differing
FROM osc_events WHERE job_id = :job AND event = 'validate';
UPDATE books SET title = title || '!' WHERE rental_id IN (SELECT id FROM rentals WHERE tenant_id = 2);
SELECT osc_test.validate(:job) AS osc_validate;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT b.id, b.tenant, t.name FROM books b LEFT JOIN rentals r ON r.id = b.rental_id LEFT JOIN tenants t ON t.id = r.tenant_id
WHERE b.tenant IS DISTINCT FROM t.name;
SELECT attname, attnotnull, pg_get_expr(adbin, adrelid) AS default FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = 'books'::regclass AND attnum > 0 ORDER BY attnum;
SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = 'books'::regclass AND contype = 'c';
INSERT INTO books (id, rental_id) VALUES (2005, 1) RETURNING tenant;
DELETE FROM books WHERE id = 2005;
SELECT * FROM osc_test.left_behind();
SELECT tgname FROM pg_trigger WHERE tgrelid = 'books'::regclass AND NOT tgname LIKE 'RI_%';
SELECT osc_revert(:job);

-- a column whose type changes: no cast, and no way back
SELECT osc_start('ALTER TABLE books ALTER code TYPE bigint', 'column', swap => 'manual', backfill => '{"code": "(SELECT t.id * 100 FROM tenants t WHERE t.id::text = books.code)"}') AS job \gset
SELECT osc_start('ALTER TABLE books ALTER code DROP DEFAULT, ALTER code TYPE bigint, ALTER code SET DEFAULT 0', 'column', swap => 'manual', backfill => '{"code": "(SELECT t.id * 100 FROM tenants t WHERE t.id::text = books.code)"}') AS job \gset
CALL osc_wait(:job, '300 s');
UPDATE books SET code = '9' WHERE id = 1;
CALL osc_test.swap(:job);
CALL osc_wait(:job, '300 s');
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT count(*), count(*) FILTER (WHERE code = CASE WHEN id = 1 THEN 900 ELSE (id % 9 + 1) * 100 END) AS right, pg_typeof(max(code)) FROM books;
SELECT count(*) FROM books WHERE id > 2000 AND code IS NULL;
SELECT osc_revert(:job);
SELECT osc_cleanup(:job);
CALL osc_test.await_end(:job);

-- several at once, one of them unique
SELECT osc_start('ALTER TABLE books ADD COLUMN v bigint UNIQUE, ADD COLUMN w text', 'column', backfill => '{"v": "id * 10", "w": "(SELECT upper(title))"}') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT count(*) = count(*) FILTER (WHERE v = id * 10 AND w IS NOT DISTINCT FROM upper(title)) AS right FROM books;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'books'::regclass AND contype = 'u';

-- cancelled: nothing is left
SELECT osc_start('ALTER TABLE books ADD COLUMN x int, ADD COLUMN y text', 'column', swap => 'manual', backfill => '{"x": "length(title)", "y": "(SELECT name FROM tenants WHERE id = books.id)"}') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_cancel(:job);
CALL osc_test.await_end(:job);
SELECT attname FROM pg_attribute WHERE attrelid = 'books'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT * FROM osc_test.left_behind();

-- rows that do not fit
\set VERBOSITY terse
SELECT osc_start('ALTER TABLE books ADD COLUMN x int', 'column', backfill => '{"x": "1 / (id - 444)"}') AS job \gset
CALL osc_wait(:job, '300 s');
SELECT osc_start('ALTER TABLE books ADD COLUMN x int NOT NULL', 'column', backfill => '{"x": "(SELECT 1 WHERE id <> 445)"}') AS job \gset
CALL osc_wait(:job, '300 s');
-- a write whose value cannot be computed does not fail, but the job does, also when it could be computed now
SELECT osc_start('ALTER TABLE books ADD COLUMN x int', 'column', swap => 'manual', backfill => '{"x": "(SELECT 1 / (max(id) - 11) FROM tenants WHERE books.id > 0)"}') AS job \gset
CALL osc_wait(:job, '300 s');
INSERT INTO tenants VALUES (11, 'eleven');
UPDATE books SET title = 'not computed' WHERE id = 5;
DELETE FROM tenants WHERE id = 11;
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;

-- refused
SELECT d, r.state, r.message, r.detail FROM (VALUES
	('ALTER TABLE books ADD COLUMN x int', NULL), ('ALTER TABLE books ADD COLUMN x int, ADD COLUMN y int', '{"x": "1"}'),
	('ALTER TABLE books ADD COLUMN x int, DROP COLUMN title', '{"x": "1"}'), ('ALTER TABLE books ADD COLUMN x int, ALTER title TYPE varchar', '{"x": "1"}'),
	('ALTER TABLE books ADD COLUMN x int REFERENCES rentals', '{"x": "1"}'), ('ALTER TABLE books ADD COLUMN x serial', '{"x": "1"}'),
	('ALTER TABLE books ADD COLUMN x int GENERATED BY DEFAULT AS IDENTITY', '{"x": "1"}'), ('ALTER TABLE books ADD COLUMN x float', '{"x": "random()"}'),
	('ALTER TABLE books ADD COLUMN x int', '{"x": "length(books::text)"}'), ('ALTER TABLE books ADD COLUMN x int', '{"x": "(SELECT length(books::text))"}'),
	('ALTER TABLE books ADD COLUMN x int; ALTER TABLE books ADD COLUMN y int', '{"x": "1"}')) v(d, b),
	osc_test.refusal(format('SELECT osc_start(%L, %L, backfill => %L)', d, 'column', b)) r;
\set VERBOSITY default

-- in the owner's name, whoever writes
CREATE ROLE backfill_column_owner;
CREATE ROLE backfill_column_writer;
GRANT USAGE ON SCHEMA backfill_column TO backfill_column_owner, backfill_column_writer;
GRANT CREATE ON SCHEMA backfill_column TO backfill_column_owner;
CREATE TABLE owned (id int PRIMARY KEY, note text);
INSERT INTO owned SELECT generate_series(1, 20);
ALTER TABLE owned OWNER TO backfill_column_owner;
GRANT ALL ON owned TO backfill_column_writer;
GRANT SELECT ON tenants TO backfill_column_owner;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY some_of_them ON tenants TO backfill_column_owner USING (id <> 5);
SET ROLE backfill_column_owner;
CREATE FUNCTION who(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN $1 || ' by ' || current_user; END $$;
SELECT osc_start('ALTER TABLE owned ADD COLUMN n text', 'column', swap => 'manual', backfill => '{"n": "(SELECT who(name) FROM tenants t WHERE t.id = owned.id)"}') AS job \gset
RESET ROLE;
CALL osc_wait(:job, '300 s');
SET ROLE backfill_column_writer;
SET row_security = off;
UPDATE owned SET note = 'written' WHERE id IN (4, 5);
RESET row_security;
RESET ROLE;
SELECT id, note, osc_new_3 FROM owned WHERE id IN (3, 4, 5) ORDER BY id;
-- a right that is taken away fails no write, but the job
REVOKE SELECT ON tenants FROM backfill_column_owner;
UPDATE owned SET note = 'written again' WHERE id = 4 RETURNING id, note, osc_new_3;
GRANT SELECT ON tenants TO backfill_column_owner;
CALL osc_test.await_end(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA backfill_column CASCADE;
DROP ROLE backfill_column_owner, backfill_column_writer;
