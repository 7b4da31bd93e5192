-- All of it taken back.
\set a random(1, :rows / 20) * 10 + 2
\set b :a + random(1, :rows / 20 - 2) * 10
BEGIN;
UPDATE item SET note = 'never', amount = -1 WHERE id = :a;
DELETE FROM item WHERE id = :b;
INSERT INTO item (note) VALUES ('never');
UPDATE item SET id = -id WHERE id = :a;
ROLLBACK;
