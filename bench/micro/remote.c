/* SPDX-License-Identifier: MIT */
/* remote.c: what it costs to spawn from other threads. Names, output and method: bench/README.md. */
#include <pthread.h>

#include "benchmarks.h"
#include "rig.h"

enum { REMOTE_TASKS = 400000, THREADS_MAX = 64 };

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

static struct micro_sample remote_spawn(int workers, size_t threads)
{
	size_t each = REMOTE_TASKS / threads;
	pthread_barrier_t barrier;
	struct spawner spawner = { &barrier, each };
	struct rig_wait_all__args args;
	struct micro_watch watch;
	pthread_t ids[THREADS_MAX];

	rig_begin(workers);
	rig.sum = 0;
	rig_expect_all(each * threads);
	pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
	for (size_t i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, spawner_run, &spawner);
	pthread_barrier_wait(&barrier);
	watch = micro_watch_start();
	rig_wait_all__init(&args);
	rig_await(&rig_wait_all__async, &args);
	rig.sample = micro_wall_and_cpu_per(&watch, (int64_t)(each * threads));
	for (size_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	micro_expect((int64_t)rig.sum, (int64_t)(threads * (each * (each - 1) / 2)));
	rig_end();
	return rig.sample;
}

struct micro_sample remote_spawn_1(int workers)
{
	return remote_spawn(workers, 1);
}

struct micro_sample remote_spawn_8(int workers)
{
	return remote_spawn(workers, 8);
}
