/* SPDX-License-Identifier: MIT */
/* T34: `return await f()` keeps the caller's frame: it is a call, and documented as one. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int countdown(int n, const char *above)
{
	char here = 0;

	if (n == 0)
		return above != &here;
	return await countdown(n - 1, &here);
}

async int main(void)
{
	printf("%d\n", await countdown(1000, NULL));
	return 0;
}
