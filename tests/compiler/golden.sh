#!/bin/sh
# SPDX-License-Identifier: MIT
# golden.sh WEFTCC PROGRAM.c: what becomes of it, byte for byte (PROGRAM.async). After a change that means
# to change it: WEFT_GOLDEN=write golden.sh ...
set -eu
weftcc=$1
cd "$(dirname "$2")"
name=$(basename "$2" .c)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
WEFT_CC=gcc "$weftcc" --emit-c "$name.c" -o "$work/got"
[ "${WEFT_GOLDEN:-}" != write ] || cp "$work/got" "$name.async"
diff "$name.async" "$work/got"
