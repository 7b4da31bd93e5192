-- Values that only the new type holds, and then others again.
\set id random(1, :rows)
UPDATE address SET street = repeat('long ', 11) WHERE id = :id AND id % 7 = 0;
UPDATE address SET street = 'short again' WHERE id = :id AND id % 7 = 0;
