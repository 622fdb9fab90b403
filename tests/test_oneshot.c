/* SPDX-License-Identifier: MIT */
/* The oneshot, polled by hand (behaviour 58): all short sequences of calls against an oracle; cancellation at
 * every point. */
#include <errno.h>

#include <weft/oneshot.h>

#include "sweep.h"
#include "test.h"

static long place_of_fresh;
static struct weft_oneshot fresh = WEFT_ONESHOT_INIT(&place_of_fresh);

static struct weft_context context(struct probe *probe, bool cancelled)
{
	static struct weft_strand strand;
	struct weft_context cx = probe_context(probe, NULL, &strand);

	cx.cancelled = cancelled;
	return cx;
}

TEST(oneshot_is_sent_once_and_received_once)
{
	long sent = 7, received = 0;

	CHECK_EQ(weft_oneshot_try_recv(&fresh, &received), -EAGAIN);
	CHECK_EQ(weft_oneshot_send(&fresh, &sent), 0);
	CHECK_ABORTS_SAYING("!is_sent", (void)!weft_oneshot_send(&fresh, &sent));
	weft_oneshot_close(&fresh); /* does not take it back */
	CHECK_EQ(weft_oneshot_try_recv(&fresh, &received), 0);
	CHECK_EQ(received, 7);
	CHECK_EQ(weft_oneshot_try_recv(&fresh, &received), -EPIPE);
}

TEST(oneshot_of_nothing_tells_that_it_was_sent)
{
	struct weft_oneshot oneshot;

	weft_oneshot_init(&oneshot, NULL, 0);
	CHECK_EQ(weft_oneshot_send(&oneshot, NULL), 0);
	CHECK_EQ(weft_oneshot_try_recv(&oneshot, NULL), 0);
}

/* ---- every order: two who receive, one after the other, and one who watches ---- */

enum { RECEIVERS = 2, WATCHER = RECEIVERS, LEAVES, STEPS = 6 };

enum { OPERATIONS = 2 * LEAVES + 3 };

enum fate { FRESH, WAITS, WOKEN, ENDED };

struct world {
	struct weft_oneshot oneshot;
	long place, received[RECEIVERS];
	struct probe probes[LEAVES];
	struct weft_oneshot_recv__frame recv[RECEIVERS];
	struct weft_oneshot_closed__frame closed;
	bool sent, taken, is_closed;
	enum fate fate[LEAVES];
	int result[LEAVES];
	unsigned wakes[LEAVES];
};

static int oracle_outcome(struct world *world, int who)
{
	if (who == WATCHER)
		return world->sent ? -EALREADY : world->is_closed ? 0 : -EAGAIN;
	if (!world->sent || world->taken)
		return world->taken || world->is_closed ? -EPIPE : -EAGAIN;
	world->taken = true;
	return 0;
}

static void oracle_poll(struct world *world, int who, bool cancelled)
{
	int outcome = cancelled ? -ECANCELED : oracle_outcome(world, who);

	world->fate[who] = outcome == -EAGAIN ? WAITS : ENDED;
	world->result[who] = outcome;
}

static void oracle_wake(struct world *world)
{
	for (int i = 0; i < LEAVES; i++)
		if (world->fate[i] == WAITS) {
			world->fate[i] = WOKEN;
			world->wakes[i]++;
		}
}

static void poll_leaf(struct world *world, int who, bool cancelled)
{
	struct weft_context cx = context(&world->probes[who], cancelled);

	if (who == WATCHER)
		weft_oneshot_closed__poll(&world->closed, &cx);
	else
		weft_oneshot_recv__poll(&world->recv[who], &cx);
	oracle_poll(world, who, cancelled);
}

static bool step(struct world *world, int operation)
{
	long value = 7;

	if (operation < 2 * LEAVES) {
		if (world->fate[operation % LEAVES] == ENDED)
			return false;
		poll_leaf(world, operation % LEAVES, operation >= LEAVES);
	} else if (operation == 2 * LEAVES) {
		if (world->sent)
			return false;
		CHECK_EQ(weft_oneshot_send(&world->oneshot, &value), world->is_closed ? -EPIPE : 0);
		world->sent = !world->is_closed;
		oracle_wake(world);
	} else if (operation == 2 * LEAVES + 1) {
		weft_oneshot_close(&world->oneshot);
		world->is_closed = true;
		oracle_wake(world);
	} else {
		CHECK_EQ(weft_oneshot_try_recv(&world->oneshot, &value), oracle_outcome(world, 0));
		CHECK_EQ(value, 7);
	}
	return true;
}

static void compare(const struct world *world)
{
	CHECK_EQ(weft_oneshot_is_closed(&world->oneshot), world->is_closed);
	for (int i = 0; i < LEAVES; i++) {
		bool receives = i != WATCHER;
		const struct weft_frame *frame =
				receives ? &world->recv[i].args.base : &world->closed.args.base;
		int result = receives ? world->recv[i].args.result : world->closed.args.result;

		CHECK_EQ(probe_wakes(&world->probes[i]), world->wakes[i]);
		CHECK_EQ(frame->at == WEFT_AT_DONE, world->fate[i] == ENDED);
		if (world->fate[i] != ENDED)
			continue;
		CHECK_EQ(result, world->result[i]);
		if (receives)
			CHECK_EQ(world->received[i], result == 0 ? 7 : 0);
	}
}

static void run_order(int order)
{
	struct world world = { .fate = { FRESH } };

	weft_oneshot_init(&world.oneshot, &world.place, sizeof world.place);
	for (int i = 0; i < RECEIVERS; i++)
		weft_oneshot_recv__init(&world.recv[i].args, &world.oneshot, &world.received[i]);
	weft_oneshot_closed__init(&world.closed.args, &world.oneshot);
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b58_oneshot_agrees_with_three_facts_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order);
}

/* ---- swept ---- */

struct swept_world {
	struct weft_oneshot oneshot;
	long place, received;
	int steps;
};

static void recv_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_oneshot_init(&world->oneshot, &world->place, sizeof world->place);
	weft_oneshot_recv__init(sweep->frame, &world->oneshot, &world->received);
}

static bool recv_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;
	long value = 7;

	if (world->steps++)
		return false;
	CHECK_EQ(weft_oneshot_send(&world->oneshot, &value), 0);
	return true;
}

/* Cancelled, the value is still there. */
static const char *recv_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	recv_advance(sweep);
	if (sweep->cancelled)
		SWEEP_EXPECT(weft_oneshot_try_recv(&world->oneshot, &world->received) == 0);
	SWEEP_EXPECT(world->received == 7);
	return NULL;
}

static const struct sweep_scenario receiving = {
	.name = "recv",
	.async = &weft_oneshot_recv__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = recv_set_up,
	.advance = recv_advance,
	.check = recv_check,
};

TEST(b58_recv_that_is_cancelled_anywhere_leaves_the_value)
{
	CHECK_EQ(sweep(&receiving).suspensions, 1);
}

static void closed_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_oneshot_init(&world->oneshot, &world->place, sizeof world->place);
	weft_oneshot_closed__init(sweep->frame, &world->oneshot);
}

static bool closed_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	weft_oneshot_close(&world->oneshot);
	return true;
}

static const char *closed_check(struct sweep *sweep)
{
	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	return NULL;
}

static const struct sweep_scenario watching = {
	.name = "closed",
	.async = &weft_oneshot_closed__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = closed_set_up,
	.advance = closed_advance,
	.check = closed_check,
};

TEST(b58_watch_that_is_cancelled_anywhere_leaves_no_trace)
{
	CHECK_EQ(sweep(&watching).suspensions, 1);
}
