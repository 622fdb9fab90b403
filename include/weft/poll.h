/* SPDX-License-Identifier: MIT */
/*
 * weft/poll.h: the one concept that everything in Weft is made of. Read this first.
 *
 *     enum weft_poll countdown__poll(void *frame, struct weft_context *cx)
 *     {
 *             struct countdown__frame *f = frame;
 *
 *             if (f->remaining == 0)
 *                     return WEFT_READY;               // the result is in the frame
 *             f->waker = weft_waker_clone(weft_context_waker(cx));
 *             ...                                      // somebody will call weft_waker_wake(f->waker)
 *             return WEFT_PENDING;
 *     }
 *
 * Glossary
 *   future    a computation that is advanced by polling. It is inert until its first poll.
 *   frame     the future's memory: arguments, result, locals that live across an await, and the
 *             frames of its children. It must not move or die between its first poll and READY.
 *   leaf      a future that waits for something itself (a timer, a socket) and awaits nobody.
 *   task      a future that an executor polls on its own account. Scheduled as one unit.
 *   waker     how a leaf says "poll my task again". Two words, usable from any thread.
 *   context   what a poll is given: the waker, whether it is cancelled, its budget.
 *   strand    a chain of frames that is resumed from its innermost end: a task has one, and so has
 *             each branch of a join or select.
 *   executor  whoever calls poll and keeps a queue of the woken.
 *   reactor   whoever turns kernel events and deadlines into wakes.
 *
 * The contract of a poll
 *   It never blocks. READY: the result is in the frame, and the frame is not polled again.
 *   PENDING: the future has arranged that the context's waker is woken when it can go on.
 *   A poll may come without a wake (spurious); whoever waits registers the waker again at every poll.
 *   A future that was polled once is polled until it is READY: cancelling is a flag in the context,
 *   upon which a pending leaf withdraws and gives -ECANCELED (docs/cancellation.md).
 *
 * Memory:  nothing here allocates.
 * Threads: wakers may be used from any thread; a frame is polled by one thread at a time, not always
 *          by the same.
 *
 * The idea is Rust's core::future (poll, Waker, Context), without destructors, and with a wake that is
 * split in two (claim and commit) so that no reference is counted per await.
 */
#ifndef WEFT_POLL_H
#define WEFT_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEFT_BEGIN_DECLS extern "C" {
#define WEFT_END_DECLS }
#else
#define WEFT_BEGIN_DECLS
#define WEFT_END_DECLS
#endif

#if defined(__GNUC__)
#define WEFT_NODISCARD __attribute__((warn_unused_result))
#define WEFT_NORETURN __attribute__((noreturn))
#define WEFT_MAYBE_UNUSED __attribute__((unused))
#else
#define WEFT_NODISCARD
#define WEFT_NORETURN
#define WEFT_MAYBE_UNUSED
#endif

WEFT_BEGIN_DECLS

enum weft_poll {
	WEFT_PENDING, /* not yet; the waker will be woken */
	WEFT_READY    /* done; the result is in the frame */
};

/* A waker is two words: what to do and on what. Copying the struct copies a *borrow*: it is valid
 * for as long as the place it was borrowed from says (a leaf: while it is pending). clone makes an
 * owned one, which is ended by wake or drop. */
struct weft_waker {
	const struct weft_waker_ops *ops;
	void *data;
};

/* All entries may be called from any thread, also after the task has ended (owned wakers only). */
struct weft_waker_ops {
	struct weft_waker (*clone)(void *data); /* an owned waker for the same task */
	void (*wake)(void *data);               /* wakes, and ends an owned waker */
	void (*wake_by_ref)(void *data);        /* wakes; the waker stays as it is */
	void (*drop)(void *data);               /* ends an owned waker */
	/* The two halves of a wake, for a borrowed waker in a wait list. claim is called under the
	 * list's lock, after which the waiter counts as unlinked; it returns what to commit, or
	 * { NULL, NULL } where nothing is left to do. A claimed task neither runs nor ends before
	 * its commit (without one: before this thread returns to its executor), so the lock can be
	 * released between the two and no reference is needed.
	 * commit is called exactly once, with no lock held. */
	struct weft_waker (*claim)(void *data);
	void (*commit)(void *data);
};

/* Returns an owned waker: end it by weft_waker_wake or weft_waker_drop. */
static inline struct weft_waker weft_waker_clone(const struct weft_waker *waker)
{
	return waker->ops->clone(waker->data);
}

/* Wakes the task and ends the waker, which must be owned. Harmless after the task's end. */
static inline void weft_waker_wake(struct weft_waker waker)
{
	waker.ops->wake(waker.data);
}

/* Wakes the task; the waker stays valid. Wakes coalesce: many before a poll count as one. */
static inline void weft_waker_wake_by_ref(const struct weft_waker *waker)
{
	waker->ops->wake_by_ref(waker->data);
}

/* Ends an owned waker without waking. */
static inline void weft_waker_drop(struct weft_waker waker)
{
	waker.ops->drop(waker.data);
}

/* Whether both wake the same task. */
static inline bool weft_waker_same(const struct weft_waker *a, const struct weft_waker *b)
{
	return a->ops == b->ops && a->data == b->data;
}

/* First half of a wake, under the wait list's lock: see struct weft_waker_ops. */
WEFT_NODISCARD static inline struct weft_waker weft_waker_claim(const struct weft_waker *waker)
{
	return waker->ops->claim(waker->data);
}

/* Second half, after unlocking; accepts the empty waker that claim may return. */
static inline void weft_waker_commit(struct weft_waker claimed)
{
	if (claimed.ops)
		claimed.ops->commit(claimed.data);
}

struct weft_link; /* a frame of its own: weft/frame.h */
struct weft_env;  /* the services of whoever polls: frames, timers, sockets */
struct weft_visitor; /* weft/visitor.h */

/* A chain of frames, resumed from its innermost end. All zero: only the root. */
struct weft_strand {
	struct weft_link *innermost;
};

/* What a poll is given. Lives as long as the call. Leaves use the functions below; the fields are
 * for executors and combinators. */
struct weft_context {
	struct weft_waker waker;    /* borrowed from the task */
	struct weft_strand *strand; /* where frames of their own are linked */
	const struct weft_env *env; /* NULL with a bare driver: no timers, no sockets */
	uint32_t budget;            /* leaf completions left in this poll */
	uint16_t depth;             /* direct descents into frames of their own */
	uint8_t cancelled;          /* this scope is being cancelled; above 1: what is shielded, too */
	uint8_t self_woken;         /* poll the task again, after the others; 2: it spent its budget
	                               although it is being cancelled */
	uint8_t descend;            /* the innermost frame is new: go on there */
	uint8_t waker_taken;        /* somebody looked at the waker (lost wake-ups show) */
	uint8_t unwound;            /* a branch that alone was cancelled has come to its end */
	uint8_t trying;             /* take what is there, or do not begin to wait: weft/branch.h */
	uint8_t reserved[4];
};

enum {
	WEFT_BUDGET = 128 /* leaf completions in one poll of a task */
};

/* A context for a driver of one's own: budget full, not cancelled, no services. */
static inline struct weft_context weft_context_make(
		struct weft_waker waker, struct weft_strand *strand)
{
	struct weft_context cx = { waker, strand, NULL, WEFT_BUDGET, 0, 0, 0, 0, 0, 0, 0,
		{ 0, 0, 0, 0 } };
	return cx;
}

/* The waker to register. Borrowed: valid while the future stays pending. */
static inline const struct weft_waker *weft_context_waker(struct weft_context *cx)
{
	cx->waker_taken = 1;
	return &cx->waker;
}

/* Whether this scope is being cancelled: a leaf that is pending withdraws and gives -ECANCELED. */
static inline bool weft_context_cancelled(const struct weft_context *cx)
{
	return cx->cancelled != 0;
}

/* Asks to be polled again after everybody else had a turn; return WEFT_PENDING then. */
static inline void weft_context_yield(struct weft_context *cx)
{
	cx->self_woken = 1;
}

/* Charges one completion to the poll's budget. False: the budget is spent, the task will be polled
 * again, return WEFT_PENDING now. A leaf that then finds that it must wait gives the charge back
 * with weft_context_refund. Tokio calls this cooperative scheduling. */
WEFT_NODISCARD static inline bool weft_context_charge(struct weft_context *cx)
{
	if (cx->budget == 0) {
		cx->self_woken = cx->cancelled ? 2 : 1;
		return false;
	}
	cx->budget--;
	return true;
}

static inline void weft_context_refund(struct weft_context *cx)
{
	cx->budget++;
}

/* Whether a leaf that need not wait may end: it is not cancelled, and there is budget to charge. */
static inline bool weft_context_may_end(const struct weft_context *cx)
{
	return !cx->cancelled && cx->budget != 0;
}

WEFT_END_DECLS

#endif
