-- foreign_keys.sql: foreign keys that a change adds, alters or drops, and those that it finds.

---- case add_foreign_key
---- strategy constraint
CREATE TABLE p (id int PRIMARY KEY, a text);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE
---- after
INSERT INTO t VALUES (51, 11);
UPDATE p SET id = 100 WHERE id = 1;
DELETE FROM p WHERE id = 2;
SELECT count(*), max(p) FROM t;

---- case add_foreign_key_unnamed
---- strategy constraint
CREATE TABLE p (id int PRIMARY KEY, a text UNIQUE);
CREATE TABLE t (id int PRIMARY KEY, p int, a text, CONSTRAINT t_p_fkey CHECK (p > 0));
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p, ADD FOREIGN KEY (a) REFERENCES p (a) ON DELETE SET NULL
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p WHERE id = 2;

---- case add_foreign_key_kinds
---- strategy constraint
CREATE TABLE p (a int, b text, PRIMARY KEY (a, b));
CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b text DEFAULT '1', c int, d text);
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1, n % 10 + 1, n % 10 + 1, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT one FOREIGN KEY (a, b) REFERENCES p MATCH FULL ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED, ADD CONSTRAINT two FOREIGN KEY (c, d) REFERENCES p ON DELETE SET NULL (d) DEFERRABLE
---- after
INSERT INTO t VALUES (51, NULL, 'x', 1, '1');
BEGIN;
DELETE FROM p WHERE a = 4;
SELECT count(*) FROM t WHERE d IS NULL;
COMMIT;
SELECT a, c, d, count(*) FROM t GROUP BY a, c, d ORDER BY a, c, d;

---- case add_foreign_key_not_valid
---- strategy instant
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p NOT VALID
---- after
INSERT INTO t VALUES (51, 11);
UPDATE t SET id = 100 WHERE id = 50;
ALTER TABLE t VALIDATE CONSTRAINT t_p;

---- case add_foreign_key_self
---- strategy constraint
CREATE TABLE t (id int PRIMARY KEY, boss int);
INSERT INTO t SELECT n, nullif(n / 2, 0) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_boss FOREIGN KEY (boss) REFERENCES t ON DELETE SET NULL
---- after
INSERT INTO t VALUES (51, 1000);
DELETE FROM t WHERE id = 2;
SELECT count(*) FROM t WHERE boss IS NULL;

---- case add_foreign_key_violated
---- expect error
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p;

---- case add_foreign_key_no_unique
---- expect error
CREATE TABLE p (id int);
CREATE TABLE t (id int PRIMARY KEY, p int);
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p (id)

---- case add_foreign_key_type_mismatch
---- expect error
CREATE TABLE p (id text PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p (id)

---- case add_foreign_key_missing_table
---- expect error
CREATE TABLE t (id int PRIMARY KEY, p int);
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES nothing (id)

---- case add_foreign_key_no_right
---- expect error
---- role eq_owner
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
ALTER TABLE t OWNER TO eq_owner;
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p (id)

---- case add_foreign_key_to_partitioned
CREATE TABLE p (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5);
CREATE TABLE p2 (a text, id int NOT NULL);
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (5) TO (100);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p WHERE id = 7;
DELETE FROM p1 WHERE id = 2;
SELECT count(*) FROM t;

---- case add_foreign_key_from_partitioned
CREATE TABLE p (id int PRIMARY KEY, a text);
CREATE TABLE t (id int, p int) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (25);
CREATE TABLE t2 (p int, gone int, id int);
ALTER TABLE t2 DROP COLUMN gone;
ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (25) TO (100);
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p WHERE id = 7;
SELECT count(*) FROM t;
CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (100) TO (200);
INSERT INTO t3 VALUES (101, 7);

---- case add_foreign_key_with_copy
-- in one statement with a rewrite
---- strategy copy
CREATE TABLE p (id bigint PRIMARY KEY, a text);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER p TYPE bigint, ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p WHERE id = 7;
SELECT count(*) FROM t;

---- case add_foreign_key_with_copy_violated
---- expect error
CREATE TABLE p (id bigint PRIMARY KEY, a text);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n, n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER p TYPE bigint, ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE
---- after
INSERT INTO t VALUES (51, 11);

---- case alter_foreign_key
---- strategy instant
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER CONSTRAINT t_p DEFERRABLE INITIALLY DEFERRED
---- after
BEGIN;
INSERT INTO t VALUES (51, 11);
INSERT INTO p VALUES (11);
COMMIT;
INSERT INTO t VALUES (52, 12);

---- case drop_foreign_key
---- strategy instant
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP CONSTRAINT t_p
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p;

---- case validate_foreign_key
---- strategy constraint
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p NOT VALID;
---- change
ALTER TABLE t VALIDATE CONSTRAINT t_p
---- after
INSERT INTO t VALUES (51, 11);

---- case validate_foreign_key_violated
---- expect error
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p NOT VALID;
---- change
ALTER TABLE t VALIDATE CONSTRAINT t_p
---- after
INSERT INTO t VALUES (51, 11);

---- case copy_referencing_column
-- the referencing column changes its type: the foreign key is made anew
---- strategy copy
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE);
COMMENT ON CONSTRAINT t_p ON t IS 'stays';
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER p TYPE bigint
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM p WHERE id = 4;
UPDATE p SET id = 3000000000 WHERE id = 5;
SELECT p, count(*) FROM t GROUP BY p ORDER BY p;

---- case copy_referenced_column
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE r1 (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE);
CREATE TABLE r2 (id int PRIMARY KEY, t int, CONSTRAINT r2_t FOREIGN KEY (t) REFERENCES t ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE r3 (id int PRIMARY KEY, t bigint REFERENCES t NOT DEFERRABLE);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
INSERT INTO r1 SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO r2 SELECT n, n + 10 FROM generate_series(1, 20) n;
INSERT INTO r3 VALUES (1, 40);
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
DELETE FROM t WHERE id IN (1, 2);
DELETE FROM t WHERE id = 40;
DELETE FROM t WHERE id = 15;
UPDATE t SET id = 3000000000 WHERE id = 12;
SELECT count(*), count(t) FROM r2;
INSERT INTO r1 VALUES (100, 1000);
SELECT count(*) FROM r1;

---- case copy_referenced_not_valid
-- foreign keys that were not valid stay so, whatever their rows
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, o int, a text);
CREATE TABLE r1 (id int PRIMARY KEY, t int);
INSERT INTO t SELECT n, n, 'a ' || n FROM generate_series(1, 50) n;
INSERT INTO r1 VALUES (1, 1000), (2, 2);
ALTER TABLE r1 ADD CONSTRAINT r1_t FOREIGN KEY (t) REFERENCES t NOT VALID;
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p VALUES (1);
ALTER TABLE t ADD CONSTRAINT t_o FOREIGN KEY (o) REFERENCES p NOT VALID;
---- change
ALTER TABLE t ALTER id TYPE bigint, ALTER o TYPE bigint
---- after
INSERT INTO r1 VALUES (3, 1001);
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (60, 2, 'x');
ALTER TABLE r1 VALIDATE CONSTRAINT r1_t;

---- case copy_self_reference
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, boss int REFERENCES t ON DELETE CASCADE);
INSERT INTO t SELECT n, nullif(n / 2, 0) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint, ALTER boss TYPE bigint
---- after
INSERT INTO t VALUES (51, 1000);
DELETE FROM t WHERE id = 2;
SELECT count(*) FROM t;

---- case copy_untouched_foreign_keys
-- foreign keys on columns that keep their type
---- strategy copy
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES p, a int);
CREATE TABLE r (id int PRIMARY KEY, t int REFERENCES t);
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t SELECT n, n % 10 + 1, n FROM generate_series(1, 50) n;
INSERT INTO r SELECT n, n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE text
---- after
INSERT INTO t VALUES (51, 11);
DELETE FROM t WHERE id = 3;
DELETE FROM p WHERE id = 3;

---- case copy_referenced_by_partitioned
-- a partitioned table refers to the column that changes
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE TABLE r (id int, t int REFERENCES t ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (25);
CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (25) TO (100);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
INSERT INTO r SELECT n, n FROM generate_series(1, 40) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
INSERT INTO r VALUES (60, 100);
DELETE FROM t WHERE id IN (5, 30);
SELECT count(*) FROM r;

---- case copy_untouched_by_partitioned
-- a partitioned table refers to a column that does not change
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE r (id int, t int REFERENCES t ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (100);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO r SELECT n, n FROM generate_series(1, 40) n;
---- change
ALTER TABLE t ALTER a TYPE bigint
---- after
INSERT INTO r VALUES (60, 100);
DELETE FROM t WHERE id IN (5, 30);
SELECT count(*) FROM r;

---- case two_tables_refer_to_each_other
-- a circle; one of the two is changed
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, u int);
CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO u SELECT n, n FROM generate_series(1, 50) n;
ALTER TABLE t ADD CONSTRAINT t_u FOREIGN KEY (u) REFERENCES u DEFERRABLE;
---- change
ALTER TABLE t ALTER id TYPE bigint, ALTER u TYPE bigint
---- after
BEGIN;
INSERT INTO u VALUES (60, 60);
INSERT INTO t VALUES (60, 60);
COMMIT;
DELETE FROM t WHERE id = 3;
