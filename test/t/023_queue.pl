# 023_queue.pl: many jobs at once, and a job in its operator's hands.
#
# max_workers and the queue beyond it; pause, resume and cancel in every phase; what a job
# costs that is ready and waits for its swap.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = osc_node('queue', conf => 'online_schema.max_workers = 2', preload => 1);
create_items($node, 60000);

my $to = 'integer';
sub change
{
	$to = $to eq 'bigint' ? 'integer' : 'bigint';
	return "ALTER TABLE item ALTER COLUMN qty TYPE $to";
}

sub states { return sql($node, "SELECT string_agg(state, ' ' ORDER BY job_id) FROM osc_progress WHERE job_id IN (" . join(',', @_) . ')'); }

promise 'no more than max_workers jobs run at once, the oldest first' => sub {
	sql($node, "CREATE TABLE q$_ AS SELECT n AS id, n AS v FROM generate_series(1, 2000) n; ALTER TABLE q$_ ADD PRIMARY KEY (id)") for 1 .. 5;
	my @job = map { start_job($node, "ALTER TABLE q$_ ALTER COLUMN v TYPE bigint", args => "swap => 'manual'") } 1 .. 5;
	job_ends($node, $_, 'ready') for @job[0, 1];
	ok( wait_for($node, "SELECT count(*) FROM osc_progress WHERE job_id IN ($job[2], $job[3], $job[4]) AND state = 'queued'"
			  . " AND waiting_for = 'one of the 2 jobs that may run at once (online_schema.max_workers) to end'", '3'), 'the others are queued and say why')
	  or explain_job($node, $job[2]);
	is(states(@job), 'ready ready queued queued queued', 'two run');
	sql($node, "SELECT osc_cancel($job[4])");
	job_ends($node, $job[4], 'cancelled', 'a queued job can be cancelled without a place');
	wait_for($node, "SELECT osc_swap($job[0])");
	job_ends($node, $job[0], 'done');
	job_ends($node, $job[2], 'ready', 'when one ends, the oldest of the queue runs');
	is(states(@job), 'done ready ready queued cancelled', 'and only that');
	sql($node, "SELECT osc_pause($job[1])");
	job_ends($node, $job[3], 'ready', 'a paused job gives its place to another');
	sql($node, "SELECT osc_resume($job[1])");
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'max_workers', false) FROM osc_progress WHERE job_id = $job[1]"), 'and waits for one when it is resumed');
	wait_for($node, "SELECT osc_swap($_)") for @job[2, 3];
	job_ends($node, $_, 'done') for @job[2, 3];
	ok(wait_for($node, "SELECT osc_swap($job[1])"), 'the resumed one is ready again');
	job_ends($node, $job[1], 'done');
	is(sql($node, "SELECT max(n) FROM (SELECT count(*) AS n FROM osc_events WHERE event = 'swap' GROUP BY job_id) x"), '1', 'each was swapped once');
};

promise 'a place is one of the whole server' => sub {
	sql($node, 'CREATE DATABASE second');
	sql($node, 'CREATE EXTENSION online_schema; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)', 'second');
	my @job = map { start_job($node, "ALTER TABLE q$_ ALTER COLUMN v TYPE integer", args => "swap => 'manual'") } 1 .. 2;
	job_ends($node, $_, 'ready') for @job;
	my $other = start_job($node, 'ALTER TABLE t ALTER COLUMN id TYPE bigint', db => 'second');
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'max_workers', false) FROM osc_progress WHERE job_id = $other", 't', 'second'), 'a job of another database waits');
	sql($node, "SELECT osc_cancel($job[0])");
	job_ends($node, $job[0], 'cancelled');
	sql($node, "CALL osc_wait($other, '60 s')", 'second');
	is(job_state($node, $other, 'second'), 'done', 'and goes on with its next call');
	sql($node, "SELECT osc_cancel($job[1])");
	job_ends($node, $job[1], 'cancelled');
};

promise 'pause and resume in every phase' => sub {
	my $job = start_job($node, change(), set => { batch_size => 2000 }, args => "swap => 'manual'");
	for my $phase (qw(preparing backfilling indexing catching_up validating ready))
	{
		# another phase may have been reached when the pause comes
		next unless wait_for($node, "SELECT phase IN ('$phase', 'ready') FROM osc_progress WHERE job_id = $job");
		my $began = time;
		sql($node, "SELECT osc_pause($job)");
		wait_until_at_rest($node);
		my $ms = (time - $began) * 1000;
		my $at = sql($node, "SELECT state, phase FROM osc_progress WHERE job_id = $job");
		note(sprintf 'asked in %s, paused at %s, nobody at work after %.0f ms', $phase, $at, $ms);
		like($at, qr/^paused\|/, "paused: $phase");
		sleep 0.3;
		is(sql($node, "SELECT state, phase FROM osc_progress WHERE job_id = $job"), $at, 'and stays where it is');
		sql($node, "UPDATE item SET note = '$phase' WHERE id <= 10");
		sql($node, "SELECT osc_resume($job)");
	}
	job_ends($node, $job, 'ready');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'done');
	is(ledger_faults($node), '', 'the table is right');
};

promise 'cancel in every phase' => sub {
	for my $phase (qw(queued preparing backfilling indexing catching_up validating ready))
	{
		my $job = start_job($node, change(), set => { batch_size => 2000 }, args => "swap => 'manual'");
		$to = $to eq 'bigint' ? 'integer' : 'bigint';
		wait_for($node, "SELECT phase IN ('$phase', 'ready') FROM osc_progress WHERE job_id = $job") if $phase ne 'queued';
		my $began = time;
		sql($node, "SELECT osc_cancel($job)");
		job_ends($node, $job, 'cancelled', "cancelled: $phase");
		note(sprintf 'asked in %s, over after %.0f ms', $phase, (time - $began) * 1000);
		is(leftovers($node), '', 'nothing is left');
	}
};

promise 'a job that is ready costs little' => sub {
	my $job = start_job($node, change(), args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	wait_for($node, "SELECT backlog = 0 FROM osc_progress WHERE job_id = $job");
	my $rows = "SELECT string_agg(xmin::text, ',') FROM (SELECT xmin FROM online_schema.job_member WHERE job_id = $job UNION ALL SELECT xmin FROM online_schema.job WHERE job_id = $job) x";
	my $pid = sql($node, "SELECT pid FROM pg_stat_activity WHERE application_name = 'online_schema job $job'");
	my $cpu = sub { my @f = split / /, slurp_file("/proc/$pid/stat"); return ($f[13] + $f[14]) * 10; };
	my ($before, $after);
	# what it had to write of becoming ready may come late
	for (1 .. 3)
	{
		sleep 1;
		$before = sql($node, $rows);
		my $ms  = $cpu->();
		my $lsn = sql($node, 'SELECT pg_current_wal_insert_lsn()');
		sleep 10;
		my $wal = sql($node, "SELECT pg_current_wal_insert_lsn() - '$lsn'");
		note(sprintf 'in 10 s without writes: %d ms of CPU, %s bytes of WAL of the whole server', $cpu->() - $ms, $wal);
		$after = sql($node, $rows);
		last if $after eq $before;
	}
	is($after, $before, 'while nobody writes, it writes nothing');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled');
};

# 4 s; ten minutes with OSC_SOAK=1.
my $long = $ENV{OSC_SOAK} ? 600 : 4;

promise "a job that is paused, and one that is ready, for $long s under load" => sub {
	my $offset = log_offset($node);
	my $load = start_load($node, scripts => [ map { [ $_, 1 ] } qw(insert update hot delete reinsert key_change) ], rows => 60000, clients => 4, rate => 200);
	my $job = start_job($node, change(), set => { batch_size => 2000 }, args => "swap => 'manual'");
	wait_for($node, "SELECT phase IN ('backfilling', 'ready') FROM osc_progress WHERE job_id = $job");
	sql($node, "SELECT osc_pause($job)");
	job_ends($node, $job, 'paused');
	sleep $long;
	sql($node, "SELECT osc_resume($job)");
	job_ends($node, $job, 'ready');
	my $size = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relnamespace = 'osc_${job}_1'::regnamespace AND relname ~ '^osc_log'";
	my @sizes;
	for my $i (1 .. 4)
	{
		sleep $long / 4;
		push @sizes, sql($node, $size);
	}
	ok(wait_for($node, "SELECT osc_swap($job)"), 'it swaps');
	job_ends($node, $job, 'done');
	$load->stop;
	note("size of the log at ready, bytes: @sizes; swap under lock for "
		  . sql($node, "SELECT detail->>'locked_ms' FROM osc_events WHERE job_id = $job AND event = 'swap'") . ' ms');
	# a log that is replayed is dropped segment by segment, so it cannot grow with the time
	cmp_ok($sizes[-1], '<', 64 * 1024 * 1024, 'the log stays small');
	is(unexpected_errors($node, $offset), '', 'no client met an error');
	is(ledger_faults($node), '', 'the table is right');
};

is(ledger_faults($node), '', 'the table is right');
is(leftovers($node), '', 'nothing is left');
$node->stop;
done_testing();
