/* SPDX-License-Identifier: MIT */
/*
 * time/wheel.h: a hierarchical timer wheel. Knows wakers and nanoseconds, no clock.
 *
 * One per worker. Any thread may start and stop timers of any wheel (a task migrates while its
 * timer stays); the wheel's own lock is held for a few instructions. Only a driver calls expire.
 */
#ifndef WEFT_TIME_WHEEL_H
#define WEFT_TIME_WHEEL_H

#include <weft/time.h>

#include "base/check.h"
#include "base/lock.h"

/* The levels cover all 47 bits of a tick: no deadline is too far. */
enum {
	WEFT__WHEEL_TICK_SHIFT = 16, /* a tick is 65,536 ns */
#ifdef WEFT_TEST_SMALL
	WEFT__WHEEL_SLOT_BITS = 2,
	WEFT__WHEEL_LEVELS = 24,
	WEFT__WHEEL_BATCH = 2,
	WEFT__WHEEL_SHORT = 2,
	WEFT__WHEEL_WORK = 32,
#else
	WEFT__WHEEL_SLOT_BITS = 6,
	WEFT__WHEEL_LEVELS = 8,
	WEFT__WHEEL_BATCH = 32, /* wakers claimed in one go */
	WEFT__WHEEL_SHORT = 8,  /* timers that next looks at to be exact */
	WEFT__WHEEL_WORK = 512, /* timers that one expire moves or fires */
#endif
	WEFT__WHEEL_SLOTS = 1 << WEFT__WHEEL_SLOT_BITS
};

struct weft_wheel {
	struct weft__lock lock;
	uint32_t count;    /* timers in the wheel */
	int64_t now_ticks; /* every tick before this one has been fired */
	/* No timer is due before; may be too early, never too late. Read without the lock, so it is
	 * aligned. */
	int64_t next_ns __attribute__((aligned(8)));
	struct weft_timer *due;      /* taken from their slots, earliest first, ties oldest first */
	struct weft_timer *never;    /* without a deadline, in no order */
	unsigned spill_level;        /* whose slot is being spilled; 0: none */
	struct weft_timer *spilling; /* what is left of it */
	/* Where the next timer from there goes in the slots below; NULL: not known. */
	struct weft_timer **last[WEFT__WHEEL_SLOTS];
	uint64_t occupied[WEFT__WHEEL_LEVELS]; /* a clear bit: that slot is empty */
	struct weft_timer *slots[WEFT__WHEEL_LEVELS][WEFT__WHEEL_SLOTS]; /* newest first */
};

/* Fills in an empty wheel whose time starts at now_ns (>= 0). */
void weft__wheel_init(struct weft_wheel *wheel, int64_t now_ns);

/* Puts the timer in; it is woken once by expire. The timer must be out of every wheel, and may not
 * move or die before it has fired or been stopped. Returns true if it is now the earliest, so that
 * a driver that already sleeps must be told. */
bool weft__wheel_start(struct weft_wheel *wheel, struct weft_timer *timer, int64_t deadline_ns,
		const struct weft_waker *waker);

/* The link of a timer that is being fired: it will be out in a moment. */
#define WEFT__TIMER_FIRING ((struct weft_timer **)sizeof(struct weft_timer *))

/* Returns true, when a timer that is being fired is out. */
bool weft__timer_settle(const struct weft_timer *timer);

/* Whether a timer that was started has fired (or was stopped); without the lock, but for one that is
 * being fired. True: nobody but the caller touches it. False: its waker has not been claimed. */
static inline bool weft__timer_is_out(const struct weft_timer *timer)
{
	/* pairs with the release in timer_out, wheel.c */
	struct weft_timer *const *link = atomic_load_acquire(&timer->link);

	return link == NULL ||
			(WEFT_UNLIKELY(link == WEFT__TIMER_FIRING) && weft__timer_settle(timer));
}

/* Replaces the waker of a timer that has not fired. False if it has fired (it stays out). */
bool weft__timer_rewake(struct weft_timer *timer, const struct weft_waker *waker);

/* Takes the timer out, which must have been started once. Returns false if it had fired or been
 * stopped already. Afterwards nobody touches it. */
bool weft__timer_stop(struct weft_timer *timer);

/* Fires what has deadline_ns <= now_ns in the order of deadlines (ties in the order of start), each by
 * claim under the lock and commit after it. Returns how many. If there is much to do, it does a part
 * and is due again at once. Any thread, also while another is at it: each timer fires once, and the
 * order holds within a call. */
unsigned weft__wheel_expire(struct weft_wheel *wheel, int64_t now_ns);

/* When expire must be called next: the earliest deadline or a little before, WEFT_NEVER if none. */
int64_t weft__wheel_next(struct weft_wheel *wheel);

/* Whether expire(now_ns) might do anything; one relaxed load. */
static inline bool weft__wheel_is_due(const struct weft_wheel *wheel, int64_t now_ns)
{
	/* relaxed: a hint; expire looks again under the lock */
	return now_ns >= atomic_load_relaxed(&wheel->next_ns);
}

/* Aborts unless the structure is consistent; O(count), no thread may use the wheel meanwhile. */
bool weft__wheel_check(const struct weft_wheel *wheel);

#endif
