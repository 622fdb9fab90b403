/* SPDX-License-Identifier: MIT */
/*
 * core/local.c: values that are bound while a branch is being polled.
 *
 * How         The bindings are a list through the frames of those that bind, from the inmost; its head
 *             is the thread's, and set for the length of each poll. What is bound has a strand of its
 *             own, so that no resume of what is inside goes around it.
 * Invariants  [I1] after a poll the list is what it was before: what other tasks see is theirs.
 * Why so      A word in every task would be paid for by those that bind nothing. In the context, plain
 *             functions could not get at it.
 */
#include <stddef.h>

#include <weft/local.h>

#include "core/branch.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_with__frame) == 72, "part of the ABI");

static __thread struct weft_local *bound_here __attribute__((tls_model("initial-exec")));

const void *weft_local_find(const struct weft_local_key *key)
{
	for (const struct weft_local *local = bound_here; local; local = local->outer)
		if (local->key == key)
			return local->value;
	return NULL;
}

enum weft_poll weft_with__poll(void *frame, struct weft_context *cx)
{
	struct weft_with__frame *f = frame;
	struct weft_local *local = f->args.p0;
	enum weft_poll poll;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		f->branch = weft_branch_make(f->args.p1, f->args.p2);
	else if (f->args.base.at != 1)
		weft_frame_misuse(&f->args.base);
	f->args.base.at = 1;
	local->outer = bound_here; /* at every poll: the list belongs to this thread */
	bound_here = local;
	poll = weft_branch_poll(&f->branch, cx);
	bound_here = local->outer; /* [I1] */
	if (poll == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, weft__branch_result(&f->branch));
}

static const struct weft_point with_points[] = {
	{ __LINE__, offsetof(struct weft_with__frame, branch), NULL, WEFT_POINT_BRANCH },
};

WEFT_ASYNC_DESCRIBE(weft_with, WEFT_ASYNC_RESULT_SSIZE, .points = with_points, .point_count = 1);
