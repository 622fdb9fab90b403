/* SPDX-License-Identifier: MIT */
/*
 * exec/holders.c: who holds what, in checked builds: a table beside the locks, by their addresses.
 *
 * How         Chains under one lock. A task is known by its id, which is its own as long as it lives; when
 *             its memory goes (a large task's at once), another may get both. So what it still holds
 *             then is marked: it is somebody's who has ended, and no longer the id's. Hence each end
 *             has to look, which is cheap for who has nothing here: `known` counts.
 *             Whoever holds the same object several times (permits) has as many entries.
 *             What was given back is kept for a while, for reports: a table in which each entry has the
 *             last one that fell upon it.
 * Invariants  [I1] known, by a hash of the id, counts what the tables have of tasks that live.
 * Misuse      found here, each reported with both places:
 *               - a mutex or rwlock that is unlocked by a task while another holds it, and this does not
 *               - or that the task has unlocked already
 *               - one for which a task waits that holds it in the same strand: nobody else can give it
 *               back
 *               - a lock or permit that is needed (weft_assert_held) and was given back before
 *               - permits that are released again: nobody has any, and the task has acquired some in the
 *               same function, which were released
 * Why so      Permits may move into another task, and some semaphores are signals, which whoever likes
 *             releases. So who has acquired a permit need not be who releases it; but the sum must be
 *             right. Nothing can tell that a permit which is released once is released too early, unless
 *             what it protects says so: acquire, release, go on is also a gate that tasks pass.
 * Limits      Tasks of a runtime only: what threads and bare executors hold is not written down, apart
 *             from permits. If there is no memory for an entry, nothing is found any more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/lock.h"
#include "exec/holders.h"
#include "exec/runtime.h"

enum { HELD_CHAINS = 1024, HELD_PAST_BITS = 8, HELD_KNOWN_BITS = 8 };

/* What a task had, and who gave it back where. */
struct held_past {
	struct weft__held held;
	uint64_t by;
	struct weft__place place;
};

static struct {
	struct weft__lock lock;
	bool incomplete; /* atomic */
	struct weft__held *chains[HELD_CHAINS];
	struct held_past past[1 << HELD_PAST_BITS];
	uint32_t known[1 << HELD_KNOWN_BITS]; /* atomic */
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

static uint32_t *known_of(uint64_t task)
{
	return &held_table.known[(task * 0x9e3779b97f4a7c15u) >> (64 - HELD_KNOWN_BITS)];
}

/* With the lock: it comes to a table, or goes (-1). */
static void known_count(const struct weft__held *held, int by)
{
	if (held->task && !held->ended)
		/* relaxed: a task's own come before its end, and never all go while one is moved */
		atomic_fetch_add_relaxed(known_of(held->task), (uint32_t)by); /* [I1] */
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

static bool held_is_of(const struct weft__held *held, const struct weft_task *task)
{
	return held->task == weft_task_id(task) && !held->ended;
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

__attribute__((noinline)) _Noreturn static void past_fail(
		const char *what, const struct held_past *past, struct weft_task *task)
{
	struct weft__place here = weft__trace_find(task, NULL);
	const struct weft__held *held = &past->held;
	char text[500];

	snprintf(text, sizeof text,
			"task %llx, %s, %s %s %p, which it has taken in %s (%s:%u), and which task %llx "
			"has given back in %s (after %s:%u)",
			(unsigned long long)weft_task_id(task), here.async->name, what,
			weft__held_name(held->kind), held->object, held->place.async->name,
			held->place.async->file, held->place.line, (unsigned long long)past->by,
			past->place.async->name, past->place.async->file, past->place.line);
	weft__fail(text, here.async->file, (int)here.line);
}

/* ---- what was given back: with the lock ---- */

static struct held_past *past_entry(const void *object, uint64_t task)
{
	uint64_t bits = ((uint64_t)(uintptr_t)object + task) * 0x9e3779b97f4a7c15u;

	return &held_table.past[bits >> (64 - HELD_PAST_BITS)];
}

/* Object NULL: there is none, or nobody can be sure any more. */
static struct held_past past_find(const void *object, struct weft_task *task)
{
	uint64_t id = weft_task_id(task);
	struct held_past past = *past_entry(object, id);

	if (past.held.object != object || past.held.task != id ||
			atomic_load_relaxed(&held_table.incomplete)) /* relaxed: a flag */
		past.held.object = NULL;
	return past;
}

static void past_keep(const struct weft__held *held, struct weft_task *by, struct weft__place place)
{
	struct held_past *entry;

	if (!by || !held->task || held->ended)
		return;
	entry = past_entry(held->object, held->task);
	known_count(held, 1);
	if (entry->held.object)
		known_count(&entry->held, -1);
	*entry = (struct held_past){ *held, weft_task_id(by), place };
}

/* ---- the chains: with the lock ---- */

static void held_link(struct weft__held **chain, struct weft__held *entry)
{
	entry->next = *chain;
	*chain = entry;
	known_count(entry, 1);
}

/* Given back by that task, if it is one, and there. */
static struct weft__held *held_unlink(
		struct weft__held **link, struct weft_task *by, struct weft__place place)
{
	struct weft__held *held = *link;

	past_keep(held, by, place);
	known_count(held, -1);
	*link = held->next;
	return held;
}

/* ---- what locks say ---- */

/* NULL: there is no memory, and nothing is complete any more. */
static struct weft__held *held_create(const void *object, enum weft__held_kind kind,
		const struct weft_context *cx, const void *leaf)
{
	struct weft_task *task = held_task();
	struct weft__held *entry = malloc(sizeof *entry);

	if (!entry) {
		atomic_store_relaxed(&held_table.incomplete, true); /* relaxed: a flag */
		return NULL;
	}
	*entry = (struct weft__held){ .object = object, .kind = kind };
	if (task) {
		entry->task = weft_task_id(task);
		entry->strand = cx ? cx->strand : NULL;
		entry->place = weft__trace_find(task, leaf);
	}
	return entry;
}

static void held_took(const void *object, enum weft__held_kind kind, const struct weft_context *cx,
		const void *leaf)
{
	struct weft__held **chain = chain_of(object), *held = NULL, *entry;

	entry = held_task() ? held_create(object, kind, cx, leaf) : NULL;
	if (!entry)
		return;
	weft__lock_acquire(&held_table.lock);
	if (kind == HELD_RECEIVER) /* one, the last */
		for (held = *chain; held; held = held->next)
			if (held->object == object && held->kind == kind)
				break;
	if (held) {
		known_count(held, -1);
		known_count(entry, 1);
		entry->next = held->next;
		*held = *entry;
	} else {
		held_link(chain, entry);
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
					(task && ((*link)->task != task || (*link)->ended))))
		link = &(*link)->next;
	return link;
}

static void held_gave(const void *object, bool is_locked)
{
	struct weft_task *task = held_task();
	struct weft__place here = { NULL, 0 };
	struct held_past past = { .by = 0 };
	struct weft__held **link, *held;
	bool is_misuse;

	if (task)
		here = weft__trace_find(task, NULL);
	weft__lock_acquire(&held_table.lock);
	link = held_find(object, task ? weft_task_id(task) : 0);
	is_misuse = !*link && task;
	if (!*link)
		link = held_find(object, 0);
	held = *link;
	if (held) {
		(void)held_unlink(link, task, here);
	} else if (task && !is_locked) {
		past = past_find(object, task);
	}
	weft__lock_release(&held_table.lock);
	/* relaxed: a flag */
	if (held && is_misuse && !atomic_load_relaxed(&held_table.incomplete))
		held_fail("unlocks", held, task, here);
	if (past.held.object)
		past_fail("unlocks again", &past, task);
	free(held);
}

static void held_acquired(
		const void *object, uint32_t count, const struct weft_context *cx, const void *leaf)
{
	struct weft__held **chain = chain_of(object);
	struct weft__held *entry = count ? held_create(object, HELD_PERMITS, cx, leaf) : NULL;

	if (!entry)
		return;
	entry->count = count;
	weft__lock_acquire(&held_table.lock);
	held_link(chain, entry);
	weft__lock_release(&held_table.lock);
}

/* With the lock: takes permits from what that task has (0: anybody), newest first. Returns how many are
 * left over; entries that are empty go to *empty. */
static uint32_t permits_give(const void *object, uint64_t task, uint32_t count,
		struct weft__held **empty, struct weft__place place)
{
	struct weft__held **link;

	while (count && *(link = held_find(object, task))) {
		struct weft__held *held = *link;
		uint32_t some = held->count < count ? held->count : count;

		count -= some;
		held->count -= some;
		if (held->count == 0) {
			held_unlink(link, held_task(), place)->next = *empty;
			*empty = held;
		}
	}
	return count;
}

static void held_released(const void *object, uint32_t count)
{
	struct weft_task *task = held_task();
	struct weft__place here = { NULL, 0 };
	struct held_past past = { .by = 0 };
	struct weft__held *empty = NULL;

	if (task)
		here = weft__trace_find(task, NULL);
	weft__lock_acquire(&held_table.lock);
	if (task)
		count = permits_give(object, weft_task_id(task), count, &empty, here);
	count = permits_give(object, 0, count, &empty, here); /* they have moved */
	if (count && task)
		past = past_find(object, task);
	weft__lock_release(&held_table.lock);
	while (empty) {
		struct weft__held *next = empty->next;

		free(empty);
		empty = next;
	}
	if (past.held.object && past.held.place.async == here.async)
		past_fail("releases again", &past, task);
}

static void held_requires(const void *object)
{
	struct weft_task *task = held_task();
	struct weft__held mine = { .object = NULL }, other = { .object = NULL };
	struct held_past past;

	if (!task)
		return;
	weft__lock_acquire(&held_table.lock);
	for (const struct weft__held *held = *chain_of(object); held; held = held->next)
		if (held->object == object && held->kind != HELD_RECEIVER)
			*(held_is_of(held, task) ? &mine : &other) = *held;
	past = past_find(object, task);
	weft__lock_release(&held_table.lock);
	/* relaxed: a flag */
	if (mine.object || atomic_load_relaxed(&held_table.incomplete))
		return;
	if (past.held.object)
		past_fail("needs", &past, task);
	if (!other.object)
		weft__fail("a lock or permit is needed here, and nobody has it",
				weft__trace_find(task, NULL).async->file,
				(int)weft__trace_find(task, NULL).line);
	if (other.kind != HELD_PERMITS) /* those may have moved */
		held_fail("needs", &other, task, weft__trace_find(task, NULL));
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
		if (held->object == object && held_is_of(held, task) && held->strand == cx->strand)
			found = *held;
	weft__lock_release(&held_table.lock);
	if (found.object)
		held_fail("waits for ever for", &found, task, weft__trace_find(task, leaf));
}

static void held_where(const void *object, char *text, size_t size)
{
	struct weft__held held = { .object = NULL }, *newest;

	weft__lock_acquire(&held_table.lock);
	newest = *held_find(object, 0);
	if (newest)
		held = *newest;
	weft__lock_release(&held_table.lock);
	if (held.object)
		snprintf(text, size, "%s (%s:%u), by task %llx", held.place.async->name,
				held.place.async->file, held.place.line,
				(unsigned long long)held.task);
}

static void held_ended(const struct weft_task *task)
{
	uint64_t id = weft_task_id(task);

	if (!atomic_load_relaxed(known_of(id))) /* relaxed: see known_count [I1] */
		return;
	weft__lock_acquire(&held_table.lock);
	for (size_t i = 0; i < HELD_CHAINS; i++)
		for (struct weft__held *held = held_table.chains[i]; held; held = held->next)
			if (held_is_of(held, task)) {
				known_count(held, -1);
				held->ended = true;
			}
	for (size_t i = 0; i < sizeof held_table.past / sizeof *held_table.past; i++) {
		struct weft__held *held = &held_table.past[i].held;

		if (held->object && held->task == id) {
			known_count(held, -1);
			held->object = NULL;
		}
	}
	weft__lock_release(&held_table.lock);
}

void weft__held_watch(void)
{
	static const struct weft__held_ops ops = { held_took, held_gave, held_acquired,
		held_released, held_requires, held_waits, held_where, held_ended,
		weft__mutex_watch_begins, weft__mutex_watch_suspends };

	if (!WEFT__HELD)
		return;
	weft__mutex_watch_begin();
	/* pairs with WEFT_HELD */
	atomic_store_release(&weft__held_ops, &ops);
}
