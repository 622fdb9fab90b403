/* SPDX-License-Identifier: MIT */
/*
 * weft/mutex.h: one task at a time, also across awaits.
 *
 *     static struct weft_mutex mutex = WEFT_MUTEX_INIT;
 *
 *     weft_try(await weft_mutex_lock(&mutex));
 *     defer weft_mutex_unlock(&mutex);
 *     weft_try(await store(&table));           // nobody else does meanwhile
 *
 * Fair, but not at any price: unlocking wakes who has waited longest, and until that one has its turn
 * of a worker others may lock and unlock (they barge). If it then finds the mutex locked, the next unlock
 * hands it over. So a task that waits is overtaken for one turn at most, only by those that come later and
 * need not wait, and those that wait get it in the order in which they came. To be overtaken by nobody,
 * take a weft_semaphore of one permit.
 *
 * Where nothing is awaited in between, a pthread_mutex_t costs less.
 *
 * It belongs to the task, not to a thread: it may be unlocked on another worker. It is not recursive.
 *
 * Memory:  the mutex is yours; nothing allocates. It must not move or die while a task waits for it; who
 *          holds it last may unlock it and free it.
 * Threads: all from any thread; a wait from any executor. What was done before an unlock is seen by who
 *          locks next.
 * Order:   without contention one atomic operation each; none while the process has one thread.
 */
#ifndef WEFT_MUTEX_H
#define WEFT_MUTEX_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_mutex {
	struct weft_waiters waiters; /* private */
};

/* clang-format off */
#define WEFT_MUTEX_INIT { { NULL, NULL, 0, 4u } }
/* clang-format on */

/* The same, at run time. (A mutex that is all zero is none: locking it aborts.) */
static inline void weft_mutex_init(struct weft_mutex *mutex)
{
	struct weft_mutex fresh = WEFT_MUTEX_INIT;

	*mutex = fresh;
}

/* async int weft_mutex_lock(mutex): 0, or -ECANCELED: it is not locked. */
WEFT_ASYNC_1(int, weft_mutex_lock, struct weft_mutex *);

struct weft_mutex_lock__frame {
	struct weft_mutex_lock__args args;
	struct weft_waiter waiter;
};

/* What the inline functions below call where their atomic operation does not do; and the functions
 * themselves, for other languages. */
WEFT_NODISCARD int weft_mutex_try_lock_slowly(struct weft_mutex *mutex);
void weft_mutex_unlock_slowly(struct weft_mutex *mutex);

/* Its word when nobody waits (private). Nobody looks at it before the exchange: a load behind the last
 * atomic operation costs a third of one, and a mutex is mostly free. */
#define WEFT_MUTEX_FREE_ 20u
#define WEFT_MUTEX_HELD_ 22u

/* 0; -EAGAIN: it is locked. */
WEFT_NODISCARD static inline int weft_mutex_try_lock(struct weft_mutex *mutex)
{
	return weft_word_take_(&mutex->waiters, WEFT_MUTEX_FREE_, WEFT_MUTEX_HELD_)
			? 0
			: weft_mutex_try_lock_slowly(mutex);
}

/* Aborts if it is not locked. */
static inline void weft_mutex_unlock(struct weft_mutex *mutex)
{
	if (!weft_word_give_(&mutex->waiters, WEFT_MUTEX_HELD_, WEFT_MUTEX_FREE_))
		weft_mutex_unlock_slowly(mutex);
}

static inline bool weft_mutex_lock__now(
		struct weft_context *cx, int *result, struct weft_mutex *mutex)
{
	return weft_context_may_end(cx) &&
			weft_word_take_(&mutex->waiters, WEFT_MUTEX_FREE_, WEFT_MUTEX_HELD_) &&
			weft_leaf_ends_(cx, result);
}

static inline bool weft_mutex_lock__waits(const struct weft_mutex *mutex)
{
	return weft_word_look_(&mutex->waiters) == WEFT_MUTEX_HELD_;
}

WEFT_END_DECLS

#endif
