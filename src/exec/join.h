/* SPDX-License-Identifier: MIT */
/* exec/join.h: the joiner's word of a task. See join.c for its states. */
#ifndef WEFT_EXEC_JOIN_H
#define WEFT_EXEC_JOIN_H

#include "core/task.h"

enum {
	JOIN_OPEN,
	JOIN_DETACHED,
	JOIN_DONE,
	JOIN_LOCKED /* greater values are addresses of wakers; or, with JOIN_DETACHED, of scopes */
};

static inline bool weft__join_is_detached(uintptr_t word)
{
	return (word & JOIN_LOCKED) == JOIN_DETACHED;
}

enum weft_poll weft__join_word(struct weft_task *task, struct weft_waker *slot,
		const struct weft_waker *waker);
bool weft__unjoin_word(struct weft_task *task, struct weft_waker *slot); /* false: it is done */
bool weft__end_word(struct weft_task *task);    /* true: detached, free it */
bool weft__detach_word(struct weft_task *task); /* true: it was done, free it */

/* A thread that waits, as a waker. All zero: nobody has woken it. */
struct weft__parker {
	uint32_t token;   /* futex: 1 woken */
	uint32_t claimed; /* commits under way */
};

struct weft_waker weft__parker_waker(struct weft__parker *parker);
void weft__parker_unpark(struct weft__parker *parker);
int weft__parker_wait(struct weft__parker *parker, int64_t deadline_ns); /* 0 or -ETIMEDOUT */
void weft__parker_settle(struct weft__parker *parker); /* before its memory goes */

#endif
