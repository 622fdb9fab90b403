/* SPDX-License-Identifier: MIT */
/*
 * T15: a local that moves into the frame is missed as before while it has no value.
 * flags: -O2 -Wall
 */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async int next(int n)
{
	return await weft_yield() + n;
}

async int never(void)
{
	int never_set;

	weft_try(await next(1));
	return never_set;
}

async int sometimes(int n)
{
	int sometimes_set;

	if (n > 3)
		sometimes_set = await next(n);
	weft_try(await next(1));
	return sometimes_set;
}

async int always(int n)
{
	weft_future(next) later;
	char *deferred;
	int a, b, c, d;

	defer puts(deferred);
	await weft_join(a = next(1), b = next(2));
	if (await weft_select(c = weft_sleep(1), d = weft_yield()) == 0)
		a += c;
	deferred = "late";
	weft_scope (tasks) {
		weft_try(weft_spawn_in(&tasks, next(c = n)));
	}
	weft_start(later, next(a));
	return await later + b + c + d;
}
