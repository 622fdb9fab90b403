/* SPDX-License-Identifier: MIT */
/*
 * core/task_mt.h: the state of a task whose poll may happen on any worker. One word.
 *
 *     QUEUED   in exactly one run queue, or claimed by a waker that will push it
 *     RUNNING  being polled; the frame belongs to that worker
 *     DONE     ended; nothing happens any more
 *     CANCELLED asked to end (sticky)
 *
 *              wake: push                     start               done
 *     IDLE ---------------> QUEUED ------------------> RUNNING --------> DONE
 *       ^                     ^                        |  |  ^
 *       |                     |   suspend/yield: push  |  |  | wake, cancel: only the bit
 *       |                     +------------------------+  |  |
 *       |                     +-------------- RUNNING|QUEUED <
 *       +------------------------- suspend ---------------+
 *
 * Every edge is a function here, and each returns what its caller must do next.
 *
 * Invariants  [I1] a task is pushed by whoever moved it from neither QUEUED nor RUNNING to QUEUED, or
 *                  by the worker that ends a poll with QUEUED set: exactly once per QUEUED.
 *             [I2] start finds QUEUED and not RUNNING: two workers never poll one task.
 *             [I3] whoever found RUNNING, QUEUED or DONE touches the task no more: the worker may be
 *                  freeing it.
 * Order       [O1] the release half of wake and cancel pairs with the acquire half of start: what a
 *                  waker wrote before the wake is seen by the poll it caused. All are read-modify-
 *                  writes of one word, so a later waker's carry the earlier ones' along.
 *             [O2] the release half of suspend and yield pairs with the acquire half of start: the
 *                  next poll, on another worker, sees the frame.
 * Cost        wake, start, suspend: one atomic each. A yield: start and one more. done: a store.
 */
#ifndef WEFT_CORE_TASK_MT_H
#define WEFT_CORE_TASK_MT_H

#include "base/atomic.h"
#include "base/check.h"
#include "core/task.h"

enum {
	MT_QUEUED = 1,
	MT_RUNNING = 2,
	MT_DONE = 4,
	MT_CANCELLED = 8
};

enum mt_todo {
	MT_NOTHING, /* and touch the task no more */
	MT_PUSH     /* into a run queue */
};

static inline void mt_init(struct weft_task *task)
{
	/* relaxed: a new task is seen by others only through the queue it is pushed to; the slab
	 * walker may race, and finds QUEUED or the DONE of the slot's last tenant */
	atomic_store_relaxed(&task->state, (uint32_t)MT_QUEUED);
}

static inline enum mt_todo mt_wake(struct weft_task *task)
{
	uint32_t old = atomic_fetch_or_acq_rel(&task->state, (uint32_t)MT_QUEUED); /* [O1] mt_start */

	return old & (MT_QUEUED | MT_RUNNING | MT_DONE) ? MT_NOTHING : MT_PUSH; /* [I1] [I3] */
}

static inline enum mt_todo mt_cancel(struct weft_task *task)
{
	uint32_t old = atomic_fetch_or_acq_rel(&task->state,
			(uint32_t)(MT_QUEUED | MT_CANCELLED)); /* [O1] pairs with mt_start */

	return old & (MT_QUEUED | MT_RUNNING | MT_DONE) ? MT_NOTHING : MT_PUSH; /* [I1] [I3] */
}

/* Takes the task, which was popped from a queue, for a poll. Returns whether it is cancelled. */
static inline bool mt_start(struct weft_task *task)
{
	/* QUEUED + 1 is RUNNING: one addition clears the one and sets the other.
	 * [O1] pairs with mt_wake and mt_cancel, [O2] with mt_suspend and mt_yield */
	uint32_t old = atomic_fetch_add_acq_rel(&task->state, (uint32_t)(MT_RUNNING - MT_QUEUED));

	WEFT_ASSERT((old & (MT_QUEUED | MT_RUNNING | MT_DONE)) == MT_QUEUED); /* [I2] */
	return (old & MT_CANCELLED) != 0;
}

/* Ends a poll that was PENDING. */
static inline enum mt_todo mt_suspend(struct weft_task *task)
{
	uint32_t old = atomic_fetch_sub_acq_rel(&task->state, (uint32_t)MT_RUNNING); /* [O2] mt_start */

	WEFT_ASSERT(old & MT_RUNNING);
	return old & MT_QUEUED ? MT_PUSH : MT_NOTHING; /* [I1] [I3] */
}

/* Ends a poll that was PENDING and asked to be polled again: push the task. */
static inline void mt_yield(struct weft_task *task)
{
	/* [O2] pairs with mt_start; acquire carries along what [O1] wakers of this poll wrote */
	uint32_t old = atomic_exchange_acq_rel(&task->state, (uint32_t)MT_QUEUED);

	WEFT_ASSERT(old & MT_RUNNING);
	if (WEFT_UNLIKELY(old & MT_CANCELLED))
		/* relaxed: it is not pushed yet, so it is this thread that hands it on */
		atomic_fetch_or_relaxed(&task->state, (uint32_t)MT_CANCELLED);
}

/* Ends the last poll. A wake that is overwritten here had found RUNNING and does nothing more. */
static inline void mt_done(struct weft_task *task)
{
	/* relaxed: the result is published by the joiner's word (exec/join.c), memory by the free */
	atomic_store_relaxed(&task->state, (uint32_t)MT_DONE);
}

#endif
