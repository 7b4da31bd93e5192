-- Many rows in one statement.
\set id random(1, :rows)
UPDATE address SET street = 'bulk ' || id, city = 'bulk' WHERE id BETWEEN :id AND :id + 50;
