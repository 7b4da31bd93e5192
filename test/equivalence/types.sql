-- types.sql: ALTER COLUMN TYPE, with a rewrite and without.

---- case type_int_to_bigint
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
INSERT INTO t VALUES (3000000000, 'x') RETURNING *;
INSERT INTO t VALUES (1, 'x') RETURNING *;

---- case type_serial_to_bigint
-- the sequence of a serial stays an integer sequence, that of an identity does not
---- strategy copy
CREATE TABLE t (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, a text);
INSERT INTO t (a) SELECT 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint, ALTER n TYPE bigint
---- after
INSERT INTO t (a) VALUES ('x') RETURNING *;
ALTER SEQUENCE t_id_seq RESTART WITH 2147483647;
INSERT INTO t (a) VALUES ('x'), ('y');
ALTER TABLE t ALTER n RESTART WITH 3000000000;
INSERT INTO t (id, a) VALUES (60, 'y') RETURNING *;

---- case type_bigint_to_int
---- strategy copy
CREATE TABLE t (id bigint PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id SET DATA TYPE int
---- after
INSERT INTO t VALUES (3000000000, 'x') RETURNING *;

---- case type_bigint_to_int_overflow
---- expect error
CREATE TABLE t (id bigint PRIMARY KEY, a text);
INSERT INTO t VALUES (1, 'a'), (3000000000, 'b');
---- change
ALTER TABLE t ALTER id TYPE int
---- after
SELECT * FROM t ORDER BY 1;

---- case type_varchar_wider
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a varchar(10) DEFAULT 'x', b varchar(5));
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE varchar(20), ALTER b TYPE text
---- after
INSERT INTO t VALUES (51, 'a longer text', 'a longer text') RETURNING *;
INSERT INTO t VALUES (52, 'a text that is far too long', 'x');

---- case type_varchar_wider_indexed
CREATE TABLE t (id int PRIMARY KEY, a varchar(10), b varchar(5));
CREATE INDEX t_a ON t (a);
CREATE INDEX t_lower ON t (lower(a));
CREATE INDEX t_some ON t (id) WHERE a > 'a 3';
CREATE INDEX t_pattern ON t (a varchar_pattern_ops);
COMMENT ON INDEX t_lower IS 'lower';
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE varchar(20)
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE lower(a) = 'a 17';
SELECT count(*) FROM t WHERE a > 'a 3';
INSERT INTO t VALUES (51, 'a longer text') RETURNING *;

---- case type_varchar_to_text_indexed
CREATE TABLE t (id int PRIMARY KEY, a varchar(10) UNIQUE, b varchar(5));
CREATE INDEX t_lower ON t (lower(a), b);
CREATE STATISTICS t_s ON a, b FROM t;
INSERT INTO t SELECT n, 'a ' || n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE text
---- after
SET enable_seqscan = off;
SELECT id FROM t WHERE lower(a) = 'a 17';
INSERT INTO t VALUES (51, 'a 17') RETURNING *;

---- case type_varchar_wider_check
-- the CHECK is made anew and the rows are scanned
CREATE TABLE t (id int PRIMARY KEY, a varchar(10) CHECK (a <> 'nothing'), CONSTRAINT old CHECK (length(a) < 3) NOT VALID);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE varchar(200)
---- after
INSERT INTO t VALUES (51, 'nothing');
INSERT INTO t VALUES (51, 'long');

---- case type_varchar_narrower
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a varchar(100));
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE varchar(4)
---- after
INSERT INTO t VALUES (51, 'a longer text') RETURNING *;

---- case type_varchar_too_narrow
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a varchar(100));
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE varchar(3)
---- after
INSERT INTO t VALUES (51, 'a longer text') RETURNING *;

---- case type_char_padding
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a char(5), b text);
INSERT INTO t SELECT n, 'a' || n, 'b  ' FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE text, ALTER b TYPE char(6)
---- after
SELECT '<' || a || '>', '<' || b || '>', octet_length(b) FROM t WHERE id = 3;

---- case type_numeric_wider
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a numeric(8,2), b numeric(8,2), c numeric);
INSERT INTO t SELECT n, n / 7.0, n / 7.0, n / 7.0 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE numeric(12,2), ALTER b TYPE numeric
---- after
INSERT INTO t VALUES (51, 1.239, 1.239, 0) RETURNING *;

---- case type_numeric_scale
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a numeric(8,2) DEFAULT 1.5, b numeric, c numeric(9,4));
INSERT INTO t SELECT n, n / 7.0, n / 7.0, 'NaN' FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE numeric(10,3), ALTER b TYPE numeric(10,1), ALTER c TYPE numeric(9,3)
---- after
INSERT INTO t (id) VALUES (51) RETURNING *;

---- case type_numeric_overflow
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a numeric);
INSERT INTO t VALUES (1, 5), (2, 12345);
---- change
ALTER TABLE t ALTER a TYPE numeric(4,1)
---- after
SELECT * FROM t ORDER BY id;

---- case type_varbit_wider
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a varbit(5), b bit varying(5));
INSERT INTO t SELECT n, n::bit(5), n::bit(5) FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE varbit(10), ALTER b TYPE varbit
---- after
INSERT INTO t VALUES (51, B'1111100000', B'1') RETURNING *;

---- case type_timestamp_precision
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a timestamp(0), b timestamptz(3), c time(2), d interval(1));
INSERT INTO t SELECT n, '2020-01-01'::timestamp + n * '1 s'::interval, '2020-01-01 UTC'::timestamptz + n * '1.5 s'::interval, '12:00'::time, n * '1.5 s'::interval FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE timestamp(3), ALTER b TYPE timestamptz, ALTER c TYPE time(6), ALTER d TYPE interval(4)
---- after
INSERT INTO t VALUES (51, '2020-01-01 12:00:00.1234', '2020-01-01 12:00:00.1234 UTC', '12:00:00.123456789', '1.23456 s') RETURNING id, a, b AT TIME ZONE 'UTC', c, d;

---- case type_timestamp_to_timestamptz_utc
---- strategy instant
---- set timezone = 'UTC'
CREATE TABLE t (id int PRIMARY KEY, a timestamp, b timestamptz);
INSERT INTO t SELECT n, '2020-01-01'::timestamp + n * '1 h'::interval, '2020-01-01 UTC'::timestamptz + n * '1 h'::interval FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE timestamptz, ALTER b TYPE timestamp
---- after
SELECT * FROM t WHERE id = 7;

---- case type_timestamp_to_timestamptz_berlin
---- strategy copy
---- set timezone = 'Europe/Berlin'
CREATE TABLE t (id int PRIMARY KEY, a timestamp, b timestamptz);
INSERT INTO t SELECT n, '2020-03-29'::timestamp + n * '1 h'::interval, '2020-03-29 UTC'::timestamptz + n * '1 h'::interval FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE timestamptz, ALTER b TYPE timestamp
---- after
SELECT * FROM t WHERE id < 7 ORDER BY id;

---- case type_text_to_date_style
-- DateStyle of the session decides what the text means
---- set datestyle = 'SQL, DMY'
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, '02/03/2020'), (2, '10/11/2020');
---- change
ALTER TABLE t ALTER a TYPE date USING a::date
---- after
SELECT to_char(a, 'YYYY-MM-DD') FROM t ORDER BY id;

---- case type_cidr_to_inet
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a cidr);
INSERT INTO t SELECT n, ('10.0.' || n || '.0/24')::cidr FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE inet
---- after
INSERT INTO t VALUES (30, '10.1.2.3/8') RETURNING *;

---- case type_text_to_citext
CREATE TABLE t (id int PRIMARY KEY, a text);
CREATE UNIQUE INDEX t_a ON t (a);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE public.citext
---- after
SELECT id FROM t WHERE a = 'A 7';
INSERT INTO t VALUES (30, 'A 7') RETURNING *;

---- case type_citext_to_text
CREATE TABLE t (id int PRIMARY KEY, a public.citext);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE text
---- after
SELECT id FROM t WHERE a = 'A 7';

---- case type_text_to_citext_duplicates
-- the unique index is built anew, and finds what citext calls equal
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);
INSERT INTO t VALUES (1, 'x'), (2, 'X');
---- change
ALTER TABLE t ALTER a TYPE public.citext
---- after
SELECT id FROM t WHERE a = 'x';

---- case type_enum_to_text
---- strategy copy
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE t (id int PRIMARY KEY, a mood DEFAULT 'ok');
INSERT INTO t SELECT n, (ARRAY['sad', 'ok', 'happy'])[n % 3 + 1]::mood FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE text
---- after
INSERT INTO t (id) VALUES (21) RETURNING *;

---- case type_text_to_enum
---- strategy copy
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'ok');
INSERT INTO t SELECT n, (ARRAY['sad', 'ok', 'happy'])[n % 3 + 1] FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE mood USING a::mood, ALTER a SET DEFAULT 'happy'
---- after
INSERT INTO t (id) VALUES (21) RETURNING *;
INSERT INTO t VALUES (22, 'bad');
SELECT a, count(*) FROM t GROUP BY a ORDER BY a;

---- case type_default_cannot_be_cast
---- expect error start
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'ok');
INSERT INTO t VALUES (1, 'sad');
---- change
ALTER TABLE t ALTER a TYPE mood USING a::mood

---- case type_json_to_jsonb
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a json, b jsonb);
INSERT INTO t SELECT n, '{"b": 1,  "a": [1,2 ,3], "b": 2}', '{"x": 1}' FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE jsonb, ALTER b TYPE json
---- after
SELECT * FROM t WHERE id = 3;
CREATE INDEX ON t USING gin (a);

---- case type_array
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int[], b text[], c int);
CREATE INDEX t_a ON t USING gin (a);
INSERT INTO t SELECT n, ARRAY[n, NULL, n + 1], ARRAY['1', '2'], n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE bigint[], ALTER b TYPE int[] USING b::int[], ALTER c TYPE int[] USING ARRAY[c]
---- after
SELECT * FROM t WHERE a @> '{7}'::bigint[] ORDER BY id;

---- case type_range
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int4range, b daterange, EXCLUDE USING gist (a WITH &&));
INSERT INTO t SELECT n, int4range(n * 10, n * 10 + 5), daterange('2020-01-01', '2020-01-01'::date + n) FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE int8range USING int8range(lower(a), upper(a)), ALTER b TYPE tsrange USING tsrange(lower(b), upper(b))
---- after
INSERT INTO t VALUES (30, '[52,54)');
SELECT * FROM t WHERE id = 3;

---- case type_domain
---- strategy copy
CREATE DOMAIN short AS varchar(10) CHECK (VALUE <> 'bad');
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE short
---- after
INSERT INTO t VALUES (30, 'bad');
INSERT INTO t VALUES (30, 'this is too long for it');

---- case type_domain_violated
---- expect error
CREATE DOMAIN short AS text CHECK (VALUE <> 'a 7');
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE short

---- case type_domain_to_base
---- strategy instant
CREATE DOMAIN short AS text CHECK (VALUE <> 'bad');
CREATE TABLE t (id int PRIMARY KEY, a short);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE text
---- after
INSERT INTO t VALUES (30, 'bad');

---- case type_composite
---- strategy copy
CREATE TYPE point3 AS (x int, y int, z int);
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, format('(%s,%s,%s)', n, n + 1, n + 2) FROM generate_series(1, 20) n;
---- change
ALTER TABLE t ALTER a TYPE point3 USING a::point3
---- after
SELECT (a).y FROM t WHERE id = 4;
ALTER TYPE point3 ADD ATTRIBUTE w int;

---- case type_using
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int, b text DEFAULT 'b');
INSERT INTO t SELECT n, n, 'b' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE text USING CASE WHEN a % 2 = 0 THEN b || '/' || id END, ALTER b TYPE int USING a * 100, ALTER b DROP DEFAULT
---- after
SELECT * FROM t WHERE id < 5 ORDER BY id;

---- case type_using_key
-- values of the key are computed
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint USING id * 1000000000::bigint
---- after
SELECT min(id), max(id) FROM t;

---- case type_using_key_duplicates
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t SELECT n, 'a ' || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint USING id / 10
---- after
SELECT min(id), max(id) FROM t;

---- case type_bad_cast
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a text);
INSERT INTO t VALUES (1, '5'), (2, 'x');
---- change
ALTER TABLE t ALTER a TYPE int USING a::int
---- after
SELECT * FROM t ORDER BY id;

---- case type_no_cast
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ALTER a TYPE int

---- case type_using_subquery
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a text);
---- change
ALTER TABLE t ALTER a TYPE int USING (SELECT 1)

---- case type_collation
-- another collation keeps the rows, and rebuilds the index
CREATE TABLE t (id int PRIMARY KEY, a text COLLATE "C", b text);
CREATE INDEX t_a ON t (a);
INSERT INTO t SELECT n, CASE WHEN n % 2 = 0 THEN 'x' ELSE 'X' END || n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE text COLLATE "en-x-icu"
---- after
SET enable_seqscan = off;
SELECT a FROM t ORDER BY a LIMIT 3;
EXPLAIN (COSTS off) SELECT a FROM t ORDER BY a;

---- case type_collation_plain
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a varchar(10) COLLATE "C");
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE varchar(10) COLLATE "POSIX"
---- after
SELECT a FROM t ORDER BY a LIMIT 3;

---- case type_same
---- strategy instant
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE int
---- after
INSERT INTO t VALUES (51, 1);

---- case type_generated_column
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER g TYPE bigint
---- after
INSERT INTO t VALUES (51, 1) RETURNING *;
UPDATE t SET a = 5 WHERE id = 4 RETURNING *;

---- case type_used_by_generated
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_used_by_view
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE VIEW v AS SELECT a + 1 AS b FROM t;
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint
---- after
SELECT count(*) FROM v;

---- case type_used_by_matview
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE MATERIALIZED VIEW v AS SELECT a + 1 AS b FROM t;
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_used_by_rule
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE other (a int);
CREATE RULE r AS ON INSERT TO t DO ALSO INSERT INTO other VALUES (NEW.a);
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_used_by_trigger_of
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f();
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_used_by_trigger_when
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.a <> NEW.a) EXECUTE FUNCTION f();
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_used_by_policy
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE POLICY p ON t USING (a > 5);
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_used_by_publication
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE PUBLICATION eq_type_used_by_publication FOR TABLE t WHERE (id > 5 AND a > 5);
ALTER TABLE t REPLICA IDENTITY FULL;
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_row_type_in_use
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE other (id int PRIMARY KEY, r t);
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case add_column_row_type_in_use
-- a new column without a value for existing rows is fine there
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE other (id int PRIMARY KEY, r t);
INSERT INTO other VALUES (1, (1, 2));
---- change
ALTER TABLE t ADD COLUMN b int
---- after
SELECT * FROM other;

---- case add_default_row_type_in_use
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE other (id int PRIMARY KEY, r t);
INSERT INTO other VALUES (1, (1, 2));
---- change
ALTER TABLE t ADD COLUMN b int DEFAULT 4

---- case type_used_by_function_body
-- a SQL function with a parsed body
---- expect error start
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t; END;
---- change
ALTER TABLE t ALTER a TYPE bigint

---- case type_with_statistics_object
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
CREATE STATISTICS s_plain (ndistinct, dependencies) ON a, b FROM t;
CREATE STATISTICS s_expression ON (a + b), b FROM t;
ALTER STATISTICS s_plain SET STATISTICS 77;
COMMENT ON STATISTICS s_plain IS 'kept';
INSERT INTO t SELECT n, n % 3, n % 5 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint
---- after
ANALYZE t;
SELECT statistics_name, exprs, regexp_replace(n_distinct::text, '"[0-9, ]*"', '"a, b"') FROM pg_stats_ext WHERE schemaname = current_schema() ORDER BY 1;

---- case type_of_partial_unique
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int, deleted boolean DEFAULT false);
CREATE UNIQUE INDEX t_live ON t (a) INCLUDE (id) WHERE NOT deleted;
INSERT INTO t SELECT n, n % 25, n > 25 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE text
---- after
INSERT INTO t VALUES (60, '3');
INSERT INTO t VALUES (61, '3', true);

---- case type_and_not_null_and_default
---- strategy copy
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, nullif(n % 7, 0) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE text USING coalesce(a::text, 'none'), ALTER a SET NOT NULL, ALTER a SET DEFAULT 'nothing'
---- after
INSERT INTO t (id) VALUES (51) RETURNING *;
SELECT count(*) FROM t WHERE a = 'none';

---- case type_and_not_null_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, nullif(n, 7) FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint, ALTER a SET NOT NULL

---- case type_using_makes_null
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint USING nullif(a, 7)

---- case type_and_check_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint, ADD CONSTRAINT small CHECK (a < 50)

---- case type_violates_old_check
-- the new values do not satisfy a CHECK that the old ones do
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT small CHECK (a < 100));
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint USING a * 10

---- case type_and_unique_violated
---- expect error
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT n, n % 40 FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint, ADD CONSTRAINT t_a UNIQUE (a)

---- case type_orphans_of_new_values
-- the key that is referred to gets other values
---- expect error
CREATE TABLE t (id int PRIMARY KEY);
CREATE TABLE r (id int PRIMARY KEY, t int CONSTRAINT r_to_t REFERENCES t);
INSERT INTO t SELECT n FROM generate_series(1, 50) n;
INSERT INTO r SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER id TYPE bigint USING id + 1000

---- case type_constraints_replaced
-- constraints of one name go and come
CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 5, CONSTRAINT c CHECK (a > 0), CONSTRAINT u UNIQUE (a, id));
INSERT INTO t SELECT n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t DROP CONSTRAINT c, DROP CONSTRAINT u, ALTER a TYPE bigint, ADD CONSTRAINT c CHECK (a < 1000), ADD CONSTRAINT u UNIQUE (a), ALTER a SET DEFAULT 7, ALTER a SET NOT NULL
---- after
INSERT INTO t VALUES (60, 2000);
INSERT INTO t VALUES (60, 7);
INSERT INTO t VALUES (60, -7) RETURNING *;
INSERT INTO t (id) VALUES (60);
INSERT INTO t (id, a) VALUES (61, NULL);

---- case type_indexes_of_every_kind
CREATE TABLE t (id int PRIMARY KEY, a int, b text, c int[]);
CREATE INDEX t_include ON t (b) INCLUDE (a);
CREATE UNIQUE INDEX t_unique ON t (a DESC NULLS LAST, b) WHERE a > 5;
CREATE UNIQUE INDEX t_nulls ON t (a) NULLS NOT DISTINCT;
CREATE INDEX t_hash ON t USING hash (a) WITH (fillfactor = 60) TABLESPACE eq_space;
CREATE INDEX t_brin ON t USING brin (a) WITH (pages_per_range = 4);
CREATE INDEX t_expression ON t ((a + id), b text_pattern_ops);
CREATE INDEX "t: odd ""name""" ON t USING gin (c) WITH (fastupdate = off);
ALTER INDEX t_expression ALTER COLUMN 1 SET STATISTICS 300;
COMMENT ON INDEX t_hash IS 'hashed';
INSERT INTO t SELECT n, n, 'b ' || n, ARRAY[n] FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE varchar(30), ALTER c TYPE bigint[]
---- after
INSERT INTO t VALUES (60, 7, 'b 7', NULL);
SET enable_seqscan = off;
SELECT id FROM t WHERE a + id = 14 AND b = 'b 7';

---- case type_keeps_settings_of_column
CREATE TABLE t (id int PRIMARY KEY, a varchar(500), b varchar(500), c int);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER a SET STATISTICS 700, ALTER a SET (n_distinct = -0.7), ALTER b SET COMPRESSION lz4;
COMMENT ON COLUMN t.a IS 'a comment';
GRANT SELECT (a), UPDATE (a) ON t TO eq_reader WITH GRANT OPTION;
GRANT SELECT (b) ON t TO PUBLIC;
INSERT INTO t SELECT n, repeat('a', n * 9), repeat('b', n * 9), n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE text, ALTER b TYPE varchar(800)
---- after
SELECT attname, attacl FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1;

---- case type_in_default_tablespace
-- what is there stays where it is, what is new goes where the session wants it
---- set default_tablespace = 'eq_space'
CREATE TABLE t (id int, a int, b int) TABLESPACE pg_default;
ALTER TABLE t SET TABLESPACE pg_default;
CREATE UNIQUE INDEX t_id ON t (id) TABLESPACE pg_default;
ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_id;
CREATE INDEX t_a ON t (a) TABLESPACE pg_default;
CREATE INDEX t_b ON t (a, b) TABLESPACE eq_space;
INSERT INTO t SELECT n, n, n FROM generate_series(1, 50) n;
---- change
ALTER TABLE t ALTER a TYPE bigint, ADD CONSTRAINT t_u UNIQUE (a)
---- after
SELECT indexrelid::regclass, reltablespace <> 0 AS elsewhere FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 't'::regclass ORDER BY 1;

---- case type_foreign_keys_with_actions
CREATE TABLE p (id int PRIMARY KEY, code int UNIQUE);
CREATE TABLE t (id int PRIMARY KEY, p int CONSTRAINT t_p REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED, code int REFERENCES p (code) MATCH FULL, up int REFERENCES t ON DELETE CASCADE, UNIQUE (p, id));
CREATE TABLE r (id int PRIMARY KEY, p int, t int, FOREIGN KEY (p, t) REFERENCES t (p, id) ON DELETE SET NULL (p) ON UPDATE SET DEFAULT);
ALTER TABLE t ADD CONSTRAINT t_again FOREIGN KEY (code) REFERENCES p NOT VALID;
COMMENT ON CONSTRAINT t_p ON t IS 'to p';
INSERT INTO p SELECT n, n FROM generate_series(1, 50) n;
INSERT INTO t SELECT n, n, n, nullif(n - 1, 0) FROM generate_series(1, 50) n;
INSERT INTO r SELECT n, n, n FROM generate_series(1, 40) n;
---- change
ALTER TABLE t ALTER p TYPE bigint, ALTER up TYPE bigint, ALTER code TYPE bigint
---- after
INSERT INTO t (id, p) VALUES (60, 600);
INSERT INTO t (id, code) VALUES (60, 600);
UPDATE p SET id = 500 WHERE id = 50;
SELECT p FROM t WHERE id = 50;
DELETE FROM p WHERE id = 49 OR code = 49;
DELETE FROM t WHERE id = 48;
SELECT count(*) FROM t;
SELECT count(*) FILTER (WHERE p IS NULL) FROM r;

---- case type_identity_and_references
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY, a text);
CREATE TABLE r (id serial PRIMARY KEY, t int REFERENCES t);
INSERT INTO t (a) SELECT n FROM generate_series(1, 50) n;
INSERT INTO r (t) SELECT id FROM t;
GRANT USAGE ON SEQUENCE t_id_seq TO eq_reader;
COMMENT ON COLUMN t.id IS 'key';
---- change
ALTER TABLE t ALTER id TYPE bigint
---- after
INSERT INTO t (a) VALUES ('x') RETURNING id;
INSERT INTO t (id, a) VALUES (1, 'x');
INSERT INTO r (t) VALUES (11);
SELECT pg_get_serial_sequence('t', 'id');

---- case type_and_foreign_key
CREATE TABLE p (id bigint PRIMARY KEY, a int, UNIQUE (a, id));
INSERT INTO p SELECT n, n FROM generate_series(1, 50) n;
CREATE TABLE t (id int PRIMARY KEY, p int, a int);
INSERT INTO t SELECT n, n, n FROM generate_series(1, 40) n;
---- change
ALTER TABLE t ALTER p TYPE bigint, ADD FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE,
	ADD CONSTRAINT two FOREIGN KEY (a, p) REFERENCES p (a, id) MATCH FULL ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED
---- after
INSERT INTO t VALUES (60, 70, 70);
DELETE FROM p WHERE id = 7;
SELECT count(*) FROM t;
UPDATE p SET a = 100 WHERE id = 8;
SELECT * FROM t WHERE id = 8;

---- case type_and_foreign_key_violated
---- expect error
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO t VALUES (1, 1);
---- change
ALTER TABLE t ALTER p TYPE bigint, ADD FOREIGN KEY (p) REFERENCES p

---- case type_and_foreign_key_not_valid
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int);
INSERT INTO t VALUES (1, 1);
---- change
ALTER TABLE t ALTER p TYPE bigint, ADD FOREIGN KEY (p) REFERENCES p NOT VALID
---- after
INSERT INTO t VALUES (2, 2);
