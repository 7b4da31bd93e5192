# LintTest.pm: runs osc-lint for the tests, and reads their cases.
#
# A file of cases, corpus/*.sql, holds migrations. A line that begins with four hyphens is a
# header:
#
#   ---- good NAME | bad NAME      begins a migration: nothing, or something, may be found
#   ---- options ...               arguments of osc-lint
#   ---- schema                    what follows is there already (--schema)
#   ---- sql                       what follows is the migration (needed behind "schema" only)
#   ---- expect LINE[:COLUMN] RULE SEVERITY [unsure]      a finding; all of them are named
#
# Lines are counted in the migration. The program is $OSC_LINT.

package LintTest;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

our @EXPORT_OK = qw(lint lint_json read_cases read_equivalence read_fixes slurp spew work);

my $program = $ENV{OSC_LINT} or die 'OSC_LINT must name the program';
my $work = tempdir(CLEANUP => 1);

sub work { return $work; }

sub spew
{
	my ($path, $text) = @_;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
	return $path;
}

sub slurp
{
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/;
	my $text = <$file>;
	return $text // '';
}

# Runs osc-lint; returns status, standard output and standard error. A hash in front may give
# standard input and folder.
sub lint
{
	my $how = ref $_[0] ? shift : {};
	my @arguments = @_;
	my $in = spew("$work/in", $how->{stdin} // '');
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		chdir($how->{folder} // $work) or die;
		open STDIN, '<', $in or die;
		open STDOUT, '>', "$work/out" or die;
		open STDERR, '>', "$work/err" or die;
		exec $program, @arguments or die "$program: $!";
	}
	waitpid $pid, 0;
	return ($? & 127 ? "signal " . ($? & 127) : $? >> 8, slurp("$work/out"), slurp("$work/err"));
}

# The same with --format json; returns status and what was written, taken apart.
sub lint_json
{
	my ($status, $out, $err) = lint('--format', 'json', @_);
	diag $err if $err ne '';
	my $result = eval { decode_json($out) };
	die "not JSON: $@\n$out" if !$result;
	return ($status, $result);
}

sub read_cases
{
	my ($path) = @_;
	my (@cases, $case, $into);
	for my $line (split /^/, slurp($path))
	{
		if ($line !~ /^---- (\w+)\s*(.*?)\s*$/)
		{
			$case->{$into} .= $line if $case;
			next;
		}
		my ($key, $value) = ($1, $2);
		if ($key eq 'good' || $key eq 'bad')
		{
			$case = { kind => $key, name => $value, sql => '', schema => '', options => [], expect => [] };
			push @cases, $case;
			$into = 'sql';
		}
		elsif ($key eq 'options') { $case->{options} = [ split ' ', $value ]; }
		elsif ($key eq 'schema' || $key eq 'sql') { $into = $key; }
		elsif ($key eq 'expect') { push @{ $case->{expect} }, $value; }
		else { die "$path: what is \"$key\"?"; }
	}
	return @cases;
}

# The cases of fixes.sql, whose head tells the format. ^M at the end of a line is a carriage
# return.
sub read_fixes
{
	my ($path) = @_;
	my (@cases, $case, $into);
	for my $line (split /^/, slurp($path))
	{
		$line =~ s/\^M$/\r/m;
		if ($line !~ /^---- (\w+)\s*(.*?)\s*$/)
		{
			$case->{$into} .= $line if $case;
			next;
		}
		my ($key, $value) = ($1, $2);
		if ($key eq 'case')
		{
			$case = { name => $value, setup => '', migration => '', options => [], left => '' };
			push @cases, $case;
			$into = 'setup';
		}
		elsif ($key eq 'options') { $case->{options} = [ split ' ', $value ]; }
		elsif ($key eq 'left') { $case->{left} = $value; }
		elsif ($key eq 'migration' || $key eq 'fixed') { $into = $key; $case->{$key} = ''; }
		else { die "$path: what is \"$key\"?"; }
	}
	# the empty line before the next case, and the end of a last line, are not meant
	for my $case (@cases)
	{
		$case->{fixed} //= $case->{migration};
		s/\r?\n(\r?\n)*\z/\n/ for $case->{migration}, $case->{fixed};
	}
	return @cases;
}

# The cases of the equivalence corpus that say which strategy their change needs; see
# test/t/OscCases.pm for the format.
sub read_equivalence
{
	my ($folder) = @_;
	my @cases;
	for my $path (sort glob "$folder/*.sql")
	{
		my ($case, $into);
		for my $line (split /^/, slurp($path))
		{
			if ($line !~ /^---- ?(\w+)\s*(.*?)\s*$/)
			{
				$case->{$into} .= $line if $case;
				next;
			}
			my ($key, $value) = ($1, $2);
			if ($key eq 'case')
			{
				$case = { name => $value, setup => '', change => '', native => '', after => '', set => [] };
				push @cases, $case;
				$into = 'setup';
			}
			elsif ($value eq '') { $into = $key; }
			elsif ($key eq 'set') { push @{ $case->{set} }, $value; }
			else { $case->{$key} = $value; }
		}
	}
	return grep { $_->{strategy} && !$_->{force} && ($_->{expect} // 'same') eq 'same' } @cases;
}

1;
