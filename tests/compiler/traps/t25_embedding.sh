#!/bin/sh
# SPDX-License-Identifier: MIT
# T25: the order of definitions costs no allocation: main first, prototypes on top. $1: weftcc.
# But who may be replaced when the library is loaded has a frame of its own.
# T30: a local that no await is needed across stays in a register: it is no member of the frame.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/x.c" <<'END'
#include <weft.h>
#include <weft/async.h>
static async int second(int x);
static async int first(int x);
async int main(void) { return await first(1); }
static async int first(int x)
{
	int sum = 0, *after_all = &x;
	for (int register_only = 0; register_only < x; register_only++)
		sum += register_only;
	await weft_yield();
	for (int also_register = 0; also_register < x; also_register++)
		sum += also_register;
	return await second(sum + *after_all);
}
static async int second(int x) { await weft_yield(); return x; }
END
WEFT_CC=gcc "$1" --emit-c "$work/x.c" -o "$work/out.c"
! grep -q 'weft_frame_enter' "$work/out.c" || { echo "a frame of its own"; exit 1; }
sed -n '/^struct first__frame {/,/^};/p' "$work/out.c" >"$work/frame"
grep -q 'sum;' "$work/frame" || { echo "sum is kept"; exit 1; }
! grep -q register "$work/frame" ||
	{ echo "a counter moved into the frame"; cat "$work/frame"; exit 1; }

sed 's/^static //' "$work/x.c" >"$work/exported.c"
for how in -fPIC "-fPIC -fvisibility=hidden" -fPIE; do
	# shellcheck disable=SC2086 # flags are words
	WEFT_CC=gcc "$1" --emit-c $how "$work/exported.c" -o "$work/out.c"
	case $how in
	-fPIC) grep -q 'weft_frame_enter' "$work/out.c" || { echo "embedded, and may be replaced"; exit 1; } ;;
	*) ! grep -q 'weft_frame_enter' "$work/out.c" || { echo "a frame of its own: $how"; exit 1; } ;;
	esac
done
