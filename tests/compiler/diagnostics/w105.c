/* SPDX-License-Identifier: MIT */
#include <weft.h>
#include <weft/async.h>

static int number_of_all;

static async int tell(const int *number)
{
	return await weft_yield() + *number;
}

async int start(void)
{
	int number = 1;

	return weft_spawn_detached(tell(&number));
}

async int start_parts(int *given, int row[2], int copy)
{
	static int kept;
	int numbers[3] = { 1 }, *pointer = numbers;
	struct {
		int inner[2], one;
	} parts = { { 1 }, 2 }, *others = &parts;

	weft_try(weft_spawn_detached(tell(numbers)) + weft_spawn_detached(tell(&numbers[1])) +
			weft_spawn_detached(tell(&parts.one)) +
			weft_spawn_detached(tell(parts.inner)) +
			weft_spawn_detached(tell(&copy)));
	if (!pointer)
		goto out;
	weft_task_detach(weft_spawn(tell(&number_of_all)));
	weft_task_detach(weft_spawn_local(tell(&parts.inner[1])));
out:
	return weft_spawn_detached(tell(given)) + weft_spawn_detached(tell(row)) +
			weft_spawn_detached(tell(&kept)) + weft_spawn_detached(tell(pointer)) +
			weft_spawn_detached(tell(&pointer[1])) +
			weft_spawn_detached(tell(&others->one));
}

/* Who joins may know that it ends before. */
async int start_and_join(void)
{
	int number = 1;
	struct weft_task *task = weft_spawn(tell(&number));

	weft_try(weft_spawn_detached(tell(&number)));
	return await weft_task_join(task, NULL);
}
