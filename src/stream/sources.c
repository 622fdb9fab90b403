/* SPDX-License-Identifier: MIT */
/*
 * stream/sources.c: streams out of memory and out of functions.
 *
 * They never wait, so each item is charged to the budget, and a cancelled context gets -ECANCELED: whoever
 * ignores that in a loop gives way, too.
 */
#include <errno.h>
#include <string.h>

#include <weft/stream.h>

/* Whether the source may give its next item; *result is what to give instead. */
static enum weft_poll source_begin(struct weft_context *cx, int *result)
{
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	*result = weft_context_cancelled(cx) ? -ECANCELED : 1;
	return WEFT_READY;
}

static enum weft_poll iter_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_iter *iter = (struct weft_stream_iter *)stream;

	if (source_begin(cx, result) == WEFT_PENDING)
		return WEFT_PENDING;
	if (*result < 0)
		return WEFT_READY;
	if (iter->left == 0) {
		*result = 0;
		return WEFT_READY;
	}
	memcpy(item, iter->next, stream->item_bytes);
	iter->next = (const char *)iter->next + iter->stride;
	if (iter->left != WEFT_UNKNOWN)
		iter->left--;
	return WEFT_READY;
}

static struct weft_size_hint iter_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_iter *iter = (const struct weft_stream_iter *)stream;
	struct weft_size_hint hint = { iter->left, iter->left };

	return hint;
}

static const struct weft_stream_ops iter_ops = { "iter", iter_poll_next, iter_size_hint, NULL,
	NULL };

void weft_stream_iter_init_raw(struct weft_stream_iter *iter, size_t item_bytes, const void *array,
		size_t count, size_t stride)
{
	weft_stream_init(&iter->stream, &iter_ops, NULL, item_bytes);
	iter->next = array;
	iter->left = count;
	iter->stride = stride;
}

static enum weft_poll unfold_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_unfold *unfold = (struct weft_stream_unfold *)stream;

	if (source_begin(cx, result) == WEFT_PENDING)
		return WEFT_PENDING;
	if (*result > 0)
		*result = unfold->fn(unfold->arg, NULL, item);
	return WEFT_READY;
}

static const struct weft_stream_ops unfold_ops = { "unfold", unfold_poll_next, NULL, NULL, NULL };

void weft_stream_unfold_init_raw(
		struct weft_stream_unfold *unfold, size_t item_bytes, weft_stream_fn fn, void *arg)
{
	weft_stream_init(&unfold->stream, &unfold_ops, NULL, item_bytes);
	unfold->fn = fn;
	unfold->arg = arg;
}
