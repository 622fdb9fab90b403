#!/bin/sh
# SPDX-License-Identifier: MIT
# T16: what --emit-c writes keeps the user's #includes and comments, is the same every time, and is C for any
# compiler. $1: weftcc.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
WEFT_CC=gcc "$1" --emit-c t13_initialisers.c -o "$work/x.c"
WEFT_CC=gcc "$1" --emit-c t13_initialisers.c -o "$work/y.c"
cmp "$work/x.c" "$work/y.c"
grep -q '^#include <stdio.h>$' "$work/x.c"
grep -q 'T13: an initialiser may name its own variable' "$work/x.c"
[ "$(wc -c <"$work/x.c")" -lt 20000 ] # no header in it
for how in gcc,-O0 clang,-O2; do
	WEFT_CC=${how%,*} "$1" "${how#*,}" -w "$work/x.c" -o "$work/x"
	"$work/x" | cmp - t13_initialisers.expected
done
