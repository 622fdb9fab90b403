/* SPDX-License-Identifier: MIT */
/*
 * core/branch.c: several futures side by side in one task: join, try_join, select.
 *
 * How         A branch is polled through its own strand; the context is lent to it, with the branch's
 *             cancellation in place of the outer one, and taken back as it was.
 *
 *             Each combinator has at most two phases. In the first all branches are polled until
 *             something is decided: an error, a winner. Deciding cancels all others, and from then
 *             on, beginning with the same poll, it is a join.
 *
 *                 try_join   first_error == 0  --a result < 0-->  first_error < 0, join
 *                 select     !decided          --one has ended--> decided, winner, join
 *
 *             A leaf may be able to look without waiting (WEFT_ASYNC_TRIES). The first poll of a select
 *             looks at all such before it waits on any: if one is ready, the others have joined no
 *             queue, and have none to leave. (weftcc has looked before, where no frame is needed for
 *             that: weft_select_draw.) A later poll passes over leaves whose waiters have not been woken.
 *
 * Invariants  [I1] a branch that is done is not polled again.
 *             [I2] READY comes only when all are done: nobody is dropped in the middle.
 * Why so      A loser that has never been polled is polled once, cancelled: what its arguments own is
 *             released by nobody else, and its result is there to be assigned. Only leaves that try
 *             are dropped, since their arguments own nothing.
 *             A join rotates: with a fixed order the first branch can use up the budget of every
 *             poll, and the last would never complete anything. A select draws, because it is
 *             usually made anew for each round of a loop, and has no memory of the last.
 * Cost        a poll of all branches that are not done for each wake of the task: for some dozens of
 *             them. More are tasks in a scope (exec/scope.c).
 * Not here    a branch with a deadline, and a shielded one: time/timeout.c. Branches inside of
 *             branches: each is polled by the function around it, so a recursion through them goes
 *             down the C stack.
 */
#include <errno.h>
#include <sys/types.h>

#include <weft/branch.h>
#include <weft/waiter.h>

#include "base/atomic.h"
#include "base/check.h"
#include "core/branch.h"
#include "core/env.h"

/* What the context is to those around, while a branch has it. */
struct branch_outer {
	struct weft_strand *strand;
	uint16_t depth;
	uint8_t cancelled;
};

static inline struct branch_outer context_lend(const struct weft_context *cx)
{
	return (struct branch_outer){ cx->strand, cx->depth, cx->cancelled };
}

static inline void context_take_back(struct weft_context *cx, const struct branch_outer *outer)
{
	cx->strand = outer->strand;
	cx->depth = outer->depth;
	cx->cancelled = outer->cancelled;
}

/* A leaf that can look without waiting: weft/branch.h. */
static inline bool branch_tries(const struct weft_branch *branch)
{
	return (branch->async->flags & WEFT_ASYNC_TRIES) != 0;
}

/* The context is the branch's from here on. [I1] */
WEFT_INLINE void branch_enter(struct weft_branch *branch, struct weft_context *cx,
		const struct branch_outer *outer)
{
	cx->strand = &branch->strand;
	cx->cancelled = outer->cancelled > branch->shielded ? outer->cancelled : branch->cancelled;
}

WEFT_INLINE enum weft_poll branch_polled(struct weft_branch *branch, struct weft_context *cx,
		const struct branch_outer *outer, enum weft_poll poll)
{
	branch->done = poll == WEFT_READY;
	if (branch->done && branch->cancelled && !outer->cancelled)
		cx->unwound = 1;
	return poll;
}

/* Leaves the context as the branch's. */
WEFT_INLINE enum weft_poll branch_run(struct weft_branch *branch, struct weft_context *cx,
		const struct branch_outer *outer)
{
	branch_enter(branch, cx, outer);
	return branch_polled(branch, cx, outer,
			weft__strand_poll(&branch->strand, branch->async, branch->frame, cx));
}

/* The same for what is probably a leaf, whose strand stays empty. */
WEFT_INLINE enum weft_poll branch_run_leaf(struct weft_branch *branch, struct weft_context *cx,
		const struct branch_outer *outer)
{
	if (!branch_tries(branch))
		return branch_run(branch, cx, outer);
	branch_enter(branch, cx, outer);
	return branch_polled(branch, cx, outer, branch->async->poll(branch->frame, cx));
}

/* Whether a poll, which is not cancelled, would find that the branch waits on: its waiter has not been
 * taken out of its list, and holds this task's waker. If it is being taken out just now, the task is
 * claimed after that, and polled once more: sync/waiters.h. */
static inline bool branch_waits(const struct weft_branch *branch, const struct weft_context *cx)
{
	const struct weft_async *async = branch->async;
	const struct weft_waiter *waiter;

	if (!(async->flags & WEFT_ASYNC_WAITER) || branch->cancelled ||
			((const struct weft_frame *)branch->frame)->at != WEFT_AT_WAITER)
		return false;
	waiter = (const void *)((const char *)branch->frame + async->args_size);
	return atomic_load_acquire(&waiter->state) == WEFT_WAITER_LINKED &&
			weft_waker_same(&waiter->waker, &cx->waker);
}

enum weft_poll weft_branch_poll(struct weft_branch *branch, struct weft_context *cx)
{
	const struct branch_outer outer = context_lend(cx);
	enum weft_poll poll;

	if (branch->done) /* [I1] */
		return WEFT_READY;
	poll = branch_run(branch, cx, &outer);
	context_take_back(cx, &outer);
	return poll;
}

void weft_branch_misuse(const struct weft_branch *branch)
{
	if (weft_branch_is_made(branch))
		weft__fail("future started again before it has been awaited", branch->async->name,
				(int)branch->async->line);
	weft__fail("future awaited that has not been started", __FILE__, __LINE__);
}

/* Those that are done do not mind. */
static void branches_cancel(struct weft_branch *branches, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		branches[i].cancelled = true;
}

static unsigned branches_turn(struct weft_branch *branches, unsigned count)
{
	return count ? branches[0].turn++ % count : 0;
}

enum weft_poll weft_join_poll(struct weft_branch *branches, unsigned count, struct weft_context *cx)
{
	const struct branch_outer outer = context_lend(cx);
	unsigned index = branches_turn(branches, count);
	bool all = true;

	for (unsigned i = 0; i < count; i++, index = index + 1 < count ? index + 1 : 0)
		if (!branches[index].done)
			all &= branch_run(&branches[index], cx, &outer) == WEFT_READY;
	context_take_back(cx, &outer);
	return all ? WEFT_READY : WEFT_PENDING; /* [I2] */
}

enum weft_poll weft_try_join_poll(struct weft_branch *branches, unsigned count,
		struct weft_context *cx, int *first_error)
{
	unsigned first = *first_error ? 0 : branches_turn(branches, count);
	bool all = true;

	for (unsigned i = 0; i < count && *first_error == 0; i++) {
		struct weft_branch *branch = &branches[(first + i) % count];

		if (branch->done)
			continue;
		if (weft_branch_poll(branch, cx) == WEFT_PENDING)
			all = false;
		else if (weft__branch_result(branch) < 0)
			*first_error = (int)weft__branch_result(branch);
	}
	if (*first_error == 0)
		return all ? WEFT_READY : WEFT_PENDING;
	branches_cancel(branches, count);
	return weft_join_poll(branches, count, cx);
}

/* Outside a runtime: a sequence that goes through all 32-bit numbers, scrambled. */
static uint32_t draw_without_env(void)
{
	static uint32_t state;
	/* relaxed, both: that two threads may draw the same number does no harm */
	uint32_t next = atomic_load_relaxed(&state) + 0x9e3779b9u;

	atomic_store_relaxed(&state, next);
	next = (next ^ next >> 16) * 0x85ebca6bu;
	next = (next ^ next >> 13) * 0xc2b2ae35u;
	return next ^ next >> 16;
}

static inline unsigned select_draw(const struct weft_context *cx, unsigned count)
{
	const struct weft_env *env = cx->env;
	uint32_t drawn = env && env->draw ? env->draw(env) : draw_without_env();

	return (unsigned)((uint64_t)drawn * count >> 32);
}

unsigned weft_select_draw(const struct weft_context *cx, unsigned count)
{
	return select_draw(cx, count);
}

static inline struct weft_branch *select_first(const struct weft_selection *selection,
		struct weft_branch *branches, unsigned count, const struct weft_context *cx)
{
	return &branches[selection->biased || count < 2 ? 0 : select_draw(cx, count)];
}

/* Ends one that tries and has not begun to wait: there is nothing to unwind. */
static inline void branch_drop(struct weft_branch *branch)
{
	void *result = (char *)branch->frame + branch->async->result_offset;

	if (WEFT_LIKELY(branch->async->flags & WEFT_ASYNC_RESULT_INT))
		*(int *)result = -ECANCELED;
	else
		*(ssize_t *)result = -ECANCELED;
	((struct weft_frame *)branch->frame)->at = WEFT_AT_DONE;
	branch->done = true;
}

static inline void select_won(struct weft_selection *selection, const struct weft_branch *branches,
		const struct weft_branch *winner)
{
	selection->winner = (int)(winner - branches);
	selection->decided = 1;
}

/* The next in the circle. */
static inline struct weft_branch *branch_behind(
		struct weft_branch *branch, struct weft_branch *branches, unsigned count)
{
	return branch + 1 == branches + count ? branches : branch + 1;
}

/* One has won: the others end. */
WEFT_INLINE enum weft_poll select_end(
		struct weft_branch *branches, unsigned count, struct weft_context *cx)
{
	const struct branch_outer outer = context_lend(cx);
	enum weft_poll all = WEFT_READY;

	for (struct weft_branch *branch = branches; branch < branches + count; branch++) {
		if (branch->done)
			continue;
		branch->cancelled = true;
		if (branch_run_leaf(branch, cx, &outer) == WEFT_PENDING)
			all = WEFT_PENDING;
	}
	context_take_back(cx, &outer);
	return all; /* [I2] */
}

/* The same when those that try have not begun to wait. */
WEFT_INLINE enum weft_poll select_end_fresh(
		struct weft_branch *branches, unsigned count, struct weft_context *cx)
{
	bool any = false;

	for (struct weft_branch *branch = branches; branch < branches + count; branch++) {
		if (branch->done)
			continue;
		if (WEFT_LIKELY(branch_tries(branch)))
			branch_drop(branch);
		else
			any = true;
	}
	return any ? select_end(branches, count, cx) : WEFT_READY;
}

/* None has won. Those that have tried begin to wait, from `first` on. */
static enum weft_poll select_begin(struct weft_branch *branches, unsigned count,
		struct weft_context *cx, struct weft_selection *selection,
		struct weft_branch *first)
{
	const struct branch_outer outer = context_lend(cx);
	struct weft_branch *branch = first;

	for (unsigned left = count; left > 0; left--) {
		if (!branch->done && branch_tries(branch)) {
			if (WEFT_UNLIKELY(selection->decided)) /* it has not begun */
				branch_drop(branch);
			else if (branch_run_leaf(branch, cx, &outer) == WEFT_READY)
				select_won(selection, branches, branch);
		}
		branch = branch_behind(branch, branches, count);
	}
	context_take_back(cx, &outer);
	return selection->decided ? select_end(branches, count, cx) : WEFT_PENDING;
}

/* One that tries does not begin to wait. Leaves the context as the branch's, and trying. */
WEFT_INLINE enum weft_poll select_look(struct weft_branch *branch, struct weft_context *cx)
{
	enum weft_poll poll;

	if (WEFT_UNLIKELY(!branch_tries(branch))) {
		cx->trying = 0;
		return weft_branch_poll(branch, cx);
	}
	cx->strand = &branch->strand;
	cx->trying = 1;
	poll = branch->async->poll(branch->frame, cx);
	if (poll == WEFT_READY)
		branch->done = true;
	return poll;
}

/* The first poll, if it is not cancelled: looks at all, before one that tries begins to wait. */
__attribute__((noinline)) static enum weft_poll select_start(struct weft_branch *branches,
		unsigned count, struct weft_context *cx, struct weft_selection *selection)
{
	struct weft_branch *first = select_first(selection, branches, count, cx), *branch = first;
	struct weft_strand *outer = cx->strand;

	for (unsigned left = count; left > 0; left--) {
		if (WEFT_LIKELY(!branch->done)) {
			selection->started = 1;
			if (select_look(branch, cx) == WEFT_READY) {
				select_won(selection, branches, branch);
				break;
			}
		}
		branch = branch_behind(branch, branches, count);
	}
	cx->trying = 0;
	cx->strand = outer;
	if (selection->decided)
		return select_end_fresh(branches, count, cx);
	if (selection->started)
		return select_begin(branches, count, cx, selection, first);
	selection->winner = -EINVAL;
	return WEFT_READY;
}

/* Polls until one branch ends that may win. READY: one has, or all are done. */
__attribute__((noinline)) static enum weft_poll select_again(struct weft_branch *branches,
		unsigned count, struct weft_context *cx, struct weft_selection *selection)
{
	const struct branch_outer outer = context_lend(cx);
	struct weft_branch *branch = select_first(selection, branches, count, cx);
	enum weft_poll all = WEFT_READY;

	for (unsigned left = count; left > 0 && !selection->decided; left--) {
		if (!branch->done) {
			selection->started = 1;
			if (!outer.cancelled && branch_waits(branch, cx)) {
				cx->waker_taken = 1;
				all = WEFT_PENDING;
			} else if (branch_run_leaf(branch, cx, &outer) == WEFT_PENDING) {
				all = WEFT_PENDING;
			} else if (!outer.cancelled || weft__branch_result(branch) != -ECANCELED) {
				select_won(selection, branches, branch);
			}
		}
		branch = branch_behind(branch, branches, count);
	}
	context_take_back(cx, &outer);
	if (selection->decided)
		return select_end(branches, count, cx);
	if (all == WEFT_READY)
		selection->winner = selection->started ? -ECANCELED : -EINVAL;
	return all;
}

enum weft_poll weft_select_poll(struct weft_branch *branches, unsigned count,
		struct weft_context *cx, struct weft_selection *selection)
{
	if (WEFT_UNLIKELY(selection->decided))
		return weft_join_poll(branches, count, cx);
	if (WEFT_UNLIKELY(cx->budget == 0)) {
		/* a select in a loop gives way, whatever its branches are */
		selection->tried = 0;
		weft_context_yield(cx);
		return WEFT_PENDING;
	}
	if (selection->started || cx->cancelled)
		return select_again(branches, count, cx, selection);
	if (!selection->tried)
		return select_start(branches, count, cx, selection);
	selection->started = 1; /* they were looked at from one that was drawn then */
	return select_begin(branches, count, cx, selection, branches);
}
