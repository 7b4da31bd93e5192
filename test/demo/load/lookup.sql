-- Reader: one address by its key.
\set id random(1, :rows)
SELECT id, street, postcode, city, country, note FROM address WHERE id = :id;
