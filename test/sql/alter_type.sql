-- alter_type.sql: jobs that change types, against native ALTER TABLE: catalogs
-- and rows must be the same
\getenv abs_srcdir PG_ABS_SRCDIR
\set first_job 5001
\set ECHO none
\i :abs_srcdir/sql/include/common.sql
\set ECHO all

CREATE SCHEMA alter_type;
SET search_path = alter_type, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN short AS varchar(20);
CREATE TYPE pair AS (x int, y text);
CALL osc_test.twice($$
	CREATE TABLE t (
		id int PRIMARY KEY,
		a text NOT NULL DEFAULT 'none',
		b varchar(50),
		c numeric(10,2) DEFAULT 1.5,
		d int UNIQUE,
		e timestamptz,
		f jsonb,
		g alter_type.mood,
		h alter_type.positive DEFAULT 5,
		i alter_type.pair,
		j int[],
		k uuid,
		l char(5),
		m float8,
		n bytea,
		o int4range,
		p date,
		q boolean,
		r inet,
		s interval,
		CHECK (id > 0),
		CONSTRAINT a_short CHECK (length(a) < 1000));
	CREATE INDEX t_b_lower ON t (lower(b));
	CREATE INDEX t_c_d ON t (c DESC, d) WHERE d > 3;
	CREATE INDEX t_f ON t USING gin (f);
	CREATE INDEX t_o ON t USING gist (o);
	CREATE INDEX t_k ON t USING hash (k);
	CREATE INDEX t_e ON t USING brin (e);
	CREATE INDEX t_a ON t (a text_pattern_ops) INCLUDE (b);
	COMMENT ON INDEX t_a IS 'an index';
	COMMENT ON COLUMN t.a IS 'a column';
	COMMENT ON CONSTRAINT a_short ON t IS 'a constraint';
	CREATE STATISTICS t_stat (ndistinct, dependencies) ON c, d FROM t;
	INSERT INTO t SELECT n, 'a' || n, nullif('b' || n, 'b7'), n / 3.0, n,
		'2020-02-29 12:00+00'::timestamptz + n * interval '1 day', jsonb_build_object('k', n, 'a', ARRAY[n]),
		(ARRAY['sad', 'ok', 'happy'])[n % 3 + 1]::alter_type.mood, n, row(n, 'y' || n)::alter_type.pair,
		ARRAY[n, NULL, n + 1], md5(n::text)::uuid, n::text, n / 7.0, decode(md5(n::text), 'hex'),
		int4range(n, n + 2), '2021-01-01'::date + n, n % 2 = 0, ('10.0.0.' || n)::inet, n * interval '90 minutes'
	FROM generate_series(1, 60) n;
	INSERT INTO t (id) VALUES (100);
	INSERT INTO t (id, m, a) VALUES (101, 'NaN', ''), (102, '-0', ' '), (103, '-infinity', '#');
$$);
SELECT * FROM osc_test.differences('t');

-- the key
CALL osc_test.both('ALTER TABLE t ALTER id TYPE bigint');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER id TYPE int, ALTER id SET DEFAULT 7');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER id DROP DEFAULT, ALTER id TYPE smallint USING id');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER id TYPE numeric');
SELECT * FROM osc_test.differences('t');
CALL osc_test.twice($$
	CREATE TABLE k (a int, b uuid, c varchar(40), d date, e float4, f text NOT NULL,
		PRIMARY KEY (d, b, c, e, a), UNIQUE (f));
	INSERT INTO k SELECT n, md5(n::text)::uuid, chr(64 + n), '2020-01-01'::date + n, n / 3.0, n FROM generate_series(1, 20) n;
$$);
CALL osc_test.both('ALTER TABLE k ALTER a TYPE text USING a::text, ALTER f TYPE int USING f::int + 1');
SELECT * FROM osc_test.differences('k');
CALL osc_test.both('ALTER TABLE k ALTER b TYPE text, ALTER c TYPE text, ALTER d TYPE timestamp, ALTER e TYPE float8, ALTER f TYPE text');
SELECT * FROM osc_test.differences('k');
CALL osc_test.both('ALTER TABLE k ALTER c TYPE varchar, ALTER b TYPE text COLLATE "C", ALTER f TYPE varchar(30)');
SELECT * FROM osc_test.differences('k');
-- where the primary key does not survive, another one may
CALL osc_test.both('ALTER TABLE k ALTER d TYPE date, ALTER e TYPE float4');
SELECT * FROM osc_test.differences('k');

-- without USING: casts that native chooses
CALL osc_test.both('ALTER TABLE t ALTER a TYPE varchar(100)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER b TYPE text, ALTER c TYPE float8, ALTER d TYPE bigint');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER c TYPE numeric(20,5), ALTER d TYPE numeric, ALTER l TYPE varchar(10)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER c TYPE numeric(12,1), ALTER d TYPE int, ALTER l TYPE char(8)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER e TYPE timestamp, ALTER p TYPE timestamptz, ALTER s TYPE interval day');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER e TYPE timestamp(0), ALTER p TYPE date');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER g TYPE text, ALTER h TYPE int, ALTER j TYPE bigint[], ALTER k TYPE text');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER b TYPE alter_type.short, ALTER h TYPE alter_type.positive');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER m TYPE real, ALTER q TYPE text, ALTER r TYPE text');
SELECT * FROM osc_test.differences('t');
CALL osc_test.both('ALTER TABLE t ALTER a TYPE text COLLATE "C", ALTER b TYPE varchar(30) COLLATE "POSIX"');
SELECT * FROM osc_test.differences('t');

-- with USING
CALL osc_test.both('ALTER TABLE t ALTER c TYPE int USING round(c * 10)');
SELECT * FROM osc_test.differences('t');
CALL osc_test.twice('DROP INDEX t_f');
CALL osc_test.both($$ALTER TABLE t ALTER f DROP NOT NULL, ALTER f TYPE text USING f ->> 'k',
	ALTER j TYPE int USING coalesce(cardinality(j), -1)$$);
SELECT * FROM osc_test.differences('t');
CALL osc_test.both($$ALTER TABLE t ALTER i TYPE text USING (i).y, ALTER k TYPE uuid USING k::uuid,
	ALTER q TYPE boolean USING q::boolean, ALTER r TYPE int USING masklen(r::inet)$$);
SELECT * FROM osc_test.differences('t');
-- over several columns, whose old values it sees, with the table's name
CALL osc_test.both('ALTER TABLE t ALTER c TYPE bigint USING d, ALTER m TYPE numeric USING t.c + 1000');
SELECT * FROM osc_test.differences('t');
-- NULL from no NULL, no NULL from NULL
CALL osc_test.both($$ALTER TABLE t ALTER b TYPE text USING coalesce(b, 'was null'), ALTER g TYPE text USING nullif(g, 'sad')$$);
SELECT * FROM osc_test.differences('t');
-- the type stays, the values change
CALL osc_test.both($$ALTER TABLE t ALTER a TYPE text USING reverse(a), ALTER n TYPE bytea USING n || '\x00'$$);
SELECT * FROM osc_test.differences('t');
-- the type stays, nothing changes
CALL osc_test.both('ALTER TABLE t ALTER a TYPE text');
SELECT * FROM osc_test.differences('t');

-- a default is cast along
CALL osc_test.twice($$
	CREATE TABLE u (id int PRIMARY KEY, a int DEFAULT 3, b text DEFAULT '4', c timestamp DEFAULT now());
	INSERT INTO u (id, b, c) VALUES (1, '10', '2020-01-01'), (2, '20', NULL);
$$);
CALL osc_test.both('ALTER TABLE u ALTER a TYPE text, ALTER b DROP DEFAULT, ALTER b TYPE int USING b::int, ALTER b SET DEFAULT 9,
	ALTER c TYPE timestamptz');
SELECT * FROM osc_test.differences('u');

-- generated columns
CALL osc_test.twice($$
	CREATE TABLE v (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED, c text GENERATED ALWAYS AS ('c' || id) STORED);
	CREATE INDEX ON v (b);
	INSERT INTO v SELECT n, nullif(n, 5) FROM generate_series(1, 9) n;
$$);
CALL osc_test.both('ALTER TABLE v ALTER b TYPE bigint');
SELECT * FROM osc_test.differences('v');
-- one that goes in the same statement is in nobody's way
CALL osc_test.both('ALTER TABLE v DROP c, ALTER id TYPE bigint, ALTER b TYPE numeric');
SELECT * FROM osc_test.differences('v');
CALL osc_test.both('ALTER TABLE v DROP b, ALTER a TYPE text');
SELECT * FROM osc_test.differences('v');
CALL osc_test.both('ALTER TABLE v ALTER id TYPE text');
SELECT * FROM osc_test.differences('v');

-- no rows at all
CALL osc_test.twice('CREATE TABLE w (id int PRIMARY KEY, a text)');
CALL osc_test.both('ALTER TABLE w ALTER id TYPE bigint, ALTER a TYPE int USING a::int');
SELECT * FROM osc_test.differences('w');

-- what came out, to be sure that something did
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute a WHERE a.attrelid = 'online.t'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT id, a, b, c, d, e, f, g, h, i, j FROM online.t WHERE id IN (1, 7, 100) ORDER BY id;
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'online' AND tablename = 't' ORDER BY 1;
SET enable_seqscan = off;
SELECT count(*) FROM online.t WHERE o && '[5,6]';
SELECT count(*) FROM online.t WHERE k = md5('9')::uuid;
RESET enable_seqscan;

SELECT state, count(*) FROM osc_progress WHERE relation ~ '^online' AND job_id BETWEEN :first_job AND :first_job + 999 GROUP BY 1;
SELECT * FROM osc_test.left_behind();
SET client_min_messages = warning;
DROP SCHEMA alter_type, native, online CASCADE;
