# 008_standby_logical.pl: replicas see the change and nothing of how it was made.
#
# A physical standby is equal after a job under load and after a promotion in the middle of
# one; logical decoding (test_decoding) and a subscriber of a publication FOR ALL TABLES see
# the users' changes and none of the job's.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $rows    = 10000;
my @scripts = map { [ $_, 1 ] } qw(insert update key_change delete reinsert hot savepoint rollback swap_keys hand_over set_null toast);

my $primary = osc_node('primary', preload => 1, conf => "hot_standby_feedback = on\nwal_sender_timeout = 60s");
create_items($primary, $rows);
sql($primary, "SELECT pg_create_physical_replication_slot('standby')");
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "primary_slot_name = 'standby'");
$standby->start;

# The subscriber has the new shape from the start: logical replication carries text. It has
# the extension too, as FOR ALL TABLES means the tables of extensions as well.
my $subscriber = osc_node('subscriber');
sql($subscriber, <<'SQL');
CREATE TABLE owner (id integer PRIMARY KEY, name text);
CREATE TABLE part (id bigint PRIMARY KEY, item_id bigint);
CREATE TABLE item (id bigint PRIMARY KEY, owner_id integer, code text, slot integer, amount numeric(14,4), qty integer, note text, doc text,
	changed timestamptz, pad text, region text);
CREATE TABLE ledger (seq bigint, old_key bigint, new_key bigint, image jsonb);
CREATE TABLE item_start (image jsonb);
SQL
sql($primary, 'CREATE PUBLICATION everything FOR ALL TABLES');
sql($subscriber, "CREATE SUBSCRIPTION s CONNECTION '" . $primary->connstr . " dbname=postgres' PUBLICATION everything");
ok(wait_for($subscriber, "SELECT bool_and(srsubstate IN ('r', 's')) AND count(*) >= 4 FROM pg_subscription_rel"), 'the subscriber has its first copy');
sql($primary, "SELECT FROM pg_create_logical_replication_slot('decoded', 'test_decoding')");

my $told = "SELECT md5(string_agg(concat_ws('|', id, owner_id, code, slot, amount, qty, note, md5(doc), region), ',' ORDER BY id)), count(*) FROM item";

promise 'a job under load, seen by a standby, a decoder and a subscriber' => sub {
	my $offset = log_offset($primary);
	my $load = start_load($primary, scripts => \@scripts, rows => $rows, clients => 3, rate => 200);
	wait_for_load([$load]);
	my $job = start_job($primary, "ALTER TABLE item ALTER COLUMN id TYPE bigint, ALTER COLUMN amount TYPE numeric(14,4), ADD COLUMN region text DEFAULT 'here'");
	job_ends($primary, $job, 'done');
	wait_for_load([$load]);
	$load->stop;
	is(unexpected_errors($primary, $offset), '', 'no client met an error');
	is(ledger_faults($primary, '{"region": "here"}'), '', 'the primary is right');
	is(leftovers($primary), '', 'nothing is left');

	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	is(sql($standby, $told), sql($primary, $told), 'the standby has the same rows');
	is(dump_schema($standby), dump_schema($primary), 'and the same schema');
	is(ledger_faults($standby, '{"region": "here"}'), '', 'and agrees with the ledger');

	# A new column's default is not sent for rows that were there, as with native ALTER TABLE.
	$primary->wait_for_catchup('s');
	my $seen = "SELECT md5(string_agg(concat_ws('|', id, owner_id, code, slot, amount, qty, note, md5(doc)), ',' ORDER BY id)), count(*) FROM item";
	is(sql($subscriber, $seen), sql($primary, $seen), 'the subscriber has the same rows');
	is(sql($subscriber, 'SELECT count(*), max(seq) FROM ledger'), sql($primary, 'SELECT count(*), max(seq) FROM ledger'), 'and saw every write once');

	# a short run may not change a part
	my $tables = sql($primary, "SELECT DISTINCT substring(data FROM 'table ([^:]*):') FROM pg_logical_slot_get_changes('decoded', NULL, NULL) WHERE data LIKE 'table %' AND data NOT LIKE 'table public.part:%' ORDER BY 1");
	is($tables, "public.item\npublic.ledger", 'the decoder saw changes of the users\' tables only');
};

promise 'decoded changes are those of the users, one for one' => sub {
	my $ledger = sql($primary, 'SELECT coalesce(max(seq), 0) FROM ledger');
	my $load = start_load($primary, scripts => \@scripts, rows => $rows, clients => 2, rate => 100);
	my $job = start_job($primary, 'ALTER TABLE item ALTER COLUMN qty TYPE bigint');
	job_ends($primary, $job, 'done');
	$load->stop;
	my $changes = sql($primary, "SELECT count(*) FILTER (WHERE data LIKE 'table public.item:%'), count(*) FILTER (WHERE data LIKE 'table public.ledger:%') FROM pg_logical_slot_get_changes('decoded', NULL, NULL)");
	my $expected = sql($primary, "SELECT count(*) FROM ledger WHERE seq > $ledger");
	is($changes, "$expected|$expected", 'as many changes of the table as its trigger saw');
};

promise 'a standby that is promoted in the middle of a job goes on with it' => sub {
	my $job = start_job($primary, 'ALTER TABLE item ALTER COLUMN qty TYPE integer', args => "swap => 'manual'", set => { batch_size => 1, throttle_ratio => 0.95 });
	ok(wait_for($primary, "SELECT phase = 'backfilling' AND rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	sql($primary, "UPDATE item SET note = 'before the promotion' WHERE id <= 300");
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	$primary->stop('immediate');
	$standby->promote;
	sql($standby, "SELECT osc_set($job, 'throttle_ratio', '0')");
	sql($standby, "UPDATE item SET note = 'after the promotion' WHERE id <= 100");
	job_ends($standby, $job, 'ready', 'the launcher of the new primary takes it up');
	ok(wait_for($standby, "SELECT osc_swap($job)"), 'the swap works');
	job_ends($standby, $job, 'done');
	is(ledger_faults($standby, '{"region": "here"}'), '', 'the rows are right');
	is(amcheck_faults($standby, undef, 'item', 'part'), '', 'amcheck finds nothing');
	is(leftovers($standby), '', 'nothing is left');
};

$subscriber->stop('immediate');
$standby->stop;
done_testing();
