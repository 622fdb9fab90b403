/* SPDX-License-Identifier: MIT */
/* The barrier in every interleaving (behaviour 65): each task leaves a note before it comes, and whoever goes
 * on reads all notes. Its memory orders are those of the lock. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/barrier.c" /* NOLINT(bugprone-suspicious-include) */

enum { TASKS_MAX = 3 };

static struct weft_barrier barrier;
static uint32_t notes[TASKS_MAX]; /* plain */
static uint32_t leaders, passed;  /* atomic */

static int come(enum model_task_patience patience)
{
	struct weft_barrier_wait__frame frame;
	int result;

	weft_barrier_wait__init(&frame.args, &barrier);
	result = model_task_await(&frame, sizeof frame, &weft_barrier_wait__async, patience);
	if (result == 1)
		atomic_fetch_add_relaxed(&leaders, 1u);
	if (result >= 0)
		atomic_fetch_add_relaxed(&passed, 1u);
	return result;
}

static uint32_t read_all(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < barrier.size; i++)
		sum += model_plain_read(&notes[i]);
	return sum;
}

/* Twice; in between all have left their notes, and nobody has left the second. */
static void comes_twice(void *index)
{
	uint32_t *note = &notes[(uintptr_t)index];

	model_plain_write(note, 1u);
	MODEL_CHECK(come(MODEL_TASK_STAYS) >= 0);
	MODEL_CHECK(read_all() == barrier.size);
	MODEL_CHECK(come(MODEL_TASK_STAYS) >= 0);
	model_plain_write(note, 2u);
}

static void comes_once(void *patience)
{
	(void)come((enum model_task_patience)(uintptr_t)patience);
}

static void prepare(uint32_t size)
{
	weft_barrier_init(&barrier, size);
	for (int i = 0; i < TASKS_MAX; i++)
		notes[i] = 0;
	leaders = passed = 0;
}

static void finish(uint32_t generations)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(!barrier.waiters.oldest);
	MODEL_CHECK(leaders == generations);
	MODEL_CHECK(passed == generations * barrier.size);
}

static void come_twice(uint32_t size)
{
	prepare(size);
	for (uintptr_t i = 1; i < size; i++)
		model_thread(comes_twice, (void *)i);
	comes_twice((void *)0);
	finish(2);
}

static void two_come_twice(void)
{
	come_twice(2);
}

static void three_come_twice(void)
{
	come_twice(3);
}

/* The one who stays waits for a second: that is who gives up, if it came in time, or else the body. */
static void one_gives_up(void)
{
	prepare(2);
	model_thread(comes_once, (void *)(uintptr_t)MODEL_TASK_STAYS);
	if (come(MODEL_TASK_GIVES_UP) < 0)
		comes_once((void *)(uintptr_t)MODEL_TASK_LOOKS_AGAIN);
	finish(1);
}

TEST(b65_barrier_shows_what_each_did_before)
{
	PASSES(two_come_twice, 0);
	PASSES(three_come_twice, 1);
}

TEST(b65_barrier_does_not_count_who_gives_up)
{
	PASSES(one_gives_up, 0);
}

TEST(barrier_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { two_come_twice, one_gives_up };

	weaken_each("base/lock.h", worlds, 2, NULL, 0);
}
