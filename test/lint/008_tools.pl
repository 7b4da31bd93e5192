# 008_tools.pl: what other tools write, and what they make of osc-lint: the output of alembic and a
# project of sqitch, made by these tools; pre-commit; the example of a workflow.
#
# The folder alembic holds revisions, and what "alembic upgrade --sql" made of them; with alembic on
# the PATH they are made again and compared. Likewise pre-commit and git are run if they are there.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use JSON::PP ();
use lib dirname(abs_path(__FILE__));
use lib dirname(abs_path(__FILE__)) . '/../t';
use LintServer qw(run_migration state_of);
use LintTest qw(lint lint_json slurp spew work);
use OscTest;
use Test::More;

my $here = dirname(abs_path(__FILE__));
my $top  = "$here/../..";
my $work = work();
my $node = osc_node('tools');

sub has_program { return grep { -x "$_/$_[0]" } split /:/, $ENV{PATH}; }

# what was found, as "FILE:LINE RULE SEVERITY"
sub found
{
	my @arguments = @_;
	my ($status, $result) = lint_json(@arguments);
	die "problems: $result->{problems}[0]{message}" if @{ $result->{problems} };
	return join '', map { basename($_->{file}) . ":$_->{line} $_->{rule} $_->{severity}" . ($_->{unsure} ? ' unsure' : '') . "\n" } @{ $result->{findings} };
}

# ---------------------------------------------------------------- alembic

my %revisions = (
	# the first one makes the tables
	'01' => [ '1a2b3c4d5e01', '' ],
	'02' => [ '1a2b3c4d5e01:1a2b3c4d5e02', <<'FOUND' ],
02.out:5 require-lock-timeout warning
02.out:7 add-column-volatile-default error
02.out:9 alter-type warning unsure
02.out:11 set-not-null error
02.out:13 create-index error
02.out:15 add-check error
02.out:17 drop-column warning
02.out:17 drop-not-null-column warning
FOUND
	# an autocommit block
	'03' => [ '1a2b3c4d5e02:1a2b3c4d5e03', '' ],
	'04' => [ '1a2b3c4d5e03:1a2b3c4d5e04', <<'FOUND' ],
04.out:5 require-lock-timeout warning
04.out:7 add-foreign-key error
04.out:7 foreign-key-without-index info unsure
04.out:9 foreign-key-without-index info unsure
04.out:11 add-unique error
04.out:13 prefer-text info
04.out:13 alter-type error
04.out:15 rename-column warning
04.out:17 rename-table warning
FOUND
	'05' => [ '1a2b3c4d5e04:1a2b3c4d5e05', '' ],
	# batch mode that makes the table anew
	'06' => [ '1a2b3c4d5e05:1a2b3c4d5e06', <<'FOUND' ],
06.out:16 drop-table warning
06.out:16 require-lock-timeout warning
FOUND
	# all of them: what the same file has made is new
	'head' => [ 'head', <<'FOUND' ],
head.out:83 foreign-key-without-index warning
head.out:85 foreign-key-without-index warning
head.out:89 prefer-text info
FOUND
	# and each in a transaction of its own
	'each' => [ 'head', <<'FOUND' ]);
each.out:95 foreign-key-without-index warning
each.out:97 foreign-key-without-index warning
each.out:101 prefer-text info
FOUND

for my $name (sort keys %revisions)
{
	my ($range, $expected) = @{ $revisions{$name} };
	is(found("$here/alembic/$name.out"), $expected, "alembic, $name");
  SKIP:
	{
		skip 'alembic is not there', 1 unless has_program('alembic');
		make_path("$work/alembic/versions");
		copy($_, "$work/alembic/versions") for glob "$here/alembic/versions/*.py";
		copy("$here/alembic/$_", "$work/alembic") for qw(alembic.ini env.py);
		my $each = $name eq 'each' ? '-x each=yes' : '';
		is(scalar `cd $work/alembic && alembic $each upgrade $range --sql 2>$work/alembic.err`, slurp("$here/alembic/$name.out"), "alembic still writes that")
		  or diag slurp("$work/alembic.err");
	}
}

# the tables of the first revision are told by their definitions: what is there is known then
is(found('--schema', "$here/alembic/01.out", "$here/alembic/02.out") =~ s/^(?!02\.out:(9|17) ).*\n//mgr, <<'FOUND', 'with the schema in sight nothing is unsure');
02.out:9 alter-type error
02.out:17 drop-column warning
02.out:17 drop-not-null-column warning
FOUND

# each migration and what --fix makes of it, one after the other
sub compare_fixed
{
	my ($name, @files) = @_;
	my ($native, $fixed) = ("native_$name", "fixed_$name");
	for my $database ($native, $fixed)
	{
		$node->safe_psql('postgres', "CREATE DATABASE $database");
		$node->safe_psql($database, 'CREATE EXTENSION online_schema');
	}
	for my $file (@files)
	{
		my $title = basename($file);
		my $copy = spew("$work/" . basename($file), slurp($file));
		lint('--fix', $copy);
		is(run_migration($node, $native, slurp($file)), '', "$name, $title: the original runs");
		is(run_migration($node, $fixed, slurp($copy)), '', "$name, $title: what --fix made of it runs");
		is(state_of($node, $fixed), state_of($node, $native), "$name, $title: and leaves the same schema and rows");
		unlink $copy;
	}
}

compare_fixed('alembic', map { "$here/alembic/0$_.out" } 1 .. 6);

# ---------------------------------------------------------------- sqitch

# users was reworked: its first form comes before index, its second one after it
my $sqitch = <<'FOUND';
users@v1.0.sql:9 prefer-text info
index.sql:6 create-index error
users.sql:7 require-lock-timeout warning
users.sql:7 prefer-text info
users.sql:7 alter-type-recheck error
users.sql:9 alter-type error
FOUND
is(found("$here/sqitch"), $sqitch, 'sqitch: in the order of the plan');
is(found("$here/sqitch/deploy/"), $sqitch, 'sqitch: likewise its deploy scripts alone');
my ($status, $result) = lint_json("$here/sqitch");
is($result->{files}, 4, 'sqitch: no script that reverts');

make_path("$work/flipr/deploy/api", "$work/flipr/verify");
spew("$work/flipr/sqitch.plan", "%syntax-version=1.0.0\r\n%project=flipr\r\n\r\n# first\r\n  zoo 2024-01-01T00:00:00Z A <a\@example.org> # note\r\n"
	. "api/users [zoo] 2024-01-01T00:00:00Z A <a\@example.org>\r\n\@v1 2024-01-01T00:00:00Z A <a\@example.org>\r\n+bar 2024-01-01T00:00:00Z A <a\@example.org>\r\n"
	. "api/users [api/users\@v1] 2024-01-01T00:00:00Z A <a\@example.org>\r\n\@v2 2024-01-01T00:00:00Z A <a\@example.org>\r\n");
spew("$work/flipr/deploy/$_.sql", "DROP INDEX i;\n") for 'api/users', 'api/users@v1', 'bar', 'zoo', 'aaa_not_in_the_plan', 'api/users@v0';
($status, $result) = lint_json('--severity', 'require-lock-timeout=off', "$work/flipr");
is(join(' ', map { $_->{file} =~ s/.*deploy\///r } @{ $result->{findings} }), 'zoo.sql api/users@v1.sql bar.sql api/users.sql aaa_not_in_the_plan.sql api/users@v0.sql',
	'sqitch: folders below, tags, CRLF; what the plan does not name comes last');

compare_fixed('sqitch', map { "$here/sqitch/deploy/$_.sql" } 'zschema', 'users@v1.0', 'index', 'users');
$node->stop;

# ---------------------------------------------------------------- pre-commit

# a repository with these files, all committed
sub repository
{
	my ($folder, %files) = @_;
	for my $name (keys %files)
	{
		make_path(dirname("$folder/$name"));
		spew("$folder/$name", $files{$name});
	}
	system("cd '$folder' && git init -q && git config user.email a\@example.org && git config user.name a && git add -A && git commit -qm one") == 0 or die 'git';
	return $folder;
}

make_path("$work/bin");
symlink $ENV{OSC_LINT}, "$work/bin/osc-lint" or die;
$ENV{PATH} = "$work/bin:$ENV{PATH}";
$ENV{HOME} = $work;

SKIP:
{
	skip 'pre-commit is not there', 1 unless has_program('git') && has_program('pre-commit');
	$ENV{PRE_COMMIT_HOME} = "$work/pre-commit";
	is(system("pre-commit validate-manifest $top/.pre-commit-hooks.yaml >$work/out 2>&1"), 0, 'pre-commit: the definition of the hooks');
	my $hooks = repository("$work/hooks", '.pre-commit-hooks.yaml' => slurp("$top/.pre-commit-hooks.yaml"));
	chomp(my $commit = `git -C $hooks rev-parse HEAD`);
	my $project = repository("$work/project", 'readme.txt' => "not SQL\n");
	my $config = "repos:\n  - repo: $hooks\n    rev: $commit\n    hooks:\n";
	spew("$project/.pre-commit-config.yaml", "$config      - id: osc-lint\n        args: [--transactional]\n");
	spew("$project/V1 a.sql", "CREATE INDEX CONCURRENTLY ON t (a);\n");
	system("cd $project && pre-commit install >/dev/null && git add -A");
	my $out = `cd $project && git commit -m two 2>&1`;
	isnt($?, 0, 'pre-commit: a commit with a bad migration is refused');
	like($out, qr/^V1 a\.sql:1:1: error: .*\[not-in-transaction\]$/m, 'pre-commit: the finding is shown, the arguments are used');
	spew("$project/V1 a.sql", "SELECT 1;\n");
	$out = `cd $project && git add -A && git commit -m two 2>&1`;
	is($?, 0, 'pre-commit: a good one is not') or diag $out;
	spew("$project/.pre-commit-config.yaml", "$config      - id: osc-lint-fix\n");
	spew("$project/V2.sql", "DROP INDEX a;\n");
	$out = `cd $project && git add -A && git commit -m three 2>&1`;
	isnt($?, 0, 'pre-commit: osc-lint-fix stops the commit, too');
	is(slurp("$project/V2.sql"), "DROP INDEX CONCURRENTLY a;\n", 'pre-commit: and has rewritten the file');
	$out = `cd $project && git add -A && git commit -m three 2>&1`;
	is($?, 0, 'pre-commit: which then passes') or diag $out;
}

# ---------------------------------------------------------------- the workflow

SKIP:
{
	skip 'git is not there', 1 unless has_program('git');
	my $workflow = slurp("$top/lint/examples/github-workflow.yml");
	my ($step) = $workflow =~ /- name: Lint what the pull request .*\n(?: {8}(?!run:).*\n)* {8}run: \|\n((?: {10}.*\n|\n)+)/;
	ok(defined $step, 'workflow: the step is there');
	my $origin = repository("$work/origin", 'db/migrations/V1__a.sql' => "DROP INDEX old;\n", 'db/migrations/V2__gone.sql' => "SELECT 1;\n");
	system("git -C $origin branch -M main && git clone -q $origin $work/clone") == 0 or die 'git';
	my $clone = "$work/clone";
	my $run = sub {
		my ($message) = @_;
		system("cd $clone && git config user.email a\@example.org && git config user.name a && git checkout -qB change && git add -A && git commit -qm '$message'") == 0 or die 'git';
		unlink "$clone/osc-lint.sarif";
		my $out = `cd $clone && HOME=$work GITHUB_BASE_REF=main MIGRATIONS=db/migrations bash -eo pipefail $work/step.sh 2>&1`;
		return ($? >> 8, $out);
	};
	spew("$work/step.sh", $step);

	spew("$clone/db/migrations/notes.txt", "not SQL\n");
	spew("$clone/V9__elsewhere.sql", "DROP INDEX elsewhere;\n");
	unlink "$clone/db/migrations/V2__gone.sql";
	my ($code, $out) = $run->('nothing to lint');
	is("$code $out", '0 ', 'workflow: a pull request without a migration');
	ok(!-e "$clone/osc-lint.sarif", 'workflow: writes no SARIF');

	make_path("$clone/db/migrations/sub");
	spew("$clone/db/migrations/sub/V3__\xc3\xa4 \"b\".sql", "SELECT 1;\n");
	($code, $out) = $run->('a good one');
	is($code, 0, 'workflow: a good migration') or diag $out;
	spew("$clone/db/migrations/sub/V3__\xc3\xa4 \"b\".sql", "SET lock_timeout = '1s';\nDROP INDEX new;\n");
	($code, $out) = $run->('a bad one');
	is($code, 1, 'workflow: a bad one fails the step');
	like($out, qr/\A::error file=db\/migrations\/sub\/V3__\xc3\xa4 "b"\.sql,line=2,col=1,title=drop-index::[^\n]*\n\z/, 'workflow: is annotated, and nothing else is');
	my $sarif = JSON::PP::decode_json(slurp("$clone/osc-lint.sarif"));
	is(join(' ', map { $_->{locations}[0]{physicalLocation}{artifactLocation}{uri} } @{ $sarif->{runs}[0]{results} }), 'db/migrations/sub/V3__%C3%A4%20%22b%22.sql',
		'workflow: and is in the SARIF');
}

done_testing();
