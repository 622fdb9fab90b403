/* SPDX-License-Identifier: MIT */
/*
 * exec/monitor.c: a thread that looks after workers that stay in a poll.
 *
 * Why         A worker stuck in a poll serves neither its reactor nor its timers nor its queue; when the
 *             other workers sleep, nobody would notice. Timers per poll, or a signal, would cost every
 *             poll; one thread that looks at a counter now and then costs nobody.
 * How         Every TICK it reads each worker's tick. Odd and unchanged for WEFT__STUCK_NS: the worker is
 *             stuck. Then the monitor drives its reactor and wheel, and wakes a sleeper for what they
 *             bring and for what lies in its ring and slot.
 *
 *                 RUNNING --ten ticks with every worker parked--> STOPPED --poke--> RUNNING
 *
 *             An idle runtime has no ticks at all: no wake-ups, no CPU.
 *   Reports. A poll that lasts for stall_report_ns is reported, once. A current-thread runtime, which is
 *   to have no threads of its own, has a monitor only if the option asks for it, and then only for that:
 *   nobody could take over. Its worker counts as parked between polls.
 * Order       [O1] stop: state = STOPPED (seq_cst), then look whether all are parked (seq_cst). A worker:
 *                  parked = 0 (seq_cst), then look at state (seq_cst). One of the two sees the other.
 * Cost        500 wake-ups a second while anything runs; each reads one word per worker. (For reports
 *             alone four in the time that is reported.)
 */
#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "exec/runtime.h"
#include "os/os.h"

enum { TICK_NS = 2000000, IDLE_TICKS = 10 };

enum { MONITOR_RUNNING, MONITOR_STOPPED, MONITOR_ENDING };

struct weft__monitor {
	uint32_t state; /* atomic, futex */
	struct weft__thread thread;
	struct weft_runtime *runtime;
	int64_t tick_ns;
	struct sighting {
		uint32_t tick;
		uint32_t reported; /* the tick that was reported */
		int64_t since_ns;
	} sightings[WEFT__WORKERS_MAX];
};

struct stalled {
	const struct weft_task *task;
	const struct weft_async *async;
	uint64_t id;
	uint32_t line;
};

static void look_up(struct weft_task *task, void *arg)
{
	struct stalled *stalled = arg;
	const struct weft_async *async;

	if (task != stalled->task)
		return;
	async = atomic_load_acquire(&task->async); /* pairs with the start */
	if (!async)
		return;
	stalled->async = async;
	stalled->id = weft_task_id(task);
	stalled->line = weft__task_line(task, async);
}

static bool takes_over(const struct weft_runtime *runtime)
{
	return runtime->options.flavour == WEFT_MULTI_THREAD;
}

/* What the worker runs may have ended meanwhile, and its memory be gone: it is looked for by address. */
static void report_stall(struct weft_runtime *runtime, struct weft__worker *worker, int64_t ns)
{
	/* relaxed: a guess */
	struct stalled stalled = { atomic_load_relaxed(&worker->running), NULL, 0, 0 };

	weft__walk_tasks(runtime, look_up, &stalled);
	if (!stalled.async)
		return;
	weft__report(runtime,
			"worker %u has been in one poll of task %llx, %s (%s:%u), for %lld ms: "
			"use weft_blocking%s for work that does not wait",
			worker->index, (unsigned long long)stalled.id, stalled.async->name,
			stalled.async->file, stalled.line, (long long)(ns / 1000000),
			takes_over(runtime) ? " or weft_block_in_place" : "");
}

static void cover(struct weft_runtime *runtime, struct weft__worker *worker)
{
	/* relaxed: thieves compare it with the worker's tick */
	atomic_store_relaxed(&worker->stuck_tick, atomic_load_relaxed(&worker->tick));
	weft__mt_drive_other(worker);
	if (weft__ring_count(&worker->ring) || !weft__slot_is_empty(&worker->slot))
		weft__mt_wake_one(runtime);
	for (unsigned i = 0; i < runtime->nominal; i++)
		if (!weft__inject_is_empty(&runtime->workers[i]->inject)) {
			weft__mt_wake_one(runtime);
			return;
		}
}

bool weft__monitor_sees_stuck(const struct weft__worker *worker)
{
	/* relaxed: two readings of one counter */
	uint32_t tick = atomic_load_relaxed(&worker->tick);

	return tick % 2 && tick == atomic_load_relaxed(&worker->stuck_tick);
}

static void look_at(struct weft__monitor *monitor, struct weft__worker *worker, int64_t now_ns)
{
	struct weft_runtime *runtime = monitor->runtime;
	struct sighting *sighting = &monitor->sightings[worker->index];
	uint32_t tick = atomic_load_relaxed(&worker->tick); /* relaxed: only equality over time */
	int64_t stall_ns = runtime->options.stall_report_ns;

	if (tick != sighting->tick) {
		sighting->tick = tick;
		sighting->since_ns = now_ns;
		return;
	}
	if (tick % 2 == 0)
		return;
	if (takes_over(runtime) &&
			(now_ns - sighting->since_ns >= WEFT__STUCK_NS ||
					atomic_load_relaxed(
							&worker->blocked))) /* relaxed: a hint */
		cover(runtime, worker);
	if (stall_ns > 0 && now_ns - sighting->since_ns >= stall_ns && sighting->reported != tick &&
			!atomic_load_relaxed(&worker->blocked)) {
		sighting->reported = tick;
		report_stall(runtime, worker, now_ns - sighting->since_ns);
	}
}

static bool all_parked(const struct weft_runtime *runtime)
{
	unsigned count = atomic_load_acquire(&runtime->worker_count); /* pairs with relieve */

	for (unsigned i = 0; i < count; i++)
		if (!atomic_load_seq_cst(&runtime->workers[i]->parked)) /* [O1] */
			return false;
	return true;
}

/* Waits until poked, unless somebody has started to run meanwhile. */
static void stop_ticking(struct weft__monitor *monitor)
{
	uint32_t running = MONITOR_RUNNING;

	if (!atomic_cas_seq_cst(&monitor->state, &running, (uint32_t)MONITOR_STOPPED)) /* [O1] */
		return;
	while (atomic_load_acquire(&monitor->state) == MONITOR_STOPPED && /* pairs with poke */
			all_parked(monitor->runtime))
		weft__futex_wait(&monitor->state, MONITOR_STOPPED, INT64_MAX);
	running = MONITOR_STOPPED;
	/* relaxed: says nothing to anybody; on failure it is RUNNING or ENDING already */
	(void)atomic_cas_relaxed(&monitor->state, &running, (uint32_t)MONITOR_RUNNING);
}

static void *monitor_thread(void *arg)
{
	struct weft__monitor *monitor = arg;
	struct weft_runtime *runtime = monitor->runtime;
	unsigned idle_ticks = 0;

	while (atomic_load_acquire(&monitor->state) !=
			MONITOR_ENDING) { /* pairs with monitor_stop */
		unsigned count = atomic_load_acquire(&runtime->worker_count); /* with relieve */
		int64_t now = weft__clock_now();

		for (unsigned i = 0; i < count; i++)
			look_at(monitor, runtime->workers[i], now);
		idle_ticks = all_parked(runtime) ? idle_ticks + 1 : 0;
		if (idle_ticks > IDLE_TICKS) {
			stop_ticking(monitor);
			idle_ticks = 0;
		} else {
			weft__futex_wait(&monitor->state, MONITOR_RUNNING, now + monitor->tick_ns);
		}
	}
	return NULL;
}

int weft__monitor_start(struct weft_runtime *runtime)
{
	struct weft__monitor *monitor = calloc(1, sizeof *monitor);
	int err;

	if (!monitor)
		return -ENOMEM;
	monitor->runtime = runtime;
	monitor->tick_ns = TICK_NS;
	if (!takes_over(runtime)) {
		if (runtime->options.stall_report_ns / 4 > TICK_NS)
			monitor->tick_ns = runtime->options.stall_report_ns / 4;
		runtime->workers[0]->parked = 1;
	}
	runtime->monitor = monitor;
	err = weft__thread_start(&monitor->thread, 0, "weft-monitor", monitor_thread, monitor);
	if (err) {
		runtime->monitor = NULL;
		free(monitor);
	}
	return err;
}

void weft__monitor_poll_begins(struct weft__worker *worker, struct weft_task *task)
{
	atomic_store_relaxed(&worker->running, task);          /* relaxed: for reports */
	atomic_store_relaxed(&worker->tick, worker->tick + 1); /* relaxed: it only has to move */
	atomic_store_seq_cst(&worker->parked, 0u);             /* [O1] */
	weft__monitor_poke(worker->runtime);
}

void weft__monitor_poll_ends(struct weft__worker *worker)
{
	atomic_store_relaxed(&worker->tick, worker->tick + 1); /* relaxed: it only has to move */
	atomic_store_seq_cst(&worker->parked, 1u);             /* [O1] */
}

void weft__monitor_poke(struct weft_runtime *runtime)
{
	struct weft__monitor *monitor = runtime->monitor;
	uint32_t stopped = MONITOR_STOPPED;

	if (WEFT_LIKELY(atomic_load_seq_cst(&monitor->state) != MONITOR_STOPPED)) /* [O1] */
		return;
	if (atomic_cas_seq_cst(&monitor->state, &stopped, (uint32_t)MONITOR_RUNNING))
		weft__futex_wake(&monitor->state, 1);
}

void weft__monitor_stop(struct weft_runtime *runtime)
{
	struct weft__monitor *monitor = runtime->monitor;

	if (!monitor)
		return;
	atomic_store_seq_cst(&monitor->state, (uint32_t)MONITOR_ENDING); /* with monitor_thread */
	weft__futex_wake(&monitor->state, 1);
	weft__thread_join(&monitor->thread);
}
