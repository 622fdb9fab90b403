/* SPDX-License-Identifier: MIT */
/* sync/mutex.c: one permit, which is handed on. How it is waited for: permits.c. */
#include <weft/mutex.h>

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

	if (f->args.base.at == LEAF_FRESH) {
		mutex_check(f->args.p0);
		f->waiter.wanted = 1;
	}
	return weft__permits_poll(
			&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter, cx);
}

WEFT_ASYNC_DEFINE_LEAF(weft_mutex_lock, WEFT_ASYNC_RESULT_INT);

int weft_mutex_try_lock(struct weft_mutex *mutex)
{
	mutex_check(mutex);
	return weft__permits_try(&mutex->waiters, 1);
}

void weft_mutex_unlock(struct weft_mutex *mutex)
{
	mutex_check(mutex);
	weft__permits_release(&mutex->waiters, 1);
}
