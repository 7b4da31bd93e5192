#!/bin/bash
# Measures what a long reader costs the others when the operation wants its
# strong lock: pgbench -N at a fixed 2,000 transactions a second, and a session
# that has read pgbench_accounts and keeps its transaction open for 25 s.  For
# the job it opens when the copy is complete and catch-up begins, for native
# ALTER TABLE just before the statement.
#
# How to read it:
#   stalled s    all gaps of more than 20 ms without a finished transaction of
#                any client, added up, while the reader was there and until the
#                operation was done.  Target: at most 1 s (native, whose queue
#                lasts as long as the reader: more than 25 s)
#   gap          the longest of them, ms
#   refused      lock attempts that gave up, see event "lock" in osc_events
# For a job that takes its lock politely the stall is about the number of
# refused attempts times online_schema.lock_timeout.
#
# Run as root: bash test/bench/reader_at_swap.sh
#   OSC_BENCH_SCALE=50 OSC_BENCH_ROUNDS=1 OSC_BENCH_READER=25
#   OSC_BENCH_VARIANTS="native job-w1"; about 90 s a run.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${OSC_BENCH_ROUNDS:-1}
READER=${OSC_BENCH_READER:-25}
VARIANTS=${OSC_BENCH_VARIANTS:-native job-w1}

# The reader: waits for its moment, reads a row, and stays idle in transaction.
# Its session ends with this process, should the script be interrupted.
hold_table() {
	local tries reader_in

	case $1 in
		job-*)
			for ((tries = 0; tries < 6000; tries++)); do
				[ "$(q bench "SELECT count(*) FROM osc_events WHERE event = 'phase' AND detail->>'to' = 'catching_up'")" = 0 ] || break
				sleep 0.1
			done
			;;
	esac
	now_us >"$WORK/reader_began"
	exec {reader_in}> >("$PGBIN/psql" -XqAt -d bench >/dev/null 2>&1)
	printf 'BEGIN;\nSELECT abalance FROM pgbench_accounts WHERE aid = 1;\n' >&"$reader_in"
	read -r -t "$READER" <> <(:) || true
	printf 'COMMIT;\n' >&"$reader_in"
	exec {reader_in}>&-
}

# one_run ROUND VARIANT
one_run() {
	local round=$1 variant=$2 reader stalled gap

	fresh bench
	prepare "$variant" bench
	start_load rate
	sleep 3
	rm -f "$WORK/reader_began"
	hold_table "$variant" &
	reader=$!
	BACKGROUND+=("$reader")
	sleep 1
	operate "$variant" bench
	[ -s "$WORK/reader_began" ] || die "$variant was over before the reader had its turn"
	wait "$reader" || true
	BACKGROUND=("$LOAD")
	sleep "$(awk -v a="$OP_T0" -v b="$OP_T1" 'BEGIN { printf "%.1f", 3 + (b - a) / 1e6 * 0.5 }')"
	stop_background
	sorted_log >"$WORK/log"
	read -r stalled gap < <(awk -v from="$(cat "$WORK/reader_began")" -v to="$OP_T1" '
		last && $1 >= from && last <= to {
			if ($1 - last > gap) gap = $1 - last
			if ($1 - last > 20000) stalled += $1 - last
		}
		{ last = $1 }
		END { printf "%.2f %.0f\n", stalled / 1e6, gap / 1000 }' "$WORK/log")
	record "$round" "$variant" stalled "$stalled"
	record "$round" "$variant" gap "$gap"
	record "$round" "$variant" errors "$(load_errors)"
	record "$round" "$variant" seconds "$(seconds "$OP_T0" "$OP_T1")"
	record "$round" "$variant" after "$(seconds "$(($(cat "$WORK/reader_began") + READER * 1000000))" "$OP_T1")"
	[ -z "$JOB" ] || record_job "$round" "$variant" bench
	check_ledger "$variant"
	check_result "$variant" bench
	note "round $round, $variant: stalled $stalled s, longest gap $gap ms"
	drop bench
}

# shellcheck disable=SC2034
case $VARIANTS in *job-*) BUILD_JOB=yes ;; esac
bench_start
make_template 100
for ((round = 1; round <= ROUNDS; round++)); do
	for variant in $VARIANTS; do one_run "$round" "$variant"; done
done
say
say "A reader for $READER s; pgbench -N -c 8 -R $RATE; rounds: $ROUNDS"
table "$VARIANTS" 'stalled:%.2f:stalled s' 'gap:%.0f:gap ms' 'refused_locks:%.0f:refused locks' \
	'seconds:%.1f:seconds in all' 'after:%.1f:done s after the reader' errors:%.0f:errors
bench_keep
