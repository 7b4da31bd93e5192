-- A row whose street another BEFORE trigger changes.
\set id random(1, :rows)
UPDATE address SET city = 'shout' WHERE id = :id;
