# 013_unlogged.pl: a crash empties unlogged tables, and a job that copies from or to one
# begins again, instead of handing over a copy without its rows.
#
# Needs a build made with STOP_POINTS=1, in which the look at the canary can be switched off:
# without it the same crash must be noticed as a loss of rows. Every change goes to a logged
# table, too, which tells what there must be in the end.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $node = osc_node('unlogged', preload => 1);
my $rows = 3000;

# How the server ends, each with what it does; a clean one keeps unlogged tables.
my %ends = (
	'an immediate shutdown' => sub { $node->stop('immediate'); $node->start; },
	'kill -9 of the postmaster' => sub { kill_server($node); $node->start; },
	'a fast restart' => sub { $node->restart; });

sub both
{
	my ($db, $sql) = @_;
	sql($node, join("\n", 'BEGIN;', $sql, $sql =~ s/\bt\b/expected/gr, 'COMMIT;'), $db);
	return;
}

sub difference
{
	my ($db) = @_;
	return sql($node, 'SELECT count(*) FROM ((TABLE t EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE t)) d', $db);
}

# A job is cut off while it copies (when = 'copying') or when it is ready, and has replayed
# changes. Returns what is wrong in the end.
sub play
{
	my ($db, $ddl, $kind, $when, $end, %opt) = @_;
	sql($node, "CREATE DATABASE $db");
	sql($node, "CREATE EXTENSION online_schema; CREATE $kind TABLE t (id int PRIMARY KEY, a text, n int); CREATE TABLE expected (LIKE t)", $db);
	both($db, "INSERT INTO t SELECT n, repeat('x', 400) || n, n FROM generate_series(1, $rows) n;");
	sql($node, 'CREATE INDEX t_n ON t (n); CHECKPOINT', $db);
	my $job = start_job($node, $ddl, db => $db, args => "swap => 'manual'",
		set => { ($when eq 'copying' ? (batch_size => 1, throttle_ratio => 0.95) : ()), %{ $opt{set} || {} } });
	if ($when eq 'copying')
	{
		ok(wait_for($node, "SELECT phase = 'backfilling' AND rows_done > 100 FROM osc_progress WHERE job_id = $job", 't', $db), 'it copies');
	}
	else
	{
		ok(wait_for($node, "SELECT state FROM osc_progress WHERE job_id = $job", 'ready', $db), 'it is ready');
	}
	both($db, 'UPDATE t SET n = -n WHERE id <= 20; DELETE FROM t WHERE id BETWEEN 30 AND 40; INSERT INTO t VALUES (10000, \'new\', 1);');
	if ($when eq 'ready')
	{
		ok(wait_for($node, "SELECT keys_replayed >= 32 FROM online_schema.job_member WHERE job_id = $job", 't', $db), 'the changes are replayed');
	}
	$ends{$end}->();
	ok(wait_for($node, 'SELECT true', 't', $db), 'the server is back');
	sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')", $db) if $when eq 'copying';
	if ($kind eq 'UNLOGGED' && $end ne 'a fast restart')
	{
		is(sql($node, 'SELECT count(*) FROM t', $db), '0', 'the table is empty, as unlogged tables are');
		sql($node, 'TRUNCATE expected', $db);
	}
	both($db, 'INSERT INTO t SELECT n, \'after\', n FROM generate_series(20000, 20100) n; UPDATE t SET a = \'changed\' WHERE id BETWEEN 100 AND 120;');
	my $restarts = "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'restart'";
	my $wanted = $end eq 'a fast restart' ? 0 : 1;
	# until its worker is there, the job is in the state of before
	wait_for($node, $restarts, $wanted, $db) unless $opt{unnoticed};
	wait_for($node, "SELECT state IN ('ready', 'failed', 'paused') FROM osc_progress WHERE job_id = $job", 't', $db);
	my $state = job_state($node, $job, $db);
	return "the job is $state" if $state ne 'ready';
	$restarts = sql($node, $restarts, $db);
	wait_for($node, "SELECT osc_swap($job)", 't', $db);
	job_ends($node, $job, 'done', 'done', $db);
	my @faults;
	push @faults, difference($db) . ' rows differ' if difference($db) ne '0';
	push @faults, leftovers($node, $db) if leftovers($node, $db) ne '';
	push @faults, "$restarts restarts" if $restarts ne $wanted;
	return join ', ', @faults;
}

my $n = 0;
for my $case (
	[ 'ALTER TABLE t SET UNLOGGED', '', 'copying', 'an immediate shutdown' ],
	[ 'ALTER TABLE t SET UNLOGGED', '', 'ready', 'kill -9 of the postmaster' ],
	[ 'ALTER TABLE t SET UNLOGGED', '', 'ready', 'a fast restart' ],
	[ 'ALTER TABLE t SET LOGGED', 'UNLOGGED', 'copying', 'kill -9 of the postmaster' ],
	[ 'ALTER TABLE t SET LOGGED', 'UNLOGGED', 'ready', 'an immediate shutdown' ],
	[ 'ALTER TABLE t ALTER id TYPE bigint', 'UNLOGGED', 'ready', 'an immediate shutdown' ],
	[ 'ALTER TABLE t ALTER id TYPE bigint', 'UNLOGGED', 'copying', 'a fast restart' ])
{
	my ($ddl, $kind, $when, $end) = @$case;
	promise "$ddl, $kind, $when: $end loses nothing that native would keep" => sub {
		my $db = 'play_' . ++$n;
		is(play($db, $ddl, $kind, $when, $end), '', 'the rows are right');
		is(sql($node, "SELECT relpersistence FROM pg_class WHERE oid = 't'::regclass", $db), $ddl =~ /SET LOGGED/ ? 'p' : 'u', 'it is logged or not, as it shall be');
	};
}

promise 'without the canary a crash loses rows' => sub {
	sql($node, "LOAD 'online_schema'; ALTER SYSTEM SET online_schema.test_disable = 'canary'");
	$node->reload;
	my $fault = play('without', 'ALTER TABLE t SET UNLOGGED', '', 'ready', 'an immediate shutdown', set => { verify => 'off' }, unnoticed => 1);
	like($fault, qr/\d rows differ|the job is/, 'it ends badly');
	note($fault);
	sql($node, "LOAD 'online_schema'; ALTER SYSTEM RESET online_schema.test_disable");
	$node->reload;
};

$node->stop;
done_testing();
