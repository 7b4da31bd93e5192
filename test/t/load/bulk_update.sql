-- Hundreds of rows in one statement.
\set a random(1, :rows - 5000)
BEGIN;
SELECT pg_advisory_xact_lock(43, 0);
UPDATE item SET qty = coalesce(qty, 0) + 1, amount = amount + 0.01 WHERE id BETWEEN :a AND :a + 5000 AND id % 10 = 0;
COMMIT;
