#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/snippets.sh BUILD: compiles every ```c block of the documents against the headers, and links
# those that have a main with BUILD/libweft.a. Blocks with async, await or defer are compiled by
# BUILD/weftcc, and must be ordinary C for others. What a block is preceded by changes that:
#     <!-- not compiled: reason -->
#     <!-- weftcc: W101 -->              weftcc must refuse it, with this code
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh
build=${1:-build}
out=$build/snippets
rm -rf "$out"
mkdir -p "$out"

# Each block becomes OUT/DOCUMENT_LINE.KIND.c, of kind plain, async or a code; errors point back into
# the document.
find README.md ARCHITECTURE.md docs -name '*.md' 2>/dev/null | sort | xargs -r awk -v out="$out" '
FNR == 1                          { inside = 0; reason = ""; code = "" }
!inside && /^<!-- not compiled: / { reason = $0; next }
!inside && /^<!-- weftcc: /       { code = $3; next }
!inside && /^```c$/ {
	if (reason == "") {
		name = FILENAME
		gsub(/[^A-Za-z0-9]/, "_", name)
		file = out "/" name "_" FNR
		text = "#line " FNR + 1 " \"" FILENAME "\"\n"
		is_async = includes = has_main = 0
		inside = 1
	}
	reason = ""
	next
}
inside && /^```/ {
	if (is_async && !includes)
		text = "#include <errno.h>\n#include <pthread.h>\n#include <setjmp.h>\n#include <stdio.h>\n" \
			"#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n" \
			"#include <weft.h>\n#include <weft/async.h>\n" text
	else if (!has_main && !includes)
		text = "#include <weft.h>\n" text
	file = file "." (code != "" ? code : is_async ? "async" : "plain") ".c"
	printf "%s", text >file
	close(file)
	inside = 0
	code = ""
	next
}
inside {
	text = text $0 "\n"
	line = $0
	gsub(/\/\/.*|\/\*.*\*\/|"[^"]*"/, "", line)
	if (line ~ /(^|[^a-z_])(async|await|defer)[^a-z_.]/) is_async = 1
	if (line ~ /^#include <weft/) includes = 1
	if (line ~ /(^|[^a-z_])main\(/) has_main = 1
	next
}
NF { reason = ""; code = "" }'

libraries=-pthread
pkg-config --exists liburing 2>/dev/null && libraries="$libraries -luring"
warnings="-std=gnu11 -Wall -Wextra -Werror -Iinclude"

has_main() {
	grep -Eq '(^|[^a-z_])main\(' "$1"
}

# is_refused FILE CODE
is_refused() {
	# shellcheck disable=SC2086
	if "$build/weftcc" $warnings -Wno-unused -c "$1" -o "${1%.c}.o" 2>"$out/log"; then
		echo "it is accepted"
		return 1
	fi
	grep -q "\\[$2[],]" "$out/log" || { cat "$out/log"; return 1; }
}

# shellcheck disable=SC2086
for file in "$out"/*.c; do
	[ -f "$file" ] || continue
	name=$(awk -F'"' '/^#line/ { print $2; exit }' "$file"):$(awk '/^#line/ { print $2; exit }' "$file")
	kind=${file%.c}
	kind=${kind##*.}
	unused=-Wno-unused
	has_main "$file" && unused=
	if [ "$kind" != plain ] && [ ! -x "$build/weftcc" ]; then
		skip "$name" "no weftcc in $build"
	elif [ "$kind" = plain ] && has_main "$file"; then
		check "$name" gcc $warnings "$file" -o "${file%.c}" "$build/libweft.a" $libraries
	elif [ "$kind" = plain ]; then
		check "$name" gcc $warnings $unused -fsyntax-only "$file"
	elif [ "$kind" != async ]; then
		check "$name" is_refused "$file" "$kind"
	else
		check "$name, as C" gcc $warnings $unused -fsyntax-only "$file"
		if has_main "$file"; then
			check "$name" "$build/weftcc" $warnings "$file" -o "${file%.c}" "$build/libweft.a" $libraries
		else
			check "$name" "$build/weftcc" $warnings $unused -c "$file" -o "${file%.c}.o"
		fi
	fi
done
checks_end
