/* SPDX-License-Identifier: MIT */
/*
 * sync/barrier.c: tasks that wait until enough of them have come.
 *
 * How         All is under the lock of the list (sync/waiters.h): how many have come, the generation, and
 *             the list of those who wait, each with its generation. Who comes last begins the next
 *             generation, and then wakes those of the one before. It does so in steps, and lets go of the
 *             lock in between; meanwhile
 *             - a waiter that is polled sees that its generation is over, and leaves by itself;
 *             - others may come: they are newer, and behind in the list;
 *             - these may even be enough, and somebody else wakes the older, too. Whoever is awake for
 *               generation g stops at the first waiter that is not older than g.
 * Invariants  [I1] the generations in the list do not decrease from the oldest to the newest.
 *             [I2] `word`, those who have come, is the number of waiters of this generation, and less
 *                  than size.
 * Order       The lock: who goes on saw it after all who came.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/barrier.h>

#include "sync/waiters.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_barrier) == 32, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_barrier_wait__frame) == 64,
		"part of the ABI");

/* With the lock, which it gives back. */
static void barrier_open(struct weft_barrier *barrier)
{
	struct weft_waiters *waiters = &barrier->waiters;
	uint32_t generation = ++barrier->generation;
	struct weft__wakes wakes;

	waiters->word = 0; /* [I2] */
	for (;;) {
		wakes.count = 0;
		while (waiters->oldest && wakes.count < WAKES_MAX &&
				(int32_t)(waiters->oldest->wanted - generation) < 0) /* [I1] */
			weft__waiters_wake(waiters, waiters->oldest, WAITER_GRANTED, &wakes);
		weft__waiters_unlock(waiters);
		weft__wakes_commit(&wakes);
		if (wakes.count < WAKES_MAX)
			return;
		weft__waiters_lock(waiters);
	}
}

static int barrier_come(
		struct weft_barrier *barrier, struct weft_waiter *waiter, struct weft_context *cx)
{
	struct weft_waiters *waiters = &barrier->waiters;

	weft__waiters_lock(waiters);
	WEFT_ASSERT(waiters->word == 0 || waiters->word < barrier->size); /* [I2] */
	if (waiters->word + 1 >= barrier->size) {
		barrier_open(barrier);
		return 1;
	}
	waiters->word++;
	waiter->wanted = barrier->generation; /* [I1] */
	weft__waiters_push(waiters, waiter, cx);
	weft__waiters_unlock(waiters);
	return -EAGAIN;
}

static int barrier_stay(
		struct weft_barrier *barrier, struct weft_waiter *waiter, struct weft_context *cx)
{
	struct weft_waiters *waiters = &barrier->waiters;
	int outcome = 0;

	weft__waiters_lock(waiters);
	if (waiter->state == WAITER_LINKED && waiter->wanted == barrier->generation) {
		outcome = weft_context_cancelled(cx) ? -ECANCELED : -EAGAIN;
		waiters->word -= outcome == -ECANCELED; /* [I2] */
	}
	if (outcome == -EAGAIN)
		waiter->waker = *weft_context_waker(cx);
	else if (waiter->state == WAITER_LINKED)
		weft__waiters_remove(waiters, waiter);
	weft__waiters_unlock(waiters);
	return outcome;
}

enum weft_poll weft_barrier_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_barrier_wait__frame *f = frame;
	int outcome;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (f->args.base.at == LEAF_WAITING)
		outcome = barrier_stay(f->args.p0, &f->waiter, cx);
	else if (f->args.base.at != LEAF_FRESH)
		weft_frame_misuse(&f->args.base);
	else if (weft_context_cancelled(cx))
		outcome = -ECANCELED;
	else
		outcome = barrier_come(f->args.p0, &f->waiter, cx);
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_barrier_wait, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);
