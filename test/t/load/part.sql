-- A new part of an item that may be about to go.
\set id random(1, :rows / 100 - 1) * 100 + 9
INSERT INTO part (item_id) SELECT id FROM item WHERE id = :id FOR KEY SHARE;
