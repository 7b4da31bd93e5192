# 016_guard.pl: the guard and osc_check() around a whole server.
#
# Dump and restore of a database with the extension, also while a job runs; a background job
# and its workers under online_schema.guard = error; DDL of clients while jobs come and go;
# a vacuum to prevent wraparound that runs now.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = osc_node('guard');
my $triggers = "SELECT string_agg(evtname || ' ' || evtevent || ' ' || evtenabled::text, ', ' ORDER BY evtname) FROM pg_event_trigger";
my $expected = 'online_schema_guard_drop sql_drop A, online_schema_guard_rewrite table_rewrite A, online_schema_guard_start ddl_command_start A';

# pg_dump of one database, restored by psql into a new one.
sub dump_and_restore
{
	my ($from, $to) = @_;
	my ($dump, $err) = run_command([ 'pg_dump', '-d', $node->connstr($from) ]);
	die "pg_dump failed: $err" unless $dump =~ /PostgreSQL database dump complete/;
	sql($node, "CREATE DATABASE $to");
	my $errors = '';
	$node->psql($to, $dump, stdout => \my $out, stderr => \$errors, on_error_stop => 1);
	return $errors;
}

sql($node, <<'SQL');
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 20000) n;
CREATE INDEX ON t (v);
CREATE TABLE other (id int PRIMARY KEY);
SQL

promise 'a dump brings the event triggers back, enabled, through CREATE EXTENSION' => sub {
	is(dump_and_restore('postgres', 'restored'), '', 'the restore has no error');
	is(sql($node, $triggers, 'restored'), $expected, 'event triggers');
	my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint', args => "swap => 'manual'", db => 'restored');
	wait_for($node, "SELECT state FROM osc_progress WHERE job_id = $job", 'ready', 'restored');
	fails_with($node, 'ALTER TABLE t ADD x int', '55006', qr/osc_cancel\($job\)/, 'the guard is at work there', db => 'restored');
	sql($node, "SELECT osc_cancel($job)", 'restored');
	job_ends($node, $job, 'cancelled', undef, 'restored');
};

promise 'a dump taken while a job runs can be restored, and nothing there is guarded' => sub {
	my $job = start_job($node, 'ALTER TABLE t ALTER id TYPE bigint', args => "swap => 'manual'");
	wait_for($node, "SELECT state FROM osc_progress WHERE job_id = $job", 'ready');
	is(dump_and_restore('postgres', 'meanwhile'), '', 'the restore has no error');
	is(sql($node, $triggers, 'meanwhile'), $expected, 'event triggers');
	is(error_of($node, 'ALTER TABLE t ADD x int; DROP TABLE t', db => 'meanwhile'), '', 'no job there');
	fails_with($node, 'DROP TABLE t', '55006', undef, 'but here');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'swapped');
	job_ends($node, $job, 'done');
};

promise 'a background job, its workers and its clean-up pass under online_schema.guard = error' => sub {
	$node->append_conf('postgresql.conf', "online_schema.guard = 'error'\nonline_schema.guard_min_size = 8kB");
	$node->reload;
	fails_with($node, 'ALTER TABLE t ALTER id TYPE int', '55000', qr/\$osc\$ALTER TABLE t ALTER id TYPE int\$osc\$/, 'a plain statement is caught');
	my $job = start_job($node, "ALTER TABLE t ALTER id TYPE int, ADD UNIQUE (v), ADD CHECK (id > 0), ALTER v SET NOT NULL, ADD x float DEFAULT random()", set => { workers => 2 });
	job_ends($node, $job, 'done');
	for my $ddl ('CREATE INDEX t_x ON t (x)', 'REINDEX TABLE t', 'ALTER TABLE t ADD PRIMARY KEY (id)', 'DROP INDEX t_x',
		'ALTER TABLE t ADD CHECK (id < 1000000), ADD FOREIGN KEY (other_id) REFERENCES other, ALTER x SET NOT NULL')
	{
		sql($node, 'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD other_id int') if $ddl =~ /PRIMARY/;
		job_ends($node, start_job($node, $ddl), 'done', $ddl);
	}
	is(leftovers($node), '', 'nothing is left');
	like(dump_and_restore('postgres', 'refused'), qr/would build an index/, 'a restore is caught, too');
	{
		local $ENV{PGOPTIONS} = '-c online_schema.guard=off';
		is(dump_and_restore('postgres', 'let'), '', 'a superuser can let it pass');
	}
	$node->append_conf('postgresql.conf', "online_schema.guard = 'off'");
	$node->reload;
};

promise 'DDL of clients on other tables goes on, and meets no error, while jobs come and go' => sub {
	my $offset = log_offset($node);
	my $script = $node->basedir . '/ddl.sql';
	append_to_file($script, <<'SQL');
CREATE TABLE IF NOT EXISTS c_:client_id (id int PRIMARY KEY, v text);
ALTER TABLE c_:client_id ADD x int;
CREATE INDEX ON c_:client_id (v);
ALTER TABLE c_:client_id ALTER id TYPE bigint, DROP x;
CREATE TEMP TABLE temp (a int);
DROP TABLE temp;
DROP TABLE c_:client_id;
SQL
	my $pgbench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', 3, '-T', 8, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \my $out, '2>', \my $err);
	for my $type (qw(bigint int bigint))
	{
		job_ends($node, start_job($node, "ALTER TABLE t ALTER id TYPE $type"), 'done');
	}
	ok($pgbench->finish, 'pgbench ended well') or diag($err);
	is(unexpected_errors($node, $offset), '', 'no error');
	like($out, qr/number of transactions actually processed: [1-9]/, 'there was DDL');
	is(leftovers($node), '', 'nothing is left');
};

promise 'osc_check() tells of a vacuum to prevent wraparound that runs now, to those who may see it' => sub {
	sql($node, <<'SQL');
CREATE ROLE looker LOGIN;
CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
-- no vacuum or analyze but that one: another would be just as slow, and be in its place
CREATE TABLE aged (id int, filler text) WITH (autovacuum_enabled = off, autovacuum_freeze_max_age = 100000,
	autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, fillfactor = 10);
INSERT INTO aged SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n;
SQL
	is(sql($node, "SELECT count(*) FROM osc_check('aged') WHERE rule = 'wraparound_vacuum'"), '0', 'not yet');
	# a transaction id for each subtransaction
	sql($node, 'CREATE UNLOGGED TABLE ids (i int); DO $$BEGIN FOR i IN 1..101000 LOOP BEGIN INSERT INTO ids VALUES (i); EXCEPTION WHEN others THEN NULL; END; END LOOP; END$$');
	ok(wait_for($node, "SELECT string_agg(rule || ' ' || severity || ' ' || relation || ' ' || (object ~ '^process [0-9]+\$') || ' ' || (fix IS NULL), ', ')"
			  . " FROM osc_check('aged') WHERE rule = 'wraparound_vacuum'", 'wraparound_vacuum warning aged true true'), 'found');
	is(sql($node, "SELECT count(*) FROM osc_check('other') WHERE rule = 'wraparound_vacuum'"), '0', 'not for another table');
	is(sql_as($node, 'looker', "SELECT count(*) FROM osc_check('aged') WHERE rule = 'wraparound_vacuum'"), '0', 'not to any role');
	is(sql_as($node, 'watcher', "SELECT count(*) FROM osc_check('aged') WHERE rule = 'wraparound_vacuum'"), '1', 'to pg_monitor');
};

$node->stop('fast');
done_testing();
