/* SPDX-License-Identifier: MIT */
/*
 * weft/runtime.h: a runtime: workers, their queues, timers and sockets, and a blocking pool.
 *
 *     struct weft_runtime_options options = { .flavour = WEFT_CURRENT_THREAD };
 *     struct weft_runtime *runtime;
 *     int err = weft_runtime_create(&runtime, &options);       // NULL for the defaults
 *
 *     err = weft_runtime_run(runtime, &serve__async, &args, &result);
 *     weft_runtime_destroy(runtime);
 *
 * Flavours
 *   WEFT_MULTI_THREAD    workers (one per usable CPU) that steal from each other; they run from
 *                        create to destroy.
 *   WEFT_CURRENT_THREAD  no thread: tasks make progress while some thread is in run or turn.
 * A process may have several runtimes; a task may wake, join and spawn tasks of another.
 *
 * Memory:  opaque; create allocates, destroy frees. Memory that a stuck job or a foreign thread may
 *          still touch is abandoned at destroy, never freed.
 * Threads: any thread, unless said otherwise.
 * fork:    in the child, run, turn and shutdown give -EOWNERDEAD, spawning gives NULL, destroy does
 *          nothing: the runtime stays the parent's.
 */
#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

#include <weft/task.h>
#include <weft/time.h>

WEFT_BEGIN_DECLS

enum weft_flavour { WEFT_MULTI_THREAD, WEFT_CURRENT_THREAD };

/* What a hook is told about. */
struct weft_hooks {
	void *data;
	void (*thread_start)(void *data); /* a worker or pool thread, on that thread */
	void (*thread_stop)(void *data);
	void (*thread_park)(void *data);   /* a worker is about to sleep; may spawn and wake */
	void (*thread_unpark)(void *data); /* and has woken up */
	void (*task_spawn)(void *data, uint64_t id, const struct weft_async *async);
	void (*task_end)(void *data, uint64_t id, const struct weft_async *async);
	void (*before_poll)(void *data, uint64_t id, const struct weft_async *async);
	void (*after_poll)(void *data, uint64_t id, const struct weft_async *async);
	/* A line for the operator: a stall, a shutdown that left tasks behind. NULL: stderr. */
	void (*report)(void *data, const char *line);
};

/* All zero is the default. Durations are nanoseconds. */
struct weft_runtime_options {
	enum weft_flavour flavour;
	unsigned workers;               /* 0: WEFT_WORKERS, else affinity and cgroup quota */
	const char *name;               /* of threads and reports; NULL: "weft" */
	const char *poller;             /* "epoll", "uring", "uring-direct" (sockets in the ring's own
	                                   table; needs WEFT_CURRENT_THREAD), "sim"; NULL:
	                                   WEFT_POLLER, or probed */
	unsigned blocking_threads_max;  /* 0: 512 */
	size_t blocking_queue_max;      /* 0: unbounded; else submitting beyond waits */
	int64_t blocking_keep_alive_ns; /* 0: 10 s */
	int64_t shutdown_grace_ns;      /* 0: 5 s; how long destroy lets cancelled tasks unwind */
	int64_t stall_report_ns;        /* a poll of that length is reported; < 0: never. 0: 1 s;
	                                   with WEFT_CURRENT_THREAD never, for it takes a thread */
	size_t thread_stack_bytes;      /* 0: the system's default */
	bool clock_paused;              /* virtual time, which advances when all is idle; needs
	                                   WEFT_CURRENT_THREAD */
	bool shutdown_on_failure;       /* a detached task that ends with a negative int result
	                                   shuts the runtime down with that result */
	uint64_t seed;                  /* of the scheduler's and simulator's choices; 0: WEFT_SEED,
	                                   else random */
	struct weft_hooks hooks;
};

/* Makes a runtime and starts its workers. options NULL: the defaults; they are copied.
 * Returns 0; -EINVAL (an option out of range, an unknown poller); -ENOSYS (the poller that was asked
 * for is not to be had here); -ENOMEM, -EMFILE, -EAGAIN from the system. */
WEFT_NODISCARD int weft_runtime_create(
		struct weft_runtime **runtime, const struct weft_runtime_options *options);

/* Cancels all tasks, runs until they have ended or grace_ns have passed (< 0: the option's value; when
 * a fifth is left, what is under a weft_shield is cancelled, too), and reports those still alive.
 * Spawning gives NULL from here on. Returns the number of tasks left alive, or -EDEADLK if called from
 * one of the runtime's own tasks. */
WEFT_NODISCARD int weft_runtime_shutdown(struct weft_runtime *runtime, int64_t grace_ns);

/* Shuts down if that has not been done, stops the threads and frees everything that nobody else may
 * still touch. Must not be called from a task of the runtime (aborts with a message). NULL: no-op. */
void weft_runtime_destroy(struct weft_runtime *runtime);

/* Runs `async` as a task to its end and copies its result to *result (may be NULL). With
 * WEFT_CURRENT_THREAD the calling thread runs the tasks meanwhile (several threads may call: one
 * drives, and another takes over when it leaves). Returns 0, -ENOMEM, -ESHUTDOWN, or -EDEADLK if the
 * calling thread is already running a runtime: use await there. */
WEFT_NODISCARD int weft_runtime_run(struct weft_runtime *runtime, const struct weft_async *async,
		const void *args, void *result);

/* The runtime of the task that is running on this thread, or NULL. */
struct weft_runtime *weft_runtime_current(void);

/* "epoll", "uring", "uring-direct" or "sim": the poller in use, static storage. */
const char *weft_runtime_poller(const struct weft_runtime *runtime);

unsigned weft_runtime_worker_count(const struct weft_runtime *runtime);

/* ---- driving a WEFT_CURRENT_THREAD runtime from a foreign loop ----
 *
 *     for (;;) {
 *             struct pollfd pfd = { weft_runtime_fd(runtime), POLLIN, 0 };
 *             poll(&pfd, 1, weft_timeout_ms(weft_runtime_timeout(runtime)));
 *             weft_runtime_turn(runtime);
 *     }
 */

/* A descriptor that is readable when weft_runtime_turn has something to do. Borrowed. -EINVAL for a
 * multi-thread runtime; -ENOTSUP for the simulated poller. */
WEFT_NODISCARD int weft_runtime_fd(struct weft_runtime *runtime);

/* Nanoseconds until weft_runtime_turn must be called even if the descriptor is quiet: 0 now,
 * WEFT_NEVER if no timer runs. */
int64_t weft_runtime_timeout(struct weft_runtime *runtime);

/* Polls the reactor without waiting and runs what is ready, once around. Returns the number of polls,
 * -EDEADLK from inside a task, or -EBUSY while another thread drives. */
WEFT_NODISCARD int weft_runtime_turn(struct weft_runtime *runtime);

/* ---- virtual time (options.clock_paused) ---- */

/* Moves the paused clock; timers that come due fire in order at the next turn. -EINVAL: not paused. */
WEFT_NODISCARD int weft_runtime_advance(struct weft_runtime *runtime, int64_t ns);

/* The runtime's clock: monotonic nanoseconds, virtual if paused. */
int64_t weft_runtime_now(struct weft_runtime *runtime);

/* ---- blocking code ---- */

/* async int weft_blocking(fn, arg): runs fn(arg) on a thread of the blocking pool and gives 0 when it
 * has returned. Cancelled before it has started: -ECANCELED, and fn does not run. Once it has started
 * the leaf stays pending until it returns. -EAGAIN: no thread could be had; -ESHUTDOWN. */
typedef void (*weft_blocking_fn)(void *arg);
WEFT_ASYNC_2(int, weft_blocking, weft_blocking_fn, void *);

struct weft_blocking__frame {
	struct weft_blocking__args args;
	struct weft_job {
		struct weft_job *next, **link;
		weft_blocking_fn fn;
		void *arg;
		void *pool; /* private from here on */
		struct weft_waker waker;
		uint32_t state;
		uint32_t shard;
	} job;
};

/* Runs fn(arg) on the calling worker, and has its queue, timers and sockets served by others
 * meanwhile. Returns 0, or -ENOTSUP on a current-thread runtime and outside of one, where fn was not
 * run (use weft_blocking). */
WEFT_NODISCARD int weft_block_in_place(weft_blocking_fn fn, void *arg);

/* ---- metrics: relaxed counters, exact when the runtime is idle ---- */

struct weft_metrics {
	uint64_t tasks_alive;
	uint64_t tasks_spawned;
	uint64_t polls;
	uint64_t steals;        /* tasks taken from another worker */
	uint64_t overflows;     /* tasks that found their worker's queue full */
	uint64_t remote_wakes;  /* wakes and spawns from outside the worker */
	uint64_t budget_yields; /* polls that ended because the budget was spent */
	uint64_t parks;         /* times that a worker went to sleep */
	uint64_t takeovers;     /* turns on the driver or queue of a worker stuck in a poll */
	uint64_t reactor_events;
	uint64_t timers_fired;
	uint64_t frames_allocated; /* frames of their own; tasks are not counted */
	uint64_t blocking_threads;
	uint64_t blocking_idle;
	uint64_t blocking_queued;
};

void weft_runtime_metrics(const struct weft_runtime *runtime, struct weft_metrics *metrics);

/* Writes a line per living task to `fd`: id, function, and where it waits. Returns the number of tasks. */
int weft_runtime_dump(struct weft_runtime *runtime, int fd);

/* Writes to `fd` all living tasks of all runtimes of the process: where each is, what it waits for (a
 * lock by its address, the end of which task), for each of its branches; and, of tasks that can never
 * go on because they wait for each other, the cycle. From any thread; of a WEFT_CURRENT_THREAD runtime
 * the tasks are only looked into when one of them calls. Each idle task is polled once more than it
 * would be. Who holds a lock is known in builds with WEFT_CHECKED only; in others cycles through joins
 * and scopes are found. Returns how many tasks can never go on, as far as is known, or -ENOMEM. */
int weft_dump(int fd);

WEFT_END_DECLS

#endif
