/* SPDX-License-Identifier: MIT */
/* Async functions for the items of a stream: in order, as they end, one at a time; left early; row S2-48. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

enum { TASKS = 100, LIMIT = 8 };

struct numbered {
	size_t index;
	int value;
};

static int in_flight, in_flight_max, cancelled;

static async int work(void *arg, const struct numbered *in, size_t *out)
{
	(void)arg;
	if (++in_flight > in_flight_max)
		in_flight_max = in_flight;
	defer in_flight--;
	int err = await weft_sleep(WEFT_MICROSECONDS(in->value * 37 % 100));
	if (err < 0) {
		cancelled++;
		return err;
	}
	*out = in->index;
	return 1;
}

static async int halve(void *arg, const int *in, int *out)
{
	weft_try(await weft_yield());
	*out = *in / 2;
	return *in == *(int *)arg ? -EDOM : *in % 2 == 0;
}

static async int add(void *arg, const int *in)
{
	weft_try(await weft_yield());
	*(int *)arg += *in;
	return *in == 99 ? -ERANGE : 0;
}

static async int all_tasks(void)
{
	static int tasks[TASKS];
	static size_t indices[TASKS + 1];
	bool seen[TASKS] = { false };
	size_t count, missing = TASKS;
	WEFT_STREAM_OF(iter, int) iter;
	WEFT_STREAM_OF(enumerate, struct numbered) enumerated;
	WEFT_STREAM_OF(buffered, size_t) buffered;

	for (int i = 0; i < TASKS; i++)
		tasks[i] = i;
	weft_stream_iter_init(&iter, tasks, TASKS);
	weft_stream_enumerate_init(&enumerated, &iter);
	weft_stream_buffer_unordered_init(&buffered, &enumerated, LIMIT, work, NULL);
	defer await weft_stream_close(&buffered);
	weft_try(await weft_stream_collect(&buffered, indices, TASKS + 1, &count));
	for (size_t i = 0; i < count; i++) {
		missing -= !seen[indices[i]];
		seen[indices[i]] = true;
	}
	printf("%zu items, %zu missing, %d at a time\n", count, missing, in_flight_max);
	return 0;
}

static async int in_order(void)
{
	int numbers[] = { 8, 6, 5, 4, 3, 2 }, three = 3, item, n;
	WEFT_STREAM_OF(iter, int) iter;
	WEFT_STREAM_OF(buffered, int) halves;

	for (unsigned limit = 1; limit <= 4; limit += 3) {
		weft_stream_iter_init(&iter, numbers, 6);
		weft_stream_buffered_init(&halves, &iter, limit, halve, &three);
		defer await weft_stream_close(&halves);
		while ((n = await weft_stream_next(&halves, &item)) != 0)
			printf(n > 0 ? "%d " : "%d! ", n > 0 ? item : n);
		printf(".\n");
	}
	return 0;
}

static async int left_early(void)
{
	static int tasks[] = { 5, 6, 7, 8, 9, 10 };
	WEFT_STREAM_OF(iter, int) iter;
	WEFT_STREAM_OF(enumerate, struct numbered) enumerated;
	WEFT_STREAM_OF(buffered, size_t) buffered;
	size_t index;

	weft_stream_iter_init(&iter, tasks, 6);
	weft_stream_enumerate_init(&enumerated, &iter);
	weft_stream_then_init(&buffered, &enumerated, work, NULL);
	defer await weft_stream_close(&buffered);
	weft_try(await weft_stream_next(&buffered, &index));
	printf("first %zu\n", index);
	switch (await weft_select_biased(weft_stream_next(&buffered, &index), weft_yield())) {
	case 0:
		return 0;
	default:
		printf("gave up waiting, in flight %d\n", in_flight);
	}
	weft_try(await weft_stream_next(&buffered, &index));
	printf("second %zu\n", index);
	return 0;
}

async int main(void)
{
	int numbers[] = { 1, 2, 3, 4 }, some[] = { 1, 99, 3 }, sum = 0;
	WEFT_STREAM_OF(iter, int) iter;

	weft_try(await all_tasks());
	weft_try(await in_order());
	weft_try(await left_early());
	printf("in flight %d, cancelled %d\n", in_flight, cancelled);
	weft_stream_iter_init(&iter, numbers, 4);
	printf("%d ", await weft_stream_for_each_concurrent(&iter, 2, add, &sum));
	printf("%d\n", sum);
	weft_stream_iter_init(&iter, some, 3);
	printf("%d\n", await weft_stream_for_each_concurrent(&iter, 1, add, &sum) == -ERANGE);
	return 0;
}
