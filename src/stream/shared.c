/* SPDX-License-Identifier: MIT */
/*
 * stream/shared.c: one future that many wait for.
 *
 * How         The future has a waker of its own, which claims one of those who wait. Who is polled and
 *             finds that the future is DUE polls it, in its own task; the others register and wait.
 *
 *                         a wait                READY
 *                 DUE --------------> POLLED ----------> ENDED: all who wait are woken
 *                  ^                   |   | a wake
 *                  |          PENDING  v   v
 *                  +----- a wake ---- IDLE CALLED ---- PENDING: DUE, and who polled yields
 *
 *             The flag `unsure` says that somebody has an owned waker. That is one of the task which
 *             polled the future, as it may outlive the future (set.c has the same); so every wait that is
 *             polled polls the future then, and one that leaves hands it on.
 * Invariants  [I1] if the future is DUE and somebody waits, one of those who wait has been claimed and not
 *                  been polled since, or yields.
 *             [I2] a waiter's waker is that of its last poll, or empty once it is claimed. It is in the
 *                  list from its first poll until it ends, and `waiting` counts them.
 *             [I3] while POLLED or CALLED, frame and strand belong to who polls; `waker` is its task's.
 * Order       [O1] the lock: who polls sees what the last poll did to the frame, and what was done before
 *                  the wake; who finds ENDED sees the result.
 * Why so      A wake returns one claim, and a claim cannot be kept where its task may end; so a wake
 *             cannot be of all. It need not be, since the poll is done once. As in a set, this lock is
 *             inside of a leaf's: while that claims, its lock keeps the future from ending, and so all
 *             of this.
 * Cost        a wait: the lock once for each poll; that polls the future: twice.
 */
#include <errno.h>
#include <string.h>

#include <weft/shared.h>
#include <weft/visitor.h>

#include "base/check.h"
#include "base/lock.h"
#include "core/branch.h"
#include "stream/borrowed.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_shared) == 72, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_shared_wait__frame) == 72,
		"part of the ABI");

enum { SHARED_DUE, SHARED_IDLE, SHARED_POLLED, SHARED_CALLED, SHARED_ENDED };

enum { WAIT_OUT, WAIT_LINKED };

enum { SHARED_WAKES_MAX = 16 };

static void shared_lock(struct weft_shared *shared)
{
	weft__lock_acquire((struct weft__lock *)(void *)&shared->waiters
					   .lock); /* its only member [O1] */
}

static void shared_unlock(struct weft_shared *shared)
{
	weft__lock_release((struct weft__lock *)(void *)&shared->waiters.lock); /* [O1] */
}

/* ---- who waits: with the lock ---- */

static void shared_link(struct weft_shared *shared, struct weft_waiter *waiter)
{
	waiter->newer = NULL;
	waiter->older = shared->waiters.newest;
	if (waiter->older)
		waiter->older->newer = waiter;
	else
		shared->waiters.oldest = waiter;
	shared->waiters.newest = waiter;
	shared->waiting++; /* [I2] */
}

static void shared_unlink(struct weft_shared *shared, struct weft_waiter *waiter)
{
	if (waiter->newer)
		waiter->newer->older = waiter->older;
	else
		shared->waiters.newest = waiter->older;
	if (waiter->older)
		waiter->older->newer = waiter->newer;
	else
		shared->waiters.oldest = waiter->newer;
	shared->waiting--; /* [I2] */
}

static struct weft_waiter *shared_sleeper(const struct weft_shared *shared)
{
	struct weft_waiter *waiter = shared->waiters.oldest;

	while (waiter && !waiter->waker.ops)
		waiter = waiter->newer;
	return waiter;
}

/* Somebody is to poll the future. If nobody sleeps, all who wait are about to be polled. */
static struct weft_waker shared_call(struct weft_shared *shared)
{
	struct weft_waiter *waiter = shared_sleeper(shared);
	struct weft_waker claimed = { NULL, NULL };

	shared->state = SHARED_DUE;
	if (waiter) {
		claimed = weft_waker_claim(&waiter->waker); /* [I1] */
		waiter->waker.ops = NULL;                   /* [I2] */
	}
	return claimed;
}

/* ---- the future's waker, on any thread ---- */

static struct weft_waker shared_waker_claim(void *data)
{
	struct weft_shared *shared = data;
	struct weft_waker claimed = { NULL, NULL };

	shared_lock(shared);
	if (shared->state == SHARED_IDLE)
		claimed = shared_call(shared);
	else if (shared->state == SHARED_POLLED)
		shared->state = SHARED_CALLED;
	shared_unlock(shared);
	return claimed;
}

static void shared_waker_wake_by_ref(void *data)
{
	weft_waker_commit(shared_waker_claim(data));
}

static struct weft_waker shared_waker_clone(void *data)
{
	struct weft_shared *shared = data;
	struct weft_waiter *waiter;
	struct weft_waker waker;

	shared_lock(shared);
	shared->unsure = true;
	waiter = shared_sleeper(shared);
	if (shared->state == SHARED_POLLED || shared->state == SHARED_CALLED)
		waker = weft_waker_clone(&shared->waker); /* [I3] */
	else if (waiter)
		waker = weft_waker_clone(&waiter->waker);
	else
		waker = weft__waker_of_nobody; /* all who wait are about to be polled */
	shared_unlock(shared);
	return waker;
}

static void shared_waker_misuse(void *data)
{
	const struct weft_shared *shared = data;

	weft__waker_misuse(shared->async);
}

static const struct weft_waker_ops shared_waker_ops = { shared_waker_clone, shared_waker_misuse,
	shared_waker_wake_by_ref, shared_waker_misuse, shared_waker_claim, shared_waker_misuse };

/* ---- waiting ---- */

void weft_shared_init(struct weft_shared *shared, const struct weft_async *async, void *frame)
{
	struct weft_shared fresh = { { NULL, NULL, 0, 0 }, async, frame, { NULL }, { NULL, NULL },
		0, SHARED_DUE, false, false };

	weft_async_verify(async);
	*shared = fresh;
}

/* In the task of who waits. Returns as the future does; *woken: it wants to be polled again. */
static enum weft_poll shared_poll(
		struct weft_shared *shared, struct weft_context *cx, uint8_t *woken)
{
	struct weft_context outer = *cx;
	enum weft_poll poll;

	cx->waker.ops = &shared_waker_ops;
	cx->waker.data = shared;
	cx->strand = &shared->strand;
	cx->self_woken = 0;
	cx->waker_taken = 0;
	if (!shared->cancelled)
		cx->cancelled = 0;
	else if (!cx->cancelled)
		cx->cancelled = 1;
	poll = weft__strand_poll(&shared->strand, shared->async, shared->frame, cx);
	if (poll == WEFT_PENDING)
		weft__context_check_waker(cx, shared->async);
	*woken = cx->self_woken;
	outer.budget = cx->budget;
	outer.unwound = cx->unwound;
	*cx = outer;
	return poll;
}

/* With the lock, which it gives back: the future has ended. */
static void shared_end(struct weft_shared *shared)
{
	struct weft_waker claimed[SHARED_WAKES_MAX];
	bool more;

	shared->state = SHARED_ENDED;
	do {
		unsigned count = 0;

		while (shared->waiters.oldest && count < SHARED_WAKES_MAX) {
			struct weft_waiter *waiter = shared->waiters.oldest;

			shared_unlink(shared, waiter);
			waiter->state = WAIT_OUT;
			if (waiter->waker.ops)
				claimed[count++] = weft_waker_claim(&waiter->waker);
		}
		more = shared->waiters.oldest != NULL;
		shared_unlock(shared);
		for (unsigned i = 0; i < count; i++)
			weft_waker_commit(claimed[i]);
		if (more)
			shared_lock(shared);
	} while (more);
}

/* With the lock, which it gives back: polls the future. -EAGAIN: it is pending. */
static int shared_drive(
		struct weft_shared *shared, struct weft_waiter *waiter, struct weft_context *cx)
{
	enum weft_poll poll;
	uint8_t woken;

	WEFT_ASSERT(shared->state == SHARED_DUE || shared->state == SHARED_IDLE);
	shared->state = SHARED_POLLED;
	shared->unsure = false;
	shared->waker = *weft_context_waker(cx); /* [I3] */
	shared_unlock(shared);
	poll = shared_poll(shared, cx, &woken);
	shared_lock(shared);
	if (poll == WEFT_READY) {
		shared_unlink(shared, waiter);
		waiter->state = WAIT_OUT;
		shared_end(shared);
		return weft_context_cancelled(cx) ? -ECANCELED : 0;
	}
	if (woken || shared->state == SHARED_CALLED) {
		shared->state = SHARED_DUE; /* [I1] */
		cx->self_woken = woken > cx->self_woken ? woken : cx->self_woken;
		if (!cx->self_woken)
			weft_context_yield(cx);
	} else {
		shared->state = SHARED_IDLE;
	}
	waiter->waker = *weft_context_waker(cx); /* [I2] */
	shared_unlock(shared);
	return -EAGAIN;
}

/* With the lock, which it gives back: the others go on without this one. */
static int shared_leave(struct weft_shared *shared, struct weft_waiter *waiter)
{
	struct weft_waker claimed = { NULL, NULL };

	shared_unlink(shared, waiter);
	waiter->state = WAIT_OUT;
	if (shared->state == SHARED_DUE || (shared->state == SHARED_IDLE && shared->unsure))
		claimed = shared_call(shared); /* [I1] */
	shared_unlock(shared);
	weft_waker_commit(claimed);
	return -ECANCELED;
}

static int shared_wait(
		struct weft_shared *shared, struct weft_waiter *waiter, struct weft_context *cx)
{
	bool cancelled = weft_context_cancelled(cx);

	shared_lock(shared);
	if (shared->state == SHARED_ENDED) {
		WEFT_ASSERT(waiter->state == WAIT_OUT); /* shared_end has taken it out */
		shared_unlock(shared);
		return 0;
	}
	if (waiter->state == WAIT_OUT)
		shared_link(shared, waiter);
	waiter->state = WAIT_LINKED;
	if (cancelled && shared->waiting > 1)
		return shared_leave(shared, waiter);
	if (cancelled)
		shared->cancelled = true;
	if (cancelled || shared->state == SHARED_DUE ||
			(shared->state == SHARED_IDLE && shared->unsure))
		return shared_drive(shared, waiter, cx);
	waiter->waker = *weft_context_waker(cx); /* [I2] */
	shared_unlock(shared);
	return -EAGAIN;
}

enum weft_poll weft_shared_wait__poll(void *frame, struct weft_context *cx)
{
	struct weft_shared_wait__frame *f = frame;
	struct weft_shared *shared = f->args.p0;
	int outcome;

	WEFT_FRAME_CHECK(&f->args.base);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (f->args.base.at == 0) {
		f->waiter.state = WAIT_OUT;
		f->waiter.waker.ops = NULL;
	}
	f->args.base.at = 1;
	outcome = shared_wait(shared, &f->waiter, cx);
	if (outcome == -EAGAIN) {
		weft_context_refund(cx);
		return WEFT_PENDING;
	}
	if (outcome == 0 && f->args.p1)
		memcpy(f->args.p1, weft_shared_result(shared), shared->async->result_size);
	weft_return(f, outcome);
}

/* ---- reports ---- */

/* As if it were polled: so nobody else polls it meanwhile. Whether it is not. */
static bool shared_keep(struct weft_shared *shared, uint8_t *state)
{
	bool is_idle;

	shared_lock(shared);
	is_idle = shared->state == SHARED_DUE || shared->state == SHARED_IDLE;
	*state = shared->state;
	if (is_idle) {
		shared->state = SHARED_POLLED;
		shared->waker = weft__waker_of_nobody; /* [I3] */
	}
	shared_unlock(shared);
	return is_idle;
}

/* Whoever should have polled it meanwhile, or has got a waker of nobody, is made up for by a poll. */
static void shared_resume(struct weft_shared *shared, uint8_t state)
{
	struct weft_waker claimed = { NULL, NULL };

	shared_lock(shared);
	if (state == SHARED_DUE || shared->state == SHARED_CALLED || shared->unsure)
		claimed = shared_call(shared); /* [I1] */
	else
		shared->state = SHARED_IDLE;
	shared_unlock(shared);
	weft_waker_commit(claimed);
}

static void weft_shared_wait__each(void *frame, struct weft_visitor *visitor)
{
	const struct weft_shared_wait__frame *f = frame;
	struct weft_shared *shared = f->args.p0;
	uint8_t state;

	if (!shared_keep(shared, &state)) {
		visitor->unknown(visitor);
		return;
	}
	if (weft_frame_is_begun(shared->frame))
		visitor->future(visitor, &shared->strand, shared->async, shared->frame);
	shared_resume(shared, state);
}

WEFT_ASYNC_DEFINE_NEST(weft_shared_wait, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT);
