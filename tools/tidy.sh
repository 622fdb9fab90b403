#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/tidy.sh [--quick]: the rules that can be checked. --quick leaves out clang-format and
# clang-tidy, and what other configurations of tools/test.sh do already.
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh
quick=${1:-}

is_formatted() {
	status=0
	for file in $(files '*.c' '*.h'); do
		clang-format "$file" | cmp -s - "$file" && continue
		echo "$file: tools/format.sh $file puts it right"
		status=1
	done
	return $status
}

# is_linted: every file once, as the first target that has it compiles it; in parallel.
is_linted() {
	mkdir -p build/tidy
	awk 'BEGIN { RS = "}"; ORS = "" }
	match($0, /"file": "[^"]*"/) && !seen[substr($0, RSTART, RLENGTH)]++ { print $0 "}" }
	END { print "\n]\n" }' build/compile_commands.json >build/tidy/compile_commands.json
	sed -n 's/^ *"file": "\(.*\)"$/\1/p' build/tidy/compile_commands.json | grep -v /bench/ |
		xargs -r -P "$(nproc)" -n 1 clang-tidy --quiet -p build/tidy 2>/dev/null
}

has_no_banned_words() {
	status=0
	set -f # the wildcards are for git
	while IFS='|' read -r where rest; do
		case $where in '#'*) continue ;; esac
		pattern=$(printf '%s\n' "$rest" | sed 's/^ *//; s/ *| [^|]*$//')
		# shellcheck disable=SC2086 # a list of pathspecs
		found=$(files $where | grep -v '^tools/banned.txt$' | xargs -r grep -nIE -e "$pattern" | grep -v 'banned: ')
		[ -n "$found" ] || continue
		echo "$found"
		echo "    instead: ${rest##*| }"
		status=1
	done <tools/banned.txt
	set +f
	return $status
}

has_one_licence_line() {
	status=0
	for file in $(files '*.c' '*.h' '*.sh' '*.awk' '*.map' '*.cmake' '*CMakeLists.txt' '*.rs' '*.py' Makefile .ci/run); do
		[ "$(head -n 3 "$file" | grep -c 'SPDX-License-Identifier: MIT')" = 1 ] && continue
		echo "$file: not exactly one SPDX line, at its head"
		status=1
	done
	return $status
}

names_are_unique() {
	twice=$(files 'src/*.c' 'src/*.h' | sed 's,.*/,,' | sort | uniq -d)
	[ -z "$twice" ] && return
	echo "two files of this name: $twice"
	return 1
}

# docs/diagnostics.md has a section for each code, and for no other, with its flag if it has one.
diagnostics_are_explained() {
	awk '/^## / { code = $2 } /^## W[0-9]+$/ { print code }
	/^Flag: `-W[a-z-]+`\.$/ { gsub(/[`.]|-W/, "", $2); print code, $2 }' docs/diagnostics.md |
		sort -u >"$checks_log.explained"
	{
		grep -oh '"W[0-9][0-9]*"' src/compiler/*.c | tr -d '"'
		sed -n 's/.*{ "\(W[0-9]*\)", "\(weft-[a-z-]*\)",.*/\1 \2/p' src/compiler/mistakes.c
	} | sort -u | diff - "$checks_log.explained"
	status=$?
	rm -f "$checks_log.explained"
	return $status
}

scripts_are_portable() {
	status=0
	for file in $(files 'tools/*.sh'); do
		case $(head -n 1 "$file") in
		*bash) bash -n "$file" || status=1 ;;
		*) sh -n "$file" || status=1 ;;
		esac
	done
	return $status
}

exported_names_are_ours() {
	status=0
	nm -g --defined-only --format=posix build/libweft.a | awk '
	/:$/ || NF < 2 { next }
	$1 !~ /^weft_[a-z]/ && $1 !~ /^weft__[a-z]/ { print "libweft.a: " $1; bad = 1 }
	END { exit bad }' || status=1
	nm -D --defined-only --format=posix build/libweft.so | awk '
	$2 == "A" { next }
	{ sub(/@.*/, "", $1) }
	$1 !~ /^weft_[a-z]/ { print "libweft.so: " $1; bad = 1 }
	END { exit bad }' || status=1
	return $status
}

check "layers" sh tools/layers.sh
check "banned words" has_no_banned_words
check "essay tags" sh tools/tags.sh
check "licence lines" has_one_licence_line
check "unique file names" names_are_unique
check "ratchets" sh tools/ratchet.sh
check "diagnostics" diagnostics_are_explained
check "scripts" scripts_are_portable
if [ "$quick" != --quick ]; then
	if have clang-format; then check "format" is_formatted; else skip "format" "no clang-format"; fi
	check "headers" sh tools/headers.sh
	check "amalgamation" sh tools/amalgamation.sh
	check "build" cmake --build build --target libweft.so libweft.a
	check "exported names" exported_names_are_ours
	if have clang-tidy; then check "clang-tidy" is_linted; else skip "clang-tidy" "no clang-tidy"; fi
fi
checks_end
