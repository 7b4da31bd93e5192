-- a row goes from one group to another
\set a random(0, 999)
\set v random(0, 999)
UPDATE bag SET a = :v WHERE ctid = (SELECT ctid FROM bag WHERE a = :a LIMIT 1 FOR UPDATE SKIP LOCKED);
