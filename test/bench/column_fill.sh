#!/bin/bash
# Measures the fill of strategy column: a new column beside the old one, filled in place,
# against a single UPDATE that does the same. Without other load, and without autovacuum.
#
# How to read it:
#   seconds      of the UPDATE, or of the job from its first batch to the end of its backfill
#   rows/s       rows by that time
#   dead rows    left in the table when that is over (pgstattuple counts them by a scan)
#   growth       size of the table afterwards by that before, indexes apart. The values of the
#                new column alone make a factor that the last column tells: a VACUUM FULL
#                after it. Target: growth below 1.5
#   index growth the same of its three indexes
#
# Run as root: bash test/bench/column_fill.sh
#   OSC_BENCH_ROWS=300000
# About a minute.

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROWS=${OSC_BENCH_ROWS:-300000}

sizes() { q bench "SELECT pg_table_size('t'), pg_indexes_size('t')"; }

new_table() {
	q postgres "DROP DATABASE IF EXISTS bench" >/dev/null
	q postgres "CREATE DATABASE bench" >/dev/null
	q bench "CREATE EXTENSION online_schema" >/dev/null
	q bench "CREATE EXTENSION pgstattuple" >/dev/null
	q bench "CREATE TABLE t (id bigint PRIMARY KEY, street varchar(50), city text, n int) WITH (autovacuum_enabled = off)" >/dev/null
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
	record 1 "$1" growth "$(awk -v a="$table" -v b="$before_table" 'BEGIN { printf "%.3f", a / b }')"
	record 1 "$1" index "$(awk -v a="$index" -v b="$before_index" 'BEGIN { printf "%.3f", a / b }')"
	q bench "VACUUM FULL t" >/dev/null
	record 1 "$1" least "$(awk -v a="$(q bench "SELECT pg_table_size('t')")" -v b="$before_table" 'BEGIN { printf "%.3f", a / b }')"
}

run_update() {
	local before from to

	before=$(sizes)
	q bench "ALTER TABLE t ADD osc_new text" >/dev/null
	from=$(now_us)
	q bench "UPDATE t SET osc_new = street" >/dev/null
	to=$(now_us)
	figures update "$(awk -v a="$from" -v b="$to" 'BEGIN { printf "%.3f", (b - a) / 1e6 }')" "$before"
}

run_column() {
	local before job

	before=$(sizes)
	job=$(q bench "SELECT osc_start('ALTER TABLE t ALTER street TYPE text', 'column', swap => 'manual')")
	until [ "$(q bench "SELECT state IN ('ready', 'failed') FROM osc_progress WHERE job_id = $job")" = t ]; do sleep 0.2; done
	[ "$(q bench "SELECT osc_validate($job)")" = t ] || die "the columns differ"
	[ "$(q bench "SELECT count(*) FROM t WHERE osc_new_2 IS DISTINCT FROM street")" = 0 ] || die "the columns differ"
	q bench "SELECT osc_pause($job)" >/dev/null
	q bench "SELECT event, count(*), sum(duration) FROM osc_events WHERE job_id = $job AND event = 'vacuum' GROUP BY 1" >&2
	figures column "$(q bench "SELECT extract(epoch FROM max(at) - min(at)) FROM osc_events WHERE job_id = $job AND event = 'phase' AND (detail->>'to' = 'backfilling' OR detail->>'from' = 'backfilling')")" "$before"
	q bench "SELECT osc_cancel($job)" >/dev/null
	until [ "$(q bench "SELECT state = 'cancelled' FROM osc_progress WHERE job_id = $job")" = t ]; do sleep 0.2; done
}

BUILD_JOB=yes
bench_start
for variant in update column; do
	new_table
	"run_$variant"
done
say
say "Fill of $ROWS rows, three indexes"
table "update column" seconds:%.2f:seconds rate:%.0f:rows/s 'dead:%.0f:dead rows' growth:%.2f:growth 'index:%.2f:index growth' 'least:%.2f:least growth'
bench_keep
