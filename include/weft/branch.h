/* SPDX-License-Identifier: MIT */
/*
 * weft/branch.h: several futures side by side in one task: join, try_join, select.
 *
 *     struct both__frame {
 *             struct both__args args;
 *             struct weft_branch branches[2];
 *             struct weft_selection selection;
 *             struct fetch__frame fetch;
 *             struct weft_sleep__frame sleep;
 *     };
 *     ...
 *             fetch__init(&f->fetch.args, url);                       // at the start
 *             f->branches[0] = weft_branch_make(&fetch__async, &f->fetch);
 *             weft_sleep__init(&f->sleep.args, WEFT_SECONDS(3));
 *             f->branches[1] = weft_branch_make(&weft_sleep__async, &f->sleep);
 *             f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
 *     ...
 *             if (weft_select_poll(f->branches, 2, cx, &f->selection) == WEFT_PENDING)
 *                     return WEFT_PENDING;                            // at every poll
 *             if (f->selection.winner == 0)
 *                     use(f->fetch.args.result);
 *
 * That is what weftcc makes of `await weft_select(...)`. The functions here are not async functions but
 * the steps of one: they are called from the poll function around them.
 *
 * A branch is a strand of its own, with a cancellation of its own. What was polled is polled to its
 * end: a branch that is not wanted any more is cancelled, and what is around waits until it has unwound.
 * All branches belong to one task and are polled by one thread, so they share what they like; none runs
 * in parallel to another.
 *
 * Memory:  the branches and their frames are the caller's, usually in its own frame; nothing here
 *          allocates but weft_frame_alloc.
 * Threads: whoever polls the function around.
 * Order:   join and try_join begin with another branch at each poll, in turns, so that none lives on
 *          the budget of the others.
 */
#ifndef WEFT_BRANCH_H
#define WEFT_BRANCH_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_branch {
	struct weft_strand strand;
	const struct weft_async *async;
	void *frame;
	bool done;      /* has ended, and its result can be read; or is disabled */
	bool cancelled; /* set it to cancel this branch alone */
	bool shielded;  /* a cancelled context does not reach it, before a shutdown's very end */
	uint8_t turn;   /* private */
};

/* A branch that polls `frame`, which is of type `async` and has been initialised. */
static inline struct weft_branch weft_branch_make(const struct weft_async *async, void *frame)
{
	struct weft_branch branch = { { NULL }, async, frame, false, false, false, 0 };
	return branch;
}

/* A variable that holds no branch, until one that weft_branch_make has made is put into it. */
static inline void weft_branch_clear(struct weft_branch *branch)
{
	branch->async = NULL;
}

static inline bool weft_branch_is_made(const struct weft_branch *branch)
{
	return branch->async != NULL;
}

/* Aborts: such a variable was awaited before something was put into it, or filled a second time. */
WEFT_NORETURN void weft_branch_misuse(const struct weft_branch *branch);

/* Before the first poll: the branch takes no part. It is never polled, so what its arguments own stays
 * the caller's, and it has no result. */
static inline void weft_branch_disable(struct weft_branch *branch)
{
	branch->done = true;
}

/* Polls the branch, cancelled if it or (unless it is shielded) the context is. Idempotent once READY. */
WEFT_NODISCARD enum weft_poll weft_branch_poll(struct weft_branch *branch, struct weft_context *cx);

/* A frame on its own, for a branch whose callee is recursive, called through a pointer or known by its
 * prototype only; initialise its arguments. It hangs on no strand: the caller frees it after the branch
 * has ended (or was never polled). NULL: no memory. */
WEFT_NODISCARD void *weft_frame_alloc(struct weft_context *cx, const struct weft_async *async);

/* On any thread, with any context of the same runtime. NULL is a no-op. */
void weft_frame_free(struct weft_context *cx, void *frame);

/* Stands in for a call whose frame weft_frame_alloc could not have: a branch of these ends at once with
 * -ENOMEM, as an int. The frame is nobody's and is only read, so all such branches share it. */
struct weft_no_memory__frame {
	struct weft_frame base;
	int result;
};
extern const struct weft_async weft_no_memory__async;
extern const struct weft_no_memory__frame weft_no_memory_frame;

/* Polls all branches. READY: all have ended. A cancelled context cancels them all; what they make of
 * that is in their results. */
WEFT_NODISCARD enum weft_poll weft_join_poll(
		struct weft_branch *branches, unsigned count, struct weft_context *cx);

/* The same, until one of them fails: the first result below 0, of a function whose result is an int or
 * ssize_t (enum weft_async_flags), is stored in *first_error, which is 0 at the start; then the others
 * are cancelled. READY: all have ended. */
WEFT_NODISCARD enum weft_poll weft_try_join_poll(struct weft_branch *branches, unsigned count,
		struct weft_context *cx, int *first_error);

/* How a select goes on. All zero: it begins, fairly. */
struct weft_selection {
	int winner;     /* index of the branch that ended first; -ECANCELED or -EINVAL: see below */
	uint8_t biased; /* begin with the first branch at every poll, instead of any */
	uint8_t tried; /* all that a first look at the branches could find was looked for just now */
	uint8_t started; /* private from here on */
	uint8_t decided;
};

/* clang-format off */
#define WEFT_SELECTION_INIT { 0, 0, 0, 0, 0 }
/* clang-format on */

/* The index of a branch to begin with, out of `count`, as weft_select_poll draws it. weftcc makes no
 * frames for a select of leaves that have an f__now and f__waits (weft/waiter.h), if one of these, tried
 * in a circle from there on, ends at once, and those before it have to wait. If all have to, `tried` says
 * so. */
unsigned weft_select_draw(const struct weft_context *cx, unsigned count);

/* Polls the branches until one ends, and cancels the others. READY: all have ended, and
 * selection->winner is the index of the first of them, whose result counts. The others have a result,
 * too: -ECANCELED, where it is an int and they have had no effect; they have been polled at least once,
 * so that what they were given is released.
 *
 * Leaves that are WEFT_ASYNC_TRIES, whose results are ints or ssize_t and whose arguments own nothing,
 * are looked at before any of them waits. Polled with cx->trying such a leaf is READY, or PENDING without
 * having begun: the waker is not taken, and nothing has happened. From there it may be polled as usual,
 * and misses nothing of what came in between; or, if another branch has won, be dropped.
 *
 * If the context is cancelled: a branch that gives something else than -ECANCELED wins all the same (a
 * function whose result can say nothing of the kind always does). If none does, winner is -ECANCELED.
 * If all branches are disabled: -EINVAL, at once.
 *
 * Which branch is polled first is drawn at each poll, by the runtime's seed (options.seed); outside a
 * runtime it is the same from run to run. With the poll's budget spent no branch is begun. */
WEFT_NODISCARD enum weft_poll weft_select_poll(struct weft_branch *branches, unsigned count,
		struct weft_context *cx, struct weft_selection *selection);

WEFT_END_DECLS

#endif
