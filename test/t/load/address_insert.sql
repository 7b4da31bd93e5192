-- A new address, also with the default.
\set n random(1, 1000000)
INSERT INTO address (street, city) VALUES ('inserted ' || :n, 'city');
INSERT INTO address (city) VALUES ('default');
