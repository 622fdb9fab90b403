# SPDX-License-Identifier: MIT
# tools/checks.sh, to be sourced: a script of checks runs each by `check NAME COMMAND...`, which
# shows the command's output only if it fails, and ends with `checks_end`.
# shellcheck shell=sh
checks_passed=0
checks_failed=0
checks_skipped=0
checks_log=$(mktemp)
trap 'rm -f "$checks_log"' EXIT

check() {
	checks_name=$1
	shift
	if "$@" >"$checks_log" 2>&1; then
		checks_passed=$((checks_passed + 1))
		return
	fi
	checks_failed=$((checks_failed + 1))
	echo "FAILED $checks_name"
	sed 's/^/    /' "$checks_log"
}

# skip NAME REASON
skip() {
	checks_skipped=$((checks_skipped + 1))
	echo "skipped $1: $2"
}

have() {
	command -v "$1" >/dev/null
}

checks_end() {
	echo "# $checks_passed passed, $checks_failed failed, $checks_skipped skipped"
	[ "$checks_failed" = 0 ]
}

# files PATHSPEC...: the project's files, those not yet committed among them.
files() {
	git ls-files --cached --others --exclude-standard --deduplicate -- "$@" |
		while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}
