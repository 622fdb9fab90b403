/* SPDX-License-Identifier: MIT */
/* What must compile (CASE 0), and what must not: one thing each that has the wrong type (refused.sh). */
#include <weft.h>

struct numbered {
	size_t index;
	int value;
};

WEFT_STREAM_FN(tenfold, void, int, long)
{
	*out = 10L * *in;
	return 1;
}

WEFT_STREAM_TEST(is_odd, void, int)
{
	return *in & 1;
}

/* As editors see an async function. */
int fetch(void *arg, const int *in, long *out);

struct pair {
	int first;
	long second;
};

WEFT_CHANNEL(numbers, int);

void pipeline(union numbers *channel);
void pipeline(union numbers *channel)
{
	static int ints[3];
	static long longs[3];
	struct weft_size_hint hint;
	WEFT_STREAM_OF(iter, int) source;
	WEFT_STREAM_OF(iter, long) other;
	WEFT_STREAM_FROM(map, int, long) map;
	WEFT_STREAM_OF(filter, int) filter;
	WEFT_STREAM_OF(enumerate, struct numbered) enumerated;
	WEFT_STREAM_OF(chain, int) chain;
	WEFT_STREAM_OF(receiver, int) receiver;
	WEFT_STREAM_OF(receiver, long) long_receiver;
	WEFT_STREAM_OF(ticks, int64_t) ticks;
	WEFT_STREAM_OF(ticks, double) wrong_ticks;
	WEFT_SINK_OF(sender, long) sender;
	WEFT_STREAM_FROM(zip, struct pair, struct pair) pairs;
	WEFT_STREAM_OF(take, int) take;
	WEFT_STREAM_OF(merge, int) merge;
	WEFT_STREAM_OF(select_all, int) all;
	WEFT_STREAM_OF(chunks, struct weft_chunk) chunks;
	WEFT_STREAM_OF(throttle, int) slow;
	WEFT_STREAM_OF(buffered, long) fetched;
	WEFT_SINK_OF(array, int) array;
	struct weft_stream_member member;
	struct weft_interval interval = weft_interval_make(0, 1, WEFT_TICK_SKIP);

	weft_stream_iter_init(&source, ints, 3);
	weft_stream_iter_init(&other, longs, 3);
	weft_stream_map_init(&map, &source, tenfold, NULL);
	weft_stream_filter_init(&filter, &source, is_odd, NULL);
	weft_stream_enumerate_init(&enumerated, &source);
	weft_stream_chain_init(&chain, &source, &filter);
	weft_stream_receiver_init(&receiver, channel);
	weft_stream_ticks_init(&ticks, &interval);
	weft_stream_zip_init(&pairs, &source, &other);
	weft_stream_take_init(&take, &source, 1);
	weft_stream_merge_init(&merge, &source, &filter);
	weft_stream_select_all_init(&all);
	weft_stream_select_all_add(&all, &member, &source);
	weft_stream_chunks_init(&chunks, &source, ints, 3);
	weft_stream_throttle_init(&slow, &source, 1);
	weft_stream_buffered_init(&fetched, &source, 2, fetch, NULL);
	weft_sink_array_init(&array, ints, 3);
	hint = weft_stream_size_hint(&map);
	(void)hint;
	(void)chain;
	(void)enumerated;
	(void)receiver;
	(void)long_receiver;
	(void)ticks;
	(void)wrong_ticks;
	(void)sender;
#if CASE == 1
	weft_stream_iter_init(&source, longs, 3);
#elif CASE == 2
	weft_stream_map_init(&map, &other, tenfold, NULL);
#elif CASE == 3
	weft_stream_map_init(&map, &source, is_odd, NULL);
#elif CASE == 4
	weft_stream_filter_init(&filter, &other, is_odd, NULL);
#elif CASE == 5
	weft_stream_enumerate_init(&enumerated, &other);
#elif CASE == 6
	weft_stream_chain_init(&chain, &source, &other);
#elif CASE == 7
	weft_stream_receiver_init(&long_receiver, channel);
#elif CASE == 8
	weft_stream_ticks_init(&wrong_ticks, &interval);
#elif CASE == 9
	weft_sink_sender_init(&sender, channel);
#elif CASE == 10
	weft_stream_size_hint(&longs);
#elif CASE == 11
	weft_stream_zip_init(&pairs, &other, &source);
#elif CASE == 12
	weft_stream_take_init(&take, &other, 1);
#elif CASE == 13
	weft_stream_merge_init(&merge, &source, &other);
#elif CASE == 14
	weft_stream_select_all_add(&all, &member, &other);
#elif CASE == 15
	weft_stream_chunks_init(&chunks, &source, longs, 3);
#elif CASE == 16
	weft_stream_throttle_init(&slow, &other, 1);
#elif CASE == 17
	weft_stream_buffered_init(&fetched, &other, 2, fetch, NULL);
#elif CASE == 18
	weft_sink_array_init(&array, longs, 3);
#endif
}
