# 020_throttle.pl: a job goes slower, or waits, for the sake of others, and says so.
#
# A standby that is held back, a slot that nobody reads, busy and waiting sessions, a full
# disk; throttle_ratio; osc_set() in force at once; the same for osc_run() and further
# backfill workers.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = osc_node('primary');
create_items($node, 20000);
sql($node, "SELECT pg_create_physical_replication_slot('standby', true)");
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "primary_slot_name = 'standby'\nhot_standby_feedback = off");
$standby->start;
$node->wait_for_catchup($standby);

# Small batches and a pause between them, so that limits have something to hold up.
my %slow = (batch_size => 200, throttle_ratio => 0.5, lock_timeout => '2s');

# Sessions at work: in another database, where no swap has to wait for their snapshots.
sql($node, 'CREATE DATABASE elsewhere');
sub busy
{
	my @busy = map { $node->background_psql('elsewhere', on_error_stop => 0) } 1 .. $_[0];
	$_->query_until(qr/go/, "\\echo go\nSELECT pg_sleep(3600);\n") for @busy;
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'elsewhere' AND wait_event = 'PgSleep'", scalar @busy);
	return @busy;
}

sub relax
{
	sql($node, "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = 'elsewhere' AND state = 'active'");
	$_->quit for @_;
	return;
}

# A bigint column and back again: each job needs a copy.
my $to = 'integer';
sub change
{
	$to = $to eq 'bigint' ? 'integer' : 'bigint';
	return "ALTER TABLE item ALTER COLUMN qty TYPE $to";
}

sub rows_done { return sql($node, "SELECT rows_done FROM osc_progress WHERE job_id = $_[0]"); }

sub waits_for
{
	my ($job, $pattern, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $good = ok(
		wait_for($node, "SELECT coalesce(waiting_for ~ '$pattern', false) FROM osc_progress WHERE job_id = $job"),
		"it waits and says so: $name");
	explain_job($node, $job) unless $good;
	note(sql($node, "SELECT waiting_for FROM osc_progress WHERE job_id = $job"));
	return $good;
}

# No row is copied while a limit holds the job.
sub stands_still
{
	my ($job) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($before, $after);
	for (1 .. 5)
	{
		# batches of further workers may have been under way
		sleep 0.5;
		$before = rows_done($job);
		sleep 1.5;
		$after = rows_done($job);
		last if $after == $before;
	}
	return is($after, $before, "and copies nothing ($before rows so far)");
}

sub has_events
{
	my ($job, $pattern) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $events = sql($node, "SELECT string_agg(event, ' ' ORDER BY at) FROM (SELECT DISTINCT ON (event) event, at FROM osc_events"
		  . " WHERE job_id = $job AND event IN ('throttle', 'throttle_end') AND detail->>'reason' ~ '$pattern' ORDER BY event, at) e");
	return is($events, 'throttle throttle_end', 'events tell when it began and when it was over');
}

promise 'a standby that is held back holds back the job' => sub {
	sql($standby, 'SELECT pg_wal_replay_pause()');
	my $job = start_job($node, change(), set => { %slow, batch_size => 50, throttle_ratio => 0.95, max_replica_lag => '1s' });
	waits_for($job, '^throttle: (replica|slot) lag [0-9]+ s of 1 s allowed', 'replica lag');
	stands_still($job);
	sql($standby, 'SELECT pg_wal_replay_resume()');
	sql($node, "SELECT osc_set($job, 'batch_size', '0'), osc_set($job, 'throttle_ratio', '0.5')");
	job_ends($node, $job, 'done', 'when the standby goes on, so does the job');
	has_events($job, 'lag');
	like(sql($node, "SELECT detail->>'reason' FROM osc_events WHERE job_id = $job AND event = 'throttle' AND detail->>'reason' ~ 'replica lag' LIMIT 1"),
		qr/\(standby\)|^$/, 'a standby is named');
};

promise 'a slot that nobody reads does, too, until the limit is lifted' => sub {
	sql($node, "SELECT FROM pg_create_logical_replication_slot('idle', 'test_decoding')");
	my $job = start_job($node, change(), set => { %slow, batch_size => 50, throttle_ratio => 0.95, max_replica_lag => '1s' });
	waits_for($job, 'slot lag .*\\(slot idle\\)', 'slot lag');
	sql($node, "SELECT osc_set($job, 'max_replica_lag', '0'), osc_set($job, 'batch_size', '0'), osc_set($job, 'throttle_ratio', '0')");
	job_ends($node, $job, 'done', 'osc_set() lets it go on');
	has_events($job, 'slot idle');
	sql($node, "SELECT pg_drop_replication_slot('idle')");
};

promise 'busy and waiting sessions hold it back' => sub {
	my @busy = busy(2);
	my $job = start_job($node, change(), set => { %slow, max_active_backends => 1 });
	waits_for($job, '^throttle: [23] active sessions of 1 allowed', 'active sessions');
	stands_still($job);
	sql($node, "SELECT osc_set($job, 'max_active_backends', '50')");
	ok(wait_for($node, "SELECT waiting_for IS NULL OR waiting_for !~ 'throttle' FROM osc_progress WHERE job_id = $job"), 'a higher limit is in force at once');
	job_ends($node, $job, 'done');
	has_events($job, 'active sessions');
	relax(@busy);

	my @sessions = map { $node->background_psql('elsewhere') } 1 .. 3;
	sql($node, 'CREATE TABLE queue (i int)', 'elsewhere');
	$sessions[0]->query_safe('BEGIN; LOCK TABLE queue');
	$_->query_until(qr/go/, "\\echo go\nBEGIN; LOCK TABLE queue IN SHARE MODE; COMMIT;\n") for @sessions[1, 2];
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'elsewhere' AND wait_event_type = 'Lock'", '2');
	$job = start_job($node, change(), set => { %slow, max_lock_waiters => 1 });
	waits_for($job, '^throttle: 2 sessions that wait for locks of 1 allowed', 'sessions that wait for locks');
	$sessions[0]->query_safe('COMMIT');
	$_->quit for @sessions;
	job_ends($node, $job, 'done', 'it goes on when they have their locks');
};

promise 'a disk that runs full holds it back, or keeps it from starting' => sub {
	fails_with(
		$node, "SET online_schema.min_free_disk = 99; SELECT osc_start('ALTER TABLE item ALTER COLUMN qty TYPE bigint')",
		'53100', qr/HINT:.*min_free_disk/s, 'no job is started without room for it');
	my $job = start_job($node, change(), set => { %slow, batch_size => 50, throttle_ratio => 0.95, min_free_disk => 0 });
	ok(wait_for($node, "SELECT rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	sql($node, "SELECT osc_set($job, 'min_free_disk', '99')");
	waits_for($job, '^throttle: disk space: [0-9.]+ % of the volume of tablespace "pg_default" is free, 99 % is to stay so', 'disk space');
	stands_still($job);
	sql($node, "SELECT osc_set($job, 'min_free_disk', '0'), osc_set($job, 'throttle_ratio', '0')");
	job_ends($node, $job, 'done');
	has_events($job, 'disk space');
};

promise 'throttle_ratio is the share of the time that is slept' => sub {
	for my $ratio (0.5, 0.8)
	{
		my ($worked, $slept, $share);
		# the last batch, after which nothing is slept, may be one in which the machine stood still
		for (1 .. 3)
		{
			my $job = start_job($node, change(), set => { batch_size => 500, throttle_ratio => $ratio });
			job_ends($node, $job, 'done');
			($worked, $slept, $share) = split /\|/, sql($node,
				"SELECT detail->>'worked_ms', detail->>'slept_ms', (detail->>'slept_ms')::float8 / ((detail->>'slept_ms')::float8 + (detail->>'worked_ms')::float8)"
				  . " FROM osc_events WHERE job_id = $job AND event = 'throttled' AND detail->>'phase' = 'backfilling'");
			note("ratio $ratio: worked $worked ms, slept $slept ms");
			last if $share > $ratio - 0.1;
		}
		# a machine may sleep longer than it is told, never less but for rounding
		cmp_ok($share, '>', $ratio - 0.1, "with $ratio, a share of $share was slept");
	}
};

promise 'osc_run() and further workers obey, too' => sub {
	my $job = start_job($node, change(), set => { %slow, max_active_backends => 1 }, args => "run => 'manual'");
	my @busy = busy(2);
	ok(wait_for($node, "SELECT osc_step($job)", 'backfilling'), 'a job is to copy');
	sql($node, "CALL osc_run($job, '3 s')");
	is(sql($node, "SELECT phase || ' ' || rows_done FROM osc_progress WHERE job_id = $job"), 'backfilling 0', 'osc_run() has copied nothing');
	is(sql($node, "SELECT coalesce(osc_backfill_batch($job), -1)"), '0', 'nor has osc_backfill_batch(), which does not wait');
	relax(@busy);
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'with the sessions gone it goes to its end');

	@busy = busy(2);
	$job = start_job($node, change(), set => { %slow, workers => 3, max_active_backends => 1 });
	waits_for($job, 'active sessions', 'active sessions, with three workers');
	stands_still($job);
	relax(@busy);
	job_ends($node, $job, 'done');
};

promise 'a job whose writers outrun it says so, and ends when they calm down' => sub {
	sql($node, 'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL); INSERT INTO counter SELECT n, 0 FROM generate_series(1, 20000) n');
	my $job = start_job($node, 'ALTER TABLE counter ALTER COLUMN n TYPE bigint', set => { throttle_ratio => 0.95, verify => 'off' }, args => "swap => 'manual'");
	ok(wait_for($node, "SELECT state = 'ready' FROM osc_progress WHERE job_id = $job"), 'without writers it is ready');
	is(sql($node, "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'falls_behind'"), '0', 'and has nothing to complain of');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled');

	my $writer = $node->background_psql('postgres', on_error_stop => 0);
	$writer->query_until(qr/go/, "\\echo go\nDO 'BEGIN LOOP UPDATE counter SET n = n + 1; COMMIT; EXIT WHEN (SELECT count(*) > 0 FROM pg_tables WHERE tablename = ''calm''); END LOOP; END';\n");
	$job = start_job($node, 'ALTER TABLE counter ALTER COLUMN n TYPE bigint', set => { throttle_ratio => 0.95, verify => 'off' });
	waits_for($job, '^its writers, which change [0-9]+ keys a second while [0-9]+ are replayed', 'writers that are too fast');
	is(sql($node, "SELECT phase, eta IS NULL FROM osc_progress WHERE job_id = $job"), 'catching_up|t', 'nobody can say when it will end');
	# the backlog may shrink a little, and has not been told of more than once a minute
	is(sql($node, "SELECT bool_and((detail->>'keys_written_per_s')::int > 0.5 * (detail->>'keys_replayed_per_s')::int), count(*) - 1 <= extract(epoch FROM max(at) - min(at)) / 50 FROM osc_events WHERE job_id = $job AND event = 'falls_behind'"),
		't|t', 'an event has the figures');
	sql($node, 'CREATE TABLE calm ()');
	$writer->quit;
	my $before = sql($node, 'SELECT sum(n), count(*) FROM counter');
	sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')");
	job_ends($node, $job, 'done', 'the writers are calm: it ends');
	is(sql($node, "SELECT sum(n), count(*) FROM counter"), $before, 'the table is right');
	sql($node, 'DROP TABLE counter, calm');
};

# the server tells at DEBUG1 how it builds an index
promise 'index builds leave the processors to sessions that need them' => sub {
	my $processors = `getconf _NPROCESSORS_ONLN` + 0;
	plan skip_all => 'too many processors to keep busy' if $processors > 16;
	sql($node, "ALTER SYSTEM SET log_min_messages = debug1; ALTER SYSTEM SET min_parallel_table_scan_size = '512kB'; ALTER SYSTEM SET max_parallel_maintenance_workers = 1");
	$node->reload;
	my $builds = sub { join ' ', sort(OscTest::log_since($node, $_[0]) =~ /online_schema worker\|.* DEBUG:\s+building index "(?:item_\w+|copied)" on table "\w+" (serially|with request for \d)/g) };
	my @busy = map { $node->background_psql('elsewhere', on_error_stop => 0) } 1 .. $processors;
	$_->query_until(qr/go/, "\\echo go\nDO 'BEGIN LOOP NULL; END LOOP; END';\n") for @busy;
	ok(wait_for($node, "SELECT count(*) = $processors FROM pg_stat_activity WHERE datname = 'elsewhere' AND state = 'active' AND wait_event IS NULL"), 'all processors are busy');
	my $offset = log_offset($node);
	job_ends($node, start_job($node, change()), 'done', 'a copy');
	like($builds->($offset), qr/^serially( serially)*$/, 'its indexes are built serially');
	$offset = log_offset($node);
	job_ends($node, start_job($node, 'CREATE INDEX copied ON item (qty)'), 'done', 'an index built concurrently');
	is($builds->($offset), 'serially', 'it is built serially, too');
	relax(@busy);
	sql($node, "DROP INDEX copied; ALTER SYSTEM RESET log_min_messages; ALTER SYSTEM RESET min_parallel_table_scan_size; ALTER SYSTEM RESET max_parallel_maintenance_workers");
	$node->reload;
};

is(ledger_faults($node), '', 'the table is right');
is(leftovers($node), '', 'nothing is left');
$standby->stop;
$node->stop;
done_testing();
