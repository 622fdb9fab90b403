/* SPDX-License-Identifier: MIT */
/* T20: system headers hold what libclang does not know in gcc's words. */
#include <complex.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif
#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <tgmath.h>
#include <threads.h>
#include <wchar.h>
#include <weft.h>
#include <weft/async.h>

/* What is in a function of theirs is not looked at. */
# 1 "system.h" 3
static inline int theirs(int n)
{
	typedef char *number;
	number text = 0;
	return n + !text;
}
# 27 "t20_system_headers.c"
typedef int number;

async int main(void)
{
	_Atomic int counter = theirs((number)-1);
	double x = 2;

	await weft_yield();
	atomic_fetch_add(&counter, 3);
	await weft_sleep(1);
	printf("%d %.0f\n", atomic_load(&counter), fabs(x));
	return 0;
}
