/* SPDX-License-Identifier: MIT */
/*
 * The end of runtimes (behaviours 1 to 5, 13, 19, 20, 22 and 24).
 *
 * A runtime that must be abandoned, because somebody may still touch its memory, is kept in `abandoned`,
 * so that leak checkers see that it is not lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "rig.h"

enum { KINDS_OF_TASKS = 5, EACH = 40 };

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gate, never, after;
	struct weft__lock lock;
	uint32_t started, ended, released, reports;
	uint32_t inside, let_go, answered;
	char report[200];
};

static struct weft_runtime *abandoned[64];

static void abandon(struct weft_runtime *runtime)
{
	static unsigned count;

	CHECK(count < 64);
	abandoned[count++] = runtime;
	weft_runtime_destroy(runtime);
}

static void note_report(void *data, const char *line)
{
	struct world *world = data;

	snprintf(world->report, sizeof world->report, "%s", line);
	rig_add(&world->reports);
}

static struct weft_runtime *create_reporting(
		const struct weft_runtime_options *options, struct world *world, int64_t grace_ns)
{
	struct weft_runtime_options reporting = *options;

	reporting.hooks.data = world;
	reporting.hooks.report = note_report;
	reporting.shutdown_grace_ns = grace_ns;
	return rig_create(&reporting);
}

/* A current-thread runtime makes progress only while somebody drives it. */
static void drive(struct weft_runtime *runtime, const uint32_t *count, uint32_t at_least)
{
	while (rig_get(count) < at_least)
		if (weft_runtime_turn(runtime) == -EINVAL)
			rig_wait((uint32_t *)(uintptr_t)count, at_least);
}

/* ---- tasks that wait for ever, each in its way ---- */

struct item {
	struct world *world;
	struct item *joined;
	struct weft_task *task;
	int *memory;
	uint32_t releases;
};

static void item_release(struct item *item)
{
	CHECK_EQ(item->releases++, 0);
	CHECK(weft_runtime_current() == item->world->runtime);
	free(item->memory);
	rig_add(&item->world->released);
}

RIG_TASK(waits, struct item, struct rig_gate_wait__frame wait;)
{
	struct waits__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->world->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->world->never);
	item_release(f->args.p0);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

RIG_TASK(sleeps, struct item, struct weft_sleep__frame sleep;)
{
	struct sleeps__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->world->started);
	weft_await(f, f->sleep, weft_sleep, WEFT_NEVER);
	item_release(f->args.p0);
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}

RIG_TASK(yields, struct item, struct weft_yield__frame yield;)
{
	struct yields__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->world->started);
	do
		weft_await(f, f->yield, weft_yield);
	while (f->yield.args.result == 0);
	item_release(f->args.p0);
	weft_return(f, f->yield.args.result);
	weft_end(f);
}

RIG_TASK(joins, struct item, struct weft_task_join__frame join;)
{
	struct joins__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->world->started);
	weft_await(f, f->join, weft_task_join, f->args.p0->joined->task, NULL);
	if (f->join.args.result == -ECANCELED)
		weft_task_detach(f->args.p0->joined->task);
	item_release(f->args.p0);
	weft_return(f, f->join.args.result);
	weft_end(f);
}

RIG_TASK(listens, struct item, struct rig_event event; struct rig_event_wait__frame wait;)
{
	struct listens__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->world->started);
	rig_event_open(&f->event, cx);
	weft_await(f, f->wait, rig_event_wait, &f->event);
	rig_event_close(&f->event);
	item_release(f->args.p0);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

static void spawn_all(struct weft_runtime *runtime, struct world *world, struct item *items)
{
	static const struct weft_async *const kinds[KINDS_OF_TASKS] = { &waits__async,
		&sleeps__async, &yields__async, &listens__async, &joins__async };

	for (int i = 0; i < KINDS_OF_TASKS * EACH; i++) {
		items[i] = (struct item){ .world = world, .memory = malloc(100) };
		items[i].joined = &items[i - i % KINDS_OF_TASKS]; /* a task that waits */
		items[i].task = rig_spawn(runtime, kinds[i % KINDS_OF_TASKS], &items[i]);
		if (i % KINDS_OF_TASKS)
			weft_task_detach(items[i].task);
	}
}

RIG_TEST(b1_destroy_unwinds_every_task_once_with_its_context)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct item items[KINDS_OF_TASKS * EACH];

	spawn_all(runtime, &world, items);
	drive(runtime, &world.started, KINDS_OF_TASKS * EACH);
	weft_runtime_destroy(runtime);
	CHECK_EQ(rig_get(&world.released), KINDS_OF_TASKS * EACH);
}

RIG_TEST(b1_destroy_unwinds_tasks_that_nobody_has_polled)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct item items[KINDS_OF_TASKS * EACH];

	spawn_all(runtime, &world, items);
	weft_runtime_destroy(runtime);
	CHECK_EQ(rig_get(&world.started), KINDS_OF_TASKS * EACH);
	CHECK_EQ(rig_get(&world.released), KINDS_OF_TASKS * EACH);
}

/* ---- what unwinding may do ---- */

RIG_TASK(spawns_while_unwinding, struct world, struct rig_gate_wait__frame wait; int64_t now;)
{
	struct spawns_while_unwinding__frame *f = frame;
	struct world *world = f->args.p0;
	struct rig_args args = rig_args(&waits__async, NULL);

	weft_begin(f);
	f->now = weft_now(cx);
	rig_add(&world->started);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	CHECK_EQ(f->wait.args.result, -ECANCELED);
	CHECK(weft_runtime_current() == world->runtime);
	CHECK(weft_now(cx) >= f->now);
	CHECK(weft_task_spawn(NULL, &waits__async, &args) == NULL);
	CHECK_EQ(weft_task_spawn_detached(NULL, &waits__async, &args), -ESHUTDOWN);
	CHECK(weft_task_create(NULL, &waits__async) == NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b2_unwinding_has_its_runtime_but_spawns_nothing)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct weft_task *task = rig_spawn(runtime, &spawns_while_unwinding__async, &world);

	drive(runtime, &world.started, 1);
	CHECK_EQ(weft_runtime_shutdown(runtime, -1), 0);
	CHECK_EQ(rig_join(task), 0);
	CHECK(weft_task_create(runtime, &waits__async) == NULL);
	CHECK_EQ(weft_runtime_run(runtime, &waits__async, &(struct rig_args){ .result = 0 }, NULL),
			-ESHUTDOWN);
	weft_runtime_destroy(runtime);
}

/* Waits under a shield of its own: cancelling does not reach it, only what others do when they unwind. */
RIG_TASK(waits_shielded, struct world, struct rig_gate_wait__frame wait; struct weft_branch branch;)
{
	struct waits_shielded__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		rig_gate_wait__init(&f->wait.args, &world->after);
		f->branch = weft_branch_make(&rig_gate_wait__async, &f->wait);
		f->branch.shielded = true;
		rig_add(&world->started);
	}
	if (weft_branch_poll(&f->branch, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	CHECK_EQ(f->wait.args.result, 0);
	rig_add(&world->released);
	weft_return(f, 0);
}

RIG_TASK(hides, struct world, struct rig_gate_wait__frame wait; struct weft_shield__frame shield;)
{
	struct hides__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->started);
	rig_gate_wait__init(&f->wait.args, &world->never);
	weft_await(f, f->shield, weft_shield, WEFT_SECONDS(3600), &rig_gate_wait__async, &f->wait);
	rig_add(&world->released);
	weft_return(f, (int)f->shield.args.result);
	weft_end(f);
}

/* The last part of the grace period is for those whose shields would hold too long. */
RIG_TEST(b2_shutdown_ends_shields_in_the_end)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct weft_task *tasks[3];

	for (int i = 0; i < 3; i++)
		tasks[i] = rig_spawn(runtime, &hides__async, &world);
	drive(runtime, &world.started, 3);
	CHECK_EQ(weft_runtime_shutdown(runtime, 500 * 1000 * 1000), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(rig_join(tasks[i]), -ECANCELED);
	CHECK_EQ(rig_get(&world.released), 3);
	weft_runtime_destroy(runtime);
}

RIG_TASK(opens_while_unwinding, struct world, struct rig_gate_wait__frame wait;)
{
	struct opens_while_unwinding__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->started);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	weft__lock_acquire(&world->lock);
	rig_gate_open(&world->after);
	weft__lock_release(&world->lock);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b3_unwinding_wakes_others)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };

	for (int i = 0; i < EACH; i++)
		rig_spawn_detached(runtime, &waits_shielded__async, &world);
	rig_spawn_detached(runtime, &opens_while_unwinding__async, &world);
	drive(runtime, &world.started, EACH + 1);
	CHECK_EQ(weft_runtime_shutdown(runtime, WEFT_NEVER), 0);
	CHECK_EQ(rig_get(&world.released), EACH);
	weft_runtime_destroy(runtime);
}

/* ---- what does not end in time ---- */

static void stay_in_the_job(void *arg)
{
	struct world *world = arg;

	rig_add(&world->inside);
	rig_wait(&world->let_go, 1);
	rig_add(&world->ended);
}

RIG_TASK(has_a_long_job, struct world, struct weft_blocking__frame blocking;)
{
	struct has_a_long_job__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->blocking, weft_blocking, stay_in_the_job, f->args.p0);
	weft_return(f, f->blocking.args.result);
	weft_end(f);
}

static void shut_down_around_a_job(const struct weft_runtime_options *options, int64_t grace_ns)
{
	static struct world world; /* the job uses it until the end */
	struct weft_runtime *runtime;

	world = (struct world){ .reports = 0 };
	runtime = create_reporting(options, &world, 1);
	rig_spawn_detached(runtime, &has_a_long_job__async, &world);
	drive(runtime, &world.inside, 1);
	CHECK_EQ(weft_runtime_shutdown(runtime, grace_ns), 1);
	CHECK(rig_get(&world.reports) >= 2); /* how many are alive, and which */
	CHECK(strstr(world.report, "has_a_long_job") != NULL);
	abandon(runtime);
	CHECK(strstr(world.report, "1 jobs still run") != NULL);
	CHECK_EQ(rig_get(&world.ended), 0);
	rig_add(&world.let_go);
	rig_wait(&world.ended, 1);
}

TEST(b4_shutdown_returns_though_a_job_never_ends)
{
	shut_down_around_a_job(&rig_current, 1000000);
	shut_down_around_a_job(&rig_two, 1000000);
}

TEST(b4_shutdown_without_grace_returns_at_once)
{
	shut_down_around_a_job(&rig_current, 0);
	shut_down_around_a_job(&rig_two, 0);
}

/* Deaf to being cancelled, in a leaf of its own. */
RIG_TASK(is_deaf, struct world, )
{
	struct is_deaf__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0)
		rig_add(&world->started);
	f->args.base.at = 1;
	(void)weft_context_waker(cx);
	return WEFT_PENDING;
}

TEST(shutdown_counts_and_names_what_is_deaf)
{
	static const struct weft_runtime_options *const kinds[] = { &rig_current, &rig_one,
		&rig_two };
	static struct world world;

	for (int i = 0; i < 3; i++) {
		struct weft_runtime *runtime = create_reporting(kinds[i], &world, 1);

		world.started = world.reports = 0;
		rig_spawn_detached(runtime, &is_deaf__async, &world);
		rig_spawn_detached(runtime, &is_deaf__async, &world);
		drive(runtime, &world.started, 2);
		CHECK_EQ(weft_runtime_shutdown(runtime, 1), 2);
		CHECK_EQ(rig_get(&world.reports), 3);
		CHECK(strstr(world.report, "is_deaf") != NULL);
		CHECK_EQ(weft_runtime_shutdown(runtime, 0), 2);
		abandon(runtime);
	}
}

/* A handle can still be ended when its runtime is gone. */
static void *join_later(void *arg)
{
	struct weft_task *task = arg;

	CHECK_EQ(weft_task_join_blocking(task, NULL), -ESHUTDOWN);
	return NULL;
}

TEST(join_of_a_task_whose_runtime_is_gone_gives_eshutdown)
{
	static const struct weft_runtime_options *const kinds[] = { &rig_current, &rig_one,
		&rig_two };
	static struct world world;

	for (int i = 0; i < 3; i++) {
		struct weft_runtime *runtime = create_reporting(kinds[i], &world, 1);
		struct weft_task *early, *late;
		pthread_t thread;

		world.started = 0;
		early = rig_spawn(runtime, &is_deaf__async, &world);
		late = rig_spawn(runtime, &is_deaf__async, &world);
		drive(runtime, &world.started, 2);
		thread = rig_thread(join_later, early);
		abandon(runtime);
		rig_thread_join(thread);
		CHECK(weft_task_is_done(late)); /* in that a join does not wait */
		(void)join_later(late);
	}
}

TEST(handle_of_a_task_that_had_ended_works_when_its_runtime_is_gone)
{
	static const struct weft_runtime_options *const kinds[] = { &rig_current, &rig_one,
		&rig_two };
	static struct world world;

	for (int i = 0; i < 3; i++) {
		struct weft_runtime *runtime = create_reporting(kinds[i], &world, 1);
		struct item item = { .world = &world };
		struct weft_task *task, *other;

		world.runtime = runtime;
		world.started = world.released = 0;
		task = rig_spawn(runtime, &waits__async, &item);
		other = rig_spawn(runtime, &is_deaf__async, &world);
		drive(runtime, &world.started, 2);
		weft_task_cancel(task);
		drive(runtime, &world.released, 1);
		while (!weft_task_is_done(task))
			sched_yield();
		abandon(runtime);
		CHECK_EQ(rig_join(task), -ECANCELED);
		weft_task_cancel(other);
		weft_task_detach(other);
	}
}

/* ---- spawning and waking meanwhile ---- */

enum { SPAWNERS = 8, SPAWNS = 10000 / SPAWNERS };

struct storm {
	struct world world;
	uint32_t accepted, refused;
};

/* Owns a byte, and waits for what never happens. */
RIG_TASK(drop, struct storm, char *memory; struct rig_gate_wait__frame wait;)
{
	struct drop__frame *f = frame;
	struct storm *storm = f->args.p0;

	weft_begin(f);
	f->memory = malloc(1);
	weft_await(f, f->wait, rig_gate_wait, &storm->world.never);
	free(f->memory);
	/* relaxed: counted for the end */
	atomic_fetch_add_relaxed(&storm->world.released, 1u);
	weft_return(f, 0);
	weft_end(f);
}

static void *spawn_until_refused(void *arg)
{
	struct storm *storm = arg;
	struct rig_args args = rig_args(&drop__async, storm);

	for (int i = 0; i < SPAWNS; i++) {
		int err = weft_task_spawn_detached(storm->world.runtime, &drop__async, &args);

		if (i == SPAWNS / 8)
			rig_add(&storm->world.started);
		CHECK(err == 0 || err == -ESHUTDOWN);
		rig_add(err == 0 ? &storm->accepted : &storm->refused);
	}
	return NULL;
}

RIG_TEST(b5_spawns_of_eight_threads_race_with_the_shutdown)
{
	for (int round = 0; round < 5; round++) {
		struct weft_runtime *runtime = rig_create(options);
		struct storm storm = { .world.runtime = runtime };
		pthread_t threads[SPAWNERS];

		for (int i = 0; i < SPAWNERS; i++)
			threads[i] = rig_thread(spawn_until_refused, &storm);
		rig_wait(&storm.world.started, 2);
		CHECK(weft_runtime_shutdown(runtime, -1) >= 0);
		for (int i = 0; i < SPAWNERS; i++)
			rig_thread_join(threads[i]);
		weft_runtime_destroy(runtime);
		CHECK_EQ(storm.accepted + storm.refused, SPAWNERS * SPAWNS);
		CHECK_EQ(storm.world.released, storm.accepted);
	}
}

enum { WOKEN = 2000 };

struct wakers {
	struct world world;
	struct weft_waker wakers[WOKEN];
};

/* Hands out owned wakers, and unwinds. */
RIG_TASK(is_woken, struct wakers, )
{
	struct is_woken__frame *f = frame;
	struct wakers *wakers = f->args.p0;

	if (f->args.base.at == 0) {
		uint32_t i = rig_add(&wakers->world.inside);

		wakers->wakers[i] = weft_waker_clone(weft_context_waker(cx));
		f->args.base.at = 1;
		rig_add(&wakers->world.started);
		return WEFT_PENDING;
	}
	if (!weft_context_cancelled(cx)) {
		(void)weft_context_waker(cx);
		return WEFT_PENDING;
	}
	rig_add(&wakers->world.released);
	weft_return(f, 0);
}

static void *wake_all(void *arg)
{
	struct wakers *wakers = arg;

	for (int i = 0; i < WOKEN; i++) {
		if (i == WOKEN / 4)
			rig_add(&wakers->world.let_go);
		if (i % 2)
			weft_waker_wake_by_ref(&wakers->wakers[i]);
		if (i % 3)
			weft_waker_wake(wakers->wakers[i]);
		else
			weft_waker_drop(wakers->wakers[i]);
	}
	return NULL;
}

TEST(b5_wakes_of_another_thread_race_with_destroy)
{
	static const struct weft_runtime_options *const kinds[] = { &rig_current, &rig_one,
		&rig_two };

	for (int round = 0; round < 15; round++) {
		static struct wakers wakers;
		struct weft_runtime *runtime = rig_create(kinds[round % 3]);
		pthread_t thread;

		wakers.world = (struct world){ .started = 0 };
		for (int i = 0; i < WOKEN; i++)
			rig_spawn_detached(runtime, &is_woken__async, &wakers);
		drive(runtime, &wakers.world.started, WOKEN);
		thread = rig_thread(wake_all, &wakers);
		rig_wait(&wakers.world.let_go, 1);
		abandon(runtime); /* or not, if the thread was fast */
		CHECK_EQ(rig_get(&wakers.world.released), WOKEN);
		rig_thread_join(thread);
	}
}

/* What was created before the shutdown and started after it is unwound all the same. */
RIG_TEST(started_after_the_shutdown_is_unwound_by_destroy)
{
	for (int round = 0; round < 20; round++) {
		struct weft_runtime *runtime = rig_create(options);
		struct storm storm = { .world.runtime = runtime };
		struct drop__frame *frame = weft_task_create(runtime, &drop__async);

		CHECK(frame != NULL);
		drop__init(&frame->args, &storm);
		CHECK_EQ(weft_runtime_shutdown(runtime, 0), 1);
		weft_task_start_detached(frame);
		weft_runtime_destroy(runtime);
		CHECK_EQ(storm.world.released, 1);
	}
}

static void *shut_down(void *arg)
{
	struct world *world = arg;

	CHECK_EQ(weft_runtime_shutdown(world->runtime, WEFT_NEVER), 0);
	rig_add(&world->answered);
	return NULL;
}

RIG_TEST(discarding_a_task_lets_the_shutdown_end)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	void *frame = weft_task_create(runtime, &waits__async), *other;
	pthread_t thread = rig_thread(shut_down, &world);

	while ((other = weft_task_create(runtime, &waits__async)))
		weft_task_discard(other);
	weft_task_discard(frame);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}

/* ---- while somebody drives, or is away ---- */

RIG_TASK(waits_to_be_cancelled, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_to_be_cancelled__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

static void *shut_down_when_started(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->never.waiting, 1);
	return shut_down(arg);
}

RIG_TEST(shutdown_from_another_thread_ends_run)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t thread = rig_thread(shut_down_when_started, &world);

	CHECK_EQ(rig_run(runtime, &waits_to_be_cancelled__async, &world), -ECANCELED);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}

static void wait_for_releases(void *arg)
{
	struct world *world = arg;

	rig_add(&world->inside);
	rig_wait(&world->released, EACH);
}

RIG_TASK(blocks_in_place, struct world, )
{
	struct blocks_in_place__frame *f = frame;

	(void)cx;
	CHECK_EQ(weft_block_in_place(wait_for_releases, f->args.p0), 0);
	weft_return(f, 0);
}

/* The worker is away until the others have been unwound. */
RIG_TEST_MULTI(b13_block_in_place_holds_up_no_shutdown)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct item items[EACH];

	for (int i = 0; i < EACH; i++) {
		items[i] = (struct item){ .world = &world };
		rig_spawn_detached(runtime, i % 2 ? &waits__async : &sleeps__async, &items[i]);
	}
	rig_wait(&world.started, EACH);
	rig_spawn_detached(runtime, &blocks_in_place__async, &world);
	rig_wait(&world.inside, 1);
	CHECK_EQ(weft_runtime_shutdown(runtime, WEFT_NEVER), 0);
	CHECK_EQ(rig_get(&world.released), EACH);
	weft_runtime_destroy(runtime);
}

/* ---- from inside ---- */

RIG_TASK(destroys_its_own, struct world, )
{
	struct destroys_its_own__frame *f = frame;

	(void)cx;
	weft_runtime_destroy(f->args.p0->runtime);
	weft_return(f, 0);
}

static void run_what_destroys_its_own(const struct weft_runtime_options *options)
{
	struct world world = { .runtime = rig_create(options) };

	(void)rig_run(world.runtime, &destroys_its_own__async, &world);
}

TEST(b19_destroy_from_inside_aborts)
{
	weft_runtime_destroy(rig_create(&rig_current)); /* or skip */
	CHECK_ABORTS_SAYING("weft_runtime_destroy called from a task",
			run_what_destroys_its_own(&rig_current));
	CHECK_ABORTS_SAYING("weft_runtime_destroy called from a task",
			run_what_destroys_its_own(&rig_two));
}

RIG_TASK(nests, struct world, struct weft_task *task; struct rig_gate_wait__frame wait;)
{
	struct nests__frame *f = frame;
	struct world *world = f->args.p0;
	struct weft_runtime *mine = world->runtime, *other;
	struct rig_args args = rig_args(&waits_to_be_cancelled__async, world);

	(void)cx;
	CHECK_EQ(weft_runtime_shutdown(mine, 0), -EDEADLK);
	CHECK_EQ(weft_runtime_run(mine, &waits_to_be_cancelled__async, &args, NULL), -EDEADLK);
	f->task = rig_spawn(NULL, &waits_to_be_cancelled__async, world);
	CHECK_EQ(weft_task_join_blocking(f->task, NULL), -EDEADLK);
	weft_task_detach(f->task);
	CHECK_EQ(weft_runtime_turn(mine), weft_runtime_fd(mine) >= 0 ? -EDEADLK : -EINVAL);

	/* another runtime can be made, shut down and destroyed here, but not run */
	for (int i = 0; i < 2; i++) {
		other = rig_create(i ? &rig_two : &rig_current);
		CHECK_EQ(weft_runtime_run(other, &waits_to_be_cancelled__async, &args, NULL),
				-EDEADLK);
		if (i == 0)
			CHECK_EQ(weft_runtime_turn(other), -EDEADLK);
		CHECK_EQ(weft_runtime_shutdown(other, 0), 0);
		weft_runtime_destroy(other);
	}
	weft_return(f, 1);
}

RIG_TEST(b20_b19_runtimes_do_not_nest)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };

	CHECK_EQ(rig_run(runtime, &nests__async, &world), 1);
	weft_runtime_destroy(runtime);
}

/* ---- jobs ---- */

static void count_job(void *arg)
{
	rig_add(arg);
}

RIG_TASK(submits_when_cancelled, struct world, struct rig_gate_wait__frame wait;
		struct weft_blocking__frame blocking;)
{
	struct submits_when_cancelled__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->started);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	weft_await(f, f->blocking, weft_blocking, count_job, &world->ended);
	weft_return(f, f->blocking.args.result);
	weft_end(f);
}

static void finish_when_shut_down(void *arg)
{
	struct world *world = arg;

	rig_add(&world->inside);
	while (weft_task_spawn_detached(world->runtime, &waits_to_be_cancelled__async,
			       &(struct rig_args){ .p0 = world }) == 0)
		atomic_pause();
	rig_add(&world->ended);
}

RIG_TASK(awaits_a_job, struct world, struct weft_blocking__frame blocking;)
{
	struct awaits_a_job__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	weft_await(f, f->blocking, weft_blocking, finish_when_shut_down, world);
	CHECK_EQ(rig_get(&world->ended), 1);
	weft_return(f, f->blocking.args.result);
	weft_end(f);
}

RIG_TEST(b22_job_after_the_shutdown_does_not_run_and_one_before_it_completes)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct weft_task *before, *after;

	after = rig_spawn(runtime, &submits_when_cancelled__async, &world);
	drive(runtime, &world.started, 1);
	before = rig_spawn(runtime, &awaits_a_job__async, &world);
	drive(runtime, &world.inside, 1);
	CHECK_EQ(weft_runtime_shutdown(runtime, WEFT_NEVER), 0);
	CHECK_EQ(rig_join(before), 0);
	CHECK_EQ(rig_join(after), -ECANCELED);
	CHECK_EQ(rig_get(&world.ended), 1);
	weft_runtime_destroy(runtime);
}

/* ---- failing ---- */

RIG_TASK(fails, struct world, struct rig_gate_wait__frame wait;)
{
	struct fails__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	weft_return(f, -EILSEQ);
	weft_end(f);
}

RIG_TASK(lets_one_fail, struct world, struct rig_gate_wait__frame wait;
		struct weft_yield__frame yield;)
{
	struct lets_one_fail__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_spawn_detached(NULL, &fails__async, world);
	while (!rig_get(&world->started))
		weft_await(f, f->yield, weft_yield);
	rig_gate_open(&world->gate);
	weft_await(f, f->wait, rig_gate_wait, &world->never);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

RIG_TEST(b24_failure_of_a_detached_task_shuts_down_if_asked_to)
{
	struct weft_runtime_options failing = *options;
	struct weft_runtime *runtime;
	struct world world = { .started = 0 };
	struct rig_args args = rig_args(&lets_one_fail__async, &world);
	int result = 0;

	failing.shutdown_on_failure = true;
	runtime = rig_create(&failing);
	CHECK_EQ(weft_runtime_run(runtime, &lets_one_fail__async, &args, &result), -EILSEQ);
	CHECK_EQ(result, -ECANCELED);
	CHECK(weft_task_spawn(runtime, &lets_one_fail__async, &args) == NULL);
	CHECK_EQ(weft_task_spawn_detached(runtime, &lets_one_fail__async, &args), -ESHUTDOWN);
	CHECK_EQ(weft_runtime_run(runtime, &lets_one_fail__async, &args, &result), -ESHUTDOWN);
	weft_runtime_destroy(runtime);
}

RIG_TASK(joins_the_failing, struct world, struct weft_task *task; int result;
		struct weft_task_join__frame join; struct weft_yield__frame yield;)
{
	struct joins_the_failing__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &fails__async, world);
	rig_gate_open(&world->gate);
	weft_await(f, f->join, weft_task_join, f->task, &f->result);
	CHECK_EQ(f->result, -EILSEQ);
	weft_await(f, f->yield, weft_yield);
	weft_return(f, f->yield.args.result);
	weft_end(f);
}

/* Also where time stands still, and nothing else will happen. */
RIG_TEST_OF(current, b24_failure_shuts_down_under_a_paused_clock)
{
	struct weft_runtime_options failing = *options;
	struct weft_runtime *runtime;
	struct world world = { .started = 0 };
	struct rig_args args = rig_args(&lets_one_fail__async, &world);
	int result = 0;

	failing.shutdown_on_failure = failing.clock_paused = true;
	runtime = rig_create(&failing);
	CHECK_EQ(weft_runtime_run(runtime, &lets_one_fail__async, &args, &result), -EILSEQ);
	CHECK_EQ(result, -ECANCELED);
	weft_runtime_destroy(runtime);
}

RIG_TEST(b24_failure_of_a_task_with_a_handle_is_its_owners)
{
	struct weft_runtime_options failing = *options;
	struct weft_runtime *runtime;
	struct world world = { .started = 0 };

	failing.shutdown_on_failure = true;
	runtime = rig_create(&failing);
	CHECK_EQ(rig_run(runtime, &joins_the_failing__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- not even begun ---- */

TEST(create_refuses_bad_options)
{
	struct weft_runtime *runtime;
	struct weft_runtime_options bad[] = {
		{ .flavour = (enum weft_flavour)7 },
		{ .workers = 100000 },
		{ .clock_paused = true },
		{ .blocking_keep_alive_ns = -1 },
		{ .shutdown_grace_ns = -1 },
		{ .poller = "no such poller" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_EQ(weft_runtime_create(&runtime, &bad[i]), -EINVAL);
	weft_runtime_destroy(NULL);
}

/* Whose tasks migrate may not have sockets that belong to one ring. */
TEST(create_refuses_a_ring_s_own_sockets_to_several_workers)
{
	struct weft_runtime_options options = { .poller = "uring-direct", .workers = 2 };
	struct weft_runtime *runtime;
	int err = weft_runtime_create(&runtime, &options);

	if (err == -ENOSYS)
		SKIP("this poller is not to be had here");
	CHECK_EQ(err, -EINVAL);
	options.flavour = WEFT_CURRENT_THREAD;
	CHECK_EQ(weft_runtime_create(&runtime, &options), 0);
	CHECK(strcmp(weft_runtime_poller(runtime), "uring-direct") == 0);
	weft_runtime_destroy(runtime);
}

/* Whoever has set the environment is told by name. */
TEST(create_says_what_the_environment_has_wrong)
{
	struct weft_runtime_options options = { .hooks = { .report = note_report } };
	const char *poller = getenv("WEFT_POLLER");
	char *before = poller ? strdup(poller) : NULL;
	struct weft_runtime *runtime;
	struct world world = { .reports = 0 };

	options.hooks.data = &world;
	options.poller = "sim";
	setenv("WEFT_WORKERS", "many", 1);
	CHECK_EQ(weft_runtime_create(&runtime, &options), 0);
	unsetenv("WEFT_WORKERS");
	CHECK(strstr(world.report, "WEFT_WORKERS=many is not a number") != NULL);
	CHECK_EQ(weft_runtime_worker_count(runtime), weft__cpu_count());
	weft_runtime_destroy(runtime);
	options.poller = NULL;
	setenv("WEFT_POLLER", "kqueue", 1);
	CHECK_EQ(weft_runtime_create(&runtime, &options), -EINVAL);
	CHECK(strstr(world.report, "WEFT_POLLER=kqueue is none of") != NULL);
	CHECK_EQ(rig_get(&world.reports), 2);
	if (before)
		setenv("WEFT_POLLER", before, 1);
	else
		unsetenv("WEFT_POLLER");
	free(before);
}

/* Out of descriptors at each of the places where one is needed. */
RIG_TEST(create_without_descriptors_leaves_nothing_behind)
{
	struct rlimit before, cut;
	struct weft_runtime *runtime = rig_create(options);
	unsigned made = 0, open = rig_descriptors();

	weft_runtime_destroy(runtime);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (rlim_t limit = 3; limit < open + 8; limit++) {
		int err;

		cut = (struct rlimit){ limit, before.rlim_max };
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &cut), 0);
		err = weft_runtime_create(&runtime, options);
		if (!err)
			weft_runtime_destroy(runtime);
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
		CHECK(err == 0 || err == -EMFILE);
		made += err == 0;
	}
	CHECK(made > 0);
}
