/* SPDX-License-Identifier: MIT */
/*
 * weft/sink.h: where items go, one after the other, and no faster than it can take them.
 *
 *     WEFT_SINK_OF(sender, struct event) sink;
 *
 *     weft_sink_sender_init(&sink, &inbox);            // a channel
 *     weft_try(await weft_sink_send(&sink, &event));   // waits for room
 *     weft_try(await weft_sink_close(&sink));
 *
 * Feeding gives an item to the sink, which may keep it for a while; flushing waits until all that it
 * has is where it goes; closing flushes, and ends it. Who feeds waits while the sink is full: that is
 * all the back-pressure there is.
 *
 *     struct event event;
 *     bool held = false;
 *
 *     err = await weft_sink_send_all(&sink, &events, &event, &held);   // all items of a stream
 *
 * Memory:  a sink neither moves nor dies from its first poll to the end of a close. Before that it is
 *          plain data.
 * Threads: it belongs to the task, or the branch of one, that polls it, until it is closed.
 * Errors:  of feed, flush and close 0 or a negative errno. -ECANCELED: the item was not taken. After
 *          an error of the sink it can only be closed, unless it says otherwise.
 *
 * Rust's Sink is the model; there an item is given after asking whether there is room.
 */
#ifndef WEFT_SINK_H
#define WEFT_SINK_H

#include <weft/channel.h>
#include <weft/stream.h>

WEFT_BEGIN_DECLS

struct weft_sink;

/* Steps, like those of futures; PENDING: the waker is registered. READY: *result is 0 or a negative
 * errno. */
struct weft_sink_ops {
	const char *name;
	/* 0: it has a copy of the item. Otherwise it was not taken. After PENDING it is asked again for
	 * the same item, cancelled or not. */
	enum weft_poll (*poll_feed)(struct weft_sink *sink, struct weft_context *cx,
			const void *item, int *result);
	/* NULL: it never keeps anything. */
	enum weft_poll (*poll_flush)(struct weft_sink *sink, struct weft_context *cx, int *result);
	/* Withdraws what waits, cancelled or not, and ends it; what it has was flushed before, unless that
	 * failed. NULL: nothing to do. */
	enum weft_poll (*poll_close)(struct weft_sink *sink, struct weft_context *cx);
	/* What it waits for (weft/visitor.h). NULL: nobody can say. */
	void (*each)(const struct weft_sink *sink, struct weft_visitor *visitor);
};

/* The head of every sink. Private, but for who writes one. */
struct weft_sink {
	const struct weft_sink_ops *ops;
	uint32_t item_bytes;
};

static inline void weft_sink_init(
		struct weft_sink *sink, const struct weft_sink_ops *ops, size_t item_bytes)
{
	sink->ops = ops;
	sink->item_bytes = (uint32_t)item_bytes;
}

/* As those of streams (weft/stream.h). */
#define WEFT_SINK_OF(kind, T)                                                                      \
	union {                                                                                    \
		struct weft_sink sink;                                                             \
		struct weft_sink_##kind self;                                                      \
		T *item; /* never used, but for its type */                                        \
	}
#define WEFT_SINK_TO(kind, T, Out)                                                                 \
	union {                                                                                    \
		struct weft_sink sink;                                                             \
		struct weft_sink_##kind self;                                                      \
		T *item;                                                                           \
		struct {                                                                           \
			struct weft_sink_##kind head;                                              \
			Out item;                                                                  \
		} room;                                                                            \
	}
#define WEFT_SINK(T)                                                                               \
	union {                                                                                    \
		struct weft_sink sink;                                                             \
		T *item;                                                                           \
	}

/* ---- giving ---- */

/* The steps of the table; what is NULL there has been done. */
WEFT_NODISCARD enum weft_poll weft_sink_poll_feed(
		struct weft_sink *sink, struct weft_context *cx, const void *item, int *result);
WEFT_NODISCARD enum weft_poll weft_sink_poll_flush(
		struct weft_sink *sink, struct weft_context *cx, int *result);
WEFT_NODISCARD enum weft_poll weft_sink_poll_close(struct weft_sink *sink, struct weft_context *cx);

/* async int weft_sink_feed(sink, const T *item): waits for room and copies the item there. 0; < 0: it
 * was not taken. */
WEFT_ASYNC_2(int, weft_sink_feed, struct weft_sink *, const void *);

struct weft_sink_feed__frame {
	struct weft_sink_feed__args args;
};

/* async int weft_sink_flush(sink): waits until nothing is left in it. */
WEFT_ASYNC_1(int, weft_sink_flush, struct weft_sink *);

struct weft_sink_flush__frame {
	struct weft_sink_flush__args args;
};

/* async int weft_sink_send(sink, const T *item): feeds and flushes. -ECANCELED: it was not taken; once
 * it was, being cancelled only ends the flush, and gives 0. */
WEFT_ASYNC_2(int, weft_sink_send, struct weft_sink *, const void *);

struct weft_sink_send__frame {
	struct weft_sink_send__args args;
};

/* async int weft_sink_send_all(sink, stream, T *item, bool *held): feeds all items of a stream, and
 * flushes whenever that waits, and at its end. 0: that was the end, which has closed the stream; < 0:
 * an error of either, or -ECANCELED. Then *held says whether an item was taken from the stream and not
 * by the sink: it is at *item, and a further call, with both as they are, begins with it. *held is
 * false before the first. */
WEFT_ASYNC_4(int, weft_sink_send_all, struct weft_sink *, struct weft_stream *, void *, bool *);

struct weft_sink_send_all__frame {
	struct weft_sink_send_all__args args;
};

/* async int weft_sink_close(sink): flushes and ends it. 0; or why not all went where it should,
 * -ECANCELED included: it is closed all the same. */
WEFT_ASYNC_1(int, weft_sink_close, struct weft_sink *);

struct weft_sink_close__frame {
	struct weft_sink_close__args args;
	int outcome;
};

/* ---- sinks ---- */

/* An array: WEFT_SINK_OF(array, T). -ENOBUFS: it is full. */
struct weft_sink_array {
	struct weft_sink sink;
	void *items; /* private */
	size_t capacity;
	size_t count; /* how many there are */
};

#define weft_sink_array_init(s, array, capacity)                                                   \
	weft_sink_array_init_raw(&(s)->self, sizeof(*(s)->item),                                   \
			(WEFT_ITEM_CHECK((s)->item, array), array), capacity)
void weft_sink_array_init_raw(
		struct weft_sink_array *array, size_t item_bytes, void *items, size_t capacity);

/* A channel: WEFT_SINK_OF(sender, T). -EPIPE: it is closed. Closing the sink does not close the
 * channel. */
struct weft_sink_sender {
	struct weft_sink sink; /* private from here on */
	struct weft_channel *channel;
	struct weft_channel_send__frame send;
	bool waiting;
};

#define weft_sink_sender_init(s, to)                                                               \
	weft_sink_sender_init_raw(&(s)->self, sizeof(*(s)->item),                                  \
			(WEFT_ITEM_CHECK((s)->item, (to)->receivers.item),                         \
					(struct weft_channel *)(void *)(to)))
void weft_sink_sender_init_raw(
		struct weft_sink_sender *sender, size_t item_bytes, struct weft_channel *channel);

/* Room for some items in front of another sink: WEFT_SINK_OF(buffer, T), with an array of yours. Who
 * feeds waits only when it is full. */
struct weft_sink_buffer {
	struct weft_sink sink; /* private from here on */
	struct weft_sink *to;
	void *items;
	size_t capacity, first, count;
};

#define weft_sink_buffer_init(s, to, array, capacity)                                              \
	weft_sink_buffer_init_raw(&(s)->self,                                                      \
			(WEFT_ITEM_CHECK((s)->item, (to)->item), &(to)->sink),                     \
			(WEFT_ITEM_CHECK((s)->item, array), array), capacity)
void weft_sink_buffer_init_raw(struct weft_sink_buffer *buffer, struct weft_sink *to, void *items,
		size_t capacity);

/* What a function makes of each item goes to another sink: WEFT_SINK_TO(with, T, Out), fn(arg, in, out)
 * from WEFT_STREAM_FN. 0: nothing goes there; < 0: that is the result of the feed. It may be called
 * again for an item whose feed was cancelled. */
struct weft_sink_with {
	struct weft_sink sink; /* private from here on */
	struct weft_sink *to;
	weft_stream_fn fn;
	void *arg;
	void *room;
	bool made;
};

#define weft_sink_with_init(s, to, fn, arg)                                                        \
	weft_sink_with_init_raw(&(s)->self, sizeof(*(s)->item), &(to)->sink,                       \
			(WEFT_ITEM_CHECK(&(s)->room.item, (to)->item), &(s)->room.item),           \
			((void)sizeof(fn((arg), (s)->item, (to)->item)), fn##__any), arg)
void weft_sink_with_init_raw(struct weft_sink_with *with, size_t item_bytes, struct weft_sink *to,
		void *room, weft_stream_fn fn, void *arg);

WEFT_END_DECLS

#define WEFT_SINK_ANY_(s, x) (WEFT_ITEM_CHECK((s)->item, x), &(s)->sink)
#define weft_sink_feed(s, item_) weft_sink_feed(WEFT_SINK_ANY_(s, item_), item_)
#define weft_sink_flush(s) weft_sink_flush(&(s)->sink)
#define weft_sink_send(s, item_) weft_sink_send(WEFT_SINK_ANY_(s, item_), item_)
#define weft_sink_close(s) weft_sink_close(&(s)->sink)
#define weft_sink_send_all(s, from, item_, held)                                                   \
	weft_sink_send_all(WEFT_SINK_ANY_(s, item_), WEFT_STREAM_ANY_(from, item_), item_, held)

#endif
