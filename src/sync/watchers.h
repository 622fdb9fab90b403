/* SPDX-License-Identifier: MIT */
/*
 * sync/watchers.h: those who send, and wait until nobody is there any more who would receive.
 *
 * How         A list of its own beside that of those who receive, with its head only: they are woken all
 *             at once, in whatever order, by what happens at most a few times in a life. Whoever begins to
 *             wait when it has happened does not wait.
 * Order       all under the lock of the channel, broadcast or watch, as in waiters.h.
 */
#ifndef WEFT_SYNC_WATCHERS_H
#define WEFT_SYNC_WATCHERS_H

#include "sync/waiters.h"

static inline void weft__watchers_remove(struct weft_waiter **watchers, struct weft_waiter *waiter)
{
	if (waiter->newer)
		waiter->newer->older = waiter->older;
	else
		*watchers = waiter->older;
	if (waiter->older)
		waiter->older->newer = waiter->newer;
	waiter->state = WAITER_OUT;
}

static inline void weft__watchers_push(struct weft_waiter **watchers, struct weft_waiter *waiter)
{
	waiter->newer = NULL;
	waiter->older = *watchers;
	if (waiter->older)
		waiter->older->newer = waiter;
	*watchers = waiter;
	waiter->state = WAITER_LINKED;
}

/* As many as there is room for; to be committed without the lock. */
static inline void weft__watchers_claim(struct weft_waiter **watchers, struct weft__wakes *wakes)
{
	while (*watchers && wakes->count < WAKES_MAX) {
		struct weft_waiter *waiter = *watchers;

		weft__watchers_remove(watchers, waiter);
		waiter->state = WAITER_GRANTED;
		wakes->claimed[wakes->count++] = weft_waker_claim(&waiter->waker);
	}
}

/* With the lock, which it gives back: wakes all. */
static inline void weft__watchers_wake(struct weft_waiters *waiters, struct weft_waiter **watchers)
{
	struct weft__wakes wakes;
	bool more;

	do {
		wakes.count = 0;
		weft__watchers_claim(watchers, &wakes);
		more = *watchers != NULL;
		weft__waiters_unlock(waiters);
		weft__wakes_commit(&wakes);
		if (more)
			weft__waiters_lock(waiters);
	} while (more);
}

/* One poll, with the lock: 0: it has happened, now or when it was woken; -ECANCELED; -EAGAIN: it waits. */
static inline int weft__watchers_look(struct weft_waiter **watchers, struct weft_waiter *waiter,
		const struct weft_frame *frame, bool has_happened, struct weft_context *cx)
{
	bool is_linked = frame->at == LEAF_WAITING && waiter->state == WAITER_LINKED;
	bool is_over = has_happened || (frame->at == LEAF_WAITING && !is_linked);
	int outcome = is_over ? 0 : weft_context_cancelled(cx) ? -ECANCELED : -EAGAIN;

	if (outcome != -EAGAIN) {
		if (is_linked)
			weft__watchers_remove(watchers, waiter);
		return outcome;
	}
	if (!is_linked)
		weft__watchers_push(watchers, waiter);
	waiter->waker = *weft_context_waker(cx);
	return outcome;
}

#endif
