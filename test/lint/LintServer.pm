# LintServer.pm: runs migrations on a server, and compares what they leave.

package LintServer;

use strict;
use warnings;

use Exporter qw(import);
use LintTest qw(slurp spew work);
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(run_migration state_of);

# Runs a migration as psql would, in one transaction if asked for, and waits for the jobs that it
# left. Returns what went wrong.
sub run_migration
{
	my ($node, $database, $text, $transactional) = @_;
	my $work = work();
	my $file = spew("$work/run.sql", $text =~ s/\$\{schema\}/public/gr);
	my @single = $transactional ? ('--single-transaction') : ();
	my $result = run_log([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', @single, '-f', $file, '-d', $node->connstr($database) ],
		'>', "$work/psql.out", '2>', "$work/psql.err");
	for my $job (split /\n/, $node->safe_psql($database, "SELECT job_id FROM osc_progress WHERE finished_at IS NULL"))
	{
		$node->psql($database, "CALL osc_wait($job, '300s')");
	}
	my $unfinished = $node->safe_psql($database, "SELECT string_agg(format('%s %s %s', job_id, state, last_error), ', ') FROM osc_progress WHERE state <> 'done'");
	return ($result ? '' : "psql: " . slurp("$work/psql.err")) . $unfinished;
}

# Schema and rows of the user's tables, without what a job leaves in the extension's own.
sub state_of
{
	my ($node, $database) = @_;
	my ($schema) = run_command([ 'pg_dump', '--schema-only', '--no-comments', '-d', $node->connstr($database) ]);
	# random each time, since 15.14
	$schema =~ s/^\\(un)?restrict .*\n//mg;
	my $users = "NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'online_schema')";
	my $rows = $node->safe_psql($database, <<"SQL");
SELECT nspname, relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', nspname, relname), false, true, '')))[1]
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname $users AND relkind = 'r' ORDER BY 1, 2
SQL
	my $flags = $node->safe_psql($database, <<"SQL");
SELECT conrelid::regclass::text, conname, contype, convalidated, pg_get_constraintdef(c.oid) FROM pg_constraint c
JOIN pg_namespace n ON n.oid = connamespace WHERE nspname $users AND conrelid <> 0 ORDER BY 1, 2;
SELECT indexrelid::regclass::text, indisvalid, indisready, indisunique FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname $users ORDER BY 1
SQL
	return "$schema\n$rows\n$flags";
}

1;
