/* SPDX-License-Identifier: MIT */
/*
 * exec/trace.c: see trace.h. tools/gdb/libweft-gdb.py follows the same tables from outside.
 *
 * Why so      A leaf is looked for by its address in the frames around it, not only by the tables: so
 * a function
 *             without one is found, too, as long as the leaf is in its frame.
 * Cost        a search goes through all frames of their own and all branches of the task. It is for
 *             reports.
 */
#include <weft/visitor.h>

#include "exec/trace.h"

uint32_t weft__trace_line(const struct weft_async *async, const struct weft_frame *frame)
{
	const struct weft_point *point = weft__trace_point(async, frame);

	if (async->flags & WEFT_ASYNC_LINES && frame->at != 0 && frame->at != WEFT_AT_DONE)
		return frame->at;
	return point ? point->line : async->line;
}

const struct weft_point *weft__trace_point(
		const struct weft_async *async, const struct weft_frame *frame)
{
	if (frame->at == 0 || frame->at > async->point_count || async->flags & WEFT_ASYNC_LINES)
		return NULL;
	return &async->points[frame->at - 1];
}

enum weft__trace_step weft__trace_next(
		const struct weft_async **async, void **frame, unsigned *count)
{
	const struct weft_point *point = weft__trace_point(*async, *frame);
	char *child;

	if (!point || (*async)->flags & WEFT_ASYNC_LEAF || point->flags & WEFT_POINT_OWN)
		return TRACE_END; /* an own frame is an innermost one, or has ended */
	child = (char *)*frame + point->child_offset;
	if (point->flags & WEFT_POINT_BRANCH) {
		*frame = child;
		*count = point->flags >> 8 ? point->flags >> 8 : 1;
		return TRACE_BRANCHES;
	}
	if (!point->child)
		return TRACE_END;
	*async = point->child;
	*frame = child;
	return TRACE_CHILD;
}

void weft__trace_innermost(
		const struct weft_strand *strand, const struct weft_async **async, void **frame)
{
	if (!strand->innermost)
		return;
	*async = strand->innermost->async;
	*frame = strand->innermost + 1;
}

/* ---- searching ---- */

static bool frame_holds(const struct weft_async *async, const void *frame, const void *leaf)
{
	uintptr_t from = (uintptr_t)frame, at = (uintptr_t)leaf;

	return at >= from && at < from + async->frame_size;
}

static bool find_in_strand(const struct weft_strand *strand, const struct weft_async *async,
		void *frame, const void *leaf, struct weft__place *place);

/* Of a leaf that polls futures itself. */
struct find_visitor {
	struct weft_visitor visitor;
	const void *leaf;
	struct weft__place *place;
	bool found;
};

static void find_in_future(struct weft_visitor *visitor, const struct weft_strand *strand,
		const struct weft_async *async, void *frame)
{
	static const struct weft_strand none;
	struct find_visitor *find = (struct find_visitor *)visitor;

	if (frame != find->leaf)
		find->found |= find_in_strand(
				strand ? strand : &none, async, frame, find->leaf, find->place);
}

static void find_not_in_scope(struct weft_visitor *visitor, struct weft_scope *scope)
{
	(void)visitor, (void)scope; /* other tasks */
}

static void find_not_there(struct weft_visitor *visitor)
{
	(void)visitor;
}

static bool find_in_leaf(const struct weft_async *async, void *frame, const void *leaf,
		struct weft__place *place)
{
	struct find_visitor find = { { find_in_future, find_not_in_scope, find_not_there }, leaf,
		place, false };

	if (async->flags & WEFT_ASYNC_CHILDREN && weft_frame_is_begun(frame))
		async->each(frame, &find.visitor);
	return find.found;
}

/* From this frame down; the deepest function that the leaf is in. */
static bool find_in_frame(const struct weft_async *async, void *frame, const void *leaf,
		struct weft__place *place)
{
	bool found = false;

	for (;;) {
		struct weft__place here = { async, weft__trace_line(async, frame) };
		unsigned count = 0;

		if (frame_holds(async, frame, leaf)) {
			*place = here;
			found = true;
		}
		switch (weft__trace_next(&async, &frame, &count)) {
		case TRACE_END:
			return find_in_leaf(async, frame, leaf, place) || found;
		case TRACE_CHILD:
			if (frame == leaf)
				return found;
			break;
		case TRACE_BRANCHES:
			for (struct weft_branch *branch = frame; count > 0; count--, branch++)
				if (weft__trace_is_live(branch) && branch->frame != leaf)
					found |= find_in_strand(&branch->strand, branch->async,
							branch->frame, leaf, place);
			return found;
		}
	}
}

static bool find_in_strand(const struct weft_strand *strand, const struct weft_async *async,
		void *frame, const void *leaf, struct weft__place *place)
{
	bool found = false;

	for (struct weft_link *link = strand->innermost; link && !found; link = link->parent)
		found = find_in_frame(link->async, link + 1, leaf, place);
	return found || find_in_frame(async, frame, leaf, place);
}

/* A child's frame that is being polled for the first time, or has ended, does not count. */
static struct weft__place find_innermost(struct weft_task *task)
{
	const struct weft_async *async = task->async;
	void *frame = weft__task_frame(task);
	struct weft__place place;
	unsigned count;

	weft__trace_innermost(&task->strand, &async, &frame);
	do {
		place = (struct weft__place){ async, weft__trace_line(async, frame) };
	} while (weft__trace_next(&async, &frame, &count) == TRACE_CHILD &&
			!(async->flags & WEFT_ASYNC_LEAF) &&
			((const struct weft_frame *)frame)->at - 1 < async->point_count);
	return place;
}

struct weft__place weft__trace_find(struct weft_task *task, const void *leaf)
{
	struct weft__place place = { task->async,
		weft__trace_line(task->async, weft__task_frame(task)) };

	if (!leaf)
		return find_innermost(task);
	(void)find_in_strand(&task->strand, task->async, weft__task_frame(task), leaf, &place);
	return place;
}
