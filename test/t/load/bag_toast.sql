-- a wide value comes, and another column of such a row changes
\set a random(0, 999)
UPDATE bag SET doc = (SELECT string_agg(md5((:a * i)::text), '') FROM generate_series(1, 150) i)
WHERE ctid = (SELECT ctid FROM bag WHERE a = :a LIMIT 1 FOR UPDATE SKIP LOCKED);
UPDATE bag SET b = 'wide' WHERE ctid = (SELECT ctid FROM bag WHERE doc IS NOT NULL AND a = :a LIMIT 1 FOR UPDATE SKIP LOCKED);
