#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/format.sh [FILE...]: formats the files, or all of them.
set -eu
cd "$(dirname "$0")/.."
. tools/checks.sh
if [ $# = 0 ]; then
	files '*.c' '*.h' | xargs clang-format -i
else
	clang-format -i "$@"
fi
