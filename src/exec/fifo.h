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
	uint32_t capacity, mask; /* mask: capacity - 1 */
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

static inline bool weft__fifo_is_full(const struct weft__fifo *fifo)
{
	return fifo->tail - fifo->head == fifo->capacity;
}

/* It is not full. */
static inline void weft__fifo_put(struct weft__fifo *fifo, struct weft_task *task)
{
	fifo->tasks[fifo->tail++ & fifo->mask] = task;
}

/* False: full, and no memory for more. */
static inline bool weft__fifo_push(struct weft__fifo *fifo, struct weft_task *task)
{
	if (WEFT_UNLIKELY(weft__fifo_is_full(fifo)) && !weft__fifo_grow(fifo))
		return false;
	weft__fifo_put(fifo, task);
	return true;
}

/* It is not empty. */
static inline struct weft_task *weft__fifo_take(struct weft__fifo *fifo)
{
	struct weft_task *task = fifo->tasks[fifo->head++ & fifo->mask];
	/* The header and frame of a task that comes soon arrive while this one runs. In a short queue it
	 * is one that was here before: a prefetch may go astray. */
	struct weft_task *soon = fifo->tasks[(fifo->head + 3) & fifo->mask];

	__builtin_prefetch(soon, 1);
	__builtin_prefetch((char *)soon + WEFT_CACHE_LINE, 1);
	return task;
}

/* NULL: empty. */
static inline struct weft_task *weft__fifo_pop(struct weft__fifo *fifo)
{
	return fifo->head == fifo->tail ? NULL : weft__fifo_take(fifo);
}

#endif
