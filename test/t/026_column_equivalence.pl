# 026_column_equivalence.pl: strategy column leaves what native would have left, but for the
# places of the columns.
#
# Every case of the corpus (test/equivalence) that changes the type of a column is run natively
# in one database and with strategy => 'column' in another, swapped, kept and cleaned up; then
# all that 010_equivalence.pl compares must be the same, told without the places of columns, and
# with nothing else left out. What native refuses must be refused with native's error. What
# strategy column does not do must be refused by osc_start() with 0A000 before anything is made;
# these cases are listed below, with words of the refusal and words of the README's Limits.
#
# OSC_CASES and OSC_CASES_OUT are those of 010_equivalence.pl.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscCases qw(read_cases);
use OscEquivalence;
use Test::More;

my (%limit, %refused);
while (<DATA>)
{
	next if /^#|^\s*$/;
	chomp;
	if (/^\t(.*?)\t+(.*)/) { $limit{$1} = $2; next; }
	my ($name, $why) = split ' ', $_, 2;
	$refused{$name} = $why;
}

my %count;
my @cases;
for my $case (read_cases())
{
	next unless $case->{change} =~ /\bALTER\s+(COLUMN\s+)?("[^"]*"|\w+)\s+(SET\s+DATA\s+)?TYPE\b/i;
	my $why = delete $refused{ $case->{name} };
	my $native_fails = $case->{expect} =~ /^error/;
	$case->{strategy} = $case->{force} = $case->{limit} = '';
	$case->{expect} = $why ? ($native_fails ? 'error own' : "refused 0A000 $why") : $native_fails ? $case->{expect} : 'same';
	if ($why)
	{
		my ($limit) = grep { $why =~ /$_/ } sort keys %limit;
		ok(defined $limit, "$case->{name}: its refusal has its words below") or next;
		$case->{limit} = $limit{$limit};
	}
	$count{ $case->{expect} =~ s/ .*//r }++;
	push @cases, $case;
}
note(join ', ', map { "$count{$_} $_" } sort keys %count);
is(join(' ', sort keys %refused), '', 'all refused cases are in the corpus') unless $ENV{OSC_CASES};
run_cases(\@cases, name => 'column_equivalence', strategy => 'column', by_name => 1);
limits_are_told(\@cases);
done_testing();

__DATA__
