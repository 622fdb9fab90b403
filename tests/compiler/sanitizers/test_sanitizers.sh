#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/sanitizers/test_sanitizers.sh BUILD: what sanitizers find in plain C they find in async C, in the
# same lines: values that were never given, and undefined behaviour. (The address sanitizer: traps/t09.)
# shellcheck disable=SC2317 # the functions are called by their names
set -u
export LC_ALL=C
build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/compiler/sanitizers
. "$root/tools/checks.sh"

work=$(mktemp -d)
trap 'rm -rf "$work" "$checks_log"' EXIT
export TMPDIR="$work" WEFT_WORKERS=1 MSAN_OPTIONS=halt_on_error=0
cd "$work" || exit
cp "$here"/*.[ch] .

# The memory sanitizer's shadow does not fit every layout that a kernel may choose at random.
fixed=
! setarch -R true 2>/dev/null || fixed="setarch -R"

# lines_of NAME COMMAND...: the lines of NAME.c where the command has found something.
lines_of() {
	name=$1
	shift
	timeout -s KILL 60 "$@" >said 2>&1
	sed -n "/SUMMARY\|runtime error\|  at 0x/s/^\(.*[^a-z]\)\{0,1\}$name\.c:\([0-9][0-9]*\).*/\2/p" said | sort -un
}

# marked_in NAME: the lines that end with `found`.
marked_in() {
	grep -n '/\* found \*/$' "$1.c" | cut -d : -f 1 | sort -n
}

is_undefined_found() {
	$cc -w -DPLAIN "$@" -g -fsanitize=undefined undefined.c -o plain &&
		WEFT_CC=$cc "$build/weftcc" -w "$@" -g -fsanitize=undefined undefined.c -o async || return
	lines_of undefined ./plain >expected
	lines_of undefined ./async | diff expected - && marked_in undefined | comm -13 expected - | diff /dev/null - ||
		{ cat said; return 1; }
}

# Optimised, the plain program forgets some mistakes that the async one has.
is_memory_found() {
	WEFT_CC=clang "$build/weftcc" -w "$@" -g -fsanitize=memory -fsanitize-recover=memory -c memory.c &&
		clang -fsanitize=memory memory.o weft.o -pthread -o async || return
	marked_in memory >expected
	lines_of memory $fixed ./async | diff expected - || { cat said; return 1; }
}

is_memory_found_in_plain() {
	clang -w -DPLAIN -g -fsanitize=memory -fsanitize-recover=memory memory.c -o plain || return
	marked_in memory >expected
	lines_of memory $fixed ./plain | diff expected - || { cat said; return 1; }
}

is_library_instrumented() {
	clang -w -fsanitize=memory -D_GNU_SOURCE -I"$root/include" -I"$root/src" -c "$root/src/weft.c" -o weft.o
}

is_found_by_valgrind() {
	echo 'int main(void) { return 0; }' | gcc -DWEFT_VALGRIND -include valgrind/memcheck.h -x c - -o /dev/null || return
	WEFT_CC=gcc "$build/weftcc" -w -g -DWEFT_VALGRIND memory.c -o async || return
	marked_in memory >expected
	lines_of memory valgrind --quiet ./async | diff expected - || { cat said; return 1; }
}

runs_with() {
	echo 'int main(void) { return 0; }' | "$@" -x c - -o probe 2>/dev/null && $fixed ./probe 2>/dev/null
}

for cc in gcc clang; do
	runs_with $cc -fsanitize=undefined || { skip "$cc: undefined" "$cc has no such sanitizer here"; continue; }
	check "$cc: undefined" is_undefined_found -O0
	check "$cc: undefined, optimised" is_undefined_found -O2
done
if runs_with clang -fsanitize=memory; then
	check "library" is_library_instrumented
	check "memory, plain" is_memory_found_in_plain
	check "memory" is_memory_found -O0
	check "memory, optimised" is_memory_found -O2
else
	skip "memory" "clang has no memory sanitizer here"
fi
if have valgrind; then check "valgrind" is_found_by_valgrind; else skip "valgrind" "not installed"; fi
checks_end
