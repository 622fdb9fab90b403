/* SPDX-License-Identifier: MIT */
/* What holds for every future, whoever polls it (rows S0-3, S0-5, S1-4, S1-10, S1-11, S1-19, S1-22 and
 * S2-11). */
#include <stdio.h>

#include <weft.h>
#include <weft/loop.h>

#include "exec/join.h"
#include "rig.h"

enum { MANY = 10000, STEPS = 5, SLEEPERS = 5000, MEETINGS = 3000 };

struct world {
	struct weft_runtime *runtime;
	uint32_t bodies, ended, met[2], over;
	struct weft__parker parkers[2];
};

/* ---- inert until it is polled ---- */

RIG_TASK(has_a_body, struct world, )
{
	struct has_a_body__frame *f = frame;

	(void)cx;
	rig_add(&f->args.p0->bodies);
	weft_return(f, 0);
}

static void count_body(void *arg)
{
	rig_add(&((struct world *)arg)->bodies);
}

static unsigned slots_used(const struct weft__heap *heap)
{
	unsigned used = 0;

	for (const struct weft__page *page = heap->pages; page; page = page->all_next)
		used += page->used;
	return used;
}

RIG_TASK(
		makes_many, struct world, struct weft_tcp conn; struct weft_tcp_listener listener;
		struct weft_interval interval; char byte; union {
			struct has_a_body__frame body;
			struct weft_sleep__frame sleep;
			struct weft_interval_tick__frame tick;
			struct weft_tcp_connect__frame connect;
			struct weft_tcp_accept__frame accept;
			struct weft_tcp_read__frame read;
			struct weft_blocking__frame blocking;
		};)
{
	struct makes_many__frame *f = frame;
	struct weft__worker *worker = weft__worker_current;
	unsigned slots = slots_used(&worker->heap), descriptors = rig_descriptors();

	(void)cx;
	f->conn = (struct weft_tcp){ NULL, 0 };
	f->listener = (struct weft_tcp_listener){ NULL, 0 };
	for (int i = 0; i < MANY; i++) {
		has_a_body__init(&f->body.args, f->args.p0);
		weft_sleep__init(&f->sleep.args, 1);
		weft_interval_tick__init(&f->tick.args, &f->interval, NULL);
		weft_tcp_connect__init(&f->connect.args, &f->conn, "127.0.0.1", "1");
		weft_tcp_accept__init(&f->accept.args, f->listener, &f->conn);
		weft_tcp_read__init(&f->read.args, f->conn, &f->byte, 1);
		weft_blocking__init(&f->blocking.args, count_body, f->args.p0);
	}
	CHECK_EQ(worker->wheel.count, 0);
	CHECK_EQ(worker->reactor.sources, 0);
	CHECK_EQ(slots_used(&worker->heap), slots);
	CHECK_EQ(rig_descriptors(), descriptors);
	CHECK_EQ(rig_metrics(f->args.p0->runtime).blocking_threads, 0);
	CHECK_EQ(rig_metrics(f->args.p0->runtime).tasks_alive, 1);
	CHECK_EQ(rig_get(&f->args.p0->bodies), 0);
	weft_return(f, 0);
}

/* S0-3, S1-4 */
RIG_TEST(future_that_nobody_polls_has_no_effect)
{
	struct world world = { .runtime = rig_create(options) };

	CHECK_EQ(rig_run(world.runtime, &makes_many__async, &world), 0);
	CHECK_EQ(rig_get(&world.bodies), 0);
	weft_runtime_destroy(world.runtime);
}

/* ---- the same future under four executors ---- */

WEFT_ASYNC_1(int, step, int);
struct step__frame {
	struct step__args args;
	struct weft_yield__frame yield;
};
WEFT_ASYNC_DEFINE(step, WEFT_ASYNC_RESULT_INT);

enum weft_poll step__poll(void *frame, struct weft_context *cx)
{
	struct step__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	weft_return(f, f->args.p0 * f->args.p0);
	weft_end(f);
}

WEFT_ASYNC_1(int, sum, int);
struct sum__frame {
	struct sum__args args;
	int i, total;
	struct step__frame step;
};
WEFT_ASYNC_DEFINE(sum, WEFT_ASYNC_RESULT_INT);

enum weft_poll sum__poll(void *frame, struct weft_context *cx)
{
	struct sum__frame *f = frame;

	weft_begin(f);
	f->total = 0;
	for (f->i = 1; f->i <= f->args.p0; f->i++) {
		weft_await(f, f->step, step, f->i);
		f->total += f->step.args.result;
	}
	weft_return(f, f->total);
	weft_end(f);
}

static int sum_by_hand(void)
{
	struct weft__parker parker = { 0, 0 };
	struct weft_strand strand = { NULL };
	struct weft_context cx = weft_context_make(weft__parker_waker(&parker), &strand);
	struct sum__frame frame;

	sum__init(&frame.args, STEPS);
	while (weft_strand_poll(&strand, &sum__async, &frame, &cx) == WEFT_PENDING)
		if (!cx.self_woken)
			(void)weft__parker_wait(&parker, INT64_MAX);
	weft__parker_settle(&parker);
	return frame.args.result;
}

static int sum_in_a_loop(void)
{
	static WEFT_LOOP_TASK(storage, struct sum__frame);
	struct weft_loop loop = { .on_wake = NULL };
	struct weft_loop_task *task;
	struct sum__args args;

	sum__init(&args, STEPS);
	task = weft_loop_spawn(&loop, &storage, sizeof storage, &sum__async, &args);
	CHECK(task != NULL);
	CHECK_EQ(weft_loop_run_until_stalled(&loop), 0);
	return *(const int *)weft_loop_result(task);
}

static int sum_in_a_runtime(const struct weft_runtime_options *options)
{
	struct weft_runtime *runtime = rig_create(options);
	struct sum__args args;
	int result = 0;

	sum__init(&args, STEPS);
	CHECK_EQ(weft_runtime_run(runtime, &sum__async, &args, &result), 0);
	weft_runtime_destroy(runtime);
	return result;
}

/* S0-5 */
TEST(future_gives_the_same_under_every_executor)
{
	CHECK_EQ(sum_by_hand(), 55);
	CHECK_EQ(sum_in_a_loop(), 55);
	CHECK_EQ(sum_in_a_runtime(&rig_current), 55);
	CHECK_EQ(sum_in_a_runtime(&rig_two), 55);
}

/* ---- a future that breaks the contract ---- */

RIG_TASK(forgets_its_waker, struct world, )
{
	(void)frame;
	(void)cx;
	return WEFT_PENDING;
}

static void run_what_forgets(const struct weft_runtime_options *options)
{
	struct world world = { .runtime = rig_create(options) };

	(void)rig_run(world.runtime, &forgets_its_waker__async, &world);
}

/* S2-11 */
TEST(future_that_waits_without_a_waker_aborts_by_its_name)
{
	weft_runtime_destroy(rig_create(&rig_current)); /* or skip */
	CHECK_ABORTS_SAYING("forgets_its_waker", run_what_forgets(&rig_current));
	CHECK_ABORTS_SAYING("forgets_its_waker", run_what_forgets(&rig_two));
}

/* ---- a thread that waits for a future ---- */

static void *meet(void *arg)
{
	struct world *world = arg;

	for (uint32_t i = 1; i <= MEETINGS; i++) {
		while (rig_get(&world->met[0]) < i)
			(void)weft__parker_wait(&world->parkers[1], INT64_MAX);
		atomic_store_release(&world->met[1], i); /* pairs with rig_get */
		weft__parker_unpark(&world->parkers[0]);
	}
	return NULL;
}

/* S1-11: whoever is woken before it parks does not park. */
TEST(parker_is_woken_whether_the_wake_comes_before_or_after)
{
	struct world world = { .bodies = 0 };
	pthread_t thread = rig_thread(meet, &world);

	for (uint32_t i = 1; i <= MEETINGS; i++) {
		atomic_store_release(&world.met[0], i); /* pairs with rig_get */
		weft__parker_unpark(&world.parkers[1]);
		while (rig_get(&world.met[1]) < i)
			(void)weft__parker_wait(&world.parkers[0], INT64_MAX);
	}
	rig_thread_join(thread);
	weft__parker_unpark(&world.parkers[0]);
	CHECK_EQ(weft__parker_wait(&world.parkers[0], INT64_MAX), 0);
}

/* ---- tasks and threads ---- */

static unsigned threads_alive(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned count = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

RIG_TASK(sleeps, struct world, struct weft_sleep__frame sleep;)
{
	struct sleeps__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->bodies);
	weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(3600));
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(lets_many_sleep, struct world, struct weft_yield__frame yield;)
{
	struct lets_many_sleep__frame *f = frame;

	weft_begin(f);
	for (int i = 0; i < SLEEPERS; i++)
		rig_spawn_detached(NULL, &sleeps__async, f->args.p0);
	while (rig_get(&f->args.p0->bodies) < SLEEPERS)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

/* S1-10, S1-23 */
RIG_TEST(tasks_that_sleep_need_no_threads)
{
	unsigned before = threads_alive(), workers;
	struct world world = { .runtime = rig_create(options) };

	CHECK_EQ(rig_run(world.runtime, &has_a_body__async, &world), 0);
	world.bodies = 0;
	CHECK_EQ(rig_run(world.runtime, &lets_many_sleep__async, &world), 0);
	workers = options->flavour == WEFT_MULTI_THREAD ? options->workers : 0;
	/* the workers and their monitor */
	CHECK(threads_alive() <= before + workers + (workers > 0));
	weft_runtime_destroy(world.runtime);
	CHECK_EQ(rig_get(&world.ended), SLEEPERS);
}

RIG_TASK(computes, struct world, )
{
	struct computes__frame *f = frame;

	(void)cx;
	for (int i = 0; i < 2000; i++)
		atomic_pause();
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
}

/* A batch of which some are stolen, although nobody was taken for stuck: that would be a take-over. */
RIG_TASK(spawns_until_stolen_from, struct world, struct weft_yield__frame yield; uint32_t spawned;
		struct weft_metrics before, after;)
{
	struct spawns_until_stolen_from__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->spawned = 0;
	do {
		f->before = rig_metrics(world->runtime);
		for (int i = 0; i < 100; i++)
			rig_spawn_detached(NULL, &computes__async, world);
		f->spawned += 100;
		while (rig_get(&world->ended) < f->spawned)
			weft_await(f, f->yield, weft_yield);
		f->after = rig_metrics(world->runtime);
	} while (f->after.steals == f->before.steals || f->after.takeovers != f->before.takeovers);
	weft_return(f, 0);
	weft_end(f);
}

/* S1-19, S1-22: tasks that one worker spawns come to another, which has nothing to do. */
RIG_TEST_OF(two, worker_without_work_steals)
{
	struct world world = { .runtime = rig_create(options) };

	if (WEFT__RING < 100) { /* which overflows before anybody steals from it */
		weft_runtime_destroy(world.runtime);
		SKIP("the ring is too small");
	}
	CHECK_EQ(rig_run(world.runtime, &spawns_until_stolen_from__async, &world), 0);
	weft_runtime_destroy(world.runtime);
}
