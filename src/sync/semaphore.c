/* SPDX-License-Identifier: MIT */
/* sync/semaphore.c: permits in any number. How they are counted, waited for and passed on: permits.c. */
#include <weft/semaphore.h>

#include "core/held.h"
#include "sync/permits.h"

_Static_assert(WEFT_SEMAPHORE_MAX == UINT32_MAX / PERMITS_ONE, "and so says WEFT_SEMAPHORE_INIT");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_semaphore) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_semaphore_acquire__frame) == 72,
		"part of the ABI");

enum weft_poll weft_semaphore_acquire__poll(void *frame, struct weft_context *cx)
{
	struct weft_semaphore_acquire__frame *f = frame;
	enum weft_poll poll;

	if (f->args.base.at == LEAF_FRESH) {
		WEFT_ASSERT(f->args.p1 <= WEFT_SEMAPHORE_MAX); /* it would wait for ever */
		f->waiter.wanted = f->args.p1;
	}
	poll = weft__permits_poll(
			&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter, cx);
	if (poll == WEFT_READY && f->args.result == 0)
		WEFT_HELD(acquired(f->args.p0, f->args.p1, cx, f));
	return poll;
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_semaphore_acquire, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD | WEFT_ASYNC_TRIES);

int weft_semaphore_try_acquire_slowly(struct weft_semaphore *semaphore, uint32_t count)
{
	int outcome = weft__permits_try(&semaphore->waiters, count);

	if (outcome == 0)
		WEFT_HELD(acquired(semaphore, count, NULL, NULL));
	return outcome;
}

void weft_semaphore_release_slowly(struct weft_semaphore *semaphore, uint32_t count)
{
	WEFT_HELD(released(semaphore, count));
	weft__permits_release(&semaphore->waiters, count);
}

void weft_semaphore_add(struct weft_semaphore *semaphore, uint32_t count)
{
	weft__permits_release(&semaphore->waiters, count);
}

void weft_semaphore_close(struct weft_semaphore *semaphore)
{
	weft__permits_close(&semaphore->waiters);
}

uint32_t weft_semaphore_available(const struct weft_semaphore *semaphore)
{
	/* relaxed: it may be another number when the caller looks at it */
	return atomic_load_relaxed(&semaphore->waiters.word) / PERMITS_ONE;
}
