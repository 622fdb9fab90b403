#!/bin/sh
# SPDX-License-Identifier: MIT
# steady.sh weftcc [-u]: what does not depend on how busy the machine is (instructions per operation, by
# callgrind; allocations; system calls, if there is strace; sizes), beside what steady.expected says. Fails
# if something takes over 3 %, and two, more instructions, or is bigger; says so if it has become cheaper.
# -u writes the file anew.
set -eu
weftcc=$1 update=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WEFT_WORKERS=1 WEFT_POLLER=epoll WEFT_SEED=1

# Instructions are those of one compiler and one machine.
compiler=$(gcc -dumpfullversion 2>/dev/null || echo none)-$(uname -m)
skip() {
	echo "skipped: $1"
	exit 77
}
command -v valgrind >/dev/null || skip "no valgrind"
[ "$update" = -u ] || [ "$compiler" = "$(sed -n 's/^# //p' "$here/steady.expected")" ] ||
	skip "steady.expected was counted with another compiler than $compiler"

WEFT_CC=gcc "$weftcc" -O2 "$here/steady.c" -o "$work/steady"

# instructions NAME COUNT: of the whole run.
instructions() {
	timeout -s KILL 120 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/steady" "$1" "$2" \
		2>&1 >/dev/null | awk '/Collected/ { print $NF }'
}

# system_calls NAME COUNT: of all threads.
system_calls() {
	timeout -s KILL 120 strace -f -c -o "$work/strace" "$work/steady" "$1" "$2" >/dev/null 2>&1
	awk '$NF == "total" { print $4 }' "$work/strace"
}

{
	echo "# $compiler"
	"$work/steady" sizes
	for name in $("$work/steady" list); do
		few=$(instructions "$name" 1000)
		many=$(instructions "$name" 11000)
		awk "BEGIN { printf \"instructions $name %.1f\n\", ($many - $few) / 10000 }"
		few=$("$work/steady" "$name" 1000) many=$("$work/steady" "$name" 11000)
		awk "BEGIN { printf \"allocations $name %.2f\n\", ($many - $few) / 10000 }"
	done
	if strace -c -o /dev/null true 2>/dev/null; then
		few=$(system_calls tcp 200) many=$(system_calls tcp 2200)
		awk "BEGIN { printf \"calls tcp %.1f\n\", ($many - $few) / 2000 }"
	fi
} >"$work/counted"

if [ "$update" = -u ]; then
	cp "$work/counted" "$here/steady.expected"
	exit
fi
awk '
	FNR == NR { expected[$1 " " $2] = $3; next }
	/^#/ { next }
	{
		name = $1 " " $2
		slack = $1 != "instructions" ? 0 : expected[name] * 0.03 > 2 ? expected[name] * 0.03 : 2
		if (!(name in expected))
			verdict = "is not in steady.expected"
		else if ($3 > expected[name] + slack)
			verdict = "more than " expected[name]
		else if ($3 < expected[name] - slack)
			verdict = "less than " expected[name] ": write that down with -u"
		else
			verdict = ""
		failed += verdict != "" && verdict !~ /^less/
		print (verdict == "" ? "ok     " : "LOOK   ") name, $3, verdict
	}
	END { exit failed > 0 }
' "$here/steady.expected" "$work/counted"
