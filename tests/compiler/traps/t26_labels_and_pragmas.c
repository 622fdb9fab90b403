/* SPDX-License-Identifier: MIT */
/* T26: __label__ stays first, pragmas stay at their loops, continue finds a condition that awaits. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int get(int x)
{
	await weft_yield();
	return x;
}

async int main(void)
{
	int sum = 0, list[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	for (int i = 0; await get(i) < 6; i += await get(1)) {
		__label__ weft_1, out;

		if (i == 1)
			continue;
		if (i == 3)
			goto out;
		if (i == 5)
			goto weft_1;
		sum += i;
weft_1:
		sum += 100;
out:
		sum += 1000;
	}
	do {
		if (sum & 1)
			continue;
		sum++;
	} while (await get(sum) < 100);
#pragma GCC unroll 4
	for (int i = 0; i < 8; i++)
		sum += list[i];
	await get(0);
#pragma GCC ivdep
	for (int i = 0; i < 8; i++)
		list[i] += sum;
	printf("%d %d\n", sum, list[7]);
	return 0;
}
