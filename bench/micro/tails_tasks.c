/* SPDX-License-Identifier: MIT */
/*
 * tails_tasks.c: how late timers are, with nothing else to do and beside a task that computes.
 */
#include <stdlib.h>
#include <time.h>

#include <weft.h>

#include "micro.h"

#include <weft/async.h>

enum { SLEEPERS = 1000, SLEEPS = 20 };
enum { TICKERS = 8, BUSY_ROUNDS = 50, TICKS_MAX = 100000 };

/* How late each sleep was; tasks on several workers add to it. */
struct lateness {
	int64_t *values_ns;
	int64_t count, capacity;
};

static int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void lateness_init(struct lateness *lateness, int64_t capacity)
{
	*lateness = (struct lateness){ calloc((size_t)capacity, sizeof(int64_t)), 0, capacity };
	micro_expect(lateness->values_ns != NULL, true);
}

static void lateness_add(struct lateness *lateness, int64_t late_ns)
{
	int64_t i = __atomic_fetch_add(
			&lateness->count, 1, __ATOMIC_RELAXED); /* relaxed: a count */

	micro_expect(late_ns >= 0, true); /* none may be early */
	if (i < lateness->capacity)
		lateness->values_ns[i] = late_ns;
}

static struct micro_sample lateness_finish(struct lateness *lateness, const char *name)
{
	int64_t count = lateness->count < lateness->capacity ? lateness->count : lateness->capacity;
	struct micro_sample sample = micro_quantiles(name, lateness->values_ns, (size_t)count);

	free(lateness->values_ns);
	return sample;
}

static async int sleep_measured(struct lateness *lateness, int64_t duration_ns)
{
	int64_t due_ns = clock_ns() + duration_ns;

	weft_try(await weft_sleep(duration_ns));
	lateness_add(lateness, clock_ns() - due_ns);
	return 0;
}

/* ---- timers alone ---- */

/* A number below `bound` that looks random but is the same in every run. */
static int64_t scatter(int64_t i, int64_t bound)
{
	return (int64_t)((((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % bound;
}

static async int sleep_often(struct lateness *lateness, int64_t seed)
{
	for (int i = 0; i < SLEEPS; i++)
		weft_try(await sleep_measured(
				lateness, WEFT_MILLISECONDS(1 + scatter(seed + i, 10))));
	return 0;
}

static async int timer_late(struct micro_sample *sample)
{
	struct lateness lateness;

	lateness_init(&lateness, SLEEPERS * SLEEPS);
	weft_scope (scope)
		for (int i = 0; i < SLEEPERS; i++)
			micro_expect(weft_spawn_in(&scope, sleep_often(&lateness, i * SLEEPS)), 0);
	micro_expect(lateness.count, SLEEPERS * SLEEPS);
	*sample = lateness_finish(&lateness, "timer_late");
	return 0;
}

/* ---- beside a task that computes for 10 ms in a poll, and then sleeps for 10 ms ---- */

static async int tick(struct lateness *lateness, const bool *over)
{
	while (!__atomic_load_n(over, __ATOMIC_RELAXED)) /* relaxed: only time depends on it */
		weft_try(await sleep_measured(lateness, WEFT_MILLISECONDS(1)));
	return 0;
}

static async int compute(bool *over)
{
	for (int i = 0; i < BUSY_ROUNDS; i++) {
		int64_t until_ns = clock_ns() + WEFT_MILLISECONDS(10);

		while (clock_ns() < until_ns)
			continue;
		weft_try(await weft_sleep(WEFT_MILLISECONDS(10)));
	}
	__atomic_store_n(over, true, __ATOMIC_RELAXED); /* as above */
	return 0;
}

static async int busy_10ms(struct micro_sample *sample)
{
	struct lateness lateness;
	bool over = false;

	lateness_init(&lateness, TICKS_MAX);
	weft_scope (scope) {
		for (int i = 0; i < TICKERS; i++)
			micro_expect(weft_spawn_in(&scope, tick(&lateness, &over)), 0);
		micro_expect(weft_spawn_in(&scope, compute(&over)), 0);
	}
	micro_expect(lateness.count >= TICKERS * BUSY_ROUNDS, true);
	*sample = lateness_finish(&lateness, "busy_10ms");
	return 0;
}

/* ---- what async_tasks.h tells ---- */

extern async int (*const async_timer_late)(struct micro_sample *sample);
async int (*const async_timer_late)(struct micro_sample *sample) = timer_late;

extern async int (*const async_busy_10ms)(struct micro_sample *sample);
async int (*const async_busy_10ms)(struct micro_sample *sample) = busy_10ms;
