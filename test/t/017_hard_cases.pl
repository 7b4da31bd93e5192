# 017_hard_cases.pl: what has cost other tools rows, or their users an outage, and does not show in
# an ordinary load.
#
# Writes: keys that are equal and differ, rows that are born frozen, TRUNCATE of more than the
# table. Names: another table, type or function of the name comes meanwhile. Resources: disk
# space, a lock that is not to be had. And what a superuser can do by force.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = osc_node('hard');
my %by_hand = (args => "run => 'manual', swap => 'manual'", set => { batch_size => 1, swap_max_backlog => 100000, swap_timeout => '60s' });
my @phases = qw(preparing backfilling indexing catching_up validating ready);

sql($node, <<'SQL');
CREATE PROCEDURE advance(job bigint, until text) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 2000 LOOP
		EXIT WHEN osc_step(job) IN (until, 'ready');
		COMMIT;
		PERFORM pg_sleep(0.002);
	END LOOP;
END $$;
SQL

# Drives a job by hand to its end; in each phase, and on both sides of the swap, $write is called
# with the phase.
sub drive
{
	my ($job, $write) = @_;
	for my $phase (@phases)
	{
		sql($node, "CALL advance($job, '$phase')");
		sql($node, "SELECT osc_backfill_batch($job)") if $phase eq 'backfilling';
		$write->($phase);
	}
	sql($node, "CALL advance($job, 'ready')");
	$write->('swap');
	# a TRUNCATE sends it back to the backfill
	sql($node, "CALL advance($job, 'ready')");
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	$write->('swapped');
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'the job is done') or explain_job($node, $job);
	return;
}

# osc_swap(), which may be refused: 't' or ''. That a lock was not to be had is no answer.
sub swapped_or_refused
{
	my ($job) = @_;
	my ($swapped, $err) = ('f', '');
	for (1 .. 600)
	{
		$node->psql('postgres', "SELECT osc_swap($job)", stdout => \$swapped, stderr => \$err);
		last if $swapped ne 'f';
		sleep 0.1;
	}
	note($err);
	return $swapped;
}

# ------------------------------------------------------------------ keys that are equal and differ

sql($node, <<'SQL');
CREATE EXTENSION citext;
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN word AS citext;
SQL

# type => [a value, another that is equal to it, others]
my %equal = (
	'float8'                 => [ '-0', '0', 'NaN', '-Infinity', '1e-300' ],
	'numeric'                => [ '1.0', '1.000', 'NaN', '-7', '-7.10' ],
	'word'                   => [ 'Key', 'kEY', '', ' ', 'null' ],
	'text COLLATE any_case'  => [ 'Key', 'kEY', '', ' ', 'null' ],
	'interval'               => [ '1 day', '24 hours', '1 mon', '-1 sec', '0' ]);

for my $type (sort keys %equal)
{
	promise "two images of one key are one row: $type" => sub {
		my ($one, $same, @others) = @{ $equal{$type} };
		sql($node, <<"SQL");
DROP TABLE IF EXISTS t, truth;
CREATE TABLE t (id $type PRIMARY KEY, n int, pad text) WITH (fillfactor = 10);
CREATE TABLE truth (LIKE t INCLUDING ALL);
SQL
		my $both = sub {
			my ($sql) = @_;
			sql($node, join "\n", 'BEGIN;', (map { $sql =~ s/\@/$_/gr } qw(t truth)), 'COMMIT;');
		};
		$both->(join "\n", map { "INSERT INTO @ VALUES ('$_', 0, repeat('x', 700));" } $one, @others);
		my $job = start_job($node, 'ALTER TABLE t ALTER n TYPE bigint', %by_hand);
		my $i = 0;
		drive(
			$job,
			sub {
				my ($from, $to) = $i++ % 2 ? ($same, $one) : ($one, $same);
				$both->("UPDATE @ SET id = '$to', n = n + 1 WHERE id = '$from';"
					  . "INSERT INTO @ VALUES ('$from', 100) ON CONFLICT (id) DO UPDATE SET n = @.n + 10;"
					  . "UPDATE @ SET n = n + 1 WHERE id = '$others[0]';"
					  . "DELETE FROM @ WHERE id = '$others[1]'; INSERT INTO @ VALUES ('$others[1]', $i);"
					  . ($i % 3 ? "UPDATE @ SET id = '$others[2]' WHERE id = '$others[2]';" : "DELETE FROM @ WHERE id = '$others[2]';"));
				$both->("DELETE FROM @ WHERE id = '$from'; INSERT INTO @ VALUES ('$from', $i);") if $i % 3 == 2;
			});
		my $told = "SELECT string_agg(id::text || ' ' || n, ', ' ORDER BY id::text) FROM";
		is(sql($node, "$told t"), sql($node, "$told truth"), 'the table is right, image by image');
	};
}

# The same for a column that is changed in place, and for its way back.
for my $change ([ 'citext', 'text', 'Key', 'kEY' ], [ 'real', 'double precision', '0', '-0' ])
{
	my ($old, $new, $one, $same) = @$change;
	promise "a column follows from image to image, past TRUNCATE and in replica mode: $old to $new" => sub {
		sql($node, <<"SQL");
DROP TABLE IF EXISTS t, truth;
CREATE TABLE t (id int PRIMARY KEY, c $old);
INSERT INTO t SELECT n, CASE WHEN n % 3 > 0 THEN '$one'::$old END FROM generate_series(1, 300) n;
CREATE TABLE truth (LIKE t INCLUDING ALL);
INSERT INTO truth TABLE t;
SQL
		my $job = start_job($node, "ALTER TABLE t ALTER c TYPE $new", args => "strategy => 'column', run => 'manual', swap => 'manual'", set => { batch_size => 1 });
		my $told = "SELECT count(*), string_agg(id || ' ' || coalesce(c::text, 'null'), ',' ORDER BY id) FROM";
		my $i = 0;
		my $write = sub {
			my ($from, $to) = $i++ % 2 ? ($one, $same) : ($same, $one);
			for my $table (qw(t truth))
			{
				sql($node, <<"SQL");
UPDATE $table SET c = '$to' WHERE id % 5 = 0;
UPDATE $table SET c = NULL WHERE id % 50 = $i;
INSERT INTO $table (id, c) VALUES (1000 + $i, '$from');
UPDATE $table SET id = -id WHERE id = $i;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE $table SET c = '$to' WHERE id % 7 = 0;
COMMIT;
SQL
				sql($node, "BEGIN; TRUNCATE $table;\nCOPY $table (id, c) FROM stdin (FREEZE);\n" . join('', map { "$_\t$one\n" } 1 .. 300) . "\\.\nCOMMIT;\n") if $i =~ /^[248]$/;
			}
		};
		for my $phase (qw(preparing backfilling indexing validating ready))
		{
			sql($node, "CALL advance($job, '$phase')");
			sql($node, "SELECT osc_backfill_batch($job)") if $phase eq 'backfilling';
			$write->();
		}
		sql($node, "CALL advance($job, 'ready')");
		is(sql($node, "SELECT osc_validate($job)"), 't', 'the columns are equal');
		ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
		sql($node, "CALL osc_run($job); ALTER TABLE truth ALTER c TYPE $new");
		$write->() for 1 .. 3;
		is(sql($node, "$told t"), sql($node, "$told truth"), 'the new column is right, image by image');
		ok(wait_for($node, "SELECT osc_revert($job)"), 'taken back');
		sql($node, "ALTER TABLE truth ALTER c TYPE $old");
		is(sql($node, "$told t"), sql($node, "$told truth"), 'the old column is right, image by image');
		is(error_of($node, "CALL osc_run($job)") =~ /reverted|^$/ ? 'reverted' : '', job_state($node, $job), 'the job ends');
	};
}

# ------------------------------------------------------------------ rows that are born frozen

for my $key ('PRIMARY KEY', 'NOT NULL')
{
	promise "TRUNCATE and COPY FREEZE in one transaction, in every phase: id int $key" => sub {
		sql($node, <<"SQL");
DROP TABLE IF EXISTS t, truth;
CREATE TABLE t (id int $key, v text);
INSERT INTO t SELECT n, repeat('old', 100) FROM generate_series(1, 500) n;
CREATE TABLE truth AS TABLE t;
SQL
		my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint', %by_hand);
		my $i = 0;
		drive(
			$job,
			sub {
				my ($phase) = @_;
				$i++;
				for my $table (qw(t truth))
				{
					sql($node, "BEGIN; TRUNCATE $table;\nCOPY $table FROM stdin (FREEZE);\n"
						  . join('', map { "$_\tfrozen $phase\n" } $i .. $i + 300) . "\\.\nCOMMIT;\n"
						  . "UPDATE $table SET v = 'changed' WHERE id % 7 = 0; DELETE FROM $table WHERE id % 11 = 0; INSERT INTO $table VALUES (1000, 'new');");
				}
			});
		is(sql($node, 'SELECT count(*) FROM ((TABLE t EXCEPT ALL TABLE truth) UNION ALL (TABLE truth EXCEPT ALL TABLE t)) d'), '0', 'the table is right');
		is(sql($node, 'SELECT count(*) FROM t'), sql($node, 'SELECT count(*) FROM truth'), 'with as many rows');
	};
}

# ------------------------------------------------------------------ TRUNCATE of more than the table

promise 'TRUNCATE of the parent, of a partition, and by CASCADE, in every phase' => sub {
	my $make = sub {
		my ($schema) = @_;
		sql($node, <<"SQL");
CREATE SCHEMA $schema;
SET search_path = $schema;
CREATE TABLE owner (id int PRIMARY KEY);
INSERT INTO owner SELECT generate_series(1, 100);
CREATE TABLE p (id int, day int, o int REFERENCES owner, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY LIST (day);
CREATE TABLE p2a PARTITION OF p2 FOR VALUES IN (10, 11, 12);
CREATE TABLE p2b PARTITION OF p2 DEFAULT;
CREATE TABLE kin (id int PRIMARY KEY, o int REFERENCES owner);
CREATE TABLE kid () INHERITS (kin);
INSERT INTO p SELECT n, n % 20, n % 100 + 1 FROM generate_series(1, 1000) n;
INSERT INTO kin SELECT n, n % 100 + 1 FROM generate_series(1, 300) n;
INSERT INTO kid SELECT n, n % 100 + 1 FROM generate_series(1, 300) n;
ALTER TABLE kid ADD PRIMARY KEY (id);
SQL
	};
	$make->($_) for qw(online native);
	my $job = sql($node, "SET online_schema.batch_size = 100; SET online_schema.swap_max_backlog = 100000;"
		  . "SELECT osc_start('ALTER TABLE online.p ALTER id TYPE bigint; ALTER TABLE online.kin ALTER o TYPE bigint', run => 'manual', swap => 'manual')");
	my %what = (
		preparing   => 'TRUNCATE p2a',
		backfilling => 'TRUNCATE p2; TRUNCATE ONLY kin',
		indexing    => 'TRUNCATE p1, kid',
		catching_up => 'TRUNCATE owner CASCADE; INSERT INTO owner SELECT generate_series(1, 100)',
		validating  => 'TRUNCATE p',
		ready       => 'BEGIN; TRUNCATE owner CASCADE; ROLLBACK; TRUNCATE kin',
		swap        => 'TRUNCATE p2b RESTART IDENTITY',
		swapped     => 'TRUNCATE p1');
	my $i = 0;
	drive(
		$job,
		sub {
			my ($phase) = @_;
			$i++;
			for my $schema (qw(online native))
			{
				sql($node, <<"SQL");
SET search_path = $schema;
UPDATE p SET day = (day + 7) % 20 WHERE id % 5 = $i % 5;
$what{$phase};
INSERT INTO p SELECT 10000 * $i + n, n % 20, n % 100 + 1 FROM generate_series(1, 40) n;
INSERT INTO kin SELECT 10000 * $i + n, n % 100 + 1 FROM generate_series(1, 40) n;
INSERT INTO kid SELECT 10000 * $i + n, n % 100 + 1 FROM generate_series(1, 40) n;
UPDATE p SET o = o % 100 + 1 WHERE id % 7 = 0;
SQL
			}
		});
	for my $table (qw(p1 p2a p2b kin kid))
	{
		my $told = "count(*), coalesce(sum(hashtext(x::text)), 0) FROM";
		is(sql($node, "SELECT $told ONLY online.$table x"), sql($node, "SELECT $told ONLY native.$table x"), "$table is right");
	}
	sql($node, 'SET client_min_messages = warning; DROP SCHEMA online, native CASCADE');
};

# ------------------------------------------------------------------ names that hide others

promise 'temporary tables of the session that drives a job hide nothing from it' => sub {
	sql($node, <<'SQL');
DROP TABLE IF EXISTS t, truth;
CREATE DOMAIN amount AS int CHECK (VALUE > 0);
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, n int, r int REFERENCES r);
INSERT INTO r SELECT generate_series(1, 10);
INSERT INTO t SELECT n, n, 1 + n % 10 FROM generate_series(1, 100) n;
SQL
	my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint, ALTER n TYPE amount, ADD COLUMN r2 int REFERENCES r, ADD CHECK (n > 0)', %by_hand);
	sql($node, <<"SQL");
CREATE TEMP TABLE t (id int PRIMARY KEY, n int, r int);
INSERT INTO t VALUES (1000, -5, 77);
CREATE TEMP TABLE r (id int);
CREATE TEMP TABLE amount (x int);
CREATE TEMP TABLE job (x int);
CREATE TEMP TABLE pg_class (x int);
CREATE TEMP TABLE pg_attribute (x int);
DO \$\$
BEGIN
	FOR i IN 1 .. 300 LOOP
		EXIT WHEN public.osc_step($job) = 'ready';
		PERFORM pg_sleep(0.01);
	END LOOP;
	UPDATE public.t SET n = n + 1 WHERE id <= 50;
	FOR i IN 1 .. 300 LOOP
		EXIT WHEN public.osc_swap($job);
		PERFORM pg_sleep(0.1);
	END LOOP;
	ASSERT (SELECT count(*) = 1 FROM pg_temp.t), 'the temporary table was changed';
	FOR i IN 1 .. 300 LOOP
		EXIT WHEN public.osc_step($job) = 'done';
		PERFORM pg_sleep(0.01);
	END LOOP;
END \$\$;
SQL
	is(job_state($node, $job), 'done', 'the job is done') or explain_job($node, $job);
	is(sql($node, "SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"),
		'id bigint, n amount, r integer, r2 integer', 'the table is changed');
	is(sql($node, 'SELECT count(*), sum(n) FROM t'), '100|5100', 'the rows are right');
	is(sql($node, "SELECT count(*) FROM pg_constraint WHERE conrelid = 't'::regclass AND confrelid = 'r'::regclass AND convalidated"), '2', 'the keys refer to the right table');
};

# ------------------------------------------------------------------ as many columns as there can be

promise 'a table of 1,600 columns' => sub {
	for my $schema (qw(online native))
	{
		sql($node, "CREATE SCHEMA $schema; SET search_path = $schema; SELECT 'CREATE TABLE wide (id int PRIMARY KEY, ' || string_agg('c' || n || ' int', ', ' ORDER BY n) || ')' FROM generate_series(2, 1600) n \\gexec\n"
			  . 'INSERT INTO wide (id, c2, c1600) SELECT n, n, -n FROM generate_series(1, 50) n; CREATE INDEX ON wide (c1600); ALTER TABLE wide DROP COLUMN c700');
	}
	sql($node, 'ALTER TABLE native.wide ALTER c1600 TYPE bigint, ALTER id TYPE bigint');
	my $job = start_job($node, 'ALTER TABLE online.wide ALTER c1600 TYPE bigint, ALTER id TYPE bigint', %by_hand);
	drive($job, sub { my ($phase) = @_; sql($node, "UPDATE $_.wide SET c1600 = coalesce(c1600, 0) + 1, c800 = 5 WHERE id % 3 = 0; INSERT INTO $_.wide (id, c2) SELECT max(id) + 1, 9 FROM $_.wide") for qw(online native); });
	is(sql($node, 'SELECT count(*) FROM ((TABLE online.wide EXCEPT ALL TABLE native.wide) UNION ALL (TABLE native.wide EXCEPT ALL TABLE online.wide)) d'), '0', 'the rows are right');
	is(sql($node, "SELECT relnatts FROM pg_class WHERE oid = 'online.wide'::regclass"), '1600', 'with as many columns');
	$job = start_job($node, 'ALTER TABLE online.wide ALTER c2 TYPE bigint', args => "run => 'manual', strategy => 'copy'");
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'a second job is done');
	is( error_of($node, "SELECT osc_start('ALTER TABLE online.wide ADD x int DEFAULT random()')") =~ s/\n(HINT|LOCATION).*//sr,
		error_of($node, 'ALTER TABLE native.wide ADD x int DEFAULT random()') =~ s/\nLOCATION.*//sr,
		'one more is refused as native refuses it');
	sql($node, 'SET client_min_messages = warning; DROP SCHEMA online, native CASCADE');
};

promise 'a table, type and function of the name that come to stand earlier in the search_path' => sub {
	for my $phase (qw(planned ready))
	{
		sql($node, <<'SQL');
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS early, late CASCADE;
CREATE SCHEMA early;
CREATE SCHEMA late;
CREATE DOMAIN late.amount AS int;
CREATE FUNCTION late.fine(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE TABLE late.t (id int PRIMARY KEY, v int);
INSERT INTO late.t SELECT n, n FROM generate_series(1, 100) n;
SQL
		my $job = sql($node, "SET search_path = early, late, public; SELECT osc_start('ALTER TABLE t ALTER id TYPE bigint, ALTER v TYPE amount, ADD CHECK (fine(v))', run => 'manual', swap => 'manual')");
		sql($node, "CALL advance($job, 'ready')") if $phase eq 'ready';
		sql($node, <<'SQL');
CREATE TABLE early.t (id int PRIMARY KEY, v int);
INSERT INTO early.t VALUES (1, -1);
CREATE DOMAIN early.amount AS smallint;
CREATE FUNCTION early.fine(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < 1000';
SQL
		sql($node, "CALL advance($job, 'ready')");
		# planned: as a statement that is run now; ready: the copy was made for the others
		my $swapped = swapped_or_refused($job);
		is($swapped, $phase eq 'planned' ? 't' : '', "$phase: swapped, or refused");
		sql($node, $swapped eq 't' ? "CALL osc_run($job)" : "SELECT osc_cancel($job)");
		job_ends($node, $job, $swapped eq 't' ? 'done' : 'cancelled');
		is(sql($node, "SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) || (SELECT count(*) FROM pg_constraint WHERE conrelid = 'early.t'::regclass AND contype <> 'n') FROM pg_attribute WHERE attrelid = 'early.t'::regclass AND attnum > 0"),
			'id integer, v integer1', 'the other table is as it was');
		is(sql($node, 'SELECT (SELECT sum(id) FROM early.t), count(*), sum(id), sum(v) FROM late.t'), '1|100|5050|5050', 'the rows are right');
	}
};

promise 'the table, or its schema, is renamed past the guard, and another one gets the name' => sub {
	for my $what ('ALTER TABLE s.t RENAME TO moved', 'ALTER SCHEMA s RENAME TO moved; CREATE SCHEMA s', 'ALTER TABLE s.t SET SCHEMA moved')
	{
		sql($node, 'SET client_min_messages = warning; DROP SCHEMA IF EXISTS s, moved CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, v text); INSERT INTO s.t SELECT n, n FROM generate_series(1, 100) n');
		sql($node, 'CREATE SCHEMA moved') if $what =~ /SET SCHEMA/;
		my $job = start_job($node, 'ALTER TABLE s.t ALTER id TYPE bigint', %by_hand);
		sql($node, "CALL advance($job, 'ready')");
		my $oid = relation_oid($node, 's.t');
		my $guard = sub { join '', map { "ALTER EVENT TRIGGER online_schema_guard_$_ $_[0];" } qw(start rewrite drop) };
		fails_with($node, $what, '55006', undef, "the guard refuses it: $what");
		sql($node, $guard->('DISABLE') . "$what; CREATE TABLE s.t (id int PRIMARY KEY, v text); INSERT INTO s.t VALUES (1, 'mine');" . $guard->('ENABLE ALWAYS'));
		my $swapped = swapped_or_refused($job);
		sql($node, $swapped eq 't' ? "CALL osc_run($job)" : "SELECT osc_cancel($job)");
		job_ends($node, $job, $swapped eq 't' ? 'done' : 'cancelled', 'it is the same table that is swapped, or none');
		my $moved = sql($node, "SELECT $oid\::regclass");
		is(sql($node, "SELECT pg_typeof(id), count(*), sum(id) FROM $moved GROUP BY 1"), ($swapped eq 't' ? 'bigint' : 'integer') . '|100|5050', 'its rows are right');
		is(sql($node, 'SELECT pg_typeof(id), v FROM s.t'), 'integer|mine', 'the new one is as it was');
		is(leftovers($node), '', 'nothing is left');
	}
};

# ------------------------------------------------------------------ what a job has to live with

promise 'what a statement raises for want of disk space pauses the job, which goes on when there is room' => sub {
	sql($node, <<'SQL');
CREATE TABLE room (enough boolean);
INSERT INTO room VALUES (true);
CREATE FUNCTION written(text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF NOT (SELECT enough FROM public.room) THEN
		RAISE disk_full USING MESSAGE = 'could not extend file';
	END IF;
	RETURN $1 || '!';
END $$;
DROP TABLE IF EXISTS t;
CREATE TABLE t (id int PRIMARY KEY, v text) WITH (fillfactor = 10);
INSERT INTO t SELECT n, n FROM generate_series(1, 10000) n;
SQL
	my $job = start_job($node, 'ALTER TABLE t ALTER v TYPE varchar(50) USING written(v)', args => "swap => 'manual'", set => { batch_size => 1, throttle_ratio => 0.95 });
	ok(wait_for($node, "SELECT rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	sql($node, 'UPDATE room SET enough = false');
	job_ends($node, $job, 'paused');
	like(sql($node, "SELECT last_error FROM osc_progress WHERE job_id = $job"), qr/could not extend file/, 'with the reason');
	sql($node, "UPDATE t SET v = 'meanwhile' WHERE id <= 10");
	sql($node, "UPDATE room SET enough = true; SELECT osc_set($job, 'throttle_ratio', '0'), osc_set($job, 'batch_size', '0')");
	sql($node, "SELECT osc_resume($job)");
	job_ends($node, $job, 'ready');
	# in the replay
	sql($node, "UPDATE room SET enough = false; UPDATE t SET v = 'replayed' WHERE id <= 5");
	job_ends($node, $job, 'paused');
	sql($node, 'UPDATE room SET enough = true');
	sql($node, "SELECT osc_resume($job)");
	job_ends($node, $job, 'ready');
	# in the swap
	sql($node, 'UPDATE room SET enough = false');
	my $error = '';
	for (1 .. 100)
	{
		# false is a lock that was not to be had
		$error = error_of($node, "BEGIN; UPDATE t SET v = 'swap' WHERE id = 1; SELECT osc_swap($job); ROLLBACK");
		last if $error ne '';
		sleep 0.1;
	}
	like($error, qr/could not extend file/, 'the swap raises it');
	sql($node, 'UPDATE room SET enough = true');
	sql($node, "UPDATE t SET v = 'swap' WHERE id = 1");
	sql($node, "SELECT osc_resume($job)") if job_state($node, $job) eq 'paused';
	ok(wait_for($node, "SELECT osc_swap($job)"), 'and works later');
	job_ends($node, $job, 'done');
	is(sql($node, "SELECT count(*), string_agg(v, ' ' ORDER BY id) FILTER (WHERE id IN (1, 2, 7, 11)) FROM t"), '10000|swap! replayed! meanwhile! 11!', 'the rows are right, each computed once');
};

promise 'the database may be serializable, deferrable and read-only by default' => sub {
	sql($node, 'CREATE DATABASE strict');
	sql($node, 'CREATE EXTENSION online_schema', 'strict');
	create_items($node, 5000, 'strict');
	sql($node, 'ALTER DATABASE strict SET default_transaction_isolation = serializable; ALTER DATABASE strict SET default_transaction_deferrable = on');
	my @scripts = map { [ $_, 1 ] } qw(insert update key_change delete reinsert);
	my $load = start_load($node, db => 'strict', scripts => \@scripts, rows => 5000, clients => 1, rate => 50);
	my $job = start_job($node, 'ALTER TABLE item ALTER id TYPE bigint', db => 'strict', set => { batch_size => 100 }, args => "swap => 'manual'");
	my $locks = 0;
	for (1 .. 300)
	{
		$locks += sql($node, "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE mode = 'SIReadLock' AND backend_type ~ 'online_schema'", 'strict');
		last if job_state($node, $job, 'strict') eq 'ready';
		sleep 0.02;
	}
	is($locks, 0, 'the job takes no predicate locks');
	$load->stop;
	job_ends($node, $job, 'ready', 'the job is ready', 'strict');
	fails_with($node, "SELECT osc_swap($job)", '25001', qr/READ COMMITTED/, 'a swap by hand is refused', db => 'strict');
	ok(wait_for($node, "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT osc_swap($job); COMMIT", 't', 'strict'), 'and works at READ COMMITTED');
	job_ends($node, $job, 'done', undef, 'strict');
	is(ledger_faults($node, '{}', 'strict'), '', 'the rows are right');
	sql($node, 'ALTER DATABASE strict SET default_transaction_read_only = on');
	$job = sql($node, "BEGIN READ WRITE; SELECT osc_start('ALTER TABLE item ALTER qty TYPE bigint'); COMMIT", 'strict');
	job_ends($node, $job, 'done', 'a worker writes where it is the default to read', 'strict');
	is(leftovers($node, 'strict'), '', 'nothing is left');
};

promise 'a cancelled job that cannot have its lock keeps nobody waiting' => sub {
	sql($node, 'CREATE TABLE busy (id int PRIMARY KEY, v text); INSERT INTO busy SELECT n, n FROM generate_series(1, 2000) n');
	my $job = start_job($node, 'ALTER TABLE busy ALTER id TYPE bigint', args => "swap => 'manual'", set => { lock_retry_max_delay => '300ms' });
	job_ends($node, $job, 'ready');
	my $reader = $node->background_psql('postgres');
	$reader->query_safe('BEGIN; SELECT count(*) FROM busy');
	sql($node, "SELECT osc_cancel($job)");
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'held by', false) FROM osc_progress WHERE job_id = $job"), 'it says who holds the table');
	my @waited = grep { $_ ne '' } map { sleep 0.05; error_of($node, "SET lock_timeout = '20s'; UPDATE busy SET v = 'x' WHERE id = 1") } 1 .. 20;
	is("@waited", '', 'others go on');
	is(job_state($node, $job), 'cancelling', 'it still waits');
	# the machine may have stood still in one of them
	cmp_ok(sql($node, "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY (detail->>'waited_ms')::float8) FROM osc_events WHERE job_id = $job AND event = 'lock'"), '<', 200, 'not for long at a time');
	is(sql($node, "SELECT enabled FROM online_schema.capture WHERE relation = 'busy'::regclass"), 'f', 'nothing is captured any more');
	$reader->query_safe('COMMIT');
	$reader->quit;
	job_ends($node, $job, 'cancelled');
	is(leftovers($node), '', 'nothing is left');
};

promise 'a session of another database is nobody in the way, though its tables have the same OIDs' => sub {
	my $twin = osc_node('twins');
	sql($twin, 'CREATE DATABASE one');
	sql($twin, 'CREATE EXTENSION online_schema; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)', 'one');
	sql($twin, 'CREATE DATABASE two TEMPLATE one');
	is(relation_oid($twin, 't', 'two'), relation_oid($twin, 't', 'one'), 'the same OID');
	my $other = $twin->background_psql('two');
	$other->query_safe('BEGIN; LOCK TABLE t');
	my $job = start_job($twin, 'ALTER TABLE t ALTER id TYPE bigint', db => 'one', set => { blocker_action => 'terminate', blocker_patience => 0, lock_retry_max_delay => '100ms' });
	job_ends($twin, $job, 'done', 'the job does not wait for it', 'one');
	# and one that does wait leaves it alone
	my $reader = $twin->background_psql('one');
	$reader->query_safe("BEGIN; SELECT count(*) FROM t; PREPARE TRANSACTION 'held'");
	$job = start_job($twin, 'ALTER TABLE t ALTER id TYPE int', db => 'one', set => { blocker_action => 'terminate', blocker_patience => 0, lock_retry_max_delay => '100ms' });
	ok(wait_for($twin, "SELECT coalesce(waiting_for ~ 'prepared', false) FROM osc_progress WHERE job_id = $job", 't', 'one'), 'a job waits');
	sleep 1;
	is($other->query_safe('SELECT 1'), '1', 'the session lives');
	sql($twin, "COMMIT PREPARED 'held'", 'one');
	job_ends($twin, $job, 'done', undef, 'one');
	is($other->query_safe('SELECT 1'), '1', 'to the end');
	$_->quit for $other, $reader;
	$twin->stop;
};

promise 'an old copy that is kept does nothing any more' => sub {
	sql($node, <<'SQL');
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 10);
CREATE TABLE seen (what text);
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON UPDATE CASCADE, u int UNIQUE);
INSERT INTO child SELECT n, n % 10 + 1, n FROM generate_series(1, 100) n;
CREATE FUNCTION saw() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO seen VALUES (TG_OP || TG_RELID::regclass); RETURN NULL; END$$;
CREATE TRIGGER saw AFTER INSERT OR UPDATE OR DELETE ON child FOR EACH ROW EXECUTE FUNCTION saw();
SQL
	my $job = start_job($node, 'ALTER TABLE child ALTER id TYPE bigint', set => { keep_old => 'cleanup' });
	job_ends($node, $job, 'kept');
	is(sql($node, 'SELECT count(*) FROM seen'), '0', 'the job fired no trigger');
	is(sql($node, "SELECT count(*) FROM osc_${job}_1.osc_twin WHERE p = 5"), '10', 'it has rows that refer to a parent');
	is(error_of($node, 'DELETE FROM child WHERE p = 5; DELETE FROM parent WHERE id = 5; UPDATE parent SET id = 60 WHERE id = 6; INSERT INTO child VALUES (3000000000, 1, 4)'), '',
		'which can be deleted and changed all the same');
	is(sql($node, "SELECT count(*), count(*) FILTER (WHERE p = 5), count(*) FILTER (WHERE p = 6) FROM osc_${job}_1.osc_twin"), '100|10|10', 'the old copy is as it was');
	is(sql($node, "SELECT count(*) FROM seen WHERE what !~ 'child'"), '0', 'no trigger fires for it');
	is(sql($node, 'TRUNCATE parent CASCADE; SELECT count(*) FROM child'), '0', 'TRUNCATE CASCADE');
	is(sql($node, "SELECT count(*) FROM osc_${job}_1.osc_twin"), '100', 'does not reach it');
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done');
};

promise 'a superuser who takes the helper tables away by force loses the job and nothing else' => sub {
	for my $victim (qw(osc_log_1 osc_twin shadow))
	{
		for my $writes (0, 1)
		{
			sql($node, 'SET client_min_messages = warning; DROP TABLE IF EXISTS forced; CREATE TABLE forced (id int PRIMARY KEY, v text); INSERT INTO forced SELECT n, n FROM generate_series(1, 1000) n');
			my $job = start_job($node, 'ALTER TABLE forced ALTER id TYPE bigint', args => "swap => 'manual'");
			job_ends($node, $job, 'ready');
			my $table = "osc_${job}_1." . ($victim eq 'shadow' ? 'forced' : $victim);
			is(error_of($node, "DELETE FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = '$table'::regclass AND deptype = 'e'; DROP TABLE $table CASCADE"), '', "a superuser drops $table");
			is(error_of($node, "UPDATE forced SET v = 'new' WHERE id <= 10"), '', 'clients write on') if $writes;
			$node->psql('postgres', "SELECT osc_swap($job)", stdout => \my $out, stderr => \my $err);
			isnt($out, 't', 'no swap');
			$node->psql('postgres', "SELECT osc_cancel($job)", stdout => \$out, stderr => \$err);
			ok(wait_for($node, "SELECT state IN ('cancelled', 'failed') FROM osc_progress WHERE job_id = $job"), 'the job ends') or explain_job($node, $job);
			is(error_of($node, "UPDATE forced SET v = 'new' WHERE id <= 10"), '', 'writes work');
			is(sql($node, "SELECT count(*), count(*) FILTER (WHERE v = 'new') FROM forced"), '1000|10', 'the rows are there');
			is(leftovers($node), '', 'nothing is left');
		}
	}
};

is(leftovers($node), '', 'nothing is left');
$node->stop;
done_testing();
