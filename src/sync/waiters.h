/* SPDX-License-Identifier: MIT */
/*
 * sync/waiters.h: the tasks that wait for a lock, in the order in which they came.
 *
 * Why         Semaphore, mutex, barrier and notify differ in whom they let go on, not in how a task waits.
 * How         A list through the waiters, which are in the frames that wait, under a lock of one word. Who
 *             wakes takes the waiter out, writes down why in its state, and claims its task, all under the
 *             lock; the commits come after it, up to WAKES_MAX at a time.
 *
 *                 OUT --push--> LINKED --wake--> GRANTED, CLOSED
 *                  ^               |
 *                  +----remove-----+   cancelled, or it sees for itself that its generation is over
 *
 * Invariants  [I1] a waiter is in the list exactly in LINKED. What else its state is, is why it was woken.
 *             [I2] the waker is borrowed from the context of the last poll, and is claimed at most once.
 * Order       [O1] the lock. A poll looks at its waiter under it, too; so when the poll sees that it was
 *                  woken, whoever woke it has let go of the lock, and touches nothing but the claim any
 *                  more. That is why a mutex may be freed by who holds it last.
 *             [O2] commits come last, without the lock: a task that is committed may run at once.
 *             [O3] the release of what it was woken for, before the claim, pairs with the acquire of a
 *                  poll that looks at its waiter without the lock (notify.c, core/branch.c). Still LINKED
 *                  means that it is not claimed, or was in this very poll, and then the task is polled
 *                  once more.
 * Cost        constant, and no allocation; waking many, a lock for each WAKES_MAX of them.
 * Not here    counting: permits.c, barrier.c, notify.c. A claim cannot be kept in the waiter: a foreign
 *             executor may poll, and end, a task between its claim and its commit.
 */
#ifndef WEFT_SYNC_WAITERS_H
#define WEFT_SYNC_WAITERS_H

#include <errno.h>
#include <stddef.h>

#include <weft/waiter.h>

#include "base/check.h"
#include "base/lock.h"

/* Where a leaf is: its frame's `at`. */
enum { LEAF_FRESH, LEAF_WAITING };

enum weft__waiter_state { WAITER_OUT, WAITER_LINKED, WAITER_GRANTED, WAITER_CLOSED };

_Static_assert(LEAF_WAITING == WEFT_AT_WAITER && WAITER_LINKED == WEFT_WAITER_LINKED,
		"core/branch.c");

enum { WAKES_MAX = 16 };

/* Claimed under the lock, to be committed without it. */
struct weft__wakes {
	unsigned count;
	struct weft_waker claimed[WAKES_MAX];
};

static inline void weft__waiters_lock(struct weft_waiters *waiters)
{
	/* its only member */
	weft__lock_acquire((struct weft__lock *)(void *)&waiters->lock); /* [O1] */
}

static inline void weft__waiters_unlock(struct weft_waiters *waiters)
{
	weft__lock_release((struct weft__lock *)(void *)&waiters->lock); /* [O1] */
}

static inline void weft__waiters_push(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	waiter->waker = *weft_context_waker(cx); /* [I2] */
	/* [I1]; relaxed: it is the poll's own until the lock is released */
	atomic_store_relaxed(&waiter->state, (uint32_t)WAITER_LINKED);
	waiter->newer = NULL;
	waiter->older = waiters->newest;
	if (waiter->older)
		waiter->older->newer = waiter;
	else
		waiters->oldest = waiter;
	waiters->newest = waiter;
}

static inline void weft__waiters_unlink(struct weft_waiters *waiters, struct weft_waiter *waiter)
{
	WEFT_ASSERT(waiter->state == WAITER_LINKED); /* [I1] */
	if (waiter->newer)
		waiter->newer->older = waiter->older;
	else
		waiters->newest = waiter->older;
	if (waiter->older)
		waiter->older->newer = waiter->newer;
	else
		waiters->oldest = waiter->newer;
}

static inline void weft__waiters_remove(struct weft_waiters *waiters, struct weft_waiter *waiter)
{
	weft__waiters_unlink(waiters, waiter);
	atomic_store_relaxed(&waiter->state, (uint32_t)WAITER_OUT); /* relaxed: by its own poll */
}

/* There is room in wakes. */
static inline void weft__waiters_wake(struct weft_waiters *waiters, struct weft_waiter *waiter,
		enum weft__waiter_state why, struct weft__wakes *wakes)
{
	WEFT_ASSERT(wakes->count < WAKES_MAX);
	weft__waiters_unlink(waiters, waiter);
	atomic_store_release(&waiter->state, (uint32_t)why);               /* [I1] [O3] */
	wakes->claimed[wakes->count++] = weft_waker_claim(&waiter->waker); /* [I2] */
}

/* Without the lock. */
static inline void weft__wakes_commit(const struct weft__wakes *wakes)
{
	for (unsigned i = 0; i < wakes->count; i++)
		weft_waker_commit(wakes->claimed[i]); /* [O2] */
}

/* The end of a leaf's poll: -EAGAIN means that it waits, or has tried; everything else is its result. The
 * poll has charged the budget for it. */
static inline enum weft_poll weft__leaf_end(
		struct weft_frame *frame, int *result, int outcome, struct weft_context *cx)
{
	if (outcome == -EAGAIN) {
		weft_context_refund(cx);
		if (!cx->trying)
			frame->at = LEAF_WAITING;
		return WEFT_PENDING;
	}
	*result = outcome;
	frame->at = WEFT_AT_DONE;
	return WEFT_READY;
}

#endif
