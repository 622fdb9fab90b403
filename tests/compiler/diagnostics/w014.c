/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async int run(int step)
{
	static const void *const steps[] = { &&first, &&second };

	goto *steps[step];
first:
	weft_try(await weft_yield());
second:
	return 0;
}
