#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/fuzz.sh WEFTCC FIRST LAST: broken source. By seed, a program of corpus/ or traps/ loses,
# doubles, moves or swaps some of its tokens, or its end. weftcc may report what it wants, but it has to
# report: it does not crash, hang, or take what it then translates to something that does not compile.
#
# The program that fails stays in the current directory as broken_SEED.c.
set -u
export LC_ALL=C ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
weftcc=$1
seed=$2
last=$3
here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../include
set -- "$here"/corpus/*.c "$here"/traps/*.c

# damage SEED FILE: prints it with one to four things wrong.
damage() {
	awk -v seed="$1" '
	function at_random(n) { return int(rand() * n) + 1 }
	{ text = text $0 "\n" }
	END {
		srand(seed)
		while (match(text, /^([A-Za-z_][A-Za-z_0-9]*|[0-9]+|"([^"\\\n]|\\.)*"|[ \t\n]+|#[^\n]*\n|\/\*([^*]|\*+[^*\/])*\*+\/|.)/)) {
			token[++count] = substr(text, 1, RLENGTH)
			text = substr(text, RLENGTH + 1)
		}
		for (times = at_random(4); times > 0; times--) {
			here = at_random(count)
			there = at_random(count)
			how = at_random(6)
			if (how == 1) token[here] = ""
			else if (how == 2) token[here] = token[here] " " token[here]
			else if (how == 3) token[here] = token[there]
			else if (how == 4) { kept = token[here]; token[here] = token[there]; token[there] = kept }
			else if (how == 5) token[here] = token[here] " " token[there]
			else if (at_random(8) == 1) count = here
		}
		for (i = 1; i <= count; i++)
			printf "%s", token[i]
	}' "$2"
}

failed=0
while [ "$seed" -le "$last" ]; do
	eval "program=\${$((seed % $# + 1))}"
	broken=broken_$seed.c
	damage "$seed" "$program" >"$broken"
	mode=
	case $program in */corpus/*) mode="--asyncify -include weft.h" ;; esac
	cc=gcc
	[ $((seed / 7 % 2)) = 0 ] || cc=clang
	# shellcheck disable=SC2086
	WEFT_CC=$cc timeout -s KILL 60 "$weftcc" $mode -w -isystem "$include" -I "$here/traps" -c "$broken" \
		-o "$broken.o" >"$broken.said" 2>&1
	status=$?
	if [ $status -gt 125 ] || grep -qE 'AddressSanitizer|runtime error:|is valid, but|^weftcc.*signal' \
		"$broken.said"; then
		echo "seed $seed: $broken, from $program: status $status"
		grep -vE '^ ' "$broken.said" | head -n 8
		failed=$((failed + 1))
	else
		rm -f "$broken"
	fi
	rm -f "$broken.o" "$broken.said"
	seed=$((seed + 1))
done
[ $failed = 0 ]
