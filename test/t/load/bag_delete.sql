-- some row of a group goes
\set a random(0, 999)
DELETE FROM bag WHERE ctid = (SELECT ctid FROM bag WHERE a = :a LIMIT 1 FOR UPDATE SKIP LOCKED);
