#!/bin/bash
# Measures the whole online job against native ALTER TABLE on an idle server:
# pgbench_accounts with foreign keys and two more indexes, aid from integer to
# bigint.  Every run works on a new copy of the same database, in shared
# buffers; the variants of a round run one after the other, each round in
# another order.
#
# How to read it: medians with (smallest..largest) over the rounds.
#   seconds      client's view: from osc_start to state "done", connection included
#   ratio        against native of the same round.  Target, validation apart
#                (-noverify): at most 1.15 with one worker, 1.0 with two
#   WAL MB       all WAL written meanwhile.  Target: no more than native's
#   extra MB     peak of database and temporary files above the size before
#   locked ms    swap: from all locks granted to commit.  Target: median at most
#                25, never more than 100
# Then the seconds of each phase from osc_events.  What validation costs is the
# difference of a variant and its -noverify sister; target: 0.3 of native.
#
# Run as root: bash test/bench/copy_vs_native.sh
#   OSC_BENCH_SCALE=50 OSC_BENCH_ROUNDS=5
#   OSC_BENCH_VARIANTS="native job-w1 job-w2 job-w1-noverify job-w2-noverify"
# also possible: vacuum_full, repack (see peers.sh).  About 25 s a run.
# Only the swap, 20 times on 20 million rows: OSC_BENCH_SCALE=200
# OSC_BENCH_ROUNDS=20 OSC_BENCH_VARIANTS=job-w2-noverify

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${OSC_BENCH_ROUNDS:-5}
VARIANTS=${OSC_BENCH_VARIANTS:-native job-w1 job-w2 job-w1-noverify job-w2-noverify}
MB=1048576

# one_run ROUND VARIANT
one_run() {
	local round=$1 variant=$2 before wal wall

	fresh bench
	prepare "$variant" bench
	echo 0 >"$WORK/peak"
	disk_watch bench "$WORK/peak" &
	BACKGROUND+=("$!")
	sleep 0.5                               # the first sample is the size before
	before=$(cat "$WORK/peak")
	wal=$(wal_position)
	operate "$variant" bench
	wal=$(($(wal_position) - wal))
	stop_background

	wall=$(seconds "$OP_T0" "$OP_T1")
	record "$round" "$variant" seconds "$wall"
	record "$round" "$variant" wal_mb "$((wal / MB))"
	record "$round" "$variant" extra_mb "$((($(cat "$WORK/peak") - before) / MB))"
	[ -z "$JOB" ] || record_job "$round" "$variant" bench
	check_result "$variant" bench
	note "round $round, $variant: $wall s, $((wal / MB)) MB of WAL"
	drop bench
}

# shellcheck disable=SC2034
case $VARIANTS in *job-*) BUILD_JOB=yes ;; esac
bench_start
make_template 100
for ((round = 1; round <= ROUNDS; round++)); do
	# shellcheck disable=SC2086
	for variant in $(rotate $((round - 1)) $VARIANTS); do
		one_run "$round" "$variant"
	done
done

derive ratio seconds native
say
say "Idle server; rounds: $ROUNDS; median (smallest..largest)"
table "$VARIANTS" seconds:%.2f:seconds ratio:%.2f:ratio 'wal_mb:%.0f:WAL MB' 'extra_mb:%.0f:extra MB' \
	'locked_ms:%.1f:locked ms' 'backlog:%.0f:keys at swap' 'refused_locks:%.0f:refused locks'

jobs=$(for v in $VARIANTS; do case $v in job-*) printf '%s ' "$v" ;; esac; done)
if [ -n "$jobs" ]; then
	say
	say "Seconds per phase"
	columns=()
	for phase in planned preparing backfilling indexing catching_up validating ready swapping cleaning; do
		grep -q "	phase_$phase	" "$RESULTS" && columns+=("phase_$phase:%.2f:$phase")
	done
	table "$jobs" "${columns[@]}"
	say
	awk -F '\t' '$3 == "locked_ms" { print $4 }' "$RESULTS" | sort -n | awk '
		{ v[NR] = $1 }
		END { if (NR) printf "All %d swaps: median %.1f ms, largest %.1f ms\n", NR, v[int((NR + 1) / 2)], v[NR] }'
fi
bench_keep
