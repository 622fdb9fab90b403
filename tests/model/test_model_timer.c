/* SPDX-License-Identifier: MIT */
/* Timers in every interleaving: a task that sleeps, and is polled while another thread fires its timer or the
 * timer of its deadline. The code is the real time/wheel.c and time/sleep.c. A wake-up that is lost is a
 * deadlock. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#ifndef WEFT_TEST_SMALL
#define WEFT_TEST_SMALL
#endif
#include "model/model_leaf.h"
#include "test.h"

#include "time/sleep.c" /* NOLINT(bugprone-suspicious-include) */
#include "time/wheel.c" /* NOLINT(bugprone-suspicious-include) */

enum { AT_NS = 1 << WEFT__WHEEL_TICK_SHIFT };

int64_t weft__clock_now(void)
{
	return 0;
}

static int64_t env_now(const struct weft_env *env)
{
	(void)env;
	return 0;
}

static struct weft_wheel wheel;
static const struct weft_env env = { .now = env_now, .wheel = &wheel };

/* A driver: it looks until it has fired. */
static void fires(void *unused)
{
	(void)unused;
	while (weft__wheel_expire(&wheel, AT_NS) == 0)
		atomic_pause();
}

static void sleeps(enum model_task_patience patience)
{
	struct weft_sleep__frame sleep;
	int outcome;

	weft__wheel_init(&wheel, 0);
	model_task_env = &env;
	model_thread(fires, NULL);
	weft_sleep__init(&sleep.args, AT_NS);
	outcome = model_task_await(&sleep, sizeof sleep, &weft_sleep__async, patience);
	MODEL_CHECK(outcome == 0);
	model_join_all();
	MODEL_CHECK(wheel.count == 0);
}

static void sleep_that_waits(void)
{
	sleeps(MODEL_TASK_STAYS);
}

static void sleep_that_looks_again(void)
{
	sleeps(MODEL_TASK_LOOKS_AGAIN);
}

TEST(sleep_is_woken_whenever_it_is_polled)
{
	PASSES(sleep_that_waits, 0);
	PASSES(sleep_that_looks_again, 0);
}

/* The lock and the states of a task order the rest: only who sees that the timer is out does without. */
TEST(timer_needs_its_memory_orders)
{
	static void (*const bodies[])(void) = { sleep_that_waits, sleep_that_looks_again };

	weaken_each("time/wheel.c", bodies, 2, NULL, 0);
	weaken_each("time/wheel.h", bodies, 2, NULL, 0);
}
