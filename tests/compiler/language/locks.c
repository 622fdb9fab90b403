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
/* A select of leaves of which some need not wait: S1-28, S1-29. What the others were to get stays. */
static struct weft_notify kept[3];
static struct weft_semaphore permits = WEFT_SEMAPHORE_INIT(1);
static int partner_ran;
static async int partner(void)
{
	partner_ran++;
	return await weft_yield();
}
static async int select_at_once(void)
{
	int wins[3] = { 0 }, a = 7, b = 7, c = 7, sum, rounds;

	/* a semaphore that has never been used is only known by a poll */
	weft_notify_one(&kept[1]);
	sum = await weft_select_biased(a = weft_notify_wait(&kept[0]), b = weft_semaphore_acquire(&permits, 1),
		      c = weft_notify_wait(&kept[1])) +
			await weft_yield();
	printf("biased: %d, %d %d %d, %d\n", sum, a == -ECANCELED, b, c == -ECANCELED,
			weft_semaphore_try_acquire(&permits, 1) == -EAGAIN);
	weft_try(await weft_notify_wait(&kept[1])); /* still there */
	for (int i = 0; i < 300; i++) {
		int which;

		for (int k = 0; k < 3; k++)
			weft_notify_one(&kept[k]);
		which = await weft_select(a = weft_notify_wait(&kept[0]), b = weft_notify_wait(&kept[1]),
				c = weft_notify_wait(&kept[2]));
		wins[which]++;
		if (a + b + c != 2 * -ECANCELED || (which == 0 ? a : which == 1 ? b : c) != 0)
			return -1;
	}
	printf("fair: %d %d %d\n", wins[0] > 50, wins[1] > 50, wins[2] > 50);
	weft_scope (scope) { /* one in a loop gives way, though it never waits */
		weft_try(weft_spawn_in(&scope, partner()));
		for (rounds = 0; !partner_ran && rounds < 1000; rounds++) {
			weft_notify_one(&kept[0]);
			weft_try(await weft_select(weft_notify_wait(&kept[0]), weft_notify_wait(&kept[0])));
		}
	}
	return rounds > 0 && rounds < 1000 ? 0 : -1;
}
/* None is ready: the second is notified later, or all are cancelled. */
static async int notify_later(struct weft_notify *notify)
{
	weft_try(await weft_yield());
	weft_notify_one(notify);
	return 0;
}
static struct weft_notify never, later;
static async int select_later(void)
{
	int which, a = 7, b = 7;

	weft_scope (scope) {
		weft_try(weft_spawn_in(&scope, notify_later(&later)));
		which = await weft_select(a = weft_notify_wait(&never), b = weft_notify_wait(&later));
	}
	printf("later: %d, %d %d\n", which, a == -ECANCELED, b);
	return 0;
}
static async WEFT_CANCEL_SAFE int select_never(void)
{
	int a = 7, b = 7, which = await weft_select(a = weft_notify_wait(&never), b = weft_notify_wait(&later));

	printf("cancelled: %d %d %d\n", which == -ECANCELED, a == -ECANCELED, b == -ECANCELED);
	return which;
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
	printf("%d\n", await select_at_once());
	printf("%d\n", await select_later());
	printf("%d\n", await weft_timeout(WEFT_MILLISECONDS(1), select_never()) == -ETIME);
	return weft_rwlock_try_write(&rwlock);
}
