-- Writes that a BEFORE trigger throws away.
\set id random(1, :rows)
UPDATE item SET note = 'refused' WHERE id = :id;
INSERT INTO item (note) VALUES ('refused');
