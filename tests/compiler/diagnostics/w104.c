/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static _Thread_local int depth, height, width;

async int descend(void)
{
	depth++;
	height = 1;
	width = height + depth;
	weft_try(await weft_yield());
	depth--;
	depth = height;
	return 0;
}
