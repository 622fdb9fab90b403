/* SPDX-License-Identifier: MIT */
/*
 * The current-thread flavour: who drives, in what order, and how often it polls (behaviours 6 to 10, 15,
 * 18, 68 and 87). Some of it holds for every kind of runtime, and is tested there.
 */
#include <signal.h>

#include "rig.h"

enum { DRIVERS = 4, YIELDERS = 100 };

struct world {
	struct weft_runtime *runtime;
	struct rig_gate gate, never;
	uint32_t started, ended, polls, over;
	uint32_t turns[YIELDERS];
	struct weft_waker waker;
	int64_t times[8];
	unsigned time_count;
};

RIG_TASK(does_nothing, struct world, )
{
	struct does_nothing__frame *f = frame;

	(void)cx;
	weft_return(f, 0);
}

/* ---- progress only while somebody drives ---- */

RIG_TASK(counts_itself, struct world, struct weft_yield__frame yield;)
{
	struct counts_itself__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->yield, weft_yield);
	rig_add(&f->args.p0->ended);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(spawns_and_leaves, struct world, )
{
	struct spawns_and_leaves__frame *f = frame;

	(void)cx;
	rig_spawn_detached(NULL, &counts_itself__async, f->args.p0);
	weft_return(f, 0);
}

RIG_TEST_OF(current, b6_no_progress_outside_of_run)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };
	struct weft_task *task = rig_spawn(runtime, &counts_itself__async, &world);

	CHECK_EQ(rig_get(&world.started), 0);
	CHECK_EQ(rig_run(runtime, &spawns_and_leaves__async, &world), 0);
	CHECK_EQ(rig_get(&world.ended), 0);
	CHECK_EQ(weft_runtime_timeout(runtime), 0);
	while (weft_runtime_turn(runtime) > 0)
		;
	CHECK_EQ(rig_get(&world.ended), 2);
	CHECK_EQ(rig_join(task), 0);
	weft_runtime_destroy(runtime);
}

/* ---- polls are counted ---- */

/* Waits for the gate, and counts its polls. */
RIG_TASK(counts_polls, struct world, struct rig_gate_wait__frame wait;)
{
	struct counts_polls__frame *f = frame;

	rig_add(&f->args.p0->polls);
	weft_begin(f);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(opens_for_the_counter, struct world, struct weft_task *task;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct opens_for_the_counter__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &counts_polls__async, world);
	while (!rig_get(&world->gate.waiting))
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(rig_get(&world->polls), 1);
	rig_gate_open(&world->gate);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	CHECK_EQ(rig_get(&world->polls), 2);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b7_no_extra_poll_for_a_message)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &opens_for_the_counter__async, &world), 0);
	weft_runtime_destroy(runtime);
}

static void *open_from_outside(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->gate.waiting, 1);
	rig_gate_open(&world->gate);
	return NULL;
}

RIG_TEST(b7_no_extra_poll_for_a_message_from_outside)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };
	pthread_t thread = rig_thread(open_from_outside, &world);

	CHECK_EQ(rig_run(runtime, &counts_polls__async, &world), 0);
	CHECK_EQ(rig_get(&world.polls), 2);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}

/* Hands out an owned waker, and is polled again only when that is woken. */
RIG_TASK(lends_a_waker, struct world, )
{
	struct lends_a_waker__frame *f = frame;
	struct world *world = f->args.p0;

	rig_add(&world->polls);
	if (f->args.base.at == 0)
		world->waker = weft_waker_clone(weft_context_waker(cx));
	if (rig_get(&world->over))
		weft_return(f, 0);
	(void)weft_context_waker(cx);
	if (f->args.base.at == 0)
		rig_add(&world->started);
	f->args.base.at = 1;
	return WEFT_PENDING;
}

RIG_TASK(uses_the_waker, struct world, struct weft_task *task; int i; struct weft_waker copy;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct uses_the_waker__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &lends_a_waker__async, world);
	while (!rig_get(&world->started))
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(rig_get(&world->polls), 1);
	/* a drop is no wake */
	for (f->i = 0; f->i < 10; f->i++) {
		weft_waker_drop(weft_waker_clone(&world->waker));
		weft_await(f, f->yield, weft_yield);
	}
	CHECK_EQ(rig_get(&world->polls), 1);
	/* many wakes before a poll are one */
	f->copy = weft_waker_clone(&world->waker);
	for (f->i = 0; f->i < 10; f->i++)
		weft_waker_wake_by_ref(&f->copy);
	weft_waker_wake(f->copy);
	while (rig_get(&world->polls) < 2)
		weft_await(f, f->yield, weft_yield);
	for (f->i = 0; f->i < 10; f->i++)
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(rig_get(&world->polls), 2);
	rig_add(&world->over);
	weft_waker_wake(world->waker);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	CHECK_EQ(rig_get(&world->polls), 3);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b7_no_extra_poll_for_owned_wakers)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &uses_the_waker__async, &world), 0);
	weft_runtime_destroy(runtime);
}

static void *drop_from_outside(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->started, 1);
	weft_waker_drop(world->waker);
	rig_add(&world->ended);
	return NULL;
}

RIG_TASK(lets_a_thread_drop, struct world, struct weft_task *task; pthread_t thread; int i;
		struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct lets_a_thread_drop__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->task = rig_spawn(NULL, &lends_a_waker__async, world);
	f->thread = rig_thread(drop_from_outside, world);
	while (!rig_get(&world->ended))
		weft_await(f, f->yield, weft_yield);
	rig_thread_join(f->thread);
	for (f->i = 0; f->i < 300; f->i++)
		weft_await(f, f->yield, weft_yield);
	CHECK_EQ(rig_get(&world->polls), 1);
	rig_add(&world->over);
	weft_task_cancel(f->task);
	weft_await(f, f->join, weft_task_join, f->task, NULL);
	CHECK_EQ(rig_get(&world->polls), 2);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST(b7_no_extra_poll_for_a_waker_dropped_outside)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &lets_a_thread_drop__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- several threads in run ---- */

RIG_TASK(waits_at_the_gate, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_at_the_gate__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->gate);
	weft_return(f, 1);
	weft_end(f);
}

RIG_TASK(waits_for_ever, struct world, struct rig_gate_wait__frame wait;)
{
	struct waits_for_ever__frame *f = frame;

	weft_begin(f);
	rig_add(&f->args.p0->started);
	weft_await(f, f->wait, rig_gate_wait, &f->args.p0->never);
	weft_return(f, 2);
	weft_end(f);
}

static void *run_until_the_end(void *arg)
{
	struct world *world = arg;

	CHECK_EQ(rig_run(world->runtime, &waits_for_ever__async, world), 2);
	return NULL;
}

/* Whoever drives leaves when its root has ended, and another one takes over. */
RIG_TEST_OF(current, b8_another_thread_takes_over_the_driving)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t threads[DRIVERS], opener;

	opener = rig_thread(open_from_outside, &world);
	CHECK_EQ(rig_run(runtime, &waits_at_the_gate__async, &world), 1);
	rig_thread_join(opener);
	for (int i = 0; i < DRIVERS; i++)
		threads[i] = rig_thread(run_until_the_end, &world);
	CHECK_EQ(rig_run(runtime, &waits_at_the_gate__async, &world), 1);
	/* nobody drives but them: a task spawned now is run by one */
	rig_wait(&world.started, 2 + DRIVERS);
	CHECK_EQ(rig_join(rig_spawn(runtime, &counts_itself__async, &world)), 0);
	rig_gate_open(&world.never);
	for (int i = 0; i < DRIVERS; i++)
		rig_thread_join(threads[i]);
	weft_runtime_destroy(runtime);
}

/* Stays in its poll until another thread wants to drive. */
RIG_TASK(waits_for_a_driver, struct world, )
{
	struct waits_for_a_driver__frame *f = frame;
	struct weft_runtime *runtime = f->args.p0->runtime;
	bool waits = false;

	(void)cx;
	rig_add(&f->args.p0->polls);
	while (!waits) {
		weft__lock_acquire(&runtime->drive_lock);
		waits = runtime->driver_waiters != NULL;
		weft__lock_release(&runtime->drive_lock);
		sched_yield();
	}
	weft_return(f, 0);
}

static void *run_meanwhile(void *arg)
{
	struct world *world = arg;

	rig_wait(&world->polls, 1);
	CHECK_EQ(rig_run(world->runtime, &counts_itself__async, world), 0);
	return NULL;
}

/* Whoever drove by turns leaves it to those in line, too. */
RIG_TEST_OF(current, b8_turn_hands_the_driving_on)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t thread = rig_thread(run_meanwhile, &world);

	rig_spawn_detached(runtime, &waits_for_a_driver__async, &world);
	CHECK(weft_runtime_turn(runtime) > 0);
	rig_thread_join(thread);
	CHECK_EQ(rig_get(&world.ended), 1);
	weft_runtime_destroy(runtime);
}

enum { RUNS = 300 };

static void *run_often(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < RUNS; i++)
		CHECK_EQ(rig_run(world->runtime, &counts_itself__async, world), 0);
	return NULL;
}

/* They come and go all the time; whoever leaves must hand the driving on. */
RIG_TEST(b8_many_short_runs_lose_no_driver)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t threads[DRIVERS];

	for (int i = 0; i < DRIVERS; i++)
		threads[i] = rig_thread(run_often, &world);
	for (int i = 0; i < DRIVERS; i++)
		rig_thread_join(threads[i]);
	CHECK_EQ(rig_get(&world.ended), DRIVERS * RUNS);
	CHECK_EQ(rig_metrics(runtime).tasks_alive, 0);
	weft_runtime_destroy(runtime);
}

/* ---- those who never wait ---- */

RIG_TASK(yields_until_over, struct world, struct weft_yield__frame yield;)
{
	struct yields_until_over__frame *f = frame;

	weft_begin(f);
	while (!rig_get(&f->args.p0->over))
		weft_await(f, f->yield, weft_yield);
	weft_return(f, 0);
	weft_end(f);
}

/* The same with a leaf that is always ready: only the budget makes it pause. */
RIG_TASK(is_busy_until_over, struct world, struct weft_sleep__frame sleep;)
{
	struct is_busy_until_over__frame *f = frame;

	weft_begin(f);
	while (!rig_get(&f->args.p0->over))
		weft_await(f, f->sleep, weft_sleep, 0);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(needs_the_reactor, struct world, int i; struct rig_event event;
		struct rig_event_wait__frame wait; struct weft_sleep__frame sleep;)
{
	struct needs_the_reactor__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	rig_event_open(&f->event, cx);
	for (f->i = 0; f->i < 20; f->i++) {
		/* first it waits, so that only the reactor can tell */
		if (f->i % 2)
			weft__event_signal(f->event.fd);
		else
			world->times[0] = f->event.fd;
		rig_add(&world->started);
		weft_await(f, f->wait, rig_event_wait, &f->event);
		CHECK_EQ(f->wait.args.result, 0);
		weft_await(f, f->sleep, weft_sleep, 1000);
		CHECK_EQ(f->sleep.args.result, 0);
	}
	rig_event_close(&f->event);
	rig_add(&world->over);
	weft_return(f, 0);
	weft_end(f);
}

static void *signal_from_outside(void *arg)
{
	struct world *world = arg;

	for (uint32_t i = 1; i < 20; i += 2) {
		rig_wait(&world->started, i);
		weft__event_signal((int)world->times[0]);
	}
	return NULL;
}

static void io_among(const struct weft_runtime_options *options, const struct weft_async *others)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t thread;

	for (int i = 0; i < YIELDERS; i++)
		rig_spawn_detached(runtime, others, &world);
	thread = rig_thread(signal_from_outside, &world);
	CHECK_EQ(rig_run(runtime, &needs_the_reactor__async, &world), 0);
	rig_thread_join(thread);
	weft_runtime_destroy(runtime);
}

RIG_TEST(b9_tasks_that_wake_themselves_do_not_hold_up_io)
{
	io_among(options, &yields_until_over__async);
}

RIG_TEST(b10_tasks_that_spend_their_budget_do_not_hold_up_io)
{
	io_among(options, &is_busy_until_over__async);
}

/* The reactor is looked at within one turn: before the yielder has been polled WEFT__TURN times more. */
RIG_TASK(yields_and_counts, struct world, struct rig_event event; struct weft_task * reader;
		uint32_t before; struct weft_yield__frame yield; struct weft_task_join__frame join;)
{
	struct yields_and_counts__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	while (!rig_get(&world->started))
		weft_await(f, f->yield, weft_yield);
	weft__event_signal((int)world->times[0]);
	f->before = 0;
	while (!rig_get(&world->ended)) {
		f->before++;
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, f->before <= 2 * WEFT__TURN);
	weft_end(f);
}

RIG_TASK(reads_once, struct world, struct rig_event event; struct rig_event_wait__frame wait;)
{
	struct reads_once__frame *f = frame;
	struct world *world = f->args.p0;

	if (f->args.base.at == 0) {
		f->args.base.at = 1;
		rig_event_open(&f->event, cx);
		rig_event_wait__init(&f->wait.args, &f->event);
		CHECK_EQ(rig_event_wait__poll(&f->wait, cx), WEFT_PENDING);
		world->times[0] = f->event.fd;
		rig_add(&world->started);
		return WEFT_PENDING;
	}
	if (rig_event_wait__poll(&f->wait, cx) == WEFT_PENDING)
		return WEFT_PENDING;
	rig_event_close(&f->event);
	rig_add(&world->ended);
	weft_return(f, 0);
}

static int reactor_is_let_in_at_once(const struct weft_runtime_options *options)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	int at_once;

	rig_spawn_detached(runtime, &reads_once__async, &world);
	at_once = rig_run(runtime, &yields_and_counts__async, &world);
	weft_runtime_destroy(runtime);
	return at_once;
}

RIG_TEST_OF(current, b10_a_yielding_task_lets_the_reactor_in_within_a_turn)
{
	CHECK_EQ(reactor_is_let_in_at_once(options), 1);
}

/* Here the monitor may have the event in its hands when it loses the processor: it must not always. */
RIG_TEST_OF(one, b10_a_yielding_task_on_a_worker_lets_the_reactor_in_within_a_turn)
{
	int at_once = 0;

	for (int round = 0; round < 5; round++)
		at_once += reactor_is_let_in_at_once(options);
	CHECK(at_once > 0);
}

/* ---- order ---- */

RIG_TASK(takes_turns, struct world, uint32_t *turns; struct weft_yield__frame yield;)
{
	struct takes_turns__frame *f = frame;
	struct world *world = f->args.p0;

	weft_begin(f);
	f->turns = &world->turns[rig_add(&world->started)];
	while (*f->turns < 50) {
		++*f->turns;
		for (uint32_t i = 0; i < rig_get(&world->started); i++)
			CHECK(world->turns[i] + 1 >= *f->turns && world->turns[i] <= *f->turns + 1);
		weft_await(f, f->yield, weft_yield);
	}
	weft_return(f, 0);
	weft_end(f);
}

RIG_TASK(joins_all, struct world, struct weft_task *tasks[YIELDERS]; int i;
		struct weft_task_join__frame join;)
{
	struct joins_all__frame *f = frame;

	weft_begin(f);
	for (int i = 0; i < YIELDERS; i++)
		f->tasks[i] = rig_spawn(NULL, &takes_turns__async, f->args.p0);
	for (f->i = 0; f->i < YIELDERS; f->i++)
		weft_await(f, f->join, weft_task_join, f->tasks[f->i], NULL);
	weft_return(f, 0);
	weft_end(f);
}

RIG_TEST_OF(current, b87_tasks_take_turns)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &joins_all__async, &world), 0);
	weft_runtime_destroy(runtime);
}

/* ---- woken for nothing ---- */

static void ignore_signal(int number)
{
	(void)number;
}

static void *disturb(void *arg)
{
	struct world *world = arg;
	pthread_t victim;

	memcpy(&victim, world->times, sizeof victim);
	rig_wait(&world->started, 1);
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(pthread_kill(victim, SIGUSR1), 0);
		for (unsigned w = 0; w < world->runtime->nominal; w++)
			weft__reactor_wake(&world->runtime->workers[w]->reactor);
		sched_yield();
	}
	rig_gate_open(&world->gate);
	return NULL;
}

/* Signals and other people's wake-ups end neither run nor a blocking join. */
RIG_TEST(b87_foreign_wakes_end_no_wait)
{
	struct sigaction action = { .sa_handler = ignore_signal }, before;
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { .runtime = runtime };
	pthread_t self = pthread_self(), thread;

	_Static_assert(sizeof self <= sizeof world.times, "it is passed there");
	memcpy(world.times, &self, sizeof self);
	CHECK_EQ(sigaction(SIGUSR1, &action, &before), 0);
	thread = rig_thread(disturb, &world);
	CHECK_EQ(rig_run(runtime, &waits_at_the_gate__async, &world), 1);
	rig_thread_join(thread);
	world.gate.open = false;
	world.started = 0;
	if (options->flavour == WEFT_MULTI_THREAD) {
		thread = rig_thread(disturb, &world);
		CHECK_EQ(rig_join(rig_spawn(runtime, &waits_at_the_gate__async, &world)), 1);
		rig_thread_join(thread);
	}
	CHECK_EQ(sigaction(SIGUSR1, &before, NULL), 0);
	weft_runtime_destroy(runtime);
}

/* ---- blocking where nobody can take over ---- */

static void count_call(void *arg)
{
	rig_add(arg);
}

RIG_TASK(blocks_in_place, struct world, )
{
	struct blocks_in_place__frame *f = frame;

	(void)cx;
	weft_return(f, weft_block_in_place(count_call, &f->args.p0->ended));
}

RIG_TEST_OF(current, b15_block_in_place_is_refused)
{
	struct weft_runtime *runtime = rig_create(options);
	struct world world = { 0 };

	CHECK_EQ(rig_run(runtime, &blocks_in_place__async, &world), -ENOTSUP);
	CHECK_EQ(weft_block_in_place(count_call, &world.ended), -ENOTSUP);
	CHECK_EQ(rig_get(&world.ended), 0);
	weft_runtime_destroy(runtime);
}
