#!/bin/sh
# SPDX-License-Identifier: MIT
# test_demo.sh DIRECTORY: the programs of bench/switch, which end with an error unless every task has done
# its work, and the table of `make demo`, with few tasks and turns (row S3-5).
set -u
programs=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
failed=0

broken() {
	echo "broken: $*"
	failed=1
}

# says PATTERN PROGRAM ARGUMENT...: whether all that it prints fits the pattern.
says() {
	pattern=$1
	program=$2
	shift 2
	said=$(timeout -s KILL 60 "$programs/$program" "$@" 2>&1) || broken "$program $*: $said"
	echo "$said" | tr '\n' ' ' | grep -Eq "^$pattern\$" || broken "$program $* said: $said"
}

time='[0-9.]+(ns|us|ms|s)'
for program in thread_brigade one_thread_brigade async_brigade async_mem_brigade; do
	says "7 tasks, 3 iterations: mean $time per iteration, stddev $time \\($time per task per iter\\) " \
		$program --threads 7 --iters 3 --warmups 1
	says 'pid [0-9]+ and [0-9]+ ' $program --threads 300 --iters 2 --warmups 0 --quiet \
		--command 'echo pid {pid} and {pid}'
done
for program in thread_creation async_creation; do
	says "20 tasks, 1 warmups, 3 iterations: create a task: mean $time per iter, stddev $time \\($time per task\\) creation to body: mean $time, stddev $time creation to last body: mean $time per iter, stddev $time \\($time per task\\) " \
		$program --tasks 20 --iters 3 --warmups 1
done
"$programs/thread_brigade" --iters none >/dev/null 2>&1
[ $? = 2 ] || broken "a wrong option is not refused"
"$programs/async_brigade" --threads 3 --iters 1 --quiet --command 'exit 3' >/dev/null 2>&1
[ $? = 1 ] || broken "a command that fails is not told"

if command -v python3 >/dev/null; then
	table=$(timeout -s KILL 100 "$root/bench/demo" --quick --built "$programs" 2>&1) || broken "bench/demo: $table"
	for row in 'create one, one CPU' 'create one, all CPUs' 'until all have run, all CPUs \*' 'switch to another, one CPU' \
		'switch caused by I/O, one CPU' 'switch caused by I/O, all CPUs'; do
		echo "$table" | grep -Eq "^$row +-?[0-9.]+ [num]s " || broken "no row '$row' in $table"
	done
fi
exit $failed
