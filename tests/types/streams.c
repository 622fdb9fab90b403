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
	struct weft_interval interval = weft_interval_make(0, 1, WEFT_TICK_SKIP);

	weft_stream_iter_init(&source, ints, 3);
	weft_stream_iter_init(&other, longs, 3);
	weft_stream_map_init(&map, &source, tenfold, NULL);
	weft_stream_filter_init(&filter, &source, is_odd, NULL);
	weft_stream_enumerate_init(&enumerated, &source);
	weft_stream_chain_init(&chain, &source, &filter);
	weft_stream_receiver_init(&receiver, channel);
	weft_stream_ticks_init(&ticks, &interval);
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
#endif
}
