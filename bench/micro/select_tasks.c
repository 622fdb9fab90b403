/* SPDX-License-Identifier: MIT */
/*
 * select_tasks.c: where the ready branch of a select is, and timeouts, in async C.
 */
#include <weft.h>

#include "micro.h"

#include <weft/async.h>

enum { SELECTS = 300000, NOTIFIES = 4 };

static void notifies_init(struct weft_notify *notify)
{
	for (int i = 0; i < NOTIFIES; i++)
		weft_notify_init(&notify[i]);
}

static async int select_4(struct micro_sample *sample)
{
	struct weft_notify n[NOTIFIES];
	struct micro_watch watch;
	int won = 0;

	notifies_init(n);
	watch = micro_watch_start();
	for (int i = 0; i < SELECTS; i++) {
		weft_notify_one(&n[i % NOTIFIES]);
		won += await weft_select(weft_notify_wait(&n[0]), weft_notify_wait(&n[1]),
				       weft_notify_wait(&n[2]),
				       weft_notify_wait(&n[3])) == i % NOTIFIES;
	}
	*sample = micro_wall_and_cpu_per(&watch, SELECTS);
	micro_expect(won, SELECTS);
	return 0;
}

static async int select_biased(struct micro_sample *sample, int ready)
{
	struct weft_notify n[NOTIFIES];
	struct micro_watch watch;
	int won = 0;

	notifies_init(n);
	watch = micro_watch_start();
	for (int i = 0; i < SELECTS; i++) {
		weft_notify_one(&n[ready]);
		won += await weft_select_biased(weft_notify_wait(&n[0]), weft_notify_wait(&n[1]),
				       weft_notify_wait(&n[2]), weft_notify_wait(&n[3])) == ready;
	}
	*sample = micro_wall_and_cpu_per(&watch, SELECTS);
	micro_expect(won, SELECTS);
	return 0;
}

static async int select_4_first(struct micro_sample *sample)
{
	return await select_biased(sample, 0);
}

static async int select_4_last(struct micro_sample *sample)
{
	return await select_biased(sample, NOTIFIES - 1);
}

static async int notify_in_turns(struct weft_notify *asked, struct weft_notify *notify)
{
	for (int i = 0; i < SELECTS; i++) {
		weft_try(await weft_notify_wait(asked));
		weft_notify_one(&notify[i % NOTIFIES]);
	}
	return 0;
}

static async int select_4_pending(struct micro_sample *sample)
{
	struct weft_notify n[NOTIFIES], asked = WEFT_NOTIFY_INIT;
	struct micro_watch watch;
	int won = 0;

	notifies_init(n);
	weft_scope (scope) {
		micro_expect(weft_spawn_in(&scope, notify_in_turns(&asked, n)), 0);
		watch = micro_watch_start();
		for (int i = 0; i < SELECTS; i++) {
			weft_notify_one(&asked);
			won += await weft_select(weft_notify_wait(&n[0]), weft_notify_wait(&n[1]),
					       weft_notify_wait(&n[2]),
					       weft_notify_wait(&n[3])) == i % NOTIFIES;
		}
		*sample = micro_wall_and_cpu_per(&watch, SELECTS);
	}
	micro_expect(won, SELECTS);
	return 0;
}

static async int timeout_ready(struct micro_sample *sample)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct micro_watch watch = micro_watch_start();

	for (int i = 0; i < SELECTS; i++) {
		weft_notify_one(&notify);
		weft_try(await weft_timeout(WEFT_SECONDS(60), weft_notify_wait(&notify)));
	}
	*sample = micro_wall_and_cpu_per(&watch, SELECTS);
	return 0;
}

static async int timeout_pending(struct micro_sample *sample)
{
	struct micro_watch watch = micro_watch_start();

	for (int i = 0; i < SELECTS; i++)
		weft_try(await weft_timeout(WEFT_SECONDS(60), weft_yield()));
	*sample = micro_wall_and_cpu_per(&watch, SELECTS);
	return 0;
}

/* ---- what async_tasks.h tells ---- */

extern async int (*const async_select_4)(struct micro_sample *sample);
async int (*const async_select_4)(struct micro_sample *sample) = select_4;

extern async int (*const async_select_4_first)(struct micro_sample *sample);
async int (*const async_select_4_first)(struct micro_sample *sample) = select_4_first;

extern async int (*const async_select_4_last)(struct micro_sample *sample);
async int (*const async_select_4_last)(struct micro_sample *sample) = select_4_last;

extern async int (*const async_select_4_pending)(struct micro_sample *sample);
async int (*const async_select_4_pending)(struct micro_sample *sample) = select_4_pending;

extern async int (*const async_timeout_ready)(struct micro_sample *sample);
async int (*const async_timeout_ready)(struct micro_sample *sample) = timeout_ready;

extern async int (*const async_timeout_pending)(struct micro_sample *sample);
async int (*const async_timeout_pending)(struct micro_sample *sample) = timeout_pending;
