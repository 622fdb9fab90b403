#!/bin/sh
# SPDX-License-Identifier: MIT
# bench/setup.sh: installs the Debian packages of the peers and of the measuring tools that this
# machine lacks, and says so. It never fails: bench/run skips, and names, what cannot be built.
set -u

missing=
# want PACKAGE PROBE: a probe is a command or a file.
want() {
	case $2 in
	/*) [ -e "$2" ] && return ;;
	*) command -v "$2" >/dev/null && return ;;
	esac
	missing="$missing $1"
}

want python3 python3
want libuv1-dev /usr/include/uv.h
want cargo /usr/bin/cargo
want rustc /usr/bin/rustc
want librust-tokio-dev /usr/share/doc/librust-tokio-dev
want librust-libc-dev /usr/share/doc/librust-libc-dev
want librust-futures-util-dev /usr/share/doc/librust-futures-util-dev
want golang-go /usr/bin/go
want g++ g++
want libboost-dev /usr/include/boost/asio/awaitable.hpp
want valgrind valgrind
want strace strace
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300"
echo "setup: apt-get update"
$apt update >/dev/null 2>&1 || echo "setup: no fresh package lists"
for package in $missing; do
	# One by one, so that one that does not exist here leaves the others alone.
	echo "setup: apt-get install --no-install-recommends $package"
	$apt install --no-install-recommends "$package" >/dev/null 2>&1 ||
		echo "setup: cannot install $package"
done
