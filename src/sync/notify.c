/* SPDX-License-Identifier: MIT */
/*
 * sync/notify.c: tasks that wait until somebody says that something has changed.
 *
 * How         The word has the flags KEPT (a notify_one that found nobody), WAITING (the list is not
 *             empty) and LOCKED (somebody works on the list) and, above them, the generation: how often
 *             all were notified. Nobody waits: notify_one sets KEPT, notify_all adds a generation, wait
 *             takes KEPT away, one compare-exchange each. Otherwise who wants to change something sets
 *             LOCKED, and stores the word anew at the end; so that costs no more. Under it notify_one
 *             takes out the oldest waiter, and notify_all begins a generation and then takes out those
 *             of the older ones, in steps, as a barrier does (barrier.c). A waiter that is polled in
 *             between sees the generation. A poll that only looks needs no lock.
 *
 *                 LINKED --notify_one--> GRANTED    cancelled: notify_one again, for somebody else
 *                 LINKED --notify_last--> LAST      cancelled: notify_last again; it takes the newest
 *                 LINKED --notify_all--> CLOSED     cancelled: nothing is left to do
 * Invariants  [I1] unless LOCKED, WAITING is set exactly if the list is not empty.
 *             [I2] while KEPT is set, nobody of this generation is in the list. So whoever takes it has
 *                  overtaken nobody.
 *             [I3] the generations in the list do not decrease from the oldest to the newest.
 *             [I4] `wanted` of a waiter is its generation, or that at which it tried.
 *             [I5] while LOCKED, nobody but who has set it writes the word.
 * Order       [O1] the release of KEPT pairs with the acquire of who takes it. What was released before is
 *                  passed on: by a read-modify-write, or [O3] by who locked the word in between. So the
 *                  other notify_one, whose KEPT was set already, counts.
 *             [O2] the release of a generation pairs with the acquire of who sees it. Also a waiter that
 *                  has come too late for it acquires it: if it then looks, it sees what has changed.
 *             [O3] the acquire of LOCKED pairs with the release of the word that ends it.
 *             [O4] who finds that it was taken out of the list (waiters.h, [O3]) and then no LOCKED, finds
 *                  that who took it out has done with it: the word is at least that which was locked.
 * Cost        notify_one looks for a waiter of this generation: that is the oldest, except while a
 *             notify_all is taking out those before it.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/notify.h>

#include "sync/waiters.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_notify) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_notify_wait__frame) == 64,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_notify_wait_after__frame) == 72,
		"part of the ABI");

_Static_assert(offsetof(struct weft_notify_wait__frame, waiter) ==
						sizeof(struct weft_notify_wait__args) &&
				offsetof(struct weft_notify_wait_after__frame, waiter) ==
						sizeof(struct weft_notify_wait_after__args),
		"WEFT_ASYNC_WAITER");

enum { NOTIFY_KEPT = 1, NOTIFY_WAITING = 2, NOTIFY_LOCKED = 4, NOTIFY_GENERATION = 8 };

_Static_assert(WEFT_NOTIFY_KEPT_ == NOTIFY_KEPT && NOTIFY_GENERATION == 8, "weft_notify_wait__now");

/* Whom to wake: WAITER_GRANTED, the oldest, or this, the newest. */
enum { WAITER_LAST = WAITER_CLOSED + 1 };

/* `at` of a leaf that has tried, and does not wait yet: a notify_all since then counts. */
enum { NOTIFY_TRIED = LEAF_WAITING + 1 };

static uint32_t generation_of(uint32_t word)
{
	return word / NOTIFY_GENERATION;
}

uint32_t weft_notify_seen(const struct weft_notify *notify)
{
	return generation_of(atomic_load_acquire(&notify->waiters.word)); /* [O2] pairs with all */
}

/* ---- the lock ---- */

/* Returns the word, as it is to be unlocked if nothing changes. [I5] */
static inline uint32_t notify_lock(struct weft_waiters *waiters)
{
	/* [O3] pairs with notify_unlock, [O1] [O2] with notify_some and weft_notify_all */
	return weft__lock_bit_acquire(&waiters->word, NOTIFY_LOCKED);
}

/* The same, or with LOCKED: it was not free. What calls nothing saves no registers. */
static inline uint32_t notify_lock_try(struct weft_waiters *waiters)
{
	return weft__lock_bit_try(&waiters->word, NOTIFY_LOCKED); /* as notify_lock */
}

static inline void notify_unlock(struct weft_waiters *waiters, uint32_t word)
{
	/* [O1] [O2] [O3] pairs with all that acquire it */
	weft__lock_bit_release(&waiters->word, word);
}

/* With the lock: what the word is when waiters may have been taken out. [I1] */
static inline uint32_t notify_tidied(const struct weft_waiters *waiters, uint32_t word)
{
	return waiters->oldest ? word : word & ~(uint32_t)NOTIFY_WAITING;
}

/* ---- to notify ---- */

/* With the lock: wakes one, or keeps it. Returns the word. */
static uint32_t notify_choose(struct weft_waiters *waiters, uint32_t word, uint32_t whom,
		struct weft__wakes *wakes)
{
	struct weft_waiter *waiter = whom == WAITER_LAST ? waiters->newest : waiters->oldest;

	while (waiter && waiter->wanted != generation_of(word))
		waiter = waiter->newer; /* of the newest there is none, [I3] */
	if (!waiter)
		return word | NOTIFY_KEPT; /* [I2] */
	weft__waiters_wake(waiters, waiter, (enum weft__waiter_state)whom, wakes);
	return notify_tidied(waiters, word);
}

/* With the lock, which it gives back. */
__attribute__((noinline)) static void notify_one_of(
		struct weft_waiters *waiters, uint32_t word, uint32_t whom)
{
	struct weft__wakes wakes;

	wakes.count = 0;
	notify_unlock(waiters, notify_choose(waiters, word, whom, &wakes));
	weft__wakes_commit(&wakes);
}

WEFT_INLINE void notify_some(struct weft_waiters *waiters, uint32_t whom)
{
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	while (!(word & (NOTIFY_WAITING | NOTIFY_LOCKED)))
		/* [O1] pairs with notify_take */
		if (word_cas_release(&waiters->word, &word, word | NOTIFY_KEPT))
			return;
	notify_one_of(waiters, notify_lock(waiters), whom);
}

void weft_notify_one(struct weft_notify *notify)
{
	notify_some(&notify->waiters, WAITER_GRANTED);
}

void weft_notify_last(struct weft_notify *notify)
{
	notify_some(&notify->waiters, WAITER_LAST);
}

/* With the lock, which it gives back: wakes those older than the generation. */
static void notify_older(struct weft_waiters *waiters, uint32_t word)
{
	uint32_t generation = generation_of(word);
	struct weft__wakes wakes;
	struct weft_waiter *oldest;

	for (;;) {
		wakes.count = 0;
		while ((oldest = waiters->oldest) && wakes.count < WAKES_MAX &&
				(int32_t)((oldest->wanted - generation) * NOTIFY_GENERATION) <
						0) /* [I3] */
			weft__waiters_wake(waiters, oldest, WAITER_CLOSED, &wakes);
		notify_unlock(waiters, notify_tidied(waiters, word));
		weft__wakes_commit(&wakes);
		if (wakes.count < WAKES_MAX)
			return;
		word = notify_lock(waiters);
	}
}

void weft_notify_all(struct weft_notify *notify)
{
	struct weft_waiters *waiters = &notify->waiters;
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	while (!(word & (NOTIFY_WAITING | NOTIFY_LOCKED)))
		/* [O2] pairs with notify_take and weft_notify_seen */
		if (word_cas_release(&waiters->word, &word, word + NOTIFY_GENERATION))
			return;
	notify_older(waiters, notify_lock(waiters) + NOTIFY_GENERATION);
}

/* ---- to wait ---- */

/* false: there is nothing, or it has to be looked for under the lock; *word has what it saw. */
WEFT_INLINE bool notify_take(struct weft_waiters *waiters, uint32_t *word, const uint32_t *seen)
{
	*word = atomic_load_acquire(&waiters->word); /* [O2] pairs with weft_notify_all */
	for (;;) {
		if (seen && generation_of(*word) != *seen)
			return true;
		if (!(*word & NOTIFY_KEPT) || *word & NOTIFY_LOCKED)
			return false;
		/* [O1] pairs with notify_some; failed, [O2] as the load */
		if (word_cas_acquire(&waiters->word, word, *word - NOTIFY_KEPT)) /* [I2] */
			return true;
	}
}

/* READY with this as the result. */
static inline enum weft_poll notify_end(
		struct weft_frame *frame, int *result, int outcome, struct weft_context *cx)
{
	cx->budget--;
	*result = outcome;
	frame->at = WEFT_AT_DONE;
	return WEFT_READY;
}

/* With the lock, which it gives back. */
static inline enum weft_poll notify_register(struct weft_frame *frame, struct weft_waiters *waiters,
		struct weft_waiter *waiter, struct weft_context *cx, uint32_t word)
{
	waiter->wanted = generation_of(word); /* [I3] */
	weft__waiters_push(waiters, waiter, cx);
	notify_unlock(waiters, word | NOTIFY_WAITING);
	frame->at = LEAF_WAITING;
	return WEFT_PENDING;
}

/* Begins to wait, unless there is something for it by now. */
__attribute__((noinline)) static enum weft_poll notify_begin_late(struct weft_frame *frame,
		int *result, struct weft_waiters *waiters, struct weft_waiter *waiter,
		const uint32_t *seen, struct weft_context *cx)
{
	uint32_t word = notify_lock(waiters);

	if (seen && generation_of(word) != *seen)
		notify_unlock(waiters, word);
	else if (word & NOTIFY_KEPT)
		notify_unlock(waiters, word - NOTIFY_KEPT); /* [I2] */
	else
		return notify_register(frame, waiters, waiter, cx, word);
	return notify_end(frame, result, 0, cx);
}

/* The same; the usual way is that nothing has come in between. */
WEFT_INLINE enum weft_poll notify_begin(struct weft_frame *frame, int *result,
		struct weft_waiters *waiters, struct weft_waiter *waiter, const uint32_t *seen,
		struct weft_context *cx)
{
	uint32_t word = notify_lock_try(waiters);

	if (WEFT_LIKELY(!(word & (NOTIFY_LOCKED | NOTIFY_KEPT)) &&
			    !(seen && generation_of(word) != *seen)))
		return notify_register(frame, waiters, waiter, cx, word);
	if (!(word & NOTIFY_LOCKED))
		notify_unlock(waiters, word);
	return notify_begin_late(frame, result, waiters, waiter, seen, cx);
}

/* Without the lock: 0, it was woken; -EAGAIN, it waits on, for this task; -EBUSY, neither is sure. */
static inline int notify_look(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	uint32_t state = atomic_load_acquire(&waiter->state); /* waiters.h, [O3] pairs with wake */
	/* [O4] [O2] pairs with notify_unlock */
	uint32_t word = atomic_load_acquire(&waiters->word);

	if (state != WAITER_LINKED)
		return word & NOTIFY_LOCKED ? -EBUSY : 0;
	return waiter->wanted == generation_of(word) &&
					weft_waker_same(&waiter->waker, weft_context_waker(cx))
			? -EAGAIN
			: -EBUSY;
}

/* `word` is what notify_lock_try gave. */
__attribute__((noinline)) static enum weft_poll notify_withdraw_late(struct weft_frame *frame,
		int *result, struct weft_waiters *waiters, struct weft_waiter *waiter,
		uint32_t word, struct weft_context *cx)
{
	if (word & NOTIFY_LOCKED)
		word = notify_lock(waiters);
	if (waiter->state == WAITER_LINKED) {
		weft__waiters_remove(waiters, waiter);
		notify_unlock(waiters, notify_tidied(waiters, word));
	} else if (waiter->state != WAITER_CLOSED) {
		notify_one_of(waiters, word, waiter->state); /* for somebody else */
	} else {
		notify_unlock(waiters, word);
	}
	return notify_end(frame, result, -ECANCELED, cx);
}

/* The usual way is that it still waits. */
WEFT_INLINE enum weft_poll notify_withdraw(struct weft_frame *frame, int *result,
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	uint32_t word = notify_lock_try(waiters);

	if (WEFT_UNLIKELY(word & NOTIFY_LOCKED || waiter->state != WAITER_LINKED))
		return notify_withdraw_late(frame, result, waiters, waiter, word, cx);
	weft__waiters_remove(waiters, waiter);
	notify_unlock(waiters, notify_tidied(waiters, word));
	return notify_end(frame, result, -ECANCELED, cx);
}

/* Looks under the lock. */
__attribute__((noinline)) static enum weft_poll notify_wait_on(struct weft_frame *frame,
		int *result, struct weft_waiters *waiters, struct weft_waiter *waiter,
		struct weft_context *cx)
{
	uint32_t word = notify_lock(waiters);

	if (waiter->state == WAITER_LINKED && waiter->wanted == generation_of(word)) {
		waiter->waker = *weft_context_waker(cx);
		notify_unlock(waiters, word);
		return WEFT_PENDING;
	}
	if (waiter->state == WAITER_LINKED) {
		weft__waiters_remove(waiters, waiter);
		word = notify_tidied(waiters, word);
	}
	notify_unlock(waiters, word);
	return notify_end(frame, result, 0, cx);
}

/* A poll of one that waits. */
__attribute__((noinline)) static enum weft_poll notify_poll_again(struct weft_frame *frame,
		int *result, struct weft_waiters *waiters, struct weft_waiter *waiter,
		struct weft_context *cx)
{
	int outcome;

	if (weft_context_cancelled(cx))
		return notify_withdraw(frame, result, waiters, waiter, cx);
	outcome = notify_look(waiters, waiter, cx);
	if (WEFT_UNLIKELY(outcome == -EBUSY))
		return notify_wait_on(frame, result, waiters, waiter, cx);
	return outcome == -EAGAIN ? WEFT_PENDING : notify_end(frame, result, 0, cx);
}

WEFT_INLINE enum weft_poll notify_poll(struct weft_frame *frame, int *result,
		struct weft_waiters *waiters, struct weft_waiter *waiter, const uint32_t *seen,
		struct weft_context *cx)
{
	uint32_t word;

	WEFT_FRAME_CHECK(frame);
	/* what ends is charged by notify_end */
	if (WEFT_UNLIKELY(cx->budget == 0 && !weft_context_charge(cx)))
		return WEFT_PENDING;
	if (frame->at == LEAF_WAITING)
		return notify_poll_again(frame, result, waiters, waiter, cx);
	if (WEFT_UNLIKELY(weft_context_cancelled(cx) && frame->at != WEFT_AT_DONE))
		return notify_end(frame, result, -ECANCELED, cx);
	if (WEFT_LIKELY(frame->at == LEAF_FRESH)) {
		if (notify_take(waiters, &word, seen))
			return notify_end(frame, result, 0, cx);
		if (!cx->trying)
			return notify_begin(frame, result, waiters, waiter, seen, cx);
		waiter->wanted = generation_of(word); /* [I4] */
		frame->at = NOTIFY_TRIED;
		return WEFT_PENDING;
	}
	if (frame->at != NOTIFY_TRIED)
		weft_frame_misuse(frame);
	return notify_begin_late(frame, result, waiters, waiter, &waiter->wanted, cx); /* [I4] */
}

enum weft_poll weft_notify_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_notify_wait__frame *f = frame;

	return notify_poll(
			&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter, NULL, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_notify_wait,
		WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES | WEFT_ASYNC_WAITER);

enum weft_poll weft_notify_wait_after__poll(void *frame, struct weft_context *cx)
{
	struct weft_notify_wait_after__frame *f = frame;

	return notify_poll(&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter,
			&f->args.p1, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_notify_wait_after,
		WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES | WEFT_ASYNC_WAITER);
