#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/tags.sh: a tag like [I1] (invariant) or [O2] (order) that the comment at the head of a file
# defines is used in the file below it, and the other way round.
set -eu
cd "$(dirname "$0")/.."
. tools/checks.sh
files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'compiler/*.[ch]' | xargs -r awk '
function report(    tag) {
	for (tag in defined)
		if (!(tag in used)) { printf "%s:%d: [%s] is used nowhere below\n", file, defined[tag], tag; bad = 1 }
	for (tag in used)
		if (!(tag in defined)) { printf "%s:%d: [%s] is not defined at the head of the file\n", file, used[tag], tag; bad = 1 }
	split("", defined)
	split("", used)
}
FNR == 1 { report(); file = FILENAME; head = 1 }
head && !/^ ?\*/ && !/^\/\*/ { head = 0 }
{
	rest = $0
	while (match(rest, /\[[IO][0-9]+\]/)) {
		tag = substr(rest, RSTART + 1, RLENGTH - 2)
		rest = substr(rest, RSTART + RLENGTH)
		if (head) { if (!(tag in defined)) defined[tag] = FNR }
		else if (!(tag in used)) used[tag] = FNR
	}
}
END { report(); exit bad }'
