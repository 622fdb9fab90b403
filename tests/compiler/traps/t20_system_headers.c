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

async int main(void)
{
	_Atomic int counter = 0;
	double x = 2;

	await weft_yield();
	atomic_fetch_add(&counter, 3);
	await weft_sleep(1);
	printf("%d %.0f\n", atomic_load(&counter), fabs(x));
	return 0;
}
