#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/mutation.sh WEFTCC FIRST LAST LIBRARY.a CLANG_INCLUDES LIBCLANG: does a broken translator fail
# a test? By seed, one line of it is broken: a condition turned round, a call left out, a `return true` made
# `return false`. Nine of ten must be found; what is broken by the others is shown.
#
# The tests are those of this directory that compile programs. Only those are run of whose program the broken
# translator makes something else, with gcc at -O1 alone, until one fails. The archive has all of the
# translator, so that a broken file is compiled and linked before it.
set -u
weftcc=$1
seed=$2
last=$3
library=$4
includes=$5
clang=$6
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=$(cd "$(dirname "$weftcc")" && pwd)
mkdir "$work/bin"
cp "$weftcc" "$work/bin"
ln -s "$build"/libweft.* "$work/bin"
export WEFT_COMPILERS=gcc,-O1 WEFT_LEVELS=-O1

# break_line SEED FILE: prints the file with one line broken; what it was goes to standard error.
break_line() {
	awk -v seed="$1" '
	{ line[NR] = $0 }
	/^\t+if \(.*\)( \{)?$/ || /^\treturn (true|false);/ ||
			(/^\t+[a-z_]+\([^=]*\);$/ && !/free|finish|dispose|assert/) { place[++count] = NR }
	END {
		srand(seed)
		chosen = place[int(rand() * count) + 1]
		for (i = 1; i <= NR; i++) {
			text = line[i]
			if (i == chosen) {
				print i ": " text >"/dev/stderr"
				if (text ~ /^\t+if /) {
					sub(/if \(/, "if (!(", text)
					sub(/\)( \{)?$/, ")&", text)
				} else if (text ~ /return true/) {
					sub(/true/, "false", text)
				} else if (text ~ /return false/) {
					sub(/false/, "true", text)
				} else {
					sub(/[a-z_]+\(.*/, ";", text)
				}
			}
			print text
		}
	}' "$2"
}

# translate INTO: what the translator of $work/bin makes of each program.
translate() {
	mkdir -p "$work/$1"
	for text in "$work"/*.i; do
		program=$(cat "${text%.i}.name")
		made=$work/$1/${text##*/}
		mode=
		case $program in */corpus/*) mode=--asyncify ;; esac
		# shellcheck disable=SC2086 # no word, or one
		timeout -s KILL 20 "$work/bin/weftcc-translate" "$program" $mode -- <"$text" \
			>"$made" 2>&1 || echo "status $?" >>"$made"
	done
}

# Whether a test fails, and which.
is_found() {
	translate broken
	for text in "$work"/*.i; do
		text=$(basename "$text")
		cmp -s "$work/whole/$text" "$work/broken/$text" && continue
		program=$(cat "$work/${text%.i}.name")
		case $program in
		*/golden/*) script=golden.sh ;;
		*/corpus/*) script=differential.sh ;;
		*/language/*) script=language.sh ;;
		*) script=program.sh ;;
		esac
		timeout -s KILL 100 sh "$here/$script" "$work/bin/weftcc" "$program" >"$work/said" 2>&1
		case $? in
		0 | 77) ;;
		*) echo "$program" >"$work/by"; return 0 ;;
		esac
	done
	return 1
}

count=0
for program in "$here"/golden/*.c "$here"/diagnostics/*.c "$here"/corpus/*.c "$here"/traps/*.c "$here"/language/*.c; do
	flags=$(sed -n '1,6s,^.*flags: \(.*[^ *]\)[ *]*/*$,\1,p' "$program")
	case $program in */corpus/*) flags="--asyncify -include weft.h" ;; esac
	name=$work/$(printf %03d $count)
	# shellcheck disable=SC2086 # flags are words
	WEFT_CC=gcc "$weftcc" -fsyntax-only -save-temps -w $flags "$program" -o "$name.o" 2>/dev/null
	[ -f "$name.i" ] || continue
	echo "$program" >"$name.name"
	count=$((count + 1))
done
cp "$build/weftcc-translate" "$work/bin"
translate whole

set -- "$root"/src/compiler/*.c
file=''
found=0
survived=0
while [ "$seed" -le "$last" ]; do
	eval "file=\${$((seed * 7 % $# + 1))}"
	seed=$((seed + 1))
	# the other half is weftcc, which tests/compiler/driver/ looks after
	grep -q '"compiler/\(tree\|lower\|tree_parts\|source\)\.h"' "$file" || continue
	break_line "$seed" "$file" >"$work/broken.c" 2>"$work/line"
	cc -w -g -D_GNU_SOURCE -DWEFT_VERSION='"mutant"' -I"$root/src" -isystem "$includes" "$work/broken.c" \
		"$root/src/cli/weftcc_translate.c" "$library" "$clang" "-Wl,-rpath,$(dirname "$clang")" \
		-o "$work/bin/weftcc-translate" 2>"$work/said" || continue
	what="seed $((seed - 1)): $(basename "$file"):$(cat "$work/line")"
	if is_found; then
		found=$((found + 1))
		printf 'found by %s: %s\n' "$(basename "$(cat "$work/by")")" "$what"
	else
		survived=$((survived + 1))
		printf 'NOT FOUND: %s\n' "$what"
	fi
done
echo "$found found, $survived not"
[ $((survived * 10)) -le $((found + survived)) ]
