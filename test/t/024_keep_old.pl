# 024_keep_old.pl: the old copy of a table that a job keeps after its swap.
#
# It is readable by the table's owner and writable by nobody, invisible to pg_dump, publications
# and decoders; it goes with osc_cleanup() or when its time is over, also across a restart. The
# job is in state kept, blocks a second one on the table, and takes no worker.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = osc_node('keep');
sql($node, <<'SQL');
CREATE ROLE app LOGIN;
CREATE ROLE spy LOGIN IN ROLE pg_read_all_data, pg_write_all_data;
GRANT CREATE ON SCHEMA public TO app;
SET ROLE app;
CREATE TABLE country (id int PRIMARY KEY);
INSERT INTO country VALUES (1), (2);
CREATE TABLE t (id int PRIMARY KEY, country int REFERENCES country, v text);
INSERT INTO t SELECT n, 1 + n % 2, repeat('x', n % 50) FROM generate_series(1, 5000) n;
ALTER TABLE t ADD COLUMN fast int DEFAULT 42;
ALTER TABLE t ADD COLUMN gone int DEFAULT 43;
ALTER TABLE t DROP COLUMN gone;
INSERT INTO t VALUES (5001, 1, 'late', 7);
CREATE POLICY hidden ON t USING (fast > 0);
SQL
my $old_rows = sql($node, 'SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM t');
my $old = 'osc_%d_1.osc_twin';

promise 'the old copy is kept until osc_cleanup()' => sub {
	sql($node, 'CREATE PUBLICATION everything FOR ALL TABLES');
	sql($node, "SELECT FROM pg_create_logical_replication_slot('decoded', 'test_decoding')");
	my $dump = dump_schema($node);
	my $job = start_job($node, 'ALTER TABLE t ALTER COLUMN country TYPE bigint, DROP COLUMN v', role => 'app', set => { keep_old => 'cleanup' });
	sql($node, "CALL osc_wait($job, '60 s')");
	is(sql($node, "SELECT state, phase, waiting_for FROM osc_progress WHERE job_id = $job"), 'kept|kept|osc_cleanup()', 'osc_wait() returns when the job is kept');
	my $twin = sprintf $old, $job;
	is(sql_as($node, 'app', "SELECT md5(string_agg(t::text, chr(10) ORDER BY id)) FROM $twin t"), $old_rows, 'the owner reads the old rows, all columns');
	is(sql_as($node, 'app', "SELECT count(*) FROM $twin WHERE fast = 42"), '5000', 'those that no row holds, too');
	fails_with($node, "$_", '42501', undef, "the owner cannot: $_", user => 'app')
	  for "INSERT INTO $twin VALUES (9)", "UPDATE $twin SET id = 0", "DELETE FROM $twin", "TRUNCATE $twin", "DROP TABLE $twin", "ALTER TABLE $twin ADD x int";
	is(sql_as($node, 'spy', "SELECT count(*) FROM $twin"), '0', 'one who may read every table sees nothing');
	fails_with($node, "INSERT INTO $twin (id) VALUES (9)", '42501', undef, 'and one who may write every table cannot', user => 'spy');
	is(sql($node, "SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('$twin'::regclass, 't'::regclass) AND NOT tgname ~ '^RI_'"), '0', 'there is no trigger');
	is(sql($node, "SELECT kind, count(*) FROM online_schema.job_object GROUP BY kind ORDER BY kind"), "old storage|1\nschema|1", 'the registry tells what is there');
	is(sql($node, "SELECT convalidated FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f'"), 't', 'the foreign key is validated by now');
	is(join(' ', worker_pids($node)), '', 'there is no worker') if wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^online_schema worker'", '0');
	my $after = dump_schema($node);
	unlike($after, qr/osc_\d|osc_twin|osc_owner/, 'pg_dump passes over it');
	is(sql($node, "SELECT count(*) FROM pg_logical_slot_get_changes('decoded', NULL, NULL) WHERE data ~ 'osc_twin'"), '0', 'a decoder has seen nothing of it');
	fails_with($node, "SELECT osc_start('ALTER TABLE t ALTER COLUMN id TYPE bigint')", '55006', undef, 'a second job on the table is refused');
	fails_with($node, "SELECT osc_cancel($job)", '55000', qr/osc_cleanup/, 'osc_cancel() is refused with a hint');
	fails_with($node, "SELECT $_($job)", '55000', undef, "$_() is refused") for qw(osc_pause osc_resume osc_step osc_swap osc_validate osc_replay);
	fails_with($node, "CALL osc_run($job)", '55000', undef, 'osc_run() is refused');
	is(sql($node, "SELECT coalesce(osc_backfill_batch($job)::text, 'null')"), 'null', 'osc_backfill_batch() gives null');
	fails_with($node, 'DROP EXTENSION online_schema', '55006', undef, 'DROP EXTENSION is refused');
	fails_with($node, "SELECT osc_cleanup($job)", '42501', undef, 'not everybody may end it', user => 'spy');
	sql_as($node, 'app', "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done');
	is(leftovers($node), '', 'nothing is left');
	is(sql($node, "SELECT string_agg(detail->>'to', ' ' ORDER BY at) FROM osc_events WHERE job_id = $job AND event = 'phase'"),
		'preparing backfilling indexing catching_up validating ready swapping cleaning kept cleaning done', 'the phases');
	sql($node, "SELECT osc_cleanup($job)");
	sql($node, "SELECT pg_drop_replication_slot('decoded'); DROP PUBLICATION everything");
	is(sql($node, "SELECT count(*) FROM pg_init_privs WHERE objoid NOT IN (SELECT oid FROM pg_class UNION SELECT oid FROM pg_proc UNION SELECT oid FROM pg_namespace UNION SELECT oid FROM pg_language UNION SELECT oid FROM pg_type)"), '0', 'no note of privileges is left');
};

promise 'an interval ends it, across a restart' => sub {
	my $job = start_job($node, 'ALTER TABLE t ALTER COLUMN country TYPE integer', role => 'app', set => { keep_old => '8 s' });
	job_ends($node, $job, 'kept');
	like(sql($node, "SELECT waiting_for FROM osc_progress WHERE job_id = $job"), qr/^osc_cleanup\(\), or \d{4}-/, 'it says until when');
	$node->restart;
	is(job_state($node, $job), 'kept', 'it is kept after a restart');
	ok(wait_for($node, "SELECT kept_until <= clock_timestamp() FROM online_schema.job WHERE job_id = $job"), 'its time is over');
	my $other = start_job($node, 'ALTER TABLE country ALTER COLUMN id TYPE bigint', role => 'app');
	job_ends($node, $job, 'done', 'the next call after the time cleans up');
	job_ends($node, $other, 'done');
	is(leftovers($node), '', 'nothing is left');
};

promise 'osc_set() changes it, osc_run() ends kept, too' => sub {
	my $job = start_job($node, 'ALTER TABLE t ALTER COLUMN id TYPE bigint', role => 'app', set => { keep_old => '1 day' }, args => "run => 'manual'");
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'kept', 'osc_run() returns when the job is kept');
	sql($node, "SELECT osc_set($job, 'keep_old', 'cleanup')");
	is(sql($node, "SELECT waiting_for FROM osc_progress WHERE job_id = $job"), 'osc_cleanup()', 'longer');
	sql($node, "SELECT osc_set($job, 'keep_old', 'off')");
	job_ends($node, $job, 'done', 'no longer');
	is(leftovers($node), '', 'nothing is left');
};

promise 'the table is in use while its old copy is kept, and other DDL waits for the end' => sub {
	my $job = start_job($node, 'ALTER TABLE t ALTER COLUMN id TYPE integer', role => 'app', set => { keep_old => 'cleanup' });
	job_ends($node, $job, 'kept');
	sql($node, 'INSERT INTO t (id, country) VALUES (6000, 2); DELETE FROM t WHERE id <= 100');
	is(sql_as($node, 'app', 'SELECT count(*) FROM ' . sprintf $old, $job), '5001', 'the old copy is as it was');
	fails_with($node, 'ALTER TABLE t ADD COLUMN later int', '55006', qr/osc_cleanup/, 'ALTER TABLE is refused with a hint');
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done');
	sql($node, 'ALTER TABLE t ADD COLUMN later int; DROP TABLE t');
	is(leftovers($node), '', 'nothing is left');
	fails_with($node, "SELECT osc_plan('ALTER TABLE country ADD x int'); SET online_schema.keep_old = '$_'", '22023', undef, "refused: '$_'")
	  for '', 'yes', '-1 day', '0', '20 years', 'for ever';
};

$node->stop;
done_testing();
