/* SPDX-License-Identifier: MIT */
/*
 * model/model_child.h: for tests of what polls futures with wakers of its own. Include it before the code
 * under test, and #undef weft__lock_acquire after it.
 *
 * What that has under its lock is plain memory; the search is told so: each section writes `guarded`.
 */
#ifndef WEFT_MODEL_MODEL_CHILD_H
#define WEFT_MODEL_MODEL_CHILD_H

#include "model/model_leaf.h"

static uint32_t guarded;

static void lock_and_touch(struct weft__lock *lock)
{
	weft__lock_acquire(lock);
	model_plain_write(&guarded, 1u);
}

void weft_async_verify(const struct weft_async *async)
{
	(void)async;
}

enum weft_poll weft_strand_poll(struct weft_strand *strand, const struct weft_async *async,
		void *frame, struct weft_context *cx)
{
	(void)strand;
	return async->poll(frame, cx);
}

#define weft__lock_acquire lock_and_touch

#include "stream/borrowed.c" /* NOLINT(bugprone-suspicious-include) */

#endif
