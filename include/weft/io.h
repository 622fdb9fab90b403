/* SPDX-License-Identifier: MIT */
/*
 * weft/io.h: byte streams behind one small table, and a buffered reader.
 *
 *     struct weft_reader in;
 *     const char *line;
 *
 *     weft_reader_init(&in, weft_tcp_io(conn));
 *     weft_await(f, f->read, weft_reader_read_until, &f->in, '\n', &f->line);
 *     ... f->read.args.result bytes at f->line, valid until the next read ...
 *     weft_reader_finish(&in);
 *
 * Memory:  a weft_io is a small copyable handle; whoever opened the object closes it. A reader holds no
 *          buffer while nothing is there to read: it takes one when bytes have arrived and gives it back
 *          when they are used up, so idle connections cost nothing.
 * Threads: one reading task and one writing task at a time.
 */
#ifndef WEFT_IO_H
#define WEFT_IO_H

#include <sys/types.h>

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_io_ops;

/* A byte stream: the object and how it is read and written. */
struct weft_io {
	const struct weft_io_ops *ops;
	void *object;
	uint32_t generation;
};

/* One step each, in the manner of a poll function. *waiting belongs to the operation: false before its
 * first step; READY ends the operation, with *result a count (0: end of stream) or a negative errno. */
struct weft_io_ops {
	const char *name;
	/* buffer NULL: READY with 0 as soon as a read would not wait. */
	enum weft_poll (*poll_read)(struct weft_io io, struct weft_context *cx, bool *waiting,
			void *buffer, size_t size, ssize_t *result);
	enum weft_poll (*poll_write)(struct weft_io io, struct weft_context *cx, bool *waiting,
			const void *buffer, size_t size, ssize_t *result);
};

enum {
	WEFT_READER_LIMIT = 65536 /* the longest line, unless told otherwise */
};

/* A buffered reader. Private but for limit. */
struct weft_reader {
	struct weft_io io;
	char *buffer; /* NULL while there is nothing in it */
	uint32_t capacity;
	uint32_t begin, end; /* what has been read and not handed out */
	uint32_t scanned;    /* from begin: searched already */
	uint32_t limit;      /* the most that it buffers; set it after init */
	const struct weft_env *env;
};

/* Fills in a reader of `io`, which stays the caller's. Allocates nothing. */
static inline void weft_reader_init(struct weft_reader *reader, struct weft_io io)
{
	reader->io = io;
	reader->buffer = NULL;
	reader->capacity = 0;
	reader->begin = reader->end = reader->scanned = 0;
	reader->limit = WEFT_READER_LIMIT;
	reader->env = NULL;
}

/* Gives the buffer back; unread bytes are lost. Accepts an all-zero and a finished reader. Any thread. */
void weft_reader_finish(struct weft_reader *reader);

/* Bytes that can be read without waiting. */
static inline size_t weft_reader_buffered(const struct weft_reader *reader)
{
	return reader->end - reader->begin;
}

/* async ssize_t weft_reader_read_until(reader, delimiter, &bytes): waits for the delimiter and gives the
 * count up to and with it; *bytes points into the reader, until the next read or finish. At the end of
 * the stream: what is left, without the delimiter, then 0. -EMSGSIZE: the limit was reached without a
 * delimiter. -ENOMEM. -ECANCELED: nothing is lost, what was read stays in the reader
 * (WEFT_CANCEL_SAFE). */
WEFT_ASYNC_3(ssize_t, weft_reader_read_until, struct weft_reader *, int, const char **);

struct weft_reader_read_until__frame {
	struct weft_reader_read_until__args args;
	bool waiting;
};

/* async ssize_t weft_reader_read(reader, buffer, size): gives what is buffered, or what one read brings;
 * 0 at the end of the stream. Cancelled, nothing is lost. */
WEFT_ASYNC_3(ssize_t, weft_reader_read, struct weft_reader *, void *, size_t);

struct weft_reader_read__frame {
	struct weft_reader_read__args args;
	bool waiting;
};

/* How far a write_all has come. Private. */
struct weft_write_progress {
	size_t done;
	bool waiting;
};

/* async ssize_t weft_io_write_all(io, bytes, size): writes everything and gives size. On failure a
 * negative errno; cancelled after some bytes: their count (< size), so that the caller knows what the
 * peer got. Not cancel-safe as a branch: a part may have been written. */
WEFT_ASYNC_3(ssize_t, weft_io_write_all, struct weft_io, const void *, size_t);

struct weft_io_write_all__frame {
	struct weft_io_write_all__args args;
	struct weft_write_progress progress;
};

WEFT_END_DECLS

#endif
