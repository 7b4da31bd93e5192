-- one of many rows that are the same; it changes and changes back
\set v random(1, 3)
UPDATE bag SET c = :v WHERE ctid = (SELECT ctid FROM bag WHERE a = 77 LIMIT 1 FOR UPDATE SKIP LOCKED);
