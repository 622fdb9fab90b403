/* SPDX-License-Identifier: MIT */
/* T23: what libclang does not tell apart: the parts of a for, a ?: b, declarators of one declaration. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static int calls;

static async int get(int x)
{
	calls++;
	await weft_yield();
	return x;
}

async int main(void)
{
	int n = 3, a = 1, *b = &a, c[2] = { a, *b }, (*d)[2] = &c;

	for (; await get(n);)
		n--;
	for (await get(0);;)
		if (++n == 3)
			break;
	for (;; await get(n++))
		if (n > 5)
			break;
	printf("%d %d\n", n, calls);
	calls = 0;
	printf("%d %d\n", await get(7) ?: await get(8), calls);
	printf("%d %d\n", await get(0) ?: await get(8), calls);
	printf("%d %d\n", (*d)[1], _Generic(n, int: 1, default: 2));
	return 0;
}
