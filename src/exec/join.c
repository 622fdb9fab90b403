/* SPDX-License-Identifier: MIT */
/*
 * exec/join.c: one word that says who joins a task, and the leaf that waits for it.
 *
 *     OPEN      there is a handle, nobody waits         waiter   address of the joiner's waker
 *     DETACHED  no handle: whoever ends it frees it     LOCKED   the waker is being claimed
 *     DONE      ended, the result can be read           DETACHED with an address: tell that scope first
 *
 *     OPEN --join--> waiter --end--> LOCKED --claimed--> DONE
 *       ^               |unjoin      OPEN --end--> DONE          OPEN --detach--> DETACHED
 *       +---------------+
 *
 * The multi-thread flavour uses the word for everything (this file). The current-thread flavour keeps
 * its home thread's share in plain flags and uses the word for joiners of other threads (current.c).
 *
 * Invariants  [I1] the word leaves LOCKED only to DONE, by whoever locked it, after one claim: short,
 *                  so a joiner that meets it spins.
 *             [I2] a waiter's memory is the joiner's frame: it is read only while the word is LOCKED,
 *                  and the joiner leaves only after OPEN or DONE.
 * Order       [O1] the release store of DONE pairs with the joiner's acquire load: it sees the result.
 *             [O2] the release exchange of a waiter pairs with the acquire exchange to LOCKED: whoever
 *                  ends the task sees the waker.
 */
#include <errno.h>

#include "base/atomic.h"
#include "exec/home.h"
#include "exec/join.h"
#include "exec/runtime.h"
#include "os/os.h"

enum weft_poll weft__join_word(struct weft_task *task, struct weft_waker *slot,
		const struct weft_waker *waker)
{
	uintptr_t word = atomic_load_acquire(&task->joiner); /* [O1] */

	for (;;) {
		if (word == JOIN_DONE)
			return WEFT_READY;
		if (word == JOIN_LOCKED) { /* [I1] */
			atomic_pause();
			word = atomic_load_acquire(&task->joiner); /* [O1] */
		} else if (word == JOIN_OPEN) {
			*slot = *waker;
			if (atomic_cas_acq_rel(&task->joiner, &word, (uintptr_t)slot)) /* [O2] */
				return WEFT_PENDING;
		} else {
			WEFT_ASSERT(word == (uintptr_t)slot); /* one joiner */
			if (weft_waker_same(slot, waker))
				return WEFT_PENDING;
			if (atomic_cas_acq_rel(&task->joiner, &word, (uintptr_t)JOIN_OPEN))
				word = JOIN_OPEN;
		}
	}
}

bool weft__unjoin_word(struct weft_task *task, struct weft_waker *slot)
{
	uintptr_t word = (uintptr_t)slot;

	if (atomic_cas_acq_rel(&task->joiner, &word, (uintptr_t)JOIN_OPEN))
		return true;
	while (word == JOIN_LOCKED) { /* [I1] */
		atomic_pause();
		word = atomic_load_acquire(&task->joiner); /* [O1] */
	}
	return word != JOIN_DONE;
}

bool weft__end_word(struct weft_task *task)
{
	uintptr_t word = atomic_load_acquire(&task->joiner); /* [O2] */
	struct weft_waker claimed;

	for (;;) {
		if (weft__join_is_detached(word))
			return true;
		if (word == JOIN_DONE || word == JOIN_LOCKED) /* abandoned before, or just now */
			return false;
		if (word == JOIN_OPEN) {
			if (atomic_cas_acq_rel(&task->joiner, &word, (uintptr_t)JOIN_DONE)) /* [O1] */
				return false;
		} else if (atomic_cas_acquire(&task->joiner, &word, (uintptr_t)JOIN_LOCKED)) { /* [O2] */
			break;
		}
	}
	claimed = weft_waker_claim((struct weft_waker *)word); /* [I2] */
	atomic_store_release(&task->joiner, (uintptr_t)JOIN_DONE); /* [O1] */
	weft_waker_commit(claimed);
	return false;
}

bool weft__detach_word(struct weft_task *task)
{
	uintptr_t word = JOIN_OPEN;

	if (atomic_cas_acq_rel(&task->joiner, &word, (uintptr_t)JOIN_DETACHED))
		return false;
	WEFT_ASSERT(word == JOIN_DONE); /* detached twice, or while it is being joined */
	return true;
}

/* ---- the leaf ---- */

enum { JOIN_FRESH, JOIN_WAITING }; /* `at` */

__attribute__((noinline)) static enum weft_poll join_slow(struct weft_task_join__frame *f,
		struct weft_context *cx)
{
	struct weft_task *task = f->args.p0;
	const struct weft__flavour *flavour = task->executor->flavour;

	if (flavour->collect(task, f->args.p1))
		weft_return(f, 0);
	if (WEFT_UNLIKELY(weft__task_is_abandoned(task)))
		weft_return(f, -ESHUTDOWN);
	if (weft_context_cancelled(cx)) {
		if (flavour->unjoin(task, &f->waker)) /* not fresh, so it waits */
			weft_return(f, -ECANCELED);
	} else if (cx->trying) {
		weft_context_refund(cx);
		return WEFT_PENDING;
	} else if (flavour->join(task, &f->waker, weft_context_waker(cx)) == WEFT_PENDING) {
		weft_context_refund(cx);
		f->args.base.at = JOIN_WAITING;
		return WEFT_PENDING;
	}
	/* it ended just now */
	weft_return(f, flavour->collect(task, f->args.p1) ? 0 : -ESHUTDOWN);
}

enum weft_poll weft_task_join__poll(void *frame, struct weft_context *cx)
{
	struct weft_task_join__frame *f = frame;

	if (WEFT_UNLIKELY(!weft_context_charge(cx)))
		return WEFT_PENDING;
	if (f->args.base.at == JOIN_FRESH && weft_context_cancelled(cx))
		weft_return(f, -ECANCELED);
	if (WEFT_UNLIKELY(!weft__ct_collect(weft__worker_current, f->args.p0, f->args.p1)))
		return join_slow(f, cx);
	weft_return(f, 0);
}
WEFT_ASYNC_DEFINE_LEAF(weft_task_join,
		WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

/* ---- a plain thread ---- */

/* A waker that unparks a thread: a token in a futex word. It is claimed like any other: the parker lives
 * until weft__parker_settle, which waits for the commits that are under way. */
void weft__parker_unpark(struct weft__parker *parker)
{
	atomic_store_release(&parker->token, 1u); /* pairs with weft__parker_wait */
	weft__futex_wake(&parker->token, 1);
}

static void parker_wake(void *data)
{
	weft__parker_unpark(data);
}

static void parker_nothing(void *data)
{
	(void)data;
}

static struct weft_waker parker_clone(void *data)
{
	return weft__parker_waker(data);
}

static struct weft_waker parker_claim(void *data)
{
	struct weft__parker *parker = data;

	atomic_fetch_add_acq_rel(&parker->claimed, 1u); /* pairs with weft__parker_settle */
	return weft__parker_waker(parker);
}

static void parker_commit(void *data)
{
	struct weft__parker *parker = data;

	weft__parker_unpark(parker);
	atomic_fetch_sub_release(&parker->claimed, 1u); /* the last touch; pairs with settle */
}

struct weft_waker weft__parker_waker(struct weft__parker *parker)
{
	static const struct weft_waker_ops ops = {
		.clone = parker_clone,
		.wake = parker_wake,
		.wake_by_ref = parker_wake,
		.drop = parker_nothing,
		.claim = parker_claim,
		.commit = parker_commit,
	};
	struct weft_waker waker = { &ops, parker };

	return waker;
}

int weft__parker_wait(struct weft__parker *parker, int64_t deadline_ns)
{
	while (atomic_exchange_acquire(&parker->token, 0u) == 0) /* pairs with weft__parker_unpark */
		if (weft__futex_wait(&parker->token, 0, deadline_ns))
			return -ETIMEDOUT;
	return 0;
}

void weft__parker_settle(struct weft__parker *parker)
{
	while (atomic_load_acquire(&parker->claimed)) /* pairs with parker_commit */
		atomic_pause();
}

int weft_task_join_blocking(struct weft_task *task, void *result)
{
	const struct weft__flavour *flavour = task->executor->flavour;
	struct weft__parker parker = { 0, 0 };
	struct weft_waker waker = weft__parker_waker(&parker), slot;
	int err = 0;

	if (weft__worker_current && weft__worker_current->env.executor == task->executor)
		return -EDEADLK;
	while (!flavour->collect(task, result)) {
		if (weft__task_is_abandoned(task)) {
			err = -ESHUTDOWN;
			break;
		}
		if (flavour->join(task, &slot, &waker) == WEFT_PENDING)
			(void)weft__parker_wait(&parker, INT64_MAX);
	}
	weft__parker_settle(&parker);
	return err;
}
