# OscTest.pm: what the TAP tests share.
#
# A cluster with the extension (osc_node), jobs (start_job, job_ends, explain_job), a load
# of pgbench clients that survives a crash of the server (OscTest::Load), and the checks
# that every test makes in the end: the ledger (ledger_faults), amcheck (amcheck_faults)
# and nothing left behind (leftovers).
#
# The checks return a text that is empty if all is well, so that a failing test shows what
# is wrong: is(leftovers($node), '', '...').

package OscTest;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use List::Util ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  amcheck_faults crash_at crash_points create_items dump_schema error_of explain_job fails_with job_ends job_state
  kill_server killed_job leftovers ledger_faults log_offset osc_node promise relation_oid set_stop_point sql sql_as sql_file
  start_job start_load test_dir unexpected_errors wait_for wait_for_load wait_for_log_line wait_until_at_rest
  worker_pids);

# Errors that a native ALTER TABLE gives to clients as well.
our @NATIVE_ERRORS = (
	qr/cached plan must not change result type/,
	qr/type of parameter \d+ \(.*\) does not match that when preparing the plan/);

# What a client sees of a server that goes down or comes up.
our @SHUTDOWN_ERRORS = (
	qr/terminating connection/,
	qr/the database system is/,
	qr/canceling statement due to (user request|conflict)/);

my $timeout = $PostgreSQL::Test::Utils::timeout_default;

sub test_dir { return dirname(abs_path(__FILE__)); }

# ------------------------------------------------------------------ the cluster

# osc_node($name, preload => 1, conf => "...", extension => 0): a started cluster, by
# default with the extension in database postgres. A crashed process restarts the server,
# as it does by default; Cluster.pm alone would switch that off. Locks are asked for often: on a
# slow machine writers let one attempt in many pass, and half a minute apart they would be few.
# A swap that would take too long there every time has more time for it.
sub osc_node
{
	my ($name, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', <<"CONF");
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
max_connections = 60
max_prepared_transactions = 30
max_worker_processes = 16
shared_buffers = 128MB
max_wal_size = 4GB
restart_after_crash = on
remove_temp_files_after_crash = on
autovacuum_naptime = 1s
online_schema.lock_retry_max_delay = 1s
online_schema.swap_timeout = 10s
log_statement = none
log_checkpoints = off
log_replication_commands = off
log_line_prefix = '%m [%p] %b|%a|%e '
CONF
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'online_schema'")
	  if $opt{preload};
	$node->append_conf('postgresql.conf', $opt{conf}) if $opt{conf};
	$node->start;
	sql($node, 'CREATE EXTENSION online_schema') unless defined $opt{extension} && !$opt{extension};
	return $node;
}

# Runs SQL that must succeed; returns its output.
sub sql
{
	my ($node, $sql, $db) = @_;
	return $node->safe_psql($db || 'postgres', $sql);
}

# The same in a session of another role, which RESET ROLE does not make a superuser.
sub sql_as
{
	my ($node, $user, $sql, $db) = @_;
	return $node->safe_psql($db || 'postgres', $sql, extra_params => [ '-U', $user ]);
}

# Runs a file of this folder with psql variables.
sub sql_file
{
	my ($node, $file, $db, %var) = @_;
	my @set = map { ('-v', "$_=$var{$_}") } sort keys %var;
	my ($out, $err) = ('', '');
	my $rc = $node->psql(
		$db || 'postgres', undef,
		stdout => \$out, stderr => \$err,
		extra_params => [ @set, '-f', test_dir() . "/$file" ]);
	die "$file failed:\n$err" if $rc != 0;
	return $out;
}

# State and parent of each process, by /proc: { pid => [state, parent] }.
sub processes
{
	my %of;
	for (glob '/proc/[0-9]*/stat')
	{
		open my $fh, '<', $_ or next;
		my $line = <$fh>;
		$of{$1} = [ $2, $3 ] if defined $line && $line =~ /^(\d+) \(.*\) (\S) (\d+) /;
	}
	return \%of;
}

# kill -9 of the postmaster; returns when its children, too, are gone, so that the server
# can be started again. It is stopped before, so that it has no more children than those seen.
sub kill_server
{
	my ($node) = @_;
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my $deadline = time + $timeout;
	kill 'STOP', $postmaster;
	sleep 0.01 while (processes()->{$postmaster} // ['T'])->[0] ne 'T' && time < $deadline;
	my $all = processes();
	my @pids = grep { $all->{$_}[1] == $postmaster } keys %$all;
	$node->kill9;
	while (grep { kill 0, $_ } @pids)
	{
		die 'processes outlive their postmaster' if time > $deadline;
		sleep 0.05;
	}
	return;
}

# Waits until a query returns the expected text; errors count as "not yet", so that it
# works across a restart.
sub wait_for
{
	my ($node, $query, $expected, $db) = @_;
	$expected = 't' unless defined $expected;
	my $deadline = time + $timeout;
	my $out      = '';
	while (time < $deadline)
	{
		$out = '';
		# psql that cannot connect does not read its input: IPC::Run dies of the broken pipe
		eval { $node->psql($db || 'postgres', $query, stdout => \$out, stderr => \my $err) };
		return 1 if $out eq $expected;
		sleep 0.03;
	}
	diag("waited in vain for \"$expected\", got \"$out\", of: $query");
	return 0;
}

# Waits until nobody works for a job any more: what it was at when it was paused is over.
sub wait_until_at_rest
{
	my ($node) = @_;
	return wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ '^online_schema (worker|backfill)'", '0');
}

sub log_offset
{
	my ($node) = @_;
	return -s $node->logfile;
}

sub log_since
{
	my ($node, $offset) = @_;
	open my $fh, '<', $node->logfile or die $!;
	seek $fh, $offset || 0, 0;
	local $/ = undef;
	my $text = <$fh>;
	close $fh;
	return defined $text ? $text : '';
}

sub wait_for_log_line
{
	my ($node, $regex, $offset) = @_;
	my $deadline = time + $timeout;
	while (time < $deadline)
	{
		return 1 if log_since($node, $offset) =~ $regex;
		sleep 0.05;
	}
	return 0;
}

# Sets online_schema.stop_point for the processes to come, or takes it back (undef), by the
# file: it must work while the server restarts over and over.
sub set_stop_point
{
	my ($node, $value) = @_;
	my $file = $node->data_dir . '/postgresql.auto.conf';
	my @lines = grep { !/^online_schema\.stop_point/ } split /^/, slurp_file($file);
	push @lines, "online_schema.stop_point = '$value'\n" if defined $value;
	open my $fh, '>', "$file.new" or die $!;
	print $fh @lines;
	close $fh;
	rename "$file.new", $file or die $!;
	$node->reload;
	return;
}

# The stop points at which a process is killed; OSC_STOP_POINTS chooses some.
sub crash_points
{
	return split ' ', $ENV{OSC_STOP_POINTS} if $ENV{OSC_STOP_POINTS};
	return qw(
	  prepare-before-commit capture-before-commit fence-passed
	  backfill-after-snapshot backfill-before-commit index-before-commit
	  replay-after-snapshot replay-before-commit validate-before-commit
	  swap-locked swap-before-final-alter swap-before-commit
	  cleanup-before-drop cleanup-before-commit);
}

# A job that $start starts, and of which a process is killed at the stop point, once or over
# and over; returns the job when the server is back and the point is off. The crash may cut
# off the session of osc_start() itself, after its commit, so the job is looked up.
sub killed_job
{
	my ($node, $point, $start) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $offset = log_offset($node);
	set_stop_point($node, "$point:kill");
	eval { $start->() };
	my $error = $@;
	ok(wait_for_log_line($node, qr/was terminated by signal 9/, $offset), "$point: the process is killed") or diag($error);
	set_stop_point($node, undef);
	my $job;
	my $deadline = time + $timeout;
	until ($job || time > $deadline)
	{
		sleep 0.05;
		$job = eval { sql($node, 'SELECT max(job_id) FROM osc_progress') };
	}
	ok($job, 'the server is back');
	return $job;
}

# Such a job, which goes on to its end.
sub crash_at
{
	my ($node, $point, $ddl, $batch_size) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $job = killed_job($node, $point, sub { start_job($node, $ddl, set => { batch_size => $batch_size }) });
	job_ends($node, $job, 'done', 'the job goes on by itself to its end');
	return;
}

sub relation_oid
{
	my ($node, $name, $db) = @_;
	return sql($node, "SELECT '$name'::regclass::oid", $db);
}

# pg_dump -s, without the lines whose key is random.
sub dump_schema
{
	my ($node, $db, @args) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-s', @args, '-d', $node->connstr($db || 'postgres') ]);
	die "pg_dump failed: $err" unless defined $out && $out =~ /PostgreSQL database dump complete/;
	return join "\n", grep { !/^\\(un)?restrict / } split /\n/, $out;
}

# promise $name => sub { ... }: a subtest named after the promise that it keeps. One that
# dies has failed, and the next one is run.
sub promise
{
	my ($name, $code) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return subtest(
		$name => sub {
			my $lived = eval { $code->(); 1; };
			fail("it died: $@") unless $lived;
		});
}

# ------------------------------------------------------------------ errors

# Runs SQL; returns "SQLSTATE: message ..." of its first error, detail and hint included, or
# ''. Options: db, user.
sub error_of
{
	my ($node, $sql, %opt) = @_;
	my @user = $opt{user} ? ('-U', $opt{user}) : ();
	my $err  = '';
	$node->psql(
		$opt{db} || 'postgres', $sql,
		stdout => \my $out, stderr => \$err,
		extra_params => [ '-v', 'VERBOSITY=verbose', @user ]);
	return '' unless $err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}: .*)/s;
	return $1;
}

# SQL must fail with this SQLSTATE (a text or a regex), and, if given, with this in message,
# detail or hint.
sub fails_with
{
	my ($node, $sql, $state, $pattern, $name, %opt) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $error = error_of($node, $sql, %opt);
	my $good  = $error =~ /^$state: / && (!defined $pattern || $error =~ $pattern);
	ok($good, $name) or diag("got: " . ($error || 'no error') . "\nfrom: $sql");
	return $good;
}

# The errors that clients met since an offset of the log, less what is allowed.
sub unexpected_errors
{
	my ($node, $offset, @allowed) = @_;
	my %count;
	for (split /\n/, log_since($node, $offset))
	{
		next unless /\] (?:client backend)\|([^|]*)\|(\w*) (ERROR|FATAL|PANIC):\s+(.*)/;
		my ($app, $line) = ($1, "$1: $3: $2: $4");
		next unless $app =~ /^(pgbench|writer)/;
		next if grep { $line =~ $_ } @NATIVE_ERRORS, @allowed;
		$count{$line}++;
	}
	return join "\n", map { "$count{$_} x $_" } sort keys %count;
}

# ------------------------------------------------------------------ jobs

# start_job($node, $ddl, set => {setting => value}, args => "swap => 'manual'", role => 'r',
# db => 'd'): the job's id.
sub start_job
{
	my ($node, $ddl, %opt) = @_;
	my %set  = %{ $opt{set} || {} };
	my $args = $opt{args} ? ", $opt{args}" : '';
	my $sql  = join '', map { "SET online_schema.$_ = '$set{$_}';\n" } sort keys %set;
	$sql = "SET ROLE $opt{role};\n$sql" if $opt{role};
	return sql($node, "${sql}SELECT osc_start(\$ddl\$$ddl\$ddl\$$args)", $opt{db});
}

sub job_state
{
	my ($node, $job, $db) = @_;
	my $out = '';
	# as in wait_for()
	eval {
		$node->psql($db || 'postgres', "SELECT state FROM osc_progress WHERE job_id = $job",
			stdout => \$out, stderr => \my $err);
	};
	return $out;
}

# Waits for a state of the job, across restarts too, and is a test of its own. A state from
# which the job cannot get there ends the wait at once.
sub job_ends
{
	my ($node, $job, $wanted, $name, $db) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $deadline = time + $timeout;
	my $state    = '';
	while (time < $deadline)
	{
		$state = job_state($node, $job, $db) || $state;
		last if $state eq $wanted;
		last if $state =~ /^(done|failed|cancelled)$/;
		last if $state eq 'paused' && $wanted eq 'done';
		sleep 0.05;
	}
	is($state, $wanted, $name || "job $job: $wanted") or explain_job($node, $job, $db);
	return $state eq $wanted;
}

# What is known of a job that did not do what it should.
sub explain_job
{
	my ($node, $job, $db) = @_;
	for my $query (
		"SELECT * FROM osc_progress WHERE job_id = $job",
		"SELECT * FROM osc_events WHERE job_id = $job ORDER BY at DESC LIMIT 15",
		"SELECT pid, backend_type, state, wait_event, left(query, 80) AS query FROM pg_stat_activity WHERE backend_type ~ 'online_schema|client' AND wait_event IS DISTINCT FROM 'ClientRead' AND pid <> pg_backend_pid()")
	{
		my ($out, $err) = ('', '');
		$node->psql($db || 'postgres', $query, stdout => \$out, stderr => \$err,
			extra_params => [ '-x', '-P', 'tuples_only=off', '-F', ' | ' ]);
		diag($out . $err);
	}
	my @log = split /\n/, log_since($node, (-s $node->logfile) > 3000 ? (-s $node->logfile) - 3000 : 0);
	diag(join "\n", 'server log:', @log > 15 ? @log[-15 .. -1] : @log) if @log;
	return;
}

sub worker_pids
{
	my ($node) = @_;
	my $out = '';
	$node->psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'online_schema worker' ORDER BY pid",
		stdout => \$out, stderr => \my $err);
	return split /\n/, $out;
}

# ------------------------------------------------------------------ what must hold in the end

# Things of a job that are still there: schemas, relations, triggers, registry rows, workers,
# marks in the catalog.
sub leftovers
{
	my ($node, $db) = @_;
	wait_for($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'online_schema worker'", '0');
	return sql($node, <<'SQL', $db);
WITH member AS (
	SELECT objid FROM pg_depend
	WHERE classid = 'pg_proc'::regclass AND refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'online_schema'))
SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname ~ '^osc_\d'
UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class WHERE relname ~ '^osc_(log|twin|shadow|place)'
UNION ALL SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass FROM pg_trigger WHERE tgfoid IN (SELECT objid FROM member)
UNION ALL SELECT 'registry ' || o::text FROM online_schema.job_object o
UNION ALL SELECT 'relrewrite of ' || oid::regclass FROM pg_class c WHERE relrewrite <> 0
	AND NOT EXISTS (SELECT FROM pg_class o WHERE o.relnamespace = 'online_schema'::regnamespace AND c.oid IN (o.oid, o.reltoastrelid))
UNION ALL SELECT 'invalid index ' || indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)
UNION ALL SELECT 'indcheckxmin of ' || indexrelid::regclass FROM pg_index WHERE indcheckxmin AND indexrelid >= 16384
SQL
}

# amcheck over tables with their TOAST tables and B-trees; '' if clean. Its extension goes
# again, so that a dump does not show it.
sub amcheck_faults
{
	my ($node, $db, @tables) = @_;
	my $list = join ', ', map { "'$_'" } @tables;
	my ($out, $err) = ('', '');
	$node->psql($db || 'postgres', <<"SQL", stdout => \$out, stderr => \$err);
SET client_min_messages = warning;
CREATE EXTENSION amcheck;
CREATE FUNCTION pg_temp.faults(tables regclass[]) RETURNS SETOF text LANGUAGE plpgsql AS \$\$
DECLARE
	heap regclass;
	index regclass;
BEGIN
	FOR heap IN SELECT oid FROM pg_class WHERE oid = ANY (tables)
		UNION ALL SELECT reltoastrelid FROM pg_class WHERE oid = ANY (tables) AND reltoastrelid <> 0
	LOOP
		RETURN QUERY SELECT format('%s: block %s: %s', heap, blkno, msg) FROM verify_heapam(heap, check_toast => true);
		FOR index IN SELECT indexrelid FROM pg_index JOIN pg_class i ON i.oid = indexrelid
			WHERE indrelid = heap AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
		LOOP
			BEGIN
				PERFORM bt_index_parent_check(index, heapallindexed => true, rootdescend => true);
			EXCEPTION WHEN others THEN
				RETURN NEXT format('%s: %s', index, SQLERRM);
			END;
		END LOOP;
	END LOOP;
END \$\$;
SELECT pg_temp.faults(ARRAY[$list]::regclass[]);
DROP EXTENSION amcheck;
SQL
	return $out . $err;
}

# ------------------------------------------------------------------ the ledger

# The table "item" with its ledger, as test/t/load/schema.sql tells.
sub create_items
{
	my ($node, $rows, $db, %opt) = @_;
	sql_file($node, 'load/schema.sql', $db, rows => $rows, pad => $opt{pad} || 0);
	return;
}

# Compares table "item" with what ledger and first state say, in one snapshot, so that it
# holds at any moment and under load. $defaults: the values of new columns in rows written
# before they were there, as JSON. Returns '' if nothing is wrong.
sub ledger_faults
{
	my ($node, $defaults, $db) = @_;
	$defaults ||= '{}';
	return sql($node, "SELECT fault FROM ledger_faults('$defaults') ORDER BY 1 LIMIT 20", $db);
}

# start_load($node, scripts => [[name, weight], ...], ...): see OscTest::Load.
sub start_load { return OscTest::Load->new(@_); }

# Waits until each load has done something more than it has by now, and so much in all that
# each of its scripts has had its turn (all => 1).
sub wait_for_load
{
	my ($load, %opt) = @_;
	my $deadline = time + $timeout;
	my @missing = map { [ $_, $_->transactions + 1 ] } @$load;
	if ($opt{all}) { $_->[1] = List::Util::max($_->[1], $_->[0]{enough}) for @missing; }
	while (@missing = grep { $_->[0]->transactions < $_->[1] } @missing)
	{
		last if time > $deadline || grep { !$_->[0]->is_running } @missing;
		sleep 0.1;
	}
	diag('a load has done ' . $_->[0]->transactions . " of $_->[1] transactions: " . join ' ', @{ $_->[0]{scripts} }) for @missing;
	return !@missing;
}

# ------------------------------------------------------------------ the load

# One pgbench, held by a process of its own, which starts it again if the server took it
# down (restart => 1). Stopped by the signal of pgbench's own timer, so that it ends its
# transactions and reports.
package OscTest::Load;

use strict;
use warnings;

use List::Util qw(min sum);
use POSIX ();
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);

my @running;

sub new
{
	my ($class, $node, %opt) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir('load');
	my %var = (rows => $opt{rows} || 200000, %{ $opt{vars} || {} });
	my @cmd = (
		'pgbench', '-n',
		'-h', $node->host, '-p', $node->port,
		'-c', $opt{clients} || 4, '-j', 1,
		'-M', $opt{mode} || 'simple',
		'-T', 100000,
		'-P', 1,
		'--random-seed', $opt{seed} || 1);
	# what is late by more is left out: after a stall the load is no higher than before
	push @cmd, '-R', $opt{rate}, '-L', 3000 if $opt{rate};
	push @cmd, map { ('-D', "$_=$var{$_}") } sort keys %var;
	push @cmd, map { ('-f', OscTest::test_dir() . "/load/$_->[0].sql\@$_->[1]") } @{ $opt{scripts} };
	push @cmd, $opt{db} || 'postgres';

	my $self = bless {
		out     => "$dir/out",
		err     => "$dir/err",
		scripts => [ map { $_->[0] } @{ $opt{scripts} } ]
	}, $class;
	# the random seed is the same in every run, so what was enough for each script to be chosen is
	my @weight = map { $_->[1] } @{ $opt{scripts} };
	$self->{enough} = @weight > 1 ? 8 * sum(@weight) / min(@weight) : 1;
	print "# load: @cmd\n";
	$self->{pid} = fork;
	die "fork: $!" unless defined $self->{pid};
	$self->_hold($opt{restart}, @cmd) unless $self->{pid};
	push @running, $self;
	return $self;
}

# The process that holds pgbench; never returns.
sub _hold
{
	my ($self, $restart, @cmd) = @_;
	my ($stop, $child) = (0, 0);
	local $SIG{TERM} = sub { $stop = 1; kill 'ALRM', $child if $child; };
	while (!$stop)
	{
		$child = fork;
		if (!$child)
		{
			$SIG{TERM} = 'DEFAULT';
			$ENV{PGAPPNAME} = 'pgbench';
			open STDOUT, '>>', $self->{out} or POSIX::_exit(126);
			open STDERR, '>>', $self->{err} or POSIX::_exit(126);
			exec @cmd or POSIX::_exit(127);
		}
		kill 'ALRM', $child if $stop;
		while (waitpid($child, 0) == -1 && $!{EINTR}) { }
		$child = 0;
		last unless $restart;
		sleep 0.2;
	}
	POSIX::_exit(0);
}

sub is_running
{
	my ($self) = @_;
	return $self->{pid} && waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
}

# How many transactions it has done, by its reports of each second.
sub transactions
{
	my ($self) = @_;
	my ($n, $before) = (0, 0);
	my $err = -e $self->{err} ? slurp_file($self->{err}) : '';
	while ($err =~ /^progress: ([\d.]+) s, ([\d.]+) tps/mg)
	{
		# one that was started again counts from 0
		$n += $2 * ($1 > $before ? $1 - $before : $1);
		$before = $1;
	}
	return $n;
}

# Ends the load. Returns { script => transactions } and, as 'errors', what pgbench said of
# clients that it gave up.
sub stop
{
	my ($self) = @_;
	return $self->{result} if $self->{result};
	if ($self->{pid})
	{
		kill 'TERM', $self->{pid};
		waitpid $self->{pid}, 0;
	}
	@running = grep { $_ != $self } @running;
	$self->{pid} = 0;

	my ($out, $err) = map { -e $_ ? slurp_file($_) : '' } $self->{out}, $self->{err};
	my %result = map { ($_ => 0) } @{ $self->{scripts} };
	while ($out =~ m{SQL script \d+: \S*?/(\w+)\.sql\n(?: - weight.*\n)? - (\d+) transactions}g)
	{
		$result{$1} += $2;
	}
	if (@{ $self->{scripts} } == 1 && $out =~ /number of transactions actually processed: (\d+)/)
	{
		$result{ $self->{scripts}[0] } = $1;
	}
	$result{errors} = join "\n", grep { /aborted|error|fatal/i } split /\n/, $err;
	return $self->{result} = \%result;
}

# A test that dies must not leave clients behind.
END
{
	my $status = $?;
	$_->stop for @running;
	$? = $status;
}

1;
