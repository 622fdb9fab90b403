/* SPDX-License-Identifier: MIT */
/*
 * exec/mutex_watch.c: in checked builds, a lock of the system that is held across a suspension.
 *
 * Why         The task may go on on another thread, which must not unlock it; and whoever else wants it
 *             on this worker blocks all of its tasks, perhaps the one that holds it. weftcc sees most of
 *             these, but not through a plain function that locks.
 * How         What a poll has locked is noted (os/mutex_hook.c); if it ends PENDING with something
 *             left, that is reported.
 */
#include <stdio.h>

#include "exec/holders.h"
#include "exec/runtime.h"
#include "os/os.h"

enum { NOTES_MAX = 16 };

/* What this thread's poll has locked. */
static __thread struct {
	unsigned count;
	struct {
		const void *mutex;
		struct weft__place place;
	} notes[NOTES_MAX];
} locked;

static void note_mutex(const void *mutex, bool is_locked)
{
	if (is_locked && weft__worker_current && weft__task_polled && locked.count < NOTES_MAX) {
		locked.notes[locked.count].mutex = mutex;
		locked.notes[locked.count++].place = weft__trace_find(weft__task_polled, NULL);
	}
	for (unsigned i = is_locked ? 0 : locked.count; i-- > 0;)
		if (locked.notes[i].mutex == mutex) {
			locked.notes[i] = locked.notes[--locked.count];
			break;
		}
}

void weft__mutex_watch_begin(void)
{
	atomic_store_release(&weft__mutex_watch, note_mutex); /* pairs with mutex_tell */
}

void weft__mutex_watch_begins(void)
{
	locked.count = 0;
}

void weft__mutex_watch_suspends(struct weft_task *task)
{
	struct weft__place here, there;
	char text[300];

	if (locked.count == 0 || !weft__worker_current)
		return;
	here = weft__trace_find(task, NULL);
	there = locked.notes[0].place;
	snprintf(text, sizeof text,
			"task %llx suspends in %s and holds the mutex %p of the system, which it has "
			"locked in %s (after %s:%u): unlock it before the await, or use a weft_mutex",
			(unsigned long long)weft_task_id(task), here.async->name,
			locked.notes[0].mutex, there.async->name, there.async->file, there.line);
	weft__fail(text, here.async->file, (int)here.line);
}
