/* SPDX-License-Identifier: MIT */
/*
 * exec/registry.c: all runtimes of the process, for weft_dump and for debuggers:
 * tools/gdb/libweft-gdb.py begins here.
 *
 * Why so      In the process only weft_dump walks the list, so a runtime costs two pointers and being
 * created
 *             and freed one lock. A debugger that stops in the middle of a change finds a list that can be
 *             followed, with or without the runtime in question.
 */
#include "base/atomic.h"
#include "exec/runtime.h"
#include "os/os.h"

struct weft_runtime *weft__runtimes;

static struct weft__lock registry_lock;

void weft__registry_add(struct weft_runtime *runtime)
{
	weft__lock_acquire(&registry_lock);
	runtime->registry_next = weft__runtimes;
	weft__runtimes = runtime;
	weft__lock_release(&registry_lock);
}

int weft__registry_visit(struct weft_runtime **runtimes, struct weft__guest **visits, int room)
{
	int count = 0;

	weft__lock_acquire(&registry_lock);
	for (struct weft_runtime *runtime = weft__runtimes; runtime && count < room;
			runtime = runtime->registry_next) {
		if (runtime->fork_count != weft__fork_count())
			continue; /* the parent's */
		runtimes[count] = runtime;
		visits[count++] = weft__visit_begin(runtime);
	}
	weft__lock_release(&registry_lock);
	return count;
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
