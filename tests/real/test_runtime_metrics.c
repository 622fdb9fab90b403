/* SPDX-License-Identifier: MIT */
/*
 * What can be seen of a runtime: counters, hooks, dumps (behaviours 18, 25 and 26); and what it does not
 * do: allocate, call the system, wake up for nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "rig.h"

enum { TASKS = 50, POLLS = 4, DEPTH = 10, MANY = 1000 };

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gate, never;
	struct rig_event event;
	struct weft_waker waker;
	uint32_t started, ended, parks, unparks, threads, stopped;
	uint32_t spawns, ends, before, after, in_poll, over;
	uint64_t ids[2 * TASKS];
	int hook_left;
};

/* ---- counters ---- */

RIG_TASK(yields_thrice, struct world, int i; struct weft_yield__frame yield;)
{
	struct yields_thrice__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	for (f->i = 0; f->i < POLLS - 1; f->i++)
		weft_await(f, f->yield, weft_yield);
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(joins_all, struct world, struct weft_task *tasks[TASKS]; int i;
		struct weft_task_join__frame join;)
{
	struct joins_all__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < TASKS; f->i++)
		f->tasks[f->i] = rig_spawn(NULL, &yields_thrice__async, f->args.p0);
	CHECK_EQ(rig_metrics(weft_runtime_current()).tasks_alive, TASKS + 1);
	for (f->i = 0; f->i < TASKS; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	CHECK_EQ(rig_metrics(weft_runtime_current()).tasks_alive, 1);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, b25_spawns_polls_and_wakes_are_counted_exactly)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };
	struct weft_metrics metrics;

	CHECK_EQ(rig_run(runtime, &joins_all__async, &world), 0);
	metrics = rig_metrics(runtime);
	CHECK_EQ(metrics.tasks_alive, 0);
	CHECK_EQ(metrics.tasks_spawned, TASKS + 1);
	/* all end in the same round, in order: the root waits for the first, and finds the others done */
	CHECK_EQ(metrics.polls, TASKS * POLLS + 2);
	CHECK_EQ(metrics.remote_wakes, 1); /* the root was started from outside */
	CHECK_EQ(metrics.steals, 0);
	CHECK_EQ(metrics.overflows, 0);
	CHECK_EQ(metrics.takeovers, 0);
	CHECK_EQ(metrics.budget_yields, 0);
	CHECK_EQ(metrics.parks, 0);
	CHECK_EQ(metrics.timers_fired, 0);
	CHECK_EQ(metrics.frames_allocated, 0);
	CHECK_EQ(metrics.blocking_threads, 0);
	weft_runtime_destroy(runtime);
}

RIG_TASK(sleeps_and_listens, struct world, int i; struct weft_sleep__frame sleep;
		struct rig_event_wait__frame wait;)
{
	struct sleeps_and_listens__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < 5; f->i++)
		weft_await(f, f->sleep, weft_sleep, 1000);
	rig_event_open(&world->event, cx);
	world->parks = (uint32_t)rig_metrics(world->runtime).parks;
	rig_add(&world->started);
	weft_await(f, f->wait, rig_event_wait, &world->event);
	rig_event_close(&world->event);
	weft_return(f, 0);
	weft_end(f);
}

static void *signal_when_parked(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->started, 1);
	while (rig_metrics(world->runtime).parks <= world->parks)
		sched_yield();
	weft__event_signal(world->event.fd);
	return NULL;
}

RIG_TEST_OF(current, b25_timers_and_events_are_counted)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t thread = rig_thread(signal_when_parked, &world);

	CHECK_EQ(rig_run(runtime, &sleeps_and_listens__async, &world), 0);
	rig_thread_join(thread);
	CHECK_EQ(rig_metrics(runtime).timers_fired, 5);
	CHECK(rig_metrics(runtime).reactor_events > 0);
	CHECK(rig_metrics(runtime).parks > 0);
	weft_runtime_destroy(runtime);
}

/* ---- one allocation per task, none per await ---- */

WEFT_ASYNC_2(int, descends, struct world *, int);
struct descends__frame {
	struct descends__args args;
	struct descends__args *child;
	int result;
	struct weft_yield__frame yield;
};
WEFT_ASYNC_DEFINE(descends, WEFT_ASYNC_RESULT_INT);

/* Recursive: each level needs a frame of its own. */
enum weft_poll descends__poll(void *frame, struct weft_context *cx)
{
	struct descends__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->yield, weft_yield);
	f->result = 0;
	if (f->args.p1 > 0)
		weft_await_own(f, f->child, &f->result, descends, f->args.p0, f->args.p1 - 1);
	weft_return(f, f->result + 1);
	weft_end(f);
}

/* Slots in use, as the home thread sees them. */
static unsigned slots_used(const struct weft__heap *heap, enum weft__slab_kind kind)
{
	unsigned used = 0;

	for (const struct weft__page *page = heap->pages; page; page = page->all_next)
		if (page->kind == kind)
			used += page->used;
	return used;
}

/* What the C library handed out; sanitizers and valgrind have allocators of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS_MALLOC 0
#endif
#endif
#ifndef COUNTS_MALLOC
#define COUNTS_MALLOC 1
#endif

static size_t malloc_calls;

#if COUNTS_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
	atomic_fetch_add_relaxed(&malloc_calls, (size_t)1); /* a counter, like those below */
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	atomic_fetch_add_relaxed(&malloc_calls, (size_t)1);
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	atomic_fetch_add_relaxed(&malloc_calls, (size_t)1);
	return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	atomic_fetch_add_relaxed(&malloc_calls, (size_t)1);
	return __libc_memalign(align, size);
}
#endif

RIG_TASK(awaits_at_depth, struct world, int i; struct rig_gate_wait__frame wait;
		struct yields_thrice__frame child;)
{
	struct awaits_at_depth__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->spawns);
	weft_await(f, f->wait, rig_gate_wait, &world->gate);
	for (f->i = 0; f->i < 5; f->i++)
		weft_await(f, f->child, yields_thrice, world);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(counts_allocations, struct world, struct weft_task *tasks[MANY]; int i, round;
		size_t calls; unsigned slots, frames; struct weft_yield__frame yield;
		struct weft_task_join__frame join;)
{
	struct counts_allocations__frame *f = frame;
	struct world *world = f->args.p0;
	struct weft__heap *heap = &weft__worker_current->heap;

	weft_begin(f);
	f->frames = slots_used(heap, SLAB_FRAME);
	for (f->round = 0; f->round < 2; f->round++) { /* the first one warms up */
		f->slots = slots_used(heap, SLAB_TASK);
		f->calls = malloc_calls;
		world->gate.open = false;
		world->spawns = 0;
		for (f->i = 0; f->i < MANY; f->i++)
			f->tasks[f->i] = rig_spawn(NULL, &awaits_at_depth__async, world);
		CHECK_EQ(slots_used(heap, SLAB_TASK), f->slots + MANY);
		while (rig_get(&world->spawns) < MANY)
			weft_await(f, f->yield, weft_yield);
		rig_gate_open(&world->gate);
		for (f->i = 0; f->i < MANY; f->i++)
			weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
		CHECK_EQ(slots_used(heap, SLAB_TASK), f->slots);
		CHECK_EQ(slots_used(heap, SLAB_FRAME), f->frames);
		if (f->round > 0)
			CHECK_EQ(malloc_calls, f->calls);
	}
	weft_return(f, 0);
	weft_end(f);
}

/* Rows S0-4 and S3-24. */
RIG_TEST_OF(current, a_task_is_one_allocation_and_an_await_is_none)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &counts_allocations__async, &world), 0);
	CHECK_EQ(rig_metrics(runtime).frames_allocated, 0);
	weft_runtime_destroy(runtime);
}

/* One worker, so that its heap is the only one. */
RIG_TEST_OF(one, a_task_is_one_allocation_and_an_await_is_none_there_too)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &counts_allocations__async, &world), 0);
	CHECK_EQ(rig_metrics(runtime).frames_allocated, 0);
	weft_runtime_destroy(runtime);
}

RIG_TEST(b25_frames_of_their_own_are_counted)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };
	struct descends__args args;
	int result = 0;

	descends__init(&args, &world, DEPTH);
	CHECK_EQ(weft_runtime_run(runtime, &descends__async, &args, &result), 0);
	CHECK_EQ(result, DEPTH + 1);
	CHECK_EQ(rig_metrics(runtime).frames_allocated, DEPTH);
	weft_runtime_destroy(runtime);
}

/* ---- hooks ---- */

static void on_thread_start(void *data)
{
	rig_add(&((struct world *)data)->threads);
}

static void on_thread_stop(void *data)
{
	rig_add(&((struct world *)data)->stopped);
}

static void on_park(void *data)
{
	rig_add(&((struct world *)data)->parks);
}

static void on_unpark(void *data)
{
	struct world *world = data;

	rig_add(&world->unparks);
	CHECK(rig_get(&world->unparks) <= rig_get(&world->parks));
}

static void on_spawn(void *data, uint64_t id, const struct weft_async *async)
{
	struct world *world = data;
	uint32_t i = rig_add(&world->spawns);

	CHECK(async && async->name);
	CHECK(i < 2 * TASKS);
	world->ids[i] = id;
}

static void on_end(void *data, uint64_t id, const struct weft_async *async)
{
	struct world *world = data;
	unsigned found = 0;

	CHECK(async && async->name);
	for (uint32_t i = 0; i < rig_get(&world->spawns); i++)
		if (world->ids[i] == id) {
			world->ids[i] = 0; /* once */
			found++;
		}
	CHECK_EQ(found, 1);
	rig_add(&world->ends);
}

static void on_before(void *data, uint64_t id, const struct weft_async *async)
{
	struct world *world = data;

	(void)async;
	CHECK(id != 0);
	rig_add(&world->before);
}

static void on_after(void *data, uint64_t id, const struct weft_async *async)
{
	struct world *world = data;

	(void)async;
	CHECK(id != 0);
	rig_add(&world->after);
	CHECK(rig_get(&world->after) <= rig_get(&world->before));
}

static struct weft_runtime *create_hooked(
		const struct weft_runtime_options *options, struct world *world)
{
	struct weft_runtime_options hooked = *options;

	hooked.hooks = (struct weft_hooks){
		.data = world,
		.thread_start = on_thread_start,
		.thread_stop = on_thread_stop,
		.thread_park = on_park,
		.thread_unpark = on_unpark,
		.task_spawn = on_spawn,
		.task_end = on_end,
		.before_poll = on_before,
		.after_poll = on_after,
	};
	return rig_create(&hooked);
}

RIG_TASK(waits_for_ever, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_for_ever__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

/* Some end by themselves, some are cancelled before their first poll, some later. */
RIG_TASK(spawns_all_sorts, struct world, struct weft_task *tasks[TASKS]; int i;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct spawns_all_sorts__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < TASKS; f->i++) {
		if (f->i % 3 == 0) {
			f->tasks[f->i] = rig_spawn(NULL, &yields_thrice__async, world);
			continue;
		}
		f->tasks[f->i] = rig_spawn(NULL, &waits_for_ever__async, world);
		if (f->i % 3 == 1)
			weft_task_cancel(f->tasks[f->i]);
	}
	while (rig_get(&world->never.waiting) < TASKS / 3)
		weft_await(f, f->yield, weft_yield);
	for (f->i = 2; f->i < TASKS; f->i += 3)
		weft_task_cancel(f->tasks[f->i]);
	for (f->i = 0; f->i < TASKS; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b26_hooks_are_called_once_per_event)
{
	static struct world world;
	struct weft_runtime *runtime;
	bool multi = options->flavour == WEFT_MULTI_THREAD;

	world = (struct world){ .started = 0 };
	runtime = create_hooked(options, &world);
	CHECK_EQ(rig_run(runtime, &spawns_all_sorts__async, &world), 0);
	CHECK_EQ(rig_get(&world.spawns), TASKS + 1);
	CHECK_EQ(rig_get(&world.ends), TASKS + 1);
	weft_runtime_destroy(runtime);
	CHECK_EQ(rig_get(&world.before), rig_get(&world.after));
	CHECK(rig_get(&world.before) >= TASKS + 1);
	CHECK_EQ(rig_get(&world.threads), multi ? options->workers : 0);
	CHECK_EQ(rig_get(&world.stopped), multi ? options->workers : 0);
	CHECK_EQ(rig_get(&world.parks), rig_get(&world.unparks));
}

RIG_TEST_OF(current, b26_polls_are_as_many_as_the_counter_says)
{
	static struct world world;
	struct weft_runtime *runtime;

	world = (struct world){ .started = 0 };
	runtime = create_hooked(options, &world);
	CHECK_EQ(rig_run(runtime, &spawns_all_sorts__async, &world), 0);
	CHECK_EQ(rig_get(&world.before), rig_metrics(runtime).polls);
	weft_runtime_destroy(runtime);
}

/* ---- hooks that schedule ---- */

RIG_TASK(opens_the_gate, struct world, )
{
	struct opens_the_gate__frame *f = frame;

	(void)cx;
	rig_add(&f->args.p0->ended);
	rig_gate_open(&f->args.p0->gate);
	weft_return(f, 0);
}

static void spawn_before_parking(void *data)
{
	struct world *world = data;

	if (rig_get(&world->started) && world->hook_left > 0) {
		world->hook_left--;
		rig_spawn_detached(NULL, &opens_the_gate__async, world);
	}
}

RIG_TASK(needs_the_hook, struct world, struct rig_gate_wait__frame wait;)
{
	struct needs_the_hook__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	weft_return(f, 0);
	weft_end(f);
}

/* Nothing else would ever wake the thread that is about to sleep. */
RIG_TEST_OF(current, b18_task_spawned_by_the_park_hook_runs_without_sleeping)
{
	struct weft_runtime_options hooked = *options;
	struct world world = { .hook_left = 1 };

	hooked.hooks.data = &world;
	hooked.hooks.thread_park = spawn_before_parking;
	world.runtime = rig_create(&hooked);
	CHECK_EQ(rig_run(world.runtime, &needs_the_hook__async, &world), 0);
	CHECK_EQ(rig_get(&world.ended), 1);
	CHECK_EQ(rig_metrics(world.runtime).parks, 0);
	weft_runtime_destroy(world.runtime);
}

RIG_TEST_OF(one, b18_task_spawned_by_the_park_hook_of_a_worker_runs)
{
	struct weft_runtime_options hooked = *options;
	struct world world = { .hook_left = 1 };

	hooked.hooks.data = &world;
	hooked.hooks.thread_park = spawn_before_parking;
	world.runtime = rig_create(&hooked);
	CHECK_EQ(rig_run(world.runtime, &needs_the_hook__async, &world), 0);
	CHECK_EQ(rig_get(&world.ended), 1);
	weft_runtime_destroy(world.runtime);
}

static void wake_before_parking(void *data)
{
	struct world *world = data;

	if (rig_get(&world->started) && world->hook_left > 0) {
		if (--world->hook_left > 0)
			weft_waker_wake_by_ref(&world->waker);
		else
			weft_waker_wake(world->waker);
	}
}

RIG_TASK(is_woken_by_the_hook, struct world, int polls;)
{
	struct is_woken_by_the_hook__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		f->polls = 0;
		f->args.base.at = 1;
		world->waker = weft_waker_clone(weft_context_waker(cx));
		rig_add(&world->started);
	}
	if (f->polls++ < 3) {
		(void)weft_context_waker(cx);
		return WEFT_PENDING;
	}
	weft_return(f, 0);
}

RIG_TEST(b18_task_woken_by_the_park_hook_runs_without_sleeping)
{
	struct weft_runtime_options hooked = *options;
	struct world world = { .hook_left = 3 };

	if (options->workers == 2)
		return; /* two threads would share the hook's variable */
	hooked.hooks.data = &world;
	hooked.hooks.thread_park = wake_before_parking;
	world.runtime = rig_create(&hooked);
	CHECK_EQ(rig_run(world.runtime, &is_woken_by_the_hook__async, &world), 0);
	weft_runtime_destroy(world.runtime);
}

/* The hook always finds something to do, and the descriptor must be looked at all the same. */
static void wake_until_over(void *data)
{
	struct world *world = data;

	if (rig_get(&world->started) && !rig_get(&world->over))
		weft_waker_wake_by_ref(&world->waker);
}

RIG_TASK(is_woken_until_over, struct world, )
{
	struct is_woken_until_over__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		world->waker = weft_waker_clone(weft_context_waker(cx));
		f->args.base.at = 1;
		rig_add(&world->started);
	}
	(void)weft_context_waker(cx);
	if (!rig_get(&world->over))
		return WEFT_PENDING;
	weft_waker_drop(world->waker);
	weft_return(f, 0);
}

RIG_TASK(listens_beside_the_hook, struct world, struct rig_event_wait__frame wait;)
{
	struct listens_beside_the_hook__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_event_open(&world->event, cx);
	rig_add(&world->started);
	weft_await(f, f->wait, rig_event_wait, &world->event);
	rig_event_close(&world->event);
	rig_add(&world->over);
	weft_waker_wake_by_ref(&world->waker);
	weft_return(f, 0);
	weft_end(f);
}

static void *signal_when_both_started(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->started, 2);
	weft__event_signal(world->event.fd);
	return NULL;
}

RIG_TEST_OF(current, b18_reactor_is_polled_though_the_park_hook_always_wakes)
{
	struct weft_runtime_options hooked = *options;
	struct world world = { .hook_left = 0 };
	pthread_t thread;

	hooked.hooks.data = &world;
	hooked.hooks.thread_park = wake_until_over;
	world.runtime = rig_create(&hooked);
	rig_spawn_detached(world.runtime, &listens_beside_the_hook__async, &world);
	thread = rig_thread(signal_when_both_started, &world);
	CHECK_EQ(rig_run(world.runtime, &is_woken_until_over__async, &world), 0);
	rig_thread_join(thread);
	weft_runtime_destroy(world.runtime);
}

/* ---- dumps ---- */

static int count_lines(FILE *file, const char *pattern)
{
	char line[400];
	int count = 0;

	rewind(file);
	while (fgets(line, sizeof line, file))
		count += strstr(line, pattern) != NULL;
	return count;
}

RIG_TASK(dumps, struct world, struct weft_yield__frame yield;)
{
	struct dumps__frame *f = frame;
	struct world *world = f->args.p0;
	FILE *file;

	weft_begin(f);
	for (int i = 0; i < TASKS; i++)
		rig_spawn_detached(NULL, &waits_for_ever__async, world);
	while (rig_get(&world->never.waiting) < TASKS)
		weft_await(f, f->yield, weft_yield);
	file = tmpfile();
	CHECK(file != NULL);
	CHECK_EQ(weft_runtime_dump(weft_runtime_current(), fileno(file)), TASKS + 1);
	CHECK_EQ(count_lines(file, "waits_for_ever (tests/real/test_runtime_metrics.c:"), TASKS);
	CHECK_EQ(count_lines(file, "dumps (tests/real/test_runtime_metrics.c:"), 1);
	CHECK_EQ(count_lines(file, "task "), TASKS + 1);
	fclose(file);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(dump_names_each_living_task_and_its_line)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &dumps__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* Tasks come and go meanwhile: for sanitizers. */
RIG_TASK(spawns_until_over, struct world, struct weft_task *task; struct weft_task_join__frame join;
		struct weft_yield__frame yield;)
{
	struct spawns_until_over__frame *f = frame;

	weft_begin(f);
	while (!rig_get(&f->args.p0->over)) {
		f->task = rig_spawn(NULL, &yields_thrice__async, f->args.p0);
		weft_await(f, f->yield, weft_yield);
		weft_await(f, f->join, weft_task_join, f->task, NULL);
	}
	weft_return(f, 0);
	weft_end(f);
}

static void *dump_often(void *arg)
{
	struct world *world = arg;
	FILE *file = tmpfile();

	CHECK(file != NULL);
	for (int i = 0; i < 100; i++) {
		rig_wait(&world->started, (uint32_t)i);
		CHECK(weft_runtime_dump(world->runtime, fileno(file)) >= 1);
		(void)rig_metrics(world->runtime);
	}
	fclose(file);
	rig_add(&world->over);
	return NULL;
}

RIG_TEST(dump_of_a_busy_runtime_is_harmless)
{
	struct world world = { .runtime = rig_create(options) };
	struct weft_task *other = rig_spawn(world.runtime, &spawns_until_over__async, &world);
	pthread_t thread = rig_thread(dump_often, &world);

	CHECK_EQ(rig_run(world.runtime, &spawns_until_over__async, &world), 0);
	rig_thread_join(thread);
	if (options->flavour == WEFT_CURRENT_THREAD)
		while (!weft_task_is_done(other))
			CHECK(weft_runtime_turn(world.runtime) >= 0);
	CHECK_EQ(rig_join(other), 0);
	weft_runtime_destroy(world.runtime);
}

/* ---- no system call ---- */

/* The kernel sends SIGSYS for each call of this thread while the byte says so. */
static volatile char dispatch;
static volatile unsigned system_calls;

static void on_system_call(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	dispatch = 0; /* SYSCALL_DISPATCH_FILTER_ALLOW; the rest of the section is not watched */
	system_calls++;
}

static bool watch_system_calls(void)
{
#ifdef PR_SET_SYSCALL_USER_DISPATCH
	struct sigaction action = { .sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO };
	sigset_t set;

	/* workers block every signal but a thread's own faults */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(sigaction(SIGSYS, &action, NULL), 0);
	system_calls = 0;
	return prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &dispatch) == 0;
#else
	return false;
#endif
}

static void unwatch_system_calls(void)
{
#ifdef PR_SET_SYSCALL_USER_DISPATCH
	dispatch = 0;
	CHECK_EQ(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0), 0);
#endif
}

/* Waits for a wake and tells nobody, since that would be a system call. */
struct quiet {
	struct weft_waker wakers[MANY];
	unsigned count, ended;
	bool open;
};

RIG_TASK(waits_quietly, struct quiet, )
{
	struct waits_quietly__frame *f = frame;
	struct quiet *quiet = f->args.p0;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		quiet->wakers[quiet->count++] = *weft_context_waker(cx);
		return WEFT_PENDING;
	}
	CHECK(quiet->open);
	quiet->ended++;
	weft_return(f, 0);
}

RIG_TASK(stays_in_user_space, struct quiet, struct weft_task *tasks[MANY]; int i, round;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct stays_in_user_space__frame *f = frame;
	struct quiet *quiet = f->args.p0;

	weft_begin(f);
	for (f->round = 0; f->round < 2; f->round++) { /* the first one warms up */
		if (f->round == 1 && !watch_system_calls())
			weft_return(f, 1);
		dispatch = (char)f->round; /* SYSCALL_DISPATCH_FILTER_BLOCK */
		quiet->open = false;
		quiet->count = quiet->ended = 0;
		for (f->i = 0; f->i < MANY; f->i++)
			f->tasks[f->i] = rig_spawn(NULL, &waits_quietly__async, quiet);
		while (quiet->count < MANY)
			weft_await(f, f->yield, weft_yield);
		quiet->open = true;
		for (f->i = 0; f->i < MANY; f->i++)
			weft_waker_wake_by_ref(&quiet->wakers[f->i]);
		for (f->i = 0; f->i < MANY; f->i++)
			weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
		dispatch = 0;
		CHECK_EQ(quiet->ended, MANY);
	}
	unwatch_system_calls();
	CHECK_EQ(system_calls, 0);
	weft_return(f, 0);
	weft_end(f);
}

static void stay_in_user_space(const struct weft_runtime_options *options)
{
	struct weft_runtime *runtime;
	static struct quiet quiet;
	int result;

	if (!COUNTS_MALLOC)
		SKIP("sanitizers make calls of their own");
	if (test_on_valgrind())
		SKIP("valgrind does not tell of system calls");
	runtime = rig_create(options);
	result = rig_run(runtime, &stays_in_user_space__async, &quiet);
	weft_runtime_destroy(runtime);
	if (result == 1)
		SKIP("the kernel cannot tell of system calls");
}

/* Rows S4-3 and S4-15. */
RIG_TEST_OF(current, spawn_wake_yield_and_join_make_no_system_call)
{
	stay_in_user_space(options);
}

RIG_TEST_OF(one, spawn_wake_yield_and_join_on_a_worker_make_no_system_call)
{
	stay_in_user_space(options);
}

/* From outside: none if the worker is awake, one wake if it sleeps. */
static const struct weft__poller_ops *real_ops;
static uint32_t reactor_wakes;

static void count_wake(struct weft__poller *poller)
{
	atomic_fetch_add_relaxed(&reactor_wakes, 1u); /* a counter */
	real_ops->wake(poller);
}

RIG_TASK(counts_without_a_call, struct world, )
{
	struct counts_without_a_call__frame *f = frame;

	(void)cx;
	atomic_fetch_add_acq_rel(&f->args.p0->ended, 1u); /* pairs with rig_get */
	weft_return(f, 0);
}

RIG_TASK(keeps_awake, struct world, struct weft_yield__frame yield;)
{
	struct keeps_awake__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	while (!rig_get(&f->args.p0->over))
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

static void spawn_from_outside(struct world *world, bool watched)
{
	struct rig_args args = rig_args(&counts_without_a_call__async, world);
	uint32_t target = rig_get(&world->ended) + MANY;

	dispatch = watched;
	for (int i = 0; i < MANY; i++)
		if (weft_task_spawn_detached(world->runtime, &counts_without_a_call__async, &args) <
				0)
			break;
	dispatch = 0;
	rig_spin(&world->ended, target);
}

RIG_TEST_OF(one, spawn_from_outside_wakes_only_a_sleeping_worker)
{
	struct weft__poller_ops counting;
	struct weft__worker *worker;
	struct world world = { .started = 0 };

	if (!COUNTS_MALLOC)
		SKIP("it exchanges a table under a running thread");
	world.runtime = rig_create(options);
	worker = world.runtime->workers[0];
	rig_spin(&worker->parked, 1);
	real_ops = worker->reactor.poller.ops;
	counting = *real_ops;
	counting.wake = count_wake;
	worker->reactor.poller.ops = &counting;

	reactor_wakes = 0;
	rig_spawn_detached(world.runtime, &keeps_awake__async, &world);
	rig_wait(&world.started, 1);
	CHECK_EQ(reactor_wakes, 1);
	spawn_from_outside(&world, false); /* warms up */
	if (!test_on_valgrind() && watch_system_calls()) { /* valgrind makes calls of its own */
		spawn_from_outside(&world, true);
		unwatch_system_calls();
		CHECK_EQ(system_calls, 0);
	}
	CHECK_EQ(reactor_wakes, 1);
	worker->reactor.poller.ops = real_ops;
	rig_add(&world.over);
	weft_runtime_destroy(world.runtime);
}

/* ---- no wake-up ---- */

/* Voluntary context switches of the runtime's threads so far. */
static unsigned long switches_of_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned long total = 0;
	struct dirent *entry;

	CHECK(dir != NULL);
	while ((entry = readdir(dir))) {
		char path[300], line[200];
		unsigned long switches;
		bool ours = false;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
		file = fopen(path, "re");
		while (file && fgets(line, sizeof line, file)) {
			if (strncmp(line, "Name:\tweft", 10) == 0)
				ours = true;
			if (ours && sscanf(line, "voluntary_ctxt_switches: %lu", &switches) == 1)
				total += switches;
		}
		if (file)
			fclose(file);
	}
	closedir(dir);
	return total;
}

RIG_TASK(sleeps_for_an_hour, struct world, struct weft_sleep__frame sleep;)
{
	struct sleeps_for_an_hour__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(3600));
	weft_return(f, f->sleep.args.result);
	weft_end(f);
}

/* Row S4-16: a runtime that has settled does not stir: not the workers, not the monitor, also with a timer, a
 * descriptor and a task that waits. What ticks never shows ten looks alike. */
RIG_TEST_MULTI(idle_runtime_does_not_wake_up)
{
	struct world world = { .runtime = rig_create(options) };
	unsigned long before = 0, now;
	uint64_t parks = 0;
	int alike = 0;

	rig_spawn_detached(world.runtime, &sleeps_for_an_hour__async, &world);
	rig_spawn_detached(world.runtime, &waits_for_ever__async, &world);
	rig_wait(&world.started, 1);
	rig_wait(&world.never.waiting, 1);
	while (alike < 10) {
		for (volatile int i = 0; i < 10000000; i++)
			;
		now = switches_of_threads();
		alike = now == before && rig_metrics(world.runtime).parks == parks ? alike + 1 : 0;
		before = now;
		parks = rig_metrics(world.runtime).parks;
	}
	CHECK(before > 0 && parks > 0);
	weft_runtime_destroy(world.runtime);
}
