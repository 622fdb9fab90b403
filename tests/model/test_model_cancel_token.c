/* SPDX-License-Identifier: MIT */
/* Cancellation tokens in every interleaving (behaviour 37): who is told sees what was done before,
 * nobody below is forgotten, and a token that is finished while its tree is cancelled is not touched
 * any more. */
#include <errno.h>
#include <stddef.h>

#include "model/model.h"
#include "model/weaken.h"

#include "model/model_leaf.h"
#include "test.h"

#include "sync/cancel_token.c" /* NOLINT(bugprone-suspicious-include) */

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

static struct weft_cancel_token root, middle, *leaf;
static uint32_t note; /* plain */

static int wait_for(struct weft_cancel_token *token, enum model_task_patience patience)
{
	struct weft_cancel_token_wait__frame frame;

	weft_cancel_token_wait__init(&frame.args, token);
	return model_task_await(&frame, sizeof frame, &weft_cancel_token_wait__async, patience);
}

static void prepare(void)
{
	weft_cancel_token_init(&root);
	weft_cancel_token_init_child(&middle, &root);
	leaf = model_malloc(sizeof *leaf);
	weft_cancel_token_init_child(leaf, &middle);
	note = 0;
}

static void finish(void)
{
	model_join_all();
	MODEL_CHECK(!root.children && !root.waiters.oldest);
	MODEL_CHECK(!middle.children && !middle.waiters.oldest);
	MODEL_CHECK(model_allocated() == 0);
}

static void cancels_root(void *unused)
{
	(void)unused;
	model_plain_write(&note, 1u);
	weft_cancel_token_cancel(&root);
}

/* The memory of the leaf goes as soon as it is finished. */
static void waits_and_finishes(void *patience)
{
	int result = wait_for(leaf, (enum model_task_patience)(uintptr_t)patience);

	MODEL_CHECK(result == 0 ||
			(enum model_task_patience)(uintptr_t)patience == MODEL_TASK_GIVES_UP);
	if (result == 0)
		MODEL_CHECK(model_plain_read(&note) == 1);
	weft_cancel_token_finish(leaf);
	model_check_alive(leaf);
	model_free(leaf);
}

static void is_told(void)
{
	prepare();
	model_thread(cancels_root, NULL);
	waits_and_finishes((void *)(uintptr_t)MODEL_TASK_LOOKS_AGAIN);
	finish();
}

static void gives_up(void)
{
	prepare();
	model_thread(cancels_root, NULL);
	waits_and_finishes((void *)(uintptr_t)MODEL_TASK_GIVES_UP);
	finish();
}

static void only_looks(void)
{
	prepare();
	model_thread(cancels_root, NULL);
	if (weft_cancel_token_is_cancelled(leaf))
		MODEL_CHECK(model_plain_read(&note) == 1);
	model_join_all();
	MODEL_CHECK(weft_cancel_token_is_cancelled(&middle) &&
			weft_cancel_token_is_cancelled(leaf));
	weft_cancel_token_finish(leaf);
	model_free(leaf);
	finish();
}

static void cancels_middle(void *unused)
{
	(void)unused;
	weft_cancel_token_cancel(&middle);
	MODEL_CHECK(weft_cancel_token_is_cancelled(&middle));
}

/* Both at once: the leaf is in the list of one of them. */
static void two_cancel(void)
{
	prepare();
	model_plain_write(&note, 1u);
	model_thread(cancels_middle, NULL);
	model_thread(waits_and_finishes, (void *)(uintptr_t)MODEL_TASK_STAYS);
	weft_cancel_token_cancel(&root);
	MODEL_CHECK(weft_cancel_token_is_cancelled(&middle));
	finish();
}

static void finishes_middle(void *unused)
{
	(void)unused;
	weft_cancel_token_finish(&middle);
}

static void parent_is_finished(void)
{
	prepare();
	model_thread(cancels_root, NULL);
	model_thread(finishes_middle, NULL);
	waits_and_finishes((void *)(uintptr_t)MODEL_TASK_STAYS);
	finish();
}

/* A child is made meanwhile: born cancelled, or told. */
static void is_born(void)
{
	struct weft_cancel_token *child;

	prepare();
	weft_cancel_token_finish(leaf);
	model_free(leaf);
	child = model_malloc(sizeof *child);
	model_thread(cancels_root, NULL);
	weft_cancel_token_init_child(child, &middle);
	MODEL_CHECK(wait_for(child, MODEL_TASK_STAYS) == 0);
	MODEL_CHECK(model_plain_read(&note) == 1);
	weft_cancel_token_finish(child);
	model_free(child);
	finish();
}

TEST(b37_nobody_below_is_forgotten)
{
	PASSES(is_told, 0);
	PASSES(gives_up, 0);
	PASSES(only_looks, 0);
	PASSES(is_born, 0);
}

TEST(b37_trees_may_change_while_they_are_cancelled)
{
	PASSES(two_cancel, 2);
	PASSES(parent_is_finished, 2);
}

TEST(cancel_token_needs_its_memory_orders)
{
	static void (*const worlds[])(void) = { only_looks, is_told };

	weaken_each("sync/cancel_token.c", worlds, COUNT(worlds), NULL, 0);
}
