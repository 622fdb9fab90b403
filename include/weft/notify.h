/* SPDX-License-Identifier: MIT */
/*
 * weft/notify.h: "something has changed, look again".
 *
 *     static struct weft_notify changed = WEFT_NOTIFY_INIT;
 *
 *     while (!queue_take(&queue, &item))                // the task: look, then wait
 *             weft_try(await weft_notify_wait(&changed));
 *
 *     queue_put(&queue, item);                          // anybody: change, then notify
 *     weft_notify_one(&changed);
 *
 * notify_one wakes who has waited longest (notify_last, who came last). If nobody waits, it is kept for
 * the next who does; so the loop above misses nothing. One is kept, not more: it does not count.
 * notify_all wakes those who wait at this moment, keeps nothing, and leaves what was kept. Where it is
 * used, look and wait like this:
 *
 *     seen = weft_notify_seen(&changed);
 *     while (!condition) {
 *             weft_try(await weft_notify_wait_after(&changed, seen));
 *             seen = weft_notify_seen(&changed);
 *     }
 *
 * Memory:  yours; nothing allocates. It must not move or die while a task waits on it or a call on it has
 *          not returned.
 * Threads: all from any thread; a wait from any executor. What was done before a notify is seen by who is
 *          woken by it, or need not wait because of it.
 * Order:   without waiters one atomic operation each; none while the process has one thread.
 */
#ifndef WEFT_NOTIFY_H
#define WEFT_NOTIFY_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_notify {
	struct weft_waiters waiters; /* private */
};

/* clang-format off */
#define WEFT_NOTIFY_INIT { { NULL, NULL, 0, 0 } }
/* clang-format on */

/* The same, at run time. */
static inline void weft_notify_init(struct weft_notify *notify)
{
	struct weft_notify fresh = WEFT_NOTIFY_INIT;

	*notify = fresh;
}

/* async int weft_notify_wait(notify): 0 when it is notified, or was before anybody waited. -ECANCELED: a
 * notify_one or notify_last that had chosen this task goes to another. A task waits from its first poll
 * on. */
WEFT_ASYNC_1(int, weft_notify_wait, struct weft_notify *);

struct weft_notify_wait__frame {
	struct weft_notify_wait__args args;
	struct weft_waiter waiter;
};

/* Its word's three flags, when one is kept and nobody waits (private). */
#define WEFT_NOTIFY_KEPT_ 1u

static inline bool weft_notify_wait__now(
		struct weft_context *cx, int *result, struct weft_notify *notify)
{
	uint32_t word = weft_word_look_(&notify->waiters);

	return word % (8 * WEFT_NOTIFY_KEPT_) == WEFT_NOTIFY_KEPT_ && weft_context_may_end(cx) &&
			weft_word_take_(&notify->waiters, word, word - WEFT_NOTIFY_KEPT_) &&
			weft_leaf_ends_(cx, result);
}

static inline bool weft_notify_wait__waits(const struct weft_notify *notify)
{
	return !(weft_word_look_(&notify->waiters) & WEFT_NOTIFY_KEPT_);
}

/* async int weft_notify_wait_after(notify, uint32_t seen): the same, but it does not wait if there was a
 * notify_all since weft_notify_seen gave `seen` (less than 2^28 of them ago). */
WEFT_ASYNC_2(int, weft_notify_wait_after, struct weft_notify *, uint32_t);

struct weft_notify_wait_after__frame {
	struct weft_notify_wait_after__args args;
	struct weft_waiter waiter;
};

/* What to wait after: to be called before looking at what may change. */
uint32_t weft_notify_seen(const struct weft_notify *notify);

/* Wakes one waiter, or keeps it for the next. */
void weft_notify_one(struct weft_notify *notify);

/* Wakes who came last, or keeps it for the next who waits: for tasks of which each will do, and the last
 * to stop working still has its memory at hand. Those that came first may wait for long. */
void weft_notify_last(struct weft_notify *notify);

/* Wakes all who wait, and nobody who begins to wait while it does. */
void weft_notify_all(struct weft_notify *notify);

WEFT_END_DECLS

#endif
