/* SPDX-License-Identifier: MIT */
/* Two deferred statements and three ways out; one of them awaits. */
#include <weft.h>
#include <weft/async.h>

void release(int *what);

static async int leave(int *first, int *second)
{
	defer release(first);
	weft_try(await weft_yield());
	{
		defer await weft_yield();
		if (*second)
			return 1;
	}
	return 0;
}

async int twice(int *first)
{
	return await leave(first, first) + await leave(first, 0);
}
