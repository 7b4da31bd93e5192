# OscEquivalence.pm: runs cases of the corpus natively in one database and by osc_start() in
# another, and compares all that there is afterwards.
#
#   run_cases(\@cases, %how)     each case is one test; dies of nothing that a case does
#     strategy => NAME           the strategy of all cases; without it that which a case forces
#     by_name  => 1              the places of columns are no difference: attribute numbers are
#                                told as names, columns in the order of their names, and what
#                                is put in "after" without a column list gets the list of before
#   limits_are_told(\@cases)     the limits of refused cases are in the README
#
# OSC_CASES_OUT=directory keeps what osc_plan() and the jobs said, a file per case.

package OscEquivalence;

use strict;
use warnings;

use Exporter qw(import);
use OscCorpus;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

our @EXPORT = qw(limits_are_told run_cases);

my $patience = '180s';
my $dir      = corpus_dir();
my $keep     = $ENV{OSC_CASES_OUT};
my ($node, %how);

# ------------------------------------------------------------------ what there is

# The lines in which two texts differ, with some around them; '' if they are the same.
sub differences
{
	my ($native, $online) = @_;
	return '' if $native eq $online;
	open my $fh, '>', "$dir/native" or die $!;
	print $fh "$native\n";
	close $fh;
	open $fh, '>', "$dir/online" or die $!;
	print $fh "$online\n";
	close $fh;
	my @lines = split /\n/, qx(diff -U1 --label native --label online '$dir/native' '$dir/online');
	splice @lines, 40, @lines - 40, '...' if @lines > 40;
	return join "\n", @lines;
}

# The schema of the case to which a text belongs: the first that it names; a schema eq_x_other
# belongs to case x. '' if there is none.
my %case_of;

sub case_schema
{
	my ($text) = @_;
	for my $name ($text =~ /\b(eq_\w+)/g)
	{
		1 until $case_of{$name} || $name !~ s/_[^_]*$//;
		return $name if $case_of{$name};
	}
	return '';
}

# What pg_dump tells of a table, the lines for its columns in the order of their names.
sub table_by_name
{
	my ($block) = @_;
	my ($head, $columns, $rest) = $block =~ /^(.*?^CREATE [^\n]*\(\n)(.*?)(^\).*)/ms or return $block;
	my @columns = map { s/,$//r } split /\n/, $columns;
	# what is set for a column by a statement of its own stands behind, a line for each
	my @rest = split /\n/, $rest;
	return $head . join("\n", (sort @columns), shift @rest, sort @rest) . "\n";
}

# pg_dump -s, an entry of a case's schema to the case. The settings that pg_dump writes
# between entries are told with the entries that they are for.
sub dumps
{
	my ($db) = @_;
	my %dump;
	my ($owner, $type, %default) = ('', '');
	for my $block (split /^(?=--\n-- Name: )/m, dump_schema($node, $db))
	{
		my $to = '';
		if ($block =~ /^--\n-- Name: (.*); Type: (.*?); Schema: (.*?); Owner:/)
		{
			my ($name, $schema) = ($1, $3);
			$type = $2;
			$to = case_schema($schema) || case_schema($name);
		}
		my $told = join ', ', map { "$_ = $default{$_}" } sort keys %default;
		$default{$1} = $2 while $block =~ s/^SET (default_\w+) = (.*);\n//m;
		$block =~ s/\s+$//;
		$block = table_by_name($block) if $how{by_name} && $type =~ /^(TABLE|FOREIGN TABLE)$/;
		$block =~ s/^(CREATE STATISTICS .* ON )(.*)( FROM .*)/$1 . join(', ', sort split m{, }, $2) . $3/me if $how{by_name};
		$block .= "\n[$told]" if $type =~ /TABLE|INDEX|VIEW/ && $told;
		push @{ $dump{$to} }, "$block\n";
	}
	# comments and grants of columns stand in the order of the columns
	$_ = join '', $how{by_name} ? sort @$_ : @$_ for values %dump;
	return \%dump;
}

# The output of a file of queries, each line to the case whose schema it names.
sub told_of
{
	my ($db, $file, @vars) = @_;
	my $result = run_psql($db, 1, [ 'told', '-0', (map { ('-v', $_) } @vars), '-f', OscTest::test_dir() . "/$file" ]);
	my %told;
	my $section = '';
	# a record may hold line feeds, and stands behind the headings of its section
	for my $record (split /\0/, $result->{told}{out})
	{
		$section = $1 while $record =~ s/^== (.*)\n//;
		$record =~ s/\s+$//;
		my $schema = case_schema($record);
		next unless $schema || $record =~ /ERROR/;
		# the storage of TOAST tables hangs on OIDs
		$record =~ s/pg_toast_\d+/pg_toast_N/g;
		push @{ $told{ $schema || '' } }, "$section: $record\n";
	}
	# some queries sort by OID, which a rebuilt index has anew
	$_ = join '', sort @$_ for values %told;
	return \%told;
}

# Everything that is compared of a database: { what => { schema => text } }.
sub state_of
{
	my ($db, $group) = @_;
	my @by_name = $how{by_name} ? 'by_name=yes' : ();
	my $new = join ',', map { my $c = $_; map { '"' . ("$c->{schema}." . (split ' ')[0] =~ s/(["\\])/\\$1/gr) . '"' } @{ $c->{new} } } @{ $group->{cases} };
	return {
		'pg_dump -s' => dumps($db),
		'catalogs'   => told_of($db, 'rich/catalog.sql', @by_name),
		'rows, OIDs' => told_of($db, '../equivalence/check/state.sql', @by_name, "first_new=$group->{first_new}", "new_columns={$new}", 'about=^eq_')
	};
}

# The parts of a case in which two states differ.
sub state_faults
{
	my ($case, $one, $other) = @_;
	my @faults;
	for my $what (sort keys %$one)
	{
		my @text = map { $_->{$what}{ $case->{schema} } // '' } $one, $other;
		# hints of pg_class, which only VACUUM takes back: index, rules, triggers, children
		s/^(relations: (?:[^|]*\|){8})[tf]\|([^|]*)\|[tf]\|[tf]\|[tf]/$1?|$2|?|?|?/mg for @text;
		if (grep { $_ eq 'missing' } @{ $case->{ignore} })
		{
			s/^(columns: (?:[^|]*\|){13})[tf]\|[^|]*/$1/mg for @text;
		}
		if (grep { $_ eq 'toast' } @{ $case->{ignore} })
		{
			s/^(TOAST tables|dependencies: toast table).*\n//mg for @text;
			s/^(relations: (?:[^|]*\|){22})[tf]/$1?/mg for @text;
		}
		my $difference = differences(@text);
		push @faults, "$what differ:\n$difference" if $difference ne '';
	}
	return @faults;
}

# ------------------------------------------------------------------ without places of columns

# { schema => { table => [columns] } }, quoted, those that are generated left out at the end.
sub columns_of
{
	my ($db) = @_;
	my %columns;
	my $told = sql($node, <<'SQL', $db);
SELECT n.nspname, quote_ident(c.relname), quote_ident(a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname ~ '^eq_' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum
SQL
	for (split /\n/, $told)
	{
		my ($schema, $table, $column) = split /\|/;
		push @{ $columns{$schema}{$table} }, $column;
	}
	return \%columns;
}

# How many expressions a list of VALUES or SELECT has: commas outside of parentheses and quotes.
sub count_expressions
{
	my ($text) = @_;
	my ($n, $depth) = (1, 0);
	$text =~ s/'[^']*'|"[^"]*"/x/g;
	while ($text =~ /([][(){},;]|\bFROM\b)/gi)
	{
		my $at = $1;
		if ($at =~ /[[({]/) { $depth++; }
		elsif ($at =~ /[])}]/) { last if --$depth < 0; }
		elsif ($at eq ',') { $n++ if !$depth; }
		elsif (!$depth) { last; }
	}
	return $n;
}

# The statements under "after"; where places do not count, INSERT gets the columns of before.
sub after_script
{
	my ($case, $columns) = @_;
	my $after = $case->{after};
	my $of    = $columns && $columns->{ $case->{schema} } || {};
	my $settings = "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n\\pset null '-'\n";
	if ($how{by_name})
	{
		$settings .= "\\pset format unaligned\n\\pset expanded on\n";
		$after =~ s{(INSERT\s+INTO\s+)((?:\w+|"[^"]*"))(\s+(?:OVERRIDING\s+\w+\s+VALUE\s+)?)(VALUES\s*\(|SELECT\b)(?=([^;]*))}{
			my ($into, $table, $space, $verb, $list) = ($1, $2, $3, $4, $5);
			my $all = $of->{$table};
			my $n = count_expressions($list);
			$all && $n <= @$all ? $into . "$table (" . join(', ', @$all[ 0 .. $n - 1 ]) . ')' . $space . $verb : $into . $table . $space . $verb;
		}gies;
	}
	return $settings . prelude($case) . $after;
}

# Answers in which the fields of each record, and the values in the detail of an error that tells
# a row, stand in the order of the alphabet.
sub answers_by_name
{
	my ($out) = @_;
	$out =~ s/^(DETAIL:  Failing row contains \()(.*)\)\.$/$1 . join(', ', sort split m{, }, $2) . ').'/gme;
	return join "\n\n", map { join "\n", sort split /\n/ } split /\n\n+/, $out;
}

# ------------------------------------------------------------------ one case

# "SQLSTATE: message" of the first error of psql's output.
sub error_in
{
	my ($err) = @_;
	return $err =~ /^(?:ERROR|FATAL):\s+([0-9A-Z]{5}: .*)/m ? $1 : '';
}

sub notices_in
{
	my ($err) = @_;
	return map { s/^.*?:\s+//r } grep { /^(NOTICE|WARNING):/ } split /\n/, $err;
}

# What psql is to run for the change of a case, online.
sub online_script
{
	my ($case) = @_;
	my $strategy = $how{strategy} || $case->{force} || 'auto';
	my $ddl = quoted_script($case);
	# a swap that could be taken back is kept until it is cleaned up
	my $kept = !$how{strategy} || $how{strategy} ne 'column' ? '' : <<"SQL";
SELECT state = 'kept' AS kept FROM osc_progress WHERE job_id = :job \\gset
\\if :kept
SELECT osc_cleanup(:job) AS cleaned \\gset
CALL osc_wait(:job, '$patience');
\\endif
SQL
	return "\\set VERBOSITY verbose\n"
	  . prelude($case)
	  . <<"SQL";
\\pset format unaligned
\\pset tuples_only on
\\pset null ''
\\pset fieldsep '\\t'
\\pset recordsep_zero
\\o $dir/$case->{name}.plan
SELECT step, phase, strategy, command, lock_mode, blocks, cost, note FROM osc_plan($ddl, strategy => '$strategy');
\\o
\\pset recordsep '\\n'
\\warn ==== start
SELECT osc_start($ddl, strategy => '$strategy') AS job \\gset
\\if :{?job}
\\echo :job
\\warn ==== wait
CALL osc_wait(:job, '$patience');
$kept\\endif
SQL
}

# How all jobs of a database ended: { job => [state, error] }, the error as SQLSTATE and message
# if one was raised. A job that does not end by itself is cancelled.
sub outcomes
{
	my ($db) = @_;
	my %of;
	my $told = sql($node, <<'SQL', $db);
SELECT p.job_id, p.state, replace(coalesce(e.error, nullif(concat_ws(', ', p.last_error,
		CASE WHEN p.state NOT IN ('done', 'failed', 'cancelled') THEN p.phase || ', ' || coalesce(p.waiting_for, '') END), ''), ''), E'\n', ' ')
FROM osc_progress p LEFT JOIN LATERAL (
	SELECT (detail->>'sqlstate') || ': ' || (detail->>'message') AS error FROM osc_events e
	WHERE e.job_id = p.job_id AND e.event = 'error' AND p.state = 'failed' ORDER BY at DESC LIMIT 1) e ON true
SQL
	for (split /\n/, $told)
	{
		my ($job, $state, $error) = split /\|/, $_, 3;
		$of{$job} = [ $state, $error ];
		$node->psql($db, "SELECT osc_cancel($job)") unless $state =~ /^(done|failed|cancelled)$/;
	}
	return \%of;
}

# The error with which the change failed online, and of whom it is: osc_start() or the job; or
# what the job says though it is done.
sub online_error
{
	my ($run, $outcomes) = @_;
	my ($plan, $start, $wait) = split /^==== \w+\n/m, $run->{err};
	my $error = error_in($start // '');
	return ('start', $error) if $error ne '';
	my ($job) = $run->{out} =~ /^(\d+)$/m;
	return ('start', "no job: $run->{err}") unless $job && $outcomes->{$job};
	my ($state, $told) = @{ $outcomes->{$job} };
	return ($state eq 'failed' ? 'job' : $state eq 'done' ? '' : 'stuck', $state eq 'failed' || $state eq 'done' ? $told : "the job is $state: $told");
}

# Values that are new in every run: there, unique, and their sequence behind them.
sub new_value_faults
{
	my ($case, $db) = @_;
	my @faults;
	for (@{ $case->{new} })
	{
		my ($name, @demands) = split ' ';
		my ($table, $column) = $name =~ /^(.*)\.(.*)$/;
		s/"/""/g for $table, $column;
		my $from = "\"$case->{schema}\".\"$table\"";
		my $bad = sql($node, "SELECT concat_ws(', ', CASE WHEN count(\"$column\") <> count(*) THEN 'missing' END, CASE WHEN count(DISTINCT \"$column\") <> count(\"$column\") THEN 'double' END) FROM $from", $db);
		$bad =~ s/(, )?double// unless grep { $_ eq 'unique' || $_ eq 'serial' } @demands;
		push @faults, "new values of $name are $bad in $db" if $bad ne '';
		next unless grep { $_ eq 'serial' } @demands;
		my $behind = sql($node, "SELECT coalesce(bool_and(\"$column\" <= pg_sequence_last_value(pg_get_serial_sequence('$from', '$column')::regclass)), true) FROM $from", $db);
		push @faults, "the sequence of $name is not behind its values in $db" if $behind ne 't';
	}
	return @faults;
}

# What is wrong with a case, as texts.
sub case_faults
{
	my ($case, $group) = @_;
	my ($kind, @detail) = split ' ', $case->{expect};
	my $name   = $case->{name};
	my $native = error_in($group->{native}{$name}{err});
	my ($where, $online) = online_error($group->{online}{$name}, $group->{outcomes});
	my @faults;

	# the plan
	if ($case->{strategy} && $where ne 'start')
	{
		my %shown = map { ($_ => 1) } grep { $_ ne '' } map { (split /\t/)[2] // '' } split /\0/, slurp_file("$dir/$name.plan");
		my ($shown, $wanted) = map { join ' ', sort @$_ } [ keys %shown ], [ split ' ', $case->{strategy} ];
		push @faults, "osc_plan() shows strategy \"$shown\", not \"$wanted\"" if $shown ne $wanted;
	}

	# the outcome
	if ($kind eq 'error')
	{
		if ($native eq '') { push @faults, 'THE CASE IS WRONG: native did not fail'; }
		elsif ($where eq '' || $where eq 'stuck') { push @faults, "native failed: $native\nonline did not: $where $online"; }
		elsif (grep { $_ eq 'own' } @detail) { push @faults, "osc_start() must refuse it with 0A000: $online" unless $where eq 'start' && $online =~ /^0A000: /; }
		elsif (index($online, grep({ $_ eq 'code' } @detail) ? substr($native, 0, 5) : $native) != 0) { push @faults, differences($native, $online); }
		push @faults, "osc_start() must raise this error: $online" if $where eq 'job' && grep { $_ eq 'start' } @detail;
		push @faults, map { "native: $_" } state_faults($case, $group->{before}, $group->{native_state});
	}
	elsif ($kind eq 'refused')
	{
		my ($state, $pattern) = split ' ', $case->{expect} =~ s/^refused //r, 2;
		push @faults, "THE CASE IS WRONG: native failed: $native" if $native ne '';
		my ($told) = $group->{online}{$name}{err} =~ /^==== start\n(.*)/ms;
		push @faults, "osc_start() must refuse it with $state, $pattern: " . ($online ne '' ? $told : 'it did not')
		  unless $where eq 'start' && $online =~ /^$state: / && $told =~ /$pattern/;
	}
	else
	{
		push @faults, "THE CASE IS WRONG: native failed: $group->{native}{$name}{err}" if $native ne '';
		push @faults, "online failed ($where): $online\n" . join('', grep { /^(DETAIL|HINT|WARNING):/ } split /^/, $group->{online}{$name}{err} =~ s/.*^==== start\n//msr) if $where ne '';
		push @faults, "the job is done, but says: $online" if $where eq '' && $online ne '';
		my $told = join "\n", notices_in($group->{online}{$name}{err});
		for (notices_in($group->{native}{$name}{err}))
		{
			push @faults, "online does not tell the notice \"$_\"" if index($told, $_) < 0;
		}
		return @faults if $where ne '';
	}

	# what there is now
	my $wanted = $kind eq 'same' ? $group->{native_state} : $group->{before};
	push @faults, state_faults($case, $wanted, $group->{online_state});
	if ($kind ne 'refused')
	{
		push @faults, @{ $group->{new_value_faults}{ $case->{name} } } if $kind eq 'same';
		my $difference = differences($group->{native_after}{$name}{out}, $group->{online_after}{$name}{out});
		push @faults, "afterwards they behave differently:\n$difference" if $difference ne '';
	}
	push @faults, "amcheck: $_" for grep { /\b$case->{schema}\b/ } @{ $group->{soundness} };
	return @faults;
}

# ------------------------------------------------------------------ a pair of databases

sub run_group
{
	my ($database, @cases) = @_;
	my $at   = time;
	my @took;
	my $took = sub { push @took, sprintf '%s %.0f s', $_[0], time - $at; $at = time; };
	my ($native, $online) = ("native_$database", "online_$database");
	my %group = (native_db => $native, online_db => $online);

	sql($node, "CREATE DATABASE $native TEMPLATE base; GRANT CREATE ON DATABASE $native TO eq_owner");
	my @ready = set_up_cases($native, @cases);
	%case_of = map { ($_->{schema} => $_) } @ready;
	$group{cases} = \@ready;
	$group{first_new} = sql($node, 'CREATE TEMP TABLE mark (); SELECT \'mark\'::regclass::oid', $native);
	sql($node, "CREATE DATABASE $online TEMPLATE $native; GRANT CREATE ON DATABASE $online TO eq_owner");
	# settings of a database are not cloned with it
	sql($node, "SELECT format('ALTER DATABASE $online SET %I = %L', split_part(c, '=', 1), split_part(c, '=', 2)) FROM pg_db_role_setting s, unnest(setconfig) c WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = '$native') \\gexec");

	$took->('setup');
	$group{before} = state_of($native, \%group);
	# the setup itself may leave indcheckxmin behind
	my %natively = map { ($_ => 1) } split /\n/, leftovers($node, $native);
	$group{columns} = columns_of($native) if $how{by_name};
	$took->('state before');
	$group{native} = run_psql($native, 0,
		map { [ $_->{name}, '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=1', '-c', prelude($_),
			$_->{native} eq '' ? ('-c', $_->{change}) : ('-f', file_of("$_->{name}.native", $_->{native})) ] } @ready);
	$took->('native');
	$group{online} = run_psql($online, 0,
		map { [ $_->{name}, '-f', file_of($_->{name}, online_script($_)) ] } @ready);
	$group{outcomes} = outcomes($online);
	$took->('online');
	$group{native_state} = state_of($native, \%group);
	$group{online_state} = state_of($online, \%group);
	$natively{$_} = 1 for split /\n/, leftovers($node, $native);
	$group{leftovers} = join "\n", grep { !$natively{$_} } split /\n/, leftovers($node, $online);
	$took->('states after');
	# what comes "after" may drop the columns; a job that failed has not added them
	for my $case (grep { $_->{expect} eq 'same' } @ready)
	{
		$group{new_value_faults}{ $case->{name} } =
		  [ map { my $db = $_; my @faults = eval { new_value_faults($case, $db) }; $@ ? "new values cannot be looked at in $db: $@" : @faults } $native, $online ];
	}
	for my $db ($native, $online)
	{
		$group{ $db eq $native ? 'native_after' : 'online_after' } = run_psql($db, 1,
			map { [ $_->{name}, '-f', file_of($_->{name}, after_script($_, $group{columns})) ] } grep { $_->{expect} !~ /^refused/ } @ready);
	}
	$took->('behaviour');
	# the line of the source that raised an error is no part of it
	for my $run (map { values %{ $group{$_} } } qw(native_after online_after))
	{
		$run->{out} =~ s/^LOCATION:.*\n//mg;
		$run->{out} = answers_by_name($run->{out}) if $how{by_name};
	}
	$group{soundness} = [ split /\n/, run_psql($online, 1, [ 'soundness', '-f', OscTest::test_dir() . '/../equivalence/check/soundness.sql' ])->{soundness}{out} ];

	$took->('amcheck');

	for my $case (@ready)
	{
		my @faults = case_faults($case, \%group);
		ok(!@faults, "$case->{file}: $case->{name}")
		  or diag(join "\n", "$case->{file}.sql:$case->{line}: $case->{name}: $case->{change}", @faults);
		if ($keep)
		{
			my $plan = -e "$dir/$case->{name}.plan" ? slurp_file("$dir/$case->{name}.plan") : '';
			$plan =~ s/\0/\n/g;
			append_to_file("$keep/$case->{name}", "$plan\n$group{online}{$case->{name}}{err}\n$group{native_after}{$case->{name}}{out}\n");
		}
	}
	is($group{leftovers}, '', "$database: nothing of the jobs is left");
	is(join("\n", grep { !/\beq_/ } @{ $group{soundness} }), '', "$database: amcheck ran");
	for my $what (sort keys %{ $group{native_state} })
	{
		is(differences(map { $group{$_}{$what}{''} // '' } qw(native_state online_state)), '', "$database: $what of what belongs to no case");
	}
	$took->('comparison');
	note("$database: ", join ', ', @took);
	return;
}

# ------------------------------------------------------------------ all of it

sub run_cases
{
	my ($cases, %opt) = @_;
	%how  = %opt;
	$node = corpus_node($how{name});
	my %database;
	push @{ $database{ $_->{database} } }, $_ for @$cases;
	my $begun = time;
	for my $name (sort keys %database)
	{
		run_group($name, @{ $database{$name} });
	}
	note(sprintf '%d cases in %d pairs of databases, %.0f s', scalar @$cases, scalar keys %database, time - $begun);
	$node->stop;
	return;
}

# What is refused is in the README.
sub limits_are_told
{
	my ($cases) = @_;
	my $readme = slurp_file(OscTest::test_dir() . '/../../README.md');
	my ($limits) = $readme =~ /^## Limits\n(.*?)^## /ms;
	$limits =~ s/\s+/ /g;
	for my $case (grep { $_->{limit} } @$cases)
	{
		ok(index(lc $limits, lc $case->{limit}) >= 0, "README, Limits: \"$case->{limit}\" ($case->{name})");
	}
	return;
}

1;
