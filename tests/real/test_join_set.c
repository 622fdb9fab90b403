/* SPDX-License-Identifier: MIT */
/* Join sets on all kinds of runtimes (behaviours 32, 33; rows S1-32, S2-26): results in the order of
 * the ends, tasks that are cancelled one by one and all at once, and sets that are closed with tasks
 * in them; all that with tasks on another runtime (row S2-55); and sets and scopes for whose tasks there is no memory. */
#include "rig.h"

#include <weft/join_set.h>

enum { TASKS = 16 };

struct world {
	struct rig_gate gates[TASKS];
	struct weft_join_set set;
	struct weft_runtime *elsewhere; /* NULL: tasks are where the set is */
	unsigned drivers;               /* of elsewhere: tasks that are not in the set */
	uint32_t started, cancelled;
};

struct errand {
	struct world *world;
	int index, result;
};

RIG_TASK(waits, struct errand, struct rig_gate_wait__frame wait;)
{
	struct waits__frame *f = frame;
	struct errand *errand = f->args.p0;

	weft_begin(f);
	rig_add(&errand->world->started);
	weft_await(f, f->wait, rig_gate_wait, &errand->world->gates[errand->index]);
	if (f->wait.args.result < 0)
		rig_add(&errand->world->cancelled);
	weft_return(f, f->wait.args.result ? f->wait.args.result : errand->result);
	weft_end(f);
}

RIG_TASK(ends_at_once, struct errand, )
{
	struct ends_at_once__frame *f = frame;

	(void)cx;
	weft_return(f, f->args.p0->result);
}

static struct weft_task *spawn(
		struct world *world, const struct weft_async *async, struct errand *errand)
{
	struct rig_args args = rig_args(async, errand);
	struct weft_task *task = NULL;

	if (world->elsewhere)
		CHECK_EQ(weft_join_set_spawn_on(&world->set, world->elsewhere, async, &args, &task),
				0);
	else
		CHECK_EQ(weft_join_set_spawn(&world->set, async, &args, &task), 0);
	CHECK(task != NULL);
	return task;
}

/* But for who asks. */
static bool all_are_gone(const struct world *world)
{
	return rig_metrics(weft_runtime_current()).tasks_alive == 1 &&
			(!world->elsewhere ||
					rig_metrics(world->elsewhere).tasks_alive ==
							world->drivers);
}

static void errands_init(struct errand *errands, struct world *world)
{
	for (int i = 0; i < TASKS; i++)
		errands[i] = (struct errand){ world, i, 100 + i };
}

static void run(const struct weft_runtime_options *options, const struct weft_async *async)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .set = WEFT_JOIN_SET_INIT };

	CHECK_EQ(rig_run(runtime, async, &world), 0);
	CHECK_EQ(weft_join_set_count(&world.set), 0);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime); /* rig_check: nothing was left alive in it */
}

/* ---- let go of ---- */

RIG_TASK(lets_go, struct world, struct errand errands[TASKS]; struct weft_join_set_next__frame next;
		struct weft_join_set_close__frame close; struct weft_yield__frame yield;)
{
	struct lets_go__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	errands_init(f->errands, world);
	for (int i = 0; i < TASKS - 1; i++)
		spawn(world, &waits__async, &f->errands[i]);
	spawn(world, &ends_at_once__async, &f->errands[TASKS - 1]);
	while (rig_get(&world->started) < TASKS - 1)
		weft_await(f, f->yield, weft_yield);
	weft_join_set_detach_all(&world->set);
	weft_await(f, f->close, weft_join_set_close, &world->set);
	CHECK_EQ(f->close.args.result, 0);
	CHECK_EQ(rig_get(&world->cancelled), 0);
	for (int i = 0; i < TASKS; i++)
		rig_gate_open(&world->gates[i]);
	while (!all_are_gone(world)) /* their errands are here */
		weft_await(f, f->yield, weft_yield);
	weft_await(f, f->next, weft_join_set_next, &world->set, NULL, NULL);
	weft_return(f, f->next.args.result == -ECHILD ? 0 : -EPROTO);
	weft_end(f);
}

RIG_TEST(b32_tasks_that_are_detached_go_on)
{
	run(options, &lets_go__async);
}

/* As they end. */
enum { LET_GO = 300 };

RIG_TASK(counts, struct errand, )
{
	struct counts__frame *f = frame;

	(void)cx;
	rig_add(&f->args.p0->world->started);
	weft_return(f, 0);
}

RIG_TASK(lets_go_at_once, struct world, struct weft_join_set_close__frame close;
		struct weft_yield__frame yield; struct errand errand; int i;)
{
	struct lets_go_at_once__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->errand = (struct errand){ world, 0, 0 };
	for (f->i = 0; f->i < LET_GO; f->i++) {
		for (int j = 0; j < 4; j++)
			(void)spawn(world, &counts__async, &f->errand);
		if (f->i % 2)
			weft_await(f, f->yield, weft_yield);
		weft_join_set_detach_all(&world->set);
		weft_await(f, f->close, weft_join_set_close, &world->set);
		CHECK_EQ(f->close.args.result, 0);
	}
	while (rig_get(&world->started) < 4 * LET_GO || !all_are_gone(world))
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b32_tasks_that_end_are_detached_or_awaited)
{
	run(options, &lets_go_at_once__async);
}

/* ---- the order ---- */

RIG_TASK(takes_in_order, struct world, struct errand errands[TASKS]; uint64_t ids[TASKS], id;
		struct weft_join_set_next__frame next; int i, result;)
{
	struct takes_in_order__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	errands_init(f->errands, world);
	for (int i = 0; i < TASKS; i++)
		f->ids[i] = weft_task_id(spawn(world, &waits__async, &f->errands[i]));
	CHECK_EQ(weft_join_set_count(&world->set), TASKS);
	CHECK_EQ(weft_join_set_try_next(&world->set, NULL, NULL), -EAGAIN);
	for (f->i = 0; f->i < TASKS; f->i++) { /* the last first, then the first, ... */
		rig_gate_open(&world->gates[f->i % 2 ? f->i / 2 : TASKS - 1 - f->i / 2]);
		weft_await(f, f->next, weft_join_set_next, &world->set, &f->result, &f->id);
		CHECK_EQ(f->next.args.result, 0);
		CHECK_EQ(f->result, 100 + (f->i % 2 ? f->i / 2 : TASKS - 1 - f->i / 2));
		CHECK(f->id == f->ids[f->result - 100]);
	}
	weft_await(f, f->next, weft_join_set_next, &world->set, NULL, NULL);
	weft_return(f, f->next.args.result == -ECHILD ? 0 : -EPROTO);
	weft_end(f);
}

RIG_TEST(b32_join_set_gives_results_in_the_order_of_the_ends)
{
	run(options, &takes_in_order__async);
}

/* ---- abort handles ---- */

RIG_TASK(cancels_the_odd, struct world, struct errand errands[TASKS];
		struct weft_task * tasks[TASKS]; struct weft_join_set_next__frame next;
		int i, result, cancelled, sum;)
{
	struct cancels_the_odd__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->cancelled = f->sum = 0;
	errands_init(f->errands, world);
	for (int i = 0; i < TASKS; i++)
		f->tasks[i] = spawn(world, &waits__async, &f->errands[i]);
	for (int i = 1; i < TASKS; i += 2)
		weft_task_cancel(f->tasks[i]);
	for (int i = 0; i < TASKS; i += 2)
		rig_gate_open(&world->gates[i]);
	for (f->i = 0; f->i < TASKS; f->i++) {
		weft_await(f, f->next, weft_join_set_next, &world->set, &f->result, NULL);
		CHECK_EQ(f->next.args.result, 0);
		if (f->result == -ECANCELED)
			f->cancelled++;
		else
			f->sum += f->result;
	}
	CHECK_EQ(f->cancelled, TASKS / 2);
	CHECK_EQ(f->sum, 100 * TASKS / 2 + 56);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b32_half_of_the_tasks_is_cancelled_and_half_is_not)
{
	run(options, &cancels_the_odd__async);
}

/* A handle may be cancelled until the result has been taken, also after the end. */
RIG_TASK(cancels_too_late, struct world, struct errand errand; struct weft_task * task;
		struct weft_yield__frame yield; int result;)
{
	struct cancels_too_late__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->errand = (struct errand){ world, 0, 9 };
	f->task = spawn(world, &ends_at_once__async, &f->errand);
	while (!weft_task_is_done(f->task))
		weft_await(f, f->yield, weft_yield);
	weft_task_cancel(f->task);
	while (weft_join_set_try_next(&world->set, &f->result, NULL) == -EAGAIN)
		weft_await(f, f->yield, weft_yield); /* its worker is about to put it there */
	weft_return(f, f->result - 9);
	weft_end(f);
}

RIG_TEST(b32_task_that_has_ended_is_cancelled_in_vain)
{
	run(options, &cancels_too_late__async);
}

/* ---- the end ---- */

RIG_TASK(cancels_all, struct world, struct errand errands[TASKS];
		struct weft_join_set_close__frame close; int round;)
{
	struct cancels_all__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	errands_init(f->errands, world);
	for (f->round = 0; f->round < 3; f->round++) {
		for (int i = 0; i < TASKS; i++)
			(void)spawn(world, i % 4 ? &waits__async : &ends_at_once__async,
					&f->errands[i]);
		weft_join_set_cancel(&world->set);
		weft_await(f, f->close, weft_join_set_close, &world->set);
		CHECK_EQ(f->close.args.result, -ECANCELED);
		CHECK_EQ(weft_join_set_count(&world->set), 0);
	}
	CHECK_EQ(rig_get(&world->cancelled), 3 * (TASKS - TASKS / 4));
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b32_set_that_is_cancelled_ends_all)
{
	run(options, &cancels_all__async);
}

/* One fails, taken by nobody, and the others wait for ever: until the close cancels them. */
RIG_TASK(closes_with_a_failure, struct world, struct errand errands[TASKS];
		struct weft_join_set_next__frame next; struct weft_join_set_close__frame close;
		int result;)
{
	struct closes_with_a_failure__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	errands_init(f->errands, world);
	f->errands[5].result = f->errands[0].result = -EILSEQ;
	(void)spawn(world, &ends_at_once__async, &f->errands[0]);
	weft_await(f, f->next, weft_join_set_next, &world->set, &f->result, NULL);
	CHECK_EQ(f->result, -EILSEQ); /* taken: it does not count */
	for (int i = 0; i < TASKS; i++)
		(void)spawn(world, i == 5 ? &ends_at_once__async : &waits__async, &f->errands[i]);
	weft_await(f, f->close, weft_join_set_close, &world->set);
	CHECK_EQ(f->close.args.result, -EILSEQ);
	CHECK_EQ(rig_get(&world->cancelled), TASKS - 1);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b33_failure_in_a_set_that_is_closed_cancels_the_rest)
{
	run(options, &closes_with_a_failure__async);
}

RIG_TASK(holder, struct world, struct errand errands[TASKS]; struct weft_join_set_next__frame next;
		struct weft_join_set_close__frame close;)
{
	struct holder__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	errands_init(f->errands, world);
	for (int i = 0; i < TASKS; i++)
		(void)spawn(world, &waits__async, &f->errands[i]);
	weft_await(f, f->next, weft_join_set_next, &world->set, NULL, NULL);
	/* what was ready wins: the first that was cancelled may have ended */
	CHECK(f->next.args.result == -ECANCELED || f->next.args.result == 0);
	weft_await(f, f->close, weft_join_set_close, &world->set);
	weft_return(f, f->close.args.result);
	weft_end(f);
}

static void wait_until_started(struct weft_runtime *runtime,
		const struct weft_runtime_options *options, struct world *world)
{
	while (rig_get(&world->started) < TASKS)
		if (options == &rig_current)
			CHECK(weft_runtime_turn(runtime) >= 0);
		else
			rig_wait(&world->started, TASKS);
}

RIG_TEST(b32_shutdown_ends_all_in_the_set)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .set = WEFT_JOIN_SET_INIT };
	struct weft_task *task = rig_spawn(runtime, &holder__async, &world);

	wait_until_started(runtime, options, &world);
	CHECK_EQ(weft_runtime_shutdown(runtime, -1), 0);
	CHECK_EQ(rig_join(task), -ECANCELED);
	CHECK_EQ(rig_get(&world.cancelled), TASKS);
	weft_runtime_destroy(runtime);
}

/* ---- many that come and go ---- */

enum { MANY = 3000, IN_FLIGHT = 40 };

RIG_TASK(keeps_some_in_flight, struct world, struct errand errands[MANY];
		struct weft_join_set_next__frame next; int spawned, taken, result; long sum;)
{
	struct keeps_some_in_flight__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->spawned = 0;
	f->sum = 0;
	for (f->taken = 0; f->taken < MANY; f->taken++) {
		for (; f->spawned < MANY && f->spawned < f->taken + IN_FLIGHT; f->spawned++) {
			f->errands[f->spawned] = (struct errand){ world, 0, f->spawned };
			(void)spawn(world, &ends_at_once__async, &f->errands[f->spawned]);
		}
		weft_await(f, f->next, weft_join_set_next, &world->set, &f->result, NULL);
		CHECK_EQ(f->next.args.result, 0);
		f->sum += f->result;
	}
	CHECK_EQ(f->sum, (long)MANY * (MANY - 1) / 2);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b32_every_result_is_taken_once)
{
	run(options, &keeps_some_in_flight__async);
}

/* ---- on another runtime, of each flavour ---- */

struct elsewhere {
	struct weft_runtime *runtime;
	struct rig_gate end;
};

static void *drive(void *arg)
{
	struct elsewhere *elsewhere = arg;
	struct rig_gate_wait__args args;

	rig_gate_wait__init(&args, &elsewhere->end);
	CHECK_EQ(weft_runtime_run(elsewhere->runtime, &rig_gate_wait__async, &args, NULL), 0);
	return NULL;
}

static void run_elsewhere(
		const struct weft_runtime_options *options, const struct weft_async *async)
{
	const struct weft_runtime_options *const others[] = { &rig_current, &rig_two };

	for (int i = 0; i < 2; i++) {
		struct weft_runtime *runtime = rig_create(options);
		struct elsewhere elsewhere = { .runtime = rig_create(others[i]) };
		struct world world = {
			.set = WEFT_JOIN_SET_INIT, .elsewhere = elsewhere.runtime, .drivers = 1
		};
		pthread_t driver = rig_thread(drive, &elsewhere);

		while (rig_metrics(elsewhere.runtime).tasks_alive == 0)
			sched_yield();
		CHECK_EQ(rig_run(runtime, async, &world), 0);
		CHECK_EQ(weft_join_set_count(&world.set), 0);
		rig_gate_open(&elsewhere.end);
		pthread_join(driver, NULL);
		rig_wait_all_gone(elsewhere.runtime);
		weft_runtime_destroy(elsewhere.runtime);
		weft_runtime_destroy(runtime);
	}
}

RIG_TEST(b32_set_takes_results_from_another_runtime)
{
	run_elsewhere(options, &takes_in_order__async);
	run_elsewhere(options, &cancels_the_odd__async);
	run_elsewhere(options, &keeps_some_in_flight__async);
}

RIG_TEST(b32_tasks_of_another_runtime_are_cancelled_and_detached)
{
	run_elsewhere(options, &cancels_all__async);
	run_elsewhere(options, &closes_with_a_failure__async);
	run_elsewhere(options, &lets_go__async);
	run_elsewhere(options, &lets_go_at_once__async);
}

RIG_TEST(b32_shutdown_of_another_runtime_ends_its_tasks_in_the_set)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .set = WEFT_JOIN_SET_INIT, .elsewhere = rig_create(&rig_two) };
	struct weft_task *task = rig_spawn(runtime, &holder__async, &world);

	wait_until_started(runtime, options, &world);
	CHECK_EQ(weft_runtime_shutdown(world.elsewhere, -1), 0);
	while (options == &rig_current && !weft_task_is_done(task))
		CHECK(weft_runtime_turn(runtime) >= 0);
	CHECK_EQ(rig_join(task), -ECANCELED);
	CHECK_EQ(rig_get(&world.cancelled), TASKS);
	rig_wait_all_gone(world.elsewhere);
	weft_runtime_destroy(world.elsewhere);
	weft_runtime_destroy(runtime);
}

/* ---- no memory for the next ---- */

static _Thread_local int pages_left = -1; /* so often this thread gets pages; < 0: always */
static size_t mapped;                     /* atomic: bytes that all have, and have not given back */

void *__real_weft__pages_map(size_t bytes, size_t align, bool populate);
void *__wrap_weft__pages_map(size_t bytes, size_t align, bool populate);
void __real_weft__pages_unmap(void *pages, size_t bytes);
void __wrap_weft__pages_unmap(void *pages, size_t bytes);

/* The linker puts these two in the place of the library's (tests/CMakeLists.txt). */
void *__wrap_weft__pages_map(size_t bytes, size_t align, bool populate)
{
	void *pages = pages_left ? __real_weft__pages_map(bytes, align, populate) : NULL;

	pages_left -= pages_left > 0;
	if (pages)
		atomic_fetch_add_relaxed(&mapped, bytes); /* relaxed: a number */
	return pages;
}

void __wrap_weft__pages_unmap(void *pages, size_t bytes)
{
	atomic_fetch_sub_relaxed(&mapped, bytes); /* relaxed: a number */
	__real_weft__pages_unmap(pages, bytes);
}

/* Each task has a size of its own, so that many take pages: the smaller ones one of a segment, those over
 * 16 KiB all that they need. */
struct want {
	struct world world; /* its set, or: */
	struct weft_scope scope;
	bool is_set, failed;
	int room;
	struct weft_async kinds[TASKS];
	struct errand errands[TASKS];
};

/* How many could be spawned. */
static int want_spawn(struct want *want)
{
	int spawned, err = 0;

	pages_left = want->room;
	for (spawned = 0; spawned < TASKS; spawned++) {
		const struct weft_async *kind = &want->kinds[spawned];
		struct rig_args args = rig_args(kind, &want->errands[spawned]);

		err = want->is_set ? weft_join_set_spawn(&want->world.set, kind, &args, NULL)
				   : weft_scope_spawn(&want->scope, kind, &args);
		if (err)
			break;
	}
	pages_left = -1;
	CHECK_EQ(err, spawned < TASKS ? -ENOMEM : 0);
	return spawned;
}

/* With too little room, and then, in the same set or scope, with enough. */
RIG_TASK(spawns_in_want, struct want, struct weft_join_set_next__frame next;
		struct weft_join_set_close__frame close; struct weft_scope_close__frame scope_close;
		struct weft_yield__frame yield; int spawned, all, i, sum, result;)
{
	struct spawns_in_want__frame *f = frame;
	struct want *want = f->args.p0;

	weft_begin(f);
	f->all = 0;
	do {
		f->spawned = want_spawn(want);
		f->all += f->spawned;
		want->failed |= f->spawned < TASKS;
		want->room = -1;
		while (rig_get(&want->world.started) < (uint32_t)f->all)
			weft_await(f, f->yield, weft_yield);
		for (int i = 0; i < TASKS; i++)
			rig_gate_open(&want->world.gates[i]);
		CHECK_EQ(weft_join_set_count(&want->world.set), want->is_set ? f->spawned : 0);
		f->sum = f->spawned * (f->spawned - 1) / 2 + 100 * f->spawned;
		for (f->i = 0; want->is_set && f->i < f->spawned; f->i++) {
			weft_await(f, f->next, weft_join_set_next, &want->world.set, &f->result,
					NULL);
			CHECK_EQ(f->next.args.result, 0);
			f->sum -= f->result;
		}
		CHECK(!want->is_set || f->sum == 0);
		weft_await(f, f->close, weft_join_set_close, &want->world.set);
		CHECK_EQ(f->close.args.result, 0);
		weft_await(f, f->scope_close, weft_scope_close, &want->scope);
		CHECK_EQ(f->scope_close.args.result, 0);
		CHECK_EQ(rig_get(&want->world.started), f->all);
	} while (f->spawned < TASKS);
	weft_return(f, 0);
	weft_end(f);
}

/* Whether the room was too little. */
static bool run_in_want(const struct weft_runtime_options *options, bool is_set, int room)
{
	struct want want = { .world.set = WEFT_JOIN_SET_INIT,
		.scope = WEFT_SCOPE_INIT,
		.is_set = is_set,
		.room = room };
	size_t before = atomic_load_relaxed(&mapped); /* relaxed: the threads have been joined */
	struct weft_runtime *runtime = rig_create(options);

	errands_init(want.errands, &want.world);
	for (int i = 0; i < TASKS; i++) {
		want.kinds[i] = waits__async;
		want.kinds[i].frame_size += 2048 * (uint32_t)i;
	}
	CHECK_EQ(rig_run(runtime, &spawns_in_want__async, &want), 0);
	rig_wait_all_gone(runtime);
	weft_runtime_destroy(runtime);
	CHECK_EQ(atomic_load_relaxed(&mapped), before); /* relaxed, as above */
	return want.failed;
}

RIG_TEST(b32_no_memory_for_a_task_spares_those_before_it)
{
	for (int is_set = 0; is_set < 2; is_set++) {
		int enough = 0;

		while (run_in_want(options, is_set, enough))
			enough++;
		CHECK(enough > TASKS / 2); /* each large one, and segments for the others */
	}
}
