#!/bin/bash
# The demonstration: changes the key of a busy table from integer to bigint while clients
# read and write it, then proves that nothing was lost and nothing is different.
#
#   bash test/demo.sh          as root on Debian 12; nothing else needs to be there
#
# Installs what is missing, builds and installs the extension, starts a throw-away
# PostgreSQL cluster in a temporary directory (no network port, removed at the end), fills
# it with a web shop's addresses (test/demo/shop.sql), lets clients loose on them
# (test/demo/load/), runs one osc_start(), and ends with the proof. The exit status is 0
# only if every part of the proof holds.
#
# Settings, all optional, from the environment:
#   OSC_DEMO_ROWS=1000000    rows of the table
#   OSC_DEMO_RATE=1000       transactions per second that the clients aim at
#   OSC_DEMO_BASELINE=15     seconds of load without a job, to compare with
#   OSC_DEMO_TIMEOUT=900     seconds after which the job counts as failed
#   OSC_DEMO_KEEP=1          leave the cluster running and say how to connect
#   PG_CONFIG=/path          another PostgreSQL than Debian's 15

set -euo pipefail

rows=${OSC_DEMO_ROWS:-1000000}
rate=${OSC_DEMO_RATE:-1000}
baseline=${OSC_DEMO_BASELINE:-15}
timeout=${OSC_DEMO_TIMEOUT:-900}
keep=${OSC_DEMO_KEEP:-}
pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
ddl='ALTER TABLE address ALTER COLUMN id TYPE bigint'

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
demo=$repo/test/demo
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PGOPTIONS='' PGTZ=UTC
unset PGSERVICE PGHOSTADDR
work='' bindir='' load_pid='' failures=0
baseline_from='' job='' job_state='' job_from='' job_to='' oid_before='' native_ms=''

# ---------------------------------------------------------------- output

if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m' wipe=$'\r\e[K'
else
	bold='' dim='' red='' green='' plain='' wipe=''
fi

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '  %-11s %s\n' "$1" "$2"; }
commas() { sed -E ':again; s/([0-9])([0-9]{3})($|[^0-9])/\1,\2\3/; t again' <<<"$1"; }

die()
{
	printf '%s%sdemo.sh: %s%s\n' "$wipe" "$red" "$1" "$plain" >&2
	exit 1
}

# Runs a command quietly; its output is shown only if it fails.
quietly()
{
	local log=$work/command.log
	"$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "failed: $*"; }
}

# proof <name> <text> <command...>: one line of the proof; the command says whether it holds.
proof()
{
	local name=$1 text=$2
	shift 2
	if "$@"; then
		printf '  %s✔%s %-11s %s\n' "$green" "$plain" "$name" "$text"
	else
		printf '  %s✘ %-11s %s%s\n' "$red" "$name" "$text" "$plain"
		failures=$((failures + 1))
	fi
}

# ---------------------------------------------------------------- from nothing to a cluster

clean_up()
{
	local status=$?
	trap - EXIT INT TERM
	if [ -n "$load_pid" ]; then
		kill "$load_pid" 2>/dev/null || true
		wait "$load_pid" 2>/dev/null || true
	fi
	if [ -n "$keep" ] && [ -n "$work" ] && [ -f "$work/data/postmaster.pid" ]; then
		heading 'Kept'
		note connect "$bindir/psql -h $work -p $PGPORT -U postgres shop"
		note remove "runuser -u postgres -- $bindir/pg_ctl -D $work/data -m fast stop; rm -rf $work"
	elif [ -n "$work" ]; then
		if [ -f "$work/data/postmaster.pid" ]; then
			as_postgres "$bindir/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
		fi
		rm -rf "$work"
	fi
	exit "$status"
}

as_postgres() { (cd "$work" && runuser -u postgres -- "$@"); }

install_packages()
{
	local wanted=(make gcc) missing=() package
	[ -n "${PG_CONFIG:-}" ] || wanted+=(postgresql-15 postgresql-server-dev-15)
	for package in "${wanted[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		note packages 'all there'
	else
		note packages "installing ${missing[*]}"
		quietly apt-get -q update
		quietly apt-get -qy --no-install-recommends install "${missing[@]}"
	fi
	[ -x "$pg_config" ] || die "there is no $pg_config"
	bindir=$("$pg_config" --bindir)
	note server "$("$bindir/postgres" --version)"
}

# Builds a copy, so that the tree stays as it is, whatever was built in it before.
build_extension()
{
	mkdir "$work/build"
	tar -C "$repo" --exclude=./.git -cf - . | tar -C "$work/build" -xf -
	quietly make -C "$work/build" PG_CONFIG="$pg_config" clean
	quietly make -C "$work/build" PG_CONFIG="$pg_config" -j "$(nproc)"
	quietly make -C "$work/build" PG_CONFIG="$pg_config" install
	note extension 'built and installed'
}

start_cluster()
{
	chown postgres "$work"
	quietly as_postgres "$bindir/initdb" -D "$work/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --data-checksums
	cat >>"$work/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$work'
		wal_level = logical
		max_wal_size = 4GB
		shared_buffers = 512MB
		log_min_messages = warning
		log_line_prefix = '%m [%p] %b %q%u@%d '
	CONF
	export PGHOST=$work PGUSER=postgres PGDATABASE=shop
	PGPORT=$((20000 + RANDOM % 20000))
	export PGPORT
	quietly as_postgres "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" -w -o "-p $PGPORT" start
	note cluster "throw-away, in $work"
}

# ---------------------------------------------------------------- a busy table

# psql as the superuser, and as the tables' owner, who has no right beyond that.
sql() { "$bindir/psql" -XqAt -v ON_ERROR_STOP=1 -F ' ' "$@"; }
sql_owner() { PGUSER=shop_owner sql "$@"; }

fill_shop()
{
	sql -d postgres -c 'CREATE ROLE shop_owner LOGIN' -c 'CREATE ROLE shop_app LOGIN' -c 'CREATE ROLE shop_report' \
		-c 'CREATE DATABASE shop OWNER shop_owner'
	sql -c 'CREATE EXTENSION online_schema'
	quietly sql_owner -v rows="$rows" -f "$demo/shop.sql"
	sql -c 'VACUUM ANALYZE'
	# The twin of the whole database in which the same ALTER is run natively at the end.
	sql -d postgres -c 'CREATE DATABASE shop_native OWNER shop_owner TEMPLATE shop'
	sql -d postgres -c CHECKPOINT
	note table "address: $(commas "$rows") rows, $(sql -c \
		"SELECT pg_size_pretty(pg_total_relation_size('address')), 'with', count(*), 'indexes' FROM pg_index WHERE indrelid = 'address'::regclass")"
}

# Readers and writers in one pgbench, in shares of 20. It logs each transaction's time.
start_load()
{
	local share scripts=()
	for share in lookup@7 list@3 insert@2 update@4 default@1 delete@1 ship@1 rollback@1; do
		scripts+=(-f "$demo/load/${share%@*}.sql@${share#*@}")
	done
	mkdir "$work/clients"
	PGUSER=shop_app "$bindir/pgbench" -n -c 8 -j 2 -R "$rate" -T 100000 -D rows="$rows" \
		-l --log-prefix="$work/clients/log" "${scripts[@]}" shop >"$work/pgbench.out" 2>"$work/pgbench.err" &
	load_pid=$!
	note load "8 clients, $(commas "$rate") transactions a second; half of them write"
}

# The signal of pgbench's own timer: it ends its transactions, writes its logs and stops.
stop_load()
{
	kill -ALRM "$load_pid" 2>/dev/null || true
	wait "$load_pid" || true		# what went wrong is counted by client_errors
	load_pid=''
	sql -d postgres -c 'CREATE TABLE client_log (client int, number int, elapsed_us text, script int, s bigint, us bigint, lag_us text)'
	cat "$work"/clients/log* | sql -d postgres -c "COPY client_log FROM STDIN (DELIMITER ' ')"
}

# ---------------------------------------------------------------- the job

# Shows a job until it has ended: one line that is redrawn on a terminal; elsewhere a
# line for each phase and each tenth of it.
watch_job()
{
	local job=$1 deadline=$((SECONDS + timeout)) state phase pct bar eta backlog waiting line mark='' last=''
	while :; do
		IFS=$'\x1f' read -r state phase pct bar eta backlog waiting < <(sql_owner -F $'\x1f' -c "
			SELECT state, phase, floor(progress_pct), progress_bar, eta, coalesce(backlog, 0), waiting_for
			FROM osc_progress WHERE job_id = $job") || die "the view osc_progress does not show job $job"
		line=$(printf '  %-13s %s   backlog %s' "$phase" "$bar" "$(commas "$backlog")")${eta:+   eta $eta}
		mark=$state/$phase/$((pct / 10))
		if [ -n "$wipe" ]; then
			printf '\e[?7l%s%s%s\e[?7h' "$wipe" "$line" "${waiting:+   $dim$waiting$plain}"	# no line wrap
		elif [ "$mark" != "$last" ]; then
			printf '%s\n' "$line"
		fi
		last=$mark
		case $state in
			done | failed | cancelled | paused | ready) break ;;
		esac
		[ "$SECONDS" -lt "$deadline" ] || { state='not ended in time'; break; }
		sleep 0.25
	done
	[ -z "$wipe" ] || echo
	job_state=$state
}

# Why a job did not end well.
explain_job()
{
	sql_owner -x -c "SELECT * FROM osc_progress WHERE job_id = $1"
	sql_owner -c "SELECT * FROM osc_events WHERE job_id = $1 ORDER BY at DESC LIMIT 10"
	tail -n 20 "$work/server.log"
}

# One value out of the last event of a kind: event_value <job> <event> <key>
event_value()
{
	sql_owner -c "SELECT detail ->> '$3' FROM osc_events
		WHERE job_id = $1 AND event = '$2' AND detail ? '$3' ORDER BY at DESC LIMIT 1"
}

# ---------------------------------------------------------------- the proof

# The one random line in it, the key of \restrict, is left out.
dump_schema() { "$bindir/pg_dump" -s -d "$1" | sed '/^\\\(un\)\?restrict /d'; }

# Transactions that failed, and clients that gave up over an error, by pgbench's own count.
client_errors()
{
	local failed
	failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$work/pgbench.out")
	echo $((${failed:-1} + $(grep -c 'aborted in command' "$work/pgbench.err" || true)))
}

takes_big_ids()
{
	quietly sql_owner -c 'BEGIN' -c "INSERT INTO address (id, customer_id, street, city) VALUES (3000000000, 1, 'a', 'b')" -c 'ROLLBACK'
}

# Schemas of helper objects, entries in their registry, and triggers that native would not have.
leftovers()
{
	local triggers="SELECT count(*) FROM pg_trigger WHERE tgrelid = 'address'::regclass"
	echo $(($(sql -c "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname ~ '^osc_\d') +
		(SELECT count(*) FROM online_schema.job_object)") + $(sql -c "$triggers") - $(sql -d shop_native -c "$triggers")))
}

orphans()
{
	sql -c 'SELECT count(*) FROM shipment s WHERE address_id IS NOT NULL AND NOT EXISTS (SELECT FROM address a WHERE a.id = s.address_id)'
}

latency() { sql -d postgres -v from_s="$1" -v to_s="$2" -f "$demo/latency.sql"; }

summary_row() { printf '  %-15s %12s %11s %10s %9s %17s %17s\n' "$@"; }

milliseconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.0f", 1000 * (to - from) }'; }

# The same statement, natively, in the copy of the database that nobody uses.
run_native()
{
	local started=$EPOCHREALTIME
	quietly sql_owner -d shop_native -c "$ddl"
	native_ms=$(milliseconds_since "$started")
}

prove_rows()
{
	local compared missing extra differing changes lost
	read -r compared missing extra differing changes < <(sql -f "$demo/compare.sql") || die 'rows could not be compared'
	proof rows "$(commas "$compared") compared with the ledger ($(commas "$changes") changes by clients): $missing missing, $extra too many, $differing different" \
		[ $((missing + extra + differing)) -eq 0 ]
	lost=$(orphans)
	proof references "$lost shipments point to an address that is not there" [ "$lost" -eq 0 ]
	compared=$(event_value "$job" validate rows_compared)
	differing=$(event_value "$job" validate rows_differing)
	proof validation "the job itself compared $(commas "${compared:-no}") rows before the swap: ${differing:-?} different" \
		[ "${differing:-1}" -eq 0 ]
}

prove_schema()
{
	local oid_after
	dump_schema shop_native >"$work/native.sql"
	dump_schema shop >"$work/online.sql"
	proof schema "pg_dump -s equals that after a native ALTER TABLE, byte by byte ($(wc -l <"$work/online.sql") lines)" \
		diff -u "$work/native.sql" "$work/online.sql"
	oid_after=$(sql -c "SELECT 'address'::regclass::oid")
	proof identity "the table's OID was $oid_before and is $oid_after" [ "$oid_before" = "$oid_after" ]
	proof bigint 'the key takes 3,000,000,000' takes_big_ids
}

prove_health()
{
	local errors left locked refused
	locked=$(event_value "$job" swap locked_ms)
	refused=$(sql_owner -c "SELECT count(*) FROM osc_events WHERE job_id = $job AND event = 'lock' AND NOT (detail ->> 'granted')::boolean")
	proof swap "held the table's lock for ${locked:-?} ms ($refused polite attempts at a lock had to be repeated)" [ -n "$locked" ]
	sql -c 'CREATE EXTENSION amcheck'
	proof storage 'table and indexes are sound (pg_amcheck --heapallindexed)' \
		"$bindir/pg_amcheck" -d shop -t public.address --heapallindexed
	errors=$(client_errors)
	[ "$errors" -eq 0 ] || head -n 20 "$work/pgbench.err" >&2
	proof clients "$errors errors in $(commas "$(sql -d postgres -c 'SELECT count(*) FROM client_log')") transactions" \
		[ "$errors" -eq 0 ]
	left=$(leftovers)
	proof leftovers "$left helper objects" [ "$left" -eq 0 ]
}

# shellcheck disable=SC2046 # the figures are words
show_figures()
{
	local locked swapped
	locked=$(event_value "$job" swap locked_ms)
	swapped=$(sql_owner -c "SELECT extract(epoch FROM max(at)) FROM osc_events WHERE job_id = $job AND event = 'swap'")

	heading 'What the clients saw'
	summary_row '' transactions 'per second' 'median ms' '99 % ms' 'longest pause ms' 'nobody served ms'
	summary_row 'without a job' $(latency "$baseline_from" "$job_from")
	summary_row 'during the job' $(latency "$job_from" "$job_to")
	if [ -n "$swapped" ]; then
		summary_row 'around the swap' $(latency "$swapped - 1" "$swapped + 1")
	fi

	heading 'Everybody locked out of the table'
	note native "$(commas "$native_ms") ms, on an idle server"
	note online "${locked:-?} ms, under load"
}

# ---------------------------------------------------------------- the run

set_up()
{
	[ "$(id -u)" = 0 ] || die 'please run this as root: it installs packages and the extension'
	work=$(mktemp -d "${TMPDIR:-/tmp}/osc-demo.XXXXXX")
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	install_packages
	build_extension
	start_cluster
	fill_shop
	oid_before=$(sql -c "SELECT 'address'::regclass::oid")
}

run_job()
{
	job_from=$EPOCHREALTIME
	job=$(sql_owner -c "SELECT osc_start('$ddl')")
	watch_job "$job"
	job_to=$EPOCHREALTIME
	if [ "$job_state" != "done" ]; then
		explain_job "$job" >&2
		die "job $job: $job_state"
	fi
	note "job $job" "done after $(awk -v a="$job_from" -v b="$job_to" 'BEGIN { printf "%.1f", b - a }') seconds"
}

heading 'Setting up'
set_up

heading 'A busy table'
start_load
sleep 2
baseline_from=$EPOCHREALTIME
note baseline "$baseline seconds without a job"
sleep "$baseline"

heading "SELECT osc_start('$ddl')"
run_job
sleep 2
stop_load

heading 'Proof'
run_native
prove_rows
prove_schema
prove_health
show_figures

echo
[ "$failures" -eq 0 ] || die "$failures of the proofs did not hold"
printf '%sThe key is a bigint, and every proof holds.%s\n' "$green$bold" "$plain"
