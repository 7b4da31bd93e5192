-- Writer: a new address; one in ten has a long note.
\set customer random(1, :rows / 4)
\set n random(1, 1000000)
\set long random(1, 10)
INSERT INTO address (customer_id, street, postcode, city, country, note)
	VALUES (:customer, 'new street ' || :n, '50667', 'Köln', 'DE',
			CASE WHEN :long = 1 THEN (SELECT string_agg(md5((:n + j)::text), '') FROM generate_series(1, 120) j) END)
	RETURNING id;
