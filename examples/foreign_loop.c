/* SPDX-License-Identifier: MIT */
/* foreign_loop.c: a program that has a loop of its own, as a window system does, and runs tasks in it. The
 * runtime is one descriptor and one time limit more to wait for. */
#include <poll.h>
#include <stdio.h>

#include <weft.h>
#include <weft/async.h>

WEFT_ASYNC_1(int, load, int);

async int load(int part_count)
{
	for (int part = 1; part <= part_count; part++) {
		weft_try(await weft_sleep(WEFT_MILLISECONDS(5)));
		printf("part %d is there\n", part);
	}
	return part_count;
}

/* Waits for what comes first: something of the runtime's, or the next frame to draw. */
static void wait_for_something(struct weft_runtime *runtime, int frame_ms)
{
	struct pollfd pfd = { weft_runtime_fd(runtime), POLLIN, 0 };
	int timeout_ms = weft_timeout_ms(weft_runtime_timeout(runtime));

	poll(&pfd, 1, timeout_ms < 0 || timeout_ms > frame_ms ? frame_ms : timeout_ms);
}

int main(void)
{
	const struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD };
	struct weft_runtime *runtime;
	struct weft_task *task;
	struct load__args args;
	int frames = 0;

	if (weft_runtime_create(&runtime, &options))
		return 1;
	load__init(&args, 3);
	task = weft_task_spawn(runtime, &load__async, &args);
	if (!task)
		return 1;
	for (; !weft_task_is_done(task); frames++) {
		wait_for_something(runtime, 16);
		if (weft_runtime_turn(runtime) < 0)
			return 1;
	}
	weft_task_detach(task);
	printf("it was drawn %s\n", frames > 3 ? "meanwhile" : "too rarely");
	weft_runtime_destroy(runtime);
	return fflush(stdout) != 0;
}
