-- Rows by the hundred, of those that were added.
DELETE FROM item WHERE id IN (SELECT id FROM item WHERE id > :rows ORDER BY id LIMIT 250 FOR UPDATE SKIP LOCKED);
