/* SPDX-License-Identifier: MIT */
/* Once, polled by hand (behaviour 66): all short sequences of calls against an oracle that is a queue; failure
 * and cancellation hand the turn on; many waiters; misuse. */
#include <errno.h>

#include <weft/once.h>

#include "sweep.h"
#include "test.h"

static struct weft_once fresh = WEFT_ONCE_INIT;

struct asker {
	struct probe probe;
	struct weft_once_begin__frame frame;
};

static void asker_init(struct asker *asker, struct weft_once *once)
{
	asker->probe = (struct probe)PROBE;
	weft_once_begin__init(&asker->frame.args, once);
}

static enum weft_poll asker_poll(struct asker *asker, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&asker->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return weft_once_begin__poll(&asker->frame, &cx);
}

static bool asker_waits(struct asker *asker, struct weft_once *once)
{
	asker_init(asker, once);
	return asker_poll(asker, false) == WEFT_PENDING;
}

static bool asker_gets(struct asker *asker, int result)
{
	return asker_poll(asker, result == -ECANCELED) == WEFT_READY &&
			asker->frame.args.result == result;
}

TEST(b66_once_is_done_by_one_for_all)
{
	struct asker first, second;

	CHECK(!weft_once_is_done(&fresh));
	asker_init(&first, &fresh);
	CHECK(asker_gets(&first, 1));
	CHECK(asker_waits(&second, &fresh));
	CHECK_EQ(weft_once_try_begin(&fresh), -EAGAIN); /* to set it: somebody is about to */
	CHECK(!weft_once_is_done(&fresh));
	CHECK_EQ(weft_once_end(&fresh, 7), 0);
	CHECK(weft_once_is_done(&fresh));
	CHECK(asker_gets(&second, 0));
	CHECK_EQ(weft_once_try_begin(&fresh), 0); /* to set it: it has been */
	asker_init(&first, &fresh);
	CHECK(asker_gets(&first, 0));
}

TEST(b66_once_may_be_set_by_who_does_not_wait)
{
	struct weft_once once = WEFT_ONCE_INIT;

	CHECK_EQ(weft_once_try_begin(&once), 1);
	CHECK_EQ(weft_once_end(&once, 0), 0);
	CHECK(weft_once_is_done(&once));
}

TEST(b66_once_that_fails_is_tried_by_who_has_waited_longest)
{
	struct weft_once once = WEFT_ONCE_INIT;
	struct asker first, second, third;

	CHECK_EQ(weft_once_try_begin(&once), 1);
	CHECK(asker_waits(&first, &once) && asker_waits(&second, &once));
	CHECK(asker_waits(&third, &once));
	CHECK_EQ(weft_once_end(&once, -EIO), -EIO);
	CHECK_EQ(probe_wakes(&second.probe) + probe_wakes(&third.probe), 0);
	CHECK_EQ(weft_once_try_begin(&once),
			-EAGAIN);              /* it is the first one's turn, who has yet to run */
	CHECK(asker_gets(&first, -ECANCELED)); /* and never does */
	CHECK_EQ(probe_wakes(&second.probe), 1);
	CHECK(asker_gets(&second, 1));
	CHECK_EQ(weft_once_end(&once, 0), 0);
	CHECK(asker_gets(&third, 0));
}

TEST(b66_once_that_nobody_waits_for_may_fail_and_be_begun_again)
{
	struct weft_once once = WEFT_ONCE_INIT;

	for (int i = 0; i < 3; i++) {
		CHECK_EQ(weft_once_try_begin(&once), 1);
		CHECK_EQ(weft_once_end(&once, -ENOMEM), -ENOMEM);
		CHECK(!weft_once_is_done(&once));
	}
}

/* More than one batch of wakes. */
TEST(once_tells_many)
{
	enum { MANY = 40 };
	struct weft_once once = WEFT_ONCE_INIT;
	static struct asker askers[MANY];

	CHECK_EQ(weft_once_try_begin(&once), 1);
	for (int i = 0; i < MANY; i++)
		CHECK(asker_waits(&askers[i], &once));
	CHECK_EQ(weft_once_end(&once, 0), 0);
	for (int i = 0; i < MANY; i++)
		CHECK(probe_wakes(&askers[i].probe) == 1 && asker_gets(&askers[i], 0));
}

TEST(once_that_is_misused_aborts)
{
	struct weft_once once, zeroed = { { NULL, NULL, 0, 0 } };
	struct asker asker;

	weft_once_init(&once);
	CHECK_ABORTS_SAYING("once_is_begun", weft_once_end(&once, 0));
	CHECK_EQ(weft_once_try_begin(&once), 1);
	CHECK_EQ(weft_once_end(&once, 0), 0);
	CHECK_ABORTS_SAYING("once_is_begun", weft_once_end(&once, 0));
	CHECK_ABORTS_SAYING("once_is_initialised", asker_waits(&asker, &zeroed));
	CHECK_ABORTS_SAYING("once_is_initialised", (void)!weft_once_try_begin(&zeroed));
	CHECK_ABORTS_SAYING("once_is_initialised", (void)weft_once_is_done(&zeroed));
}

/* ---- every order ---- */

enum { ASKERS = 3, STEPS = 6 };

/* Begins, and stands in the queue; has the turn, and does not know; is told that it is done, and does not
 * know; has had its answer. */
enum fate { FRESH, WAITS, TURN, TOLD, ENDED };

struct oracle {
	bool taken, done;
	bool ours; /* whoever has the turn knows it */
	int queue[ASKERS], queue_len;
	enum fate fate[ASKERS];
	int result[ASKERS];
	unsigned wakes[ASKERS];
};

static void oracle_leave(struct oracle *oracle, int place)
{
	oracle->queue_len--;
	for (int i = place; i < oracle->queue_len; i++)
		oracle->queue[i] = oracle->queue[i + 1];
}

static void oracle_settle(struct oracle *oracle)
{
	while (oracle->queue_len && (oracle->done || !oracle->taken)) {
		oracle->taken |= !oracle->done;
		oracle->fate[oracle->queue[0]] = oracle->done ? TOLD : TURN;
		oracle->wakes[oracle->queue[0]]++;
		oracle_leave(oracle, 0);
	}
}

static int oracle_try(struct oracle *oracle)
{
	if (oracle->done)
		return 0;
	if (oracle->taken)
		return -EAGAIN;
	oracle->taken = oracle->ours = true;
	return 1;
}

static void oracle_answer(struct oracle *oracle, int who, int result)
{
	oracle->fate[who] = ENDED;
	oracle->result[who] = result;
	oracle->ours |= result == 1;
}

static void oracle_poll(struct oracle *oracle, int who)
{
	int outcome;

	switch (oracle->fate[who]) {
	case FRESH:
		outcome = oracle_try(oracle);
		if (outcome == -EAGAIN) {
			oracle->fate[who] = WAITS;
			oracle->queue[oracle->queue_len++] = who;
		} else {
			oracle_answer(oracle, who, outcome);
		}
		break;
	case TURN:
	case TOLD:
		oracle_answer(oracle, who, oracle->fate[who] == TURN);
		break;
	default:
		break;
	}
}

static void oracle_cancel(struct oracle *oracle, int who)
{
	if (oracle->fate[who] == TURN)
		oracle->taken = false;
	for (int i = 0; i < oracle->queue_len; i++)
		if (oracle->queue[i] == who)
			oracle_leave(oracle, i);
	oracle_answer(oracle, who, -ECANCELED);
	oracle_settle(oracle);
}

static void oracle_end(struct oracle *oracle, bool done)
{
	oracle->taken = oracle->ours = false;
	oracle->done = done;
	oracle_settle(oracle);
}

struct world {
	struct weft_once once;
	struct asker askers[ASKERS];
	struct oracle oracle;
};

/* 0 to 2: polls; 3 to 5: polls, cancelled; then ends, fails, tries. */
enum { ENDS = 2 * ASKERS, FAILS, TRIES, OPERATIONS };

/* False: it makes no sense. */
static bool step(struct world *world, int operation)
{
	struct oracle *oracle = &world->oracle;
	int who = operation % ASKERS;

	if (operation == TRIES) {
		int expected = oracle_try(oracle);

		CHECK_EQ(weft_once_try_begin(&world->once), expected);
		return true;
	}
	if (operation >= ENDS) {
		if (!oracle->ours)
			return false;
		CHECK_EQ(weft_once_end(&world->once, operation == FAILS ? -EIO : 0),
				operation == FAILS ? -EIO : 0);
		oracle_end(oracle, operation == ENDS);
		return true;
	}
	if (oracle->fate[who] == ENDED)
		return false;
	asker_poll(&world->askers[who], operation >= ASKERS);
	if (operation >= ASKERS)
		oracle_cancel(oracle, who);
	else
		oracle_poll(oracle, who);
	return true;
}

static void compare(const struct world *world)
{
	const struct oracle *oracle = &world->oracle;

	CHECK_EQ(weft_once_is_done(&world->once), oracle->done);
	for (int i = 0; i < ASKERS; i++) {
		const struct asker *asker = &world->askers[i];

		CHECK_EQ(probe_wakes(&asker->probe), oracle->wakes[i]);
		CHECK(probe_balanced(&asker->probe) && asker->probe.clones == 0);
		CHECK_EQ(asker->frame.args.base.at == WEFT_AT_DONE, oracle->fate[i] == ENDED);
		if (oracle->fate[i] == ENDED)
			CHECK_EQ(asker->frame.args.result, oracle->result[i]);
	}
}

static void run_order(int order)
{
	struct world world = { .oracle.taken = false };

	weft_once_init(&world.once);
	for (int i = 0; i < ASKERS; i++)
		asker_init(&world.askers[i], &world.once);
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b66_once_agrees_with_a_queue_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order);
}

/* ---- swept: one fails while the leaf and another wait ---- */

struct swept_world {
	struct weft_once once;
	struct asker after;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_once_init(&world->once);
	CHECK_EQ(weft_once_try_begin(&world->once), 1);
	weft_once_begin__init(sweep->frame, &world->once);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK(asker_waits(&world->after, &world->once));
	CHECK_EQ(weft_once_end(&world->once, -EIO), -EIO);
	return true;
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 1));
	swept_advance(sweep);
	if (sweep->cancelled)
		SWEEP_EXPECT(asker_gets(&world->after, 1));
	SWEEP_EXPECT(weft_once_end(&world->once, 0) == 0);
	if (!sweep->cancelled)
		SWEEP_EXPECT(asker_gets(&world->after, 0));
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	return NULL;
}

TEST(b66_once_begin_that_is_cancelled_anywhere_leaves_no_trace)
{
	static const struct sweep_scenario swept = {
		.name = "begin",
		.async = &weft_once_begin__async,
		.world_bytes = sizeof(struct swept_world),
		.set_up = swept_set_up,
		.advance = swept_advance,
		.check = swept_check,
	};
	struct sweep_result result = sweep(&swept);

	CHECK_EQ(result.suspensions, 1);
	CHECK_EQ(result.allocations, 0);
}
