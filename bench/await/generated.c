/* SPDX-License-Identifier: MIT */
/* What weftcc makes of a loop that awaits, an await that is ready at once, and a deep recursion. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

/* Yields once in 64 times. */
static __attribute__((noinline)) async int get(int x)
{
	if (x % 64 == 63)
		weft_try(await weft_yield());
	return x & 15;
}

static async long parse(const char *text, int count)
{
	long total = 0;

	for (int i = 0; i < count; i++) {
		int value = await get(i);
		const char *p = text;
		unsigned hash = 5381;

		while (*p)
			hash = hash * 33 + (unsigned char)*p++;
		if (value < 0)
			return value;
		total += (hash & 7) + (unsigned)value;
	}
	return total;
}

static __attribute__((noinline)) async int next(int x)
{
	if (x == -1)
		weft_try(await weft_yield());
	return x + 1;
}

static __attribute__((noinline)) async long at_once(int count)
{
	long total = 0;

	for (int i = 0; i < count; i++)
		total += await next(i);
	return total;
}

/* Suspends `count` times at the bottom. */
static async int descend(int depth, int count)
{
	int below;

	if (depth == 0) {
		for (int i = 0; i < count; i++)
			weft_try(await weft_yield());
		return 0;
	}
	below = await descend(depth - 1, count);
	return below < 0 ? below : below + 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: generated parse|at_once COUNT, or descend COUNT DEPTH\n");
	return 2;
}

async int main(int argc, char **argv)
{
	int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : -1;

	if (count < 0)
		return usage();
	if (strcmp(argv[1], "parse") == 0)
		printf("%ld\n", await parse("hello", count));
	else if (strcmp(argv[1], "at_once") == 0)
		printf("%ld\n", await at_once(count));
	else if (strcmp(argv[1], "descend") == 0 && argc > 3)
		printf("%d\n", await descend((int)strtol(argv[3], NULL, 10), count));
	else
		return usage();
	return 0;
}
