-- Writer: another of a customer's addresses becomes the default, so that a unique value
-- goes from row to row. The customer's row keeps two of these apart.
\set customer random(1, :rows / 4)
BEGIN;
SELECT id FROM customer WHERE id = :customer FOR NO KEY UPDATE;
UPDATE address SET is_default = false WHERE customer_id = :customer AND is_default;
UPDATE address SET is_default = true
	WHERE id = (SELECT id FROM address WHERE customer_id = :customer ORDER BY updated_at LIMIT 1);
COMMIT;
