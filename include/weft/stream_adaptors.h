/* SPDX-License-Identifier: MIT */
/*
 * weft/stream_adaptors.h: streams made of other streams. Those that run futures are in
 * weft/stream_futures.h, those that look at the clock in weft/stream_time.h.
 *
 *     WEFT_STREAM_TEST(is_odd, void, int)
 *     {
 *             return *in & 1;
 *     }
 *     WEFT_STREAM_OF(filter, int) odd;
 *     WEFT_STREAM_OF(take, int) first;
 *
 *     weft_stream_filter_init(&odd, &numbers, is_odd, NULL);
 *     weft_stream_take_init(&first, &odd, 3);
 *     while ((n = await weft_stream_next(&first, &x)) > 0)
 *
 * `from` is the source: any stream of the right type of items. From the init on it is asked, and closed,
 * by the adaptor alone. `arg` is handed to the function at each call, and is the place for its state. All
 * pass on errors of their sources, and lose no item when they are cancelled.
 *
 * Each has a form _init_raw for who writes untyped code.
 */
#ifndef WEFT_STREAM_ADAPTORS_H
#define WEFT_STREAM_ADAPTORS_H

#include <weft/stream.h>

WEFT_BEGIN_DECLS

#define WEFT_STREAM_SOURCE_(s, from) (WEFT_ITEM_CHECK((s)->item, (from)->item), &(from)->stream)
#define WEFT_STREAM_ROOM_(s, from) (WEFT_ITEM_CHECK(&(s)->room.item, (from)->item), &(s)->room.item)

/* ---- a function for each item: WEFT_STREAM_FROM(map, In, Out), functions from WEFT_STREAM_FN ---- */

struct weft_stream_map {
	struct weft_stream stream; /* private from here on */
	weft_stream_fn fn;
	void *arg;
	void *room; /* for an item of the source; NULL: there is enough where the next one goes */
	uint32_t mode;
};

/* fn(arg, in, out) makes an item of an item; < 0: an error. */
#define weft_stream_map_init(s, from, fn, arg)                                                     \
	weft_stream_map_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s), &(from)->stream,          \
			WEFT_STREAM_ROOM_(s, from), WEFT_STREAM_CALL_(s, from, fn, arg), arg)

/* The same; 0: there is none for this one. */
#define weft_stream_filter_map_init(s, from, fn, arg)                                              \
	weft_stream_filter_map_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s), &(from)->stream,   \
			WEFT_STREAM_ROOM_(s, from), WEFT_STREAM_CALL_(s, from, fn, arg), arg)

/* The same; 0: that was the end. arg is what goes along. */
#define weft_stream_scan_init(s, from, fn, arg)                                                    \
	weft_stream_scan_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s), &(from)->stream,         \
			WEFT_STREAM_ROOM_(s, from), WEFT_STREAM_CALL_(s, from, fn, arg), arg)

#define WEFT_STREAM_CALL_(s, from, fn, arg)                                                        \
	((void)sizeof(fn((arg), (from)->item, (s)->item)), fn##__any)

void weft_stream_map_init_raw(struct weft_stream_map *map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg);
void weft_stream_filter_map_init_raw(struct weft_stream_map *map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg);
void weft_stream_scan_init_raw(struct weft_stream_map *map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg);

/* ---- some of the items: WEFT_STREAM_OF(filter, T), functions from WEFT_STREAM_TEST ---- */

struct weft_stream_filter {
	struct weft_stream_map map; /* private */
};

/* Those for which fn(arg, item) gives 1. */
#define weft_stream_filter_init(s, from, fn, arg)                                                  \
	weft_stream_filter_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from),                      \
			WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)

/* Up to the first for which it gives 0, which is lost. */
#define weft_stream_take_while_init(s, from, fn, arg)                                              \
	weft_stream_take_while_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from),                  \
			WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)

/* From there on. */
#define weft_stream_skip_while_init(s, from, fn, arg)                                              \
	weft_stream_skip_while_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from),                  \
			WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)

/* All, after fn has looked at each. */
#define weft_stream_inspect_init(s, from, fn, arg)                                                 \
	weft_stream_inspect_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from),                     \
			WEFT_ITEM_ASK_(fn, arg, (s)->item), arg)

void weft_stream_filter_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg);
void weft_stream_take_while_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg);
void weft_stream_skip_while_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg);
void weft_stream_inspect_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg);

/* The first `count` items, and not one more is asked for: WEFT_STREAM_OF(take, T). */
struct weft_stream_take {
	struct weft_stream stream; /* private from here on */
	size_t left;
};

#define weft_stream_take_init(s, from, count)                                                      \
	weft_stream_take_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from), count)
void weft_stream_take_init_raw(
		struct weft_stream_take *take, struct weft_stream *from, size_t count);

/* All but the first `count`: WEFT_STREAM_OF(skip, T). */
struct weft_stream_skip {
	struct weft_stream_take take; /* private */
};

#define weft_stream_skip_init(s, from, count)                                                      \
	weft_stream_skip_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, from), count)
void weft_stream_skip_init_raw(
		struct weft_stream_skip *skip, struct weft_stream *from, size_t count);

/* ---- items with something beside them ---- */

/* Numbered from 0: WEFT_STREAM_OF(enumerate, S), where S is a struct with the members `size_t index` and
 * `T value`. */
struct weft_stream_enumerate {
	struct weft_stream stream; /* private from here on */
	size_t index;
	uint32_t index_at, value_at;
};

#define weft_stream_enumerate_init(s, from)                                                        \
	weft_stream_enumerate_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                     \
			(WEFT_ITEM_CHECK(&(s)->item->value, (from)->item), &(from)->stream),       \
			(WEFT_ITEM_CHECK(&(s)->item->index, (size_t *)0),                          \
					WEFT_STREAM_AT_(s, index)),                                \
			WEFT_STREAM_AT_(s, value))
#define WEFT_STREAM_AT_(s, member) ((uint32_t)offsetof(__typeof__(*(s)->item), member))
void weft_stream_enumerate_init_raw(struct weft_stream_enumerate *enumerate, size_t item_bytes,
		struct weft_stream *from, uint32_t index_at, uint32_t value_at);

/* Pairs, until one of both ends: WEFT_STREAM_FROM(zip, S, S), where S is a struct with the members `A
 * first` and `B second`. Both are asked at the same time. */
struct weft_stream_zip {
	struct weft_stream stream; /* private from here on */
	struct weft_stream *sources[2];
	uint32_t at[2];
	bool held[2];
	void *room;
};

#define weft_stream_zip_init(s, a, b)                                                              \
	((s)->self.at[0] = WEFT_STREAM_AT_(s, first),                                              \
			(s)->self.at[1] = WEFT_STREAM_AT_(s, second),                              \
			weft_stream_zip_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),           \
					(WEFT_ITEM_CHECK(&(s)->item->first, (a)->item),            \
							&(a)->stream),                             \
					(WEFT_ITEM_CHECK(&(s)->item->second, (b)->item),           \
							&(b)->stream),                             \
					&(s)->room.item))
void weft_stream_zip_init_raw(struct weft_stream_zip *zip, size_t item_bytes,
		struct weft_stream *first, struct weft_stream *second, void *room);

/* ---- one after the other ---- */

/* All of the first, then all of the second: WEFT_STREAM_OF(chain, T). */
struct weft_stream_chain {
	struct weft_stream stream; /* private from here on */
	struct weft_stream *first, *second;
};

#define weft_stream_chain_init(s, a, b)                                                            \
	weft_stream_chain_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, a), WEFT_STREAM_SOURCE_(s, b))
void weft_stream_chain_init_raw(struct weft_stream_chain *chain, struct weft_stream *first,
		struct weft_stream *second);

/* The items of each stream whose address is an item: WEFT_STREAM_OF(flatten, T); the source is one of
 * struct weft_stream *. These are closed with it, but those are not that have not been taken. */
struct weft_stream_flatten {
	struct weft_stream stream; /* private from here on */
	struct weft_stream *inner;
};

#define weft_stream_flatten_init(s, from)                                                          \
	weft_stream_flatten_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                       \
			(WEFT_ITEM_CHECK((from)->item, (struct weft_stream **)0),                  \
					&(from)->stream))
void weft_stream_flatten_init_raw(
		struct weft_stream_flatten *flatten, size_t item_bytes, struct weft_stream *from);

/* fn(arg, in, struct weft_stream **out) makes a stream of an item, in memory of its own; it has ended when
 * fn is called again. WEFT_STREAM_FROM(flat_map, In, Out). */
struct weft_stream_flat_map {
	struct weft_stream_flatten flatten; /* private from here on */
	struct weft_stream_map map;
};

#define weft_stream_flat_map_init(s, from, fn, arg)                                                \
	weft_stream_flat_map_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s), &(from)->stream,     \
			WEFT_STREAM_ROOM_(s, from),                                                \
			((void)sizeof(fn((arg), (from)->item, (struct weft_stream **)0)),          \
					fn##__any),                                                \
			arg)
void weft_stream_flat_map_init_raw(struct weft_stream_flat_map *flat_map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg);

/* ---- several items at once, and a look ahead ---- */

struct weft_chunk {
	void *items; /* in the buffer, until the next one is asked for */
	size_t count;
};

/* WEFT_STREAM_OF(chunks, struct weft_chunk), with a buffer of yours: full ones, but for what is there at
 * the end, or before an error. */
struct weft_stream_chunks {
	struct weft_stream stream; /* private from here on */
	void *buffer;
	size_t capacity, count;
	int error;
	bool handed, ready_only;
};

#define weft_stream_chunks_init(s, from, buffer, capacity)                                         \
	weft_stream_chunks_init_raw(WEFT_STREAM_CHUNKS_(s),                                        \
			(WEFT_ITEM_CHECK(buffer, (from)->item), &(from)->stream), buffer,          \
			capacity)

/* The same; what is there without waiting, but one item at least. */
#define weft_stream_ready_chunks_init(s, from, buffer, capacity)                                   \
	weft_stream_ready_chunks_init_raw(WEFT_STREAM_CHUNKS_(s),                                  \
			(WEFT_ITEM_CHECK(buffer, (from)->item), &(from)->stream), buffer,          \
			capacity)

#define WEFT_STREAM_CHUNKS_(s) (WEFT_ITEM_CHECK((s)->item, (struct weft_chunk *)0), &(s)->self)
void weft_stream_chunks_init_raw(struct weft_stream_chunks *chunks, struct weft_stream *from,
		void *buffer, size_t capacity);
void weft_stream_ready_chunks_init_raw(struct weft_stream_chunks *chunks, struct weft_stream *from,
		void *buffer, size_t capacity);

/* WEFT_STREAM_FROM(peekable, T, T): the next item can be looked at before it is taken. */
struct weft_stream_peekable {
	struct weft_stream stream; /* private from here on */
	void *room;
	bool held;
};

#define weft_stream_peekable_init(s, from)                                                         \
	weft_stream_peekable_init_raw(                                                             \
			&(s)->self, WEFT_STREAM_SOURCE_(s, from), WEFT_STREAM_ROOM_(s, from))
void weft_stream_peekable_init_raw(
		struct weft_stream_peekable *peekable, struct weft_stream *from, void *room);

/* async int weft_stream_peek(peekable): as weft_stream_next, but 1 says that the item is in its member
 * room.item; and it is still the next. */
WEFT_ASYNC_1(int, weft_stream_peek, struct weft_stream_peekable *);

struct weft_stream_peek__frame {
	struct weft_stream_peek__args args;
};
#define weft_stream_peek(s) weft_stream_peek(&(s)->self)

WEFT_END_DECLS

#endif
