/* SPDX-License-Identifier: MIT */
/* Streams in async C: typed variables, functions for each item, loops that leave early. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* ---- one of each that is not above ---- */

typedef WEFT_STREAM(int) ints;

WEFT_STREAM_TEST(is_odd, void, int)
{
	return *in & 1;
}

WEFT_STREAM_TEST(is_small, void, int)
{
	return *in < 3;
}

WEFT_STREAM_FN(half_of_even, void, int, int)
{
	*out = *in / 2;
	return *in % 2 == 0;
}

WEFT_STREAM_FN(sum_so_far, int, int, int)
{
	*arg += *in;
	*out = *arg;
	return 1;
}

WEFT_STREAM_MAKE(count_down, int, int)
{
	*out = --*arg;
	return *arg >= 0;
}

WEFT_STREAM_TEST(print, void, int)
{
	return printf(" %d", *in);
}

struct row {
	WEFT_STREAM_OF(iter, int) numbers;
};

static const int digits[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

WEFT_STREAM_FN(make_row, struct row, int, struct weft_stream *)
{
	weft_stream_iter_init(&arg->numbers, digits, (size_t)*in);
	*out = &arg->numbers.stream;
	return 1;
}

static async int show(const char *name, ints *stream)
{
	int item;

	printf("%s:", name);
	weft_try(await weft_stream_for_each(stream, &item, print, NULL));
	printf("\n");
	return 0;
}

static async int show_some_of_the_items(void)
{
	WEFT_STREAM_OF(iter, int) source;
	WEFT_STREAM_OF(filter, int) some;
	WEFT_STREAM_FROM(map, int, int) mapped;
	WEFT_STREAM_OF(skip, int) skip;
	int sum = 0;

	weft_stream_iter_init(&source, digits, 7);
	weft_stream_filter_init(&some, &source, is_odd, NULL);
	weft_try(await show("filter", (ints *)&some));
	weft_stream_iter_init(&source, digits, 7);
	weft_stream_skip_while_init(&some, &source, is_small, NULL);
	weft_try(await show("skip_while", (ints *)&some));
	weft_stream_iter_init(&source, digits, 2);
	weft_stream_inspect_init(&some, &source, print, NULL);
	weft_try(await show("inspect", (ints *)&some));
	weft_stream_iter_init(&source, digits, 7);
	weft_stream_filter_map_init(&mapped, &source, half_of_even, NULL);
	weft_try(await show("filter_map", (ints *)&mapped));
	weft_stream_iter_init(&source, digits, 5);
	weft_stream_scan_init(&mapped, &source, sum_so_far, &sum);
	weft_try(await show("scan", (ints *)&mapped));
	weft_stream_iter_init(&source, digits, 7);
	weft_stream_skip_init(&skip, &source, 4);
	return await show("skip", (ints *)&skip);
}

static async int show_several_streams(void)
{
	WEFT_STREAM_OF(iter, int) source, other;
	WEFT_STREAM_OF(unfold, int) unfold;
	WEFT_STREAM_OF(take, int) take;
	WEFT_STREAM_OF(chain, int) chain;
	WEFT_STREAM_OF(merge, int) merge;
	WEFT_STREAM_OF(select_all, int) all;
	WEFT_STREAM_FROM(flat_map, int, int) rows;
	struct weft_stream_member members[2];
	struct row row;
	int left = 3;

	weft_stream_repeat_init(&source, &digits[7]);
	weft_stream_take_init(&take, &source, 2);
	weft_stream_once_init(&other, &digits[8]);
	weft_stream_chain_init(&chain, &take, &other);
	weft_try(await show("repeat, once, chain", (ints *)&chain));
	weft_stream_unfold_init(&unfold, count_down, &left);
	weft_try(await show("unfold", (ints *)&unfold));
	weft_stream_iter_init(&source, digits, 2);
	weft_stream_iter_init(&other, digits + 5, 3);
	weft_stream_merge_init(&merge, &source, &other);
	weft_try(await show("merge", (ints *)&merge));
	weft_stream_iter_init(&source, digits, 2);
	weft_stream_iter_init(&other, digits + 5, 3);
	weft_stream_select_all_init(&all);
	weft_stream_select_all_add(&all, &members[0], &source);
	weft_stream_select_all_add(&all, &members[1], &other);
	weft_try(await show("select_all", (ints *)&all));
	weft_stream_iter_init(&source, digits, 4);
	weft_stream_flat_map_init(&rows, &source, make_row, &row);
	return await show("flat_map", (ints *)&rows);
}

static async int show_chunks(void)
{
	WEFT_STREAM_OF(iter, int) source;
	WEFT_STREAM_OF(chunks, struct weft_chunk) chunks;
	WEFT_STREAM_FROM(peekable, int, int) peekable;
	struct weft_chunk chunk;
	int buffer[3], n;

	weft_stream_iter_init(&source, digits, 4);
	weft_stream_chunks_init(&chunks, &source, buffer, 3);
	while ((n = await weft_stream_next(&chunks, &chunk)) > 0)
		printf("chunk of %zu, ", chunk.count);
	weft_try(n);
	weft_stream_iter_init(&source, digits, 4);
	weft_stream_ready_chunks_init(&chunks, &source, buffer, 3);
	while ((n = await weft_stream_next(&chunks, &chunk)) > 0)
		printf("of %zu, ", chunk.count);
	weft_try(n);
	weft_stream_iter_init(&source, digits + 5, 2);
	weft_stream_peekable_init(&peekable, &source);
	weft_try(await weft_stream_peek(&peekable));
	printf("peeked at %d\n", peekable.room.item);
	return await show("peekable", (ints *)&peekable);
}

WEFT_CHANNEL(int_channel, int);
WEFT_BROADCAST(int_broadcast, int);
WEFT_WATCH(int_watch, int);

static async int show_what_waits(void)
{
	union int_channel channel = WEFT_CHANNEL_INIT(channel, 4);
	union int_broadcast broadcast;
	union int_broadcast_receiver listener;
	union int_watch watch;
	union int_watch_receiver reader;
	WEFT_STREAM_OF(receiver, int) messages;
	WEFT_STREAM_OF(throttle, int) slow;
	WEFT_STREAM_OF(timeout, int) soon;
	int ring[4], value = 1;

	for (int i = 0; i < 3; i++)
		weft_try(weft_channel_try_send(&channel, &digits[i]));
	weft_channel_close(&channel.channel);
	weft_stream_receiver_init(&messages, &channel);
	weft_stream_throttle_init(&slow, &messages, 1000);
	weft_stream_timeout_init(&soon, &slow, WEFT_SECONDS(3600));
	weft_try(await show("receiver, throttle, timeout", (ints *)&soon));
	weft_channel_finish(&channel.channel);

	weft_broadcast_init(&broadcast.broadcast, ring, sizeof *ring, 4);
	weft_broadcast_subscribe(&broadcast, &listener);
	for (int i = 4; i < 7; i++)
		weft_try(weft_broadcast_send(&broadcast, &digits[i]));
	weft_broadcast_close(&broadcast.broadcast);
	weft_stream_broadcast_init(&messages, &listener);
	weft_try(await show("broadcast", (ints *)&messages));
	weft_broadcast_unsubscribe(&listener.receiver);

	weft_watch_init(&watch.watch, &value, sizeof value);
	weft_watch_subscribe(&watch, &reader);
	weft_try(weft_watch_send(&watch, &digits[9]));
	weft_watch_close(&watch.watch);
	weft_stream_watch_init(&messages, &reader);
	weft_try(await show("watch", (ints *)&messages));
	weft_watch_unsubscribe(&reader.receiver);
	return 0;
}

static async int show_lines(void)
{
	static const char text[] = "one\ntwo\r\nthree";
	WEFT_STREAM_OF(lines, struct weft_line) lines;
	struct weft_reader reader;
	struct weft_line line;
	struct weft_tcp conn;
	int fds[2], n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	n = write(fds[1], text, sizeof text - 1) < 0 ? -errno : 0;
	close(fds[1]);
	weft_try(n);
	weft_try(weft_tcp_adopt(&conn, fds[0]));
	defer weft_tcp_close(conn);
	weft_reader_init(&reader, weft_tcp_io(conn));
	defer weft_reader_finish(&reader);
	weft_stream_lines_init(&lines, &reader);
	defer await weft_stream_close(&lines);
	while ((n = await weft_stream_next(&lines, &line)) > 0)
		printf("line %.*s, ", (int)line.count, line.bytes);
	return n;
}

static async int show_ticks(void)
{
	struct weft_interval interval = weft_interval_make(weft_clock(), 1000, WEFT_TICK_BURST);
	WEFT_STREAM_OF(ticks, int64_t) ticks;
	int64_t due[2];
	size_t count;
	int n;

	weft_stream_ticks_init(&ticks, &interval);
	defer await weft_stream_close(&ticks);
	n = await weft_stream_collect(&ticks, due, 2, &count);
	printf("ticks %d %d\n", n, (int)(due[1] - due[0]));
	return 0;
}

WEFT_STREAM_TEST(is_even, void, int)
{
	return *in % 2 == 0;
}

static async int show_questions(void)
{
	int numbers[] = { 1, 3, 4, 5, 6 }, item = 0;
	WEFT_STREAM_OF(iter, int) source;
	size_t count = 0;

	weft_stream_iter_init(&source, numbers, 5);
	defer await weft_stream_close(&source);
	printf("any %d, ", await weft_stream_any(&source, &item, is_even, NULL));
	printf("%d, ", item);
	printf("all %d, ", await weft_stream_all(&source, &item, is_even, NULL));
	printf("%d, ", item);
	weft_try(await weft_stream_count(&source, &item, &count));
	printf("count %zu\n", count);
	return 0;
}

static async int show_the_rest(void)
{
	weft_try(await show_questions());
	weft_try(await show_some_of_the_items());
	weft_try(await show_several_streams());
	weft_try(await show_chunks());
	weft_try(await show_what_waits());
	weft_try(await show_lines());
	return await show_ticks();
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
	weft_try(await give_all(numbers, 5));
	return await show_the_rest();
}
