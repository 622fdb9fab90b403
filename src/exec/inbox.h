/* SPDX-License-Identifier: MIT */
/*
 * exec/inbox.h: tasks that other threads hand to the home thread of a current-thread runtime.
 *
 *     EMPTY --push--> list --push--> longer list --take--> EMPTY
 *       |                                                    ^
 *       +--sleep--> SLEEPING --push: wake the home--> list   | take
 *                       +------------------------------------+
 *
 * SLEEPING stands there exactly while the home waits in its reactor, or nobody drives. It is one word with
 * the list, so nothing can fall between "look" and "sleep".
 *
 * Order: [O1] push's release pairs with the acquire exchange in take: the home sees the task's memory.
 */
#ifndef WEFT_EXEC_INBOX_H
#define WEFT_EXEC_INBOX_H

#include "base/atomic.h"
#include "core/task.h"

struct weft__inbox {
	uintptr_t head; /* atomic: 0 empty, 1 sleeping, else the newest task */
};

enum { INBOX_EMPTY, INBOX_SLEEPING };

/* Any thread. True: the home sleeps, and must be woken. */
WEFT_NODISCARD static inline bool weft__inbox_push(struct weft__inbox *inbox, struct weft_task *task)
{
	uintptr_t head = atomic_load_relaxed(&inbox->head); /* relaxed: a guess */

	do
		task->next = head == INBOX_SLEEPING ? NULL : (struct weft_task *)head;
	while (!atomic_cas_acq_rel(&inbox->head, &head, (uintptr_t)task)); /* [O1] */
	return head == INBOX_SLEEPING;
}

/* Home: all of it, oldest first. */
static inline struct weft_task *weft__inbox_take(struct weft__inbox *inbox)
{
	uintptr_t head;

	/* relaxed: a hint; the exchange acquires */
	if (atomic_load_relaxed(&inbox->head) == INBOX_EMPTY)
		return NULL;
	head = atomic_exchange_acq_rel(&inbox->head, (uintptr_t)INBOX_EMPTY); /* [O1] */
	return head == INBOX_SLEEPING ? NULL : weft__task_list_reverse((struct weft_task *)head);
}

/* Home: false: there is something in it. */
WEFT_NODISCARD static inline bool weft__inbox_sleep(struct weft__inbox *inbox)
{
	uintptr_t head = INBOX_EMPTY;

	return atomic_cas_acq_rel(&inbox->head, &head, (uintptr_t)INBOX_SLEEPING) || /* [O1] */
			head == INBOX_SLEEPING;
}

#endif
