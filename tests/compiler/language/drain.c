/* SPDX-License-Identifier: MIT */
/* A program that is asked to end, and finishes what it has begun (weft/shutdown.h). */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <weft.h>
#include <weft/async.h>

static struct weft_shutdown end = WEFT_SHUTDOWN_INIT;
static int begun, finished;

/* Is told, and finishes what it does all the same. */
static async int work(void)
{
	defer weft_task_tracker_leave(&end.tasks);
	begun++;
	weft_try(await weft_cancel_token_wait(&end.stop));
	weft_try(await weft_sleep(WEFT_MILLISECONDS(20)));
	finished++;
	return 0;
}

/* Begins new work until it is told. */
static async int produce(void)
{
	int err = 0, told = 0;

	defer weft_task_tracker_leave(&end.tasks);
	while (!err) {
		weft_task_tracker_enter(&end.tasks);
		if ((err = weft_spawn_detached(work())))
			weft_task_tracker_leave(&end.tasks);
		else if (await weft_select(err = weft_sleep(WEFT_MILLISECONDS(1)),
				told = weft_cancel_token_wait(&end.stop)))
			return told;
		if (begun == 5)
			kill(getpid(), SIGTERM);
	}
	return err;
}

async int main(void)
{
	int err;

	weft_task_tracker_enter(&end.tasks);
	weft_try(weft_spawn_detached(produce()));
	err = await weft_shutdown_wait(&end, WEFT_SECONDS(30));
	printf("%s, %s\n", err ? "cut short" : "drained", begun >= 5 && begun == finished ? "all finished" : "some lost");
	return err;
}
