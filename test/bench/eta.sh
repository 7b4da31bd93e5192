#!/bin/bash
# Measures how good osc_progress.eta is: for jobs on tables of several shapes,
# what it said at 25, 50 and 75 % of the backfill against the time that the job
# really took from then on.
#
# How to read it:
#   said, left   seconds, at that share of the backfill
#   error        said / left - 1, in percent.  Target: within 30
# The phases' seconds are those of the whole job; the weights of
# src/drive/estimate.c come from such lines.
#
# Run as root: bash test/bench/eta.sh
#   OSC_BENCH_ROWS=1500000   rows of the narrow tables; a third of the wide ones and
#                            of the one that is changed in place ("column2")
#   OSC_BENCH_SHAPES="narrow1 narrow4 wide2 text3 load2 slow2 column2"
#   OSC_BENCH_RATE=500       transactions a second while shape "load2" is changed

# shellcheck source=test/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ROWS=${OSC_BENCH_ROWS:-1500000}
SHAPES=${OSC_BENCH_SHAPES:-narrow1 narrow4 wide2 text3 load2 slow2 column2}
RATE=${OSC_BENCH_RATE:-500}

# make_table SHAPE: table t, its number of indexes at the end of the name.
make_table() {
	q bench 'DROP TABLE IF EXISTS t'
	case $1 in
		narrow*|load*|slow*)
			q bench "CREATE TABLE t (id int PRIMARY KEY, a int, b bigint, c timestamptz, v int) WITH (fillfactor = 90);
				INSERT INTO t SELECT n, n % 1000, n::bigint * 7919 % 1000003, now() - n * interval '1 s', 0 FROM generate_series(1, $ROWS) n" ;;
		column*)
			q bench "CREATE TABLE t (id int PRIMARY KEY, a int, b bigint, c timestamptz, v int) WITH (fillfactor = 90);
				INSERT INTO t SELECT n, n % 1000, n::bigint * 7919 % 1000003, now() - n * interval '1 s', 0 FROM generate_series(1, $ROWS / 3) n" ;;
		wide*)
			q bench "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c timestamptz, v int) WITH (fillfactor = 90);
				INSERT INTO t SELECT n, n % 1000, repeat(md5(n::text), 15), now() - n * interval '1 s', 0 FROM generate_series(1, $ROWS / 3) n" ;;
		text*)
			q bench "CREATE TABLE t (id int PRIMARY KEY, a text, b text, c timestamptz, v int) WITH (fillfactor = 90);
				INSERT INTO t SELECT n, md5(n::text), 'name ' || n % 5000, now() - n * interval '1 s', 0 FROM generate_series(1, $ROWS / 2) n" ;;
	esac
	case $1 in *[234]) q bench 'CREATE INDEX ON t (a)' ;; esac
	case $1 in *[34]) q bench 'CREATE INDEX ON t (b)' ;; esac
	case $1 in *4) q bench 'CREATE INDEX ON t (c)' ;; esac
	q bench 'VACUUM ANALYZE t'
	q bench 'CHECKPOINT'
}

# watch_job JOB: lines "epoch share eta", until it is done.
watch_job() {
	local line

	while :; do
		line=$(q bench "SELECT extract(epoch FROM clock_timestamp())::numeric(20,3), (bytes_done / greatest(bytes_total, 1))::numeric(6,4),
			coalesce(extract(epoch FROM eta), -1)::numeric(10,1), state FROM osc_progress WHERE job_id = $1" | tr '|' ' ')
		case $line in
			*done) break ;;
			*failed|*paused|*cancelled) die "job $1: $line" ;;
		esac
		echo "$line"
		sleep 0.05
	done
}

one_shape() {
	local shape=$1 job end

	make_table "$shape"
	if [[ $shape = load* ]]; then
		# shellcheck disable=SC2016
		printf '\\set id random(1, %s)\nUPDATE t SET v = v + 1 WHERE id = :id;\n' "$ROWS" >"$WORK/update.sql"
		"$PGBIN/pgbench" -n -c 4 -R "$RATE" -T 3600 -f "$WORK/update.sql" bench >"$WORK/pgbench.out" 2>&1 &
		BACKGROUND+=("$!")
	fi
	job=$(q bench "SET online_schema.keep_old = 'off'; SET online_schema.throttle_ratio = $([[ $shape = slow* ]] && echo 0.5 || echo 0); SELECT osc_start('ALTER TABLE t ALTER COLUMN id TYPE bigint'$([[ $shape = column* ]] && echo ", 'column'"))")
	watch_job "$job" >"$WORK/watch"
	end=$(q bench "SELECT extract(epoch FROM finished_at) FROM osc_progress WHERE job_id = $job")
	stop_background
	awk -v end="$end" -v shape="$shape" '
		{ for (k = 25; k <= 75; k += 25)
			if ($2 * 100 >= k && $3 >= 0 && !(k in seen)) {
				seen[k] = 1
				printf "%-8s at %d %%: said %6.1f s, left %6.1f s, error %+4.0f %%\n", shape, k, $3, end - $1, ($3 / (end - $1) - 1) * 100
			}
		}' "$WORK/watch"
	q bench "SELECT '$shape: index size / table size ' || round(pg_indexes_size('t') / pg_relation_size('t')::numeric, 2) || ', '
		|| string_agg(phase || ' ' || round(s, 2), ', ' ORDER BY at)
		FROM (SELECT phase, min(at) AS at, extract(epoch FROM max(at) - min(at)) AS s FROM (
			SELECT detail->>'to' AS phase, at FROM osc_events WHERE job_id = $job AND event = 'phase'
			UNION ALL SELECT detail->>'from', at FROM osc_events WHERE job_id = $job AND event = 'phase') x GROUP BY phase) y WHERE s > 0.005"
	q bench "SELECT '$shape: ' || string_agg(event || ' ' || round(extract(epoch FROM duration), 2), ', ' ORDER BY at) FROM osc_events WHERE job_id = $job AND event IN ('freeze', 'index', 'analyze')"
}

# shellcheck disable=SC2034
BUILD_JOB=yes
bench_start
q postgres 'CREATE DATABASE bench'
q bench 'CREATE EXTENSION online_schema'
for shape in $SHAPES; do
	one_shape "$shape"
done
