# 013_partitions.pl: a partitioned table under load loses no row and doubles none, also not
# those that an UPDATE moves from one partition to another.
#
# A user's trigger counts whole rows (load/parted_schema.sql); afterwards the table must have
# each row as often as was counted, in the partition where it belongs. OSC_ROWS names the rows.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $rows   = $ENV{OSC_ROWS} || 30000;
my $ddl    = "ALTER TABLE parted ALTER COLUMN id TYPE bigint, ALTER COLUMN v TYPE numeric(14,4), ADD COLUMN region text NOT NULL DEFAULT 'none'";
my @leaves = qw(parted_1 parted_2 parted_3a parted_3b parted_rest);
my @scripts = ([ 'parted_update', 4 ], [ 'parted_move', 6 ], [ 'parted_reinsert', 2 ], [ 'parted_bulk', 1 ]);

my %courses = (
	plain       => { set => { batch_size => 500 } },
	two_workers => { set => { workers => 2, batch_size => 50, replay_batch_size => 100 } },
	manual      => { set => { batch_size => 100, swap_max_backlog => 2000 }, wait_for_swap => 1 },
	tree        => { set => { batch_size => 10, throttle_ratio => 0.95 }, wait_for_swap => 1, tree_changes => 1 });

my $node = osc_node('partitions');

for my $name (sort keys %courses)
{
	promise "under load, course $name: each row is there as often as was counted" => sub { play($name, $courses{$name}); };
}

# Partitions come and go while the job runs; the load does not write to them, we do.
sub new_partition
{
	my ($db, $n) = @_;
	my $low = 30 + 10 * $n;
	# its name tells that these days are no others' (parted_faults)
	sql($node, "CREATE TABLE parted_new${n}_rest PARTITION OF parted FOR VALUES FROM ($low) TO ($low + 10);"
		  . "INSERT INTO parted SELECT $rows + $n * 1000 + i, $low + i % 10, i, 'new' FROM generate_series(1, 500) i", $db);
	return;
}

sub write_to_new
{
	my ($db) = @_;
	sql($node, "UPDATE parted SET v = v + 1, note = 'again' WHERE day >= 40 AND id % 3 = 0; DELETE FROM parted WHERE day >= 40 AND id % 50 = 7;"
		  . "UPDATE parted SET id = id + 100000 WHERE day >= 40 AND id % 50 = 8", $db);
	return;
}

sub change_tree
{
	my ($job, $db) = @_;
	my $joined = "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'partition_joined'";
	ok(wait_for($node, "SELECT rows_done > 0 FROM osc_progress WHERE job_id = $job", 't', $db), 'it copies');
	new_partition($db, 1);
	ok(wait_for($node, $joined, '1', $db), 'a new partition joins');
	new_partition($db, 2);
	write_to_new($db);
	ok(wait_for($node, $joined, '2', $db), 'and another');
	sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')", $db);
	job_ends($node, $job, 'ready', 'the job is ready', $db);
	# one goes, with its rows
	ok(wait_for($node, "SELECT count(*) FROM pg_class WHERE relname = 'parted_new1_rest' AND relispartition", '1', $db), 'it is there');
	sql($node, 'BEGIN; ALTER TABLE parted DETACH PARTITION parted_new1_rest;'
		  . 'INSERT INTO parted_ledger SELECT -1, to_jsonb(x) FROM parted_new1_rest x; COMMIT', $db);
	new_partition($db, 3);
	write_to_new($db);
	ok(wait_for($node, $joined, '3', $db), 'and a third comes');
	ok(wait_for($node, "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'partition_left'", '1', $db), 'the detached one leaves');
	return;
}

sub play
{
	my ($name, $course) = @_;
	my $db = "parted_$name";
	sql($node, "CREATE DATABASE $db");
	sql($node, 'CREATE EXTENSION online_schema', $db);
	sql_file($node, 'load/parted_schema.sql', $db, rows => $rows);
	my @oids = map { relation_oid($node, $_, $db) } 'parted', @leaves;
	my $offset = log_offset($node);
	my $load = start_load($node, db => $db, scripts => \@scripts, clients => 6, rate => 250, rows => $rows);
	wait_for_load([$load]);
	my $job = start_job($node, $ddl, db => $db, set => { %{ $course->{set} } },
		$course->{wait_for_swap} ? (args => "swap => 'manual'") : ());
	change_tree($job, $db) if $course->{tree_changes};
	if ($course->{wait_for_swap})
	{
		job_ends($node, $job, 'ready', 'the job is ready', $db);
		wait_for_load([$load]);
		ok(wait_for($node, "SELECT osc_swap($job)", 't', $db), 'the swap works');
	}
	job_ends($node, $job, 'done', 'the job is done', $db);
	ok(wait_for_load([$load], all => 1), 'the clients kept going');
	my $wrote = $load->stop;
	is(join(' ', grep { !$wrote->{$_} } map { $_->[0] } @scripts), '', 'every kind of writer wrote') or diag(explain $wrote);
	is(unexpected_errors($node, $offset), '', 'no client met an error that native does not give');
	is(sql($node, q(SELECT fault FROM parted_faults('{"region": "none"}') ORDER BY 1 LIMIT 10), $db),
		'', 'each row is there as often as was counted, in its partition');
	is(amcheck_faults($node, $db, @leaves), '', 'amcheck finds nothing');
	is(leftovers($node, $db), '', 'nothing of the job is left');
	is(join(' ', map { relation_oid($node, $_, $db) } 'parted', @leaves), "@oids", 'the tables are the same tables');
	my @all = (@leaves, $course->{tree_changes} ? qw(parted_new2_rest parted_new3_rest) : ());
	is(sql($node, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'parted_new1_rest'::regclass", $db) . sql($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'parted_new1_rest'::regclass AND attname = 'id'", $db), '0integer', 'the detached table is as it was') if $course->{tree_changes};
	is(sql($node, "SELECT count(*) FROM pg_attribute WHERE attrelid = ANY (ARRAY[" . join(',', map { "'$_'" } @all) . "]::regclass[]) AND (attname, format_type(atttypid, atttypmod)) IN (('id', 'bigint'), ('v', 'numeric(14,4)'), ('region', 'text'))", $db),
		3 * @all, 'the new types are there, in every partition');
	note(sql($node, "SELECT count(*) || ' rows, ' || (SELECT count(*) FROM parted_ledger) || ' counted, ' || (SELECT sum(keys_replayed) FROM online_schema.job_member WHERE job_id = $job) || ' keys replayed' FROM parted", $db));
	sql($node, "DROP DATABASE $db WITH (FORCE)");
	return;
}

done_testing();
