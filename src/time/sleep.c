/* SPDX-License-Identifier: MIT */
/*
 * time/sleep.c: the leaves that wait for a time.
 *
 * How         One machine for all of them; `at` is the state:
 *
 *                 FRESH --begin--> WAITING --wait--> DONE
 *                 FRESH --begin--> DONE (no need to wait)
 *                 WAITING --reset--> MOVED --poll--> FRESH or WAITING
 *
 *             begin looks at the clock, once; wait only asks whether the timer is out of the wheel,
 *             which takes no lock. A completion is charged to the budget, a withdrawal is not.
 * Invariants  [I1] the timer is in a wheel, or has fired, exactly in WAITING and MOVED.
 * Order       [O1] fired before cancelled: what was ready wins.
 *             [O2] the wheel of whoever polls needs no telling that a timer is the earliest: its
 *                  driver is awake. But reset may make it the earliest of a wheel whose driver
 *                  sleeps; so it wakes its own task, and the poll takes the timer over into the
 *                  poller's wheel.
 * Not here    the wheel (wheel.c); a deadline around something else (timeout.c).
 */
#include <errno.h>
#include <stddef.h>

#include <weft/time.h>

#include "base/check.h"
#include "core/env.h"
#include "os/os.h"
#include "time/wheel.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_sleep__frame) == 72, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_sleep_until__frame) == 72,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_interval_tick__frame) == 80,
		"part of the ABI");

enum { SLEEP_FRESH, SLEEP_WAITING, SLEEP_MOVED };

int64_t weft_now(const struct weft_context *cx)
{
	return cx && cx->env && cx->env->now ? cx->env->now(cx->env) : weft__clock_now();
}

static enum weft_poll sleep_end(struct weft_frame *frame, int *result, int value)
{
	*result = value;
	frame->at = WEFT_AT_DONE;
	return WEFT_READY;
}

/* Until deadline_ns or for timeout_ns, whichever is shorter. */
static enum weft_poll sleep_begin(struct weft_frame *frame, struct weft_timer *timer, int *result,
		struct weft_context *cx, int64_t deadline_ns, int64_t timeout_ns)
{
	int64_t now_ns, end_ns;

	if (weft_context_cancelled(cx)) /* charged: whoever ignores it in a loop gives way */
		return weft_context_charge(cx) ? sleep_end(frame, result, -ECANCELED)
					       : WEFT_PENDING;
	if (!cx->env || !cx->env->wheel)
		return sleep_end(frame, result, -ENXIO);
	if (cx->trying && deadline_ns == WEFT_NEVER && timeout_ns > 0)
		return WEFT_PENDING;
	now_ns = cx->env->now(cx->env);
	end_ns = weft_deadline_after(now_ns, timeout_ns);
	if (deadline_ns < end_ns)
		end_ns = deadline_ns;
	if (end_ns <= now_ns) {
		if (!weft_context_charge(cx))
			return WEFT_PENDING;
		return sleep_end(frame, result, 0);
	}
	if (cx->trying)
		return WEFT_PENDING;
	frame->at = SLEEP_WAITING;                                                /* [I1] */
	weft__wheel_start(cx->env->wheel, timer, end_ns, weft_context_waker(cx)); /* [O2] */
	return WEFT_PENDING;
}

static enum weft_poll sleep_wait(struct weft_frame *frame, struct weft_timer *timer, int *result,
		struct weft_context *cx)
{
	const struct weft_waker *waker = weft_context_waker(cx);

	if (!weft__timer_is_out(timer)) { /* [O1] */
		if (weft_context_cancelled(cx)) {
			if (weft__timer_stop(timer))
				return sleep_end(frame, result, -ECANCELED);
		} else if (weft_waker_same(&timer->waker, waker) ||
				weft__timer_rewake(timer, waker)) {
			return WEFT_PENDING;
		}
	}
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	return sleep_end(frame, result, 0);
}

enum weft_poll weft_sleep__poll(void *frame, struct weft_context *cx)
{
	struct weft_sleep__frame *f = frame;
	int *result = &f->args.result;

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case SLEEP_FRESH:
		return sleep_begin(&f->args.base, &f->timer, result, cx, WEFT_NEVER, f->args.p0);
	case SLEEP_WAITING:
		return sleep_wait(&f->args.base, &f->timer, result, cx);
	}
	weft_frame_misuse(&f->args.base);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(weft_sleep, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_TRIES);

void weft_sleep_until_reset(struct weft_sleep_until__frame *sleep, int64_t deadline_ns)
{
	struct weft_timer *timer = &sleep->timer;
	struct weft_waker waker;

	WEFT_ASSERT(sleep->args.base.at != WEFT_AT_DONE);
	sleep->args.p0 = deadline_ns;
	if (sleep->args.base.at == SLEEP_FRESH)
		return;
	waker = timer->waker;
	(void)weft__timer_stop(timer); /* if it has fired, that does not count any more */
	if (weft__wheel_start(timer->wheel, timer, deadline_ns, &waker)) {
		sleep->args.base.at = SLEEP_MOVED; /* [O2] */
		weft_waker_wake_by_ref(&waker);
	}
}

enum weft_poll weft_sleep_until__poll(void *frame, struct weft_context *cx)
{
	struct weft_sleep_until__frame *f = frame;
	int *result = &f->args.result;

	WEFT_FRAME_CHECK(&f->args.base);
	if (f->args.base.at == SLEEP_MOVED) {
		bool again = !weft_context_cancelled(cx) && weft__timer_stop(&f->timer); /* [O2] */

		f->args.base.at = again ? SLEEP_FRESH : SLEEP_WAITING;
	}
	switch (f->args.base.at) {
	case SLEEP_FRESH:
		return sleep_begin(&f->args.base, &f->timer, result, cx, f->args.p0, WEFT_NEVER);
	case SLEEP_WAITING:
		return sleep_wait(&f->args.base, &f->timer, result, cx);
	}
	weft_frame_misuse(&f->args.base);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(weft_sleep_until, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_TRIES);

/* --- intervals -------------------------------------------------------------------------------- */

/* When the tick after the one that was due at next_ns and is taken at now_ns is due. */
static int64_t interval_next(const struct weft_interval *interval, int64_t now_ns)
{
	int64_t due_ns = interval->next_ns, period_ns = interval->period_ns;
	uint64_t late_ns = now_ns > due_ns ? (uint64_t)now_ns - (uint64_t)due_ns : 0;
	uint64_t tolerated_ns = (uint64_t)WEFT_MILLISECONDS(5);

	if (tolerated_ns > (uint64_t)period_ns)
		tolerated_ns = (uint64_t)period_ns;
	if (late_ns <= tolerated_ns || interval->missed == WEFT_TICK_BURST)
		return weft_deadline_after(due_ns, period_ns);
	if (interval->missed == WEFT_TICK_DELAY)
		return weft_deadline_after(now_ns, period_ns);
	return weft_deadline_after(now_ns, period_ns - (int64_t)(late_ns % (uint64_t)period_ns));
}

/* Passes on what begin or wait gave; a tick that was taken is counted. */
static enum weft_poll interval_take(
		struct weft_interval_tick__frame *f, struct weft_context *cx, enum weft_poll poll)
{
	struct weft_interval *interval = f->args.p0;

	if (poll == WEFT_PENDING || f->args.result < 0)
		return poll;
	if (f->args.p1)
		*f->args.p1 = interval->next_ns;
	interval->next_ns = interval_next(interval, cx->env->now(cx->env));
	return poll;
}

enum weft_poll weft_interval_tick__poll(void *frame, struct weft_context *cx)
{
	struct weft_interval_tick__frame *f = frame;
	int64_t next_ns = f->args.p0->next_ns;
	int *result = &f->args.result;
	enum weft_poll poll;

	WEFT_FRAME_CHECK(&f->args.base);
	switch (f->args.base.at) {
	case SLEEP_FRESH:
		if (f->args.p0->period_ns <= 0)
			return sleep_end(&f->args.base, result, -EINVAL);
		poll = sleep_begin(&f->args.base, &f->timer, result, cx, next_ns, WEFT_NEVER);
		return interval_take(f, cx, poll);
	case SLEEP_WAITING:
		poll = sleep_wait(&f->args.base, &f->timer, result, cx);
		return interval_take(f, cx, poll);
	}
	weft_frame_misuse(&f->args.base);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(weft_interval_tick, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_TRIES);
