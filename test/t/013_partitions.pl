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
use Time::HiRes qw(sleep);

my $rows   = $ENV{OSC_ROWS} || 30000;
my $ddl    = "ALTER TABLE parted ALTER COLUMN id TYPE bigint, ALTER COLUMN v TYPE numeric(14,4), ADD COLUMN region text NOT NULL DEFAULT 'none'";
my @leaves = qw(parted_1 parted_2 parted_3a parted_3b parted_rest);
my @scripts = ([ 'parted_update', 4 ], [ 'parted_move', 6 ], [ 'parted_reinsert', 2 ], [ 'parted_bulk', 1 ]);

my %courses = (
	plain       => { set => { batch_size => 500 } },
	two_workers => { set => { workers => 2, batch_size => 50, replay_batch_size => 100 } },
	manual      => { set => { batch_size => 100, swap_max_backlog => 2000 }, wait_for_swap => 1 });

my $node = osc_node('partitions');

for my $name (sort keys %courses)
{
	promise "under load, course $name: each row is there as often as was counted" => sub { play($name, $courses{$name}); };
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
	sleep 1;
	my $job = start_job($node, $ddl, db => $db, set => { %{ $course->{set} } },
		$course->{wait_for_swap} ? (args => "swap => 'manual'") : ());
	if ($course->{wait_for_swap})
	{
		job_ends($node, $job, 'ready', 'the job is ready', $db);
		sleep 1;
		ok(wait_for($node, "SELECT osc_swap($job)", 't', $db), 'the swap works');
	}
	job_ends($node, $job, 'done', 'the job is done', $db);
	sleep 1;
	ok($load->is_running, 'the clients kept going');
	my $wrote = $load->stop;
	is(join(' ', grep { !$wrote->{$_} } map { $_->[0] } @scripts), '', 'every kind of writer wrote') or diag(explain $wrote);
	is(unexpected_errors($node, $offset), '', 'no client met an error that native does not give');
	is(sql($node, q(SELECT fault FROM parted_faults('{"region": "none"}') ORDER BY 1 LIMIT 10), $db),
		'', 'each row is there as often as was counted, in its partition');
	is(amcheck_faults($node, $db, @leaves), '', 'amcheck finds nothing');
	is(leftovers($node, $db), '', 'nothing of the job is left');
	is(join(' ', map { relation_oid($node, $_, $db) } 'parted', @leaves), "@oids", 'the tables are the same tables');
	is(sql($node, "SELECT count(*) FROM pg_attribute WHERE attrelid = ANY (ARRAY[" . join(',', map { "'$_'" } @leaves) . "]::regclass[]) AND (attname, format_type(atttypid, atttypmod)) IN (('id', 'bigint'), ('v', 'numeric(14,4)'), ('region', 'text'))", $db),
		3 * @leaves, 'the new types are there, in every partition');
	note(sql($node, "SELECT count(*) || ' rows, ' || (SELECT count(*) FROM parted_ledger) || ' counted, ' || (SELECT sum(keys_replayed) FROM online_schema.job_member WHERE job_id = $job) || ' keys replayed' FROM parted", $db));
	sql($node, "DROP DATABASE $db");
	return;
}

done_testing();
