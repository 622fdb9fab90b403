/* SPDX-License-Identifier: MIT */
/* exec/turn.h: one poll of a task by a worker, in line, and the steps of a current-thread turn. */
#ifndef WEFT_EXEC_TURN_H
#define WEFT_EXEC_TURN_H

#include "exec/runtime.h"

/* weft__task_poll with the hooks around it. */
enum weft_poll weft__worker_poll_hooked(struct weft__worker *worker, struct weft_task *task,
		struct weft_context *cx);

/* What stays the same from poll to poll of a worker. */
static inline void weft__context_prepare(struct weft_context *cx, struct weft__worker *worker,
		const struct weft_waker_ops *waker)
{
	cx->waker.ops = waker;
	cx->env = &worker->env;
}

/* What changes from poll to poll. */
static inline void weft__context_fill(struct weft_context *cx, struct weft_task *task)
{
	cx->waker.data = task;
	cx->strand = &task->strand;
	cx->budget = WEFT_BUDGET; /* from here on constants, which are two stores */
	cx->depth = 0;
	cx->cancelled = 0;
	cx->self_woken = 0;
	cx->descend = 0;
	cx->waker_taken = 0;
	cx->unwound = 0;
	cx->trying = 0;
	task->polls++;
}

/* It spent its budget although it is being cancelled: counted, and at last reported. Losers of one
 * select after the other spend it, too, but each of them comes to its end. */
void weft__task_goes_on(struct weft__worker *worker, struct weft_task *task);

/* After a poll that was PENDING. */
static inline void weft__context_settle(const struct weft_context *cx, struct weft_task *task,
		struct weft__worker *worker)
{
	if (cx->self_woken) {
		if (WEFT_UNLIKELY(cx->budget == 0)) {
			weft__count(&worker->counters.budget_yields, 1);
			if (cx->self_woken == 2 && !cx->unwound)
				weft__task_goes_on(worker, task);
		}
	} else if (WEFT_UNLIKELY(!cx->waker_taken)) {
		weft__fail("future pending without a registered waker: it can never go on",
				task->async->name, (int)task->async->line);
	}
}

/* One poll of a task that was started; cx is the worker's, prepared. The caller counts it. */
static inline enum weft_poll weft__worker_poll(struct weft__worker *worker, struct weft_task *task,
		uint8_t cancelled, struct weft_context *cx)
{
	enum weft_poll poll;

	weft__context_fill(cx, task);
	cx->cancelled = cancelled;
	if (WEFT_UNLIKELY(worker->hooked))
		poll = weft__worker_poll_hooked(worker, task, cx);
	else
		poll = weft__task_poll(task, cx);
	if (poll == WEFT_PENDING)
		weft__context_settle(cx, task, worker);
	return poll;
}

/* Up to `limit` polls, or until the root (if any) has ended. Returns how many. */
unsigned weft__ct_polls(struct weft__worker *worker, unsigned limit, const struct weft_task *root);

/* A look at everything outside the queue. Waits, up to limit_ns (0: not at all), if nothing is ready. */
void weft__ct_look(struct weft__worker *worker, int64_t limit_ns);

/* What other threads have asked of tasks. */
void weft__ct_obey_inbox(struct weft__worker *worker);

/* Nanoseconds until the next timer: 0 due, < 0 none. */
int64_t weft__ct_timer_wait(struct weft__worker *worker);

#endif
