/* SPDX-License-Identifier: MIT */
/*
 * rig.h: what Weft's small benchmarks have in common, those written by hand.
 *
 *     static struct micro_sample yield_2(int workers)
 *     {
 *             struct yields__args args;
 *
 *             yields__init(&args, 2, 2000000);                 // its root task sets rig.sample
 *             return rig_run(workers, &yields__async, &args);
 *     }
 *
 * Each benchmark has a process of its own, so its tasks may share what is here.
 */
#ifndef WEFT_BENCH_RIG_H
#define WEFT_BENCH_RIG_H

#include <stdlib.h>

#include <weft.h>

#include "micro.h"

struct rig {
	struct weft_runtime *runtime;
	struct micro_sample sample;
	size_t remaining; /* atomic, like the next two: tasks may run on two workers */
	size_t sum;
	int go;
};

extern struct rig rig;

/* Runs a root task on a runtime made for it, and expects that it gives 0. 0 workers: the
 * current-thread flavour. */
struct micro_sample rig_run(int workers, const struct weft_async *async, const void *args);

/* The same in three steps, for what other threads spawn into. */
void rig_begin(int workers);
void rig_await(const struct weft_async *async, const void *args);
void rig_end(void);

static inline void rig_add(size_t *counter, size_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED); /* relaxed: a count */
}

/* Spawns a detached task on the runtime of the caller. */
void rig_spawn(const struct weft_async *async, const void *args);

/* `rig.remaining` is how many are still to call one_done; the last one wakes who waits. Any thread. */
void rig_expect_all(size_t count);
void rig_one_done(void);
WEFT_ASYNC_0(int, rig_wait_all);

struct rig_wait_all__frame {
	struct rig_wait_all__args args;
};

/* async size_t rig_value(i): gives i. */
WEFT_ASYNC_1(size_t, rig_value, size_t);

struct rig_value__frame {
	struct rig_value__args args;
};

/* A number below `bound` that looks random but is the same in every run. */
static inline uint64_t rig_scatter(uint64_t i, uint64_t bound)
{
	return (((i + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % bound;
}

#endif
