/* SPDX-License-Identifier: MIT */
/*
 * sync/task_tracker.c: a count, and those who wait until it is 0.
 *
 * How         The word has the flags CLOSED and WAITING (the list is not empty), and above them the
 *             count. To enter and to leave changes the count, without a lock; but who would make it 0
 *             while it is closed and somebody waits does so under the lock of the list
 *             (sync/waiters.h), as close does. It is over when it is closed and empty. Who brings that
 *             about with others waiting tells each of them (`wanted`), and then wakes them, WAKES_MAX
 *             at a time. One who has been told stays in the list until it is woken, cancelled or not;
 *             and who comes while such are there is told at once.
 * Invariants  [I1] when the lock is free, WAITING is set exactly if the list is not empty.
 *             [I2] when the lock is free and it is over, all in the list have been told; and if one in the
 *                  list has been told, the oldest has.
 *             [I3] while one in the list has been told, somebody is waking them.
 * Order       [O1] the release of a leave pairs with the acquire of who finds that it is over: it sees
 *                  what those who left have done. All writes to the word are read-modify-writes, which
 *                  pass on what earlier ones released.
 *             [O2] a wait looks under the lock, always: who made it be over has let go of the lock, or
 *                  never took it. Who wakes takes the lock again only for those who have been told,
 *                  and are therefore still there [I3]. So who has waited may free the tracker.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/task_tracker.h>

#include "sync/waiters.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_task_tracker) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_task_tracker_wait__frame) == 64,
		"part of the ABI");

enum { TRACKER_CLOSED = 1, TRACKER_WAITING = 2, TRACKER_ONE = 4 };

static bool tracker_is_over(uint32_t word)
{
	return word / TRACKER_ONE == 0 && word & TRACKER_CLOSED;
}

bool weft_task_tracker_is_closed(const struct weft_task_tracker *tracker)
{
	/* relaxed: it may be reopened when the caller looks at it */
	return atomic_load_relaxed(&tracker->waiters.word) & TRACKER_CLOSED;
}

uint32_t weft_task_tracker_count(const struct weft_task_tracker *tracker)
{
	/* relaxed: it may be another number when the caller looks at it */
	return atomic_load_relaxed(&tracker->waiters.word) / TRACKER_ONE;
}

/* ---- who wakes ---- */

/* With the lock: a waiter was taken out. */
static void tracker_tidy(struct weft_waiters *waiters)
{
	if (!waiters->oldest) /* [I1]; relaxed: [O1] it passes on what it found */
		word_fetch_sub_relaxed(&waiters->word, (uint32_t)TRACKER_WAITING);
}

/* With the lock: whether there is more to do, but no more room in wakes. */
static bool tracker_wake(struct weft_waiters *waiters, struct weft__wakes *wakes)
{
	wakes->count = 0;
	while (waiters->oldest && waiters->oldest->wanted) { /* [I2] */
		if (wakes->count == WAKES_MAX)
			return true;
		weft__waiters_wake(waiters, waiters->oldest, WAITER_GRANTED, wakes);
		tracker_tidy(waiters);
	}
	return false;
}

/* With the lock, which it gives back: it may be over now. */
static void tracker_settle(struct weft_waiters *waiters)
{
	/* [O1] pairs with the leaves; whom it wakes sees it by the lock */
	uint32_t word = atomic_load_acquire(&waiters->word);
	struct weft__wakes wakes;
	bool more;

	if (tracker_is_over(word))
		for (struct weft_waiter *waiter = waiters->oldest; waiter; waiter = waiter->newer)
			waiter->wanted = 1; /* [I2] */
	do {
		more = tracker_wake(waiters, &wakes); /* [I3] */
		weft__waiters_unlock(waiters);        /* [O2] if there is no more */
		weft__wakes_commit(&wakes);
		if (more)
			weft__waiters_lock(waiters);
	} while (more);
}

void weft_task_tracker_enter(struct weft_task_tracker *tracker)
{
	/* relaxed: [O1] it passes on what it found */
	uint32_t word = word_fetch_add_relaxed(&tracker->waiters.word, (uint32_t)TRACKER_ONE);
	bool has_room = word / TRACKER_ONE < WEFT_TASK_TRACKER_MAX;

	WEFT_ASSERT(has_room);
}

void weft_task_tracker_leave(struct weft_task_tracker *tracker)
{
	struct weft_waiters *waiters = &tracker->waiters;
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	for (;;) {
		bool somebody_is_in_it = word / TRACKER_ONE > 0;

		WEFT_ASSERT(somebody_is_in_it);
		if (word == TRACKER_ONE + TRACKER_CLOSED + TRACKER_WAITING)
			break;
		/* [O1] pairs with tracker_settle and with tracker_begin */
		if (word_cas_release(&waiters->word, &word, word - TRACKER_ONE))
			return; /* the last touch [O2] */
	}
	weft__waiters_lock(waiters);
	/* relaxed: [O1] it passes on what it found, and who looks next has had the lock after this */
	word_fetch_sub_relaxed(&waiters->word, (uint32_t)TRACKER_ONE);
	tracker_settle(waiters);
}

void weft_task_tracker_close(struct weft_task_tracker *tracker)
{
	weft__waiters_lock(&tracker->waiters);
	/* relaxed: a flag, which tells of nothing else */
	word_fetch_or_relaxed(&tracker->waiters.word, (uint32_t)TRACKER_CLOSED);
	tracker_settle(&tracker->waiters);
}

void weft_task_tracker_reopen(struct weft_task_tracker *tracker)
{
	weft__waiters_lock(&tracker->waiters);
	if (weft_task_tracker_is_closed(tracker)) /* relaxed, as in close */
		word_fetch_sub_relaxed(&tracker->waiters.word, (uint32_t)TRACKER_CLOSED);
	weft__waiters_unlock(&tracker->waiters);
}

/* ---- who waits ---- */

static int tracker_begin(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	int outcome = -EAGAIN;
	uint32_t word;

	weft__waiters_lock(waiters);
	word = atomic_load_acquire(&waiters->word); /* [O1] pairs with the leaves */
	while (!(word & TRACKER_WAITING)) {
		if (tracker_is_over(word)) {
			outcome = 0;
			break;
		}
		/* failed, as the load; else [O1] it passes on what it found */
		if (word_cas_acquire(&waiters->word, &word, word | TRACKER_WAITING))
			break;
	}
	if (outcome == -EAGAIN) {
		waiter->wanted = tracker_is_over(word); /* [I2] */
		weft__waiters_push(waiters, waiter, cx);
	}
	weft__waiters_unlock(waiters);
	return outcome;
}

static int tracker_wait(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	int outcome = 0;

	weft__waiters_lock(waiters); /* [O2] */
	if (waiter->state == WAITER_LINKED) {
		outcome = -EAGAIN;
		waiter->waker = *weft_context_waker(cx);
		if (weft_context_cancelled(cx) && !waiter->wanted) { /* [I3] */
			outcome = -ECANCELED;
			weft__waiters_remove(waiters, waiter);
			tracker_tidy(waiters);
		}
	}
	weft__waiters_unlock(waiters);
	return outcome;
}

enum weft_poll weft_task_tracker_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_task_tracker_wait__frame *f = frame;
	struct weft_waiters *waiters = &f->args.p0->waiters;
	int outcome;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (f->args.base.at == LEAF_WAITING)
		outcome = tracker_wait(waiters, &f->waiter, cx);
	else if (f->args.base.at != LEAF_FRESH)
		weft_frame_misuse(&f->args.base);
	else if (weft_context_cancelled(cx))
		outcome = -ECANCELED;
	else
		outcome = tracker_begin(waiters, &f->waiter, cx);
	return weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_task_tracker_wait, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);
