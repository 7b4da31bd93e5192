-- check.sql: osc_check(): per rule a finding and a clean case, what fix does
-- when it is run as it stands, whom it shows what, and all being well
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 41001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA "check";
CREATE SCHEMA "Odd ""S";
SET search_path = "check", public;
-- the room on this machine's disk is not the test's matter, but where it is
SET online_schema.min_free_disk = 0;

-- what pgTAP's is_empty() does
CREATE FUNCTION is_empty(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN EXECUTE query LOOP
		RETURN 'not ok: ' || r::text;
	END LOOP;
	RETURN 'ok';
END $$;
CREATE VIEW short AS SELECT rule, severity, relation, object, fix FROM osc_check();
SELECT is_empty('SELECT * FROM osc_check()');

-- foreign_key_without_index
CREATE TABLE "Odd ""S"."P""t" ("I d" int PRIMARY KEY, b int, UNIQUE (b, "I d"));
CREATE TABLE child (a int, "b; --" int CONSTRAINT "fk ""1" REFERENCES "Odd ""S"."P""t", c int, d int,
	CONSTRAINT fk_two FOREIGN KEY (c, d) REFERENCES "Odd ""S"."P""t" (b, "I d"));
SELECT * FROM osc_check('child');
-- not covered: later columns, other predicates, BRIN; covered: any order of the
-- leading columns, hash, a predicate that the key's look-up implies
CREATE INDEX i1 ON child (a, "b; --");
CREATE INDEX i2 ON child ("b; --") WHERE a > 0;
CREATE INDEX i3 ON child USING brin ("b; --");
CREATE INDEX i4 ON child (c);
SELECT object FROM osc_check('child');
CREATE INDEX i5 ON child USING hash ("b; --");
CREATE INDEX i6 ON child (d, c, a);
SELECT object FROM osc_check('child');
DROP INDEX i5;
CREATE INDEX i5 ON child ("b; --") WHERE "b; --" IS NOT NULL;
SELECT object FROM osc_check('child');
DROP INDEX i1, i2, i3, i4, i5, i6;
SELECT fix FROM osc_check('child') \gexec
SELECT indexdef FROM pg_indexes WHERE tablename = 'child' ORDER BY 1;
SELECT * FROM short;
-- partitions: where the rows are
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE part (id int, w int REFERENCES whole) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE INDEX ON part_1 (w);
SELECT * FROM short;
SELECT relation FROM osc_check('part');
SELECT relation FROM osc_check('part_1');
SELECT fix FROM osc_check('part') \gexec
CREATE TABLE to_parts (w int REFERENCES whole);
SELECT * FROM short;
DROP TABLE to_parts, part, whole;

-- duplicate_index
CREATE TABLE dup (id int PRIMARY KEY, v text, w text, x int, CONSTRAINT dup_x UNIQUE (x));
CREATE INDEX dup_id ON dup (id);
CREATE INDEX dup_v ON dup (v);
CREATE INDEX "dup ""v2" ON dup (v);
CREATE UNIQUE INDEX dup_x2 ON dup (x);
ALTER TABLE dup ADD CONSTRAINT dup_x3 UNIQUE (x);
CREATE INDEX dup_expr ON dup (lower(v), (x + 1)) WHERE x > 0;
CREATE INDEX dup_expr2 ON dup (lower(v), (x  +  1)) WHERE (x > 0);
SELECT * FROM osc_check('dup');
-- alike, but not the same
CREATE INDEX dup_n1 ON dup (v DESC);
CREATE INDEX dup_n2 ON dup (v COLLATE "C");
CREATE INDEX dup_n3 ON dup (v text_pattern_ops);
CREATE INDEX dup_n4 ON dup USING hash (v);
CREATE INDEX dup_n5 ON dup (v) WHERE x > 0;
CREATE INDEX dup_n6 ON dup (v) INCLUDE (x);
CREATE INDEX dup_n7 ON dup (v, x);
CREATE UNIQUE INDEX dup_n8 ON dup (x) NULLS NOT DISTINCT;
ALTER TABLE dup ADD CONSTRAINT dup_n9 UNIQUE (w) DEFERRABLE;
CREATE UNIQUE INDEX dup_n10 ON dup (w);
SELECT object, message, fix FROM osc_check('dup');
-- one that something needs stays: a foreign key's, the replica identity
CREATE TABLE dup_child (x int REFERENCES dup (x));
CREATE INDEX ON dup_child (x);
ALTER TABLE dup ALTER x SET NOT NULL, REPLICA IDENTITY USING INDEX dup_x2;
SELECT object, message, fix FROM osc_check('dup');
SELECT fix FROM osc_check('dup') \gexec
SELECT * FROM short;
DROP TABLE dup_child, dup;
-- of a partitioned table the whole
CREATE TABLE dup (id int, v int) PARTITION BY LIST (id);
CREATE TABLE dup_1 PARTITION OF dup FOR VALUES IN (1);
CREATE INDEX dup_a ON dup (v);
CREATE INDEX dup_b ON dup (v);
SELECT * FROM short;
SELECT fix FROM osc_check('dup') \gexec
SELECT * FROM short;
DROP TABLE dup;

-- invalid_index
CREATE TABLE inv (id int PRIMARY KEY, "v 1" int);
INSERT INTO inv VALUES (1, 1), (2, 1);
CREATE UNIQUE INDEX CONCURRENTLY "inv ""u" ON inv ("v 1");
SELECT * FROM osc_check('inv');
UPDATE inv SET "v 1" = id;
SELECT fix FROM osc_check('inv') \gexec
SELECT * FROM short;
-- one that is left by REINDEX, and one that is not unique
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'inv_pkey'::regclass;
CREATE INDEX inv_ccnew ON inv ("v 1");
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'inv_ccnew'::regclass;
SELECT severity, object, message, fix FROM osc_check('inv');
SELECT fix FROM osc_check('inv') \gexec
SELECT * FROM short;
DROP TABLE inv;
CREATE TABLE inv (id int) PARTITION BY LIST (id);
CREATE TABLE inv_1 PARTITION OF inv FOR VALUES IN (1);
CREATE INDEX inv_id ON ONLY inv (id);
SELECT object, message, fix FROM osc_check();
CREATE INDEX inv_1_id ON inv_1 (id);
ALTER INDEX inv_id ATTACH PARTITION inv_1_id;
SELECT * FROM short;
DROP TABLE inv;

-- constraint_not_valid
CREATE TABLE nv (id int PRIMARY KEY, p int, CONSTRAINT fine CHECK (p < 1000));
CREATE INDEX ON nv (p);
ALTER TABLE nv ADD CONSTRAINT "c""1" CHECK (p > 0) NOT VALID;
ALTER TABLE nv ADD CONSTRAINT f1 FOREIGN KEY (p) REFERENCES nv NOT VALID;
SELECT * FROM osc_check('nv');
CREATE TABLE nv_child () INHERITS (nv);
ALTER TABLE nv ADD CONSTRAINT c2 CHECK (p > -1) NOT VALID;
SELECT relation, object FROM osc_check('nv');
SELECT fix FROM osc_check('nv') \gexec
SELECT * FROM short;
DROP TABLE nv_child, nv;

-- foreign keys that a job left NOT VALID: its event, its finding
CREATE TABLE target (id int PRIMARY KEY);
CREATE TABLE referring (id int PRIMARY KEY, t int CONSTRAINT "to target" REFERENCES target);
CREATE INDEX ON referring (t);
INSERT INTO target SELECT generate_series(1, 9);
INSERT INTO referring SELECT n, n FROM generate_series(1, 9) n;
SET online_schema.validate_foreign_keys = off;
SELECT osc_start('ALTER TABLE target ALTER id TYPE bigint', run => 'manual') AS job \gset
RESET online_schema.validate_foreign_keys;
CALL osc_run(:job);
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT event, detail FROM osc_events WHERE job_id = :job AND event = 'foreign_key';
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'referring'::regclass AND contype = 'f';
SELECT * FROM osc_check('referring');
INSERT INTO referring VALUES (10, 10);
SELECT fix FROM osc_check('referring') \gexec
SELECT * FROM short;
-- by default, and on again for a job that runs
SET online_schema.validate_foreign_keys = off;
SELECT osc_start('ALTER TABLE target ALTER id TYPE int', run => 'manual') AS job \gset
RESET online_schema.validate_foreign_keys;
SELECT osc_set(:job, 'validate_foreign_keys', 'on');
CALL osc_run(:job);
SELECT detail FROM osc_events WHERE job_id = :job AND event = 'foreign_key';
SELECT * FROM short;
DROP TABLE referring, target;

-- key_range: by sequence
CREATE TABLE keys (id serial PRIMARY KEY, small smallint GENERATED ALWAYS AS IDENTITY, "Big" bigint DEFAULT 0);
SELECT setval('keys_id_seq', 1073741823), setval('keys_small_seq', 16383);
SELECT * FROM short;
SELECT setval('keys_id_seq', 1073741824), setval('keys_small_seq', 29490);
SELECT * FROM osc_check('keys');
SELECT setval('keys_small_seq', 29491);
SELECT severity, object FROM osc_check('keys') WHERE object = 'small';
-- the fix of each runs as it stands
SELECT fix FROM osc_check('keys') WHERE fix ~ '^ALTER' \gexec
SELECT fix FROM osc_check('keys') WHERE object = 'id' \gset
:fix AS job \gset
CALL osc_test.await_end(:job);
SELECT fix FROM osc_check('keys') WHERE object = 'small' \gset
:fix AS job \gset
CALL osc_test.await_end(:job);
SELECT pg_typeof(id), pg_typeof(small) FROM (SELECT) one LEFT JOIN keys ON true;
SELECT seqtypid::regtype FROM pg_sequence WHERE seqrelid IN ('keys_id_seq'::regclass, 'keys_small_seq'::regclass);
SELECT * FROM short;
-- a sequence that the column's default names, of a range of its own
CREATE SEQUENCE "Odd ""S"."se""q" AS int MAXVALUE 1000;
ALTER TABLE keys ALTER "Big" SET DEFAULT nextval('"Odd ""S"."se""q"');
SELECT setval('"Odd ""S"."se""q"', 501);
SELECT * FROM osc_check('keys');
DROP TABLE keys;
DROP SEQUENCE "Odd ""S"."se""q";
-- by the statistics of a key that the application hands out
CREATE TABLE keys ("K 1" int, k2 int, PRIMARY KEY ("K 1", k2));
INSERT INTO keys SELECT 10000000 * n, n FROM generate_series(1, 200) n;
SELECT * FROM short;
ANALYZE keys;
SELECT * FROM osc_check('keys');
-- where a job would be refused a person has to decide
CREATE VIEW on_keys AS SELECT "K 1" FROM keys;
SELECT object, fix FROM osc_check('keys');
DROP VIEW on_keys;
CREATE TABLE keys_child (a int, b int, FOREIGN KEY (a, b) REFERENCES keys) PARTITION BY LIST (a);
SELECT object, fix FROM osc_check('keys');
DROP TABLE keys_child;
SELECT object, fix FROM osc_check('keys');
DROP TABLE keys;
CREATE TABLE keys (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE keys_1 PARTITION OF keys FOR VALUES FROM (0) TO (MAXVALUE);
INSERT INTO keys SELECT 10000000 * n FROM generate_series(1, 200) n;
ANALYZE keys;
SELECT * FROM short;
DROP TABLE keys;

-- inactive_slot: one for the server, whoever asks
SELECT slot_name FROM pg_create_physical_replication_slot('regress_osc_slot', true);
SELECT rule, severity, relation, object, regexp_replace(message, 'back .* of', 'back ... of') AS message, fix FROM osc_check();
SELECT object FROM osc_check('"Odd ""S"."P""t"');
SELECT pg_drop_replication_slot('regress_osc_slot');
SELECT * FROM short;

-- long_transaction: a prepared one; only of this database, and only if long
BEGIN;
CREATE TABLE prepared (a int);
PREPARE TRANSACTION 'regress ''osc''';
SELECT rule, severity, relation, object, regexp_replace(message, 'since .*:', 'since ...:') AS message, fix
FROM online_schema.check_long_transaction('0');
SELECT * FROM online_schema.check_long_transaction('1 h');
SELECT * FROM short;
ROLLBACK PREPARED 'regress ''osc''';
SELECT * FROM online_schema.check_long_transaction('0') WHERE object ~ 'prepared';

-- disk_space: a reserve of everything is never met, one of nothing always
SET online_schema.min_free_disk = 100;
SELECT rule, severity, relation, object, regexp_replace(message, '[0-9]+ .B', '... B', 'g') AS message, fix FROM osc_check();
SELECT rule, severity, relation, object, regexp_replace(message, '[0-9]+ .B', '... B', 'g') AS message, fix FROM osc_check('"Odd ""S"."P""t"');
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
SELECT relation FROM osc_check('parts');
SELECT relation FROM osc_check('parts_2');
SET online_schema.min_free_disk = 0;
SELECT * FROM short;
SELECT relation FROM osc_check('parts');
SELECT available > 0 AS available, reserve FROM online_schema.disk_space(0);
SELECT * FROM online_schema.disk_space(4294967295);
DROP TABLE parts;
SET online_schema.min_free_disk = 101;

-- who sees what: the catalogs are everybody's, values of sequences and
-- statistics are not
CREATE ROLE regress_osc_looker;
CREATE TABLE hidden (id serial PRIMARY KEY, p int REFERENCES hidden, n text, CONSTRAINT nvc CHECK (p > 0));
ALTER TABLE hidden ADD CONSTRAINT nvd CHECK (p > 1) NOT VALID;
SELECT setval('hidden_id_seq', 2000000000);
SELECT rule, object FROM osc_check();
GRANT USAGE ON SCHEMA public TO regress_osc_looker;
SET ROLE regress_osc_looker;
SELECT rule, object FROM public.osc_check();
SET search_path = pg_temp, public;
SELECT rule, relation, object FROM osc_check();
RESET ROLE;
SET search_path = "check", public;
GRANT USAGE ON SEQUENCE hidden_id_seq TO regress_osc_looker;
SET ROLE regress_osc_looker;
SELECT rule, object FROM public.osc_check();
RESET ROLE;
-- names that would mislead a body that looked them up at run time
CREATE FUNCTION "check".format(text, text) RETURNS text LANGUAGE sql AS $$SELECT 'misled'$$;
CREATE TEMP TABLE pg_constraint (a int);
SELECT rule, object FROM osc_check('hidden');
DROP TABLE pg_temp.pg_constraint;

-- temporary tables, helper tables of a job and tables of extensions are not looked at
CREATE TEMP TABLE temporary (id int PRIMARY KEY, p int REFERENCES temporary);
DROP TABLE hidden;
CREATE TABLE copied (id int PRIMARY KEY, v int);
INSERT INTO copied SELECT n, n FROM generate_series(1, 10) n;
SELECT osc_start('ALTER TABLE copied ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
SELECT is_empty('SELECT * FROM osc_check()');
CALL osc_run(:job);
SELECT is_empty('SELECT * FROM osc_check()');
SELECT is_empty('SELECT * FROM osc_check(''copied'')');
-- a view, an index, nothing
SELECT count(*) FROM osc_check('short');
SELECT count(*) FROM osc_check('copied_pkey');
SELECT count(*) FROM osc_check('nothing');

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA "check", "Odd ""S" CASCADE;
DROP OWNED BY regress_osc_looker;
DROP ROLE regress_osc_looker;
