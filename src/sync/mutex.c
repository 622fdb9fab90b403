/* SPDX-License-Identifier: MIT */
/*
 * sync/mutex.c: a lock that is offered to who has waited longest, and handed over if that was in vain.
 *
 * Why         A mutex that is always handed over is locked from the unlock until the next one's turn of a
 *             worker. Who asks for it meanwhile must wait, though nobody uses it, and is handed it later:
 *             once two have met, all go on meeting, at the price of a suspension each (a convoy).
 * How         An unlock with waiters leaves the mutex free, and wakes the oldest, who stays in the list.
 *             Until it is polled whoever comes may take the mutex and give it back, by one atomic
 *             operation each: that is the barging window. If the oldest then finds it locked, the window
 *             is closed and the unlock that comes next hands it over. In flags:
 *
 *                 FREE                  0
 *                 HELD                  LOCKED
 *                 HELD, some wait       LOCKED WAITING
 *                 OFFERED               WAITING OFFERED
 *                 OFFERED, one barged   LOCKED WAITING OFFERED
 *
 *                 FREE     --lock--> HELD                 HELD    --unlock--> FREE
 *                 HELD     --lock--> HELD, some wait      OFFERED --lock--> OFFERED, one barged
 *                 HELD, some wait      --unlock--> OFFERED; or, the oldest being impatient, as it was, and
 *                                                  the oldest's, who leaves the list
 *                 OFFERED              --the oldest is polled--> HELD, and it leaves the list
 *                 OFFERED, one barged  --unlock--> OFFERED
 *                 OFFERED, one barged  --the oldest is polled--> HELD, some wait; it is impatient
 *                 OFFERED              --the oldest is cancelled--> OFFERED, to the next one
 *
 *             So a task is overtaken only from when it is woken until it is polled, which is a turn of its
 *             worker; and by who came later and does not wait, never by who waits.
 * Invariants  [I1] when the lock of the list is free, WAITING is set exactly if the list is not empty.
 *             [I2] OFFERED, WAITING, and with WAITING an unlock that is no barger's, are changed only with
 *                  the lock of the list.
 *             [I3] OFFERED is set exactly while the oldest has been woken and not polled since; so
 *                  somebody will look.
 * Order       [O1] an unlock pairs with the acquire of who locks next. All writes to the word in between
 *                  are read-modify-writes, so they pass it on. Who is handed it sees that under the lock
 *                  of the list.
 *             [O2] an unlock touches nothing after what may let another in, unless somebody is in the
 *                  list: then nobody is the last, who may free it, before that one took its lock.
 *             Where the mutex goes from FREE to HELD and back, weft/mutex.h does that inline, in the same
 *             orders, once MUTEX_INLINE is in the word.
 * Cost        one atomic operation without waiters, and in the window; none while the process has one
 *             thread. A wait is two or three times the lock of the list.
 * Not here    permits.c: a semaphore of one permit is a mutex that is always handed over.
 */
#include <weft/mutex.h>

#include "core/held.h"
#include "sync/waiters.h"

enum {
	MUTEX_WAITING = 1,
	MUTEX_LOCKED = 2,
	MUTEX_VALID = 4,
	MUTEX_OFFERED = 8,
	MUTEX_INLINE = 16, /* weft/mutex.h may do FREE --lock--> HELD --unlock--> FREE without us */
};

/* Who locks it first says so, except where we want to hear of each. */
enum { MUTEX_SAID = WEFT__HELD ? 0 : MUTEX_INLINE };

/* A waiter's `wanted`. */
enum { MUTEX_PATIENT, MUTEX_IMPATIENT };

_Static_assert(MUTEX_VALID == 4, "so says WEFT_MUTEX_INIT");
_Static_assert(WEFT_MUTEX_FREE_ == (MUTEX_VALID | MUTEX_INLINE) &&
				WEFT_MUTEX_HELD_ == (MUTEX_VALID | MUTEX_INLINE | MUTEX_LOCKED),
		"the inline functions");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_mutex) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_mutex_lock__frame) == 64,
		"part of the ABI");

/* Its word. Memory that is all zero is no mutex. */
static uint32_t mutex_look(const struct weft_mutex *mutex)
{
	uint32_t word = atomic_load_relaxed(&mutex->waiters.word); /* relaxed: a guess */
	bool mutex_is_initialised = word & MUTEX_VALID;

	WEFT_ASSERT(mutex_is_initialised);
	return word;
}

/* 0, or -EAGAIN and *word is one that is locked. */
WEFT_INLINE int mutex_take(struct weft_waiters *waiters, uint32_t *word)
{
	while (!(*word & MUTEX_LOCKED))
		/* [O1] pairs with mutex_release and mutex_pass */
		if (word_cas_acquire(&waiters->word, word, *word | MUTEX_LOCKED | MUTEX_SAID))
			return 0;
	return -EAGAIN;
}

/* With the lock: says to the oldest, if there is one, that it may come and look. */
static void mutex_offer(struct weft_waiters *waiters, struct weft__wakes *wakes)
{
	if (waiters->oldest)
		wakes->claimed[wakes->count++] = weft_waker_claim(&waiters->oldest->waker);
}

/* With the lock: one was taken out. */
static void mutex_tidy(struct weft_waiters *waiters)
{
	if (!waiters->oldest) /* [I1]; relaxed: [O1] it passes on what it found */
		word_fetch_sub_relaxed(&waiters->word, (uint32_t)MUTEX_WAITING);
}

/* Unlocks; false: nobody waits any more, and nothing has happened. */
static bool mutex_pass(struct weft_waiters *waiters)
{
	struct weft__wakes wakes;
	bool somebody_waits;

	wakes.count = 0;
	weft__waiters_lock(waiters); /* [I2] */
	somebody_waits = waiters->oldest != NULL;
	if (somebody_waits && waiters->oldest->wanted == MUTEX_IMPATIENT) {
		weft__waiters_wake(waiters, waiters->oldest, WAITER_GRANTED, &wakes);
		mutex_tidy(waiters);
	} else if (somebody_waits) {
		mutex_offer(waiters, &wakes);
		/* [O1] pairs with mutex_take and mutex_come */
		word_fetch_add_release(&waiters->word,
				(uint32_t)(MUTEX_OFFERED - MUTEX_LOCKED)); /* [I3] */
	}
	weft__waiters_unlock(waiters); /* [O2] */
	weft__wakes_commit(&wakes);
	return somebody_waits;
}

static void mutex_release(struct weft_mutex *mutex)
{
	struct weft_waiters *waiters = &mutex->waiters;
	uint32_t word = mutex_look(mutex);

	for (;;) {
		bool mutex_is_locked = word & MUTEX_LOCKED;

		WEFT_ASSERT(mutex_is_locked);
		if ((word & (MUTEX_WAITING | MUTEX_OFFERED)) == MUTEX_WAITING) {
			if (mutex_pass(waiters))
				return;
			word = mutex_look(mutex);
		} else if (word_cas_release(
					   &waiters->word, &word, word & ~(uint32_t)MUTEX_LOCKED)) {
			return; /* [O1] pairs with mutex_take and mutex_come [O2] */
		}
	}
}

static int mutex_begin(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	uint32_t word;
	int outcome;

	weft__waiters_lock(waiters);
	word = atomic_load_relaxed(&waiters->word); /* relaxed: who takes it looks again */
	do
		outcome = mutex_take(waiters, &word);
	while (outcome == -EAGAIN && !(word & MUTEX_WAITING) &&
			/* relaxed: what is waited for is yet to come [I2] */
			!word_cas_relaxed(&waiters->word, &word, word | MUTEX_WAITING));
	if (outcome == -EAGAIN) {
		waiter->wanted = MUTEX_PATIENT;
		weft__waiters_push(waiters, waiter, cx); /* [I1] */
	}
	weft__waiters_unlock(waiters);
	return outcome;
}

/* With the lock, the oldest: takes the mutex if it may. */
static int mutex_come(struct weft_waiters *waiters, struct weft_waiter *waiter)
{
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: as in mutex_begin */

	while (word & MUTEX_OFFERED) {
		bool barged = word & MUTEX_LOCKED;
		uint32_t next = (word | MUTEX_LOCKED) & ~(uint32_t)MUTEX_OFFERED; /* [I3] */

		/* [O1] pairs with mutex_release and mutex_pass; failed, it looks again */
		if (!word_cas_acquire(&waiters->word, &word, next))
			continue;
		if (barged) {
			waiter->wanted = MUTEX_IMPATIENT;
			break;
		}
		weft__waiters_remove(waiters, waiter);
		mutex_tidy(waiters);
		return 0;
	}
	return -EAGAIN;
}

/* With the lock, which it gives back: a waiter that is cancelled leaves the list. */
static void mutex_leave(struct weft_waiters *waiters, struct weft_waiter *waiter)
{
	bool is_oldest = waiters->oldest == waiter;
	struct weft__wakes wakes;

	wakes.count = 0;
	weft__waiters_remove(waiters, waiter);
	/* relaxed: [I2] OFFERED changes under the lock */
	if (is_oldest && (atomic_load_relaxed(&waiters->word) & MUTEX_OFFERED)) {
		mutex_offer(waiters, &wakes); /* [I3] */
		if (!waiters->oldest)
			/* relaxed: [O1] it passes on what it found */
			word_fetch_sub_relaxed(&waiters->word, (uint32_t)MUTEX_OFFERED);
	}
	mutex_tidy(waiters);
	weft__waiters_unlock(waiters);
	weft__wakes_commit(&wakes);
}

static int mutex_wait(struct weft_mutex *mutex, struct weft_waiter *waiter, struct weft_context *cx)
{
	struct weft_waiters *waiters = &mutex->waiters;
	bool cancelled = weft_context_cancelled(cx);
	int outcome = cancelled ? -ECANCELED : 0;

	weft__waiters_lock(waiters); /* [O1] */
	if (waiter->state == WAITER_LINKED && cancelled) {
		mutex_leave(waiters, waiter);
		return outcome;
	}
	if (waiter->state == WAITER_LINKED) {
		outcome = waiters->oldest == waiter ? mutex_come(waiters, waiter) : -EAGAIN;
		waiter->waker = *weft_context_waker(cx);
	}
	weft__waiters_unlock(waiters);
	if (cancelled) /* it was handed over */
		mutex_release(mutex);
	return outcome;
}

enum weft_poll weft_mutex_lock__poll(void *frame, struct weft_context *cx)
{
	struct weft_mutex_lock__frame *f = frame;
	struct weft_mutex *mutex = f->args.p0;
	int outcome = -ECANCELED;
	enum weft_poll poll;
	uint32_t word;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (WEFT_LIKELY(f->args.base.at == LEAF_FRESH)) {
		word = mutex_look(mutex);
		if (!weft_context_cancelled(cx))
			outcome = mutex_take(&mutex->waiters, &word);
		if (WEFT_UNLIKELY(outcome == -EAGAIN) && !cx->trying)
			outcome = mutex_begin(&mutex->waiters, &f->waiter, cx);
	} else if (f->args.base.at == LEAF_WAITING) {
		outcome = mutex_wait(mutex, &f->waiter, cx);
	} else {
		weft_frame_misuse(&f->args.base);
	}
	poll = weft__leaf_end(&f->args.base, &f->args.result, outcome, cx);
	weft__held_polled(mutex, HELD_MUTEX, &f->args.base, outcome, poll, cx);
	return poll;
}

WEFT_ASYNC_DEFINE_LEAF(weft_mutex_lock, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD | WEFT_ASYNC_TRIES);

int weft_mutex_try_lock_slowly(struct weft_mutex *mutex)
{
	uint32_t word = mutex_look(mutex);

	return weft__held_tried(mutex, HELD_MUTEX, mutex_take(&mutex->waiters, &word));
}

void weft_mutex_unlock_slowly(struct weft_mutex *mutex)
{
	WEFT_HELD(gave(mutex, mutex_look(mutex) & MUTEX_LOCKED));
	mutex_release(mutex);
}
