/* SPDX-License-Identifier: MIT */
/*
 * base/owned_lock.h: a lock that costs its owner two plain stores, until somebody else wants it.
 *
 * Why         Nearly all of a current-thread runtime's sockets are touched by its own thread only, several
 *             times a request, and an exchange costs as much as twenty other instructions. But a handle
 *             may be used, or closed, on any thread.
 * How         The word is a struct weft__lock with one value more:
 *
 *                 FREE --acquire--> HELD --own--> OWNED
 *                   ^                |  ^           |
 *                   +----release-----+  +-----------+  acquire by others, seize by the owner
 *
 *             While it is OWNED the owner says `inside`, looks at the word again, and works. Whoever
 *             takes the word away from OWNED waits until the owner is not inside; released, it is
 *             a lock like others, for the owner too. Only own, by whoever holds it, makes an owner.
 * Order       [O1] enter's store of `inside` and its load of the word, acquire's exchange of the word and
 *                  its load of `inside`: one of the two sees the other. That takes a fence on both
 *                  sides. The owner's costs nothing, because the other's stands for it: it is a
 *                  system call that has every running thread of the process execute one.
 *             [O2] the release store of `inside` in leave pairs with the acquire load in acquire.
 *             [O3] the release store of OWNED in own pairs with the acquire exchange in acquire.
 * Rule        One owner at a time; its sections do not nest. The section may be as long as a system call
 *             that does not wait.
 */
#ifndef WEFT_BASE_OWNED_LOCK_H
#define WEFT_BASE_OWNED_LOCK_H

#include "base/check.h"
#include "base/lock.h"

/* All zero: free, not owned. */
struct weft__owned_lock {
	struct weft__lock word;
	uint32_t inside; /* atomic: the owner is in a section */
};

enum { OWNED_LOCK_FREE, OWNED_LOCK_HELD, OWNED_LOCK_OWNED };

/* Both are the system's (os): a full fence in every thread of the process, without which nothing may be
 * owned; and giving the CPU away. */
void weft__fence_heavy(void);
void weft__thread_yield(void);

/* The word was `old` before it was HELD. */
__attribute__((cold)) static inline void weft__owned_lock_contended(
		struct weft__owned_lock *lock, uint32_t old)
{
	while (old == OWNED_LOCK_HELD) {
		while (atomic_load_relaxed(&lock->word.held) == OWNED_LOCK_HELD) /* relaxed: a guess */
			weft__thread_yield();
		/* [O3] as in acquire; it may be free now, or owned */
		old = atomic_exchange_acquire(&lock->word.held, (uint32_t)OWNED_LOCK_HELD);
	}
	if (old == OWNED_LOCK_FREE)
		return;
	weft__fence_heavy();                       /* [O1] */
	while (atomic_load_acquire(&lock->inside)) /* [O1] [O2] pairs with leave */
		weft__thread_yield();
}

/* Not the owner, or the owner that could not enter. */
static inline void weft__owned_lock_acquire(struct weft__owned_lock *lock)
{
	/* [O3] pairs with own, and with release in base/lock.h */
	uint32_t old = atomic_exchange_acquire(&lock->word.held, (uint32_t)OWNED_LOCK_HELD);

	if (WEFT_UNLIKELY(old != OWNED_LOCK_FREE))
		weft__owned_lock_contended(lock, old);
}

static inline void weft__owned_lock_release(struct weft__owned_lock *lock)
{
	weft__lock_release(&lock->word);
}

/* The owner. False: it is not OWNED, so acquire it. */
static inline bool weft__owned_lock_enter(struct weft__owned_lock *lock)
{
	atomic_store_relaxed(&lock->inside, 1u); /* relaxed: [O1] the fence follows */
	atomic_fence_light();                    /* [O1] pairs with the heavy one in acquire */
	/* relaxed: OWNED was stored by this thread, or handed over with it */
	if (WEFT_LIKELY(atomic_load_relaxed(&lock->word.held) == OWNED_LOCK_OWNED))
		return true;
	atomic_store_relaxed(&lock->inside, 0u); /* relaxed: nothing was done inside */
	return false;
}

static inline void weft__owned_lock_leave(struct weft__owned_lock *lock)
{
	atomic_store_release(&lock->inside, 0u); /* [O2] pairs with acquire */
}

/* The owner, not inside: as acquire, but without waiting for itself. */
static inline void weft__owned_lock_seize(struct weft__owned_lock *lock)
{
	uint32_t owned = OWNED_LOCK_OWNED;

	/* relaxed: what was done inside was done by this thread */
	if (!atomic_cas_relaxed(&lock->word.held, &owned, (uint32_t)OWNED_LOCK_HELD))
		weft__owned_lock_acquire(lock);
}

/* Instead of release: the calling thread owns it from now on. */
static inline void weft__owned_lock_own(struct weft__owned_lock *lock)
{
	atomic_store_release(&lock->word.held, (uint32_t)OWNED_LOCK_OWNED); /* [O3] */
}

#endif
