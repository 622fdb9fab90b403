/* SPDX-License-Identifier: MIT */
/*
 * tests/stutter.h: a stream that waits before each item, for tests that say when it goes on.
 *
 *     struct stutter stutter;
 *     const int items[] = { 1, 2, STUTTER_ERROR, 3 };
 *
 *     stutter_init(&stutter, items, 4);
 *     ... PENDING ...
 *     stutter_advance(&stutter);                       // one item is there, and whoever waits is woken
 */
#ifndef WEFT_TESTS_STUTTER_H
#define WEFT_TESTS_STUTTER_H

#include <errno.h>
#include <limits.h>

#include <weft/stream.h>

#include "test.h"

#define STUTTER_ERROR INT_MIN /* in place of an item: -EIO comes */

struct stutter {
	struct weft_stream stream;
	const int *items;
	size_t count, next;
	struct weft_waker waker; /* ops NULL: nobody waits */
	bool ready;
	unsigned closing; /* how many polls a close takes */
	unsigned closed;  /* how often it has been closed */
};

/* So that the macros know what the items are. */
typedef union {
	struct weft_stream stream;
	struct stutter self;
	int *item;
} stutter_stream;

static inline enum weft_poll stutter_poll_next(
		struct weft_stream *stream, struct weft_context *cx, void *item, int *result)
{
	struct stutter *stutter = (struct stutter *)stream;

	stutter->waker.ops = NULL;
	if (!stutter->ready && !weft_context_cancelled(cx)) {
		stutter->waker = *weft_context_waker(cx);
		return WEFT_PENDING;
	}
	*result = -ECANCELED;
	if (!stutter->ready)
		return WEFT_READY;
	stutter->ready = false;
	*result = stutter->next < stutter->count;
	if (!*result)
		return WEFT_READY;
	if (stutter->items[stutter->next] == STUTTER_ERROR)
		*result = -EIO;
	else
		*(int *)item = stutter->items[stutter->next];
	stutter->next++;
	return WEFT_READY;
}

static inline struct weft_size_hint stutter_size_hint(const struct weft_stream *stream)
{
	const struct stutter *stutter = (const struct stutter *)stream;
	struct weft_size_hint hint = { stutter->count - stutter->next,
		stutter->count - stutter->next };

	return hint;
}

static inline enum weft_poll stutter_poll_close(struct weft_stream *stream, struct weft_context *cx)
{
	struct stutter *stutter = (struct stutter *)stream;

	stutter->waker.ops = NULL;
	if (stutter->closing) {
		stutter->closing--;
		(void)weft_context_waker(cx);
		weft_context_yield(cx);
		return WEFT_PENDING;
	}
	stutter->closed++;
	return WEFT_READY;
}

static const struct weft_stream_ops stutter_ops = { "stutter", stutter_poll_next, stutter_size_hint,
	stutter_poll_close, NULL };

static inline void stutter_init(struct stutter *stutter, const int *items, size_t count)
{
	weft_stream_init(&stutter->stream, &stutter_ops, NULL, sizeof(int));
	stutter->items = items;
	stutter->count = count;
	stutter->next = 0;
	stutter->waker.ops = NULL;
	stutter->ready = false;
	stutter->closing = 1;
	stutter->closed = 0;
}

/* Whether that woke somebody. */
static inline bool stutter_advance(struct stutter *stutter)
{
	struct weft_waker waker = stutter->waker;

	if (!waker.ops)
		return false;
	stutter->waker.ops = NULL;
	stutter->ready = true;
	weft_waker_commit(weft_waker_claim(&waker));
	return true;
}

#endif
