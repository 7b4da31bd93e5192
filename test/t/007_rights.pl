# 007_rights.pl: a job has its owner's rights and no more.
#
# Owners who cannot log in; functions, operators and expressions that try to get at more
# rights when a job calls them; who may start, see and steer a job; helper objects that
# nobody else can get at.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use OscTest;
use Test::More;

my $node = osc_node('rights');
sql($node, <<'SQL');
CREATE ROLE app_owner NOLOGIN;
CREATE ROLE app_user LOGIN;
CREATE ROLE app_admin LOGIN IN ROLE app_owner;
CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
CREATE ROLE other_owner LOGIN;
GRANT CREATE ON SCHEMA public TO app_owner, other_owner;
SQL

# Everything that a hostile function tries, and what it then sees of itself, as one line in
# the server log. Made and filled in sessions of app_admin: in a superuser's session RESET
# ROLE would rightly work.
sub create_hostile
{
	my ($schema) = @_;
	sql_as($node, 'app_admin', <<"SQL");
SET ROLE app_owner;
CREATE FUNCTION $schema.attack(place text) RETURNS void LANGUAGE plpgsql VOLATILE AS \$f\$
DECLARE
	try text;
	got text := '';
BEGIN
	FOREACH try IN ARRAY ARRAY[
		'RESET ROLE', 'SET ROLE postgres', 'SET LOCAL ROLE postgres', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION postgres',
		'SELECT set_config(''role'', ''postgres'', false)', 'SELECT set_config(''session_authorization'', ''postgres'', true)',
		'ALTER ROLE app_owner SUPERUSER', 'CREATE ROLE trophy SUPERUSER', 'SELECT pg_read_file(''PG_VERSION'')',
		'COPY (SELECT 1) TO PROGRAM ''true''', 'GRANT postgres TO app_owner', 'UPDATE pg_catalog.pg_authid SET rolsuper = true',
		'DELETE FROM online_schema.job', 'UPDATE online_schema.job_member SET relid = 0', 'DELETE FROM online_schema.job_object']
	LOOP
		BEGIN
			EXECUTE try;
			IF try !~ '^(RE)?SET' AND try !~ 'set_config' THEN
				got := got || ' got through: ' || try;
			END IF;
		EXCEPTION WHEN others THEN
			NULL;
		END;
	END LOOP;
	RAISE LOG 'hostile % as %', place, current_user || got;
END \$f\$;
-- the same, disguised as a function that computes
CREATE FUNCTION $schema.innocent(n numeric, place text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS \$f\$
BEGIN
	PERFORM $schema.attack(place);
	RETURN n::bigint;
END \$f\$;
SQL
	return;
}

# Who the hostile functions were since an offset of the log: { place => { role => count } }.
# What app_admin's own sessions called is left out.
sub hostile_since
{
	my ($offset) = @_;
	my %seen;
	for (split /\n/, OscTest::log_since($node, $offset))
	{
		$seen{$1}{$2}++ if /LOG:\s+hostile (\S+) as (.*)/ && $2 ne 'app_admin';
	}
	return \%seen;
}

# The same as text: those who were not the owner, or got something through.
sub not_the_owner
{
	my ($seen) = @_;
	my %bad;
	for my $place (keys %$seen)
	{
		$bad{"$place as $_"} = 1 for grep { $_ ne 'app_owner' } keys %{ $seen->{$place} };
	}
	return join ', ', sort keys %bad;
}

promise 'an owner who cannot log in has his job done' => sub {
	sql($node, <<'SQL');
SET ROLE app_owner;
CREATE TABLE plain (id integer PRIMARY KEY, n integer);
INSERT INTO plain SELECT n, n FROM generate_series(1, 1000) n;
SQL
	my $job = start_job($node, 'ALTER TABLE plain ALTER COLUMN id TYPE bigint', role => 'app_owner');
	job_ends($node, $job, 'done');
	is(sql($node, "SELECT owner FROM osc_progress WHERE job_id = $job"), 'app_owner', 'the job belongs to him');
	is(sql($node, "SELECT relowner::regrole FROM pg_class WHERE oid = 'plain'::regclass"), 'app_owner', 'and so does the table');
	is(sql($node, 'SELECT count(*), sum(id) FROM plain'), '1000|500500', 'the rows are right');
};

promise 'expressions of the table run as its owner, in every part of a job' => sub {
	create_hostile('public');
	sql_as($node, 'app_admin', <<'SQL');
SET ROLE app_owner;
CREATE DOMAIN wary AS integer CHECK (public.innocent(VALUE, 'domain') >= 0);
CREATE TABLE trap (
	id integer PRIMARY KEY,
	n integer,
	w wary,
	g bigint GENERATED ALWAYS AS (public.innocent(n, 'generated')) STORED,
	CONSTRAINT watched CHECK (public.innocent(n, 'check') >= 0)
);
CREATE FUNCTION trap_trigger() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
	PERFORM public.attack('trigger');
	RETURN NEW;
END $f$;
CREATE INDEX trap_index ON trap (public.innocent(id, 'index'));
CREATE INDEX trap_partial ON trap (n) WHERE public.innocent(n, 'predicate') > 0;
CREATE STATISTICS trap_stats ON (public.innocent(n, 'statistics')), n FROM trap;
INSERT INTO trap (id, n, w) SELECT n, n, n FROM generate_series(1, 60) n;
CREATE TRIGGER trap_trigger BEFORE INSERT OR UPDATE ON trap FOR EACH ROW EXECUTE FUNCTION trap_trigger();
ALTER TABLE trap ENABLE ALWAYS TRIGGER trap_trigger, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY half ON trap USING (n % 2 = 0 AND public.innocent(n, 'policy') > 0);
SQL
	my $offset = log_offset($node);
	my $job = start_job($node,
		"ALTER TABLE trap ALTER COLUMN id TYPE bigint, ALTER COLUMN w TYPE text USING (w + public.innocent(n, 'using') - n)::text, "
		  . "ADD COLUMN d bigint DEFAULT public.innocent((random() * 10)::numeric, 'default'), ADD CONSTRAINT fresh CHECK (public.innocent(id, 'new_check') >= 0)",
		role => 'app_owner', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	my $before = hostile_since($offset);
	ok(!$before->{trigger}, 'the trigger of the table is not fired by the job');
	sql_as($node, 'app_admin', 'UPDATE trap SET n = n + 1000 WHERE id <= 20');
	ok(wait_for($node, "SELECT osc_swap($job)"), 'the swap works, called by a superuser');
	job_ends($node, $job, 'done');
	my $seen = hostile_since($offset);
	is(not_the_owner($seen), '', 'nothing ran as anyone but the owner, and nothing got through') or diag(explain $seen);
	ok($seen->{$_} && $seen->{$_}{app_owner}, "the test is one: $_ was called") for qw(using default index predicate new_check);
	is(sql($node, 'SELECT count(*), count(d), sum(w::bigint), sum(n) FROM trap'), '60|60|1830|11830', 'every row is there, whatever the policy shows the owner');
	is(leftovers($node), '', 'nothing is left');
};

promise 'nor in the session of a superuser who drives the job by hand' => sub {
	my $job = start_job($node, "ALTER TABLE trap ALTER COLUMN w TYPE integer USING public.innocent(length(w), 'using')", role => 'app_owner', args => "run => 'manual'");
	my $offset = log_offset($node);
	sql($node, "CALL osc_run($job)");
	is(job_state($node, $job), 'done', 'the job is done') or explain_job($node, $job);
	my $seen = hostile_since($offset);
	is(not_the_owner($seen), '', 'everything ran as the owner') or diag(explain $seen);
	ok($seen->{using}, 'the test is one: using was called');
};

promise 'a hostile search_path does not reach the code of the job itself' => sub {
	sql($node, 'CREATE SCHEMA trapdoor AUTHORIZATION app_owner');
	create_hostile('trapdoor');
	sql_as($node, 'app_admin', <<'SQL');
SET ROLE app_owner;
SET search_path = trapdoor, pg_catalog;
CREATE TABLE target (id integer PRIMARY KEY, n integer);
INSERT INTO target SELECT n, n FROM generate_series(1, 500) n;
CREATE FUNCTION eq(integer, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('eq_int'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE FUNCTION eq(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('eq_bigint'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE FUNCTION eq(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('eq_oid'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE FUNCTION eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('eq_text'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE OPERATOR = (FUNCTION = eq, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR = (FUNCTION = eq, LEFTARG = bigint, RIGHTARG = bigint);
CREATE OPERATOR = (FUNCTION = eq, LEFTARG = oid, RIGHTARG = oid);
CREATE OPERATOR = (FUNCTION = eq, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('now'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('clock'); RETURN pg_catalog.clock_timestamp(); END $$;
CREATE FUNCTION format(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('format'); RETURN $1; END $$;
CREATE FUNCTION quote_ident(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('quote_ident'); RETURN $1; END $$;
CREATE FUNCTION int8(integer) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM trapdoor.attack('int8'); RETURN pg_catalog.int8($1); END $$;
CREATE VIEW pg_class AS SELECT trapdoor.attack('pg_class')::text AS attack, c.* FROM pg_catalog.pg_class c;
CREATE TABLE job (x integer);
SQL
	my $offset = log_offset($node);
	my $job = sql_as($node, 'app_admin', <<'SQL');
SET ROLE app_owner;
SET search_path = trapdoor, public, pg_catalog, pg_temp;
SELECT osc_start('ALTER TABLE target ALTER COLUMN n TYPE bigint, ALTER COLUMN id TYPE bigint');
SQL
	job_ends($node, $job, 'done');
	my $seen = hostile_since($offset);
	is(not_the_owner($seen), '', 'nothing of it ran with more rights than the owner has') or diag(explain $seen);
	is(sql($node, 'SELECT count(*), sum(id), sum(n) FROM trapdoor.target'), '500|125250|125250', 'the rows are right');
};

is(sql($node, "SELECT string_agg(rolname, ' ' ORDER BY 1) FROM pg_roles WHERE rolsuper"), 'postgres', 'there is no new superuser');

promise 'who may not alter the table may not start a job' => sub {
	fails_with($node, "SELECT osc_start('ALTER TABLE plain ALTER COLUMN n TYPE bigint')", '42501', qr/must be owner/, 'another role', user => 'app_user');
	fails_with($node, "SELECT osc_start('ALTER TABLE plain ALTER COLUMN n TYPE bigint')", '42501', undef, 'an owner of other tables', user => 'other_owner');
	fails_with($node, "SELECT * FROM osc_plan('ALTER TABLE plain ALTER COLUMN n TYPE bigint')", '42501', undef, 'nor plan one', user => 'app_user');
	sql($node, 'GRANT ALL ON plain TO app_user');
	fails_with($node, "SELECT osc_start('ALTER TABLE plain ALTER COLUMN n TYPE bigint')", '42501', qr/must be owner/, 'not even with all grants', user => 'app_user');
	fails_with($node, "SELECT osc_start('ALTER TABLE pg_class ADD COLUMN x integer')", qr/42501|0A000/, undef, 'nobody a catalog');
};

promise 'the views show a role its own jobs, pg_monitor all' => sub {
	sql($node, 'SET ROLE other_owner; CREATE TABLE theirs (id integer PRIMARY KEY); INSERT INTO theirs VALUES (1)');
	my $theirs = start_job($node, 'ALTER TABLE theirs ALTER COLUMN id TYPE bigint', role => 'other_owner', args => "swap => 'manual'");
	my $ours = start_job($node, 'ALTER TABLE plain ALTER COLUMN n TYPE bigint', role => 'app_owner', args => "swap => 'manual'");
	job_ends($node, $_, 'ready') for $theirs, $ours;
	for my $view (qw(osc_progress osc_events))
	{
		my $query = "SELECT string_agg(DISTINCT job_id::text, ' ' ORDER BY job_id::text) FROM $view WHERE job_id IN ($theirs, $ours)";
		my %sees = (
			other_owner => "$theirs",
			app_admin   => "$ours",
			app_user    => '',
			watcher     => join(' ', sort "$theirs", "$ours"),
			postgres    => join(' ', sort "$theirs", "$ours"));
		for my $role (sort keys %sees)
		{
			$node->psql('postgres', $query, stdout => \my $out, stderr => \my $err, extra_params => [ '-U', $role ]);
			is($out, $sees{$role}, "$view as $role") or diag($err);
		}
	}

	for my $call ("osc_pause($ours)", "osc_resume($ours)", "osc_cancel($ours)", "osc_swap($ours)", "osc_step($ours)", "osc_replay($ours)",
		"osc_validate($ours)", "osc_cleanup($ours)", "osc_backfill_batch($ours)", "osc_set($ours, 'batch_size', '7')")
	{
		fails_with($node, "SELECT $call", qr/42501|42704|P0002/, undef, "$call is not for others", user => 'other_owner');
	}
	fails_with($node, "CALL osc_run($ours)", qr/42501|42704|P0002/, undef, 'osc_run() is not for others', user => 'other_owner');
	is(job_state($node, $ours), 'ready', 'the job did not mind');
	is(error_of($node, "SELECT osc_pause($ours)", user => 'app_admin'), '', 'a member of the owner role may pause it');
	is(job_state($node, $ours), 'paused', 'and it is paused');
	is(error_of($node, "SELECT osc_resume($ours)", user => 'app_admin'), '', 'and resume it');
	job_ends($node, $ours, 'ready');
	is(error_of($node, "SELECT osc_cancel($ours)", user => 'app_admin'), '', 'and cancel it');
	job_ends($node, $ours, 'cancelled');

	isnt(error_of($node, $_, user => 'other_owner'), '', "not for users: $_")
	  for 'SELECT * FROM online_schema.job', 'DELETE FROM online_schema.job', 'INSERT INTO online_schema.job_event DEFAULT VALUES',
	  "CREATE TABLE osc_${theirs}_1.x ()", "SELECT * FROM osc_${theirs}_1.osc_log_1", "INSERT INTO osc_${theirs}_1.theirs VALUES (2)", "DROP SCHEMA osc_${theirs}_1 CASCADE";
	sql($node, "SELECT osc_cancel($theirs)");
	job_ends($node, $theirs, 'cancelled');
};

promise 'the capture function is of no use to anybody' => sub {
	my $name = sql($node, "SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' "
		  . "JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'online_schema' WHERE prorettype = 'trigger'::regtype LIMIT 1");
	isnt($name, '', 'there is one');
	sql($node, 'SET ROLE app_owner; CREATE TABLE own (id integer PRIMARY KEY)');
	my $error = error_of($node, "SET ROLE app_owner; CREATE TRIGGER forged AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION ${name}; INSERT INTO own VALUES (1)");
	isnt($error, '', 'a trigger made by hand with it is refused or fails');
};

promise 'an owner who loses his table while a job is under way does not get it changed' => sub {
	sql($node, 'SET ROLE app_owner; CREATE TABLE given (id integer PRIMARY KEY); INSERT INTO given SELECT generate_series(1, 100)');
	my $job = start_job($node, 'ALTER TABLE given ALTER COLUMN id TYPE bigint', role => 'app_owner', args => "swap => 'manual'");
	job_ends($node, $job, 'ready');
	my $refused = error_of($node, 'ALTER TABLE given OWNER TO other_owner');
	my $out = '';
	$node->psql('postgres', "SELECT osc_swap($job)", stdout => \$out, stderr => \my $err);
	if ($refused eq '')
	{
		isnt($out, 't', 'the swap is not done');
		is(sql($node, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'given'::regclass AND attname = 'id'"), 'integer', 'the type is as it was');
	}
	else
	{
		ok(1, 'the change of owner was refused');
		ok(1, 'and so there is nothing to see');
	}
	$node->psql('postgres', "SELECT osc_cancel($job)");
};

$node->stop;
done_testing();
