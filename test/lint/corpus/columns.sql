-- columns.sql: adding, dropping and renaming columns.

---- good add_column_plain
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN note text;

---- good add_column_constant_default
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN paid boolean NOT NULL DEFAULT false, ADD tags text[] DEFAULT '{a,"b c"}' NOT NULL;

---- good add_column_stable_default
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN at timestamptz NOT NULL DEFAULT now();
ALTER TABLE orders ADD COLUMN at2 timestamptz DEFAULT CURRENT_TIMESTAMP, ADD who name DEFAULT current_user;
ALTER TABLE orders ADD COLUMN day date DEFAULT date_trunc('month', statement_timestamp())::date;

---- bad add_column_random
---- expect 2:47 add-column-volatile-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN r float DEFAULT random();

---- bad add_column_uuid
---- expect 2 add-column-volatile-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN u uuid NOT NULL DEFAULT gen_random_uuid();

---- bad add_column_uuid_newer
---- expect 2 add-column-volatile-default error
---- expect 3 add-column-volatile-default error
---- expect 4 add-column-volatile-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN u uuid DEFAULT uuidv7();
ALTER TABLE orders ADD COLUMN v uuid DEFAULT uuidv4();
ALTER TABLE orders ADD COLUMN w uuid DEFAULT public.uuid_generate_v4();

---- bad add_column_clock
---- expect 2 add-column-volatile-default error
---- expect 3 add-column-volatile-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN t timestamptz DEFAULT clock_timestamp();
ALTER TABLE orders ADD COLUMN t2 text DEFAULT 'at ' || timeofday();

---- bad add_column_nextval
---- expect 3 add-column-volatile-default error
SET lock_timeout = '2s';
CREATE SEQUENCE s;
ALTER TABLE orders ADD COLUMN n bigint DEFAULT nextval('s'::regclass);

---- bad add_column_volatile_inside_case
---- expect 2 add-column-volatile-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n int DEFAULT CASE WHEN true THEN (1 + random() * 5)::int END;

---- bad add_column_unknown_function
---- expect 2 add-column-volatile-default warning unsure
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN code text DEFAULT make_code(12);

---- good add_column_known_function
SET lock_timeout = '2s';
CREATE FUNCTION make_code(n int) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'x' $$;
ALTER TABLE orders ADD COLUMN code text DEFAULT make_code(12);

---- bad add_column_own_volatile_function
---- expect 3 add-column-volatile-default error
SET lock_timeout = '2s';
CREATE FUNCTION make_code(n int) RETURNS text LANGUAGE sql AS 'SELECT md5(random()::text)';
ALTER TABLE orders ADD COLUMN code text DEFAULT make_code(12);

---- good add_column_uuid_of_name
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN u uuid DEFAULT uuid_generate_v5(uuid_ns_url(), 'x');

---- bad add_column_serial
---- expect 2 add-column-serial error
---- expect 3 add-column-serial error
---- expect 3 small-key warning
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n bigserial;
ALTER TABLE orders ADD COLUMN m serial;

---- bad add_column_identity
---- expect 2 add-column-identity error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY;

---- bad add_column_generated
---- expect 2 add-column-generated error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN total numeric GENERATED ALWAYS AS (price * amount) STORED;

---- bad add_column_domain
---- expect 3 add-column-domain error
SET lock_timeout = '2s';
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
ALTER TABLE orders ADD COLUMN n positive;

---- good add_column_free_domain
SET lock_timeout = '2s';
CREATE DOMAIN email AS text;
ALTER TABLE orders ADD COLUMN mail email;

---- good add_column_enum
SET lock_timeout = '2s';
CREATE TYPE mood AS ENUM ('sad', 'ok');
ALTER TABLE orders ADD COLUMN m mood DEFAULT 'ok';

---- good add_column_unknown_type
---- expect 2 add-column-domain info unsure
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN m crm.mood;

---- bad add_column_not_null
---- expect 2 add-column-not-null error
---- expect 3 add-column-not-null error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n int NOT NULL;
ALTER TABLE orders ADD COLUMN m int NOT NULL DEFAULT NULL;

---- bad add_column_check
---- expect 2 add-column-check error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n int CHECK (n > 0);

---- bad add_column_unique
---- expect 2 add-column-unique error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n int UNIQUE;

---- bad add_column_primary_key
---- expect 2 add-column-primary-key error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN n bigint PRIMARY KEY;

---- good add_column_references
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN customer bigint REFERENCES customers;
CREATE INDEX CONCURRENTLY ON orders (customer);

---- bad add_column_references_default
---- expect 2 add-column-references-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN customer bigint DEFAULT 1 REFERENCES customers;
CREATE INDEX CONCURRENTLY ON orders (customer);

---- good add_column_references_beside_default
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN customer bigint REFERENCES customers, ADD n int DEFAULT 1;
CREATE INDEX CONCURRENTLY ON orders (customer);

---- good new_table_is_exempt
CREATE TABLE fresh (a int);
ALTER TABLE fresh ADD COLUMN r float DEFAULT random(), ADD COLUMN n int NOT NULL, ADD COLUMN t text GENERATED ALWAYS AS ('x') STORED;
ALTER TABLE fresh ALTER a TYPE bigint, ALTER a SET NOT NULL, ADD CHECK (a > 0), ADD UNIQUE (a), DROP COLUMN n;
ALTER TABLE fresh RENAME COLUMN r TO q;
CREATE INDEX ON fresh (a);
DROP TABLE fresh;

---- good temporary_table_is_exempt
CREATE TEMP TABLE work AS SELECT 1 AS a;
ALTER TABLE work ADD COLUMN r float DEFAULT random();
CREATE INDEX ON work (a);

---- good new_table_of_select_is_exempt
SELECT * INTO fresh FROM orders;
ALTER TABLE fresh ADD COLUMN r float DEFAULT random();

---- good new_table_renamed_is_exempt
CREATE TABLE fresh (a int);
ALTER TABLE fresh RENAME TO fresher;
CREATE INDEX ON fresher (a);

---- bad table_made_elsewhere_is_not_exempt
---- schema
CREATE TABLE orders (id bigint PRIMARY KEY);
---- sql
---- expect 2 add-column-volatile-default error
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN r float DEFAULT random();

---- bad table_rolled_back_is_not_exempt
---- expect 5 create-index error
SET lock_timeout = '2s';
BEGIN;
CREATE TABLE orders (a int);
ROLLBACK;
CREATE INDEX ON orders (a);

---- bad other_schema_is_not_exempt
---- expect 3 create-index error
SET lock_timeout = '2s';
CREATE TABLE new.orders (a int);
CREATE INDEX ON old.orders (a);

---- bad drop_column
---- expect 2:20 drop-column warning
SET lock_timeout = '2s';
ALTER TABLE orders DROP COLUMN note;

---- bad drop_column_cascade
---- expect 2 cascade warning
---- expect 2 drop-column warning
SET lock_timeout = '2s';
ALTER TABLE orders DROP COLUMN IF EXISTS note CASCADE;

---- bad drop_not_null_column
---- schema
CREATE TABLE orders (id bigint PRIMARY KEY, old_code text NOT NULL, kind text NOT NULL DEFAULT 'x');
---- sql
---- expect 2 drop-column warning
---- expect 2 drop-not-null-column warning
---- expect 3 drop-column warning
SET lock_timeout = '2s';
ALTER TABLE orders DROP COLUMN old_code;
ALTER TABLE orders DROP COLUMN kind;

---- bad rename_column
---- expect 2 rename-column warning
SET lock_timeout = '2s';
ALTER TABLE orders RENAME note TO remark;

---- bad rename_table
---- expect 2 rename-table warning
SET lock_timeout = '2s';
ALTER TABLE orders RENAME TO purchases;

---- good rename_table_behind_a_view
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders RENAME TO purchases;
CREATE VIEW orders AS SELECT * FROM purchases;
COMMIT;

---- bad rename_table_with_a_late_view
---- expect 3 rename-table warning
BEGIN;
SET LOCAL lock_timeout = '2s';
ALTER TABLE orders RENAME TO purchases;
COMMIT;
CREATE VIEW orders AS SELECT * FROM purchases;

---- bad set_schema
---- expect 2 set-schema warning
SET lock_timeout = '2s';
ALTER TABLE orders SET SCHEMA sales;

---- good renames_that_break_nothing
SET lock_timeout = '2s';
ALTER TABLE orders RENAME CONSTRAINT a TO b;
ALTER INDEX orders_a RENAME TO orders_b;
ALTER VIEW v RENAME TO w;

---- good catalog_only
SET lock_timeout = '2s';
ALTER TABLE orders ALTER a SET DEFAULT 5, ALTER b DROP DEFAULT, ALTER c DROP NOT NULL, ALTER d DROP EXPRESSION;
ALTER TABLE orders ALTER a SET STORAGE external, ALTER b SET COMPRESSION pglz;
ALTER TABLE orders ALTER id ADD GENERATED BY DEFAULT AS IDENTITY, ALTER other DROP IDENTITY;
ALTER TABLE orders OWNER TO somebody;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE orders REPLICA IDENTITY FULL;
ALTER TABLE orders INHERIT parent;
ALTER TABLE orders DISABLE TRIGGER t;
CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f();
ALTER TYPE mood ADD VALUE 'happy';
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';

---- good weak_locks_need_no_timeout
ALTER TABLE orders ALTER a SET STATISTICS 500, ALTER b SET (n_distinct = 5);
ALTER TABLE orders SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE orders CLUSTER ON orders_pkey;
ALTER TABLE orders VALIDATE CONSTRAINT c;
CREATE STATISTICS s ON a, b FROM orders;
COMMENT ON TABLE orders IS 'x';
GRANT SELECT ON orders TO PUBLIC;
ANALYZE orders;
VACUUM orders;
