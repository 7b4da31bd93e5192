# 009_protections.pl: the tests notice when a protection is missing.
#
# Needs a build made with STOP_POINTS=1. Each protection that keeps rows from being lost or
# doubled can be switched off there (online_schema.test_disable). With it the play must end
# well; without it the same play must end badly: the job fails, or the ledger does not agree.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $node = osc_node('protections');
my $rows = 20000;

# The play: a transaction that is older than the job, and writes when the job copies; and a
# bulk of changes while it does. The last blocks have room, so that the new versions of rows
# that are copied already lie where the copy has yet to come.
sub play
{
	my ($name) = @_;
	my $db = "play_$name";
	sql($node, "CREATE DATABASE $db");
	sql($node, 'CREATE EXTENSION online_schema; CREATE TABLE elsewhere (n integer)', $db);
	create_items($node, $rows, $db, pad => 700);
	sql($node, "DELETE FROM item WHERE id > $rows * 0.9 AND id % 3 > 0", $db);
	sql($node, 'VACUUM item', $db);

	my $old = $node->background_psql($db);
	$old->query_safe('BEGIN');
	$old->query_safe('INSERT INTO elsewhere VALUES (1)');
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN id TYPE bigint', db => $db, set => { batch_size => 1, throttle_ratio => 0.95 });
	# with the fence in force the job waits for the old transaction before it copies anything
	wait_for($node, "SELECT coalesce(waiting_for ~ 'before the capture', false) OR rows_done > 100 FROM osc_progress WHERE job_id = $job", 't', $db);
	$old->query_safe("UPDATE item SET note = 'from long ago' WHERE id <= 50");
	$old->query_safe('COMMIT');
	$old->quit;
	wait_for($node, "SELECT rows_done > 100 OR state = 'failed' FROM osc_progress WHERE job_id = $job", 't', $db);
	sql($node, "UPDATE item SET note = 'while it copies' WHERE id BETWEEN 51 AND 500", $db);

	# slow until here; by now it may have failed
	error_of($node, "SELECT osc_set($job, 'throttle_ratio', '0')", db => $db);
	wait_for($node, "SELECT state IN ('done', 'failed', 'paused') FROM osc_progress WHERE job_id = $job", 't', $db);
	my $state = job_state($node, $job, $db);
	return "the job is $state" if $state ne 'done';
	return ledger_faults($node, '{}', $db);
}

promise 'with every protection in force the play ends well' => sub {
	is(play('all'), '', 'done, and the ledger agrees');
};

# What is switched off, and what it is for.
my %protections = (
	'fence'      => 'the fence parts what the copy takes from what the replay brings',
	'fence-wait' => 'the fence waits for older transactions');

for my $name (sort keys %protections)
{
	promise "a missing protection is noticed: $protections{$name}" => sub {
		sql($node, "LOAD 'online_schema'; ALTER SYSTEM SET online_schema.test_disable = '$name'");
		$node->reload;
		my $fault = play($name =~ s/-/_/r);
		isnt($fault, '', "without \"$name\" the play ends badly");
		note($fault);
		sql($node, "LOAD 'online_schema'; ALTER SYSTEM RESET online_schema.test_disable");
		$node->reload;
	};
}

$node->stop;
done_testing();
