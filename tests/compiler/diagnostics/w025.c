/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

int nap(int64_t how_long);

async int nap(int64_t how_long)
{
	return await weft_sleep(how_long);
}
