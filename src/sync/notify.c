/* SPDX-License-Identifier: MIT */
/*
 * sync/notify.c: tasks that wait until somebody says that something has changed.
 *
 * How         The word has the flags WAITING (the list is not empty) and KEPT (a notify_one that found
 *             nobody) and, above them, the generation: how often all were notified. Nobody waits:
 *             notify_one sets KEPT, notify_all adds a generation, wait takes KEPT away, one
 *             compare-exchange each. Somebody waits: under the lock of the list (sync/waiters.h)
 *             notify_one takes out the oldest waiter, and notify_all begins a generation and then takes
 *             out those of the older ones, in steps, as a barrier does (barrier.c). A waiter that is
 *             polled in between sees the generation.
 *
 *                 LINKED --notify_one--> GRANTED    cancelled: notify_one again, for somebody else
 *                 LINKED --notify_last--> GRANTED   cancelled: notify_last again; it takes the newest
 *                 LINKED --notify_all--> CLOSED     cancelled: nothing is left to do
 * Invariants  [I1] when the lock is free, WAITING is set exactly if the list is not empty.
 *             [I2] while KEPT is set, nobody of this generation is in the list. So whoever takes it has
 *                  overtaken nobody.
 *             [I3] the generations in the list do not decrease from the oldest to the newest.
 *             [I4] `wanted` of a waiter is its generation, or that at which it tried, and once it is
 *                  GRANTED who was to be chosen.
 * Order       [O1] the release of KEPT pairs with the acquire of who takes it. All writes to the word are
 *                  read-modify-writes: the other notify_one, whose KEPT was set already, is passed on.
 *             [O2] the release of a generation pairs with the acquire of who sees it. Also a waiter that
 *                  has come too late for it acquires it: if it then looks, it sees what has changed.
 *             [O3] who is taken out of the list sees under the lock what was done before.
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

enum { NOTIFY_WAITING = 1, NOTIFY_KEPT = 2, NOTIFY_GENERATION = 4 };

_Static_assert(WEFT_NOTIFY_KEPT_ == NOTIFY_KEPT, "weft_notify_wait__now");

enum notify_whom { NOTIFY_OLDEST, NOTIFY_NEWEST };

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

/* With the lock: a waiter was taken out. */
static void notify_tidy(struct weft_waiters *waiters)
{
	if (!waiters->oldest) /* [I1]; relaxed: [O1] it passes on what it found */
		word_fetch_sub_relaxed(&waiters->word, (uint32_t)NOTIFY_WAITING);
}

/* With the lock: wakes one, or keeps it. */
static void notify_choose(
		struct weft_waiters *waiters, struct weft__wakes *wakes, enum notify_whom whom)
{
	/* relaxed: while somebody waits, the generation changes under the lock */
	uint32_t generation = generation_of(atomic_load_relaxed(&waiters->word));
	struct weft_waiter *waiter = whom == NOTIFY_OLDEST ? waiters->oldest : waiters->newest;

	while (waiter && waiter->wanted != generation)
		waiter = waiter->newer; /* of the newest there is none, [I3] */
	if (waiter) {
		weft__waiters_wake(waiters, waiter, WAITER_GRANTED, wakes);
		waiter->wanted = whom; /* [I4] */
		notify_tidy(waiters);
	} else {
		word_fetch_or_release(&waiters->word, (uint32_t)NOTIFY_KEPT); /* [I2] [O1] */
	}
}

__attribute__((noinline)) static void notify_one_of(
		struct weft_waiters *waiters, enum notify_whom whom)
{
	struct weft__wakes wakes;

	wakes.count = 0;
	weft__waiters_lock(waiters);
	notify_choose(waiters, &wakes, whom);
	weft__waiters_unlock(waiters); /* [O3] */
	weft__wakes_commit(&wakes);
}

WEFT_INLINE void notify_some(struct weft_waiters *waiters, enum notify_whom whom)
{
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	while (!(word & NOTIFY_WAITING))
		/* [O1] pairs with notify_take */
		if (word_cas_release(&waiters->word, &word, word | NOTIFY_KEPT))
			return;
	notify_one_of(waiters, whom);
}

void weft_notify_one(struct weft_notify *notify)
{
	notify_some(&notify->waiters, NOTIFY_OLDEST);
}

void weft_notify_last(struct weft_notify *notify)
{
	notify_some(&notify->waiters, NOTIFY_NEWEST);
}

/* With the lock, which it gives back: wakes those older than the generation. */
static void notify_older(struct weft_waiters *waiters, uint32_t generation)
{
	struct weft__wakes wakes;
	struct weft_waiter *oldest;

	for (;;) {
		wakes.count = 0;
		while ((oldest = waiters->oldest) && wakes.count < WAKES_MAX &&
				(int32_t)((oldest->wanted - generation) * NOTIFY_GENERATION) <
						0) /* [I3] */
			weft__waiters_wake(waiters, oldest, WAITER_CLOSED, &wakes);
		if (wakes.count)
			notify_tidy(waiters);
		weft__waiters_unlock(waiters); /* [O3] */
		weft__wakes_commit(&wakes);
		if (wakes.count < WAKES_MAX)
			return;
		weft__waiters_lock(waiters);
	}
}

void weft_notify_all(struct weft_notify *notify)
{
	struct weft_waiters *waiters = &notify->waiters;
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	while (!(word & NOTIFY_WAITING))
		/* [O2] pairs with notify_take and weft_notify_seen */
		if (word_cas_release(&waiters->word, &word, word + NOTIFY_GENERATION))
			return;
	weft__waiters_lock(waiters);
	/* [O2] the same */
	word = word_fetch_add_release(&waiters->word, (uint32_t)NOTIFY_GENERATION);
	notify_older(waiters, generation_of(word + NOTIFY_GENERATION));
}

/* 0: it took what was kept, or a generation has passed since *seen (NULL: does not matter). Else -EAGAIN,
 * and *word has what it saw. */
WEFT_INLINE int notify_take(struct weft_waiters *waiters, uint32_t *word, const uint32_t *seen)
{
	*word = atomic_load_acquire(&waiters->word); /* [O2] pairs with weft_notify_all */
	for (;;) {
		if (seen && generation_of(*word) != *seen)
			return 0;
		if (!(*word & NOTIFY_KEPT))
			return -EAGAIN;
		/* [O1] pairs with notify_some; failed, [O2] as the load */
		if (word_cas_acquire(&waiters->word, word, *word - NOTIFY_KEPT)) /* [I2] */
			return 0;
	}
}

static int notify_begin(struct weft_waiters *waiters, struct weft_waiter *waiter,
		const uint32_t *seen, struct weft_context *cx)
{
	uint32_t word;
	int outcome;

	weft__waiters_lock(waiters);
	do
		outcome = notify_take(waiters, &word, seen);
	while (outcome == -EAGAIN && !(word & NOTIFY_WAITING) &&
			/* relaxed: [O2] notify_take has acquired this generation */
			!word_cas_relaxed(&waiters->word, &word, word | NOTIFY_WAITING));
	if (outcome == -EAGAIN) {
		waiter->wanted = generation_of(word); /* [I3] */
		weft__waiters_push(waiters, waiter, cx);
	}
	weft__waiters_unlock(waiters);
	return outcome;
}

static int notify_wait(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	bool cancelled = weft_context_cancelled(cx);
	int outcome = cancelled ? -ECANCELED : 0;
	struct weft__wakes wakes;

	wakes.count = 0;
	weft__waiters_lock(waiters); /* [O3] */
	if (waiter->state == WAITER_LINKED) {
		/* relaxed: it changes under the lock */
		uint32_t word = atomic_load_relaxed(&waiters->word);

		if (cancelled || waiter->wanted != generation_of(word)) {
			weft__waiters_remove(waiters, waiter);
			notify_tidy(waiters);
		} else {
			waiter->waker = *weft_context_waker(cx);
			outcome = -EAGAIN;
		}
	} else if (cancelled && waiter->state == WAITER_GRANTED) {
		notify_choose(waiters, &wakes, (enum notify_whom)waiter->wanted);
	}
	weft__waiters_unlock(waiters);
	weft__wakes_commit(&wakes);
	return outcome;
}

/* A poll that does not find what it waits for at once. */
__attribute__((noinline)) static enum weft_poll notify_poll_slowly(struct weft_frame *frame,
		int *result, struct weft_waiters *waiters, struct weft_waiter *waiter,
		const uint32_t *seen, struct weft_context *cx)
{
	int outcome;

	if (frame->at == LEAF_WAITING) {
		outcome = notify_wait(waiters, waiter, cx);
	} else if (frame->at != LEAF_FRESH && frame->at != NOTIFY_TRIED) {
		weft_frame_misuse(frame);
	} else if (weft_context_cancelled(cx)) {
		outcome = -ECANCELED;
	} else {
		if (frame->at == NOTIFY_TRIED)
			seen = &waiter->wanted; /* [I4] */
		outcome = notify_begin(waiters, waiter, seen, cx);
	}
	return weft__leaf_end(frame, result, outcome, cx);
}

WEFT_INLINE enum weft_poll notify_poll(struct weft_frame *frame, int *result,
		struct weft_waiters *waiters, struct weft_waiter *waiter, const uint32_t *seen,
		struct weft_context *cx)
{
	uint32_t word;

	WEFT_FRAME_CHECK(frame);
	if (WEFT_UNLIKELY(!weft_context_charge(cx)))
		return WEFT_PENDING;
	if (WEFT_UNLIKELY(frame->at != LEAF_FRESH || weft_context_cancelled(cx)))
		return notify_poll_slowly(frame, result, waiters, waiter, seen, cx);
	if (notify_take(waiters, &word, seen) == 0) {
		*result = 0;
		frame->at = WEFT_AT_DONE;
		return WEFT_READY;
	}
	if (!cx->trying)
		return notify_poll_slowly(frame, result, waiters, waiter, seen, cx);
	waiter->wanted = generation_of(word); /* [I4] */
	frame->at = NOTIFY_TRIED;
	weft_context_refund(cx);
	return WEFT_PENDING;
}

enum weft_poll weft_notify_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_notify_wait__frame *f = frame;

	return notify_poll(
			&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter, NULL, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_notify_wait, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

enum weft_poll weft_notify_wait_after__poll(void *frame, struct weft_context *cx)
{
	struct weft_notify_wait_after__frame *f = frame;

	return notify_poll(&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter,
			&f->args.p1, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_notify_wait_after,
		WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);
