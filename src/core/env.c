/* SPDX-License-Identifier: MIT */
/* core/env.c: which services this thread's tasks have; who is told what they hold. */
#include <weft/waiter.h>

#include "core/env.h"
#include "core/held.h"

__thread const struct weft_env *weft__env_current;

const struct weft__held_ops *weft__held_ops;

__thread struct weft_task *weft__task_polled;

void weft_assert_held(const void *lock)
{
	(void)lock;
	WEFT_HELD(requires(lock));
}
