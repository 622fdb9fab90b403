/* SPDX-License-Identifier: MIT */
/* The barrier, polled by hand (behaviour 65): all short sequences of tasks that come and are cancelled
 * against an oracle; many tasks; cancellation at every point. */
#include <errno.h>

#include <weft/barrier.h>

#include "sweep.h"
#include "test.h"

static struct weft_barrier of_three = WEFT_BARRIER_INIT(3);

struct comer {
	struct probe probe;
	struct weft_barrier_wait__frame frame;
};

static void comer_init(struct comer *comer, struct weft_barrier *barrier)
{
	comer->probe = (struct probe)PROBE;
	weft_barrier_wait__init(&comer->frame.args, barrier);
}

static enum weft_poll comer_poll(struct comer *comer, bool cancelled)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = probe_context(&comer->probe, NULL, &strand);

	cx.cancelled = cancelled;
	return weft_barrier_wait__poll(&comer->frame, &cx);
}

static bool comer_ends_with(struct comer *comer, int result)
{
	return comer_poll(comer, false) == WEFT_READY && comer->frame.args.result == result;
}

TEST(b65_barrier_has_one_leader_in_each_generation)
{
	struct comer comers[3];

	for (int generation = 0; generation < 10; generation++) {
		for (int i = 0; i < 3; i++)
			comer_init(&comers[i], &of_three);
		CHECK_EQ(comer_poll(&comers[0], false), WEFT_PENDING);
		CHECK_EQ(comer_poll(&comers[1], false), WEFT_PENDING);
		CHECK_EQ(comer_poll(&comers[0], false), WEFT_PENDING);
		CHECK(comer_ends_with(&comers[2], 1));
		CHECK_EQ(probe_wakes(&comers[0].probe), 1);
		CHECK(comer_ends_with(&comers[0], 0));
		CHECK(comer_ends_with(&comers[1], 0));
	}
}

TEST(b65_barrier_of_nobody_lets_everybody_lead)
{
	struct weft_barrier barrier = WEFT_BARRIER_INIT(0);
	struct comer comer;

	for (int i = 0; i < 3; i++) {
		comer_init(&comer, &barrier);
		CHECK(comer_ends_with(&comer, 1));
	}
	weft_barrier_init(&barrier, 1);
	comer_init(&comer, &barrier);
	CHECK(comer_ends_with(&comer, 1));
}

/* ---- every order ---- */

enum { COMERS = 4, STEPS = 6 };

enum fate { FRESH, WAITS, PASSED, ENDED };

struct world {
	struct weft_barrier barrier;
	struct comer comers[COMERS];
	enum fate fate[COMERS];
	int result[COMERS];
	unsigned wakes[COMERS];
};

static void oracle_end(struct world *world, int who, int result)
{
	world->fate[who] = ENDED;
	world->result[who] = result;
}

static void oracle_come(struct world *world, int who, unsigned size)
{
	unsigned there = 1;

	for (int i = 0; i < COMERS; i++)
		there += world->fate[i] == WAITS;
	if (there < size) {
		world->fate[who] = WAITS;
		return;
	}
	oracle_end(world, who, 1);
	for (int i = 0; i < COMERS; i++)
		if (world->fate[i] == WAITS) {
			world->fate[i] = PASSED;
			world->wakes[i]++;
		}
}

static void oracle_poll(struct world *world, int who, bool cancelled, unsigned size)
{
	if (world->fate[who] == PASSED)
		oracle_end(world, who, 0);
	else if (cancelled)
		oracle_end(world, who, -ECANCELED);
	else if (world->fate[who] == FRESH)
		oracle_come(world, who, size);
}

static void compare(const struct world *world)
{
	for (int i = 0; i < COMERS; i++) {
		const struct comer *comer = &world->comers[i];

		CHECK_EQ(probe_wakes(&comer->probe), world->wakes[i]);
		CHECK_EQ(comer->frame.args.base.at == WEFT_AT_DONE, world->fate[i] == ENDED);
		if (world->fate[i] == ENDED)
			CHECK_EQ(comer->frame.args.result, world->result[i]);
	}
}

static void run_order(int order, unsigned size)
{
	struct world world = { .fate = { FRESH } };

	weft_barrier_init(&world.barrier, size);
	for (int i = 0; i < COMERS; i++)
		comer_init(&world.comers[i], &world.barrier);
	for (int i = 0; i < STEPS; i++, order /= 2 * COMERS) {
		int who = order % COMERS;
		bool cancelled = order / COMERS % 2;

		if (world.fate[who] == ENDED)
			return;
		comer_poll(&world.comers[who], cancelled);
		oracle_poll(&world, who, cancelled, size);
		compare(&world);
	}
}

TEST(b65_barrier_agrees_with_counting_in_every_order)
{
	const int orders = test_orders(2 * COMERS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		for (unsigned size = 1; size <= 3; size++)
			run_order(order, size);
}

/* ---- many ---- */

/* While the leader wakes, between two steps, another generation comes, and is complete; and one that is
 * still in the list is cancelled. */
enum { MANY = 50 };

static struct weft_barrier of_many;
static struct comer many[2 * MANY];
static bool is_busy;

static void come_again(struct probe *probe)
{
	(void)probe;
	if (is_busy)
		return;
	is_busy = true;
	CHECK_EQ(comer_poll(&many[MANY - 2], true), WEFT_READY); /* too late */
	CHECK_EQ(many[MANY - 2].frame.args.result, 0);
	for (int i = MANY; i < 2 * MANY - 1; i++)
		CHECK_EQ(comer_poll(&many[i], false), WEFT_PENDING);
	CHECK(comer_ends_with(&many[2 * MANY - 1], 1));
}

TEST(b65_barrier_is_passed_while_it_opens)
{
	weft_barrier_init(&of_many, MANY);
	for (int i = 0; i < 2 * MANY; i++)
		comer_init(&many[i], &of_many);
	many[0].probe.on_wake = come_again;
	for (int i = 0; i < MANY - 1; i++)
		CHECK_EQ(comer_poll(&many[i], false), WEFT_PENDING);
	CHECK(comer_ends_with(&many[MANY - 1], 1));
	CHECK(is_busy);
	for (int i = 0; i < 2 * MANY - 1; i++) {
		CHECK_EQ(probe_wakes(&many[i].probe), i == MANY - 2 || i == MANY - 1 ? 0 : 1);
		CHECK(i == MANY - 2 || i == MANY - 1 || comer_ends_with(&many[i], 0));
	}
	CHECK(of_many.waiters.oldest == NULL);
}

/* ---- swept ---- */

struct swept_world {
	struct weft_barrier barrier;
	struct comer others[3];
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_barrier_init(&world->barrier, 3);
	for (int i = 0; i < 3; i++)
		comer_init(&world->others[i], &world->barrier);
	CHECK_EQ(comer_poll(&world->others[0], false), WEFT_PENDING);
	weft_barrier_wait__init(sweep->frame, &world->barrier);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	comer_poll(&world->others[1], false);
	return true;
}

/* A third one is needed exactly if the leaf has left. */
static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	swept_advance(sweep);
	if (sweep->cancelled) {
		SWEEP_EXPECT(comer_poll(&world->others[0], false) == WEFT_PENDING);
		SWEEP_EXPECT(comer_ends_with(&world->others[2], 1));
		SWEEP_EXPECT(comer_ends_with(&world->others[1], 0));
	} else {
		SWEEP_EXPECT(world->others[1].frame.args.result == 1);
	}
	SWEEP_EXPECT(comer_ends_with(&world->others[0], 0));
	return NULL;
}

static const struct sweep_scenario swept = {
	.name = "wait",
	.async = &weft_barrier_wait__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = swept_set_up,
	.advance = swept_advance,
	.check = swept_check,
};

TEST(b65_barrier_is_as_before_when_a_task_is_cancelled)
{
	struct sweep_result result = sweep(&swept);

	CHECK_EQ(result.suspensions, 1);
	CHECK_EQ(result.allocations, 0);
}
