#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/snippets.sh BUILD: compiles every ```c block of the documents against the headers, and links
# those that have a main with BUILD/libweft.a. A block that cannot be compiled is preceded by
# <!-- not compiled: reason -->.
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh
build=${1:-build}
out=$build/snippets
rm -rf "$out"
mkdir -p "$out"

# Each block becomes OUT/DOCUMENT_LINE.c; errors point back into the document.
find README.md ARCHITECTURE.md docs -name '*.md' 2>/dev/null | sort | xargs -r awk -v out="$out" '
FNR == 1                          { inside = 0; reason = "" }
!inside && /^<!-- not compiled: / { reason = $0; next }
!inside && /^```c$/ {
	if (reason == "") {
		name = FILENAME
		gsub(/[^A-Za-z0-9]/, "_", name)
		file = out "/" name "_" FNR ".c"
		text = "#line " FNR + 1 " \"" FILENAME "\"\n"
		has_main = 0
		inside = 1
	}
	reason = ""
	next
}
inside && /^```/ {
	if (!has_main) text = "#include <weft.h>\n" text
	printf "%s", text >file
	close(file)
	inside = 0
	next
}
inside { text = text $0 "\n"; if (/(^|[^a-z_])main\(/) has_main = 1; next }
NF     { reason = "" }'

libraries=-pthread
pkg-config --exists liburing 2>/dev/null && libraries="$libraries -luring"
for file in "$out"/*.c; do
	[ -f "$file" ] || continue
	name=$(awk -F'"' '/^#line/ { print $2; exit }' "$file"):$(awk '/^#line/ { print $2; exit }' "$file")
	if grep -Eq '(^|[^a-z_])main\(' "$file"; then
		# shellcheck disable=SC2086
		check "$name" gcc -std=gnu11 -Wall -Wextra -Werror -Iinclude "$file" -o "${file%.c}" "$build/libweft.a" $libraries
	else
		check "$name" gcc -std=gnu11 -Wall -Wextra -Werror -Wno-unused -Iinclude -fsyntax-only "$file"
	fi
done
checks_end
