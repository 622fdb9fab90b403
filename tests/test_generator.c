/* SPDX-License-Identifier: MIT */
/* Generators, polled by hand: who asks gets one item at a time, the function stands still in between,
 * and unwinds wherever the stream is closed. In async C: compiler/language/generator.c. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <weft/generator.h>
#include <weft/notify.h>

#include "sweep.h"
#include "test.h"

struct world {
	struct weft_notify notify;
	struct weft_stream_generator generator;
	int limit, outcome; /* of the function */
	int given, running, ended;
	int items[10], count;
};

/* async int count(self, world): waits before each item, and in between does something that must be
 * undone. */
WEFT_ASYNC_2(int, count, struct weft_stream *, void *);

struct count__frame {
	struct count__args args;
	int i;
	union {
		struct weft_notify_wait__frame wait;
		struct weft_yield_item__frame yield;
	};
};

enum weft_poll count__poll(void *frame, struct weft_context *cx)
{
	struct count__frame *f = frame;
	struct world *world = f->args.p1;

	weft_begin(f);
	world->running++;
	for (f->i = 0; f->i < world->limit; f->i++) {
		weft_await(f, f->wait, weft_notify_wait, &world->notify);
		if (f->wait.args.result < 0)
			break;
		weft_await(f, f->yield, weft_yield_item, f->args.p0, &f->i);
		if (f->yield.args.result < 0)
			break;
		world->given++;
	}
	world->running--;
	world->ended++;
	weft_return(f, f->i < world->limit ? -ECANCELED : world->outcome);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(count, WEFT_ASYNC_RESULT_INT);

static struct probe probe = PROBE;
static struct probe_env env = PROBE_ENV(0);
static struct weft_strand strand;

static int ask_as(struct world *world, int *item, bool cancelled)
{
	struct weft_context cx = probe_context(&probe, &env, &strand);
	int result;

	cx.cancelled = cancelled;
	if (weft_stream_poll_next(&world->generator.stream, &cx, item, &result) == WEFT_PENDING)
		return INT_MAX;
	return result;
}

static int ask(struct world *world, int *item)
{
	return ask_as(world, item, false);
}

static void world_init(struct world *world, int limit, int outcome)
{
	memset(world, 0, sizeof *world);
	weft_notify_init(&world->notify);
	world->limit = limit;
	world->outcome = outcome;
	weft_stream_generator_init_raw(&world->generator, sizeof(int), &count__async, world);
}

static void finish(struct world *world)
{
	struct weft_context cx = probe_context(&probe, &env, &strand);

	CHECK_EQ(weft_stream_poll_close(&world->generator.stream, &cx), WEFT_READY);
	CHECK(probe_env_balanced(&env));
	CHECK_EQ(world->running, 0);
}

TEST(generator_stands_still_while_nobody_asks)
{
	struct world world;
	int item, other;

	world_init(&world, 2, 0);
	CHECK_EQ(ask_as(&world, &item, true), -ECANCELED);
	CHECK_EQ(world.running, 0); /* it has not begun */
	CHECK_EQ(ask(&world, &item), INT_MAX);
	CHECK_EQ(ask_as(&world, &item, true), -ECANCELED);
	CHECK_EQ(world.running, 1); /* the asking was given up */
	weft_notify_one(&world.notify);
	CHECK(ask(&world, &item) == 1 && item == 0);
	weft_notify_one(&world.notify);
	CHECK_EQ(world.given, 0);
	CHECK(ask(&world, &other) == 1 && other == 1);
	CHECK_EQ(world.given, 1);
	CHECK_EQ(ask(&world, &item), 0);
	CHECK_EQ(world.given, 2);
	CHECK_EQ(ask(&world, &item), 0);
	finish(&world);
	CHECK_EQ(world.ended, 1);
}

TEST(generator_gives_its_error_once)
{
	struct world world;
	int item;

	world_init(&world, 0, -EDOM);
	CHECK_EQ(ask(&world, &item), -EDOM);
	CHECK_EQ(ask(&world, &item), 0);
	finish(&world);
	CHECK_EQ(world.ended, 1);
}

TEST(generator_that_is_closed_unwinds)
{
	struct world world;
	int item;

	world_init(&world, 5, 0);
	finish(&world);
	CHECK_EQ(world.ended, 0); /* it had not begun */
	world_init(&world, 5, 0);
	CHECK_EQ(ask(&world, &item), INT_MAX);
	finish(&world);
	CHECK_EQ(world.ended, 1);
	world_init(&world, 5, 0);
	weft_notify_one(&world.notify);
	CHECK_EQ(ask(&world, &item), 1);
	finish(&world);
	CHECK(world.ended == 1 && world.given == 1); /* that one was taken */
}

TEST(generator_without_memory_may_be_asked_again)
{
	struct world world;
	int item;

	world_init(&world, 1, 0);
	env.fail_after = 0;
	CHECK_EQ(ask(&world, &item), -ENOMEM);
	env.fail_after = -1;
	CHECK_EQ(ask(&world, &item), INT_MAX);
	finish(&world);
}

/* ---- swept ---- */

WEFT_ASYNC_1(int, consume, struct world *);

struct consume__frame {
	struct consume__args args;
	union {
		struct weft_stream_collect__frame collect;
		struct weft_stream_close__frame close;
	};
	size_t count;
	int result;
};

enum weft_poll consume__poll(void *frame, struct weft_context *cx)
{
	struct consume__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->collect, weft_stream_collect, &world->generator.stream, world->items, 10,
			&f->count);
	f->result = f->collect.args.result;
	world->count = (int)f->count;
	weft_await(f, f->close, weft_stream_close, &world->generator.stream);
	weft_return(f, f->result);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(consume, WEFT_ASYNC_RESULT_INT);

static void swept_set_up(struct sweep *sweep)
{
	world_init(sweep->world, 5, 0);
	consume__init(sweep->frame, sweep->world);
}

static bool swept_advance(struct sweep *sweep)
{
	struct world *world = sweep->world;

	if (world->running)
		weft_notify_one(&world->notify);
	return world->running;
}

static const char *swept_check(struct sweep *sweep)
{
	struct world *world = sweep->world;
	int result = sweep_result(sweep);

	SWEEP_EXPECT(result == 0 || (sweep->cancelled && result == -ECANCELED) ||
			(sweep->fail_after != SWEEP_NEVER && result == -ENOMEM));
	SWEEP_EXPECT(world->running == 0);
	SWEEP_EXPECT(world->ended == (result != -ENOMEM && sweep->cancel_at != 0));
	SWEEP_EXPECT(result < 0 || world->count == 5);
	SWEEP_EXPECT(world->given == world->count);
	for (int i = 0; i < world->count; i++)
		SWEEP_EXPECT(world->items[i] == i);
	return NULL;
}

TEST(generator_unwinds_wherever_who_asks_is_cancelled)
{
	static const struct sweep_scenario scenario = {
		.name = "generator",
		.async = &consume__async,
		.world_bytes = sizeof(struct world),
		.set_up = swept_set_up,
		.advance = swept_advance,
		.check = swept_check,
	};

	CHECK_EQ(sweep(&scenario).suspensions, 5);
}
