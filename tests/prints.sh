#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/prints.sh EXPECTED OUT COMMAND...: whether the command prints what the file EXPECTED holds, no
# more and no less. 77, for skipped, if WEFT_POLLER is not to be had here.
expected=$1
out=$2
shift 2
"$@" >"$out" 2>"$out.err"
status=$?
if grep -q 'not implemented' "$out.err"; then
	echo "no poller $WEFT_POLLER here"
	exit 77
fi
cat "$out.err"
[ $status = 0 ] && diff "$out" "$expected"
