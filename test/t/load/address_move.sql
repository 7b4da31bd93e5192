-- A row gets another key.
\set id random(1, :rows)
\set n random(1, 1000000000)
UPDATE address SET id = 10000000 + :n WHERE id = :id AND NOT EXISTS (SELECT FROM address WHERE id = 10000000 + :n);
