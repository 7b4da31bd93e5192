# 021_blockers.pl: what a job does when somebody holds its table.
#
# A reader holds the table (for 4 s; 60 s with OSC_SOAK=1) while clients work: nobody waits
# longer than the lock budget, and the swap comes when the reader is gone. With
# blocker_action = cancel a running query is ended at blocker_patience, with terminate an idle
# reader, for the capture lock as for the swap; only sessions that the job's owner may signal
# and that hold the table. swap_window and swap_give_up.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $soak  = $ENV{OSC_SOAK} ? 1 : 0;
my $node  = osc_node('busy', conf => 'max_prepared_transactions = 5');
my $holds = $soak ? 60 : 4;
create_items($node, 20000);

my $to = 'integer';
sub change
{
	$to = $to eq 'bigint' ? 'integer' : 'bigint';
	return "ALTER TABLE item ALTER COLUMN qty TYPE $to";
}

# Times in ms that lock attempts of the job kept others waiting: the longest one, and the median.
sub attempts
{
	my ($job) = @_;
	my $ms = "(detail->>'waited_ms')::float8";
	return split /\|/, sql($node, "SELECT max($ms), percentile_disc(0.5) WITHIN GROUP (ORDER BY $ms) FROM osc_events WHERE job_id = $job AND event = 'lock'");
}

sub blocker_events
{
	my ($job) = @_;
	return sql($node, "SELECT detail->>'action', detail->>'sent', detail->>'purpose', detail->>'pid', detail->>'reason' FROM osc_events WHERE job_id = $job AND event = 'blocker' ORDER BY at");
}

sub reader
{
	my ($sql, %opt) = @_;
	my $reader = $node->background_psql('postgres', on_error_stop => 0, %opt);
	my $pid = $reader->query_safe('SELECT pg_backend_pid()');
	$reader->query_safe($sql) if $sql;
	return ($reader, $pid);
}

promise "a reader holds the table for $holds s while clients work" => sub {
	my $load = start_load($node, scripts => [ map { [ $_, 1 ] } qw(insert update hot delete reinsert) ],
		rows => 20000, clients => $soak ? 50 : 10, rate => $soak ? 500 : 100);
	my $offset = log_offset($node);
	my ($reader, $pid) = reader('BEGIN; SELECT count(*) FROM item');
	my $job = start_job($node, change(), set => { lock_retry_max_delay => '500ms' });
	# The longest wait that others had for the table, sampled while the reader is there.
	my $longest = 0;
	my $end     = time + $holds;
	while (time < $end)
	{
		my $ms = sql($node, "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart) * 1000), 0)::int FROM pg_locks WHERE NOT granted AND relation = 'item'::regclass");
		$longest = $ms if $ms > $longest;
		sleep 0.01;
	}
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'held by .*pid $pid\\)', false) FROM osc_progress WHERE job_id = $job"), 'it says who is in its way');
	isnt(job_state($node, $job), 'done', 'there is no swap meanwhile');
	$reader->query_safe('COMMIT');
	job_ends($node, $job, 'done', 'when the reader is gone, the swap comes');
	$load->stop;
	my ($attempt, $usual) = attempts($job);
	note("longest wait seen for the table: $longest ms, longest attempt: $attempt ms, usual: $usual ms, lock_timeout 50 ms");
	# the machine may have stood still in one; one that waits for the reader takes longer
	cmp_ok($usual, '<', 100, 'attempts took no longer than lock_timeout');
	cmp_ok($attempt, '<', 0.75 * $holds * 1000, 'and none waited for the reader');
	is(unexpected_errors($node, $offset), '', 'no client met an error');
	is(ledger_faults($node), '', 'the table is right');
	is(leftovers($node), '', 'nothing is left');
	$reader->quit;
};

promise 'cancel ends a running query at blocker_patience, at capture and at swap' => sub {
	for my $moment (qw(start ready))
	{
		my $job;
		$job = start_job($node, change(), args => "swap => 'manual'") if $moment eq 'ready';
		job_ends($node, $job, 'ready') if $job;
		my ($reader, $pid) = reader();
		$reader->query_until(qr/go/, "\\echo go\nSELECT count(*), pg_sleep(3600) FROM item WHERE id = 1;\n");
		wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $pid AND wait_event = 'PgSleep'");
		my $began = time;
		if ($job)
		{
			sql($node, "SELECT osc_set($job, 'blocker_action', 'cancel'), osc_set($job, 'blocker_patience', '1s')");
			wait_for($node, "SELECT osc_swap($job)");
		}
		else
		{
			$job = start_job($node, change(), set => { blocker_action => 'cancel', blocker_patience => '1s' });
		}
		job_ends($node, $job, 'done');
		note(sprintf 'done after %.1f s', time - $began);
		cmp_ok(time - $began, '>=', 1, 'not before the patience was over');
		# on a machine that stands still the patience may be over once more before the session ends its query
		like(blocker_events($job), qr/^(cancel\|true\|(dry run|capture|swap)\|$pid\|\n?)+$/, 'a cancel, and an event that tells it');
		eval { $reader->query('SELECT 1') };
		is(sql($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid"), '1', 'the session is alive');
		$reader->quit;
	}
};

promise 'terminate ends an idle reader, which cancel does not' => sub {
	my ($reader, $pid) = reader('BEGIN; SELECT count(*) FROM item');
	my $began = time;
	my $job = start_job($node, change(), set => { blocker_action => 'cancel', blocker_patience => '1s', lock_retry_max_delay => '300ms' });
	ok(wait_for($node, "SELECT count(*) > 0 FROM osc_events WHERE job_id = $job AND event = 'blocker'"), 'the patience ends');
	like(blocker_events($job), qr/^cancel\|false\|dry run\|$pid\|the session runs no query/, 'a cancel has nothing to cancel, and says so');
	sql($node, "SELECT osc_set($job, 'blocker_action', 'terminate')");
	job_ends($node, $job, 'done');
	note(sprintf 'done after %.1f s', time - $began);
	like(blocker_events($job), qr/^terminate\|true\|dry run\|$pid\|$/m, 'terminate does');
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0'), 'the session is gone');
	eval { $reader->quit };
};

promise 'nobody is signalled whom the owner may not signal, or who only waits' => sub {
	sql($node, 'CREATE ROLE app LOGIN; CREATE ROLE other LOGIN; CREATE TABLE mine (id int PRIMARY KEY, v int); INSERT INTO mine SELECT n, n FROM generate_series(1, 100) n;'
		  . ' ALTER TABLE mine OWNER TO app; GRANT SELECT ON mine TO other; GRANT CREATE ON SCHEMA public TO app');
	my ($super, $super_pid) = reader('BEGIN; SELECT count(*) FROM mine');
	my ($other, $other_pid) = reader('BEGIN; SELECT count(*) FROM mine', extra_params => [ '-U', 'other' ]);
	my ($own,   $own_pid)   = reader('BEGIN; SELECT count(*) FROM mine', extra_params => [ '-U', 'app' ]);
	my $job = start_job($node, 'ALTER TABLE mine ALTER COLUMN v TYPE bigint', role => 'app',
		set => { blocker_action => 'terminate', blocker_patience => '500ms', lock_retry_max_delay => '300ms' });
	ok(wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $own_pid", 'f'), 'a session of its own role ends');
	sleep 1.5;
	wait_for($node, "SELECT count(DISTINCT detail->>'pid') FROM osc_events WHERE job_id = $job AND event = 'blocker' AND detail->>'sent' = 'false'", '2');
	is(sql($node, "SELECT count(*) FROM pg_stat_activity WHERE pid IN ($super_pid, $other_pid)"), '2', 'a superuser\'s and another role\'s live');
	like(blocker_events($job), qr/^terminate\|false\|dry run\|$_\|the job's owner may not/m, "and an event says why ($_)") for $super_pid, $other_pid;
	is(sql($node, "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'blocker' AND detail->>'pid' IN ('$super_pid', '$other_pid') AND detail->>'query' <> '<insufficient privilege>'"),
		'0', 'without their queries');
	sql($node, 'GRANT pg_signal_backend TO app');
	ok(wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $other_pid", 'f'), 'a member of pg_signal_backend may end other roles\' sessions');
	sleep 1;
	is(sql($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $super_pid"), '1', 'but no superuser\'s');

	# One who waits for the table holds nothing on it.
	my ($waiter, $waiter_pid) = reader(undef, extra_params => [ '-U', 'app' ]);
	$waiter->query_until(qr/go/, "\\echo go\nBEGIN;\nLOCK TABLE mine;\nCOMMIT;\n");
	ok(wait_for($node, "SELECT count(*) FROM pg_locks WHERE pid = $waiter_pid AND NOT granted", '1'), 'another session waits');
	sleep 1.5;
	is(sql($node, "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'blocker' AND detail->>'pid' = '$waiter_pid'"), '0', 'one who waits is let alone');
	$super->query_safe('COMMIT');
	job_ends($node, $job, 'done');
	eval { $_->quit } for $super, $own, $other, $waiter;

	sql($node, "BEGIN; SELECT count(*) FROM mine; PREPARE TRANSACTION 'held'");
	$job = start_job($node, 'ALTER TABLE mine ALTER COLUMN v TYPE integer', set => { blocker_action => 'terminate', blocker_patience => 0, lock_retry_max_delay => '200ms' });
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'prepared transaction', false) FROM osc_progress WHERE job_id = $job"), 'a prepared transaction is named');
	sleep 1;
	is(sql($node, 'SELECT gid FROM pg_prepared_xacts'), 'held', 'and left alone');
	sql($node, "COMMIT PREPARED 'held'");
	job_ends($node, $job, 'done');
};

promise 'outside of the swap window no swap is tried' => sub {
	# In the job's own time zone: two zones 12 hours apart cannot both be inside.
	my $window = sql($node, "SET TimeZone = 'UTC'; SELECT to_char(now() - interval '2 h', 'HH24:MI') || '-' || to_char(now() + interval '2 h', 'HH24:MI')");
	sql($node, "SET TimeZone = 'Etc/GMT-12'; SET online_schema.swap_window = '$window'; SELECT osc_start('" . change() . "')");
	my $job = sql($node, 'SELECT max(job_id) FROM osc_progress');
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'time of day for swaps, $window .Etc/GMT-12.', false) FROM osc_progress WHERE job_id = $job"), 'it says what it waits for')
	  or explain_job($node, $job);
	is(sql($node, "SELECT state, phase, (SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'lock' AND detail->>'purpose' = 'swap') FROM osc_progress WHERE job_id = $job"),
		'running|ready|0', 'the job is ready, and no lock was asked for');
	sql($node, "UPDATE item SET note = 'meanwhile' WHERE id <= 50");
	ok(wait_for($node, "SELECT backlog = 0 FROM osc_progress WHERE job_id = $job"), 'it stays caught up');
	sql($node, "SELECT osc_set($job, 'swap_window', '00:00-24:00')");
	job_ends($node, $job, 'done', 'with the window open, it swaps');
	my $job2 = start_job($node, change(), set => { swap_window => sql($node, "SELECT to_char(now() + interval '2 h', 'HH24:MI') || '-' || to_char(now() + interval '3 h', 'HH24:MI')") }, args => "swap => 'manual'");
	job_ends($node, $job2, 'ready');
	fails_with($node, "SELECT osc_swap($job2)", '55000', qr/swap_window/, 'osc_swap() is refused with a hint');
	sql($node, "SELECT osc_set($job2, 'swap_window', '')");
	wait_for($node, "SELECT osc_swap($job2)");
	job_ends($node, $job2, 'done');
	fails_with($node, "SELECT osc_plan('ALTER TABLE item ADD x int'); SET online_schema.swap_window = '$_'", '22023', undef, "refused: '$_'")
	  for '25:00-05:00', '22:00', '22:00-22:00', '2:00-3:00', '01:00-24:01', '24:00-01:00', '01:00 - 02:00', 'night';
};

promise 'swap_give_up pauses the job with the reason' => sub {
	my $job = start_job($node, change(), set => { swap_window => sql($node, "SELECT to_char(now() + interval '2 h', 'HH24:MI') || '-' || to_char(now() + interval '3 h', 'HH24:MI')"),
			swap_give_up => '1s', lock_retry_max_delay => '200ms' });
	ok(wait_for($node, "SELECT coalesce(waiting_for ~ 'time of day', false) FROM osc_progress WHERE job_id = $job"), 'it is ready');
	my ($reader, $pid) = reader('BEGIN; SELECT count(*) FROM item');
	sleep 1.5;
	is(job_state($node, $job), 'running', 'time outside of the window does not count');
	sql($node, "SELECT osc_set($job, 'swap_window', '')");
	job_ends($node, $job, 'paused');
	like(sql($node, "SELECT last_error FROM osc_progress WHERE job_id = $job"), qr/given up after 1 s.*pid $pid/, 'with the reason');
	$reader->query_safe('COMMIT');
	sql($node, "SELECT osc_set($job, 'swap_give_up', '0')");
	sql($node, "SELECT osc_resume($job)");
	job_ends($node, $job, 'done', 'and goes on when it is told to');
	$reader->quit;
};

is(ledger_faults($node), '', 'the table is right');
is(leftovers($node), '', 'nothing is left');
$node->stop;
done_testing();
