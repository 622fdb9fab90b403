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

/* Who takes `defer` for nothing sees the first size alone. */
async int made_less(void);

async int made_less(void)
{
	size_t size = 3;

	{
		defer size = 2;
		await weft_yield();
	}
	{
		char enough[3] = "";

		memset(enough + 1, 0, size);
		return puts(enough);
	}
}
