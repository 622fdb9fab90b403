/* SPDX-License-Identifier: MIT */
/* The mutex, polled by hand. That it is a semaphore of one permit, of which all orders are tried, is in
 * test_semaphore.c; here is what makes it a mutex (behaviour 61), and misuse. */
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

TEST(b61_mutex_is_handed_on_in_order)
{
	struct locker first, second, third;

	CHECK_EQ(weft_mutex_try_lock(&fresh), 0);
	CHECK_EQ(weft_mutex_try_lock(&fresh), -EAGAIN);
	locker_waits(&first, &fresh);
	locker_waits(&second, &fresh);
	locker_waits(&third, &fresh);
	weft_mutex_unlock(&fresh);
	/* it is the first one's, who has yet to run */
	CHECK_EQ(weft_mutex_try_lock(&fresh), -EAGAIN);
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

TEST(b61_mutex_that_was_handed_to_a_cancelled_task_goes_to_the_next)
{
	struct weft_mutex mutex = WEFT_MUTEX_INIT;
	struct locker first, second;

	CHECK_EQ(weft_mutex_try_lock(&mutex), 0);
	locker_waits(&first, &mutex);
	locker_waits(&second, &mutex);
	weft_mutex_unlock(&mutex);
	CHECK_EQ(locker_poll(&first, true), WEFT_READY);
	CHECK_EQ(first.frame.args.result, -ECANCELED);
	CHECK(locker_has_it(&second));
}

TEST(mutex_that_is_misused_aborts)
{
	struct weft_mutex mutex, zeroed = { { NULL, NULL, 0, 0 } };
	struct locker locker;

	weft_mutex_init(&mutex);
	CHECK_ABORTS_SAYING("not locked", weft_mutex_unlock(&mutex));
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
