/* SPDX-License-Identifier: MIT */
/* The task tracker, polled by hand (behaviour 38): all short sequences of calls against an oracle;
 * what happens while many are being woken; cancellation at every point. */
#include <errno.h>

#include <weft/task_tracker.h>

#include "listener.h"
#include "sweep.h"

LISTENER(weft_task_tracker_wait, struct weft_task_tracker)

static struct weft_task_tracker requests = WEFT_TASK_TRACKER_INIT;

TEST(b38_wait_ends_when_the_tracker_is_closed_and_empty)
{
	struct listener listener;

	weft_task_tracker_enter(&requests);
	weft_task_tracker_enter(&requests);
	weft_task_tracker_leave(&requests);
	listener_init(&listener, &requests);
	CHECK_EQ(listener_poll(&listener, false), WEFT_PENDING);
	weft_task_tracker_leave(&requests); /* empty, and open */
	CHECK_EQ(probe_wakes(&listener.probe), 0);
	weft_task_tracker_enter(&requests);
	weft_task_tracker_close(&requests); /* closed, and not empty */
	CHECK(weft_task_tracker_is_closed(&requests));
	CHECK_EQ(weft_task_tracker_count(&requests), 1);
	CHECK_EQ(probe_wakes(&listener.probe), 0);
	weft_task_tracker_reopen(&requests);
	weft_task_tracker_leave(&requests);
	CHECK_EQ(probe_wakes(&listener.probe), 0);
	weft_task_tracker_enter(&requests);
	weft_task_tracker_close(&requests);
	weft_task_tracker_leave(&requests);
	CHECK_EQ(probe_wakes(&listener.probe), 1);
	CHECK(listener_ends_with(&listener, 0));
	listener_init(&listener, &requests);
	CHECK(listener_ends_with(&listener, 0));
	weft_task_tracker_enter(&requests); /* lets in all the same */
	listener_init(&listener, &requests);
	CHECK_EQ(listener_poll(&listener, false), WEFT_PENDING);
	weft_task_tracker_leave(&requests);
	CHECK(listener_ends_with(&listener, 0));
}

/* ---- every order ---- */

enum { LISTENERS = 2, OPERATIONS = 2 * LISTENERS + 4, STEPS = 7 };

enum fate { FRESH, WAITS, TOLD, ENDED };

struct world {
	struct weft_task_tracker tracker;
	struct listener listeners[LISTENERS];
	bool closed;
	unsigned count;
	enum fate fate[LISTENERS];
	int result[LISTENERS];
	unsigned wakes[LISTENERS];
};

static void oracle_settle(struct world *world)
{
	for (int i = 0; i < LISTENERS && world->closed && !world->count; i++)
		if (world->fate[i] == WAITS) {
			world->fate[i] = TOLD;
			world->wakes[i]++;
		}
}

static void oracle_poll(struct world *world, int who, bool cancelled)
{
	bool is_over = world->fate[who] == TOLD ||
			(world->fate[who] == FRESH && world->closed && !world->count);

	if (world->fate[who] == FRESH && cancelled)
		is_over = false;
	if (!cancelled && !is_over) {
		world->fate[who] = WAITS;
		return;
	}
	world->fate[who] = ENDED;
	world->result[who] = is_over ? 0 : -ECANCELED;
}

static bool step(struct world *world, int operation)
{
	int who = operation % LISTENERS;

	switch (operation - 2 * LISTENERS) {
	case 0:
		weft_task_tracker_enter(&world->tracker);
		world->count++;
		break;
	case 1:
		if (!world->count)
			return false;
		weft_task_tracker_leave(&world->tracker);
		world->count--;
		break;
	case 2:
		weft_task_tracker_close(&world->tracker);
		world->closed = true;
		break;
	case 3:
		weft_task_tracker_reopen(&world->tracker);
		world->closed = false;
		break;
	default:
		if (world->fate[who] == ENDED)
			return false;
		listener_poll(&world->listeners[who], operation >= LISTENERS);
		oracle_poll(world, who, operation >= LISTENERS);
	}
	oracle_settle(world);
	return true;
}

static void compare(const struct world *world)
{
	CHECK_EQ(weft_task_tracker_count(&world->tracker), world->count);
	for (int i = 0; i < LISTENERS; i++) {
		const struct listener *listener = &world->listeners[i];

		CHECK_EQ(probe_wakes(&listener->probe), world->wakes[i]);
		CHECK_EQ(listener->frame.args.base.at == WEFT_AT_DONE, world->fate[i] == ENDED);
		if (world->fate[i] == ENDED)
			CHECK_EQ(listener->frame.args.result, world->result[i]);
	}
}

static void run_order(int order)
{
	struct world world = { .fate = { FRESH } };

	weft_task_tracker_init(&world.tracker);
	for (int i = 0; i < LISTENERS; i++)
		listener_init(&world.listeners[i], &world.tracker);
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b38_tracker_agrees_with_a_count_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order);
}

/* ---- while many are being woken ---- */

enum { MANY = 40 };

static struct weft_task_tracker crowded;
static struct listener crowd[MANY], latecomers[2];
static bool is_busy;

/* Between two steps: who has been told is so, whatever happens, and who comes after a reopen is not. */
static void meddle(struct probe *probe)
{
	(void)probe;
	if (is_busy)
		return;
	is_busy = true;
	CHECK_EQ(listener_poll(&crowd[MANY - 1], true),
			WEFT_PENDING); /* it will be woken, and get 0 */
	CHECK_EQ(listener_poll(&latecomers[0], false), WEFT_PENDING); /* the same */
	weft_task_tracker_reopen(&crowded);
	CHECK_EQ(listener_poll(&latecomers[1], false), WEFT_PENDING);
}

TEST(b38_many_are_told_at_once_and_woken_in_steps)
{
	weft_task_tracker_init(&crowded);
	weft_task_tracker_enter(&crowded);
	weft_task_tracker_close(&crowded);
	for (int i = 0; i < MANY; i++) {
		listener_init(&crowd[i], &crowded);
		CHECK_EQ(listener_poll(&crowd[i], false), WEFT_PENDING);
	}
	listener_init(&latecomers[0], &crowded);
	listener_init(&latecomers[1], &crowded);
	crowd[0].probe.on_wake = meddle;
	weft_task_tracker_leave(&crowded);
	CHECK(is_busy);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(probe_wakes(&crowd[i].probe), 1);
		CHECK(listener_ends_with(&crowd[i], 0));
	}
	CHECK(listener_ends_with(&latecomers[0], 0));
	CHECK_EQ(probe_wakes(&latecomers[1].probe), 0);
	weft_task_tracker_close(&crowded);
	CHECK(listener_ends_with(&latecomers[1], 0));
}

/* ---- swept ---- */

struct swept_world {
	struct weft_task_tracker tracker;
	struct listener after;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_task_tracker_init(&world->tracker);
	weft_task_tracker_enter(&world->tracker);
	weft_task_tracker_close(&world->tracker);
	listener_init(&world->after, &world->tracker);
	weft_task_tracker_wait__init(sweep->frame, &world->tracker);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK_EQ(listener_poll(&world->after, false), WEFT_PENDING);
	weft_task_tracker_leave(&world->tracker);
	return true;
}

/* Told and then cancelled: 0, it had been ready. */
static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (world->steps ? 0 : -ECANCELED));
	SWEEP_EXPECT(world->steps || sweep->cancelled);
	swept_advance(sweep);
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(listener_ends_with(&world->after, 0));
	SWEEP_EXPECT(world->tracker.waiters.word == 1);
	return NULL;
}

static const struct sweep_scenario swept = {
	.name = "task_tracker_wait",
	.async = &weft_task_tracker_wait__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = swept_set_up,
	.advance = swept_advance,
	.check = swept_check,
};

TEST(b38_tracker_survives_cancelled_tasks)
{
	CHECK_EQ(sweep(&swept).suspensions, 1);
}
