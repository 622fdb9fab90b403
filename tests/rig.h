/* SPDX-License-Identifier: MIT */
/*
 * tests/rig.h: runtimes, tasks and meeting points for tests with threads.
 *
 *     struct world { uint32_t greeted; };
 *
 *     RIG_TASK(greet, struct world, struct weft_yield__frame yield;)
 *     {
 *             struct greet__frame *f = frame;
 *
 *             weft_begin(f);
 *             weft_await(f, f->yield, weft_yield);
 *             rig_add(&f->args.p0->greeted);
 *             weft_return(f, 7);
 *             weft_end(f);
 *     }
 *     RIG_TEST(greet_gives_its_result)                 // three tests: every kind of runtime
 *     {
 *             struct weft_runtime *runtime = rig_create(options);
 *             struct world world = { 0 };
 *
 *             CHECK_EQ(rig_run(runtime, &greet__async, &world), 7);
 *             weft_runtime_destroy(runtime);
 *     }
 *
 * Nothing here sleeps for a while or looks at a clock: whoever waits is woken, and a test whose wake-up
 * never comes hangs until ctest ends it.
 *
 * After a RIG_TEST as many descriptors are open as before: a runtime that was abandoned shows.
 */
#ifndef WEFT_TESTS_RIG_H
#define WEFT_TESTS_RIG_H

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "base/atomic.h"
#include "exec/runtime.h"
#include "os/os.h"
#include "test.h"

/* ---- counts that threads wait for ---- */

static inline uint32_t rig_get(const uint32_t *count)
{
	return atomic_load_acquire(count); /* pairs with rig_add */
}

/* Returns what it was before. */
static inline uint32_t rig_add(uint32_t *count)
{
	uint32_t before = atomic_fetch_add_acq_rel(count, 1u); /* pairs with rig_get */

	weft__futex_wake(count, INT32_MAX);
	return before;
}

/* Blocks the thread: between tasks, or to be stuck in a poll. */
static inline void rig_wait(uint32_t *count, uint32_t at_least)
{
	uint32_t seen;

	while ((seen = rig_get(count)) < at_least)
		weft__futex_wait(count, seen, INT64_MAX);
}

/* The same without a system call. */
static inline void rig_spin(const uint32_t *count, uint32_t at_least)
{
	while (rig_get(count) < at_least)
		atomic_pause();
}

/* ---- runtimes ---- */

static const struct weft_runtime_options rig_current = { .flavour = WEFT_CURRENT_THREAD };
static const struct weft_runtime_options rig_one = { .flavour = WEFT_MULTI_THREAD, .workers = 1 };
static const struct weft_runtime_options rig_two = { .flavour = WEFT_MULTI_THREAD, .workers = 2 };

static inline struct weft_runtime *rig_create(const struct weft_runtime_options *options)
{
	struct weft_runtime *runtime = NULL;
	int err = weft_runtime_create(&runtime, options);

	if (err == -ENOSYS)
		SKIP("this poller is not to be had here");
	CHECK_EQ(err, 0);
	return runtime;
}

static inline unsigned rig_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	CHECK(dir != NULL);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static inline void rig_check(void (*body)(const struct weft_runtime_options *options),
		const struct weft_runtime_options *options)
{
	unsigned before = rig_descriptors();

	body(options);
	CHECK_EQ(rig_descriptors(), before);
}

#define RIG_TEST_ON(kind, name)                                                                    \
	TEST(name##_##kind)                                                                        \
	{                                                                                          \
		rig_check(name, &rig_##kind);                                                      \
	}

/* On every kind of runtime. */
#define RIG_TEST(name)                                                                             \
	static void name(const struct weft_runtime_options *options);                              \
	RIG_TEST_ON(current, name)                                                                 \
	RIG_TEST_ON(one, name)                                                                     \
	RIG_TEST_ON(two, name)                                                                     \
	static void name(const struct weft_runtime_options *options)

/* On a multi-thread runtime with one worker, and with two. */
#define RIG_TEST_MULTI(name)                                                                       \
	static void name(const struct weft_runtime_options *options);                              \
	RIG_TEST_ON(one, name)                                                                     \
	RIG_TEST_ON(two, name)                                                                     \
	static void name(const struct weft_runtime_options *options)

/* On one kind. */
#define RIG_TEST_OF(kind, name)                                                                    \
	static void name(const struct weft_runtime_options *options);                              \
	RIG_TEST_ON(kind, name)                                                                    \
	static void name(const struct weft_runtime_options *options)

/* ---- tasks ---- */

/* async int name(Arg *), with what follows as further members of its frame; the poll function's body
 * comes next. */
#define RIG_TASK(name, Arg, ...)                                                                   \
	struct name##__args;                                                                       \
	__attribute__((unused)) static void name##__init(struct name##__args *args, Arg *p0);      \
	WEFT_ASYNC_1(int, name, Arg *);                                                            \
	struct name##__frame {                                                                     \
		struct name##__args args;                                                          \
		__VA_ARGS__                                                                        \
	};                                                                                         \
	WEFT_ASYNC_DEFINE(name, WEFT_ASYNC_RESULT_INT);                                            \
	enum weft_poll name##__poll(void *frame, struct weft_context *cx)

struct rig_args { /* those of any RIG_TASK */
	struct weft_frame base;
	int result;
	void *p0;
};

static inline struct rig_args rig_args(const struct weft_async *async, void *arg)
{
	struct rig_args args = { { 0, 0 }, 0, arg };

	CHECK_EQ(async->args_size, sizeof args);
	return args;
}

/* runtime NULL: that of the calling task. */
static inline struct weft_task *rig_spawn(
		struct weft_runtime *runtime, const struct weft_async *async, void *arg)
{
	struct rig_args args = rig_args(async, arg);
	struct weft_task *task = weft_task_spawn(runtime, async, &args);

	CHECK(task != NULL);
	return task;
}

static inline void rig_spawn_detached(
		struct weft_runtime *runtime, const struct weft_async *async, void *arg)
{
	struct rig_args args = rig_args(async, arg);

	CHECK_EQ(weft_task_spawn_detached(runtime, async, &args), 0);
}

static inline int rig_run(struct weft_runtime *runtime, const struct weft_async *async, void *arg)
{
	struct rig_args args = rig_args(async, arg);
	int result = -1;

	CHECK_EQ(weft_runtime_run(runtime, async, &args, &result), 0);
	return result;
}

static inline int rig_join(struct weft_task *task)
{
	int result = -1;

	CHECK_EQ(weft_task_join_blocking(task, &result), 0);
	return result;
}

static inline struct weft_metrics rig_metrics(const struct weft_runtime *runtime)
{
	struct weft_metrics metrics;

	weft_runtime_metrics(runtime, &metrics);
	return metrics;
}

/* A task is counted until its worker has given back its memory: a moment after its join, elsewhere. */
static inline void rig_wait_all_gone(const struct weft_runtime *runtime)
{
	while (rig_metrics(runtime).tasks_alive)
		sched_yield();
}

/* The worker that polls the calling task. */
static inline unsigned rig_here(void)
{
	return weft__worker_current->index;
}

/* ---- threads ---- */

static inline pthread_t rig_thread(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, arg), 0);
	return thread;
}

static inline void rig_thread_join(pthread_t thread)
{
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* ---- a gate: tasks wait until somebody, anywhere, opens it ---- */

struct rig_gate_wait__frame;

struct rig_gate { /* all zero: closed */
	struct weft__lock lock;
	uint32_t waiting;
	bool open;
	struct rig_gate_wait__frame *first;
};

/* async int rig_gate_wait(gate): 0, or -ECANCELED if it was not open. */
WEFT_ASYNC_1(int, rig_gate_wait, struct rig_gate *);

struct rig_gate_wait__frame {
	struct rig_gate_wait__args args;
	struct rig_gate_wait__frame *next, **link; /* link NULL: not in the list */
	struct weft_waker waker;
};

static inline void rig_gate_unlink(struct rig_gate_wait__frame *f)
{
	*f->link = f->next;
	if (f->next)
		f->next->link = f->link;
	f->link = NULL;
}

static inline void rig_gate_link(struct rig_gate *gate, struct rig_gate_wait__frame *f)
{
	f->next = gate->first;
	f->link = &gate->first;
	if (f->next)
		f->next->link = &f->next;
	gate->first = f;
}

enum weft_poll rig_gate_wait__poll(void *frame, struct weft_context *cx)
{
	struct rig_gate_wait__frame *f = frame;
	struct rig_gate *gate = f->args.p0;
	bool open, pends;

	if (f->args.base.at == 0)
		f->link = NULL;
	weft__lock_acquire(&gate->lock);
	open = gate->open;
	pends = !open && !weft_context_cancelled(cx);
	if (pends) {
		f->waker = *weft_context_waker(cx);
		if (!f->link)
			rig_gate_link(gate, f);
	} else if (f->link) {
		rig_gate_unlink(f);
	}
	weft__lock_release(&gate->lock);
	if (pends) {
		if (f->args.base.at == 0)
			rig_add(&gate->waiting);
		f->args.base.at = 1;
		return WEFT_PENDING;
	}
	weft_return(f, open ? 0 : -ECANCELED);
}

WEFT_ASYNC_DEFINE_LEAF(rig_gate_wait, WEFT_ASYNC_RESULT_INT);

/* Any thread. */
static inline void rig_gate_open(struct rig_gate *gate)
{
	bool more = true;

	while (more) {
		struct weft_waker claimed = { NULL, NULL };

		weft__lock_acquire(&gate->lock);
		/* relaxed: some only look; who waits takes the lock */
		atomic_store_relaxed(&gate->open, true);
		more = gate->first != NULL;
		if (more) {
			claimed = weft_waker_claim(&gate->first->waker);
			rig_gate_unlink(gate->first);
		}
		weft__lock_release(&gate->lock);
		weft_waker_commit(claimed);
	}
}

/* ---- a descriptor to wait for, on the reactor of the worker that opens it ---- */

struct rig_event {
	struct weft__source *source;
	uint32_t generation;
	int fd;
};

static inline void rig_event_open(struct rig_event *event, const struct weft_context *cx)
{
	event->fd = weft__event_create();
	CHECK(event->fd >= 0);
	CHECK_EQ(weft__source_open(&event->source, &event->generation, cx->env->reactor, event->fd),
			0);
}

static inline void rig_event_close(struct rig_event *event)
{
	CHECK_EQ(weft__source_close(event->source, event->generation), 0);
}

/* async int rig_event_wait(event): 0 once it has been signalled. */
WEFT_ASYNC_1(int, rig_event_wait, struct rig_event *);

struct rig_event_wait__frame {
	struct rig_event_wait__args args;
};

enum weft_poll rig_event_wait__poll(void *frame, struct weft_context *cx)
{
	struct rig_event_wait__frame *f = frame;
	struct rig_event *event = f->args.p0;
	bool waiting = f->args.base.at != 0;

	for (;;) {
		struct weft__use use =
				weft__use_make(event->source, event->generation, SOURCE_READ);
		uint64_t value;
		bool empty;

		switch (weft__source_begin(&use, cx, waiting)) {
		case BEGIN_WAIT:
			f->args.base.at = 1;
			return WEFT_PENDING;
		case BEGIN_FAILED:
			weft_return(f, use.error);
		case BEGIN_TRY:
			break;
		}
		waiting = false;
		empty = read(use.fd, &value, sizeof value) < 0;
		weft__source_end(&use, empty ? ATTEMPT_BLOCKED : ATTEMPT_DONE);
		if (!empty)
			weft_return(f, 0);
	}
}

WEFT_ASYNC_DEFINE_LEAF(rig_event_wait, WEFT_ASYNC_RESULT_INT);

#endif
