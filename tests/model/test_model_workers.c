/* SPDX-License-Identifier: MIT */
/* Workers that go to sleep, tasks that arrive meanwhile, and the monitor that stops ticking, in every
 * interleaving (up to a number of switches where it says so). The code is the real exec/multi.c,
 * exec/monitor.c and exec/join.c; reactors, wheels and slabs are not there. A task that nobody is woken for
 * shows as a deadlock. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#ifndef WEFT_TEST_SMALL
#define WEFT_TEST_SMALL
#endif
#include "exec/runtime.h"

enum { WORKERS = 2, TASKS = 3, THREADS = 8 };

/* The threads of the search share one stack of thread-locals. */
__thread struct weft__worker *weft__worker_current;
__thread const struct weft_env *weft__env_current;

static struct weft__worker *current[THREADS];

static struct weft__worker **current_worker(void)
{
	return &current[model_self()];
}

#define weft__worker_current (*current_worker())
#include "exec/join.c"
#include "exec/monitor.c"
#include "exec/multi.c"
#include "exec/spin.c"
#include "test.h"

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_runtime runtime;
static struct weft__worker workers[WORKERS];
static uint32_t tokens[WORKERS]; /* of the reactors: futexes */

static struct task {
	struct weft_task header;
	struct weft_frame frame __attribute__((aligned(64)));
	uint32_t polls; /* atomic */
	uint32_t note;  /* plain: written before the task is queued or woken */
} tasks[TASKS] __attribute__((aligned(64)));

_Static_assert(offsetof(struct task, frame) == WEFT__TASK_BYTES, "the frame follows the header");

/* ---- what the executor asks of the layers below -------------------------------------------------- */

static unsigned index_of(const struct weft__reactor *reactor)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (reactor == &workers[i].reactor)
			return i;
	model_fail("not a reactor", __FILE__, __LINE__);
}

void weft__reactor_wake(struct weft__reactor *reactor)
{
	uint32_t *token = &tokens[index_of(reactor)];

	atomic_store_release(token, 1u); /* pairs with the exchange below, as the kernel would */
	model_futex_wake(token, 1);
}

int weft__reactor_poll(struct weft__reactor *reactor, int64_t timeout_ns)
{
	uint32_t *token = &tokens[index_of(reactor)];

	while (atomic_exchange_acquire(token, 0u) == 0 && timeout_ns != 0) /* as above */
		model_futex_wait(token, 0);
	return 0;
}

int64_t weft__wheel_next(struct weft_wheel *wheel)
{
	(void)wheel;
	return WEFT_NEVER;
}

unsigned weft__wheel_expire(struct weft_wheel *wheel, int64_t now_ns)
{
	(void)wheel;
	(void)now_ns;
	return 0;
}

/* While the pool works, workers look once more before they sleep. */
static struct weft__pool_front pool_front;
static bool pool_works;
static int64_t now_ns;

bool weft__pool_is_working(const struct weft__pool *pool, unsigned others_awake)
{
	(void)pool;
	(void)others_awake;
	return pool_works;
}

int64_t weft__clock_now(void)
{
	return pool_works ? now_ns += SPIN_NS : 0;
}

int weft__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	(void)deadline_ns;
	(void)model_futex_wait(word, expected);
	return 0;
}

void weft__futex_wake(uint32_t *word, int count)
{
	model_futex_wake(word, count);
}

void weft__fence_heavy(void)
{
	atomic_fence_seq_cst();
}

void weft__lock_contended(struct weft__lock *lock)
{
	model_lock(&lock->held);
}

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

struct weft__guest *weft__visit_begin(struct weft_runtime *visited)
{
	return &visited->guests[0];
}

void weft__visit_end(struct weft__guest *guest)
{
	(void)guest;
}

void weft__task_free(struct weft_task *task)
{
	(void)task;
}

size_t weft__alive(const struct weft_runtime *unused)
{
	(void)unused;
	return 1;
}

/* What does not happen here. */
#define NEVER_CALLED(what) model_fail(what " is called", __FILE__, __LINE__)

int weft__thread_start(struct weft__thread *thread, size_t stack_bytes, const char *name,
		void *(*run)(void *arg), void *arg)
{
	(void)thread, (void)stack_bytes, (void)name, (void)run, (void)arg;
	NEVER_CALLED("weft__thread_start");
}

void weft__thread_join(struct weft__thread *thread)
{
	(void)thread;
	NEVER_CALLED("weft__thread_join");
}

void weft__heap_walk(struct weft__heap *heap, void (*visit)(struct weft_task *task, void *arg),
		void *arg)
{
	(void)heap, (void)visit, (void)arg;
	NEVER_CALLED("weft__heap_walk");
}

void weft__walk_tasks(struct weft_runtime *walked, void (*visit)(struct weft_task *task, void *arg),
		void *arg)
{
	(void)walked, (void)visit, (void)arg;
	NEVER_CALLED("weft__walk_tasks");
}

void weft__report(struct weft_runtime *reporting, const char *format, ...)
{
	(void)reporting, (void)format;
	NEVER_CALLED("weft__report");
}

uint64_t weft_task_id(const struct weft_task *task)
{
	(void)task;
	NEVER_CALLED("weft_task_id");
}

uint32_t weft__task_line(const struct weft_task *task, const struct weft_async *async)
{
	(void)task, (void)async;
	NEVER_CALLED("weft__task_line");
}

/* No task here is pinned or a child. */
bool weft__fifo_grow(struct weft__fifo *fifo)
{
	(void)fifo;
	return false;
}

bool weft__scope_leave(struct weft_scope *scope, struct weft_task *child)
{
	(void)scope;
	(void)child;
	model_fail("a task that is nobody's child left its scope", __FILE__, __LINE__);
	return false;
}

void weft__task_launching_watched(struct weft_runtime *launching, struct weft_task *task,
		const struct weft_async *async)
{
	(void)launching, (void)task, (void)async;
	NEVER_CALLED("weft__task_launching_watched");
}

void weft__task_ended_watched(struct weft_runtime *ending, struct weft_task *task, bool detached)
{
	(void)ending, (void)task, (void)detached;
	NEVER_CALLED("weft__task_ended_watched");
}

void weft__task_goes_on(struct weft__worker *worker, struct weft_task *task)
{
	(void)worker, (void)task;
	NEVER_CALLED("weft__task_goes_on");
}

enum weft_poll weft__worker_poll_hooked(
		struct weft__worker *worker, struct weft_task *task, struct weft_context *cx)
{
	(void)worker, (void)task, (void)cx;
	NEVER_CALLED("weft__worker_poll_hooked");
}

enum weft_poll weft_strand_poll(struct weft_strand *strand, const struct weft_async *async,
		void *frame, struct weft_context *cx)
{
	(void)strand, (void)async, (void)frame, (void)cx;
	NEVER_CALLED("weft_strand_poll");
}

void weft_frame_misuse(const struct weft_frame *frame)
{
	(void)frame;
	NEVER_CALLED("weft_frame_misuse");
}

/* ---- tasks --------------------------------------------------------------------------------------- */

enum { BODY = 0 }; /* the thread that waits for them */

static struct task *task_of(struct weft_frame *frame)
{
	return WEFT_CONTAINER_OF(frame, struct task, frame);
}

/* Ends in its first poll. */
static enum weft_poll ends_at_once(void *frame, struct weft_context *cx)
{
	struct task *task = task_of(frame);

	(void)cx;
	MODEL_CHECK(!task->header.local || (*current_worker())->index + 1 == task->header.local);
	MODEL_CHECK(model_plain_read(&task->note) == 7);
	MODEL_CHECK(atomic_fetch_add_relaxed(&task->polls, 1u) == 0);
	model_unpark(BODY);
	return WEFT_READY;
}

/* Ends in its second one, for which it must be woken. */
static enum weft_poll ends_when_woken(void *frame, struct weft_context *cx)
{
	struct task *task = task_of(frame);

	if (atomic_fetch_add_relaxed(&task->polls, 1u) == 0) {
		(void)weft_context_waker(cx);
		model_unpark(BODY);
		return WEFT_PENDING;
	}
	MODEL_CHECK(model_plain_read(&task->note) == 8);
	model_unpark(BODY);
	return WEFT_READY;
}

static const struct weft_async ends_at_once_async = { .magic = WEFT_ASYNC_MAGIC,
	.poll = ends_at_once };
static const struct weft_async ends_when_woken_async = { .magic = WEFT_ASYNC_MAGIC,
	.poll = ends_when_woken };

static void task_prepare(int i, const struct weft_async *async)
{
	memset(&tasks[i], 0, sizeof tasks[i]);
	tasks[i].header.executor = &runtime.executor;
	tasks[i].header.joiner = (uintptr_t)async;
	tasks[i].header.refs = 1;
}

static void task_launch(int i)
{
	model_plain_write(&tasks[i].note, 7u);
	mt_launch(&tasks[i].header, true);
}

/* ---- workers ------------------------------------------------------------------------------------- */

/* The monitor is not there: it is found running, and not poked. */
static struct weft__monitor monitor;

static void begin(unsigned count)
{
	memset(&runtime, 0, offsetof(struct weft_runtime, workers));
	memset(workers, 0, sizeof workers);
	memset(&monitor, 0, offsetof(struct weft__monitor, sightings));
	memset(tokens, 0, sizeof tokens);
	memset(current, 0, sizeof current);
	runtime.executor.flavour = &weft__flavour_mt;
	runtime.options.flavour = WEFT_MULTI_THREAD;
	runtime.nominal = runtime.worker_count = count;
	runtime.monitor = &monitor;
	pool_works = false;
	pool_front.threads = 1;
	runtime.pool = (struct weft__pool *)(void *)&pool_front;
	now_ns = 0;
	monitor.runtime = &runtime;
	for (unsigned i = 0; i < count; i++) {
		static struct weft__sighting sightings[WORKERS][WORKERS];
		static struct weft_task *pinned[WORKERS][4];

		workers[i].runtime = &runtime;
		workers[i].index = i;
		workers[i].wheel.next_ns = WEFT_NEVER;
		workers[i].sightings = sightings[i];
		workers[i].fifo =
				(struct weft__fifo){ .tasks = pinned[i], .capacity = 4, .mask = 3 };
		workers[i].env.executor = &runtime.executor;
		runtime.workers[i] = &workers[i];
	}
}

static void worker_run(void *arg)
{
	struct weft__worker *worker = arg;

	*current_worker() = worker;
	weft__mt_loop(worker);
}

static void stop(unsigned count)
{
	atomic_store_seq_cst(&runtime.stopping, 1u); /* as weft__mt_stop does */
	for (unsigned i = 0; i < count; i++)
		weft__reactor_wake(&workers[i].reactor);
	model_join_all();
}

static uint32_t polls(int i)
{
	return atomic_load_relaxed(&tasks[i].polls);
}

static void await_polls(int i, uint32_t count)
{
	while (polls(i) < count)
		model_park();
}

static void launch_first(void *unused)
{
	(void)unused;
	task_launch(0);
}

static void check_passes(const char *name, void (*body)(void), int preemptions)
{
	CHECK_EQ(model_explore(name, body,
				 (struct model_options){ .preemptions = preemptions,
						 .executions_max = 4000000 })
					.verdict,
			MODEL_PASSED);
}

static void one_arrives_while(bool pool_is_working)
{
	begin(1);
	pool_works = pool_is_working;
	task_prepare(0, &ends_at_once_async);
	model_thread(worker_run, &workers[0]);
	task_launch(0);
	await_polls(0, 1);
	stop(1);
	MODEL_CHECK(polls(0) == 1);
}

/* A task arrives while the only worker goes to sleep. */
static void one_arrives(void)
{
	one_arrives_while(false);
}

TEST(task_that_arrives_wakes_the_only_worker)
{
	check_passes("one worker, one task", one_arrives, 0);
}

static void two_arrive(void)
{
	begin(1);
	task_prepare(0, &ends_at_once_async);
	task_prepare(1, &ends_at_once_async);
	model_thread(worker_run, &workers[0]);
	model_thread(launch_first, NULL);
	task_launch(1);
	await_polls(0, 1);
	await_polls(1, 1);
	stop(1);
	MODEL_CHECK(polls(0) == 1 && polls(1) == 1);
}

TEST(tasks_that_arrive_together_wake_the_only_worker)
{
	check_passes("one worker, two tasks", two_arrive, 1);
}

/* A task that only the second worker polls arrives while that goes to sleep. */
static void pinned_arrives(void)
{
	begin(2);
	task_prepare(0, &ends_at_once_async);
	tasks[0].header.local = 2;
	model_thread(worker_run, &workers[0]);
	model_thread(worker_run, &workers[1]);
	task_launch(0);
	await_polls(0, 1);
	stop(2);
	MODEL_CHECK(polls(0) == 1);
}

TEST(task_that_stays_wakes_its_worker)
{
	check_passes("two workers, one pinned task", pinned_arrives, 1);
}

static void two_pinned_arrive(void)
{
	begin(1);
	for (int i = 0; i < 2; i++) {
		task_prepare(i, &ends_at_once_async);
		tasks[i].header.local = 1;
	}
	model_thread(worker_run, &workers[0]);
	model_thread(launch_first, NULL);
	task_launch(1);
	await_polls(0, 1);
	await_polls(1, 1);
	stop(1);
	MODEL_CHECK(polls(0) == 1 && polls(1) == 1);
}

TEST(tasks_that_stay_and_arrive_together_wake_their_worker)
{
	check_passes("one worker, two pinned tasks", two_pinned_arrive, 1);
}

/* Only if both sleep is one of them woken: the other case is that one finds it by itself. */
static void one_arrives_at_two(void)
{
	begin(2);
	task_prepare(0, &ends_at_once_async);
	model_thread(worker_run, &workers[0]);
	model_thread(worker_run, &workers[1]);
	task_launch(0);
	await_polls(0, 1);
	stop(2);
	MODEL_CHECK(polls(0) == 1);
}

TEST(task_that_arrives_wakes_one_of_two_workers)
{
	check_passes("two workers, one task", one_arrives_at_two, 1);
}

/* A worker that stays awake for a moment is not woken. */
static void one_arrives_awake(void)
{
	one_arrives_while(true);
}

TEST(task_that_arrives_is_seen_by_a_worker_that_stays_awake)
{
	check_passes("awake, one task", one_arrives_awake, 0);
}

static void woken_from_outside(void)
{
	begin(1);
	task_prepare(0, &ends_when_woken_async);
	model_thread(worker_run, &workers[0]);
	task_launch(0);
	await_polls(0, 1);
	model_plain_write(&tasks[0].note, 8u);
	mt_waker_wake_by_ref(&tasks[0].header);
	await_polls(0, 2);
	stop(1);
	MODEL_CHECK(polls(0) == 2);
}

TEST(task_that_is_woken_wakes_the_only_worker)
{
	check_passes("one worker, a wake", woken_from_outside, 0);
}

/* ---- the monitor --------------------------------------------------------------------------------- */

static uint32_t stuck, noticed;

/* Stays in its poll until the monitor has noticed. */
static enum weft_poll stays(void *frame, struct weft_context *cx)
{
	struct task *task = task_of(frame);

	(void)cx;
	atomic_fetch_add_relaxed(&task->polls, 1u);
	atomic_store_relaxed(&stuck, 1u);
	while (!atomic_load_relaxed(&noticed))
		model_futex_wait(&noticed, 0);
	model_unpark(BODY);
	return WEFT_READY;
}

static const struct weft_async stays_async = { .magic = WEFT_ASYNC_MAGIC, .poll = stays };

/* As monitor_thread, with no time between its ticks: it stops whenever all are parked, once. */
static void monitor_run(void *unused)
{
	(void)unused;
	if (all_parked(&runtime))
		stop_ticking(&monitor);
	while (!atomic_load_relaxed(&stuck))
		atomic_pause();
	atomic_store_relaxed(&noticed, 1u);
	model_futex_wake(&noticed, 1);
}

static void worker_is_watched(void)
{
	begin(1);
	stuck = noticed = 0;
	task_prepare(0, &stays_async);
	model_thread(worker_run, &workers[0]);
	model_thread(monitor_run, NULL);
	task_launch(0);
	await_polls(0, 1);
	while (!atomic_load_relaxed(&noticed))
		model_park();
	stop(1);
}

TEST(worker_that_gets_stuck_is_noticed_by_a_monitor_that_stops)
{
	check_passes("a monitor that stops", worker_is_watched, 2);
}

/* The same with the worker's side alone, so that all of it is searched. */
static void worker_that_wakes(void *unused)
{
	(void)unused;
	atomic_store_seq_cst(&workers[0].parked, 0u); /* as at the end of mt_park */
	weft__monitor_poke(&runtime);
	atomic_store_relaxed(&stuck, 1u);
	while (!atomic_load_relaxed(&noticed))
		model_futex_wait(&noticed, 0);
}

static void monitor_stops(void)
{
	begin(1);
	stuck = noticed = 0;
	workers[0].parked = 1;
	model_thread(worker_that_wakes, NULL);
	model_thread(monitor_run, NULL);
	model_join_all();
}

/* It ends while it is stopped, or about to be. */
static void monitor_until_the_end(void *unused)
{
	(void)unused;
	while (atomic_load_acquire(&monitor.state) != MONITOR_ENDING) { /* as monitor_thread */
		stop_ticking(&monitor);
		model_futex_wait(&monitor.state, MONITOR_RUNNING);
	}
}

static void monitor_ends(void)
{
	begin(1);
	workers[0].parked = 1;
	model_thread(monitor_until_the_end, NULL);
	/* as weft__monitor_stop does */
	atomic_store_seq_cst(&monitor.state, (uint32_t)MONITOR_ENDING);
	model_futex_wake(&monitor.state, 1);
	model_join_all();
	MODEL_CHECK(atomic_load_relaxed(&monitor.state) == MONITOR_ENDING);
}

TEST(monitor_that_stops_is_poked_or_sees_the_worker)
{
	check_passes("a monitor and a worker", monitor_stops, 0);
}

TEST(monitor_that_stops_sees_the_end)
{
	check_passes("a monitor and the end", monitor_ends, 0);
}

/* ---- a wake that somebody else takes --------------------------------------------------------------- */

/* A worker that has found the first stuck, a while ago. */
static void drives_the_first(void *unused)
{
	(void)unused;
	weft__mt_drive_other(&workers[0]);
}

static uint32_t is_awake; /* atomic */

static void goes_to_sleep(void *unused)
{
	(void)unused;
	mt_park(&workers[0]);
	atomic_store_relaxed(&is_awake, 1u);
}

/* Whoever has been woken is not in `idle` any more: if it sleeps on, nobody wakes it. */
static void wake_is_taken(void)
{
	begin(1);
	is_awake = 0;
	model_thread(goes_to_sleep, NULL);
	model_thread(drives_the_first, NULL);
	weft__mt_wake_one(&runtime);
	while (!atomic_load_relaxed(&is_awake) && !idle_count(&runtime))
		atomic_pause();
	weft__mt_wake_one(&runtime);
	model_join_all();
}

TEST(wake_that_is_taken_by_who_drives_for_the_worker_is_passed_on)
{
	check_passes("a wake that is taken", wake_is_taken, 0);
}

/* ---- memory orders -------------------------------------------------------------------------------- */

static void (*const sleep_bodies[])(void) = { one_arrives };

/* What is excused concerns others: relief, owned wakers, the monitor, and what is looked at once more. */
TEST(sleeping_needs_its_memory_orders)
{
	static const struct weaken_excuse excuses[] = {
		{ "mt_release", "load_acquire", MODEL_RELAXED },
		{ "look_at_others", "load_acquire", MODEL_RELAXED },
		{ "mt_inject", "load_acquire", MODEL_RELAXED },
		{ "mt_park", "store_seq_cst", MODEL_ACQ_REL },
		{ "has_work", "load_seq_cst", MODEL_ACQ_REL },
		{ "idle_retract", "fetch_and_seq_cst", MODEL_ACQ_REL },
		{ "weft__mt_wake_one", "load_seq_cst", MODEL_ACQ_REL },
	};

	weaken_each("exec/multi.c", sleep_bodies, COUNT(sleep_bodies), excuses, COUNT(excuses));
}

TEST(sleeping_needs_the_orders_of_the_shard)
{
	static const struct weaken_excuse excuses[] = {
		{ "weft__inject_take", "exchange_acquire",
				MODEL_RELAXED }, /* the state acquires, too */
	};

	weaken_each("exec/inject.h", sleep_bodies, COUNT(sleep_bodies), excuses, COUNT(excuses));
}

static void (*const monitor_bodies[])(void) = { monitor_stops, monitor_ends };

TEST(monitor_needs_its_memory_orders)
{
	static const struct weaken_excuse excuses[] = {
		{ "all_parked", "load_acquire", MODEL_RELAXED },   /* relief */
		{ "stop_ticking", "load_acquire", MODEL_RELAXED }, /* it looks again */
		{ "weft__monitor_poke", "cas_seq_cst", MODEL_ACQ_REL },
	};

	weaken_each("exec/monitor.c", monitor_bodies, COUNT(monitor_bodies), excuses,
			COUNT(excuses));
}
