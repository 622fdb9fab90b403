/* SPDX-License-Identifier: MIT */
/*
 * exec/run_queue.h: a worker's ring of ready tasks. The owner pushes and pops, anybody steals half.
 *
 *              head                    tail
 *               v                       v
 *     [ . . . . T T T T T T T T T T T T . . . . ]     RING slots; indices only grow, and wrap
 *       popped, stolen                   free
 *
 * How         Whoever takes (owner or thief) reads the slots first and then moves head by compare-and-
 *             swap: losing the race means that what was read is thrown away. Only the owner moves tail.
 * Invariants  [I1] tail - head <= RING, and every slot between them holds a task that is QUEUED.
 *             [I2] a task leaves by exactly one successful exchange of head.
 * Order       [O1] push's release store of tail pairs with steal's acquire load: the thief sees the
 *                  slot, and the task's own memory.
 *             [O2] a taker's release exchange of head pairs with push's acquire load: the slot was read
 *                  before it is overwritten.
 * Cost        push: no read-modify-write. pop: one. steal: one for up to half the ring, and a push each.
 *             What does not fit costs an exchange more (inject.h). A message to a thousand receivers, or a
 *             thousand tasks that yield, should fit: with 256 slots the former took a sixth more of the
 *             processor, the latter two fifths.
 * Where from  the bounded queue of the Go scheduler.
 */
#ifndef WEFT_EXEC_RUN_QUEUE_H
#define WEFT_EXEC_RUN_QUEUE_H

#include <stddef.h>

#include "base/atomic.h"
#include "base/check.h"
#include "core/task.h"

#ifndef WEFT__RING
#ifdef WEFT_TEST_SMALL
#define WEFT__RING 4u
#else
#define WEFT__RING 1024u
#endif
#endif

struct weft__ring {
	uint32_t head;
	char apart[WEFT_CACHE_LINE - sizeof(uint32_t)]; /* thieves write head, the owner tail */
	uint32_t tail;
	struct weft_task *slots[WEFT__RING];
};

_Static_assert((WEFT__RING & (WEFT__RING - 1)) == 0, "indices wrap by masking");

/* Tasks in the ring; exact for the owner if nobody steals, else a guess. */
static inline uint32_t weft__ring_count(const struct weft__ring *ring)
{
	/* relaxed: a hint */
	uint32_t head = atomic_load_relaxed(&ring->head);

	return atomic_load_relaxed(&ring->tail) - head;
}

/* Owner. False: `limit` tasks are there. */
static inline bool weft__ring_push(struct weft__ring *ring, struct weft_task *task, uint32_t limit)
{
	uint32_t head = atomic_load_acquire(&ring->head); /* [O2] pairs with pop and steal */
	uint32_t tail = atomic_load_relaxed(&ring->tail); /* relaxed: ours */

	WEFT_ASSERT(tail - head <= WEFT__RING); /* [I1] */
	if (tail - head >= limit)
		return false;
	/* relaxed: published by tail */
	atomic_store_relaxed(&ring->slots[tail % WEFT__RING], task);
	atomic_store_release(&ring->tail, tail + 1); /* [O1] pairs with steal */
	return true;
}

/* Owner. NULL: empty. */
static inline struct weft_task *weft__ring_pop(struct weft__ring *ring)
{
	uint32_t head = atomic_load_relaxed(&ring->head); /* relaxed: the exchange decides */
	uint32_t tail = atomic_load_relaxed(&ring->tail); /* relaxed: ours */

	while (head != tail) {
		/* relaxed: we wrote the slot ourselves */
		struct weft_task *task = atomic_load_relaxed(&ring->slots[head % WEFT__RING]);

		if (atomic_cas_release(
				    &ring->head, &head, head + 1)) /* [I2]; [O2] pairs with push */
			return task;
	}
	return NULL;
}

/* Anybody: takes the older half out into `tasks`, at least one if there is one. Returns how many. */
static inline uint32_t weft__ring_steal(
		struct weft__ring *ring, struct weft_task *tasks[WEFT__RING / 2])
{
	uint32_t head = atomic_load_relaxed(&ring->head); /* relaxed: a guess */

	for (;;) {
		uint32_t tail = atomic_load_acquire(&ring->tail); /* [O1] pairs with push */
		uint32_t count = tail - head;

		count -= count / 2;
		if (count == 0)
			return 0;
		if (count > WEFT__RING / 2) { /* one of the two is older than the other */
			head = atomic_load_acquire(
					&ring->head); /* with pop: tail is not older now */
			continue;
		}
		for (uint32_t i = 0; i < count; i++) /* relaxed: head's exchange validates */
			tasks[i] = atomic_load_relaxed(&ring->slots[(head + i) % WEFT__RING]);
		if (atomic_cas_release(&ring->head, &head, head + count)) /* [I2]; [O2] with push */
			return count;
	}
}

#endif
