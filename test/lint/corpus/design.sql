-- design.sql: what is regretted later.

---- bad foreign_key_without_index
---- expect 1 foreign-key-without-index warning
---- expect 1 require-lock-timeout warning
CREATE TABLE lines (id bigint PRIMARY KEY, o bigint REFERENCES orders);

---- bad foreign_key_with_other_index
---- expect 2 foreign-key-without-index warning
SET lock_timeout = '2s';
CREATE TABLE lines (id bigint PRIMARY KEY, a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES orders);
CREATE INDEX ON lines (a);

---- good foreign_key_with_index
SET lock_timeout = '2s';
CREATE TABLE lines (id bigint PRIMARY KEY, a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES orders);
CREATE INDEX ON lines (b, a, id);

---- good foreign_key_is_key
SET lock_timeout = '2s';
CREATE TABLE lines (a bigint REFERENCES orders, b bigint, PRIMARY KEY (a, b));

---- bad foreign_key_with_partial_index
---- expect 2 foreign-key-without-index warning
SET lock_timeout = '2s';
CREATE TABLE lines (id bigint PRIMARY KEY, a bigint REFERENCES orders);
CREATE INDEX ON lines (a) WHERE a > 5;

---- bad new_column_references_without_index
---- expect 2 foreign-key-without-index warning
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN customer bigint REFERENCES customers;

---- bad small_keys
---- expect 1:20 small-key warning
---- expect 2 small-key warning
---- expect 3 small-key warning
---- expect 4 small-key warning
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id serial, PRIMARY KEY (id));
CREATE TABLE c (id smallint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE d (id integer NOT NULL, CONSTRAINT d_key PRIMARY KEY (id));

---- good keys
CREATE TABLE a (id bigint PRIMARY KEY, n int);
CREATE TABLE b (id bigserial PRIMARY KEY);
CREATE TABLE c (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), x int, y int, UNIQUE (x, y));
CREATE TABLE d (x int, y int, PRIMARY KEY (x, y));

---- bad types
---- expect 1:22 char-type warning
---- expect 2 char-type warning
---- expect 3 json-type warning
---- expect 4 prefer-text info
CREATE TABLE t (code char(2),
	one char,
	doc json,
	name varchar(50), free varchar, doc2 jsonb, "char" "char");

---- good prefer_text_alone
---- expect 1 prefer-text info
CREATE TABLE t (name character varying(50));

---- bad long_name
---- expect 1:14 identifier-too-long warning
CREATE TABLE an_awfully_long_name_for_a_table_that_goes_on_and_on_until_it_is_cut (id bigint);
COMMENT ON TABLE an_awfully_long_name_for_a_table_that_goes_on_and_on_until_it_is_cut IS 'x';

---- bad long_name_in_quotes
---- expect 1 identifier-too-long warning
CREATE TABLE "ÄÖÜ an awfully long name for a table, with letters of two bytes" (id bigint);

---- good long_enough_name
CREATE TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123 (id bigint);
CREATE TABLE "a23456789 ""3456789 123456789 123456789 123456789 123456789 1234" (id bigint);
