/* SPDX-License-Identifier: MIT */
/*
 * stream/generator.c: an async function as a stream.
 *
 * How         The function is a branch, in a frame of its own: it has a strand, so that it may wait
 *             anywhere below, and a cancellation that only the close sets.
 *
 *                 poll_next                            the body
 *                 place = item; polls it  ---------->  goes on
 *                                                      weft_yield_item: copies, place = NULL,
 *                 READY, 1                <----------  PENDING, and waits to be polled again
 *
 *             So that PENDING is no waiting: who asked has its answer. The next poll of the body is the
 *             next asking, or the close.
 * Invariants  [I1] the body is polled only with a place, or cancelled.
 *             [I2] a yield takes the place at most once for each asking: two of them, in branches, have
 *                  their items taken one after the other.
 */
#include <errno.h>
#include <string.h>

#include <weft/generator.h>

#include "base/check.h"

/* What fn is called with. */
struct generator_args {
	struct weft_frame base;
	int result;
	struct weft_stream *self;
	void *arg;
};

static bool generator_begin(struct weft_stream_generator *generator, struct weft_context *cx)
{
	struct generator_args args = { { 0, 0 }, 0, &generator->stream, generator->arg };

	generator->frame = weft_frame_alloc(cx, generator->fn);
	if (!generator->frame)
		return false;
	memcpy(generator->frame, &args, sizeof args);
	generator->body = weft_branch_make(generator->fn, generator->frame);
	generator->body.shielded = true;
	generator->has_begun = true;
	return true;
}

/* The body has ended: its result. */
static int generator_end(struct weft_stream_generator *generator, struct weft_context *cx)
{
	int result;

	memcpy(&result, (char *)generator->frame + generator->fn->result_offset, sizeof result);
	weft_frame_free(cx, generator->frame);
	generator->frame = NULL;
	return result < 0 ? result : 0;
}

static enum weft_poll generator_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_generator *generator = (struct weft_stream_generator *)stream;
	enum weft_poll poll;

	*result = 0;
	if (generator->has_begun && !generator->frame) /* it ended with an error */
		return WEFT_READY;
	*result = -ECANCELED;
	if (weft_context_cancelled(cx))
		return weft_context_charge(cx) ? WEFT_READY : WEFT_PENDING;
	*result = -ENOMEM;
	if (!generator->frame && !generator_begin(generator, cx))
		return WEFT_READY;
	generator->place = item;
	poll = weft_branch_poll(&generator->body, cx); /* [I1] */
	if (poll == WEFT_READY) {
		*result = generator_end(generator, cx);
		return WEFT_READY;
	}
	*result = 1;
	if (!generator->place)
		return WEFT_READY;
	generator->place = NULL;
	return WEFT_PENDING;
}

static enum weft_poll generator_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_generator *generator = (struct weft_stream_generator *)stream;

	if (!generator->frame)
		return WEFT_READY;
	generator->body.cancelled = true;
	if (weft_branch_poll(&generator->body, cx) == WEFT_PENDING) /* [I1] */
		return WEFT_PENDING;
	(void)generator_end(generator, cx);
	return WEFT_READY;
}

static void generator_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	const struct weft_stream_generator *generator =
			(const struct weft_stream_generator *)stream;

	if (generator->frame)
		visitor->future(visitor, &generator->body.strand, generator->fn, generator->frame);
}

static const struct weft_stream_ops generator_ops = { "generator", generator_poll_next, NULL,
	generator_poll_close, generator_each };

void weft_stream_generator_init_raw(struct weft_stream_generator *generator, size_t item_bytes,
		const struct weft_async *fn, void *arg)
{
	WEFT_ASSERT(fn->magic == WEFT_ASYNC_MAGIC); /* not a plain function's address */
	WEFT_ASSERT(fn->args_size == sizeof(struct generator_args));
	WEFT_ASSERT(fn->result_size == sizeof(int));
	weft_stream_init(&generator->stream, &generator_ops, NULL, item_bytes);
	generator->fn = fn;
	generator->arg = arg;
	generator->frame = generator->place = NULL;
	generator->has_begun = false;
}

/* ---- in the body ---- */

enum { ITEM_KEPT, ITEM_GIVEN };

enum weft_poll weft_yield_item__poll(void *frame, struct weft_context *cx)
{
	struct weft_yield_item__frame *f = frame;
	struct weft_stream_generator *generator = (struct weft_stream_generator *)f->args.p0;

	WEFT_FRAME_CHECK(&f->args.base);
	WEFT_ASSERT(generator->stream.ops == &generator_ops);
	if (f->args.base.at == ITEM_GIVEN)
		weft_return(f, 0);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	(void)weft_context_waker(cx); /* whoever asks next polls us */
	if (generator->place) {       /* [I2] */
		memcpy(generator->place, f->args.p1, generator->stream.item_bytes);
		generator->place = NULL;
		f->args.base.at = ITEM_GIVEN;
	}
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(weft_yield_item, WEFT_ASYNC_RESULT_INT);
