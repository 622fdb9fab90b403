/* SPDX-License-Identifier: MIT */
/* stream/borrowed.h: what combinators with wakers of their own have in common: theirs are only ever
 * borrowed, and a claim of them is one of the task. */
#ifndef WEFT_STREAM_BORROWED_H
#define WEFT_STREAM_BORROWED_H

#include <weft/frame.h>

#include "base/check.h"

/* An owned waker that wakes nobody. */
extern const struct weft_waker weft__waker_of_nobody;

/* A borrowed waker was ended, or committed. */
_Noreturn void weft__waker_misuse(const struct weft_async *async);

/* After a poll that was PENDING. */
static inline void weft__context_check_waker(
		const struct weft_context *cx, const struct weft_async *async)
{
	if (WEFT_UNLIKELY(!cx->waker_taken && !cx->self_woken))
		weft__fail("future pending without a registered waker: it can never go on",
				async->name, (int)async->line);
}

#endif
