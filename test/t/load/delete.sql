-- One row, its parts with it.
\set id random(1, :rows / 10 - 1) * 10 + random(5, 9)
DELETE FROM item WHERE id = :id;
