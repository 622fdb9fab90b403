/* SPDX-License-Identifier: MIT */
/* core/branch.h: what a branch, or any ended future, gave. */
#ifndef WEFT_CORE_BRANCH_H
#define WEFT_CORE_BRANCH_H

#include <sys/types.h>

#include <weft/branch.h>

#include "base/check.h"

/* The result in an ended frame where it can be read as a signed number, else 0. */
static inline ssize_t weft__frame_result(const struct weft_async *async, const void *frame)
{
	const void *result = (const char *)frame + async->result_offset;

	if (async->flags & WEFT_ASYNC_RESULT_INT)
		return *(const int *)result;
	if (async->flags & WEFT_ASYNC_RESULT_SSIZE)
		return *(const ssize_t *)result;
	return 0;
}

static inline ssize_t weft__branch_result(const struct weft_branch *branch)
{
	return weft__frame_result(branch->async, branch->frame);
}

/* As weft_strand_poll. The root alone is the common case and costs one indirect call. */
static inline enum weft_poll weft__strand_poll(struct weft_strand *strand,
		const struct weft_async *async, void *frame, struct weft_context *cx)
{
	if (WEFT_LIKELY(!strand->innermost)) {
		enum weft_poll poll;

		cx->depth = 0;
		cx->descend = 0;
		poll = async->poll(frame, cx);
		/* frames of its own end first: core/frame.c */
		WEFT_CHECK(poll == WEFT_PENDING || !strand->innermost);
		if (WEFT_LIKELY(poll == WEFT_READY || !cx->descend))
			return poll;
	}
	return weft_strand_poll(strand, async, frame, cx);
}

#endif
