/* SPDX-License-Identifier: MIT */
/*
 * sync_tasks.c: channels and locks, in async C.
 */
#include <weft.h>

#include "micro.h"

#include <weft/async.h>

WEFT_CHANNEL(numbers, int64_t);

/* ---- channels ---- */

enum { ROUNDS = 300000, MESSAGES = 2000000, SENDERS_MAX = 4 };

static async int answer(union numbers *out, union numbers *back)
{
	int64_t value;

	for (int i = 0; i < ROUNDS; i++) {
		weft_try(await weft_channel_recv(out, &value));
		value++;
		weft_try(await weft_channel_send(back, &value));
	}
	return 0;
}

static async int channel_ping_pong(struct micro_sample *sample)
{
	union numbers out = WEFT_CHANNEL_INIT(out, 1), back = WEFT_CHANNEL_INIT(back, 1);
	struct micro_watch watch;
	int64_t sum = 0;

	weft_scope (scope) {
		micro_expect(weft_spawn_in(&scope, answer(&out, &back)), 0);
		watch = micro_watch_start();
		for (int i = 0; i < ROUNDS; i++) {
			int64_t value = i;

			weft_try(await weft_channel_send(&out, &value));
			weft_try(await weft_channel_recv(&back, &value));
			sum += value;
		}
		*sample = micro_wall_per(&watch, ROUNDS);
	}
	micro_expect(sum, (int64_t)ROUNDS * (ROUNDS + 1) / 2);
	weft_channel_finish(&out.channel);
	weft_channel_finish(&back.channel);
	return 0;
}

static async int send_all(union numbers *channel, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		weft_try(await weft_channel_send(channel, &i));
	return 0;
}

static async int channel_from(int senders, struct micro_sample *sample)
{
	union numbers channel = WEFT_CHANNEL_INIT(channel, 100);
	int64_t each = MESSAGES / senders, sum = 0, value;
	struct micro_watch watch = micro_watch_start();

	weft_scope (scope) {
		for (int i = 0; i < senders; i++)
			micro_expect(weft_spawn_in(&scope, send_all(&channel, each)), 0);
		for (int i = 0; i < MESSAGES; i++) {
			weft_try(await weft_channel_recv(&channel, &value));
			sum += value;
		}
		*sample = micro_wall_per(&watch, MESSAGES);
	}
	micro_expect(sum, senders * (each * (each - 1) / 2));
	weft_channel_finish(&channel.channel);
	return 0;
}

static async int channel_1_to_1(struct micro_sample *sample)
{
	return await channel_from(1, sample);
}

static async int channel_4_to_1(struct micro_sample *sample)
{
	return await channel_from(SENDERS_MAX, sample);
}

/* ---- locks ---- */

enum { LOCK_ROUNDS = 2000000, TASKS = 8, EACH = 25000 };

static async int mutex_uncontended(struct micro_sample *sample)
{
	struct weft_mutex mutex = WEFT_MUTEX_INIT;
	struct micro_watch watch = micro_watch_start();
	int64_t sum = 0;

	for (int i = 0; i < LOCK_ROUNDS; i++) {
		weft_try(await weft_mutex_lock(&mutex));
		sum++;
		weft_mutex_unlock(&mutex);
	}
	*sample = micro_wall_per(&watch, LOCK_ROUNDS);
	micro_expect(sum, LOCK_ROUNDS);
	return 0;
}

static async int add_under_lock(struct weft_mutex *mutex, int64_t *sum)
{
	for (int i = 0; i < EACH; i++) {
		weft_try(await weft_mutex_lock(mutex));
		defer weft_mutex_unlock(mutex);
		int64_t before = *sum;

		weft_try(await weft_yield());
		*sum = before + 1;
	}
	return 0;
}

static async int mutex_held_over_yield_8(struct micro_sample *sample)
{
	struct weft_mutex mutex = WEFT_MUTEX_INIT;
	struct micro_watch watch = micro_watch_start();
	int64_t sum = 0;

	weft_scope (scope)
		for (int i = 0; i < TASKS; i++)
			micro_expect(weft_spawn_in(&scope, add_under_lock(&mutex, &sum)), 0);
	*sample = micro_wall_per(&watch, TASKS * EACH);
	micro_expect(sum, TASKS * EACH);
	return 0;
}

static async int semaphore_uncontended(struct micro_sample *sample)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(10);
	struct micro_watch watch = micro_watch_start();

	for (int i = 0; i < LOCK_ROUNDS; i++) {
		weft_try(await weft_semaphore_acquire(&semaphore, 1));
		weft_semaphore_release(&semaphore, 1);
	}
	*sample = micro_wall_per(&watch, LOCK_ROUNDS);
	micro_expect((int64_t)weft_semaphore_available(&semaphore), 10);
	return 0;
}

static async int rwlock_uncontended(struct micro_sample *sample)
{
	struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
	struct micro_watch watch = micro_watch_start();
	int64_t sum = 0;

	for (int i = 0; i < LOCK_ROUNDS; i++) {
		weft_try(await weft_rwlock_read(&rwlock));
		sum++;
		weft_rwlock_unlock_read(&rwlock);
	}
	*sample = micro_wall_per(&watch, LOCK_ROUNDS);
	micro_expect(sum, LOCK_ROUNDS);
	return 0;
}

static async int add_under_permit(struct weft_semaphore *semaphore, int64_t *sum)
{
	for (int i = 0; i < EACH; i++) {
		weft_try(await weft_semaphore_acquire(semaphore, 1));
		defer weft_semaphore_release(semaphore, 1);
		weft_try(await weft_yield());
		__atomic_fetch_add(sum, 1, __ATOMIC_RELAXED); /* relaxed: a count */
	}
	return 0;
}

static async int semaphore_held_over_yield_8(struct micro_sample *sample)
{
	struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(2);
	struct micro_watch watch = micro_watch_start();
	int64_t sum = 0;

	weft_scope (scope)
		for (int i = 0; i < TASKS; i++)
			micro_expect(weft_spawn_in(&scope, add_under_permit(&semaphore, &sum)), 0);
	*sample = micro_wall_per(&watch, TASKS * EACH);
	micro_expect(sum, TASKS * EACH);
	micro_expect((int64_t)weft_semaphore_available(&semaphore), 2);
	return 0;
}

/* ---- what async_tasks.h tells ---- */

extern async int (*const async_channel_ping_pong)(struct micro_sample *sample);
async int (*const async_channel_ping_pong)(struct micro_sample *sample) = channel_ping_pong;

extern async int (*const async_channel_1_to_1)(struct micro_sample *sample);
async int (*const async_channel_1_to_1)(struct micro_sample *sample) = channel_1_to_1;

extern async int (*const async_channel_4_to_1)(struct micro_sample *sample);
async int (*const async_channel_4_to_1)(struct micro_sample *sample) = channel_4_to_1;

extern async int (*const async_mutex_uncontended)(struct micro_sample *sample);
async int (*const async_mutex_uncontended)(struct micro_sample *sample) = mutex_uncontended;

extern async int (*const async_mutex_held_over_yield_8)(struct micro_sample *sample);
async int (*const async_mutex_held_over_yield_8)(
		struct micro_sample *sample) = mutex_held_over_yield_8;

extern async int (*const async_semaphore_uncontended)(struct micro_sample *sample);
async int (*const async_semaphore_uncontended)(struct micro_sample *sample) = semaphore_uncontended;

extern async int (*const async_rwlock_uncontended)(struct micro_sample *sample);
async int (*const async_rwlock_uncontended)(struct micro_sample *sample) = rwlock_uncontended;

extern async int (*const async_semaphore_held_over_yield_8)(struct micro_sample *sample);
async int (*const async_semaphore_held_over_yield_8)(
		struct micro_sample *sample) = semaphore_held_over_yield_8;
