-- Values become NULL, and NULL becomes a value.
\set id random(1, :rows)
UPDATE item SET note = CASE WHEN note IS NULL THEN '' END, qty = CASE WHEN qty IS NULL THEN 0 END WHERE id = :id;
