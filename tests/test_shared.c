/* SPDX-License-Identifier: MIT */
/* One future that many wait for, stepped (B86): who polls it, who is woken, what becomes of it when those
 * who wait are cancelled; and a wait that is cancelled at each of its suspensions. */
#include <errno.h>
#include <string.h>

#include <weft/shared.h>
#include <weft/time.h>
#include <weft/visitor.h>

#include "doors.h"
#include "sweep.h"
#include "test.h"

enum { WAITERS = 40 };

/* The door, the future that waits at it, and tasks that wait for that. */
static struct door door;
static struct pass__frame pass_frame;
static struct weft_shared shared;
static struct waiter {
	struct stepper stepper;
	struct weft_shared_wait__frame wait;
	int result;
} waiters[WAITERS];

static void shared_begin(void)
{
	memset(&door, 0, sizeof door);
	pass__init(&pass_frame.args, &door, 7);
	weft_shared_init(&shared, &pass__async, &pass_frame);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i].stepper = stepper_make();
		waiters[i].result = NONE;
		weft_shared_wait__init(&waiters[i].wait.args, &shared, &waiters[i].result);
	}
}

static enum weft_poll wait_poll(int index)
{
	return step(&waiters[index].stepper, &weft_shared_wait__async, &waiters[index].wait);
}

static enum weft_poll wait_cancel(int index)
{
	waiters[index].stepper.cancelled = true;
	return wait_poll(index);
}

static int outcome(int index)
{
	return waiters[index].wait.args.result;
}

static unsigned wakes(int index)
{
	return probe_wakes(&waiters[index].stepper.probe);
}

static void check_waits(int index)
{
	CHECK_EQ(wait_poll(index), WEFT_PENDING);
	CHECK(waiters[index].stepper.cx.waker_taken || waiters[index].stepper.cx.self_woken);
}

static void check_has(int index, int result)
{
	CHECK_EQ(wait_poll(index), WEFT_READY);
	CHECK_EQ(outcome(index), 0);
	CHECK_EQ(waiters[index].result, result);
}

static void shared_finish(void)
{
	CHECK_EQ(shared.waiting, 0);
	CHECK(!shared.waiters.oldest && !shared.waiters.newest);
	for (int i = 0; i < WAITERS; i++)
		CHECK(stepper_is_clean(&waiters[i].stepper));
}

TEST(b86_shared_future_is_polled_by_one_for_all)
{
	shared_begin();
	for (int i = 0; i < WAITERS; i++)
		check_waits(i);
	CHECK_EQ(door.polls, 1);
	for (int i = 0; i < WAITERS; i++)
		check_waits(i); /* nobody has woken it */
	CHECK_EQ(door.polls, 1);
	door_wake(&door);
	CHECK_EQ(wakes(0), 1);
	CHECK_EQ(wakes(1), 0);
	check_waits(1); /* whoever comes first */
	CHECK_EQ(door.polls, 2);
	check_waits(0);
	CHECK_EQ(door.polls, 2);
	door_open(&door);
	check_has(0, 7);
	for (int i = 1; i < WAITERS; i++) {
		CHECK_EQ(wakes(i), 1);
		check_has(i, 7);
	}
	CHECK_EQ(door.polls, 3);
	CHECK_EQ(*(const int *)weft_shared_result(&shared), 7);
	shared_finish();
}

TEST(b86_wait_for_what_has_ended_does_not_wait)
{
	shared_begin();
	door.open = true;
	check_has(0, 7);
	CHECK_EQ(wait_cancel(1), WEFT_READY); /* a result that is there wins */
	CHECK_EQ(outcome(1), 0);
	waiters[2].wait.args.p1 = NULL;
	CHECK_EQ(wait_poll(2), WEFT_READY);
	CHECK_EQ(outcome(2), 0);
	CHECK_EQ(door.polls, 1);
	shared_finish();
}

/* ---- cancelling ---- */

TEST(b86_cancelled_wait_leaves_the_others_alone)
{
	for (int leaver = 0; leaver < 3; leaver++) {
		shared_begin();
		for (int i = 0; i < 3; i++)
			check_waits(i);
		CHECK_EQ(wait_cancel(leaver), WEFT_READY);
		CHECK_EQ(outcome(leaver), -ECANCELED);
		CHECK_EQ(waiters[leaver].result, NONE);
		CHECK_EQ(door.cancels, 0);
		door_open(&door);
		CHECK_EQ(wakes(leaver), 0);
		for (int i = 0; i < 3; i++)
			if (i != leaver)
				check_has(i, 7);
		shared_finish();
	}
}

/* It was woken to poll the future, and does not: another one does. */
TEST(b86_cancelled_wait_hands_its_wake_on)
{
	shared_begin();
	for (int i = 0; i < 3; i++)
		check_waits(i);
	door_open(&door);
	CHECK_EQ(wakes(0), 1);
	CHECK_EQ(wait_cancel(0), WEFT_READY);
	CHECK_EQ(outcome(0), -ECANCELED);
	CHECK_EQ(wakes(1), 1);
	CHECK_EQ(wait_cancel(1), WEFT_READY);
	CHECK_EQ(wakes(2), 1);
	check_has(2, 7);
	shared_finish();
}

TEST(b86_last_cancelled_wait_cancels_the_future)
{
	shared_begin();
	door.slow = 2;
	check_waits(0);
	check_waits(1);
	CHECK_EQ(wait_cancel(0), WEFT_READY);
	CHECK_EQ(door.cancels, 0);
	CHECK_EQ(wait_cancel(1), WEFT_PENDING);
	CHECK(waiters[1].stepper.cx.self_woken);
	CHECK_EQ(wait_poll(1), WEFT_PENDING);
	CHECK_EQ(wait_poll(1), WEFT_READY);
	CHECK_EQ(outcome(1), -ECANCELED);
	CHECK_EQ(door.cancels, 3);
	CHECK_EQ(pass_frame.args.result, -ECANCELED);
	check_has(2, -ECANCELED); /* too late */
	shared_finish();
}

/* Somebody comes while it unwinds, and sees it to its end. */
TEST(b86_future_that_unwinds_may_be_waited_for)
{
	shared_begin();
	door.slow = 2;
	check_waits(0);
	CHECK_EQ(wait_cancel(0), WEFT_PENDING);
	check_waits(1);
	CHECK_EQ(wait_poll(0), WEFT_READY);
	CHECK_EQ(outcome(0), -ECANCELED);
	check_has(1, -ECANCELED);
	CHECK_EQ(door.cancels, 3);
	shared_finish();
}

/* What it was given is released by nobody else. */
TEST(b86_future_is_polled_though_the_only_wait_is_cancelled)
{
	shared_begin();
	CHECK_EQ(wait_cancel(0), WEFT_READY);
	CHECK_EQ(outcome(0), -ECANCELED);
	CHECK_EQ(door.polls, 1);
	CHECK_EQ(door.cancels, 1);
	shared_finish();
}

/* ---- wakes at odd times ---- */

TEST(b86_future_that_wakes_itself_is_polled_again)
{
	shared_begin();
	door.neighbour = &door;
	check_waits(0);
	CHECK(waiters[0].stepper.cx.self_woken);
	check_waits(1);
	CHECK_EQ(door.polls, 2);
	CHECK_EQ(wait_cancel(1), WEFT_READY); /* which was to poll it */
	CHECK_EQ(wakes(0), 1);
	door.neighbour = NULL;
	check_waits(0);
	CHECK_EQ(door.polls, 3);
	door_open(&door);
	check_has(0, 7);
	shared_finish();
}

TEST(b86_owned_waker_of_the_future_finds_who_waits)
{
	shared_begin();
	door.clones = true;
	check_waits(0);
	check_waits(1); /* polls it too: it cannot know */
	CHECK_EQ(door.polls, 2);
	CHECK_EQ(wait_cancel(1), WEFT_READY); /* whose waker the door has */
	CHECK_EQ(wakes(0), 1);
	check_waits(0);
	CHECK_EQ(door.polls, 3);
	weft_waker_drop(door.waker);
	door.waits = door.clones = false;
	check_waits(0);
	check_waits(0); /* now it can know */
	CHECK_EQ(door.polls, 4);
	door_open(&door);
	CHECK_EQ(wakes(0), 2);
	check_has(0, 7);
	shared_finish();
}

/* Also one that is cloned between polls, when there is somebody and when all have been woken. */
TEST(b86_waker_of_the_future_may_be_cloned_between_polls)
{
	struct weft_waker owned;

	shared_begin();
	check_waits(0);
	owned = weft_waker_clone(&door.waker);
	weft_waker_wake(owned);
	CHECK_EQ(wakes(0), 1);
	check_waits(0);
	CHECK_EQ(door.polls, 2);
	weft_waker_wake_by_ref(&door.waker);
	owned = weft_waker_clone(&door.waker);
	weft_waker_wake(owned);
	CHECK_EQ(wakes(0), 2);
	check_waits(0);
	CHECK_EQ(door.polls, 3);
	CHECK_ABORTS_SAYING("borrowed waker", weft_waker_drop(door.waker));
	door_open(&door);
	check_has(0, 7);
	shared_finish();
}

/* ---- looked at by a report ---- */

struct look {
	struct weft_visitor visitor;
	unsigned futures, unknown;
	void (*meanwhile)(void);
};

static void look_future(struct weft_visitor *visitor, const struct weft_strand *strand,
		const struct weft_async *async, void *frame)
{
	struct look *look = (struct look *)visitor;

	CHECK(strand == &shared.strand && async == &pass__async && frame == &pass_frame);
	look->futures++;
	if (look->meanwhile)
		look->meanwhile();
}

static void look_unknown(struct weft_visitor *visitor)
{
	((struct look *)visitor)->unknown++;
}

static struct look look_at(int index, void (*meanwhile)(void))
{
	struct look look = { { look_future, NULL, look_unknown }, 0, 0, meanwhile };

	weft_shared_wait__async.each(&waiters[index].wait, &look.visitor);
	return look;
}

static struct weft_waker cloned_meanwhile;

static void wakes_meanwhile(void)
{
	unsigned before = wakes(0);

	door_wake(&door);
	CHECK_EQ(wakes(0), before); /* not now: it is kept */
}

static void is_polled_meanwhile(void)
{
	unsigned polls = door.polls;

	check_waits(0);
	CHECK_EQ(door.polls, polls);
	CHECK_EQ(look_at(1, NULL).unknown, 1); /* and somebody else looks */
}

static void is_cloned_meanwhile(void)
{
	cloned_meanwhile = weft_waker_clone(&door.waker);
}

TEST(shared_future_that_is_looked_at_loses_no_wake)
{
	shared_begin();
	CHECK_EQ(look_at(0, NULL).futures, 0); /* it has not begun */
	check_waits(0);
	check_waits(1);
	CHECK_EQ(look_at(1, NULL).futures, 1);
	CHECK_EQ(wakes(0), 0);
	CHECK_EQ(look_at(1, wakes_meanwhile).futures, 1);
	CHECK_EQ(wakes(0), 1);
	check_waits(0);
	CHECK_EQ(door.polls, 2);
	door_wake(&door);
	CHECK_EQ(wakes(0), 2);
	(void)look_at(1, is_polled_meanwhile);
	CHECK_EQ(wakes(0), 3);
	check_waits(0);
	CHECK_EQ(door.polls, 3);
	(void)look_at(1, is_cloned_meanwhile);
	CHECK_EQ(wakes(0), 4);
	weft_waker_wake(cloned_meanwhile);
	check_waits(0);
	CHECK_EQ(door.polls, 4);
	door_open(&door);
	check_has(0, 7);
	check_has(1, 7);
	shared_finish();
}

/* ---- in a set, and cancelled at each suspension ---- */

TEST(b86_children_of_a_set_may_wait_for_one_future)
{
	struct weft_set_child nodes[3];

	shared_begin();
	crowd_begin();
	for (int i = 0; i < 3; i++)
		weft_set_add(&crowd.set, &nodes[i], &weft_shared_wait__async, &waiters[i].wait);
	CHECK_EQ(crowd_settle(), NONE);
	door_open(&door);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1);
	for (int i = 0; i < 3; i++) {
		const struct weft_set_child *child;

		CHECK_EQ(crowd_step(&child), WEFT_READY);
		CHECK(child == &nodes[i]);
		CHECK_EQ(waiters[i].result, 7);
	}
	crowd_end();
	shared_finish();
}

struct nap_world {
	struct weft_wheel wheel;
	struct weft_shared shared;
	struct weft_sleep__frame sleep;
	int result;
};

static void nap_set_up(struct sweep *sweep)
{
	struct nap_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	weft_sleep__init(&world->sleep.args, 500);
	weft_shared_init(&world->shared, &weft_sleep__async, &world->sleep);
	weft_shared_wait__init(sweep->frame, &world->shared, &world->result);
}

static bool nap_advance(struct sweep *sweep)
{
	sweep->env.now_ns += 100;
	weft__wheel_expire(sweep->env.env.wheel, sweep->env.now_ns);
	return sweep->env.now_ns < 3000;
}

static const char *nap_check(struct sweep *sweep)
{
	const struct nap_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	SWEEP_EXPECT(world->sleep.args.base.at == WEFT_AT_DONE);
	SWEEP_EXPECT(world->sleep.args.result == sweep_result(sweep));
	SWEEP_EXPECT(world->shared.waiting == 0);
	return NULL;
}

static const struct sweep_scenario nap = { .name = "nap",
	.async = &weft_shared_wait__async,
	.world_bytes = sizeof(struct nap_world),
	.set_up = nap_set_up,
	.advance = nap_advance,
	.check = nap_check };

TEST(b86_wait_survives_being_cancelled_anywhere)
{
	CHECK_EQ(sweep(&nap).suspensions, 1);
}
