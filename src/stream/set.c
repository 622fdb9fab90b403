/* SPDX-License-Identifier: MIT */
/*
 * stream/set.c: any number of futures in one task, of which only the woken are polled.
 *
 * Why         Branches (core/branch.c) are all polled at each wake of their task: n children that end
 *             one after the other cost n*n polls.
 * How         Each child is polled with a waker of its own, which puts it into the set's ready list and
 *             claims the task's waker, both under the set's lock. What is claimed is the task, so a
 *             child's waker is never committed, and nothing is counted.
 *
 *                                        take                       ended
 *                 QUEUED (ready list) --------> POLLING --------------------> OUT
 *                    ^     ^    ^               |   |  |
 *                    |     |    +-- settle -- WOKEN <--+ a wake
 *               add  |     +------ a wake ---- IDLE <-- settle
 *                    |     |                        |
 *                    |     +---- begin of a poll -- UNSURE <-- settle
 *
 *             UNSURE has to do with owned wakers. They may be kept for ever, and woken after the child
 *             and the set have gone; so the clone of a child's waker is one of the task, which says
 *             nothing about the child. Who has cloned is polled in each poll of the set.
 *
 *             A poll takes children in the order of the list until it finds one that has ended, one that
 *             it has polled already (it was woken meanwhile), the budget spent, or POLLS_MAX polled. In
 *             all cases but the first it yields, and the others have a turn.
 *
 *             In an ordered set a child that has ended stays where it is, until it is the oldest.
 * Invariants  [I1] a child is in the ready list exactly when QUEUED, in `unsure` exactly when UNSURE.
 *             [I2] `waiting` says that the task waits for the set: `waker` is its waker, and the ready
 *                  list is empty. Whoever puts a child into the list resets it and claims.
 *             [I3] a child that is POLLING is polled by who polls the set: `waker` is that poll's.
 *             [I4] a child is in the list of all from when it is put in until it is given back.
 * Order       [O1] the lock: a poll sees what was done before the wakes that it takes from the list, also
 *                  before those that found the child in it; a claim sees the waker.
 * Why so      The lock of a leaf's wait list is held while the child is claimed, and the child cannot end
 *             before it is free: its leaf must look at its waiter under it. So child and set are there
 *             for the whole of a claim. The claimed task neither runs nor ends before the commit; if
 *             there was nothing to claim, the waker touches nothing any more. Locks nest from the leaf
 *             outwards: leaf, set, the set around it, task.
 * Cost        a wake and its poll: the lock three times, without contention three atomic operations, and
 *             that of the task. A child: 64 bytes.
 * Not here    children that run in parallel: exec/scope.c. Of few children polling all is cheaper:
 *             join_all.c.
 */
#include <errno.h>
#include <string.h>

#include <weft/set.h>

#include "base/check.h"
#include "base/lock.h"
#include "core/branch.h"
#include "core/env.h"
#include "stream/borrowed.h"
#include "stream/set.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_set_child) == 64, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_set) == 88, "part of the ABI");

enum { CHILD_OUT, CHILD_IDLE, CHILD_QUEUED, CHILD_UNSURE, CHILD_POLLING, CHILD_WOKEN };

/* Of children, in one poll of the set: also who spends no budget gives way. */
enum { POLLS_MAX = WEFT_BUDGET };

static void set_lock(struct weft_set *set)
{
	weft__lock_acquire((struct weft__lock *)(void *)&set->lock); /* its only member [O1] */
}

static void set_unlock(struct weft_set *set)
{
	weft__lock_release((struct weft__lock *)(void *)&set->lock); /* [O1] */
}

/* ---- wakes, on any thread ---- */

/* With the lock. */
static void ready_push(struct weft_set *set, struct weft_set_child *child)
{
	child->state = CHILD_QUEUED; /* [I1] */
	child->next = NULL;
	if (set->ready_first)
		set->ready_last->next = child;
	else
		set->ready_first = child;
	set->ready_last = child;
}

/* With the lock: something is to be polled. To be committed without it. */
static struct weft_waker ready_claim(struct weft_set *set)
{
	struct weft_waker claimed = { NULL, NULL };

	if (set->waiting)
		claimed = weft_waker_claim(&set->waker); /* [I2] */
	set->waiting = false;
	return claimed;
}

/* With the lock. */
static void child_wake(struct weft_set *set, struct weft_set_child *child)
{
	if (child->state == CHILD_IDLE)
		ready_push(set, child);
	else if (child->state == CHILD_POLLING)
		child->state = CHILD_WOKEN;
}

static struct weft_waker child_waker_claim(void *data)
{
	struct weft_set_child *child = data;
	struct weft_set *set = child->set;
	struct weft_waker claimed;

	set_lock(set);
	child_wake(set, child);
	claimed = ready_claim(set);
	set_unlock(set);
	return claimed;
}

static void child_waker_wake_by_ref(void *data)
{
	weft_waker_commit(child_waker_claim(data));
}

/* The task's, which does not know the child. Where nobody polls the set or waits for it, there is nobody
 * to wake: the child will be polled anyway. */
static struct weft_waker child_waker_clone(void *data)
{
	struct weft_set_child *child = data;
	struct weft_set *set = child->set;
	struct weft_waker waker = weft__waker_of_nobody;

	set_lock(set);
	if (child->state == CHILD_POLLING || child->state == CHILD_WOKEN) { /* [I3] */
		child->cloned = true;
		waker = weft_waker_clone(&set->waker);
	} else if (set->waiting) {
		waker = weft_waker_clone(&set->waker); /* [I2] */
		if (child->state == CHILD_IDLE) {
			child->state = CHILD_UNSURE; /* [I1] */
			child->next = set->unsure;
			set->unsure = child;
		}
	} else {
		child_wake(set, child);
	}
	set_unlock(set);
	return waker;
}

/* A child's waker is only ever borrowed, and claims another. */
static void child_waker_misuse(void *data)
{
	const struct weft_set_child *child = data;

	weft__waker_misuse(child->async);
}

static const struct weft_waker_ops child_waker_ops = { child_waker_clone, child_waker_misuse,
	child_waker_wake_by_ref, child_waker_misuse, child_waker_claim, child_waker_misuse };

/* ---- putting in, taking out ---- */

#ifdef WEFT_CHECKED
enum { CHECKED_MAX = 64 }; /* children; more would make every poll as slow as they are many */

static bool set_check(struct weft_set *set)
{
	size_t queued = 0, listed = 0, count = 0;

	if (set->count > CHECKED_MAX)
		return true;
	set_lock(set);
	for (struct weft_set_child *child = set->oldest; child; child = child->newer, count++) {
		queued += child->state == CHILD_QUEUED;
		WEFT_ASSERT(child->newer ? child->newer->older == child : set->newest == child);
		WEFT_ASSERT(child->state != CHILD_POLLING && child->state != CHILD_WOKEN);
	}
	for (struct weft_set_child *child = set->ready_first; child; child = child->next)
		listed++;
	WEFT_ASSERT(queued == listed);                   /* [I1] */
	WEFT_ASSERT(!set->waiting || !set->ready_first); /* [I2] */
	WEFT_ASSERT(count == set->count);                /* [I4] */
	set_unlock(set);
	return true;
}
#endif

static void set_link(struct weft_set *set, struct weft_set_child *child, bool front)
{
	child->older = front ? NULL : set->newest; /* [I4] */
	child->newer = front ? set->oldest : NULL;
	if (child->older)
		child->older->newer = child;
	else
		set->oldest = child;
	if (child->newer)
		child->newer->older = child;
	else
		set->newest = child;
	set->count++;
}

static void set_unlink(struct weft_set *set, struct weft_set_child *child)
{
	WEFT_ASSERT(child->ended);
	WEFT_ASSERT(child->state == CHILD_OUT);
	child->ended = false;
	if (child->older)
		child->older->newer = child->newer;
	else
		set->oldest = child->newer;
	if (child->newer)
		child->newer->older = child->older;
	else
		set->newest = child->older;
	set->count--;
}

static void set_insert(struct weft_set *set, struct weft_set_child *child, bool front)
{
	struct weft_waker claimed;

	if (child->async != set->verified) {
		weft_async_verify(child->async);
		set->verified = child->async;
	}
	child->set = set;
	child->strand.innermost = NULL;
	child->round = set->round - 1;
	child->cloned = false;
	child->ended = false;
	set_link(set, child, front);
	set_lock(set);
	ready_push(set, child);
	claimed = ready_claim(set); /* another branch of the task may be waiting */
	set_unlock(set);
	weft_waker_commit(claimed);
}

void weft_set_add(struct weft_set *set, struct weft_set_child *child,
		const struct weft_async *async, void *frame)
{
	child->async = async;
	child->frame = frame;
	child->owned = false;
	set_insert(set, child, false);
}

/* A child in memory of the runtime: this, and the frame. */
struct set_block {
	struct weft_set_child child;
	void *result; /* where it goes, or NULL */
};

static size_t block_align(const struct weft_async *async)
{
	return async->frame_align > _Alignof(struct set_block) ? async->frame_align
							       : _Alignof(struct set_block);
}

static size_t block_front(const struct weft_async *async)
{
	return (sizeof(struct set_block) + block_align(async) - 1) & ~(block_align(async) - 1);
}

static int set_put(struct weft_set *set, const struct weft_async *async, const void *args,
		void *result, bool front)
{
	const struct weft_env *env = weft__env_current;
	struct set_block *block;

	WEFT_ASSERT(async->magic == WEFT_ASYNC_MAGIC); /* not a plain function's address */
	if (!env || !env->allocate)
		return -ENXIO;
	block = env->allocate(env, block_front(async) + async->frame_size, block_align(async));
	if (!block)
		return -ENOMEM;
	block->result = result;
	block->child.async = async;
	block->child.frame = (char *)block + block_front(async);
	block->child.owned = true;
	memcpy(block->child.frame, args, async->args_size);
	((struct weft_frame *)block->child.frame)->at = 0;
	set_insert(set, &block->child, front);
	return 0;
}

int weft_set_put(struct weft_set *set, const struct weft_async *async, const void *args,
		void *result)
{
	return set_put(set, async, args, result, false);
}

int weft_set_put_front(struct weft_set *set, const struct weft_async *async, const void *args,
		void *result)
{
	return set_put(set, async, args, result, true);
}

void weft_set_release(struct weft_set_child *child, struct weft_context *cx)
{
	const struct weft_async *async = child->async;

	WEFT_ASSERT(child->state == CHILD_OUT);
	if (child->owned)
		cx->env->release(cx->env, child, block_front(async) + async->frame_size,
				block_align(async));
}

void weft_set_cancel(struct weft_set *set)
{
	struct weft_waker claimed;

	if (set->cancelled || !set->count)
		return;
	set->cancelled = true;
	set_lock(set);
	for (struct weft_set_child *child = set->oldest; child; child = child->newer)
		child_wake(set, child);
	claimed = ready_claim(set);
	set_unlock(set);
	weft_waker_commit(claimed);
}

/* ---- polling ---- */

/* With the lock: those whose wakes do not say whom they are for. */
static void ready_push_unsure(struct weft_set *set)
{
	while (set->unsure) {
		struct weft_set_child *child = set->unsure;

		set->unsure = child->next;
		ready_push(set, child);
	}
}

/* With the lock: the next child to poll, if there may be one more in this round. NULL, and the set is
 * waiting: there is none. */
static struct weft_set_child *ready_take(struct weft_set *set, bool may_poll)
{
	struct weft_set_child *child = set->ready_first;

	if (!child) {
		set->waiting = true; /* [I2] */
		return NULL;
	}
	if (!may_poll || child->round == set->round)
		return NULL;
	set->ready_first = child->next;
	child->round = set->round;
	child->state = CHILD_POLLING;
	return child;
}

/* With the lock: where a child goes that was polled and has not ended. */
static void child_settle(struct weft_set *set, struct weft_set_child *child, bool self_woken)
{
	WEFT_ASSERT(child->state == CHILD_POLLING || child->state == CHILD_WOKEN);
	if (child->state == CHILD_WOKEN || self_woken) {
		ready_push(set, child);
	} else if (child->cloned) {
		child->state = CHILD_UNSURE; /* [I1] */
		child->next = set->unsure;
		set->unsure = child;
	} else {
		child->state = CHILD_IDLE;
	}
	child->cloned = false;
}

/* What a poll of the set keeps of its context while the children have it. */
struct set_turn {
	struct weft_context outer;
	uint8_t woken; /* the most that a child has asked for */
	bool waits;    /* nothing is left to do */
};

static enum weft_poll child_poll(struct weft_set *set, struct weft_set_child *child,
		struct weft_context *cx, struct set_turn *turn)
{
	enum weft_poll poll;

	cx->waker.data = child;
	cx->strand = &child->strand;
	cx->self_woken = 0;
	cx->waker_taken = 0;
	if (set->cancelled)
		cx->cancelled = turn->outer.cancelled ? turn->outer.cancelled : 1;
	poll = weft__strand_poll(&child->strand, child->async, child->frame, cx);
	if (poll == WEFT_PENDING)
		weft__context_check_waker(cx, child->async);
	turn->woken = cx->self_woken > turn->woken ? cx->self_woken : turn->woken;
	if (poll == WEFT_READY && set->cancelled && !turn->outer.cancelled)
		cx->unwound = 1;
	return poll;
}

/* It has ended, and nobody wakes it any more. */
static void child_end(struct weft_set_child *child)
{
	const struct set_block *block = WEFT_CONTAINER_OF(child, struct set_block, child);

	child->state = CHILD_OUT;
	child->ended = true;
	if (child->owned && block->result)
		memcpy(block->result, weft_set_child_result(child), child->async->result_size);
}

/* Polls those that are ready. Returns a child to be given back, or NULL. */
static struct weft_set_child *set_poll(
		struct weft_set *set, struct weft_context *cx, struct set_turn *turn)
{
	struct weft_set_child *child;
	unsigned polls = 1;

	set_lock(set);
	set->waiting = false;
	set->waker = turn->outer.waker; /* [I3] */
	ready_push_unsure(set);
	child = ready_take(set, true);
	turn->waits = set->waiting;
	set_unlock(set);
	for (; child; polls++) {
		enum weft_poll poll = child_poll(set, child, cx, turn);

		if (poll == WEFT_READY) {
			child_end(child);
			if (!set->ordered || child == set->oldest)
				return child;
		}
		set_lock(set);
		if (poll == WEFT_PENDING)
			child_settle(set, child, cx->self_woken);
		child = ready_take(set, polls < POLLS_MAX && cx->budget);
		turn->waits = set->waiting;
		set_unlock(set);
	}
	return NULL;
}

/* Lends the context to the children. Returns as set_poll. */
static struct weft_set_child *set_turn(struct weft_set *set, struct weft_context *cx)
{
	struct set_turn turn = { *cx, 0, false };
	struct weft_set_child *child;

	cx->waker.ops = &child_waker_ops;
	cx->cancelled = 0;
	child = set_poll(set, cx, &turn);
	turn.outer.budget = cx->budget;
	turn.outer.unwound = cx->unwound;
	*cx = turn.outer;
	cx->waker_taken = 1;
	if (!child && !turn.waits && cx->self_woken < 2)
		cx->self_woken = turn.woken > 1 ? turn.woken : 1;
	return child;
}

/* As weft_set_poll_next, in the same round. */
static enum weft_poll set_give_back(
		struct weft_set *set, struct weft_context *cx, struct weft_set_child **ended)
{
	struct weft_set_child *child = NULL;

	*ended = NULL;
	if (set->count == 0) {
		set->cancelled = false;
		return WEFT_READY;
	}
	if (cx->budget == 0) {
		weft_context_yield(cx);
		return WEFT_PENDING;
	}
	if (set->ordered && set->oldest->ended)
		child = set->oldest;
	else
		child = set_turn(set, cx);
	WEFT_CHECK(set_check(set));
	if (!child)
		return WEFT_PENDING;
	cx->budget -= cx->budget > 0;
	set_unlink(set, child);
	*ended = child;
	return WEFT_READY;
}

enum weft_poll weft_set_poll_next(
		struct weft_set *set, struct weft_context *cx, struct weft_set_child **ended)
{
	set->round++;
	return set_give_back(set, cx, ended);
}

enum weft_poll weft__set_drain(struct weft_set *set, struct weft_context *cx, int *first_error)
{
	struct weft_set_child *child;

	set->round++;
	while (set_give_back(set, cx, &child) == WEFT_READY) {
		ssize_t result;

		if (!child)
			return WEFT_READY;
		result = weft__frame_result(child->async, child->frame);
		if (first_error && result < 0 && *first_error == 0) {
			*first_error = (int)result;
			weft_set_cancel(set);
		}
		weft_set_release(child, cx);
	}
	return WEFT_PENDING;
}

enum weft_poll weft_set_poll_close(struct weft_set *set, struct weft_context *cx)
{
	weft_set_cancel(set);
	return weft__set_drain(set, cx, NULL);
}

void weft__set_each(const struct weft_set *set, struct weft_visitor *visitor)
{
	for (struct weft_set_child *child = set->oldest; child; child = child->newer)
		if (weft_frame_is_begun(child->frame))
			visitor->future(visitor, &child->strand, child->async, child->frame);
}

/* ---- the async functions ---- */

/* Nobody is to be woken any more. */
static void set_leave(struct weft_set *set)
{
	set_lock(set);
	set->waiting = false; /* [I2] */
	set_unlock(set);
}

enum weft_poll weft_set_next__poll(void *frame, struct weft_context *cx)
{
	struct weft_set_next__frame *f = frame;
	struct weft_set *set = f->args.p0;
	struct weft_set_child *child;

	WEFT_FRAME_CHECK(&f->args.base);
	if (weft_context_cancelled(cx)) {
		if (!weft_context_charge(cx))
			return WEFT_PENDING;
		set_leave(set);
		weft_return(f, -ECANCELED);
	}
	f->args.base.at = 1;
	if (weft_set_poll_next(set, cx, &child) == WEFT_PENDING)
		return WEFT_PENDING;
	if (!child)
		weft_return(f, -ECHILD);
	if (f->args.p1)
		memcpy(f->args.p1, weft_set_child_result(child), child->async->result_size);
	weft_set_release(child, cx);
	weft_return(f, 0);
}

static void weft_set_next__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_set_next__frame *f = frame;

	weft__set_each(f->args.p0, visitor);
}

WEFT_ASYNC_DEFINE_NEST(weft_set_next, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);

enum weft_poll weft_set_close__poll(void *frame, struct weft_context *cx)
{
	struct weft_set_close__frame *f = frame;

	WEFT_FRAME_CHECK(&f->args.base);
	f->args.base.at = 1;
	if (weft_set_poll_close(f->args.p0, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_return(f, 0);
}

static void weft_set_close__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_set_close__frame *f = frame;

	weft__set_each(f->args.p0, visitor);
}

WEFT_ASYNC_DEFINE_NEST(weft_set_close, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_ALL);
