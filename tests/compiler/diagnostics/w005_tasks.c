/* SPDX-License-Identifier: MIT */
/* What is said of the calls that spawn, run or are kept in a set, not of branches. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static int plain(void)
{
	return weft_run(plain());
}

async int main(void)
{
	struct weft_set set = WEFT_SET_INIT;
	struct weft_task *task = weft_spawn(plain());
	int n = 0;

	defer await weft_set_close(&set);
	weft_task_detach(task);
	weft_try(weft_set_push(&set, n));
	weft_try(weft_set_push(&set, n = puts("none")));
	weft_try(weft_spawn_detached(n = weft_sleep(1)));
	weft_scope (scope)
		weft_try(weft_spawn_in(&scope, 1 + await weft_yield()));
	return await weft_set_next(&set, NULL) + n;
}
