/* SPDX-License-Identifier: MIT */
/*
 * The end of tasks: failing, being cancelled, detached, joined (behaviours 27 to 31, 35, 36).
 *
 * Cancelling unwinds: a task always starts, and always comes to its end through its own code.
 */
#include <stdlib.h>

#include "rig.h"

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gate, never;
	pthread_t home;
	uint32_t started, ended, released, released_early;
	uint32_t turn, done;
};

/* ---- what a task owns ---- */

struct belongings {
	struct world *world;
	int *memory;
};

static struct belongings *belongings_make(struct world *world)
{
	struct belongings *belongings = malloc(sizeof *belongings);

	CHECK(belongings != NULL);
	belongings->world = world;
	belongings->memory = calloc(16, sizeof(int));
	return belongings;
}

static void belongings_release(struct belongings *belongings)
{
	rig_add(&belongings->world->released);
	free(belongings->memory);
	free(belongings);
}

/* Owns its belongings, and waits for what never happens. */
RIG_TASK(owner, struct belongings, struct rig_gate_wait__frame wait;)
{
	struct owner__frame *f = frame;
	struct world *world = f->args.p0->world;

	weft_begin(f);
	rig_add(&world->started);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	f->args.p0->memory[0] = f->wait.args.result;
	belongings_release(f->args.p0);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

/* ---- failing ---- */

RIG_TASK(fails, struct world, struct weft_yield__frame yield;)
{
	struct fails__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	weft_return(f, -EILSEQ);
	weft_end(f);
}

RIG_TASK(waits, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	weft_return(f, f->wait.args.result == 0 ? 5 : f->wait.args.result);
	weft_end(f);
}

RIG_TASK(joins_the_failing, struct world, struct weft_task *failing, *waiting; int result;
		struct weft_task_join__frame join;)
{
	struct joins_the_failing__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->waiting = rig_spawn(NULL, &waits__async, world);
	f->failing = rig_spawn(NULL, &fails__async, world);
	weft_await(f, f->join, weft_task_join, f->failing, &f->result);
	CHECK_EQ(f->join.args.result, 0);
	CHECK_EQ(f->result, -EILSEQ);
	CHECK(!weft_task_is_done(f->waiting));
	rig_gate_open(&world->gate);
	weft_await(f, f->join, weft_task_join, f->waiting, &f->result);
	CHECK_EQ(f->result, 5);
	weft_return(f, 0);
	weft_end(f);
}

/* Also rows S2-25 and S2-27. */
RIG_TEST(b27_failure_stays_with_its_task)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &joins_the_failing__async, &world), 0);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
}

/* ---- before the first poll ---- */

RIG_TASK(cancels_at_once, struct world, struct weft_task *task; int result;
		struct weft_task_join__frame join;)
{
	struct cancels_at_once__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &owner__async, belongings_make(world));
	weft_task_cancel(f->task);
	weft_await(f, f->join, weft_task_join, f->task, &f->result);
	CHECK_EQ(f->result, -ECANCELED);
	CHECK_EQ(rig_get(&world->started), 1);
	CHECK_EQ(rig_get(&world->released), 1);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b28_cancelled_before_its_first_poll_starts_and_releases)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &cancels_at_once__async, &world), 0);
	weft_runtime_destroy(runtime);
}

RIG_TASK(sees_the_flag, struct world, )
{
	struct sees_the_flag__frame *f = frame;

	rig_add(&f->args.p0->started);
	weft_return(f, weft_context_cancelled(cx));
}

RIG_TASK(does_nothing, struct world, )
{
	struct does_nothing__frame *f = frame;

	(void)cx;
	weft_return(f, 0);
}

/* From outside, before anybody drives: a current-thread runtime has not even seen the task. */
RIG_TEST_OF(current, b28_cancelled_from_outside_before_the_first_turn)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };
	struct weft_task *task = rig_spawn(runtime, &sees_the_flag__async, &world);

	weft_task_cancel(task);
	weft_task_cancel(task);
	CHECK_EQ(rig_get(&world.started), 0);
	CHECK_EQ(rig_run(runtime, &does_nothing__async, &world), 0);
	CHECK_EQ(rig_join(task), 1);
	weft_runtime_destroy(runtime);
}

/* ---- suspended ---- */

RIG_TASK(cancels_and_forgets, struct world, struct weft_task *task; struct weft_yield__frame yield;)
{
	struct cancels_and_forgets__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &owner__async, belongings_make(world));
	while (!rig_get(&world->never.waiting))
		weft_await(f, f->yield, weft_yield);
	weft_task_cancel(f->task);
	weft_task_detach(f->task);
	while (!rig_get(&world->released))
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b29_cancelled_and_detached_at_once_still_unwinds)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &cancels_and_forgets__async, &world), 0);
	CHECK_EQ(rig_get(&world.released), 1);
	weft_runtime_destroy(runtime);
}

RIG_TASK(cancels_by_a_reference, struct world, struct weft_task *task; uint64_t id;
		struct weft_yield__frame yield;)
{
	struct cancels_by_a_reference__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &owner__async, belongings_make(world));
	f->id = weft_task_id(f->task);
	CHECK(weft_task_ref(f->task) == f->task);
	weft_task_detach(f->task);
	while (!rig_get(&world->never.waiting))
		weft_await(f, f->yield, weft_yield);
	CHECK(!weft_task_is_done(f->task));
	CHECK(weft_task_ref(f->task) == f->task);
	weft_task_cancel(f->task);
	weft_task_unref(f->task);
	while (!weft_task_is_done(f->task))
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(rig_get(&world->released), 1);
	weft_task_cancel(f->task); /* in vain */
	weft_await(f, f->yield, weft_yield);
	CHECK_EQ(weft_task_id(f->task), f->id);
	weft_task_unref(f->task);
	weft_task_unref(weft_task_ref(NULL));
	weft_return(f, 0);
	weft_end(f);
}

/* An abort handle. */
RIG_TEST(b36_reference_cancels_a_task_that_nobody_joins)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &cancels_by_a_reference__async, &world), 0);
	weft_runtime_destroy(runtime);
}

RIG_TASK(detaches, struct world, struct weft_yield__frame yield;)
{
	struct detaches__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_task_detach(rig_spawn(NULL, &waits__async, world));
	weft_task_detach(NULL);
	while (!rig_get(&world->gate.waiting))
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(rig_metrics(weft_runtime_current()).tasks_alive, 2);
	rig_gate_open(&world->gate);
	while (rig_metrics(weft_runtime_current()).tasks_alive > 1)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b36_detached_goes_on_uncancelled)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &detaches__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- failing while unwinding ---- */

RIG_TASK(fails_while_unwinding, struct world, struct rig_gate_wait__frame wait;
		struct weft_yield__frame yield;)
{
	struct fails_while_unwinding__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	CHECK_EQ(f->wait.args.result, -ECANCELED);
	weft_await(f, f->yield, weft_yield); /* every later leaf is cancelled, too */
	CHECK_EQ(f->yield.args.result, -ECANCELED);
	weft_return(f, -EIO);
	weft_end(f);
}

RIG_TASK(cancels_what_fails, struct world, struct weft_task *task, *other; int result;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct cancels_what_fails__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->other = rig_spawn(NULL, &waits__async, world);
	f->task = rig_spawn(NULL, &fails_while_unwinding__async, world);
	while (!rig_get(&world->never.waiting))
		weft_await(f, f->yield, weft_yield);
	weft_task_cancel(f->task);
	weft_await(f, f->join, weft_task_join, f->task, &f->result);
	CHECK_EQ(f->result, -EIO);
	CHECK(!weft_task_is_done(f->other));
	rig_gate_open(&world->gate);
	weft_await(f, f->join, weft_task_join, f->other, &f->result);
	CHECK_EQ(f->result, 5);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b30_failure_while_unwinding_stays_with_its_task)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &cancels_what_fails__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- from another thread ---- */

RIG_TASK(unwinds_at_home, struct world, struct rig_gate_wait__frame wait;)
{
	struct unwinds_at_home__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	CHECK_EQ(f->wait.args.result, -ECANCELED);
	CHECK(pthread_equal(pthread_self(), world->home));
	weft_return(f, 3);
	weft_end(f);
}

static void *cancel_task(void *arg)
{
	weft_task_cancel(arg);
	return NULL;
}

RIG_TASK(lets_a_thread_cancel, struct world, struct weft_task *task; pthread_t thread; int result;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct lets_a_thread_cancel__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	world->home = pthread_self();
	f->task = rig_spawn(NULL, &unwinds_at_home__async, world);
	while (!rig_get(&world->never.waiting))
		weft_await(f, f->yield, weft_yield);
	f->thread = rig_thread(cancel_task, f->task);
	weft_await(f, f->join, weft_task_join, f->task, &f->result);
	CHECK_EQ(f->result, 3);
	rig_thread_join(f->thread);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, b31_cancelled_by_another_thread_unwinds_on_its_own)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &lets_a_thread_cancel__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- a join that is cancelled ---- */

struct handover {
	struct world *world;
	struct weft_task *task;
	int result;
};

RIG_TASK(joins, struct handover, struct weft_task_join__frame join;)
{
	struct joins__frame *f = frame;
	struct handover *handover = f->args.p0;

	weft_begin(f);
	rig_add(&handover->world->started);
	weft_await(f, f->join, weft_task_join, handover->task, &handover->result);
	weft_return(f, f->join.args.result);
	weft_end(f);
}

RIG_TASK(cancels_a_join, struct world, struct handover handover; struct weft_task * joiner;
		int result; struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct cancels_a_join__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->handover.world = world;
	f->handover.task = rig_spawn(NULL, &waits__async, world);
	f->joiner = rig_spawn(NULL, &joins__async, &f->handover);
	while (!rig_get(&world->started))
		weft_await(f, f->yield, weft_yield);
	weft_task_cancel(f->joiner);
	weft_await(f, f->join, weft_task_join, f->joiner, &f->result);
	CHECK_EQ(f->result, -ECANCELED);
	rig_gate_open(&world->gate);
	/* the handle is still ours */
	weft_await(f, f->join, weft_task_join, f->handover.task, &f->result);
	CHECK_EQ(f->result, 5);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(cancelled_join_leaves_the_handle)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &cancels_a_join__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- identity ---- */

enum { MANY = 100 };

RIG_TASK(compares_ids, struct world, struct weft_task *tasks[MANY]; uint64_t ids[MANY]; int i;
		struct weft_task_join__frame join;)
{
	struct compares_ids__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (int i = 0; i < MANY; i++) {
		f->tasks[i] = rig_spawn(NULL, &waits__async, world);
		f->ids[i] = weft_task_id(f->tasks[i]);
		for (int k = 0; k < i; k++)
			CHECK(f->ids[k] != f->ids[i]);
	}
	rig_gate_open(&world->gate);
	for (f->i = 0; f->i < MANY; f->i++) {
		CHECK_EQ(weft_task_id(f->tasks[f->i]), f->ids[f->i]);
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	}
	/* a slot that is used again has another id */
	for (int i = 0; i < MANY; i++) {
		f->tasks[i] = rig_spawn(NULL, &waits__async, world);
		for (int k = 0; k < MANY; k++)
			CHECK(f->ids[k] != weft_task_id(f->tasks[i]));
	}
	for (f->i = 0; f->i < MANY; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b35_ids_are_unique_and_stable)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &compares_ids__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- races with the end ---- */

/* A thread and the task's end meet as often as possible: the task ends in the poll in which the thread
 * is told to go. */
enum { ROUNDS = 300 };

RIG_TASK(ends_now, struct world, struct weft_yield__frame yield;)
{
	struct ends_now__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	rig_add(&world->turn);
	rig_add(&world->ended);
	weft_return(f, 11);
	weft_end(f);
}

struct race {
	struct world world;
	struct weft_task *task;
	uint32_t given; /* rounds that have a task */
	uint32_t taken;
	void (*meet)(struct weft_task *task, int round);
};

static void *racer(void *arg)
{
	struct race *race = arg;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		rig_wait(&race->given, i);
		if (i % 2)
			while (rig_get(&race->world.turn) < i)
				atomic_pause();
		race->meet(race->task, (int)i);
		rig_add(&race->taken);
	}
	return NULL;
}

RIG_TASK(races, struct race, int i; struct weft_yield__frame yield;)
{
	struct races__frame *f = frame;
	struct race *race = f->args.p0;

	weft_begin(f);
	for (f->i = 1; f->i <= ROUNDS; f->i++) {
		race->task = rig_spawn(NULL, &ends_now__async, &race->world);
		rig_add(&race->given);
		while (rig_get(&race->taken) < (uint32_t)f->i ||
				rig_get(&race->world.ended) < (uint32_t)f->i)
			weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

static void race_with_the_end(const struct weft_runtime_options *options,
		void (*meet)(struct weft_task *task, int round))
{
	struct weft_runtime *runtime = rig_create(options);
	struct race race = { .meet = meet };
	pthread_t thread = rig_thread(racer, &race);

	CHECK_EQ(rig_run(runtime, &races__async, &race), 0);
	rig_thread_join(thread);
	CHECK_EQ(rig_get(&race.world.ended), ROUNDS);
	weft_runtime_destroy(runtime);
}

static void meet_by_joining(struct weft_task *task, int round)
{
	(void)round;
	CHECK_EQ(rig_join(task), 11);
}

static void meet_by_detaching(struct weft_task *task, int round)
{
	(void)round;
	weft_task_detach(task);
}

static void meet_by_cancelling(struct weft_task *task, int round)
{
	int result = 0;

	weft_task_cancel(task);
	if (round % 3 == 0) {
		weft_task_detach(task);
		return;
	}
	CHECK_EQ(weft_task_join_blocking(task, &result), 0);
	CHECK_EQ(result, 11);
	(void)round;
}

static void meet_with_a_reference(struct weft_task *task, int round)
{
	struct weft_task *reference = weft_task_ref(task);

	if (round % 3 == 0)
		weft_task_detach(task);
	else
		CHECK_EQ(rig_join(task), 11);
	weft_task_cancel(reference);
	weft_task_unref(reference);
}

RIG_TEST(reference_of_a_thread_races_with_the_end)
{
	race_with_the_end(options, meet_with_a_reference);
}

RIG_TEST(join_from_a_thread_races_with_the_end)
{
	race_with_the_end(options, meet_by_joining);
}

RIG_TEST(detach_from_a_thread_races_with_the_end)
{
	race_with_the_end(options, meet_by_detaching);
}

RIG_TEST(cancel_from_a_thread_races_with_the_end)
{
	race_with_the_end(options, meet_by_cancelling);
}

/* ---- wakers that outlive ---- */

struct holder {
	struct world world;
	struct weft_waker waker;
	uint32_t polls;
	bool end;
};

/* Hands out an owned waker, and ends when it is told to. */
RIG_TASK(hands_out_a_waker, struct holder, )
{
	struct hands_out_a_waker__frame *f = frame;
	struct holder *holder = f->args.p0;

	holder->polls++;
	if (f->args.base.at == 0) {
		holder->waker = weft_waker_clone(weft_context_waker(cx));
		f->args.base.at = 1;
		rig_add(&holder->world.started);
		return WEFT_PENDING;
	}
	if (!holder->end) {
		(void)weft_context_waker(cx);
		return WEFT_PENDING;
	}
	weft_return(f, 17);
}

RIG_TASK(keeps_a_waker, struct holder, struct weft_task *task; int result;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct keeps_a_waker__frame *f = frame;
	struct holder *holder = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &hands_out_a_waker__async, holder);
	while (!rig_get(&holder->world.started))
		weft_await(f, f->yield, weft_yield);
	holder->end = true;
	weft_waker_wake_by_ref(&holder->waker);
	weft_await(f, f->join, weft_task_join, f->task, &f->result);
	CHECK_EQ(f->result, 17);
	CHECK_EQ(holder->polls, 2);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(owned_waker_outlives_its_task)
{
	struct weft_runtime *runtime = rig_create(options);
	struct holder holder = { .polls = 0 };
	struct weft_waker second;

	CHECK_EQ(rig_run(runtime, &keeps_a_waker__async, &holder), 0);
	weft_waker_wake_by_ref(&holder.waker);
	second = weft_waker_clone(&holder.waker);
	CHECK(weft_waker_same(&second, &holder.waker));
	weft_waker_wake(second);
	CHECK_EQ(rig_run(runtime, &does_nothing__async, &holder.world), 0);
	CHECK_EQ(holder.polls, 2);
	weft_waker_drop(holder.waker);
	CHECK_EQ(rig_run(runtime, &does_nothing__async, &holder.world), 0);
	weft_runtime_destroy(runtime);
}
