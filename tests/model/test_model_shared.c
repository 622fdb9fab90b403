/* SPDX-License-Identifier: MIT */
/* B86: a shared future in every interleaving: tasks that wait for it, one of which polls it, others are
 * cancelled, and a thread that wakes it. Who waits last frees it. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_child.h"

#include "stream/shared.c" /* NOLINT(bugprone-suspicious-include) */
#undef weft__lock_acquire

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

/* ---- the future waits at a door, whose lock is the test's ---- */

static struct door {
	uint32_t lock;
	bool open, waits;
	struct weft_waker waker;
} door;

struct pass__frame {
	struct weft_frame base;
	int result;
	uint32_t polls; /* plain: by one at a time, each after the other */
};

static void open_door(void *unused)
{
	struct weft_waker claimed = { NULL, NULL };

	(void)unused;
	model_lock(&door.lock);
	door.open = true;
	if (door.waits) {
		model_check_alive(door.waker.data);
		claimed = weft_waker_claim(&door.waker);
	}
	door.waits = false;
	model_unlock(&door.lock);
	weft_waker_commit(claimed);
}

static enum weft_poll pass_poll(void *frame, struct weft_context *cx)
{
	struct pass__frame *f = frame;
	bool leaves = weft_context_cancelled(cx), open;

	MODEL_CHECK(f->base.at != WEFT_AT_DONE);
	model_plain_write(&f->polls, model_plain_read(&f->polls) + 1);
	model_lock(&door.lock);
	open = door.open;
	door.waits = !open && !leaves;
	door.waker = *weft_context_waker(cx);
	model_unlock(&door.lock);
	if (!open && !leaves)
		return WEFT_PENDING;
	f->result = open ? 7 : -ECANCELED;
	f->base.at = WEFT_AT_DONE;
	return WEFT_READY;
}

static const struct weft_async pass__async = { .magic = WEFT_ASYNC_MAGIC,
	.name = "pass",
	.poll = pass_poll,
	.flags = WEFT_ASYNC_RESULT_INT,
	.frame_size = sizeof(struct pass__frame),
	.result_offset = offsetof(struct pass__frame, result),
	.result_size = sizeof(int) };

/* ---- who waits: the last to be through frees what they wait for ---- */

static struct world {
	struct weft_shared shared;
	struct pass__frame pass;
} * world;

static uint32_t users; /* atomic */

static void wait_as(enum model_task_patience patience)
{
	struct weft_shared_wait__frame wait;
	int result = 0, outcome;

	weft_shared_wait__init(&wait.args, &world->shared, &result);
	outcome = model_task_await(&wait, sizeof wait, &weft_shared_wait__async, patience);
	if (patience != MODEL_TASK_GIVES_UP)
		MODEL_CHECK(outcome == 0);
	MODEL_CHECK(outcome == -ECANCELED || result == 7 || result == -ECANCELED);
	/* acq_rel: pairs with that of the others */
	if (atomic_fetch_sub_acq_rel(&users, 1u) == 1) {
		MODEL_CHECK(world->shared.waiting == 0);
		MODEL_CHECK(world->pass.base.at == WEFT_AT_DONE);
		model_free(world);
	}
}

static void stays(void *unused)
{
	(void)unused;
	wait_as(MODEL_TASK_STAYS);
}

static void looks_again(void *unused)
{
	(void)unused;
	wait_as(MODEL_TASK_LOOKS_AGAIN);
}

static void gives_up(void *unused)
{
	(void)unused;
	wait_as(MODEL_TASK_GIVES_UP);
}

static void run(void (*one)(void *), void (*other)(void *))
{
	model_task_may_yield = true;
	memset(&door, 0, sizeof door);
	model_init(&door);
	users = 2;
	model_init(&users);
	world = model_malloc(sizeof *world);
	memset(world, 0, sizeof *world);
	weft_shared_init(&world->shared, &pass__async, &world->pass);
	model_thread(one, NULL);
	model_thread(other, NULL);
	model_thread(open_door, NULL);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

#define WORLD(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		run(__VA_ARGS__);                                                                  \
	}
WORLD(two_stay, stays, stays)
WORLD(one_looks_again, looks_again, stays)
WORLD(one_gives_up, gives_up, stays)
WORLD(both_give_up, gives_up, gives_up)

TEST(b86_shared_future_is_not_lost)
{
	PASSES(two_stay, 0);
	PASSES(one_looks_again, 0);
}

TEST(b86_shared_future_is_handed_on)
{
	PASSES(one_gives_up, 0);
	PASSES(both_give_up, 0);
}

TEST(b86_shared_future_needs_the_orders_of_its_lock)
{
	static void (*const worlds[])(void) = { two_stay, one_gives_up };

	weaken_each("base/lock.h", worlds, COUNT(worlds), NULL, 0);
}
