-- Values too wide for a page, and changes of the row that leave them alone.
\set id random(0, :rows / 100 - 1) * 100 + 6
\set n random(1, 1000000)
\set wide random(50, 600)
UPDATE item SET doc = (SELECT string_agg(md5((:n * i)::text), '') FROM generate_series(1, :wide) i) WHERE id = :id;
UPDATE item SET qty = :n % 100 WHERE id = :id;
