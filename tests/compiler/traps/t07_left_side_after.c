/* SPDX-License-Identifier: MIT */
/* T7: `*where() = await f()`: the address is looked up after the await, on the thread that stores. */
#include <errno.h>
#include <stdio.h>
#include <weft.h>
#include <weft/async.h>

static int first, second, *current = &first;

static int *where(void)
{
	return current;
}

static async int switches(void)
{
	await weft_yield();
	current = &second;
	return 5;
}

static async int set(int *order)
{
	*order = 1;
	return await switches();
}

async int main(void)
{
	int order = 0, list[2] = { 0 };

	*where() = await switches();
	printf("%d %d\n", first, second);
	current = &first;
	*where() += await switches();
	printf("%d %d\n", first, second);
	list[order] = await set(&order);
	printf("%d %d\n", list[0], list[1]);
	return 0;
}
