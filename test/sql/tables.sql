-- tables.sql: tables of every kind that can be changed: dropped and
-- fast-default columns, TOAST, composite keys, odd names, no rows, row
-- security, and what hangs on a table and must survive
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 8001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA tables;
SET search_path = tables, public;

-- dropped columns before, between and after the others
CALL osc_test.twice($$
	CREATE TABLE dropped (g1 int, id int PRIMARY KEY, g2 text, a text, g3 numeric[], b int, g4 date);
	INSERT INTO dropped SELECT n, n, 'g' || n, 'a' || n, ARRAY[n], n, '2020-01-01' FROM generate_series(1, 5) n;
	ALTER TABLE dropped DROP g1, DROP g2;
	INSERT INTO dropped (id, a) VALUES (6, 'six');
	ALTER TABLE dropped DROP g3, DROP g4;
	INSERT INTO dropped (id, a) VALUES (7, 'seven');
$$);
CALL osc_test.both('ALTER TABLE dropped ALTER id TYPE bigint, DROP b, ADD c int DEFAULT 1');
SELECT * FROM osc_test.differences('dropped');
CALL osc_test.both('ALTER TABLE dropped ALTER id TYPE int, DROP c, ADD c int DEFAULT 2');
SELECT * FROM osc_test.differences('dropped');
SELECT * FROM online.dropped ORDER BY id;

-- values that are in the catalog only: columns added with a default
CALL osc_test.twice($$
	CREATE TABLE fast (id int PRIMARY KEY, a int);
	INSERT INTO fast SELECT n, n FROM generate_series(1, 3) n;
	ALTER TABLE fast ADD b text DEFAULT 'b', ADD c numeric NOT NULL DEFAULT 1.50, ADD d int[] DEFAULT '{1,2}';
	INSERT INTO fast VALUES (4, 4, NULL, 4, NULL);
	ALTER TABLE fast ADD e text DEFAULT repeat('long ', 1000);
	INSERT INTO fast (id) VALUES (5);
	UPDATE fast SET a = 20 WHERE id = 2;
$$);
SELECT count(*) FROM pg_attribute WHERE attrelid = 'online.fast'::regclass AND atthasmissing;
CALL osc_test.both('ALTER TABLE fast ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('fast');
SELECT count(*) FROM pg_attribute WHERE attrelid = 'online.fast'::regclass AND atthasmissing;
CALL osc_test.twice('ALTER TABLE fast ADD f int DEFAULT 6');
CALL osc_test.both('ALTER TABLE fast ALTER c TYPE text, ALTER b DROP DEFAULT');
SELECT * FROM osc_test.differences('fast');
SELECT id, a, b, c, d, length(e), f FROM online.fast ORDER BY id;

-- large values: compressed, out of line, both; of each storage kind
CALL osc_test.twice($$
	CREATE TABLE toasted (id int PRIMARY KEY, plain text, main text, external text, extended text, j jsonb);
	ALTER TABLE toasted ALTER plain SET STORAGE plain, ALTER main SET STORAGE main, ALTER external SET STORAGE external;
	INSERT INTO toasted SELECT n, repeat('p', 100), repeat('main ' || n, 800),
		(SELECT string_agg(md5((n * 1000 + m)::text), '') FROM generate_series(1, 300) m),
		(SELECT string_agg(md5((n * 1000 + m)::text), '') FROM generate_series(1, 600) m),
		(SELECT jsonb_agg(md5((n * 1000 + m)::text)) FROM generate_series(1, 100) m)
	FROM generate_series(1, 8) n;
	UPDATE toasted SET external = external || 'x', id = 20 WHERE id = 3;
	INSERT INTO toasted VALUES (30);
$$);
SELECT pg_relation_size(reltoastrelid) > 100000 AS has_toast FROM pg_class WHERE oid = 'online.toasted'::regclass;
CALL osc_test.both('ALTER TABLE toasted ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('toasted');
CALL osc_test.both('ALTER TABLE toasted ALTER external TYPE varchar, ALTER extended SET STORAGE external, ALTER j TYPE text USING j::text || external');
SELECT * FROM osc_test.differences('toasted');
SELECT pg_relation_size(reltoastrelid) > 100000 AS has_toast FROM pg_class WHERE oid = 'online.toasted'::regclass;
-- the TOAST table is the table's own, and goes on working
UPDATE online.toasted SET extended = reverse(extended) || main WHERE id = 4;
SELECT length(extended), md5(reverse(left(extended, -length(main)))) = (SELECT md5(extended) FROM native.toasted WHERE id = 4) AS intact
FROM online.toasted WHERE id = 4;
UPDATE online.toasted SET extended = (SELECT extended FROM native.toasted n WHERE n.id = toasted.id) WHERE id = 4;
VACUUM FULL online.toasted;
SELECT * FROM osc_test.differences('toasted');
-- the last column that needs TOAST goes
CALL osc_test.both('ALTER TABLE toasted DROP plain, DROP main, DROP external, DROP extended, DROP j, ADD n int DEFAULT 1');
SELECT * FROM osc_test.differences('toasted');
-- the first one comes
CALL osc_test.twice('CREATE TABLE lean (id int PRIMARY KEY, a int); INSERT INTO lean VALUES (1, 1)');
CALL osc_test.both('ALTER TABLE lean ALTER a TYPE text, ADD b text DEFAULT repeat(''b'', 10000)');
SELECT * FROM osc_test.differences('lean');

-- keys
CALL osc_test.twice($$
	CREATE TABLE composite (a int, b text, c date, d int, CONSTRAINT the_key PRIMARY KEY (c, a, b));
	INSERT INTO composite SELECT n % 3, 'b' || n % 4, '2020-01-01'::date + n % 5, n FROM generate_series(1, 60) n;
	CREATE TABLE included (a int NOT NULL, b int, c text);
	CREATE UNIQUE INDEX included_a ON included (a DESC NULLS LAST) INCLUDE (b) WITH (fillfactor = 80);
	INSERT INTO included SELECT -n, n, n FROM generate_series(1, 9) n;
	CREATE TABLE floats (f float8 PRIMARY KEY, a int);
	INSERT INTO floats VALUES ('NaN', 1), ('-0', 2), ('infinity', 3), ('-infinity', 4), (1e-300, 5);
	CREATE TABLE texts (t text COLLATE "C" PRIMARY KEY, a int);
	INSERT INTO texts VALUES ('', 1), (' ', 2), ('a', 3), ('A', 4), ('ä', 5), (E'\n', 6), ('null', 7);
	CREATE TABLE numerics (n numeric PRIMARY KEY, a int);
	INSERT INTO numerics VALUES (1.0, 1), (2.00, 2), ('NaN', 3), (-0.00, 4), (12345678901234567890.123, 5);
$$);
CALL osc_test.both('ALTER TABLE composite ALTER a TYPE bigint, ALTER d TYPE text');
SELECT * FROM osc_test.differences('composite');
CALL osc_test.both('ALTER TABLE included ALTER a TYPE bigint, ALTER b TYPE bigint');
SELECT * FROM osc_test.differences('included');
CALL osc_test.both('ALTER TABLE floats ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('floats');
CALL osc_test.both('ALTER TABLE texts ALTER a TYPE bigint, ALTER t TYPE varchar COLLATE "POSIX"');
SELECT * FROM osc_test.differences('texts');
CALL osc_test.both('ALTER TABLE numerics ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('numerics');

-- odd names: quotes, semicolons, upper case, 63 bytes, non-ASCII
CALL osc_test.twice($$
	CREATE TABLE "Some ""Table""; DROP TABLE x; --" ("Id" int CONSTRAINT "the key!" PRIMARY KEY, "sélect ""ü""" text,
		"a.b" int CONSTRAINT "check %s" CHECK ("a.b" <> 7), "order" int DEFAULT 3);
	CREATE INDEX "Index; é" ON "Some ""Table""; DROP TABLE x; --" ("sélect ""ü""", ("a.b" + 1));
	INSERT INTO "Some ""Table""; DROP TABLE x; --" SELECT n, 'v' || n, n * 10 FROM generate_series(1, 5) n;
	CREATE TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123 (
		b23456789_123456789_123456789_123456789_123456789_123456789_123 int PRIMARY KEY, c int UNIQUE);
	INSERT INTO a23456789_123456789_123456789_123456789_123456789_123456789_123 VALUES (1, 1), (2, 2);
	CREATE TABLE "таблица" ("ключ" int PRIMARY KEY, "значение" text);
	INSERT INTO "таблица" VALUES (1, 'один'), (2, 'два');
	CREATE TABLE osc_twin (id int PRIMARY KEY, v text);
	INSERT INTO osc_twin VALUES (1, 'one');
	CREATE TABLE osc_log_1 (id int PRIMARY KEY, v text);
	INSERT INTO osc_log_1 VALUES (1, 'one');
	CREATE TABLE "select" ("from" int PRIMARY KEY);
	INSERT INTO "select" VALUES (1);
$$);
CALL osc_test.both('ALTER TABLE "Some ""Table""; DROP TABLE x; --" ALTER "Id" TYPE bigint, ALTER "sélect ""ü""" TYPE varchar, ALTER "a.b" TYPE bigint, ADD "new; --" text DEFAULT $x$;''"$x$, ADD CONSTRAINT "uni; q" UNIQUE ("a.b", "order")');
SELECT * FROM osc_test.differences('Some "Table"; DROP TABLE x; --');
CALL osc_test.both('ALTER TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123 ALTER b23456789_123456789_123456789_123456789_123456789_123456789_123 TYPE bigint, ADD UNIQUE (b23456789_123456789_123456789_123456789_123456789_123456789_123, c)');
SELECT * FROM osc_test.differences('a23456789_123456789_123456789_123456789_123456789_123456789_123');
CALL osc_test.both('ALTER TABLE "таблица" ALTER "ключ" TYPE bigint, ADD "ещё" int DEFAULT 3');
SELECT * FROM osc_test.differences('таблица');
CALL osc_test.both('ALTER TABLE osc_twin ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('osc_twin');
CALL osc_test.both('ALTER TABLE osc_log_1 ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('osc_log_1');
CALL osc_test.both('ALTER TABLE "select" ALTER "from" TYPE bigint');
SELECT * FROM osc_test.differences('select');
SELECT relation, ddl, state FROM osc_progress
WHERE job_id BETWEEN :first_job AND :first_job + 999 AND relation ~ '[^a-z0-9_.]' ORDER BY job_id;

-- names of our own that the user has, too
CALL osc_test.twice($$
	CREATE TABLE ours (id int PRIMARY KEY, a int, osc_twin int);
	CREATE INDEX osc_twin_1 ON ours (a);
	CREATE INDEX osc_log_2 ON ours (osc_twin);
	CREATE INDEX osc_capture ON ours (a, osc_twin);
	INSERT INTO ours SELECT n, n, n FROM generate_series(1, 5) n;
$$);
CALL osc_test.both('ALTER TABLE ours ALTER id TYPE bigint, ALTER osc_twin TYPE bigint, ADD CONSTRAINT osc_capture_truncate UNIQUE (a), ADD CONSTRAINT osc_twin CHECK (a > 0)');
SELECT * FROM osc_test.differences('ours');
-- a schema outside the search_path, with an odd name
CREATE SCHEMA "Odd; ""Schema""";
CREATE TABLE "Odd; ""Schema""".t (id int PRIMARY KEY, v text);
INSERT INTO "Odd; ""Schema""".t VALUES (1, 'one');
SELECT osc_start('ALTER TABLE "Odd; ""Schema""".t ALTER id TYPE bigint, ALTER v TYPE text USING "Odd; ""Schema""".t.v || ''!''', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT relation, state FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), v FROM "Odd; ""Schema""".t;

-- no rows, one row, a row of NULLs, only a key
CALL osc_test.twice($$
	CREATE TABLE none (id int PRIMARY KEY, a text);
	CREATE TABLE one (id int PRIMARY KEY);
	INSERT INTO one VALUES (1);
	CREATE TABLE emptied (id int PRIMARY KEY, a text);
	INSERT INTO emptied SELECT n, n FROM generate_series(1, 100) n;
	DELETE FROM emptied;
	CREATE TABLE sparse (id int PRIMARY KEY, a text);
	INSERT INTO sparse SELECT n, repeat('x', 500) FROM generate_series(1, 200) n;
	DELETE FROM sparse WHERE id % 50 <> 0;
$$);
CALL osc_test.both('ALTER TABLE none ALTER id TYPE bigint, ADD b int NOT NULL');
SELECT * FROM osc_test.differences('none');
CALL osc_test.both('ALTER TABLE one ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('one');
CALL osc_test.both('ALTER TABLE emptied ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('emptied');
CALL osc_test.both('ALTER TABLE sparse ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('sparse');

-- tablespaces of the table, its indexes and its TOAST table
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_osc_space LOCATION '';
CALL osc_test.twice($$
	CREATE TABLE placed (id int PRIMARY KEY, a text) TABLESPACE regress_osc_space;
	CREATE INDEX placed_a ON placed (md5(a)) TABLESPACE regress_osc_space;
	INSERT INTO placed SELECT n, repeat('a', n * 1000) FROM generate_series(1, 5) n;
$$);
SET default_tablespace = regress_osc_space;
CALL osc_test.both('ALTER TABLE placed ALTER id TYPE bigint, ADD UNIQUE (id)');
RESET default_tablespace;
SELECT * FROM osc_test.differences('placed');
SELECT c.relname, s.spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE c.relnamespace = 'online'::regnamespace AND c.relname ~ '^placed' ORDER BY 1;
DROP TABLE native.placed, online.placed;
DROP TABLESPACE regress_osc_space;

-- keys of other types
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN key AS int;
CREATE TYPE pair AS (x int, y text);
CALL osc_test.twice($$
	CREATE TABLE enums (m tables.mood, d tables.key, b boolean, t time, i interval, a int, PRIMARY KEY (m, d, b, t, i));
	INSERT INTO enums VALUES ('sad', 1, true, '24:00', '1 mon', 1), ('happy', -1, false, '00:00', '30 days 1 sec', 2);
	CREATE TABLE pairs (p tables.pair PRIMARY KEY, r int4range UNIQUE, a int);
	INSERT INTO pairs VALUES ((1, 'a'), '[1,5)', 1), ((1, NULL), 'empty', 2), ((NULL, NULL), NULL, 3);
$$);
CALL osc_test.both('ALTER TABLE enums ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('enums');
SELECT osc_start('ALTER TABLE online.pairs ALTER a TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
UPDATE online.pairs SET p = (2, 'b') WHERE a = 1;
UPDATE online.pairs SET p = (1, 'a') WHERE a = 3;
CALL osc_run(:job);
SELECT * FROM online.pairs ORDER BY a;

-- many columns
SELECT format('CREATE TABLE wide (id int PRIMARY KEY, %s); INSERT INTO wide (id, c1, c400) VALUES (1, 1, 1), (2, NULL, 3)',
	string_agg('c' || n || ' int', ', ' ORDER BY n)) AS wide FROM generate_series(1, 400) n \gset
CALL osc_test.twice(:'wide');
CALL osc_test.both('ALTER TABLE wide ALTER c400 TYPE bigint, ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('wide');

-- row security, also forced upon the owner, hides no row from the copy
CREATE ROLE regress_osc_secure;
GRANT USAGE ON SCHEMA tables TO regress_osc_secure;
CALL osc_test.twice($$
	CREATE TABLE secure (id int PRIMARY KEY, who text, v text);
	INSERT INTO secure SELECT n, CASE WHEN n % 2 = 0 THEN 'regress_osc_secure' ELSE 'other' END, n FROM generate_series(1, 10) n;
	ALTER TABLE secure ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, OWNER TO regress_osc_secure;
	CREATE POLICY own ON secure USING (who = current_user) WITH CHECK (true);
	GRANT USAGE ON SCHEMA native, online TO PUBLIC;
	GRANT CREATE ON SCHEMA native, online TO regress_osc_secure;
$$);
ALTER TABLE native.secure ALTER id TYPE bigint, ALTER v TYPE int USING v::int;
SET ROLE regress_osc_secure;
SELECT osc_start('ALTER TABLE online.secure ALTER id TYPE bigint, ALTER v TYPE int USING v::int', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
INSERT INTO online.secure VALUES (11, 'other', '11'), (12, current_user, '12');
UPDATE online.secure SET v = v || '0' WHERE id = 2;
RESET ROLE;
UPDATE online.secure SET id = 99 WHERE id = 1;
DELETE FROM online.secure WHERE id = 3;
SET ROLE regress_osc_secure;
SELECT osc_replay(:job);
SELECT osc_validate(:job);
CALL osc_run(:job);
SELECT count(*) FROM online.secure;
RESET ROLE;
SELECT * FROM online.secure ORDER BY id;
UPDATE native.secure SET id = 99 WHERE id = 1;
UPDATE native.secure SET v = 20 WHERE id = 2;
DELETE FROM native.secure WHERE id = 3;
INSERT INTO native.secure VALUES (11, 'other', '11'), (12, 'regress_osc_secure', '12');
SELECT * FROM osc_test.differences('secure');

-- what hangs on a table: grants, comments, triggers, rules, policies, views,
-- statistics, publications, replica identity, the mark of CLUSTER, invalid
-- indexes
CREATE ROLE regress_osc_granted;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '% %', tg_name, tg_op; RETURN new; END$$;
CALL osc_test.twice($$
	CREATE TABLE laden (id int PRIMARY KEY, a int, b text, c text);
	INSERT INTO laden SELECT n, n, n, n FROM generate_series(1, 10) n;
	CREATE INDEX laden_a ON laden (a);
	CREATE UNIQUE INDEX laden_b ON laden (b);
	ALTER TABLE laden ALTER b SET NOT NULL, REPLICA IDENTITY USING INDEX laden_b, CLUSTER ON laden_a;
	COMMENT ON TABLE laden IS 'a table';
	COMMENT ON COLUMN laden.id IS 'its key';
	COMMENT ON CONSTRAINT laden_pkey ON laden IS 'the key''s constraint';
	COMMENT ON INDEX laden_a IS 'an index';
	GRANT SELECT, INSERT ON laden TO regress_osc_granted WITH GRANT OPTION;
	GRANT UPDATE (a, b), REFERENCES (id) ON laden TO regress_osc_granted;
	CREATE TRIGGER laden_note AFTER INSERT OR UPDATE ON laden FOR EACH ROW EXECUTE FUNCTION tables.note();
	CREATE TRIGGER laden_off BEFORE DELETE ON laden FOR EACH ROW EXECUTE FUNCTION tables.note();
	ALTER TABLE laden DISABLE TRIGGER laden_off;
	CREATE TRIGGER laden_always AFTER UPDATE ON laden FOR EACH STATEMENT EXECUTE FUNCTION tables.note();
	ALTER TABLE laden ENABLE ALWAYS TRIGGER laden_always;
	CREATE RULE laden_rule AS ON DELETE TO laden WHERE old.id < 0 DO INSTEAD NOTHING;
	ALTER TABLE laden DISABLE RULE laden_rule;
	CREATE POLICY laden_policy ON laden FOR SELECT TO regress_osc_granted USING (c <> 'secret');
	CREATE VIEW laden_view WITH (security_barrier) AS SELECT b, c FROM laden;
	CREATE STATISTICS laden_stat ON a, c FROM laden;
	ALTER STATISTICS laden_stat SET STATISTICS 33;
	COMMENT ON STATISTICS laden_stat IS 'statistics';
$$);
CREATE PUBLICATION regress_osc_publication FOR TABLE online.laden (id, b), native.laden (id, b);
CREATE PUBLICATION regress_osc_everything FOR ALL TABLES;
SELECT 'online.laden'::regclass::oid AS oid_before, reltype AS type_before FROM pg_class WHERE oid = 'online.laden'::regclass \gset
CALL osc_test.both('ALTER TABLE laden ALTER a TYPE bigint');
SELECT * FROM osc_test.differences('laden');
SELECT oid = :oid_before AS same_oid, reltype = :type_before AS same_type FROM pg_class WHERE relname = 'laden' AND relnamespace = 'online'::regnamespace;
SELECT pubname, tablename, attnames FROM pg_publication_tables WHERE schemaname = 'online' AND tablename = 'laden' ORDER BY 1;
SELECT count(*) FROM online.laden_view;
SET ROLE regress_osc_granted;
SELECT has_table_privilege('online.laden', 'SELECT WITH GRANT OPTION') AS selects, has_column_privilege('online.laden', 'a', 'UPDATE') AS updates_a,
	has_column_privilege('online.laden', 'c', 'UPDATE') AS updates_c;
RESET ROLE;
INSERT INTO online.laden VALUES (11, 11, '11', 'new');
UPDATE online.laden SET a = 0 WHERE id = 11;
SET session_replication_role = replica;
UPDATE online.laden SET a = 1 WHERE id = 11;
RESET session_replication_role;
DROP PUBLICATION regress_osc_publication;
DROP PUBLICATION regress_osc_everything;

SELECT state, count(*) FROM osc_progress WHERE job_id BETWEEN :first_job AND :first_job + 999 GROUP BY 1;
SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA tables, native, online, "Odd; ""Schema""" CASCADE;
DROP ROLE regress_osc_secure, regress_osc_granted;
