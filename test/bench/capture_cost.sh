#!/bin/bash
# Measures what the capture trigger costs a writer, per row: the same UPDATEs in a
# database without a job, in a second one like it, and in one where a job that is
# stepped by hand stands in phase "backfilling", capture installed, nothing
# else going on.  The rows have room on their page (fillfactor 45), so the
# updates are HOT and cheap, and what is added shows.
#
# How to read it: microseconds a row, the smallest of the interleaved runs.
#   bulk     one UPDATE of all rows (500,000 at scale 5).  Target: added <= 1
#   single   one row a statement, in a PL/pgSQL loop.  Target: added <= 1
#   client   one row a transaction from one pgbench client, prepared,
#            synchronous_commit off, both on one core.  Target: added <= 2
#   WAL      bytes of WAL a row in the bulk UPDATE
# "noise" is the second database without a job against the first: differences
# of that size mean nothing.  The last line is the size of a logged key.
#
# Run as root: bash test/bench/capture_cost.sh
#   OSC_BENCH_SCALE=5 OSC_BENCH_ROUNDS=9; about 15 s a round.

export OSC_BENCH_SCALE=${OSC_BENCH_SCALE:-5}
# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${OSC_BENCH_ROUNDS:-9}
ROWS=$((SCALE * 100000))
SINGLE=100000                 # single-row statements in a run
CLIENT=20000                  # client transactions in a run

make_functions() {
	q bench_template "
		CREATE FUNCTION bench_bulk() RETURNS float8 LANGUAGE plpgsql AS \$\$
		DECLARE begun timestamptz := clock_timestamp();
		BEGIN
			UPDATE pgbench_accounts SET abalance = abalance + 1;
			RETURN extract(epoch FROM clock_timestamp() - begun) * 1e6 / $ROWS;
		END \$\$;
		CREATE FUNCTION bench_single() RETURNS float8 LANGUAGE plpgsql AS \$\$
		DECLARE begun timestamptz := clock_timestamp();
		BEGIN
			FOR i IN 1 .. $SINGLE LOOP
				UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = i;
			END LOOP;
			RETURN extract(epoch FROM clock_timestamp() - begun) * 1e6 / $SINGLE;
		END \$\$;"
	cat >"$WORK/client.sql" <<-SQL
		\\set aid random(1, $ROWS)
		UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
	SQL
}

# client DATABASE: microseconds a transaction.  Client and server share one core
# meanwhile: whether they do by chance more than doubles the time.
client() {
	local postmaster

	postmaster=$(head -n 1 "$PGDATA_DIR/postmaster.pid")
	taskset -cp 0 "$postmaster" >/dev/null
	PGOPTIONS='-c synchronous_commit=off' taskset -c 0 "$PGBIN/pgbench" -n -M prepared -c 1 -t "$CLIENT" \
		-f "$WORK/client.sql" "$1" 2>/dev/null | awk '$1 == "tps" { printf "%.3f", 1e6 / $3 }'
	taskset -cp "0-$(($(nproc) - 1))" "$postmaster" >/dev/null
}

# A job in database captured whose capture trigger is installed.
install_capture() {
	local phase tries=0

	prepare job-w1 captured
	JOB=$(q captured "SELECT osc_start('$DDL', run => 'manual')")
	until [ "${phase:-}" = backfilling ]; do
		phase=$(q captured "SELECT osc_step($JOB)")
		tries=$((tries + 1))
		[ "$tries" -le 200 ] || die "the job stays in phase $phase"
		sleep 0.02
	done
}

# one_run ROUND DATABASE
one_run() {
	local round=$1 database=$2 wal

	q postgres 'CHECKPOINT'
	# Touch every page once: full-page images are not what is measured.
	q "$database" "SET synchronous_commit = off; SELECT bench_bulk()" >/dev/null
	q "$database" 'VACUUM pgbench_accounts'
	wal=$(wal_position)
	record "$round" "$database" bulk "$(q "$database" "SET synchronous_commit = off; SELECT bench_bulk()")"
	record "$round" "$database" wal "$((($(wal_position) - wal) / ROWS))"
	q "$database" 'VACUUM pgbench_accounts'
	record "$round" "$database" single "$(q "$database" "SET synchronous_commit = off; SELECT bench_single()")"
	record "$round" "$database" client "$(client "$database")"
	q "$database" 'VACUUM pgbench_accounts'
}

# Size and rows of the change log in database captured.
log_size() {
	q captured "SELECT coalesce(sum(pg_relation_size(c.oid)), 0)
	            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	            WHERE n.nspname = 'osc_${JOB}_1' AND c.relname LIKE 'osc\\_log%' AND c.relkind = 'r'"
}

BUILD_JOB=yes
bench_start
make_template 45
make_functions
databases='plain again captured'
for database in $databases; do
	fresh "$database"
done
install_capture
size=$(log_size)
for ((round = 1; round <= ROUNDS; round++)); do
	# shellcheck disable=SC2086
	for database in $(rotate $((round - 1)) $databases); do
		one_run "$round" "$database"
	done
	note "round $round of $ROUNDS"
done
size=$(($(log_size) - size))
phase=$(q captured "SELECT phase FROM osc_progress WHERE job_id = $JOB")
[ "$phase" = backfilling ] || die "the job went on to phase $phase meanwhile"

say
say "Microseconds a row, smallest of $ROUNDS runs"
awk -F '\t' '
	{ k = $2 SUBSEP $3; if (!(k in least) || $4 + 0 < least[k]) least[k] = $4 + 0 }
	END {
		printf "%-8s %12s %14s %10s %10s\n", "", "without job", "with capture", "added", "noise"
		split("bulk single client wal", m, " ")
		for (i = 1; i <= 4; i++) {
			a = least["plain", m[i]]; b = least["again", m[i]]; c = least["captured", m[i]]
			printf m[i] == "wal" ? "%-8s %12.0f %14.0f %+10.0f %+10.0f\n" : "%-8s %12.3f %14.3f %+10.3f %+10.3f\n",
			       m[i] == "wal" ? "WAL" : m[i], a, c, c - a, b - a
		}
	}' "$RESULTS"
awk -v size="$size" -v rows="$((ROUNDS * (2 * ROWS + SINGLE + CLIENT)))" \
	'BEGIN { printf "change log: %.1f bytes a key\n", size / rows }'
bench_keep
