/* SPDX-License-Identifier: MIT */
/* limit.c: twenty jobs, two at a time. Who spawns waits for a permit, and the task takes it over; it is
 * given back in whatever way the task ends. So there are never more tasks than permits. */
#include <stdatomic.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

enum { JOBS = 20, AT_A_TIME = 2 };

static struct weft_semaphore permits = WEFT_SEMAPHORE_INIT(AT_A_TIME);
static atomic_int running, done;
static atomic_bool is_crowded;

static async int job(void)
{
	defer weft_semaphore_release(&permits, 1);
	if (atomic_fetch_add(&running, 1) >= AT_A_TIME)
		atomic_store(&is_crowded, true);
	weft_try(await weft_sleep(WEFT_MILLISECONDS(1)));
	atomic_fetch_sub(&running, 1);
	atomic_fetch_add(&done, 1);
	return 0;
}

async int main(void)
{
	weft_scope (jobs) {
		for (int i = 0; i < JOBS; i++) {
			weft_try(await weft_semaphore_acquire(&permits, 1));
			weft_try(weft_spawn_in(&jobs, job()));
		}
	}
	printf("%d jobs done, %s\n", atomic_load(&done),
			atomic_load(&is_crowded) ? "too many at a time" : "two at a time");
	return fflush(stdout) != 0;
}
