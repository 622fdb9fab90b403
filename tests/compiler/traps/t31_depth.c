/* SPDX-License-Identifier: MIT */
/* T31: a resume is as cheap at any depth, and depth is bounded by memory alone. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async long down(int levels)
{
	if (levels == 0)
		return 0;
	long below = await down(levels - 1);

	if (levels % 1000 == 0)
		await weft_yield();
	return below + 1;
}

async int main(void)
{
	printf("%ld\n", await down(400000));
	return 0;
}
