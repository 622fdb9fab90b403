/* SPDX-License-Identifier: MIT */
/* Scopes: children that end before their parent goes on, on whatever worker, and however they end
 * (behaviours 32, 33; S1-32, S2-26: what Rust has a JoinSet for). */
#include "rig.h"

#include <weft/scope.h>

enum { CHILDREN = 16 };

struct world {
	struct rig_gate gate, never;
	uint32_t started, ended, cancelled;
};

/* ---- children ---- */

/* What a child is given: part of its parent's frame. */
struct errand {
	struct world *world;
	struct weft_scope *scope;
	int depth;
	int result;
	int done;
};

RIG_TASK(ends_at_once, struct errand, )
{
	struct ends_at_once__frame *f = frame;

	(void)cx;
	f->args.p0->done++;
	weft_return(f, f->args.p0->result);
}

RIG_TASK(yields, struct errand, struct weft_yield__frame yield; int i;)
{
	struct yields__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < 3; f->i++)
		weft_await(f, f->yield, weft_yield);
	f->args.p0->done++;
	weft_return(f, f->args.p0->result);
	weft_end(f);
}

RIG_TASK(waits, struct errand, struct rig_gate_wait__frame wait; struct weft_yield__frame yield;)
{
	struct waits__frame *f = frame;
	struct errand *errand = f->args.p0;

	weft_begin(f);
	rig_add(&errand->world->started);
	weft_await(f, f->wait, rig_gate_wait, &errand->world->gate);
	if (f->wait.args.result < 0)
		rig_add(&errand->world->cancelled);
	errand->done++;
	rig_add(&errand->world->ended);
	weft_return(f, f->wait.args.result ? f->wait.args.result : errand->result);
	weft_end(f);
}

static int spawn(struct weft_scope *scope, const struct weft_async *async, struct errand *errand)
{
	struct rig_args args = rig_args(async, errand);

	return weft_scope_spawn(scope, async, &args);
}

/* ---- a parent: its errands are in its frame ---- */

struct plan {
	struct world world;
	const struct weft_async *child;
	int rounds;
	int result_of_fifth;
	const struct weft_async *fifth; /* NULL: as the others */
	bool cancels;
};

RIG_TASK(parent, struct plan, struct weft_scope scope; struct errand errands[CHILDREN];
		struct weft_scope_close__frame close; int round;)
{
	struct parent__frame *f = frame;
	struct plan *plan = f->args.p0;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (f->round = 0; f->round < plan->rounds; f->round++) {
		for (int i = 0; i < CHILDREN; i++) {
			f->errands[i] = (struct errand){ .world = &plan->world,
				.scope = &f->scope,
				.result = i == 5 ? plan->result_of_fifth : 0 };
			CHECK_EQ(spawn(&f->scope, i == 5 && plan->fifth ? plan->fifth : plan->child,
						 &f->errands[i]),
					0);
		}
		if (plan->cancels)
			weft_scope_cancel(&f->scope);
		weft_await(f, f->close, weft_scope_close, &f->scope);
		for (int i = 0; i < CHILDREN; i++)
			CHECK_EQ(f->errands[i].done, 1);
		memset(f->errands, 0x5a, sizeof f->errands);
		CHECK_EQ(weft_scope_error(&f->scope), f->close.args.result);
	}
	weft_return(f, f->close.args.result);
	weft_end(f);
}

/* In its own runtime; so that the memory of the parent is gone, and what still used it shows. */
static int run_plan(const struct weft_runtime_options *options, struct plan *plan)
{
	struct weft_runtime *runtime = rig_create(options);
	int result = rig_run(runtime, &parent__async, plan);

	weft_runtime_destroy(runtime);
	return result;
}

RIG_TEST(s1_32_children_use_the_frame_of_their_parent)
{
	struct plan plan = { .child = &yields__async, .rounds = 50 };

	CHECK_EQ(run_plan(options, &plan), 0);
}

RIG_TEST(scope_is_used_again_after_its_close)
{
	struct plan plan = { .child = &ends_at_once__async, .rounds = 500 };

	CHECK_EQ(run_plan(options, &plan), 0);
}

RIG_TEST(scope_gives_the_first_error_and_the_others_have_ended)
{
	struct plan plan = { .child = &yields__async, .rounds = 3, .result_of_fifth = -EILSEQ };

	CHECK_EQ(run_plan(options, &plan), -EILSEQ);
}

/* The others wait for ever, or until they are cancelled. */
RIG_TEST(b33_first_error_cancels_the_siblings)
{
	struct plan plan = { .child = &waits__async,
		.fifth = &yields__async,
		.rounds = 20,
		.result_of_fifth = -EILSEQ };

	CHECK_EQ(run_plan(options, &plan), -EILSEQ);
	CHECK_EQ(rig_get(&plan.world.cancelled), 20 * (CHILDREN - 1));
}

RIG_TASK(opens, struct errand, struct weft_yield__frame yield; int i;)
{
	struct opens__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < 3; f->i++)
		weft_await(f, f->yield, weft_yield);
	rig_gate_open(&f->args.p0->world->gate); /* nobody was cancelled by then */
	f->args.p0->done++;
	weft_return(f, 0);
	weft_end(f);
}

/* All fail but one, which opens the gate for the others. */
RIG_TASK(parent_of_many_failures, struct world, struct weft_scope scope;
		struct errand errands[CHILDREN]; struct weft_scope_close__frame close;)
{
	struct parent_of_many_failures__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	weft_scope_keep_going(&f->scope);
	for (int i = 0; i < CHILDREN; i++) {
		f->errands[i] = (struct errand){ .world = f->args.p0, .result = -EIO };
		CHECK_EQ(spawn(&f->scope,
					 i == 0                   ? &ends_at_once__async
							 : i == 5 ? &opens__async
								  : &waits__async,
					 &f->errands[i]),
				0);
	}
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(scope_that_keeps_going_cancels_nobody)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .started = 0 };

	CHECK_EQ(rig_run(runtime, &parent_of_many_failures__async, &world), -EIO);
	CHECK_EQ(rig_get(&world.cancelled), 0);
	weft_runtime_destroy(runtime);
}

RIG_TEST(b32_scope_that_is_cancelled_cancels_and_awaits_all)
{
	struct plan plan = { .child = &waits__async, .rounds = 3, .cancels = true };

	CHECK_EQ(run_plan(options, &plan), -ECANCELED);
	CHECK_EQ(rig_get(&plan.world.cancelled), 3 * CHILDREN);
}

RIG_TEST(b32_parent_that_is_cancelled_cancels_and_awaits_all)
{
	struct weft_runtime *runtime = rig_create(options);
	struct plan plan = { .child = &waits__async, .rounds = 1 };
	struct weft_task *task = rig_spawn(runtime, &parent__async, &plan);

	while (rig_get(&plan.world.started) < CHILDREN)
		if (options == &rig_current)
			CHECK(weft_runtime_turn(runtime) >= 0);
		else
			rig_wait(&plan.world.started, CHILDREN);
	weft_task_cancel(task);
	if (options == &rig_current)
		while (!weft_task_is_done(task))
			CHECK(weft_runtime_turn(runtime) >= 0);
	CHECK_EQ(rig_join(task), -ECANCELED);
	CHECK_EQ(rig_get(&plan.world.cancelled), CHILDREN);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
}

RIG_TEST(b2_shutdown_ends_parent_and_children)
{
	struct weft_runtime *runtime = rig_create(options);
	struct plan plan = { .child = &waits__async, .rounds = 1 };
	struct weft_task *task = rig_spawn(runtime, &parent__async, &plan);

	while (rig_get(&plan.world.started) < CHILDREN)
		if (options == &rig_current)
			CHECK(weft_runtime_turn(runtime) >= 0);
		else
			rig_wait(&plan.world.started, CHILDREN);
	CHECK_EQ(weft_runtime_shutdown(runtime, -1), 0);
	CHECK_EQ(rig_join(task), -ECANCELED);
	CHECK_EQ(rig_get(&plan.world.cancelled), CHILDREN);
	weft_runtime_destroy(runtime);
}

/* ---- children that end and start others ---- */

/* One fails and ends all: its siblings wait for ever otherwise. */
RIG_TASK(ends_all, struct errand, struct weft_yield__frame yield;)
{
	struct ends_all__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	weft_scope_cancel(f->args.p0->scope);
	weft_return(f, -EILSEQ);
	weft_end(f);
}

RIG_TASK(parent_of_a_failure, struct world, struct weft_scope scope;
		struct errand errands[CHILDREN]; struct weft_scope_close__frame close;)
{
	struct parent_of_a_failure__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (int i = 0; i < CHILDREN; i++) {
		f->errands[i] = (struct errand){ .world = world, .scope = &f->scope };
		CHECK_EQ(spawn(&f->scope, i == 5 ? &ends_all__async : &waits__async,
					 &f->errands[i]),
				0);
	}
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(b33_child_that_fails_may_end_the_others)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .started = 0 };
	int result = rig_run(runtime, &parent_of_a_failure__async, &world);

	/* those that hear of it before it has ended may be the first to say so */
	CHECK(result == -EILSEQ || result == -ECANCELED);
	CHECK_EQ(rig_get(&world.cancelled), CHILDREN - 1);
	weft_runtime_destroy(runtime);
}

RIG_TASK(stands_by, struct world, struct rig_gate_wait__frame wait;)
{
	struct stands_by__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

static void *opens_both(void *arg)
{
	struct world *world = arg;

	rig_gate_open(&world->never);
	rig_gate_open(&world->gate);
	return NULL;
}

/* Between the wakes of another thread and what they bring. */
RIG_TASK(cancels_amid_wakes, struct world, struct weft_scope scope; struct errand errands[2];
		struct weft_task * bystander; int result; struct weft_yield__frame yield;
		struct weft_scope_close__frame close; struct weft_task_join__frame join;)
{
	struct cancels_amid_wakes__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->bystander = rig_spawn(NULL, &stands_by__async, world);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	for (int i = 0; i < 2; i++) {
		f->errands[i] = (struct errand){ world, &f->scope, 0, 0, 0 };
		CHECK_EQ(spawn(&f->scope, &waits__async, &f->errands[i]), 0);
	}
	while (rig_get(&world->gate.waiting) < 2 || !rig_get(&world->never.waiting))
		weft_await(f, f->yield, weft_yield);
	rig_thread_join(rig_thread(opens_both, world));
	weft_scope_cancel(&f->scope);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	weft_await(f, f->join, weft_task_join, f->bystander, &f->result);
	weft_return(f, f->close.args.result | f->result);
	weft_end(f);
}

RIG_TEST(b32_scope_that_is_cancelled_loses_no_wake)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .started = 0 };

	CHECK_EQ(rig_run(runtime, &cancels_amid_wakes__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* Starts two of its kind in the same scope, which is being closed meanwhile. */
RIG_TASK(multiplies, struct errand, struct weft_yield__frame yield;)
{
	struct multiplies__frame *f = frame;
	struct errand *errand = f->args.p0;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	if (errand->depth > 0)
		for (int i = 1; i <= 2; i++) {
			struct errand *below = errand + (i == 1 ? 1 : 1 << errand->depth);

			*below = *errand;
			below->depth--;
			CHECK_EQ(spawn(errand->scope, &multiplies__async, below), 0);
		}
	rig_add(&errand->world->ended);
	weft_return(f, f->yield.args.result);
	weft_end(f);
}

enum { DEPTH = 7, ALL = (1 << (DEPTH + 1)) - 1 };

RIG_TASK(ancestor, struct world, struct weft_scope scope; struct errand errands[ALL];
		struct weft_scope_close__frame close;)
{
	struct ancestor__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	f->errands[0] = (struct errand){ f->args.p0, &f->scope, DEPTH, 0, 0 };
	CHECK_EQ(spawn(&f->scope, &multiplies__async, &f->errands[0]), 0);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	CHECK_EQ(rig_get(&f->args.p0->ended), ALL);
	memset(f->errands, 0x5a, sizeof f->errands);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(scope_awaits_the_children_of_its_children)
{
	struct weft_runtime *runtime = rig_create(options);

	for (int i = 0; i < 20; i++) {
		struct world world = { .started = 0 };

		CHECK_EQ(rig_run(runtime, &ancestor__async, &world), 0);
	}
	weft_runtime_destroy(runtime);
}

/* Cancelled from outside while they multiply: all have ended, as many as there are by then. */
RIG_TEST_MULTI(scope_that_is_cancelled_while_it_grows_awaits_all)
{
	struct weft_runtime *runtime = rig_create(options);

	for (int i = 0; i < 50; i++) {
		struct world world = { .started = 0 };
		struct weft_task *task = rig_spawn(runtime, &ancestor__async, &world);
		int result;

		rig_wait(&world.ended, (uint32_t)i);
		weft_task_cancel(task);
		result = rig_join(task);
		CHECK(result == 0 || result == -ECANCELED);
		CHECK_EQ(rig_get(&world.ended), ALL);
	}
	weft_runtime_destroy(runtime);
}

/* ---- nested scopes ---- */

RIG_TASK(nests, struct errand, struct weft_scope scope; struct errand errands[3];
		struct weft_scope_close__frame close;)
{
	struct nests__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	if (f->args.p0->depth > 0)
		for (int i = 0; i < 3; i++) {
			f->errands[i] = *f->args.p0;
			f->errands[i].depth--;
			CHECK_EQ(spawn(&f->scope, &nests__async, &f->errands[i]), 0);
		}
	weft_await(f, f->close, weft_scope_close, &f->scope);
	rig_add(&f->args.p0->world->ended);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(scopes_nest)
{
	struct weft_runtime *runtime = rig_create(options);

	for (int i = 0; i < 5; i++) {
		struct world world = { .started = 0 };
		struct errand errand = { .world = &world, .depth = 6 };

		CHECK_EQ(rig_run(runtime, &nests__async, &errand), 0);
		CHECK_EQ(rig_get(&world.ended), 1093); /* (3^7 - 1) / 2 */
	}
	weft_runtime_destroy(runtime);
}

/* ---- what cannot be, and what must not ---- */

/* The errand is its own after a failure: it counts. */
RIG_TASK(spawns_too_late, struct world, struct weft_scope scope; struct errand errand;
		struct rig_gate_wait__frame wait; struct weft_scope_close__frame close;)
{
	struct spawns_too_late__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	f->errand = (struct errand){ .world = f->args.p0 };
	CHECK_EQ(spawn(&f->scope, &ends_at_once__async, &f->errand), -ESHUTDOWN);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	CHECK_EQ(f->close.args.result, 0);
	CHECK_EQ(f->errand.done, 0);
	weft_return(f, 5);
	weft_end(f);
}

RIG_TEST(scope_spawns_nothing_during_a_shutdown)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .started = 0 };
	struct weft_task *task = rig_spawn(runtime, &spawns_too_late__async, &world);

	while (!rig_get(&world.started))
		if (options == &rig_current)
			CHECK(weft_runtime_turn(runtime) >= 0);
		else
			rig_wait(&world.started, 1);
	CHECK_EQ(weft_runtime_shutdown(runtime, -1), 0);
	CHECK_EQ(rig_join(task), 5);
	weft_runtime_destroy(runtime);
}

TEST(scope_outside_a_runtime_gives_enxio)
{
	struct weft_scope scope = WEFT_SCOPE_INIT;
	struct errand errand = { .done = 0 };

	CHECK_EQ(spawn(&scope, &ends_at_once__async, &errand), -ENXIO);
	CHECK_EQ(weft_scope_error(&scope), 0);
}

/* A child's error is its scope's: it does not count as that of a task that nobody looks after. */
RIG_TEST(scope_keeps_errors_from_shutdown_on_failure)
{
	struct weft_runtime_options strict = *options;
	struct plan plan = { .child = &yields__async, .rounds = 2, .result_of_fifth = -EIO };
	struct weft_runtime *runtime;

	strict.shutdown_on_failure = true;
	runtime = rig_create(&strict);
	CHECK_EQ(rig_run(runtime, &parent__async, &plan), -EIO);
	weft_runtime_destroy(runtime);
}

/* In a scope that has been cancelled a child starts cancelled, until the next close. */
RIG_TASK(spawns_into_a_cancelled_scope, struct world, struct weft_scope scope; struct errand errand;
		struct weft_scope_close__frame close;)
{
	struct spawns_into_a_cancelled_scope__frame *f = frame;

	weft_begin(f);
	f->scope = (struct weft_scope)WEFT_SCOPE_INIT;
	weft_scope_cancel(&f->scope);
	f->errand = (struct errand){ .world = f->args.p0 };
	CHECK_EQ(spawn(&f->scope, &waits__async, &f->errand), 0);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	CHECK_EQ(f->close.args.result, -ECANCELED);
	CHECK_EQ(f->errand.done, 1);
	CHECK_EQ(spawn(&f->scope, &yields__async, &f->errand), 0);
	weft_await(f, f->close, weft_scope_close, &f->scope);
	CHECK_EQ(f->errand.done, 2);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

RIG_TEST(scope_that_was_cancelled_starts_children_cancelled)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .started = 0 };

	CHECK_EQ(rig_run(runtime, &spawns_into_a_cancelled_scope__async, &world), 0);
	weft_runtime_destroy(runtime);
}
