# 006_manual.pl: a job driven by hand.
#
# osc_swap() commits or rolls back with its caller; a job that waits for it stays caught up;
# osc_step(), osc_backfill_batch(), osc_replay(), osc_validate(), osc_run() and osc_wait()
# do what they say and are refused where they must be.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = osc_node('manual');
my $rows = 20000;
create_items($node, $rows);
my $oid = relation_oid($node, 'item');
my @scripts = map { [ $_, 1 ] } qw(insert update key_change delete reinsert hot savepoint rollback swap_keys hand_over);

sub type_of
{
	my ($table, $column) = @_;
	return sql($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '$table'::regclass AND attname = '$column'");
}

# Swaps by hand until it works: a lock may not be to be had, or the backlog be too long.
sub swap { return wait_for($node, "SELECT osc_swap($_[0])"); }

promise 'a swap that is rolled back leaves the job ready and everything intact' => sub {
	my $before = dump_schema($node);
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN id TYPE bigint, ALTER COLUMN amount TYPE numeric(14,4)', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	is(dump_schema($node), $before, 'a dump during the job does not show its objects');
	sql($node, "UPDATE item SET note = 'before the swap' WHERE id <= 100");

	my $inside = <<"SQL";
BEGIN;
SELECT osc_swap($job);
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname = 'id';
SELECT count(*) FROM item WHERE id <= 100 AND note = 'before the swap';
ROLLBACK;
SQL
	ok(wait_for($node, $inside, "t\nbigint\n100"), 'inside the transaction the new shape is there, with the last writes');
	is(job_state($node, $job), 'ready', 'after the rollback the job is ready');
	is(type_of('item', 'id'), 'integer', 'the column is as before');
	is(dump_schema($node), $before, 'pg_dump tells the same as before');
	is(ledger_faults($node), '', 'the rows are right');

	ok(wait_for($node, "BEGIN; SAVEPOINT s; SELECT osc_swap($job); ROLLBACK TO s; COMMIT"), 'the same to a savepoint');
	is(job_state($node, $job), 'ready', 'a rolled back savepoint is as good');
	is(dump_schema($node), $before, 'and leaves everything as before');

	sql($node, "UPDATE item SET note = 'after the rollback' WHERE id <= 50");
	sql($node, 'DELETE FROM item WHERE id BETWEEN 51 AND 60');
	ok(wait_for($node, "BEGIN; SELECT osc_swap($job); COMMIT"), 'the next swap works');
	job_ends($node, $job, 'done');
	is(type_of('item', 'id'), 'bigint', 'the new type is there');
	is(relation_oid($node, 'item'), $oid, 'the table keeps its OID');
	is(ledger_faults($node), '', 'the rows are right');
	is(amcheck_faults($node, undef, 'item', 'part'), '', 'amcheck finds nothing');
	is(leftovers($node), '', 'nothing is left');
};

promise 'a job that waits for its swap stays caught up with the writers' => sub {
	my $offset = log_offset($node);
	my $load = start_load($node, scripts => \@scripts, rows => $rows, clients => 3, rate => 300, restart => 0);
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	sleep 3;
	is(job_state($node, $job), 'ready', 'still ready after a while');
	ok(wait_for($node, "SELECT coalesce(backlog, 0) < 1500 FROM osc_progress WHERE job_id = $job"), 'the backlog is small');
	is(type_of('item', 'qty'), 'integer', 'nothing swaps by itself');
	ok(swap($job), 'the swap works under load');
	job_ends($node, $job, 'done');
	ok(wait_for_load([$load], all => 1), 'they write on');
	my $result = $load->stop;
	cmp_ok($result->{update}, '>', 0, 'the writers wrote');
	is(unexpected_errors($node, $offset), '', 'no client met an error');
	is(ledger_faults($node), '', 'the rows are right');
	is(amcheck_faults($node, undef, 'item', 'part'), '', 'amcheck finds nothing');
	is(leftovers($node), '', 'nothing is left');
};

promise 'run => manual: nothing happens by itself, osc_step() goes phase by phase' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE integer', args => "run => 'manual', swap => 'manual'");
	sleep 0.5;
	is(sql($node, "SELECT phase FROM osc_progress WHERE job_id = $job"), 'planned', 'it only stands there');
	is(join(' ', worker_pids($node)), '', 'no worker');
	my (@phases, $phase);
	for (1 .. 500)
	{
		$phase = sql($node, "SELECT osc_step($job)");
		push @phases, $phase unless @phases && $phases[-1] eq $phase;
		last if $phase eq 'ready';
		sleep 0.01;
	}
	is($phase, 'ready', 'step by step it gets ready') or explain_job($node, $job);
	my @order = qw(planned preparing backfilling indexing catching_up validating ready);
	my %rank  = map { ($order[$_] => $_) } 0 .. $#order;
	is(join(' ', @phases), join(' ', sort { $rank{$a} <=> $rank{$b} } @phases), 'the phases come in their order');
	is(sql($node, "SELECT osc_step($job)"), 'ready', 'a step of a ready job keeps it ready');
	ok(swap($job), 'the swap works');
	isnt(job_state($node, $job), 'ready', 'the job is past its swap');
	sql($node, "CALL osc_run($job, '60 s')") if job_state($node, $job) eq 'running';
	job_ends($node, $job, 'done');
	is(ledger_faults($node), '', 'the rows are right');
	is(leftovers($node), '', 'nothing is left');
};

promise 'the pieces one by one: batches, replay, validation' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "run => 'manual', swap => 'manual'");
	my ($copied, $batches) = (0, 0);
	while ($batches < 1000)
	{
		my $n = sql($node, "SELECT osc_backfill_batch($job, 3000)");
		last if $n eq '';
		$copied += $n;
		$batches++;
		sql($node, "UPDATE item SET note = 'batch $batches' WHERE id = $batches * 10") if $batches < 10;
	}
	cmp_ok($batches, '>', 2, 'more than one batch');
	my $count = sql($node, 'SELECT count(*) FROM item');
	cmp_ok($copied, '<=', $count, 'no row is copied twice');
	cmp_ok($copied, '>=', $count - 20, 'only rows written meanwhile are left out');
	is(sql($node, "SELECT osc_backfill_batch($job) IS NULL"), 't', 'NULL once the backfill is complete');

	for (1 .. 100)
	{
		last if sql($node, "SELECT phase IN ('catching_up', 'validating', 'ready') FROM osc_progress WHERE job_id = $job") eq 't';
		sql($node, "SELECT osc_step($job)");
	}
	sql($node, "UPDATE item SET note = 'one key many times' WHERE id = 20") for 1 .. 5;
	cmp_ok(sql($node, "SELECT osc_replay($job)"), '>=', 1, 'the replay finds keys');
	is(sql($node, "SELECT osc_replay($job)"), '0', 'and then none');
	for (1 .. 100)
	{
		last if sql($node, "SELECT osc_step($job)") eq 'ready';
	}
	is(sql($node, "SELECT osc_validate($job)"), 't', 'shadow and source are equal');
	ok(swap($job), 'the swap works');
	sql($node, "CALL osc_run($job, '60 s')") if job_state($node, $job) eq 'running';
	job_ends($node, $job, 'done');
	is(ledger_faults($node), '', 'the rows are right');
	is(leftovers($node), '', 'nothing is left');
};

promise 'CALL osc_run() drives a whole job in the foreground, under load' => sub {
	my $offset = log_offset($node);
	my $load = start_load($node, scripts => \@scripts, rows => $rows, clients => 3, rate => 300);
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE integer', args => "run => 'manual'");
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'it is done when the call returns') or explain_job($node, $job);
	$load->stop;
	is(unexpected_errors($node, $offset), '', 'no client met an error');
	is(ledger_faults($node), '', 'the rows are right');
	is(leftovers($node), '', 'nothing is left');
};

promise 'CALL osc_run() stops after max_time and can be called again' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint',
		args => "run => 'manual'", set => { batch_size => 1 });
	my $start = time;
	sql($node, "CALL osc_run($job, '20 ms')");
	cmp_ok(time - $start, '<', 60, 'it returns');
	isnt(job_state($node, $job), 'done', 'the job is not done yet');
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'the second call ends it') or explain_job($node, $job);
	is(ledger_faults($node), '', 'the rows are right');
};

promise 'osc_wait() returns at the end, and raises an error if the end is a bad one' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE integer');
	sql($node, "CALL osc_wait($job)");
	is(job_state($node, $job), 'done', 'done when it returns');
	$job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "swap => 'manual'");
	sql($node, "CALL osc_wait($job, '60 s')");
	is(job_state($node, $job), 'ready', 'ready is the end of the wait if the swap is manual');
	sql($node, "SELECT osc_cancel($job)");
	isnt(error_of($node, "CALL osc_wait($job, '60 s')"), '', 'a cancelled job is an error');
	job_ends($node, $job, 'cancelled');
	$job = start_job($node, "ALTER TABLE item ALTER COLUMN pad TYPE integer USING 1 / (id - id)");
	isnt(error_of($node, "CALL osc_wait($job, '60 s')"), '', 'a failed job is an error');
	job_ends($node, $job, 'failed');
	is(leftovers($node), '', 'nothing is left');
};

promise 'what must be refused is refused, with a hint' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "swap => 'manual'");
	fails_with($node, "BEGIN; CALL osc_wait($job)", qr/25001|2D000/, qr/HINT/, 'osc_wait() in a transaction block');
	fails_with($node, "BEGIN; CALL osc_run($job)", qr/25001|2D000/, qr/HINT/, 'osc_run() in a transaction block');
	job_ends($node, $job, 'ready');
	fails_with($node, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT osc_swap($job)", '25001', qr/HINT/, 'osc_swap() under REPEATABLE READ');
	fails_with($node, "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT osc_replay($job)", '25001', qr/HINT/, 'osc_replay() under SERIALIZABLE');
	fails_with($node, "SELECT osc_swap(987654)", qr/42704|22023|P0002|55000/, undef, 'a job that does not exist');
	is(job_state($node, $job), 'ready', 'the job is still ready');
	sql($node, "SELECT osc_pause($job)");
	fails_with($node, "SELECT osc_swap($job)", '55000', undef, 'osc_swap() of a paused job');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled');
	is(sql($node, "SELECT osc_cancel($job)"), '', 'to cancel a cancelled job does nothing');
	fails_with($node, "SELECT osc_swap($job)", '55000', undef, 'osc_swap() of a cancelled job');
	fails_with($node, "SELECT osc_resume($job)", '55000', undef, 'osc_resume() of a cancelled job');
};

promise 'a swap that does not get its locks gives way and leaves no one waiting' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE integer', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	my $reader = $node->background_psql('postgres');
	$reader->query_safe('BEGIN');
	$reader->query_safe('SELECT 1 FROM item LIMIT 1');
	my $start = time;
	ok(wait_for($node, "SELECT osc_swap($job)", 'f'), 'false while a reader holds the table');
	# who waited for the reader would wait for ever
	cmp_ok(time - $start, '<', 60, 'without waiting for it');
	is(job_state($node, $job), 'ready', 'the job is still ready');
	is(sql($node, "SELECT count(*) > 0 FROM osc_events WHERE job_id = $job AND event = 'lock' AND detail ->> 'granted' = 'false' AND detail #>> '{blockers,0,pid}' IS NOT NULL"),
		't', 'the attempt is an event that names who was in the way');
	$reader->query_safe('COMMIT');
	$reader->quit;
	ok(swap($job), 'and true afterwards');
	job_ends($node, $job, 'done');
	is(leftovers($node), '', 'nothing is left');
};

$node->stop;
done_testing();
