-- unique values wander among rows of a group of one's own, in one transaction
\set a 1000000 + :client_id
\set s :client_id * 1000 + random(1, 5)
BEGIN;
INSERT INTO bag (a, b) VALUES (:a, 'slots');
UPDATE bag SET slot = NULL WHERE slot = :s;
UPDATE bag SET slot = :s WHERE ctid = (SELECT ctid FROM bag WHERE a = :a AND slot IS NULL LIMIT 1);
UPDATE bag SET slot = slot WHERE slot = :s;
DELETE FROM bag WHERE ctid = (SELECT ctid FROM bag WHERE a = :a AND slot IS NULL LIMIT 1);
COMMIT;
