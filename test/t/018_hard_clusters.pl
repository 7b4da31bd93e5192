# 018_hard_clusters.pl: what befalls a whole cluster while it has jobs.
#
# Transaction ids that begin anew; wal_level = minimal; a swap that is prepared; an idle server;
# pg_upgrade; a subscription that writes to the table; vacuums to prevent wraparound that are at
# the table when the swap comes; a full lock table; crashes of jobs on partitioned tables, and of
# those that validate constraints and build indexes.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# ------------------------------------------------------------------ transaction ids

# Stops the server and sets its next transaction id, which must be below oldest + 2^31.
sub go_to_id
{
	my ($node, $id) = @_;
	$node->stop;
	my ($epoch, $low) = (int($id / 2**32), $id % 2**32);
	my $segment = sprintf '%s/pg_xact/%04X', $node->data_dir, $low >> 20;
	append_to_file($segment, "\0" x 262144) unless -e $segment;
	command_ok([ 'pg_resetwal', '-D', $node->data_dir, '-e', $epoch, '-x', $low ], "pg_resetwal to id $id");
	$node->start;
	return;
}

sub burn_ids
{
	my ($node, $n) = @_;
	return sql($node, "DO 'BEGIN FOR i IN 1 .. $n LOOP INSERT INTO burnt VALUES (i); COMMIT; END LOOP; END'");
}

sub freeze_all
{
	my ($node) = @_;
	command_ok([ 'vacuumdb', '-a', '-q', '--freeze', '-h', $node->host, '-p', $node->port ], 'everything is frozen');
	return;
}

promise 'row versions frozen in an earlier epoch, and ids that begin anew, are told apart' => sub {
	my $node = osc_node('ids', conf => "autovacuum_freeze_max_age = 2000000000\nautovacuum = off");
	sql($node, "UPDATE pg_database SET datallowconn = true WHERE datname = 'template0'");
	sql($node, <<'SQL');
CREATE TABLE burnt (i int);
CREATE TABLE t (id int PRIMARY KEY, v text) WITH (fillfactor = 50);
SQL
	# one id for each row, so that some of them fall between fence and now
	sql($node, q{DO 'BEGIN FOR i IN 1 .. 4000 LOOP INSERT INTO t VALUES (i, ''old''); COMMIT; END LOOP; END'});
	my ($low, $high) = split /\|/, sql($node, 'SELECT min(xmin::text::bigint), max(xmin::text::bigint) FROM t');
	for my $id (2000000000, 4000000000)
	{
		freeze_all($node);
		go_to_id($node, $id - $id % 1048576);
	}
	freeze_all($node);
	my $fence = 2**32 - 1048576;
	go_to_id($node, $fence);
	sql($node, 'CREATE TABLE truth AS TABLE t; ALTER TABLE truth ADD PRIMARY KEY (id)');
	sql($node, "UPDATE t SET v = 'before' WHERE id % 7 = 0; UPDATE truth SET v = 'before' WHERE id % 7 = 0");
	my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint', args => "run => 'manual', swap => 'manual'", set => { batch_size => 1 });
	ok(wait_for($node, "SELECT osc_step($job)", 'backfilling'), 'a job copies');
	sql($node, "SELECT osc_backfill_batch($job)") for 1 .. 3;
	# the counter goes beyond 2^32, and comes to the ids that the rows were written with
	go_to_id($node, 2**32 + $low + 1000);
	burn_ids($node, 500);
	for my $table (qw(t truth))
	{
		sql($node, "UPDATE $table SET v = 'after' WHERE id % 11 = 0; UPDATE $table SET id = -id WHERE id % 13 = 0; DELETE FROM $table WHERE id % 17 = 0");
	}
	sql($node, "SELECT osc_backfill_batch($job)") for 1 .. 3;
	sql($node, 'VACUUM (FREEZE) t');
	sql($node, "UPDATE t SET v = 'later' WHERE id % 19 = 0; UPDATE truth SET v = 'later' WHERE id % 19 = 0");
	sql($node, "CALL osc_run($job)");
	my $logged = sql($node, "SELECT keys_replayed FROM online_schema.job_member WHERE job_id = $job");
	note("$logged keys replayed");
	cmp_ok($logged, '>', 1500, 'rows whose side could not be told were replayed');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'the job is done') or explain_job($node, $job);
	is(sql($node, 'SELECT count(*) FROM ((TABLE t EXCEPT ALL SELECT id::bigint, v FROM truth) UNION ALL (SELECT id::bigint, v FROM truth EXCEPT ALL TABLE t)) d'), '0', 'the table is right');

	# nearly 2^31 ids between fence and now: nothing can be told any more
	$job = start_job($node, 'ALTER TABLE t ALTER id TYPE numeric', args => "run => 'manual'", set => { batch_size => 1 });
	ok(wait_for($node, "SELECT osc_step($job)", 'backfilling'), 'a job copies');
	sql($node, "SELECT osc_backfill_batch($job)");
	freeze_all($node);
	go_to_id($node, 2**32 + 2020605952);
	fails_with($node, "CALL osc_run($job)", '55000', qr/too many transaction ids/, 'the backfill gives up');
	is(job_state($node, $job), 'failed', 'the job has failed');
	is(leftovers($node), '', 'nothing is left');
	is(sql($node, 'SELECT count(*) FROM ((TABLE t EXCEPT ALL SELECT id::bigint, v FROM truth) UNION ALL (SELECT id::bigint, v FROM truth EXCEPT ALL TABLE t)) d'), '0', 'the table is as it was');
	$node->stop;
};

# ------------------------------------------------------------------ WAL that is left out

# With wal_level = minimal the server logs nothing of storage that is new in the transaction, and
# syncs the files at its commit. The swap gives new storage to the table, but not such storage.
promise 'with wal_level = minimal a crash after the swap loses nothing that its transaction wrote' => sub {
	my $node = osc_node('minimal', conf => "wal_level = minimal\nmax_wal_senders = 0\nmax_replication_slots = 0\nautovacuum = off\ncheckpoint_timeout = 1d", preload => 1);
	sql($node, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, v text, big text);
ALTER TABLE t ALTER big SET STORAGE external;
CREATE INDEX ON t (v);
INSERT INTO t SELECT n, n, repeat('b', 5000) FROM generate_series(1, 1000) n;
CREATE TABLE p (id int, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
INSERT INTO p SELECT n, n % 20 FROM generate_series(1, 1000) n;
CREATE TABLE bag (id int, v text);
INSERT INTO bag SELECT n, n FROM generate_series(1, 1000) n;
SQL
	my $told = join ' || ', map { "(SELECT count(*) || ' ' || md5(string_agg(x::text, ',' ORDER BY id)) FROM $_ x)" } qw(t p bag);
	my $write = sub {
		my ($n) = @_;
		return "UPDATE t SET v = 'changed', big = repeat('c', 5000) WHERE id % 10 = $n % 10; UPDATE p SET day = (day + 10) % 20 WHERE id % 10 = $n % 10; UPDATE bag SET v = 'changed' WHERE id % 10 = $n % 10;"
		  . "INSERT INTO t SELECT n, 'new', repeat('d', 5000) FROM generate_series($n * 10000, $n * 10000 + 300) n; INSERT INTO p SELECT n, n % 20 FROM generate_series($n * 10000, $n * 10000 + 300) n;"
		  . "INSERT INTO bag SELECT n, 'new' FROM generate_series($n * 10000, $n * 10000 + 300) n;\n";
	};
	my $type = 'bigint';
	my $n = 1;
	for my $how ('SWAP', 'SAVEPOINT s; SWAP; RELEASE s', 'SAVEPOINT s; SWAP; WRITE; ROLLBACK TO s', 'SAVEPOINT s; SWAP; WRITE; ROLLBACK TO s; SWAP')
	{
		my $job = start_job($node, join('; ', map { "ALTER TABLE $_ ALTER id TYPE $type" } qw(t p bag)), args => "swap => 'manual'", set => { swap_max_backlog => 1000000, swap_timeout => '60s' });
		job_ends($node, $job, 'ready');
		sql($node, 'CHECKPOINT');
		my $body = $how =~ s/SWAP/SELECT osc_swap($job)/gr;
		$body =~ s/WRITE/$write->($n++)/ge;
		sql($node, 'BEGIN;' . $write->($n++) . "$body;" . $write->($n++) . 'COMMIT');
		my $before = sql($node, "SELECT $told");
		kill_server($node);
		$node->start;
		is(sql($node, "SELECT $told"), $before, "the rows are there: $how");
		if ($how =~ /ROLLBACK TO s$/)
		{
			ok(wait_for($node, "SELECT osc_swap($job)"), 'the swap works after the crash');
		}
		job_ends($node, $job, 'done');
		is(sql($node, "SELECT $told"), $before, 'and are after the clean-up');
		is(amcheck_faults($node, undef, qw(t p1 p2 bag)), '', 'amcheck finds nothing');
		$type = $type eq 'bigint' ? 'int' : 'bigint';
	}
	is(leftovers($node), '', 'nothing is left');
	$node->stop;
};

# ------------------------------------------------------------------ restarts

promise 'a swap that is prepared outlives a crash, and is committed or rolled back after it' => sub {
	my $node = osc_node('prepared', preload => 1);
	for my $strategy (qw(copy column))
	{
		for my $end (qw(COMMIT ROLLBACK))
		{
			sql($node, 'SET client_min_messages = warning; DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v varchar(50), big text); ALTER TABLE t ALTER big SET STORAGE external; CREATE INDEX ON t (v); INSERT INTO t SELECT n, n, repeat(\'b\', 5000) FROM generate_series(1, 1000) n');
			my $job = start_job($node, 'ALTER TABLE t ALTER v TYPE text', args => "swap => 'manual', strategy => '$strategy'");
			job_ends($node, $job, 'ready');
			sql($node, "UPDATE t SET v = 'logged' WHERE id % 10 = 3");
			my $out = '';
			my $err = '';
			for (1 .. 100)
			{
				$node->psql('postgres', "BEGIN; SELECT osc_swap($job); INSERT INTO t (id, v, big) VALUES (5000, 'with the swap', repeat('n', 5000)); PREPARE TRANSACTION 's'", stdout => \$out, stderr => \$err);
				last if $out eq 't' && $err eq '';
				$node->psql('postgres', "ROLLBACK PREPARED 's'");
				sleep 0.1;
			}
			is("$out$err", 't', "prepared: $strategy, $end");
			kill_server($node);
			$node->start;
			fails_with($node, "SET lock_timeout = '300ms'; SELECT count(*) FROM t", '55P03', undef, 'the table is locked');
			sql($node, "SET lock_timeout = '10s'; $end PREPARED 's'");
			is(sql($node, "SELECT count(*), count(*) FILTER (WHERE v = 'logged'), count(*) FILTER (WHERE v = 'with the swap') FROM t"), $end eq 'COMMIT' ? '1001|100|1' : '1000|100|0', 'the rows are right');
			if ($end eq 'ROLLBACK')
			{
				job_ends($node, $job, 'ready', 'the job is ready');
				sql($node, "UPDATE t SET v = 'again' WHERE id % 10 = 4");
				ok(wait_for($node, "SELECT osc_swap($job)"), 'and swaps') or explain_job($node, $job);
			}
			# the call starts a worker; the launcher would, within a minute
			sql($node, "CALL osc_wait($job, '60 s')");
			job_ends($node, $job, $strategy eq 'copy' ? 'done' : 'kept');
			sql($node, "SELECT osc_cleanup($job)");
			job_ends($node, $job, 'done');
			is(sql($node, "SELECT count(*), count(*) FILTER (WHERE v = 'logged'), count(*) FILTER (WHERE v = 'again'), min(pg_typeof(v)::text) FROM t"), $end eq 'COMMIT' ? '1001|100|0|text' : '1000|100|100|text', 'the rows are right in the end');
			is(amcheck_faults($node, undef, 't'), '', 'amcheck finds nothing');
			is(leftovers($node), '', 'nothing is left');
		}
	}
	$node->stop;
};

promise 'an idle server starts no processes, and after a restart each job has its worker again' => sub {
	my $node = osc_node('idle', preload => 1, conf => 'log_min_messages = debug1');
	my $started = sub {
		my $offset = log_offset($node);
		sleep 3;
		return scalar grep { /starting background worker process "online_schema/ } split /\n/, OscTest::log_since($node, $offset);
	};
	cmp_ok($started->(), '<', 10, 'no processes are started without jobs');
	my @jobs;
	for my $n (1 .. 3)
	{
		sql($node, "CREATE TABLE t$n (id int PRIMARY KEY); INSERT INTO t$n SELECT generate_series(1, 100)");
		push @jobs, start_job($node, "ALTER TABLE t$n ALTER id TYPE bigint", args => "swap => 'manual'");
	}
	job_ends($node, $_, 'ready') for @jobs;
	cmp_ok($started->(), '<', 10, 'nor while jobs wait for their swap');
	$node->stop('immediate');
	$node->start;
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'online_schema worker' AND application_name ~ 'job'", '3'), 'three workers after a restart');
	cmp_ok($started->(), '<', 10, 'and no more');
	sql($node, "UPDATE t$_ SET id = id + 1000") for 1 .. 3;
	for my $job (@jobs)
	{
		ok(wait_for($node, "SELECT backlog = 0 FROM osc_progress WHERE job_id = $job"), 'the job keeps up');
		ok(wait_for($node, "SELECT osc_swap($job)"), 'and swaps');
		job_ends($node, $job, 'done');
	}
	$node->stop;
};

# ------------------------------------------------------------------ pg_upgrade

# pg_upgrade keeps the OIDs of relations, not those of schemas and triggers: what has the OID of a
# helper object of before may be a user's by now.
promise 'pg_upgrade in the middle of jobs: they do not go on in the new cluster, and leave nothing there' => sub {
	my $old    = osc_node('before');
	my @tables = qw(copying ready keyless kept checked beside kept_beside);
	sql($old, 'CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 10)');
	sql($old, "CREATE TABLE $_ (id int PRIMARY KEY, v text, p int REFERENCES parent); INSERT INTO $_ SELECT n, 'old', 1 + n % 10 FROM generate_series(1, 2000) n") for @tables;
	sql($old, 'ALTER TABLE keyless DROP CONSTRAINT keyless_pkey');
	my %job;
	$job{copying} = start_job($old, 'ALTER TABLE copying ALTER id TYPE bigint', args => "run => 'manual'", set => { batch_size => 1 });
	ok(wait_for($old, "SELECT osc_step($job{copying})", 'backfilling'), 'a job copies');
	sql($old, "SELECT osc_backfill_batch($job{copying})");
	$job{$_} = start_job($old, "ALTER TABLE $_ ALTER id TYPE bigint", args => "run => 'manual', swap => 'manual'") for qw(ready keyless);
	ok(wait_for($old, "SELECT osc_step($job{$_})", 'ready'), "a job is ready: $_") for qw(ready keyless);
	$job{kept} = start_job($old, 'ALTER TABLE kept ALTER id TYPE bigint', set => { keep_old => 'cleanup' });
	job_ends($old, $job{kept}, 'kept');
	$job{checked} = start_job($old, 'ALTER TABLE checked ADD CHECK (id > 0)', args => "run => 'manual'");
	sql($old, "SELECT osc_step($job{checked})") for 1 .. 2;
	# two columns that are changed in place
	for my $table (qw(beside kept_beside))
	{
		$job{$table} = start_job($old, "ALTER TABLE $table ALTER id TYPE bigint", args => "strategy => 'column', swap => 'manual'");
		job_ends($old, $job{$table}, 'ready');
	}
	ok(wait_for($old, "SELECT osc_swap($job{kept_beside})"), 'one of them is swapped');
	job_ends($old, $job{kept_beside}, 'kept');
	# many, so that some get the OIDs that helper objects have now
	sql($old, 'DO $$BEGIN FOR i IN 1 .. 900 LOOP EXECUTE format($q$CREATE SCHEMA "A %s"$q$, i); END LOOP; END$$');
	$old->stop;

	my $new = PostgreSQL::Test::Cluster->new('after');
	$new->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	my $dir    = PostgreSQL::Test::Utils::tempdir_short();
	my $bindir = $new->config_data('--bindir');
	chdir $dir or die $!;
	command_ok([ 'pg_upgrade', '-N', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir, '-s', $dir, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');
	$new->start;
	my $told = "SELECT count(*), count(oid) FILTER (WHERE oid IN (SELECT object_oid FROM online_schema.job_object)) > 0 FROM pg_namespace WHERE nspname ~ '^A '";
	is(sql($new, $told), '900|t', 'a schema of the user has the OID of a helper schema of before');
	for my $table (qw(ready keyless beside))
	{
		$new->psql('postgres', "SELECT osc_swap($job{$table})", stdout => \my $out, stderr => \my $err);
		is(sql($new, "SELECT pg_typeof(id) FROM $table LIMIT 1"), 'integer', "no swap without a capture: $table");
	}
	for my $table (@tables)
	{
		is(sql($new, "SELECT count(*), sum(id) FROM $table"), '2000|2001000', "$table has its rows");
		sql($new, "UPDATE $table SET v = 'new' WHERE id % 2 = 0; DELETE FROM $table WHERE id > 1900");
	}
	for my $table (grep { !/^kept/ } @tables)
	{
		error_of($new, "SELECT osc_step($job{$table})");
		# a worker may be at it, too
		ok(wait_for($new, "SELECT state = 'paused' AND last_error ~ '^the job belongs to another database' FROM osc_progress WHERE job_id = $job{$table}"), "a job that is paused, and says why: $table");
		sql($new, "SELECT osc_cancel($job{$table})");
		job_ends($new, $job{$table}, 'cancelled');
	}
	is(sql($new, "SELECT count(*) FROM osc_$job{kept}_1.osc_twin WHERE v = 'old'"), '2000', 'an old copy is there');
	isnt(error_of($new, "SELECT osc_revert($job{kept_beside})"), '', 'no way back to a column that has not followed');
	for my $table (qw(kept kept_beside))
	{
		sql($new, "SELECT osc_cleanup($job{$table})");
		job_ends($new, $job{$table}, 'done', "and can be cleaned up: $table");
	}
	is(sql($new, "SELECT string_agg(attrelid::regclass || ' ' || attname, ', ' ORDER BY 1) FROM pg_attribute WHERE attrelid IN ('beside'::regclass, 'kept_beside'::regclass) AND attnum > 0 AND NOT attisdropped AND attname ~ 'osc'") || '', '', 'no helper column is left');
	is(leftovers($new), '', 'nothing is left');
	is(sql($new, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^A '"), '900', 'no schema of the user is gone');
	for my $table (@tables)
	{
		my $job = start_job($new, "ALTER TABLE $table ALTER v TYPE varchar(20)");
		job_ends($new, $job, 'done', "$table can be changed");
		is(sql($new, "SELECT count(*), count(*) FILTER (WHERE v = 'new') FROM $table"), '1900|950', 'its rows are right');
	}
	$new->stop;
};

# ------------------------------------------------------------------ a subscriber's apply worker

promise 'what a subscription writes to the table arrives, in every phase' => sub {
	my $publisher = osc_node('publisher', extension => 0);
	my $node = osc_node('applying');
	my $tables = <<'SQL';
CREATE TABLE keyed (id int PRIMARY KEY, v text DEFAULT 'default', big text, u int UNIQUE);
CREATE TABLE keyless (id int, v text);
CREATE TABLE late (id int PRIMARY KEY, v text);
ALTER TABLE keyed ALTER big SET STORAGE external;
SQL
	sql($publisher, <<"SQL");
$tables
ALTER TABLE keyless REPLICA IDENTITY FULL;
INSERT INTO keyed SELECT n, 'old', CASE WHEN n % 10 = 0 THEN repeat('b', 9000) END, n FROM generate_series(1, 1000) n;
INSERT INTO keyless SELECT n, 'old' FROM generate_series(1, 300) n;
INSERT INTO late SELECT n, 'copied' FROM generate_series(1, 500) n;
CREATE PUBLICATION p FOR TABLE keyed, keyless;
SQL
	sql($node, $tables);
	sql($node, "CREATE SUBSCRIPTION s CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION p");
	my $synced = "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel";
	ok(wait_for($node, $synced), 'the first copy is made');

	my $round = 0;
	my $write = sub {
		my ($truncate) = @_;
		$round++;
		my $base = 1000 * $round;
		sql($publisher, <<"SQL");
BEGIN;
INSERT INTO keyed (id, v, u) SELECT n, NULL, -n FROM generate_series($base + 1, $base + 50) n;
UPDATE keyed SET v = 'round $round' WHERE id % 10 = 0;
UPDATE keyed SET id = -id WHERE id % 11 = 0;
UPDATE keyed SET v = NULL, u = NULL WHERE id % 13 = 0;
DELETE FROM keyed WHERE id % 17 = $round;
COMMIT;
INSERT INTO keyless SELECT 7, 'twin' FROM generate_series(1, 3);
UPDATE keyless SET v = 'round $round' WHERE id % 5 = 0;
DELETE FROM keyless WHERE id % 17 = $round;
SQL
		sql($publisher, "BEGIN; TRUNCATE keyed, keyless; INSERT INTO keyed SELECT n, 'anew', repeat('c', 9000), n FROM generate_series(1, 300) n;"
			  . " INSERT INTO keyless SELECT n, 'anew' FROM generate_series(1, 100) n; COMMIT") if $truncate;
		$publisher->wait_for_catchup('s');
		return;
	};
	my $same = sub {
		my ($when) = @_;
		for my $table (qw(keyed keyless))
		{
			my $told = "SELECT count(*), md5(string_agg(x::text, ',' ORDER BY x::text)) FROM $table x";
			is(sql($node, $told), sql($publisher, $told), "$table is right, $when");
		}
	};
	for my $truncate_in ('', qw(backfilling catching_up ready))
	{
		my $to = sql($node, "SELECT CASE format_type(atttypid, NULL) WHEN 'integer' THEN 'bigint' ELSE 'integer' END FROM pg_attribute WHERE attrelid = 'keyed'::regclass AND attname = 'id'");
		my $job = start_job($node, "ALTER TABLE keyed ALTER id TYPE $to; ALTER TABLE keyless ALTER id TYPE $to", args => "run => 'manual', swap => 'manual'", set => { batch_size => 100, swap_max_backlog => 100000 });
		for my $phase (qw(preparing backfilling indexing catching_up validating ready))
		{
			wait_for($node, "SELECT osc_step($job) IN ('$phase', 'ready')");
			sql($node, "SELECT osc_backfill_batch($job)") if $phase eq 'backfilling';
			$write->($truncate_in eq $phase);
		}
		ok(wait_for($node, "SELECT osc_step($job) = 'ready' AND osc_replay($job) = 0"), 'the job is ready');
		$write->(0);
		ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
		$write->(0);
		sql($node, "CALL osc_run($job)");
		is(job_state($node, $job), 'done', 'the job is done') or explain_job($node, $job);
		$write->(0);
		$same->($truncate_in ? "with a TRUNCATE while $truncate_in" : 'with rows');
	}

	# the first copy of a table that has a job
	my $job = start_job($node, 'ALTER TABLE late ALTER id TYPE bigint', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	sql($publisher, 'ALTER PUBLICATION p ADD TABLE late');
	sql($node, 'ALTER SUBSCRIPTION s REFRESH PUBLICATION');
	ok(wait_for($node, $synced), 'the first copy of another table is made');
	sql($publisher, "UPDATE late SET v = 'changed' WHERE id % 3 = 0");
	$publisher->wait_for_catchup('s');
	ok(wait_for($node, "SELECT backlog = 0 FROM osc_progress WHERE job_id = $job"), 'the job has caught up');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'done');
	is(sql($node, 'SELECT count(*), sum(id), count(*) FILTER (WHERE v = $$changed$$) FROM late'), '500|125250|166', 'it is right');
	is(leftovers($node), '', 'nothing is left');
	sql($node, 'DROP SUBSCRIPTION s');
	$node->stop;
	$publisher->stop;
};

# ------------------------------------------------------------------ vacuums

# Every vacuum is slow, and every table is due for one against wraparound after 100,000 ids.
promise 'vacuums of the table, of the copy and of TOAST tables, to prevent wraparound and by hand, at the swap' => sub {
	my $node = osc_node('vacuums', conf => 'autovacuum_max_workers = 5');
	# no other vacuums of it
	my $aged = 'autovacuum_freeze_max_age = 100000, autovacuum_freeze_min_age = 0, autovacuum_freeze_table_age = 0, autovacuum_vacuum_threshold = 2000000000, autovacuum_vacuum_insert_threshold = -1';
	my $slow = 'autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1';
	sql($node, <<"SQL");
CREATE TABLE burnt (i int);
CREATE TABLE t (id int PRIMARY KEY, v text, big text) WITH (fillfactor = 20, $aged, $slow, ${\ join ', ', map { "toast.$_" } split /, /, "$aged, $slow"});
ALTER TABLE t ALTER big SET STORAGE external;
INSERT INTO t SELECT n, 'old', CASE WHEN n % 5 = 0 THEN repeat('b', 9000) END FROM generate_series(1, 4000) n;
CREATE TABLE truth AS SELECT id, v, md5(big) AS big FROM t;
SQL
	my $write = sub {
		my ($what) = @_;
		sql($node, "UPDATE t SET v = '$what' WHERE id % 7 = 0; UPDATE truth SET v = '$what' WHERE id % 7 = 0; DELETE FROM t WHERE id % 101 = 1; DELETE FROM truth WHERE id % 101 = 1;"
			  . "UPDATE t SET id = -id WHERE id % 11 = 3; UPDATE truth SET id = -id WHERE id % 11 = 3");
	};
	my $age = sub { sql($node, "DO 'BEGIN FOR i IN 1 .. 101000 LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN others THEN END; END LOOP; END'"); };
	my $vacuums = "FROM pg_stat_progress_vacuum JOIN pg_stat_activity USING (pid)";
	my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint', args => "run => 'manual', swap => 'manual'", set => { batch_size => 500, swap_max_backlog => 100000 });
	ok(wait_for($node, "SELECT osc_step($job)", 'backfilling'), 'the job copies');
	sql($node, "SELECT osc_backfill_batch($job) FROM generate_series(1, 3)");
	$write->('backfilling');
	ok(wait_for($node, "SELECT osc_step($job)", 'ready'), 'it is ready') or explain_job($node, $job);
	$write->('ready');
	sql($node, "SELECT osc_replay($job)");
	$age->();
	for my $which ("'t'::regclass", "(SELECT reltoastrelid FROM pg_class WHERE oid = 't'::regclass)", "(SELECT shadow FROM online_schema.job_member WHERE job_id = $job)")
	{
		ok(wait_for($node, "SELECT count(*) > 0 $vacuums WHERE relid = $which AND query ~ 'to prevent wraparound'"), "a vacuum to prevent wraparound is at $which")
		  or diag(sql($node, "SELECT relid::regclass, query $vacuums"));
	}
	$write->('under a vacuum');
	my $began = time;
	for (1 .. 3)
	{
		my $swapped = sql($node, "SELECT osc_swap($job)");
		is($swapped, 'f', 'no swap while it is there');
	}
	# it takes minutes
	cmp_ok(time - $began, '<', 40, 'and nobody waits for it');
	note(sql($node, "SELECT detail FROM osc_events WHERE job_id = $job AND event = 'lock' ORDER BY at DESC LIMIT 1"));
	is(error_of($node, "SET lock_timeout = '20s'; BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE; ROLLBACK"), '', 'others go on');
	like(sql($node, "SELECT string_agg(detail::text, ' ') FROM osc_events WHERE job_id = $job AND event = 'lock' AND detail->>'granted' = 'false'"), qr/wraparound/, 'an event names the vacuum');
	# an ordinary one gives way, also when it is at the TOAST table, which the swap locks last
	sql($node, "CREATE TABLE wide (id int PRIMARY KEY, big text) WITH (toast.autovacuum_vacuum_threshold = 0, toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_cost_delay = 100, toast.autovacuum_vacuum_cost_limit = 1)");
	sql($node, "ALTER TABLE wide ALTER big SET STORAGE external; INSERT INTO wide SELECT n, repeat('w', 9000) FROM generate_series(1, 500) n");
	my $other = start_job($node, 'ALTER TABLE wide ALTER id TYPE bigint', args => "run => 'manual', swap => 'manual'");
	ok(wait_for($node, "SELECT osc_step($other)", 'ready'), 'another job is ready');
	sql($node, "UPDATE wide SET big = repeat('v', 9000) WHERE id <= 200");
	ok(wait_for($node, "SELECT count(*) > 0 $vacuums WHERE relid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'wide'::regclass) AND query !~ 'wraparound'"), 'an ordinary vacuum is at its TOAST table');
	ok(wait_for($node, "SELECT osc_swap($other)"), 'and gives way to the swap');
	sql($node, "CALL osc_run($other)");
	is(sql($node, "SELECT count(*), count(*) FILTER (WHERE big = repeat('v', 9000)) FROM wide"), '500|200', 'the rows are right');

	# they are not to come again
	sql($node, 'ALTER SYSTEM SET autovacuum = off');
	$node->reload;
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum launcher'", '0'), 'no more vacuums');
	ok(wait_for($node, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'", '0'), 'nor those of before');

	# a vacuum of a TOAST table by a client holds no lock on the table itself
	my $toast = sql($node, "SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 't'::regclass");
	my $client = $node->background_psql('postgres', on_error_stop => 0);
	sql($node, "UPDATE t SET big = repeat('c', 9000) WHERE id % 10 = 0; UPDATE truth SET big = md5(repeat('c', 9000)) WHERE id % 10 = 0");
	$client->query_until(qr/go/, "\\echo go\nSET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) $toast;\n");
	ok(wait_for($node, "SELECT count(*) > 0 $vacuums WHERE relid = '$toast'::regclass AND backend_type = 'client backend'"), 'a client vacuums the TOAST table');
	sql($node, "SELECT osc_replay($job)");
	$began = time;
	is(sql($node, "SELECT osc_swap($job)"), 'f', 'no swap under it');
	cmp_ok(time - $began, '<', 40, 'nor a wait for its end');
	is(error_of($node, "SET lock_timeout = '20s'; BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE; ROLLBACK"), '', 'others go on');
	sql($node, "SELECT pg_terminate_backend(pid) $vacuums WHERE backend_type = 'client backend'");
	eval { $client->quit };
	ok(wait_for($node, "SELECT osc_swap($job)"), 'then it swaps') or explain_job($node, $job);
	$write->('swapped');
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'the job is done') or explain_job($node, $job);
	is(sql($node, 'SELECT count(*) FROM ((SELECT id::int, v, md5(big) FROM t EXCEPT ALL TABLE truth) UNION ALL (TABLE truth EXCEPT ALL SELECT id::int, v, md5(big) FROM t)) d'), '0', 'the table is right');
	is(amcheck_faults($node, undef, 't'), '', 'amcheck finds nothing');
	is(leftovers($node), '', 'nothing is left');
	$node->stop('immediate');
};

# ------------------------------------------------------------------ resources run out

my $node = osc_node('resources', conf => "max_locks_per_transaction = 10\nmax_connections = 15\nmax_prepared_transactions = 2\nmax_worker_processes = 8\nmax_wal_senders = 2\nmax_replication_slots = 2\nautovacuum_max_workers = 1");

promise 'a full lock table holds a job up, and it goes on when there is room again' => sub {
	sql($node, 'CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, n FROM generate_series(1, 20000) n');
	my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint', args => "swap => 'manual'", set => { batch_size => 50, throttle_ratio => 0.95 });
	ok(wait_for($node, "SELECT rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	my $offset = log_offset($node);
	my $hog = $node->background_psql('postgres', on_error_stop => 0);
	$hog->query('DO $$BEGIN FOR i IN 1 .. 1000000 LOOP PERFORM pg_advisory_lock(i); END LOOP; EXCEPTION WHEN out_of_memory THEN END$$');
	my $errors = sub { scalar grep { /online_schema worker\|[^|]*\|53200 ERROR/ } split /\n/, OscTest::log_since($node, $offset) };
	for (1 .. 600)
	{
		last if $errors->();
		sleep 0.1;
	}
	sleep 3;
	cmp_ok($errors->(), '>', 0, 'a worker has met it');
	cmp_ok($errors->(), '<', 20, 'and workers do not meet it over and over');
	$hog->query('SELECT pg_advisory_unlock_all()');
	$hog->quit;
	sql($node, "UPDATE t SET v = 'new' WHERE id % 10 = 0");
	unlike(OscTest::log_since($node, $offset), qr/you don't own a lock/, 'no lock is given back twice');
	sql($node, "SELECT osc_resume($job)");
	sql($node, "SELECT osc_set($job, 'throttle_ratio', '0'), osc_set($job, 'batch_size', '0')");
	job_ends($node, $job, 'ready');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'done');
	is(sql($node, "SELECT count(*), count(*) FILTER (WHERE v = 'new') FROM t"), '20000|2000', 'the rows are right');
};
is(leftovers($node), '', 'nothing is left');
$node->stop;

# ------------------------------------------------------------------ crashes of other jobs than copies of one table

my $crash = osc_node('crash', preload => 1);

promise 'a crash of a job on a partitioned table and another one, under load' => sub {
	sql_file($crash, 'load/parted_schema.sql', undef, rows => 6000);
	sql($crash, 'CREATE TABLE beside (id int PRIMARY KEY, v int); INSERT INTO beside SELECT n, n FROM generate_series(1, 3000) n');
	my $load = start_load($crash, scripts => [ [ 'parted_update', 4 ], [ 'parted_move', 6 ], [ 'parted_reinsert', 2 ], [ 'parted_bulk', 1 ] ], clients => 6, rate => 60, rows => 6000, restart => 1);
	my $types = 'bigint';
	for my $point ($ENV{OSC_STOP_POINTS} ? crash_points() : qw(prepare-before-commit capture-before-commit backfill-before-commit replay-before-commit swap-locked swap-before-final-alter swap-before-commit cleanup-before-commit))
	{
		note("a crash at $point");
		crash_at($crash, $point, "ALTER TABLE parted ALTER id TYPE $types; ALTER TABLE beside ALTER v TYPE $types", 500);
		is(sql($crash, "SELECT fault FROM parted_faults('{}') ORDER BY 1 LIMIT 10"), '', "$point: each row is there as often as was counted");
		is(sql($crash, "SELECT string_agg(DISTINCT format_type(atttypid, NULL), ' ') FROM pg_attribute WHERE (attrelid::regclass::text ~ '^parted_?[123r]*[ab]?(est)?\$' AND attname = 'id') OR (attrelid = 'beside'::regclass AND attname = 'v')"), $types, 'all are changed, or none');
		is(leftovers($crash), '', 'nothing is left');
		$types = $types eq 'bigint' ? 'integer' : 'bigint';
	}
	$load->stop;
	is(sql($crash, "SELECT fault FROM parted_faults('{}') ORDER BY 1 LIMIT 10"), '', 'in the end each row is there as often as was counted');
	is(sql($crash, 'SELECT count(*), sum(v) FROM beside'), '3000|4501500', 'the other table is right');
};

sql($crash, <<'SQL');
CREATE TABLE other (id int PRIMARY KEY);
INSERT INTO other SELECT generate_series(1, 100);
CREATE TABLE plain (id int, v text, o int);
INSERT INTO plain SELECT n, n, n % 100 + 1 FROM generate_series(1, 2000) n;
SQL
my $direct = 'ALTER TABLE plain ALTER v SET NOT NULL, ADD PRIMARY KEY (id), ADD UNIQUE (v), ADD CHECK (o > 0), ADD FOREIGN KEY (o) REFERENCES other';
my $undo = 'ALTER TABLE plain ALTER v DROP NOT NULL, DROP CONSTRAINT plain_pkey, DROP CONSTRAINT plain_v_key, DROP CONSTRAINT plain_o_check, DROP CONSTRAINT plain_o_fkey, ALTER id DROP NOT NULL';
my $have = "SELECT string_agg(conname || ' ' || contype::text || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'plain'::regclass AND contype <> 'n'";
my $want = 'plain_o_check c true, plain_o_fkey f true, plain_pkey p true, plain_v_key u true';

promise 'a crash of a job that validates constraints and builds indexes' => sub {
	for my $point ('direct-locked', 'direct-before-commit')
	{
		crash_at($crash, $point, $direct, 0);
		is(sql($crash, $have), $want, "$point: the constraints are there");
		is(leftovers($crash), '', 'nothing else is');
		sql($crash, $undo);
	}
};

promise 'a crash while an index is built concurrently' => sub {
	for my $ddl ($direct, 'CREATE INDEX plain_i ON plain (o)', 'REINDEX TABLE plain', 'REINDEX INDEX plain_i', 'DROP INDEX plain_i', 'CREATE UNIQUE INDEX plain_u ON plain (id)')
	{
		# a writer makes the build wait
		my $writer = $crash->background_psql('postgres', on_error_stop => 0);
		$writer->query_safe('BEGIN; UPDATE plain SET o = o WHERE id = 1');
		my $job = start_job($crash, $ddl);
		ok(wait_for($crash, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'online_schema worker' AND wait_event_type = 'Lock'"), "waits: $ddl") or explain_job($crash, $job);
		my $offset = log_offset($crash);
		kill 'KILL', worker_pids($crash);
		ok(wait_for_log_line($crash, qr/all server processes terminated; reinitializing/, $offset), 'the worker is killed');
		eval { $writer->quit };
		ok(wait_for($crash, 'SELECT true'), 'the server is back');
		job_ends($crash, $job, 'done', 'the job goes on to its end');
		is(leftovers($crash), '', 'nothing is left: no invalid index');
		is(sql($crash, 'SELECT count(*) FROM plain'), '2000', 'the rows are there');
	}
	is(sql($crash, $have), $want, 'the constraints are there');
	is(sql($crash, "SELECT string_agg(indexrelid::regclass::text || ' ' || indisvalid, ', ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'plain'::regclass"), 'plain_pkey true, plain_u true, plain_v_key true', 'and the indexes');
};
$crash->stop;
done_testing();
