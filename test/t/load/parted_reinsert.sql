-- a row that goes, and comes again elsewhere
\set id 6 * random(0, :rows / 6 - 1) + :client_id + 1
\set day random(0, 39)
BEGIN;
DELETE FROM parted WHERE id = :id;
INSERT INTO parted VALUES (:id, :day, 0, 'again');
COMMIT;
