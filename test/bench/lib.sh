# shellcheck shell=bash
# What the benchmarks share: packages, a private copy of PostgreSQL 15 with the
# extension's release build in it, a throw-away cluster, the table under test,
# the operations that are compared, samplers, and the tables that are printed.
#
# Nothing outside the temporary directory is touched: the server's programs are
# copied there (PostgreSQL finds its files relative to its own program), and
# the extension is installed into that copy.  Everything is stopped and removed
# on exit.
#
# Settings, all from the environment:
#   OSC_BENCH_SCALE     pgbench scale; 50 = 5 million rows in pgbench_accounts
#   OSC_BENCH_ROUNDS    interleaved rounds
#   OSC_BENCH_RATE      transactions a second of the load "rate"
#   OSC_BENCH_VARIANTS  what to run, see "The operations" below
#   OSC_BENCH_TMP       where the temporary directory is made (default TMPDIR or
#                       /tmp); needs about 15 GB at scale 50
#   OSC_BENCH_SOURCE    source tree to build (default: the one of this script)
#   OSC_BENCH_OUT       folder to keep raw results and the jobs' events in

set -euo pipefail
export LC_ALL=C

BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BENCH_NAME=$(basename "$0" .sh)
PG_MAJOR=15
PG_HOME=/usr/lib/postgresql/$PG_MAJOR
PG_SHARE=/usr/share/postgresql/$PG_MAJOR
SCALE=${OSC_BENCH_SCALE:-50}
RATE=${OSC_BENCH_RATE:-2000}
SOURCE=${OSC_BENCH_SOURCE:-$(cd "$BENCH_DIR/../.." && pwd)}

BUILD_JOB=no                  # does the script run jobs, and so need the extension?
WORK=                         # the temporary directory
PGBIN=                        # programs of the private copy
PGDATA_DIR=                   # data directory of the throw-away cluster
RESULTS=                      # raw results: round, variant, metric, value
LOAD=                         # pid of the load
BACKGROUND=()                 # pids to end on exit

say() { printf '%s\n' "$*"; }
note() { printf '%s: %s\n' "$BENCH_NAME" "$*" >&2; }
die() { note "$*"; exit 1; }

# ---------------------------------------------------------------- life cycle

# Ends a background process of ours and waits for it.
end_process() {
	kill "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

stop_background() {
	local pid

	for pid in "${BACKGROUND[@]:-}"; do
		[ -z "$pid" ] || end_process "$pid"
	done
	BACKGROUND=()
}

bench_cleanup() {
	local status=$?

	trap - EXIT INT TERM
	stop_background
	if [ -n "$PGDATA_DIR" ] && [ -f "$PGDATA_DIR/postmaster.pid" ]; then
		if [ "$status" -ne 0 ]; then
			note "last lines of the server's log:"
			tail -n 30 "$WORK/server.log" >&2 || true
		fi
		runuser -u postgres -- "$PGBIN/pg_ctl" -s -D "$PGDATA_DIR" -m immediate stop || true
	fi
	[ -z "$WORK" ] || rm -rf "$WORK"
	exit "$status"
}

# Installs what is missing.  OSC_BENCH_PACKAGES: more packages, a peer's.
bench_packages() {
	local package missing=()

	for package in "postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR" make gcc ${OSC_BENCH_PACKAGES:-}; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	note "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The private copy of PostgreSQL and of the extension.
bench_install() {
	local root=$WORK/pg build=$WORK/build

	mkdir -p "$root$PG_HOME" "$root$PG_SHARE"
	cp -a "$PG_HOME/." "$root$PG_HOME/"
	cp -a "$PG_SHARE/." "$root$PG_SHARE/"
	PGBIN=$root$PG_HOME/bin

	[ "$BUILD_JOB" = yes ] || return 0
	[ -f "$SOURCE/Makefile" ] || die "no Makefile in $SOURCE"
	mkdir "$build"
	tar -C "$SOURCE" --exclude=./.git -cf - . | tar -C "$build" -xf -
	{
		make -C "$build" PG_CONFIG="$PG_HOME/bin/pg_config" clean || true
		make -C "$build" PG_CONFIG="$PG_HOME/bin/pg_config" with_llvm=no
		make -C "$build" PG_CONFIG="$PG_HOME/bin/pg_config" with_llvm=no DESTDIR="$root" install
	} >"$WORK/build.log" 2>&1 || { tail -n 30 "$WORK/build.log" >&2; die "the extension does not build"; }
}

# One configuration for everything that is compared.  Checkpoints happen when
# the scripts ask for them; autovacuum is off so that it does not land in one
# variant and not in another.
bench_cluster() {
	PGDATA_DIR=$WORK/data
	mkdir "$WORK/sock"
	chown postgres: "$WORK" "$WORK/sock"
	chmod 755 "$WORK" "$WORK/sock"
	runuser -u postgres -- "$PGBIN/initdb" -D "$PGDATA_DIR" -A trust -U postgres \
		-E UTF8 --locale=C.UTF-8 >"$WORK/initdb.log"
	cat >>"$PGDATA_DIR/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$WORK/sock'
		port = $((20000 + RANDOM % 20000))
		max_connections = 60
		max_worker_processes = 16
		shared_buffers = 2GB
		maintenance_work_mem = 512MB
		max_parallel_maintenance_workers = 2
		wal_level = replica
		fsync = on
		max_wal_size = 40GB
		min_wal_size = 4GB
		checkpoint_timeout = 1d
		autovacuum = off
		log_checkpoints = off
	CONF
	export PGHOST=$WORK/sock PGUSER=postgres PGDATABASE=postgres
	PGPORT=$(awk '$1 == "port" { p = $3 } END { print p }' "$PGDATA_DIR/postgresql.conf")
	export PGPORT
	unset PGOPTIONS PGSERVICE PGDATESTYLE PGTZ
	runuser -u postgres -- "$PGBIN/pg_ctl" -s -w -t 60 -D "$PGDATA_DIR" -l "$WORK/server.log" start
}

# Everything up to a running server.
bench_start() {
	[ "$(id -u)" -eq 0 ] || die "run this as root"
	trap bench_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	WORK=$(mktemp -d "${OSC_BENCH_TMP:-${TMPDIR:-/tmp}}/osc_bench.XXXXXX")
	RESULTS=$WORK/results.tsv
	: >"$RESULTS"
	bench_packages
	bench_install
	bench_cluster
	say "PostgreSQL $(q postgres 'SHOW server_version'), $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB, $(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)"
	say "pgbench scale $SCALE; $(date -u '+%Y-%m-%d %H:%M') UTC"
}

# Keeps the raw results if asked to.
bench_keep() {
	[ -n "${OSC_BENCH_OUT:-}" ] || return 0
	mkdir -p "$OSC_BENCH_OUT"
	cp "$RESULTS" "$OSC_BENCH_OUT/$BENCH_NAME.tsv"
	cp "$WORK"/*.events "$OSC_BENCH_OUT/" 2>/dev/null || true
}

# ---------------------------------------------------------------- small tools

# q DATABASE SQL: runs SQL, prints unaligned tuples.
q() {
	"$PGBIN/psql" -XqAt -v ON_ERROR_STOP=1 -d "$1" -c "$2"
}

# Microseconds since the epoch, without starting a process.
now_us() {
	local t=$EPOCHREALTIME

	printf '%s' "${t/./}"
}

# seconds FROM TO: the difference of two now_us.
seconds() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b - a) / 1e6 }'
}

# record ROUND VARIANT METRIC VALUE
record() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$RESULTS"
}

# rotate N LIST...: the list begun N places later, so that rounds differ in order.
rotate() {
	local n=$1 i

	shift
	for ((i = 0; i < $#; i++)); do
		printf '%s ' "${@:$(((i + n) % $# + 1)):1}"
	done
}

wal_position() {
	q postgres "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
}

# derive METRIC FROM BASE: METRIC = FROM of each variant / FROM of variant BASE,
# round by round.
derive() {
	awk -F '\t' -v OFS='\t' -v metric="$1" -v from="$2" -v base="$3" '
		$3 == from { value[$1, $2] = $4; round[NR] = $1; variant[NR] = $2; n = NR }
		END {
			for (i = 1; i <= n; i++)
				if ((i in round) && (round[i], base) in value && value[round[i], base] > 0)
					print round[i], variant[i], metric, value[round[i], variant[i]] / value[round[i], base]
		}' "$RESULTS" >"$RESULTS.new"
	cat "$RESULTS.new" >>"$RESULTS"
	rm "$RESULTS.new"
}

# table "VARIANT ..." METRIC:FORMAT:HEADING ...
# Prints a row for each variant: median (smallest..largest) of each metric.
table() {
	local variants=$1

	shift
	printf '%s\n' "$@" | awk -F '\t' -v variants="$variants" '
		function cell(v, m, f,   k, i, j, t, a, med, x, y, z) {
			k = count[v, m]
			if (!k) return "-"
			for (i = 1; i <= k; i++) a[i] = value[v, m, i] + 0
			for (i = 2; i <= k; i++) {
				t = a[i]
				for (j = i - 1; j >= 1 && a[j] > t; j--) a[j + 1] = a[j]
				a[j + 1] = t
			}
			med = k % 2 ? a[(k + 1) / 2] : (a[k / 2] + a[k / 2 + 1]) / 2
			if (k == 1) return sprintf(f, med)
			return sprintf(f " (" f ".." f ")", med, a[1], a[k])
		}
		FNR == NR {
			split($0, part, ":")
			metric[++columns] = part[1]; format[columns] = part[2]; heading[columns] = part[3]
			next
		}
		{ value[$2, $3, ++count[$2, $3]] = $4 }
		END {
			rows = split(variants, name, " ")
			width[0] = 8
			for (r = 1; r <= rows; r++) {
				if (length(name[r]) > width[0]) width[0] = length(name[r])
				for (c = 1; c <= columns; c++) {
					out[r, c] = cell(name[r], metric[c], format[c])
					if (length(out[r, c]) > width[c]) width[c] = length(out[r, c])
				}
			}
			line = sprintf("%-" width[0] "s", "")
			for (c = 1; c <= columns; c++) {
				if (length(heading[c]) > width[c]) width[c] = length(heading[c])
				line = line sprintf("  %" width[c] "s", heading[c])
			}
			print line
			for (r = 1; r <= rows; r++) {
				line = sprintf("%-" width[0] "s", name[r])
				for (c = 1; c <= columns; c++) line = line sprintf("  %" width[c] "s", out[r, c])
				print line
			}
		}' - "$RESULTS"
}

# ---------------------------------------------------------------- databases

# Makes database bench_template: pgbench's tables with foreign keys and two more
# indexes on the accounts.  Neither contains abalance, so that pgbench's updates
# stay HOT, natively as after the job.  $1: fillfactor of the tables.
make_template() {
	note "filling the template, scale $SCALE"
	q postgres 'CREATE DATABASE bench_template'
	"$PGBIN/pgbench" -i -q --foreign-keys -s "$SCALE" -F "$1" bench_template >"$WORK/pgbench_init.log" 2>&1 ||
		{ cat "$WORK/pgbench_init.log" >&2; die "pgbench -i failed"; }
	q bench_template 'CREATE INDEX pgbench_accounts_bid_idx ON pgbench_accounts (bid)'
	q bench_template 'CREATE INDEX pgbench_accounts_bid_aid_idx ON pgbench_accounts (bid, aid)'
	q bench_template 'CREATE EXTENSION pg_prewarm'
	q bench_template 'VACUUM ANALYZE'
	q postgres 'CHECKPOINT'
	say "pgbench_accounts: $(q bench_template "
		SELECT format('%s rows, heap %s MB, indexes %s MB', (SELECT count(*) FROM pgbench_accounts),
		              pg_relation_size('pgbench_accounts') >> 20, pg_indexes_size('pgbench_accounts') >> 20)")"
}

# fresh DATABASE: a new copy of the template, on disk and in shared buffers.
fresh() {
	q postgres "CREATE DATABASE $1 TEMPLATE bench_template STRATEGY file_copy"
	q "$1" "SELECT sum(pg_prewarm(oid)) FROM pg_class
	        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND relpages > 0" >/dev/null
	q postgres 'CHECKPOINT'
}

drop() {
	q postgres "DROP DATABASE $1 WITH (FORCE)"
}

# ---------------------------------------------------------------- the operations

# native              ALTER TABLE as it is
# job-wN[-noverify][-throttleP]
#                     SELECT osc_start(...) with N workers, until the job is done;
#                     sleeping P percent of the time (throttle_ratio)
# repack              pg_repack of the same table (cannot alter: a plain rebuild)
# vacuum_full         VACUUM FULL of the same table
# none                nothing; only for the benchmarks under load
DDL='ALTER TABLE pgbench_accounts ALTER COLUMN aid TYPE bigint'
JOB=                          # job id of the last job variant

# prepare VARIANT DATABASE: what must be there before the clock starts.
prepare() {
	case $1 in
		job-*)
			q "$2" 'CREATE EXTENSION online_schema'
			[ "$(q "$2" "SELECT count(*) FROM pg_settings WHERE name = 'online_schema.stop_point'")" = 0 ] ||
				die "this is not a release build"
			;;
		repack) q "$2" 'CREATE EXTENSION pg_repack' ;;
	esac
}

# Waits for a job in the session that reads this: polls every 50 ms, and holds no
# snapshot for longer than 10 ms, for the job itself waits for old snapshots.
# $1: states to stop at, as an SQL list.
wait_sql() {
	cat <<-SQL
		DO \$\$
		DECLARE
			now_in text;
		BEGIN
			LOOP
				SELECT state INTO now_in FROM osc_progress
				 WHERE job_id = current_setting('bench.job')::bigint;
				EXIT WHEN now_in IN ($1, 'paused', 'failed', 'cancelled');
				FOR i IN 1 .. 5 LOOP
					COMMIT;
					PERFORM pg_sleep(0.01);
				END LOOP;
				COMMIT;
			END LOOP;
		END
		\$\$;
	SQL
}

# job_failed DATABASE JOB: says what became of a job that is not done.
job_failed() {
	q "$1" "SELECT format('job %s: %s in phase %s, waiting for %s, last error: %s',
	                      job_id, state, phase, waiting_for, last_error)
	        FROM osc_progress WHERE job_id = $2" >&2
	q "$1" "SELECT at, phase, event, detail FROM osc_events WHERE job_id = $2 ORDER BY at" | tail -n 40 >&2
	die "the job did not finish"
}

run_job() {
	local database=$1 workers=$2 verify=$3 percent=$4

	{
		cat <<-SQL
			LOAD 'online_schema';
			SET online_schema.workers = $workers;
			SET online_schema.verify = $verify;
			SET online_schema.throttle_ratio = $(awk -v p="$percent" 'BEGIN { print p / 100 }');
			SELECT osc_start('$DDL') AS job \\gset
			\\echo :job
			SELECT set_config('bench.job', :'job', false) \\g /dev/null
		SQL
		wait_sql "'done'"
	} | PGAPPNAME=bench_op "$PGBIN/psql" -XqAt -v ON_ERROR_STOP=1 -d "$database" >"$WORK/job_id"
	JOB=$(head -n 1 "$WORK/job_id")
}

# operate VARIANT DATABASE: runs it; times are left in OP_T0 and OP_T1.
# shellcheck disable=SC2034
operate() {
	local workers verify percent

	JOB=
	OP_T0=$(now_us)
	case $1 in
		native) PGAPPNAME=bench_op q "$2" "$DDL" ;;
		vacuum_full) PGAPPNAME=bench_op q "$2" 'VACUUM FULL pgbench_accounts' ;;
		repack)
			"$PGBIN/pg_repack" -E WARNING -d "$2" -t pgbench_accounts >"$WORK/repack.log" 2>&1 ||
				{ cat "$WORK/repack.log" >&2; die "pg_repack failed"; }
			;;
		job-w*)
			workers=${1#job-w}
			workers=${workers%%-*}
			verify=on
			[[ $1 != *-noverify* ]] || verify=off
			percent=0
			[[ $1 != *-throttle* ]] || percent=${1##*-throttle}
			run_job "$2" "$workers" "$verify" "$percent"
			;;
		*) die "unknown variant $1" ;;
	esac
	OP_T1=$(now_us)
	if [ -n "$JOB" ] && [ "$(q "$2" "SELECT state FROM osc_progress WHERE job_id = $JOB")" != 'done' ]; then
		job_failed "$2" "$JOB"
	fi
}

# The table must have come out right: the new type, as many rows, whole indexes.
check_result() {
	local variant=$1 database=$2 type=bigint got want

	case $variant in repack | vacuum_full) type=integer ;; esac
	want="$type|$((SCALE * 100000))|3|0"
	got=$(q "$database" "
		SELECT (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
		         WHERE attrelid = 'pgbench_accounts'::regclass AND attname = 'aid'),
		       (SELECT count(*) FROM pgbench_accounts),
		       (SELECT count(*) FROM pg_index WHERE indrelid = 'pgbench_accounts'::regclass AND indisvalid),
		       (SELECT count(*) FROM pg_constraint WHERE NOT convalidated)")
	[ "$got" = "$want" ] || die "$variant left (type, rows, valid indexes, keys not validated) $got, not $want"
}

# Phases of a job as lines "phase seconds_from seconds_to" (epoch).
job_phases() {
	q "$1" "
		SELECT format('%s %s %s', phase, extract(epoch FROM begun), extract(epoch FROM ended))
		FROM (SELECT phase, begun, lead(begun) OVER (ORDER BY begun) AS ended
		      FROM (SELECT 'planned' AS phase, min(at) AS begun FROM osc_events WHERE job_id = $2
		            UNION ALL
		            SELECT detail->>'to', at FROM osc_events WHERE job_id = $2 AND event = 'phase') AS change) AS step
		WHERE ended IS NOT NULL ORDER BY begun"
}

# What a job says about itself: seconds per phase, the swap, refused locks.
record_job() {
	local round=$1 variant=$2 database=$3 phase from to

	job_phases "$database" "$JOB" >"$WORK/phases"
	awk '{ s[$1] += $3 - $2 } END { for (p in s) printf "%s %.3f\n", p, s[p] }' "$WORK/phases" >"$WORK/phases.sum"
	while read -r phase from; do
		record "$round" "$variant" "phase_$phase" "$from"
	done <"$WORK/phases.sum"
	q "$database" "SELECT coalesce(detail->>'locked_ms', '') || ' ' || coalesce(detail->>'backlog', '')
	               FROM osc_events WHERE job_id = $JOB AND event = 'swap' ORDER BY at DESC LIMIT 1" >"$WORK/swap"
	read -r from to <"$WORK/swap" || true
	[ -z "${from:-}" ] || record "$round" "$variant" locked_ms "$from"
	[ -z "${to:-}" ] || record "$round" "$variant" backlog "$to"
	record "$round" "$variant" refused_locks "$(q "$database" "
		SELECT count(*) FROM osc_events WHERE job_id = $JOB AND event = 'lock' AND detail->>'granted' = 'false'")"
	q "$database" "SELECT at, phase, event, duration, detail FROM osc_events WHERE job_id = $JOB ORDER BY at" \
		>"$WORK/$BENCH_NAME.$round.${variant//\//-}.events"
}

# ---------------------------------------------------------------- samplers

# disk_watch DATABASE FILE: keeps the largest size of the database and of the
# server's temporary files in FILE, in bytes.  Runs until killed.
disk_watch() {
	local dir size max=0

	dir=$PGDATA_DIR/base/$(q postgres "SELECT oid FROM pg_database WHERE datname = '$1'")
	mkdir -p "$PGDATA_DIR/base/pgsql_tmp"
	chown postgres: "$PGDATA_DIR/base/pgsql_tmp"
	while :; do
		size=$(du -sbc "$dir" "$PGDATA_DIR/base/pgsql_tmp" 2>/dev/null | awk 'END { print $1 + 0 }') || true
		if [ "${size:-0}" -gt "$max" ]; then
			max=$size
			echo "$max" >"$2"
		fi
		sleep 0.2
	done
}

# memory_watch PID FILE: appends "epoch kilobytes" of the process's own memory
# (RssAnon) to FILE ten times a second until the process ends.
memory_watch() {
	local name kb rest

	while [ -r "/proc/$1/status" ]; do
		while read -r name kb rest; do
			if [ "$name" = RssAnon: ]; then
				printf '%s %s\n' "$EPOCHREALTIME" "$kb"
				break
			fi
		done <"/proc/$1/status" || break
		sleep 0.1
	done >>"$2" 2>/dev/null
}

# xmin_watch DATABASE SECONDS FILE: samples, every so many seconds, which
# transaction ids keep the horizon back and who holds them, until killed.  Each
# sample takes a transaction id itself: with its time that is the clock by which
# xmin_age turns ids into ages.
xmin_watch() {
	exec "$PGBIN/psql" -XqAt -F ' ' -v ON_ERROR_STOP=1 -d "$1" <<-SQL >"$3" 2>/dev/null
		SET application_name = 'bench_sampler';
		SET synchronous_commit = off;
		SELECT 'sample', extract(epoch FROM clock_timestamp()), pg_current_xact_id(),
		       coalesce(held.role, '-'), coalesce(held.id, 0)
		FROM (SELECT 1) AS one LEFT JOIN LATERAL (
			SELECT CASE WHEN coalesce(leader.backend_type, a.backend_type) LIKE 'online_schema%' THEN 'job'
			            WHEN coalesce(leader.application_name, a.application_name) IN ('bench_op', 'pg_repack') THEN 'op'
			            ELSE 'other' END AS role,
			       least(a.backend_xmin::text::bigint, a.backend_xid::text::bigint) AS id
			FROM pg_stat_activity AS a LEFT JOIN pg_stat_activity AS leader ON leader.pid = a.leader_pid
			WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
			  AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)) AS held ON true
		\\watch $2
	SQL
}

# xmin_age SAMPLES PHASES ROLE FROM TO: the age in seconds of the oldest id that
# ROLE held between FROM and TO (epoch seconds), as the line "all AGE SAMPLES",
# and one such line for each phase in PHASES (a file of job_phases or /dev/null).
xmin_age() {
	awk -v role="$3" -v from="$4" -v to="$5" '
		FILENAME != ARGV[2] { phase[++phases] = $1; begun[phases] = $2; ended[phases] = $3; next }
		$1 != "sample" || NF != 5 { next }
		$3 + 0 > xid[n] + 0 { xid[++n] = $3; at[n] = $2 }
		$4 == role && $2 >= from && $2 <= to { time[++rows] = $2; held[rows] = $5 }
		# The time at which an id was the next to be given out.
		function given(x,   lo, hi, mid) {
			if (x <= xid[1]) return at[1]
			lo = 1; hi = n
			while (lo < hi) {
				mid = int((lo + hi + 1) / 2)
				if (xid[mid] <= x) lo = mid; else hi = mid - 1
			}
			if (lo == n) return at[n]
			return at[lo] + (at[lo + 1] - at[lo]) * (x - xid[lo]) / (xid[lo + 1] - xid[lo])
		}
		function see(p, age) {
			if (!(p in seen)) order[++seens] = p
			seen[p]++
			if (age > oldest[p]) oldest[p] = age
		}
		END {
			see("all", 0); seen["all"] = 0
			for (i = 1; i <= rows; i++) {
				age = time[i] - given(held[i])
				see("all", age)
				for (p = 1; p <= phases; p++)
					if (time[i] >= begun[p] && time[i] < ended[p]) see(phase[p], age)
			}
			for (i = 1; i <= seens; i++) printf "%s %.3f %d\n", order[i], oldest[order[i]], seen[order[i]]
		}' "$2" "$1"
}

# ---------------------------------------------------------------- the load

# start_load rate|full: pgbench -N on database bench in the background, its pid
# in LOAD and BACKGROUND: 8 clients at RATE transactions a second, or 4 clients
# as fast as they can.
start_load() {
	local options=(-c 4)

	[ "$1" = full ] || options=(-c 8 -R "$RATE")
	rm -f "$WORK"/pgbench_log.*
	"$PGBIN/pgbench" -n -N "${options[@]}" -j 2 -T 3600 -l --log-prefix="$WORK/pgbench_log" bench \
		>"$WORK/pgbench.out" 2>&1 &
	LOAD=$!
	BACKGROUND+=("$LOAD")
}

# Errors that clients met, also on stderr.
load_errors() {
	grep -E 'ERROR|aborted' "$WORK/pgbench.out" | head -n 5 >&2 || true
	grep -Ec 'ERROR|aborted' "$WORK/pgbench.out" || true
}

# Finished transactions in order: "finish latency", in microseconds.  A line cut
# short when pgbench was ended is left out.
sorted_log() {
	cat "$WORK"/pgbench_log.* | awk 'NF >= 6 && $3 ~ /^[0-9.]+$/ { printf "%.0f %.0f\n", $5 * 1000000 + $6, $3 }' | sort -n
}

# check_ledger VARIANT: every finished transaction of pgbench -N added its delta
# to one account and to the history, so the two must agree.
check_ledger() {
	local wrong

	wrong=$(q bench "
		SELECT count(*) FROM (SELECT aid, sum(delta) AS total FROM pgbench_history GROUP BY aid) AS h
		FULL JOIN (SELECT aid, abalance FROM pgbench_accounts WHERE abalance <> 0) AS a USING (aid)
		WHERE coalesce(h.total, 0) <> coalesce(a.abalance, 0)")
	[ "$wrong" = 0 ] || die "$1: $wrong accounts do not agree with the history"
}
