# 011_no_key.pl: a table without a key, whose rows are found by their place, loses none and
# doubles none: under load, with VACUUM giving places to others, when all rows move, and over
# crashes at each named moment.
#
# Needs a build made with STOP_POINTS=1. A user's trigger counts whole rows
# (load/bag_schema.sql); afterwards the table must have each row as often as was counted.
#
# OSC_ROWS names the rows, OSC_STOP_POINTS the moments.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $rows = $ENV{OSC_ROWS} || 40000;
my $ddl  = "ALTER TABLE bag ALTER COLUMN a TYPE bigint, ALTER COLUMN c TYPE numeric(14,4), ADD COLUMN region text NOT NULL DEFAULT 'none'";
my @single = map { [ "bag_$_", 4 ] } qw(insert update move delete twin null toast);
my @several = map { [ "bag_$_", 4 ] } qw(bulk rollback slots);

sub create_bag
{
	my ($node, $db, $n) = @_;
	sql($node, "CREATE DATABASE $db");
	sql($node, 'CREATE EXTENSION online_schema', $db);
	sql_file($node, 'load/bag_schema.sql', $db, rows => $n);
	return;
}

# The bulk writers are one pgbench: its clients have groups to themselves.
sub start_clients
{
	my ($node, $db, %opt) = @_;
	return (
		start_load($node, %opt, db => $db, scripts => \@single, clients => 4, rate => 300),
		start_load($node, %opt, db => $db, scripts => \@several, clients => 2, rate => 4),
		start_load($node, %opt, db => $db, scripts => [ [ 'bag_vacuum', 1 ] ], clients => 1, rate => 1));
}

sub faults
{
	my ($node, $db) = @_;
	return sql($node, q(SELECT fault FROM bag_faults('{"region": "none"}') ORDER BY 1 LIMIT 10), $db);
}

sub stop_clients
{
	my ($name, @load) = @_;
	ok(wait_for_load(\@load, all => 1), 'the clients kept going');
	my %wrote;
	for my $load (@load)
	{
		my $result = $load->stop;
		$wrote{$_} += $result->{$_} for grep { $_ ne 'errors' } keys %$result;
	}
	is(join(' ', grep { !$wrote{$_} } sort keys %wrote), '', 'every kind of writer wrote') or diag(explain \%wrote);
	return;
}

# How the job goes: batches of other sizes, a swap that is waited for, rows that move in a phase.
my %courses = (
	plain => { set => { batch_size => 500 } },
	small => { set => { batch_size => 50, replay_batch_size => 200, swap_max_backlog => 1000 }, wait_for_swap => 1 },
	two_workers => { set => { workers => 2, batch_size => 200, replay_batch_size => 100 } },
	moved_while_copying => { set => { workers => 2, batch_size => 20, throttle_ratio => 0.95 }, moved => 'backfilling', wait_for_swap => 1 },
	moved_when_ready => { set => { batch_size => 1000 }, moved => 'ready', wait_for_swap => 1 });

sub play
{
	my ($node, $name) = @_;
	my $course = $courses{$name};
	my $db     = "bag_$name";
	create_bag($node, $db, $rows);
	my $oid    = relation_oid($node, 'bag', $db);
	my $offset = log_offset($node);
	my @load   = start_clients($node, $db);
	wait_for_load(\@load);
	my $job = start_job($node, $ddl, db => $db, set => { %{ $course->{set} } },
		$course->{wait_for_swap} ? (args => "swap => 'manual'") : ());
	if ($course->{moved})
	{
		ok(wait_for($node, "SELECT phase IN ('$course->{moved}', 'ready') FROM osc_progress WHERE job_id = $job", 't', $db), "the job is at $course->{moved}");
		sql($node, 'VACUUM FULL bag', $db);
		ok(wait_for($node, "SELECT count(*) > 0 FROM osc_events WHERE job_id = $job AND event = 'restart'", 't', $db), 'it begins again');
		# it was slow so that the copying could be met
		sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')", $db);
	}
	if ($course->{wait_for_swap})
	{
		job_ends($node, $job, 'ready', 'the job is ready', $db);
		wait_for_load(\@load);
		ok(wait_for($node, "SELECT osc_swap($job)", 't', $db), 'the swap works');
	}
	job_ends($node, $job, 'done', 'the job is done', $db);
	stop_clients($name, @load);
	is(unexpected_errors($node, $offset), '', 'no client met an error that native does not give');
	is(faults($node, $db), '', 'each row is there as often as was counted');
	is(amcheck_faults($node, $db, 'bag'), '', 'amcheck finds nothing');
	is(leftovers($node, $db), '', 'nothing of the job is left');
	is(relation_oid($node, 'bag', $db), $oid, 'the table is the same table');
	is( sql($node, "SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'bag'::regclass AND attname IN ('a', 'c', 'region')", $db),
		'bigint, numeric(14,4), text', 'the new types are there');
	note(sql($node, "SELECT count(*) || ' rows, ' || (SELECT count(*) FROM bag_ledger) || ' counted, ' || (SELECT keys_replayed FROM online_schema.job_member WHERE job_id = $job) || ' places replayed' FROM bag", $db));
	sql($node, "DROP DATABASE $db WITH (FORCE)");
	return;
}

my $node = osc_node('no_key');
for my $name (sort keys %courses)
{
	promise "under load, course $name: each row is there as often as was counted" => sub { play($node, $name); };
}

# The play: rows are written after the capture, and move before the fence is passed. What the
# log says of them is about the places that they had.
sub play_moved
{
	my ($name) = @_;
	my $db = "bag_$name";
	create_bag($node, $db, 2000);
	sql($node, 'CREATE TABLE elsewhere (n integer)', $db);
	my $old = $node->background_psql($db);
	$old->query_safe('BEGIN');
	$old->query_safe('INSERT INTO elsewhere VALUES (1)');
	my $job = start_job($node, $ddl, db => $db);
	ok(wait_for($node, "SELECT waiting_for LIKE '%before the capture%' FROM osc_progress WHERE job_id = $job", 't', $db), 'the job waits for its fence');
	sql($node, "BEGIN; UPDATE bag SET d = 'moved' WHERE a % 3 = 0; DELETE FROM bag WHERE a % 4 = 0; CLUSTER bag USING bag_a; COMMIT", $db);
	$old->query_safe('COMMIT');
	$old->quit;
	wait_for($node, "SELECT state IN ('done', 'failed', 'paused') FROM osc_progress WHERE job_id = $job", 't', $db);
	my $state = job_state($node, $job, $db);
	return $state eq 'done' ? faults($node, $db) : sql($node, "SELECT 'the job is $state: ' || last_error FROM osc_progress WHERE job_id = $job", $db);
}

promise 'rows that move before the fence is passed' => sub {
	is(play_moved('protected'), '', 'each row is there as often as was counted');
};
promise 'a missing look at the storage is noticed' => sub {
	sql($node, "LOAD 'online_schema'; ALTER SYSTEM SET online_schema.test_disable = 'moved-rows'");
	$node->reload;
	my $fault = play_moved('unprotected');
	isnt($fault, '', 'without it the same play ends badly');
	note($fault);
	sql($node, "LOAD 'online_schema'; ALTER SYSTEM RESET online_schema.test_disable");
	$node->reload;
};
$node->stop;

# Crashes.
my @points = crash_points();

$node = osc_node('no_key_crash', preload => 1);
sql_file($node, 'load/bag_schema.sql', undef, rows => 5000);
my $oid  = relation_oid($node, 'bag');
my $load = start_load($node, scripts => \@single, clients => 3, rate => 200, restart => 1);
my @ddl  = ($ddl, map { 'ALTER TABLE bag ALTER COLUMN a TYPE ' . ($_ % 2 ? 'integer' : 'bigint') } 1 .. @points);

for my $point (@points)
{
	promise "a crash at $point" => sub {
		crash_at($node, $point, shift @ddl, 1000);
		is(faults($node), '', 'each row is there as often as was counted');
		is(leftovers($node), '', 'nothing is left');
		is(relation_oid($node, 'bag'), $oid, 'the table is the same table');
	};
}
$load->stop;
is(faults($node), '', 'in the end each row is there as often as was counted');
is(amcheck_faults($node, undef, 'bag'), '', 'amcheck finds nothing');
is(unexpected_errors($node, 0, @OscTest::SHUTDOWN_ERRORS), '', 'no client met an error but the restarts');
$node->stop;
done_testing();
