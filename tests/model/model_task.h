/* SPDX-License-Identifier: MIT */
/*
 * model/model_task.h: a leaf that is awaited by a task, which has the states of the multi-thread flavour and
 * is polled by the thread that awaits.
 *
 *     struct weft_mutex_lock__frame lock;
 *
 *     weft_mutex_lock__init(&lock.args, mutex);
 *     outcome = model_task_await(&lock, sizeof lock, &weft_mutex_lock__async, MODEL_TASK_STAYS);
 *
 * The frame is copied into memory that is freed when the leaf is READY: whoever wakes it later is found.
 */
#ifndef WEFT_MODEL_MODEL_TASK_H
#define WEFT_MODEL_MODEL_TASK_H

#include <string.h>

#include <weft/frame.h>

#include "model/model.h"

#include "core/task_mt.h"

enum model_task_patience {
	MODEL_TASK_STAYS,
	MODEL_TASK_LOOKS_AGAIN, /* polls once more without having been woken */
	MODEL_TASK_GIVES_UP     /* the same, cancelled */
};

struct model_task {
	struct weft_task task;
	int thread;
	uint64_t frame[24];
};

static struct weft_waker model_task_claim(void *data);

static void model_task_commit(void *data)
{
	struct model_task *task = data;

	model_check_alive(task);
	model_unpark(task->thread);
}

static const struct weft_waker_ops model_task_ops = { .claim = model_task_claim,
	.commit = model_task_commit };

static struct weft_waker model_task_claim(void *data)
{
	struct model_task *task = data;
	struct weft_waker waker = { &model_task_ops, task }, nothing = { NULL, NULL };

	model_check_alive(task);
	return mt_wake(&task->task) == MT_PUSH ? waker : nothing;
}

/* What weftcc tries before it makes a frame: whether `function` ends at once, with 0. */
#define MODEL_TASK_NOW(function, ...)                                                              \
	__extension__({                                                                            \
		struct weft_context now_cx =                                                       \
				weft_context_make((struct weft_waker){ NULL, NULL }, NULL);        \
		int now_result = -1;                                                               \
		bool now_ended = function##__now(&now_cx, &now_result, __VA_ARGS__);               \
                                                                                                   \
		MODEL_CHECK(!now_ended || (now_result == 0 && now_cx.budget == WEFT_BUDGET - 1));  \
		now_ended;                                                                         \
	})

/* Whether the leaf may ask to be polled again, at once. */
static bool model_task_may_yield __attribute__((unused));

/* What its context carries. */
static const struct weft_env *model_task_env __attribute__((unused));

/* Returns the result, an int. */
static inline int model_task_await(const void *frame, size_t size, const struct weft_async *async,
		enum model_task_patience patience)
{
	struct model_task *task = model_malloc(sizeof *task);
	struct weft_waker waker = { &model_task_ops, task };
	int result;

	MODEL_CHECK(size <= sizeof task->frame);
	memcpy(task->frame, frame, size);
	task->thread = model_self();
	mt_init(&task->task);
	for (int polls = 0;; polls++) {
		struct weft_context cx = weft_context_make(waker, NULL);

		(void)mt_start(&task->task);
		cx.env = model_task_env;
		cx.cancelled = polls && patience == MODEL_TASK_GIVES_UP;
		if (async->poll(task->frame, &cx) == WEFT_READY)
			break;
		MODEL_CHECK(!cx.self_woken || model_task_may_yield);
		if (cx.self_woken || (polls == 0 && patience != MODEL_TASK_STAYS))
			mt_yield(&task->task);
		else if (mt_suspend(&task->task) != MT_PUSH)
			model_park();
	}
	mt_done(&task->task);
	memcpy(&result, (char *)task->frame + async->result_offset, sizeof result);
	model_free(task);
	return result;
}

#endif
