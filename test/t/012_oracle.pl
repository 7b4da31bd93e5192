# 012_oracle.pl: the corpus and what osc_plan() makes of it, seen by another parser.
#
# test/oracle is a small program on libpg_query. It tells, independently of our code, that
#   - every AlterTableType that a user can write for a table occurs in the corpus;
#   - every command that osc_plan() prints for the corpus parses;
#   - the server splits a script into the statements into which libpg_query splits it;
#   - the sub-commands of a plan together are those of the script, apart from the announced
#     rewrites, which are the functions undo_* below and nothing else: CONCURRENTLY added; NOT
#     VALID and VALIDATE for a constraint; a helper CHECK that is dropped again, for SET NOT
#     NULL, a key or ATTACH PARTITION; a unique index and USING INDEX for UNIQUE and PRIMARY
#     KEY; inline constraints of a new column apart from it; a name for what has none; the
#     schema of a table; one object per DROP INDEX.
# Parse trees are compared without locations.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use JSON::PP;
use OscCases qw(read_cases);
use OscCorpus;
use OscTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir  = corpus_dir();
my $json = JSON::PP->new->canonical->allow_nonref;
my $wide = JSON::PP->new->utf8;

system('make', '-s', '-f', test_dir() . '/../oracle/Makefile', "OUT=$dir/oracle") == 0
  or plan skip_all => 'the oracle needs libpg_query (Debian: libpg-query-dev)';

# What the parser says of texts: for each { error, tree, split }.
sub oracle
{
	my (@texts) = @_;
	open my $fh, '>', "$dir/texts" or die $!;
	print $fh map { "$_\0" } @texts;
	close $fh;
	my @told = map { $wide->decode($_) } split /\n/, qx('$dir/oracle' <'$dir/texts');
	die 'the oracle did not answer' unless @told == @texts;
	return @told;
}

my @cases = read_cases();
my @told  = oracle(map { $_->{change} } @cases);
$cases[$_]{oracle} = $told[$_] for 0 .. $#cases;

# ------------------------------------------------------------------ the corpus is complete

# The sub-commands that no user can write for a table, with the reason.
my %not_written = (
	(map { ("AT_$_" => 'made by the server itself while it recurses or rebuilds') }
		qw(AddColumnRecurse DropColumnRecurse AddConstraintRecurse ValidateConstraintRecurse DropConstraintRecurse
		ReAddIndex ReAddConstraint ReAddDomainConstraint ReAddComment ReAddStatistics CookedColumnDefault CheckNotNull)),
	AT_AddColumnToView    => 'CREATE OR REPLACE VIEW',
	AT_ReplaceRelOptions  => 'CREATE OR REPLACE VIEW',
	AT_AddIndex           => 'made of ADD UNIQUE, PRIMARY KEY and EXCLUDE, which are looked for below',
	AT_AddIndexConstraint => 'made of ADD CONSTRAINT USING INDEX, which is looked for below');

my $whole = !$ENV{OSC_CASES};
promise 'every sub-command of ALTER TABLE is in the corpus' => sub {
	plan skip_all => 'only some cases were asked for' unless $whole;
	my $text = join ' ', map { $json->encode($_->{oracle}{tree}) } @cases;
	my ($include, $err) = run_command([ 'pg_config', '--includedir-server' ]);
	my ($enum) = slurp_file("$include/nodes/parsenodes.h") =~ /typedef enum AlterTableType\s*\{(.*?)\}\s*AlterTableType/s;
	$enum =~ s{/\*.*?\*/}{}gs;
	my @types = $enum =~ /\b(AT_\w+)/g;
	cmp_ok(scalar @types, '>=', 66, 'parsenodes.h was read');
	my @missing = grep { !$not_written{$_} && $text !~ /"subtype":"$_"/ } @types;
	# the corpus is written for 15: later releases have more
	my $release = (run_command([ 'pg_config', '--version' ]))[0] =~ /(\d+)/ ? $1 : 0;
	@missing = grep { $_ ne 'AT_SetExpression' } @missing if $release > 15;
	is("@missing", '', 'none is missing');
	my %known = map { ($_ => 1) } @types;
	is(join(' ', grep { !$known{$_} } sort keys %not_written), '', 'the list of exceptions is up to date') if $release == 15;
	like($text, qr/"contype":"$_"/, $_) for qw(CONSTR_CHECK CONSTR_UNIQUE CONSTR_PRIMARY CONSTR_EXCLUSION CONSTR_FOREIGN CONSTR_IDENTITY CONSTR_GENERATED);
	like($text, qr/"indexname":/, 'USING INDEX');
	like($text, qr/"$_":/, $_) for qw(RenameStmt AlterObjectSchemaStmt IndexStmt DropStmt ReindexStmt VacuumStmt ClusterStmt);
};

# ------------------------------------------------------------------ trees

# A tree without what may differ: locations, the schema of the case, defaults in words.
sub stripped
{
	my ($node, $schema) = @_;
	if (ref $node eq 'ARRAY') { return [ map { stripped($_, $schema) } @$node ]; }
	return $node unless ref $node eq 'HASH';
	my %copy;
	for my $key (keys %$node)
	{
		next if $key =~ /^(location|stmt_location|stmt_len|relpersistence)$/;
		next if $key eq 'schemaname' && $node->{$key} eq $schema;
		$copy{$key} = stripped($node->{$key}, $schema);
	}
	# an option's value may be written as a number, a word or a string
	if (exists $copy{defname})
	{
		my $value = $json->encode($copy{arg} // '');
		$copy{arg} = $value =~ /"sval":("(?:[^"\\]|\\.)*")/ ? $json->decode($1) : $value =~ /"(?:ival|fval)":"?([-\d.eE+]+)/ ? $1 : $value;
	}
	return \%copy;
}

# The changes that a list of statements makes: [{ table, what, node }], a sub-command each.
sub changes_of
{
	my ($schema, @trees) = @_;
	my @changes;
	for my $statement (map { map { $_->{stmt} } @{ $_->{stmts} } } @trees)
	{
		my ($kind) = keys %$statement;
		my $node = stripped($statement->{$kind}, $schema);
		if ($kind eq 'AlterTableStmt')
		{
			my $table = $json->encode([ $node->{relation}, $node->{missing_ok} ]);
			push @changes, map { { table => $table, what => $_->{subtype}, node => $_ } } map { inline_apart($_->{AlterTableCmd}) } @{ $node->{cmds} };
		}
		elsif ($kind eq 'DropStmt')
		{
			my $objects = delete $node->{objects};
			# the schema of an object is the first of its names
			push @changes, map { my @names = @{ $_->{List}{items} }; shift @names if @names > 1 && $names[0]{String}{sval} eq $schema;
				{ table => '', what => $kind, node => { %$node, object => \@names } } } @$objects;
		}
		else { push @changes, { table => '', what => $kind, node => $node }; }
	}
	return @changes;
}

# A new column and its inline constraints, as sub-commands.
sub inline_apart
{
	my ($command) = @_;
	my $column = $command->{def}{ColumnDef};
	return $command unless $command->{subtype} eq 'AT_AddColumn' && $column && $column->{constraints};
	my (@stay, @apart);
	my $name = { String => { sval => $column->{colname} } };
	for my $constraint (map { $_->{Constraint} } @{ $column->{constraints} })
	{
		my $type = $constraint->{contype};
		if ($type =~ /^CONSTR_ATTR_(NOT_)?(DEFERRABLE|DEFERRED|IMMEDIATE)$/)
		{
			$apart[-1]{deferrable} = JSON::PP::true if $2 ne 'IMMEDIATE' && !$1;
			$apart[-1]{initdeferred} = JSON::PP::true if $2 eq 'DEFERRED';
		}
		elsif ($type =~ /^CONSTR_(UNIQUE|PRIMARY)$/) { push @apart, { %$constraint, keys => [$name] }; }
		elsif ($type eq 'CONSTR_FOREIGN') { push @apart, { %$constraint, fk_attrs => [$name] }; }
		elsif ($type eq 'CONSTR_CHECK') { push @apart, {%$constraint}; }
		else { push @stay, { Constraint => $constraint }; }
	}
	my %column = (%$column, constraints => \@stay);
	delete $column{constraints} unless @stay;
	return ({ %$command, def => { ColumnDef => \%column } },
		map { { subtype => 'AT_AddConstraint', behavior => 'DROP_RESTRICT', def => { Constraint => $_ } } } @apart);
}

sub constraint_of { return $_[0]{what} eq 'AT_AddConstraint' ? $_[0]{node}{def}{Constraint} : {}; }

# ------------------------------------------------------------------ the announced rewrites

# CONCURRENTLY, which a plan adds.
sub undo_concurrently
{
	my (@changes) = @_;
	for my $node (map { $_->{node} } @changes)
	{
		delete $node->{concurrent};
		$node->{params} = [ grep { $_->{DefElem}{defname} ne 'concurrently' } @{ $node->{params} } ] if $node->{params};
		delete $node->{params} unless $node->{params} && @{ $node->{params} };
	}
	return @changes;
}

# A constraint NOT VALID, and its VALIDATE, of the plan.
sub undo_validate
{
	my (@changes) = @_;
	my %validated = map { ("$_->{table} $_->{node}{name}" => 1) } grep { $_->{what} eq 'AT_ValidateConstraint' } @changes;
	my %added;
	for my $change (@changes)
	{
		my $constraint = constraint_of($change);
		my $key = "$change->{table} " . ($constraint->{conname} // '');
		next unless $constraint->{skip_validation} && $validated{$key};
		$constraint->{initially_valid} = JSON::PP::true;
		delete $constraint->{skip_validation};
		$added{$key} = 1;
	}
	return grep { $_->{what} ne 'AT_ValidateConstraint' || !$added{"$_->{table} $_->{node}{name}"} } @changes;
}

# A CHECK that the plan adds and drops, beside what it is good for.
sub undo_helper
{
	my (@changes) = @_;
	return @changes unless grep { $_->{what} =~ /^AT_(SetNotNull|AttachPartition)$/ || (constraint_of($_)->{contype} // '') eq 'CONSTR_PRIMARY' } @changes;
	my %dropped = map { ("$_->{table} $_->{node}{name}" => 1) } grep { $_->{what} eq 'AT_DropConstraint' } @changes;
	my %helper;
	for my $change (@changes)
	{
		my $constraint = constraint_of($change);
		next unless ($constraint->{contype} // '') eq 'CONSTR_CHECK' && ($constraint->{conname} // '') =~ /osc/;
		my $key = "$change->{table} $constraint->{conname}";
		$helper{$key} = 1 if $dropped{$key};
	}
	return grep {
		my $name = constraint_of($_)->{conname} // $_->{node}{name} // '';
		!($_->{what} =~ /^AT_(Add|Drop)Constraint$/ && $helper{"$_->{table} $name"})
	} @changes;
}

# A unique index, and the constraint that takes it.
sub undo_using_index
{
	my (@changes) = @_;
	my %index = map { ($_->{node}{idxname} => $_) } grep { $_->{what} eq 'IndexStmt' && $_->{node}{unique} && $_->{node}{idxname} } @changes;
	my %used;
	for my $change (@changes)
	{
		my $constraint = constraint_of($change);
		my $made = $index{ $constraint->{indexname} // '' } or next;
		my $node = $made->{node};
		delete $constraint->{indexname};
		$constraint->{keys} = [ map { { String => { sval => $_->{IndexElem}{name} } } } @{ $node->{indexParams} } ];
		$constraint->{including} = [ map { { String => { sval => $_->{IndexElem}{name} } } } @{ $node->{indexIncludingParams} } ] if $node->{indexIncludingParams};
		$constraint->{options} = $node->{options} if $node->{options};
		$constraint->{indexspace} = $node->{tableSpace} if $node->{tableSpace};
		$constraint->{nulls_not_distinct} = $node->{nulls_not_distinct} if $node->{nulls_not_distinct};
		$used{ $made } = 1;
	}
	return grep { !$used{$_} } @changes;
}

# What a plan makes partition by partition: indexes and constraints of leaves that are attached
# to the parent's, or that a partition needs before it is attached, or that a foreign key of the
# parent adopts. The parent's own stand in the plan with ONLY.
sub undo_tree
{
	my ($script, @changes) = @_;
	my %child = map { ($_->{node}{def}{PartitionCmd}{name}{relname} => 1) }
	  grep { $_->{what} eq 'AT_AttachPartition' && !$_->{node}{def}{PartitionCmd}{bound} } @changes;
	my $attaches = grep { $_->{what} eq 'AT_AttachPartition' && $_->{node}{def}{PartitionCmd}{bound} } @$script;
	my %table = map { ($_->{table} => 1) } @$script;
	my $refers = grep { (constraint_of($_)->{contype} // '') eq 'CONSTR_FOREIGN' } @$script;
	# the columns of a primary key become NOT NULL before the leaves get their keys
	my %not_null;
	for my $change (grep { (constraint_of($_)->{contype} // '') eq 'CONSTR_PRIMARY' } @$script)
	{
		$not_null{"$change->{table} $_->{String}{sval}"} = 1 for @{ constraint_of($change)->{keys} || [] };
	}
	delete $not_null{"$_->{table} $_->{node}{name}"} for grep { $_->{what} eq 'AT_SetNotNull' } @$script;
	my @kept;
	# REINDEX of a tree goes from leaf to leaf
	my ($reindex) = grep { $_->{what} eq 'ReindexStmt' } @$script;
	my @leaves = grep { $_->{what} eq 'ReindexStmt' && $_->{node}{kind} eq $reindex->{node}{kind} } $reindex ? @changes : ();
	if (@leaves > 1 && !grep { $_->{node}{relation}{relname} eq $reindex->{node}{relation}{relname} } @leaves)
	{
		my %leaf = map { ($_ => 1) } @leaves;
		@changes = ($reindex, grep { !$leaf{$_} } @changes);
	}
	for my $change (@changes)
	{
		my $constraint = constraint_of($change);
		my $type = $constraint->{contype} // '';
		next if $change->{what} eq 'AT_AttachPartition' && !$change->{node}{def}{PartitionCmd}{bound};
		next if %child && $change->{what} eq 'AT_SetNotNull' && $not_null{"$change->{table} $change->{node}{name}"};
		next if $change->{what} eq 'IndexStmt' && ($attaches || $child{ $change->{node}{idxname} // '' });
		next if $type =~ /^CONSTR_(UNIQUE|PRIMARY)$/ && ($attaches || $child{ $constraint->{conname} // '' });
		next if $type eq 'CONSTR_FOREIGN' && ($attaches || ($refers && !$table{ $change->{table} }));
		if (%child)
		{
			$change->{node}{relation}{inh} = JSON::PP::true if $change->{what} eq 'IndexStmt';
			# the default tablespace is written out, since it goes on to the leaves
			delete $change->{node}{tableSpace} if $change->{what} eq 'IndexStmt' && !grep { $_->{node}{tableSpace} } @$script;
			$change->{table} =~ s/^\[\{"relname"/[{"inh":true,"relname"/;
		}
		push @kept, $change;
	}
	return @kept;
}

# A DROP of what is not there has no place in a plan: osc_plan() tells native's notice.
sub without_missing
{
	my ($planned, @script) = @_;
	my %told = map { (_told($_, 1) => 1) } @$planned;
	return grep { !($_->{what} eq 'DropStmt' && $_->{node}{missing_ok} && !$told{ _told($_, 1) }) } @script;
}

# The changes of a script that those of its plan do not contain, and the other way round, as
# text. A name in the plan fits where the script gives none.
sub differences
{
	my ($script, $plan) = @_;
	my @left = map { _told($_, 1) } @$plan;

	my @nameless = map { _told($_, 0) } @$plan;
	my @missing;
	for my $change (@$script)
	{
		my ($wanted, $bare) = (_told($change, 1), _told($change, 0));
		my ($found) = grep { defined $left[$_] && $left[$_] eq $wanted } 0 .. $#left;
		# without a name of its own, whatever name the plan gives
		($found) = grep { defined $left[$_] && $nameless[$_] eq $bare } 0 .. $#left if !defined $found && $wanted eq $bare;
		if (defined $found) { $left[$found] = undef; }
		else { push @missing, "- $wanted"; }
	}
	return join "\n", @missing, map { "+ $_" } grep { defined } @left;
}

sub _told
{
	my ($change, $named) = @_;
	my $node = $json->decode($json->encode($change->{node}));
	if (!$named)
	{
		delete $node->{idxname};
		delete $node->{def}{Constraint}{conname} if $change->{what} eq 'AT_AddConstraint';
	}
	return "$change->{table} $change->{what} " . $json->encode($node);
}

# ------------------------------------------------------------------ the plans

my $node = corpus_node('oracle');
sql($node, 'CREATE DATABASE plans TEMPLATE base; GRANT CREATE ON DATABASE plans TO eq_owner');
my @ready = set_up_cases('plans', grep { $_->{database} ne 'forbids' } @cases);
my $plans = run_psql('plans', 0,
	map { [ $_->{name}, '-At0F', "\x01", '-f', file_of($_->{name}, prelude($_) . sprintf("SELECT strategy, command FROM osc_plan(%s, strategy => '%s');\n", quoted_script($_), $_->{force} || 'auto')) ] } @ready);

# the rows of a plan: [strategy, command]; those that are SQL begin with a word of SQL
my $sql = qr/^(?:ALTER|CREATE|DROP|REINDEX|VACUUM|CLUSTER|VALIDATE|COMMENT|SET|TRUNCATE|LOCK|INSERT|UPDATE|DELETE)\b/;
for my $case (@ready)
{
	$case->{plan} = [ map { [ split /\x01/, $_, 2 ] } grep { /\x01/ } split /\0/, $plans->{ $case->{name} }{out} ];
	$case->{commands} = [ grep { $_ =~ $sql } map { $_->[1] } @{ $case->{plan} } ];
}
my @planned = grep { @{ $_->{plan} } && $_->{oracle}{tree} } @ready;
cmp_ok(scalar @planned, '>=', $whole ? 150 : 1, 'there are plans');
note(@planned . ' plans');

my @parsed = oracle(map { @{ $_->{commands} } } @planned);
for my $case (@planned)
{
	my @trees = map { shift @parsed } @{ $case->{commands} };
	my @bad = grep { $trees[$_]{error} } 0 .. $#trees;
	is(join("\n", map { "$trees[$_]{error}: $case->{commands}[$_]" } @bad), '', "$case->{name}: its commands parse");
	next if @bad;

	# statements, where the plan shows them as they are
	my @script = map { my ($at, $length) = @$_; my $text = $case->{change}; utf8::encode($text) if utf8::is_utf8($text);
		my $statement = substr $text, $at, $length; 1 while $statement =~ s{^(?:\s+|--[^\n]*\n?|/\*(?:[^*/]|\*(?!/)|/(?!\*)|/\*.*?\*/)*\*/|;)}{}s; $statement =~ s/\s+$//; $statement } @{ $case->{oracle}{split} };
	my %strategy = map { ($_->[0] => 1) } @{ $case->{plan} };
	if (join(' ', keys %strategy) eq 'copy')
	{
		# one that drops what is not there has no place in a plan
		my %shown = map { ($_ => 1) } @{ $case->{commands} };
		@script = grep { $shown{$_} || !/^DROP INDEX IF EXISTS/ } @script;
		is(join("\n;;\n", @{ $case->{commands} }), join("\n;;\n", @script), "$case->{name}: its statements are those of the script");
	}

	my @wanted = undo_concurrently(changes_of($case->{schema}, $case->{oracle}{tree}));
	my @planned = undo_tree(\@wanted, undo_using_index(undo_helper(undo_validate(undo_concurrently(changes_of($case->{schema}, map { $_->{tree} } @trees))))));
	@wanted = without_missing(\@planned, @wanted);
	my $difference = differences(\@wanted, \@planned);
	is($difference, '', "$case->{name}: its plan does what the script does") or diag(join "\n", 'the plan:', @{ $case->{commands} });
}

$node->stop;
done_testing();
