# 010_equivalence.pl: every change leaves what native would have left.
#
# The corpus is in test/equivalence; OscCases.pm tells how a case is written. All cases that
# share a pair of databases are run together: their setup once, in a database that is then
# cloned (so that both begin with the same rows and OIDs), their change natively in one and by
# osc_start() and a background worker in the other, several at a time. Then pg_dump -s, the
# catalogs (rich/catalog.sql), rows and OIDs (equivalence/check/state.sql), and what the statements
# under "after" answer must be the same, amcheck must find nothing, and nothing of the jobs
# may be left. Each case is one test. OscEquivalence.pm does it.
#
# The sub-commands of PostgreSQL 15's ALTER TABLE that are not in the corpus are those that no
# user can write for a table: 012_oracle.pl has the list, and counts the others.
#
# OSC_CASES="add_column_plain partitions" runs only these cases, or files of cases.
# OSC_CASES_OUT=directory keeps what osc_plan() and the jobs said, a file per case.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscCases qw(read_cases);
use OscEquivalence;
use Test::More;

my @cases = read_cases();
run_cases(\@cases, name => 'equivalence');
limits_are_told(\@cases);
done_testing();
