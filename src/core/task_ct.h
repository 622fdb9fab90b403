/* SPDX-License-Identifier: MIT */
/*
 * core/task_ct.h: the state of a task that is polled by one thread at a time, its home.
 *
 * Why         An atomic costs as much as the rest of a switch. Nearly all wakes come from the home
 *             thread, so its side is plain; others leave a request and push the task to the home's
 *             inbox.
 * How         `local`, plain, home only:
 *
 *                 IDLE --wake: push--> QUEUED --start--> RUNNING --done--> DONE
 *                   ^                    ^                |  |
 *                   |                    +-- push if woken or self-woken
 *                   +-------------- suspend -----------------+
 *
 *             `state`, atomic: what others ask. WOKEN is set from the request until the home takes
 *             the requests, by exchange, as it pops the task from the inbox; whoever set WOKEN first
 *             pushes. So a task is in the inbox at most once, independently of the run queue.
 * Invariants  [I1] a task is in the run queue exactly while local has QUEUED.
 *             [I2] WOKEN set: the task is in the inbox, or a claim will put it there. Its memory stays
 *                  until the home has taken it out (the reap waits: ct_requested).
 * Order       [O1] the release half of ct_request pairs with the acquire half of ct_receive: what a
 *                  waker wrote is seen by the poll. Both are read-modify-writes, so none is skipped.
 * Cost        a wake cycle on the home thread: no atomic. From elsewhere: two, and the inbox's two.
 */
#ifndef WEFT_CORE_TASK_CT_H
#define WEFT_CORE_TASK_CT_H

#include "base/atomic.h"
#include "base/check.h"
#include "core/task.h"

/* local */
enum {
	CT_QUEUED = 1,
	CT_RUNNING = 2,
	CT_DONE = 4,
	CT_CANCELLED = 8,
	CT_DETACHED = 16,       /* no handle: reap at the end */
	CT_JOINED_HERE = 32,    /* `joiner` holds a waiter of the home thread */
	CT_JOINED_AWAY = 64     /* another thread may have put a waiter into `joiner` */
};

/* state */
enum {
	CT_WOKEN = 1,
	CT_ASK_CANCEL = 2,
	CT_ASK_DETACH = 4,
	CT_ASK_JOIN = 8,
	CT_ASK_UNREF = 16,
	CT_ASK_WAKE = 32 /* for executors of whom other things are asked, too */
};

enum ct_todo {
	CT_NOTHING,
	CT_PUSH
};

static inline void ct_init(struct weft_task *task, bool detached)
{
	/* relaxed: nobody else knows the task yet */
	atomic_store_relaxed(&task->state, 0u);
	task->local = detached ? CT_DETACHED : 0;
}

/* Home: CT_PUSH means into the run queue. */
static inline enum ct_todo ct_wake(struct weft_task *task)
{
	uint32_t old = task->local;

	if (old & (CT_QUEUED | CT_DONE))
		return CT_NOTHING;
	task->local = old | CT_QUEUED;
	return old & CT_RUNNING ? CT_NOTHING : CT_PUSH; /* [I1]: running, suspend pushes */
}

/* Home: takes the task, which was popped from the run queue, for a poll. */
static inline bool ct_start(struct weft_task *task)
{
	WEFT_ASSERT((task->local & (CT_QUEUED | CT_RUNNING | CT_DONE)) == CT_QUEUED); /* [I1] */
	task->local += CT_RUNNING - CT_QUEUED;
	return (task->local & CT_CANCELLED) != 0;
}

/* Home: ct_start of a task that nobody has cancelled, if `usual` is CT_QUEUED. False, and nothing has
 * happened: it was cancelled, or `usual` is something else. */
static inline bool ct_start_usual(struct weft_task *task, uint32_t usual)
{
	uint32_t old = task->local;

	if (WEFT_UNLIKELY((old & (CT_QUEUED | CT_RUNNING | CT_DONE | CT_CANCELLED)) != usual))
		return false;
	task->local = old + CT_RUNNING - CT_QUEUED;
	return true;
}

/* Home: ends a poll that was PENDING. CT_PUSH means into the run queue. */
static inline enum ct_todo ct_suspend(struct weft_task *task, bool self_woken)
{
	uint32_t local = task->local & ~(uint32_t)CT_RUNNING;

	if (self_woken)
		local |= CT_QUEUED;
	task->local = local;
	return local & CT_QUEUED ? CT_PUSH : CT_NOTHING;
}

/* Home: ends the last poll. */
static inline void ct_done(struct weft_task *task)
{
	WEFT_ASSERT(task->local & CT_RUNNING);
	task->local = (task->local & ~(uint32_t)(CT_RUNNING | CT_QUEUED)) | CT_DONE;
}

/* Any thread: CT_PUSH means into the inbox. */
static inline enum ct_todo ct_request(struct weft_task *task, uint32_t asked)
{
	uint32_t old = atomic_fetch_or_acq_rel(&task->state, asked | CT_WOKEN); /* [O1] ct_receive */

	return old & CT_WOKEN ? CT_NOTHING : CT_PUSH; /* [I2] */
}

/* Home: takes what others asked for, after popping the task from the inbox. */
static inline uint32_t ct_receive(struct weft_task *task)
{
	return atomic_exchange_acq_rel(&task->state, 0u); /* [O1] pairs with ct_request */
}

/* Home: whether the inbox still holds the task, or is about to. */
static inline bool ct_requested(const struct weft_task *task)
{
	/* [O1] pairs with ct_request: a claim that is not seen here cannot exist, since the waiter it
	 * was made on was unlinked under a lock that the task took afterwards */
	return atomic_load_acquire(&task->state) != 0;
}

#endif
