/* SPDX-License-Identifier: MIT */
/*
 * exec/runtime.c: options, the parts of a runtime, and its end.
 *
 * Shutting down, in this order:
 *   1  closing      no more spawns
 *   2  cancelling   every poll from now on is cancelled, and every task is woken once. A task that was
 *                   being started meanwhile will be polled anyway, and finds the flag.
 *   3  wait         until nothing is alive, or the grace period is over; when a fifth of it is left,
 *                   what is shielded is cancelled, too
 *   4  report       who is still alive, and where
 *   5  stopping     the workers leave their loops; the pool ends
 *   6  free         or abandon: if a worker is stuck in a poll, or a job in its call, or somebody holds
 *                   a handle or an owned waker, the memory stays
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "exec/holders.h"
#include "exec/join.h"
#include "exec/runtime.h"
#include "io/sockets.h"
#include "os/os.h"

static const int64_t SECOND = 1000000000;

enum { WORKERS_MAX = WEFT__WORKERS_MAX - WEFT__RELIEF };

/* ---- the services of a worker ---- */

static struct weft__worker *worker_of(const struct weft_env *env)
{
	return WEFT_CONTAINER_OF(env, struct weft__worker, env);
}

static void *env_allocate(const struct weft_env *env, size_t bytes, size_t align)
{
	struct weft__worker *worker = worker_of(env);

	weft__count(&worker->counters.frames, 1);
	return weft__heap_allocate(&worker->heap, SLAB_FRAME, bytes, align);
}

static void env_release(const struct weft_env *env, void *memory, size_t bytes, size_t align)
{
	(void)env;
	(void)bytes;
	(void)align;
	weft__heap_free(weft__worker_current ? &weft__worker_current->heap : NULL, memory);
}

static int64_t env_now(const struct weft_env *env)
{
	(void)env;
	return weft__clock_now();
}

static int64_t env_now_virtual(const struct weft_env *env)
{
	/* relaxed: written by the thread that runs the tasks */
	return atomic_load_relaxed(&worker_of(env)->runtime->virtual_now_ns);
}

/* On the worker's own thread only. */
static uint32_t env_draw(const struct weft_env *env)
{
	return weft__worker_draw(worker_of(env));
}

/* Sockets go round the workers, whoever accepted them. */
static struct weft__reactor *env_place(const struct weft_env *env)
{
	struct weft__worker *worker = worker_of(env);
	struct weft_runtime *runtime = worker->runtime;

	if (runtime->nominal == 1)
		return &worker->reactor;
	return &runtime->workers[atomic_fetch_add_relaxed(&runtime->place, 1u) % runtime->nominal]
				->reactor; /* relaxed: any order will do */
}

/* A simulated socket exists in one network: that of the first worker. */
static struct weft__reactor *env_place_simulated(const struct weft_env *env)
{
	return env->reactor;
}

int weft__worker_init(struct weft__worker *worker, struct weft_runtime *runtime, unsigned index)
{
	const char *huge = getenv("WEFT_HUGEPAGES");
	int err;

	memset(worker, 0, sizeof *worker);
	worker->runtime = runtime;
	if (runtime->options.flavour == WEFT_CURRENT_THREAD)
		worker->home_of = &runtime->executor;
	weft__slot_init(&worker->slot, weft__fence_heavy_works());
	worker->hooked = runtime->hooked;
	worker->watched = runtime->watched;
	worker->index = index;
	worker->random = runtime->options.seed + index;
	worker->env.allocate = env_allocate;
	worker->env.release = env_release;
	worker->env.now = runtime->options.clock_paused ? env_now_virtual : env_now;
	worker->env.draw = env_draw;
	worker->env.wheel = &worker->wheel;
	worker->env.reactor = &worker->reactor;
	worker->env.place = env_place;
	worker->env.executor = &runtime->executor;
	weft__heap_init(&worker->heap, !huge || strcmp(huge, "0") != 0);
	weft__wheel_init(&worker->wheel, worker->env.now(&worker->env));
	worker->reactor.poller.seed = runtime->options.seed;
	err = weft__reactor_init(&worker->reactor, runtime->options.poller);
	if (!err && worker->reactor.poller.ops->one_thread && !worker->home_of)
		return -EINVAL;
	if (!err && worker->reactor.sockets->simulated) {
		worker->env.reactor = &runtime->workers[0]->reactor;
		worker->env.place = env_place_simulated;
	}
	return err;
}

void weft__worker_finish(struct weft__worker *worker)
{
	weft__reactor_finish(&worker->reactor);
	weft__heap_finish(&worker->heap);
	weft__fifo_free(&worker->fifo);
	free(worker->sightings);
}

struct weft__pool *weft__runtime_pool(const struct weft_env *env)
{
	return env && env->executor ? worker_of(env)->runtime->pool : NULL;
}

/* ---- reports ---- */

void weft__report(struct weft_runtime *runtime, const char *format, ...)
{
	char line[400];
	va_list args;
	int length = snprintf(line, sizeof line, "weft[%s]: ", runtime->name);

	va_start(args, format);
	vsnprintf(line + length, sizeof line - (size_t)length, format, args);
	va_end(args);
	if (runtime->options.hooks.report)
		runtime->options.hooks.report(runtime->options.hooks.data, line);
	else
		weft__print_line(line);
}

static unsigned worker_count(const struct weft_runtime *runtime)
{
	/* acquire pairs with the release in relieve: the worker is there */
	return atomic_load_acquire(&runtime->worker_count);
}

size_t weft__alive(const struct weft_runtime *runtime)
{
	size_t spawned = 0, ended = 0;

	/* relaxed: counters; exact when nobody spawns */
	for (unsigned i = 0; i < worker_count(runtime); i++)
		ended += atomic_load_relaxed(&runtime->workers[i]->counters.ended);
	for (unsigned i = 0; i < worker_count(runtime); i++)
		spawned += atomic_load_relaxed(&runtime->workers[i]->counters.spawned);
	for (int i = 0; i < WEFT__GUESTS; i++)
		spawned += atomic_load_relaxed(&runtime->guests[i].spawned);
	return spawned - ended;
}

void weft__walk_tasks(struct weft_runtime *runtime,
		void (*visit)(struct weft_task *task, void *arg), void *arg)
{
	for (unsigned i = 0; i < worker_count(runtime); i++)
		weft__heap_walk(&runtime->workers[i]->heap, visit, arg);
	for (int i = 0; i < WEFT__GUESTS; i++)
		weft__heap_walk(&runtime->guests[i].heap, visit, arg);
}

struct dump {
	int fd;
	int count;
	struct weft_runtime *runtime; /* NULL fd: into reports */
};

/* Where a suspended frame waits. Read without a lock: a snapshot of a task that runs meanwhile may name
 * a point that it has left. */
__attribute__((no_sanitize("thread"))) static uint32_t frame_line(
		const struct weft_async *async, const struct weft_frame *frame)
{
	uint32_t at = *(const volatile uint32_t *)&frame->at; /* banned: its writer is plain */

	if (at == 0 || at == WEFT_AT_DONE)
		return async->line;
	if (async->flags & WEFT_ASYNC_LINES)
		return at;
	return at <= async->point_count ? async->points[at - 1].line : async->line;
}

uint32_t weft__task_line(const struct weft_task *task, const struct weft_async *async)
{
	return frame_line(
			async, (const struct weft_frame *)((const char *)task + WEFT__TASK_BYTES));
}

static void dump_task(struct weft_task *task, void *arg)
{
	struct dump *dump = arg;
	const struct weft_async *async =
			atomic_load_acquire(&task->async); /* pairs with the start */
	char line[300];
	int length;

	/* acquire pairs with weft__task_ended */
	if (!async || atomic_load_acquire(&task->ended))
		return;
	dump->count++;
	length = snprintf(line, sizeof line, "task %llx %s (%s:%u)",
			(unsigned long long)weft_task_id(task), async->name, async->file,
			weft__task_line(task, async));
	if (dump->runtime)
		weft__report(dump->runtime, "still alive: %s", line);
	else if (length > 0)
		dprintf(dump->fd, "%s\n", line);
}

int weft_runtime_dump(struct weft_runtime *runtime, int fd)
{
	struct dump dump = { fd, 0, NULL };

	weft__walk_tasks(runtime, dump_task, &dump);
	return dump.count;
}

/* ---- options ---- */

static int options_check(const struct weft_runtime_options *options)
{
	if (options->flavour != WEFT_MULTI_THREAD && options->flavour != WEFT_CURRENT_THREAD)
		return -EINVAL;
	if (options->workers > WORKERS_MAX)
		return -EINVAL;
	if (options->clock_paused && options->flavour != WEFT_CURRENT_THREAD)
		return -EINVAL;
	if (options->blocking_keep_alive_ns < 0 || options->shutdown_grace_ns < 0)
		return -EINVAL;
	return 0;
}

/* What WEFT_WORKERS says, or 0. */
static unsigned workers_given(struct weft_runtime *runtime)
{
	const char *text = getenv("WEFT_WORKERS");
	char *end;
	long count;

	if (!text || !*text)
		return 0;
	count = strtol(text, &end, 10);
	if (!*end && count >= 1 && count <= WORKERS_MAX)
		return (unsigned)count;
	weft__report(runtime, "WEFT_WORKERS=%s is not a number from 1 to %d, and ignored", text,
			WORKERS_MAX);
	return 0;
}

static unsigned workers_wanted(struct weft_runtime *runtime)
{
	unsigned count = runtime->options.workers;

	if (runtime->options.flavour == WEFT_CURRENT_THREAD)
		return 1;
	if (!count)
		count = workers_given(runtime);
	if (!count)
		count = weft__cpu_count();
	return count > WORKERS_MAX ? WORKERS_MAX : count;
}

/* Whoever set the environment did not write the program: the error code alone would not tell. */
static void poller_report(struct weft_runtime *runtime, int err)
{
	const char *name = getenv("WEFT_POLLER");

	if (runtime->options.poller || !name)
		return;
	if (err == -EINVAL)
		weft__report(runtime, "WEFT_POLLER=%s is none of epoll, uring, sim and, on one thread, "
				"uring-direct", name);
	else if (err == -ENOSYS)
		weft__report(runtime, "WEFT_POLLER=%s is not implemented in this kernel or build", name);
}

static void options_fill(struct weft_runtime_options *options)
{
	const char *seed = getenv("WEFT_SEED");

	if (!options->blocking_threads_max)
		options->blocking_threads_max = 512;
	if (!options->blocking_keep_alive_ns)
		options->blocking_keep_alive_ns = 10 * SECOND;
	if (!options->shutdown_grace_ns)
		options->shutdown_grace_ns = 5 * SECOND;
	if (!options->stall_report_ns && options->flavour == WEFT_MULTI_THREAD)
		options->stall_report_ns = SECOND;
	if (!options->seed && seed)
		options->seed = strtoull(seed, NULL, 0);
	if (!options->seed)
		options->seed = weft__random_seed();
}

/* ---- create and destroy ---- */

static void runtime_free(struct weft_runtime *runtime)
{
	weft__registry_remove(runtime);
	for (unsigned i = 0; i < WEFT__WORKERS_MAX && runtime->workers[i]; i++) {
		weft__worker_finish(runtime->workers[i]);
		free(runtime->workers[i]);
	}
	for (int i = 0; i < WEFT__GUESTS; i++)
		weft__heap_finish(&runtime->guests[i].heap);
	weft__mutex_finish(&runtime->relief_mutex);
	free(runtime->monitor);
	free(runtime);
}

static int workers_create(struct weft_runtime *runtime)
{
	int err = 0;

	for (unsigned i = 0; !err && i < runtime->nominal; i++) {
		runtime->workers[i] = aligned_alloc(WEFT_CACHE_LINE,
				(sizeof *runtime->workers[i] + WEFT_CACHE_LINE - 1) &
						~(size_t)(WEFT_CACHE_LINE - 1));
		err = runtime->workers[i] ? weft__worker_init(runtime->workers[i], runtime, i)
					  : -ENOMEM;
	}
	atomic_store_release(&runtime->worker_count, runtime->nominal);
	return err;
}

int weft_runtime_create(
		struct weft_runtime **runtime_out, const struct weft_runtime_options *options)
{
	static const struct weft_runtime_options defaults;
	struct weft_runtime *runtime;
	int err;

	if (!options)
		options = &defaults;
	err = options_check(options);
	if (err)
		return err;
	runtime = calloc(1, sizeof *runtime);
	if (!runtime)
		return -ENOMEM;
	weft__held_watch();
	runtime->fork_count = weft__fork_count();
	runtime->options = *options;
	options_fill(&runtime->options);
	runtime->hooked = options->hooks.thread_park || options->hooks.thread_unpark ||
			options->hooks.before_poll || options->hooks.after_poll ||
			(options->flavour == WEFT_CURRENT_THREAD && options->stall_report_ns > 0);
	runtime->watched = options->hooks.task_spawn || options->hooks.task_end ||
			options->shutdown_on_failure;
	runtime->virtual_now_ns = options->clock_paused ? SECOND : 0;
	snprintf(runtime->name, sizeof runtime->name, "%s", options->name ? options->name : "weft");
	runtime->options.name = runtime->name;
	runtime->nominal = workers_wanted(runtime);
	weft__mutex_init(&runtime->relief_mutex);
	for (int i = 0; i < WEFT__GUESTS; i++)
		weft__heap_init(&runtime->guests[i].heap, true);
	runtime->executor.flavour = options->flavour == WEFT_CURRENT_THREAD ? &weft__flavour_ct
									    : &weft__flavour_mt;
	err = workers_create(runtime);
	poller_report(runtime, err);
	if (!err)
		err = weft__pool_create(&runtime->pool, &runtime->options);
	if (!err)
		err = options->flavour == WEFT_CURRENT_THREAD ? weft__ct_init(runtime)
							      : weft__mt_start(runtime);
	if (!err && options->flavour == WEFT_CURRENT_THREAD && options->stall_report_ns > 0)
		err = weft__monitor_start(runtime);
	if (!err) {
		weft__registry_add(runtime);
		*runtime_out = runtime;
		return 0;
	}
	if (runtime->pool)
		weft__pool_destroy(runtime->pool);
	runtime_free(runtime);
	return err;
}

void weft__cancel_all(struct weft_runtime *runtime, uint32_t level)
{
	/* relaxed, both: the wakes that follow carry them (core/task_mt.h) */
	atomic_store_relaxed(&runtime->closing, 1u);
	atomic_fetch_or_relaxed(&runtime->cancelling, level);
	if (runtime->options.flavour == WEFT_MULTI_THREAD)
		runtime->executor.flavour->wake_all(runtime);
	else
		weft__reactor_wake(&runtime->workers[0]->reactor); /* the home does it: ct_look */
}

static void wait_all_ended(struct weft_runtime *runtime, int64_t deadline_ns)
{
	size_t before = 0;

	for (;;) {
		uint32_t seen = atomic_load_acquire(
				&runtime->all_ended); /* pairs with the last end */
		int64_t now = weft__clock_now();
		int64_t limit = now + SECOND / 100; /* the counters are relaxed: look again */
		size_t alive = weft__alive(runtime);

		if (!alive || now >= deadline_ns)
			return;
		if (alive == before) /* perhaps one was published behind the walker's back */
			runtime->executor.flavour->wake_all(runtime);
		before = alive;
		weft__futex_wait(&runtime->all_ended, seen,
				limit < deadline_ns ? limit : deadline_ns);
	}
}

/* In a forked child there are no workers, and the rings and sockets are the parent's. */
static bool is_parents(const struct weft_runtime *runtime)
{
	return runtime->fork_count != weft__fork_count();
}

static bool inside(const struct weft_runtime *runtime)
{
	return weft__worker_current && weft__worker_current->runtime == runtime;
}

static size_t wait_until(struct weft_runtime *runtime, int64_t deadline_ns)
{
	if (runtime->options.flavour == WEFT_CURRENT_THREAD)
		weft__ct_shutdown(runtime, deadline_ns);
	else
		wait_all_ended(runtime, deadline_ns);
	return weft__alive(runtime);
}

/* Steps 1 to 3. Returns how many tasks have not ended. */
static size_t unwind_all(struct weft_runtime *runtime, int64_t grace_ns)
{
	int64_t deadline_ns = weft_deadline_after(weft__clock_now(), grace_ns);

	weft__cancel_all(runtime, WEFT__CANCEL_TASKS);
	if (wait_until(runtime, deadline_ns - grace_ns / 5) == 0)
		return 0;
	weft__cancel_all(runtime, WEFT__CANCEL_SHIELDED);
	return wait_until(runtime, deadline_ns);
}

int weft_runtime_shutdown(struct weft_runtime *runtime, int64_t grace_ns)
{
	size_t alive;

	if (is_parents(runtime))
		return -EOWNERDEAD;
	if (inside(runtime))
		return -EDEADLK;
	alive = unwind_all(runtime, grace_ns < 0 ? runtime->options.shutdown_grace_ns : grace_ns);
	if (alive) {
		struct dump dump = { -1, 0, runtime };

		weft__report(runtime, "the grace period is over, and %zu tasks have not ended",
				alive);
		weft__walk_tasks(runtime, dump_task, &dump);
	}
	return alive > INT32_MAX ? INT32_MAX : (int)alive;
}

/* A slot that somebody outside may still use: an ended task with a handle, or an owned waker. */
static void count_held(struct weft_task *task, void *arg)
{
	if (atomic_load_acquire(&task->async)) /* pairs with the start */
		++*(size_t *)arg;
}

/* Nobody polls it any more; whoever joins it must not wait for ever, also if it has ended and its home
 * has not been told of the joiner. */
static void abandon_task(struct weft_task *task, void *arg)
{
	(void)arg;
	if (!atomic_load_acquire(&task->async)) /* pairs with the start */
		return;
	if (!atomic_load_acquire(&task->ended)) /* with weft__task_ended, weft__task_is_abandoned */
		atomic_store_release(&task->ended, (uint32_t)TASK_ABANDONED);
	(void)weft__end_word(task);
}

/* Waits for those who have woken or freed a task from outside, and have not come back from it yet. */
static void wait_for_visitors(struct weft_runtime *runtime)
{
	for (int i = 0; i < WEFT__GUESTS; i++)
		while (atomic_load_acquire(&runtime->guests[i].visitors)) /* with weft__visit_end */
			atomic_pause();
}

void weft_runtime_destroy(struct weft_runtime *runtime)
{
	int64_t deadline;
	size_t held = 0;
	bool stopped;
	unsigned jobs;

	if (!runtime || is_parents(runtime))
		return;
	if (inside(runtime))
		weft__fail("weft_runtime_destroy called from a task of the same runtime: "
			   "return from it first, or use weft_runtime_shutdown",
				runtime->name, 0);
	deadline = weft_deadline_after(weft__clock_now(), runtime->options.shutdown_grace_ns);
	/* relaxed: shutdown happened on this thread, or does now */
	if (!atomic_load_relaxed(&runtime->cancelling) && weft_runtime_shutdown(runtime, -1) > 0)
		deadline = weft__clock_now(); /* the grace period is over */
	else /* what was created before, and started since; what was asked since: handles that ended */
		(void)unwind_all(runtime, runtime->options.shutdown_grace_ns);
	jobs = weft__pool_shutdown(runtime->pool, deadline);
	weft__monitor_stop(runtime);
	stopped = runtime->options.flavour == WEFT_CURRENT_THREAD ||
			weft__mt_stop(runtime, deadline);
	weft__walk_tasks(runtime, abandon_task, NULL);
	weft__walk_tasks(runtime, count_held, &held);
	if (stopped && !jobs && !held) {
		weft__registry_remove(runtime); /* no weft_dump begins a visit any more */
		wait_for_visitors(runtime);
		weft__pool_destroy(runtime->pool);
		runtime_free(runtime);
	} else if (jobs || !stopped) {
		weft__report(runtime, "memory abandoned: %u jobs still run%s", jobs,
				stopped ? "" : ", a worker is stuck in a poll");
	}
}

/* ---- use ---- */

int weft_runtime_run(struct weft_runtime *runtime, const struct weft_async *async, const void *args,
		void *result)
{
	struct weft_task *root;
	int failure;

	if (is_parents(runtime))
		return -EOWNERDEAD;
	if (weft__worker_current)
		return -EDEADLK;
	root = weft_task_spawn(runtime, async, args);
	if (!root) /* relaxed: tells the two reasons apart */
		return atomic_load_relaxed(&runtime->closing) ? -ESHUTDOWN : -ENOMEM;
	if (runtime->options.flavour == WEFT_CURRENT_THREAD)
		weft__ct_run(runtime, root);
	failure = weft_task_join_blocking(root, result);
	/* relaxed: set before the root was cancelled by it */
	return failure ? failure : atomic_load_relaxed(&runtime->failure);
}

struct weft_runtime *weft_runtime_current(void)
{
	return weft__worker_current ? weft__worker_current->runtime : NULL;
}

const char *weft_runtime_poller(const struct weft_runtime *runtime)
{
	return runtime->workers[0]->reactor.poller.ops->name;
}

unsigned weft_runtime_worker_count(const struct weft_runtime *runtime)
{
	return runtime->nominal;
}

int weft_runtime_fd(struct weft_runtime *runtime)
{
	struct weft__poller *poller = &runtime->workers[0]->reactor.poller;

	if (runtime->options.flavour != WEFT_CURRENT_THREAD)
		return -EINVAL;
	return poller->ops->fd(poller);
}

int64_t weft_runtime_timeout(struct weft_runtime *runtime)
{
	return runtime->options.flavour == WEFT_CURRENT_THREAD ? weft__ct_timeout(runtime)
							       : WEFT_NEVER;
}

int weft_runtime_turn(struct weft_runtime *runtime)
{
	if (runtime->options.flavour != WEFT_CURRENT_THREAD)
		return -EINVAL;
	if (is_parents(runtime))
		return -EOWNERDEAD;
	if (weft__worker_current)
		return -EDEADLK;
	return weft__ct_turn(runtime);
}

int weft_runtime_advance(struct weft_runtime *runtime, int64_t ns)
{
	if (!runtime->options.clock_paused || ns < 0)
		return -EINVAL;
	/* relaxed: read by the thread that runs the tasks, after the wake */
	atomic_fetch_add_relaxed(&runtime->virtual_now_ns, ns);
	weft__reactor_wake(&runtime->workers[0]->reactor);
	return 0;
}

int64_t weft_runtime_now(struct weft_runtime *runtime)
{
	return runtime->workers[0]->env.now(&runtime->workers[0]->env);
}

static size_t sum(const struct weft_runtime *runtime, size_t field)
{
	size_t total = 0;

	for (unsigned i = 0; i < worker_count(runtime); i++) /* relaxed: counters */
		total += atomic_load_relaxed((const size_t *)(const void
						*)((const char *)&runtime->workers[i]->counters +
				field));
	return total;
}

#define SUM(runtime, field) sum(runtime, offsetof(struct weft__counters, field))

void weft_runtime_metrics(const struct weft_runtime *runtime, struct weft_metrics *metrics)
{
	memset(metrics, 0, sizeof *metrics);
	metrics->tasks_alive = weft__alive(runtime);
	metrics->tasks_spawned = SUM(runtime, spawned);
	for (int i = 0; i < WEFT__GUESTS; i++) /* relaxed: a counter */
		metrics->tasks_spawned += atomic_load_relaxed(&runtime->guests[i].spawned);
	metrics->polls = SUM(runtime, polls);
	metrics->steals = SUM(runtime, steals);
	metrics->overflows = SUM(runtime, overflows);
	metrics->remote_wakes = SUM(runtime, remote_wakes);
	metrics->budget_yields = SUM(runtime, budget_yields);
	metrics->parks = SUM(runtime, parks);
	metrics->takeovers = SUM(runtime, takeovers);
	metrics->timers_fired = SUM(runtime, timers_fired);
	metrics->frames_allocated = SUM(runtime, frames);
	for (unsigned i = 0; i < worker_count(runtime); i++) /* relaxed: a counter */
		metrics->reactor_events +=
				atomic_load_relaxed(&runtime->workers[i]->reactor.events);
	weft__pool_metrics(runtime->pool, metrics);
}
