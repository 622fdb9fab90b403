/* SPDX-License-Identifier: MIT */
/* drive.c: a future and its executor, all of it. The future counts down from 3; for each step it is
 * PENDING until a thread, which has slept, wakes it. The executor polls, and parks in between. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <weft/frame.h>

static int polls;

WEFT_ASYNC_1(int, countdown, int); /* async int countdown(int remaining) */
struct countdown__frame {
	struct countdown__args args;
	struct weft_waker waker;
};

static void *timer_run(void *frame)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
	weft_waker_wake(((struct countdown__frame *)frame)->waker);
	return NULL;
}

enum weft_poll countdown__poll(void *frame, struct weft_context *cx)
{
	struct countdown__frame *f = frame;
	pthread_t timer;

	polls++;
	if (f->args.p0 == 0)
		weft_return(f, puts("Boom!") < 0);
	printf("%d\n", f->args.p0--);
	f->waker = weft_waker_clone(weft_context_waker(cx));
	if (pthread_create(&timer, NULL, timer_run, f) || pthread_detach(timer))
		weft_return(f, 1);
	return WEFT_PENDING;
}
WEFT_ASYNC_DEFINE_LEAF(countdown, WEFT_ASYNC_RESULT_INT);

/* The executor's waker leaves a token; park waits for it and takes it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t is_left = PTHREAD_COND_INITIALIZER;
static int token, parks;

static void park(void)
{
	parks++;
	pthread_mutex_lock(&lock);
	while (!token)
		pthread_cond_wait(&is_left, &lock);
	token = 0;
	pthread_mutex_unlock(&lock);
}

static void unpark(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	token = 1;
	pthread_cond_signal(&is_left);
	pthread_mutex_unlock(&lock);
}

static const struct weft_waker_ops ops; /* nothing is counted, so a clone is a copy: */
static struct weft_waker copy(void *data)
{
	return (struct weft_waker){ &ops, data };
}
static void drop(void *unused)
{
	(void)unused;
}
static const struct weft_waker_ops ops = { copy, unpark, unpark, drop, copy, unpark };

int main(void)
{
	struct weft_strand strand = { NULL };
	struct weft_context cx = weft_context_make(copy(NULL), &strand);
	struct countdown__frame frame;

	countdown__init(&frame.args, 3);
	while (weft_strand_poll(&strand, &countdown__async, &frame, &cx) == WEFT_PENDING)
		park();
	printf("%d polls, %d parks\n", polls, parks);
	return frame.args.result || fflush(stdout);
}
