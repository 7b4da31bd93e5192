-- One row: its street, or only its city.
\set id random(1, :rows)
\set n random(1, 1000000)
UPDATE address SET street = 'updated ' || :n WHERE id = :id AND id % 2 = :n % 2;
UPDATE address SET city = 'city ' || :n WHERE id = :id AND id % 2 <> :n % 2;
