/* SPDX-License-Identifier: MIT */
/* sync/mutex.c: one permit, which is handed on. How it is waited for: permits.c. */
#include <weft/mutex.h>

#include "core/held.h"
#include "sync/permits.h"

_Static_assert(PERMITS_ONE == 8 && PERMITS_OF_MUTEX == 4, "so says WEFT_MUTEX_INIT");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_mutex) == 24, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_mutex_lock__frame) == 64,
		"part of the ABI");

/* Whether it is one at all: memory that is all zero is not. */
static void mutex_check(const struct weft_mutex *mutex)
{
	/* relaxed: the flag never changes */
	bool mutex_is_initialised = atomic_load_relaxed(&mutex->waiters.word) & PERMITS_OF_MUTEX;

	WEFT_ASSERT(mutex_is_initialised);
}

enum weft_poll weft_mutex_lock__poll(void *frame, struct weft_context *cx)
{
	struct weft_mutex_lock__frame *f = frame;
	enum weft_poll poll;

	if (f->args.base.at == LEAF_FRESH) {
		mutex_check(f->args.p0);
		f->waiter.wanted = 1;
	}
	poll = weft__permits_poll(
			&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter, cx);
	weft__held_polled(f->args.p0, HELD_MUTEX, &f->args.base, f->args.result, poll, cx);
	return poll;
}

WEFT_ASYNC_DEFINE_LEAF(weft_mutex_lock, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_HELD);

int weft_mutex_try_lock(struct weft_mutex *mutex)
{
	mutex_check(mutex);
	return weft__held_tried(mutex, HELD_MUTEX, weft__permits_try(&mutex->waiters, 1));
}

void weft_mutex_unlock(struct weft_mutex *mutex)
{
	mutex_check(mutex);
	WEFT_HELD(gave(mutex, HELD_MUTEX));
	weft__permits_release(&mutex->waiters, 1);
}
