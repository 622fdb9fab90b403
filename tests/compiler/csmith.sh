#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/compiler/csmith.sh WEFTCC FIRST LAST [OPTION...]: random C programs, by seed, through
# differential.sh. Options are csmith's; without any, they change from seed to seed.
#
# A failure leaves the program as seed_N.c in the current directory and says how to repeat it. Exit 77:
# there is no csmith.
set -u
weftcc=$1
seed=$2
last=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
headers=/usr/include/csmith
command -v csmith >/dev/null && [ -f $headers/csmith.h ] || exit 77

# options SEED: a kind of program for it.
options() {
	case $(($1 % 6)) in
	0) ;;
	1) echo --inline-function --no-argc ;;
	2) echo --float --bitfields ;;
	3) echo --volatiles --max-funcs 20 ;;
	4) echo --no-packed-struct --unions --max-block-depth 4 --max-expr-complexity 8 ;;
	5) echo --jumps --arrays --embedded-assigns --comma-operators --pre-incr-operator ;;
	esac
}

failed=0
tried=0
while [ "$seed" -le "$last" ]; do
	program=seed_$seed.c
	# shellcheck disable=SC2046 # options are words
	csmith --seed "$seed" ${@:-$(options "$seed")} >"$program" || exit
	case $((seed % 4)) in
	0) compilers=gcc,-O0 ;;
	1) compilers=clang,-O2 ;;
	2) compilers=clang,-O0 ;;
	3) compilers=gcc,-O2 ;;
	esac
	WEFT_SECONDS_EACH=5 WEFT_COMPILERS=${WEFT_COMPILERS:-$compilers} \
		sh "$here/differential.sh" "$weftcc" "$program" -isystem $headers
	case $? in
	0) tried=$((tried + 1)) rest= ;;
	77) rest= ;;
	*)
		failed=$((failed + 1)) rest=kept
		echo "repeat: csmith --seed $seed $* $(options "$seed")"
		;;
	esac
	[ -n "$rest" ] || rm -f "$program"
	seed=$((seed + 1))
done
echo "$tried programs agree, $failed do not"
[ $failed = 0 ] && [ $tried -gt 0 ]
