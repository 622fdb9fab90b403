/* SPDX-License-Identifier: MIT */
/*
 * base/lock.h: a lock of one word for sections of a few instructions.
 *
 * Why         Wait lists, wheels and queue shards are held for tens of nanoseconds; a lock that
 *             costs one exchange and a plain store suits them.
 * How         0 free, 1 held. Whoever finds it held spins, and after SPINS rounds gives the CPU away
 *             (the holder may have been preempted). As long as the process has one thread the exchange is
 *             a load and a store: weft/single_threaded.h.
 *             A lock can also be one bit of a word whose other bits it protects: the word is stored anew
 *             when it is released, so looking at the word, changing it and both ends of the section are
 *             that exchange and that store.
 * Rule        Never held across a poll, a wake's commit, a system call that may wait, or a callback; never
 *             taken by a signal handler.
 * Order       [O1] the acquire exchange in lock_acquire pairs with the release store in lock_release; so
 *                  do those of the bit.
 */
#ifndef WEFT_BASE_LOCK_H
#define WEFT_BASE_LOCK_H

#include "base/atomic.h"

struct weft__lock {
	uint32_t held;
};

enum { WEFT__LOCK_SPINS = 64 };

/* os/os_linux.c; the freestanding core never contends and links a stub. */
void weft__lock_contended(struct weft__lock *lock);

static inline bool weft__lock_try(struct weft__lock *lock)
{
	return word_exchange_acquire(&lock->held, 1u) == 0; /* [O1] pairs with lock_release */
}

static inline void weft__lock_acquire(struct weft__lock *lock)
{
	if (!weft__lock_try(lock))
		weft__lock_contended(lock);
}

static inline void weft__lock_release(struct weft__lock *lock)
{
	atomic_store_release(&lock->held, 0u); /* [O1] pairs with lock_try */
}

/* As lock_contended: the bit was set. */
uint32_t weft__lock_bit_contended(uint32_t *word, uint32_t bit);

/* Returns the word as it was. With the bit: another has the lock. Without: nobody else may write the word
 * until the release. */
static inline uint32_t weft__lock_bit_try(uint32_t *word, uint32_t bit)
{
	/* [O1] pairs with lock_bit_release, and with who changes the word while the bit is not set */
	return word_fetch_or_acquire(word, bit);
}

/* The same until nobody has it. */
static inline uint32_t weft__lock_bit_acquire(uint32_t *word, uint32_t bit)
{
	uint32_t old = weft__lock_bit_try(word, bit);

	return old & bit ? weft__lock_bit_contended(word, bit) : old;
}

static inline void weft__lock_bit_release(uint32_t *word, uint32_t value)
{
	atomic_store_release(word, value); /* [O1] pairs with lock_bit_acquire */
}

#endif
