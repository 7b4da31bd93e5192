#!/bin/bash
# run.sh: builds the extension and runs all its tests.
#
#   bash test/run.sh           as root on Debian; nothing else needs to be there
#
# Installs what is missing, copies the tree (the checkout stays as it is), and then:
#   layout      the house rules of the source tree (layout.sh)
#   build       a release build and a build with stop points, warnings as errors
#   regress     pg_regress, test/sql, on the release build
#   isolation   pg_isolation_regress, test/isolation, on the build with stop points
#   tap         test/t/*.pl, on the build with stop points
#   lint        test/lint/*.pl: osc-lint, built here on libpg_query
# Every cluster is a throw-away one in a temporary directory. What is installed in the end
# is the release build. The last line is "N passed, N failed"; the exit status is 0 only if
# nothing failed.
#
# Settings, all optional, from the environment:
#   PG_CONFIG=/path                  another PostgreSQL than Debian's 15
#   OSC_TESTS="regress tap"          only these parts (the builds are always made)
#   OSC_REGRESS="plan start"         only these pg_regress tests
#   OSC_ISOLATION="fence"            only these isolation specs
#   OSC_TAP="003_ledger"             only these TAP files
#   OSC_LINT_TESTS="004_fix"         only these TAP files of osc-lint
#   OSC_FUZZ=1                       also feed osc-lint random bytes, for OSC_FUZZ_TIME=600 seconds
#   OSC_SOAK=1                       the long variants of the TAP tests, and what they measured
#   OSC_SEEDS="1 2", OSC_ROWS=N      seeds and rows of the ledger test
#   PG_TEST_TIMEOUT_DEFAULT=180      seconds that a TAP test waits for anything
#   OSC_KEEP=1                       leave the temporary directory

set -euo pipefail

pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
parts=${OSC_TESTS:-layout build regress isolation tap lint}
soak=${OSC_SOAK:-}
jobs=2

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset PGDATABASE PGHOST PGOPTIONS PGPASSWORD PGPORT PGSERVICE PGUSER
work='' bindir='' pgxs='' passed=0 failed=0 installed=''

# ---------------------------------------------------------------- small things

heading() { printf '\n== %s\n' "$1"; }
has_part() { [[ " $parts " == *" $1 "* ]]; }
as_postgres() { (cd "$work" && exec runuser -u postgres -- "$@"); }

die()
{
	printf 'run.sh: %s\n' "$1" >&2
	exit 1
}

# result ok|failed <text>: counts one test.
result()
{
	if [ "$1" = ok ]; then
		passed=$((passed + 1))
		printf '   ok      %s\n' "$2"
	else
		failed=$((failed + 1))
		printf '   FAILED  %s\n' "$2"
	fi
}

# Shows the end of a file that explains a failure.
show_end()
{
	[ -s "$1" ] || return 0
	printf -- '---- %s\n' "${1#"$work"/}"
	tail -n "${2:-60}" "$1"
	printf -- '----\n'
}

stop_clusters()
{
	local pid_file
	for pid_file in "$work"/cluster/postmaster.pid "$work"/{tap,lint}/tmp_check/*/pgdata/postmaster.pid; do
		[ -f "$pid_file" ] || continue
		as_postgres "$bindir/pg_ctl" -D "$(dirname "$pid_file")" -m immediate stop >/dev/null 2>&1 || true
	done
}

clean_up()
{
	local status=$?
	trap - EXIT INT TERM
	[ -z "$work" ] || stop_clusters
	# do not leave a build with stop points installed
	[ "$installed" != stop ] || install_build release || true
	if [ -n "${OSC_KEEP:-}" ]; then
		echo "run.sh: kept $work" >&2
	elif [ -n "$work" ]; then
		rm -rf "$work"
	fi
	exit "$status"
}

# ---------------------------------------------------------------- from nothing to two builds

install_packages()
{
	local wanted=(make gcc perl libipc-run-perl libpg-query-dev) missing=() package major
	if [[ $pg_config =~ ^/usr/lib/postgresql/([0-9]+)/ ]]; then
		major=${BASH_REMATCH[1]}
		wanted+=("postgresql-$major" "postgresql-server-dev-$major")
	fi
	if has_part lint && [ -n "${OSC_FUZZ:-}" ]; then wanted+=(clang); fi
	for package in "${wanted[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	if [ ${#missing[@]} -gt 0 ]; then
		echo "   installing ${missing[*]}"
		if ! { apt-get -q update && apt-get -qy --no-install-recommends install "${missing[@]}"; } >"$work/apt.log" 2>&1; then
			show_end "$work/apt.log"
			die 'could not install the packages'
		fi
	fi
	[ -x "$pg_config" ] || die "there is no $pg_config"
	bindir=$("$pg_config" --bindir)
	pgxs=$(dirname "$("$pg_config" --pgxs)")/..
	echo "   $("$bindir/postgres" --version)"
}

# Two runs at once with the same server would install over each other.
take_turns()
{
	local directory
	directory=$("$pg_config" --pkglibdir)
	exec 9>"/run/online_schema-test.$(cksum <<<"$directory" | tr -d ' ').lock"
	flock -n 9 && return
	echo '   waiting for another run to end'
	flock 9
	started=$SECONDS
}

# build_in <name> <make arguments>: a copy of the tree in $work/<name>, built.
build_in()
{
	local name=$1
	shift
	mkdir "$work/$name"
	tar -C "$repo" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude='./sql/*--*.sql' --exclude=./lint/osc-lint --exclude=./lint/fuzz/fuzz-lint -cf - . |
		tar -C "$work/$name" -xf -
	chown -R postgres "$work/$name"
	as_postgres make -C "$work/$name" -j "$(nproc)" PG_CONFIG="$pg_config" COPT=-Werror "$@" >"$work/$name.log" 2>&1
}

# Both builds stand side by side; the server loads the one installed last.
install_build()
{
	local arguments=(PG_CONFIG="$pg_config" COPT=-Werror)
	[ "$1" = release ] || arguments+=(STOP_POINTS=1)
	[ "$installed" != "$1" ] || return 0
	make -C "$work/$1" "${arguments[@]}" install >"$work/install.log" 2>&1 || { show_end "$work/install.log"; return 1; }
	installed=$1
}

has_stop_points() { grep -qaF 'online_schema.stop_point' "$work/$1/online_schema.so"; }

make_builds()
{
	if build_in release && ! grep -q 'warning:' "$work/release.log"; then
		result ok 'the release build, without a warning'
	else
		result failed 'the release build'
		show_end "$work/release.log"
	fi
	if build_in stop STOP_POINTS=1 && ! grep -q 'warning:' "$work/stop.log"; then
		result ok 'the build with stop points, without a warning'
	else
		result failed 'the build with stop points'
		show_end "$work/stop.log"
	fi
	[ -f "$work/release/online_schema.so" ] && [ -f "$work/stop/online_schema.so" ] || return 1
	if has_stop_points stop && ! has_stop_points release; then
		result ok 'the release build has no stop points'
	else
		result failed 'the release build has no stop points'
	fi
	install_build release
}

# ---------------------------------------------------------------- pg_regress, both kinds

start_cluster()
{
	as_postgres "$bindir/initdb" -D "$work/cluster" -A trust -U postgres -E UTF8 --locale=C.UTF-8 -N --data-checksums >"$work/initdb.log" 2>&1 ||
		{ show_end "$work/initdb.log"; die 'initdb failed'; }
	cat >>"$work/cluster/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$work'
		port = $port
		fsync = off
		wal_level = logical
		max_connections = 60
		max_prepared_transactions = 10
		max_worker_processes = 16
		# on, but not before the tests are over: it is in the way of locks, counts, and xids
		autovacuum_naptime = '1d'
		log_line_prefix = '%m [%p] %b %a '
	CONF
	start_server
}

start_server()
{
	as_postgres "$bindir/pg_ctl" -D "$work/cluster" -l "$work/server.log" -w -t 300 start >"$work/pg_ctl.log" 2>&1 ||
		{ show_end "$work/pg_ctl.log"; show_end "$work/server.log"; die 'the cluster does not start'; }
}

stop_server() { as_postgres "$bindir/pg_ctl" -D "$work/cluster" -m fast -w -t 300 stop >/dev/null 2>&1 || true; }

# run_regress <part> <program> <input directory> <tests...>: every test must be reported as
# ok by the program, in the words of 15 or of a later one; anything else is a failure.
run_regress()
{
	local part=$1 program=$2 input=$3 options=() test out
	shift 3
	out=$work/$part
	if [ $# -eq 0 ]; then
		result failed "$part: there are no tests"
		return
	fi
	mkdir "$out"
	chown postgres "$out"
	# tests that do not make the extension themselves find it there
	grep -qisrE 'create +extension' "$input/sql" "$input/specs" || options+=(--load-extension=online_schema)
	as_postgres env PGISOLATIONTIMEOUT=300 PG_TEST_TIMEOUT_DEFAULT="${PG_TEST_TIMEOUT_DEFAULT:-180}" timeout -k 10 3600 "$program" --bindir="$bindir" --host="$work" --port="$port" --user=postgres \
		--dbname="${part}_online_schema" --inputdir="$input" --outputdir="$out" "${options[@]}" "$@" >"$out.log" 2>&1 || true
	for test in "$@"; do
		if grep -qE "^(test $test +\.\.\. ok|ok [0-9]+ +[-+] $test )" "$out.log"; then
			result ok "$part: $test"
		else
			result failed "$part: $test"
		fi
	done
	if [ -s "$out/regression.diffs" ]; then
		show_end "$out/regression.diffs" 120
	elif grep -qE 'FAILED|not ok|could not|Bail out' "$out.log"; then
		show_end "$out.log"
		show_end "$work/server.log" 30
	fi
}

# Names of files of a folder, without folder and ending; or the chosen ones.
names_of()
{
	local folder=$1 ending=$2 chosen=$3 file
	if [ -n "$chosen" ]; then
		tr ' ' '\n' <<<"$chosen"
		return
	fi
	for file in "$folder"/*"$ending"; do
		[ ! -e "$file" ] || basename "$file" "$ending"
	done
}

# ---------------------------------------------------------------- TAP

# prove shows the progress; the counts are taken from the output of each file, where a line
# in the first column that begins with "ok" or "not ok" is a test. A file that ends badly
# without saying so counts as one failure.
#
# run_tap <part> <folder> <chosen files>
run_tap()
{
	local part=$1 folder=$work/stop/$2 chosen=$3 files=() name tap ok not_ok status limit=3600
	[ -z "$soak" ] || limit=7200
	mapfile -t files < <(names_of "$folder" .pl "$chosen" | order_by_length)
	if [ ${#files[@]} -eq 0 ]; then
		result failed "$part: there are no tests"
		return
	fi
	mkdir "$work/$part"
	cat >"$work/$part/one" <<-WRAPPER
		#!/bin/bash
		name=\$(basename "\$1" .pl)
		timeout -k 30 $limit perl -I "$work/stop/test/t" -I "$pgxs/test/perl" "\$1" 2>"$work/$part/\$name.err" | tee "$work/$part/\$name.tap"
		status=\${PIPESTATUS[0]}
		echo "\$status" >"$work/$part/\$name.status"
		exit "\$status"
	WRAPPER
	chmod +x "$work/$part/one"
	chown -R postgres "$work/$part"
	(
		cd "$work/$part"
		runuser -u postgres -- env PATH="$bindir:$PATH" TESTDIR="$work/$part" TESTDATADIR="$work/$part/tmp_check" \
			TESTLOGDIR="$work/$part/tmp_check/log" PG_REGRESS="$pgxs/test/regress/pg_regress" \
			PG_TEST_TIMEOUT_DEFAULT="${PG_TEST_TIMEOUT_DEFAULT:-180}" PGCTLTIMEOUT="${PG_TEST_TIMEOUT_DEFAULT:-180}" OSC_SOAK="$soak" OSC_SEEDS="${OSC_SEEDS:-}" OSC_ROWS="${OSC_ROWS:-}" \
			OSC_LINT="$work/stop/lint/osc-lint" OSC_LINT_SANITIZED="$work/stop/lint-sanitized/osc-lint" \
			OSC_FUZZ="${OSC_FUZZ:-}" OSC_FUZZ_TIME="${OSC_FUZZ_TIME:-600}" \
			prove --timer -j "$jobs" --exec "$work/$part/one" "${files[@]/#/$folder/}"
	) 2>&1 | sed 's/^/   /' || true
	for name in "${files[@]}"; do
		name=${name%.pl}
		tap=$work/$part/$name.tap
		ok=0 not_ok=0 status=255
		if [ -f "$tap" ]; then
			ok=$(grep -cE '^ok ' "$tap" || true)
			not_ok=$(grep -cE '^not ok ' "$tap" || true)
		fi
		[ ! -f "$work/$part/$name.status" ] || status=$(cat "$work/$part/$name.status")
		if [ "$not_ok" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$ok" -eq 0 ]; }; then
			not_ok=1
		fi
		passed=$((passed + ok))
		failed=$((failed + not_ok))
		if [ "$not_ok" -eq 0 ]; then
			printf '   ok      %s: %s, %d subtests\n' "$part" "$name" "$ok"
			[ -z "$soak" ] || grep -E '^ +# ' "$tap" | grep -vE "# (Subtest|connect output|issuing query|results query|[{}]|')|=> '" || true
		else
			printf '   FAILED  %s: %s, %d of %d subtests\n' "$part" "$name" "$not_ok" "$((ok + not_ok))"
			show_end "$work/$part/$name.err" 60
			show_end "$tap" 80
		fi
	done
}

# osc-lint, built as a user would build it, and with the sanitizers.
build_lint()
{
	if as_postgres make -C "$work/stop" lint PG_CONFIG="$pg_config" >"$work/lint.log" 2>&1 &&
		as_postgres cp -r "$work/stop/lint" "$work/stop/lint-sanitized" &&
		as_postgres make -C "$work/stop/lint-sanitized" clean >/dev/null &&
		as_postgres make -C "$work/stop/lint-sanitized" SANITIZE=1 CFLAGS='-O1 -g' >>"$work/lint.log" 2>&1 &&
		! grep -q 'warning:' "$work/lint.log"; then
		result ok 'osc-lint, without a warning'
	else
		result failed 'osc-lint'
		show_end "$work/lint.log"
		return 1
	fi
}

# The longest first, so that two at a time end together.
order_by_length()
{
	local name long='003_ledger 010_equivalence 018_hard_clusters 004_crash_points 011_no_key 002_restart' all
	all=$(cat)
	for name in $long $all; do
		grep -qx "$name" <<<"$all" || continue
		echo "$name.pl"
	done | awk '!seen[$0]++'
}

# ---------------------------------------------------------------- all of it

[ "$(id -u)" -eq 0 ] || die 'must be run as root: it installs packages and the extension'
trap clean_up EXIT
trap 'exit 130' INT TERM
work=$(mktemp -d /tmp/online_schema-test.XXXXXX)
port=$((20000 + RANDOM % 20000))
started=$SECONDS


heading 'what is needed'
install_packages
id postgres >/dev/null 2>&1 || die 'there is no user postgres in this system'
chown postgres "$work"
take_turns

if has_part layout; then
	heading layout
	if PG_CONFIG=$pg_config bash "$repo/test/layout.sh"; then result ok layout; else result failed layout; fi
fi

heading build
if make_builds; then
	if has_part regress || has_part isolation; then start_cluster; fi
	if has_part regress; then
		heading "regress ($((SECONDS - started)) s)"
		mapfile -t tests < <(names_of "$work/release/test/sql" .sql "${OSC_REGRESS:-}")
		run_regress regress "$pgxs/test/regress/pg_regress" "$work/release/test" "${tests[@]}"
	fi
	install_build stop || die 'could not install the build with stop points'
	if has_part isolation; then
		# started anew, so that no process has the other build loaded
		stop_server
		start_server
		heading "isolation ($((SECONDS - started)) s)"
		mapfile -t tests < <(names_of "$work/stop/test/isolation/specs" .spec "${OSC_ISOLATION:-}")
		run_regress isolation "$pgxs/test/isolation/pg_isolation_regress" "$work/stop/test/isolation" "${tests[@]}"
	fi
	stop_clusters
	if has_part tap; then
		heading "tap ($((SECONDS - started)) s)"
		run_tap tap test/t "${OSC_TAP:-}"
	fi
	if has_part lint; then
		heading "lint ($((SECONDS - started)) s)"
		if build_lint; then run_tap lint test/lint "${OSC_LINT_TESTS:-}"; fi
	fi
	install_build release || result failed 'the release build is installed again'
else
	result failed 'without a build there are no tests'
fi

printf '\n%d seconds\n%d passed, %d failed\n' $((SECONDS - started)) "$passed" "$failed"
[ "$failed" -eq 0 ]
