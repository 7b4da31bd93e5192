-- One row, the key from the identity; every fifth asks for NULL where a default is.
\set n random(1, 1000000)
INSERT INTO item (amount, qty, note) VALUES (:n / 100.0, CASE WHEN :n % 5 > 0 THEN :n % 50 END, 'new ' || :n);
