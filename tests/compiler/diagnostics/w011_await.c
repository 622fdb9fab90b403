/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static int numbers[3];

async int main(void)
{
	int length[await weft_yield() + 1];
	int(*pointer)[await weft_yield()] = NULL;
	size_t size = sizeof(int[await weft_yield()]);
	typeof(int[await weft_yield()]) *other = NULL;

	numbers[await weft_yield()] = (int)sizeof numbers[await weft_yield()];
	return numbers[0];
}

/* What is no call is not what an array has as its length either. */
async int no_call(int x)
{
	await x;
	await 5;
	return await sizeof x;
}
