#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/amalgamation.sh [--write]: src/weft.c lists every source file of the library and compiles as
# one, with and without what the options add. So no static name is used twice. --write writes it.
set -u
export LC_ALL=C # the order of a wildcard's files
cd "$(dirname "$0")/.." || exit
. tools/checks.sh

# written: what src/weft.c should be: the files layer by layer, from the bottom up.
written() {
	cat <<'END'
/* SPDX-License-Identifier: MIT */
/* The amalgamation: compile this file alone, with -Iinclude -Isrc, and you have the library.
 * tools/amalgamation.sh --write keeps the list. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
END
	for layer in base os core time io exec sync stream net fs process signal; do
		separator='\n'
		for file in "src/$layer"/*.c; do
			[ -f "$file" ] || continue
			printf "$separator#include \"%s\"\n" "${file#src/}"
			separator=
		done
	done
}

lists_every_file() {
	written | diff src/weft.c - && return
	echo "tools/amalgamation.sh --write puts it right"
	return 1
}

warnings="-Wall -Wextra -Wshadow -Wconversion -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror"

# compiles COMPILER FLAG...
compiles() {
	# shellcheck disable=SC2086
	"$@" -std=gnu11 $warnings -Iinclude -Isrc -c src/weft.c -o /dev/null
}

if [ "${1:-}" = --write ]; then
	written >src/weft.c
	exit
fi
check "list" lists_every_file
check "gcc" compiles gcc -O2
check "gcc, checked, small" compiles gcc -O2 -DWEFT_CHECKED -DWEFT_TEST_SMALL
if have clang; then check "clang" compiles clang -O2; else skip "clang" "not installed"; fi
if pkg-config --exists liburing 2>/dev/null; then
	check "gcc, io_uring" compiles gcc -O2 -DWEFT_HAVE_URING
else
	skip "gcc, io_uring" "no liburing"
fi
checks_end
