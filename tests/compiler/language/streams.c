/* SPDX-License-Identifier: MIT */
/* Streams in async C: typed variables, functions for each item, loops that leave early. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

typedef WEFT_STREAM(long) longs;

WEFT_STREAM_FN(tenfold, void, int, long)
{
	*out = 10L * *in;
	return 1;
}

WEFT_STREAM_TEST(below, const long, long)
{
	return *in < *arg;
}

WEFT_STREAM_TEST(sum_up, long, long)
{
	*arg += *in;
	return 1;
}

static async long sum_of(longs *stream)
{
	long item, sum = 0;
	int n;

	while ((n = await weft_stream_next(stream, &item)) > 0)
		sum += item;
	return n < 0 ? n : sum;
}

static async int first_above(const int *numbers, size_t count, long limit)
{
	WEFT_STREAM_OF(iter, int) source;
	WEFT_STREAM_FROM(map, int, long) tens;
	long item;

	weft_stream_iter_init(&source, numbers, count);
	weft_stream_map_init(&tens, &source, tenfold, NULL);
	defer await weft_stream_close(&tens);
	while (await weft_stream_next(&tens, &item) > 0) {
		weft_try(await weft_yield());
		if (item > limit)
			return (int)item;
	}
	return -ENOENT;
}

static async int give_all(const int *numbers, size_t count)
{
	WEFT_STREAM_OF(iter, int) source;
	WEFT_SINK_OF(array, long) array;
	WEFT_SINK_TO(with, int, long) sink;
	long items[4];
	bool held = false;
	int item, err;

	weft_stream_iter_init(&source, numbers, count);
	weft_sink_array_init(&array, items, 4);
	weft_sink_with_init(&sink, &array, tenfold, NULL);
	err = await weft_sink_send_all(&sink, &source, &item, &held);
	printf("%d %zu %d %d\n", err == -ENOBUFS, array.self.count, held, item);
	weft_try(await weft_stream_close(&source));
	return await weft_sink_close(&sink);
}

async int main(void)
{
	int numbers[] = { 1, 2, 3, 4, 5 };
	struct pair {
		int first;
		long second;
	} pair;
	WEFT_STREAM_OF(iter, int) source, other;
	WEFT_STREAM_FROM(map, int, long) tens;
	WEFT_STREAM_OF(filter, long) small;
	WEFT_STREAM_FROM(zip, struct pair, struct pair) pairs;
	const long limit = 40;
	long items[10], item, sum = 0;
	size_t count;
	int err;

	weft_stream_iter_init(&source, numbers, 5);
	weft_stream_map_init(&tens, &source, tenfold, NULL);
	weft_stream_take_while_init(&small, &tens, below, (void *)&limit);
	printf("sum %ld\n", await sum_of((longs *)&small));

	weft_stream_iter_init(&source, numbers, 5);
	weft_stream_iter_init(&other, numbers, 3);
	weft_stream_map_init(&tens, &source, tenfold, NULL);
	weft_stream_zip_init(&pairs, &other, &tens);
	defer await weft_stream_close(&pairs);
	while (await weft_stream_next(&pairs, &pair) > 0)
		printf("%d %ld, ", pair.first, pair.second);

	weft_stream_iter_init(&source, numbers, 5);
	weft_stream_map_init(&tens, &source, tenfold, NULL);
	err = await weft_stream_collect(&tens, items, 3, &count);
	printf("%d %zu %ld\n", err, count, items[2]);
	err = await weft_stream_fold(&tens, &item, sum_up, &sum);
	printf("%d %ld\n", err, sum);
	printf("%d %d\n", await first_above(numbers, 5, 20), await first_above(numbers, 5, 99));
	return await give_all(numbers, 5);
}
