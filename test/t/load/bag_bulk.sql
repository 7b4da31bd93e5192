-- many rows of a group of one's own, in one transaction, with a part that is taken back
\set a 1000000 + :client_id
\set v random(1, 5)
BEGIN;
INSERT INTO bag (a, b, c) SELECT :a, 'bulk ' || i % 3, :v FROM generate_series(1, 100) i;
UPDATE bag SET c = c + 1 WHERE a = :a;
SAVEPOINT s;
DELETE FROM bag WHERE a = :a;
INSERT INTO bag (a, b) SELECT :a, 'taken back' FROM generate_series(1, 50) i;
ROLLBACK TO SAVEPOINT s;
DELETE FROM bag WHERE a = :a AND ctid NOT IN (SELECT ctid FROM bag WHERE a = :a LIMIT 100);
COMMIT;
