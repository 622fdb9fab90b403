/* SPDX-License-Identifier: MIT */
/* Sinks, polled by hand: who feeds waits while there is no room, and nothing is lost or sent twice,
 * wherever it is cancelled. */
#include <string.h>

#include <weft/sink.h>

#include "stutter.h"
#include "sweep.h"
#include "test.h"

enum { ITEMS = 9 };

static const int digits[ITEMS + 1] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

WEFT_CHANNEL(numbers, int);

static struct probe probe = PROBE;
static struct weft_strand strand;

static struct weft_context context(void)
{
	return probe_context(&probe, NULL, &strand);
}

/* Polls once; INT_MAX: PENDING. */
static int feed_as(struct weft_sink *sink, const void *item, bool cancelled)
{
	struct weft_context cx = context();
	int result;

	cx.cancelled = cancelled;
	if (weft_sink_poll_feed(sink, &cx, item, &result) == WEFT_PENDING)
		return INT_MAX;
	return result;
}

static int feed(struct weft_sink *sink, int item)
{
	return feed_as(sink, &item, false);
}

static int flush(struct weft_sink *sink)
{
	struct weft_context cx = context();
	int result;

	return weft_sink_poll_flush(sink, &cx, &result) == WEFT_PENDING ? INT_MAX : result;
}

static int take(union numbers *channel)
{
	int item, err = weft_channel_try_recv(channel, &item);

	return err < 0 ? err : item;
}

TEST(sink_array_is_full_at_its_end)
{
	WEFT_SINK_OF(array, int) sink;
	int items[2];

	weft_sink_array_init(&sink, items, 2);
	CHECK_EQ(feed(&sink.sink, 5), 0);
	CHECK_EQ(feed_as(&sink.sink, digits, true), -ECANCELED);
	CHECK_EQ(feed(&sink.sink, 6), 0);
	CHECK_EQ(flush(&sink.sink), 0);
	CHECK_EQ(feed(&sink.sink, 7), -ENOBUFS);
	CHECK(sink.self.count == 2 && items[0] == 5 && items[1] == 6);
}

TEST(sink_sender_waits_for_room)
{
	union numbers channel = WEFT_CHANNEL_INIT(channel, 1);
	WEFT_SINK_OF(sender, int) sink;
	struct weft_sink_close__frame close;
	struct weft_context cx = context();

	weft_sink_sender_init(&sink, &channel);
	CHECK_EQ(feed(&sink.sink, 1), 0);
	CHECK_EQ(feed(&sink.sink, 2), INT_MAX);
	CHECK_EQ(feed_as(&sink.sink, &digits[2], true), -ECANCELED);
	CHECK_EQ(feed(&sink.sink, 3), INT_MAX);
	CHECK_EQ(take(&channel), 1);
	CHECK_EQ(feed(&sink.sink, 3), 0);
	CHECK_EQ(feed(&sink.sink, 4), INT_MAX);
	weft_sink_close__init(&close.args, &sink.sink);
	CHECK_EQ(weft_sink_close__poll(&close, &cx), WEFT_READY); /* the send has withdrawn */
	CHECK_EQ(take(&channel), 3);
	CHECK_EQ(take(&channel), -EAGAIN);
	weft_channel_close(&channel.channel);
	CHECK_EQ(feed(&sink.sink, 5), -EPIPE);
	weft_channel_finish(&channel.channel);
}

TEST(sink_buffer_holds_some_and_then_waits)
{
	union numbers channel = WEFT_CHANNEL_INIT(channel, 1);
	WEFT_SINK_OF(sender, int) sender;
	WEFT_SINK_OF(buffer, int) sink;
	int room[2];

	weft_sink_sender_init(&sender, &channel);
	weft_sink_buffer_init(&sink, &sender, room, 2);
	CHECK_EQ(feed(&sink.sink, 1), 0);
	CHECK_EQ(feed(&sink.sink, 2), 0);
	CHECK_EQ(take(&channel), -EAGAIN); /* nobody has flushed */
	CHECK_EQ(feed(&sink.sink, 3), 0);  /* the first went on */
	CHECK_EQ(feed(&sink.sink, 4), INT_MAX);
	CHECK_EQ(flush(&sink.sink), INT_MAX);
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(take(&channel), i);
		CHECK_EQ(flush(&sink.sink), i < 2 ? INT_MAX : 0);
	}
	CHECK_EQ(take(&channel), -EAGAIN);
	weft_channel_finish(&channel.channel);
}

WEFT_STREAM_FN(odd_length, int, char, int)
{
	++*arg;
	*out = *in - '0';
	return *in == '!' ? -EDOM : *out % 2;
}

TEST(sink_with_makes_other_items)
{
	WEFT_SINK_OF(array, int) array;
	WEFT_SINK_TO(with, char, int) sink;
	int items[3], calls = 0;

	weft_sink_array_init(&array, items, 3);
	weft_sink_with_init(&sink, &array, odd_length, &calls);
	CHECK_EQ(feed_as(&sink.sink, "1", false), 0);
	CHECK_EQ(feed_as(&sink.sink, "2", false), 0);
	CHECK_EQ(feed_as(&sink.sink, "!", false), -EDOM);
	CHECK_EQ(feed_as(&sink.sink, "7", true), -ECANCELED);
	CHECK_EQ(feed_as(&sink.sink, "9", false), 0);
	CHECK(array.self.count == 2 && items[0] == 1 && items[1] == 9);
	CHECK_EQ(calls, 5);
}

/* ---- swept ---- */

struct swept {
	union numbers channel;
	stutter_stream stream;
	WEFT_SINK_OF(sender, int) sender;
	WEFT_SINK_OF(buffer, int) buffer;
	int room[2], item;
	bool held;
	int received[ITEMS + 1], count;
	int steps;
};

WEFT_ASYNC_1(int, forward, struct swept *);

struct forward__frame {
	struct forward__args args;
	union {
		struct weft_sink_send_all__frame send_all;
		struct weft_sink_close__frame close;
	};
	int result;
};

enum weft_poll forward__poll(void *frame, struct weft_context *cx)
{
	struct forward__frame *f = frame;
	struct swept *swept = f->args.p0;

	weft_begin(f);
	weft_await(f, f->send_all, weft_sink_send_all, &swept->buffer.sink, &swept->stream.stream,
			&swept->item, &swept->held);
	f->result = f->send_all.args.result;
	weft_await(f, f->close, weft_sink_close, &swept->buffer.sink);
	weft_return(f, f->result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(forward, WEFT_ASYNC_RESULT_INT);

static void swept_set_up(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft_channel_init(&swept->channel.channel, sizeof(int), 1);
	stutter_init(&swept->stream.self, digits, ITEMS);
	weft_sink_sender_init(&swept->sender, &swept->channel);
	weft_sink_buffer_init(&swept->buffer, &swept->sender, swept->room, 2);
	forward__init(sweep->frame, swept);
}

static bool receive(struct swept *swept)
{
	int item = take(&swept->channel);

	if (item < 0)
		return false;
	swept->received[swept->count++] = item;
	return true;
}

/* Messages are received more slowly than items come. */
static bool swept_advance(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	if (swept->steps++ % 3 != 2 && stutter_advance(&swept->stream.self))
		return true;
	return receive(swept) || stutter_advance(&swept->stream.self);
}

/* What has not been received is in the channel, in the buffer, held, or still to come; in this order. */
static const char *swept_check(struct sweep *sweep)
{
	struct swept *swept = sweep->world;
	struct weft_context cx = context();
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED));
	while (receive(swept))
		;
	for (size_t i = 0; i < swept->buffer.self.count; i++)
		swept->received[swept->count++] = swept->room[(swept->buffer.self.first + i) % 2];
	if (swept->held)
		swept->received[swept->count++] = swept->item;
	SWEEP_EXPECT(swept->count == (int)swept->stream.self.next);
	SWEEP_EXPECT(result < 0 || swept->count == ITEMS);
	for (int i = 0; i < swept->count; i++)
		SWEEP_EXPECT(swept->received[i] == i);
	while (weft_stream_poll_close(&swept->stream.stream, &cx) == WEFT_PENDING)
		;
	return NULL;
}

static void swept_tear_down(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft_channel_finish(&swept->channel.channel);
}

TEST(sink_send_all_loses_nothing_wherever_it_is_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "send_all",
		.async = &forward__async,
		.world_bytes = sizeof(struct swept),
		.set_up = swept_set_up,
		.advance = swept_advance,
		.check = swept_check,
		.tear_down = swept_tear_down,
	};

	CHECK(sweep(&scenario).suspensions > ITEMS);
}

/* ---- the same, item by item ---- */

WEFT_ASYNC_1(int, send_each, struct swept *);

struct send_each__frame {
	struct send_each__args args;
	union {
		struct weft_sink_send__frame send;
		struct weft_sink_feed__frame feed;
		struct weft_sink_flush__frame flush;
		struct weft_sink_close__frame close;
	};
	int result;
};

/* In turn they are sent, and fed. `item` counts those that were taken. */
enum weft_poll send_each__poll(void *frame, struct weft_context *cx)
{
	struct send_each__frame *f = frame;
	struct swept *swept = f->args.p0;

	weft_begin(f);
	f->result = 0;
	while (swept->item < ITEMS && f->result == 0) {
		if (swept->item % 2) {
			weft_await(f, f->send, weft_sink_send, &swept->buffer.sink, &swept->item);
			f->result = f->send.args.result;
		} else {
			weft_await(f, f->feed, weft_sink_feed, &swept->buffer.sink, &swept->item);
			f->result = f->feed.args.result;
		}
		swept->item += f->result == 0;
	}
	if (f->result == 0) {
		weft_await(f, f->flush, weft_sink_flush, &swept->buffer.sink);
		f->result = f->flush.args.result;
	}
	weft_await(f, f->close, weft_sink_close, &swept->buffer.sink);
	weft_return(f, f->result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(send_each, WEFT_ASYNC_RESULT_INT);

static void each_set_up(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft_channel_init(&swept->channel.channel, sizeof(int), 1);
	weft_sink_sender_init(&swept->sender, &swept->channel);
	weft_sink_buffer_init(&swept->buffer, &swept->sender, swept->room, 2);
	send_each__init(sweep->frame, swept);
}

static bool each_advance(struct sweep *sweep)
{
	return receive(sweep->world);
}

/* What was taken has been received, or is in the channel, or in the buffer. */
static const char *each_check(struct sweep *sweep)
{
	struct swept *swept = sweep->world;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED));
	SWEEP_EXPECT(result < 0 || swept->buffer.self.count == 0);
	while (receive(swept))
		;
	for (size_t i = 0; i < swept->buffer.self.count; i++)
		swept->received[swept->count++] = swept->room[(swept->buffer.self.first + i) % 2];
	SWEEP_EXPECT(swept->count == swept->item);
	SWEEP_EXPECT(result < 0 || swept->count == ITEMS);
	for (int i = 0; i < swept->count; i++)
		SWEEP_EXPECT(swept->received[i] == i);
	return NULL;
}

TEST(sink_takes_an_item_or_leaves_it_wherever_it_is_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "send, feed, flush, close",
		.async = &send_each__async,
		.world_bytes = sizeof(struct swept),
		.set_up = each_set_up,
		.advance = each_advance,
		.check = each_check,
		.tear_down = swept_tear_down,
	};

	CHECK(sweep(&scenario).suspensions >= ITEMS / 2);
}

TEST(sink_send_is_done_once_the_item_was_taken)
{
	union numbers channel = WEFT_CHANNEL_INIT(channel, 1);
	WEFT_SINK_OF(sender, int) sender;
	WEFT_SINK_OF(buffer, int) sink;
	struct weft_sink_send__frame send;
	struct weft_context cx = context();
	int room[1], one = 1;

	weft_sink_sender_init(&sender, &channel);
	weft_sink_buffer_init(&sink, &sender, room, 1);
	CHECK_EQ(weft_channel_try_send(&channel, &one), 0);
	weft_sink_send__init(&send.args, &sink.sink, &digits[2]);
	CHECK_EQ(weft_sink_send__poll(&send, &cx), WEFT_PENDING);
	cx.cancelled = 1;
	CHECK_EQ(weft_sink_send__poll(&send, &cx), WEFT_READY);
	CHECK_EQ(send.args.result, 0);
	CHECK_EQ(sink.self.count, 1); /* it is there, and goes with the next flush */
	weft_sink_send__init(&send.args, &sink.sink, &digits[3]);
	CHECK_EQ(weft_sink_send__poll(&send, &cx), WEFT_READY);
	CHECK_EQ(send.args.result, -ECANCELED);
	CHECK_EQ(take(&channel), 1);
	CHECK_EQ(flush(&sink.sink), 0);
	CHECK_EQ(take(&channel), 2);
	CHECK_EQ(take(&channel), -EAGAIN);
	weft_channel_finish(&channel.channel);
}
