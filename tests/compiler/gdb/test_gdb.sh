#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/gdb/test_gdb.sh BUILD [NAME]: async C in gdb, and its lines in gcov; the checks whose name
# contains NAME, or all.
#
# A session is a file of lines `(gdb) COMMAND`, each followed by what gdb says; what differs from run to
# run (addresses, ids, threads) is not compared. UPDATE=1 writes what gdb says into the sessions.
# shellcheck disable=SC2317 # the functions are called by their names
set -u
export LC_ALL=C
build=$(cd "$1" && pwd)
only=${2:-}
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/compiler/gdb
. "$root/tools/checks.sh"

have gdb || { echo "skipped: there is no gdb"; exit 77; }
gdb -nx -batch -ex run "$(command -v true)" </dev/null 2>&1 | grep -q "exited normally" ||
	{ echo "skipped: gdb cannot run programs here"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work" "$checks_log"' EXIT
PATH=$build:$PATH
export PATH TMPDIR="$work"
unset DEBUGINFOD_URLS

# try NAME COMMAND...
try() {
	case $1 in *"$only"* | *.c) check "$@" ;; esac
}

# Lines about threads and processes go, and what is left of one run is as in another.
settle() {
	sed -E '/^\[(New|Thread|Switching|Current|Inferior)/d; /^Using host|^warning: |^Saved core|^$/d
		/^\$ gdb|^Core was generated|^Program terminated/d
		s/^Thread [0-9]+ "[^"]*" hit/Thread hit/; s/([Bb]reakpoint [0-9]+)\.[0-9]+/\1/
		s/ at 0x[0-9a-f]+:/ at ADDRESS:/; s/0x[0-9a-f]{7,}/ADDRESS/g
		s/(^task |^ +[0-9]+  )[0-9a-f]+/\1ID/
		s/\((src\/[a-z_/]+\.c):[0-9]+\)/(\1)/'
}

# gdb_says SESSION PROGRAM [CORE]: the session as it is today.
gdb_says() {
	session=$1
	shift
	sed -n 's/^(gdb) //p' "$session" >"$work/commands"
	timeout -s KILL 100 gdb -nx -batch -iex "add-auto-load-safe-path $build" -iex 'set confirm off' \
		-iex 'set pagination off' -iex 'set style enabled off' \
		"$@" -x "$here/session.py" </dev/null 2>&1 | sed -n '/ms: use weft_blocking or/d; /^(gdb)/,$p'
}

# is_session FILE PROGRAM [CORE]
is_session() {
	session=$1
	gdb_says "$@" >"$work/said"
	[ -z "${UPDATE:-}" ] || settle <"$work/said" >"$session"
	settle <"$session" >"$work/expected"
	settle <"$work/said" | diff "$work/expected" -
}

# Every line of the user's as often as it was reached, and no function that is not the user's.
is_counted() {
	weftcc --coverage -O0 -o counted tour.c && WEFT_WORKERS=1 ./counted >/dev/null || return
	gcov ./*.gcno || return
	[ ! -e '<weftcc>.gcov' ] || { echo "gcov counts generated functions"; return 1; }
	sed -n 's/^ *\([0-9][0-9]*\)\*\{0,1\}: *\([0-9]*\):.*/\2 \1/p' tour.c.gcov >"$work/said"
	[ -z "${UPDATE:-}" ] || cp "$work/said" "$here/tour.counts"
	diff "$here/tour.counts" "$work/said"
}

# The first program of docs/debugging.md, and the blocks below it that show gdb. (UPDATE=1 says what is said.)
is_documented() {
	awk '/^```/ { blocks += !inside && /c$/; inside = !inside; next } inside && blocks == 1' \
		"$root/docs/debugging.md" | sed '/^\$ gdb/,$d' >fetch.c
	weftcc -g -O0 fetch.c -o fetch || return
	awk '/^```/ { inside = !inside; shown = 0; next } inside && /^\$ gdb/ { shown = ++block }
		shown { print >("block." shown) }' "$root/docs/debugging.md"
	for block in block.*; do
		# shellcheck disable=SC2046 # the words of the command
		is_session "$block" $(sed -n 's/^\$ gdb //p' "$block") || return
		[ -z "${UPDATE:-}" ] || cat "$block" >&3
	done
}

cd "$work" || exit
cp "$here"/*.c "$here"/*.session .
for cc in gcc clang; do
	have "$cc" || { skip "$cc" "not installed"; continue; }
	export WEFT_CC="$cc"
	for name in tour chains; do
		try "$cc.$name.c" weftcc -g -O0 -o "$cc.$name" "$name.c"
	done
	export WEFT_WORKERS=1
	for session in lines next tour core; do
		core=
		[ "$session" = core ] && core=tour.core # that the session `tour` has left
		try "$cc.$session" is_session "$here/$session.session" "$cc.tour" $core
	done
	try "$cc.chains" is_session "$here/chains.session" "$cc.chains"
	export WEFT_WORKERS=2
	try "$cc.steps" is_session "$here/steps.session" "$cc.tour"
done
export WEFT_CC=gcc WEFT_WORKERS=1
try coverage is_counted
exec 3>&1
try document is_documented
checks_end
