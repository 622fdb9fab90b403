#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/layers.sh: fails on any #include "layer/file.h" that tools/layers.txt does not allow.
# src/weft.c, the amalgamation, belongs to no layer and includes all of them.
set -eu
cd "$(dirname "$0")/.."
. tools/checks.sh
files 'src/*/*.[ch]' 'compiler/*.[ch]' 'cli/*.[ch]' 'adapters/*.[ch]' 'bench/*.[ch]' 'examples/*.[ch]' |
	xargs awk '
FILENAME == "tools/layers.txt" {
	if (!/^#/ && NF) {
		may[$1, $1] = 1
		for (i = 2; i <= NF; i++) may[$1, $i] = 1
	}
	next
}
/^[ \t]*#[ \t]*include[ \t]*"[a-z]+\// {
	split(FILENAME, path, "/")
	from = path[1] == "src" ? path[2] : path[1]
	split($0, quoted, "\"")
	split(quoted[2], to, "/")
	# the scheduler of the interleaving search is let in by base/atomic.h alone
	if (FILENAME == "src/base/atomic.h" && to[1] == "model") next
	if (!((from, to[1]) in may)) {
		printf "%s:%d: %s may not include %s\n", FILENAME, FNR, from, to[1]
		bad = 1
	}
}
END { exit bad }' tools/layers.txt
