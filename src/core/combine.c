/* SPDX-License-Identifier: MIT */
/* core/combine.c: a future made of another one. */
#include <stddef.h>

#include <weft/combine.h>

#include "core/branch.h"

enum { AT_BEGIN, AT_FIRST, AT_NEXT };

static const void *branch_result_at(const struct weft_branch *branch)
{
	return (const char *)branch->frame + branch->async->result_offset;
}

enum weft_poll weft_map__poll(void *frame, struct weft_context *cx)
{
	struct weft_map__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == AT_BEGIN)
		f->branch = weft_branch_make(f->args.p0, f->args.p1);
	f->args.base.at = AT_FIRST;
	if (weft_branch_poll(&f->branch, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->args.p2(f->args.p3, branch_result_at(&f->branch)));
}

static const struct weft_point map_points[] = {
	{ __LINE__, offsetof(struct weft_map__frame, branch), NULL,
			WEFT_POINT_BRANCH }, /* AT_FIRST */
};

WEFT_ASYNC_DESCRIBE(weft_map, WEFT_ASYNC_RESULT_INT, .points = map_points, .point_count = 1);

enum weft_poll weft_then__poll(void *frame, struct weft_context *cx)
{
	struct weft_then__frame *f = frame;
	const struct weft_continuation *next = f->args.p2;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == AT_BEGIN) {
		f->branch = weft_branch_make(f->args.p0, f->args.p1);
		f->args.base.at = AT_FIRST;
	}
	if (weft_branch_poll(&f->branch, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	if (f->args.base.at == AT_FIRST) {
		int outcome = next->prepare(next->data, branch_result_at(&f->branch));

		if (outcome != 0)
			weft_return(f, outcome);
		f->branch = weft_branch_make(next->async, next->frame);
		f->args.base.at = AT_NEXT;
		if (weft_branch_poll(&f->branch, cx) == WEFT_PENDING)
			return WEFT_PENDING;
	}
	weft_return(f, (int)weft__branch_result(&f->branch));
}

static const struct weft_point then_points[] = {
	{ __LINE__, offsetof(struct weft_then__frame, branch), NULL,
			WEFT_POINT_BRANCH }, /* AT_FIRST */
	{ __LINE__, offsetof(struct weft_then__frame, branch), NULL,
			WEFT_POINT_BRANCH }, /* AT_NEXT */
};

WEFT_ASYNC_DESCRIBE(weft_then, WEFT_ASYNC_RESULT_INT, .points = then_points, .point_count = 2);
