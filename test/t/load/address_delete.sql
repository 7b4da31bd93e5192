-- A row goes, and perhaps comes again.
\set id random(1, :rows)
\set n random(1, 2)
BEGIN;
DELETE FROM address WHERE id = :id;
INSERT INTO address (id, street) SELECT :id, 'again' WHERE :n = 1 ON CONFLICT DO NOTHING;
COMMIT;
