/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

async int too_far(void);

async int too_far(void)
{
	await weft_yield();
	{
		char small[2];

		memset(small, 0, 3);
		return puts(small);
	}
}
