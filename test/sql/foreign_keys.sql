-- foreign_keys.sql: foreign keys of and to a table that is changed
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 13001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA foreign_keys;
SET search_path = foreign_keys, public;
SET online_schema.swap_timeout = '30s';

-- in and out, of every kind, and to itself
CALL osc_test.twice($$
	CREATE TABLE country (id int PRIMARY KEY, code text UNIQUE);
	INSERT INTO country SELECT n, 'c' || n FROM generate_series(1, 5) n;
	CREATE TABLE city (id int PRIMARY KEY, a int, b int, code text, country int,
		near int, UNIQUE (a, b),
		CONSTRAINT city_country FOREIGN KEY (country) REFERENCES country ON DELETE CASCADE ON UPDATE SET NULL,
		CONSTRAINT city_code FOREIGN KEY (code) REFERENCES country (code) DEFERRABLE INITIALLY DEFERRED,
		CONSTRAINT city_near FOREIGN KEY (near) REFERENCES city);
	INSERT INTO city SELECT n, n, n * 10, 'c' || n % 5 + 1, n % 5 + 1, nullif(n / 2, 0) FROM generate_series(1, 20) n;
	CREATE TABLE street (id int PRIMARY KEY, city int, a int, b int, old int,
		CONSTRAINT street_city FOREIGN KEY (city) REFERENCES city ON DELETE SET NULL ON UPDATE CASCADE,
		CONSTRAINT street_pair FOREIGN KEY (a, b) REFERENCES city (a, b) MATCH FULL ON UPDATE CASCADE DEFERRABLE);
	INSERT INTO street SELECT n, n % 20 + 1, n % 10 + 1, (n % 10 + 1) * 10, n + 2000 FROM generate_series(1, 100) n;
	INSERT INTO street VALUES (101, NULL, NULL, NULL, 999);
	SET CONSTRAINTS ALL IMMEDIATE;
	ALTER TABLE street ADD CONSTRAINT street_old FOREIGN KEY (old) REFERENCES city NOT VALID;
	ALTER TABLE city ADD CONSTRAINT city_old FOREIGN KEY (b) REFERENCES country NOT VALID;
	COMMENT ON CONSTRAINT street_city ON street IS 'commented';
$$);
CREATE VIEW the_keys AS
	SELECT conrelid::regclass AS referring, conname, pg_get_constraintdef(oid) AS definition, convalidated AS valid
	FROM pg_constraint WHERE contype = 'f' AND connamespace = 'online'::regnamespace ORDER BY 1::text COLLATE "C", 2;
TABLE the_keys;

-- the key that others refer to
CALL osc_test.both('ALTER TABLE city ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('city');
SELECT * FROM osc_test.differences('street');
SELECT * FROM osc_test.differences('country');
TABLE the_keys;
SELECT state, last_error FROM osc_progress WHERE job_id = :first_job;
SELECT detail FROM osc_events WHERE job_id = :first_job AND event = 'foreign_key' ORDER BY detail ->> 'constraint';

-- they work
INSERT INTO online.street VALUES (200, 5000);
INSERT INTO online.city VALUES (5000, 5000, 5000, 'c1', 99);
INSERT INTO online.street VALUES (201, NULL, NULL, NULL, 5000);
DELETE FROM online.city WHERE id = 2;
DELETE FROM online.city WHERE id = 12;
SELECT count(*) FROM online.street WHERE city IS NULL;
UPDATE online.city SET near = NULL, id = 1000 WHERE id = 20;
SELECT count(*) FROM online.street WHERE city = 1000;
DELETE FROM online.street WHERE city = 1000;
DELETE FROM online.city WHERE id = 1000;
DELETE FROM native.city WHERE id = 12;
DELETE FROM native.street WHERE city = 20;
DELETE FROM native.city WHERE id = 20;
SELECT * FROM osc_test.differences('city');
SELECT * FROM osc_test.differences('street');

-- a referring column; several columns of both sides at once
CALL osc_test.both('ALTER TABLE street ALTER city TYPE bigint, ALTER old TYPE bigint');
SELECT * FROM osc_test.differences('street');
CALL osc_test.both('ALTER TABLE city ALTER a TYPE bigint, ALTER near TYPE bigint, ALTER b TYPE bigint, ALTER code TYPE varchar(20)');
SELECT * FROM osc_test.differences('city');
SELECT * FROM osc_test.differences('street');
CALL osc_test.both('ALTER TABLE country ALTER code TYPE varchar, ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('country');
SELECT * FROM osc_test.differences('city');
TABLE the_keys;

-- other columns: no key is touched, none has to be validated again
CALL osc_test.both('ALTER TABLE street ADD note text DEFAULT ''x''');
SELECT * FROM osc_test.differences('street');
SELECT count(*) FROM osc_events WHERE job_id = (SELECT max(job_id) FROM osc_progress WHERE job_id < :first_job + 1000) AND event = 'foreign_key';
CALL osc_test.both('ALTER TABLE street DROP CONSTRAINT street_old, DROP old');
SELECT * FROM osc_test.differences('street');
CALL osc_test.both('ALTER TABLE city DROP CONSTRAINT city_country, ALTER country TYPE text');
SELECT * FROM osc_test.differences('city');

-- what native refuses
SELECT r.state, r.message FROM (VALUES
	('ALTER TABLE online.country DROP id'),
	('ALTER TABLE online.city DROP CONSTRAINT city_pkey, ADD PRIMARY KEY (a, b)'),
	('ALTER TABLE online.city DROP CONSTRAINT city_near, DROP CONSTRAINT city_pkey')) AS s(ddl),
	osc_test.start_refusal(s.ddl) r;

-- what only the table itself can tell: the dry run fails the job at once
SELECT osc_start('ALTER TABLE online.country ALTER code TYPE bigint USING id', run => 'manual') AS job \gset
\set VERBOSITY sqlstate
CALL osc_run(:job);
\set VERBOSITY default
SELECT state, phase, substring(last_error FROM '^.*cannot be implemented') AS error FROM osc_progress WHERE job_id = :job;

-- while a job runs, cascades arrive in the copy, and the keys are kept
SELECT osc_start('ALTER TABLE online.street ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
DELETE FROM online.city WHERE id = 19;
UPDATE online.city SET id = 900 WHERE id = 11;
UPDATE online.city SET a = 800 WHERE id = 3;
INSERT INTO online.street (id, city) VALUES (300, 77);
CALL osc_run(:job);
DELETE FROM native.city WHERE id = 19;
UPDATE native.city SET id = 900 WHERE id = 11;
UPDATE native.city SET a = 800 WHERE id = 3;
ALTER TABLE native.street ALTER id TYPE bigint;
SELECT * FROM osc_test.differences('street');

-- between the swap and the validation keys are enforced already; the job ends
-- when all are valid
SELECT osc_start('ALTER TABLE online.city ALTER id TYPE int', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
BEGIN;
SELECT osc_swap(:job);
COMMIT;
SELECT referring, conname, valid FROM the_keys;
INSERT INTO online.street (id, city) VALUES (300, 77);
CALL osc_test.step_to(:job, 'done');
SELECT referring, conname, valid FROM the_keys;

-- a key that does not validate: orphans that came past it. The job is done,
-- says so, and leaves the key NOT VALID
SELECT osc_start('ALTER TABLE online.city ALTER id TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'ready');
SET session_replication_role = replica;
INSERT INTO online.street (id, city) VALUES (400, 77);
RESET session_replication_role;
CALL osc_test.swap(:job);
CALL osc_run(:job);
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT referring, conname, valid FROM the_keys WHERE conname = 'street_city';
DELETE FROM online.street WHERE id = 400;
ALTER TABLE online.street VALIDATE CONSTRAINT street_city;
-- osc_wait() warns
\set VERBOSITY terse
SET client_min_messages = warning;
CALL osc_wait(:job);
RESET client_min_messages;
\set VERBOSITY default

-- a partitioned table that refers to the column: its key is made anew and validated
CREATE TABLE online.parted (id int, city bigint REFERENCES online.city) PARTITION BY RANGE (id);
CREATE TABLE online.parted_1 PARTITION OF online.parted FOR VALUES FROM (0) TO (100);
INSERT INTO online.parted VALUES (1, 1);
SELECT osc_start('ALTER TABLE online.city ALTER id TYPE numeric', run => 'manual') AS job \gset
CALL osc_run(:job);
SELECT state, last_error FROM osc_progress WHERE job_id = :job;
SELECT conrelid::regclass, conname, convalidated, conparentid <> 0 AS part FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'online.city'::regclass AND conrelid::regclass::text ~ 'parted' ORDER BY 1;
INSERT INTO online.parted VALUES (2, 77);
DELETE FROM online.city WHERE id = 1;
TABLE online.parted;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA foreign_keys, native, online CASCADE;
