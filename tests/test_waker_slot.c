/* SPDX-License-Identifier: MIT */
/* The waker slot, one thread: what each call does to a slot that nobody else touches. How they overlap is
 * for model/test_model_waker_slot.c. */
#include <weft/waker_slot.h>

#include "probe.h"
#include "test.h"

static struct weft_context context(struct probe *probe)
{
	static struct weft_strand strand;

	return probe_context(probe, NULL, &strand);
}

TEST(waker_slot_zeroed_is_empty)
{
	struct weft_waker_slot slot = { { NULL, NULL }, 0 };

	weft_waker_slot_wake(&slot);
	CHECK(weft_waker_slot_take(&slot).ops == NULL);
}

TEST(waker_slot_wakes_who_registered_last_once)
{
	struct weft_waker_slot slot = { { NULL, NULL }, 0 };
	struct probe first = PROBE, last = PROBE;
	struct weft_context cx = context(&first);

	weft_waker_slot_register(&slot, &cx);
	weft_waker_slot_register(&slot, &cx);
	CHECK(cx.waker_taken);
	CHECK(!cx.self_woken);
	cx = context(&last);
	weft_waker_slot_register(&slot, &cx);
	weft_waker_slot_wake(&slot);
	weft_waker_slot_wake(&slot);
	CHECK_EQ(probe_wakes(&first), 0);
	CHECK_EQ(probe_wakes(&last), 1);
	CHECK(probe_balanced(&last));
	CHECK_EQ(last.clones, 0);
}

TEST(waker_slot_cleared_wakes_nobody)
{
	struct weft_waker_slot slot = { { NULL, NULL }, 0 };
	struct probe probe = PROBE;
	struct weft_context cx = context(&probe);

	weft_waker_slot_register(&slot, &cx);
	CHECK(weft_waker_slot_clear(&slot, &cx));
	CHECK(weft_waker_slot_clear(&slot, &cx));
	weft_waker_slot_wake(&slot);
	CHECK_EQ(probe.claims, 0);
	CHECK(!cx.self_woken);
}

TEST(waker_slot_take_claims_and_leaves_the_commit)
{
	struct weft_waker_slot slot = { { NULL, NULL }, 0 };
	struct probe probe = PROBE;
	struct weft_context cx = context(&probe);
	struct weft_waker claimed;

	weft_waker_slot_register(&slot, &cx);
	claimed = weft_waker_slot_take(&slot);
	CHECK_EQ(probe.claims, 1);
	CHECK_EQ(probe_wakes(&probe), 0);
	CHECK(weft_waker_slot_take(&slot).ops == NULL);
	weft_waker_commit(claimed);
	CHECK_EQ(probe_wakes(&probe), 1);
}

/* A claim that looks back at the slot while that is being woken. */
static struct weft_waker_slot *watched;
static struct weft_context watching;
static bool cleared;

static struct weft_waker meddler_claim(void *data)
{
	struct weft_waker nothing = { NULL, NULL };

	weft_waker_slot_register(watched, &watching);
	cleared = weft_waker_slot_clear(watched, &watching);
	weft_waker_slot_wake(watched); /* coalesces with the one that is under way */
	(void)data;
	return nothing;
}

TEST(waker_slot_that_is_being_woken_makes_the_task_yield)
{
	static const struct weft_waker_ops ops = { .claim = meddler_claim };
	struct weft_waker_slot slot = { { NULL, NULL }, 0 };
	struct weft_waker meddler = { &ops, NULL };
	struct weft_strand strand = { NULL };

	watched = &slot;
	watching = weft_context_make(meddler, &strand);
	weft_waker_slot_register(&slot, &watching);
	CHECK(!watching.self_woken);
	cleared = true;
	weft_waker_slot_wake(&slot);
	CHECK(watching.self_woken);
	CHECK(!cleared);
	watching = weft_context_make(meddler, &strand);
	CHECK(weft_waker_slot_clear(&slot, &watching)); /* it is over */
	CHECK(!watching.self_woken);
}
