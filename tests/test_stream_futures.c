/* SPDX-License-Identifier: MIT */
/* Async functions for the items of a stream, polled by hand and so without tasks (row S2-48): order,
 * how many at a time, errors in their places, cancellation anywhere, random polls. With tasks:
 * real/test_stream_tasks.c. */
#include <string.h>

#include <weft/notify.h>
#include <weft/stream_futures.h>

#include "seeds.h"
#include "stutter.h"
#include "sweep.h"
#include "test.h"

enum { ITEMS = 12, ODD_ERROR = 7 };

/* async int work(world, in, out): waits to be notified, as often as the item says. */
struct world {
	struct weft_notify notify;
	int in_flight, in_flight_max;
	int cancelled;
};

WEFT_ASYNC_3(int, work, void *, const int *, int *);

struct work__frame {
	struct work__args args;
	struct weft_notify_wait__frame wait;
	int left;
};

enum weft_poll work__poll(void *frame, struct weft_context *cx)
{
	struct work__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	if (++world->in_flight > world->in_flight_max)
		world->in_flight_max = world->in_flight;
	for (f->left = *f->args.p1 % 3; f->left > 0; f->left--) {
		weft_await(f, f->wait, weft_notify_wait, &world->notify);
		if (f->wait.args.result < 0) {
			world->in_flight--;
			world->cancelled++;
			weft_return(f, f->wait.args.result);
		}
	}
	world->in_flight--;
	*f->args.p2 = *f->args.p1 * 10;
	if (*f->args.p1 == ODD_ERROR)
		weft_return(f, -EDOM);
	weft_return(f, *f->args.p1 != 8);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(work, WEFT_ASYNC_RESULT_INT);

static const int numbers[ITEMS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

/* ---- random polls ---- */

struct bench {
	struct world world;
	struct probe probe;
	struct probe_env env;
	struct weft_strand strand;
	struct stutter source;
	struct weft_stream_buffered calls;
	int got[ITEMS]; /* -EDOM for the error */
	int count;
	uint64_t random;
};

static unsigned draw(struct bench *bench, unsigned below)
{
	bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(bench->random >> 33) % below;
}

static void bench_init(struct bench *bench, uint32_t limit, bool ordered)
{
	memset(bench, 0, sizeof *bench);
	bench->env = (struct probe_env)PROBE_ENV(0);
	weft_notify_init(&bench->world.notify);
	stutter_init(&bench->source, numbers, ITEMS);
	(ordered ? weft_stream_buffered_init_raw : weft_stream_buffer_unordered_init_raw)(
			&bench->calls, sizeof(int), &bench->source.stream, limit, &work__async,
			&bench->world);
}

/* One poll, after which something happens, or not. */
static int bench_poll(struct bench *bench)
{
	struct weft_context cx = probe_context(&bench->probe, &bench->env, &bench->strand);
	int item = 0, result;

	cx.budget = draw(bench, 8);
	cx.cancelled = draw(bench, 4) == 0;
	if (weft_stream_poll_next(&bench->calls.stream, &cx, &item, &result) == WEFT_PENDING) {
		CHECK(cx.waker_taken || cx.self_woken);
		result = INT_MAX;
	}
	CHECK(result != -ECANCELED || cx.cancelled);
	if (result == 1)
		bench->got[bench->count++] = item;
	else if (result == -EDOM)
		bench->got[bench->count++] = result;
	if (draw(bench, 2))
		stutter_advance(&bench->source);
	if (draw(bench, 2))
		weft_notify_one(&bench->world.notify);
	return result;
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void bench_check(struct bench *bench, uint32_t limit, bool ordered)
{
	static const int expected[] = { 0, 10, 20, 30, 40, 50, 60, -EDOM, 90, 100, 110 };
	int sorted[] = { -EDOM, 0, 10, 20, 30, 40, 50, 60, 90, 100, 110 };

	CHECK_EQ(bench->count, 11);
	if (!ordered)
		qsort(bench->got, 11, sizeof(int), compare_ints);
	CHECK(memcmp(bench->got, ordered ? expected : sorted, sizeof expected) == 0);
	CHECK(bench->world.in_flight_max <= (int)limit);
	CHECK_EQ(bench->world.in_flight, 0);
	CHECK_EQ(bench->world.cancelled, 0);
	CHECK_EQ(bench->source.closed, 1);
	CHECK(probe_env_balanced(&bench->env));
	CHECK(probe_balanced(&bench->probe));
}

TEST(s2_48_buffered_streams_under_random_polls)
{
	static struct bench bench;

	for (unsigned i = 0; i < seeds_count(1000); i++) {
		uint32_t limit = 1 + i % 5;

		seeds_begin(i);
		bench_init(&bench, limit, i / 5 % 2);
		bench.random = seeds_current;
		while (bench_poll(&bench) != 0)
			;
		bench_check(&bench, limit, i / 5 % 2);
		seeds_end();
	}
}

TEST(stream_then_is_one_at_a_time)
{
	static struct bench bench;

	bench_init(&bench, 1, true);
	while (bench_poll(&bench) != 0)
		;
	CHECK_EQ(bench.world.in_flight_max, 1);
}

TEST(stream_buffered_without_services_says_so)
{
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	static struct bench bench;
	int item, result;

	bench_init(&bench, 1, true);
	CHECK_EQ(weft_stream_poll_next(&bench.calls.stream, &cx, &item, &result), WEFT_READY);
	CHECK_EQ(result, -ENXIO);
	while (weft_stream_poll_close(&bench.calls.stream, &cx) == WEFT_PENDING)
		;
	CHECK_EQ(bench.source.closed, 1);
}

WEFT_ASYNC_4(int, wrong, void *, const int *, int *, int);

struct wrong__frame {
	struct wrong__args args;
};

enum weft_poll wrong__poll(void *frame, struct weft_context *cx)
{
	(void)frame;
	(void)cx;
	return WEFT_READY;
}
WEFT_ASYNC_DEFINE_LEAF(wrong, WEFT_ASYNC_RESULT_INT);

TEST(stream_of_a_function_with_other_parameters_aborts)
{
	static struct bench bench;

	stutter_init(&bench.source, numbers, ITEMS);
	CHECK_ABORTS(weft_stream_buffered_init_raw(
			&bench.calls, sizeof(int), &bench.source.stream, 1, &wrong__async, NULL));
}

/* ---- swept: asks to the end, or to the first error, and closes ---- */

struct swept {
	struct world world;
	struct stutter source;
	struct weft_stream_buffered calls;
	int items[ITEMS], count;
};

WEFT_ASYNC_1(int, consume, struct swept *);

struct consume__frame {
	struct consume__args args;
	union {
		struct weft_stream_next__frame next;
		struct weft_stream_close__frame close;
	};
	int result;
};

enum weft_poll consume__poll(void *frame, struct weft_context *cx)
{
	struct consume__frame *f = frame;
	struct swept *swept = f->args.p0;

	weft_begin(f);
	do {
		weft_await(f, f->next, weft_stream_next, &swept->calls.stream,
				&swept->items[swept->count]);
		f->result = f->next.args.result;
		swept->count += f->result > 0;
	} while (f->result > 0 || f->result == -EDOM);
	weft_await(f, f->close, weft_stream_close, &swept->calls.stream);
	weft_return(f, f->result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(consume, WEFT_ASYNC_RESULT_INT);

static void swept_begin(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	weft_notify_init(&swept->world.notify);
	stutter_init(&swept->source, numbers, ITEMS);
}

static void swept_ordered(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	swept_begin(sweep);
	weft_stream_buffered_init_raw(&swept->calls, sizeof(int), &swept->source.stream, 3,
			&work__async, &swept->world);
	consume__init(sweep->frame, swept);
}

static void swept_unordered(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	swept_begin(sweep);
	weft_stream_buffer_unordered_init_raw(&swept->calls, sizeof(int), &swept->source.stream, 3,
			&work__async, &swept->world);
	consume__init(sweep->frame, swept);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	if (stutter_advance(&swept->source))
		return true;
	if (!swept->world.in_flight)
		return false;
	weft_notify_one(&swept->world.notify);
	return true;
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept *swept = sweep->world;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED) ||
			(sweep->fail_after != SWEEP_NEVER && result == -ENOMEM));
	SWEEP_EXPECT(swept->world.in_flight == 0);
	SWEEP_EXPECT(swept->world.in_flight_max <= 3);
	SWEEP_EXPECT(swept->source.closed == 1);
	if (result == 0 && !sweep->cancelled)
		SWEEP_EXPECT(swept->count == 10);
	return NULL;
}

static struct sweep_scenario scenario = {
	.async = &consume__async,
	.world_bytes = sizeof(struct swept),
	.advance = swept_advance,
	.check = swept_check,
};

TEST(stream_buffered_unwinds_wherever_it_is_cancelled)
{
	scenario.name = "buffered";
	scenario.set_up = swept_ordered;
	CHECK(sweep(&scenario).suspensions > ITEMS);
	scenario.name = "buffer_unordered";
	scenario.set_up = swept_unordered;
	CHECK(sweep(&scenario).suspensions > ITEMS);
}

/* ---- for_each_concurrent ---- */

WEFT_ASYNC_2(int, visit, void *, const int *);

struct visit__frame {
	struct visit__args args;
	struct weft_notify_wait__frame wait;
};

enum weft_poll visit__poll(void *frame, struct weft_context *cx)
{
	struct visit__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	if (++world->in_flight > world->in_flight_max)
		world->in_flight_max = world->in_flight;
	weft_await(f, f->wait, weft_notify_wait, &world->notify);
	world->in_flight--;
	if (f->wait.args.result < 0) {
		world->cancelled++;
		weft_return(f, f->wait.args.result);
	}
	weft_return(f, *f->args.p1 == ODD_ERROR ? -EDOM : 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(visit, WEFT_ASYNC_RESULT_INT);

static void visited_set_up(struct sweep *sweep)
{
	struct swept *swept = sweep->world;

	swept_begin(sweep);
	weft_stream_for_each_concurrent__init(
			sweep->frame, &swept->source.stream, 4, &visit__async, &swept->world);
}

static const char *visited_check(struct sweep *sweep)
{
	struct swept *swept = sweep->world;
	struct weft_context cx = probe_context(&sweep->probe, &sweep->env, &sweep->strand);
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == -EDOM || (sweep->cancelled && result == -ECANCELED) ||
			(sweep->fail_after != SWEEP_NEVER && result == -ENOMEM));
	SWEEP_EXPECT(swept->world.in_flight == 0);
	SWEEP_EXPECT(swept->world.in_flight_max <= 4);
	SWEEP_EXPECT(swept->source.closed == 0); /* it is ours */
	while (weft_stream_poll_close(&swept->source.stream, &cx) == WEFT_PENDING)
		;
	return NULL;
}

TEST(stream_for_each_concurrent_unwinds_at_an_error_and_wherever_it_is_cancelled)
{
	struct sweep_scenario visited = {
		.name = "for_each_concurrent",
		.async = &weft_stream_for_each_concurrent__async,
		.world_bytes = sizeof(struct swept),
		.set_up = visited_set_up,
		.advance = swept_advance,
		.check = visited_check,
	};

	CHECK(sweep(&visited).suspensions > 6);
}
