/* SPDX-License-Identifier: MIT */
/* Streams that wait themselves, polled by hand: messages, ticks and lines; throttle and timeout; and
 * that nothing is lost, and nothing left, when they are cancelled or closed at any moment. */
#include <string.h>

#include <weft/stream_leaves.h>
#include <weft/stream_merge.h>

#include "stutter.h"
#include "sweep.h"
#include "test.h"

static const int digits[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

WEFT_CHANNEL(numbers, int);

/* An env with a wheel, whose clock the test sets. */
struct desk {
	struct probe probe;
	struct probe_env env;
	struct weft_strand strand;
	struct weft_wheel wheel;
};

static struct desk desk;

static void desk_init(void)
{
	desk = (struct desk){ .probe = PROBE, .env = PROBE_ENV(1000) };
	weft__wheel_init(&desk.wheel, 1000);
	desk.env.env.wheel = &desk.wheel;
}

static void pass(int64_t ns)
{
	desk.env.now_ns += ns;
	weft__wheel_expire(&desk.wheel, desk.env.now_ns);
}

static int ask_as(struct weft_stream *stream, void *item, bool cancelled)
{
	struct weft_context cx = probe_context(&desk.probe, &desk.env, &desk.strand);
	int result;

	cx.cancelled = cancelled;
	if (weft_stream_poll_next(stream, &cx, item, &result) == WEFT_PENDING)
		return INT_MAX;
	return result;
}

static int ask(struct weft_stream *stream, void *item)
{
	return ask_as(stream, item, false);
}

static void finish(struct weft_stream *stream)
{
	struct weft_context cx = probe_context(&desk.probe, &desk.env, &desk.strand);

	while (weft_stream_poll_close(stream, &cx) == WEFT_PENDING)
		;
	CHECK_EQ(desk.wheel.count, 0);
	CHECK(probe_balanced(&desk.probe));
}

/* ---- time ---- */

TEST(stream_ticks_are_those_of_the_interval)
{
	struct weft_interval interval = weft_interval_make(1000, 50, WEFT_TICK_BURST);
	WEFT_STREAM_OF(ticks, int64_t) ticks;
	int64_t due, other;

	desk_init();
	weft_stream_ticks_init(&ticks, &interval);
	CHECK(ask(&ticks.stream, &due) == 1 && due == 1000);
	CHECK_EQ(ask(&ticks.stream, &due), INT_MAX);
	pass(40);
	CHECK_EQ(ask_as(&ticks.stream, &due, true), -ECANCELED);
	CHECK_EQ(ask(&ticks.stream, &due), INT_MAX);
	pass(10);
	CHECK(ask(&ticks.stream, &other) == 1 &&
			other == 1050); /* it goes where it is wanted now */
	CHECK_EQ(ask(&ticks.stream, &due), INT_MAX);
	finish(&ticks.stream);
	CHECK_EQ(ask(&ticks.stream, &due), 0);
}

TEST(stream_throttle_keeps_items_apart)
{
	WEFT_STREAM_OF(iter, int) source;
	WEFT_STREAM_OF(throttle, int) slow;
	int item;

	desk_init();
	weft_stream_iter_init(&source, digits, 3);
	weft_stream_throttle_init(&slow, &source, 100);
	CHECK_EQ(weft_stream_size_hint(&slow).most, 3);
	CHECK(ask(&slow.stream, &item) == 1 && item == 0);
	pass(30);
	CHECK_EQ(ask(&slow.stream, &item), INT_MAX);
	CHECK_EQ(ask_as(&slow.stream, &item, true), -ECANCELED);
	pass(69);
	CHECK_EQ(ask(&slow.stream, &item), INT_MAX);
	CHECK_EQ(source.self.left, 2); /* it is not asked before the time */
	pass(1);
	CHECK(ask(&slow.stream, &item) == 1 && item == 1);
	pass(500);
	CHECK(ask(&slow.stream, &item) == 1 && item == 2);
	CHECK_EQ(ask(&slow.stream, &item), INT_MAX);
	finish(&slow.stream);
}

TEST(stream_timeout_stands_in_place_of_a_late_item)
{
	stutter_stream source;
	WEFT_STREAM_OF(timeout, int) soon;
	int item;

	desk_init();
	stutter_init(&source.self, digits, 2);
	weft_stream_timeout_init(&soon, &source, 100);
	CHECK_EQ(ask(&soon.stream, &item), INT_MAX);
	pass(99);
	stutter_advance(&source.self);
	CHECK(ask(&soon.stream, &item) == 1 && item == 0);
	pass(1); /* the old deadline */
	CHECK_EQ(ask(&soon.stream, &item), INT_MAX);
	pass(99);
	CHECK_EQ(ask(&soon.stream, &item), INT_MAX);
	pass(1);
	CHECK_EQ(ask(&soon.stream, &item), -ETIME);
	CHECK_EQ(ask(&soon.stream, &item), INT_MAX);
	CHECK_EQ(ask_as(&soon.stream, &item, true), -ECANCELED);
	CHECK_EQ(ask(&soon.stream, &item), INT_MAX);
	pass(100);
	stutter_advance(&source.self);
	CHECK(ask(&soon.stream, &item) == 1 && item == 1); /* what is there wins, however late */
	finish(&soon.stream);
	CHECK_EQ(source.self.closed, 1);
}

TEST(stream_chunks_with_a_timeout_do_not_wait_for_more_than_that)
{
	static const int items[] = { 1, 2, 3, 4, 5, STUTTER_ERROR };
	stutter_stream source;
	WEFT_STREAM_OF(chunks_timeout, struct weft_chunk) chunks;
	struct weft_chunk chunk;
	int buffer[3];

	desk_init();
	stutter_init(&source.self, items, 6);
	weft_stream_chunks_timeout_init(&chunks, &source, buffer, 3, 100);
	CHECK_EQ(weft_stream_size_hint(&chunks).least, 2);
	CHECK_EQ(weft_stream_size_hint(&chunks).most, 6);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	pass(500); /* there is nothing to be late */
	for (int i = 0; i < 3; i++) {
		stutter_advance(&source.self);
		CHECK_EQ(ask(&chunks.stream, &chunk), i < 2 ? INT_MAX : 1);
		/* the chunk that is begun, until it is given, and those of one item */
		CHECK_EQ(weft_stream_size_hint(&chunks).most, i < 2 ? 6 - i : 3);
		pass(40);
	}
	CHECK(chunk.items == buffer && chunk.count == 3);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	pass(500);
	stutter_advance(&source.self);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX); /* a new chunk, and a new time */
	pass(99);
	CHECK_EQ(ask_as(&chunks.stream, &chunk, true), -ECANCELED);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	pass(1);
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 1 && buffer[0] == 4);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self); /* the error; what has come goes before it */
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 1 && buffer[0] == 5);
	CHECK_EQ(ask(&chunks.stream, &chunk), -EIO);
	finish(&chunks.stream);
	CHECK_EQ(source.self.closed, 1);
}

TEST(stream_is_taken_until_a_token_is_cancelled)
{
	stutter_stream source;
	WEFT_STREAM_OF(take_until, int) some;
	struct weft_cancel_token token = WEFT_CANCEL_TOKEN_INIT;
	int item;

	desk_init();
	stutter_init(&source.self, digits, 4);
	weft_stream_take_until_init(&some, &source, &token);
	CHECK_EQ(weft_stream_size_hint(&some).least, 0);
	CHECK_EQ(ask(&some.stream, &item), INT_MAX);
	stutter_advance(&source.self);
	CHECK(ask(&some.stream, &item) == 1 && item == 0);
	CHECK_EQ(ask_as(&some.stream, &item, true), -ECANCELED);
	CHECK_EQ(ask(&some.stream, &item), INT_MAX);
	stutter_advance(&source.self);
	CHECK(ask(&some.stream, &item) == 1 && item == 1);
	CHECK_EQ(ask(&some.stream, &item), INT_MAX);
	weft_cancel_token_cancel(&token);
	CHECK(probe_wakes(&desk.probe) > 0);
	stutter_advance(&source.self); /* too late */
	while (ask(&some.stream, &item) == INT_MAX)
		; /* the source's close takes two polls */
	CHECK_EQ(ask(&some.stream, &item), 0);
	CHECK_EQ(source.self.closed, 1);
	finish(&some.stream);
}

TEST(stream_timers_need_a_runtime)
{
	stutter_stream source;
	WEFT_STREAM_OF(timeout, int) soon;
	int item;

	desk_init();
	desk.env.env.wheel = NULL;
	stutter_init(&source.self, digits, 2);
	weft_stream_timeout_init(&soon, &source, 100);
	CHECK_EQ(ask(&soon.stream, &item), -ENXIO);
	finish(&soon.stream);
}

/* ---- messages ---- */

TEST(stream_receiver_gives_messages_until_the_channel_is_closed)
{
	union numbers channel = WEFT_CHANNEL_INIT(channel, 4);
	WEFT_STREAM_OF(receiver, int) receiver;
	int item, five = 5;

	desk_init();
	weft_stream_receiver_init(&receiver, &channel);
	CHECK_EQ(ask(&receiver.stream, &item), INT_MAX);
	CHECK_EQ(weft_channel_try_send(&channel, &five), 0);
	CHECK_EQ(probe_wakes(&desk.probe), 1);
	CHECK(ask(&receiver.stream, &item) == 1 && item == 5);
	CHECK_EQ(ask(&receiver.stream, &item), INT_MAX);
	CHECK_EQ(weft_channel_try_send(&channel, &five), 0);
	weft_channel_close(&channel.channel);
	CHECK(ask(&receiver.stream, &item) == 1 && item == 5);
	CHECK_EQ(ask(&receiver.stream, &item), 0);
	finish(&receiver.stream);
	weft_channel_finish(&channel.channel);
}

TEST(stream_receiver_that_is_closed_leaves_messages_to_others)
{
	union numbers channel = WEFT_CHANNEL_INIT(channel, 4);
	WEFT_STREAM_OF(receiver, int) one, other;
	int item, five = 5;

	desk_init();
	weft_stream_receiver_init(&one, &channel);
	weft_stream_receiver_init(&other, &channel);
	CHECK_EQ(ask(&one.stream, &item), INT_MAX);
	CHECK_EQ(ask(&other.stream, &item), INT_MAX);
	CHECK_EQ(weft_channel_try_send(&channel, &five), 0); /* wakes the first */
	finish(&one.stream);
	CHECK(ask(&other.stream, &item) == 1 && item == 5);
	finish(&other.stream);
	weft_channel_finish(&channel.channel);
}

WEFT_BROADCAST(news, int);
WEFT_WATCH(setting, int);

TEST(stream_of_a_broadcast_says_what_it_missed)
{
	int ring[2];
	union news news = WEFT_BROADCAST_INIT(news, ring);
	union news_receiver subscription;
	WEFT_STREAM_OF(receiver, int) stream;
	int item;

	desk_init();
	weft_broadcast_subscribe(&news, &subscription);
	weft_stream_broadcast_init(&stream, &subscription);
	CHECK_EQ(ask(&stream.stream, &item), INT_MAX);
	CHECK_EQ(ask_as(&stream.stream, &item, true), -ECANCELED);
	CHECK_EQ(ask(&stream.stream, &item), INT_MAX);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(weft_broadcast_send(&news, &digits[i]), 0);
	CHECK_EQ(ask(&stream.stream, &item), -EOVERFLOW);
	CHECK(ask(&stream.stream, &item) == 1 && item == 1);
	weft_broadcast_close(&news.broadcast);
	CHECK(ask(&stream.stream, &item) == 1 && item == 2);
	CHECK_EQ(ask(&stream.stream, &item), 0);
	finish(&stream.stream);
	weft_broadcast_unsubscribe(&subscription.receiver);
}

TEST(stream_of_a_watch_gives_the_latest)
{
	int place = 1;
	union setting setting = WEFT_WATCH_INIT(setting, &place);
	union setting_receiver subscription;
	WEFT_STREAM_OF(receiver, int) stream;
	int item;

	desk_init();
	weft_watch_subscribe(&setting, &subscription);
	weft_stream_watch_init(&stream, &subscription);
	CHECK_EQ(ask(&stream.stream, &item), INT_MAX);
	CHECK_EQ(weft_watch_send(&setting, &digits[2]), 0);
	CHECK_EQ(weft_watch_send(&setting, &digits[3]), 0);
	CHECK(ask(&stream.stream, &item) == 1 && item == 3);
	CHECK_EQ(ask(&stream.stream, &item), INT_MAX);
	CHECK_EQ(weft_watch_send(&setting, &digits[4]), 0);
	finish(&stream.stream); /* which has not seen it */
	CHECK_EQ(weft_watch_has_changed(&subscription.receiver), 1);
	weft_watch_unsubscribe(&subscription.receiver);
}

/* ---- lines ---- */

/* Bytes that come in pieces of three, each of which has to be waited for. */
struct script {
	const char *text;
	bool ready;
	struct weft_waker waker;
};

static enum weft_poll script_read(struct weft_io io, struct weft_context *cx, bool *waiting,
		void *buffer, size_t size, ssize_t *result)
{
	struct script *script = io.object;
	size_t count = strlen(script->text);

	script->waker.ops = NULL;
	*result = -ECANCELED;
	if (!script->ready && !weft_context_cancelled(cx)) {
		script->waker = *weft_context_waker(cx);
		*waiting = true;
		return WEFT_PENDING;
	}
	*waiting = false;
	if (!script->ready)
		return WEFT_READY;
	count = count < 3 ? count : 3;
	count = count < size ? count : size;
	*result = (ssize_t)count;
	if (!buffer)
		return WEFT_READY;
	memcpy(buffer, script->text, count);
	script->text += count;
	script->ready = false;
	return WEFT_READY;
}

static const struct weft_io_ops script_ops = { "script", script_read, NULL };

static bool script_advance(struct script *script)
{
	struct weft_waker waker = script->waker;

	if (!waker.ops)
		return false;
	script->waker.ops = NULL;
	script->ready = true;
	weft_waker_commit(weft_waker_claim(&waker));
	return true;
}

static const char text[] = "a line\r\n\nthe third\nand no end";
static const char *const lines_of_text[] = { "a line", "", "the third", "and no end" };

struct reading {
	struct script script;
	struct weft_reader reader;
	WEFT_STREAM_OF(lines, struct weft_line) lines;
	int count;
};

static void reading_init(struct reading *reading)
{
	struct weft_io io = { &script_ops, &reading->script, 0 };

	reading->script = (struct script){ text, false, { NULL, NULL } };
	weft_reader_init(&reading->reader, io);
	weft_stream_lines_init(&reading->lines, &reading->reader);
	reading->count = 0;
}

static bool is_line(const struct weft_line *line, const char *expected)
{
	return line->count == strlen(expected) && memcmp(line->bytes, expected, line->count) == 0;
}

TEST(stream_lines_come_without_their_ends)
{
	struct reading reading;
	struct weft_line line;
	int result;

	desk_init();
	reading_init(&reading);
	while ((result = ask(&reading.lines.stream, &line)) != 0) {
		if (result == INT_MAX) {
			CHECK_EQ(ask_as(&reading.lines.stream, &line, true), -ECANCELED);
			CHECK_EQ(ask(&reading.lines.stream, &line), INT_MAX);
			CHECK(script_advance(&reading.script));
			continue;
		}
		CHECK_EQ(result, 1);
		CHECK(is_line(&line, lines_of_text[reading.count++]));
	}
	CHECK_EQ(reading.count, 4);
	weft_reader_finish(&reading.reader);
	CHECK(probe_env_balanced(&desk.env));
}

TEST(stream_lines_that_are_closed_leave_the_line_that_has_just_come)
{
	struct reading reading;
	struct weft_line line;

	desk_init();
	reading_init(&reading);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(ask(&reading.lines.stream, &line), INT_MAX);
		CHECK(script_advance(&reading.script));
	}
	finish(&reading.lines.stream);
	CHECK(weft_reader_buffered(&reading.reader) >= 6);
	weft_stream_lines_init(&reading.lines, &reading.reader);
	CHECK(ask(&reading.lines.stream, &line) == 1 && is_line(&line, "a line"));
	weft_reader_finish(&reading.reader);
}

/* ---- swept: merged messages and ticks, throttled, with a timeout ---- */

struct swept {
	struct weft_wheel wheel;
	union numbers channel;
	WEFT_STREAM_OF(receiver, int) receiver;
	stutter_stream stutter;
	WEFT_STREAM_OF(throttle, int) throttled;
	WEFT_STREAM_OF(merge, int) merged;
	WEFT_STREAM_OF(timeout, int) soon;
	WEFT_STREAM_OF(chunks_timeout, struct weft_chunk) chunks;
	WEFT_STREAM_OF(take_until, struct weft_chunk) some;
	struct weft_cancel_token token;
	int sent, count, times_out, item, buffer[2];
};

WEFT_ASYNC_1(int, consume, struct swept *);

struct consume__frame {
	struct consume__args args;
	union {
		struct weft_stream_next__frame next;
		struct weft_stream_close__frame close;
	};
	int result;
};

enum weft_poll consume__poll(void *frame, struct weft_context *cx)
{
	struct consume__frame *f = frame;
	struct swept *swept = f->args.p0;

	weft_begin(f);
	do {
		weft_await(f, f->next, weft_stream_next, &swept->soon.stream, &swept->item);
		f->result = f->next.args.result;
		swept->count += f->result > 0;
		swept->times_out += f->result == -ETIME;
	} while (f->result > 0 || f->result == -ETIME);
	weft_await(f, f->close, weft_stream_close, &swept->soon.stream);
	weft_return(f, f->result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(consume, WEFT_ASYNC_RESULT_INT);

static void swept_set_up(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft__wheel_init(&swept->wheel, 0);
	sweep->env.env.wheel = &swept->wheel;
	weft_channel_init(&swept->channel.channel, sizeof(int), 4);
	weft_stream_receiver_init(&swept->receiver, &swept->channel);
	stutter_init(&swept->stutter.self, digits, 3);
	weft_stream_throttle_init(&swept->throttled, &swept->stutter, 100);
	weft_stream_merge_init(&swept->merged, &swept->receiver, &swept->throttled);
	weft_stream_timeout_init(&swept->soon, &swept->merged, 70);
	consume__init(sweep->frame, swept);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	sweep->env.now_ns += 30;
	weft__wheel_expire(&swept->wheel, sweep->env.now_ns);
	if (sweep->env.now_ns % 120 == 0)
		stutter_advance(&swept->stutter.self);
	if (sweep->env.now_ns % 150 == 0 && swept->sent < 3 &&
			weft_channel_try_send(&swept->channel, &digits[swept->sent]) == 0)
		swept->sent++;
	if (sweep->env.now_ns == 900)
		weft_channel_close(&swept->channel.channel);
	return sweep->env.now_ns < 3000;
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept *swept = sweep->world;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED));
	SWEEP_EXPECT(swept->stutter.self.closed == 1);
	if (result == 0)
		SWEEP_EXPECT(swept->count == 6);
	if (!sweep->cancelled)
		SWEEP_EXPECT(swept->times_out > 0);
	return NULL;
}

static void swept_tear_down(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft_channel_finish(&swept->channel.channel);
}

TEST(streams_of_leaves_leave_nothing_wherever_they_are_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "messages and ticks",
		.async = &consume__async,
		.world_bytes = sizeof(struct swept),
		.set_up = swept_set_up,
		.advance = swept_advance,
		.check = swept_check,
		.tear_down = swept_tear_down,
	};

	CHECK(sweep(&scenario).suspensions > 10);
}

/* ---- swept: chunks that are late, until a token is cancelled ---- */

WEFT_ASYNC_1(int, consume_chunks, struct swept *);

struct consume_chunks__frame {
	struct consume_chunks__args args;
	union {
		struct weft_stream_next__frame next;
		struct weft_stream_close__frame close;
	};
	struct weft_chunk chunk;
	int result;
};

enum weft_poll consume_chunks__poll(void *frame, struct weft_context *cx)
{
	struct consume_chunks__frame *f = frame;
	struct swept *swept = f->args.p0;

	weft_begin(f);
	do {
		weft_await(f, f->next, weft_stream_next, &swept->some.stream, &f->chunk);
		f->result = f->next.args.result;
		swept->times_out += f->result > 0 && f->chunk.count == 1;
		for (size_t i = 0; f->result > 0 && i < f->chunk.count;
				i++) /* each once, in order */
			swept->count += ((const int *)f->chunk.items)[i] == digits[swept->count];
	} while (f->result > 0);
	weft_await(f, f->close, weft_stream_close, &swept->some.stream);
	weft_return(f, f->result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(consume_chunks, WEFT_ASYNC_RESULT_INT);

static void chunked_set_up(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft__wheel_init(&swept->wheel, 0);
	sweep->env.env.wheel = &swept->wheel;
	weft_cancel_token_init(&swept->token);
	stutter_init(&swept->stutter.self, digits, 9);
	weft_stream_chunks_timeout_init(&swept->chunks, &swept->stutter, swept->buffer, 2, 70);
	weft_stream_take_until_init(&swept->some, &swept->chunks, &swept->token);
	consume_chunks__init(sweep->frame, swept);
}

/* Two in time, one that stays alone; and the end before all have come. */
static bool chunked_advance(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	sweep->env.now_ns += 30;
	weft__wheel_expire(&swept->wheel, sweep->env.now_ns);
	if (sweep->env.now_ns % 150 == 0 || sweep->env.now_ns % 450 == 30)
		stutter_advance(&swept->stutter.self);
	if (sweep->env.now_ns == 900)
		weft_cancel_token_cancel(&swept->token);
	return sweep->env.now_ns < 3000;
}

static const char *chunked_check(struct sweep *sweep)
{
	struct swept *swept = sweep->world;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED));
	SWEEP_EXPECT(swept->stutter.self.closed == 1);
	SWEEP_EXPECT(swept->count <= (int)swept->stutter.self.next);
	if (!sweep->cancelled)
		SWEEP_EXPECT(swept->times_out > 0 && swept->count > swept->times_out);
	return NULL;
}

TEST(streams_of_late_chunks_leave_nothing_wherever_they_are_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "late chunks",
		.async = &consume_chunks__async,
		.world_bytes = sizeof(struct swept),
		.set_up = chunked_set_up,
		.advance = chunked_advance,
		.check = chunked_check,
	};

	CHECK(sweep(&scenario).suspensions > 5);
}
