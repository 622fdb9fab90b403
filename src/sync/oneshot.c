/* SPDX-License-Identifier: MIT */
/*
 * sync/oneshot.c: one value that is sent once and received once.
 *
 * How         The word has three facts that only ever become true, and a flag:
 *
 *                 SENT      the value is there
 *                 TAKEN     and was received
 *                 CLOSED    no value will be sent any more
 *                 CROWDED   somebody waits, or has waited: the word changes under the lock only
 *
 *             Until it is CROWDED, each fact is added by one compare-exchange. The first who has to wait
 *             sets the flag, which stays: it is cheaper to take the lock once than to know when the last
 *             waiter has gone.
 * Invariants  [I1] the list is empty unless CROWDED is set and neither SENT nor CLOSED is.
 *             [I2] the place of the value is the sender's until SENT, and then of who sets TAKEN.
 * Order       [O1] the release of SENT or CLOSED pairs with the acquire of who sees it; when it is
 *                  CROWDED, the lock does that.
 *             [O2] adding SENT is the last that a send does to the oneshot; or, when it is CROWDED,
 *                  giving back the lock. Who receives when it is CROWDED takes that lock first. So who has
 *                  received may free it.
 * Not here    more than one value: a channel.
 */
#include <errno.h>
#include <stddef.h>

#include <weft/oneshot.h>

#include "base/memory.h"
#include "sync/waiters.h"

_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_oneshot) == 40, "part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_oneshot_recv__frame) == 72,
		"part of the ABI");
_Static_assert(sizeof(void *) != 8 || sizeof(struct weft_oneshot_closed__frame) == 64,
		"part of the ABI");

enum { ONESHOT_SENT = 1, ONESHOT_TAKEN = 2, ONESHOT_CLOSED = 4, ONESHOT_CROWDED = 8 };

_Static_assert(WEFT_ONESHOT_SENT_ == ONESHOT_SENT &&
				WEFT_ONESHOT_TAKEN_ == (ONESHOT_SENT | ONESHOT_TAKEN),
		"weft_oneshot_recv__now");

void weft_oneshot_init(struct weft_oneshot *oneshot, void *place, size_t bytes)
{
	struct weft_oneshot fresh = { { NULL, NULL, 0, 0 }, place, bytes };

	*oneshot = fresh;
}

/* ---- adding a fact ---- */

/* With the lock, which it gives back. */
static void oneshot_wake_all(struct weft_waiters *waiters)
{
	struct weft__wakes wakes;
	bool more;

	do {
		wakes.count = 0;
		while (waiters->oldest && wakes.count < WAKES_MAX)
			weft__waiters_wake(waiters, waiters->oldest, WAITER_GRANTED, &wakes);
		more = waiters->oldest != NULL;
		weft__waiters_unlock(waiters); /* [O2] */
		weft__wakes_commit(&wakes);
		if (more)
			weft__waiters_lock(waiters);
	} while (more);
}

/* With the word CROWDED. */
__attribute__((noinline)) static uint32_t oneshot_add_crowded(
		struct weft_waiters *waiters, uint32_t fact)
{
	uint32_t word;

	weft__waiters_lock(waiters);
	word = atomic_load_relaxed(&waiters->word); /* relaxed, both: the lock [O1] */
	if (!(word & (fact | ONESHOT_CLOSED)))
		atomic_store_relaxed(&waiters->word, word | fact);
	oneshot_wake_all(waiters); /* [I1] */
	return word;
}

/* Adds SENT or CLOSED, unless it is there, or CLOSED is. Returns what there was before. */
WEFT_INLINE uint32_t oneshot_add(struct weft_waiters *waiters, uint32_t fact)
{
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	while (!(word & (fact | ONESHOT_CLOSED | ONESHOT_CROWDED)))
		/* [O1] pairs with oneshot_look [O2] */
		if (word_cas_release(&waiters->word, &word, word | fact))
			return word;
	return word & ONESHOT_CROWDED ? oneshot_add_crowded(waiters, fact) : word;
}

int weft_oneshot_send(struct weft_oneshot *oneshot, const void *value)
{
	/* relaxed: this side sets it */
	bool is_sent = atomic_load_relaxed(&oneshot->waiters.word) & ONESHOT_SENT;

	WEFT_ASSERT(!is_sent);
	if (oneshot->bytes)
		weft__message_copy(oneshot->value, value, oneshot->bytes); /* [I2] */
	return oneshot_add(&oneshot->waiters, ONESHOT_SENT) & ONESHOT_CLOSED ? -EPIPE : 0;
}

void weft_oneshot_close(struct weft_oneshot *oneshot)
{
	(void)oneshot_add(&oneshot->waiters, ONESHOT_CLOSED);
}

bool weft_oneshot_is_closed(const struct weft_oneshot *oneshot)
{
	/* relaxed: it says whether to go on, and nothing is behind it */
	return (atomic_load_relaxed(&oneshot->waiters.word) & ONESHOT_CLOSED) != 0;
}

/* ---- looking ---- */

/* Who looks. */
enum oneshot_side { ONESHOT_RECEIVES, ONESHOT_WATCHES };

static int oneshot_outcome(uint32_t word, enum oneshot_side side)
{
	bool receives = side == ONESHOT_RECEIVES;

	if (receives && word & ONESHOT_TAKEN)
		return -EPIPE;
	if (word & ONESHOT_SENT)
		return receives ? 0 : -EALREADY;
	if (word & ONESHOT_CLOSED)
		return receives ? -EPIPE : 0;
	return -EAGAIN;
}

/* What *word says to this side; if that is the value, it is taken. With the lock, if it is CROWDED. */
static int oneshot_look(struct weft_waiters *waiters, uint32_t *word, enum oneshot_side side)
{
	int outcome;

	*word = atomic_load_acquire(&waiters->word); /* [O1] pairs with oneshot_add */
	do
		outcome = oneshot_outcome(*word, side);
	while (outcome == 0 && side == ONESHOT_RECEIVES &&
			/* relaxed: what was sent has been acquired; [I2] nobody else receives */
			!word_cas_relaxed(&waiters->word, word, *word | ONESHOT_TAKEN));
	return outcome;
}

/* -EAGAIN also means: take the lock. */
static int oneshot_glance(struct weft_waiters *waiters, enum oneshot_side side)
{
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	return word & ONESHOT_CROWDED ? -EAGAIN : oneshot_look(waiters, &word, side);
}

/* Looks with the lock, and is in the list if that gives -EAGAIN. */
static int oneshot_wait(struct weft_waiters *waiters, struct weft_waiter *waiter,
		enum oneshot_side side, struct weft_context *cx)
{
	int outcome = -ECANCELED;
	uint32_t word;

	weft__waiters_lock(waiters); /* [O1] [O2] */
	if (waiter->state == WAITER_LINKED)
		weft__waiters_remove(waiters, waiter);
	if (!weft_context_cancelled(cx)) {
		do
			outcome = oneshot_look(waiters, &word, side);
		while (outcome == -EAGAIN && !(word & ONESHOT_CROWDED) && !cx->trying &&
				/* relaxed: the lock is what the others look at from now on */
				!word_cas_relaxed(&waiters->word, &word, word | ONESHOT_CROWDED));
	}
	if (outcome == -EAGAIN && !cx->trying)
		weft__waiters_push(waiters, waiter, cx); /* [I1] */
	weft__waiters_unlock(waiters);
	return outcome;
}

static enum weft_poll oneshot_poll(struct weft_frame *frame, int *result,
		struct weft_waiters *waiters, struct weft_waiter *waiter, enum oneshot_side side,
		struct weft_context *cx)
{
	int outcome = -EAGAIN;

	WEFT_FRAME_CHECK(frame);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (frame->at == LEAF_FRESH) {
		atomic_store_relaxed(&waiter->state,
				(uint32_t)WAITER_OUT); /* relaxed: nobody looks yet */
		if (!weft_context_cancelled(cx))
			outcome = oneshot_glance(waiters, side);
	} else if (frame->at != LEAF_WAITING) {
		weft_frame_misuse(frame);
	}
	if (outcome == -EAGAIN)
		outcome = oneshot_wait(waiters, waiter, side, cx);
	return weft__leaf_end(frame, result, outcome, cx);
}

/* Which is the caller's alone now. */
static void oneshot_copy(const struct weft_oneshot *oneshot, void *value)
{
	if (oneshot->bytes)
		weft__message_copy(value, oneshot->value, oneshot->bytes); /* [I2] */
}

enum weft_poll weft_oneshot_recv__poll(void *frame, struct weft_context *cx)
{
	struct weft_oneshot_recv__frame *f = frame;
	struct weft_oneshot *oneshot = f->args.p0;
	enum weft_poll poll = oneshot_poll(&f->args.base, &f->args.result, &oneshot->waiters,
			&f->waiter, ONESHOT_RECEIVES, cx);

	if (poll == WEFT_READY && f->args.result == 0)
		oneshot_copy(oneshot, f->args.p1);
	return poll;
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_oneshot_recv, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

enum weft_poll weft_oneshot_closed__poll(void *frame, struct weft_context *cx)
{
	struct weft_oneshot_closed__frame *f = frame;

	return oneshot_poll(&f->args.base, &f->args.result, &f->args.p0->waiters, &f->waiter,
			ONESHOT_WATCHES, cx);
}

WEFT_ASYNC_DEFINE_LEAF(
		weft_oneshot_closed, WEFT_ASYNC_RESULT_INT | WEFT_ASYNC_OBJECT | WEFT_ASYNC_TRIES);

int weft_oneshot_try_recv(struct weft_oneshot *oneshot, void *value)
{
	struct weft_waiters *waiters = &oneshot->waiters;
	int outcome = oneshot_glance(waiters, ONESHOT_RECEIVES);
	uint32_t word;

	if (outcome == -EAGAIN) {
		weft__waiters_lock(waiters); /* [O1] [O2] */
		outcome = oneshot_look(waiters, &word, ONESHOT_RECEIVES);
		weft__waiters_unlock(waiters);
	}
	if (outcome == 0)
		oneshot_copy(oneshot, value);
	return outcome;
}
