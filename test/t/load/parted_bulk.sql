-- many rows that move at once, with a part that is taken back
\set low random(0, :rows / 6 - 30)
BEGIN;
UPDATE parted SET day = (day + 10) % 40 WHERE id BETWEEN 6 * :low + 1 AND 6 * (:low + 20) AND (id - 1) % 6 = :client_id;
SAVEPOINT s;
DELETE FROM parted WHERE id BETWEEN 6 * :low + 1 AND 6 * (:low + 30) AND (id - 1) % 6 = :client_id;
ROLLBACK TO SAVEPOINT s;
UPDATE parted SET v = v + 1 WHERE id BETWEEN 6 * (:low + 10) + 1 AND 6 * (:low + 30) AND (id - 1) % 6 = :client_id;
COMMIT;
