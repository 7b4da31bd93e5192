-- moved.sql: a job on table "t" without a key is driven by hand to :phase,
-- something moves its rows, and it goes on to its end; read with \i
--
--	:phase		to which the job is driven; "captured": the fence is not passed yet
--	:moving		the statement that moves the rows
SELECT fresh();
SELECT osc_start('ALTER TABLE t ALTER a TYPE bigint', run => 'manual', swap => 'manual') AS job \gset
CALL advance(:job, :'phase');
CALL write('UPDATE @ SET b = ''early'' WHERE a % 7 = 0', 'DELETE FROM @ WHERE a % 11 = 0', 'INSERT INTO @ SELECT n, ''new'' FROM generate_series(200, 210) n');
:moving;
CALL follow(:'moving');
CALL write('UPDATE @ SET b = ''late'' WHERE a % 5 = 0', 'INSERT INTO @ VALUES (1, ''later''), (1, ''later''), (NULL, NULL)');
SELECT osc_step(:job) AS next_phase;
CALL write('DELETE FROM @ WHERE a % 13 = 0', 'UPDATE @ SET b = NULL WHERE a = 1');
CALL osc_test.step_to(:job, 'ready');
SELECT osc_validate(:job);
CALL osc_test.swap(:job);
CALL osc_test.step_to(:job, 'done');
SELECT count(*) FILTER (WHERE event = 'restart') AS restarts, count(*) FILTER (WHERE event = 'capture') AS captures
FROM osc_events WHERE job_id = :job;
SELECT pg_typeof((SELECT a FROM t LIMIT 1)), (SELECT count(*) FROM twin) = (SELECT count(*) FROM t) AS as_many, wrong_rows();
