/* SPDX-License-Identifier: MIT */
/* Sets of futures, stepped: cancelled and closed, their wakers, sets in sets; then every order in which a
 * few children can end (B84, B85), and a set that is cancelled at each of its suspensions. */
#include <errno.h>
#include <string.h>

#include <weft.h>

#include "doors.h"
#include "sweep.h"
#include "test.h"

/* ---- cancelling ---- */

TEST(set_next_that_is_cancelled_loses_nothing)
{
	struct weft_set_next__frame next;
	int result = NONE;

	crowd_begin();
	crowd_add_all(2);
	weft_set_next__init(&next.args, &crowd.set, &result);
	CHECK_EQ(step(&crowd.stepper, &weft_set_next__async, &next), WEFT_PENDING);
	door_open(&crowd.doors[1]);
	crowd.stepper.cancelled = true;
	CHECK_EQ(step(&crowd.stepper, &weft_set_next__async, &next), WEFT_READY);
	CHECK_EQ(next.args.result, -ECANCELED);
	CHECK_EQ(result, NONE);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1);
	door_open(&crowd.doors[0]);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1); /* nobody waits */
	CHECK_EQ(crowd_next(), 1);
	CHECK_EQ(crowd_next(), 0);
	CHECK_EQ(crowd.doors[0].cancels + crowd.doors[1].cancels, 0);
	crowd_end();
}

TEST(set_next_that_is_cancelled_is_woken_no_more)
{
	struct weft_set_next__frame next;

	crowd_begin();
	crowd_add(0);
	weft_set_next__init(&next.args, &crowd.set, NULL);
	CHECK_EQ(step(&crowd.stepper, &weft_set_next__async, &next), WEFT_PENDING);
	crowd.stepper.cancelled = true;
	CHECK_EQ(step(&crowd.stepper, &weft_set_next__async, &next), WEFT_READY);
	door_open(&crowd.doors[0]);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 0);
	CHECK_EQ(crowd_next(), 0);
	crowd_end();
}

TEST(set_that_is_cancelled_gives_back_what_its_children_make_of_it)
{
	crowd_begin();
	crowd_add_all(3);
	crowd.doors[0].slow = 2;
	CHECK_EQ(crowd_next(), NONE);
	door_open(&crowd.doors[2]);
	weft_set_cancel(&crowd.set);
	CHECK_EQ(crowd_settle(), 2);
	CHECK_EQ(crowd_settle(), 1);
	CHECK(crowd.stepper.cx.unwound); /* and nobody calls the task one that ignores a cancellation */
	CHECK_EQ(crowd_settle(), 0);
	CHECK_EQ(*(int *)weft_set_child_result(&crowd.nodes[2]), 2);
	CHECK_EQ(*(int *)weft_set_child_result(&crowd.nodes[1]), -ECANCELED);
	CHECK_EQ(*(int *)weft_set_child_result(&crowd.nodes[0]), -ECANCELED);
	crowd_end();
}

static void close_all(int polls)
{
	struct weft_set_close__frame close;

	weft_set_close__init(&close.args, &crowd.set);
	while (polls-- > 1) {
		CHECK_EQ(step(&crowd.stepper, &weft_set_close__async, &close), WEFT_PENDING);
		CHECK(crowd.stepper.cx.self_woken);
	}
	CHECK_EQ(step(&crowd.stepper, &weft_set_close__async, &close), WEFT_READY);
	CHECK_EQ(close.args.result, 0);
}

/* B84: again and again, also in the middle of things. */
TEST(b84_set_is_closed_after_its_children)
{
	int results[4];

	crowd_begin();
	for (int round = 0; round < 5; round++) {
		memset(crowd.doors, 0, sizeof crowd.doors);
		for (int i = 0; i < 4; i++)
			crowd_put(i, &results[i], false);
		crowd.doors[1].slow = 3;
		if (round % 2)
			CHECK_EQ(next_result(), NONE);
		door_open(&crowd.doors[3]);
		if (round > 2)
			CHECK_EQ(next_result(), 3);
		close_all(4);
		for (int i = 0; i < 4; i++) {
			CHECK_EQ(results[i], i == 3 ? 3 : -ECANCELED);
			CHECK(crowd.doors[i].polls > 0); /* also who was cancelled before */
		}
		CHECK(stepper_is_clean(&crowd.stepper));
	}
	weft__env_current = NULL;
}

TEST(set_child_that_is_put_into_a_cancelled_set_starts_cancelled)
{
	crowd_begin();
	crowd_add(0);
	weft_set_cancel(&crowd.set);
	crowd_add(1);
	CHECK_EQ(crowd_next(), 0);
	CHECK_EQ(crowd_next(), 1);
	CHECK_EQ(*(int *)weft_set_child_result(&crowd.nodes[1]), -ECANCELED);
	CHECK_EQ(crowd_next(), EMPTY);
	crowd_add(2);
	CHECK_EQ(crowd_next(), NONE);
	door_open(&crowd.doors[2]);
	CHECK_EQ(crowd_next(), 2);
	crowd_end();
}

/* ---- wakers ---- */

/* async int invite(index): puts in a child, and waits. */
WEFT_ASYNC_1(int, invite, int);
struct invite__frame {
	struct invite__args args;
};

enum weft_poll invite__poll(void *frame, struct weft_context *cx)
{
	struct invite__frame *f = frame;

	if (f->args.base.at == 0)
		crowd_add(f->args.p0);
	f->args.base.at = 1;
	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	weft_context_waker(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(invite, WEFT_ASYNC_RESULT_INT);

TEST(set_child_may_put_in_another)
{
	struct invite__frame frame;

	crowd_begin();
	invite__init(&frame.args, 1);
	weft_set_add(&crowd.set, &crowd.nodes[0], &invite__async, &frame);
	CHECK_EQ(crowd_next(), NONE);
	CHECK(!crowd.stepper.cx.self_woken);
	CHECK_EQ(crowd.doors[1].polls, 1); /* in the same poll */
	door_open(&crowd.doors[1]);
	CHECK_EQ(crowd_next(), 1);
	close_all(1);
	crowd_end();
}

TEST(set_that_waits_is_woken_by_who_puts_a_child_in)
{
	crowd_begin();
	crowd_add(0);
	CHECK_EQ(crowd_next(), NONE);
	crowd_add(1);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1);
	weft_set_cancel(&crowd.set);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1);
	CHECK_EQ(crowd_next(), 1);
	CHECK_EQ(crowd_next(), 0);
	crowd_end();
}

TEST(set_child_with_an_owned_waker_is_polled_with_the_task)
{
	crowd_begin();
	crowd_add_all(5);
	crowd.doors[1].clones = crowd.doors[3].clones = true;
	CHECK_EQ(crowd_next(), NONE);
	door_wake(&crowd.doors[0]);
	CHECK_EQ(crowd_next(), NONE);
	CHECK_EQ(crowd.doors[0].polls, 2);
	CHECK_EQ(crowd.doors[1].polls, 2);
	CHECK_EQ(crowd.doors[2].polls, 1);
	CHECK_EQ(crowd.doors[3].polls, 2);
	door_open(&crowd.doors[3]);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 2);
	CHECK_EQ(crowd_next(), 3);
	for (int i = 0; i < 5; i++)
		if (i != 3) {
			door_open(&crowd.doors[i]);
			CHECK_EQ(crowd_next(), i);
		}
	crowd_end();
}

/* Owned wakers may be used when the child and its set have gone, also by clones of clones. */
TEST(set_owned_wakers_outlive_the_child)
{
	struct weft_waker kept, kept_too;

	crowd_begin();
	crowd_add(0);
	crowd.doors[0].clones = true;
	CHECK_EQ(crowd_next(), NONE);
	kept = weft_waker_clone(&crowd.doors[0].waker);
	kept_too = weft_waker_clone(&kept);
	door_open(&crowd.doors[0]);
	CHECK_EQ(crowd_next(), 0);
	memset(&crowd.set, 0xa5, sizeof crowd.set);
	memset(&crowd.nodes, 0xa5, sizeof crowd.nodes);
	weft_waker_wake(kept);
	weft_waker_wake_by_ref(&kept_too);
	weft_waker_drop(kept_too);
	memset(&crowd.set, 0, sizeof crowd.set);
	crowd_end();
}

/* A leaf may clone what it has borrowed before, too. */
TEST(set_waker_cloned_between_polls_wakes_the_child)
{
	struct weft_waker owned;

	crowd_begin();
	crowd_add_all(2);
	CHECK_EQ(crowd_next(), NONE);
	owned = weft_waker_clone(&crowd.doors[0].waker);
	weft_waker_wake(owned);
	CHECK_EQ(probe_wakes(&crowd.stepper.probe), 1);
	CHECK_EQ(crowd_next(), NONE);
	CHECK_EQ(crowd.doors[0].polls, 2);
	CHECK_EQ(crowd.doors[1].polls, 1);
	door_open(&crowd.doors[1]);
	CHECK_EQ(crowd_next(), 1); /* now nobody waits */
	owned = weft_waker_clone(&crowd.doors[0].waker);
	owned = weft_waker_clone(&owned);
	CHECK(weft_waker_claim(&owned).ops == NULL);
	weft_waker_wake_by_ref(&owned);
	weft_waker_wake(owned);
	CHECK_EQ(crowd_next(), NONE);
	CHECK_EQ(crowd.doors[0].polls, 3);
	door_open(&crowd.doors[0]);
	CHECK_EQ(crowd_next(), 0);
	crowd_end();
}

WEFT_ASYNC_0(int, forget);
struct forget__frame {
	struct forget__args args;
};

enum weft_poll forget__poll(void *frame, struct weft_context *cx)
{
	(void)frame;
	(void)cx;
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(forget, WEFT_ASYNC_RESULT_INT);

TEST(set_child_that_nobody_can_wake_is_found_out)
{
	struct weft_set_child node;
	struct forget__frame frame;

	crowd_begin();
	forget__init(&frame.args);
	weft_set_add(&crowd.set, &node, &forget__async, &frame);
	CHECK_ABORTS_SAYING("without a registered waker", crowd_next());
}

TEST(set_waker_that_is_borrowed_is_not_ended)
{
	crowd_begin();
	crowd_add(0);
	CHECK_EQ(crowd_next(), NONE);
	CHECK_ABORTS_SAYING("borrowed waker", weft_waker_wake(crowd.doors[0].waker));
	CHECK_ABORTS_SAYING("borrowed waker", weft_waker_drop(crowd.doors[0].waker));
	door_open(&crowd.doors[0]);
	CHECK_EQ(crowd_next(), 0);
	crowd_end();
}

/* ---- sets in sets ---- */

/* async int drain(set): the sum of the results. */
WEFT_ASYNC_1(int, drain, struct weft_set *);
struct drain__frame {
	struct drain__args args;
	struct weft_set_next__frame next;
	int sum, result;
};

enum weft_poll drain__poll(void *frame, struct weft_context *cx)
{
	struct drain__frame *f = frame;

	weft_begin(f);
	f->sum = 0;
	for (;;) {
		weft_await(f, f->next, weft_set_next, f->args.p0, &f->result);
		if (f->next.args.result < 0)
			break;
		f->sum += f->result;
	}
	weft_return(f, f->next.args.result == -ECHILD ? f->sum : f->next.args.result);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(drain, WEFT_ASYNC_RESULT_INT);

/* As crowd_next, of others. */
static int nodes_next(const struct weft_set_child *nodes)
{
	const struct weft_set_child *child;

	return crowd_step(&child) == WEFT_PENDING ? NONE : (int)(child - nodes);
}

TEST(set_of_sets_polls_only_who_was_woken)
{
	struct weft_set inner[3];
	struct weft_set_child nodes[3];
	struct drain__frame frames[3];

	crowd_begin();
	for (int i = 0; i < 3; i++) {
		inner[i] = (struct weft_set)WEFT_SET_INIT;
		for (int j = 3 * i; j < 3 * i + 3; j++) {
			pass__init(&crowd.frames[j].args, &crowd.doors[j], j);
			weft_set_add(&inner[i], &crowd.nodes[j], &pass__async, &crowd.frames[j]);
		}
		drain__init(&frames[i].args, &inner[i]);
		weft_set_add(&crowd.set, &nodes[i], &drain__async, &frames[i]);
	}
	crowd.doors[7].clones = true;
	CHECK_EQ(crowd_next(), NONE);
	for (int j = 0; j < 8; j++) {
		unsigned polls = crowd_polls(9);

		door_open(&crowd.doors[j]);
		CHECK_EQ(probe_wakes(&crowd.stepper.probe), j + 1);
		CHECK_EQ(nodes_next(nodes), j % 3 == 2 ? j / 3 : NONE);
		CHECK(j % 3 != 2 || nodes_next(nodes) == NONE);
		CHECK_EQ(crowd_polls(9), polls + 1 + (j < 7)); /* and who has cloned */
	}
	door_open(&crowd.doors[8]);
	CHECK_EQ(nodes_next(nodes), 2);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(frames[i].args.result, 9 * i + 3);
	crowd_end();
}

/* ---- every order in which four children can end ---- */

enum { FEW = 4, STEPS = 4 };

/* Who is to be given back n-th, if child i ends in step steps[i], of those in a step the first first. */
static int oracle(const int *steps, int n, bool ordered)
{
	int index[FEW], count = 0;

	for (int step = 0; step < STEPS; step++)
		for (int i = 0; i < FEW; i++)
			if (steps[i] == step)
				index[count++] = i;
	return ordered ? n : index[n];
}

static void check_steps(const int *steps, bool ordered, int closes)
{
	int given = 0;

	crowd_begin();
	crowd.set.ordered = ordered;
	crowd_add_all(FEW);
	for (int step = 0; step < STEPS && step < closes; step++) {
		int index;

		for (int i = 0; i < FEW; i++)
			if (steps[i] == step)
				door_open(&crowd.doors[i]);
		while ((index = crowd_settle()) >= 0) {
			CHECK_EQ(index, oracle(steps, given, ordered));
			given++;
		}
	}
	close_all(1);
	for (int i = 0; i < FEW; i++)
		CHECK_EQ(crowd.frames[i].args.result, steps[i] < closes ? i : -ECANCELED);
	crowd_end();
}

TEST(b84_b85_every_order_of_endings)
{
	for (int number = 0; number < STEPS * STEPS * STEPS * STEPS; number++) {
		int steps[FEW], rest = number;

		for (int i = 0; i < FEW; i++, rest /= STEPS)
			steps[i] = rest % STEPS;
		for (int closes = 0; closes <= STEPS; closes++) {
			check_steps(steps, false, closes);
			check_steps(steps, true, closes);
		}
	}
}

/* ---- cancelled at each suspension, with each allocation failing ---- */

struct naps_world {
	struct weft_wheel wheel;
	int count;
};

/* async int naps(world): sleeps of 300, 100 and 200 ns, and one that is put in when the first has ended. */
WEFT_ASYNC_1(int, naps, struct naps_world *);
struct naps__frame {
	struct naps__args args;
	struct weft_set set;
	struct weft_set_next__frame next;
	struct weft_set_close__frame close;
	int err;
};

static int nap_put(struct naps__frame *f, int64_t ns)
{
	struct weft_sleep__args args;

	weft_sleep__init(&args, ns);
	return weft_set_put(&f->set, &weft_sleep__async, &args, NULL);
}

enum weft_poll naps__poll(void *frame, struct weft_context *cx)
{
	struct naps__frame *f = frame;

	weft_begin(f);
	f->set = (struct weft_set)WEFT_SET_INIT;
	f->err = nap_put(f, 300);
	for (int i = 1; i < 3 && f->err == 0; i++)
		f->err = nap_put(f, 100 * i);
	while (f->err == 0) {
		weft_await(f, f->next, weft_set_next, &f->set, &f->err);
		if (f->next.args.result < 0)
			break;
		if (f->args.p0->count++ == 0)
			f->err = nap_put(f, 50);
	}
	weft_await(f, f->close, weft_set_close, &f->set);
	weft_return(f, f->err || f->next.args.result == -ECHILD ? f->err : f->next.args.result);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(naps, WEFT_ASYNC_RESULT_INT);

static void naps_set_up(struct sweep *sweep)
{
	struct naps_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	weft__env_current = &sweep->env.env;
	naps__init(sweep->frame, world);
}

static bool naps_advance(struct sweep *sweep)
{
	sweep->env.now_ns += 20;
	weft__wheel_expire(sweep->env.env.wheel, sweep->env.now_ns);
	return sweep->env.now_ns < 5000;
}

static const char *naps_check(struct sweep *sweep)
{
	const struct naps_world *world = sweep->world;

	if (sweep_is_plain(sweep)) {
		SWEEP_EXPECT(sweep_result(sweep) == 0);
		SWEEP_EXPECT(world->count == 4);
	} else {
		SWEEP_EXPECT(sweep_result(sweep) == 0 || sweep->cancelled ||
				sweep_result(sweep) == -ENOMEM);
	}
	return NULL;
}

static const struct sweep_scenario naps_scenario = { .name = "naps",
	.async = &naps__async,
	.world_bytes = sizeof(struct naps_world),
	.set_up = naps_set_up,
	.advance = naps_advance,
	.check = naps_check };

TEST(set_survives_being_cancelled_anywhere)
{
	struct sweep_result result = sweep(&naps_scenario);

	CHECK(result.suspensions >= 4);
	CHECK_EQ(result.allocations, 4);
	weft__env_current = NULL;
}
