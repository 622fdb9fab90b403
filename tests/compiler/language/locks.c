/* SPDX-License-Identifier: MIT */
/* Locks in async C: readers side by side, a writer between them, one that downgrades, one out of patience; what
 * is made once, by the second that tries. */
#include <stdio.h>
#include <errno.h>
#include <weft.h>
#include <weft/async.h>
static struct weft_rwlock rwlock = WEFT_RWLOCK_INIT;
static int reading, version;
static async int look(void)
{
	weft_try(await weft_rwlock_read(&rwlock));
	defer weft_rwlock_unlock_read(&rwlock);
	reading++;
	weft_try(await weft_yield());
	printf("%d read version %d\n", reading, version);
	weft_try(await weft_yield());
	reading--;
	return version;
}
static async int renew(void)
{
	weft_try(await weft_rwlock_write(&rwlock));
	printf("write: %d read\n", reading);
	version++;
	weft_try(await weft_yield());
	weft_rwlock_downgrade(&rwlock);
	defer weft_rwlock_unlock_read(&rwlock);
	reading++;
	weft_try(await weft_yield());
	reading--;
	return version;
}
static async int hurry(void)
{
	return await weft_timeout(0, weft_rwlock_write(&rwlock));
}
static struct weft_mutex mutex = WEFT_MUTEX_INIT;
static async int impatient(void)
{
	weft_try(await weft_mutex_lock_timed(&mutex, WEFT_LOCK_TIMEOUT, WEFT_HERE));
	defer weft_mutex_unlock(&mutex);
	return await weft_mutex_lock_timed(&mutex, WEFT_MILLISECONDS(1), WEFT_HERE);
}
static struct weft_once once = WEFT_ONCE_INIT;
static int attempts, made;
static async int make(void)
{
	attempts++;
	weft_try(await weft_yield());
	weft_try(attempts == 1 ? -EIO : 0);
	made++;
	return 0;
}
static async int need(void)
{
	int turn = await weft_once_begin(&once);

	if (turn == 1)
		turn = weft_once_end(&once, await make());
	weft_try(turn);
	return made;
}
/* What a select's loser waited for is free for the code after it, whoever was about to get it. */
static async WEFT_CANCEL_SAFE int lock_and_stay(int *entered)
{
	weft_try(await weft_mutex_lock(&mutex));
	defer weft_mutex_unlock(&mutex);
	++*entered;
	return await weft_sleep(WEFT_SECONDS(1000));
}
static async int hold_for_a_while(void)
{
	weft_try(await weft_mutex_lock(&mutex));
	defer weft_mutex_unlock(&mutex);
	for (int i = 0; i < 5; i++)
		weft_try(await weft_yield());
	return 0;
}
static async int no_futurelock(void)
{
	int entered = 0, e, winner;

	weft_scope (scope) {
		weft_try(weft_spawn_in(&scope, hold_for_a_while()));
		weft_try(await weft_yield());
		for (int i = 0; i < 8; i++) {
			winner = await weft_select(e = lock_and_stay(&entered), weft_yield());
			if (winner != 1)
				return winner;
			weft_try(await weft_mutex_lock(&mutex)); /* would wait for ever */
			weft_mutex_unlock(&mutex);
		}
	}
	return entered > 8 || e != -ECANCELED;
}
async int main(void)
{
	int a, b, c, d, e;

	await weft_join(a = look(), b = look(), c = renew(), d = look(), e = hurry());
	printf("%d %d %d %d %d\n", a, b, c, d, e == -ETIME);
	await weft_join(a = need(), b = need(), c = need());
	printf("%d attempts, %d made, %d %d\n", attempts, made, a + b + c == 2 - EIO, weft_once_is_done(&once));
	printf("%d\n", await impatient() == -ETIME);
	printf("%d\n", await no_futurelock());
	return weft_rwlock_try_write(&rwlock);
}
