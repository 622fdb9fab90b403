/* SPDX-License-Identifier: MIT */
/* The semaphore in every interleaving (behaviour 61): tasks that acquire, give up and try, threads that
 * release and close. What the permits guard is plain memory, so that too many at a time, or an order that
 * is missing, are races; a task that is forgotten waits for ever. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/permits.c"   /* NOLINT(bugprone-suspicious-include) */
#include "sync/semaphore.c" /* NOLINT(bugprone-suspicious-include) */

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_semaphore semaphore;
static uint32_t notes[2]; /* plain: what is written before a release */
static uint32_t counter;  /* plain: what one permit guards */

static int acquire(uint32_t count, enum model_task_patience patience)
{
	struct weft_semaphore_acquire__frame frame;

	if (patience == MODEL_TASK_STAYS &&
			MODEL_TASK_NOW(weft_semaphore_acquire, &semaphore, count))
		return 0;
	weft_semaphore_acquire__init(&frame.args, &semaphore, count);
	return model_task_await(&frame, sizeof frame, &weft_semaphore_acquire__async, patience);
}

static void prepare(uint32_t permits)
{
	weft_semaphore_init(&semaphore, permits);
	notes[0] = notes[1] = counter = 0;
}

static void finish(uint32_t permits)
{
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(!semaphore.waiters.oldest);
	MODEL_CHECK(weft_semaphore_available(&semaphore) == permits);
}

/* ---- one permit for a count ---- */

static void count(void)
{
	model_plain_write(&counter, model_plain_read(&counter) + 1);
}

static void counts(void *patience)
{
	if (acquire(1, (enum model_task_patience)(uintptr_t)patience) == 0) {
		count();
		weft_semaphore_release(&semaphore, 1);
	}
}

static void tries(void *unused)
{
	(void)unused;
	if (weft_semaphore_try_acquire(&semaphore, 1) == 0) {
		count();
		weft_semaphore_release(&semaphore, 1);
	}
}

static void count_together(void (*other)(void *), enum model_task_patience patience, int others)
{
	prepare(1);
	for (int i = 0; i < others; i++)
		model_thread(other, (void *)(uintptr_t)patience);
	counts((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish(1);
	MODEL_CHECK(counter >= 1);
	MODEL_CHECK(patience == MODEL_TASK_GIVES_UP || other == tries ||
			counter == 1 + (uint32_t)others);
}

/* ---- who frees it ---- */

static struct weft_semaphore *shared;

static void shared_release(void *unused)
{
	(void)unused;
	weft_semaphore_release(shared, 1);
}

/* It has all permits back: nobody else uses it any more. */
static void shared_free(void)
{
	weft_semaphore_release(shared, 1);
	model_free(shared);
	shared = NULL;
}

/* Who gives up, and then gets the permit without waiting, frees it; the release may have seen that one
 * waited. */
static void last_one_frees_it(void)
{
	struct weft_semaphore_acquire__frame frame;

	prepare(0);
	shared = model_malloc(sizeof *shared);
	weft_semaphore_init(shared, 0);
	model_thread(shared_release, NULL);
	weft_semaphore_acquire__init(&frame.args, shared, 1);
	if (model_task_await(&frame, sizeof frame, &weft_semaphore_acquire__async,
			    MODEL_TASK_GIVES_UP) == 0 ||
			weft_semaphore_try_acquire(shared, 1) == 0)
		shared_free();
	model_join_all();
	if (shared)
		model_free(shared);
	finish(0);
}

/* ---- several permits ---- */

static void releases_first(void *unused)
{
	(void)unused;
	model_plain_write(&notes[0], 1u);
	weft_semaphore_release(&semaphore, 1);
}

static void releases_second(void *unused)
{
	(void)unused;
	model_plain_write(&notes[1], 1u);
	weft_semaphore_release(&semaphore, 1);
}

static void releases_two(void *unused)
{
	(void)unused;
	model_plain_write(&notes[0], 1u);
	weft_semaphore_release(&semaphore, 2);
}

static void closes(void *unused)
{
	(void)unused;
	model_plain_write(&notes[0], 1u);
	weft_semaphore_close(&semaphore);
}

static void acquires_one(void *patience)
{
	if (acquire(1, (enum model_task_patience)(uintptr_t)patience) == 0) {
		MODEL_CHECK(model_plain_read(&notes[0]) == 1);
		weft_semaphore_release(&semaphore, 1);
	}
}

static void tries_one(void *unused)
{
	int err = weft_semaphore_try_acquire(&semaphore, 1);

	(void)unused;
	if (err != -EAGAIN)
		MODEL_CHECK(model_plain_read(&notes[0]) == 1);
	if (err == 0)
		weft_semaphore_release(&semaphore, 1);
}

static void gathers(enum model_task_patience patience)
{
	prepare(0);
	model_thread(releases_first, NULL);
	model_thread(releases_second, NULL);
	if (acquire(2, patience) == 0) {
		MODEL_CHECK(model_plain_read(&notes[0]) + model_plain_read(&notes[1]) == 2);
		weft_semaphore_release(&semaphore, 2);
	}
	finish(2);
}

static void passes_on(void (*releases)(void *), uint32_t permits)
{
	prepare(0);
	model_thread(acquires_one, (void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	model_thread(releases, NULL);
	acquires_one((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish(permits);
}

/* Who wants two stands before who wants one, and leaves. */
static void leaves_the_head(void)
{
	prepare(1);
	notes[0] = 1;
	model_thread(acquires_one, (void *)(uintptr_t)MODEL_TASK_STAYS);
	if (acquire(2, MODEL_TASK_GIVES_UP) == 0)
		weft_semaphore_release(&semaphore, 2);
	finish(1);
}

/* The one that is left over is for who tries. */
static void leaves_one_over(void)
{
	prepare(0);
	model_thread(releases_two, NULL);
	model_thread(tries_one, NULL);
	acquires_one((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish(2);
}

static void is_closed(void)
{
	int err;

	prepare(0);
	model_thread(closes, NULL);
	model_thread(tries_one, NULL);
	err = acquire(1, MODEL_TASK_LOOKS_AGAIN);
	MODEL_CHECK(err == -ESHUTDOWN);
	MODEL_CHECK(model_plain_read(&notes[0]) == 1);
	finish(0);
}

static void is_closed_and_released(void)
{
	prepare(0);
	notes[0] = 1;
	model_thread(releases_second, NULL);
	model_thread(tries_one, NULL);
	weft_semaphore_close(&semaphore);
	MODEL_CHECK(acquire(1, MODEL_TASK_STAYS) == -ESHUTDOWN);
	finish(1);
}

#define WORLD(name, call, ...)                                                                     \
	static void name(void)                                                                     \
	{                                                                                          \
		call(__VA_ARGS__);                                                                 \
	}
WORLD(two_count, count_together, counts, MODEL_TASK_STAYS, 1)
WORLD(two_count_and_look, count_together, counts, MODEL_TASK_LOOKS_AGAIN, 1)
WORLD(one_gives_up, count_together, counts, MODEL_TASK_GIVES_UP, 1)
WORLD(one_tries, count_together, tries, MODEL_TASK_STAYS, 1)
WORLD(three_count, count_together, counts, MODEL_TASK_STAYS, 2)
WORLD(two_give_up, count_together, counts, MODEL_TASK_GIVES_UP, 2)
WORLD(gathers_two, gathers, MODEL_TASK_STAYS)
WORLD(gathers_and_gives_up, gathers, MODEL_TASK_GIVES_UP)
WORLD(passes_one_on, passes_on, releases_first, 1)
WORLD(passes_two_on, passes_on, releases_two, 2)

TEST(b61_semaphore_of_one_is_held_by_one_at_a_time)
{
	PASSES(two_count, 0);
	PASSES(two_count_and_look, 0);
	PASSES(one_tries, 0);
	PASSES(three_count, 2);
}

TEST(b61_semaphore_of_one_is_left_by_who_gives_up)
{
	PASSES(one_gives_up, 0);
	PASSES(two_give_up, 2);
}

TEST(semaphore_may_be_freed_by_who_has_the_last_permit)
{
	PASSES(last_one_frees_it, 0);
}

TEST(b61_semaphore_gives_permits_to_who_waits)
{
	PASSES(gathers_two, 2);
	PASSES(leaves_one_over, 2);
}

TEST(b61_semaphore_passes_on_what_a_cancelled_waiter_had)
{
	PASSES(gathers_and_gives_up, 2);
	PASSES(passes_one_on, 2);
	PASSES(passes_two_on, 2);
	PASSES(leaves_the_head, 0);
}

TEST(semaphore_that_is_closed_tells_why)
{
	PASSES(is_closed, 2);
	PASSES(is_closed_and_released, 2);
}

TEST(semaphore_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { two_count, gathers_two, passes_two_on,
		leaves_one_over, is_closed };

	weaken_each("sync/permits", worlds, COUNT(worlds), NULL, 0);
	weaken_each("weft/waiter.h", worlds, 1, NULL, 0);
}
