/* SPDX-License-Identifier: MIT */
/*
 * weft/barrier.h: a number of tasks that wait for each other, again and again.
 *
 *     static struct weft_barrier barrier = WEFT_BARRIER_INIT(3);
 *
 *     int leader = await weft_barrier_wait(&barrier);
 *
 *     if (leader < 0)
 *             return leader;                   // cancelled: the others wait for somebody else
 *     if (leader)
 *             puts("all three are here");      // one of them
 *
 * The last to come ends the generation: all of them go on, and the barrier is as new.
 *
 * Memory:  the barrier is yours; nothing allocates. It must not move or die before all waits on it have
 *          ended.
 * Threads: from any thread and executor. What each did before it came is seen by all who go on.
 * Order:   a lock of one word, held for a few instructions.
 */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_barrier {
	struct weft_waiters waiters; /* private from here on; word: how many have come */
	uint32_t size;
	uint32_t generation;
};

/* `tasks` of them are let through at a time; 0 is as 1: nobody waits. */
/* clang-format off */
#define WEFT_BARRIER_INIT(tasks) { { NULL, NULL, 0, 0 }, (uint32_t)(tasks), 0 }
/* clang-format on */

/* The same, at run time. */
static inline void weft_barrier_init(struct weft_barrier *barrier, uint32_t tasks)
{
	struct weft_barrier fresh = WEFT_BARRIER_INIT(tasks);

	*barrier = fresh;
}

/* async int weft_barrier_wait(barrier): 1 for one task of the generation, 0 for the others; -ECANCELED:
 * it is as if the task had not come. Once all have come, it is too late to be cancelled. */
WEFT_ASYNC_1(int, weft_barrier_wait, struct weft_barrier *);

struct weft_barrier_wait__frame {
	struct weft_barrier_wait__args args;
	struct weft_waiter waiter;
};

WEFT_END_DECLS

#endif
