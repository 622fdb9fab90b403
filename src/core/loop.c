/* SPDX-License-Identifier: MIT */
/*
 * core/loop.c: the bare executor. Read it after poll.h: this is all that an executor has to do.
 *
 * Why         Firmware, other people's event loops and tests have neither threads nor malloc.
 * How         There is one list, the inbox: a stack that anybody pushes to and the home takes
 *             whole. What it takes, oldest first, is a round; whatever is woken meanwhile, by
 *             interrupts, by other tasks or by itself, is in the next one.
 *
 *                 spawn, wake --push--> inbox --take, reverse--> a round --receive--> poll
 *                                         ^                                            |
 *                                         +------------- push, if self-woken ----------+
 *
 *             WOKEN in task->state (core/task_ct.h) is set from the first wake until just before
 *             the poll, thus all the time that the task is in the inbox or in the round.
 * Invariants  [I1] a task is in one list at most, so one link is enough: only who set WOKEN pushes.
 *             [I2] refs is 1 for the life of the task, and 1 for each owned waker; storage without
 *                  refs and requests is free. Zeroed storage is.
 *             [I3] each task is polled once a round: nobody can starve another.
 * Order       [O1] release in loop_push pairs with acquire in weft_loop_run_once: the home sees
 *                  the links.
 *             [O2] release in loop_drop pairs with acquire in storage_is_free: whoever held a waker
 *                  has pushed the task, if it ever will, and is through with it.
 * Cost        a wake and its poll: four atomic operations, no system call.
 * Not here    timers and sockets: a leaf that needs them gives -ENXIO. Frames of their own are
 *             spare blocks of one size. An executor that is fast on its home thread:
 *             exec/current.c.
 */
#include <weft/loop.h>

#include "base/atomic.h"
#include "base/check.h"
#include "core/env.h"
#include "core/task_ct.h"

struct weft_loop_task {
	struct weft_task task; /* its joiner word: the loop */
};

enum { LOOP_ALIGN = 16 };

_Static_assert(WEFT__TASK_BYTES <= WEFT_LOOP_TASK_BYTES, "WEFT_LOOP_TASK has room for the header");

/* --- wakers, on any thread ------------------------------------------------------------------- */

static const struct weft_waker_ops loop_waker_ops;

static void loop_push(void *data)
{
	struct weft_task *task = data;
	/* read before the push, after which the home may end the task at once */
	struct weft_loop *loop = (struct weft_loop *)task->joiner;
	struct weft_task *head = atomic_load_relaxed(&loop->inbox); /* relaxed: a guess */

	do
		task->next = head;
	while (!atomic_cas_release(&loop->inbox, &head, task)); /* [O1] pairs with run_once */
	if (!head && loop->on_wake)
		loop->on_wake(loop);
}

static void loop_request(struct weft_task *task, uint32_t asked)
{
	if (ct_request(task, asked) == CT_PUSH) /* [I1] */
		loop_push(task);
}

static struct weft_waker loop_clone(void *data)
{
	struct weft_task *task = data;

	atomic_fetch_add_relaxed(&task->refs, 1u); /* relaxed: the caller has one, so it is not 0 */
	return (struct weft_waker){ &loop_waker_ops, task };
}

static void loop_wake_by_ref(void *data)
{
	loop_request(data, 0);
}

static void loop_drop(void *data)
{
	struct weft_task *task = data;

	atomic_fetch_sub_release(&task->refs, 1u); /* [O2] pairs with storage_is_free */
}

static void loop_wake(void *data)
{
	loop_wake_by_ref(data);
	loop_drop(data);
}

static struct weft_waker loop_claim(void *data)
{
	bool push = ct_request(data, 0) == CT_PUSH; /* [I1] */

	return push ? (struct weft_waker){ &loop_waker_ops, data }
		    : (struct weft_waker){ NULL, NULL };
}

static const struct weft_waker_ops loop_waker_ops = { loop_clone, loop_wake, loop_wake_by_ref,
	loop_drop, loop_claim, loop_push };

void weft_loop_cancel(struct weft_loop_task *task)
{
	loop_request(&task->task, CT_ASK_CANCEL);
}

/* --- frames of their own --------------------------------------------------------------------- */

struct loop_env {
	struct weft_env env;
	struct weft_loop *loop;
};

static struct weft_loop *env_loop(const struct weft_env *env)
{
	return WEFT_CONTAINER_OF(env, const struct loop_env, env)->loop;
}

static void *loop_allocate(const struct weft_env *env, size_t bytes, size_t align)
{
	struct weft_loop *loop = env_loop(env);
	void **spare = loop->spare_frames; /* each begins with a pointer to the next */

	if (!spare || bytes > loop->spare_bytes || align > LOOP_ALIGN)
		return NULL;
	loop->spare_frames = *spare;
	return spare;
}

static void loop_release(const struct weft_env *env, void *memory, size_t bytes, size_t align)
{
	struct weft_loop *loop = env_loop(env);

	WEFT_ASSERT(bytes <= loop->spare_bytes && align <= LOOP_ALIGN);
	*(void **)memory = loop->spare_frames;
	loop->spare_frames = memory;
}

void weft_loop_lend_frames(struct weft_loop *loop, void *frames, size_t count, size_t bytes_each)
{
	struct loop_env env = { .loop = loop };

	WEFT_ASSERT(((uintptr_t)frames | bytes_each) % LOOP_ALIGN == 0);
	WEFT_ASSERT(loop->spare_bytes == 0 || loop->spare_bytes == bytes_each);
	loop->spare_bytes = bytes_each;
	while (count-- > 0)
		loop_release(&env.env, (char *)frames + count * bytes_each, bytes_each, LOOP_ALIGN);
}

/* --- the home -------------------------------------------------------------------------------- */

static bool storage_is_free(const struct weft_task *task)
{
	return atomic_load_acquire(&task->refs) == 0 && !ct_requested(task); /* [I2] [O2] */
}

struct weft_loop_task *weft_loop_spawn(struct weft_loop *loop, void *storage, size_t storage_bytes,
		const struct weft_async *async, const void *args)
{
	struct weft_loop_task *self = storage;
	struct weft_task *task = &self->task;

	weft_async_verify(async);
	WEFT_ASSERT(async->frame_align <= LOOP_ALIGN);
	WEFT_ASSERT((uintptr_t)storage % LOOP_ALIGN == 0);
	if (storage_bytes < WEFT__TASK_BYTES + async->frame_size || !storage_is_free(task))
		return NULL;
	ct_init(task, false);
	task->async = async;
	task->joiner = (uintptr_t)loop;
	task->strand.innermost = NULL;
	atomic_store_relaxed(&task->refs, 1u); /* relaxed: nobody else knows the task yet */
	__builtin_memcpy(weft__task_frame(task), args, async->args_size);
	((struct weft_frame *)weft__task_frame(task))->at = 0;
	loop->alive++;
	loop_wake_by_ref(task);
	return self;
}

static void loop_poll(struct weft_loop *loop, struct weft_task *task, const struct weft_env *env)
{
	struct weft_waker waker = { &loop_waker_ops, task };
	struct weft_context cx = weft_context_make(waker, &task->strand);
	uint32_t asked = ct_receive(task); /* from here on a wake queues it for the next round */

	if (task->local & CT_DONE)
		return; /* an owned waker was late */
	if (asked & CT_ASK_CANCEL)
		task->local |= CT_CANCELLED;
	ct_wake(task);
	cx.cancelled = ct_start(task);
	cx.env = env;
	if (weft__task_poll(task, &cx) == WEFT_READY) {
		ct_done(task);
		loop->alive--;
		loop_drop(task);
		return;
	}
	WEFT_CHECK(cx.waker_taken || cx.self_woken); /* else nobody can ever wake it */
	if (ct_suspend(task, cx.self_woken) == CT_PUSH)
		loop_wake_by_ref(task);
}

size_t weft_loop_run_once(struct weft_loop *loop)
{
	struct loop_env env = { { .allocate = loop_allocate, .release = loop_release }, loop };
	struct weft_task *taken = atomic_exchange_acquire(&loop->inbox, NULL); /* [O1] loop_push */
	struct weft_task *task = weft__task_list_reverse(taken), *later;

	for (; task; task = later) { /* [I3] */
		/* once the task is received, the link is its next waker's */
		later = task->next;
		loop_poll(loop, task, &env.env);
	}
	return loop->alive;
}

size_t weft_loop_run_until_stalled(struct weft_loop *loop)
{
	while (weft_loop_has_work(loop))
		weft_loop_run_once(loop);
	return loop->alive;
}

bool weft_loop_has_work(const struct weft_loop *loop)
{
	/* relaxed: whoever pushes to an inbox that is empty here tells on_wake so */
	return atomic_load_relaxed(&loop->inbox) != NULL;
}

const void *weft_loop_result(const struct weft_loop_task *task)
{
	if (!(task->task.local & CT_DONE))
		return NULL;
	return weft__task_result((struct weft_task *)(uintptr_t)&task->task, task->task.async);
}
