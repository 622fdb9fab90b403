/* SPDX-License-Identifier: MIT */
/*
 * sync/once.c: a turn is a permit, of which there is one; and done is closed.
 *
 * How         permits.c has the queue, and says for begin and end:
 *
 *                 free    --begin--> taken       taken --end, failed--> free, or the next one's
 *                 taken   --end--> closed        closed --begin--> closed: who waits or comes is told
 *
 *             So -ESHUTDOWN there is 0 here, and 0 there is 1 here.
 * Order       That of permits.c: a release from a turn to the next, and a close to all others.
 */
#include <weft/once.h>

#include "sync/permits.h"

_Static_assert(PERMITS_ONE == 8 && PERMITS_OF_ONCE == 4, "so says WEFT_ONCE_INIT");
_Static_assert(WEFT_ONCE_DONE_ == (PERMITS_OF_ONCE | PERMITS_CLOSED), "weft_once_is_done");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_once) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_once_begin__frame) == 64,
		"part of the ABI");

/* Its word. */
static uint32_t once_look(const struct weft_once *once)
{
	/* pairs with weft__permits_close: who is told that it is done sees what was done */
	uint32_t word = atomic_load_acquire(&once->waiters.word);
	bool once_is_initialised = word & PERMITS_OF_ONCE;

	WEFT_ASSERT(once_is_initialised);
	return word;
}

static int once_outcome(int outcome)
{
	if (outcome == 0)
		return 1;
	return outcome == -ESHUTDOWN ? 0 : outcome;
}

enum weft_poll weft_once_begin__poll(void *frame, struct weft_context *cx)
{
	struct weft_once_begin__frame *f = frame;
	enum weft_poll poll;

	if (f->args.base.at == LEAF_FRESH) {
		(void)once_look(f->args.p0);
		f->waiter.wanted = 1;
	}
	poll = weft__permits_poll(
			&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter, cx);
	if (poll == WEFT_READY)
		f->args.result = once_outcome(f->args.result);
	return poll;
}

WEFT_ASYNC_DEFINE_LEAF(weft_once_begin, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);

int weft_once_try_begin(struct weft_once *once)
{
	(void)once_look(once);
	return once_outcome(weft__permits_try(&once->waiters, 1));
}

int weft_once_end(struct weft_once *once, int result)
{
	uint32_t word = once_look(once);
	bool once_is_begun = word / PERMITS_ONE == 0 && !(word & PERMITS_CLOSED);

	WEFT_ASSERT(once_is_begun);
	if (result < 0) {
		weft__permits_release(&once->waiters, 1);
		return result;
	}
	weft__permits_close(&once->waiters);
	return 0;
}

bool weft_once_is_done_slowly(const struct weft_once *once)
{
	return once_look(once) & PERMITS_CLOSED;
}
