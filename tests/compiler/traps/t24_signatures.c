/* SPDX-License-Identifier: MIT */
/* T24: what an async function may not be: without a prototype, inline but not static, variadic. */
#include <weft.h>
#include <weft/async.h>

async int unknown()
{
	return await weft_yield();
}
inline async int shared(void)
{
	return await weft_yield();
}
async int many(int count, ...)
{
	return await weft_yield() + count;
}
