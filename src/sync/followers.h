/* SPDX-License-Identifier: MIT */
/*
 * sync/followers.h: those who wait until something has moved on: each message of a broadcast, each value
 * of a watch.
 *
 * How         A waiter remembers the position at which it found nothing new; the position is the low half
 *             of a count that only grows. Whoever moves it on wakes those of older positions, in steps, as
 *             a notify_all does (notify.c). A waiter that is polled in between sees the position itself.
 * Invariants  [I1] the positions in the list do not decrease from the oldest to the newest, and none is
 *                  newer than the position. So who follows a message that comes between two steps is not
 *                  woken for nothing, and a walk ends.
 */
#ifndef WEFT_SYNC_FOLLOWERS_H
#define WEFT_SYNC_FOLLOWERS_H

#include "sync/waiters.h"

/* With the lock, which it gives back: wakes who waits at an older position, or, at the end, all. */
static inline void weft__followers_wake(
		struct weft_waiters *waiters, uint32_t position, bool is_the_end)
{
	struct weft__wakes wakes;
	struct weft_waiter *oldest;

	do {
		wakes.count = 0;
		while ((oldest = waiters->oldest) && wakes.count < WAKES_MAX &&
				(is_the_end || (int32_t)(oldest->wanted - position) < 0)) /* [I1] */
			weft__waiters_wake(waiters, oldest, WAITER_GRANTED, &wakes);
		weft__waiters_unlock(waiters);
		weft__wakes_commit(&wakes);
		if (wakes.count == WAKES_MAX)
			weft__waiters_lock(waiters);
	} while (wakes.count == WAKES_MAX);
}

/* The head of a leaf's poll: takes the lock, unless the budget is spent. */
WEFT_NODISCARD static inline bool weft__followers_enter(
		struct weft_waiters *waiters, struct weft_frame *frame, struct weft_context *cx)
{
	WEFT_FRAME_CHECK(frame);
	if (frame->at != LEAF_FRESH && frame->at != LEAF_WAITING)
		weft_frame_misuse(frame);
	if (!weft_context_charge(cx))
		return false;
	weft__waiters_lock(waiters);
	return true;
}

/* Its end, and that of the lock. outcome -EAGAIN: nothing is new at the position in waiter->wanted. */
static inline enum weft_poll weft__followers_leave(struct weft_waiters *waiters,
		struct weft_waiter *waiter, struct weft_frame *frame, int *result, int outcome,
		struct weft_context *cx)
{
	bool is_linked = frame->at == LEAF_WAITING && waiter->state == WAITER_LINKED;

	if (is_linked && outcome == -EAGAIN)
		waiter->waker = *weft_context_waker(cx);
	else if (is_linked)
		weft__waiters_remove(waiters, waiter);
	else if (outcome == -EAGAIN && !cx->trying)
		weft__waiters_push(waiters, waiter, cx); /* [I1] */
	weft__waiters_unlock(waiters);
	return weft__leaf_end(frame, result, outcome, cx);
}

#endif
