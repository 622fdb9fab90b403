#!/bin/sh
# SPDX-License-Identifier: MIT
# golden.sh WEFTCC PROGRAM.c: what becomes of it, byte for byte (PROGRAM.async). A line `flags: ...` in the
# program's head is for weftcc. After a change that means to change it: WEFT_GOLDEN=write golden.sh ...
set -eu
weftcc=$1
cd "$(dirname "$2")"
name=$(basename "$2" .c)
flags=$(sed -n '1,6s,^.*flags: \(.*[^ *]\)[ *]*/*$,\1,p' "$name.c")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086 # flags are words
WEFT_CC=gcc "$weftcc" --emit-c $flags "$name.c" -o "$work/got"
[ "${WEFT_GOLDEN:-}" != write ] || cp "$work/got" "$name.async"
diff "$name.async" "$work/got"
