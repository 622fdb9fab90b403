/* SPDX-License-Identifier: MIT */
/*
 * exec/scope.c: tasks that end before the block that started them is left.
 *
 * How         The children that live are a list through their own memory: two pointers behind the
 *             frame. A child's joiner word (exec/join.c) says whom to tell: it is detached, with the
 *             scope's address. All of the scope is under its lock, of one word.
 *
 *                 task of the parent                       task of a child
 *                 [header|frame ... scope ...]             [header|frame|newer, older]
 *                                   ^  children ---------->      |
 *                                   +------- joiner word --------+
 *
 * Why so      The parent waits for many, on whatever worker each ends, and may end itself at once
 *             when the last has: the memory of the scope goes with it. The child that leaves last
 *             takes itself out and claims the parent's waker under one lock, and commits after it.
 *             In between the parent either sleeps, claimed, and can neither run nor end; or it is
 *             being polled, for another reason: then it finds the list empty as soon as the lock is
 *             free, and the child touches nothing of it any more.
 *             Cancelling is the same the other way round: a child in the list has not left, so its
 *             memory is there; it is cancelled under the lock, and queued after it. A claimed child
 *             cannot end meanwhile.
 * Invariants  [I1] a task is in the list from before it is queued until after its last poll.
 *             [I2] a child that is in the list has been prepared: it can be cancelled.
 *             [I3] waker.ops is set only while somebody closes, or waits for the next of a join set, and
 *                  the list is not empty.
 * Order       [O1] the lock: whoever closes sees what its children did, and a child what was in the
 *                  frame when the scope was made.
 *             The first error does that, too: the child that leaves cancels those it leaves behind.
 *             The child's word: an exchange decides whether it leaves or is detached (join_set.c). If it
 *             leaves, the scope is there until it has.
 * Cost        a child: two times the lock, without contention two atomic operations, one for its word;
 *             and two pointers. Cancelling: the lock is held for
 *             all children.
 * Not here    who polls a child, and when it is freed (multi.c, current.c): like any detached task.
 */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "core/branch.h"
#include "exec/runtime.h"
#include "exec/scope.h"

static size_t links_offset(const struct weft_async *async)
{
	size_t align = sizeof(void *);

	return (async->frame_size + align - 1) & ~(align - 1);
}

struct weft__scope_links *weft__scope_links(struct weft_task *child)
{
	/* relaxed: its own thread set it, or the lock shows it [I2] */
	const struct weft_async *async = atomic_load_relaxed(&child->async);

	return (struct weft__scope_links *)(void *)((char *)weft__task_frame(child) +
			links_offset(async));
}

void weft__scope_link(struct weft_scope *scope, struct weft_task *child)
{
	struct weft_task *older = scope->children;

	*weft__scope_links(child) = (struct weft__scope_links){ NULL, older };
	if (older)
		weft__scope_links(older)->newer = child;
	scope->children = child;
}

void weft__scope_unlink(struct weft_scope *scope, struct weft_task *child)
{
	const struct weft__scope_links *links = weft__scope_links(child);

	if (links->newer)
		weft__scope_links(links->newer)->older = links->older;
	else
		scope->children = links->older;
	if (links->older)
		weft__scope_links(links->older)->newer = links->newer;
}

struct weft_task *weft__scope_claim(struct weft_scope *scope)
{
	struct weft_task *claimed = NULL;

	for (struct weft_task *child = scope->cancelled ? NULL : scope->children; child;
			child = weft__scope_links(child)->older)
		if (child->executor->flavour->cancel(child)) { /* [I2] */
			child->next = claimed;
			claimed = child;
		}
	scope->cancelled = true;
	return claimed;
}

void weft__scope_push(struct weft_task *claimed)
{
	while (claimed) { /* the oldest first */
		struct weft_task *child = claimed;

		claimed = child->next;
		child->executor->flavour->commit(child);
	}
}

int weft__scope_spawn(struct weft_scope *scope, struct weft_runtime *runtime,
		const struct weft_async *async, const void *args, struct weft_task **task)
{
	const struct weft__flavour *flavour;
	struct weft_task *child;
	void *frame;

	if (!runtime)
		runtime = weft_runtime_current();
	if (!runtime)
		return -ENXIO;
	frame = weft__task_create(
			runtime, async, links_offset(async) + sizeof(struct weft__scope_links));
	if (WEFT_UNLIKELY(!frame)) /* relaxed: tells the two reasons apart */
		return atomic_load_relaxed(&runtime->closing) ? -ESHUTDOWN : -ENOMEM;
	memcpy(frame, args, async->args_size);
	((struct weft_frame *)frame)->at = 0;
	child = weft__task_of(frame);
	flavour = child->executor->flavour;
	flavour->prepare(child, weft__scope_word(scope));
	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	if (scope->closed)
		atomic_store_relaxed(&scope->error, 0); /* relaxed: see weft_scope_error */
	scope->closed = false;
	if (scope->cancelled)
		(void)flavour->cancel(child); /* it is QUEUED: nothing to push */
	weft__scope_link(scope, child);       /* [I1] [I2] */
	if (scope->keeps_results)
		weft__join_set_enter(scope);
	weft__lock_release(weft__scope_lock(scope));
	if (task)
		*task = child;
	flavour->push(child);
	return 0;
}

int weft_scope_spawn(struct weft_scope *scope, const struct weft_async *async, const void *args)
{
	return weft__scope_spawn(scope, NULL, async, args, NULL);
}

int weft_scope_spawn_on(struct weft_scope *scope, struct weft_runtime *runtime,
		const struct weft_async *async, const void *args)
{
	return weft__scope_spawn(scope, runtime, async, args, NULL);
}

bool weft__scope_leave(struct weft_scope *scope, struct weft_task *child)
{
	ssize_t result = weft__frame_result(child->async, weft__task_frame(child));
	struct weft_waker claimed = { NULL, NULL };
	struct weft_task *siblings = NULL;
	bool is_kept;

	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	is_kept = scope->keeps_results;
	weft__scope_unlink(scope, child);
	if (is_kept)
		weft__join_set_keep(scope, child);
	if (result < 0 && scope->error == 0) {
		atomic_store_relaxed(
				&scope->error, (int)result); /* relaxed: see weft_scope_error */
		if (!scope->keeps_going)
			siblings = weft__scope_claim(scope);
	}
	if ((is_kept || !scope->children) && scope->waker.ops) { /* [I3] */
		claimed = weft_waker_claim(&scope->waker);
		scope->waker.ops = NULL;
	}
	weft__lock_release(weft__scope_lock(scope)); /* the last touch: the scope may be gone */
	weft__scope_push(siblings);
	weft_waker_commit(claimed);
	return is_kept;
}

void weft_scope_keep_going(struct weft_scope *scope)
{
	weft__lock_acquire(weft__scope_lock(scope));
	scope->keeps_going = true;
	weft__lock_release(weft__scope_lock(scope));
}

void weft_scope_cancel(struct weft_scope *scope)
{
	struct weft_task *claimed;

	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	claimed = weft__scope_claim(scope);
	weft__lock_release(weft__scope_lock(scope));
	weft__scope_push(claimed);
}

int weft_scope_error(const struct weft_scope *scope)
{
	return atomic_load_relaxed(&scope->error); /* relaxed: a number, and nothing behind it */
}

enum weft_poll weft_scope_close__poll(void *frame, struct weft_context *cx)
{
	struct weft_scope_close__frame *f = frame;
	struct weft_scope *scope = f->args.p0;
	int error;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (weft_context_cancelled(cx))
		weft_scope_cancel(scope);
	f->args.base.at = 1;
	weft__lock_acquire(weft__scope_lock(scope)); /* [O1] */
	if (scope->children) {
		scope->waker = *weft_context_waker(cx); /* [I3] */
		weft__lock_release(weft__scope_lock(scope));
		weft_context_refund(cx);
		return WEFT_PENDING;
	}
	scope->waker.ops = NULL; /* [I3] */
	scope->cancelled = false;
	scope->closed = true;
	error = scope->error;
	weft__lock_release(weft__scope_lock(scope));
	weft_return(f, error);
}
WEFT_ASYNC_DEFINE_LEAF(weft_scope_close, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);
