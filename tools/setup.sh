#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/setup.sh [build|test|tidy|bench]: installs what tools/packages.txt lists for the purpose and
# this machine lacks, and says so. It fails only if the build itself is impossible: the tests skip,
# and name, what they cannot run.
# shellcheck disable=SC2086,SC2116 # lists of packages and wildcards are meant to be split
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-build}

# missing PURPOSE: prints its packages that are not there.
missing() {
	while read -r package its_purpose probe _; do
		case $its_purpose in
		"$1" | "$1-$(uname -m)") ;;
		*) continue ;;
		esac
		case $probe in
		/*) ls $probe >/dev/null 2>&1 || echo "$package" ;;
		*) command -v "$probe" >/dev/null || echo "$package" ;;
		esac
	done <tools/packages.txt
}

# give_up REASON: what cannot be installed is named, with the command that would do it.
give_up() {
	echo "setup: $1. Please install:" $packages
	echo "setup: on Debian, as root: apt-get install $packages"
	[ -z "$(missing build)" ] || exit 1
	echo "setup: going on; what needs them is skipped"
	exit 0
}

packages=$(missing build)
[ "$purpose" = build ] || packages="$packages $(missing "$purpose")"
packages=$(echo $packages) # one line
[ -n "$packages" ] || exit 0

echo "setup: missing for '$purpose': $packages"
command -v apt-get >/dev/null || give_up "this system has no apt-get"
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || give_up "installing takes root, and there is no sudo"
	sudo="sudo "
fi
apt="${sudo}env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# install PACKAGE...
install() {
	$apt install --no-install-recommends "$@" >"$log" 2>&1
}

echo "setup: ${sudo}apt-get update"
$apt update >"$log" 2>&1 || echo "setup: no fresh package lists: $(tail -n 1 "$log")"
echo "setup: ${sudo}apt-get install --no-install-recommends $packages"
if ! install $packages; then
	# One that does not exist here must not keep the others away.
	for package in $packages; do
		install "$package" || failed="${failed:-} $package"
	done
	packages=${failed:-}
	[ -z "$packages" ] || give_up "apt-get could not install$packages ($(tail -n 1 "$log"))"
fi
echo "setup: done"
