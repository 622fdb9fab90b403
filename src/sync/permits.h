/* SPDX-License-Identifier: MIT */
/*
 * sync/permits.h: what semaphore, rwlock and once have in common: permits.c tells how it works.
 *
 * Here is the way of those who need not wait: one atomic operation. In weft/waiter.h it is once more,
 * inline: the same steps of the word, but only with PERMITS_INLINE and no other flag.
 */
#ifndef WEFT_SYNC_PERMITS_H
#define WEFT_SYNC_PERMITS_H

#include "core/held.h"
#include "sync/waiters.h"

/* The word: flags, and above them how many permits are available. */
enum {
	PERMITS_WAITING = 1, /* the list is not empty */
	PERMITS_CLOSED = 2,
	PERMITS_OF_ONCE = 4, /* it never changes, and tells a once from memory that is all zero */
	PERMITS_INLINE = 4,  /* the others: weft/waiter.h may do without us what needs no list */
	PERMITS_ONE = 8
};

/* Who comes first says so, except where we want to hear of each. */
enum { PERMITS_SAID = WEFT__HELD ? 0 : PERMITS_INLINE };

_Static_assert(WEFT_PERMITS_INLINE_ == PERMITS_INLINE && WEFT_PERMITS_ONE_ == PERMITS_ONE,
		"the inline functions");

/* For whom weft__permits_try gave -EAGAIN, and who is not cancelled: 0, -ESHUTDOWN, or -EAGAIN: it is
 * in the list. */
WEFT_NODISCARD int weft__permits_begin(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx);

/* Polled again: 0, -ESHUTDOWN, -ECANCELED, or -EAGAIN: it is still in the list. */
WEFT_NODISCARD int weft__permits_wait(
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx);

/* Releases to those who wait; false: nobody does any more, and nothing has happened. */
WEFT_NODISCARD bool weft__permits_pass(struct weft_waiters *waiters, uint32_t count);

void weft__permits_close(struct weft_waiters *waiters);

_Noreturn void weft__permits_overflow(void);

/* 0, -EAGAIN, -ESHUTDOWN. */
WEFT_NODISCARD static inline int weft__permits_try(struct weft_waiters *waiters, uint32_t count)
{
	/* pairs with weft__permits_close: who is told that it is closed sees why */
	uint32_t word = atomic_load_acquire(&waiters->word);

	while (!(word & (PERMITS_WAITING | PERMITS_CLOSED)) && word / PERMITS_ONE >= count)
		/* pairs with weft__permits_release and _pass; failed, as the load */
		if (word_cas_acquire(&waiters->word, &word,
				    (word - count * PERMITS_ONE) | PERMITS_SAID))
			return 0;
	return word & PERMITS_CLOSED ? -ESHUTDOWN : -EAGAIN;
}

static inline void weft__permits_check_room(uint32_t word, uint32_t count)
{
	if (WEFT_UNLIKELY(count > UINT32_MAX / PERMITS_ONE - word / PERMITS_ONE))
		weft__permits_overflow();
}

static inline void weft__permits_release(struct weft_waiters *waiters, uint32_t count)
{
	uint32_t word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */

	for (;;) {
		if (WEFT_UNLIKELY(word & PERMITS_WAITING)) {
			if (weft__permits_pass(waiters, count))
				return;
			word = atomic_load_relaxed(&waiters->word); /* relaxed: a guess */
			continue;
		}
		weft__permits_check_room(word, count);
		/* pairs with weft__permits_try, _begin and, in between, permits_grant */
		if (word_cas_release(&waiters->word, &word, word + count * PERMITS_ONE))
			return;
	}
}

/* One poll of a leaf whose waiter wants some. */
WEFT_INLINE enum weft_poll weft__permits_poll(struct weft_frame *frame, int *result,
		struct weft_waiters *waiters, struct weft_waiter *waiter, struct weft_context *cx)
{
	int outcome;

	WEFT_FRAME_CHECK(frame);
	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (WEFT_LIKELY(frame->at == LEAF_FRESH)) {
		outcome = weft_context_cancelled(cx) ? -ECANCELED
						     : weft__permits_try(waiters, waiter->wanted);
		if (WEFT_UNLIKELY(outcome == -EAGAIN) && !cx->trying)
			outcome = weft__permits_begin(waiters, waiter, cx);
	} else if (frame->at == LEAF_WAITING) {
		outcome = weft__permits_wait(waiters, waiter, cx);
	} else {
		weft_frame_misuse(frame);
	}
	return weft__leaf_end(frame, result, outcome, cx);
}

#endif
