/* SPDX-License-Identifier: MIT */
/* Generators in async C: an async function as a stream, with clean-up, left early, in a pipeline. */
#include <errno.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

typedef WEFT_STREAM_OF(generator, int) counter;

static int alive;

static async int count(counter *self, void *arg)
{
	int limit = *(const int *)arg;

	alive++;
	defer alive--;
	for (int i = 1; i <= limit; i++) {
		weft_try(await weft_yield());
		weft_try(await weft_yield());
		weft_try(await weft_yield_item(self, &i));
	}
	return 0;
}

/* The numbers below, and theirs: recursion, with a generator in a generator. */
struct tree {
	int number, children;
};

static async int visit(counter *self, void *arg)
{
	struct tree *tree = arg, child = { tree->number * 10 + 1, tree->children - 1 };

	alive++;
	defer alive--;
	weft_try(await weft_yield_item(self, &tree->number));
	for (int i = 0; i < tree->children; i++, child.number++) {
		counter below;
		int number, n;

		weft_stream_generator_init(&below, visit, &child);
		defer await weft_stream_close(&below);
		while ((n = await weft_stream_next(&below, &number)) > 0)
			weft_try(await weft_yield_item(self, &number));
		weft_try(n);
	}
	return 0;
}

static async int fail(counter *self, void *arg)
{
	weft_try(await weft_yield_item(self, (const int *)arg));
	return -EDOM;
}

WEFT_STREAM_FN(square, void, int, long)
{
	*out = (long)*in * *in;
	return 1;
}

static async int some(int limit, int wanted)
{
	counter numbers;
	WEFT_STREAM_FROM(map, int, long) squares;
	WEFT_STREAM_OF(take, long) taken;
	long item;
	int n;

	weft_stream_generator_init(&numbers, count, &limit);
	weft_stream_map_init(&squares, &numbers, square, NULL);
	weft_stream_take_init(&taken, &squares, wanted);
	defer await weft_stream_close(&taken);
	while ((n = await weft_stream_next(&taken, &item)) > 0)
		printf("%ld ", item);
	printf("end %d, alive %d\n", n, alive);
	return n;
}

static async int left(int limit)
{
	counter numbers;
	int item;

	weft_stream_generator_init(&numbers, count, &limit);
	defer await weft_stream_close(&numbers);
	weft_try(await weft_stream_next(&numbers, &item));
	switch (await weft_select_biased(weft_stream_next(&numbers, &item), weft_yield())) {
	case 0:
		return -EINVAL;
	default:
		printf("gave up, alive %d\n", alive);
	}
	return await weft_stream_next(&numbers, &item) > 0 ? item : -1;
}

async int main(void)
{
	struct tree tree = { 1, 2 };
	counter numbers;
	int item, n;

	weft_try(await some(4, 10));
	weft_try(await some(10, 3));
	printf("left with %d, ", await left(5));
	printf("alive %d\n", alive);
	weft_stream_generator_init(&numbers, visit, &tree);
	while ((n = await weft_stream_next(&numbers, &item)) > 0)
		printf("%d ", item);
	printf("%d, alive %d\n", n, alive);
	weft_stream_generator_init(&numbers, fail, &item);
	item = 7;
	for (int i = 0; i < 3; i++)
		printf("%d%s", await weft_stream_next(&numbers, &item), i < 2 ? " " : "\n");
	return 0;
}
