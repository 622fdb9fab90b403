/* SPDX-License-Identifier: MIT */
/*
 * exec/holders.c: who holds what, in checked builds: a table beside the locks, by their addresses.
 *
 * How         Chains under one lock. A task is known by its id, which no other has later: so what a
 *             task held when it ended does no harm. Whoever holds the same object several times
 *             (permits) has as many entries.
 * Misuse      found here, each reported with both places:
 *               - a mutex or rwlock that is unlocked by a task while another holds it, and this does not
 *               - one for which a task waits that holds it in the same strand: nobody else can give it
 *               back
 * Limits      Tasks of a runtime only: what threads and bare executors hold is not written down. If
 *             there is no memory for an entry, nothing is found any more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "exec/holders.h"
#include "exec/runtime.h"

enum { HELD_CHAINS = 1024 };

static struct {
	struct weft__lock lock;
	bool incomplete; /* atomic */
	struct weft__held *chains[HELD_CHAINS];
} held_table;

const char *weft__held_name(enum weft__held_kind kind)
{
	switch (kind) {
	case HELD_MUTEX:
		return "a mutex";
	case HELD_READ:
	case HELD_WRITE:
		return "an rwlock";
	case HELD_PERMITS:
		return "permits of a semaphore";
	case HELD_RECEIVER:
		break;
	}
	return "the receiving end of a channel";
}

static struct weft__held **chain_of(const void *object)
{
	uint64_t bits = (uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15u;

	return &held_table.chains[bits >> 54];
}

void weft__held_each(const void *object, void (*visit)(const struct weft__held *held, void *arg),
		void *arg)
{
	weft__lock_acquire(&held_table.lock);
	for (const struct weft__held *held = *chain_of(object); held; held = held->next)
		if (held->object == object)
			visit(held, arg);
	weft__lock_release(&held_table.lock);
}

/* The task, if it is one of a runtime. */
static struct weft_task *held_task(void)
{
	return weft__worker_current ? weft__task_polled : NULL;
}

static bool is_lock(enum weft__held_kind kind)
{
	return kind == HELD_MUTEX || kind == HELD_READ || kind == HELD_WRITE;
}

/* ---- misuse ---- */

__attribute__((noinline)) _Noreturn static void held_fail(const char *what,
		const struct weft__held *held, struct weft_task *task, struct weft__place place)
{
	char text[300];

	snprintf(text, sizeof text,
			"task %llx, %s, %s %s %p, which task %llx has locked in %s (%s:%u)",
			(unsigned long long)weft_task_id(task), place.async->name, what,
			weft__held_name(held->kind), held->object, (unsigned long long)held->task,
			held->place.async->name, held->place.async->file, held->place.line);
	weft__fail(text, place.async->file, (int)place.line);
}

/* ---- what locks say ---- */

static void held_took(const void *object, enum weft__held_kind kind, const struct weft_context *cx,
		const void *leaf)
{
	struct weft_task *task = held_task();
	struct weft__held **chain = chain_of(object), *held = NULL, *entry;

	if (!task)
		return;
	entry = malloc(sizeof *entry);
	if (!entry) {
		atomic_store_relaxed(&held_table.incomplete, true); /* relaxed: a flag */
		return;
	}
	*entry = (struct weft__held){ NULL, object, weft_task_id(task), cx ? cx->strand : NULL,
		weft__trace_find(task, leaf), kind };
	weft__lock_acquire(&held_table.lock);
	if (kind == HELD_RECEIVER) /* one, the last */
		for (held = *chain; held; held = held->next)
			if (held->object == object && held->kind == kind)
				break;
	if (held) {
		entry->next = held->next;
		*held = *entry;
	} else {
		entry->next = *chain;
		*chain = entry;
		entry = NULL;
	}
	weft__lock_release(&held_table.lock);
	free(entry);
}

/* With the lock: the link of the newest entry of that task; task 0: of anybody; or of NULL. */
static struct weft__held **held_find(const void *object, uint64_t task)
{
	struct weft__held **link = chain_of(object);

	while (*link &&
			((*link)->object != object || (*link)->kind == HELD_RECEIVER ||
					(task && (*link)->task != task)))
		link = &(*link)->next;
	return link;
}

static void held_gave(const void *object, enum weft__held_kind kind)
{
	struct weft_task *task = held_task();
	struct weft__held **link, *held;
	bool is_misuse;

	weft__lock_acquire(&held_table.lock);
	link = held_find(object, task ? weft_task_id(task) : 0);
	is_misuse = !*link && task && is_lock(kind);
	if (!*link)
		link = held_find(object, 0);
	held = *link;
	if (held)
		*link = held->next;
	weft__lock_release(&held_table.lock);
	/* relaxed: a flag */
	if (held && is_misuse && !atomic_load_relaxed(&held_table.incomplete))
		held_fail("unlocks", held, task, weft__trace_find(task, NULL));
	free(held);
}

static void held_waits(const void *object, enum weft__held_kind kind, const struct weft_context *cx,
		const void *leaf)
{
	struct weft_task *task = held_task();
	struct weft__held found = { .object = NULL };

	if (!task || !is_lock(kind) || ((const struct weft_frame *)leaf)->at == 0)
		return; /* not a lock, or not in its queue: the budget is spent */
	weft__lock_acquire(&held_table.lock);
	for (const struct weft__held *held = *chain_of(object); held; held = held->next)
		if (held->object == object && held->task == weft_task_id(task) &&
				held->strand == cx->strand)
			found = *held;
	weft__lock_release(&held_table.lock);
	if (found.object)
		held_fail("waits for ever for", &found, task, weft__trace_find(task, leaf));
}

void weft__held_watch(void)
{
	static const struct weft__held_ops ops = { held_took, held_gave, held_waits,
		weft__mutex_watch_begins, weft__mutex_watch_suspends };

	weft__mutex_watch_begin();
	/* pairs with WEFT_HELD */
	atomic_store_release(&weft__held_ops, &ops);
}
