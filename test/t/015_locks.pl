# 015_locks.pl: each step takes the lock that it is said to take, and no strong lock is held on a
# user's table while its rows are read.
#
# A job that is driven by hand takes each step in a transaction of ours, in which pg_locks shows
# what the step locks, and pg_stat_get_xact_tuples_returned() how many rows it has read by scans.
# Index builds, and detaching, need a worker: a transaction that has written to the table, or has an
# older snapshot, makes them wait while we look at their locks; the step that gives the index to
# the table is held at a stop point.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = osc_node('locks', conf => "online_schema.stop_point = 'swap-before-commit'\nonline_schema.swap_timeout = 10min\nautovacuum = off\nallow_in_place_tablespaces = on");
my $rows = 2000;

my @modes = ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock');
my %rank  = map { ($modes[$_] => $_) } 0 .. $#modes;
my %level = map { my $words = s/Lock$//r; $words =~ s/(?<=[a-z])(?=[A-Z])/ /g; (uc $words => $rank{$_}) } @modes;
my %name  = reverse %level;

# ------------------------------------------------------------------ steps by hand

# One step of job :job, in a transaction: the strongest lock on each table of schema l, the rows
# that it read of them, its commands.
my $step = <<'SQL';
BEGIN;
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0) AS before FROM pg_class WHERE relnamespace = 'l'::regnamespace AND relkind = 'r' \gset
SELECT osc_step(:job) AS phase \gset
SELECT :'phase', coalesce((SELECT string_agg(relname || ' ' || mode, ',') FROM (
		SELECT DISTINCT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
		WHERE l.pid = pg_backend_pid() AND l.granted AND c.relnamespace = 'l'::regnamespace AND c.relkind IN ('r', 'p')) x), ''),
	(SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0) - :before FROM pg_class WHERE relnamespace = 'l'::regnamespace AND relkind = 'r'),
	coalesce((SELECT string_agg(detail->>'command', ' ;; ' ORDER BY (detail->>'step')::int) FROM osc_events WHERE job_id = :job AND event = 'command' AND at >= now()), '');
COMMIT;
SELECT state IN ('done', 'failed', 'cancelled') AS ended FROM osc_progress WHERE job_id = :job \gset
\if :ended
\q
\endif
SQL

# All steps of a script that lock a table: [{ locks => { table => level }, read, commands }].
sub steps_of
{
	my ($ddl) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SELECT osc_start(\$ddl\$$ddl\$ddl\$, run => 'manual') AS job \\gset\n" . $step x 60,
		stdout => \$out, stderr => \$err, extra_params => [ '-F', "\t" ]);
	diag($err) if $err ne '';
	my @steps;
	for my $line (split /\n/, $out)
	{
		my ($phase, $locks, $read, $commands) = split /\t/, $line, 4;
		my %locks;
		for (split /,/, $locks)
		{
			my ($table, $mode) = /^(\w+) (\w+)$/;
			$locks{$table} = $rank{$mode} if !defined $locks{$table} || $rank{$mode} > $locks{$table};
		}
		push @steps, { phase => $phase, locks => \%locks, read => $read, commands => [ split / ;; /, $commands // '' ] } if %locks || $read;
	}
	return @steps;
}

sub told
{
	my ($step) = @_;
	my $locks = join ', ', map { "$_ $name{$step->{locks}{$_}}" } sort keys %{ $step->{locks} };
	return $locks . ($step->{read} >= $rows / 2 ? ', reads' : '');
}

# The claims of osc_plan(): { command => level }.
sub claims
{
	my ($ddl) = @_;
	my %claim;
	for (split /\n/, sql($node, "SELECT replace(command, E'\\n', ' ') || E'\\t' || lock_mode FROM osc_plan(\$ddl\$$ddl\$ddl\$)"))
	{
		my ($command, $mode) = split /\t/;
		$claim{$command} = $level{$mode} if exists $level{$mode};
	}
	return \%claim;
}

my $tables = <<"SQL";
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS l CASCADE;
CREATE SCHEMA l;
CREATE TABLE l.p (id int PRIMARY KEY);
INSERT INTO l.p SELECT generate_series(1, $rows);
CREATE TABLE l.t (id int PRIMARY KEY, a text, b int NOT NULL, c varchar(10), d int GENERATED ALWAYS AS (id + 1) STORED, e int GENERATED ALWAYS AS IDENTITY);
INSERT INTO l.t SELECT n, n, n, n FROM generate_series(1, $rows) n;
CREATE UNIQUE INDEX t_b ON l.t (b);
CREATE FUNCTION l.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON l.t FOR EACH ROW EXECUTE FUNCTION l.f();
CREATE RULE r AS ON INSERT TO l.t WHERE false DO INSTEAD NOTHING;
CREATE TABLE l.r (id int PRIMARY KEY, p int, CONSTRAINT r_p FOREIGN KEY (p) REFERENCES l.p);
INSERT INTO l.r SELECT n, n FROM generate_series(1, $rows) n;
ALTER TABLE l.r ADD CONSTRAINT late CHECK (p > 0) NOT VALID;
CREATE TABLE l.parent (id int);
CREATE TABLE l.kid (id int);
CREATE TABLE l.ranges (id int) PARTITION BY RANGE (id);
CREATE TABLE l.part (id int);
INSERT INTO l.part SELECT generate_series(1, $rows);
CREATE TABLE l.proved (id int NOT NULL, CHECK (id >= -10 AND id < 0));
CREATE TABLE l.others (id int) PARTITION BY RANGE (id);
CREATE TABLE l.rest PARTITION OF l.others DEFAULT;
INSERT INTO l.rest SELECT generate_series(1, $rows);
CREATE TABLE l.fresh (id int NOT NULL, CHECK (id >= -10 AND id < 0));
CREATE TABLE l.whole (id int NOT NULL, b int) PARTITION BY RANGE (id);
CREATE TABLE l.leaf PARTITION OF l.whole FOR VALUES FROM (0) TO (1000000);
INSERT INTO l.leaf SELECT n, n FROM generate_series(1, $rows) n;
ANALYZE l.t, l.p, l.r, l.part, l.rest, l.leaf;
SQL

# A change, and the steps that it takes: the strongest lock on each table, and whether its rows
# are read. 'AEL' and so on stand for the lock modes.
my %short = (AEL => 'ACCESS EXCLUSIVE', SRE => 'SHARE ROW EXCLUSIVE', SUE => 'SHARE UPDATE EXCLUSIVE', RS => 'ROW SHARE', AS => 'ACCESS SHARE');
my @rules = (
	[ 'ADD COLUMN without default', 'ALTER TABLE l.t ADD COLUMN x int', 't AEL' ],
	[ 'ADD COLUMN with a constant default', 'ALTER TABLE l.t ADD COLUMN x int NOT NULL DEFAULT 5', 't AEL' ],
	[ 'ADD COLUMN with a stable default', 'ALTER TABLE l.t ADD COLUMN x timestamptz DEFAULT now()', 't AEL' ],
	[ 'ADD COLUMN with a CHECK', 'ALTER TABLE l.t ADD COLUMN x int DEFAULT 5 CHECK (x > 0)', 't AEL', 't AEL', 't SUE, reads' ],
	[ 'ADD COLUMN with a foreign key', 'ALTER TABLE l.t ADD COLUMN x int DEFAULT 5 REFERENCES l.p', 't AEL', 'p SRE, t SRE', 'p RS, t SUE, reads' ],
	[ 'ADD COLUMN NOT NULL, of an empty table', 'ALTER TABLE l.parent ADD COLUMN x int NOT NULL', 'parent AEL' ],
	[ 'DROP COLUMN', 'ALTER TABLE l.t DROP COLUMN a', 't AEL' ],
	[ 'RENAME column', 'ALTER TABLE l.t RENAME COLUMN a TO x', 't AEL' ],
	[ 'RENAME table', 'ALTER TABLE l.t RENAME TO tt', 'tt AEL' ],
	[ 'RENAME constraint', 'ALTER TABLE l.t RENAME CONSTRAINT t_pkey TO x', 't AEL' ],
	[ 'SET DEFAULT', 'ALTER TABLE l.t ALTER a SET DEFAULT 5', 't AEL' ],
	[ 'DROP DEFAULT', 'ALTER TABLE l.t ALTER a DROP DEFAULT', 't AEL' ],
	[ 'DROP NOT NULL', 'ALTER TABLE l.t ALTER b DROP NOT NULL', 't AEL' ],
	[ 'DROP EXPRESSION', 'ALTER TABLE l.t ALTER d DROP EXPRESSION', 't AEL' ],
	[ 'ADD IDENTITY', 'ALTER TABLE l.t ALTER b ADD GENERATED ALWAYS AS IDENTITY', 't AEL' ],
	[ 'DROP IDENTITY', 'ALTER TABLE l.t ALTER e DROP IDENTITY', 't AEL' ],
	[ 'OWNER', 'ALTER TABLE l.t OWNER TO other', 't AEL' ],
	[ 'SET SCHEMA', 'ALTER TABLE l.t SET SCHEMA public', '' ],
	[ 'ROW LEVEL SECURITY', 'ALTER TABLE l.t ENABLE ROW LEVEL SECURITY', 't AEL' ],
	[ 'REPLICA IDENTITY', 'ALTER TABLE l.t REPLICA IDENTITY USING INDEX t_b', 't AEL' ],
	[ 'STORAGE', 'ALTER TABLE l.t ALTER a SET STORAGE EXTERNAL', 't AEL' ],
	[ 'COMPRESSION', 'ALTER TABLE l.t ALTER a SET COMPRESSION pglz', 't AEL' ],
	[ 'SET STATISTICS', 'ALTER TABLE l.t ALTER a SET STATISTICS 5', 't SUE' ],
	[ 'n_distinct', 'ALTER TABLE l.t ALTER a SET (n_distinct = 5)', 't SUE' ],
	[ 'fillfactor', 'ALTER TABLE l.t SET (fillfactor = 50)', 't SUE' ],
	[ 'autovacuum options', 'ALTER TABLE l.t SET (autovacuum_enabled = off)', 't SUE' ],
	[ 'CLUSTER ON', 'ALTER TABLE l.t CLUSTER ON t_b', 't SUE' ],
	[ 'DISABLE TRIGGER', 'ALTER TABLE l.t DISABLE TRIGGER tr', 't SRE' ],
	[ 'ENABLE TRIGGER', 'ALTER TABLE l.t ENABLE ALWAYS TRIGGER tr', 't SRE' ],
	[ 'DISABLE RULE', 'ALTER TABLE l.t DISABLE RULE r', 't AEL' ],
	[ 'SET NOT NULL', 'ALTER TABLE l.t ALTER a SET NOT NULL', 't AEL', 't SUE, reads', 't AEL' ],
	[ 'ADD CHECK', 'ALTER TABLE l.t ADD CONSTRAINT x CHECK (b > 0)', 't AEL', 't SUE, reads' ],
	[ 'ADD CHECK NOT VALID', 'ALTER TABLE l.t ADD CONSTRAINT x CHECK (b > 0) NOT VALID', 't AEL' ],
	[ 'ADD FOREIGN KEY', 'ALTER TABLE l.t ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES l.p', 'p SRE, t SRE', 'p RS, t SUE, reads' ],
	[ 'ADD FOREIGN KEY of a partitioned table', 'ALTER TABLE l.whole ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES l.p', 'leaf SRE, p SRE', 'leaf SUE, p RS, reads', 'leaf SRE, p AEL, whole SRE' ],
	[ 'USING INDEX', 'ALTER TABLE l.t ADD CONSTRAINT x UNIQUE USING INDEX t_b', 't AEL' ],
	[ 'DROP CONSTRAINT', 'ALTER TABLE l.t DROP CONSTRAINT t_pkey', 't AEL' ],
	[ 'DROP FOREIGN KEY', 'ALTER TABLE l.r DROP CONSTRAINT r_p', 'p AEL, r AEL' ],
	[ 'VALIDATE CONSTRAINT', 'ALTER TABLE l.r VALIDATE CONSTRAINT late', 'r SUE, reads' ],
	[ 'ALTER CONSTRAINT', 'ALTER TABLE l.r ALTER CONSTRAINT r_p DEFERRABLE', 'r AEL' ],
	[ 'INHERIT', 'ALTER TABLE l.kid INHERIT l.parent', 'kid AEL, parent SUE' ],
	[ 'ATTACH PARTITION beside a DEFAULT one', 'ALTER TABLE l.others ATTACH PARTITION l.fresh FOR VALUES FROM (-10) TO (0)', 'rest AEL', 'rest SUE, reads', 'fresh AEL, others SUE, rest AEL' ],
	[ 'ATTACH PARTITION', 'ALTER TABLE l.ranges ATTACH PARTITION l.part FOR VALUES FROM (0) TO (1000000)', 'part AEL', 'part SUE, reads', 'part AEL, ranges SUE' ],
	[ 'ATTACH PARTITION that a CHECK proves', 'ALTER TABLE l.ranges ATTACH PARTITION l.proved FOR VALUES FROM (-10) TO (0)', 'proved AEL, ranges SUE' ],
	[ 'ALTER TYPE that keeps the bytes', 'ALTER TABLE l.t ALTER c TYPE varchar(20)', 't AEL' ],
	[ 'several sub-commands, none of which rewrites', 'ALTER TABLE l.t ADD COLUMN x int, ALTER a SET NOT NULL, ADD CONSTRAINT x CHECK (b > 0), ALTER a SET STATISTICS 5', 't AEL', 't AEL', 't SUE, reads', 't SUE, reads', 't AEL' ]);

sql($node, "SET allow_in_place_tablespaces = on; CREATE TABLESPACE elsewhere LOCATION ''");
sql($node, 'CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler');
sql($node, 'CREATE DOMAIN positive AS int CHECK (VALUE > 0)');
sql($node, 'CREATE ROLE other; GRANT USAGE, CREATE ON SCHEMA public TO other');
for my $rule (@rules)
{
	my ($about, $ddl, @wanted) = @$rule;
	promise "the plan claims what pg_locks shows: $about" => sub {
		s/\b(AEL|SRE|SUE|RS|AS)\b/$short{$1}/g for @wanted;
		sql($node, "$tables\nGRANT ALL ON SCHEMA l TO other");
		my $claim = claims($ddl);
		my @steps = steps_of($ddl);
		is(join("\n", map { told($_) } @steps), join("\n", grep { $_ ne '' } @wanted), 'the locks and scans of its steps');
		for my $step (@steps)
		{
			my ($strongest) = sort { $b <=> $a } values %{ $step->{locks} };
			cmp_ok($strongest, '<=', $level{'SHARE UPDATE EXCLUSIVE'}, 'no strong lock while rows are read') if $step->{read} >= $rows / 2;
			next unless @{ $step->{commands} };
			my ($claimed) = sort { $b <=> $a } map { $claim->{$_} // -1 } @{ $step->{commands} };
			is($name{$claimed}, $name{$strongest}, "as claimed: @{$step->{commands}}");
		}
		is(sql($node, 'SELECT state FROM osc_progress ORDER BY job_id DESC LIMIT 1'), 'done', 'the job is done');
	};
}

# ------------------------------------------------------------------ copy

# A change that copies, and what there has to be before it.
my @copies = (
	[ 'ALTER TABLE l.t ALTER b TYPE bigint' ],
	[ 'ALTER TABLE l.t ALTER a TYPE int USING length(a)' ],
	[ 'ALTER TABLE l.t ALTER c TYPE varchar(20)', 'CREATE INDEX ON l.t (lower(c))' ],
	[ 'ALTER TABLE l.t ALTER c TYPE varchar(20)', "ALTER TABLE l.t ADD CHECK (c <> 'x')" ],
	[ 'ALTER TABLE l.t ADD COLUMN x uuid DEFAULT gen_random_uuid()' ],
	[ 'ALTER TABLE l.t ADD COLUMN x bigserial' ],
	[ 'ALTER TABLE l.t ADD COLUMN x serial PRIMARY KEY', 'ALTER TABLE l.t DROP CONSTRAINT t_pkey, ADD UNIQUE (id), ALTER id SET NOT NULL' ],
	[ 'ALTER TABLE l.t ADD COLUMN x int GENERATED BY DEFAULT AS IDENTITY' ],
	[ 'ALTER TABLE l.t ADD COLUMN x public.positive DEFAULT 1' ],
	[ 'ALTER TABLE l.t ADD COLUMN x int GENERATED ALWAYS AS (b * 2) STORED' ],
	[ 'VACUUM FULL l.t' ],
	[ 'CLUSTER l.t USING t_b' ],
	[ 'ALTER TABLE l.t SET UNLOGGED' ],
	[ 'ALTER TABLE l.t SET LOGGED', 'ALTER TABLE l.t SET UNLOGGED' ],
	[ 'ALTER TABLE l.t SET ACCESS METHOD heap2' ],
	[ 'ALTER TABLE l.t SET TABLESPACE elsewhere' ],
	[ 'ALTER TABLE l.t ADD EXCLUDE USING btree (b WITH =)' ],
	[ 'ALTER TABLE l.t ADD COLUMN x int, ALTER b TYPE bigint, ALTER a SET NOT NULL, ADD UNIQUE (a), ADD CHECK (b > 0)' ]);
for my $copy (@copies)
{
	my ($ddl, $before) = @$copy;
	promise "copying holds no strong lock: $ddl" . ($before ? ", after $before" : '') => sub {
		sql($node, $tables . ($before // ''));
		my @steps = steps_of($ddl);
		my @reading = grep { $_->{read} >= $rows / 2 } @steps;
		cmp_ok(scalar @reading, '>=', 2, 'rows are read to be copied and to be compared');
		is(join("\n", map { told($_) } grep { ($_->{locks}{t} // 0) > $level{'SHARE UPDATE EXCLUSIVE'} } @reading), '', 'and not under a strong lock');
		my @strong = grep { ($_->{locks}{t} // 0) > $level{'SHARE UPDATE EXCLUSIVE'} } @steps;
		like(join(', ', map { $name{$_->{locks}{t}} } @strong), qr/^(ACCESS EXCLUSIVE, )*SHARE ROW EXCLUSIVE(, ACCESS EXCLUSIVE)+$/, 'strong ones to rehearse, to capture, and to swap');
		is(sql($node, 'SELECT state FROM osc_progress ORDER BY job_id DESC LIMIT 1'), 'done', 'the job is done');
	};
}

# ------------------------------------------------------------------ index builds, and what else waits for writers

# The strongest lock of the worker on a table, as pg_locks shows it now.
sub worker_lock
{
	my ($table) = @_;
	my @held = split /\n/, sql($node, "SELECT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type = 'online_schema worker' AND l.granted AND l.locktype = 'relation' AND l.relation = 'l.$table'::regclass");
	my ($strongest) = sort { $b <=> $a } map { $rank{$_} } @held;
	return defined $strongest ? $name{$strongest} : 'none';
}

# A change; the table that it changes or reads; the lock on it meanwhile; the lock of its last step,
# if that is held at a stop point; what there has to be before.
my @builds = (
	[ 'CREATE INDEX', 'CREATE INDEX t_a ON l.t (a)', 't', 'SUE' ],
	[ 'CREATE INDEX of a partitioned table', 'CREATE INDEX whole_b ON l.whole (b)', 'leaf', 'SUE' ],
	[ 'ADD UNIQUE', 'ALTER TABLE l.t ADD CONSTRAINT x UNIQUE (a)', 't', 'SUE', 'AEL' ],
	[ 'ADD PRIMARY KEY', 'ALTER TABLE l.t ADD CONSTRAINT x PRIMARY KEY (b)', 't', 'SUE', 'AEL', 'ALTER TABLE l.t DROP CONSTRAINT t_pkey' ],
	[ 'ADD COLUMN with UNIQUE', 'ALTER TABLE l.t ADD COLUMN x int UNIQUE', 't', 'SUE', 'AEL' ],
	[ 'ADD COLUMN with PRIMARY KEY', 'ALTER TABLE l.leaf ADD COLUMN x int DEFAULT 1 PRIMARY KEY', 'leaf', 'SUE', 'AEL', 'ALTER TABLE l.whole DETACH PARTITION l.leaf; DELETE FROM l.leaf WHERE id > 1' ],
	[ 'DROP INDEX', 'DROP INDEX l.t_b', 't', 'SUE' ],
	[ 'REINDEX', 'REINDEX TABLE l.t', 't', 'SUE' ],
	[ 'DETACH PARTITION', 'ALTER TABLE l.whole DETACH PARTITION l.leaf', 'whole', 'none' ]);
for my $build (@builds)
{
	my ($about, $ddl, $table, $meanwhile, $final, $before) = @$build;
	promise "others write while it takes its time: $about" => sub {
		sql($node, $tables . ($before // ''));
		my $column = $table eq 't' ? 'a' : 'id';
		my $older = $node->background_psql('postgres');
		# a writer would be in the way of ADD COLUMN
		$older->query_safe($ddl =~ /ADD COLUMN/ ? 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1' : "BEGIN; UPDATE l.$table SET $column = $column WHERE id = 1");
		my $holder = $node->background_psql('postgres');
		$holder->query_safe("SELECT pg_advisory_lock(2147483000, hashtext('swap-before-commit'))");
		my $job = sql($node, "SELECT osc_start(\$ddl\$$ddl\$ddl\$)");
		# not for a lock that it asks for in passing
		my $event = $meanwhile eq 'none' ? "wait_event_type = 'Lock'" : "wait_event = 'virtualxid'";
		ok(wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'online_schema worker' AND $event"), 'it waits for an older transaction');
		is(worker_lock($table), $short{$meanwhile} // $meanwhile, 'with no lock that keeps anyone from writing');
		is(error_of($node, "SET lock_timeout = '20s'; UPDATE l.$table SET $column = $column WHERE id = (SELECT max(id) FROM l.$table)"), '', 'others write meanwhile');
		$older->query_safe('COMMIT');
		$older->quit;
		if ($final)
		{
			ok(wait_for($node, "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), 'the last step is held');
			is(worker_lock($table), $short{$final}, 'with the lock that the plan claims');
		}
		$holder->quit;
		job_ends($node, $job, 'done');
	};
}

$node->stop;
done_testing();
