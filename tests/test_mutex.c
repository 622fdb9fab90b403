/* SPDX-License-Identifier: MIT */
/* The mutex, polled by hand (behaviour 61): the queue, the window in which it may be barged, all short sequences of
 * calls against an oracle; cancellation at every point; the budget; misuse. */
#include <errno.h>

#include <weft/mutex.h>

#include "sweep.h"
#include "test.h"

static struct weft_mutex fresh = WEFT_MUTEX_INIT;

struct locker {
	struct probe probe;
	struct weft_mutex_lock__frame frame;
};

static enum weft_poll locker_poll(struct locker *locker, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&locker->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return weft_mutex_lock__poll(&locker->frame, &cx);
}

static void locker_waits(struct locker *locker, struct weft_mutex *mutex)
{
	locker->probe = (struct probe)PROBE;
	weft_mutex_lock__init(&locker->frame.args, mutex);
	CHECK_EQ(locker_poll(locker, false), WEFT_PENDING);
}

static bool locker_has_it(struct locker *locker)
{
	return probe_wakes(&locker->probe) == 1 && locker_poll(locker, false) == WEFT_READY &&
			locker->frame.args.result == 0;
}

TEST(b61_mutex_is_taken_in_order)
{
	struct locker first, second, third;

	CHECK_EQ(weft_mutex_try_lock(&fresh), 0);
	CHECK_EQ(weft_mutex_try_lock(&fresh), -EAGAIN);
	locker_waits(&first, &fresh);
	locker_waits(&second, &fresh);
	locker_waits(&third, &fresh);
	weft_mutex_unlock(&fresh);
	CHECK(locker_has_it(&first));
	CHECK_EQ(probe_wakes(&second.probe), 0);
	CHECK_EQ(locker_poll(&second, true), WEFT_READY);
	CHECK_EQ(second.frame.args.result, -ECANCELED);
	weft_mutex_unlock(&fresh);
	CHECK(locker_has_it(&third));
	weft_mutex_unlock(&fresh);
	CHECK_EQ(weft_mutex_try_lock(&fresh), 0);
	weft_mutex_unlock(&fresh);
}

/* The window: from when a task is woken until it is polled, and never again. */
TEST(mutex_is_barged_only_until_the_oldest_has_looked)
{
	struct weft_mutex mutex = WEFT_MUTEX_INIT;
	struct locker first, second;

	CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
	locker_waits(&first, &mutex);
	locker_waits(&second, &mutex);
	weft_mutex_unlock(&mutex);
	CHECK_EQ(probe_wakes(&first.probe), 1);
	for (int i = 0; i < 3; i++) { /* it is free, and whoever comes may have it */
		CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
		weft_mutex_unlock(&mutex);
	}
	CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
	CHECK_EQ(locker_poll(&second, false), WEFT_PENDING); /* who waits overtakes nobody */
	CHECK_EQ(probe_wakes(&first.probe), 1);
	CHECK_EQ(locker_poll(&first, false), WEFT_PENDING); /* in vain */
	weft_mutex_unlock(&mutex);
	CHECK_EQ(probe_wakes(&first.probe), 2);
	CHECK_EQ(weft_mutex_try_lock(&mutex),
			-EAGAIN); /* it is the first one's, who has yet to run */
	CHECK_EQ(locker_poll(&first, false), WEFT_READY);
	CHECK_EQ(first.frame.args.result, 0);
	weft_mutex_unlock(&mutex);
	CHECK(locker_has_it(&second));
}

/* Handed over or offered: who is cancelled passes it on. */
TEST(b61_mutex_that_is_a_cancelled_tasks_goes_to_the_next)
{
	for (int handed = 0; handed < 2; handed++) {
		struct weft_mutex mutex = WEFT_MUTEX_INIT;
		struct locker first, second;

		CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
		locker_waits(&first, &mutex);
		locker_waits(&second, &mutex);
		weft_mutex_unlock(&mutex);
		if (handed) {
			CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
			CHECK_EQ(locker_poll(&first, false), WEFT_PENDING);
			weft_mutex_unlock(&mutex);
		}
		CHECK_EQ(locker_poll(&first, true), WEFT_READY);
		CHECK_EQ(first.frame.args.result, -ECANCELED);
		CHECK(locker_has_it(&second));
	}
}

/* ---- every order ---- */

enum { LOCKERS = 3, STEPS = 6, OUTSIDER = LOCKERS };

/* Begins, and stands in the queue; has been handed it, and does not know; knows; has ended. */
enum fate { FRESH, WAITS, HANDED, HOLDS, ENDED };

struct oracle {
	bool locked;
	bool offered; /* to the first of the queue */
	int queue[LOCKERS], queue_len;
	enum fate fate[LOCKERS + 1];
	bool impatient[LOCKERS];
	unsigned wakes[LOCKERS];
};

static void oracle_leave(struct oracle *oracle, int who)
{
	int to = 0;

	for (int i = 0; i < oracle->queue_len; i++)
		if (oracle->queue[i] != who)
			oracle->queue[to++] = oracle->queue[i];
	oracle->queue_len = to;
}

static void oracle_poll(struct oracle *oracle, int who)
{
	bool is_first = oracle->queue_len && oracle->queue[0] == who;

	if (oracle->fate[who] == HANDED) {
		oracle->fate[who] = HOLDS;
	} else if (oracle->fate[who] == FRESH && oracle->locked) {
		oracle->fate[who] = WAITS;
		oracle->queue[oracle->queue_len++] = who;
	} else if (oracle->fate[who] == FRESH || (is_first && oracle->offered && !oracle->locked)) {
		oracle->offered = oracle->offered && !is_first;
		oracle->locked = true;
		oracle->fate[who] = HOLDS;
		oracle_leave(oracle, who);
	} else if (is_first && oracle->offered) {
		oracle->offered = false;
		oracle->impatient[who] = true;
	}
}

static void oracle_unlock(struct oracle *oracle)
{
	int first = oracle->queue[0];

	if (oracle->queue_len == 0 || oracle->offered) {
		oracle->locked = false;
		return;
	}
	oracle->wakes[first]++;
	if (oracle->impatient[first]) {
		oracle->fate[first] = HANDED;
		oracle_leave(oracle, first);
	} else {
		oracle->locked = false;
		oracle->offered = true;
	}
}

static void oracle_cancel(struct oracle *oracle, int who)
{
	bool is_first = oracle->queue_len && oracle->queue[0] == who;
	bool handed = oracle->fate[who] == HANDED;

	oracle_leave(oracle, who);
	oracle->fate[who] = ENDED;
	if (handed)
		oracle_unlock(oracle);
	if (!is_first || !oracle->offered)
		return;
	if (oracle->queue_len)
		oracle->wakes[oracle->queue[0]]++;
	else
		oracle->offered = false;
}

struct world {
	struct weft_mutex mutex;
	struct locker lockers[LOCKERS];
	struct oracle oracle;
};

/* 0 to 2: polls; 3 to 5: polls, cancelled; 6 to 9: unlocks, if it may; then the outsider tries. */
enum { CANCELS = LOCKERS, UNLOCKS = 2 * LOCKERS, TRIES = UNLOCKS + LOCKERS + 1, OPERATIONS };

/* False: it makes no sense. */
static bool step(struct world *world, int operation)
{
	struct oracle *oracle = &world->oracle;
	int who = operation % LOCKERS;

	if (operation == TRIES) {
		CHECK_EQ(weft_mutex_try_lock(&world->mutex), oracle->locked ? -EAGAIN : 0);
		if (!oracle->locked)
			oracle->fate[OUTSIDER] = HOLDS;
		oracle->locked = true;
		return true;
	}
	if (operation >= UNLOCKS) {
		if (oracle->fate[operation - UNLOCKS] != HOLDS)
			return false;
		weft_mutex_unlock(&world->mutex);
		oracle->fate[operation - UNLOCKS] = ENDED;
		oracle_unlock(oracle);
		return true;
	}
	if (oracle->fate[who] >= HOLDS)
		return false;
	locker_poll(&world->lockers[who], operation >= CANCELS);
	if (operation >= CANCELS)
		oracle_cancel(oracle, who);
	else
		oracle_poll(oracle, who);
	return true;
}

static void compare(const struct world *world)
{
	const struct oracle *oracle = &world->oracle;

	for (int i = 0; i < LOCKERS; i++) {
		const struct locker *locker = &world->lockers[i];

		CHECK_EQ(probe_wakes(&locker->probe), oracle->wakes[i]);
		CHECK(probe_balanced(&locker->probe) && locker->probe.clones == 0);
		CHECK_EQ(locker->frame.args.base.at == WEFT_AT_DONE, oracle->fate[i] >= HOLDS);
		if (oracle->fate[i] == HOLDS)
			CHECK_EQ(locker->frame.args.result, 0);
	}
}

static void run_order(int order, bool locked)
{
	struct world world = { .oracle.locked = locked };

	weft_mutex_init(&world.mutex);
	world.oracle.fate[OUTSIDER] = locked ? HOLDS : ENDED;
	if (locked)
		CHECK_EQ(weft_mutex_try_lock(&world.mutex), 0);
	for (int i = 0; i < LOCKERS; i++) {
		world.lockers[i].probe = (struct probe)PROBE;
		weft_mutex_lock__init(&world.lockers[i].frame.args, &world.mutex);
	}
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b61_mutex_agrees_with_a_queue_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE) {
		run_order(order, true);
		run_order(order, false);
	}
}

/* Behaviour 39; a wait gives its charge back (43). */
TEST(b39_mutex_is_cooperative)
{
	struct weft_mutex mutex = WEFT_MUTEX_INIT;
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_mutex_lock__frame frame;

	for (int i = 0; i < WEFT_BUDGET; i++) {
		weft_mutex_lock__init(&frame.args, &mutex);
		CHECK_EQ(weft_mutex_lock__poll(&frame, &cx), WEFT_READY);
		weft_mutex_unlock(&mutex);
	}
	weft_mutex_lock__init(&frame.args, &mutex);
	CHECK_EQ(weft_mutex_lock__poll(&frame, &cx), WEFT_PENDING);
	CHECK(cx.self_woken);
	cx = probe_context(&probe, NULL, &strand);
	CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
	CHECK_EQ(weft_mutex_lock__poll(&frame, &cx), WEFT_PENDING);
	CHECK(!cx.self_woken && cx.budget == WEFT_BUDGET);
	weft_mutex_unlock(&mutex);
	CHECK_EQ(weft_mutex_lock__poll(&frame, &cx), WEFT_READY);
}

TEST(mutex_that_is_misused_aborts)
{
	struct weft_mutex mutex, zeroed = { { NULL, NULL, 0, 0 } };
	struct locker locker;

	weft_mutex_init(&mutex);
	CHECK_ABORTS_SAYING("mutex_is_locked", weft_mutex_unlock(&mutex));
	CHECK_ABORTS_SAYING("mutex_is_initialised", locker_waits(&locker, &zeroed));
	CHECK_ABORTS_SAYING("mutex_is_initialised", weft_mutex_unlock(&zeroed));
	CHECK_ABORTS_SAYING("mutex_is_initialised", (void)!weft_mutex_try_lock(&zeroed));
}

/* ---- swept: between two others ---- */

struct swept_world {
	struct weft_mutex mutex;
	struct locker before, after;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_mutex_init(&world->mutex);
	CHECK_EQ(weft_mutex_try_lock(&world->mutex), 0);
	locker_waits(&world->before, &world->mutex);
	weft_mutex_lock__init(sweep->frame, &world->mutex);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	switch (world->steps++) {
	case 0:
		locker_waits(&world->after, &world->mutex);
		weft_mutex_unlock(&world->mutex);
		return true;
	case 1:
		CHECK(locker_has_it(&world->before));
		weft_mutex_unlock(&world->mutex);
		return true;
	default:
		return false;
	}
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	while (swept_advance(sweep))
		;
	if (!sweep->cancelled)
		weft_mutex_unlock(&world->mutex);
	SWEEP_EXPECT(locker_has_it(&world->after));
	weft_mutex_unlock(&world->mutex);
	SWEEP_EXPECT(weft_mutex_try_lock(&world->mutex) == 0);
	return NULL;
}

static const struct sweep_scenario swept = {
	.name = "lock",
	.async = &weft_mutex_lock__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = swept_set_up,
	.advance = swept_advance,
	.check = swept_check,
};

TEST(b61_lock_that_is_cancelled_anywhere_leaves_no_trace)
{
	struct sweep_result result = sweep(&swept);

	CHECK_EQ(result.suspensions, 1);
	CHECK_EQ(result.allocations, 0);
}
