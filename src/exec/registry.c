/* SPDX-License-Identifier: MIT */
/*
 * exec/registry.c: all runtimes of the process, for debuggers: tools/gdb/libweft-gdb.py begins here.
 *
 * Why so      Nobody in the process walks the list, so a runtime costs two pointers and being created and
 *             freed one lock. A debugger that stops in the middle of a change finds a list that can be
 *             followed, with or without the runtime in question.
 */
#include "base/atomic.h"
#include "exec/runtime.h"

struct weft_runtime *weft__runtimes;

static struct weft__lock registry_lock;

void weft__registry_add(struct weft_runtime *runtime)
{
	weft__lock_acquire(&registry_lock);
	runtime->registry_next = weft__runtimes;
	weft__runtimes = runtime;
	weft__lock_release(&registry_lock);
}

void weft__registry_remove(struct weft_runtime *runtime)
{
	struct weft_runtime **link = &weft__runtimes;

	weft__lock_acquire(&registry_lock);
	while (*link && *link != runtime)
		link = &(*link)->registry_next;
	if (*link)
		*link = runtime->registry_next;
	weft__lock_release(&registry_lock);
}
