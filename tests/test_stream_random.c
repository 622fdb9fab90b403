/* SPDX-License-Identifier: MIT */
/* Random pipelines of streams beside plain loops over arrays (rows S2-46, S2-47): the same items come
 * out, whatever the sources do in between, wherever it is cancelled. With a seed. */
#include <string.h>

#include <weft/stream_merge.h>

#include "probe.h"
#include "seeds.h"
#include "stutter.h"
#include "test.h"

enum { DEPTH_MAX = 8, LEAVES_MAX = 4, ITEMS_MAX = 200, ROUNDS = 2000 };

struct list {
	int items[ITEMS_MAX];
	size_t count;
};

struct two {
	int first, second;
};

struct stage {
	union {
		struct weft_stream stream;
		struct weft_stream_iter iter;
		struct weft_stream_map map;
		struct weft_stream_filter filter;
		struct weft_stream_take take;
		struct weft_stream_skip skip;
		struct weft_stream_chain chain;
		struct weft_stream_peekable peekable;
		struct stutter stutter;
	} as;
	WEFT_STREAM_FROM(zip, struct two, struct two) zip; /* below a map */
	struct two pair;
	int room;
	int arg;
};

struct pipeline {
	struct stage stages[DEPTH_MAX];
	struct stage leaves[LEAVES_MAX];
	struct list source; /* of all leaves */
	struct list expected, got;
	int leaf_count;
	bool has_errors;
	uint64_t random;
};

static unsigned draw(struct pipeline *pipeline, unsigned below)
{
	pipeline->random = pipeline->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(pipeline->random >> 33) % below;
}

/* ---- what streams do, and what loops do ---- */

WEFT_STREAM_FN(add, int, int, int)
{
	*out = *in + *arg;
	return 1;
}

WEFT_STREAM_TEST(is_multiple, int, int)
{
	return *in % *arg == 0;
}

WEFT_STREAM_TEST(is_below, int, int)
{
	return *in < *arg;
}

WEFT_STREAM_FN(halve_multiples, int, int, int)
{
	*out = *in / 2;
	return *in % *arg == 0;
}

WEFT_STREAM_FN(add_while_small, int, int, int)
{
	*arg += *in;
	*out = *arg;
	return *arg < 100;
}

WEFT_STREAM_FN(add_two, void, struct two, int)
{
	*out = in->first + in->second;
	return 1;
}

enum kind {
	ADD,
	FILTER,
	TAKE_WHILE,
	SKIP_WHILE,
	FILTER_MAP,
	SCAN,
	TAKE,
	SKIP,
	PEEKABLE,
	CHAIN,
	ZIP,
	KINDS
};

static void loop_chain(struct list *list, const struct list *more)
{
	for (size_t i = 0; i < more->count; i++)
		list->items[list->count++] = more->items[i];
}

static void loop_zip(struct list *list, const struct list *other)
{
	if (list->count > other->count)
		list->count = other->count;
	for (size_t i = 0; i < list->count; i++)
		list->items[i] += other->items[i];
}

/* Whether the item stays (perhaps changed); *end: and whether that was the last. */
static bool loop_item(enum kind kind, int *arg, size_t index, int *item, bool *end)
{
	switch (kind) {
	case ADD:
		*item += *arg;
		return true;
	case FILTER:
		return *item % *arg == 0;
	case TAKE_WHILE:
		*end = *item >= *arg;
		return !*end;
	case SKIP_WHILE:
		if (*item < *arg)
			return false;
		*arg = INT_MIN;
		return true;
	case FILTER_MAP:
		*end = false;
		if (*item % *arg)
			return false;
		*item /= 2;
		return true;
	case SCAN:
		*arg += *item;
		*item = *arg;
		*end = *arg >= 100;
		return !*end;
	case SKIP:
		return index >= (size_t)*arg;
	default:
		return true;
	}
}

/* Errors go through in their places. */
static void loop_apply(struct list *list, enum kind kind, int arg)
{
	size_t count = 0, index = 0;
	bool end = false;

	for (size_t i = 0; i < list->count && !end; i++) {
		int item = list->items[i];

		if (kind == TAKE && index == (size_t)arg)
			break;
		if (item == STUTTER_ERROR || loop_item(kind, &arg, index, &item, &end))
			list->items[count++] = item;
		index += item != STUTTER_ERROR;
	}
	list->count = count;
}

/* ---- making one ---- */

static struct weft_stream *make_leaf(struct pipeline *pipeline)
{
	struct stage *leaf = &pipeline->leaves[pipeline->leaf_count++];
	const struct list *source = &pipeline->source;

	if (!pipeline->has_errors && draw(pipeline, 2)) {
		weft_stream_iter_init_raw(&leaf->as.iter, sizeof(int), source->items, source->count,
				sizeof(int));
	} else {
		stutter_init(&leaf->as.stutter, source->items, source->count);
		leaf->as.stutter.closing = draw(pipeline, 3);
	}
	return &leaf->as.stream;
}

static void make_zip(struct pipeline *pipeline, struct stage *stage, struct weft_stream *from)
{
	stage->zip.self.at[0] = offsetof(struct two, first);
	stage->zip.self.at[1] = offsetof(struct two, second);
	weft_stream_zip_init_raw(&stage->zip.self, sizeof(struct two), from, make_leaf(pipeline),
			&stage->zip.room.item);
	weft_stream_map_init_raw(&stage->as.map, sizeof(int), &stage->zip.stream, &stage->pair,
			add_two__any, NULL);
}

static void make_stage(struct pipeline *pipeline, struct stage *stage, enum kind kind,
		struct weft_stream *from)
{
	size_t count = (size_t)stage->arg;
	int *arg = &stage->arg;

	switch (kind) {
	case ADD:
		weft_stream_map_init_raw(
				&stage->as.map, sizeof(int), from, &stage->room, add__any, arg);
		break;
	case FILTER:
		weft_stream_filter_init_raw(&stage->as.filter, from, is_multiple__any, arg);
		break;
	case TAKE_WHILE:
		weft_stream_take_while_init_raw(&stage->as.filter, from, is_below__any, arg);
		break;
	case SKIP_WHILE:
		weft_stream_skip_while_init_raw(&stage->as.filter, from, is_below__any, arg);
		break;
	case FILTER_MAP:
		weft_stream_filter_map_init_raw(&stage->as.map, sizeof(int), from, &stage->room,
				halve_multiples__any, arg);
		break;
	case SCAN:
		weft_stream_scan_init_raw(&stage->as.map, sizeof(int), from, &stage->room,
				add_while_small__any, arg);
		break;
	case TAKE:
		weft_stream_take_init_raw(&stage->as.take, from, count);
		break;
	case SKIP:
		weft_stream_skip_init_raw(&stage->as.skip, from, count);
		break;
	case PEEKABLE:
		weft_stream_peekable_init_raw(&stage->as.peekable, from, &stage->room);
		break;
	case ZIP:
		make_zip(pipeline, stage, from);
		break;
	default:
		weft_stream_chain_init_raw(&stage->as.chain, from, make_leaf(pipeline));
	}
}

/* Makes the stream, and what must come out of it. */
static struct weft_stream *make_pipeline(struct pipeline *pipeline)
{
	unsigned depth = draw(pipeline, DEPTH_MAX);
	struct weft_stream *last;

	pipeline->source.count = draw(pipeline, 40);
	pipeline->has_errors = draw(pipeline, 3) == 0;
	for (size_t i = 0; i < pipeline->source.count; i++) {
		bool is_error = pipeline->has_errors && draw(pipeline, 8) == 0;

		pipeline->source.items[i] = is_error ? STUTTER_ERROR : (int)draw(pipeline, 60);
	}
	last = make_leaf(pipeline);
	loop_chain(&pipeline->expected, &pipeline->source);
	for (unsigned i = 0; i < depth; i++) {
		struct stage *stage = &pipeline->stages[i];
		enum kind kind = draw(pipeline, KINDS);

		if ((kind == CHAIN || kind == ZIP) && pipeline->leaf_count == LEAVES_MAX)
			kind = ADD;
		if (kind == ZIP && pipeline->has_errors)
			kind = ADD; /* which error comes first is not said */
		stage->arg = 1 + (int)draw(pipeline, 50);
		if (kind == FILTER || kind == FILTER_MAP)
			stage->arg = 1 + stage->arg % 4;
		make_stage(pipeline, stage, kind, last);
		if (kind == CHAIN)
			loop_chain(&pipeline->expected, &pipeline->source);
		else if (kind == ZIP)
			loop_zip(&pipeline->expected, &pipeline->source);
		else
			loop_apply(&pipeline->expected, kind, stage->arg);
		last = &stage->as.stream;
	}
	return last;
}

/* ---- running it ---- */

static bool advance(struct pipeline *pipeline)
{
	for (int i = 0; i < pipeline->leaf_count; i++) {
		struct stage *leaf = &pipeline->leaves[i];

		if (leaf->as.stream.ops == &stutter_ops && stutter_advance(&leaf->as.stutter))
			return true;
	}
	return false;
}

/* What it says of what is to come is true at every moment. (Whether errors count is not said.) */
static void check_hint(const struct pipeline *pipeline, const struct weft_stream *last)
{
	struct weft_size_hint hint = weft_stream_poll_size_hint(last);
	size_t left = pipeline->expected.count - pipeline->got.count;

	if (pipeline->has_errors)
		return;
	CHECK(hint.least <= left);
	CHECK(hint.most >= left);
}

/* Asks until the end. A poll may be cancelled, its budget may be anything, and the stream may be asked
 * again without a wake. */
static void run(struct pipeline *pipeline, struct weft_stream *last)
{
	struct list *got = &pipeline->got;
	struct probe probe = PROBE;
	struct weft_strand strand = { NULL };
	int result;

	for (;;) {
		struct weft_context cx = probe_context(&probe, NULL, &strand);

		cx.budget = draw(pipeline, 10);
		cx.cancelled = draw(pipeline, 5) == 0;
		CHECK(got->count < ITEMS_MAX);
		check_hint(pipeline, last);
		if (weft_stream_poll_next(last, &cx, &got->items[got->count], &result) ==
				WEFT_PENDING) {
			CHECK(cx.waker_taken || cx.self_woken);
			if (draw(pipeline, 2))
				advance(pipeline);
			continue;
		}
		CHECK(result != -ECANCELED || cx.cancelled);
		if (result == 0)
			break;
		if (result == -EIO)
			got->items[got->count] = STUTTER_ERROR;
		got->count += result != -ECANCELED;
	}
	CHECK(probe_balanced(&probe));
}

static void check(const struct pipeline *pipeline)
{
	CHECK_EQ(pipeline->got.count, pipeline->expected.count);
	for (size_t i = 0; i < pipeline->got.count; i++)
		CHECK_EQ(pipeline->got.items[i], pipeline->expected.items[i]);
	for (int i = 0; i < pipeline->leaf_count; i++)
		if (pipeline->leaves[i].as.stream.ops == &stutter_ops)
			CHECK_EQ(pipeline->leaves[i].as.stutter.closed, 1);
}

TEST(s2_46_s2_47_random_pipelines_give_what_loops_give)
{
	static struct pipeline pipeline;

	for (unsigned i = 0; i < seeds_count(ROUNDS); i++) {
		seeds_begin(i);
		memset(&pipeline, 0, sizeof pipeline);
		pipeline.random = seeds_current;
		run(&pipeline, make_pipeline(&pipeline));
		check(&pipeline);
		seeds_end();
	}
}
