#!/bin/bash
#
# check-versions-inside.sh: the part of check-versions.sh that runs where one
# PostgreSQL version is tested, in a copy of the work tree.
#
# Builds the extension, the release and the one with stop points, takes any
# compiler warning for an error, and runs the tests, whose closing line is its
# own.  PG_CONFIG names the version.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${PG_CONFIG:?must be set}"
export PG_CONFIG

# Build with the given make arguments; fail on any warning, also from a
# compiler that the Makefile's -Werror does not reach.
build()
{
	local output status=0

	make PG_CONFIG="$PG_CONFIG" "$@" clean >/dev/null
	output=$(make PG_CONFIG="$PG_CONFIG" "$@" 2>&1) || status=$?
	printf '%s\n' "$output"
	if [ "$status" -ne 0 ]; then
		echo "build failed: make $*"
		exit 1
	fi
	if grep -v '^make' <<<"$output" | grep -q 'warning:'; then
		echo "build has warnings: make $*"
		exit 1
	fi
}

echo "server: $("$("$PG_CONFIG" --bindir)/postgres" --version)"
build STOP_POINTS=1
build
echo "build: no warnings"

make PG_CONFIG="$PG_CONFIG" clean >/dev/null
exec bash test/run.sh
