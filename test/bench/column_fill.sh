#!/bin/bash
# Measures the fill of strategy column: a new column beside the old one, filled in place,
# against a single UPDATE that does the same. Without other load, and without autovacuum.
# For two changes: varchar(50) to text, where the bytes of the values stay, and the key from int
# to bigint, where they do not, and an index is built on the new column.
#
# How to read it:
#   seconds      of the UPDATE, or of the job from its first batch to the end of its backfill
#   rows/s       rows by that time
#   dead rows    left in the table when that is over (pgstattuple counts them by a scan), and
#                what pg_stat_user_tables tells of them
#   growth       size of the table afterwards by that before, indexes apart. The values of the
#                new column alone make a factor that the last column tells: a VACUUM FULL
#                after it. Target: growth below 1.5
#   index growth the same of its three indexes; those that are built on the new column
#                are not counted
#   swap, revert how long the locks of the swap, and of osc_revert() were held, from their grant
#                to the end of the work; the median of the runs
#
# Run as root: bash test/bench/column_fill.sh
#   OSC_BENCH_ROWS=300000
#   OSC_BENCH_SWAPS=5      swaps, each taken back
# Some minutes.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROWS=${OSC_BENCH_ROWS:-300000}
SWAPS=${OSC_BENCH_SWAPS:-5}

# the column of a variant, and its type before and after
declare -A COLUMN=([text]=street [bigint]=id) NEW_TYPE=([text]=text [bigint]=bigint)

sizes() { q bench "SELECT pg_table_size('t'), pg_relation_size('t_pkey') + pg_relation_size('t_city_idx') + pg_relation_size('t_n_idx')"; }

new_table() {
	q postgres "DROP DATABASE IF EXISTS bench" >/dev/null
	q postgres "CREATE DATABASE bench" >/dev/null
	q bench "CREATE EXTENSION online_schema" >/dev/null
	q bench "CREATE EXTENSION pgstattuple" >/dev/null
	q bench "CREATE TABLE t (id int PRIMARY KEY, street varchar(50), city text, n int) WITH (autovacuum_enabled = off)" >/dev/null
	q bench "INSERT INTO t SELECT n, 'street number ' || n, 'city ' || n % 100, n FROM generate_series(1, $ROWS) n" >/dev/null
	q bench "CREATE INDEX ON t (city); CREATE INDEX ON t (n)" >/dev/null
	q bench "VACUUM (FREEZE, ANALYZE) t" >/dev/null
	q postgres "CHECKPOINT" >/dev/null
}

# figures VARIANT SECONDS SIZES-BEFORE: after the fill
figures() {
	local table index before_table before_index

	IFS='|' read -r before_table before_index <<<"$(tr '\t' '|' <<<"$3")"
	IFS='|' read -r table index <<<"$(sizes | tr '\t' '|')"
	record 1 "$1" seconds "$2"
	record 1 "$1" rate "$(awk -v s="$2" -v n="$ROWS" 'BEGIN { printf "%.0f", n / s }')"
	record 1 "$1" dead "$(q bench "SELECT dead_tuple_count FROM pgstattuple('t')")"
	record 1 "$1" told "$(q bench "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 't'")"
	record 1 "$1" growth "$(awk -v a="$table" -v b="$before_table" 'BEGIN { printf "%.3f", a / b }')"
	record 1 "$1" index "$(awk -v a="$index" -v b="$before_index" 'BEGIN { printf "%.3f", a / b }')"
	q bench "VACUUM FULL t" >/dev/null
	record 1 "$1" least "$(awk -v a="$(q bench "SELECT pg_table_size('t')")" -v b="$before_table" 'BEGIN { printf "%.3f", a / b }')"
}

run_update() {
	local before from to

	before=$(sizes)
	q bench "ALTER TABLE t ADD osc_new ${NEW_TYPE[$1]}" >/dev/null
	from=$(now_us)
	q bench "UPDATE t SET osc_new = ${COLUMN[$1]}" >/dev/null
	to=$(now_us)
	figures "update_$1" "$(awk -v a="$from" -v b="$to" 'BEGIN { printf "%.3f", (b - a) / 1e6 }')" "$before"
}

wait_for_state() {
	until [ "$(q bench "SELECT state IN ('$2', 'failed') FROM osc_progress WHERE job_id = $1")" = t ]; do sleep 0.2; done
	[ "$(q bench "SELECT state FROM osc_progress WHERE job_id = $1")" = "$2" ] || die "job $1 failed"
}

# start_column VARIANT: sets job, which waits for its swap
start_column() {
	job=$(q bench "SELECT osc_start('ALTER TABLE t ALTER ${COLUMN[$1]} TYPE ${NEW_TYPE[$1]}', 'column', swap => 'manual')")
}

locked_ms() {
	q bench "SELECT detail->>'locked_ms' FROM osc_events WHERE job_id = $1 AND event = '$2'"
}

run_column() {
	local before job new

	before=$(sizes)
	start_column "$1"
	wait_for_state "$job" ready
	[ "$(q bench "SELECT osc_validate($job)")" = t ] || die "the columns differ"
	new=$(q bench "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attname ~ '^osc_new'")
	[ "$(q bench "SELECT count(*) FROM t WHERE $new IS DISTINCT FROM ${COLUMN[$1]}")" = 0 ] || die "the columns differ"
	q bench "SELECT osc_pause($job)" >/dev/null
	figures "column_$1" "$(q bench "SELECT extract(epoch FROM max(at) - min(at)) FROM osc_events WHERE job_id = $job AND event = 'phase' AND (detail->>'to' = 'backfilling' OR detail->>'from' = 'backfilling')")" "$before"
	q bench "SELECT osc_cancel($job)" >/dev/null
	wait_for_state "$job" cancelled
}

# swaps and ways back of the same table
run_swaps() {
	local job n

	for ((n = 1; n <= SWAPS; n++)); do
		start_column "$1"
		wait_for_state "$job" ready
		until [ "$(q bench "SELECT osc_swap($job)")" = t ]; do sleep 0.2; done
		wait_for_state "$job" kept
		record "$n" "column_$1" swap "$(locked_ms "$job" swap)"
		until [ "$(q bench "SELECT osc_revert($job)")" = t ]; do sleep 0.2; done
		record "$n" "column_$1" revert "$(locked_ms "$job" revert)"
		wait_for_state "$job" reverted
		q bench "VACUUM t" >/dev/null
	done
}

BUILD_JOB=yes
bench_start
for change in text bigint; do
	for variant in update column; do
		new_table
		"run_$variant" "$change"
	done
	new_table
	run_swaps "$change"
done
say
say "Fill of $ROWS rows, three indexes; $SWAPS swaps, each taken back"
table "update_text column_text update_bigint column_bigint" seconds:%.2f:seconds rate:%.0f:rows/s 'dead:%.0f:dead rows' 'told:%.0f:told' growth:%.2f:growth 'index:%.2f:index growth' 'least:%.2f:least growth' 'swap:%.1f:swap ms' 'revert:%.1f:revert ms'
bench_keep
