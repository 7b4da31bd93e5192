-- Savepoints, one of them taken back, in the order of the keys.
\set a random(1, :rows / 30) * 10 + 1
\set b :a + random(1, :rows / 30) * 10
\set c :b + random(1, :rows / 40) * 10
BEGIN;
UPDATE item SET note = 'kept a', qty = 1 WHERE id = :a;
SAVEPOINT s1;
UPDATE item SET note = 'lost a', qty = 2 WHERE id = :a;
UPDATE item SET note = 'lost b', id = -id WHERE id = :b;
INSERT INTO item (note) VALUES ('lost row');
ROLLBACK TO SAVEPOINT s1;
UPDATE item SET amount = amount + 1 WHERE id = :b;
SAVEPOINT s2;
UPDATE item SET note = 'kept c' WHERE id = :c;
RELEASE SAVEPOINT s2;
COMMIT;
