/* SPDX-License-Identifier: MIT */
/*
 * weft/waker_slot.h: a place for one waker, where another thread finds it. For leaves of your own.
 *
 *     struct bell {
 *             struct weft_waker_slot slot; // all zero: nobody waits
 *             atomic_bool rung;
 *     };
 *
 *     weft_waker_slot_register(&bell->slot, cx);          // in the leaf: register first, then look
 *     if (!atomic_load(&bell->rung) && !weft_context_cancelled(cx))
 *             return WEFT_PENDING;
 *     if (!weft_waker_slot_clear(&bell->slot, cx))
 *             return WEFT_PENDING;                        // it is being woken right now
 *     weft_return(f, atomic_load(&bell->rung) ? 0 : -ECANCELED);
 *
 *     atomic_store(&bell->rung, true);                    // elsewhere: set first, then wake
 *     weft_waker_slot_wake(&bell->slot);
 *
 * No wake is lost, however the two overlap: either the leaf sees the bell, or the wake sees the
 * leaf. Nothing here waits: an interrupt handler may wake a task of a weft_loop. (A signal handler
 * that interrupts a thread of a runtime may not; weft/signal.h is for that.)
 *
 * Memory:  the slot borrows the waker, and holds it until it is woken or cleared: a leaf clears
 *          before it is READY. The slot must live until the last wake has returned, which may be
 *          later than READY.
 * Threads: wake and take from any thread; register and clear by the one task that waits.
 *
 * The idea is AtomicWaker of Rust's futures; here the slot needs no reference to the task.
 */
#ifndef WEFT_WAKER_SLOT_H
#define WEFT_WAKER_SLOT_H

#include <weft/poll.h>

WEFT_BEGIN_DECLS

struct weft_waker_slot {
	struct weft_waker waker; /* private from here on */
	uint32_t state;
};

/* Puts the context's waker into the slot, in place of what it held. If the slot is being woken at
 * this moment, the context yields: return PENDING and be polled again. */
void weft_waker_slot_register(struct weft_waker_slot *slot, struct weft_context *cx);

/* Empties the slot: true, and the leaf may be READY. False: the slot is being woken at this
 * moment, and the context yields; return PENDING and try again in the next poll. */
WEFT_NODISCARD bool weft_waker_slot_clear(struct weft_waker_slot *slot, struct weft_context *cx);

/* Empties the slot and wakes who waited, if anybody did. */
void weft_waker_slot_wake(struct weft_waker_slot *slot);

/* The first half of a wake, for callers that hold a lock: empties the slot and claims who waited.
 * To be committed by weft_waker_commit without the lock. */
WEFT_NODISCARD struct weft_waker weft_waker_slot_take(struct weft_waker_slot *slot);

WEFT_END_DECLS

#endif
