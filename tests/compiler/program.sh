#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/program.sh WEFTCC PROGRAM.c: what the program prints is in PROGRAM.expected, or what weftcc
# says of it in PROGRAM.said, to the letter. A line `flags: ...` in the program's head is for weftcc.
set -u
export LC_ALL=C
weftcc=$1
cd "$(dirname "$2")" || exit
name=$(basename "$2" .c)
flags=$(sed -n '1,6s,^.*flags: \(.*[^ *]\)[ *]*/*$,\1,p' "$name.c")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "$name: $1"
	cat "$work/difference"
	exit 1
}

# shellcheck disable=SC2086 # flags are words
if [ -f "$name.said" ]; then
	WEFT_CC=gcc timeout -s KILL 60 "$weftcc" -fsyntax-only $flags "$name.c" 2>"$work/said"
	diff "$name.said" "$work/said" >"$work/difference" || fail "differs (< expected, > said)"
	exit 0
fi
# shellcheck disable=SC2086
for how in ${WEFT_COMPILERS:-gcc,-O2 clang,-O2}; do
	WEFT_CC=${how%,*} timeout -s KILL 60 "$weftcc" -w "${how#*,}" $flags "$name.c" -o "$work/program" \
		2>"$work/difference" || fail "$how: not compiled"
	timeout -s KILL 30 "$work/program" >"$work/got" 2>&1 </dev/null
	status=$?
	sed -i "/ms: use weft_blocking or/d" "$work/got" # a machine so busy that a poll seems stuck
	[ $status = 0 ] || echo "status $status" >>"$work/got"
	diff "$name.expected" "$work/got" >"$work/difference" || fail "$how: differs (< expected, > printed)"
done
