/* SPDX-License-Identifier: MIT */
/* Branches, each a strand with a cancellation of its own, and the budget that they share; stepped by
 * hand with the divers of dive.h. */
#include <errno.h>

#include <weft/branch.h>

#include "dive.h"
#include "test.h"

/* --- branches ----------------------------------------------------------------------------------- */

/* async int both(a, b): two divers in branches; gives 0 when both are back. */
struct diver {
	struct dive__frame frame;
	struct weft_branch branch;
};

static void diver_start(struct diver *diver, int depth, struct gate *gate)
{
	dive__init(&diver->frame.args, depth, gate);
	diver->branch = weft_branch_make(&dive__async, &diver->frame);
}

WEFT_ASYNC_2(int, both, struct diver *, struct diver *);
struct both__frame {
	struct both__args args;
};

enum weft_poll both__poll(void *frame, struct weft_context *cx)
{
	struct both__frame *f = frame;
	struct weft_strand *strand = cx->strand;
	uint8_t cancelled = cx->cancelled;
	uint16_t depth = cx->depth;
	bool all = true;

	all &= weft_branch_poll(&f->args.p0->branch, cx) == WEFT_READY;
	all &= weft_branch_poll(&f->args.p1->branch, cx) == WEFT_READY;
	CHECK(cx->strand == strand);
	CHECK_EQ(cx->cancelled, cancelled);
	CHECK_EQ(cx->depth, depth);
	if (!all)
		return WEFT_PENDING;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE(both, WEFT_ASYNC_RESULT_INT);

struct pair {
	struct stepper stepper;
	struct gate gate[2];
	struct diver diver[2];
	struct both__frame both;
};

static void pair_start(struct pair *pair)
{
	*pair = (struct pair){ .stepper = stepper_make(),
		.gate = { { .waits = 1 }, { .waits = 1 } } };
	diver_start(&pair->diver[0], 3, &pair->gate[0]);
	diver_start(&pair->diver[1], 50, &pair->gate[1]);
	both__init(&pair->both.args, &pair->diver[0], &pair->diver[1]);
	CHECK_EQ(step(&pair->stepper, &both__async, &pair->both), WEFT_PENDING);
	CHECK(!pair->stepper.strand.innermost); /* their frames hang on their own strands */
}

TEST(branches_wait_side_by_side_and_end_in_any_order)
{
	for (int first = 0; first < 2; first++) {
		struct pair pair;
		unsigned polls;

		pair_start(&pair);
		pair.gate[first].open = 1;
		CHECK_EQ(step(&pair.stepper, &both__async, &pair.both), WEFT_PENDING);
		CHECK(pair.diver[first].branch.done);
		CHECK(!pair.diver[!first].branch.done);
		pair.gate[!first].open = 1;
		polls = seen.polls;
		CHECK_EQ(step(&pair.stepper, &both__async, &pair.both), WEFT_READY);
		/* the branch that is done was not polled again */
		CHECK_EQ(seen.polls - polls, 1 + (unsigned)pair.diver[!first].frame.args.p0 + 1);
		CHECK_EQ(pair.diver[0].frame.args.result, 3);
		CHECK_EQ(pair.diver[1].frame.args.result, 50);
		CHECK(stepper_is_clean(&pair.stepper));
	}
}

TEST(branch_cancelled_alone_leaves_the_other_waiting)
{
	struct pair pair;

	pair_start(&pair);
	pair.diver[1].branch.cancelled = true;
	CHECK_EQ(step(&pair.stepper, &both__async, &pair.both), WEFT_PENDING);
	CHECK_EQ(pair.diver[1].frame.args.result, -ECANCELED);
	pair.gate[0].open = 1;
	CHECK_EQ(step(&pair.stepper, &both__async, &pair.both), WEFT_READY);
	CHECK_EQ(pair.diver[0].frame.args.result, 3);
	CHECK(stepper_is_clean(&pair.stepper));
}

TEST(branches_are_cancelled_with_their_scope_unless_shielded)
{
	struct pair pair;

	pair_start(&pair);
	pair.diver[0].branch.shielded = true;
	pair.stepper.cancelled = true;
	CHECK_EQ(step(&pair.stepper, &both__async, &pair.both), WEFT_PENDING);
	CHECK_EQ(pair.diver[1].frame.args.result, -ECANCELED);
	CHECK(!pair.diver[0].branch.done);
	pair.diver[0].branch.cancelled = true; /* the end of the shield's time */
	CHECK_EQ(step(&pair.stepper, &both__async, &pair.both), WEFT_READY);
	CHECK_EQ(pair.diver[0].frame.args.result, -ECANCELED);
	CHECK(stepper_is_clean(&pair.stepper));
}

TEST(branches_below_a_frame_of_its_own_leave_the_context_as_it_was)
{
	struct pair pair = { .stepper = stepper_make(), .gate = { { .open = 1, .waits = 1 } } };
	struct stepper *stepper = &pair.stepper;
	struct both__args *both;

	diver_start(&pair.diver[0], 3, &pair.gate[0]);
	diver_start(&pair.diver[1], 50, &pair.gate[0]);
	stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
	both = weft_frame_enter(&stepper->cx, &both__async);
	CHECK(both != NULL);
	both__init(both, &pair.diver[0], &pair.diver[1]);
	CHECK_EQ(weft_frame_descend(&stepper->cx, both), WEFT_PENDING); /* both__poll looks at it */
	pair.gate[0].open = 1;
	CHECK_EQ(weft_frame_descend(&stepper->cx, both), WEFT_READY);
	CHECK_EQ(stepper->cx.depth, 0);
	weft_frame_leave(&stepper->cx, both);
	CHECK(stepper_is_clean(stepper));
}

/* --- the budget --------------------------------------------------------------------------------- */

/* async int take(queue): takes one of the queue's messages, or waits. */
WEFT_ASYNC_1(int, take, int *);
struct take__frame {
	struct take__args args;
};

enum weft_poll take__poll(void *frame, struct weft_context *cx)
{
	struct take__frame *f = frame;

	if (!weft_context_charge(cx))
		return WEFT_PENDING;
	if (*f->args.p0 == 0) {
		weft_context_refund(cx);
		weft_context_waker(cx);
		return WEFT_PENDING;
	}
	--*f->args.p0;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_LEAF(take, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_2(int, take_all, int *, int);
struct take_all__frame {
	struct take_all__args args;
	struct take__frame take;
	int i;
};

enum weft_poll take_all__poll(void *frame, struct weft_context *cx)
{
	struct take_all__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < f->args.p1; f->i++)
		weft_await(f, f->take, take, f->args.p0);
	weft_return(f, f->i);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(take_all, WEFT_ASYNC_RESULT_INT);

/* B39: 1,000 ready messages do not keep a task on its worker. */
TEST(budget_ends_a_poll_after_128_completions)
{
	struct stepper stepper = stepper_make();
	struct take_all__frame take_all;
	int queue = 1000;

	take_all__init(&take_all.args, &queue, 1000);
	for (int polls = 1; polls <= 7; polls++) {
		CHECK_EQ(step(&stepper, &take_all__async, &take_all), WEFT_PENDING);
		CHECK(stepper.cx.self_woken);
		CHECK_EQ(queue, 1000 - polls * WEFT_BUDGET);
	}
	CHECK_EQ(step(&stepper, &take_all__async, &take_all), WEFT_READY);
	CHECK_EQ(take_all.args.result, 1000);
}

/* B43: waiting costs nothing, so 128 leaves that wait do not keep the 129th from completing. */
TEST(budget_is_refunded_by_leaves_that_wait)
{
	struct stepper stepper = stepper_make();
	struct take__frame take[WEFT_BUDGET + 1];
	int empty = 0, queue = 1;

	stepper.cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
	for (int i = 0; i <= WEFT_BUDGET; i++) {
		take__init(&take[i].args, i < WEFT_BUDGET ? &empty : &queue);
		CHECK_EQ(take__poll(&take[i], &stepper.cx),
				i < WEFT_BUDGET ? WEFT_PENDING : WEFT_READY);
	}
	CHECK_EQ(stepper.cx.budget, WEFT_BUDGET - 1);
	CHECK(!stepper.cx.self_woken);
}
