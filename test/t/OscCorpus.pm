# OscCorpus.pm: the cluster in which the equivalence corpus runs, and psql, several at a time.
#
# The cluster has a database "base" with what cases may use, to be cloned: the extensions
# online_schema, btree_gist and citext, an access method heap2, the tablespace eq_space and the
# roles eq_owner, eq_reader and eq_other.

package OscCorpus;

use strict;
use warnings;

use Exporter qw(import);
use OscTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(corpus_dir corpus_node file_of prelude quoted_script run_psql set_up_cases);

my $parallel = 4;
my $dir      = PostgreSQL::Test::Utils::tempdir();
my $node;

# The folder for scripts and outputs.
sub corpus_dir { return $dir; }

sub corpus_node
{
	my ($name) = @_;
	$node = osc_node($name, extension => 0, conf => <<'CONF');
allow_in_place_tablespaces = on
autovacuum = off
max_worker_processes = 40
max_connections = 100
fsync = off
CONF
	sql($node, "CREATE ROLE eq_owner NOLOGIN; CREATE ROLE eq_reader NOLOGIN; CREATE ROLE eq_other NOLOGIN");
	sql($node, "CREATE TABLESPACE eq_space LOCATION ''");
	sql($node, 'CREATE DATABASE base');
	sql($node, <<'SQL', 'base');
CREATE EXTENSION online_schema;
CREATE EXTENSION btree_gist;
CREATE EXTENSION citext;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
GRANT CREATE ON TABLESPACE eq_space TO eq_owner;
SQL
	return $node;
}

# Runs [name, arguments of psql...] in a database, $parallel at a time. Returns
# { name => { out => ..., err => ..., status => ... } }.
sub run_psql
{
	my ($db, $together, @runs) = @_;
	my (%running, %result);
	my $finish = sub {
		my $pid  = wait;
		my $name = delete $running{$pid} or return;
		$result{$name}{status} = $? >> 8;
		my $err = slurp_file("$dir/$name.err");
		$err =~ s/^psql:\S*?:\d+: //mg;
		$result{$name}{err} = $err;
		$result{$name}{out} = slurp_file("$dir/$name.out");
		$result{$name}{out} =~ s/^psql:\S*?:\d+: //mg;
	};
	for my $run (@runs)
	{
		my ($name, @arguments) = @$run;
		$finish->() while keys %running >= $parallel;
		defined(my $pid = fork) or die "fork: $!";
		if (!$pid)
		{
			open STDIN,  '<', '/dev/null'      or POSIX::_exit(126);
			open STDOUT, '>', "$dir/$name.out" or POSIX::_exit(126);
			open STDERR, '>', "$dir/$name.err" or POSIX::_exit(126);
			open STDERR, '>&', \*STDOUT if $together;
			exec('psql', '-X', '-q', '-d', $node->connstr($db), @arguments) or POSIX::_exit(127);
		}
		$running{$pid} = $name;
		append_to_file("$dir/$name.err", '');
	}
	$finish->() while %running;
	return \%result;
}

sub file_of
{
	my ($name, $text) = @_;
	open my $fh, '>', "$dir/$name.sql" or die $!;
	print $fh $text;
	close $fh;
	return "$dir/$name.sql";
}

# The session in which a case runs its change.
sub prelude
{
	my ($case) = @_;
	my $sql = "SET search_path = $case->{schema}, public;\n";
	$sql .= "SET $_;\n" for @{ $case->{set} };
	$sql .= "SET ROLE $case->{role};\n" if $case->{role};
	return $sql;
}

# The script of a case as a constant of SQL.
sub quoted_script
{
	my ($case) = @_;
	return "\$osc_corpus_ddl\$$case->{change}\$osc_corpus_ddl\$";
}

# Runs the setup of cases, each in a schema of its own. Returns those that went well; the others
# are failed tests.
sub set_up_cases
{
	my ($db, @cases) = @_;
	my @ready;
	my $result = run_psql($db, 0,
		map { [ $_->{name}, '-v', 'ON_ERROR_STOP=1', '-f', file_of($_->{name}, <<"SQL") ] } @cases);
SET client_min_messages = warning;
CREATE SCHEMA $_->{schema};
GRANT ALL ON SCHEMA $_->{schema} TO eq_owner, eq_reader, eq_other;
SET search_path = $_->{schema}, public;
$_->{setup}
SQL
	for my $case (@cases)
	{
		if ($result->{ $case->{name} }{status} == 0)
		{
			push @ready, $case;
			next;
		}
		fail($case->{name});
		diag("THE CASE IS WRONG: its setup failed: $result->{$case->{name}}{err}");
	}
	return @ready;
}

1;
