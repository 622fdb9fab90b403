/* SPDX-License-Identifier: MIT */
/* T22: what a return becomes is one statement, semicolon and all. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int choose(int x)
{
	await weft_yield();
	if (x == 0)
		return 10;
	else if (x == 1)
		return await choose(0) + 1;
	else
		do
			return ({ if (x == 2) return 12; x * 10; });
		while (0);
}

static async void early(int *x)
{
	await weft_yield();
	if (*x)
		return;
	else
		*x = 1;
}

async int main(void)
{
	int x = 0;

	for (int i = 0; i < 4; i++)
		printf("%d\n", await choose(i));
	await early(&x);
	await early(&x);
	printf("%d\n", x);
	return 0;
}
