#!/bin/bash
# Measures catch-up: the job has copied and indexed all rows, then 3 million of
# them are updated in one statement, and the job has as many logged keys to bring
# into the copy.  Twice: driven in the foreground by CALL osc_run (run =>
# 'manual'), and by the background worker (kept at "ready", paused during the
# update, resumed).  And a hot row: one row changed 1,000 times in as many
# transactions, and 100,000 times, then osc_replay.
#
# How to read it:
#   us/key     catch-up time by number of keys.  Target: at most 20
#   xmin max   longest time in ms that the driving process held the oldest
#              transaction id back, sampled every 20 ms, so give or take 20.
#              Target: below twice online_schema.batch_target_time
#   memory     own memory of that process (RssAnon, kB): median of the first and
#              of the last tenth of the catch-up, and the largest sample.
#              Target: flat, bounded by settings and not by the number of keys
#   hot row    keys replayed.  Target: 1 for 1,000 changes
# The end result is checked: every update is in the table, and the job's own
# validation ran (online_schema.verify is on).
#
# Run as root: bash test/bench/replay.sh
#   OSC_BENCH_SCALE=50 OSC_BENCH_KEYS=3000000 OSC_BENCH_VARIANTS="osc_run worker"
# About 3 minutes each.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

KEYS=${OSC_BENCH_KEYS:-3000000}
VARIANTS=${OSC_BENCH_VARIANTS:-osc_run worker}
TICK=0.02                     # seconds between samples of the oldest xmin

# start_watching PID: samples the horizon and the memory of a process.
start_watching() {
	: >"$WORK/memory"
	xmin_watch bench "$TICK" "$WORK/samples" &
	BACKGROUND+=("$!")
	memory_watch "$1" "$WORK/memory" &
	BACKGROUND+=("$!")
	sleep 0.3
}

# figures VARIANT ROLE FROM TO (epoch seconds): of the catch-up between them.
figures() {
	local age samples

	record 1 "$1" seconds "$(awk -v a="$3" -v b="$4" 'BEGIN { printf "%.3f", b - a }')"
	record 1 "$1" us_key "$(awk -v a="$3" -v b="$4" -v n="$KEYS" 'BEGIN { printf "%.3f", (b - a) * 1e6 / n }')"
	read -r _ age samples < <(xmin_age "$WORK/samples" /dev/null "$2" "$3" "$4")
	record 1 "$1" xmin_ms "$(awk -v a="$age" 'BEGIN { print a * 1000 }')"
	record 1 "$1" samples "$samples"
	awk -v from="$3" -v to="$4" '$1 >= from && $1 <= to' "$WORK/memory" >"$WORK/memory.window"
	record 1 "$1" memory_first "$(tenth first)"
	record 1 "$1" memory_last "$(tenth last)"
	record 1 "$1" memory_max "$(awk '$2 > m { m = $2 } END { print m + 0 }' "$WORK/memory.window")"
}

# tenth first|last: median of the memory samples in that tenth of the catch-up.
tenth() {
	local n

	n=$(wc -l <"$WORK/memory.window")
	n=$(((n + 9) / 10))
	[ "$n" -gt 0 ] || n=1
	if [ "$1" = first ]; then head -n "$n" "$WORK/memory.window"; else tail -n "$n" "$WORK/memory.window"; fi |
		awk '{ print $2 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }'
}

update_keys() {
	note "updating $KEYS rows"
	q bench "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid <= $KEYS"
}

# All updates are in the table, and nothing else is.  $1: changes of the hot row.
check_updates() {
	local wrong

	wrong=$(q bench "SELECT count(*) FROM pgbench_accounts
	                 WHERE abalance <> CASE WHEN aid <= $KEYS THEN 1 ELSE 0 END + CASE WHEN aid = 1 THEN $1 ELSE 0 END")
	[ "$wrong" = 0 ] || die "$wrong rows are wrong after the swap"
	check_result job bench
}

# The server's clock, for comparing with events and samples.
epoch() { q bench 'SELECT extract(epoch FROM clock_timestamp())'; }

# Steps a job by hand until it catches up, with an empty change log.
step_to_catch_up() {
	local rows phase tries=0

	while :; do
		rows=$(q bench "SELECT osc_backfill_batch($JOB)")
		[ -n "$rows" ] || break
	done
	until [ "${phase:-}" = catching_up ]; do
		phase=$(q bench "SELECT osc_step($JOB)")
		case $phase in validating | ready | swapping | cleaning | done) die "the job went on to phase $phase" ;; esac
		tries=$((tries + 1))
		[ "$tries" -le 1000 ] || die "the job stays in phase $phase"
		[ "$phase" = indexing ] || sleep 0.02
	done
}

# hot_row CHANGES: as many transactions on one row, then replay.
hot_row() {
	local keys total=0 from to

	echo 'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 1;' >"$WORK/hot.sql"
	PGOPTIONS='-c synchronous_commit=off' "$PGBIN/pgbench" -n -c 1 -M prepared -t "$1" -f "$WORK/hot.sql" bench >/dev/null 2>&1
	from=$(now_us)
	while :; do
		keys=$(q bench "SELECT osc_replay($JOB)")
		[ "${keys:-0}" -gt 0 ] || break
		total=$((total + keys))
	done
	to=$(now_us)
	record 1 "hot row $1" keys "$total"
	record 1 "hot row $1" seconds "$(seconds "$from" "$to")"
	HOT+="hot row, $1 changes: $total keys replayed in $(seconds "$from" "$to") s"$'\n'
}

# The foreground: CALL osc_run.
run_osc_run() {
	local from to pid caller

	JOB=$(q bench "SELECT osc_start('$DDL', run => 'manual')")
	step_to_catch_up
	hot_row 1000
	hot_row 100000
	update_keys
	PGAPPNAME=bench_op "$PGBIN/psql" -XqAt -v ON_ERROR_STOP=1 -d bench >"$WORK/osc_run.out" 2>"$WORK/osc_run.err" <<-SQL &
		SELECT pg_backend_pid();
		SELECT pg_sleep(1.5);
		SELECT extract(epoch FROM clock_timestamp());
		CALL osc_run($JOB);
	SQL
	caller=$!
	until [ -s "$WORK/osc_run.out" ]; do sleep 0.05; done
	pid=$(head -n 1 "$WORK/osc_run.out")
	start_watching "$pid"
	wait "$caller" || { cat "$WORK/osc_run.err" >&2; job_failed bench "$JOB"; }
	stop_background
	from=$(sed -n 3p "$WORK/osc_run.out")
	to=$(q bench "SELECT extract(epoch FROM max(at)) FROM osc_events
	              WHERE job_id = $JOB AND event = 'phase' AND detail->>'from' = 'catching_up'")
	figures osc_run op "$from" "$to"
	check_updates 101000
}

# wait_for SQL SECONDS: until the query yields t.
wait_for() {
	local deadline=$(($(now_us) + $2 * 1000000))

	until [ "$(q bench "$1")" = t ]; do
		[ "$(now_us)" -lt "$deadline" ] || job_failed bench "$JOB"
		sleep 0.05
	done
}

# The background worker, held at "ready".
run_worker() {
	local from to pid

	JOB=$(q bench "SELECT osc_start('$DDL', swap => 'manual')")
	wait_for "SELECT state = 'ready' FROM osc_progress WHERE job_id = $JOB" 600
	q bench "SELECT osc_pause($JOB)" >/dev/null
	wait_for "SELECT state = 'paused' FROM osc_progress WHERE job_id = $JOB" 60
	update_keys
	from=$(epoch)
	q bench "SELECT osc_resume($JOB)" >/dev/null
	wait_for "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type LIKE 'online_schema worker%'" 60
	pid=$(q bench "SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'online_schema worker%' ORDER BY backend_start LIMIT 1")
	start_watching "$pid"
	wait_for "SELECT backlog > 0 FROM osc_progress WHERE job_id = $JOB" 60
	wait_for "SELECT backlog = 0 AND state = 'ready' FROM osc_progress WHERE job_id = $JOB" 1800
	to=$(epoch)
	stop_background
	figures worker job "$from" "$to"
	[ "$(q bench "SELECT osc_swap($JOB)")" = t ] || note "the first swap was refused, the worker goes on"
	wait_for "SELECT state = 'done' FROM osc_progress WHERE job_id = $JOB" 300
	check_updates 0
}

BUILD_JOB=yes
bench_start
[ "$KEYS" -le "$((SCALE * 100000))" ] || die "OSC_BENCH_KEYS is more than the table has rows"
make_template 100
HOT=
for variant in $VARIANTS; do
	fresh bench
	prepare job-w1 bench
	target=$(q bench "LOAD 'online_schema'; SHOW online_schema.batch_target_time")
	"run_$variant"
	q bench "SELECT at, phase, event, duration, detail FROM osc_events WHERE job_id = $JOB ORDER BY at" \
		>"$WORK/$BENCH_NAME.$variant.events"
	note "$variant is through"
	drop bench
done

say
say "Catch-up of $KEYS keys; online_schema.batch_target_time = $target"
table "$VARIANTS" seconds:%.2f:seconds us_key:%.2f:us/key 'xmin_ms:%.0f:xmin max ms' samples:%.0f:samples \
	'memory_first:%.0f:memory first' 'memory_last:%.0f:last' 'memory_max:%.0f:largest kB'
printf '%s' "$HOT"
bench_keep
