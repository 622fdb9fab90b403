#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/test.sh [CONFIGURATION...]: builds and tests the configurations of the list at the end, or those
# named, each in build/matrix/NAME; `-l` lists them. The last line counts all tests.
# To look closer at one: ctest --test-dir build/matrix/NAME -R test_name --output-on-failure
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh

jobs=$(nproc)
passed=0 failed=0 skipped=0 # in all configurations
name=                       # the configuration that runs
dir=
start=0

# add PASSED FAILED SKIPPED: books the result of the running configuration, and says it.
add() {
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	printf '%-16s %5d passed, %d failed, %d skipped  (%d s)\n' "$name" "$1" "$2" "$3" $((SECONDS - start))
}

broken() {
	echo "$name: $1"
	tail -n 60 "$2"
	add 0 1 0
}

without() {
	echo "$name: $1"
	add 0 0 1
}

# configuration TARGETS LABELS CMAKE_ARGUMENT...: builds the targets, runs the tests so labelled.
configuration() {
	local targets=$1 labels=$2 counts
	shift 2
	mkdir -p "$dir"
	cmake -G Ninja -S . -B "$dir" "$@" >"$dir/configure.log" 2>&1 ||
		{ broken "cmake failed" "$dir/configure.log"; return; }
	# shellcheck disable=SC2086
	cmake --build "$dir" -j "$jobs" --target $targets >"$dir/build.log" 2>&1 ||
		{ broken "the build failed" "$dir/build.log"; return; }
	grep -B1 -A6 'warning:' "$dir/build.log" | head -n 60
	rm -f "$dir/Testing/Temporary/LastTest.log"
	ctest --test-dir "$dir" -j "$jobs" -L "$labels" ${exclude:+-E "$exclude"} --output-on-failure \
		>"$dir/test.log" 2>&1 ||
		grep -Ev '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test .* (Passed|\*\*\*Skipped) )' "$dir/test.log"
	[ -f "$dir/Testing/Temporary/LastTest.log" ] || { broken "ctest failed" "$dir/test.log"; return; }
	counts=$(awk -f tools/count.awk "$dir/Testing/Temporary/LastTest.log")
	# shellcheck disable=SC2086
	add $counts
}

# script COMMAND...: runs a script of checks.
script() {
	mkdir -p "$dir"
	"$@" >"$dir/test.log" 2>&1 || grep -v '^# ' "$dir/test.log"
	grep -q '^# ' "$dir/test.log" || { broken "$1 died" "$dir/test.log"; return; }
	# shellcheck disable=SC2046
	add $(awk -f tools/count.awk "$dir/test.log")
}

# runs_with COMPILER FLAG...: whether what the compiler makes with the flags also runs.
runs_with() {
	echo 'int main(void) { return 0; }' >"$checks_log.c"
	"$@" "$checks_log.c" -o "$checks_log.out" 2>/dev/null && "$checks_log.out" >/dev/null 2>&1
	local result=$?
	rm -f "$checks_log.c" "$checks_log.out"
	return $result
}

all='stepped|sim|real'
once='|once|model' # the same in every configuration; of these the interleaving search takes longest
weftcc='|compiler' # weftcc is no part of the library that the others configure
ours='-DWEFT_BUILD_TESTS=ON'

run_gcc-release() {
	configuration "all tests" "$all$once$weftcc" $ours -DCMAKE_C_COMPILER=gcc -DWEFT_WERROR=ON
}

run_gcc-asan() {
	runs_with gcc -fsanitize=address,undefined || { without "gcc has no address sanitizer here"; return; }
	configuration tests "$all" $ours -DCMAKE_C_COMPILER=gcc -DWEFT_SANITIZE=address -DWEFT_CHECKED=ON \
		-DWEFT_TEST_SLOWDOWN=3
}

run_clang-tsan() {
	local launcher=
	have clang || { without "no clang"; return; }
	if ! runs_with clang -fsanitize=thread; then
		# Its shadow memory does not fit every layout that a kernel may choose at random.
		launcher="setarch;-R"
		setarch -R true 2>/dev/null || { without "clang's thread sanitizer does not run here"; return; }
	fi
	# The interleaving search has one thread: nothing to see here.
	configuration tests "$all" $ours -DCMAKE_C_COMPILER=clang -DWEFT_SANITIZE=thread \
		"-DWEFT_TEST_LAUNCHER=$launcher" -DWEFT_TEST_SLOWDOWN=5
}

run_gcc-small() {
	configuration tests "$all" $ours -DCMAKE_C_COMPILER=gcc -DWEFT_CHECKED=ON -DWEFT_TEST_SMALL=ON
}

run_clang-release() {
	have clang || { without "no clang"; return; }
	configuration "all tests" "$all" $ours -DCMAKE_C_COMPILER=clang -DWEFT_WERROR=ON
}

run_valgrind() {
	have valgrind || { without "no valgrind"; return; }
	# valgrind does not follow what the kernel writes into a ring; the others have threads that spin
	exclude='\.uring$|^test_source$' \
	configuration tests 'stepped|real' $ours -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug \
		-DWEFT_URING=OFF \
		"-DWEFT_TEST_LAUNCHER=valgrind;--quiet;--error-exitcode=99;--leak-check=full;--errors-for-leak-kinds=definite,indirect;--child-silent-after-fork=yes;--fair-sched=yes" \
		-DWEFT_TEST_SLOWDOWN=4
}

run_gcc-32() {
	runs_with gcc -m32 || { without "gcc -m32 does not work here"; return; }
	configuration tests "$all" $ours -DCMAKE_C_COMPILER=gcc -DCMAKE_C_FLAGS=-m32 -DWEFT_URING=OFF
}

# The amalgamation alone is the library, so every static name must be unique.
run_amalgamation() {
	script tools/amalgamation.sh
}

run_headers() {
	script tools/headers.sh
}

# What follows looks at what gcc-release has built.
run_install() {
	release_is_built && script tools/install_test.sh build/matrix/gcc-release
}

run_snippets() {
	release_is_built && script tools/snippets.sh build/matrix/gcc-release
}

release_is_built() {
	local release=build/matrix/gcc-release
	mkdir -p "$dir"
	[ -f $release/libweft.so ] && return
	{ cmake -G Ninja -S . -B $release $ours -DCMAKE_C_COMPILER=gcc -DWEFT_WERROR=ON &&
		cmake --build $release -j "$jobs"; } >"$dir/build.log" 2>&1 && return
	broken "the build failed" "$dir/build.log"
	return 1
}

# weftcc with another libclang than the one that gcc-release has found, if there is one: its headers serve.
run_other-libclang() {
	local cache=build/matrix/gcc-release/CMakeCache.txt include used other
	release_is_built || return
	include=$(sed -n 's/^LIBCLANG_INCLUDE_DIR:[A-Z]*=//p' $cache)
	used=$(readlink -f "$(sed -n 's/^LIBCLANG_LIBRARY:[A-Z]*=//p' $cache)")
	other=$(for library in /usr/lib/*/libclang-[0-9]*.so.[0-9]*; do readlink -f "$library"; done |
		grep -vxF "$used" | sort -V | tail -n 1)
	[ -f "$used" ] && [ -f "$other" ] || { without "there are no two versions of libclang here"; return; }
	exclude='csmith|broken|^weftcc_|^example_' \
	configuration "libweft.so weftcc weft_cli test_edits" compiler $ours -DCMAKE_C_COMPILER=gcc \
		"-DLIBCLANG_INCLUDE_DIR=$include" "-DLIBCLANG_LIBRARY=$other"
}

run_tidy() {
	[ -e .git ] || { without "not a git work tree"; return; }
	script tools/tidy.sh --quick
}

configurations="gcc-release headers amalgamation tidy install snippets gcc-asan gcc-small"
configurations="$configurations gcc-32 clang-release other-libclang clang-tsan valgrind"

[ "${1:-}" != -l ] || { echo "$configurations" | tr ' ' '\n'; exit; }
[ $# = 0 ] || configurations=$*
for name in $configurations; do
	declare -F "run_$name" >/dev/null || { echo "test: no configuration $name; -l lists them"; exit 1; }
done
for name in $configurations; do
	dir=build/matrix/$name
	start=$SECONDS
	"run_$name"
done
if [ $skipped = 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ $failed = 0 ]
