/* SPDX-License-Identifier: MIT */
/* join, try_join and select, stepped: every way in which up to four branches can end, each against what
 * the rules say about it; then the order in which branches are polled, the budget, and what is given
 * back. */
#include <errno.h>
#include <string.h>

#include <weft/branch.h>

#include "dive.h"
#include "sweep.h"
#include "test.h"

enum { BRANCHES_MAX = 4, NEVER = 100 };

/* --- a branch by the book: ends by itself at a time, or when it is cancelled -------------------- */

enum unwinding { AT_ONCE, IN_TIME /* one step later */ };

struct plan {
	int end;    /* the step at which it ends by itself */
	int result; /* and gives this */
	enum unwinding unwinding;
};

struct outcome {
	int step;
	int result;
};

/* What becomes of a plan that is cancelled at a step (NEVER: it is not). */
static struct outcome plan_outcome(const struct plan *plan, int cancelled)
{
	int unwound = cancelled + (plan->unwinding == IN_TIME);

	if (plan->end <= unwound)
		return (struct outcome){ plan->end, plan->result };
	return (struct outcome){ unwound, -ECANCELED };
}

static int now; /* the step */
static int polled[BRANCHES_MAX];

WEFT_ASYNC_2(int, follow, const struct plan *, int);
struct follow__frame {
	struct follow__args args;
	int cancelled; /* the step at which it heard of it */
};

enum weft_poll follow__poll(void *frame, struct weft_context *cx)
{
	struct follow__frame *f = frame;
	const struct plan *plan = f->args.p0;
	struct outcome outcome;

	CHECK(f->args.base.at != WEFT_AT_DONE);
	if (f->args.base.at == 0)
		f->cancelled = NEVER;
	f->args.base.at = 1;
	polled[f->args.p1]++;
	if (weft_context_cancelled(cx) && f->cancelled == NEVER)
		f->cancelled = now;
	outcome = plan_outcome(plan, f->cancelled);
	if (outcome.step <= now)
		weft_return(f, outcome.result);
	weft_context_waker(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(follow, WEFT_ASYNC_RESULT_INT);

/* --- some of them, polled once in each step until all is over ----------------------------------- */

struct group {
	unsigned count;
	int cancelled; /* the step from which on the context is */
	struct plan plans[BRANCHES_MAX];
	struct follow__frame frames[BRANCHES_MAX];
	struct weft_branch branches[BRANCHES_MAX];
	struct weft_selection selection;
	int first_error;
	struct stepper stepper;
	int steps; /* the one at which it was READY */
};

static void group_begin(struct group *group)
{
	group->stepper = stepper_make();
	group->selection = (struct weft_selection){ .biased = 1 };
	group->first_error = 0;
	memset(polled, 0, sizeof polled);
	for (unsigned i = 0; i < group->count; i++) {
		follow__init(&group->frames[i].args, &group->plans[i], (int)i);
		group->branches[i] = weft_branch_make(&follow__async, &group->frames[i]);
	}
}

enum combinator { JOIN, TRY_JOIN, SELECT };

static enum weft_poll group_poll(struct group *group, enum combinator combinator)
{
	struct weft_context *cx = &group->stepper.cx;

	if (combinator == JOIN)
		return weft_join_poll(group->branches, group->count, cx);
	if (combinator == TRY_JOIN)
		return weft_try_join_poll(group->branches, group->count, cx, &group->first_error);
	return weft_select_poll(group->branches, group->count, cx, &group->selection);
}

static void group_run(struct group *group, enum combinator combinator)
{
	struct stepper *stepper = &group->stepper;

	for (now = 0;; now++) {
		CHECK(now < NEVER);
		stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
		stepper->cx.cancelled = now >= group->cancelled;
		if (group_poll(group, combinator) == WEFT_READY)
			break;
		CHECK(stepper->cx.waker_taken);
	}
	group->steps = now;
	CHECK(stepper_is_clean(stepper));
	CHECK_EQ(stepper->env.allocations, 0); /* S1-29: everything is in line */
}

/* All branches have ended as the rules say, if they were cancelled at `cancelled`. */
static void group_check(const struct group *group, int cancelled)
{
	int last = 0;

	for (unsigned i = 0; i < group->count; i++) {
		struct outcome outcome = plan_outcome(&group->plans[i], cancelled);

		CHECK(group->branches[i].done);
		CHECK(polled[i] > 0);
		CHECK_EQ(group->frames[i].args.result, outcome.result);
		last = outcome.step > last ? outcome.step : last;
	}
	CHECK_EQ(group->steps, last);
}

/* --- all of them --------------------------------------------------------------------------------- */

/* Ends in step 0, 1 or 2, well or not; takes its time to unwind or not. */
enum { PLANS = 3 * 2 * 2 };

static struct plan plan_number(unsigned number)
{
	return (struct plan){
		.end = (int)(number % 3),
		.result = number / 3 % 2 ? -EIO : 7,
		.unwinding = number / 6 ? IN_TIME : AT_ONCE,
	};
}

/* Calls check for each group of up to four, cancelled at each step or not at all. */
static void for_each_group(void (*check)(struct group *group))
{
	static struct group group;
	unsigned all = 1;

	for (group.count = 1; group.count <= BRANCHES_MAX; group.count++) {
		all *= PLANS;
		for (unsigned number = 0; number < all; number++) {
			unsigned rest = number;

			for (unsigned i = 0; i < group.count; i++, rest /= PLANS)
				group.plans[i] = plan_number(rest % PLANS);
			for (group.cancelled = 0; group.cancelled < 4; group.cancelled++)
				check(&group);
		}
	}
}

static void check_join(struct group *group)
{
	group_begin(group);
	group_run(group, JOIN);
	group_check(group, group->cancelled);
}

TEST(s1_27_join_of_every_kind_ends_with_the_last_branch)
{
	for_each_group(check_join);
}

static int earlier(int a, int b)
{
	return a < b ? a : b;
}

/* The first error is that of the earliest step; in a step, that of the branch polled first: they take
 * turns. */
static void check_try_join(struct group *group)
{
	int failed = NEVER, error = 0, rank_of_failed = 0;

	for (int i = 0; i < (int)group->count; i++) {
		struct outcome outcome = plan_outcome(&group->plans[i], group->cancelled);
		int rank = (i - outcome.step + NEVER * (int)group->count) % (int)group->count;

		if (outcome.result < 0 &&
				(outcome.step < failed ||
						(outcome.step == failed &&
								rank < rank_of_failed))) {
			failed = outcome.step;
			error = outcome.result;
			rank_of_failed = rank;
		}
	}
	group_begin(group);
	group_run(group, TRY_JOIN);
	CHECK_EQ(group->first_error, error);
	group_check(group, earlier(group->cancelled, failed));
}

TEST(b48_try_join_of_every_kind_ends_all_with_the_first_error)
{
	for_each_group(check_try_join);
}

/* Biased: the winner is the first in the list of those that end first. */
static void check_select(struct group *group)
{
	int won = NEVER, winner = -ECANCELED;

	for (int i = 0; i < (int)group->count; i++) {
		struct outcome outcome = plan_outcome(&group->plans[i], group->cancelled);
		bool by_itself = outcome.step < group->cancelled || outcome.result != -ECANCELED;

		if (by_itself && outcome.step < won) {
			won = outcome.step;
			winner = i;
		}
	}
	group_begin(group);
	group_run(group, SELECT);
	CHECK_EQ(group->selection.winner, winner);
	group_check(group, earlier(group->cancelled, won));
}

TEST(b44_select_of_every_kind_gives_the_first_to_end_and_unwinds_the_others)
{
	for_each_group(check_select);
}

/* A branch that gives -ECANCELED of its own accord has ended like any other. */
TEST(select_is_won_by_a_branch_that_was_cancelled_elsewhere)
{
	struct group group = { .count = 2,
		.cancelled = NEVER,
		.plans = { { .end = 2, .result = 7 }, { .end = 1, .result = -ECANCELED } } };

	group_begin(&group);
	group_run(&group, SELECT);
	CHECK_EQ(group.selection.winner, 1);
	CHECK_EQ(group.frames[0].args.result, -ECANCELED);
}

/* --- who is polled, and in which order ----------------------------------------------------------- */

static int order[64];
static int order_count;

/* async uint32_t note(number, polls): notes its number at each poll, and ends with the last of them. */
WEFT_ASYNC_2(uint32_t, note, int, int);
struct note__frame {
	struct note__args args;
};

enum weft_poll note__poll(void *frame, struct weft_context *cx)
{
	struct note__frame *f = frame;

	CHECK(order_count < 64);
	order[order_count++] = f->args.p0;
	if (--f->args.p1 <= 0)
		weft_return(f, 0x80000000u);
	weft_context_waker(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(note, 0);

struct notes {
	struct stepper stepper;
	struct note__frame frames[3];
	struct weft_branch branches[3];
};

static void notes_begin(struct notes *notes, int polls)
{
	notes->stepper = stepper_make();
	order_count = 0;
	for (int i = 0; i < 3; i++) {
		note__init(&notes->frames[i].args, i + 1, polls);
		notes->branches[i] = weft_branch_make(&note__async, &notes->frames[i]);
	}
}

static struct weft_context *notes_cx(struct notes *notes)
{
	struct stepper *stepper = &notes->stepper;

	stepper->cx = probe_context(&stepper->probe, &stepper->env, &stepper->strand);
	return &stepper->cx;
}

TEST(b47_join_begins_with_another_branch_at_each_poll)
{
	static const int expected[] = { 1, 2, 3, 2, 3, 1, 3, 1, 2, 1, 2, 3 };
	struct notes notes;

	notes_begin(&notes, 4);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(weft_join_poll(notes.branches, 3, notes_cx(&notes)), WEFT_PENDING);
	CHECK_EQ(weft_join_poll(notes.branches, 3, notes_cx(&notes)), WEFT_READY);
	CHECK_EQ(order_count, 12);
	CHECK(memcmp(order, expected, sizeof expected) == 0);
	CHECK_EQ(weft_join_poll(notes.branches, 3, notes_cx(&notes)), WEFT_READY);
	CHECK_EQ(order_count, 12); /* nobody was polled again */
}

TEST(b45_select_biased_begins_with_the_first_at_each_poll)
{
	static const int expected[] = { 1, 2, 3, 1, 2, 3, 1 };
	struct weft_selection selection = { .biased = 1 };
	struct notes notes;

	notes_begin(&notes, 3);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(weft_select_poll(notes.branches, 3, notes_cx(&notes), &selection),
				WEFT_PENDING);
	/* the others, once they are cancelled, end at the poll that would have been their last */
	CHECK_EQ(weft_select_poll(notes.branches, 3, notes_cx(&notes), &selection), WEFT_READY);
	CHECK_EQ(selection.winner, 0);
	CHECK(memcmp(order, expected, sizeof expected) == 0);
	CHECK_EQ(order_count, 9);
}

static uint32_t drawn; /* what the next draw gives */

static uint32_t draw_fixed(const struct weft_env *env)
{
	(void)env;
	return drawn;
}

TEST(b45_select_begins_where_the_runtime_draws)
{
	for (int first = 0; first < 3; first++) {
		struct weft_selection selection = WEFT_SELECTION_INIT;
		struct notes notes;

		notes_begin(&notes, 1);
		notes.stepper.env.env.draw = draw_fixed;
		drawn = first == 2 ? UINT32_MAX : UINT32_MAX / 3 * (uint32_t)first + 2;
		CHECK_EQ(weft_select_poll(notes.branches, 3, notes_cx(&notes), &selection),
				WEFT_READY);
		CHECK_EQ(selection.winner, first);
		CHECK_EQ(order[0], first + 1);
		CHECK_EQ(order_count, 3);
	}
}

/* With branches that are always ready, each wins its share; the second sequence is not the first. */
TEST(b45_select_outside_a_runtime_is_fair)
{
	int won[3] = { 0, 0, 0 };

	for (int i = 0; i < 3000; i++) {
		struct weft_selection selection = WEFT_SELECTION_INIT;
		struct notes notes;

		notes_begin(&notes, 1);
		CHECK_EQ(weft_select_poll(notes.branches, 3, notes_cx(&notes), &selection),
				WEFT_READY);
		won[selection.winner]++;
	}
	for (int i = 0; i < 3; i++)
		CHECK(won[i] > 800 && won[i] < 1200);
}

TEST(b46_select_never_polls_a_disabled_branch)
{
	for (unsigned mask = 0; mask < 7; mask++) {
		struct weft_selection selection = WEFT_SELECTION_INIT;
		struct notes notes;

		notes_begin(&notes, 1);
		for (unsigned i = 0; i < 3; i++)
			if (mask & 1u << i)
				weft_branch_disable(&notes.branches[i]);
		CHECK_EQ(weft_select_poll(notes.branches, 3, notes_cx(&notes), &selection),
				WEFT_READY);
		CHECK(!(mask & 1u << selection.winner));
		CHECK_EQ(order_count, 3 - __builtin_popcount(mask));
		for (int i = 0; i < order_count; i++)
			CHECK(!(mask & 1u << (order[i] - 1)));
	}
}

TEST(b46_select_of_disabled_branches_gives_einval)
{
	struct weft_selection selection = WEFT_SELECTION_INIT;
	struct notes notes;

	notes_begin(&notes, 1);
	for (int i = 0; i < 3; i++)
		weft_branch_disable(&notes.branches[i]);
	CHECK_EQ(weft_select_poll(notes.branches, 3, notes_cx(&notes), &selection), WEFT_READY);
	CHECK_EQ(selection.winner, -EINVAL);
	CHECK_EQ(order_count, 0);
}

/* Its result is a number below 0 only for those who read it wrong. */
TEST(try_join_takes_no_unsigned_result_for_an_error)
{
	struct notes notes;
	int first_error = 0;

	notes_begin(&notes, 1);
	CHECK_EQ(weft_try_join_poll(notes.branches, 3, notes_cx(&notes), &first_error), WEFT_READY);
	CHECK_EQ(first_error, 0);
}

TEST(join_of_nothing_is_ready)
{
	struct weft_selection selection = WEFT_SELECTION_INIT;
	struct notes notes;
	int first_error = 0;

	notes_begin(&notes, 1);
	CHECK_EQ(weft_join_poll(NULL, 0, notes_cx(&notes)), WEFT_READY);
	CHECK_EQ(weft_try_join_poll(NULL, 0, notes_cx(&notes), &first_error), WEFT_READY);
	CHECK_EQ(weft_select_poll(NULL, 0, notes_cx(&notes), &selection), WEFT_READY);
	CHECK_EQ(selection.winner, -EINVAL);
}

/* A function that cannot say that it was cancelled wins by having ended. */
TEST(select_that_is_cancelled_is_won_by_a_result_that_cannot_say_so)
{
	struct weft_selection selection = { .biased = 1 };
	struct plan plan = { .end = NEVER, .result = 7 };
	struct follow__frame follow;
	struct weft_branch branches[2];
	struct notes notes;
	struct weft_context *cx;

	notes_begin(&notes, 1);
	follow__init(&follow.args, &plan, 0);
	branches[0] = weft_branch_make(&follow__async, &follow);
	branches[1] = notes.branches[1];
	now = 0;
	cx = notes_cx(&notes);
	cx->cancelled = 1;
	CHECK_EQ(weft_select_poll(branches, 2, cx, &selection), WEFT_READY);
	CHECK_EQ(follow.args.result, -ECANCELED);
	CHECK_EQ(selection.winner, 1);
}

/* --- the budget ---------------------------------------------------------------------------------- */

/* async int take(count, limit): takes what is always there, until it has taken so much of it. */
WEFT_ASYNC_2(int, take, int *, int);
struct take__frame {
	struct take__args args;
};

enum weft_poll take__poll(void *frame, struct weft_context *cx)
{
	struct take__frame *f = frame;

	while (*f->args.p0 < f->args.p1) {
		if (!weft_context_charge(cx))
			return WEFT_PENDING;
		++*f->args.p0;
	}
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_LEAF(take, WEFT_ASYNC_RESULT_INT);

/* B47: the greedy first branch does not starve the others. */
TEST(b47_join_shares_the_budget_by_turns)
{
	struct stepper stepper = stepper_make();
	struct take__frame frames[3];
	struct weft_branch branches[3];
	int taken[3] = { 0, 0, 0 };

	for (int i = 0; i < 3; i++) {
		take__init(&frames[i].args, &taken[i], 10 * WEFT_BUDGET);
		branches[i] = weft_branch_make(&take__async, &frames[i]);
	}
	for (int polls = 0; polls < 9; polls++) {
		stepper.cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
		CHECK_EQ(weft_join_poll(branches, 3, &stepper.cx), WEFT_PENDING);
		CHECK(stepper.cx.self_woken);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(taken[i], 3 * WEFT_BUDGET);
}

/* B40: a select in a loop gives way after 128 completions, even if a branch is ready without a leaf. */
TEST(b40_select_is_pending_when_the_budget_is_spent)
{
	struct notes notes;
	struct weft_context *cx;
	int taken = 0;

	notes_begin(&notes, 1);
	cx = notes_cx(&notes);
	for (int i = 1;; i++) {
		struct weft_selection selection = WEFT_SELECTION_INIT;
		struct weft_branch branches[2];
		struct take__frame frame;

		order_count = 0;
		take__init(&frame.args, &taken, i);
		note__init(&notes.frames[0].args, 1, 1);
		branches[0] = weft_branch_make(&take__async, &frame);
		branches[1] = weft_branch_make(&note__async, &notes.frames[0]);
		if (weft_select_poll(branches, 2, cx, &selection) == WEFT_READY)
			continue;
		CHECK_EQ(i, WEFT_BUDGET + 1);
		CHECK(cx->self_woken);
		CHECK_EQ(order_count, 0);
		break;
	}
}

/* --- frames -------------------------------------------------------------------------------------- */

/* B49: what a join or select adds to a frame. */
_Static_assert(sizeof(struct weft_branch) <= 4 * sizeof(void *), "three words, and flags");
_Static_assert(sizeof(struct weft_selection) <= 8, "a number, and flags");

TEST(b49_frames_for_branches_are_aligned_and_given_back)
{
	for (uint32_t align = 1; align <= 64; align *= 2) {
		struct stepper stepper = stepper_make();
		struct weft_async async = dive__async;
		void *frame;

		async.frame_align = align;
		stepper.cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
		frame = weft_frame_alloc(&stepper.cx, &async);
		CHECK(frame != NULL);
		CHECK_EQ((uintptr_t)frame % align, 0);
		CHECK_EQ(((struct weft_frame *)frame)->at, 0);
		CHECK(!stepper.strand.innermost); /* it is on no strand */
		memset(frame, 0x5a, async.frame_size);
		weft_frame_free(&stepper.cx, frame);
		weft_frame_free(&stepper.cx, NULL);
		CHECK(stepper_is_clean(&stepper));
		stepper.env.fail_after = 0;
		CHECK(weft_frame_alloc(&stepper.cx, &async) == NULL);
	}
}

TEST(frames_for_branches_need_a_runtime)
{
	struct stepper stepper = stepper_make();

	stepper.cx = probe_context(&stepper.probe, NULL, &stepper.strand);
	CHECK(weft_frame_alloc(&stepper.cx, &dive__async) == NULL);
}

enum { NAP_NS = 500 };

/* Design, section 3: no frame for a branch is a result of the branch. */
TEST(branches_without_memory_end_with_enomem)
{
	struct stepper stepper = stepper_make();
	struct weft_branch branches[2];
	struct weft_selection selection = { .winner = -1, .biased = 1 };
	struct weft_sleep__frame nap;
	int first_error = 0;

	stepper.cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
	for (int round = 0; round < 2; round++) {
		weft_sleep__init(&nap.args, NAP_NS);
		branches[1] = weft_branch_make(&weft_sleep__async, &nap);
		branches[0] = weft_branch_make(
				&weft_no_memory__async, (void *)&weft_no_memory_frame);
		if (round == 0)
			CHECK_EQ(weft_select_poll(branches, 2, &stepper.cx, &selection),
					WEFT_READY);
		else
			CHECK_EQ(weft_try_join_poll(branches, 2, &stepper.cx, &first_error),
					WEFT_READY);
		CHECK_EQ(nap.args.result, -ECANCELED);
	}
	CHECK_EQ(selection.winner, 0);
	CHECK_EQ(first_error, -ENOMEM);
	CHECK(stepper_is_clean(&stepper));
}

static void tell_parent(const struct weft_async *async)
{
	CHECK(async == &dive__async);
	fputs("the handler was called\n", stderr);
}

TEST(out_of_memory_calls_the_handler_and_aborts)
{
	CHECK_ABORTS(weft_out_of_memory(&dive__async));
	weft_set_out_of_memory_handler(tell_parent);
	CHECK_ABORTS(weft_out_of_memory(&dive__async));
	weft_set_out_of_memory_handler(NULL);
	CHECK_ABORTS(weft_out_of_memory(&dive__async));
}

/* --- the sweep: branches of timers and of frames of their own, interrupted everywhere ------------ */

/* async int race(kind): a recursive callee and two naps, side by side. */
WEFT_ASYNC_2(int, race, enum combinator, struct gate *);
struct race__frame {
	struct race__args args;
	struct weft_branch branches[3];
	struct weft_selection selection;
	struct dive__frame *dive;
	struct weft_sleep__frame naps[2];
	int first_error;
};

static bool race_begin(struct race__frame *f, struct weft_context *cx)
{
	f->dive = weft_frame_alloc(cx, &dive__async);
	if (!f->dive)
		return false;
	dive__init(&f->dive->args, 2, f->args.p1);
	f->branches[0] = weft_branch_make(&dive__async, f->dive);
	for (int i = 0; i < 2; i++) {
		weft_sleep__init(&f->naps[i].args, NAP_NS * (i + 1));
		f->branches[i + 1] = weft_branch_make(&weft_sleep__async, &f->naps[i]);
	}
	f->selection = (struct weft_selection)WEFT_SELECTION_INIT;
	f->first_error = 0;
	return true;
}

static enum weft_poll race_go_on(struct race__frame *f, struct weft_context *cx)
{
	switch (f->args.p0) {
	case JOIN:
		return weft_join_poll(f->branches, 3, cx);
	case TRY_JOIN:
		return weft_try_join_poll(f->branches, 3, cx, &f->first_error);
	default:
		return weft_select_poll(f->branches, 3, cx, &f->selection);
	}
}

enum weft_poll race__poll(void *frame, struct weft_context *cx)
{
	struct race__frame *f = frame;

	if (f->args.base.at == 0 && !race_begin(f, cx))
		weft_return(f, -ENOMEM);
	f->args.base.at = 1;
	if (race_go_on(f, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	weft_frame_free(cx, f->dive);
	weft_return(f, f->args.p0 == SELECT ? f->selection.winner : f->first_error);
}

WEFT_ASYNC_DEFINE(race, WEFT_ASYNC_RESULT_INT);

struct race_world {
	struct weft_wheel wheel;
	struct gate gate; /* opens when a nap ends, whose timer wakes who waits at it */
};

static void race_set_up(struct sweep *sweep, enum combinator combinator)
{
	struct race_world *world = sweep->world;

	weft__wheel_init(&world->wheel, 0);
	sweep->env.env.wheel = &world->wheel;
	world->gate = (struct gate){ .waits = 2 };
	race__init(sweep->frame, combinator, &world->gate);
}

static void join_set_up(struct sweep *sweep)
{
	race_set_up(sweep, JOIN);
}

static void try_join_set_up(struct sweep *sweep)
{
	race_set_up(sweep, TRY_JOIN);
}

static void select_set_up(struct sweep *sweep)
{
	race_set_up(sweep, SELECT);
}

static bool race_advance(struct sweep *sweep)
{
	struct race_world *world = sweep->world;

	sweep->env.now_ns += NAP_NS / 2;
	if (sweep->env.now_ns % NAP_NS == 0)
		world->gate.open++;
	weft__wheel_expire(&world->wheel, sweep->env.now_ns);
	return sweep->env.now_ns < 10 * NAP_NS;
}

static const char *join_check(struct sweep *sweep)
{
	struct race__frame *f = sweep->frame;

	SWEEP_EXPECT(sweep_result(sweep) == 0 || sweep->fail_after == 0);
	if (sweep_is_plain(sweep))
		SWEEP_EXPECT(f->naps[0].args.result == 0 && f->naps[1].args.result == 0);
	return NULL;
}

static const char *try_join_check(struct sweep *sweep)
{
	int result = sweep_result(sweep);

	if (sweep_is_plain(sweep))
		SWEEP_EXPECT(result == 0);
	else
		SWEEP_EXPECT(result == 0 || result == -ECANCELED || result == -ENOMEM);
	return NULL;
}

static const char *select_check(struct sweep *sweep)
{
	struct race__frame *f = sweep->frame;
	int result = sweep_result(sweep);

	if (sweep_is_plain(sweep))
		SWEEP_EXPECT(result == 1);
	else if (result == -ECANCELED)
		SWEEP_EXPECT(sweep->cancelled);
	else if (result > 0)
		SWEEP_EXPECT(f->naps[result - 1].args.result == 0);
	else /* its frame, or one below it, could not be had */
		SWEEP_EXPECT(sweep->fail_after != SWEEP_NEVER);
	return NULL;
}

#define RACE_SCENARIO(kind)                                                                        \
	(const struct sweep_scenario)                                                              \
	{                                                                                          \
		.name = #kind, .async = &race__async, .world_bytes = sizeof(struct race_world),    \
		.set_up = kind##_set_up, .advance = race_advance, .check = kind##_check            \
	}

TEST(join_survives_being_interrupted_anywhere)
{
	struct sweep_result result = sweep(&RACE_SCENARIO(join));

	CHECK_EQ(result.suspensions, 2);
	CHECK_EQ(result.allocations, 3);
}

TEST(try_join_survives_being_interrupted_anywhere)
{
	CHECK_EQ(sweep(&RACE_SCENARIO(try_join)).suspensions, 2);
}

TEST(select_survives_being_interrupted_anywhere)
{
	CHECK_EQ(sweep(&RACE_SCENARIO(select)).suspensions, 1);
}
