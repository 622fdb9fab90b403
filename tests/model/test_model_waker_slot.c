/* SPDX-License-Identifier: MIT */
/* B88: a waker slot between a task that registers, again and again, and threads that wake, in every
 * interleaving. The task waits for as many flags as there are threads; a flag or a wake that is missed is
 * a task that waits for ever, a wake that comes too late is a use of its freed memory. */
#include <stddef.h>

#include <weft/waker_slot.h>

#include "model/model.h"
#include "model/weaken.h"

#include "base/check.h"
#include "core/task_mt.h"
#include "test.h"

/* The slot's waker is plain memory; who registers or claims it tells the search so. */
static struct weft_waker_slot shared;

static void slot_waker_touch(bool write)
{
	model_plain(MODEL_SITE("plain &shared.waker"), &shared.waker, sizeof shared.waker, write);
}

static const struct weft_waker *context_waker(struct weft_context *cx)
{
	slot_waker_touch(true);
	return weft_context_waker(cx);
}

#define weft_context_waker context_waker
#include "core/waker_slot.c" /* NOLINT(bugprone-suspicious-include) */
#undef weft_context_waker

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

enum { WAKERS_MAX = 3 };

static uint32_t flags[WAKERS_MAX];
static int flag_count;
static int home; /* the thread that polls */
static bool cancelled;

/* --- a task that one thread polls ---------------------------------------------------------------- */

static const struct weft_waker_ops waker_ops;

static struct weft_waker waker_claim(void *task)
{
	struct weft_waker waker = { &waker_ops, task }, nothing = { NULL, NULL };

	slot_waker_touch(false);
	return mt_wake(task) == MT_PUSH ? waker : nothing;
}

static void waker_commit(void *task)
{
	(void)task;
	model_unpark(home);
}

static const struct weft_waker_ops waker_ops = { .claim = waker_claim, .commit = waker_commit };

/* The leaf, as weft/waker_slot.h shows it. */
static enum weft_poll flags_poll(struct weft_context *cx)
{
	bool all = true;

	weft_waker_slot_register(&shared, cx);
	for (int i = 0; i < flag_count; i++)
		all &= atomic_load_relaxed(&flags[i]) != 0; /* the slot makes it visible */
	if (!all && !weft_context_cancelled(cx))
		return WEFT_PENDING;
	return weft_waker_slot_clear(&shared, cx) ? WEFT_READY : WEFT_PENDING;
}

static bool home_poll(struct weft_task *task)
{
	struct weft_waker waker = { &waker_ops, task };
	struct weft_context cx = weft_context_make(waker, NULL);

	(void)mt_start(task);
	cx.cancelled = cancelled;
	if (flags_poll(&cx) == WEFT_READY) {
		mt_done(task);
		model_free(task);
		return true;
	}
	if (cx.self_woken) {
		mt_yield(task);
		atomic_pause(); /* to the end of the queue */
	} else if (mt_suspend(task) != MT_PUSH) {
		model_park();
	}
	return false;
}

static void home_run(void *unused)
{
	struct weft_task *task = model_malloc(sizeof *task);

	(void)unused;
	mt_init(task);
	while (!home_poll(task))
		;
}

/* --- the threads --------------------------------------------------------------------------------- */

static void wake(void *flag)
{
	atomic_store_relaxed((uint32_t *)flag, 1);
	weft_waker_slot_wake(&shared);
}

/* As a list would: takes the slot's waker under its own lock. */
static uint32_t outer_lock;

static void take_and_commit(void *flag)
{
	struct weft_waker claimed;

	model_lock(&outer_lock);
	atomic_store_relaxed((uint32_t *)flag, 1);
	claimed = weft_waker_slot_take(&shared);
	model_unlock(&outer_lock);
	weft_waker_commit(claimed);
}

static void run(int wakers, bool is_cancelled, void (*wake_it)(void *))
{
	shared = (struct weft_waker_slot){ { NULL, NULL }, 0 };
	outer_lock = flags[0] = flags[1] = flags[2] = 0;
	flag_count = wakers;
	cancelled = is_cancelled;
	home = model_thread(home_run, NULL);
	for (int i = 0; i < wakers; i++)
		model_thread(wake_it, &flags[i]);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(shared.waker.ops == NULL);
	MODEL_CHECK(atomic_load_relaxed(&shared.state) == 0);
}

#define WORLD(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		run(__VA_ARGS__);                                                                  \
	}
WORLD(one_waker, 1, false, wake)
WORLD(two_wakers, 2, false, wake)
WORLD(three_wakers, 3, false, wake)
WORLD(two_takers, 2, false, take_and_commit)
WORLD(cancelled_while_woken, 2, true, wake)

static enum model_verdict explore(const char *name, void (*world)(void), int preemptions)
{
	return model_explore(name, world, (struct model_options){ .preemptions = preemptions })
			.verdict;
}

TEST(waker_slot_loses_no_wake)
{
	CHECK_EQ(explore("one waker", one_waker, 0), MODEL_PASSED);
	CHECK_EQ(explore("two wakers", two_wakers, 0), MODEL_PASSED);
	CHECK_EQ(explore("two takers", two_takers, 0), MODEL_PASSED);
	CHECK_EQ(explore("three wakers, 2 preemptions", three_wakers, 2), MODEL_PASSED);
}

TEST(waker_slot_is_left_by_a_cancelled_task)
{
	CHECK_EQ(explore("cancelled while woken", cancelled_while_woken, 0), MODEL_PASSED);
}

TEST(waker_slot_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { two_wakers, cancelled_while_woken };

	static const struct weaken_excuse excuses[] = {
		/* slot_open of the next poll would see the flags just as well: this saves that poll */
		{ "slot_close", "exchange_acq_rel", MODEL_RELEASE },
	};

	weaken_each("core/waker_slot.c", worlds, 2, excuses, 1);
}
