# OscCases.pm: reads the equivalence corpus, test/equivalence/*.sql.
#
# A file holds several cases. A line that begins with four hyphens is a header:
#
#   ---- case NAME            begins a case; its tables live in a schema eq_NAME. What
#                             follows is its setup, run once by a superuser.
#   ---- change               the script that is run natively, and by osc_start()
#   ---- native               what native runs instead, statement by statement, if it cannot take
#                             the whole script in one transaction (optional)
#   ---- after                statements that show how the tables behave then
#
# and, between "case" and "change":
#
#   ---- expect same                        the default
#   ---- expect error [start] [code|own]    native and online fail alike, and nothing changes;
#                                           start: osc_start() itself must raise the error;
#                                           code: the message may differ, the SQLSTATE may not;
#                                           own: osc_start() refuses it by a limit of its own
#   ---- expect refused SQLSTATE REGEX      native does it, osc_start() refuses it
#   ---- limit TEXT           (refused)     words that stand in README under Limits; not needed if
#                                           a strategy is forced that does not fit
#   ---- strategy A B ...                   the strategies that osc_plan() must show
#   ---- force STRATEGY                     the strategy that osc_start() is called with
#   ---- role ROLE                          who runs the change and what comes after
#   ---- set NAME = VALUE                   a setting of the session that runs the change
#   ---- new TABLE.COLUMN [unique] [serial] values that are new and differ from run to run: they
#                                           must be there, be unique, and the column's sequence
#                                           must be behind them
#   ---- ignore missing                     attmissingval may differ (a forced copy)
#   ---- ignore indexes                     an index may have got another OID
#   ---- since MAJOR, until MAJOR           a case of these releases of the server alone
#   ---- database NAME                      run in a pair of databases apart, because the case
#                                           changes what concerns all tables of a database
#
# Lines of an ordinary comment before the first case say what the file is about.

package OscCases;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(cases_of_other_releases read_cases);

my %section = map { ($_ => 1) } qw(change native after);
my %single  = map { ($_ => 1) } qw(expect strategy force role database limit since until);
my %many    = map { ($_ => 1) } qw(set new ignore);

# All cases for this server, in the order of the files; those that OSC_CASES names if it is set: names of cases
# or files (without .sql), or regular expressions; with a leading hyphen, all but those. Dies on
# a malformed file.
my @others;

sub read_cases
{
	my ($folder) = @_;
	$folder ||= dirname(abs_path(__FILE__)) . '/../equivalence';
	my (@cases, %seen);
	my ($major) = qx(pg_config --version) =~ /(\d+)/ or die 'pg_config tells no version';
	for my $path (sort glob "$folder/*.sql")
	{
		for my $case (_read_file($path))
		{
			die "$path: case $case->{name} is there twice" if $seen{ $case->{name} }++;
			die "$path: case $case->{name} has no change" unless $case->{change} =~ /\S/;
			die "$path: the name of case $case->{name} is too long" if length $case->{name} > 45;
			die "$path: case $case->{name} ignores what is not known" if grep { $_ ne 'missing' } @{ $case->{ignore} };
			die "$path: a refusal of case $case->{name} without its limit"
			  if $case->{expect} =~ /^refused|\bown\b/ && !$case->{limit} && !$case->{force};
			if ($major >= $case->{since} && $major <= $case->{until}) { push @cases, $case; }
			else { push @others, $case->{name}; }
		}
	}
	my @chosen = split ' ', $ENV{OSC_CASES} // '';
	my @but    = map { substr $_, 1 } grep { /^-/ } @chosen;
	@chosen = grep { !/^-/ } @chosen;
	@cases = grep { _is_among($_, @chosen) } @cases if @chosen;
	@cases = grep { !_is_among($_, @but) } @cases;
	return @cases;
}

# The names of those that are not for this release of the server, when the cases have been read.
sub cases_of_other_releases { return @others; }

sub _is_among
{
	my ($case, @names) = @_;
	return scalar grep { $case->{file} eq $_ || $case->{name} =~ /^(?:$_)$/ } @names;
}

sub _read_file
{
	my ($path) = @_;
	my (@cases, $case, $into);
	my $number = 0;
	for my $line (split /^/, slurp_file($path))
	{
		$number++;
		if ($line !~ /^---- ?(\w+)\s*(.*?)\s*$/)
		{
			die "$path:$number: nothing but comments before the first case" if !$case && $line !~ /^(--|\s*$)/;
			$case->{$into} .= $line if $case;
			next;
		}
		my ($key, $value) = ($1, $2);
		if ($key eq 'case')
		{
			die "$path:$number: a name of letters, digits and _" unless $value =~ /^[a-z0-9_]+$/;
			$case = { name => $value, schema => "eq_$value", file => basename($path, '.sql'), line => $number, expect => 'same', database => 'shared', since => 0, until => 999, map({ ($_ => '') } qw(setup change native after)), map({ ($_ => []) } keys %many) };
			push @cases, $case;
			$into = 'setup';
		}
		elsif (!$case) { die "$path:$number: no case yet"; }
		elsif ($section{$key} && $value eq '') { $into = $key; }
		elsif ($single{$key} && $value ne '') { $case->{$key} = $value; }
		elsif ($many{$key} && $value ne '') { push @{ $case->{$key} }, $value; }
		else { die "$path:$number: what is \"$key $value\"?"; }
	}
	# the corpus means the text of the script, not the empty lines around it
	for my $case (@cases)
	{
		s/^(\s*\n)+//, s/\s+$// for $case->{change}, $case->{native};
	}
	return @cases;
}

1;
