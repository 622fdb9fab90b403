/* SPDX-License-Identifier: MIT */
/* Once in every interleaving (behaviour 66): what is made is plain memory, and so is what a turn that failed has
 * left behind. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/once.c"    /* NOLINT(bugprone-suspicious-include) */
#include "sync/permits.c" /* NOLINT(bugprone-suspicious-include) */

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_once once;
static uint32_t turns; /* plain: who has the turn counts it */
static uint32_t made;  /* plain */
static uint32_t fails; /* plain: so many turns fail */

static void make(void)
{
	model_plain_write(&turns, model_plain_read(&turns) + 1);
	if (model_plain_read(&turns) <= fails) {
		(void)weft_once_end(&once, -EIO);
		return;
	}
	model_plain_write(&made, 1u);
	(void)weft_once_end(&once, 0);
}

static void needs(void *patience)
{
	struct weft_once_begin__frame frame;
	int turn;

	if (patience == (void *)(uintptr_t)MODEL_TASK_STAYS &&
			MODEL_TASK_NOW(weft_once_begin, &once)) {
		MODEL_CHECK(model_plain_read(&made) == 1);
		return;
	}
	weft_once_begin__init(&frame.args, &once);
	turn = model_task_await(&frame, sizeof frame, &weft_once_begin__async,
			(enum model_task_patience)(uintptr_t)patience);
	if (turn == 1)
		make();
	else if (turn == 0)
		MODEL_CHECK(model_plain_read(&made) == 1);
}

static void tries(void *unused)
{
	int turn = weft_once_try_begin(&once);

	(void)unused;
	if (turn == 1)
		make();
	else if (turn == 0)
		MODEL_CHECK(model_plain_read(&made) == 1);
}

static void looks(void *unused)
{
	(void)unused;
	if (weft_once_is_done(&once))
		MODEL_CHECK(model_plain_read(&made) == 1);
}

static void meet(uint32_t failures, void (*first)(void *), enum model_task_patience patience,
		void (*second)(void *))
{
	weft_once_init(&once);
	turns = made = 0;
	fails = failures;
	model_thread(first, (void *)(uintptr_t)patience);
	if (second)
		model_thread(second, (void *)(uintptr_t)MODEL_TASK_STAYS);
	needs((void *)(uintptr_t)MODEL_TASK_STAYS);
	model_join_all();
	MODEL_CHECK(model_allocated() == 0);
	MODEL_CHECK(!once.waiters.oldest);
	/* nobody has the turn: it was given back, or it is done */
	MODEL_CHECK(weft_once_try_begin(&once) == (made ? 0 : 1));
	MODEL_CHECK(made || fails);
}

#define WORLD(name, ...)                                                                           \
	static void name(void)                                                                     \
	{                                                                                          \
		meet(__VA_ARGS__);                                                                 \
	}
WORLD(two_need, 0, needs, MODEL_TASK_LOOKS_AGAIN, NULL)
WORLD(first_of_two_fails, 1, needs, MODEL_TASK_STAYS, NULL)
WORLD(first_of_three_fails, 1, needs, MODEL_TASK_STAYS, needs)
WORLD(one_gives_up, 0, needs, MODEL_TASK_GIVES_UP, needs)
WORLD(one_fails_and_one_gives_up, 1, needs, MODEL_TASK_GIVES_UP, needs)
WORLD(one_tries, 1, tries, MODEL_TASK_STAYS, NULL)
WORLD(two_need_it_now, 0, needs, MODEL_TASK_STAYS, NULL)
WORLD(one_looks, 0, looks, MODEL_TASK_STAYS, NULL)

TEST(b66_once_is_made_by_one)
{
	PASSES(two_need, 0);
	PASSES(two_need_it_now, 0);
	PASSES(one_looks, 0);
}

TEST(b66_once_that_fails_is_made_by_the_next)
{
	PASSES(first_of_two_fails, 0);
	PASSES(one_tries, 0);
	PASSES(first_of_three_fails, 2);
}

TEST(b66_once_turn_of_who_gives_up_is_the_next_ones)
{
	PASSES(one_gives_up, 2);
	PASSES(one_fails_and_one_gives_up, 2);
}

TEST(once_needs_its_memory_order)
{
	static void (*const worlds[])(void) = { one_looks, two_need_it_now };

	weaken_each("sync/once.c", worlds, COUNT(worlds), NULL, 0);
	weaken_each("weft/once.h", worlds, COUNT(worlds), NULL, 0);
}
