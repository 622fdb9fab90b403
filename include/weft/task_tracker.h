/* SPDX-License-Identifier: MIT */
/*
 * weft/task_tracker.h: waits until everybody who came in has left.
 *
 *     static struct weft_task_tracker requests = WEFT_TASK_TRACKER_INIT;
 *
 *     weft_task_tracker_enter(&requests);                  // before the task is spawned
 *     if ((err = weft_spawn_detached(serve(conn))))
 *             weft_task_tracker_leave(&requests);          // no task
 *     ...
 *     defer weft_task_tracker_leave(&requests);            // in serve, first
 *     ...
 *     weft_task_tracker_close(&requests);                  // at the end: nobody else is to come
 *     weft_try(await weft_task_tracker_wait(&requests));
 *
 * It counts; it knows no task, keeps nothing of them, and cancels none. It is for tasks that nobody joins:
 * those that have a block of code to belong to are in a weft_scope.
 *
 * Memory:  the tracker is yours; nothing allocates. It must not move or die while somebody is in it,
 *          waits for it, or closes it; but who has waited until all have left may free it.
 * Threads: all from any thread; a wait from any executor. What was done before a leave is seen by who has
 *          waited for it.
 * Order:   to enter and to leave is one atomic operation each.
 *
 * Tokio's TaskTracker is the model.
 */
#ifndef WEFT_TASK_TRACKER_H
#define WEFT_TASK_TRACKER_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_task_tracker {
	struct weft_waiters waiters; /* private */
};

/* At most so many in it. */
#define WEFT_TASK_TRACKER_MAX 0x3fffffffu

/* clang-format off */
#define WEFT_TASK_TRACKER_INIT { { NULL, NULL, 0, 0 } }
/* clang-format on */

/* The same, at run time. */
static inline void weft_task_tracker_init(struct weft_task_tracker *tracker)
{
	struct weft_task_tracker fresh = WEFT_TASK_TRACKER_INIT;

	*tracker = fresh;
}

/* One more. Also one that is closed lets in: that is the caller's matter, who is waited for all the same.
 * Aborts above WEFT_TASK_TRACKER_MAX. */
void weft_task_tracker_enter(struct weft_task_tracker *tracker);

/* One less. Aborts if there is none. */
void weft_task_tracker_leave(struct weft_task_tracker *tracker);

/* From here on a wait ends when nobody is in it. Idempotent. */
void weft_task_tracker_close(struct weft_task_tracker *tracker);

/* Takes that back; who has been woken because of it has its 0. Idempotent. */
void weft_task_tracker_reopen(struct weft_task_tracker *tracker);

bool weft_task_tracker_is_closed(const struct weft_task_tracker *tracker);

/* How many are in it, at some moment during the call. */
uint32_t weft_task_tracker_count(const struct weft_task_tracker *tracker);

/* async int weft_task_tracker_wait(tracker): 0 once the tracker is, or while this waited was, closed and
 * empty. -ECANCELED. */
WEFT_ASYNC_1(int, weft_task_tracker_wait, struct weft_task_tracker *);

struct weft_task_tracker_wait__frame {
	struct weft_task_tracker_wait__args args;
	struct weft_waiter waiter;
};

WEFT_END_DECLS

#endif
