/* SPDX-License-Identifier: MIT */
/*
 * weft/task.h: futures that run on their own account.
 *
 *     struct greet__args args;
 *     struct weft_task *task;
 *
 *     greet__init(&args, 3);
 *     task = weft_task_spawn(NULL, &greet__async, &args);      // NULL: no memory, or shutting down
 *     ...
 *     weft_await(f, f->join, weft_task_join, task, &result);   // in an async function, or
 *     err = weft_task_join_blocking(task, &result);            // in a plain thread
 *
 * A handle is ended exactly once: by a join that gives 0 (or -ESHUTDOWN), or by weft_task_detach.
 * Forgetting a handle leaks the task's memory, not the program's progress.
 *
 * Memory:  a task is one allocation, made by create or spawn and given back when it has ended and its
 *          handle is ended too. Arguments are copied into it.
 * Threads: every function may be called from any thread, also outside the runtime.
 * Errors:  0 or a negative errno.
 *
 * Tokio's spawn, JoinHandle and AbortHandle (here weft_task_ref) are the model; cancelling here unwinds
 * the function instead of dropping it, and a handle is never dropped silently.
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <weft/frame.h>

WEFT_BEGIN_DECLS

struct weft_runtime;
struct weft_task;

/* Makes a task that has not started and returns its frame, whose arguments the caller fills in
 * (async's f__init); then start, start_detached or discard it. runtime NULL: the one that runs the
 * calling task. NULL: no memory, no runtime here, or the runtime is shutting down. */
WEFT_NODISCARD void *weft_task_create(struct weft_runtime *runtime, const struct weft_async *async);

/* Queues a created task. start returns a handle that is yours to join or detach. */
WEFT_NODISCARD struct weft_task *weft_task_start(void *frame);
void weft_task_start_detached(void *frame);

/* Frees a created task that was never started; what its arguments own stays the caller's. */
void weft_task_discard(void *frame);

/* create, copy the arguments, start. NULL as weft_task_create: the arguments are still yours. */
WEFT_NODISCARD struct weft_task *weft_task_spawn(
		struct weft_runtime *runtime, const struct weft_async *async, const void *args);

/* As weft_task_spawn without a handle. Returns 0, -ENOMEM, -ENXIO (no runtime here) or -ESHUTDOWN;
 * on failure the arguments are still yours. */
WEFT_NODISCARD int weft_task_spawn_detached(
		struct weft_runtime *runtime, const struct weft_async *async, const void *args);

/* A task that is always polled by the thread that polls the caller, for what belongs to a thread: its
 * worker (it is never stolen, so it waits while that worker is in a poll or in weft_block_in_place); on
 * a current-thread runtime, whoever drives, as with weft_task_spawn. The task may be joined, cancelled
 * and woken from anywhere. NULL: no memory, shutting down, or this thread polls no task of a runtime;
 * the arguments are still yours. */
WEFT_NODISCARD struct weft_task *weft_task_spawn_local(
		const struct weft_async *async, const void *args);

/* Asks the task to end: its pending leaf, and every later one, gives -ECANCELED, and the function
 * unwinds through its own error paths. A task that has not been polled yet still starts, so that what
 * it was given is released. Idempotent; the handle stays yours; nothing happens after the task's end. */
void weft_task_cancel(struct weft_task *task);

/* Ends the handle; the task goes on by itself. NULL is a no-op. */
void weft_task_detach(struct weft_task *task);

/* For who may cancel the task but does not join it: what ref returns, the same pointer, is good for
 * weft_task_cancel, weft_task_is_done and weft_task_id until unref, also when the handle has ended, and
 * the task. It keeps the task's memory, and that of a destroyed runtime. By who has the handle, or such a
 * reference. NULL is a no-op. */
WEFT_NODISCARD struct weft_task *weft_task_ref(struct weft_task *task);
void weft_task_unref(struct weft_task *task);

/* Whether the task has ended, so that a join would not wait. */
bool weft_task_is_done(const struct weft_task *task);

/* Unique within the process while the task lives: slab address and generation. */
uint64_t weft_task_id(const struct weft_task *task);

/* async int weft_task_join(task, result): waits until the task has ended, copies its result to
 * *result (NULL: not wanted) and ends the handle. Gives 0; -ESHUTDOWN if the runtime was destroyed
 * around the task (ends the handle too); -ECANCELED if the join itself was cancelled: the handle is
 * still yours. */
WEFT_ASYNC_2(int, weft_task_join, struct weft_task *, void *);

struct weft_task_join__frame {
	struct weft_task_join__args args;
	struct weft_waker waker; /* private from here on */
};

/* The same from a plain thread, which it blocks. -EDEADLK on a thread that runs the task's runtime. */
WEFT_NODISCARD int weft_task_join_blocking(struct weft_task *task, void *result);

/* async int weft_yield(void): lets the other ready tasks, and the reactor, have a turn.
 * Gives 0, or -ECANCELED. */
WEFT_ASYNC_0(int, weft_yield);

struct weft_yield__frame {
	struct weft_yield__args args;
};

WEFT_END_DECLS

#endif
