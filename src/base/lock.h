/* SPDX-License-Identifier: MIT */
/*
 * base/lock.h: a lock of one word for sections of a few instructions.
 *
 * Why         Wait lists, wheels and queue shards are held for tens of nanoseconds; a lock that
 *             costs one exchange and a plain store suits them.
 * How         0 free, 1 held. Whoever finds it held spins, and after SPINS rounds gives the CPU away
 *             (the holder may have been preempted). As long as the process has one thread the exchange is
 *             a load and a store: weft/single_threaded.h.
 * Rule        Never held across a poll, a wake's commit, a system call that may wait, or a callback; never
 *             taken by a signal handler.
 * Order       [O1] the acquire exchange in lock_acquire pairs with the release store in lock_release.
 */
#ifndef WEFT_BASE_LOCK_H
#define WEFT_BASE_LOCK_H

#include "base/atomic.h"

struct weft__lock {
	uint32_t held;
};

enum { WEFT__LOCK_SPINS = 64 };

/* os/thread.c; the freestanding core never contends and links a stub. */
void weft__lock_contended(struct weft__lock *lock);

static inline bool weft__lock_try(struct weft__lock *lock)
{
	return word_exchange_acquire(&lock->held, 1u) == 0; /* [O1] pairs with lock_release */
}

static inline void weft__lock_acquire(struct weft__lock *lock)
{
	if (word_exchange_acquire(&lock->held, 1u) != 0) /* [O1] as in lock_try */
		weft__lock_contended(lock);
}

static inline void weft__lock_release(struct weft__lock *lock)
{
	atomic_store_release(&lock->held, 0u); /* [O1] pairs with lock_try */
}

#endif
