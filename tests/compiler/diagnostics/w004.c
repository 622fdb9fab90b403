/* SPDX-License-Identifier: MIT */
#include <unistd.h>
#include <weft.h>
#include <weft/async.h>

async int nap(int64_t how_long)
{
	return _Generic(how_long, int64_t: await weft_sleep(how_long), default: 0);
}
