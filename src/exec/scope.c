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
 *             [I3] waker.ops is set only while the close is pending and the list is not empty.
 * Order       [O1] the lock: whoever closes sees what its children did, and a child what was in the
 *                  frame when the scope was made.
 * Cost        a child: two times the lock, without contention two atomic operations, and two
 *             pointers. Cancelling: the lock is held for all children.
 * Not here    who polls a child, and when it is freed (multi.c, current.c): like any detached task.
 */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "core/branch.h"
#include "exec/runtime.h"
#include "exec/scope.h"

/* Behind the child's frame. */
struct scope_links {
	struct weft_task *newer, *older;
};

static size_t links_offset(const struct weft_async *async)
{
	size_t align = sizeof(void *);

	return (async->frame_size + align - 1) & ~(align - 1);
}

static struct scope_links *links_of(struct weft_task *child)
{
	/* relaxed: its own thread set it, or the lock shows it [I2] */
	const struct weft_async *async = atomic_load_relaxed(&child->async);

	return (struct scope_links *)(void *)((char *)weft__task_frame(child) +
			links_offset(async));
}

static struct weft__lock *lock_of(struct weft_scope *scope)
{
	return (struct weft__lock *)(void *)&scope->lock; /* its only member */
}

static void scope_link(struct weft_scope *scope, struct weft_task *child)
{
	struct weft_task *older = scope->children;

	*links_of(child) = (struct scope_links){ NULL, older };
	if (older)
		links_of(older)->newer = child;
	scope->children = child;
}

static void scope_unlink(struct weft_scope *scope, struct weft_task *child)
{
	const struct scope_links *links = links_of(child);

	if (links->newer)
		links_of(links->newer)->older = links->older;
	else
		scope->children = links->older;
	if (links->older)
		links_of(links->older)->newer = links->newer;
}

int weft_scope_spawn(struct weft_scope *scope, const struct weft_async *async, const void *args)
{
	struct weft_runtime *runtime = weft_runtime_current();
	const struct weft__flavour *flavour;
	struct weft_task *child;
	void *frame;

	if (!runtime)
		return -ENXIO;
	frame = weft__task_create(runtime, async, links_offset(async) + sizeof(struct scope_links));
	if (WEFT_UNLIKELY(!frame)) /* relaxed: tells the two reasons apart */
		return atomic_load_relaxed(&runtime->closing) ? -ESHUTDOWN : -ENOMEM;
	memcpy(frame, args, async->args_size);
	((struct weft_frame *)frame)->at = 0;
	child = weft__task_of(frame);
	flavour = child->executor->flavour;
	flavour->prepare(child, weft__scope_word(scope));
	weft__lock_acquire(lock_of(scope)); /* [O1] */
	if (scope->closed)
		atomic_store_relaxed(&scope->error, 0); /* relaxed: see weft_scope_error */
	scope->closed = false;
	if (scope->cancelled)
		(void)flavour->cancel(child); /* it is QUEUED: nothing to push */
	scope_link(scope, child);             /* [I1] [I2] */
	weft__lock_release(lock_of(scope));
	flavour->push(child);
	return 0;
}

void weft__scope_leave(struct weft_scope *scope, struct weft_task *child)
{
	ssize_t result = weft__frame_result(child->async, weft__task_frame(child));
	struct weft_waker claimed = { NULL, NULL };

	weft__lock_acquire(lock_of(scope)); /* [O1] */
	scope_unlink(scope, child);
	if (result < 0 && scope->error == 0) /* relaxed: see weft_scope_error */
		atomic_store_relaxed(&scope->error, (int)result);
	if (!scope->children && scope->waker.ops) { /* [I3] */
		claimed = weft_waker_claim(&scope->waker);
		scope->waker.ops = NULL;
	}
	weft__lock_release(lock_of(scope)); /* the last touch: the scope may be gone */
	weft_waker_commit(claimed);
}

void weft_scope_cancel(struct weft_scope *scope)
{
	struct weft_task *claimed = NULL;

	weft__lock_acquire(lock_of(scope)); /* [O1] */
	for (struct weft_task *child = scope->cancelled ? NULL : scope->children; child;
			child = links_of(child)->older)
		if (child->executor->flavour->cancel(child)) { /* [I2] */
			child->next = claimed;
			claimed = child;
		}
	scope->cancelled = true;
	weft__lock_release(lock_of(scope));
	while (claimed) { /* the oldest first */
		struct weft_task *child = claimed;

		claimed = child->next;
		child->executor->flavour->push(child);
	}
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
	weft__lock_acquire(lock_of(scope)); /* [O1] */
	if (scope->children) {
		scope->waker = *weft_context_waker(cx); /* [I3] */
		weft__lock_release(lock_of(scope));
		weft_context_refund(cx);
		return WEFT_PENDING;
	}
	scope->waker.ops = NULL; /* [I3] */
	scope->cancelled = false;
	scope->closed = true;
	error = scope->error;
	weft__lock_release(lock_of(scope));
	weft_return(f, error);
}
WEFT_ASYNC_DEFINE_LEAF(weft_scope_close, WEFT_ASYNC_RESULT_INT);
