# 001_worker.pl: osc_start() and the background worker.
#
# A committed osc_start() starts a worker that does the job to its end, with or without
# shared_preload_libraries; a rolled back one leaves nothing. Pause, resume, cancel, a job
# that fails, several jobs at once, no free worker slot.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = osc_node('worker');

# A table that takes a job with small batches some seconds, and with pauses between them a minute.
sub create_slow
{
	my ($name, $rows) = @_;
	sql($node, <<"SQL");
CREATE TABLE $name (id integer PRIMARY KEY, n integer NOT NULL, t text);
INSERT INTO $name SELECT i, i, repeat('x', 700) FROM generate_series(1, $rows) i;
CREATE INDEX ${name}_n ON $name (n);
SQL
	return;
}

sub type_of
{
	my ($table, $column) = @_;
	return sql($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '$table'::regclass AND attname = '$column'");
}

sub content { return sql($node, "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM $_[0] t"); }

my %slow = (set => { batch_size => 1, throttle_ratio => 0.95 });

# No more pauses for a job that had to be met at work.
sub go_fast { return sql($node, "SELECT osc_set($_[0], 'throttle_ratio', '0')"); }

promise 'a job of a committed transaction runs to its end by itself' => sub {
	create_slow('a', 5000);
	my $oid     = relation_oid($node, 'a');
	my $content = content('a');
	my $names   = "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 'a'::regclass";
	my $before  = sql($node, $names);
	my $job     = start_job($node, 'ALTER TABLE a ALTER COLUMN id TYPE bigint');
	job_ends($node, $job, 'done');
	is(type_of('a', 'id'), 'bigint', 'the type is the new one');
	is(relation_oid($node, 'a'), $oid, 'the table keeps its OID');
	is(sql($node, $names), $before, 'the indexes keep their names');
	is(content('a'), $content, 'the rows are the same');
	is(sql($node, "SELECT phase, progress_pct = 100, finished_at IS NOT NULL, last_error IS NULL FROM osc_progress WHERE job_id = $job"),
		'done|t|t|t', 'the view says so');
	is(leftovers($node), '', 'nothing is left, not even the worker');
};

promise 'the worker shows in pg_stat_activity while it works' => sub {
	create_slow('b', 30000);
	my $job = start_job($node, 'ALTER TABLE b ALTER COLUMN id TYPE bigint', %slow);
	ok(wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'online_schema worker' AND datname = 'postgres'"),
		'one is there');
	ok(wait_for($node, "SELECT state = 'running' AND rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'rows are counted');
	is(sql($node, "SELECT rows_done <= rows_total AND progress_pct BETWEEN 0 AND 100 FROM osc_progress WHERE job_id = $job"), 't',
		'the figures are sane');
	go_fast($job);
	job_ends($node, $job, 'done');
	is(sql($node, 'SELECT count(*), count(DISTINCT id), sum(id) FROM b'), '30000|30000|450015000', 'the rows are the same');
};

promise 'a rolled back osc_start() leaves nothing' => sub {
	my $jobs   = sql($node, 'SELECT count(*) FROM osc_progress');
	my $events = sql($node, 'SELECT count(*) FROM osc_events');
	sql($node, "BEGIN; SELECT osc_start('ALTER TABLE a ALTER COLUMN n TYPE bigint'); ROLLBACK");
	sql($node, "BEGIN; SAVEPOINT s; SELECT osc_start('ALTER TABLE a ALTER COLUMN n TYPE bigint'); ROLLBACK TO s; COMMIT");
	sleep 0.5;
	is(sql($node, 'SELECT count(*) FROM osc_progress'), $jobs, 'no job');
	is(sql($node, 'SELECT count(*) FROM osc_events'), $events, 'no event');
	is(leftovers($node), '', 'no object and no worker');
	is(type_of('a', 'n'), 'integer', 'the table is as it was');
};

promise 'nothing begins before the transaction commits' => sub {
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN');
	my $job = $session->query_safe("SELECT osc_start('ALTER TABLE a ALTER COLUMN n TYPE bigint')");
	sleep 0.5;
	is(join(' ', worker_pids($node)), '', 'no worker before the commit');
	$session->query_safe('COMMIT');
	$session->quit;
	job_ends($node, $job, 'done');
	is(type_of('a', 'n'), 'bigint', 'the job is done after it');
};

promise 'several jobs at once, each on its own table' => sub {
	create_slow("many$_", 3000) for 1 .. 4;
	my @job = split /\n/, sql($node, join '', map { "SELECT osc_start('ALTER TABLE many$_ ALTER COLUMN id TYPE bigint');\n" } 1 .. 4);
	is(scalar @job, 4, 'four jobs');
	job_ends($node, $_, 'done') for @job;
	is(type_of("many$_", 'id'), 'bigint', "table $_ is changed") for 1 .. 4;
	is(sql($node, "SELECT count(*) FROM many$_"), '3000', "table $_ has its rows") for 1 .. 4;
	is(leftovers($node), '', 'nothing is left');
};

promise 'several jobs of one transaction' => sub {
	my @job = split /\n/, sql($node, join '', 'BEGIN; ', (map { "SELECT osc_start('ALTER TABLE many$_ ALTER COLUMN n TYPE bigint'); " } 1 .. 3), 'COMMIT');
	job_ends($node, $_, 'done') for @job;
};

promise 'a second job on the table is refused while the first is under way' => sub {
	my $job = start_job($node, 'ALTER TABLE b ALTER COLUMN n TYPE bigint', args => "swap => 'manual'", set => { batch_size => 1 });
	fails_with($node, "SELECT osc_start('ALTER TABLE b ALTER COLUMN t TYPE varchar(800)')", '55006', undef, 'object in use');
	job_ends($node, $job, 'ready', 'the first goes on');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled');
	is(leftovers($node), '', 'nothing is left');
};

promise 'pause stops the work, resume goes on where it was' => sub {
	my $job = start_job($node, 'ALTER TABLE b ALTER COLUMN n TYPE bigint', %slow);
	ok(wait_for($node, "SELECT phase = 'backfilling' AND rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	sql($node, "SELECT osc_pause($job)");
	job_ends($node, $job, 'paused');
	wait_until_at_rest($node);
	my $progress = "SELECT phase, rows_done FROM osc_progress WHERE job_id = $job";
	my $before   = sql($node, $progress);
	sleep 0.5;
	is(sql($node, $progress), $before, 'a paused job stands still and keeps its phase');
	sql($node, 'UPDATE b SET n = n + 1 WHERE id % 100 = 0');
	go_fast($job);
	sql($node, "SELECT osc_resume($job)");
	job_ends($node, $job, 'done');
	is(sql($node, 'SELECT count(*), sum(n) FROM b'), '30000|450015300', 'a write of the meantime is there');
	is(type_of('b', 'n'), 'bigint', 'the type is the new one');
};

promise 'cancel leaves the table as it was' => sub {
	my $before = dump_schema($node);
	my $job = start_job($node, 'ALTER TABLE b ALTER COLUMN n TYPE integer', %slow);
	ok(wait_for($node, "SELECT phase = 'backfilling' AND rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled');
	is(leftovers($node), '', 'nothing is left');
	is(dump_schema($node), $before, 'pg_dump tells the same');
	is(sql($node, 'SELECT count(*), sum(n) FROM b'), '30000|450015300', 'the rows are the same');
};

promise 'a row that does not fit fails the job and names its key' => sub {
	sql($node, 'UPDATE b SET n = 5000000000 WHERE id = 12345');
	my $before = dump_schema($node);
	my $job = start_job($node, 'ALTER TABLE b ALTER COLUMN n TYPE integer');
	job_ends($node, $job, 'failed');
	like(sql($node, "SELECT last_error FROM osc_progress WHERE job_id = $job"), qr/out of range/, 'with the error of the server');
	like(sql($node, "SELECT last_error || (SELECT string_agg(detail::text, ' ') FROM osc_events WHERE job_id = $job) FROM osc_progress WHERE job_id = $job"),
		qr/12345/, 'and the key of the row');
	is(leftovers($node), '', 'nothing is left');
	is(dump_schema($node), $before, 'pg_dump tells the same');
	is(sql($node, 'SELECT n FROM b WHERE id = 12345'), '5000000000', 'the row is there');
};

promise 'a dropped connection of the caller does not matter' => sub {
	my $session = $node->background_psql('postgres');
	my $job = $session->query_safe("SET online_schema.batch_size = 1; SELECT osc_start('ALTER TABLE b ALTER COLUMN t TYPE varchar(800)')");
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	sql($node, "SELECT pg_terminate_backend($pid)");
	job_ends($node, $job, 'done');
	eval { $session->quit };
};

promise 'a worker that is terminated does not lose the job' => sub {
	create_slow('c', 30000);
	# held in the middle of a batch
	my $holder = $node->background_psql('postgres');
	$holder->query_safe("SELECT pg_advisory_lock(2147483000, hashtext('backfill-before-commit'))");
	set_stop_point($node, 'backfill-before-commit');
	my $job = start_job($node, 'ALTER TABLE c ALTER COLUMN id TYPE bigint', set => { batch_size => 1 });
	ok(wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'online_schema worker' AND wait_event = 'advisory'"), 'it copies');
	set_stop_point($node, undef);
	my ($pid) = worker_pids($node);
	sql($node, "SELECT pg_terminate_backend($pid)");
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0'), 'the worker is gone');
	$holder->quit;
	# The next call starts the worker again; waiting for the job is such a call.
	sql($node, "CALL osc_wait($job, '120 s')");
	job_ends($node, $job, 'done');
	is(sql($node, 'SELECT count(*), count(DISTINCT id), sum(n) FROM c'), '30000|30000|450015000', 'the rows are the same');
	is(leftovers($node), '', 'nothing is left');
};

promise 'nor does one that is terminated between two steps' => sub {
	# nearly all of the time it sleeps
	my $job = start_job($node, 'ALTER TABLE c ALTER COLUMN n TYPE bigint', %slow);
	ok(wait_for($node, "SELECT phase = 'backfilling' AND rows_done > 0 FROM osc_progress WHERE job_id = $job"), 'it copies');
	my ($pid) = worker_pids($node);
	sql($node, "SELECT pg_terminate_backend($pid)");
	ok(wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", '0'), 'the worker is gone');
	go_fast($job);
	sql($node, "CALL osc_wait($job, '120 s')");
	job_ends($node, $job, 'done');
	is(leftovers($node), '', 'nothing is left');
};

promise 'a prepared transaction that called osc_start() is fine' => sub {
	my $job = sql($node, "BEGIN; SELECT osc_start('ALTER TABLE c ALTER COLUMN n TYPE integer'); PREPARE TRANSACTION 'p'");
	sleep 0.3;
	is(sql($node, "SELECT count(*) FROM osc_progress WHERE job_id = $job"), '0', 'no job before COMMIT PREPARED');
	sql($node, "COMMIT PREPARED 'p'");
	sql($node, "CALL osc_wait($job, '120 s')");
	job_ends($node, $job, 'done');
	is(type_of('c', 'n'), 'integer', 'the job was done');
};

promise 'without a free worker slot the job waits, says so, and can be driven by hand' => sub {
	# The server's own logical replication launcher takes the only slot.
	$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
	$node->restart;
	my $job = start_job($node, 'ALTER TABLE a ALTER COLUMN t TYPE varchar(900)');
	ok(wait_for($node, "SELECT state IN ('queued', 'running') AND waiting_for <> '' FROM osc_progress WHERE job_id = $job"),
		'it says what it waits for');
	sql($node, "CALL osc_run($job, '120 s')");
	job_ends($node, $job, 'done');
	is(type_of('a', 't'), 'character varying(900)', 'the job was done');
	is(leftovers($node), '', 'nothing is left');
};

$node->stop;
done_testing();
