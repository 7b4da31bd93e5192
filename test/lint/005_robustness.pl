# 005_robustness.pl: osc-lint built with AddressSanitizer, LeakSanitizer and UBSan over the whole
# corpus; its speed (told, not judged); no symbol that libpg_query has as well; and, with
# OSC_FUZZ=1, libFuzzer for OSC_FUZZ_TIME seconds.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use LintTest qw(lint read_cases read_equivalence read_fixes slurp spew work);
use Test::More;
use Time::HiRes qw(time);

my $here = dirname(abs_path(__FILE__));
my $work = work();
my $lint_folder = "$here/../../lint";

# ---------------------------------------------------------------- sanitizers

make_path("$work/all");
my $n = 0;
my @texts;
push @texts, map { $_->{schema} . $_->{sql} } map { read_cases($_) } sort glob "$here/corpus/*.sql";
push @texts, map { $_->{setup} . $_->{migration} } read_fixes("$here/fixes.sql");
push @texts, map { $_->{setup} . $_->{change} } read_equivalence("$here/../equivalence");
# text that is cut off anywhere, and garbage
for my $text (@texts[ 0 .. 150 ])
{
	push @texts, substr($text, 0, length($text) * 2 / 3), $text =~ s/(\w)(\W)/$2$1/gr, reverse($text) . '';
}
push @texts, '', ';', '\\', "'", '"', '$$', '/*', '--', ':', '${', 'E\'\\', "\xef\xbb\xbf", 'COPY a FROM stdin;', "x\0y", "\xff";
spew(sprintf('%s/all/V%d__x.sql', $work, ++$n), $_) for @texts;

SKIP:
{
	my $program = $ENV{OSC_LINT_SANITIZED};
	skip 'there is no build with sanitizers', 1 unless $program && -x $program;
	$ENV{ASAN_OPTIONS} = 'detect_leaks=1:exitcode=99';
	for my $arguments ('', '--transactional --format json', '--format sarif --utc', '--format github --postgresql 18', '--color always --fix')
	{
		my $output = `$program $arguments $work/all 2>&1 >/dev/null`;
		my $status = $? >> 8;
		ok($status == 1 || $status == 2, "$n files, sanitized: $arguments: status $status") or diag substr($output, 0, 5000);
		unlike($output, qr/Sanitizer|runtime error/, 'and no complaint');
	}
}

# ---------------------------------------------------------------- speed

make_path("$work/many");
my @migrations = (
	"BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE account_%d ADD COLUMN note text, ADD CONSTRAINT c%d CHECK (a > 0) NOT VALID;\nCOMMIT;\n",
	"CREATE TABLE item_%d (\n\tid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n\tname text NOT NULL,\n\taccount bigint REFERENCES account,\n\tcreated timestamptz NOT NULL DEFAULT now()\n);\nCREATE INDEX ON item_%1\$d (account);\nCOMMENT ON TABLE item_%1\$d IS 'it''s ; one';\n",
	"CREATE OR REPLACE FUNCTION f_%d() RETURNS trigger LANGUAGE plpgsql AS \$\$\nBEGIN\n\tNEW.a := 1;\n\tRETURN NEW;\nEND;\n\$\$;\nCREATE TRIGGER t BEFORE INSERT ON item_%1\$d FOR EACH ROW EXECUTE FUNCTION f_%1\$d();\n",
	"INSERT INTO setting (name, value) VALUES " . join(', ', map { "('name $_', 'value')" } 1 .. 40) . ";\nUPDATE item_%d SET name = upper(name) WHERE id < 1000;\n");
for my $i (1 .. 1000)
{
	no warnings 'redundant';
	spew("$work/many/V${i}__x.sql", sprintf $migrations[ $i % @migrations ], $i, $i);
}
my $start = time;
my ($status, $out) = lint("$work/many");
diag sprintf '1,000 migrations in %.2f s', time - $start;
is($status, 1, 'a thousand migrations');
like($out, qr/^1000 files: /m, 'all of them read');

# ---------------------------------------------------------------- symbols

my %ours = map { $_ => 1 } `nm --defined-only $ENV{OSC_LINT}` =~ /^\S+ [TDBR] (\w+)$/mg;
my ($library) = `ldd $ENV{OSC_LINT}` =~ /libpg_query\S* => (\S+)/;
my @both = grep { $ours{$_} } ($library ? `nm -D --defined-only $library` : '') =~ /^\S+ [TDBR] (\w+)$/mg;
cmp_ok(scalar keys %ours, '>', 0, 'the program has symbols');
is("@both", '', 'no symbol bears a name that the library uses');

# ---------------------------------------------------------------- fuzzing

SKIP:
{
	skip 'OSC_FUZZ is not set', 1 unless $ENV{OSC_FUZZ};
	my $seconds = $ENV{OSC_FUZZ_TIME} || 600;
	is(system("make -s -C $lint_folder fuzz >$work/fuzz.build 2>&1"), 0, 'the fuzz program builds') or diag slurp("$work/fuzz.build");
	make_path("$work/seeds", "$work/found");
	my $i = 0;
	spew("$work/seeds/" . ++$i, chr($i % 32) . $_) for @texts;
	my $output = `cd $work/found && ASAN_OPTIONS=detect_leaks=1 $lint_folder/fuzz/fuzz-lint -max_total_time=$seconds -max_len=4096 -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 $work/seeds 2>&1`;
	is($?, 0, "libFuzzer for $seconds seconds") or diag substr($output, -6000);
	diag join "\n", grep { /stat::number_of_executed_units|^Done/ } split /\n/, $output;
	is_deeply([ glob "$work/found/*" ], [], 'no crash, leak or hang');
}

done_testing();
