#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/lldb/test_lldb.sh BUILD: what lldb knows of async C by itself: the lines, of the program that
# gdb is tested with, and what is kept in a frame. The commands for tasks are gdb's.
# shellcheck disable=SC2317 # the functions are called by their names
set -u
export LC_ALL=C
build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/compiler/lldb
. "$root/tools/checks.sh"

lldb=
for name in lldb lldb-19 lldb-16 lldb-14; do
	[ -n "$lldb" ] || ! have $name || lldb=$name
done
[ -n "$lldb" ] || { echo "skipped: there is no lldb"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work" "$checks_log"' EXIT
export TMPDIR="$work" WEFT_WORKERS=1
unset DEBUGINFOD_URLS
cd "$work" || exit

# lldb_says PROGRAM COMMAND...: to the file `said`, for a pipe that breaks may make lldb hang.
lldb_says() {
	program=$1
	shift
	printf '%s\n' "$@" >commands
	timeout -s KILL 100 $lldb --no-lldbinit -b -x -s commands "$program" </dev/null >said 2>&1
}

lldb_says "$(command -v true)" run
grep -q 'exited with status = 0' said || { echo "skipped: $lldb cannot run programs here"; exit 77; }

# A breakpoint stops where the line begins, and again where it is resumed; lldb shows the user's own text.
is_stopped_at_lines() {
	set --
	while read -r line _; do
		set -- "$@" "breakpoint set --file tour.c --line $line"
	done <<-END
		$(sort -u "$here/lines.stops")
	END
	set -- "$@" run
	while read -r _; do set -- "$@" continue; done <"$here/lines.stops"
	lldb_says "./$cc.tour" "$@"
	sed -n 's/^-> \([0-9]*\) *[ 	]*/\1	/p' said | diff "$here/lines.stops" - && grep -q 'exited with status = 0' said ||
		{ cat said; return 1; }
}

is_kept_local_shown() {
	lldb_says "./$cc.tour" 'breakpoint set --file tour.c --line 57' run 'p weft_f->sum * 100 + weft_f->once' \
		'p ((struct step__names *)weft_f)->n'
	grep -q '(int) .*= 1107$' said && grep -q '(int) .*= 1$' said || { cat said; return 1; }
}

cp "$root/tests/compiler/gdb/tour.c" .
for cc in gcc clang; do
	have "$cc" || { skip "$cc" "not installed"; continue; }
	WEFT_CC="$cc" "$build/weftcc" -g -O0 -o "$cc.tour" tour.c || exit
	check "$cc.lines" is_stopped_at_lines
	check "$cc.locals" is_kept_local_shown
done
checks_end
