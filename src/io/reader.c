/* SPDX-License-Identifier: MIT */
/*
 * io/reader.c: a buffer in front of a byte stream, held only while there is something in it.
 *
 *     empty, no buffer --readable--> buffer taken, bytes in it --handed out--> ... --empty--> given back
 *
 *     [ handed out | scanned, no delimiter |  new  |   free   ]
 *                  ^begin                          ^end       ^capacity
 *
 * Invariants  [I1] buffer is NULL exactly while it holds no bytes and no bytes that the caller may still
 *                  look at: it is given back at the start of the next read, not at the end of the last.
 *             [I2] begin <= end <= capacity, begin + scanned <= end.
 * Cost        a byte is searched once; a line is moved only when it straddles the buffer's end. The
 *             buffer doubles from FIRST up to the limit.
 * Cancelling  is safe: what has been read stays.
 */
#include <errno.h>
#include <string.h>

#include <weft/io.h>

#include "base/check.h"
#include "core/env.h"
#include "io/stream.h"

#ifdef WEFT_TEST_SMALL
enum { BUFFER_FIRST = 16 };
#else
enum { BUFFER_FIRST = 4096 };
#endif

enum { BUFFER_ALIGN = 16 };

static void buffer_release(struct weft_reader *reader)
{
	if (reader->buffer)
		reader->env->release(reader->env, reader->buffer, reader->capacity, BUFFER_ALIGN);
	reader->buffer = NULL;
	reader->capacity = 0;
	reader->begin = reader->end = reader->scanned = 0;
}

void weft_reader_finish(struct weft_reader *reader)
{
	buffer_release(reader);
}

/* A buffer of `capacity` bytes with what the old one held at its front. */
static int buffer_resize(struct weft_reader *reader, struct weft_context *cx, uint32_t capacity)
{
	uint32_t held = reader->end - reader->begin, scanned = reader->scanned;
	char *bigger;

	if (!cx->env || !cx->env->allocate)
		return -ENXIO;
	bigger = cx->env->allocate(cx->env, capacity, BUFFER_ALIGN);
	if (!bigger)
		return -ENOMEM;
	if (held)
		memcpy(bigger, reader->buffer + reader->begin, held);
	buffer_release(reader);
	reader->env = cx->env;
	reader->buffer = bigger;
	reader->capacity = capacity;
	reader->end = held;
	reader->scanned = scanned;
	return 0;
}

/* Makes room behind `end`. */
static int buffer_room(struct weft_reader *reader, struct weft_context *cx)
{
	uint32_t first = reader->limit < BUFFER_FIRST ? reader->limit : BUFFER_FIRST;

	WEFT_ASSERT(reader->begin <= reader->end);    /* [I2] */
	WEFT_ASSERT(reader->end <= reader->capacity); /* [I2] */
	if (!reader->buffer)
		return buffer_resize(reader, cx, first);
	if (reader->end < reader->capacity)
		return 0;
	if (reader->begin > 0) {
		memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->begin = 0;
		return 0;
	}
	if (reader->capacity >= reader->limit)
		return -EMSGSIZE;
	return buffer_resize(reader, cx,
			reader->capacity > reader->limit / 2 ? reader->limit : reader->capacity * 2);
}

/* Reads more. READY: *result bytes came, 0 at the end of the stream, or a negative errno. */
static enum weft_poll reader_fill(struct weft_reader *reader, struct weft_context *cx, bool *waiting,
		ssize_t *result)
{
	const struct weft_io_ops *ops = reader->io.ops;
	enum weft_poll poll;

	if (reader->begin == reader->end) {
		buffer_release(reader); /* [I1] */
		if (ops->poll_read(reader->io, cx, waiting, NULL, 0, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result < 0)
			return WEFT_READY;
	}
	*result = buffer_room(reader, cx);
	if (*result < 0)
		return WEFT_READY;
	poll = ops->poll_read(reader->io, cx, waiting, reader->buffer + reader->end,
			reader->capacity - reader->end, result);
	if (poll == WEFT_READY && *result > 0)
		reader->end += (uint32_t)*result;
	if (reader->begin == reader->end)
		buffer_release(reader); /* [I1] readable, it was said, and nothing came */
	return poll;
}

static size_t hand_out(struct weft_reader *reader, const char **bytes, size_t count)
{
	*bytes = reader->buffer + reader->begin;
	reader->begin += (uint32_t)count;
	reader->scanned = 0;
	return count;
}

/* The count up to and with the delimiter, or 0. */
static size_t scan(struct weft_reader *reader, int delimiter)
{
	const char *from = reader->buffer + reader->begin;
	size_t held = reader->end - reader->begin;
	const char *found;

	if (held == reader->scanned)
		return 0;
	found = memchr(from + reader->scanned, delimiter, held - reader->scanned);
	if (!found)
		reader->scanned = (uint32_t)held;
	return found ? (size_t)(found - from) + 1 : 0;
}

enum weft_poll weft_reader_read_until__poll(void *frame, struct weft_context *cx)
{
	struct weft_reader_read_until__frame *f = frame;
	struct weft_reader *reader = f->args.p0;
	ssize_t result;
	size_t count;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		f->waiting = false;
		reader->scanned = 0; /* it may have been another delimiter */
	}
	*f->args.p2 = NULL;
	while (!(count = scan(reader, f->args.p1))) {
		if (reader_fill(reader, cx, &f->waiting, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (result < 0)
			weft_return(f, result);
		if (result == 0) {
			count = reader->end - reader->begin;
			break;
		}
	}
	weft_return(f, (ssize_t)(count ? hand_out(reader, f->args.p2, count) : 0));
}

enum weft_poll weft_reader_read__poll(void *frame, struct weft_context *cx)
{
	struct weft_reader_read__frame *f = frame;
	struct weft_reader *reader = f->args.p0;
	size_t held = reader->end - reader->begin;
	ssize_t result = 0;
	const char *bytes;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		f->waiting = false;
	}
	if (held == 0) { /* nothing to copy twice for */
		buffer_release(reader);
		if (f->args.p2 && reader->io.ops->poll_read(reader->io, cx, &f->waiting, f->args.p1,
						  f->args.p2, &result) == WEFT_PENDING)
			return WEFT_PENDING;
		weft_return(f, result);
	}
	if (held > f->args.p2)
		held = f->args.p2;
	hand_out(reader, &bytes, held);
	memcpy(f->args.p1, bytes, held);
	weft_return(f, (ssize_t)held);
}

enum weft_poll weft__write_all(struct weft_io io, struct weft_context *cx, const void *bytes,
		size_t size, struct weft_write_progress *progress, ssize_t *result)
{
	while (progress->done < size) {
		if (io.ops->poll_write(io, cx, &progress->waiting,
				    (const char *)bytes + progress->done, size - progress->done,
				    result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result == -ECANCELED && progress->done)
			break;
		if (*result < 0)
			return WEFT_READY;
		progress->done += (size_t)*result;
	}
	*result = (ssize_t)progress->done;
	return WEFT_READY;
}

enum weft_poll weft_io_write_all__poll(void *frame, struct weft_context *cx)
{
	struct weft_io_write_all__frame *f = frame;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		f->progress = (struct weft_write_progress){ 0, false };
	}
	if (weft__write_all(f->args.p0, cx, f->args.p1, f->args.p2, &f->progress,
			    &f->args.result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->args.result);
}

WEFT_ASYNC_DEFINE_LEAF(weft_reader_read_until, WEFT_ASYNC_RESULT_SSIZE);
WEFT_ASYNC_DEFINE_LEAF(weft_reader_read, WEFT_ASYNC_RESULT_SSIZE);
WEFT_ASYNC_DEFINE_LEAF(weft_io_write_all, WEFT_ASYNC_RESULT_SSIZE);
