#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/freestanding.sh ARCHIVE: fails if the archive needs anything but itself and mem*.
set -eu

# Not functions: what the compiler adds for position independence and wide division on 32 bits.
from_compiler='^(_GLOBAL_OFFSET_TABLE_|__x86\.get_pc_thunk\..*|__u?(div|mod|divmod)di[34])$'

missing=$(nm --format=posix "$1" 2>/dev/null | awk '
$2 ~ /^[A-TV-Z]$/ { defined[$1] = 1 }
$2 == "U"         { needed[$1] = 1 }
END               { for (name in needed) if (!(name in defined)) print name }
' | grep -Ev '^mem[a-z]+$' | grep -Ev "$from_compiler" || true)

[ -z "$missing" ] && exit 0
echo "core is not freestanding, it needs:" "$missing"
exit 1
