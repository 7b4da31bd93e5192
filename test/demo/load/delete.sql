-- Writer: an address goes, and its shipments forget it.
\set id random(1, :rows)
DELETE FROM address WHERE id = :id;
