/* SPDX-License-Identifier: MIT */
/*
 * stream/join_all.c: waits for as many futures as there are.
 *
 * How         Few: all that have not ended are polled at each wake, with the task's own waker, as branches
 *             are (core/branch.c). Many: they are put into a set (set.c), some at a time, since also that
 *             is work for which the others wait.
 * Why so      Of n children that end one after the other, the scan polls n*(n+1)/2, the set n; but a
 *             wake and its poll cost the set the lock three times, and its lists.
 * Cost        docs/sets.md: beyond WEFT_JOIN_ALL_SCAN children the set is cheaper.
 */
#include <errno.h>

#include <weft/join_all.h>

#include "core/branch.h"
#include "stream/set.h"

enum { ADDED_MAX = WEFT_BUDGET }; /* in one poll */

/* ---- few ---- */

static void scan_poll(struct weft_set_child *child, struct weft_joining *joining,
		struct weft_context *cx, uint8_t outer_cancelled)
{
	bool alone = joining->error && !outer_cancelled;
	ssize_t result;

	cx->strand = &child->strand;
	cx->cancelled = alone ? 1 : outer_cancelled;
	if (weft__strand_poll(&child->strand, child->async, child->frame, cx) == WEFT_PENDING)
		return;
	child->ended = true;
	if (alone)
		cx->unwound = 1;
	result = weft__frame_result(child->async, child->frame);
	if (joining->stops && result < 0 && joining->error == 0)
		joining->error = (int)result;
}

/* Each time another is the first, so that none lives on the budget of the others. */
static enum weft_poll join_scan(struct weft_joining *joining, struct weft_set_child *children,
		size_t count, struct weft_context *cx)
{
	struct weft_context outer = *cx;
	size_t first = count ? joining->begun++ % count : 0;
	bool all;
	int error;

	do {
		error = joining->error;
		all = true;
		for (size_t i = 0; i < count; i++) {
			struct weft_set_child *child = &children[(first + i) % count];

			if (!child->ended)
				scan_poll(child, joining, cx, outer.cancelled);
			all &= child->ended;
		}
	} while (joining->error != error); /* those before it have not heard of it */
	cx->strand = outer.strand;
	cx->cancelled = outer.cancelled;
	cx->depth = outer.depth;
	return all ? WEFT_READY : WEFT_PENDING;
}

/* ---- many ---- */

static enum weft_poll join_set(struct weft_joining *joining, struct weft_set_child *children,
		size_t count, struct weft_context *cx)
{
	size_t end = count - joining->begun < ADDED_MAX ? count : joining->begun + ADDED_MAX;
	enum weft_poll poll;

	for (; joining->begun < end; joining->begun++)
		weft_set_add(&joining->set, &children[joining->begun],
				children[joining->begun].async, children[joining->begun].frame);
	if (joining->error || weft_context_cancelled(cx))
		weft_set_cancel(&joining->set);
	poll = weft__set_drain(&joining->set, cx, joining->stops ? &joining->error : NULL);
	if (end == count)
		return poll;
	weft_context_yield(cx);
	return WEFT_PENDING;
}

static enum weft_poll join_poll(struct weft_joining *joining, struct weft_set_child *children,
		size_t count, struct weft_context *cx)
{
	if (count <= WEFT_JOIN_ALL_SCAN)
		return join_scan(joining, children, count, cx);
	return join_set(joining, children, count, cx);
}

static void join_begin(struct weft_joining *joining, struct weft_set_child *children, size_t count,
		bool stops)
{
	*joining = (struct weft_joining){ .set = WEFT_SET_INIT, .stops = stops };
	for (size_t i = 0; i < count && count <= WEFT_JOIN_ALL_SCAN; i++)
		children[i].ended = false;
}

/* ---- reports ---- */

static void array_each(struct weft_set_child *children, size_t count, struct weft_visitor *visitor)
{
	for (size_t i = 0; i < count; i++)
		if (weft_frame_is_begun(children[i].frame))
			visitor->future(visitor, &children[i].strand, children[i].async,
					children[i].frame);
}

static void weft_join_all__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_join_all__frame *f = frame;

	array_each(f->args.p0, f->args.p1, visitor);
}

static void weft_try_join_all__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_try_join_all__frame *f = frame;

	array_each(f->args.p0, f->args.p1, visitor);
}

static void weft_set_join__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_set_join__frame *f = frame;

	weft__set_each(f->args.p0, visitor);
}

static void weft_set_try_join__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_set_try_join__frame *f = frame;

	weft__set_each(f->args.p0, visitor);
}

/* ---- the async functions ---- */

enum weft_poll weft_join_all__poll(void *frame, struct weft_context *cx)
{
	struct weft_join_all__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		join_begin(&f->joining, f->args.p0, f->args.p1, false);
	f->args.base.at = 1;
	if (join_poll(&f->joining, f->args.p0, f->args.p1, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_NEST(weft_join_all, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_ALL);

enum weft_poll weft_try_join_all__poll(void *frame, struct weft_context *cx)
{
	struct weft_try_join_all__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		join_begin(&f->joining, f->args.p0, f->args.p1, true);
	f->args.base.at = 1;
	if (join_poll(&f->joining, f->args.p0, f->args.p1, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->joining.error);
}

WEFT_ASYNC_DEFINE_NEST(weft_try_join_all, WEFT_ASYNC_RESULT_INT);

enum weft_poll weft_set_join__poll(void *frame, struct weft_context *cx)
{
	struct weft_set_join__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (weft_context_cancelled(cx))
		weft_set_cancel(f->args.p0);
	if (weft__set_drain(f->args.p0, cx, NULL) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_NEST(weft_set_join, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_ALL);

enum weft_poll weft_set_try_join__poll(void *frame, struct weft_context *cx)
{
	struct weft_set_try_join__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		f->error = 0;
	f->args.base.at = 1;
	if (weft_context_cancelled(cx))
		weft_set_cancel(f->args.p0);
	if (weft__set_drain(f->args.p0, cx, &f->error) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, f->error);
}

WEFT_ASYNC_DEFINE_NEST(weft_set_try_join, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);
