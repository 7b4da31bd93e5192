-- A unique value goes from row to row.
\set g random(0, :rows / 1000 - 1)
\set b :g * 1000 + random(0, 99) * 10 + 3
BEGIN;
SELECT pg_advisory_xact_lock(42, :g);
UPDATE item SET code = NULL WHERE code = 'h' || :g;
UPDATE item SET code = 'h' || :g WHERE id = :b;
COMMIT;
