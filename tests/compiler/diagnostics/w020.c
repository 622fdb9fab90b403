/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

async int tell(void)
{
here:
	defer puts("left");
	if (await weft_yield())
		goto here;
	return 0;
}
