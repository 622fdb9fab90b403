/* SPDX-License-Identifier: MIT */
/*
 * weft/stream_futures.h: streams whose items are the results of async functions.
 *
 *     static async int fetch(void *arg, const struct url *url, struct page *page)
 *     {
 *             ...
 *             return 1;                                        // the page is an item of the stream
 *     }
 *     WEFT_STREAM_OF(buffered, struct page) pages;
 *
 *     weft_stream_buffer_unordered_init(&pages, &urls, 8, fetch, NULL);
 *     while ((n = await weft_stream_next(&pages, &page)) > 0)  // eight at a time
 *
 * `async int fn(void *arg, const In *in, Out *out)` is called for each item of the source. Above 0:
 * *out is an item; 0: there is none for this one; below 0: an error in its place.
 *
 * In a runtime the calls are tasks of a scope: they go on in parallel, and while nobody asks the
 * stream; a lock that one of them waits for reaches it, whatever who asks is doing. Where there is no
 * runtime that spawns tasks they are futures of one set (weft/set.h), which go on while it is asked.
 *
 * Whoever is cancelled while it asks gives up the asking; the calls go on. The close of the stream
 * cancels them, and waits until all have ended. Results that nobody has taken by then are lost: where
 * they own something, ask until the end.
 *
 * Memory:  room for `limit` items and results is taken from whoever polls at the first poll, and given
 *          back at the end. A call is a task, with the frame of fn.
 * Errors:  -ENOMEM, in place of the item whose call got no memory; before the first one, nothing is lost.
 *
 * The futures crate's buffered and buffer_unordered are the model; there the calls stand still while
 * nobody asks.
 */
#ifndef WEFT_STREAM_FUTURES_H
#define WEFT_STREAM_FUTURES_H

#include <weft/scope.h>
#include <weft/set.h>
#include <weft/stream_adaptors.h>

WEFT_BEGIN_DECLS

struct weft_stream_call;

/* Calls that have ended; private. */
struct weft_stream_ended {
	struct weft_stream_call *first, *last;
	struct weft_waker waker; /* of who asks; ops NULL: nobody waits */
	uint32_t lock;
};

/* WEFT_STREAM_OF(buffered, Out) */
struct weft_stream_buffered {
	struct weft_stream stream; /* private from here on */
	struct weft_stream *from;
	const struct weft_async *fn;
	void *arg;
	const struct weft_env *env; /* whose memory it is */
	void *memory;
	struct weft_stream_call *free;
	struct weft_stream_call *oldest, *newest; /* those that have begun, where order matters */
	struct weft_stream_ended ended;
	struct weft_scope scope;
	struct weft_scope_close__frame close;
	struct weft_set set; /* without a runtime */
	uint32_t limit, busy;
	bool ordered, source_ended, closing;
};

/* Up to `limit` calls at a time; what they give, in the order of the source. */
#define weft_stream_buffered_init(s, from, limit, fn, arg)                                         \
	weft_stream_buffered_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s), &(from)->stream,     \
			limit, WEFT_STREAM_ASYNC_(s, from, fn), arg)

/* In the order in which they end. */
#define weft_stream_buffer_unordered_init(s, from, limit, fn, arg)                                 \
	weft_stream_buffer_unordered_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),              \
			&(from)->stream, limit, WEFT_STREAM_ASYNC_(s, from, fn), arg)

/* One at a time. */
#define weft_stream_then_init(s, from, fn, arg) weft_stream_buffered_init(s, from, 1, fn, arg)

#if defined(__WEFTCC__)
#define WEFT_STREAM_ASYNC_FN_ _Async int
#else
#define WEFT_STREAM_ASYNC_FN_ int
#endif
#define WEFT_STREAM_ASYNC_(s, from, fn)                                                            \
	((void)sizeof(1 ? (fn)                                                                     \
			: (WEFT_STREAM_ASYNC_FN_(*)(void *, const __typeof__(*(from)->item) *,     \
					  __typeof__(*(s)->item) *))0),                            \
			(const struct weft_async *)(const void *)(fn))

/* By hand, `fn` is the descriptor of such a function, &fetch__async. limit > 0. */
void weft_stream_buffered_init_raw(struct weft_stream_buffered *buffered, size_t item_bytes,
		struct weft_stream *from, uint32_t limit, const struct weft_async *fn, void *arg);
void weft_stream_buffer_unordered_init_raw(struct weft_stream_buffered *buffered, size_t item_bytes,
		struct weft_stream *from, uint32_t limit, const struct weft_async *fn, void *arg);

/* async int weft_stream_for_each_concurrent(stream, uint32_t limit, fn, arg): calls
 * async int fn(void *arg, const In *in) for each item, up to `limit` at a time. Gives 0 at the end; or
 * the first result below 0, of fn or of the stream, or -ECANCELED, after all calls have been cancelled and
 * have ended. The stream is open then. */
WEFT_ASYNC_4(int, weft_stream_for_each_concurrent, struct weft_stream *, uint32_t,
		const struct weft_async *, void *);

struct weft_stream_for_each_concurrent__frame {
	struct weft_stream_for_each_concurrent__args args;
	struct weft_stream_buffered calls;
	int outcome;
};

WEFT_END_DECLS

#define weft_stream_for_each_concurrent(s, limit, fn, arg)                                         \
	weft_stream_for_each_concurrent(&(s)->stream, limit, WEFT_STREAM_ASYNC_1_(s, fn), arg)
#define WEFT_STREAM_ASYNC_1_(s, fn)                                                                \
	((void)sizeof(1 ? (fn)                                                                     \
			: (WEFT_STREAM_ASYNC_FN_(*)(void *, const __typeof__(*(s)->item) *))0),    \
			(const struct weft_async *)(const void *)(fn))

#endif
