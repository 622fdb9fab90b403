#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/differential.sh WEFTCC PROGRAM.c [FLAG...]: a plain C program prints what it printed, and
# exits as it did, after `weftcc --asyncify` has made every function of it async and every call an await
# that suspends. clang -O1 says what is right; gcc and clang, each at -O0 and -O2, must agree.
#
# WEFT_COMPILERS="gcc,-O2 clang,-O0" tries only these. Exit 77: there is nothing to compare with. clang cannot
# compile the program; or it ends by a signal, or not at all; or compilers disagree about it as it is.
set -u
weftcc=$1
program=$2
shift 2
include=$(cd "$(dirname "$0")/../../include" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run PROGRAM NAME: what it writes and its status, in NAME.
run() {
	timeout -s KILL "${WEFT_SECONDS_EACH:-10}" "$1" >"$work/$2" 2>&1 </dev/null
	echo "status $?" >>"$work/$2"
}

fail() {
	echo "$program: $1"
	[ ! -s "$work/messages" ] || head -n 20 "$work/messages"
	exit 1
}

clang -w -O1 "$@" "$program" -o "$work/plain" -lm || exit 77
run "$work/plain" want
case $(tail -n 1 "$work/want") in
*" 13"[0-9] | *" 139") exit 77 ;;
esac

# One translation serves all levels of one compiler, but the user's command line is what is tested.
for how in ${WEFT_COMPILERS:-gcc,-O0 gcc,-O2 clang,-O0 clang,-O2}; do
	WEFT_CC=${how%,*} timeout -s KILL 100 "$weftcc" --asyncify -w "${how#*,}" -isystem "$include" \
		-include weft.h "$@" "$program" -o "$work/async" -lm 2>"$work/messages" ||
		fail "$how: not translated, or not compiled"
	run "$work/async" got
	diff "$work/want" "$work/got" >"$work/messages" && continue
	for plainly in gcc,-O0 gcc,-O2 clang,-O0 clang,-O2; do
		"${plainly%,*}" -w "${plainly#*,}" "$@" "$program" -o "$work/plain" -lm || exit 77
		run "$work/plain" again
		cmp -s "$work/want" "$work/again" || exit 77
	done
	fail "$how: differs (< plain, > async)"
done
