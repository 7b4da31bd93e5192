# 025_column.pl: the whole story of strategy column, while clients write.
#
# address.street varchar(50) becomes text with a length CHECK: filled, validated, swapped, taken
# back, swapped again and cleaned, under a write load all the time. At each point the table
# must be what the ledger tells (load/address_schema.sql), row by row, and osc_validate() must
# find no difference. Then the two names of a renamed column, written to by old and new code
# at once; and a crash at each moment.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $rows = 40000;
my $ddl  = 'ALTER TABLE address ALTER street TYPE text, ADD CONSTRAINT street_length CHECK (length(street) <= 60)';
my @kinds = map { [ "address_$_", 2 ] } qw(insert update shout delete move bulk rollback upsert);

# A job of this strategy, with the settings of tests.
sub start_column_job
{
	my ($node, $change, %opt) = @_;
	return start_job($node, $change, args => join(', ', "'column'", $opt{args} || ()), set => $opt{set} || {});
}

sub start_column
{
	my ($node, %opt) = @_;
	return start_column_job($node, $ddl, %opt);
}

sub is_as_told
{
	my ($node, $name) = @_;
	is(sql($node, 'SELECT * FROM address_faults() LIMIT 10'), '', "$name: the table is what the ledger tells");
	return;
}

# osc_validate(), which wants the job for itself.
sub is_valid
{
	my ($node, $job, $name) = @_;
	ok(wait_for($node, "SELECT osc_validate($job)"), "$name: osc_validate() finds no difference");
	return;
}

promise 'varchar(50) to text, swapped, taken back, swapped again and cleaned' => sub {
	my $node   = osc_node('column');
	sql_file($node, 'load/address_schema.sql', undef, rows => $rows);
	my $oid    = relation_oid($node, 'address');
	my $offset = log_offset($node);
	my %all    = (rows => $rows, scripts => \@kinds, rate => 250);
	my @load   = (start_load($node, %all, clients => 3), start_load($node, %all, clients => 2, mode => 'prepared', seed => 2));
	wait_for_load(\@load);

	my $job = start_column($node, args => "swap => 'manual'", set => { batch_target_time => '20ms' });
	job_ends($node, $job, 'ready', 'filled and validated');
	is_as_told($node, 'before the swap');
	is_valid($node, $job, 'before the swap');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'the swap works');
	job_ends($node, $job, 'kept', 'swapped');
	wait_for_load(\@load);
	is_as_told($node, 'after the swap');
	is_valid($node, $job, 'after the swap');

	# values that the old type does not hold, so that the way back is closed for a while
	my $long = start_load($node, rows => $rows, scripts => [ [ 'address_long', 1 ] ], clients => 1, rate => 100);
	ok(wait_for_load([$long]), 'there are longer values');
	is_valid($node, $job, 'with values that the old type cannot hold');
	$long->stop;
	# some, for a client may change one of them at once
	sql($node, join '', map { "UPDATE address SET street = repeat('long ', 11) WHERE id = (SELECT id FROM address ORDER BY id OFFSET $_ LIMIT 1);\n" } 0 .. 4);
	like(error_of($node, "SELECT osc_revert($job)"), qr/cannot hold values/, 'with such a value the swap is not taken back');
	sql($node, "UPDATE address SET street = 'short' WHERE length(street) > 50");
	is_as_told($node, 'before it is taken back');
	ok(wait_for($node, "SELECT osc_revert($job)"), 'the swap is taken back');
	is_as_told($node, 'taken back');
	job_ends($node, $job, 'reverted', 'the job ends as reverted');
	is(sql($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'address'::regclass AND attname = 'street'"), 'character varying(50)', 'the old type is there');
	is(leftovers($node), '', 'nothing is left');
	is_as_told($node, 'after the clean-up');

	$job = start_column($node);
	job_ends($node, $job, 'kept', 'swapped again');
	wait_for_load(\@load);
	is_as_told($node, 'swapped again');
	is_valid($node, $job, 'swapped again');
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done', 'cleaned');
	ok(wait_for_load(\@load, all => 1), 'the clients kept going');
	my %wrote;
	for my $load (@load)
	{
		my $result = $load->stop;
		$wrote{$_} += $result->{$_} for grep { $_ ne 'errors' } keys %$result;
	}
	is(join(' ', grep { !$wrote{$_} } sort keys %wrote), '', 'every kind of writer wrote');
	is(unexpected_errors($node, $offset), '', 'no client met an error that native does not give');
	is_as_told($node, 'in the end');
	is(amcheck_faults($node, undef, 'address', 'house'), '', 'amcheck finds nothing');
	is(leftovers($node), '', 'nothing is left');
	is(relation_oid($node, 'address'), $oid, 'the table is the same table');
	is( sql($node, "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'address'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"),
		"id bigint\ncity text\nchanged timestamp with time zone\nstreet text", 'the column is the last one');
	note(sql($node, "SELECT count(*) || ' writes; swap ' || (SELECT string_agg(detail->>'locked_ms', ', ') FROM osc_events WHERE event IN ('swap', 'revert')) || ' ms' FROM entry"));
	$node->stop;
};

promise 'old and new code write to a renamed column at once' => sub {
	my $node = osc_node('names');
	sql($node, <<'SQL');
CREATE TABLE person (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, nm text NOT NULL DEFAULT 'nobody' CHECK (nm <> ''), note text);
INSERT INTO person (id, nm) SELECT n, 'name ' || n FROM generate_series(1, 20000) n;
SELECT setval(pg_get_serial_sequence('person', 'id'), 1000000);
CREATE INDEX ON person (nm);
-- who wrote what, under whichever name the row has then
CREATE TABLE entry (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id bigint NOT NULL, old text, new text);
CREATE FUNCTION person_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		INSERT INTO entry (id) VALUES (OLD.id);
	ELSE
		INSERT INTO entry (id, old, new) VALUES (NEW.id, to_jsonb(NEW)->>'nm', to_jsonb(NEW)->>'name');
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER person_after AFTER INSERT OR UPDATE OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION person_after();
SQL
	my $offset = log_offset($node);
	my @load = (start_load($node, rows => 20000, scripts => [ [ 'name_old', 1 ] ], clients => 2, rate => 100));
	wait_for_load(\@load);
	my $job = start_column_job($node, 'ALTER TABLE person RENAME nm TO name');
	job_ends($node, $job, 'kept', 'both names are there');
	push @load, start_load($node, rows => 20000, scripts => [ [ 'name_new', 1 ] ], clients => 2, rate => 100, seed => 2);
	my $mirrored = sub { "SELECT count(*) > 100 FROM entry WHERE new LIKE '$_[0]%' AND old LIKE '$_[0]%'" };
	ok(wait_for($node, $mirrored->('old')), 'what the old code wrote is there under the new name');
	ok(wait_for($node, $mirrored->('new')), 'and the other way round');
	is_valid($node, $job, 'under both loads');
	is(sql($node, 'SELECT count(*) FROM person WHERE nm IS DISTINCT FROM name'), '0', 'no row differs');
	is(sql($node, 'SELECT count(*) FROM entry WHERE new IS NOT NULL AND new IS DISTINCT FROM old'), '0', 'at no time did they differ');
	is(scalar(grep { $_->is_running } @load), scalar @load, 'the clients kept going');
	# the old code has gone
	$load[0]->stop;
	sql($node, "SELECT osc_cleanup($job)");
	job_ends($node, $job, 'done', 'the old name is gone');
	ok(wait_for_load([ $load[1] ]), 'the new code goes on');
	$load[1]->stop;
	is(sql($node, <<'SQL'), '', 'the table is what the ledger tells');
SELECT a.id, a.name, l.old, l.new FROM person a FULL JOIN (SELECT DISTINCT ON (id) * FROM entry ORDER BY id, n DESC) l ON l.id = a.id
WHERE CASE WHEN l.id IS NULL THEN a.name <> 'name ' || a.id ELSE a.name IS DISTINCT FROM coalesce(l.new, l.old) END LIMIT 5
SQL
	is(unexpected_errors($node, $offset), '', 'no client met an error');
	is(amcheck_faults($node, undef, 'person'), '', 'amcheck finds nothing');
	is(leftovers($node), '', 'nothing is left');
	$node->stop;
};

# The process that drives the job is killed at the point, and the job goes on.
promise 'a crash at each moment' => sub {
	my $node = osc_node('column_crash', preload => 1);
	sql_file($node, 'load/address_schema.sql', undef, rows => 3000);
	my $load = start_load($node, rows => 3000, scripts => \@kinds, clients => 2, rate => 100, restart => 1);
	for my $point (qw(capture-before-commit fill-after-snapshot fill-before-commit direct-before-commit
		validate-before-commit swap-locked swap-before-commit column-drop-before-commit))
	{
		my $job = killed_job($node, $point, sub { start_column($node, set => { batch_size => 500, keep_old => 'off' }) });
		job_ends($node, $job, 'done', 'the job goes on to its end');
		is_as_told($node, $point);
		is(leftovers($node), '', 'nothing is left');
		# and back to where it was, natively
		ok(wait_for($node, "SET client_min_messages = error; ALTER TABLE address DROP CONSTRAINT street_length, ALTER street TYPE varchar(50); SELECT true"), 'the old type again');
	}
	$load->stop;
	is_as_told($node, 'in the end');
	is(amcheck_faults($node, undef, 'address', 'house'), '', 'amcheck finds nothing');
	is(unexpected_errors($node, 0, @OscTest::SHUTDOWN_ERRORS), '', 'no client met an error but the restarts');
	$node->stop;
};

done_testing();
