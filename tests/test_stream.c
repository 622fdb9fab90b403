/* SPDX-License-Identifier: MIT */
/* Streams, polled by hand (rows S0-24, S0-25, S2-46, S2-47): each source and adaptor that runs no
 * futures, with types; what is lost when one is cancelled, which is nothing; what is closed, and when. */
#include <string.h>

#include <weft/stream_merge.h>

#include "stutter.h"
#include "sweep.h"
#include "test.h"

static int digits[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

/* The context of a poll by hand; its wakes are counted. */
static struct probe probe = PROBE;
static struct weft_strand strand;

static struct weft_context context(void)
{
	return probe_context(&probe, NULL, &strand);
}

/* What the stream gives, now; INT_MAX: it waits. */
static int ask(struct weft_stream *stream, void *item)
{
	struct weft_context cx = context();
	int result;

	if (weft_stream_poll_next(stream, &cx, item, &result) == WEFT_PENDING)
		return INT_MAX;
	return result;
}

static int ask_cancelled(struct weft_stream *stream, void *item)
{
	struct weft_context cx = context();
	int result;

	cx.cancelled = 1;
	if (weft_stream_poll_next(stream, &cx, item, &result) == WEFT_PENDING)
		return INT_MAX;
	return result;
}

/* Whether it gives these ints, and then the end. */
#define GIVES(s, ...)                                                                              \
	gives(&(s).stream, (const int[]){ 0, ##__VA_ARGS__ } + 1,                                  \
			sizeof((const int[]){ 0, ##__VA_ARGS__ }) / sizeof(int) - 1)

static bool gives(struct weft_stream *stream, const int *items, size_t count)
{
	int item;

	for (size_t i = 0; i < count; i++)
		if (ask(stream, &item) != 1 || item != items[i])
			return false;
	if (ask(stream, &item) != 0)
		return false;
	return ask(stream, &item) == 0; /* again */
}

static bool hint_is(struct weft_size_hint hint, size_t least, size_t most)
{
	return hint.least == least && hint.most == most;
}

/* ---- sources ---- */

TEST(s0_24_stream_gives_three_items_and_then_ends)
{
	WEFT_STREAM_OF(iter, int) numbers;

	weft_stream_iter_init(&numbers, digits, 3);
	CHECK(hint_is(weft_stream_size_hint(&numbers), 3, 3));
	CHECK(GIVES(numbers, 0, 1, 2));
	CHECK(hint_is(weft_stream_size_hint(&numbers), 0, 0));
}

TEST(stream_once_and_repeat)
{
	WEFT_STREAM_OF(iter, int) one, same;
	int seven = 7, item;

	weft_stream_once_init(&one, &seven);
	CHECK(GIVES(one, 7));
	weft_stream_repeat_init(&same, &seven);
	for (int i = 0; i < 1000; i++)
		CHECK(ask(&same.stream, &item) == 1 && item == 7);
	CHECK(hint_is(weft_stream_size_hint(&same), WEFT_UNKNOWN, WEFT_UNKNOWN));
}

WEFT_STREAM_MAKE(count_down, int, int)
{
	*out = --*arg;
	return *arg == 2 ? -EIO : *arg >= 0;
}

TEST(stream_unfold_gives_what_the_function_makes)
{
	WEFT_STREAM_OF(unfold, int) numbers;
	int from = 4, item;

	weft_stream_unfold_init(&numbers, count_down, &from);
	CHECK(hint_is(weft_stream_size_hint(&numbers), 0, WEFT_UNKNOWN));
	CHECK(ask(&numbers.stream, &item) == 1 && item == 3);
	CHECK_EQ(ask(&numbers.stream, &item), -EIO); /* and it may be asked again */
	CHECK(GIVES(numbers, 1, 0));
	CHECK_EQ(from, -1); /* fused: it was not called after its 0 */
}

TEST(s1_cooperative_stream_iter_stops_when_the_budget_is_spent)
{
	WEFT_STREAM_OF(iter, int) same;
	struct weft_context cx = context();
	int seven = 7, item, result, count = 0;

	weft_stream_repeat_init(&same, &seven);
	while (weft_stream_poll_next(&same.stream, &cx, &item, &result) == WEFT_READY)
		count++;
	CHECK_EQ(count, WEFT_BUDGET);
	CHECK_EQ(cx.self_woken, 1);
}

/* ---- adaptors ---- */

WEFT_STREAM_FN(tenfold, void, int, long)
{
	*out = 10L * *in;
	return *in == 3 ? -EDOM : 1;
}

TEST(stream_map_changes_the_type_and_passes_on_errors)
{
	WEFT_STREAM_OF(iter, int) numbers;
	WEFT_STREAM_FROM(map, int, long) longs;
	long item;

	weft_stream_iter_init(&numbers, digits, 5);
	weft_stream_map_init(&longs, &numbers, tenfold, NULL);
	CHECK(hint_is(weft_stream_size_hint(&longs), 5, 5));
	for (int i = 0; i < 3; i++)
		CHECK(ask(&longs.stream, &item) == 1 && item == i * 10);
	CHECK_EQ(ask(&longs.stream, &item), -EDOM);
	CHECK(ask(&longs.stream, &item) == 1 && item == 40);
	CHECK_EQ(ask(&longs.stream, &item), 0);
}

WEFT_STREAM_TEST(is_odd, void, int)
{
	return *in & 1;
}

WEFT_STREAM_TEST(is_below, const int, int)
{
	return *in < *arg;
}

WEFT_STREAM_FN(halve, void, int, int)
{
	*out = *in / 2;
	return *in % 2 == 0;
}

TEST(stream_filters)
{
	WEFT_STREAM_OF(iter, int) numbers;
	WEFT_STREAM_OF(filter, int) filter;
	WEFT_STREAM_FROM(map, int, int) map;
	const int five = 5;

	weft_stream_iter_init(&numbers, digits, 10);
	weft_stream_filter_init(&filter, &numbers, is_odd, NULL);
	CHECK(hint_is(weft_stream_size_hint(&filter), 0, 10));
	CHECK(GIVES(filter, 1, 3, 5, 7, 9));
	weft_stream_iter_init(&numbers, digits, 10);
	weft_stream_take_while_init(&filter, &numbers, is_below, (void *)(uintptr_t)&five);
	CHECK(GIVES(filter, 0, 1, 2, 3, 4));
	weft_stream_iter_init(&numbers, digits, 10);
	weft_stream_skip_while_init(&filter, &numbers, is_below, (void *)(uintptr_t)&five);
	CHECK(GIVES(filter, 5, 6, 7, 8, 9));
	weft_stream_iter_init(&numbers, digits, 6);
	weft_stream_filter_map_init(&map, &numbers, halve, NULL);
	CHECK(GIVES(map, 0, 1, 2));
}

WEFT_STREAM_TEST(add_up, int, int)
{
	*arg += *in;
	return 1;
}

WEFT_STREAM_FN(running_sum, int, int, int)
{
	*arg += *in;
	*out = *arg;
	return *arg < 12;
}

TEST(stream_inspect_and_scan)
{
	WEFT_STREAM_OF(iter, int) numbers;
	WEFT_STREAM_OF(filter, int) inspected;
	WEFT_STREAM_FROM(map, int, int) sums;
	int seen = 0, sum = 0;

	weft_stream_iter_init(&numbers, digits, 10);
	weft_stream_inspect_init(&inspected, &numbers, add_up, &seen);
	weft_stream_scan_init(&sums, &inspected, running_sum, &sum);
	CHECK(GIVES(sums, 0, 1, 3, 6, 10));
	CHECK_EQ(seen, 15); /* it ended there */
}

TEST(s0_25_stream_take_skip_and_chain_know_their_sizes)
{
	WEFT_STREAM_OF(iter, int) numbers, others;
	WEFT_STREAM_OF(take, int) take;
	WEFT_STREAM_OF(skip, int) skip;
	WEFT_STREAM_OF(chain, int) both;

	weft_stream_iter_init(&numbers, digits, 10);
	weft_stream_skip_init(&skip, &numbers, 2);
	weft_stream_take_init(&take, &skip, 3);
	weft_stream_iter_init(&others, digits, 2);
	weft_stream_chain_init(&both, &take, &others);
	CHECK(hint_is(weft_stream_size_hint(&skip), 8, 8));
	CHECK(hint_is(weft_stream_size_hint(&take), 3, 3));
	CHECK(hint_is(weft_stream_size_hint(&both), 5, 5));
	CHECK(GIVES(both, 2, 3, 4, 0, 1));
	weft_stream_iter_init(&numbers, digits, 3);
	weft_stream_skip_init(&skip, &numbers, 5);
	CHECK(hint_is(weft_stream_size_hint(&skip), 0, 0));
	CHECK(GIVES(skip));
}

TEST(stream_enumerate_and_zip)
{
	struct numbered {
		int value;
		size_t index;
	} numbered;
	struct pair {
		int first;
		struct numbered second;
	} pair;
	WEFT_STREAM_OF(iter, int) numbers, others;
	WEFT_STREAM_OF(enumerate, struct numbered) enumerated;
	WEFT_STREAM_FROM(zip, struct pair, struct pair) pairs;

	weft_stream_iter_init(&numbers, digits + 5, 3);
	weft_stream_enumerate_init(&enumerated, &numbers);
	CHECK(ask(&enumerated.stream, &numbered) == 1 && numbered.index == 0);
	CHECK_EQ(numbered.value, 5);
	weft_stream_iter_init(&others, digits, 10);
	weft_stream_zip_init(&pairs, &others, &enumerated);
	CHECK(hint_is(weft_stream_size_hint(&pairs), 2, 2));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(ask(&pairs.stream, &pair), 1);
		CHECK(pair.first == i && pair.second.value == 6 + i);
		CHECK_EQ(pair.second.index, i + 1);
	}
	CHECK_EQ(ask(&pairs.stream, &pair), 0);
}

TEST(stream_chunks_give_what_there_is_before_an_error_and_the_end)
{
	static const int items[] = { 1, 2, 3, 4, STUTTER_ERROR, 5 };
	stutter_stream source;
	WEFT_STREAM_OF(chunks, struct weft_chunk) chunks;
	struct weft_chunk chunk;
	int buffer[3];

	stutter_init(&source.self, items, 6);
	weft_stream_chunks_init(&chunks, &source, buffer, 3);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	CHECK_EQ(weft_stream_size_hint(&chunks).least, 2);
	for (int i = 0; i < 3; i++) {
		CHECK(stutter_advance(&source.self));
		CHECK_EQ(ask(&chunks.stream, &chunk), i < 2 ? INT_MAX : 1);
	}
	CHECK(chunk.items == buffer && chunk.count == 3 && buffer[2] == 3);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	CHECK_EQ(ask_cancelled(&chunks.stream, &chunk), -ECANCELED);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self);
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 1 && buffer[0] == 4);
	CHECK_EQ(ask(&chunks.stream, &chunk), -EIO);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX); /* its close takes two polls */
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 1 && buffer[0] == 5);
	CHECK_EQ(ask(&chunks.stream, &chunk), 0);
	CHECK_EQ(source.self.closed, 1);
}

TEST(stream_ready_chunks_do_not_wait_for_more)
{
	static const int late[] = { 5 };
	WEFT_STREAM_OF(iter, int) numbers;
	stutter_stream source;
	WEFT_STREAM_OF(chain, int) both;
	WEFT_STREAM_OF(chunks, struct weft_chunk) chunks;
	struct weft_chunk chunk;
	int buffer[3];

	weft_stream_iter_init(&numbers, digits, 4);
	stutter_init(&source.self, late, 1);
	weft_stream_chain_init(&both, &numbers, &source);
	weft_stream_ready_chunks_init(&chunks, &both, buffer, 3);
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 3);
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 1 && buffer[0] == 3);
	CHECK_EQ(ask(&chunks.stream, &chunk), INT_MAX);
	stutter_advance(&source.self);
	CHECK(ask(&chunks.stream, &chunk) == 1 && chunk.count == 1 && buffer[0] == 5);
}

struct row {
	WEFT_STREAM_OF(iter, int) numbers;
};

WEFT_STREAM_FN(make_row, struct row, int, struct weft_stream *)
{
	weft_stream_iter_init(&arg->numbers, digits, (size_t)*in);
	*out = &arg->numbers.stream;
	return 1;
}

TEST(s2_63_stream_flatten_and_flat_map_take_any_stream_by_its_address)
{
	struct row row;
	WEFT_STREAM_OF(iter, int) numbers, others;
	WEFT_STREAM_OF(iter, struct weft_stream *) streams;
	WEFT_STREAM_FROM(flat_map, int, int) rows;
	WEFT_STREAM_OF(flatten, int) flat;
	struct weft_stream *list[] = { &numbers.stream, &others.stream };

	weft_stream_iter_init(&numbers, digits, 4);
	weft_stream_flat_map_init(&rows, &numbers, make_row, &row);
	CHECK(GIVES(rows, 0, 0, 1, 0, 1, 2));
	weft_stream_iter_init(&numbers, digits, 2);
	weft_stream_iter_init(&others, digits + 7, 2);
	/* NOLINTBEGIN(bugprone-sizeof-expression) the items are pointers */
	weft_stream_iter_init(&streams, list, 2);
	weft_stream_flatten_init(&flat, &streams);
	/* NOLINTEND(bugprone-sizeof-expression) */
	CHECK(GIVES(flat, 0, 1, 7, 8));
}

TEST(stream_peekable_shows_the_next_and_keeps_it)
{
	WEFT_STREAM_OF(iter, int) numbers;
	WEFT_STREAM_FROM(peekable, int, int) peekable;
	struct weft_stream_peek__frame peek;
	struct weft_context cx = context();

	weft_stream_iter_init(&numbers, digits + 3, 2);
	weft_stream_peekable_init(&peekable, &numbers);
	for (int i = 0; i < 2; i++) {
		weft_stream_peek__init(&peek.args, &peekable.self);
		CHECK_EQ(weft_stream_peek__poll(&peek, &cx), WEFT_READY);
		CHECK(peek.args.result == 1 && peekable.room.item == 3);
		CHECK(hint_is(weft_stream_size_hint(&peekable), 2, 2));
	}
	CHECK(GIVES(peekable, 3, 4));
}

TEST(stream_merge_takes_turns)
{
	WEFT_STREAM_OF(iter, int) numbers, others;
	WEFT_STREAM_OF(merge, int) merged;

	weft_stream_iter_init(&numbers, digits, 2);
	weft_stream_iter_init(&others, digits + 5, 4);
	weft_stream_merge_init(&merged, &numbers, &others);
	CHECK(hint_is(weft_stream_size_hint(&merged), 6, 6));
	CHECK(GIVES(merged, 0, 5, 1, 6, 7, 8));
}

TEST(stream_keyed_knows_where_items_are_from)
{
	struct tagged {
		size_t key;
		int value;
	} item;
	WEFT_STREAM_OF(iter, int) numbers[3];
	WEFT_STREAM_OF(select_all, struct tagged) all;
	struct weft_stream_member members[3];

	weft_stream_keyed_init(&all);
	for (size_t i = 0; i < 3; i++) {
		weft_stream_iter_init(&numbers[i], digits + 2 * i, 2);
		weft_stream_keyed_add(&all, &members[i], &numbers[i], 10 + i);
	}
	CHECK(hint_is(weft_stream_size_hint(&all), 6, 6));
	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(ask(&all.stream, &item), 1);
		CHECK_EQ(item.key, 10 + i);
		CHECK_EQ(item.value, 2 * i);
	}
	CHECK(weft_stream_keyed_remove(&all.self, 11) == &numbers[1].stream);
	CHECK(weft_stream_keyed_remove(&all.self, 11) == NULL);
	CHECK_EQ(ask(&all.stream, &item), 1);
	CHECK_EQ(ask(&all.stream, &item), 1);
	CHECK_EQ(ask(&all.stream, &item), 0);
	CHECK(GIVES(numbers[1], 3)); /* it was ours again */
}

/* ---- consumers ---- */

WEFT_STREAM_TEST(add_to_ten, int, int)
{
	*arg += *in;
	return *arg > 10 ? -ERANGE : 1;
}

TEST(stream_fold_and_collect)
{
	WEFT_STREAM_OF(iter, int) numbers;
	struct weft_stream_collect__frame collect;
	struct weft_stream_fold__frame fold;
	struct weft_context cx = context();
	int items[4], item, sum = 0;
	size_t count = 99;

	weft_stream_iter_init(&numbers, digits, 6);
	weft_stream_collect__init(&collect.args, &numbers.stream, items, 4, &count);
	CHECK_EQ(weft_stream_collect__poll(&collect, &cx), WEFT_READY);
	CHECK(collect.args.result == 1 && count == 4 && items[3] == 3);
	weft_stream_collect__init(&collect.args, &numbers.stream, items, 4, &count);
	CHECK_EQ(weft_stream_collect__poll(&collect, &cx), WEFT_READY);
	CHECK(collect.args.result == 0 && count == 2 && items[1] == 5);
	weft_stream_iter_init(&numbers, digits, 5);
	weft_stream_fold__init(&fold.args, &numbers.stream, &item, add_to_ten__any, &sum);
	CHECK_EQ(weft_stream_fold__poll(&fold, &cx), WEFT_READY);
	CHECK(fold.args.result == 0 && sum == 10);
	weft_stream_iter_init(&numbers, digits + 3, 2);
	weft_stream_fold__init(&fold.args, &numbers.stream, &item, add_to_ten__any, &sum);
	CHECK_EQ(weft_stream_fold__poll(&fold, &cx), WEFT_READY);
	CHECK(fold.args.result == -ERANGE && sum == 13); /* a try_fold */
	CHECK(GIVES(numbers, 4));
}

/* What they give. */
static int any_of(struct weft_stream *stream, int *item, weft_stream_fn fn, void *arg)
{
	struct weft_stream_any__frame frame;
	struct weft_context cx = context();

	weft_stream_any__init(&frame.args, stream, item, fn, arg);
	CHECK_EQ(weft_stream_any__poll(&frame, &cx), WEFT_READY);
	return frame.args.result;
}

static int all_of(struct weft_stream *stream, int *item, weft_stream_fn fn, void *arg)
{
	struct weft_stream_all__frame frame;
	struct weft_context cx = context();

	weft_stream_all__init(&frame.args, stream, item, fn, arg);
	CHECK_EQ(weft_stream_all__poll(&frame, &cx), WEFT_READY);
	return frame.args.result;
}

TEST(stream_any_all_and_count)
{
	WEFT_STREAM_OF(iter, int) numbers;
	struct weft_stream_count__frame counted;
	struct weft_context cx = context();
	int item, sum = 0, limit = 3;
	size_t count = 40;

	weft_stream_iter_init(&numbers, digits, 4);
	for (int odd = 1; odd < 5; odd += 2) { /* each is found, and then there is none */
		CHECK_EQ(any_of(&numbers.stream, &item, is_odd__any, NULL), 1);
		CHECK_EQ(item, odd);
	}
	CHECK_EQ(any_of(&numbers.stream, &item, is_odd__any, NULL), 0);
	weft_stream_iter_init(&numbers, digits, 6);
	CHECK_EQ(all_of(&numbers.stream, &item, is_below__any, &limit), 0);
	CHECK_EQ(item, limit);
	CHECK_EQ(all_of(&numbers.stream, &item, add_to_ten__any, &sum), 1);
	CHECK_EQ(sum, 9); /* of what was left: 4 and 5 */
	weft_stream_iter_init(&numbers, digits, 5);
	CHECK_EQ(all_of(&numbers.stream, &item, add_to_ten__any, &sum), -ERANGE);
	weft_stream_count__init(&counted.args, &numbers.stream, &item, &count);
	CHECK_EQ(weft_stream_count__poll(&counted, &cx), WEFT_READY);
	CHECK_EQ(counted.args.result, 0);
	CHECK_EQ(count, 40 + 2); /* 3 and 4 */
}

/* ---- closing ---- */

TEST(stream_that_ends_early_closes_its_source_first)
{
	stutter_stream source;
	WEFT_STREAM_OF(take, int) take;
	int item;

	stutter_init(&source.self, digits, 10);
	weft_stream_take_init(&take, &source, 1);
	CHECK_EQ(ask(&take.stream, &item), INT_MAX);
	stutter_advance(&source.self);
	CHECK_EQ(ask(&take.stream, &item), 1);
	CHECK_EQ(ask(&take.stream, &item), INT_MAX); /* closing */
	CHECK_EQ(source.self.closed, 0);
	CHECK_EQ(ask_cancelled(&take.stream, &item), 0);
	CHECK_EQ(source.self.closed, 1);
	CHECK_EQ(source.self.next, 1); /* and not one item more was taken */
}

TEST(stream_close_reaches_every_source_once)
{
	stutter_stream sources[5];
	WEFT_STREAM_OF(chain, int) chain;
	WEFT_STREAM_OF(merge, int) merge[2];
	WEFT_STREAM_OF(filter, int) filter;
	struct weft_stream_close__frame close;
	struct weft_stream none = { NULL, NULL, 0, 0 };
	struct weft_context cx = context();
	int item, polls = 1;

	for (int i = 0; i < 5; i++)
		stutter_init(&sources[i].self, digits, 2);
	weft_stream_merge_init(&merge[0], &sources[0], &sources[1]);
	weft_stream_chain_init(&chain, &merge[0], &sources[2]);
	weft_stream_filter_init(&filter, &sources[3], is_odd, NULL);
	weft_stream_merge_init(&merge[1], &chain, &filter);
	CHECK_EQ(ask(&merge[1].stream, &item), INT_MAX);
	cx.cancelled = 1; /* which changes nothing */
	for (int i = 0; i < 2; i++) {
		weft_stream_close__init(&close.args, &merge[1].stream);
		while (weft_stream_close__poll(&close, &cx) == WEFT_PENDING)
			polls++;
		CHECK_EQ(close.args.result, 0);
		CHECK_EQ(polls, 2); /* all at once */
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(sources[i].self.closed, 1);
	CHECK_EQ(ask(&merge[1].stream, &item), 0);
	weft_stream_close__init(&close.args, &none);
	CHECK_EQ(weft_stream_close__poll(&close, &cx), WEFT_READY);
}

/* ---- swept: cancelled anywhere, then asked for the rest, or closed ---- */

enum { SOURCES = 2, SOURCE_ITEMS = 5, ITEMS_MAX = 32 };

struct two {
	int first, second;
};

struct numbered_one {
	size_t index;
	int value;
};

struct pipes {
	stutter_stream sources[SOURCES];
	struct weft_stream_map map;
	struct weft_stream_filter filter;
	struct weft_stream_take take;
	struct weft_stream_skip skip;
	struct weft_stream_chain chain;
	struct weft_stream_merge merge;
	struct weft_stream_peekable peekable;
	struct weft_stream_flat_map flat_map;
	WEFT_STREAM_FROM(zip, struct two, struct two) zip;
	WEFT_STREAM_FROM(map, struct two, int) sums;
	WEFT_STREAM_OF(chunks, struct weft_chunk) chunks;
	WEFT_STREAM_FROM(map, struct weft_chunk, int) lasts;
	WEFT_STREAM_FROM(flat_map, struct weft_chunk, int) singles;
	struct weft_stream_iter singles_of;
	WEFT_STREAM_FROM(map, int, int) halves, totals;
	WEFT_STREAM_OF(filter, int) tail, looked_at, low;
	WEFT_STREAM_OF(enumerate, struct numbered_one) enumerated;
	WEFT_STREAM_FROM(map, struct numbered_one, int) labels;
	int sum, item;
	struct row row;
	int room, buffer[3];
	struct weft_stream *last;
	int items[ITEMS_MAX]; /* what came */
	size_t count;
};

struct pipe_case {
	struct sweep_scenario scenario;
	struct weft_stream *(*build)(struct pipes *pipes);
	const int *items; /* what must come */
	size_t count;
	bool any_order;
};

static const struct pipe_case *pipe_case;

static struct weft_stream *build_filter(struct pipes *pipes)
{
	weft_stream_filter_init_raw(&pipes->filter, &pipes->sources[0].stream, is_odd__any, NULL);
	weft_stream_peekable_init_raw(&pipes->peekable, &pipes->filter.map.stream, &pipes->room);
	return &pipes->peekable.stream;
}

static struct weft_stream *build_take(struct pipes *pipes)
{
	weft_stream_skip_init_raw(&pipes->skip, &pipes->sources[0].stream, 1);
	weft_stream_take_init_raw(&pipes->take, &pipes->skip.take.stream, 2);
	return &pipes->take.stream;
}

static struct weft_stream *build_chain(struct pipes *pipes)
{
	weft_stream_chain_init_raw(
			&pipes->chain, &pipes->sources[0].stream, &pipes->sources[1].stream);
	return &pipes->chain.stream;
}

static struct weft_stream *build_merge(struct pipes *pipes)
{
	weft_stream_merge_init_raw(
			&pipes->merge, &pipes->sources[0].stream, &pipes->sources[1].stream);
	return &pipes->merge.all.stream;
}

WEFT_STREAM_FN(add_two, void, struct two, int)
{
	*out = 10 * in->first + in->second;
	return 1;
}

static struct weft_stream *build_zip(struct pipes *pipes)
{
	weft_stream_zip_init(&pipes->zip, &pipes->sources[0], &pipes->sources[1]);
	weft_stream_map_init(&pipes->sums, &pipes->zip, add_two, NULL);
	return &pipes->sums.stream;
}

WEFT_STREAM_FN(last_of, void, struct weft_chunk, int)
{
	const int *items = in->items;

	*out = 10 * (int)in->count + items[in->count - 1];
	return 1;
}

static struct weft_stream *build_chunks(struct pipes *pipes)
{
	weft_stream_chunks_init(&pipes->chunks, &pipes->sources[0], pipes->buffer, 3);
	weft_stream_map_init(&pipes->lasts, &pipes->chunks, last_of, NULL);
	return &pipes->lasts.stream;
}

static struct weft_stream *build_flat_map(struct pipes *pipes)
{
	weft_stream_flat_map_init_raw(&pipes->flat_map, sizeof(int), &pipes->sources[0].stream,
			&pipes->room, make_row__any, &pipes->row);
	return &pipes->flat_map.flatten.stream;
}

/* The sum is that of each item once, whatever interrupts. */
static struct weft_stream *build_scan(struct pipes *pipes)
{
	weft_stream_filter_map_init(&pipes->halves, &pipes->sources[0], halve, NULL);
	weft_stream_scan_init(&pipes->totals, &pipes->halves, running_sum, &pipes->sum);
	return &pipes->totals.stream;
}

static struct weft_stream *build_while(struct pipes *pipes)
{
	static const int one = 1, four = 4;

	weft_stream_skip_while_init(
			&pipes->tail, &pipes->sources[0], is_below, (void *)(uintptr_t)&one);
	weft_stream_inspect_init(&pipes->looked_at, &pipes->tail, add_up, &pipes->sum);
	weft_stream_take_while_init(
			&pipes->low, &pipes->looked_at, is_below, (void *)(uintptr_t)&four);
	return &pipes->low.stream;
}

WEFT_STREAM_FN(label, void, struct numbered_one, int)
{
	*out = 10 * in->value + (int)in->index;
	return 1;
}

static struct weft_stream *build_enumerate(struct pipes *pipes)
{
	weft_stream_enumerate_init(&pipes->enumerated, &pipes->sources[0]);
	weft_stream_map_init(&pipes->labels, &pipes->enumerated, label, NULL);
	return &pipes->labels.stream;
}

WEFT_STREAM_FN(items_of, struct weft_stream_iter, struct weft_chunk, struct weft_stream *)
{
	weft_stream_iter_init_raw(arg, sizeof(int), in->items, in->count, sizeof(int));
	*out = &arg->stream;
	return 1;
}

static struct weft_stream *build_ready_chunks(struct pipes *pipes)
{
	weft_stream_ready_chunks_init(&pipes->chunks, &pipes->sources[0], pipes->buffer, 3);
	weft_stream_flat_map_init(&pipes->singles, &pipes->chunks, items_of, &pipes->singles_of);
	return &pipes->singles.stream;
}

static void pipes_set_up(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;

	for (int i = 0; i < SOURCES; i++)
		stutter_init(&pipes->sources[i].self, digits + 5 * i, SOURCE_ITEMS);
	pipes->last = pipe_case->build(pipes);
	weft_stream_collect__init(
			sweep->frame, pipes->last, pipes->items, ITEMS_MAX, &pipes->count);
}

static bool pipes_advance(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;

	return stutter_advance(&pipes->sources[0].self) || stutter_advance(&pipes->sources[1].self);
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static const char *pipes_check_rest(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;
	int result;

	while ((result = ask(pipes->last, &pipes->items[pipes->count])) != 0) {
		SWEEP_EXPECT(result == 1 || result == INT_MAX);
		if (result == 1)
			pipes->count++;
		else
			pipes_advance(sweep);
	}
	SWEEP_EXPECT(pipes->count == pipe_case->count);
	if (pipe_case->any_order)
		qsort(pipes->items, pipes->count, sizeof(int), compare_ints);
	SWEEP_EXPECT(memcmp(pipes->items, pipe_case->items, pipes->count * sizeof(int)) == 0);
	return NULL;
}

static const char *pipes_check(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;
	struct weft_context cx = context();

	SWEEP_EXPECT(sweep_result(sweep) == 0 ||
			(sweep->cancelled && sweep_result(sweep) == -ECANCELED));
	if (sweep->cancel_at % 2 == 0 || sweep_result(sweep) == 0) {
		const char *wrong = pipes_check_rest(sweep);

		if (wrong)
			return wrong;
	}
	while (weft_stream_poll_close(pipes->last, &cx) == WEFT_PENDING)
		;
	SWEEP_EXPECT(pipes->sources[0].self.closed == 1);
	SWEEP_EXPECT(!pipes->sources[0].self.waker.ops && !pipes->sources[1].self.waker.ops);
	return NULL;
}

static const int odd_ones[] = { 1, 3 }, taken[] = { 1, 2 }, paired[] = { 5, 16, 27, 38, 49 },
		 sums[] = { 0, 1, 3 }, whiles[] = { 1, 2, 3 }, labels[] = { 0, 11, 22, 33, 44 },
		 lasts[] = { 32, 24 }, rows[] = { 0, 0, 1, 0, 1, 2, 0, 1, 2, 3 };

#define PIPE(name_, build_, items_, count_, any_order_)                                            \
	{                                                                                          \
		{ .name = (name_),                                                                 \
			.async = &weft_stream_collect__async,                                      \
			.world_bytes = sizeof(struct pipes),                                       \
			.set_up = pipes_set_up,                                                    \
			.advance = pipes_advance,                                                  \
			.check = pipes_check },                                                    \
				(build_), (items_), (count_), (any_order_)                         \
	}

TEST(s2_46_streams_lose_nothing_wherever_they_are_cancelled)
{
	const struct pipe_case cases[] = {
		PIPE("filter, peekable", build_filter, odd_ones, 2, false),
		PIPE("skip, take", build_take, taken, 2, false),
		PIPE("chain", build_chain, digits, 10, false),
		PIPE("merge", build_merge, digits, 10, true),
		PIPE("zip", build_zip, paired, 5, false),
		PIPE("chunks", build_chunks, lasts, 2, false),
		PIPE("flat_map", build_flat_map, rows, 10, false),
		PIPE("filter_map, scan", build_scan, sums, 3, false),
		PIPE("skip_while, inspect, take_while", build_while, whiles, 3, false),
		PIPE("enumerate", build_enumerate, labels, 5, false),
		PIPE("ready_chunks, flat_map", build_ready_chunks, digits, 5, false),
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pipe_case = &cases[i];
		CHECK(sweep(&pipe_case->scenario).suspensions >= 4);
	}
}

static void fold_set_up(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;

	stutter_init(&pipes->sources[0].self, digits, SOURCE_ITEMS);
	weft_stream_fold__init(sweep->frame, &pipes->sources[0].stream, &pipes->item, add_up__any,
			&pipes->sum);
}

static const char *fold_check(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;
	int next = (int)pipes->sources[0].self.next, result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED));
	SWEEP_EXPECT(result < 0 || next == SOURCE_ITEMS);
	SWEEP_EXPECT(pipes->sum == next * (next - 1) / 2);
	SWEEP_EXPECT(!pipes->sources[0].self.waker.ops);
	return NULL;
}

TEST(s2_46_fold_has_seen_each_item_once_wherever_it_is_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "fold",
		.async = &weft_stream_fold__async,
		.world_bytes = sizeof(struct pipes),
		.set_up = fold_set_up,
		.advance = pipes_advance,
		.check = fold_check,
	};

	CHECK(sweep(&scenario).suspensions >= SOURCE_ITEMS);
}

static void count_set_up(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;

	stutter_init(&pipes->sources[0].self, digits, SOURCE_ITEMS);
	weft_stream_count__init(
			sweep->frame, &pipes->sources[0].stream, &pipes->item, &pipes->count);
}

static const char *count_check(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;

	SWEEP_EXPECT(pipes->count == pipes->sources[0].self.next);
	pipes->sum = (int)(pipes->count * (pipes->count - 1) / 2);
	return fold_check(sweep);
}

TEST(s2_46_count_has_counted_what_has_come_wherever_it_is_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "count",
		.async = &weft_stream_count__async,
		.world_bytes = sizeof(struct pipes),
		.set_up = count_set_up,
		.advance = pipes_advance,
		.check = count_check,
	};

	CHECK(sweep(&scenario).suspensions >= SOURCE_ITEMS);
}

/* The one that is looked for is the last. */
static int last_digit = SOURCE_ITEMS - 2;

WEFT_STREAM_TEST(is_above, int, int)
{
	return *in > *arg;
}

static void any_set_up(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;

	stutter_init(&pipes->sources[0].self, digits, SOURCE_ITEMS);
	weft_stream_any__init(sweep->frame, &pipes->sources[0].stream, &pipes->item, is_above__any,
			&last_digit);
}

static const char *any_check(struct sweep *sweep)
{
	struct pipes *pipes = sweep->world;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 1 || (sweep->cancelled && result == -ECANCELED));
	SWEEP_EXPECT((result == 1) == (pipes->sources[0].self.next == SOURCE_ITEMS));
	SWEEP_EXPECT(!pipes->sources[0].self.waker.ops);
	return NULL;
}

TEST(s2_46_any_finds_what_it_looks_for_or_leaves_it_wherever_it_is_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "any",
		.async = &weft_stream_any__async,
		.world_bytes = sizeof(struct pipes),
		.set_up = any_set_up,
		.advance = pipes_advance,
		.check = any_check,
	};

	CHECK(sweep(&scenario).suspensions >= SOURCE_ITEMS - 1);
}
