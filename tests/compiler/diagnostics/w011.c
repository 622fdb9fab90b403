/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async int zeros(int count)
{
	int numbers[count];

	weft_try(await weft_yield());
	return numbers[0];
}
