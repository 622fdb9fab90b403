/* SPDX-License-Identifier: MIT */
/*
 * stream/sink.c: giving items to sinks, and the sinks that need no more than memory and a channel.
 *
 * How         A sink takes an item in one step, or says PENDING and has taken nothing. So who gives it
 *             keeps it until it is READY, and a cancellation in between loses nothing: no sink has to
 *             reserve room that somebody else could use meanwhile.
 *             Those in front of another sink (buffer, with) pass a close on after they have flushed.
 * Invariants  [I1] of a buffer: the oldest of `count` items is at `first`, the others follow, around.
 */
#include <errno.h>
#include <string.h>

#include <weft/sink.h>

#include "base/check.h"

/* ---- steps ---- */

enum weft_poll weft_sink_poll_feed(
		struct weft_sink *sink, struct weft_context *cx, const void *item, int *result)
{
	return sink->ops->poll_feed(sink, cx, item, result);
}

enum weft_poll weft_sink_poll_flush(struct weft_sink *sink, struct weft_context *cx, int *result)
{
	*result = 0;
	return sink->ops->poll_flush ? sink->ops->poll_flush(sink, cx, result) : WEFT_READY;
}

enum weft_poll weft_sink_poll_close(struct weft_sink *sink, struct weft_context *cx)
{
	return sink->ops->poll_close ? sink->ops->poll_close(sink, cx) : WEFT_READY;
}

static void sink_each(const struct weft_sink *sink, struct weft_visitor *visitor)
{
	if (sink->ops->each)
		sink->ops->each(sink, visitor);
	else
		visitor->unknown(visitor);
}

/* ---- futures ---- */

enum weft_poll weft_sink_feed__poll(void *frame, struct weft_context *cx)
{
	struct weft_sink_feed__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (weft_sink_poll_feed(f->args.p0, cx, f->args.p1, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result);
}

enum weft_poll weft_sink_flush__poll(void *frame, struct weft_context *cx)
{
	struct weft_sink_flush__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (weft_sink_poll_flush(f->args.p0, cx, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result);
}

enum { SEND_FRESH, SEND_FEEDS, SEND_FLUSHES };

enum weft_poll weft_sink_send__poll(void *frame, struct weft_context *cx)
{
	struct weft_sink_send__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at != SEND_FLUSHES) {
		f->args.base.at = SEND_FEEDS;
		if (weft_sink_poll_feed(f->args.p0, cx, f->args.p1, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result < 0)
			weft_return(f, result);
		f->args.base.at = SEND_FLUSHES;
	}
	if (weft_sink_poll_flush(f->args.p0, cx, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result == -ECANCELED ? 0 : result);
}

/* Gets the next item, unless one is held. READY: *result is 1, or the outcome of it all. */
static enum weft_poll send_all_next(
		struct weft_sink_send_all__args *args, struct weft_context *cx, int *result)
{
	int flushed;

	*result = 1;
	if (*args->p3)
		return WEFT_READY;
	if (weft_stream_poll_next(args->p1, cx, args->p2, result) == WEFT_PENDING) {
		if (weft_sink_poll_flush(args->p0, cx, &flushed) == WEFT_PENDING || flushed == 0)
			return WEFT_PENDING;
		*result = flushed;
		return WEFT_READY;
	}
	*args->p3 = *result > 0;
	return *result == 0 ? weft_sink_poll_flush(args->p0, cx, result) : WEFT_READY;
}

enum weft_poll weft_sink_send_all__poll(void *frame, struct weft_context *cx)
{
	struct weft_sink_send_all__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	for (;;) {
		if (send_all_next(&f->args, cx, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result <= 0)
			weft_return(f, result);
		if (weft_sink_poll_feed(f->args.p0, cx, f->args.p2, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result < 0)
			weft_return(f, result);
		*f->args.p3 = false;
	}
}

enum { CLOSE_FRESH, CLOSE_FLUSHES, CLOSE_ENDS };

enum weft_poll weft_sink_close__poll(void *frame, struct weft_context *cx)
{
	struct weft_sink_close__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at != CLOSE_ENDS) {
		f->args.base.at = CLOSE_FLUSHES;
		if (weft_sink_poll_flush(f->args.p0, cx, &f->outcome) == WEFT_PENDING)
			return WEFT_PENDING;
		f->args.base.at = CLOSE_ENDS;
	}
	if (weft_sink_poll_close(f->args.p0, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->outcome);
}

static void weft_sink_feed__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_sink_feed__frame *f = frame;

	sink_each(f->args.p0, visitor);
}

static void weft_sink_flush__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_sink_flush__frame *f = frame;

	sink_each(f->args.p0, visitor);
}

static void weft_sink_send__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_sink_send__frame *f = frame;

	sink_each(f->args.p0, visitor);
}

static void weft_sink_send_all__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_sink_send_all__frame *f = frame;

	if (!*f->args.p3)
		weft_stream_each(f->args.p1, visitor);
	else
		sink_each(f->args.p0, visitor);
}

WEFT_ASYNC_DEFINE_NEST(weft_sink_feed, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_sink_flush, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_sink_send, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_sink_send_all, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_LEAF(weft_sink_close, WEFT_ASYNC_RESULT_INT);

/* ---- array ---- */

static enum weft_poll array_poll_feed(
		struct weft_sink *sink, struct weft_context *cx, const void *item, int *result)
{
	struct weft_sink_array *array = (struct weft_sink_array *)sink;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	*result = weft_context_cancelled(cx) ? -ECANCELED : 0;
	if (*result == 0 && array->count == array->capacity)
		*result = -ENOBUFS;
	if (*result == 0)
		memcpy((char *)array->items + array->count++ * sink->item_bytes, item,
				sink->item_bytes);
	return WEFT_READY;
}

static const struct weft_sink_ops array_ops = { "array", array_poll_feed, NULL, NULL, NULL };

void weft_sink_array_init_raw(
		struct weft_sink_array *array, size_t item_bytes, void *items, size_t capacity)
{
	weft_sink_init(&array->sink, &array_ops, item_bytes);
	array->items = items;
	array->capacity = capacity;
	array->count = 0;
}

/* ---- sender ---- */

static enum weft_poll sender_poll_feed(
		struct weft_sink *sink, struct weft_context *cx, const void *item, int *result)
{
	struct weft_sink_sender *sender = (struct weft_sink_sender *)sink;
	enum weft_poll poll;

	if (!sender->waiting)
		weft_channel_send__init(&sender->send.args, sender->channel, item);
	sender->send.args.p1 = item;
	poll = weft_channel_send__poll(&sender->send, cx);
	sender->waiting = poll == WEFT_PENDING;
	if (poll == WEFT_READY)
		*result = sender->send.args.result;
	return poll;
}

/* A send that waits, for an item that is there no more: cancelled, it does not look at it. */
static enum weft_poll sender_poll_close(struct weft_sink *sink, struct weft_context *cx)
{
	struct weft_sink_sender *sender = (struct weft_sink_sender *)sink;
	uint8_t cancelled = cx->cancelled;

	if (sender->waiting) {
		cx->cancelled = cancelled ? cancelled : 1;
		sender->waiting = weft_channel_send__poll(&sender->send, cx) == WEFT_PENDING;
		cx->cancelled = cancelled;
	}
	return sender->waiting ? WEFT_PENDING : WEFT_READY;
}

static void sender_each(const struct weft_sink *sink, struct weft_visitor *visitor)
{
	struct weft_sink_sender *sender = (struct weft_sink_sender *)(uintptr_t)sink;

	if (sender->waiting)
		visitor->future(visitor, NULL, &weft_channel_send__async, &sender->send);
}

static const struct weft_sink_ops sender_ops = { "sender", sender_poll_feed, NULL,
	sender_poll_close, sender_each };

void weft_sink_sender_init_raw(
		struct weft_sink_sender *sender, size_t item_bytes, struct weft_channel *channel)
{
	weft_sink_init(&sender->sink, &sender_ops, item_bytes);
	sender->channel = channel;
	sender->waiting = false;
}

/* ---- buffer ---- */

static char *buffer_place(const struct weft_sink_buffer *buffer, size_t index)
{
	size_t place = (buffer->first + index) % buffer->capacity; /* [I1] */

	return (char *)buffer->items + place * buffer->sink.item_bytes;
}

/* Passes items on until there are none, or the other sink waits, or fails. */
static enum weft_poll buffer_drain(
		struct weft_sink_buffer *buffer, struct weft_context *cx, int *result)
{
	*result = 0;
	while (buffer->count > 0) {
		if (weft_sink_poll_feed(buffer->to, cx, buffer_place(buffer, 0), result) ==
				WEFT_PENDING)
			return WEFT_PENDING;
		if (*result < 0)
			return WEFT_READY;
		buffer->first = (buffer->first + 1) % buffer->capacity;
		buffer->count--;
	}
	return WEFT_READY;
}

static enum weft_poll buffer_poll_feed(
		struct weft_sink *sink, struct weft_context *cx, const void *item, int *result)
{
	struct weft_sink_buffer *buffer = (struct weft_sink_buffer *)sink;

	if (buffer->count == buffer->capacity) {
		enum weft_poll poll = buffer_drain(buffer, cx, result);

		if (poll == WEFT_READY && *result < 0)
			return WEFT_READY;
		if (buffer->count == buffer->capacity)
			return WEFT_PENDING;
	} else if (!weft_context_charge(cx)) {
		return WEFT_PENDING;
	}
	*result = weft_context_cancelled(cx) ? -ECANCELED : 0;
	if (*result == 0) {
		memcpy(buffer_place(buffer, buffer->count), item, sink->item_bytes);
		buffer->count++;
		WEFT_ASSERT(buffer->count <= buffer->capacity); /* [I1] */
	}
	return WEFT_READY;
}

static enum weft_poll buffer_poll_flush(
		struct weft_sink *sink, struct weft_context *cx, int *result)
{
	struct weft_sink_buffer *buffer = (struct weft_sink_buffer *)sink;

	if (buffer_drain(buffer, cx, result) == WEFT_PENDING)
		return WEFT_PENDING;
	return *result < 0 ? WEFT_READY : weft_sink_poll_flush(buffer->to, cx, result);
}

static enum weft_poll buffer_poll_close(struct weft_sink *sink, struct weft_context *cx)
{
	return weft_sink_poll_close(((struct weft_sink_buffer *)sink)->to, cx);
}

static void buffer_each(const struct weft_sink *sink, struct weft_visitor *visitor)
{
	sink_each(((const struct weft_sink_buffer *)sink)->to, visitor);
}

static const struct weft_sink_ops buffer_ops = { "buffer", buffer_poll_feed, buffer_poll_flush,
	buffer_poll_close, buffer_each };

void weft_sink_buffer_init_raw(
		struct weft_sink_buffer *buffer, struct weft_sink *to, void *items, size_t capacity)
{
	WEFT_ASSERT(capacity > 0);
	weft_sink_init(&buffer->sink, &buffer_ops, to->item_bytes);
	buffer->to = to;
	buffer->items = items;
	buffer->capacity = capacity;
	buffer->first = buffer->count = 0;
}

/* ---- with ---- */

static enum weft_poll with_poll_feed(
		struct weft_sink *sink, struct weft_context *cx, const void *item, int *result)
{
	struct weft_sink_with *with = (struct weft_sink_with *)sink;

	if (!with->made) {
		*result = with->fn(with->arg, item, with->room);
		if (*result <= 0)
			return WEFT_READY;
		with->made = true;
	}
	if (weft_sink_poll_feed(with->to, cx, with->room, result) == WEFT_PENDING)
		return WEFT_PENDING;
	with->made = false;
	return WEFT_READY;
}

static enum weft_poll with_poll_flush(struct weft_sink *sink, struct weft_context *cx, int *result)
{
	return weft_sink_poll_flush(((struct weft_sink_with *)sink)->to, cx, result);
}

static enum weft_poll with_poll_close(struct weft_sink *sink, struct weft_context *cx)
{
	return weft_sink_poll_close(((struct weft_sink_with *)sink)->to, cx);
}

static void with_each(const struct weft_sink *sink, struct weft_visitor *visitor)
{
	sink_each(((const struct weft_sink_with *)sink)->to, visitor);
}

static const struct weft_sink_ops with_ops = { "with", with_poll_feed, with_poll_flush,
	with_poll_close, with_each };

void weft_sink_with_init_raw(struct weft_sink_with *with, size_t item_bytes, struct weft_sink *to,
		void *room, weft_stream_fn fn, void *arg)
{
	weft_sink_init(&with->sink, &with_ops, item_bytes);
	with->to = to;
	with->fn = fn;
	with->arg = arg;
	with->room = room;
	with->made = false;
}
