#!/bin/sh
# SPDX-License-Identifier: MIT
# language.sh weftcc program.c flags...: what a program in async C prints, compiled by gcc and by clang;
# and that it parses, without a warning, as the ordinary C that editors see.
set -eu
weftcc=$1 program=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
include=$(dirname "$0")/../../include

for compiler in gcc clang; do
	command -v $compiler >/dev/null || continue
	$compiler -std=gnu11 -Wall -Wextra -fsyntax-only -I"$include" "$program" 2>"$work/messages" ||
		{ cat "$work/messages"; exit 1; }
	[ ! -s "$work/messages" ] || { cat "$work/messages"; exit 1; }
	for level in ${WEFT_LEVELS:--O0 -O2}; do
		WEFT_CC=$compiler "$weftcc" -Wall -Wextra -g $level "$@" "$program" -o "$work/program"
		for poller in epoll uring; do
			WEFT_WORKERS=1 WEFT_POLLER=$poller timeout -s KILL 60 "$work/program" \
				>"$work/output" 2>"$work/messages" || {
				grep -q 'not implemented' "$work/messages" && continue
				echo "$compiler $level $poller: status $?"
				cat "$work/messages"
				exit 1
			}
			diff "${program%.c}.expected" "$work/output"
		done
	done
done
