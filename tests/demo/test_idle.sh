#!/bin/sh
# SPDX-License-Identifier: MIT
# test_idle.sh DIRECTORY: bench/idle over several processes, with few connections.
set -u
command -v python3 >/dev/null || exit 77
said=$(timeout -s KILL 100 "$(dirname "$0")/../../bench/idle" --built "$1" --connections 130 --per-process 50 \
	--peers epoll,weft-epoll 2>&1) || { echo "$said"; exit 1; }
for line in '130 connections, .* 3 server' 'weft-epoll: [0-9]+ of 130' 'epoll +[0-9,-]+ +[0-9.]+ s' \
	'weft-epoll +[0-9,-]+ +[0-9.]+ s'; do
	echo "$said" | grep -Eq "^$line" || { echo "no line '$line' in: $said"; exit 1; }
done
# A server that does not serve fails the run.
bad=$(mktemp -d)
trap 'rm -rf "$bad"' EXIT
ln -s "$1/load" "$bad/load"
printf '#!/bin/sh\nexit 3\n' >"$bad/echo_epoll"
chmod +x "$bad/echo_epoll"
"$(dirname "$0")/../../bench/idle" --built "$bad" --connections 10 --peers epoll >/dev/null 2>&1 &&
	{ echo "a server that ends is not told"; exit 1; }
exit 0
