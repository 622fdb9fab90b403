/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

async int tell(void)
{
	int n = ({
		defer puts("left");
		await weft_yield();
	});

	return n;
}
