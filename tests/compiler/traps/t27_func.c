/* SPDX-License-Identifier: MIT */
/* T27: __func__ is the name that the user gave. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static async int named(void)
{
	const char *before = __func__;

	await weft_yield();
	printf("%s %s %zu\n", before, __FUNCTION__, sizeof __func__);
	return 0;
}

async int main(void)
{
	await named();
	puts(__func__);
	return 0;
}
