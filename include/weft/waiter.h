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

WEFT_END_DECLS

#endif
