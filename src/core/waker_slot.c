/* SPDX-License-Identifier: MIT */
/*
 * core/waker_slot.c: one waker, between a task that registers it and threads that wake it.
 *
 * Why         Between "is it there yet?" and "tell me when it is" the event can happen and be
 *             missed. A lock around both would be simple, but an interrupt handler could not take
 *             it.
 * How         `state` says who owns the field `waker`, for a few instructions. Nobody waits for the
 *             owner: who comes second leaves a note, or has its task polled again.
 *
 *                 finds          register, clear                    take
 *                 FREE           REGISTERING, and then FREE         WAKING, and then FREE
 *                 REGISTERING    never [I1]                         adds WAKING, the note, and goes
 *                 WAKING         goes, the task yields              goes, the first take will do
 *
 *             The task yields, too, if it finds the note when it gives up REGISTERING.
 * Invariants  [I1] only one task registers and clears.
 *             [I2] `waker` belongs to whoever moved state away from FREE. So a task whose clear has
 *                  succeeded is not being claimed any more, and may end.
 * Order       Each edge is a read-modify-write of state, so all notes are in one order.
 *             [O1] release in slot_close pairs with acquire in take: the waker is seen.
 *             [O2] release in take (both edges) pairs with acquire in slot_open and slot_close:
 *                  what was set before the wake is seen by the look after the registration, or,
 *                  where that came too early, by the next poll.
 * Cost        register and wake: two atomic operations each. No reference is counted.
 */
#include <weft/waker_slot.h>

#include "base/atomic.h"
#include "base/check.h"

enum { SLOT_FREE = 0, SLOT_REGISTERING = 1, SLOT_WAKING = 2 };

static bool slot_open(struct weft_waker_slot *slot, struct weft_context *cx)
{
	uint32_t state = SLOT_FREE;

	if (atomic_cas_acquire(&slot->state, &state, (uint32_t)SLOT_REGISTERING)) /* [O2] take */
		return true;
	WEFT_ASSERT(state == SLOT_WAKING); /* [I1] */
	weft_context_yield(cx);
	return false;
}

static void slot_close(struct weft_waker_slot *slot, struct weft_context *cx)
{
	/* [O1] [O2] pairs with take */
	uint32_t state = atomic_exchange_acq_rel(&slot->state, (uint32_t)SLOT_FREE);

	if (state != SLOT_REGISTERING)
		weft_context_yield(cx);
}

void weft_waker_slot_register(struct weft_waker_slot *slot, struct weft_context *cx)
{
	if (!slot_open(slot, cx))
		return;
	slot->waker = *weft_context_waker(cx); /* [I2] */
	slot_close(slot, cx);
}

bool weft_waker_slot_clear(struct weft_waker_slot *slot, struct weft_context *cx)
{
	if (!slot_open(slot, cx))
		return false;
	slot->waker.ops = NULL; /* [I2] */
	slot_close(slot, cx);
	return true;
}

struct weft_waker weft_waker_slot_take(struct weft_waker_slot *slot)
{
	struct weft_waker claimed = { NULL, NULL };

	/* [O1] pairs with slot_close, [O2] with slot_open and slot_close */
	if (atomic_fetch_or_acq_rel(&slot->state, (uint32_t)SLOT_WAKING) != SLOT_FREE)
		return claimed;
	if (slot->waker.ops)
		claimed = weft_waker_claim(&slot->waker); /* [I2] */
	slot->waker.ops = NULL;
	/* [O2] pairs with slot_open */
	atomic_fetch_sub_release(&slot->state, (uint32_t)SLOT_WAKING);
	return claimed;
}

void weft_waker_slot_wake(struct weft_waker_slot *slot)
{
	weft_waker_commit(weft_waker_slot_take(slot));
}
