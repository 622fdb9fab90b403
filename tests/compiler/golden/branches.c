/* SPDX-License-Identifier: MIT */
/* Branches, futures and tasks: what of the frame they share, and the ways to give a result back. */
#include <weft.h>
#include <weft/async.h>

struct pair {
	int a : 3;
	const int b;
};

int plain(int x);

static async int one(int x)
{
	return await weft_yield() + x;
}

static async void none(void)
{
	(void)await weft_yield();
}

async int joins(struct pair *pair, async struct pair (*give)(void), int *at)
{
	int n = 0, (*pointer)(int) = plain;

	await weft_join(n = one(1), none(), *at = one(2), pair->a = one(3), give());
	n += await weft_try_join(*at = weft_blocking(pointer(4)), weft_blocking(plain(5)));
	n = await weft_try_join(one(8)) + await one(9);
	n += __atomic_exchange_n(at, await one(10), plain(11));
	n += await weft_select(weft_when(n > 3, n = one(6)), *at = one(7));
	n += ({
		int m = await one(12);

		m + 1;
	});
	return n + (await give()).b;
}

async int selects(struct weft_mutex *mutex, struct weft_notify *notify)
{
	int err = 0;

	if (await weft_select_biased(err = weft_mutex_lock(mutex), weft_notify_wait(notify)) == 0)
		weft_mutex_unlock(mutex);
	return err + await weft_select(weft_mutex_lock(mutex), weft_mutex_lock(mutex));
}

async int limits(int64_t ns, int *at, async double (*give)(void))
{
	weft_future(one) kept;
	weft_future(give()) given;
	double number = 0;

	weft_start(kept, one(1));
	weft_start(given, give());
	*at = await weft_timeout(await weft_sleep(ns), kept);
	*at += await weft_deadline(ns, number = given);
	*at += await weft_shield(ns, *at = one(2)) + await weft_timeout(ns, weft_blocking(plain(3)));
	weft_start(kept, one(4));
	weft_cancel(kept);
	return await kept + (int)(number + await give());
}

async int tasks(struct weft_set *set, int *at, async void (*give)(int))
{
	struct weft_task *task = weft_spawn(one(await one(1)));

	if (weft_set_push(set, *at = one(2)) < 0)
		return weft_spawn_detached(give(plain(3)));
	weft_scope (scope)
		weft_try(weft_spawn_in(&scope, none()));
	return await weft_task_join(task, at);
}
