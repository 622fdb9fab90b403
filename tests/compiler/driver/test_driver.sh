#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/driver/test_driver.sh BUILD [NAME]: weftcc and weft of the build directory beside what gcc
# does in the same situation; those whose name contains NAME, or all.
#
# A check is a function `is_...` below; each begins in a directory of its own with the sources here.
# shellcheck disable=SC2317 # the functions are called by their names
set -u
export LC_ALL=C
build=$(cd "$1" && pwd)
only=${2:-}
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/compiler/driver
. "$root/tools/checks.sh"

work=$(mktemp -d)
trap 'rm -rf "$work" "$checks_log"' EXIT
PATH=$build:$PATH
export PATH WEFT_CC=gcc TMPDIR="$work/scratch"
unset CFLAGS CPPFLAGS LDFLAGS CC MAKEFLAGS MAKELEVEL CCACHE_DIR
headers=-isystem$root/include

# try NAME: runs the function `is_NAME` as a check.
try() {
	case $1 in *"$only"*) ;; *) return ;; esac
	rm -rf "$work/here" "$work/scratch"
	mkdir "$work/here" "$work/scratch"
	cd "$work/here" || exit
	cp "$here"/*.c "$here"/*.h .
	export WEFT_CC=gcc # a check may have named another
	check "$1" "is_$1"
	cd "$work" || exit
}

fail() {
	echo "$*"
	return 1
}

# same COMMAND...: what weftcc and gcc do with the same words: status, stdout, stderr, and the files that
# they leave in out/ are equal. The names of temporary files are not compared.
same() {
	for cc in gcc weftcc; do
		rm -rf out
		mkdir out
		"$cc" "$@" >"$cc.stdout" 2>"$cc.stderr" </dev/null
		echo "$?" >"$cc.status"
		sed -i 's,/[^ :]*/cc[A-Za-z0-9]\{6\}\.,/ccXXXXXX.,g' "$cc.stderr"
		rm -rf "$cc.out"
		mv out "$cc.out"
	done
	for what in status stdout stderr out; do
		diff -r "gcc.$what" "weftcc.$what" || fail "differs: $* ($what)" || return
	done
}

# exits STATUS COMMAND...
exits() {
	expected=$1
	shift
	"$@" </dev/null
	status=$?
	[ $status = "$expected" ] || fail "status $status instead of $expected: $*"
}

prints() {
	expected=$1
	shift
	[ "$("$@")" = "$expected" ] || fail "not '$expected' but '$("$@")': $*"
}

has() {
	grep -q -e "$1" "$2" || fail "no '$1' in $2" || { cat "$2"; return 1; }
}

lacks() {
	! grep -e "$1" "$2" || fail "'$1' in $2"
}

leaves_nothing() {
	[ -z "$(ls -A "$TMPDIR")" ] || fail "left: $(ls -AR "$TMPDIR")"
}

# ---- plain C ----------------------------------------------------------------------------------------

is_plain_object_identical() {
	for flags in "-O0" "-O2 -g" "-O2 -g3" "-Os -fPIC -ffunction-sections" "-g -fsanitize=address" "-pg" \
			"-O2 -flto -frandom-seed=1" "-m32 -Wno-all" "-std=c99 -Wall -Wextra"; do
		# shellcheck disable=SC2086
		same $flags -c plain.c -o out/plain.o || return
	done
}

is_plain_object_identical_by_clang() {
	command -v clang >/dev/null || return 0
	for flags in "-O2 -g" "-O1 -fPIC -Wall" "-O0 -g3"; do
		# shellcheck disable=SC2086
		clang $flags -MD -c plain.c -o a.o && mv a.d expected.d && mv a.o expected.o &&
			WEFT_CC=clang weftcc $flags -MD -c plain.c -o a.o && cmp a.o expected.o && cmp a.d expected.d || return
	done
}

is_plain_with_every_output() {
	same -c plain.c -MD -o out/plain.o &&
		same -S plain.c -o out/plain.s &&
		same -S plain.c -o - &&
		same -fsyntax-only -Wall plain.c &&
		same -c plain.c -o out/a.o -MMD -MP -MF out/x.d -MT 'a b' -MQ 'c$d' &&
		same --coverage -frandom-seed=1 -c plain.c -o out/cov.o &&
		same plain.c other.c -o out/program -lm
}

is_plain_error_the_same() {
	same -c broken.c -o out/broken.o && same -c nosuch.c -o out/nosuch.o && same nosuch.c &&
		same -c plain.c -o && same -c plain.c other.c -o out/x.o && same && same -c -Wall -Werror unused.c &&
		same -c missing_include.c -o out/x.o && same -x nonsense plain.c &&
		same -c -
}

is_question_answered() {
	for question in -dumpmachine -dumpversion -dumpspecs -print-search-dirs -print-prog-name=ld \
			-print-file-name=libc.a -print-libgcc-file-name -v --help -qversion -V; do
		same "$question" || return
	done
	same '-###' -c plain.c
}

is_version_ours_too() {
	weftcc --version >version || return
	gcc --version >expected
	[ "$(head -n 1 version)" = "$(head -n 1 expected)" ] || fail "$(head -n 1 version)"
	has '^weftcc [0-9.]*, reading C with .*clang version' version && prints 'weft 0.1.0' weft --version
}

is_other_language_passed_through() {
	echo 'int assembled(void);' >a.h
	printf '.globl assembled\nassembled:\n ret\n' >assembly.s
	printf '#define NAME assembled\n.globl NAME\nNAME:\n ret\n' >assembly2.S
	same -c assembly.s -o out/a.o && same -c assembly2.S -o out/a.o &&
		same -x c-header a.h -o out/a.h.gch -fsyntax-only && same -E -x c++ plain.c &&
		gcc -c plain.c -o plain.o && gcc -c other.c -o other.o && ar rc libother.a other.o &&
		same plain.o other.o -o out/program && same plain.o libother.a -o out/program &&
		same plain.o -L. -lother -o out/program
}

is_expansion_plain_with_words_left_in() {
	weftcc -E async.c -o async.i && sed '/^#/d' async.i | tr -s '\n ' ' ' >words &&
		has 'static _Async int' words && has '_Await' words &&
		weftcc -E -dM - </dev/null >macros && has '__WEFTCC__ 1' macros &&
		same -E -dM -x c++ - && weftcc -E -P plain.c >plain.i && gcc -E -P plain.c | diff - plain.i &&
		weftcc -M async.c >m.d && gcc $headers -D__WEFTCC__ -M async.c | diff - m.d &&
		weftcc -MM async.c >m.d && gcc $headers -D__WEFTCC__ -MM async.c | diff - m.d
}

# ---- async C ----------------------------------------------------------------------------------------

is_program_built_and_run() {
	weftcc -Wall -Wextra -O2 async.c -o program 2>said && [ ! -s said ] && prints "hello, world
bye" ./program && leaves_nothing
}

is_program_built_by_clang() {
	command -v clang >/dev/null || return 0
	WEFT_CC=clang weftcc -Wall -Wextra -Werror -fmacro-prefix-map=a=b -g -O2 async.c -o program 2>said && [ ! -s said ] &&
		prints "hello, world
bye" ./program && weftcc --version >/dev/null && leaves_nothing
}

is_static_program_built() {
	weftcc -static -O1 async.c -o program && prints "hello, world
bye" ./program
}

is_object_deterministic() {
	for flags in "-O2 -g" "-g3 -fPIC" "-O1 -fsanitize=address -g"; do
		# shellcheck disable=SC2086
		weftcc $flags -c async.c -o one.o && TMPDIR=$work weftcc $flags -c async.c -o two.o &&
			cmp one.o two.o || fail "$flags" || return
		strings -a one.o | grep -e weftcc -e /scratch && fail "a temporary name is in the object" && return 1
	done
	weftcc --emit-c async.c -o one.c && weftcc --emit-c async.c -o two.c && cmp one.c two.c
}

# As cmake calls it, with a path that begins with a slash, in two places.
is_object_reproducible_elsewhere() {
	mkdir one two
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for map in "-ffile-prefix-map=" "-fdebug-prefix-map=/nowhere=x -fmacro-prefix-map=/nowhere=x -ffile-prefix-map="; do
			for place in one two; do
				cp async.c $place
				# shellcheck disable=SC2086 # flags are words
				(cd $place && WEFT_CC=$cc TMPDIR=$PWD weftcc -g $map"$PWD"=/src -c "$PWD/async.c" -o x.o) || return
			done
			cmp one/x.o two/x.o && strings -a one/x.o >words && has '^/src/async.c$' words && lacks "$PWD" words || return
		done
	done
}

is_source_named_in_debug_information() {
	mkdir sub && cp async.c sub
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		WEFT_CC=$cc weftcc -g -c sub/async.c -o a.o && readelf --debug-dump=info a.o >info &&
			has 'DW_AT_name .*: sub/async.c' info && has "DW_AT_comp_dir.*$PWD" info || return
	done
}

is_output_named_as_by_gcc() {
	mkdir sub && cp async.c sub
	weftcc -c sub/async.c && [ -f async.o ] && weftcc -S sub/async.c && [ -f async.s ] && has '\.globl' async.s &&
		weftcc -S async.c -o - >standard.s && has '\.globl' standard.s && weftcc -c async.c -osub/x.o && [ -f sub/x.o ] &&
		(cd sub && weftcc async.c && [ -x a.out ]) && weftcc -c async.c -o /dev/null
}

# dependencies FLAG...: .d files have the same names and contents as gcc's.
dependencies() {
	for cc in gcc weftcc; do
		rm -rf out
		mkdir out
		if [ $cc = gcc ]; then # compiles it, if it does not see the words
			gcc $headers -D__WEFTCC__ -D_Async= -D_Await= -D_Defer= -w "$@" || return
		else
			weftcc "$@" || return
		fi
		find out . -maxdepth 1 -name '*.[os]' -exec rm {} +
		mv ./*.d out 2>/dev/null
		rm -rf $cc.out
		mv out $cc.out
	done
	[ -n "$(ls weftcc.out)" ] || fail "no dependencies: $*" || return
	diff -r gcc.out weftcc.out || fail "differs: $*"
}

is_dependency_file_as_gcc_has_it() {
	dependencies -c async.c -MD && dependencies -c async.c -MMD && dependencies -c async.c -MD -o out/x.o &&
		dependencies -c async.c -MD -MP -MF out/deps -o out/x.y.o && dependencies -c async.c -MD -MT '$(target) x' &&
		dependencies -c async.c -MD -MQ '$(target) x' -o out/x.o && dependencies -S async.c -MMD -o out/x.s &&
		dependencies -c async.c -Wp,-MMD,out/wp.d -o out/x.o && dependencies -MD -c async.c -MFout/joined.d &&
		weftcc -c async.c -MD -MF - >standard.d && has 'async.o: async.c' standard.d && same -c plain.c -MD -MF -
}

is_coverage_named_as_by_gcc() {
	mkdir out
	for flags in "-c async.c" "-c async.c -o out/x.o" "async.c -o out/program"; do
		# shellcheck disable=SC2086
		weftcc --coverage $flags || return
		case $flags in
		*program) notes=out/program-async.gcno ;;
		*x.o) notes=out/x.gcno ;;
		*) notes=async.gcno ;;
		esac
		[ -f $notes ] || fail "no $notes: $(ls . out)" || return
	done
	rm -f ./*.gcno && out/program >/dev/null && [ -f out/program-async.gcda ] || fail "$(ls out)" || return
	gcov -t -o out program-async.gcda >report && has '[1-9][0-9]*\**:.*printf' report
}

# Of what is linked at once, too: nothing is named after an object that is gone, and TMPDIR stays empty.
is_file_beside_the_object_named_after_it() {
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		export WEFT_CC=$cc
		for flag in --coverage "-g -gsplit-dwarf" -fstack-usage -fsave-optimization-record; do
			for output in "" "-o out/prog.v1"; do
				rm -rf out ./*.o a-* ./*.dwo && mkdir out
				# shellcheck disable=SC2086 # flags are words
				weftcc $flag async.c $output && leaves_nothing && [ ! -f async.o ] || return
				find . -name 'a-async.*' -o -name 'prog.v1-async.*' | grep -q -v '\.o$' || fail "$cc $flag $output: $(ls . out)" || return
				case $output in ?*) program=out/prog.v1 ;; *) program=a.out ;; esac
				strings -a $program | grep -e "$TMPDIR" && fail "$cc $flag: a temporary name in $program" && return 1
			done
		done
		rm -f ./*.gcno && weftcc --coverage async.c && ./a.out >/dev/null && [ -f a-async.gcda ] || fail "$cc: $(ls)" || return
		weftcc -S -g -gsplit-dwarf async.c && [ ! -f ./-.dwo ] && has '"async.dwo"' async.s || fail "$cc: $(ls)" || return
	done
	printf 'mine' >a-async.o && WEFT_CC=clang weftcc --coverage async.c && prints mine cat a-async.o
}

is_text_saved() {
	mkdir out
	command -v clang >/dev/null && for where in "" =obj =cwd; do
		rm -f ./*.s out/*.s && WEFT_CC=clang weftcc -save-temps$where async.c -o out/c && [ -f "$(find . -name 'c-async.async.s')" ] &&
			prints "hello, world
bye" out/c && WEFT_CC=clang weftcc -save-temps$where -c async.c || fail "clang $where: $(ls . out)" || return
	done
	weftcc -save-temps -c async.c -o out/x.o && [ -f out/x.i ] && [ -f out/x.async.c ] && [ -f out/x.s ] &&
		has greet__poll out/x.async.c && lacks _Async out/x.async.c && has _Async out/x.i || fail "$(ls . out)" || return
	weftcc -save-temps=obj async.c -o out/program && [ -f out/program-async.async.c ] && [ -f out/program-async.o ] || fail "$(ls . out)" || return
	weftcc -save-temps=cwd -c async.c -o out/y.o && [ -f y.async.c ] && [ -f y.s ] || fail "$(ls . out)"
}

is_syntax_checked_without_output() {
	weftcc -fsyntax-only -Wall async.c && [ ! -f async.o ] && [ ! -f a.out ] || return
	weftcc -fsyntax-only broken_async.c 2>/dev/null && fail "accepted"
	return 0
}

is_several_sources_in_one_command() {
	echo '#include <weft/poll.h>' >>plain_part.c
	weftcc async.c part.c other.c plain_part.c -DPART -o program -lm && prints "hello, part
bye" ./program && leaves_nothing || return
	weftcc -c part.c other.c && [ -f part.o ] && [ -f other.o ] && gcc -c other.c -o expected.o && cmp other.o expected.o &&
		weftcc -DPART async.c part.o other.o plain_part.c -o program && prints "hello, part
bye" ./program && weftcc -DPART -c async.c part.o -o async.o && weftcc -DPART -c plain_part.c &&
		weftcc async.o part.o plain_part.o -lweft -o program && prints "hello, part
bye" ./program
}

# One header, for those who write async C, C99 or C++: the macro declares what the callers of each need.
is_async_function_called_from_c_and_cxx() {
	printf '%s\n' '#include <weft.h>' '#include <weft/async.h>' 'WEFT_BEGIN_DECLS' 'WEFT_ASYNC_1(int, twice, int);' \
		'async int twice(int n);' 'WEFT_END_DECLS' >twice.h
	printf '%s\n' '#include "twice.h"' 'async int twice(int n) { weft_try(await weft_yield()); return 2 * n; }' >twice.c
	printf '%s\n' '#include "twice.h"' 'int main(void) { struct twice__args args; int r = 0; twice__init(&args, 21);' \
		'return weft_run_async(&twice__async, &args, &r) || r != 42; }' >caller.c
	cp caller.c caller.cc
	printf '%s\n' '#include "twice.h"' 'int main(void) { return weft_run(twice(21)) != 42; }' >runs.c
	weftcc -Wall -Wextra -Werror -c twice.c && weftcc -Wall -Werror runs.c twice.o -o program && ./program || return
	for caller in "gcc -std=c99 caller.c" "clang -std=c99 caller.c" "g++ -std=c++11 caller.cc" "clang++ -std=c++20 caller.cc"; do
		command -v "${caller%% *}" >/dev/null || continue
		# shellcheck disable=SC2086 # a compiler and its words
		$caller -Wall -Wextra -pedantic -Werror "$headers" twice.o "-L$build" "-Wl,-rpath,$build" -lweft -o program && ./program ||
			fail "$caller" || return
	done
}

is_program_linked_without_our_help() {
	weftcc -c async.c && weftcc -nostdlib -r async.c -o relocatable.o &&
		weftcc -v async.c -o program "-L$build" -lweft 2>said &&
		[ "$(grep -c -e '-lweft.*-lweft' said)" = 0 ] && has 'weftcc-translate async.c --$' said && has ' -lweft .*-pthread' said
}

is_response_file_read() {
	mkdir "with space"
	echo '#define GREETED "there"' >"with space/name.h"
	printf '%s\n' '-DUNUSED=\"a\ b\"' "-I'with space'" '-include name.h' '@second' >first
	echo '-O1 async.c -o "my program"' >second
	weftcc @first && prints "hello, there
bye" "./my program" && echo '-c plain.c -o out/x.o' >third && same @third && same -c plain.c @nosuch
}

is_standard_input_read() {
	weftcc -x c - -o program <async.c && prints "hello, world
bye" ./program && weftcc -x c -c - -o in.o <plain.c && gcc -x c -c - -o expected.o <plain.c && cmp in.o expected.o &&
		weftcc -c -xc - <async.c && [ -f ./-.o ]
}

is_language_of_x_obeyed() {
	cp async.c async.text && cp async.c other.cc && weftcc -E async.c -o async.i && cp async.i expanded &&
		weftcc -x c async.text -x none -o program && prints "hello, world
bye" ./program && weftcc async.i -o program && prints "hello, world
bye" ./program && weftcc -xcpp-output expanded -o program && prints "hello, world
bye" ./program
}

is_program_built_with_sanitizer() {
	gcc -fsanitize=address other.c signals.c -o probe 2>/dev/null || return 0
	weftcc -fsanitize=address -g -O1 -Wall -Werror async.c -o program && prints "hello, world
bye" ./program
}

is_system_header_no_hindrance() {
	weftcc -isystem "$root/include" async.c -o program && prints "hello, world
bye" ./program
}

is_word_in_a_comment_no_word() {
	printf '/* _Async */\nconst char *word = "_Await"; // _Defer\n' >words.c
	same -g -c words.c -o out/words.o
}

is_deep_expression_no_hindrance() {
	{
		printf '#include <weft.h>\n#include <weft/async.h>\nasync int main(void) { int n = 1; n += await weft_yield()'
		awk 'BEGIN { for (i = 0; i < 4000; i++) printf " + n" }'
		printf '; n += '
		awk 'BEGIN { for (i = 0; i < 900; i++) printf "n + (" }'
		printf 'await weft_yield()'
		awk 'BEGIN { for (i = 0; i < 900; i++) printf ")" }'
		printf '; return n < 4001; }\n'
	} >deep.c
	weftcc deep.c -o program && ./program
}

is_long_text_no_hindrance() {
	{
		cat async.c
		printf 'const char text[] = "'
		head -c 5000000 /dev/zero | tr '\0' x
		echo '";'
	} >long.c
	weftcc -fsyntax-only long.c
}

is_flag_for_machine_and_code_passed_on() {
	weftcc -O2 -g -m64 -march=x86-64 -fno-plt -ffunction-sections -fstack-protector-strong -pthread -c async.c -o a.o &&
		readelf -S a.o >sections && has '\.text\.greet' sections && has debug_info sections &&
		weftcc -fsanitize=undefined -fno-sanitize-recover=all async.c -o program && prints "hello, world
bye" ./program
}

# libclang does not know all flags of the compilers, and reports are of one pass alone, which compiles.
is_flag_unknown_to_libclang_no_error() {
	for flag in -fdump-tree-optimized -fopt-info-inline -fcallgraph-info -fstack-usage -fanalyzer -fplan9-extensions \
			-ftrack-macro-expansion=0 -fdirectives-only -fworking-directory -fstrict-volatile-bitfields -fgnu-tm \
			-fno-diagnostics-show-labels -fsave-optimization-record -fdiagnostics-format=json "-g -gsplit-dwarf" -da \
			-masm=intel -mtune=native -fno-gnu-unique "-O2 -fno-tree-vectorize -fivopts"; do
		# shellcheck disable=SC2086
		for cc in gcc weftcc; do
			mkdir out && cd out || return
			case $cc in
			gcc) gcc "$headers" '-Derror(text)=unused' -w $flag -c ../async.c -o x.o 2>../gcc.said ;;
			*) weftcc -w $flag -c ../async.c -o x.o 2>../weftcc.said || { cat ../weftcc.said; return 1; } ;;
			esac
			cd .. && ls out >$cc.made && rm -r out
		done
		diff gcc.made weftcc.made || fail "$flag leaves other files" || return
		[ -s gcc.said ] || [ ! -s weftcc.said ] || { cat weftcc.said; fail "$flag"; return 1; }
	done
	[ "$(ls ./*.json* ./*.opt-record* ./*.dwo 2>/dev/null)" = "" ] || fail "$(ls)"
}

is_flag_of_clang_with_operand_understood() {
	command -v clang >/dev/null || return 0
	: >empty.cfg
	WEFT_CC=clang weftcc -MJ entries -c async.c -o x.o && has '"file": "async.c"' entries &&
		WEFT_CC=clang weftcc -serialize-diagnostics x.dia -c async.c -o x.o && [ -f x.dia ] &&
		WEFT_CC=clang weftcc --config ./empty.cfg -Xanalyzer -analyzer-werror -c async.c -o x.o
}

is_wrong_flag_told_as_by_the_compiler() {
	same -fnosuch -c plain.c -o out/x.o || return
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		$cc -fnosuch -c async.c 2>expected
		WEFT_CC=$cc exits 1 weftcc -fnosuch -c async.c 2>said && diff expected said || return
	done
}

is_odd_text_compiled() {
	sed 's/$/\r/' async.c >lines.c && { printf '\357\273\277'; cat async.c; } >mark.c &&
		sed '$ s/}$//' async.c >end.c && printf '}' >>end.c && cp async.c "it's \"\$x %s.c" || return
	for file in lines.c mark.c end.c "it's \"\$x %s.c"; do
		weftcc -Wall -Wextra -Werror -g "$file" -o program && prints "hello, world
bye" ./program || fail "$file" || return
	done
	: >empty.c && same -c empty.c -o out/empty.o || return
	# letters and brackets spelled out, comments, what looks like a letter and is none, to the last byte
	weftcc -E async.c -o odd.i && printf '%s\n%s\n%s\n%s' '// \u00e4 <%' '/* \u00e4 */' \
		'#pragma weft <: \u00e4 \u0ffg // \u00e4 \u12' '#pragma weft \u12' >>odd.i && weftcc -w --emit-c odd.i -o odd.c &&
		[ "$(tail -n 4 odd.c)" = "$(tail -n 4 odd.i | sed 's/weft <: .u00e4/weft [  \xc3\xa4/')" ] || { tail -n 4 odd.c; return 1; }
}

is_broken_text_refused() {
	printf 'async int f(void) { return 0; } /* \\u00e4' >open.c
	exits 1 weftcc -c open.c 2>said && has 'unterminated comment' said
}

# ---- messages ---------------------------------------------------------------------------------------

is_warning_about_the_original() {
	weftcc -Wall -Wextra -c warnings.c 2>said || { cat said; return 1; }
	has "warnings.c:9:.*warning: 'never' defined but not used" said || return
	has "warnings.c:[0-9]*:.*unused variable .unused." said && has "control reaches end" said &&
		has "may fall through" said && has "in expansion of macro" said && lacks weft_ said &&
		[ "$(grep -c 'unused variable' said)" = 1 ] || { cat said; return 1; }
	cat >without_lto <<-'END'
	#!/bin/sh
	case "$*" in *-flto*) echo "LTO support has not been enabled in this configuration" >&2; exit 1 ;; esac
	exec gcc "$@"
	END
	chmod +x without_lto
	WEFT_CC=./without_lto weftcc -Wall -c warnings.c 2>said && has 'unused variable' said && lacks LTO said &&
		tr -d '\0' <said | cmp - said || { cat said; return 1; }
}

is_warning_of_the_optimizer_kept() {
	weftcc -O2 -Wall -c bounds.c 2>said && has 'bounds.c:16:.*\(-Wstringop-overflow\|-Warray-bounds\)' said && lacks enough said &&
		[ "$(grep -c 'bounds.c:16:.*warning' said)" = 1 ] && lacks '\^' said || { cat said; return 1; }
	weftcc -O2 -w -c bounds.c 2>said && [ ! -s said ] || { cat said; return 1; }
	weftcc -O2 -Wall -Wno-stringop-overflow -Wno-array-bounds -c bounds.c 2>said && [ ! -s said ] || { cat said; return 1; }
	# the check optimizes if the user does
	weftcc -v -Wall -O0 -O2 -c bounds.c 2>&1 | grep -q -e '-S -o /dev/null' || fail "no -S" || return
	! weftcc -v -O2 -Wall -O0 -c bounds.c 2>&1 | grep -e '-S -o /dev/null'
}

# Once, and of what the user wrote.
is_said_once_in_own_words() {
	for cc in gcc clang; do
		WEFT_CC=$cc weftcc -O2 -Wall -c twice.c 2>said || { cat said; return 1; }
		for words in 'twice.c:14:.*excess elements' 'twice.c:15:.*too long' 'twice.c:42:.*discard' \
			'twice.c:12:.*struct hidden' 'twice.c:27:.*free'; do
			[ "$(grep -c "$words" said)" = 1 ] || { echo "$cc, $words:"; cat said; return 1; }
		done
		lacks '__[a-z0-9]*[0-9]\|__poll\|weft_\|<weftcc>' said || { cat said; return 1; }
		exits 1 env WEFT_CC=$cc weftcc -w -O2 twice.c -o program 2>said && has 'undefined.*missing' said &&
			lacks '__poll\|__async' said || { cat said; return 1; }
	done
	weftcc -O2 -Wall -c twice.c 2>said
	has "twice.c:32: note: while referencing 'several'$" said && has "'struct s2\[2\]'" said &&
		has "'struct <unnamed>\[2\]'" said && has "pointer 'frame' with" said &&
		has "unallocated object '__func__'" said || { cat said; return 1; }
	# of the one there is more to say when it is compiled, of the other not
	[ "$(grep -c "^twice.c: In function 'twice':$" said)" = 2 ] &&
		[ "$(grep -c "^twice.c: In function 'main':$" said)" = 1 ] || { cat said; return 1; }
	weftcc -O2 -Wall -fdiagnostics-color=always -c twice.c 2>colored
	has "$(printf "\033")\[1mtwice.c:32:" colored || { cat colored; return 1; }
	sed "s/$(printf '\033')\[[0-9;]*[mK]//g" colored | diff said -
}

# More sources, and more messages, than files may be open.
is_file_closed_after_each_source() {
	for name in a b c d e f g h i j k l; do
		printf '%s\n' '#include <weft/async.h>' 'async int leaf(void);' \
			"async int $name(void) { __asm__(\"bogus\"); return await leaf(); }" >$name.c
		: >$name.i
	done
	(ulimit -n 16 && exits 1 weftcc -c ?.c 2>said) && [ "$(grep -c bogus said)" = 12 ] || { cat said; return 1; }
	sed -i '$a#include "nosuch.h"' ?.c
	(ulimit -n 16 && exits 1 weftcc -c ?.c 2>said) && [ "$(grep -c nosuch.h: said)" = 12 ] || { cat said; return 1; }
	(ulimit -n 12 && weftcc -c ?.i)
}

is_message_with_its_line_each_time() {
	cp "$root"/tests/compiler/diagnostics/w107_kept.* .
	(ulimit -n 24 && weftcc -fsyntax-only --frame-limit=1 w107_kept.c) 2>said
	diff w107_kept.said said
}

is_werror_only_for_the_users_warnings() {
	weftcc -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -O2 -std=gnu11 -c async.c || return
	exits 1 weftcc -Wall -Werror -c warnings.c -o failed.o && [ ! -f failed.o ] || return
	exits 1 weftcc -Werror=unused-variable -Wall -c warnings.c -o failed.o && [ ! -f failed.o ] || return
	weftcc -Wall -Werror -Wno-error -c warnings.c
}

# Ours are for us: the compiler has no such names, and an error is what is said of one that we have not.
is_flag_of_ours_not_passed_on() {
	printf '#!/bin/sh\necho "$*" >>log\nexec gcc "$@"\n' >launcher
	chmod +x launcher
	flags='-Wno-weft-blocking-call -Werror=weft -Wno-error=weft-errno -Wweft-large-frame -Wno-weft-of-later'
	echo "$flags -c plain.c -o x.o" >file
	# shellcheck disable=SC2086
	for what in "-c async.c -o x.o" "-c plain.c -o x.o" "-E plain.c -o x.i" "async.c other.c -o program" @file; do
		WEFT_CC=./launcher weftcc $flags $what || return
	done
	lacks '-W[^ ]*weft' log || return
	for flag in -Wweft-blocking -Werror=weft-x -Wno-error=weft-y; do
		exits 1 weftcc $flag -c plain.c -o failed.o 2>said && [ ! -f failed.o ] &&
			prints "weftcc: error: unrecognized option '$flag'; docs/diagnostics.md has the names" cat said || return
	done
	weftcc --frame-limit=9 -c async.c -o x.o 2>said && has 'large-frame' said &&
		exits 1 weftcc -Werror=weft-large-frame --frame-limit=9 -c async.c -o x.o 2>said || return
	exits 1 gcc -Wweftcc -c plain.c 2>/dev/null && exits 1 weftcc -Wweftcc -c plain.c 2>/dev/null
}

is_error_said_once_and_by_the_compiler() {
	touch failed.o
	exits 1 weftcc -c broken_async.c -o failed.o 2>said && [ ! -f failed.o ] || { cat said; return 1; }
	[ "$(grep -c error: said)" = 1 ] && has "broken_async.c:7:.*undeclared" said || { cat said; return 1; }
	# clang alone does not take it
	sed 's/defer puts/struct { int all[argc]; } parts; (void)parts; defer puts/' async.c >structure.c
	exits 1 weftcc -w -c structure.c -o failed.o 2>said && has '^structure.c:25:15: error: ' said || { cat said; return 1; }
	sed 's/return/__asm__("bogus"); return/' async.c >assembly.c
	for cc in gcc clang; do
		exits 1 env WEFT_CC=$cc weftcc -c assembly.c -o failed.o 2>said && has 'assembly.c:[0-9]*: .*bogus' said &&
			lacks 'weft_\|__asm__\|\^' said || { cat said; return 1; }
	done
}

is_failure_clean() {
	exits 2 weftcc-translate plain.c -- || return
	exits 1 weftcc -c async.c -o /dev/full 2>said && has 'No space left' said && lacks 'report it' said &&
		[ -c /dev/full ] && leaves_nothing || return
	exits 1 weftcc -v -c nosuch.c 2>said && lacks weftcc-translate said || return
	exits 1 weftcc -c async.c -o nosuch/x.o 2>said && has 'No such file' said || { cat said; return 1; }
	exits 1 weftcc -c nosuch.i 2>said && has "cannot read 'nosuch.i': No such file" said || return
	exits 1 weftcc --emit-c async.c -o /dev/full 2>said && has "cannot write '/dev/full': No space left" said || return
	exits 127 env WEFT_CC=no-such-compiler weftcc -c async.c 2>said && has "cannot run 'no-such-compiler'.*WEFT_CC" said &&
		exits 127 env WEFT_CC=no-such-compiler weftcc -E async.c 2>said && has "cannot run 'no-such-compiler'.*WEFT_CC" said &&
		exits 1 env "WEFT_CC=$build/weftcc" weftcc -c async.c 2>said && has 'weftcc itself' said || { cat said; return 1; }
	TMPDIR=/nosuch exits 1 weftcc async.c -o program 2>said && has 'TMPDIR' said || return
	cp async.c precious.c
	exits 1 weftcc -c precious.c -o precious.c 2>said && cmp async.c precious.c || return
	exits 1 weftcc -Wall -c warnings.c -o x.o 2>/dev/full || return
	# what does not fit is not left half written, and what cannot be opened is not touched
	weftcc -E async.c -o async.i || return
	(trap '' XFSZ; ulimit -f 20; exits 1 weftcc -save-temps -c async.i -o x.o) 2>said && [ ! -f x.i ] &&
		has "cannot write 'x.i': File too large" said && [ "$(wc -l <said)" = 1 ] || { cat said; return 1; }
	cp "$(command -v cat)" busy && mkfifo wait && { ./busy <wait & } && exec 3>wait &&
		exits 1 weftcc --emit-c async.c -o busy 2>said && [ -f busy ] && exec 3>&- && wait || { cat said; return 1; }
}

# What cannot be had is said, and what $CC is asked about its machine leaves nothing open.
is_lack_of_descriptors_told() {
	ln -s "$(command -v gcc)" my-own
	for count in 4 5 6 7 8 9 10 11 12; do
		(ulimit -n $count && exec timeout -s KILL 30 weftcc -c async.c -o x.o) 2>said && break
		has 'no memory for intermediate text\|no socket for intermediate text' said && [ ! -f x.o ] || return
		cat said >>all
	done
	[ -f x.o ] && has 'no memory' all && has 'no socket' all &&
		(ulimit -n $count && WEFT_CC=./my-own exec weftcc -c async.c -o x.o)
}

is_lack_of_memory_told() {
	head -c 9000000 /dev/zero | tr '\0' ' ' >large
	for size in 8 12 16 20 24 28 32 36 40; do
		(ulimit -v ${size}000 && exec weftcc @large) 2>said
		[ $? = 1 ] && has '^weftcc: out of memory$' said && return
	done 2>/dev/null
	fail "neither at this size nor at another"
}

is_signal_ignored_or_blocked_before() {
	env --ignore-signal=CHLD true 2>/dev/null || return 0
	env --ignore-signal=CHLD weftcc async.c -o program && prints "hello, world
bye" ./program && WEFT_CC="env --list-signal-handling gcc" env --block-signal=USR1 weftcc -c async.c 2>said &&
		has '^USR1 .*BLOCK' said && lacks TERM said
}

is_crashed_translator_told() {
	mkdir moved
	cp "$build/weftcc" moved
	exits 1 moved/weftcc "$headers" -c async.c -o x.o 2>said && has 'weftcc-translate is neither' said || { cat said; return 1; }
	printf '#!/bin/sh\necho looked at it >&2\nkill -SEGV $$\n' >moved/weftcc-translate
	chmod +x moved/weftcc-translate
	exits 1 moved/weftcc "$headers" -c async.c -o x.o 2>said && has 'died of signal 11' said && has 'looked at it' said &&
		has 'failed over async.c' said && [ ! -f x.o ] && moved/weftcc -c plain.c || { cat said; return 1; }
	# that has nothing to do
	printf '#!/bin/sh\necho $$ >translator\nexec sleep 60\n' >moved/weftcc-translate
	sed '$a#include "nosuch.h"' async.c >lost.c
	exits 1 moved/weftcc "$headers" -c lost.c 2>said && ! kill -0 "$(cat translator)" 2>/dev/null || return
	printf '#!/bin/sh\ncat >/dev/null\necho "int x = ;"\n' >moved/weftcc-translate
	exits 1 moved/weftcc "$headers" -c async.c 2>said && has 'what it was translated to is not' said || return
	# what the first source became is not left behind when the second cannot be translated
	cp "$build/weftcc-translate" moved
	printf '#!/bin/sh\ncase "$*" in *cpp-output*) chmod -x moved/weftcc-translate ;; esac\nexec gcc "$@"\n' >hostile
	chmod +x hostile
	WEFT_CC=./hostile exits 127 moved/weftcc "$headers" -DPART async.c part.c plain_part.c 2>said && leaves_nothing || { cat said; return 1; }
	# nothing that was started goes on: who has the pipe is alive
	printf 'int pause(void);\nint main(int n, char **v) { return n > 2 && v ? pause() : 0; }\n' >slow.c
	gcc slow.c -o slow && chmod -x moved/weftcc-translate || return
	{ WEFT_CC=./slow exits 127 moved/weftcc -c async.c 8>&1 2>said; } | timeout -s KILL 20 cat && has "cannot run '.*moved/weftcc-translate'" said
}

is_killed_compiler_told() {
	printf '#!/bin/sh\ncase "$*" in *cpp-output*) echo partial >x.o; kill -9 $$ ;; esac\nexec gcc "$@"\n' >fragile
	chmod +x fragile
	exits 137 env WEFT_CC=./fragile weftcc -c async.c -o x.o 2>said && has 'was killed.*memory' said && [ ! -f x.o ]
}

# Waits for what others do, but not for ever.
comes_true() {
	tries=0
	until eval "$1"; do
		tries=$((tries + 1))
		[ $tries -lt 10000000 ] || return
	done
}

# gcc is started before there is a text to compile, and must not be noticed where there never is one.
is_compiler_that_waits_unseen() {
	weftcc -c -g async.c -o x.o 2>/dev/null && cp x.o early.o && weftcc -v -c -g async.c -o x.o 2>/dev/null &&
		cmp x.o early.o || return
	echo 'const char *word(void) { return "_Await"; }' >word.c
	weftcc -c word.c -o x.o && gcc -c word.c -o expected.o && cmp x.o expected.o || return
	echo precious >target
	ln -s target link.o
	exits 1 weftcc -c broken_async.c -o link.o 2>said && prints precious cat target || return
	mkdir moved
	cp "$build/weftcc" moved
	printf '#!/bin/sh\nmkfifo never; read -r line <never\n' >moved/weftcc-translate
	cat >tells <<-'END'
	#!/bin/sh
	case "$*" in *cpp-output*) touch started ;; esac
	gcc "$@"
	status=$?
	case "$*" in *cpp-output*) echo $status >ended ;; esac
	exit $status
	END
	chmod +x moved/weftcc-translate tells
	for signal in KILL TERM; do
		rm -f never started ended
		WEFT_CC=./tells moved/weftcc "$headers" -c async.c -o x.o 2>/dev/null &
		weftcc=$!
		comes_true '[ -p never ] && [ -f started ]'
		kill -$signal $weftcc
		wait $weftcc 2>/dev/null
		comes_true '[ -s ended ]'
		: <>never # ends the translator, if it has not
		prints 1 cat ended && [ ! -f x.o ] || return
	done
}

# interrupts SIGNAL STATUS: a signal ends weftcc and what it has started, and nothing is left.
interrupts() {
	rm -f started ended never alive
	mkfifo alive
	exec 3<>alive 4<alive
	WEFT_CC=./slow weftcc async.c -o program 3>&- 4<&- 5>alive &
	weftcc=$!
	exec 3>&-
	until [ -f started ]; do :; done
	kill "-$1" $weftcc
	wait $weftcc
	[ $? = "$2" ] && leaves_nothing && [ ! -f program ] && timeout -s KILL 20 cat <&4 || return
	exec 4<&-
	[ ! -f ended ]
}

is_interruption_clean() {
	cat >slow <<-'END'
	#!/bin/sh
	case "$*" in
	*cpp-output*) touch started; mkfifo never; read -r line <never; touch ended ;;
	esac
	exec gcc "$@"
	END
	chmod +x slow
	interrupts TERM 143 && interrupts HUP 129
}

# ---- WEFT_CC, wrapping, builds ----------------------------------------------------------------------

is_compiler_found_without_being_named() {
	env -u WEFT_CC weftcc -c async.c -o x.o && [ -f x.o ] && mkdir bin || return
	for cc in gcc cc; do
		printf '#!/bin/sh\necho %s\n' $cc >bin/$cc
		chmod +x bin/$cc
		prints $cc env -u WEFT_CC "PATH=$PWD/bin" "$build/weftcc" -v || return
	done
}

is_compiler_of_several_words() {
	printf '#!/bin/sh\necho "$*" >>log\nexec "$@"\n' >launcher
	chmod +x launcher
	WEFT_CC="./launcher gcc -O1" weftcc async.c -o program && prints "hello, world
bye" ./program && has 'gcc -O1 .*-E' log && has 'gcc -O1.*cpp-output' log || return
	rm log && weftcc --wrap ./launcher gcc -O1 -c plain.c -o plain.o && has '^gcc -O1 .*-c plain.c' log && gcc -O1 -c plain.c -o expected.o && cmp plain.o expected.o
}

# What follows the compiler in WEFT_CC is an argument like others: each pass and libclang has what it needs.
is_flag_behind_compiler_an_argument() {
	gcc -E -dM - </dev/null | sed -n 's/^#define __SIZEOF_LONG__ /-DLONG_BYTES=/p' >size
	for flags in "-std=gnu99 -Wall -Werror -fPIC" "-funsigned-char -DUNSIGNED" "-fpack-struct -DPACKED"; do
		WEFT_CC="nice -n 1 gcc $flags" weftcc "$(cat size)" -w -c machine.c || fail "$flags" || return
	done
	WEFT_CC="gcc -fPIC" weftcc -v "$(cat size)" -w -c machine.c 2>&1 | grep -q -e --interposable &&
		same -funsigned-char -c plain.c -o out/plain.o || return
	printf '#!/bin/sh\necho "$*" >>log\nexec gcc "$@"\n' >my-own-gcc
	chmod +x my-own-gcc
	WEFT_CC=./my-own-gcc weftcc "$(cat size)" -c machine.c && has '^-dumpmachine' log || return
	sed 's/^exec.*/[ "$*" != -dumpmachine ] \&\& &/' my-own-gcc >silent && chmod +x silent &&
		WEFT_CC=./silent weftcc "$(cat size)" -c machine.c || return
	# what is in /usr is of this machine and not asked
	mkdir bin && rm log && sed "s,exec gcc,exec $(command -v gcc)," my-own-gcc >bin/gcc && chmod +x bin/gcc &&
		PATH=/usr/..$PWD/bin:$PATH weftcc "$(cat size)" -c machine.c && has machine.c log && lacks '^-dumpmachine' log
}

# A machine of other sizes, alignments and sign of char: libclang must see them as the compiler does.
is_other_machine_compiled_for() {
	command -v clang >/dev/null || return 0
	for machine in aarch64 arm armeb i686 mips mips64el powerpc64le riscv32 riscv64 s390x thumbv7m; do
		cc="clang --target=$machine-linux-gnu -ffreestanding"
		$cc -E -dM -x c /dev/null 2>/dev/null | sed -n 's/^#define __SIZEOF_LONG__ /-DLONG_BYTES=/p
			s/^#define __CHAR_UNSIGNED__ 1/-DUNSIGNED/p' >flags
		[ $machine != i686 ] || echo -DALIGNED_TO_4 >>flags
		[ -s flags ] || continue # not in this clang
		# shellcheck disable=SC2046 # flags are words
		WEFT_CC=$cc weftcc $(cat flags) -S machine.c -o $machine.s && has thrice__poll $machine.s || fail "$cc" || return
		exits 1 env WEFT_CC="$cc" weftcc $(cat flags) -DMIXED -fpack-struct -DPACKED -S machine.c -o x.s 2>said &&
			has 'W024' said && lacks 'packed' said || return
	done
	for machine in "$(uname -m)" s390x; do
		printf '#!/bin/sh\ncase $* in -dumpmachine) echo %s-linux ;; *) echo "$*" >log ;; esac\n' "$machine" >recorder
		chmod +x recorder
		WEFT_CC=./recorder weftcc plain.o -lweft || return
		case $machine in s390x) lacks "$build" log ;; *) has "-L$build" log ;; esac || return
	done
}

is_ccache_around_us() {
	command -v ccache >/dev/null || return 0
	export CCACHE_DIR="$work/ccache"
	ccache -z >/dev/null
	ccache weftcc -g -c async.c -o one.o && ccache weftcc -g -c async.c -o two.o && cmp one.o two.o || return
	ccache -s | grep -qi 'hits: *1 ' || fail "$(ccache -s)" || return
	WEFT_CC="ccache gcc" weftcc -g -c async.c -o three.o && cmp one.o three.o
}

is_make_project_built() {
	printf 'CC = weftcc\nCFLAGS = -O1 -g -Wall -MMD -DPART\nLDLIBS = -lweft\nasync: async.o part.o plain_part.o\n-include *.d\n' >Makefile
	make -s && prints "hello, part
bye" ./async && [ -f part.d ] && prints "make: 'async' is up to date." make && touch part.h && make -n >again &&
		has part.c again && lacks plain_part.c again
}

is_configure_script_satisfied() {
	sh "$here/configure" CC=weftcc >weftcc.log && sh "$here/configure" CC=gcc >gcc.log && diff gcc.log weftcc.log
}

is_cmake_project_with_our_compiler() {
	cmake -S "$here/cmake_compiler" -B built -G Ninja -DCMAKE_C_COMPILER=weftcc -DSOURCES="$PWD" >log 2>&1 &&
		cmake --build built >>log 2>&1 || { cat log; return 1; }
	prints "hello, part
bye" built/program && has 'C compiler identification is GNU' log
}

is_cmake_function_for_a_target() {
	for generator in Ninja "Unix Makefiles"; do
		rm -rf built
		cmake -S "$here/cmake_function" -B built -G "$generator" "-Dweft_DIR=$build" -DSOURCES="$PWD" >log 2>&1 &&
			cmake --build built >>log 2>&1 || { cat log; return 1; }
		prints "hello, part
bye" built/program || return
		sleep_until_newer part.h built/program
		cmake --build built >log 2>&1 && has 'part.c' log && lacks 'plain_part.c' log || return
	done
}

# sleep_until_newer FILE OTHER: touches FILE until it is newer.
sleep_until_newer() {
	until [ "$1" -nt "$2" ]; do touch "$1"; done
}

# ---- --emit-c, weft ---------------------------------------------------------------------------------

# A test mode that tests nothing would agree with everything; id() is what most of the corpus calls.
is_every_call_awaited_by_asyncify() {
	weftcc --asyncify -w -include weft.h --emit-c "$root/tests/compiler/corpus/tour.c" -o tour.c || return
	[ "$(grep -c '__poll(void .weft_frame, struct weft_context .weft_cx) {' tour.c)" -ge 18 ] &&
		[ "$(grep -o 'weft_f->args.base.at = [0-9]' tour.c | wc -l)" -ge 150 ] || return
	for file in $(grep -l '^static int id(int x)' "$root"/tests/compiler/corpus/*.c); do
		weftcc --asyncify -w -include weft.h --emit-c "$file" -o id.c &&
			grep -q "^static const struct weft_async id__async = {" id.c ||
			fail "$file: id() stays plain" || return
	done
}

is_generated_source_compiled_by_gcc() {
	mkdir out
	weftcc --emit-c async.c -O1 -o out/async.c -MD && lacks '^# [0-9]' out/async.c && has '^#line' out/async.c &&
		has '^out/async.c: async.c' out/async.d && gcc -w -O1 "$headers" out/async.c "-L$build" "-Wl,-rpath,$build" -lweft -o program &&
		prints "hello, world
bye" ./program && gcc -pedantic-errors -fsyntax-only -w "$headers" out/async.c && weftcc --emit-c async.c -O1 | cmp - out/async.c || return
	weftcc --emit-c -DPART async.c -o out/part.c && gcc -w -c -DPART -I. "$headers" out/part.c -o out/part.o || return
	exits 2 weftcc --emit-c 2>/dev/null && exits 2 weftcc --emit-c async.c part.c 2>/dev/null
	weftcc --emit-c plain.c -o out/plain.c && gcc -w -c out/plain.c -o out/plain.o || return
	sed 's/async int main/static async int in_header/' async.c >in_header.h
	printf '#include "in_header.h"\nasync int main(int n, char **v) { return await in_header(n, v); }\n' >uses.c
	weftcc --emit-c uses.c -o out/uses.c 2>said && has 'uses.c: a header has something to translate' said &&
		gcc -w out/uses.c "-L$build" "-Wl,-rpath,$build" -lweft -o program && prints "hello, world
bye" ./program
}

# The last of the flags that contradict each other counts, as for gcc; not all of them are gcc's.
is_translator_told() {
	while read -r answer word flags; do
		# shellcheck disable=SC2086 # flags are words
		weftcc -v $flags -fsyntax-only async.c 2>words
		case $(grep -c -e "weftcc-translate.* $word" words) in 0) said=no ;; *) said=yes ;; esac
		[ $said = "$answer" ] || fail "$word: $said: $flags" || return
	done <<-END
		yes --interposable -fPIC
		yes --interposable -fno-pic -fpic
		yes --interposable -fPIC -fno-semantic-interposition -fsemantic-interposition
		yes --interposable -fPIC -fvisibility=hidden -fvisibility=default
		no --interposable -fPIC -fno-semantic-interposition
		no --interposable -fPIC -fvisibility=internal
		no --interposable -fPIC -fPIE
		no --interposable -fPIC -fno-pic
		yes --sanitize-address -fsanitize=undefined,address
		no --sanitize-address -fsanitize=address -fno-sanitize=undefined,address
		no --sanitize-address -fsanitize=address -fno-sanitize=all
		yes --sanitize-memory -DWEFT_VALGRIND
		yes --sanitize-memory -D WEFT_VALGRIND=1
		no --sanitize- -fsanitize=undefined
		yes --count-lines -ftest-coverage
		yes --color -fdiagnostics-color
		no --color -fdiagnostics-color -fdiagnostics-color=never
		no --color -fdiagnostics-color -fno-diagnostics-color
		no --color -fdiagnostics-color -fdiagnostics-color=auto
	END
}

is_program_run_by_weft() {
	prints "hello, you
bye" weft run async.c you && leaves_nothing || return
	printf '#include <stdlib.h>\nint main(int c, char **v) { return c > 1 ? atoi(v[1]) : 0; }\n' >status.c
	exits 0 weft run status.c && exits 42 weft run -O1 status.c 42 && exits 1 weft run broken_async.c 2>said && has error: said || return
	printf '#include <stdlib.h>\nint main(void) { abort(); }\n' >aborts.c
	exits 134 weft run aborts.c 2>/dev/null && leaves_nothing
}

is_signal_passed_on_by_weft() {
	mkfifo ready
	weft run signals.c ready 2>said &
	weft=$!
	read -r line <ready
	kill -TERM $weft
	wait $weft
	[ $? = 15 ] && leaves_nothing || { cat said; return 1; }
}

is_expansion_shown_by_weft() {
	weft expand async.c greet >shown && has 'greet__poll' shown && lacks 'main__poll' shown && lacks '^# ' shown || return
	weft expand async.c >shown && has 'main__poll' shown && lacks 'weft_task_join' shown && lacks '__extension__ typedef' shown || return
	PATH=$build:/nosuch weft expand async.c greet 2>&1 | grep -q . || fail "without clang-format" || return
	exits 1 weft expand async.c nosuch 2>said && has "no async function 'nosuch'" said
}

is_wrong_use_explained() {
	exits 2 weft 2>said && has 'usage: weft' said && exits 2 weft dance 2>said && has "no command 'dance'" said &&
		exits 2 weft run 2>said && has 'usage: weft run' said && exits 2 weft expand 2>said && exits 2 weft expand a b c 2>said &&
		weft --help >said && has 'weft expand' said && exits 1 weft run nosuch.c 2>said && has 'No such file' said
}

for name in $(sed -n 's/^is_\([a-z_0-9]*\)() {$/\1/p' "$here/test_driver.sh"); do
	try "$name"
done
checks_end
