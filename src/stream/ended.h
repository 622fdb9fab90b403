/* SPDX-License-Identifier: MIT */
/*
 * stream/ended.h: from tasks that have ended a call to the one that asks for its result.
 *
 * How         A list in the order of their ends, and the waker of who waits for one, under a lock of one
 *             word:
 *
 *                 who asks                                a call
 *                 register: the waker is there            push: into the list, claim the waker,
 *                 take: the oldest, or nothing            unlock, commit
 *                 ... PENDING ...
 *                 unregister, before it says READY
 *
 * Invariants  [I1] the waker is there only while who asks may wait: so it is claimed once at most for each
 *                  poll, and not at all after the poll that says READY.
 * Order       [O1] the lock: who takes a call sees what the call has done; who looks after it has
 *                  registered either finds it, or is claimed.
 * Why so      After the unlock the call touches nothing of the list; what it commits is a task that
 *             neither runs nor ends before that.
 */
#ifndef WEFT_STREAM_ENDED_H
#define WEFT_STREAM_ENDED_H

#include <weft/stream_futures.h>

#include "base/lock.h"

/* What a call needs; its item and its result follow. */
struct weft_stream_call {
	struct weft_stream_call *next;  /* of those that have ended, or are free */
	struct weft_stream_call *newer; /* of those that have begun */
	struct weft_stream_buffered *of;
	int result;
	bool done;
};

static inline struct weft__lock *calls_lock(struct weft_stream_ended *ended)
{
	return (struct weft__lock *)(void *)&ended->lock; /* its only member */
}

static inline void calls_register(struct weft_stream_ended *ended, struct weft_context *cx)
{
	weft__lock_acquire(calls_lock(ended)); /* [O1] */
	ended->waker = *weft_context_waker(cx);
	weft__lock_release(calls_lock(ended));
}

static inline void calls_unregister(struct weft_stream_ended *ended)
{
	weft__lock_acquire(calls_lock(ended));
	ended->waker.ops = NULL; /* [I1] */
	weft__lock_release(calls_lock(ended));
}

static inline struct weft_stream_call *calls_pop(struct weft_stream_ended *ended)
{
	struct weft_stream_call *call;

	weft__lock_acquire(calls_lock(ended)); /* [O1] */
	call = ended->first;
	if (call)
		ended->first = call->next;
	weft__lock_release(calls_lock(ended));
	return call;
}

static inline void calls_push(struct weft_stream_ended *ended, struct weft_stream_call *call)
{
	struct weft_waker claimed = { NULL, NULL };

	call->next = NULL;
	weft__lock_acquire(calls_lock(ended));
	if (ended->first)
		ended->last->next = call;
	else
		ended->first = call;
	ended->last = call;
	if (ended->waker.ops)
		claimed = weft_waker_claim(&ended->waker);
	ended->waker.ops = NULL;               /* [I1] */
	weft__lock_release(calls_lock(ended)); /* [O1] */
	weft_waker_commit(claimed);
}

#endif
