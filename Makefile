# SPDX-License-Identifier: MIT
# The commands of this project. CMakeLists.txt holds the build, tools/ the rest.
PORT ?= 50000
PREFIX = /usr/local
DESTDIR =

# A tree that was moved or copied is configured anew.
$(shell test -f build/CMakeCache.txt && ! test . -ef \
	"$$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' build/CMakeCache.txt)" && \
	rm -f build/CMakeCache.txt build/build.ninja)

# The matrix of `make test` has build directories of its own, below build/matrix.
CONFIGURE = cmake -G Ninja -S . -B build
BUILD = cmake --build build

all: build/build.ninja
	@$(BUILD)

# Serves until it is interrupted.
run: build/build.ninja
	@$(BUILD) --target example_echo
	@exec build/examples/echo $(PORT)

# Every configuration, about a quarter of an hour. `make check` is the first of them alone.
test:
	@tools/setup.sh test
	@tools/test.sh

check:
	@tools/setup.sh test
	@tools/test.sh gcc-release

tidy: build/build.ninja
	@tools/setup.sh tidy
	@tools/tidy.sh

bench: build/build.ninja
	@bench/setup.sh
	@bench/run

# Threads beside tasks, in a table; the first time it builds Tokio's side.
demo: build/build.ninja
	@bench/setup.sh
	@bench/demo

# Idle connections, as many as half of the memory holds.
bench-idle: build/build.ninja
	@bench/setup.sh
	@bench/idle

install: build/build.ninja
	@$(CONFIGURE) -DCMAKE_INSTALL_PREFIX="$(PREFIX)" >/dev/null
	@$(BUILD)
	@DESTDIR="$(DESTDIR)" cmake --install build

clean:
	rm -rf build compile_commands.json

setup:
	@tools/setup.sh build

build/build.ninja: | setup
	@$(CONFIGURE) >build.log 2>&1 || { cat build.log; rm build.log; exit 1; }
	@rm build.log
	@ln -sf build/compile_commands.json .

.PHONY: all run test check tidy bench bench-idle demo install clean setup
