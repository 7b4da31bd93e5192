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
use OscCases qw(cases_of_other_releases read_cases);
use OscEquivalence;
use Test::More;

# What an event trigger for table_rewrite refuses is no rewrite here, and an invalid index of
# another column stays invalid: 028_column_changes.pl.
my %no_rewrite = map { ($_ => 1) } qw(event_trigger_refuses invalid_index_stays);

# What a rewrite does by the way: values that ADD COLUMN has put into the catalog are put into
# the rows, and a TOAST table that no column needs goes.
my %ignore = (missing => 'dropped_and_fast_columns',
	toast => 'replica_identity_and_cluster_marks forced_row_security_copy type_numeric_scale type_text_to_date_style type_text_to_enum');

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
	next if $no_rewrite{ $case->{name} } && ++$count{'told elsewhere'};
	my $why = delete $refused{ $case->{name} };
	my $native_fails = $case->{expect} =~ /^error/;
	$case->{strategy} = $case->{force} = $case->{limit} = '';
	$case->{expect} = $why ? ($native_fails ? 'error own' : "refused 0A000 $why") : $native_fails ? $case->{expect} : 'same';
	$case->{ignore} = [ grep { $ignore{$_} =~ /\b$case->{name}\b/ } keys %ignore ];
	if ($why)
	{
		ok($limit{$why}, "$case->{name}: words of the README for its refusal") or next;
		$case->{limit} = $limit{$why};
	}
	$count{ $why ? 'refused' : $native_fails ? 'failing alike' : 'same' }++;
	push @cases, $case;
}
note(join ', ', map { "$count{$_} $_" } sort keys %count);
delete @refused{ cases_of_other_releases() };
is(join(' ', sort keys %refused), '', 'all refused cases are in the corpus') unless $ENV{OSC_CASES};
run_cases(\@cases, name => 'column_equivalence', strategy => 'column', by_name => 1);
limits_are_told(\@cases);
done_testing();

__DATA__
# Words of a refusal, and words of the README, after tabs; then the cases and their refusals.
	has other parts	other sub-commands
	without a backfill expression	`ADD COLUMN` with a `backfill` expression for each
	more than one statement	several statements
	on none of the columns	constraints that are on none of these columns
	which keeps its type	changes of other columns
	a foreign key to its own table	a new foreign key to the table itself
	adds an exclusion constraint	a new exclusion constraint
	CASCADE	`DROP CONSTRAINT … CASCADE`
	has no key	a table without a key
	is partitioned, or a partition	partitioned tables and partitions
	inherits, or is inherited	tables that inherit or are inherited from
	one of a partitioned table	a foreign key of a partitioned table
	is an exclusion constraint	an exclusion constraint, a deferrable constraint
	domain with constraints	a domain with constraints as the new type
	a generated or system column	a generated column or a system column
add_check_with_copy on none of the columns
child_own_column which keeps its type
child_with_no_inherit_check inherits, or is inherited
cluster_and_type more than one statement
column_then_type more than one statement
copy_and_inherit more than one statement
copy_and_not_of more than one statement
copy_drop_column_cascade has other parts
copy_drop_constraint_cascade CASCADE
copy_referenced_by_partitioned one of a partitioned table
copy_validates_key has other parts
copy_validates_violated_key has other parts
copy_with_foreign_key without a backfill expression
copy_with_key_not_valid on none of the columns
copy_with_match_full on none of the columns
copy_with_orphans on none of the columns
copy_with_orphans_two_columns on none of the columns
copy_with_self_reference a foreign key to its own table
copy_with_key_to_copied_table more than one statement
default_of_new_column without a backfill expression
default_of_new_column_later more than one statement
default_privileges without a backfill expression
default_storage_of_database on none of the columns
deferrable_key has no key
drop_default_of_new_column has other parts
event_triggers has other parts
everything_in_one without a backfill expression
exclusion_kept is an exclusion constraint
grants_and_columns without a backfill expression
identity_of_new_column more than one statement
index_on_copied_table more than one statement
inherited_key_type inherits, or is inherited
inherited_multiple inherits, or is inherited
inherited_type inherits, or is inherited
key_and_references_to_bigint more than one statement
key_renamed_and_changed more than one statement
list_sub_partitioned is partitioned, or a partition
many_columns has other parts
member_of_owner which keeps its type
new_index_name_taken on none of the columns
no_key has no key
no_key_but_nullable_unique has no key
no_key_json has no key
null_rows_and_wide_bitmap has other parts
odd_names without a backfill expression
other_attnums without a backfill expression
partitioned_empty without a backfill expression
partitioned_referenced is partitioned, or a partition
partitioned_referencing is partitioned, or a partition
partitioned_triggers is partitioned, or a partition
partitioned_without_key is partitioned, or a partition
range_type is partitioned, or a partition
rename_then_type more than one statement
replace_key_and_type has other parts
same_names_in_two_schemas more than one statement
same_table_twice more than one statement
security_definer_default without a backfill expression
serial_and_old_serial without a backfill expression
serial_read_by_using more than one statement
serial_then_type more than one statement
set_fillfactor_with_copy has other parts
statements_fail_late more than one statement
swap_two_names more than one statement
tree_to_bigint more than one statement
two_types_of_one_column more than one statement
type_after_rename more than one statement
type_domain domain with constraints
type_domain_violated domain with constraints
type_generated_column a generated or system column
type_range is an exclusion constraint
unlogged_and_type has other parts
using_names_the_table more than one statement
using_reads_a_changed_column more than one statement
using_reads_a_new_column more than one statement
view_on_a_renamed_column more than one statement
views_and_functions without a backfill expression
volatile_default_then_type more than one statement
