-- A referenced key changes, and many rows with it.
\set o random(1, 50)
BEGIN;
SELECT pg_advisory_xact_lock(43, 0);
UPDATE owner SET id = -id WHERE id IN (:o, -:o);
COMMIT;
