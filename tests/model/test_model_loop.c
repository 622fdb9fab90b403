/* SPDX-License-Identifier: MIT */
/* The bare executor against wakers on other threads, in every interleaving: the inbox, the sleep of its
 * home, and storage that takes its next task while a late wake may still be under way. A lost wake is a
 * home that sleeps for ever; a task that is in the inbox twice is polled by mistake, or makes it a ring. */
#include <stddef.h>

#include <weft/loop.h>

#include "model/model.h"
#include "model/weaken.h"
#include "test.h"

/* A task's link is plain memory. With this trick the search sees loop.c access it: the member becomes an
 * array of one, and its index a call. The search must not know which task it belongs to, so only the worlds
 * with one task trace it. */
static uint32_t link_trace;
static bool links_are_traced;

static int link_touch(void)
{
	if (links_are_traced)
		model_plain(MODEL_SITE("plain task->next"), &link_trace, sizeof link_trace, true);
	return 0;
}

enum { LINK_DECLARED = __COUNTER__ + 1 };
#define next traced[__COUNTER__ == LINK_DECLARED]
#include "core/task.h"
#undef next
#define next traced[link_touch()]
#include "core/frame.c" /* NOLINT(bugprone-suspicious-include) */
#include "core/loop.c"  /* NOLINT(bugprone-suspicious-include) */
#undef next

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

enum { WAKERS = 2 };

static struct weft_loop loop;
static WEFT_LOOP_TASK(storage[WAKERS], struct weft_frame[8]);
static int home;
static uint32_t flags[WAKERS];

static void home_wake(struct weft_loop *woken)
{
	(void)woken;
	model_unpark(home);
}

/* --- wakers -------------------------------------------------------------------------------------- */

static struct weft_waker owned[WAKERS];

static void wake_owned(void *flag)
{
	atomic_store_relaxed((uint32_t *)flag, 1);
	weft_waker_wake(owned[(uint32_t *)flag - flags]);
}

static struct {
	uint32_t lock;
	bool waiting; /* waker is borrowed from a task */
	struct weft_waker waker;
} list;

static void wake_listed(void *flag)
{
	struct weft_waker claimed = { NULL, NULL };

	atomic_store_relaxed((uint32_t *)flag, 1);
	model_lock(&list.lock);
	if (list.waiting)
		claimed = weft_waker_claim(&list.waker);
	list.waiting = false;
	model_unlock(&list.lock);
	weft_waker_commit(claimed);
}

/* --- async int wait_for(first, count): until these flags are set, or it is cancelled -------------- */

WEFT_ASYNC_2(int, wait_for, int, int);
struct wait_for__frame {
	struct wait_for__args args;
};

static bool is_listed; /* else each flag's thread owns a waker */

static bool flags_are_set(int first, int count)
{
	bool all = true;

	for (int i = first; i < first + count; i++)
		all &= atomic_load_relaxed(&flags[i]) != 0;
	return all;
}

enum weft_poll wait_for__poll(void *frame, struct weft_context *cx)
{
	struct wait_for__frame *f = frame;
	const struct weft_waker *waker = weft_context_waker(cx);
	int first = f->args.p0, count = f->args.p1;
	bool ready = weft_context_cancelled(cx);

	if (f->args.base.at == 0 && !is_listed)
		for (int i = first; i < first + count; i++) {
			owned[i] = weft_waker_clone(waker);
			model_thread(wake_owned, &flags[i]);
		}
	f->args.base.at = 1;
	if (is_listed) {
		model_lock(&list.lock);
		ready |= flags_are_set(first, count);
		list.waiting = !ready;
		list.waker = *waker;
		model_unlock(&list.lock);
	} else {
		ready |= flags_are_set(first, count);
	}
	if (!ready)
		return WEFT_PENDING;
	weft_return(f, 0);
}

WEFT_ASYNC_DEFINE_LEAF(wait_for, WEFT_ASYNC_RESULT_INT);

/* --- the worlds ---------------------------------------------------------------------------------- */

static struct weft_loop_task *spawn(int place, int first, int count)
{
	struct wait_for__args args;

	wait_for__init(&args, first, count);
	return weft_loop_spawn(
			&loop, &storage[place], sizeof storage[place], &wait_for__async, &args);
}

static void prepare(bool listed, bool traced)
{
	loop = (struct weft_loop){ .on_wake = home_wake };
	memset(storage, 0, sizeof storage);
	flags[0] = flags[1] = list.lock = 0;
	list.waiting = false;
	is_listed = listed;
	links_are_traced = traced;
	home = model_self();
}

static void run_to_the_end(void)
{
	while (weft_loop_run_until_stalled(&loop) > 0)
		model_park();
}

/* The storage takes another task as soon as it does: at once, or when the last waker has come and gone. */
static void reuse_storage(void)
{
	if (!spawn(0, 0, 0)) {
		model_join_all();
		weft_loop_run_until_stalled(&loop);
		MODEL_CHECK(spawn(0, 0, 0) != NULL);
	}
	run_to_the_end();
	model_join_all();
}

static void owned_wakers(void)
{
	prepare(false, true);
	MODEL_CHECK(spawn(0, 0, WAKERS) != NULL);
	run_to_the_end();
	reuse_storage();
}

/* Two links in the inbox. */
static void two_tasks(void)
{
	prepare(false, false);
	MODEL_CHECK(spawn(0, 0, 1) != NULL);
	MODEL_CHECK(spawn(1, 1, 1) != NULL);
	run_to_the_end();
	model_join_all();
}

/* The task may end while it is claimed. */
static void claims(void)
{
	prepare(true, true);
	MODEL_CHECK(spawn(0, 0, WAKERS) != NULL);
	model_thread(wake_listed, &flags[0]);
	model_thread(wake_listed, &flags[1]);
	run_to_the_end();
	reuse_storage();
}

static void cancel(void *task)
{
	weft_loop_cancel(task);
}

static void claim_and_cancel(void)
{
	struct weft_loop_task *task;

	prepare(true, true);
	task = spawn(0, 0, WAKERS);
	model_thread(wake_listed, &flags[0]);
	model_thread(cancel, task);
	run_to_the_end();
	model_join_all(); /* the canceller knows the task as long as it likes */
	weft_loop_run_until_stalled(&loop);
	reuse_storage();
}

#define EXPLORE(world)                                                                             \
	CHECK_EQ(model_explore(#world, world, (struct model_options){ 0 }).verdict, MODEL_PASSED)

TEST(loop_loses_no_wake_in_any_order)
{
	EXPLORE(owned_wakers);
	EXPLORE(two_tasks);
}

TEST(loop_keeps_claimed_storage_in_any_order)
{
	EXPLORE(claims);
	EXPLORE(claim_and_cancel);
}

TEST(loop_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { owned_wakers, two_tasks, claims, claim_and_cancel };

	weaken_each("core/loop.c", worlds, 4, NULL, 0);
}
