/* SPDX-License-Identifier: MIT */
/*
 * exec/spin.h: to stay awake for a moment, because another thread is about to do what one waits for.
 *
 * Why         A job of the blocking pool that is over in a microsecond took two sleeps and two wakes: of
 *             the pool's thread, and of the one that runs the tasks. Where the CPU has gone to sleep as
 *             well, each wake costs 25-50 us, and as much of the waker's time if it is a virtual one.
 * How         Who is about to sleep looks again and again, for up to SPIN_NS, the cost of being woken
 *             twice. Whether that is worth it, the last times tell:
 *
 *                 trying --SPIN_TRIES waits in a row that were not short--> resting
 *                 trying --a short one--> trying, from the beginning
 *                 resting --1, 3, 7 ... SPIN_REST_MAX waits without spinning--> trying, twice
 *
 *             Of a pool, and of a runtime, one thread at a time spins, and only while the pool has fewer
 *             threads than there are CPUs: not to take the CPU from what it waits for.
 * Cost        a wait that is never short: less than a microsecond, on average.
 * Not here    giving the CPU away between two looks: on a busy machine that is another's for
 *             milliseconds, where a thread that is woken gets it soon.
 * Where from  adaptive mutexes: who spins no longer than sleeping costs takes at most twice as long as
 *             if he had known.
 */
#ifndef WEFT_EXEC_SPIN_H
#define WEFT_EXEC_SPIN_H

#include <weft/poll.h>

#include "base/atomic.h"
#include "os/os.h"

struct weft__worker;

#ifdef WEFT_TEST_SMALL
enum { SPIN_TRIES = 2, SPIN_REST_MAX = 1, SPIN_PAUSES = 0 };
#else
enum { SPIN_TRIES = 4, SPIN_REST_MAX = 4095, SPIN_PAUSES = 8 /* between two looks */ };
#endif

enum { SPIN_NS = 100000, SPIN_SHORT_NS = SPIN_NS / 2 /* less than a wake costs */ };

/* All zero: trying. The fields but the first belong to whoever took it. */
struct weft__spin {
	uint32_t taken;  /* atomic */
	uint16_t missed; /* in a row */
	uint16_t rest, rest_left;
	int64_t start_ns;
};

/* False: sleep at once. Else weft__spin_end must follow. */
WEFT_NODISCARD static inline bool weft__spin_begin(struct weft__spin *spin, int64_t now_ns)
{
	/* relaxed: a hint. acquire pairs with the release below */
	if (atomic_load_relaxed(&spin->taken) || atomic_exchange_acquire(&spin->taken, 1u))
		return false;
	spin->start_ns = now_ns;
	if (!spin->rest_left)
		return true;
	spin->rest_left--;
	atomic_store_release(&spin->taken, 0u); /* pairs with the exchange */
	return false;
}

/* Between two looks. False: it has taken too long. */
static inline bool weft__spin_on(const struct weft__spin *spin)
{
	for (int i = 0; i < SPIN_PAUSES; i++)
		atomic_pause();
	return weft__clock_now() - spin->start_ns < SPIN_NS;
}

static inline void weft__spin_end(struct weft__spin *spin, bool came)
{
	if (came && weft__clock_now() - spin->start_ns < SPIN_SHORT_NS) {
		spin->missed = spin->rest = 0;
	} else if (++spin->missed >= SPIN_TRIES) {
		spin->missed = SPIN_TRIES - 2;
		spin->rest = (uint16_t)(spin->rest < SPIN_REST_MAX ? 2 * spin->rest + 1
								   : SPIN_REST_MAX);
		spin->rest_left = spin->rest;
	}
	atomic_store_release(&spin->taken, 0u); /* pairs with the exchange above */
}

/* spin.c: of a worker that has nothing to do, while jobs run that it may be waiting for. True: there is
 * something to do, perhaps. */
bool weft__spin_for_job(struct weft__worker *worker);

#endif
