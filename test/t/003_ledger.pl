# 003_ledger.pl: nothing is lost, nothing is doubled, and no client meets an error.
#
# For each seed: 200,000 rows, more than twenty kinds of writers at once, and in the middle
# of it one osc_start that changes the key's type, another column's type and adds a column.
# A user's trigger keeps a ledger of every write (load/schema.sql); afterwards the table
# must be what the ledger tells, row by row.
#
# OSC_SEEDS="1 2 3 4 5" names the seeds, OSC_ROWS the rows. OSC_SOAK=1: two more
# minutes of load for each, with a second change on top of the first.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my @seeds = split ' ', $ENV{OSC_SEEDS} || '1 2 3 4 5';
my $rows  = $ENV{OSC_ROWS} || 200000;
my $soak  = $ENV{OSC_SOAK};

# The course of the job differs from seed to seed: batches that begin and end elsewhere, a
# pause while the writers go on, a time of waiting for its swap, a cancelled job before it.
# One that is to be met while it copies is slow until then.
my @courses = (
	{ set => { batch_size => 20, replay_batch_size => 100 } },
	{ set => { batch_size => 50, throttle_ratio => 0.9 }, pause => 2 },
	{ set => { workers => 2, batch_size => 500 }, wait_for_swap => 2 },
	{ set => { replay_batch_size => 50, swap_max_backlog => 20 }, cancel_first => 1 },
	{ set => { batch_size => 20, batch_target_time => '20ms', workers => 2, swap_max_backlog => 5000, throttle_ratio => 0.9 }, pause => 1, wait_for_swap => 1 });

my $ddl = 'ALTER TABLE item ALTER COLUMN id TYPE bigint, ALTER COLUMN amount TYPE numeric(14,4), '
  . "ADD COLUMN region text NOT NULL DEFAULT 'none'";

# Writers of one row each, writers of several rows, and those that change many at once.
my @single = map { [ $_, 2 ] }
  qw(insert update key_change delete reinsert hot upsert upsert_code set_null merge refused part toast);
my @several = map { [ $_, 2 ] } qw(savepoint rollback hand_over swap_keys swap_slots replica two_phase update);
my @bulk = map { [ $_, 1 ] } qw(bulk_update bulk_insert bulk_delete bulk_delete copy cascade);

my $node = osc_node('ledger');
my $copy_file = PostgreSQL::Test::Utils::tempdir_short() . '/copy_file';
append_to_file($copy_file, join '', map { "$_.25\t" . ($_ % 9) . "\t" . ($_ % 4 ? "copied $_" : '\N') . "\n" } 1 .. 200);

sub start_clients
{
	my ($seed) = @_;
	my %all = (rows => $rows, seed => $seed, vars => { copy_file => $copy_file }, db => "seed$seed");
	return (
		start_load($node, %all, scripts => \@single,  clients => 3, rate => 500),
		start_load($node, %all, scripts => \@single,  clients => 2, rate => 250, mode => 'prepared'),
		start_load($node, %all, scripts => \@several, clients => 3, rate => 400),
		start_load($node, %all, scripts => \@bulk,    clients => 2, rate => 8));
}

# One job from start to end, on its course.
sub run_job
{
	my ($db, $course) = @_;
	my %opt = (db => $db, set => $course->{set});
	my $phase = sub { "SELECT phase = 'backfilling' AND rows_done > 0 FROM osc_progress WHERE job_id = $_[0]" };
	if ($course->{cancel_first})
	{
		my $first = start_job($node, $ddl, db => $db, set => { %{ $course->{set} }, batch_size => 20, throttle_ratio => 0.9 });
		ok(wait_for($node, "SELECT phase <> 'planned' FROM osc_progress WHERE job_id = $first", 't', $db), 'a first job is under way');
		sql($node, "SELECT osc_cancel($first)", $db);
		job_ends($node, $first, 'cancelled', 'and cancelled', $db);
	}
	my $job = start_job($node, $ddl, %opt, $course->{wait_for_swap} ? (args => "swap => 'manual'") : ());
	if ($course->{pause})
	{
		ok(wait_for($node, $phase->($job), 't', $db), 'it copies');
		sql($node, "SELECT osc_pause($job)", $db);
		sleep $course->{pause};
		sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')", $db);
		sql($node, "SELECT osc_resume($job)", $db);
	}
	if ($course->{wait_for_swap})
	{
		job_ends($node, $job, 'ready', 'the job is ready', $db);
		sleep $course->{wait_for_swap};
		ok(wait_for($node, "SELECT osc_swap($job)", 't', $db), 'the swap works');
	}
	job_ends($node, $job, 'done', 'the job is done', $db);
	return;
}

sub play
{
	my ($seed) = @_;
	my $db = "seed$seed";
	sql($node, "CREATE DATABASE $db");
	sql($node, 'CREATE EXTENSION online_schema', $db);
	create_items($node, $rows, $db);
	my $oid    = relation_oid($node, 'item', $db);
	my $offset = log_offset($node);

	my @load = start_clients($seed);
	wait_for_load(\@load);
	run_job($db, $courses[ ($seed - 1) % @courses ]);
	sleep($soak ? 120 : 3);
	ok(wait_for_load(\@load, all => 1), 'the clients have written after the swap, too');
	if ($soak)
	{
		my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint, ALTER COLUMN amount TYPE numeric(18,6)', db => $db);
		job_ends($node, $job, 'done', 'a second job is done', $db);
	}
	is(scalar(grep { $_->is_running } @load), scalar @load, 'the clients kept going');
	my %wrote;
	for my $load (@load)
	{
		my $result = $load->stop;
		$wrote{$_} += $result->{$_} for grep { $_ ne 'errors' } keys %$result;
	}

	is(unexpected_errors($node, $offset), '', 'no client met an error that native does not give');
	is(join(' ', grep { !$wrote{$_} } sort keys %wrote), '', 'every kind of writer wrote') or diag(explain \%wrote);
	is(ledger_faults($node, '{"region": "none"}', $db), '', 'the table is what the ledger tells: nothing wrong, nothing missing');
	is(amcheck_faults($node, $db, 'item', 'part'), '', 'amcheck finds nothing');
	is(leftovers($node, $db), '', 'nothing of the job is left');
	is(relation_oid($node, 'item', $db), $oid, 'the table is the same table');
	is( sql($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname IN ('id', 'amount', 'region') ORDER BY attnum", $db),
		"bigint\n" . ($soak ? 'numeric(18,6)' : 'numeric(14,4)') . "\ntext",
		'the new types are there');
	note(sql($node, "SELECT count(*) || ' writes in the ledger' FROM ledger", $db));
	sql($node, "DROP DATABASE $db WITH (FORCE)");
	return;
}

for my $seed (@seeds)
{
	promise "seed $seed: many writers, one job, and the ledger agrees" => sub { play($seed); };
}

$node->stop;
done_testing();
