#!/bin/bash
# layout.sh: checks that the tree keeps to the house rules. `make check-layout` runs it.
#
#   - Folders under src/ are floors, in this order: entry, drive, plan, finish, mirror,
#     model, store, base. An #include points down or stays on its floor, and names the
#     folder (#include "base/locks.h"). src/plan/rules.[ch] serve a program outside the
#     server, too: they include no header of PostgreSQL.
#   - Headers are guarded and never include postgres.h; a source includes it first.
#   - A file opens with a comment that says what it is for.
#   - Source files have at most 700 lines, functions at most 110; those of osc-lint (lint/),
#     a program outside the server, too.
#   - No unfinished business: TODO, FIXME, XXX.
#   - Every source is built: its object is named in the Makefile.
#   - Everything that the install script creates has a COMMENT.
#   - Scripts parse.
#
# Prints one line per fault, file and line first. The exit status is 0 if there is none.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly floors='entry drive plan finish mirror model store base'
readonly max_lines=700
readonly max_function_lines=110
readonly min_comment_letters=12
faults=0

fault()
{
	printf '%s\n' "$1"
	faults=$((faults + 1))
}

# Reads lines "file:line: text", each of them a fault.
fault_lines()
{
	local line
	while IFS= read -r line; do
		[ -z "$line" ] || fault "$line"
	done
}

# The number of a floor, 1 at the top; nothing if there is no such floor.
floor_of()
{
	local n=0 floor
	for floor in $floors; do
		n=$((n + 1))
		if [ "$floor" = "$1" ]; then
			echo "$n"
			return
		fi
	done
}

# ---------------------------------------------------------------- C files

check_includes()
{
	local file=$1 folder own_floor number path floor
	folder=$(basename "$(dirname "$file")")
	own_floor=$(floor_of "$folder")
	if [ -z "$own_floor" ]; then
		fault "$file:1: there is no floor \"$folder\""
		return
	fi
	while IFS=: read -r number path; do
		floor=$(floor_of "${path%%/*}")
		if [ -f "src/$path" ]; then
			[ "$floor" -ge "$own_floor" ] || fault "$file:$number: an include that points up: \"$path\""
		elif [ -n "$floor" ] && [ "${path%/*}" != "$path" ] && [ ! -f "$server_include/$path" ]; then
			fault "$file:$number: there is no src/$path"
		elif [ -f "src/$folder/$path" ]; then
			fault "$file:$number: write it with its folder: \"$folder/$path\""
		fi
	done < <(awk -F'"' '/^[ \t]*#[ \t]*include[ \t]*"/ { print NR ":" $2 }' "$file")
}

first_quoted_include()
{
	sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]\([^">]*\)[">].*/\1/p' "$1" | head -n 1
}

check_source()
{
	local file=$1 object
	if [ "$file" = src/plan/rules.c ]; then
		[ "$(first_quoted_include "$file")" = plan/rules.h ] || fault "$file:1: the first include must be plan/rules.h"
		grep -nE '#[[:space:]]*include' "$file" | grep -vE '"plan/rules\.h"|<string\.h>' |
			sed "s|^\([0-9]*\):.*|$file:\1: must stand without the server's headers|" | fault_lines || true
	else
		[ "$(first_quoted_include "$file")" = postgres.h ] || fault "$file:1: the first include must be postgres.h"
	fi
	object=${file%.c}.o
	if ! grep -qF -e "$object" -e "${object#src/}" Makefile && ! grep -qE 'wildcard +src' Makefile; then
		fault "Makefile:1: does not name $object"
	fi
}

check_header()
{
	local file=$1 guard
	guard=$(sed -n 's/^#ifndef[[:space:]]\{1,\}\([A-Z0-9_]*_H\)$/\1/p' "$file" | head -n 1)
	if [ -z "$guard" ] || ! grep -qE "^#define[[:space:]]+$guard\$" "$file"; then
		fault "$file:1: the header has no guard"
	fi
	grep -nE '#[[:space:]]*include[[:space:]]*["<]postgres(_fe)?\.h' "$file" |
		sed "s|^\([0-9]*\):.*|$file:\1: a header must not include postgres.h|" | fault_lines || true
	if [ "$file" = src/plan/rules.h ]; then
		grep -nE '#[[:space:]]*include' "$file" | grep -vE '<std(bool|def|int)\.h>' |
			sed "s|^\([0-9]*\):.*|$file:\1: must stand without the server's headers|" | fault_lines || true
	fi
}

# A function is what stands between a "{" and a "}" in the first column, after a line that
# is no type, no array and no enum.
check_functions()
{
	awk -v file="$1" -v max="$max_function_lines" '
		/^\{/ && before !~ /^(typedef|struct|enum|union|static const|const)/ && before !~ /=[ \t]*$/ { start = NR; name = before }
		/^\}/ && start {
			if (NR - start - 1 > max)
				printf "%s:%d: a function of %d lines: %s\n", file, start, NR - start - 1, name
			start = 0
		}
		{ if ($0 !~ /^[ \t]*$/) before = $0 }' "$1" | fault_lines
}

# What holds for every C file, in the server or not.
check_size_and_comment()
{
	local file=$1 lines letters
	lines=$(wc -l <"$file")
	[ "$lines" -le "$max_lines" ] || fault "$file:1: $lines lines, more than $max_lines"
	# the first comment, without its frame and the file's own name
	letters=$(awk 'NR == 1 && !/^\/\*/ { exit } { print } /\*\// { exit }' "$file" | sed "s/$(basename "$file")//" | tr -cd '[:alpha:]' | wc -c)
	[ "$letters" -ge "$min_comment_letters" ] || fault "$file:1: does not open with a comment that says what it is for"
	check_functions "$file"
}

check_c_file()
{
	local file=$1
	check_size_and_comment "$file"
	check_includes "$file"
	case $file in
		*.c) check_source "$file" ;;
		*.h) check_header "$file" ;;
	esac
}

# ---------------------------------------------------------------- SQL, scripts and tests

# Names that the install script creates without a comment on them. An overloaded function
# needs as many comments as it has definitions.
check_comments()
{
	cat "$@" | perl -0777 -ne '
		s/--[^\n]*//g;
		s/\$(\w*)\$.*?\$\1\$/x/sg;
		s/@extschema@\.//g;
		my (%made, %told);
		while (/\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+)?(FUNCTION|PROCEDURE|VIEW|TABLE|TYPE|SCHEMA|SEQUENCE|EVENT\s+TRIGGER|DOMAIN)\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w."]+)/gi)
		{
			$made{lc("$1 $2")}++;
		}
		while (/\bCOMMENT\s+ON\s+(FUNCTION|PROCEDURE|VIEW|TABLE|TYPE|SCHEMA|SEQUENCE|EVENT\s+TRIGGER|DOMAIN)\s+([\w."]+)/gi)
		{
			$told{lc("$1 $2")}++;
		}
		for (sort keys %made)
		{
			print "sql/install:1: no COMMENT ON $_\n" if ($told{$_} // 0) < $made{$_};
		}' | fault_lines
}

check_first_comment()
{
	local file=$1 mark=$2
	sed -n '1,3p' "$file" | grep -v '^#!' | grep -q "^$mark *[[:alnum:]]" || fault "$file:1: does not open with a comment that says what it is for"
}

check_words()
{
	grep -nwE 'TODO|FIXME|XXX' "$@" /dev/null | grep -v '^test/layout\.sh:' | sed 's/^\([^:]*:[0-9]*\):.*/\1: unfinished business/' | fault_lines || true
}

# ---------------------------------------------------------------- all of it

# lastpipe: "... | fault_lines" counts in this shell
shopt -s nullglob globstar lastpipe
sources=(src/**/*.c src/**/*.h)
lints=(lint/**/*.c lint/**/*.h)
installs=(sql/install/*.sql)
scripts=(test/**/*.sh)
[ ! -f .ci/run ] || scripts+=(.ci/run)
perls=(test/**/*.pl test/**/*.pm)
sqls=(sql/install/*.sql test/**/*.sql)
specs=(test/isolation/specs/*.spec)
server_include=$("${PG_CONFIG:-pg_config}" --includedir-server 2>/dev/null || true)

[ -f Makefile ] || { fault 'Makefile:1: there is none'; exit 1; }
[ ${#sources[@]} -gt 0 ] || fault 'src:1: there is no source'

for file in "${sources[@]}"; do check_c_file "$file"; done
for file in "${lints[@]}"; do check_size_and_comment "$file"; done
[ ${#installs[@]} -eq 0 ] || check_comments "${installs[@]}"
for file in "${sqls[@]}"; do check_first_comment "$file" --; done
for file in "${scripts[@]}" "${perls[@]}" "${specs[@]}"; do check_first_comment "$file" '#'; done
for file in "${scripts[@]}"; do bash -n "$file" || fault "$file:1: does not parse"; done
check_words "${sources[@]}" "${lints[@]}" "${sqls[@]}" "${scripts[@]}" "${perls[@]}" "${specs[@]}" Makefile

if [ "$faults" -gt 0 ]; then
	echo "layout: $faults faults" >&2
	exit 1
fi
echo "layout: $((${#sources[@]} + ${#lints[@]})) source files, no fault"
