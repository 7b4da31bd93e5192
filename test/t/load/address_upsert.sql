-- INSERT ... ON CONFLICT DO UPDATE.
\set id random(1, :rows)
\set n random(1, 1000000)
INSERT INTO address AS a (id, street) VALUES (:id, 'upserted ' || :n) ON CONFLICT (id) DO UPDATE SET street = EXCLUDED.street || left(a.street, 20);
