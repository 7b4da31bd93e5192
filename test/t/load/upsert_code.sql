-- INSERT ... ON CONFLICT DO UPDATE, by another unique column.
\set u random(1, 500)
INSERT INTO item (code, amount) VALUES ('u' || :u, 1) ON CONFLICT (code) DO UPDATE SET amount = item.amount + 1;
