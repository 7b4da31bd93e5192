# 027_column_subscriber.pl: what a logical subscriber sees of strategy column, and what it needs.
#
# The plan names the columns that the subscriber's table must have. With them it follows
# through fill, swap and clean-up without an error, and gets each filled row once; without
# them it stops, as after a native ADD COLUMN, and goes on when they are there. A table whose
# updates cannot be published is refused.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $rows = 500;
my $node = osc_node('publisher');
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
my $offset = log_offset($node);

# A published table, and a subscriber that has it with some more columns.
sub publish
{
	my ($table, $more) = @_;
	sql($node, "CREATE TABLE $table (id int PRIMARY KEY, v int, note text); INSERT INTO $table SELECT n, n, 'note' FROM generate_series(1, $rows) n");
	sql($node, "CREATE PUBLICATION p_$table FOR TABLE $table");
	sql($subscriber, "CREATE TABLE $table (id int PRIMARY KEY, v int, note text$more)");
	sql($subscriber, "CREATE SUBSCRIPTION s_$table CONNECTION '" . ($node->connstr . ' dbname=postgres') . "' PUBLICATION p_$table");
	$subscriber->wait_for_subscription_sync($node, "s_$table");
	return;
}

sub column_job
{
	my ($table, $args) = @_;
	return start_job($node, "ALTER TABLE $table ALTER v TYPE bigint", args => "'column', $args");
}

sub same_rows
{
	my ($table, $name) = @_;
	$node->wait_for_catchup("s_$table");
	is(sql($subscriber, "SELECT md5(string_agg(format('%s %s %s', id, v, note), ',' ORDER BY id)) FROM $table"),
		sql($node, "SELECT md5(string_agg(format('%s %s %s', id, v, note), ',' ORDER BY id)) FROM $table"), $name);
	return;
}

promise 'a subscriber with the columns that the plan names follows to the end' => sub {
	publish('t', ', osc_new_2 bigint, osc_old_2 int');
	my $plan = sql($node, "SELECT string_agg(note, ' ') FROM osc_plan('ALTER TABLE t ALTER v TYPE bigint', 'column')");
	like($plan, qr/published.*no column osc_new_2 or, after the swap, osc_old_2/, 'the plan names them');
	my $job = column_job('t', "swap => 'manual'");
	job_ends($node, $job, 'ready', 'the job is ready');
	same_rows('t', 'the rows are the same');
	is(sql($subscriber, 'SELECT count(*) FROM t WHERE osc_new_2 = v'), $rows, 'the new column has come');
	ok(wait_for($subscriber, "SELECT n_tup_upd >= $rows FROM pg_stat_user_tables WHERE relname = 't'"), 'each row came as an update');
	is(sql($subscriber, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 't'"), $rows, 'once');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'kept', 'and kept');
	sql($node, "UPDATE t SET v = v + 1000, note = 'kept' WHERE id <= 10; INSERT INTO t (id, v) VALUES (1001, 1); DELETE FROM t WHERE id = 11");
	same_rows('t', 'the rows are the same after the swap');
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done', 'cleaned');
	sql($node, "UPDATE t SET note = 'clean' WHERE id = 12; INSERT INTO t (id, v) VALUES (1002, 2)");
	same_rows('t', 'and after the clean-up');
	is(sql($subscriber, "SELECT apply_error_count FROM pg_stat_subscription_stats WHERE subname = 's_t'"), '0', 'the subscriber met no error');
};

promise 'one without them stops, and goes on when it has them' => sub {
	publish('u', '');
	my $at = -s $subscriber->logfile;
	my $job = column_job('u', "swap => 'manual'");
	job_ends($node, $job, 'ready', 'the job does not wait for it');
	ok($subscriber->wait_for_log(qr/missing replicated column/, $at), 'the subscriber says what is missing');
	sql($subscriber, 'ALTER TABLE u ADD osc_new_2 bigint');
	same_rows('u', 'it goes on with the column');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled', 'cancelled');
	sql($node, "UPDATE u SET note = 'after' WHERE id = 1");
	same_rows('u', 'and does not need it any more');
};

promise 'a table whose updates cannot be published' => sub {
	sql($node, 'CREATE TABLE w (id int NOT NULL UNIQUE, v int); CREATE PUBLICATION p_w FOR TABLE w');
	fails_with($node, "SELECT osc_start('ALTER TABLE w ALTER v TYPE bigint', 'column')", '55000', qr/replica identity/, 'is refused');
};

$subscriber->stop;
$node->stop;
done_testing();
