/* SPDX-License-Identifier: MIT */
/* Row S2-72 for a whole program: the plain names with the limit of the process, and a report of both places. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WEFT_LOCKS_TIMED
#include <weft.h>
#include <weft/async.h>

static struct weft_mutex mutex = WEFT_MUTEX_INIT;
static struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(2);
static struct weft_once once = WEFT_ONCE_INIT;

static void tell(const struct weft_lock_timeout *timeout)
{
	printf("%s, %d, %d\n", timeout->lock, strstr(timeout->waits_at, "timed.c:") != NULL,
			timeout->taken_at && strstr(timeout->taken_at, "timed.c:"));
}

/* The first call goes to the library, the second is inline. */
static async int take(void)
{
	for (int i = 0; i < 2; i++) {
		weft_try(await weft_mutex_lock(&mutex));
		weft_mutex_unlock(&mutex);
		weft_try(await weft_rwlock_write(&rwlock));
		weft_rwlock_unlock_write(&rwlock);
		weft_with_permits(&semaphore, 2) weft_try(await weft_yield());
	}
	return 0;
}

static async int take_again(void)
{
	int err = 0, sleep = 0;

	weft_try(await weft_mutex_lock(&mutex));
	printf("mutex: %d\n", await weft_mutex_lock(&mutex) == -ETIME);
	switch (await weft_select(
			err = weft_mutex_lock(&mutex), sleep = weft_sleep(WEFT_SECONDS(9)))) {
	case 0:
		printf("in a branch: %d\n", err == -ETIME);
	}
	weft_try(sleep == -ECANCELED ? 0 : -EPROTO);
	weft_try(await weft_rwlock_read(&rwlock));
	printf("write: %d\n", await weft_rwlock_write(&rwlock) == -ETIME);
	weft_rwlock_unlock_read(&rwlock);
	weft_try(await weft_rwlock_write(&rwlock));
	printf("read: %d\n", await weft_rwlock_read(&rwlock) == -ETIME);
	weft_with_permits(&semaphore, 1) printf(
			"permits: %d\n", await weft_semaphore_acquire(&semaphore, 2) == -ETIME);
	printf("turn: %d\n", await weft_once_begin(&once));
	printf("once: %d\n", await weft_once_begin(&once) == -ETIME);
	return weft_once_end(&once, 0);
}

async int main(void)
{
	static const struct weft_lock_policy policy = { WEFT_MILLISECONDS(1), tell };

	weft_lock_policy_set(&policy);
	weft_try(await take());
	return await take_again();
}
