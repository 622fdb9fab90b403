/* SPDX-License-Identifier: MIT */
/* core/branch.h: what a branch, or any ended future, gave. */
#ifndef WEFT_CORE_BRANCH_H
#define WEFT_CORE_BRANCH_H

#include <sys/types.h>

#include <weft/branch.h>

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

#endif
