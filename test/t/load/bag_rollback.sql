-- all in vain
\set a 1000000 + :client_id
BEGIN;
INSERT INTO bag (a, b, c) SELECT :a, 'in vain', 1 FROM generate_series(1, 50) i;
UPDATE bag SET b = 'in vain' WHERE a = :a;
ROLLBACK;
