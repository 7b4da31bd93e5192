-- types.sql: ALTER COLUMN TYPE, with and without the old type in sight.

---- bad int_to_bigint
---- schema
CREATE TABLE orders (id int PRIMARY KEY);
---- sql
---- expect 2:34 alter-type error
SET lock_timeout = '2s';
ALTER TABLE orders ALTER id TYPE bigint;

---- bad int_to_bigint_unseen
---- expect 2 alter-type error unsure
SET lock_timeout = '2s';
ALTER TABLE orders ALTER id TYPE bigint;

---- good wider
---- expect 2 prefer-text info
---- schema
CREATE TABLE t (a varchar(10), b varchar(10), c varchar, d numeric(8,2), e numeric(8,2), f timestamptz(3), g time(0), h varbit(4), i cidr, j text, k timestamp(3));
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE varchar(20);
ALTER TABLE t ALTER b TYPE text, ALTER c TYPE text, ALTER d TYPE numeric(10,2), ALTER e TYPE numeric, ALTER f TYPE timestamptz;
ALTER TABLE t ALTER g TYPE time(6), ALTER h TYPE varbit(8), ALTER i TYPE inet, ALTER j TYPE varchar, ALTER k TYPE timestamp(6);

---- bad narrower
---- expect 2 alter-type error
---- expect 2 prefer-text info
---- expect 3 alter-type error
---- expect 4 alter-type error
---- expect 5 alter-type error
---- expect 6 alter-type error
---- expect 6 char-type warning
---- schema
CREATE TABLE t (a varchar(10), b numeric(8,2), c numeric(8,2), d timestamptz, e char(3));
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE varchar(5);
ALTER TABLE t ALTER b TYPE numeric(10,3);
ALTER TABLE t ALTER c TYPE numeric(7,2);
ALTER TABLE t ALTER d TYPE timestamptz(3);
ALTER TABLE t ALTER e TYPE char(5);

---- bad other_types
---- schema
CREATE TYPE mood AS ENUM ('a');
CREATE TABLE t (a mood, b json, c text, d varchar(3)[], e bool, f date);
---- sql
---- expect 2 alter-type warning unsure
---- expect 3 alter-type error
---- expect 4 alter-type error
---- expect 5 alter-type error
---- expect 5 prefer-text info
---- expect 6 alter-type error
---- expect 7 alter-type error
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE text;
ALTER TABLE t ALTER b TYPE jsonb;
ALTER TABLE t ALTER c TYPE int USING c::int;
ALTER TABLE t ALTER d TYPE varchar(9)[];
ALTER TABLE t ALTER e TYPE int USING e::int;
ALTER TABLE t ALTER f TYPE timestamptz;

---- bad unseen_may_be_fine
---- expect 2 alter-type warning unsure
---- expect 3 alter-type warning unsure
---- expect 3 prefer-text info
---- expect 4 alter-type warning unsure
---- expect 5 alter-type warning unsure
SET lock_timeout = '2s';
ALTER TABLE orders ALTER note TYPE text;
ALTER TABLE orders ALTER remark TYPE varchar(20);
ALTER TABLE orders ALTER price TYPE numeric(12,2);
ALTER TABLE orders ALTER amount TYPE numeric;

---- bad using_that_computes
---- expect 2 alter-type error
---- expect 3 alter-type error
---- schema
CREATE TABLE t (a text, b text);
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE text USING upper(a);
ALTER TABLE t ALTER b TYPE text USING a;

---- good using_that_does_nothing
---- schema
CREATE TABLE t (a varchar(10), b varchar(10));
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE text USING a;
ALTER TABLE t ALTER b TYPE text USING b::text;

---- bad timestamp_unknown_zone
---- schema
CREATE TABLE t (a timestamp);
---- sql
---- expect 2 alter-type warning unsure
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE timestamptz;

---- good timestamp_utc
---- schema
CREATE TABLE t (a timestamp);
---- sql
SET lock_timeout = '2s';
SET TimeZone = 'UTC';
ALTER TABLE t ALTER a TYPE timestamptz;

---- good timestamp_utc_by_option
---- options --utc
---- schema
CREATE TABLE t (a timestamptz);
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE timestamp;

---- bad timestamp_other_zone
---- options --utc
---- schema
CREATE TABLE t (a timestamp);
---- sql
---- expect 3 alter-type error
SET lock_timeout = '2s';
SET TIME ZONE 'Europe/Berlin';
ALTER TABLE t ALTER a TYPE timestamptz;

---- bad indexed_timestamp_utc
---- options --utc
---- schema
CREATE TABLE t (a timestamp);
CREATE INDEX ON t (a);
---- sql
---- expect 2 alter-type-recheck error
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE timestamptz;

---- bad check_on_the_column
---- schema
CREATE TABLE t (a varchar(10) CHECK (a <> ''));
---- sql
---- expect 2 alter-type-recheck error
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE text;

---- bad expression_index_on_the_column
---- schema
CREATE TABLE t (a varchar(10), b int);
CREATE INDEX ON t (lower(a));
---- sql
---- expect 2 alter-type-recheck error
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE text;

---- good plain_index_on_the_column
---- schema
CREATE TABLE t (a varchar(10), b int);
CREATE UNIQUE INDEX ON t (a);
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE text;

---- bad domain_with_checks
---- schema
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE t (a int, b positive);
---- sql
---- expect 2 alter-type error
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE positive;
ALTER TABLE t ALTER b TYPE int;

---- good type_known_from_an_earlier_alter
---- schema
CREATE TABLE t (a int);
ALTER TABLE t ADD COLUMN b varchar(5);
---- sql
SET lock_timeout = '2s';
ALTER TABLE t ALTER b TYPE text;

---- bad type_forgotten_with_a_rename
---- schema
CREATE TABLE t (a int, b text);
ALTER TABLE t RENAME a TO c;
---- sql
---- expect 2 alter-type error
SET lock_timeout = '2s';
ALTER TABLE t ALTER c TYPE bigint;

---- bad quoted_names
---- schema
CREATE TABLE "Odd; name" ("A ""b""" int);
---- sql
---- expect 2 alter-type error
SET lock_timeout = '2s';
ALTER TABLE "Odd; name" ALTER "A ""b""" TYPE bigint;

---- bad several_in_one
---- schema
CREATE TABLE t (a int, b varchar(5), c int);
---- sql
---- expect 2:28 alter-type error
---- expect 4:31 alter-type error
SET lock_timeout = '2s';
ALTER TABLE t ALTER a TYPE bigint,
	ALTER b TYPE text, -- fine
	ALTER COLUMN c SET DATA TYPE numeric(10, 2);

---- bad type_changed_twice
---- expect 2 alter-type warning unsure
---- expect 3 alter-type error
---- expect 3 prefer-text info
SET lock_timeout = '2s';
ALTER TABLE orders ALTER note TYPE text;
ALTER TABLE orders ALTER note TYPE varchar(20);
