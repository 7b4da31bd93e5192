# 003_program.pl: the program around the rules: files and folders, output formats, exit status,
# configuration, what cannot be read.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use JSON::PP;
use LintTest qw(lint lint_json read_equivalence slurp spew work);
use Test::More;

my $work = work();
my ($status, $out, $err, $result);

# ---------------------------------------------------------------- exit status and standard input

($status, $out) = lint({ stdin => "SELECT 1;\n" });
is($status, 0, 'nothing found: status 0');
like($out, qr/^1 file: 0 errors, 0 warnings, 0 info$/m, 'and a summary');
($status, $out) = lint({ stdin => "CREATE INDEX CONCURRENTLY ON t (a);\nDROP TABLE t;" }, '--stdin-name', 'a b.sql', '-');
is($status, 1, 'findings: status 1');
like($out, qr/^a b\.sql:2:1: warning: DROP TABLE \(t\) \[drop-table\]$/m, 'under the name given for standard input');
($status) = lint({ stdin => "CREATE TABLE t (a varchar(5));" });
is($status, 0, 'information only: status 0');
($status, $out) = lint({ stdin => "SELECT 1;\nSELEC 2;\nDROP INDEX a;\n" });
is($status, 2, 'a syntax error: status 2');
like($out, qr/^<stdin>:2:1: fatal: syntax error at or near "SELEC"$/m, 'with its place');
like($out, qr/drop-index/, 'and the other statements are linted');
($status, $out) = lint({ stdin => '' });
is($status, 0, 'nothing at all: status 0');

# ---------------------------------------------------------------- files and folders

make_path("$work/db/migration/sub", "$work/db/.hidden", "$work/empty");
spew("$work/db/migration/V10__b.sql", "ALTER TABLE t ALTER a TYPE text;\n");
spew("$work/db/migration/V2__a.sql", "CREATE TABLE t (a varchar(5), b int);\n");
spew("$work/db/migration/sub/V11__c.sql", "DROP INDEX x;\n");
spew("$work/db/.hidden/V1__x.sql", "DROP INDEX hidden;\n");
spew("$work/db/migration/notes.txt", "not SQL at all\n");
($status, $result) = lint_json('--severity', 'require-lock-timeout=off', 'db');
is($result->{files}, 3, 'a folder stands for the SQL files below it');
is(join(' ', map { "$_->{file}:$_->{rule}" } @{ $result->{findings} }),
	'db/migration/V2__a.sql:prefer-text db/migration/sub/V11__c.sql:drop-index',
	'in the order of their numbers: what an early file creates is in sight of a later one');
($status, $result) = lint_json('--severity', 'require-lock-timeout=off', 'db/migration/V10__b.sql');
is($result->{findings}[0]{rule}, 'alter-type', 'alone, the type is not in sight');
like($result->{findings}[0]{unsure}, qr/^The type that a has now is not in sight: if it is text, varchar/, 'and the finding says so');
($status, $out) = lint('empty');
is($status, 2, 'a folder without SQL: status 2');
($status, $out) = lint('db', 'missing.sql');
is($status, 2, 'a missing file: status 2');
like($out, qr/^missing\.sql: fatal: could not open: No such file/m, 'with the reason');
like($out, qr/drop-index/, 'and the other files are linted');
spew("$work/latin.sql", "SELECT 'caf\xe9';\nDROP INDEX a;");
($status, $out) = lint('latin.sql');
is($status, 2, 'not UTF-8: status 2');
like($out, qr/^latin\.sql:1:12: fatal: the file is not UTF-8$/m, 'with the place');
spew("$work/nul.sql", "SELECT 1;\n\0");
($status, $out) = lint('nul.sql');
is($status, 2, 'a NUL byte: status 2');
spew("$work/bom.sql", "\xef\xbb\xbfDROP INDEX a;\r\nDROP INDEX b;\r\n");
($status, $result) = lint_json('bom.sql');
is(join(' ', map { "$_->{line}:$_->{column}" } grep { $_->{rule} eq 'drop-index' } @{ $result->{findings} }), '1:1 2:1',
	'a byte order mark and CRLF');

make_path("$work/sq/$_") for qw(deploy revert verify);
spew("$work/sq/sqitch.plan", "%project=x\n");
spew("$work/sq/deploy/a.sql", "SELECT 1;");
spew("$work/sq/$_/a.sql", "DROP TABLE a;") for qw(revert verify);
($status, $result) = lint_json('sq');
is("$status $result->{files}", '0 1', 'of a sqitch project the deploy scripts');

# ---------------------------------------------------------------- newer syntax, deep nesting

my ($grammar) = (lint('--version'))[1] =~ /PostgreSQL (\d+)/;
for my $newer (
	['ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID', 18],
	['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED', 18],
	['ALTER TABLE t ADD b int GENERATED ALWAYS AS (a * 2) VIRTUAL', 18],
	["SELECT * FROM JSON_TABLE('[]', '\$[*]' COLUMNS (a int PATH '\$')) x", 17],
	['CREATE TABLE t (a int STORAGE plain)', 16],
	# never without a verdict, whatever the grammar
	['ALTER TABLE t ALTER b SET EXPRESSION AS (a + 1)', 99],
	['ALTER TABLE t SPLIT PARTITION p INTO (PARTITION a DEFAULT)', 99])
{
	my ($sql, $release) = @$newer;
	($status, $result) = lint_json(spew("$work/newer.sql", "SET lock_timeout = '1s';\n$sql;\n"));
	is(scalar @{ $result->{findings} }, 0, "no false verdict: $sql");
	if ($grammar >= $release)
	{
		is($status, 0, 'a grammar that knows it');
		next;
	}
	is($status, 2, "newer than the grammar: status 2");
	like($result->{problems}[0]{hint} // '', qr/reads the grammar of PostgreSQL \d|younger than the rules/, 'and the message says why');
}
for my $deep ('SELECT ' . join('-', (1) x 300_000), 'SELECT ' . '(' x 100_000 . '1' . ')' x 100_000,
	'SELECT 1' . ' UNION SELECT 1' x 100_000, 'SELECT ' . 'a.' x 100_000 . 'b', 'SELECT ' . '[' x 50_000)
{
	($status) = lint(spew("$work/deep.sql", $deep));
	is($status, 2, 'deep nesting: status 2, no crash');
}
($status) = lint(spew("$work/long.sql", 'INSERT INTO t VALUES ' . join(',', ('(1, -2, \'x\'::text, now() + interval \'1 day\')') x 50_000)));
is($status, 0, 'a long list of rows is not deep');

# ---------------------------------------------------------------- text

my $text = "SET lock_timeout = '1s';\nALTER TABLE t\n\tADD COLUMN \"\xc3\xa4\" float DEFAULT random();\n";
($status, $out) = lint(spew("$work/text.sql", $text));
like($out, qr/^\Q$work\E\/text\.sql:3:31: error: ADD COLUMN with a volatile default \(t\.\xc3\xa4\): rewrites the table and its indexes; lock: ACCESS EXCLUSIVE; blocks: reads, writes \[add-column-volatile-default\]$/m,
	'text: place, rule, lock and whom it blocks');
like($out, qr/^     3 \| \tADD COLUMN "\xc3\xa4" float DEFAULT random\(\);\n       \| \t {29}\^~~~~~$/m, 'text: a caret under the spot, whatever the width of bytes');
like($out, qr/^     2 \| ALTER TABLE t$/m, 'text: the whole statement');
like($out, qr/^  safe:   Run it with osc_start/m, 'text: the recipe');
like($out, qr/^  online: SELECT osc_start\('ALTER TABLE t\n\tADD COLUMN "\xc3\xa4" float DEFAULT random\(\)'\);$/m, 'text: the call that does it online');
unlike($out, qr/\e/, 'text: no colour where there is no terminal');
($status, $out) = lint('--color', 'always', "$work/text.sql");
like($out, qr/\e\[1;31merror:/, 'text: colour on demand');
($status, $out) = lint({ stdin => "ALTER TABLE t ADD CONSTRAINT c CHECK (a <> 'it''s');" }, '--color=never');
like($out, qr/SELECT osc_start\('ALTER TABLE t ADD CONSTRAINT c CHECK \(a <> ''it''''s''\)'\);/, 'text: quotes are doubled');

# ---------------------------------------------------------------- JSON

my $odd = "$work/odd \"name\", 100%.sql";
spew($odd, "ALTER TABLE \"t\\\t\" ALTER id TYPE bigint;\nSELEC;\n");
($status, $result) = lint_json($odd);
is($status, 2, 'json: status');
is($result->{version}, '0.1.0', 'json: version');
like($result->{grammar}, qr/^\d+\.\d+$/, 'json: grammar');
my ($finding) = grep { $_->{rule} eq 'alter-type' } @{ $result->{findings} };
is($finding->{file}, $odd, 'json: file');
is($finding->{statement}, "ALTER TABLE \"t\\\t\" ALTER id TYPE bigint", 'json: statement');
is($finding->{lock}, 'ACCESS EXCLUSIVE', 'json: lock');
is($finding->{blocks}, 'reads, writes', 'json: blocks');
is($finding->{online}, "SELECT osc_start('ALTER TABLE \"t\\\t\" ALTER id TYPE bigint');", 'json: online');
is($finding->{fixable}, JSON::PP::true, 'json: fixable');
is("$result->{problems}[0]{line}:$result->{problems}[0]{column}", '2:1', 'json: problems');

# ---------------------------------------------------------------- SARIF

($status, $out) = lint('--format', 'sarif', $odd, 'missing.sql', "$work/text.sql");
my $sarif = decode_json($out);
is($sarif->{version}, '2.1.0', 'sarif: version');
like($sarif->{'$schema'}, qr/sarif-2\.1\.0\.json$/, 'sarif: schema');
my $run = $sarif->{runs}[0];
my @rules = @{ $run->{tool}{driver}{rules} };
is($run->{tool}{driver}{name}, 'osc-lint', 'sarif: tool');
is(scalar(grep { !$_->{id} || !$_->{shortDescription}{text} || !$_->{help}{text} || !$_->{defaultConfiguration}{level} } @rules), 0,
	'sarif: rules are described');
my $bad = 0;
for my $r (@{ $run->{results} })
{
	my $region = $r->{locations}[0]{physicalLocation}{region};
	$bad++ if $rules[ $r->{ruleIndex} ]{id} ne $r->{ruleId};
	$bad++ unless $r->{level} =~ /^(error|warning|note|none)$/ && $r->{message}{text} =~ /\S/;
	$bad++ unless $region->{startLine} >= 1 && $region->{startColumn} >= 1 && $region->{endColumn} >= 1 && $region->{endLine} >= $region->{startLine};
	$bad++ if $r->{locations}[0]{physicalLocation}{artifactLocation}{uri} =~ /[^A-Za-z0-9\-._~\/%:]/;
}
is($bad, 0, 'sarif: results are complete');
cmp_ok(scalar @{ $run->{results} }, '>=', 3, 'sarif: there are results');
is($run->{columnKind}, 'unicodeCodePoints', 'sarif: columns count code points');
is($run->{invocations}[0]{executionSuccessful}, JSON::PP::false, 'sarif: problems make the run unsuccessful');
is(scalar @{ $run->{invocations}[0]{toolExecutionNotifications} }, 2, 'sarif: and are notified');
($status, $out) = lint({ stdin => 'SELECT 1' }, '--format', 'sarif');
is(scalar @{ decode_json($out)->{runs}[0]{results} }, 0, 'sarif: an empty list where nothing was found');

# ---------------------------------------------------------------- GitHub

($status, $out) = lint('--format', 'github', $odd);
like($out, qr/^::error file=\Q$work\E\/odd "name"%2C 100%25\.sql,line=1,col=33,title=alter-type::ALTER COLUMN TYPE \(t.*%0A.*osc_start/m, 'github: an annotation');
like($out, qr/^::error file=.*,line=2,col=1,title=osc-lint::syntax error at or near "SELEC"%0A/m, 'github: a problem');
unlike($out, qr/^(?!::)/m, 'github: nothing but commands');

# ---------------------------------------------------------------- rules, version, configuration

($status, $out) = lint('--version');
like($out, qr/^osc-lint \d+\.\d+\.\d+, grammar of PostgreSQL \d+\.\d+ \(libpg_query\)$/, '--version names the grammar');
($status, $out) = lint('--rules');
is($status, 0, '--rules');
my @names = map { /^(\S+)/ } split /\n/, $out;
cmp_ok(scalar @names, '>=', 40, scalar(@names) . ' rules');
for my $name (@names)
{
	my ($explain_status, $text) = lint('--explain', $name);
	ok($explain_status eq '0' && $text =~ /^\Q$name\E \(.*^  safe:       \S/ms, "--explain $name");
}
is((lint('--explain', 'nonsense'))[0], 2, '--explain of no rule');
is((lint('--nonsense'))[0], 2, 'no such option');
is((lint('--format', 'nonsense'))[0], 2, 'no such format');
is((lint('--format'))[0], 2, 'an option without its value');
is((lint('--help'))[0], 0, '--help');

make_path("$work/project");
spew("$work/project/a.sql", "CREATE INDEX ON t (a);\nALTER TABLE t DROP COLUMN b;\nCREATE INDEX CONCURRENTLY ON t (c);\n");
spew("$work/project/.osc-lint.conf",
	"# of this project\npostgresql = 16\ntransactional = on   ; as Flyway runs it\n[severity]\ncreate-index = off\ndrop-column=info\nrequire-lock-timeout = off\n");
($status, $out) = lint({ folder => "$work/project" }, '--format', 'json', 'a.sql');
$result = decode_json($out);
is(join(' ', map { "$_->{rule}:$_->{severity}" } @{ $result->{findings} }), 'drop-column:info not-in-transaction:error',
	'the configuration of the folder');
is((lint({ folder => "$work/project" }, '--severity', 'not-in-transaction=off', 'a.sql'))[0], 0, 'the command line goes before it');
for my $wrong ("nonsense = 1\n", "postgresql = 9\n", "postgresql = x\n", "transactional = perhaps\n", "[nonsense]\n", "no equals\n",
	"[severity]\nno-such-rule = off\n", "[severity]\ncreate-index = loud\n", "[severity]\nprefer-text = error\n", "[severity]\nadd-column = error\n")
{
	($status, $out, $err) = lint('--config', spew("$work/wrong.conf", $wrong), "$work/project/a.sql");
	ok($status eq '2' && $err =~ /wrong\.conf:\d: /, "a wrong configuration is refused: $wrong");
}
is((lint('--config', 'missing.conf', "$work/project/a.sql"))[0], 2, 'a configuration that is not there is refused');
is((lint('--severity', 'prefer-text=error', "$work/project/a.sql"))[0], 2, 'prefer-text never changes the status');

for my $wrong ('ignore no-such-rule because', 'ignore', 'disable create-index', 'transactional perhaps')
{
	($status, $out) = lint({ stdin => "-- osc-lint: $wrong\nSELECT 1;" });
	is($status, 2, "an instruction that is not understood: $wrong");
}

# ---------------------------------------------------------------- the recipe for later versions

($status, $result) = lint_json('--postgresql', '18', spew("$work/v18.sql", 'ALTER TABLE t ALTER a SET NOT NULL'));
ok((grep { ($_->{advice} // '') =~ /PostgreSQL 18/ } @{ $result->{findings} }), 'the assumed version changes the advice');

done_testing();
