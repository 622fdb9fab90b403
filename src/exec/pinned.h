/* SPDX-License-Identifier: MIT */
/*
 * exec/pinned.h: tasks of the multi-thread flavour that one worker alone polls (weft_task_spawn_local).
 *
 * How         The task's `local` names its worker. Its state is that of any other task
 *             (core/task_mt.h); only where it is queued differs:
 *
 *                 woken by its worker --> fifo --> poll
 *                 woken elsewhere --> inbox --> fifo
 *
 *             Nobody steals from these two or takes them over.
 * Invariants  [I1] a worker sleeps only when its fifo is empty and its inbox says so: in one word with
 *                  the list (exec/inbox.h), so whoever pushes into it then wakes the worker.
 */
#ifndef WEFT_EXEC_PINNED_H
#define WEFT_EXEC_PINNED_H

#include "exec/runtime.h"

/* 0, or 1 + the worker's index. */
static inline unsigned weft__pinned_to(const struct weft_task *task)
{
	return task->local % WEFT__GOES_ON;
}

static inline bool weft__pinned_ready(const struct weft__worker *worker)
{
	return worker->fifo.head != worker->fifo.tail;
}

/* Of a pinned task that became QUEUED just now. Any thread. */
__attribute__((noinline, unused)) static void weft__pinned_push(struct weft_task *task)
{
	struct weft_runtime *runtime = weft__runtime_of(task);
	struct weft__worker *home = runtime->workers[weft__pinned_to(task) - 1];
	struct weft__guest *guest;

	if (weft__worker_current == home && weft__fifo_push(&home->fifo, task))
		return;
	guest = weft__visit_begin(runtime);
	if (weft__inbox_push(&home->pinned, task)) /* [I1] */
		weft__reactor_wake(&home->reactor);
	weft__visit_end(guest);
}

/* The worker: what has come from elsewhere becomes ready. Returns how many. */
static inline unsigned weft__pinned_take(struct weft__worker *worker)
{
	struct weft_task *task = weft__inbox_take(&worker->pinned);
	unsigned count = 0;

	while (task) {
		struct weft_task *next = task->next;

		weft__pinned_push(task);
		task = next;
		count++;
	}
	return count;
}

/* The worker, before it sleeps: true if there is something to do. [I1] */
static inline bool weft__pinned_wait(struct weft__worker *worker)
{
	return weft__pinned_ready(worker) || !weft__inbox_sleep(&worker->pinned);
}

#endif
