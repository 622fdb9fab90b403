#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/install_test.sh BUILD: installs below BUILD/stage and builds a program against the result, by
# pkg-config with the shared and the static library, and by the CMake package.
set -u
cd "$(dirname "$0")/.." || exit
. tools/checks.sh
build=$(cd "${1:-build}" && pwd)
stage=$build/stage
rm -rf "$stage"
mkdir -p "$stage/consumer"

install_staged() {
	DESTDIR=$stage cmake --install "$build"
}

cat >"$stage/consumer/main.c" <<'END'
#include <weft.h>

int main(void)
{
	return 0;
}
END
cat >"$stage/consumer/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(weft 0.1 REQUIRED)
foreach(library weft static core)
	add_executable(with_${library} main.c)
	target_link_libraries(with_${library} weft::${library})
	add_test(NAME with_${library} COMMAND with_${library})
endforeach()
END

# links pkg-config's answer; the arguments go to pkg-config.
links_by_pkg_config() {
	pc=$(find "$stage" -name weft.pc)
	[ -n "$pc" ] || return 1
	export PKG_CONFIG_PATH="${pc%/*}"
	# shellcheck disable=SC2046
	gcc "$stage/consumer/main.c" -o "$stage/consumer/main" $(pkg-config --cflags "$@" --libs weft) || return 1
	LD_LIBRARY_PATH=${pc%/pkgconfig/*} "$stage/consumer/main"
}

links_statically() {
	find "$stage" -name 'libweft.so*' -exec rm {} +
	links_by_pkg_config --static
}

links_by_cmake() {
	package=$(find "$stage" -name weft-config.cmake)
	cmake -G Ninja -S "$stage/consumer" -B "$stage/consumer/build" -Dweft_DIR="${package%/*}" &&
		cmake --build "$stage/consumer/build" &&
		"$stage/consumer/build/with_weft" && "$stage/consumer/build/with_static"
}

# The stage may be anywhere, so what is installed must find the rest from where it is.
compiles_async() {
	weftcc=$(find "$stage" -name weftcc)
	printf '%s\n' '#include <weft.h>' '#include <weft/async.h>' \
		'async int main(void) { weft_try(await weft_yield()); return 7; }' >"$stage/consumer/async.c"
	"$weftcc" "$stage/consumer/async.c" -o "$stage/consumer/async" || return 1
	"$stage/consumer/async"
	[ $? = 7 ] && "${weftcc%cc}" run "$stage/consumer/async.c"
	[ $? = 7 ]
}

compiles_async_by_cmake() {
	package=$(find "$stage" -name weft-config.cmake)
	mkdir -p "$stage/consumer/async_project"
	cat >"$stage/consumer/async_project/CMakeLists.txt" <<-'END'
	cmake_minimum_required(VERSION 3.25)
	project(consumer C)
	find_package(weft 0.1 REQUIRED)
	add_executable(program)
	weft_async_sources(program ../async.c)
	target_link_libraries(program weft::weft)
	END
	cmake -G Ninja -S "$stage/consumer/async_project" -B "$stage/consumer/async_build" \
		-Dweft_DIR="${package%/*}" && cmake --build "$stage/consumer/async_build" || return 1
	"$stage/consumer/async_build/program"
	[ $? = 7 ]
}

# The rule of docs/compiling.md, with the weftcc that pkg-config names: the generated source goes to gcc.
compiles_async_by_make() {
	pc=$(find "$stage" -name weft.pc)
	prefix=${pc%/*/pkgconfig/weft.pc}
	weftcc=$(PKG_CONFIG_PATH=${pc%/*} pkg-config "--define-variable=prefix=$prefix" --variable=weftcc weft)
	rm -rf "$stage/consumer/make"
	mkdir "$stage/consumer/make"
	cp "$stage/consumer/async.c" "$stage/consumer/make"
	{
		echo "CPPFLAGS = -I$prefix/include"
		echo "LDLIBS = -L${pc%/pkgconfig/*} -lweft"
		awk '/^```make$/ { inside = 1; next } /^```/ { inside = 0 } inside' docs/compiling.md |
			sed "s,^\tweftcc,\t$weftcc,; s,\$(CC) \$(CFLAGS),& \$(CPPFLAGS),"
		printf 'async: async.o\n'
	} >"$stage/consumer/make/Makefile"
	make -C "$stage/consumer/make" CC=gcc async || return 1
	LD_LIBRARY_PATH=${pc%/pkgconfig/*} "$stage/consumer/make/async"
	[ $? = 7 ]
}

# exports_only_weft: the map hides everything that is not weft_<noun>_<verb>.
exports_only_weft() {
	nm -D --defined-only --format=posix "$build/libweft.so" | awk '
	$2 != "A" { sub(/@.*/, "", $1) }
	$2 != "A" && $1 !~ /^weft_[a-z]/ { print "exported: " $1; bad = 1 }
	END { exit bad }'
}

has_soname() {
	readelf -d "$build/libweft.so" | grep -q 'SONAME.*\[libweft\.so\.0\]'
}

check "soname" has_soname
check "exports" exports_only_weft
check "install" install_staged
check "consumer by CMake" links_by_cmake
if [ -x "$build/weftcc" ]; then
	check "consumer by weftcc" compiles_async
	check "consumer by weftcc and CMake" compiles_async_by_cmake
	check "consumer by weftcc and make" compiles_async_by_make
else
	skip "consumer by weftcc" "no weftcc"
fi
check "consumer by pkg-config" links_by_pkg_config
check "consumer by pkg-config, static" links_statically
checks_end
