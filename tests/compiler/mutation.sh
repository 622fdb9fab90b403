#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/mutation.sh WEFTCC FIRST LAST LIBRARY.a CLANG_INCLUDES LIBCLANG: does a broken translator fail
# a test? By seed, one line of it is broken: a condition turned round, a call left out, a `return true` made
# `return false`. Nine of ten must be found; what is broken by the others is shown.
#
# The tests are those of this directory that compile programs: what the translator is asked of each is noted
# once, and only those are run of which the broken one makes something else, with gcc at -O1 alone, until one
# fails. What no program finds driver/ may find. The archive has all of the compiler,
# so that a broken file is compiled and linked before it.
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
mkdir "$work/bin" "$work/noting" "$work/calls"
ln -s "$build"/* "$work/bin"
for program in weftcc weftcc-translate weft; do
	rm "$work/bin/$program" # they look for each other where they are
	cp "$build/$program" "$work/bin"
done
cp "$weftcc" "$work/noting"
export WEFT_COMPILERS=gcc,-O1 WEFT_LEVELS=-O1

# break_line SEED FILE: prints the file with one line broken; what it was goes to standard error.
break_line() {
	awk -v seed="$1" '
	{ line[NR] = $0 }
	/^\t+if \(.*\)( \{)?$/ || /^\treturn (true|false);/ ||
			(/^\t+[a-z_]+\([^=]*\);$/ && !/free|finish|dispose|assert|va_end/) { place[++count] = NR }
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

# note_calls: what the translator is asked when each program is compiled: NAME.in, its words and where it is.
note_calls() {
	cat >"$work/noting/weftcc-translate" <<-END
		#!/bin/sh
		printf '%s\\n' "\$@" >"\$NOTED.words"
		pwd >"\$NOTED.place"
		cat >"\$NOTED.in"
		exit 2
	END
	chmod +x "$work/noting/weftcc-translate"
	count=0
	for program in "$here"/golden/*.c "$here"/diagnostics/*.c "$root"/examples/refused/*.c \
			"$here"/traps/*.c "$here"/language/*.c "$here"/corpus/*.c; do
		flags=$(sed -n '1,6s,^.*flags: \(.*[^ *]\)[ *]*/*$,\1,p' "$program")
		case $program in
		*/golden/*) flags="--emit-c $flags" ;;
		*/corpus/*) flags="-fsyntax-only --asyncify -w -include weft.h" ;;
		*) flags="-fsyntax-only $flags" ;;
		esac
		NOTED=$work/calls/$(printf %03d $count)
		export NOTED
		# shellcheck disable=SC2086 # flags are words
		(cd "$(dirname "$program")" && WEFT_CC=gcc "$work/noting/weftcc" $flags "${program##*/}" \
			-o "$work/noted" >/dev/null 2>&1)
		[ -f "$NOTED.in" ] || continue
		echo "$program" >"$NOTED.name"
		translate "$NOTED" >"$NOTED.whole" 2>&1
		count=$((count + 1))
	done
}

# translate CALL: what the translator of $work/bin makes of it, and says.
translate() {
	# shellcheck disable=SC3045 # where it is not known, nothing is limited
	(cd "$(cat "$1.place")" && ulimit -v 4000000 2>/dev/null
		timeout -s KILL 20 xargs -a "$1.words" -d '\n' "$work/bin/weftcc-translate" <"$1.in")
	echo "status $?"
}

# fails TEST ARGUMENT...: it runs, with the broken compiler, and fails.
fails() {
	test=$1
	shift
	timeout -s KILL "${seconds:-100}" sh "$here/$test" "$@" >"$work/said" 2>&1
	case $? in
	0 | 77) return 1 ;;
	esac
}

# Whether a test of a program fails, and which.
is_found() {
	for call in "$work"/calls/*.in; do
		call=${call%.in}
		translate "$call" >"$work/made" 2>&1
		cmp -s "$call.whole" "$work/made" && continue
		program=$(cat "$call.name")
		echo "${program##*/}" >"$work/by"
		case $program in
		*/golden/*) fails golden.sh "$work/bin/weftcc" "$program" ;;
		*/corpus/*) fails differential.sh "$work/bin/weftcc" "$program" ;;
		*/language/*) fails language.sh "$work/bin/weftcc" "$program" ;;
		*/refused/*) fails test_examples.sh "$work/bin" ;;
		*) fails program.sh "$work/bin/weftcc" "$program" ;;
		esac && return 0
	done
	return 1
}

# Whether one of driver/ fails.
is_found_by_driver() {
	echo driver >"$work/by"
	seconds=900 fails driver/test_driver.sh "$work/bin"
}

# link_broken PROGRAM SOURCE...: of src/cli.
link_broken() {
	program=$1
	shift
	for source; do
		shift
		set -- "$@" "$root/src/cli/$source"
	done
	cc -w -g -D_GNU_SOURCE -DWEFT_VERSION='"0.1.0"' -DWEFT_LIBRARY_DIR='"../lib"' \
		-DWEFT_TRANSLATOR_DIR='"../libexec/weft"' -DWEFT_SOURCE_INCLUDE="\"$root/include\"" \
		-DWEFT_STATIC_LIBRARIES='"-luring"' -I"$root/src" -isystem "$includes" "$work/broken.c" \
		"$@" "$library" "$clang" "-Wl,-rpath,$(dirname "$clang")" -Wl,--as-needed \
		-o "$work/bin/$program" 2>"$work/said"
}

note_calls
set -- "$root"/src/compiler/*.c
file=''
found=0
survived=0
while [ "$seed" -le "$last" ]; do
	eval "file=\${$((seed * 7 % $# + 1))}"
	seed=$((seed + 1))
	break_line "$seed" "$file" >"$work/broken.c" 2>"$work/line"
	link_broken weftcc-translate weftcc_translate.c || continue
	link_broken weftcc weftcc.c || continue
	link_broken weft commands.c run.c expand.c || continue
	what="seed $((seed - 1)): $(basename "$file"):$(cat "$work/line")"
	if is_found || is_found_by_driver; then
		found=$((found + 1))
		printf 'found by %s: %s\n' "$(cat "$work/by")" "$what"
	else
		survived=$((survived + 1))
		printf 'NOT FOUND: %s\n' "$what"
	fi
done
echo "$found found, $survived not"
[ $((survived * 10)) -le $((found + survived)) ]
