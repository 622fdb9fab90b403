/* SPDX-License-Identifier: MIT */
/* delay.c: a leaf of one's own, as it is often shown: a thread that sleeps and then wakes. It works, and
 * must not be copied: who shares a task with others is polled again for their sake, and each poll starts
 * another thread. weft_sleep has a timer in the frame, and no thread at all. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <weft.h>
#include <weft/async.h>

static int threads;

struct sleeper {
	struct weft_waker waker;
	int64_t when;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;
	struct timespec when = { sleeper->when / WEFT_SECONDS(1), sleeper->when % WEFT_SECONDS(1) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
	weft_waker_wake(sleeper->waker);
	free(sleeper);
	return NULL;
}

WEFT_ASYNC_1(int, delay, int64_t); /* async int delay(int64_t when) */

struct delay__frame {
	struct delay__args args;
};

enum weft_poll delay__poll(void *frame, struct weft_context *cx)
{
	struct delay__frame *f = frame;
	struct sleeper *sleeper;
	pthread_t thread;

	if (weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	if (weft_now(cx) >= f->args.p0)
		weft_return(f, 0);
	sleeper = malloc(sizeof *sleeper);
	if (!sleeper)
		weft_return(f, -ENOMEM);
	*sleeper = (struct sleeper){ weft_waker_clone(weft_context_waker(cx)), f->args.p0 };
	if (pthread_create(&thread, NULL, sleeper_run, sleeper)) {
		weft_waker_drop(sleeper->waker);
		free(sleeper);
		weft_return(f, -EAGAIN);
	}
	pthread_detach(thread);
	threads++;
	return WEFT_PENDING;
}
WEFT_ASYNC_DEFINE_LEAF(delay, WEFT_ASYNC_RESULT_INT);

static async int fidget(int times)
{
	while (times-- > 0)
		weft_try(await weft_yield());
	return 0;
}

async int main(void)
{
	weft_try(await delay(weft_clock() + WEFT_MILLISECONDS(10)));
	printf("alone: %d thread\n", threads);
	threads = 0;
	await weft_join(delay(weft_clock() + WEFT_MILLISECONDS(200)), fidget(3));
	printf("beside another branch: %s\n", threads > 1 ? "threads" : "a thread");
	return fflush(stdout) != 0;
}
