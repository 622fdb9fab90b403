#!/bin/sh
# SPDX-License-Identifier: MIT
# test_compare.sh: what bench/compare takes for a regression.
set -u
command -v python3 >/dev/null || exit 77
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# results NAME EPOLL WEFT INSTRUCTIONS: each a list of rounds.
results() {
	mkdir -p "$work/$1"
	echo "$2 | $3 | $4" | awk -F ' [|] ' '
	function list(text, key,    i, n, words, out) {
		n = split(text, words, " ")
		for (i = 1; i <= n; i++)
			out = out (i > 1 ? "," : "") (key ? "{\"" key "\":" words[i] "}" : words[i])
		return "[" out "]"
	}
	{ print "{\"echo\":{\"64:64:1\":{\"epoll\":" list($1, "server_cpu_ns") ",\"weft-epoll\":" list($2, "server_cpu_ns") "}},"
	  print "\"instructions\":{\"64:64:1\":{\"weft-epoll\":" list($3, "") "}}}" }' >"$work/$1/results.json"
}

# compares STATUS PATTERN OLD NEW
compares() {
	said=$("$root/bench/compare" "$work/$3" "$work/$4")
	status=$?
	[ $status = "$1" ] && echo "$said" | grep -q "$2" && return
	echo "broken: $3 with $4 gives $status and says: $said"
	failed=1
}

results old '100 100 100' '110 112 111' '450'
results slower '200 200 200' '260 262 261' '450'     # 1.3 of epoll, was 1.1
results slower_machine '200 200 200' '221 223 222' '450'
results noisy '100 100 100' '111 140 150' '450'      # one round as before
results more '100 100 100' '110 112 111' '468'       # 4 % more instructions
results fewer '100 100 100' '110 112 111' '400'
results other '100' '' '450'
compares 1 'worse: echo 64:64:1 server_cpu_ns' old slower
compares 0 'better: echo 64:64:1 server_cpu_ns' slower old
compares 0 '0 worse, 0 better, 2 as before' old slower_machine
compares 0 '0 worse' old noisy
compares 1 'worse: instructions 64:64:1, weft-epoll: 450 -> 468 (+4 %)' old more
compares 0 'better: instructions' old fewer
compares 0 'gone: echo' old other
"$root/bench/compare" "$work/old" "$work/none" >/dev/null 2>&1 && { echo "broken: a missing file is ignored"; failed=1; }
exit $failed
