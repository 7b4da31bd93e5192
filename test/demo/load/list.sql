-- Reader: a customer's addresses, the default one through the view.
\set customer random(1, :rows / 4)
SELECT id, street, city, is_default FROM address WHERE customer_id = :customer ORDER BY id;
SELECT street, city FROM default_address WHERE customer_id = :customer;
