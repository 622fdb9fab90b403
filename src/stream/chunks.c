/* SPDX-License-Identifier: MIT */
/*
 * stream/chunks.c: several items at once.
 *
 * How         Items are copied to the caller's buffer, one behind the other, until it is full; or, for
 *             ready_chunks, until the source would wait. What has been collected when an error comes goes
 *             out first, and the error at the next call; but for -ECANCELED, which is no item of the
 *             source's: then what has been collected stays.
 */
#include <errno.h>

#include <weft/stream_adaptors.h>

#include "base/check.h"

static enum weft_poll chunks_give(struct weft_stream_chunks *chunks, void *item, int *result)
{
	struct weft_chunk *chunk = item;

	chunk->items = chunks->buffer;
	chunk->count = chunks->count;
	chunks->handed = true;
	*result = 1;
	return WEFT_READY;
}

/* The source has given *result <= 0, with some items in the buffer. */
static enum weft_poll chunks_cut(struct weft_stream_chunks *chunks, void *item, int *result)
{
	if (*result == -ECANCELED && !chunks->ready_only)
		return WEFT_READY;
	if (*result < 0 && *result != -ECANCELED)
		chunks->error = *result;
	return chunks_give(chunks, item, result);
}

static enum weft_poll chunks_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_chunks *chunks = (struct weft_stream_chunks *)stream;
	uint32_t item_bytes = stream->source->item_bytes;

	if (chunks->handed)
		chunks->count = 0;
	chunks->handed = false;
	*result = chunks->error;
	chunks->error = 0;
	if (*result)
		return WEFT_READY;
	while (chunks->count < chunks->capacity) {
		char *place = (char *)chunks->buffer + chunks->count * item_bytes;

		if (weft_stream_poll_next(stream->source, cx, place, result) == WEFT_PENDING) {
			if (chunks->ready_only && chunks->count > 0)
				break;
			return WEFT_PENDING;
		}
		if (*result <= 0)
			return chunks->count ? chunks_cut(chunks, item, result) : WEFT_READY;
		chunks->count++;
	}
	return chunks_give(chunks, item, result);
}

static size_t chunks_of(const struct weft_stream_chunks *chunks, size_t items)
{
	return items / chunks->capacity + (items % chunks->capacity != 0);
}

static struct weft_size_hint chunks_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_chunks *chunks = (const struct weft_stream_chunks *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(stream->source);
	size_t held = chunks->handed ? 0 : chunks->count;

	hint.least = chunks_of(chunks, hint.least);
	if (hint.least == 0)
		hint.least = held > 0;
	if (hint.most != WEFT_UNKNOWN)
		hint.most = chunks->ready_only ? hint.most + held
					       : chunks_of(chunks, hint.most + held);
	return hint;
}

static const struct weft_stream_ops chunks_ops = { "chunks", chunks_poll_next, chunks_size_hint,
	NULL, NULL };

void weft_stream_chunks_init_raw(struct weft_stream_chunks *chunks, struct weft_stream *from,
		void *buffer, size_t capacity)
{
	WEFT_ASSERT(capacity > 0);
	weft_stream_init(&chunks->stream, &chunks_ops, from, sizeof(struct weft_chunk));
	chunks->buffer = buffer;
	chunks->capacity = capacity;
	chunks->count = 0;
	chunks->error = 0;
	chunks->handed = chunks->ready_only = false;
}

void weft_stream_ready_chunks_init_raw(struct weft_stream_chunks *chunks, struct weft_stream *from,
		void *buffer, size_t capacity)
{
	weft_stream_chunks_init_raw(chunks, from, buffer, capacity);
	chunks->ready_only = true;
}
