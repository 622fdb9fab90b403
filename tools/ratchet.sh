#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/ratchet.sh [--tighten]: measures the library (src/, include/) and fails if a value is worse
# than in tools/ratchet.txt. Macros named weft_... are the typed forms of functions and not counted.
# --tighten writes today's values there.
set -eu
cd "$(dirname "$0")/.."
. tools/checks.sh

# Prints `name value where`. Functions are found by their braces in the first column.
measure() {
	files 'src/*.[ch]' 'include/*.h' | grep -v '^src/weft\.c$' | xargs -r awk '
	function worst(name, value, where) {
		if (!(name in most) || value > most[name]) { most[name] = value; at[name] = where }
	}
	function end_of_file() {
		if (file ~ /\.c$/) worst("file_lines_max", lines, file)
		else worst("header_lines_max", lines, file)
		if (file ~ /^include/) worst("functions_per_header_max", public, file)
	}
	function parameters(text,    i, c, depth, commas) {
		for (i = 1; i <= length(text); i++) {
			c = substr(text, i, 1)
			if (c == "(") depth++
			else if (c == ")") depth--
			else if (c == "," && depth == 1) commas++
		}
		return commas + 1
	}
	FNR == 1 {
		if (file) end_of_file()
		file = FILENAME
		lines = public = inside = comment = 0
		tree = file ~ /^include/ ? "include" : "src"
		seam = file ~ /^src\/(os\/|io\/poller_|base\/atomic\.h)/
	}
	{ lines++ }
	!NF { next }
	{
		all[tree]++
		if (!seam) outside++
		code = $0
		if (comment || /^[ \t]*\/\*/) { commented[tree]++; code = "" }
		if (/\/\*/ && !/\*\//) comment = 1
		if (/\*\//) comment = 0
		worst("line_columns_max", length($0) + 7 * gsub(/\t/, "\t"), file ":" FNR)
	}
	code ~ /^#[ \t]*(if|ifdef|ifndef)/ && !seam && code !~ /^#ifndef WEFT_[A-Z_]*_?H$/ { ifs++ }
	code ~ /^#[ \t]*define [A-Za-z_]+\(/ && code !~ /define weft_/ && file != "src/base/atomic.h" { macros++ }
	file ~ /^include/ && code ~ /^[A-Za-z].*[ *]weft_[a-z_]+\(/ { public++ }
	code ~ /^[A-Za-z_]/ { signature = code; next }
	code ~ /^[ \t]/ && !inside { signature = signature code }
	code ~ /^\{$/ && signature ~ /\)$/ {
		inside = FNR
		worst("parameters_max", parameters(signature), file ":" FNR)
	}
	code ~ /^\}/ && inside {
		worst("function_lines_max", FNR - inside - 1, file ":" inside)
		inside = 0
	}
	inside && code ~ /^\t+\}/ {
		match(code, /^\t+/)
		worst("nesting_max", RLENGTH, file ":" FNR)
	}
	END {
		if (!file) exit
		end_of_file()
		for (name in most) print name, most[name], at[name]
		print "macros_max", macros + 0, "src include"
		print "conditionals_per_kloc_max", outside ? int(1000 * ifs / outside) : 0, "src include"
		print "comment_percent_src_max", all["src"] ? int(100 * commented["src"] / all["src"]) : 0, "src"
		if (all["src"]) print "comment_percent_src_min", int(100 * commented["src"] / all["src"]), "src"
		if (all["include"]) print "comment_percent_include_max", int(100 * commented["include"] / all["include"]), "include"
	}'
	echo build_options_max "$(grep -cE '^(option\(WEFT_|set\(WEFT_[A-Z]+ .*CACHE)' CMakeLists.txt)" CMakeLists.txt
}

if [ "${1:-}" = --tighten ]; then
	comments=$(grep '^#' tools/ratchet.txt)
	{ echo "$comments"; measure | cut -d' ' -f1,2 | sort; } >"$checks_log"
	cat "$checks_log" >tools/ratchet.txt
	exit
fi
measure | awk '
FILENAME == "tools/ratchet.txt" { if (!/^#/ && NF) limit[$1] = $2; next }
!($1 in limit)                  { next }
$1 ~ /_max$/ && $2 > limit[$1] || $1 ~ /_min$/ && $2 < limit[$1] {
	printf "%s: %s is %d, was %d\n", $3, $1, $2, limit[$1]
	bad = 1
}
END { exit bad }' tools/ratchet.txt -
