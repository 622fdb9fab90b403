/* SPDX-License-Identifier: MIT */
/* The bare executor: static storage, wakes from anywhere. These tests are the interrupts. */
#include <errno.h>
#include <string.h>

#include <weft/loop.h>

#include "dive.h"
#include "test.h"

/* --- a leaf that counts its polls and ends when it is told to ------------------------------------ */

struct lamp {
	bool on;
	int yields; /* then this many polls wake themselves first */
	unsigned polls;
	bool cancelled; /* at the last poll */
	struct weft_waker waker;
};

WEFT_ASYNC_1(int, lamp_wait, struct lamp *);
struct lamp_wait__frame {
	struct lamp_wait__args args;
};

static char order[64]; /* the lamps' letters, poll by poll */
static struct lamp lamps[8];

enum weft_poll lamp_wait__poll(void *frame, struct weft_context *cx)
{
	struct lamp_wait__frame *f = frame;
	struct lamp *lamp = f->args.p0;

	if (strlen(order) < sizeof order - 1)
		order[strlen(order)] = (char)('a' + (lamp - lamps));
	lamp->polls++;
	lamp->cancelled = weft_context_cancelled(cx);
	if (lamp->on)
		weft_return(f, (int)lamp->polls);
	if (lamp->cancelled)
		weft_return(f, -ECANCELED);
	lamp->waker = *weft_context_waker(cx);
	if (lamp->yields > 0 && lamp->yields--)
		weft_context_yield(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(lamp_wait, WEFT_ASYNC_RESULT_INT);

static struct weft_loop loop;
static WEFT_LOOP_TASK(storage[8], struct lamp_wait__frame);
static unsigned on_wakes;

static void on_wake(struct weft_loop *woken)
{
	CHECK(woken == &loop);
	on_wakes++;
}

static struct weft_loop_task *spawn(int i)
{
	struct lamp_wait__args args;

	lamp_wait__init(&args, &lamps[i]);
	return weft_loop_spawn(&loop, &storage[i], sizeof storage[i], &lamp_wait__async, &args);
}

static void start(void)
{
	loop = (struct weft_loop){ .on_wake = on_wake };
	memset(storage, 0, sizeof storage);
	memset(lamps, 0, sizeof lamps);
	memset(order, 0, sizeof order);
	on_wakes = 0;
}

static int result_of(const struct weft_loop_task *task)
{
	CHECK(weft_loop_result(task) != NULL);
	return *(const int *)weft_loop_result(task);
}

/* --- the life of a task ------------------------------------------------------------------------- */

TEST(loop_runs_a_task_from_spawn_to_result)
{
	struct weft_loop_task *task;

	start();
	CHECK(!weft_loop_has_work(&loop));
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	task = spawn(0);
	CHECK(task != NULL);
	CHECK(weft_loop_has_work(&loop));
	CHECK_EQ(lamps[0].polls, 0); /* inert until it is polled */
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 1);
	CHECK(!weft_loop_has_work(&loop));
	CHECK(weft_loop_result(task) == NULL);
	lamps[0].on = true;
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 1); /* nobody woke it */
	weft_waker_wake_by_ref(&lamps[0].waker);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_EQ(result_of(task), 2);
}

TEST(loop_refuses_storage_that_is_too_small_or_in_use)
{
	struct lamp_wait__args args;

	start();
	lamp_wait__init(&args, &lamps[0]);
	CHECK(!weft_loop_spawn(&loop, &storage[0], sizeof(struct lamp_wait__frame),
			&lamp_wait__async, &args));
	CHECK(spawn(0) != NULL);
	CHECK(spawn(0) == NULL);
	weft_loop_run_until_stalled(&loop);
	CHECK(spawn(0) == NULL);
	lamps[0].on = true;
	weft_waker_wake_by_ref(&lamps[0].waker);
	CHECK(spawn(0) == NULL);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK(spawn(0) != NULL);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_ABORTS((void)!weft_loop_spawn(&loop, &storage[1].bytes[8], sizeof storage[1] - 8,
			&lamp_wait__async, &args));
}

TEST(loop_keeps_storage_while_an_owned_waker_is_left)
{
	struct weft_waker owned, other;

	start();
	CHECK(spawn(0) != NULL);
	weft_loop_run_until_stalled(&loop);
	owned = weft_waker_clone(&lamps[0].waker);
	other = weft_waker_clone(&owned);
	CHECK(weft_waker_same(&owned, &lamps[0].waker));
	lamps[0].on = true;
	weft_waker_wake(other);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK(spawn(0) == NULL);
	weft_waker_wake(owned); /* late, and harmless */
	CHECK(weft_loop_has_work(&loop));
	CHECK(spawn(0) == NULL); /* the inbox holds it */
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_EQ(lamps[0].polls, 2);
	CHECK(spawn(0) != NULL);
	weft_loop_run_until_stalled(&loop);
	CHECK_EQ(lamps[0].polls, 3);
}

TEST(loop_storage_is_free_after_the_last_drop)
{
	struct weft_waker owned;

	start();
	CHECK(spawn(0) != NULL);
	weft_loop_run_until_stalled(&loop);
	owned = weft_waker_clone(&lamps[0].waker);
	lamps[0].on = true;
	weft_waker_wake_by_ref(&owned);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK(spawn(0) == NULL);
	weft_waker_drop(owned);
	CHECK(spawn(0) != NULL);
}

/* --- wakes -------------------------------------------------------------------------------------- */

TEST(loop_coalesces_wakes_and_tells_of_the_first)
{
	start();
	CHECK(spawn(0) != NULL && spawn(1) != NULL);
	CHECK_EQ(on_wakes, 1);
	weft_loop_run_until_stalled(&loop);
	for (int i = 0; i < 10; i++)
		weft_waker_wake_by_ref(&lamps[i % 2].waker);
	CHECK_EQ(on_wakes, 2);
	weft_loop_run_until_stalled(&loop);
	CHECK_EQ(lamps[0].polls, 2);
	CHECK_EQ(lamps[1].polls, 2);
}

TEST(loop_claimed_task_waits_for_its_commit)
{
	struct weft_waker claimed, again;

	start();
	CHECK(spawn(0) != NULL);
	weft_loop_run_until_stalled(&loop);
	claimed = weft_waker_claim(&lamps[0].waker);
	CHECK(claimed.ops != NULL);
	CHECK(!weft_loop_has_work(&loop));
	again = weft_waker_claim(&lamps[0].waker);
	CHECK(again.ops == NULL); /* the first will do */
	weft_waker_commit(again);
	weft_waker_wake_by_ref(&lamps[0].waker);
	CHECK(!weft_loop_has_work(&loop));
	weft_waker_commit(claimed);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 1);
	CHECK_EQ(lamps[0].polls, 2);
}

/* B87: tasks that wake themselves take turns, and the loop stalls when they stop. */
TEST(loop_polls_each_task_once_a_round)
{
	start();
	for (int i = 0; i < 3; i++) {
		lamps[i].yields = 3;
		CHECK(spawn(i) != NULL);
	}
	CHECK_EQ(weft_loop_run_once(&loop), 3);
	CHECK(strcmp(order, "abc") == 0);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 3);
	CHECK(strcmp(order, "abcabcabcabc") == 0);
}

/* A poll wakes another task and itself, of which one is queued behind it in the same round. */
WEFT_ASYNC_1(int, crosswise, struct lamp *);
struct crosswise__frame {
	struct crosswise__args args;
};

enum weft_poll crosswise__poll(void *frame, struct weft_context *cx)
{
	struct crosswise__frame *f = frame;

	if (f->args.base.at++ == 3)
		weft_return(f, 0);
	weft_waker_wake_by_ref(&f->args.p0->waker);
	weft_waker_wake_by_ref(weft_context_waker(cx));
	weft_context_yield(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(crosswise, WEFT_ASYNC_RESULT_INT);

TEST(loop_wakes_from_within_a_poll_count_once_and_for_the_next_round)
{
	static WEFT_LOOP_TASK(crosswise_storage, struct crosswise__frame);
	struct crosswise__args args;

	start();
	CHECK(spawn(0) != NULL);
	weft_loop_run_until_stalled(&loop);
	crosswise__init(&args, &lamps[0]);
	CHECK(weft_loop_spawn(&loop, &crosswise_storage, sizeof crosswise_storage,
			&crosswise__async, &args));
	for (unsigned round = 1; round <= 3; round++) {
		weft_loop_run_once(&loop);
		CHECK_EQ(lamps[0].polls, round);
	}
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 1);
	CHECK_EQ(lamps[0].polls, 4);
}

/* --- cancelling --------------------------------------------------------------------------------- */

TEST(loop_cancelled_task_starts_and_unwinds)
{
	struct weft_loop_task *task;

	start();
	task = spawn(0);
	weft_loop_cancel(task); /* before its first poll */
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_EQ(lamps[0].polls, 1);
	CHECK_EQ(result_of(task), -ECANCELED);
}

TEST(loop_cancel_reaches_a_pending_task_and_stays)
{
	struct weft_loop_task *task;

	start();
	task = spawn(0);
	weft_loop_run_until_stalled(&loop);
	CHECK(!lamps[0].cancelled);
	weft_waker_wake_by_ref(&lamps[0].waker); /* it is queued already */
	weft_loop_cancel(task);
	weft_loop_cancel(task);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_EQ(result_of(task), -ECANCELED);
	CHECK_EQ(lamps[0].polls, 2);
	weft_loop_cancel(task); /* too late, and harmless */
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_EQ(lamps[0].polls, 2);
	CHECK(spawn(0) != NULL);
	weft_loop_run_until_stalled(&loop);
	CHECK(!lamps[0].cancelled); /* the storage's next task is another one */
}

/* --- frames of their own ------------------------------------------------------------------------ */

TEST(loop_lends_frames_until_they_are_used_up)
{
	enum { FRAMES = 40 };
	static WEFT_LOOP_FRAMES(frames, FRAMES, struct dive__frame);
	static WEFT_LOOP_TASK(dive_storage, struct dive__frame);
	struct gate gate = { .open = 1000, .waits = 1 };
	struct weft_loop_task *task;
	struct dive__args args;

	start();
	for (int round = 0; round < 4; round++) { /* nothing is lost on either way out */
		int depth = round % 2 ? FRAMES + 1 : FRAMES;

		dive__init(&args, depth, &gate);
		task = weft_loop_spawn(
				&loop, &dive_storage, sizeof dive_storage, &dive__async, &args);
		CHECK(task != NULL);
		CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
		CHECK_EQ(result_of(task), round == 0 || round % 2 ? WEFT_ENOMEM : FRAMES);
		if (round == 0)
			weft_loop_lend_frames(&loop, frames.bytes, FRAMES, sizeof frames.bytes[0]);
	}
}

TEST(loop_lends_no_frame_that_is_too_small)
{
	static WEFT_LOOP_FRAMES(frames, 2, char);
	static WEFT_LOOP_TASK(dive_storage, struct dive__frame);
	struct gate gate = { .open = 1, .waits = 1 };
	struct weft_loop_task *task;
	struct dive__args args;

	start();
	weft_loop_lend_frames(&loop, frames.bytes, 2, sizeof frames.bytes[0]);
	dive__init(&args, 1, &gate);
	task = weft_loop_spawn(&loop, &dive_storage, sizeof dive_storage, &dive__async, &args);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	CHECK_EQ(result_of(task), WEFT_ENOMEM);
}

#ifdef WEFT_CHECKED
WEFT_ASYNC_0(int, forgetful);
struct forgetful__frame {
	struct forgetful__args args;
};

enum weft_poll forgetful__poll(void *frame, struct weft_context *cx)
{
	(void)frame;
	(void)cx;
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(forgetful, WEFT_ASYNC_RESULT_INT);

TEST(loop_pending_without_a_waker_aborts)
{
	static WEFT_LOOP_TASK(forgetful_storage, struct forgetful__frame);
	struct forgetful__args args;

	start();
	forgetful__init(&args);
	CHECK(weft_loop_spawn(&loop, &forgetful_storage, sizeof forgetful_storage,
			&forgetful__async, &args));
	CHECK_ABORTS(weft_loop_run_until_stalled(&loop));
}

/* Leaves a child of its own behind, which is linked to a strand that nobody polls any more. */
WEFT_ASYNC_1(int, deserter, struct gate *);
struct deserter__frame {
	struct deserter__args args;
};

enum weft_poll deserter__poll(void *frame, struct weft_context *cx)
{
	struct deserter__frame *f = frame;
	struct dive__args *dive = weft_frame_enter(cx, &dive__async);

	CHECK(dive != NULL);
	dive__init(dive, 0, f->args.p0);
	CHECK_EQ(weft_frame_descend(cx, dive), WEFT_PENDING);
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE(deserter, WEFT_ASYNC_RESULT_INT);

TEST(loop_task_that_ends_before_its_child_aborts)
{
	static WEFT_LOOP_FRAMES(frames, 1, struct dive__frame);
	static WEFT_LOOP_TASK(deserter_storage, struct deserter__frame);
	struct gate gate = { .waits = 1 };
	struct deserter__args args;

	start();
	weft_loop_lend_frames(&loop, frames.bytes, 1, sizeof frames.bytes[0]);
	deserter__init(&args, &gate);
	CHECK(weft_loop_spawn(&loop, &deserter_storage, sizeof deserter_storage, &deserter__async,
			&args));
	CHECK_ABORTS(weft_loop_run_until_stalled(&loop));
}
#endif
