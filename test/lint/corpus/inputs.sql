-- inputs.sql: what teams have: output of tools, psql's commands and variables, odd quoting.

---- bad alembic
---- expect 11 alter-type error unsure
---- expect 17 create-index error
BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 1975ea83b712

SET LOCAL lock_timeout = '2s';
ALTER TABLE account ALTER COLUMN id TYPE BIGINT;

UPDATE alembic_version SET version_num='1975ea83b712' WHERE alembic_version.version_num = 'ae1027a6acf';

-- Running upgrade 1975ea83b712 -> 27c6a30d7c24

CREATE INDEX ix_account_name ON account (name);

INSERT INTO alembic_version (version_num) VALUES ('27c6a30d7c24') RETURNING alembic_version.version_num;

COMMIT;

---- bad sqitch
---- expect 6 set-not-null error
-- Deploy flipr:users to pg
-- requires: appschema

BEGIN;
SET LOCAL lock_timeout = '1s';
ALTER TABLE flipr.users ALTER COLUMN email SET NOT NULL;
COMMIT;

---- bad flyway_placeholders
---- expect 2 add-check error
SET lock_timeout = '2s';
ALTER TABLE ${schema}.orders ADD CONSTRAINT ${prefix}_c CHECK (price > ${minimum});

---- bad flyway_placeholders_in_names
---- expect 2 create-index error
SET lock_timeout = '2s';
CREATE INDEX i_${schema}_a ON ${schema}.t_${name} (${column}, b$c) WHERE x = '${value}';

---- bad psql_commands
---- expect 7 add-check error
\set ON_ERROR_STOP on
\timing
\echo 'it''s; not SQL'
SET lock_timeout = '2s';
\if :{?x}
SELECT 1 \gset
ALTER TABLE :schema.orders ADD CONSTRAINT c CHECK (kind <> :'kind' AND "K" <> :"column");
\endif
\! echo done; rm nothing

---- bad copy_data
---- expect 6 create-index error
SET lock_timeout = '2s';
COPY orders (a, b) FROM stdin;
1	'it's; ALTER TABLE x
2	$$ "
\.
CREATE INDEX ON orders (a);

---- good dollar_quoting
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
	-- ; CREATE INDEX ON orders (a);
	EXECUTE $$ CREATE INDEX ON orders (a); $$;
END;
$body$;
DO $do$ BEGIN PERFORM 1; END $do$;
SELECT $$it's; fine$$, $a$ $$ ; $a$, E'it\'s; fine', 'a''b;', U&'d\0061t\+000061', "odd;name" FROM t;

---- bad begin_atomic
---- expect 8 create-index error
SET lock_timeout = '2s';
CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql
BEGIN ATOMIC
	SELECT 1;
	SELECT CASE WHEN a > 1 THEN 2 END;
END;
/* ; */ -- ;
CREATE INDEX ON orders (a);

---- bad comments
---- expect 4 create-index error
SET lock_timeout = '2s';
/* outer /* inner; */ ; */
-- ; ' " $$
CREATE /* why; */ INDEX -- not;
	ON orders (a) -- the end;

---- bad rule_with_statements
---- expect 3 create-index error
SET lock_timeout = '2s';
CREATE RULE r AS ON INSERT TO v DO INSTEAD (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2));
CREATE INDEX ON orders (a)

---- good array_slices_and_casts
SELECT a[1:2], b::text, c::int[], d[x:y] FROM t WHERE e @> '{1}'::int[];

---- good nothing
-- nothing to do

---- good backslash_semicolon
BEGIN\; SELECT 1\; COMMIT;

---- bad upper_case_and_odd_spaces
---- expect 3 alter-type error unsure
SET lock_timeout = '2s';
ALTER	TABLE
  ONLY "Orders"	ALTER   COLUMN	"Id"	SET DATA TYPE	BIGINT	;

---- good ignored
SET lock_timeout = '2s';
-- osc-lint: ignore create-index the table is tiny
CREATE INDEX ON orders (a);
CREATE INDEX ON orders (b); -- osc-lint: ignore create-index the table is tiny
ALTER TABLE orders
	ADD COLUMN r float DEFAULT random(), -- osc-lint: ignore add-column-volatile-default on purpose
	DROP COLUMN a; /* osc-lint: ignore drop-column nobody uses it */

---- bad ignored_elsewhere
---- expect 4 create-index error
---- expect 7 add-check error
SET lock_timeout = '2s';
-- osc-lint: ignore create-index the table is tiny
CREATE INDEX ON orders (a);
CREATE INDEX ON orders (b);
SELECT 1; -- osc-lint: ignore add-check this one only

ALTER TABLE orders ADD CHECK (a > 0); 

---- good ignored_in_the_file
-- osc-lint: ignore-file require-lock-timeout,create-index the tool sets it
CREATE INDEX ON orders (a);
ALTER TABLE orders ADD COLUMN n int;

---- bad ignored_at_the_end
---- expect 3 foreign-key-without-index warning
SET lock_timeout = '2s';
CREATE TABLE a (id bigint PRIMARY KEY, o bigint REFERENCES orders); -- osc-lint: ignore foreign-key-without-index few rows
CREATE TABLE b (id bigint PRIMARY KEY, o bigint REFERENCES orders);

---- bad severities_by_option
---- options --severity drop-column=error --severity create-index=off --severity rename-column=info
---- expect 2 drop-column error
---- expect 3 rename-column info
SET lock_timeout = '2s';
ALTER TABLE orders DROP COLUMN a;
ALTER TABLE orders RENAME b TO c;
CREATE INDEX ON orders (a);
