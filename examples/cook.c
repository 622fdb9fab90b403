/* SPDX-License-Identifier: MIT */
/* cook.c: one cook, ten dishes. While one is on the stove the cook looks after the others; what a dish
 * has come to is in its frame. The kitchen is a single thread, and its clock is virtual: it moves when
 * there is nothing to do but wait. */
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

static async int cook_one_side(int dish)
{
	return await weft_sleep(WEFT_SECONDS(60 * dish));
}

static async int cook(int dish)
{
	printf("dish %d is on the stove\n", dish);
	weft_try(await cook_one_side(dish));
	printf("dish %d is flipped\n", dish);
	weft_try(await cook_one_side(dish));
	printf("dish %d is served\n", dish);
	return 0;
}

WEFT_ASYNC_0(int, kitchen);
async int kitchen(void)
{
	int64_t opened = weft_clock();

	weft_scope (dishes) {
		for (int dish = 1; dish <= 10; dish++)
			weft_try(weft_spawn_in(&dishes, cook(dish)));
	}
	return (int)((weft_clock() - opened) / WEFT_SECONDS(60));
}

int main(void)
{
	const struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD,
		.clock_paused = true };
	struct weft_runtime *runtime;
	struct kitchen__args args;
	int minutes;

	if (weft_runtime_create(&runtime, &options))
		return 1;
	kitchen__init(&args);
	if (weft_runtime_run(runtime, &kitchen__async, &args, &minutes))
		return 1;
	printf("ten dishes in %d minutes\n", minutes);
	weft_runtime_destroy(runtime);
	return fflush(stdout) != 0;
}
