/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

async int zeros(int count)
{
	int numbers[count];

	weft_try(await weft_yield());
	return numbers[0];
}

async int before(int count)
{
	int n;
	{
		int numbers[count];

		numbers[0] = count;
		n = numbers[0];
		weft_try(await weft_yield());
	}
	return n;
}

async int sum(int count, int numbers[count], int table[][count])
{
	weft_try(await weft_yield());
	return numbers[0] + table[0][0];
}
