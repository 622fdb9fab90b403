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

static async int slow(int x)
{
	await weft_yield();
	return x;
}

__attribute__((noinline)) static int half(int x)
{
	__asm__("" : "+r"(x));
	return x / 2;
}

/* Where the stack of the other's poll was. */
__attribute__((noinline)) static void fill(void)
{
	volatile char stack[4096];

	for (int i = 0; i < 4096; i++)
		stack[i] = 0x55;
}

static async void scribble(void)
{
	for (int i = 0; i < 9; i++) {
		fill();
		await weft_yield();
	}
}

/* What the left side awaits reads a local after the right side has awaited. */
static async int index_awaited(int n)
{
	int sums[3] = { 0 }, index = half(2 * n), *p = sums, hidden[8] = { n };

	sums[await slow(index)] = await slow(n + 10) + await slow(hidden[0]);
	p[await slow(n - 1)] += await slow(3);
	return sums[0] * 10000 + sums[1] * 100 + sums[2];
}

async int main(void)
{
	int sums = 0;

	await weft_join(sums = index_awaited(2), scribble());
	printf("%d\n", sums);
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
