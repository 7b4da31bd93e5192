-- A key goes and comes back with another row, in one transaction.
\set id random(1, :rows / 10 - 1) * 10 + random(5, 9)
\set n random(1, 1000000)
BEGIN;
DELETE FROM item WHERE id = :id;
INSERT INTO item (id, amount, note) VALUES (:id, :n / 100.0, 'again ' || :n) ON CONFLICT (id) DO NOTHING;
COMMIT;
