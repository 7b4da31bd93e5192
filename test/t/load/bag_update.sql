-- some row of a group
\set a random(0, 999)
\set v random(1, 9)
UPDATE bag SET b = 'v' || :v, d = nullif(repeat('e', :v), 'eee') WHERE ctid = (SELECT ctid FROM bag WHERE a = :a LIMIT 1 FOR UPDATE SKIP LOCKED);
