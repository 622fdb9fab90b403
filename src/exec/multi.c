/* SPDX-License-Identifier: MIT */
/*
 * exec/multi.c: the multi-thread flavour: workers that share, and cover for each other.
 *
 * How         Each worker has a slot (the task woken last, run next: its data is hot), a ring, an inject
 *             shard, a reactor and a wheel. A turn is up to TURN polls; then it looks at its reactor,
 *             its timers, the inject shards, and at the others.
 *
 *                 wake on a worker --> its slot --displaced--> its ring --full--> its shard
 *                 spawn, yield     --> its ring
 *                 wake elsewhere   --> a shard
 *                 pinned           --> its own worker's fifo (exec/pinned.h)
 *
 *   When a ring is full. Its tasks and those in the shards are one queue, of which the ring is the front:
 *   while anything waits in a shard, the ring takes only LIMIT_SHARING tasks from its own worker, others
 *   go into the shard, behind; so at the end of a turn there is room for as many from the shards.
 *   When a second worker wakes. Waking a core costs 25-50 us, as much as a thousand small tasks. So a
 *   push wakes nobody: at the end of a turn a worker whose backlog is older than BACKLOG_NS says that it
 *   is overloaded and wakes one sleeper; thieves take from the overloaded only.
 *   When a worker is stuck. A poll that lasts longer than STUCK_NS, or block_in_place, must not delay the
 *   worker's other tasks, timers and sockets. A neighbour sees at the end of its turn that the worker's
 *   tick has not moved, or the monitor does (exec/monitor.c): then its reactor is polled, its timers are
 *   fired, its slot and ring are taken. None of it needs the stuck thread: pollers and wheels may be
 *   driven by anybody.
 * Invariants  [I1] a task is in one queue exactly while it is QUEUED and not claimed (core/task_mt.h):
 *                  mt_push and mt_schedule get it from whoever set QUEUED.
 *             [I2] a worker sleeps only when it has announced it in `idle` and then found all shards
 *                  empty; whoever pushes into a shard then looks at `idle`. All seq_cst: one of the two
 *                  sees the other, so a task in a shard never waits for a sleeping runtime.
 *             [I3] a bit of `idle` is cleared by whoever wakes that worker, or by itself: one wake each,
 *                  which whoever drives for it may take; it is `parked` before, so they pass it on.
 *             [I4] nobody starves, however many yield for ever. Rings and shards are first in, first out.
 *                  Of SLOT_POLLS + 1 tasks one is the ring's oldest; a thief with an empty ring takes
 *                  the oldest, and runs them first. If something is in a shard, turns leave room in the
 *                  ring, and looks begin with each shard in turn, though with the own one most often.
 * Cost        per task switch: start, suspend, and pop from the ring: three atomics; two if the task comes
 *             from the slot (run_slot.h). A wake: one.
 * Not here    states of a task (core/task_mt.h), joining (exec/join.c), threads (exec/workers.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "core/task_mt.h"
#include "exec/join.h"
#include "exec/pinned.h"
#include "exec/runtime.h"
#include "exec/scope.h"
#include "exec/turn.h"
#include "os/os.h"

enum {
	SLOT_POLLS = 3,      /* in a row from the slot; then the ring has its turn */
	BACKLOG_NS = 100000, /* twice what waking a worker costs */
	DRIVE_NS = 250000,   /* between two looks at the reactor of one that is stuck */
	OWN_LOOKS = 8,       /* of so many looks at the shards one begins with another's */
	IDLE_BITS = 8 * sizeof(size_t),
	/* Room for as many as are polled in a turn, unless that is most of the ring. */
	LIMIT_SHARING = WEFT__RING - (WEFT__TURN < WEFT__RING / 2 ? WEFT__TURN : WEFT__RING / 2)
};

/* ---- who sleeps ---- */

static size_t *idle_word(struct weft_runtime *runtime, unsigned index, size_t *bit)
{
	*bit = (size_t)1 << (index % IDLE_BITS);
	return &runtime->idle[index / IDLE_BITS];
}

static void idle_announce(struct weft__worker *worker)
{
	size_t bit, *word = idle_word(worker->runtime, worker->index, &bit);

	atomic_fetch_or_seq_cst(word, bit); /* [I2] pairs with mt_inject */
}

/* Whether the bit was set, and so is ours to act on. [I3] */
static bool idle_retract(struct weft_runtime *runtime, unsigned index)
{
	size_t bit, *word = idle_word(runtime, index, &bit);

	return (atomic_fetch_and_seq_cst(word, ~bit) & bit) != 0;
}

void weft__mt_wake_one(struct weft_runtime *runtime)
{
	for (unsigned i = 0; i < WEFT__WORKERS_MAX / IDLE_BITS; i++) {
		size_t word = atomic_load_seq_cst(
				&runtime->idle[i]); /* [I2] pairs with idle_announce */

		while (word) {
			unsigned index = i * (unsigned)IDLE_BITS +
					(unsigned)__builtin_ctzll((unsigned long long)word);

			if (idle_retract(runtime, index)) {
				weft__reactor_wake(&runtime->workers[index]->reactor);
				return;
			}
			word &= word - 1;
		}
	}
}

static unsigned idle_count(struct weft_runtime *runtime)
{
	unsigned count = 0;

	for (unsigned i = 0; i < WEFT__WORKERS_MAX / IDLE_BITS; i++)
		count += (unsigned)__builtin_popcountll((unsigned long long)atomic_load_seq_cst(
				&runtime->idle[i])); /* [I2] pairs with idle_announce */
	return count;
}

/* ---- queues ---- */

/* From outside the workers. Each thread has its shard: few meet at one, and its tasks stay in order. */
static void mt_inject(struct weft_runtime *runtime, unsigned thread, struct weft_task *task)
{
	unsigned asleep, away;

	weft__inject_push(&runtime->workers[thread % runtime->nominal]->inject, task); /* [I2] */
	asleep = idle_count(runtime);
	if (!asleep)
		return;
	/* relaxed: block_in_place wakes somebody itself after counting */
	away = atomic_load_relaxed(&runtime->blocked_count);
	if (asleep + away >= atomic_load_acquire(&runtime->worker_count))
		weft__mt_wake_one(runtime);
}

static void mt_inject_outside(struct weft_runtime *runtime, struct weft_task *task)
{
	struct weft__guest *guest = weft__visit_begin(runtime);

	mt_inject(runtime, (unsigned)(guest - runtime->guests), task);
	weft__visit_end(guest);
}

__attribute__((noinline)) static void mt_overflow(
		struct weft__worker *worker, struct weft_task *task)
{
	struct weft_runtime *runtime = worker->runtime;

	weft__count(&worker->counters.overflows, 1);
	worker->limit = LIMIT_SHARING;
	/* whoever sleeps may go on sleeping: this worker is awake, and looks [I2] */
	weft__inject_push(&runtime->workers[worker->index % runtime->nominal]->inject, task);
}

/* Of a task that became QUEUED just now. [I1] [I4] */
static inline void mt_push(struct weft__worker *worker, struct weft_task *task)
{
	if (WEFT_UNLIKELY(!weft__ring_push(&worker->ring, task, worker->limit)))
		mt_overflow(worker, task);
}

static inline struct weft__worker *worker_here(const struct weft_runtime *runtime)
{
	struct weft__worker *worker = weft__worker_current;

	return worker && worker->runtime == runtime ? worker : NULL;
}

/* A woken task: into the slot, which makes a message and its reader meet in the cache. */
static void mt_schedule(struct weft_task *task)
{
	struct weft_runtime *runtime = weft__runtime_of(task);
	struct weft__worker *worker = worker_here(runtime);

	if (WEFT_UNLIKELY(weft__pinned_to(task))) {
		weft__pinned_push(task);
		return;
	}
	if (!worker) {
		mt_inject_outside(runtime, task);
		return;
	}
	task = weft__slot_put(&worker->slot, task);
	if (task)
		mt_push(worker, task);
}

/* ---- the flavour's table ---- */

static void mt_waker_wake_by_ref(void *data)
{
	if (mt_wake(data) == MT_PUSH)
		mt_schedule(data);
}

static struct weft_waker mt_waker_clone(void *data)
{
	struct weft_task *task = data;
	struct weft_waker waker = { &task->executor->flavour->waker, task };

	atomic_fetch_add_relaxed(&task->refs, 1u); /* relaxed: made from one that is alive */
	return waker;
}

static void mt_waker_drop(void *data)
{
	struct weft_task *task = data;

	/* the last of all references frees: acquire sees what the others did before */
	if (atomic_fetch_sub_acq_rel(&task->refs, 1u) == 1)
		weft__task_free(task);
}

static void mt_waker_wake(void *data)
{
	mt_waker_wake_by_ref(data);
	mt_waker_drop(data);
}

static bool mt_hold(struct weft_task *task)
{
	return mt_wake(task) == MT_PUSH;
}

static struct weft_waker mt_waker_claim(void *data)
{
	struct weft_waker claimed = { NULL, NULL };

	if (mt_hold(data)) {
		claimed.ops = &weft__flavour_mt.waker;
		claimed.data = data;
	}
	return claimed;
}

static void mt_waker_commit(void *data)
{
	mt_schedule(data);
}

static inline void mt_prepare(struct weft_task *task, uintptr_t joiner)
{
	const struct weft_async *async = weft__task_launching(task);

	task->joiner = joiner;
	mt_init(task);
	weft__task_publish(task, async);
}

/* Behind all others. */
static inline void mt_push_anywhere(struct weft_task *task)
{
	struct weft_runtime *runtime = weft__runtime_of(task);
	struct weft__worker *worker = worker_here(runtime);

	if (WEFT_UNLIKELY(weft__pinned_to(task)))
		weft__pinned_push(task);
	else if (worker)
		mt_push(worker, task);
	else
		mt_inject_outside(runtime, task);
}

static void mt_launch(struct weft_task *task, bool detached)
{
	mt_prepare(task, detached ? JOIN_DETACHED : JOIN_OPEN);
	mt_push_anywhere(task);
}

static bool mt_task_cancel(struct weft_task *task)
{
	return mt_cancel(task) == MT_PUSH;
}

/* The body's reference: the task has ended and has no handle. */
static void mt_release(struct weft_task *task)
{
	/* acquire pairs with mt_waker_drop; alone, nobody can make a second reference */
	if (atomic_load_acquire(&task->refs) == 1)
		weft__task_free(task);
	else
		mt_waker_drop(task);
}

static bool mt_collect(struct weft_task *task, void *result)
{
	/* pairs with weft__end_word: the result is there, and nobody else touches the task */
	if (atomic_load_acquire(&task->joiner) != JOIN_DONE || weft__task_is_abandoned(task))
		return false;
	weft__task_result_copy(task, result);
	mt_release(task);
	return true;
}

static void mt_detach(struct weft_task *task)
{
	if (weft__detach_word(task))
		mt_release(task);
}

static void mt_wake_visit(struct weft_task *task, void *arg)
{
	(void)arg;
	/* acquire pairs with the start */
	if (atomic_load_acquire(&task->async) && mt_wake(task) == MT_PUSH)
		mt_schedule(task);
}

static void mt_wake_all(struct weft_runtime *runtime)
{
	unsigned count = atomic_load_acquire(&runtime->worker_count);

	for (unsigned i = 0; i < count; i++)
		weft__heap_walk(&runtime->workers[i]->heap, mt_wake_visit, NULL);
	for (int i = 0; i < WEFT__GUESTS; i++)
		weft__heap_walk(&runtime->guests[i].heap, mt_wake_visit, NULL);
}

const struct weft__flavour weft__flavour_mt = {
	.waker = {
		.clone = mt_waker_clone,
		.wake = mt_waker_wake,
		.wake_by_ref = mt_waker_wake_by_ref,
		.drop = mt_waker_drop,
		.claim = mt_waker_claim,
		.commit = mt_waker_commit,
	},
	.launch = mt_launch,
	.prepare = mt_prepare,
	.push = mt_push_anywhere,
	.commit = mt_push_anywhere,
	.hold = mt_hold,
	.cancel = mt_task_cancel,
	.detach = mt_detach,
	.join = weft__join_word,
	.unjoin = weft__unjoin_word,
	.collect = mt_collect,
	.wake_all = mt_wake_all,
};

/* ---- a poll ---- */

static void mt_end(struct weft__worker *worker, struct weft_task *task)
{
	struct weft_runtime *runtime = worker->runtime;
	/* relaxed: the handle's owner can only have changed it to DETACHED */
	uintptr_t joiner = atomic_load_relaxed(&task->joiner);

	mt_done(task);
	weft__task_ended(worker, task, joiner == JOIN_DETACHED);
	if (weft__end_word(task)) {
		struct weft_scope *scope = weft__scope_of_ending(task);

		if (!scope || !weft__scope_leave(scope, task))
			mt_release(task);
	}
	weft__count(&worker->counters.ended, 1);
	/* relaxed: during a shutdown, which also looks by itself */
	if (WEFT_UNLIKELY(atomic_load_relaxed(&runtime->cancelling)) && !weft__alive(runtime)) {
		atomic_fetch_add_acq_rel(&runtime->all_ended, 1u); /* pairs with wait_all_ended */
		weft__futex_wake(&runtime->all_ended, INT32_MAX);
	}
}

/* Behind all others. */
static inline void mt_requeue(struct weft__worker *worker, struct weft_task *task)
{
	if (WEFT_UNLIKELY(weft__pinned_to(task)))
		weft__pinned_push(task);
	else
		mt_push(worker, task);
}

static inline void mt_poll(
		struct weft__worker *worker, struct weft_task *task, struct weft_context *cx)
{
	/* relaxed: whoever sets it wakes every task afterwards, and the wake carries it */
	uint32_t cancelling = atomic_load_relaxed(&worker->runtime->cancelling);
	uint8_t cancelled = (uint8_t)(mt_start(task) | cancelling);
	enum weft_poll poll;

	/* relaxed: the tick only has to move; odd during a poll */
	atomic_store_relaxed(&worker->tick, worker->tick + 1);
	atomic_store_relaxed(&worker->running, task); /* relaxed: for reports */
	poll = weft__worker_poll(worker, task, cancelled, cx);
	weft__count(&worker->counters.polls, 1);
	atomic_store_relaxed(&worker->tick, worker->tick + 1);
	if (poll == WEFT_READY) {
		mt_end(worker, task);
	} else if (cx->self_woken) {
		mt_yield(task);
		mt_requeue(worker, task);
	} else if (mt_suspend(task) == MT_PUSH) {
		mt_requeue(worker, task);
	}
}

/* Every other one is a pinned task, if there are any. */
static inline struct weft_task *mt_next(struct weft__worker *worker)
{
	struct weft_task *task;

	if (WEFT_UNLIKELY(weft__pinned_ready(worker)) && worker->polls_left % 2)
		return weft__fifo_pop(&worker->fifo);
	if (worker->slot_polls < SLOT_POLLS) {
		task = weft__slot_pop(&worker->slot);
		if (task) {
			worker->slot_polls++;
			return task;
		}
	}
	worker->slot_polls = 0;
	task = weft__ring_pop(&worker->ring);
	if (!task)
		task = weft__slot_pop(&worker->slot);
	if (WEFT_UNLIKELY(!task && weft__pinned_ready(worker)))
		task = weft__fifo_pop(&worker->fifo);
	return task;
}

void weft__mt_spill_slot(struct weft__worker *worker)
{
	struct weft_task *task = weft__slot_pop(&worker->slot);

	if (task)
		mt_push(worker, task);
}

/* ---- looking outside ---- */

static void mt_fire_timers(
		struct weft__worker *worker, struct weft__counters *counters, int64_t now_ns)
{
	if (weft__wheel_is_due(&worker->wheel, now_ns))
		weft__count(&counters->timers_fired, weft__wheel_expire(&worker->wheel, now_ns));
}

static bool anything_injected(const struct weft_runtime *runtime)
{
	for (unsigned i = 0; i < runtime->nominal; i++)
		if (!weft__inject_is_empty(&runtime->workers[i]->inject))
			return true;
	return false;
}

/* Takes from the shards what the ring has room for. [I4] */
static unsigned take_injected(struct weft__worker *worker)
{
	struct weft_runtime *runtime = worker->runtime;
	struct weft_task *tasks[WEFT__RING / 2];
	unsigned look = worker->looks++;
	unsigned first = look % OWN_LOOKS ? worker->index : look / OWN_LOOKS;
	unsigned total = 0;

	for (unsigned i = 0; i < runtime->nominal; i++) {
		struct weft__inject *shard =
				&runtime->workers[(first + i) % runtime->nominal]->inject;
		uint32_t room = WEFT__RING - weft__ring_count(&worker->ring);
		unsigned count = weft__inject_take(
				shard, tasks, room < WEFT__RING / 2 ? room : WEFT__RING / 2);

		for (unsigned t = 0; t < count; t++)
			(void)weft__ring_push(
					&worker->ring, tasks[t], WEFT__RING); /* there is room */
		total += count;
	}
	worker->limit = anything_injected(runtime) ? LIMIT_SHARING : WEFT__RING;
	weft__count(&worker->counters.remote_wakes, total);
	return total;
}

static unsigned take_slot(struct weft__worker *worker, struct weft__worker *victim)
{
	struct weft_task *task = weft__slot_steal(&victim->slot);

	if (!task)
		return 0;
	mt_push(worker, task);
	return 1;
}

void weft__mt_drive_other(struct weft__worker *victim)
{
	struct weft__worker *here = worker_here(victim->runtime);
	int64_t now = weft__clock_now();

	weft__reactor_poll(&victim->reactor, 0);
	if (WEFT_UNLIKELY(atomic_load_seq_cst(&victim->parked))) /* [I3] pairs with mt_park */
		weft__reactor_wake(&victim->reactor);
	if (weft__wheel_is_due(&victim->wheel, now))
		weft__wheel_expire(&victim->wheel, now);
	if (here)
		weft__count(&here->counters.takeovers, 1);
}

/* Whether the victim has been in one poll for too long, as far as this worker has seen. */
static bool sees_stuck(struct weft__worker *worker, struct weft__worker *victim, int64_t now_ns)
{
	struct weft__sighting *sighting = &worker->sightings[victim->index];
	/* relaxed: only equality over time matters */
	uint32_t tick = atomic_load_relaxed(&victim->tick);

	if (atomic_load_relaxed(&victim->blocked)) /* relaxed: a hint */
		return true;
	if (tick != sighting->tick) {
		sighting->tick = tick;
		sighting->since_ns = now_ns;
		return false;
	}
	return tick % 2 && now_ns - sighting->since_ns > WEFT__STUCK_NS;
}

/* Half of the victim's ring. */
static unsigned take_ring(struct weft__worker *worker, struct weft__worker *victim)
{
	struct weft_task *tasks[WEFT__RING / 2];
	uint32_t count = weft__ring_steal(&victim->ring, tasks);

	for (uint32_t i = 0; i < count; i++)
		mt_push(worker, tasks[i]);
	return count;
}

static unsigned take_over(struct weft__worker *worker, struct weft__worker *victim, int64_t now_ns)
{
	struct weft__sighting *sighting = &worker->sightings[victim->index];

	if (now_ns >= sighting->next_ns) {
		sighting->next_ns = now_ns + DRIVE_NS;
		weft__mt_drive_other(victim);
	}
	return take_slot(worker, victim) + take_ring(worker, victim);
}

/* Looks at the others: covers for the stuck, and, if `hungry`, takes from the overloaded. */
static unsigned look_at_others(struct weft__worker *worker, int64_t now_ns, bool hungry)
{
	struct weft_runtime *runtime = worker->runtime;
	unsigned count = atomic_load_acquire(&runtime->worker_count); /* pairs with relieve */
	unsigned start, got = 0;

	if (count == 1)
		return 0;
	start = weft__worker_draw(worker) % count;
	for (unsigned i = 0; i < count; i++) {
		struct weft__worker *victim = runtime->workers[(start + i) % count];

		if (victim == worker)
			continue;
		if (sees_stuck(worker, victim, now_ns) || weft__monitor_sees_stuck(victim))
			got += take_over(worker, victim, now_ns);
		else if (hungry && !got && atomic_load_relaxed(&victim->overloaded)) /* a hint */
			got += take_ring(worker, victim);
	}
	weft__count(&worker->counters.steals, got);
	return got;
}

/* Says that the worker is overloaded once tasks have waited in its ring for BACKLOG_NS. */
static void mind_backlog(struct weft__worker *worker, int64_t now_ns)
{
	uint32_t head = atomic_load_relaxed(&worker->ring.head); /* relaxed, both: hints */
	uint32_t tail = atomic_load_relaxed(&worker->ring.tail);
	bool served = (int32_t)(head - worker->backlog_tail) >= 0 && worker->limit == WEFT__RING;
	bool old = !served && now_ns - worker->backlog_since_ns > BACKLOG_NS;

	if (served || head == tail) {
		worker->backlog_tail = tail;
		worker->backlog_since_ns = now_ns;
	}
	if (old != (worker->overloaded != 0)) /* relaxed: a hint to thieves */
		atomic_store_relaxed(&worker->overloaded, (uint32_t)old);
	if (old)
		weft__mt_wake_one(worker->runtime);
}

/* The end of a turn. Returns how many tasks it brought in. */
static unsigned mt_look(struct weft__worker *worker, bool hungry)
{
	int64_t now = weft__clock_now();
	unsigned got;

	worker->polls_left = WEFT__TURN;
	if (atomic_load_relaxed(&worker->reactor.sources)) /* relaxed: a hint */
		weft__reactor_poll(&worker->reactor, 0);
	mt_fire_timers(worker, &worker->counters, now);
	got = take_injected(worker) + weft__pinned_take(worker);
	if (!hungry)
		mind_backlog(worker, now);
	if (!hungry || (!got && weft__ring_count(&worker->ring) == 0))
		got += look_at_others(worker, now, hungry);
	return got;
}

/* ---- sleeping ---- */

static bool has_work(struct weft__worker *worker)
{
	return weft__ring_count(&worker->ring) || !weft__slot_is_empty(&worker->slot) ||
			weft__pinned_wait(worker) || anything_injected(worker->runtime) ||
			atomic_load_seq_cst(
					&worker->runtime->stopping); /* pairs with weft__mt_stop */
}

static void mt_park(struct weft__worker *worker)
{
	struct weft_runtime *runtime = worker->runtime;
	const struct weft_hooks *hooks = &runtime->options.hooks;
	int64_t next;

	atomic_store_relaxed(&worker->overloaded, 0u); /* relaxed: a hint */
	if (WEFT_UNLIKELY(weft__pool_is_used(runtime->pool)) && weft__spin_for_job(worker))
		return;
	if (WEFT_UNLIKELY(runtime->hooked) && hooks->thread_park)
		hooks->thread_park(hooks->data);
	atomic_store_seq_cst(&worker->parked, 1u); /* [I3] drive_other; and the monitor's last look */
	idle_announce(worker); /* [I2] */
	if (!has_work(worker)) {
		next = weft__wheel_next(&worker->wheel);
		if (next != WEFT_NEVER) {
			next -= weft__clock_now();
			if (next < 0)
				next = 0;
		} else {
			next = -1;
		}
		weft__count(&worker->counters.parks, 1);
		weft__reactor_poll(&worker->reactor, next);
	}
	atomic_store_seq_cst(&worker->parked, 0u); /* pairs with the monitor's last look */
	(void)idle_retract(runtime, worker->index);
	weft__monitor_poke(runtime);
	if (WEFT_UNLIKELY(runtime->hooked) && hooks->thread_unpark)
		hooks->thread_unpark(hooks->data);
}

/* ---- the loop ---- */

void weft__mt_loop(struct weft__worker *worker)
{
	struct weft_runtime *runtime = worker->runtime;
	struct weft_context cx;

	weft__context_prepare(&cx, worker, &weft__flavour_mt.waker);
	worker->polls_left = WEFT__TURN;
	worker->limit = WEFT__RING;
	/* relaxed: has_work looks again before sleeping */
	while (!atomic_load_relaxed(&runtime->stopping)) {
		struct weft_task *task = mt_next(worker);

		if (WEFT_LIKELY(task != NULL)) {
			mt_poll(worker, task, &cx);
			if (WEFT_UNLIKELY(--worker->polls_left == 0))
				(void)mt_look(worker, false);
		} else if (!mt_look(worker, true) && weft__ring_count(&worker->ring) == 0) {
			mt_park(worker);
		}
	}
}
