/* SPDX-License-Identifier: MIT */
/*
 * weft/time.h: sleeping, deadlines, intervals.
 *
 *     weft_await(f, f->sleep, weft_sleep, WEFT_MILLISECONDS(5));
 *
 *     weft_tcp_read__init(&f->read.args, f->conn, f->buffer, sizeof f->buffer);
 *     weft_await(f, f->timeout, weft_timeout, WEFT_SECONDS(30), &weft_tcp_read__async, &f->read);
 *
 * Durations are int64_t nanoseconds, relative ones called `timeout`, absolute ones `deadline`. The
 * clock is CLOCK_MONOTONIC, or the runtime's virtual clock. Nothing fires early; timers fire in the
 * order of their deadlines.
 *
 * Memory:  a timer is part of the frame that waits. Nothing allocates.
 * Threads: a leaf belongs to the task that polls it.
 * Errors:  -ENXIO if polled outside a runtime; -ECANCELED if cancelled.
 */
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <sys/types.h>

#include <weft/branch.h>

WEFT_BEGIN_DECLS

#define WEFT_NEVER INT64_MAX
#define WEFT_MICROSECONDS(n) ((int64_t)(n)*1000)
#define WEFT_MILLISECONDS(n) ((int64_t)(n)*1000000)
#define WEFT_SECONDS(n) ((int64_t)(n)*1000000000)

struct weft_wheel;

/* A place in a timer wheel. Private. */
struct weft_timer {
	struct weft_timer *next, **link; /* link NULL: not in a wheel */
	int64_t deadline_ns;
	struct weft_wheel *wheel;
	struct weft_waker waker;
};

/* The clock of the runtime that polls `cx` (the real one outside a runtime). */
int64_t weft_now(const struct weft_context *cx);

/* now + timeout, WEFT_NEVER if that is beyond the clock's range. */
static inline int64_t weft_deadline_after(int64_t now_ns, int64_t timeout_ns)
{
	if (timeout_ns <= 0)
		return now_ns;
	return now_ns > WEFT_NEVER - timeout_ns ? WEFT_NEVER : now_ns + timeout_ns;
}

/* Rounds nanoseconds up to what poll(2) takes; -1 for WEFT_NEVER. */
static inline int weft_timeout_ms(int64_t ns)
{
	if (ns == WEFT_NEVER)
		return -1;
	if (ns <= 0)
		return 0;
	return ns / 1000000 >= INT32_MAX ? INT32_MAX : (int)((ns + 999999) / 1000000);
}

/* async int weft_sleep(int64_t timeout_ns): 0 after the time has passed, counted from the first
 * poll. timeout_ns <= 0: at once. */
WEFT_ASYNC_1(int, weft_sleep, int64_t);

struct weft_sleep__frame {
	struct weft_sleep__args args;
	struct weft_timer timer;
};

/* async int weft_sleep_until(int64_t deadline_ns): 0 when the clock has reached the deadline. */
WEFT_ASYNC_1(int, weft_sleep_until, int64_t);

struct weft_sleep_until__frame {
	struct weft_sleep_until__args args;
	struct weft_timer timer;
};

/* Moves the deadline of a sleep_until that is pending or has not started, earlier or later; it
 * takes effect at once, also if the old deadline has just passed or the new one lies in the past.
 * Only by the task that polls it, which may be polled once more for it. */
void weft_sleep_until_reset(struct weft_sleep_until__frame *sleep, int64_t deadline_ns);

/* A branch with a deadline: polls `child` (of type `async`, initialised by the caller) until it is
 * READY, or cancels it at the deadline and waits until it has unwound. Gives the child's result, if
 * that is an int or ssize_t (else 0), or -ETIME if the child gave -ECANCELED because of the
 * deadline. A result that was ready wins, and an outer cancellation wins over the deadline. A
 * timeout is counted from when the child first has to wait; a child that never does needs no timer.
 * Without a runtime such a child is cancelled, and -ENXIO stands for its -ECANCELED.
 *
 *     weft_tcp_read__init(&f->read.args, f->conn, f->buffer, sizeof f->buffer);
 *     weft_await(f, f->timeout, weft_timeout, WEFT_SECONDS(30), &weft_tcp_read__async, &f->read);
 *
 * async ssize_t weft_timeout(int64_t timeout_ns, async, child)
 * async ssize_t weft_deadline(int64_t deadline_ns, async, child) */
WEFT_ASYNC_3(ssize_t, weft_timeout, int64_t, const struct weft_async *, void *);
WEFT_ASYNC_3(ssize_t, weft_deadline, int64_t, const struct weft_async *, void *);

struct weft_deadline__frame {
	struct weft_deadline__args args;
	struct weft_branch branch;
	struct weft_timer timer;
};

struct weft_timeout__frame {
	struct weft_timeout__args args;
	struct weft_deadline__frame deadline;
};

/* async ssize_t weft_shield(int64_t timeout_ns, async, child): as weft_timeout, but what cancels the
 * context does not reach the child: for clean-up that must get its chance, within bounds. -ETIME: the
 * child was cancelled when its time was over, and gave -ECANCELED. Cancelled or not, whoever awaits
 * this waits until then; only the last fifth of a shutdown's grace period ends all shields. */
WEFT_ASYNC_3(ssize_t, weft_shield, int64_t, const struct weft_async *, void *);

struct weft_shield__frame {
	struct weft_shield__args args;
	struct weft_deadline__frame deadline;
};

/* What an interval does about ticks that nobody waited for in time, that is, if one was taken more
 * than 5 ms late, or more than a period. Otherwise the next is due a period after this one was. */
enum weft_missed_tick {
	WEFT_TICK_BURST, /* all of them at once, until it has caught up */
	WEFT_TICK_DELAY, /* the next one a full period after now, and so on from there */
	WEFT_TICK_SKIP   /* the next multiple of the period after now */
};

struct weft_interval {
	int64_t period_ns;
	int64_t next_ns;
	enum weft_missed_tick missed;
};

/* The first tick is due at first_deadline_ns (weft_now(cx) for at once). period_ns > 0. */
static inline struct weft_interval weft_interval_make(
		int64_t first_deadline_ns, int64_t period_ns, enum weft_missed_tick missed)
{
	struct weft_interval interval = { period_ns, first_deadline_ns, missed };
	return interval;
}

/* Moves the next tick; the others follow from there. Not while a tick is awaited. */
static inline void weft_interval_reset(struct weft_interval *interval, int64_t next_deadline_ns)
{
	interval->next_ns = next_deadline_ns;
}

/* async int weft_interval_tick(interval, int64_t *due): waits for the next tick and stores the time
 * at which it was due (NULL: not wanted). Cancelled, no tick is lost. -EINVAL: period <= 0. */
WEFT_ASYNC_2(int, weft_interval_tick, struct weft_interval *, int64_t *);

struct weft_interval_tick__frame {
	struct weft_interval_tick__args args;
	struct weft_timer timer;
};

WEFT_END_DECLS

#endif
