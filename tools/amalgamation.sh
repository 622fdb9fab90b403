#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/amalgamation.sh: src/weft.c lists every source file of the library and compiles as one, with
# and without what the options add. So no static name is used twice.
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh

lists_every_file() {
	status=0
	for file in src/*/*.c; do
		case $file in
		src/std/* | 'src/*/*.c') continue ;;
		esac
		grep -qxF "#include \"${file#src/}\"" src/weft.c && continue
		echo "src/weft.c lacks: #include \"${file#src/}\""
		status=1
	done
	return $status
}

warnings="-Wall -Wextra -Wshadow -Wconversion -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror"

# compiles COMPILER FLAG...
compiles() {
	# shellcheck disable=SC2086
	"$@" -std=gnu11 -D_GNU_SOURCE $warnings -Iinclude -Isrc -c src/weft.c -o /dev/null
}

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
