/* SPDX-License-Identifier: MIT */
/*
 * sync/permits.c: those who have to wait for permits, and how these are given to them.
 *
 * How         One word has the number of permits that are available, and flags. Nobody waits: try takes
 *             from the number, release adds to it, one compare-exchange each. Somebody waits: the flag
 *             WAITING turns both away from that path, to the lock of the list (sync/waiters.h). Whoever
 *             changes something under the lock (adds permits, leaves the list, closes) then grants:
 *
 *                 while the oldest can have what it wants:
 *                     take that from the number, take it out of the list, claim its task
 *
 *             So permits that do not suffice for the oldest lie there until they do, and nobody who came
 *             later gets them, however few it wants. A waiter that is cancelled adds what it was granted
 *             and leaves; what is granted then goes to others.
 * Invariants  [I1] when the lock is free, WAITING is set exactly if the list is not empty.
 *             [I2] while WAITING is set, only who holds the lock changes the word.
 *             [I3] when the lock is free, the oldest wants more than there is, and CLOSED is not set; or
 *                  who let go of the lock after WAKES_MAX claims is about to take it again.
 * Order       [O1] a release, by compare-exchange or under the lock, pairs with the acquire load or
 *                  compare-exchange of who takes its permits. All writes to the word in between are
 *                  read-modify-writes, so they pass it on.
 *             [O2] who gets its permits from the list sees under the lock what the granter saw.
 *             [O3] the release of CLOSED pairs with the acquire load of who is told so without waiting.
 *             [O4] a release touches nothing after what makes its permits available to those who need not
 *                  wait: one of them may have all permits then, and free this. While somebody waits they
 *                  do wait, and who is taken out of the list takes its lock, so after us. (Where more
 *                  than WAKES_MAX are taken out, others may do that for us, and be done before us.)
 * Cost        a wait is two times the lock, and once for who releases.
 */
#include <errno.h>
#include <stddef.h>

#include "sync/permits.h"

/* With the lock. Whether there is more to do, but no more room in wakes. */
static bool permits_grant(struct weft_waiters *waiters, struct weft__wakes *wakes)
{
	uint32_t word = atomic_load_acquire(&waiters->word); /* [O1] release before WAITING [O2] */
	enum weft__waiter_state why = word & PERMITS_CLOSED ? WAITER_CLOSED : WAITER_GRANTED;
	uint32_t available = word / PERMITS_ONE, taken = 0;
	struct weft_waiter *oldest;

	wakes->count = 0;
	while ((oldest = waiters->oldest) && wakes->count < WAKES_MAX) {
		uint32_t price = why == WAITER_GRANTED ? oldest->wanted : 0;

		if (price > available - taken)
			break;
		taken += price;
		weft__waiters_wake(waiters, oldest, why, wakes);
	}
	taken *= PERMITS_ONE;
	if (!oldest)
		taken += word & PERMITS_WAITING; /* [I1] */
	if (taken)                               /* [I2] */
		/* relaxed: [O1] it passes on what it found */
		word_fetch_sub_relaxed(&waiters->word, taken);
	return oldest && wakes->count == WAKES_MAX;
}

/* With the lock, which it gives back. */
static void permits_settle(struct weft_waiters *waiters)
{
	struct weft__wakes wakes;
	bool more;

	do {
		more = permits_grant(waiters, &wakes); /* [I3] */
		weft__waiters_unlock(waiters);
		weft__wakes_commit(&wakes);
		if (more)
			weft__waiters_lock(waiters);
	} while (more);
}

/* With the lock: 0 with the permits, -ESHUTDOWN, or -EAGAIN with WAITING set. */
static int permits_take_or_mark(struct weft_waiters *waiters, uint32_t wanted)
{
	/* relaxed: CLOSED is set with the lock, and who takes permits looks again */
	uint32_t word = atomic_load_relaxed(&waiters->word);

	for (;;) {
		if (word & PERMITS_CLOSED)
			return -ESHUTDOWN;
		if (word & PERMITS_WAITING) /* [I2] */
			return -EAGAIN;
		if (word / PERMITS_ONE >= wanted) {
			/* [O1] pairs with release */
			if (word_cas_acquire(&waiters->word, &word, word - wanted * PERMITS_ONE))
				return 0;
		} else if (word_cas_relaxed(&waiters->word, &word, word | PERMITS_WAITING)) {
			return -EAGAIN; /* relaxed: [O1] who grants looks again */
		}
	}
}

int weft__permits_begin(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	int outcome;

	weft__waiters_lock(waiters);
	outcome = permits_take_or_mark(waiters, waiter->wanted);
	if (outcome == -EAGAIN)
		weft__waiters_push(waiters, waiter, cx); /* [I1] */
	weft__waiters_unlock(waiters);
	return outcome;
}

/* With the lock, which it gives back. */
static void permits_withdraw(struct weft_waiters *waiters, struct weft_waiter *waiter)
{
	if (waiter->state == WAITER_LINKED)
		weft__waiters_remove(waiters, waiter);
	else if (waiter->state == WAITER_GRANTED)
		/* relaxed: [O1] it passes on what it found */
		word_fetch_add_relaxed(&waiters->word, waiter->wanted * PERMITS_ONE);
	permits_settle(waiters);
}

int weft__permits_wait(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	int outcome = -EAGAIN;

	weft__waiters_lock(waiters); /* [O2] */
	if (weft_context_cancelled(cx)) {
		permits_withdraw(waiters, waiter);
		return -ECANCELED;
	}
	if (waiter->state == WAITER_LINKED)
		waiter->waker = *weft_context_waker(cx);
	else
		outcome = waiter->state == WAITER_GRANTED ? 0 : -ESHUTDOWN;
	weft__waiters_unlock(waiters);
	return outcome;
}

bool weft__permits_pass(struct weft_waiters *waiters, uint32_t count)
{
	uint32_t word;

	weft__waiters_lock(waiters);
	if (!waiters->oldest) {
		weft__waiters_unlock(waiters); /* [O4] */
		return false;
	}
	word = word_fetch_add_release(&waiters->word, count * PERMITS_ONE); /* [O1] */
	weft__permits_check_room(word, count);
	permits_settle(waiters);
	return true;
}

void weft__permits_close(struct weft_waiters *waiters)
{
	weft__waiters_lock(waiters);
	word_fetch_or_release(&waiters->word, (uint32_t)PERMITS_CLOSED); /* [O3] */
	permits_settle(waiters);
}

_Noreturn void weft__permits_overflow(void)
{
	weft__fail("more permits are released than WEFT_SEMAPHORE_MAX", __FILE__, __LINE__);
}
