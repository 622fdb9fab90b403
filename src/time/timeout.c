/* SPDX-License-Identifier: MIT */
/*
 * time/timeout.c: a branch that is cancelled at a deadline.
 *
 * How         The branch is polled first, every time; only then the timer is looked at:
 *
 *                 FRESH --branch pends--> WAITING --deadline--> EXPIRED --branch unwound--> DONE
 *                 FRESH --branch pends, no wheel--> UNTIMED --branch unwound--> DONE
 *                 any state --branch ready--> DONE
 *
 *             EXPIRED and UNTIMED cancel the branch and poll it at once; what it then gives as
 *             -ECANCELED was our doing, unless the context is cancelled too. Nobody else's result
 *             is changed. weft_timeout is a deadline that is computed when the branch first pends,
 *             and weft_shield the same with a branch that the context's cancellation does not reach.
 * Invariants  [I1] the timer is in a wheel only in WAITING.
 * Order       [O1] branch before timer: a result that is ready wins, however late it is.
 *             [O2] the timer is looked at whatever the branch did, also when it has used up the
 *                  budget: a branch that never waits is timed out all the same.
 * Cost        one timer start and stop, and one look at the clock, if the branch pends; else
 *             nothing.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/time.h>

#include "base/check.h"
#include "core/branch.h"
#include "core/env.h"
#include "time/wheel.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_deadline__frame) == 120,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_timeout__frame) == 160, "part of the ABI");

enum { DEADLINE_FRESH, DEADLINE_WAITING, DEADLINE_EXPIRED, DEADLINE_UNTIMED };

static enum weft_poll deadline_end(struct weft_deadline__frame *f, struct weft_context *cx)
{
	ssize_t result = weft__branch_result(&f->branch);
	bool outer = cx->cancelled > f->branch.shielded; /* as in weft_branch_poll */

	if (result == -ECANCELED && !outer) {
		if (f->args.base.at == DEADLINE_EXPIRED)
			result = -ETIME;
		else if (f->args.base.at == DEADLINE_UNTIMED)
			result = -ENXIO;
	}
	weft_return(f, result);
}

static enum weft_poll deadline_unwind(struct weft_deadline__frame *f, struct weft_context *cx)
{
	if (weft_branch_poll(&f->branch, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	return deadline_end(f, cx);
}

static enum weft_poll deadline_cut(
		struct weft_deadline__frame *f, struct weft_context *cx, uint32_t state)
{
	WEFT_ASSERT(!f->branch.done); /* [O1] */
	f->args.base.at = state;
	f->branch.cancelled = true;
	return deadline_unwind(f, cx);
}

/* The first poll, the branch being made; the deadline is p0 or timeout_ns from now, whichever is
 * earlier. */
static enum weft_poll deadline_begin(
		struct weft_deadline__frame *f, struct weft_context *cx, int64_t timeout_ns)
{
	int64_t now_ns, deadline_ns;

	if (weft_branch_poll(&f->branch, cx) == WEFT_READY) /* [O1] */
		return deadline_end(f, cx);
	if (!cx->env || !cx->env->wheel)
		return deadline_cut(f, cx, DEADLINE_UNTIMED);
	now_ns = cx->env->now(cx->env);
	deadline_ns = weft_deadline_after(now_ns, timeout_ns);
	if (deadline_ns < f->args.p0)
		f->args.p0 = deadline_ns;
	if (f->args.p0 <= now_ns)
		return deadline_cut(f, cx, DEADLINE_EXPIRED);
	f->args.base.at = DEADLINE_WAITING; /* [I1] */
	weft__wheel_start(cx->env->wheel, &f->timer, f->args.p0, weft_context_waker(cx));
	return WEFT_PENDING;
}

static enum weft_poll deadline_wait(struct weft_deadline__frame *f, struct weft_context *cx)
{
	const struct weft_waker *waker = weft_context_waker(cx);

	if (weft_branch_poll(&f->branch, cx) == WEFT_READY) { /* [O1] */
		(void)weft__timer_stop(&f->timer);            /* [I1] */
		return deadline_end(f, cx);
	}
	if (!weft__timer_is_out(&f->timer)) /* [O2] */
		if (weft_waker_same(&f->timer.waker, waker) || weft__timer_rewake(&f->timer, waker))
			return WEFT_PENDING;
	return deadline_cut(f, cx, DEADLINE_EXPIRED);
}

enum weft_poll weft_deadline__poll(void *frame, struct weft_context *cx)
{
	struct weft_deadline__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case DEADLINE_FRESH:
		f->branch = weft_branch_make(f->args.p1, f->args.p2);
		return deadline_begin(f, cx, WEFT_NEVER);
	case DEADLINE_WAITING:
		return deadline_wait(f, cx);
	case DEADLINE_EXPIRED:
	case DEADLINE_UNTIMED:
		return deadline_unwind(f, cx);
	}
	weft_frame_misuse(&f->args.base);
	return WEFT_PENDING;
}

/* The child is that of the branch, whatever the state. */
#define DEADLINE_POINT                                                                             \
	{                                                                                          \
		__LINE__, offsetof(struct weft_deadline__frame, branch), NULL, WEFT_POINT_BRANCH   \
	}
static const struct weft_point deadline_points[] = {
	DEADLINE_POINT, /* DEADLINE_WAITING */
	DEADLINE_POINT, /* DEADLINE_EXPIRED */
	DEADLINE_POINT, /* DEADLINE_UNTIMED */
};

WEFT_ASYNC_DESCRIBE(weft_deadline, WEFT_ASYNC_RESULT_SSIZE, .points = deadline_points,
		.point_count = sizeof deadline_points / sizeof deadline_points[0]);

static void timeout_prepare(struct weft_deadline__frame *deadline, const struct weft_async *async,
		void *child, bool shielded)
{
	weft_deadline__init(&deadline->args, WEFT_NEVER, async, child);
	WEFT_FRAME_CHECK(&deadline->args.base);
	deadline->branch = weft_branch_make(async, child);
	deadline->branch.shielded = shielded;
}

/* A poll of weft_timeout or weft_shield, whose frames hold all that is passed here. */
static enum weft_poll timeout_poll(struct weft_frame *base, ssize_t *result, int64_t timeout_ns,
		struct weft_deadline__frame *deadline, struct weft_context *cx)
{
	enum weft_poll poll;

	if (base->at == WEFT_AT_DONE)
		weft_frame_misuse(base);
	poll = base->at == 0 ? deadline_begin(deadline, cx, timeout_ns)
			     : weft_deadline__poll(deadline, cx);
	base->at = 1;
	if (poll == WEFT_PENDING)
		return WEFT_PENDING;
	*result = deadline->args.result;
	base->at = WEFT_AT_DONE;
	return WEFT_READY;
}

enum weft_poll weft_timeout__poll(void *frame, struct weft_context *cx)
{
	struct weft_timeout__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		timeout_prepare(&f->deadline, f->args.p1, f->args.p2, false);
	return timeout_poll(&f->args.base, &f->args.result, f->args.p0, &f->deadline, cx);
}

enum weft_poll weft_shield__poll(void *frame, struct weft_context *cx)
{
	struct weft_shield__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == 0)
		timeout_prepare(&f->deadline, f->args.p1, f->args.p2, true);
	return timeout_poll(&f->args.base, &f->args.result, f->args.p0, &f->deadline, cx);
}

static const struct weft_point timeout_points[] = {
	{ __LINE__, offsetof(struct weft_timeout__frame, deadline), &weft_deadline__async, 0 },
};

static const struct weft_point shield_points[] = {
	{ __LINE__, offsetof(struct weft_shield__frame, deadline), &weft_deadline__async, 0 },
};

static const struct weft_embedded timeout_embedded[] = {
	{ &weft_deadline__async, sizeof(struct weft_deadline__frame) },
};

WEFT_ASYNC_DESCRIBE(weft_timeout, WEFT_ASYNC_RESULT_SSIZE, .points = timeout_points,
		.point_count = 1, .embedded = timeout_embedded, .embedded_count = 1);

WEFT_ASYNC_DESCRIBE(weft_shield, WEFT_ASYNC_RESULT_SSIZE, .points = shield_points, .point_count = 1,
		.embedded = timeout_embedded, .embedded_count = 1);
