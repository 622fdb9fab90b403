/* SPDX-License-Identifier: MIT */
/*
 * exec/workers.c: the threads of the multi-thread flavour: start, relief, block_in_place, stop.
 *
 * A worker that blocks in place keeps its thread, and everybody may drive and empty what it owns
 * (exec/multi.c). Only if no other worker is left is one more started: the relief. It stays, as an
 * ordinary worker that sleeps when there is nothing to do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "exec/runtime.h"

static void *mt_thread(void *arg)
{
	struct weft__worker *worker = arg;
	struct weft_runtime *runtime = worker->runtime;
	const struct weft_hooks *hooks = &runtime->options.hooks;

	weft__worker_enter(worker);
	if (hooks->thread_start)
		hooks->thread_start(hooks->data);
	weft__mt_loop(worker);
	if (hooks->thread_stop)
		hooks->thread_stop(hooks->data);
	weft__worker_leave();
	/* pairs with weft__mt_stop's acquire load: the last touch but the wake */
	if (atomic_fetch_sub_acq_rel(&runtime->threads_alive, 1u) == 1)
		weft__futex_wake(&runtime->threads_alive, INT32_MAX);
	return NULL;
}

static int worker_thread_start(struct weft__worker *worker)
{
	struct weft_runtime *runtime = worker->runtime;
	char name[32];
	int err;

	if (!worker->sightings)
		worker->sightings = calloc(WEFT__WORKERS_MAX, sizeof *worker->sightings);
	if (!worker->sightings)
		return -ENOMEM;
	snprintf(name, sizeof name, "%.10s-%u", runtime->name, worker->index);
	atomic_fetch_add_acq_rel(&runtime->threads_alive, 1u); /* pairs with weft__mt_stop */
	err = weft__thread_start(&worker->thread, runtime->options.thread_stack_bytes, name,
			mt_thread, worker);
	if (err)
		atomic_fetch_sub_acq_rel(
				&runtime->threads_alive, 1u); /* pairs with weft__mt_stop */
	worker->started = !err;
	return err;
}

int weft__mt_start(struct weft_runtime *runtime)
{
	int err = weft__monitor_start(runtime);

	for (unsigned i = 0; !err && i < runtime->nominal; i++)
		err = worker_thread_start(runtime->workers[i]);
	if (err) {
		weft__monitor_stop(runtime);
		(void)weft__mt_stop(runtime, WEFT_NEVER);
	}
	return err;
}

/* Under the mutex. One that got no thread waits here for the next attempt. */
static int relief_worker_make(struct weft_runtime *runtime, unsigned index)
{
	struct weft__worker *worker;
	int err;

	if (runtime->workers[index])
		return 0;
	worker = aligned_alloc(WEFT_CACHE_LINE,
			(sizeof *worker + WEFT_CACHE_LINE - 1) & ~(size_t)(WEFT_CACHE_LINE - 1));
	if (!worker)
		return -ENOMEM;
	err = weft__worker_init(worker, runtime, index);
	if (err)
		free(worker);
	else
		runtime->workers[index] = worker;
	return err;
}

/* Every worker but the caller's is in block_in_place, or will be: one more. It counts once it has a
 * thread: who counts the sleepers must not wait for one that cannot sleep. */
static int relieve(struct weft_runtime *runtime)
{
	unsigned index;
	int err = -EAGAIN;

	weft__mutex_lock(&runtime->relief_mutex);
	index = atomic_load_relaxed(&runtime->worker_count); /* relaxed: written under the mutex */
	if (index < runtime->nominal + WEFT__RELIEF && index < WEFT__WORKERS_MAX &&
			!atomic_load_relaxed(
					&runtime->stopping)) /* relaxed: stop takes the mutex */
		err = relief_worker_make(runtime, index);
	if (!err)
		err = worker_thread_start(runtime->workers[index]);
	if (!err) /* publishes the worker */
		atomic_store_release(&runtime->worker_count, index + 1);
	weft__mutex_unlock(&runtime->relief_mutex);
	return err;
}

bool weft__mt_stop(struct weft_runtime *runtime, int64_t deadline_ns)
{
	bool in_time = true;
	uint32_t alive;
	unsigned count;

	weft__mutex_lock(&runtime->relief_mutex);
	atomic_store_seq_cst(&runtime->stopping, 1u); /* pairs with has_work */
	weft__mutex_unlock(&runtime->relief_mutex);
	count = atomic_load_acquire(&runtime->worker_count); /* pairs with relieve */
	for (unsigned i = 0; i < count; i++)
		if (runtime->workers[i])
			weft__reactor_wake(&runtime->workers[i]->reactor);
	while (in_time &&
			(alive = atomic_load_acquire(&runtime->threads_alive))) /* with mt_thread */
		in_time = weft__futex_wait(&runtime->threads_alive, alive, deadline_ns) == 0;
	for (unsigned i = 0; i < count; i++) {
		if (!runtime->workers[i] || !runtime->workers[i]->started)
			continue;
		if (in_time)
			weft__thread_join(&runtime->workers[i]->thread);
		else
			weft__thread_detach(&runtime->workers[i]->thread);
	}
	return in_time;
}

int weft_block_in_place(weft_blocking_fn fn, void *arg)
{
	struct weft__worker *worker = weft__worker_current;
	struct weft_runtime *runtime;
	uint32_t blocked;

	if (!worker || worker->runtime->options.flavour != WEFT_MULTI_THREAD)
		return -ENOTSUP;
	runtime = worker->runtime;
	if (atomic_load_relaxed(&worker->blocked)) { /* relaxed: ours; it is away already */
		fn(arg);
		return 0;
	}
	weft__mt_spill_slot(worker);
	atomic_store_relaxed(&worker->blocked, 1u); /* relaxed: a hint to thieves */
	blocked = atomic_fetch_add_seq_cst(&runtime->blocked_count, 1u) + 1; /* with mt_inject */
	if (blocked >= atomic_load_acquire(&runtime->worker_count) && relieve(runtime))
		weft__report(runtime,
				"all workers block in place, and no thread can be had for another");
	weft__mt_wake_one(runtime);
	fn(arg);
	atomic_fetch_sub_seq_cst(&runtime->blocked_count, 1u); /* with mt_inject */
	atomic_store_relaxed(&worker->blocked, 0u);            /* relaxed: a hint */
	return 0;
}
