/* SPDX-License-Identifier: MIT */
/* Futures made of others, stepped: map, then, what is caught, what is fused (B89: the first has ended before
 * the second begins); and a chain that is cancelled at each of its suspensions. */
#include <errno.h>
#include <string.h>

#include <weft/combine.h>
#include <weft/time.h>

#include "doors.h"
#include "sweep.h"
#include "test.h"

static struct stepper stepper;
static struct door doors[2];

static void doors_begin(void)
{
	memset(doors, 0, sizeof doors);
	stepper = stepper_make();
}

/* Adds *data to a result that is not below 0; -EIO becomes 0. */
static int add(void *data, const void *result)
{
	int given = *(const int *)result;

	if (given == -EIO)
		return 0;
	return given < 0 ? given : given + *(int *)data;
}

/* ---- map ---- */

static int mapped(int result, bool cancelled)
{
	struct pass__frame pass;
	struct weft_map__frame map;
	int more = 100;

	doors_begin();
	pass__init(&pass.args, &doors[0], result);
	weft_map__init(&map.args, &pass__async, &pass, add, &more);
	CHECK_EQ(step(&stepper, &weft_map__async, &map), WEFT_PENDING);
	stepper.cancelled = cancelled;
	if (!cancelled)
		door_open(&doors[0]);
	CHECK_EQ(step(&stepper, &weft_map__async, &map), WEFT_READY);
	CHECK(stepper_is_clean(&stepper));
	return map.args.result;
}

TEST(map_gives_what_the_function_makes_of_the_result)
{
	CHECK_EQ(mapped(5, false), 105);
	CHECK_EQ(mapped(-EPIPE, false), -EPIPE);
	CHECK_EQ(mapped(-EIO, false), 0); /* caught */
	CHECK_EQ(mapped(5, true), -ECANCELED);
}

/* A branch is polled as often as one likes. */
TEST(branch_that_has_ended_is_fused)
{
	struct pass__frame pass;
	struct weft_branch branch;
	struct weft_context cx;

	doors_begin();
	doors[0].open = true;
	pass__init(&pass.args, &doors[0], 1);
	branch = weft_branch_make(&pass__async, &pass);
	for (int i = 0; i < 3; i++) {
		cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
		CHECK_EQ(weft_branch_poll(&branch, &cx), WEFT_READY);
	}
	CHECK_EQ(doors[0].polls, 1);
}

/* ---- then: both frames in the same place ---- */

static union {
	struct pass__frame first, next;
} place;

/* Goes on with the result and one more, unless it is below 0. */
static int go_on(void *data, const void *result)
{
	int given = *(const int *)result;

	CHECK_EQ(doors[1].polls, 0);
	CHECK(place.first.args.base.at == WEFT_AT_DONE); /* B89 */
	if (given < 0)
		return given;
	pass__init(&place.next.args, data, given + 1);
	return 0;
}

static struct weft_then__frame then;
static const struct weft_continuation next = {
	.async = &pass__async, .frame = &place.next, .prepare = go_on, .data = &doors[1]
};

static void then_begin(int result)
{
	doors_begin();
	pass__init(&place.first.args, &doors[0], result);
	weft_then__init(&then.args, &pass__async, &place.first, &next);
}

static enum weft_poll then_step(void)
{
	return step(&stepper, &weft_then__async, &then);
}

TEST(b89_then_begins_when_the_first_has_ended)
{
	then_begin(5);
	CHECK_EQ(then_step(), WEFT_PENDING);
	CHECK_EQ(then_step(), WEFT_PENDING);
	CHECK_EQ(doors[1].polls, 0);
	door_open(&doors[0]);
	CHECK_EQ(then_step(), WEFT_PENDING);
	CHECK_EQ(doors[1].polls, 1); /* in the same poll */
	door_open(&doors[1]);
	CHECK_EQ(then_step(), WEFT_READY);
	CHECK_EQ(then.args.result, 6);
	CHECK(stepper_is_clean(&stepper));
}

TEST(then_of_what_is_ready_is_ready)
{
	then_begin(5);
	doors[0].open = doors[1].open = true;
	CHECK_EQ(then_step(), WEFT_READY);
	CHECK_EQ(then.args.result, 6);
}

TEST(then_ends_with_an_error_of_the_first)
{
	then_begin(-EPIPE);
	doors[0].open = true;
	CHECK_EQ(then_step(), WEFT_READY);
	CHECK_EQ(then.args.result, -EPIPE);
	CHECK_EQ(doors[1].polls, 0);
}

TEST(then_that_is_cancelled_cancels_who_runs)
{
	for (int opened = 0; opened < 2; opened++) {
		then_begin(5);
		CHECK_EQ(then_step(), WEFT_PENDING);
		if (opened)
			door_open(&doors[0]);
		stepper.cancelled = true;
		CHECK_EQ(then_step(), WEFT_READY);
		CHECK_EQ(then.args.result, -ECANCELED);
		CHECK_EQ(doors[opened].cancels, 1);
		CHECK_EQ(doors[1].polls, opened); /* what was prepared is polled */
		CHECK(stepper_is_clean(&stepper));
	}
}

/* ---- cancelled at each suspension ---- */

struct naps_world {
	struct weft_wheel wheel;
	struct weft_sleep__frame sleeps[2];
	struct weft_continuation next;
};

static int sleep_on(void *data, const void *result)
{
	struct weft_sleep__frame *sleep = data;
	int given = *(const int *)result;

	if (given == 0)
		weft_sleep__init(&sleep->args, 300);
	return given;
}

static void naps_set_up(struct sweep *sweep)
{
	struct naps_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	weft_sleep__init(&world->sleeps[0].args, 500);
	world->next = (struct weft_continuation){ &weft_sleep__async, &world->sleeps[1], sleep_on,
		&world->sleeps[1] };
	weft_then__init(sweep->frame, &weft_sleep__async, &world->sleeps[0], &world->next);
}

static bool naps_advance(struct sweep *sweep)
{
	sweep->env.now_ns += 100;
	weft__wheel_expire(sweep->env.env.wheel, sweep->env.now_ns);
	return sweep->env.now_ns < 3000;
}

static const char *naps_check(struct sweep *sweep)
{
	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(sweep->cancelled || sweep->env.now_ns >= 800);
	return NULL;
}

static const struct sweep_scenario naps_scenario = { .name = "then",
	.async = &weft_then__async,
	.world_bytes = sizeof(struct naps_world),
	.set_up = naps_set_up,
	.advance = naps_advance,
	.check = naps_check };

TEST(then_survives_being_cancelled_anywhere)
{
	CHECK_EQ(sweep(&naps_scenario).suspensions, 2);
}

static int count_and_map(void *data, const void *result)
{
	*(int *)data += 1;
	return *(const int *)result ? *(const int *)result : 7;
}

struct mapped_world {
	struct weft_wheel wheel;
	struct weft_sleep__frame sleep;
	int mapped;
};

static void mapped_set_up(struct sweep *sweep)
{
	struct mapped_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	weft_sleep__init(&world->sleep.args, 500);
	weft_map__init(sweep->frame, &weft_sleep__async, &world->sleep, count_and_map,
			&world->mapped);
}

static const char *mapped_check(struct sweep *sweep)
{
	struct mapped_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 7));
	SWEEP_EXPECT(world->mapped == 1);
	return NULL;
}

TEST(map_survives_being_cancelled_anywhere)
{
	static const struct sweep_scenario scenario = { .name = "map",
		.async = &weft_map__async,
		.world_bytes = sizeof(struct mapped_world),
		.set_up = mapped_set_up,
		.advance = naps_advance,
		.check = mapped_check };

	CHECK_EQ(sweep(&scenario).suspensions, 1);
}
