/* SPDX-License-Identifier: MIT */
/*
 * weft/waiter.h: what locks and their leaves consist of. Private; here because their memory is yours.
 *
 * What tasks wait for (weft/semaphore.h, weft/mutex.h, weft/rwlock.h, weft/once.h, weft/barrier.h,
 * weft/notify.h, weft/oneshot.h) holds a list of waiters; a waiter is part of the frame that waits. So
 * nothing allocates, however many wait.
 */
#ifndef WEFT_WAITER_H
#define WEFT_WAITER_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_waiter {
	struct weft_waiter *newer, *older;
	struct weft_waker waker;
	uint32_t wanted; /* how many permits, or which generation */
	uint32_t state;
};

struct weft_waiters {
	struct weft_waiter *newest, *oldest;
	uint32_t lock;
	uint32_t word; /* of the lock whose waiters these are */
};

/* Public: what follows needs this mutex, rwlock or permit of a semaphore. Aborts in checked builds, in a
 * task of a runtime, if the task does not hold it: because it was never taken, or released too early. The
 * message names both places. (Linux has lockdep_assert_held.) */
void weft_assert_held(const void *lock);

WEFT_END_DECLS

#endif
