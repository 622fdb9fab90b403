/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async int sum(int count, ...)
{
	return await weft_yield() + count;
}
