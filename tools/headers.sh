#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/headers.sh: every header stands alone and can be included twice: the public ones as C99 and
# as C++, with every warning, the private ones as what the library is compiled as.
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh

# compiles LANGUAGE HEADER COMPILER FLAG...
compiles() {
	language=$1 header=$2
	shift 2
	printf '#include "%s"\n#include "%s"\nint main(void);\n' "$header" "$header" |
		"$@" -x "$language" -fsyntax-only -Werror -
}

# is_guarded PREFIX HEADER: the include guard is the path.
is_guarded() {
	path=${2#"$1"}
	guard=WEFT_$(echo "${path#weft/}" | tr 'a-z/.' 'A-Z__')
	[ "$guard" != WEFT_WEFT_H ] || guard=WEFT_H
	grep -qx "#ifndef $guard" "$2" && return
	echo "$2: the include guard is not $guard"
	return 1
}

warnings="-Wall -Wextra -Wshadow -Wconversion -Wundef"
c_warnings="$warnings -Wstrict-prototypes -Wmissing-prototypes -Wvla"

# shellcheck disable=SC2086 # lists of flags
for header in include/*.h include/weft/*.h; do
	name=${header#include/}
	check "$name: guard" is_guarded include/ "$header"
	check "$name: C99" compiles c "$name" gcc -std=c99 -pedantic-errors $c_warnings -Iinclude
	if have g++; then
		check "$name: C++11" compiles c++ "$name" g++ -std=c++11 -pedantic-errors $warnings -Iinclude
	else
		skip "$name: C++11" "no g++"
	fi
	if have clang++; then
		check "$name: clang, C99" compiles c "$name" clang -std=c99 -pedantic-errors $c_warnings -Iinclude
		check "$name: clang, C++20" compiles c++ "$name" clang++ -std=c++20 -pedantic-errors $warnings -Iinclude
	else
		skip "$name: clang" "no clang"
	fi
done
async_first() {
	printf '#include <weft/async.h>\n#include <weft.h>\n' | gcc -std=gnu11 -Iinclude -x c -fsyntax-only -Werror -
}

check "weft.h after weft/async.h" async_first
libclang=$(find /usr/lib/llvm-*/include -maxdepth 0 2>/dev/null | sort -V | tail -n 1)
for header in src/*/*.h; do
	[ -f "$header" ] || continue
	if grep -q '<clang-c/' "$header" && [ -z "$libclang" ]; then
		skip "$header" "no libclang"
		continue
	fi
	check "$header: guard" is_guarded src/ "$header"
	# shellcheck disable=SC2086
	check "$header" compiles c "${header#src/}" gcc -std=gnu11 -D_GNU_SOURCE $c_warnings -Wno-unused-function -Iinclude -Isrc ${libclang:+-isystem "$libclang"}
done
checks_end
