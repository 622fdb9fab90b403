/* SPDX-License-Identifier: MIT */
/*
 * core/task.h: the task header, 64 bytes in front of the root frame.
 *
 * Which fields belong to whom:
 *
 *   field      current-thread flavour            multi-thread flavour
 *   state      requests of other threads         the whole state machine
 *              (core/task_ct.h), atomic          (core/task_mt.h), atomic
 *   local      the state machine, plain,         0, or 1 + the index of the worker that alone
 *              home thread only                  polls it; plain, set before the start
 *              above both, in units of WEFT__GOES_ON, a count that whoever polls keeps (exec/task.c)
 *   next       link in an inbox or shared queue, or among those that are held (exec/scope.c): whoever
 *              queued the task, or holds it, owns it
 *   refs       1 for the body + owned wakers, atomic
 *   joiner     one word for who joins: exec/join.c
 *   strand, polls, the frame: whoever polls
 *
 * The slab walker (dump, shutdown) reads `async`, which is NULL in a slot that holds no started task;
 * the slab's free list runs through `next`, so that `async` and `state` of a freed slot stay readable.
 */
#ifndef WEFT_CORE_TASK_H
#define WEFT_CORE_TASK_H

#include <weft/frame.h>

#include "base/check.h"
#include "core/held.h"

struct weft__executor;

struct weft_task {
	uint32_t state;
	uint32_t local;
	struct weft_task *next;
	const struct weft_async *async;
	struct weft__executor *executor;
	struct weft_strand strand;
	uintptr_t joiner;
	uint32_t refs;
	uint32_t polls;
	uint32_t generation;
	uint32_t ended; /* atomic; for those who only look */
};

enum { WEFT__GOES_ON = 1 << 16 };

/* The header's size in memory, also where pointers are small: the frame behind it has the alignment of
 * the block, which is up to 64. */
#define WEFT__TASK_BYTES ((size_t)64)

_Static_assert(sizeof(struct weft_task) <= WEFT__TASK_BYTES,
		"a task header is one cache line at most");

static inline void *weft__task_frame(struct weft_task *task)
{
	return (char *)task + WEFT__TASK_BYTES;
}

static inline struct weft_task *weft__task_of(void *frame)
{
	return (struct weft_task *)(void *)((char *)frame - WEFT__TASK_BYTES);
}

static inline void *weft__task_result(struct weft_task *task, const struct weft_async *async)
{
	return (char *)weft__task_frame(task) + async->result_offset;
}

/* Turns a list through `next` round: what was pushed last is taken last. */
static inline struct weft_task *weft__task_list_reverse(struct weft_task *newest)
{
	struct weft_task *oldest = NULL;

	while (newest) {
		struct weft_task *older = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = older;
	}
	return oldest;
}

static inline enum weft_poll weft__task_poll_unwatched(
		struct weft_task *task, struct weft_context *cx)
{
	if (WEFT_LIKELY(!task->strand.innermost)) {
		enum weft_poll poll = task->async->poll(weft__task_frame(task), cx);

		/* frames of its own end first: core/frame.c */
		WEFT_CHECK(poll == WEFT_PENDING || !task->strand.innermost);
		if (WEFT_LIKELY(poll == WEFT_READY || !cx->descend))
			return poll;
	}
	return weft_strand_poll(&task->strand, task->async, weft__task_frame(task), cx);
}

/* One poll of the task's strand. The root alone is the common case and costs one indirect call. */
static inline enum weft_poll weft__task_poll(struct weft_task *task, struct weft_context *cx)
{
#if WEFT__HELD
	enum weft_poll poll;

	weft__task_polled = task;
	WEFT_HELD(begins());
	poll = weft__task_poll_unwatched(task, cx);
	if (poll == WEFT_PENDING)
		WEFT_HELD(suspends(task));
	weft__task_polled = NULL;
	return poll;
#else
	return weft__task_poll_unwatched(task, cx);
#endif
}

#endif
