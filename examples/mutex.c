/* SPDX-License-Identifier: MIT */
/* mutex.c: a lock that is held across an await. It belongs to the task, on whichever thread that goes on,
 * and who waits for it gives the worker away. refused/mutex.c is the same with a lock of the system. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

enum { TASKS = 100 };

static struct weft_mutex mutex = WEFT_MUTEX_INIT;
static int value; /* under the mutex */

/* Works on what the caller has locked. */
static async int add_one(int *locked)
{
	int before = *locked;

	weft_try(await weft_yield()); /* the others run meanwhile */
	*locked = before + 1;
	return 0;
}

static async int fixed(void)
{
	weft_try(await weft_mutex_lock(&mutex));
	defer weft_mutex_unlock(&mutex);
	return await add_one(&value);
}

async int main(void)
{
	weft_scope (all) {
		for (int i = 0; i < TASKS; i++)
			weft_try(weft_spawn_in(&all, fixed()));
	}
	printf("%d of %d\n", value, TASKS);
	return fflush(stdout) != 0;
}
