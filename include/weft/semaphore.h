/* SPDX-License-Identifier: MIT */
/*
 * weft/semaphore.h: permits, for which tasks wait in the order in which they came.
 *
 *     static struct weft_semaphore connections = WEFT_SEMAPHORE_INIT(100);
 *
 *     weft_try(await weft_semaphore_acquire(&connections, 1));
 *     defer weft_semaphore_release(&connections, 1);
 *
 * Fair: who asks for many is not overtaken by those who ask for few, and nobody who comes later goes
 * first, not even by try_acquire. A release gives to those who wait, in their order, as far as it goes.
 * To take permits away for good, acquire and do not release.
 *
 * Memory:  the semaphore is yours; nothing allocates. It must not move or die while a task waits on it
 *          or a call on it has not returned; but who got the last permit that is in use may free it, if
 *          these were released one at a time.
 * Threads: all from any thread; a wait from any executor. What was done before a release is seen by
 *          whoever gets its permits.
 * Order:   without contention one atomic operation each; none while the process has one thread.
 */
#ifndef WEFT_SEMAPHORE_H
#define WEFT_SEMAPHORE_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_semaphore {
	struct weft_waiters waiters; /* private */
};

/* At most so many permits, acquired at once or available. */
#define WEFT_SEMAPHORE_MAX 0x1fffffffu

/* clang-format off */
#define WEFT_SEMAPHORE_INIT(permits) { { NULL, NULL, 0, (uint32_t)(permits) * 8u } }
/* clang-format on */

/* The same, at run time. */
static inline void weft_semaphore_init(struct weft_semaphore *semaphore, uint32_t permits)
{
	struct weft_semaphore fresh = WEFT_SEMAPHORE_INIT(permits);

	*semaphore = fresh;
}

/* async int weft_semaphore_acquire(semaphore, uint32_t count): waits until it has all of them. 0;
 * -ECANCELED: it has none; -ESHUTDOWN: closed. A cancelled one that was given its permits, and has not
 * been polled since, passes them on. */
WEFT_ASYNC_2(int, weft_semaphore_acquire, struct weft_semaphore *, uint32_t);

struct weft_semaphore_acquire__frame {
	struct weft_semaphore_acquire__args args;
	struct weft_waiter waiter;
};

/* What the inline functions below call where their atomic operation does not do; and the functions
 * themselves, for other languages. */
WEFT_NODISCARD int weft_semaphore_try_acquire_slowly(
		struct weft_semaphore *semaphore, uint32_t count);
void weft_semaphore_release_slowly(struct weft_semaphore *semaphore, uint32_t count);

/* 0; -EAGAIN: not so many are there, or others wait; -ESHUTDOWN: closed. */
WEFT_NODISCARD static inline int weft_semaphore_try_acquire(
		struct weft_semaphore *semaphore, uint32_t count)
{
	return weft_permits_take_(&semaphore->waiters, count)
			? 0
			: weft_semaphore_try_acquire_slowly(semaphore, count);
}

/* Gives permits back; they may have been acquired by another task. Aborts above WEFT_SEMAPHORE_MAX. In
 * checked builds also if those that the task has acquired in the same function were released before, and
 * nobody else has any: a permit that is released twice. */
static inline void weft_semaphore_release(struct weft_semaphore *semaphore, uint32_t count)
{
	if (!weft_permits_give_(&semaphore->waiters, count))
		weft_semaphore_release_slowly(semaphore, count);
}

static inline bool weft_semaphore_acquire__now(struct weft_context *cx, int *result,
		struct weft_semaphore *semaphore, uint32_t count)
{
	return weft_permits_now_(cx, result, &semaphore->waiters, count);
}

static inline bool weft_semaphore_acquire__waits(
		const struct weft_semaphore *semaphore, uint32_t count)
{
	return weft_permits_wait_(&semaphore->waiters, count);
}

/* Behind weft_with_permits (weft/async.h), at its end: so nobody has released them before. */
struct weft_permits_ {
	struct weft_semaphore *semaphore;
	uint32_t count;
	bool held;
};

static inline void weft_permits_leave_(struct weft_permits_ *permits)
{
	if (!permits->held || weft_permits_give_(&permits->semaphore->waiters, permits->count))
		return;
	weft_assert_held(permits->semaphore);
	weft_semaphore_release_slowly(permits->semaphore, permits->count);
}

/* Permits that nobody has acquired: more of them, or a signal. Aborts as release, but for the last. */
void weft_semaphore_add(struct weft_semaphore *semaphore, uint32_t count);

/* Whoever waits gets -ESHUTDOWN, and so does who comes later. Permits may still be released.
 * Idempotent, and there is no way back. */
void weft_semaphore_close(struct weft_semaphore *semaphore);

/* How many nobody has, at some moment during the call. While a task waits they are kept for it. */
uint32_t weft_semaphore_available(const struct weft_semaphore *semaphore);

WEFT_END_DECLS

#endif
