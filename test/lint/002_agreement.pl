# 002_agreement.pl: linter and planner agree on the equivalence corpus: what the server plans as
# instant is not flagged as blocking, what it plans as copy, constraint or index is, and then the
# finding has the call of osc_start() that the corpus makes.

use strict;
use warnings;

use File::Basename qw(dirname);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use LintTest qw(lint_json read_equivalence spew work);
use Test::More;

my $folder = dirname(abs_path(__FILE__)) . '/../equivalence';
plan skip_all => 'there is no equivalence corpus' unless -d $folder;

# their own form is the online one already: there is nothing to flag
my %online_by_itself = map { $_ => 1 } qw(validate_check validate_foreign_key create_index_concurrently
  drop_index_concurrently reindex_concurrently);
my @cases = read_equivalence($folder);

cmp_ok(scalar @cases, '>=', 100, scalar(@cases) . ' cases say their strategy');
for my $case (@cases)
{
	my $settings = join '', map { "SET $_;\n" } @{ $case->{set} };
	my ($status, $result) = lint_json('--utc', '--schema', spew(work() . '/schema.sql', $case->{setup}),
		spew(work() . '/change.sql', $settings . $case->{change}));
	my @rules = map { $_->{rule} } grep { $_->{kind} eq 'blocking' } @{ $result->{findings} };
	my $wanted = $case->{strategy} =~ /\b(copy|constraint|index|column)\b/ && !$online_by_itself{ $case->{name} };

	if ($wanted && $case->{change} !~ /;\s*\S/)
	{
		my ($online) = grep { defined } map { $_->{online} } grep { $_->{kind} eq 'blocking' } @{ $result->{findings} };
		my $expected = $case->{change} =~ s/;?\s*\z//r =~ s/'/''/gr;
		$expected =~ s/\A(?:\s|--[^\n]*\n)+//;
		utf8::encode($online) if defined $online;
		is($online, "SELECT osc_start('$expected');", "$case->{name}: the call that does it online");
	}
	ok($status =~ /^[01]$/ && ($wanted ? @rules > 0 : @rules == 0), "$case->{name}: $case->{strategy}")
	  or diag "found: @rules\n$case->{change}\n", map { "$_->{message}\n" } @{ $result->{problems} };
}

done_testing();
