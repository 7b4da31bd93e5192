#!/bin/bash
# Measures what clients feel: pgbench -N (simple update, with foreign keys) runs
# through a native ALTER TABLE of pgbench_accounts.aid to bigint, through the
# same change as a job with default settings, as one that sleeps half of the time
# (throttle_ratio 0.5), and with nothing else going on.
# Two loads: "rate", a fixed 2,000 transactions a second from 8 clients, and
# "full", 4 clients as fast as they can.  Every run works on a new copy of the
# same database.  Afterwards accounts and history must agree to the row.
#
# How to read it: medians with (smallest..largest) over the rounds.  Latencies
# are those of all transactions that were under way while the operation ran;
# under "rate" they count from the planned start, schedule lag included.
#   seconds      the operation, from call to done; ratio: against native's
#   w/o valid.   the same without the job's validating phase
#   tps          finished while it ran
#   p99, max     latency in ms.  Target for p99: at most 3 times that of "none"
#   gap          longest time in ms without a finished transaction of any client.
#                Target: at most 30 ms over that of "none"
#   xmin s       age in time of the oldest transaction id that the operation held
#                back vacuum with, sampled every 100 ms.  Target: one batch
#                (100 ms), but for index builds, ANALYZE, VALIDATE; phase by
#                phase in the table below
#   slowdown     "full": tps of "none" in the same seconds of its run / tps.
#                Target: at most 1.2
#   forgone      "full": transactions fewer than "none" made in the same seconds.
#                Target: at most 12,000
#
# Run as root: bash test/bench/swap_under_load.sh
#   OSC_BENCH_SCALE=50 OSC_BENCH_ROUNDS=3 OSC_BENCH_RATE=2000
#   OSC_BENCH_MODES="rate full" OSC_BENCH_VARIANTS="native job-w1 job-w1-throttle50"
# also possible: job-w2, job-w1-noverify, repack (see peers.sh).  About 45 s a run.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${OSC_BENCH_ROUNDS:-3}
MODES=${OSC_BENCH_MODES:-rate full}
VARIANTS=${OSC_BENCH_VARIANTS:-native job-w1 job-w1-throttle50}
WARM_UP=${OSC_BENCH_WARM_UP:-5}

# window LOG FROM TO: figures for those seconds, as "tps p99_ms max_ms gap_ms count".
window() {
	awk -v from="$2" -v to="$3" '$1 >= from && $1 - $2 <= to { print $2 }' "$1" | sort -n >"$WORK/latencies"
	awk -v from="$2" -v to="$3" '
		FILENAME == ARGV[1] { latency[++n] = $1; next }
		$1 >= from && $1 <= to { finished++ }
		last && $1 >= from && last <= to && $1 - last > gap { gap = $1 - last }
		{ last = $1 }
		END {
			p = int(n * 0.99); if (p < n * 0.99) p++
			printf "%.1f %.1f %.1f %.1f %d\n", finished / ((to - from) / 1e6),
			       latency[p] / 1000, latency[n] / 1000, gap / 1000, finished
		}' "$WORK/latencies" "$1"
}

# one_run MODE ROUND VARIANT [SECONDS]: SECONDS is how long "none" lasts.
one_run() {
	local mode=$1 round=$2 variant=$3 lasting=${4:-} began tps p99 max gap count
	local label=$mode/$3 log=$WORK/$1.$2.$3.log

	fresh bench
	[ "$variant" = none ] || prepare "$variant" bench
	began=$(now_us)
	start_load "$mode"
	xmin_watch bench 0.1 "$WORK/samples" &
	BACKGROUND+=("$!")
	sleep "$WARM_UP"
	if [ "$variant" = none ]; then
		JOB=
		OP_T0=$(now_us)
		sleep "$lasting"
		OP_T1=$(now_us)
	else
		operate "$variant" bench
	fi
	# Let what queued behind the operation finish before the load ends.
	sleep "$(awk -v a="$OP_T0" -v b="$OP_T1" -v none="$variant" 'BEGIN { printf "%.1f", 2 + (none == "none" ? 0 : (b - a) / 1e6 * 0.6) }')"
	stop_background
	record "$round" "$label" errors "$(load_errors)"
	sorted_log >"$log"
	read -r tps p99 max gap count < <(window "$log" "$OP_T0" "$OP_T1")
	record "$round" "$label" seconds "$(seconds "$OP_T0" "$OP_T1")"
	record "$round" "$label" tps "$tps"
	record "$round" "$label" p99 "$p99"
	record "$round" "$label" max "$max"
	record "$round" "$label" gap "$gap"
	record "$round" "$label" count "$count"
	record "$round" "$label" offset "$((OP_T0 - began)) $((OP_T1 - began)) $began"
	record_xmin "$round" "$label" "$variant"
	case $variant in job-*) record_waits "$round" "$label" "$log" ;; esac
	check_ledger "$label"
	[ "$variant" = none ] || check_result "$variant" bench
	note "$mode, round $round, $variant: $(seconds "$OP_T0" "$OP_T1") s, $tps tps, p99 $p99 ms, max $max ms, longest gap $gap ms"
	drop bench
}

# What the operation held vacuum back with; for a job also phase by phase.
record_xmin() {
	local round=$1 label=$2 variant=$3 role=op phases=/dev/null name age

	case $variant in
		none) role=other ;;
		job-*)
			role=job
			record_job "$round" "$label" bench
			phases=$WORK/phases
			;;
	esac
	xmin_age "$WORK/samples" "$phases" "$role" "$(awk -v t="$OP_T0" 'BEGIN { printf "%.6f", t / 1e6 }')" \
		"$(awk -v t="$OP_T1" 'BEGIN { printf "%.6f", t / 1e6 }')" >"$WORK/ages"
	while read -r name age _; do
		if [ "$name" = all ]; then
			record "$round" "$label" xmin "$age"
		else
			record "$round" "$label" "xmin_$name" "$age"
		fi
	done <"$WORK/ages"
}

# Where the clients' worst waits were: the longest latency in each phase of a job.
record_waits() {
	local round=$1 label=$2 log=$3 phase worst

	awk 'FILENAME == ARGV[1] { phase[++n] = $1; begun[n] = $2 * 1e6; ended[n] = $3 * 1e6; next }
		{ for (i = 1; i <= n; i++) if ($1 >= begun[i] && $1 - $2 <= ended[i] && $2 > worst[phase[i]]) worst[phase[i]] = $2 }
		END { for (p in worst) print p, worst[p] / 1000 }' "$WORK/phases" "$log" >"$WORK/waits"
	while read -r phase worst; do
		record "$round" "$label" "wait_$phase" "$worst"
	done <"$WORK/waits"
}

# Slowdown and transactions forgone against "none" in the same seconds of its run.
compare_with_none() {
	local mode=$1 round=$2 variant from to began count other_began base

	other_began=$(awk -F '\t' -v r="$round" -v v="$mode/none" '$1 == r && $2 == v && $3 == "offset" { split($4, a, " "); print a[3] }' "$RESULTS")
	for variant in $VARIANTS; do
		read -r from to began < <(awk -F '\t' -v r="$round" -v v="$mode/$variant" \
			'$1 == r && $2 == v && $3 == "offset" { print $4 }' "$RESULTS")
		count=$(awk -F '\t' -v r="$round" -v v="$mode/$variant" '$1 == r && $2 == v && $3 == "count" { print $4 }' "$RESULTS")
		base=$(awk -v from="$((other_began + from))" -v to="$((other_began + to))" \
			'$1 >= from && $1 <= to { n++ } END { print n + 0 }' "$WORK/$mode.$round.none.log")
		record "$round" "$mode/$variant" forgone "$((base - count))"
		record "$round" "$mode/$variant" slowdown "$(awk -v a="$base" -v b="$count" 'BEGIN { printf "%.3f", b ? a / b : 0 }')"
	done
}

# "none" runs last in its round and at least as long as the longest before it.
one_round() {
	local mode=$1 round=$2 variant longest

	# shellcheck disable=SC2086
	for variant in $(rotate $((round - 1)) $VARIANTS); do
		one_run "$mode" "$round" "$variant"
	done
	longest=$(awk -F '\t' -v r="$round" -v m="$mode/" '$1 == r && index($2, m) == 1 && $3 == "offset" {
			split($4, a, " "); if (a[2] > most) most = a[2] } END { printf "%.0f", most / 1e6 }' "$RESULTS")
	one_run "$mode" "$round" none "$((longest - WARM_UP + 1 > 5 ? longest - WARM_UP + 1 : 5))"
	compare_with_none "$mode" "$round"
}

# shellcheck disable=SC2034
case $VARIANTS in *job-*) BUILD_JOB=yes ;; esac
bench_start
make_template 100
for ((round = 1; round <= ROUNDS; round++)); do
	for mode in $MODES; do
		one_round "$mode" "$round"
	done
done

# The job without its validation, and against native.
awk -F '\t' -v OFS='\t' '
	$3 == "seconds" { whole[$1, $2] = $4 }
	$3 == "phase_validating" { validating[$1, $2] = $4 }
	END { for (k in whole) { split(k, p, SUBSEP); print p[1], p[2], "rest", whole[k] - validating[k] } }' \
	"$RESULTS" >"$WORK/rest" && cat "$WORK/rest" >>"$RESULTS"
for mode in $MODES; do
	rows=
	for variant in none $VARIANTS; do rows+="$mode/$variant "; done
	say
	if [ "$mode" = rate ]; then
		say "pgbench -N -c 8 -R $RATE; rounds: $ROUNDS; median (smallest..largest)"
	else
		say "pgbench -N -c 4, unthrottled; rounds: $ROUNDS; median (smallest..largest)"
	fi
	columns=(seconds:%.1f:seconds 'rest:%.1f:w/o valid.' tps:%.0f:tps 'p99:%.1f:p99 ms' 'max:%.0f:max ms' \
		'gap:%.0f:gap ms' 'xmin:%.2f:xmin s' 'locked_ms:%.1f:locked ms' 'refused_locks:%.0f:refused locks' \
		errors:%.0f:errors)
	[ "$mode" = rate ] || columns+=(slowdown:%.2f:slowdown forgone:%.0f:forgone)
	table "$rows" "${columns[@]}"
	columns=()
	seconds_of=()
	waits=()
	for phase in planned preparing backfilling indexing catching_up validating ready swapping cleaning; do
		grep -q "	$mode/.*	xmin_$phase	" "$RESULTS" && columns+=("xmin_$phase:%.2f:$phase")
		grep -q "	$mode/.*	wait_$phase	" "$RESULTS" && waits+=("wait_$phase:%.0f:$phase")
		grep -q "	$mode/.*	phase_$phase	" "$RESULTS" && seconds_of+=("phase_$phase:%.2f:$phase")
	done
	rows=$(for v in $VARIANTS; do case $v in job-*) printf '%s ' "$mode/$v" ;; esac; done)
	if [ ${#seconds_of[@]} -gt 0 ]; then
		say "seconds per phase"
		table "$rows" "${seconds_of[@]}"
	fi
	if [ ${#waits[@]} -gt 0 ]; then
		say "longest latency per phase, ms"
		table "$rows" "${waits[@]}"
	fi
	if [ ${#columns[@]} -gt 0 ]; then
		say "oldest xmin held per phase, seconds"
		table "$rows" "${columns[@]}"
	fi
done
bench_keep
