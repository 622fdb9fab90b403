/* SPDX-License-Identifier: MIT */
/*
 * notify_tasks.c: to wake those who wait: one who does already, one of a hundred, all of a thousand.
 */
#include <weft.h>

#include "micro.h"

#include <weft/async.h>

enum {
	READY = 2000000,
	ROUND_TRIPS = 300000,
	WAITERS = 100,
	WAKES = 300000,
	ALL = 1000,
	CALLS = 200
};

/* A notify that is told before somebody waits. */
static async int notify_ready(struct micro_sample *sample)
{
	struct weft_notify notify = WEFT_NOTIFY_INIT;
	struct micro_watch watch = micro_watch_start();
	int64_t sum = 0;

	for (int i = 0; i < READY; i++) {
		weft_notify_one(&notify);
		weft_try(await weft_notify_wait(&notify));
		sum++;
	}
	*sample = micro_wall_per(&watch, READY);
	micro_expect(sum, READY);
	return 0;
}

static async int notify_back(struct weft_notify *out, struct weft_notify *back)
{
	for (int i = 0; i < ROUND_TRIPS; i++) {
		weft_try(await weft_notify_wait(out));
		weft_notify_one(back);
	}
	return 0;
}

static async int notify_ping_pong(struct micro_sample *sample)
{
	struct weft_notify out = WEFT_NOTIFY_INIT, back = WEFT_NOTIFY_INIT;
	struct micro_watch watch;

	weft_scope (scope) {
		micro_expect(weft_spawn_in(&scope, notify_back(&out, &back)), 0);
		watch = micro_watch_start();
		for (int i = 0; i < ROUND_TRIPS; i++) {
			weft_notify_one(&out);
			weft_try(await weft_notify_wait(&back));
		}
		*sample = micro_wall_per(&watch, ROUND_TRIPS);
	}
	return 0;
}

/* ---- many wait ---- */

struct crowd {
	struct weft_notify wake_up, heard;
	int64_t left;  /* atomic: wakes to come, or who has still to say that it waits */
	int64_t woken; /* atomic */
};

/* Whoever is woken passes it on to the next one, until WAKES have been. */
static async int wake_next(struct crowd *crowd)
{
	for (;;) {
		weft_try(await weft_notify_wait(&crowd->wake_up));
		/* relaxed: counts */
		if (__atomic_sub_fetch(&crowd->left, 1, __ATOMIC_RELAXED) < 0)
			break;
		__atomic_fetch_add(&crowd->woken, 1, __ATOMIC_RELAXED);
		weft_notify_one(&crowd->wake_up);
	}
	weft_notify_one(&crowd->wake_up); /* the others end, too */
	return 0;
}

static async int notify_one_of_100(struct micro_sample *sample)
{
	struct crowd crowd = { WEFT_NOTIFY_INIT, WEFT_NOTIFY_INIT, WAKES, 0 };
	struct micro_watch watch;

	weft_scope (scope) {
		for (int i = 0; i < WAITERS; i++)
			micro_expect(weft_spawn_in(&scope, wake_next(&crowd)), 0);
		watch = micro_watch_start();
		weft_notify_one(&crowd.wake_up);
	}
	*sample = micro_wall_per(&watch, WAKES);
	micro_expect(crowd.woken, WAKES);
	return 0;
}

/* Says that it waits (the last one wakes the caller), and waits. */
static async int hear(struct crowd *crowd)
{
	for (int i = 0;; i++) {
		uint32_t seen = weft_notify_seen(&crowd->wake_up);

		/* what all did happens before what the caller does next */
		if (__atomic_sub_fetch(&crowd->left, 1, __ATOMIC_ACQ_REL) == 0)
			weft_notify_one(&crowd->heard);
		if (i == CALLS)
			return 0;
		weft_try(await weft_notify_wait_after(&crowd->wake_up, seen));
		__atomic_fetch_add(&crowd->woken, 1, __ATOMIC_RELAXED); /* relaxed: a count */
	}
}

static async int notify_all_1k(struct micro_sample *sample)
{
	struct crowd crowd = { WEFT_NOTIFY_INIT, WEFT_NOTIFY_INIT, ALL, 0 };
	struct micro_watch watch;

	weft_scope (scope) {
		for (int i = 0; i < ALL; i++)
			micro_expect(weft_spawn_in(&scope, hear(&crowd)), 0);
		weft_try(await weft_notify_wait(&crowd.heard));
		watch = micro_watch_start();
		for (int i = 0; i < CALLS; i++) {
			__atomic_store_n(&crowd.left, ALL, __ATOMIC_RELEASE); /* pairs with hear */
			weft_notify_all(&crowd.wake_up);
			weft_try(await weft_notify_wait(&crowd.heard));
		}
		*sample = micro_wall_per(&watch, CALLS * ALL);
	}
	micro_expect(crowd.woken, CALLS * ALL);
	return 0;
}

/* ---- what async_tasks.h tells ---- */

extern async int (*const async_notify_ready)(struct micro_sample *sample);
async int (*const async_notify_ready)(struct micro_sample *sample) = notify_ready;

extern async int (*const async_notify_ping_pong)(struct micro_sample *sample);
async int (*const async_notify_ping_pong)(struct micro_sample *sample) = notify_ping_pong;

extern async int (*const async_notify_one_of_100)(struct micro_sample *sample);
async int (*const async_notify_one_of_100)(struct micro_sample *sample) = notify_one_of_100;

extern async int (*const async_notify_all_1k)(struct micro_sample *sample);
async int (*const async_notify_all_1k)(struct micro_sample *sample) = notify_all_1k;
