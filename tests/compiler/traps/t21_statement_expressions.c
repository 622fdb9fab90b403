/* SPDX-License-Identifier: MIT */
/* T21: an await anywhere in statement expressions, with the ways out of them. */
#include <errno.h>
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int get(int x)
{
	await weft_yield();
	return x;
}

static async int tries(int x)
{
	int y = ({
		int z = await get(x);
		weft_try(z);
		({
			if (z == 3)
				return await get(33);
		});
		z + ({ await get(1); });
	});

	return y * 10;
}

#define MAX(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) left = (a);                                                          \
		__typeof__(b) right = (b);                                                         \
		left > right ? left : right;                                                       \
	})

/* What one declares is not there before it, in no round of the loop: it shares no place with the callee. */
static async int in_arguments(int x)
{
	int sum = 0, numbers[] = { 5, 6 };

	sum += MAX(numbers[await get(1)], x); /* a subscript, no length */
	for (int i = 0; i < 3; i++) {
		sum += await get(MAX(i, x));
		await weft_yield();
	}
	return sum + MAX(MAX(x, await get(2)), MAX(+MAX(x, 7), 1));
}

async int main(void)
{
	for (int x = -1; x < 5; x++)
		printf("%d\n", await tries(x));
	printf("%d\n", await in_arguments(1));
	return 0;
}
