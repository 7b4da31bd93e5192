-- What the new code does: it knows the column as "name" only.
\set id random(1, :rows)
\set n random(1, 1000000)
UPDATE person SET name = 'new ' || :n WHERE id = :id;
INSERT INTO person (name) VALUES ('new ' || :n);
UPDATE person SET note = 'note ' || :n WHERE id = :id;
DELETE FROM person WHERE id = :id AND :n % 20 = 0;
INSERT INTO person AS p (id, name) VALUES (:id, 'new ' || :n) ON CONFLICT (id) DO UPDATE SET name = left(p.name, 20) || EXCLUDED.name;
