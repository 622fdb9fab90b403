/* SPDX-License-Identifier: MIT */
/*
 * exec/task.c: the life of a task, as far as both flavours share it.
 *
 *     create ---> start, start_detached ---> (queued, polled: current.c, multi.c) ---> ended
 *        \--> discard                                                                    |
 *                                                           join or detach (join.c) ---> freed
 *
 * Invariants  [I1] `async` is NULL in a slot that holds no started task: the walkers rely on it. Until
 *                  the start, the descriptor waits in `joiner`.
 *             [I2] a task is freed when it has ended, its handle has ended, and refs is 1: no owned
 *                  waker is left. What else points at it are borrowed wakers, and these were withdrawn
 *                  before it ended.
 */
#include <errno.h>
#include <string.h>

#include "base/atomic.h"
#include "exec/home.h"
#include "exec/runtime.h"
#include "exec/turn.h"
#include "os/os.h"

__thread struct weft__worker *weft__worker_current;

/* Spreads threads that are not workers over the guest heaps, in turn: few of them share none. */
static unsigned guest_index(void)
{
	static uint32_t tickets;
	static __thread uint32_t ticket;

	if (WEFT_UNLIKELY(!ticket)) /* relaxed: any order will do; odd, so not 0 */
		ticket = (atomic_fetch_add_relaxed(&tickets, 1u) << 1) + 1;
	return (ticket >> 1) % WEFT__GUESTS;
}

struct weft__guest *weft__guest_lock(struct weft_runtime *runtime)
{
	struct weft__guest *guest = &runtime->guests[guest_index()];

	weft__lock_acquire(&guest->lock);
	return guest;
}

struct weft__guest *weft__visit_begin(struct weft_runtime *runtime)
{
	struct weft__guest *guest = &runtime->guests[guest_index()];

	/* relaxed: what the visitor does next is what lets the runtime go, and carries it */
	atomic_fetch_add_relaxed(&guest->visitors, 1u);
	return guest;
}

void weft__visit_end(struct weft__guest *guest)
{
	atomic_fetch_sub_release(&guest->visitors, 1u); /* the last touch; with wait_for_visitors */
}

__attribute__((noinline)) static struct weft_task *guest_allocate(struct weft_runtime *runtime,
		const struct weft_async *async, size_t frame_bytes)
{
	struct weft__guest *guest;
	struct weft_task *task;

	if (runtime->fork_count != weft__fork_count())
		return NULL; /* the parent's runtime */
	guest = weft__guest_lock(runtime);
	task = weft__heap_allocate(&guest->heap, SLAB_TASK, WEFT__TASK_BYTES + frame_bytes,
			async->frame_align);
	if (task)
		weft__count(&guest->spawned, 1);
	weft__lock_release(&guest->lock);
	return task;
}

/* What a task is before its start. */
static inline void *task_setup(struct weft_task *task, struct weft_runtime *runtime,
		const struct weft_async *async)
{
	WEFT_ASSERT(async->magic == WEFT_ASYNC_MAGIC);
	task->executor = &runtime->executor;
	task->strand.innermost = NULL;
	task->joiner = (uintptr_t)async; /* [I1] */
	/* plain: nobody knows the task yet */
	task->local = 0;
	task->refs = 1;
	task->polls = 0;
	task->generation++;
	atomic_store_relaxed(&task->ended, 0u); /* but for a walker that saw the last tenant */
	((struct weft_frame *)weft__task_frame(task))->at = 0;
	return weft__task_frame(task);
}

__attribute__((noinline)) void *weft__task_create(struct weft_runtime *runtime,
		const struct weft_async *async, size_t frame_bytes)
{
	struct weft__worker *worker = weft__worker_current;
	struct weft_task *task;

	if (!runtime) {
		if (!worker)
			return NULL;
		runtime = worker->runtime;
	}
	/* relaxed: a spawn that races with the shutdown is seen by its walk, or polled cancelled */
	if (WEFT_UNLIKELY(atomic_load_relaxed(&runtime->closing)))
		return NULL;
	if (worker && worker->runtime == runtime) {
		task = weft__heap_allocate(&worker->heap, SLAB_TASK, WEFT__TASK_BYTES + frame_bytes,
				async->frame_align);
		if (task)
			weft__count(&worker->counters.spawned, 1);
	} else {
		task = guest_allocate(runtime, async, frame_bytes);
	}
	return task ? task_setup(task, runtime, async) : NULL;
}

/* From a worker's own tasks, with memory at hand, no call is made. */
static inline void *task_create(struct weft_runtime *runtime, const struct weft_async *async)
{
	struct weft__worker *worker = weft__worker_current;
	struct weft_task *task;

	if (WEFT_UNLIKELY(!worker || (runtime && runtime != worker->runtime)))
		return weft__task_create(runtime, async, async->frame_size);
	runtime = worker->runtime;
	if (WEFT_UNLIKELY(atomic_load_relaxed(&runtime->closing))) /* relaxed, as above */
		return NULL;
	task = weft__heap_take(&worker->heap, SLAB_TASK, WEFT__TASK_BYTES + async->frame_size,
			async->frame_align);
	if (WEFT_UNLIKELY(!task))
		return weft__task_create(runtime, async, async->frame_size);
	weft__count(&worker->counters.spawned, 1);
	return task_setup(task, runtime, async);
}

void *weft_task_create(struct weft_runtime *runtime, const struct weft_async *async)
{
	return task_create(runtime, async);
}

void weft__task_launching_watched(struct weft_runtime *runtime, struct weft_task *task,
		const struct weft_async *async)
{
	if (async->embedded_count)
		weft_async_verify(async);
	if (runtime->options.hooks.task_spawn)
		runtime->options.hooks.task_spawn(runtime->options.hooks.data, weft_task_id(task), async);
}

__attribute__((noinline)) static struct weft_task *task_start_slow(struct weft_task *task, bool detached)
{
	task->executor->flavour->launch(task, detached);
	return task;
}

struct weft_task *weft_task_start(void *frame)
{
	struct weft_task *task = weft__task_of(frame);

	if (WEFT_UNLIKELY(!weft__ct_launch(weft__worker_current, task, false)))
		return task_start_slow(task, false);
	return task;
}

void weft_task_start_detached(void *frame)
{
	struct weft_task *task = weft__task_of(frame);

	if (WEFT_UNLIKELY(!weft__ct_launch(weft__worker_current, task, true)))
		(void)task_start_slow(task, true);
}

/* The slot's memory only; everything else is over. [I2] */
void weft__task_free(struct weft_task *task)
{
	struct weft__worker *worker = weft__worker_current;
	struct weft__guest *guest = NULL;

	if (!worker || worker->env.executor != task->executor)
		guest = weft__visit_begin(weft__runtime_of(task));
	weft__task_unpublish(task); /* [I1] */
	weft__heap_free(worker ? &worker->heap : NULL, task);
	if (guest)
		weft__visit_end(guest);
}

void weft_task_discard(void *frame)
{
	struct weft_task *task = weft__task_of(frame);
	struct weft_runtime *runtime = weft__runtime_of(task);
	struct weft__worker *worker = weft__worker_current;
	struct weft__guest *guest;

	if (worker && worker->runtime == runtime) {
		weft__count(&worker->counters.spawned, (size_t)-1);
	} else {
		guest = weft__guest_lock(runtime);
		weft__count(&guest->spawned, (size_t)-1);
		weft__lock_release(&guest->lock);
	}
	weft__task_free(task);
}

struct weft_task *weft_task_spawn(struct weft_runtime *runtime, const struct weft_async *async,
		const void *args)
{
	void *frame = task_create(runtime, async);

	if (WEFT_UNLIKELY(!frame))
		return NULL;
	memcpy(frame, args, async->args_size);
	((struct weft_frame *)frame)->at = 0;
	return weft_task_start(frame);
}

struct weft_task *weft_task_spawn_local(const struct weft_async *async, const void *args)
{
	void *frame = task_create(NULL, async);

	if (!frame)
		return NULL;
	memcpy(frame, args, async->args_size);
	((struct weft_frame *)frame)->at = 0;
	/* for the multi-thread flavour; the other knows one worker only, and initialises it */
	weft__task_of(frame)->local = weft__worker_current->index + 1;
	return weft_task_start(frame);
}

int weft_task_spawn_detached(struct weft_runtime *runtime, const struct weft_async *async,
		const void *args)
{
	void *frame;

	if (!runtime && !weft__worker_current)
		return -ENXIO;
	if (!runtime)
		runtime = weft__worker_current->runtime;
	frame = task_create(runtime, async);
	if (WEFT_UNLIKELY(!frame)) /* relaxed: tells the two reasons apart */
		return atomic_load_relaxed(&runtime->closing) ? -ESHUTDOWN : -ENOMEM;
	memcpy(frame, args, async->args_size);
	((struct weft_frame *)frame)->at = 0;
	weft_task_start_detached(frame);
	return 0;
}

void weft_task_cancel(struct weft_task *task)
{
	if (task->executor->flavour->cancel(task))
		task->executor->flavour->commit(task);
}

void weft_task_detach(struct weft_task *task)
{
	if (task && !weft__task_is_abandoned(task))
		task->executor->flavour->detach(task);
}

/* An owned waker that wakes nobody. */
struct weft_task *weft_task_ref(struct weft_task *task)
{
	if (task)
		(void)task->executor->flavour->waker.clone(task);
	return task;
}

void weft_task_unref(struct weft_task *task)
{
	if (task)
		task->executor->flavour->waker.drop(task);
}

bool weft_task_is_done(const struct weft_task *task)
{
	return atomic_load_acquire(&task->ended) != 0; /* pairs with weft__task_ended */
}

/* A walker may ask for the id of a slot that is being used again meanwhile. */
__attribute__((no_sanitize("thread"))) uint64_t weft_task_id(const struct weft_task *task)
{
	uint32_t generation = *(const volatile uint32_t *)&task->generation; /* banned: a snapshot */

	return ((uint64_t)generation << 42) ^ ((uint64_t)(uintptr_t)task >> 3);
}

enum weft_poll weft__worker_poll_hooked(
		struct weft__worker *worker, struct weft_task *task, struct weft_context *cx)
{
	struct weft_runtime *runtime = worker->runtime;
	const struct weft_hooks *hooks = &runtime->options.hooks;
	bool watched = runtime->options.flavour == WEFT_CURRENT_THREAD && runtime->monitor;
	enum weft_poll poll;

	if (watched)
		weft__monitor_poll_begins(worker, task);
	if (hooks->before_poll)
		hooks->before_poll(hooks->data, weft_task_id(task), task->async);
	poll = weft__task_poll(task, cx);
	if (hooks->after_poll)
		hooks->after_poll(hooks->data, weft_task_id(task), task->async);
	if (watched)
		weft__monitor_poll_ends(worker);
	return poll;
}

enum { GOES_ON_MAX = 16 }; /* budgets of 128: no clean-up needs so many leaves that fail at once */

void weft__task_goes_on(struct weft__worker *worker, struct weft_task *task)
{
	task->local += WEFT__GOES_ON;
	if (task->local / WEFT__GOES_ON == GOES_ON_MAX)
		weft__report(worker->runtime,
				"task %llx, %s (%s:%u), is being cancelled and goes on: it has spent its "
				"budget %d times since; a loop must end when a leaf gives -ECANCELED",
				(unsigned long long)weft_task_id(task), task->async->name,
				task->async->file, weft__task_line(task, task->async), GOES_ON_MAX);
}

void weft__task_ended_watched(struct weft_runtime *runtime, struct weft_task *task, bool detached)
{
	const struct weft_async *async = task->async;
	const struct weft_hooks *hooks = &runtime->options.hooks;
	int32_t result, none = 0;

	if (hooks->task_end)
		hooks->task_end(hooks->data, weft_task_id(task), async);
	if (!runtime->options.shutdown_on_failure || !detached ||
			!(async->flags & WEFT_ASYNC_RESULT_INT))
		return;
	memcpy(&result, weft__task_result(task, async), sizeof result);
	/* relaxed: read after the shutdown has joined the workers */
	if (result < 0 && atomic_cas_relaxed(&runtime->failure, &none, result))
		weft__cancel_all(runtime, WEFT__CANCEL_TASKS);
}
