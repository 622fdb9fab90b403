/* SPDX-License-Identifier: MIT */
/* The timer wheel against a naive list of timers: no thread, no clock. What is fired is logged by
 * the commit, so that order, number and lock (a commit may use the wheel) are all visible. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <weft/time.h>

#include "probe.h"
#include "test.h"
#include "time/wheel.h"

enum { TIMERS = 2000, TICK = 1 << WEFT__WHEEL_TICK_SHIFT };

struct item {
	struct probe probe;
	struct weft_timer timer;
	int64_t deadline_ns;
	uint64_t order; /* of start */
	bool is_in;
};

static struct weft_wheel wheel;
static struct item items[TIMERS];
static struct item *fired[TIMERS * 2];
static unsigned fired_count;
static uint64_t starts;
static void (*when_fired)(struct item *item);

static void item_fired(struct probe *probe)
{
	struct item *item = WEFT_CONTAINER_OF(probe, struct item, probe);

	CHECK(weft__timer_is_out(&item->timer));
	item->is_in = false;
	CHECK(fired_count < TIMERS * 2);
	fired[fired_count++] = item;
	if (when_fired)
		when_fired(item);
}

static void setup(int64_t now_ns)
{
	weft__wheel_init(&wheel, now_ns);
	for (int i = 0; i < TIMERS; i++) {
		items[i].probe = (struct probe)PROBE;
		items[i].probe.on_wake = item_fired;
		items[i].is_in = false;
	}
	when_fired = NULL;
	fired_count = 0;
	starts = 0;
}

static bool start(int i, int64_t deadline_ns)
{
	struct weft_waker waker = probe_waker(&items[i].probe);

	items[i].deadline_ns = deadline_ns;
	items[i].order = starts++;
	items[i].is_in = true;
	return weft__wheel_start(&wheel, &items[i].timer, deadline_ns, &waker);
}

static void stop(int i)
{
	CHECK_EQ(weft__timer_stop(&items[i].timer), items[i].is_in);
	items[i].is_in = false;
}

static int items_compare(const void *left, const void *right)
{
	const struct item *a = *(struct item *const *)left, *b = *(struct item *const *)right;

	if (a->deadline_ns != b->deadline_ns)
		return a->deadline_ns < b->deadline_ns ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* Until nothing is due: one expire does a part. */
static unsigned expire_all(int64_t now_ns)
{
	unsigned count = 0;

	do
		count += weft__wheel_expire(&wheel, now_ns);
	while (wheel.next_ns != WEFT_NEVER && weft__wheel_is_due(&wheel, now_ns));
	return count;
}

/* The oracle: fires what is due, which must be what the naive list says, in its order. */
static unsigned expire(int64_t now_ns)
{
	static struct item *expected[TIMERS];
	unsigned count = 0;

	for (int i = 0; i < TIMERS; i++)
		if (items[i].is_in && items[i].deadline_ns <= now_ns &&
				items[i].deadline_ns != WEFT_NEVER)
			expected[count++] = &items[i];
	qsort(expected, count, sizeof expected[0], items_compare);
	fired_count = 0;
	if (!weft__wheel_is_due(&wheel, now_ns))
		CHECK_EQ(count, 0);
	CHECK_EQ(expire_all(now_ns), count);
	CHECK_EQ(fired_count, count);
	for (unsigned n = 0; n < count; n++)
		CHECK(fired[n] == expected[n]);
	weft__wheel_check(&wheel);
	return count;
}

static int64_t earliest(uint32_t *count)
{
	int64_t least = WEFT_NEVER;

	*count = 0;
	for (int i = 0; i < TIMERS; i++) {
		*count += items[i].is_in;
		if (items[i].is_in && items[i].deadline_ns < least)
			least = items[i].deadline_ns;
	}
	return least;
}

/* next is never late, and exact where few timers are left. */
static int64_t next(void)
{
	int64_t next_ns = weft__wheel_next(&wheel), least;
	uint32_t count;

	least = earliest(&count);
	CHECK_EQ(wheel.count, count);
	CHECK(next_ns <= least);
	if (count <= WEFT__WHEEL_SHORT)
		CHECK_EQ(next_ns, least);
	weft__wheel_check(&wheel);
	return next_ns;
}

static uint64_t random_state;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int64_t random_below(int64_t bound)
{
	return (int64_t)(random_number() % (uint64_t)bound);
}

/* --- what is due, when ------------------------------------------------------------------------ */

/* B67: a timer fires at its nanosecond, and not before, although a tick is longer. */
TEST(wheel_fires_nothing_early_and_everything_in_time)
{
	static const int64_t deadlines[] = { 1000, 1001, TICK - 1, TICK, TICK + 1, 63 * TICK,
		64 * TICK - 1, 64 * TICK, 64 * TICK + 1, 4095ll * TICK, 4096ll * TICK,
		4097ll * TICK + 77, (1ll << 34) - 1, 1ll << 34, (1ll << 40) + 1, 1ll << 58,
		WEFT_NEVER - 1 };

	for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
		setup(999);
		start(0, deadlines[i]);
		CHECK_EQ(next(), deadlines[i]);
		CHECK_EQ(expire(deadlines[i] - 1), 0);
		CHECK_EQ(next(), deadlines[i]);
		CHECK_EQ(expire(deadlines[i]), 1);
		CHECK_EQ(next(), WEFT_NEVER);
		CHECK_EQ(expire(WEFT_NEVER), 0);
	}
}

/* A driver that sleeps until next wakes for nothing at most once per level. */
TEST(wheel_next_costs_few_wakeups_for_a_crowded_slot)
{
	int64_t day = WEFT_SECONDS(86400), now_ns = 5;
	unsigned wakeups = 0, count = 0;

	setup(now_ns);
	for (int i = 0; i < TIMERS; i++)
		start(i, day + i % 7);
	while ((now_ns = next()) != WEFT_NEVER) {
		CHECK(now_ns <= day + 6);
		count += expire(now_ns);
		wakeups++;
	}
	CHECK_EQ(count, TIMERS);
	CHECK(wakeups <= WEFT__WHEEL_LEVELS + 7);
}

TEST(wheel_next_forgets_slots_whose_timers_were_all_stopped)
{
	setup(0);
	for (int i = 0; i < TIMERS; i++)
		start(i, WEFT_MILLISECONDS(1 + i));
	for (int i = 0; i < TIMERS - 1; i++)
		stop(i);
	CHECK_EQ(next(), WEFT_MILLISECONDS(TIMERS));
	CHECK(!weft__wheel_is_due(&wheel, WEFT_MILLISECONDS(TIMERS) - 1));
	stop(TIMERS - 1);
	CHECK_EQ(next(), WEFT_NEVER);
	CHECK_EQ(expire(WEFT_MILLISECONDS(TIMERS)), 0);
}

TEST(wheel_start_says_when_it_is_the_earliest)
{
	setup(0);
	CHECK(start(0, WEFT_SECONDS(2)));
	CHECK(!start(1, WEFT_SECONDS(3)));
	CHECK(!start(2, WEFT_SECONDS(2)));
	CHECK(start(3, WEFT_SECONDS(1)));
	CHECK(!start(4, WEFT_NEVER));
	stop(3);
	CHECK_EQ(next(), WEFT_SECONDS(2));
	CHECK(start(3, WEFT_SECONDS(1)));
	CHECK(start(5, -1));
	CHECK_EQ(expire(0), 1);
}

TEST(wheel_fires_past_deadlines_at_the_next_expire)
{
	setup(WEFT_SECONDS(100));
	start(0, WEFT_SECONDS(99));
	start(1, 0);
	start(2, -5);
	start(3, INT64_MIN);
	start(4, WEFT_SECONDS(99));
	start(5, WEFT_SECONDS(100) + 1);
	CHECK(next() <= WEFT_SECONDS(100));
	CHECK_EQ(expire(WEFT_SECONDS(100)), 5);
	CHECK_EQ(expire(WEFT_SECONDS(100) + 1), 1);
}

TEST(wheel_never_fires_timers_without_a_deadline)
{
	setup(0);
	for (int i = 0; i < 20; i++)
		CHECK(!start(i, WEFT_NEVER));
	CHECK_EQ(next(), WEFT_NEVER);
	CHECK_EQ(expire(WEFT_NEVER - 1), 0);
	CHECK_EQ(expire(WEFT_NEVER), 0);
	CHECK_EQ(next(), WEFT_NEVER);
	for (int i = 0; i < 20; i++)
		stop(i);
	CHECK_EQ(wheel.count, 0);
}

TEST(wheel_survives_time_that_goes_back)
{
	setup(WEFT_SECONDS(10));
	start(0, WEFT_SECONDS(11));
	CHECK_EQ(expire(WEFT_SECONDS(12)), 1);
	start(0, WEFT_SECONDS(11));
	CHECK_EQ(expire(WEFT_SECONDS(11) - 1), 0);
	CHECK_EQ(expire(WEFT_SECONDS(11)), 1);
}

/* A year has 481 million ticks: passing them one by one would show. */
TEST(wheel_jumps_over_years)
{
	int64_t year = WEFT_SECONDS(86400) * 365, now_ns = 0;

	setup(0);
	for (int i = 0; i < 200; i++)
		start(i, year * (i + 1) + i);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(expire(year * (i + 1) + i - 1), 0);
		CHECK_EQ(expire(year * (i + 1) + i), 1);
	}
	for (int i = 0; i < 200; i++)
		start(i, year * (250 - i));
	now_ns = year * 249;
	CHECK_EQ(expire(now_ns), 199);
	CHECK_EQ(next(), year * 250);
}

/* --- order ------------------------------------------------------------------------------------ */

/* Every way in which the timers of one tick may have been started comes out sorted, and stable: in
 * order, backwards, ties, random, random ties, runs. */
TEST(wheel_sorts_a_crowded_tick)
{
	random_state = 88172645463325252u;
	for (int shape = 0; shape < 6; shape++) {
		setup(0);
		for (int i = 0; i < 500; i++) {
			int64_t within_ns[] = { i, 500 - i, 0, random_below(TICK), random_below(4),
				i % 100 * 7 };

			start(i, 10 * TICK + within_ns[shape]);
		}
		CHECK_EQ(expire(10 * TICK - 1), 0);
		for (int part = 0; part <= 4; part++) /* a tick may be fired in parts */
			expire(10 * TICK + part * TICK / 4);
		CHECK_EQ(wheel.count, 0);
	}
}

/* What was started early and fell through the levels comes before what was started late. */
TEST(wheel_fires_ties_in_order_of_start_across_levels)
{
	int64_t deadline_ns = WEFT_SECONDS(3600) + 17;
	int i = 0;

	setup(0);
	for (int64_t before_ns = deadline_ns; before_ns > 0; before_ns /= 3) {
		expire(deadline_ns - before_ns);
		start(i++, deadline_ns);
		start(i++, deadline_ns + 1);
		start(i++, deadline_ns);
	}
	start(i++, deadline_ns);
	CHECK_EQ(expire(deadline_ns), i * 2 / 3 + 1);
	CHECK_EQ(expire(deadline_ns + 1), i / 3);
}

/* All 9^5 orders of: start one of three timers near, at a border, or far; or stop it; or let time
 * pass. (A timer that is in is stopped instead of started.) */
TEST(wheel_agrees_with_the_oracle_in_every_order)
{
	static const int64_t after_ns[] = { 1, TICK, WEFT__WHEEL_SLOTS * TICK };

	setup(0);
	for (int order = 0; order < 9 * 9 * 9 * 9 * 9; order++) {
		int64_t now_ns = WEFT__WHEEL_SLOTS * TICK - 1;
		uint32_t left = 0;

		weft__wheel_init(&wheel, now_ns);
		for (int step = 0, op = order; step < 5; step++, op /= 9) {
			int i = op % 3, kind = op % 9 / 3;

			if (kind == 2)
				now_ns += after_ns[i];
			fired_count = 0;
			if (kind == 2)
				expire_all(now_ns);
			else if (items[i].is_in)
				stop(i);
			else
				start(i, now_ns + after_ns[kind + (i == 2)]);
			for (unsigned n = 0; n < fired_count; n++)
				CHECK(fired[n]->deadline_ns <= now_ns);
			for (unsigned n = 1; n < fired_count; n++)
				CHECK(items_compare(&fired[n - 1], &fired[n]) < 0);
			for (int k = 0; k < 3; k++)
				CHECK(!items[k].is_in || items[k].deadline_ns > now_ns);
		}
		for (int i = 0; i < 3; i++)
			left += items[i].is_in;
		CHECK_EQ(wheel.count, left);
		for (int i = 0; i < 3; i++)
			if (items[i].is_in)
				stop(i);
		CHECK_EQ(weft__wheel_next(&wheel), WEFT_NEVER);
	}
}

static void random_walk(uint64_t seed, int timers, int64_t spread_ns, int64_t step_ns, int steps)
{
	int64_t now_ns = 12345;

	setup(now_ns);
	random_state = seed * 2654435761u + 1;
	for (int step = 0; step < steps; step++) {
		int i = (int)random_below(timers);
		int64_t deadline_ns = weft_deadline_after(now_ns, random_below(spread_ns)) -
				spread_ns / 16;

		if (items[i].is_in) {
			stop(i);
		} else {
			if (random_below(8) == 0)
				deadline_ns = items[random_below(timers)].deadline_ns; /* a tie */
			start(i, deadline_ns);
		}
		if (random_below(4) == 0) {
			int64_t next_ns = next();

			/* to where next says, not so far, or further */
			if (random_below(2) == 0)
				now_ns = weft_deadline_after(now_ns, random_below(step_ns));
			else if (next_ns != WEFT_NEVER && next_ns > now_ns)
				now_ns = next_ns;
			expire(now_ns);
		}
	}
	while ((now_ns = next()) != WEFT_NEVER)
		expire(now_ns);
	for (int i = 0; i < timers; i++)
		CHECK(probe_balanced(&items[i].probe));
}

TEST(wheel_agrees_with_the_oracle_on_random_walks)
{
	static const int64_t spreads_ns[] = { 100, TICK, TICK * 100ll, WEFT_SECONDS(1),
		WEFT_SECONDS(1000), INT64_MAX / 4 };

	for (uint64_t seed = 1; seed <= 4; seed++)
		for (size_t i = 0; i < sizeof spreads_ns / sizeof spreads_ns[0]; i++) {
			random_walk(seed, 3, spreads_ns[i], spreads_ns[i] / 2 + 1, 300);
			random_walk(seed, 40, spreads_ns[i], spreads_ns[i] / 10 + 1, 400);
			random_walk(seed, 400, spreads_ns[i], spreads_ns[i] / 50 + 1, 600);
		}
}

/* A slot that holds much is spilled in portions: meanwhile timers start and stop, also the last ones of
 * the slots below, and ties stay in order. */
static void crowd(uint64_t seed, int64_t spread_ns)
{
	int64_t now_ns = WEFT_SECONDS(1000), far_ns = now_ns + WEFT_SECONDS(60);
	unsigned total = 0;

	setup(now_ns);
	random_state = seed * 2654435761u + 1;
	for (int i = 0; i < TIMERS; i++)
		start(i, far_ns + random_below(spread_ns));
	for (now_ns = far_ns + spread_ns; next() != WEFT_NEVER;) {
		fired_count = 0;
		CHECK(weft__wheel_is_due(&wheel, now_ns));
		CHECK(weft__wheel_expire(&wheel, now_ns) <= WEFT__WHEEL_WORK + WEFT__WHEEL_BATCH);
		total += fired_count;
		for (unsigned n = 1; n < fired_count; n++)
			CHECK(items_compare(&fired[n - 1], &fired[n]) < 0);
		weft__wheel_check(&wheel);
		for (int n = 0; n < WEFT__WHEEL_WORK / 16; n++) {
			int i = (int)random_below(TIMERS);

			if (items[i].is_in)
				stop(i);
			else if (starts < 2 * TIMERS) /* so that it ends */
				start(i, far_ns + random_below(spread_ns));
		}
		weft__wheel_check(&wheel);
	}
	CHECK(total > TIMERS / 10);
	for (int i = 0; i < TIMERS; i++)
		CHECK(probe_balanced(&items[i].probe));
}

TEST(wheel_spills_a_crowded_slot_in_portions)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		crowd(seed, WEFT_SECONDS(1));
		crowd(seed, 100 * TICK);
		crowd(seed, 300); /* ties */
	}
}

/* --- wakers, and what a commit may do --------------------------------------------------------- */

TEST(wheel_claims_then_commits_each_waker_once)
{
	setup(0);
	for (int i = 0; i < 100; i++)
		start(i, 1 + i % 3);
	CHECK_EQ(expire(10), 100);
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(items[i].probe.claims, 1);
		CHECK_EQ(items[i].probe.commits, 1);
		CHECK_EQ(items[i].probe.clones, 0); /* no reference is counted */
		CHECK(!weft__timer_stop(&items[i].timer));
	}
}

TEST(wheel_rewake_replaces_the_waker_until_it_has_fired)
{
	struct probe other = PROBE;
	struct weft_waker waker = probe_waker(&other);

	setup(0);
	start(0, 100);
	CHECK(weft__timer_rewake(&items[0].timer, &waker));
	CHECK_EQ(weft__wheel_expire(&wheel, 100), 1);
	CHECK_EQ(other.commits, 1);
	CHECK_EQ(items[0].probe.commits, 0);
	CHECK(!weft__timer_rewake(&items[0].timer, &waker));
	CHECK(!weft__timer_stop(&items[0].timer));
}

static void stop_the_rest(struct item *item)
{
	if (item != &items[0])
		return;
	for (int i = 0; i < 100; i++)
		if (weft__timer_stop(&items[i].timer))
			items[i].is_in = false;
}

/* B67: a commit may stop other timers: no lock is held. Those that were claimed with it are out
 * already and fire; the later ones do not. */
TEST(wheel_lets_a_commit_stop_timers_that_are_due)
{
	setup(0);
	when_fired = stop_the_rest;
	for (int i = 0; i < 100; i++)
		start(i, 50);
	fired_count = 0;
	CHECK_EQ(weft__wheel_expire(&wheel, 50), WEFT__WHEEL_BATCH);
	CHECK_EQ(fired_count, WEFT__WHEEL_BATCH);
	CHECK_EQ(wheel.count, 0);
	CHECK_EQ(next(), WEFT_NEVER);
}

static void start_again(struct item *item)
{
	int i = (int)(item - items);

	if (item->order < 1000)
		start(i, item->deadline_ns + (i % 2 ? TICK / 3 : 0));
}

/* A commit may start timers; those that are due at once fire in this expire or the next, but expire
 * does not go on for ever. */
TEST(wheel_lets_a_commit_start_timers)
{
	unsigned total = 0;

	setup(0);
	when_fired = start_again;
	for (int i = 0; i < 10; i++)
		start(i, 5);
	for (int64_t now_ns = 0; wheel.count; now_ns += TICK / 4) {
		unsigned count;

		fired_count = 0;
		count = weft__wheel_expire(&wheel, now_ns);
		CHECK(count <= TIMERS);
		CHECK_EQ(count, fired_count);
		for (unsigned n = 0; n < fired_count; n++)
			CHECK(fired[n]->deadline_ns <= now_ns + TICK);
		total += count;
		weft__wheel_check(&wheel);
	}
	CHECK_EQ(total, starts);
}
