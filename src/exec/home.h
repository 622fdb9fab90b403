/* SPDX-License-Identifier: MIT */
/*
 * exec/home.h: the steps of a small task's life that its home thread takes in line.
 *
 * Why         To spawn, run once and join a task takes two hundred instructions of the current-thread
 *             flavour. It took three hundred by way of the flavour's table, whose functions ask again
 *             whether this is the home thread.
 * How         One comparison tells the flavour and the thread: `home_of` of a worker is the executor
 *             whose tasks are at home on the thread that runs the worker; the multi-thread flavour
 *             has none. What is unusual in any other way (a hook, a result of odd size, no room)
 *             goes the general way, too, before anything has happened: so these functions make no
 *             call, and whoever contains them saves no register.
 *
 * What others may ask of these tasks at the same time, and [I1], [I2]: current.c, core/task_ct.h.
 */
#ifndef WEFT_EXEC_HOME_H
#define WEFT_EXEC_HOME_H

#include "base/atomic.h"
#include "core/task_ct.h"
#include "exec/join.h"
#include "exec/runtime.h"

/* Whether the thread that runs `worker` (NULL: a thread that runs none) is the task's home. */
static inline bool weft__is_home(const struct weft__worker *worker, const struct weft_task *task)
{
	return worker && worker->home_of == task->executor;
}

/* Makes room in the run queue, or leaves the task to the inbox. */
void weft__ct_push_slow(struct weft__worker *worker, struct weft_task *task);

/* Into the run queue: local has QUEUED. [I1] */
static inline void weft__ct_push(struct weft__worker *worker, struct weft_task *task)
{
	if (WEFT_UNLIKELY(weft__fifo_is_full(&worker->fifo)))
		weft__ct_push_slow(worker, task);
	else
		weft__fifo_put(&worker->fifo, task);
}

/* The last steps of a launch, whose first is weft__task_launching. */
static inline void weft__ct_enqueue(struct weft__worker *worker, struct weft_task *task,
		const struct weft_async *async, bool detached)
{
	task->joiner = JOIN_OPEN;
	ct_init(task, detached);
	task->local |= CT_QUEUED;
	weft__task_publish(task, async);
	weft__ct_push(worker, task);
}

/* False, and nothing has happened: this takes the general way. */
static inline bool weft__ct_launch(struct weft__worker *worker, struct weft_task *task, bool detached)
{
	const struct weft_async *async = (const struct weft_async *)task->joiner;

	if (WEFT_UNLIKELY(!weft__is_home(worker, task) || worker->watched || async->embedded_count ||
			weft__fifo_is_full(&worker->fifo)))
		return false;
	weft__ct_enqueue(worker, task, async, detached);
	return true;
}

/* Whether nothing but the handle holds the memory of a task that is DONE. [I2] */
static inline bool weft__ct_is_over(const struct weft_task *task)
{
	/* acquire pairs with the last waker's drop, whose request is looked for afterwards */
	return atomic_load_acquire(&task->refs) == 1 && !ct_requested(task);
}

/* A join of a task that has ended. False, and nothing has happened: this takes the general way. */
static inline bool weft__ct_collect(struct weft__worker *worker, struct weft_task *task, void *result)
{
	const struct weft_async *async;

	if (WEFT_UNLIKELY(!weft__is_home(worker, task) || !(task->local & CT_DONE) ||
			!weft__ct_is_over(task) || !weft__heap_is_own(&worker->heap, task)))
		return false;
	async = task->async;
	if (WEFT_LIKELY(async->result_size == sizeof(int64_t) && result))
		__builtin_memcpy(result, weft__task_result(task, async), sizeof(int64_t));
	else if (WEFT_LIKELY(async->result_size == sizeof(int) && result))
		__builtin_memcpy(result, weft__task_result(task, async), sizeof(int));
	else if (result)
		return false;
	weft__task_unpublish(task);
	weft__heap_put(task);
	return true;
}

#endif
