-- INSERT ... ON CONFLICT DO UPDATE, by the key.
\set id random(1, :rows / 10 - 1) * 10 + random(5, 9)
\set n random(1, 1000000)
INSERT INTO item (id, amount, note) VALUES (:id, :n / 100.0, 'upsert') ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, qty = NULL;
