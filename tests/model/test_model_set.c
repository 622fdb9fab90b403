/* SPDX-License-Identifier: MIT */
/* A set of futures in every interleaving: children that are woken from threads, by borrowed and by owned
 * wakers, while the task polls, is cancelled, closes the set, and then frees it with all that is around.
 * stream/set.c with a task that has the states of the multi-thread flavour. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_child.h"

#include "stream/set.c" /* NOLINT(bugprone-suspicious-include) */
#undef weft__lock_acquire

#include "test.h"

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

enum { DOORS_MAX = 2, TASK /* the thread that polls: the body */ = 0 };

__thread const struct weft_env *weft__env_current;

/* ---- a door, whose lock is the test's ---- */

static struct door {
	uint32_t lock;
	bool open;
	bool waits;
	bool clones;
	struct weft_waker waker;
} doors[DOORS_MAX];

static void door_wake(struct door *door, bool open)
{
	struct weft_waker claimed = { NULL, NULL }, owned = { NULL, NULL };

	model_lock(&door->lock);
	door->open |= open;
	if (door->waits) {
		door->waits = false;
		if (door->clones) {
			owned = door->waker;
		} else {
			model_check_alive(door->waker.data);
			claimed = weft_waker_claim(&door->waker);
		}
	}
	model_unlock(&door->lock);
	if (owned.ops)
		weft_waker_wake(owned);
	weft_waker_commit(claimed);
}

static void door_open(void *door)
{
	door_wake(door, true);
}

/* Knocks first. */
static void door_knock_and_open(void *door)
{
	door_wake(door, false);
	door_wake(door, true);
}

/* Passes when all its doors are open. */
struct pass__frame {
	struct weft_frame base;
	int result;
	int first, last;
};

static bool door_look(struct door *door, struct weft_context *cx)
{
	bool leaves = weft_context_cancelled(cx);
	bool open;

	model_lock(&door->lock);
	open = door->open;
	if (door->waits && door->clones)
		weft_waker_drop(door->waker);
	door->waits = !open && !leaves;
	if (door->waits && door->clones)
		door->waker = weft_waker_clone(weft_context_waker(cx));
	else if (door->waits)
		door->waker = *weft_context_waker(cx);
	model_unlock(&door->lock);
	return open;
}

static enum weft_poll pass_poll(void *frame, struct weft_context *cx)
{
	struct pass__frame *f = frame;
	bool all = true;

	for (int i = f->first; i <= f->last; i++)
		all &= door_look(&doors[i], cx);
	f->result = all ? f->last : -ECANCELED;
	return all || weft_context_cancelled(cx) ? WEFT_READY : WEFT_PENDING;
}

static const struct weft_async pass__async = { .magic = WEFT_ASYNC_MAGIC,
	.name = "pass",
	.poll = pass_poll,
	.flags = WEFT_ASYNC_RESULT_INT,
	.frame_size = sizeof(struct pass__frame),
	.args_size = sizeof(struct pass__frame),
	.result_offset = offsetof(struct pass__frame, result),
	.result_size = sizeof(int) };

/* ---- the task, and in its frame the set ---- */

static struct parent {
	struct weft_task header; /* its state only */
	struct weft_set set;
	struct weft_set_child nodes[DOORS_MAX];
	struct pass__frame frames[DOORS_MAX];
	struct weft_set_next__frame next;
	struct weft_set_close__frame close;
} * parent;

static uint32_t owned_wakers; /* atomic */

static struct weft_waker parent_claim(void *data);
static struct weft_waker parent_clone(void *data);

/* It is queued: what the executor would do to it. */
static void parent_commit(void *data)
{
	model_check_alive(data);
	model_unpark(TASK);
}

static void parent_drop(void *data)
{
	model_check_alive(data);
	atomic_fetch_sub_release(&owned_wakers, 1u); /* pairs with leave */
}

static void parent_wake(void *data)
{
	weft_waker_commit(parent_claim(data));
	parent_drop(data);
}

static const struct weft_waker_ops parent_ops = { .clone = parent_clone,
	.wake = parent_wake,
	.drop = parent_drop,
	.claim = parent_claim,
	.commit = parent_commit };

static struct weft_waker parent_clone(void *data)
{
	struct weft_waker waker = { &parent_ops, data };

	atomic_fetch_add_relaxed(&owned_wakers, 1u); /* relaxed: made from one that is alive */
	return waker;
}

static struct weft_waker parent_claim(void *data)
{
	if (mt_wake(data) == MT_PUSH)
		return (struct weft_waker){ &parent_ops, data };
	return (struct weft_waker){ NULL, NULL };
}

static void add(int index, int first, int last)
{
	parent->frames[index] = (struct pass__frame){ .first = first, .last = last };
	weft_set_add(&parent->set, &parent->nodes[index], &pass__async, &parent->frames[index]);
}

static void begin(void (*knock)(void *), bool clones)
{
	memset(doors, 0, sizeof doors);
	owned_wakers = 0;
	model_init(&owned_wakers);
	model_init(&doors);
	parent = model_malloc(sizeof *parent);
	memset(parent, 0, sizeof *parent);
	mt_init(&parent->header);
	for (int i = 0; i < DOORS_MAX; i++) {
		doors[i].clones = clones;
		model_thread(knock, &doors[i]);
	}
}

/* Polls until it is READY; cancelled from the given poll on. */
static void await(enum weft_poll (*poll)(void *, struct weft_context *), void *frame, int cancelled)
{
	struct weft_waker waker = { &parent_ops, parent };

	for (int polls = 0;; polls++) {
		struct weft_context cx = weft_context_make(waker, &parent->header.strand);
		enum weft_poll outcome;

		(void)mt_start(&parent->header);
		cx.cancelled = polls >= cancelled;
		outcome = poll(frame, &cx);
		if (outcome == WEFT_READY || cx.self_woken || polls + 1 == cancelled) {
			mt_yield(&parent->header);
			if (outcome == WEFT_READY)
				return;
			continue;
		}
		if (mt_suspend(&parent->header) == MT_NOTHING)
			model_park();
	}
}

enum { NEVER = 100 };

static int next(int cancelled)
{
	weft_set_next__init(&parent->next.args, &parent->set, NULL);
	await(weft_set_next__poll, &parent->next, cancelled);
	return parent->next.args.result;
}

static void leave(void)
{
	weft_set_close__init(&parent->close.args, &parent->set);
	await(weft_set_close__poll, &parent->close, NEVER);
	while (atomic_load_acquire(&owned_wakers)) /* pairs with parent_drop */
		atomic_pause();
	(void)mt_start(&parent->header);
	mt_done(&parent->header);
	model_free(parent);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

static void gives_back_both(void)
{
	begin(door_open, false);
	add(0, 0, 0);
	add(1, 1, 1);
	MODEL_CHECK(next(NEVER) == 0);
	MODEL_CHECK(next(NEVER) == 0);
	MODEL_CHECK(next(NEVER) == -ECHILD);
	leave();
}

static void is_woken_for_nothing(void)
{
	begin(door_knock_and_open, false);
	add(0, 0, 0);
	MODEL_CHECK(next(NEVER) == 0);
	leave();
}

/* Both wake one child, perhaps while it is polled. */
static void child_with_two_doors(void)
{
	begin(door_open, false);
	add(0, 0, 1);
	MODEL_CHECK(next(NEVER) == 0);
	leave();
}

/* Cancelled when it is waiting: whoever wakes then finds nobody, and the child is not lost. */
static void next_is_cancelled(void)
{
	int result;

	begin(door_open, false);
	add(0, 0, 1);
	result = next(1);
	MODEL_CHECK(result == -ECANCELED || result == 0);
	if (result != 0)
		MODEL_CHECK(next(NEVER) == 0);
	MODEL_CHECK(parent->frames[0].result == 1);
	leave();
}

static void is_closed_meanwhile(void)
{
	begin(door_open, false);
	add(0, 0, 0);
	add(1, 1, 1);
	(void)next(1);
	leave();
}

static void has_owned_wakers(void)
{
	begin(door_open, true);
	add(0, 0, 0);
	add(1, 1, 1);
	MODEL_CHECK(next(NEVER) == 0);
	MODEL_CHECK(next(NEVER) == 0);
	leave();
}

static void (*const bodies[])(void) = { gives_back_both, is_woken_for_nothing, child_with_two_doors,
	next_is_cancelled, is_closed_meanwhile, has_owned_wakers };

TEST(set_loses_no_wake_of_its_children)
{
	PASSES(gives_back_both, 0);
	PASSES(is_woken_for_nothing, 0);
	PASSES(child_with_two_doors, 0);
}

TEST(set_is_left_by_who_is_cancelled)
{
	PASSES(next_is_cancelled, 0);
	PASSES(is_closed_meanwhile, 0);
}

TEST(set_loses_no_wake_by_an_owned_waker)
{
	PASSES(has_owned_wakers, 0);
}

TEST(set_needs_the_orders_of_its_lock)
{
	weaken_each("base/lock.h", bodies, COUNT(bodies), NULL, 0);
}
