/* SPDX-License-Identifier: MIT */
/*
 * weft/rwlock.h: many tasks that read, or one that writes, also across awaits.
 *
 *     static struct weft_rwlock lock = WEFT_RWLOCK_INIT;
 *
 *     weft_try(await weft_rwlock_read(&lock));         // or weft_rwlock_write
 *     defer weft_rwlock_unlock_read(&lock);            // weft_rwlock_unlock_write
 *     weft_try(await look_up(&table, key, &found));
 *
 * Fair: one queue for both, in the order in which they came. So a task that waits to write is not
 * overtaken by those who come later to read, and they wait until it has written; if it is cancelled, they
 * go on. All that read and stand together at the head of the queue go on together.
 *
 * That has a price: a task that has it to read, and asks once more to read, may wait for a writer that
 * waits for this task. Lock it once, and pass on the fact.
 *
 * It belongs to the task, not to a thread: it may be unlocked on another worker. Where nothing is awaited
 * while it is held, and it is held for a moment only, a weft_mutex or pthread_mutex_t costs the same:
 * readers, too, write to the word that counts them.
 *
 * Memory:  the lock is yours; nothing allocates. It must not move or die while a task waits for it or a
 *          call on it has not returned.
 * Threads: all from any thread; a wait from any executor. What was done before an unlock is seen by who
 *          locks next, except that readers need not see what readers did.
 * Order:   without contention one atomic operation each; none while the process has one thread.
 *
 * The semantics are those of Tokio's RwLock, which also counts permits: a reader has one, a writer all.
 */
#ifndef WEFT_RWLOCK_H
#define WEFT_RWLOCK_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_rwlock {
	struct weft_waiters waiters; /* private */
};

/* At most so many have it to read; who comes then waits until one of them unlocks. */
#define WEFT_RWLOCK_READERS_MAX 0x07ffffffu

/* clang-format off */
#define WEFT_RWLOCK_INIT { { NULL, NULL, 0, 0x1fffffffu * 8u } }
/* clang-format on */

/* The same, at run time. (A lock that is all zero is none: locking it aborts.) */
static inline void weft_rwlock_init(struct weft_rwlock *rwlock)
{
	struct weft_rwlock fresh = WEFT_RWLOCK_INIT;

	*rwlock = fresh;
}

/* async int weft_rwlock_read(rwlock): 0: it is locked for reading, by this task among others; -ECANCELED:
 * it is not. */
WEFT_ASYNC_1(int, weft_rwlock_read, struct weft_rwlock *);

struct weft_rwlock_read__frame {
	struct weft_rwlock_read__args args;
	struct weft_waiter waiter;
};

/* async int weft_rwlock_write(rwlock): 0: it is locked for writing, by this task alone; -ECANCELED: it is
 * not, and those behind it in the queue do not wait for it. */
WEFT_ASYNC_1(int, weft_rwlock_write, struct weft_rwlock *);

struct weft_rwlock_write__frame {
	struct weft_rwlock_write__args args;
	struct weft_waiter waiter;
};

/* What the inline functions below call where their atomic operation does not do; and the functions
 * themselves, for other languages. */
WEFT_NODISCARD int weft_rwlock_try_read_slowly(struct weft_rwlock *rwlock);
WEFT_NODISCARD int weft_rwlock_try_write_slowly(struct weft_rwlock *rwlock);
void weft_rwlock_unlock_read_slowly(struct weft_rwlock *rwlock);
void weft_rwlock_unlock_write_slowly(struct weft_rwlock *rwlock);

/* In permits, and its word when nobody waits (private). */
#define WEFT_RWLOCK_READ_ 4u
#define WEFT_RWLOCK_WRITE_ 0x1ffffffeu
#define WEFT_RWLOCK_FREE_ 0xfffffffcu
#define WEFT_RWLOCK_WRITTEN_ 12u

/* 0; -EAGAIN: it is locked for writing, or others wait. */
WEFT_NODISCARD static inline int weft_rwlock_try_read(struct weft_rwlock *rwlock)
{
	return weft_permits_take_(&rwlock->waiters, WEFT_RWLOCK_READ_)
			? 0
			: weft_rwlock_try_read_slowly(rwlock);
}

/* 0; -EAGAIN: it is locked, or others wait. */
WEFT_NODISCARD static inline int weft_rwlock_try_write(struct weft_rwlock *rwlock)
{
	return weft_permits_take_(&rwlock->waiters, WEFT_RWLOCK_WRITE_)
			? 0
			: weft_rwlock_try_write_slowly(rwlock);
}

/* Each ends what it is named after. Aborts if it is not locked in that way. */
static inline void weft_rwlock_unlock_read(struct weft_rwlock *rwlock)
{
	/* free, it has no room for more */
	if (weft_word_look_(&rwlock->waiters) == WEFT_RWLOCK_WRITTEN_ ||
			!weft_permits_give_(&rwlock->waiters, WEFT_RWLOCK_READ_))
		weft_rwlock_unlock_read_slowly(rwlock);
}

static inline void weft_rwlock_unlock_write(struct weft_rwlock *rwlock)
{
	if (!weft_word_give_(&rwlock->waiters, WEFT_RWLOCK_WRITTEN_, WEFT_RWLOCK_FREE_))
		weft_rwlock_unlock_write_slowly(rwlock);
}

static inline bool weft_rwlock_read__now(
		struct weft_context *cx, int *result, struct weft_rwlock *rwlock)
{
	return weft_permits_now_(cx, result, &rwlock->waiters, WEFT_RWLOCK_READ_);
}

static inline bool weft_rwlock_read__waits(const struct weft_rwlock *rwlock)
{
	return weft_permits_wait_(&rwlock->waiters, WEFT_RWLOCK_READ_);
}

static inline bool weft_rwlock_write__now(
		struct weft_context *cx, int *result, struct weft_rwlock *rwlock)
{
	return weft_permits_now_(cx, result, &rwlock->waiters, WEFT_RWLOCK_WRITE_);
}

static inline bool weft_rwlock_write__waits(const struct weft_rwlock *rwlock)
{
	return weft_permits_wait_(&rwlock->waiters, WEFT_RWLOCK_WRITE_);
}

/* Who has it to write has it to read from now on, and nobody wrote in between. Those who wait to read, and
 * stand before the first that waits to write, go on. Aborts if it is not locked for writing. (There is no
 * way up: two that waited for each other to stop reading would wait for ever.) */
void weft_rwlock_downgrade(struct weft_rwlock *rwlock);

WEFT_END_DECLS

#endif
