/* SPDX-License-Identifier: MIT */
/* The task tracker in every interleaving (behaviour 38): who has waited sees what those who left have
 * done, and may free it. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/task_tracker.c" /* NOLINT(bugprone-suspicious-include) */

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_task_tracker *tracker;
static uint32_t notes[2]; /* plain */
static uint32_t ended;    /* atomic */

static int wait_until_over(enum model_task_patience patience)
{
	struct weft_task_tracker_wait__frame frame;

	weft_task_tracker_wait__init(&frame.args, tracker);
	return model_task_await(&frame, sizeof frame, &weft_task_tracker_wait__async, patience);
}

static void prepare(int count)
{
	tracker = model_malloc(sizeof *tracker);
	weft_task_tracker_init(tracker);
	for (int i = 0; i < count; i++)
		weft_task_tracker_enter(tracker);
	notes[0] = notes[1] = ended = 0;
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
}

static void leaves(void *note)
{
	if (note)
		model_plain_write((uint32_t *)note, 1u);
	weft_task_tracker_leave(tracker);
}

/* Closed before: the body frees it while the last who leaves may still be about to wake it. */
static void two_leave(void)
{
	prepare(2);
	weft_task_tracker_close(tracker);
	model_thread(leaves, &notes[0]);
	model_thread(leaves, &notes[1]);
	MODEL_CHECK(wait_until_over(MODEL_TASK_LOOKS_AGAIN) == 0);
	MODEL_CHECK(model_plain_read(&notes[0]) == 1 && model_plain_read(&notes[1]) == 1);
	model_check_alive(tracker);
	model_free(tracker);
	finish();
}

static void leaves_and_closes(void *note)
{
	leaves(note);
	weft_task_tracker_close(tracker);
	MODEL_CHECK(weft_task_tracker_is_closed(tracker));
	atomic_fetch_add_acq_rel(&ended, 1u);
}

/* Two who leave without a look at the lock, and one of them closes. */
static void one_closes(void)
{
	prepare(2);
	model_thread(leaves, &notes[0]);
	model_thread(leaves_and_closes, &notes[1]);
	MODEL_CHECK(wait_until_over(MODEL_TASK_STAYS) == 0);
	MODEL_CHECK(model_plain_read(&notes[0]) == 1 && model_plain_read(&notes[1]) == 1);
	model_join_all(); /* its call has returned */
	model_free(tracker);
	finish();
}

static void waits(void *patience)
{
	if (wait_until_over((enum model_task_patience)(uintptr_t)patience) == 0)
		MODEL_CHECK(model_plain_read(&notes[0]) == 1);
	if (atomic_fetch_add_acq_rel(&ended, 1u) == 1) /* the last of the two */
		model_free(tracker);
}

static void two_wait(enum model_task_patience patience)
{
	prepare(1);
	weft_task_tracker_close(tracker);
	model_thread(waits, (void *)(uintptr_t)patience);
	model_thread(leaves, &notes[0]);
	waits((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish();
}

static void both_wait(void)
{
	two_wait(MODEL_TASK_STAYS);
}

static void one_gives_up(void)
{
	two_wait(MODEL_TASK_GIVES_UP);
}

static void comes_and_goes(void *unused)
{
	(void)unused;
	weft_task_tracker_enter(tracker);
	leaves(NULL);
}

/* Over, and for a moment not: the wait ends all the same. */
static void somebody_passes_through(void)
{
	prepare(1);
	weft_task_tracker_close(tracker);
	model_thread(comes_and_goes, NULL);
	model_thread(leaves, &notes[0]);
	MODEL_CHECK(wait_until_over(MODEL_TASK_STAYS) == 0);
	model_join_all();
	MODEL_CHECK(weft_task_tracker_count(tracker) == 0 && !tracker->waiters.oldest);
	model_free(tracker);
	finish();
}

TEST(b38_who_has_waited_may_free_the_tracker)
{
	PASSES(two_leave, 2);
	PASSES(both_wait, 2);
	PASSES(one_gives_up, 2);
}

TEST(b38_wait_is_not_lost)
{
	PASSES(one_closes, 2);
	PASSES(somebody_passes_through, 2);
}

TEST(task_tracker_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { two_leave, one_closes, both_wait };

	weaken_each("sync/task_tracker.c", worlds, COUNT(worlds), NULL, 0);
}
