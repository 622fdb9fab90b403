/* SPDX-License-Identifier: MIT */
/*
 * exec/trace.h: where a task is: through the frames of its strands, by the tables of await points.
 *
 * All of it reads plain memory of the task: for whoever polls it, or has claimed it, so that nobody
 * polls it meanwhile. Functions written by hand have no table: a trace ends with them.
 */
#ifndef WEFT_EXEC_TRACE_H
#define WEFT_EXEC_TRACE_H

#include <weft/branch.h>

#include "core/task.h"

/* A function, and the line of its await. */
struct weft__place {
	const struct weft_async *async;
	uint32_t line;
};

/* Where a frame waits: the await point, or NULL: it has none, or no table. */
const struct weft_point *weft__trace_point(
		const struct weft_async *async, const struct weft_frame *frame);
uint32_t weft__trace_line(const struct weft_async *async, const struct weft_frame *frame);

/* What the function at that point waits for. */
enum weft__trace_step {
	TRACE_END,     /* nothing that is known */
	TRACE_CHILD,   /* an embedded frame: *async and *frame are its */
	TRACE_BRANCHES /* *frame is the first of *count branches */
};
enum weft__trace_step weft__trace_next(
		const struct weft_async **async, void **frame, unsigned *count);

/* The innermost end of a strand whose root is that: what a resume would poll. */
void weft__trace_innermost(
		const struct weft_strand *strand, const struct weft_async **async, void **frame);

/* Whether the branch takes part, and has not ended. */
static inline bool weft__trace_is_live(const struct weft_branch *branch)
{
	return weft_branch_is_made(branch) && !branch->done;
}

/* The function in whose frame `leaf` lies, of the task that this thread polls; leaf NULL: the
 * innermost that the tables know of. */
struct weft__place weft__trace_find(struct weft_task *task, const void *leaf);

#endif
