/* SPDX-License-Identifier: MIT */
/*
 * exec/inject.h: tasks on their way to a worker from outside, or overflowing from a full ring.
 *
 * Why         One shared queue behind one mutex is where remote spawns meet (265 ns each with one
 *             thread, 633 with eight, in a well-known runtime). There is a shard per worker, and pushing
 *             is a compare-and-swap.
 * How         Pushers add to a stack, `incoming`. A taker, under the shard's lock, turns the whole stack
 *             round into the list `ready` when that is empty, and takes from its front: so the order is
 *             first in, first out, and what one taker leaves is there for the next, whoever that is.
 * Order       [O1] push's release pairs with the acquire exchange in take. It is also the first half of
 *                  [O2]: push (seq_cst), then look who sleeps; a worker says that it sleeps (seq_cst),
 *                  then looks at incoming (seq_cst). One of the two sees the other (exec/multi.c).
 * Cost        push: one atomic. take: two for a batch.
 */
#ifndef WEFT_EXEC_INJECT_H
#define WEFT_EXEC_INJECT_H

#include "base/atomic.h"
#include "base/lock.h"
#include "core/task.h"

struct weft__inject {
	struct weft_task *incoming; /* atomic, newest first */
	struct weft__lock lock;
	struct weft_task *ready; /* oldest first; written under the lock */
	char apart[WEFT_CACHE_LINE - 2 * sizeof(void *) - sizeof(struct weft__lock)];
};

/* Any thread. */
static inline void weft__inject_push(struct weft__inject *inject, struct weft_task *task)
{
	struct weft_task *head = atomic_load_relaxed(&inject->incoming); /* relaxed: a guess */

	do
		task->next = head;
	while (!atomic_cas_seq_cst(&inject->incoming, &head, task)); /* [O1] [O2] */
}

static inline bool weft__inject_is_empty(const struct weft__inject *inject)
{
	/* [O2]; ready: relaxed, whoever left something there is awake and looks again */
	return !atomic_load_seq_cst(&inject->incoming) && !atomic_load_relaxed(&inject->ready);
}

/* Takes up to `capacity` tasks, oldest first. Returns how many; 0 also if somebody else is taking. */
static inline unsigned weft__inject_take(
		struct weft__inject *inject, struct weft_task **tasks, unsigned capacity)
{
	struct weft_task *task;
	unsigned count = 0;

	if (weft__inject_is_empty(inject))
		return 0;
	if (!weft__lock_try(&inject->lock)) {
		atomic_pause(); /* the caller will look again at once, since it is not empty */
		return 0;
	}
	task = inject->ready;
	while (count < capacity) {
		if (!task) {
			task = weft__task_list_reverse(atomic_exchange_acquire(
					&inject->incoming, NULL)); /* [O1] */
			if (!task)
				break;
		}
		tasks[count++] = task;
		task = task->next;
	}
	atomic_store_relaxed(&inject->ready, task); /* relaxed: under the lock, or a hint */
	weft__lock_release(&inject->lock);
	return count;
}

#endif
