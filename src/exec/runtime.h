/* SPDX-License-Identifier: MIT */
/*
 * exec/runtime.h: what the files of exec share.
 *
 *   runtime.c   options, create, run, shutdown, destroy, metrics, dump
 *   task.c      create, start, spawn, cancel: the parts that both flavours share
 *   join.c      one word for who joins
 *   current.c   the current-thread flavour        multi.c    the multi-thread flavour
 *   drive.c     who runs it                       turn.h     one poll, one turn
 *   home.h      its short ways, in line
 *   monitor.c   stuck workers                     blocking.c the pool
 *   slab.c      memory                            run_slot.h, run_queue.h, inject.h  queues
 *   spin.c      awake until a job is over
 */
#ifndef WEFT_EXEC_RUNTIME_H
#define WEFT_EXEC_RUNTIME_H

#include <weft/runtime.h>

#include "core/env.h"
#include "core/task.h"
#include "exec/blocking.h"
#include "exec/fifo.h"
#include "exec/inbox.h"
#include "exec/inject.h"
#include "exec/run_queue.h"
#include "exec/run_slot.h"
#include "exec/slab.h"
#include "exec/spin.h"
#include "io/reactor.h"
#include "os/os.h"
#include "time/wheel.h"

#ifdef WEFT_TEST_SMALL
enum { WEFT__TURN = 8, WEFT__GUESTS = 2, WEFT__RELIEF = 4 };
#else
enum {
	WEFT__TURN = 64,   /* polls between two looks at the reactor */
	WEFT__GUESTS = 16, /* heaps for threads that are not workers */
	WEFT__RELIEF = 64  /* workers added while others are in block_in_place */
};
#endif

enum {
	WEFT__WORKERS_MAX = 256,
	WEFT__STUCK_NS = 1000000 /* in one poll: others take over */
};

/* What differs between the flavours. */
struct weft__flavour {
	struct weft_waker_ops waker;
	void (*launch)(struct weft_task *task, bool detached); /* queue a new task */
	/* The two halves of launching a child of a scope. prepare: its state says that it is queued, and
	 * walkers see it; joiner is a weft__scope_word. push: it is queued. */
	void (*prepare)(struct weft_task *task, uintptr_t joiner);
	void (*push)(struct weft_task *task);
	/* True: it waited, and neither runs nor ends before commit; until then `next` is the caller's. */
	bool (*hold)(struct weft_task *task);
	bool (*cancel)(struct weft_task *task); /* true: held, like that; false: nothing is left to do */
	void (*commit)(struct weft_task *task); /* of a task that is held, on the same thread */
	void (*detach)(struct weft_task *task);
	/* One step of a join: READY, or the waker is registered in *slot. */
	enum weft_poll (*join)(struct weft_task *task, struct weft_waker *slot,
			const struct weft_waker *waker);
	bool (*unjoin)(struct weft_task *task, struct weft_waker *slot); /* false: it is done */
	/* If the task has ended: copies its result, ends the handle, and says true. */
	bool (*collect)(struct weft_task *task, void *result);
	void (*wake_all)(struct weft_runtime *runtime); /* so that they see that it is cancelling */
};

extern const struct weft__flavour weft__flavour_ct, weft__flavour_mt;

struct weft__executor {
	const struct weft__flavour *flavour;
};

/* Written by their worker only, read by anybody. */
struct weft__counters {
	size_t spawned, ended, polls, steals, overflows, remote_wakes, budget_yields, parks, takeovers,
			timers_fired, frames;
};

/* One writer: a plain increment that others may read. */
static inline void weft__count(size_t *counter, size_t more)
{
	/* relaxed: a counter */
	atomic_store_relaxed(counter, atomic_load_relaxed(counter) + more);
}

struct weft__worker {
	struct weft_env env;
	struct weft_runtime *runtime;
	struct weft__executor *home_of;  /* current-thread: the runtime's; exec/home.h */
	struct weft__reactor *own;       /* current-thread: its reactor, if sources can be owned */
	bool hooked, watched;            /* as the runtime's */
	struct weft_task *running;       /* atomic; for reports */
	uint32_t tick;                   /* atomic; odd during a poll */
	unsigned index;
	struct weft__counters counters;
	struct weft__heap heap;
	struct weft_wheel wheel;
	struct weft__reactor reactor;
	struct weft__fifo fifo; /* current-thread: all that is ready; multi-thread: what is pinned */

	/* multi-thread: exec/multi.c */
	struct weft__inbox pinned; /* woken elsewhere */
	struct weft__ring ring;
	struct weft__slot slot;
	struct weft__inject inject;
	unsigned slot_polls;
	uint32_t backlog_tail;
	int64_t backlog_since_ns;
	int64_t turn_ns;
	unsigned polls_left;
	uint32_t limit; /* so many tasks in the ring; others overflow */
	unsigned looks; /* at the shards */
	uint64_t random;
	uint32_t parked;     /* atomic */
	uint32_t blocked;    /* atomic: in block_in_place */
	uint32_t overloaded; /* atomic: thieves are welcome */
	uint32_t stuck_tick; /* atomic: the tick at which the monitor found it stuck */
	bool started;
	struct weft__thread thread;
	struct weft__sighting { /* of the other workers */
		uint32_t tick;
		int64_t since_ns;
		int64_t next_ns; /* if it is stuck: when to drive for it again */
	} *sightings;
};

struct weft__guest {
	struct weft__lock lock;
	uint32_t visitors; /* atomic: threads in weft__visit_begin ... weft__visit_end */
	struct weft__heap heap;
	size_t spawned;
};

struct weft_runtime {
	struct weft__executor executor; /* first */
	struct weft_runtime *registry_next;
	struct weft_runtime_options options;
	char name[16];
	bool hooked;  /* a hook around parks or polls is set */
	bool watched; /* a hook at spawns or ends is set, or shutdown_on_failure */
	uint32_t closing;    /* atomic: no more spawns */
	uint32_t cancelling; /* atomic: every poll is cancelled, as weft_context.cancelled says */
	uint32_t stopping;   /* atomic: workers leave */
	int32_t failure;     /* atomic: see options.shutdown_on_failure */
	uint32_t fork_count; /* of the process that made it */
	int64_t virtual_now_ns; /* atomic; the paused clock */
	struct weft__pool *pool;
	struct weft__spin spin; /* of workers that wait for it */
	struct weft__guest guests[WEFT__GUESTS];
	uint32_t all_ended; /* futex: counts up when nothing is alive while cancelling */

	/* current-thread */
	struct weft__inbox inbox;
	struct weft__lock drive_lock;
	bool driven;             /* under drive_lock */
	uint32_t cancelled_all;  /* home thread: this `cancelling` has been told to all tasks */
	struct weft__driver_waiter *driver_waiters;
	struct weft__worker *driver_before; /* whose tasks the driver's thread ran before; the driver's */

	/* multi-thread */
	unsigned nominal;        /* workers asked for */
	uint32_t worker_count;   /* atomic: nominal and relief */
	uint32_t place;          /* atomic: where the next socket goes */
	uint32_t threads_alive;  /* atomic, futex */
	uint32_t blocked_count;  /* atomic */
	size_t idle[WEFT__WORKERS_MAX / (8 * sizeof(size_t))]; /* atomic: bitmap of the parked */
	struct weft__mutex relief_mutex;
	struct weft__monitor *monitor;
	struct weft__worker *workers[WEFT__WORKERS_MAX];
};

extern __thread struct weft__worker *weft__worker_current
		__attribute__((tls_model("initial-exec")));

/* From here to leave, this thread runs the worker's tasks. */
static inline void weft__worker_enter(struct weft__worker *worker)
{
	weft__worker_current = worker;
	weft__env_current = &worker->env;
	weft__reactor_own = worker->own;
}

static inline void weft__worker_leave(void)
{
	weft__worker_current = NULL;
	weft__env_current = NULL;
	weft__reactor_own = NULL;
}

/* 32 random bits: the upper ones of a linear congruential generator (Knuth's MMIX). A select wants few of
 * them, and often. The worker's thread only. */
static inline uint32_t weft__worker_draw(struct weft__worker *worker)
{
	worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(worker->random >> 32);
}

static inline struct weft_runtime *weft__runtime_of(const struct weft_task *task)
{
	return (struct weft_runtime *)(void *)task->executor;
}

/* runtime.c */
int weft__worker_init(struct weft__worker *worker, struct weft_runtime *runtime, unsigned index);
void weft__worker_finish(struct weft__worker *worker);
void weft__report(struct weft_runtime *runtime, const char *format, ...)
		__attribute__((format(printf, 2, 3)));
size_t weft__alive(const struct weft_runtime *runtime);
uint32_t weft__task_line(const struct weft_task *task, const struct weft_async *async);
/* Every slot of every heap; `visit` is called under the heap's lock. */
void weft__walk_tasks(struct weft_runtime *runtime,
		void (*visit)(struct weft_task *task, void *arg), void *arg);
enum { WEFT__CANCEL_TASKS = 1, WEFT__CANCEL_SHIELDED = 3 }; /* what is shielded, too */
void weft__cancel_all(struct weft_runtime *runtime, uint32_t level);

/* registry.c */
extern struct weft_runtime *weft__runtimes;
void weft__registry_add(struct weft_runtime *runtime);
void weft__registry_remove(struct weft_runtime *runtime); /* also of one that is not in it */
/* Up to `room` runtimes of this process, each visited: weft__visit_end lets it go. */
struct weft__guest;
int weft__registry_visit(struct weft_runtime **runtimes, struct weft__guest **visits, int room);

/* task.c */
/* As weft_task_create, of a runtime that is not NULL, with so many bytes for the frame and what is
 * kept behind it. */
void *weft__task_create(struct weft_runtime *runtime, const struct weft_async *async,
		size_t frame_bytes);
struct weft__guest *weft__guest_lock(struct weft_runtime *runtime);

/* Around what threads that are not its workers do with a runtime when the task that they do it for may
 * end meanwhile, and somebody destroy the runtime: that waits for them. */
struct weft__guest *weft__visit_begin(struct weft_runtime *runtime);
void weft__visit_end(struct weft__guest *guest);

void weft__task_launching_watched(struct weft_runtime *runtime, struct weft_task *task,
		const struct weft_async *async);

/* The first step of a launch, while nobody knows the task. */
static inline const struct weft_async *weft__task_launching(struct weft_task *task)
{
	const struct weft_async *async = (const struct weft_async *)task->joiner;
	struct weft_runtime *runtime = weft__runtime_of(task);

	if (WEFT_UNLIKELY(runtime->watched || async->embedded_count))
		weft__task_launching_watched(runtime, task, async);
	return async;
}

/* The step before it is queued: from here on the walkers see the task, whose state is set. */
static inline void weft__task_publish(struct weft_task *task, const struct weft_async *async)
{
	atomic_store_release(&task->async, async); /* pairs with the walkers' loads */
}

/* The step before its memory is given back: the walkers pass it over. A walker that still reads the old
 * value finds the task DONE; release: destroy, which does not, sees whoever frees it as a visitor. */
static inline void weft__task_unpublish(struct weft_task *task)
{
	WEFT_HELD(ended(task));
	atomic_store_release(&task->async, NULL);
}

/* Copies the result of an ended task. */
static inline void weft__task_result_copy(struct weft_task *task, void *result)
{
	const struct weft_async *async = task->async;
	const void *from = weft__task_result(task, async);

	if (!result)
		return;
	if (WEFT_LIKELY(async->result_size == sizeof(int64_t)))
		__builtin_memcpy(result, from, sizeof(int64_t));
	else if (async->result_size == sizeof(int))
		__builtin_memcpy(result, from, sizeof(int));
	else
		__builtin_memcpy(result, from, async->result_size);
}

void weft__task_free(struct weft_task *task);
void weft__task_ended_watched(struct weft_runtime *runtime, struct weft_task *task, bool detached);

enum { TASK_ENDED = 1, TASK_ABANDONED = 2 }; /* weft_task.ended */

/* The runtime was destroyed around the task: it has no result, and its memory stays. */
static inline bool weft__task_is_abandoned(const struct weft_task *task)
{
	return atomic_load_acquire(&task->ended) == TASK_ABANDONED; /* pairs with abandon_task */
}

/* What a runtime does when a task ends, before its joiner hears of it. */
static inline void weft__task_ended(struct weft__worker *worker, struct weft_task *task, bool detached)
{
	atomic_store_release(&task->ended, (uint32_t)TASK_ENDED); /* pairs with weft_task_is_done */
	if (WEFT_UNLIKELY(worker->watched))
		weft__task_ended_watched(worker->runtime, task, detached);
}

/* current.c; drive.c asks for its steps by way of turn.h */
int weft__ct_init(struct weft_runtime *runtime);
void weft__ct_run(struct weft_runtime *runtime, struct weft_task *root); /* until it has ended */
int weft__ct_turn(struct weft_runtime *runtime);
int64_t weft__ct_timeout(struct weft_runtime *runtime);
void weft__ct_shutdown(struct weft_runtime *runtime, int64_t deadline_ns);

/* multi.c */
void weft__mt_loop(struct weft__worker *worker); /* until the runtime stops */
void weft__mt_wake_one(struct weft_runtime *runtime);
void weft__mt_drive_other(struct weft__worker *victim);
void weft__mt_spill_slot(struct weft__worker *worker); /* into the ring, where it can be stolen */

/* workers.c */
int weft__mt_start(struct weft_runtime *runtime);
bool weft__mt_stop(struct weft_runtime *runtime, int64_t deadline_ns); /* false: a worker is stuck */

/* monitor.c */
int weft__monitor_start(struct weft_runtime *runtime);
void weft__monitor_poke(struct weft_runtime *runtime); /* some worker runs again */
void weft__monitor_stop(struct weft_runtime *runtime);
bool weft__monitor_sees_stuck(const struct weft__worker *worker);
/* Around the polls of a current-thread runtime that has a monitor. */
void weft__monitor_poll_begins(struct weft__worker *worker, struct weft_task *task);
void weft__monitor_poll_ends(struct weft__worker *worker);

#endif
