/* SPDX-License-Identifier: MIT */
/*
 * The multi-thread flavour: nobody starves, nothing is lost, others are covered for (behaviours 11, 12, 14,
 * 16 and 23), and several runtimes side by side.
 */
#include <stdlib.h>

#include <weft/notify.h>

#include "rig.h"

enum { CROWD = 3 * WEFT__RING, CHAINS = 2 * WEFT__RING, PAIRS = 100, SPAWNERS = 8, EACH = 300 };

struct world {
	struct weft_runtime *runtime, *other;
	struct rig_gate gate, second;
	struct weft_notify never;
	struct weft_task *task;
	uint32_t over, started, ended, polls, reports, blocked, inside, let_go;
	uint32_t runs[CROWD];
};

/* ---- starving ---- */

RIG_TASK(yields_until_over, struct world, struct weft_yield__frame yield;)
{
	struct yields_until_over__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	while (!rig_get(&f->args.p0->over))
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(ends_it, struct world, )
{
	struct ends_it__frame *f = frame;

	(void)cx;
	rig_add(&f->args.p0->over);
	weft_return(f, 0);
}

RIG_TASK(fills_the_ring, struct world, int i; struct weft_yield__frame yield;)
{
	struct fills_the_ring__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < CROWD; f->i++)
		rig_spawn_detached(NULL, &yields_until_over__async, f->args.p0);
	while (rig_get(&f->args.p0->started) < CROWD)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

/* More tasks than the rings hold yield for ever, and yet one from outside gets its turn. */
RIG_TEST(b11_full_rings_do_not_starve_tasks_from_outside)
{
	struct weft_runtime *runtime = rig_create(options);
	static struct world world;

	world = (struct world){ .over = 0 };
	CHECK_EQ(rig_run(runtime, &fills_the_ring__async, &world), 0);
	CHECK_EQ(rig_run(runtime, &ends_it__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* Wakes its partner and waits to be woken: always in the slot. */
struct pair {
	struct world *world;
	struct weft__lock lock;
	struct weft_waker wakers[2];
	uint32_t turn;
};

static enum weft_poll pair_poll(
		struct weft_frame *base, struct pair *pair, uint32_t self, struct weft_context *cx)
{
	struct weft_waker claimed = { NULL, NULL };
	bool over = rig_get(&pair->world->over) != 0;

	weft__lock_acquire(&pair->lock);
	if (pair->turn == self || over) {
		pair->turn = 1 - self;
		if (pair->wakers[1 - self].ops)
			claimed = weft_waker_claim(&pair->wakers[1 - self]);
		pair->wakers[1 - self].ops = NULL;
	}
	pair->wakers[self] = *weft_context_waker(cx);
	if (over)
		pair->wakers[self].ops = NULL;
	weft__lock_release(&pair->lock);
	weft_waker_commit(claimed);
	base->at = over ? WEFT_AT_DONE : 1;
	return over ? WEFT_READY : WEFT_PENDING;
}

RIG_TASK(ping, struct pair, )
{
	struct ping__frame *f = frame;

	return pair_poll(&f->args.base, f->args.p0, 0, cx);
}

RIG_TASK(pong, struct pair, )
{
	struct pong__frame *f = frame;

	return pair_poll(&f->args.base, f->args.p0, 1, cx);
}

RIG_TASK(yields_five_times, struct world, struct pair pairs[PAIRS];
		struct weft_task * tasks[2 * PAIRS]; int i; struct weft_yield__frame yield;
		struct weft_task_join__frame join;)
{
	struct yields_five_times__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < PAIRS; f->i++) {
		f->pairs[f->i] = (struct pair){ .world = f->args.p0 };
		f->tasks[2 * f->i] = rig_spawn(NULL, &ping__async, &f->pairs[f->i]);
		f->tasks[2 * f->i + 1] = rig_spawn(NULL, &pong__async, &f->pairs[f->i]);
	}
	for (f->i = 0; f->i < 5; f->i++)
		weft_await(f, f->yield, weft_yield);
	rig_add(&f->args.p0->over);
	for (f->i = 0; f->i < 2 * PAIRS; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b11_ping_pong_does_not_starve_a_task_that_yields)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &yields_five_times__async, &world), 0);
	weft_runtime_destroy(runtime);
}

RIG_TASK(spawns_its_successor, struct world, )
{
	struct spawns_its_successor__frame *f = frame;

	(void)cx;
	rig_add(&f->args.p0->polls);
	if (rig_get(&f->args.p0->over))
		rig_add(&f->args.p0->ended);
	else
		rig_spawn_detached(NULL, &spawns_its_successor__async, f->args.p0);
	weft_return(f, 0);
}

RIG_TASK(outlasts_successors, struct world, struct weft_yield__frame yield;
		struct weft_sleep__frame sleep;)
{
	struct outlasts_successors__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (int i = 0; i < CHAINS; i++)
		rig_spawn_detached(NULL, &spawns_its_successor__async, world);
	while (rig_get(&world->polls) < 10 * CHAINS)
		weft_await(f, f->yield, weft_yield);
	weft_await(f, f->sleep, weft_sleep, 1);
	rig_add(&world->over);
	while (rig_get(&world->ended) < CHAINS)
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

/* More of them than a ring holds. */
RIG_TEST(b12_endless_successors_do_not_starve_the_root)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &outlasts_successors__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- nothing is lost, nothing runs twice ---- */

struct numbered {
	struct world *world;
	unsigned number;
};

RIG_TASK(runs_once, struct numbered, struct weft_yield__frame yield;)
{
	struct runs_once__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->world->runs[f->args.p0->number]);
	weft_await(f, f->yield, weft_yield);
	rig_add(&f->args.p0->world->ended);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(overflows, struct world, struct numbered numbered[CROWD]; struct weft_task * tasks[CROWD];
		int i; struct weft_task_join__frame join;)
{
	struct overflows__frame *f = frame;

	weft_begin(f);
	for (f->i = 0; f->i < CROWD; f->i++) {
		f->numbered[f->i] = (struct numbered){ f->args.p0, (unsigned)f->i };
		f->tasks[f->i] = rig_spawn(NULL, &runs_once__async, &f->numbered[f->i]);
	}
	for (f->i = 0; f->i < CROWD; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_MULTI(b23_overflow_loses_no_task)
{
	struct weft_runtime *runtime = rig_create(options);
	static struct world world;

	world = (struct world){ .ended = 0 };
	CHECK_EQ(rig_run(runtime, &overflows__async, &world), 0);
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(world.runs[i], 1);
	CHECK(rig_metrics(runtime).overflows > 0);
	weft_runtime_destroy(runtime);
}

static void *spawn_many(void *arg)
{
	struct world *world = arg;
	struct numbered numbered[EACH];
	struct weft_task *tasks[EACH];

	for (unsigned i = 0; i < EACH; i++) {
		numbered[i] = (struct numbered){ world, i % CROWD };
		tasks[i] = rig_spawn(world->runtime, &runs_once__async, &numbered[i]);
	}
	for (unsigned i = 0; i < EACH; i++)
		CHECK_EQ(rig_join(tasks[i]), 0);
	return NULL;
}

RIG_TEST_MULTI(b23_spawns_of_eight_threads_are_all_run)
{
	struct weft_runtime *runtime = rig_create(options);
	static struct world world;
	pthread_t threads[SPAWNERS];

	world = (struct world){ .runtime = runtime };
	for (int i = 0; i < SPAWNERS; i++)
		threads[i] = rig_thread(spawn_many, &world);
	for (int i = 0; i < SPAWNERS; i++)
		rig_thread_join(threads[i]);
	CHECK_EQ(rig_get(&world.ended), SPAWNERS * EACH);
	CHECK_EQ(rig_metrics(runtime).tasks_spawned, SPAWNERS * EACH);
	weft_runtime_destroy(runtime);
}

/* Hands a token round a ring of tasks, each on whichever worker, with a yield here and there. */
enum { RING_TASKS = 64, LAPS = 100 };

struct token {
	struct world *world;
	struct weft__lock locks[RING_TASKS];
	struct weft_waker wakers[RING_TASKS];
	bool has_it[RING_TASKS];
	uint32_t next, hops;
};

static void pass_on(struct token *token, uint32_t to)
{
	struct weft_waker claimed = { NULL, NULL };

	weft__lock_acquire(&token->locks[to]);
	CHECK(!token->has_it[to]);
	token->has_it[to] = true;
	if (token->wakers[to].ops)
		claimed = weft_waker_claim(&token->wakers[to]);
	token->wakers[to].ops = NULL;
	weft__lock_release(&token->locks[to]);
	weft_waker_commit(claimed);
}

RIG_TASK(hands_on, struct token, uint32_t self; int laps; bool mine;
		struct weft_yield__frame yield;)
{
	struct hands_on__frame *f = frame;
	struct token *token = f->args.p0;

	switch (f->args.base.at) {
	case 0:
		f->self = atomic_fetch_add_relaxed(&token->next, 1u); /* relaxed: a number */
		f->laps = 0;
		f->args.base.at = 1;
		/* fall through */
	case 1:
		for (; f->laps < LAPS; f->laps++) {
			weft__lock_acquire(&token->locks[f->self]);
			f->mine = token->has_it[f->self];
			token->has_it[f->self] = false;
			if (!f->mine)
				token->wakers[f->self] = *weft_context_waker(cx);
			weft__lock_release(&token->locks[f->self]);
			if (!f->mine)
				return WEFT_PENDING;
			token->hops++;
			if (token->hops % 7 == 0) {
				f->args.base.at = 2;
				weft_context_yield(cx);
				return WEFT_PENDING;
			}
passed:
			pass_on(token, (f->self + 1) % RING_TASKS);
		}
		rig_add(&token->world->ended);
		weft_return(f, 0);
	case 2:
		f->args.base.at = 1;
		goto passed;
	}
	weft_frame_misuse(&f->args.base);
	return WEFT_PENDING;
}

static void *spin_beside(void *arg)
{
	struct world *world = arg;

	while (rig_get(&world->ended) < RING_TASKS)
		CHECK_EQ(rig_join(rig_spawn(world->runtime, &ends_it__async, world)), 0);
	return NULL;
}

RIG_TEST_MULTI(token_goes_round_among_tasks_that_move)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	struct token token = { .world = &world };
	struct weft_task *tasks[RING_TASKS];
	pthread_t thread;

	for (int i = 0; i < RING_TASKS; i++)
		tasks[i] = rig_spawn(runtime, &hands_on__async, &token);
	thread = rig_thread(spin_beside, &world);
	pass_on(&token, 0);
	for (int i = 0; i < RING_TASKS; i++)
		CHECK_EQ(rig_join(tasks[i]), 0);
	rig_thread_join(thread);
	CHECK_EQ(token.hops, RING_TASKS * LAPS);
	weft_runtime_destroy(runtime);
}

/* ---- block_in_place ---- */

/* Nested, as when a library does it on behalf of a caller who did. */
static void count_inside(void *arg)
{
	rig_add(&((struct world *)arg)->inside);
}

static void block_again(void *arg)
{
	struct world *world = arg;

	CHECK_EQ(weft_block_in_place(count_inside, world), 0);
	/* the worker is still away: somebody else must run this */
	CHECK_EQ(weft_task_join_blocking(world->task, NULL), -EDEADLK);
	rig_spawn_detached(NULL, &ends_it__async, world);
	rig_wait(&world->over, 1);
}

RIG_TASK(blocks_twice, struct world, struct weft_yield__frame yield;)
{
	struct blocks_twice__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	world->task = rig_spawn(NULL, &yields_until_over__async, world);
	CHECK_EQ(weft_block_in_place(block_again, world), 0);
	weft_task_detach(world->task);
	weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_MULTI(b13_block_in_place_nests)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	for (int i = 0; i < 3; i++) {
		world.over = 0;
		CHECK_EQ(rig_run(runtime, &blocks_twice__async, &world), 0);
	}
	CHECK_EQ(rig_get(&world.inside), 3);
	CHECK(runtime->worker_count <= options->workers + 1);
	weft_runtime_destroy(runtime);
}

/* All workers at once, and a few more. */
enum { BLOCKERS = 4 };

static void wait_until_all_block(void *arg)
{
	struct world *world = arg;

	rig_add(&world->blocked);
	rig_wait(&world->blocked, BLOCKERS);
}

RIG_TASK(blocks_with_the_others, struct world, )
{
	struct blocks_with_the_others__frame *f = frame;

	(void)cx;
	CHECK_EQ(weft_block_in_place(wait_until_all_block, f->args.p0), 0);
	weft_return(f, 0);
}

RIG_TEST_MULTI(b13_more_tasks_than_workers_block_in_place)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };
	struct weft_task *tasks[BLOCKERS];

	for (int i = 0; i < BLOCKERS; i++)
		tasks[i] = rig_spawn(runtime, &blocks_with_the_others__async, &world);
	for (int i = 0; i < BLOCKERS; i++)
		CHECK_EQ(rig_join(tasks[i]), 0);
	weft_runtime_destroy(runtime);
}

/* What is in the slot and what has yielded runs while its worker is away. */
RIG_TASK(waits_at_the_gate, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_at_the_gate__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
	weft_end(f);
}

static void wait_for_both(void *arg)
{
	rig_wait(&((struct world *)arg)->ended, 2);
}

RIG_TASK(yields_once, struct world, struct weft_yield__frame yield;)
{
	struct yields_once__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->yield, weft_yield);
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(blocks_with_a_full_slot, struct world, struct weft_yield__frame yield;)
{
	struct blocks_with_a_full_slot__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_spawn_detached(NULL, &waits_at_the_gate__async, world);
	while (!rig_get(&world->gate.waiting))
		weft_await(f, f->yield, weft_yield);
	rig_spawn_detached(NULL, &yields_once__async, world);
	while (!rig_get(&world->started))
		weft_await(f, f->yield, weft_yield);
	rig_gate_open(&world->gate);
	CHECK_EQ(weft_block_in_place(wait_for_both, world), 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_MULTI(b14_block_in_place_hands_over_the_slot_and_the_yielded)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &blocks_with_a_full_slot__async, &world), 0);
	weft_runtime_destroy(runtime);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

/* Blocking in place neither costs nor gives budget. */
RIG_TASK(spends_around_a_block, struct world, uint32_t before; struct weft_sleep__frame sleep;)
{
	struct spends_around_a_block__frame *f = frame;

	weft_sleep__init(&f->sleep.args, 0);
	CHECK_EQ(weft_sleep__poll(&f->sleep, cx), WEFT_READY);
	f->before = cx->budget;
	CHECK_EQ(f->before, WEFT_BUDGET - 1);
	CHECK_EQ(weft_block_in_place(do_nothing, NULL), 0);
	CHECK_EQ(cx->budget, f->before);
	for (uint32_t i = 0; i < f->before; i++) {
		weft_sleep__init(&f->sleep.args, 0);
		CHECK_EQ(weft_sleep__poll(&f->sleep, cx), WEFT_READY);
	}
	weft_sleep__init(&f->sleep.args, 0);
	CHECK_EQ(weft_sleep__poll(&f->sleep, cx), WEFT_PENDING);
	weft_return(f, 0);
}

RIG_TEST_MULTI(b16_block_in_place_leaves_the_budget)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &spends_around_a_block__async, &world), 0);
	weft_runtime_destroy(runtime);
}

static void note_report(void *data, const char *line)
{
	struct world *world = data;

	if (strstr(line, "not implemented"))
		return; /* and the test is skipped */
	CHECK(strstr(line, "no thread can be had") != NULL || strstr(line, "in one poll") != NULL);
	rig_add(&world->reports);
}

RIG_TASK(blocks_without_relief, struct world, )
{
	struct blocks_without_relief__frame *f = frame;

	(void)cx;
	CHECK_EQ(weft_block_in_place(count_inside, f->args.p0), 0);
	weft_return(f, 0);
}

/* There is no thread for a relief worker; afterwards all is as before. */
RIG_TEST_OF(one, relief_that_gets_no_thread_changes_nothing)
{
	struct weft_runtime_options reporting = *options;
	struct weft_runtime *runtime;
	struct world world = { 0 };

	reporting.hooks.data = &world;
	reporting.hooks.report = note_report;
	runtime = rig_create(&reporting);
	for (int i = 0; i < 3; i++) {
		runtime->options.thread_stack_bytes = 1; /* no system grants that */
		CHECK_EQ(rig_run(runtime, &blocks_without_relief__async, &world), 0);
		CHECK_EQ(rig_get(&world.reports), (uint32_t)i + 1);
		CHECK_EQ(rig_get(&world.inside), (uint32_t)i + 1);
		/* it sleeps and is woken as ever */
		rig_spin(&runtime->workers[0]->parked, 1);
		CHECK_EQ(rig_run(runtime, &ends_it__async, &world), 0);
	}
	runtime->options.thread_stack_bytes = 0;
	CHECK_EQ(rig_run(runtime, &blocks_with_a_full_slot__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- being reported ---- */

RIG_TASK(stalls, struct world, )
{
	struct stalls__frame *f = frame;

	(void)cx;
	rig_wait(&f->args.p0->reports, 1);
	weft_return(f, 0);
}

/* Row S0-11. */
RIG_TEST(stall_is_reported_while_it_lasts)
{
	struct weft_runtime_options reporting = *options;
	struct weft_runtime *runtime;
	struct world world = { 0 };

	reporting.hooks.data = &world;
	reporting.hooks.report = note_report;
	reporting.stall_report_ns = 1;
	runtime = rig_create(&reporting);
	CHECK_EQ(rig_run(runtime, &stalls__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* Loops although it is being cancelled: whatever it awaits fails at once. */
RIG_TASK(goes_on, struct world, struct weft_sleep__frame sleep;)
{
	struct goes_on__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_add(&world->started);
	while (!rig_get(&world->reports))
		weft_await(f, f->sleep, weft_sleep, WEFT_SECONDS(3600));
	weft_return(f, 0);
	weft_end(f);
}

/* The same under a timeout: only a branch of it is cancelled. */
RIG_TASK(times_out, struct world, struct goes_on__frame child; struct weft_timeout__frame timeout;)
{
	struct times_out__frame *f = frame;

	weft_begin(f);
	goes_on__init(&f->child.args, f->args.p0);
	weft_await(f, f->timeout, weft_timeout, 1, &goes_on__async, &f->child);
	weft_return(f, 0);
	weft_end(f);
}

static void note_going_on(void *data, const char *line)
{
	struct world *world = data;

	if (strstr(line, "not implemented"))
		return; /* and the test is skipped */
	CHECK(strstr(line, "is being cancelled and goes on") != NULL);
	CHECK(strstr(line, world->polls ? "times_out" : "goes_on") != NULL);
	CHECK_EQ(rig_add(&world->reports), 0);
}

RIG_TASK(cancels_another, struct world, struct weft_task *task; struct weft_yield__frame yield;
		struct weft_task_join__frame join;)
{
	struct cancels_another__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, world->polls ? &times_out__async : &goes_on__async, world);
	while (!rig_get(&world->started))
		weft_await(f, f->yield, weft_yield);
	if (!world->polls)
		weft_task_cancel(f->task);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(loop_that_ignores_a_cancellation_is_reported_once)
{
	struct weft_runtime_options reporting = *options;
	struct weft_runtime *runtime;
	struct world world = { 0 };

	reporting.hooks.data = &world;
	reporting.hooks.report = note_going_on;
	runtime = rig_create(&reporting);
	CHECK_EQ(rig_run(runtime, &cancels_another__async, &world), 0);
	CHECK_EQ(world.reports, 1);
	world = (struct world){ .polls = 1 };
	CHECK_EQ(rig_run(runtime, &cancels_another__async, &world), 0);
	CHECK_EQ(world.reports, 1);
	weft_runtime_destroy(runtime);
}

RIG_TASK(ends_at_once, struct world)
{
	struct ends_at_once__frame *f = frame;

	(void)cx;
	weft_return(f, 0);
}

/* Unlike the leaf in it, it begins to wait before a select knows its winner. */
RIG_TASK(hears_nothing, struct world, struct weft_notify_wait__frame wait;)
{
	struct hears_nothing__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, weft_notify_wait, &f->args.p0->never);
	weft_return(f, f->wait.args.result);
	weft_end(f);
}

/* The losers of many selects, which have all ended, spend one budget after the other; and often it is a
 * loser, one of three, that finds it spent. */
RIG_TASK(selects_often, struct world, struct weft_branch branches[4];
		struct weft_selection selection; struct hears_nothing__frame waits[3];
		struct ends_at_once__frame last;)
{
	struct selects_often__frame *f = frame;

	while (f->args.p0->ended < 20 * WEFT_BUDGET) {
		for (int j = 0; j < 3 && f->args.base.at == 0; j++) {
			hears_nothing__init(&f->waits[j].args, f->args.p0);
			f->branches[j] = weft_branch_make(&hears_nothing__async, &f->waits[j]);
		}
		if (f->args.base.at == 0) {
			ends_at_once__init(&f->last.args, f->args.p0);
			f->branches[3] = weft_branch_make(&ends_at_once__async, &f->last);
			f->selection = (struct weft_selection){ .biased = 1 };
		}
		f->args.base.at = 1;
		if (weft_select_poll(f->branches, 4, cx, &f->selection) == WEFT_PENDING)
			return WEFT_PENDING;
		CHECK_EQ(f->selection.winner, 3);
		f->args.base.at = 0;
		f->args.p0->ended++;
	}
	weft_return(f, 0);
}

RIG_TEST(loop_of_selects_is_not_taken_for_one_that_ignores_a_cancellation)
{
	struct weft_runtime_options reporting = *options;
	struct weft_runtime *runtime;
	struct world world = { 0 };

	reporting.hooks.data = &world;
	reporting.hooks.report = note_going_on;
	weft_notify_init(&world.never);
	runtime = rig_create(&reporting);
	CHECK_EQ(rig_run(runtime, &selects_often__async, &world), 0);
	CHECK_EQ(world.reports, 0);
	CHECK(rig_metrics(runtime).budget_yields >= 20);
	weft_runtime_destroy(runtime);
}

/* ---- several runtimes ---- */

RIG_TASK(waits_for_the_second, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_for_the_second__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->second);
	weft_return(f, 9);
	weft_end(f);
}

RIG_TASK(works_with_the_other, struct world, int i, result; struct weft_task * there;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct works_with_the_other__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	for (f->i = 0; f->i < 100; f->i++) {
		world->second = (struct rig_gate){ .open = false };
		f->there = rig_spawn(world->other, &waits_for_the_second__async, world);
		if (f->i % 3 == 0)
			while (!rig_get(&world->second.waiting))
				weft_await(f, f->yield, weft_yield);
		if (f->i % 4 == 3) {
			weft_task_cancel(f->there);
			weft_task_cancel(f->there);
		}
		rig_gate_open(&world->second);
		weft_await(f, f->join, weft_task_join, f->there, &f->result);
		CHECK_EQ(f->join.args.result, 0);
		CHECK(f->result == 9);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(is_driven, struct world, struct rig_gate_wait__frame wait;)
{
	struct is_driven__frame *f = frame;

	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	weft_return(f, 0);
	weft_end(f);
}

static void *drive_the_other(void *arg)
{
	struct world *world = arg;

	CHECK_EQ(rig_run(world->other, &is_driven__async, world), 0);
	return NULL;
}

static void two_runtimes(const struct weft_runtime_options *options,
		const struct weft_runtime_options *other)
{
	struct world world = { .runtime = rig_create(options), .other = rig_create(other) };
	pthread_t thread = rig_thread(drive_the_other, &world);

	CHECK_EQ(rig_run(world.runtime, &works_with_the_other__async, &world), 0);
	rig_gate_open(&world.gate);
	rig_thread_join(thread);
	weft_runtime_destroy(world.runtime);
	weft_runtime_destroy(world.other);
}

RIG_TEST(tasks_join_those_of_a_current_thread_runtime)
{
	two_runtimes(options, &rig_current);
}

RIG_TEST(tasks_join_those_of_a_multi_thread_runtime)
{
	two_runtimes(options, &rig_two);
}
