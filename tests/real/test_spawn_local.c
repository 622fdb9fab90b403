/* SPDX-License-Identifier: MIT */
/* Tasks that stay on their thread: wherever they are woken, cancelled and joined (behaviour 31). */
#include "rig.h"

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gates[100], never;
	struct weft_task *task;
	pthread_t thread;
	uint32_t started, polls, ended, stop, turns;
};

static void check_thread(struct world *world)
{
	CHECK(pthread_equal(pthread_self(), world->thread));
	rig_add(&world->polls);
}

/* Passes all gates. */
RIG_TASK(local, struct world, struct rig_gate_wait__frame wait; struct weft_yield__frame yield;
		int i;)
{
	struct local__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->started);
	for (f->i = 0; f->i < 100; f->i++) {
		check_thread(world);
		weft_await(f, f->wait, rig_gate_wait, &world->gates[f->i]);
		check_thread(world);
		weft_await(f, f->yield, weft_yield);
	}
	check_thread(world);
	rig_add(&world->ended);
	weft_return(f, 7);
	weft_end(f);
}

RIG_TASK(local_that_never_ends, struct world, struct rig_gate_wait__frame wait;)
{
	struct local_that_never_ends__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->started);
	check_thread(world);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	check_thread(world);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

static void spawn_local(struct world *world, const struct weft_async *async)
{
	struct rig_args args = rig_args(async, world);

	world->thread = pthread_self();
	world->task = weft_task_spawn_local(async, &args);
	CHECK(world->task != NULL);
}

RIG_TASK(starts, struct world, )
{
	struct starts__frame *f = frame;

	(void)cx;
	spawn_local(f->args.p0, &local__async);
	weft_return(f, 0);
}

RIG_TASK(starts_one_that_never_ends, struct world, )
{
	struct starts_one_that_never_ends__frame *f = frame;

	(void)cx;
	spawn_local(f->args.p0, &local_that_never_ends__async);
	weft_return(f, 0);
}

/* With the other worker, if there is one, free to take what it can get. */
RIG_TEST_MULTI(local_task_stays_on_its_thread_wherever_it_is_woken)
{
	struct weft_runtime *runtime = rig_create(options);

	for (int round = 0; round < 20; round++) {
		struct world world = { .runtime = runtime };

		CHECK_EQ(rig_run(runtime, &starts__async, &world), 0);
		for (int i = 0; i < 100; i++)
			rig_gate_open(&world.gates[i]);
		CHECK_EQ(rig_join(world.task), 7);
		CHECK_EQ(rig_get(&world.polls), 201);
	}
	weft_runtime_destroy(runtime);
}

RIG_TEST_MULTI(b31_local_task_cancelled_elsewhere_unwinds_on_its_own_thread)
{
	struct weft_runtime *runtime = rig_create(options);

	for (int round = 0; round < 100; round++) {
		struct world world = { .runtime = runtime };

		CHECK_EQ(rig_run(runtime, &starts_one_that_never_ends__async, &world), 0);
		if (round % 2)
			rig_wait(&world.started, 1);
		weft_task_cancel(world.task);
		CHECK_EQ(rig_join(world.task), -ECANCELED);
		CHECK_EQ(rig_get(&world.polls), 2);
	}
	weft_runtime_destroy(runtime);
}

RIG_TEST(b2_shutdown_ends_local_tasks)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };

	CHECK_EQ(rig_run(runtime, &starts_one_that_never_ends__async, &world), 0);
	CHECK_EQ(weft_runtime_shutdown(runtime, -1), 0);
	CHECK_EQ(rig_join(world.task), -ECANCELED);
	CHECK_EQ(rig_get(&world.polls), 2);
	weft_runtime_destroy(runtime);
}

/* On a current-thread runtime it is a task like any other. */
RIG_TASK(awaits_local, struct world, struct weft_task_join__frame join; int result;)
{
	struct awaits_local__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (int i = 0; i < 100; i++)
		rig_gate_open(&world->gates[i]);
	spawn_local(world, &local__async);
	weft_await(f, f->join, weft_task_join, world->task, &f->result);
	CHECK_EQ(f->join.args.result, 0);
	weft_return(f, f->result);
	weft_end(f);
}

RIG_TEST(local_task_is_joined_by_another)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };

	CHECK_EQ(rig_run(runtime, &awaits_local__async, &world), 7);
	weft_runtime_destroy(runtime);
}

/* ---- fairness: those that stay and those that may go share the worker ---- */

RIG_TASK(spins, struct world, struct weft_yield__frame yield;)
{
	struct spins__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	while (!rig_get(&world->stop)) {
		rig_add(&world->turns);
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* One of each kind, and one that stops them when both have had their turns. */
RIG_TASK(stops, struct world, struct world other; struct weft_task * task;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct stops__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	memset(&f->other, 0, sizeof f->other);
	spawn_local(world, &spins__async);
	f->task = rig_spawn(NULL, &spins__async, &f->other);
	while (rig_get(&world->turns) < 1000 || rig_get(&f->other.turns) < 1000)
		weft_await(f, f->yield, weft_yield);
	rig_add(&world->stop);
	rig_add(&f->other.stop);
	weft_await(f, f->join, weft_task_join, world->task, NULL);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(local_tasks_and_others_take_turns)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };

	CHECK_EQ(rig_run(runtime, &stops__async, &world), 0);
	weft_runtime_destroy(runtime);
}

TEST(local_task_outside_a_runtime_cannot_be)
{
	struct rig_args args = rig_args(&local__async, NULL);

	CHECK(weft_task_spawn_local(&local__async, &args) == NULL);
}
