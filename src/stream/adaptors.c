/* SPDX-License-Identifier: MIT */
/*
 * stream/adaptors.c: streams that look at one item of a source at a time.
 *
 * How         Most of them ask the source for an item and call a function; they differ by what a 0 from
 *             it means (enum map_mode). Where the item has the type that goes out, the source copies it
 *             to its last place at once, and nothing is copied twice.
 *             An adaptor holds no item while it waits, so there is nothing that a cancellation could
 *             lose; where it must (zip, peekable), it has room for it in itself.
 * Cost        one call of the source per item that it gives, and no memory.
 * Not here    several items (chunks.c), several sources at once (merge.c), futures (buffered.c).
 */
#include <errno.h>
#include <string.h>

#include <weft/stream_adaptors.h>

/* ---- a function for each ---- */

enum map_mode {
	MAP_ALL,   /* 0: an item, too */
	MAP_SOME,  /* 0: not this one */
	MAP_WHILE, /* 0: the end */
	MAP_AFTER, /* 0: from here on all, and no more questions: MAP_PASS */
	MAP_PASS
};

/* Whether *result is the answer; else the item was for nothing. */
static bool map_apply(struct weft_stream_map *map, const void *in, void *out, int *result)
{
	if (map->mode == MAP_PASS)
		return true;
	*result = map->fn(map->arg, in, out);
	if (*result < 0 || map->mode == MAP_WHILE)
		return true;
	if (map->mode == MAP_SOME)
		return *result != 0;
	if (map->mode == MAP_AFTER) {
		if (*result)
			return false;
		map->mode = MAP_PASS;
	}
	*result = 1;
	return true;
}

static enum weft_poll map_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_map *map = (struct weft_stream_map *)stream;
	void *in = map->room ? map->room : item;

	do {
		if (weft_stream_poll_next(stream->source, cx, in, result) == WEFT_PENDING)
			return WEFT_PENDING;
	} while (*result > 0 && !map_apply(map, in, item, result));
	return WEFT_READY;
}

static struct weft_size_hint map_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_map *map = (const struct weft_stream_map *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(stream->source);

	if (map->mode != MAP_ALL && map->mode != MAP_PASS)
		hint.least = 0;
	return hint;
}

static const struct weft_stream_ops map_ops = { "map", map_poll_next, map_size_hint, NULL, NULL };

static void map_init(struct weft_stream_map *map, struct weft_stream *from, enum map_mode mode,
		weft_stream_fn fn, void *arg)
{
	weft_stream_init(&map->stream, &map_ops, from, from->item_bytes);
	map->fn = fn;
	map->arg = arg;
	map->room = NULL;
	map->mode = mode;
}

static void map_set_types(struct weft_stream_map *map, size_t item_bytes, void *room)
{
	map->stream.item_bytes = (uint32_t)item_bytes;
	map->room = room;
}

void weft_stream_map_init_raw(struct weft_stream_map *map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg)
{
	map_init(map, from, MAP_ALL, fn, arg);
	map_set_types(map, item_bytes, room);
}

void weft_stream_filter_map_init_raw(struct weft_stream_map *map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg)
{
	map_init(map, from, MAP_SOME, fn, arg);
	map_set_types(map, item_bytes, room);
}

void weft_stream_scan_init_raw(struct weft_stream_map *map, size_t item_bytes,
		struct weft_stream *from, void *room, weft_stream_fn fn, void *arg)
{
	map_init(map, from, MAP_WHILE, fn, arg);
	map_set_types(map, item_bytes, room);
}

void weft_stream_filter_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg)
{
	map_init(&filter->map, from, MAP_SOME, fn, arg);
}

void weft_stream_take_while_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg)
{
	map_init(&filter->map, from, MAP_WHILE, fn, arg);
}

void weft_stream_skip_while_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg)
{
	map_init(&filter->map, from, MAP_AFTER, fn, arg);
}

void weft_stream_inspect_init_raw(struct weft_stream_filter *filter, struct weft_stream *from,
		weft_stream_fn fn, void *arg)
{
	map_init(&filter->map, from, MAP_ALL, fn, arg);
}

/* ---- take, skip ---- */

static enum weft_poll take_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_take *take = (struct weft_stream_take *)stream;

	*result = 0;
	if (take->left == 0)
		return WEFT_READY;
	if (weft_stream_poll_next(stream->source, cx, item, result) == WEFT_PENDING)
		return WEFT_PENDING;
	take->left -= *result > 0;
	return WEFT_READY;
}

static struct weft_size_hint take_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_take *take = (const struct weft_stream_take *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(stream->source);

	if (hint.least > take->left)
		hint.least = take->left;
	if (hint.most > take->left)
		hint.most = take->left;
	return hint;
}

static const struct weft_stream_ops take_ops = { "take", take_poll_next, take_size_hint, NULL,
	NULL };

void weft_stream_take_init_raw(
		struct weft_stream_take *take, struct weft_stream *from, size_t count)
{
	weft_stream_init(&take->stream, &take_ops, from, from->item_bytes);
	take->left = count;
}

static enum weft_poll skip_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_take *skip = (struct weft_stream_take *)stream;

	for (;;) {
		if (weft_stream_poll_next(stream->source, cx, item, result) == WEFT_PENDING)
			return WEFT_PENDING;
		if (*result <= 0 || skip->left == 0)
			return WEFT_READY;
		skip->left--;
	}
}

static struct weft_size_hint skip_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_take *skip = (const struct weft_stream_take *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(stream->source);

	hint.least -= hint.least < skip->left ? hint.least : skip->left;
	if (hint.most != WEFT_UNKNOWN)
		hint.most -= hint.most < skip->left ? hint.most : skip->left;
	return hint;
}

static const struct weft_stream_ops skip_ops = { "skip", skip_poll_next, skip_size_hint, NULL,
	NULL };

void weft_stream_skip_init_raw(
		struct weft_stream_skip *skip, struct weft_stream *from, size_t count)
{
	weft_stream_init(&skip->take.stream, &skip_ops, from, from->item_bytes);
	skip->take.left = count;
}

/* ---- enumerate ---- */

static enum weft_poll enumerate_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_enumerate *enumerate = (struct weft_stream_enumerate *)stream;
	char *place = item;

	if (weft_stream_poll_next(stream->source, cx, place + enumerate->value_at, result) ==
			WEFT_PENDING)
		return WEFT_PENDING;
	if (*result > 0) {
		memcpy(place + enumerate->index_at, &enumerate->index, sizeof enumerate->index);
		enumerate->index++;
	}
	return WEFT_READY;
}

static struct weft_size_hint source_size_hint(const struct weft_stream *stream)
{
	return weft_stream_poll_size_hint(stream->source);
}

static const struct weft_stream_ops enumerate_ops = { "enumerate", enumerate_poll_next,
	source_size_hint, NULL, NULL };

void weft_stream_enumerate_init_raw(struct weft_stream_enumerate *enumerate, size_t item_bytes,
		struct weft_stream *from, uint32_t index_at, uint32_t value_at)
{
	weft_stream_init(&enumerate->stream, &enumerate_ops, from, item_bytes);
	enumerate->index = 0;
	enumerate->index_at = index_at;
	enumerate->value_at = value_at;
}

/* ---- peekable ---- */

static enum weft_poll peekable_look(
		struct weft_stream_peekable *peekable, struct weft_context *cx, int *result)
{
	*result = 1;
	if (!peekable->held &&
			weft_stream_poll_next(peekable->stream.source, cx, peekable->room,
					result) == WEFT_PENDING)
		return WEFT_PENDING;
	peekable->held = *result > 0;
	return WEFT_READY;
}

static enum weft_poll peekable_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct weft_stream_peekable *peekable = (struct weft_stream_peekable *)stream;

	if (peekable_look(peekable, cx, result) == WEFT_PENDING)
		return WEFT_PENDING;
	if (peekable->held)
		memcpy(item, peekable->room, stream->item_bytes);
	peekable->held = false;
	return WEFT_READY;
}

static struct weft_size_hint peekable_size_hint(const struct weft_stream *stream)
{
	const struct weft_stream_peekable *peekable = (const struct weft_stream_peekable *)stream;
	struct weft_size_hint hint = weft_stream_poll_size_hint(stream->source);

	hint.least += peekable->held && hint.least != WEFT_UNKNOWN;
	hint.most += peekable->held && hint.most != WEFT_UNKNOWN;
	return hint;
}

static const struct weft_stream_ops peekable_ops = { "peekable", peekable_poll_next,
	peekable_size_hint, NULL, NULL };

void weft_stream_peekable_init_raw(
		struct weft_stream_peekable *peekable, struct weft_stream *from, void *room)
{
	weft_stream_init(&peekable->stream, &peekable_ops, from, from->item_bytes);
	peekable->room = room;
	peekable->held = false;
}

enum weft_poll weft_stream_peek__poll(void *frame, struct weft_context *cx)
{
	struct weft_stream_peek__frame *f = frame;
	int result;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (peekable_look(f->args.p0, cx, &result) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, result);
}

WEFT_ASYNC_DEFINE_LEAF(weft_stream_peek, WEFT_ASYNC_RESULT_INT);
