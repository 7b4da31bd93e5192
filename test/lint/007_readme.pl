# 007_readme.pl: the linter's README says what the program says: every rule has its section, with
# the words of the table; the bad example is found, and in the good one there is nothing to find.

use strict;
use warnings;

use File::Basename qw(dirname);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use LintTest qw(lint lint_json slurp spew work);
use Test::More;

my $lint_folder = dirname(abs_path(__FILE__)) . '/../../lint';
my $readme = slurp("$lint_folder/README.md");
my $schema = spew(work() . '/schema.sql', <<'SQL');
CREATE TABLE shops (id bigint PRIMARY KEY, code text NOT NULL, name varchar(10) CHECK (name <> ''));
CREATE TABLE events (id bigint);
SQL

my %section = $readme =~ /^#### `([a-z-]+)`\n(.*?)(?=^###|\z)/msg;
my (undef, $rules) = lint('--rules');
my @rules = map { /^(\S+)/ } split /\n/, $rules;
is(join(' ', sort keys %section), join(' ', sort @rules), 'every rule has a section');

for my $rule (@rules)
{
	my $text = $section{$rule} // '';
	my (undef, $explained) = lint('--explain', $rule);
	my %says = $explained =~ /^  ([\w-]+): +(.*)$/mg;
	my ($bad) = $text =~ /^Bad:\n\n```sql\n(.*?)^```$/ms;
	my ($good) = $text =~ /^Good: \Q$says{safe}\E\n\n```sql\n(.*?)^```$/ms;

	like($text, qr/^Why: \Q$says{why}\E$/m, "$rule: why");
	my $lock = $says{lock} eq 'none' ? '' : "; lock: $says{lock}; blocks: $says{blocks}";
	like($text, qr/\Q$lock\E\. Severity: (error|warning|info)\.$/m, "$rule: lock");
	my (undef, $result) = lint_json('--schema', $schema, spew(work() . '/bad.sql', $bad // ''));
	ok((grep { $_->{rule} eq $rule } @{ $result->{findings} }), "$rule: found in the bad example") or diag $text;
	my ($status, $clean) = lint_json('--schema', $schema, spew(work() . '/good.sql', $good // 'x'));
	is("$status " . join(' ', map { $_->{rule} } grep { $_->{severity} ne 'info' } @{ $clean->{findings} }), '0 ',
		"$rule: nothing in the good example");
}

# options that the program knows are in the manual page, and the other way round
my (undef, $help) = lint('--help');
my %known = map { $_ => 1 } $help =~ /--([a-z]+(?:-[a-z]+)?)/g;
my %told = map { s/\\//gr => 1 } slurp("$lint_folder/osc-lint.1") =~ /^\.BI? \\-\\-([a-z\\-]+)/mg;
is(join(' ', sort keys %told), join(' ', sort keys %known), 'the manual page tells all options');

done_testing();
