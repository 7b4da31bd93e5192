-- Writer on the table that refers to addresses.
\set id random(1, :rows)
INSERT INTO shipment (address_id) SELECT id FROM address WHERE id = :id FOR KEY SHARE;
