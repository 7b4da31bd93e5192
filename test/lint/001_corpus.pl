# 001_corpus.pl: the corpus of migrations: no false alarm on the good, no miss on the bad.

use strict;
use warnings;

use File::Basename qw(basename dirname);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use LintTest qw(lint lint_json read_cases spew work);
use Test::More;

my $folder = dirname(abs_path(__FILE__)) . '/corpus';
my (%found_rules, %count);

# what was found, as the cases write it
sub shown
{
	my ($finding, $with_column) = @_;
	return sprintf '%d%s %s %s%s', $finding->{line}, $with_column ? ":$finding->{column}" : '', $finding->{rule},
	  $finding->{severity}, $finding->{unsure} ? ' unsure' : '';
}

for my $path (sort glob "$folder/*.sql")
{
	for my $case (read_cases($path))
	{
		my @schema = $case->{schema} eq '' ? () : ('--schema', spew(work() . '/schema.sql', $case->{schema}));
		my ($status, $result) = lint_json(@{ $case->{options} }, @schema, spew(work() . '/case.sql', $case->{sql}));
		my @expected = sort @{ $case->{expect} };
		# a column is compared where the case names it
		my @got;
		my %named = map { $_ => 1 } @expected;
		for my $finding (@{ $result->{findings} })
		{
			push @got, $named{ shown($finding, 1) } ? shown($finding, 1) : shown($finding, 0);
			$found_rules{ $finding->{rule} }++;
		}
		my $name = basename($path, '.sql') . ": $case->{kind} $case->{name}";
		my @problems = map { "$_->{line}: $_->{message}" } @{ $result->{problems} };
		my $same = join("\n", sort @got) eq join("\n", @expected) && !@problems && $status eq ($case->{kind} eq 'good' ? 0 : 1);
		ok($same, $name) or diag join("\n", "status $status", 'got:', sort(@got), 'expected:', @expected, 'problems:', @problems);
		$count{ $case->{kind} }++;
	}
}

cmp_ok($count{good} + $count{bad}, '>=', 120, "$count{good} good and $count{bad} bad migrations");

# every rule that can be found is found somewhere
my (undef, $rules) = lint('--rules');
my @missing = grep { !$found_rules{$_} } map { /^(\S+)/ } split /\n/, $rules;
is("@missing", '', 'each rule is found in the corpus');

done_testing();
