#!/bin/bash
#
# check-versions.sh: build online_schema and run its tests on every PostgreSQL
# major version that it supports.
#
#   test/check-versions.sh [MAJOR...]           all of them by default
#   test/check-versions.sh --shell MAJOR        a shell where MAJOR is tested
#   test/check-versions.sh --shell MAJOR -- COMMAND [ARGUMENT...]
#
# Each major version comes from the Debian release that ships it.  15 is
# Debian 12's, and runs on the host itself.  The others run in a folder that
# holds a small Debian of their own, made by debootstrap from the mirror that
# the host's apt sources name.  The folders lie in $OSC_VERSIONS_DIR
# (/var/cache/online_schema-versions by default) and are kept:
#
#   MAJOR/                 the Debian folder (for 15, only the next line)
#   MAJOR/online_schema/   the copy of the work tree that was tested last
#   MAJOR.log              what that test printed
#   MAJOR.setup.log        what making the folder printed
#   MAJOR.partial/         a folder that is being made; never used
#
# A folder gets its real name only when it is complete, so one whose making
# was interrupted is thrown away and made again.  So is one that was made for
# another list of packages.  To refresh a folder, remove it.
#
# The tests, and a command of --shell, run in mount, pid and ipc namespaces of
# their own, on the host too.  There is thus nothing to unmount or to stop
# afterwards, even after kill -9: the kernel undoes the mounts and ends every
# process, left-over servers included, when the command ends.  Runs that share
# a directory take turns by a lock on it; --shell does not wait for them.
#
# Must run as root.  Exits with 0 only when every version passed.

set -euo pipefail
umask 022

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
base=${OSC_VERSIONS_DIR:-/var/cache/online_schema-versions}
all_majors=(15 17 18)

child=			# process group of what run_logged runs, if anything
run_status=0	# exit status of what it ran last


usage()
{
	echo "usage: $0 [MAJOR...] | --shell MAJOR [-- COMMAND...]   (MAJOR: ${all_majors[*]})"
}

die()
{
	echo "check-versions: $*" >&2
	exit 1
}

# The Debian release whose folder tests a major version; empty for the host.
suite_of()
{
	case $1 in
		15) ;;
		17) echo trixie ;;
		18) echo sid ;;
		*) return 1 ;;
	esac
}

packages_of()
{
	echo "postgresql-$1 postgresql-server-dev-$1" \
		 "make gcc libc6-dev perl libipc-run-perl procps"
}

# Install what is missing of the named packages on the host.
install_on_host()
{
	local package missing=()

	for package in "$@"; do
		if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
			missing+=("$package")
		fi
	done
	if [ ${#missing[@]} -gt 0 ]; then
		apt-get -q update
		DEBIAN_FRONTEND=noninteractive \
			apt-get -q install -y --no-install-recommends "${missing[@]}"
	fi
}

# The first mirror of a release in the host's apt sources, if any.  apt reads
# its sources, of either format, better than we could, but tells nothing of
# those whose lists it has not fetched.
apt_mirror()
{
	# shellcheck disable=SC2016	# expanded by apt-get
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
			'Created-By: Packages' |
		awk -v codename="$1" \
			'$1 == codename && $2 == "main" && $3 ~ /^https?:/ && !found++ {print $3}'
}

# The mirror of the host's own release.
host_mirror()
{
	local codename mirror

	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	mirror=$(apt_mirror "$codename")
	if [ -z "$mirror" ]; then
		apt-get -q update >&2
		mirror=$(apt_mirror "$codename")
	fi
	[ -n "$mirror" ] || die "apt's sources name no http mirror of \"$codename\""
	echo "$mirror"
}

# Become a command where a major version is tested: below a root directory
# (/ is the host), with a working directory that is a path below that root.
#
# It gets namespaces of its own and a small environment, so that neither the
# flags of an outer make nor the locale of the caller reach the tests.
#
# The bash in the middle stays as process 1 of the pid namespace instead of
# becoming the command: it reaps orphans at once.  Otherwise a postmaster that
# a test killed could stay a zombie for a while, and its successor would take
# the lock file left over for one in use.
exec_in()
{
	local root=$1 major=$2 directory=$3 name kept=()
	shift 3

	for name in TERM http_proxy https_proxy no_proxy; do
		[ -z "${!name:-}" ] || kept+=("$name=${!name}")
	done
	if [ "$root" != / ]; then
		cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	fi

	# shellcheck disable=SC2016	# expanded by the inner bash
	exec env -i "${kept[@]}" HOME=/root LANG=C.UTF-8 SHELL=/bin/bash \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive \
		PG_CONFIG="/usr/lib/postgresql/$major/bin/pg_config" \
		unshare --mount --pid --ipc --fork --kill-child bash -c '
			set -e
			root=$1
			directory=$2
			shift 2
			if [ "$root" != / ]; then
				mount --rbind /dev "$root/dev"
			fi
			mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
			mount -t proc proc "$root/proc"
			status=0
			chroot "$root" env -C "$directory" "$@" || status=$?
			exit $status
		' bash "$root" "$directory" "$@"
}

# The root directory below which a major version is tested.
root_of()
{
	if [ -z "$(suite_of "$1")" ]; then
		echo /
	else
		echo "$base/$1"
	fi
}

# What a complete folder says of itself.
folder_stamp()
{
	echo "$(suite_of "$1"): $(packages_of "$1")"
}

folder_complete()
{
	[ "$(cat "$base/$1/etc/online_schema-folder" 2>/dev/null)" = "$(folder_stamp "$1")" ]
}

# Make the folder of a major version, under its provisional name.
make_folder()
{
	local major=$1 folder=$base/$1.partial suite mirror

	suite=$(suite_of "$major")
	mirror=$(host_mirror)

	# Nothing can be mounted below, see above; --one-file-system makes sure.
	rm -rf --one-file-system "$folder"

	# Every release since buster is made by the script named "sid"; the host's
	# debootstrap may not know newer names.  It mounts things meanwhile: hence
	# a namespace.
	unshare --mount \
		debootstrap --variant=minbase --include=ca-certificates \
		"$suite" "$folder" "$mirror" /usr/share/debootstrap/scripts/sid

	# No server is to be set up or started by installing it.
	printf '#!/bin/sh\nexit 101\n' > "$folder/usr/sbin/policy-rc.d"
	chmod 755 "$folder/usr/sbin/policy-rc.d"
	mkdir -p "$folder/etc/postgresql-common/createcluster.d"
	echo 'create_main_cluster = false' \
		> "$folder/etc/postgresql-common/createcluster.d/online_schema.conf"

	# A mirror may be a snapshot whose lists have expired.  A folder that a
	# crash makes incomplete is made anew, so dpkg need not sync its files.
	cat > "$folder/etc/apt/apt.conf.d/online_schema" <<-'END'
		Acquire::Check-Valid-Until "false";
		Acquire::Retries "3";
		APT::Install-Recommends "false";
	END
	echo force-unsafe-io > "$folder/etc/dpkg/dpkg.cfg.d/online_schema"

	# shellcheck disable=SC2046,SC2016	# words; expanded by the inner shell
	( exec_in "$folder" "$major" / sh -ec '
			apt-get -q update
			apt-get -q install -y "$@"
			apt-get clean
		' sh $(packages_of "$major") )

	folder_stamp "$major" > "$folder/etc/online_schema-folder"
}

# Make sure that the place where a major version is tested is ready.
prepare()
{
	local major=$1 suite

	suite=$(suite_of "$major")
	if [ -z "$suite" ]; then
		# shellcheck disable=SC2046	# words
		install_on_host $(packages_of "$major")
		return
	fi
	if folder_complete "$major"; then
		return
	fi

	echo "making a Debian $suite folder for PostgreSQL $major in $base/$major"
	install_on_host debootstrap
	run_logged "$base/$major.setup.log" quiet make_folder "$major"
	if [ "$run_status" -ne 0 ]; then
		tail -n 30 "$base/$major.setup.log"
		die "could not make $base/$major, see $base/$major.setup.log"
	fi
	rm -rf --one-file-system "${base:?}/$major"
	sync -f "$base"
	mv "$base/$major.partial" "$base/$major"
}

# Copy the work tree: what is tracked and what could be, as it is on disk.
copy_repo()
{
	local target=$1

	rm -rf --one-file-system "$target"
	mkdir -p "$target"
	if git -C "$repo" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$repo" ls-files -z --cached --others --exclude-standard |
			while IFS= read -r -d '' file; do
				if [ -e "$repo/$file" ] || [ -L "$repo/$file" ]; then
					printf '%s\0' "$file"
				fi
			done |
			tar -C "$repo" --null --no-recursion -T - -cf -
	else
		tar -C "$repo" --exclude=./.git -cf - .
	fi | tar -C "$target" --no-same-owner -xf -
}

# Remove what an earlier test installed in a folder, lest it hide that the
# version under test does not install something.
forget_installed()
{
	local prefix=$base/$1/usr

	rm -rf "$prefix/lib/postgresql/$1/lib"/{,bitcode/}online_schema* \
		"$prefix/share/postgresql/$1/extension"/online_schema*
}

# Run a function in a process group of its own, with its output to a log; show
# the log as it grows, unless "quiet".  Leaves its exit status in run_status,
# rather than as our own: called in a condition, we and the function would run
# without set -e.
run_logged()
{
	local log=$1 show=$2 viewer=""
	shift 2

	: > "$log"
	set -m
	"$@" >"$log" 2>&1 </dev/null 9>&- &
	child=$!
	set +m
	if [ "$show" = show ]; then
		tail -n +1 -f -s 0.2 --pid="$child" "$log" 9>&- &
		viewer=$!
	fi
	run_status=0
	wait "$child" || run_status=$?
	child=
	[ -z "$viewer" ] || wait "$viewer" || true
}

# On a signal: ask what is running to stop and clean up, then insist.
interrupted()
{
	trap '' INT TERM HUP
	if [ -n "$child" ]; then
		kill -TERM -- "-$child" 2>/dev/null || true
		for _ in {1..150}; do
			kill -0 -- "-$child" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$child" 2>/dev/null || true
	fi
	echo "check-versions: interrupted" >&2
	exit 130
}

# Test one major version; add its line to the summary.
check()
{
	local major=$1 log=$base/$1.log inside=/online_schema
	local suite started=$SECONDS server last verdict=passed

	suite=$(suite_of "$major")
	echo
	echo "== PostgreSQL $major (${suite:+Debian }${suite:-host}) =="
	prepare "$major"
	copy_repo "$base/$major/online_schema"
	if [ -n "$suite" ]; then
		forget_installed "$major"
	else
		inside=$base/$major/online_schema
	fi

	run_logged "$log" show \
		exec_in "$(root_of "$major")" "$major" "$inside" \
		bash test/check-versions-inside.sh

	server=$(sed -n 's/^server: postgres (PostgreSQL) //p' "$log" | head -n 1)
	last=$(awk 'NF {line = $0} END {print line}' "$log")
	if [[ ! $last =~ ^[0-9]+\ passed,\ [0-9]+\ failed(,\ [0-9]+\ skipped)?$ ]]; then
		last="(no result)"
		verdict=FAILED
	elif [[ ! $last =~ ^[1-9][0-9]*\ passed,\ 0\ failed ]]; then
		verdict=FAILED
	fi
	if [ "$run_status" -ne 0 ]; then
		verdict=FAILED
	fi

	if [ "$verdict" = passed ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "exit status $run_status; log: $log"
	fi
	echo "PostgreSQL $major: server ${server:-unknown}: $last"
	summary+=("$(printf '%-6s %-8s %-36s %-36s %6s s  %s' "$major" "${suite:-host}" \
				"${server:-unknown}" "$last" $((SECONDS - started)) "$verdict")")
}

take_lock()
{
	exec 9>"$base/lock"
	if ! flock --nonblock 9; then
		echo "waiting for another run in $base"
		flock 9
	fi
}


shell_major=
command=()
majors=()

while [ $# -gt 0 ]; do
	case $1 in
		-h | --help)
			usage
			exit 0
			;;
		--shell)
			[ $# -ge 2 ] || die "--shell needs a major version"
			shell_major=$2
			shift 2
			if [ $# -gt 0 ]; then
				[ "$1" = -- ] || die "expected -- before the command"
				shift
			fi
			command=("$@")
			break
			;;
		*)
			majors+=("$1")
			shift
			;;
	esac
done

for major in "${majors[@]}" $shell_major; do
	if ! suite_of "$major" >/dev/null; then
		usage >&2
		exit 2
	fi
done

[ "$(id -u)" = 0 ] || die "must run as root"
mkdir -p "$base"
base=$(cd "$base" && pwd)
trap interrupted INT TERM HUP

if [ -n "$shell_major" ]; then
	if [ -n "$(suite_of "$shell_major")" ] && ! folder_complete "$shell_major"; then
		take_lock
		prepare "$shell_major"
		exec 9>&-
	fi
	[ ${#command[@]} -gt 0 ] || command=(bash)
	exec_in "$(root_of "$shell_major")" "$shell_major" / "${command[@]}"
fi

[ ${#majors[@]} -gt 0 ] || majors=("${all_majors[@]}")

take_lock
passed=0
failed=0
summary=()
for major in "${majors[@]}"; do
	check "$major"
done

echo
printf '%-6s %-8s %-36s %-36s %8s  %s\n' major where server suite time result
printf '%s\n' "${summary[@]}"
echo
echo "versions: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
