/* SPDX-License-Identifier: MIT */
/* Locks in async C: readers side by side, a writer between them, one that downgrades, one out of patience. */
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
async int main(void)
{
	int a, b, c, d, e;

	await weft_join(a = look(), b = look(), c = renew(), d = look(), e = hurry());
	printf("%d %d %d %d %d\n", a, b, c, d, e == -ETIME);
	return weft_rwlock_try_write(&rwlock);
}
