/* SPDX-License-Identifier: MIT */
/* flags: -g3
 * T14: with -g3 the expanded text has its macros in it, and none of them counts twice. */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

#define twice(x) (x + x)
#define value value_of + 1

static async int get(int x)
{
	await weft_yield();
	return x;
}

async int main(void)
{
	int value_of = twice(await get(3));
	const char *text = "# 9 \"string.c\"";

#line 100 "named.c"
	printf("%d %s %d %s\n", value, text, __LINE__, __FILE__);
	return 0;
}
