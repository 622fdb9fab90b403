/* SPDX-License-Identifier: MIT */
/*
 * stream/merge.c: streams that ask several others: zip, chain, flatten, select_all, merge.
 *
 * How         select_all keeps its members in a ring and knows the one that has had its turn last:
 *
 *                 last --next--> first to be asked --next--> ... --next--> last
 *
 *             Who gives an item becomes the last. One that has ended is taken out. When none gives
 *             anything all of them have been asked, so whichever goes on wakes the task.
 *             A cancelled context is shown to all of them, so that all withdraw; -ECANCELED comes only if
 *             none of them had something.
 * Invariants  [I1] all members are open: an ended one has been closed by its end.
 * Cost        linear in the members, for each item.
 */
#include <errno.h>
#include <string.h>

#include <weft/stream_merge.h>

#include "base/check.h"

/* Both are polled, whatever the first says. */
static enum weft_poll close_both(
		struct weft_stream *a, struct weft_stream *b, struct weft_context *cx)
{
	bool closed = weft_stream_poll_close(a, cx) == WEFT_READY;

	closed &= weft_stream_poll_close(b, cx) == WEFT_READY;
	return closed ? WEFT_READY : WEFT_PENDING;
}

static size_t sum_of(size_t a, size_t b)
{
	return a > WEFT_UNKNOWN - b ? WEFT_UNKNOWN : a + b;
}

static struct weft_size_hint hint_of_both(struct weft_size_hint a, struct weft_size_hint b)
{
	struct weft_size_hint hint = { sum_of(a.least, b.least), sum_of(a.most, b.most) };

	return hint;
}

/* ---- zip ---- */

/* Asks one of the two, unless its item is there. Whether that decides: the end, or an error. */
static bool zip_step(struct weft_stream_zip *zip, int which, struct weft_context *cx, int *result)
{
	void *place = (char *)zip->room + zip->at[which];
	int answer;

	if (zip->held[which])
		return false;
	if (weft_stream_poll_next(zip->sources[which], cx, place, &answer) == WEFT_PENDING)
		return false;
	zip->held[which] = answer > 0;
	if (answer > 0)
		return false;
	*result = answer;
	return answer != -ECANCELED;
}

static enum weft_poll zip_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_zip *zip = (struct weft_stream_zip *)stream;

	*result = 1;
	if (zip_step(zip, 0, cx, result) || zip_step(zip, 1, cx, result))
		return WEFT_READY;
	if (*result < 0) /* -ECANCELED: what is held stays so */
		return WEFT_READY;
	if (!zip->held[0] || !zip->held[1])
		return WEFT_PENDING;
	memcpy(item, zip->room, stream->item_bytes);
	zip->held[0] = zip->held[1] = false;
	return WEFT_READY;
}

static struct weft_size_hint zip_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_zip *zip = (const struct weft_stream_zip *)stream;
	struct weft_size_hint hint[2];

	for (int i = 0; i < 2; i++) {
		hint[i] = weft_stream_poll_size_hint(zip->sources[i]);
		hint[i].least = sum_of(hint[i].least, zip->held[i]);
		hint[i].most = sum_of(hint[i].most, zip->held[i]);
	}
	if (hint[1].least < hint[0].least)
		hint[0].least = hint[1].least;
	if (hint[1].most < hint[0].most)
		hint[0].most = hint[1].most;
	return hint[0];
}

static enum weft_poll zip_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_zip *zip = (struct weft_stream_zip *)stream;

	return close_both(zip->sources[0], zip->sources[1], cx);
}

static void zip_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	const struct weft_stream_zip *zip = (const struct weft_stream_zip *)stream;

	weft_stream_each(zip->sources[zip->held[0]], visitor);
}

static const struct weft_stream_ops zip_ops = { "zip", zip_poll_next, zip_size_hint, zip_poll_close,
	zip_each };

void weft_stream_zip_init_raw(struct weft_stream_zip *zip, size_t item_bytes,
		struct weft_stream *first, struct weft_stream *second, void *room)
{
	weft_stream_init(&zip->stream, &zip_ops, NULL, item_bytes);
	zip->sources[0] = first;
	zip->sources[1] = second;
	zip->held[0] = zip->held[1] = false;
	zip->room = room;
}

/* ---- chain ---- */

static enum weft_poll chain_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_chain *chain = (struct weft_stream_chain *)stream;

	if (chain->first) {
		if (weft_stream_poll_next(chain->first, cx, item, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result)
			return WEFT_READY;
		chain->first = NULL; /* closed by its end */
	}
	return weft_stream_poll_next(chain->second, cx, item, result);
}

static struct weft_size_hint chain_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_chain *chain = (const struct weft_stream_chain *)stream;
	struct weft_size_hint second = weft_stream_poll_size_hint(chain->second);

	if (!chain->first)
		return second;
	return hint_of_both(weft_stream_poll_size_hint(chain->first), second);
}

static enum weft_poll chain_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_chain *chain = (struct weft_stream_chain *)stream;

	return close_both(chain->first ? chain->first : chain->second, chain->second, cx);
}

static void chain_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	const struct weft_stream_chain *chain = (const struct weft_stream_chain *)stream;

	weft_stream_each(chain->first ? chain->first : chain->second, visitor);
}

static const struct weft_stream_ops chain_ops = { "chain", chain_poll_next, chain_size_hint,
	chain_poll_close, chain_each };

void weft_stream_chain_init_raw(struct weft_stream_chain *chain, struct weft_stream *first,
		struct weft_stream *second)
{
	WEFT_ASSERT(first->item_bytes == second->item_bytes);
	weft_stream_init(&chain->stream, &chain_ops, NULL, first->item_bytes);
	chain->first = first;
	chain->second = second;
}

/* ---- flatten ---- */

static enum weft_poll flatten_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_flatten *flatten = (struct weft_stream_flatten *)stream;
	struct weft_stream *next;

	for (;;) {
		if (flatten->inner) {
			if (weft_stream_poll_next(flatten->inner, cx, item, result) == WEFT_PENDING)
				return WEFT_PENDING;
			if (*result)
				return WEFT_READY;
			flatten->inner = NULL; /* closed by its end */
		}
		if (weft_stream_poll_next(stream->source, cx, &next, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result <= 0)
			return WEFT_READY;
		WEFT_ASSERT(next->item_bytes == stream->item_bytes);
		flatten->inner = next;
	}
}

static enum weft_poll flatten_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_flatten *flatten = (struct weft_stream_flatten *)stream;

	return flatten->inner ? weft_stream_poll_close(flatten->inner, cx) : WEFT_READY;
}

static void flatten_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	const struct weft_stream_flatten *flatten = (const struct weft_stream_flatten *)stream;

	weft_stream_each(flatten->inner ? flatten->inner : stream->source, visitor);
}

static const struct weft_stream_ops flatten_ops = { "flatten", flatten_poll_next, NULL,
	flatten_poll_close, flatten_each };

void weft_stream_flatten_init_raw(
		struct weft_stream_flatten *flatten, size_t item_bytes, struct weft_stream *from)
{
	weft_stream_init(&flatten->stream, &flatten_ops, from, item_bytes);
	flatten->inner = NULL;
}

void weft_stream_flat_map_init_raw(struct weft_stream_flat_map *flat_map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg)
{
	weft_stream_map_init_raw(&flat_map->map, sizeof(struct weft_stream *), from, room, fn, arg);
	weft_stream_flatten_init_raw(&flat_map->flatten, item_bytes, &flat_map->map.stream);
}

/* ---- select_all ---- */

/* Takes out the member behind `before`. */
static void ring_remove(struct weft_stream_select_all *all, struct weft_stream_member *before)
{
	struct weft_stream_member *member = before->next;

	before->next = member->next;
	if (member == before)
		all->last = NULL;
	else if (member == all->last)
		all->last = before;
}

static void all_give_key(const struct weft_stream_select_all *all, char *item, size_t key)
{
	if (all->key_at != WEFT_STREAM_NO_KEY)
		memcpy(item + all->key_at, &key, sizeof key);
}

static enum weft_poll all_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_select_all *all = (struct weft_stream_select_all *)stream;
	struct weft_stream_member *before = all->last, *end = all->last;
	bool cancelled = false, more = before != NULL;

	while (more) {
		struct weft_stream_member *member = before->next;
		int answer;

		more = member != end;
		if (weft_stream_poll_next(member->stream, cx, (char *)item + all->value_at,
				    &answer) == WEFT_PENDING) {
			before = member;
		} else if (answer == 0) {
			ring_remove(all, before); /* [I1] */
		} else if (answer == -ECANCELED) {
			cancelled = true;
			before = member;
		} else {
			all->last = member;
			all_give_key(all, item, member->key);
			*result = answer;
			return WEFT_READY;
		}
	}
	*result = cancelled ? -ECANCELED : 0;
	return all->last && !cancelled ? WEFT_PENDING : WEFT_READY;
}

static struct weft_size_hint all_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_select_all *all = (const struct weft_stream_select_all *)stream;
	const struct weft_stream_member *member = all->last;
	struct weft_size_hint hint = { 0, 0 };

	if (member)
		do {
			hint = hint_of_both(hint, weft_stream_poll_size_hint(member->stream));
			member = member->next;
		} while (member != all->last);
	return hint;
}

static enum weft_poll all_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct weft_stream_select_all *all = (struct weft_stream_select_all *)stream;
	struct weft_stream_member *before = all->last, *end = all->last;
	bool more = before != NULL;

	while (more) {
		struct weft_stream_member *member = before->next;

		more = member != end;
		if (weft_stream_poll_close(member->stream, cx) == WEFT_READY)
			ring_remove(all, before);
		else
			before = member;
	}
	return all->last ? WEFT_PENDING : WEFT_READY;
}

static void all_each(const struct weft_stream *stream, struct weft_visitor *visitor)
{
	const struct weft_stream_select_all *all = (const struct weft_stream_select_all *)stream;
	const struct weft_stream_member *member = all->last;

	if (member)
		do {
			weft_stream_each(member->stream, visitor);
			member = member->next;
		} while (member != all->last);
}

static const struct weft_stream_ops all_ops = { "select_all", all_poll_next, all_size_hint,
	all_poll_close, all_each };

void weft_stream_select_all_init_raw(struct weft_stream_select_all *all, size_t item_bytes,
		uint32_t key_at, uint32_t value_at)
{
	weft_stream_init(&all->stream, &all_ops, NULL, item_bytes);
	all->last = NULL;
	all->key_at = key_at;
	all->value_at = value_at;
}

void weft_stream_select_all_add_raw(struct weft_stream_select_all *all,
		struct weft_stream_member *member, struct weft_stream *from, size_t key)
{
	member->stream = from;
	member->key = key;
	member->next = all->last ? all->last->next : member;
	if (all->last)
		all->last->next = member;
	all->last = member;
}

struct weft_stream *weft_stream_keyed_remove(struct weft_stream_select_all *all, size_t key)
{
	struct weft_stream_member *before = all->last;

	if (!before)
		return NULL;
	do {
		struct weft_stream_member *member = before->next;

		if (member->key == key) {
			ring_remove(all, before);
			return member->stream;
		}
		before = member;
	} while (before != all->last);
	return NULL;
}

void weft_stream_merge_init_raw(
		struct weft_stream_merge *merge, struct weft_stream *a, struct weft_stream *b)
{
	WEFT_ASSERT(a->item_bytes == b->item_bytes);
	weft_stream_select_all_init_raw(&merge->all, a->item_bytes, WEFT_STREAM_NO_KEY, 0);
	weft_stream_select_all_add_raw(&merge->all, &merge->members[0], a, 0);
	weft_stream_select_all_add_raw(&merge->all, &merge->members[1], b, 0);
}
