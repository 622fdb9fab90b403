#!/bin/sh
# SPDX-License-Identifier: MIT
# refused.sh program.c...: CASE 0 of each compiles, as C99, C11 and C++; none of the others does.
set -u
include=$(dirname "$0")/../../include
status=0

compiles() {
	"$@" -Wall -Wextra -Werror -fsyntax-only -I"$include" >/dev/null 2>&1
}

for program; do
	last=$(sed -n 's/^#elif CASE == //p' "$program" | tail -n 1)
	for command in "gcc -std=c99" "gcc -std=gnu11" "clang -std=c99" "clang -std=gnu11" \
		"g++ -std=c++11 -xc++" "clang++ -std=c++17 -xc++"; do
		command -v "${command%% *}" >/dev/null || continue
		for case in $(seq 0 "$last"); do
			# shellcheck disable=SC2086 # a command and its options
			if compiles $command -DCASE="$case" "$program"; then
				[ "$case" = 0 ] && continue
				echo "$program: $command accepts case $case"
			else
				[ "$case" != 0 ] && continue
				echo "$program: $command refuses case 0"
			fi
			status=1
		done
	done
done
exit $status
