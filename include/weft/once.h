/* SPDX-License-Identifier: MIT */
/*
 * weft/once.h: something that is made by who first needs it, and takes awaits to make.
 *
 *     static struct weft_once once = WEFT_ONCE_INIT;
 *     static struct config config;                     // what is made is yours, beside it
 *
 *     async int need_config(void)                      // 0: config is there
 *     {
 *             int turn = await weft_once_begin(&once);
 *
 *             if (turn == 1)                           // we are to make it; who else needs it waits
 *                     turn = weft_once_end(&once, await load(&config));
 *             return turn;
 *     }
 *
 * Who makes it may fail, or be cancelled on the way: then whoever has waited longest gets a turn. So each
 * that waits hears of success, or has a failure of its own to report.
 *
 * That is Tokio's OnceCell: get is weft_once_is_done, set is weft_once_try_begin and weft_once_end,
 * get_or_init is the function above.
 *
 * Memory:  yours; nothing allocates. It must not move or die while a task waits on it or a call on it has
 *          not returned.
 * Threads: all from any thread; a wait from any executor. What was done before an end is seen by whoever
 *          is told that it is done, and by who has the next turn.
 * Order:   one atomic operation, and once it is done a load.
 */
#ifndef WEFT_ONCE_H
#define WEFT_ONCE_H

#include <weft/waiter.h>

WEFT_BEGIN_DECLS

struct weft_once {
	struct weft_waiters waiters; /* private */
};

/* clang-format off */
#define WEFT_ONCE_INIT { { NULL, NULL, 0, 8u + 4u } }
/* clang-format on */

/* The same, at run time. (Memory that is all zero is none: using it aborts.) */
static inline void weft_once_init(struct weft_once *once)
{
	struct weft_once fresh = WEFT_ONCE_INIT;

	*once = fresh;
}

/* async int weft_once_begin(once): 0: it is done; 1: it is this task's turn, which it ends by
 * weft_once_end; -ECANCELED: neither. While somebody else has the turn it waits. A cancelled one that was
 * given the turn, and has not been polled since, passes it on. Who has the turn and asks again waits for
 * ever. */
WEFT_ASYNC_1(int, weft_once_begin, struct weft_once *);

struct weft_once_begin__frame {
	struct weft_once_begin__args args;
	struct weft_waiter waiter;
};

/* The same without waiting; -EAGAIN: somebody has the turn. */
WEFT_NODISCARD int weft_once_try_begin(struct weft_once *once);

/* Ends the turn, with the result of the making: below 0 it has failed, and the turn is the next one's;
 * otherwise it is done for good, and all who wait go on. Returns `result`, or 0 for what is above it.
 * Aborts if nobody has the turn. From any thread. */
int weft_once_end(struct weft_once *once, int result);

/* The same as the next, out of line, for other languages. */
bool weft_once_is_done_slowly(const struct weft_once *once);

/* Its word when it is done (private). */
#define WEFT_ONCE_DONE_ 6u

/* Whether it is done. */
static inline bool weft_once_is_done(const struct weft_once *once)
{
	/* acquire: pairs with weft_once_end, in weft__permits_close; who is told sees what was made */
	uint32_t word = weft_word_load_(&once->waiters.word, ACQUIRE);

	return word % WEFT_PERMITS_ONE_ == WEFT_ONCE_DONE_ || weft_once_is_done_slowly(once);
}

static inline bool weft_once_begin__now(
		struct weft_context *cx, int *result, struct weft_once *once)
{
	/* acquire: as above */
	uint32_t word = weft_word_load_(&once->waiters.word, ACQUIRE);

	return word % WEFT_PERMITS_ONE_ == WEFT_ONCE_DONE_ && weft_context_may_end(cx) &&
			weft_leaf_ends_(cx, result);
}

WEFT_END_DECLS

#endif
