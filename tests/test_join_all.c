/* SPDX-License-Identifier: MIT */
/* join_all and try_join_all over arrays and sets, stepped (S2-20, S2-22, S2-31): few children and many, who
 * is polled and how often, errors, cancelling; and one that is cancelled at each of its suspensions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft.h>

#include "doors.h"
#include "sweep.h"
#include "test.h"

/* Around the place where another way is taken, and around what is added in one poll. */
static const int counts[] = { 0, 1, 2, WEFT_JOIN_ALL_SCAN, WEFT_JOIN_ALL_SCAN + 1, 20, 128, 129,
	300 };

enum { COUNTS = sizeof counts / sizeof *counts };

static struct weft_join_all__frame join;
static struct weft_try_join_all__frame try_join;

static void join_begin_of(int count)
{
	crowd_begin();
	memset(&join, 0xa5, sizeof join);
	memset(&try_join, 0xa5, sizeof try_join);
	for (int i = 0; i < count; i++) {
		pass__init(&crowd.frames[i].args, &crowd.doors[i], i);
		crowd.nodes[i] = weft_set_child_make(&pass__async, &crowd.frames[i]);
	}
	weft_join_all__init(&join.args, crowd.nodes, (size_t)count);
	weft_try_join_all__init(&try_join.args, crowd.nodes, (size_t)count);
}

/* Polls until it waits. */
static enum weft_poll settle(const struct weft_async *async, void *frame)
{
	enum weft_poll poll;

	do
		poll = step(&crowd.stepper, async, frame);
	while (poll == WEFT_PENDING && crowd.stepper.cx.self_woken);
	CHECK(crowd.stepper.cx.strand == &crowd.stepper.strand); /* the context is as it was */
	CHECK_EQ(crowd.stepper.cx.cancelled, crowd.stepper.cancelled);
	return poll;
}

static void join_end_of(int count)
{
	for (int i = 0; i < count; i++)
		CHECK(crowd.doors[i].polls > 0);
	CHECK(stepper_is_clean(&crowd.stepper));
	CHECK_EQ(crowd.stepper.env.allocations, 0);
	weft__env_current = NULL;
}

/* ---- joins ---- */

TEST(join_all_ends_with_the_last)
{
	for (int n = 0; n < COUNTS; n++) {
		join_begin_of(counts[n]);
		for (int i = counts[n] - 1; i >= 0; i--) {
			CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_PENDING);
			door_open(&crowd.doors[i]);
		}
		CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
		CHECK_EQ(join.args.result, 0);
		for (int i = 0; i < counts[n]; i++)
			CHECK_EQ(crowd.frames[i].args.result, i);
		join_end_of(counts[n]);
	}
}

TEST(join_all_of_what_is_there_waits_for_nothing)
{
	for (int n = 0; n < COUNTS; n++) {
		join_begin_of(counts[n]);
		for (int i = 0; i < counts[n]; i++)
			crowd.doors[i].open = true;
		CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
		CHECK_EQ(crowd_polls(counts[n]), counts[n]);
		join_end_of(counts[n]);
	}
}

/* S2-22: of 100,000 that end one after the other, as many polls as there are wakes. */
TEST(s2_22_join_all_polls_only_who_was_woken)
{
	enum { MANY = 100000 };
	struct door *doors = calloc(MANY, sizeof *doors);
	struct pass__frame *frames = calloc(MANY, sizeof *frames);
	struct weft_set_child *nodes = calloc(MANY, sizeof *nodes);

	CHECK(doors && frames && nodes);
	join_begin_of(0);
	for (int i = 0; i < MANY; i++) {
		pass__init(&frames[i].args, &doors[i], i);
		nodes[i] = weft_set_child_make(&pass__async, &frames[i]);
	}
	weft_join_all__init(&join.args, nodes, MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_PENDING);
		door_open(&doors[(i * 7L) % MANY]);
	}
	CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(doors[i].polls, 2);
	/* and each time that some are put in, the task wakes itself */
	CHECK(probe_wakes(&crowd.stepper.probe) <= MANY + MANY / 128);
	join_end_of(0);
	free(nodes);
	free(frames);
	free(doors);
}

TEST(s2_22_join_all_of_few_polls_all)
{
	join_begin_of(WEFT_JOIN_ALL_SCAN);
	for (int i = 0; i < WEFT_JOIN_ALL_SCAN; i++) {
		CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_PENDING);
		door_open(&crowd.doors[i]);
	}
	CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
	CHECK_EQ(crowd_polls(WEFT_JOIN_ALL_SCAN),
			WEFT_JOIN_ALL_SCAN * (WEFT_JOIN_ALL_SCAN + 1) / 2 + WEFT_JOIN_ALL_SCAN);
	join_end_of(WEFT_JOIN_ALL_SCAN);
}

/* Also many are begun some at a time, and no poll goes on beyond its budget. */
TEST(join_all_gives_way)
{
	join_begin_of(1000);
	for (int polls = 1; polls < 8; polls++) {
		CHECK_EQ(step(&crowd.stepper, &weft_join_all__async, &join), WEFT_PENDING);
		CHECK_EQ(crowd.stepper.cx.self_woken, 1);
		CHECK_EQ(crowd_polls(1000), 128 * polls);
		CHECK_EQ(join.joining.begun, 128 * polls);
	}
	for (int i = 0; i < 1000; i++)
		door_open(&crowd.doors[i]);
	CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
	join_end_of(1000);
}

/* async int spend(turns): spends the whole budget, so often; then fails, and that costs nothing. */
WEFT_ASYNC_1(int, spend, int);
struct spend__frame {
	struct spend__args args;
};

enum weft_poll spend__poll(void *frame, struct weft_context *cx)
{
	struct spend__frame *f = frame;

	if (f->args.p0-- == 0)
		weft_return(f, -EIO);
	while (weft_context_charge(cx))
		;
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(spend, WEFT_ASYNC_RESULT_INT);

static struct spend__frame spenders[128];

static void join_spender(int index, int turns)
{
	spend__init(&spenders[index].args, turns);
	crowd.nodes[index] = weft_set_child_make(&spend__async, &spenders[index]);
}

TEST(join_all_lets_nobody_live_on_the_budget_of_the_others)
{
	join_begin_of(3);
	join_spender(0, 3);
	crowd.doors[1].open = crowd.doors[2].open = true;
	CHECK_EQ(step(&crowd.stepper, &weft_join_all__async, &join), WEFT_PENDING);
	CHECK(!crowd.nodes[1].ended && !crowd.nodes[2].ended);
	CHECK_EQ(step(&crowd.stepper, &weft_join_all__async, &join), WEFT_PENDING);
	CHECK(crowd.nodes[1].ended && crowd.nodes[2].ended);
	CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
	crowd.doors[0].polls++;
	join_end_of(3);
}

/* ---- errors ---- */

TEST(try_join_all_gives_the_first_error_and_awaits_the_others)
{
	for (int n = 3; n < COUNTS; n++) {
		int failing = counts[n] / 2;

		join_begin_of(counts[n]);
		crowd.frames[failing].args.p1 = -EIO;
		crowd.doors[0].slow = n % 2 ? 0 : 3;
		door_open(&crowd.doors[failing + 1]);
		CHECK_EQ(settle(&weft_try_join_all__async, &try_join), WEFT_PENDING);
		door_open(&crowd.doors[failing]);
		CHECK_EQ(settle(&weft_try_join_all__async, &try_join), WEFT_READY);
		CHECK_EQ(try_join.args.result, -EIO);
		for (int i = 0; i < counts[n]; i++)
			CHECK_EQ(crowd.frames[i].args.result,
					i == failing                       ? -EIO
							: i == failing + 1 ? i
									   : -ECANCELED);
		CHECK_EQ((int)crowd.doors[0].cancels, crowd.doors[0].slow + 1);
		join_end_of(counts[n]);
	}
}

/* Those that had not begun are polled once all the same: what they were given is released. */
TEST(try_join_all_that_fails_at_once_polls_everybody)
{
	for (int n = 1; n < COUNTS; n++) {
		join_begin_of(counts[n]);
		crowd.frames[0].args.p1 = -EIO;
		crowd.doors[0].open = true;
		CHECK_EQ(settle(&weft_try_join_all__async, &try_join), WEFT_READY);
		CHECK_EQ(try_join.args.result, -EIO);
		CHECK_EQ(crowd.stepper.cx.unwound, counts[n] > 1);
		for (int i = 1; i < counts[n]; i++)
			CHECK_EQ(crowd.frames[i].args.result, -ECANCELED);
		join_end_of(counts[n]);
	}
}

/* Also when all that had begun have ended. */
TEST(try_join_all_cancels_those_that_begin_later)
{
	join_begin_of(300);
	for (int i = 0; i < 128; i++) {
		join_spender(i, 0);
		crowd.doors[i].polls++;
	}
	CHECK_EQ(settle(&weft_try_join_all__async, &try_join), WEFT_READY);
	CHECK_EQ(try_join.args.result, -EIO);
	for (int i = 128; i < 300; i++)
		CHECK_EQ(crowd.frames[i].args.result, -ECANCELED);
	join_end_of(300);
}

TEST(try_join_all_without_an_error_gives_0)
{
	for (int n = 0; n < COUNTS; n++) {
		join_begin_of(counts[n]);
		for (int i = 0; i < counts[n]; i++)
			crowd.doors[i].open = i % 2;
		if (counts[n])
			CHECK_EQ(settle(&weft_try_join_all__async, &try_join), WEFT_PENDING);
		for (int i = 0; i < counts[n]; i++)
			door_open(&crowd.doors[i]);
		CHECK_EQ(settle(&weft_try_join_all__async, &try_join), WEFT_READY);
		CHECK_EQ(try_join.args.result, 0);
		join_end_of(counts[n]);
	}
}

/* ---- cancelling ---- */

TEST(join_all_that_is_cancelled_awaits_its_children)
{
	for (int n = 1; n < COUNTS; n++)
		for (int begun = 0; begun < 2; begun++) {
			join_begin_of(counts[n]);
			crowd.doors[counts[n] - 1].slow = 2;
			crowd.doors[0].open = counts[n] > 1;
			if (begun)
				CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_PENDING);
			crowd.stepper.cancelled = true;
			CHECK_EQ(settle(&weft_join_all__async, &join), WEFT_READY);
			CHECK_EQ(join.args.result, 0);
			for (int i = 0; i < counts[n]; i++)
				CHECK_EQ(crowd.frames[i].args.result,
						crowd.doors[i].open ? i : -ECANCELED);
			CHECK_EQ(crowd.doors[counts[n] - 1].cancels, 3);
			CHECK(!crowd.stepper.cx.unwound);
			join_end_of(counts[n]);
		}
}

/* ---- sets ---- */

TEST(set_join_stores_all_results)
{
	struct weft_set_join__frame set_join;
	int results[20];

	crowd_begin();
	for (int i = 0; i < 20; i++)
		crowd_put(i, &results[i], false);
	weft_set_join__init(&set_join.args, &crowd.set);
	for (int i = 19; i >= 0; i--) {
		CHECK_EQ(settle(&weft_set_join__async, &set_join), WEFT_PENDING);
		door_open(&crowd.doors[i]);
	}
	CHECK_EQ(settle(&weft_set_join__async, &set_join), WEFT_READY);
	CHECK_EQ(set_join.args.result, 0);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(results[i], i);
	CHECK(stepper_is_clean(&crowd.stepper));
	weft__env_current = NULL;
}

TEST(set_try_join_gives_the_first_error)
{
	struct weft_set_try_join__frame set_join;

	for (int cancelled = 0; cancelled < 2; cancelled++) {
		crowd_begin();
		crowd_add_all(5);
		crowd.frames[3].args.p1 = -EIO;
		weft_set_try_join__init(&set_join.args, &crowd.set);
		CHECK_EQ(settle(&weft_set_try_join__async, &set_join), WEFT_PENDING);
		if (cancelled)
			crowd.stepper.cancelled = true;
		else
			door_open(&crowd.doors[3]);
		CHECK_EQ(settle(&weft_set_try_join__async, &set_join), WEFT_READY);
		CHECK_EQ(set_join.args.result, cancelled ? -ECANCELED : -EIO);
		CHECK_EQ(crowd.frames[1].args.result, -ECANCELED);
		crowd_end();
	}
}

/* ---- cancelled at each suspension ---- */

enum { SLEEPS = WEFT_JOIN_ALL_SCAN + 3 };

struct sleeps_world {
	struct weft_wheel wheel;
	struct weft_set_child children[SLEEPS];
	struct weft_sleep__frame frames[SLEEPS];
	size_t count;
};

static void sleeps_set_up(struct sweep *sweep, size_t count)
{
	struct sleeps_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	world->count = count;
	for (size_t i = 0; i < count; i++) {
		weft_sleep__init(&world->frames[i].args, (int64_t)(100 + 50 * i));
		world->children[i] = weft_set_child_make(&weft_sleep__async, &world->frames[i]);
	}
	weft_try_join_all__init(sweep->frame, world->children, count);
}

static void few_set_up(struct sweep *sweep)
{
	sleeps_set_up(sweep, WEFT_JOIN_ALL_SCAN);
}

static void many_set_up(struct sweep *sweep)
{
	sleeps_set_up(sweep, SLEEPS);
}

static bool sleeps_advance(struct sweep *sweep)
{
	sweep->env.now_ns += 20;
	weft__wheel_expire(sweep->env.env.wheel, sweep->env.now_ns);
	return sweep->env.now_ns < 5000;
}

static const char *sleeps_check(struct sweep *sweep)
{
	const struct sleeps_world *world = sweep->world;
	int result = sweep_result(sweep);

	for (size_t i = 0; i < world->count; i++) {
		SWEEP_EXPECT(world->frames[i].args.base.at == WEFT_AT_DONE);
		SWEEP_EXPECT(world->frames[i].args.result == 0 || result == -ECANCELED);
	}
	SWEEP_EXPECT(result == (sweep->cancelled ? -ECANCELED : 0));
	return NULL;
}

static void check_sweep(void (*set_up)(struct sweep *sweep), int suspensions)
{
	const struct sweep_scenario scenario = { .name = "sleeps",
		.async = &weft_try_join_all__async,
		.world_bytes = sizeof(struct sleeps_world),
		.set_up = set_up,
		.advance = sleeps_advance,
		.check = sleeps_check };

	CHECK_EQ(sweep(&scenario).suspensions, suspensions);
}

TEST(s2_22_try_join_all_survives_being_cancelled_anywhere)
{
	check_sweep(few_set_up, WEFT_JOIN_ALL_SCAN);
	check_sweep(many_set_up, SLEEPS);
}
