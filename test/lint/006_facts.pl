# 006_facts.pl: what the rules say of PostgreSQL is true of the server that is here: the lock that
# a statement takes on a table, whether it scans it, and whether it writes it anew.
#
# Each statement runs in a transaction that is rolled back; meanwhile pg_locks shows the lock, the
# statistics of the transaction the scans, and pg_class the storage. What cannot run in a
# transaction block (CONCURRENTLY, VACUUM) is in the tests of the server.

use strict;
use warnings;

use File::Basename qw(dirname);
use Cwd qw(abs_path);
use lib dirname(abs_path(__FILE__));
use lib dirname(abs_path(__FILE__)) . '/../t';
use LintTest qw(lint);
use OscTest;
use Test::More;

my $node = osc_node('facts', extension => 0, conf => "allow_in_place_tablespaces = on\nautovacuum = off\n");
sql($node, "CREATE TABLESPACE other LOCATION ''");
sql($node, <<'SQL');
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN free AS int;
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (id int NOT NULL, a int, b varchar(10), c int NOT NULL, d numeric(8,2), e positive, ts timestamp,
	g int GENERATED ALWAYS AS (1) STORED, p bigint, r int4range, checked varchar(10) CHECK (checked <> 'x'), proved int);
CREATE TABLE parent (id int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parent FOR VALUES FROM (1) TO (10);
CREATE TABLE fit (id int, CHECK (id IS NOT NULL AND id >= 10 AND id < 20));
CREATE TABLE unfit (id int);
CREATE TABLE elder (LIKE t);
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_c ON t (c);
CREATE UNIQUE INDEX t_a_unique ON t (a);
ALTER TABLE t ADD CONSTRAINT positive_a CHECK (a > 0) NOT VALID, ADD CONSTRAINT old CHECK (c > 0),
	ADD CONSTRAINT proof CHECK (proved IS NOT NULL), ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p NOT VALID;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE RULE ru AS ON INSERT TO t DO ALSO NOTHING;
INSERT INTO p SELECT n FROM generate_series(1, 10) n;
INSERT INTO t (id, a, b, c, d, e, ts, p, checked, proved) SELECT n, n, 'x', n, n, n, '2020-01-01', n, 'y', 1 FROM generate_series(1, 10) n;
CREATE UNIQUE INDEX t_id ON t (id);
ALTER TABLE t CLUSTER ON t_a;
SQL

# rule, statement, what happens to the table: nothing, scan, rewrite, copy (new files, rows as
# they were), build (an index); and another table than t, if its lock is the one that counts
my @facts = (
	[ 'add-column',                    'ALTER TABLE t ADD n int',                                   'nothing' ],
	[ 'add-column-default',            'ALTER TABLE t ADD n timestamptz NOT NULL DEFAULT now()',    'nothing' ],
	[ 'add-column',                    'ALTER TABLE t ADD n free',                                  'nothing' ],
	[ 'add-column-volatile-default',   'ALTER TABLE t ADD n float DEFAULT random()',                'rewrite' ],
	[ 'add-column-serial',             'ALTER TABLE t ADD n serial',                                'rewrite' ],
	[ 'add-column-identity',           'ALTER TABLE t ADD n int GENERATED ALWAYS AS IDENTITY',      'rewrite' ],
	[ 'add-column-generated',          'ALTER TABLE t ADD n int GENERATED ALWAYS AS (a) STORED',    'rewrite' ],
	[ 'add-column-domain',             'ALTER TABLE t ADD n positive',                              'rewrite' ],
	[ 'add-column-domain',             'ALTER TABLE t ADD n positive DEFAULT 5',                    'rewrite' ],
	[ 'add-column-check',              'ALTER TABLE t ADD n int CHECK (n > 0)',                     'scan' ],
	[ 'add-column-unique',             'ALTER TABLE t ADD n int UNIQUE',                            'build' ],
	[ 'add-column-references',         'ALTER TABLE t ADD n bigint REFERENCES p',                   'nothing' ],
	[ 'add-column-references-default', 'ALTER TABLE t ADD n bigint DEFAULT 1 REFERENCES p',         'scan' ],
	[ 'add-column-references',         'ALTER TABLE t ADD n bigint REFERENCES p, ADD m int DEFAULT 1', 'nothing' ],
	[ 'add-column-references',         'ALTER TABLE t ADD n bigint REFERENCES p, ADD CHECK (id > 0) NOT VALID', 'nothing' ],
	[ 'add-column-references-default', 'ALTER TABLE t ADD n bigint DEFAULT NULL REFERENCES p',      'scan' ],
	[ 'drop-column',                   'ALTER TABLE t DROP b',                                      'nothing' ],
	[ 'rename-column',                 'ALTER TABLE t RENAME b TO n',                               'nothing' ],
	[ 'rename-table',                  'ALTER TABLE t RENAME TO n',                                 'nothing' ],
	[ 'rename-constraint',             'ALTER TABLE t RENAME CONSTRAINT old TO n',                  'nothing' ],
	[ 'rename-index',                  'ALTER INDEX t_a RENAME TO n',                               'nothing', 't_a' ],
	[ 'set-schema',                    'ALTER TABLE t SET SCHEMA elsewhere',                        'nothing', undef, 'CREATE SCHEMA elsewhere' ],
	[ 'set-default',                   'ALTER TABLE t ALTER a SET DEFAULT 1',                       'nothing' ],
	[ 'drop-not-null',                 'ALTER TABLE t ALTER c DROP NOT NULL',                       'nothing' ],
	[ 'drop-expression',               'ALTER TABLE t ALTER g DROP EXPRESSION',                     'nothing' ],
	[ 'change-identity',               'ALTER TABLE t ALTER c ADD GENERATED ALWAYS AS IDENTITY',    'nothing' ],
	[ 'set-storage',                   'ALTER TABLE t ALTER b SET STORAGE external',                'nothing' ],
	[ 'set-compression',               'ALTER TABLE t ALTER b SET COMPRESSION pglz',                'nothing' ],
	[ 'set-statistics',                'ALTER TABLE t ALTER a SET STATISTICS 10',                   'nothing' ],
	[ 'set-attribute-options',         'ALTER TABLE t ALTER a SET (n_distinct = 5)',                'nothing' ],
	[ 'set-not-null',                  'ALTER TABLE t ALTER a SET NOT NULL',                        'scan' ],
	[ 'set-not-null-proved',           'ALTER TABLE t ALTER proved SET NOT NULL',                   'nothing' ],
	[ 'set-not-null-proved',           'ALTER TABLE t ALTER c SET NOT NULL',                        'nothing' ],
	[ 'alter-type',                    'ALTER TABLE t ALTER a TYPE bigint',                         'rewrite' ],
	[ 'alter-type',                    'ALTER TABLE t ALTER b TYPE varchar(5)',                     'rewrite' ],
	[ 'alter-type',                    "SET LOCAL timezone = 'Europe/Berlin'; ALTER TABLE t ALTER ts TYPE timestamptz", 'rewrite' ],
	[ 'alter-type-compatible',         "SET LOCAL timezone = 'UTC'; ALTER TABLE t ALTER ts TYPE timestamptz", 'nothing' ],
	[ 'alter-type-compatible',         'ALTER TABLE t ALTER b TYPE text',                           'nothing' ],
	[ 'alter-type-compatible',         'ALTER TABLE t ALTER d TYPE numeric(10,2)',                  'nothing' ],
	[ 'alter-type-compatible',         'ALTER TABLE t ALTER e TYPE int',                            'nothing' ],
	[ 'alter-type-recheck',            'ALTER TABLE t ALTER checked TYPE text',                     'scan' ],
	[ 'add-check',                     'ALTER TABLE t ADD CHECK (a > 0)',                           'scan' ],
	[ 'add-check-not-valid',           'ALTER TABLE t ADD CHECK (a > 0) NOT VALID',                 'nothing' ],
	[ 'add-foreign-key',               'ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p',            'scan' ],
	[ 'add-foreign-key',               'ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p',            'any', 'p' ],
	[ 'add-foreign-key-not-valid',     'ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p NOT VALID',  'nothing' ],
	[ 'validate-constraint',           'ALTER TABLE t VALIDATE CONSTRAINT positive_a',              'scan' ],
	[ 'validate-constraint',           'ALTER TABLE t VALIDATE CONSTRAINT fk',                      'scan' ],
	[ 'add-unique',                    'ALTER TABLE t ADD UNIQUE (a)',                              'build' ],
	[ 'add-primary-key',               'ALTER TABLE t ADD PRIMARY KEY (c)',                         'build' ],
	[ 'add-constraint-using-index',    'ALTER TABLE t ADD CONSTRAINT n UNIQUE USING INDEX t_c',     'nothing' ],
	[ 'add-constraint-using-index',    'ALTER TABLE t ADD CONSTRAINT n PRIMARY KEY USING INDEX t_c', 'nothing' ],
	[ 'add-primary-key-nullable',      'ALTER TABLE t ADD CONSTRAINT n PRIMARY KEY USING INDEX t_a_unique', 'scan' ],
	[ 'add-exclude',                   'ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)',          'build' ],
	[ 'alter-constraint',              'ALTER TABLE t ALTER CONSTRAINT fk DEFERRABLE',              'nothing' ],
	[ 'drop-constraint',               'ALTER TABLE t DROP CONSTRAINT old',                         'nothing' ],
	[ 'drop-constraint',               'ALTER TABLE t DROP CONSTRAINT fk',                          'any', 'p' ],
	[ 'create-index',                  'CREATE INDEX ON t (b)',                                     'build' ],
	[ 'drop-index',                    'DROP INDEX t_a',                                            'nothing' ],
	[ 'reindex',                       'REINDEX INDEX t_a',                                         'build' ],
	[ 'set-logged',                    'ALTER TABLE t SET UNLOGGED',                                'rewrite' ],
	[ 'set-access-method',             'ALTER TABLE t SET ACCESS METHOD heap2',                     'rewrite' ],
	[ 'set-tablespace',                'ALTER TABLE t SET TABLESPACE other',                        'copy' ],
	[ 'cluster',                       'CLUSTER t',                                                 'rewrite' ],
	[ 'set-storage-parameter',         'ALTER TABLE t SET (fillfactor = 90)',                       'nothing' ],
	[ 'cluster-on',                    'ALTER TABLE t SET WITHOUT CLUSTER',                         'nothing' ],
	[ 'change-owner',                  'ALTER TABLE t OWNER TO pg_monitor',                         'nothing' ],
	[ 'row-security',                  'ALTER TABLE t ENABLE ROW LEVEL SECURITY',                   'nothing' ],
	[ 'replica-identity',              'ALTER TABLE t REPLICA IDENTITY FULL',                       'nothing' ],
	[ 'inherit',                       'ALTER TABLE elder INHERIT t',                               'nothing', 'elder', 'ALTER TABLE t DROP CONSTRAINT old, DROP CONSTRAINT proof, DROP CONSTRAINT positive_a, DROP CONSTRAINT t_checked_check, DROP COLUMN g; ALTER TABLE elder DROP COLUMN g' ],
	[ 'enable-rule',                   'ALTER TABLE t DISABLE RULE ru',                             'nothing' ],
	[ 'enable-trigger',                'ALTER TABLE t DISABLE TRIGGER tr',                          'nothing' ],
	[ 'attach-partition',              'ALTER TABLE parent ATTACH PARTITION fit FOR VALUES FROM (10) TO (20)', 'nothing', 'parent' ],
	[ undef,                           'ALTER TABLE parent ATTACH PARTITION fit FOR VALUES FROM (10) TO (20)', 'nothing', 'fit', undef, 'AccessExclusiveLock' ],
	[ undef,                           'ALTER TABLE parent ATTACH PARTITION unfit FOR VALUES FROM (20) TO (30)', 'scan', 'unfit', undef, 'AccessExclusiveLock' ],
	[ 'detach-partition',              'ALTER TABLE parent DETACH PARTITION part',                  'nothing', 'parent' ],
	[ 'create-trigger',                'CREATE TRIGGER n BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()', 'nothing' ],
	[ 'alter-domain-check',            'ALTER DOMAIN positive ADD CHECK (VALUE > -1)',              'scan' ],
	[ 'alter-domain-not-null',         'ALTER DOMAIN positive SET NOT NULL',                        'scan' ],
	[ 'drop-table',                    'DROP TABLE t',                                              'any', 'p' ],
	[ 'truncate',                      'TRUNCATE t',                                                'any' ],
	# what hold_lock() is told elsewhere
	[ undef, 'CREATE POLICY n ON t',                                         'nothing', 't',      undef, 'AccessExclusiveLock' ],
	[ undef, 'CREATE RULE n AS ON DELETE TO t DO ALSO NOTHING',              'nothing', 't',      undef, 'AccessExclusiveLock' ],
	[ undef, 'DROP TRIGGER tr ON t',                                         'nothing', 't',      undef, 'AccessExclusiveLock' ],
	[ undef, 'CREATE TABLE n (a bigint REFERENCES p)',                       'nothing', 'p',      undef, 'ShareRowExclusiveLock' ],
	[ undef, 'CREATE TABLE n PARTITION OF parent FOR VALUES FROM (50) TO (60)', 'nothing', 'parent', undef, 'AccessExclusiveLock' ],
	[ undef, 'CREATE INDEX ON ONLY parent (id)',                             'nothing', 'parent', undef, 'ShareLock' ],
	[ undef, 'CREATE STATISTICS n ON a, b FROM t',                           'nothing', 't',      undef, 'ShareUpdateExclusiveLock' ],
	[ undef, 'ALTER DOMAIN positive ADD CONSTRAINT n CHECK (VALUE > -1) NOT VALID; ALTER DOMAIN positive VALIDATE CONSTRAINT n', 'scan', 't', undef, 'ShareLock' ]);

my %strength = (AccessShareLock => 1, RowShareLock => 2, RowExclusiveLock => 3, ShareUpdateExclusiveLock => 4, ShareLock => 5,
	ShareRowExclusiveLock => 6, ExclusiveLock => 7, AccessExclusiveLock => 8);

# the rules are about PostgreSQL 15
my $is_15 = $node->safe_psql('postgres', "SELECT current_setting('server_version_num')::int / 10000") == 15;
my %told;
for my $fact ($is_15 ? @facts : ())
{
	my ($rule, $statement, $does, $table, $before, $lock) = @$fact;
	$table //= 't';
	# the OIDs are noted first, for a table may be gone, or have another name, afterwards
	my $probe = <<"SQL";
SET client_min_messages = warning;
BEGIN;
@{[ $before ? "$before;" : '' ]}
SELECT '$table'::regclass::oid AS relation, coalesce(pg_relation_filenode('$table'), 0) AS file \\gset
SELECT count(*) AS before FROM pg_locks WHERE pid = pg_backend_pid() AND relation = :relation AND mode <> 'AccessShareLock' \\gset
SELECT pg_stat_get_xact_numscans(:relation) AS scans \\gset
SELECT count(*) AS indexes FROM pg_class WHERE relkind = 'i' \\gset
SELECT coalesce(string_agg(relfilenode::text, ' ' ORDER BY oid), '') AS index_files FROM pg_class WHERE oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = :relation) \\gset
$statement;
SELECT 'lock ' || mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation = :relation AND granted;
SELECT 'file' FROM pg_class WHERE oid = :relation AND relfilenode <> :file;
SELECT 'scan' WHERE pg_stat_get_xact_numscans(:relation) > :scans;
SELECT 'index' FROM pg_class WHERE relkind = 'i' HAVING count(*) > :indexes;
SELECT 'index' WHERE EXISTS (SELECT FROM pg_class WHERE oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = :relation) AND relfilenode <> 0 AND relfilenode <> ALL (string_to_array(:'index_files', ' ')::oid[]));
ROLLBACK;
SQL
	my ($status, $out, $err) = $node->psql('postgres', $probe, on_error_stop => 1);
	my %seen = map { $_ => 1 } grep { !/^lock/ } split /\n/, $out;
	my ($strongest) = sort { $strength{$b} <=> $strength{$a} } $out =~ /^lock (\w+)$/mg;
	my $name = defined $rule ? "$rule: $statement" : $statement;
	if (!defined $lock)
	{
		my (undef, $text) = lint('--explain', $rule);
		my ($words) = $text =~ /^  lock:       (.*)$/m;
		# "ACCESS EXCLUSIVE here, SHARE ROW EXCLUSIVE on the referenced table"
		my ($mode) = $words =~ /^([A-Z ]+)/;
		$lock = join('', map { ucfirst lc } split ' ', $mode) . 'Lock';
		my ($native) = $text =~ /^  PostgreSQL: (.*)$/m;
		my $says = $native =~ /^rewrites/ ? 'rewrite' : $native =~ /^copies/ ? 'copy' : $native =~ /^scans/ ? 'scan' : $native =~ /^builds/ ? 'build' : 'nothing';
		$says = 'scan' if $rule eq 'alter-type-recheck';
		# of these the rule tells the worst
		$says = $does if $does eq 'any' || $rule =~ /^(attach-partition)$/;
		is($says, $does, "$rule says that it is a matter of: $does");
		$told{$rule} = 1;
	}
	my $did = $seen{file} ? ($seen{scan} || $does ne 'copy' ? 'rewrite' : 'copy') : $seen{index} ? 'build' : $seen{scan} ? 'scan' : 'nothing';
	$did = $does if $does eq 'any';
	is($err, '', "$name: runs");
	is(($strongest // 'none'), $lock, "$name: the lock on $table");
	is($did, $does, "$name: what it does");
}

# rules on statements that a test in a transaction cannot see, or that are no statements
my %elsewhere = map { $_ => 1 } qw(add-column-not-null add-column-primary-key create-index-concurrently drop-index-concurrently
  reindex-concurrently vacuum-full of-type several-changes detach-partition-concurrently enum-add-value drop-not-null-column
  cascade require-lock-timeout not-in-transaction validate-in-same-transaction backfill-in-transaction uncommitted-transaction
  foreign-key-without-index small-key char-type json-type prefer-text identifier-too-long);
my (undef, $rules) = lint('--rules');
my @untold = grep { $is_15 && !$told{$_} && !$elsewhere{$_} } map { /^(\S+)/ } split /\n/, $rules;
is("@untold", '', 'each rule on a statement is looked at');

my ($status, undef, $err) = $node->psql('postgres', 'ALTER TABLE t ADD n int NOT NULL');
like($err, qr/contains null values/, 'add-column-not-null: fails at the first row');
$node->psql('postgres', "SET lock_timeout = '1s'; VACUUM FULL t", on_error_stop => 1);
for my $statement ('CREATE INDEX CONCURRENTLY ON t (b)', 'DROP INDEX CONCURRENTLY t_a', 'REINDEX TABLE CONCURRENTLY t', 'VACUUM t', 'VACUUM FULL t',
	'ALTER TABLE parent DETACH PARTITION part CONCURRENTLY', 'REINDEX SCHEMA public')
{
	($status, undef, $err) = $node->psql('postgres', "BEGIN;\n$statement;\nCOMMIT;", on_error_stop => 1);
	like($err, qr/cannot (run inside a transaction block|be executed)/, "not-in-transaction: $statement");
}
$node->stop;

done_testing();
