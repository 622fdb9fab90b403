/* SPDX-License-Identifier: MIT */
/* The semaphore, polled by hand (behaviour 61): all short sequences of calls against an oracle that is a
 * queue of numbers; many waiters; cancellation at every point; the budget. */
#include <errno.h>

#include <weft/branch.h>
#include <weft/semaphore.h>

#include "sweep.h"
#include "test.h"

static struct weft_semaphore fresh = WEFT_SEMAPHORE_INIT(3);

/* A task that waits for permits. */
struct asker {
	struct probe probe;
	struct weft_semaphore_acquire__frame frame;
};

static void asker_init(struct asker *asker, struct weft_semaphore *semaphore, uint32_t count)
{
	asker->probe = (struct probe)PROBE;
	weft_semaphore_acquire__init(&asker->frame.args, semaphore, count);
}

static enum weft_poll asker_poll(struct asker *asker, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&asker->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return weft_semaphore_acquire__poll(&asker->frame, &cx);
}

static bool asker_ends_with(struct asker *asker, int result)
{
	return asker_poll(asker, false) == WEFT_READY && asker->frame.args.result == result;
}

TEST(semaphore_needs_no_wait_while_permits_last)
{
	struct asker asker;

	CHECK_EQ(weft_semaphore_available(&fresh), 3);
	asker_init(&asker, &fresh, 2);
	CHECK(asker_ends_with(&asker, 0));
	CHECK_EQ(weft_semaphore_try_acquire(&fresh, 2), -EAGAIN);
	CHECK_EQ(weft_semaphore_try_acquire(&fresh, 1), 0);
	CHECK_EQ(weft_semaphore_try_acquire(&fresh, 0), 0);
	asker_init(&asker, &fresh, 0);
	CHECK(asker_ends_with(&asker, 0));
	CHECK_EQ(weft_semaphore_available(&fresh), 0);
	weft_semaphore_release(&fresh, 3);
	CHECK_EQ(weft_semaphore_available(&fresh), 3);
}

/* ---- every order ---- */

enum { ASKERS = 3, STEPS = 6 };

static const uint32_t wanted[ASKERS] = { 1, 2, 1 };

enum fate { FRESH, WAITS, GRANTED, SHUT, ENDED };

struct oracle {
	uint32_t available;
	bool closed;
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
	while (oracle->queue_len) {
		int first = oracle->queue[0];

		if (!oracle->closed && oracle->available < wanted[first])
			return;
		oracle->available -= oracle->closed ? 0 : wanted[first];
		oracle->fate[first] = oracle->closed ? SHUT : GRANTED;
		oracle->wakes[first]++;
		oracle_leave(oracle, 0);
	}
}

static int oracle_try(struct oracle *oracle, uint32_t count)
{
	if (oracle->closed)
		return -ESHUTDOWN;
	if (oracle->queue_len || oracle->available < count)
		return -EAGAIN;
	oracle->available -= count;
	return 0;
}

static void oracle_end(struct oracle *oracle, int who, int result)
{
	oracle->fate[who] = ENDED;
	oracle->result[who] = result;
}

static void oracle_poll(struct oracle *oracle, int who)
{
	int err;

	switch (oracle->fate[who]) {
	case FRESH:
		err = oracle_try(oracle, wanted[who]);
		if (err == -EAGAIN) {
			oracle->fate[who] = WAITS;
			oracle->queue[oracle->queue_len++] = who;
		} else {
			oracle_end(oracle, who, err);
		}
		return;
	case GRANTED:
		oracle_end(oracle, who, 0);
		return;
	case SHUT:
		oracle_end(oracle, who, -ESHUTDOWN);
		return;
	default:
		return;
	}
}

static void oracle_cancel(struct oracle *oracle, int who)
{
	enum fate fate = oracle->fate[who];

	oracle_end(oracle, who, -ECANCELED);
	if (fate == GRANTED)
		oracle->available += wanted[who];
	for (int i = 0; i < oracle->queue_len; i++)
		if (oracle->queue[i] == who)
			oracle_leave(oracle, i);
	oracle_settle(oracle);
}

struct world {
	struct weft_semaphore semaphore;
	struct asker askers[ASKERS];
	struct oracle oracle;
};

/* 0 to 2: polls; 3 to 5: polls, cancelled; then release one, release two, close, try. False: it makes no
 * sense, because that one has ended. */
enum { OPERATIONS = 2 * ASKERS + 4 };

static bool step(struct world *world, int operation)
{
	struct oracle *oracle = &world->oracle;
	int who = operation % ASKERS;

	if (operation < 2 * ASKERS) {
		if (oracle->fate[who] == ENDED)
			return false;
		asker_poll(&world->askers[who], operation >= ASKERS);
		if (operation >= ASKERS)
			oracle_cancel(oracle, who);
		else
			oracle_poll(oracle, who);
	} else if (operation == 2 * ASKERS + 3) {
		CHECK_EQ(weft_semaphore_try_acquire(&world->semaphore, 1), oracle_try(oracle, 1));
	} else if (operation == 2 * ASKERS + 2) {
		weft_semaphore_close(&world->semaphore);
		oracle->closed = true;
	} else {
		weft_semaphore_release(&world->semaphore, (uint32_t)(operation - 2 * ASKERS + 1));
		oracle->available += (uint32_t)(operation - 2 * ASKERS + 1);
	}
	oracle_settle(oracle);
	return true;
}

static void compare(const struct world *world)
{
	const struct oracle *oracle = &world->oracle;

	CHECK_EQ(weft_semaphore_available(&world->semaphore), oracle->available);
	for (int i = 0; i < ASKERS; i++) {
		const struct asker *asker = &world->askers[i];

		CHECK_EQ(probe_wakes(&asker->probe), oracle->wakes[i]);
		CHECK(probe_balanced(&asker->probe) && asker->probe.clones == 0);
		CHECK_EQ(asker->frame.args.base.at == WEFT_AT_DONE, oracle->fate[i] == ENDED);
		if (oracle->fate[i] == ENDED)
			CHECK_EQ(asker->frame.args.result, oracle->result[i]);
	}
}

static void run_order(int order, uint32_t permits)
{
	struct world world = { .oracle.available = permits };

	weft_semaphore_init(&world.semaphore, permits);
	for (int i = 0; i < ASKERS; i++)
		asker_init(&world.askers[i], &world.semaphore, wanted[i]);
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b61_semaphore_agrees_with_a_queue_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order, order % 2 ? 1 : 0);
}

/* ---- the queue ---- */

/* More than one batch of wakes; in the order in which they came. */
static unsigned woken;

static void note_turn(struct probe *probe)
{
	*(unsigned *)probe->on_wake_arg = woken++;
}

TEST(b61_semaphore_wakes_many_in_their_order)
{
	enum { MANY = 100 };
	static struct asker askers[MANY];
	unsigned turns[MANY];
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(0);

	woken = 0;
	for (int i = 0; i < MANY; i++) {
		asker_init(&askers[i], &semaphore, 1);
		askers[i].probe.on_wake = note_turn;
		askers[i].probe.on_wake_arg = &turns[i];
		CHECK_EQ(asker_poll(&askers[i], false), WEFT_PENDING);
	}
	weft_semaphore_release(&semaphore, MANY / 2);
	CHECK_EQ(woken, MANY / 2);
	weft_semaphore_close(&semaphore);
	CHECK_EQ(woken, MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(turns[i], i);
		CHECK(asker_ends_with(&askers[i], i < MANY / 2 ? 0 : -ESHUTDOWN));
	}
	CHECK_EQ(weft_semaphore_available(&semaphore), 0);
}

/* A commit may run the task at once, and that may use the semaphore again. */
static struct weft_semaphore *used_again;

static void release_another(struct probe *probe)
{
	(void)probe;
	weft_semaphore_release(used_again, 1);
}

TEST(semaphore_may_be_used_by_who_is_being_woken)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(0);
	struct asker first, second;

	used_again = &semaphore;
	asker_init(&first, &semaphore, 1);
	asker_init(&second, &semaphore, 1);
	first.probe.on_wake = release_another;
	CHECK_EQ(asker_poll(&first, false), WEFT_PENDING);
	CHECK_EQ(asker_poll(&second, false), WEFT_PENDING);
	weft_semaphore_release(&semaphore, 1);
	CHECK(asker_ends_with(&first, 0));
	CHECK(asker_ends_with(&second, 0));
}

TEST(semaphore_wakes_by_the_waker_of_the_last_poll)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(0);
	struct weft_strand strand = { NULL };
	struct probe other = PROBE;
	struct weft_context cx = probe_context(&other, NULL, &strand);
	struct asker asker;

	asker_init(&asker, &semaphore, 1);
	CHECK_EQ(asker_poll(&asker, false), WEFT_PENDING);
	CHECK_EQ(weft_semaphore_acquire__poll(&asker.frame, &cx), WEFT_PENDING);
	weft_semaphore_release(&semaphore, 1);
	CHECK_EQ(probe_wakes(&asker.probe), 0);
	CHECK_EQ(probe_wakes(&other), 1);
	CHECK(asker_ends_with(&asker, 0));
}

/* Behaviour 39; a wait gives its charge back (43). */
TEST(b39_semaphore_is_cooperative)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(WEFT_BUDGET + 1);
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	struct weft_semaphore_acquire__frame frame;

	for (int i = 0; i < WEFT_BUDGET; i++) {
		weft_semaphore_acquire__init(&frame.args, &semaphore, 1);
		CHECK_EQ(weft_semaphore_acquire__poll(&frame, &cx), WEFT_READY);
	}
	weft_semaphore_acquire__init(&frame.args, &semaphore, 1);
	CHECK_EQ(weft_semaphore_acquire__poll(&frame, &cx), WEFT_PENDING);
	CHECK(cx.self_woken);
	CHECK_EQ(weft_semaphore_available(&semaphore), 1);
	cx = probe_context(&probe, NULL, &strand);
	CHECK_EQ(weft_semaphore_acquire__poll(&frame, &cx), WEFT_READY);
	weft_semaphore_acquire__init(&frame.args, &semaphore, 1);
	CHECK_EQ(weft_semaphore_acquire__poll(&frame, &cx), WEFT_PENDING);
	CHECK(!cx.self_woken);
	CHECK_EQ(cx.budget, WEFT_BUDGET - 1);
	weft_semaphore_release(&semaphore, 1);
	CHECK_EQ(weft_semaphore_acquire__poll(&frame, &cx), WEFT_READY);
}

TEST(semaphore_refuses_more_permits_than_it_can_count)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(WEFT_SEMAPHORE_MAX);
	struct asker asker;

	CHECK_ABORTS_SAYING("WEFT_SEMAPHORE_MAX", weft_semaphore_release(&semaphore, 1));
	CHECK_ABORTS_SAYING("WEFT_SEMAPHORE_MAX", weft_semaphore_release(&semaphore, UINT32_MAX));
	asker_init(&asker, &semaphore, WEFT_SEMAPHORE_MAX);
	CHECK(asker_ends_with(&asker, 0));
	asker_init(&asker, &semaphore, 1);
	CHECK_EQ(asker_poll(&asker, false), WEFT_PENDING);
	CHECK_ABORTS(weft_semaphore_release(&semaphore, UINT32_MAX));
	CHECK_EQ(asker_poll(&asker, true), WEFT_READY);
	asker_init(&asker, &semaphore, WEFT_SEMAPHORE_MAX + 1);
	CHECK_ABORTS(asker_poll(&asker, false));
}

/* ---- swept: behind another waiter, and before one ---- */

struct sweep_world {
	struct weft_semaphore semaphore;
	struct asker before, after;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct sweep_world *world = sweep->world;

	weft_semaphore_init(&world->semaphore, 0);
	asker_init(&world->before, &world->semaphore, 1);
	asker_init(&world->after, &world->semaphore, 1);
	CHECK_EQ(asker_poll(&world->before, false), WEFT_PENDING);
	weft_semaphore_acquire__init(sweep->frame, &world->semaphore, 2);
}

/* Three permits, one at a time: for who stands before it, and the leaf. */
static bool swept_advance(struct sweep *sweep)
{
	struct sweep_world *world = sweep->world;

	if (world->steps == 0)
		CHECK_EQ(asker_poll(&world->after, false), WEFT_PENDING);
	if (world->steps++ == 3)
		return false;
	weft_semaphore_release(&world->semaphore, 1);
	return true;
}

static const char *swept_check(struct sweep *sweep)
{
	struct sweep_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	while (swept_advance(sweep))
		;
	world->steps = 3;
	SWEEP_EXPECT(asker_ends_with(&world->before, 0));
	if (sweep_result(sweep) == 0)
		weft_semaphore_release(&world->semaphore, 2);
	SWEEP_EXPECT(asker_ends_with(&world->after, 0));
	SWEEP_EXPECT(weft_semaphore_available(&world->semaphore) == 1);
	return NULL;
}

static const struct sweep_scenario swept = {
	.name = "acquire",
	.async = &weft_semaphore_acquire__async,
	.world_bytes = sizeof(struct sweep_world),
	.set_up = swept_set_up,
	.advance = swept_advance,
	.check = swept_check,
};

TEST(b61_acquire_that_is_cancelled_anywhere_leaves_no_trace)
{
	struct sweep_result result = sweep(&swept);

	CHECK_EQ(result.suspensions, 1);
	CHECK_EQ(result.allocations, 0);
}

/* ---- a loser of a select ---- */

/* Both were granted when the task is polled: one wins, and what the other had goes back. */
TEST(b61_semaphore_gets_back_what_the_loser_of_a_select_was_granted)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(0);
	struct weft_semaphore_acquire__frame frames[2];
	struct weft_branch branches[2];
	struct weft_selection selection = { 0 };
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);

	for (int i = 0; i < 2; i++) {
		weft_semaphore_acquire__init(&frames[i].args, &semaphore, 1);
		branches[i] = weft_branch_make(&weft_semaphore_acquire__async, &frames[i]);
	}
	CHECK_EQ(weft_select_poll(branches, 2, &cx, &selection), WEFT_PENDING);
	weft_semaphore_release(&semaphore, 2);
	CHECK_EQ(weft_semaphore_available(&semaphore), 0);
	CHECK_EQ(weft_select_poll(branches, 2, &cx, &selection), WEFT_READY);
	CHECK_EQ(frames[selection.winner].args.result, 0);
	CHECK_EQ(frames[1 - selection.winner].args.result, -ECANCELED);
	CHECK_EQ(weft_semaphore_available(&semaphore), 1);
}
