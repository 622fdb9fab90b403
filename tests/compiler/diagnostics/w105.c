/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static async int tell(const int *number)
{
	return await weft_yield() + *number;
}

async int start(void)
{
	int number = 1;

	return weft_spawn_detached(tell(&number));
}
