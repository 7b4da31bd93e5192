-- constraints.sql: CHECK, foreign keys, keys, NOT NULL.

---- bad add_check
---- expect 2:24 add-check error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT positive CHECK (price > 0);

---- good add_check_in_two_steps
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT positive CHECK (price > 0) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT positive;

---- bad add_check_without_name
---- expect 2 add-check error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CHECK (price > 0);

---- bad add_foreign_key
---- schema
CREATE TABLE orders (id bigint, customer bigint);
CREATE INDEX ON orders (customer);
---- sql
---- expect 2 add-foreign-key error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE;

---- good add_foreign_key_in_two_steps
---- schema
CREATE TABLE orders (id bigint, customer bigint);
CREATE INDEX ON orders (customer);
---- sql
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_customer;

---- good foreign_key_unseen_indexes
---- expect 2 foreign-key-without-index info unsure
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_customer;

---- bad foreign_key_of_new_table_locks_the_other
---- expect 1 require-lock-timeout warning
CREATE TABLE lines (id bigint PRIMARY KEY, o bigint REFERENCES orders);
CREATE INDEX ON lines (o);

---- good foreign_key_between_new_tables
CREATE TABLE a (id bigint PRIMARY KEY);
CREATE TABLE b (id bigint PRIMARY KEY, a bigint REFERENCES a, parent bigint REFERENCES b);
CREATE INDEX ON b (a);
CREATE INDEX ON b (parent);
ALTER TABLE a ADD COLUMN b bigint, ADD FOREIGN KEY (b) REFERENCES b;
CREATE INDEX ON a (b);

---- bad add_unique
---- expect 2 add-unique error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT u UNIQUE (number);

---- good add_unique_using_index
SET lock_timeout = '2s';
CREATE UNIQUE INDEX CONCURRENTLY u ON orders (number);
ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX u;

---- bad add_primary_key
---- expect 2 add-primary-key error
SET lock_timeout = '2s';
ALTER TABLE orders ADD PRIMARY KEY (id);

---- good add_primary_key_using_index
---- schema
CREATE TABLE orders (id bigint NOT NULL);
---- sql
SET lock_timeout = '2s';
CREATE UNIQUE INDEX CONCURRENTLY k ON orders (id);
ALTER TABLE orders ADD CONSTRAINT k PRIMARY KEY USING INDEX k;

---- bad add_primary_key_nullable
---- schema
CREATE TABLE orders (id bigint);
---- sql
---- expect 3 add-primary-key-nullable error
SET lock_timeout = '2s';
CREATE UNIQUE INDEX CONCURRENTLY k ON orders (id);
ALTER TABLE orders ADD CONSTRAINT k PRIMARY KEY USING INDEX k;

---- good add_primary_key_unseen
---- expect 3 add-primary-key-nullable info unsure
SET lock_timeout = '2s';
CREATE UNIQUE INDEX CONCURRENTLY k ON orders (id);
ALTER TABLE orders ADD CONSTRAINT k PRIMARY KEY USING INDEX k;

---- bad add_exclude
---- expect 2 add-exclude error
SET lock_timeout = '2s';
ALTER TABLE orders ADD EXCLUDE USING gist (during WITH &&);

---- bad set_not_null
---- expect 2:20 set-not-null error
SET lock_timeout = '2s';
ALTER TABLE orders ALTER COLUMN price SET NOT NULL;

---- good set_not_null_proved
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT p CHECK (price IS NOT NULL) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT p;
ALTER TABLE orders ALTER COLUMN price SET NOT NULL;
ALTER TABLE orders DROP CONSTRAINT p;

---- bad set_not_null_with_check_not_validated
---- expect 3 set-not-null error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT p CHECK (price IS NOT NULL) NOT VALID;
ALTER TABLE orders ALTER COLUMN price SET NOT NULL;

---- bad set_not_null_with_other_check
---- schema
CREATE TABLE orders (price int CHECK (price > 0), note text CHECK (note IS NOT NULL));
---- sql
---- expect 2 set-not-null error
SET lock_timeout = '2s';
ALTER TABLE orders ALTER price SET NOT NULL;
ALTER TABLE orders ALTER note SET NOT NULL;

---- good set_not_null_again
---- schema
CREATE TABLE orders (id bigint PRIMARY KEY, price int NOT NULL);
---- sql
SET lock_timeout = '2s';
ALTER TABLE orders ALTER price SET NOT NULL, ALTER id SET NOT NULL;

---- bad set_not_null_check_dropped_before
---- expect 5 set-not-null error
SET lock_timeout = '2s';
ALTER TABLE orders ADD CONSTRAINT p CHECK (price IS NOT NULL) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT p;
ALTER TABLE orders DROP CONSTRAINT p;
ALTER TABLE orders ALTER COLUMN price SET NOT NULL;

---- bad drop_constraint_cascade
---- expect 2 cascade warning
SET lock_timeout = '2s';
ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE;

---- good drop_constraint
SET lock_timeout = '2s';
ALTER TABLE orders DROP CONSTRAINT positive;
ALTER TABLE orders ALTER CONSTRAINT fk DEFERRABLE;

---- bad alter_domain
---- expect 2 alter-domain-check error
---- expect 3 alter-domain-not-null error
SET lock_timeout = '2s';
ALTER DOMAIN email ADD CONSTRAINT at CHECK (VALUE LIKE '%@%');
ALTER DOMAIN email SET NOT NULL;

---- good alter_domain_in_two_steps
SET lock_timeout = '2s';
ALTER DOMAIN email ADD CONSTRAINT at CHECK (VALUE LIKE '%@%') NOT VALID;
ALTER DOMAIN email VALIDATE CONSTRAINT at;

---- bad foreign_key_partitioned
---- schema
CREATE TABLE m (id bigint, o bigint) PARTITION BY RANGE (id);
CREATE INDEX ON m (o);
---- sql
---- expect 2 add-foreign-key error
SET lock_timeout = '2s';
ALTER TABLE m ADD CONSTRAINT f FOREIGN KEY (o) REFERENCES orders;
