# 025_backfill.pl: a column filled by an expression over another table, while clients write
# to both tables and processes are killed.
#
# By copy, and in place (strategy column). Half of the other table's rows never change: what
# comes from them must be exactly what an UPDATE would give. The others do: what comes from
# them must be a value that they had.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $rows    = $ENV{OSC_SOAK} ? 100000 : 6000;
my @scripts = map { [ $_, 1 ] } qw(insert update key_change delete reinsert hot savepoint rollback hand_over shelf);
my $node    = osc_node('backfill', preload => 1);
create_items($node, $rows);
sql($node, <<'SQL');
CREATE TABLE shelf (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO shelf SELECT n, 'shelf ' || n FROM generate_series(0, 99) n;
CREATE TABLE shelf_history (id integer, name text);
UPDATE item SET qty = id % 1000 WHERE id % 10 <> 0;
SQL

my $backfill = q({"label": "coalesce((SELECT s.name FROM shelf s WHERE s.id = item.qty % 100), 'none')"});

# What is wrong with the column, one line for each wrong row.
sub label_faults
{
	return sql($node, <<'SQL');
SELECT format('item %s: %s instead of %s', i.id, i.label, s.name)
FROM item i LEFT JOIN shelf s ON s.id = i.qty % 100
WHERE i.label <> coalesce(s.name, 'none')
	AND (s.id IS NULL OR s.id < 50 OR NOT EXISTS (SELECT FROM shelf_history h WHERE h.id = s.id AND h.name = i.label))
UNION ALL SELECT 'not NULL, and yet ' || id FROM item WHERE label IS NULL
LIMIT 10
SQL
}

# A job under load, killed at a stop point, swapped when the load has ended.
sub play
{
	my ($strategy, $point) = @_;
	my $in_swap = $point =~ /^swap/;
	my $load    = start_load($node, scripts => \@scripts, rows => $rows, clients => 3, rate => 200, restart => 1);
	my $renamed = sql($node, 'SELECT count(*) FROM shelf_history');
	my $start   = sub { start_job($node, 'ALTER TABLE item ADD COLUMN label text NOT NULL', set => { batch_size => 500 }, args => "strategy => '$strategy', swap => 'manual', backfill => '" . $backfill =~ s/'/''/gr . "'") };
	my $job     = $point && !$in_swap ? killed_job($node, $point, $start) : $start->();
	job_ends($node, $job, 'ready', 'the job comes to its swap');
	ok(wait_for($node, "SELECT count(*) >= $renamed + 25 FROM shelf_history"), 'the other table was written to');
	$load->stop;
	if ($in_swap)
	{
		# an attempt may find too long a backlog, or a lock taken; 2: the connection is lost
		killed_job($node, $point, sub {
			for (1 .. 100)
			{
				last if $node->psql('postgres', "SELECT osc_swap($job)", stderr => \my $err) == 2;
				sleep 1;
			}
		});
	}
	ok(wait_for($node, "SELECT osc_swap($job)"), 'the swap');
	job_ends($node, $job, 'done', 'the job is done');
	is(label_faults(), '', 'every row has its value');
	is(leftovers($node), '', 'nothing is left');
	sql($node, 'ALTER TABLE item DROP COLUMN label');
	is(ledger_faults($node), '', 'the rest of the table is what the ledger tells');
	return;
}

my %points = (
	copy   => [qw(backfill-before-commit replay-before-commit validate-before-commit swap-before-commit)],
	column => [qw(capture-before-commit fill-before-update fill-before-commit validate-before-commit swap-before-commit)]);
for my $strategy (qw(copy column))
{
	promise "$strategy: writes to both tables while the job runs" => sub { play($strategy, '') };
	for my $point (@{ $points{$strategy} })
	{
		promise "$strategy: a crash at $point" => sub { play($strategy, $point) };
	}
}
is(sql($node, q(SELECT count(*) FROM osc_events WHERE event = 'validate' AND (detail ->> 'rows_differing')::int > 0)), '0', 'a change of the other table is no difference');
is(amcheck_faults($node, undef, 'item', 'part'), '', 'amcheck finds nothing');
is(unexpected_errors($node, 0, @OscTest::SHUTDOWN_ERRORS), '', 'no client met an error but the restarts');

$node->stop;
done_testing();
