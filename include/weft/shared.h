/* SPDX-License-Identifier: MIT */
/*
 * weft/shared.h: one future that many wait for.
 *
 *     struct lookup {                                          // found by the others in a table, say
 *             struct weft_shared shared;
 *             struct resolve__frame resolve;
 *             int users;
 *     };
 *
 *     resolve__init(&lookup->resolve.args, name);              // once
 *     weft_shared_init(&lookup->shared, &resolve__async, &lookup->resolve);
 *
 *     err = await weft_shared_wait(&lookup->shared, &address); // in as many tasks as there are
 *
 * The future begins with the first wait, and is polled by one of those who wait, on its worker; when that
 * one is cancelled, by another. A wait that is cancelled leaves the others alone; when it is the last, it
 * cancels the future, and ends when that has unwound.
 *
 * Memory:  the struct, the future's frame and the waits are the caller's. The struct and the frame must
 *          not move between the first wait and the end of the last. Nothing allocates.
 * Threads: waits in any tasks of one runtime; result after one of them has ended.
 * Order:   whoever begins to wait when the future has ended does not wait.
 *
 * A wait that was started and is not polled for long (a child of a set that nobody awaits) may be the one
 * that was woken to poll the future: the others then wait with it, until somebody else begins to.
 *
 * Rust's Shared is the model; here nobody else is woken when the future is to be polled, and the result is
 * where the future has put it.
 */
#ifndef WEFT_SHARED_H
#define WEFT_SHARED_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

/* Private. */
struct weft_shared {
	struct weft_waiters waiters;
	const struct weft_async *async;
	void *frame;
	struct weft_strand strand;
	struct weft_waker waker;
	uint32_t waiting;
	uint8_t state;
	uint8_t unsure;
	uint8_t cancelled;
};

/* Prepares a future whose frame, of type `async`, has been initialised. */
void weft_shared_init(struct weft_shared *shared, const struct weft_async *async, void *frame);

/* The result of the future, of its function's type. Of one that has ended. */
static inline const void *weft_shared_result(const struct weft_shared *shared)
{
	return (const char *)shared->frame + shared->async->result_offset;
}

/* async int weft_shared_wait(shared, result): waits until the future has ended, and copies its result to
 * *result (NULL: not wanted). Gives 0, whatever the result is; -ECANCELED if the wait was cancelled
 * before the future had ended. A future that its last wait has cancelled has ended: later ones get its
 * result. */
WEFT_ASYNC_2(int, weft_shared_wait, struct weft_shared *, void *);

struct weft_shared_wait__frame {
	struct weft_shared_wait__args args;
	struct weft_waiter waiter; /* private from here on */
};

WEFT_END_DECLS

#endif
