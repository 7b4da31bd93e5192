-- A few rows that everybody wants.
\set id random(1, 5) * 10
UPDATE item SET qty = coalesce(qty, 0) + 1 WHERE id = :id;
