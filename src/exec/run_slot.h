/* SPDX-License-Identifier: MIT */
/*
 * exec/run_slot.h: the task that a worker woke last, and runs next. The owner fills and empties it;
 * anybody may steal from it, if the owner is stuck.
 *
 * Why         Nearly all that a worker wakes goes through here, in and out, and nearly none is stolen.
 * How         Who takes exchanges the task for NULL; but as long as nobody is about to steal, the owner
 *             does it by a load and a store, `inside`. A thief counts itself a raider, and takes
 *             nothing if it then finds the owner inside: that one is not stuck. Only the owner stores
 *             anything but NULL; so what is empty to it stays so until it fills it, by a store.
 *             Where the system has no heavy fence there is always one raider.
 * Invariants  [I1] a task is in the slot at most once, and one alone takes it.
 * Order       [O1] put's release store of the task pairs with the exchange in steal: a thief sees the
 *                  task's memory.
 *             [O2] pop's store of `inside` and its load of `raiders`, steal's addition to `raiders` and
 *                  its load of `inside`: one of the two sees the other. The heavy fence of steal stands
 *                  for the owner's, too, as in base/owned_lock.h.
 *             [O3] the release store that ends `inside` pairs with steal's acquire load: the thief sees
 *                  that the slot was emptied.
 *             [O4] the release with which a raider goes pairs with pop's acquire load: the owner sees that
 *                  the slot was emptied.
 * Cost        put and pop: no read-modify-write, unless somebody steals. steal: a system call that
 *             interrupts the process's other threads, unless the slot is empty.
 */
#ifndef WEFT_EXEC_RUN_SLOT_H
#define WEFT_EXEC_RUN_SLOT_H

#include <stddef.h>

#include "base/check.h"
#include "base/owned_lock.h"
#include "core/task.h"

struct weft__slot {
	struct weft_task *task; /* atomic */
	uint32_t inside;        /* atomic: the owner takes it */
	uint32_t raiders;       /* atomic */
};

static inline void weft__slot_init(struct weft__slot *slot, bool fence_heavy_works)
{
	*slot = (struct weft__slot){ .raiders = !fence_heavy_works };
}

/* A guess, except for the owner, who is told the truth if it says yes. */
static inline bool weft__slot_is_empty(const struct weft__slot *slot)
{
	return !atomic_load_relaxed(&slot->task); /* relaxed: a guess */
}

static inline struct weft_task *weft__slot_exchange(struct weft__slot *slot)
{
	return atomic_exchange_acquire(&slot->task, NULL); /* [I1] [O1] pairs with put */
}

/* Owner. NULL: it is empty. */
static inline struct weft_task *weft__slot_pop(struct weft__slot *slot)
{
	struct weft_task *task;

	if (weft__slot_is_empty(slot))
		return NULL;
	atomic_store_relaxed(&slot->inside, 1u); /* relaxed: [O2] the fence follows */
	atomic_fence_light();                    /* [O2] pairs with the heavy one in steal */
	if (WEFT_UNLIKELY(atomic_load_acquire(&slot->raiders))) { /* [O2] [O4] pairs with steal */
		atomic_store_relaxed(&slot->inside, 0u); /* relaxed: nothing was done inside */
		return weft__slot_exchange(slot);
	}
	task = atomic_load_relaxed(&slot->task); /* relaxed: [O4], or its own */
	atomic_store_relaxed(&slot->task, NULL); /* relaxed: [O3] follows */
	atomic_store_release(&slot->inside, 0u); /* [O3] pairs with steal */
	return task;
}

/* Owner. Returns the task that had to make room, or NULL. */
static inline struct weft_task *weft__slot_put(struct weft__slot *slot, struct weft_task *task)
{
	struct weft_task *displaced = weft__slot_pop(slot);

	atomic_store_release(&slot->task, task); /* [O1] pairs with exchange */
	return displaced;
}

/* Anybody. NULL: it is empty, or the owner is just taking it. */
static inline struct weft_task *weft__slot_steal(struct weft__slot *slot)
{
	struct weft_task *task = NULL;

	if (weft__slot_is_empty(slot))
		return NULL;
	atomic_fetch_add_relaxed(&slot->raiders, 1u); /* relaxed: [O2] the fence follows */
	weft__fence_heavy();                          /* [O2] */
	if (!atomic_load_acquire(&slot->inside))      /* [O2] [O3] pairs with pop */
		task = weft__slot_exchange(slot);
	atomic_fetch_sub_release(&slot->raiders, 1u); /* [O4] pairs with pop */
	return task;
}

#endif
