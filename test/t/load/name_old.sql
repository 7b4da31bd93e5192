-- What the old code does: it knows the column as "nm" only.
\set id random(1, :rows)
\set n random(1, 1000000)
UPDATE person SET nm = 'old ' || :n WHERE id = :id;
INSERT INTO person (nm) VALUES ('old ' || :n);
INSERT INTO person (note) VALUES ('default');
DELETE FROM person WHERE id = :id AND :n % 20 = 0;
INSERT INTO person AS p (id, nm) VALUES (:id, 'old ' || :n) ON CONFLICT (id) DO UPDATE SET nm = left(p.nm, 20) || EXCLUDED.nm;
