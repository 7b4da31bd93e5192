# 028_column_changes.pl: what strategy column changes, and what it does not touch.
#
# Each row whose new value differs from what is there is written once by the fill, as logical
# decoding sees it, and nothing else is written: not by the swap, the way back or the clean-up.
# No trigger of the user's fires. A publication with a list of columns does not take up the
# helper column. The table is not rewritten: an event trigger that forbids that is no hindrance,
# and an index of another column that is not valid stays so.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $rows = 1000;
my $node = osc_node('changes');

sub column_job
{
	my ($ddl, %opt) = @_;
	return start_job($node, $ddl, args => "'column', swap => 'manual'", %opt);
}

# What was decoded since the last time: changes of each kind of table t, and of other tables
# that are not the extension's own. The fill commits asynchronously: a commit of our own brings
# what is in the WAL to disk, where it is decoded.
sub decoded
{
	sql($node, "SELECT FROM pg_logical_emit_message(true, 'test', 'flush')");
	return sql($node, <<'SQL');
SELECT concat_ws(' ', kind, CASE WHEN name <> 'public.t' THEN name END, count(*))
FROM pg_logical_slot_get_changes('decoded', NULL, NULL), substring(data FROM 'table ([^:]*):') name, substring(data FROM ': ([A-Z]*):') kind
WHERE data LIKE 'table %' GROUP BY kind, name ORDER BY kind, name
SQL
}

promise 'as many changes as rows that change, and no trigger fires' => sub {
	sql($node, <<"SQL");
CREATE TABLE t (id int PRIMARY KEY, a int, note text, updated_at timestamptz DEFAULT now(), fired int DEFAULT 0) WITH (autovacuum_enabled = off);
INSERT INTO t (id, a) SELECT n, nullif(n % 10, 0) FROM generate_series(1, $rows) n;
CREATE SEQUENCE fired;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM nextval('fired'); NEW.updated_at := clock_timestamp(); NEW.fired := NEW.fired + 1; RETURN NEW; END \$\$;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM nextval('fired'); RETURN NULL; END \$\$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER always AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION told();
CREATE TRIGGER statement AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION told();
ALTER TABLE t ENABLE ALWAYS TRIGGER always;
SELECT pg_create_logical_replication_slot('decoded', 'test_decoding');
SQL
	my $untouched = "SELECT count(*), md5(string_agg(concat_ws('|', id, a, updated_at, fired), ',' ORDER BY id)) FROM t WHERE id > 20";
	my $before = sql($node, $untouched);
	my $job = column_job('ALTER TABLE t ALTER a TYPE bigint', set => { batch_size => 100 });
	job_ends($node, $job, 'ready', 'filled');
	is(decoded(), 'UPDATE ' . $rows * 9 / 10, 'one change for each row that has a value');
	sql($node, 'UPDATE t SET note = \'by a client\' WHERE id <= 20; DELETE FROM t WHERE id = 20');
	is(decoded(), "DELETE 1\nUPDATE 20", 'a write of a client is one change');
	my $fired = 20 * 2 + 1;
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'kept', 'kept');
	is(decoded(), '', 'the swap changes no row');
	ok(wait_for($node, "SELECT osc_validate($job)"), 'valid');
	sql($node, 'UPDATE t SET a = 3000000000 WHERE id = 1; UPDATE t SET a = 1 WHERE id = 1');
	is(decoded(), 'UPDATE 2', 'and a write is still one change');
	$fired += 6;
	ok(wait_for($node, "SELECT osc_revert($job)"), 'taken back');
	job_ends($node, $job, 'reverted', 'cleaned up');
	is(decoded(), '', 'without a change');
	$job = column_job('ALTER TABLE t ALTER a TYPE bigint');
	job_ends($node, $job, 'ready', 'filled again');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped again');
	job_ends($node, $job, 'kept', 'kept again');
	decoded();
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done', 'done');
	is(decoded(), '', 'the clean-up changes no row');
	is(sql($node, 'SELECT last_value FROM fired'), $fired, 'triggers have fired for the writes of clients only');
	is(sql($node, $untouched), $before, 'the other rows are what they were, updated_at as well');
	is(leftovers($node), '', 'nothing is left');
};

promise 'a row that its client has written is not written again' => sub {
	sql($node, "CREATE TABLE u (id int PRIMARY KEY, a int, note text); INSERT INTO u SELECT n, n FROM generate_series(1, $rows) n");
	decoded();
	my $job = start_job($node, 'ALTER TABLE u ALTER a TYPE bigint', args => "'column', swap => 'manual', run => 'manual'");
	ok(wait_for($node, "SELECT osc_step($job) = 'backfilling'"), 'the mirror is at work');
	sql($node, "UPDATE u SET note = 'by a client' WHERE id <= 100");
	ok(wait_for($node, "SELECT osc_backfill_batch($job, 1000) IS NULL"), 'filled');
	is(decoded(), "UPDATE public.u $rows", 'one change for each row in all');
	sql($node, "SELECT osc_cancel($job)");
	job_ends($node, $job, 'cancelled', 'cancelled');
};

promise 'a publication with a list of columns' => sub {
	my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
	$subscriber->init;
	$subscriber->start;
	sql($node, "CREATE TABLE l (id int PRIMARY KEY, a int, note text); INSERT INTO l SELECT n, n, 'note' FROM generate_series(1, $rows) n; CREATE PUBLICATION l FOR TABLE l (id, note)");
	sql($subscriber, 'CREATE TABLE l (id int PRIMARY KEY, note text)');
	sql($subscriber, "CREATE SUBSCRIPTION l CONNECTION '" . ($node->connstr . ' dbname=postgres') . "' PUBLICATION l");
	$subscriber->wait_for_subscription_sync($node, 'l');
	my $note = "SELECT string_agg(note, E'\\n') FROM osc_plan('ALTER TABLE l ALTER a TYPE bigint', 'column')";
	like(sql($node, $note), qr/published: a subscriber gets each filled row once more, as an update$/m, 'the plan says what it sees')
	  or diag(sql($node, $note));
	unlike(sql($node, $note), qr/stops while/, 'and that it needs no column');
	my $job = column_job('ALTER TABLE l ALTER a TYPE bigint');
	job_ends($node, $job, 'ready', 'filled');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'kept', 'kept');
	sql($node, "UPDATE l SET note = 'new', a = a + 1 WHERE id <= 10; INSERT INTO l (id, a, note) VALUES (5000, 1, 'new')");
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done', 'done');
	sql($node, "DELETE FROM l WHERE id = 500");
	$node->wait_for_catchup('l');
	my $rows_of = "SELECT md5(string_agg(id || note, ',' ORDER BY id)) FROM l";
	is(sql($subscriber, $rows_of), sql($node, $rows_of), 'the subscriber has the same rows');
	is(sql($subscriber, 'SELECT apply_error_count FROM pg_stat_subscription_stats'), '0', 'and met no error');
	sql($node, 'CREATE PUBLICATION only_deletes FOR TABLE u WITH (publish = \'delete\')');
	unlike(sql($node, "SELECT string_agg(note, ' ') FROM osc_plan('ALTER TABLE u ALTER a TYPE bigint', 'column')"), qr/published/, 'a publication of deletes sees nothing');
	sql($subscriber, 'DROP SUBSCRIPTION l');
	$subscriber->stop;
};

promise 'the table is not rewritten' => sub {
	sql($node, <<"SQL");
CREATE TABLE r (id int PRIMARY KEY, a int, b int);
INSERT INTO r SELECT n, n, n / 2 FROM generate_series(1, 100) n;
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'no rewrites, please'; END \$\$;
CREATE EVENT TRIGGER forbid ON table_rewrite EXECUTE FUNCTION forbid();
SQL
	$node->psql('postgres', 'CREATE UNIQUE INDEX CONCURRENTLY r_b ON r (b)');
	fails_with($node, 'ALTER TABLE r ALTER a TYPE bigint', 'P0001', qr/no rewrites/, 'native is refused');
	like(sql($node, "SELECT string_agg(note, ' ') FROM osc_plan('ALTER TABLE r ALTER a TYPE bigint', 'column')"), qr/not rewritten, so event triggers for that do not fire/, 'the plan says so');
	my $file = sql($node, "SELECT pg_relation_filenode('r')");
	my $job = column_job('ALTER TABLE r ALTER a TYPE bigint', set => { keep_old => 'off' });
	job_ends($node, $job, 'ready', 'filled');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'done', 'done');
	is(sql($node, "SELECT pg_relation_filenode('r')"), $file, 'the table has its file');
	is(sql($node, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'r_b'::regclass"), 'f', 'an index that is not valid stays so');
	fails_with($node, "SELECT osc_start('ALTER TABLE r ALTER b TYPE bigint', 'column')", '0A000', qr/./, 'one of the column itself is refused');
	is(sql($node, "SELECT string_agg(format_type(atttypid, -1), ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'r'::regclass AND attnum > 0 AND NOT attisdropped"), 'bigint integer integer', 'the type is there');
};

# One place for all jobs: one that cannot go on must not have it, in whatever way it ended.
promise 'a job that cannot be cleaned up takes nobody\'s place' => sub {
	my $small = osc_node('places', conf => 'online_schema.max_workers = 1');
	my $no_worker = "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'online_schema worker'";
	sql($small, 'CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, v int); INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (1, 1)');
	for my $end ([ 'osc_cleanup', 'auto', 'done' ], [ 'osc_cancel', 'manual', 'cancelled' ])
	{
		my ($function, $swap, $state) = @$end;
		my $job = start_job($small, "ALTER TABLE a ALTER v TYPE bigint", args => "'column', swap => '$swap'", set => { lock_retry_max_delay => '30s' });
		job_ends($small, $job, $swap eq 'auto' ? 'kept' : 'ready', "$function: it has come so far");
		sql($small, "CREATE VIEW seen AS SELECT * FROM a; SELECT $function($job)");
		ok(wait_for($small, "SELECT coalesce(waiting_for ~ 'view seen depends on .* HINT', false) FROM osc_progress WHERE job_id = $job"), 'it says what is in the way');
		ok(wait_for($small, $no_worker), 'and no worker stays with it');
		my $other = start_job($small, 'ALTER TABLE b ALTER v TYPE ' . ($swap eq 'auto' ? 'bigint' : 'numeric'), args => "'column'", set => { keep_old => 'off' });
		job_ends($small, $other, 'done', 'another job has its place');
		cmp_ok(sql($small, "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'error'"), '<', 10, 'it was not tried again and again');
		# by itself, after a while that can be set, when somebody waits for it
		sql($small, "SELECT osc_set($job, 'lock_retry_max_delay', '100ms'); SELECT osc_cleanup($job)");
		ok(wait_for($small, "SELECT count(*) > 1 FROM osc_events WHERE job_id = $job AND event = 'error'"), 'osc_cleanup() tries again');
		sql($small, 'DROP VIEW seen');
		error_of($small, "CALL osc_wait($job, '60 s')");
		job_ends($small, $job, $state, 'it goes on by itself when the view is gone');
		sql($small, 'UPDATE a SET v = v + 1');
	}
	is(leftovers($small), '', 'nothing is left');
	$small->stop;
};

$node->stop;
done_testing();
