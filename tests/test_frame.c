/* SPDX-License-Identifier: MIT */
/* Frames of their own and strands, stepped by hand: no executor. dive.h has the recursive function that
 * most of these tests poll. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/frame.h>

#include "dive.h"
#include "test.h"

/* Frames of one strand are freed in reverse order, so a million of them fit into a simple stack. */
static struct {
	char *memory;
	size_t used, bytes;
} stack;

static void *stack_allocate(const struct weft_env *env, size_t bytes, size_t align)
{
	(void)env;
	CHECK(align <= 16);
	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > stack.bytes - stack.used)
		return NULL;
	stack.used += bytes;
	return stack.memory + stack.used - bytes;
}

static void stack_release(const struct weft_env *env, void *memory, size_t bytes, size_t align)
{
	(void)env;
	(void)align;
	bytes = (bytes + 15) & ~(size_t)15;
	CHECK(stack.used >= bytes);
	CHECK((char *)memory == stack.memory + stack.used - bytes);
	stack.used -= bytes;
}

static void stack_start(struct stepper *stepper, size_t frames)
{
	stack.bytes = frames *
			((sizeof(struct weft_link) + sizeof(struct dive__frame) + 15) &
					~(size_t)15);
	stack.used = 0;
	stack.memory = malloc(stack.bytes);
	CHECK(stack.memory != NULL);
	stepper->env.env.allocate = stack_allocate;
	stepper->env.env.release = stack_release;
}

static void stack_end(void)
{
	CHECK_EQ(stack.used, 0);
	free(stack.memory);
}

/* --- strands ------------------------------------------------------------------------------------ */

TEST(strand_carries_results_up_without_a_suspension)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .open = 3, .waits = 3 };
	struct dive__frame dive;

	dive__init(&dive.args, 5, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(dive.args.result, 5);
	CHECK_EQ(stepper.env.allocations, 5);
	CHECK_EQ(seen.polls, 6 + 3);
	CHECK(stepper_is_clean(&stepper));
}

TEST(strand_carries_results_up_after_suspensions_at_the_bottom)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 3 };
	struct dive__frame dive;

	dive__init(&dive.args, 5, &gate);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
		CHECK(stepper.cx.waker_taken);
		CHECK_EQ(stepper.env.live_blocks, 5);
		gate.open = 1;
	}
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(dive.args.result, 5);
	CHECK(stepper_is_clean(&stepper));
}

/* Polls of one resume of a dive this deep. */
static unsigned polls_of_a_resume(int depth)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 3 };
	struct dive__frame dive;
	unsigned polls;

	stack_start(&stepper, (size_t)depth);
	dive__init(&dive.args, depth, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
	seen.polls = 0;
	gate.open = 1;
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
	polls = seen.polls;
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING); /* spurious */
	CHECK_EQ(seen.polls, polls + 2);
	gate.open = 2;
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(dive.args.result, depth);
	CHECK(!stepper.strand.innermost);
	stack_end();
	return polls;
}

/* Row S1-14. */
TEST(strand_resumes_in_as_many_polls_at_depth_100000_as_at_10)
{
	/* the innermost frame; the gate it waits for; the gate it waits for next */
	CHECK_EQ(polls_of_a_resume(10), 3);
	CHECK_EQ(polls_of_a_resume(100000), 3);
}

/* Rows S2-66, S4-30 and S4-31. */
TEST(strand_a_million_deep_leaves_the_c_stack_alone)
{
	enum { DEPTH = 1000000 };
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 4 };
	struct dive__frame dive;

	stack_start(&stepper, DEPTH);
	dive__init(&dive.args, DEPTH, &gate);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
		gate.open = 1;
	}
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(dive.args.result, DEPTH);
	CHECK(seen.stack_high - seen.stack_low < 64 * 1024);
	/* one poll to go down, one to come back, and the gate's; the limit costs nothing more */
	CHECK(seen.polls <= 2 * DEPTH + 16);
	stack_end();
}

TEST(strand_descends_directly_32_levels_at_most)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .open = 1, .waits = 1 };
	struct dive__frame dive;

	dive__init(&dive.args, 31, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(seen.nested_max, 33); /* root, 31 frames, gate: all nested */
	CHECK_EQ(seen.polls, 33);

	stepper = stepper_make();
	gate.open = 1;
	dive__init(&dive.args, 200, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(dive.args.result, 200);
	CHECK_EQ(seen.nested_max, 33);
	CHECK(stepper_is_clean(&stepper));
}

TEST(frame_without_memory_gives_enomem_at_every_depth)
{
	for (int room = 0; room <= 40; room++) {
		struct stepper stepper = stepper_make();
		struct gate gate = { .open = 1, .waits = 1 };
		struct dive__frame dive;

		stepper.env.fail_after = room;
		dive__init(&dive.args, 40, &gate);
		CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
		CHECK_EQ(dive.args.result, room < 40 ? WEFT_ENOMEM : 40);
		CHECK_EQ(stepper.env.allocations, room);
		CHECK(stepper_is_clean(&stepper));
	}
	CHECK_EQ(WEFT_ENOMEM, -ENOMEM);
}

TEST(frame_without_services_gives_enomem)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .open = 1, .waits = 1 };
	struct dive__frame dive;

	stepper.cx = probe_context(&stepper.probe, NULL, &stepper.strand);
	dive__init(&dive.args, 1, &gate);
	CHECK_EQ(weft_strand_poll(&stepper.strand, &dive__async, &dive, &stepper.cx), WEFT_READY);
	CHECK_EQ(dive.args.result, -ENOMEM);
}

TEST(frame_cancelled_at_the_bottom_unwinds_to_the_top)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 2 };
	struct dive__frame dive;

	dive__init(&dive.args, 100, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
	stepper.cancelled = true;
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_EQ(dive.args.result, -ECANCELED);
	CHECK(stepper_is_clean(&stepper));
}

/* --- a frame of its own below an embedded one, one after the other, over-aligned ---------------- */

/* async int expedition(dives, gate): an embedded child that dives again and again. */
WEFT_ASYNC_2(int, tour, int, struct gate *);
struct tour__frame {
	struct tour__args args;
	struct dive__args *dive;
	int i, result, sum;
};

enum weft_poll tour__poll(void *frame, struct weft_context *cx)
{
	struct tour__frame *f = frame;

	weft_begin(f);
	f->sum = 0;
	for (f->i = 1; f->i <= f->args.p0; f->i++) {
		weft_await_own(f, f->dive, &f->result, dive, f->i, f->args.p1);
		if (f->result < 0)
			weft_return(f, f->result);
		f->sum += f->result;
	}
	weft_return(f, f->sum);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(tour, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_2(int, expedition, int, struct gate *);
struct expedition__frame {
	struct expedition__args args;
	struct tour__frame tour;
};

enum weft_poll expedition__poll(void *frame, struct weft_context *cx)
{
	struct expedition__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->tour, tour, f->args.p0, f->args.p1);
	weft_return(f, f->tour.args.result);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(expedition, WEFT_ASYNC_RESULT_INT);

TEST(frame_of_its_own_below_an_embedded_one_returns_to_it)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 1 };
	struct expedition__frame expedition;

	expedition__init(&expedition.args, 4, &gate);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(step(&stepper, &expedition__async, &expedition), WEFT_PENDING);
		CHECK_EQ(stepper.env.live_blocks, i + 2); /* this dive's, and no other's */
		gate.open = 1;
	}
	CHECK_EQ(step(&stepper, &expedition__async, &expedition), WEFT_READY);
	CHECK_EQ(expedition.args.result, 1 + 2 + 3 + 4);
	CHECK(stepper_is_clean(&stepper));
}

/* Dives of depth 1 to 30 go straight down, each of them: what has ended does not count as depth. */
TEST(frames_of_their_own_are_polled_once_each_one_after_the_other)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 0 };
	struct tour__frame tour;

	tour__init(&tour.args, 30, &gate);
	CHECK_EQ(step(&stepper, &tour__async, &tour), WEFT_READY);
	CHECK_EQ(tour.args.result, 30 * 31 / 2);
	CHECK_EQ(seen.polls, 30 * 31 / 2 + 30);
}

WEFT_ASYNC_0(int, wide);
struct wide__frame {
	struct wide__args args;
	_Alignas(64) char line[64];
};

enum weft_poll wide__poll(void *frame, struct weft_context *cx)
{
	struct wide__frame *f = frame;

	(void)cx;
	memset(f->line, 7, sizeof f->line);
	weft_return(f, (int)((uintptr_t)f % 64));
}

WEFT_ASYNC_DEFINE_LEAF(wide, WEFT_ASYNC_RESULT_INT);

TEST(frame_of_its_own_is_aligned_as_its_type)
{
	struct stepper stepper = stepper_make();
	struct wide__frame *wide;

	stepper.cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
	wide = weft_frame_enter(&stepper.cx, &wide__async);
	CHECK(wide != NULL);
	CHECK_EQ(wide->args.base.at, 0);
	wide__init(&wide->args);
	CHECK_EQ(weft_frame_descend(&stepper.cx, wide), WEFT_READY);
	CHECK_EQ(wide->args.result, 0);
	weft_frame_leave(&stepper.cx, wide);
	CHECK(stepper_is_clean(&stepper));
}

/* A child may keep a pointer to a local of its parent: frames do not move. */
WEFT_ASYNC_2(int, add_up, int *, int);
struct add_up__frame {
	struct add_up__args args;
	int i;
};

enum weft_poll add_up__poll(void *frame, struct weft_context *cx)
{
	struct add_up__frame *f = frame;

	if (f->args.base.at == 0)
		f->i = 0;
	f->args.base.at = 1;
	if (f->i == f->args.p1)
		weft_return(f, 0);
	*f->args.p0 += ++f->i;
	weft_context_yield(cx);
	return WEFT_PENDING;
}

WEFT_ASYNC_DEFINE_LEAF(add_up, WEFT_ASYNC_RESULT_INT);

WEFT_ASYNC_1(int, lend_local, int);
struct lend_local__frame {
	struct lend_local__args args;
	struct add_up__frame add_up;
	int sum;
};

enum weft_poll lend_local__poll(void *frame, struct weft_context *cx)
{
	struct lend_local__frame *f = frame;

	weft_begin(f);
	f->sum = 0;
	weft_await(f, f->add_up, add_up, &f->sum, f->args.p0);
	weft_return(f, f->sum);
	weft_end(f);
}

WEFT_ASYNC_DEFINE(lend_local, WEFT_ASYNC_RESULT_INT);

/* Rows S0-20 and S1-31. */
TEST(frame_lends_a_local_to_its_child_over_ten_suspensions)
{
	struct stepper stepper = stepper_make();
	struct lend_local__frame lend;
	char stack_noise[256];

	lend_local__init(&lend.args, 10);
	for (int i = 0; i < 10; i++) {
		memset(stack_noise, i, sizeof stack_noise);
		CHECK_EQ(step(&stepper, &lend_local__async, &lend), WEFT_PENDING);
		CHECK(stepper.cx.self_woken);
	}
	CHECK_EQ(step(&stepper, &lend_local__async, &lend), WEFT_READY);
	CHECK_EQ(lend.args.result, 55);
}

/* --- misuse ------------------------------------------------------------------------------------- */

/* Row S0-17. */
TEST(misuse_polling_after_the_end_aborts)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .open = 1, .waits = 1 };
	struct dive__frame dive;

	dive__init(&dive.args, 0, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
	CHECK_ABORTS((void)step(&stepper, &dive__async, &dive));
}

TEST(misuse_of_a_frame_that_was_overwritten_aborts)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 1 };
	struct dive__frame dive;

	dive__init(&dive.args, 0, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
	dive.args.base.at = 1;
	CHECK_ABORTS((void)step(&stepper, &dive__async, &dive));
}

#ifdef WEFT_CHECKED
/* Rows S0-19 and S0-21. */
TEST(misuse_moving_a_frame_that_was_polled_aborts)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 1 };
	struct dive__frame dive, moved;

	dive__init(&dive.args, 0, &gate);
	moved = dive; /* not polled yet: it may move */
	CHECK_EQ(step(&stepper, &dive__async, &moved), WEFT_PENDING);
	dive = moved;
	CHECK_ABORTS((void)step(&stepper, &dive__async, &dive));
}
#endif

/* A driver must poll the strand: its root, polled while a frame of its own waits, would take that for
 * ready. */
TEST(misuse_polling_the_root_instead_of_the_strand_aborts)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 1 };
	struct dive__frame dive;

	dive__init(&dive.args, 1, &gate);
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_PENDING);
	CHECK_ABORTS((void)dive__poll(&dive, &stepper.cx));
	gate.open = 1;
	CHECK_EQ(step(&stepper, &dive__async, &dive), WEFT_READY);
}

TEST(misuse_polling_a_strand_with_the_context_of_another_aborts)
{
	struct stepper stepper = stepper_make();
	struct weft_strand other = { NULL };
	struct gate gate = { .waits = 1 };
	struct dive__frame dive;

	dive__init(&dive.args, 0, &gate);
	stepper.cx = probe_context(&stepper.probe, &stepper.env, &other);
	CHECK_ABORTS((void)!weft_strand_poll(&stepper.strand, &dive__async, &dive, &stepper.cx));
}

/* async int desert(gate): ends while its child still waits. */
WEFT_ASYNC_1(int, desert, struct gate *);
struct desert__frame {
	struct desert__args args;
	struct dive__args *dive;
};

enum weft_poll desert__poll(void *frame, struct weft_context *cx)
{
	struct desert__frame *f = frame;

	f->dive = weft_frame_enter(cx, &dive__async);
	CHECK(f->dive != NULL);
	dive__init(f->dive, 0, f->args.p0);
	CHECK_EQ(weft_frame_descend(cx, f->dive), WEFT_PENDING);
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE(desert, WEFT_ASYNC_RESULT_INT);

TEST(misuse_ending_before_a_child_of_its_own_aborts)
{
	struct stepper stepper = stepper_make();
	struct gate gate = { .waits = 1 };
	struct desert__frame desert;

	desert__init(&desert.args, &gate);
	CHECK_ABORTS((void)step(&stepper, &desert__async, &desert));
}

TEST(verify_accepts_what_belongs_together_and_aborts_otherwise)
{
	struct weft_embedded inner_embeds = { &gate_pass__async, sizeof(struct gate_pass__frame) };
	struct weft_async inner = dive__async;
	struct weft_embedded outer_embeds = { &inner, sizeof(struct dive__frame) };
	struct weft_async outer = expedition__async;

	inner.embedded = &inner_embeds;
	outer.embedded = &outer_embeds;
	inner.embedded_count = outer.embedded_count = 1;
	weft_async_verify(&outer);

	outer_embeds.frame_size += 8;
	CHECK_ABORTS(weft_async_verify(&outer));
	outer_embeds.frame_size -= 8;
	inner_embeds.frame_size += 8; /* two libraries further down */
	CHECK_ABORTS(weft_async_verify(&outer));
	inner_embeds.frame_size -= 8;
	inner.abi++;
	CHECK_ABORTS(weft_async_verify(&outer));
	inner.abi--;
	outer.magic = 0;
	CHECK_ABORTS(weft_async_verify(&outer));
	outer.magic = WEFT_ASYNC_MAGIC;
	weft_async_verify(&outer);
}

TEST(misuse_entering_something_that_is_no_descriptor_aborts)
{
	struct stepper stepper = stepper_make();
	struct weft_async code = { 0 };

	stepper.cx = probe_context(&stepper.probe, &stepper.env, &stepper.strand);
	CHECK_ABORTS((void)!weft_frame_enter(&stepper.cx, &code));
}
