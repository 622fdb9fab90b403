#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/test_examples.sh BUILD: the examples in async C as texts. They are ordinary C for other
# compilers and for editors, not much longer than with threads (row S3-10), and weftcc refuses those in
# examples/refused/ with the words that stand in them (rows S1-12, S1-32, S1-34, S3-14, S3-30, S4-23, S4-25).
set -u
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.." || exit
. tools/checks.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch" "$checks_log"' EXIT

# Every warning is one too many.
is_c_for() {
	"$1" -std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Werror -Iinclude -fsyntax-only "$2"
}

is_c_for_clangd() {
	sed "s|@|$PWD|g" >"$scratch/compile_flags.txt" <<-END
		-std=gnu11
		-Wall
		-Wextra
		-I@/include
	END
	cp "$1" "$scratch"
	clangd --check="$scratch/${1##*/}" 2>&1 | tee "$scratch/log" | grep -q '0 errors' && ! grep '^E\[' "$scratch/log" &&
		return
	cat "$scratch/log"
	return 1
}

# Lines of code: without comments, includes and empty lines.
lines() {
	gcc -fpreprocessed -dD -E -P "$1" | grep -cv '^[[:space:]]*\(#include.*\)\{0,1\}$'
}

# is_as_short_as THREADS ASYNC: at most a fifth longer.
is_as_short_as() {
	echo "$2 has $(lines "$2") lines, $1 has $(lines "$1")"
	[ $(($(lines "$2") * 5)) -le $(($(lines "$1") * 6)) ]
}

# is_short_in DOCUMENT: its first program has 25 lines of code at most.
is_short_in() {
	awk '/^```c$/ { inside = 1; next } /^```/ && inside { exit } inside' "$1" >"$scratch/first.c"
	echo "the first program of $1 has $(grep -c . "$scratch/first.c") lines"
	grep -q main "$scratch/first.c" && [ "$(grep -c . "$scratch/first.c")" -le 25 ]
}

is_refused() {
	says=$(sed -n 's|^/\* weftcc: \(.*\) \*/$|\1|p' "$1")
	[ -n "$says" ] || { echo "it does not say what weftcc says"; return 1; }
	if "$build/weftcc" -Wall -Wextra -Werror -c "$1" -o "$scratch/refused.o" 2>"$scratch/log"; then
		echo "it is accepted"
		return 1
	fi
	grep -qF "$says" "$scratch/log" || { cat "$scratch/log"; return 1; }
}

for file in $(grep -l '^#include <weft/async.h>' examples/*.c examples/refused/*.c); do
	for reader in gcc clang; do
		if have $reader; then
			check "$file: $reader" is_c_for $reader "$file"
		else
			skip "$file: $reader" "no $reader"
		fi
	done
	if have clangd; then check "$file: clangd" is_c_for_clangd "$file"; else skip "$file: clangd" "no clangd"; fi
done
for file in examples/refused/*.c; do
	check "$file" is_refused "$file"
done
for file in examples/*_threads.c; do
	check "${file%_threads.c}" is_as_short_as "$file" "${file%_threads.c}.c"
done
check "README.md" is_short_in README.md
checks_end
