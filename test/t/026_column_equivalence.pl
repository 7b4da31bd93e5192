# 026_column_equivalence.pl: strategy column leaves what native would have left, but for the
# places of the columns.
#
# Every case of the corpus (test/equivalence) that changes the type of a column in one statement
# is run natively in one database and with strategy => 'column' in another. Then all that
# there is, told without the places of columns (equivalence/check/by_name.sql), and all rows
# must be the same; what native refuses must be refused with the same SQLSTATE; what strategy
# column does not do must be refused by osc_start() with 0A000, and is listed below. amcheck
# must find nothing, and nothing of the jobs may be left.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscCases qw(read_cases);
use OscCorpus;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;

# The cases that strategy column refuses, and why.
my %limit;
while (<DATA>)
{
	next if /^#|^\s*$/;
	my ($name, $why) = split ' ', $_, 2;
	chomp $why;
	$limit{$name} = $why;
}

my @cases = grep {
	     $_->{change} =~ /\bTYPE\b/i
	  && $_->{change} !~ /;\s*\S/
	  && $_->{change} !~ /ADD COLUMN .*TYPE|ALTER INDEX|OF TYPE/i
	  && $_->{change} =~ /^\s*ALTER TABLE/i
	  && $_->{database} eq 'shared'
	  # an index that is not valid on another column: a rewrite would make it valid
	  && $_->{name} ne 'invalid_index_stays'
} read_cases();
my $node = corpus_node('column_equivalence');

sub script
{
	my ($case) = @_;
	my $ddl = quoted_script($case);
	return "\\set VERBOSITY verbose\n" . prelude($case) . <<"SQL";
SET online_schema.keep_old = 'off';
\\pset format unaligned
\\pset tuples_only on
\\warn ==== start
SELECT osc_start($ddl, strategy => 'column') AS job \\gset
\\if :{?job}
\\echo :job
\\warn ==== wait
CALL osc_wait(:job, '60s');
\\endif
SQL
}

sub error_in
{
	my ($err) = @_;
	return $err =~ /^(?:ERROR|FATAL):\s+([0-9A-Z]{5}: .*)/m ? $1 : '';
}

# What by_name.sql tells, the lines of each schema sorted.
sub told
{
	my ($db) = @_;
	my $result = run_psql($db, 1, [ 'told', '-f', OscTest::test_dir() . '/../equivalence/check/by_name.sql' ]);
	my %told;
	for (split /\n(?=eq_\w+: )/, $result->{told}{out})
	{
		my ($schema) = /^(eq_\w+?): /;
		s/\s+$//;
		push @{ $told{$schema} }, $_ if $schema;
	}
	$_ = join "\n", sort @$_ for values %told;
	return \%told;
}

sub differences
{
	my ($native, $online) = @_;
	my (%in, @out);
	$in{$_}++ for split /\n/, $native;
	$in{$_}-- for split /\n/, $online;
	push @out, ($in{$_} > 0 ? '- ' : '+ ') . $_ for grep { $in{$_} } sort keys %in;
	return join "\n", @out;
}

sql($node, 'CREATE DATABASE native TEMPLATE base; GRANT CREATE ON DATABASE native TO eq_owner');
my @ready = set_up_cases('native', @cases);
sql($node, 'CREATE DATABASE online TEMPLATE native; GRANT CREATE ON DATABASE online TO eq_owner');
my $before = told('native');
my $native = run_psql('native', 0,
	map { [ $_->{name}, '-v', 'VERBOSITY=verbose', '-c', prelude($_), '-c', $_->{change} ] } @ready);
my $online = run_psql('online', 0, map { [ $_->{name}, '-f', file_of($_->{name}, script($_)) ] } @ready);
my ($native_told, $online_told) = (told('native'), told('online'));

my $done = 0;
for my $case (@ready)
{
	my $name = $case->{name};
	my $error = error_in($native->{$name}{err});
	my ($start, $wait) = $online->{$name}{err} =~ /^==== start\n(.*?)(?:^==== wait\n(.*))?\z/ms;
	my $refused = error_in($start // '');
	my ($failed) = ($wait // '') =~ /^ERROR:\s+55000: job \d+ failed: (.*)/m;
	my ($sqlstate) = $failed ? sql($node, "SELECT detail->>'sqlstate' FROM osc_events WHERE event = 'error' AND job_id = $1 ORDER BY at DESC LIMIT 1", 'online') : ''
	  if $online->{$name}{out} =~ /^(\d+)$/m;
	my @faults;
	my $wanted = $native_told;
	if ($limit{$name})
	{
		push @faults, "it is no longer refused: $online->{$name}{err}" unless $refused =~ /^(0A000|42501)/;
		$wanted = $before;
	}
	elsif ($error ne '')
	{
		my $code = substr $error, 0, 5;
		push @faults, "native failed: $error\nonline: $online->{$name}{err}"
		  unless $refused =~ /^$code/ || ($sqlstate || '') eq $code || $refused =~ /^0A000/;
		$wanted = $before;
	}
	else
	{
		push @faults, "online failed: $online->{$name}{err}" if $refused ne '' || $failed || !defined $wait;
		$done++ unless @faults;
	}
	push @faults, differences($wanted->{ $case->{schema} } // '', $online_told->{ $case->{schema} } // '') unless @faults;
	ok(!grep({ $_ ne '' } @faults), "$case->{file}: $name") or diag(join "\n", "$case->{change}", @faults);
}
note("$done of " . scalar(@ready) . ' cases were carried out');
cmp_ok($done, '>', 40, 'most cases are carried out');
my %natively = map { ($_ => 1) } split /\n/, leftovers($node, 'native');
is(join("\n", grep { !$natively{$_} } split /\n/, leftovers($node, 'online')), '', 'nothing of the jobs is left');
my $soundness = run_psql('online', 1, [ 'soundness', '-f', OscTest::test_dir() . '/../equivalence/check/soundness.sql' ])->{soundness}{out};
is($soundness, '', 'amcheck finds nothing');
$node->stop;
done_testing();

__DATA__
# case	why strategy column refuses it
add_check_with_copy	it adds a constraint that is on none of the columns whose type changes
add_foreign_key_with_copy	it adds a foreign key, an exclusion constraint, or one by an index that is there
child_own_column	it changes column "a", which keeps its type
child_with_no_inherit_check	"t" inherits, or is inherited from
copy_drop_column_cascade	it has other parts than ALTER COLUMN ... TYPE and what goes with it
copy_drop_constraint_cascade	DROP CONSTRAINT ... CASCADE
copy_referenced_by_partitioned	foreign key "r_t_fkey" is one of a partitioned table
copy_validates_key	it has other parts than ALTER COLUMN ... TYPE and what goes with it
copy_with_foreign_key	it adds a foreign key, an exclusion constraint, or one by an index that is there
copy_with_key_not_valid	it adds a foreign key, an exclusion constraint, or one by an index that is there
copy_with_self_reference	it adds a foreign key, an exclusion constraint, or one by an index that is there
deferrable_key	"t" has no key
exclusion_kept	"e" is an exclusion constraint
grants_and_columns	it has other parts than ALTER COLUMN ... TYPE and what goes with it
inherited_key_type	"t" inherits, or is inherited from
inherited_multiple	"t" inherits, or is inherited from
inherited_type	"t" inherits, or is inherited from
list_sub_partitioned	"t" is partitioned, or a partition
many_columns	it has other parts than ALTER COLUMN ... TYPE and what goes with it
member_of_owner	it changes column "a", which keeps its type
new_index_name_taken	it adds a constraint that is on none of the columns whose type changes
no_key	"t" has no key
no_key_but_nullable_unique	"t" has no key
no_key_json	"t" has no key
null_rows_and_wide_bitmap	it has other parts than ALTER COLUMN ... TYPE and what goes with it
other_attnums	it has other parts than ALTER COLUMN ... TYPE and what goes with it
partitioned_empty	it has other parts than ALTER COLUMN ... TYPE and what goes with it
partitioned_referenced	"t" is partitioned, or a partition
partitioned_referencing	"t" is partitioned, or a partition
partitioned_triggers	"t" is partitioned, or a partition
partitioned_without_key	"t" is partitioned, or a partition
range_type	"t" is partitioned, or a partition
replace_key_and_type	it has other parts than ALTER COLUMN ... TYPE and what goes with it
security_definer_default	it has other parts than ALTER COLUMN ... TYPE and what goes with it
set_fillfactor_with_copy	it has other parts than ALTER COLUMN ... TYPE and what goes with it
type_domain	the new type of column "a" is a domain with constraints
type_generated_column	the new value of column "g" uses a generated or system column
type_range	"t_a_excl" is an exclusion constraint
unlogged_and_type	it has other parts than ALTER COLUMN ... TYPE and what goes with it
views_and_functions	it has other parts than ALTER COLUMN ... TYPE and what goes with it
