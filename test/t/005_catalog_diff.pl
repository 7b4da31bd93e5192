# 005_catalog_diff.pl: after an online change nothing tells it from a native one.
#
# Two databases with the same rich tables (rich/schema.sql). In one the statement is run as
# it is, in the other by osc_start(). Then pg_dump, all catalogs (rich/catalog.sql), and what
# the tables do (rich/behave.sql) must be the same, and the OIDs must be what they were.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;

# autovacuum has snapshots of its own, which keep pages from becoming all-visible
my $node = osc_node('catalog', extension => 0, conf => 'autovacuum = off');
sql_file($node, 'rich/roles.sql');
for my $db (qw(native online))
{
	sql($node, "CREATE DATABASE $db");
	sql($node, 'CREATE EXTENSION online_schema; CREATE EXTENSION pg_visibility', $db);
	sql_file($node, 'rich/schema.sql', $db);
}

# Output and errors of a file, as one text.
sub told
{
	my ($file, $db) = @_;
	my $out = '';
	my $dir = PostgreSQL::Test::Utils::tempdir();
	system('sh', '-c', 'exec psql -X -d "$0" -f "$1" >"$2" 2>&1', $node->connstr($db), OscTest::test_dir() . "/$file", "$dir/out");
	$out = slurp_file("$dir/out");
	$out =~ s/^psql:\S*?:\d+: //mg;
	return $out;
}

# The lines in which two texts differ; '' if they are the same.
sub differences
{
	my ($native, $online) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$dir/native", $native);
	append_to_file("$dir/online", $online);
	my $diff = qx(diff -U1 '$dir/native' '$dir/online');
	my @lines = split /\n/, $diff;
	splice @lines, 60 if @lines > 60;
	return join "\n", @lines;
}

my @oids = (
	"SELECT string_agg(oid::regclass || ' ' || oid, ', ' ORDER BY oid) FROM pg_class WHERE oid IN ('\"Shop\".\"Account\"'::regclass, '\"Shop\".city'::regclass)",
	"SELECT string_agg(attnum || ' ' || attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '\"Shop\".\"Account\"'::regclass AND attnum > 0 AND attname !~ 'dropped|obsolete|opened|note|number'",
	"SELECT string_agg(oid::regclass || ' ' || oid, ', ' ORDER BY oid) FROM pg_class WHERE relkind = 'S' AND relnamespace = '\"Shop\"'::regnamespace AND relname !~ 'number'",
	"SELECT reltype || ' ' || typarray FROM pg_class c JOIN pg_type t ON t.oid = c.reltype WHERE c.oid = '\"Shop\".\"Account\"'::regclass",
	"SELECT string_agg(oid || ' ' || tgname, ', ' ORDER BY oid) FROM pg_trigger WHERE NOT tgisinternal");

sub oids_of { return join "\n", map { sql($node, $_, 'online') } @oids; }

sub both_ways
{
	my ($ddl) = @_;
	sql($node, "SET ROLE rich_owner; SET search_path = \"Shop\", public; $ddl", 'native');
	my $offset = log_offset($node);
	my $job = sql($node, "SET ROLE rich_owner; SET search_path = \"Shop\", public; SELECT osc_start(\$x\$$ddl\$x\$)", 'online');
	# who looks at it has a snapshot, which keeps pages from becoming all-visible
	$node->wait_for_log(qr/job $job (swapped|fails|pauses)/, $offset);
	return job_ends($node, $job, 'done', 'the job is done', 'online');
}

sub same_everywhere
{
	is(differences(dump_schema($node, 'native'), dump_schema($node, 'online')), '', 'pg_dump -s tells the same');
	is(differences(told('rich/catalog.sql', 'native'), told('rich/catalog.sql', 'online')), '', 'the catalogs say the same');
	is(leftovers($node, 'online'), '', 'nothing of the job is left');
	return;
}

promise 'before the change both databases are the same' => sub {
	same_everywhere();
	unlike(told('rich/catalog.sql', 'online'), qr/ERROR/, 'the catalogs can be read');
};

my $oids = oids_of();

promise 'a table with everything: types, new columns, a new constraint, a dropped column' => sub {
	both_ways(<<'SQL');
ALTER TABLE "Account"
	ALTER COLUMN id TYPE bigint,
	ALTER COLUMN amount TYPE numeric(14,4),
	ALTER COLUMN region_id TYPE bigint,
	ADD COLUMN opened timestamptz NOT NULL DEFAULT '2024-02-29 12:00+00',
	ADD COLUMN note text COLLATE "C",
	ADD COLUMN number bigint DEFAULT 7,
	ADD CONSTRAINT account_number CHECK (number > 0),
	ADD CONSTRAINT account_new_key UNIQUE (region_id, serial_no),
	DROP COLUMN obsolete
SQL
	same_everywhere();
	is(oids_of(), $oids, 'table, row type, sequences and triggers keep their OIDs');
	is(amcheck_faults($node, 'online', '"Shop"."Account"'), '', 'amcheck finds nothing');
	cmp_ok(sql($node, "SELECT count(*) FROM pg_stats WHERE schemaname = 'Shop' AND tablename = 'Account'", 'online'), '>', 10,
		'the table enters service with its statistics');
	# since 16 bulk inserts leave pages that nobody has used yet at the end, natively as well
	is( sql($node, <<'SQL', 'online'), '3000|t|0', 'and frozen and all-visible');
SELECT reltuples, relallvisible > 0 AND relallvisible = (SELECT count(*) FROM pg_visibility_map(c.oid) WHERE all_visible),
	(SELECT count(*) FROM "Shop"."Account" a, pg_visibility_map(c.oid, (a.ctid::text::point)[0]::bigint) m WHERE NOT (m.all_visible AND m.all_frozen))
FROM pg_class c WHERE oid = '"Shop"."Account"'::regclass
SQL
};

promise 'a column that a partitioned table refers to' => sub {
	both_ways('ALTER TABLE "Shop".city ALTER COLUMN id TYPE bigint');
	same_everywhere();
	my $job = start_job($node, 'ALTER TABLE "Shop".city ALTER COLUMN name TYPE varchar(77)', role => 'rich_owner', db => 'online');
	job_ends($node, $job, 'done', 'another column of it can be changed', 'online');
	sql($node, 'ALTER TABLE "Shop".city ALTER COLUMN name TYPE varchar(77)', 'native');
	same_everywhere();
	is(oids_of(), $oids, 'the OIDs stay');
	for my $db (qw(native online))
	{
		is( sql($node, "DELETE FROM \"Shop\".city WHERE id <= 10; SELECT count(*) FROM \"Shop\".visit", $db), '1960', "the cascade works ($db)");
	}
	isnt(error_of($node, 'INSERT INTO "Shop".visit VALUES (now(), 600)', db => 'online'), '', 'and so does the check');
};

promise 'the tables do the same' => sub {
	my ($native, $online) = map { told('rich/behave.sql', $_) } qw(native online);
	is(differences($native, $online), '', 'queries, writes, errors, triggers, rights, later changes');
	cmp_ok(length $native, '>', 5000, 'the script did something');
	like($native, qr/by the view|3000000000/, 'and worked');
	same_everywhere();
};

promise 'a dump of the database can be restored' => sub {
	sql($node, 'CREATE DATABASE restored');
	my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
	command_ok([ 'pg_dump', '-s', '-f', $file, '-d', $node->connstr('online') ], 'pg_dump');
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr('restored') ], 'restore');
};

$node->stop;
done_testing();
