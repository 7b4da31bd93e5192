# 022_visible.pl: what others can see of a job.
#
# NOTIFY at every change of state and phase, never while the swap's locks are held; a logical
# message at the swap, after the last change of the old shape and before the first of the new;
# pg_stat_activity; log lines.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = osc_node('visible');
create_items($node, 10000);
my @scripts = map { [ $_, 1 ] } qw(insert update hot delete reinsert key_change);

# The notifications that a listener has got, one "state/phase" each, up to the last one, which
# may still be on its way.
sub told
{
	my ($listener, $job, $relation, $last) = @_;
	my ($state, $phase) = split m{/}, $last;
	my $out = '';
	for (1 .. 600)
	{
		$out .= $listener->query_safe('SELECT 1');
		last if $out =~ /"state" : "$state", "phase" : "$phase"/;
		sleep 0.1;
	}
	my @told;
	while ($out =~ /Asynchronous notification "online_schema" with payload "(\{.*\})" received/g)
	{
		my $payload = $1;
		like($payload, qr/"job" : $job, .*"relation" : "\Q$relation\E"/, 'job and relation are named') if !@told;
		push @told, "$1/$2" if $payload =~ /"state" : "(\w+)", "phase" : "(\w+)"/;
	}
	return join ' ', @told;
}

promise 'listeners are told of every change, once and in order' => sub {
	my $listener = $node->background_psql('postgres');
	$listener->query_safe('LISTEN online_schema');
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	sql($node, "SELECT osc_pause($job)");
	job_ends($node, $job, 'paused');
	sql($node, "SELECT osc_resume($job)");
	job_ends($node, $job, 'ready');
	wait_for($node, "SELECT osc_swap($job)");
	job_ends($node, $job, 'done');
	wait_for($node, "SELECT announced FROM online_schema.job WHERE job_id = $job", 'done/done');
	is(told($listener, $job, 'public.item', 'done/done'),
		'running/preparing running/backfilling running/indexing running/catching_up running/validating ready/ready paused/ready ready/ready running/cleaning done/done',
		'the whole story');

	$job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE integer', args => "run => 'manual'");
	sql($node, "SELECT osc_step($job)");
	sql($node, "CALL osc_run($job)");
	is(told($listener, $job, 'public.item', 'done/done'),
		'running/preparing running/backfilling running/indexing running/catching_up running/validating running/ready running/swapping running/cleaning done/done',
		'the same for a job that is driven by hand');

	$job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "run => 'manual'");
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled');
	wait_for($node, "SELECT announced FROM online_schema.job WHERE job_id = $job", 'cancelled/planned');
	is(told($listener, $job, 'public.item', 'cancelled/planned'), 'cancelling/planned cancelled/planned', 'and for one that is cancelled');
	$listener->quit;
};

promise 'a swap under its locks keeps nobody from notifying' => sub {
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint', args => "swap => 'manual'", set => { swap_timeout => '60s' });
	job_ends($node, $job, 'ready');
	my $swapper = $node->background_psql('postgres');
	$swapper->query_safe("BEGIN");
	wait_for($node, "SELECT backlog = 0 FROM osc_progress WHERE job_id = $job");
	my $swapped = '';
	for (1 .. 100)
	{
		$swapped = $swapper->query_safe("SELECT osc_swap($job)");
		last if $swapped eq 't';
		sleep 0.1;
	}
	is($swapped, 't', 'the swap is made and not committed');
	sql($node, "SET statement_timeout = '20s'; NOTIFY something; SELECT pg_notify('online_schema', 'other')");
	pass('another transaction that notifies commits meanwhile');
	$swapper->query_safe('COMMIT');
	$swapper->quit;
	job_ends($node, $job, 'done');
};

promise 'a decoder sees the message between the old and the new shape' => sub {
	sql($node, "SELECT FROM pg_create_logical_replication_slot('decoded', 'test_decoding'); SELECT FROM pg_create_logical_replication_slot('output', 'pgoutput');"
		  . ' CREATE PUBLICATION items FOR TABLE item');
	my $load = start_load($node, scripts => \@scripts, rows => 10000, clients => 4, rate => 300);
	wait_for_load([$load]);
	my $job = start_job($node, 'ALTER TABLE item ALTER COLUMN qty TYPE integer, ADD COLUMN region text NOT NULL DEFAULT $$here$$');
	job_ends($node, $job, 'done');
	wait_for_load([$load]);
	$load->stop;
	my @changes = split /\n/, sql($node, "SELECT data FROM pg_logical_slot_get_changes('decoded', NULL, NULL) WHERE data ~ '^(table public.item:|message)'");
	my (@old, @new, @message);
	for my $i (0 .. $#changes)
	{
		push @message, $i if $changes[$i] =~ /^message: transactional: 1 prefix: online_schema,/;
		next if $changes[$i] =~ /^message/;
		push @old, $i if $changes[$i] =~ /qty\[bigint\]/;
		push @new, $i if $changes[$i] =~ /qty\[integer\]/;
	}
	note(scalar(@old) . ' changes of the old shape, ' . scalar(@new) . ' of the new');
	is(scalar @message, 1, 'there is one message');
	cmp_ok(scalar @old, '>', 0, 'there are changes of the old shape');
	cmp_ok(scalar @new, '>', 0, 'and of the new');
	cmp_ok($old[-1], '<', $message[0], 'all of the old shape come before it');
	cmp_ok($new[0], '>', $message[0], 'all of the new shape after it');
	my ($json) = $changes[ $message[0] ] =~ /content:(.*)/;
	is( sql($node, "SELECT j->>'job', j->>'relation', (j->>'oid')::oid = 'item'::regclass, j->>'ddl', (SELECT count(*) FROM json_array_elements(j->'columns') c WHERE c->>'name' = 'region' AND c->>'type' = 'text' AND (c->>'not_null')::bool)"
			  . " FROM (SELECT \$json\$$json\$json\$::json AS j) AS x"),
		"$job|public.item|t|ALTER TABLE item ALTER COLUMN qty TYPE integer, ADD COLUMN region text NOT NULL DEFAULT \$\$here\$\$|1",
		'it tells job, relation, statement and columns');

	# pgoutput: a message begins with M, a relation with R, changes with I, U, D
	my @output = split /\n/, sql($node, "SELECT chr(get_byte(data, 0)) || CASE WHEN get_byte(data, 0) = ascii('M') THEN convert_from(substr(data, 11, 13), 'SQL_ASCII') ELSE '' END"
		  . " FROM pg_logical_slot_get_binary_changes('output', NULL, NULL, 'proto_version', '1', 'publication_names', 'items', 'messages', 'true')");
	my @at = grep { $output[$_] =~ /^Monline_schema/ } 0 .. $#output;
	is(scalar @at, 1, 'pgoutput sends it, too');
	my ($next) = grep { $_ > $at[0] && $output[$_] =~ /^[RIUD]$/ } 0 .. $#output;
	is(defined $next ? $output[$next] : '', 'R', 'and the table is described anew before the next change');
	sql($node, "SELECT pg_drop_replication_slot('decoded'), pg_drop_replication_slot('output'); DROP PUBLICATION items");
};

promise 'pg_stat_activity shows job, phase and table of the worker; the log tells what happens' => sub {
	my $offset = log_offset($node);
	# slow enough to be looked at for some seconds
	sql($node, 'CREATE TABLE slow (id integer PRIMARY KEY, qty integer, pad text); INSERT INTO slow SELECT i, i, repeat(\'x\', 500) FROM generate_series(1, 60000) AS i');
	my $job = start_job($node, 'ALTER TABLE slow ALTER COLUMN qty TYPE bigint', set => { batch_size => 1, throttle_ratio => 0.95 });
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'online_schema worker' AND application_name = 'online_schema job $job'"
			  . " AND query = 'job $job, backfilling, table public.slow: ALTER TABLE slow ALTER COLUMN qty TYPE bigint'", '1'), 'the backfill');
	ok(wait_for($node, "SELECT coalesce(eta > '0', false) FROM osc_progress WHERE job_id = $job"), 'there is an estimate of the time left');
	sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')");
	job_ends($node, $job, 'done');
	is(sql($node, "SELECT eta IS NULL FROM osc_progress WHERE job_id = $job"), 't', 'and none in the end');
	ok(wait_for_log_line($node, qr/LOG:  online schema change: job $job is $_/, $offset), "a line says: $_")
	  for 'running, phase backfilling', 'running, phase swapping', 'done';
	ok(wait_for_log_line($node, qr/LOG:  online schema change: job $job swapped, locks were held for [0-9.]+ ms/, $offset), 'and for how long locks were held');
};

promise 'a job that fills a column in place tells when it will be done' => sub {
	sql($node, 'CREATE TABLE inplace (id integer PRIMARY KEY, qty integer, pad text); INSERT INTO inplace SELECT i, i, repeat(\'x\', 500) FROM generate_series(1, 30000) AS i');
	my $job = start_job($node, 'ALTER TABLE inplace ALTER COLUMN qty TYPE bigint', args => "'column'", set => { batch_size => 1, throttle_ratio => 0.9 });
	ok(wait_for($node, "SELECT phase = 'backfilling' AND coalesce(eta > '0', false) FROM osc_progress WHERE job_id = $job"), 'there is an estimate of the time left');
	sql($node, "SELECT osc_set($job, 'throttle_ratio', '0')");
	job_ends($node, $job, 'kept');
	is(sql($node, "SELECT eta IS NULL FROM osc_progress WHERE job_id = $job"), 't', 'and none when it is swapped');
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done');
};

is(ledger_faults($node, '{"region": "here"}'), '', 'the table is right');
is(leftovers($node), '', 'nothing is left');
$node->stop;
done_testing();
