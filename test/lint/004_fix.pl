# 004_fix.pl: --fix rewrites what it can, leaves the rest byte for byte, and what it wrote lints
# clean; run on a server, the rewritten migration leaves the same schema and rows as the original.

use strict;
use warnings;

use File::Basename qw(dirname);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use lib dirname(abs_path(__FILE__)) . '/../t';
use LintServer qw(run_migration state_of);
use LintTest qw(lint lint_json read_fixes slurp spew work);
use OscTest;
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

for my $case (@cases)
{
	my ($native, $fixed) = ("n_$case->{name}", "f_$case->{name}");
	for my $database ($native, $fixed)
	{
		$node->safe_psql('postgres', "CREATE DATABASE $database");
		$node->safe_psql($database, "CREATE EXTENSION online_schema; $case->{setup}");
	}
	my $transactional = grep { $_ eq '--transactional' } @{ $case->{options} };
	is(run_migration($node, $native, $case->{migration}, $transactional), '', "$case->{name}: the original runs");
	is(run_migration($node, $fixed, $case->{fixed}, $transactional), '', "$case->{name}: the rewritten one runs");
	is(state_of($node, $fixed), state_of($node, $native), "$case->{name}: and leaves the same schema and rows");
	$node->safe_psql('postgres', "DROP DATABASE $native WITH (FORCE)");
	$node->safe_psql('postgres', "DROP DATABASE $fixed WITH (FORCE)");
}
$node->stop;

done_testing();
