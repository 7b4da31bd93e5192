-- Rows by the hundred from a query.
\set n random(1, 1000000)
INSERT INTO item (amount, qty, note) SELECT i / 10.0, i % 9, 'bulk ' || :n FROM generate_series(1, 200) i;
