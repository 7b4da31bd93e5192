-- indexes.sql: indexes, rebuilding, clustering.

---- bad create_index
---- expect 2:1 create-index error
SET lock_timeout = '2s';
CREATE INDEX orders_a ON orders (a);

---- good create_index_concurrently
CREATE INDEX CONCURRENTLY orders_a ON orders (a);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_b ON orders USING btree (lower(b)) WHERE b IS NOT NULL;

---- bad create_unique_index
---- expect 2 create-index error
SET lock_timeout = '2s';
CREATE UNIQUE INDEX IF NOT EXISTS orders_a ON public.orders (a) INCLUDE (b);

---- good create_index_on_only
---- schema
CREATE TABLE m (id bigint) PARTITION BY RANGE (id);
---- sql
CREATE INDEX m_id ON ONLY m (id);
CREATE INDEX CONCURRENTLY m1_id ON m1 (id);
ALTER INDEX m_id ATTACH PARTITION m1_id;

---- bad create_index_on_partitioned
---- schema
CREATE TABLE m (id bigint) PARTITION BY RANGE (id);
---- sql
---- expect 2 create-index error
SET lock_timeout = '2s';
CREATE INDEX m_id ON m (id);

---- bad drop_index
---- expect 2 drop-index error
SET lock_timeout = '2s';
DROP INDEX orders_a;

---- good drop_index_concurrently
DROP INDEX CONCURRENTLY IF EXISTS orders_a;

---- bad drop_index_cascade
---- expect 2 cascade warning
---- expect 2 drop-index error
SET lock_timeout = '2s';
DROP INDEX orders_a CASCADE;

---- good drop_index_of_new_table
CREATE TABLE fresh (a int);
CREATE INDEX fresh_a ON fresh (a);
DROP INDEX fresh_a;

---- bad reindex
---- expect 2 reindex error
---- expect 3 reindex error
SET lock_timeout = '2s';
REINDEX TABLE orders;
REINDEX INDEX orders_a;

---- good reindex_concurrently
REINDEX TABLE CONCURRENTLY orders;
REINDEX (VERBOSE, CONCURRENTLY) INDEX orders_a;

---- bad reindex_not_concurrently_after_all
---- expect 2 reindex error
SET lock_timeout = '2s';
REINDEX (CONCURRENTLY false) TABLE orders;

---- bad vacuum_full
---- expect 2 vacuum-full error
---- expect 3 vacuum-full error
SET lock_timeout = '2s';
VACUUM FULL orders;
VACUUM (FULL, ANALYZE) orders;

---- good vacuum
VACUUM orders;
VACUUM (FULL false, FREEZE) orders;
VACUUM (ANALYZE) orders;

---- bad cluster
---- expect 2 cluster error
SET lock_timeout = '2s';
CLUSTER orders USING orders_pkey;
