/* SPDX-License-Identifier: MIT */
/*
 * exec/join_set.c: a scope that keeps the results of its children until somebody takes them.
 *
 * How         Those that live are the scope's, as always (exec/scope.c). One that ends is put behind the
 *             others that have, under the same lock and through the same links, instead of being
 *             freed; its joiner word becomes DONE. So it is a task that has ended, with a handle,
 *             which the set has: to take the result is to join it.
 *
 *                 tasks.children:  running <-> running          oldest -> ended -> ended <- newest
 *
 * Invariants  [I1] a task in the list of those that have ended is touched by nobody but who takes it out;
 *                  its flavour is through with it, but for the memory.
 *             [I2] `count` is the length of both lists.
 * Order       [O1] the scope's lock: who takes a result sees what the task has done.
 * Cost        a task: three times the lock.
 */
#include <errno.h>

#include <weft/join_set.h>

#include "base/atomic.h"
#include "core/branch.h"
#include "exec/runtime.h"
#include "exec/scope.h"

static struct weft_join_set *set_of(struct weft_scope *scope)
{
	return (struct weft_join_set *)(void *)scope; /* its first member */
}

/* The number may be another one when somebody looks at it. */
static void set_count(struct weft_join_set *set, size_t more)
{
	atomic_store_relaxed(&set->count, set->count + more); /* relaxed: under the lock; [I2] */
}

void weft__join_set_enter(struct weft_scope *scope)
{
	set_count(set_of(scope), 1);
}

void weft__join_set_keep(struct weft_scope *scope, struct weft_task *child)
{
	struct weft_join_set *set = set_of(scope);

	*weft__scope_links(child) = (struct weft__scope_links){ NULL, set->newest };
	if (set->newest)
		weft__scope_links(set->newest)->newer = child;
	else
		set->oldest = child;
	set->newest = child;
	/* pairs with collect: the result is there. [O1] would do, but collect knows no scope */
	atomic_store_release(&child->joiner, (uintptr_t)JOIN_DONE);
}

/* With the lock: whoever has ended first, out of the list; or NULL. */
static struct weft_task *join_set_take(struct weft_join_set *set)
{
	struct weft_task *oldest = set->oldest;

	if (!oldest)
		return NULL;
	set->oldest = weft__scope_links(oldest)->newer;
	if (set->oldest)
		weft__scope_links(set->oldest)->older = NULL;
	else
		set->newest = NULL;
	set_count(set, (size_t)-1);
	return oldest;
}

/* Without the lock: the task's end. [I1] */
static void set_collect(struct weft_task *task, void *result, uint64_t *id)
{
	bool has_ended;

	if (id)
		*id = weft_task_id(task);
	has_ended = task->executor->flavour->collect(task, result);
	WEFT_ASSERT(has_ended);
}

int weft_join_set_spawn(struct weft_join_set *set, const struct weft_async *async, const void *args,
		struct weft_task **task)
{
	return weft__scope_spawn(&set->tasks, NULL, async, args, task);
}

int weft_join_set_spawn_on(struct weft_join_set *set, struct weft_runtime *runtime,
		const struct weft_async *async, const void *args, struct weft_task **task)
{
	return weft__scope_spawn(&set->tasks, runtime, async, args, task);
}

size_t weft_join_set_count(const struct weft_join_set *set)
{
	return atomic_load_relaxed(&set->count); /* relaxed: see set_count */
}

void weft_join_set_cancel(struct weft_join_set *set)
{
	weft_scope_cancel(&set->tasks);
}

/* With the lock: one that is not about to leave. It may end, and be gone, as soon as its word says so. */
static void child_detach(struct weft_join_set *set, struct weft_task *child)
{
	uintptr_t word = weft__scope_word(&set->tasks);

	weft__scope_unlink(&set->tasks, child);
	/* pairs with weft__scope_of_ending: it is in no list by then */
	if (atomic_cas_release(&child->joiner, &word, (uintptr_t)JOIN_DETACHED))
		set_count(set, (size_t)-1); /* [I2] */
	else
		weft__scope_link(&set->tasks, child);
}

void weft_join_set_detach_all(struct weft_join_set *set)
{
	struct weft_scope *scope = &set->tasks;
	struct weft_waker claimed = { NULL, NULL };
	struct weft_task *child;

	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	for (child = scope->children; child;) {
		struct weft_task *older = weft__scope_links(child)->older;

		child_detach(set, child);
		child = older;
	}
	if (!scope->children && scope->waker.ops) {
		claimed = weft_waker_claim(&scope->waker);
		scope->waker.ops = NULL;
	}
	weft__lock_release(weft__scope_lock(scope));
	weft_waker_commit(claimed);
	while (weft_join_set_try_next(set, NULL, NULL) == 0)
		;
}

/* cx NULL: does not wait. */
static int set_next(struct weft_join_set *set, void *result, uint64_t *id, struct weft_context *cx)
{
	struct weft_scope *scope = &set->tasks;
	struct weft_task *task;
	int outcome = -EAGAIN;

	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	task = join_set_take(set);
	if (task)
		outcome = 0;
	else if (!scope->children)
		outcome = -ECHILD;
	else if (cx && weft_context_cancelled(cx))
		outcome = -ECANCELED;
	if (outcome == -EAGAIN && cx)
		scope->waker = *weft_context_waker(cx);
	else
		scope->waker.ops = NULL;
	weft__lock_release(weft__scope_lock(scope));
	if (task)
		set_collect(task, result, id);
	return outcome;
}

int weft_join_set_try_next(struct weft_join_set *set, void *result, uint64_t *id)
{
	return set_next(set, result, id, NULL);
}

enum weft_poll weft_join_set_next__poll(void *frame, struct weft_context *cx)
{
	struct weft_join_set_next__frame *f = frame;
	int outcome = -ECANCELED;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (f->args.base.at != 0 || !weft_context_cancelled(cx))
		outcome = set_next(f->args.p0, f->args.p1, f->args.p2, cx);
	if (outcome == -EAGAIN) {
		weft_context_refund(cx);
		f->args.base.at = 1;
		return WEFT_PENDING;
	}
	weft_return(f, outcome);
}
WEFT_ASYNC_DEFINE_LEAF(weft_join_set_next, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);

/* The first poll of a close, with the lock: what was taken before it does not count. Those to push. */
static struct weft_task *set_begin_close(struct weft_join_set *set)
{
	struct weft_scope *scope = &set->tasks;

	scope->keeps_going = false;
	scope->error = 0;
	for (struct weft_task *task = set->oldest; task && scope->error == 0;
			task = weft__scope_links(task)->newer) {
		ssize_t result = weft__frame_result(task->async, weft__task_frame(task));

		if (result < 0)
			scope->error = (int)result;
	}
	return scope->error ? weft__scope_claim(scope) : NULL;
}

/* With the lock: nobody is left. */
static int set_end_close(struct weft_scope *scope)
{
	scope->keeps_going = true;
	scope->cancelled = false;
	scope->closed = true;
	return scope->error;
}

/* Takes one that has ended, or arranges to be woken; *result: of the close, if it is over. */
static int set_close(struct weft_join_set_close__frame *f, struct weft_context *cx, int *result)
{
	struct weft_join_set *set = f->args.p0;
	struct weft_scope *scope = &set->tasks;
	struct weft_task *claimed = NULL, *ended;
	int outcome;

	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	if (f->args.base.at == 0)
		claimed = set_begin_close(set);
	if (weft_context_cancelled(cx) && !claimed)
		claimed = weft__scope_claim(scope);
	ended = join_set_take(set);
	outcome = ended ? -EINPROGRESS : scope->children ? -EAGAIN : 0;
	if (outcome == -EAGAIN)
		scope->waker = *weft_context_waker(cx);
	else
		scope->waker.ops = NULL;
	if (outcome == 0)
		*result = set_end_close(scope);
	weft__lock_release(weft__scope_lock(scope));
	weft__scope_push(claimed);
	if (ended)
		set_collect(ended, NULL, NULL);
	return outcome;
}

enum weft_poll weft_join_set_close__poll(void *frame, struct weft_context *cx)
{
	struct weft_join_set_close__frame *f = frame;
	int outcome, result = 0;

	WEFT_FRAME_CHECK(&f->args.base);
	do {
		if (!weft_context_charge(cx))
			return WEFT_PENDING;
		outcome = set_close(f, cx, &result);
		f->args.base.at = 1;
	} while (outcome == -EINPROGRESS);
	if (outcome == -EAGAIN) {
		weft_context_refund(cx);
		return WEFT_PENDING;
	}
	weft_return(f, result);
}
WEFT_ASYNC_DEFINE_LEAF(weft_join_set_close, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);
