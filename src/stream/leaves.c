/* SPDX-License-Identifier: MIT */
/*
 * stream/leaves.c: streams around a leaf that waits: of a channel, an interval, a reader, a timer.
 *
 * How         The leaf's frame is in the stream. It is awaited once for each item, and may be left
 *             waiting from one `next` to another; then only the place for the item is a new one. A
 *             close cancels it, upon which it withdraws without effect. throttle and timeout keep
 *             their timer in the wheel while items come in time: it is moved when it is needed next,
 *             or else wakes who asks once for nothing.
 * Invariants  [I1] the frame is one that has been polled and has not ended, exactly while `waiting`.
 * Not here    the leaves: sync/channel.c, sync/cancel_token.c, time/sleep.c, io/reader.c, known by
 *             their public headers only.
 */
#include <errno.h>
#include <string.h>

#include <weft/stream_leaves.h>

/* One poll of the leaf in a stream. */
static enum weft_poll leaf_poll(
		const struct weft_async *async, void *frame, bool *waiting, struct weft_context *cx)
{
	enum weft_poll poll = async->poll(frame, cx);

	*waiting = poll == WEFT_PENDING; /* [I1] */
	return poll;
}

/* READY: it has withdrawn, or has just ended. */
static enum weft_poll leaf_withdraw(
		const struct weft_async *async, void *frame, bool *waiting, struct weft_context *cx)
{
	uint8_t cancelled = cx->cancelled;
	enum weft_poll poll = WEFT_READY;

	if (!*waiting) /* [I1] */
		return WEFT_READY;
	cx->cancelled = cancelled ? cancelled : 1;
	poll = leaf_poll(async, frame, waiting, cx);
	cx->cancelled = cancelled;
	return poll;
}

static void leaf_tell(const struct weft_async *async, void *frame, bool waiting,
		struct weft_visitor *visitor)
{
	if (waiting)
		visitor->future(visitor, NULL, async, frame);
}

/* ---- messages ---- */

/* What is different about channels, broadcasts and watches. Cancelled, none of their leaves looks at
 * `item`. */
struct weft_stream_receiver_kind {
	const struct weft_async *async;
	void (*begin)(struct weft_stream_receiver *receiver, void *item);
	void (*move)(struct weft_stream_receiver *receiver, void *item);
};

static void channel_begin(struct weft_stream_receiver *receiver, void *item)
{
	weft_channel_recv__init(&receiver->leaf.channel.args, receiver->from.channel, item);
}

static void channel_move(struct weft_stream_receiver *receiver, void *item)
{
	receiver->leaf.channel.args.p1 = item;
}

static void broadcast_begin(struct weft_stream_receiver *receiver, void *item)
{
	weft_broadcast_recv__init(&receiver->leaf.broadcast.args, receiver->from.broadcast, item);
}

static void broadcast_move(struct weft_stream_receiver *receiver, void *item)
{
	receiver->leaf.broadcast.args.p1 = item;
}

static void watch_begin(struct weft_stream_receiver *receiver, void *item)
{
	weft_watch_changed__init(&receiver->leaf.watch.args, receiver->from.watch, item);
}

static void watch_move(struct weft_stream_receiver *receiver, void *item)
{
	receiver->leaf.watch.args.p1 = item;
}

static const struct weft_stream_receiver_kind of_channel = { &weft_channel_recv__async,
	channel_begin, channel_move };
static const struct weft_stream_receiver_kind of_broadcast = { &weft_broadcast_recv__async,
	broadcast_begin, broadcast_move };
static const struct weft_stream_receiver_kind of_watch = { &weft_watch_changed__async, watch_begin,
	watch_move };

static enum weft_poll receiver_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_receiver *receiver = (struct weft_stream_receiver *)stream;
	const struct weft_async *async = receiver->kind->async;

	if (receiver->waiting)
		receiver->kind->move(receiver, item);
	else
		receiver->kind->begin(receiver, item);
	if (leaf_poll(async, &receiver->leaf, &receiver->waiting, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	memcpy(result, (char *)&receiver->leaf + async->result_offset, sizeof *result);
	if (*result == -EPIPE)
		*result = 0;
	else if (*result == 0)
		*result = 1;
	return WEFT_READY;
}

static enum weft_poll receiver_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_receiver *receiver = (struct weft_stream_receiver *)stream;

	return leaf_withdraw(receiver->kind->async, &receiver->leaf, &receiver->waiting, cx);
}

static void receiver_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_receiver *receiver = (struct weft_stream_receiver *)(uintptr_t)stream;

	leaf_tell(receiver->kind->async, &receiver->leaf, receiver->waiting, visitor);
}

static const struct weft_stream_ops receiver_ops = { "receiver", receiver_poll_next, NULL,
	receiver_poll_close, receiver_each };

static void receiver_init(struct weft_stream_receiver *receiver, size_t item_bytes,
		const struct weft_stream_receiver_kind *kind)
{
	weft_stream_init(&receiver->stream, &receiver_ops, NULL, item_bytes);
	receiver->kind = kind;
	receiver->waiting = false;
}

void weft_stream_receiver_init_raw(struct weft_stream_receiver *receiver, size_t item_bytes,
		struct weft_channel *channel)
{
	receiver_init(receiver, item_bytes, &of_channel);
	receiver->from.channel = channel;
}

void weft_stream_broadcast_init_raw(struct weft_stream_receiver *receiver, size_t item_bytes,
		struct weft_broadcast_receiver *from)
{
	receiver_init(receiver, item_bytes, &of_broadcast);
	receiver->from.broadcast = from;
}

void weft_stream_watch_init_raw(struct weft_stream_receiver *receiver, size_t item_bytes,
		struct weft_watch_receiver *from)
{
	receiver_init(receiver, item_bytes, &of_watch);
	receiver->from.watch = from;
}

/* ---- ticks ---- */

static enum weft_poll ticks_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_ticks *ticks = (struct weft_stream_ticks *)stream;

	if (!ticks->waiting)
		weft_interval_tick__init(&ticks->tick.args, ticks->interval, item);
	ticks->tick.args.p1 = item;
	if (leaf_poll(&weft_interval_tick__async, &ticks->tick, &ticks->waiting, cx) ==
			WEFT_PENDING)
		return WEFT_PENDING;
	*result = ticks->tick.args.result < 0 ? ticks->tick.args.result : 1;
	return WEFT_READY;
}

static enum weft_poll ticks_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_ticks *ticks = (struct weft_stream_ticks *)stream;
	int64_t due_ns; /* if it has come just now, nobody wants it */

	ticks->tick.args.p1 = &due_ns;
	return leaf_withdraw(&weft_interval_tick__async, &ticks->tick, &ticks->waiting, cx);
}

static void ticks_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_ticks *ticks = (struct weft_stream_ticks *)(uintptr_t)stream;

	leaf_tell(&weft_interval_tick__async, &ticks->tick, ticks->waiting, visitor);
}

static const struct weft_stream_ops ticks_ops = { "ticks", ticks_poll_next, NULL, ticks_poll_close,
	ticks_each };

void weft_stream_ticks_init_raw(struct weft_stream_ticks *ticks, struct weft_interval *interval)
{
	weft_stream_init(&ticks->stream, &ticks_ops, NULL, sizeof(int64_t));
	ticks->interval = interval;
	ticks->waiting = false;
}

/* ---- lines ---- */

static void line_trim(struct weft_line *line)
{
	if (line->count && line->bytes[line->count - 1] == '\n') {
		line->count--;
		if (line->count && line->bytes[line->count - 1] == '\r')
			line->count--;
	}
}

static enum weft_poll lines_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_lines *lines = (struct weft_stream_lines *)stream;
	struct weft_line *line = item;
	ssize_t count;

	if (!lines->waiting)
		weft_reader_read_until__init(&lines->read.args, lines->reader, '\n', &line->bytes);
	lines->read.args.p2 = &line->bytes;
	if (leaf_poll(&weft_reader_read_until__async, &lines->read, &lines->waiting, cx) ==
			WEFT_PENDING)
		return WEFT_PENDING;
	count = lines->read.args.result;
	*result = count < 0 ? (int)count : count > 0;
	if (count > 0) {
		line->count = (size_t)count;
		line_trim(line);
	}
	return WEFT_READY;
}

static enum weft_poll lines_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_lines *lines = (struct weft_stream_lines *)stream;
	bool waited = lines->waiting;
	const char *bytes;

	lines->read.args.p2 = &bytes;
	if (leaf_withdraw(&weft_reader_read_until__async, &lines->read, &lines->waiting, cx) ==
			WEFT_PENDING)
		return WEFT_PENDING;
	if (waited && lines->read.args.result > 0) /* it has come just now: it is not read yet */
		lines->reader->begin -= (uint32_t)lines->read.args.result;
	return WEFT_READY;
}

static void lines_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_lines *lines = (struct weft_stream_lines *)(uintptr_t)stream;

	leaf_tell(&weft_reader_read_until__async, &lines->read, lines->waiting, visitor);
}

static const struct weft_stream_ops lines_ops = { "lines", lines_poll_next, NULL, lines_poll_close,
	lines_each };

void weft_stream_lines_init_raw(struct weft_stream_lines *lines, struct weft_reader *reader)
{
	weft_stream_init(&lines->stream, &lines_ops, NULL, sizeof(struct weft_line));
	lines->reader = reader;
	lines->waiting = false;
}

/* ---- throttle ---- */

static enum weft_poll throttle_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_throttle *throttle = (struct weft_stream_throttle *)stream;

	if (throttle->paused) {
		if (!throttle->waiting)
			weft_sleep_until__init(&throttle->sleep.args, throttle->next_ns);
		if (leaf_poll(&weft_sleep_until__async, &throttle->sleep, &throttle->waiting, cx) ==
				WEFT_PENDING)
			return WEFT_PENDING;
		*result = throttle->sleep.args.result;
		if (*result < 0)
			return WEFT_READY;
		throttle->paused = false;
	}
	if (weft_stream_poll_next(stream->source, cx, item, result) == WEFT_PENDING)
		return WEFT_PENDING;
	throttle->paused = *result > 0;
	if (throttle->paused)
		throttle->next_ns = weft_deadline_after(weft_now(cx), throttle->period_ns);
	return WEFT_READY;
}

static struct weft_size_hint timed_size_hint(const struct weft_stream *stream)
{
	return weft_stream_poll_size_hint(stream->source);
}

static enum weft_poll throttle_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_throttle *throttle = (struct weft_stream_throttle *)stream;

	return leaf_withdraw(&weft_sleep_until__async, &throttle->sleep, &throttle->waiting, cx);
}

static void throttle_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_throttle *throttle = (struct weft_stream_throttle *)(uintptr_t)stream;

	leaf_tell(&weft_sleep_until__async, &throttle->sleep, throttle->waiting, visitor);
	weft_stream_each(stream->source, visitor);
}

static const struct weft_stream_ops throttle_ops = { "throttle", throttle_poll_next,
	timed_size_hint, throttle_poll_close, throttle_each };

void weft_stream_throttle_init_raw(
		struct weft_stream_throttle *throttle, struct weft_stream *from, int64_t period_ns)
{
	weft_stream_init(&throttle->stream, &throttle_ops, from, from->item_bytes);
	throttle->period_ns = period_ns;
	throttle->waiting = throttle->paused = false;
}

/* ---- timeout ---- */

/* The source waits. READY: the time is over, or there is no timer: *result. */
static enum weft_poll timed_wait(
		struct weft_stream_timeout *timeout, struct weft_context *cx, int *result)
{
	if (!timeout->asked) {
		int64_t deadline_ns = weft_deadline_after(weft_now(cx), timeout->timeout_ns);

		if (timeout->waiting)
			weft_sleep_until_reset(&timeout->sleep, deadline_ns);
		else
			weft_sleep_until__init(&timeout->sleep.args, deadline_ns);
		timeout->asked = true;
	}
	if (leaf_poll(&weft_sleep_until__async, &timeout->sleep, &timeout->waiting, cx) ==
			WEFT_PENDING)
		return WEFT_PENDING;
	*result = timeout->sleep.args.result < 0 ? timeout->sleep.args.result : -ETIME;
	return WEFT_READY;
}

static enum weft_poll timeout_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_timeout *timeout = (struct weft_stream_timeout *)stream;

	if (weft_stream_poll_next(stream->source, cx, item, result) == WEFT_PENDING &&
			timed_wait(timeout, cx, result) == WEFT_PENDING)
		return WEFT_PENDING;
	timeout->asked = false;
	return WEFT_READY;
}

static enum weft_poll timeout_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_timeout *timeout = (struct weft_stream_timeout *)stream;

	return leaf_withdraw(&weft_sleep_until__async, &timeout->sleep, &timeout->waiting, cx);
}

static void timeout_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_timeout *timeout = (struct weft_stream_timeout *)(uintptr_t)stream;

	leaf_tell(&weft_sleep_until__async, &timeout->sleep, timeout->waiting, visitor);
	weft_stream_each(stream->source, visitor);
}

static const struct weft_stream_ops timeout_ops = { "timeout", timeout_poll_next, timed_size_hint,
	timeout_poll_close, timeout_each };

void weft_stream_timeout_init_raw(
		struct weft_stream_timeout *timeout, struct weft_stream *from, int64_t timeout_ns)
{
	weft_stream_init(&timeout->stream, &timeout_ops, from, from->item_bytes);
	timeout->timeout_ns = timeout_ns;
	timeout->waiting = timeout->asked = false;
}

/* ---- chunks, with a timeout ---- */

static enum weft_poll chunks_timeout_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_chunks_timeout *timed = (struct weft_stream_chunks_timeout *)stream;
	enum weft_poll poll = weft_stream_poll_next(stream->source, cx, item, result);

	if (poll == WEFT_PENDING && timed->chunks.count > 0)
		poll = timed_wait(&timed->timeout, cx, result);
	if (poll == WEFT_READY && *result == -ETIME && timed->timeout.asked) {
		timed->chunks.ready_only = true; /* so it gives what it has */
		poll = weft_stream_poll_next(stream->source, cx, item, result);
		timed->chunks.ready_only = false;
	}
	if (poll == WEFT_READY && *result != -ECANCELED)
		timed->timeout.asked = false;
	return poll;
}

static struct weft_size_hint chunks_timeout_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_chunks_timeout *timed =
			(const struct weft_stream_chunks_timeout *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(stream->source);
	struct weft_size_hint items = weft_stream_poll_size_hint(timed->chunks.stream.source);

	hint.most = items.most; /* each may be late */
	if (hint.most != WEFT_UNKNOWN && !timed->chunks.handed)
		hint.most += timed->chunks.count > 0;
	return hint;
}

static const struct weft_stream_ops chunks_timeout_ops = { "chunks_timeout",
	chunks_timeout_poll_next, chunks_timeout_size_hint, timeout_poll_close, timeout_each };

void weft_stream_chunks_timeout_init_raw(struct weft_stream_chunks_timeout *timed,
		struct weft_stream *from, void *buffer, size_t capacity, int64_t timeout_ns)
{
	weft_stream_chunks_init_raw(&timed->chunks, from, buffer, capacity);
	weft_stream_timeout_init_raw(&timed->timeout, &timed->chunks.stream, timeout_ns);
	timed->timeout.stream.ops = &chunks_timeout_ops;
}

/* ---- until a token is cancelled ---- */

static enum weft_poll take_until_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_take_until *take = (struct weft_stream_take_until *)stream;

	/* else it would withdraw: the source says what becomes of us */
	if (!weft_context_cancelled(cx)) {
		if (!take->waiting)
			weft_cancel_token_wait__init(&take->wait.args, take->token);
		if (leaf_poll(&weft_cancel_token_wait__async, &take->wait, &take->waiting, cx) ==
				WEFT_READY) {
			*result = 0;
			return WEFT_READY;
		}
	}
	return weft_stream_poll_next(stream->source, cx, item, result);
}

static struct weft_size_hint take_until_size_hint(const struct weft_stream *stream)
{
	struct weft_size_hint hint = timed_size_hint(stream);

	hint.least = 0;
	return hint;
}

static enum weft_poll take_until_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_take_until *take = (struct weft_stream_take_until *)stream;

	return leaf_withdraw(&weft_cancel_token_wait__async, &take->wait, &take->waiting, cx);
}

static void take_until_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	struct weft_stream_take_until *take = (struct weft_stream_take_until *)(uintptr_t)stream;

	leaf_tell(&weft_cancel_token_wait__async, &take->wait, take->waiting, visitor);
	weft_stream_each(stream->source, visitor);
}

static const struct weft_stream_ops take_until_ops = { "take_until", take_until_poll_next,
	take_until_size_hint, take_until_poll_close, take_until_each };

void weft_stream_take_until_init_raw(struct weft_stream_take_until *take, struct weft_stream *from,
		struct weft_cancel_token *token)
{
	weft_stream_init(&take->stream, &take_until_ops, from, from->item_bytes);
	take->token = token;
	take->waiting = false;
}
