/* SPDX-License-Identifier: MIT */
/*
 * stream/stream.c: asking a stream, closing it, and who asks it to its end.
 *
 * How         Three states, of each stream for itself:
 *
 *                 OPEN --poll_next gives 0, or somebody closes--> CLOSING --all closed--> CLOSED
 *
 *             CLOSING polls the table's poll_close, then closes the source in the same way; so what a
 *             stream has started has ended before what it reads from is closed. Every poll goes through
 *             here, whence all streams give their end again and again, and an adaptor that ends before
 *             its source (take) need not know how to close it.
 * Invariants  [I1] a stream that is not OPEN is not asked any more.
 *             [I2] whoever says CLOSED has nothing below that is not.
 * Cost        a call through the table for each stream that an item passes.
 */
#include <weft/stream.h>

#include "base/check.h"

enum { STREAM_OPEN, STREAM_CLOSING, STREAM_CLOSED };

enum weft_poll weft_stream_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	if (stream->state == STREAM_CLOSED || !stream->ops) /* all zero: there is none */
		return WEFT_READY;
	if (stream->state == STREAM_OPEN)
		stream->state = STREAM_CLOSING;
	WEFT_ASSERT(stream->state == STREAM_CLOSING);
	if (stream->ops->poll_close && stream->ops->poll_close(stream, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if (stream->source && weft_stream_poll_close(stream->source, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	stream->state = STREAM_CLOSED; /* [I2] */
	return WEFT_READY;
}

enum weft_poll weft_stream_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	if (stream->state == STREAM_OPEN) { /* [I1] */
		if (stream->ops->poll_next(stream, cx, item, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result > 0)
			*result = 1;
		if (*result != 0)
			return WEFT_READY;
	}
	*result = 0;
	return weft_stream_poll_close(stream, cx);
}

struct weft_size_hint weft_stream_poll_size_hint(const struct weft_stream *stream)
{
	struct weft_size_hint unknown = { 0, WEFT_UNKNOWN }, none = { 0, 0 };

	if (stream->state != STREAM_OPEN)
		return none;
	return stream->ops->size_hint ? stream->ops->size_hint(stream) : unknown;
}

void weft_stream_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	if (stream->state == STREAM_OPEN && stream->ops->each)
		stream->ops->each(stream, visitor);
	else if (stream->state == STREAM_OPEN && stream->source)
		weft_stream_each(stream->source, visitor);
	else
		visitor->unknown(visitor);
}

enum weft_poll weft_stream_next__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_next__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (weft_stream_poll_next(f->args.p0, cx, f->args.p1, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result);
}

enum weft_poll weft_stream_close__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_close__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (weft_stream_poll_close(f->args.p0, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, 0);
}

enum weft_poll weft_stream_collect__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_collect__frame *f = frame;
	struct weft_stream *stream = f->args.p0;
	size_t *count = f->args.p3;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		*count = 0;
	f->args.base.at = 1;
	while (*count < f->args.p2) {
		char *item = (char *)f->args.p1 + *count * stream->item_bytes;

		if (weft_stream_poll_next(stream, cx, item, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result <= 0)
			weft_return(f, result);
		++*count;
	}
	weft_return(f, 1);
}

enum weft_poll weft_stream_fold__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_fold__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	for (;;) {
		if (weft_stream_poll_next(f->args.p0, cx, f->args.p1, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result <= 0)
			weft_return(f, result);
		result = f->args.p2(f->args.p3, f->args.p1, NULL);
		if (result < 0)
			weft_return(f, result);
	}
}

struct stream_question {
	struct weft_stream *stream;
	void *item;
	weft_stream_fn fn;
	void *arg;
};

/* Asks until fn gives `wanted`, yes or no; *result is that, or at the end the other one. */
static enum weft_poll stream_ask(const struct stream_question *question, bool wanted,
		struct weft_context *cx, int *result)
{
	bool is_over;

	do {
		if (weft_stream_poll_next(question->stream, cx, question->item, result) ==
				WEFT_PENDING)
			return WEFT_PENDING;
		is_over = *result == 0;
		if (*result > 0)
			*result = question->fn(question->arg, question->item, NULL);
	} while (!is_over && *result >= 0 && (*result > 0) != wanted);
	if (*result >= 0)
		*result = wanted != is_over;
	return WEFT_READY;
}

enum weft_poll weft_stream_any__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_any__frame *f = frame;
	const struct stream_question question = { f->args.p0, f->args.p1, f->args.p2, f->args.p3 };
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (stream_ask(&question, true, cx, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result);
}

enum weft_poll weft_stream_all__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_all__frame *f = frame;
	const struct stream_question question = { f->args.p0, f->args.p1, f->args.p2, f->args.p3 };
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (stream_ask(&question, false, cx, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result);
}

enum weft_poll weft_stream_count__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_count__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	for (;; ++*f->args.p2) {
		if (weft_stream_poll_next(f->args.p0, cx, f->args.p1, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result <= 0)
			weft_return(f, result);
	}
}

static void weft_stream_next__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_next__frame *f = frame;

	weft_stream_each(f->args.p0, visitor);
}

static void weft_stream_collect__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_collect__frame *f = frame;

	weft_stream_each(f->args.p0, visitor);
}

static void weft_stream_fold__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_fold__frame *f = frame;

	weft_stream_each(f->args.p0, visitor);
}

static void weft_stream_any__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_any__frame *f = frame;

	weft_stream_each(f->args.p0, visitor);
}

static void weft_stream_all__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_all__frame *f = frame;

	weft_stream_each(f->args.p0, visitor);
}

static void weft_stream_count__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_stream_count__frame *f = frame;

	weft_stream_each(f->args.p0, visitor);
}

WEFT_ASYNC_DEFINE_NEST(weft_stream_next, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_LEAF(weft_stream_close, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_stream_collect, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_stream_fold, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_stream_any, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_stream_all, WEFT_ASYNC_RESULT_INT);
WEFT_ASYNC_DEFINE_NEST(weft_stream_count, WEFT_ASYNC_RESULT_INT);
