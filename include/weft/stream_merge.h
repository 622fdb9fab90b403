/* SPDX-License-Identifier: MIT */
/*
 * weft/stream_merge.h: the items of several streams, in the order in which they come.
 *
 *     WEFT_STREAM_OF(merge, struct event) events;
 *
 *     weft_stream_merge_init(&events, &keys, &ticks);
 *     while ((n = await weft_stream_next(&events, &event)) > 0)
 *
 * All are asked at once, in turns, so that none waits behind another that always has something. The stream
 * ends when all have ended.
 *
 * Memory:  of a member: yours; it stays until its stream has ended, or the member was removed.
 * Order:   a step of the whole asks each member once; so they should not be too many.
 */
#ifndef WEFT_STREAM_MERGE_H
#define WEFT_STREAM_MERGE_H

#include <weft/stream_adaptors.h>

WEFT_BEGIN_DECLS

/* One of several streams. Private. */
struct weft_stream_member {
	struct weft_stream_member *next;
	struct weft_stream *stream;
	size_t key;
};

/* Any number of streams: WEFT_STREAM_OF(select_all, T). */
struct weft_stream_select_all {
	struct weft_stream stream; /* private from here on */
	struct weft_stream_member *last;
	uint32_t key_at, value_at;
};

#define weft_stream_select_all_init(s)                                                             \
	weft_stream_select_all_init_raw(                                                           \
			&(s)->self, WEFT_STREAM_ITEM_BYTES_(s), WEFT_STREAM_NO_KEY, 0)

/* Items with the key of the stream that they are from (Tokio's StreamMap): here T is a struct with the
 * members `size_t key` and `V value`, and the streams have items of type V. */
#define weft_stream_keyed_init(s)                                                                  \
	weft_stream_select_all_init_raw(&(s)->self, WEFT_STREAM_ITEM_BYTES_(s),                    \
			(WEFT_ITEM_CHECK(&(s)->item->key, (size_t *)0), WEFT_STREAM_AT_(s, key)),  \
			WEFT_STREAM_AT_(s, value))

#define WEFT_STREAM_NO_KEY UINT32_MAX
void weft_stream_select_all_init_raw(struct weft_stream_select_all *all, size_t item_bytes,
		uint32_t key_at, uint32_t value_at);

/* Another stream; also later, as long as the whole has not ended. `member`: where it is kept. */
#define weft_stream_select_all_add(s, member, from)                                                \
	weft_stream_select_all_add_raw(&(s)->self, member, WEFT_STREAM_SOURCE_(s, from), 0)
#define weft_stream_keyed_add(s, member, from, key)                                                \
	weft_stream_select_all_add_raw(&(s)->self, member,                                         \
			(WEFT_ITEM_CHECK(&(s)->item->value, (from)->item), &(from)->stream), key)
void weft_stream_select_all_add_raw(struct weft_stream_select_all *all,
		struct weft_stream_member *member, struct weft_stream *from, size_t key);

/* Takes out a stream with this key: it is yours again, to be asked or to be closed. NULL: there is none,
 * or it has ended. */
struct weft_stream *weft_stream_keyed_remove(struct weft_stream_select_all *all, size_t key);

/* Two of them: WEFT_STREAM_OF(merge, T). */
struct weft_stream_merge {
	struct weft_stream_select_all all; /* private from here on */
	struct weft_stream_member members[2];
};

#define weft_stream_merge_init(s, a, b)                                                            \
	weft_stream_merge_init_raw(&(s)->self, WEFT_STREAM_SOURCE_(s, a), WEFT_STREAM_SOURCE_(s, b))
void weft_stream_merge_init_raw(
		struct weft_stream_merge *merge, struct weft_stream *a, struct weft_stream *b);

WEFT_END_DECLS

#endif
