-- indexes.sql: CREATE INDEX, DROP INDEX, REINDEX, VACUUM FULL and CLUSTER.

---- case create_index
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
CREATE INDEX t_a ON t (a)
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE a = 'a 17';
EXPLAIN (COSTS off) SELECT id FROM t WHERE a = 'a 17';

---- case create_index_unnamed
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE INDEX ON t (a);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
CREATE INDEX ON t (a); CREATE INDEX ON t (lower(a), b); CREATE UNIQUE INDEX ON t ((b + 1), (id * 2)) INCLUDE (a)
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE b + 1 = 17;

---- case create_index_riches
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int, c int[]);
INSERT INTO t SELECT n, 'a ' || n, n, ARRAY[n, n + 1] FROM generate_series(1, 50) n;
---- change
CREATE UNIQUE INDEX "T; ""index""" ON t USING btree (b DESC NULLS LAST, a COLLATE "C" text_pattern_ops) INCLUDE (id) NULLS NOT DISTINCT WITH (fillfactor = 60, deduplicate_items = off) TABLESPACE eq_space WHERE b > 5 AND a <> 'x'
---- after
INSERT INTO t VALUES (51, 'a 17', 17);
INSERT INTO t VALUES (51, 'x', 17), (52, 'x', 17);

---- case create_index_gin
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, c int[]);
INSERT INTO t SELECT n, ARRAY[n, n + 1] FROM generate_series(1, 50) n;
---- change
CREATE INDEX t_c ON t USING gin (c) WITH (fastupdate = off)
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE c @> '{17}' ORDER BY id;
INSERT INTO t VALUES (51, '{17}');
SELECT id FROM t WHERE c @> '{17}' ORDER BY id;

---- case create_index_other_methods
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text, b int, r int4range);
INSERT INTO t SELECT n, 'a ' || n, n, int4range(n, n + 3) FROM generate_series(1, 50) n;
---- change
CREATE INDEX t_hash ON t USING hash (a); CREATE INDEX t_gist ON t USING gist (r, b); CREATE INDEX t_brin ON t USING brin (b) WITH (pages_per_range = 8); CREATE INDEX t_spgist ON t USING spgist (a)
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE r @> 17 ORDER BY id;
SELECT id FROM t WHERE a = 'a 17' ORDER BY id;

---- case create_index_expression_function
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
CREATE FUNCTION f(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || '!' $$;
---- change
CREATE INDEX t_f ON t (f(a)) WHERE f(a) > ''
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE f(a) = 'a 17!';

---- case create_unique_index_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n % 40 FROM generate_series(1, 50) n;
---- change
CREATE UNIQUE INDEX t_a ON t (a)
---- after
INSERT INTO t VALUES (60, 4);

---- case create_index_error_in_expression
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n - 10 FROM generate_series(1, 50) n;
---- change
CREATE INDEX t_a ON t ((100 / a))
---- after
INSERT INTO t VALUES (60, 0);

---- case create_index_exists
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
---- change
CREATE INDEX t_a ON t (id)

---- case create_index_if_not_exists
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
---- change
CREATE INDEX IF NOT EXISTS t_a ON t (id)
---- after
SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1;

---- case create_index_concurrently
-- what the user writes anyhow
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n - 10 FROM generate_series(1, 50) n;
---- change
CREATE INDEX CONCURRENTLY t_a ON t (a)

---- case create_index_missing_column
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
CREATE INDEX ON t (b)

---- case create_index_volatile
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
CREATE INDEX ON t ((a + random()))

---- case create_index_on_view
---- expect error own
---- limit other things than tables
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE VIEW v AS SELECT * FROM t;
---- change
CREATE INDEX ON v (a)

---- case create_index_on_matview
---- expect refused 0A000 not a table
---- limit other things than tables
CREATE MATERIALIZED VIEW m AS SELECT n AS a FROM generate_series(1, 50) n;
---- change
CREATE UNIQUE INDEX ON m (a)

---- case create_index_partitioned
---- strategy index
CREATE TABLE t (id int, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (25);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (25) TO (100) PARTITION BY HASH (id);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t2b (a text, id int);
ALTER TABLE t2 ATTACH PARTITION t2b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE t3 PARTITION OF t DEFAULT;
CREATE INDEX t1_own ON t1 (a);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 150) n;
---- change
CREATE INDEX ON t (a)
---- after
CREATE TABLE t4 PARTITION OF t FOR VALUES FROM (1000) TO (1100);
SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1, 2;
DROP INDEX t_a_idx;
SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1, 2;

---- case create_unique_index_partitioned
---- strategy index
CREATE TABLE t (id int, a text) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
CREATE TABLE t2 PARTITION OF t FOR VALUES IN (4, 5, 6, NULL);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 6) n;
---- change
CREATE UNIQUE INDEX t_u ON t (a, id)
---- after
INSERT INTO t VALUES (4, 'a 4');

---- case create_unique_index_partitioned_wrong
---- expect error start
CREATE TABLE t (id int, a text) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
---- change
CREATE UNIQUE INDEX t_u ON t (a)

---- case create_index_only
-- ON ONLY leaves an invalid index, natively too
CREATE TABLE t (id int, a text) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
INSERT INTO t VALUES (1, 'a');
---- change
CREATE INDEX t_a ON ONLY t (a)
---- after
CREATE INDEX t1_a ON t1 (a);
ALTER INDEX t_a ATTACH PARTITION t1_a;
SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass;

---- case drop_index
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
DROP INDEX t_a
---- after
SELECT id FROM t WHERE a = 7;

---- case drop_index_several
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (b);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
DROP INDEX IF EXISTS t_a, nothing, t_b RESTRICT
---- after
INSERT INTO t VALUES (51, 7, 7);

---- case drop_index_of_constraint
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
DROP INDEX t_pkey

---- case drop_index_cascade
-- CONCURRENTLY knows no CASCADE: the foreign key goes with the index
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE UNIQUE INDEX t_a ON t (a);
CREATE TABLE r (a int REFERENCES t (a));
---- change
DROP INDEX t_a CASCADE
---- after
INSERT INTO r VALUES (1);

---- case drop_index_missing
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
DROP INDEX t_a

---- case drop_index_partitioned
CREATE TABLE t (id int, a text) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
CREATE INDEX t_a ON t (a);
INSERT INTO t VALUES (1, 'a');
---- change
DROP INDEX t_a
---- after
SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1, 2;

---- case drop_index_of_partition
---- expect error
CREATE TABLE t (id int, a text) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
CREATE INDEX t_a ON t (a);
---- change
DROP INDEX t1_a_idx

---- case drop_replica_identity_index
-- nothing forbids it natively
CREATE TABLE t (id int NOT NULL, a int);
CREATE UNIQUE INDEX t_id ON t (id);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_id;
---- change
DROP INDEX t_id

---- case reindex_index
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a) WITH (fillfactor = 50);
COMMENT ON INDEX t_a IS 'stays';
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
REINDEX INDEX t_a
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE a = 7;

---- case reindex_table
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (lower(b)) WHERE a > 5;
ALTER TABLE t REPLICA IDENTITY USING INDEX t_pkey;
ALTER TABLE t CLUSTER ON t_a;
CREATE TABLE r (t int REFERENCES t);
INSERT INTO t SELECT n, n, repeat('x', n) FROM generate_series(1, 50) n;
INSERT INTO r VALUES (1);
---- change
REINDEX TABLE t
---- after
INSERT INTO t VALUES (60, 6, repeat('x', 6));
DELETE FROM t WHERE id = 1;

---- case reindex_exclusion
-- an exclusion constraint cannot be rebuilt concurrently
CREATE TABLE t (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&));
INSERT INTO t SELECT n, int4range(n * 10, n * 10 + 10) FROM generate_series(1, 50) n;
---- change
REINDEX TABLE t
---- after
INSERT INTO t VALUES (60, '[5,1000)');

---- case reindex_tablespace
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
REINDEX (TABLESPACE eq_space) INDEX t_a

---- case reindex_partitioned
---- strategy index
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY LIST (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
CREATE TABLE t2 PARTITION OF t FOR VALUES IN (4, 5);
CREATE INDEX t_a ON t (a);
INSERT INTO t VALUES (1, 'a'), (4, 'b');
---- change
REINDEX TABLE t

---- case reindex_missing
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
REINDEX INDEX nothing

---- case reindex_invalid_index
-- an index that a failed CREATE INDEX CONCURRENTLY left: REINDEX makes it valid
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_a'::regclass;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
REINDEX INDEX t_a

---- case vacuum_full
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 2000) n;
DELETE FROM t WHERE id % 3 <> 0;
---- change
VACUUM FULL t
---- after
SELECT pg_relation_size('t') < 60000, count(*) FROM t;
INSERT INTO t VALUES (3, 'x');

---- case vacuum_full_analyze
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text, b int);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 2000) n;
DELETE FROM t WHERE id % 3 <> 0;
---- change
VACUUM (FULL, ANALYZE) t
---- after
SELECT reltuples FROM pg_class WHERE oid = 't'::regclass;
SELECT attname, null_frac, n_distinct FROM pg_stats WHERE schemaname = current_schema() AND tablename = 't' ORDER BY 1;

---- case vacuum_full_dropped_column
-- the space of a dropped column comes back, a fast default is written out
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, big text, b int);
INSERT INTO t SELECT n, repeat('big', 100), n FROM generate_series(1, 1000) n;
ALTER TABLE t DROP COLUMN big, ADD COLUMN c int DEFAULT 5;
---- change
VACUUM FULL t
---- after
SELECT pg_relation_size('t') < 100000, count(*), min(c) FROM t;

---- case vacuum_plain
-- takes no strong lock, and rewrites nothing: not for us
---- expect refused 0A000 VACUUM
---- limit VACUUM without FULL
CREATE TABLE t (id int PRIMARY KEY);
---- change
VACUUM t

---- case cluster_using
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, 3000 - n FROM generate_series(1, 2000) n;
---- change
CLUSTER t USING t_a
---- after
SELECT array_agg(id) = array_agg(id ORDER BY a) FROM (SELECT * FROM t ORDER BY ctid) x;
SELECT indisclustered FROM pg_index WHERE indexrelid = 't_a'::regclass;

---- case cluster_marked
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
ALTER TABLE t CLUSTER ON t_a;
INSERT INTO t SELECT n, 3000 - n FROM generate_series(1, 2000) n;
---- change
CLUSTER t
---- after
SELECT array_agg(id) = array_agg(id ORDER BY a) FROM (SELECT * FROM t ORDER BY ctid) x;

---- case cluster_unmarked
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
---- change
CLUSTER t

---- case cluster_partial_index
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a) WHERE a > 5;
---- change
CLUSTER t USING t_a

---- case cluster_on
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
ALTER TABLE t CLUSTER ON t_pkey;
---- change
ALTER TABLE t CLUSTER ON t_a
---- after
SELECT indexrelid::regclass FROM pg_index WHERE indisclustered AND indrelid = 't'::regclass;

---- case set_without_cluster
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE INDEX t_a ON t (a);
ALTER TABLE t CLUSTER ON t_pkey;
---- change
ALTER TABLE t SET WITHOUT CLUSTER
