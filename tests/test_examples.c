/* SPDX-License-Identifier: MIT */
/* Functions of the examples, as the compiler emits them and as they are written by hand, swept: cancelled in
 * each of their states, also before the first poll. What the programs print is compared by ctest. */
#include <errno.h>
#include <string.h>

#include "sweep.h"
#include "test.h"

int inbox_main(void);
int serve_main(void);

#define main inbox_main
#include "../examples/add_to_inbox_states.c" /* NOLINT(bugprone-suspicious-include) */
#undef main
#define main serve_main
#include "../examples/serve_states.c" /* NOLINT(bugprone-suspicious-include) */
#undef main

/* --- add_to_inbox: five states, four ways out --------------------------------------------------- */

struct inbox_case {
	uint64_t message, recipient;
	int result;
	int suspensions;
};

static const struct inbox_case *inbox_case;

static void inbox_set_up(struct sweep *sweep)
{
	add_to_inbox__init(sweep->frame, inbox_case->message, inbox_case->recipient);
}

static bool nothing_advances(struct sweep *sweep)
{
	(void)sweep;
	return false;
}

static const char *inbox_check(struct sweep *sweep)
{
	const struct add_to_inbox__args *args = sweep->frame;

	SWEEP_EXPECT(args->base.at == WEFT_AT_DONE);
	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : inbox_case->result));
	return NULL;
}

static void inbox_ends_in_four_ways(const struct weft_async *async)
{
	static const struct inbox_case cases[] = {
		{ 1, 1, 0, 3 },
		{ 3, 1, -ENOENT, 1 },
		{ 1, 2, -ESRCH, 2 },
		{ 2, 1, -ENOSPC, 2 },
	};
	const struct sweep_scenario inbox = {
		.name = "add_to_inbox",
		.async = async,
		.set_up = inbox_set_up,
		.advance = nothing_advances,
		.check = inbox_check,
	};

	for (inbox_case = cases; inbox_case < cases + 4; inbox_case++) {
		struct sweep_result result = sweep(&inbox);

		CHECK_EQ(result.suspensions, inbox_case->suspensions);
		CHECK_EQ(result.allocations, 0); /* the children are embedded */
	}
}

/* Row S3-18. */
TEST(add_to_inbox_ends_in_four_ways_and_is_cancelled_in_each_state)
{
	inbox_ends_in_four_ways(&add_to_inbox__async);
}

/* Not started, three awaits, completed; each is told by the frame and the table. */
static void inbox_shows_five_states(const struct weft_async *async)
{
	static const char *const children[] = { "load_message", "get_user", "user_add_to_inbox" };
	struct weft_strand strand = { NULL };
	struct probe probe = PROBE;
	struct weft_context cx = probe_context(&probe, NULL, &strand);
	_Alignas(16) char frame[512] = { 0 };
	struct add_to_inbox__args *args = (struct add_to_inbox__args *)frame;

	CHECK(async->frame_size <= sizeof frame);
	CHECK_EQ(async->point_count, 3);
	add_to_inbox__init(args, 1, 1);
	CHECK_EQ(args->base.at, 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct weft_point *point = &async->points[i];

		CHECK_EQ(async->poll(frame, &cx), WEFT_PENDING);
		CHECK_EQ(args->base.at, i + 1);
		CHECK(strcmp(point->child->name, children[i]) == 0);
		/* the child's own state is where the table says: suspended, too */
		CHECK_EQ(((struct weft_frame *)(void *)(frame + point->child_offset))->at, 1);
	}
	CHECK_EQ(async->poll(frame, &cx), WEFT_READY);
	CHECK_EQ(args->base.at, WEFT_AT_DONE);
	CHECK_EQ(args->result, 0);
}

/* Rows S3-21 and S4-28. */
TEST(add_to_inbox_shows_five_states)
{
	inbox_shows_five_states(&add_to_inbox__async);
}

#ifdef WEFT_HAVE_MADE
extern const struct weft_async *const made_add_to_inbox;

TEST(add_to_inbox_as_made_ends_in_four_ways_and_is_cancelled_in_each_state)
{
	inbox_ends_in_four_ways(made_add_to_inbox);
}

TEST(add_to_inbox_as_made_shows_five_states)
{
	inbox_shows_five_states(made_add_to_inbox);
}

/* Row S3-20. The children, all of one size, share their memory. */
TEST(add_to_inbox_as_made_has_room_for_one_child)
{
#if defined(__SANITIZE_ADDRESS__)
	SKIP("there are red zones between them");
#endif
	size_t locals = sizeof(struct message) + sizeof(struct user);
	size_t child = made_add_to_inbox->embedded[0].frame_size;

	weft_async_verify(made_add_to_inbox);
	CHECK_EQ(made_add_to_inbox->embedded_count, 3);
	CHECK(made_add_to_inbox->frame_size <= made_add_to_inbox->args_size + locals + child + 16);
}
#endif

/* --- serve: a client, three pings, then it leaves ----------------------------------------------- */

static const int serve_script[] = { 7, 'p', 'p', 'q' };

static void serve_set_up(struct sweep *sweep)
{
	memset(&arrived, 0, sizeof arrived);
	arrival = 0;
	serve__init(sweep->frame, "port 1");
}

static bool serve_advance(struct sweep *sweep)
{
	int *next = sweep->world;

	if (*next == 4)
		return false;
	interrupt(serve_script[(*next)++]);
	return true;
}

static const char *serve_check(struct sweep *sweep)
{
	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	return NULL;
}

static const struct sweep_scenario serving = {
	.name = "serve",
	.async = &serve__async,
	.world_bytes = sizeof(int),
	.set_up = serve_set_up,
	.advance = serve_advance,
	.check = serve_check,
};

/* Row S0-16. */
TEST(serve_is_cancelled_in_each_state)
{
	CHECK_EQ(sweep(&serving).suspensions, 4);
}
