/* SPDX-License-Identifier: MIT */
/* T24: declarations may name their parameters differently, or not at all, or qualify them. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

async int apply(int, const int x, int values[], int f(int), register int last);
async int apply(int result, int base, int *const at, int (*p4)(int), int p0)
{
	await weft_yield();
	return result * 10000 + base * 1000 + at[1] * 100 + p4(p0) * 10 + p0;
}
static int next(int x)
{
	return x + 1;
}

async int main(void)
{
	printf("%d\n", await apply(1, 2, (int[]){ 0, 3 }, next, 4));
	return 0;
}
