/* SPDX-License-Identifier: MIT */
/* The queues of the workers in every interleaving, with stale values: the slot and the ring, each with its
 * owner and two thieves, a shard with pushers and takers, the inbox of a home that goes to sleep. The code is the real
 * one, with a ring of four.
 *
 * Each task is taken once, in a state that its pusher has written (plain memory, checked for races). What
 * is lost shows as a count, or as a home that sleeps for ever. Then each memory order is made weaker.
 *
 * The search lets no load see a store that comes later. Hence it cannot show what the orders are for that
 * keep a thief's reading of a slot before the owner's next use of it (O2 of exec/run_queue.h), nor for those
 * that keep the owner's emptying of the slot before its leaving it (O3 of exec/run_slot.h): they are excused
 * below. */
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#define WEFT__RING 4u
#include "exec/inbox.h"
#include "exec/inject.h"
#include "exec/run_queue.h"
#include "exec/run_slot.h"
#include "test.h"

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

enum { TASKS = 8 };

static struct task {
	struct weft_task header;
	uint32_t payload; /* plain */
	uint32_t taken;   /* atomic */
} tasks[TASKS];

static int pushed; /* by the body, which counts what it has pushed itself */
static uint32_t taken_count;

void weft__fail(const char *what, const char *file, int line)
{
	model_fail(what, file, line);
}

void weft__lock_contended(struct weft__lock *lock)
{
	model_lock(&lock->held);
}

static void tasks_reset(void)
{
	for (int i = 0; i < TASKS; i++)
		tasks[i] = (struct task){ .payload = 0 };
	pushed = 0;
	taken_count = 0;
}

static struct weft_task *task_ready(int i)
{
	model_plain_write(&tasks[i].payload, (uint32_t)i + 1);
	return &tasks[i].header;
}

/* Polls the task: it is there for this taker alone. */
static void task_take(struct weft_task *header)
{
	struct task *task = (struct task *)(void *)header;

	MODEL_CHECK(task >= tasks && task < tasks + TASKS);
	MODEL_CHECK(atomic_fetch_add_relaxed(&task->taken, 1u) == 0);
	MODEL_CHECK(model_plain_read(&task->payload) == (uint32_t)(task - tasks) + 1);
	model_plain_write(&task->payload, 100u);
	atomic_fetch_add_relaxed(&taken_count, 1u);
}

static void check_all_taken(int count)
{
	model_join_all();
	for (int i = 0; i < TASKS; i++)
		MODEL_CHECK(atomic_load_relaxed(&tasks[i].taken) == (i < count));
}

/* ---- the ring ----------------------------------------------------------------------------------- */

static struct weft__ring ring;

static void thief(void *unused)
{
	struct weft_task *stolen[WEFT__RING / 2];
	uint32_t count = weft__ring_steal(&ring, stolen);

	(void)unused;
	MODEL_CHECK(count <= WEFT__RING / 2);
	for (uint32_t i = 0; i < count; i++)
		task_take(stolen[i]);
}

static void owner_push(int i)
{
	MODEL_CHECK(weft__ring_push(&ring, task_ready(i), WEFT__RING));
}

static void owner_pop(void)
{
	struct weft_task *task = weft__ring_pop(&ring);

	if (task)
		task_take(task);
}

static void owner_drain(int count)
{
	struct weft_task *task;

	while ((task = weft__ring_pop(&ring)))
		task_take(task);
	check_all_taken(count);
}

static void ring_reset(uint32_t start)
{
	tasks_reset();
	ring = (struct weft__ring){ .head = start, .tail = start };
}

static void ring_one_thief(void)
{
	ring_reset(UINT32_MAX - 1); /* the indices wrap on the way */
	owner_push(0);
	model_thread(thief, NULL);
	owner_push(1);
	owner_push(2);
	owner_pop();
	owner_push(3);
	owner_drain(4);
}

static void ring_two_thieves(void)
{
	ring_reset(0);
	owner_push(0);
	owner_push(1);
	model_thread(thief, NULL);
	model_thread(thief, NULL);
	owner_push(2);
	owner_drain(3);
}

/* The slots are used again while thieves look at them. */
static void ring_laps(void)
{
	int next = WEFT__RING;

	ring_reset(0);
	for (int i = 0; i < (int)WEFT__RING; i++)
		owner_push(i);
	model_thread(thief, NULL);
	for (int i = 0; i < 2; i++) {
		owner_pop();
		owner_push(next++);
	}
	owner_drain(next);
}

/* A full ring refuses, until a thief has been there. */
static void ring_full(void)
{
	bool fits;

	ring_reset(0);
	for (int i = 0; i < (int)WEFT__RING; i++)
		owner_push(i);
	model_thread(thief, NULL);
	fits = weft__ring_push(&ring, task_ready(4), WEFT__RING);
	owner_drain(fits ? 5 : 4);
}

/* Two thieves of a full ring, of which one is its owner. */
static void ring_overflow_and_thief(void)
{
	ring_reset(0);
	for (int i = 0; i < (int)WEFT__RING; i++)
		owner_push(i);
	model_thread(thief, NULL);
	thief(NULL);
	owner_push(4);
	owner_drain(5);
}

static void (*const ring_bodies[])(void) = { ring_one_thief, ring_two_thieves, ring_laps, ring_full,
	ring_overflow_and_thief };

static void check_passes(const char *name, void (*body)(void))
{
	CHECK_EQ(model_explore(name, body, (struct model_options){ .executions_max = 4000000 })
					.verdict,
			MODEL_PASSED);
}

TEST(ring_with_a_thief_loses_nothing)
{
	check_passes("ring, one thief", ring_one_thief);
}

TEST(ring_with_two_thieves_loses_nothing)
{
	check_passes("ring, two thieves", ring_two_thieves);
}

TEST(ring_whose_slots_are_used_again_loses_nothing)
{
	check_passes("ring, laps", ring_laps);
}

TEST(ring_that_is_full_refuses_until_somebody_steals)
{
	check_passes("ring, full", ring_full);
	check_passes("ring, overflow and thief", ring_overflow_and_thief);
}

TEST(ring_needs_its_memory_orders)
{
	static const struct weaken_excuse excuses[] = {
		{ "weft__ring_push", "load_acquire", MODEL_RELAXED },
		{ "weft__ring_steal", "cas_release", MODEL_RELAXED },
	};

	weaken_each("exec/run_queue.h", ring_bodies, COUNT(ring_bodies), excuses, COUNT(excuses));
}

/* ---- the slot ----------------------------------------------------------------------------------- */

static struct weft__slot slot;
static bool fenced; /* weft__fence_heavy does what it should */

void weft__fence_heavy(void)
{
	if (fenced)
		atomic_fence_seq_cst();
}

static void slot_thief(void *unused)
{
	struct weft_task *task = weft__slot_steal(&slot);

	(void)unused;
	if (task)
		task_take(task);
}

static void slot_put(int i)
{
	struct weft_task *displaced = weft__slot_put(&slot, task_ready(i));

	if (displaced)
		task_take(displaced);
}

static void slot_pop(void)
{
	struct weft_task *task = weft__slot_pop(&slot);

	if (task)
		task_take(task);
}

static void slot_reset(bool fence_works)
{
	tasks_reset();
	weft__slot_init(&slot, fence_works);
	fenced = fence_works;
}

/* The owner fills it when it is empty, when a thief may just have emptied it, and when it has itself; it
 * pops in between. */
static void slot_works(bool fence_works)
{
	slot_reset(fence_works);
	model_thread(slot_thief, NULL);
	slot_put(0);
	slot_pop();
	slot_put(1);
	slot_put(2);
	slot_pop();
	check_all_taken(3);
	MODEL_CHECK(!weft__slot_pop(&slot));
}

static void slot_one_thief(void)
{
	slot_works(true);
}

static void slot_without_fence(void)
{
	slot_works(false);
}

static void slot_two_thieves(void)
{
	slot_reset(true);
	slot_put(0);
	model_thread(slot_thief, NULL);
	model_thread(slot_thief, NULL);
	slot_put(1);
	slot_pop();
	check_all_taken(2);
}

/* As if there were a fence, but it does nothing. */
static void slot_badly_fenced(void)
{
	slot_reset(true);
	fenced = false;
	slot_put(0);
	model_thread(slot_thief, NULL);
	slot_pop();
	check_all_taken(1);
}

/* The second thief finds what the first has left. */
static void slot_thief_after_thief(void)
{
	slot_reset(true);
	slot_put(0);
	model_thread(slot_thief, NULL);
	slot_thief(NULL);
	model_join_all();
	slot_pop();
	slot_put(1);
	slot_pop();
	check_all_taken(2);
}

static void (*const slot_bodies[])(
		void) = { slot_one_thief, slot_without_fence, slot_thief_after_thief };

TEST(slot_with_thieves_loses_nothing)
{
	check_passes("slot, one thief", slot_one_thief);
	check_passes("slot, two thieves", slot_two_thieves);
	check_passes("slot, no fence", slot_without_fence);
	check_passes("slot, thief after thief", slot_thief_after_thief);
}

TEST(slot_needs_the_heavy_fence)
{
	CHECK_EQ(model_explore(NULL, slot_badly_fenced, (struct model_options){ .preemptions = 0 })
							.verdict == MODEL_PASSED,
			false);
}

TEST(slot_needs_its_memory_orders)
{
	static const struct weaken_excuse excuses[] = {
		{ "weft__slot_pop", "store_release", MODEL_RELAXED },
		{ "weft__slot_steal", "load_acquire", MODEL_RELAXED },
	};

	weaken_each("exec/run_slot.h", slot_bodies, COUNT(slot_bodies), excuses, COUNT(excuses));
}

/* ---- the shard ---------------------------------------------------------------------------------- */

static struct weft__inject inject;

static void inject_push_odd(void *unused)
{
	(void)unused;
	weft__inject_push(&inject, task_ready(1));
	weft__inject_push(&inject, task_ready(3));
}

/* As long as something may be there; what another taker leaves is taken, too. */
static int inject_drain(unsigned capacity)
{
	struct weft_task *taken[4];
	int total = 0;
	unsigned count;

	while ((count = weft__inject_take(&inject, taken, capacity)) > 0) {
		for (unsigned i = 0; i < count; i++)
			task_take(taken[i]);
		total += (int)count;
	}
	return total;
}

static void inject_taker(void *unused)
{
	(void)unused;
	inject_drain(1);
}

static void inject_reset(void)
{
	tasks_reset();
	inject = (struct weft__inject){ .incoming = NULL };
}

static void inject_two_pushers(void)
{
	inject_reset();
	model_thread(inject_push_odd, NULL);
	weft__inject_push(&inject, task_ready(0));
	inject_drain(2);
	weft__inject_push(&inject, task_ready(2));
	model_join_all();
	inject_drain(4);
	check_all_taken(4);
}

static void inject_two_takers(void)
{
	inject_reset();
	weft__inject_push(&inject, task_ready(0));
	model_thread(inject_taker, NULL);
	weft__inject_push(&inject, task_ready(1));
	inject_drain(1);
	model_join_all();
	inject_drain(1);
	check_all_taken(2);
}

static void (*const inject_bodies[])(void) = { inject_two_pushers, inject_two_takers };

TEST(shard_with_two_pushers_loses_nothing)
{
	check_passes("shard, two pushers", inject_two_pushers);
}

TEST(shard_with_two_takers_loses_nothing)
{
	check_passes("shard, two takers", inject_two_takers);
}

/* What seq_cst is for is in test_model_workers.c: between push and sleep. */
TEST(shard_needs_its_memory_orders)
{
	static const struct weaken_excuse excuses[] = {
		{ "weft__inject_push", "cas_seq_cst", MODEL_ACQ_REL },
		{ "weft__inject_is_empty", "load_seq_cst", MODEL_ACQ_REL },
	};

	weaken_each("exec/inject.h", inject_bodies, COUNT(inject_bodies), excuses, COUNT(excuses));
}

/* ---- the inbox ---------------------------------------------------------------------------------- */

static struct weft__inbox inbox;

enum { HOME = 0 };

static void inbox_pusher(void *arg)
{
	if (weft__inbox_push(&inbox, task_ready((int)(uintptr_t)arg)))
		model_unpark(HOME);
}

/* The home takes, and sleeps when there is nothing. */
static void inbox_home(int expected)
{
	int taken = 0;

	while (taken < expected) {
		struct weft_task *task = weft__inbox_take(&inbox);

		if (!task && weft__inbox_sleep(&inbox))
			model_park();
		for (; task; taken++) {
			struct weft_task *next = task->next;

			task_take(task);
			task = next;
		}
	}
	check_all_taken(expected);
}

static void inbox_one_pusher(void)
{
	tasks_reset();
	inbox.head = INBOX_EMPTY;
	model_thread(inbox_pusher, (void *)0);
	inbox_home(1);
}

static void inbox_two_pushers(void)
{
	tasks_reset();
	inbox.head = INBOX_SLEEPING;
	model_thread(inbox_pusher, (void *)0);
	model_thread(inbox_pusher, (void *)1);
	inbox_home(2);
}

static void inbox_push_twice(void *unused)
{
	(void)unused;
	inbox_pusher((void *)0);
	inbox_pusher((void *)1);
}

static void inbox_three_pushes(void)
{
	tasks_reset();
	inbox.head = INBOX_EMPTY;
	model_thread(inbox_push_twice, NULL);
	model_thread(inbox_pusher, (void *)2);
	inbox_home(3);
}

static void (*const inbox_bodies[])(
		void) = { inbox_one_pusher, inbox_two_pushers, inbox_three_pushes };

TEST(inbox_wakes_a_home_that_goes_to_sleep)
{
	check_passes("inbox, one pusher", inbox_one_pusher);
	check_passes("inbox, two pushers", inbox_two_pushers);
	check_passes("inbox, three pushes", inbox_three_pushes);
}

TEST(inbox_needs_its_memory_orders)
{
	static const struct weaken_excuse excuses[] = {
		{ "weft__inbox_push", "cas_acq_rel", MODEL_RELEASE },
		{ "weft__inbox_take", "exchange_acq_rel", MODEL_ACQUIRE },
		{ "weft__inbox_sleep", "cas_acq_rel", MODEL_ACQUIRE },
		{ "weft__inbox_sleep", "cas_acq_rel", MODEL_RELEASE },
	};

	weaken_each("exec/inbox.h", inbox_bodies, COUNT(inbox_bodies), excuses, COUNT(excuses));
}
