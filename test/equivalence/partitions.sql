-- partitions.sql: partitioned tables: each leaf is copied, the parent is changed once.

---- case range_type
---- strategy copy
CREATE TABLE t (id int NOT NULL, a text, b int) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (25);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (25) TO (50);
CREATE TABLE t3 PARTITION OF t DEFAULT;
ALTER TABLE t ADD PRIMARY KEY (id);
CREATE INDEX t_b ON t (b);
COMMENT ON TABLE t2 IS 'the second';
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 100) n;
---- change
ALTER TABLE t ALTER b TYPE bigint
---- after
INSERT INTO t VALUES (200, 'x', 3000000000), (10, 'double', 1);
INSERT INTO t VALUES (200, 'x', 3000000000);
SELECT tableoid::regclass, count(*) FROM t GROUP BY 1 ORDER BY 1;
CREATE TABLE t4 PARTITION OF t FOR VALUES FROM (1000) TO (2000);

---- case range_key_type
-- the partition key cannot change its type
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (25);
---- change
ALTER TABLE t ALTER id TYPE bigint

---- case other_attnums
-- leaves with other column numbers, dropped columns and a fast default
---- strategy copy
CREATE TABLE t (gone int, id int NOT NULL, a text, b int DEFAULT 4) PARTITION BY RANGE (id);
ALTER TABLE t DROP COLUMN gone;
CREATE TABLE t1 (b int, x int, id int NOT NULL, a text);
ALTER TABLE t1 DROP COLUMN x;
INSERT INTO t1 SELECT n, n, 'a ' || n FROM generate_series(1, 24) n;
ALTER TABLE t ATTACH PARTITION t1 FOR VALUES FROM (0) TO (25);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (25) TO (1000);
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(25, 50) n;
ALTER TABLE t ADD COLUMN fast int DEFAULT 11;
ALTER TABLE t ADD PRIMARY KEY (id);
---- change
ALTER TABLE t ALTER b TYPE text, ADD COLUMN more int DEFAULT 5
---- after
INSERT INTO t (id) VALUES (20), (200);
INSERT INTO t (id) VALUES (60) RETURNING *;
INSERT INTO t (id) VALUES (0) RETURNING *;
UPDATE t SET id = 300 WHERE id = 4;
SELECT tableoid::regclass, * FROM t WHERE id IN (3, 30, 300) ORDER BY id;

---- case list_sub_partitioned
---- strategy copy
CREATE TABLE t (country text NOT NULL, id int, a int, PRIMARY KEY (country, id)) PARTITION BY LIST (country);
CREATE TABLE t_de PARTITION OF t FOR VALUES IN ('de', 'at') PARTITION BY RANGE (id);
CREATE TABLE t_de1 PARTITION OF t_de FOR VALUES FROM (0) TO (30);
CREATE TABLE t_de2 PARTITION OF t_de DEFAULT PARTITION BY HASH (id);
CREATE TABLE t_de2a PARTITION OF t_de2 FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE t_de2b PARTITION OF t_de2 FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE t_de2c PARTITION OF t_de2 FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE t_fr PARTITION OF t FOR VALUES IN ('fr') WITH (fillfactor = 70);
CREATE TABLE t_empty PARTITION OF t FOR VALUES IN ('xx') PARTITION BY RANGE (id);
INSERT INTO t SELECT (ARRAY['de', 'at', 'fr'])[n % 3 + 1], n, n FROM generate_series(1, 90) n;
---- change
ALTER TABLE t ALTER a TYPE bigint USING a * 2::bigint, ADD CONSTRAINT a_even CHECK (a % 2 = 0)
---- after
SELECT tableoid::regclass, count(*), sum(a) FROM t GROUP BY 1 ORDER BY 1;
INSERT INTO t VALUES ('fr', 1000, 3);
INSERT INTO t VALUES ('xx', 1000, 4);
CREATE TABLE t_empty1 PARTITION OF t_empty DEFAULT;
INSERT INTO t VALUES ('xx', 1000, 4);

---- case hash_set_unlogged_leaf
-- a leaf on its own
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY HASH (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t2 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 90) n;
---- change
ALTER TABLE t1 SET UNLOGGED
---- after
SELECT relname, relpersistence FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;
INSERT INTO t VALUES (1000, 'x');

---- case leaf_type
-- a leaf cannot change a column of its parent
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY HASH (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0);
---- change
ALTER TABLE t1 ALTER a TYPE int USING a::int

---- case leaf_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY HASH (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0);
---- change
ALTER TABLE t1 ALTER a SET DEFAULT 'of the leaf'
---- after
INSERT INTO t VALUES (1) RETURNING *;
INSERT INTO t1 VALUES (2) RETURNING *;

---- case leaf_check
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY HASH (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 90) n;
---- change
ALTER TABLE t1 ADD CONSTRAINT leaf_only CHECK (a <> ''), ALTER a SET NOT NULL
---- after
INSERT INTO t VALUES (1000, '');
INSERT INTO t VALUES (1000, NULL);

---- case leaf_vacuum_full
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (3000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 2000) n;
DELETE FROM t WHERE id % 3 <> 0;
---- change
VACUUM FULL t1
---- after
SELECT pg_relation_size('t1') < 60000, count(*) FROM t;

---- case parent_vacuum_full
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (1000) TO (3000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 2000) n;
DELETE FROM t WHERE id % 3 <> 0;
---- change
VACUUM FULL t
---- after
SELECT pg_relation_size('t1') < 40000, pg_relation_size('t2') < 40000, count(*) FROM t;

---- case parent_cluster
---- expect refused 0A000 CLUSTER of a partitioned
---- limit CLUSTER of a partitioned table
CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (1000) TO (3000);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, 3000 - n FROM generate_series(1, 2000) n;
---- change
CLUSTER t USING t_a
---- after
SELECT array_agg(id) = array_agg(id ORDER BY a) FROM (SELECT * FROM t1 ORDER BY ctid) x;
SELECT indexrelid::regclass FROM pg_index WHERE indisclustered AND indexrelid::regclass::text ~ '^t' ORDER BY 1;

---- case add_column_default_partitioned
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD COLUMN b int NOT NULL DEFAULT 6
---- after
INSERT INTO t (id) VALUES (30) RETURNING *;

---- case add_column_serial_partitioned
---- expect refused 0A000 sequence
---- limit serial or identity column of a table with children
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (1000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD COLUMN n serial
---- after
SELECT count(DISTINCT n), max(n) FROM t;
INSERT INTO t (id) VALUES (30) RETURNING n;

---- case add_identity_partitioned
-- not on partitions, before 17: only the parent has the identity
---- strategy instant
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1);
---- change
ALTER TABLE t ALTER id ADD GENERATED BY DEFAULT AS IDENTITY (START 5)
---- after
INSERT INTO t (a) VALUES ('x') RETURNING *;

---- case set_not_null_partitioned
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 (a text, id int NOT NULL);
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (1000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a SET NOT NULL
---- after
INSERT INTO t VALUES (30);
INSERT INTO t2 (id) VALUES (30);

---- case set_not_null_partitioned_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (1000);
INSERT INTO t SELECT n, nullif(n, 17)::text FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a SET NOT NULL
---- after
INSERT INTO t1 (id) VALUES (0);

---- case add_check_partitioned
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (1000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD CHECK (a <> '')
---- after
INSERT INTO t VALUES (30, '');

---- case add_unique_partitioned
-- USING INDEX is not for partitioned tables
CREATE TABLE t (id int, a text NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (1000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (a, id)
---- after
INSERT INTO t VALUES (5, 'a 5');
SELECT conname, conrelid::regclass, coninhcount, conislocal FROM pg_constraint WHERE connamespace = current_schema()::regnamespace ORDER BY 2, 1;

---- case add_primary_key_partitioned
CREATE TABLE t (id int, a text NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (1000);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD PRIMARY KEY (id)
---- after
INSERT INTO t VALUES (5, 'a 5');
INSERT INTO t VALUES (NULL, 'a 5');

---- case add_primary_key_sub_partitioned
-- a part has NOT NULL already, under a name of its own on 18
CREATE TABLE t (id int, b int, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
ALTER TABLE t1 ALTER COLUMN b SET NOT NULL;
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (1000) PARTITION BY LIST (b);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES IN (0);
CREATE TABLE t2b PARTITION OF t2 FOR VALUES IN (1);
INSERT INTO t SELECT n, n % 2, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ADD PRIMARY KEY (id, b)
---- after
INSERT INTO t VALUES (12, NULL, '');
INSERT INTO t VALUES (12, 0, '');
ALTER TABLE t ALTER COLUMN b DROP NOT NULL;
ALTER TABLE t DROP CONSTRAINT t_pkey;
ALTER TABLE t ALTER COLUMN b DROP NOT NULL;
INSERT INTO t VALUES (12, 0, NULL), (12, 0, NULL);

---- case add_primary_key_partitioned_violated
---- expect error code
CREATE TABLE t (id int, b int) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1, 1), (2, NULL);
---- change
ALTER TABLE t ADD PRIMARY KEY (id, b)

---- case attach_partition
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE INDEX t_a ON t (a);
CREATE TABLE t2 (a text, id int NOT NULL);
INSERT INTO t2 SELECT 'a ' || n, n FROM generate_series(10, 20) n;
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 9) n;
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (100)
---- after
INSERT INTO t VALUES (50, 'x');
INSERT INTO t VALUES (15, 'x');
INSERT INTO t2 VALUES ('x', 5);
SELECT count(*) FROM t;

---- case attach_partition_with_default
-- the default partition is scanned, too
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t_rest PARTITION OF t DEFAULT;
CREATE TABLE t2 (id int NOT NULL, a text);
INSERT INTO t2 SELECT n, 'a ' || n FROM generate_series(10, 20) n;
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(100, 120) n;
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (100)
---- after
INSERT INTO t VALUES (50, 'x');
INSERT INTO t_rest VALUES (60, 'x');

---- case attach_partition_violated
---- expect error
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t2 (id int NOT NULL, a text);
INSERT INTO t2 SELECT n, 'a ' || n FROM generate_series(10, 20) n;
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (15) TO (100)

---- case attach_partition_default_violated
---- expect error
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t_rest PARTITION OF t DEFAULT;
CREATE TABLE t2 (id int NOT NULL, a text);
INSERT INTO t VALUES (50, 'x');
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (15) TO (100)

---- case attach_partition_overlap
---- expect error
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 (id int NOT NULL, a text);
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (5) TO (100)

---- case attach_partition_proved
---- strategy instant
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY LIST (id);
CREATE TABLE t2 (id int NOT NULL, a text, CHECK (id IN (1, 2)));
INSERT INTO t2 VALUES (1, 'x');
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES IN (1, 2)

---- case attach_sub_partitioned
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t2 (id int NOT NULL, a text) PARTITION BY HASH (a);
CREATE TABLE t2a PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE t2b PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON t (a);
INSERT INTO t2 SELECT n, 'a ' || n FROM generate_series(10, 20) n;
---- change
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (100)
---- after
INSERT INTO t2a VALUES (5, 'x');

---- case attach_default_partition
CREATE TABLE t (id int NOT NULL, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 (id int NOT NULL, a text);
INSERT INTO t2 SELECT n, 'a ' || n FROM generate_series(10, 20) n;
---- change
ALTER TABLE t ATTACH PARTITION t2 DEFAULT
---- after
INSERT INTO t2 VALUES (5, 'x');

---- case detach_partition
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t DETACH PARTITION t2
---- after
SELECT count(*) FROM t;
INSERT INTO t VALUES (50, 'x');
INSERT INTO t2 VALUES (5, 'x');

---- case detach_partition_concurrently
-- leaves a CHECK on the partition, natively: what the user asks for
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t DETACH PARTITION t2 CONCURRENTLY
---- after
SELECT count(*) FROM t;
INSERT INTO t2 VALUES (5, 'x');

---- case detach_partition_finalize
-- nothing is pending
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
---- change
ALTER TABLE t DETACH PARTITION t1 FINALIZE

---- case detach_with_default
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t DEFAULT;
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t DETACH PARTITION t1
---- after
INSERT INTO t VALUES (1, 'x') RETURNING tableoid::regclass;

---- case detach_referenced
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE r (t int REFERENCES t);
INSERT INTO t VALUES (1);
INSERT INTO r VALUES (1);
---- change
ALTER TABLE t DETACH PARTITION t1

---- case detach_not_a_partition
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE u (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t DETACH PARTITION u

---- case only_parent
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
---- change
ALTER TABLE ONLY t ADD COLUMN b int

---- case only_parent_default
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
---- change
ALTER TABLE ONLY t ALTER a SET DEFAULT 'parent'
---- after
INSERT INTO t VALUES (1) RETURNING a;
INSERT INTO t1 VALUES (2) RETURNING a;

---- case partitioned_referenced
-- foreign keys to a partitioned table whose key changes (not the partition key)
---- strategy copy
CREATE TABLE t (day int, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);
CREATE TABLE r (id int PRIMARY KEY, day int, t int, CONSTRAINT r_t FOREIGN KEY (day, t) REFERENCES t ON DELETE CASCADE);
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
INSERT INTO r SELECT n, n, n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
INSERT INTO r VALUES (100, 1, 2);
DELETE FROM t WHERE day IN (3, 13);
SELECT count(*) FROM r;

---- case partitioned_referencing
---- strategy copy
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (day int, p int, CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE SET NULL, UNIQUE (day, p)) PARTITION BY RANGE (day);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 (p int, day int);
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (100);
INSERT INTO p SELECT generate_series(1, 30);
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
ALTER TABLE t ADD COLUMN id int NOT NULL DEFAULT 0;
UPDATE t SET id = p;
ALTER TABLE t ADD PRIMARY KEY (day, id);
---- change
ALTER TABLE t ALTER p TYPE bigint
---- after
INSERT INTO t VALUES (1, 1000, 5);
DELETE FROM p WHERE id IN (3, 13);
SELECT count(*), count(p) FROM t;

---- case partitioned_triggers
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);
CREATE TABLE seen (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO eq_partitioned_triggers.seen VALUES (TG_NAME || '' '' || TG_TABLE_NAME); RETURN NEW; END';
CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER b AFTER INSERT ON t1 FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE t2 DISABLE TRIGGER a;
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE int USING a::int
---- after
TRUNCATE seen;
INSERT INTO t VALUES (0, 0), (50, 0);
SELECT * FROM seen ORDER BY 1;

---- case partitioned_drop_column
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text, b int) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 (b int, id int NOT NULL, a text);
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (100);
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t DROP COLUMN a
---- after
SELECT * FROM t2 WHERE id = 15;

---- case partitioned_set_logged
---- until 17
-- does nothing to a partitioned table
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1);
---- change
ALTER TABLE t SET UNLOGGED

---- case partitioned_set_logged_refused
---- since 18
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1);
---- change
ALTER TABLE t SET UNLOGGED

---- case partitioned_set_tablespace
-- only for partitions to come
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1);
---- change
ALTER TABLE t SET TABLESPACE eq_space
---- after
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = reltablespace WHERE relnamespace = current_schema()::regnamespace ORDER BY 1;

---- case partitioned_empty
-- no partition at all: nothing to copy
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
---- change
ALTER TABLE t ALTER a TYPE int USING a::int, ADD COLUMN s serial
---- after
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
INSERT INTO t VALUES (1, 5) RETURNING *;

---- case partitioned_without_key
---- strategy copy
CREATE TABLE t (id int, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (100);
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
INSERT INTO t SELECT n, n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE int USING a::int
---- after
SELECT count(*), sum(a) FROM t;
