-- A write as replication makes it: only the triggers that fire always see it.
\set id random(1, :rows)
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE item SET note = 'replica' WHERE id = :id;
COMMIT;
