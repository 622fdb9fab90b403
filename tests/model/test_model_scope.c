/* SPDX-License-Identifier: MIT */
/* A scope in every interleaving: children that end, fail, are cancelled and start others, while their
 * parent closes it, or takes their results from a join set, and then frees it with all that is around.
 * exec/scope.c with tasks that have the states of the multi-thread flavour; a worker is a thread that
 * polls one task. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#include "core/task_mt.h"
#include "exec/scope.c"

#include "exec/join_set.c"
#include "test.h"

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

enum { PARENT, CHILDREN_MAX = 2 }; /* threads: the body polls the parent, thread i the i-th child */

__thread struct weft__worker *weft__worker_current;

void weft__lock_contended(struct weft__lock *lock)
{
	model_lock(&lock->held);
}

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

void weft_frame_misuse(const struct weft_frame *frame)
{
	(void)frame;
	model_fail("frame misused", __FILE__, __LINE__);
}

/* ---- what there is: a parent with a scope, and children ------------------------------------------- */

struct child__frame {
	struct weft_frame base;
	int result;
	uint32_t *done; /* in the parent's frame */
};

static const struct weft_async child__async = { .magic = WEFT_ASYNC_MAGIC,
	.name = "child",
	.flags = WEFT_ASYNC_RESULT_INT,
	.frame_size = sizeof(struct child__frame),
	.args_size = sizeof(struct child__frame),
	.result_offset = offsetof(struct child__frame, result),
	.result_size = sizeof(int) };

static struct parent {
	struct weft_task header; /* its state only */
	struct weft_scope scope;
	struct weft_join_set set;
	struct weft_scope_close__frame close;
	struct weft_join_set_next__frame next;
	uint32_t done[CHILDREN_MAX]; /* plain: each child writes its own */
} * parent;

static struct weft_task *children[CHILDREN_MAX]; /* the i-th is polled by thread i + 1 */
static uint32_t child_count;                     /* atomic */
static bool patient;                             /* children wait until they are cancelled */
static bool prolific;                            /* the first child starts the second */
static bool hasty;                               /* the second does not wait */
static bool kept;                                /* children are in the join set */
static bool loose;                               /* they know nothing of the parent */
static uint32_t loose_done[CHILDREN_MAX];
static struct weft_runtime runtime;

struct weft_runtime *weft_runtime_current(void)
{
	return &runtime;
}

void *weft__task_create(
		struct weft_runtime *unused, const struct weft_async *async, size_t frame_bytes)
{
	struct weft_task *task = model_malloc(WEFT__TASK_BYTES + frame_bytes);

	(void)unused;
	*task = (struct weft_task){ .executor = &runtime.executor, .joiner = (uintptr_t)async };
	return weft__task_frame(task);
}

/* ---- the flavour ---------------------------------------------------------------------------------- */

static void child_prepare(struct weft_task *task, uintptr_t joiner)
{
	const struct weft_async *async = (const struct weft_async *)task->joiner;

	task->joiner = joiner;
	mt_init(task);
	weft__task_publish(task, async);
}

/* A worker is given its child once, and told when it is queued again. */
static void child_push(struct weft_task *task)
{
	for (int i = 0; i < CHILDREN_MAX; i++)
		if (children[i] == task) {
			model_unpark(i + 1);
			return;
		}
	children[atomic_fetch_add_relaxed(&child_count, 1u)] = task; /* relaxed: one at a time */
	model_unpark((int)atomic_load_relaxed(&child_count));
}

static bool child_cancel(struct weft_task *task)
{
	return mt_cancel(task) == MT_PUSH;
}

static bool child_collect(struct weft_task *task, void *result)
{
	/* pairs with weft__join_set_keep */
	if (atomic_load_acquire(&task->joiner) != JOIN_DONE)
		return false;
	if (result)
		*(int *)result = ((struct child__frame *)weft__task_frame(task))->result;
	model_free(task);
	return true;
}

static const struct weft__flavour flavour = { .prepare = child_prepare,
	.push = child_push,
	.commit = child_push,
	.cancel = child_cancel,
	.collect = child_collect };

uint64_t weft_task_id(const struct weft_task *task)
{
	return (uintptr_t)task;
}

static void spawn(int index)
{
	struct child__frame frame = { .result = index ? -EILSEQ : 0,
		.done = loose ? &loose_done[index] : &parent->done[index] };

	MODEL_CHECK(weft_scope_spawn(kept ? &parent->set.tasks : &parent->scope, &child__async,
				    &frame) == 0);
}

/* ---- a child: one poll, or one more when it is cancelled ------------------------------------------- */

static void child_run(void *index)
{
	struct child__frame *frame;
	struct weft_scope *scope;
	struct weft_task *task;
	bool cancelled;

	model_park();
	task = children[*(const int *)index];
	frame = weft__task_frame(task);
	for (;;) {
		cancelled = mt_start(task);
		if (cancelled || !patient || (hasty && *(const int *)index == 1))
			break;
		if (mt_suspend(task) == MT_NOTHING)
			model_park();
	}
	if (prolific && *(const int *)index == 0)
		spawn(1);
	if (cancelled)
		frame->result = -ECANCELED;
	model_plain_write(frame->done, 1u);
	mt_done(task);
	scope = weft__scope_of_ending(task);
	if (!scope || !weft__scope_leave(scope, task))
		model_free(task);
}

static const int indices[CHILDREN_MAX] = { 0, 1 };

/* ---- the parent ------------------------------------------------------------------------------------ */

static struct weft_waker parent_claim(void *data);

/* It is queued: what the executor would do to it. */
static void parent_commit(void *data)
{
	model_check_alive(data);
	model_unpark(PARENT);
}

static const struct weft_waker_ops parent_ops = { .claim = parent_claim, .commit = parent_commit };

static struct weft_waker parent_claim(void *data)
{
	if (mt_wake(data) == MT_PUSH)
		return (struct weft_waker){ &parent_ops, data };
	return (struct weft_waker){ NULL, NULL };
}

static void begin(void)
{
	memset(children, 0, sizeof children);
	child_count = 0;
	model_init(&child_count);
	patient = prolific = hasty = kept = loose = false;
	runtime.executor.flavour = &flavour;
	parent = model_malloc(sizeof *parent);
	*parent = (struct parent){ .scope = WEFT_SCOPE_INIT, .set = WEFT_JOIN_SET_INIT };
	mt_init(&parent->header);
	for (int i = 0; i < CHILDREN_MAX; i++)
		model_thread(child_run, (void *)(uintptr_t)&indices[i]);
}

static enum weft_poll parent_poll(const struct weft_async *async, void *frame, bool cancelled)
{
	struct weft_waker waker = { &parent_ops, parent };
	struct weft_context cx = weft_context_make(waker, &parent->header.strand);

	cx.cancelled = cancelled;
	return async->poll(frame, &cx);
}

/* Polls until it is ready; with so many polls that nobody asked for before it waits. */
static void await(const struct weft_async *async, void *frame, int spurious, bool cancelled)
{
	for (;;) {
		(void)mt_start(&parent->header);
		if (parent_poll(async, frame, cancelled) == WEFT_READY)
			break;
		if (spurious-- > 0) {
			mt_yield(&parent->header);
			continue;
		}
		if (mt_suspend(&parent->header) == MT_NOTHING)
			model_park();
	}
	mt_yield(&parent->header); /* for the next */
}

static void close_scope(int spurious, bool cancelled, int count)
{
	weft_scope_close__init(&parent->close.args, &parent->scope);
	await(&weft_scope_close__async, &parent->close, spurious, cancelled);
	for (int i = 0; i < count; i++)
		MODEL_CHECK(model_plain_read(&parent->done[i]) == 1);
}

static void leave(void)
{
	mt_done(&parent->header);
	model_free(parent);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

static void closes(void)
{
	begin();
	spawn(0);
	spawn(1);
	close_scope(0, false, 2);
	MODEL_CHECK(parent->close.args.result == -EILSEQ);
	leave();
}

static void closes_in_a_hurry(void)
{
	begin();
	spawn(0);
	spawn(1);
	close_scope(1, false, 2);
	leave();
}

static void closes_what_grows(void)
{
	begin();
	prolific = true;
	spawn(0);
	close_scope(0, false, 2);
	MODEL_CHECK(parent->close.args.result == -EILSEQ);
	leave();
}

static void is_cancelled(void)
{
	begin();
	patient = true;
	spawn(0);
	spawn(1);
	close_scope(0, true, 2);
	MODEL_CHECK(parent->close.args.result == -ECANCELED);
	leave();
}

/* The second child is in the list before it is cancelled, or starts cancelled: it waits otherwise. */
static void is_cancelled_while_it_grows(void)
{
	begin();
	patient = prolific = true;
	spawn(0);
	close_scope(0, true, 2);
	leave();
}

/* Children that end by themselves meanwhile. */
static void is_cancelled_too_late(void)
{
	begin();
	spawn(0);
	spawn(1);
	close_scope(0, true, 2);
	leave();
}

/* The second fails, the first waits to be cancelled. */
static void is_cancelled_by_an_error(void)
{
	begin();
	patient = hasty = true;
	spawn(0);
	spawn(1);
	close_scope(0, false, 2);
	MODEL_CHECK(parent->close.args.result == -EILSEQ);
	leave();
}

/* ---- a join set ---- */

static int take_next(int spurious)
{
	int result = 1;

	weft_join_set_next__init(&parent->next.args, &parent->set, &result, NULL);
	await(&weft_join_set_next__async, &parent->next, spurious, false);
	MODEL_CHECK(parent->next.args.result == 0);
	MODEL_CHECK(result == 0 || result == -EILSEQ);
	MODEL_CHECK(model_plain_read(&parent->done[result ? 1 : 0]) == 1);
	return result;
}

static void takes_both(void)
{
	begin();
	kept = true;
	spawn(0);
	spawn(1);
	MODEL_CHECK(take_next(1) + take_next(0) == -EILSEQ);
	MODEL_CHECK(weft_join_set_try_next(&parent->set, NULL, NULL) == -ECHILD);
	leave();
}

/* The first is cancelled; what is left is dropped. */
static void closes_the_set(void)
{
	struct weft_join_set_close__frame close;

	begin();
	kept = patient = hasty = true;
	spawn(0);
	spawn(1);
	weft_join_set_close__init(&close.args, &parent->set);
	await(&weft_join_set_close__async, &close, 0, false);
	MODEL_CHECK(close.args.result == -EILSEQ);
	MODEL_CHECK(weft_join_set_count(&parent->set) == 0);
	MODEL_CHECK(model_plain_read(&parent->done[0]) == 1 &&
			model_plain_read(&parent->done[1]) == 1);
	leave();
}

/* Children that are let go of as they end: each leaves the set or is in none, once. */
static void detaches_all(void)
{
	struct weft_join_set_close__frame close;

	begin();
	kept = loose = true;
	memset(loose_done, 0, sizeof loose_done);
	spawn(0);
	spawn(1);
	weft_join_set_detach_all(&parent->set);
	weft_join_set_close__init(&close.args, &parent->set);
	await(&weft_join_set_close__async, &close, 0, false);
	MODEL_CHECK(weft_join_set_count(&parent->set) == 0);
	leave();
	MODEL_CHECK(model_plain_read(&loose_done[0]) == 1 && model_plain_read(&loose_done[1]) == 1);
}

static void (*const bodies[])(void) = { closes, closes_in_a_hurry, closes_what_grows, is_cancelled,
	is_cancelled_while_it_grows, is_cancelled_too_late, is_cancelled_by_an_error };

static void check_passes(const char *name, void (*body)(void))
{
	CHECK_EQ(model_explore(name, body, (struct model_options){ 0 }).verdict, MODEL_PASSED);
}

TEST(scope_is_left_after_its_children)
{
	check_passes("closes", closes);
	check_passes("closes in a hurry", closes_in_a_hurry);
}

TEST(scope_is_left_after_the_children_of_its_children)
{
	check_passes("closes what grows", closes_what_grows);
}

TEST(scope_that_is_cancelled_reaches_every_child)
{
	check_passes("is cancelled", is_cancelled);
	check_passes("is cancelled while it grows", is_cancelled_while_it_grows);
	check_passes("is cancelled too late", is_cancelled_too_late);
}

TEST(b33_error_cancels_the_siblings)
{
	check_passes("is cancelled by an error", is_cancelled_by_an_error);
}

TEST(b32_join_set_gives_every_result)
{
	check_passes("takes both", takes_both);
	check_passes("closes the set", closes_the_set);
}

TEST(b32_join_set_lets_go_of_children_that_end)
{
	check_passes("detaches all", detaches_all);
}

TEST(scope_needs_the_orders_of_its_lock)
{
	weaken_each("base/lock.h", bodies, COUNT(bodies), NULL, 0);
}

TEST(detaching_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { detaches_all };

	weaken_each("exec/scope.h", worlds, COUNT(worlds), NULL, 0);
}
