-- tables.sql: storage, partitions, dropping and emptying.

---- bad set_logged
---- expect 2 set-logged error
---- expect 3 set-logged error
SET lock_timeout = '2s';
ALTER TABLE orders SET UNLOGGED;
ALTER TABLE other SET LOGGED;

---- good set_logged_already
---- schema
CREATE TABLE orders (a int);
CREATE UNLOGGED TABLE other (a int);
---- sql
SET lock_timeout = '2s';
ALTER TABLE orders SET LOGGED;
ALTER TABLE other SET UNLOGGED;

---- bad set_tablespace
---- expect 2 set-tablespace error
---- expect 3 set-tablespace error
---- expect 4 set-tablespace error
SET lock_timeout = '2s';
ALTER TABLE orders SET TABLESPACE fast;
ALTER INDEX orders_a SET TABLESPACE fast;
ALTER TABLE ALL IN TABLESPACE slow SET TABLESPACE fast;

---- bad set_access_method
---- expect 2 set-access-method error
SET lock_timeout = '2s';
ALTER TABLE orders SET ACCESS METHOD columnar;

---- bad attach_partition
---- schema
CREATE TABLE m (id bigint) PARTITION BY RANGE (id);
CREATE TABLE m1 (id bigint);
---- sql
---- expect 2 attach-partition error
SET lock_timeout = '2s';
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES FROM (1) TO (10);

---- bad attach_partition_unseen
---- expect 2 attach-partition warning unsure
SET lock_timeout = '2s';
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES FROM (1) TO (10);

---- good attach_partition_proved
---- schema
CREATE TABLE m (id bigint) PARTITION BY RANGE (id);
CREATE TABLE m1 (id bigint);
---- sql
SET lock_timeout = '2s';
ALTER TABLE m1 ADD CONSTRAINT b CHECK (id IS NOT NULL AND id >= 1 AND id < 10) NOT VALID;
ALTER TABLE m1 VALIDATE CONSTRAINT b;
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES FROM (1) TO (10);
ALTER TABLE m1 DROP CONSTRAINT b;

---- good attach_new_partition
SET lock_timeout = '2s';
CREATE TABLE m2 (LIKE m INCLUDING ALL);
ALTER TABLE m ATTACH PARTITION m2 FOR VALUES FROM (10) TO (20);

---- bad new_partition_locks_the_parent
---- expect 1 require-lock-timeout warning
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20);

---- bad detach_partition
---- expect 2 detach-partition warning
SET lock_timeout = '2s';
ALTER TABLE m DETACH PARTITION m1;

---- good detach_partition_concurrently
ALTER TABLE m DETACH PARTITION m1 CONCURRENTLY;

---- good detach_partition_before_14
---- options --postgresql 13
SET lock_timeout = '2s';
ALTER TABLE m DETACH PARTITION m1;

---- bad drop_table
---- expect 2 drop-table warning
SET lock_timeout = '2s';
DROP TABLE orders;

---- bad drop_tables_cascade
---- expect 2 cascade warning
---- expect 2 drop-table warning
---- expect 2 drop-table warning
SET lock_timeout = '2s';
DROP TABLE IF EXISTS orders, sales.lines CASCADE;

---- bad drop_other_cascade
---- expect 1 cascade warning
---- expect 2 cascade warning
---- expect 3 cascade warning
DROP TYPE mood CASCADE;
DROP VIEW v CASCADE;
DROP SCHEMA old CASCADE;

---- good drop_other
DROP TYPE mood;
DROP VIEW v;
DROP FUNCTION f(int);
DROP SEQUENCE s;

---- bad truncate
---- expect 2 truncate warning
---- expect 3 cascade warning
---- expect 3 truncate warning
SET lock_timeout = '2s';
TRUNCATE orders;
TRUNCATE TABLE lines CASCADE;

---- good truncate_new
CREATE TABLE fresh (a int);
TRUNCATE fresh CASCADE;
