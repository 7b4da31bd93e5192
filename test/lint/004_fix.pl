# 004_fix.pl: --fix rewrites what it can, leaves the rest byte for byte, and what it wrote lints
# clean; run on a server, the rewritten migration leaves the same schema and rows as the original.

use strict;
use warnings;

use File::Basename qw(dirname);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use lib dirname(abs_path(__FILE__)) . '/../t';
use LintTest qw(lint lint_json read_fixes slurp spew work);
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $work  = work();
my @cases = read_fixes(dirname(abs_path(__FILE__)) . '/fixes.sql');

# ---------------------------------------------------------------- the text

for my $case (@cases)
{
	my $file = spew("$work/$case->{name}.sql", $case->{migration});
	my @schema = ('--schema', spew("$work/setup.sql", $case->{setup}));
	chmod 0640, $file;
	lint('--fix', @schema, @{ $case->{options} }, $file);
	is(slurp($file), $case->{fixed}, "$case->{name}: the text");
	is((stat $file)[2] & 07777, 0640, "$case->{name}: the file's mode stays");

	my ($status, $result) = lint_json(@schema, @{ $case->{options} }, $file);
	is(join(' ', map { $_->{rule} } @{ $result->{findings} }), $case->{left}, "$case->{name}: what is found then");
	is($status, $case->{left} eq '' ? 0 : 1, "$case->{name}: status");

	my $before = slurp($file);
	lint('--fix', @schema, @{ $case->{options} }, $file);
	is(slurp($file), $before, "$case->{name}: a second time changes nothing");

	my (undef, $out) = lint({ stdin => $case->{migration} }, '--fix', @schema, @{ $case->{options} }, '-');
	is($out, $case->{fixed}, "$case->{name}: standard input goes to standard output");
}
is_deeply([ grep { /osc-lint\./ } glob "$work/*" ], [], 'no temporary file is left');

is((lint('--fix', "$work/nowhere/x.sql"))[0], 2, 'a file that is not there: status 2');

# ---------------------------------------------------------------- on a server

my $node = osc_node('fix');

# run a migration as psql would, and wait for the jobs that it left
sub run_migration
{
	my ($database, $case, $text) = @_;
	my $file = spew("$work/run.sql", $text =~ s/\$\{schema\}/public/gr);
	my @single = (grep { $_ eq '--transactional' } @{ $case->{options} }) ? ('--single-transaction') : ();
	my $result = run_log([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', @single, '-f', $file, '-d', $node->connstr($database) ],
		'>', "$work/psql.out", '2>', "$work/psql.err");
	for my $job (split /\n/, $node->safe_psql($database, "SELECT job_id FROM osc_progress WHERE finished_at IS NULL"))
	{
		$node->psql($database, "CALL osc_wait($job, '60s')");
	}
	my $unfinished = $node->safe_psql($database, "SELECT string_agg(format('%s %s %s', job_id, state, last_error), ', ') FROM osc_progress WHERE state <> 'done'");
	return ($result ? '' : "psql: " . slurp("$work/psql.err")) . $unfinished;
}

# schema and rows, without what a job leaves in the extension's own tables
sub state_of
{
	my ($database) = @_;
	my ($schema) = run_command([ 'pg_dump', '--schema-only', '--no-comments', '-d', $node->connstr($database) ]);
	# random each time, since 15.14
	$schema =~ s/^\\(un)?restrict .*\n//mg;
	my $rows = $node->safe_psql($database, <<'SQL');
SELECT c.relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', c.relname), false, true, '')))[1]
FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1
SQL
	my $flags = $node->safe_psql($database, <<'SQL');
SELECT conrelid::regclass::text, conname, contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 ORDER BY 1, 2;
SELECT indexrelid::regclass::text, indisvalid, indisready, indisunique FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace ORDER BY 1
SQL
	return "$schema\n$rows\n$flags";
}

for my $case (@cases)
{
	my ($native, $fixed) = ("n_$case->{name}", "f_$case->{name}");
	for my $database ($native, $fixed)
	{
		$node->safe_psql('postgres', "CREATE DATABASE $database");
		$node->safe_psql($database, "CREATE EXTENSION online_schema; $case->{setup}");
	}
	is(run_migration($native, $case, $case->{migration}), '', "$case->{name}: the original runs");
	is(run_migration($fixed, $case, $case->{fixed}), '', "$case->{name}: the rewritten one runs");
	is(state_of($fixed), state_of($native), "$case->{name}: and leaves the same schema and rows");
	$node->safe_psql('postgres', "DROP DATABASE $native WITH (FORCE)");
	$node->safe_psql('postgres', "DROP DATABASE $fixed WITH (FORCE)");
}
$node->stop;

done_testing();
