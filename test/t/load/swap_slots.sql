-- Two rows change a unique value with each other in one statement.
\set g random(0, :rows / 1000 - 1)
\set a :g * 1000 + random(0, 49) * 10 + 4
\set b :g * 1000 + random(50, 99) * 10 + 4
BEGIN;
SELECT pg_advisory_xact_lock(44, :g);
UPDATE item SET slot = o.slot FROM (SELECT id, slot FROM item WHERE id IN (:a, :b)) o WHERE item.id IN (:a, :b) AND o.id <> item.id;
COMMIT;
