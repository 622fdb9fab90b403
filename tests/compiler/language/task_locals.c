/* SPDX-License-Identifier: MIT */
/* Values that belong to a task, seen by whatever it calls (behaviour 34). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft.h>
#include <weft/async.h>

WEFT_LOCAL_DECLARE(const char *, request)
WEFT_LOCAL_DECLARE(int, depth)
WEFT_LOCAL_DEFINE(request);
WEFT_LOCAL_DEFINE(depth);

static void say(const char *text)
{
	const char *const *id = request_get();
	const int *at = depth_get();

	printf("%s: %s at %d\n", id ? *id : "nobody", text, at ? *at : 0);
}

static async int step(const char *text)
{
	weft_try(await weft_yield());
	say(text);
	return 0;
}

/* Recursive, so in frames of their own: a resume begins with the innermost. */
static async int down(int at)
{
	struct weft_local mine = depth_bind(&at);

	if (at < 3)
		return await weft_with(&mine, down(at + 1));
	return await weft_with(&mine, step("below"));
}

static async int cleans_up(void)
{
	defer say("unwinds");
	return await weft_sleep(WEFT_SECONDS(3600));
}

static async int as(struct weft_local *who, async int (*what)(void))
{
	return await weft_with(who, what());
}

static async int child(void)
{
	say("has a task of its own");
	return 0;
}

static async int in_a_branch(void)
{
	return await step("in a branch");
}

static async int serve(const char *id)
{
	struct weft_local mine = request_bind(&id);
	int left = 0, right = 0;

	weft_try(await weft_with(&mine, step("begins")));
	weft_try(await weft_with(&mine, down(1)));
	if (await weft_timeout(1, as(&mine, cleans_up)) != -ETIME)
		return -EPROTO;
	await weft_with(&mine, left = step("assigns"));
	await weft_join(left = as(&mine, in_a_branch), right = step("beside it"));
	weft_try(left);
	return right;
}

static async int spawns(void)
{
	weft_scope(tasks)
	{
		weft_try(weft_spawn_in(&tasks, child()));
	}
	return 0;
}

async int main(void)
{
	const char *id = "seven";
	struct weft_local mine = request_bind(&id);

	weft_try(await serve("one"));
	weft_try(await weft_with(&mine, spawns()));
	say("ends");
	return 0;
}
