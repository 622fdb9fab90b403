/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static _Thread_local int depth;

async int descend(void)
{
	depth++;
	weft_try(await weft_yield());
	depth--;
	return 0;
}
