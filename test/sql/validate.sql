-- validate.sql: the comparison finds every kind of difference between a table
-- and its copy, and lets no job with one come to its swap
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 19001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA validate;
SET search_path = validate, public;
CREATE TABLE t (id int, part text, a text, n numeric, f float8, j jsonb, d timestamptz, b bytea, r int[], big text, PRIMARY KEY (id, part));
INSERT INTO t SELECT g, 'p', 'a' || g, g, g, jsonb_build_object('k', g), '2020-01-01 00:00+00'::timestamptz + g * interval '1 day',
	decode(md5(g::text), 'hex'), ARRAY[g, NULL], CASE WHEN g = 9 THEN (SELECT string_agg(md5(m::text), '') FROM generate_series(1, 200) m) END
FROM generate_series(1, 60) g;
INSERT INTO t VALUES (0, 'zero', '', 0, 0), (-1, 'null', NULL, NULL, 'NaN');
SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint', run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'validating');
SELECT set_config('validate.job', :'job', false) = :'job' AS told, format('osc_%s_1.t', :job) AS copy \gset

-- Does validation find this change to the copy?  And what does it tell?
CREATE FUNCTION found(change text, OUT equal boolean, OUT differing int, OUT sample jsonb) LANGUAGE plpgsql AS $$
DECLARE
	job bigint := current_setting('validate.job');
BEGIN
	BEGIN
		EXECUTE replace(change, '@', format('osc_%s_1.t', job));
		equal := osc_validate(job);
		SELECT (detail ->> 'rows_differing')::int, detail -> 'sample' INTO differing, sample
		FROM osc_events WHERE job_id = job AND event = 'validate' ORDER BY at DESC LIMIT 1;
		RAISE EXCEPTION USING ERRCODE = 'P0999';
	EXCEPTION WHEN SQLSTATE 'P0999' THEN
		NULL;
	END;
END $$;
SELECT osc_validate(:job);
SELECT c AS change, f.* FROM unnest(ARRAY[
	'DELETE FROM @ WHERE id = 7',
	'INSERT INTO @ VALUES (777, ''p'')',
	'UPDATE @ SET id = 778 WHERE id = 7',
	'UPDATE @ SET part = ''P'' WHERE id = 7',
	'UPDATE @ SET a = NULL WHERE id = 0',
	'UPDATE @ SET a = '''' WHERE id = -1',
	'UPDATE @ SET a = a || '' '' WHERE id = 7',
	'UPDATE @ SET a = upper(a) WHERE id = 7',
	'UPDATE @ SET n = 0 WHERE id = -1',
	'UPDATE @ SET n = n + 0.00 WHERE id = 7',
	'UPDATE @ SET f = ''-0'' WHERE id = 0',
	'UPDATE @ SET f = f + 1e-15 WHERE id = 1',
	'UPDATE @ SET f = NULL WHERE id = -1',
	'UPDATE @ SET j = j || ''{"l": null}'' WHERE id = 7',
	'UPDATE @ SET d = d + interval ''1 microsecond'' WHERE id = 7',
	'UPDATE @ SET b = set_byte(b, 15, get_byte(b, 15) # 1) WHERE id = 7',
	'UPDATE @ SET r = r[2:2] || r[1:1] WHERE id = 7',
	'UPDATE @ SET r = ''[0:1]={7,NULL}'' WHERE id = 7',
	'UPDATE @ SET big = left(big, -1) || ''!'' WHERE id = 9',
	'UPDATE @ SET a = a WHERE id = 7',
	'UPDATE @ x SET a = y.a FROM @ y WHERE x.id = 3 - y.id AND y.id IN (1, 2)',
	'WITH x AS (DELETE FROM @ WHERE id = 7 RETURNING *) INSERT INTO @ SELECT * FROM x']) WITH ORDINALITY AS u(c, o), found(c) f ORDER BY o;
-- no more than ten keys are told
SELECT differing, jsonb_array_length(sample) FROM found('UPDATE @ SET a = a || ''!'' WHERE id BETWEEN 1 AND 40');
SELECT osc_validate(:job);

-- a key that waits for replay is no difference
UPDATE t SET a = 'changed' WHERE id IN (5, 6);
DELETE FROM t WHERE id = 8;
INSERT INTO t VALUES (61, 'new');
SELECT osc_validate(:job);
SELECT detail FROM osc_events WHERE job_id = :job AND event = 'validate' ORDER BY at DESC LIMIT 1;

-- the job's own validation ends the job
DELETE FROM :copy WHERE id = 10;
UPDATE :copy SET n = 1.10 WHERE id = 1;
SELECT osc_step(:job);
SELECT state, phase, last_error FROM osc_progress WHERE job_id = :job;
SELECT detail -> 'sample' AS sample FROM osc_events WHERE job_id = :job AND event = 'validate' AND phase = 'validating' ORDER BY at DESC LIMIT 1;
CALL osc_run(:job);
SELECT state, phase FROM osc_progress WHERE job_id = :job;
SELECT pg_typeof(id), count(*) FROM t GROUP BY 1;

-- new and changed columns are compared too, but for those filled by volatile
-- expressions
SELECT osc_start($$ALTER TABLE t ALTER a TYPE int USING length(a), ADD x int DEFAULT 5, ADD g numeric GENERATED ALWAYS AS (n * 2) STORED,
	ADD v float8 DEFAULT random()$$, run => 'manual') AS job \gset
CALL osc_test.step_to(:job, 'catching_up');
SELECT set_config('validate.job', :'job', false) = :'job' AS told \gset
SELECT osc_validate(:job);
SELECT c AS change, f.equal, f.differing FROM unnest(ARRAY[
	'UPDATE @ SET a = a + 1 WHERE id = 7',
	'UPDATE @ SET x = NULL WHERE id = 7',
	'ALTER TABLE @ ALTER g DROP EXPRESSION; UPDATE @ SET g = g + 1 WHERE id = 7',
	'UPDATE @ SET v = 2 WHERE id = 7']) WITH ORDINALITY AS u(c, o), found(c) f ORDER BY o;
CALL osc_run(:job);
SELECT state FROM osc_progress WHERE job_id = :job;

SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA validate CASCADE;
