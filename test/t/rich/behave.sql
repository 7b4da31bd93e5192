-- behave.sql: what the rich tables do. Run in two databases after the same change, one
-- native, one online: the output, errors included, must be the same.
\set QUIET on
\set ON_ERROR_STOP off
\set SHOW_CONTEXT never
\pset null '-'
SET search_path = "Shop", public;
SET client_min_messages = warning;
\set seen 'SELECT what, who, detail, count(*) FROM seen GROUP BY 1, 2, 3 ORDER BY 1, 2, 3; TRUNCATE seen'
TRUNCATE seen;

\echo '== the rows'
SELECT count(*), md5(string_agg(t::text, '|' ORDER BY serial_no)) FROM "Account" t;
SELECT * FROM "Account" WHERE serial_no IN (1, 17, 50, 51, 3000) ORDER BY serial_no;
SELECT pg_column_size(amount), pg_typeof(amount), pg_typeof(id), pg_typeof(region_id), pg_column_compression(doc) FROM "Account" WHERE serial_no = 50;
SELECT b.id, a.name FROM booking b JOIN "Account" a ON a.id = b.account_id ORDER BY 1 LIMIT 5;

\echo '== identity, serial and defaults go on'
INSERT INTO "Account" (region_id) VALUES (1) RETURNING *;
INSERT INTO "Account" (id, region_id, name) OVERRIDING USER VALUE VALUES (7, 2, 'overridden') RETURNING id, serial_no;
INSERT INTO "Account" (id, region_id) VALUES (3000000000, 1) RETURNING id, qty_twice, "E-Mail ""x""", feeling, since;
SELECT pg_get_serial_sequence('"Shop"."Account"', 'id'), pg_get_serial_sequence('"Shop"."Account"', 'serial_no');
:seen;

\echo '== triggers fire as before'
UPDATE "Account" SET qty = qty WHERE serial_no = 5;
UPDATE "Account" SET name = name || '+' WHERE serial_no IN (5, 6);
DELETE FROM "Account" WHERE serial_no = 11;
:seen;
SET session_replication_role = replica;
INSERT INTO "Account" (region_id, name) VALUES (3, 'by replication');
RESET session_replication_role;
:seen;

\echo '== constraints'
INSERT INTO "Account" (id, region_id) VALUES (1, 1);
INSERT INTO "Account" (region_id) VALUES (99);
INSERT INTO "Account" (region_id, qty) VALUES (1, -5000);
INSERT INTO "Account" (region_id, amount) VALUES (1, -5000000);
INSERT INTO "Account" (region_id, amount) VALUES (1, 99999999999.99999);
INSERT INTO "Account" (region_id, name) VALUES (NULL, 'no region');
INSERT INTO "Account" (region_id, name) VALUES (1, 'name 17');
INSERT INTO "Account" (region_id, "E-Mail ""x""") VALUES (1, repeat('x', 100));
INSERT INTO "Account" (region_id, qty, during, active) VALUES (1, 20, '[25,30)', false);
INSERT INTO "Account" (region_id, qty_twice) VALUES (1, 5);
INSERT INTO "Account" (region_id, legacy_id) VALUES (1, 77);
UPDATE "Account" SET qty = 20 WHERE serial_no = 22;
BEGIN;
INSERT INTO "Account" (region_id, name, serial_no) VALUES (1, 'late', 100001);
INSERT INTO "Account" (region_id, parent_id) VALUES (1, 87654321);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;

\echo '== foreign keys, both ways'
SELECT count(*) FROM booking;
DELETE FROM "Account" WHERE id IN (10, 15, 20);
SELECT count(*) FROM booking;
UPDATE "Account" SET id = 400000 WHERE id = 2950;
SELECT count(*) FROM booking WHERE account_id = 400000;
DELETE FROM "Account" WHERE id = 18;
SELECT count(*) FROM mention WHERE account_id IS NULL;
SELECT count(*) FROM "Account" WHERE parent_id IS NULL;
INSERT INTO booking (account_id) VALUES (123456789);
INSERT INTO mention VALUES (1, NULL);
INSERT INTO mention VALUES (1, 2);
INSERT INTO doubt VALUES (-2);
DELETE FROM region WHERE id = 5;
UPDATE region SET id = 105 WHERE id = 5;
SELECT count(*) FROM "Account" WHERE region_id = 105;
DELETE FROM legacy WHERE id = 1;
TRUNCATE "Account";
ALTER TABLE doubt VALIDATE CONSTRAINT doubt_account;
ALTER TABLE "Account" VALIDATE CONSTRAINT account_legacy;
:seen;

\echo '== views and functions'
SELECT count(*), sum(qty_twice) FROM account_names;
SELECT * FROM account_names_again ORDER BY 1 LIMIT 3;
UPDATE account_names SET name = 'by the view' WHERE serial_no = 30;
REFRESH MATERIALIZED VIEW CONCURRENTLY account_moods;
SELECT * FROM account_moods ORDER BY 1;
SELECT title(a), a.title FROM "Account" a WHERE serial_no = 31;
SELECT id, name, amount FROM all_of(40);

\echo '== indexes are used and right'
VACUUM (ANALYZE) "Account";
SET enable_seqscan = off;
SELECT count(*) FROM "Account" WHERE amount BETWEEN 10 AND 20;
SELECT count(*) FROM "Account" WHERE tags @> '{t3}';
SELECT count(*) FROM "Account" WHERE label = 'Übung 44';
SELECT count(*) FROM "Account" WHERE lower(name) ~~ 'name 12%' AND active;
SELECT count(*) FROM "Account" WHERE region_id = 7;
EXPLAIN (COSTS off) SELECT count(*) FROM "Account" WHERE amount BETWEEN 10 AND 20;
RESET enable_seqscan;

\echo '== rights and row security'
SET ROLE rich_reader;
SELECT count(*) FROM "Account";
UPDATE "Account" SET qty = 1;
SET ROLE rich_clerk;
SELECT count(id) FROM "Account";
UPDATE "Account" SET amount = 5 WHERE id = 42;
SELECT region_id FROM "Account" ORDER BY 1 LIMIT 1;
SET ROLE rich_tenant;
SELECT count(*) FROM "Account";
UPDATE "Account" SET qty = 49 WHERE qty = 48;
UPDATE "Account" SET qty = 99 WHERE qty = 47;
UPDATE "Account" SET qty = 46 WHERE name = 'name 3';
INSERT INTO "Account" (region_id, qty) VALUES (1, 45) RETURNING qty;
SET ROLE rich_owner;
SELECT count(*) FROM "Account";
TRUNCATE "Account" CASCADE;
RESET ROLE;
:seen;

\echo '== later changes of the table'
CLUSTER "Account";
SELECT count(*) FROM "Account";
VACUUM FULL "Account";
REINDEX TABLE "Account";
ANALYZE "Account";
ALTER TABLE "Account" ALTER COLUMN qty TYPE bigint;
ALTER TABLE "Account" DROP COLUMN serial_no CASCADE;
SELECT count(*) FROM "Account";
\d "Account"
