/* SPDX-License-Identifier: MIT */
/* Cancellation tokens, polled by hand (behaviour 37): who is below is cancelled, who is above is not;
 * all short sequences of calls on a small tree against an oracle; what happens while many are being
 * woken; cancellation of the wait itself at every point. */
#include <errno.h>

#include <weft/cancel_token.h>

#include "listener.h"
#include "sweep.h"

LISTENER(weft_cancel_token_wait, struct weft_cancel_token)

/* ---- the tree ---- */

static struct weft_cancel_token stop = WEFT_CANCEL_TOKEN_INIT;

TEST(b37_token_cancels_what_is_below_and_nothing_above)
{
	struct weft_cancel_token middle, leaf, sibling;

	weft_cancel_token_init_child(&middle, &stop);
	weft_cancel_token_init_child(&leaf, &middle);
	weft_cancel_token_init_child(&sibling, &stop);
	weft_cancel_token_cancel(&middle);
	CHECK(weft_cancel_token_is_cancelled(&middle));
	CHECK(weft_cancel_token_is_cancelled(&leaf));
	CHECK(!weft_cancel_token_is_cancelled(&sibling));
	CHECK(!weft_cancel_token_is_cancelled(&stop));
	weft_cancel_token_cancel(&stop);
	CHECK(weft_cancel_token_is_cancelled(&sibling));
	weft_cancel_token_finish(&leaf);
	weft_cancel_token_finish(&middle);
	weft_cancel_token_finish(&sibling);
	weft_cancel_token_finish(&stop);
	weft_cancel_token_finish(&stop);
	CHECK(weft_cancel_token_is_cancelled(&stop));
}

TEST(b37_grandchild_is_cancelled_through_a_finished_parent)
{
	struct weft_cancel_token root = WEFT_CANCEL_TOKEN_INIT, *middle = malloc(sizeof *middle),
				 leaf[3];
	struct listener listener;

	CHECK(middle);
	weft_cancel_token_init_child(middle, &root);
	for (int i = 0; i < 3; i++)
		weft_cancel_token_init_child(&leaf[i], middle);
	listener_init(&listener, &leaf[1]);
	CHECK_EQ(listener_poll(&listener, false), WEFT_PENDING);
	weft_cancel_token_finish(middle); /* is no cancel */
	free(middle);
	for (int i = 0; i < 3; i++)
		CHECK(!weft_cancel_token_is_cancelled(&leaf[i]));
	CHECK_EQ(probe_wakes(&listener.probe), 0);
	weft_cancel_token_finish(&leaf[2]);
	weft_cancel_token_cancel(&root);
	CHECK(weft_cancel_token_is_cancelled(&leaf[0]) &&
			!weft_cancel_token_is_cancelled(&leaf[2]));
	CHECK_EQ(probe_wakes(&listener.probe), 1);
	CHECK(listener_ends_with(&listener, 0));
	weft_cancel_token_finish(&leaf[0]);
	weft_cancel_token_finish(&leaf[1]);
}

TEST(b37_child_of_a_cancelled_token_is_born_cancelled)
{
	struct weft_cancel_token root = WEFT_CANCEL_TOKEN_INIT, child;
	struct listener listener;

	weft_cancel_token_cancel(&root);
	weft_cancel_token_init_child(&child, &root);
	CHECK(weft_cancel_token_is_cancelled(&child));
	listener_init(&listener, &child);
	CHECK(listener_ends_with(&listener, 0)); /* at its first poll */
	listener_init(&listener, &child);
	CHECK_EQ(listener_poll(&listener, true),
			WEFT_READY); /* the task's own cancellation comes first */
	CHECK_EQ(listener.frame.args.result, -ECANCELED);
	weft_cancel_token_finish(&child);
}

/* ---- every order: a root, two below it and one below the first of these; a wait for each ---- */

enum { TOKENS = 4, FINISHED_ONE = 1, STEPS = 6 };
enum {
	DO_CANCEL,
	DO_POLL = TOKENS,
	DO_POLL_CANCELLED = 2 * TOKENS,
	DO_FINISH = 3 * TOKENS,
	OPERATIONS
};

static const int parent_of[TOKENS] = { -1, 0, 0, 1 };

enum fate { FRESH, WAITS, WOKEN, ENDED };

struct world {
	struct weft_cancel_token tokens[TOKENS];
	struct listener listeners[TOKENS];
	bool cancelled[TOKENS], finished;
	enum fate fate[TOKENS];
	int result[TOKENS];
	unsigned wakes[TOKENS];
};

static bool is_below(int token, int root)
{
	while (token >= 0 && token != root)
		token = parent_of[token];
	return token >= 0;
}

static void oracle_cancel(struct world *world, int root)
{
	for (int i = 0; i < TOKENS; i++)
		if (is_below(i, root) && !(world->finished && root == FINISHED_ONE && i != root) &&
				!(world->finished && root == 0 && i == FINISHED_ONE)) {
			world->cancelled[i] = true;
			if (world->fate[i] == WAITS) {
				world->wakes[i]++;
				world->fate[i] = WOKEN;
			}
		}
}

static void oracle_poll(struct world *world, int who, bool cancelled)
{
	if (!cancelled && !world->cancelled[who]) {
		world->fate[who] = WAITS;
		return;
	}
	world->fate[who] = ENDED;
	world->result[who] = cancelled ? -ECANCELED : 0;
}

static bool step(struct world *world, int operation)
{
	int who = operation % TOKENS;

	if (operation == DO_FINISH) {
		if (world->finished || world->fate[FINISHED_ONE] == WAITS)
			return false;
		weft_cancel_token_finish(&world->tokens[FINISHED_ONE]);
		world->finished = true;
	} else if (operation < DO_POLL) {
		weft_cancel_token_cancel(&world->tokens[who]);
		oracle_cancel(world, who);
	} else if (world->fate[who] == ENDED) {
		return false;
	} else {
		listener_poll(&world->listeners[who], operation >= DO_POLL_CANCELLED);
		oracle_poll(world, who, operation >= DO_POLL_CANCELLED);
	}
	return true;
}

static void compare(const struct world *world)
{
	for (int i = 0; i < TOKENS; i++) {
		const struct listener *listener = &world->listeners[i];

		CHECK_EQ(weft_cancel_token_is_cancelled(&world->tokens[i]), world->cancelled[i]);
		CHECK_EQ(probe_wakes(&listener->probe), world->wakes[i]);
		CHECK_EQ(listener->frame.args.base.at == WEFT_AT_DONE, world->fate[i] == ENDED);
		if (world->fate[i] == ENDED)
			CHECK_EQ(listener->frame.args.result, world->result[i]);
	}
}

static void run_order(int order)
{
	struct world world = { .fate = { FRESH } };

	for (int i = 0; i < TOKENS; i++) {
		if (i == 0)
			weft_cancel_token_init(&world.tokens[i]);
		else
			weft_cancel_token_init_child(&world.tokens[i], &world.tokens[parent_of[i]]);
		listener_init(&world.listeners[i], &world.tokens[i]);
	}
	for (int i = 0; i < STEPS; i++, order /= OPERATIONS) {
		if (!step(&world, order % OPERATIONS))
			return;
		compare(&world);
	}
}

TEST(b37_token_agrees_with_a_tree_in_every_order)
{
	const int orders = test_orders(OPERATIONS, STEPS);

	for (int order = 0; order < orders; order += ORDER_STRIDE)
		run_order(order);
}

/* ---- while many are being woken ---- */

enum { MANY = 40 };

static struct weft_cancel_token crowded, homes[MANY];
static struct listener crowd[MANY];
static bool is_busy;

/* Between two steps of a cancel: all are cancelled by now, and one may leave, and another be finished. */
static void meddle(struct probe *probe)
{
	struct weft_cancel_token late;

	(void)probe;
	if (is_busy)
		return;
	is_busy = true;
	for (int i = 0; i < MANY; i++)
		CHECK(weft_cancel_token_is_cancelled(&homes[i]));
	CHECK(listener_ends_with(&crowd[0], 0)); /* the last in the list: sees for itself */
	weft_cancel_token_finish(&homes[0]);
	CHECK_EQ(listener_poll(&crowd[1], true), WEFT_READY);
	weft_cancel_token_finish(&homes[1]);
	weft_cancel_token_cancel(&crowded);
	weft_cancel_token_cancel(&homes[2]);
	weft_cancel_token_init_child(&late, &homes[2]);
	CHECK(weft_cancel_token_is_cancelled(&late));
	weft_cancel_token_finish(&late);
}

TEST(b37_many_are_cancelled_at_once_and_woken_in_steps)
{
	for (int i = 0; i < MANY; i++) {
		weft_cancel_token_init_child(&homes[i], i % 3 ? &homes[i - 1] : &crowded);
		listener_init(&crowd[i], &homes[i]);
		CHECK_EQ(listener_poll(&crowd[i], false), WEFT_PENDING);
		crowd[i].probe.on_wake = meddle;
	}
	weft_cancel_token_cancel(&crowded);
	CHECK(is_busy);
	for (int i = 2; i < MANY; i++) {
		CHECK_EQ(probe_wakes(&crowd[i].probe), 1);
		CHECK(listener_ends_with(&crowd[i], 0));
		weft_cancel_token_finish(&homes[i]);
	}
	CHECK(!crowded.children);
	weft_cancel_token_finish(&crowded);
}

/* ---- swept ---- */

struct swept_world {
	struct weft_cancel_token root, child;
	struct listener after;
	int steps;
};

static void swept_set_up(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	weft_cancel_token_init(&world->root);
	weft_cancel_token_init_child(&world->child, &world->root);
	listener_init(&world->after, &world->child);
	weft_cancel_token_wait__init(sweep->frame, &world->child);
}

static bool swept_advance(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	if (world->steps++)
		return false;
	CHECK_EQ(listener_poll(&world->after, false), WEFT_PENDING);
	weft_cancel_token_cancel(&world->root);
	return true;
}

static const char *swept_check(struct sweep *sweep)
{
	struct swept_world *world = sweep->world;

	SWEEP_EXPECT(sweep_result(sweep) == (sweep->cancelled ? -ECANCELED : 0));
	swept_advance(sweep);
	SWEEP_EXPECT(probe_wakes(&world->after.probe) == 1);
	SWEEP_EXPECT(listener_ends_with(&world->after, 0));
	SWEEP_EXPECT(!world->child.waiters.oldest);
	weft_cancel_token_finish(&world->child);
	return NULL;
}

static const struct sweep_scenario swept = {
	.name = "cancel_token_wait",
	.async = &weft_cancel_token_wait__async,
	.world_bytes = sizeof(struct swept_world),
	.set_up = swept_set_up,
	.advance = swept_advance,
	.check = swept_check,
};

TEST(b37_token_survives_cancelled_tasks)
{
	CHECK_EQ(sweep(&swept).suspensions, 1);
}
