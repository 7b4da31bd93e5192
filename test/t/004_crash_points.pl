# 004_crash_points.pl: a crash at any of the named moments.
#
# Needs a build made with STOP_POINTS=1. For each stop point: a job is started, its process
# kills itself there (SIGKILL, so the whole server restarts), the point is switched off, and
# the job goes on by itself to the same end. Clients write all the while.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;
use Time::HiRes qw(sleep);

my @points = crash_points();

my $rows    = 10000;
my @scripts = map { [ $_, 1 ] } qw(insert update key_change delete reinsert hot savepoint rollback swap_keys hand_over set_null);

my $node = osc_node('crash', preload => 1);
create_items($node, $rows);
my $oid  = relation_oid($node, 'item');
my $load = start_load($node, scripts => \@scripts, rows => $rows, clients => 3, rate => 200, restart => 1);

# The first job changes the key, the others a plain column, back and forth.
my @ddl = ('ALTER TABLE item ALTER COLUMN id TYPE bigint, ALTER COLUMN amount TYPE numeric(14,4)');
push @ddl, map { 'ALTER TABLE item ALTER COLUMN qty TYPE ' . ($_ % 2 ? 'bigint' : 'integer') } 1 .. @points;

for my $point (@points)
{
	promise "a crash at $point" => sub {
		crash_at($node, $point, shift @ddl, 2000);
		is(ledger_faults($node), '', 'the table is what the ledger tells');
		is(leftovers($node), '', 'nothing is left');
		is(relation_oid($node, 'item'), $oid, 'the table is the same table');
	};
}

$load->stop;
is(ledger_faults($node), '', 'in the end the table is what the ledger tells');
is(amcheck_faults($node, undef, 'item', 'part'), '', 'amcheck finds nothing');
is(unexpected_errors($node, 0, @OscTest::SHUTDOWN_ERRORS), '', 'no client met an error but the restarts');
is( sql($node, "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname IN ('id', 'amount')"),
	'id bigint, amount numeric(14,4)',
	'the types are the new ones') unless $ENV{OSC_STOP_POINTS};

$node->stop;
done_testing();
