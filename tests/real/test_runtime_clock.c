/* SPDX-License-Identifier: MIT */
/*
 * Virtual time (behaviour 68), and time that passes for those who never wait (behaviours 39, 41 and 43).
 */
#include <weft/time.h>

#include "rig.h"

static const struct weft_runtime_options rig_paused = {
	.flavour = WEFT_CURRENT_THREAD, .clock_paused = true, .seed = 1
};

enum { SLEEPERS = 60, ROUNDS = 300 };

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gates[ROUNDS];
	uint32_t parked, fired, job_over, round;
	int order[SLEEPERS];
	int64_t woken_at[SLEEPERS];
	uint32_t count;
};

static int64_t now(const struct world *world)
{
	return weft_runtime_now(world->runtime);
}

/* ---- moving by itself ---- */

struct sleeper {
	struct world *world;
	int number;
	int64_t timeout_ns;
};

RIG_TASK(sleeps, struct sleeper, struct weft_sleep__frame sleep;)
{
	struct sleeps__frame *f = frame;
	struct sleeper *sleeper = f->args.p0;

	weft_begin(f);
	weft_await(f, f->sleep, weft_sleep, sleeper->timeout_ns);
	sleeper->world->woken_at[sleeper->world->count] = weft_now(cx);
	sleeper->world->order[sleeper->world->count++] = sleeper->number;
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}

RIG_TASK(lets_many_sleep, struct world, struct sleeper sleepers[SLEEPERS];
		struct weft_task * tasks[SLEEPERS]; int i; int64_t start;
		struct weft_task_join__frame join;)
{
	struct lets_many_sleep__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->start = weft_now(cx);
	for (int i = 0; i < SLEEPERS; i++) {
		/* some at the same time, some less than a millisecond apart */
		f->sleepers[i] = (struct sleeper){ world, i, (int64_t)(i * 7 % 20) * 333333 };
		f->tasks[i] = rig_spawn(NULL, &sleeps__async, &f->sleepers[i]);
	}
	for (f->i = 0; f->i < SLEEPERS; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQ(world->woken_at[i], f->start + f->sleepers[world->order[i]].timeout_ns);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(paused, b68_time_jumps_to_the_next_timer_in_the_same_order_each_run)
{
	struct world worlds[2];

	for (int run = 0; run < 2; run++) {
		struct world *world = &worlds[run];

		memset(world, 0, sizeof *world);
		world->runtime = rig_create(options);
		CHECK_EQ(rig_run(world->runtime, &lets_many_sleep__async, world), 0);
		CHECK_EQ(world->count, SLEEPERS);
		weft_runtime_destroy(world->runtime);
	}
	CHECK(memcmp(worlds[0].order, worlds[1].order, sizeof worlds[0].order) == 0);
	CHECK(memcmp(worlds[0].woken_at, worlds[1].woken_at, sizeof worlds[0].woken_at) == 0);
}

RIG_TASK(yields_while_another_sleeps, struct world, struct sleeper sleeper; struct weft_task * task;
		int i; int64_t start; struct weft_yield__frame yield;
		struct weft_task_join__frame join;)
{
	struct yields_while_another_sleeps__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->sleeper = (struct sleeper){ world, 1, WEFT_SECONDS(3600) };
	f->task = rig_spawn(NULL, &sleeps__async, &f->sleeper);
	f->start = weft_now(cx);
	for (f->i = 0; f->i < 1000; f->i++) {
		weft_await(f, f->yield, weft_yield);
		CHECK_EQ(weft_now(cx), f->start);
	}
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	CHECK_EQ(weft_now(cx), f->start + WEFT_SECONDS(3600));
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(paused, b68_time_stands_while_a_task_is_ready)
{
	struct world world = { .runtime = rig_create(options) };

	CHECK_EQ(rig_run(world.runtime, &yields_while_another_sleeps__async, &world), 0);
	weft_runtime_destroy(world.runtime);
}

/* Both are there from the start, and yet the second begins when the first has ended. */
RIG_TASK(sleeps_twice, struct world, struct weft_sleep__frame first, second; int64_t start;)
{
	struct sleeps_twice__frame *f = frame;

	if (f->args.base.at == 0) {
		f->start = weft_now(cx);
		weft_sleep__init(&f->first.args, WEFT_MILLISECONDS(100));
		weft_sleep__init(&f->second.args, WEFT_MILLISECONDS(100));
		f->args.base.at = 1;
	}
	if (f->args.base.at == 1 && weft_sleep__poll(&f->first, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	f->args.base.at = 2;
	if (weft_sleep__poll(&f->second, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	CHECK_EQ(weft_now(cx) - f->start, WEFT_MILLISECONDS(200));
	weft_return(f, 0);
}

/* Rows S1-26 and S2-19. */
RIG_TEST_OF(paused, awaits_of_a_task_follow_each_other)
{
	struct world world = { .runtime = rig_create(options) };

	CHECK_EQ(rig_run(world.runtime, &sleeps_twice__async, &world), 0);
	weft_runtime_destroy(world.runtime);
}

/* ---- moved by hand ---- */

RIG_TEST_OF(paused, b68_small_advances_add_up)
{
	struct world world = { .runtime = rig_create(options) };
	struct sleeper sleeper = { &world, 1, WEFT_MILLISECONDS(1) };
	int64_t start = now(&world);

	rig_spawn_detached(world.runtime, &sleeps__async, &sleeper);
	while (weft_runtime_turn(world.runtime) > 0)
		;
	CHECK_EQ(weft_runtime_timeout(world.runtime), WEFT_MILLISECONDS(1));
	for (int i = 1; i <= 10; i++) {
		CHECK_EQ(world.count, 0);
		CHECK_EQ(weft_runtime_advance(world.runtime, WEFT_MICROSECONDS(100)), 0);
		CHECK_EQ(now(&world), start + WEFT_MICROSECONDS(100) * i);
		CHECK_EQ(weft_runtime_turn(world.runtime), i == 10);
	}
	CHECK_EQ(world.count, 1);
	CHECK_EQ(weft_runtime_advance(world.runtime, -1), -EINVAL);
	weft_runtime_destroy(world.runtime);
}

RIG_TEST(clock_that_is_not_paused_cannot_be_moved)
{
	struct weft_runtime *runtime = rig_create(options);
	int64_t before = weft_runtime_now(runtime);

	CHECK_EQ(weft_runtime_advance(runtime, 1), -EINVAL);
	CHECK(weft_runtime_now(runtime) >= before);
	weft_runtime_destroy(runtime);
}

/* ---- jobs hold it ---- */

static void count_park(void *data)
{
	rig_add(&((struct world *)data)->parked);
}

static void wait_for_a_park(void *arg)
{
	struct world *world = arg;
	int64_t before = now(world);

	rig_wait(&world->parked, rig_get(&world->parked) + 2);
	CHECK_EQ(now(world), before);
	CHECK_EQ(rig_get(&world->fired), 0);
	rig_add(&world->job_over);
}

RIG_TASK(awaits_a_job, struct world, struct weft_blocking__frame blocking;)
{
	struct awaits_a_job__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->blocking, weft_blocking, wait_for_a_park, f->args.p0);
	weft_return(f, f->blocking.args.result);
	weft_end(f);
}

RIG_TASK(sleeps_beside_a_job, struct world, struct weft_task *task; struct weft_sleep__frame sleep;
		struct weft_task_join__frame join;)
{
	struct sleeps_beside_a_job__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &awaits_a_job__async, world);
	weft_await(f, f->sleep, weft_sleep, 1);
	CHECK_EQ(rig_get(&world->job_over), 1);
	rig_add(&world->fired);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(paused, b68_time_stands_while_a_job_runs)
{
	struct weft_runtime_options hooked = *options;
	struct world world = { .fired = 0 };

	hooked.hooks.data = &world;
	hooked.hooks.thread_park = count_park;
	world.runtime = rig_create(&hooked);
	CHECK_EQ(rig_run(world.runtime, &sleeps_beside_a_job__async, &world), 0);
	weft_runtime_destroy(world.runtime);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

RIG_TASK(sleeps_after_jobs, struct world, int i; struct weft_blocking__frame blocking;
		struct weft_sleep__frame sleep;)
{
	struct sleeps_after_jobs__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < ROUNDS; f->i++) {
		weft_await(f, f->blocking, weft_blocking, do_nothing, NULL);
		CHECK_EQ(f->blocking.args.result, 0);
		weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(1));
	}
	weft_return(f, 0);
	weft_end(f);
}

/* The thread of the job may not be idle again when the task has gone to sleep. */
RIG_TEST_OF(paused, b68_time_goes_on_after_a_job)
{
	struct world world = { .runtime = rig_create(options) };

	CHECK_EQ(rig_run(world.runtime, &sleeps_after_jobs__async, &world), 0);
	CHECK(now(&world) >= WEFT_SECONDS(ROUNDS));
	weft_runtime_destroy(world.runtime);
}

static void advance_and_wait(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->parked, 1);
	CHECK_EQ(weft_runtime_advance(world->runtime, WEFT_SECONDS(1)), 0);
	rig_wait(&world->fired, 1);
}

RIG_TASK(waits_for_the_job_to_advance, struct world, struct weft_blocking__frame blocking;)
{
	struct waits_for_the_job_to_advance__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->blocking, weft_blocking, advance_and_wait, f->args.p0);
	weft_return(f, f->blocking.args.result);
	weft_end(f);
}

RIG_TASK(is_advanced_by_a_job, struct world, struct weft_task *task; struct weft_sleep__frame sleep;
		struct weft_task_join__frame join;)
{
	struct is_advanced_by_a_job__frame *f = frame;

	weft_begin(f);
	f->task = rig_spawn(NULL, &waits_for_the_job_to_advance__async, f->args.p0);
	weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(1));
	rig_add(&f->args.p0->fired);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(paused, b68_a_job_may_move_the_clock)
{
	for (int round = 0; round < 20; round++) {
		struct weft_runtime_options hooked = *options;
		struct world world = { .fired = 0 };

		hooked.hooks.data = &world;
		hooked.hooks.thread_park = count_park;
		world.runtime = rig_create(&hooked);
		CHECK_EQ(rig_run(world.runtime, &is_advanced_by_a_job__async, &world), 0);
		weft_runtime_destroy(world.runtime);
	}
}

/* ---- wakes from outside ---- */

RIG_TASK(goes_from_gate_to_gate, struct world, struct rig_gate_wait__frame wait;)
{
	struct goes_from_gate_to_gate__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	while (world->round < ROUNDS) {
		weft_await(f, f->wait, rig_gate_wait, &world->gates[world->round]);
		world->round++;
	}
	weft_return(f, 0);
	weft_end(f);
}

static void *open_gates(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < ROUNDS; i++) {
		rig_spin(&world->gates[i].waiting, 1);
		rig_gate_open(&world->gates[i]);
	}
	return NULL;
}

/* The wake may come at any moment of the look at the clock and the reactor. */
RIG_TEST_OF(paused, b68_wakes_from_outside_are_not_lost)
{
	for (int round = 0; round < 10; round++) {
		struct world world = { .runtime = rig_create(options) };
		pthread_t thread = rig_thread(open_gates, &world);

		CHECK_EQ(rig_run(world.runtime, &goes_from_gate_to_gate__async, &world), 0);
		rig_thread_join(thread);
		weft_runtime_destroy(world.runtime);
	}
}

/* ---- the budget ---- */

RIG_TASK(watches, struct world, struct weft_yield__frame yield;)
{
	struct watches__frame *f = frame;

	weft_begin(f);
	while (!rig_get(&f->args.p0->fired)) {
		rig_add(&f->args.p0->count);
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* A thousand leaves that are all ready. */
RIG_TASK(is_always_ready, struct world, struct weft_task *task; int i;
		struct weft_sleep__frame sleep; struct weft_task_join__frame join;)
{
	struct is_always_ready__frame *f = frame;

	weft_begin(f);
	f->task = rig_spawn(NULL, &watches__async, f->args.p0);
	for (f->i = 0; f->i < 1000; f->i++)
		weft_await(f, f->sleep, weft_sleep, 0);
	rig_add(&f->args.p0->fired);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, b39_a_thousand_ready_leaves_let_others_in)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &is_always_ready__async, &world), 0);
	CHECK_EQ(rig_get(&world.count), 1000 / WEFT_BUDGET);
	CHECK_EQ(rig_metrics(runtime).budget_yields, 1000 / WEFT_BUDGET);
	weft_runtime_destroy(runtime);
}

/* The same after a leaf of the same poll has waited. */
RIG_TASK(is_ready_after_waiting, struct world, int i; struct rig_gate_wait__frame wait;
		struct weft_sleep__frame sleep;)
{
	struct is_ready_after_waiting__frame *f = frame;
	if (f->args.base.at == 0) {
		rig_gate_wait__init(&f->wait.args, &f->args.p0->gates[0]);
		weft_sleep__init(&f->sleep.args, 0);
		f->i = 0;
	}
	f->args.base.at = 1;
	CHECK_EQ(rig_gate_wait__poll(&f->wait, cx), WEFT_PENDING);
	for (; f->i < 1000; f->i++) {
		if (weft_sleep__poll(&f->sleep, cx) == WEFT_PENDING)
			return WEFT_PENDING;
		weft_sleep__init(&f->sleep.args, 0);
	}
	rig_gate_open(&f->args.p0->gates[0]);
	CHECK_EQ(rig_gate_wait__poll(&f->wait, cx), WEFT_READY);
	weft_return(f, 0);
}

RIG_TEST_OF(current, b39_budget_yields_count_also_if_a_leaf_waits)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &is_ready_after_waiting__async, &world), 0);
	CHECK_EQ(rig_metrics(runtime).budget_yields, 1000 / WEFT_BUDGET);
	weft_runtime_destroy(runtime);
}

RIG_TASK(never_waits, struct world, struct weft_sleep__frame sleep;)
{
	struct never_waits__frame *f = frame;

	weft_begin(f);
	do
		weft_await(f, f->sleep, weft_sleep, 0);
	while (f->sleep.args.result == 0);
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}

RIG_TASK(has_a_timeout, struct world, struct never_waits__frame inner;
		struct weft_timeout__frame timeout;)
{
	struct has_a_timeout__frame *f = frame;

	weft_begin(f);
	never_waits__init(&f->inner.args, f->args.p0);
	weft_await(f, f->timeout, weft_timeout, WEFT_MILLISECONDS(1), &never_waits__async,
			&f->inner);
	CHECK_EQ(f->timeout.args.result, -ETIME);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b41_timeout_reaches_what_never_waits)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &has_a_timeout__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- leaves that wait give their charge back ---- */

enum { PENDING_LEAVES = 3 * WEFT_BUDGET };

RIG_TASK(waits_at_the_gate, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_at_the_gate__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gates[0]);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(polls_many_that_wait, struct world, struct weft_task *tasks[PENDING_LEAVES];
		struct weft_task_join__frame joins[PENDING_LEAVES]; struct weft_sleep__frame sleep;
		int left;)
{
	struct polls_many_that_wait__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		for (int i = 0; i < PENDING_LEAVES; i++) {
			f->tasks[i] = rig_spawn(NULL, &waits_at_the_gate__async, world);
			weft_task_join__init(&f->joins[i].args, f->tasks[i], NULL);
			CHECK_EQ(weft_task_join__poll(&f->joins[i], cx), WEFT_PENDING);
		}
		/* all of them wait, and one that is ready still goes on */
		CHECK_EQ(cx->budget, WEFT_BUDGET);
		weft_sleep__init(&f->sleep.args, 0);
		CHECK_EQ(weft_sleep__poll(&f->sleep, cx), WEFT_READY);
		rig_gate_open(&world->gates[0]);
		f->args.base.at = 1;
		f->left = PENDING_LEAVES;
	}
	for (int i = 0; i < PENDING_LEAVES; i++)
		if (f->joins[i].args.base.at != WEFT_AT_DONE &&
				weft_task_join__poll(&f->joins[i], cx) == WEFT_READY)
			f->left--;
	if (f->left)
		return WEFT_PENDING;
	weft_return(f, 0);
}

RIG_TEST(b43_leaves_that_wait_cost_no_budget)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &polls_many_that_wait__async, &world), 0);
	weft_runtime_destroy(runtime);
}
