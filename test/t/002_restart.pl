# 002_restart.pl: a job outlives the server.
#
# With shared_preload_libraries = 'online_schema' a job under way goes on by itself after a
# restart, an immediate shutdown, kill -9 of its worker and kill -9 of the postmaster; it
# loses at most the batch it was in, and nothing is lost or doubled. Clients write all the
# while. Without the library preloaded the next osc_* call starts it again.
#
# OSC_SOAK=1: fifty kills at random moments instead of six.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;
use Time::HiRes qw(sleep);

my $rows  = 30000;
my $kills = $ENV{OSC_SOAK} ? 50 : 6;
my @scripts = map { [ $_, 1 ] } qw(insert update key_change delete reinsert hot savepoint rollback swap_keys hand_over set_null);

my $node = osc_node('restart', preload => 1);
create_items($node, $rows, undef, pad => 600);
my $oid  = relation_oid($node, 'item');
my $load = start_load($node, scripts => \@scripts, rows => $rows, clients => 3, rate => 150, restart => 1);

# Every job changes the type back or forth.
my $next_type = 'bigint';

sub next_job
{
	my (%opt) = @_;
	my $job = start_job($node, "ALTER TABLE item ALTER COLUMN qty TYPE $next_type", %opt);
	$next_type = $next_type eq 'bigint' ? 'integer' : 'bigint';
	return $job;
}

# slow enough to be met while it copies, however late we come
my %slow = (set => { batch_size => 1, throttle_ratio => 0.9 });

sub go_fast { return sql($node, "SELECT osc_set($_[0], 'throttle_ratio', '0')"); }

sub wait_until_copying
{
	my ($job) = @_;
	return wait_for($node, "SELECT phase = 'backfilling' AND rows_done > 500 FROM osc_progress WHERE job_id = $job");
}

sub all_is_well
{
	is(ledger_faults($node), '', 'the rows are right');
	is(leftovers($node), '', 'nothing is left');
	is(relation_oid($node, 'item'), $oid, 'the table is the same table');
	return;
}

# What happens to the server while a job copies, each with what it does.
my @disasters = (
	[ 'a fast restart' => sub { $node->restart; } ],
	[ 'an immediate shutdown' => sub { $node->stop('immediate'); $node->start; } ],
	[ 'kill -9 of the worker' => sub {
			my $offset = log_offset($node);
			kill 'KILL', worker_pids($node);
			ok(wait_for_log_line($node, qr/all server processes terminated; reinitializing/, $offset), 'the server restarts itself');
		} ],
	[ 'kill -9 of the postmaster' => sub { kill_server($node); $node->start; } ]);

for my $disaster (@disasters)
{
	my ($what, $happen) = @$disaster;
	promise "after $what the job goes on by itself" => sub {
		my $job = next_job(%slow);
		ok(wait_until_copying($job), 'it copies');
		my $done = sql($node, "SELECT rows_done FROM osc_progress WHERE job_id = $job");
		# batches commit asynchronously: what we have seen is on disk when a later commit of ours is
		sql($node, "SELECT FROM pg_logical_emit_message(true, 'test', 'flush')");
		is(job_state($node, $job), 'running', 'it is under way');
		$happen->();
		ok(wait_for($node, 'SELECT true'), 'the server is back');
		cmp_ok(sql($node, "SELECT rows_done FROM osc_progress WHERE job_id = $job"), '>=', $done, 'no committed batch is done again');
		go_fast($job);
		job_ends($node, $job, 'done');
		all_is_well();
	};
}

promise 'kills at random moments, in whatever phase' => sub {
	srand(4711);
	my $job = next_job(set => { batch_size => 20 });
	for my $n (1 .. $kills)
	{
		$job = next_job(set => { batch_size => 20 }) if job_state($node, $job) eq 'done';
		my $offset = log_offset($node);
		sleep 0.05 + rand(1.2);
		my @pid = worker_pids($node) or next;
		# it may have ended just now
		kill('KILL', @pid) or next;
		wait_for_log_line($node, qr/database system is ready to accept connections/, $offset);
		ok(wait_for($node, 'SELECT true'), "the server is back after kill $n");
		is(ledger_faults($node), '', 'the rows are right meanwhile');
	}
	job_ends($node, $job, 'done');
	all_is_well();
};

promise 'states that are not under way survive a restart as they are' => sub {
	my $ready = next_job(args => "swap => 'manual'");
	job_ends($node, $ready, 'ready');
	sql($node, <<'SQL');
CREATE TABLE other AS SELECT n AS id, n FROM generate_series(1, 5000) n;
ALTER TABLE other ADD PRIMARY KEY (id);
CREATE TABLE another AS SELECT n AS id, n FROM generate_series(1, 5000) n;
ALTER TABLE another ADD PRIMARY KEY (id);
SQL
	my $paused = start_job($node, 'ALTER TABLE other ALTER COLUMN n TYPE bigint', args => "swap => 'manual'");
	job_ends($node, $paused, 'ready');
	sql($node, "SELECT osc_pause($paused)");
	job_ends($node, $paused, 'paused');
	my $manual = start_job($node, 'ALTER TABLE another ALTER COLUMN n TYPE bigint', args => "run => 'manual'");
	$node->stop('immediate');
	$node->start;
	sleep 2;
	is(job_state($node, $paused), 'paused', 'paused stays paused');
	is(job_state($node, $ready), 'ready', 'ready stays ready');
	is(sql($node, "SELECT phase FROM osc_progress WHERE job_id = $manual"), 'planned', 'a job run by hand is left to its hand');
	sql($node, "SELECT osc_resume($paused)");
	sql($node, "CALL osc_run($manual)");
	job_ends($node, $manual, 'done');
	for my $job ($paused, $ready)
	{
		job_ends($node, $job, 'ready');
		ok(wait_for($node, "SELECT osc_swap($job)"), 'the swap works');
		job_ends($node, $job, 'done');
	}
	is(sql($node, 'SELECT count(*), sum(n) FROM other'), '5000|12502500', 'the rows are right');
	is(sql($node, 'SELECT count(*), sum(n) FROM another'), '5000|12502500', 'the rows are right');
	all_is_well();
};

promise 'a cancelled job is cleaned up after a crash' => sub {
	my $job = next_job(%slow);
	ok(wait_until_copying($job), 'it copies');
	sql($node, "SELECT osc_cancel($job)");
	$node->stop('immediate');
	$node->start;
	job_ends($node, $job, 'cancelled');
	$next_type = $next_type eq 'bigint' ? 'integer' : 'bigint';
	all_is_well();
};

promise 'without the library preloaded the next call starts the job again' => sub {
	$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
	$node->restart;
	my $job = next_job(%slow);
	ok(wait_until_copying($job), 'it copies');
	$node->stop('immediate');
	$node->start;
	sleep 1;
	is(sql($node, "SELECT state IN ('queued', 'running') FROM osc_progress WHERE job_id = $job"), 't', 'the job is not lost');
	go_fast($job);
	sql($node, "CALL osc_wait($job, '120 s')");
	job_ends($node, $job, 'done');
	all_is_well();
};

$load->stop;
is(ledger_faults($node), '', 'in the end the table is what the ledger tells');
is(amcheck_faults($node, undef, 'item', 'part'), '', 'amcheck finds nothing');
is(unexpected_errors($node, 0, @OscTest::SHUTDOWN_ERRORS), '', 'no client met an error but the restarts');

$node->stop;
done_testing();
