/* SPDX-License-Identifier: MIT */
/*
 * exec/block_on.c: a leaf that is polled by a plain thread, which sleeps on a futex in between.
 *
 * The thread's waker is claimed like a task's, so it is not counted; the parker, and the leaf's frame,
 * stay until all commits are through.
 */
#include <weft/block_on.h>

#include <errno.h>
#include <string.h>

#include "exec/join.h"
#include "exec/runtime.h"
#include "os/os.h"

/* Whether the leaf, which was asked to end, did so without an effect. */
static bool was_cancelled(const struct weft_async *async, const void *frame)
{
	const char *result = (const char *)frame + async->result_offset;
	ssize_t wide = 0;
	int narrow = 0;

	if (async->flags & WEFT_ASYNC_RESULT_INT)
		memcpy(&narrow, result, sizeof narrow);
	else if (async->flags & WEFT_ASYNC_RESULT_SSIZE)
		memcpy(&wide, result, sizeof wide);
	return narrow == -ECANCELED || wide == -ECANCELED;
}

int weft_block_on(const struct weft_async *async, void *frame, int64_t deadline_ns)
{
	struct weft__parker parker = { 0, 0 };
	struct weft_strand strand = { NULL };
	bool is_late = false;

	if (weft__worker_current)
		return -EDEADLK;
	for (;;) {
		struct weft_context cx = weft_context_make(weft__parker_waker(&parker), &strand);

		cx.cancelled = is_late;
		if (weft_strand_poll(&strand, async, frame, &cx) == WEFT_READY)
			break;
		if (!cx.self_woken && weft__parker_wait(&parker, deadline_ns))
			is_late = true;
		if (is_late)
			deadline_ns = INT64_MAX;
	}
	weft__parker_settle(&parker);
	return is_late && was_cancelled(async, frame) ? -ETIME : 0;
}
