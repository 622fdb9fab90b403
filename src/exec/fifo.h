/* SPDX-License-Identifier: MIT */
/*
 * exec/fifo.h: a growing ring of ready tasks, for one thread.
 *
 * An array rather than a list through the tasks: the next tasks' memory is known early and prefetched.
 */
#ifndef WEFT_EXEC_FIFO_H
#define WEFT_EXEC_FIFO_H

#include "base/check.h"
#include "core/task.h"

/* All zero: empty, no memory. */
struct weft__fifo {
	struct weft_task **tasks;
	uint32_t mask; /* capacity - 1 */
	uint32_t head, tail;
};

bool weft__fifo_grow(struct weft__fifo *fifo);
void weft__fifo_free(struct weft__fifo *fifo);

/* Gives a burst's memory back, if the ring is empty. */
void weft__fifo_shrink(struct weft__fifo *fifo);

static inline uint32_t weft__fifo_count(const struct weft__fifo *fifo)
{
	return fifo->tail - fifo->head;
}

/* False: full, and no memory for more. */
static inline bool weft__fifo_push(struct weft__fifo *fifo, struct weft_task *task)
{
	if (WEFT_UNLIKELY(!fifo->tasks || fifo->tail - fifo->head > fifo->mask) &&
			!weft__fifo_grow(fifo))
		return false;
	fifo->tasks[fifo->tail++ & fifo->mask] = task;
	return true;
}

/* NULL: empty. */
static inline struct weft_task *weft__fifo_pop(struct weft__fifo *fifo)
{
	struct weft_task *task;

	if (fifo->head == fifo->tail)
		return NULL;
	task = fifo->tasks[fifo->head++ & fifo->mask];
	/* the header and frame of a task that comes soon arrive while this one runs */
	if (fifo->tail - fifo->head > 4) {
		struct weft_task *soon = fifo->tasks[(fifo->head + 3) & fifo->mask];

		__builtin_prefetch(soon, 1);
		__builtin_prefetch((char *)soon + WEFT_CACHE_LINE, 1);
	}
	return task;
}

#endif
