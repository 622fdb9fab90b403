/* SPDX-License-Identifier: MIT */
/* remote.c: what it costs to spawn from other threads. Names, output and method: bench/README.md. */
#include <pthread.h>

#include "benchmarks.h"
#include "rig.h"

enum { REMOTE_TASKS = 200000, THREADS_MAX = 64, BUSY_TASKS = 8 };

/* ---- spawning from other threads ---- */

WEFT_ASYNC_1(int, remote_task, size_t);

struct remote_task__frame {
	struct remote_task__args args;
};

enum weft_poll remote_task__poll(void *frame, struct weft_context *cx)
{
	struct remote_task__frame *f = frame;

	(void)cx;
	rig_add(&rig.sum, f->args.p0);
	rig_one_done();
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE(remote_task, WEFT_ASYNC_RESULT_INT);

struct spawner {
	pthread_barrier_t *barrier;
	size_t count;
};

static void *spawner_run(void *arg)
{
	struct spawner *spawner = arg;

	pthread_barrier_wait(spawner->barrier);
	for (size_t i = 0; i < spawner->count; i++) {
		struct remote_task__args *args = weft_task_create(rig.runtime, &remote_task__async);

		if (!args)
			exit(1);
		remote_task__init(args, i);
		weft_task_start_detached(args);
	}
	return NULL;
}

/* Spins until there is nothing left to do. */
WEFT_ASYNC_0(int, busy);

struct busy__frame {
	struct busy__args args;
	struct weft_yield__frame yield;
};

enum weft_poll busy__poll(void *frame, struct weft_context *cx)
{
	struct busy__frame *f = frame;

	weft_begin(f);
	/* pairs with rig_one_done */
	while (__atomic_load_n(&rig.remaining, __ATOMIC_ACQUIRE) > 0)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(busy, WEFT_ASYNC_RESULT_INT);

/* The root: so many tasks that are busy, and then it waits. */
WEFT_ASYNC_2(int, remote, pthread_barrier_t *, int);

struct remote__frame {
	struct remote__args args;
	struct micro_watch watch;
	struct rig_wait_all__frame wait;
};

enum weft_poll remote__poll(void *frame, struct weft_context *cx)
{
	struct remote__frame *f = frame;
	struct busy__args busy;

	weft_begin(f);
	for (int i = 0; i < f->args.p1; i++) {
		busy__init(&busy);
		rig_spawn(&busy__async, &busy);
	}
	pthread_barrier_wait(f->args.p0); /* the only wait of a runtime that is not busy yet */
	f->watch = micro_watch_start();
	weft_await(f, f->wait, rig_wait_all);
	rig.sample = micro_wall_and_cpu_per(&f->watch, REMOTE_TASKS);
	weft_return(f, 0);
	weft_end(f);
}
WEFT_ASYNC_DEFINE(remote, WEFT_ASYNC_RESULT_INT);

static struct micro_sample remote_spawn(int workers, size_t threads, int busy_tasks)
{
	size_t each = REMOTE_TASKS / threads;
	pthread_barrier_t barrier;
	struct spawner spawner = { &barrier, each };
	struct remote__args args;
	pthread_t ids[THREADS_MAX];

	rig_begin(workers);
	rig.sum = 0;
	rig_expect_all(REMOTE_TASKS);
	pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++)
		micro_expect(pthread_create(&ids[i], NULL, spawner_run, &spawner), 0);
	remote__init(&args, &barrier, busy_tasks);
	rig_await(&remote__async, &args);
	for (size_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	micro_expect((int64_t)rig.sum, (int64_t)(threads * (each * (each - 1) / 2)));
	rig_end();
	return rig.sample;
}

struct micro_sample remote_spawn_1(int workers)
{
	return remote_spawn(workers, 1, 0);
}

struct micro_sample remote_spawn_4(int workers)
{
	return remote_spawn(workers, 4, 0);
}

struct micro_sample remote_spawn_16(int workers)
{
	return remote_spawn(workers, 16, 0);
}

struct micro_sample remote_spawn_64(int workers)
{
	return remote_spawn(workers, 64, 0);
}

struct micro_sample remote_spawn_busy(int workers)
{
	return remote_spawn(workers, 1, BUSY_TASKS);
}
