-- Two rows change keys with each other.
\set g random(0, :rows / 1000 - 1)
\set a :g * 1000 + random(0, 49) * 10 + 4
\set b :g * 1000 + random(50, 99) * 10 + 4
BEGIN;
SELECT pg_advisory_xact_lock(44, :g);
UPDATE item SET id = -id WHERE id = :a;
UPDATE item SET id = :a WHERE id = :b;
UPDATE item SET id = :b WHERE id = -:a;
COMMIT;
